#include "common/utf8.h"

#include <utf8proc.h>

static inline bool
is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

bool
utf8_is_ascii(Str s)
{
	const char *p = s.data;
	const char *end = p + s.length;
	uint64_t	seen = 0;

	for (; end - p >= 8; p += 8) {
		uint64_t	w;

		memcpy(&w, p, 8);
		seen |= w;
	}
	for (; p < end; p++)
		seen |= (uint64_t)(*p & 0x80);
	return (seen & UINT64_C(0x8080808080808080)) == 0;
}

/* Length of the valid sequence at p, 0 if it is not valid. */
static size_t
sequence_at(const unsigned char *p, const unsigned char *end)
{
	unsigned char	c = *p;

	if (c < 0x80)
		return 1;
	if (c < 0xc2)
		return 0;
	if (c < 0xe0)
		return end - p >= 2 && is_continuation(p[1]) ? 2 : 0;
	if (c < 0xf0) {
		if (end - p < 3 || !is_continuation(p[1]) || !is_continuation(p[2]))
			return 0;
		if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f))
			return 0;		/* overlong; surrogates */
		return 3;
	}
	if (c > 0xf4 || end - p < 4 || !is_continuation(p[1]) || !is_continuation(p[2]) || !is_continuation(p[3]))
		return 0;
	return (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f) ? 0 : 4;
}

size_t
utf8_valid_prefix(Str s)
{
	const unsigned char *p = (const unsigned char *)s.data;
	const unsigned char *end = p + s.length;

	while (p < end) {
		uint64_t	w;

		while (end - p >= 8 && (memcpy(&w, p, 8), (w & UINT64_C(0x8080808080808080)) == 0))
			p += 8;
		if (p == end)
			break;
		size_t	n = sequence_at(p, end);

		if (n == 0)
			break;
		p += n;
	}
	return (size_t)(p - (const unsigned char *)s.data);
}

bool
utf8_validate(Str s)
{
	return utf8_valid_prefix(s) == s.length;
}

