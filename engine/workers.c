/*
 * The workers that run persistent queries epoch by epoch.
 *
 * A query is in exactly one place: idle, in the queue, or in a worker's hand.  New data in a topic that it reads (or a poll
 * of a followed file) puts it into the queue; a worker takes it, runs one epoch and commits it, and puts it back at the
 * end of the queue while there is more, so that many queries share few threads fairly.
 */
#include <stdlib.h>
#include <time.h>

#include "engine/engine_impl.h"
#include "engine/query_states.h"
#include "engine/share.h"

#define POLL_NANOS 100000000
#define RETENTION_NANOS 30000000000
#define MAX_WORKERS 64
#define KAFKA_WORKERS 16

/* ---- the queue; all under lock_queries ---- */

void
query_enqueue(Query *query)
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

void
query_dequeue(Engine *engine, Query *query)
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
	query_enqueue(query);
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
		query_enqueue(query);
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
			query_enqueue(q);
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
			query_enqueue(q);
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
		query_dequeue(engine, q);
	}
	pthread_mutex_unlock(&engine->lock_queries);
}
