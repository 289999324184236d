#ifndef SLUICE_ENGINE_ENGINE_IMPL_H
#define SLUICE_ENGINE_ENGINE_IMPL_H

/* What the files of engine/ share.  Nobody outside includes this. */
#include <pthread.h>
#include <stdatomic.h>

#include "catalog/catalog.h"
#include "common/cancel.h"
#include "engine/engine.h"
#include "engine/metrics.h"
#include "exec/state/state.h"
#include "exec/func/user.h"
#include "exec/task/bounded_run.h"
#include "exec/task/stream_run.h"
#include "parser/ast.h"
#include "parser/lexer.h"
#include "parser/parser.h"
#include "planner/planner.h"
#include "store/store.h"

typedef enum QueryState { QUERY_RUNNING, QUERY_PAUSED, QUERY_ERROR, QUERY_COMPLETED, QUERY_TERMINATED } QueryState;

const char *query_state_name(QueryState state);

typedef struct Query Query;
typedef struct TableCopy TableCopy;
typedef struct EpochOutput EpochOutput;

/* What made a query stop.  `text` is malloc'ed: message, then after a line feed the remedy if there is one. */
typedef struct QueryFailure {
	Time	   time;
	ErrorClass class;
	char	  *text;
} QueryFailure;

/* The latest failures of a query, oldest first; under lock_queries, but is_failed and n_retries belong to who runs it. */
typedef struct QueryFailures {
	int			  n;
	int			  capacity;
	QueryFailure *items;
	bool		  is_failed;	/* the last one stands: nothing was committed since */
	int			  n_retries;	/* since then */
	Nanos		  retry_at;		/* 0: it waits for RESUME */
} QueryFailures;

/* Records that the query could not read or process, on their way to a topic (dead_letter.h); its worker's. */
typedef struct DeadLetter DeadLetter;
typedef struct DeadLetters {
	const char *topic_name;		/* NULL: none are wanted */
	Arena		arena;			/* of the letters */
	int			n;
	int			capacity;
	DeadLetter **items;			/* in the order in which they came */
	bool		has_failed;
	Error		failure;
} DeadLetters;

/* A running persistent query.  Its run, unit and output belong to the worker that has it in hand. */
struct Query {
	Query			 *next;				/* of the engine's list, in order of creation */
	Engine			 *engine;
	const char		 *id;
	Arena			  arena;			/* of plan and texts */
	PersistentPlan	  persistent;
	Settings		 *settings;
	const CatalogSnapshot *snapshot;	/* that it was planned with: specs point into it */
	bool			  standard;
	int				  n_functions;		/* of users that its plan has */
	const UserFunction *const *functions;
	const char		 *missing_function;	/* why one of them cannot run; NULL: all can */
	StreamRun		 *run;				/* NULL until it first runs */
	TopicUnit		 *unit;
	EpochOutput		 *output;
	RowLog			  row_log;			/* into the processing log */
	BadRecordLog	  bad_records;
	DeadLetters		  letters;
	const StreamRun	 *run_at_work;		/* of several fragments the one in hand */
	int				  n_log_entries;	/* of the epoch in hand */
	bool			  is_log_reader;
	bool			  fails_on_bad;		/* ksql.fail.on.deserialization.error */
	char			  bad_record[512];	/* the first one of the epoch then */
	SourceContext	  sources;
	int				  n_backends;
	StateBackend	**backends;			/* by partition */
	int				  n_listeners;
	int				 *listeners;
	bool			  sources_end;		/* files without FOLLOW only */
	struct Share	 *share;			/* on Kafka; else NULL */
	bool			  takes_part;		/* on Kafka: this process is among those that run it */
	bool			  polls;			/* a source does not wake it up: looked at every now and then */
	/* Under engine->lock_queries. */
	QueryState		  state;
	bool			  is_queued;
	bool			  is_in_hand;
	bool			  wants_run;		/* woken while it was in hand */
	bool			  must_stop;
	int64_t			  n_idle_epochs;	/* that found nothing to take */
	char			  error[ERROR_MESSAGE_MAX];	/* of QUERY_ERROR: text of the last failure */
	QueryFailures	  failures;
	int				  n_quick;			/* on Kafka: failures that pass quickly, since an epoch went well */
	Nanos			  quick_at;			/* not taken before */
	_Atomic Nanos	  told_at;			/* when other processes were last told that it is in ERROR; 0: they think it is not */
	Query			 *next_queued;
	/* Statistics, by who runs it; for everybody to read. */
	MemoryBudget	  budget;			/* a part of the engine's: what this query has reserved */
	_Atomic int64_t	  rows_in;
	_Atomic int64_t	  rows_out;
	_Atomic int64_t	  bytes_in;			/* keys and values of records; lines of files */
	_Atomic int64_t	  bytes_out;
	_Atomic int64_t	  bad_rows;
	_Atomic int64_t	  errors[PROCESSING_ERRORS];	/* bad_rows by kind */
	_Atomic int64_t	  late_rows;
	_Atomic int64_t	  state_rows;		/* that its operators keep */
	_Atomic int64_t	  epochs;
	_Atomic Nanos	  busy_nanos;		/* in epochs, commits included */
	_Atomic Nanos	  commit_nanos;
	_Atomic int64_t	  restarts;			/* tries after a failure */
	/* On Kafka: what the store's copies of state lacked when partitions were taken over. */
	_Atomic int64_t	  restored_tasks;
	_Atomic int64_t	  restored_records;
	_Atomic Nanos	  restore_nanos;
	_Atomic Nanos	  last_rows;		/* when it last took any; 0: never */
	_Atomic bool	  is_restoring;		/* its state is loaded, from the store or from changelogs */
	_Atomic Nanos	  load_nanos;		/* how long that took the last time */
	_Atomic int64_t	  restore_left;		/* records of changelogs, about; 0: it is done */
	struct {
		int64_t rows_out, bytes_out, bytes_in, late_rows;
	}				  before;			/* of runs that were closed */
	_Atomic bool	  interrupted;
};

