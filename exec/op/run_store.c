#include "exec/op/run_store.h"

#include <stdlib.h>

enum { SORT_BYTES = 36 };		/* a row, while it is sorted: its number and twice the sort's entry */

void
run_store_init(RunStore *store, Op *op, const char *what, SortColumn *order, const int *key_columns, int n_keys)
{
	*store = (RunStore){.op = op, .what = what, .order = order, .key_columns = key_columns, .n_keys = n_keys, .n_keep = -1};
	row_store_init(&store->rows, op_services(op)->budget, what);
	sort_runs_init(&store->runs, op);
	if (op_services(op)->spill != NULL)
		store->rows.free_bytes = spill_least(op_services(op)->spill);
}

static void
forget_rows(RunStore *store)
{
	row_store_free(&store->rows);
	budget_release(op_services(store->op)->budget, store->sort_bytes);
	store->sort_bytes = 0;
}

void
run_store_free(RunStore *store)
{
	if (store->op == NULL)
		return;
	forget_rows(store);
	sort_runs_free(&store->runs);
}

void
run_store_point(RunStore *store)
{
	for (int k = 0; k < store->n_keys; k++)
		store->order[k].column = store->rows.columns[store->key_columns[k]];
}

uint32_t *
run_store_numbers(RunStore *store)
{
	uint32_t *numbers = xmalloc(sizeof *numbers * (size_t)(store->rows.n_rows + 1));

	for (uint64_t i = 0; i < store->rows.n_rows; i++)
		numbers[i] = (uint32_t)i;
	run_store_point(store);
	sort_rows(store->order, store->n_keys, numbers, (int64_t)store->rows.n_rows);
	return numbers;
}

Status
run_store_write(RunStore *store, Error *err)
{
	int64_t	  n = (int64_t)store->rows.n_rows;
	uint32_t *numbers;
	Status	  status;

	if (n > 0) {
		numbers = run_store_numbers(store);
		status = sort_runs_add(&store->runs, &store->rows, numbers, store->n_keep >= 0 && store->n_keep < n ? store->n_keep : n, err);
		free(numbers);
		if (status == FAILED)
			return FAILED;
	}
	forget_rows(store);
	return OK;
}

/* Whether n rows more would be more than the operator should keep. */
static bool
is_full(const RunStore *store, int64_t n)
{
	int64_t bytes = row_store_bytes_with(&store->rows, n) + ((int64_t)store->rows.n_rows + n) * SORT_BYTES;

	return bytes > store->rows.free_bytes && bytes > spill_share(op_services(store->op)->spill);
}

static Status
reserve(RunStore *store, int64_t ahead, Error *err)
{
	int64_t missing = (int64_t)store->rows.n_rows * SORT_BYTES - store->sort_bytes;

	if (missing > 0) {
		missing += ahead;
		TRY(budget_reserve(op_services(store->op)->budget, missing, store->what, err));
		store->sort_bytes += missing;
	}
	return OK;
}

Status
run_store_reserve(RunStore *store, Error *err)
{
	return reserve(store, 0, err);
}

/* When all else is written out, one batch is taken whatever others have reserved: it is in memory anyway. */
static Status
append_to_nothing(RunStore *store, const Vector *const *columns, int n_columns, const uint32_t *index, int32_t n, Error *err)
{
	int64_t free_bytes = store->rows.free_bytes;
	Status	status;

	store->rows.free_bytes = INT64_MAX;
	status = row_store_append(&store->rows, columns, n_columns, index, n, err);
	store->rows.free_bytes = free_bytes;
	return status;
}

Status
run_store_append(RunStore *store, const Vector *const *columns, int n_columns, const uint32_t *index, int32_t n, Error *err)
{
	uint64_t n_before;

	if (op_services(store->op)->spill == NULL)
		return row_store_append(&store->rows, columns, n_columns, index, n, err);
	if (store->rows.n_rows > 0 && is_full(store, n))
		TRY(run_store_write(store, err));
	n_before = store->rows.n_rows;
	if (row_store_append(&store->rows, columns, n_columns, index, n, err) == FAILED) {
		bool is_kept = store->rows.n_rows > n_before;

		TRY(run_store_write(store, err));
		if (!is_kept)
			TRY(append_to_nothing(store, columns, n_columns, index, n, err));
	}
	op_note_memory(store->op, store->rows.reserved_bytes + store->sort_bytes);
	/* A little ahead, not for each batch. */
	return reserve(store, BATCH_ROWS * 2 * SORT_BYTES, err) == OK ? OK : run_store_write(store, err);
}

/* Both are written out if any are, or if there is no room for them together. */
Status
run_store_take(RunStore *store, RunStore *from, Error *err)
{
	if (!run_store_has_runs(store) && !run_store_has_runs(from)) {
		store->sort_bytes += from->sort_bytes;
		from->sort_bytes = 0;
		if (row_store_take(&store->rows, &from->rows, err) == OK)
			return OK;
		if (op_services(store->op)->spill == NULL)
			return FAILED;
	}
	TRY(run_store_write(store, err));
	TRY(run_store_write(from, err));
	sort_runs_take(&store->runs, &from->runs);
	return OK;
}

Status
run_store_merge(RunStore *store, SortRowsCallback emit, void *context, Error *err)
{
	TRY(run_store_write(store, err));
	return sort_runs_merge(&store->runs, store->order, store->key_columns, store->n_keys, emit, context, err);
}
