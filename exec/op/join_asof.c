/*
 * The bounded ASOF join.
 *
 * Right rows are kept as columns with their keys behind them.  At the end of the right side they are sorted by keys, the compared one last,
 * so that the rows of equal keys are a run; a hash table finds the first row of a run, and a binary search within the run the row
 * that is nearest.  Left rows are joined as they come: the result is dictionaries over both sides.  Both sides are read by one thread.
 *
 * When the right rows, or what sorts and finds them, do not fit, join_asof_merge.c takes over.
 */
#include "exec/op/join_asof_impl.h"

#include <stdlib.h>

static Status
side_open(JoinAsofOp *self, AsofSide *side, int n_columns, const Expr *const *keys, Error *err)
{
	Op				   *op = &self->op;
	const JoinHashSpec *spec = op->spec;

	side->n_columns = n_columns;
	side->programs = arena_array(&op->arena, Program *, spec->n_keys + 1);
	side->key_columns = arena_array(&op->arena, int, spec->n_keys + 1);
	side->order = arena_calloc(&op->arena, sizeof *side->order * (size_t)(spec->n_keys + 1));
	for (int k = 0; k < spec->n_keys; k++) {
		TRY(program_compile(&op->arena, keys[k], &side->programs[k], err));
		side->key_columns[k] = n_columns + k;
	}
	run_store_init(&side->store, op, "an ASOF join", side->order, side->key_columns, spec->n_keys);
	return OK;
}

static Status
asof_open(Op *op, Error *err)
{
	JoinAsofOp		   *self = op_cast(JoinAsofOp, op, &op_join_asof);
	const JoinHashSpec *spec = op->spec;

	TRY(side_open(self, &self->left, spec->n_left, spec->left_keys, err));
	return side_open(self, &self->right, spec->n_right, spec->right_keys, err);
}

Status
asof_columns(JoinAsofOp *self, const AsofSide *side, const Batch *in, const Vector ***columns, Error *err)
{
	const JoinHashSpec *spec = self->op.spec;

	*columns = arena_alloc(op_scratch(&self->op), sizeof **columns * (size_t)(side->n_columns + spec->n_keys + 2));
	if (side->n_columns > 0)
		memcpy(*columns, in->columns, sizeof **columns * (size_t)side->n_columns);
	for (int k = 0; k < spec->n_keys; k++)
		TRY(program_eval(side->programs[k], op_services(&self->op)->eval, in, &(*columns)[side->n_columns + k], err));
	return OK;
}

int32_t
asof_joinable(const Batch *in, const Vector *const *keys, int n_keys, uint32_t *rows)
{
	int32_t n = 0;

	for (int32_t i = 0; i < in->n_rows; i++) {
		bool is_known = !row_kind_is_null(batch_row_kind(in, i));

		for (int k = 0; k < n_keys && is_known; k++)
			is_known = vector_is_valid(keys[k], i);
		if (is_known)
			rows[n++] = (uint32_t)i;
	}
	return n;
}

bool
asof_passes_equal(CompareOp op)
{
	return op == COMPARE_GE || op == COMPARE_LT;
}

/* ---- build ---- */

static Status
asof_push_build(JoinAsofOp *self, const Batch *in, Error *err)
{
	const JoinHashSpec *spec = self->op.spec;
	uint32_t		   *rows = arena_alloc(op_scratch(&self->op), sizeof *rows * (size_t)(in->n_rows + 1));
	const Vector	  **columns;
	int32_t				n;

	TRY(asof_columns(self, &self->right, in, &columns, err));
	n = asof_joinable(in, columns + spec->n_right, spec->n_keys, rows);
	return run_store_append(&self->right.store, columns, spec->n_right + spec->n_keys, rows, n, err);
}

static Status
sort_build(JoinAsofOp *self, Error *err)
{
	RunStore *store = &self->right.store;
	uint32_t *numbers;
	Status	  status;

	TRY(run_store_reserve(store, err));
	numbers = run_store_numbers(store);
	status = row_store_keep(&store->rows, numbers, (int64_t)store->rows.n_rows, err);
	free(numbers);
	run_store_point(store);
	return status;
}

/* Where runs of equal keys end, from the last row to the first. */
static Status
find_runs(JoinAsofOp *self, Error *err)
{
	const JoinHashSpec *spec = self->op.spec;
	uint32_t			n = (uint32_t)self->right.store.rows.n_rows;
	int64_t				bytes = (int64_t)n * (int64_t)sizeof *self->run_ends;

	TRY(budget_reserve(op_services(&self->op)->budget, bytes, "an ASOF join", err));
	self->run_bytes = bytes;
	self->run_ends = xmalloc(sizeof *self->run_ends * ((size_t)n + 1));
	for (uint32_t i = n; i-- > 0;)
		self->run_ends[i] = i + 1 == n || sort_compare_rows(self->right.order, spec->n_keys - 1, i, i + 1) != 0 ? i + 1 : self->run_ends[i + 1];
	return OK;
}

