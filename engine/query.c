/*
 * Persistent queries: their life, and the workers that run them epoch by epoch.
 *
 * A query is in exactly one place: idle, in the queue, or in a worker's hand.  New data in a topic that it reads (or a poll
 * of a followed file) puts it into the queue; a worker takes it, runs one epoch and commits it, and puts it back at the
 * end of the queue while there is more, so that many queries share few threads fairly.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine/dead_letter.h"
#include "engine/engine_impl.h"
#include "engine/query_states.h"
#include "engine/share.h"
#include "exec/op/scan.h"

#define POLL_NANOS 100000000
#define RETENTION_NANOS 30000000000
#define MAX_WORKERS 64
#define KAFKA_WORKERS 16
#define MAX_CHAIN 16		/* of queries that feed each other, looked at when waiting: INSERT INTO may make cycles */

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

static void
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
	query->sources = (SourceContext){.env = engine->env, .topics = engine->topics, .store = engine->store, .n_threads = 1};
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

/* ---- the queue; all under lock_queries ---- */

static void
queue_push(Query *query)
{
	Engine *engine = query->engine;

	if (query->is_queued || query->state != QUERY_RUNNING || query->must_stop)
		return;
	if (query->share != NULL && (!query->takes_part || nanos_now() < query->quick_at))
		return;
	if (query->is_in_hand) {
		query->wants_run = true;
		return;
	}
	query->is_queued = true;
	query->next_queued = NULL;
	if (engine->queue_last != NULL)
		engine->queue_last->next_queued = query;
	else
		engine->queue_first = query;
	engine->queue_last = query;
	pthread_cond_signal(&engine->work);
}

static Query *
queue_pop(Engine *engine)
{
	Query *query = engine->queue_first;

	if (query == NULL)
		return NULL;
	engine->queue_first = query->next_queued;
	if (engine->queue_first == NULL)
		engine->queue_last = NULL;
	query->is_queued = false;
	return query;
}

static void
queue_remove(Engine *engine, Query *query)
{
	Query *before = NULL;

	for (Query *q = engine->queue_first; q != NULL; before = q, q = q->next_queued)
		if (q == query) {
			if (before != NULL)
				before->next_queued = q->next_queued;
			else
				engine->queue_first = q->next_queued;
			if (engine->queue_last == q)
				engine->queue_last = before;
			q->is_queued = false;
			return;
		}
}

void
query_wake(void *context)
{
	Query *query = context;

	pthread_mutex_lock(&query->engine->lock_queries);
	queue_push(query);
	pthread_mutex_unlock(&query->engine->lock_queries);
}

/* ---- workers ---- */

#define QUICK_MS 100
#define QUICK_TRIES 8		/* half a minute in all */

/* A failure that passes quickly, as when Kafka moves partitions: the query goes on from what is committed and is not in ERROR.  Under lock_queries. */
static void
query_retry_soon(Query *query)
{
	query->quick_at = nanos_now() + ((Nanos)QUICK_MS << query->n_quick) * 1000000;
	query->n_quick++;
}

static void
query_log_failure(const Query *query, const Error *err)
{
	LogField fields[] = {LOG_TEXT("query_id", query->id), LOG_TEXT("class", error_class_name(err->class)),
						 LOG_TEXT("hint", err->hint[0] != '\0' ? err->hint : NULL)};

	query->engine->counters.failures++;
	log_event(query->engine->log, LOG_LEVEL_ERROR, "query", fields, 3, "The query failed: %s", err->message);
}

static void
worker_run_query(Engine *engine, Query *query)
{
	Error	err;
	int64_t n_rows = 0;
	CancelFlags before = cancel_watch((CancelFlags){.now = &query->interrupted, .soon = &engine->ends_waits});
	Status	status = query_run_epoch(query, &n_rows, &err);
	bool	passes = status == FAILED && query->share != NULL && err.class == ERROR_TRANSIENT && query->n_quick < QUICK_TRIES;

	/* What was half done is forgotten: another try begins at the last commit. */
	if (status == FAILED && query->share == NULL)
		query_close_run(query);
	if (status == FAILED && query->share != NULL)
		share_recover(query->share, !passes);
	cancel_watch(before);
	if (status == FAILED && err.class != ERROR_INTERRUPTED && !passes) {
		query_fail(query, &err);
		query_log_failure(query, &err);
	} else if (status == DONE)
		log_event(engine->log, LOG_LEVEL_INFO, "query", &LOG_TEXT("query_id", query->id), 1, "The query is complete: its sources have ended");
	pthread_mutex_lock(&engine->lock_queries);
	if (passes)
		query_retry_soon(query);
	query->is_in_hand = false;
	query->n_idle_epochs += status == OK && n_rows == 0;
	if (status == DONE)
		query->state = QUERY_COMPLETED;
	else if (n_rows > 0 || query->wants_run)
		queue_push(query);
	query->wants_run = false;
	if (status == OK)
		query->n_quick = 0;
	pthread_cond_broadcast(&engine->changed);
	pthread_mutex_unlock(&engine->lock_queries);
}

