#ifndef SLUICE_PLANNER_BIND_BIND_H
#define SLUICE_PLANNER_BIND_BIND_H

/*
 * What the files of the binder share: scopes, the state of a query and of a SELECT being bound, and expression binding.
 *
 * Everything of a SELECT is bound over the columns of its FROM clause.  What is computed later (aggregates, OVER,
 * sub-queries, table functions) stands in the bound expressions as a placeholder column (REF_*), and is put in its
 * place when the clause has been bound and the shape of the rows is known.
 */
#include "exec/func/user.h"
#include "parser/ast.h"
#include "planner/logical.h"
#include "planner/planner.h"

enum {
	REF_SHIFT = 20,
	REF_INDEX = (1 << REF_SHIFT) - 1,
	REF_AGGREGATE = 1 << REF_SHIFT,			/* + item */
	REF_SUBQUERY = 2 << REF_SHIFT,			/* + sub-query */
	REF_OVER = 3 << REF_SHIFT,				/* + item */
	REF_TABLE_FUNCTION = 4 << REF_SHIFT,	/* + item */
	REF_WINDOW_START = 5 << REF_SHIFT,
	REF_WINDOW_END = 6 << REF_SHIFT,
	REF_OUTER = 7 << REF_SHIFT,				/* + column of the enclosing SELECT's rows */
	REF_GROUPING = 8 << REF_SHIFT,
};

#define ref_kind(index) ((index) & ~REF_INDEX)

typedef struct ScopeColumn {
	const char *qualifier;		/* alias of the source; NULL: none */
	const char *name;
	const Type *type;
	int			index;			/* column of the relation's row, or REF_* */
	int			source;			/* number of the source in the scope */
	bool		is_hidden;		/* pseudo column: not part of * */
	bool		is_key;
	bool		is_merged;		/* USING: stands for the columns of both sides; the other one is hidden */
	const char *print_name;		/* in messages of ksqldb: `ALIAS_COL` in joins */
	int			outer_column;	/* a derived table's domain: 1 + the outer column that it is the value of; 0: none */
} ScopeColumn;

typedef struct ScopeSource {
	const char *alias;
	const CatalogSource *source;	/* NULL: file, query */
	bool		is_table;
	WindowSpec	window;
	bool		has_natural_alias;
} ScopeSource;

typedef struct ScopeKey {
	int n;
	int columns[2];				/* of the relation's row */
} ScopeKey;

typedef struct SelectBinder SelectBinder;
typedef struct Scope Scope;

/* The columns of the query around it that a sub-query uses, and how; see domain.c. */
typedef struct Domain {
	SelectBinder *outer;
	bool		  is_active;	/* each row of the sub-query stands beside the values that it is for; else REF_OUTER stands for them */
	bool		  is_wanted;	/* this binding does not do: it is begun again, active, with the columns known now */
	int			  n, capacity;
	int			 *columns;		/* of the outer rows */
	int			  n_joined;		/* of these, in the rows of this binding */
} Domain;

struct Scope {
	int			  n_columns;
	int			  capacity;
	ScopeColumn	 *columns;
	int			  n_sources;
	ScopeSource	 *sources;
	bool		  is_join;
	SelectBinder *parent;		/* enclosing SELECT of a sub-query */
	Domain		 *domain;		/* of the sub-query; NULL: it may use no column of the parent */
	int			  domain_first;	/* where its columns are in the SELECT's rows, when it is active */
	bool		  is_joined;	/* they are there */
	/* Joins on several keys: the columns that are known to equal each of them. */
	int			  n_keys;
	struct ScopeKey *keys;
	/* Joins: expressions over the rows that are known to equal the (single) key column. */
	int			  n_key_exprs;
	Expr		**key_exprs;
};

typedef struct CteEntry CteEntry;
struct CteEntry {
	const AstCte   *cte;
	CteEntry	   *next;		/* the ones that this one sees */
	int				n_uses;
	bool			is_recursive;	/* WITH RECURSIVE: it sees itself */
	const struct RecursiveSpec *working;	/* its step is being bound: stands for the rows of the iteration before */
	const Column   *columns;		/* of these */
	int				branch;			/* of a recursive query: where it stands; 0: in none */
	KeptQuery	   *kept;			/* its rows are computed once: it has been bound */
};

