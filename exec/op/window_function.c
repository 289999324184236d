/*
 * OVER.  Rows are kept as columns, with computed keys and arguments behind them, and sorted by partition and order when
 * the input has ended.  The functions are computed over the sorted rows a batch at a time (window_compute.c).
 *
 * Rows that are more than the memory budget holds go to temporary files: by the hash of PARTITION BY, to be dealt with one part after the other;
 * and where there is no PARTITION BY, or a part has few partitions that are large, in sorted runs, which are merged to one file of sorted rows,
 * of which a few blocks are in memory at a time (window_rows.h).
 * Where only the first rows of each partition are wanted (n_first), others are left out as they come.
 */
#include <stdlib.h>

#include "exec/op/window_impl.h"

enum {
	SORT_BYTES = 36,		/* a row's number and the sort's words */
	BITS_BYTES = 2,			/* which rows begin partitions and groups */
	TOP_SLACK = 1 << 16,	/* rows that are kept in vain before they are looked through */
};

/* ---- open ---- */

Status
window_column_of(WindowOp *self, const Expr *expr, int *out, Error *err)
{
	if (expr->kind == EXPR_COLUMN) {
		*out = expr->index;
		return OK;
	}
	*out = ~self->n_programs;
	return program_compile(&self->op.arena, expr, &self->programs[self->n_programs++], err);
}

/* What a row costs besides itself when its turn has come: numbers, the sort's words, arguments by position. */
static int64_t
bytes_a_row(const WindowOp *self)
{
	const WindowFunctionSpec *spec = self->op.spec;
	int64_t					  bytes = SORT_BYTES + BITS_BYTES + 16;

	for (int i = 0; i < spec->n_items; i++)
		bytes += 16 * (1 + self->items[i].n_columns);
	return bytes;
}

static Status
window_open(Op *op, Error *err)
{
	WindowOp				 *self = op_cast(WindowOp, op, &op_window_function);
	const WindowFunctionSpec *spec = op->spec;
	int						  n = spec->n_partition + spec->n_order;

	self->n_columns = -1;
	self->keys = arena_array(&op->arena, int, n + 1);
	self->key_columns = arena_array(&op->arena, int, n + 1);
	self->order = arena_array(&op->arena, SortColumn, n + 1);
	run_store_init(&self->rows, op, "OVER", self->order, self->key_columns, n);
	self->items = arena_array(&op->arena, OverItem, spec->n_items + 1);
	self->states = arena_array(&op->arena, char *, BATCH_ROWS);
	self->groups = arena_array(&op->arena, WindowGroup, BATCH_ROWS);
	self->group_ids = arena_array(&op->arena, uint32_t, BATCH_ROWS);
	for (int i = 0; i < spec->n_items; i++)
		n += spec->items[i].n_args + spec->items[i].aggregate.n_args + spec->items[i].aggregate.n_order_by + 1;
	self->programs = arena_array(&op->arena, Program *, n + 1);
	for (int k = 0; k < spec->n_partition; k++)
		TRY(window_column_of(self, spec->partition[k], &self->keys[k], err));
	for (int k = 0; k < spec->n_order; k++) {
		SortColumn *c = &self->order[spec->n_partition + k];

		c->descending = spec->order[k].descending;
		c->nulls_first = spec->order[k].nulls_first;
		TRY(window_column_of(self, spec->order[k].expr, &self->keys[spec->n_partition + k], err));
	}
	for (int i = 0; i < spec->n_items; i++)
		TRY(window_item_open(self, &self->items[i], &spec->items[i], err));
	self->part_columns = arena_array(&op->arena, int, spec->n_partition + 1);
	row_partitions_init(&self->parts, op, 0, self->part_columns, spec->n_partition, bytes_a_row(self));
	top_groups_init(&self->top, op, spec->n_first, spec->partition, spec->n_partition);
	return OK;
}

/* ---- input ---- */

