/*
 * Values printed by a pattern.  The fields of a value are worked out on demand; a field that the kind of the value does
 * not have is an error, or ends the optional section that it stands in.
 */
#include <stdlib.h>

#include "data/double_text.h"
#include "data/java_time_impl.h"
#include "data/time_text.h"

typedef struct Formatter {
	const JavaPattern *pattern;
	StrBuf	   *out;
	Error	   *err;
	bool		has_date;
	bool		has_time;
	const Zone *zone;			/* NULL: the value has none */
	Time		instant;
	int			offset_s;
	int64_t		days;
	CivilDate	date;
	int64_t		ms_of_day;
	int			n_optional;		/* how many optional sections are open */
} Formatter;

/* First day (Sunday) of the week-based year's first week: the week that holds January 1. */
static int64_t
first_week_start(int64_t year)
{
	int64_t	first = days_from_civil(year, 1, 1);

	return first - weekday_of_days(first) % 7;
}

static int64_t
week_year(const Formatter *f)
{
	return f->days >= first_week_start(f->date.year + 1) ? f->date.year + 1 : f->date.year;
}

/* DONE: the value has no such field. */
static Status
get_field(const Formatter *f, JavaField field, int64_t *v)
{
	int		hour = (int)(f->ms_of_day / 3600000);

	if (field == JF_OFFSET ? f->zone == NULL : field < JF_FIRST_TIME ? !f->has_date : !f->has_time)
		return DONE;
	switch (field) {
	case JF_ERA:
		*v = f->date.year > 0;
		break;
	case JF_YEAR:
		*v = f->date.year;
		break;
	case JF_YEAR_OF_ERA:
		*v = f->date.year > 0 ? f->date.year : 1 - f->date.year;
		break;
	case JF_WEEK_YEAR:
		*v = week_year(f);
		break;
	case JF_QUARTER:
		*v = (f->date.month + 2) / 3;
		break;
	case JF_MONTH:
		*v = f->date.month;
		break;
	case JF_WEEK_OF_YEAR:
		*v = (f->days - first_week_start(week_year(f))) / 7 + 1;
		break;
	case JF_WEEK_OF_MONTH: {
		int64_t	first = days_from_civil(f->date.year, f->date.month, 1);

		*v = (f->days - (first - weekday_of_days(first) % 7)) / 7 + 1;
		break;
	}
	case JF_DAY_OF_YEAR:
		*v = day_of_year(f->date);
		break;
	case JF_DAY_OF_MONTH:
		*v = f->date.day;
		break;
	case JF_ALIGNED_DAY:
		*v = (f->date.day - 1) % 7 + 1;
		break;
	case JF_DAY_OF_WEEK:
		*v = weekday_of_days(f->days);
		break;
	case JF_LOCAL_DAY_OF_WEEK:
		*v = weekday_of_days(f->days) % 7 + 1;
		break;
	case JF_AMPM:
		*v = hour / 12;
		break;
	case JF_HOUR_24:
		*v = hour == 0 ? 24 : hour;
		break;
	case JF_HOUR:
		*v = hour;
		break;
	case JF_HOUR_12:
		*v = hour % 12 == 0 ? 12 : hour % 12;
		break;
	case JF_HOUR_AMPM:
		*v = hour % 12;
		break;
	case JF_MINUTE:
		*v = f->ms_of_day / 60000 % 60;
		break;
	case JF_SECOND:
		*v = f->ms_of_day / 1000 % 60;
		break;
	case JF_MILLI_OF_DAY:
		*v = f->ms_of_day;
		break;
	case JF_NANO_OF_DAY:
		*v = f->ms_of_day * 1000000;
		break;
	case JF_NANO:
		*v = f->ms_of_day % 1000 * 1000000;
		break;
	case JF_OFFSET:
		*v = f->offset_s;
		break;
	case JF_COUNT:
		return DONE;
	}
	return OK;
}

static Status
unsupported(const Formatter *f, const char *what)
{
	/* Inside an optional section nobody will read the text. */
	if (f->n_optional > 0)
		return FAILED;
	return error_data(f->err, "Failed to format with pattern '%.*s': %s",
					  f->pattern->pattern.length > 200 ? 200 : (int)f->pattern->pattern.length, f->pattern->pattern.data, what);
}

