/*
 * Functions of text that are used everywhere: case, length, parts, concatenation.  Vector kernels; results share the
 * bytes of their arguments wherever they are a part of them.  scalar_text.c has the rest.
 */
#include "exec/func/kernel.h"

/* ---- length ---- */

static void
length_text(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector  *v = call->args[0];
	const StrView *views = v->data;
	int			   step = arg_step(v);
	int32_t		  *result = out->data;

	if (v->is_ascii || v->type->kind == TYPE_BYTES) {
		for (int32_t i = 0; i < n_rows; i++)
			result[i] = (int32_t)views[i * step].length;
		return;
	}
	for (int32_t i = 0; i < n_rows; i++)
		result[i] = (int32_t)call_text_length(call, str_view_str(&views[i * step]));
}

static void
length_bytes(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector *v = call->args[0];

	for (int32_t i = 0; i < n_rows; i++)
		((int32_t *)out->data)[i] = (int32_t)arg_view(v, i)->length;
}

/* ---- case ---- */

/*
 * Changes the case of eight ASCII letters at once: `first` is the letter a or A in every byte.  Adding to the low seven
 * bits carries into the eighth where a byte is in the range; that bit, moved, is the difference between the cases.
 */
static inline uint64_t
word_change_case(uint64_t word, uint64_t first)
{
	const uint64_t high = UINT64_C(0x8080808080808080), ones = UINT64_C(0x0101010101010101);
	uint64_t	   low = word & ~high, at_least = low + high - first, beyond = low + high - first - ones * 26;

	return word ^ ((at_least & ~beyond & ~word & high) >> 2);
}

/* True if the text was ASCII: then `to`, of the same length, has it in the other case. */
static bool
ascii_change_case(const char *from, char *to, size_t length, char first)
{
	uint64_t all = 0, word, letters = UINT64_C(0x0101010101010101) * (unsigned char)first;
	size_t	 i = 0;

	for (; i + 8 <= length; i += 8) {
		memcpy(&word, from + i, 8);
		all |= word;
		word = word_change_case(word, letters);
		memcpy(to + i, &word, 8);
	}
	if (i < length && length >= 8) {
		/* The last word overlaps the one before, which is written again with the same letters. */
		memcpy(&word, from + length - 8, 8);
		all |= word;
		word = word_change_case(word, letters);
		memcpy(to + length - 8, &word, 8);
	} else if (i < length) {
		word = 0;
		memcpy(&word, from, length);
		all |= word;
		word = word_change_case(word, letters);
		memcpy(to, &word, length);
	}
	return (all & UINT64_C(0x8080808080808080)) == 0;
}

static void
change_case(const ScalarCall *call, int32_t n_rows, Vector *out, bool upper)
{
	const Vector  *v = call->args[0];
	const StrView *views = v->data;
	StrView		  *result = out->data;
	int			   step = arg_step(v);
	char		   first = upper ? 'a' : 'A';
	StrBuf		   buf = {0};

	for (int32_t i = 0; i < n_rows; i++) {
		const StrView *view = &views[i * step];
		char		  *to;

		if (view->length <= STR_VIEW_INLINE) {
			StrView copy = {.length = view->length};

			if (ascii_change_case(view->inlined, copy.inlined, view->length, first)) {
				result[i] = copy;
				continue;
			}
		} else {
			to = arena_alloc(call->arena, view->length);
			if (ascii_change_case(str_view_data(view), to, view->length, first)) {
				result[i] = str_view_make(to, view->length);
				continue;
			}
		}
		strbuf_clear(&buf);
		if (upper)
			utf8_add_upper(&buf, str_view_str(view));
		else
			utf8_add_lower(&buf, str_view_str(view));
		result_set_text(out, call->arena, i, strbuf_str(&buf));
	}
	strbuf_free(&buf);
	out->is_ascii = v->is_ascii;
}

static void
upper_case(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	change_case(call, n_rows, out, true);
}

