/* Protobuf's wire format: bytes by a message's schema to values, and back. */
#include <string.h>

#include "common/utf8.h"
#include "data/decimal.h"
#include "data/time_text.h"
#include "io/format/wire/wire.h"

enum { WIRE_TYPE_VARINT = 0, WIRE_TYPE_FIXED64 = 1, WIRE_TYPE_BYTES = 2, WIRE_TYPE_FIXED32 = 5 };

typedef struct ProtoReader {
	Arena	   *arena;
	const char *p;
	const char *end;
	int			depth;
} ProtoReader;

/* One field as it stands in the bytes. */
typedef struct ProtoItem {
	uint32_t number;
	int		 wire_type;
	uint64_t bits;			/* of the three kinds of numbers */
	Str		 bytes;
} ProtoItem;

static Status
fail_early(Error *err)
{
	return error_data(err, "Not valid Protobuf: the message ends early");
}

static Status
read_varint(ProtoReader *r, uint64_t *out, Error *err)
{
	*out = 0;
	for (int shift = 0; shift < 70; shift += 7) {
		if (r->p >= r->end)
			return fail_early(err);

		unsigned char byte = (unsigned char)*r->p++;

		if (shift < 64)
			*out |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return OK;
	}
	return error_data(err, "Not valid Protobuf: a number of more than 64 bits");
}

static Status
read_fixed(ProtoReader *r, size_t n, uint64_t *out, Error *err)
{
	if ((size_t)(r->end - r->p) < n)
		return fail_early(err);
	*out = 0;
	memcpy(out, r->p, n);
	r->p += n;
	return OK;
}

static Status
read_item(ProtoReader *r, ProtoItem *out, Error *err)
{
	uint64_t tag, length;

	TRY(read_varint(r, &tag, err));
	out->number = (uint32_t)(tag >> 3);
	out->wire_type = (int)(tag & 7);
	switch (out->wire_type) {
	case WIRE_TYPE_VARINT:
		return read_varint(r, &out->bits, err);
	case WIRE_TYPE_FIXED64:
		return read_fixed(r, 8, &out->bits, err);
	case WIRE_TYPE_FIXED32:
		return read_fixed(r, 4, &out->bits, err);
	case WIRE_TYPE_BYTES:
		TRY(read_varint(r, &length, err));
		if (length > (uint64_t)(r->end - r->p))
			return fail_early(err);
		out->bytes = str_make(r->p, (size_t)length);
		r->p += length;
		return OK;
	default:
		return error_data(err, "Not valid Protobuf: field %u has wire type %d", out->number, out->wire_type);
	}
}

static int
wire_type_of(const WireNode *node)
{
	switch (node->kind) {
	case WIRE_BOOLEAN:
	case WIRE_ENUM:
		return WIRE_TYPE_VARINT;
	case WIRE_INT32:
	case WIRE_INT64:
	case WIRE_FLOAT:
	case WIRE_DOUBLE:
		return node->layout == LAYOUT_FIXED32 ? WIRE_TYPE_FIXED32 : node->layout == LAYOUT_FIXED64 ? WIRE_TYPE_FIXED64 : WIRE_TYPE_VARINT;
	default:
		return WIRE_TYPE_BYTES;
	}
}

static Value
default_value(const WireNode *node)
{
	Value value = {.type = node->type};

	if (node->kind == WIRE_ENUM) {
		value.text = STR("");
		for (int i = 0; i < node->n_symbols; i++)
			if (node->numbers[i] == 0)
				value.text = str_of(node->symbols[i]);
	}
	value.is_null = node->kind == WIRE_RECORD || node->kind == WIRE_DECIMAL || node->kind == WIRE_DATE || node->kind == WIRE_TIME
					|| node->kind == WIRE_TIMESTAMP || node->is_optional;
	return value;
}

/* ---- reading ---- */

