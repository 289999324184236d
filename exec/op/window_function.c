/*
 * OVER.  Rows are kept as columns, with computed keys and arguments behind them, and sorted by partition and order when
 * the input has ended.  Arguments are then gathered in that order, so that a frame is a slice.  Each item is computed
 * for all rows of a partition; its results are a column by position.
 *
 * An aggregate whose frame only grows takes each row once.  Where the frame's start moves, COUNT, SUM and AVG of exact
 * numbers take rows back; others are computed anew for each frame.
 *
 * Rows that are more than the memory budget holds go to temporary files by the hash of PARTITION BY, and are dealt with one part after the other.
 * Where only the first rows of each partition are wanted (n_first), others are left out as they come.
 */
#include "exec/op/window_function.h"

#include <stdlib.h>

#include "exec/op/aggregate_impl.h"
#include "exec/op/row_partitions.h"
#include "exec/op/row_store.h"
#include "exec/op/sort_rows.h"
#include "exec/op/top_groups.h"
#include "exec/op/window_frame.h"

enum { ROW_BYTES = 36 + 16 };			/* a row's number, the sort's words, peers */
enum { TOP_SLACK = 1 << 16 };			/* rows that are kept in vain before they are looked through */
enum { DISTINCT_MAX = 1 << 12 };		/* tuples of frames gone by that may stay */

typedef struct OverItem {
	const WindowFunctionItem *spec;
	WindowFrame				  frame;
	int						  n_columns;
	int						 *columns;		/* of the store: arguments; for aggregates what item_eval gives */
	int						  filter;		/* column of the FILTER condition; -1: none */
	const Vector			**sorted;		/* columns by position */
	const Vector			 *sorted_filter;
	Vector					 *results;		/* by position */
	Item					  aggregate;
	char					 *state;
	uint32_t				  group_id;		/* for DISTINCT: another one for each frame computed anew */
	bool					  can_retract;
} OverItem;

typedef struct WindowOp {
	Op			op;
	int			n_columns;		/* of the input; -1: no rows yet */
	int			n_stored;
	RowStore	rows;
	RowPartitions parts;		/* of them, when they are too many */
	int		   *part_columns;	/* of PARTITION BY */
	TopGroups	top;
	int64_t		n_top;			/* rows that were left when the first ones were looked for last */
	int			n_programs;		/* computed columns, behind the input's */
	Program	  **programs;
	int		   *keys;			/* columns: partition, then order */
	SortColumn *order;
	OverItem   *items;
	const Vector *range_values;	/* the first ORDER BY value by position */
	int64_t		used_bytes;
	int64_t		reserved_bytes;
	Arena		results;
	Arena		work;
	char	  **states;			/* BATCH_ROWS times the current state */
	uint32_t   *group_ids;
} WindowOp;

/* ---- open ---- */

/* The stored column of an expression: >= 0 an input column, else ~place among the computed ones. */
static Status
column_of(WindowOp *self, const Expr *expr, int *out, Error *err)
{
	if (expr->kind == EXPR_COLUMN) {
		*out = expr->index;
		return OK;
	}
	*out = ~self->n_programs;
	return program_compile(&self->op.arena, expr, &self->programs[self->n_programs++], err);
}

static bool
sums_exactly(const AggregateItem *spec)
{
	const char *name = spec->function->name;

	if (spec->function->retract == NULL || spec->distinct || spec->n_order_by > 0)
		return false;
	if (strcmp(name, "COUNT") == 0)
		return true;
	return (strcmp(name, "SUM") == 0 || strcmp(name, "AVG") == 0) && spec->args[0]->type->kind != TYPE_DOUBLE;
}

