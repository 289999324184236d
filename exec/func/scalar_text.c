/* Functions of text and bytes beyond those of scalar_string.c: padding, replacing, splitting, codes, identifiers. */
#include <stdio.h>

#include "common/hash.h"
#include "common/hex.h"
#include "common/md5.h"
#include "common/sha.h"
#include "data/double_text.h"
#include "exec/func/kernel.h"

#define RESULT_BYTES_MAX (INT64_C(256) << 20)	/* of one value that a function makes longer: REPEAT, LPAD */

static bool
fail_too_long(const ScalarCall *call, int32_t row)
{
	eval_fail(call->context, row, "The result of %s would be longer than 256 MiB", call->function->name);
	return false;
}

/* ---- padding ---- */

static bool
pad(const ScalarCall *call, int32_t row, const Value *args, Value *out, bool at_left)
{
	bool	is_bytes = args[0].type->kind == TYPE_BYTES;
	Str		s = args[0].text, filler = call->n_args > 2 ? args[2].text : STR(" ");
	int64_t wanted = args[1].integer, length, filler_length, missing;
	size_t	whole, part;
	char   *to;

	if (call_is_standard(call)) {
		if (wanted < 0)
			wanted = 0;
	} else if (wanted < 0 || filler.length == 0) {
		return true;
	}
	length = is_bytes ? (int64_t)s.length : call_text_length(call, s);
	if (wanted <= length || filler.length == 0) {
		size_t	end = wanted >= length ? s.length : is_bytes ? (size_t)wanted : call_text_offset(call, s, wanted);

		return value_set_text(call, out, str_make(s.data, end));
	}
	filler_length = is_bytes ? (int64_t)filler.length : call_text_length(call, filler);
	missing = wanted - length;
	if (missing / filler_length * (int64_t)filler.length > RESULT_BYTES_MAX)
		return fail_too_long(call, row);
	whole = (size_t)(missing / filler_length);
	missing %= filler_length;
	part = is_bytes ? (size_t)missing : call_text_offset(call, filler, missing);
	out->is_null = false;
	out->text = str_make(NULL, s.length + whole * filler.length + part);
	out->text.data = to = arena_alloc(call->arena, out->text.length);
	if (!at_left) {
		memcpy(to, s.data, s.length);
		to += s.length;
	}
	for (size_t i = 0; i < whole; i++, to += filler.length)
		memcpy(to, filler.data, filler.length);
	memcpy(to, filler.data, part);
	to += part;
	if (at_left)
		memcpy(to, s.data, s.length);
	return true;
}

static bool
pad_left(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	return pad(call, row, args, out, true);
}

static bool
pad_right(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	return pad(call, row, args, out, false);
}

static bool
repeat(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	int64_t n = args[1].integer > 0 ? args[1].integer : 0;
	size_t	length = args[0].text.length;
	char   *text;

	if (length > 0 && n > RESULT_BYTES_MAX / (int64_t)length)
		return fail_too_long(call, row);
	if (!eval_has_room(call->context, row, "REPEAT", (int64_t)length * n, "Repeat it less often, or raise the limit with SET 'memory.limit'='...'."))
		return false;
	text = arena_alloc(call->arena, length * (size_t)n + 1);
	for (int64_t i = 0; i < n && length > 0; i++)
		memcpy(text + (size_t)i * length, args[0].text.data, length);
	out->is_null = false;
	out->text = str_make(text, length * (size_t)n);
	return true;
}

/* ---- replacing ---- */