typedef struct Binder {
	PlannerContext *context;
	Arena	   *arena;
	bool		standard;
	bool		is_bounded;
	bool		is_persistent;
	bool		is_pull;			/* ksqldb dialect, bounded */
	AstEmit		emit;
	const char *sink_name;			/* CREATE ... AS, INSERT: for messages */
	const char *statement_kind;		/* "CREATE TABLE AS SELECT" */
	CteEntry   *ctes;
	bool		repeats_cte;		/* one is computed twice: both must give the same DOUBLE sums */
	bool		inlines_ctes;		/* all are computed anew for each use */
	bool		misses_time;		/* event time of kept rows would be needed */
	KeptQuery  *kept;				/* the one bound last */
	int			branch;				/* of a recursive query, that is being bound; 0: none */
	int			n_branches;
	int			n_working;			/* uses of rows of an iteration so far */
	int			depth;				/* of views and sub-queries */
	int			in_set;				/* a branch of UNION: its columns keep their places */
	bool		needs_order;
	bool		needs_single_rows;
	/* sources read, in order of the text */
	int			n_sources;
	int			sources_capacity;
	const CatalogSource **sources;
	bool		is_repartitioned;	/* PARTITION BY */
	const bool *is_key;				/* pull query over a table: which result columns are its key */
} Binder;

typedef enum Clause {
	CLAUSE_SELECT, CLAUSE_WHERE, CLAUSE_GROUP_BY, CLAUSE_PARTITION_BY, CLAUSE_HAVING, CLAUSE_JOIN, CLAUSE_ORDER_BY,
	CLAUSE_QUALIFY, CLAUSE_LIMIT, CLAUSE_VALUES, CLAUSE_CONSTANT,
} Clause;

enum { SUBQUERY_KEYS = 24 };	/* equalities to outer columns */

/* A sub-query that becomes a join. */
typedef struct BoundSubquery {
	Logical	   *plan;
	JoinKind	kind;
	bool		single;
	bool		null_aware;
	const AstQuery *value_of;	/* a value: the text that it is for */
	bool		is_mark;		/* its value is a BOOLEAN: matched or not */
	bool		is_early;		/* joined before aggregation */
	int			n_keys;
	Expr	  **left_keys;		/* over the outer rows */
	Expr	  **right_keys;		/* over the sub-query's columns */
	Expr	   *residual;		/* over outer columns (REF_OUTER) and the sub-query's columns */
	bool		is_exists;
	int			n_hidden;		/* columns of the plan behind the visible ones: correlated keys (before them: plan->n_front) */
	const Type *type;
	bool		null_is_zero;	/* COUNT(*) of no rows */
	bool		null_safe;		/* keys are values of the domain: NULL equals NULL */
	bool		needs_domain;	/* conditions of the join cannot reach its outer columns */
	Domain	   *domain;
	bool		is_joined;
	int			column;			/* where its value is after the join */
} BoundSubquery;

typedef struct OverItem {
	WindowFunctionItem item;
	int			n_partition;
	Expr	  **partition;
	int			n_order;
	SortKey	   *order;
	int			group;			/* items of one operator */
	int			column;			/* where its value is */
} OverItem;

struct SelectBinder {
	Binder	   *binder;
	const AstSelect *ast;
	Scope	   *scope;
	Logical	   *rows;				/* plan so far */
	/* aggregates */
	int			n_items;
	int			items_capacity;
	AggregateItem *items;
	const char **item_texts;		/* ksqldb text of each call */
	bool		has_window;
	WindowSpec	window;
	bool		has_group;			/* grouped or aggregated */
	int			n_keys;
	Expr	  **keys;
	const char **key_names;
	int			n_extra_keys;		/* a correlated sub-query groups by these as well */
	Expr	  **extra_keys;
	int			n_groupings;		/* arguments of GROUPING, by REF_GROUPING + i */
	int			groupings_capacity;
	Expr	  **groupings;
	/* table functions */
	int			n_functions;
	int			functions_capacity;
	FlatMapItem *functions;
	/* OVER */
	int			n_overs;
	int			overs_capacity;
	OverItem   *overs;
	Expr	   *qualify;
	/* Select items that have been bound: standard HAVING, QUALIFY and ORDER BY may name them. */
	const struct BoundColumn *aliases;
	int			n_aliases;
	int			n_alias_uses;
	/* sub-queries */
	int			n_subqueries;
	int			subqueries_capacity;
	BoundSubquery **subqueries;
	CteEntry   *ctes;				/* that its FROM sees */
};

