#include "engine/test_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "data/json_text.h"
#include "data/key.h"
#include "engine/engine_impl.h"
#include "engine/test_json.h"
#include "exec/op/aggregate.h"
#include "exec/op/limit.h"
#include "exec/op/scan.h"
#include "io/schema_registry.h"

#define NOT_AN_INPUT ((int64_t)1 << 40)		/* order of rows that are not among the case's inputs: behind all of them */

typedef struct TestTopic {
	const char *name;
	int			n_partitions;
} TestTopic;

/* End offsets of all topics at one moment. */
typedef struct TestEnds {
	int			n;
	const char **names;
	int64_t	   *offsets;
} TestEnds;

typedef struct TestQuery {
	const char *id;
	Query	   *query;
	int	   statement;
	TestEnds	start;			/* scripts: where it begins to read */
} TestQuery;

/* A topic that the case's inputs are written to: the place of each record among all inputs, by partition and offset. */
typedef struct TestInputTopic {
	const char *name;
	StoreTopic *topic;
	int			n_partitions;
	int64_t	  **places;
	int64_t	   *n_places;
} TestInputTopic;

typedef struct TestSelect {
	const char *sql;
	int			statement;
	bool		is_latest;
	TestEnds	ends;			/* when the statement was reached */
} TestSelect;

typedef struct TestRun {
	TestHooks	   hooks;		/* first: the hooks are the run */
	const TestRunOptions *options;
	Arena		   arena;
	Env			   env;
	Engine		  *engine;
	SchemaRegistry *registry;
	Session		  *session;
	Store		  *inputs;		/* the case's inputs, as topics of their own */
	Topics		  *input_topics;
	SourceContext  input_sources;
	SourceContext  output_sources;
	JsonValue	   input_json;
	bool		   has_inputs;
	bool		   inputs_after_query;
	int			   n_topics;
	TestTopic	  *topics;
	int			   n_queries;
	int			   query_capacity;
	TestQuery	  *queries;
	Query		  *query_in_hand;
	int			   n_selects;
	int			   select_capacity;
	TestSelect	  *selects;
	int			   n_written;
	TestInputTopic *written;
	int			   n_snapshots;		/* the catalog after each statement, newest last */
	int			   snapshot_capacity;
	const CatalogSnapshot **snapshots;
	int			   n_assertions;
	TestCursor	  *cursors;			/* of ASSERT VALUES, by topic */
	int			   failed_statement;
	StrBuf		   responses;
	const char	  *row_error;
} TestRun;

/* The wall clock of a case stands still at 2024-01-01; only records move time. */
static Time
stopped_clock(const Env *env)
{
	(void)env;
	return INT64_C(1704067200000);
}

static uint64_t
counting_random(const Env *env)
{
	uint64_t *state = env->context;

	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state;
}

/* ---- the case's topics and inputs ---- */

/* A topic that the case does not list exists too, with 4 partitions unless a statement says how many. */
static int
case_partitions(void *context, const char *topic)
{
	const TestRun *run = context;

	for (int i = 0; i < run->n_topics; i++)
		if (strcmp(run->topics[i].name, topic) == 0)
			return run->topics[i].n_partitions;
	return -4;
}

static int64_t
input_order(void *context, const SourceSpec *source, int partition, int64_t offset, Time time)
{
	const TestRun *run = context;

	(void)time;
	for (int i = 0; i < run->n_written; i++)
		if (strcmp(run->written[i].name, source->topic->name) == 0)
			return run->written[i].places[partition][offset];
	return NOT_AN_INPUT + offset;
}

static bool
topic_is_input(const TestRun *run, const char *name)
{
	for (int i = 0; i < run->n_written; i++)
		if (strcmp(run->written[i].name, name) == 0)
			return true;
	return false;
}

static const SourceContext *
sources_for(void *context, const SourceSpec *source)
{
	TestRun *run = context;

	return source->kind == SOURCE_TOPIC && topic_is_input(run, source->topic->name) ? &run->input_sources : &run->output_sources;
}

