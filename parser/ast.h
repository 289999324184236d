#ifndef SLUICE_PARSER_AST_H
#define SLUICE_PARSER_AST_H

/*
 * The abstract syntax tree: what the user wrote, with positions; no types resolved, no catalog.
 *
 * Every node lives in the arena that was given to parser_parse() and is immutable afterwards.  Lists are a pointer and a
 * count (`args`, `n_args`); pointers to optional parts are NULL when absent; an optional AstIdent has text == NULL.
 * Identifiers keep the text as written (without quotes, doubled quotes undone) and whether they were quoted: folding to
 * upper case is the binder's business, because it depends on the dialect.
 * All texts are NUL-terminated; a quoted text that contains a NUL byte is refused by the lexer.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/str.h"

/* A span of the SQL text.  line 0: no place (a node that was made, not parsed). */
typedef struct AstPos {
	int			line;			/* 1-based */
	int			column;			/* 1-based, in bytes */
	int			offset;			/* bytes from the start of the text given to the parser */
	int			length;			/* bytes of the whole construct */
} AstPos;

/* Deepest nesting of expressions, set operations and joins: a walk of the tree may recurse. */
#define AST_DEPTH_MAX 1000

typedef struct AstIdent {
	const char *text;			/* NULL: absent */
	bool		is_quoted;
	AstPos		pos;
} AstIdent;

typedef struct AstExpr AstExpr;
typedef struct AstType AstType;
typedef struct AstQuery AstQuery;
typedef struct AstBody AstBody;
typedef struct AstSelect AstSelect;
typedef struct AstRelation AstRelation;
typedef struct AstGrouping AstGrouping;
typedef struct AstStatement AstStatement;

/* ---- types as written ---- */

typedef enum AstTypeKind {
	AST_TYPE_NAMED,				/* BIGINT, VARCHAR(50), DECIMAL(4, 2), a registered type: name and numeric parameters */
	AST_TYPE_ARRAY,				/* ARRAY<t>, t ARRAY, t[]: element */
	AST_TYPE_MAP,				/* MAP<k, v>: key, element */
	AST_TYPE_STRUCT,			/* STRUCT<f t, ...>: fields, maybe none */
} AstTypeKind;

typedef struct AstTypeField {
	AstIdent	name;
	AstType	   *type;
} AstTypeField;

struct AstType {
	AstTypeKind kind;
	AstPos		pos;
	AstIdent	name;			/* NAMED */
	const char **params;		/* NAMED: parameters as written: numbers, or the word STRING */
	int			n_params;
	AstType	   *element;		/* ARRAY: element; MAP: value */
	AstType	   *key;			/* MAP */
	AstTypeField *fields;		/* STRUCT */
	int			n_fields;
};

/* ---- time amounts: 3 DAYS ---- */

typedef enum AstUnit {
	AST_UNIT_MICROSECOND,
	AST_UNIT_MILLISECOND,
	AST_UNIT_SECOND,
	AST_UNIT_MINUTE,
	AST_UNIT_HOUR,
	AST_UNIT_DAY,
	AST_UNIT_WEEK,
	AST_UNIT_MONTH,
	AST_UNIT_QUARTER,
	AST_UNIT_YEAR,
} AstUnit;

/* "DAYS", "HOURS", ...: the plural, upper case. */
const char *ast_unit_name(AstUnit unit);

/* Milliseconds of one unit; 0 for MICROSECOND and the units that are no fixed time (MONTH, QUARTER, YEAR). */
int64_t ast_unit_ms(AstUnit unit);

typedef struct AstDuration {
	bool		is_set;
	int64_t		amount;			/* as written, >= 0 */
	AstUnit		unit;
	AstPos		pos;
} AstDuration;

/* ---- expressions ---- */

