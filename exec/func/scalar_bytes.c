/* Functions between BYTES, encoded text and numbers. */
#include "common/base64.h"
#include "common/hex.h"
#include "exec/func/kernel.h"

typedef enum Encoding { ENCODING_HEX, ENCODING_UTF8, ENCODING_ASCII, ENCODING_BASE64, ENCODING_UNKNOWN } Encoding;

static Encoding
encoding_of(Str name)
{
	static const char *const names[] = {"hex", "utf8", "ascii", "base64"};

	for (int i = 0; i < 4; i++)
		if (str_equal_nocase(name, str_of(names[i])))
			return (Encoding)i;
	return ENCODING_UNKNOWN;
}

/* Text as ASCII bytes: what is not ASCII becomes `?`, one for each UTF-16 unit as Java does. */
static void
add_ascii_bytes(StrBuf *buf, Str text)
{
	size_t	pos = 0;
	int32_t point;

	while ((point = utf8_decode(text, &pos)) >= 0)
		strbuf_add_char(buf, point < 0x80 ? (char)point : '?');
}

/* ASCII bytes as text: others become U+FFFD. */
static void
add_ascii_text(StrBuf *buf, Str bytes)
{
	for (size_t i = 0; i < bytes.length; i++)
		utf8_add(buf, (unsigned char)bytes.data[i] < 0x80 ? bytes.data[i] : 0xfffd);
}

/*
 * Hexadecimal text as ENCODE reads it: plain, 0xAB or X'AB'.  An odd number of digits is legal behind 0x only, and then
 * a zero is put before them.
 */
static bool
add_hex_lenient(StrBuf *buf, Str text)
{
	StrBuf	padded = {0};
	bool	ok;

	if (text.length >= 2 && text.data[0] == '0' && (text.data[1] | 32) == 'x') {
		text = str_make(text.data + 2, text.length - 2);
		if (text.length % 2 != 0)
			strbuf_add_char(&padded, '0');
	} else if (text.length >= 3 && (text.data[0] | 32) == 'x' && text.data[1] == '\'' && text.data[text.length - 1] == '\'') {
		text = str_make(text.data + 2, text.length - 3);
	}
	strbuf_add_str(&padded, text);
	ok = hex_add_decoded(buf, strbuf_str(&padded));
	strbuf_free(&padded);
	return ok;
}

static bool
encode(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	Encoding from = encoding_of(args[1].text), to = encoding_of(args[2].text);
	StrBuf	 bytes = {0}, text = {0};
	bool	 ok = true;

	if (from == to || from == ENCODING_UNKNOWN || to == ENCODING_UNKNOWN) {
		eval_fail(call->context, row, "Supported input and output encodings are: hex, utf8, ascii and base64");
		return false;
	}
	switch (from) {
	case ENCODING_HEX:
		ok = add_hex_lenient(&bytes, args[0].text);
		break;
	case ENCODING_ASCII:
		add_ascii_bytes(&bytes, args[0].text);
		break;
	case ENCODING_BASE64:
		base64_add_decoded_lenient(&bytes, args[0].text);
		break;
	default:
		strbuf_add_str(&bytes, args[0].text);
		break;
	}
	if (!ok) {
		eval_fail(call->context, row, "'%.*s' is not hexadecimal text", (int)args[0].text.length, args[0].text.data);
		strbuf_free(&bytes);
		return false;
	}
	switch (to) {
	case ENCODING_HEX:
		hex_add_encoded(&text, strbuf_str(&bytes), false);
		break;
	case ENCODING_ASCII:
		add_ascii_text(&text, strbuf_str(&bytes));
		break;
	case ENCODING_BASE64:
		base64_add_encoded(&text, strbuf_str(&bytes));
		break;
	default:
		utf8_add_repaired(&text, strbuf_str(&bytes));
		break;
	}
	value_set_text(call, out, strbuf_str(&text));
	strbuf_free(&bytes);
	strbuf_free(&text);
	return true;
}

static bool
fail_encoding(const ScalarCall *call, int32_t row, Str name)
{
	eval_fail(call->context, row, "Unknown encoding type '%.*s': supported are hex, utf8, ascii and base64", (int)name.length,
			  name.data);
	return false;
}

static bool
from_bytes(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	StrBuf	buf = {0};

	switch (encoding_of(args[1].text)) {
	case ENCODING_HEX:
		hex_add_encoded(&buf, args[0].text, true);
		break;
	case ENCODING_UTF8:
		utf8_add_repaired(&buf, args[0].text);
		break;
	case ENCODING_ASCII:
		add_ascii_text(&buf, args[0].text);
		break;
	case ENCODING_BASE64:
		base64_add_encoded(&buf, args[0].text);
		break;
	default:
		return fail_encoding(call, row, args[1].text);
	}
	value_set_text(call, out, strbuf_str(&buf));
	strbuf_free(&buf);
	return true;
}

