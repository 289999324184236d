/*
 * Texts read by a pattern, in two steps as in Java: elements set fields (a field set twice must agree), then fields are
 * resolved to a date, a time and a zone in the smart style.
 */
#include <stdio.h>
#include <stdlib.h>

#include "data/java_time_impl.h"
#include "data/time_text.h"

typedef struct Fields {
	uint32_t	has;				/* bit by JavaField */
	int64_t		v[JF_COUNT];
	const Zone *zone;				/* that the text names, or NULL */
} Fields;

typedef struct Reader {
	JavaPattern *pattern;
	Str			text;
	Fields		fields;
} Reader;

/* Positions are byte offsets; a negative one is failure at ~position. */
typedef int64_t Pos;

static inline bool
has(const Fields *f, JavaField field)
{
	return (f->has >> field & 1) != 0;
}

static void
set(Fields *f, JavaField field, int64_t value)
{
	f->has |= 1u << field;
	f->v[field] = value;
}

static inline void
drop(Fields *f, JavaField field)
{
	f->has &= ~(1u << field);
}

static Pos
set_parsed(Reader *r, JavaField field, int64_t value, Pos start, Pos end)
{
	if (has(&r->fields, field) && r->fields.v[field] != value)
		return ~start;
	set(&r->fields, field, value);
	return end;
}

static inline int
digit_at(Str text, Pos pos)
{
	return pos < (Pos)text.length && (unsigned char)(text.data[pos] - '0') <= 9 ? text.data[pos] - '0' : -1;
}

static Pos
parse_number(Reader *r, const JavaElement *e, Pos pos)
{
	Str			text = r->text;
	Pos			start = pos;
	bool		negative = false, positive = false;
	int64_t		value = 0;

	if (pos >= (Pos)text.length)
		return ~start;
	if (text.data[pos] == '+' || text.data[pos] == '-') {
		positive = text.data[pos] == '+';
		negative = !positive;
		/* A plus is read only where more digits than the width follow. */
		if (e->sign == JS_NOT_NEGATIVE || (positive && e->sign == JS_NORMAL))
			return ~start;
		pos++;
	}
	Pos		digits = pos;
	int		max = e->max_width + (e->subsequent > 0 ? e->subsequent : 0);
	int		n = 0;

	while (n < max && digit_at(text, pos + n) >= 0)
		n++;
	if (n < e->min_width)
		return ~start;
	/* Fixed-width fields behind this one take their digits first. */
	if (e->subsequent > 0)
		n = n - e->subsequent > e->min_width ? n - e->subsequent : e->min_width;
	for (int i = 0; i < n; i++)
		if (__builtin_mul_overflow(value, 10, &value)
			|| __builtin_add_overflow(value, (int64_t)(text.data[digits + i] - '0'), &value))
			return ~start;
	pos = digits + n;
	if (negative) {
		if (value == 0)
			return ~start;
		value = -value;
	} else if (e->sign == JS_EXCEEDS_PAD && positive != (n > e->min_width)) {
		return ~start;
	}
	if (e->kind == JE_FRACTION)
		for (int i = n; i < 9; i++)
			value *= 10;
	else if (e->kind == JE_REDUCED)
		value += 2000;
	return set_parsed(r, e->field, value, start, pos);
}

static inline Str
rest_of(Str text, Pos pos)
{
	return str_make(text.data + pos, text.length - (size_t)pos);
}

static Pos
parse_names(Reader *r, const JavaElement *e, Pos pos)
{
	size_t	length;
	int		i = java_match_name(e->field, e->style, rest_of(r->text, pos), &length);

	if (i < 0)
		return ~pos;
	return set_parsed(r, e->field, e->field == JF_ERA || e->field == JF_AMPM ? i : i + 1, pos, pos + (Pos)length);
}

