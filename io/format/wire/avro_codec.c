/* Avro's binary encoding: bytes by a writer's schema to values, and back. */
#include <string.h>

#include "common/base64.h"
#include "common/utf8.h"
#include "data/decimal.h"
#include "data/time_text.h"
#include "io/format/wire/wire.h"

#define EMPTY_ITEMS_MAX 65536	/* items that take no bytes, in one list */

typedef struct AvroReader {
	Arena	   *arena;
	const char *p;
	const char *end;
	int			depth;
} AvroReader;

static Status
fail_early(Error *err)
{
	return error_data(err, "Not valid Avro: the record ends early");
}

static Status
read_long(AvroReader *r, int64_t *out, Error *err)
{
	uint64_t bits = 0;

	for (int shift = 0; shift < 64; shift += 7) {
		if (r->p >= r->end)
			return fail_early(err);

		unsigned char byte = (unsigned char)*r->p++;

		bits |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*out = (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
			return OK;
		}
	}
	return error_data(err, "Not valid Avro: a number of more than 64 bits");
}

static Status
read_int(AvroReader *r, int64_t *out, Error *err)
{
	TRY(read_long(r, out, err));
	return *out == (int32_t)*out ? OK : error_data(err, "Not valid Avro: an int of more than 32 bits");
}

static Status
read_bytes(AvroReader *r, int64_t length, Str *out, Error *err)
{
	if (length < 0 || length > r->end - r->p)
		return fail_early(err);
	*out = str_make(r->p, (size_t)length);
	r->p += length;
	return OK;
}

static Status
read_decimal(Str bytes, Value *out, Error *err)
{
	__int128 value = bytes.length > 0 && (bytes.data[0] & 0x80) ? -1 : 0;
	size_t	 skip = 0;

	while (bytes.length - skip > 16) {		/* only the sign's copies may stand in front */
		if ((unsigned char)bytes.data[skip] != (value < 0 ? 0xff : 0))
			return error_data(err, "A decimal of more than 38 digits");
		skip++;
	}
	for (size_t i = skip; i < bytes.length; i++)
		value = (__int128)((unsigned __int128)value << 8 | (unsigned char)bytes.data[i]);
	if ((skip > 0 && (value < 0) != ((bytes.data[0] & 0x80) != 0)) || decimal_digits(value) > DECIMAL_MAX_DIGITS)
		return error_data(err, "A decimal of more than 38 digits");
	out->decimal = value;
	return OK;
}

static Status decode_node(AvroReader *r, const WireNode *node, Value *out, Error *err);

/* Blocks of items: each counted, a negative count has the block's size behind it.  MAP: text keys; entries are records. */
static Status
decode_list(AvroReader *r, const WireNode *node, Value *out, Error *err)
{
	bool	 is_map = node->kind == WIRE_MAP;
	uint32_t width = is_map ? 2 : 1;
	uint32_t capacity = 0;
	int64_t	 count, size;

	out->n_items = 0;
	out->items = NULL;
	for (;;) {
		TRY(read_long(r, &count, err));
		if (count == 0)
			return OK;
		if (count < 0) {
			TRY(read_long(r, &size, err));
			if (count == INT64_MIN)
				return fail_early(err);
			count = -count;
		}
		if (count > (r->end - r->p) + EMPTY_ITEMS_MAX || (int64_t)out->n_items + count > INT32_MAX / 4)
			return fail_early(err);
		if (out->n_items + (uint32_t)count > capacity) {
			Value *items;

			capacity = out->n_items * 2 + (uint32_t)count;
			items = arena_array(r->arena, Value, (size_t)capacity * width);
			if (out->n_items > 0)
				memcpy(items, out->items, sizeof *items * out->n_items * width);
			out->items = items;
		}
		for (; count > 0; count--, out->n_items++) {
			Value *item = &out->items[out->n_items * width];

			if (is_map && node->is_entries) {
				Value key;

				TRY(decode_node(r, node->key, &key, err));
				if (key.type == NULL)
					return error_data(err, "A map's key has no type");
				TRY(wire_coerce(r->arena, &key, type_string, item, err));
			} else if (is_map) {
				int64_t length;

				*item = value_text(type_string, (Str){0});
				TRY(read_long(r, &length, err));
				TRY(read_bytes(r, length, &item->text, err));
				if (!utf8_validate(item->text))
					return error_data(err, "Not valid Avro: text that is not UTF-8");
			}
			TRY(decode_node(r, node->element, &item[width - 1], err));
		}
	}
}

static Status
decode_record(AvroReader *r, const WireNode *node, Value *out, Error *err)
{
	Value skipped;
	int	  n = 0;

	out->n_items = node->type != NULL ? (uint32_t)node->type->n_fields : 0;
	out->items = arena_array(r->arena, Value, out->n_items + 1);
	for (int i = 0; i < node->n_fields; i++) {
		const WireNode *field = node->fields[i].node;
		bool			is_kept = node->type != NULL && n < node->type->n_fields && field->type != NULL
					   && strcmp(node->type->fields[n].name, node->fields[i].name) == 0;

		TRY(decode_node(r, field, is_kept ? &out->items[n] : &skipped, err));
		n += is_kept;
	}
	return OK;
}

