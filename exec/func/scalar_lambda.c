/*
 * Higher-order functions.  Lambdas run over the elements of all rows at once: the elements are laid out as one vector
 * beside the number of the row that each belongs to.  REDUCE, whose steps depend on each other, takes the k-th element
 * of every row in its k-th step.
 */
#include "exec/expr/lambda.h"
#include "exec/func/kernel.h"

/* The elements of the collections of a call. */
typedef struct Elements {
	int32_t	  n;
	uint32_t *index;			/* in the child vectors of the collection */
	uint32_t *outer_row;
} Elements;

static bool
row_is_wanted(const ScalarCall *call, int32_t row)
{
	const EvalContext *context = call->context;

	return context->active == NULL || bitmap_get(context->active, row);
}

static bool
row_has_failed(const ScalarCall *call, int32_t row)
{
	return call->context->any_failed && call->context->failed != NULL && bitmap_get(call->context->failed, row);
}

static const ListEntry *
collection_entry(const Vector *v, int32_t row)
{
	return &((const ListEntry *)v->data)[arg_index(v, row)];
}

/* Rows whose collection counts: not NULL, and asked for. */
static bool
collection_is_read(const ScalarCall *call, const Vector *v, int32_t row)
{
	return arg_valid(v, row) && row_is_wanted(call, row);
}

static Elements
elements_of(const ScalarCall *call, const Vector *v, int32_t n_rows)
{
	Elements elements = {0};
	size_t	 total = 0;

	for (int32_t i = 0; i < n_rows; i++)
		if (collection_is_read(call, v, i))
			total += collection_entry(v, i)->length;
	elements.index = arena_alloc(call->arena, sizeof(uint32_t) * (total + 1));
	elements.outer_row = arena_alloc(call->arena, sizeof(uint32_t) * (total + 1));
	for (int32_t i = 0; i < n_rows; i++) {
		const ListEntry *entry = collection_entry(v, i);

		for (uint32_t e = 0; collection_is_read(call, v, i) && e < entry->length; e++) {
			elements.index[elements.n] = entry->offset + e;
			elements.outer_row[elements.n++] = (uint32_t)i;
		}
	}
	return elements;
}

/* Runs a lambda over elements; its parameters are the children of the collection.  NULL after a failure of all. */
static const Vector *
run_lambda(const ScalarCall *call, int arg, const Vector *const *parameters, int n_parameters, const uint32_t *outer_row,
		   int32_t n)
{
	const Vector *result;
	Error		  err;

	if (eval_lambda(call, arg, parameters, n_parameters, outer_row, n, &result, &err) != OK) {
		for (int32_t e = 0; e < n; e++)
			eval_fail(call->context, (int32_t)outer_row[e], "%s", err.message);
		return NULL;
	}
	return vector_flatten(call->arena, result);
}

static const Vector *
run_over(const ScalarCall *call, int arg, const Vector *collection, const Elements *elements)
{
	const Vector *parameters[2];

	for (int32_t c = 0; c < collection->n_children; c++)
		parameters[c] = vector_gather(call->arena, &collection->children[c], elements->index, elements->n, true);
	return run_lambda(call, arg, parameters, collection->n_children, elements->outer_row, elements->n);
}

/* Sets the entries of the lists that the elements, in the order of their rows, make up. */
static void
set_entries(const ScalarCall *call, Vector *out, const Vector *collection, int32_t n_rows, const Elements *elements)
{
	ListEntry *entries = out->data;
	int32_t	   at = 0;

	for (int32_t i = 0; i < n_rows; i++) {
		int32_t first = at;

		while (at < elements->n && elements->outer_row[at] == (uint32_t)i)
			at++;
		entries[i] = (ListEntry){(uint32_t)first, (uint32_t)(at - first)};
		if (!arg_valid(collection, i))
			result_set_null(call, out, i);
	}
}

/* ---- TRANSFORM ---- */

static void
transform_array(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector *collection = call->args[0], *result;
	Elements	  elements = elements_of(call, collection, n_rows);

	if (elements.n > 0) {
		result = run_over(call, 1, collection, &elements);
		if (result == NULL)
			return;
		out->children[0] = *result;
	}
	set_entries(call, out, collection, n_rows, &elements);
}

/* With a second parameter, the position of the element. */
static void
transform_indexed(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector *collection = call->args[0], *parameters[2], *result;
	Elements	  elements = elements_of(call, collection, n_rows);
	Vector		 *positions;

	if (elements.n > 0) {
		positions = vector_new(call->arena, type_integer, elements.n);
		for (int32_t e = 0; e < elements.n; e++)
			((int32_t *)positions->data)[e] = (int32_t)(elements.index[e] - collection_entry(collection, (int32_t)elements.outer_row[e])->offset) + 1;
		parameters[0] = vector_gather(call->arena, &collection->children[0], elements.index, elements.n, true);
		parameters[1] = positions;
		result = run_lambda(call, 1, parameters, 2, elements.outer_row, elements.n);
		if (result == NULL)
			return;
		out->children[0] = *result;
	}
	set_entries(call, out, collection, n_rows, &elements);
}