typedef enum AstExprKind {
	/* literals: `text` has the digits as written (with a leading '-' where one belongs to the number) */
	AST_NULL,
	AST_BOOLEAN,				/* boolean */
	AST_INTEGER,				/* fits 32 bits signed: text, integer */
	AST_BIGINT,					/* fits 64 bits signed: text, integer */
	AST_DECIMAL,				/* digits with a point: text ("1.50", "1.", ".5") */
	AST_DOUBLE,					/* digits with an exponent: text */
	AST_STRING,					/* text: the content, quotes undone */
	AST_TYPED_LITERAL,			/* DECIMAL '1.2', DATE '2024-01-01', TIMESTAMP '...': name (the type word), text */
	AST_INTERVAL,				/* INTERVAL '3' DAY, INTERVAL 3 DAYS, INTERVAL '1 day': text (or arg), has_unit + unit */
	/* names */
	AST_COLUMN,					/* [qualifier.]name; `text` is the column as written, quotes included */
	AST_STAR,					/* *: select list, COUNT(*), COLUMNS(*); may have exclude / replace / rename, and right: * [NOT] LIKE right */
	AST_QUALIFIED_STAR,			/* qualifier.*, with the same */
	AST_UNIT,					/* a bare unit word that is reserved (DAYS, HOURS ...): unit, text; only as an argument */
	AST_VARIABLE,				/* ${name} that was not substituted: text is the name */
	AST_PARAMETER,				/* ? : index, from 0 */
	/* operators */
	AST_UNARY,					/* op: NEGATE, PLUS, NOT; arg */
	AST_BINARY,					/* op; left, right */
	AST_BETWEEN,				/* arg [NOT] BETWEEN left AND right; is_negated */
	AST_IN_LIST,				/* arg [NOT] IN (args...); is_negated */
	AST_IN_QUERY,				/* arg [NOT] IN (query); is_negated */
	AST_EXISTS,					/* EXISTS (query) */
	AST_QUERY_EXPR,				/* (query) as a value */
	AST_QUANTIFIED,				/* left op {ANY | ALL} (query): op, left, query, is_all */
	AST_LIKE,					/* left [NOT] LIKE right [ESCAPE escape]; is_negated; is_ilike */
	AST_IS_NULL,				/* arg IS [NOT] NULL; is_negated */
	AST_IS_DISTINCT,			/* left IS [NOT] DISTINCT FROM right; is_negated */
	AST_IS_BOOLEAN,				/* arg IS [NOT] {TRUE | FALSE}: boolean; is_negated */
	AST_CASE,					/* arg (simple form) or NULL; whens; right is ELSE or NULL */
	AST_CAST,					/* CAST(arg AS type), TRY_CAST (is_try), arg::type */
	AST_SUBSCRIPT,				/* left[right] */
	AST_FIELD,					/* arg->name */
	AST_FIELD_ALL,				/* arg->* : only as a select item */
	AST_AT_TIME_ZONE,			/* left AT TIME ZONE right */
	AST_EXTRACT,				/* EXTRACT(name FROM arg) */
	AST_CALL,					/* name(args): call */
	AST_NAMED,					/* name := arg; only as an argument, of the few that have names for them */
	AST_LAMBDA,					/* x => e, (x, y) => e: params, right; only as an argument */
	AST_ARRAY,					/* ARRAY[args], [args] */
	AST_MAP,					/* MAP(k := v, ...): entries */
	AST_STRUCT,					/* STRUCT(f := v, ...): fields */
	AST_ROW,					/* (a, b, ...): args, two or more */
} AstExprKind;

typedef enum AstOp {
	AST_OP_NEGATE,
	AST_OP_PLUS,				/* unary + */
	AST_OP_NOT,
	AST_OP_ADD,
	AST_OP_SUBTRACT,
	AST_OP_MULTIPLY,
	AST_OP_DIVIDE,
	AST_OP_MODULO,
	AST_OP_CONCAT,				/* || */
	AST_OP_EQUAL,
	AST_OP_NOT_EQUAL,			/* <> and != */
	AST_OP_LESS,
	AST_OP_LESS_EQUAL,
	AST_OP_GREATER,
	AST_OP_GREATER_EQUAL,
	AST_OP_AND,
	AST_OP_OR,
} AstOp;

/* "+", "<=", "AND", ... */
const char *ast_op_text(AstOp op);

typedef struct AstWhen {
	AstExpr	   *condition;
	AstExpr	   *result;
} AstWhen;

typedef struct AstMapEntry {
	AstExpr	   *key;
	AstExpr	   *value;
} AstMapEntry;

typedef struct AstStructField {
	AstIdent	name;
	AstExpr	   *value;
} AstStructField;

