/*
 * Calendar arithmetic and the text forms of dates and times that CAST knows, in both dialects.
 *
 * The civil conversions count days in 400-year eras that begin in March, so that the leap day is the last of a year.
 */
#include "data/time_text.h"

#include <stdlib.h>

#include "data/double_text.h"
#include "data/zone.h"

#define US_PER_DAY INT64_C(86400000000)

int64_t
days_from_civil(int64_t year, int month, int day)
{
	/* The usual years without 64-bit divisions. */
	if (year >= 1 && year <= 9999) {
		uint32_t	y = (uint32_t)year - (month <= 2);
		uint32_t	century = y / 100;

		return (int64_t)y * 365 + y / 4 - century + century / 4
			+ (153 * ((uint32_t)month + (month > 2 ? -3u : 9u)) + 2) / 5 + (uint32_t)day - 1 - INT64_C(719468);
	}
	int64_t	y = month <= 2 ? year - 1 : year;
	int64_t	era = floor_div64(y, 400);
	int64_t	year_of_era = y - era * 400;
	int64_t	day_of_era_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_era_year - 719468;
}

CivilDate
civil_from_days(int64_t days)
{
	int64_t		shifted = days + 719468;
	int64_t		era = floor_div64(shifted, 146097);
	uint32_t	day_of_era = (uint32_t)(shifted - era * 146097);
	uint32_t	year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	uint32_t	day_of_year0 = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint32_t	month0 = (5 * day_of_year0 + 2) / 153;
	int			month = (int)(month0 < 10 ? month0 + 3 : month0 - 9);

	return (CivilDate){(int64_t)year_of_era + era * 400 + (month <= 2), month,
					   (int)(day_of_year0 - (153 * month0 + 2) / 5 + 1)};
}

bool
year_is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int
month_length(int64_t year, int month)
{
	static const char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && year_is_leap(year) ? 29 : lengths[month - 1];
}

int
weekday_of_days(int64_t days)
{
	return (int)floor_mod64(days + 3, 7) + 1;
}

int
day_of_year(CivilDate date)
{
	return (int)(days_from_civil(date.year, date.month, date.day) - days_from_civil(date.year, 1, 1)) + 1;
}

/* --- reading --- */

/* A place in the text; every read_ function moves it only when it succeeds. */
typedef struct Cursor {
	const char *s;
	const char *end;
} Cursor;

static inline bool
at_digit(const Cursor *c)
{
	return c->s < c->end && (unsigned char)(*c->s - '0') <= 9;
}

static inline bool
skip_char(Cursor *c, char wanted)
{
	if (c->s == c->end || *c->s != wanted)
		return false;
	c->s++;
	return true;
}

static void
skip_spaces(Cursor *c)
{
	while (c->s < c->end && (*c->s == ' ' || *c->s == '\t'))
		c->s++;
}

/* Between min and max digits; more digits than max that follow are left for the caller to refuse. */
static bool
read_number(Cursor *c, int min, int max, int *out)
{
	const char *s = c->s;
	int			value = 0;

	while (s < c->end && s - c->s < max && (unsigned char)(*s - '0') <= 9)
		value = value * 10 + (*s++ - '0');
	if (s - c->s < min)
		return false;
	c->s = s;
	*out = value;
	return true;
}

/* Fraction digits behind a point as a number of 10^-places; `extra` gets the first digit beyond, or 0. */
static bool
read_fraction(Cursor *c, int places, int64_t *out, int *n_digits, int *extra)
{
	int64_t	value = 0;
	int		n = 0;

	*extra = 0;
	for (; at_digit(c); c->s++, n++) {
		if (n < places)
			value = value * 10 + (*c->s - '0');
		else if (n == places)
			*extra = *c->s - '0';
	}
	for (int i = n; i < places; i++)
		value *= 10;
	*out = value;
	*n_digits = n;
	return n > 0;
}

static bool
is_valid_date(int64_t year, int month, int day)
{
	return month >= 1 && month <= 12 && day >= 1 && day <= month_length(year, month);
}

