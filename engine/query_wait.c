/* Waiting for persistent queries: until those over files are complete, until those that feed a source have consumed what there is. */
#include <time.h>

#include "engine/engine_impl.h"
#include "engine/share.h"
#include "exec/op/scan.h"

#define MAX_CHAIN 16		/* of queries that feed each other, looked at when waiting: INSERT INTO may make cycles */

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
		query_enqueue(query);
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