static Status
item_open_over(WindowOp *self, OverItem *item, const WindowFunctionItem *spec, Error *err)
{
	const WindowFunctionSpec *window = self->op.spec;
	Op						 *op = &self->op;

	item->spec = spec;
	item->filter = -1;
	TRY(window_frame_open(&item->frame, &op->arena, spec, window->n_order > 0 ? &window->order[0] : NULL,
						  op_services(op)->env, err));
	if (spec->kind != WINDOW_FUNCTION_AGGREGATE) {
		item->n_columns = spec->n_args;
		item->columns = arena_array(&op->arena, int, spec->n_args + 1);
		for (int a = 0; a < spec->n_args; a++)
			TRY(column_of(self, spec->args[a], &item->columns[a], err));
		return OK;
	}
	TRY(item_open(op, &item->aggregate, &spec->aggregate, false, &self->used_bytes, err));
	item->state = arena_calloc(&op->arena, item->aggregate.state_size + 16);
	item->can_retract = sums_exactly(&spec->aggregate);
	item->n_columns = item_n_columns(&item->aggregate);
	item->columns = arena_array(&op->arena, int, item->n_columns + 1);
	for (int a = 0; a < item->n_columns; a++) {
		int n_args = spec->aggregate.n_args;

		TRY(column_of(self, a < n_args ? spec->aggregate.args[a] : spec->aggregate.order_by[a - n_args], &item->columns[a], err));
	}
	if (spec->aggregate.filter != NULL) {
		item->filter = ~self->n_programs;
		TRY(program_compile(&op->arena, spec->aggregate.filter, &self->programs[self->n_programs++], err));
	}
	return OK;
}

/* What a row costs besides itself when its turn has come: numbers, the sort's words, peers, arguments and results by position. */
static int64_t
bytes_a_row(const WindowOp *self)
{
	const WindowFunctionSpec *spec = self->op.spec;
	int64_t					  bytes = ROW_BYTES + 16;

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

	row_store_init(&self->rows, op_services(op)->budget, "OVER");
	self->n_columns = -1;
	self->keys = arena_array(&op->arena, int, n + 1);
	self->order = arena_array(&op->arena, SortColumn, n + 1);
	self->items = arena_array(&op->arena, OverItem, spec->n_items + 1);
	self->states = arena_array(&op->arena, char *, BATCH_ROWS);
	self->group_ids = arena_array(&op->arena, uint32_t, BATCH_ROWS);
	for (int i = 0; i < spec->n_items; i++)
		n += spec->items[i].n_args + spec->items[i].aggregate.n_args + spec->items[i].aggregate.n_order_by + 1;
	self->programs = arena_array(&op->arena, Program *, n + 1);
	for (int k = 0; k < spec->n_partition; k++)
		TRY(column_of(self, spec->partition[k], &self->keys[k], err));
	for (int k = 0; k < spec->n_order; k++) {
		SortColumn *c = &self->order[spec->n_partition + k];

		c->descending = spec->order[k].descending;
		c->nulls_first = spec->order[k].nulls_first;
		TRY(column_of(self, spec->order[k].expr, &self->keys[spec->n_partition + k], err));
	}
	for (int i = 0; i < spec->n_items; i++)
		TRY(item_open_over(self, &self->items[i], &spec->items[i], err));
	self->part_columns = arena_array(&op->arena, int, spec->n_partition + 1);
	row_partitions_init(&self->parts, op, 0, self->part_columns, spec->n_partition, bytes_a_row(self));
	top_groups_init(&self->top, op, spec->n_first, spec->partition, spec->n_partition);
	return OK;
}

/* ---- input ---- */

static int
stored_column(const WindowOp *self, int column)
{
	return column >= 0 ? column : self->n_columns + ~column;
}

static void
window_layout(WindowOp *self, int n_columns)
{
	self->n_columns = n_columns;
	for (int k = 0; k < ((const WindowFunctionSpec *)self->op.spec)->n_partition; k++)
		self->part_columns[k] = stored_column(self, self->keys[k]);
}

static bool
can_spill(const WindowOp *self)
{
	return op_services(&self->op)->spill != NULL && ((const WindowFunctionSpec *)self->op.spec)->n_partition > 0;
}

/* The numbers of the rows, sorted by partition and order. */
static uint32_t *
sort_numbers(WindowOp *self)
{
	const WindowFunctionSpec *spec = self->op.spec;
	int64_t					  n = (int64_t)self->rows.n_rows;
	uint32_t				 *numbers = xmalloc(sizeof *numbers * (size_t)(n + 1));

	for (int64_t i = 0; i < n; i++)
		numbers[i] = (uint32_t)i;
	for (int k = 0; k < spec->n_partition + spec->n_order; k++)
		self->order[k].column = self->rows.columns[stored_column(self, self->keys[k])];
	sort_rows(self->order, spec->n_partition + spec->n_order, numbers, n);
	return numbers;
}

