#include "exec/op/window_frame.h"

#include "exec/expr/interval.h"

static const int64_t ms_per_day = 86400000;

/* ---- offsets ---- */

static Status
offset_open(WindowFrame *frame, FrameOffset *out, Arena *arena, const Expr *expr, const Expr *value, bool is_start,
			const Env *env, Error *err)
{
	const char *which = is_start ? "starting" : "ending";
	int			scale = 0, value_scale = 0;
	Value		v;

	if (expr == NULL)
		return OK;
	if (!expr_is_constant(expr))
		return error_unsupported(err, "A frame's offset must be a constant");
	TRY(expr_eval_constant(arena, expr, env, &v, err));
	if (v.is_null)
		return error_user(err, "frame %s offset must not be null", which);
	switch (v.type->kind) {
	case TYPE_INTEGER:
	case TYPE_BIGINT:
		out->integer = v.integer;
		out->number = (double)v.integer;
		break;
	case TYPE_DECIMAL:
		out->integer = v.decimal;
		scale = v.type->scale;
		out->number = (double)v.decimal;
		for (int i = 0; i < scale; i++)
			out->number /= 10;
		break;
	case TYPE_DOUBLE:
		out->is_double = true;
		out->number = v.number;
		break;
	case TYPE_INTERVAL:
		out->is_interval = true;
		out->interval = v.interval;
		break;
	default:
		return error_user(err, "A frame's offset must be a number or an interval");
	}
	if (out->number < 0 || (out->is_interval && (v.interval.months < 0 || v.interval.days < 0 || v.interval.micros < 0)))
		return error_user(err, "frame %s offset must not be negative", which);
	if (frame->unit != FRAME_RANGE) {
		if (out->is_interval || out->is_double || scale > 0)
			return error_user(err, "The offset of a frame of ROWS or GROUPS must be an integer");
		out->rows = out->integer > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)out->integer;
		return OK;
	}
	switch (value->type->kind) {
	case TYPE_DECIMAL:
		value_scale = value->type->scale;
		/* fall through */
	case TYPE_INTEGER:
	case TYPE_BIGINT:
	case TYPE_DOUBLE:
		if (out->is_interval)
			return error_user(err, "RANGE over a number needs a number as offset");
		break;
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_TIMESTAMP:
		if (!out->is_interval && (out->is_double || scale > 0))
			return error_user(err, "RANGE over a time needs an INTERVAL as offset");
		if (out->is_interval && value->type->kind == TYPE_DATE)
			frame->factor = ms_per_day;
		else if (!out->is_interval && frame->factor != 1)
			return error_user(err, "The offsets of a frame must be of one type");
		return OK;
	default:
		return error_user(err, "RANGE with an offset needs a number or a time in ORDER BY");
	}
	if (value->type->kind == TYPE_DOUBLE || out->is_double) {
		frame->is_double = true;
		return OK;
	}
	/* Numbers of different scales: in units of the finer one. */
	for (; value_scale < scale; value_scale++)
		frame->factor *= 10;
	for (; scale < value_scale; scale++)
		out->integer *= 10;
	return OK;
}

Status
window_frame_open(WindowFrame *frame, Arena *arena, const WindowFunctionItem *item, const SortKey *order, const Env *env,
				  Error *err)
{
	const Expr *value = order != NULL ? order->expr : NULL;
	bool		moves_start = item->start == FRAME_PRECEDING || item->start == FRAME_FOLLOWING;
	bool		moves_end = item->end == FRAME_PRECEDING || item->end == FRAME_FOLLOWING;

	*frame = (WindowFrame){.unit = item->unit, .start = item->start, .end = item->end, .factor = 1,
						   .descending = order != NULL && order->descending};
	if (item->start == FRAME_UNBOUNDED_FOLLOWING)
		return error_user(err, "frame start cannot be UNBOUNDED FOLLOWING");
	if (item->end == FRAME_UNBOUNDED_PRECEDING)
		return error_user(err, "frame end cannot be UNBOUNDED PRECEDING");
	if (item->start == FRAME_CURRENT_ROW && item->end == FRAME_PRECEDING)
		return error_user(err, "frame starting from current row cannot have preceding rows");
	if (item->start == FRAME_FOLLOWING && (item->end == FRAME_PRECEDING || item->end == FRAME_CURRENT_ROW))
		return error_user(err, "frame starting from following row cannot have preceding rows");
	if ((moves_start || moves_end) && item->unit == FRAME_RANGE && value == NULL)
		return error_user(err, "RANGE with an offset needs exactly one ORDER BY expression.");
	if (moves_start)
		TRY(offset_open(frame, &frame->start_offset, arena, item->start_offset, value, true, env, err));
	if (moves_end)
		TRY(offset_open(frame, &frame->end_offset, arena, item->end_offset, value, false, env, err));
	return OK;
}

/* ---- RANGE ---- */