static void
replace(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector *text = call->args[0], *old = call->args[1], *new = call->args[2];
	StrBuf		  buf = {0};

	for (int32_t i = 0; i < n_rows; i++) {
		Str			s = arg_str(text, i), from = arg_str(old, i), to = arg_str(new, i);
		const char *found, *at = s.data, *end = s.data + s.length;

		if (from.length == 0 && !call_is_standard(call)) {
			size_t	pos = 0;

			strbuf_clear(&buf);
			while (pos < s.length) {
				size_t	length = (size_t)utf8_sequence_length((unsigned char)s.data[pos]);

				strbuf_add_str(&buf, to);
				strbuf_add(&buf, s.data + pos, length);
				pos += length;
			}
			strbuf_add_str(&buf, to);
			result_set_text(out, call->arena, i, strbuf_str(&buf));
			continue;
		}
		found = from.length == 0 || s.length == 0 ? NULL : memmem(at, s.length, from.data, from.length);
		if (found == NULL) {
			((StrView *)out->data)[i] = *arg_view(text, i);
			continue;
		}
		strbuf_clear(&buf);
		while (found != NULL) {
			strbuf_add(&buf, at, (size_t)(found - at));
			strbuf_add_str(&buf, to);
			at = found + from.length;
			found = at < end ? memmem(at, (size_t)(end - at), from.data, from.length) : NULL;
		}
		strbuf_add(&buf, at, (size_t)(end - at));
		result_set_text(out, call->arena, i, strbuf_str(&buf));
	}
	strbuf_free(&buf);
	out->is_ascii = text->is_ascii && new->is_ascii;
}

/* TRANSLATE: each character of the second argument becomes the one at its place in the third, or goes. */
static bool
translate(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	StrBuf	buf = {0};
	size_t	pos = 0;
	int32_t point;

	(void)row;
	while ((point = utf8_decode(args[0].text, &pos)) >= 0) {
		size_t	from_pos = 0, to_pos = 0;
		int32_t from, to = -1;

		while ((from = utf8_decode(args[1].text, &from_pos)) >= 0) {
			to = utf8_decode(args[2].text, &to_pos);
			if (from == point)
				break;
		}
		if (from < 0)
			utf8_add(&buf, point);
		else if (to >= 0)
			utf8_add(&buf, to);
	}
	value_set_text(call, out, strbuf_str(&buf));
	strbuf_free(&buf);
	return true;
}

static bool
reverse(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	Str		s = args[0].text;
	char   *text = arena_alloc(call->arena, s.length + 1), *to = text + s.length;
	size_t	pos = 0;

	(void)row;
	while (pos < s.length) {
		size_t	length = (size_t)utf8_sequence_length((unsigned char)s.data[pos]);

		to -= length;
		memcpy(to, s.data + pos, length);
		pos += length;
	}
	out->is_null = false;
	out->text = str_make(text, s.length);
	return true;
}

/* ---- splitting ---- */

/* The piece that begins at *at; moves *at behind the delimiter; false when that was the last one. */
static bool
split_next(Str s, Str delimiter, size_t *at, Str *piece)
{
	const char *found = *at <= s.length ? memmem(s.data + *at, s.length - *at, delimiter.data, delimiter.length) : NULL;

	if (found == NULL) {
		*piece = str_make(s.data + *at, s.length - *at);
		return false;
	}
	*piece = str_make(s.data + *at, (size_t)(found - s.data) - *at);
	*at = (size_t)(found - s.data) + delimiter.length;
	return true;
}

static bool
split(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	const Type *type = args[0].type;
	Str			s = args[0].text, piece;
	ItemList	list = {.arena = call->arena};
	size_t		at = 0;

	(void)row;
	if (args[1].text.length == 0) {
		while (at < s.length) {
			size_t	length = type->kind == TYPE_BYTES ? 1 : (size_t)utf8_sequence_length((unsigned char)s.data[at]);

			item_add(&list, value_text(type, str_make(s.data + at, length)));
			at += length;
		}
		if (s.length == 0)
			item_add(&list, value_text(type, s));
	} else {
		bool	more;

		do {
			more = split_next(s, args[1].text, &at, &piece);
			item_add(&list, value_text(type, piece));
		} while (more);
	}
	return value_set_items(out, list.items, list.n);
}