/* Forgets all rows but the first of each partition, when there are many. */
static Status
prune(WindowOp *self, Error *err)
{
	const WindowFunctionSpec *spec = self->op.spec;
	int64_t					  n = (int64_t)self->rows.n_rows, kept = 0, in_partition = 0;
	uint32_t				 *numbers, last = 0;
	Status					  status;

	/* a copy of what stays is made */
	if (n < 2 * self->n_top + TOP_SLACK || (can_spill(self) && self->rows.reserved_bytes > spill_share(op_services(&self->op)->spill) / 2))
		return OK;
	numbers = sort_numbers(self);
	for (int64_t i = 0; i < n; i++) {
		if (i == 0 || sort_compare_rows(self->order, spec->n_partition, last, numbers[i]) != 0)
			in_partition = 0;
		last = numbers[i];
		if (in_partition++ < spec->n_first)
			numbers[kept++] = last;
	}
	status = row_store_keep(&self->rows, numbers, kept, err);
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
		const Vector  *first = spec->n_order > 0 ? columns[stored_column(self, self->keys[spec->n_partition])] : NULL;

		for (int k = 0; k < spec->n_partition; k++)
			partition[k] = columns[self->part_columns[k]];
		index = arena_alloc(arena, sizeof *index * (size_t)(n + 1));
		n = top_groups_select(&self->top, partition, &self->order[spec->n_partition], first, n, index, arena);
	}
	if (can_spill(self))
		TRY(row_partitions_append(&self->parts, &self->rows, columns, n_columns, index, n, err));
	else
		TRY(row_store_append(&self->rows, columns, n_columns, index, n, err));
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
	op->state_rows = (int64_t)self->rows.n_rows;
	return OK;
}

static Status
window_merge(Op *op, Op *other, Error *err)
{
	WindowOp *self = op_cast(WindowOp, op, &op_window_function);
	WindowOp *from = op_cast(WindowOp, other, &op_window_function);

	if (from->n_columns >= 0)
		window_layout(self, from->n_columns);
	if (can_spill(self))
		return row_partitions_merge(&self->parts, &self->rows, &from->parts, &from->rows, err);
	return row_store_take(&self->rows, &from->rows, err);
}

/* ---- aggregates ---- */

/* Positions from .. from+n-1 of an item's columns. */
static void
input_slice(const OverItem *item, Arena *arena, int64_t from, int32_t n, ItemInput *out)
{
	out->columns = arena_alloc(arena, sizeof *out->columns * (size_t)(item->n_columns + 1));
	out->skip = NULL;
	for (int c = 0; c < item->n_columns; c++)
		out->columns[c] = vector_slice(arena, item->sorted[c], (int32_t)from, n);
	if (item->sorted_filter != NULL) {
		const Vector *f = item->sorted_filter;
		uint64_t	 *skip = arena_calloc(arena, sizeof *skip * (size_t)(bitmap_words(n) + 1));

		for (int32_t i = 0; i < n; i++)
			if (!vector_is_valid(f, from + i) || !((const uint8_t *)f->data)[from + i])
				bitmap_set(skip, i);
		out->skip = skip;
	}
}

static Status
aggregate_add(WindowOp *self, OverItem *item, int64_t from, int64_t to, Error *err)
{
	for (int64_t at = from; at < to;) {
		int32_t	  n = (int32_t)(to - at < BATCH_ROWS ? to - at : BATCH_ROWS);
		ItemInput in;

		arena_reset(&self->work);
		input_slice(item, &self->work, at, n, &in);
		for (int32_t i = 0; i < n; i++) {
			self->states[i] = item->state;
			self->group_ids[i] = item->group_id;
		}
		TRY(item_step(&item->aggregate, self->states, self->group_ids, &in, n, true, &self->work, NULL, err));
		at += n;
	}
	return OK;
}

