/*
 * SHOW and DESCRIBE: what the catalog and the registries hold, as entities.  No text is laid out here.
 */
#include "engine/engine_impl.h"
#include "engine/live.h"
#include "engine/query_states.h"
#include "engine/share_status.h"
#include "engine/redact.h"
#include "parser/ast_mask.h"
#include "engine/entity.h"
#include "planner/bind/properties.h"

#include <stdlib.h>
#include <strings.h>

static const char *
kind_word(EntityKind kind)
{
	return kind == ENTITY_TABLE ? "TABLE" : kind == ENTITY_STREAM ? "STREAM" : "VIEW";
}

/* ---- SHOW ---- */

static int
compare_sources(const void *a, const void *b)
{
	return strcmp((*(const CatalogSource *const *)a)->name, (*(const CatalogSource *const *)b)->name);
}

/* Sources of a kind in order of their names; how many. */
static int
sorted_sources(Arena *arena, const CatalogSnapshot *catalog, EntityKind kind, const CatalogSource ***out)
{
	int n = 0;
	const CatalogSource **sorted = arena_array(arena, const CatalogSource *, catalog_n_sources(catalog) + 1);

	for (int i = 0; i < catalog_n_sources(catalog); i++)
		if (catalog_source_at(catalog, i)->kind == kind)
			sorted[n++] = catalog_source_at(catalog, i);
	qsort(sorted, (size_t)n, sizeof *sorted, compare_sources);
	*out = sorted;
	return n;
}

static void
show_sources(StatementContext *context, const CatalogSnapshot *catalog, EntityKind kind)
{
	Arena	 *arena = context->arena;
	JsonValue list = json_array();
	const CatalogSource **sorted;
	int		  n = sorted_sources(arena, catalog, kind, &sorted);
	const char *name = kind == ENTITY_TABLE ? "tables" : kind == ENTITY_STREAM ? "streams" : "views";

	for (int i = 0; i < n; i++) {
		const CatalogSource *s = sorted[i];
		JsonValue			 item = json_object();

		json_add(arena, &item, "type", json_string(kind_word(kind)));
		json_add(arena, &item, "name", json_string(s->name));
		if (kind != ENTITY_VIEW) {
			json_add(arena, &item, "topic", json_string(s->topic != NULL ? s->topic : s->path != NULL ? mask_address(arena, s->path) : ""));
			json_add(arena, &item, "keyFormat", json_string(s->key_format.format));
			json_add(arena, &item, "valueFormat", json_string(s->value_format.format));
			json_add(arena, &item, "isWindowed", json_bool(s->window.kind != WINDOW_NONE));
		}
		json_push(arena, &list, item);
	}
	statement_tell_list(context, name, name, list);
}

/* Queries that read a topic. */
static int
count_readers(const CatalogSnapshot *catalog, const char *topic)
{
	int n = 0;

	for (int i = 0; i < catalog_n_queries(catalog); i++) {
		const CatalogQuery *q = catalog_query_at(catalog, i);

		for (int k = 0; k < q->n_sources; k++) {
			const CatalogSource *source = catalog_source(catalog, str_of(q->sources[k]));

			if (source != NULL && source->topic != NULL && strcmp(source->topic, topic) == 0) {
				n++;
				break;
			}
		}
	}
	return n;
}

/* True if one of ksql.hidden.topics (names, or what they begin with and ".*") fits. */
static bool
topic_is_hidden(StatementContext *context, Str name)
{
	const char *patterns = settings_text(context->engine->settings, "ksql.hidden.topics");

	while (patterns != NULL && *patterns != '\0') {
		size_t n = strcspn(patterns, ",");
		bool   is_prefix = n >= 2 && memcmp(patterns + n - 2, ".*", 2) == 0;
		size_t length = is_prefix ? n - 2 : n;

		if (name.length >= length && memcmp(name.data, patterns, length) == 0 && (is_prefix || name.length == length))
			return true;
		patterns += n + (patterns[n] == ',');
	}
	return false;
}

