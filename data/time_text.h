#ifndef SLUICE_DATA_TIME_TEXT_H
#define SLUICE_DATA_TIME_TEXT_H

/*
 * Dates and times: calendar arithmetic (proleptic Gregorian) and the text forms of CAST.
 *
 * Representation: DATE int32_t days since 1970-01-01; TIME int32_t ms of the day; TIMESTAMP Time (ms since the epoch,
 * UTC).  The microsecond variants serve timestamps from files in the standard dialect.  Printers write without a NUL
 * and give the length; `text` has TIME_TEXT_MAX bytes.  Pure functions.
 */
#include "common/env.h"
#include "common/str.h"

#define TIME_TEXT_MAX 64
#define MS_PER_DAY INT64_C(86400000)

typedef struct CivilDate {
	int64_t	year;		/* proleptic; 0 is 1 BC */
	int		month;		/* 1 to 12 */
	int		day;		/* 1 to 31 */
} CivilDate;

int64_t	  days_from_civil(int64_t year, int month, int day);
CivilDate civil_from_days(int64_t days);
bool	  year_is_leap(int64_t year);
int		  month_length(int64_t year, int month);
int		  weekday_of_days(int64_t days);		/* 1 Monday to 7 Sunday */
int		  day_of_year(CivilDate date);			/* 1 to 366 */

static inline int64_t
floor_div64(int64_t a, int64_t b)
{
	int64_t	q = a / b;

	return q - ((a % b != 0) & ((a < 0) != (b < 0)));
}

static inline int64_t
floor_mod64(int64_t a, int64_t b)
{
	int64_t	rest = a % b;

	return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static inline int32_t
date_of_timestamp(Time t)
{
	return (int32_t)floor_div64(t, MS_PER_DAY);
}

static inline int32_t
time_of_timestamp(Time t)
{
	return (int32_t)floor_mod64(t, MS_PER_DAY);
}

/* --- ksqldb: spec sql-statements 3.2 and 3.3.  Parsers fill *err (ERROR_DATA) --- */

/* yyyy[-MM[-dd]], or a full date, `T`, and HH:mm:ss.SSS cut off anywhere, then an optional zone. */
Status timestamp_parse_ksql(Str text, Time *out, Error *err);
Status date_parse_ksql(Str text, int32_t *out, Error *err);		/* yyyy[-MM[-dd]] */
Status time_parse_ksql(Str text, int32_t *out, Error *err);		/* HH:mm[:ss[.fraction]] */

size_t timestamp_print_ksql(Time value, char *text);			/* 2024-01-01T10:00:00.123 */
size_t date_print(int32_t days, char *text);					/* 2024-01-01: both dialects */
size_t time_print_ksql(int32_t ms, char *text);				/* 08:15:30, or 08:15 when seconds are 0 */

/* --- standard: as PostgreSQL and DuckDB --- */

/*
 * `2024-01-01[ |T]10:00[:00[.123456]][ ][zone]`, a date alone, `epoch`; the zone is an offset (+02, +02:00, +0200, Z), UTC,
 * or a region or abbreviation.  Digits beyond the millisecond (microsecond) are rounded.  Spaces around are ignored.
 */
Status timestamp_parse_sql(Str text, Time *out, Error *err);
Status timestamp_us_parse_sql(Str text, int64_t *out_us, Error *err);
Status date_parse_sql(Str text, int32_t *out, Error *err);		/* yyyy-M-d, a timestamp's date part; yyyymmdd */
Status time_parse_sql(Str text, int32_t *out, Error *err);		/* HH:mm[:ss[.fraction]] */

/* As date_parse_sql and timestamp_us_parse_sql but quiet and without zones by name: for type detection of files. */
bool date_sniff(Str text, int32_t *out);						/* yyyy-MM-dd only */
bool timestamp_sniff(Str text, int64_t *out_us);				/* yyyy-MM-dd[ T]HH:mm:ss[.fraction][Z|offset] only */
bool time_sniff(Str text, int32_t *out);						/* HH:mm:ss[.fraction] only */

/*
 * The same for dates as people write them: three numbers, the year of four digits first or last as `order` says, all between
 * two of '/', '-' or (but for month first) '.'; in a timestamp a time behind a space, `H:mm[:ss[.fraction]][ AM|PM]`.
 */
typedef enum DateOrder { DATE_ORDER_YMD, DATE_ORDER_DMY, DATE_ORDER_MDY } DateOrder;
bool date_sniff_order(Str text, DateOrder order, int32_t *out);
bool timestamp_sniff_order(Str text, DateOrder order, int64_t *out_us);

size_t timestamp_print_sql(Time value, char *text);			/* 2024-01-01 10:00:00[.123]; trailing zeros left out */
size_t timestamp_us_print_sql(int64_t value_us, char *text);
size_t time_print_sql(int32_t ms, char *text);					/* 08:15:30[.123] */
size_t time_us_print_sql(int64_t us, char *text);

#endif
