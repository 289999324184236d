/* Functions of arrays as DuckDB has them: slices with positions from the end, searching several elements, aggregates of a list. */
#include <math.h>
#include <stdlib.h>

#include "exec/func/kernel.h"

#define LIST_RESIZE_MAX 10000000

/* ---- parts ---- */

/* Positions from..to of n elements, counted from 1, or from -1 for the last, as the half-open range that is there. */
static void
slice_range(int64_t n, int64_t from, int64_t to, int64_t *begin, int64_t *end)
{
	if (from < 0)
		from = from < -n ? 1 : n + 1 + from;
	if (to < 0)
		to = to < -n ? 0 : n + 1 + to;
	*begin = from > 0 ? from - 1 : 0;
	*end = to < n ? to : n;
	if (*begin > *end)
		*begin = *end;
}

static bool
list_slice(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	int64_t	begin, end;

	(void)call;
	(void)row;
	slice_range(args[0].n_items, args[1].integer, args[2].integer, &begin, &end);
	return value_set_items(out, args[0].items + begin, (uint32_t)(end - begin));
}

static bool
text_part(const ScalarCall *call, Str text, int64_t from, int64_t to, Value *out)
{
	int64_t	begin, end;
	size_t	first, behind;

	slice_range(call_text_length(call, text), from, to, &begin, &end);
	first = call_text_offset(call, text, begin);
	behind = call_text_offset(call, text, end);
	return value_set_text(call, out, str_make(text.data + first, behind - first));
}

static bool
text_slice(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	return text_part(call, args[0].text, args[1].integer, args[2].integer, out);
}

static bool
text_extract(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	int64_t	at = args[1].integer;

	(void)row;
	if (at == 0 || at < -call_text_length(call, args[0].text))
		return value_set_text(call, out, STR(""));
	return text_part(call, args[0].text, at, at, out);
}

static bool
item_at(const Value *list, int64_t at, Value *out)
{
	if (at < 0)
		at += list->n_items + 1;
	if (at >= 1 && at <= list->n_items)
		*out = list->items[at - 1];
	return true;
}

static bool
list_extract(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)call;
	(void)row;
	return item_at(&args[0], args[1].integer, out);
}

static bool
list_first(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)call;
	(void)row;
	return item_at(&args[0], 1, out);
}

static bool
list_last(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)call;
	(void)row;
	return item_at(&args[0], -1, out);
}

static bool
list_any_value(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)call;
	(void)row;
	for (uint32_t i = 0; i < args[0].n_items; i++)
		if (!args[0].items[i].is_null) {
			*out = args[0].items[i];
			return true;
		}
	return true;
}

static bool
list_select(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	ItemList list = {.arena = call->arena};

	(void)row;
	for (uint32_t i = 0; i < args[1].n_items; i++) {
		Value item = value_null(args[0].type->element);

		if (!args[1].items[i].is_null)
			item_at(&args[0], args[1].items[i].integer, &item);
		item_add(&list, item);
	}
	return value_set_items(out, list.items, list.n);
}

static bool
list_where(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	ItemList list = {.arena = call->arena};

	(void)row;
	for (uint32_t i = 0; i < args[0].n_items && i < args[1].n_items; i++)
		if (!args[1].items[i].is_null && args[1].items[i].boolean)
			item_add(&list, args[0].items[i]);
	return value_set_items(out, list.items, list.n);
}

static bool
list_resize(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	ItemList list = {.arena = call->arena};
	int64_t	 n = args[1].integer;

	if (args[0].is_null)
		return true;
	if (args[1].is_null || n < 0)
		n = 0;
	if (n > LIST_RESIZE_MAX) {
		eval_fail(call->context, row, "A list of %lld elements is too long: the most is %d", (long long)n, LIST_RESIZE_MAX);
		return false;
	}
	for (int64_t i = 0; i < n; i++)
		item_add(&list, i < args[0].n_items ? args[0].items[i] : call->n_args > 2 ? args[2] : value_null(args[0].type->element));
	return value_set_items(out, list.items, list.n);
}

