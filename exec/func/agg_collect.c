/*
 * Aggregates that keep values: COLLECT_LIST, COLLECT_SET, HISTOGRAM, ATTR, EARLIEST_BY_OFFSET, LATEST_BY_OFFSET and their
 * standard relatives ARRAY_AGG, ANY_VALUE, FIRST, LAST, MODE, ARG_MIN, ARG_MAX.  The state of all is a Bag.
 */
#include "exec/func/agg_bag.h"

#include <math.h>

#include "exec/expr/program.h"

enum { HISTOGRAM_MAX = 1000 };

/*
 * Defines step: `body` sees the row's bytes `row`, the bag `s`, and i.  `accepts` says which rows are encoded at all.
 */
#define BAG_STEP(name, n_columns, accepts, body)                                                                      \
	static Status name(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args,    \
					   int32_t n_rows, const uint64_t *skip, Vector *results)                                         \
	{                                                                                                                 \
		StrBuf buf = {0};                                                                                             \
                                                                                                                      \
		for (int32_t i = 0; i < n_rows; i++) {                                                                        \
			Bag *s = (Bag *)(states[i] + offset);                                                                     \
                                                                                                                      \
			if (!agg_skips(skip, i) && (accepts)) {                                                                   \
				Str row;                                                                                              \
                                                                                                                      \
				strbuf_clear(&buf);                                                                                   \
				bag_encode(args, n_columns, i, &buf);                                                                 \
				row = strbuf_str(&buf);                                                                               \
				body;                                                                                                 \
			}                                                                                                         \
			agg_note(call, s, results, i);                                                                            \
		}                                                                                                             \
		strbuf_free(&buf);                                                                                            \
		return OK;                                                                                                    \
	}

/* Defines merge: `body` sees each entry `entry` of the other bag, in order, and the bag `s`. */
#define BAG_MERGE(name, body)                                                                                         \
	static void name(const AggregateCall *call, void *into, const void *from)                                         \
	{                                                                                                                 \
		Bag		*s = into;                                                                                            \
		BagEntry entry;                                                                                               \
                                                                                                                      \
		for (size_t at_ = 0; bag_next(from, &at_, &entry);) {                                                         \
			body;                                                                                                     \
		}                                                                                                             \
	}

#define BAG_RESULT(name, body)                                                                                        \
	static void name(const AggregateCall *call, const void *state, Vector *out, int32_t row, Arena *arena)            \
	{                                                                                                                 \
		const Bag *s = state;                                                                                         \
                                                                                                                      \
		body;                                                                                                         \
	}

static const Type *
resolve_list(const Type *const *args, int n_args, const Value *constants, Error *err)
{
	(void)n_args, (void)constants, (void)err;
	return type_array(args[0]);
}

BAG_RESULT(list_result, bag_list_result(call, s, out, row, arena))
BAG_RESULT(value_result, bag_value_result(call, s, out, row, arena))

/* ---- COLLECT_LIST, COLLECT_SET ---- */

static bool
list_has_room(const AggregateCall *call, const Bag *s)
{
	int64_t limit = call->context != NULL ? call->context->collect_list_limit : 0;

	return limit <= 0 || s->n < limit;
}

static bool
set_has_room(const AggregateCall *call, const Bag *s)
{
	int64_t limit = call->context != NULL ? call->context->collect_set_limit : 0;

	return limit <= 0 || s->n < limit;
}

BAG_STEP(collect_list_step, 1, list_has_room(call, s), bag_add(call, s, 0, row))
BAG_MERGE(collect_list_merge, if (list_has_room(call, s)) bag_add(call, s, 0, entry.row))