static void
transform_map(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector *collection = call->args[0], *keys, *values;
	Elements	  elements = elements_of(call, collection, n_rows);

	if (elements.n > 0) {
		keys = run_over(call, 1, collection, &elements);
		values = keys != NULL ? run_over(call, 2, collection, &elements) : NULL;
		if (values == NULL)
			return;
		for (int32_t e = 0; e < elements.n; e++) {
			int32_t row = (int32_t)elements.outer_row[e];

			if (row_has_failed(call, row))
				continue;
			if (!vector_is_valid(values, e))
				eval_fail(call->context, row, "TRANSFORM gave NULL as the value of a map");
			for (int32_t other = e - 1; other >= 0 && elements.outer_row[other] == (uint32_t)row; other--)
				if (vector_rows_equal(keys, e, keys, other)) {
					eval_fail(call->context, row, "TRANSFORM gave the same key twice");
					break;
				}
		}
		out->children[0] = *keys;
		out->children[1] = *values;
	}
	set_entries(call, out, collection, n_rows, &elements);
}

/* ---- FILTER ---- */

static void
filter(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector *collection = call->args[0], *chosen;
	Elements	  elements = elements_of(call, collection, n_rows);
	bool		  is_map = collection->type->kind == TYPE_MAP;
	int32_t		  n = 0;

	if (elements.n > 0) {
		chosen = run_over(call, 1, collection, &elements);
		if (chosen == NULL)
			return;
		for (int32_t e = 0; e < elements.n; e++) {
			int32_t row = (int32_t)elements.outer_row[e];

			if (row_has_failed(call, row))
				continue;
			if (!vector_is_valid(chosen, e)) {
				if (!call_is_standard(call))
					eval_fail(call->context, row, "The condition of FILTER gave NULL");
			} else if (((const uint8_t *)chosen->data)[e]) {
				if (is_map && !vector_is_valid(&collection->children[1], elements.index[e]))
					eval_fail(call->context, row, "FILTER keeps no entries whose value is NULL");
				elements.index[n] = elements.index[e];
				elements.outer_row[n++] = (uint32_t)row;
			}
		}
		elements.n = n;
		for (int32_t c = 0; c < collection->n_children; c++)
			out->children[c] = *vector_gather(call->arena, &collection->children[c], elements.index, n, true);
	}
	set_entries(call, out, collection, n_rows, &elements);
}

/* ---- REDUCE ---- */

/* Folds elements into `out`, which has the states to begin with, from element `first` of each row on. */
static void
fold(const ScalarCall *call, int lambda, int32_t n_rows, uint32_t first, Vector *out)
{
	const Vector *collection = call->args[0], *parameters[3], *result;
	uint32_t	 *rows = arena_alloc(call->arena, sizeof(uint32_t) * (size_t)(n_rows + 1));
	uint32_t	 *index = arena_alloc(call->arena, sizeof(uint32_t) * (size_t)(n_rows + 1));
	uint8_t		 *begun = arena_alloc(call->arena, (size_t)n_rows + 1);
	uint32_t	  longest = 0;

	for (int32_t i = 0; i < n_rows; i++) {
		begun[i] = vector_is_valid(out, i);
		if (collection_is_read(call, collection, i) && collection_entry(collection, i)->length > longest)
			longest = collection_entry(collection, i)->length;
	}
	for (uint32_t k = first; k < longest; k++) {
		int32_t n = 0;

		for (int32_t i = 0; i < n_rows; i++) {
			const ListEntry *entry = collection_entry(collection, i);

			if (!collection_is_read(call, collection, i) || !begun[i] || entry->length <= k || row_has_failed(call, i))
				continue;
			rows[n] = (uint32_t)i;
			index[n++] = entry->offset + k;
		}
		if (n == 0)
			return;
		parameters[0] = vector_gather(call->arena, out, rows, n, true);
		for (int32_t c = 0; c < collection->n_children; c++)
			parameters[1 + c] = vector_gather(call->arena, &collection->children[c], index, n, true);
		result = run_lambda(call, lambda, parameters, 1 + collection->n_children, rows, n);
		if (result == NULL)
			return;
		for (int32_t e = 0; e < n; e++)
			vector_copy_row(out, call->arena, (int32_t)rows[e], result, e);
	}
}

static void
begin_with(const ScalarCall *call, const Vector *initial, int32_t n_rows, Vector *out)
{
	for (int32_t i = 0; i < n_rows; i++) {
		if (arg_valid(initial, i))
			vector_copy_row(out, call->arena, i, initial, i);
		else
			result_set_null(call, out, i);
	}
}

static void
reduce(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	begin_with(call, call->args[1], n_rows, out);
	fold(call, 2, n_rows, 0, out);
}