typedef enum AstNulls {
	AST_NULLS_DEFAULT,
	AST_NULLS_FIRST,
	AST_NULLS_LAST,
} AstNulls;

typedef struct AstOrderItem {
	AstExpr	   *expr;			/* of a query also STAR: ORDER BY ALL */
	bool		is_descending;
	AstNulls	nulls;
	AstPos		pos;
} AstOrderItem;

typedef enum AstFrameUnit {
	AST_FRAME_NONE,				/* no frame written */
	AST_FRAME_ROWS,
	AST_FRAME_RANGE,
	AST_FRAME_GROUPS,
} AstFrameUnit;

typedef enum AstBoundKind {
	AST_BOUND_UNBOUNDED_PRECEDING,
	AST_BOUND_PRECEDING,		/* n PRECEDING */
	AST_BOUND_CURRENT_ROW,
	AST_BOUND_FOLLOWING,		/* n FOLLOWING */
	AST_BOUND_UNBOUNDED_FOLLOWING,
} AstBoundKind;

typedef struct AstBound {
	AstBoundKind kind;
	AstExpr	   *offset;			/* PRECEDING, FOLLOWING */
} AstBound;

typedef enum AstExclude {
	AST_EXCLUDE_NONE,
	AST_EXCLUDE_CURRENT_ROW,
	AST_EXCLUDE_GROUP,
	AST_EXCLUDE_TIES,
} AstExclude;

/* OVER (...) and WINDOW name AS (...).  OVER name: only `base`, and is_name_only. */
typedef struct AstOver {
	AstIdent	base;			/* a named window that this one starts from, or absent */
	bool		is_name_only;	/* OVER w, without parentheses */
	AstExpr	  **partition_by;
	int			n_partition_by;
	AstOrderItem *order_by;
	int			n_order_by;
	AstFrameUnit frame;
	AstBound	start;			/* valid if frame != NONE */
	AstBound	end;			/* CURRENT ROW when BETWEEN was not written */
	AstExclude	exclude;
	AstPos		pos;
} AstOver;

typedef struct AstNamedOver {
	AstIdent	name;
	AstOver	   *over;
} AstNamedOver;

/* * RENAME (from AS to) */
typedef struct AstRename {
	AstIdent	from;
	AstIdent	to;
} AstRename;

/* A replacement in * REPLACE (expr AS name). */
typedef struct AstReplace {
	AstExpr	   *expr;
	AstIdent	name;
} AstReplace;

struct AstExpr {
	AstExprKind kind;
	AstOp		op;				/* UNARY, BINARY, QUANTIFIED */
	AstPos		pos;			/* the whole expression, parentheses around it included */
	bool		has_parens;		/* it was written in parentheses */
	int			depth;			/* levels of nodes below, at most AST_DEPTH_MAX */
	bool		is_negated;
	bool		boolean;		/* BOOLEAN, IS_BOOLEAN */
	bool		is_all;			/* QUANTIFIED: ALL, else ANY */
	bool		is_ilike;		/* LIKE */
	bool		is_try;			/* CAST */
	bool		has_unit;		/* INTERVAL */
	AstUnit		unit;			/* INTERVAL, UNIT */
	const char *text;			/* literals, COLUMN, UNIT, VARIABLE */
	int64_t		integer;		/* INTEGER, BIGINT */
	int			index;			/* PARAMETER */
	AstIdent	qualifier;		/* COLUMN, QUALIFIED_STAR: src in src.col */
	AstIdent	name;			/* COLUMN, TYPED_LITERAL, FIELD, EXTRACT, CALL */
	AstExpr	   *arg;
	AstExpr	   *left;
	AstExpr	   *right;
	AstExpr	   *escape;			/* LIKE */
	AstExpr	  **args;			/* IN_LIST, CALL, ARRAY, ROW */
	int			n_args;
	AstWhen	   *whens;			/* CASE */
	int			n_whens;
	AstMapEntry *entries;		/* MAP */
	int			n_entries;
	AstStructField *fields;		/* STRUCT */
	int			n_fields;
	AstIdent   *params;			/* LAMBDA: 1 to 3 parameters; STAR, QUALIFIED_STAR: EXCLUDE (names) */
	int			n_params;
	AstReplace *replaces;		/* STAR, QUALIFIED_STAR: REPLACE (...) */
	int			n_replaces;
	AstRename  *renames;		/* STAR, QUALIFIED_STAR: RENAME (...) */
	int			n_renames;
	AstType	   *type;			/* CAST */
	AstQuery   *query;			/* IN_QUERY, EXISTS, QUERY_EXPR, QUANTIFIED */
	/* CALL */
	bool		is_star;		/* f(*): no args */
	bool		is_distinct;	/* f(DISTINCT x) */
	bool		is_within_group;	/* order_by came as WITHIN GROUP (ORDER BY ...) */
	bool		is_ignore_nulls;	/* IGNORE NULLS */
	AstOrderItem *order_by;		/* f(x ORDER BY y) */
	int			n_order_by;
	AstExpr	   *filter;			/* FILTER (WHERE e) */
	AstOver	   *over;
};