static void
window_layout(WindowOp *self, int n_columns)
{
	const WindowFunctionSpec *spec = self->op.spec;

	self->n_columns = n_columns;
	for (int k = 0; k < spec->n_partition + spec->n_order; k++)
		self->key_columns[k] = window_stored_column(self, self->keys[k]);
	for (int k = 0; k < spec->n_partition; k++)
		self->part_columns[k] = self->key_columns[k];
}

static bool
can_spill(const WindowOp *self)
{
	return op_services(&self->op)->spill != NULL;
}

/* Whether rows beyond the budget are parted, not sorted. */
static bool
goes_by_parts(const WindowOp *self)
{
	return can_spill(self) && ((const WindowFunctionSpec *)self->op.spec)->n_partition > 0;
}

/* Forgets all rows but the first of each partition, when there are many. */
static Status
prune(WindowOp *self, Error *err)
{
	const WindowFunctionSpec *spec = self->op.spec;
	int64_t					  n = (int64_t)self->rows.rows.n_rows, kept = 0, in_partition = 0;
	uint32_t				 *numbers, last = 0;
	Status					  status;

	/* a copy of what stays is made */
	if (n < 2 * self->n_top + TOP_SLACK || (can_spill(self) && self->rows.rows.reserved_bytes > spill_share(op_services(&self->op)->spill) / 2))
		return OK;
	numbers = run_store_numbers(&self->rows);
	for (int64_t i = 0; i < n; i++) {
		if (i == 0 || sort_compare_rows(self->order, spec->n_partition, last, numbers[i]) != 0)
			in_partition = 0;
		last = numbers[i];
		if (in_partition++ < spec->n_first)
			numbers[kept++] = last;
	}
	status = row_store_keep(&self->rows.rows, numbers, kept, err);
	free(numbers);
	self->n_top = kept;
	return status;
}

static Status
keep(WindowOp *self, const Vector *const *columns, int n_columns, int32_t n, Error *err)
{
	const WindowFunctionSpec *spec = self->op.spec;
	Arena					 *arena = op_scratch(&self->op);
	uint32_t				 *index = NULL;

	if (spec->n_first > 0) {
		const Vector **partition = arena_alloc(arena, sizeof *partition * (size_t)(spec->n_partition + 1));
		const Vector  *first = spec->n_order > 0 ? columns[self->key_columns[spec->n_partition]] : NULL;

		for (int k = 0; k < spec->n_partition; k++)
			partition[k] = columns[self->part_columns[k]];
		index = arena_alloc(arena, sizeof *index * (size_t)(n + 1));
		n = top_groups_select(&self->top, partition, &self->order[spec->n_partition], first, n, index, arena);
	}
	if (goes_by_parts(self))
		TRY(row_partitions_append(&self->parts, &self->rows.rows, columns, n_columns, index, n, err));
	else
		TRY(run_store_append(&self->rows, columns, n_columns, index, n, err));
	return spec->n_first > 0 ? prune(self, err) : OK;
}

static Status
window_push(Op *op, int port, const Batch *in, Error *err)
{
	WindowOp	  *self = op_cast(WindowOp, op, &op_window_function);
	Arena		  *arena = op_scratch(op);
	int			   n_columns = in->n_columns + self->n_programs;
	const Vector **columns = arena_alloc(arena, sizeof *columns * (size_t)(n_columns + 1));
	uint32_t	  *rows = arena_alloc(arena, sizeof *rows * (size_t)(in->n_rows + 1));
	int32_t		   n = 0;

	(void)port;
	for (int32_t i = 0; i < in->n_rows; i++)
		if (!row_kind_is_null(batch_row_kind(in, i)))
			rows[n++] = (uint32_t)i;
	if (n < in->n_rows)
		in = batch_select(arena, in, rows, n);
	if (n == 0)
		return OK;
	window_layout(self, in->n_columns);
	for (int c = 0; c < in->n_columns; c++)
		columns[c] = in->columns[c];
	for (int p = 0; p < self->n_programs; p++)
		TRY(program_eval(self->programs[p], op_services(op)->eval, in, &columns[in->n_columns + p], err));
	/* A plan may ask for rows without columns: COUNT(*) OVER () of nothing else. */
	if (n_columns == 0)
		columns[n_columns++] = vector_null(arena, type_boolean, n);
	TRY(keep(self, columns, n_columns, n, err));
	op->state_rows += n;
	return OK;
}

