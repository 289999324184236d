/*
 * Stand-alone queries: bounded ones run to their end, push queries until they are cancelled, reach their LIMIT, or their
 * sources end.  EXPLAIN is here too, because it plans and runs the same way.
 */
#include "engine/engine_impl.h"
#include "engine/select_impl.h"
#include "engine/query_states.h"
#include "engine/share_status.h"
#include "engine/table_copy.h"
#include "data/json_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "data/time_text.h"
#include "exec/op/aggregate.h"
#include "exec/op/limit.h"
#include "exec/op/scan.h"
#include "parser/ast_print.h"

/* ---- planning ---- */

static Status
plan_with(StatementContext *context, const AstQuery *query, const CatalogSnapshot *snapshot, Plan **out, Error *err)
{
	planner_context_init(&context->planner, context->engine, context->arena, snapshot, context->session->settings,
						 context->standard);
	context->planner.sql = context->sql;
	context->planner.sql_offset = context->sql_offset;
	context->planner.logical_text = context->logical_text;
	context->planner.optimized_text = context->optimized_text;
	context->planner.query_values = engine_query_values;
	context->planner.statement = context;
	return plan_select(&context->planner, query, out, err);
}

Status
select_plan(StatementContext *context, const AstQuery *query, const CatalogSnapshot **snapshot, Plan **out, Error *err)
{
	bool   has_store = context->engine->store != NULL;
	Status status;

	*snapshot = catalog_snapshot(context->engine->catalog);
	status = plan_with(context, query, *snapshot, out, err);
	if (status == FAILED && !has_store && context->planner.missed_source && engine_has_directory(context->engine)) {
		/* The name may be in the data directory, which nothing has needed so far. */
		catalog_release(*snapshot);
		*snapshot = NULL;
		TRY(engine_need_store(context->engine, err));
		*snapshot = catalog_snapshot(context->engine->catalog);
		status = plan_with(context, query, *snapshot, out, err);
	}
	return status;
}

/* ---- running ---- */

static Status
select_rows(void *context, const Batch *rows, Error *err)
{
	SelectRun *run = context;
	Status	   status;

	run->n_rows += rows->n_rows;
	status = run->sink->rows(run->sink, rows, err);
	run->sink_is_done = status == DONE;
	return status;
}

static void
note_row(SelectRun *run, const char *where, int32_t partition, int64_t offset, const char *reason)
{
	(void)partition;
	pthread_mutex_lock(&run->lock);
	if (run->n_bad++ > 0)
		;
	else if (where == NULL)
		snprintf(run->example, sizeof run->example, "%s", reason);
	else if (offset >= 0 && strchr(where, ':') == NULL)
		snprintf(run->example, sizeof run->example, "%s:%lld: %s", where, (long long)offset, reason);
	else
		snprintf(run->example, sizeof run->example, "%s: %s", where, reason);
	pthread_mutex_unlock(&run->lock);
}

static void
report_row(RowLog *log, const char *where, int32_t partition, int64_t offset, const char *reason, Str raw)
{
	(void)raw;
	(void)where;
	(void)offset;
	/* A row within the plan is of no record in particular: it may be of a join, or of a group. */
	note_row((SelectRun *)((char *)log - offsetof(SelectRun, row_log)), NULL, partition, -1, reason);
}

static void
report_bad_record(BadRecordLog *log, const char *input, int32_t partition, int64_t offset, const char *reason, Str raw)
{
	(void)raw;
	/* Files say path:line themselves; topics are told with the offset. */
	note_row((SelectRun *)((char *)log - offsetof(SelectRun, bad_records)), input, partition, strchr(input, ':') != NULL ? -1 : offset, reason);
}

static void
select_progress(void *context, const RunProgress *progress)
{
	SelectRun *run = context;

	if (run->sink->progress != NULL)
		run->sink->progress(run->sink, progress);
}

static int
thread_count(const StatementContext *context)
{
	int64_t n = settings_int(context->session->settings, "threads");

	return n > 0 ? (int)n : context->engine->n_processors;
}