static int
quoted_length(Str text)
{
	return text.length > 200 ? 200 : (int)text.length;
}

static Status
bad_text(Str text, const char *what, const char *expected, Error *err)
{
	return error_data(err, "Failed to parse %s '%.*s': %s expected", what, quoted_length(text), text.data, expected);
}

/* --- ksqldb --- */

/* yyyy[-MM[-dd]]; *parts tells how many were there.  A sign or more than four digits make larger years. */
static bool
read_date_prefix(Cursor *c, int64_t *year, int *month, int *day, int *parts)
{
	int		y;
	bool	negative = false;

	if (c->s < c->end && (*c->s == '+' || *c->s == '-')) {
		negative = *c->s++ == '-';
		if (!read_number(c, 4, 9, &y))
			return false;
	} else if (!read_number(c, 4, 4, &y)) {
		return false;
	}
	*year = negative ? -(int64_t)y : y;
	*month = *day = 1;
	*parts = 1;
	if (!skip_char(c, '-'))
		return true;
	if (!read_number(c, 2, 2, month))
		return false;
	*parts = 2;
	if (skip_char(c, '-')) {
		if (!read_number(c, 2, 2, day))
			return false;
		*parts = 3;
	}
	return true;
}

#define KSQL_TIMESTAMP_FORM "'yyyy-MM-ddTHH:mm:ss.SSS' with an optional zone, or a part of it,"

Status
timestamp_parse_ksql(Str text, Time *out, Error *err)
{
	Cursor	c = {text.data, text.data + text.length};
	int64_t	year;
	int		month, day, parts, hour, minute, second, ms;
	int		offset_s = 0;
	char	time[13] = "00:00:00.000";	/* what is cut off stays zero, even within a number */
	size_t	n = 0;

	if (!read_date_prefix(&c, &year, &month, &day, &parts) || !is_valid_date(year, month, day))
		return bad_text(text, "timestamp", KSQL_TIMESTAMP_FORM, err);
	int64_t	days = days_from_civil(year, month, day);

	if (days < -INT64_C(106751990000) || days > INT64_C(106751990000))
		return bad_text(text, "timestamp", "a time within the range of TIMESTAMP", err);
	*out = days * MS_PER_DAY;
	if (c.s == c.end)
		return OK;
	if (parts != 3 || !skip_char(&c, 'T'))
		return bad_text(text, "timestamp", KSQL_TIMESTAMP_FORM, err);
	while (c.s < c.end && *c.s != 'Z' && *c.s != '+' && *c.s != '-') {
		if (n == sizeof time - 1)
			return bad_text(text, "timestamp", "at most three digits of a second", err);
		time[n++] = *c.s++;
	}
	Str		zone = {c.s, (size_t)(c.end - c.s)};

	if (zone.length > 0 && zone_parse_offset(zone, &offset_s) != zone.length)
		return bad_text(text, "timestamp", KSQL_TIMESTAMP_FORM, err);
	c = (Cursor){time, time + sizeof time - 1};
	if (!read_number(&c, 2, 2, &hour) || !skip_char(&c, ':') || !read_number(&c, 2, 2, &minute) || !skip_char(&c, ':')
		|| !read_number(&c, 2, 2, &second) || !skip_char(&c, '.') || !read_number(&c, 3, 3, &ms)
		|| hour > 24 || minute > 59 || second > 59 || (hour == 24 && (minute | second | ms) != 0))
		return bad_text(text, "timestamp", KSQL_TIMESTAMP_FORM, err);	/* 24:00 is midnight at the end of the day */
	*out += ((hour * 60 + minute) * 60 + second - offset_s) * INT64_C(1000) + ms;
	return OK;
}