static void
number_of_bits(const WireNode *node, uint64_t bits, Value *out)
{
	uint32_t narrow = (uint32_t)bits;
	float	 f;

	switch (node->kind) {
	case WIRE_BOOLEAN:
		out->boolean = bits != 0;
		break;
	case WIRE_FLOAT:
		memcpy(&f, &narrow, 4);
		out->number = (double)f;
		break;
	case WIRE_DOUBLE:
		memcpy(&out->number, &bits, 8);
		break;
	case WIRE_INT32:
		out->integer = node->layout == LAYOUT_ZIGZAG ? (int32_t)((narrow >> 1) ^ -(narrow & 1)) : (int32_t)narrow;
		break;
	case WIRE_INT64:
		out->integer = node->layout == LAYOUT_ZIGZAG ? (int64_t)((bits >> 1) ^ -(bits & 1)) : node->is_unsigned ? (int64_t)narrow : (int64_t)bits;
		break;
	case WIRE_ENUM:
		for (int i = 0; i < node->n_symbols; i++)
			if (node->numbers[i] == (int)(int32_t)narrow) {
				out->text = str_of(node->symbols[i]);
				return;
			}
		out->text = STR("");
		break;
	default:
		break;
	}
}

static Status decode_message(ProtoReader *r, const WireNode *node, Str bytes, Value *out, Error *err);

/* The first fields of a message of numbers (Timestamp, Date, TimeOfDay, Decimal). */
static Status
read_parts(ProtoReader *r, Str bytes, int64_t parts[5], Str *text, Error *err)
{
	ProtoReader inner = {.arena = r->arena, .p = bytes.data, .end = bytes.data + bytes.length};
	ProtoItem	item;

	while (inner.p < inner.end) {
		TRY(read_item(&inner, &item, err));
		if (item.wire_type == WIRE_TYPE_VARINT && item.number >= 1 && item.number <= 4)
			parts[item.number] = (int64_t)item.bits;
		else if (item.wire_type == WIRE_TYPE_BYTES && item.number == 1)
			*text = item.bytes;
	}
	return OK;
}

static Status
decode_decimal(const WireNode *node, Str bytes, int64_t scale, Value *out, Error *err)
{
	__int128	value = bytes.length > 0 && (bytes.data[0] & 0x80) ? -1 : 0;
	DecimalCode code;

	if (bytes.length > 16)
		return error_data(err, "A decimal of more than 38 digits");
	for (size_t i = 0; i < bytes.length; i++)
		value = (__int128)((unsigned __int128)value << 8 | (unsigned char)bytes.data[i]);
	if (scale < 0 || scale > 64 || decimal_digits(value) > DECIMAL_MAX_DIGITS)
		return error_data(err, "A decimal of more than 38 digits");
	code = decimal_rescale(value, (int)scale, node->scale, DECIMAL_EXACT, &out->decimal);
	return code == DECIMAL_OK ? OK : decimal_error(code, (DecimalShape){node->precision, node->scale}, err);
}

static Status
decode_known(ProtoReader *r, const WireNode *node, Str bytes, Value *out, Error *err)
{
	int64_t parts[5] = {0};
	Str		text = {0};

	TRY(read_parts(r, bytes, parts, &text, err));
	switch (node->kind) {
	case WIRE_DECIMAL:
		return decode_decimal(node, text, parts[3], out, err);
	case WIRE_TIMESTAMP:
		if (parts[1] < -100000000000000 || parts[1] > 100000000000000)
			return error_data(err, "A timestamp out of range");
		out->integer = parts[1] * 1000 + (int32_t)parts[2] / 1000000;
		return OK;
	case WIRE_DATE:
		if (parts[1] < 0 || parts[1] > 9999 || parts[2] < 1 || parts[2] > 12 || parts[3] < 1 || parts[3] > 31)
			return error_data(err, "A date out of range");
		out->integer = days_from_civil(parts[1], (int)parts[2], (int)parts[3]);
		return OK;
	default:
		if (parts[1] < 0 || parts[1] > 23 || parts[2] < 0 || parts[2] > 59 || parts[3] < 0 || parts[3] > 60 || parts[4] < 0)
			return error_data(err, "A time out of range");
		out->integer = ((parts[1] * 60 + parts[2]) * 60 + parts[3]) * 1000 + (int32_t)parts[4] / 1000000;
		return OK;
	}
}