static Status
add_null_row(JoinAsofOp *self, Error *err)
{
	RowStore	  *rows = &self->right.store.rows;
	Arena		  *arena = op_scratch(&self->op);
	const Vector **nulls = arena_alloc(arena, sizeof *nulls * (size_t)(rows->n_columns + 1));

	self->null_row = (uint32_t)rows->n_rows;
	for (int c = 0; c < rows->n_columns; c++)
		nulls[c] = vector_null(arena, rows->columns[c]->type, 1);
	return row_store_append(rows, nulls, rows->n_columns, NULL, 1, err);
}

/* Without any right row the columns are still needed for the row of NULLs. */
static void
need_columns(JoinAsofOp *self)
{
	const JoinHashSpec *spec = self->op.spec;
	const Type		  **types = arena_array(op_scratch(&self->op), const Type *, spec->n_right + spec->n_keys + 1);
	RowStore		   *rows = &self->right.store.rows;

	if (rows->columns != NULL)
		return;
	for (int c = 0; c < spec->n_right; c++)
		types[c] = spec->right_types[c];
	for (int k = 0; k < spec->n_keys; k++)
		types[spec->n_right + k] = spec->right_keys[k]->type;
	row_store_set_types(rows, types, spec->n_right + spec->n_keys);
	/* There is nothing that could be written out instead. */
	if (op_services(&self->op)->spill != NULL)
		rows->free_bytes = INT64_MAX;
}

/* Makes what finds the rows in memory.  FAILED: the budget is exhausted; asof_drop leaves the rows alone. */
static Status
asof_make(JoinAsofOp *self, Error *err)
{
	Op				   *op = &self->op;
	const JoinHashSpec *spec = op->spec;
	RunStore		   *store = &self->right.store;
	const Vector	  **keys = arena_alloc(op_scratch(op), sizeof *keys * (size_t)spec->n_keys);
	uint32_t			n = (uint32_t)store->rows.n_rows;

	if (store->rows.n_rows >= JOIN_NO_ROW)
		return error_fatal(err, "A join cannot keep more than %u rows", JOIN_NO_ROW);
	need_columns(self);
	TRY(sort_build(self, err));
	TRY(find_runs(self, err));
	TRY(add_null_row(self, err));
	for (int k = 0; k < spec->n_keys - 1; k++)
		keys[k] = store->rows.columns[spec->n_right + k];
	TRY(join_table_build(&self->table, keys, spec->n_keys - 1, n, false, 1, op_services(op)->budget, err));
	/* Nothing will be sorted any more. */
	budget_release(op_services(op)->budget, store->sort_bytes);
	store->sort_bytes = 0;
	return OK;
}

static void
asof_drop(JoinAsofOp *self)
{
	join_table_free(&self->table);
	free(self->run_ends);
	self->run_ends = NULL;
	budget_release(op_services(&self->op)->budget, self->run_bytes);
	self->run_bytes = 0;
}

static Status
asof_build(JoinAsofOp *self, Error *err)
{
	RunStore *store = &self->right.store;
	uint64_t  n = store->rows.n_rows;

	self->is_built = true;
	self->op.state_rows = (int64_t)n;
	if (run_store_has_runs(store))
		self->is_merged = true;
	else if (asof_make(self, err) == FAILED) {
		if (op_services(&self->op)->spill == NULL || n == 0)
			return FAILED;
		asof_drop(self);
		/* Without the row of NULLs. */
		store->rows.n_rows = n;
		self->is_merged = true;
	}
	op_note_memory(&self->op, self->run_bytes);
	return self->is_merged ? run_store_write(store, err) : OK;
}

/* ---- probe ---- */

