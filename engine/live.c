/*
 * Live queries.  One is ready, or due at a time (so that a topic that is written often does not make each of many queries run for
 * each record), or asleep until a topic of it grows, or parked until its receiver has room, or in a worker's hand.  All of it is under
 * lock_queries; what a query is made of belongs to the worker that has it.
 */
#include "engine/live.h"
#include "engine/engine_impl.h"
#include "engine/select_impl.h"
#include "exec/op/scan.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define GAP_NANOS 2000000				/* least time from the end of an epoch to the next */
#define GAP_NANOS_PER_QUERY 100000		/* longer, the more there are: 500 queries look every 52 ms */
#define POLL_NANOS 100000000			/* how often sources that wake nobody are looked at */
#define MORE_ROWS 10000					/* an epoch that took so many is not the last of what is there */

typedef enum LiveState { LIVE_READY, LIVE_DUE, LIVE_ASLEEP, LIVE_PARKED, LIVE_IN_HAND, LIVE_ENDED } LiveState;

struct LiveQuery {
	LiveQuery		*next;				/* of all */
	LiveQuery		*previous;
	LiveQuery		*next_queued;		/* of the ready ones, or of those that are due */
	_Atomic int		 refs;
	LiveState		 state;
	bool			 is_woken;			/* while in hand */
	bool			 is_resumed;		/* while in hand */
	bool			 is_cancelled;
	bool			 polls;
	Nanos			 due;
	Session			*session;
	LiveOptions		 options;
	Arena			 arena;
	StatementContext context;
	const CatalogSnapshot *snapshot;
	Plan			*plan;
	SelectRun		 run;
	StreamRun		*stream;
	SourceContext	 sources;
	MemoryBudget	 budget;
	const char		*id;
	const char		*owner;				/* NULL: nobody had to log in */
	Nanos			 started;
	int				 n_listeners;
	int				*listeners;
};

/* ---- queues; under lock_queries ---- */

static void
push_ready(Engine *engine, LiveQuery *live)
{
	live->state = LIVE_READY;
	live->next_queued = NULL;
	if (engine->live.ready_last != NULL)
		engine->live.ready_last->next_queued = live;
	else
		engine->live.ready = live;
	engine->live.ready_last = live;
	pthread_cond_signal(&engine->work);
}

/* In order of time; new ones are mostly the last, so the list is kept from its end. */
static void
push_due(Engine *engine, LiveQuery *live, Nanos due)
{
	LiveQuery **place = &engine->live.due;

	live->state = LIVE_DUE;
	live->due = due;
	if (engine->live.due_last != NULL && engine->live.due_last->due <= due)
		place = &engine->live.due_last->next_queued;
	else
		while (*place != NULL && (*place)->due <= due)
			place = &(*place)->next_queued;
	live->next_queued = *place;
	*place = live;
	if (live->next_queued == NULL)
		engine->live.due_last = live;
	/* A worker that waits longer than this has to wait anew. */
	if (engine->live.due == live)
		pthread_cond_signal(&engine->work);
}

static Nanos
gap(const Engine *engine)
{
	return GAP_NANOS + (Nanos)engine->live.n * GAP_NANOS_PER_QUERY;
}

static void
take_off_due(Engine *engine, LiveQuery *live)
{
	LiveQuery *before = NULL;

	for (LiveQuery *l = engine->live.due; l != live; l = l->next_queued)
		before = l;
	if (before != NULL)
		before->next_queued = live->next_queued;
	else
		engine->live.due = live->next_queued;
	if (engine->live.due_last == live)
		engine->live.due_last = before;
}

static LiveQuery *
pop_ready(Engine *engine)
{
	LiveQuery *live;
	Nanos	   now = engine->live.due != NULL ? nanos_now() : 0;

	while (engine->live.due != NULL && engine->live.due->due <= now) {
		live = engine->live.due;
		take_off_due(engine, live);
		push_ready(engine, live);
	}
	live = engine->live.ready;
	if (live != NULL) {
		engine->live.ready = live->next_queued;
		if (engine->live.ready == NULL)
			engine->live.ready_last = NULL;
		live->state = LIVE_IN_HAND;
		live->is_woken = live->is_resumed = false;
	}
	return live;
}

Nanos
live_next_due(const Engine *engine)
{
	return engine->live.ready != NULL ? 0 : engine->live.due != NULL ? engine->live.due->due : INT64_MAX;
}

/* ---- life ---- */