static bool
to_bytes(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	StrBuf	buf = {0};
	bool	ok = true;

	switch (encoding_of(args[1].text)) {
	case ENCODING_HEX:
		ok = hex_add_decoded(&buf, args[0].text);
		break;
	case ENCODING_UTF8:
		strbuf_add_str(&buf, args[0].text);
		break;
	case ENCODING_ASCII:
		add_ascii_bytes(&buf, args[0].text);
		break;
	case ENCODING_BASE64:
		ok = base64_add_decoded(&buf, args[0].text);
		break;
	default:
		return fail_encoding(call, row, args[1].text);
	}
	if (ok)
		value_set_text(call, out, strbuf_str(&buf));
	else
		eval_fail(call->context, row, "'%.*s' is not text in the encoding %.*s", (int)args[0].text.length, args[0].text.data,
				  (int)args[1].text.length, args[1].text.data);
	strbuf_free(&buf);
	return ok;
}

/* ---- numbers ---- */

/* The 4 or 8 bytes of args[0] in the order of args[1] as an unsigned number. */
static bool
read_number(const ScalarCall *call, int32_t row, const Value *args, size_t width, uint64_t *out)
{
	Str		bytes = args[0].text;
	bool	is_little = false;

	if (call->n_args > 1) {
		if (!args[1].is_null && str_equal_nocase(args[1].text, STR("LITTLE_ENDIAN"))) {
			is_little = true;
		} else if (args[1].is_null || !str_equal_nocase(args[1].text, STR("BIG_ENDIAN"))) {
			eval_fail(call->context, row, "Byte order must be BIG_ENDIAN or LITTLE_ENDIAN");
			return false;
		}
	}
	if (bytes.length != width) {
		eval_fail(call->context, row, "Number of bytes must be equal to %zu, but found %zu", width, bytes.length);
		return false;
	}
	*out = 0;
	for (size_t i = 0; i < width; i++)
		*out = *out << 8 | (unsigned char)bytes.data[is_little ? width - 1 - i : i];
	return true;
}

static bool
int_from_bytes(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	uint64_t bits;

	if (args[0].is_null)
		return true;
	return read_number(call, row, args, 4, &bits) && value_set_integer(out, (int32_t)(uint32_t)bits);
}

static bool
bigint_from_bytes(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	uint64_t bits;

	if (args[0].is_null)
		return true;
	return read_number(call, row, args, 8, &bits) && value_set_integer(out, (int64_t)bits);
}

static bool
double_from_bytes(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	uint64_t bits;
	double	 number;

	if (args[0].is_null)
		return true;
	if (!read_number(call, row, args, 8, &bits))
		return false;
	memcpy(&number, &bits, sizeof number);
	return value_set_double(out, number);
}

#define FROM_BYTES_ROWS(name, type, kernel, ...)                                             \
	FUNCTION_ROWS(name, "(BYTES) -> " type, kernel, 0, BOTH, __VA_ARGS__),                   \
	FUNCTION_ROWS(name, "(BYTES, STRING) -> " type, kernel, 0, BOTH, __VA_ARGS__)

const ScalarFunction scalar_bytes_functions[] = {
	FROM_BYTES_ROWS("BIGINT_FROM_BYTES", "BIGINT", bigint_from_bytes,
					"Eight bytes as a number, BIG_ENDIAN unless LITTLE_ENDIAN is said.",
					"BIGINT_FROM_BYTES(TO_BYTES('00000000000007E5', 'hex'))", "2021"),
	FROM_BYTES_ROWS("DOUBLE_FROM_BYTES", "DOUBLE", double_from_bytes,
					"Eight bytes as a number, BIG_ENDIAN unless LITTLE_ENDIAN is said.",
					"DOUBLE_FROM_BYTES(TO_BYTES('3FF8000000000000', 'hex'))", "1.5"),
	FUNCTION_ROWS("ENCODE", "(STRING, STRING, STRING) -> STRING", encode, NULL_IN, BOTH,
				  "Text brought from one encoding to another: hex, utf8, ascii or base64.", "ENCODE('Example!', 'utf8', 'hex')",
				  "4578616d706c6521"),
	FUNCTION_ROWS("FROM_BYTES", "(BYTES, STRING) -> STRING", from_bytes, NULL_IN, BOTH,
				  "Bytes as text in an encoding: hex, utf8, ascii or base64.", "FROM_BYTES(TO_BYTES('abc', 'utf8'), 'hex')",
				  "616263"),
	FROM_BYTES_ROWS("INT_FROM_BYTES", "INTEGER", int_from_bytes,
					"Four bytes as a number, BIG_ENDIAN unless LITTLE_ENDIAN is said.",
					"INT_FROM_BYTES(TO_BYTES('000007E5', 'hex'))", "2021"),
	FUNCTION_ROWS("TO_BYTES", "(STRING, STRING) -> BYTES", to_bytes, NULL_IN, BOTH,
				  "The bytes that text in an encoding stands for: hex, utf8, ascii or base64.",
				  "FROM_BYTES(TO_BYTES('YWJj', 'base64'), 'utf8')", "abc"),
	{.name = NULL},
};