static bool
split_to_map(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	Str		 s = args[0].text, entry, delimiter = args[1].text, assign = args[2].text;
	ItemList list = {.arena = call->arena};
	size_t	 at = 0;
	bool	 more;

	(void)row;
	if (delimiter.length == 0 || assign.length == 0 || str_equal(delimiter, assign))
		return true;
	do {
		size_t	inner = 0;
		Str		key, value;

		more = split_next(s, delimiter, &at, &entry);
		if (!split_next(entry, assign, &inner, &key))
			continue;
		split_next(entry, assign, &inner, &value);
		item_put(&list, value_text(type_string, key), value_text(type_string, value));
	} while (more);
	return value_set_items(out, list.items, list.n / 2);
}

/* SPLIT_PART: as PostgreSQL; a negative number counts from the end. */
static bool
split_part(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	Str		s = args[0].text, delimiter = args[1].text, piece = {"", 0};
	int64_t n = args[2].integer, count = 1;
	size_t	at = 0;

	if (n == 0) {
		eval_fail(call->context, row, "SPLIT_PART counts from 1, or from -1 backward; 0 is no position");
		return false;
	}
	if (delimiter.length == 0)
		return value_set_text(call, out, n == 1 || n == -1 ? s : piece);
	if (n < 0) {
		while (split_next(s, delimiter, &at, &piece))
			count++;
		n += count + 1;
		at = 0;
	}
	for (int64_t i = 1; i <= n; i++) {
		bool	more = split_next(s, delimiter, &at, &piece);

		if (i == n)
			return value_set_text(call, out, piece);
		if (!more)
			break;
	}
	return value_set_text(call, out, STR(""));
}

/* ---- codes of characters ---- */

static bool
set_character(const ScalarCall *call, int32_t point, Value *out)
{
	char	bytes[4];
	size_t	length = utf8_encode(point, bytes);

	if (length == 0 && point >= 0xd800 && point <= 0xdfff)
		return value_set_text(call, out, STR("?"));		/* as Java writes half a surrogate pair */
	return length == 0 ? true : value_set_text(call, out, str_make(bytes, length));
}

static bool
chr_code(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	return set_character(call, (int32_t)args[0].integer, out);
}

