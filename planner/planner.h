#ifndef SLUICE_PLANNER_PLANNER_H
#define SLUICE_PLANNER_PLANNER_H

/*
 * From AST to plan: bind (names and types) -> logical -> rewrite -> physical.  Pure: no I/O; what must be known of the world
 * comes through PlannerContext.  All results live in context->arena.
 */
#include "catalog/catalog.h"
#include "exec/plan.h"
#include "io/connector.h"
#include "parser/ast.h"

/* Rows of a query: row r's column c is values[r * schema->n_columns + c].  In the arena of the context that asked. */
typedef struct QueryValues {
	const Schema *schema;
	int			  n_rows;
	Value		 *values;
} QueryValues;

typedef struct PlannerContext PlannerContext;
struct PlannerContext {
	Arena				  *arena;
	const CatalogSnapshot *catalog;
	const Settings		  *settings;
	bool				   standard;		/* dialect of the statement */
	const Env			  *env;
	/* Columns of CREATE ... WITH (PATH=...) without columns, as they were found when it was first executed; NULL: look. */
	const char *file_schema;
	/* Fills a FileSpec by looking at the file (io's file_describe in the engine; tests: fixed). */
	Status (*describe_file)(PlannerContext *context, FileSpec *spec, Error *err);
	/* Partitions (replicas) of an existing topic, 0 if there is no such topic. */
	int (*topic_partitions)(PlannerContext *context, const char *topic);
	int (*topic_replicas)(PlannerContext *context, const char *topic);
	/* False: no kept rows of a table are near, and bounded queries read the topic that its query writes; NULL: they always are. */
	bool (*table_is_kept)(PlannerContext *context, const CatalogSource *table);
	/* Runs a bounded query to its end, for what the plan of this one depends on; NULL: it cannot be known here. */
	Status (*query_values)(PlannerContext *context, const AstQuery *query, QueryValues *out, Error *err);
	void   *statement;						/* for query_values */
	bool	partitions_may_differ;			/* the statement was executed before: its topics may have grown since */
	bool	partitions_given;				/* PARTITIONS of a statement counts for topics that exist too (sluice test) */
	const FileAccess *file_access;			/* what statements may open; NULL: everything */
	struct SchemaRegistry *registry;		/* NULL: there is none, formats that need one are refused */
	void *host;								/* for the callbacks */
	/* The statement's text, for names of unaliased expressions (standard); empty: they are printed from the tree.  Its
	 * first byte is at `sql_offset` of the text that positions count in. */
	Str	  sql;
	int	  sql_offset;
	/* EXPLAIN: where the relational tree is printed as bound, and after the rewrites; NULL: not wanted. */
	StrBuf *logical_text;
	StrBuf *optimized_text;
	bool	missed_source;					/* result: a name (of a source or function) was looked up that is not there */
	const struct UserFunctions *functions;	/* that users have made; NULL: none */
	/* Plans may be made with functions whose library is not there (recovery); the reason of the first one comes back. */
	bool		allows_missing;
	const char *missing_function;
	int						   n_used;		/* result: functions of users in the plan, repeats included */
	int						   used_capacity;
	const struct UserFunction **used;
};

/* ---- queries ---- */

/*
 * Plans a stand-alone SELECT: bounded, or continuous when it says EMIT.  ksqldb dialect: the rules of pull and push
 * queries.  The root is op_result.
 */
Status plan_select(PlannerContext *context, const AstQuery *query, Plan **out, Error *err);

/* What CREATE ... AS SELECT or INSERT INTO ... SELECT makes: a continuous plan into op_sink, and the sink. */
typedef struct PersistentPlan {
	Plan		  *plan;
	CatalogSource *sink;			/* new source (CREATE AS) or the existing one (INSERT) */
	int			   n_sources;		/* names read, in order, without repeats */
	const char *const *sources;
	uint64_t	   fingerprint;		/* of the stateful operators: shape, keys, types, windows */
} PersistentPlan;

/* CREATE OR REPLACE ... AS: may new_plan go on with the state and positions of old_plan?  Fails with what differs. */
Status plan_check_upgrade(Arena *arena, const Plan *old_plan, const Plan *new_plan, Error *err);