static Status
aggregate_remove(WindowOp *self, OverItem *item, int64_t from, int64_t to, Error *err)
{
	for (int64_t at = from; at < to;) {
		int32_t	  n = (int32_t)(to - at < BATCH_ROWS ? to - at : BATCH_ROWS);
		ItemInput in;

		arena_reset(&self->work);
		input_slice(item, &self->work, at, n, &in);
		item->aggregate.call.arena = &self->work;
		for (int32_t i = 0; i < n; i++)
			TRY(item_retract(&item->aggregate, item->state, item->group_id, &in, i, &self->work, err));
		at += n;
	}
	return OK;
}

/* An empty state. */
static void
aggregate_restart(OverItem *item)
{
	Item *aggregate = &item->aggregate;

	item_destroy(aggregate, item->state);
	memset(item->state, 0, aggregate->state_size);
	item_init(aggregate, item->state);
	item->group_id++;
	if (aggregate->distinct != NULL && aggregate->distinct->n_groups > DISTINCT_MAX)
		group_table_clear(aggregate->distinct);
}

static Status
check_interrupted(WindowOp *self, Error *err)
{
	const OpServices *services = op_services(&self->op);

	if (services->interrupted != NULL && *services->interrupted)
		return error_set(err, ERROR_INTERRUPTED, "The query was cancelled");
	return OK;
}

static Status
compute_aggregate(WindowOp *self, OverItem *item, const WindowPartition *p, Error *err)
{
	int64_t first = p->start, last = p->start;		/* rows first .. last-1 are in the state */

	aggregate_restart(item);
	for (int64_t i = p->start; i < p->end; i++) {
		int64_t start, end;

		window_frame_at(&item->frame, p, self->range_values, i, &start, &end);
		if (end < start)
			end = start;
		if (i > p->start && start == first && end == last) {
			vector_copy_row(item->results, &self->results, i, item->results, i - 1);
			continue;
		}
		if ((i & 255) == 0)
			TRY(check_interrupted(self, err));
		if (start == first && end >= last) {
			TRY(aggregate_add(self, item, last, end, err));
		} else if (item->can_retract && start >= first && end >= last && start <= last) {
			TRY(aggregate_add(self, item, last, end, err));
			TRY(aggregate_remove(self, item, first, start, err));
		} else if (item->can_retract && start >= first && start <= last && end == last) {
			TRY(aggregate_remove(self, item, first, start, err));
		} else {
			aggregate_restart(item);
			TRY(aggregate_add(self, item, start, end, err));
		}
		first = start;
		last = end;
		arena_reset(&self->work);
		TRY(item_result(&item->aggregate, item->state, item->results, (int32_t)i, &self->results, err));
	}
	return OK;
}

/* A frame with rows left out is computed anew for each row. */
static Status
compute_aggregate_excluding(WindowOp *self, OverItem *item, const WindowPartition *p, Error *err)
{
	for (int64_t i = p->start; i < p->end; i++) {
		FrameSlice slices[FRAME_SLICES];
		int		   n = window_frame_slices(&item->frame, item->spec->exclude, p, self->range_values, i, slices);

		if ((i & 255) == 0)
			TRY(check_interrupted(self, err));
		aggregate_restart(item);
		for (int k = 0; k < n; k++)
			TRY(aggregate_add(self, item, slices[k].start, slices[k].end, err));
		arena_reset(&self->work);
		TRY(item_result(&item->aggregate, item->state, item->results, (int32_t)i, &self->results, err));
	}
	return OK;
}

/* ---- the other functions ---- */

static void
set_integer(const OverItem *item, int64_t row, int64_t value)
{
	if (item->results->type->kind == TYPE_INTEGER)
		((int32_t *)item->results->data)[row] = (int32_t)value;
	else
		((int64_t *)item->results->data)[row] = value;
}

/* Integer argument `a` at a position; false: NULL. */
static bool
integer_argument(const OverItem *item, int a, int64_t position, int64_t *out)
{
	const Vector *v = item->sorted[a];

	if (!vector_is_valid(v, position))
		return false;
	*out = v->type->kind == TYPE_INTEGER ? ((const int32_t *)v->data)[position] : ((const int64_t *)v->data)[position];
	return true;
}

static void
set_null(WindowOp *self, OverItem *item, int64_t row)
{
	vector_set_null(item->results, &self->results, row);
}