static Status
unsupported_field(const Formatter *f, JavaField field)
{
	char	what[80];

	strcpy(what, "Unsupported field: ");
	strcat(what, java_field_name(field));
	return unsupported(f, what);
}

static Status
format_number(Formatter *f, const JavaElement *e, int64_t value)
{
	char	digits[NUMBER_TEXT_MAX];
	size_t	n = uint64_print(value < 0 ? -(uint64_t)value : (uint64_t)value, digits);

	if (n > (size_t)e->max_width || (value < 0 && e->sign == JS_NOT_NEGATIVE)) {
		char	what[120] = "a value has more digits than the field ";

		strcat(what, java_field_name(e->field));
		return unsupported(f, what);
	}
	if (value < 0)
		strbuf_add_char(f->out, '-');
	else if (e->sign == JS_EXCEEDS_PAD && n > (size_t)e->min_width)
		strbuf_add_char(f->out, '+');
	if (n < (size_t)e->min_width)
		strbuf_add_repeat(f->out, '0', (size_t)e->min_width - n);
	strbuf_add(f->out, digits, n);
	return OK;
}

static void
add_two(StrBuf *out, int v)
{
	strbuf_add_char(out, (char)('0' + v / 10));
	strbuf_add_char(out, (char)('0' + v % 10));
}

static void
format_offset(Formatter *f, const JavaElement *e)
{
	int		a = abs(f->offset_s);
	int		minutes = a / 60 % 60, seconds = a % 60;
	bool	colon = e->offset_type > 0 && e->offset_type % 2 == 0;

	/* What the type does not print may leave nothing but zeros. */
	if (a == 0 || (a < 3600 && minutes == 0 && e->offset_type < 5)) {
		strbuf_add_str(f->out, e->text);
		return;
	}
	strbuf_add_char(f->out, f->offset_s < 0 ? '-' : '+');
	add_two(f->out, a / 3600);
	if (e->offset_type >= 3 || (e->offset_type >= 1 && minutes > 0)) {
		if (colon)
			strbuf_add_char(f->out, ':');
		add_two(f->out, minutes);
		if (e->offset_type >= 5 && seconds > 0) {
			if (colon)
				strbuf_add_char(f->out, ':');
			add_two(f->out, seconds);
		}
	}
}

static void
format_localized_offset(Formatter *f, const JavaElement *e)
{
	int		a = abs(f->offset_s);

	strbuf_add_text(f->out, "GMT");
	if (a == 0)
		return;
	strbuf_add_char(f->out, f->offset_s < 0 ? '-' : '+');
	if (e->style == JT_FULL)
		add_two(f->out, a / 3600);
	else
		int64_add_text(f->out, a / 3600);
	if (e->style == JT_FULL || a / 60 % 60 != 0 || a % 60 != 0) {
		strbuf_add_char(f->out, ':');
		add_two(f->out, a / 60 % 60);
		if (a % 60 != 0) {
			strbuf_add_char(f->out, ':');
			add_two(f->out, a % 60);
		}
	}
}

static void
format_zone_text(Formatter *f, const JavaElement *e)
{
	const char *abbreviation;
	const char *full;

	zone_offset_info(f->zone, f->instant, &abbreviation, NULL);
	/* Before zones there was local mean time; Java shows the standard time of today then. */
	if (strcmp(abbreviation, "LMT") == 0) {
		bool	is_summer;

		zone_offset_info(f->zone, days_from_civil(2020, 1, 1) * MS_PER_DAY, &abbreviation, &is_summer);
		if (is_summer)
			zone_offset_info(f->zone, days_from_civil(2020, 7, 1) * MS_PER_DAY, &abbreviation, NULL);
	}
	full = e->style == JT_FULL ? java_zone_full_name(abbreviation) : NULL;
	if (full != NULL) {
		strbuf_add_text(f->out, full);
	} else if (!zone_is_fixed(f->zone) && (*abbreviation == '+' || *abbreviation == '-')) {
		/* Zones without a name of their own. */
		format_localized_offset(f, &(JavaElement){.style = JT_FULL});
	} else {
		strbuf_add_text(f->out, abbreviation);
	}
}

static Status format_range(Formatter *f, int begin, int end);