struct Engine {
	const Env		*env;
	Settings		*settings;
	char			*directory;
	bool			 is_inline;
	int				 n_workers;
	int				 n_processors;
	char			*host;				/* "host:port" that peers know this engine by */
	const FileAccess *file_access;		/* borrowed; NULL: statements may open everything */
	MemoryBudget	 budget;
	EngineCounters	 counters;
	Log				*log;				/* borrowed; NULL: none */
	pthread_mutex_t	 lock_ddl;			/* one statement that changes the catalog at a time; also opening the store.  See engine_lock_ddl */
	int				 ddl_depth;			/* how often the thread that has it has taken it */
	_Atomic Nanos	 ddl_began;			/* since when it is held; 0: it is free */
	Store			*store;
	Topics			*topics;
	_Atomic bool	 is_open;			/* store and topics are there, until the engine is closed */
	Catalog			*catalog;
	_Atomic(const UserFunctions *) functions;	/* NULL: none; replaced under lock_ddl */
	Arena			 functions_arena;	/* of all lists and functions there ever were */
	struct SchemaRegistry *registry;	/* NULL: there is none */
	_Atomic int64_t	 n_commands;		/* sequence number of the next command; changed under lock_ddl */
	struct CommandStatuses *command_statuses;
	bool			 is_recovering;
	bool			 is_resuming;		/* queries of an earlier process start: told of together */
	/* On Kafka. */
	bool			 on_kafka;
	bool			 is_transient;		/* takes part in running only what it is asked for itself */
	bool			 is_replaying;		/* under lock_ddl: the command in hand is one of the log's */
	bool			 was_fenced;		/* under lock_ddl: another process decided while this one did */
	struct Cluster	*cluster;			/* the command log that all processes of the service follow */
	char			 skipped_command[1024];	/* of another process, that could not be applied here; "": none, or told of */
	_Atomic int64_t	 n_skipped;
	char			*instance;			/* names this data directory among the members of groups */
	pthread_mutex_t	 lock_presence;
	struct KafkaPresence *presence;		/* while it has left word of queries in ERROR (query_states.c); under lock_presence */
	char			*member;			/* what members know this process by: of the instance, and of `host` if it serves others */
	pthread_mutex_t	 lock_copies;
	struct TableCopy *copies;			/* of tables that are looked up, under lock_copies (table_copy.h) */
	/* Persistent queries. */
	pthread_mutex_t	 lock_queries;
	pthread_cond_t	 work;				/* the queue has something, or the engine stops */
	pthread_cond_t	 changed;			/* a query was put back or changed its state */
	Query			*queries;
	Query			*queue_first;
	Query			*queue_last;
	pthread_t		*workers;
	int				 n_started;
	bool			 is_stopping;
	/* Live queries (live.c), under lock_queries too. */
	struct {
		struct LiveQuery *all;
		struct LiveQuery *ready;
		struct LiveQuery *ready_last;
		struct LiveQuery *due;			/* in order of time */
		struct LiveQuery *due_last;
		int				  n;
		bool			  is_ending;	/* new ones end at once */
	} live;
	bool			 is_sandbox;		/* a copy to try statements on (sandbox.c): nothing is logged, written or run */
	struct Engine	*original;			/* of a sandbox */
	bool			 sandbox_has_query;	/* a SELECT or PRINT was refused there */
	Nanos			 next_poll;			/* when queries that nothing wakes are looked at again */
	Nanos			 next_retention;	/* when a worker looks for old records of topics again */
	/* sluice test: physical partitions are always one, whatever statements say. */
	bool			 single_partition_topics;
	int (*test_partitions)(void *context, const char *topic);	/* that the case says; -n: not there, n by default */
	void			*test_context;
	_Atomic int64_t	 n_transient;		/* for ids of transient queries */
	pthread_mutex_t	 lock_sessions;
	struct Session	*sessions;			/* all there are, under lock_sessions */
	_Atomic bool	 ends_waits;		/* see engine_end_waits */
	_Atomic bool	 ends_statements;
};