/* Takes the last equal element away. */
static Status
collect_list_retract(const AggregateCall *call, void *state, const Vector *const *args, int32_t row)
{
	StrBuf	 buf = {0};
	BagEntry entry, found = {.at = SIZE_MAX};

	(void)call;
	bag_encode(args, 1, row, &buf);
	for (size_t at = 0; bag_next(state, &at, &entry);)
		if (str_equal(entry.row, strbuf_str(&buf)))
			found = entry;
	if (found.at != SIZE_MAX)
		bag_remove(state, found.at);
	strbuf_free(&buf);
	return OK;
}

static void
set_add(const AggregateCall *call, Bag *s, Str row)
{
	BagEntry entry;

	if (set_has_room(call, s) && !bag_find(s, row, &entry))
		bag_add(call, s, 0, row);
}

BAG_STEP(collect_set_step, 1, true, set_add(call, s, row))
BAG_MERGE(collect_set_merge, set_add(call, s, entry.row))

/* ---- ARRAY_AGG: a list, NULL without rows ---- */

BAG_STEP(array_agg_step, 1, true, bag_add(call, s, 0, row))
BAG_MERGE(array_agg_merge, bag_add(call, s, 0, entry.row))
BAG_RESULT(array_agg_result, {
	if (s->n == 0)
		vector_set_null(out, arena, row);
	else
		bag_list_result(call, s, out, row, arena);
})

/* ---- counts by value: HISTOGRAM, ATTR, MODE ---- */

static void
count_add(const AggregateCall *call, Bag *s, Str row, int64_t n, uint32_t max)
{
	BagEntry entry;

	if (bag_find(s, row, &entry))
		bag_set_tag(s, entry.at, entry.tag + n);
	else if (s->n < max)
		bag_add(call, s, n, row);
}

static bool
count_remove_row(Bag *s, Str row)
{
	BagEntry entry;
	bool	 found = bag_find(s, row, &entry);

	if (found && entry.tag <= 1)
		bag_remove(s, entry.at);
	else if (found)
		bag_set_tag(s, entry.at, entry.tag - 1);
	return found;
}

static bool
count_remove(Bag *s, const Vector *const *args, int32_t row)
{
	StrBuf buf = {0};
	bool   found;

	bag_encode(args, 1, row, &buf);
	found = count_remove_row(s, strbuf_str(&buf));
	strbuf_free(&buf);
	return found;
}

BAG_STEP(histogram_step, 1, true, count_add(call, s, row, 1, HISTOGRAM_MAX))
BAG_MERGE(histogram_merge, count_add(call, s, entry.row, entry.tag, HISTOGRAM_MAX))

static Status
histogram_retract(const AggregateCall *call, void *state, const Vector *const *args, int32_t row)
{
	/* A key that came when the map was full was never counted. */
	if (!count_remove(state, args, row) && ((Bag *)state)->n < HISTOGRAM_MAX)
		return error_fatal(call->err, "HISTOGRAM cannot take back a value that it has not counted");
	return OK;
}

BAG_RESULT(histogram_result, {
	Value	 map = {.type = call->result_type};
	BagEntry entry;

	map.items = arena_alloc(arena, sizeof *map.items * 2 * (s->n + 1));
	for (size_t at = 0; bag_next(s, &at, &entry); map.n_items++) {
		bag_values(call, &entry, 1, arena, &map.items[2 * map.n_items]);
		map.items[2 * map.n_items + 1] = value_integer(type_bigint, entry.tag);
	}
	vector_set(out, arena, row, &map);
})

BAG_STEP(attr_step, 1, true, count_add(call, s, row, 1, UINT32_MAX))
BAG_MERGE(attr_merge, count_add(call, s, entry.row, entry.tag, UINT32_MAX))
BAG_RESULT(attr_result, {
	if (s->n == 1)
		bag_value_result(call, s, out, row, arena);
	else
		vector_set_null(out, arena, row);
})

static Status
attr_retract(const AggregateCall *call, void *state, const Vector *const *args, int32_t row)
{
	(void)call;
	count_remove(state, args, row);
	return OK;
}