static double
order_number(const Vector *v, int64_t i)
{
	double d;

	switch (v->type->kind) {
	case TYPE_DOUBLE:
		return ((const double *)v->data)[i];
	case TYPE_DECIMAL:
		d = (double)((const Decimal *)v->data)[i];
		for (int s = 0; s < v->type->scale; s++)
			d /= 10;
		return d;
	case TYPE_BIGINT:
		return (double)((const int64_t *)v->data)[i];
	default:
		return (double)((const int32_t *)v->data)[i];
	}
}

static __int128
value_integer_at(const WindowFrame *frame, const Vector *v, int64_t i)
{
	__int128 x;

	switch (v->type->kind) {
	case TYPE_DECIMAL:
		x = ((const Decimal *)v->data)[i];
		break;
	case TYPE_BIGINT:
	case TYPE_TIMESTAMP:
		x = ((const int64_t *)v->data)[i];
		break;
	default:
		x = ((const int32_t *)v->data)[i];
		break;
	}
	return x * frame->factor;
}

/* The value at a position against the one at `origin` moved by an offset, in the order of the rows. */
typedef struct RangeTarget {
	const WindowFrame *frame;
	WindowRows		  *rows;
	bool			   is_end;
	double			   number;
	__int128		   integer;
} RangeTarget;

/* The block of a position, and its ORDER BY values. */
static Status
values_at(const WindowFrame *frame, WindowRows *rows, int64_t position, const Vector **values, int64_t *at, Error *err)
{
	const WindowBlock *b;

	TRY(window_rows_at(rows, position, &b, err));
	*values = b->columns[frame->value_column];
	*at = position - b->start;
	return OK;
}

static Status
is_null_at(const WindowFrame *frame, WindowRows *rows, int64_t position, bool *out, Error *err)
{
	const Vector *values;
	int64_t		  at;

	TRY(values_at(frame, rows, position, &values, &at, err));
	*out = values->validity != NULL && !bitmap_get(values->validity, at);
	return OK;
}

static Status
target_make(RangeTarget *t, int64_t origin, const FrameOffset *offset, bool is_preceding, Error *err)
{
	const WindowFrame *frame = t->frame;
	int				   sign = is_preceding != frame->descending ? -1 : 1;
	const Vector	  *values;
	int64_t			   at;

	TRY(values_at(frame, t->rows, origin, &values, &at, err));
	if (frame->is_double) {
		t->number = order_number(values, at) + sign * offset->number;
	} else if (offset->is_interval) {
		Interval v = {sign * offset->interval.months, sign * offset->interval.days, sign * offset->interval.micros};
		__int128 from = value_integer_at(frame, values, at);

		/* A time of day does not wrap around. */
		t->integer = values->type->kind == TYPE_TIME ? from + v.micros / 1000 : timestamp_add_interval((Time)from, &v);
	} else {
		t->integer = value_integer_at(frame, values, at) + sign * offset->integer;
	}
	return OK;
}

/* Whether the bound is behind a position: its value comes before the target, or (an end) is equal to it. */
static Status
is_behind(const RangeTarget *t, int64_t position, bool *out, Error *err)
{
	const Vector *values;
	int64_t		  at;
	int			  order;

	TRY(values_at(t->frame, t->rows, position, &values, &at, err));
	if (t->frame->is_double) {
		double d = order_number(values, at);

		/* NaN is greatest. */
		order = d != d || t->number != t->number ? (d != d) - (t->number != t->number) : (d > t->number) - (d < t->number);
	} else {
		__int128 x = value_integer_at(t->frame, values, at);

		order = (x > t->integer) - (x < t->integer);
	}
	if (t->frame->descending)
		order = -order;
	*out = order < 0 || (t->is_end && order == 0);
	return OK;
}

/* The bound in from .. to: looked for in growing steps from `near`, then by halves. */
static Status
target_search(const RangeTarget *t, int64_t from, int64_t to, int64_t near, int64_t *out, Error *err)
{
	int64_t low = from, high = to;
	bool	behind = false;

	if (low < high) {
		near = near < low ? low : near >= high ? high - 1 : near;
		TRY(is_behind(t, near, &behind, err));
		if (behind)
			low = near + 1;
		else
			high = near;
		for (int64_t step = 1; low < high; step *= 2) {
			int64_t probe = behind ? low + step - 1 : high - step;
			bool	is;

			if (probe < low || probe >= high)
				break;
			TRY(is_behind(t, probe, &is, err));
			if (is)
				low = probe + 1;
			else
				high = probe;
			if (is != behind)
				break;
		}
	}
	while (low < high) {
		int64_t middle = low + (high - low) / 2;

		TRY(is_behind(t, middle, &behind, err));
		if (behind)
			low = middle + 1;
		else
			high = middle;
	}
	*out = low;
	return OK;
}

/* NULLs stand at one end of the partition, and are near only to each other. */
static Status
find_values(WindowFrame *frame, WindowRows *rows, const WindowPartition *p, Error *err)
{
	bool is_null;

	if (frame->values_start >= 0)
		return OK;
	frame->values_start = p->start;
	frame->values_end = p->end;
	TRY(is_null_at(frame, rows, p->start, &is_null, err));
	if (is_null)
		TRY(window_rows_next_group(rows, p->start, &frame->values_start, err));
	TRY(is_null_at(frame, rows, p->end - 1, &is_null, err));
	if (is_null)
		TRY(window_rows_group_start(rows, p->end - 1, &frame->values_end, err));
	return OK;
}

