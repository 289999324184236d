/* Functions of arrays. */
#include <stdlib.h>

#include "exec/func/series.h"


static bool
items_have(const Value *items, uint32_t n, const Value *wanted)
{
	for (uint32_t i = 0; i < n; i++)
		if (value_equal(&items[i], wanted))
			return true;
	return false;
}

/* A set of the elements of a list, for lists too long to be searched one by one. */
typedef struct ItemSet {
	const Value **slots;
	uint64_t	  mask;
} ItemSet;

static ItemSet
item_set_make(Arena *arena, uint32_t n)
{
	uint64_t size = 16;

	while (size < (uint64_t)n * 2)
		size *= 2;
	return (ItemSet){arena_array(arena, const Value *, size), size - 1};
}

static bool
item_set_has(const ItemSet *set, const Value *v)
{
	for (uint64_t at = value_hash(v) & set->mask; set->slots[at] != NULL; at = (at + 1) & set->mask)
		if (value_equal(set->slots[at], v))
			return true;
	return false;
}

/* False if it was there already. */
static bool
item_set_add(ItemSet *set, const Value *v)
{
	uint64_t at = value_hash(v) & set->mask;

	for (; set->slots[at] != NULL; at = (at + 1) & set->mask)
		if (value_equal(set->slots[at], v))
			return false;
	set->slots[at] = v;
	return true;
}

/* ---- set operations ---- */

typedef enum SetOp { SET_DISTINCT, SET_UNION, SET_INTERSECT, SET_EXCEPT } SetOp;

static bool
set_operation(const ScalarCall *call, const Value *a, const Value *b, SetOp op, Value *out)
{
	uint32_t n_b = b != NULL ? b->n_items : 0;
	ItemSet	 seen = item_set_make(call->arena, a->n_items + n_b), others = {0};
	ItemList list = {.arena = call->arena};

	if (op == SET_INTERSECT || op == SET_EXCEPT) {
		others = item_set_make(call->arena, n_b);
		for (uint32_t i = 0; i < n_b; i++)
			item_set_add(&others, &b->items[i]);
	}
	for (uint32_t i = 0; i < a->n_items; i++) {
		if (others.slots != NULL && item_set_has(&others, &a->items[i]) != (op == SET_INTERSECT))
			continue;
		if (item_set_add(&seen, &a->items[i]))
			item_add(&list, a->items[i]);
	}
	for (uint32_t i = 0; op == SET_UNION && i < n_b; i++)
		if (item_set_add(&seen, &b->items[i]))
			item_add(&list, b->items[i]);
	return value_set_items(out, list.items, list.n);
}

static bool
array_distinct(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	return set_operation(call, &args[0], NULL, SET_DISTINCT, out);
}

static bool
array_union(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	return set_operation(call, &args[0], &args[1], SET_UNION, out);
}

static bool
array_intersect(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	return set_operation(call, &args[0], &args[1], SET_INTERSECT, out);
}

static bool
array_except(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	return set_operation(call, &args[0], &args[1], SET_EXCEPT, out);
}

/* ---- joining, searching, removing ---- */

static bool
array_concat(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	ItemList list = {.arena = call->arena};

	(void)row;
	if (args[0].is_null && args[1].is_null)
		return true;
	for (int a = 0; a < 2; a++)
		for (uint32_t i = 0; !args[a].is_null && i < args[a].n_items; i++)
			item_add(&list, args[a].items[i]);
	return value_set_items(out, list.items, list.n);
}

static bool
array_append(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	bool		 is_prepend = strstr(call->function->name, "PREPEND") != NULL;
	const Value *array = &args[is_prepend ? 1 : 0], *item = &args[is_prepend ? 0 : 1];
	ItemList	 list = {.arena = call->arena};

	(void)row;
	if (is_prepend)
		item_add(&list, *item);
	for (uint32_t i = 0; !array->is_null && i < array->n_items; i++)
		item_add(&list, array->items[i]);
	if (!is_prepend)
		item_add(&list, *item);
	return value_set_items(out, list.items, list.n);
}

static bool
array_contains(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	if (args[0].is_null && call_is_standard(call))
		return true;
	return value_set_boolean(out, !args[0].is_null && items_have(args[0].items, args[0].n_items, &args[1]));
}

