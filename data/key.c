#include "data/key.h"

#include <math.h>
#include <stdlib.h>

#include "data/value_impl.h"

/*
 * Keys.  A tag byte (0 NULL, 1 a value), then: numbers big-endian at full width; text with 0x00 escaped as 00 ff and
 * ended by 00 00, which keeps its byte order and makes it self-delimiting; lists as a count of 4 bytes and the
 * elements; maps as lists of entries sorted by their bytes; structs as their fields.
 *
 * Rows.  The same tags, but numbers in host order, text and lists behind a count of 4 bytes, maps as they are: rows
 * are never compared as bytes.
 */
#define TAG_NULL 0
#define TAG_VALUE 1

static void
add_be(StrBuf *out, uint64_t number, int width)
{
	unsigned char bytes[8];

	for (int i = 0; i < width; i++)
		bytes[i] = (unsigned char)(number >> (8 * (width - 1 - i)));
	strbuf_add(out, bytes, (size_t)width);
}

static uint64_t
read_be(const char *data, int width)
{
	uint64_t number = 0;

	for (int i = 0; i < width; i++)
		number = number << 8 | (unsigned char)data[i];
	return number;
}

static void
add_key_text(StrBuf *out, Str text)
{
	size_t start = 0;

	for (;;) {
		const char *zero = text.length > start ? memchr(text.data + start, 0, text.length - start) : NULL;

		if (zero == NULL)
			break;
		strbuf_add(out, text.data + start, (size_t)(zero - text.data) - start);
		strbuf_add(out, "\x00\xff", 2);
		start = (size_t)(zero - text.data) + 1;
	}
	if (text.length > start)
		strbuf_add(out, text.data + start, text.length - start);
	strbuf_add(out, "\x00\x00", 2);
}

typedef struct KeyEntry {
	size_t start;
	size_t length;
	const char *bytes;
} KeyEntry;

static int
entry_compare(const void *a, const void *b)
{
	const KeyEntry *x = a;
	const KeyEntry *y = b;

	return str_compare(str_make(x->bytes + x->start, x->length), str_make(y->bytes + y->start, y->length));
}

static void
add_key_map(StrBuf *out, const Value *v)
{
	StrBuf	  all = {0};
	KeyEntry *entries = xcalloc(v->n_items + 1, sizeof *entries);

	for (uint32_t i = 0; i < v->n_items; i++) {
		entries[i].start = all.length;
		key_encode_value(&v->items[2 * i], &all);
		key_encode_value(&v->items[2 * i + 1], &all);
		entries[i].length = all.length - entries[i].start;
	}
	for (uint32_t i = 0; i < v->n_items; i++)
		entries[i].bytes = all.data;
	qsort(entries, v->n_items, sizeof *entries, entry_compare);
	for (uint32_t i = 0; i < v->n_items; i++)
		strbuf_add(out, all.data + entries[i].start, entries[i].length);
	free(entries);
	strbuf_free(&all);
}

void
key_encode_value(const Value *v, StrBuf *out)
{
	if (v->is_null) {
		strbuf_add_char(out, TAG_NULL);
		return;
	}
	strbuf_add_char(out, TAG_VALUE);
	switch (v->type->kind) {
	case TYPE_BOOLEAN:
		strbuf_add_char(out, (char)v->boolean);
		break;
	case TYPE_INTEGER:
	case TYPE_DATE:
	case TYPE_TIME:
		add_be(out, (uint64_t)v->integer, 4);
		break;
	case TYPE_BIGINT:
	case TYPE_TIMESTAMP:
	case TYPE_UNIT:
		add_be(out, (uint64_t)v->integer, 8);
		break;
	case TYPE_DOUBLE:
		add_be(out, double_key(v->number), 8);
		break;
	case TYPE_DECIMAL:
		add_be(out, (uint64_t)((unsigned __int128)v->decimal >> 64), 8);
		add_be(out, (uint64_t)v->decimal, 8);
		break;
	case TYPE_STRING:
	case TYPE_BYTES:
		add_key_text(out, v->text);
		break;
	case TYPE_INTERVAL:
		add_be(out, (uint64_t)v->interval.months, 4);
		add_be(out, (uint64_t)v->interval.days, 4);
		add_be(out, (uint64_t)v->interval.micros, 8);
		break;
	case TYPE_ARRAY:
		add_be(out, v->n_items, 4);
		for (uint32_t i = 0; i < v->n_items; i++)
			key_encode_value(&v->items[i], out);
		break;
	case TYPE_MAP:
		add_be(out, v->n_items, 4);
		add_key_map(out, v);
		break;
	case TYPE_STRUCT:
		for (uint32_t i = 0; i < v->n_items; i++)
			key_encode_value(&v->items[i], out);
		break;
	case TYPE_NULL:
	case TYPE_LAMBDA:
		break;
	}
}

