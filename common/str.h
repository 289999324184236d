#ifndef SLUICE_COMMON_STR_H
#define SLUICE_COMMON_STR_H

/*
 * Borrowed text with a length (Str), and a growing buffer to make text or bytes (StrBuf).
 * Neither assumes a terminating NUL in what it is given; StrBuf always keeps one behind its content.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/arena.h"
#include "common/status.h"

typedef struct Str {
	const char *data;
	size_t		length;
} Str;

#define STR(literal) ((Str){(literal), sizeof(literal) - 1})

static inline Str
str_of(const char *text)
{
	return (Str){text, text != NULL ? strlen(text) : 0};
}

static inline Str
str_make(const char *data, size_t length)
{
	return (Str){data, length};
}

static inline bool
str_equal(Str a, Str b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

bool str_equal_nocase(Str a, Str b);	/* ASCII letters only */
int	 str_compare(Str a, Str b);			/* by byte, then by length */
bool str_starts_with(Str s, Str prefix);
bool str_ends_with(Str s, Str suffix);
Str	 str_trim(Str s);					/* without bytes <= space at both ends */
char *str_to_arena(Arena *arena, Str s);	/* NUL-terminated copy */

/* Number of edits (insert, delete, replace, swap) between two names without regard to case: for "did you mean". */
int str_edit_distance(const char *a, const char *b);

/* The name of `names` that is nearest to `name`, or NULL if none is near enough to be worth a suggestion. */
const char *str_nearest(const char *name, const char *const *names, int n_names);

typedef struct StrBuf {
	char   *data;			/* owned; NULL while empty */
	size_t	length;
	size_t	capacity;
} StrBuf;

void strbuf_free(StrBuf *buf);			/* leaves it empty and usable */
void strbuf_reserve(StrBuf *buf, size_t more_bytes);
void strbuf_add(StrBuf *buf, const void *data, size_t length);
void strbuf_add_text(StrBuf *buf, const char *text);
void strbuf_add_str(StrBuf *buf, Str s);
void strbuf_add_repeat(StrBuf *buf, char c, size_t n);
void strbuf_add_quoted(StrBuf *buf, Str s, char quote);	/* between quotes; a quote within is doubled, as SQL has it */
void strbuf_printf(StrBuf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

static inline void
strbuf_add_char(StrBuf *buf, char c)
{
	if (buf->length + 2 > buf->capacity)
		strbuf_reserve(buf, 1);
	buf->data[buf->length++] = c;
	buf->data[buf->length] = '\0';
}

static inline void
strbuf_clear(StrBuf *buf)
{
	buf->length = 0;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

/* The content, never NULL; valid until the buffer changes. */
static inline const char *
strbuf_text(const StrBuf *buf)
{
	return buf->data != NULL ? buf->data : "";
}

static inline Str
strbuf_str(const StrBuf *buf)
{
	return (Str){strbuf_text(buf), buf->length};
}

#endif