/* Asking the machine again for each query would cost more than a look-up does. */
int64_t
select_memory_limit(const StatementContext *context)
{
	const Settings *settings = context->session->settings;

	return settings_text(settings, "memory.limit") != NULL ? engine_memory_limit(settings) : context->engine->budget.limit_bytes;
}

static const char *
temp_directory(const StatementContext *context)
{
	const char *directory = settings_text(context->session->settings, "temp.directory");

	if (directory == NULL || directory[0] == '\0')
		directory = getenv("TMPDIR");
	return directory != NULL && directory[0] != '\0' ? directory : "/tmp";
}

static bool
plan_reads_store(const Plan *plan)
{
	for (int i = 0; i < plan->n_sources; i++) {
		SourceKind kind = ((const ScanSpec *)plan->sources[i]->spec)->source->kind;

		if (kind == SOURCE_TOPIC || kind == SOURCE_TABLE_STATE)
			return true;
	}
	return false;
}

/* Rows that a failed query would have made are missing, and nobody would see it. */
static void
warn_of_failed(StatementContext *context, const char *const *names, int n)
{
	const CatalogSnapshot *catalog = context->planner.catalog;
	Engine				  *engine = context->engine;

	for (int i = 0; i < catalog_n_queries(catalog); i++) {
		const CatalogQuery *entry = catalog_query_at(catalog, i);
		const char		   *text = NULL;

		for (int k = 0; k < n && entry->sink != NULL; k++) {
			Query *query;

			if (strcmp(entry->sink, names[k]) != 0)
				continue;
			pthread_mutex_lock(&engine->lock_queries);
			query = query_find(engine, str_of(entry->id));
			if (query != NULL && query->state == QUERY_ERROR)
				text = arena_printf(context->arena, "Rows of %s may be missing: query %s failed: %s", names[k], entry->id, query->error);
			pthread_mutex_unlock(&engine->lock_queries);
		}
		if (text != NULL)
			context->sink->message(context->sink, text, true);
	}
}

/* On Kafka: rows that are kept of tables here come from their topics. */
static Status
wait_for_copies(StatementContext *context, const Plan *plan, Error *err)
{
	for (int s = 0; s < plan->n_sources && context->engine->on_kafka; s++) {
		const SourceSpec *source = ((const ScanSpec *)plan->sources[s]->spec)->source;

		if (source->kind == SOURCE_TABLE_STATE)
			TRY(table_copy_wait(context->engine, source->table_name, &context->session->interrupted, err));
	}
	return OK;
}

/* read.your.writes: what was there when the SELECT began counts. */
static Status
wait_for_writes(StatementContext *context, const Plan *plan, Error *err)
{
	const char **names;
	int			 n = 0;

	if (!context->standard || !settings_bool(context->session->settings, "read.your.writes") || !plan_reads_store(plan))
		return OK;
	names = arena_array(context->arena, const char *, catalog_n_sources(context->planner.catalog) + 1);
	for (int s = 0; s < plan->n_sources; s++) {
		const SourceSpec *source = ((const ScanSpec *)plan->sources[s]->spec)->source;

		for (int i = 0; i < catalog_n_sources(context->planner.catalog); i++) {
			const CatalogSource *entry = catalog_source_at(context->planner.catalog, i);
			bool is_it = source->kind == SOURCE_TABLE_STATE ? strcmp(entry->name, source->table_name) == 0
						 : source->kind == SOURCE_TOPIC		? entry->topic != NULL && strcmp(entry->topic, source->topic->name) == 0
															: false;

			if (is_it)
				names[n++] = entry->name;
		}
	}
	TRY(engine_wait_caught_up(context->engine, context->planner.catalog, names, n, &context->session->interrupted, err));
	warn_of_failed(context, names, n);
	return wait_for_copies(context, plan, err);
}

SourceContext
select_sources(StatementContext *context, SelectRun *run, int threads, bool is_bounded)
{
	const Engine *engine = context->engine;

	return (SourceContext){.env = engine->env, .topics = engine->topics, .store = engine->store, .bad_records = &run->bad_records,
						   .n_threads = threads, .is_bounded = is_bounded};
}