static bool
list_value(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	ItemList list = {.arena = call->arena};

	(void)row;
	for (int i = 0; i < call->n_args; i++)
		item_add(&list, args[i]);
	return value_set_items(out, list.items, list.n);
}

static bool
list_zip(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	const Type *pair = call->result_type->element;
	uint32_t	n = args[0].n_items > args[1].n_items ? args[0].n_items : args[1].n_items;
	Value	   *items = arena_array(call->arena, Value, n + 1);

	(void)row;
	for (uint32_t i = 0; i < n; i++) {
		Value *fields = arena_array(call->arena, Value, 2);

		for (int f = 0; f < 2; f++)
			fields[f] = i < args[f].n_items ? args[f].items[i] : value_null(pair->fields[f].type);
		items[i] = (Value){.type = pair, .items = fields, .n_items = 2};
	}
	return value_set_items(out, items, n);
}

static const Type *
zip_resolve(const Type *const *args, int n_args, const Value *constants, Error *err)
{
	TypeField fields[2] = {{.name = "f1", .type = args[0]->element}, {.name = "f2", .type = args[1]->element}};

	(void)n_args;
	(void)constants;
	(void)err;
	return type_array(type_struct(fields, 2));
}

/* ---- searching ---- */

/* value = ANY (list): NULL where a NULL could have been the value. */
static bool
in_array(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	bool	has_null = false;

	(void)call;
	(void)row;
	if (args[1].is_null || (args[0].is_null && args[1].n_items > 0))
		return true;
	for (uint32_t i = 0; i < args[1].n_items; i++) {
		has_null |= args[1].items[i].is_null;
		if (!args[1].items[i].is_null && value_equal(&args[1].items[i], &args[0]))
			return value_set_boolean(out, true);
	}
	return has_null ? true : value_set_boolean(out, false);
}

static bool
list_has(const Value *list, const Value *wanted)
{
	for (uint32_t i = 0; i < list->n_items; i++)
		if (value_equal(&list->items[i], wanted))
			return true;
	return false;
}

static bool
list_has_some(const ScalarCall *call, const Value *args, bool needs_all, Value *out)
{
	(void)call;
	for (uint32_t i = 0; i < args[1].n_items; i++)
		if (!args[1].items[i].is_null && list_has(&args[0], &args[1].items[i]) != needs_all)
			return value_set_boolean(out, !needs_all);
	return value_set_boolean(out, needs_all);
}

static bool
list_has_any(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	return list_has_some(call, args, false, out);
}

static bool
list_has_all(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	return list_has_some(call, args, true, out);
}

static bool
list_unique(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	int64_t	n = 0;

	(void)call;
	(void)row;
	for (uint32_t i = 0; i < args[0].n_items; i++) {
		Value before = args[0];

		before.n_items = i;
		n += !args[0].items[i].is_null && !list_has(&before, &args[0].items[i]);
	}
	return value_set_integer(out, n);
}

/* ---- aggregates of a list: NULLs left out; NULL of nothing ---- */

static bool
list_count(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	int64_t	n = 0;

	(void)call;
	(void)row;
	for (uint32_t i = 0; i < args[0].n_items; i++)
		n += !args[0].items[i].is_null;
	return value_set_integer(out, n);
}

static bool
list_avg(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	double	sum = 0;
	int64_t	n = 0;

	(void)call;
	(void)row;
	for (uint32_t i = 0; i < args[0].n_items; i++)
		if (!args[0].items[i].is_null) {
			sum += args[0].items[i].number;
			n++;
		}
	return n == 0 ? true : value_set_double(out, sum / (double)n);
}

static bool
list_product(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	double	product = 1;
	bool	found = false;

	(void)call;
	(void)row;
	for (uint32_t i = 0; i < args[0].n_items; i++)
		if (!args[0].items[i].is_null) {
			product *= args[0].items[i].number;
			found = true;
		}
	return found ? value_set_double(out, product) : true;
}

