#include "data/value.h"

#include <math.h>

#include "common/hash.h"
#include "data/value_impl.h"
#include "data/vector.h"

Value
value_copy(Arena *arena, Value v)
{
	Value copy = v;

	if (v.is_null || v.type == NULL)
		return copy;
	if (type_is_text(v.type)) {
		copy.text.data = arena_strndup(arena, v.text.data, v.text.length);
	} else if (type_is_nested(v.type)) {
		uint32_t n = v.type->kind == TYPE_MAP ? v.n_items * 2 : v.n_items;

		copy.items = arena_array(arena, Value, n);
		for (uint32_t i = 0; i < n; i++)
			copy.items[i] = value_copy(arena, v.items[i]);
	}
	return copy;
}

/* Entries of maps have no order: each of a must be in b.  Keys of one map are distinct. */
static bool
map_equal(const Value *a, const Value *b)
{
	for (uint32_t i = 0; i < a->n_items; i++) {
		uint32_t j = 0;

		while (j < b->n_items && !value_equal(&a->items[2 * i], &b->items[2 * j]))
			j++;
		if (j == b->n_items || !value_equal(&a->items[2 * i + 1], &b->items[2 * j + 1]))
			return false;
	}
	return true;
}

bool
value_equal(const Value *a, const Value *b)
{
	if (a->is_null || b->is_null)
		return a->is_null && b->is_null;
	switch (a->type->kind) {
	case TYPE_BOOLEAN:
		return a->boolean == b->boolean;
	case TYPE_DOUBLE:
		return double_key(a->number) == double_key(b->number);
	case TYPE_DECIMAL:
		return a->decimal == b->decimal;
	case TYPE_STRING:
	case TYPE_BYTES:
		return str_equal(a->text, b->text);
	case TYPE_INTERVAL:
		return a->interval.months == b->interval.months && a->interval.days == b->interval.days &&
			a->interval.micros == b->interval.micros;
	case TYPE_MAP:
		return a->n_items == b->n_items && map_equal(a, b);
	case TYPE_ARRAY:
	case TYPE_STRUCT:
		if (a->n_items != b->n_items)
			return false;
		for (uint32_t i = 0; i < a->n_items; i++)
			if (!value_equal(&a->items[i], &b->items[i]))
				return false;
		return true;
	case TYPE_NULL:
	case TYPE_LAMBDA:
		return true;
	default:
		return a->integer == b->integer;
	}
}

#define ORDER(x, y) (((x) > (y)) - ((x) < (y)))

int
double_compare(double a, double b)
{
	if (isnan(a) || isnan(b))
		return (isnan(a) != 0) - (isnan(b) != 0);
	return ORDER(a, b);
}

/* Order of UTF-16 units: as of bytes, but for code points from U+E000 on, which sort behind all surrogates. */
static int
text_compare_utf16(Str a, Str b)
{
	size_t n = a.length < b.length ? a.length : b.length;

	for (size_t i = 0; i < n; i++) {
		unsigned char x = (unsigned char)a.data[i];
		unsigned char y = (unsigned char)b.data[i];

		if (x == y)
			continue;
		/* Lead bytes 0xee and 0xef (U+E000..U+FFFF) are above 0xf0.. (surrogates); elsewhere bytes decide. */
		if (x >= 0xee && y >= 0xee && (x >= 0xf0) != (y >= 0xf0))
			return x >= 0xf0 ? -1 : 1;
		return x < y ? -1 : 1;
	}
	return ORDER(a.length, b.length);
}

static int
bytes_compare_signed(Str a, Str b)
{
	size_t n = a.length < b.length ? a.length : b.length;

	for (size_t i = 0; i < n; i++)
		if (a.data[i] != b.data[i])
			return (signed char)a.data[i] < (signed char)b.data[i] ? -1 : 1;
	return ORDER(a.length, b.length);
}

int
text_compare(TypeKind kind, Str a, Str b, bool ksqldb_order)
{
	if (!ksqldb_order)
		return str_compare(a, b);
	return kind == TYPE_BYTES ? bytes_compare_signed(a, b) : text_compare_utf16(a, b);
}

static int
item_compare(const Value *a, const Value *b, bool ksqldb_order)
{
	if (a->is_null || b->is_null)
		return (int)a->is_null - (int)b->is_null;
	return value_compare(a, b, ksqldb_order);
}

int
value_compare(const Value *a, const Value *b, bool ksqldb_order)
{
	uint32_t n;
	int		 order;

	switch (a->type->kind) {
	case TYPE_BOOLEAN:
		return (int)a->boolean - (int)b->boolean;
	case TYPE_DOUBLE:
		return double_compare(a->number, b->number);
	case TYPE_DECIMAL:
		return ORDER(a->decimal, b->decimal);
	case TYPE_STRING:
	case TYPE_BYTES:
		return text_compare(a->type->kind, a->text, b->text, ksqldb_order);
	case TYPE_INTERVAL: {
		__int128 x = interval_micros(&a->interval);
		__int128 y = interval_micros(&b->interval);

		return ORDER(x, y);
	}
	case TYPE_ARRAY:
	case TYPE_MAP:
	case TYPE_STRUCT:
		n = a->n_items < b->n_items ? a->n_items : b->n_items;
		if (a->type->kind == TYPE_MAP)
			n *= 2;
		for (uint32_t i = 0; i < n; i++) {
			order = item_compare(&a->items[i], &b->items[i], ksqldb_order);
			if (order != 0)
				return order;
		}
		return ORDER(a->n_items, b->n_items);
	case TYPE_NULL:
	case TYPE_LAMBDA:
		return 0;
	default:
		return ORDER(a->integer, b->integer);
	}
}

uint64_t
value_hash(const Value *v)
{
	uint64_t h;

	if (v->is_null)
		return HASH_NULL;
	switch (v->type->kind) {
	case TYPE_BOOLEAN:
		return hash_u64(v->boolean);
	case TYPE_DOUBLE:
		return hash_u64(double_key(v->number));
	case TYPE_DECIMAL:
		return hash_decimal(v->decimal);
	case TYPE_STRING:
	case TYPE_BYTES: {
		StrView view = str_view_make(v->text.data, v->text.length);

		return hash_view(&view);
	}
	case TYPE_INTERVAL:
		return hash_interval(&v->interval);
	case TYPE_MAP:
		/* A sum, since entries have no order. */
		h = v->n_items;
		for (uint32_t i = 0; i < v->n_items; i++)
			h += hash_combine(value_hash(&v->items[2 * i]), value_hash(&v->items[2 * i + 1]));
		return hash_u64(h);
	case TYPE_ARRAY:
	case TYPE_STRUCT:
		h = HASH_LIST;
		for (uint32_t i = 0; i < v->n_items; i++)
			h = hash_combine(h, value_hash(&v->items[i]));
		return h;
	case TYPE_NULL:
	case TYPE_LAMBDA:
		return HASH_NULL;
	default:
		return hash_u64((uint64_t)v->integer);
	}
}