typedef struct LambdaScope LambdaScope;
struct LambdaScope {
	const char *const *names;
	const Type *const *types;
	int			n;
	int			first;				/* index of the first parameter */
	const LambdaScope *outer;
};

typedef struct ExprBinder {
	Binder	   *binder;
	Scope	   *scope;				/* NULL: no columns */
	SelectBinder *select;			/* NULL: no aggregates, table functions, sub-queries */
	Clause		clause;
	bool		in_aggregate;
	const AstExpr *aggregate;		/* the call around, when in_aggregate */
	bool		in_table_function;
	bool		in_case;
	const LambdaScope *lambda;
	const char *lambda_function;
	int			item;				/* 1 + the item of the select list that is being bound, which sees the aliases before it; 0: all are seen */
} ExprBinder;

/* Makes room for one more element of an array in the arena. */
#define arena_grow(arena, array, n, capacity)                                                       \
	do {                                                                                            \
		if ((n) >= (capacity)) {                                                                    \
			int grown_ = (capacity) > 0 ? (capacity) * 2 : 8;                                       \
			void *copy_ = arena_calloc((arena), (size_t)grown_ * sizeof *(array));                  \
			if ((n) > 0)                                                                            \
				memcpy(copy_, (array), (size_t)(n) * sizeof *(array));                              \
			(array) = copy_;                                                                        \
			(capacity) = grown_;                                                                    \
		}                                                                                           \
	} while (0)

/* ---- names.c ---- */
const char *clause_name(Clause clause);
Str  ident_str(AstIdent ident);
bool name_matches(bool standard, const char *stored, const char *name, bool exact_only);
/* The place of a node in the SQL text.  Returns FAILED. */
Status error_at_pos(Error *err, AstPos pos);
/* The expression as ksqlDB prints it in messages; columns by the scope's print names when scope is given. */
void print_ast(Binder *binder, const Scope *scope, const AstExpr *e, StrBuf *out);
const char *ast_text(Binder *binder, const Scope *scope, const AstExpr *e);
bool name_is_pseudo(const char *name);

/* ---- statement_text.c ---- */
/* The statement as ksqlDB prints it: columns with their source, items with their names.  Its query is a SELECT ... FROM. */
const char *create_as_text(Binder *binder, const AstCreateSource *create);

/* ---- scope.c ---- */
Scope *scope_new(Arena *arena);
ScopeColumn *scope_add(Arena *arena, Scope *scope, ScopeColumn column);
/* Finds a column; ambiguous or unknown names fail with the dialect's sentence. */
Status scope_find(ExprBinder *eb, const AstExpr *column, const ScopeColumn **out, Error *err);
/* As scope_find, but gives NULL when there is none (ambiguity still fails). */
Status scope_try(Binder *binder, const Scope *scope, AstIdent qualifier, AstIdent name, const ScopeColumn **out, Error *err);

/* ---- expr.c ---- */
Status bind_expr(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err);
Status bind_condition(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err);
Status bind_children(ExprBinder *eb, AstExpr *const *args, int n, Expr ***out, Error *err);
Status bind_literal(Binder *binder, const AstExpr *e, Expr **out, Error *err);

/* ---- ast_tree.c ---- */
typedef bool (*AstTest)(const AstExpr *e, void *context);
/* The first node for which the test holds; NULL: none.  OVER, FILTER and ORDER BY of calls are entered, sub-queries are not. */
const AstExpr *ast_find(const AstExpr *e, AstTest test, void *context);
/* Copies e; visit may replace a node (not NULL: taken as it is). */
typedef AstExpr *(*AstVisit)(const AstExpr *e, void *context);
AstExpr *ast_transform(Arena *arena, const AstExpr *e, AstVisit visit, void *context);
AstExpr *ast_column(Arena *arena, const char *qualifier, const char *name, AstPos pos);
AstExpr *ast_string(Arena *arena, const char *text, AstPos pos);
AstExpr *ast_binary(Arena *arena, AstOp op, AstExpr *left, AstExpr *right);
/* A call of one argument; NULL: f(*). */
AstExpr *ast_call(Arena *arena, const char *function, AstExpr *arg, AstPos pos);
AstExpr *ast_cast_text(Arena *arena, AstExpr *arg);
AstQuery *ast_query_of_select(Arena *arena, AstSelect *select);
AstRelation *ast_relation_of_query(Arena *arena, AstQuery *query, const char *alias);