static bool
array_position(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)call;
	(void)row;
	if (args[0].is_null)
		return true;
	for (uint32_t i = 0; i < args[0].n_items; i++)
		if (value_equal(&args[0].items[i], &args[1]))
			return value_set_integer(out, i + 1);
	return true;
}

static bool
array_remove(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	ItemList list = {.arena = call->arena};

	(void)row;
	if (args[0].is_null)
		return true;
	for (uint32_t i = 0; i < args[0].n_items; i++)
		if (!value_equal(&args[0].items[i], &args[1]))
			item_add(&list, args[0].items[i]);
	return value_set_items(out, list.items, list.n);
}

static bool
array_join(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	Str		delimiter = call->n_args < 2 ? STR(",") : args[1].is_null ? STR("") : args[1].text;
	StrBuf	buf = {0};

	if (args[0].is_null)
		return true;
	for (uint32_t i = 0; i < args[0].n_items; i++) {
		const Value *item = &args[0].items[i];
		TypeKind	 kind = item->type->kind;

		if (i > 0)
			strbuf_add_str(&buf, delimiter);
		if (item->is_null) {
			strbuf_add_text(&buf, "null");
		} else if ((kind > TYPE_STRING && !call_is_standard(call)) || !scalar_add_text(&buf, item, call_is_standard(call))) {
			eval_fail(call->context, row, "Array elements of type %s can't be joined as text",
					  type_to_arena(item->type, call->arena));
			strbuf_free(&buf);
			return false;
		}
	}
	value_set_text(call, out, strbuf_str(&buf));
	strbuf_free(&buf);
	return true;
}

static void
array_length(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector	*v = call->args[0];
	const ListEntry *entries = v->data;
	int				 step = arg_step(v);

	for (int32_t i = 0; i < n_rows; i++)
		((int32_t *)out->data)[i] = (int32_t)entries[i * step].length;
}

static bool
flatten(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	ItemList list = {.arena = call->arena};

	(void)row;
	for (uint32_t i = 0; i < args[0].n_items; i++)
		for (uint32_t j = 0; !args[0].items[i].is_null && j < args[0].items[i].n_items; j++)
			item_add(&list, args[0].items[i].items[j]);
	return value_set_items(out, list.items, list.n);
}

/* LIST_SUM: NULLs left out; NULL of nothing. */
static bool
list_sum(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	int64_t	total = 0;
	double	number = 0;
	bool	found = false;

	for (uint32_t i = 0; i < args[0].n_items; i++) {
		const Value *item = &args[0].items[i];

		if (item->is_null)
			continue;
		found = true;
		if (item->type->kind == TYPE_DOUBLE) {
			number += item->number;
		} else if (__builtin_add_overflow(total, item->integer, &total)) {
			eval_fail(call->context, row, "The sum is out of the range of BIGINT");
			return false;
		}
	}
	if (!found)
		return true;
	return call->result_type->kind == TYPE_DOUBLE ? value_set_double(out, number) : value_set_integer(out, total);
}

/* ---- order ---- */

static bool
array_extreme(const ScalarCall *call, const Value *array, int sign, Value *out)
{
	const Value *best = NULL;

	for (uint32_t i = 0; i < array->n_items; i++) {
		const Value *item = &array->items[i];

		if (!item->is_null && (best == NULL || sign * value_compare(item, best, !call_is_standard(call)) > 0))
			best = item;
	}
	if (best != NULL)
		*out = *best;
	return true;
}

static bool
array_max(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	return array_extreme(call, &args[0], 1, out);
}

static bool
array_min(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	return array_extreme(call, &args[0], -1, out);
}

static int
compare_ksqldb(const void *a, const void *b)
{
	return value_compare(a, b, true);
}

static int
compare_standard(const void *a, const void *b)
{
	return value_compare(a, b, false);
}

static void
items_reverse(Value *items, uint32_t n)
{
	for (uint32_t i = 0, j = n; i + 1 < j; i++) {
		Value	swap = items[i];

		items[i] = items[--j];
		items[j] = swap;
	}
}

