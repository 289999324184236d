#ifndef SLUICE_IO_FORMAT_JSON_JSON_SCAN_H
#define SLUICE_IO_FORMAT_JSON_JSON_SCAN_H

/*
 * The tokens of JSON text, scanned in place: nothing is copied, nothing is converted.  A cursor never looks at or
 * behind `end`, so the text needs no padding.  Functions return false and leave the cursor at the offending byte.
 */
#include <stdbool.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "common/str.h"

typedef struct JsonCursor {
	const char *p;
	const char *end;
	const char *start;
} JsonCursor;

typedef struct JsonText {
	Str	 raw;			/* between the quotes */
	bool is_escaped;
	bool is_ascii;
} JsonText;

static inline char
json_peek(const JsonCursor *c)
{
	return c->p < c->end ? *c->p : '\0';
}

static inline char
json_skip_space(JsonCursor *c)
{
	if (c->p < c->end && (unsigned char)*c->p > ' ')
		return *c->p;
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
		c->p++;
	return json_peek(c);
}

/* The cursor stands behind the opening quote and ends behind the closing one. */
static inline bool
json_scan_string(JsonCursor *c, JsonText *out)
{
	const char *p = c->p, *begin = c->p;
	bool		escaped = false;
	unsigned	high = 0;

	for (;;) {
#ifdef __SSE2__
		while (c->end - p >= 16) {
			__m128i	 v = _mm_loadu_si128((const __m128i *)(const void *)p);
			__m128i	 control = _mm_cmpeq_epi8(_mm_max_epu8(v, _mm_set1_epi8(0x1f)), _mm_set1_epi8(0x1f));
			__m128i	 special = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
			unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(control, special));
			unsigned top = (unsigned)_mm_movemask_epi8(v);

			if (mask != 0) {
				unsigned i = (unsigned)__builtin_ctz(mask);

				high |= top & ((1u << i) - 1);
				p += i;
				break;
			}
			high |= top;
			p += 16;
		}
#endif
		while (p < c->end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
			high |= (unsigned char)*p++ & 0x80;
		if (p >= c->end || (unsigned char)*p < 0x20) {
			c->p = p;
			return false;
		}
		if (*p == '"')
			break;
		escaped = true;
		if (c->end - p < 2) {
			c->p = p;
			return false;
		}
		p += 2;
	}
	*out = (JsonText){str_make(begin, (size_t)(p - begin)), escaped, high == 0};
	c->p = p + 1;
	return true;
}

static inline bool
json_is_digit(char ch)
{
	return (unsigned char)(ch - '0') < 10;
}

/* A number by the grammar of RFC 8259. */
static inline bool
json_scan_number(JsonCursor *c, Str *out, bool *is_integer)
{
	const char *p = c->p, *end = c->end;

	*is_integer = true;
	if (p < end && *p == '-')
		p++;
	if (p < end && *p == '0') {
		p++;
	} else {
		if (p >= end || !json_is_digit(*p))
			return false;
		while (p < end && json_is_digit(*p))
			p++;
	}
	if (p < end && *p == '.') {
		*is_integer = false;
		p++;
		if (p >= end || !json_is_digit(*p))
			return false;
		while (p < end && json_is_digit(*p))
			p++;
	}
	if (p < end && (*p | 0x20) == 'e') {
		*is_integer = false;
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		if (p >= end || !json_is_digit(*p))
			return false;
		while (p < end && json_is_digit(*p))
			p++;
	}
	*out = str_make(c->p, (size_t)(p - c->p));
	c->p = p;
	return true;
}

static inline bool
json_scan_word(JsonCursor *c, const char *word, size_t length)
{
	if ((size_t)(c->end - c->p) < length || memcmp(c->p, word, length) != 0)
		return false;
	c->p += length;
	return true;
}

/* Any value; checks its grammar. */
bool json_skip_value(JsonCursor *c, int depth);

/* The text of a string with its escapes resolved, in `arena` (unescaped: borrowed).  False if it is not valid: an
 * unknown escape, or bytes that are not UTF-8.  A lone surrogate becomes '?', as Java writes it. */
bool json_text_decode(const JsonText *text, Arena *arena, Str *out);

#endif