static Status
decode_bare(AvroReader *r, const WireNode *node, Value *out, Error *err)
{
	int64_t	 number;
	uint64_t bits;
	uint32_t bits32;
	float	 narrow;
	Str		 bytes = {0};

	switch (node->kind) {
	case WIRE_NULL:
		out->is_null = true;
		return OK;
	case WIRE_BOOLEAN:
		TRY(read_bytes(r, 1, &bytes, err));
		out->boolean = bytes.data[0] != 0;
		return OK;
	case WIRE_INT32:
	case WIRE_DATE:
		return read_int(r, &out->integer, err);
	case WIRE_TIME:
		TRY(read_int(r, &out->integer, err));
		return out->integer >= 0 && out->integer < MS_PER_DAY ? OK : error_data(err, "A time out of range");
	case WIRE_INT64:
	case WIRE_TIMESTAMP:
		return read_long(r, &out->integer, err);
	case WIRE_FLOAT:
		TRY(read_bytes(r, 4, &bytes, err));
		memcpy(&bits32, bytes.data, 4);
		memcpy(&narrow, &bits32, 4);
		out->number = (double)narrow;
		return OK;
	case WIRE_DOUBLE:
		TRY(read_bytes(r, 8, &bytes, err));
		memcpy(&bits, bytes.data, 8);
		memcpy(&out->number, &bits, 8);
		return OK;
	case WIRE_STRING:
	case WIRE_BYTES:
		TRY(read_long(r, &number, err));
		TRY(read_bytes(r, number, &out->text, err));
		if (node->kind == WIRE_STRING && !utf8_validate(out->text))
			return error_data(err, "Not valid Avro: text that is not UTF-8");
		return OK;
	case WIRE_FIXED:
		return read_bytes(r, node->fixed_size, &out->text, err);
	case WIRE_ENUM:
		TRY(read_int(r, &number, err));
		if (number < 0 || number >= node->n_symbols)
			return error_data(err, "Not valid Avro: symbol %lld of an enum with %d", (long long)number, node->n_symbols);
		out->text = str_of(node->symbols[number]);
		return OK;
	case WIRE_DECIMAL:
		number = node->fixed_size;
		if (node->fixed_size == 0)
			TRY(read_long(r, &number, err));
		TRY(read_bytes(r, number, &bytes, err));
		TRY(read_decimal(bytes, out, err));
		if (!decimal_fits(out->decimal, node->precision))
			return decimal_error(DECIMAL_OVERFLOW, (DecimalShape){node->precision, node->scale}, err);
		return OK;
	case WIRE_ARRAY:
	case WIRE_MAP:
		return decode_list(r, node, out, err);
	case WIRE_RECORD:
		return decode_record(r, node, out, err);
	case WIRE_UNION:
		TRY(read_int(r, &number, err));
		if (number < 0 || number >= node->n_branches)
			return error_data(err, "Not valid Avro: branch %lld of a union with %d", (long long)number, node->n_branches);
		return decode_node(r, node->branches[number], out, err);
	}
	return error_bug(err, "An Avro type of unknown kind");
}

static Status
decode_node(AvroReader *r, const WireNode *node, Value *out, Error *err)
{
	int64_t branch;
	Status	status;

	*out = (Value){.type = node->type};
	if (node->null_branch >= 0 && node->kind != WIRE_UNION) {
		TRY(read_int(r, &branch, err));
		if (branch != 0 && branch != 1)
			return error_data(err, "Not valid Avro: branch %lld of a union with 2", (long long)branch);
		if (branch == node->null_branch) {
			out->is_null = true;
			return OK;
		}
	}
	if (++r->depth > WIRE_DEPTH_MAX)
		return error_data(err, "Not Avro that can be read: nested too deeply");
	status = decode_bare(r, node, out, err);
	r->depth--;
	return status;
}

Status
avro_decode(Arena *arena, const WireNode *node, Str bytes, Value *out, Error *err)
{
	AvroReader reader = {.arena = arena, .p = bytes.data, .end = bytes.data + bytes.length};

	return decode_node(&reader, node, out, err);
}

/* ---- writing ---- */

static void
add_long(StrBuf *out, int64_t value)
{
	uint64_t bits = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);

	for (; bits >= 0x80; bits >>= 7)
		strbuf_add_char(out, (char)(bits | 0x80));
	strbuf_add_char(out, (char)bits);
}

static void
add_text(StrBuf *out, Str text)
{
	add_long(out, (int64_t)text.length);
	strbuf_add_str(out, text);
}