/* ---- WITH (name = value, ...) ---- */

typedef struct AstProperty {
	const char *name;			/* as written, quotes undone: compared without regard to case */
	bool		is_quoted;		/* 'name', `name` or "name" */
	AstExpr	   *value;			/* a literal (negative numbers included), or VARIABLE; lists: ARRAY of literals */
	AstPos		pos;
} AstProperty;

/* ---- queries ---- */

typedef struct AstSelectItem {
	AstExpr	   *expr;			/* STAR, QUALIFIED_STAR and FIELD_ALL only here */
	AstIdent	alias;			/* absent: none */
	AstPos		pos;			/* of the expression: its text as written is the name in the standard dialect */
} AstSelectItem;

typedef enum AstSampleMethod { AST_SAMPLE_ANY, AST_SAMPLE_BERNOULLI, AST_SAMPLE_SYSTEM, AST_SAMPLE_RESERVOIR } AstSampleMethod;

/* USING SAMPLE and TABLESAMPLE: so many rows, or so many of a hundred. */
typedef struct AstSample {
	AstSampleMethod method;
	bool		is_percent;
	const char *amount;			/* digits, maybe with a point */
	bool		has_seed;
	int64_t		seed;			/* REPEATABLE (seed) */
	AstPos		pos;
} AstSample;

/* PIVOT: FOR expr [IN (values) | IN (query)].  UNPIVOT: only values, the columns. */
typedef struct AstPivotOn {
	AstExpr	   *expr;
	AstSelectItem *values;
	int			n_values;		/* 0: all that there are */
	AstQuery   *query;
} AstPivotOn;

typedef struct AstPivot {
	bool		is_unpivot;
	bool		keeps_nulls;	/* UNPIVOT INCLUDE NULLS */
	AstSelectItem *aggregates;	/* PIVOT */
	int			n_aggregates;
	AstPivotOn *ons;			/* UNPIVOT: one */
	int			n_ons;
	AstIdent   *group_by;		/* PIVOT: none written: all columns that are not used otherwise */
	int			n_group_by;
	AstIdent	name;			/* UNPIVOT: the column of names */
	AstIdent   *value_names;	/* UNPIVOT: the columns of values */
	int			n_value_names;
} AstPivot;

typedef enum AstRelationKind {
	AST_RELATION_SOURCE,		/* a stream, table, view or CTE by name */
	AST_RELATION_FILE,			/* 'path' [WITH (...)] */
	AST_RELATION_QUERY,			/* (query); also (VALUES ...) */
	AST_RELATION_FUNCTION,		/* f(args) */
	AST_RELATION_JOIN,
	AST_RELATION_PIVOT,			/* left PIVOT (...), left UNPIVOT (...) */
} AstRelationKind;

typedef enum AstJoinKind {
	AST_JOIN_INNER,
	AST_JOIN_LEFT,
	AST_JOIN_RIGHT,
	AST_JOIN_FULL,
	AST_JOIN_CROSS,				/* CROSS JOIN, and the comma (is_comma) */
	AST_JOIN_SEMI,
	AST_JOIN_ANTI,
} AstJoinKind;

/* WITHIN n unit | WITHIN (before, after), each [GRACE PERIOD n unit]. */
typedef struct AstWithin {
	AstDuration before;
	AstDuration after;			/* equals `before` in the one-amount form */
	bool		is_pair;
	AstDuration grace;			/* is_set if written */
	AstPos		pos;
} AstWithin;

