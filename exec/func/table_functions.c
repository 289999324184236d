/* Table functions: several rows for one. */
#include "exec/func/kernel.h"

#define CUBE_ELEMENTS_MAX 20		/* 2^20 rows */

static bool
explode(const ScalarCall *call, int32_t row, const Value *args, Value *out_array)
{
	(void)call;
	(void)row;
	*out_array = args[0];
	return true;
}

/*
 * Every subset of the elements with the others replaced by NULL, from none to all, counting in binary with the last
 * element as the lowest bit.  Elements that are NULL already have only one form.
 */
static bool
cube_explode(const ScalarCall *call, int32_t row, const Value *args, Value *out_array)
{
	const Value *array = &args[0];
	const Type	*element = array->type->element;
	uint32_t	 places[CUBE_ELEMENTS_MAX], n_places = 0;
	Value		*rows;

	if (array->is_null)
		return true;
	if (array->n_items > CUBE_ELEMENTS_MAX) {
		eval_fail(call->context, row, "CUBE_EXPLODE takes at most %d elements, not %u", CUBE_ELEMENTS_MAX, array->n_items);
		return false;
	}
	for (uint32_t i = array->n_items; i-- > 0;)
		if (!array->items[i].is_null)
			places[n_places++] = i;
	if (!eval_has_room(call->context, row, "CUBE_EXPLODE", ((int64_t)sizeof(Value) * (array->n_items + 1)) << n_places,
					   "Give it fewer elements, or raise the limit with SET 'memory.limit'='...'."))
		return false;
	rows = arena_array(call->arena, Value, (size_t)1 << n_places);
	for (uint32_t subset = 0; subset < 1u << n_places; subset++) {
		Value	*items = arena_array(call->arena, Value, array->n_items + 1);

		for (uint32_t i = 0; i < array->n_items; i++)
			items[i] = value_null(element);
		for (uint32_t p = 0; p < n_places; p++)
			if (subset >> p & 1)
				items[places[p]] = array->items[places[p]];
		rows[subset] = (Value){.type = array->type, .n_items = array->n_items, .items = items};
	}
	*out_array = (Value){.type = type_array(array->type), .n_items = 1u << n_places, .items = rows};
	return true;
}

#define EXPLODE_TEXT "One row for each element of an array."

const TableFunction table_functions[] = {
	{.name = "CUBE_EXPLODE", .signature = "(ARRAY<T>) -> ARRAY<T>", .rows = cube_explode, .dialect = FUNCTION_BOTH, .description =
	 "One row for each combination of the elements of an array, the others replaced by NULL.", .example = "CUBE_EXPLODE(ARRAY[1, 2])"},
	{.name = "EXPLODE", .signature = "(ARRAY<T>) -> T", .rows = explode, .dialect = FUNCTION_BOTH, .description = EXPLODE_TEXT,
	 .example = "EXPLODE(ARRAY[1, 2])"},
	{.name = "UNNEST", .signature = "(ARRAY<T>) -> T", .rows = explode, .dialect = FUNCTION_STANDARD, .description = EXPLODE_TEXT,
	 .example = "UNNEST(ARRAY[1, 2])"},
	{.name = NULL},
};