static Status
run_bounded(StatementContext *context, const Plan *plan, SelectRun *run, BoundedStats *stats, bool is_timed,
			void (*inspect)(void *, const Plan *, Op *const *, int), void *inspect_context, Error *err)
{
	int			   threads = thread_count(context);
	SourceContext  sources = select_sources(context, run, threads, true);
	MemoryBudget   own = {.limit_bytes = select_memory_limit(context)}, *budget = context->budget != NULL ? context->budget : &own;
	BoundedOptions options = {.env = context->engine->env, .sources = &sources, .row_log = &run->row_log, .result = select_rows,
							  .result_context = run, .budget = budget, .temp_directory = temp_directory(context), .n_threads = threads,
							  .batch_rows = settings_int(context->session->settings, "batch.rows"), .is_timed = is_timed, .interrupted = &context->session->interrupted,
							  .progress = select_progress, .progress_context = run, .inspect = inspect,
							  .inspect_context = inspect_context};

	sources.budget = budget;
	TRY(wait_for_writes(context, plan, err));
	return bounded_run(plan, &options, stats, err);
}

bool
plan_is_limited(const PlanNode *node)
{
	return node->op == &op_limit || (node->n_inputs > 0 && plan_is_limited(node->inputs[0]));
}

StreamRunOptions
select_stream_options(StatementContext *context, SelectRun *run, const SourceContext *sources, MemoryBudget *budget)
{
	const Settings *settings = context->session->settings;

	return (StreamRunOptions){.env = context->engine->env, .sources = sources, .row_log = &run->row_log, .result = select_rows,
							  .result_context = run, .budget = budget,
							  .is_compacting = settings_has(settings, "cache.max.bytes.buffering")
							   && settings_int(settings, "cache.max.bytes.buffering") > 0,
							  .epoch_rows = settings_int(settings, "epoch.rows"),
							  .collect_list_limit = settings_int(settings, "ksql.functions.collect_list.limit"),
							  .collect_set_limit = settings_int(settings, "ksql.functions.collect_set.limit"),
							  .batch_rows = settings_int(settings, "batch.rows"),
							  .epoch_ms = settings_int(settings, "commit.interval.ms"),
							  .idle_timeout_ms = settings_int(settings, "idle.timeout.ms"),
							  .max_idle_ms = settings_int(settings, "max.task.idle.ms"),
							  .interrupted = &context->session->interrupted};
}

/* As many rows have come as LIMIT lets pass: none will follow, also where an operator has not noticed yet. */
bool
plan_hit_limit(const PlanNode *node, int64_t n_rows)
{
	if (node->op == &op_limit)
		return n_rows >= ((const LimitSpec *)node->spec)->n_rows;
	return node->n_inputs > 0 && plan_hit_limit(node->inputs[0], n_rows);
}

/* A push query: epochs until it is done or cancelled.  Nothing is durable. */
static Status
run_continuous(StatementContext *context, const Plan *plan, SelectRun *run, ResultEnd *end, Error *err)
{
	Engine			*engine = context->engine;
	SourceContext	 sources = select_sources(context, run, 1, false);
	MemoryBudget	 budget = {.limit_bytes = select_memory_limit(context)};
	StreamRunOptions options = select_stream_options(context, run, &sources, &budget);
	StreamRun		*stream = NULL;
	Status			 status;
	int64_t			 n_rows;

	sources.budget = &budget;
	TRY(stream_run_open(plan, &options, &stream, err));
	do {
		uint64_t seen = engine->topics != NULL ? topics_append_count(engine->topics) : 0;

		status = stream_run_epoch(stream, &n_rows, err);
		if (run->sink_is_done || (status == OK && plan_hit_limit(plan->root, run->n_rows)))
			status = DONE;
		if (status == OK && n_rows == 0) {
			if (engine->topics != NULL)
				topics_append_wait(engine->topics, seen, 50);
			else
				usleep(50000);
		}
	} while (status == OK && !context->session->interrupted);
	stream_run_close(stream);
	end->limit_reached = status == DONE && plan_is_limited(plan->root);
	if (status == OK)
		return error_set(err, ERROR_INTERRUPTED, "Query terminated");
	return status == FAILED ? FAILED : OK;
}

