#include "common/str.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

bool
str_equal_nocase(Str a, Str b)
{
	return a.length == b.length && (a.length == 0 || strncasecmp(a.data, b.data, a.length) == 0);
}

int
str_compare(Str a, Str b)
{
	size_t	n = a.length < b.length ? a.length : b.length;
	int		c = n > 0 ? memcmp(a.data, b.data, n) : 0;

	if (c != 0)
		return c;
	return (a.length > b.length) - (a.length < b.length);
}

bool
str_starts_with(Str s, Str prefix)
{
	return s.length >= prefix.length && memcmp(s.data, prefix.data, prefix.length) == 0;
}

bool
str_ends_with(Str s, Str suffix)
{
	return s.length >= suffix.length && memcmp(s.data + s.length - suffix.length, suffix.data, suffix.length) == 0;
}

Str
str_trim(Str s)
{
	while (s.length > 0 && (unsigned char)s.data[0] <= ' ') {
		s.data++;
		s.length--;
	}
	while (s.length > 0 && (unsigned char)s.data[s.length - 1] <= ' ')
		s.length--;
	return s;
}

char *
str_to_arena(Arena *arena, Str s)
{
	return arena_strndup(arena, s.data, s.length);
}

/* Optimal string alignment distance, three rows of the table at a time. */
int
str_edit_distance(const char *a, const char *b)
{
	enum { MAX = 128 };
	int		rows[3][MAX + 1];
	int		n_a = (int)strlen(a);
	int		n_b = (int)strlen(b);

	if (n_a > MAX || n_b > MAX)
		return MAX;
	for (int j = 0; j <= n_b; j++)
		rows[0][j] = j;
	for (int i = 1; i <= n_a; i++) {
		int *row = rows[i % 3];
		int *above = rows[(i + 2) % 3];

		row[0] = i;
		for (int j = 1; j <= n_b; j++) {
			int ca = tolower((unsigned char)a[i - 1]);
			int cb = tolower((unsigned char)b[j - 1]);
			int best = above[j - 1] + (ca != cb);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) && cb == tolower((unsigned char)a[i - 2])
				&& rows[(i + 1) % 3][j - 2] + 1 < best)
				best = rows[(i + 1) % 3][j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[n_a % 3][n_b];
}

const char *
str_nearest(const char *name, const char *const *names, int n_names)
{
	int			limit = (int)strlen(name) / 3 + 1;
	const char *best = NULL;

	for (int i = 0; i < n_names; i++) {
		int distance = str_edit_distance(name, names[i]);

		if (distance <= limit) {
			limit = distance - 1;
			best = names[i];
		}
	}
	return best;
}

void
strbuf_free(StrBuf *buf)
{
	free(buf->data);
	*buf = (StrBuf){0};
}

void
strbuf_reserve(StrBuf *buf, size_t more_bytes)
{
	size_t need = buf->length + more_bytes + 1;

	if (need <= buf->capacity)
		return;
	if (need < buf->capacity * 2)
		need = buf->capacity * 2;
	if (need < 32)
		need = 32;
	buf->data = xrealloc(buf->data, need);
	buf->data[buf->length] = '\0';
	buf->capacity = need;
}

void
strbuf_add(StrBuf *buf, const void *data, size_t length)
{
	strbuf_reserve(buf, length);
	if (length > 0)
		memcpy(buf->data + buf->length, data, length);
	buf->length += length;
	buf->data[buf->length] = '\0';
}

void
strbuf_add_text(StrBuf *buf, const char *text)
{
	strbuf_add(buf, text, strlen(text));
}

void
strbuf_add_str(StrBuf *buf, Str s)
{
	strbuf_add(buf, s.data, s.length);
}

void
strbuf_add_quoted(StrBuf *buf, Str s, char quote)
{
	strbuf_reserve(buf, s.length + 2);
	strbuf_add_char(buf, quote);
	for (size_t i = 0; i < s.length; i++) {
		if (s.data[i] == quote)
			strbuf_add_char(buf, quote);
		strbuf_add_char(buf, s.data[i]);
	}
	strbuf_add_char(buf, quote);
}

void
strbuf_add_repeat(StrBuf *buf, char c, size_t n)
{
	strbuf_reserve(buf, n);
	memset(buf->data + buf->length, c, n);
	buf->length += n;
	buf->data[buf->length] = '\0';
}

void
strbuf_printf(StrBuf *buf, const char *format, ...)
{
	va_list args;
	va_list again;
	int		n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	strbuf_reserve(buf, (size_t)n);
	vsnprintf(buf->data + buf->length, (size_t)n + 1, format, again);
	va_end(again);
	buf->length += (size_t)n;
}