/* Four hexadecimal digits at s[*pos], after any number of `u`; -1 if they are not there. */
static int32_t
read_unit(Str s, size_t *pos)
{
	int32_t unit = 0;

	while (*pos < s.length && s.data[*pos] == 'u')
		++*pos;
	if (*pos < s.length && s.data[*pos] == '+')
		++*pos;
	if (s.length - *pos < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int		digit = hex_digit(s.data[*pos + (size_t)i]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	*pos += 4;
	return unit;
}

/* CHR of text with the escapes of a Java string literal. */
static bool
chr_escape(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	static const char letters[] = "btnfr", controls[] = "\b\t\n\f\r";
	Str				  s = args[0].text;
	StrBuf			  buf = {0};
	size_t			  pos = 0;
	bool			  ok = true;

	if (s.length < 6 || !str_starts_with(s, STR("\\u")))
		return true;
	while (ok && pos < s.length) {
		char		c = s.data[pos++], escape;
		const char *letter;

		if (c != '\\' || pos == s.length) {
			strbuf_add_char(&buf, c);
			continue;
		}
		escape = s.data[pos];
		if (escape == 'u') {
			int32_t unit = read_unit(s, &pos), low;
			size_t	next = pos + 1;

			ok = unit >= 0;
			if (unit >= 0xd800 && unit < 0xdc00 && pos + 1 < s.length && s.data[pos] == '\\' && s.data[pos + 1] == 'u' &&
				(low = read_unit(s, &next)) >= 0xdc00 && low < 0xe000) {
				unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
				pos = next;
			}
			if (unit >= 0xd800 && unit < 0xe000)
				unit = '?';
			if (ok)
				utf8_add(&buf, unit);
		} else if (escape >= '0' && escape <= '7') {
			int		code = 0, limit = escape <= '3' ? 3 : 2;

			while (limit-- > 0 && pos < s.length && s.data[pos] >= '0' && s.data[pos] <= '7')
				code = code * 8 + s.data[pos++] - '0';
			utf8_add(&buf, code);
		} else {
			letter = strchr(letters, escape);
			strbuf_add_char(&buf, letter != NULL ? controls[letter - letters] : escape);
			pos++;
		}
	}
	if (ok)
		value_set_text(call, out, strbuf_str(&buf));
	else
		eval_fail(call->context, row, "Less than 4 hex digits in unicode value: '%.*s'", (int)s.length, s.data);
	strbuf_free(&buf);
	return ok;
}

static bool
ascii_code(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	size_t	pos = 0;
	int32_t point = utf8_decode(args[0].text, &pos);

	(void)call;
	(void)row;
	return value_set_integer(out, point < 0 ? 0 : point);
}

static bool
to_hex(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	char		text[24];
	uint64_t	bits = args[0].type->kind == TYPE_INTEGER ? (uint32_t)args[0].integer : (uint64_t)args[0].integer;
	int			length = snprintf(text, sizeof text, "%llx", (unsigned long long)bits);

	(void)row;
	return value_set_text(call, out, str_make(text, (size_t)length));
}

static bool
hex_of_bytes(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	StrBuf	buf = {0};

	(void)row;
	hex_add_encoded(&buf, args[0].text, call->function->name[0] == 'H');
	value_set_text(call, out, strbuf_str(&buf));
	strbuf_free(&buf);
	return true;
}

/* ---- choosing among arguments ---- */

static bool
elt(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	int64_t n = args[0].integer;

	(void)row;
	if (!args[0].is_null && n >= 1 && n < call->n_args)
		*out = args[n];
	return true;
}

static bool
field(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	value_set_integer(out, 0);
	if (args[0].is_null)
		return true;
	for (int a = 1; a < call->n_args; a++)
		if (!args[a].is_null && str_equal(args[0].text, args[a].text))
			return value_set_integer(out, a);
	return true;
}

/* ---- digests and identifiers ---- */

static void
md5_text(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	char	hex[33];

	for (int32_t i = 0; i < n_rows; i++) {
		md5_hex(arg_str(call->args[0], i), hex);
		result_set_text(out, call->arena, i, str_make(hex, 32));
	}
	out->is_ascii = true;
}

static bool
sha(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	unsigned char digest[SHA256_BYTES];
	bool		  is_sha1 = strcmp(call->function->name, "SHA1") == 0;
	StrBuf		  buf = {0};

	(void)row;
	if (is_sha1)
		sha1_digest(args[0].text, digest);
	else
		sha256_digest(args[0].text, digest);
	hex_add_encoded(&buf, str_make((const char *)digest, is_sha1 ? SHA1_BYTES : SHA256_BYTES), false);
	value_set_text(call, out, strbuf_str(&buf));
	strbuf_free(&buf);
	return true;
}

/* Edits that make one text of the other: insert, delete or replace a character. */
static bool
levenshtein(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	int64_t	 n = utf8_count(args[1].text);
	int32_t *costs, a, b;
	size_t	 pos_a = 0, pos_b;

	if (n > 100000 || utf8_count(args[0].text) > 100000)
		return fail_too_long(call, row);
	costs = arena_alloc(call->arena, sizeof(int32_t) * (size_t)(n + 1));
	for (int32_t j = 0; j <= n; j++)
		costs[j] = j;
	for (int32_t i = 1; (a = utf8_decode(args[0].text, &pos_a)) >= 0; i++) {
		int32_t diagonal = costs[0], j = 1;

		costs[0] = i;
		pos_b = 0;
		for (; (b = utf8_decode(args[1].text, &pos_b)) >= 0; j++) {
			int32_t best = diagonal + (a != b);

			diagonal = costs[j];
			if (costs[j] + 1 < best)
				best = costs[j] + 1;
			if (costs[j - 1] + 1 < best)
				best = costs[j - 1] + 1;
			costs[j] = best;
		}
	}
	return value_set_integer(out, costs[n]);
}

static bool
set_uuid(const ScalarCall *call, const unsigned char bytes[16], Value *out)
{
	char	text[37];
	int		at = 0;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[at++] = '-';
		at += snprintf(text + at, sizeof text - (size_t)at, "%02x", bytes[i]);
	}
	return value_set_text(call, out, str_make(text, 36));
}

static bool
uuid_random(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	const Env	 *env = call->context->env != NULL ? call->context->env : &env_real;
	uint64_t	  halves[2] = {env->random(env), env->random(env)};
	unsigned char bytes[16];

	(void)row;
	(void)args;
	memcpy(bytes, halves, sizeof bytes);
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);		/* version 4 */
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);		/* variant of RFC 4122 */
	return set_uuid(call, bytes, out);
}

