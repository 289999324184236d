#ifndef SLUICE_COMMON_REGEX_H
#define SLUICE_COMMON_REGEX_H

/*
 * Regular expressions with Java's meaning, by PCRE2 (spec functions.md 4.4 and 8.4).
 *
 * A Regex is compiled once, holds match data, and so belongs to one thread at a time.  A match that needs more than a
 * fixed number of steps fails with an error instead of running for ever.  Subjects are valid UTF-8.
 */
#include "common/str.h"

typedef struct Regex Regex;

typedef enum RegexFlags {
	REGEX_JAVA = 0,
	REGEX_NOCASE = 1,
} RegexFlags;

/* FAILED (ERROR_DATA) quotes the pattern and says where it is wrong. */
Status regex_compile(Str pattern, RegexFlags flags, Regex **out, Error *err);
void   regex_free(Regex *regex);		/* NULL is ignored */

int regex_group_count(const Regex *regex);	/* capturing groups, without group 0 */

typedef struct RegexMatch {
	size_t	start;		/* byte offsets in the subject */
	size_t	end;
} RegexMatch;

/*
 * The next match that begins at or after *pos; OK fills `match` and moves *pos so that the next call goes on behind it
 * (an empty match moves it by one character); DONE: no more.  Start with 0.
 */
Status regex_next(Regex *regex, Str subject, size_t *pos, RegexMatch *match, Error *err);

/* Group `n` of the last match of regex_next; false if it took no part or does not exist. */
bool regex_group(const Regex *regex, Str subject, int n, Str *out);

/* The whole subject matches (Java's matches()): OK yes, DONE no. */
Status regex_matches(Regex *regex, Str subject, Error *err);

/* All matches replaced; `$1`, `${name}` and `\x` are special in `replacement` as in Java.  Appends to `out`. */
Status regex_replace(Regex *regex, Str subject, Str replacement, bool only_first, StrBuf *out, Error *err);

/* Pieces between matches, called in order; keeps empties at both ends; see functions.md for empty matches. */
typedef void (*RegexPiece)(void *context, Str piece);
Status regex_split(Regex *regex, Str subject, RegexPiece piece, void *context, Error *err);

#endif
