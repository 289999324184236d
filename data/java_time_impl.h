#ifndef SLUICE_DATA_JAVA_TIME_IMPL_H
#define SLUICE_DATA_JAVA_TIME_IMPL_H

/* Shared by data/java_time*.c only: the compiled form of a pattern. */
#include "data/java_time.h"

/* Fields that patterns name, from the largest unit to the smallest. */
typedef enum JavaField {
	JF_ERA,
	JF_YEAR,
	JF_YEAR_OF_ERA,
	JF_WEEK_YEAR,
	JF_QUARTER,
	JF_MONTH,
	JF_WEEK_OF_YEAR,
	JF_WEEK_OF_MONTH,
	JF_DAY_OF_YEAR,
	JF_DAY_OF_MONTH,
	JF_ALIGNED_DAY,			/* F: day within the n-th seven days of the month */
	JF_DAY_OF_WEEK,			/* 1 Monday to 7 */
	JF_LOCAL_DAY_OF_WEEK,	/* 1 Sunday to 7 */
	JF_AMPM,				/* the first time field */
	JF_HOUR_24,				/* 1 to 24 */
	JF_HOUR,				/* 0 to 23 */
	JF_HOUR_12,				/* 1 to 12 */
	JF_HOUR_AMPM,			/* 0 to 11 */
	JF_MINUTE,
	JF_SECOND,
	JF_MILLI_OF_DAY,
	JF_NANO_OF_DAY,
	JF_NANO,
	JF_OFFSET,				/* seconds */
	JF_COUNT,
	JF_FIRST_TIME = JF_AMPM,
} JavaField;

typedef enum JavaElementKind {
	JE_LITERAL,
	JE_NUMBER,
	JE_FRACTION,
	JE_REDUCED,				/* two digits of a year from 2000 on */
	JE_TEXT,
	JE_OFFSET,
	JE_LOCALIZED_OFFSET,	/* GMT+8 */
	JE_ZONE_ID,
	JE_ZONE_TEXT,
	JE_PAD,					/* pads the next element with spaces */
	JE_OPTIONAL,			/* the elements up to `end` */
} JavaElementKind;

typedef enum JavaSign {
	JS_NORMAL,				/* a minus where it is needed */
	JS_EXCEEDS_PAD,			/* a plus when there are more digits than the width */
	JS_NOT_NEGATIVE,
} JavaSign;

typedef enum JavaStyle {
	JT_SHORT,
	JT_FULL,
	JT_NARROW,
} JavaStyle;

typedef struct JavaElement {
	JavaElementKind kind;
	JavaField	field;
	int			min_width;		/* digits; of JE_PAD the width */
	int			max_width;
	int			subsequent;		/* digits that fixed-width fields directly behind this one need */
	JavaSign	sign;
	JavaStyle	style;
	int			offset_type;	/* 0 +HH, 1 +HHmm, 3 +HHMM, 4 +HH:MM, 5 +HHMMss, 6 +HH:MM:ss */
	Str			text;			/* literal; or what an offset of zero is written as */
	int			end;			/* of JE_OPTIONAL: index behind its last element */
	char		letter;
} JavaElement;

struct JavaPattern {
	JavaPatternKind kind;
	Str			pattern;
	int			n_elements;
	JavaElement *elements;
	const Zone *gmt;
	ZoneCache	zones;			/* of zones that texts named */
	int			century_start;	/* SimpleDateFormat: first year that two digits can mean */
};

/* English names; index from 0.  NULL: the field has none. */
const char *const *java_names(JavaField field, JavaStyle style, int *n);
const char *java_field_name(JavaField field);

/* The full name of a zone abbreviation (PST: Pacific Standard Time), or NULL; and the other way, any case. */
const char *java_zone_full_name(const char *abbreviation);
const char *java_zone_of_full_name(Str text, size_t *length);

/* `expected` and the text go into the message.  Returns FAILED. */
Status java_parse_error(const JavaPattern *pattern, Str text, Error *err, const char *format, ...) PRINTF_LIKE(4, 5);

/* The longest name of a field at the start of `text`, in any case: its index from 0, or -1. */
int java_match_name(JavaField field, JavaStyle style, Str text, size_t *length);

/* A zone by id or abbreviation at the start of `text`: DONE if there is none. */
Status java_match_zone(JavaPattern *pattern, Str text, const Zone **zone, size_t *length);

Status java_simple_compile(Arena *arena, JavaPattern *pattern, Error *err);
Status java_simple_parse(JavaPattern *pattern, Str text, int64_t *days, Error *err);

#endif