static void
live_wake(void *context)
{
	LiveQuery *live = context;
	Engine	  *engine = live->context.engine;

	pthread_mutex_lock(&engine->lock_queries);
	if (live->state == LIVE_ASLEEP)
		push_due(engine, live, live->due);
	else if (live->state == LIVE_IN_HAND)
		live->is_woken = true;
	pthread_mutex_unlock(&engine->lock_queries);
}

void
live_resume(LiveQuery *live)
{
	Engine *engine = live->context.engine;

	pthread_mutex_lock(&engine->lock_queries);
	if (live->state == LIVE_PARKED)
		push_ready(engine, live);
	else if (live->state == LIVE_IN_HAND)
		live->is_resumed = true;
	pthread_mutex_unlock(&engine->lock_queries);
}

static void
cancel_locked(Engine *engine, LiveQuery *live)
{
	live->is_cancelled = true;
	if (live->state == LIVE_ENDED)
		return;
	live->session->interrupted = true;
	if (live->state == LIVE_DUE)
		take_off_due(engine, live);
	if (live->state == LIVE_DUE || live->state == LIVE_ASLEEP || live->state == LIVE_PARKED)
		push_ready(engine, live);
}

void
live_cancel(LiveQuery *live)
{
	Engine *engine = live->context.engine;

	pthread_mutex_lock(&engine->lock_queries);
	cancel_locked(engine, live);
	pthread_mutex_unlock(&engine->lock_queries);
}

const char *
live_id(const LiveQuery *live)
{
	return live->id;
}

int
engine_live_queries(Engine *engine)
{
	int n;

	pthread_mutex_lock(&engine->lock_queries);
	n = engine->live.n;
	pthread_mutex_unlock(&engine->lock_queries);
	return n;
}

/* Under lock_queries. */
static LiveQuery *
find_live(Engine *engine, const char *id, const char *owner)
{
	for (LiveQuery *l = engine->live.all; l != NULL; l = l->next)
		if (strcasecmp(l->id, id) == 0 && l->state != LIVE_ENDED && !l->is_cancelled
			&& (owner == NULL || (l->owner != NULL && strcmp(l->owner, owner) == 0)))
			return l;
	return NULL;
}

bool
engine_live_exists(Engine *engine, const char *id)
{
	bool exists;

	pthread_mutex_lock(&engine->lock_queries);
	exists = find_live(engine, id, NULL) != NULL;
	pthread_mutex_unlock(&engine->lock_queries);
	return exists;
}

bool
engine_live_cancel(Engine *engine, const char *id, const char *owner)
{
	LiveQuery *found;

	pthread_mutex_lock(&engine->lock_queries);
	found = find_live(engine, id, owner);
	if (found != NULL)
		cancel_locked(engine, found);
	pthread_mutex_unlock(&engine->lock_queries);
	return found != NULL;
}

void
engine_live_visit(Engine *engine, void (*visit)(void *context, const char *id, Str sql), void *context)
{
	pthread_mutex_lock(&engine->lock_queries);
	for (LiveQuery *l = engine->live.all; l != NULL; l = l->next)
		if (l->state != LIVE_ENDED)
			visit(context, l->id, l->context.sql);
	pthread_mutex_unlock(&engine->lock_queries);
}

/* What the query is made of; its id lives on. */
static void
live_close(LiveQuery *live)
{
	for (int i = 0; i < live->n_listeners; i++)
		topics_unlisten(live->context.engine->topics, live->listeners[i]);
	free(live->listeners);
	live->n_listeners = 0;
	live->listeners = NULL;
	stream_run_close(live->stream);
	live->stream = NULL;
	catalog_release(live->snapshot);
	live->snapshot = NULL;
	session_close(live->session);
	live->session = NULL;
}

void
live_release(LiveQuery *live)
{
	if (live == NULL || --live->refs > 0)
		return;
	pthread_mutex_destroy(&live->run.lock);
	arena_free(&live->arena);
	free(live);
}

/* Off the list of all, with the list's reference. */
static void
live_delist(Engine *engine, LiveQuery *live)
{
	pthread_mutex_lock(&engine->lock_queries);
	if (live->previous != NULL)
		live->previous->next = live->next;
	else
		engine->live.all = live->next;
	if (live->next != NULL)
		live->next->previous = live->previous;
	engine->live.n--;
	pthread_cond_broadcast(&engine->changed);
	pthread_mutex_unlock(&engine->lock_queries);
	live_release(live);
}

