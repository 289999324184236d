/* Persistent queries: their life, and one epoch of theirs. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/dead_letter.h"
#include "engine/engine_impl.h"
#include "engine/query_states.h"
#include "engine/share.h"
#include "exec/op/scan.h"

const char *
query_state_name(QueryState state)
{
	static const char *const names[] = {"RUNNING", "PAUSED", "ERROR", "COMPLETED", "TERMINATED"};

	return names[state];
}

/* The settings in force are frozen with the query. */
static void
copy_setting(const char *name, const char *value, void *context)
{
	Error ignored;

	settings_set(context, name, value, &ignored);
}

Query *
query_new(Engine *engine, const char *id, const CatalogSnapshot *snapshot, const Settings *settings, bool standard)
{
	Query *query = xcalloc(1, sizeof *query);

	query->engine = engine;
	query->budget.whole = &engine->budget;
	query->id = arena_strdup(&query->arena, id);
	query->snapshot = snapshot;
	query->settings = settings_new(engine->settings);
	query->standard = standard;
	if (settings != NULL)
		settings_visit(settings, copy_setting, query->settings);
	return query;
}

void
query_close_output(Query *query)
{
	query->before.rows_out = query->rows_out;
	query->before.bytes_out = query->bytes_out;
	query->before.bytes_in = query->bytes_in;
	query->before.late_rows = query->late_rows;
	if (query->output != NULL) {
		epoch_output_free(query->output);
		free(query->output);
		query->output = NULL;
	}
	topic_unit_free(query->unit);
	query->unit = NULL;
}

void
query_close_run(Query *query)
{
	stream_run_close(query->run);
	query->run = NULL;
	for (int i = 0; i < query->n_backends; i++)
		epoch_backend_free(query->backends[i]);
	free(query->backends);
	query->backends = NULL;
	query->n_backends = 0;
	dead_letters_forget(query);
	query_close_output(query);
}

void
query_free(Query *query)
{
	if (query == NULL)
		return;
	for (int i = 0; i < query->n_listeners; i++)
		topics_unlisten(query->engine->topics, query->listeners[i]);
	free(query->listeners);
	share_free(query->share);
	query_close_run(query);
	query_failures_free(&query->failures);
	settings_free(query->settings);
	catalog_release(query->snapshot);
	arena_free(&query->arena);
	free(query);
}

void
query_positions(Engine *engine, const char *id, const char *input, Topic *topic, int64_t *positions)
{
	Error ignored;

	if (engine->on_kafka)
		share_positions(engine, id, topic, positions, &ignored);
	for (int p = 0; !engine->on_kafka && p < topic->config.n_partitions; p++)
		if (store_position_get(engine->store, str_of(id), str_of(input), p, &positions[p], &ignored) != OK)
			positions[p] = 0;
}

/* ---- running one epoch ---- */

StateBackend *
query_state_backend(void *context, int partition)
{
	Query *query = context;

	query->backends = xrealloc(query->backends, sizeof *query->backends * (size_t)(query->n_backends + 1));
	query->backends[query->n_backends] = epoch_backend_new(query->engine, query->id, query->unit->store, partition);
	return query->backends[query->n_backends++];
}

static bool
query_position(void *context, const SourceSpec *source, int partition, int64_t *position)
{
	Query *query = context;
	Error  err;

	if (source->name == NULL)
		return false;
	return store_position_get(query->engine->store, str_of(query->id), str_of(source->input), partition, position, &err) == OK;
}

/* Where idle time goes on from after a restart, among the positions of the query. */
#define TIME_INPUT "event time"

static void
query_put_time(Query *query)
{
	Time time = stream_run_time(query->run);

	if (settings_int(query->settings, "idle.timeout.ms") > 0 && time > 0)
		store_unit_position(query->unit->store, str_of(query->id), STR(TIME_INPUT), 0, time);
}

static Time
query_stored_time(const Query *query)
{
	int64_t time = 0;
	Error	ignored;

	return store_position_get(query->engine->store, str_of(query->id), STR(TIME_INPUT), 0, &time, &ignored) == OK ? time : 0;
}

void
query_open_output(Query *query, TopicUnit *unit)
{
	query->unit = unit;
	query->output = xcalloc(1, sizeof *query->output);
	epoch_output_init(query->output, query->engine, unit);
}