static void
lower_case(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	change_case(call, n_rows, out, false);
}

/* Upper case after white space, lower case elsewhere; leading white space is lost. */
static void
initcap_ksqldb(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector *v = call->args[0];
	StrBuf		  lower = {0}, buf = {0};

	for (int32_t i = 0; i < n_rows; i++) {
		bool	at_start = true, leading = true;
		size_t	pos = 0;
		int32_t point;

		strbuf_clear(&lower);
		strbuf_clear(&buf);
		utf8_add_lower(&lower, arg_str(v, i));
		while ((point = utf8_decode(strbuf_str(&lower), &pos)) >= 0) {
			if (utf8_is_java_whitespace(point)) {
				at_start = true;
				if (!leading)
					utf8_add(&buf, point);
				continue;
			}
			/* Java upper-cases one UTF-16 unit: half of a supplementary character has no upper case. */
			utf8_add(&buf, at_start && point <= 0xffff ? utf8_upper_point(point) : point);
			at_start = leading = false;
		}
		result_set_text(out, call->arena, i, strbuf_str(&buf));
	}
	strbuf_free(&lower);
	strbuf_free(&buf);
	out->is_ascii = v->is_ascii;
}

/* PostgreSQL: words are runs of letters and digits. */
static void
initcap_standard(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector *v = call->args[0];
	StrBuf		  buf = {0};

	for (int32_t i = 0; i < n_rows; i++) {
		bool	at_start = true;
		size_t	pos = 0;
		int32_t point;
		Str		s = arg_str(v, i);

		strbuf_clear(&buf);
		while ((point = utf8_decode(s, &pos)) >= 0) {
			utf8_add(&buf, at_start ? utf8_upper_point(point) : utf8_lower_point(point));
			at_start = point < 0x80 ? !((point >= '0' && point <= '9') || ((point | 32) >= 'a' && (point | 32) <= 'z'))
									: utf8_class(point) == UTF8_OTHER && utf8_is_java_whitespace(point);
		}
		result_set_text(out, call->arena, i, strbuf_str(&buf));
	}
	strbuf_free(&buf);
	out->is_ascii = v->is_ascii;
}

/* ---- parts ---- */

/*
 * The range [*from, *to) of positions from 0 that SUBSTRING takes of `length` positions.
 * ksqldb: 0 acts as 1, a negative start counts from the end and stops at the beginning.
 * standard: positions are those of a line that goes on before the text, as in PostgreSQL.
 */
static bool
substring_range(bool is_standard, int64_t length, int64_t pos, bool has_count, int64_t count, int64_t *from, int64_t *to)
{
	if (is_standard) {
		if (has_count && count < 0)
			return false;
		*from = pos - 1;
		*to = has_count ? *from + count : length;
	} else {
		*from = pos > 0 ? pos - 1 : pos == 0 ? 0 : length + pos;
		if (*from < 0)
			*from = 0;
		*to = has_count ? *from + count : length;
	}
	if (*from < 0)
		*from = 0;
	if (*to > length)
		*to = length;
	if (*from >= *to)
		*from = *to = 0;
	return true;
}

static void
substring(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector *text = call->args[0], *position = call->args[1];
	const Vector *count = call->n_args > 2 ? call->args[2] : NULL;
	bool		  is_standard = call_is_standard(call), by_bytes = text->is_ascii || text->type->kind == TYPE_BYTES;
	StrView		 *result = out->data;

	for (int32_t i = 0; i < n_rows; i++) {
		const StrView *view = arg_view(text, i);
		Str			   s = str_view_str(view);
		int64_t		   from, to, length = by_bytes ? (int64_t)s.length : call_text_length(call, s);

		if (!substring_range(is_standard, length, arg_int32(position, i), count != NULL,
							 count != NULL ? arg_int32(count, i) : 0, &from, &to)) {
			if (call_row_valid(call, i))
				eval_fail(call->context, i, "Negative substring length not allowed");
			continue;
		}
		if (length == (int64_t)s.length) {
			result[i] = str_view_make(s.data + from, (size_t)(to - from));
		} else {
			size_t	start = call_text_offset(call, s, from), end = call_text_offset(call, s, to);

			result[i] = str_view_make(s.data + start, end - start);
		}
	}
	out->is_ascii = text->is_ascii;
}

