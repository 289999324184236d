/*
 * The bounded ASOF join.
 *
 * Right rows are kept as columns with their keys behind them.  At the end of the right side they are sorted by keys, the compared one last,
 * so that the rows of equal keys are a run; a hash table finds the first row of a run, and a binary search within the run the row
 * that is nearest.  Left rows are joined as they come: the result is dictionaries over both sides.  Both sides are read by one thread.
 */
#include "exec/op/join_asof.h"

#include <stdlib.h>

#include "exec/op/join_table.h"
#include "exec/op/row_store.h"
#include "exec/op/sort_rows.h"

typedef struct JoinAsofOp {
	Op			op;
	Program	  **left_keys;
	Program	  **right_keys;
	RowStore	rows;			/* right columns, then keys; sorted once it is built */
	JoinTable	table;			/* of all keys but the last; rows are those of the store */
	uint32_t   *run_ends;		/* by row, where a run of equal keys begins: behind its last row */
	int64_t		run_bytes;
	uint32_t	null_row;
	bool		is_built;
} JoinAsofOp;

static Status
asof_open(Op *op, Error *err)
{
	JoinAsofOp		   *self = op_cast(JoinAsofOp, op, &op_join_asof);
	const JoinHashSpec *spec = op->spec;
	const Type		  **types = arena_array(&op->arena, const Type *, spec->n_right + spec->n_keys + 1);

	row_store_init(&self->rows, op_services(op)->budget, "an ASOF join");
	self->left_keys = arena_array(&op->arena, Program *, spec->n_keys + 1);
	self->right_keys = arena_array(&op->arena, Program *, spec->n_keys + 1);
	for (int c = 0; c < spec->n_right; c++)
		types[c] = spec->right_types[c];
	for (int k = 0; k < spec->n_keys; k++) {
		TRY(program_compile(&op->arena, spec->left_keys[k], &self->left_keys[k], err));
		TRY(program_compile(&op->arena, spec->right_keys[k], &self->right_keys[k], err));
		types[spec->n_right + k] = spec->right_keys[k]->type;
	}
	row_store_set_types(&self->rows, types, spec->n_right + spec->n_keys);
	return OK;
}

/* ---- build ---- */

/* The rows that can be joined: those that are rows, with a value to compare. */
static int32_t
joinable(const Batch *in, const Vector *compared, uint32_t *rows)
{
	int32_t n = 0;

	for (int32_t i = 0; i < in->n_rows; i++)
		if (!row_kind_is_null(batch_row_kind(in, i)) && vector_is_valid(compared, i))
			rows[n++] = (uint32_t)i;
	return n;
}

static Status
asof_push_build(JoinAsofOp *self, const Batch *in, Error *err)
{
	Op				   *op = &self->op;
	const JoinHashSpec *spec = op->spec;
	Arena			   *arena = op_scratch(op);
	const Vector	  **columns = arena_alloc(arena, sizeof *columns * (size_t)(spec->n_right + spec->n_keys + 1));
	uint32_t		   *rows = arena_alloc(arena, sizeof *rows * (size_t)(in->n_rows + 1));
	int					n = spec->n_right + spec->n_keys;

	if (spec->n_right > 0)
		memcpy(columns, in->columns, sizeof *columns * (size_t)spec->n_right);
	for (int k = 0; k < spec->n_keys; k++)
		TRY(program_eval(self->right_keys[k], op_services(op)->eval, in, &columns[spec->n_right + k], err));
	return row_store_append(&self->rows, columns, n, rows, joinable(in, columns[n - 1], rows), err);
}

static Status
sort_build(JoinAsofOp *self, Error *err)
{
	const JoinHashSpec *spec = self->op.spec;
	MemoryBudget	   *budget = op_services(&self->op)->budget;
	SortColumn		   *order = arena_calloc(op_scratch(&self->op), sizeof *order * (size_t)(spec->n_keys + 1));
	int64_t				n = (int64_t)self->rows.n_rows, bytes = n * (int64_t)(sizeof(uint32_t) + sizeof(uint64_t));
	uint32_t		   *numbers;
	Status				status;

	TRY(budget_reserve(budget, bytes, "an ASOF join", err));
	numbers = xmalloc(sizeof *numbers * (size_t)(n + 1));
	for (int64_t i = 0; i < n; i++)
		numbers[i] = (uint32_t)i;
	for (int k = 0; k < spec->n_keys; k++)
		order[k].column = self->rows.columns[spec->n_right + k];
	sort_rows(order, spec->n_keys, numbers, n);
	status = row_store_keep(&self->rows, numbers, n, err);
	free(numbers);
	budget_release(budget, bytes);
	return status;
}