/* What only a query that is not a test's has. */
static void
query_durable_options(Query *query, StreamRunOptions *options)
{
	processing_log_attach(query);
	dead_letters_open(query);
	options->is_compacting = settings_int(query->settings, "cache.max.bytes.buffering") > 0;
	options->idle_timeout_ms = settings_int(query->settings, "idle.timeout.ms");
	options->start_time = options->idle_timeout_ms > 0 ? query_stored_time(query) : 0;
	options->max_idle_ms = settings_int(query->settings, "max.task.idle.ms");
	options->row_log = &query->row_log;
}

void
query_run_options(Query *query, StreamRunOptions *options, bool is_durable)
{
	options->env = query->engine->env;
	options->output = &query->output->output;
	options->budget = &query->budget;
	options->epoch_rows = settings_int(query->settings, "epoch.rows");
	options->collect_list_limit = settings_int(query->settings, "ksql.functions.collect_list.limit");
	options->collect_set_limit = settings_int(query->settings, "ksql.functions.collect_set.limit");
	options->batch_rows = settings_int(query->settings, "batch.rows");
	options->epoch_ms = settings_int(query->settings, "commit.interval.ms");
	options->interrupted = &query->interrupted;
	if (is_durable)
		query_durable_options(query, options);
}

Status
query_open_run(Query *query, const StreamRunOptions *overrides, Error *err)
{
	Engine			*engine = query->engine;
	StreamRunOptions options = overrides != NULL ? *overrides : (StreamRunOptions){0};

	TRY(query_check_functions(query, err));
	query_open_output(query, topics_unit_new(engine->topics));
	if (overrides == NULL)
		TRY(query_check_fingerprint(query, query->unit->store, err));
	query->sources = (SourceContext){.env = engine->env, .topics = engine->topics, .store = engine->store, .n_threads = 1, .budget = &query->budget};
	query_run_options(query, &options, overrides == NULL);
	if (options.sources == NULL)
		options.sources = &query->sources;
	if (overrides == NULL) {
		query->sources.bad_records = &query->bad_records;
		options.state = query_state_backend;
		options.position = query_position;
		options.context = query;
	}
	return stream_run_open(query->persistent.plan, &options, &query->run, err);
}

static void
query_put_position(void *context, const char *input, int partition, int64_t position)
{
	Query *query = context;

	if (input != NULL)
		store_unit_position(query->unit->store, str_of(query->id), str_of(input), partition, position);
	dead_letters_reach(query, input, partition, position);
}

static const char *
completed_name(const Query *query, char *name, size_t size)
{
	snprintf(name, size, "completed/%s", query->id);
	return name;
}

/* That a query is complete is as durable as its rows: after a restart its files may be gone. */
static void
query_put_completed(Query *query, StoreUnit *unit, bool is_completed)
{
	char name[512];

	store_unit_meta(unit, str_of(completed_name(query, name, sizeof name)), is_completed ? STR("1") : (Str){0});
}

static bool
query_was_completed(const Query *query)
{
	char   name[512];
	StrBuf value = {0};
	Error  ignored;
	Status status = store_meta_get(query->engine->store, str_of(completed_name(query, name, sizeof name)), &value, &ignored);

	strbuf_free(&value);
	return status == OK;
}

Status
query_check_bad(Query *query, Error *err)
{
	if (query->bad_record[0] == '\0')
		return OK;
	error_data(err, "%s", query->bad_record);
	return error_hint(err, "ksql.fail.on.deserialization.error is true: otherwise such records go to the processing log.");
}

void
query_committed(Query *query, Nanos took)
{
	EngineCounters *counters = &query->engine->counters;

	latency_add(&counters->commit, took);
	counters->epochs++;
	query->commit_nanos += took;
	query->epochs++;
}

/* Opening loads the state. */
static Status
query_restore(Query *query, Error *err)
{
	Nanos  began = nanos_now();
	Status status;

	query->is_restoring = true;
	status = query_open_run(query, NULL, err);
	query->load_nanos = nanos_now() - began;
	query->is_restoring = false;
	return status;
}

static Status
query_run_own(Query *query, int64_t *n_rows, Error *err)
{
	Nanos  flushed;
	Status status;

	if (query->run == NULL)
		TRY(query_restore(query, err));
	query->run_at_work = query->run;
	status = stream_run_epoch(query->run, n_rows, err);
	if (status == FAILED)
		return FAILED;
	TRY(query_check_bad(query, err));
	query_failures_pass(query, query->unit->store);
	if (*n_rows > 0 || status == DONE || query->letters.n > 0 || !topic_unit_is_empty(query->unit)) {
		stream_run_positions(query->run, query_put_position, query);
		TRY(dead_letters_check(query, err));
		query_put_time(query);
		if (status == DONE)
			query_put_completed(query, query->unit->store, true);
		flushed = nanos_now();
		TRY(topic_unit_commit(query->unit, err));
		query_committed(query, nanos_now() - flushed);
		topic_unit_clear(query->unit);
		query_failures_passed(query);
	}
	return status;
}