/* ---- evaluate.c ---- */
/* Runs a query while this one is bound.  `what` begins the sentence that says that it cannot be done. */
Status evaluate_query(Binder *b, const AstQuery *query, const char *what, AstPos pos, QueryValues *out, Error *err);
Status evaluate_expr(Binder *b, const AstExpr *e, const char *what, Value *out, Error *err);
/* How many rows a query has without its LIMIT. */
Status evaluate_count(Binder *b, const AstQuery *query, const char *what, AstPos pos, int64_t *out, Error *err);

/* ---- columns.c ---- */
/* The COLUMNS(...) in an expression; NULL: none. */
const AstExpr *columns_call(const AstExpr *e);
/* Is a column among those that `*` with its EXCLUDE and LIKE stands for? */
bool star_has(Binder *b, const AstExpr *star, const char *name);
/* A condition with COLUMNS(...) holds for all of the columns. */
Status condition_of_columns(SelectBinder *sb, const AstExpr *condition, const AstExpr **out, Error *err);

/* ---- sample.c, pivot.c ---- */
Status plan_sample(Binder *b, const AstSample *sample, Logical **rows, Error *err);
Status bind_pivot(Binder *b, const AstRelation *relation, SelectBinder *outer, Logical **out, Scope *scope, Error *err);

/* ---- alias.c ---- */
/* An item of the select list by its alias, where no column has the name; *out NULL: there is none. */
Status bind_alias(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err);

/* ---- special_calls.c ---- */
bool   is_special_call(const AstExpr *e);
Status bind_special_call(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err);
const AstExpr *row_as_struct(Binder *b, const AstExpr *row);
/* A TIMESTAMP AT TIME ZONE: a time of day in a zone as the instant that it is, or an instant as a time of day there. */
Status bind_at_time_zone(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err);
/* The call ANY(list), where a comparison has it on its right side. */
bool   is_any_of_list(const AstExpr *e);
Status bind_any_of_list(ExprBinder *eb, const AstExpr *comparison, Expr **out, Error *err);

/* ---- expr_types.c ---- */
const Type *common_number(bool standard, const Type *a, const Type *b);
/* The type that both can be widened to, NULL if there is none. */
const Type *common_type(bool standard, const Type *a, const Type *b);
Expr *expr_cast_to(Binder *binder, Expr *e, const Type *type);
bool cast_is_possible(bool standard, const Type *from, const Type *to);
bool cast_is_implicit(const Type *from, const Type *to);
/* A literal text read as `type`; fails with the dialect's sentence. */
Status literal_to(Binder *binder, Expr *literal, const Type *type, Expr **out, Error *err);
Status bind_comparison(ExprBinder *eb, CompareOp op, const AstExpr *left_ast, const AstExpr *right_ast, Expr *left, Expr *right,
					   AstPos pos, Expr **out, Error *err);
Status bind_arithmetic(ExprBinder *eb, const AstExpr *e, ArithmeticOp op, Expr *left, Expr *right, Expr **out, Error *err);
/* Brings a list to a common type (ARRAY, MAP, IN). */
Status bind_common_list(ExprBinder *eb, const AstExpr *const *asts, Expr **exprs, int n, const Type **type, Error *err);
const char *type_text(Binder *binder, const Type *type);
/* Its kind alone: DECIMAL, ARRAY, ... */
const char *type_base_text(Binder *binder, const Type *type);

/* ---- expr_calls.c ---- */
Status bind_call(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err);
/* Chooses the row of a call among the built-in functions and those of users, and notes that one of a user is used. */
Status bind_resolve(Binder *b, FunctionClass class, const char *name, const FunctionArg *args, int n_args, FunctionMatch *out, Error *err);

Status bind_function(ExprBinder *eb, const char *name, Expr **args, int n_args, AstPos pos, Expr **out, Error *err);
bool ast_has_aggregate(Binder *binder, const AstExpr *e);
bool ast_has_table_function(Binder *binder, const AstExpr *e);
bool ast_has_over(const AstExpr *e);
/* Does the test hold for a node of the tree?  Sub-queries are not entered. */
bool ast_any(const AstExpr *e, AstTest test, void *context);