static Status
show_topics(StatementContext *context, const CatalogSnapshot *catalog, bool extended, bool all, Error *err)
{
	Arena	 *arena = context->arena;
	JsonValue list = json_array();
	Topic	**topics;
	int		  n;

	TRY(engine_need_store(context->engine, err));
	TRY(topics_list(context->engine->topics, arena, &topics, &n, err));
	for (int i = 0; i < n; i++) {
		int		  partitions = topics[i]->config.n_partitions;
		int64_t	  records = 0;
		JsonValue item = json_object(), replicas = json_array();

		if (!all && topic_is_hidden(context, topics[i]->name))
			continue;
		for (int p = 0; p < partitions; p++) {
			int64_t begin = 0, end = 0;

			if (extended)
				TRY(topics_ends(context->engine->topics, topics[i], p, &begin, &end, err));
			records += end - begin;
			json_push(arena, &replicas, json_int(arena, topics[i]->config.n_replicas > 0 ? topics[i]->config.n_replicas : 1));
		}
		json_add(arena, &item, "name", json_string(topics[i]->name.data));
		json_add(arena, &item, "replicaInfo", replicas);
		if (extended) {
			int readers = count_readers(catalog, topics[i]->name.data);

			json_add(arena, &item, "consumerCount", json_int(arena, readers));
			json_add(arena, &item, "consumerGroupCount", json_int(arena, readers));
			json_add(arena, &item, "records", json_int(arena, records));
		}
		json_push(arena, &list, item);
	}
	statement_tell_list(context, extended ? "kafka_topics_extended" : "kafka_topics", "topics", list);
	return OK;
}

/* {"RUNNING": 2, "ERROR": 1}, and the same as text: "RUNNING:2,ERROR:1". */
static JsonValue
state_counts(Arena *arena, const QueryCounts *counts, const char **text)
{
	const struct {
		const char *name;
		int			n;
	} rows[] = {{"RUNNING", counts->n_running}, {"PAUSED", counts->n_paused}, {"ERROR", counts->n_error}, {"UNRESPONSIVE", counts->n_silent}};
	JsonValue object = json_object();

	*text = "";
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].n > 0) {
			json_add(arena, &object, rows[i].name, json_int(arena, rows[i].n));
			*text = arena_printf(arena, "%s%s%s:%d", *text, **text != '\0' ? "," : "", rows[i].name, rows[i].n);
		}
	if (strcmp(*text, "RUNNING:1") == 0)
		*text = "RUNNING";
	return object;
}

/* For people: the state here, unless there are others. */
static const char *
shown_status(const StatementContext *context, const Query *query, const QueryCounts *counts, const char *text)
{
	int n = counts->n_running + counts->n_paused + counts->n_error + counts->n_silent;

	if (context->elsewhere != NULL && n > 1)
		return text;
	return counts->n_error > 0 ? "ERROR" : query == NULL ? "UNKNOWN" : query_state_name(query->state);
}

/* Under lock_queries. */
static JsonValue
query_summary(StatementContext *context, const CatalogSnapshot *catalog, const CatalogQuery *entry)
{
	Arena				*arena = context->arena;
	Query				*query = query_find(context->engine, str_of(entry->id));
	const CatalogSource *sink = entry->sink != NULL ? catalog_source(catalog, str_of(entry->sink)) : NULL;
	JsonValue			 item = json_object(), sinks = json_array(), topics = json_array();
	QueryCounts			 counts = query_states_count(context->elsewhere, entry->id, query);
	const char			*state;
	JsonValue			 count = state_counts(arena, &counts, &state);

	if (entry->sink != NULL)
		json_push(arena, &sinks, json_string(entry->sink));
	if (sink != NULL && sink->topic != NULL)
		json_push(arena, &topics, json_string(sink->topic));
	json_add(arena, &item, "queryString", json_string(redact_shown(arena, entry->sql)));
	json_add(arena, &item, "sinks", sinks);
	json_add(arena, &item, "sinkKafkaTopics", topics);
	json_add(arena, &item, "id", json_string(entry->id));
	json_add(arena, &item, "statusCount", count);
	json_add(arena, &item, "queryType", json_string("PERSISTENT"));
	json_add(arena, &item, "state", json_string(state));
	json_add(arena, &item, "status", json_string(shown_status(context, query, &counts, state)));
	if (counts.error != NULL)
		json_add(arena, &item, "error", json_string(arena_strdup(arena, counts.error)));
	json_add(arena, &item, "rowsIn", json_int(arena, query != NULL ? query->rows_in : 0));
	json_add(arena, &item, "rowsOut", json_int(arena, query != NULL ? query->rows_out : 0));
	return item;
}