/* After an epoch, what the runs and the output counted since they were opened. */
static void
query_take_figures(Query *query)
{
	StreamRunFigures figures = {0};

	if (query->share != NULL)
		share_add_figures(query->share, &figures);
	else if (query->run != NULL)
		stream_run_add_figures(query->run, &figures);
	query->state_rows = figures.state_rows;
	query->bytes_in = query->before.bytes_in + figures.bytes_read;
	query->late_rows = query->before.late_rows + figures.late_rows;
	query->rows_out = query->before.rows_out + query->output->n_written;
	query->bytes_out = query->before.bytes_out + query->output->n_bytes;
}

Status
query_run_epoch(Query *query, int64_t *n_rows, Error *err)
{
	EngineCounters *counters = &query->engine->counters;
	int64_t			rows_out = query->rows_out, bytes_in = query->bytes_in, bytes_out = query->bytes_out;
	Nanos			began = nanos_now();
	Status			status;

	*n_rows = 0;
	query->n_log_entries = 0;
	status = query->share != NULL ? share_run_epoch(query->share, n_rows, err) : query_run_own(query, n_rows, err);
	query->busy_nanos += nanos_now() - began;
	if (status == FAILED || (query->share != NULL && query_failures_clear(query, err) == FAILED))
		return FAILED;
	query->rows_in += *n_rows;
	query_take_figures(query);
	if (*n_rows > 0) {
		query->last_rows = nanos_now();
		latency_add(&counters->epoch, query->last_rows - began);
		counters->rows_in += *n_rows;
		counters->rows_out += query->rows_out - rows_out;
		counters->bytes_in += query->bytes_in - bytes_in;
		counters->bytes_out += query->bytes_out - bytes_out;
	}
	return status;
}

/* ---- life ---- */

static void
query_look_at_sources(Query *query)
{
	const Plan *plan = query->persistent.plan;

	query->sources_end = plan->n_sources > 0;
	query->polls = query->share != NULL || settings_int(query->settings, "idle.timeout.ms") > 0 || settings_int(query->settings, "max.task.idle.ms") > 0;
	for (int i = 0; i < plan->n_sources; i++) {
		const SourceSpec *source = ((const ScanSpec *)plan->sources[i]->spec)->source;

		if (source->kind == SOURCE_TOPIC)
			query->sources_end = false;
		if (source->kind == SOURCE_FILE && source->file->follow) {
			query->sources_end = false;
			query->polls = true;
		}
	}
}

static void
query_listen(Query *query)
{
	const Plan *plan = query->persistent.plan;

	if (query->share != NULL)
		return;		/* its group wakes it */
	query->listeners = xcalloc((size_t)plan->n_sources + 1, sizeof *query->listeners);
	for (int i = 0; i < plan->n_sources; i++) {
		const SourceSpec *source = ((const ScanSpec *)plan->sources[i]->spec)->source;
		Topic			 *topic;
		Error			  ignored;

		/* A topic that is not there is told of by the first epoch. */
		if (source->kind == SOURCE_TOPIC && topics_find(query->engine->topics, str_of(source->topic->name), &topic, &ignored) == OK
			&& topic != NULL)
			query->listeners[query->n_listeners++] = topics_listen(query->engine->topics, topic, query_wake, query);
	}
}

static bool
query_starts_at_latest(const Query *query)
{
	const Plan *plan = query->persistent.plan;

	for (int i = 0; i < plan->n_sources; i++)
		if (((const ScanSpec *)plan->sources[i]->spec)->source->from_latest)
			return true;
	return false;
}

/*
 * "The latest" is where the topics end when the statement is executed, not when a worker first takes the query, nor
 * after a restart before that: the positions are taken and committed now.
 */
void
query_fix_start(Query *query)
{
	Error  err;
	Status status = OK;

	if (query->engine->is_inline || query->share != NULL || !query_starts_at_latest(query))
		return;
	if (query->run == NULL)
		status = query_open_run(query, NULL, &err);
	if (status == OK) {
		stream_run_positions(query->run, query_put_position, query);
		status = topic_unit_commit(query->unit, &err);
		topic_unit_clear(query->unit);
	}
	if (status == FAILED) {
		query_close_run(query);
		query_fail(query, &err);
	}
}