static int
number_compare(const void *a, const void *b)
{
	double	x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static bool
list_median(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	double *numbers = arena_array(call->arena, double, args[0].n_items + 1);
	size_t	n = 0;

	(void)row;
	for (uint32_t i = 0; i < args[0].n_items; i++)
		if (!args[0].items[i].is_null)
			numbers[n++] = args[0].items[i].number;
	if (n == 0)
		return true;
	qsort(numbers, n, sizeof *numbers, number_compare);
	return value_set_double(out, n % 2 == 1 ? numbers[n / 2] : (numbers[n / 2 - 1] + numbers[n / 2]) / 2);
}

static bool
list_bool(const Value *list, bool decides, Value *out)
{
	bool	found = false;

	for (uint32_t i = 0; i < list->n_items; i++) {
		if (list->items[i].is_null)
			continue;
		found = true;
		if (list->items[i].boolean == decides)
			return value_set_boolean(out, decides);
	}
	return found ? value_set_boolean(out, !decides) : true;
}

static bool
list_bool_and(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)call;
	(void)row;
	return list_bool(&args[0], false, out);
}

static bool
list_bool_or(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)call;
	(void)row;
	return list_bool(&args[0], true, out);
}

/* ---- two lists of numbers ---- */

/* False after eval_fail, and with *is_null where an element is NULL. */
static bool
lists_check(const ScalarCall *call, int32_t row, const Value *args, bool *is_null)
{
	*is_null = false;
	if (args[0].n_items != args[1].n_items) {
		eval_fail(call->context, row, "%s needs lists of the same length, not of %u and %u elements", call->function->name, args[0].n_items,
				  args[1].n_items);
		return false;
	}
	for (uint32_t i = 0; i < args[0].n_items; i++)
		*is_null |= args[0].items[i].is_null || args[1].items[i].is_null;
	return true;
}

static double
dot(const Value *a, const Value *b)
{
	double	sum = 0;

	for (uint32_t i = 0; i < a->n_items; i++)
		sum += a->items[i].number * b->items[i].number;
	return sum;
}

static bool
list_dot_product(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	bool	is_null;

	if (!lists_check(call, row, args, &is_null))
		return false;
	return is_null ? true : value_set_double(out, dot(&args[0], &args[1]));
}

static bool
list_cosine(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	bool	is_null;

	if (!lists_check(call, row, args, &is_null))
		return false;
	return is_null ? true : value_set_double(out, dot(&args[0], &args[1]) / sqrt(dot(&args[0], &args[0]) * dot(&args[1], &args[1])));
}

static bool
list_distance(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	bool	is_null;
	double	sum = 0;

	if (!lists_check(call, row, args, &is_null))
		return false;
	for (uint32_t i = 0; i < args[0].n_items && !is_null; i++)
		sum += (args[0].items[i].number - args[1].items[i].number) * (args[0].items[i].number - args[1].items[i].number);
	return is_null ? true : value_set_double(out, sqrt(sum));
}

#define SLICE_TEXT "The elements or characters from one position to another, both included; they count from 1, or from -1 at the end."
#define EXTRACT_TEXT "The element or character at a position, which counts from 1, or from -1 at the end."
#define VALUE_TEXT "A list of the arguments."
#define RESIZE_TEXT "The list with a given number of elements, filled up with NULL or a given value."

#define SLICES(name)                                                                                                                        \
	FUNCTION_ROWS(name, "(ARRAY<T>, BIGINT, BIGINT) -> ARRAY<T>", list_slice, NULL_IN, STANDARD, SLICE_TEXT,                                \
				  "ARRAY_JOIN(" name "(ARRAY[1, 2, 3], 2, -1), ' ')", "2 3"),                                                               \
	FUNCTION_ROWS(name, "(STRING, BIGINT, BIGINT) -> STRING", text_slice, NULL_IN, STANDARD, SLICE_TEXT, name "('hello', 2, 3)", "el")