struct Session {
	Client			 client;
	Engine			*engine;
	struct Session	*next;				/* of all */
	struct Session **link;
	Settings		*settings;
	int				 n_variables;
	int				 variable_capacity;
	char		   **variables;			/* name, value, ... */
	char			*user;				/* NULL: the local one */
	Role			 role;
	_Atomic bool	 interrupted;
	bool			 keep_going;
	void (*on_error)(void *context, const Error *err, Str sql);
	void			*on_error_context;
	int				 statement_number;
	int				 script_depth;		/* RUN SCRIPT within RUN SCRIPT */
	StrBuf			 statement_text;	/* of the statement last begun */
	/* sluice test replaces how a SELECT reads and whether one is run at all. */
	struct TestHooks *hooks;
};

/* One statement in hand. */
typedef struct StatementContext {
	Session		   *session;
	Engine		   *engine;
	ResultSink	   *sink;
	Arena		   *arena;				/* of the statement */
	PlannerContext	planner;
	StrBuf		   *logical_text;		/* see PlannerContext */
	StrBuf		   *optimized_text;
	bool			standard;
	Str				sql;
	int				sql_offset;			/* where it begins in the text that positions count in */
	const struct QueryStates *elsewhere;	/* queries in other processes of the service (query_states.h); NULL: not asked for */
	const char	   *file_schema;		/* see PlannerContext; goes into the log of commands */
	/* CREATE FUNCTION: the library as it was found, and what it has; they go into the log too. */
	const char	   *native_path;
	FunctionClass	native_class;
	MemoryBudget   *budget;				/* of a bounded query, shared with who takes its rows; NULL: its own */
	struct PendingCommand *command;		/* of a statement that changes the catalog; NULL: nobody is told of it */
} StatementContext;

typedef struct TestHooks TestHooks;
struct TestHooks {
	Status (*select)(TestHooks *hooks, StatementContext *context, const AstStatement *statement, Error *err);
	Status (*assert_statement)(TestHooks *hooks, StatementContext *context, const AstStatement *statement, Error *err);
	/* A persistent query was started or (id of a replaced one) replaced: run it when its time comes. */
	Status (*query_started)(TestHooks *hooks, Query *query, Error *err);
	/* A record was produced by INSERT VALUES. */
	Status (*produced)(TestHooks *hooks, const char *topic, Error *err);
};

