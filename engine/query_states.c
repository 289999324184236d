#include "engine/query_states.h"

#include <stdlib.h>

#include "engine/share.h"
#include "io/connector/kafka/kafka.h"

#define REPEAT_NANOS INT64_C(300000000000)
#define COLLECT_NANOS INT64_C(3000000000)	/* for all questions together: what is not answered by then is left out */
#define VALID_MS 900000			/* of what is not repeated any more: its process is gone */

static const char *
topic_name(const Engine *engine, StrBuf *out)
{
	strbuf_printf(out, "_confluent-ksql-%squery_states", settings_text(engine->settings, "ksql.service.id"));
	return strbuf_text(out);
}

/* Of the processes that have left word, and are there. */
static const char *
presence_group(const Engine *engine, StrBuf *out)
{
	topic_name(engine, out);
	return strbuf_text(out);
}

/* ---- telling ---- */

/* Seen to be there, while word of it is valid.  A failure is not told: the word then counts for nothing. */
static void
be_present(Engine *engine, const Topic *topic)
{
	StrBuf group = {0};
	Error  ignored;

	pthread_mutex_lock(&engine->lock_presence);
	if (engine->presence == NULL)
		kafka_presence_join(engine->topics, presence_group(engine, &group), engine->member, topic, &engine->presence, &ignored);
	else
		kafka_presence_keep(engine->presence);
	pthread_mutex_unlock(&engine->lock_presence);
	strbuf_free(&group);
}

void
query_states_leave(Engine *engine)
{
	KafkaPresence *presence;

	pthread_mutex_lock(&engine->lock_presence);
	presence = engine->presence;
	engine->presence = NULL;
	pthread_mutex_unlock(&engine->lock_presence);
	kafka_presence_leave(presence);
}

static bool
has_told(Engine *engine)
{
	bool has_told = false;

	pthread_mutex_lock(&engine->lock_queries);
	for (Query *q = engine->queries; q != NULL && !has_told; q = q->next)
		has_told = q->told_at != 0;
	pthread_mutex_unlock(&engine->lock_queries);
	return has_told;
}

static Status
states_topic(Engine *engine, Topic **out, Error *err)
{
	TopicConfig config = {.n_partitions = 1, .retention_ms = -1, .is_compacted = true,
						  .n_replicas = (int)settings_int(engine->settings, "ksql.internal.topic.replicas")};
	StrBuf		name = {0};
	Status		status;

	topic_name(engine, &name);
	status = topics_find(engine->topics, strbuf_str(&name), out, err);
	if (status == OK && *out == NULL)
		status = topics_create(engine->topics, strbuf_str(&name), &config, out, err);
	strbuf_free(&name);
	return status;
}

/* Key: query and process, separated by a zero byte.  Value: the error. */
static void
tell(Engine *engine, const char *query_id, const char *text)
{
	StrBuf	   key = {0};
	Topic	  *topic;
	TopicUnit *unit;
	Error	   ignored;

	if (states_topic(engine, &topic, &ignored) == FAILED)
		return;
	if (text != NULL)
		be_present(engine, topic);
	strbuf_add(&key, query_id, strlen(query_id) + 1);
	strbuf_add_text(&key, engine->member);
	unit = topics_unit_new(engine->topics);
	topic_unit_append(unit, topic, 0, &(Record){.timestamp = env_now(engine->env), .key = strbuf_str(&key), .value = str_of(text != NULL ? text : ""),
												.value_is_null = text == NULL});
	topic_unit_commit(unit, &ignored);
	topic_unit_free(unit);
	strbuf_free(&key);
}

void
query_states_tell(Query *query, const char *text)
{
	if (query->share == NULL || (text == NULL && query->told_at == 0))
		return;
	tell(query->engine, query->id, text);
	query->told_at = text != NULL ? nanos_now() : 0;
	if (text == NULL && !has_told(query->engine))
		query_states_leave(query->engine);
}

void
query_states_repeat(Engine *engine)
{
	Arena		arena = {0};
	const char *id = NULL, *text = NULL;
	Nanos		now = nanos_now();

	for (Query *q = engine->queries; q != NULL && id == NULL && engine->on_kafka; q = q->next)
		if (q->state == QUERY_ERROR && q->told_at != 0 && now - q->told_at > REPEAT_NANOS) {
			q->told_at = now;
			id = arena_strdup(&arena, q->id);
			text = arena_strdup(&arena, q->error);
		}
	if (id != NULL) {
		pthread_mutex_unlock(&engine->lock_queries);
		tell(engine, id, text);
		pthread_mutex_lock(&engine->lock_queries);
	}
	arena_free(&arena);
}

/* ---- collecting ---- */

static const char *
host_of(Arena *arena, const char *member)
{
	const char *at = strchr(member, '@');

	return at != NULL ? arena_strdup(arena, at + 1) : NULL;
}

static void
add_state(QueryStates *out, const char *query_id, const char *host, const char *error)
{
	grow_array(out->items, out->n, out->capacity);
	out->items[out->n++] = (QueryElsewhere){query_id, host, error};
}

typedef struct Word {
	Str			key;
	const char *text;		/* NULL: taken back */
	Time		time;
} Word;

typedef struct Words {
	Arena *arena;
	int	   n;
	int	   capacity;
	Word  *items;
} Words;