typedef struct LiveList {
	Arena	  *arena;
	JsonValue *list;
} LiveList;

static void
add_live_query(void *context, const char *id, Str sql)
{
	LiveList   *live = context;
	const char *text = redact_shown(live->arena, str_to_arena(live->arena, str_trim(sql)));
	JsonValue	item = json_object(), counts = json_object();

	json_add(live->arena, &counts, "RUNNING", json_int(live->arena, 1));
	json_add(live->arena, &item, "queryString", json_string(text));
	json_add(live->arena, &item, "sinks", json_array());
	json_add(live->arena, &item, "sinkKafkaTopics", json_array());
	json_add(live->arena, &item, "id", json_string(arena_strdup(live->arena, id)));
	json_add(live->arena, &item, "statusCount", counts);
	json_add(live->arena, &item, "queryType", json_string("PUSH"));
	json_add(live->arena, &item, "state", json_string("RUNNING"));
	json_push(live->arena, live->list, item);
}

static void
show_queries(StatementContext *context, const CatalogSnapshot *catalog)
{
	Engine	 *engine = context->engine;
	JsonValue list = json_array();

	pthread_mutex_lock(&engine->lock_queries);
	for (int i = 0; i < catalog_n_queries(catalog); i++)
		json_push(context->arena, &list, query_summary(context, catalog, catalog_query_at(catalog, i)));
	pthread_mutex_unlock(&engine->lock_queries);
	engine_live_visit(engine, add_live_query, &(LiveList){context->arena, &list});
	statement_tell_list(context, "queries", "queries", list);
}

static void
show_properties(StatementContext *context)
{
	Arena	 *arena = context->arena;
	JsonValue object = json_object(), list = json_array(), overwritten = json_array(), defaults = json_array();

	for (int i = 0; setting_at(i) != NULL; i++) {
		const Setting *s = setting_at(i);
		const char	  *value = settings_text(context->session->settings, s->name);
		bool		   is_set = settings_has(context->session->settings, s->name);
		JsonValue	   item = json_object();

		if (value != NULL && value[0] != '\0' && setting_is_secret(s->name))
			value = SETTING_MASK;
		json_add(arena, &item, "name", json_string(s->name));
		json_add(arena, &item, "scope", json_string(strncmp(s->name, "ksql.", 5) == 0 ? "KSQL" : "KAFKA"));
		json_add(arena, &item, "value", json_string(value != NULL ? value : ""));
		json_add(arena, &item, "editable", json_bool(s->scope == SCOPE_QUERY));
		json_add(arena, &item, "level", json_string(s->scope == SCOPE_QUERY ? "QUERY" : "SERVER"));
		json_add(arena, &item, "isSet", json_bool(is_set));
		json_add(arena, &item, "description", json_string(s->description));
		json_push(arena, &list, item);
		json_push(arena, is_set ? &overwritten : &defaults, json_string(s->name));
	}
	json_add(arena, &object, "properties", list);
	json_add(arena, &object, "overwrittenProperties", overwritten);
	json_add(arena, &object, "defaultProperties", defaults);
	statement_tell(context, "properties", &object);
}

static void
show_types(StatementContext *context, const CatalogSnapshot *catalog)
{
	JsonValue types = json_object();

	for (int i = 0; i < catalog_n_types(catalog); i++)
		json_add(context->arena, &types, catalog_type_at(catalog, i)->name, entity_type(context->arena, catalog_type_at(catalog, i)->type));
	statement_tell_list(context, "type_list", "types", types);
}