void
key_encode(const Vector *const *columns, int n_columns, int64_t row, StrBuf *out)
{
	Arena arena = {0};

	for (int c = 0; c < n_columns; c++) {
		const Vector *base = vector_base(columns[c]);
		int64_t		  i = vector_at(columns[c], row);

		if (base->validity != NULL && !bitmap_get(base->validity, i)) {
			strbuf_add_char(out, TAG_NULL);
		} else if (base->type->kind == TYPE_BIGINT) {
			strbuf_add_char(out, TAG_VALUE);
			add_be(out, (uint64_t)((const int64_t *)base->data)[i], 8);
		} else if (type_is_text(base->type)) {
			strbuf_add_char(out, TAG_VALUE);
			add_key_text(out, str_view_str(&((const StrView *)base->data)[i]));
		} else {
			Value v = vector_get(base, i, &arena);

			key_encode_value(&v, out);
		}
	}
	arena_free(&arena);
}

static Status
truncated(const Type *type, Error *err)
{
	StrBuf name = {0};

	type_print(type, &name);
	error_data(err, "Stored key or row ends within a %s", strbuf_text(&name));
	strbuf_free(&name);
	return FAILED;
}

static Status
read_key_text(Str bytes, size_t *at, Arena *arena, const Type *type, Str *out, Error *err)
{
	size_t start = *at;
	size_t n_escaped = 0;
	size_t end = start;
	char  *text;
	size_t n = 0;

	for (;; end += 2) {
		const char *zero = end < bytes.length ? memchr(bytes.data + end, 0, bytes.length - end) : NULL;

		if (zero == NULL || (size_t)(zero - bytes.data) + 1 >= bytes.length)
			return truncated(type, err);
		end = (size_t)(zero - bytes.data);
		if (zero[1] == 0)
			break;
		n_escaped++;
	}
	text = arena_alloc(arena, end - start - n_escaped + 1);
	for (size_t i = start; i < end; i++) {
		text[n++] = bytes.data[i];
		if (bytes.data[i] == 0)
			i++;
	}
	text[n] = '\0';
	*out = str_make(text, n);
	*at = end + 2;
	return OK;
}

