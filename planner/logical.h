#ifndef SLUICE_PLANNER_LOGICAL_H
#define SLUICE_PLANNER_LOGICAL_H

/*
 * The relational tree between binder and physical plan.
 *
 * A node's expressions refer to the columns of its input by position (a join's: to left columns, then right columns).
 * `spec` is the operator spec that physical planning will use, still open where bounded and continuous plans differ.
 * Nodes belong to one planning and live in the planner's arena; rewrites may change them in place as long as the
 * tree is not shared (a CTE is bound anew for each use).
 */
#include "catalog/catalog.h"
#include "exec/op/aggregate.h"
#include "exec/op/exchange.h"
#include "exec/op/filter.h"
#include "exec/op/flat_map.h"
#include "exec/op/join_asof.h"
#include "exec/op/join_hash.h"
#include "exec/op/join_semi.h"
#include "exec/op/join_stream.h"
#include "exec/op/keep.h"
#include "exec/op/limit.h"
#include "exec/op/expire.h"
#include "exec/op/materialise.h"
#include "exec/op/project.h"
#include "exec/op/scan.h"
#include "exec/op/sink.h"
#include "exec/op/sort.h"
#include "exec/op/top_n.h"
#include "exec/op/window_function.h"
#include "exec/plan.h"

typedef enum LogicalKind {
	LOGICAL_SCAN,				/* LogicalScan */
	LOGICAL_FILTER,				/* FilterSpec */
	LOGICAL_PROJECT,			/* ProjectSpec */
	LOGICAL_FLAT_MAP,			/* FlatMapSpec */
	LOGICAL_EXCHANGE,			/* ExchangeSpec */
	LOGICAL_MATERIALISE,		/* MaterialiseSpec */
	LOGICAL_EXPIRE,				/* ExpireSpec */
	LOGICAL_AGGREGATE,			/* AggregateSpec */
	LOGICAL_JOIN_HASH,			/* JoinHashSpec */
	LOGICAL_JOIN_ASOF,			/* JoinAsofSpec */
	LOGICAL_JOIN_WINDOW,		/* JoinWindowSpec */
	LOGICAL_JOIN_STREAM_TABLE,	/* JoinTableSpec */
	LOGICAL_JOIN_TABLE_TABLE,	/* JoinTableSpec */
	LOGICAL_JOIN_FOREIGN,		/* JoinForeignSpec */
	LOGICAL_JOIN_SEMI,			/* JoinSemiSpec */
	LOGICAL_WINDOW_FUNCTION,	/* WindowFunctionSpec */
	LOGICAL_SORT,				/* SortSpec */
	LOGICAL_TOP_N,				/* TopNSpec */
	LOGICAL_LIMIT,				/* LimitSpec */
	LOGICAL_DISTINCT,			/* DistinctSpec */
	LOGICAL_SET,				/* SetOpSpec */
	LOGICAL_UNION,				/* no spec */
	LOGICAL_SINK,				/* SinkSpec */
	LOGICAL_RESULT,				/* ResultSpec */
	LOGICAL_KEEP,				/* KeepSpec */
} LogicalKind;

/* Where a column of a scan comes from. */
typedef struct ScanColumn {
	int			 source_index;	/* in the source's schema or file; -1: pseudo */
	PseudoColumn pseudo;
} ScanColumn;

typedef struct LogicalScan {
	const CatalogSource *source;	/* NULL: file literal or values */
	const TopicSpec		*topic;
	const FileSpec		*file;
	const Value			*values;	/* n_values rows of the source columns */
	int					 n_values;
	const char			*name;
	const char			*alias;
	bool				 is_state;	/* reads the kept rows of a table */
	bool				 from_latest;
	const struct RecursiveSpec *recursive;	/* of a recursive query; is_working: within its step */
	bool				 is_working;
	struct KeptQuery	*kept;			/* WITH: rows that are computed once; the source columns are its columns */
	const ScanColumn	*columns;	/* of the node: source columns first, then pseudo columns */
	const Expr			*timestamp;	/* over the node's columns */
	bool				 fail_on_bad_time;
	int					 n_ranges;
	const StateRange	*ranges;
	int					 n_bounds;
	const ScanBound		*bounds;
	int					 n_join_filters, join_filters_capacity;
	ScanJoinFilter		*join_filters;
} LogicalScan;