static void
queue_pollers(Engine *engine)
{
	for (Query *q = engine->queries; q != NULL; q = q->next)
		if (q->polls)
			queue_push(q);
}

/* Queries in ERROR whose next try is due.  Under lock_queries. */
static void
queue_retries(Engine *engine)
{
	Nanos now = nanos_now();

	for (Query *q = engine->queries; q != NULL; q = q->next)
		if (q->state == QUERY_ERROR && q->failures.retry_at != 0 && now >= q->failures.retry_at) {
			q->failures.retry_at = 0;
			q->state = QUERY_RUNNING;
			q->restarts++;
			queue_push(q);
		}
}

/* Under lock_queries, which it lets go meanwhile.  A failure is not worth more than the next try. */
static void
enforce_retention(Engine *engine)
{
	Nanos now = nanos_now();
	Error ignored;

	if (now < engine->next_retention || engine->store == NULL)
		return;
	engine->next_retention = now + RETENTION_NANOS;
	pthread_mutex_unlock(&engine->lock_queries);
	store_enforce_retention(engine->store, &ignored);
	pthread_mutex_lock(&engine->lock_queries);
}

/* Until there is something to do, a live query is due, or it is time to look at what wakes nobody.  Under lock_queries. */
static void
wait_for_work(Engine *engine)
{
	Nanos			now = nanos_now();
	Nanos			due = live_next_due(engine);
	Nanos			wait = due <= now ? 0 : due - now < POLL_NANOS ? due - now : POLL_NANOS;
	struct timespec until;

	if (now >= engine->next_poll) {
		engine->next_poll = now + POLL_NANOS;
		queue_pollers(engine);
	}
	if (engine->queue_first != NULL || wait == 0)
		return;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += wait;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&engine->work, &engine->lock_queries, &until);
}

/* Persistent and live queries take turns. */
static void *
worker_main(void *argument)
{
	Engine *engine = argument;
	bool	live_first = false;

	pthread_mutex_lock(&engine->lock_queries);
	while (!engine->is_stopping) {
		enforce_retention(engine);
		query_states_repeat(engine);
		queue_retries(engine);
		live_first = !live_first;
		if (live_first && live_run_next(engine))
			continue;
		Query *query = queue_pop(engine);

		if (query == NULL) {
			if (!live_run_next(engine))
				wait_for_work(engine);
			continue;
		}
		query->is_in_hand = true;
		pthread_mutex_unlock(&engine->lock_queries);
		worker_run_query(engine, query);
		pthread_mutex_lock(&engine->lock_queries);
	}
	pthread_mutex_unlock(&engine->lock_queries);
	return NULL;
}

Status
engine_start_workers(Engine *engine, Error *err)
{
	if (engine->is_inline || engine->n_started > 0)
		return OK;
	engine->workers = xcalloc(MAX_WORKERS, sizeof *engine->workers);
	/* On Kafka they wait for brokers most of the time. */
	if (engine->on_kafka && engine->n_workers < KAFKA_WORKERS)
		engine->n_workers = KAFKA_WORKERS;
	for (int i = 0; i < engine->n_workers && i < MAX_WORKERS; i++) {
		if (pthread_create(&engine->workers[i], NULL, worker_main, engine) != 0)
			return i > 0 ? OK : error_fatal(err, "Cannot start a worker thread");
		engine->n_started++;
	}
	return OK;
}

void
engine_stop_workers(Engine *engine)
{
	pthread_mutex_lock(&engine->lock_queries);
	engine->is_stopping = true;
	for (Query *q = engine->queries; q != NULL; q = q->next)
		q->interrupted = true;
	pthread_cond_broadcast(&engine->work);
	pthread_mutex_unlock(&engine->lock_queries);
	for (int i = 0; i < engine->n_started; i++)
		pthread_join(engine->workers[i], NULL);
	engine->n_started = 0;
	free(engine->workers);
	engine->workers = NULL;
	engine->is_stopping = false;
}

