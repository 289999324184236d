/* Functions of maps. */
#include "exec/func/kernel.h"

/* Later keys win; values that are missing are NULL. */
static bool
as_map(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	ItemList list = {.arena = call->arena};

	(void)row;
	for (uint32_t i = 0; i < args[0].n_items; i++)
		item_put(&list, args[0].items[i], i < args[1].n_items ? args[1].items[i] : value_null(call->result_type->element));
	return value_set_items(out, list.items, list.n / 2);
}

static bool
map_side(const ScalarCall *call, const Value *map, uint32_t side, Value *out)
{
	Value	*items = arena_array(call->arena, Value, map->n_items + 1);

	for (uint32_t i = 0; i < map->n_items; i++)
		items[i] = map->items[2 * i + side];
	return value_set_items(out, items, map->n_items);
}

static bool
map_keys(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	return map_side(call, &args[0], 0, out);
}

static bool
map_values(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	return map_side(call, &args[0], 1, out);
}

static bool
map_union(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	ItemList list = {.arena = call->arena};

	(void)row;
	if (args[0].is_null && args[1].is_null)
		return true;
	for (int a = 0; a < 2; a++)
		for (uint32_t i = 0; !args[a].is_null && i < args[a].n_items; i++)
			item_put(&list, args[a].items[2 * i], args[a].items[2 * i + 1]);
	return value_set_items(out, list.items, list.n / 2);
}

static bool
map_contains_key(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)call;
	(void)row;
	for (uint32_t i = 0; i < args[0].n_items; i++)
		if (value_equal(&args[0].items[2 * i], &args[1]))
			return value_set_boolean(out, true);
	return value_set_boolean(out, false);
}

static bool
map_entries(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	const Type *entry = call->result_type->element;
	Value	   *items = arena_array(call->arena, Value, args[0].n_items + 1);

	(void)row;
	for (uint32_t i = 0; i < args[0].n_items; i++)
		items[i] = (Value){.type = entry, .items = &args[0].items[2 * i], .n_items = 2};
	return value_set_items(out, items, args[0].n_items);
}

static const Type *
entries_type(const Type *const *args, int n_args, const Value *constants, Error *err)
{
	TypeField fields[2] = {{.name = "key", .type = args[0]->key}, {.name = "value", .type = args[0]->element}};

	(void)n_args;
	(void)constants;
	(void)err;
	return type_array(type_struct(fields, 2));
}

static bool
map_from_entries(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	ItemList list = {.arena = call->arena};

	for (uint32_t i = 0; i < args[0].n_items; i++) {
		const Value *entry = &args[0].items[i];

		if (entry->is_null || entry->items[0].is_null) {
			eval_fail(call->context, row, "An entry of a map needs a key");
			return false;
		}
		item_put(&list, entry->items[0], entry->items[1]);
	}
	return value_set_items(out, list.items, list.n / 2);
}

static const Type *
map_of_entries(const Type *const *args, int n_args, const Value *constants, Error *err)
{
	const Type *entry = args[0]->element;

	(void)n_args;
	(void)constants;
	if (entry->kind == TYPE_STRUCT && entry->n_fields == 2)
		return type_map(entry->fields[0].type, entry->fields[1].type);
	error_user(err, "MAP_FROM_ENTRIES needs a list of structs of two fields, or of rows: [('a', 1), ('b', 2)]");
	return NULL;
}

const ScalarFunction scalar_map_functions[] = {
	FUNCTION_ROWS("AS_MAP", "(ARRAY<STRING>, ARRAY<T>) -> MAP<STRING, T>", as_map, NULL_IN, BOTH,
				  "A map of the keys in one array to the values in another.", "AS_MAP(ARRAY['a', 'b'], ARRAY[1, 2])['b']", "2"),
	FUNCTION_ROWS("MAP_CONTAINS", "(MAP<K, V>, K) -> BOOLEAN", map_contains_key, NULL_IN, STANDARD, "Whether a map has a key.",
				  "MAP_CONTAINS(MAP('a' := 1), 'a')", "true"),
	FUNCTION_ROWS("MAP_CONTAINS_KEY", "(MAP<K, V>, K) -> BOOLEAN", map_contains_key, NULL_IN, STANDARD,
				  "Whether a map has a key.", "MAP_CONTAINS_KEY(AS_MAP(ARRAY['a'], ARRAY[1]), 'a')", "true"),
	FUNCTION_ROWS_TYPED("MAP_ENTRIES", "(MAP<K, V>) -> = f", map_entries, entries_type, NULL_IN, STANDARD,
						"The entries of a map as structs of key and value.", "MAP_ENTRIES(MAP('a' := 1))[1]->value", "1"),
	FUNCTION_ROWS_TYPED("MAP_FROM_ENTRIES", "(ARRAY<T>) -> = f", map_from_entries, map_of_entries, NULL_IN, STANDARD,
						"A map of structs of key and value, or of rows of two values.", "MAP_FROM_ENTRIES(MAP_ENTRIES(MAP('a' := 1)))['a']", "1"),
	FUNCTION_ROWS("MAP_KEYS", "(MAP<STRING, T>) -> ARRAY<STRING>", map_keys, NULL_IN, BOTH,
				  "The keys of a map, in the order of MAP_VALUES.", "ARRAY_JOIN(MAP_KEYS(AS_MAP(ARRAY['a'], ARRAY[1])))", "a"),
	FUNCTION_ROWS("MAP_KEYS", "(MAP<K, V>) -> ARRAY<K>", map_keys, NULL_IN, STANDARD,
				  "The keys of a map, in the order of MAP_VALUES.", NULL, NULL),
	FUNCTION_ROWS("MAP_FROM_LISTS", "(ARRAY<K>, ARRAY<V>) -> MAP<K, V>", as_map, NULL_IN | FUNC_HIDDEN, STANDARD, "MAP(keys, values)."),
	FUNCTION_ROWS("MAP_UNION", "(MAP<STRING, T>, MAP<STRING, T>) -> MAP<STRING, T>", map_union, 0, BOTH,
				  "The entries of both maps; where both have a key, the second wins.",
				  "MAP_UNION(AS_MAP(ARRAY['a'], ARRAY[1]), AS_MAP(ARRAY['a'], ARRAY[2]))['a']", "2"),
	FUNCTION_ROWS("MAP_VALUES", "(MAP<STRING, T>) -> ARRAY<T>", map_values, NULL_IN, BOTH,
				  "The values of a map, in the order of MAP_KEYS.", "ARRAY_JOIN(MAP_VALUES(AS_MAP(ARRAY['a'], ARRAY[1])))", "1"),
	FUNCTION_ROWS("MAP_VALUES", "(MAP<K, V>) -> ARRAY<V>", map_values, NULL_IN, STANDARD,
				  "The values of a map, in the order of MAP_KEYS.", NULL, NULL),
	{.name = NULL},
};