/* ---- engine.c ---- */
/* lock_ddl, which one thread may take several times; how long it is held can be seen. */
void	engine_lock_ddl(Engine *engine);
void	engine_unlock_ddl(Engine *engine);

int64_t engine_memory_limit(const Settings *settings);		/* bytes that a query may use */
void   planner_context_init(PlannerContext *planner, Engine *engine, Arena *arena, const CatalogSnapshot *snapshot,
							const Settings *settings, bool standard);

/* The topic of that name, *out NULL if there is none. */
Status engine_topic(Engine *engine, const char *name, Topic **out, Error *err);

/* Creates the topic of a source if there is none; an existing one must fit (ksqlDB's sentences). */
Status engine_create_topic(Engine *engine, const CatalogSource *source, Error *err);

/* ---- cluster.c: the command log of a service on Kafka ---- */

/* Opens the topics of bootstrap.servers and the command log; replays it. */
Status cluster_open(Engine *engine, Error *err);
void   cluster_close(Engine *engine);

/* Before a statement that changes the catalog is decided on: nobody else decides meanwhile, and all that others did is known here. */
Status cluster_begin(Engine *engine, Error *err);

/* ERROR_TRANSIENT: another process came in between; begin again. */
Status cluster_append(Engine *engine, Str command, int64_t *sequence, Error *err);

/* From now on commands of others are applied as they come. */
Status cluster_follow(Engine *engine, Error *err);

/* ---- session.c ---- */
bool session_undefine(Session *session, const char *name);	/* false: there was none */
void session_note_text(Session *session, Str text);
/* It is not cancelled (unless all are), and the thread works for it from here on.  Returns whom for before: see cancel_watch. */
CancelFlags session_begin_statement(Session *session);

Status session_substitute(Session *session, Arena *arena, Str text, Str *out, Error *err);	/* variables, where that is on */

/* Parses all statements of a text; *has_query if one is a SELECT or PRINT, which fails. */
Status session_parse_all(Session *session, Str sql, int *n_statements, bool *has_query, Error *err);

/* ---- statement.c ---- */
Status statement_execute(StatementContext *context, const AstStatement *statement, Error *err);
Status statement_check_role(const Session *session, const AstStatement *statement, Error *err);
StatementPermission statement_permission_of(const AstStatement *statement);
const char *statement_kind_name(AstStatementKind kind);

/* Tells an entity; one that is a list. */
void statement_tell(StatementContext *context, const char *kind, const JsonValue *value);
void statement_tell_list(StatementContext *context, const char *kind, const char *member, JsonValue list);

/* ---- ddl.c ---- */
Status ddl_execute(StatementContext *context, const AstStatement *statement, Error *err);

/* Applies one command of the log again (recovery). */
Status ddl_replay(Engine *engine, Str command, Error *err);

/* ---- functions.c ---- */

/* Checks and loads a function (recovering: a stand-in if that fails); it lives as long as the engine.  Under lock_ddl. */
Status function_make(StatementContext *context, const AstCreateFunction *create, UserFunction **out, Error *err);
/* Puts a function into the list that binders use, in place of one of that name; NULL: takes that one off. */
void   functions_put(Engine *engine, const char *name, const UserFunction *function);
Status function_check_unused(StatementContext *context, const char *name, Error *err);

/* ---- select.c ---- */
Status select_execute(StatementContext *context, const AstStatement *statement, Error *err);

/* Plans, opening the store when the plan cannot be made without it.  *snapshot is released by the caller. */
Status select_plan(StatementContext *context, const AstQuery *query, const CatalogSnapshot **snapshot, Plan **out, Error *err);
Status explain_execute(StatementContext *context, const AstStatement *statement, Error *err);

/* Plans and runs a query into the context's sink. */
Status select_run(StatementContext *context, const AstQuery *query, Error *err);
/* PlannerContext.query_values, for the statement that it names.  query_values.c */
Status engine_query_values(PlannerContext *planner, const AstQuery *query, QueryValues *out, Error *err);