static Status
compute_ntile(WindowOp *self, OverItem *item, const WindowPartition *p, int64_t i, Error *err)
{
	int64_t n = p->end - p->start, at = i - p->start, buckets, size, longer;

	if (!integer_argument(item, 0, i, &buckets)) {
		set_null(self, item, i);
		return OK;
	}
	if (buckets <= 0)
		return error_user(err, "argument of ntile must be greater than zero");
	size = n / buckets;
	longer = n % buckets;
	set_integer(item, i, at < longer * (size + 1) ? at / (size + 1) + 1 : longer + (at - longer * (size + 1)) / size + 1);
	return OK;
}

/* The offset-th row from `i` whose argument is not NULL; outside of the partition: there is none. */
static int64_t
skip_nulls(const OverItem *item, const WindowPartition *p, int64_t i, int64_t offset)
{
	int64_t step = offset > 0 ? 1 : -1;

	while (offset != 0) {
		i += step;
		if (i < p->start || i >= p->end)
			return -1;
		if (vector_is_valid(item->sorted[0], i))
			offset -= step;
	}
	return i;
}

static void
compute_shifted(WindowOp *self, OverItem *item, const WindowPartition *p, int64_t i, int direction)
{
	int64_t offset = 1, target;

	if (item->n_columns > 1 && !integer_argument(item, 1, i, &offset)) {
		set_null(self, item, i);
		return;
	}
	if (__builtin_mul_overflow(offset, direction, &offset) || __builtin_add_overflow(i, offset, &target))
		target = -1;
	else if (item->spec->ignore_nulls && offset != 0)
		target = skip_nulls(item, p, i, offset);
	if (target >= p->start && target < p->end)
		vector_copy_row(item->results, &self->results, i, item->sorted[0], target);
	else if (item->n_columns > 2)
		vector_copy_row(item->results, &self->results, i, item->sorted[2], i);
	else
		set_null(self, item, i);
}

/* Row `number` (from 1) of the slices, counted from their end if it is below zero; -1: there is none. */
static int64_t
row_of_slices(const OverItem *item, const FrameSlice *slices, int n, int64_t number)
{
	bool backward = number < 0;

	for (int k = 0; k < n; k++) {
		const FrameSlice *s = &slices[backward ? n - 1 - k : k];
		int64_t			  size = s->end - s->start;

		if (!item->spec->ignore_nulls) {
			if (number > size || -number > size)
				number += backward ? size : -size;
			else
				return backward ? s->end + number : s->start + number - 1;
			continue;
		}
		for (int64_t i = 0; i < size; i++) {
			int64_t at = backward ? s->end - 1 - i : s->start + i;

			if (vector_is_valid(item->sorted[0], at) && (number += backward ? 1 : -1) == 0)
				return at;
		}
	}
	return -1;
}

static Status
compute_framed(WindowOp *self, OverItem *item, const WindowPartition *p, int64_t i, Error *err)
{
	FrameSlice slices[FRAME_SLICES];
	int		   n = window_frame_slices(&item->frame, item->spec->exclude, p, self->range_values, i, slices);
	int64_t	   number = item->spec->kind == WINDOW_FUNCTION_LAST_VALUE ? -1 : 1, at;

	if (item->spec->kind == WINDOW_FUNCTION_NTH_VALUE) {
		if (!integer_argument(item, 1, i, &number)) {
			set_null(self, item, i);
			return OK;
		}
		if (number <= 0)
			return error_user(err, "argument of nth_value must be greater than zero");
	}
	at = row_of_slices(item, slices, n, number);
	if (at >= 0)
		vector_copy_row(item->results, &self->results, i, item->sorted[0], at);
	else
		set_null(self, item, i);
	return OK;
}