/* Zeros of either sign are one value, as in comparisons; so are NaNs of any bits. */
static void
mode_encode(const Vector *v, int32_t i, StrBuf *out)
{
	double		  number = v->type->kind == TYPE_DOUBLE ? arg_double(v, i) : 1, same = number == 0 ? 0.0 : NAN;
	const Vector  flat = {.type = type_double, .form = VECTOR_FLAT, .n_rows = 1, .capacity = 1, .data = &same};
	const Vector *column = &flat;

	strbuf_clear(out);
	if (number == 0 || number != number)
		row_encode(&column, 1, 0, out);
	else
		bag_encode(&v, 1, i, out);
}

static Status
mode_step(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args, int32_t n_rows,
		  const uint64_t *skip, Vector *results)
{
	StrBuf row = {0};

	for (int32_t i = 0; i < n_rows; i++) {
		Bag *s = (Bag *)(states[i] + offset);

		if (!agg_skips(skip, i) && arg_valid(args[0], i)) {
			mode_encode(args[0], i, &row);
			count_add(call, s, strbuf_str(&row), 1, UINT32_MAX);
		}
		agg_note(call, s, results, i);
	}
	strbuf_free(&row);
	return OK;
}

static Status
mode_retract(const AggregateCall *call, void *state, const Vector *const *args, int32_t i)
{
	StrBuf row = {0};

	(void)call;
	if (arg_valid(args[0], i)) {
		mode_encode(args[0], i, &row);
		count_remove_row(state, strbuf_str(&row));
	}
	strbuf_free(&row);
	return OK;
}

BAG_RESULT(mode_result, {
	Value	 value;
	BagEntry entry;
	BagEntry best = {0};

	for (size_t at = 0; bag_next(s, &at, &entry);)
		if (entry.tag > best.tag)
			best = entry;
	if (best.tag == 0) {
		vector_set_null(out, arena, row);
	} else {
		bag_values(call, &best, 1, arena, &value);
		vector_set(out, arena, row, &value);
	}
})

/* ---- more values than memory holds: sorted, the counts of each come together ---- */

/* The value that is counted, and the best of those before. */
typedef struct CountedValue {
	StrBuf	row;
	int64_t count;
	int64_t first;		/* number of its first entry */
} CountedValue;

typedef struct CountedValues {
	CountedValue current, best;
} CountedValues;

static void
mode_consider(CountedValues *c)
{
	CountedValue best = c->best;

	if (c->current.count < best.count || (c->current.count == best.count && c->current.first > best.first))
		return;
	c->best = c->current;
	c->current = best;
}

static void
mode_take(const AggregateCall *call, void *state, void *scratch, const Vector *const *columns, int32_t first, int32_t n)
{
	CountedValues *c = scratch;

	(void)call, (void)state;
	for (int32_t i = first; i < first + n; i++) {
		const StrView *view = (const StrView *)columns[0]->data + i;
		Str			   row = str_make(str_view_data(view), view->length);

		if (c->current.count == 0 || !str_equal(row, strbuf_str(&c->current.row))) {
			mode_consider(c);
			strbuf_clear(&c->current.row);
			strbuf_add_str(&c->current.row, row);
			c->current.count = 0;
			c->current.first = ((const int64_t *)columns[2]->data)[i];
		}
		c->current.count += ((const int64_t *)columns[1]->data)[i];
	}
}

static void
mode_end(const AggregateCall *call, void *state, void *scratch)
{
	CountedValues *c = scratch;

	mode_consider(c);
	if (c->best.count > 0)
		bag_add(call, state, c->best.count, strbuf_str(&c->best.row));
	strbuf_free(&c->current.row);
	strbuf_free(&c->best.row);
}

static const AggregateReduction mode_reduction = {
	.n_columns = BAG_ENTRY_COLUMNS,
	.save_part = bag_save_part,
	.entries = bag_entries,
	.forget = bag_destroy,
	.scratch_size = sizeof(CountedValues),
	.take = mode_take,
	.end = mode_end,
};

