#ifndef SLUICE_ENGINE_ENGINE_H
#define SLUICE_ENGINE_ENGINE_H

/*
 * The engine: store, catalog and persistent queries of one data directory.  It starts and stops things and owns their
 * lifetimes.  Thread safe; statements that change the catalog go one at a time.
 *
 * The directory is opened when a statement first needs it: queries over files leave nothing behind.
 */
#include "common/file_access.h"
#include "common/log.h"
#include "common/role.h"
#include "common/setting.h"
#include "engine/client.h"

typedef struct Engine Engine;
typedef struct Session Session;
struct Store;

typedef struct EngineOptions {
	const char	   *directory;		/* NULL: everything in memory */
	const Env	   *env;			/* NULL: the real world */
	const Settings *settings;		/* of the server; NULL: defaults */
	const FileAccess *file_access;	/* what statements may open, borrowed; NULL: everything */
	Log			   *log;			/* events of queries, borrowed; NULL: none */
	const char	   *host;			/* "host:port" that others know it by; NULL: it serves nobody ("local") */
	bool			is_inline;		/* no worker threads: persistent queries are run by the caller (sluice test) */
	int				n_workers;		/* 0: one a processor */
	/* On Kafka: it is there for some statements only, and takes part in running persistent queries if it creates them or nobody
	 * else runs one that it waits for.  Setting `queries.run` wins. */
	bool			is_transient;
} EngineOptions;

Status engine_open(const EngineOptions *options, Engine **out, Error *err);

/* Ends all queries after their epoch in hand, commits and closes. */
void engine_close(Engine *engine);

/* Opens the data directory (made if missing) and recovers, if that has not been done. */
Status engine_need_store(Engine *engine, Error *err);

/* False: the data directory does not exist yet, so nothing can be in it. */
bool engine_has_directory(const Engine *engine);

/* What became of the commands of this process: {"status", "message", "queryId"} of one (false: unknown), {id: status} of all. */
bool	  engine_command_status(Engine *engine, const char *id, Arena *arena, JsonValue *out);
JsonValue engine_command_statuses(Engine *engine, Arena *arena);

/* That of one that will be executed when others have been: QUEUED.  Gives what session_command_in_hand gives. */
JsonValue engine_queue_command(Engine *engine, const char *id, Arena *arena);

/* Of a command that is not executed by a statement, or that will not be executed.  Texts are copied. */
void engine_set_command_status(Engine *engine, const char *id, const char *status, const char *message);
int64_t	  engine_last_command(Engine *engine);		/* sequence number; -1: there was none */

/* {query id: {"activeStores", "activePartitions", "standByStores", "standByPartitions"}}, as ksqlDB's /clusterStatus tells them. */
JsonValue engine_active_queries(Engine *engine, Arena *arena);

/* Ends all persistent queries, drops all sources, and deletes those topics of sinks that match one of the patterns (whole names).
 * ERROR_USER for a bad pattern, before anything is done. */
Status engine_terminate(Engine *engine, const char *const *patterns, int n_patterns, Error *err);

/*
 * Waits until persistent queries whose sources all end (files) are COMPLETED or failed.  FAILED if one failed.
 */
Status engine_wait_bounded(Engine *engine, const _Atomic bool *interrupted, Error *err);

/*
 * Records for an embedded topic, which is made (one partition) if there is none.  They are committed now and then and by flush; what
 * was not flushed when the producer is closed is lost.
 */
typedef struct EngineProducer EngineProducer;
Status engine_producer_open(Engine *engine, const char *topic, EngineProducer **out, Error *err);
Status engine_producer_add(EngineProducer *producer, Time timestamp, Str key, Str value, Error *err);
Status engine_producer_flush(EngineProducer *producer, Error *err);
void   engine_producer_close(EngineProducer *producer);

/* Ends all queries of live.h.  Before the engine is closed by a server, and done by engine_close too. */
void engine_end_live(Engine *engine);

/*
 * For a server that ends.  Any thread; not taken back.  First: statements that wait for another machine from which nothing comes fail; what goes
 * on goes on.  Then, when that has taken long enough: all statements in hand fail when they notice, and new ones too (ERROR_INTERRUPTED).
 */
void engine_end_waits(Engine *engine);
void engine_cancel_statements(Engine *engine);

/* ---- sessions ---- */

Status session_open(Engine *engine, Session **out, Error *err);
void   session_close(Session *session);
Settings *session_settings(Session *session);
void   session_define(Session *session, const char *name, const char *value);

/*
 * Whose session it is: statements that need a higher role fail (ERROR_DENIED).  A new session is the local user's, who may do
 * everything.  The name is copied.
 */
void session_set_user(Session *session, const char *user, Role role);

/* What the statements need: the i-th row of the one table, from 0.  False behind the last. */
typedef struct StatementPermission {
	const char *name;
	Role		role;
	bool		is_command;		/* goes into the log of commands: changes the catalog or the life of queries */
} StatementPermission;
bool statement_permission(int i, StatementPermission *out);

/* See ClientType.execute.  With keep_going every statement runs, and the first error is returned at the end. */
Status session_execute(Session *session, Str sql, ResultSink *sink, Error *err);
void   session_keep_going(Session *session, bool keep_going, void (*on_error)(void *context, const Error *err, Str sql), void *context);
void   session_cancel(Session *session);

/*
 * Rows into a stream or table, given as JSON objects (one a call): names of columns as ksqlDB's /inserts-stream takes them (upper case
 * unless in backquotes), ROWTIME too; values are converted to the columns' types where nothing is lost.  Rows are durable after
 * row_inserter_commit.  A row that fails is not added, and the inserter can go on.  Borrows the session; one thread at a time.
 */
typedef struct RowInserter RowInserter;
Status row_inserter_open(Session *session, const char *target, RowInserter **out, Error *err);
Status row_inserter_add(RowInserter *inserter, Str json, Error *err);
Status row_inserter_commit(RowInserter *inserter, Error *err);
void   row_inserter_close(RowInserter *inserter);

/*
 * Makes the catalog what the text of a headless server says: CREATE STREAM, TABLE and TYPE, INSERT INTO ... SELECT, SET and UNSET, with at least one
 * persistent query.  What is there as it is written goes on with its state and settings; what is written otherwise is replaced (CREATE OR
 * REPLACE); what an earlier text had and this one has not is dropped, its topic stays.  All is tried first: after an error of the text nothing
 * has changed.  *n_changes: statements that were executed.  err->line is the text's, where there is one.
 */
Status session_apply_file(Session *session, Str sql, int *n_changes, Error *err);

/* The session as a client; closing it closes the session. */
Client *session_client(Session *session);

/*
 * The command that the session has in hand: {"commandId", "commandStatus", "commandSequenceNumber"}.  From then on /status tells how it ends,
 * whatever that is.  False: none is in hand.  From another thread, while the session lives.
 */
bool session_command_in_hand(Session *session, Arena *arena, JsonValue *out);

/* The number (from 1) of the statement that session_execute last began, of all in its text. */
int session_statement_number(const Session *session);


#endif