Status
query_start(Query *query, Error *err)
{
	Engine *engine = query->engine;
	Query **end;

	if (engine->on_kafka) {
		query->share = share_new(query);
		query->takes_part = !engine->is_transient || !engine->is_replaying;
		if (!engine->is_replaying)
			TRY(share_create(query->share, err));
		if (query->takes_part)
			TRY(processing_log_create(engine, err));
	}
	if (!engine->is_replaying && !engine->is_recovering && !engine->is_inline)
		TRY(dead_letters_prepare(query, err));
	query_look_at_sources(query);
	if (query->sources_end && query_was_completed(query))
		query->state = QUERY_COMPLETED;
	if (!engine->is_inline) {
		query_listen(query);
		TRY(engine_start_workers(engine, err));
	}
	log_event(engine->log, engine->is_resuming ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "query", &LOG_TEXT("query_id", query->id), 1, "The query starts");
	pthread_mutex_lock(&engine->lock_queries);
	for (end = &engine->queries; *end != NULL; end = &(*end)->next)
		;
	*end = query;
	if (!engine->is_inline)
		query_enqueue(query);
	pthread_mutex_unlock(&engine->lock_queries);
	return OK;
}

Query *
query_find(Engine *engine, Str id)
{
	for (Query *q = engine->queries; q != NULL; q = q->next)
		if (str_equal_nocase(str_of(q->id), id))
			return q;
	return NULL;
}

Status
query_stop(Engine *engine, Query *query, bool drop_state, Error *err)
{
	Status status = OK;

	pthread_mutex_lock(&engine->lock_queries);
	query->must_stop = true;
	query->interrupted = true;
	query_dequeue(engine, query);
	while (query->is_in_hand)
		pthread_cond_wait(&engine->changed, &engine->lock_queries);
	for (Query **q = &engine->queries; *q != NULL; q = &(*q)->next)
		if (*q == query) {
			*q = query->next;
			break;
		}
	pthread_mutex_unlock(&engine->lock_queries);
	if (query->share != NULL && drop_state && !engine->is_replaying && !engine->is_sandbox)
		share_drop(query->share);
	else if (query->share != NULL)
		share_close(query->share);
	if ((drop_state || query->sources_end) && !engine->is_sandbox) {
		StoreUnit *unit = store_unit_new(engine->store);

		if (drop_state) {
			store_unit_drop_query(unit, str_of(query->id));
			query_put_fingerprint(unit, query->id, NULL);
			query_failures_drop(query, unit);
		}
		query_put_completed(query, unit, false);
		status = store_commit(engine->store, unit, err);
		store_unit_free(unit);
	}
	if (drop_state && !engine->is_sandbox)
		query_states_tell(query, NULL);
	log_event(engine->log, LOG_LEVEL_INFO, "query", &LOG_TEXT("query_id", query->id), 1, drop_state ? "The query is terminated" : "The query stops");
	query_free(query);
	return status;
}

void
query_set_paused(Engine *engine, Query *query, bool is_paused)
{
	Share *left = NULL;

	pthread_mutex_lock(&engine->lock_queries);
	if (is_paused)
		query->failures.retry_at = 0;
	if (is_paused && query->state == QUERY_RUNNING) {
		query->state = QUERY_PAUSED;
		query_dequeue(engine, query);
		while (query->is_in_hand)
			pthread_cond_wait(&engine->changed, &engine->lock_queries);
		left = query->share;
	} else if (!is_paused && (query->state == QUERY_PAUSED || query->state == QUERY_ERROR)) {
		query->failures.n_retries = 0;
		query->failures.retry_at = 0;
		query->state = QUERY_RUNNING;
		if (!engine->is_inline)
			query_enqueue(query);
	}
	pthread_mutex_unlock(&engine->lock_queries);
	/* Not within the lock, which Kafka's threads take to wake queries. */
	if (left != NULL)
		share_close(left);
}

Status
query_take_part(Engine *engine, const char *id, Error *err)
{
	Query *query;

	TRY(engine_start_workers(engine, err));
	pthread_mutex_lock(&engine->lock_queries);
	query = query_find(engine, str_of(id));
	if (query != NULL && !query->takes_part) {
		query->takes_part = true;
		query_enqueue(query);
	}
	pthread_mutex_unlock(&engine->lock_queries);
	return OK;
}
