#ifndef SLUICE_COMMON_LIKE_H
#define SLUICE_COMMON_LIKE_H

/*
 * SQL LIKE: `%` any text, `_` one character, an escape character before either makes it literal.  Compiled once,
 * immutable afterwards, any thread.  Patterns without `_` and with `%` only at the ends are plain searches.
 */
#include "common/str.h"

typedef struct Like Like;

#define LIKE_NO_ESCAPE (-1)

typedef enum LikeFlags {
	LIKE_KSQL = 0,			/* `%` and `_` do not match line terminators, as a Java regular expression without DOTALL */
	LIKE_STANDARD = 1,		/* they match anything */
	LIKE_NOCASE = 2,		/* ILIKE */
} LikeFlags;

/* `escape` is a code point or LIKE_NO_ESCAPE.  FAILED (ERROR_USER): the escape character ends the pattern. */
Status like_compile(Arena *arena, Str pattern, int32_t escape, LikeFlags flags, const Like **out, Error *err);

bool like_match(const Like *like, Str text);

#endif