static Status
window_merge(Op *op, Op *other, Error *err)
{
	WindowOp *self = op_cast(WindowOp, op, &op_window_function);
	WindowOp *from = op_cast(WindowOp, other, &op_window_function);

	if (from->n_columns >= 0)
		window_layout(self, from->n_columns);
	op->state_rows += other->state_rows;
	if (goes_by_parts(self))
		return row_partitions_merge(&self->parts, &self->rows.rows, &from->parts, &from->rows.rows, err);
	return run_store_take(&self->rows, &from->rows, err);
}

/* ---- rows in memory ---- */

static void
sort_column(WindowOp *self, const Vector **columns, int column, const uint32_t *numbers)
{
	if (columns[column] == NULL)
		columns[column] = vector_gather(&self->columns, self->rows.rows.columns[column], numbers, (int32_t)self->rows.rows.n_rows, true);
}

/* The columns that functions look at, in the order of the rows. */
static const Vector **
sort_columns(WindowOp *self, const uint32_t *numbers)
{
	const WindowFunctionSpec *spec = self->op.spec;
	const Vector			**columns = arena_array(&self->columns, const Vector *, self->rows.rows.n_columns + 1);

	for (int i = 0; i < spec->n_items; i++) {
		const OverItem *item = &self->items[i];

		for (int c = 0; c < item->n_columns; c++)
			sort_column(self, columns, window_stored_column(self, item->columns[c]), numbers);
		if (item->aggregate.spec != NULL && item->aggregate.spec->filter != NULL)
			sort_column(self, columns, window_stored_column(self, item->filter), numbers);
	}
	if (spec->n_order > 0)
		sort_column(self, columns, self->key_columns[spec->n_partition], numbers);
	return columns;
}

/* ---- rows out ---- */

/* A batch of the rows at a position: their columns are put in `out` by the caller. */
static Status
compute_batch(WindowOp *self, int64_t from, int32_t n, Batch **out, Error *err)
{
	const WindowFunctionSpec *spec = self->op.spec;

	arena_reset(&self->results);
	*out = batch_new(&self->results, self->n_columns + spec->n_items, n);
	for (int i = 0; i < spec->n_items; i++)
		self->items[i].results = vector_new(&self->results, spec->items[i].type, n);
	op_progress(&self->op, "computing windows", self->n_finished + from, self->op.state_rows);
	TRY(window_compute(self, from, n, err));
	for (int i = 0; i < spec->n_items; i++)
		(*out)->columns[self->n_columns + i] = self->items[i].results;
	return OK;
}

static Status
emit_memory(WindowOp *self, const uint32_t *numbers, Error *err)
{
	int64_t n = self->sorted.n_rows;
	Status	status = OK;

	for (int64_t at = 0; at < n && status == OK; at += BATCH_ROWS) {
		int32_t size = (int32_t)(n - at < BATCH_ROWS ? n - at : BATCH_ROWS);
		Batch  *out;

		TRY(compute_batch(self, at, size, &out, err));
		row_store_select(&self->rows.rows, &self->results, numbers + at, size, 0, self->n_columns, out->columns);
		status = op_emit_loop(&self->op, out, err);
	}
	return status;
}