/* The row of the run first .. end-1, rising by value, that is nearest to row i of `values`; JOIN_NO_ROW: none is on that side. */
static uint32_t
nearest(const JoinAsofOp *self, uint32_t first, const Vector *values, int64_t i)
{
	const JoinAsofSpec *spec = self->op.spec;
	const RowStore	   *rows = &self->right.store.rows;
	const Vector	   *kept = rows->columns[rows->n_columns - 1];
	const SortColumn	order = {.column = kept};
	uint32_t			low = first, end = self->run_ends[first], high = end;
	bool				passes_equal = asof_passes_equal(spec->op);

	/* low: the first row above the value; with <= and > the first that is not below it. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int		 c = sort_compare_values(&order, kept, middle, values, i);

		if (c < 0 || (c == 0 && passes_equal))
			low = middle + 1;
		else
			high = middle;
	}
	if (spec->op == COMPARE_GE || spec->op == COMPARE_GT)
		return low > first ? low - 1 : JOIN_NO_ROW;
	return low < end ? low : JOIN_NO_ROW;
}

static Status
asof_probe(JoinAsofOp *self, const Batch *in, Error *err)
{
	Op				   *op = &self->op;
	const JoinHashSpec *spec = op->spec;
	Arena			   *arena = op_scratch(op);
	const Vector	  **keys = arena_alloc(arena, sizeof *keys * (size_t)(spec->n_keys + 1));
	uint32_t		   *found = arena_alloc(arena, sizeof *found * (size_t)(in->n_rows + 1));
	uint32_t		   *left = arena_alloc(arena, sizeof *left * (size_t)(in->n_rows + 1));
	int32_t				n = 0;
	Batch			   *out;

	for (int k = 0; k < spec->n_keys; k++)
		TRY(program_eval(self->left.programs[k], op_services(op)->eval, in, &keys[k], err));
	join_table_find(&self->table, keys, in->n_rows, found, arena);
	for (int32_t i = 0; i < in->n_rows; i++) {
		uint32_t row = found[i] != JOIN_NO_ROW && vector_is_valid(keys[spec->n_keys - 1], i) ? nearest(self, found[i], keys[spec->n_keys - 1], i)
																							 : JOIN_NO_ROW;

		if ((row == JOIN_NO_ROW && spec->kind == JOIN_INNER) || row_kind_is_null(batch_row_kind(in, i)))
			continue;
		found[n] = row == JOIN_NO_ROW ? self->null_row : row;
		left[n++] = (uint32_t)i;
	}
	if (n == 0)
		return OK;
	in = batch_select(arena, in, left, n);
	out = batch_new(arena, spec->n_left + spec->n_right, n);
	for (int c = 0; c < spec->n_left; c++)
		out->columns[c] = in->columns[c];
	row_store_select(&self->right.store.rows, arena, found, n, 0, spec->n_right, out->columns + spec->n_left);
	out->event_time = in->event_time;
	return op_emit(op, out, err);
}

static Status
asof_push(Op *op, int port, const Batch *in, Error *err)
{
	JoinAsofOp *self = op_cast(JoinAsofOp, op, &op_join_asof);

	if (port == 1)
		return asof_push_build(self, in, err);
	if (!self->is_built)
		return error_bug(err, "an ASOF join got left rows before its right side had ended");
	return self->is_merged ? asof_merge_keep(self, in, err) : asof_probe(self, in, err);
}

static Status
asof_finish(Op *op, int port, Error *err)
{
	JoinAsofOp *self = op_cast(JoinAsofOp, op, &op_join_asof);

	if (port == 1)
		return asof_build(self, err);
	if (self->is_merged)
		TRY(asof_merge_finish(self, err));
	TRY(op_advance_outputs(op, INT64_MAX, err));
	return op_finish_outputs(op, err);
}

/* Time ends for the outputs when all rows have been joined. */
static Status
asof_advance(Op *op, int port, Time time, Error *err)
{
	(void)op, (void)port, (void)time, (void)err;
	return OK;
}

static void
asof_close(Op *op)
{
	JoinAsofOp *self = op_cast(JoinAsofOp, op, &op_join_asof);

	asof_drop(self);
	run_store_free(&self->left.store);
	run_store_free(&self->right.store);
}

static void
asof_explain(const void *spec, Explain *out)
{
	static const char *const ops[] = {[COMPARE_GE] = ">=", [COMPARE_GT] = ">", [COMPARE_LE] = "<=", [COMPARE_LT] = "<"};
	const JoinAsofSpec		*s = spec;

	explain_text(out, "kind", join_kind_name(s->join.kind));
	explain_exprs(out, "left", (Expr *const *)s->join.left_keys, s->join.n_keys);
	explain_exprs(out, "right", (Expr *const *)s->join.right_keys, s->join.n_keys);
	explain_text(out, "the last", ops[s->op]);
}

const OpType op_join_asof = {
	.name = "AsofJoin",
	.size = sizeof(JoinAsofOp),
	.ports = 2,
	.open = asof_open,
	.push = asof_push,
	.advance = asof_advance,
	.finish = asof_finish,
	.close = asof_close,
	.explain = asof_explain,
};