Status
date_parse_ksql(Str text, int32_t *out, Error *err)
{
	Cursor	c = {text.data, text.data + text.length};
	int64_t	year;
	int		month, day, parts;

	if (!read_date_prefix(&c, &year, &month, &day, &parts) || !is_valid_date(year, month, day) || c.s != c.end)
		return bad_text(text, "date", "'yyyy-MM-dd', 'yyyy-MM' or 'yyyy'", err);
	int64_t	days = days_from_civil(year, month, day);

	if (days < INT32_MIN || days > INT32_MAX)
		return bad_text(text, "date", "a date within the range of DATE", err);
	*out = (int32_t)days;
	return OK;
}

/* HH:mm[:ss[.fraction]] to microseconds of the day; SQL lets second 60 be the next minute's 0. */
static bool
read_time(Cursor *c, int min_digits, int max_second, int64_t *us, int *extra)
{
	int		hour, minute, second = 0, n_digits;

	*us = 0;
	*extra = 0;
	if (!read_number(c, min_digits, 2, &hour) || !skip_char(c, ':') || !read_number(c, 2, 2, &minute))
		return false;
	if (skip_char(c, ':')) {
		if (!read_number(c, 2, 2, &second))
			return false;
		if (skip_char(c, '.') && !read_fraction(c, 6, us, &n_digits, extra))
			return false;
	}
	if (hour > 24 || minute > 59 || second > max_second)
		return false;
	*us += ((hour * 60 + minute) * 60 + second) * INT64_C(1000000);
	return true;
}

Status
time_parse_ksql(Str text, int32_t *out, Error *err)
{
	Cursor	c = {text.data, text.data + text.length};
	int64_t	us;
	int		extra;

	if (!read_time(&c, 2, 59, &us, &extra) || c.s != c.end || us >= US_PER_DAY)
		return bad_text(text, "time", "'HH:mm:ss.SSS' or 'HH:mm'", err);
	*out = (int32_t)(us / 1000);
	return OK;
}

/* --- standard --- */

/* y-m-d with - or / between, or yyyymmdd; an era behind (BC) is for the caller. */
static bool
read_sql_date(Cursor *c, int64_t *days)
{
	Cursor	at = *c;
	int		year, month, day;
	bool	negative = skip_char(&at, '-');

	if (!read_number(&at, 1, 9, &year))
		return false;
	if (at.s - c->s == 8 && !negative && !(at.s < at.end && (*at.s == '-' || *at.s == '/'))) {
		day = year % 100;
		month = year / 100 % 100;
		year /= 10000;
	} else {
		char	separator = at.s < at.end ? *at.s : '\0';

		if ((separator != '-' && separator != '/') || at.s - c->s < 4)
			return false;
		at.s++;
		if (!read_number(&at, 1, 2, &month) || !skip_char(&at, separator) || !read_number(&at, 1, 2, &day) || at_digit(&at))
			return false;
	}
	int64_t	y = negative ? -(int64_t)year : year;

	/* "0044-03-15 BC": there is no year 0, 1 BC is the proleptic year 0. */
	Cursor	era = at;

	skip_spaces(&era);
	if (era.end - era.s >= 2 && (era.s[0] | 32) == 'b' && (era.s[1] | 32) == 'c') {
		era.s += 2;
		at = era;
		y = 1 - y;
	}
	if (!is_valid_date(y, month, day))
		return false;
	*days = days_from_civil(y, month, day);
	*c = at;
	return true;
}

/* Rounds microseconds to milliseconds, half up. */
static int64_t
ms_of_us(int64_t us)
{
	return floor_div64(us + 500, 1000);
}