static void
show_variables(StatementContext *context)
{
	JsonValue list = json_array();

	for (int i = 0; i < context->session->n_variables; i++) {
		JsonValue item = json_object();

		json_add(context->arena, &item, "name", json_string(context->session->variables[2 * i]));
		json_add(context->arena, &item, "value", json_string(context->session->variables[2 * i + 1]));
		json_push(context->arena, &list, item);
	}
	statement_tell_list(context, "variables", "variables", list);
}

static void describe_all(StatementContext *context, const CatalogSnapshot *catalog, EntityKind kind, bool extended);
static void describe_queries(StatementContext *context, const CatalogSnapshot *catalog);

Status
show_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstShow		  *show = &statement->show;
	const CatalogSnapshot *catalog;
	QueryStates			   elsewhere = {0};
	Status				   status = OK;

	if (show->object != AST_OBJECT_FUNCTION && show->object != AST_OBJECT_PROPERTY && show->object != AST_OBJECT_VARIABLE)
		TRY(engine_need_store(context->engine, err));
	if (show->object == AST_OBJECT_QUERY || show->is_extended)
		query_states_collect(context->engine, context->arena, &elsewhere);
	context->elsewhere = &elsewhere;
	catalog = catalog_snapshot(context->engine->catalog);
	switch (show->object) {
	case AST_OBJECT_STREAM:
	case AST_OBJECT_TABLE:
	case AST_OBJECT_VIEW: {
		EntityKind kind = show->object == AST_OBJECT_STREAM ? ENTITY_STREAM : show->object == AST_OBJECT_TABLE ? ENTITY_TABLE : ENTITY_VIEW;

		if (show->is_extended)
			describe_all(context, catalog, kind, true);
		else
			show_sources(context, catalog, kind);
		break;
	}
	case AST_OBJECT_TOPIC:
		status = show_topics(context, catalog, show->is_extended, show->is_all, err);
		break;
	case AST_OBJECT_QUERY:
		if (show->is_extended)
			describe_queries(context, catalog);
		else
			show_queries(context, catalog);
		break;
	case AST_OBJECT_FUNCTION:
		show_functions(context);
		break;
	case AST_OBJECT_PROPERTY:
		show_properties(context);
		break;
	case AST_OBJECT_TYPE:
		show_types(context, catalog);
		break;
	case AST_OBJECT_VARIABLE:
		show_variables(context);
		break;
	default:
		status = error_user(err, "Failed to reach Kafka Connect: no worker is configured");
	}
	catalog_release(catalog);
	context->elsewhere = NULL;
	query_states_free(&elsewhere);
	return status;
}

/* ---- DESCRIBE ---- */

