#ifndef SLUICE_EXEC_OP_RUN_STORE_H
#define SLUICE_EXEC_OP_RUN_STORE_H

/*
 * Rows that will be wanted sorted: kept as columns while the memory budget has room, otherwise in sorted runs (sort_runs.h).
 *
 * Memory for sorting what is kept is reserved as it grows, so that a run can always be written.  Rows come back either from memory, by
 * number (run_store_numbers), or from the runs (run_store_merge), when there are any.  Equal rows stay in the order in which they came.
 * Not thread safe: each clone of an operator has its own, and the others are taken over at the end.
 */
#include "exec/op/sort_runs.h"

typedef struct RunStore {
	Op				 *op;			/* whose budget, space and counter are used */
	const char		 *what;			/* for the error when nothing can be written out */
	RowStore		  rows;			/* that came behind those of the runs */
	SortRuns		  runs;
	int				  n_keys;
	const int		 *key_columns;	/* of the rows, by key; borrowed, and set before the first rows */
	SortColumn		 *order;		/* by key; borrowed.  Points into `rows` where those are sorted */
	int64_t			  n_keep;		/* of a run no more than the first of its rows are wanted; -1: all */
	int64_t			  sort_bytes;	/* reserved for sorting */
} RunStore;

void run_store_init(RunStore *store, Op *op, const char *what, SortColumn *order, const int *key_columns, int n_keys);
void run_store_free(RunStore *store);

static inline bool
run_store_has_runs(const RunStore *store)
{
	return store->runs.n_runs > 0;
}

/*
 * Keeps the rows index[0..n) (NULL: the first n) of some columns; those that were kept before, or all of them, are written out as a run where there
 * is no room for both: one batch is always taken.  An operator without a place to write to (services.spill) fails when the budget is exhausted.
 */
Status run_store_append(RunStore *store, const Vector *const *columns, int n_columns, const uint32_t *index, int32_t n, Error *err);

/* Takes over another's rows behind the own ones. */
Status run_store_take(RunStore *store, RunStore *from, Error *err);

/* Points `order` to the columns of the rows in memory. */
void run_store_point(RunStore *store);

/* The numbers of the rows in memory, sorted; to be freed. */
uint32_t *run_store_numbers(RunStore *store);

/* Reserves what sorting the rows in memory takes; released with them. */
Status run_store_reserve(RunStore *store, Error *err);

/* Writes the rows in memory as a run, and forgets them. */
Status run_store_write(RunStore *store, Error *err);

/* All rows in order, from the runs.  Those in memory are written first.  DONE: the callback wanted no more. */
Status run_store_merge(RunStore *store, SortRowsCallback emit, void *context, Error *err);

#endif