/* All of the rows that are in memory; forgets them. */
static Status
finish_memory(WindowOp *self, Error *err)
{
	const WindowFunctionSpec *spec = self->op.spec;
	MemoryBudget			 *budget = op_services(&self->op)->budget;
	int64_t					  n = (int64_t)self->rows.rows.n_rows, bytes = n * BITS_BYTES;
	int64_t					  reserved = 0;
	uint32_t				 *numbers;
	uint8_t					 *bits;
	Status					  status = OK;

	if (n == 0)
		return OK;
	TRY(run_store_reserve(&self->rows, err));
	op_progress(&self->op, "sorting", 0, 0);
	numbers = run_store_numbers(&self->rows);
	bits = xmalloc(2 * (size_t)n);
	window_rows_init(&self->sorted, &self->op, n, sort_columns(self, numbers), bits);
	bytes += (int64_t)self->columns.size_bytes;
	TRY_OUT(budget_reserve(budget, bytes, "OVER", err));
	reserved = bytes;
	op_note_memory(&self->op, self->rows.rows.reserved_bytes + self->rows.sort_bytes + bytes);
	window_rows_mark(&self->sorted, self->order, spec->n_partition, spec->n_order, numbers);
	window_compute_begin(self);
	status = emit_memory(self, numbers, err);
out:
	free(numbers);
	free(bits);
	self->sorted = (WindowRows){0};
	self->n_finished += n;
	arena_free(&self->columns);
	run_store_free(&self->rows);
	budget_release(budget, reserved);
	return status;
}

/* ---- rows in sorted runs ---- */

static Status
add_sorted(void *context, const Vector *const *columns, int32_t n, Error *err)
{
	WindowOp *self = context;

	TRY(window_check_interrupted(self, err));
	return window_rows_add(&self->sorted, columns, n, err);
}

static Status
emit_sorted(WindowOp *self, Error *err)
{
	Status status = OK;

	for (int64_t at = 0; at < self->sorted.n_rows && status == OK;) {
		const WindowBlock *block;
		Batch			  *out;
		int32_t			   n;

		TRY(window_rows_hold(&self->sorted, at, &block, err));
		n = (int32_t)(block->end - at < BATCH_ROWS ? block->end - at : BATCH_ROWS);
		TRY(compute_batch(self, at, n, &out, err));
		for (int c = 0; c < self->n_columns; c++)
			out->columns[c] = vector_slice(&self->results, block->columns[c], (int32_t)(at - block->start), n);
		status = op_emit_loop(&self->op, out, err);
		at += n;
	}
	return status;
}

/* Columns whose values are counted block by block: arguments of functions that leave out NULLs. */
static int
counted_columns(const WindowOp *self, int *out)
{
	const WindowFunctionSpec *spec = self->op.spec;
	int						  n = 0;

	for (int i = 0; i < spec->n_items; i++)
		if (spec->items[i].ignore_nulls && self->items[i].n_columns > 0)
			out[n++] = window_stored_column(self, self->items[i].columns[0]);
	return n;
}

/* All rows of a store, by way of a file of them in order; forgets them. */
static Status
finish_sorted(WindowOp *self, RunStore *rows, Error *err)
{
	const WindowFunctionSpec *spec = self->op.spec;
	int						 *counted = arena_array(&self->columns, int, spec->n_items + 1);
	WindowRowsSpec			  file = {self->order, self->key_columns, spec->n_partition, spec->n_order, counted_columns(self, counted), counted};
	Status					  status = OK;

	TRY(run_store_write(rows, err));
	TRY_OUT(window_rows_open(&self->sorted, &self->op, rows->runs.types, rows->runs.n_columns, &file, err));
	TRY_OUT(run_store_merge(rows, add_sorted, self, err));
	run_store_free(rows);
	window_compute_begin(self);
	status = emit_sorted(self, err);
out:
	self->n_finished += self->sorted.n_rows;
	window_rows_free(&self->sorted);
	arena_free(&self->columns);
	return status;
}

/* ---- end ---- */

/* Whether there is room for what the rows in memory need besides. */
static bool
has_room(const WindowOp *self)
{
	MemoryBudget *budget = op_services(&self->op)->budget;
	int64_t		  bytes = (int64_t)self->rows.rows.n_rows * self->parts.bytes_a_row - self->rows.sort_bytes;
	Error		  ignored;

	if (budget_reserve(budget, bytes, "OVER", &ignored) != OK)
		return false;
	budget_release(budget, bytes);
	return true;
}

static Status
append_block(void *context, const Vector *const *columns, int32_t n, Error *err)
{
	WindowOp *self = context;

	return run_store_append(&self->rows, columns, self->parts.n_columns, NULL, n, err);
}