static bool
uuid_of_bytes(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	if (args[0].text.length != 16)
		return true;
	return set_uuid(call, (const unsigned char *)args[0].text.data, out);
}

/* ---- the rows ---- */

#define LPAD_TEXT "The text brought to a length by putting copies of another before it, or cut off at the right."
#define RPAD_TEXT "The text brought to a length by putting copies of another behind it, or cut off at the right."
#define REPLACE_TEXT "The text with all occurrences of a part replaced by another."
#define CHR_TEXT "The character with a code point, given as a number or as '\\uXXXX'."
#define SPLIT_TEXT "The parts of a text between delimiters."
#define HEX_TEXT "The bytes as hexadecimal digits in upper case."

const ScalarFunction scalar_text_functions[] = {
	FUNCTION_ROWS("ASCII", "(STRING) -> INTEGER", ascii_code, NULL_IN, BOTH,
				  "The code point of the first character; 0 for empty text.", "ASCII('A')", "65"),
	FUNCTION_ROWS("CHR", "(INTEGER) -> STRING", chr_code, NULL_IN, BOTH, CHR_TEXT, "CHR(75)", "K"),
	FUNCTION_ROWS("CHR", "(STRING) -> STRING", chr_escape, NULL_IN, BOTH, CHR_TEXT, "CHR('\\u004b')", "K"),
	FUNCTION_ROWS("ELT", "(INTEGER!, STRING...) -> STRING", elt, 0, BOTH,
				  "The n-th of the arguments that follow the number, counted from 1; NULL if there is none.",
				  "ELT(2, 'a', 'b')", "b"),
	FUNCTION_ROWS("FIELD", "(STRING, STRING...) -> INTEGER", field, 0, BOTH,
				  "The position, from 1, of the first text among those that follow; 0 if it is not there.",
				  "FIELD('b', 'a', 'b')", "2"),
	FUNCTION_ROWS("GEN_RANDOM_UUID", "() -> STRING", uuid_random, FUNC_NOT_DETERMINISTIC, STANDARD,
				  "A new random identifier for each row.", "LENGTH(GEN_RANDOM_UUID())", "36"),
	FUNCTION_ROWS("HEX", "(STRING) -> STRING", hex_of_bytes, NULL_IN, STANDARD, HEX_TEXT, "HEX('abc')", "616263"),
	FUNCTION_ROWS("HEX", "(BYTES) -> STRING", hex_of_bytes, NULL_IN, STANDARD, HEX_TEXT, NULL, NULL),
	FUNCTION_ROWS("LEVENSHTEIN", "(STRING, STRING) -> INTEGER", levenshtein, NULL_IN, BOTH,
				  "How many characters must be inserted, deleted or replaced to make one text of the other.",
				  "LEVENSHTEIN('kitten', 'sitting')", "3"),
	FUNCTION_ROWS("LPAD", "(STRING, INTEGER, STRING) -> STRING", pad_left, NULL_IN, KSQLDB, LPAD_TEXT, "LPAD('7', 3, '0')",
				  "007"),
	FUNCTION_ROWS("LPAD", "(BYTES, INTEGER, BYTES) -> BYTES", pad_left, NULL_IN, KSQLDB, LPAD_TEXT, NULL, NULL),
	FUNCTION_ROWS("LPAD", "(STRING, INTEGER) -> STRING", pad_left, NULL_IN, STANDARD, LPAD_TEXT, "LENGTH(LPAD('7', 3))", "3"),
	FUNCTION_ROWS("LPAD", "(STRING, INTEGER, STRING) -> STRING", pad_left, NULL_IN, STANDARD, LPAD_TEXT, "LPAD('7', 3, '0')",
				  "007"),
	FUNCTION_ROWS("LPAD", "(BYTES, INTEGER, BYTES) -> BYTES", pad_left, NULL_IN, STANDARD, LPAD_TEXT, NULL, NULL),
	FUNCTION("MD5", "(STRING) -> STRING", md5_text, NULL_IN, BOTH, "The MD5 digest of the text as hexadecimal digits.",
			 "MD5('a')", "0cc175b9c0f1b6a831c399e269772661"),
	FUNCTION_ROWS("ORD", "(STRING) -> INTEGER", ascii_code, NULL_IN, STANDARD,
				  "The code point of the first character; 0 for empty text.", "ORD('A')", "65"),
	FUNCTION("REPLACE", "(STRING, STRING, STRING) -> STRING", replace, NULL_IN, KSQLDB, REPLACE_TEXT,
			 "REPLACE('banana', 'an', 'o')", "booa"),
	FUNCTION("REPLACE", "(STRING, STRING, STRING) -> STRING", replace, NULL_IN, STANDARD, REPLACE_TEXT,
			 "REPLACE('banana', 'an', 'o')", "booa"),
	FUNCTION_ROWS("REPEAT", "(STRING, INTEGER) -> STRING", repeat, NULL_IN, BOTH, "The text repeated n times.",
				  "REPEAT('ab', 3)", "ababab"),
	FUNCTION_ROWS("REVERSE", "(STRING) -> STRING", reverse, NULL_IN, BOTH, "The text from its last character to its first.",
				  "REVERSE('abc')", "cba"),
	FUNCTION_ROWS("RPAD", "(STRING, INTEGER, STRING) -> STRING", pad_right, NULL_IN, KSQLDB, RPAD_TEXT, "RPAD('7', 3, '0')",
				  "700"),
	FUNCTION_ROWS("RPAD", "(BYTES, INTEGER, BYTES) -> BYTES", pad_right, NULL_IN, KSQLDB, RPAD_TEXT, NULL, NULL),
	FUNCTION_ROWS("RPAD", "(STRING, INTEGER) -> STRING", pad_right, NULL_IN, STANDARD, RPAD_TEXT, "LENGTH(RPAD('7', 3))", "3"),
	FUNCTION_ROWS("RPAD", "(STRING, INTEGER, STRING) -> STRING", pad_right, NULL_IN, STANDARD, RPAD_TEXT, "RPAD('7', 3, '0')",
				  "700"),
	FUNCTION_ROWS("RPAD", "(BYTES, INTEGER, BYTES) -> BYTES", pad_right, NULL_IN, STANDARD, RPAD_TEXT, NULL, NULL),
	FUNCTION_ROWS("SHA1", "(STRING) -> STRING", sha, NULL_IN, BOTH, "The SHA-1 digest of the text as hexadecimal digits.",
				  "SHA1('abc')", "a9993e364706816aba3e25717850c26c9cd0d89d"),
	FUNCTION_ROWS("SHA1", "(BYTES) -> STRING", sha, NULL_IN, BOTH, "The SHA-1 digest of the bytes as hexadecimal digits.", NULL,
				  NULL),
	FUNCTION_ROWS("SHA256", "(STRING) -> STRING", sha, NULL_IN, BOTH,
				  "The SHA-256 digest of the text as hexadecimal digits.", "SHA256('abc')",
				  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
	FUNCTION_ROWS("SHA256", "(BYTES) -> STRING", sha, NULL_IN, BOTH, "The SHA-256 digest of the bytes as hexadecimal digits.",
				  NULL, NULL),
	FUNCTION_ROWS("SPLIT", "(STRING, STRING) -> ARRAY<STRING>", split, NULL_IN, BOTH, SPLIT_TEXT,
				  "ARRAY_JOIN(SPLIT('a-b-c', '-'), '+')", "a+b+c"),
	FUNCTION_ROWS("SPLIT", "(BYTES, BYTES) -> ARRAY<BYTES>", split, NULL_IN, BOTH, SPLIT_TEXT, NULL, NULL),
	FUNCTION_ROWS("SPLIT_PART", "(STRING, STRING, INTEGER) -> STRING", split_part, NULL_IN, BOTH,
				  "The n-th part of a text between delimiters, counted from 1, or from -1 backward.",
				  "SPLIT_PART('a-b-c', '-', 2)", "b"),
	FUNCTION_ROWS("SPLIT_TO_MAP", "(STRING, STRING, STRING) -> MAP<STRING, STRING>", split_to_map, NULL_IN, BOTH,
				  "A map from text: entries between the first delimiter, key and value between the second.",
				  "SPLIT_TO_MAP('a=1;b=2', ';', '=')['b']", "2"),
	FUNCTION_ROWS("STRING_SPLIT", "(STRING, STRING) -> ARRAY<STRING>", split, NULL_IN, STANDARD, SPLIT_TEXT,
				  "ARRAY_JOIN(STRING_SPLIT('a-b', '-'), '+')", "a+b"),
	FUNCTION_ROWS("STRING_TO_ARRAY", "(STRING, STRING) -> ARRAY<STRING>", split, NULL_IN, STANDARD, SPLIT_TEXT,
				  "ARRAY_JOIN(STRING_TO_ARRAY('a-b', '-'), '+')", "a+b"),
	FUNCTION_ROWS("STR_SPLIT", "(STRING, STRING) -> ARRAY<STRING>", split, NULL_IN, STANDARD, SPLIT_TEXT,
				  "ARRAY_JOIN(STR_SPLIT('a-b', '-'), '+')", "a+b"),
	FUNCTION_ROWS("TO_HEX", "(INTEGER) -> STRING", to_hex, NULL_IN, STANDARD, "The number in hexadecimal digits.",
				  "TO_HEX(255)", "ff"),
	FUNCTION_ROWS("TO_HEX", "(BIGINT) -> STRING", to_hex, NULL_IN, STANDARD, "The number in hexadecimal digits.",
				  "TO_HEX(255)", "ff"),
	FUNCTION_ROWS("TO_HEX", "(BYTES) -> STRING", hex_of_bytes, NULL_IN, STANDARD, "The bytes in hexadecimal digits.", NULL, NULL),
	FUNCTION_ROWS("TRANSLATE", "(STRING, STRING, STRING) -> STRING", translate, NULL_IN, BOTH,
				  "The text with each character of a list replaced by the one at its place in another list.",
				  "TRANSLATE('abc', 'ab', 'xy')", "xyc"),
	FUNCTION_ROWS("UNICODE", "(STRING) -> INTEGER", ascii_code, NULL_IN, STANDARD,
				  "The code point of the first character; 0 for empty text.", "UNICODE('A')", "65"),
	FUNCTION_ROWS("UUID", "() -> STRING", uuid_random, FUNC_NOT_DETERMINISTIC, BOTH,
				  "A new random identifier for each row, or 16 bytes written as one.", "LEN(UUID())", "36"),
	FUNCTION_ROWS("UUID", "(BYTES) -> STRING", uuid_of_bytes, NULL_IN, BOTH,
				  "A new random identifier for each row, or 16 bytes written as one.", NULL, NULL),
	{.name = NULL},
};