/* ---- early.c ---- */
/* What ksqlDB refuses while it reads a statement, before it knows a source, a column or a type. */
Status check_early(Binder *binder, const AstSelect *select, Error *err);

/* ---- tree helpers (rewrite.c of the binder) ---- */
/* Copies e; visit may replace a node (returns non-NULL: taken as it is), else its arguments are visited. */
typedef Expr *(*ExprVisit)(const Expr *e, void *context);
Expr *expr_transform(Arena *arena, const Expr *e, ExprVisit visit, void *context);
bool expr_any(const Expr *e, bool (*test)(const Expr *e, void *context), void *context);
/* Splits an AND into its conjuncts; bound, and as it was written. */
typedef struct AstConjuncts {
	int				n, capacity;
	const AstExpr **items;
} AstConjuncts;

void ast_conjuncts(Arena *arena, const AstExpr *e, AstConjuncts *out);
void expr_conjuncts(Arena *arena, Expr *e, Expr ***list, int *n, int *capacity);
Expr *expr_and(Arena *arena, Expr *const *list, int n, bool standard);

/* ---- pull.c ---- */
/* ksqlDB's limits of pull queries over tables. */
Status check_pull_where(SelectBinder *sb, const AstExpr *where, Error *err);

/* ---- relation.c ---- */
Status bind_relation(Binder *binder, const AstRelation *relation, SelectBinder *outer, Logical **out, Scope *scope, Error *err);
/* The query of a sub-query or view as a relation: its visible columns, no pseudo columns. */
Status relation_of_query(Binder *b, Logical *plan, const char *alias, const AstIdent *columns, int n_columns, AstPos pos, Scope *scope,
						 Error *err);

/* ---- cte.c ---- */
/* Puts the WITH of a query in sight; the caller puts b->ctes back. */
void bind_ctes(Binder *b, const AstQuery *query);
/* A query of WITH where it is used. */
Status bind_cte(Binder *b, CteEntry *entry, const char *alias, const AstRelation *relation, Logical **out, Scope *scope, Error *err);
/* Puts queries of WITH that are used once in a bound tree in their place. */
Logical *place_ctes(Binder *b, Logical *root);
/* Whether rows that lose their event time where they are kept would be missed. */
bool ctes_need_time(Binder *b, Logical *root);
/* Notes which columns of them a rewritten tree reads. */
void read_ctes(Binder *b, Logical *root);
/* Those that are kept, as logical trees: "With name" and the query. */
void print_ctes(Binder *b, StrBuf *out);
/* Plans those that are read. */
Status plan_ctes(Binder *b, Plan *plan, Error *err);

/* ---- table_function.c ---- */
/* UNNEST of a call that makes a series: its elements come one by one, without the array. */
void bind_series_rows(FlatMapItem *item);
/* Puts the rows of a table function in FROM beside each row of *rows; keep_all: rows for which it gives none too. */
Status bind_function_relation(Binder *binder, const AstRelation *relation, bool keep_all, Logical **rows, Scope *scope, Error *err);
/* A join whose right side is a table function, which sees the rows of the left side. */
Status bind_function_join(Binder *binder, const AstRelation *join, SelectBinder *outer, Logical **out, Scope *scope, Error *err);
/* One row: what a SELECT without FROM reads. */
Logical *logical_one_row(Binder *binder);

/* ---- join.c ---- */
/* The columns of `from`, which begin at `shift` of the rows, behind those that `to` has. */
void   scope_append(Binder *b, Scope *to, const Scope *from, int shift);
Status bind_join(Binder *binder, const AstRelation *relation, SelectBinder *outer, Logical **out, Scope *scope, Error *err);

/* ---- placement.c ---- */
/* All rows of a key are in one partition. */
bool rows_are_placed(const Logical *node);
/* Equal keys of both are in the same partition. */
bool rows_are_placed_alike(const Logical *a, const Logical *b);

/* Makes an exchange by key place rows as those of `other` lie, which then need not move.  False: `other` does not lie as a topic's rows. */
bool exchange_follows(Logical *exchange, const Logical *other);
/* Brings the rows of each key (the leading columns) into one partition. */
Logical *exchange_by_key(Arena *arena, Logical *input, NullKeys null_keys);