void
select_run_init(SelectRun *run, StatementContext *context)
{
	*run = (SelectRun){.context = context, .sink = context->sink};
	pthread_mutex_init(&run->lock, NULL);
	run->row_log.report = report_row;
	run->bad_records.report = report_bad_record;
}

/* EMIT FINAL shows nothing for a while, which looks as if it did nothing. */
static const char *
waiting_note(const PlanNode *node)
{
	const char *note = NULL;

	if (node->op == &op_aggregate && ((const AggregateSpec *)node->spec)->emit == AGGREGATE_FINAL)
		return "A window is shown when event time has passed its end and grace: newer records move it on, or SET 'idle.timeout.ms'.";
	for (int i = 0; i < node->n_inputs && note == NULL; i++)
		note = waiting_note(node->inputs[i]);
	return note;
}

static bool
plan_has_aggregate(const PlanNode *node)
{
	return node->op == &op_aggregate || (node->n_inputs > 0 && plan_has_aggregate(node->inputs[0]));
}

/* ksqlDB reads the output of the one query that writes the source (ksql.query.push.v2.enabled), and names such queries after that. */
static bool
taps_one_query(const StatementContext *context, const Plan *plan, const SourceSpec *source)
{
	const CatalogSnapshot *catalog = context->planner.catalog;
	const char			  *reset = settings_text(context->session->settings, "auto.offset.reset");
	bool				   is_latest = source != NULL && (source->from_latest || (reset != NULL && strcmp(reset, "latest") == 0));
	int					   n_writers = 0;

	if (!settings_bool(context->session->settings, "ksql.query.push.v2.enabled") || plan->n_sources != 1 || source->kind != SOURCE_TOPIC
		|| !is_latest || plan_has_aggregate(plan->root))
		return false;
	for (int i = 0; i < catalog_n_queries(catalog); i++) {
		const CatalogQuery	*query = catalog_query_at(catalog, i);
		const CatalogSource *sink = query->sink != NULL ? catalog_source(catalog, str_of(query->sink)) : NULL;

		n_writers += sink != NULL && sink->topic != NULL && strcmp(sink->topic, source->topic->name) == 0;
	}
	return n_writers == 1;
}

static const char *
query_name(StatementContext *context, const Plan *plan)
{
	const SourceSpec *source = plan->n_sources > 0 ? ((const ScanSpec *)plan->sources[0]->spec)->source : NULL;
	long long		  n = (long long)context->engine->n_transient++;

	if (plan->is_bounded)
		return arena_printf(context->arena, "query_%lld", n);
	if (taps_one_query(context, plan, source))
		return arena_printf(context->arena, "SCALABLE_PUSH_QUERY_%lld", n);
	if (source == NULL || source->kind != SOURCE_TOPIC)
		return arena_printf(context->arena, "transient_%lld", n);
	return arena_printf(context->arena, "transient_%s_%lld", source->topic->name, n);
}

ResultHeader
select_header(StatementContext *context, const Plan *plan)
{
	ResultHeader header = {.schema = plan->schema, .is_key = plan->is_key, .is_table = plan->result_is_table, .is_continuous = !plan->is_bounded,
						   .is_windowed = plan->is_windowed,
						   .note = plan->note != NULL ? plan->note : waiting_note(plan->root)};

	header.query_id = query_name(context, plan);
	for (int i = 0; i < plan->n_sources; i++)
		header.is_pull = header.is_pull || (plan->is_bounded && ((const ScanSpec *)plan->sources[i]->spec)->source->kind == SOURCE_TABLE_STATE);
	return header;
}

void
select_run_tell_end(SelectRun *run, ResultEnd *end)
{
	end->n_rows = run->n_rows;
	end->bad_example = run->n_bad > 0 ? run->example : NULL;
	run->sink->end(run->sink, end);
}

