#ifndef SLUICE_EXEC_FUNC_KERNEL_H
#define SLUICE_EXEC_FUNC_KERNEL_H

/*
 * What the files of this folder share: macros that write function rows, and readers of arguments.  Nobody outside
 * exec/func includes this.
 */
#include "common/str.h"
#include "common/utf8.h"
#include "data/vector.h"
#include "exec/expr/program.h"
#include "exec/func/func.h"

/*
 * A row with a vector kernel, one with a row-wise kernel, and the same with a computed result type.  What follows the
 * dialect is the description, the example and its result.
 */
#define FUNCTION(name_, signature_, kernel_, flags_, dialect_, ...)                                           \
	{.name = name_, .signature = signature_, .kernel = kernel_, .flags = flags_,                              \
	 .dialect = FUNCTION_##dialect_, .description = __VA_ARGS__}
#define FUNCTION_ROWS(name_, signature_, kernel_, flags_, dialect_, ...)                                      \
	{.name = name_, .signature = signature_, .row_kernel = kernel_, .flags = flags_,                          \
	 .dialect = FUNCTION_##dialect_, .description = __VA_ARGS__}
#define FUNCTION_TYPED(name_, signature_, kernel_, resolve_, flags_, dialect_, ...)                           \
	{.name = name_, .signature = signature_, .kernel = kernel_, .resolve = resolve_, .flags = flags_,         \
	 .dialect = FUNCTION_##dialect_, .description = __VA_ARGS__}
#define FUNCTION_ROWS_TYPED(name_, signature_, kernel_, resolve_, flags_, dialect_, ...)                      \
	{.name = name_, .signature = signature_, .row_kernel = kernel_, .resolve = resolve_, .flags = flags_,     \
	 .dialect = FUNCTION_##dialect_, .description = __VA_ARGS__}

#define NULL_IN FUNC_NULL_IN

/* 0 for constants: data[i * step] is row i in tight loops. */
#define arg_step(v) ((v)->form == VECTOR_CONSTANT ? 0 : 1)

/* Text positions are UTF-16 units in rows of the ksqldb dialect and code points in those of the standard one. */
static inline bool
call_counts_units(const ScalarCall *call)
{
	return call->function->dialect == FUNCTION_KSQLDB;
}

static inline bool
call_is_standard(const ScalarCall *call)
{
	return call->function->dialect == FUNCTION_STANDARD;
}

/* Eight bytes at a time: short texts are most of all, and most of them are ASCII. */
static inline bool
text_is_ascii(Str s)
{
	uint64_t all = 0, word;
	size_t	 i = 0;

	for (; i + 8 <= s.length; i += 8) {
		memcpy(&word, s.data + i, 8);
		all |= word;
	}
	for (; i < s.length; i++)
		all |= (unsigned char)s.data[i];
	return (all & UINT64_C(0x8080808080808080)) == 0;
}

/* Length of a text in what the dialect counts. */
static inline int64_t
call_text_length(const ScalarCall *call, Str s)
{
	if (text_is_ascii(s))
		return (int64_t)s.length;
	return call_counts_units(call) ? utf8_utf16_length(s) : utf8_count(s);
}

/* Byte offset of the position with index n from 0; the text's length if it is shorter. */
static inline size_t
call_text_offset(const ScalarCall *call, Str s, int64_t n)
{
	return call_counts_units(call) ? utf8_offset_of_unit(s, n, NULL) : utf8_offset_of_point(s, n);
}

/* The inverse. */
static inline int64_t
call_text_position(const ScalarCall *call, Str s, size_t offset)
{
	return call_counts_units(call) ? utf8_unit_of_offset(s, offset) : utf8_point_of_offset(s, offset);
}

static inline void
result_set_null(const ScalarCall *call, Vector *out, int32_t row)
{
	vector_set_null(out, call->arena, row);
}

/* True when a row without NULL has to be computed: row-wise loops of kernels that do expensive or failing work. */
static inline bool
call_row_valid(const ScalarCall *call, int32_t row)
{
	for (int a = 0; a < call->n_args; a++)
		if (call->args[a] != NULL && !arg_valid(call->args[a], row))
			return false;
	return true;
}

/* The text of a Value copied into the call's arena. */
static inline Str
text_keep(const ScalarCall *call, Str text)
{
	return str_make(arena_memdup(call->arena, text.data, text.length), text.length);
}

/* Sets a row-wise result: text is copied. */
static inline bool
value_set_text(const ScalarCall *call, Value *out, Str text)
{
	out->is_null = false;
	out->text = text_keep(call, text);
	return true;
}

static inline bool
value_set_integer(Value *out, int64_t integer)
{
	out->is_null = false;
	out->integer = integer;
	return true;
}

static inline bool
value_set_boolean(Value *out, bool boolean)
{
	out->is_null = false;
	out->boolean = boolean;
	return true;
}

static inline bool
value_set_double(Value *out, double number)
{
	out->is_null = false;
	out->number = number;
	return true;
}

/* Sets a row-wise result to a list of n items (twice as many Values for a MAP). */
static inline bool
value_set_items(Value *out, Value *items, uint32_t n)
{
	out->is_null = false;
	out->items = items;
	out->n_items = n;
	return true;
}

/* A growing list of Values in the call's arena: elements of an ARRAY, or keys and values of a MAP by turns. */
typedef struct ItemList {
	Arena	*arena;
	Value	*items;
	uint32_t n;
	uint32_t capacity;
} ItemList;

static inline void
item_add(ItemList *list, Value item)
{
	if (list->n == list->capacity) {
		uint32_t capacity = list->capacity > 0 ? list->capacity * 2 : 8;
		Value	*items = arena_alloc(list->arena, sizeof(Value) * capacity);

		if (list->n > 0)
			memcpy(items, list->items, sizeof(Value) * list->n);
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->n++] = item;
}

/* Sets an entry of a map under construction: a key that is there already gets the new value and keeps its place. */
static inline void
item_put(ItemList *list, Value key, Value value)
{
	for (uint32_t i = 0; i < list->n; i += 2)
		if (value_equal(&list->items[i], &key)) {
			list->items[i + 1] = value;
			return;
		}
	item_add(list, key);
	item_add(list, value);
}

/*
 * Text of a scalar value as CAST to STRING of the dialect gives it, and as an element in JSON.  False for types that have
 * none (nested ones).
 */
bool scalar_add_text(StrBuf *out, const Value *v, bool is_standard);

/* Any value as compact JSON: members of structs and maps sorted by name, BYTES in base64, time types as quoted text. */
void scalar_add_json(StrBuf *out, const Value *v, bool is_standard);

/* ---- families ---- */

extern const ScalarFunction scalar_math_functions[], scalar_bits_functions[], scalar_decimal_functions[], scalar_string_functions[],
	scalar_text_functions[], scalar_mask_functions[], scalar_bytes_functions[], scalar_regex_functions[],
	scalar_array_functions[], scalar_list_functions[], scalar_interval_functions[], scalar_print_functions[], scalar_map_functions[], scalar_lambda_functions[], scalar_json_functions[],
	scalar_null_functions[], scalar_date_functions[], scalar_calendar_functions[], scalar_url_functions[], scalar_time_format_functions[];
extern const TableFunction table_functions[];

#endif