/* Two digits below 60 behind an optional colon; false leaves *pos. */
static bool
parse_two(Str text, Pos *pos, bool colon, int *value)
{
	Pos		p = *pos;

	if (colon) {
		if (p >= (Pos)text.length || text.data[p] != ':')
			return false;
		p++;
	}
	int		high = digit_at(text, p);
	int		low = high < 0 ? -1 : digit_at(text, p + 1);

	if (low < 0 || high > 5)
		return false;
	*value = high * 10 + low;
	*pos = p + 2;
	return true;
}

static Pos
parse_offset(Reader *r, const JavaElement *e, Pos pos)
{
	Str		text = r->text;
	Str		rest = rest_of(text, pos);
	Pos		p = pos + 1;
	int		hour, minute = 0, second = 0;
	bool	colon = e->offset_type > 0 && e->offset_type % 2 == 0;

	if (rest.length >= e->text.length && str_equal_nocase(str_make(rest.data, e->text.length), e->text))
		return set_parsed(r, JF_OFFSET, 0, pos, pos + (Pos)e->text.length);
	if (rest.length == 0 || (*rest.data != '+' && *rest.data != '-') || digit_at(text, p) < 0 || digit_at(text, p + 1) < 0)
		return ~pos;
	hour = digit_at(text, p) * 10 + digit_at(text, p + 1);
	p += 2;
	/* Minutes are optional in types 1 and 2, seconds always. */
	if (!parse_two(text, &p, colon, &minute)) {
		if (e->offset_type >= 3)
			return ~pos;
	} else if (e->offset_type >= 5) {
		parse_two(text, &p, colon, &second);
	}
	int		total = (hour * 60 + minute) * 60 + second;

	if (total > 18 * 3600)
		return ~pos;
	return set_parsed(r, JF_OFFSET, *rest.data == '-' ? -total : total, pos, p);
}

/* GMT, GMT+8, GMT+08:00 */
static Pos
parse_localized_offset(Reader *r, const JavaElement *e, Pos pos)
{
	Str		text = r->text;
	Str		rest = rest_of(text, pos);
	Pos		p = pos + 3;
	int		hour, minute = 0, second = 0;

	if (rest.length < 3 || !str_equal_nocase(str_make(rest.data, 3), STR("GMT")))
		return ~pos;
	if (rest.length == 3 || (rest.data[3] != '+' && rest.data[3] != '-'))
		return set_parsed(r, JF_OFFSET, 0, pos, p);
	hour = digit_at(text, ++p);
	if (hour < 0)
		return ~pos;
	p++;
	if (digit_at(text, p) >= 0)
		hour = hour * 10 + digit_at(text, p++);
	else if (e->style == JT_FULL)
		return ~pos;
	if (parse_two(text, &p, true, &minute))
		parse_two(text, &p, true, &second);
	else if (e->style == JT_FULL)
		return ~pos;
	int		total = (hour * 60 + minute) * 60 + second;

	return total > 18 * 3600 ? ~pos : set_parsed(r, JF_OFFSET, rest.data[3] == '-' ? -total : total, pos, p);
}

static Pos
parse_zone(Reader *r, Pos pos)
{
	const Zone *zone;
	size_t		length;

	if (pos >= (Pos)r->text.length || java_match_zone(r->pattern, rest_of(r->text, pos), &zone, &length) != OK)
		return ~pos;
	r->fields.zone = zone;
	return pos + (Pos)length;
}

static Pos parse_range(Reader *r, int begin, int end, Pos pos);

