#ifndef SLUICE_EXEC_OP_SORT_RUNS_H
#define SLUICE_EXEC_OP_SORT_RUNS_H

/*
 * Sorted runs in temporary files, and their merge: a tree of losers over the runs; equal rows come in the order of the runs.
 * When there are more runs than the budget has blocks for, neighbours are merged into longer ones first.
 */
#include "exec/op/op.h"
#include "exec/op/row_store.h"
#include "exec/op/sort_rows.h"

typedef struct SortRun {
	SpillFile *file;
	int64_t	   at;
	int64_t	   end;
} SortRun;

typedef struct SortRuns {
	Op			 *op;				/* whose budget, space and counter are used */
	const Type	**types;			/* of the columns; made with the first run */
	int			  n_columns;
	SortRun		 *runs;
	int			  n_runs;
	int			  capacity;
	int64_t		  n_rows;			/* of all runs */
	int64_t		  n_merged;			/* that the pass under way has gone over, for progress */
	SpillFile	**files;
	int			  n_files;
	int			  file_capacity;
	SpillFile	 *own;				/* that new runs are written to */
} SortRuns;

void sort_runs_init(SortRuns *runs, Op *op);
void sort_runs_free(SortRuns *runs);

/* Writes rows numbers[0..n) of a store as the last run. */
Status sort_runs_add(SortRuns *runs, const RowStore *rows, const uint32_t *numbers, int64_t n, Error *err);

/* Takes over another's runs behind the own ones. */
void sort_runs_take(SortRuns *runs, SortRuns *from);

/* Rows in order, up to BATCH_ROWS at a time; valid during the call.  DONE: no more are wanted. */
typedef Status (*SortRowsCallback)(void *context, const Vector *const *columns, int32_t n, Error *err);

/* order[0..n_keys): the columns key_columns[k] of the rows; the runs are used up. */
Status sort_runs_merge(SortRuns *runs, const SortColumn *order, const int *key_columns, int n_keys, SortRowsCallback emit,
					   void *context, Error *err);

/*
 * The same step by step, for who merges several sets of runs at a time (n_merges: how many, for they share the budget).  The runs, which are used up, live
 * longer than the merge.
 */
typedef struct SortMerge SortMerge;

Status sort_merge_open(SortRuns *runs, const SortColumn *order, const int *key_columns, int n_keys, int n_merges, SortMerge **out, Error *err);
void   sort_merge_close(SortMerge *merge);	/* NULL does nothing */

/* The next rows, up to BATCH_ROWS; valid until the next call.  DONE: there are no more. */
Status sort_merge_next(SortMerge *merge, const Vector *const **columns, int32_t *n_rows, Error *err);

#endif