static void
live_end(Engine *engine, LiveQuery *live, Status status, const Error *err)
{
	ResultEnd end = {.limit_reached = status == DONE && plan_is_limited(live->plan->root), .seconds = (double)(nanos_now() - live->started) / 1e9};

	/* Who hears of the end must not find the query any more. */
	pthread_mutex_lock(&engine->lock_queries);
	live->state = LIVE_ENDED;
	pthread_mutex_unlock(&engine->lock_queries);
	select_run_tell_end(&live->run, &end);
	live->options.ended(live->options.context, status == FAILED ? FAILED : OK, err);
	live_close(live);
	live_delist(engine, live);
}

/* What comes after an epoch that did not end the query. */
static void
live_put_back(Engine *engine, LiveQuery *live, int64_t n_rows, bool is_full)
{
	Nanos now = nanos_now();

	pthread_mutex_lock(&engine->lock_queries);
	live->due = now + gap(engine);
	if (live->is_cancelled)
		push_ready(engine, live);
	else if (is_full && !live->is_resumed)
		live->state = LIVE_PARKED;
	else if (n_rows >= MORE_ROWS)
		push_ready(engine, live);
	else if (n_rows > 0 || live->is_woken || is_full)
		push_due(engine, live, live->due);
	else if (live->polls)
		push_due(engine, live, now + POLL_NANOS);
	else
		live->state = LIVE_ASLEEP;
	pthread_mutex_unlock(&engine->lock_queries);
}

static void
live_run(Engine *engine, LiveQuery *live)
{
	int64_t n_rows = 0;
	Error	err;
	Status	status = live->is_cancelled ? error_set(&err, ERROR_INTERRUPTED, "Query terminated") : stream_run_epoch(live->stream, &n_rows, &err);

	if (status == OK && (live->run.sink_is_done || plan_hit_limit(live->plan->root, live->run.n_rows)))
		status = DONE;
	if (status != OK)
		live_end(engine, live, status, &err);
	else
		live_put_back(engine, live, n_rows, live->options.is_full != NULL && live->options.is_full(live->options.context));
}

bool
live_run_next(Engine *engine)
{
	LiveQuery *live = pop_ready(engine);

	if (live == NULL)
		return false;
	pthread_mutex_unlock(&engine->lock_queries);
	live_run(engine, live);
	pthread_mutex_lock(&engine->lock_queries);
	return true;
}

void
engine_end_live(Engine *engine)
{
	pthread_mutex_lock(&engine->lock_queries);
	engine->live.is_ending = true;
	for (LiveQuery *l = engine->live.all; l != NULL; l = l->next)
		cancel_locked(engine, l);
	while (engine->live.n > 0 && engine->n_started > 0)
		pthread_cond_wait(&engine->changed, &engine->lock_queries);
	pthread_mutex_unlock(&engine->lock_queries);
}

/* ---- starting ---- */

static Status
live_listen(LiveQuery *live, Error *err)
{
	const Plan *plan = live->plan;
	Engine	   *engine = live->context.engine;

	live->listeners = xcalloc((size_t)plan->n_sources + 1, sizeof *live->listeners);
	for (int i = 0; i < plan->n_sources; i++) {
		const SourceSpec *source = ((const ScanSpec *)plan->sources[i]->spec)->source;
		Topic			 *topic = NULL;

		if (source->kind == SOURCE_TOPIC)
			TRY(engine_topic(engine, source->topic->name, &topic, err));
		if (topic != NULL)
			live->listeners[live->n_listeners++] = topics_listen(engine->topics, topic, live_wake, live);
		live->polls = live->polls || source->kind == SOURCE_FILE;
	}
	live->polls = live->polls || settings_int(live->session->settings, "idle.timeout.ms") > 0
				  || settings_int(live->session->settings, "max.task.idle.ms") > 0;
	return OK;
}

static Status
live_open(LiveQuery *live, Error *err)
{
	Engine			*engine = live->context.engine;
	StreamRunOptions options = select_stream_options(&live->context, &live->run, &live->sources, &live->budget);
	Status			 status;

	live->sources = select_sources(&live->context, &live->run, 1, false);
	live->budget.limit_bytes = select_memory_limit(&live->context);
	TRY(stream_run_open(live->plan, &options, &live->stream, err));
	TRY(live_listen(live, err));
	engine_lock_ddl(engine);
	status = engine_start_workers(engine, err);
	engine_unlock_ddl(engine);
	return status;
}