/* The newest source that ever stood for a topic: it says how bytes are shown. */
const CatalogSource *
test_source_of_topic(const CatalogSnapshot *const *snapshots, int n_snapshots, const char *topic)
{
	for (int s = n_snapshots; s-- > 0;)
		for (int i = 0; i < catalog_n_sources(snapshots[s]); i++) {
			const CatalogSource *source = catalog_source_at(snapshots[s], i);

			if (source->topic != NULL && strcmp(source->topic, topic) == 0)
				return source;
		}
	return NULL;
}

static const CatalogSource *
source_of_topic(const TestRun *run, const char *topic)
{
	return test_source_of_topic(run->snapshots, run->n_snapshots, topic);
}

static void
remember_catalog(TestRun *run)
{
	grow_array(run->snapshots, run->n_snapshots, run->snapshot_capacity);
	run->snapshots[run->n_snapshots++] = catalog_snapshot(run->engine->catalog);
}

/* Where SELECTs look, records are spread over partitions as a producer does it; else one has them all. */
static Status
input_topic(TestRun *run, const char *name, const CatalogSource *source, uint32_t n_inputs, TestInputTopic **out, Error *err)
{
	TestInputTopic *new;

	for (int i = 0; i < run->n_written; i++)
		if (strcmp(run->written[i].name, name) == 0) {
			*out = &run->written[i];
			return OK;
		}
	new = &run->written[run->n_written++];
	new->name = name;
	new->n_partitions = run->n_selects > 0 && source != NULL && source->n_partitions > 0 ? source->n_partitions : 1;
	new->places = arena_array(&run->arena, int64_t *, new->n_partitions);
	new->n_places = arena_array(&run->arena, int64_t, new->n_partitions);
	for (int p = 0; p < new->n_partitions; p++)
		new->places[p] = arena_array(&run->arena, int64_t, n_inputs);
	*out = new;
	return store_topic_create(run->inputs, str_of(name), &(StoreTopicConfig){.n_partitions = new->n_partitions, .retention_ms = -1},
							  &new->topic, err);
}

static Status
load_inputs(TestRun *run, Error *err)
{
	const JsonValue *inputs = json_member(&run->input_json, STR("inputs"));
	uint32_t		 n = inputs != NULL ? inputs->n : 0;
	StoreUnit		*unit = store_unit_new(run->inputs);
	Status			 status = OK;

	run->written = arena_array(&run->arena, TestInputTopic, n + 1);
	for (uint32_t i = 0; i < n; i++) {
		const JsonValue *record = &inputs->elements[i];
		const JsonValue *topic = json_member(record, STR("topic"));
		const char		*name = topic != NULL ? str_to_arena(&run->arena, topic->text) : "";
		const CatalogSource *source = source_of_topic(run, name);
		TestInputTopic	*to;
		Record			 bytes;
		int				 partition;

		TRY_OUT(input_topic(run, name, source, n, &to, err));
		TRY_OUT(test_record_encode(&run->arena, run->engine, record, source, &bytes, err));
		partition = to->n_partitions > 1 && !bytes.key_is_null ? key_partition(bytes.key, to->n_partitions) : 0;
		to->places[partition][to->n_places[partition]++] = i;
		store_unit_append(unit, to->topic, partition, &bytes);
	}
	status = store_commit(run->inputs, unit, err);
out:
	store_unit_free(unit);
	return status;
}

/* ---- persistent queries ---- */

static TestEnds
topic_ends(TestRun *run)
{
	StoreTopic **topics;
	TestEnds	 ends = {.n = store_topic_list(run->engine->store, &run->arena, &topics)};

	ends.names = arena_array(&run->arena, const char *, ends.n + 1);
	ends.offsets = arena_array(&run->arena, int64_t, ends.n + 1);
	for (int i = 0; i < ends.n; i++) {
		ends.names[i] = str_to_arena(&run->arena, store_topic_name(topics[i]));
		ends.offsets[i] = store_topic_end_offset(run->engine->store, topics[i], 0);
	}
	return ends;
}