/* Elements that a pad or optional element covers are read with it: *i moves behind them. */
static Pos
parse_element(Reader *r, int *i, Pos pos)
{
	const JavaElement *e = &r->pattern->elements[(*i)++];
	Str		rest = rest_of(r->text, pos);

	switch (e->kind) {
	case JE_LITERAL:
		if (rest.length < e->text.length || !str_equal_nocase(str_make(rest.data, e->text.length), e->text))
			return ~pos;
		return pos + (Pos)e->text.length;
	case JE_NUMBER:
	case JE_FRACTION:
	case JE_REDUCED:
		return parse_number(r, e, pos);
	case JE_TEXT:
		return parse_names(r, e, pos);
	case JE_OFFSET:
		return parse_offset(r, e, pos);
	case JE_LOCALIZED_OFFSET:
		return parse_localized_offset(r, e, pos);
	case JE_ZONE_ID:
	case JE_ZONE_TEXT:
		return parse_zone(r, pos);
	case JE_PAD: {
		Pos		end = pos + e->min_width;
		Str		whole = r->text;

		if (end > (Pos)whole.length)
			return ~pos;
		while (pos < end && whole.data[pos] == ' ')
			pos++;
		/* The padded field must fill its width exactly. */
		r->text.length = (size_t)end;
		Pos		p = parse_element(r, i, pos);

		r->text = whole;
		return p >= 0 && p != end ? ~pos : p;
	}
	case JE_OPTIONAL: {
		Fields	saved = r->fields;
		Pos		p = parse_range(r, *i, e->end, pos);

		*i = e->end;
		if (p >= 0)
			return p;
		r->fields = saved;
		return pos;
	}
	}
	return ~pos;
}

static Pos
parse_range(Reader *r, int begin, int end, Pos pos)
{
	for (int i = begin; i < end && pos >= 0;)
		pos = parse_element(r, &i, pos);
	return pos;
}

/* --- resolving --- */

typedef struct Resolved {
	bool	has_date;
	int64_t	days;
	bool	has_time;
	int64_t	nanos;			/* of the day */
} Resolved;

Status
java_parse_error(const JavaPattern *pattern, Str text, Error *err, const char *format, ...)
{
	char	what[300];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	return error_data(err, "Failed to parse %s '%.*s' with formatter '%.*s': %s",
					  pattern->kind == JAVA_PATTERN_TIMESTAMP ? "timestamp" : pattern->kind == JAVA_PATTERN_TIME ? "time" : "date",
					  text.length > 200 ? 200 : (int)text.length, text.data,
					  pattern->pattern.length > 200 ? 200 : (int)pattern->pattern.length, pattern->pattern.data, what);
}

static Status
out_of_range(const Reader *r, JavaField field, Error *err)
{
	return java_parse_error(r->pattern, r->text, err, "Invalid value for %s: %lld", java_field_name(field),
							(long long)r->fields.v[field]);
}

static Status
check_range(const Reader *r, JavaField field, int64_t min, int64_t max, Error *err)
{
	if (has(&r->fields, field) && (r->fields.v[field] < min || r->fields.v[field] > max))
		return out_of_range(r, field, err);
	return OK;
}

