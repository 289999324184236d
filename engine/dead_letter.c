#include "engine/dead_letter.h"

#include <stdio.h>
#include <stdlib.h>

#include "exec/op/scan.h"

#define SETTING "errors.dead.letter.queue.topic.name"
#define PREFIX "__streams.errors."
#define N_OWN 6		/* headers that are added */

/* On its way: not written before the query's position is behind it. */
struct DeadLetter {
	const char *input;
	int			partition;
	int64_t		offset;
	Record		record;
};

static const char *
topic_name(const Query *query)
{
	const char *name = settings_text(query->settings, SETTING);

	return name != NULL && name[0] != '\0' ? name : NULL;
}

Status
dead_letters_prepare(const Query *query, Error *err)
{
	const char *name = topic_name(query);
	TopicConfig config = {.n_partitions = 1, .retention_ms = -1, .n_replicas = (int)settings_int(query->settings, "ksql.internal.topic.replicas")};
	Topic	   *topic;

	if (name == NULL)
		return OK;
	TRY(engine_topic(query->engine, name, &topic, err));
	return topic != NULL ? OK : topics_create(query->engine->topics, str_of(name), &config, &topic, err);
}

void
dead_letters_open(Query *query)
{
	const Plan *plan = query->persistent.plan;

	query->letters.topic_name = topic_name(query);
	/* What reads dead letters would write its own for ever. */
	for (int i = 0; i < plan->n_sources && query->letters.topic_name != NULL; i++) {
		const SourceSpec *source = ((const ScanSpec *)plan->sources[i]->spec)->source;

		if (source->kind == SOURCE_TOPIC && strcmp(source->topic->name, query->letters.topic_name) == 0)
			query->letters.topic_name = NULL;
	}
}

static Str
copy_text(Arena *arena, Str text)
{
	return str_make(str_to_arena(arena, text), text.length);
}

static RecordHeader
own_header(Arena *arena, const char *name, const char *value)
{
	return (RecordHeader){.key = str_of(arena_printf(arena, PREFIX "%s", name)), .value = str_of(arena_strdup(arena, value))};
}

/* The record with its own headers and ours. */
static void
copy_record(Arena *arena, const Record *from, Record *to)
{
	RecordHeader *headers = arena_array(arena, RecordHeader, from->n_headers + N_OWN);

	*to = *from;
	to->key = copy_text(arena, from->key);
	to->value = copy_text(arena, from->value);
	for (int i = 0; i < from->n_headers; i++)
		headers[i] = (RecordHeader){.key = copy_text(arena, from->headers[i].key), .value = copy_text(arena, from->headers[i].value),
									.value_is_null = from->headers[i].value_is_null};
	to->headers = headers;
}

static void
add_headers(Query *query, Record *record, const char *where, int32_t partition, int64_t offset, const char *kind, const char *reason)
{
	Arena		 *arena = &query->letters.arena;
	RecordHeader *to = (RecordHeader *)record->headers + record->n_headers;
	char		  number[32];

	*to++ = own_header(arena, "topic", where);
	snprintf(number, sizeof number, "%d", partition);
	*to++ = own_header(arena, "partition", number);
	snprintf(number, sizeof number, "%lld", (long long)offset);
	*to++ = own_header(arena, "offset", number);
	*to++ = own_header(arena, "exception", kind);
	*to++ = own_header(arena, "message", reason);
	*to++ = own_header(arena, "query", query->id);
	record->n_headers += N_OWN;
}

/* A topic that is read twice has its letters once. */
static bool
is_first_reader(const SourceSpec *source)
{
	return source->name != NULL && source->input != NULL && strcmp(source->name, source->input) == 0;
}

void
dead_letters_add(Query *query, int32_t partition, int64_t offset, const char *kind, const char *reason, Str raw)
{
	DeadLetters		 *self = &query->letters;
	const SourceSpec *source = NULL;
	const Record	 *found;
	Record			  line = {.timestamp = env_now(query->engine->env), .value = raw, .key_is_null = true};
	DeadLetter		 *letter;

	if (self->topic_name == NULL || query->run_at_work == NULL)
		return;
	found = stream_run_record(query->run_at_work, partition, offset, &source);
	if (found == NULL && source != NULL && source->kind == SOURCE_FILE && raw.length > 0)
		found = &line;
	if (found == NULL || !is_first_reader(source))
		return;
	letter = arena_new(&self->arena, DeadLetter);
	*letter = (DeadLetter){.input = source->input, .partition = partition, .offset = offset};
	copy_record(&self->arena, found, &letter->record);
	add_headers(query, &letter->record, source->topic != NULL ? source->topic->name : source->name, partition, offset, kind, reason);
	grow_array(self->items, self->n, self->capacity);
	self->items[self->n++] = letter;
}

static void
write_letter(Query *query, const Record *record)
{
	DeadLetters *self = &query->letters;
	Topic		*topic = NULL;
	Error		 err;

	if (engine_topic(query->engine, self->topic_name, &topic, &err) == OK && topic == NULL) {
		error_fatal(&err, "The topic %s of dead letters does not exist", self->topic_name);
		error_hint(&err, "Create it again, or create the query again with another " SETTING ".");
	}
	if (topic == NULL) {
		self->failure = err;
		self->has_failed = true;
	} else
		topic_unit_append(query->unit, topic, (int)((uint64_t)record->offset % (uint64_t)topic->config.n_partitions), record);
}

static int
compare_letters(const void *a, const void *b)
{
	int64_t x = (*(DeadLetter *const *)a)->offset, y = (*(DeadLetter *const *)b)->offset;

	return (x > y) - (x < y);
}

/* Those of one partition: in its order, and a record of which several expressions failed once. */
static void
write_letters(Query *query, DeadLetter **letters, int n)
{
	qsort(letters, (size_t)n, sizeof *letters, compare_letters);
	for (int i = 0; i < n; i++)
		if (i == 0 || letters[i]->offset != letters[i - 1]->offset)
			write_letter(query, &letters[i]->record);
}

void
dead_letters_reach(Query *query, const char *input, int partition, int64_t position)
{
	DeadLetters *self = &query->letters;
	DeadLetter **reached;
	int			 n = self->n, n_reached = 0;

	if (n == 0 || input == NULL)
		return;
	reached = arena_array(&self->arena, DeadLetter *, n);
	self->n = 0;
	for (int i = 0; i < n; i++) {
		DeadLetter *letter = self->items[i];

		if (letter->partition == partition && letter->offset < position && strcmp(letter->input, input) == 0)
			reached[n_reached++] = letter;
		else
			self->items[self->n++] = letter;
	}
	write_letters(query, reached, n_reached);
	if (self->n == 0)
		arena_reset(&self->arena);
}

Status
dead_letters_check(Query *query, Error *err)
{
	if (!query->letters.has_failed)
		return OK;
	*err = query->letters.failure;
	return FAILED;
}

void
dead_letters_forget(Query *query)
{
	free(query->letters.items);
	query->letters.items = NULL;
	query->letters.n = query->letters.capacity = 0;
	query->letters.has_failed = false;
	arena_free(&query->letters.arena);
}