void
utf8_add_repaired(StrBuf *buf, Str s)
{
	for (;;) {
		size_t	n = utf8_valid_prefix(s);

		strbuf_add(buf, s.data, n);
		if (n == s.length)
			return;
		strbuf_add(buf, "\xef\xbf\xbd", 3);
		/* One replacement for a sequence that was cut short, as Java does. */
		size_t	skip = 1;
		int		wanted = utf8_sequence_length((unsigned char)s.data[n]);

		while (skip < (size_t)wanted && n + skip < s.length && is_continuation((unsigned char)s.data[n + skip])) {
			unsigned char	lead = (unsigned char)s.data[n];
			unsigned char	second = (unsigned char)s.data[n + 1];

			if (lead < 0xc2 || lead > 0xf4 || (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)
				|| (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
				break;
			skip++;
		}
		s = str_make(s.data + n + skip, s.length - n - skip);
	}
}

int32_t
utf8_decode(Str s, size_t *pos)
{
	if (*pos >= s.length)
		return -1;
	const unsigned char *p = (const unsigned char *)s.data + *pos;

	if (*p < 0x80) {
		++*pos;
		return *p;
	}
	size_t	n = sequence_at(p, (const unsigned char *)s.data + s.length);

	*pos += n > 0 ? n : 1;
	switch (n) {
	case 2:
		return (p[0] & 0x1f) << 6 | (p[1] & 0x3f);
	case 3:
		return (p[0] & 0x0f) << 12 | (p[1] & 0x3f) << 6 | (p[2] & 0x3f);
	case 4:
		return (p[0] & 0x07) << 18 | (p[1] & 0x3f) << 12 | (p[2] & 0x3f) << 6 | (p[3] & 0x3f);
	default:
		return 0xfffd;
	}
}

int32_t
utf8_decode_before(Str s, size_t *pos)
{
	size_t	start = *pos;

	if (start == 0)
		return -1;
	do
		start--;
	while (start > 0 && *pos - start < 4 && is_continuation((unsigned char)s.data[start]));
	*pos = start;
	return utf8_decode(s, &start);
}

size_t
utf8_encode(int32_t code_point, char out[4])
{
	uint32_t	c = (uint32_t)code_point;

	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		if (c >= 0xd800 && c < 0xe000)
			return 0;
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	if (c > 0x10ffff)
		return 0;
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

void
utf8_add(StrBuf *buf, int32_t code_point)
{
	char	bytes[4];

	strbuf_add(buf, bytes, utf8_encode(code_point, bytes));
}

/* --- counting --- */

int64_t
utf8_point_of_offset(Str s, size_t offset)
{
	int64_t	n = 0;

	for (size_t i = 0; i < offset; i++)
		n += !is_continuation((unsigned char)s.data[i]);
	return n;
}

int64_t
utf8_unit_of_offset(Str s, size_t offset)
{
	int64_t	n = 0;

	/* A four-byte sequence is two units, any other sequence one. */
	for (size_t i = 0; i < offset; i++)
		n += !is_continuation((unsigned char)s.data[i]) + ((unsigned char)s.data[i] >= 0xf0);
	return n;
}

int64_t
utf8_count(Str s)
{
	return utf8_point_of_offset(s, s.length);
}

int64_t
utf8_utf16_length(Str s)
{
	return utf8_unit_of_offset(s, s.length);
}

size_t
utf8_offset_of_point(Str s, int64_t n)
{
	size_t	pos = 0;

	for (; n > 0 && pos < s.length; n--)
		pos += (size_t)utf8_sequence_length((unsigned char)s.data[pos]);
	return pos < s.length ? pos : s.length;
}

size_t
utf8_offset_of_unit(Str s, int64_t n, bool *splits)
{
	size_t	pos = 0;

	while (n > 0 && pos < s.length) {
		int		length = utf8_sequence_length((unsigned char)s.data[pos]);

		pos += (size_t)length;
		n -= length == 4 ? 2 : 1;
	}
	if (splits != NULL)
		*splits = n < 0;
	return pos < s.length ? pos : s.length;
}

int
utf8_compare_utf16(Str a, Str b)
{
	size_t	n = a.length < b.length ? a.length : b.length;
	size_t	i = 0;

	while (n - i >= 8 && memcmp(a.data + i, b.data + i, 8) == 0)
		i += 8;
	while (i < n && a.data[i] == b.data[i])
		i++;
	if (i == n)
		return (a.length > b.length) - (a.length < b.length);

	unsigned char	x = (unsigned char)a.data[i];
	unsigned char	y = (unsigned char)b.data[i];

	/*
	 * Bytes sort as code points do.  Units sort the same but for supplementary characters (lead bytes F0 to F4), whose
	 * surrogates come before U+E000 to U+FFFF (EE, EF).  Valid texts that differ in a lead byte differ in it first.
	 */
	if (x >= 0xee && y >= 0xee) {
		bool	x_pair = x >= 0xf0;
		bool	y_pair = y >= 0xf0;

		if (x_pair != y_pair)
			return x_pair ? -1 : 1;
	}
	return x < y ? -1 : 1;
}

/* --- case --- */

int32_t
utf8_upper_point(int32_t code_point)
{
	if (code_point < 0x80)
		return code_point >= 'a' && code_point <= 'z' ? code_point - 32 : code_point;
	return utf8proc_toupper(code_point);
}

int32_t
utf8_lower_point(int32_t code_point)
{
	if (code_point < 0x80)
		return code_point >= 'A' && code_point <= 'Z' ? code_point + 32 : code_point;
	return utf8proc_tolower(code_point);
}

/* Characters whose upper case is several characters (SpecialCasing.txt, unconditional). */
static const char *
special_upper(int32_t c)
{
	switch (c) {
	case 0x00df: return "SS";
	case 0x0149: return "\u02bcN";
	case 0x01f0: return "J\u030c";
	case 0x0390: return "\u0399\u0308\u0301";
	case 0x03b0: return "\u03a5\u0308\u0301";
	case 0x0587: return "\u0535\u0552";
	case 0x1e96: return "H\u0331";
	case 0x1e97: return "T\u0308";
	case 0x1e98: return "W\u030a";
	case 0x1e99: return "Y\u030a";
	case 0x1e9a: return "A\u02be";
	case 0xfb00: return "FF";
	case 0xfb01: return "FI";
	case 0xfb02: return "FL";
	case 0xfb03: return "FFI";
	case 0xfb04: return "FFL";
	case 0xfb05: return "ST";
	case 0xfb06: return "ST";
	default: return NULL;
	}
}

void
utf8_add_upper(StrBuf *buf, Str s)
{
	size_t	i = 0;

	strbuf_reserve(buf, s.length);
	char   *out = buf->data + buf->length;

	for (; i < s.length && (s.data[i] & 0x80) == 0; i++)
		out[i] = (char)(s.data[i] >= 'a' && s.data[i] <= 'z' ? s.data[i] - 32 : s.data[i]);
	out[i] = '\0';
	buf->length += i;
	while (i < s.length) {
		unsigned char	b = (unsigned char)s.data[i];

		if (b < 0x80) {
			strbuf_add_char(buf, (char)(b >= 'a' && b <= 'z' ? b - 32 : b));
			i++;
			continue;
		}
		int32_t		c = utf8_decode(s, &i);
		const char *special = special_upper(c);

		if (special != NULL)
			strbuf_add_text(buf, special);
		else
			utf8_add(buf, utf8proc_toupper(c));
	}
}

static bool
is_cased(int32_t c)
{
	utf8proc_category_t category = utf8proc_category(c);

	return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LT;
}

/* A capital sigma that ends a word: a letter before it, none behind it. */
static bool
is_final_sigma(Str s, size_t start, size_t behind)
{
	int32_t	before = utf8_decode_before(s, &start);
	int32_t	after = utf8_decode(s, &behind);

	return before >= 0 && is_cased(before) && !(after >= 0 && is_cased(after));
}

void
utf8_add_lower(StrBuf *buf, Str s)
{
	size_t	i = 0;

	strbuf_reserve(buf, s.length);
	char   *out = buf->data + buf->length;

	for (; i < s.length && (s.data[i] & 0x80) == 0; i++)
		out[i] = (char)(s.data[i] >= 'A' && s.data[i] <= 'Z' ? s.data[i] + 32 : s.data[i]);
	out[i] = '\0';
	buf->length += i;
	while (i < s.length) {
		unsigned char	b = (unsigned char)s.data[i];

		if (b < 0x80) {
			strbuf_add_char(buf, (char)(b >= 'A' && b <= 'Z' ? b + 32 : b));
			i++;
			continue;
		}
		size_t	start = i;
		int32_t	c = utf8_decode(s, &i);

		if (c == 0x130)
			strbuf_add_text(buf, "i\u0307");
		else if (c == 0x3a3)
			utf8_add(buf, is_final_sigma(s, start, i) ? 0x3c2 : 0x3c3);
		else
			utf8_add(buf, utf8proc_tolower(c));
	}
}

Utf8Class
utf8_class(int32_t code_point)
{
	if (code_point < 0x80)
		return code_point >= 'A' && code_point <= 'Z' ? UTF8_UPPER
			: code_point >= 'a' && code_point <= 'z' ? UTF8_LOWER
			: code_point >= '0' && code_point <= '9' ? UTF8_DIGIT : UTF8_OTHER;
	switch (utf8proc_category(code_point)) {
	case UTF8PROC_CATEGORY_LU:
		return UTF8_UPPER;
	case UTF8PROC_CATEGORY_LL:
		return UTF8_LOWER;
	case UTF8PROC_CATEGORY_ND:
		return UTF8_DIGIT;
	default:
		return UTF8_OTHER;
	}
}

bool
utf8_is_java_whitespace(int32_t c)
{
	if (c < 0x80)
		return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
	if (c == 0xa0 || c == 0x2007 || c == 0x202f)
		return false;		/* no-break spaces */
	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_ZS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return true;
	default:
		return false;
	}
}