/* The value in microseconds, zones by name only if `names`.  *extra is the digit behind the sixth. */
static bool
read_sql_timestamp(Str text, bool names, int64_t *out_us)
{
	if (timestamp_sniff(text, out_us))
		return true;
	Str		trimmed = str_trim(text);
	Cursor	c = {trimmed.data, trimmed.data + trimmed.length};
	int64_t	days, us = 0;
	int		extra = 0, offset_s = 0;

	if (str_equal_nocase(trimmed, STR("epoch"))) {
		*out_us = 0;
		return true;
	}
	if (!read_sql_date(&c, &days) || days < -INT64_C(106751990) || days > INT64_C(106751990))
		return false;
	*out_us = days * US_PER_DAY;
	if (c.s == c.end)
		return true;
	if (*c.s == 'T' || *c.s == 't')
		c.s++;
	else if (*c.s == ' ')
		skip_spaces(&c);
	else
		return false;
	if (!read_time(&c, 1, 60, &us, &extra) || us > US_PER_DAY)
		return false;
	us += *out_us + (extra >= 5);
	skip_spaces(&c);
	if (c.s == c.end) {
		*out_us = us;
		return true;
	}
	Str		rest = {c.s, (size_t)(c.end - c.s)};

	if (zone_parse_offset(rest, &offset_s) == rest.length) {
		*out_us = us - offset_s * INT64_C(1000000);
		return true;
	}
	if (!names)
		return false;
	Arena		arena = {0};
	const Zone *zone = NULL;
	Error		ignored;
	Status		status = zone_open(&arena, rest, ZONE_NAMES_TEXT, &zone, &ignored);

	if (status == OK) {
		int64_t	ms = floor_div64(us, 1000);

		*out_us = zone_to_instant(zone, ms) * 1000 + (us - ms * 1000);
	}
	arena_free(&arena);
	return status == OK;
}

Status
timestamp_us_parse_sql(Str text, int64_t *out_us, Error *err)
{
	if (!read_sql_timestamp(text, true, out_us))
		return bad_text(text, "timestamp", "'YYYY-MM-DD HH:MM:SS[.fraction][zone]'", err);
	return OK;
}

Status
timestamp_parse_sql(Str text, Time *out, Error *err)
{
	int64_t	us;

	TRY(timestamp_us_parse_sql(text, &us, err));
	*out = ms_of_us(us);
	return OK;
}

Status
date_parse_sql(Str text, int32_t *out, Error *err)
{
	Str		trimmed = str_trim(text);
	Cursor	c = {trimmed.data, trimmed.data + trimmed.length};
	int64_t	days, us;

	if (!read_sql_date(&c, &days)) {
		if (!str_equal_nocase(trimmed, STR("epoch")))
			return bad_text(text, "date", "'YYYY-MM-DD'", err);
		days = 0;
	} else if (c.s < c.end && !read_sql_timestamp(text, true, &us)) {
		/* What follows the date must be a time; its date is the one written, whatever its zone. */
		return bad_text(text, "date", "'YYYY-MM-DD'", err);
	}
	if (days < INT32_MIN || days > INT32_MAX)
		return bad_text(text, "date", "a date within the range of DATE", err);
	*out = (int32_t)days;
	return OK;
}

Status
time_parse_sql(Str text, int32_t *out, Error *err)
{
	Str		trimmed = str_trim(text);
	Cursor	c = {trimmed.data, trimmed.data + trimmed.length};
	int64_t	us;
	int		extra;

	if (!read_time(&c, 1, 60, &us, &extra) || c.s != c.end || us >= US_PER_DAY)
		return bad_text(text, "time", "'HH:MM:SS[.fraction]'", err);
	int64_t	ms = ms_of_us(us + (extra >= 5));

	/* 23:59:59.9999 would round into the next day, which TIME cannot say. */
	*out = (int32_t)(ms >= MS_PER_DAY ? MS_PER_DAY - 1 : ms);
	return OK;
}

/* --- sniffing --- */

/* Two digits, or 100 and more if one is not a digit. */
static inline unsigned
two_digits(const char *s)
{
	unsigned	high = (unsigned)(unsigned char)s[0] - '0';
	unsigned	low = (unsigned)(unsigned char)s[1] - '0';

	return high > 9 || low > 9 ? 100 : high * 10 + low;
}

bool
date_sniff(Str text, int32_t *out)
{
	if (text.length != 10 || text.data[4] != '-' || text.data[7] != '-')
		return false;
	unsigned	century = two_digits(text.data), year = two_digits(text.data + 2);
	unsigned	month = two_digits(text.data + 5), day = two_digits(text.data + 8);

	if (century > 99 || year > 99 || !is_valid_date(century * 100 + year, (int)month, (int)day))
		return false;
	*out = (int32_t)days_from_civil(century * 100 + year, (int)month, (int)day);
	return true;
}