struct AstRelation {
	AstRelationKind kind;
	AstPos		pos;
	int			depth;			/* of joins below */
	AstIdent	alias;			/* absent: none written */
	AstIdent   *column_aliases;	/* alias (a, b) */
	int			n_column_aliases;
	bool		is_lateral;		/* LATERAL (query) or LATERAL f(...) */
	AstIdent	name;			/* SOURCE */
	const char *path;			/* FILE */
	AstProperty *properties;	/* FILE */
	int			n_properties;
	AstQuery   *query;			/* QUERY */
	AstExpr	   *function;		/* FUNCTION: a CALL */
	AstSample  *sample;			/* TABLESAMPLE, or NULL */
	AstPivot   *pivot;			/* PIVOT, of `left` */
	/* JOIN */
	AstJoinKind join;
	bool		is_asof;		/* ASOF JOIN: `on` has the inequality */
	bool		is_natural;
	bool		is_comma;
	AstRelation *left;
	AstRelation *right;
	AstWithin  *within;			/* NULL: none */
	AstExpr	   *on;				/* NULL: none */
	AstIdent   *using;
	int			n_using;
};

typedef enum AstWindowKind {
	AST_WINDOW_TUMBLING,
	AST_WINDOW_HOPPING,
	AST_WINDOW_SESSION,
} AstWindowKind;

/* WINDOW TUMBLING (SIZE ...) and its kin. */
typedef struct AstWindow {
	AstWindowKind kind;
	AstIdent	name;			/* a free name before the kind: ignored */
	AstDuration size;			/* SESSION: the gap */
	AstDuration advance;		/* HOPPING */
	AstDuration retention;		/* is_set if written */
	AstDuration grace;			/* is_set if written */
	AstPos		pos;
} AstWindow;

typedef enum AstGroupingKind {
	AST_GROUP_EXPR,				/* expr */
	AST_GROUP_TUPLE,			/* (a, b) or (): items, each an EXPR; at top level the same as its items */
	AST_GROUP_ROLLUP,			/* items: EXPR or TUPLE */
	AST_GROUP_CUBE,				/* items: EXPR or TUPLE */
	AST_GROUP_SETS,				/* items: any but ALL */
	AST_GROUP_ALL,				/* GROUP BY ALL */
} AstGroupingKind;

struct AstGrouping {
	AstGroupingKind kind;
	AstPos		pos;
	AstExpr	   *expr;
	AstGrouping **items;
	int			n_items;
};

struct AstSelect {
	AstPos		pos;
	int			depth;
	bool		is_distinct;
	AstExpr	  **distinct_on;	/* DISTINCT ON (...) */
	int			n_distinct_on;
	AstSelectItem *items;
	int			n_items;
	AstRelation *from;			/* NULL: SELECT 1 */
	AstWindow  *window;			/* streaming window, or NULL */
	AstExpr	   *where;
	AstGrouping **group_by;
	int			n_group_by;
	AstExpr	  **partition_by;
	int			n_partition_by;
	AstExpr	   *having;
	AstNamedOver *windows;		/* WINDOW w AS (...) */
	int			n_windows;
	AstExpr	   *qualify;
	AstSample  *sample;			/* USING SAMPLE: of the rows of FROM; or NULL */
};

typedef enum AstBodyKind {
	AST_BODY_SELECT,
	AST_BODY_VALUES,			/* VALUES (...), (...) */
	AST_BODY_SET,				/* left {UNION | INTERSECT | EXCEPT} [ALL] right */
	AST_BODY_QUERY,				/* (query) with its own ORDER BY, LIMIT, WITH */
} AstBodyKind;

typedef enum AstSetOp {
	AST_UNION,
	AST_INTERSECT,
	AST_EXCEPT,
} AstSetOp;

typedef struct AstValuesRow {
	AstExpr	  **values;
	int			n_values;
	AstPos		pos;
} AstValuesRow;

