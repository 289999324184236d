#include "exec/op/sorted_rows.h"

#include <stdlib.h>

enum {
	SORT_BYTES = 36,	/* a row, while it is sorted: its number and twice the sort's entry */
};

void
sorted_rows_init(SortedRows *sorted, Op *op, const SortColumn *order, int n_keys, int64_t max_bytes, const char *what)
{
	*sorted = (SortedRows){.op = op, .n_keys = n_keys, .max_bytes = max_bytes};
	sorted->order = xcalloc((size_t)n_keys + 1, sizeof *sorted->order);
	sorted->key_columns = xcalloc((size_t)n_keys + 1, sizeof *sorted->key_columns);
	for (int k = 0; k < n_keys; k++) {
		sorted->order[k] = order != NULL ? order[k] : (SortColumn){0};
		sorted->key_columns[k] = k;
	}
	row_store_init(&sorted->rows, op_services(op)->budget, what);
	/* Runs are what keeps it within the budget, not refusals. */
	sorted->rows.free_bytes = INT64_MAX;
	sort_runs_init(&sorted->runs, op);
}

void
sorted_rows_free(SortedRows *sorted)
{
	if (sorted->op == NULL)
		return;
	row_store_free(&sorted->rows);
	sort_runs_free(&sorted->runs);
	free(sorted->order);
	free(sorted->key_columns);
	*sorted = (SortedRows){0};
}

static Status
write_run(SortedRows *sorted, Error *err)
{
	int64_t	  n = (int64_t)sorted->rows.n_rows;
	uint32_t *numbers;
	Status	  status;

	if (n == 0)
		return OK;
	numbers = xmalloc(sizeof *numbers * (size_t)n);
	for (int64_t i = 0; i < n; i++)
		numbers[i] = (uint32_t)i;
	for (int k = 0; k < sorted->n_keys; k++)
		sorted->order[k].column = sorted->rows.columns[k];
	sort_rows(sorted->order, sorted->n_keys, numbers, n);
	status = sort_runs_add(&sorted->runs, &sorted->rows, numbers, n, err);
	free(numbers);
	row_store_free(&sorted->rows);
	return status;
}

Status
sorted_rows_append(SortedRows *sorted, const Vector *const *columns, int n_columns, int32_t n, Error *err)
{
	int64_t n_rows = (int64_t)sorted->rows.n_rows + n;

	if (n_rows > n && row_store_bytes_with(&sorted->rows, n) + n_rows * SORT_BYTES > sorted->max_bytes)
		TRY(write_run(sorted, err));
	return row_store_append(&sorted->rows, columns, n_columns, NULL, n, err);
}

Status
sorted_rows_merge(SortedRows *sorted, SortRowsCallback emit, void *context, Error *err)
{
	TRY(write_run(sorted, err));
	return sort_runs_merge(&sorted->runs, sorted->order, sorted->key_columns, sorted->n_keys, emit, context, err);
}