typedef struct Logical Logical;
struct Logical {
	LogicalKind	 kind;
	int			 n_inputs;
	Logical		*inputs[2];
	int			 n_columns;
	const Column *columns;
	int			 n_key;			/* leading columns that are the key of the rows */
	int			 n_front;		/* of these: a sub-query's, which it did not select and no name reaches */
	bool		 is_table;		/* rows are changes (continuous) or rows (bounded) of a table */
	WindowSpec	 window;		/* the key has a window; kind NONE: not */
	void		*spec;
	double		 estimated_rows;	/* < 0: not known */
	Logical	   **more_inputs;	/* LOGICAL_UNION: all inputs (n_inputs may be over two) */
};

/* A query of WITH whose rows may be computed once for all its uses (bind/cte.c). */
typedef struct KeptQuery KeptQuery;
struct KeptQuery {
	KeptSpec	 spec;			/* for the plan */
	Logical		*rows;			/* the query; its rewritten tree when it is planned */
	int			 branch;		/* of a recursive query: where it stands */
	bool		 is_needed;		/* said MATERIALIZED, or used in another branch */
	int			 n_uses;		/* in the tree in hand */
	bool		 is_read;		/* some plan scans it */
	bool		*used;			/* its columns that scans deliver */
	KeptQuery	*previous;		/* the one bound before: it may be used by this one */
};

/* A node with columns of its single input (may be NULL), to be completed. */
Logical *logical_new(Arena *arena, LogicalKind kind, Logical *input);
Logical *logical_input(const Logical *node, int i);
void	 logical_set_input(Logical *node, int i, Logical *input);

/* Common nodes. */
Logical *logical_filter(Arena *arena, Logical *input, Expr *condition);
Logical *logical_project(Arena *arena, Logical *input, Expr *const *exprs, const char *const *names, int n, int n_key);

/* DISTINCT of a table's changes: equal rows are one for as long as there is one of them.  Without the input's front; all columns are the key. */
Logical *logical_distinct_table(Arena *arena, Logical *input);

/* Whether the test holds for a node of the tree.  Queries of WITH that it scans are not entered. */
bool logical_any(Logical *node, bool (*test)(Logical *node, void *context), void *context);

const char *logical_kind_name(LogicalKind kind);

/* The tree as text, one node a line with its properties and columns: EXPLAIN (LOGICAL) and (OPTIMIZED). */
void logical_print(const Logical *root, StrBuf *out);

/* Maps column positions: a copy of `e` in which column i is columns[i]. */
Expr *logical_shift(Arena *arena, const Expr *e, int by);

/* ---- rewriting (planner/rewrite/list.c) ---- */
typedef struct RewriteContext {
	Arena *arena;
	bool   is_bounded;
	bool   standard;
	bool   derives;			/* rewrite_push_filters: the first time, when conditions of one side are derived from OR */
} RewriteContext;

Logical *logical_rewrite(RewriteContext *context, Logical *root);

/* The rules. */
Logical *rewrite_push_filters(RewriteContext *context, Logical *root);
Logical *rewrite_join_simplify(RewriteContext *context, Logical *root);
Logical *rewrite_join_order(RewriteContext *context, Logical *root);
Logical *rewrite_key_lookup(RewriteContext *context, Logical *root);
Logical *rewrite_scan_bounds(RewriteContext *context, Logical *root);
Logical *rewrite_prune(RewriteContext *context, Logical *root);
Logical *rewrite_distinct(RewriteContext *context, Logical *root);
Logical *rewrite_first_rows(RewriteContext *context, Logical *root);
Logical *rewrite_join_sides(RewriteContext *context, Logical *root);
Logical *rewrite_join_filters(RewriteContext *context, Logical *root);

/* ---- physical (planner/physical/physical.c) ---- */
Status physical_plan(Arena *arena, Logical *root, bool is_bounded, Plan **out, Error *err);
uint64_t plan_fingerprint(const Plan *plan);

#endif