/* One occurrence of a field of this type. */
static Status
decode_one(ProtoReader *r, const WireNode *node, const ProtoItem *item, Value *out, Error *err)
{
	*out = (Value){.type = node->type};
	if (node->is_wrapper) {
		WireNode	inner = *node;
		ProtoReader wrapped = {.arena = r->arena};
		ProtoItem	part;

		if (item->wire_type != WIRE_TYPE_BYTES)
			return error_data(err, "Not valid Protobuf: field %u is not a message", item->number);
		wrapped.p = item->bytes.data;
		wrapped.end = item->bytes.data + item->bytes.length;
		inner.is_wrapper = inner.is_optional = false;
		*out = default_value(&inner);
		while (wrapped.p < wrapped.end) {
			TRY(read_item(&wrapped, &part, err));
			if (part.number == 1)
				TRY(decode_one(r, &inner, &part, out, err));
		}
		return OK;
	}
	if (item->wire_type != wire_type_of(node))
		return error_data(err, "Not valid Protobuf: field %u has wire type %d", item->number, item->wire_type);
	switch (node->kind) {
	case WIRE_STRING:
		if (!utf8_validate(item->bytes))
			return error_data(err, "Not valid Protobuf: text that is not UTF-8");
		out->text = item->bytes;
		return OK;
	case WIRE_BYTES:
		out->text = item->bytes;
		return OK;
	case WIRE_RECORD:
		return decode_message(r, node, item->bytes, out, err);
	case WIRE_DECIMAL:
	case WIRE_DATE:
	case WIRE_TIME:
	case WIRE_TIMESTAMP:
		return decode_known(r, node, item->bytes, out, err);
	default:
		number_of_bits(node, item->bits, out);
		return OK;
	}
}

static Value *
add_items(ProtoReader *r, Value *list, uint32_t width)
{
	uint32_t n = list->n_items++;

	/* room grows by doubling: there is room for a power of two */
	if ((n & (n - 1)) == 0) {
		Value *items = arena_array(r->arena, Value, (size_t)(n == 0 ? 1 : 2 * n) * width);

		if (n > 0)
			memcpy(items, list->items, sizeof *items * n * width);
		list->items = items;
	}
	return &list->items[(size_t)n * width];
}

static Status
decode_entry(ProtoReader *r, const WireNode *node, const ProtoItem *item, Value *list, Error *err)
{
	ProtoReader inner = {.arena = r->arena};
	Value		key = default_value(node->key), value = default_value(node->element);
	ProtoItem	part;
	Value	   *entry;

	if (item->wire_type != WIRE_TYPE_BYTES)
		return error_data(err, "Not valid Protobuf: field %u is not a message", item->number);
	inner.p = item->bytes.data;
	inner.end = item->bytes.data + item->bytes.length;
	while (inner.p < inner.end) {
		TRY(read_item(&inner, &part, err));
		if (part.number == 1)
			TRY(decode_one(r, node->key, &part, &key, err));
		else if (part.number == 2)
			TRY(decode_one(r, node->element, &part, &value, err));
	}
	if (key.type == NULL || value.type == NULL)
		return OK;
	/* the last entry of a key counts */
	TRY(wire_coerce(r->arena, &key, type_string, &key, err));
	for (uint32_t i = 0; i < list->n_items; i++)
		if (str_equal(list->items[2 * i].text, key.text)) {
			list->items[2 * i + 1] = value;
			return OK;
		}
	entry = add_items(r, list, 2);
	entry[0] = key;
	entry[1] = value;
	return OK;
}