Status
select_run_plan(StatementContext *context, const Plan *plan, Error *err)
{
	SelectRun	 run;
	BoundedStats stats = {0};
	Nanos		 start = nanos_now();
	ResultEnd	 end = {0};
	ResultHeader header = select_header(context, plan);
	Status		 status;

	select_run_init(&run, context);
	status = context->sink->begin(context->sink, &header, err);
	if (status == OK)
		status = plan->is_bounded ? run_bounded(context, plan, &run, &stats, false, NULL, NULL, err)
								  : run_continuous(context, plan, &run, &end, err);
	end.bad_rows = stats.bad_rows > 0 ? stats.bad_rows : 0;
	end.failed_rows = stats.failed_rows;
	end.late_rows = stats.late_rows;
	end.limit_reached = end.limit_reached || (status != FAILED && plan_hit_limit(plan->root, run.n_rows));
	end.seconds = (double)(nanos_now() - start) / 1e9;
	select_run_tell_end(&run, &end);
	pthread_mutex_destroy(&run.lock);
	return status;
}

Status
select_run(StatementContext *context, const AstQuery *query, Error *err)
{
	const CatalogSnapshot *snapshot = NULL;
	Plan				  *plan;
	Status				   status;

	status = select_plan(context, query, &snapshot, &plan, err);
	if (status == OK)
		status = select_run_plan(context, plan, err);
	catalog_release(snapshot);
	return status;
}

Status
select_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	if (context->session->hooks != NULL && context->session->hooks->select != NULL)
		return context->session->hooks->select(context->session->hooks, context, statement, err);
	return select_run(context, statement->query, err);
}

/* ---- EXPLAIN ---- */

static void
tell_plan(StatementContext *context, JsonValue description)
{
	JsonValue object = json_object();
	Entity	  entity = {.kind = "queryDescription", .value = &object};

	json_add(context->arena, &object, "queryDescription", description);
	context->sink->entity(context->sink, &entity);
}

static void
inspect_plan(void *context, const Plan *plan, Op *const *ops, int n_ops)
{
	plan_explain(plan, ops, n_ops, context);
}

static Status
discard_rows(ResultSink *sink, const Batch *rows, Error *err)
{
	(void)sink;
	(void)rows;
	(void)err;
	return OK;
}

static Status
explain_analyze(StatementContext *context, const Plan *plan, StrBuf *text, Error *err)
{
	SelectRun	 run;
	BoundedStats stats;
	MemoryBudget budget = {.limit_bytes = select_memory_limit(context)};
	StatementContext inner = *context;
	ResultSink	 discard = {.rows = discard_rows};
	Nanos		 start = nanos_now();
	Status		 status;

	if (!plan->is_bounded)
		return error_user(err, "EXPLAIN ANALYZE runs a query to its end, and this one is continuous: use EXPLAIN, or a query id");
	inner.budget = &budget;
	select_run_init(&run, &inner);
	run.sink = &discard;
	status = run_bounded(&inner, plan, &run, &stats, true, inspect_plan, text, err);
	if (status == OK)
		strbuf_printf(text, "%lld rows read, %.1f MB, %.3f s, at most %.1f MB of memory reserved\n", (long long)stats.rows_read, (double)stats.bytes_read / 1e6,
					  (double)(nanos_now() - start) / 1e9, (double)budget.most_bytes / 1e6);
	pthread_mutex_destroy(&run.lock);
	return status;
}

/* Its latest errors, the last one first, and when it is tried again. */
static void
explain_failures(const Query *query, StrBuf *text)
{
	const QueryFailures *failures = &query->failures;

	for (int i = failures->n - 1; i >= 0; i--) {
		const QueryFailure *f = &failures->items[i];
		char				time[64];

		timestamp_print_ksql(f->time, time);
		strbuf_printf(text, "%s Z %s error: %s\n", time, query_failure_type(f->class), f->text);
	}
	if (query->state != QUERY_ERROR)
		return;
	if (failures->retry_at != 0)
		strbuf_printf(text, "Tried again in %lld ms (%lld times so far)\n",
					  (long long)((failures->retry_at - nanos_now()) / 1000000), (long long)query->restarts);
	else
		strbuf_printf(text, "RESUME %s tries it again\n", query->id);
}

