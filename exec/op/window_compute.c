/*
 * The functions of OVER.  They see the sorted rows by position (window_rows.h), in memory or not, and are computed a batch of rows at a time, each going on
 * where it was.
 *
 * An aggregate whose frame only grows takes each row once.  Where the frame's start moves, COUNT, SUM and AVG of exact
 * numbers take rows back; others are computed anew for each frame.
 */
#include "exec/op/window_impl.h"

enum {
	DISTINCT_MAX = 1 << 12,		/* tuples of frames gone by that may stay */
	RELEASE_BYTES = 1 << 16,	/* less is not given back */
	BATCH_BYTES = 1 << 20,
};

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

Status
window_item_open(WindowOp *self, OverItem *item, const WindowFunctionItem *spec, Error *err)
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
			TRY(window_column_of(self, spec->args[a], &item->columns[a], err));
		return OK;
	}
	TRY(item_open(op, &item->aggregate, &spec->aggregate, false, &self->used_bytes, err));
	item->what = arena_printf(&op->arena, "%s(%s) OVER", spec->aggregate.function->name, spec->aggregate.distinct ? "DISTINCT" : "");
	if (item->aggregate.distinct != NULL)
		item->aggregate.distinct->what = item->what;
	item->state = arena_calloc(&op->arena, item->aggregate.state_size + 16);
	item->can_retract = sums_exactly(&spec->aggregate);
	item->n_columns = item_n_columns(&item->aggregate);
	item->columns = arena_array(&op->arena, int, item->n_columns + 1);
	for (int a = 0; a < item->n_columns; a++) {
		int n_args = spec->aggregate.n_args;

		TRY(window_column_of(self, a < n_args ? spec->aggregate.args[a] : spec->aggregate.order_by[a - n_args], &item->columns[a], err));
	}
	if (spec->aggregate.filter != NULL) {
		item->filter = ~self->n_programs;
		TRY(program_compile(&op->arena, spec->aggregate.filter, &self->programs[self->n_programs++], err));
	}
	return OK;
}

void
window_item_close(OverItem *item)
{
	if (item->state == NULL)
		return;
	item_destroy(&item->aggregate, item->state);
	item_close(&item->aggregate);
}

Status
window_check_interrupted(WindowOp *self, Error *err)
{
	const OpServices *services = op_services(&self->op);

	if (services->interrupted != NULL && *services->interrupted)
		return error_set(err, ERROR_INTERRUPTED, "The query was cancelled");
	return OK;
}

/*
 * Results count where they are more than a batch usually is.  A little is taken even beyond the limit: operators behind this one may have filled
 * it, and write out what they have when they get more.
 */
Status
window_account(WindowOp *self, const char *what, Error *err)
{
	const OpServices *services = op_services(&self->op);
	int64_t			  results = (int64_t)self->results.size_bytes, bytes = self->used_bytes, missing;

	if (results > BATCH_BYTES)
		bytes += results - BATCH_BYTES;
	missing = bytes - self->reserved_bytes;
	if (missing > 0 && services->spill != NULL && bytes <= spill_least(services->spill))
		budget_take(services->budget, missing);
	else if (missing > 0)
		TRY(budget_reserve(services->budget, missing, what, err));
	else if (missing < -RELEASE_BYTES)
		budget_release(services->budget, -missing);
	else
		return OK;
	self->reserved_bytes = bytes;
	return OK;
}

/* ---- aggregates ---- */

/* Rows from .. from+n-1 of a block as an item's columns. */
static void
input_slice(const WindowOp *self, const OverItem *item, const WindowBlock *block, Arena *arena, int64_t from, int32_t n, ItemInput *out)
{
	int32_t first = (int32_t)(from - block->start);

	out->columns = arena_alloc(arena, sizeof *out->columns * (size_t)(item->n_columns + 1));
	out->skip = NULL;
	for (int c = 0; c < item->n_columns; c++)
		out->columns[c] = vector_slice(arena, block->columns[window_stored_column(self, item->columns[c])], first, n);
	if (item->aggregate.spec->filter != NULL) {
		const Vector *f = block->columns[window_stored_column(self, item->filter)];
		uint64_t	 *skip = arena_calloc(arena, sizeof *skip * (size_t)(bitmap_words(n) + 1));

		for (int32_t i = 0; i < n; i++)
			if (!vector_is_valid(f, first + i) || !((const uint8_t *)f->data)[first + i])
				bitmap_set(skip, i);
		out->skip = skip;
	}
}