/* 0 for a topic that did not exist then. */
static int64_t
end_of_topic(const TestEnds *ends, const char *topic)
{
	for (int i = 0; i < ends->n; i++)
		if (strcmp(ends->names[i], topic) == 0)
			return ends->offsets[i];
	return 0;
}

static int64_t
script_start(const TestRun *run, const char *id, const char *topic)
{
	for (int i = 0; i < run->n_queries; i++)
		if (strcmp(run->queries[i].id, id) == 0)
			return end_of_topic(&run->queries[i].start, topic);
	return 0;
}

/*
 * A case's queries read from the beginning, a script's what is written after they were created.  A query that CREATE OR
 * REPLACE put in another's place goes on where that one was.
 */
static bool
query_position(void *context, const SourceSpec *source, int partition, int64_t *position)
{
	TestRun *run = context;
	Error	 ignored;

	*position = 0;
	if (source->kind != SOURCE_TOPIC)
		return false;
	if (store_position_get(run->engine->store, str_of(run->query_in_hand->id), str_of(source->input), partition, position, &ignored) != OK)
		*position = run->has_inputs ? 0 : script_start(run, run->query_in_hand->id, source->topic->name);
	return true;
}

static struct StateBackend *
query_state(void *context, int partition)
{
	return query_state_backend(((TestRun *)context)->query_in_hand, partition);
}

static Status
query_started(TestHooks *hooks, Query *query, Error *err)
{
	TestRun *run = (TestRun *)hooks;

	(void)err;
	for (int i = 0; i < run->n_queries; i++)
		if (strcmp(run->queries[i].id, query->id) == 0) {
			run->queries[i].query = query;		/* CREATE OR REPLACE keeps the place */
			return OK;
		}
	grow_array(run->queries, run->n_queries, run->query_capacity);
	run->queries[run->n_queries++] =
		(TestQuery){arena_strdup(&run->arena, query->id), query, run->session->statement_number, topic_ends(run)};
	return OK;
}

/* The queries that still exist, in order of creation. */
static bool
query_exists(const TestRun *run, const Query *query)
{
	for (const Query *q = run->engine->queries; q != NULL; q = q->next)
		if (q == query)
			return true;
	return false;
}

static void
log_row(RowLog *log, const char *where, int32_t partition, int64_t offset, const char *reason, Str raw)
{
	(void)log;
	(void)partition;
	(void)raw;
	if (getenv("SLUICE_TEST_LOG") != NULL)
		fprintf(stderr, "%s, offset %lld: %s\n", where, (long long)offset, reason);
}

static RowLog test_row_log = {.report = log_row};

static void
log_bad_record(BadRecordLog *log, const char *input, int32_t partition, int64_t offset, const char *reason, Str raw)
{
	(void)log;
	log_row(NULL, input, partition, offset, reason, raw);
}

static BadRecordLog test_bad_record_log = {.report = log_bad_record};

/* Runs one query until nothing more is there; true in *moved if it took any rows. */
static Status
run_query(TestRun *run, Query *query, bool *moved, Error *err)
{
	StreamRunOptions options = {.sources = &run->output_sources, .sources_for = sources_for, .order = input_order,
								.position = query_position, .single_partition = true, .row_log = &test_row_log, .context = run};
	int64_t			 n_rows = 1;

	if (query->state == QUERY_PAUSED)
		return OK;
	run->query_in_hand = query;
	if (!run->has_inputs)
		options.state = query_state;
	if (query->run == NULL)
		TRY(query_open_run(query, &options, err));
	while (n_rows > 0) {
		if (query_run_epoch(query, &n_rows, err) == FAILED)
			return FAILED;
		*moved = *moved || n_rows > 0;
	}
	return OK;
}

static Status
run_queries(TestRun *run, Error *err)
{
	bool moved = true;

	while (moved) {
		moved = false;
		for (int i = 0; i < run->n_queries; i++)
			if (query_exists(run, run->queries[i].query) && run_query(run, run->queries[i].query, &moved, err) == FAILED) {
				run->failed_statement = run->queries[i].statement;
				return FAILED;
			}
		/* With inputs each query runs once, in order of creation; a script's queries go on until all is quiet. */
		if (run->has_inputs)
			break;
	}
	return OK;
}

