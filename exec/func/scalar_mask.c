/* MASK and its relatives: hide characters of a text but keep its form. */
#include "exec/func/kernel.h"

/* What stands for each class of character; -1: it stays as it is. */
typedef struct Mask {
	int32_t characters[4];			/* by Utf8Class */
} Mask;

/* Reads the masks, from args[first] on, or takes the default ones. */
static bool
mask_read(const ScalarCall *call, int32_t row, const Value *args, int first, Mask *mask)
{
	*mask = (Mask){{[UTF8_UPPER] = 'X', [UTF8_LOWER] = 'x', [UTF8_DIGIT] = 'n', [UTF8_OTHER] = '-'}};
	for (int a = first; a < call->n_args; a++) {
		Str		text = args[a].text;
		size_t	pos = 0;

		if (args[a].is_null) {
			mask->characters[a - first] = -1;
			continue;
		}
		if (call_text_length(call, text) != 1) {
			eval_fail(call->context, row, "Invalid mask character: a mask must be a single character, not '%.*s'",
					  (int)text.length, text.data);
			return false;
		}
		mask->characters[a - first] = utf8_decode(text, &pos);
	}
	return true;
}

static void
mask_add(const ScalarCall *call, const Mask *mask, int32_t point, StrBuf *buf)
{
	/* Halves of a surrogate pair are two characters of class `other`. */
	bool	is_pair = call_counts_units(call) && point > 0xffff;
	int32_t character = mask->characters[is_pair ? UTF8_OTHER : utf8_class(point)];

	utf8_add(buf, character < 0 ? point : character);
	if (is_pair && character >= 0)
		utf8_add(buf, character);
}

/* Masks positions [from, to) of the text; only those outside if `outside`. */
static bool
mask_range(const ScalarCall *call, const Mask *mask, Str s, size_t from, size_t to, bool outside, Value *out)
{
	StrBuf	buf = {0};
	size_t	pos = 0;

	while (pos < s.length) {
		bool	inside = pos >= from && pos < to;
		size_t	start = pos;
		int32_t point = utf8_decode(s, &pos);

		if (inside != outside)
			mask_add(call, mask, point, &buf);
		else
			strbuf_add(&buf, s.data + start, pos - start);
	}
	value_set_text(call, out, strbuf_str(&buf));
	strbuf_free(&buf);
	return true;
}

static bool
mask_all(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	Mask	mask;

	if (!mask_read(call, row, args, 1, &mask))
		return false;
	return args[0].is_null || mask_range(call, &mask, args[0].text, 0, args[0].text.length, false, out);
}

static bool
mask_part(const ScalarCall *call, int32_t row, const Value *args, Value *out, bool at_left, bool outside)
{
	Mask	mask;
	Str		s = args[0].text;
	int64_t length, n = args[1].integer;
	size_t	cut;

	if (!mask_read(call, row, args, 2, &mask))
		return false;
	if (n < 0) {
		eval_fail(call->context, row, "%s requires a non-negative number of characters to mask or skip",
				  call->function->name);
		return false;
	}
	if (args[0].is_null)
		return true;
	length = call_text_length(call, s);
	if (n > length)
		n = length;
	cut = call_text_offset(call, s, at_left ? n : length - n);
	return at_left ? mask_range(call, &mask, s, 0, cut, outside, out)
				   : mask_range(call, &mask, s, cut, s.length, outside, out);
}

static bool
mask_left(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	return mask_part(call, row, args, out, true, false);
}

static bool
mask_right(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	return mask_part(call, row, args, out, false, false);
}

static bool
mask_keep_left(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	return mask_part(call, row, args, out, true, true);
}

static bool
mask_keep_right(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	return mask_part(call, row, args, out, false, true);
}

#define MASK_ROWS(name, parameters, kernel, ...)                                                                 \
	FUNCTION_ROWS(name, "(" parameters ") -> STRING", kernel, 0, KSQLDB, __VA_ARGS__),                           \
	FUNCTION_ROWS(name, "(" parameters ", STRING, STRING, STRING, STRING) -> STRING", kernel, 0, KSQLDB, __VA_ARGS__), \
	FUNCTION_ROWS(name, "(" parameters ") -> STRING", kernel, 0, STANDARD, __VA_ARGS__),                         \
	FUNCTION_ROWS(name, "(" parameters ", STRING, STRING, STRING, STRING) -> STRING", kernel, 0, STANDARD, __VA_ARGS__)

#define CLASSES "upper case, lower case, digits and others become X, x, n and -, or the masks given."

const ScalarFunction scalar_mask_functions[] = {
	MASK_ROWS("MASK", "STRING", mask_all, "The text with its characters hidden: " CLASSES, "MASK('My Test $123')",
			  "Xx-Xxxx--nnn"),
	MASK_ROWS("MASK_KEEP_LEFT", "STRING, INTEGER!", mask_keep_left,
			  "The text with all but the first n characters hidden: " CLASSES, "MASK_KEEP_LEFT('Test-12', 2)", "Texx-nn"),
	MASK_ROWS("MASK_KEEP_RIGHT", "STRING, INTEGER!", mask_keep_right,
			  "The text with all but the last n characters hidden: " CLASSES, "MASK_KEEP_RIGHT('Test-12', 2)", "Xxxx-12"),
	MASK_ROWS("MASK_LEFT", "STRING, INTEGER!", mask_left, "The text with its first n characters hidden: " CLASSES,
			  "MASK_LEFT('Test-12', 2)", "Xxst-12"),
	MASK_ROWS("MASK_RIGHT", "STRING, INTEGER!", mask_right, "The text with its last n characters hidden: " CLASSES,
			  "MASK_RIGHT('Test-12', 2)", "Test-nn"),
	{.name = NULL},
};