static Status
resolve_date(Reader *r, Resolved *out, Error *err)
{
	Fields *f = &r->fields;

	TRY(check_range(r, JF_YEAR_OF_ERA, 1, 999999999, err));
	TRY(check_range(r, JF_YEAR, -999999999, 999999999, err));
	if (has(f, JF_YEAR_OF_ERA)) {
		bool	before = has(f, JF_ERA) ? f->v[JF_ERA] == 0 : has(f, JF_YEAR) && f->v[JF_YEAR] <= 0;
		int64_t	year = before ? 1 - f->v[JF_YEAR_OF_ERA] : f->v[JF_YEAR_OF_ERA];

		if (has(f, JF_YEAR) && f->v[JF_YEAR] != year)
			return java_parse_error(r->pattern, r->text, err, "Conflict found: Year %lld differs from Year %lld",
									(long long)f->v[JF_YEAR], (long long)year);
		set(f, JF_YEAR, year);
		drop(f, JF_YEAR_OF_ERA);
		drop(f, JF_ERA);
	}
	int64_t	year = f->v[JF_YEAR];

	if (has(f, JF_YEAR) && has(f, JF_MONTH) && has(f, JF_DAY_OF_MONTH)) {
		TRY(check_range(r, JF_MONTH, 1, 12, err));
		TRY(check_range(r, JF_DAY_OF_MONTH, 1, 31, err));

		int		month = (int)f->v[JF_MONTH];
		int		last = month_length(year, month);

		out->days = days_from_civil(year, month, f->v[JF_DAY_OF_MONTH] > last ? last : (int)f->v[JF_DAY_OF_MONTH]);
		out->has_date = true;
	} else if (has(f, JF_YEAR) && has(f, JF_DAY_OF_YEAR)) {
		TRY(check_range(r, JF_DAY_OF_YEAR, 1, year_is_leap(year) ? 366 : 365, err));
		out->days = days_from_civil(year, 1, 1) + f->v[JF_DAY_OF_YEAR] - 1;
		out->has_date = true;
	} else if (has(f, JF_WEEK_YEAR) && has(f, JF_WEEK_OF_YEAR) && (has(f, JF_DAY_OF_WEEK) || has(f, JF_LOCAL_DAY_OF_WEEK))) {
		int64_t	first = days_from_civil(f->v[JF_WEEK_YEAR], 1, 1);
		int64_t	day = has(f, JF_LOCAL_DAY_OF_WEEK) ? f->v[JF_LOCAL_DAY_OF_WEEK] - 1 : f->v[JF_DAY_OF_WEEK] % 7;

		TRY(check_range(r, JF_WEEK_OF_YEAR, 1, 53, err));
		TRY(check_range(r, JF_LOCAL_DAY_OF_WEEK, 1, 7, err));
		TRY(check_range(r, JF_WEEK_YEAR, -999999999, 999999999, err));
		out->days = first - weekday_of_days(first) % 7 + (f->v[JF_WEEK_OF_YEAR] - 1) * 7 + day;
		out->has_date = true;
	}
	if (out->has_date) {
		int		weekday = weekday_of_days(out->days);
		CivilDate date = civil_from_days(out->days);

		if (has(f, JF_DAY_OF_WEEK) && f->v[JF_DAY_OF_WEEK] != weekday)
			return java_parse_error(r->pattern, r->text, err, "Conflict found: Field DayOfWeek %d differs from DayOfWeek %lld derived"
									" from the date", weekday, (long long)f->v[JF_DAY_OF_WEEK]);
		if ((has(f, JF_DAY_OF_YEAR) && f->v[JF_DAY_OF_YEAR] != day_of_year(date))
			|| (has(f, JF_QUARTER) && f->v[JF_QUARTER] != (date.month + 2) / 3))
			return java_parse_error(r->pattern, r->text, err, "Conflict found: fields of the date disagree");
	}
	return OK;
}