/* LIST_REDUCE: the state may be given last; otherwise the first element is it, and nothing gives NULL. */
static void
list_reduce(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector *collection = call->args[0];

	if (call->n_args > 2) {
		begin_with(call, call->args[2], n_rows, out);
		fold(call, 1, n_rows, 0, out);
		return;
	}
	for (int32_t i = 0; i < n_rows; i++) {
		if (collection_is_read(call, collection, i) && collection_entry(collection, i)->length > 0)
			vector_copy_row(out, call->arena, i, &collection->children[0], (int32_t)collection_entry(collection, i)->offset);
		else
			result_set_null(call, out, i);
	}
	fold(call, 1, n_rows, 1, out);
}

#define FILTER_TEXT "The elements or entries for which a condition is TRUE."
#define LIST_REDUCE_TEXT "Folds the elements of a list, one after the other, into its first, or into a value given last."
#define REDUCE_TEXT "Folds the elements or entries, one after the other, into a state that begins with a given value."
#define TRANSFORM_TEXT "Applies an expression to each element, or one to each key and one to each value."

#define FILTERS(name)                                                                                              \
	FUNCTION(name, "(ARRAY<T>, (T) => BOOLEAN) -> ARRAY<T>", filter, 0, STANDARD, FILTER_TEXT,                     \
			 "ARRAY_JOIN(" name "(ARRAY[1, 2, 3], x => x > 1), ' ')", "2 3")
#define TRANSFORMS(name)                                                                                           \
	FUNCTION(name, "(ARRAY<T>, (T) => R) -> ARRAY<R>", transform_array, 0, STANDARD, TRANSFORM_TEXT,               \
			 "ARRAY_JOIN(" name "(ARRAY[1, 2], x => x * 10), ' ')", "10 20"),                                      \
	FUNCTION(name, "(ARRAY<T>, (T, INTEGER) => R) -> ARRAY<R>", transform_indexed, 0, STANDARD, TRANSFORM_TEXT,      \
			 "ARRAY_JOIN(" name "(ARRAY[5, 7], (x, i) => x * i), ' ')", "5 14")
#define REDUCES(name)                                                                                              \
	FUNCTION(name, "(ARRAY<T>, (T, T) => T) -> T", list_reduce, 0, STANDARD, LIST_REDUCE_TEXT,                     \
			 name "(ARRAY[1, 2, 3], (s, x) => s + x)", "6"),                                                       \
	FUNCTION(name, "(ARRAY<T>, (S, T) => S, S) -> S", list_reduce, 0, STANDARD, LIST_REDUCE_TEXT,                  \
			 name "(ARRAY[1, 2, 3], (s, x) => s + x, 10)", "16")

const ScalarFunction scalar_lambda_functions[] = {
	TRANSFORMS("ARRAY_APPLY"),
	FILTERS("ARRAY_FILTER"),
	REDUCES("ARRAY_REDUCE"),
	TRANSFORMS("ARRAY_TRANSFORM"),
	FUNCTION("FILTER", "(ARRAY<T>, (T) => BOOLEAN) -> ARRAY<T>", filter, 0, BOTH, FILTER_TEXT,
			 "ARRAY_JOIN(FILTER(ARRAY[1, 2, 3], x => x > 1), ' ')", "2 3"),
	FUNCTION("FILTER", "(MAP<K, V>, (K, V) => BOOLEAN) -> MAP<K, V>", filter, 0, BOTH, FILTER_TEXT,
			 "ARRAY_JOIN(MAP_KEYS(FILTER(MAP('a' := 1, 'b' := 2), (k, v) => v > 1)))", "b"),
	TRANSFORMS("LIST_APPLY"),
	FILTERS("LIST_FILTER"),
	REDUCES("LIST_REDUCE"),
	TRANSFORMS("LIST_TRANSFORM"),
	FUNCTION("REDUCE", "(ARRAY<T>, S, (S, T) => S) -> S", reduce, 0, BOTH, REDUCE_TEXT,
			 "REDUCE(ARRAY[1, 2, 3], 10, (s, x) => s + x)", "16"),
	FUNCTION("REDUCE", "(MAP<K, V>, S, (S, K, V) => S) -> S", reduce, 0, BOTH, REDUCE_TEXT,
			 "REDUCE(MAP('a' := 1, 'b' := 2), 10, (s, k, v) => s + v)", "13"),
	FUNCTION("TRANSFORM", "(ARRAY<T>, (T) => R) -> ARRAY<R>", transform_array, 0, BOTH, TRANSFORM_TEXT,
			 "ARRAY_JOIN(TRANSFORM(ARRAY[1, 2], x => x * 10), ' ')", "10 20"),
	FUNCTION("TRANSFORM", "(MAP<K, V>, (K, V) => R, (K, V) => T) -> MAP<R, T>", transform_map, 0, BOTH, TRANSFORM_TEXT,
			 "TRANSFORM(MAP('a' := 1), (k, v) => UCASE(k), (k, v) => v * 10)['A']", "10"),
	{.name = NULL},
};