#define EXTRACTS(name)                                                                                                                      \
	FUNCTION_ROWS(name, "(ARRAY<T>, BIGINT) -> T", list_extract, NULL_IN, STANDARD, EXTRACT_TEXT, name "(ARRAY[1, 2, 3], -1)", "3"),        \
	FUNCTION_ROWS(name, "(STRING, BIGINT) -> STRING", text_extract, NULL_IN, STANDARD, EXTRACT_TEXT, name "('hello', 1)", "h")

const ScalarFunction scalar_list_functions[] = {
	EXTRACTS("ARRAY_EXTRACT"),
	SLICES("ARRAY_SLICE"),
	FUNCTION_ROWS("IN_ARRAY", "(T, ARRAY<T>) -> BOOLEAN", in_array, FUNC_HIDDEN, STANDARD, "Whether a value is one of an array, as = ANY."),
	FUNCTION_ROWS("LIST_ANY_VALUE", "(ARRAY<T>) -> T", list_any_value, NULL_IN, STANDARD, "The first element of a list that is not NULL.",
				  "LIST_ANY_VALUE(ARRAY[NULL, 2])", "2"),
	FUNCTION_ROWS("LIST_AVG", "(ARRAY<DOUBLE>) -> DOUBLE", list_avg, NULL_IN, STANDARD, "The mean of the elements of a list, NULLs left out.",
				  "LIST_AVG(ARRAY[1, 2])", "1.5"),
	FUNCTION_ROWS("LIST_BOOL_AND", "(ARRAY<BOOLEAN>) -> BOOLEAN", list_bool_and, NULL_IN, STANDARD, "Whether all elements of a list are TRUE.",
				  "LIST_BOOL_AND(ARRAY[TRUE, FALSE])", "false"),
	FUNCTION_ROWS("LIST_BOOL_OR", "(ARRAY<BOOLEAN>) -> BOOLEAN", list_bool_or, NULL_IN, STANDARD, "Whether an element of a list is TRUE.",
				  "LIST_BOOL_OR(ARRAY[TRUE, FALSE])", "true"),
	FUNCTION_ROWS("LIST_COSINE_SIMILARITY", "(ARRAY<DOUBLE>, ARRAY<DOUBLE>) -> DOUBLE", list_cosine, NULL_IN, STANDARD,
				  "The cosine of the angle between two lists as vectors.", "LIST_COSINE_SIMILARITY(ARRAY[1, 0], ARRAY[0, 1])", "0.0"),
	FUNCTION_ROWS("LIST_COUNT", "(ARRAY<T>) -> BIGINT", list_count, NULL_IN, STANDARD, "How many elements of a list are not NULL.",
				  "LIST_COUNT(ARRAY[1, NULL])", "1"),
	FUNCTION_ROWS("LIST_DISTANCE", "(ARRAY<DOUBLE>, ARRAY<DOUBLE>) -> DOUBLE", list_distance, NULL_IN, STANDARD,
				  "The Euclidean distance of two lists as points.", "LIST_DISTANCE(ARRAY[0, 0], ARRAY[3, 4])", "5.0"),
	FUNCTION_ROWS("LIST_DOT_PRODUCT", "(ARRAY<DOUBLE>, ARRAY<DOUBLE>) -> DOUBLE", list_dot_product, NULL_IN, STANDARD,
				  "The inner product of two lists as vectors.", "LIST_DOT_PRODUCT(ARRAY[1, 2], ARRAY[3, 4])", "11.0"),
	EXTRACTS("LIST_ELEMENT"),
	EXTRACTS("LIST_EXTRACT"),
	FUNCTION_ROWS("LIST_FIRST", "(ARRAY<T>) -> T", list_first, NULL_IN, STANDARD, "The first element of a list.", "LIST_FIRST(ARRAY[1, 2])", "1"),
	FUNCTION_ROWS("LIST_HAS_ALL", "(ARRAY<T>, ARRAY<T>) -> BOOLEAN", list_has_all, NULL_IN, STANDARD,
				  "Whether a list has all elements of another one.", "LIST_HAS_ALL(ARRAY[1, 2, 3], ARRAY[1, 3])", "true"),
	FUNCTION_ROWS("LIST_HAS_ANY", "(ARRAY<T>, ARRAY<T>) -> BOOLEAN", list_has_any, NULL_IN, STANDARD,
				  "Whether two lists have an element in common.", "LIST_HAS_ANY(ARRAY[1, 2], ARRAY[2, 3])", "true"),
	FUNCTION_ROWS("LIST_LAST", "(ARRAY<T>) -> T", list_last, NULL_IN, STANDARD, "The last element of a list.", "LIST_LAST(ARRAY[1, 2])", "2"),
	FUNCTION_ROWS("LIST_MEDIAN", "(ARRAY<DOUBLE>) -> DOUBLE", list_median, NULL_IN, STANDARD, "The median of the elements of a list, NULLs left out.",
				  "LIST_MEDIAN(ARRAY[3, 1, 2])", "2.0"),
	FUNCTION_ROWS("LIST_PACK", "(T, T...) -> ARRAY<T>", list_value, 0, STANDARD, VALUE_TEXT, "ARRAY_JOIN(LIST_PACK(1, 2), ' ')", "1 2"),
	FUNCTION_ROWS("LIST_PRODUCT", "(ARRAY<DOUBLE>) -> DOUBLE", list_product, NULL_IN, STANDARD,
				  "The product of the elements of a list, NULLs left out.", "LIST_PRODUCT(ARRAY[2, 3])", "6.0"),
	FUNCTION_ROWS("LIST_RESIZE", "(ARRAY<T>, BIGINT) -> ARRAY<T>", list_resize, 0, STANDARD, RESIZE_TEXT, "LEN(LIST_RESIZE(ARRAY[1], 3))", "3"),
	FUNCTION_ROWS("LIST_RESIZE", "(ARRAY<T>, BIGINT, T) -> ARRAY<T>", list_resize, 0, STANDARD, RESIZE_TEXT,
				  "ARRAY_JOIN(LIST_RESIZE(ARRAY[1], 3, 0), ' ')", "1 0 0"),
	FUNCTION_ROWS("LIST_SELECT", "(ARRAY<T>, ARRAY<BIGINT>) -> ARRAY<T>", list_select, NULL_IN, STANDARD,
				  "The elements of a list at given positions.", "ARRAY_JOIN(LIST_SELECT(ARRAY[10, 20, 30], ARRAY[3, 1]), ' ')", "30 10"),
	SLICES("LIST_SLICE"),
	FUNCTION_ROWS("LIST_UNIQUE", "(ARRAY<T>) -> BIGINT", list_unique, NULL_IN, STANDARD,
				  "How many different elements a list has, NULL left out.", "LIST_UNIQUE(ARRAY[1, 1, 2])", "2"),
	FUNCTION_ROWS("LIST_VALUE", "(T, T...) -> ARRAY<T>", list_value, 0, STANDARD, VALUE_TEXT, "ARRAY_JOIN(LIST_VALUE(1, 2), ' ')", "1 2"),
	FUNCTION_ROWS("LIST_WHERE", "(ARRAY<T>, ARRAY<BOOLEAN>) -> ARRAY<T>", list_where, NULL_IN, STANDARD,
				  "The elements of a list for which another one has TRUE.", "ARRAY_JOIN(LIST_WHERE(ARRAY[1, 2, 3], ARRAY[TRUE, FALSE, TRUE]), ' ')",
				  "1 3"),
	FUNCTION_ROWS_TYPED("LIST_ZIP", "(ARRAY<K>, ARRAY<V>) -> = f", list_zip, zip_resolve, NULL_IN, STANDARD,
						"The elements of two lists in pairs, structs of f1 and f2.", "LIST_ZIP(ARRAY[1], ARRAY['a'])[1]->f2", "a"),
	{.name = NULL},
};