static Status
format_element(Formatter *f, int *i)
{
	const JavaElement *e = &f->pattern->elements[*i];
	int64_t		v = 0;
	size_t		start = f->out->length;
	int			n;

	++*i;
	switch (e->kind) {
	case JE_LITERAL:
		strbuf_add_str(f->out, e->text);
		return OK;
	case JE_NUMBER:
		if (get_field(f, e->field, &v) != OK)
			return unsupported_field(f, e->field);
		return format_number(f, e, v);
	case JE_REDUCED:
		if (get_field(f, e->field, &v) != OK)
			return unsupported_field(f, e->field);
		add_two(f->out, (int)(llabs(v) % 100));
		return OK;
	case JE_FRACTION:
		if (get_field(f, e->field, &v) != OK)
			return unsupported_field(f, e->field);
		for (int64_t unit = 100000000, k = 0; k < e->min_width; k++, unit /= 10)
			strbuf_add_char(f->out, (char)('0' + v / unit % 10));
		return OK;
	case JE_TEXT:
		if (get_field(f, e->field, &v) != OK)
			return unsupported_field(f, e->field);
		strbuf_add_text(f->out, java_names(e->field, e->style, &n)[e->field == JF_ERA || e->field == JF_AMPM ? v : v - 1]);
		return OK;
	case JE_OFFSET:
	case JE_LOCALIZED_OFFSET:
		if (f->zone == NULL)
			return unsupported_field(f, JF_OFFSET);
		if (e->kind == JE_OFFSET)
			format_offset(f, e);
		else
			format_localized_offset(f, e);
		return OK;
	case JE_ZONE_ID:
	case JE_ZONE_TEXT:
		if (f->zone == NULL)
			return unsupported(f, "Unable to extract a time zone from the value");
		if (e->kind == JE_ZONE_ID)
			strbuf_add_text(f->out, zone_id(f->zone));
		else
			format_zone_text(f, e);
		return OK;
	case JE_PAD: {
		TRY(format_element(f, i));
		size_t	length = f->out->length - start;

		if (length > (size_t)e->min_width)
			return unsupported(f, "a value is longer than its padding");
		strbuf_add_repeat(f->out, ' ', (size_t)e->min_width - length);
		memmove(f->out->data + start + ((size_t)e->min_width - length), f->out->data + start, length);
		memset(f->out->data + start, ' ', (size_t)e->min_width - length);
		return OK;
	}
	case JE_OPTIONAL:
		f->n_optional++;
		if (format_range(f, *i, e->end) != OK) {
			f->out->length = start;
			if (f->out->data != NULL)
				f->out->data[start] = '\0';
		}
		f->n_optional--;
		*i = e->end;
		return OK;
	}
	return OK;
}

static Status
format_range(Formatter *f, int begin, int end)
{
	for (int i = begin; i < end;)
		TRY(format_element(f, &i));
	return OK;
}

Status
java_pattern_format(JavaPattern *pattern, int64_t value, const Zone *zone, StrBuf *out, Error *err)
{
	Formatter	f = {.pattern = pattern, .out = out, .err = err};
	size_t		start = out->length;

	switch (pattern->kind) {
	case JAVA_PATTERN_DATE:
		f.has_date = true;
		f.days = value;
		break;
	case JAVA_PATTERN_TIME:
		f.has_time = true;
		f.ms_of_day = value;
		break;
	case JAVA_PATTERN_TIMESTAMP:
		f.has_date = f.has_time = true;
		f.zone = zone != NULL ? zone : pattern->gmt;
		f.instant = value;
		f.offset_s = zone_offset_s(f.zone, value);
		value = (int64_t)((uint64_t)value + (uint64_t)(f.offset_s * INT64_C(1000)));
		f.days = floor_div64(value, MS_PER_DAY);
		f.ms_of_day = floor_mod64(value, MS_PER_DAY);
		break;
	case JAVA_PATTERN_SIMPLE_DATE:
		return error_bug(err, "a pattern for PARSE_DATE cannot format");
	}
	f.date = civil_from_days(f.days);
	if (format_range(&f, 0, pattern->n_elements) != OK) {
		out->length = start;
		if (out->data != NULL)
			out->data[start] = '\0';
		return FAILED;
	}
	return OK;
}