/* The rows of a part, in memory if they find room there. */
static Status
finish_part(WindowOp *self, const RowPartitions *parts, int p, Error *err)
{
	TRY(row_partitions_read(parts, p, append_block, self, err));
	return run_store_has_runs(&self->rows) || !has_room(self) ? finish_sorted(self, &self->rows, err) : finish_memory(self, err);
}

static Status
finish_parts(WindowOp *self, const RowPartitions *parts, Error *err)
{
	Status status = OK;

	for (int p = 0; p < N_ROW_PARTITIONS && status == OK; p++) {
		RowPartitions smaller;

		if (!row_partitions_is_large(parts, p) || row_partitions_is_most(parts, p)) {
			status = finish_part(self, parts, p, err);
			continue;
		}
		row_partitions_init(&smaller, parts->op, parts->level + 1, parts->key_columns, parts->n_keys, parts->bytes_a_row);
		status = row_partitions_split(parts, p, &smaller, err);
		if (status == OK)
			status = finish_parts(self, &smaller, err);
		row_partitions_free(&smaller);
	}
	return status;
}

static Status
finish_rows(WindowOp *self, Error *err)
{
	Status status;

	if (run_store_has_runs(&self->rows) || (can_spill(self) && !goes_by_parts(self) && !has_room(self)))
		return finish_sorted(self, &self->rows, err);
	if (!row_partitions_are_used(&self->parts) && (!can_spill(self) || has_room(self)))
		return finish_memory(self, err);
	TRY(row_partitions_write(&self->parts, &self->rows.rows, err));
	status = finish_parts(self, &self->parts, err);
	row_partitions_free(&self->parts);
	return status;
}

static Status
window_finish(Op *op, int port, Error *err)
{
	WindowOp *self = op_cast(WindowOp, op, &op_window_function);

	(void)port;
	top_groups_free(&self->top);
	if (finish_rows(self, err) == FAILED)
		return FAILED;
	TRY(op_advance_outputs(op, INT64_MAX, err));
	return op_finish_outputs(op, err);
}

/* Time ends for the outputs behind the rows. */
static Status
window_advance(Op *op, int port, Time time, Error *err)
{
	(void)op, (void)port, (void)time, (void)err;
	return OK;
}

static void
window_close(Op *op)
{
	WindowOp				 *self = op_cast(WindowOp, op, &op_window_function);
	const WindowFunctionSpec *spec = op->spec;

	for (int i = 0; self->items != NULL && i < spec->n_items; i++)
		window_item_close(&self->items[i]);
	window_rows_free(&self->sorted);
	run_store_free(&self->rows);
	row_partitions_free(&self->parts);
	top_groups_free(&self->top);
	arena_free(&self->columns);
	arena_free(&self->results);
	arena_free(&self->work);
	budget_release(op_services(op)->budget, self->reserved_bytes);
}

static void
window_explain(const void *spec, Explain *out)
{
	const WindowFunctionSpec *s = spec;
	StrBuf					  text = {0};

	if (s->n_partition > 0)
		explain_exprs(out, "partition by", (Expr *const *)s->partition, s->n_partition);
	for (int k = 0; k < s->n_order; k++) {
		if (k > 0)
			strbuf_add_text(&text, ", ");
		expr_print(s->order[k].expr, &text);
		strbuf_add_text(&text, s->order[k].descending ? " DESC" : "");
	}
	if (s->n_order > 0)
		explain_text(out, "order by", strbuf_text(&text));
	strbuf_free(&text);
	explain_int(out, "functions", s->n_items);
	if (s->n_first > 0)
		explain_int(out, "first rows", s->n_first);
}

const OpType op_window_function = {
	.name = "WindowFunction",
	.size = sizeof(WindowOp),
	.ports = 1,
	.open = window_open,
	.push = window_push,
	.advance = window_advance,
	.finish = window_finish,
	.close = window_close,
	.merge = window_merge,
	.explain = window_explain,
};