static Status
decode_element(ProtoReader *r, const WireNode *node, const ProtoItem *item, Value *list, Error *err)
{
	const WireNode *element = node->element;
	int				wanted = element->is_wrapper ? WIRE_TYPE_BYTES : wire_type_of(element);

	if (item->wire_type == WIRE_TYPE_BYTES && wanted != WIRE_TYPE_BYTES) {		/* packed */
		ProtoReader inner = {.arena = r->arena, .p = item->bytes.data, .end = item->bytes.data + item->bytes.length};

		while (inner.p < inner.end) {
			ProtoItem one = {.number = item->number, .wire_type = wanted};

			if (wanted == WIRE_TYPE_VARINT)
				TRY(read_varint(&inner, &one.bits, err));
			else
				TRY(read_fixed(&inner, wanted == WIRE_TYPE_FIXED32 ? 4 : 8, &one.bits, err));
			TRY(decode_one(r, element, &one, add_items(r, list, 1), err));
		}
		return OK;
	}
	return decode_one(r, element, item, add_items(r, list, 1), err);
}

static Status
decode_message(ProtoReader *r, const WireNode *node, Str bytes, Value *out, Error *err)
{
	ProtoReader inner = {.arena = r->arena, .p = bytes.data, .end = bytes.data + bytes.length, .depth = r->depth + 1};
	ProtoItem	item;
	int			n = 0;

	if (inner.depth > WIRE_DEPTH_MAX)
		return error_data(err, "Not Protobuf that can be read: nested too deeply");
	*out = (Value){.type = node->type};
	out->n_items = node->type != NULL ? (uint32_t)node->type->n_fields : 0;
	out->items = arena_array(r->arena, Value, out->n_items + 1);
	for (int i = 0; i < node->n_fields; i++)
		if (node->fields[i].node->type != NULL && n < (int)out->n_items)
			out->items[n++] = default_value(node->fields[i].node);
	while (inner.p < inner.end) {
		TRY(read_item(&inner, &item, err));
		n = 0;
		for (int i = 0; i < node->n_fields; i++) {
			const WireNode *field = node->fields[i].node;

			if (field->type == NULL || n >= (int)out->n_items)
				continue;
			if ((uint32_t)node->fields[i].number == item.number) {
				if (field->kind == WIRE_MAP)
					TRY(decode_entry(&inner, field, &item, &out->items[n], err));
				else if (field->kind == WIRE_ARRAY)
					TRY(decode_element(&inner, field, &item, &out->items[n], err));
				else
					TRY(decode_one(&inner, field, &item, &out->items[n], err));
				break;
			}
			n++;
		}
	}
	return OK;
}

Status
protobuf_decode(Arena *arena, const WireNode *node, Str bytes, Value *out, Error *err)
{
	ProtoReader reader = {.arena = arena};

	return decode_message(&reader, node, bytes, out, err);
}

/* ---- writing ---- */

static void
add_varint(StrBuf *out, uint64_t bits)
{
	for (; bits >= 0x80; bits >>= 7)
		strbuf_add_char(out, (char)(bits | 0x80));
	strbuf_add_char(out, (char)bits);
}

static void
add_tag(StrBuf *out, int number, int wire_type)
{
	add_varint(out, (uint64_t)(uint32_t)number << 3 | (uint64_t)wire_type);
}

static void
add_bytes(StrBuf *out, int number, Str bytes)
{
	add_tag(out, number, WIRE_TYPE_BYTES);
	add_varint(out, bytes.length);
	strbuf_add_str(out, bytes);
}

/* A number field of a message, left out when it is zero. */
static void
add_part(StrBuf *out, int number, int64_t value)
{
	if (value == 0)
		return;
	add_tag(out, number, WIRE_TYPE_VARINT);
	add_varint(out, (uint64_t)value);
}