/* NULLs come last in both directions. */
static bool
list_sorted(const ScalarCall *call, const Value *list, bool is_descending, Value *out)
{
	uint32_t n = 0, n_nulls = 0;
	Value	*items = arena_array(call->arena, Value, list->n_items > 0 ? list->n_items : 1);

	for (uint32_t i = 0; i < list->n_items; i++) {
		if (list->items[i].is_null)
			items[list->n_items - ++n_nulls] = list->items[i];
		else
			items[n++] = list->items[i];
	}
	qsort(items, n, sizeof *items, call_is_standard(call) ? compare_standard : compare_ksqldb);
	if (is_descending)
		items_reverse(items, n);
	return value_set_items(out, items, list->n_items);
}

static bool
array_sort(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	static const char *const words[] = {"ASC", "ASCENDING", "DESC", "DESCENDING"};
	int						 word = 0;

	(void)row;
	if (args[0].is_null)
		return true;
	if (call->n_args > 1) {
		if (args[1].is_null)
			return true;
		while (word < 4 && !str_equal_nocase(args[1].text, str_of(words[word])))
			word++;
		if (word == 4)
			return true;
	}
	return list_sorted(call, &args[0], word >= 2, out);
}

static bool
list_reverse_sort(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	return list_sorted(call, &args[0], true, out);
}

static bool
array_reverse(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	Value	*items = arena_array(call->arena, Value, args[0].n_items + 1);

	(void)row;
	memcpy(items, args[0].items, sizeof(Value) * args[0].n_items);
	items_reverse(items, args[0].n_items);
	return value_set_items(out, items, args[0].n_items);
}

/* ---- making and cutting ---- */

static bool
slice(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	int64_t from, to;

	(void)call;
	(void)row;
	if (args[0].is_null)
		return true;
	from = args[1].is_null ? 1 : args[1].integer;
	to = args[2].is_null ? args[0].n_items : args[2].integer;
	if (from < 1 || to > args[0].n_items || from > to + 1)
		return true;
	return value_set_items(out, args[0].items + (from - 1), (uint32_t)(to - from + 1));
}

static int
compare_entry_keys(const void *a, const void *b)
{
	return utf8_compare_utf16(((const Value *)a)->items[0].text, ((const Value *)b)->items[0].text);
}

static bool
entries(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	const Type *type = call->result_type->element;
	Value	   *items;

	(void)row;
	if (args[0].is_null)
		return true;
	items = arena_array(call->arena, Value, args[0].n_items + 1);
	for (uint32_t i = 0; i < args[0].n_items; i++)
		items[i] = (Value){.type = type, .n_items = 2, .items = &args[0].items[2 * i]};
	if (args[1].boolean)
		qsort(items, args[0].n_items, sizeof *items, compare_entry_keys);
	return value_set_items(out, items, args[0].n_items);
}

/* ---- the rows ---- */

#define BY_DIALECT(name, signature, kernel, flags, ...)                      \
	FUNCTION_ROWS(name, signature, kernel, flags, KSQLDB, __VA_ARGS__),      \
	FUNCTION_ROWS(name, signature, kernel, flags, STANDARD, __VA_ARGS__)
#define ENTRIES_ROW(type)                                                                                          \
	FUNCTION_ROWS("ENTRIES", "(MAP<STRING, " type ">, BOOLEAN!) -> ARRAY<STRUCT<K STRING, V " type ">>", entries, 0, BOTH, \
				  "The entries of a map as an array of structs K, V, sorted by key if the second argument is TRUE.",       \
				  "ENTRIES(AS_MAP(ARRAY['a'], ARRAY[1]), TRUE)[1]->K", "a")

#define CONTAINS_TEXT "Whether an array has an element; NULL finds NULL."
#define JOIN_TEXT "The elements of an array as one text with a delimiter, by default a comma, between them."
#define MAX_TEXT "The greatest element of an array, NULLs left out.", "ARRAY_MAX(ARRAY[1, 3, 2])", "3"
#define MIN_TEXT "The least element of an array, NULLs left out.", "ARRAY_MIN(ARRAY[1, 3, 2])", "1"
#define SORT_TEXT "The elements of an array in order, ASC or DESC, NULLs last.", "ARRAY_JOIN(ARRAY_SORT(ARRAY[3, 1, 2]), ' ')", "1 2 3"
#define SERIES_TEXT "The numbers from one to another, both included, as an array.", "ARRAY_JOIN(GENERATE_SERIES(1, 3), ' ')", "1 2 3"
#define LIST_SUM_TEXT "The sum of the elements of an array, NULLs left out.", "LIST_SUM(ARRAY[1, 2])", "3"
#define RANGE_TEXT "The numbers from one, or 0, up to but not including another, as an array."
#define LENGTH_TEXT "The number of elements of an array."