/* Two values are as good as many. */
static void
attr_take(const AggregateCall *call, void *state, void *scratch, const Vector *const *columns, int32_t first, int32_t n)
{
	Bag		*s = state;
	BagEntry entry;

	(void)scratch;
	for (int32_t i = first; i < first + n && s->n < 2; i++) {
		const StrView *view = (const StrView *)columns[0]->data + i;
		Str			   row = str_make(str_view_data(view), view->length);

		if (!bag_find(s, row, &entry))
			bag_add(call, s, 1, row);
	}
}

static const AggregateReduction attr_reduction = {
	.n_columns = BAG_ENTRY_COLUMNS,
	.save_part = bag_save_part,
	.entries = bag_entries,
	.forget = bag_destroy,
	.take = attr_take,
};

/* ---- the first and the last in processing order ---- */

/* The n and ignoreNulls arguments: constants behind the first argument. */
static int64_t
offset_n(const AggregateCall *call)
{
	for (int a = 1; a < call->n_args; a++)
		if (call->arg_types[a]->kind == TYPE_INTEGER)
			return call->constants[a].type != NULL && !call->constants[a].is_null ? call->constants[a].integer : 1;
	return 1;
}

static bool
offset_takes(const AggregateCall *call, const Vector *const *args, int32_t i)
{
	if (arg_valid(args[0], i))
		return true;
	for (int a = 1; a < call->n_args; a++)
		if (call->arg_types[a]->kind == TYPE_BOOLEAN)
			return call->constants[a].type != NULL && !call->constants[a].is_null && !call->constants[a].boolean;
	return false;
}

static int64_t
next_sequence(const AggregateCall *call)
{
	return call->sequence != NULL ? (*call->sequence)++ : 0;
}

static void
bag_remove_first(Bag *s)
{
	bag_remove(s, 0);
}

static void
latest_add(const AggregateCall *call, Bag *s, int64_t sequence, Str row)
{
	if (s->n >= (uint64_t)offset_n(call))
		bag_remove_first(s);
	bag_add(call, s, sequence, row);
}

BAG_STEP(earliest_step, 1, s->n < (uint64_t)offset_n(call) && offset_takes(call, args, i),
		 bag_add(call, s, next_sequence(call), row))
BAG_STEP(latest_step, 1, offset_takes(call, args, i), latest_add(call, s, next_sequence(call), row))

/* Into the order of sequence numbers. */
static void
offset_merge(const AggregateCall *call, Bag *s, const Bag *from)
{
	BagEntry entry, here;

	for (size_t at = 0; bag_next(from, &at, &entry);) {
		size_t place = s->length;

		if (!call->merges_parts)
			for (size_t other = 0; bag_next(s, &other, &here);)
				if (here.tag > entry.tag) {
					place = here.at;
					break;
				}
		bag_insert(call, s, place, entry.tag, entry.row);
	}
}

static void
earliest_merge(const AggregateCall *call, void *into, const void *from)
{
	Bag		*s = into;
	BagEntry entry;

	offset_merge(call, s, from);
	while (s->n > (uint64_t)offset_n(call)) {
		size_t last = 0;

		for (size_t at = 0; bag_next(s, &at, &entry);)
			last = entry.at;
		bag_remove(s, last);
	}
}

static void
latest_merge(const AggregateCall *call, void *into, const void *from)
{
	Bag *s = into;

	offset_merge(call, s, from);
	while (s->n > (uint64_t)offset_n(call))
		bag_remove_first(s);
}

static Status
offset_check(const Value *constants, int n_args, const char *what, Error *err)
{
	for (int a = 1; a < n_args; a++) {
		if (constants[a].type == NULL)
			return error_user(err, "Parameter %d must be a constant, but was expression", a + 1);
		if (constants[a].type->kind == TYPE_INTEGER && (constants[a].is_null || constants[a].integer < 1))
			return error_user(err, "%s must be 1 or greater", what);
	}
	return OK;
}