/* ---- SELECT ---- */

static Status
hook_select(TestHooks *hooks, StatementContext *context, const AstStatement *statement, Error *err)
{
	TestRun				  *run = (TestRun *)hooks;
	const CatalogSnapshot *snapshot = NULL;
	Plan				  *plan;
	Status				   status = select_plan(context, statement->query, &snapshot, &plan, err);
	TestSelect			   select = {.sql = arena_printf(&run->arena, "%.*s", (int)context->sql.length, context->sql.data),
									 .statement = context->session->statement_number};
	const char			  *reset = settings_text(context->session->settings, "auto.offset.reset");

	catalog_release(snapshot);
	if (status != OK)
		return status;
	select.is_latest = reset != NULL && strcasecmp(reset, "latest") == 0;
	select.ends = topic_ends(run);
	grow_array(run->selects, run->n_selects, run->select_capacity);
	run->selects[run->n_selects++] = select;
	return OK;
}

typedef struct SelectOutput {
	TestRun		 *run;
	TestSelect	 *select;
	const Plan	 *plan;
	SourceContext tapped;			/* of a scalable push query: the output of a query, where no row lacks its key */
	bool		  is_scalable;
	int64_t		  n_rows;
} SelectOutput;

static Status
collect_rows(void *context, const Batch *rows, Error *err)
{
	SelectOutput *output = context;
	StrBuf		 *out = &output->run->responses;
	Arena		  arena = {0};

	(void)err;
	for (int32_t i = 0; i < rows->n_rows; i++) {
		bool deleted = row_kind_is_null(batch_row_kind(rows, i));

		strbuf_add_text(out, ", {\"row\": {\"columns\": [");
		for (int c = 0; c < rows->n_columns; c++) {
			Value value = vector_get(rows->columns[c], i, &arena);

			if (c > 0)
				strbuf_add_text(out, ", ");
			test_value_json(&value, out);
		}
		strbuf_add_text(out, deleted ? "], \"tombstone\": true}}" : "]}}");
		output->n_rows++;
	}
	arena_free(&arena);
	return OK;
}

/* A push query that reads from the latest offset begins where the topics ended when it was reached. */
static bool
select_position(void *context, const SourceSpec *source, int partition, int64_t *position)
{
	SelectOutput *output = context;

	(void)partition;
	*position = 0;
	if (source->kind != SOURCE_TOPIC)
		return false;
	if (!output->select->is_latest)
		return true;
	if (topic_is_input(output->run, source->topic->name))
		return true;
	*position = end_of_topic(&output->select->ends, source->topic->name);
	return true;
}

static const SourceContext *
select_sources_for(void *context, const SourceSpec *source)
{
	const SelectOutput *output = context;

	return output->is_scalable ? &output->tapped : sources_for(output->run, source);
}

static int64_t
select_order(void *context, const SourceSpec *source, int partition, int64_t offset, Time time)
{
	return input_order(((SelectOutput *)context)->run, source, partition, offset, time);
}

static bool
plan_has_aggregate(const PlanNode *node)
{
	return node->op == &op_aggregate || (node->n_inputs > 0 && plan_has_aggregate(node->inputs[0]));
}

static int64_t
plan_limit(const PlanNode *node)
{
	if (node->op == &op_limit)
		return ((const LimitSpec *)node->spec)->n_rows;
	return node->n_inputs > 0 ? plan_limit(node->inputs[0]) : -1;
}

static Status
run_push(SelectOutput *output, Error *err)
{
	TestRun			*run = output->run;
	StreamRunOptions options = {.env = &run->env, .sources = &run->output_sources, .sources_for = select_sources_for,
								.order = select_order, .position = select_position, .single_partition = true,
								.result = collect_rows, .result_context = output, .row_log = &test_row_log, .context = output};
	StreamRun		*stream;
	Status			 status = OK;
	int64_t			 n_rows = 1;

	TRY(stream_run_open(output->plan, &options, &stream, err));
	while (status == OK && n_rows > 0)
		status = stream_run_epoch(stream, &n_rows, err);
	stream_run_close(stream);
	return status == FAILED ? FAILED : OK;
}

