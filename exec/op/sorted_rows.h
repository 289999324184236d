#ifndef SLUICE_EXEC_OP_SORTED_ROWS_H
#define SLUICE_EXEC_OP_SORTED_ROWS_H

/*
 * Rows that come back in the order of their first columns, ascending, NULLs last; equal ones as they came.  What memory does not hold is
 * written in sorted runs (sort_runs.h).  For operators that have a place to write to (services.spill).
 */
#include "exec/op/sort_runs.h"

typedef struct SortedRows {
	Op		   *op;
	int			n_keys;
	SortColumn *order;
	int		   *key_columns;
	int64_t		max_bytes;	/* to keep before a run is written */
	RowStore	rows;
	SortRuns	runs;
} SortedRows;

/* `order` (n_keys; the columns are not looked at) is copied; NULL: all ascending, NULLs last.  `what`, for errors, is borrowed. */
void sorted_rows_init(SortedRows *sorted, Op *op, const SortColumn *order, int n_keys, int64_t max_bytes, const char *what);
void sorted_rows_free(SortedRows *sorted);

Status sorted_rows_append(SortedRows *sorted, const Vector *const *columns, int n_columns, int32_t n, Error *err);

/* Hands on all rows, in order, once. */
Status sorted_rows_merge(SortedRows *sorted, SortRowsCallback emit, void *context, Error *err);

#endif