static Status
resolve_time(Reader *r, Resolved *out, Error *err)
{
	Fields *f = &r->fields;

	TRY(check_range(r, JF_HOUR_24, 0, 24, err));
	TRY(check_range(r, JF_HOUR_12, 0, 12, err));
	TRY(check_range(r, JF_HOUR_AMPM, 0, 11, err));
	TRY(check_range(r, JF_NANO_OF_DAY, 0, INT64_C(86399999999999), err));
	TRY(check_range(r, JF_MILLI_OF_DAY, 0, MS_PER_DAY - 1, err));
	TRY(check_range(r, JF_MINUTE, 0, 59, err));
	TRY(check_range(r, JF_SECOND, 0, 59, err));
	TRY(check_range(r, JF_NANO, 0, 999999999, err));
	TRY(check_range(r, JF_HOUR, 0, 24, err));
	if (has(f, JF_HOUR_24)) {
		set(f, JF_HOUR, f->v[JF_HOUR_24] % 24);
		drop(f, JF_HOUR_24);
	}
	if (has(f, JF_HOUR_12)) {
		set(f, JF_HOUR_AMPM, f->v[JF_HOUR_12] % 12);
		drop(f, JF_HOUR_12);
	}
	if (has(f, JF_AMPM) && has(f, JF_HOUR_AMPM)) {
		int64_t	hour = f->v[JF_AMPM] * 12 + f->v[JF_HOUR_AMPM];

		if (has(f, JF_HOUR) && f->v[JF_HOUR] != hour)
			return java_parse_error(r->pattern, r->text, err, "Conflict found: HourOfDay %lld differs from HourOfDay %lld",
									(long long)f->v[JF_HOUR], (long long)hour);
		set(f, JF_HOUR, hour);
		drop(f, JF_AMPM);
		drop(f, JF_HOUR_AMPM);
	}
	if (has(f, JF_NANO_OF_DAY) || has(f, JF_MILLI_OF_DAY)) {
		out->nanos = has(f, JF_NANO_OF_DAY) ? f->v[JF_NANO_OF_DAY]
			: f->v[JF_MILLI_OF_DAY] * 1000000 + (has(f, JF_NANO) ? f->v[JF_NANO] % 1000000 : 0);
		out->has_time = true;
		return OK;
	}
	if (has(f, JF_AMPM) && (f->has & ~(1u << JF_AMPM) & ~(1u << JF_OFFSET)) >> JF_FIRST_TIME == 0) {
		/* A half of a day alone means its middle. */
		out->nanos = (f->v[JF_AMPM] * 12 + 6) * INT64_C(3600000000000);
		out->has_time = true;
		return OK;
	}
	/* Smaller units default to 0, but not if one still smaller is given. */
	bool	has_gap = (!has(f, JF_MINUTE) && (has(f, JF_SECOND) || has(f, JF_NANO)))
		|| (has(f, JF_MINUTE) && !has(f, JF_SECOND) && has(f, JF_NANO));

	if (!has(f, JF_HOUR) || has_gap) {
		if (has(f, JF_HOUR) && f->v[JF_HOUR] == 24)
			return out_of_range(r, JF_HOUR, err);
		return OK;
	}
	int64_t	minute = has(f, JF_MINUTE) ? f->v[JF_MINUTE] : 0;
	int64_t	second = has(f, JF_SECOND) ? f->v[JF_SECOND] : 0;
	int64_t	nano = has(f, JF_NANO) ? f->v[JF_NANO] : 0;

	if (f->v[JF_HOUR] == 24 && (minute | second | nano) != 0)
		return out_of_range(r, JF_HOUR, err);
	out->nanos = ((f->v[JF_HOUR] * 60 + minute) * 60 + second) * INT64_C(1000000000) + nano;
	if (f->v[JF_HOUR] == 24) {
		/* Midnight at the end of the day. */
		out->nanos = 0;
		out->days += out->has_date;
	}
	out->has_time = true;
	return OK;
}

/*
 * A timestamp begins as 1970-01-01 00:00; what was resolved replaces its date and time, and fields that were not enough
 * for that replace theirs one by one, from the largest unit to the smallest.
 */