/* ---- live.c; under lock_queries, which live_run_next lets go meanwhile ---- */
bool  live_run_next(Engine *engine);		/* false: none is ready */
Nanos live_next_due(const Engine *engine);	/* 0: now; INT64_MAX: none is */

/* ---- copy.c ---- */
Status copy_execute(StatementContext *context, const AstStatement *statement, Error *err);

/* ---- summarize.c ---- */
Status summarize_execute(StatementContext *context, const AstStatement *statement, Error *err);

/* ---- show_functions.c ---- */
void   show_functions(StatementContext *context);
Status describe_function(StatementContext *context, const AstDescribe *describe, Error *err);

/* ---- insert.c ---- */
Status insert_values_execute(StatementContext *context, const AstStatement *statement, Error *err);
Status print_execute(StatementContext *context, const AstStatement *statement, Error *err);

/* ---- show.c ---- */
Status show_execute(StatementContext *context, const AstStatement *statement, Error *err);
Status describe_execute(StatementContext *context, const AstStatement *statement, Error *err);

/* What EXPLAIN tells of a plan, or of the query `entry` (NULL: none).  Texts are the arena's; under lock_queries if there is an entry. */
JsonValue query_description(StatementContext *context, const CatalogSnapshot *catalog, const char *id, const char *sql, const char *plan_text,
							const Plan *plan, const CatalogQuery *entry);

/* ---- query.c ---- */

/* Makes a query object; it does not run yet.  Takes the snapshot's reference. */
Query *query_new(Engine *engine, const char *id, const CatalogSnapshot *snapshot, const Settings *settings, bool standard);
void   query_free(Query *query);
void   query_fix_start(Query *query);				/* where it begins, if that is the latest; before query_start */
Status query_start(Query *query, Error *err);		/* into the list, and running unless inline */
Query *query_find(Engine *engine, Str id);			/* under lock_queries or lock_ddl */

/* Stops it after its epoch in hand and takes it off the list; frees it.  drop_state: its durable state goes too. */
Status query_stop(Engine *engine, Query *query, bool drop_state, Error *err);
/* Resuming also tries a query in ERROR again. */
void   query_set_paused(Engine *engine, Query *query, bool is_paused);

/* What a query has committed in an input that is read from `topic`, by partition; 0 where nothing is known. */
void query_positions(Engine *engine, const char *id, const char *input, Topic *topic, int64_t *positions);

/* On Kafka: begins to run it in this process too. */
Status query_take_part(Engine *engine, const char *id, Error *err);

/* What a share (share.h) and a query of its own have in common: options of a run, the unit and output of epochs, bad records that fail. */
void   query_run_options(Query *query, StreamRunOptions *options, bool is_durable);
void   query_open_output(Query *query, TopicUnit *unit);
void   query_close_output(Query *query);
Status query_check_bad(Query *query, Error *err);

/* An epoch's commit took so long. */
void query_committed(Query *query, Nanos took);

/* One epoch, committed.  DONE: completed. */
Status query_run_epoch(Query *query, int64_t *n_rows, Error *err);
StateBackend *query_state_backend(void *query, int partition);
Status query_open_run(Query *query, const StreamRunOptions *overrides, Error *err);
void   query_close_run(Query *query);		/* what has not been committed is forgotten */

/* ---- workers.c ---- */

/* Puts it into the queue of the workers (a Query *). */
void query_wake(void *query);
/* The same, and out of it again, for who holds lock_queries.  A query in a worker's hand is put there when it comes out. */
void query_enqueue(Query *query);
void query_dequeue(Engine *engine, Query *query);

Status engine_start_workers(Engine *engine, Error *err);
void   engine_stop_workers(Engine *engine);

/* Queries are about to be freed one by one: none is put into the queue any more, which may hold others. */
void engine_stop_waking(Engine *engine);

/* ---- query_wait.c ---- */

/* Waits until the queries that feed `names` (transitively) have consumed what existed when this was called. */
Status engine_wait_caught_up(Engine *engine, const CatalogSnapshot *snapshot, const char *const *names, int n_names,
							 const _Atomic bool *interrupted, Error *err);

/* ---- query_failure.c ---- */

