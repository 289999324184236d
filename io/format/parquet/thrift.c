#include "io/format/parquet/thrift.h"

#include <assert.h>

#define SKIP_DEPTH_MAX 64

static void
fail(ThriftReader *r)
{
	r->failed = true;
	r->pos = r->end;
}

uint8_t
thrift_byte(ThriftReader *r)
{
	if (r->pos >= r->end) {
		fail(r);
		return 0;
	}
	return *r->pos++;
}

static uint64_t
varint(ThriftReader *r)
{
	uint64_t value = 0;

	for (int shift = 0; shift < 70; shift += 7) {
		uint8_t byte = thrift_byte(r);

		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	fail(r);
	return 0;
}

int64_t
thrift_int(ThriftReader *r)
{
	uint64_t n = varint(r);

	return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}

Str
thrift_binary(ThriftReader *r)
{
	uint64_t length = varint(r);
	Str		 out = {(const char *)r->pos, (size_t)length};

	if (r->failed || length > (uint64_t)(r->end - r->pos)) {
		fail(r);
		return (Str){"", 0};
	}
	r->pos += length;
	return out;
}

uint32_t
thrift_list(ThriftReader *r, ThriftType *element)
{
	uint8_t	 head = thrift_byte(r);
	uint64_t n = head >> 4;

	*element = head & 15;
	if (n == 15)
		n = varint(r);
	/* every element takes a byte at least */
	if (n > (uint64_t)(r->end - r->pos)) {
		fail(r);
		return 0;
	}
	return (uint32_t)n;
}

bool
thrift_field(ThriftReader *r, ThriftField *field)
{
	uint8_t head = thrift_byte(r);

	if (r->failed || head == THRIFT_STOP)
		return false;
	field->type = head & 15;
	field->id = head >> 4 != 0 ? field->id + (head >> 4) : (int)(int16_t)thrift_int(r);
	return !r->failed;
}

static void
skip_list(ThriftReader *r)
{
	ThriftType element;
	uint32_t   n = thrift_list(r, &element);

	for (uint32_t i = 0; i < n && !r->failed; i++) {
		/* booleans in lists have a byte of their own */
		if (element == THRIFT_TRUE || element == THRIFT_FALSE)
			thrift_byte(r);
		else
			thrift_skip(r, element);
	}
}

static void
skip_map(ThriftReader *r)
{
	uint64_t n = varint(r);
	uint8_t	 types = n > 0 ? thrift_byte(r) : 0;

	if (n > (uint64_t)(r->end - r->pos))
		fail(r);
	for (uint64_t i = 0; i < n && !r->failed; i++) {
		thrift_skip(r, types >> 4);
		thrift_skip(r, types & 15);
	}
}

void
thrift_skip(ThriftReader *r, ThriftType type)
{
	ThriftField field = {0};

	if (++r->depth > SKIP_DEPTH_MAX)
		fail(r);
	switch (r->failed ? THRIFT_STOP : type) {
	case THRIFT_TRUE:
	case THRIFT_FALSE:
		break;
	case THRIFT_BYTE:
		thrift_byte(r);
		break;
	case THRIFT_I16:
	case THRIFT_I32:
	case THRIFT_I64:
		varint(r);
		break;
	case THRIFT_DOUBLE:
		if (r->end - r->pos < 8)
			fail(r);
		else
			r->pos += 8;
		break;
	case THRIFT_BINARY:
		thrift_binary(r);
		break;
	case THRIFT_LIST:
	case THRIFT_SET:
		skip_list(r);
		break;
	case THRIFT_MAP:
		skip_map(r);
		break;
	case THRIFT_STRUCT:
		while (thrift_field(r, &field))
			thrift_skip(r, field.type);
		break;
	default:
		fail(r);
		break;
	}
	r->depth--;
}

/* ---- writing ---- */

static void
put_varint(ThriftWriter *w, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		strbuf_add_char(w->out, (char)(n | 0x80));
	strbuf_add_char(w->out, (char)n);
}

void
thrift_add_int(ThriftWriter *w, int64_t value)
{
	put_varint(w, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

void
thrift_add_binary(ThriftWriter *w, Str value)
{
	put_varint(w, value.length);
	strbuf_add_str(w->out, value);
}

void
thrift_begin(ThriftWriter *w)
{
	assert(w->depth < THRIFT_DEPTH_MAX - 1);
	w->last[++w->depth] = 0;
}

void
thrift_end(ThriftWriter *w)
{
	strbuf_add_char(w->out, THRIFT_STOP);
	w->depth--;
}

static void
put_field(ThriftWriter *w, int id, ThriftType type)
{
	int delta = id - w->last[w->depth];

	if (delta > 0 && delta <= 15) {
		strbuf_add_char(w->out, (char)(delta << 4 | (int)type));
	} else {
		strbuf_add_char(w->out, (char)type);
		thrift_add_int(w, id);
	}
	w->last[w->depth] = id;
}

void
thrift_put_struct(ThriftWriter *w, int id)
{
	put_field(w, id, THRIFT_STRUCT);
	thrift_begin(w);
}

void
thrift_put_int(ThriftWriter *w, int id, ThriftType type, int64_t value)
{
	put_field(w, id, type);
	thrift_add_int(w, value);
}

void
thrift_put_byte(ThriftWriter *w, int id, uint8_t value)
{
	put_field(w, id, THRIFT_BYTE);
	strbuf_add_char(w->out, (char)value);
}

void
thrift_put_bool(ThriftWriter *w, int id, bool value)
{
	put_field(w, id, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void
thrift_put_binary(ThriftWriter *w, int id, Str value)
{
	put_field(w, id, THRIFT_BINARY);
	thrift_add_binary(w, value);
}

void
thrift_put_list(ThriftWriter *w, int id, ThriftType element, uint32_t n)
{
	put_field(w, id, THRIFT_LIST);
	if (n < 15) {
		strbuf_add_char(w->out, (char)(n << 4 | (uint32_t)element));
	} else {
		strbuf_add_char(w->out, (char)(0xf0 | (uint32_t)element));
		put_varint(w, n);
	}
}