static void
add_word(Words *words, const Record *record)
{
	int i = 0;

	while (i < words->n && !str_equal(words->items[i].key, record->key))
		i++;
	if (i == words->n) {
		grow_array(words->items, words->n, words->capacity);
		words->items[words->n++].key = str_make(str_to_arena(words->arena, record->key), record->key.length);
	}
	words->items[i].text = record->value_is_null ? NULL : str_to_arena(words->arena, record->value);
	words->items[i].time = record->timestamp;
}

static Status
read_words(Engine *engine, Words *words, Error *err)
{
	TopicRecords records = {0};
	TopicReader *reader = NULL;
	StrBuf		 name = {0};
	Topic		*topic = NULL;
	int64_t		 next, end = 0;
	Status		 status;

	topic_name(engine, &name);
	status = topics_find(engine->topics, strbuf_str(&name), &topic, err);
	strbuf_free(&name);
	if (status == FAILED || topic == NULL)
		return status;
	TRY(topics_ends(engine->topics, topic, 0, &next, &end, err));
	if (next >= end)
		return OK;
	TRY(topic_reader_open(engine->topics, topic, &reader, err));
	while (status != FAILED && next < end) {
		status = topic_reader_fetch(reader, 0, next, 0, 0, &records, err);
		for (int i = 0; status != FAILED && i < records.n_records; i++)
			add_word(words, &records.records[i]);
		next = records.next_offset > next ? records.next_offset : next;
		if (status == DONE && records.n_records == 0)
			break;
	}
	topic_records_free(&records);
	topic_reader_close(reader);
	return status;
}

static bool
is_member(const KafkaMember *members, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(members[i].client, name) == 0)
			return true;
	return false;
}

static void
collect_query(Engine *engine, Arena *arena, const char *query_id, const Words *words, const KafkaMember *present, int n_present, QueryStates *out)
{
	KafkaMember *members = NULL;
	int			 n = 0;
	char		*group = share_group_id(engine, query_id);
	Error		 ignored;

	if (kafka_group_describe(engine->topics, group, arena, &members, &n, &ignored) == FAILED)
		n = 0;
	free(group);
	for (int i = 0; i < n; i++)
		if (strcmp(members[i].client, engine->member) != 0)
			add_state(out, query_id, host_of(arena, members[i].client), NULL);
	for (int i = 0; i < words->n; i++) {
		const Word *word = &words->items[i];
		const char *member = word->key.data + strlen(word->key.data) + 1;

		if (word->text != NULL && strcmp(word->key.data, query_id) == 0 && env_now(engine->env) - word->time < VALID_MS
			&& strcmp(member, engine->member) != 0 && !is_member(members, n, member) && is_member(present, n_present, member))
			add_state(out, query_id, host_of(arena, member), word->text);
	}
}

void
query_states_collect(Engine *engine, Arena *arena, QueryStates *out)
{
	const CatalogSnapshot *catalog;
	Words				   words = {.arena = arena};
	Nanos				   until = nanos_now() + COLLECT_NANOS;
	KafkaMember			  *present = NULL;
	StrBuf				   group = {0};
	int					   n, n_present = 0;
	Error				   ignored;

	*out = (QueryStates){0};
	if (!engine->on_kafka || engine->topics == NULL || engine->is_sandbox)
		return;
	catalog = catalog_snapshot(engine->catalog);
	n = catalog_n_queries(catalog) > 0 && kafka_answers(engine->topics) ? catalog_n_queries(catalog) : 0;
	if (n > 0)
		read_words(engine, &words, &ignored);
	if (words.n > 0 && kafka_group_describe(engine->topics, presence_group(engine, &group), arena, &present, &n_present, &ignored) == FAILED)
		n_present = 0;
	strbuf_free(&group);
	for (int i = 0; i < n && nanos_now() < until; i++)
		collect_query(engine, arena, arena_strdup(arena, catalog_query_at(catalog, i)->id), &words, present, n_present, out);
	catalog_release(catalog);
	free(words.items);
}

void
query_states_free(QueryStates *states)
{
	free(states->items);
}

/* ---- counting ---- */

/* What is not an error or a pause is running. */
const char *
query_api_state(const Query *query)
{
	return query == NULL ? "UNRESPONSIVE" : query->state == QUERY_ERROR ? "ERROR" : query->state == QUERY_PAUSED ? "PAUSED" : "RUNNING";
}

static void
count_here(const Query *query, bool runs_elsewhere, QueryCounts *counts)
{
	const char *state = query_api_state(query);

	/* A process that takes no part has nothing to say where another one does. */
	if (query != NULL && query->share != NULL && !query->takes_part && runs_elsewhere)
		return;
	counts->n_running += strcmp(state, "RUNNING") == 0;
	counts->n_paused += strcmp(state, "PAUSED") == 0;
	counts->n_error += strcmp(state, "ERROR") == 0;
	counts->n_silent += query == NULL;
	if (strcmp(state, "ERROR") == 0)
		counts->error = query->error;
}

QueryCounts
query_states_count(const QueryStates *elsewhere, const char *id, const Query *query)
{
	QueryCounts counts = {0};

	for (int i = 0; elsewhere != NULL && i < elsewhere->n; i++) {
		const QueryElsewhere *other = &elsewhere->items[i];

		if (strcmp(other->query_id, id) != 0)
			continue;
		counts.n_running += other->error == NULL;
		counts.n_error += other->error != NULL;
		if (other->error != NULL)
			counts.error = other->error;
	}
	count_here(query, counts.n_running + counts.n_error > 0, &counts);
	return counts;
}