/* "USER", "SYSTEM" or "UNKNOWN", as ksqlDB's API names them. */
const char *query_failure_type(ErrorClass class);

/* Puts the query into ERROR, durably; a failure that may pass is tried again.  Not under lock_queries; its run must be closed. */
void query_fail(Query *query, const Error *error);

/* Of one in ERROR, under lock_queries: it will be tried again, and may well go on. */
bool query_failure_is_transient(const Query *query);

/* What was kept of a query's failures when the engine was last closed; sets its state.  Before it is started. */
void query_failures_load(Query *query);

/* An epoch went well: that the query is no more in ERROR commits with it; then (committed) forgets it. */
void query_failures_pass(Query *query, StoreUnit *unit);
void query_failures_passed(Query *query);
/* Both, in a unit of its own: for epochs that commit elsewhere. */
Status query_failures_clear(Query *query, Error *err);
void query_failures_drop(const Query *query, StoreUnit *unit);
void query_failures_free(QueryFailures *failures);

/* The fingerprint of the plan whose state is stored (NULL: there is none any more).  Checking fails, with the remedy, when the
 * query's plan is another; a new query's goes into `unit` (NULL: not yet). */
void   query_put_fingerprint(StoreUnit *unit, const char *id, const PersistentPlan *plan);
/* Fails when the library of a function that it uses was not there at the start. */
Status query_check_functions(const Query *query, Error *err);
Status query_check_fingerprint(Query *query, StoreUnit *unit, Error *err);

/* ---- produce.c: records of a source's rows ---- */
typedef struct RowProducer {
	const CatalogSource *target;
	Topic				*topic;
	Encoder				*key;
	Encoder				*value;
	int					 n_partitions;
	int64_t				 n_keyless;		/* records without a key take turns */
	StrBuf				 key_bytes;
	StrBuf				 value_bytes;
} RowProducer;

/* The context's planner must be set up; memory is the statement's. */
Status row_producer_init(RowProducer *producer, StatementContext *context, const CatalogSource *target, Error *err);

/* One row of columns in the order of the target's schema. */
Status row_producer_add(RowProducer *producer, TopicUnit *unit, const Vector *const *columns, int32_t row, Time time, Error *err);
void   row_producer_free(RowProducer *producer);

/* The columns of one row as vectors of one row each (insert.c). */
const Vector *const *row_vectors(Arena *arena, const Schema *schema, const Value *values);

/* ---- processing_log.c ---- */

/* Declares KSQL_PROCESSING_LOG and makes its topic.  Before the commands of the log are replayed, which may name it. */
Status processing_log_declare(Engine *engine, Error *err);

/* Makes its topic on Kafka, where that is put off until there is a query that may write there. */
Status processing_log_create(Engine *engine, Error *err);

/* Sets the query's row_log and bad_records. */
void processing_log_attach(Query *query);

/* ---- epoch.c: output and state of an epoch, into a store unit ---- */
struct EpochOutput {
	TaskOutput	 output;
	Engine		*engine;
	TopicUnit	*unit;
	int			 n_topics;
	const char **topic_names;
	Topic	   **topics;
	int			 n_tables;
	const char **table_names;
	int64_t		*table_states;
	int64_t		 n_written;
	int64_t		 n_bytes;		/* keys and values of those */
	/* On Kafka: the topic of a table, whose records all need a key (it is compacted); told to `row_log`.  NULL: none. */
	const char	*keyed_topic;
	RowLog		*row_log;
	Arena		 arena;
};

void		  epoch_output_init(EpochOutput *output, Engine *engine, TopicUnit *unit);
void		  epoch_output_free(EpochOutput *output);
StateBackend *epoch_backend_new(Engine *engine, const char *query_id, StoreUnit *unit, int partition);
void		  epoch_backend_free(StateBackend *backend);		/* NULL does nothing */

/* Under which name the store has the state of an operator's table. */
void epoch_state_name(char *name, size_t size, int op_id, int table);

/* The state that holds a table's kept rows. */
Status kept_rows_open(Engine *engine, const char *table_name, int64_t *state_id, Error *err);

#endif