/* Two's complement, big-endian: as short as it can be, or fixed_size bytes. */
static Status
add_decimal(StrBuf *out, __int128 value, int fixed_size, Error *err)
{
	char bytes[16];
	int	 first = 0;

	for (int i = 0; i < 16; i++)
		bytes[i] = (char)(value >> (8 * (15 - i)));
	while (first < 15 && bytes[first] == (value < 0 ? (char)0xff : 0) && ((bytes[first + 1] & 0x80) != 0) == (value < 0))
		first++;
	if (fixed_size == 0)
		add_long(out, 16 - first);
	else if (fixed_size < 16 - first)
		return error_data(err, "A decimal that does not fit %d bytes", fixed_size);
	else
		for (int i = 16 - first; i < fixed_size; i++)
			strbuf_add_char(out, value < 0 ? (char)0xff : 0);
	strbuf_add(out, bytes + first, (size_t)(16 - first));
	return OK;
}

static Status encode_node(Arena *arena, const WireNode *node, const Value *value, StrBuf *out, Error *err);

/* What stands for a NULL that the schema does not allow: the field's default. */
static Status
encode_field(Arena *arena, const WireField *field, const Value *value, StrBuf *out, Error *err)
{
	Value  otherwise;
	StrBuf json = {0};
	Status status;

	if ((value != NULL && !value->is_null) || field->node->null_branch >= 0 || field->otherwise == NULL || field->node->type == NULL) {
		status = value != NULL ? encode_node(arena, field->node, value, out, err)
				 : field->node->null_branch >= 0 ? (add_long(out, field->node->null_branch), OK)
												 : error_data(err, "Unable to serialize record: no value of a type that SQL lacks");
		return status == FAILED ? error_context(err, "Invalid value for field \"%s\"", field->name) : status;
	}
	json_write(&json, field->otherwise);
	status = wire_value_of_json(arena, str_make(arena_memdup(arena, strbuf_text(&json), json.length), json.length), field->node->type, &otherwise, err);
	strbuf_free(&json);
	return status == OK ? encode_node(arena, field->node, &otherwise, out, err) : FAILED;
}

static Status
encode_list(Arena *arena, const WireNode *node, const Value *value, StrBuf *out, Error *err)
{
	if (value->n_items > 0)
		add_long(out, value->n_items);
	for (uint32_t i = 0; i < value->n_items; i++) {
		if (node->kind == WIRE_MAP) {
			const Value *key = &value->items[2 * i];

			if (node->is_entries)
				TRY(encode_node(arena, node->key, key, out, err));
			else
				add_text(out, key->is_null ? STR("null") : key->text);
			TRY(encode_node(arena, node->element, &value->items[2 * i + 1], out, err));
		} else
			TRY(encode_node(arena, node->element, &value->items[i], out, err));
	}
	add_long(out, 0);
	return OK;
}

static Status
encode_bare(Arena *arena, const WireNode *node, const Value *value, StrBuf *out, Error *err)
{
	float narrow;
	int	  n = 0;

	switch (node->kind) {
	case WIRE_BOOLEAN:
		strbuf_add_char(out, value->boolean ? 1 : 0);
		return OK;
	case WIRE_INT32:
	case WIRE_INT64:
	case WIRE_DATE:
	case WIRE_TIME:
	case WIRE_TIMESTAMP:
		add_long(out, value->integer);
		return OK;
	case WIRE_FLOAT:
		narrow = (float)value->number;
		strbuf_add(out, &narrow, 4);
		return OK;
	case WIRE_DOUBLE:
		strbuf_add(out, &value->number, 8);
		return OK;
	case WIRE_STRING:
	case WIRE_BYTES:
		add_text(out, value->text);
		return OK;
	case WIRE_FIXED:
		if (value->text.length != (size_t)node->fixed_size)
			return error_data(err, "%zu bytes do not fit a fixed of %d", value->text.length, node->fixed_size);
		strbuf_add_str(out, value->text);
		return OK;
	case WIRE_ENUM:
		for (int i = 0; i < node->n_symbols; i++)
			if (str_equal(value->text, str_of(node->symbols[i]))) {
				add_long(out, i);
				return OK;
			}
		return error_data(err, "'%.*s' is not a symbol of the enum %s", (int)value->text.length, value->text.data, node->name);
	case WIRE_DECIMAL:
		return add_decimal(out, value->decimal, node->fixed_size, err);
	case WIRE_ARRAY:
	case WIRE_MAP:
		return encode_list(arena, node, value, out, err);
	case WIRE_RECORD:
		for (int i = 0; i < node->n_fields; i++) {
			bool is_kept = n < (int)value->n_items && node->fields[i].node->type != NULL;

			TRY(encode_field(arena, &node->fields[i], is_kept ? &value->items[n] : NULL, out, err));
			n += is_kept;
		}
		return OK;
	default:
		return error_data(err, "Values of this Avro type cannot be written");
	}
}

static Status
encode_node(Arena *arena, const WireNode *node, const Value *value, StrBuf *out, Error *err)
{
	if (value->is_null) {
		if (node->null_branch < 0)
			return error_data(err, "Unable to serialize record: null used for a type that must have a value");
		add_long(out, node->null_branch);
		return OK;
	}
	if (node->null_branch >= 0)
		add_long(out, 1 - node->null_branch);
	return encode_bare(arena, node, value, out, err);
}

Status
avro_encode(Arena *arena, const WireNode *node, const Value *value, StrBuf *out, Error *err)
{
	return encode_node(arena, node, value, out, err);
}