/* It can be found and cancelled from here on, but is in nobody's queue. */
static void
live_enlist(Engine *engine, LiveQuery *live)
{
	pthread_mutex_lock(&engine->lock_queries);
	live->state = LIVE_IN_HAND;
	live->refs++;
	live->next = engine->live.all;
	if (live->next != NULL)
		live->next->previous = live;
	engine->live.all = live;
	engine->live.n++;
	pthread_mutex_unlock(&engine->lock_queries);
}

static void
live_start(Engine *engine, LiveQuery *live)
{
	pthread_mutex_lock(&engine->lock_queries);
	push_ready(engine, live);
	/* It was begun while all were being ended. */
	if (engine->live.is_ending)
		cancel_locked(engine, live);
	pthread_mutex_unlock(&engine->lock_queries);
}

/* A plan is there: run it to its end, or start it. */
static Status
live_select(LiveQuery *live, LiveQuery **out, Error *err)
{
	ResultHeader header;

	if (live->plan->is_bounded)
		return select_run_plan(&live->context, live->plan, err);
	header = select_header(&live->context, live->plan);
	live->id = header.query_id;
	live->owner = live->session->user != NULL ? arena_strdup(&live->arena, live->session->user) : NULL;
	live->started = nanos_now();
	select_run_init(&live->run, &live->context);
	live->run.is_initialised = true;
	/* Where it begins is fixed before the client hears of it: what it writes then is seen. */
	TRY(live_open(live, err));
	/* Who reads its id may end it at once. */
	live_enlist(live->context.engine, live);
	if (live->context.sink->begin(live->context.sink, &header, err) != OK) {
		live_delist(live->context.engine, live);
		/* Somebody may have found it meanwhile, to cancel it: the caller frees it when they let go. */
		while (live->refs > 1)
			sched_yield();
		return FAILED;
	}
	*out = live;
	live_start(live->context.engine, live);
	return OK;
}

static Status
live_parse(LiveQuery *live, Str sql, const AstStatement **out, Error *err)
{
	Session		 *session = live->session;
	bool		  standard = settings_standard(session->settings);
	ParserOptions options = {.is_ksqldb = !standard, .needs_terminator = !standard};
	AstStatementList list;

	session_note_text(session, str_trim(sql));
	TRY(session_substitute(session, &live->arena, sql, &sql, err));
	TRY(parser_parse(&live->arena, sql, options, &list, err));
	if (list.n_items != 1)
		return error_user(err, "Expected exactly one KSQL statement; found %d instead", list.n_items);
	*out = list.items[0];
	if ((*out)->kind != AST_SELECT && (*out)->kind != AST_PRINT)
		return error_user(err, "Statement type `%s' is not supported here: send it to /ksql", statement_kind_name((*out)->kind));
	return OK;
}

static Status
live_begin(LiveQuery *live, Str sql, ResultSink *sink, LiveQuery **out, Error *err)
{
	const AstStatement *statement = NULL;

	TRY(live_parse(live, sql, &statement, err));
	live->context = (StatementContext){.session = live->session, .engine = live->session->engine, .sink = sink, .arena = &live->arena,
									   .standard = settings_standard(live->session->settings), .sql = statement->text,
									   .sql_offset = statement->pos.offset};
	if (statement->kind == AST_PRINT)
		return statement_execute(&live->context, statement, err);
	TRY(select_plan(&live->context, statement->query, &live->snapshot, &live->plan, err));
	return live_select(live, out, err);
}

Status
session_query(Session *session, Str sql, ResultSink *sink, const LiveOptions *options, LiveQuery **out, Error *err)
{
	LiveQuery  *live = xcalloc(1, sizeof *live);
	CancelFlags before;
	Status		status;

	*out = NULL;
	live->refs = 1;
	live->session = session;
	live->options = *options;
	before = session_begin_statement(session);
	status = live_begin(live, sql, sink, out, err);
	cancel_watch(before);
	if (*out != NULL)
		return OK;
	/* The session stays the caller's. */
	live->session = NULL;
	if (live->run.is_initialised)
		stream_run_close(live->stream);
	for (int i = 0; i < live->n_listeners; i++)
		topics_unlisten(live->context.engine->topics, live->listeners[i]);
	free(live->listeners);
	catalog_release(live->snapshot);
	if (live->run.is_initialised)
		pthread_mutex_destroy(&live->run.lock);
	arena_free(&live->arena);
	free(live);
	return status == DONE ? OK : status;
}