static Status
compute_function(WindowOp *self, OverItem *item, const WindowPartition *p, Error *err)
{
	int64_t n = p->end - p->start;
	double *numbers = item->results->data;

	for (int64_t i = p->start; i < p->end; i++) {
		int64_t group = p->peers[i];
		int64_t rank = p->group_starts[group] - p->start + 1;

		switch (item->spec->kind) {
		case WINDOW_FUNCTION_ROW_NUMBER:
			set_integer(item, i, i - p->start + 1);
			break;
		case WINDOW_FUNCTION_RANK:
			set_integer(item, i, rank);
			break;
		case WINDOW_FUNCTION_DENSE_RANK:
			set_integer(item, i, group + 1);
			break;
		case WINDOW_FUNCTION_PERCENT_RANK:
			numbers[i] = n > 1 ? (double)(rank - 1) / (double)(n - 1) : 0;
			break;
		case WINDOW_FUNCTION_CUME_DIST:
			numbers[i] = (double)(p->group_starts[group + 1] - p->start) / (double)n;
			break;
		case WINDOW_FUNCTION_NTILE:
			TRY(compute_ntile(self, item, p, i, err));
			break;
		case WINDOW_FUNCTION_LAG:
			compute_shifted(self, item, p, i, -1);
			break;
		case WINDOW_FUNCTION_LEAD:
			compute_shifted(self, item, p, i, 1);
			break;
		default:
			TRY(compute_framed(self, item, p, i, err));
			break;
		}
	}
	return OK;
}

/* ---- end ---- */

static Status
account(WindowOp *self, Error *err)
{
	int64_t bytes = self->used_bytes + (int64_t)self->results.size_bytes;

	if (bytes > self->reserved_bytes) {
		TRY(budget_reserve(op_services(&self->op)->budget, bytes - self->reserved_bytes, "OVER", err));
		self->reserved_bytes = bytes;
	}
	return OK;
}

/* Columns in the order of the rows. */
static Status
sort_columns(WindowOp *self, const uint32_t *numbers, Error *err)
{
	const WindowFunctionSpec *spec = self->op.spec;
	int32_t					  n = (int32_t)self->rows.n_rows;

	for (int i = 0; i < spec->n_items; i++) {
		OverItem *item = &self->items[i];

		item->sorted = arena_array(&self->results, const Vector *, item->n_columns + 1);
		for (int c = 0; c < item->n_columns; c++)
			item->sorted[c] = vector_gather(&self->results, self->rows.columns[stored_column(self, item->columns[c])], numbers, n, true);
		if (item->aggregate.spec != NULL && item->aggregate.spec->filter != NULL)
			item->sorted_filter =
				vector_gather(&self->results, self->rows.columns[stored_column(self, item->filter)], numbers, n, true);
		item->results = vector_new(&self->results, item->spec->type, n);
		TRY(account(self, err));
	}
	if (spec->n_order > 0)
		self->range_values = vector_gather(&self->results, self->order[spec->n_partition].column, numbers, n, true);
	return account(self, err);
}

/* The partition that begins at a position. */
static void
find_partition(WindowOp *self, const uint32_t *numbers, int64_t start, int64_t *peers, int64_t *group_starts,
			   WindowPartition *out)
{
	const WindowFunctionSpec *spec = self->op.spec;
	const SortColumn		 *order = self->order + spec->n_partition;
	int64_t					  n = (int64_t)self->rows.n_rows, at = start;

	*out = (WindowPartition){.start = start, .peers = peers, .group_starts = group_starts};
	for (; at < n; at++) {
		if (at > start && sort_compare_rows(self->order, spec->n_partition, numbers[at - 1], numbers[at]) != 0)
			break;
		if (at == start || sort_compare_rows(order, spec->n_order, numbers[at - 1], numbers[at]) != 0)
			group_starts[out->n_groups++] = at;
		peers[at] = out->n_groups - 1;
	}
	group_starts[out->n_groups] = at;
	out->end = at;
}

static Status
compute_item(WindowOp *self, OverItem *item, const WindowPartition *p, Error *err)
{
	if (item->spec->kind != WINDOW_FUNCTION_AGGREGATE)
		return compute_function(self, item, p, err);
	if (item->spec->exclude != FRAME_EXCLUDE_NONE)
		return compute_aggregate_excluding(self, item, p, err);
	return compute_aggregate(self, item, p, err);
}

static Status
compute(WindowOp *self, const uint32_t *numbers, Error *err)
{
	const WindowFunctionSpec *spec = self->op.spec;
	int64_t					  n = (int64_t)self->rows.n_rows;
	int64_t					 *peers = xmalloc(sizeof *peers * (size_t)n);
	int64_t					 *group_starts = xmalloc(sizeof *group_starts * (size_t)(n + 1));
	WindowPartition			  p;
	Status					  status = OK;

	for (int64_t at = 0; at < n && status == OK; at = p.end) {
		find_partition(self, numbers, at, peers, group_starts, &p);
		for (int i = 0; i < spec->n_items && status == OK; i++)
			status = compute_item(self, &self->items[i], &p, err);
		if (status == OK)
			status = account(self, err);
		if (status == OK)
			status = check_interrupted(self, err);
	}
	free(peers);
	free(group_starts);
	return status;
}