bool
timestamp_sniff(Str text, int64_t *out_us)
{
	int32_t	days;

	if (text.length < 19 || (text.data[10] != ' ' && text.data[10] != 'T') || text.data[13] != ':' || text.data[16] != ':'
		|| !date_sniff(str_make(text.data, 10), &days))
		return false;
	Cursor		c = {text.data + 19, text.data + text.length};
	unsigned	hour = two_digits(text.data + 11), minute = two_digits(text.data + 14), second = two_digits(text.data + 17);
	int64_t		us = 0;
	int			n_digits, extra = 0, offset_s = 0;

	if (hour > 23 || minute > 59 || second > 59
		|| (skip_char(&c, '.') && !read_fraction(&c, 6, &us, &n_digits, &extra)))
		return false;
	us += ((hour * 60 + minute) * 60 + second) * INT64_C(1000000);
	Str		rest = {c.s, (size_t)(c.end - c.s)};

	if (rest.length > 0 && zone_parse_offset(rest, &offset_s) != rest.length)
		return false;
	*out_us = days * US_PER_DAY + us + (extra >= 5) - offset_s * INT64_C(1000000);
	return true;
}

bool
time_sniff(Str text, int32_t *out)
{
	Cursor	c = {text.data, text.data + text.length};
	int64_t	us;
	int		extra;

	if (text.length < 8 || text.data[2] != ':' || text.data[5] != ':' || !read_time(&c, 2, 59, &us, &extra) || c.s != c.end
		|| us >= US_PER_DAY)
		return false;
	*out = (int32_t)(us / 1000);
	return true;
}

static bool
read_date_in_order(Cursor *c, DateOrder order, int64_t *days)
{
	bool	year_first = order == DATE_ORDER_YMD;
	int		numbers[3], n_digits;
	char	separator = '\0';

	for (int i = 0; i < 3; i++) {
		bool	is_year = i == (year_first ? 0 : 2);
		const char *begin = c->s;

		if (!read_number(c, is_year ? 4 : 1, is_year ? 4 : 2, &numbers[i]))
			return false;
		n_digits = (int)(c->s - begin);
		if (at_digit(c) || (is_year && n_digits != 4))
			return false;
		if (i == 0) {
			separator = c->s < c->end ? *c->s : '\0';
			if (separator != '/' && separator != '-' && (separator != '.' || order == DATE_ORDER_MDY))
				return false;
		}
		if (i < 2 && !skip_char(c, separator))
			return false;
	}
	int		year = numbers[year_first ? 0 : 2];
	int		month = numbers[order == DATE_ORDER_MDY ? 0 : 1];
	int		day = numbers[year_first ? 2 : order == DATE_ORDER_MDY ? 1 : 0];

	if (!is_valid_date(year, month, day))
		return false;
	*days = days_from_civil(year, month, day);
	return true;
}

bool
date_sniff_order(Str text, DateOrder order, int32_t *out)
{
	Cursor	c = {text.data, text.data + text.length};
	int64_t	days;

	if (!read_date_in_order(&c, order, &days) || c.s != c.end)
		return false;
	*out = (int32_t)days;
	return true;
}

/* " AM" or "pm" behind a time of 1 to 12 hours moves it; nothing is fine too. */
static bool
read_half_of_day(Cursor *c, int64_t *us)
{
	int64_t	hour = *us / (US_PER_DAY / 24);

	skip_spaces(c);
	if (c->s == c->end)
		return true;
	if (c->end - c->s != 2 || (c->s[1] | 32) != 'm' || hour < 1 || hour > 12)
		return false;
	bool	is_afternoon = (c->s[0] | 32) == 'p';

	if (!is_afternoon && (c->s[0] | 32) != 'a')
		return false;
	*us += ((hour == 12 ? -12 : 0) + (is_afternoon ? 12 : 0)) * (US_PER_DAY / 24);
	c->s = c->end;
	return true;
}

