/*
 * SimpleDateFormat as PARSE_DATE uses it: lenient, in GMT, what follows the text is ignored.
 *
 * Fields may be out of range and carry over (month 13 is January of the next year).  Elements reuse JavaElement:
 * `letter` and its count in min_width, or a literal.
 */
#include <stdlib.h>

#include "data/java_time_impl.h"
#include "data/time_text.h"

static Status
bad_pattern(const JavaPattern *p, const char *what, char letter, Error *err)
{
	return error_data(err, "Invalid date format pattern '%.*s': %s%c",
					  p->pattern.length > 200 ? 200 : (int)p->pattern.length, p->pattern.data, what, letter);
}

Status
java_simple_compile(Arena *arena, JavaPattern *p, Error *err)
{
	const char *s = p->pattern.data;
	const char *end = s + p->pattern.length;
	bool		quoted = false;

	/* Two digits mean a year from 80 years ago to 20 years ahead. */
	p->century_start = (int)civil_from_days(floor_div64(env_now(&env_real), MS_PER_DAY)).year - 80;
	p->elements = arena_array(arena, JavaElement, p->pattern.length + 1);
	while (s < end) {
		if (*s == '\'') {
			if (s + 1 < end && s[1] == '\'') {
				p->elements[p->n_elements++] = (JavaElement){.kind = JE_LITERAL, .text = {s, 1}};
				s += 2;
			} else {
				quoted = !quoted;
				s++;
			}
		} else if (!quoted && ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z'))) {
			const char *begin = s;

			if (strchr("GyYMLwWDdFEuaHkKhmsSzZX", *s) == NULL)
				return bad_pattern(p, "Illegal pattern character ", *s, err);
			while (s < end && *s == *begin)
				s++;
			if (*begin == 'X' && s - begin > 3)
				return bad_pattern(p, "invalid ISO 8601 format: too many of ", 'X', err);
			p->elements[p->n_elements++] = (JavaElement){.kind = JE_NUMBER, .letter = *begin, .min_width = (int)(s - begin)};
		} else {
			p->elements[p->n_elements++] = (JavaElement){.kind = JE_LITERAL, .text = {s++, 1}};
		}
	}
	if (quoted)
		return bad_pattern(p, "Unterminated quote ", '\'', err);
	return OK;
}

/* What was read; lenient, so nothing is checked. */
typedef struct Simple {
	int64_t		year, month, day, day_of_year, hour, minute, second, ms;
	int64_t		week_year, week, weekday;	/* weekday: 1 Sunday to 7 */
	bool		has_day, has_month, has_day_of_year, has_week_year, has_year, has_pm;
	bool		is_pm;
	bool		is_before;					/* BC */
	int64_t		hour12;
	bool		has_hour12, has_hour;
	int64_t		offset_s;
	const Zone *zone;
} Simple;

static bool
is_number(const JavaElement *e)
{
	if (e->kind == JE_LITERAL)
		return false;
	return e->letter == 'M' || e->letter == 'L' ? e->min_width <= 2 : strchr("EGazZX", e->letter) == NULL;
}

/* An integer with an optional minus, of at most `max` characters (0: any number). */
static bool
read_integer(Str text, size_t *pos, int max, int64_t *value, int *n_digits)
{
	size_t	end = max > 0 && *pos + (size_t)max < text.length ? *pos + (size_t)max : text.length;
	size_t	p = *pos;
	bool	negative = p < end && text.data[p] == '-';
	int64_t	v = 0;
	int		n = 0;

	for (p += negative; p < end && (unsigned char)(text.data[p] - '0') <= 9; p++, n++)
		if (v < INT64_C(100000000000))
			v = v * 10 + (text.data[p] - '0');
	if (n == 0)
		return false;
	*value = (int32_t)(negative ? -v : v);
	*n_digits = negative ? 0 : n;
	*pos = p;
	return true;
}

static bool
read_zone(JavaPattern *pattern, Str rest, Simple *out, size_t *length)
{
	int		offset_s;
	size_t	used = zone_parse_offset(rest, &offset_s);

	if (used > 0) {
		out->offset_s = offset_s;
		out->zone = NULL;
		*length = used;
		return true;
	}
	return java_match_zone(pattern, rest, &out->zone, length) == OK;
}

