/* Waiting until a query, wherever its processes are, has consumed what its inputs have. */
#include "engine/share_impl.h"

#include <stdlib.h>
#include <time.h>

#include "engine/share_file.h"

#define WAIT_MS 50			/* between two looks at the positions of a group */
#define FAILURE_TRIES 100	/* looks, until a query that must fail has failed */
#define MEMBERS_AFTER 20	/* looks, until it is asked whether anybody runs the query */
#define SETTLE_TRIES 4		/* of kafka_settle, for what the query writes: longer than a transaction of a killed process stays open */
#define RETRY_SECONDS 30	/* that a query in ERROR is waited for, if it is tried again: twice the time until that */

/* What is waited for: a copy, because the query may be dropped meanwhile. */
typedef struct ShareWait {
	Engine				*engine;
	const char			*query_id;
	const char			*group_id;
	KafkaPositions		*asked;			/* NULL: not asked yet */
	const _Atomic bool *interrupted;
	Nanos				retry_until;	/* a query in ERROR that will be tried again is waited for */
} ShareWait;

typedef enum WaitState { WAIT_NOT_RUNNING, WAIT_RUNNING, WAIT_WILL_RUN } WaitState;

/* What failed here by the way may go on in another process, or here a little later. */
static WaitState
state_of(const ShareWait *self)
{
	WaitState state = WAIT_NOT_RUNNING;
	Query	 *query;

	pthread_mutex_lock(&self->engine->lock_queries);
	query = query_find(self->engine, str_of(self->query_id));
	if (query != NULL && query->state == QUERY_RUNNING)
		state = WAIT_RUNNING;
	else if (query != NULL && query->state == QUERY_ERROR && query_failure_is_transient(query) && nanos_now() < self->retry_until)
		state = WAIT_WILL_RUN;
	pthread_mutex_unlock(&self->engine->lock_queries);
	return state;
}

static bool
is_interrupted(const ShareWait *self)
{
	return self->interrupted != NULL && *self->interrupted;
}

static Status
has_reached(ShareWait *self, Topic *topic, const int64_t *ends, bool *reached, Error *err)
{
	int64_t *positions;
	Status	 status;

	if (self->asked == NULL)
		TRY(kafka_positions_open(self->engine->topics, self->group_id, &self->asked, err));
	positions = xcalloc((size_t)topic->config.n_partitions, sizeof *positions);
	status = kafka_positions_committed(self->asked, topic, positions, err);
	*reached = status == OK;
	for (int p = 0; p < topic->config.n_partitions && *reached; p++)
		*reached = ends[p] == 0 || positions[p] >= ends[p];
	free(positions);
	return status;
}

/* Nobody may be running it: then it is done here. */
static Status
start_if_abandoned(const ShareWait *self, Error *err)
{
	int n_members;

	TRY(kafka_group_members(self->engine->topics, self->group_id, &n_members, err));
	return n_members == 0 ? query_take_part(self->engine, self->query_id, err) : OK;
}

typedef enum WaitKind { WAIT_INPUT, WAIT_FILES, WAIT_SINK } WaitKind;

typedef struct WaitTopic {
	const char *name;
	WaitKind	kind;
	bool		is_own;		/* the query writes there */
} WaitTopic;

static Status
wait_topic(ShareWait *self, Topic *topic, WaitKind kind, Error *err)
{
	int64_t *ends = xcalloc((size_t)topic->config.n_partitions, sizeof *ends);
	bool	 reached = false;
	Status	 status = OK;

	for (int p = 0; p < topic->config.n_partitions && kind == WAIT_FILES; p++)
		ends[p] = FILES_READ;
	for (int p = 0; p < topic->config.n_partitions && kind == WAIT_INPUT && status == OK; p++) {
		int64_t begin;

		status = topics_ends(self->engine->topics, topic, p, &begin, &ends[p], err);
		if (begin == ends[p])
			ends[p] = 0;
	}
	for (int tries = 1; status == OK && !reached && state_of(self) != WAIT_NOT_RUNNING; tries++) {
		status = has_reached(self, topic, ends, &reached, err);
		if (status == OK && !reached && tries % MEMBERS_AFTER == 0)
			status = start_if_abandoned(self, err);
		if (is_interrupted(self))
			status = error_set(err, ERROR_INTERRUPTED, "Cancelled while waiting for query %s", self->query_id);
		if (status == OK && !reached)
			nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000}, NULL);
	}
	free(ends);
	return status;
}