bool
timestamp_sniff_order(Str text, DateOrder order, int64_t *out_us)
{
	Cursor	c = {text.data, text.data + text.length};
	int64_t	days, us;
	int		extra;

	if (!read_date_in_order(&c, order, &days) || !skip_char(&c, ' ') || !read_time(&c, 1, 59, &us, &extra) || us >= US_PER_DAY
		|| !read_half_of_day(&c, &us))
		return false;
	*out_us = days * US_PER_DAY + us + (extra >= 5);
	return true;
}

/* --- printing --- */

static inline char *
put2(char *out, int v)
{
	out[0] = (char)('0' + v / 10);
	out[1] = (char)('0' + v % 10);
	return out + 2;
}

/* A year of at least four digits; outside 0 to 9999 with a sign, as ISO 8601 and Java have it. */
static char *
put_year(char *out, int64_t year)
{
	if (year >= 0 && year <= 9999) {
		out = put2(out, (int)year / 100);
		return put2(out, (int)year % 100);
	}
	*out++ = year < 0 ? '-' : '+';
	if (year < 0)
		year = -year;
	char	digits[NUMBER_TEXT_MAX];
	size_t	n = int64_print(year, digits);

	for (size_t i = n; i < 4; i++)
		*out++ = '0';
	memcpy(out, digits, n);
	return out + n;
}

static char *
put_date(char *out, int64_t days)
{
	CivilDate	d = civil_from_days(days);

	out = put_year(out, d.year);
	*out++ = '-';
	out = put2(out, d.month);
	*out++ = '-';
	return put2(out, d.day);
}

static char *
put_seconds(char *out, int seconds)
{
	out = put2(out, seconds / 3600);
	*out++ = ':';
	out = put2(out, seconds / 60 % 60);
	*out++ = ':';
	return put2(out, seconds % 60);
}

/* Microseconds of the second without trailing zeros; nothing for 0. */
static char *
put_fraction(char *out, int us)
{
	if (us == 0)
		return out;
	*out++ = '.';
	for (int unit = 100000; us > 0; unit /= 10) {
		*out++ = (char)('0' + us / unit);
		us %= unit;
	}
	return out;
}

size_t
timestamp_print_ksql(Time value, char *text)
{
	int		ms = time_of_timestamp(value);
	char   *out = put_date(text, floor_div64(value, MS_PER_DAY));

	*out++ = 'T';
	out = put_seconds(out, ms / 1000);
	*out++ = '.';
	*out++ = (char)('0' + ms % 1000 / 100);
	return (size_t)(put2(out, ms % 100) - text);
}

size_t
date_print(int32_t days, char *text)
{
	return (size_t)(put_date(text, days) - text);
}

size_t
time_print_ksql(int32_t ms, char *text)
{
	char   *out = put_seconds(text, ms / 1000);

	return ms / 1000 % 60 == 0 ? 5 : (size_t)(out - text);
}

size_t
timestamp_us_print_sql(int64_t value_us, char *text)
{
	int64_t	us = floor_mod64(value_us, US_PER_DAY);
	char   *out = put_date(text, floor_div64(value_us, US_PER_DAY));

	*out++ = ' ';
	return (size_t)(out - text) + time_us_print_sql(us, out);
}

size_t
timestamp_print_sql(Time value, char *text)
{
	int		ms = time_of_timestamp(value);
	char   *out = put_date(text, floor_div64(value, MS_PER_DAY));

	*out++ = ' ';
	return (size_t)(out - text) + time_print_sql(ms, out);
}

size_t
time_print_sql(int32_t ms, char *text)
{
	return time_us_print_sql(ms * INT64_C(1000), text);
}

size_t
time_us_print_sql(int64_t us, char *text)
{
	char   *out = put_seconds(text, (int)(us / 1000000));

	return (size_t)(put_fraction(out, (int)(us % 1000000)) - text);
}