/* Offsets of every partition and what the readers' groups have committed: one entry a reading query. */
static JsonValue
offset_summaries(StatementContext *context, const CatalogSnapshot *catalog, const CatalogSource *source, int64_t *n_records)
{
	Arena	   *arena = context->arena;
	Topic	   *topic = NULL;
	JsonValue	list = json_array();
	int			n = 0;
	int64_t	   *begins, *ends, *positions;
	Error		ignored;

	*n_records = 0;
	if (source->topic != NULL && engine_topic(context->engine, source->topic, &topic, &ignored) == OK && topic != NULL)
		n = topic->config.n_partitions;
	begins = arena_array(arena, int64_t, n + 1);
	ends = arena_array(arena, int64_t, n + 1);
	positions = arena_array(arena, int64_t, n + 1);
	for (int p = 0; p < n; p++)
		if (topics_ends(context->engine->topics, topic, p, &begins[p], &ends[p], &ignored) == OK)
			*n_records += ends[p];
	for (int i = 0; n > 0 && i < catalog_n_queries(catalog); i++) {
		const CatalogQuery *q = catalog_query_at(catalog, i);
		bool				reads = false;
		JsonValue			offsets = json_array(), summary = json_object(), topics = json_array(), group = json_object();

		for (int k = 0; k < q->n_sources; k++)
			reads = reads || strcmp(q->sources[k], source->name) == 0;
		if (reads)
			query_positions(context->engine, q->id, source->topic, topic, positions);
		for (int p = 0; reads && p < n; p++) {
			JsonValue item = json_object();

			json_add(arena, &item, "partition", json_int(arena, p));
			json_add(arena, &item, "logStartOffset", json_int(arena, begins[p]));
			json_add(arena, &item, "logEndOffset", json_int(arena, ends[p]));
			json_add(arena, &item, "consumerOffset", json_int(arena, positions[p]));
			json_push(arena, &offsets, item);
		}
		if (!reads)
			continue;
		json_add(arena, &summary, "kafkaTopic", json_string(source->topic));
		json_add(arena, &summary, "offsets", offsets);
		json_push(arena, &topics, summary);
		json_add(arena, &group, "groupId", json_string(arena_printf(arena, "_confluent-ksql-%squery_%s",
																	settings_text(context->engine->settings, "ksql.service.id"), q->id)));
		json_add(arena, &group, "topicSummaries", topics);
		json_push(arena, &list, group);
	}
	return list;
}

static const char *
window_text(Arena *arena, const WindowSpec *window)
{
	StrBuf		text = {0};
	const char *result;

	if (window->kind == WINDOW_NONE)
		return NULL;
	window_print(window, &text);
	result = arena_strdup(arena, strbuf_text(&text));
	strbuf_free(&text);
	return result;
}

/* Names of what blocks a DROP: queries' sinks that read it. */
static JsonValue
source_constraints(Arena *arena, const CatalogSnapshot *catalog, const CatalogSource *source)
{
	JsonValue names = json_array();

	for (int i = 0; i < catalog_n_queries(catalog); i++) {
		const CatalogQuery *q = catalog_query_at(catalog, i);

		for (int k = 0; q->kind != QUERY_INSERT && q->sink != NULL && k < q->n_sources; k++)
			if (strcmp(q->sources[k], source->name) == 0)
				json_push(arena, &names, json_string(q->sink));
	}
	return names;
}

/* What this process knows of the work of a query; the time is of the last rows that it took.  Under lock_queries. */
static void
query_statistics(StatementContext *context, const Query *query, JsonValue *list)
{
	Arena  *arena = context->arena;
	int64_t epochs = query->epochs;
	int64_t idle_ms = (nanos_now() - query->last_rows) / 1000000;
	const struct {
		const char *name;
		int64_t		value;
	} figures[] = {
		{"rows-in", query->rows_in},		{"rows-out", query->rows_out},
		{"errors", query->bad_rows},		{"late-rows", query->late_rows},
		{"state-rows", query->state_rows},	{"busy-ms", query->busy_nanos / 1000000},
		{"commits", epochs},				{"commit-us-mean", epochs > 0 ? query->commit_nanos / epochs / 1000 : 0},
		{"restore-ms", query->load_nanos / 1000000}, {"restored-records", query->restored_records},
	};

	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
		JsonValue item = json_object();

		json_add(arena, &item, "host", json_string(context->engine->host));
		json_add(arena, &item, "name", json_string(arena_printf(arena, "%s %s", query->id, figures[i].name)));
		json_add(arena, &item, "value", json_int(arena, figures[i].value));
		json_add(arena, &item, "timestamp", query->last_rows != 0 ? json_int(arena, env_now(context->engine->env) - idle_ms) : json_null());
		json_push(arena, list, item);
	}
}