static Status
run_pull(SelectOutput *output, bool *is_stream, Error *err)
{
	TestRun			 *run = output->run;
	const SourceSpec *source = output->plan->n_sources > 0 ? ((const ScanSpec *)output->plan->sources[0]->spec)->source : NULL;
	SourceContext	  sources = source != NULL ? *sources_for(run, source) : run->output_sources;
	BoundedOptions	  options = {.env = &run->env, .sources = &sources, .result = collect_rows, .result_context = output, .n_threads = 1,
								 .row_log = &test_row_log};
	BoundedStats	  stats;

	sources.is_bounded = true;
	sources.state_by_partition = true;
	*is_stream = source != NULL && source->kind == SOURCE_TOPIC;
	return bounded_run(output->plan, &options, &stats, err);
}

/* ksqlDB taps the output of the one query that writes the source, and names such queries after that. */
static bool
is_scalable_push(const TestRun *run, const TestSelect *select, const Plan *plan)
{
	const SourceSpec *source = plan->n_sources == 1 ? ((const ScanSpec *)plan->sources[0]->spec)->source : NULL;
	int				  n_writers = 0;

	if (plan->is_bounded || !select->is_latest || source == NULL || source->kind != SOURCE_TOPIC || plan_has_aggregate(plan->root))
		return false;
	for (const Query *q = run->engine->queries; q != NULL; q = q->next)
		n_writers += q->persistent.sink != NULL && q->persistent.sink->topic != NULL && strcmp(q->persistent.sink->topic, source->topic->name) == 0;
	return n_writers == 1;
}

static Status
run_select(TestRun *run, TestSelect *select, Error *err)
{
	Arena				   arena = {0};
	AstStatementList	   list;
	const CatalogSnapshot *snapshot = NULL;
	Plan				  *plan;
	StatementContext	   context = {.session = run->session, .engine = run->engine, .arena = &arena, .sql = str_of(select->sql)};
	SelectOutput		   output = {.run = run, .select = select};
	StrBuf				   schema = {0};
	bool				   is_stream = false;
	Status				   status;

	TRY_OUT(parser_parse(&arena, str_of(select->sql), (ParserOptions){.is_ksqldb = true}, &list, err));
	TRY_OUT(select_plan(&context, list.items[0]->query, &snapshot, &plan, err));
	output.plan = plan;
	output.is_scalable = is_scalable_push(run, select, plan);
	if (output.is_scalable) {
		output.tapped = *sources_for(run, ((const ScanSpec *)plan->sources[0]->spec)->source);
		output.tapped.skips_null_keys = true;
	}
	for (int i = 0; i < plan->schema->n_columns; i++) {
		const Schema one = {1, plan->is_key != NULL && plan->is_key[i] ? 1 : 0, &plan->schema->columns[i]};

		if (i > 0)
			strbuf_add_text(&schema, ", ");
		schema_print(&one, &schema);
	}
	strbuf_printf(&run->responses, "%s{\"statement\": %d, \"rows\": [{\"header\": {\"queryId\": ", run->responses.length > 1 ? ", " : "", select->statement);
	json_write_string(&run->responses, str_of(plan->is_bounded ? "query_0" : output.is_scalable ? "SCALABLE_PUSH_QUERY_0" : "transient_0"));
	strbuf_add_text(&run->responses, ", \"schema\": ");
	json_write_string(&run->responses, strbuf_str(&schema));
	strbuf_add_text(&run->responses, "}}");
	status = plan->is_bounded ? run_pull(&output, &is_stream, err) : run_push(&output, err);
	if (status == OK && (!plan->is_bounded || is_stream) && plan_limit(plan->root) >= 0 && output.n_rows >= plan_limit(plan->root))
		strbuf_add_text(&run->responses, ", {\"finalMessage\": \"Limit Reached\"}");
	else if (status == OK && is_stream)
		strbuf_add_text(&run->responses, ", {\"finalMessage\": \"Query Completed\"}");
	strbuf_add_text(&run->responses, "]}");
out:
	strbuf_free(&schema);
	catalog_release(snapshot);
	arena_free(&arena);
	return status == FAILED ? FAILED : OK;
}