static Status
emit(WindowOp *self, const uint32_t *numbers, Error *err)
{
	const WindowFunctionSpec *spec = self->op.spec;
	int64_t					  n = (int64_t)self->rows.n_rows;
	Status					  status = OK;

	for (int64_t at = 0; at < n && status == OK; at += BATCH_ROWS) {
		int32_t size = (int32_t)(n - at < BATCH_ROWS ? n - at : BATCH_ROWS);
		Batch  *out;

		arena_reset(&self->work);
		out = batch_new(&self->work, self->n_columns + spec->n_items, size);
		row_store_select(&self->rows, &self->work, numbers + at, size, 0, self->n_columns, out->columns);
		for (int i = 0; i < spec->n_items; i++)
			out->columns[self->n_columns + i] = vector_slice(&self->work, self->items[i].results, (int32_t)at, size);
		status = op_emit_loop(&self->op, out, err);
	}
	return status;
}

/* All of the rows that are in memory; forgets them. */
static Status
finish_rows(WindowOp *self, Error *err)
{
	MemoryBudget *budget = op_services(&self->op)->budget;
	int64_t		  bytes = (int64_t)self->rows.n_rows * ROW_BYTES;
	uint32_t	 *numbers;
	Status		  status;

	if (self->rows.n_rows == 0)
		return OK;
	TRY(budget_reserve(budget, bytes, "OVER", err));
	numbers = sort_numbers(self);
	status = sort_columns(self, numbers, err);
	if (status == OK)
		status = compute(self, numbers, err);
	if (status == OK)
		status = emit(self, numbers, err);
	free(numbers);
	arena_reset(&self->results);
	row_store_free(&self->rows);
	budget_release(budget, bytes + self->reserved_bytes);
	self->reserved_bytes = 0;
	return status;
}

static Status
finish_parts(WindowOp *self, const RowPartitions *parts, Error *err)
{
	Status status = OK;

	for (int p = 0; p < N_ROW_PARTITIONS && status == OK; p++) {
		if (row_partitions_is_large(parts, p)) {
			RowPartitions smaller;

			row_partitions_init(&smaller, parts->op, parts->level + 1, parts->key_columns, parts->n_keys, parts->bytes_a_row);
			status = row_partitions_split(parts, p, &smaller, err);
			if (status == OK)
				status = finish_parts(self, &smaller, err);
			row_partitions_free(&smaller);
			continue;
		}
		status = row_partitions_load(parts, p, &self->rows, err);
		if (status == OK)
			status = finish_rows(self, err);
	}
	return status;
}

/* Whether there is room for what the rows in memory need besides. */
static bool
has_room(const WindowOp *self)
{
	MemoryBudget *budget = op_services(&self->op)->budget;
	int64_t		  bytes = (int64_t)self->rows.n_rows * self->parts.bytes_a_row;
	Error		  ignored;

	if (budget_reserve(budget, bytes, "OVER", &ignored) != OK)
		return false;
	budget_release(budget, bytes);
	return true;
}

static Status
window_finish(Op *op, int port, Error *err)
{
	WindowOp *self = op_cast(WindowOp, op, &op_window_function);
	Status	  status;

	(void)port;
	top_groups_free(&self->top);
	if (row_partitions_are_used(&self->parts) || (can_spill(self) && !has_room(self))) {
		TRY(row_partitions_write(&self->parts, &self->rows, err));
		status = finish_parts(self, &self->parts, err);
		row_partitions_free(&self->parts);
	} else {
		status = finish_rows(self, err);
	}
	if (status == FAILED)
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
		if (self->items[i].state != NULL) {
			item_destroy(&self->items[i].aggregate, self->items[i].state);
			item_close(&self->items[i].aggregate);
		}
	row_store_free(&self->rows);
	row_partitions_free(&self->parts);
	top_groups_free(&self->top);
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
