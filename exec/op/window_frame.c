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

/* -1, 0, 1: the value at a position against the one at `origin` moved by an offset, in the order of the rows. */
typedef struct RangeTarget {
	const WindowFrame *frame;
	const Vector	  *values;
	double			   number;
	__int128		   integer;
} RangeTarget;

static RangeTarget
target_make(const WindowFrame *frame, const Vector *values, int64_t origin, const FrameOffset *offset, bool is_preceding)
{
	RangeTarget t = {.frame = frame, .values = values};
	int			sign = is_preceding != frame->descending ? -1 : 1;

	if (frame->is_double) {
		t.number = order_number(values, origin) + sign * offset->number;
	} else if (offset->is_interval) {
		Interval v = {sign * offset->interval.months, sign * offset->interval.days, sign * offset->interval.micros};
		__int128 from = value_integer_at(frame, values, origin);

		/* A time of day does not wrap around. */
		t.integer = values->type->kind == TYPE_TIME ? from + v.micros / 1000 : timestamp_add_interval((Time)from, &v);
	} else {
		t.integer = value_integer_at(frame, values, origin) + sign * offset->integer;
	}
	return t;
}

static int
target_compare(const RangeTarget *t, int64_t position)
{
	int order;

	if (t->frame->is_double) {
		double d = order_number(t->values, position);

		/* NaN is greatest. */
		order = d != d || t->number != t->number ? (d != d) - (t->number != t->number) : (d > t->number) - (d < t->number);
	} else {
		__int128 x = value_integer_at(t->frame, t->values, position);

		order = (x > t->integer) - (x < t->integer);
	}
	return t->frame->descending ? -order : order;
}

/* Positions from..to-1: the first that is not before the target, or (is_end) that is behind it. */
static int64_t
target_search(const RangeTarget *t, int64_t from, int64_t to, bool is_end)
{
	while (from < to) {
		int64_t middle = from + (to - from) / 2;
		int		order = target_compare(t, middle);

		if (order < 0 || (is_end && order == 0))
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* ---- bounds ---- */

static bool
is_null_at(const Vector *v, int64_t i)
{
	return v->validity != NULL && !bitmap_get(v->validity, i);
}

static int64_t
clamp(int64_t x, int64_t low, int64_t high)
{
	return x < low ? low : x > high ? high : x;
}

static int64_t
bound_at(const WindowFrame *frame, const WindowPartition *p, const Vector *values, int64_t position, FrameBound bound,
		 const FrameOffset *offset, bool is_end)
{
	int64_t group = p->peers[position], moved;
	int64_t peers_start = p->group_starts[group], peers_end = p->group_starts[group + 1];
	bool	is_preceding = bound == FRAME_PRECEDING;

	switch (bound) {
	case FRAME_UNBOUNDED_PRECEDING:
		return p->start;
	case FRAME_UNBOUNDED_FOLLOWING:
		return p->end;
	case FRAME_CURRENT_ROW:
		if (frame->unit == FRAME_ROWS)
			return position + is_end;
		return is_end ? peers_end : peers_start;
	default:
		break;
	}
	switch (frame->unit) {
	case FRAME_ROWS:
		moved = is_preceding ? position - offset->rows : position + offset->rows;
		return clamp(moved + is_end, p->start, p->end);
	case FRAME_GROUPS:
		moved = (is_preceding ? group - offset->rows : group + offset->rows) + is_end;
		return p->group_starts[clamp(moved, 0, p->n_groups)];
	default: {
		/* NULLs stand at one end, and are near only to each other. */
		int64_t		from = p->start, to = p->end;
		RangeTarget target;

		if (is_null_at(values, position))
			return is_end ? peers_end : peers_start;
		if (is_null_at(values, from))
			from = p->group_starts[1];
		if (is_null_at(values, to - 1))
			to = p->group_starts[p->n_groups - 1];
		target = target_make(frame, values, position, offset, is_preceding);
		return target_search(&target, from, to, is_end);
	}
	}
}

void
window_frame_at(const WindowFrame *frame, const WindowPartition *p, const Vector *values, int64_t position, int64_t *start,
				int64_t *end)
{
	*start = bound_at(frame, p, values, position, frame->start, &frame->start_offset, false);
	*end = bound_at(frame, p, values, position, frame->end, &frame->end_offset, true);
}

/* What of start .. end is before and behind the hole. */
static int
add_slice(FrameSlice *slices, int n, int64_t start, int64_t end)
{
	if (start < end)
		slices[n++] = (FrameSlice){start, end};
	return n;
}

static int64_t
within(int64_t x, int64_t least, int64_t most)
{
	return x < least ? least : x > most ? most : x;
}

int
window_frame_slices(const WindowFrame *frame, FrameExclude exclude, const WindowPartition *p, const Vector *values, int64_t position,
					FrameSlice slices[FRAME_SLICES])
{
	int64_t start, end, peers_start = p->group_starts[p->peers[position]], peers_end = p->group_starts[p->peers[position] + 1];
	int		n = 0;

	window_frame_at(frame, p, values, position, &start, &end);
	if (end <= start)
		return 0;
	if (exclude == FRAME_EXCLUDE_NONE)
		return add_slice(slices, 0, start, end);
	if (exclude == FRAME_EXCLUDE_CURRENT_ROW) {
		peers_start = position;
		peers_end = position + 1;
	}
	n = add_slice(slices, n, start, within(peers_start, start, end));
	if (exclude == FRAME_EXCLUDE_TIES)
		n = add_slice(slices, n, within(position, start, end), within(position + 1, start, end));
	return add_slice(slices, n, within(peers_end, start, end), end);
}