static Status
earliest_check(const Value *constants, int n_args, Error *err)
{
	return offset_check(constants, n_args, "earliestN", err);
}

static Status
latest_check(const Value *constants, int n_args, Error *err)
{
	return offset_check(constants, n_args, "latestN", err);
}

/* ---- standard: ANY_VALUE, FIRST, LAST ---- */

BAG_STEP(any_value_step, 1, s->n == 0 && arg_valid(args[0], i), bag_add(call, s, 0, row))
BAG_STEP(first_step, 1, s->n == 0, bag_add(call, s, 0, row))
BAG_STEP(last_step, 1, true, (bag_clear(s), bag_add(call, s, 0, row)))
BAG_MERGE(first_merge, if (s->n == 0) bag_add(call, s, 0, entry.row))
BAG_MERGE(last_merge, (bag_clear(s), bag_add(call, s, 0, entry.row)))

/* ---- ARG_MIN, ARG_MAX: the value where another is least or greatest; ties go to the first ---- */

static void
arg_consider(const AggregateCall *call, Bag *s, Str row, bool wants_max)
{
	Arena	 arena = {0};
	BagEntry best;
	BagEntry candidate = {.row = row};
	Value	 a[2], b[2];
	size_t	 at = 0;

	if (!bag_next(s, &at, &best)) {
		bag_add(call, s, 0, row);
		return;
	}
	bag_values(call, &candidate, 2, &arena, a);
	bag_values(call, &best, 2, &arena, b);
	if (wants_max ? value_compare(&a[1], &b[1], false) > 0 : value_compare(&a[1], &b[1], false) < 0) {
		bag_clear(s);
		bag_add(call, s, 0, row);
	}
	arena_free(&arena);
}

#define ARG_ROW_COUNTS (arg_valid(args[0], i) && arg_valid(args[1], i))
BAG_STEP(arg_min_step, 2, ARG_ROW_COUNTS, arg_consider(call, s, row, false))
BAG_STEP(arg_max_step, 2, ARG_ROW_COUNTS, arg_consider(call, s, row, true))
BAG_MERGE(arg_min_merge, arg_consider(call, s, entry.row, false))
BAG_MERGE(arg_max_merge, arg_consider(call, s, entry.row, true))

#define EARLIEST_TEXT "First value in processing order; with n, the first n as an array, oldest first."
#define LATEST_TEXT "Last value in processing order; with n, the last n as an array, oldest first."
#define EARLIEST(sig, ...)                                                                                            \
	{.name = "EARLIEST_BY_OFFSET", .flags = FUNC_ORDERED, .signature = sig, BAG_STATE, .step = earliest_step, .merge = earliest_merge,       \
	 .check = earliest_check, .description = EARLIEST_TEXT, __VA_ARGS__}
#define LATEST(sig, ...)                                                                                              \
	{.name = "LATEST_BY_OFFSET", .flags = FUNC_ORDERED, .signature = sig, BAG_STATE, .step = latest_step, .merge = latest_merge,             \
	 .check = latest_check, .description = LATEST_TEXT, __VA_ARGS__}
#define ARRAY_AGG(name_)                                                                                              \
	{.name = name_, .flags = FUNC_ORDERED, .signature = "(T) -> = list", BAG_STATE, .step = array_agg_step, .merge = array_agg_merge,        \
	 .retract = collect_list_retract, .result = array_agg_result, .resolve = resolve_list,                            \
	 .dialect = FUNCTION_STANDARD, .description = "All values as an array, NULLs included."}
#define ARG(name_, which, text)                                                                                       \
	{.name = name_, .signature = "(T, K) -> = same", BAG_STATE, .step = which##_step, .merge = which##_merge,         \
	 .result = value_result, .resolve = agg_resolve_same, .dialect = FUNCTION_STANDARD, .description = text}
#define ARG_MIN_TEXT "First argument of the row in which the second is least."
#define ARG_MAX_TEXT "First argument of the row in which the second is greatest."