struct AstBody {
	AstBodyKind kind;
	AstPos		pos;
	int			depth;			/* of set operations below */
	AstSelect  *select;			/* SELECT */
	AstValuesRow *rows;			/* VALUES */
	int			n_rows;
	AstSetOp	set_op;			/* SET */
	bool		is_all;			/* SET */
	bool		is_by_name;		/* SET: UNION [ALL] BY NAME */
	AstBody	   *left;
	AstBody	   *right;
	AstQuery   *query;			/* QUERY */
};

typedef enum AstMaterialized { AST_MATERIALIZED_OPEN, AST_MATERIALIZED_YES, AST_MATERIALIZED_NOT } AstMaterialized;

typedef struct AstCte {
	AstIdent	name;
	AstIdent   *columns;
	int			n_columns;
	AstMaterialized materialized;	/* [NOT] MATERIALIZED behind AS */
	AstQuery   *query;
	AstPos		pos;
} AstCte;

typedef enum AstEmit {
	AST_EMIT_NONE,
	AST_EMIT_CHANGES,
	AST_EMIT_FINAL,
} AstEmit;

struct AstQuery {
	AstPos		pos;
	int			depth;			/* of everything in it */
	bool		is_recursive;	/* WITH RECURSIVE */
	AstCte	   *ctes;
	int			n_ctes;
	AstBody	   *body;
	AstOrderItem *order_by;
	int			n_order_by;
	AstEmit		emit;
	AstPos		emit_pos;
	AstExpr	   *limit;			/* NULL: none; the value is checked by the binder */
	bool		limit_is_percent;
	AstExpr	   *offset;			/* NULL: none */
};

/* ---- statements ---- */

typedef enum AstStatementKind {
	AST_SELECT,					/* query */
	AST_CREATE_SOURCE,			/* CREATE STREAM/TABLE, with or without AS: create_source */
	AST_CREATE_VIEW,			/* create_view */
	AST_CREATE_TYPE,			/* create_type */
	AST_CREATE_FUNCTION,		/* create_function */
	AST_CREATE_CONNECTOR,		/* create_connector */
	AST_INSERT_SELECT,			/* insert */
	AST_INSERT_VALUES,			/* insert */
	AST_DROP,					/* drop */
	AST_ALTER,					/* alter */
	AST_TERMINATE,				/* query_control */
	AST_PAUSE,
	AST_RESUME,
	AST_SHOW,					/* show */
	AST_DESCRIBE,				/* describe */
	AST_EXPLAIN,				/* explain */
	AST_PRINT,					/* print */
	AST_SET,					/* set: SET 'name'='value' */
	AST_UNSET,					/* set: name only */
	AST_ALTER_SYSTEM,			/* set */
	AST_DEFINE,					/* define */
	AST_UNDEFINE,				/* define: name only */
	AST_ASSERT_TOPIC,			/* assert */
	AST_ASSERT_SCHEMA,			/* assert */
	AST_ASSERT_VALUES,			/* assert_values */
	AST_ASSERT_NULL_VALUES,		/* assert_values */
	AST_ASSERT_SOURCE,			/* create_source: ASSERT STREAM/TABLE name (cols) WITH (...) */
	AST_RUN_SCRIPT,				/* file */
	AST_SPOOL,					/* file; path NULL: SPOOL OFF */
	AST_COPY,					/* copy */
	AST_SUMMARIZE,				/* describe: SUMMARIZE name | 'file' | query */
} AstStatementKind;

/* What a name in SHOW, DESCRIBE, DROP, ALTER stands for. */
typedef enum AstObject {
	AST_OBJECT_ANY,				/* not said: DESCRIBE name */
	AST_OBJECT_STREAM,
	AST_OBJECT_TABLE,
	AST_OBJECT_VIEW,
	AST_OBJECT_TYPE,
	AST_OBJECT_FUNCTION,
	AST_OBJECT_CONNECTOR,
	AST_OBJECT_QUERY,
	AST_OBJECT_TOPIC,
	AST_OBJECT_PROPERTY,
	AST_OBJECT_VARIABLE,
	AST_OBJECT_PLUGIN,			/* SHOW CONNECTOR PLUGINS */
	AST_OBJECT_FILE,			/* DESCRIBE 'file' */
	AST_OBJECT_STATEMENT,		/* DESCRIBE (query) */
} AstObject;