/* ---- join_residual.c ---- */
/* Outer joins: moves what speaks of the padded side alone to that side; refuses what would give two rows of one key. */
Status push_join_residual(Binder *b, JoinKind kind, Logical **left, Logical **right, Expr **residual, Error *err);
/* The residual, which is over left's and right's columns, over rows in which these begin at left_at and right_at. */
Expr *join_place_residual(Binder *b, const Logical *left, int left_at, const Logical *right, int right_at, const Expr *residual);
/* Applies what is left of ON to the joined rows. */
Logical *join_residual(Binder *b, Logical *node, const Expr *residual, JoinKind kind, const Logical *left, int left_at, const Logical *right,
					   int right_at);

/* ---- select.c, query.c ---- */
typedef struct BoundColumn BoundColumn;
struct BoundColumn {
	const char *name;
	Expr	   *expr;			/* over the rows of the SELECT before the projection */
	const AstExpr *ast;
	bool		is_unnamed;
	bool		from_star;
	int			number;			/* place in the list as it was written; -1: not written */
	AstPos		pos;
};

/* The result of a query: plan and its visible columns. */
typedef struct BoundQuery {
	Logical	   *plan;
	int			n_columns;		/* visible; the plan may have more (ORDER BY) only inside of bind_query */
} BoundQuery;

Status bind_query(Binder *binder, const AstQuery *query, SelectBinder *outer, BoundSubquery *correlated, Logical **out, Error *err);
/* A query inside of another one: sub-query, view, WITH. */
Status bind_inner_query(Binder *binder, const AstQuery *query, SelectBinder *outer, BoundSubquery *correlated, Logical **out, Error *err);
Status bind_select(Binder *binder, const AstQuery *query, const AstSelect *select, SelectBinder *outer, BoundSubquery *correlated,
				   Logical **out, Error *err);

/* ---- order_by.c ---- */
/*
 * ORDER BY of a continuous query over rows whose columns the keys are: the first rows as a table.  n_key: leading columns that are the key of
 * the result.  LIMIT is filled in by plan_limit.
 */
Status plan_top_n(Binder *b, const AstQuery *query, const SortKey *keys, int n_key, Logical **rows, Error *err);
/* The rows' first n columns. */
Logical *keep_first_columns(Binder *b, Logical *rows, int n);
/* ORDER BY ALL of a query with n columns, written out; other queries as they are. */
const AstQuery *order_by_all(Binder *b, const AstQuery *query, int n);
/* ORDER BY over a body that is not a SELECT: by position or name. */
Status plan_order_by_columns(Binder *b, const AstQuery *query, Logical **plan, Error *err);

/* ---- set_operation.c ---- */
Status bind_set_operation(Binder *b, const AstQuery *query, const AstBody *body, SelectBinder *outer, BoundSubquery *correlated, Logical **out,
						  Error *err);
Status bind_body(Binder *b, const AstQuery *query, const AstBody *body, SelectBinder *outer, BoundSubquery *correlated, Logical **out,
				 Error *err);

/* ---- aggregate.c ---- */
Status bind_aggregate_item(ExprBinder *eb, const AstExpr *e, AggregateItem *out, Error *err);
Status bind_aggregate_call(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err);
Status bind_grouping(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err);
Status plan_aggregate(SelectBinder *sb, const AstQuery *query, BoundColumn *columns, int n_columns, Expr **having, Error *err);

/* ---- window.c ---- */
Status bind_window(Binder *binder, const AstWindow *window, bool is_final, WindowSpec *out, Error *err);
int64_t join_grace(const AstWithin *within);

/* ---- over.c ---- */
/* Adds the operators of all OVER items to the rows. */
Status plan_overs(SelectBinder *sb, Error *err);
/* The rows with their number in the order of the partition behind their columns. */
Logical *number_rows(Binder *b, Logical *rows, Expr *const *partition, int n_partition, const SortKey *order, int n_order);
/* Of each partition the rows number skip + 1 to skip + n in the order. */
Logical *rows_by_number(Binder *b, Logical *rows, Expr *const *partition, int n_partition, const SortKey *order, int n_order, int64_t skip,
						int64_t n);
/* Replaces REF_OVER by the columns that plan_overs has made. */
Expr  *place_overs(SelectBinder *sb, const Expr *e);
void   overs_transform(SelectBinder *sb, ExprVisit visit, void *context);
Status bind_over(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err);