static Status
range_bound(WindowFrame *frame, WindowRows *rows, const WindowPartition *p, const WindowGroup *g, int64_t position, bool is_preceding, bool is_end,
			int64_t *out, Error *err)
{
	RangeTarget	 target = {.frame = frame, .rows = rows, .is_end = is_end};
	FrameCursor *cursor = is_end ? &frame->end_cursor : &frame->start_cursor;
	bool		 is_null;

	TRY(is_null_at(frame, rows, position, &is_null, err));
	if (is_null) {
		*out = is_end ? g->end : g->start;
		return OK;
	}
	TRY(find_values(frame, rows, p, err));
	TRY(target_make(&target, position, is_end ? &frame->end_offset : &frame->start_offset, is_preceding, err));
	TRY(target_search(&target, frame->values_start, frame->values_end, cursor->position, out, err));
	cursor->position = *out;
	return OK;
}

/* ---- bounds ---- */

static int64_t
clamp(int64_t x, int64_t low, int64_t high)
{
	return x < low ? low : x > high ? high : x;
}

/* Where a group begins, by its number; behind the last one: the end of the partition. */
static Status
group_start(FrameCursor *cursor, WindowRows *rows, const WindowPartition *p, int64_t number, int64_t *out, Error *err)
{
	while (cursor->group < number && cursor->position < p->end) {
		TRY(window_rows_next_group(rows, cursor->position, &cursor->position, err));
		cursor->group++;
	}
	while (cursor->group > number && cursor->position > p->start) {
		TRY(window_rows_group_start(rows, cursor->position - 1, &cursor->position, err));
		cursor->group--;
	}
	*out = cursor->position;
	return OK;
}

static Status
bound_at(WindowFrame *frame, WindowRows *rows, const WindowPartition *p, const WindowGroup *g, int64_t position, bool is_end, int64_t *out, Error *err)
{
	FrameBound		   bound = is_end ? frame->end : frame->start;
	const FrameOffset *offset = is_end ? &frame->end_offset : &frame->start_offset;
	bool			   is_preceding = bound == FRAME_PRECEDING;
	int64_t			   moved = is_preceding ? -offset->rows : offset->rows;

	switch (bound) {
	case FRAME_UNBOUNDED_PRECEDING:
		*out = p->start;
		return OK;
	case FRAME_UNBOUNDED_FOLLOWING:
		*out = p->end;
		return OK;
	case FRAME_CURRENT_ROW:
		*out = frame->unit == FRAME_ROWS ? position + is_end : is_end ? g->end : g->start;
		return OK;
	default:
		break;
	}
	switch (frame->unit) {
	case FRAME_ROWS:
		*out = clamp(position + moved + is_end, p->start, p->end);
		return OK;
	case FRAME_GROUPS:
		moved += g->number + is_end;
		return group_start(is_end ? &frame->end_cursor : &frame->start_cursor, rows, p, moved < 0 ? 0 : moved, out, err);
	default:
		return range_bound(frame, rows, p, g, position, is_preceding, is_end, out, err);
	}
}

void
window_frame_begin(WindowFrame *frame, const WindowPartition *p)
{
	frame->start_cursor = frame->end_cursor = (FrameCursor){0, p->start};
	frame->values_start = frame->values_end = -1;
}

Status
window_frame_at(WindowFrame *frame, WindowRows *rows, const WindowPartition *p, const WindowGroup *group, int64_t position, int64_t *start,
				int64_t *end, Error *err)
{
	TRY(bound_at(frame, rows, p, group, position, false, start, err));
	return bound_at(frame, rows, p, group, position, true, end, err);
}

/* What of start .. end is before and behind the hole. */
static int
add_slice(FrameSlice *slices, int n, int64_t start, int64_t end)
{
	if (start < end)
		slices[n++] = (FrameSlice){start, end};
	return n;
}

Status
window_frame_slices(WindowFrame *frame, FrameExclude exclude, WindowRows *rows, const WindowPartition *p, const WindowGroup *group,
					int64_t position, FrameSlice slices[FRAME_SLICES], int *n, Error *err)
{
	int64_t start, end, hole_start = group->start, hole_end = group->end;

	*n = 0;
	TRY(window_frame_at(frame, rows, p, group, position, &start, &end, err));
	if (end <= start)
		return OK;
	if (exclude == FRAME_EXCLUDE_NONE) {
		*n = add_slice(slices, 0, start, end);
		return OK;
	}
	if (exclude == FRAME_EXCLUDE_CURRENT_ROW) {
		hole_start = position;
		hole_end = position + 1;
	}
	*n = add_slice(slices, *n, start, clamp(hole_start, start, end));
	if (exclude == FRAME_EXCLUDE_TIES)
		*n = add_slice(slices, *n, clamp(position, start, end), clamp(position + 1, start, end));
	*n = add_slice(slices, *n, clamp(hole_end, start, end), end);
	return OK;
}