/* LEFT and RIGHT: a negative count means all but that many. */
static void
text_end(const ScalarCall *call, int32_t n_rows, Vector *out, bool is_left)
{
	const Vector *text = call->args[0], *count = call->args[1];
	StrView		 *result = out->data;

	for (int32_t i = 0; i < n_rows; i++) {
		Str		s = arg_str(text, i);
		int64_t length = text->is_ascii ? (int64_t)s.length : utf8_count(s), n = arg_int32(count, i);
		size_t	cut;

		if (n < 0)
			n = length + n < 0 ? 0 : length + n;
		if (n > length)
			n = length;
		cut = utf8_offset_of_point(s, is_left ? n : length - n);
		result[i] = is_left ? str_view_make(s.data, cut) : str_view_make(s.data + cut, s.length - cut);
	}
	out->is_ascii = text->is_ascii;
}

static void
text_left(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	text_end(call, n_rows, out, true);
}

static void
text_right(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	text_end(call, n_rows, out, false);
}

/* ---- trimming ---- */

static bool
set_has(Str set, int32_t point)
{
	size_t	pos = 0;
	int32_t c;

	while ((c = utf8_decode(set, &pos)) >= 0)
		if (c == point)
			return true;
	return false;
}

static void
trim(const ScalarCall *call, int32_t n_rows, Vector *out, bool at_left, bool at_right)
{
	const Vector *text = call->args[0], *set = call->n_args > 1 ? call->args[1] : NULL;
	StrView		 *result = out->data;

	for (int32_t i = 0; i < n_rows; i++) {
		Str		s = arg_str(text, i);
		size_t	from = 0, to = s.length, next;

		if (set == NULL) {
			while (at_left && from < to && (unsigned char)s.data[from] <= ' ')
				from++;
			while (at_right && to > from && (unsigned char)s.data[to - 1] <= ' ')
				to--;
		} else {
			Str		characters = arg_str(set, i);

			while (at_left && from < to && (next = from, set_has(characters, utf8_decode(s, &next))))
				from = next;
			while (at_right && to > from && (next = to, set_has(characters, utf8_decode_before(s, &next))))
				to = next;
		}
		result[i] = str_view_make(s.data + from, to - from);
	}
	out->is_ascii = text->is_ascii;
}

static void
trim_both(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	trim(call, n_rows, out, true, true);
}

static void
trim_left(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	trim(call, n_rows, out, true, false);
}

static void
trim_right(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	trim(call, n_rows, out, false, true);
}

/* ---- concatenation ---- */

/* NULL arguments contribute nothing. */
static void
concat(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	StrView *result = out->data;
	bool	 is_ascii = true;

	for (int a = 0; a < call->n_args; a++)
		is_ascii = is_ascii && call->args[a]->is_ascii;
	for (int32_t i = 0; i < n_rows; i++) {
		size_t	length = 0;
		char	short_text[STR_VIEW_INLINE], *to;

		for (int a = 0; a < call->n_args; a++) {
			if (arg_valid(call->args[a], i))
				length += arg_view(call->args[a], i)->length;
		}
		to = length <= STR_VIEW_INLINE ? short_text : arena_alloc(call->arena, length);
		result[i].length = 0;
		for (int a = 0; a < call->n_args; a++) {
			Str		part = arg_str(call->args[a], i);

			if (!arg_valid(call->args[a], i))
				continue;
			memcpy(to, part.data, part.length);
			to += part.length;
		}
		result[i] = str_view_make(to - length, length);
	}
	out->is_ascii = is_ascii && call->n_args > 0;
}