static Status
number_to_bits(const WireNode *node, const Value *value, uint64_t *out, Error *err)
{
	float	 f;
	uint32_t narrow;

	*out = 0;
	if (value->is_null)
		return OK;
	switch (node->kind) {
	case WIRE_BOOLEAN:
		*out = value->boolean;
		return OK;
	case WIRE_FLOAT:
		f = (float)value->number;
		memcpy(&narrow, &f, 4);
		*out = narrow;
		return OK;
	case WIRE_DOUBLE:
		memcpy(out, &value->number, 8);
		return OK;
	case WIRE_ENUM:
		for (int i = 0; i < node->n_symbols; i++)
			if (str_equal(value->text, str_of(node->symbols[i]))) {
				*out = (uint64_t)(int64_t)node->numbers[i];
				return OK;
			}
		return value->text.length == 0 ? OK : error_data(err, "'%.*s' is not a name of the enum %s", (int)value->text.length, value->text.data, node->name);
	default:
		*out = (uint64_t)value->integer;
		if (node->layout == LAYOUT_ZIGZAG)
			*out = (uint64_t)value->integer << 1 ^ (uint64_t)(value->integer >> 63);
		return OK;
	}
}

static void
add_bits(StrBuf *out, int wire_type, uint64_t bits)
{
	if (wire_type == WIRE_TYPE_VARINT)
		add_varint(out, bits);
	else
		strbuf_add(out, &bits, wire_type == WIRE_TYPE_FIXED32 ? 4 : 8);
}

static Status encode_message(const WireNode *node, const Value *value, StrBuf *out, Error *err);

static void
encode_known(const WireNode *node, const Value *value, StrBuf *out)
{
	char	  bytes[16];
	int		  first = 0;
	int64_t	  seconds, ms;
	CivilDate date;

	switch (node->kind) {
	case WIRE_DECIMAL:
		for (int i = 0; i < 16; i++)
			bytes[i] = (char)(value->decimal >> (8 * (15 - i)));
		while (first < 15 && bytes[first] == (value->decimal < 0 ? (char)0xff : 0) && ((bytes[first + 1] & 0x80) != 0) == (value->decimal < 0))
			first++;
		add_bytes(out, 1, str_make(bytes + first, (size_t)(16 - first)));
		add_part(out, 2, node->precision);
		add_part(out, 3, node->scale);
		return;
	case WIRE_TIMESTAMP:
		seconds = value->integer / 1000 - (value->integer % 1000 < 0);
		ms = value->integer - seconds * 1000;
		add_part(out, 1, seconds);
		add_part(out, 2, ms * 1000000);
		return;
	case WIRE_DATE:
		date = civil_from_days(value->integer);
		add_part(out, 1, date.year);
		add_part(out, 2, date.month);
		add_part(out, 3, date.day);
		return;
	default:
		add_part(out, 1, value->integer / 3600000);
		add_part(out, 2, value->integer / 60000 % 60);
		add_part(out, 3, value->integer / 1000 % 60);
		add_part(out, 4, value->integer % 1000 * 1000000);
		return;
	}
}

