#ifndef SLUICE_DATA_JAVA_TIME_H
#define SLUICE_DATA_JAVA_TIME_H

/*
 * Java's date and time patterns: DateTimeFormatter (spec functions.md 8.1) and SimpleDateFormat (8.2), compiled once.
 *
 * Names are English, whatever the locale of the host.  Parsing is case-insensitive.  A JavaPattern lives in its arena
 * and remembers zones that it met in texts, so it belongs to one thread at a time; compile one per task.
 */
#include "common/env.h"
#include "common/str.h"
#include "data/zone.h"

typedef struct JavaPattern JavaPattern;

typedef enum JavaPatternKind {
	JAVA_PATTERN_DATE,			/* FORMAT_DATE, DATETOSTRING, STRINGTODATE: values are days */
	JAVA_PATTERN_TIME,			/* FORMAT_TIME, PARSE_TIME: ms of the day */
	JAVA_PATTERN_TIMESTAMP,		/* FORMAT_TIMESTAMP, PARSE_TIMESTAMP, TIMESTAMP_FORMAT: ms since the epoch */
	JAVA_PATTERN_SIMPLE_DATE,	/* PARSE_DATE: SimpleDateFormat, lenient; values are days; cannot format */
} JavaPatternKind;

/* FAILED (ERROR_DATA) tells what is wrong with the pattern. */
Status java_pattern_compile(Arena *arena, Str pattern, JavaPatternKind kind, JavaPattern **out, Error *err);

/* Releases what the pattern holds besides its arena (the zones met). */
void java_pattern_close(JavaPattern *pattern);

/* `zone` is used for timestamps only; NULL is UTC. */
Status java_pattern_format(JavaPattern *pattern, int64_t value, const Zone *zone, StrBuf *out, Error *err);

/* `zone` is that of texts without one; NULL is UTC. */
Status java_pattern_parse(JavaPattern *pattern, Str text, const Zone *zone, int64_t *value, Error *err);

/*
 * Compiled patterns by their text, for patterns that come from a column: the last ones used are kept.  A pattern got
 * from it is good until the next call.  One thread at a time.
 */
#define JAVA_PATTERN_CACHE_SIZE 32

typedef struct JavaPatternCache {
	JavaPatternKind kind;
	int			n;
	struct JavaPatternEntry *entries[JAVA_PATTERN_CACHE_SIZE];	/* the last used first */
} JavaPatternCache;

void java_pattern_cache_init(JavaPatternCache *cache, JavaPatternKind kind);
void java_pattern_cache_free(JavaPatternCache *cache);
Status java_pattern_cache_get(JavaPatternCache *cache, Str pattern, JavaPattern **out, Error *err);

#endif
