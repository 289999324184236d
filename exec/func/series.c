/*
 * GENERATE_SERIES and RANGE: of numbers, of times.  What a call gives is known as where it begins, its step and how many elements there
 * are, so in FROM its rows are made as they are wanted; an array of it must fit into memory.
 */
#include "exec/func/series.h"

#include "exec/func/calendar.h"

#define SERIES_MAX 10000000		/* elements of one array: what a row can hold within reason */
#define SERIES_ELEMENT_BYTES (int64_t)(2 * sizeof(Value) + 8)	/* made, put into a vector, and read from there */
#define AS_ROWS "In FROM, as in `FROM generate_series(1, 10) t(x)`, a series has no limit and needs no memory."

/* ---- numbers ---- */

/* Distance and size are not negative. */
static bool
count_numbers(const ScalarCall *call, int32_t row, __int128 distance, __int128 size, bool has_end, Series *out)
{
	__int128 n = distance < 0 ? 0 : has_end ? distance / size + 1 : (distance + size - 1) / size;

	if (n > INT64_MAX) {
		eval_fail(call->context, row, "%s would make more rows than can be counted", call->function->name);
		return false;
	}
	out->n = (int64_t)n;
	return true;
}

static bool
find_numbers(const ScalarCall *call, int32_t row, const Value *args, Series *out)
{
	int64_t start = args[0].integer, end = args[1].integer;
	int64_t step = call->n_args > 2 ? args[2].integer : end > start || call_is_standard(call) ? 1 : -1;
	bool	leads_away = (end > start && step < 0) || (end < start && step > 0);

	*out = (Series){.start = start, .step = step};
	/* standard: a step that leads away from the end makes nothing */
	if (call_is_standard(call) && leads_away)
		return true;
	if (step == 0 || leads_away) {
		eval_fail(call->context, row, step == 0 ? "GENERATE_SERIES step cannot be zero" : "GENERATE_SERIES step has wrong sign");
		return false;
	}
	return count_numbers(call, row, step > 0 ? (__int128)end - start : (__int128)start - end, step > 0 ? step : -(__int128)step, true, out);
}

/* As DuckDB: from 0 unless said, the end not included; empty where the step leads away from it. */
static bool
find_range(const ScalarCall *call, int32_t row, const Value *args, Series *out)
{
	int64_t start = call->n_args > 1 ? args[0].integer : 0, end = args[call->n_args > 1 ? 1 : 0].integer;
	int64_t step = call->n_args > 2 ? args[2].integer : 1;

	*out = (Series){.start = start, .step = step};
	if (step == 0) {
		eval_fail(call->context, row, "The step of RANGE cannot be zero");
		return false;
	}
	return count_numbers(call, row, step > 0 ? (__int128)end - start : (__int128)start - end, step > 0 ? step : -(__int128)step, false, out);
}

static void
fill_numbers(const Series *series, int64_t first, int32_t n, Vector *out, int32_t at)
{
	uint64_t x = (uint64_t)series->start + (uint64_t)first * (uint64_t)series->step;

	if (out->type->kind == TYPE_INTEGER) {
		int32_t *to = (int32_t *)out->data + at;

		for (int32_t i = 0; i < n; i++)
			to[i] = (int32_t)(x + (uint64_t)i * (uint64_t)series->step);
	} else {
		int64_t *to = (int64_t *)out->data + at;

		for (int32_t i = 0; i < n; i++)
			to[i] = (int64_t)(x + (uint64_t)i * (uint64_t)series->step);
	}
}

/* ---- times ---- */

/* From the start, so that the 31st of January is followed by the ends of all months. */
static int64_t
time_at(const Series *series, int64_t i)
{
	Interval by = {(int32_t)(series->by.months * i), (int32_t)(series->by.days * i), multiply_wrapping(series->by.micros, i)};

	return calendar_add_interval(series->start, by, 1);
}

/* How many steps can be told as an interval. */
static int64_t
steps_max(Interval by)
{
	int64_t n = INT32_MAX;

	if (by.months != 0)
		n = INT32_MAX / (by.months > 0 ? by.months : -(int64_t)by.months);
	if (by.days != 0 && INT32_MAX / (by.days > 0 ? by.days : -(int64_t)by.days) < n)
		n = INT32_MAX / (by.days > 0 ? by.days : -(int64_t)by.days);
	if (by.months == 0 && by.days == 0)
		n = INT64_MAX;
	if (by.micros != 0 && INT64_MAX / (by.micros > 0 ? by.micros : -(by.micros + 1)) < n)
		n = INT64_MAX / (by.micros > 0 ? by.micros : -(by.micros + 1));
	return n;
}