/* ---- ASSERT, and statements that act at once ---- */

static Status
hook_assert(TestHooks *hooks, StatementContext *context, const AstStatement *statement, Error *err)
{
	TestRun *run = (TestRun *)hooks;

	if (!run->has_inputs)
		TRY(run_queries(run, err));
	TRY(test_assert(context, statement, &run->cursors, &run->arena, err));
	run->n_assertions++;
	return OK;
}

static void
note_message(ResultSink *sink, const char *text, bool is_warning)
{
	(void)sink;
	(void)text;
	(void)is_warning;
}

static void
note_entity(ResultSink *sink, const Entity *entity)
{
	(void)sink;
	(void)entity;
}

/* Before each statement: what the one before has done takes its effect. */
static void
note_statement(ResultSink *sink, Str sql)
{
	TestRun *run = sink->context;
	Error	 err;

	(void)sql;
	remember_catalog(run);
	if (!run->has_inputs)
		run_queries(run, &err);
}

/* ---- the whole ---- */

static Status
read_json_file(Arena *arena, const char *path, JsonValue *out, Error *err)
{
	FILE  *file = fopen(path, "rb");
	StrBuf text = {0};
	char   block[65536];
	size_t n;
	Status status;

	if (file == NULL)
		return error_user(err, "Cannot read '%s'", path);
	while ((n = fread(block, 1, sizeof block, file)) > 0)
		strbuf_add(&text, block, n);
	fclose(file);
	status = json_parse(arena, str_make(arena_strndup(arena, strbuf_text(&text), text.length), text.length), JSON_STRICT, out, err);
	strbuf_free(&text);
	return status == OK ? OK : error_context(err, "In '%s'", path);
}

static Status
read_properties(TestRun *run, Settings *settings, Error *err)
{
	JsonValue properties;

	TRY(settings_set(settings, "sql.dialect", "ksqldb", err));
	TRY(settings_set(settings, "auto.offset.reset", "earliest", err));
	TRY(settings_set(settings, "cache.max.bytes.buffering", "0", err));
	if (run->options->properties_file == NULL)
		return OK;
	TRY(read_json_file(&run->arena, run->options->properties_file, &properties, err));
	for (uint32_t i = 0; properties.kind == JSON_OBJECT && i < properties.n; i++) {
		const JsonMember *member = &properties.members[i];
		const char		 *value = member->value.kind == JSON_TRUE ? "true" : member->value.kind == JSON_FALSE ? "false"
																			   : str_to_arena(&run->arena, member->value.text);

		if (settings_set(settings, str_to_arena(&run->arena, member->name), value, err) == OK)
			continue;
		/* ksqlDB takes any name here, of settings that are gone too. */
		if (setting_find(str_to_arena(&run->arena, member->name)) != NULL)
			return FAILED;
		fprintf(stderr, "warning: %s\n", err->message);
	}
	return OK;
}