typedef enum AstColumnRole {
	AST_ROLE_VALUE,
	AST_ROLE_KEY,
	AST_ROLE_PRIMARY_KEY,
	AST_ROLE_HEADERS,			/* HEADERS */
	AST_ROLE_HEADER,			/* HEADER('k'): header */
} AstColumnRole;

typedef struct AstColumnDef {
	AstIdent	name;
	AstType	   *type;
	AstColumnRole role;
	const char *header;			/* HEADER */
	AstPos		pos;
} AstColumnDef;

/* CREATE [OR REPLACE] [SOURCE] {STREAM | TABLE} [IF NOT EXISTS] name [(cols)] [WITH (...)] [AS query] */
typedef struct AstCreateSource {
	AstIdent	name;
	bool		is_table;
	bool		or_replace;
	bool		if_not_exists;
	bool		is_source;		/* SOURCE: read only */
	bool		has_columns;	/* a column list was written, maybe empty */
	AstColumnDef *columns;
	int			n_columns;
	AstProperty *properties;
	int			n_properties;
	AstQuery   *query;			/* AS ..., or NULL */
} AstCreateSource;

typedef struct AstCreateView {
	AstIdent	name;
	bool		or_replace;
	bool		if_not_exists;
	AstIdent   *columns;
	int			n_columns;
	AstQuery   *query;
} AstCreateView;

typedef struct AstCreateType {
	AstIdent	name;
	bool		if_not_exists;
	AstType	   *type;
} AstCreateType;

typedef struct AstFunctionParam {
	AstIdent	name;
	AstType	   *type;			/* NULL: not said (standard macros) */
} AstFunctionParam;

/*
 * CREATE [OR REPLACE] FUNCTION [IF NOT EXISTS] name (param [type], ...) [RETURNS type]
 *	{AS expression | LANGUAGE language AS 'path' [, 'symbol']}
 */
typedef struct AstCreateFunction {
	AstIdent	name;
	bool		or_replace;
	bool		if_not_exists;
	AstFunctionParam *params;
	int			n_params;
	AstType	   *returns;		/* NULL: not said */
	AstExpr	   *body;			/* NULL: in a library */
	const char *language;		/* NULL: SQL */
	const char *path;
	const char *symbol;			/* NULL: not said */
} AstCreateFunction;

typedef struct AstCreateConnector {
	AstIdent	name;
	bool		is_sink;
	bool		if_not_exists;
	AstProperty *properties;
	int			n_properties;
} AstCreateConnector;

/* INSERT INTO name [(cols)] [WITH (...)] {query | VALUES (...), ...} */
typedef struct AstInsert {
	AstIdent	name;
	AstIdent   *columns;
	int			n_columns;		/* 0: none written */
	AstProperty *properties;	/* INSERT SELECT */
	int			n_properties;
	AstQuery   *query;			/* INSERT SELECT */
	AstValuesRow *rows;			/* INSERT VALUES */
	int			n_rows;
} AstInsert;

typedef struct AstDrop {
	AstObject	object;			/* STREAM, TABLE, VIEW, TYPE, FUNCTION, CONNECTOR */
	AstIdent	name;
	bool		if_exists;
	bool		delete_topic;
} AstDrop;

/* ALTER {STREAM | TABLE} name ADD [COLUMN] col type, ... */
typedef struct AstAlter {
	AstIdent	name;
	bool		is_table;
	AstColumnDef *columns;
	int			n_columns;
} AstAlter;

typedef struct AstQueryControl {
	AstIdent	id;
	bool		is_all;
} AstQueryControl;

/* SHOW/LIST things */
typedef struct AstShow {
	AstObject	object;
	bool		is_extended;
	bool		is_all;			/* ALL TOPICS */
	bool		only_sources;	/* SOURCE CONNECTORS */
	bool		only_sinks;		/* SINK CONNECTORS */
	const char *like;			/* SHOW FUNCTIONS LIKE 'x%'; NULL: none */
} AstShow;

/*
 * DESCRIBE name [EXTENDED], DESCRIBE {STREAMS | TABLES} [EXTENDED], DESCRIBE FUNCTION / CONNECTOR name,
 * DESCRIBE 'file' [WITH (...)], DESCRIBE query.  SUMMARIZE has the same forms of name, file and query.
 */