/* Whether element i is there: not beyond the end, and not wrapped around. */
static bool
time_is_in(const Series *series, int64_t i, int64_t end, int sign, bool has_end)
{
	int64_t t = time_at(series, i);

	if (sign > 0 ? t < series->start : t > series->start)
		return false;
	return (sign > 0 ? t < end : t > end) || (t == end && has_end);
}

static bool
find_times(const ScalarCall *call, int32_t row, const Value *args, Series *out)
{
	int64_t scale = args[0].type->kind == TYPE_DATE ? MS_PER_DAY : 1, end = args[1].integer * scale;
	bool	has_end = call->function->name[0] != 'R';
	int64_t first, low, high, most;
	int		sign;

	*out = (Series){.start = args[0].integer * scale, .by = args[2].interval};
	first = calendar_add_interval(out->start, out->by, 1);
	sign = first > out->start ? 1 : first < out->start ? -1 : 0;
	if (sign == 0) {
		eval_fail(call->context, row, "The step of %s cannot be zero", call->function->name);
		return false;
	}
	if (!time_is_in(out, 0, end, sign, has_end))
		return true;
	/* The last element that is in, by doubling and halving: times rise with their number. */
	most = steps_max(out->by);
	for (low = 0, high = 1; high < most && time_is_in(out, high, end, sign, has_end); high = high > most / 2 ? most : high * 2)
		low = high;
	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2;

		if (time_is_in(out, middle, end, sign, has_end))
			low = middle;
		else
			high = middle;
	}
	out->n = low + 1;
	return true;
}

static void
fill_times(const Series *series, int64_t first, int32_t n, Vector *out, int32_t at)
{
	for (int32_t i = 0; i < n; i++)
		((int64_t *)out->data)[at + i] = time_at(series, first + i);
}

/* ---- as arrays ---- */

static bool
make_array(const ScalarCall *call, int32_t row, const Series *series, Value *out,
		   void (*fill)(const Series *series, int64_t first, int32_t n, Vector *out, int32_t at))
{
	const Type *type = call->result_type->element;
	Vector	   *v;
	Value	   *items;

	if (series->n == 0)
		return value_set_items(out, NULL, 0);
	if (series->n > SERIES_MAX) {
		eval_refuse(call->context, row, AS_ROWS, "%s would make an array of %lld elements, which has %d at most", call->function->name,
					(long long)series->n, SERIES_MAX);
		return false;
	}
	if (!eval_has_room(call->context, row, call->function->name, series->n * SERIES_ELEMENT_BYTES,
					   AS_ROWS " For a larger array raise the limit with SET 'memory.limit'='...'."))
		return false;
	items = arena_array(call->arena, Value, series->n);
	v = vector_new(call->arena, type, BATCH_ROWS);
	for (int64_t first = 0; first < series->n; first += BATCH_ROWS) {
		int32_t n = (int32_t)(series->n - first < BATCH_ROWS ? series->n - first : BATCH_ROWS);

		fill(series, first, n, v, 0);
		for (int32_t i = 0; i < n; i++)
			items[first + i] = vector_get(v, i, call->arena);
	}
	return value_set_items(out, items, (uint32_t)series->n);
}

bool
generate_series(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	Series series;

	return find_numbers(call, row, args, &series) && make_array(call, row, &series, out, fill_numbers);
}

bool
range_series(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	Series series;

	return find_range(call, row, args, &series) && make_array(call, row, &series, out, fill_numbers);
}

bool
time_series(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	Series series;

	return find_times(call, row, args, &series) && make_array(call, row, &series, out, fill_times);
}

/* ---- as rows ---- */

const TableFunction *
series_as_rows(const ScalarFunction *function)
{
	static const TableFunction numbers = {.name = "GENERATE_SERIES", .series = find_numbers, .fill = fill_numbers};
	static const TableFunction range = {.name = "RANGE", .series = find_range, .fill = fill_numbers};
	static const TableFunction times = {.name = "GENERATE_SERIES", .series = find_times, .fill = fill_times};
	static const TableFunction time_range = {.name = "RANGE", .series = find_times, .fill = fill_times};

	if (function->row_kernel == generate_series)
		return &numbers;
	if (function->row_kernel == range_series)
		return &range;
	if (function->row_kernel == time_series)
		return function->name[0] == 'R' ? &time_range : &times;
	return NULL;
}