const ScalarFunction scalar_array_functions[] = {
	FUNCTION_ROWS("ARRAY_APPEND", "(ARRAY<T>, T) -> ARRAY<T>", array_append, 0, STANDARD,
				  "An array with an element put at its end.", "ARRAY_JOIN(ARRAY_APPEND(ARRAY[1], 2), ' ')", "1 2"),
	FUNCTION_ROWS("ARRAY_CONCAT", "(ARRAY<T>, ARRAY<T>) -> ARRAY<T>", array_concat, 0, BOTH,
				  "Two arrays one after the other; a NULL one counts as empty.",
				  "ARRAY_JOIN(ARRAY_CONCAT(ARRAY[1, 2], ARRAY[2]), ' ')", "1 2 2"),
	FUNCTION_ROWS("ARRAY_CONTAINS", "(ARRAY<T>, T) -> BOOLEAN", array_contains, 0, KSQLDB, CONTAINS_TEXT,
				  "ARRAY_CONTAINS(ARRAY[1, 2], 2)", "true"),
	FUNCTION_ROWS("ARRAY_CONTAINS", "(ARRAY<T>, T) -> BOOLEAN", array_contains, 0, STANDARD, CONTAINS_TEXT,
				  "ARRAY_CONTAINS(ARRAY[1, 2], 2)", "true"),
	FUNCTION_ROWS("ARRAY_DISTINCT", "(ARRAY<T>) -> ARRAY<T>", array_distinct, NULL_IN, BOTH,
				  "The different elements of an array in the order of their first occurrence.",
				  "ARRAY_JOIN(ARRAY_DISTINCT(ARRAY[2, 1, 2]), ' ')", "2 1"),
	FUNCTION_ROWS("ARRAY_EXCEPT", "(ARRAY<T>, ARRAY<T>) -> ARRAY<T>", array_except, NULL_IN, BOTH,
				  "The different elements of the first array that are not in the second.",
				  "ARRAY_JOIN(ARRAY_EXCEPT(ARRAY[1, 2, 3], ARRAY[2]), ' ')", "1 3"),
	FUNCTION_ROWS("ARRAY_INTERSECT", "(ARRAY<T>, ARRAY<T>) -> ARRAY<T>", array_intersect, NULL_IN, BOTH,
				  "The different elements that are in both arrays.", "ARRAY_JOIN(ARRAY_INTERSECT(ARRAY[1, 2], ARRAY[2, 3]))", "2"),
	FUNCTION_ROWS("ARRAY_JOIN", "(ARRAY<T>) -> STRING", array_join, 0, KSQLDB, JOIN_TEXT, "ARRAY_JOIN(ARRAY[1, 2])", "\"1,2\""),
	FUNCTION_ROWS("ARRAY_JOIN", "(ARRAY<T>, STRING) -> STRING", array_join, 0, KSQLDB, JOIN_TEXT,
				  "ARRAY_JOIN(ARRAY[1, 2], '-')", "1-2"),
	FUNCTION_ROWS("ARRAY_JOIN", "(ARRAY<T>) -> STRING", array_join, 0, STANDARD, JOIN_TEXT, "ARRAY_JOIN(ARRAY[1, 2])", "\"1,2\""),
	FUNCTION_ROWS("ARRAY_JOIN", "(ARRAY<T>, STRING) -> STRING", array_join, 0, STANDARD, JOIN_TEXT,
				  "ARRAY_JOIN(ARRAY[1, 2], '-')", "1-2"),
	FUNCTION("ARRAY_LENGTH", "(ARRAY<T>) -> INTEGER", array_length, NULL_IN, BOTH, LENGTH_TEXT, "ARRAY_LENGTH(ARRAY[7, 8])",
			 "2"),
	BY_DIALECT("ARRAY_MAX", "(ARRAY<T>) -> T", array_max, NULL_IN, MAX_TEXT),
	BY_DIALECT("ARRAY_MIN", "(ARRAY<T>) -> T", array_min, NULL_IN, MIN_TEXT),
	FUNCTION_ROWS("ARRAY_POSITION", "(ARRAY<T>, T) -> INTEGER", array_position, 0, STANDARD,
				  "The position, from 1, of an element in an array; NULL if it is not there.",
				  "ARRAY_POSITION(ARRAY['a', 'b'], 'b')", "2"),
	FUNCTION_ROWS("ARRAY_PREPEND", "(T, ARRAY<T>) -> ARRAY<T>", array_append, 0, STANDARD,
				  "An array with an element put before its first.", "ARRAY_JOIN(ARRAY_PREPEND(1, ARRAY[2]), ' ')", "1 2"),
	FUNCTION_ROWS("ARRAY_REMOVE", "(ARRAY<T>, T) -> ARRAY<T>", array_remove, 0, BOTH,
				  "An array without the elements that are equal to a value.", "ARRAY_JOIN(ARRAY_REMOVE(ARRAY[1, 2, 1], 1))", "2"),
	FUNCTION_ROWS("ARRAY_REVERSE", "(ARRAY<T>) -> ARRAY<T>", array_reverse, NULL_IN, STANDARD,
				  "The elements of an array from the last to the first.", "ARRAY_JOIN(ARRAY_REVERSE(ARRAY[1, 2]), ' ')", "2 1"),
	BY_DIALECT("ARRAY_SORT", "(ARRAY<T>) -> ARRAY<T>", array_sort, 0, SORT_TEXT),
	BY_DIALECT("ARRAY_SORT", "(ARRAY<T>, STRING) -> ARRAY<T>", array_sort, 0, SORT_TEXT),
	FUNCTION_ROWS("ARRAY_TO_STRING", "(ARRAY<T>, STRING) -> STRING", array_join, 0, STANDARD, JOIN_TEXT,
				  "ARRAY_TO_STRING(ARRAY[1, 2], '-')", "1-2"),
	FUNCTION_ROWS("ARRAY_UNION", "(ARRAY<T>, ARRAY<T>) -> ARRAY<T>", array_union, NULL_IN, BOTH,
				  "The different elements of both arrays.", "ARRAY_JOIN(ARRAY_UNION(ARRAY[1, 2], ARRAY[2, 3]), ' ')", "1 2 3"),
	FUNCTION("CARDINALITY", "(ARRAY<T>) -> INTEGER", array_length, NULL_IN, STANDARD, LENGTH_TEXT, "CARDINALITY(ARRAY[7, 8])",
			 "2"),
	FUNCTION("CARDINALITY", "(MAP<K, V>) -> INTEGER", array_length, NULL_IN, STANDARD, "The number of entries of a map.", NULL,
			 NULL),
	FUNCTION_ROWS("CONCAT", "(ARRAY<T>, ARRAY<T>) -> ARRAY<T>", array_concat, NULL_IN, STANDARD,
				  "Two arrays one after the other, as the operator ||.", "ARRAY_JOIN(CONCAT(ARRAY[1], ARRAY[2]), ' ')", "1 2"),
	ENTRIES_ROW("INTEGER"),
	ENTRIES_ROW("BIGINT"),
	ENTRIES_ROW("DOUBLE"),
	ENTRIES_ROW("BOOLEAN"),
	ENTRIES_ROW("STRING"),
	FUNCTION_ROWS("FLATTEN", "(ARRAY<ARRAY<T>>) -> ARRAY<T>", flatten, NULL_IN, STANDARD,
				  "The elements of the arrays in an array, one after the other.",
				  "ARRAY_JOIN(FLATTEN(ARRAY[ARRAY[1, 2], ARRAY[3]]), ' ')", "1 2 3"),
	FUNCTION_ROWS("GENERATE_SERIES", "(INTEGER!, INTEGER!) -> ARRAY<INTEGER>", generate_series, NULL_IN, KSQLDB, SERIES_TEXT),
	FUNCTION_ROWS("GENERATE_SERIES", "(INTEGER!, INTEGER!, INTEGER!) -> ARRAY<INTEGER>", generate_series, NULL_IN, KSQLDB,
				  SERIES_TEXT),
	FUNCTION_ROWS("GENERATE_SERIES", "(BIGINT!, BIGINT!) -> ARRAY<BIGINT>", generate_series, NULL_IN, KSQLDB, SERIES_TEXT),
	FUNCTION_ROWS("GENERATE_SERIES", "(BIGINT!, BIGINT!, INTEGER!) -> ARRAY<BIGINT>", generate_series, NULL_IN, KSQLDB,
				  SERIES_TEXT),
	FUNCTION_ROWS("GENERATE_SERIES", "(INTEGER!, INTEGER!) -> ARRAY<INTEGER>", generate_series, NULL_IN, STANDARD, SERIES_TEXT),
	FUNCTION_ROWS("GENERATE_SERIES", "(INTEGER!, INTEGER!, INTEGER!) -> ARRAY<INTEGER>", generate_series, NULL_IN, STANDARD,
				  SERIES_TEXT),
	FUNCTION_ROWS("GENERATE_SERIES", "(BIGINT!, BIGINT!) -> ARRAY<BIGINT>", generate_series, NULL_IN, STANDARD, SERIES_TEXT),
	FUNCTION_ROWS("GENERATE_SERIES", "(BIGINT!, BIGINT!, INTEGER!) -> ARRAY<BIGINT>", generate_series, NULL_IN, STANDARD,
				  SERIES_TEXT),
	FUNCTION("LEN", "(ARRAY<T>) -> INTEGER", array_length, NULL_IN, STANDARD, LENGTH_TEXT, "LEN(ARRAY[7, 8])", "2"),
	FUNCTION("LENGTH", "(ARRAY<T>) -> INTEGER", array_length, NULL_IN, STANDARD, LENGTH_TEXT, "LENGTH(ARRAY[7, 8])", "2"),
	FUNCTION_ROWS("LIST_APPEND", "(ARRAY<T>, T) -> ARRAY<T>", array_append, 0, STANDARD,
				  "An array with an element put at its end.", "ARRAY_JOIN(LIST_APPEND(ARRAY[1], 2), ' ')", "1 2"),
	FUNCTION_ROWS("LIST_CAT", "(ARRAY<T>, ARRAY<T>) -> ARRAY<T>", array_concat, 0, STANDARD,
				  "Two arrays one after the other; a NULL one counts as empty.",
				  "ARRAY_JOIN(LIST_CAT(ARRAY[1, 2], ARRAY[2]), ' ')", "1 2 2"),
	FUNCTION_ROWS("LIST_CONCAT", "(ARRAY<T>, ARRAY<T>) -> ARRAY<T>", array_concat, 0, STANDARD,
				  "Two arrays one after the other; a NULL one counts as empty.",
				  "ARRAY_JOIN(LIST_CONCAT(ARRAY[1, 2], ARRAY[2]), ' ')", "1 2 2"),
	FUNCTION_ROWS("LIST_CONTAINS", "(ARRAY<T>, T) -> BOOLEAN", array_contains, 0, STANDARD, CONTAINS_TEXT,
				  "LIST_CONTAINS(ARRAY[1, 2], 2)", "true"),
	FUNCTION_ROWS("LIST_DISTINCT", "(ARRAY<T>) -> ARRAY<T>", array_distinct, NULL_IN, STANDARD,
				  "The different elements of an array in the order of their first occurrence.",
				  "ARRAY_JOIN(LIST_DISTINCT(ARRAY[2, 1, 2]), ' ')", "2 1"),
	FUNCTION_ROWS("LIST_HAS", "(ARRAY<T>, T) -> BOOLEAN", array_contains, 0, STANDARD, CONTAINS_TEXT,
				  "LIST_HAS(ARRAY[1, 2], 2)", "true"),
	FUNCTION_ROWS("LIST_INDEXOF", "(ARRAY<T>, T) -> INTEGER", array_position, 0, STANDARD,
				  "The position, from 1, of an element in an array; NULL if it is not there.",
				  "LIST_INDEXOF(ARRAY['a', 'b'], 'b')", "2"),
	FUNCTION_ROWS("LIST_INTERSECT", "(ARRAY<T>, ARRAY<T>) -> ARRAY<T>", array_intersect, NULL_IN, STANDARD,
				  "The different elements that are in both arrays.", "ARRAY_JOIN(LIST_INTERSECT(ARRAY[1, 2], ARRAY[2, 3]))", "2"),
	FUNCTION_ROWS("LIST_MAX", "(ARRAY<T>) -> T", array_max, NULL_IN, STANDARD,
				  "The greatest element of an array, NULLs left out.", "LIST_MAX(ARRAY[1, 3, 2])", "3"),
	FUNCTION_ROWS("LIST_MIN", "(ARRAY<T>) -> T", array_min, NULL_IN, STANDARD,
				  "The least element of an array, NULLs left out.", "LIST_MIN(ARRAY[1, 3, 2])", "1"),
	FUNCTION_ROWS("LIST_POSITION", "(ARRAY<T>, T) -> INTEGER", array_position, 0, STANDARD,
				  "The position, from 1, of an element in an array; NULL if it is not there.",
				  "LIST_POSITION(ARRAY['a', 'b'], 'b')", "2"),
	FUNCTION_ROWS("LIST_PREPEND", "(T, ARRAY<T>) -> ARRAY<T>", array_append, 0, STANDARD,
				  "An array with an element put before its first.", "ARRAY_JOIN(LIST_PREPEND(1, ARRAY[2]), ' ')", "1 2"),
	FUNCTION_ROWS("LIST_REVERSE", "(ARRAY<T>) -> ARRAY<T>", array_reverse, NULL_IN, STANDARD,
				  "The elements of an array from the last to the first.", "ARRAY_JOIN(LIST_REVERSE(ARRAY[1, 2]), ' ')", "2 1"),
	FUNCTION_ROWS("LIST_REVERSE_SORT", "(ARRAY<T>) -> ARRAY<T>", list_reverse_sort, NULL_IN, STANDARD,
				  "The elements of an array from the greatest to the least, NULLs last.",
				  "ARRAY_JOIN(LIST_REVERSE_SORT(ARRAY[3, 1, 2]), ' ')", "3 2 1"),
	FUNCTION_ROWS("LIST_SORT", "(ARRAY<T>, STRING) -> ARRAY<T>", array_sort, 0, STANDARD,
				  "The elements of an array in order, NULLs last.", "ARRAY_JOIN(LIST_SORT(ARRAY[3, 1, 2], 'DESC'), ' ')", "3 2 1"),
	FUNCTION_ROWS("LIST_SORT", "(ARRAY<T>) -> ARRAY<T>", array_sort, 0, STANDARD,
				  "The elements of an array in order, NULLs last.", "ARRAY_JOIN(LIST_SORT(ARRAY[3, 1, 2]), ' ')", "1 2 3"),
	FUNCTION_ROWS("LIST_SUM", "(ARRAY<INTEGER>) -> BIGINT", list_sum, NULL_IN, STANDARD, LIST_SUM_TEXT),
	FUNCTION_ROWS("LIST_SUM", "(ARRAY<BIGINT>) -> BIGINT", list_sum, NULL_IN, STANDARD, LIST_SUM_TEXT),
	FUNCTION_ROWS("LIST_SUM", "(ARRAY<DOUBLE>) -> DOUBLE", list_sum, NULL_IN, STANDARD, LIST_SUM_TEXT),
	FUNCTION_ROWS("RANGE", "(BIGINT) -> ARRAY<BIGINT>", range_series, NULL_IN, STANDARD, RANGE_TEXT, "ARRAY_JOIN(RANGE(3), ' ')", "0 1 2"),
	FUNCTION_ROWS("RANGE", "(BIGINT, BIGINT) -> ARRAY<BIGINT>", range_series, NULL_IN, STANDARD, RANGE_TEXT,
				  "ARRAY_JOIN(RANGE(1, 3), ' ')", "1 2"),
	FUNCTION_ROWS("RANGE", "(BIGINT, BIGINT, BIGINT) -> ARRAY<BIGINT>", range_series, NULL_IN, STANDARD, RANGE_TEXT,
				  "ARRAY_JOIN(RANGE(1, 6, 2), ' ')", "1 3 5"),
	FUNCTION_ROWS("SLICE", "(ARRAY<T>, INTEGER, INTEGER) -> ARRAY<T>", slice, 0, BOTH,
				  "The elements from one position, counted from 1, to another, both included.",
				  "ARRAY_JOIN(SLICE(ARRAY[1, 2, 3, 4], 2, 3), ' ')", "2 3"),
	{.name = NULL},
};