/* A field with one value.  `must` writes it though it is the default: what is optional, in a list, or in an entry. */
static Status
encode_one(const WireNode *node, int number, const Value *value, bool must, StrBuf *out, Error *err)
{
	StrBuf	 inner = {0};
	Status	 status = OK;
	uint64_t bits;
	int		 wire_type;

	if (node->is_wrapper) {
		WireNode plain = *node;

		if (value->is_null && !must)
			return OK;
		plain.is_wrapper = plain.is_optional = false;
		status = encode_one(&plain, 1, value, false, &inner, err);
		if (status == OK)
			add_bytes(out, number, strbuf_str(&inner));
		strbuf_free(&inner);
		return status;
	}
	switch (node->kind) {
	case WIRE_STRING:
	case WIRE_BYTES:
		if (value->is_null ? must : must || value->text.length > 0)
			add_bytes(out, number, value->is_null ? (Str){0} : value->text);
		return OK;
	case WIRE_RECORD:
	case WIRE_DECIMAL:
	case WIRE_DATE:
	case WIRE_TIME:
	case WIRE_TIMESTAMP:
		if (value->is_null && !must)
			return OK;
		if (node->kind == WIRE_RECORD)
			status = encode_message(node, value, &inner, err);
		else if (!value->is_null)
			encode_known(node, value, &inner);
		if (status == OK)
			add_bytes(out, number, strbuf_str(&inner));
		strbuf_free(&inner);
		return status;
	case WIRE_ARRAY:
	case WIRE_MAP:
		return error_data(err, "Protobuf has no lists within lists");
	default:
		TRY(number_to_bits(node, value, &bits, err));
		if (bits == 0 && !must)
			return OK;
		wire_type = wire_type_of(node);
		add_tag(out, number, wire_type);
		add_bits(out, wire_type, bits);
		return OK;
	}
}

static Status
encode_entry(const WireNode *node, int number, const Value *key, const Value *value, StrBuf *out, Error *err)
{
	StrBuf inner = {0};
	Status status;
	Value  own_key = *key;

	if (node->key->kind != WIRE_STRING)
		return error_data(err, "Keys of maps that are not text cannot be written");
	own_key.text = key->is_null ? STR("null") : key->text;
	own_key.is_null = false;
	status = encode_one(node->key, 1, &own_key, true, &inner, err);
	if (status == OK && !value->is_null)
		status = encode_one(node->element, 2, value, true, &inner, err);
	if (status == OK)
		add_bytes(out, number, strbuf_str(&inner));
	strbuf_free(&inner);
	return status;
}

static Status
encode_list(const WireNode *node, int number, const Value *value, StrBuf *out, Error *err)
{
	const WireNode *element = node->element;
	int				wire_type = element->is_wrapper ? WIRE_TYPE_BYTES : wire_type_of(element);
	StrBuf			packed = {0};
	uint64_t		bits;
	Status			status = OK;

	if (wire_type == WIRE_TYPE_BYTES) {
		for (uint32_t i = 0; i < value->n_items; i++)
			TRY(encode_one(element, number, &value->items[i], true, out, err));
		return OK;
	}
	for (uint32_t i = 0; i < value->n_items && status == OK; i++) {
		status = number_to_bits(element, &value->items[i], &bits, err);
		if (status == OK)
			add_bits(&packed, wire_type, bits);
	}
	if (status == OK && value->n_items > 0)
		add_bytes(out, number, strbuf_str(&packed));
	strbuf_free(&packed);
	return status;
}

static Status
encode_message(const WireNode *node, const Value *value, StrBuf *out, Error *err)
{
	int n = 0;

	if (value->is_null)
		return OK;
	for (int i = 0; i < node->n_fields; i++) {
		const WireField *field = &node->fields[i];
		const Value		*item;

		if (field->node->type == NULL || n >= (int)value->n_items)
			continue;
		item = &value->items[n++];
		if (field->node->kind == WIRE_MAP) {
			for (uint32_t k = 0; !item->is_null && k < item->n_items; k++)
				TRY(encode_entry(field->node, field->number, &item->items[2 * k], &item->items[2 * k + 1], out, err));
		} else if (field->node->kind == WIRE_ARRAY) {
			if (!item->is_null)
				TRY(encode_list(field->node, field->number, item, out, err));
		} else
			TRY(encode_one(field->node, field->number, item, field->node->is_optional && !item->is_null, out, err));
	}
	return OK;
}

Status
protobuf_encode(Arena *arena, const WireNode *node, const Value *value, StrBuf *out, Error *err)
{
	(void)arena;
	return encode_message(node, value, out, err);
}