static bool
concat_ws(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	StrBuf	buf = {0};
	bool	is_first = true;

	if (call->n_args < 2) {
		eval_fail(call->context, row, "Function Concat_WS requires at least two input arguments");
		return false;
	}
	if (args[0].is_null)
		return true;
	for (int a = 1; a < call->n_args; a++) {
		if (args[a].is_null)
			continue;
		if (!is_first)
			strbuf_add_str(&buf, args[0].text);
		is_first = false;
		strbuf_add_str(&buf, args[a].text);
	}
	value_set_text(call, out, strbuf_str(&buf));
	strbuf_free(&buf);
	return true;
}

/* CONCAT of values of any type, as their text. */
static bool
concat_any(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	StrBuf	buf = {0};

	(void)row;
	for (int a = 0; a < call->n_args; a++)
		if (!scalar_add_text(&buf, &args[a], true))
			scalar_add_json(&buf, &args[a], true);
	value_set_text(call, out, strbuf_str(&buf));
	strbuf_free(&buf);
	return true;
}

/* ---- tests of text ---- */

static bool
text_find(Str s, Str part, size_t from, size_t *at)
{
	const char *found;

	if (from > s.length || part.length > s.length - from)
		return false;
	if (part.length == 0) {
		*at = from;
		return true;
	}
	found = memmem(s.data + from, s.length - from, part.data, part.length);
	if (found == NULL)
		return false;
	*at = (size_t)(found - s.data);
	return true;
}

static void
starts_with(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	for (int32_t i = 0; i < n_rows; i++)
		((uint8_t *)out->data)[i] = str_starts_with(arg_str(call->args[0], i), arg_str(call->args[1], i));
}

static void
ends_with(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	for (int32_t i = 0; i < n_rows; i++)
		((uint8_t *)out->data)[i] = str_ends_with(arg_str(call->args[0], i), arg_str(call->args[1], i));
}

static void
contains(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	size_t	at;

	for (int32_t i = 0; i < n_rows; i++)
		((uint8_t *)out->data)[i] = text_find(arg_str(call->args[0], i), arg_str(call->args[1], i), 0, &at);
}

/* Position from 1 of the first occurrence, 0 if there is none. */
static int32_t
text_position(const ScalarCall *call, Str s, Str part)
{
	size_t	at;

	return text_find(s, part, 0, &at) ? (int32_t)call_text_position(call, s, at) + 1 : 0;
}

static void
position_in(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	for (int32_t i = 0; i < n_rows; i++)
		((int32_t *)out->data)[i] = text_position(call, arg_str(call->args[0], i), arg_str(call->args[1], i));
}

static void
position_of(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	for (int32_t i = 0; i < n_rows; i++)
		((int32_t *)out->data)[i] = text_position(call, arg_str(call->args[1], i), arg_str(call->args[0], i));
}

/*
 * INSTR: the n-th occurrence at or after `pos`, or, for a negative one, the n-th backward of those that begin at or
 * before the position counted from the end.  Occurrences may overlap.
 */
static bool
instr(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	int64_t pos = call->n_args > 2 ? args[2].integer : 1, n = call->n_args > 3 ? args[3].integer : 1, length;
	Str		s = args[0].text, part = args[1].text;
	size_t	at;

	(void)row;
	value_set_integer(out, 0);
	if (args[0].is_null || args[1].is_null || n < 1)
		return true;
	length = call_text_length(call, s);
	if ((pos < 0 ? -pos : pos) > length)
		return true;
	if (pos >= 0) {
		at = call_text_offset(call, s, pos > 0 ? pos - 1 : 0);
		while (text_find(s, part, at, &at)) {
			if (--n == 0)
				return value_set_integer(out, call_text_position(call, s, at) + 1);
			if (utf8_decode(s, &at) < 0)
				return true;
		}
		return true;
	}
	at = call_text_offset(call, s, length + pos);
	for (;;) {
		if (str_starts_with(str_make(s.data + at, s.length - at), part) && --n == 0)
			return value_set_integer(out, call_text_position(call, s, at) + 1);
		if (utf8_decode_before(s, &at) < 0)
			return true;
	}
}