/*
 * What the query has committed is to be seen.  A transaction that a killed process left open hides all behind it until the
 * brokers end it, which is waited for; of topics that others write to it is not known when that will be.
 */
static Status
settle(const ShareWait *self, Topic *topic, bool is_own, Error *err)
{
	Status status = DONE;

	for (int tries = 0; status == DONE && tries < (is_own ? SETTLE_TRIES : 1) && !is_interrupted(self); tries++)
		status = kafka_settle(self->engine->topics, topic, self->interrupted, err);
	if (status != DONE || !is_own || is_interrupted(self))
		return status == FAILED ? FAILED : OK;
	error_set(err, ERROR_TRANSIENT, "What query %s has written to the topic %.*s is not all to be seen yet: a transaction is open there", self->query_id,
			  (int)topic->name.length, topic->name.data);
	return error_hint(err, "Ask again later; SET 'read.your.writes' = 'false' reads what is there.");
}

/* A topic is gone: by running the query here it comes to light what that means. */
static Status
wait_failure(const ShareWait *self, Error *err)
{
	TRY(query_take_part(self->engine, self->query_id, err));
	for (int tries = 0; tries < FAILURE_TRIES && state_of(self) == WAIT_RUNNING; tries++)
		nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000}, NULL);
	return OK;
}

/* Is it one that a fragment of the query writes for another? */
static bool
is_repartition(const Share *self, const char *topic)
{
	for (int i = 0; i < self->n_runs; i++)
		if (self->runs[i].fragment->output != NULL && strcmp(self->runs[i].fragment->output->name, topic) == 0)
			return true;
	return false;
}

/* What the query reads and, last, what it writes.  Files that grow have no end that could be waited for. */
static int
topics_of(const Share *self, Arena *arena, WaitTopic **out)
{
	const CatalogSource *sink = self->query->persistent.sink;
	int					 n = 0;

	for (int i = 0; i < self->n_runs; i++)
		n += self->runs[i].n_sources;
	*out = arena_array(arena, WaitTopic, n + self->n_runs + 1);
	n = 0;
	for (int i = 0; i < self->n_runs; i++) {
		const ShareRun *run = &self->runs[i];

		if (run->fragment->file_topic != NULL && share_file_has_end(run))
			(*out)[n++] = (WaitTopic){arena_strdup(arena, run->fragment->file_topic), WAIT_FILES, true};
		for (int s = 0; s < run->n_sources; s++)
			if (run->sources[s].spec->topic != NULL)
				(*out)[n++] = (WaitTopic){arena_strdup(arena, run->sources[s].spec->topic->name), WAIT_INPUT, is_repartition(self, run->sources[s].spec->topic->name)};
	}
	if (sink != NULL && sink->topic != NULL)
		(*out)[n++] = (WaitTopic){arena_strdup(arena, sink->topic), WAIT_SINK, true};
	return n;
}

Status
share_wait(Engine *engine, const char *query_id, const _Atomic bool *interrupted, Error *err)
{
	Arena		 arena = {0};
	ShareWait	 self = {.engine = engine, .query_id = query_id, .interrupted = interrupted, .retry_until = nanos_now() + RETRY_SECONDS * INT64_C(1000000000)};
	WaitTopic	*topics;
	int			 n = 0;
	Status		 status = OK;
	Query		*query;

	pthread_mutex_lock(&engine->lock_queries);
	query = query_find(engine, str_of(query_id));
	if (query != NULL && query->share != NULL) {
		n = topics_of(query->share, &arena, &topics);
		self.group_id = arena_strdup(&arena, query->share->group_id);
	}
	pthread_mutex_unlock(&engine->lock_queries);
	/* Upstream first; what the query writes comes last. */
	for (int i = 0; i < n && status == OK; i++) {
		Topic *topic;

		status = topics_find(engine->topics, str_of(topics[i].name), &topic, err);
		if (status == OK)
			status = topic == NULL ? wait_failure(&self, err) : settle(&self, topic, topics[i].is_own, err);
		if (status == OK && topic != NULL && topics[i].kind != WAIT_SINK)
			status = wait_topic(&self, topic, topics[i].kind, err);
	}
	kafka_positions_close(self.asked);
	arena_free(&arena);
	return status;
}
