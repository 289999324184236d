#ifndef SLUICE_EXEC_PLAN_H
#define SLUICE_EXEC_PLAN_H

/*
 * The finished plan: an immutable tree of (operator kind, spec) that the planner gives and tasks run.  A bounded and a
 * continuous plan differ in how operators were chosen and wired, not in kind.
 *
 * All memory is in the plan's arena; a plan may be run many times and by several threads.
 */
#include "data/schema.h"
#include "data/window.h"
#include "exec/op/op.h"

typedef struct PlanNode PlanNode;
struct PlanNode {
	const OpType   *op;
	const void	   *spec;
	int				id;				/* unique in the plan, in order of creation: names durable state */
	int				n_inputs;
	PlanNode *const *inputs;		/* port i is fed by inputs[i] */
	/* A node may be the input of several nodes (a source that reaches one operator by two paths). */
	const Schema   *schema;			/* of the output: names and types, key columns first */
	double			estimated_rows;	/* bounded plans; < 0: not known */
};

typedef struct Plan {
	PlanNode	  *root;			/* op_sink (persistent) or op_result (transient) */
	bool		   is_bounded;
	const Schema  *schema;			/* of the rows that a client sees, or of the sink */
	const bool	  *is_key;			/* bounded query over a table: which columns are its key, window bounds too; NULL: none */
	bool		   result_is_table;	/* rows are changes of a table */
	bool		   is_windowed;
	WindowSpec	   window;			/* of the result, kind NONE if not windowed */
	int			   n_sources;
	PlanNode *const *sources;		/* all op_scan nodes, in order of appearance in the text */
	bool		   needs_order;		/* the order of input is part of the meaning: no parallel pipelines (grace in a bounded plan) */
	bool		   needs_single_rows; /* a source reaches one operator by two paths: push runs of one row */
	const char	  *name;			/* of a query of WITH whose rows are kept; NULL: a plan that stands for itself */
	const char	  *note;			/* for the client: e.g. "the window waits for event time"; NULL: none */
} Plan;

/* WITH RECURSIVE: the plans of both branches of its UNION, which give the same columns. */
typedef struct RecursiveSpec {
	const char *name;
	int			n_columns;
	bool		is_all;			/* UNION ALL; else a row that was there before is left out */
	const Plan *base;
	const Plan *step;			/* scans the rows of the iteration before: ScanSpec.is_working */
} RecursiveSpec;

/* WITH: a plan whose rows are computed once, and read by several scans. */
typedef struct KeptSpec {
	const char *name;
	const Plan *plan;				/* ends in op_keep */
	const int  *stored;				/* by column of the query: which one of the plan's it is */
	bool		is_of_iteration;	/* reads rows of an iteration (RecursiveSpec): good for one only */
} KeptSpec;

/* The plan as a readable tree (EXPLAIN).  With `ops` (by node id; NULL: none) rows, time and state are added. */
void plan_explain(const Plan *plan, Op *const *ops, int n_ops, StrBuf *out);

/* One operator with the properties of its spec: "Filter [condition: ...]". */
void spec_explain(const OpType *type, const void *spec, StrBuf *out);

#endif