void
engine_stop_waking(Engine *engine)
{
	pthread_mutex_lock(&engine->lock_queries);
	for (Query *q = engine->queries; q != NULL; q = q->next) {
		q->must_stop = true;
		queue_remove(engine, q);
	}
	pthread_mutex_unlock(&engine->lock_queries);
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
		queue_push(query);
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
	queue_remove(engine, query);
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
		queue_remove(engine, query);
		while (query->is_in_hand)
			pthread_cond_wait(&engine->changed, &engine->lock_queries);
		left = query->share;
	} else if (!is_paused && (query->state == QUERY_PAUSED || query->state == QUERY_ERROR)) {
		query->failures.n_retries = 0;
		query->failures.retry_at = 0;
		query->state = QUERY_RUNNING;
		if (!engine->is_inline)
			queue_push(query);
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
		queue_push(query);
	}
	pthread_mutex_unlock(&engine->lock_queries);
	return OK;
}

/* ---- waiting ---- */

/* On Kafka nobody knows of all of a query's parts that they are complete; that all has been read and committed is known. */
static Status
wait_bounded_shares(Engine *engine, const _Atomic bool *interrupted, Error *err)
{
	Arena		 arena = {0};
	const char **ids;
	int			 n = 0;
	Status		 status = OK;

	pthread_mutex_lock(&engine->lock_queries);
	for (Query *q = engine->queries; q != NULL; q = q->next)
		n += q->sources_end && q->takes_part;
	ids = arena_array(&arena, const char *, n + 1);
	n = 0;
	for (Query *q = engine->queries; q != NULL; q = q->next)
		if (q->sources_end && q->takes_part)
			ids[n++] = arena_strdup(&arena, q->id);
	pthread_mutex_unlock(&engine->lock_queries);
	for (int i = 0; i < n && status == OK; i++) {
		status = share_wait(engine, ids[i], interrupted, err);
		pthread_mutex_lock(&engine->lock_queries);
		const Query *query = query_find(engine, str_of(ids[i]));

		if (status == OK && query != NULL && query->state == QUERY_ERROR)
			status = error_fatal(err, "Query %s failed: %s", query->id, query->error);
		pthread_mutex_unlock(&engine->lock_queries);
	}
	arena_free(&arena);
	return status;
}

Status
engine_wait_bounded(Engine *engine, const _Atomic bool *interrupted, Error *err)
{
	Status status = OK;

	if (engine->store == NULL || engine->is_inline)
		return OK;
	if (engine->on_kafka)
		return wait_bounded_shares(engine, interrupted, err);
	pthread_mutex_lock(&engine->lock_queries);
	for (;;) {
		bool			waits = false;
		struct timespec until;

		for (Query *q = engine->queries; q != NULL && status == OK; q = q->next) {
			waits = waits || (q->sources_end && q->state == QUERY_RUNNING);
			if (q->sources_end && q->state == QUERY_ERROR)
				status = error_fatal(err, "Query %s failed: %s", q->id, q->error);
		}
		if (!waits || status == FAILED || (interrupted != NULL && *interrupted))
			break;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 1;
		pthread_cond_timedwait(&engine->changed, &engine->lock_queries, &until);
	}
	pthread_mutex_unlock(&engine->lock_queries);
	return status;
}

/* True when the query has committed everything up to the given ends of its topics, or will never get there. */
static bool
query_has_reached(Engine *engine, Query *query, const int64_t *ends, int n_ends)
{
	const Plan *plan = query->persistent.plan;
	int			k = 0;

	for (int i = 0; i < plan->n_sources; i++) {
		const SourceSpec *source = ((const ScanSpec *)plan->sources[i]->spec)->source;

		if (source->kind != SOURCE_TOPIC)
			continue;
		for (int p = 0; p < source->topic->n_partitions && k < n_ends; p++, k++) {
			int64_t position = 0;
			Error	ignored;

			if (ends[k] > 0
				&& (store_position_get(engine->store, str_of(query->id), str_of(source->input), p, &position, &ignored) != OK
					|| position < ends[k]))
				return false;
		}
	}
	return true;
}

