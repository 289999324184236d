#ifndef SLUICE_EXEC_OP_WINDOW_IMPL_H
#define SLUICE_EXEC_OP_WINDOW_IMPL_H

/* Shared by the files of OVER: window_function.c (rows in, order, rows out) and window_compute.c (the functions). */
#include "exec/op/aggregate_impl.h"
#include "exec/op/row_partitions.h"
#include "exec/op/run_store.h"
#include "exec/op/top_groups.h"
#include "exec/op/window_frame.h"
#include "exec/op/window_rows.h"

/* One function as it runs.  What it knows of its partition goes on from batch to batch. */
typedef struct OverItem {
	const WindowFunctionItem *spec;
	WindowFrame				  frame;
	int						  n_columns;
	int						 *columns;		/* of the stored rows: arguments; for aggregates what item_eval gives */
	int						  filter;		/* column of the FILTER condition; -1: none */
	Vector					 *results;		/* of the batch that is computed */
	const char				 *what;			/* "SUM() OVER", for errors */
	Item					  aggregate;
	char					 *state;
	uint32_t				  group_id;		/* for DISTINCT: another one for each frame computed anew */
	bool					  can_retract;
	int64_t					  first, last;	/* rows first .. last-1 are in the state */
} OverItem;

typedef struct WindowOp {
	Op			op;
	int			n_columns;		/* of the input; -1: no rows yet */
	RunStore	rows;			/* input columns, computed ones */
	RowPartitions parts;		/* of them, when they are too many and there is PARTITION BY */
	int		   *part_columns;	/* of PARTITION BY */
	TopGroups	top;
	int64_t		n_top;			/* rows that were left when the first ones were looked for last */
	int			n_programs;		/* computed columns, behind the input's */
	Program	  **programs;
	int		   *keys;			/* what column_of gives: partition, then order */
	int		   *key_columns;	/* the same as columns of the stored rows */
	SortColumn *order;
	OverItem   *items;
	/* The rows whose turn it is. */
	WindowRows		sorted;
	int64_t			n_finished;		/* rows of parts that are done */
	WindowPartition partition;
	WindowGroup		group;
	WindowGroup	   *groups;		/* of each row of a batch */
	int64_t		used_bytes;		/* by states */
	int64_t		reserved_bytes;
	Arena		columns;		/* in the order of the rows, if they are in memory */
	Arena		results;		/* of a batch */
	Arena		work;
	char	  **states;			/* BATCH_ROWS times the current state */
	uint32_t   *group_ids;
} WindowOp;

Status window_item_open(WindowOp *self, OverItem *item, const WindowFunctionItem *spec, Error *err);
void   window_item_close(OverItem *item);

/* Before the first row of `sorted`. */
void window_compute_begin(WindowOp *self);

/* Results of rows at positions from .. from+n-1 (n <= BATCH_ROWS), into the vectors `results` of the items.  Batches come in order. */
Status window_compute(WindowOp *self, int64_t from, int32_t n, Error *err);

/* Reserves what states and results take by now. */
Status window_account(WindowOp *self, const char *what, Error *err);

Status window_check_interrupted(WindowOp *self, Error *err);

/* The stored column of an expression: >= 0 an input column, else ~place among the computed ones. */
Status window_column_of(WindowOp *self, const Expr *expr, int *out, Error *err);

static inline int
window_stored_column(const WindowOp *self, int column)
{
	return column >= 0 ? column : self->n_columns + ~column;
}

#endif