Status plan_create_as(PlannerContext *context, const AstStatement *statement, PersistentPlan *out, Error *err);
Status plan_insert_select(PlannerContext *context, const AstStatement *statement, PersistentPlan *out, Error *err);

/* The background query of CREATE SOURCE TABLE: keeps the table's rows (no topic is written: op_sink with topic NULL). */
Status plan_source_table(PlannerContext *context, const CatalogSource *table, PersistentPlan *out, Error *err);

/* ---- statements that declare ---- (planner/bind/ddl.c, insert_values.c) */

/* CREATE STREAM/TABLE with columns and WITH: everything checked and defaulted, except whether the name exists. */
Status bind_create_source(PlannerContext *context, const AstStatement *statement, CatalogSource **out, Error *err);

/* The topic spec (formats with columns) of a catalog source, for reading or writing it. */
Status bind_topic(PlannerContext *context, const CatalogSource *source, const TopicSpec **out, Error *err);

/* Sink properties of CREATE ... AS (WITH clause), with what is inherited from the leftmost source.  `schema` is the
 * result's.  Fills sink's topic, formats, partitions, timestamp; ksqlDB's sentences. */
Status bind_sink_properties(PlannerContext *context, const AstStatement *statement, const CatalogSource *leftmost,
							CatalogSource *sink, Error *err);

/* The FileSpec of a file: path and option pairs (name, value, ...), not yet described. */
Status bind_file(PlannerContext *context, const char *path, const char *const *options, int n_options, FileSpec **out, Error *err);

/* A column list as text ("station STRING, temp DOUBLE"): the SCHEMA option of files. */
Status bind_schema_text(PlannerContext *context, const char *text, const Schema **out, Error *err);

/* CREATE TYPE, and every AST type: custom types are looked up in the catalog. */
Status bind_type(PlannerContext *context, const AstType *type, const Type **out, Error *err);

/* ALTER ... ADD COLUMN: the changed source. */
Status bind_alter(PlannerContext *context, const AstStatement *statement, CatalogSource **out, Error *err);

/* Checks that OR REPLACE may turn old_source into new_source; ksqlDB's sentences. */
Status bind_replace_check(PlannerContext *context, const CatalogSource *old_source, const CatalogSource *new_source, Error *err);

/* One row to produce: INSERT INTO ... VALUES, evaluated and converted. */
typedef struct InsertRow {
	const CatalogSource *target;
	Value				*values;	/* one per column of the target's schema (key columns first); NULLs where not given */
	bool				 has_time;
	Time				 time;		/* ROWTIME */
} InsertRow;

/* The source of that name, if rows can be inserted into it. */
Status bind_insert_target(PlannerContext *context, AstIdent name, const CatalogSource **out, Error *err);

/* All rows of an INSERT VALUES (standard allows several; ksqldb one). */
Status bind_insert_values(PlannerContext *context, const AstStatement *statement, InsertRow **rows, int *n_rows, Error *err);

/* ---- names and expressions, for the files of planner/ and the engine ---- */

/* An identifier as the dialect stores it: ksqldb folds unquoted ones to upper case; standard keeps the text. */
const char *bind_name(PlannerContext *context, AstIdent ident);

/* A source by name in the dialect's way (standard: exact, else unique without regard to case); ksqlDB's sentence when
 * there is none. */
Status bind_source_name(PlannerContext *context, AstIdent name, const CatalogSource **out, Error *err);

/* What bind_source_name says of a name that it does not find; ksqldb: behind `prefix`. */
Status error_unknown_source(PlannerContext *context, AstIdent name, const char *prefix, Error *err);

/* Prints an identifier so that it parses back to the stored name. */
void bind_print_name(const char *stored, bool standard, StrBuf *out);

/* Binds and evaluates an expression without columns, converted to `type` by the strict implicit rules (NULL: as it is).
 * The column that it is for, `field`, is named in errors (NULL: none). */
Status bind_constant(PlannerContext *context, const AstExpr *expr, const Type *type, const char *field, Value *out, Error *err);

#endif