/* The next of the rows at .. to-1 that can be taken at once: their number. */
static Status
next_rows(WindowOp *self, OverItem *item, int64_t at, int64_t to, ItemInput *in, int32_t *n, Error *err)
{
	const WindowBlock *block;

	TRY(window_rows_at(&self->sorted, at, &block, err));
	if (to > block->end)
		to = block->end;
	*n = (int32_t)(to - at < BATCH_ROWS ? to - at : BATCH_ROWS);
	arena_reset(&self->work);
	input_slice(self, item, block, &self->work, at, *n, in);
	return *n < BATCH_ROWS ? OK : window_check_interrupted(self, err);
}

static Status
aggregate_add(WindowOp *self, OverItem *item, int64_t from, int64_t to, Error *err)
{
	int32_t n;

	for (int64_t at = from; at < to; at += n) {
		ItemInput in;

		TRY(next_rows(self, item, at, to, &in, &n, err));
		for (int32_t i = 0; i < n; i++) {
			self->states[i] = item->state;
			self->group_ids[i] = item->group_id;
		}
		TRY(item_step(&item->aggregate, self->states, self->group_ids, &in, n, true, &self->work, NULL, err));
		TRY(window_account(self, item->what, err));
	}
	return OK;
}

static Status
aggregate_remove(WindowOp *self, OverItem *item, int64_t from, int64_t to, Error *err)
{
	int32_t n;

	for (int64_t at = from; at < to; at += n) {
		ItemInput in;

		TRY(next_rows(self, item, at, to, &in, &n, err));
		item->aggregate.call.arena = &self->work;
		for (int32_t i = 0; i < n; i++)
			TRY(item_retract(&item->aggregate, item->state, item->group_id, &in, i, &self->work, err));
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

/* The state gets the rows of a frame, from those that it has. */
static Status
aggregate_move(WindowOp *self, OverItem *item, int64_t start, int64_t end, Error *err)
{
	bool is_ahead = start >= item->first && end >= item->last && start <= item->last;

	if (start == item->first && end >= item->last) {
		TRY(aggregate_add(self, item, item->last, end, err));
	} else if (item->can_retract && is_ahead) {
		TRY(aggregate_add(self, item, item->last, end, err));
		TRY(aggregate_remove(self, item, item->first, start, err));
	} else {
		aggregate_restart(item);
		TRY(aggregate_add(self, item, start, end, err));
	}
	item->first = start;
	item->last = end;
	return OK;
}

/* Rows of one partition at positions from .. to-1; the batch begins at `base`, and so do groups and results. */
typedef struct Segment {
	const WindowPartition *partition;
	const WindowGroup	  *groups;
	int64_t				   base, from, to;
} Segment;

static Status
compute_aggregate(WindowOp *self, OverItem *item, const Segment *s, Error *err)
{
	for (int64_t i = s->from; i < s->to; i++) {
		int32_t row = (int32_t)(i - s->base);
		int64_t start, end;

		TRY(window_frame_at(&item->frame, &self->sorted, s->partition, &s->groups[row], i, &start, &end, err));
		if (end < start)
			end = start;
		if (start == item->first && end == item->last && i > s->from) {
			vector_copy_row(item->results, &self->results, row, item->results, row - 1);
			continue;
		}
		if ((i & 255) == 0)
			TRY(window_check_interrupted(self, err));
		if (start != item->first || end != item->last)
			TRY(aggregate_move(self, item, start, end, err));
		arena_reset(&self->work);
		TRY(item_result(&item->aggregate, item->state, item->results, row, &self->results, err));
	}
	return OK;
}

/* A frame with rows left out is computed anew for each row. */
static Status
compute_aggregate_excluding(WindowOp *self, OverItem *item, const Segment *s, Error *err)
{
	for (int64_t i = s->from; i < s->to; i++) {
		int32_t	   row = (int32_t)(i - s->base);
		FrameSlice slices[FRAME_SLICES];
		int		   n;

		TRY(window_frame_slices(&item->frame, item->spec->exclude, &self->sorted, s->partition, &s->groups[row], i, slices, &n, err));
		if ((i & 255) == 0)
			TRY(window_check_interrupted(self, err));
		aggregate_restart(item);
		for (int k = 0; k < n; k++)
			TRY(aggregate_add(self, item, slices[k].start, slices[k].end, err));
		arena_reset(&self->work);
		TRY(item_result(&item->aggregate, item->state, item->results, row, &self->results, err));
	}
	return OK;
}

/* ---- the other functions ---- */

static void
set_integer(const OverItem *item, int32_t row, int64_t value)
{
	if (item->results->type->kind == TYPE_INTEGER)
		((int32_t *)item->results->data)[row] = (int32_t)value;
	else
		((int64_t *)item->results->data)[row] = value;
}

/* The result of a row is an argument's value at a position; -1: NULL. */
static Status
set_argument(WindowOp *self, OverItem *item, int32_t row, int a, int64_t position, Error *err)
{
	const WindowBlock *block;

	if (position < 0) {
		vector_set_null(item->results, &self->results, row);
		return OK;
	}
	TRY(window_rows_at(&self->sorted, position, &block, err));
	vector_copy_row(item->results, &self->results, row, block->columns[window_stored_column(self, item->columns[a])], position - block->start);
	return OK;
}

/* Integer argument `a` at a position. */
static Status
integer_argument(WindowOp *self, const OverItem *item, int a, int64_t position, bool *is_null, int64_t *out, Error *err)
{
	const WindowBlock *block;
	const Vector	  *v;
	int64_t			   at;

	TRY(window_rows_at(&self->sorted, position, &block, err));
	v = block->columns[window_stored_column(self, item->columns[a])];
	at = position - block->start;
	*is_null = !vector_is_valid(v, at);
	if (!*is_null)
		*out = v->type->kind == TYPE_INTEGER ? ((const int32_t *)v->data)[at] : ((const int64_t *)v->data)[at];
	return OK;
}

static Status
compute_ntile(WindowOp *self, OverItem *item, const WindowPartition *p, int64_t i, int32_t row, Error *err)
{
	int64_t n = p->end - p->start, at = i - p->start, buckets, size, longer;
	bool	is_null;

	TRY(integer_argument(self, item, 0, i, &is_null, &buckets, err));
	if (is_null)
		return set_argument(self, item, row, 0, -1, err);
	if (buckets <= 0)
		return error_user(err, "argument of ntile must be greater than zero");
	size = n / buckets;
	longer = n % buckets;
	set_integer(item, row, at < longer * (size + 1) ? at / (size + 1) + 1 : longer + (at - longer * (size + 1)) / size + 1);
	return OK;
}

/* The offset-th row from `i` whose argument is not NULL; -1: outside of the partition. */
static Status
skip_nulls(WindowOp *self, const OverItem *item, const WindowPartition *p, int64_t i, int64_t offset, int64_t *out, Error *err)
{
	int64_t number = offset == INT64_MIN ? INT64_MAX : offset < 0 ? -offset : offset;

	return window_rows_nth_value(&self->sorted, window_stored_column(self, item->columns[0]), offset < 0 ? p->start : i + 1, offset < 0 ? i : p->end,
								 offset < 0, &number, out, err);
}

static Status
compute_shifted(WindowOp *self, OverItem *item, const WindowPartition *p, int64_t i, int32_t row, int direction, Error *err)
{
	int64_t offset = 1, target;
	bool	is_null = false;

	if (item->n_columns > 1)
		TRY(integer_argument(self, item, 1, i, &is_null, &offset, err));
	if (is_null)
		return set_argument(self, item, row, 0, -1, err);
	if (__builtin_mul_overflow(offset, direction, &offset) || __builtin_add_overflow(i, offset, &target))
		target = -1;
	else if (item->spec->ignore_nulls && offset != 0)
		TRY(skip_nulls(self, item, p, i, offset, &target, err));
	if (target >= p->start && target < p->end)
		return set_argument(self, item, row, 0, target, err);
	if (item->n_columns > 2)
		return set_argument(self, item, row, 2, i, err);
	return set_argument(self, item, row, 0, -1, err);
}

/* Row `number` (from 1) of the slices, counted from their end if `backward`; -1: there is none. */
static Status
row_of_slices(WindowOp *self, const OverItem *item, const FrameSlice *slices, int n, int64_t number, bool backward, int64_t *out, Error *err)
{
	*out = -1;
	for (int k = 0; k < n && *out < 0; k++) {
		const FrameSlice *s = &slices[backward ? n - 1 - k : k];

		if (item->spec->ignore_nulls)
			TRY(window_rows_nth_value(&self->sorted, window_stored_column(self, item->columns[0]), s->start, s->end, backward, &number, out, err));
		else if (number > s->end - s->start)
			number -= s->end - s->start;
		else
			*out = backward ? s->end - number : s->start + number - 1;
	}
	return OK;
}

static Status
compute_framed(WindowOp *self, OverItem *item, const WindowPartition *p, const WindowGroup *g, int64_t i, int32_t row, Error *err)
{
	FrameSlice slices[FRAME_SLICES];
	int		   n;
	int64_t	   number = 1, at;
	bool	   is_null = false;

	TRY(window_frame_slices(&item->frame, item->spec->exclude, &self->sorted, p, g, i, slices, &n, err));
	if (item->spec->kind == WINDOW_FUNCTION_NTH_VALUE) {
		TRY(integer_argument(self, item, 1, i, &is_null, &number, err));
		if (!is_null && number <= 0)
			return error_user(err, "argument of nth_value must be greater than zero");
	}
	if (is_null)
		return set_argument(self, item, row, 0, -1, err);
	TRY(row_of_slices(self, item, slices, n, number, item->spec->kind == WINDOW_FUNCTION_LAST_VALUE, &at, err));
	return set_argument(self, item, row, 0, at, err);
}

static Status
compute_function(WindowOp *self, OverItem *item, const Segment *s, Error *err)
{
	const WindowPartition *p = s->partition;
	int64_t				   n = p->end - p->start;
	double				  *numbers = item->results->data;

	for (int64_t i = s->from; i < s->to; i++) {
		int32_t			   row = (int32_t)(i - s->base);
		const WindowGroup *g = &s->groups[row];
		int64_t			   rank = g->start - p->start + 1;

		switch (item->spec->kind) {
		case WINDOW_FUNCTION_ROW_NUMBER:
			set_integer(item, row, i - p->start + 1);
			break;
		case WINDOW_FUNCTION_RANK:
			set_integer(item, row, rank);
			break;
		case WINDOW_FUNCTION_DENSE_RANK:
			set_integer(item, row, g->number + 1);
			break;
		case WINDOW_FUNCTION_PERCENT_RANK:
			numbers[row] = n > 1 ? (double)(rank - 1) / (double)(n - 1) : 0;
			break;
		case WINDOW_FUNCTION_CUME_DIST:
			numbers[row] = (double)(g->end - p->start) / (double)n;
			break;
		case WINDOW_FUNCTION_NTILE:
			TRY(compute_ntile(self, item, p, i, row, err));
			break;
		case WINDOW_FUNCTION_LAG:
			TRY(compute_shifted(self, item, p, i, row, -1, err));
			break;
		case WINDOW_FUNCTION_LEAD:
			TRY(compute_shifted(self, item, p, i, row, 1, err));
			break;
		default:
			TRY(compute_framed(self, item, p, g, i, row, err));
			break;
		}
	}
	return OK;
}

/* ---- batches ---- */

static Status
compute_item(WindowOp *self, OverItem *item, const Segment *s, Error *err)
{
	if (item->spec->kind != WINDOW_FUNCTION_AGGREGATE)
		return compute_function(self, item, s, err);
	if (item->spec->exclude != FRAME_EXCLUDE_NONE)
		return compute_aggregate_excluding(self, item, s, err);
	return compute_aggregate(self, item, s, err);
}

static Status
begin_partition(WindowOp *self, int64_t start, Error *err)
{
	const WindowFunctionSpec *spec = self->op.spec;

	self->partition.start = start;
	TRY(window_rows_next_partition(&self->sorted, start, &self->partition.end, err));
	self->group = (WindowGroup){-1, start, start};
	for (int i = 0; i < spec->n_items; i++) {
		OverItem *item = &self->items[i];

		window_frame_begin(&item->frame, &self->partition);
		item->first = item->last = start;
		if (item->spec->kind == WINDOW_FUNCTION_AGGREGATE)
			aggregate_restart(item);
	}
	return OK;
}

/* The groups of peers of positions from .. to-1. */
static Status
find_groups(WindowOp *self, int64_t from, int64_t to, WindowGroup *out, Error *err)
{
	for (int64_t i = from; i < to; i++) {
		if (i == self->group.end) {
			self->group.number++;
			self->group.start = i;
			TRY(window_rows_next_group(&self->sorted, i, &self->group.end, err));
		}
		*out++ = self->group;
	}
	return OK;
}

void
window_compute_begin(WindowOp *self)
{
	const WindowFunctionSpec *spec = self->op.spec;

	self->partition = (WindowPartition){0};
	for (int i = 0; i < spec->n_items; i++)
		self->items[i].frame.value_column = spec->n_order > 0 ? self->key_columns[spec->n_partition] : -1;
}

Status
window_compute(WindowOp *self, int64_t from, int32_t n, Error *err)
{
	const WindowFunctionSpec *spec = self->op.spec;
	Segment					  s = {.partition = &self->partition, .groups = self->groups, .base = from, .to = from};

	TRY(window_check_interrupted(self, err));
	while (s.to < from + n) {
		s.from = s.to;
		if (s.from == self->partition.end)
			TRY(begin_partition(self, s.from, err));
		s.to = self->partition.end < from + n ? self->partition.end : from + n;
		TRY(find_groups(self, s.from, s.to, self->groups + (s.from - from), err));
		for (int i = 0; i < spec->n_items; i++)
			TRY(compute_item(self, &self->items[i], &s, err));
	}
	return window_account(self, "OVER", err);
}