Status
key_decode(const Type *type, Str bytes, size_t *at, Arena *arena, Value *out, Error *err)
{
	size_t width = 0;
	const char *p;

	*out = value_null(type);
	if (*at >= bytes.length)
		return truncated(type, err);
	if (bytes.data[(*at)++] == TAG_NULL)
		return OK;
	out->is_null = false;
	switch (type->kind) {
	case TYPE_STRING:
	case TYPE_BYTES:
		return read_key_text(bytes, at, arena, type, &out->text, err);
	case TYPE_STRUCT:
		out->n_items = (uint32_t)type->n_fields;
		out->items = arena_array(arena, Value, type->n_fields);
		for (int i = 0; i < type->n_fields; i++)
			TRY(key_decode(type->fields[i].type, bytes, at, arena, &out->items[i], err));
		return OK;
	case TYPE_ARRAY:
	case TYPE_MAP:
		width = 4;
		break;
	case TYPE_DECIMAL:
	case TYPE_INTERVAL:
		width = 16;
		break;
	default:
		width = (size_t)type_width(type);
		break;
	}
	if (bytes.length - *at < width)
		return truncated(type, err);
	p = bytes.data + *at;
	*at += width;
	switch (type->kind) {
	case TYPE_BOOLEAN:
		out->boolean = *p != 0;
		break;
	case TYPE_INTEGER:
	case TYPE_DATE:
	case TYPE_TIME:
		out->integer = (int32_t)read_be(p, 4);
		break;
	case TYPE_DOUBLE: {
		uint64_t bits = read_be(p, 8);

		memcpy(&out->number, &bits, sizeof bits);
		break;
	}
	case TYPE_DECIMAL:
		out->decimal = (Decimal)((unsigned __int128)read_be(p, 8) << 64 | read_be(p + 8, 8));
		break;
	case TYPE_INTERVAL:
		out->interval = (Interval){(int32_t)read_be(p, 4), (int32_t)read_be(p + 4, 4), (int64_t)read_be(p + 8, 8)};
		break;
	case TYPE_ARRAY:
	case TYPE_MAP: {
		uint32_t n_each = type->kind == TYPE_MAP ? 2 : 1;

		out->n_items = (uint32_t)read_be(p, 4);
		if (out->n_items > bytes.length)
			return truncated(type, err);
		out->items = arena_array(arena, Value, out->n_items * n_each);
		for (uint32_t i = 0; i < out->n_items * n_each; i++)
			TRY(key_decode(n_each == 2 && i % 2 == 0 ? type->key : type->element, bytes, at, arena, &out->items[i], err));
		break;
	}
	default:
		out->integer = (int64_t)read_be(p, 8);
		break;
	}
	return OK;
}

/* ---- partitions ---- */