static int
query_ends(Engine *engine, Query *query, Arena *arena, int64_t **out)
{
	const Plan *plan = query->persistent.plan;
	int			n = 0;
	int64_t	   *ends;

	for (int i = 0; i < plan->n_sources; i++) {
		const SourceSpec *source = ((const ScanSpec *)plan->sources[i]->spec)->source;

		n += source->kind == SOURCE_TOPIC ? source->topic->n_partitions : 0;
	}
	ends = arena_array(arena, int64_t, n + 1);
	n = 0;
	for (int i = 0; i < plan->n_sources; i++) {
		const SourceSpec *source = ((const ScanSpec *)plan->sources[i]->spec)->source;
		Topic			 *topic = NULL;
		Error			  ignored;

		if (source->kind != SOURCE_TOPIC)
			continue;
		if (topics_find(engine->topics, str_of(source->topic->name), &topic, &ignored) == FAILED)
			topic = NULL;
		for (int p = 0; p < source->topic->n_partitions; p++, n++) {
			int64_t begin;

			if (topic == NULL || p >= topic->config.n_partitions || topics_ends(engine->topics, topic, p, &begin, &ends[n], &ignored) == FAILED)
				ends[n] = 0;
		}
	}
	*out = ends;
	return n;
}

static Status wait_for_feeders(Engine *engine, const CatalogSnapshot *snapshot, const char *const *names, int n_names, int depth,
							   const _Atomic bool *interrupted, Error *err);

/* Waits for one query, its feeders first.  `depth` bounds cycles of INSERT INTO. */
static Status
wait_for_query(Engine *engine, const CatalogSnapshot *snapshot, const CatalogQuery *wanted, int depth,
			   const _Atomic bool *interrupted, Error *err)
{
	Arena	 arena = {0};
	int64_t *ends;
	int		 n_ends;
	int64_t	 idle = 0;
	bool	 waits = true;

	if (depth < MAX_CHAIN)
		TRY(wait_for_feeders(engine, snapshot, wanted->sources, wanted->n_sources, depth + 1, interrupted, err));
	if (engine->on_kafka)
		return share_wait(engine, wanted->id, interrupted, err);
	pthread_mutex_lock(&engine->lock_queries);
	Query *query = query_find(engine, str_of(wanted->id));

	n_ends = query != NULL ? query_ends(engine, query, &arena, &ends) : 0;
	/* A followed file has no end to compare with: an epoch that began after this moment and found nothing has seen all. */
	if (query != NULL && query->polls) {
		idle = query->n_idle_epochs + 1 + query->is_in_hand;
		queue_push(query);
	}
	while (waits && query != NULL && query->state == QUERY_RUNNING && !(interrupted != NULL && *interrupted)) {
		waits = query->sources_end || query->n_idle_epochs < idle || !query_has_reached(engine, query, ends, n_ends);
		if (waits) {
			struct timespec until;

			clock_gettime(CLOCK_REALTIME, &until);
			until.tv_nsec += 20000000;
			until.tv_sec += until.tv_nsec / 1000000000;
			until.tv_nsec %= 1000000000;
			pthread_cond_timedwait(&engine->changed, &engine->lock_queries, &until);
			query = query_find(engine, str_of(wanted->id));
		}
	}
	pthread_mutex_unlock(&engine->lock_queries);
	arena_free(&arena);
	if (interrupted != NULL && *interrupted)
		return error_set(err, ERROR_INTERRUPTED, "Cancelled while waiting for query %s", wanted->id);
	return OK;
}

static Status
wait_for_feeders(Engine *engine, const CatalogSnapshot *snapshot, const char *const *names, int n_names, int depth,
				 const _Atomic bool *interrupted, Error *err)
{
	for (int n = 0; n < n_names; n++)
		for (int i = 0; i < catalog_n_queries(snapshot); i++) {
			const CatalogQuery *query = catalog_query_at(snapshot, i);
			bool feeds = query->sink != NULL ? strcmp(query->sink, names[n]) == 0
											 : query->n_sources > 0 && strcmp(query->sources[0], names[n]) == 0;

			if (feeds)
				TRY(wait_for_query(engine, snapshot, query, depth, interrupted, err));
		}
	return OK;
}

Status
engine_wait_caught_up(Engine *engine, const CatalogSnapshot *snapshot, const char *const *names, int n_names,
					  const _Atomic bool *interrupted, Error *err)
{
	return wait_for_feeders(engine, snapshot, names, n_names, 0, interrupted, err);
}