static JsonValue
describe_source(StatementContext *context, const CatalogSnapshot *catalog, const CatalogSource *source, bool extended)
{
	Arena	 *arena = context->arena;
	JsonValue object = json_object(), reads = json_array(), writes = json_array(), fields, offsets = json_array(), statistics = json_array();
	int64_t	  n_records = 0;
	const char *standby = NULL;

	fields = entity_fields(arena, source->schema, source->schema != NULL ? source->schema->n_key : 0);
	for (int i = 0; i < source->n_headers; i++)
		json_push(arena, &fields, entity_field(arena, source->headers[i].name, source->headers[i].type, "HEADER", source->headers[i].header));
	pthread_mutex_lock(&context->engine->lock_queries);
	for (int i = 0; i < catalog_n_queries(catalog); i++) {
		const CatalogQuery *q = catalog_query_at(catalog, i);
		const Query		   *query = query_find(context->engine, str_of(q->id));

		for (int k = 0; k < q->n_sources; k++)
			if (strcmp(q->sources[k], source->name) == 0)
				json_push(arena, &reads, query_summary(context, catalog, q));
		if (q->sink == NULL || strcmp(q->sink, source->name) != 0)
			continue;
		json_push(arena, &writes, query_summary(context, catalog, q));
		if (extended && query != NULL)
			query_statistics(context, query, &statistics);
		if (extended && standby == NULL)
			standby = share_standby_text(query, arena);
	}
	pthread_mutex_unlock(&context->engine->lock_queries);
	if (extended)
		offsets = offset_summaries(context, catalog, source, &n_records);
	json_add(arena, &object, "name", json_string(source->name));
	json_add(arena, &object, "windowType", source->window.kind != WINDOW_NONE ? json_string(window_kind_name(source->window.kind)) : json_null());
	json_add(arena, &object, "readQueries", reads);
	json_add(arena, &object, "writeQueries", writes);
	json_add(arena, &object, "fields", fields);
	json_add(arena, &object, "type", json_string(kind_word(source->kind)));
	json_add(arena, &object, "timestamp", json_string(source->timestamp_column != NULL ? source->timestamp_column : ""));
	json_add(arena, &object, "statistics", json_string(""));
	json_add(arena, &object, "errorStats", json_string(""));
	json_add(arena, &object, "extended", json_bool(extended));
	json_add(arena, &object, "keyFormat", json_string(source->key_format.format));
	json_add(arena, &object, "valueFormat", json_string(source->value_format.format));
	json_add(arena, &object, "topic", json_string(source->topic != NULL ? source->topic : source->path != NULL ? mask_address(arena, source->path) : ""));
	json_add(arena, &object, "partitions", json_int(arena, extended && source->topic != NULL ? source->n_partitions : 0));
	json_add(arena, &object, "replication", json_int(arena, extended && source->topic != NULL ? 1 : 0));
	json_add(arena, &object, "statement", json_string(source->sql != NULL ? redact_shown(arena, source->sql) : ""));
	json_add(arena, &object, "queryOffsetSummaries", offsets);
	json_add(arena, &object, "sourceConstraints", source_constraints(arena, catalog, source));
	json_add(arena, &object, "clusterStatistics", statistics);
	json_add(arena, &object, "clusterErrorStats", json_array());
	json_add(arena, &object, "dialect", json_string(source->standard ? "standard" : "ksqldb"));
	json_add(arena, &object, "path", json_string(source->path != NULL ? mask_address(arena, source->path) : NULL));
	json_add(arena, &object, "window", json_string(window_text(arena, &source->window)));
	json_add(arena, &object, "ttlMs", source->ttl_ms > 0 ? json_int(arena, source->ttl_ms) : json_null());
	if (standby != NULL)
		json_add(arena, &object, "standbyCopies", json_string(standby));
	json_add(arena, &object, "records", source->topic != NULL && extended ? json_int(arena, n_records) : json_null());
	return object;
}

static void
describe_all(StatementContext *context, const CatalogSnapshot *catalog, EntityKind kind, bool extended)
{
	JsonValue			  list = json_array();
	const CatalogSource **sorted;
	int					  n = sorted_sources(context->arena, catalog, kind, &sorted);

	for (int i = 0; i < n; i++)
		json_push(context->arena, &list, describe_source(context, catalog, sorted[i], extended));
	statement_tell_list(context, "source_descriptions", "sourceDescriptions", list);
}