static Status
explain_query_id(StatementContext *context, const AstExplain *explain, Error *err)
{
	Engine				  *engine = context->engine;
	StrBuf				   text = {0};
	const CatalogSnapshot *snapshot;
	JsonValue			   description = json_object();
	QueryStates			   elsewhere;
	Query				  *query;

	TRY(engine_need_store(engine, err));
	query_states_collect(engine, context->arena, &elsewhere);
	context->elsewhere = &elsewhere;
	snapshot = catalog_snapshot(engine->catalog);
	pthread_mutex_lock(&engine->lock_queries);
	query = query_find(engine, str_of(explain->query_id.text));
	if (query != NULL) {
		strbuf_printf(&text, "Query %s is %s\n", query->id, query_state_name(query->state));
		explain_failures(query, &text);
		share_explain(query, &text);
		if (query->run != NULL && !query->is_in_hand) {
			const Graph *graph = stream_run_graph(query->run);

			plan_explain(query->persistent.plan, graph->ops, graph->n_nodes, &text);
		} else
			plan_explain(query->persistent.plan, NULL, 0, &text);
		const CatalogQuery *entry = catalog_query(snapshot, str_of(query->id));

		description = query_description(context, snapshot, arena_strdup(context->arena, query->id), entry != NULL ? entry->sql : "",
										arena_strdup(context->arena, strbuf_text(&text)), NULL, entry);
	}
	pthread_mutex_unlock(&engine->lock_queries);
	context->elsewhere = NULL;
	query_states_free(&elsewhere);
	if (query != NULL)
		tell_plan(context, description);
	strbuf_free(&text);
	catalog_release(snapshot);
	if (query == NULL) {
		error_user(err, "Query with id:%s does not exist, use SHOW QUERIES to view the full set of queries.", explain->query_id.text);
		return error_at(err, explain->query_id.pos.line, explain->query_id.pos.column, explain->query_id.pos.length);
	}
	return OK;
}

static Status
explain_statement(StatementContext *context, const AstExplain *explain, StrBuf *text, const CatalogSnapshot **snapshot, Plan **out, Error *err)
{
	const AstStatement *inner = explain->statement;
	Plan			   *plan = NULL;
	PersistentPlan		persistent;

	switch (inner->kind) {
	case AST_SELECT:
		TRY(select_plan(context, inner->query, snapshot, &plan, err));
		break;
	case AST_CREATE_SOURCE:
	case AST_INSERT_SELECT:
		TRY(engine_need_store(context->engine, err));
		*snapshot = catalog_snapshot(context->engine->catalog);
		planner_context_init(&context->planner, context->engine, context->arena, *snapshot, context->session->settings, context->standard);
		context->planner.logical_text = context->logical_text;
		context->planner.optimized_text = context->optimized_text;
		if (inner->kind == AST_CREATE_SOURCE && inner->create_source.query == NULL)
			return error_user(err, "The provided statement does not run a ksql query");
		TRY(inner->kind == AST_INSERT_SELECT ? plan_insert_select(&context->planner, inner, &persistent, err)
											 : plan_create_as(&context->planner, inner, &persistent, err));
		plan = persistent.plan;
		break;
	default:
		return error_user(err, "The provided statement does not run a ksql query");
	}
	*out = plan;
	if (explain->kind == AST_EXPLAIN_ANALYZE)
		return explain_analyze(context, plan, text, err);
	if (explain->kind != AST_EXPLAIN_PLAN)
		return OK;
	plan_explain(plan, NULL, 0, text);
	return OK;
}

Status
explain_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstExplain	  *explain = &statement->explain;
	const CatalogSnapshot *snapshot = NULL;
	StrBuf				   text = {0};
	Plan				  *plan = NULL;
	Status				   status = OK;

	if (explain->query_id.text != NULL)
		return explain_query_id(context, explain, err);
	if (explain->kind == AST_EXPLAIN_AST)
		ast_dump(&text, explain->statement);
	else {
		context->logical_text = explain->kind == AST_EXPLAIN_LOGICAL ? &text : NULL;
		context->optimized_text = explain->kind == AST_EXPLAIN_OPTIMIZED ? &text : NULL;
		status = explain_statement(context, explain, &text, &snapshot, &plan, err);
	}
	if (status == OK)
		tell_plan(context, query_description(context, snapshot, "", str_to_arena(context->arena, str_trim(context->sql)),
											 arena_strdup(context->arena, strbuf_text(&text)), plan, NULL));
	strbuf_free(&text);
	catalog_release(snapshot);
	return status;
}
