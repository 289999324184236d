#ifndef SLUICE_EXEC_OP_SORT_ROWS_H
#define SLUICE_EXEC_OP_SORT_ROWS_H

/* Sorting row numbers by columns. */
#include "data/vector.h"

typedef struct SortColumn {
	const Vector *column;
	bool		  descending;
	bool		  nulls_first;
	bool		  ksqldb_order;		/* STRING by UTF-16 unit, BYTES by signed byte */
} SortColumn;

/* Order of row i of `a` and row j of `b` (columns of one type) as `column` says; its own vector is not looked at. */
int sort_compare_values(const SortColumn *column, const Vector *a, int64_t i, const Vector *b, int64_t j);

/* Order of two rows by n columns. */
int sort_compare_rows(const SortColumn *columns, int n_columns, uint32_t a, uint32_t b);

/* Sorts rows[0..n), which are rising at first; equal rows stay so. */
void sort_rows(const SortColumn *columns, int n_columns, uint32_t *rows, int64_t n);

/*
 * A word for each of rows 0..n-1 of a vector: where words differ, rows are ordered as their words (with `rank` above
 * them); where they are equal nothing is known.
 */
void sort_prefixes(const SortColumn *column, const Vector *v, int32_t n, uint64_t *prefixes, uint8_t *ranks);

#endif