/* Under lock_queries. */
JsonValue
query_description(StatementContext *context, const CatalogSnapshot *catalog, const char *id, const char *sql, const char *plan_text,
				  const Plan *plan, const CatalogQuery *entry)
{
	Arena	 *arena = context->arena;
	Query	 *query = entry != NULL ? query_find(context->engine, str_of(entry->id)) : NULL;
	JsonValue object = json_object(), sources = json_array(), sinks = json_array(), properties = json_object(), hosts = json_object(),
			  errors = json_array();
	const CatalogSource *sink = entry != NULL && entry->sink != NULL ? catalog_source(catalog, str_of(entry->sink)) : NULL;

	for (int i = 0; entry != NULL && i < entry->n_sources; i++)
		json_push(arena, &sources, json_string(entry->sources[i]));
	if (entry != NULL && entry->sink != NULL)
		json_push(arena, &sinks, json_string(entry->sink));
	for (int i = 0; entry != NULL && i < entry->n_properties; i++)
		json_add(arena, &properties, entry->properties[2 * i], json_string(entry->properties[2 * i + 1]));
	if (entry != NULL)
		json_add(arena, &hosts, context->engine->host, json_string(query_api_state(query)));
	for (int i = 0; entry != NULL && context->elsewhere != NULL && i < context->elsewhere->n; i++) {
		const QueryElsewhere *other = &context->elsewhere->items[i];

		if (other->host != NULL && strcmp(other->query_id, entry->id) == 0)
			json_add(arena, &hosts, other->host, json_string(other->error != NULL ? "ERROR" : "RUNNING"));
	}
	for (int i = 0; query != NULL && i < query->failures.n; i++) {
		const QueryFailure *failure = &query->failures.items[i];
		JsonValue			item = json_object();

		json_add(arena, &item, "timestamp", json_int(arena, failure->time));
		json_add(arena, &item, "errorMessage", json_string(arena_strdup(arena, failure->text)));
		json_add(arena, &item, "type", json_string(query_failure_type(failure->class)));
		json_push(arena, &errors, item);
	}
	json_add(arena, &object, "id", json_string(id));
	json_add(arena, &object, "statementText", json_string(redact_shown(arena, sql)));
	json_add(arena, &object, "windowType", plan != NULL && plan->window.kind != WINDOW_NONE ? json_string(window_kind_name(plan->window.kind)) : json_null());
	json_add(arena, &object, "fields", plan != NULL ? entity_fields(arena, plan->schema, 0)
									   : entity_fields(arena, sink != NULL ? sink->schema : NULL, sink != NULL ? sink->schema->n_key : 0));
	json_add(arena, &object, "sources", sources);
	json_add(arena, &object, "sinks", sinks);
	json_add(arena, &object, "topology", json_string(plan_text));
	json_add(arena, &object, "executionPlan", json_string(plan_text));
	json_add(arena, &object, "overriddenProperties", properties);
	json_add(arena, &object, "ksqlHostQueryStatus", hosts);
	json_add(arena, &object, "queryType", json_string(entry != NULL ? "PERSISTENT" : "PUSH"));
	json_add(arena, &object, "queryErrors", errors);
	json_add(arena, &object, "tasksMetadata", json_array());
	json_add(arena, &object, "consumerGroupId",
			 json_string(arena_printf(arena, "_confluent-ksql-%squery_%s", settings_text(context->engine->settings, "ksql.service.id"), id)));
	json_add(arena, &object, "state", json_string(query != NULL ? query_api_state(query) : "NOT_RUNNING"));
	return object;
}

