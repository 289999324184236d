#ifndef SLUICE_ENGINE_LIVE_H
#define SLUICE_ENGINE_LIVE_H

/*
 * Queries whose rows go to somebody far away: continuous ones run on the engine's workers, epoch by epoch, in turn with persistent
 * queries, and hold no thread.  A receiver that takes no more parks its own query and no other.
 */
#include "engine/engine.h"

typedef struct LiveQuery LiveQuery;

typedef struct LiveOptions {
	/* After each epoch: true parks the query until live_resume.  By a worker; NULL: never. */
	bool (*is_full)(void *context);
	/* The query has ended, after sink->end; by a worker, once, and nothing is called after it.  INTERRUPTED: it was cancelled. */
	void (*ended)(void *context, Status status, const Error *err);
	void *context;
} LiveOptions;

/*
 * Runs one SELECT or PRINT.  Bounded queries and PRINT have ended when this returns, and *live is NULL.  A continuous SELECT goes on: *live is
 * the caller's until live_release, the session is taken, and `sink` is called by workers, one at a time.
 * ERROR_USER if the text is not exactly one such statement.
 */
Status session_query(Session *session, Str sql, ResultSink *sink, const LiveOptions *options, LiveQuery **live, Error *err);

/*
 * Runs the query at once if it is a look-up of a few keys of a table, which takes some microseconds and never waits; else *done is false and
 * nothing has been told to the sink, also when the text is wrong: then session_query says so.
 */
Status session_lookup(Session *session, Str sql, ResultSink *sink, bool *done, Error *err);

/* The receiver has room again.  Any thread. */
void live_resume(LiveQuery *live);

/* Ends it soon: `ended` is called.  Any thread; does nothing if it has ended. */
void live_cancel(LiveQuery *live);
void live_release(LiveQuery *live);
const char *live_id(const LiveQuery *live);

/* Live queries of the engine now. */
int engine_live_queries(Engine *engine);

/* Cancels the live query of that id (without regard to case); false: there is none.  With `owner` only one that a session of that user has
 * begun counts. */
bool engine_live_cancel(Engine *engine, const char *id, const char *owner);
bool engine_live_exists(Engine *engine, const char *id);

/* Told of each live query that goes on: texts live during the call; under a lock, so it must be quick. */
void engine_live_visit(Engine *engine, void (*visit)(void *context, const char *id, Str sql), void *context);

/* ---- several statements as one request ---- */

/*
 * Parses all statements and tries those that change or describe the catalog on a copy of it, in order, so that a request of several
 * statements normally does nothing if any of them is wrong.  The session is not changed; its statement text is that of the one at fault.
 * ERROR_UNSUPPORTED with `not_here` set if one is a SELECT or PRINT.  `tried` hears what they tell on the copy: that of a single statement is not.
 */
Status session_check(Session *session, Str sql, ResultSink *tried, bool *not_here, Error *err);

/* The text of the statement that was last begun, or failed to parse; until the next. */
const char *session_statement_text(const Session *session);

#endif