/* Where runs of equal keys end, from the last row to the first. */
static Status
find_runs(JoinAsofOp *self, Error *err)
{
	const JoinHashSpec *spec = self->op.spec;
	SortColumn		   *order = arena_calloc(op_scratch(&self->op), sizeof *order * (size_t)(spec->n_keys + 1));
	uint32_t			n = (uint32_t)self->rows.n_rows;

	self->run_bytes = (int64_t)n * (int64_t)sizeof *self->run_ends;
	TRY(budget_reserve(op_services(&self->op)->budget, self->run_bytes, "an ASOF join", err));
	self->run_ends = xmalloc(sizeof *self->run_ends * ((size_t)n + 1));
	for (int k = 0; k < spec->n_keys; k++)
		order[k].column = self->rows.columns[spec->n_right + k];
	for (uint32_t i = n; i-- > 0;)
		self->run_ends[i] = i + 1 == n || sort_compare_rows(order, spec->n_keys - 1, i, i + 1) != 0 ? i + 1 : self->run_ends[i + 1];
	return OK;
}

static Status
asof_build(JoinAsofOp *self, Error *err)
{
	Op				   *op = &self->op;
	const JoinHashSpec *spec = op->spec;
	Arena			   *arena = op_scratch(op);
	const Vector	  **columns = arena_alloc(arena, sizeof *columns * (size_t)(self->rows.n_columns + 1));
	uint32_t			n = (uint32_t)self->rows.n_rows;

	if (self->rows.n_rows >= JOIN_NO_ROW)
		return error_fatal(err, "A join cannot keep more than %u rows", JOIN_NO_ROW);
	TRY(sort_build(self, err));
	TRY(find_runs(self, err));
	for (int c = 0; c < self->rows.n_columns; c++)
		columns[c] = vector_null(arena, self->rows.columns[c]->type, 1);
	TRY(row_store_append(&self->rows, columns, self->rows.n_columns, NULL, 1, err));
	self->null_row = n;
	for (int k = 0; k < spec->n_keys - 1; k++)
		columns[k] = self->rows.columns[spec->n_right + k];
	TRY(join_table_build(&self->table, columns, spec->n_keys - 1, n, false, 1, op_services(op)->budget, err));
	op->state_rows = n;
	op_note_memory(op, self->run_bytes);
	self->is_built = true;
	return OK;
}

/* ---- probe ---- */

/* The row of the run first .. end-1, rising by value, that is nearest to row i of `values`; JOIN_NO_ROW: none is on that side. */
static uint32_t
nearest(const JoinAsofOp *self, uint32_t first, const Vector *values, int64_t i)
{
	const JoinAsofSpec *spec = self->op.spec;
	const Vector	   *kept = self->rows.columns[self->rows.n_columns - 1];
	const SortColumn	order = {.column = kept};
	uint32_t			low = first, end = self->run_ends[first], high = end;
	bool				passes_equal = spec->op == COMPARE_GE || spec->op == COMPARE_LT;

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
		TRY(program_eval(self->left_keys[k], op_services(op)->eval, in, &keys[k], err));
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
	row_store_select(&self->rows, arena, found, n, 0, spec->n_right, out->columns + spec->n_left);
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
	return asof_probe(self, in, err);
}

static Status
asof_finish(Op *op, int port, Error *err)
{
	if (port == 1)
		return asof_build(op_cast(JoinAsofOp, op, &op_join_asof), err);
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

	join_table_free(&self->table);
	row_store_free(&self->rows);
	free(self->run_ends);
	budget_release(op_services(op)->budget, self->run_bytes);
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