static void
describe_queries(StatementContext *context, const CatalogSnapshot *catalog)
{
	Engine	 *engine = context->engine;
	JsonValue list = json_array();

	pthread_mutex_lock(&engine->lock_queries);
	for (int i = 0; i < catalog_n_queries(catalog); i++) {
		const CatalogQuery *entry = catalog_query_at(catalog, i);
		Query			   *query = query_find(engine, str_of(entry->id));
		StrBuf				text = {0};

		if (query != NULL)
			plan_explain(query->persistent.plan, NULL, 0, &text);
		json_push(context->arena, &list, query_description(context, catalog, entry->id, entry->sql,
														   arena_strdup(context->arena, strbuf_text(&text)), NULL, entry));
		strbuf_free(&text);
	}
	pthread_mutex_unlock(&engine->lock_queries);
	statement_tell_list(context, "query_descriptions", "queryDescriptions", list);
}

/* ---- files and queries ---- */

/* DESCRIBE 'file': what inference finds. */
static Status
describe_file_path(StatementContext *context, const AstDescribe *describe, Error *err)
{
	Arena		*arena = context->arena;
	const char **options = arena_array(arena, const char *, 2 * describe->n_properties + 1);
	FileSpec	*file;
	JsonValue	 object = json_object(), fields = json_array();

	for (int i = 0; i < describe->n_properties; i++) {
		options[2 * i] = describe->properties[i].name;
		options[2 * i + 1] = property_text(describe->properties[i].value);
	}
	planner_context_init(&context->planner, context->engine, arena, NULL, context->session->settings, context->standard);
	TRY(bind_file(&context->planner, describe->path, options, describe->n_properties, &file, err));
	TRY(file_describe(arena, file, !context->standard, err));
	for (int c = 0; c < file->n_columns; c++)
		json_push(arena, &fields, entity_field(arena, file->columns[c].name, file->columns[c].type, NULL, NULL));
	json_add(arena, &object, "path", json_string(file->path));
	json_add(arena, &object, "format", json_string(file->format));
	json_add(arena, &object, "compression", json_string(file->compression));
	json_add(arena, &object, "fields", fields);
	statement_tell(context, "fileDescription", &object);
	return OK;
}

static Status
describe_query(StatementContext *context, const AstQuery *query, Error *err)
{
	const CatalogSnapshot *snapshot = NULL;
	JsonValue			   object = json_object();
	Plan				  *plan;
	Status				   status = select_plan(context, query, &snapshot, &plan, err);

	if (status == OK) {
		json_add(context->arena, &object, "type", json_string(plan->result_is_table ? "TABLE" : "STREAM"));
		json_add(context->arena, &object, "fields", entity_fields(context->arena, plan->schema, plan->schema->n_key));
		statement_tell_list(context, "sourceDescription", "sourceDescription", object);
	}
	catalog_release(snapshot);
	return status;
}

Status
describe_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstDescribe	  *describe = &statement->describe;
	const CatalogSnapshot *catalog;
	const CatalogSource	  *source;
	QueryStates			   elsewhere = {0};
	Status				   status = OK;

	if (describe->object == AST_OBJECT_FUNCTION)
		return describe_function(context, describe, err);
	if (describe->object == AST_OBJECT_FILE)
		return describe_file_path(context, describe, err);
	if (describe->object == AST_OBJECT_STATEMENT)
		return describe_query(context, describe->query, err);
	if (describe->object == AST_OBJECT_CONNECTOR)
		return error_user(err, "Failed to reach Kafka Connect: no worker is configured");
	TRY(engine_need_store(context->engine, err));
	query_states_collect(context->engine, context->arena, &elsewhere);
	context->elsewhere = &elsewhere;
	catalog = catalog_snapshot(context->engine->catalog);
	planner_context_init(&context->planner, context->engine, context->arena, catalog, context->session->settings, context->standard);
	if (describe->is_list)
		describe_all(context, catalog, describe->object == AST_OBJECT_TABLE ? ENTITY_TABLE : ENTITY_STREAM, describe->is_extended);
	else {
		status = bind_source_name(&context->planner, describe->name, &source, err);
		if (status == OK)
			statement_tell_list(context, "sourceDescription", "sourceDescription", describe_source(context, catalog, source, describe->is_extended));
	}
	catalog_release(catalog);
	context->elsewhere = NULL;
	query_states_free(&elsewhere);
	return status;
}
