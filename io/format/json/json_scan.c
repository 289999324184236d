#include "io/format/json/json_scan.h"

#include "common/utf8.h"

#define DEPTH_MAX 500

bool
json_skip_value(JsonCursor *c, int depth)
{
	JsonText text;
	Str		 number;
	bool	 is_integer;

	switch (json_skip_space(c)) {
	case '"':
		c->p++;
		return json_scan_string(c, &text);
	case 't':
		return json_scan_word(c, "true", 4);
	case 'f':
		return json_scan_word(c, "false", 5);
	case 'n':
		return json_scan_word(c, "null", 4);
	case '{':
		if (depth >= DEPTH_MAX)
			return false;
		c->p++;
		if (json_skip_space(c) == '}') {
			c->p++;
			return true;
		}
		for (;;) {
			if (json_skip_space(c) != '"')
				return false;
			c->p++;
			if (!json_scan_string(c, &text) || json_skip_space(c) != ':')
				return false;
			c->p++;
			if (!json_skip_value(c, depth + 1))
				return false;
			char ch = json_skip_space(c);

			if (ch != ',' && ch != '}')
				return false;
			c->p++;
			if (ch == '}')
				return true;
		}
	case '[':
		if (depth >= DEPTH_MAX)
			return false;
		c->p++;
		if (json_skip_space(c) == ']') {
			c->p++;
			return true;
		}
		for (;;) {
			if (!json_skip_value(c, depth + 1))
				return false;
			char ch = json_skip_space(c);

			if (ch != ',' && ch != ']')
				return false;
			c->p++;
			if (ch == ']')
				return true;
		}
	default:
		return json_scan_number(c, &number, &is_integer);
	}
}

static int
hex_digit(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch |= 0x20;
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* Four hexadecimal digits at p; -1 if they are not. */
static int32_t
hex4(const char *p, const char *end)
{
	int32_t value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(p[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

bool
json_text_decode(const JsonText *text, Arena *arena, Str *out)
{
	if (!text->is_ascii && !utf8_validate(text->raw))
		return false;
	if (!text->is_escaped) {
		*out = text->raw;
		return true;
	}

	const char *p = text->raw.data, *end = p + text->raw.length;
	char	   *to = arena_alloc(arena, text->raw.length + 4);
	char	   *begin = to;

	while (p < end) {
		if (*p != '\\') {
			*to++ = *p++;
			continue;
		}
		if (end - p < 2)
			return false;
		p += 2;
		switch (p[-1]) {
		case '"': *to++ = '"'; break;
		case '\\': *to++ = '\\'; break;
		case '/': *to++ = '/'; break;
		case 'b': *to++ = '\b'; break;
		case 'f': *to++ = '\f'; break;
		case 'n': *to++ = '\n'; break;
		case 'r': *to++ = '\r'; break;
		case 't': *to++ = '\t'; break;
		case 'u': {
			int32_t point = hex4(p, end);

			if (point < 0)
				return false;
			p += 4;
			if (point >= 0xd800 && point < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
				int32_t low = hex4(p + 2, end);

				if (low >= 0xdc00 && low < 0xe000) {
					point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
					p += 6;
				}
			}
			if (point >= 0xd800 && point < 0xe000)
				*to++ = '?';
			else
				to += utf8_encode(point, to);
			break;
		}
		default:
			return false;
		}
	}
	*out = str_make(begin, (size_t)(to - begin));
	return true;
}