/* ---- the rows ---- */

/* Text positions differ by dialect: the kernel looks at the dialect of its row. */
#define BY_DIALECT(name, signature, kernel, flags, ...)                      \
	FUNCTION(name, signature, kernel, flags, KSQLDB, __VA_ARGS__),           \
	FUNCTION(name, signature, kernel, flags, STANDARD, __VA_ARGS__)

#define LEN_TEXT "The number of characters of a text, or of bytes."
#define UPPER_TEXT "The text in upper case."
#define LOWER_TEXT "The text in lower case."
#define SUBSTRING_TEXT "The part of a text that begins at a position counted from 1, to the end or of a given length."
#define INSTR_TEXT "The position, from 1, of the n-th occurrence of a text in another, or 0."
#define TRIM_TEXT "The text without white space, or without the characters given, at both ends."
#define LTRIM_TEXT "The text without white space, or without the characters given, at its beginning."
#define RTRIM_TEXT "The text without white space, or without the characters given, at its end."
#define CONCAT_KSQLDB "Its arguments joined together, NULLs left out."
#define CONCAT_STANDARD "Its arguments joined together; NULL if one is NULL."
#define CONCAT_WS_TEXT "Its arguments after the first joined with the first between them, NULLs left out."
#define CONTAINS_TEXT "Whether the first text contains the second."