/* The schemas that a case gives its topics, in the registry. */
static Status
register_topic_schema(TestRun *run, const JsonValue *topic, const char *name, const char *side, Error *err)
{
	const JsonValue *schema = json_member(topic, str_of(arena_printf(&run->arena, "%sSchema", side)));
	const JsonValue *format = json_member(topic, str_of(arena_printf(&run->arena, "%sFormat", side)));
	const JsonValue *id = json_member(topic, str_of(arena_printf(&run->arena, "%sSchemaId", side)));
	const JsonValue *references = json_member(topic, str_of(arena_printf(&run->arena, "%sSchemaReferences", side)));
	RegisteredSchema registered = {.kind = SCHEMA_AVRO};
	StrBuf			 text = {0};
	Status			 status;

	if (schema == NULL || schema->kind == JSON_NULL)
		return OK;
	if (format != NULL && str_equal_nocase(format->text, STR("PROTOBUF")))
		registered.kind = SCHEMA_PROTOBUF;
	else if (format != NULL && str_equal_nocase(format->text, STR("JSON_SR")))
		registered.kind = SCHEMA_JSON;
	if (schema->kind == JSON_STRING)
		strbuf_add_str(&text, schema->text);
	else
		json_write(&text, schema);
	registered.text = arena_strndup(&run->arena, strbuf_text(&text), text.length);
	strbuf_free(&text);
	if (id != NULL && id->kind == JSON_NUMBER)
		registered.id = atoi(str_to_arena(&run->arena, id->text));
	if (references != NULL && references->kind == JSON_ARRAY) {
		SchemaReference *list = arena_array(&run->arena, SchemaReference, references->n + 1);

		for (uint32_t i = 0; i < references->n; i++) {
			const JsonValue *reference_name = json_member(&references->elements[i], STR("name"));
			const JsonValue *reference_text = json_member(&references->elements[i], STR("schema"));

			if (reference_name == NULL || reference_text == NULL)
				continue;
			list[registered.n_references++] = (SchemaReference){str_to_arena(&run->arena, reference_name->text),
																str_to_arena(&run->arena, reference_text->text)};
		}
		registered.references = list;
	}
	status = run->engine->registry->put(run->engine->registry, arena_printf(&run->arena, "%s-%s", name, side), &registered, &registered.id, err);
	return status;
}

static Status
read_inputs(TestRun *run, Error *err)
{
	const JsonValue *topics;
	const JsonValue *after;

	if (run->options->input_file == NULL)
		return OK;
	run->has_inputs = true;
	TRY(read_json_file(&run->arena, run->options->input_file, &run->input_json, err));
	after = json_member(&run->input_json, STR("inputsAfterQuery"));
	run->inputs_after_query = after != NULL && after->kind == JSON_TRUE;
	topics = json_member(&run->input_json, STR("topics"));
	run->topics = arena_array(&run->arena, TestTopic, topics != NULL ? topics->n : 1);
	for (uint32_t i = 0; topics != NULL && i < topics->n; i++) {
		const JsonValue *name = json_member(&topics->elements[i], STR("name"));
		const JsonValue *partitions = json_member(&topics->elements[i], STR("partitions"));

		if (name == NULL)
			continue;
		run->topics[run->n_topics].name = str_to_arena(&run->arena, name->text);
		TRY(register_topic_schema(run, &topics->elements[i], run->topics[run->n_topics].name, "key", err));
		TRY(register_topic_schema(run, &topics->elements[i], run->topics[run->n_topics].name, "value", err));
		run->topics[run->n_topics++].n_partitions = partitions != NULL && partitions->kind == JSON_NUMBER
														? atoi(str_to_arena(&run->arena, partitions->text)) : 1;
	}
	return OK;
}

static Status
read_sql(TestRun *run, Str *out, Error *err)
{
	FILE  *file = fopen(run->options->sql_file, "rb");
	StrBuf text = {0};
	char   block[65536];
	size_t n;

	if (file == NULL)
		return error_user(err, "Cannot read '%s'", run->options->sql_file);
	while ((n = fread(block, 1, sizeof block, file)) > 0)
		strbuf_add(&text, block, n);
	fclose(file);
	*out = str_make(arena_strndup(&run->arena, strbuf_text(&text), text.length), text.length);
	strbuf_free(&text);
	return OK;
}