const Aggregate collect_aggregates[] = {
	{.name = "COLLECT_LIST", .flags = FUNC_ORDERED, .signature = "(T) -> = list", BAG_STATE, .step = collect_list_step,
	 .retract = collect_list_retract, .merge = collect_list_merge, .result = list_result, .resolve = resolve_list,
	 .description = "All values as an array, NULLs included."},
	{.name = "COLLECT_SET", .flags = FUNC_ORDERED, .signature = "(T) -> = list", BAG_STATE, .step = collect_set_step,
	 .merge = collect_set_merge, .result = list_result, .resolve = resolve_list,
	 .description = "The distinct values as an array, in order of appearance."},
	{.name = "HISTOGRAM", .signature = "(STRING) -> MAP<STRING, BIGINT>", BAG_STATE, .step = histogram_step,
	 .retract = histogram_retract, .merge = histogram_merge, .result = histogram_result,
	 .description = "A map from each distinct value to its number of rows; at most 1000 values."},
	{.name = "ATTR", .signature = "(T) -> = same", BAG_STATE, .step = attr_step, .retract = attr_retract,
	 .merge = attr_merge, .result = attr_result, .reduction = &attr_reduction, .resolve = agg_resolve_same,
	 .description = "The value that all rows of the group have, NULL if they differ."},

	EARLIEST("(T) -> = same", .result = value_result, .resolve = agg_resolve_same),
	EARLIEST("(T, BOOLEAN) -> = same", .result = value_result, .resolve = agg_resolve_same),
	EARLIEST("(T, INTEGER) -> = list", .result = list_result, .resolve = resolve_list),
	EARLIEST("(T, INTEGER, BOOLEAN) -> = list", .result = list_result, .resolve = resolve_list),
	LATEST("(T) -> = same", .result = value_result, .resolve = agg_resolve_same),
	LATEST("(T, BOOLEAN) -> = same", .result = value_result, .resolve = agg_resolve_same),
	LATEST("(T, INTEGER) -> = list", .result = list_result, .resolve = resolve_list),
	LATEST("(T, INTEGER, BOOLEAN) -> = list", .result = list_result, .resolve = resolve_list),

	ARRAY_AGG("ARRAY_AGG"),
	ARRAY_AGG("LIST"),
	{.name = "MODE", .signature = "(T) -> = same", BAG_STATE, .step = mode_step, .retract = mode_retract,
	 .merge = attr_merge, .result = mode_result, .reduction = &mode_reduction, .resolve = agg_resolve_same, .dialect = FUNCTION_STANDARD,
	 .description = "The most frequent value; of several, the one that came first."},
	{.name = "ANY_VALUE", .signature = "(T) -> = same", BAG_STATE, .step = any_value_step, .merge = first_merge,
	 .result = value_result, .resolve = agg_resolve_same, .dialect = FUNCTION_STANDARD,
	 .description = "Some value that is not NULL."},
	{.name = "FIRST", .flags = FUNC_ORDERED, .signature = "(T) -> = same", BAG_STATE, .step = first_step, .merge = first_merge,
	 .result = value_result, .resolve = agg_resolve_same, .dialect = FUNCTION_STANDARD,
	 .description = "The value of the first row."},
	{.name = "LAST", .flags = FUNC_ORDERED, .signature = "(T) -> = same", BAG_STATE, .step = last_step, .merge = last_merge,
	 .result = value_result, .resolve = agg_resolve_same, .dialect = FUNCTION_STANDARD,
	 .description = "The value of the last row."},
	ARG("ARG_MIN", arg_min, ARG_MIN_TEXT),
	ARG("MIN_BY", arg_min, ARG_MIN_TEXT),
	ARG("ARG_MAX", arg_max, ARG_MAX_TEXT),
	ARG("MAX_BY", arg_max, ARG_MAX_TEXT),
	{.name = NULL},
};