static Status
apply_single_fields(Reader *r, Resolved *d, Error *err)
{
	const Fields *f = &r->fields;

	if (!d->has_date) {
		CivilDate	date = {1970, 1, 1};

		if (has(f, JF_YEAR))
			date.year = f->v[JF_YEAR];
		else if (has(f, JF_ERA) && f->v[JF_ERA] == 0)
			date.year = 1 - date.year;
		TRY(check_range(r, JF_MONTH, 1, 12, err));
		if (has(f, JF_MONTH))
			date.month = (int)f->v[JF_MONTH];
		if (has(f, JF_DAY_OF_YEAR)) {
			if (f->v[JF_DAY_OF_YEAR] == 366)
				return java_parse_error(r->pattern, r->text, err, "Leap day cannot be parsed without supplying the year field");
			TRY(check_range(r, JF_DAY_OF_YEAR, 1, 365, err));
			date = civil_from_days(days_from_civil(date.year, 1, 1) + f->v[JF_DAY_OF_YEAR] - 1);
		}
		TRY(check_range(r, JF_DAY_OF_MONTH, 1, month_length(date.year, date.month), err));
		if (has(f, JF_DAY_OF_MONTH))
			date.day = (int)f->v[JF_DAY_OF_MONTH];
		d->days = days_from_civil(date.year, date.month, date.day);
		if (has(f, JF_ALIGNED_DAY)) {
			TRY(check_range(r, JF_ALIGNED_DAY, 1, 7, err));
			d->days += f->v[JF_ALIGNED_DAY] - ((date.day - 1) % 7 + 1);
		}
		if (has(f, JF_DAY_OF_WEEK))
			d->days += f->v[JF_DAY_OF_WEEK] - weekday_of_days(d->days);
	}
	if (!d->has_time) {
		int64_t	hour = 0;

		if (has(f, JF_AMPM))
			hour = f->v[JF_AMPM] * 12;
		if (has(f, JF_HOUR_AMPM))
			hour += f->v[JF_HOUR_AMPM];
		if (has(f, JF_HOUR))
			hour = f->v[JF_HOUR];
		d->nanos = hour * INT64_C(3600000000000) + (has(f, JF_MINUTE) ? f->v[JF_MINUTE] : 0) * INT64_C(60000000000)
			+ (has(f, JF_SECOND) ? f->v[JF_SECOND] : 0) * INT64_C(1000000000) + (has(f, JF_NANO) ? f->v[JF_NANO] : 0);
	}
	return OK;
}

static Status
finish_timestamp(Reader *r, Resolved *d, const Zone *zone, int64_t *value, Error *err)
{
	TRY(apply_single_fields(r, d, err));
	if (d->days < -INT64_C(106751990000) || d->days > INT64_C(106751990000))
		return java_parse_error(r->pattern, r->text, err, "beyond the range of TIMESTAMP");
	Time	local = d->days * MS_PER_DAY + d->nanos / 1000000;

	if (r->fields.zone != NULL)
		zone = r->fields.zone;
	if (has(&r->fields, JF_OFFSET))
		*value = local - r->fields.v[JF_OFFSET] * 1000;
	else
		*value = zone_to_instant(zone != NULL ? zone : r->pattern->gmt, local);
	return OK;
}

Status
java_pattern_parse(JavaPattern *pattern, Str text, const Zone *zone, int64_t *value, Error *err)
{
	Reader		r = {.pattern = pattern, .text = text};
	Resolved	d = {0};

	if (pattern->kind == JAVA_PATTERN_SIMPLE_DATE)
		return java_simple_parse(pattern, text, value, err);
	Pos		end = parse_range(&r, 0, pattern->n_elements, 0);

	if (end < 0)
		return java_parse_error(pattern, text, err, "Text could not be parsed at index %lld", (long long)~end);
	if (end < (Pos)text.length)
		return java_parse_error(pattern, text, err, "Text could not be parsed, unparsed text found at index %lld", (long long)end);
	uint32_t	given = r.fields.has;

	TRY(resolve_date(&r, &d, err));
	TRY(resolve_time(&r, &d, err));
	switch (pattern->kind) {
	case JAVA_PATTERN_DATE:
		if (!d.has_date)
			return java_parse_error(pattern, text, err, "the pattern does not give a complete date");
		if (d.days < INT32_MIN || d.days > INT32_MAX)
			return java_parse_error(pattern, text, err, "beyond the range of DATE");
		*value = d.days;
		return OK;
	case JAVA_PATTERN_TIME:
		if ((given & ((1u << JF_FIRST_TIME) - 1)) != 0)
			return java_parse_error(pattern, text, err, "Time format contains date field.");
		if (!d.has_time)
			return java_parse_error(pattern, text, err, "the pattern does not give a complete time");
		*value = d.nanos / 1000000;
		return OK;
	default:
		return finish_timestamp(&r, &d, zone, value, err);
	}
}