const ScalarFunction scalar_string_functions[] = {
	FUNCTION("BTRIM", "(STRING) -> STRING", trim_both, NULL_IN, BOTH, TRIM_TEXT, "BTRIM('  a b ')", "a b"),
	FUNCTION("BTRIM", "(STRING, STRING) -> STRING", trim_both, NULL_IN, BOTH, TRIM_TEXT, "BTRIM('xxaxx', 'x')", "a"),
	FUNCTION("CHARACTER_LENGTH", "(STRING) -> INTEGER", length_text, NULL_IN, STANDARD, LEN_TEXT,
			 "CHARACTER_LENGTH('abc')", "3"),
	FUNCTION("CHAR_LENGTH", "(STRING) -> INTEGER", length_text, NULL_IN, STANDARD, LEN_TEXT, "CHAR_LENGTH('abc')", "3"),
	FUNCTION("CONCAT", "(STRING...) -> STRING", concat, 0, KSQLDB, CONCAT_KSQLDB, "CONCAT('a', NULL, 'b')", "ab"),
	FUNCTION("CONCAT", "(BYTES...) -> BYTES", concat, 0, KSQLDB, CONCAT_KSQLDB, NULL, NULL),
	FUNCTION("CONCAT", "(STRING...) -> STRING", concat, NULL_IN, STANDARD, CONCAT_STANDARD, "CONCAT('a', 'b')", "ab"),
	FUNCTION("CONCAT", "(BYTES...) -> BYTES", concat, NULL_IN, STANDARD, CONCAT_STANDARD, NULL, NULL),
	FUNCTION_ROWS("CONCAT", "(ANY...) -> STRING", concat_any, NULL_IN, STANDARD, CONCAT_STANDARD, "CONCAT('a', 1)", "a1"),
	FUNCTION_ROWS("CONCAT_WS", "(STRING...) -> STRING", concat_ws, 0, BOTH, CONCAT_WS_TEXT, "CONCAT_WS('-', 'a', NULL, 'b')",
				  "a-b"),
	FUNCTION_ROWS("CONCAT_WS", "(BYTES...) -> BYTES", concat_ws, 0, BOTH, CONCAT_WS_TEXT, NULL, NULL),
	FUNCTION("CONTAINS", "(STRING, STRING) -> BOOLEAN", contains, NULL_IN, BOTH, CONTAINS_TEXT, "CONTAINS('abc', 'b')", "true"),
	FUNCTION("ENDS_WITH", "(STRING, STRING) -> BOOLEAN", ends_with, NULL_IN, BOTH, "Whether the first text ends with the second.",
			 "ENDS_WITH('abc', 'c')", "true"),
	FUNCTION("INITCAP", "(STRING) -> STRING", initcap_ksqldb, NULL_IN, KSQLDB,
			 "The text with the first letter of each word in upper case, the rest in lower case.", "INITCAP('heLLo there')",
			 "Hello There"),
	FUNCTION("INITCAP", "(STRING) -> STRING", initcap_standard, NULL_IN, STANDARD,
			 "The text with the first letter of each word in upper case, the rest in lower case.", "INITCAP('heLLo there')",
			 "Hello There"),
	FUNCTION_ROWS("INSTR", "(STRING, STRING) -> INTEGER", instr, 0, KSQLDB, INSTR_TEXT, "INSTR('CORPORATE', 'OR')", "2"),
	FUNCTION_ROWS("INSTR", "(STRING, STRING, INTEGER!) -> INTEGER", instr, 0, KSQLDB, INSTR_TEXT, "INSTR('CORPORATE', 'OR', 3)",
				  "5"),
	FUNCTION_ROWS("INSTR", "(STRING, STRING, INTEGER!, INTEGER!) -> INTEGER", instr, 0, KSQLDB, INSTR_TEXT,
				  "INSTR('CORPORATE', 'OR', 1, 2)", "5"),
	FUNCTION_ROWS("INSTR", "(STRING, STRING) -> INTEGER", instr, NULL_IN, STANDARD, INSTR_TEXT, "INSTR('CORPORATE', 'OR')", "2"),
	FUNCTION_ROWS("INSTR", "(STRING, STRING, INTEGER) -> INTEGER", instr, NULL_IN, STANDARD, INSTR_TEXT,
				  "INSTR('CORPORATE', 'OR', 3)", "5"),
	FUNCTION_ROWS("INSTR", "(STRING, STRING, INTEGER, INTEGER) -> INTEGER", instr, NULL_IN, STANDARD, INSTR_TEXT,
				  "INSTR('CORPORATE', 'OR', 1, 2)", "5"),
	FUNCTION("LCASE", "(STRING) -> STRING", lower_case, NULL_IN, BOTH, LOWER_TEXT, "LCASE('ABC')", "abc"),
	FUNCTION("LEFT", "(STRING, INTEGER) -> STRING", text_left, NULL_IN, BOTH,
			 "The first n characters; with a negative n, all but the last n.", "LEFT('abcde', 2)", "ab"),
	BY_DIALECT("LEN", "(STRING) -> INTEGER", length_text, NULL_IN, LEN_TEXT, "LEN('abc')", "3"),
	FUNCTION("LEN", "(BYTES) -> INTEGER", length_bytes, NULL_IN, BOTH, LEN_TEXT, "LEN(TO_BYTES('abc', 'utf8'))", "3"),
	FUNCTION("LENGTH", "(STRING) -> INTEGER", length_text, NULL_IN, STANDARD, LEN_TEXT, "LENGTH('abc')", "3"),
	FUNCTION("LENGTH", "(BYTES) -> INTEGER", length_bytes, NULL_IN, STANDARD, LEN_TEXT, NULL, NULL),
	FUNCTION("LOWER", "(STRING) -> STRING", lower_case, NULL_IN, BOTH, LOWER_TEXT, "LOWER('ABC')", "abc"),
	FUNCTION("LTRIM", "(STRING) -> STRING", trim_left, NULL_IN, BOTH, LTRIM_TEXT, "LTRIM('  a')", "a"),
	FUNCTION("LTRIM", "(STRING, STRING) -> STRING", trim_left, NULL_IN, BOTH, LTRIM_TEXT, "LTRIM('xxa', 'x')", "a"),
	FUNCTION("OCTET_LENGTH", "(STRING) -> INTEGER", length_bytes, NULL_IN, BOTH, "The number of bytes of a text in UTF-8.",
			 "OCTET_LENGTH('abc')", "3"),
	FUNCTION("OCTET_LENGTH", "(BYTES) -> INTEGER", length_bytes, NULL_IN, BOTH, "The number of bytes.", NULL, NULL),
	FUNCTION("POSITION", "(STRING, STRING) -> INTEGER", position_of, NULL_IN, STANDARD,
			 "The position, from 1, of the first text in the second, or 0.", "POSITION('b', 'abc')", "2"),
	FUNCTION("RIGHT", "(STRING, INTEGER) -> STRING", text_right, NULL_IN, BOTH,
			 "The last n characters; with a negative n, all but the first n.", "RIGHT('abcde', 2)", "de"),
	FUNCTION("RTRIM", "(STRING) -> STRING", trim_right, NULL_IN, BOTH, RTRIM_TEXT, "RTRIM('a  ')", "a"),
	FUNCTION("RTRIM", "(STRING, STRING) -> STRING", trim_right, NULL_IN, BOTH, RTRIM_TEXT, "RTRIM('axx', 'x')", "a"),
	FUNCTION("PREFIX", "(STRING, STRING) -> BOOLEAN", starts_with, NULL_IN, STANDARD,
			 "Whether the first text begins with the second.", "PREFIX('abc', 'a')", "true"),
	FUNCTION("STARTS_WITH", "(STRING, STRING) -> BOOLEAN", starts_with, NULL_IN, BOTH,
			 "Whether the first text begins with the second.", "STARTS_WITH('abc', 'a')", "true"),
	FUNCTION("SUFFIX", "(STRING, STRING) -> BOOLEAN", ends_with, NULL_IN, STANDARD,
			 "Whether the first text ends with the second.", "SUFFIX('abc', 'c')", "true"),
	FUNCTION("STRPOS", "(STRING, STRING) -> INTEGER", position_in, NULL_IN, STANDARD,
			 "The position, from 1, of the second text in the first, or 0.", "STRPOS('abc', 'b')", "2"),
	FUNCTION("SUBSTR", "(STRING, INTEGER) -> STRING", substring, NULL_IN, STANDARD, SUBSTRING_TEXT, "SUBSTR('stream', 2)",
			 "tream"),
	FUNCTION("SUBSTR", "(STRING, INTEGER, INTEGER) -> STRING", substring, NULL_IN, STANDARD, SUBSTRING_TEXT,
			 "SUBSTR('stream', 2, 3)", "tre"),
	BY_DIALECT("SUBSTRING", "(STRING, INTEGER) -> STRING", substring, NULL_IN, SUBSTRING_TEXT, "SUBSTRING('stream', 2)", "tream"),
	BY_DIALECT("SUBSTRING", "(STRING, INTEGER, INTEGER) -> STRING", substring, NULL_IN, SUBSTRING_TEXT,
			   "SUBSTRING('stream', 2, 3)", "tre"),
	BY_DIALECT("SUBSTRING", "(BYTES, INTEGER) -> BYTES", substring, NULL_IN, SUBSTRING_TEXT, NULL, NULL),
	BY_DIALECT("SUBSTRING", "(BYTES, INTEGER, INTEGER) -> BYTES", substring, NULL_IN, SUBSTRING_TEXT, NULL, NULL),
	FUNCTION("TRIM", "(STRING) -> STRING", trim_both, NULL_IN, BOTH, TRIM_TEXT, "TRIM('  a b ')", "a b"),
	FUNCTION("TRIM", "(STRING, STRING) -> STRING", trim_both, NULL_IN, STANDARD, TRIM_TEXT, "TRIM('xxaxx', 'x')", "a"),
	FUNCTION("UCASE", "(STRING) -> STRING", upper_case, NULL_IN, BOTH, UPPER_TEXT, "UCASE('abc')", "ABC"),
	FUNCTION("UPPER", "(STRING) -> STRING", upper_case, NULL_IN, BOTH, UPPER_TEXT, "UPPER('abc')", "ABC"),
	{.name = NULL},
};