static Status
run_case(TestRun *run, Error *err)
{
	ResultSink	  sink = {.message = note_message, .entity = note_entity, .statement = note_statement, .context = run};
	EngineOptions engine_options = {.env = &run->env, .is_inline = true, .file_access = run->options->file_access};
	Str			  sql;
	Status		  status;

	TRY(engine_open(&engine_options, &run->engine, err));
	run->registry = schema_registry_new_memory();
	run->engine->registry = run->registry;
	run->engine->single_partition_topics = true;
	run->engine->test_partitions = case_partitions;
	run->engine->test_context = run;
	TRY(engine_need_store(run->engine, err));
	TRY(store_open(NULL, &(StoreOptions){0}, &run->env, &run->inputs, err));
	run->input_topics = topics_embedded_new(run->inputs);
	TRY(session_open(run->engine, &run->session, err));
	run->session->hooks = &run->hooks;
	run->input_sources = (SourceContext){.env = &run->env, .topics = run->input_topics, .store = run->inputs, .n_threads = 1, .bad_records = &test_bad_record_log};
	run->output_sources = (SourceContext){.env = &run->env, .topics = run->engine->topics, .store = run->engine->store, .n_threads = 1, .bad_records = &test_bad_record_log};
	TRY(read_properties(run, session_settings(run->session), err));
	TRY(read_inputs(run, err));
	TRY(read_sql(run, &sql, err));
	status = session_execute(run->session, sql, &sink, err);
	if (status == FAILED) {
		if (run->failed_statement == 0)
			run->failed_statement = run->session->statement_number;
		return FAILED;
	}
	remember_catalog(run);
	if (run->has_inputs)
		TRY(load_inputs(run, err));
	TRY(run_queries(run, err));
	strbuf_add_text(&run->responses, "[");
	for (int i = 0; i < run->n_selects; i++)
		if (run_select(run, &run->selects[i], err) == FAILED) {
			run->failed_statement = run->selects[i].statement;
			return FAILED;
		}
	strbuf_add_text(&run->responses, "]");
	return OK;
}

static void
print_error(const TestRun *run, const Error *err, StrBuf *out)
{
	strbuf_printf(out, "{\"error\": {\"statement\": %d, \"message\": ", run->failed_statement);
	json_write_string(out, str_of(err->message));
	if (err->class == ERROR_UNSUPPORTED)
		strbuf_add_text(out, ", \"kind\": \"unsupported\"");
	if (err->class == ERROR_BUG)
		strbuf_add_text(out, ", \"kind\": \"internal\"");
	strbuf_add_text(out, "}}\n");
}

static bool
write_file(const char *path, const StrBuf *text)
{
	FILE *file = fopen(path, "wb");

	if (file == NULL)
		return false;
	fwrite(strbuf_text(text), 1, text->length, file);
	return fclose(file) == 0;
}

static void
run_free(TestRun *run)
{
	for (int i = 0; i < run->n_snapshots; i++)
		catalog_release(run->snapshots[i]);
	free(run->snapshots);
	free(run->queries);
	free(run->selects);
	strbuf_free(&run->responses);
	session_close(run->session);
	engine_close(run->engine);
	if (run->registry != NULL)
		run->registry->close(run->registry);
	topics_close(run->input_topics);
	if (run->inputs != NULL)
		store_close(run->inputs);
	arena_free(&run->arena);
}

int
test_run(const TestRunOptions *options)
{
	uint64_t random_state = 1;
	TestRun	 run = {.hooks = {.select = hook_select, .assert_statement = hook_assert, .query_started = query_started}, .options = options,
					.env = {.now = stopped_clock, .random = counting_random, .context = &random_state}};
	StrBuf	 actual = {0};
	Error	 err;
	Status	 status = run_case(&run, &err);
	int		 result = status == OK ? 0 : 1;

	if (status == OK)
		status = test_print_actual(&run.arena, run.engine, run.snapshots, run.n_snapshots, strbuf_text(&run.responses), run.n_assertions,
								   &actual, &err);
	if (status == FAILED) {
		result = 1;
		strbuf_clear(&actual);
		print_error(&run, &err, &actual);
		fprintf(stderr, "error: %s\n", err.message);
		if (err.hint[0] != '\0')
			fprintf(stderr, "hint: %s\n", err.hint);
	}
	if (options->actual_file != NULL && !write_file(options->actual_file, &actual)) {
		fprintf(stderr, "error: Cannot write '%s'\n", options->actual_file);
		result = 1;
	}
	if (status == OK && options->output_file != NULL)
		result = test_compare(&run.arena, options->output_file, strbuf_str(&actual)) ? 0 : 1;
	strbuf_free(&actual);
	run_free(&run);
	return result;
}