typedef struct AstDescribe {
	AstObject	object;			/* ANY, STREAM or TABLE (is_list), FUNCTION, CONNECTOR, FILE, STATEMENT */
	bool		is_list;		/* DESCRIBE STREAMS, DESCRIBE TABLES */
	bool		is_extended;
	AstIdent	name;			/* ANY, FUNCTION, CONNECTOR */
	const char *path;			/* FILE */
	AstProperty *properties;	/* FILE */
	int			n_properties;
	AstQuery   *query;			/* STATEMENT */
} AstDescribe;

typedef enum AstExplainKind {
	AST_EXPLAIN_PLAN,			/* EXPLAIN ...: the physical plan */
	AST_EXPLAIN_ANALYZE,
	AST_EXPLAIN_AST,
	AST_EXPLAIN_LOGICAL,
	AST_EXPLAIN_OPTIMIZED,
} AstExplainKind;

typedef struct AstExplain {
	AstExplainKind kind;
	AstIdent	query_id;		/* EXPLAIN id; absent: of a statement */
	AstStatement *statement;
} AstExplain;

/* PRINT topic [FROM BEGINNING] [{INTERVAL | SAMPLE} n] [LIMIT n] */
typedef struct AstPrint {
	AstIdent	topic;			/* is_quoted also for a string; never folded */
	bool		from_beginning;
	int64_t		interval;		/* 0: not written */
	int64_t		limit;			/* -1: not written */
} AstPrint;

typedef struct AstSet {
	const char *name;
	AstPos		name_pos;
	AstExpr	   *value;			/* a literal; NULL for UNSET */
	AstPos		value_pos;
} AstSet;

typedef struct AstDefine {
	AstIdent	name;			/* case-sensitive */
	const char *value;			/* NULL for UNDEFINE */
} AstDefine;

/* ASSERT [NOT EXISTS] TOPIC name [WITH] [TIMEOUT], ASSERT [NOT EXISTS] SCHEMA [SUBJECT name] [ID n] [TIMEOUT] */
typedef struct AstAssert {
	bool		not_exists;
	AstIdent	name;			/* topic, or subject (may be absent); never folded */
	bool		has_id;
	int64_t		id;
	AstProperty *properties;
	int			n_properties;
	AstDuration timeout;		/* is_set if written */
} AstAssert;

/* ASSERT VALUES src [(cols)] VALUES (...), ASSERT NULL VALUES src [(cols)] KEY (...) */
typedef struct AstAssertValues {
	AstIdent	name;
	AstIdent   *columns;
	int			n_columns;
	AstExpr	  **values;
	int			n_values;
} AstAssertValues;

typedef struct AstFile {
	const char *path;
} AstFile;

/* COPY {name [(cols)] | (query)} {TO | FROM} 'path' [WITH (...)] */
typedef struct AstCopy {
	bool		is_from;
	AstIdent	name;			/* absent: query */
	AstIdent   *columns;
	int			n_columns;
	AstQuery   *query;
	const char *path;
	AstPos		path_pos;
	AstProperty *properties;
	int			n_properties;
} AstCopy;

/* `--@name: value` comments before or inside a statement. */
typedef struct AstDirective {
	const char *name;
	const char *value;
	AstPos		pos;
} AstDirective;

struct AstStatement {
	AstStatementKind kind;
	AstPos		pos;			/* without the final ';' */
	Str			text;			/* as written, without the final ';'; borrowed from the arena */
	AstDirective *directives;
	int			n_directives;
	union {
		AstQuery   *query;
		AstCreateSource create_source;
		AstCreateView create_view;
		AstCreateType create_type;
		AstCreateFunction create_function;
		AstCreateConnector create_connector;
		AstInsert	insert;
		AstDrop		drop;
		AstAlter	alter;
		AstQueryControl query_control;
		AstShow		show;
		AstDescribe describe;
		AstExplain	explain;
		AstPrint	print;
		AstSet		set;
		AstDefine	define;
		AstAssert	assert_;
		AstAssertValues assert_values;
		AstFile		file;
		AstCopy		copy;
	};
};

typedef struct AstStatementList {
	AstStatement **items;
	int			n_items;
} AstStatementList;

#endif