/* ---- domain.c ---- */
/* A column of a query further out; *out NULL: there is none of that name. */
Status bind_outer_column(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err);
/* Binds a sub-query, again and again until it is known which outer columns it needs.  keeps_residual: other conditions than equalities may
 * be tested by the join. */
Status bind_correlated(Binder *b, const AstQuery *query, SelectBinder *outer, BoundSubquery *sub, bool keeps_residual, Error *err);
/* The rest is of an active domain, in the SELECT of the sub-query. */
/* The rows that a table function in FROM stands beside: the domain, of which its arguments may be. */
Status domain_first(Binder *b, Scope *scope, Logical **out, Error *err);
bool   domain_is_active(const BoundSubquery *sub);
Status domain_join(SelectBinder *sb, BoundSubquery *sub, Error *err);
/* Keeps of the rows of derived tables those that were computed for the values of the domain beside them. */
void   domain_match_derived(SelectBinder *sb, Domain *domain);
/* (query) in FROM of a sub-query that uses columns further out (`outer`): its domain stands behind its columns, hidden. */
Status bind_derived(Binder *b, const AstRelation *relation, SelectBinder *outer, const char *alias, Logical **out, Scope *scope, Error *err);
Status domain_keep_empty(SelectBinder *sb, BoundSubquery *sub, Error *err);
/* LIMIT for each value of the domain, and the columns in their places: n_visible, then the keys.  first_key: where they are. */
Status domain_finish(SelectBinder *sb, const AstQuery *query, BoundSubquery *sub, const SortKey *keys, int n_visible, int first_key, Error *err);
/* FROM a JOIN LATERAL (query) q ON ... */
Status bind_lateral_join(Binder *b, const AstRelation *relation, Logical **out, Scope *scope, Error *err);

/* ---- query.c ---- */
/* The value of LIMIT or OFFSET (`what`); INT64_MAX for NULL. */
Status bind_count(Binder *b, const AstExpr *e, const char *what, int64_t *out, Error *err);

/* ---- recursive.c ---- */
/* The rows of a query that reads itself; *out NULL: it does not. */
Status bind_recursive(Binder *b, CteEntry *entry, Logical **out, Error *err);
/* Within its step: the rows of the iteration before. */
Logical *bind_working(Binder *b, const CteEntry *entry);
/* A plan within a plan, of rows that it hands to it; `end` makes it whole (LOGICAL_RESULT, LOGICAL_KEEP). */
Status plan_part(Binder *b, Logical *end, Plan **out, Error *err);

/* ---- quantified.c ---- */
/* x IN (query), x < ALL (query) and the like as values, of which NULL is one. */
Status bind_quantified(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err);

/* ---- subquery.c ---- */
BoundSubquery *subquery_new(Binder *b);
/* The SELECT with the conditions of its inner joins' ON that are sub-queries moved to its WHERE, where they mean the same. */
const AstSelect *subqueries_of_on(Binder *b, const AstSelect *select);
/* What is left of a condition (NULL: nothing); conjuncts with sub-queries are added to *moved. */
AstExpr *on_without_subqueries(Binder *b, AstExpr *on, AstExpr **moved);
Status bind_subquery(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err);
Status join_subqueries(SelectBinder *sb, bool is_early, Error *err);
Logical *join_subquery(SelectBinder *sb, Logical *left, const BoundSubquery *sub, Logical *right);
/* A test of WHERE on the rows so far: in a continuous plan an operator that is kept up to date from both sides. */
Status join_test(SelectBinder *sb, BoundSubquery *sub, AstPos pos, Error *err);
Status bind_semi_join(ExprBinder *eb, const AstExpr *e, BoundSubquery **out, Error *err);
Status subquery_correlate(SelectBinder *sb, BoundSubquery *sub, Expr *condition, Error *err);
bool   ast_has_subquery(const AstExpr *e);
Expr  *place_subqueries(SelectBinder *sb, const Expr *e);
void   place_subqueries_in_overs(SelectBinder *sb);
/* What an expression has of them is needed before aggregation: it is grouped by. */
void   note_subqueries_early(SelectBinder *sb, const Expr *e);
void   subqueries_transform(SelectBinder *sb, ExprVisit visit, void *context);
bool   expr_has_outer(const Expr *e);

#endif