static bool
read_element(JavaPattern *pattern, const JavaElement *e, bool obeys_count, Str text, size_t *pos, Simple *out)
{
	int64_t		v;
	int			n_digits, i;
	size_t		length;

	while (*pos < text.length && (text.data[*pos] == ' ' || text.data[*pos] == '\t'))
		++*pos;
	if (*pos >= text.length)
		return false;
	Str		rest = {text.data + *pos, text.length - *pos};

	if (!is_number(e)) {
		switch (e->letter) {
		case 'M':
		case 'L':
		case 'E': {
			JavaField	field = e->letter == 'E' ? JF_DAY_OF_WEEK : JF_MONTH;

			i = java_match_name(field, JT_FULL, rest, &length);
			if (i < 0)
				i = java_match_name(field, JT_SHORT, rest, &length);
			if (i < 0)
				return false;
			if (e->letter == 'E') {
				out->weekday = (i + 1) % 7 + 1;
			} else {
				out->month = i + 1;
				out->has_month = true;
			}
			break;
		}
		case 'G':
			i = java_match_name(JF_ERA, JT_SHORT, rest, &length);
			if (i < 0)
				return false;
			out->is_before = i == 0;
			break;
		case 'a':
			i = java_match_name(JF_AMPM, JT_SHORT, rest, &length);
			if (i < 0)
				return false;
			out->has_pm = true;
			out->is_pm = i == 1;
			break;
		default:
			if (!read_zone(pattern, rest, out, &length))
				return false;
			break;
		}
		*pos += length;
		return true;
	}
	if (obeys_count && rest.length < (size_t)e->min_width)
		return false;
	if (!read_integer(text, pos, obeys_count ? e->min_width : 0, &v, &n_digits))
		return false;
	switch (e->letter) {
	case 'y':
	case 'Y':
		if (e->min_width <= 2 && n_digits == 2)
			v += pattern->century_start / 100 * 100 + (v < pattern->century_start % 100 ? 100 : 0);
		if (e->letter == 'y') {
			out->year = v;
			out->has_year = true;
			out->has_week_year = false;
		} else {
			out->week_year = v;
			out->has_week_year = true;
		}
		break;
	case 'M':
	case 'L':
		out->month = v;
		out->has_month = true;
		break;
	case 'd':
		out->day = v;
		out->has_day = true;
		out->has_day_of_year = false;
		break;
	case 'D':
		out->day_of_year = v;
		out->has_day_of_year = true;
		break;
	case 'w':
		out->week = v;
		break;
	case 'u':
		out->weekday = v % 7 + 1;
		break;
	case 'H':
	case 'k':
		out->hour = e->letter == 'k' && v == 24 ? 0 : v;
		out->has_hour = true;
		break;
	case 'K':
	case 'h':
		out->hour12 = e->letter == 'h' && v == 12 ? 0 : v;
		out->has_hour12 = true;
		break;
	case 'm':
		out->minute = v;
		break;
	case 's':
		out->second = v;
		break;
	case 'S':
		out->ms = v;
		break;
	default:
		break;		/* W and F do not decide beside a day */
	}
	return true;
}

/* First day of a month before the calendar reform of 1582, which SimpleDateFormat keeps to, in days since 1970. */
static int64_t
days_from_julian(int64_t year, int month)
{
	int64_t	y = month <= 2 ? year - 1 : year;

	return y * 365 + floor_div64(y, 4) + (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 - 719470;
}

#define FIRST_GREGORIAN_DAY INT64_C(-141427)		/* 1582-10-15 */

/* Days since 1970; months and days carry over. */
static int64_t
resolve_days(const Simple *s)
{
	if (s->has_week_year) {
		int64_t	first = days_from_civil(s->week_year, 1, 1);

		return first - weekday_of_days(first) % 7 + (s->week - 1) * 7 + s->weekday - 1;
	}
	int64_t	year = s->is_before ? 1 - s->year : s->year;

	if (s->has_day_of_year)
		return days_from_civil(year, 1, 1) + s->day_of_year - 1;
	int64_t	month0 = s->month - 1;
	int		month = (int)floor_mod64(month0, 12) + 1;
	int64_t	days;

	year += floor_div64(month0, 12);
	days = days_from_civil(year, month, 1) + s->day - 1;
	return days >= FIRST_GREGORIAN_DAY ? days : days_from_julian(year, month) + s->day - 1;
}

Status
java_simple_parse(JavaPattern *pattern, Str text, int64_t *days, Error *err)
{
	Simple	s = {.year = 1970, .month = 1, .day = 1, .week = 1, .weekday = 1};
	size_t	pos = 0;

	for (int i = 0; i < pattern->n_elements; i++) {
		const JavaElement *e = &pattern->elements[i];

		if (e->kind == JE_LITERAL) {
			if (pos >= text.length || text.data[pos] != *e->text.data)
				return java_parse_error(pattern, text, err, "Unparseable date: \"%.*s\"",
										text.length > 100 ? 100 : (int)text.length, text.data);
			pos++;
			continue;
		}
		/* Digits directly behind digits: the count says where one number ends. */
		bool	obeys_count = i + 1 < pattern->n_elements && is_number(e + 1);

		if (!read_element(pattern, e, obeys_count, text, &pos, &s))
			return java_parse_error(pattern, text, err, "Unparseable date: \"%.*s\"",
									text.length > 100 ? 100 : (int)text.length, text.data);
	}
	int64_t	hour = s.has_hour ? s.hour : s.hour12 + (s.has_pm && s.is_pm ? 12 : 0);
	Time	t = resolve_days(&s) * MS_PER_DAY + ((hour * 60 + s.minute) * 60 + s.second) * 1000 + s.ms;

	t = s.zone != NULL ? zone_to_instant(s.zone, t) : t - s.offset_s * 1000;
	if (floor_mod64(t, MS_PER_DAY) != 0)
		return java_parse_error(pattern, text, err, "Date format contains time field.");
	*days = floor_div64(t, MS_PER_DAY);
	if (*days < INT32_MIN || *days > INT32_MAX)
		return java_parse_error(pattern, text, err, "beyond the range of DATE");
	return OK;
}