/* MurmurHash2 as Kafka's clients have it: 32 bits, seed 0x9747b28c, little-endian. */
static uint32_t
murmur2(Str key)
{
	const uint32_t		 m = 0x5bd1e995;
	const unsigned char *data = (const unsigned char *)key.data;
	size_t				 n = key.length;
	uint32_t			 h = 0x9747b28c ^ (uint32_t)n;

	for (; n >= 4; n -= 4, data += 4) {
		uint32_t k = (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;

		k *= m;
		k ^= k >> 24;
		k *= m;
		h *= m;
		h ^= k;
	}
	if (n >= 3)
		h ^= (uint32_t)data[2] << 16;
	if (n >= 2)
		h ^= (uint32_t)data[1] << 8;
	if (n >= 1) {
		h ^= data[0];
		h *= m;
	}
	h ^= h >> 13;
	h *= m;
	h ^= h >> 15;
	return h;
}

int32_t
key_partition(Str serialised_key, int32_t n_partitions)
{
	return (int32_t)((murmur2(serialised_key) & 0x7fffffff) % (uint32_t)n_partitions);
}

/* ---- rows ---- */

static void
add_raw(StrBuf *out, const void *data, size_t width)
{
	strbuf_add(out, data, width);
}

static void
add_count(StrBuf *out, size_t n)
{
	uint32_t count = (uint32_t)n;

	strbuf_add(out, &count, sizeof count);
}

/* Row i of a FLAT vector. */
static void
encode_flat(const Vector *v, int64_t i, StrBuf *out)
{
	size_t width = (size_t)type_width(v->type);

	if (v->type->kind == TYPE_NULL || (v->validity != NULL && !bitmap_get(v->validity, i))) {
		strbuf_add_char(out, TAG_NULL);
		return;
	}
	strbuf_add_char(out, TAG_VALUE);
	switch (v->type->kind) {
	case TYPE_STRING:
	case TYPE_BYTES: {
		Str text = str_view_str(&((const StrView *)v->data)[i]);

		add_count(out, text.length);
		strbuf_add_str(out, text);
		break;
	}
	case TYPE_ARRAY:
	case TYPE_MAP: {
		ListEntry entry = ((const ListEntry *)v->data)[i];

		add_count(out, entry.length);
		for (uint32_t k = 0; k < entry.length; k++)
			for (int c = 0; c < v->n_children; c++)
				encode_flat(&v->children[c], entry.offset + k, out);
		break;
	}
	case TYPE_STRUCT:
		for (int c = 0; c < v->n_children; c++)
			encode_flat(&v->children[c], i, out);
		break;
	default:
		add_raw(out, (const char *)v->data + width * (size_t)i, width);
		break;
	}
}

void
row_encode(const Vector *const *columns, int n_columns, int64_t row, StrBuf *out)
{
	for (int c = 0; c < n_columns; c++)
		encode_flat(vector_base(columns[c]), vector_at(columns[c], row), out);
}

static Status
decode_one(const Type *type, Str bytes, size_t *at, Arena *arena, Value *out, Error *err)
{
	size_t		width;
	uint32_t	count = 0;
	const char *p;
	int32_t		small;

	*out = value_null(type);
	if (*at >= bytes.length)
		return truncated(type, err);
	if (bytes.data[(*at)++] == TAG_NULL)
		return OK;
	out->is_null = false;
	width = type_is_text(type) || type->kind == TYPE_ARRAY || type->kind == TYPE_MAP ? sizeof count : (size_t)type_width(type);
	if (bytes.length - *at < width)
		return truncated(type, err);
	p = bytes.data + *at;
	*at += width;
	if (width == sizeof count)
		memcpy(&count, p, sizeof count);
	switch (type->kind) {
	case TYPE_BOOLEAN:
		out->boolean = *p != 0;
		break;
	case TYPE_INTEGER:
	case TYPE_DATE:
	case TYPE_TIME:
		memcpy(&small, p, sizeof small);
		out->integer = small;
		break;
	case TYPE_DOUBLE:
		memcpy(&out->number, p, sizeof out->number);
		break;
	case TYPE_DECIMAL:
		memcpy(&out->decimal, p, sizeof out->decimal);
		break;
	case TYPE_INTERVAL:
		memcpy(&out->interval, p, sizeof out->interval);
		break;
	case TYPE_STRING:
	case TYPE_BYTES:
		if (bytes.length - *at < count)
			return truncated(type, err);
		out->text = str_make(arena_strndup(arena, bytes.data + *at, count), count);
		*at += count;
		break;
	case TYPE_ARRAY:
	case TYPE_MAP: {
		uint32_t n_each = type->kind == TYPE_MAP ? 2 : 1;

		if (count > bytes.length)
			return truncated(type, err);
		out->n_items = count;
		out->items = arena_array(arena, Value, count * n_each);
		for (uint32_t i = 0; i < count * n_each; i++)
			TRY(decode_one(n_each == 2 && i % 2 == 0 ? type->key : type->element, bytes, at, arena, &out->items[i], err));
		break;
	}
	case TYPE_STRUCT:
		out->n_items = (uint32_t)type->n_fields;
		out->items = arena_array(arena, Value, type->n_fields);
		for (int i = 0; i < type->n_fields; i++)
			TRY(decode_one(type->fields[i].type, bytes, at, arena, &out->items[i], err));
		break;
	default:
		memcpy(&out->integer, p, sizeof out->integer);
		break;
	}
	return OK;
}

Status
row_decode(const Type *const *types, int n_columns, Str bytes, Arena *arena, Value *out, Error *err)
{
	size_t at = 0;

	for (int c = 0; c < n_columns; c++)
		TRY(decode_one(types[c], bytes, &at, arena, &out[c], err));
	return OK;
}

static void
decode_null(Vector *v, Arena *arena, int64_t row)
{
	vector_set_null(v, arena, row);
	if (v->type->kind == TYPE_STRUCT)
		for (int c = 0; c < v->n_children; c++)
			decode_null(&v->children[c], arena, row);
}

/* The next value of a row, into row `row` of a FLAT vector. */
static Status
decode_flat(Vector *v, Str bytes, size_t *at, Arena *arena, int64_t row, Error *err)
{
	size_t		width;
	uint32_t	count;
	uint32_t	first;
	const char *p;

	if (*at >= bytes.length)
		return truncated(v->type, err);
	if (bytes.data[(*at)++] == TAG_NULL) {
		decode_null(v, arena, row);
		return OK;
	}
	if (v->validity != NULL)
		bitmap_set(v->validity, row);
	switch (v->type->kind) {
	case TYPE_STRUCT:
		for (int c = 0; c < v->n_children; c++)
			TRY(decode_flat(&v->children[c], bytes, at, arena, row, err));
		return OK;
	case TYPE_STRING:
	case TYPE_BYTES:
	case TYPE_ARRAY:
	case TYPE_MAP:
		width = sizeof count;
		break;
	default:
		width = (size_t)type_width(v->type);
		break;
	}
	if (bytes.length - *at < width)
		return truncated(v->type, err);
	p = bytes.data + *at;
	*at += width;
	switch (v->type->kind) {
	case TYPE_STRING:
	case TYPE_BYTES:
		memcpy(&count, p, sizeof count);
		if (bytes.length - *at < count)
			return truncated(v->type, err);
		((StrView *)v->data)[row] = str_view_make(bytes.data + *at, count);
		*at += count;
		return OK;
	case TYPE_ARRAY:
	case TYPE_MAP:
		memcpy(&count, p, sizeof count);
		if (count > bytes.length)
			return truncated(v->type, err);
		first = vector_list_reserve(v, arena, count);
		((ListEntry *)v->data)[row] = (ListEntry){first, count};
		for (uint32_t k = 0; k < count; k++)
			for (int c = 0; c < v->n_children; c++)
				TRY(decode_flat(&v->children[c], bytes, at, arena, first + k, err));
		return OK;
	default:
		memcpy((char *)v->data + width * (size_t)row, p, width);
		return OK;
	}
}

Status
row_decode_vectors(Vector *const *columns, int n_columns, Str bytes, Arena *arena, int64_t row, Error *err)
{
	size_t at = 0;

	for (int c = 0; c < n_columns; c++)
		TRY(decode_flat(columns[c], bytes, &at, arena, row, err));
	return OK;
}

/* ---- bytes in the order of values ---- */

#define SIGN_BIT ((uint64_t)1 << 63)

static uint64_t
double_order(double number)
{
	uint64_t bits;

	if (isnan(number))
		return UINT64_MAX;
	number = number == 0 ? 0 : number;	/* -0 equals 0 */
	memcpy(&bits, &number, sizeof bits);
	return (bits & SIGN_BIT) != 0 ? ~bits : bits | SIGN_BIT;
}

static void
add_order_wide(StrBuf *out, __int128 number)
{
	add_be(out, (uint64_t)(number >> 64) ^ SIGN_BIT, 8);
	add_be(out, (uint64_t)number, 8);
}

/* Elements in front of an end that is less than any of them: a list is less than one that goes on. */
static void
add_order_items(const Value *v, StrBuf *out)
{
	uint32_t n = v->type->kind == TYPE_MAP ? 2 * v->n_items : v->n_items;

	for (uint32_t i = 0; i < n; i++) {
		strbuf_add_char(out, v->items[i].is_null ? 2 : 1);
		if (!v->items[i].is_null)
			order_encode_value(&v->items[i], out);
	}
	strbuf_add_char(out, 0);
}

void
order_encode_value(const Value *v, StrBuf *out)
{
	switch (v->type->kind) {
	case TYPE_BOOLEAN:
		strbuf_add_char(out, (char)v->boolean);
		break;
	case TYPE_DOUBLE:
		add_be(out, double_order(v->number), 8);
		break;
	case TYPE_DECIMAL:
		add_order_wide(out, v->decimal);
		break;
	case TYPE_STRING:
	case TYPE_BYTES:
		add_key_text(out, v->text);
		break;
	case TYPE_INTERVAL:
		add_order_wide(out, interval_micros(&v->interval));
		break;
	case TYPE_ARRAY:
	case TYPE_MAP:
	case TYPE_STRUCT:
		add_order_items(v, out);
		break;
	case TYPE_NULL:
	case TYPE_LAMBDA:
		break;
	default:
		add_be(out, (uint64_t)v->integer ^ SIGN_BIT, 8);
		break;
	}
}

void
order_encode(const Vector *column, int64_t row, bool descending, bool nulls_first, Arena *scratch, StrBuf *out)
{
	Value  v = vector_get(column, row, scratch);
	size_t start;

	strbuf_add_char(out, v.is_null ? (nulls_first ? 0 : 2) : 1);
	start = out->length;
	if (!v.is_null)
		order_encode_value(&v, out);
	for (size_t i = start; descending && i < out->length; i++)
		out->data[i] = (char)~out->data[i];
}
