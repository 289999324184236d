/*
 * Calendar functions that analysts use: parts of dates and times, truncation, differences, making.  All times are UTC.  Beyond ksqlDB; names and results as PostgreSQL and DuckDB have them.
 */
#include <math.h>

#include "data/double_text.h"
#include "exec/func/calendar.h"
#include "exec/func/series.h"

/* ---- parts ---- */

typedef enum Part {
	PART_MILLENNIUM,
	PART_CENTURY,
	PART_DECADE,
	PART_YEAR,
	PART_ISOYEAR,
	PART_QUARTER,
	PART_MONTH,
	PART_WEEK,
	PART_DAY,
	PART_DOW,			/* Sunday is 0 */
	PART_ISODOW,		/* Monday is 1, Sunday 7 */
	PART_DOY,
	PART_HOUR,
	PART_MINUTE,
	PART_SECOND,
	PART_MILLISECOND,	/* with the seconds, as PostgreSQL */
	PART_MICROSECOND,
	PART_EPOCH,			/* seconds */
	PART_NONE,
} Part;

typedef struct PartName {
	const char *name;
	Part		part;
} PartName;

static const PartName part_names[] = {
	{"millennium", PART_MILLENNIUM},
	{"century", PART_CENTURY},
	{"decade", PART_DECADE},
	{"year", PART_YEAR},
	{"yr", PART_YEAR},
	{"y", PART_YEAR},
	{"isoyear", PART_ISOYEAR},
	{"quarter", PART_QUARTER},
	{"month", PART_MONTH},
	{"mon", PART_MONTH},
	{"week", PART_WEEK},
	{"w", PART_WEEK},
	{"weekofyear", PART_WEEK},
	{"day", PART_DAY},
	{"d", PART_DAY},
	{"dayofmonth", PART_DAY},
	{"dow", PART_DOW},
	{"dayofweek", PART_DOW},
	{"weekday", PART_DOW},
	{"isodow", PART_ISODOW},
	{"doy", PART_DOY},
	{"dayofyear", PART_DOY},
	{"hour", PART_HOUR},
	{"hr", PART_HOUR},
	{"h", PART_HOUR},
	{"minute", PART_MINUTE},
	{"min", PART_MINUTE},
	{"m", PART_MINUTE},
	{"second", PART_SECOND},
	{"sec", PART_SECOND},
	{"s", PART_SECOND},
	{"millisecond", PART_MILLISECOND},
	{"ms", PART_MILLISECOND},
	{"microsecond", PART_MICROSECOND},
	{"us", PART_MICROSECOND},
	{"epoch", PART_EPOCH},
};

/* In any case, and in the plural. */
static Part
part_of(Str name)
{
	for (size_t i = 0; i < sizeof part_names / sizeof part_names[0]; i++) {
		Str		known = str_of(part_names[i].name);

		if (str_equal_nocase(name, known))
			return part_names[i].part;
		if (name.length == known.length + 1 && (name.data[known.length] | 32) == 's' &&
			str_equal_nocase(str_make(name.data, known.length), known))
			return part_names[i].part;
	}
	return PART_NONE;
}

/* Part names are nearly always constant: the name of the latest row and what it means. */
typedef struct PartMemo {
	Str	 name;
	Part part;
	bool is_set;
} PartMemo;

static Part
part_get(PartMemo *memo, const ScalarCall *call, int32_t row, int arg)
{
	Str		name = arg_str(call->args[arg], row);

	if (!memo->is_set || !str_equal(name, memo->name)) {
		memo->name = call->args[arg]->form == VECTOR_CONSTANT ? name : text_keep(call, name);
		memo->part = part_of(name);
		memo->is_set = true;
	}
	if (memo->part == PART_NONE)
		eval_fail(call->context, row, "Unknown unit '%.*s': use year, quarter, month, week, day, hour, minute, second and the like",
				  (int)name.length, name.data);
	return memo->part;
}

/* ISO weeks: the week belongs to the year that its Thursday is in. */
int64_t
iso_week(int64_t days, int64_t *year)
{
	int64_t	  thursday = days - weekday_of_days(days) + 4;
	CivilDate date = civil_from_days(thursday);

	if (year != NULL)
		*year = date.year;
	return (thursday - days_from_civil(date.year, 1, 1)) / 7 + 1;
}

/* Century 1 begins with the year 1; there is no year 0 before it. */
static int64_t
count_from_one(int64_t year, int64_t length)
{
	return year > 0 ? (year - 1) / length + 1 : -((-year) / length + 1);
}

static int64_t
part_value(Part part, int64_t days, int64_t ms_of_day)
{
	CivilDate date;
	int64_t	  year;

	switch (part) {
	case PART_HOUR:
		return ms_of_day / 3600000;
	case PART_MINUTE:
		return ms_of_day / 60000 % 60;
	case PART_SECOND:
		return ms_of_day / 1000 % 60;
	case PART_MILLISECOND:
		return ms_of_day % 60000;
	case PART_MICROSECOND:
		return ms_of_day % 60000 * 1000;
	case PART_EPOCH:
		return days * 86400 + ms_of_day / 1000;
	case PART_DOW:
		return weekday_of_days(days) % 7;
	case PART_ISODOW:
		return weekday_of_days(days);
	case PART_WEEK:
		return iso_week(days, NULL);
	case PART_ISOYEAR:
		iso_week(days, &year);
		return year;
	default:
		break;
	}
	date = civil_from_days(days);
	switch (part) {
	case PART_MILLENNIUM:
		return count_from_one(date.year, 1000);
	case PART_CENTURY:
		return count_from_one(date.year, 100);
	case PART_DECADE:
		return floor_div64(date.year, 10);
	case PART_YEAR:
		return date.year;
	case PART_QUARTER:
		return (date.month + 2) / 3;
	case PART_MONTH:
		return date.month;
	case PART_DAY:
		return date.day;
	default:
		return day_of_year(date);
	}
}

static void
one_part(const Vector *times, int32_t n_rows, Vector *out, Part part)
{
	int64_t days, ms, last_days = INT64_MIN, last = 0;
	bool	within_day = part >= PART_HOUR;

	/* Neighbours often are of the same day. */
	for (int32_t i = 0; i < n_rows; i++) {
		read_time(times, i, &days, &ms);
		if (within_day || days != last_days) {
			last_days = days;
			last = part_value(part, days, ms);
		}
		((int64_t *)out->data)[i] = last;
	}
}

/* The part that a constant argument names; PART_NONE if it is not constant, NULL or unknown. */
static Part
constant_part(const Vector *names, int32_t n_rows)
{
	return names->form == VECTOR_CONSTANT && n_rows > 0 && arg_valid(names, 0) ? part_of(arg_str(names, 0)) : PART_NONE;
}

static void
date_part(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	PartMemo memo = {0};
	Part	 constant = constant_part(call->args[0], n_rows);

	if (constant != PART_NONE) {
		one_part(call->args[1], n_rows, out, constant);
		return;
	}
	for (int32_t i = 0; i < n_rows; i++) {
		int64_t days, ms;
		Part	part;

		if (!call_row_valid(call, i) || (part = part_get(&memo, call, i, 0)) == PART_NONE)
			continue;
		read_time(call->args[1], i, &days, &ms);
		((int64_t *)out->data)[i] = part_value(part, days, ms);
	}
}

static int64_t
interval_part(Part part, Interval v)
{
	switch (part) {
	case PART_MILLENNIUM:
		return v.months / 12000;
	case PART_CENTURY:
		return v.months / 1200;
	case PART_DECADE:
		return v.months / 120;
	case PART_YEAR:
		return v.months / 12;
	case PART_QUARTER:
		return v.months % 12 / 3 + 1;
	case PART_MONTH:
		return v.months % 12;
	case PART_DAY:
		return v.days;
	case PART_HOUR:
		return v.micros / 3600000000;
	case PART_MINUTE:
		return v.micros / 60000000 % 60;
	case PART_SECOND:
		return v.micros / 1000000 % 60;
	case PART_MILLISECOND:
		return v.micros / 1000 % 60000;
	case PART_MICROSECOND:
		return v.micros % 60000000;
	default:
		/* EPOCH, with years of 365.25 days and months of 30, as PostgreSQL */
		return v.months / 12 * 31557600 + v.months % 12 * (int64_t)2592000 + v.days * (int64_t)86400 + v.micros / 1000000;
	}
}

static bool
part_is_of_interval(Part part)
{
	return part != PART_NONE && part != PART_WEEK && part != PART_DOW && part != PART_ISODOW && part != PART_DOY && part != PART_ISOYEAR;
}

static void
date_part_interval(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	PartMemo memo = {0};

	for (int32_t i = 0; i < n_rows; i++) {
		Part part;

		if (!call_row_valid(call, i) || (part = part_get(&memo, call, i, 0)) == PART_NONE)
			continue;
		if (!part_is_of_interval(part))
			eval_fail(call->context, i, "An INTERVAL has no such part");
		else
			((int64_t *)out->data)[i] = interval_part(part, ((const Interval *)call->args[1]->data)[arg_index(call->args[1], i)]);
	}
}

#define PART_KERNEL(name, part)                                             \
	static void name(const ScalarCall *call, int32_t n_rows, Vector *out)   \
	{                                                                       \
		one_part(call->args[0], n_rows, out, part);                                  \
	}

PART_KERNEL(year_of, PART_YEAR)
PART_KERNEL(quarter_of, PART_QUARTER)
PART_KERNEL(century_of, PART_CENTURY)
PART_KERNEL(decade_of, PART_DECADE)
PART_KERNEL(millennium_of, PART_MILLENNIUM)
PART_KERNEL(isoyear_of, PART_ISOYEAR)
PART_KERNEL(month_of, PART_MONTH)
PART_KERNEL(week_of, PART_WEEK)

/* The ISO year and week as one number: 202401. */
static void
yearweek_of(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	for (int32_t i = 0; i < n_rows; i++) {
		int64_t days, ms;

		read_time(call->args[0], i, &days, &ms);
		((int64_t *)out->data)[i] = part_value(PART_ISOYEAR, days, 0) * 100 + part_value(PART_WEEK, days, 0);
	}
}

PART_KERNEL(day_of, PART_DAY)
PART_KERNEL(dow_of, PART_DOW)
PART_KERNEL(isodow_of, PART_ISODOW)
PART_KERNEL(doy_of, PART_DOY)
PART_KERNEL(hour_of, PART_HOUR)
PART_KERNEL(minute_of, PART_MINUTE)
PART_KERNEL(second_of, PART_SECOND)

const char *const day_names[7] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
const char *const month_names[12] = {"January", "February", "March",	  "April",	 "May",		 "June",
										  "July",	 "August",	 "September", "October", "November", "December"};

static void
set_names(const ScalarCall *call, int32_t n_rows, Vector *out, Part part, const char *const *names, int first)
{
	for (int32_t i = 0; i < n_rows; i++) {
		int64_t		days, ms;
		const char *name;

		read_time(call->args[0], i, &days, &ms);
		name = names[part_value(part, days, ms) - first];
		((StrView *)out->data)[i] = str_view_make(name, strlen(name));
	}
	out->is_ascii = true;
}

static void
day_name(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	set_names(call, n_rows, out, PART_DOW, day_names, 0);
}

static void
month_name(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	set_names(call, n_rows, out, PART_MONTH, month_names, 1);
}

/* ---- truncation ---- */

/* The first day of the period that a day is in; parts within a day leave it as it is. */
static int64_t
trunc_days(Part part, int64_t days)
{
	CivilDate date;
	int64_t	  year;

	switch (part) {
	case PART_WEEK:
		return days - weekday_of_days(days) + 1;
	case PART_ISOYEAR:
		iso_week(days, &year);
		days = days_from_civil(year, 1, 4);		/* 4 January is always in the first week */
		return days - weekday_of_days(days) + 1;
	case PART_MONTH:
		return days - civil_from_days(days).day + 1;
	case PART_QUARTER:
		date = civil_from_days(days);
		return days_from_civil(date.year, (date.month - 1) / 3 * 3 + 1, 1);
	case PART_YEAR:
		return days_from_civil(civil_from_days(days).year, 1, 1);
	case PART_DECADE:
		return days_from_civil(floor_div64(civil_from_days(days).year, 10) * 10, 1, 1);
	case PART_CENTURY:
		return days_from_civil(floor_div64(civil_from_days(days).year - 1, 100) * 100 + 1, 1, 1);
	case PART_MILLENNIUM:
		return days_from_civil(floor_div64(civil_from_days(days).year - 1, 1000) * 1000 + 1, 1, 1);
	default:
		return days;
	}
}

/* Milliseconds of a part that is a fixed time, 0 for the others. */
static int64_t
part_ms(Part part)
{
	switch (part) {
	case PART_MICROSECOND:
	case PART_MILLISECOND:
		return 1;
	case PART_SECOND:
	case PART_EPOCH:
		return 1000;
	case PART_MINUTE:
		return 60000;
	case PART_HOUR:
		return 3600000;
	case PART_DAY:
	case PART_DOW:
	case PART_ISODOW:
	case PART_DOY:
		return MS_PER_DAY;
	default:
		return 0;
	}
}

/* Division by a number that the compiler knows is several times faster. */
#define TRUNC_LOOP(unit)                                            \
	for (int32_t i = 0; i < n_rows; i++)                            \
		result[i] = difference(t[i * step], floor_mod64(t[i * step], unit))

static void
trunc_constant(const Vector *times, int32_t n_rows, int64_t *result, Part part)
{
	const int64_t *t = times->data;
	int64_t		   last_days = INT64_MIN, last = 0;
	int			   step = arg_step(times);

	switch (part_ms(part)) {
	case 1:
		TRUNC_LOOP(1);
		break;
	case 1000:
		TRUNC_LOOP(1000);
		break;
	case 60000:
		TRUNC_LOOP(60000);
		break;
	case 3600000:
		TRUNC_LOOP(3600000);
		break;
	case MS_PER_DAY:
		TRUNC_LOOP(MS_PER_DAY);
		break;
	default:
		/* Neighbours often are of the same day. */
		for (int32_t i = 0; i < n_rows; i++) {
			int64_t days = floor_div64(t[i * step], MS_PER_DAY);

			if (days != last_days) {
				last_days = days;
				last = timestamp_of(trunc_days(part, days), 0);
			}
			result[i] = last;
		}
		break;
	}
}

static void
date_trunc(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector *times = call->args[1];
	PartMemo	  memo = {0};
	int64_t		  unit;

	Part		  constant = constant_part(call->args[0], n_rows);

	if (constant != PART_NONE) {
		trunc_constant(times, n_rows, out->data, constant);
		return;
	}
	for (int32_t i = 0; i < n_rows; i++) {
		int64_t t;
		Part	part;

		if (!call_row_valid(call, i) || (part = part_get(&memo, call, i, 0)) == PART_NONE)
			continue;
		t = arg_int64(times, i);
		unit = part_ms(part);
		((int64_t *)out->data)[i] = unit > 0 ? difference(t, floor_mod64(t, unit)) : timestamp_of(trunc_days(part, floor_div64(t, MS_PER_DAY)), 0);
	}
}

static void
date_trunc_date(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	PartMemo memo = {0};

	for (int32_t i = 0; i < n_rows; i++) {
		Part	part;

		if (call_row_valid(call, i) && (part = part_get(&memo, call, i, 0)) != PART_NONE)
			((int32_t *)out->data)[i] = (int32_t)trunc_days(part, arg_int32(call->args[1], i));
	}
}

static void
last_day(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	for (int32_t i = 0; i < n_rows; i++) {
		int64_t	  days, ms;
		CivilDate date;

		read_time(call->args[0], i, &days, &ms);
		date = civil_from_days(days);
		((int32_t *)out->data)[i] = (int32_t)days_from_civil(date.year, date.month, month_length(date.year, date.month));
	}
}

/*
 * TIME_BUCKET: the beginning of the interval of a given length that holds the time.  Lengths of days begin at Monday
 * 2000-01-03, lengths of months at 2000-01-01.
 */
static bool
time_bucket(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	Interval width = args[0].interval;
	int64_t	 t = args[1].integer, width_ms = width.days * MS_PER_DAY + width.micros / 1000, origin;

	if (args[1].type->kind == TYPE_DATE)
		t *= MS_PER_DAY;
	if (width.months > 0 && width_ms == 0) {
		CivilDate date = civil_from_days(floor_div64(t, MS_PER_DAY));
		int64_t	  months = (date.year - 2000) * 12 + date.month - 1;

		months -= floor_mod64(months, width.months);
		t = timestamp_of(days_from_civil(2000 + floor_div64(months, 12), (int)floor_mod64(months, 12) + 1, 1), 0);
	} else if (width.months == 0 && width_ms > 0) {
		origin = call->n_args > 2 ? args[2].integer : days_from_civil(2000, 1, 3) * MS_PER_DAY;
		t = difference(t, floor_mod64(difference(t, origin), width_ms));
	} else {
		eval_fail(call->context, row, "The length of a time bucket must be positive, and of months or of a fixed time");
		return false;
	}
	return value_set_integer(out, args[1].type->kind == TYPE_DATE ? floor_div64(t, MS_PER_DAY) : t);
}

/* ---- arithmetic ---- */

/* Months on: a day that the month does not have becomes its last one. */
static int64_t
days_add_months(int64_t days, int64_t n)
{
	CivilDate date = civil_from_days(days);
	int64_t	  months = date.year * 12 + date.month - 1 + n, year = floor_div64(months, 12);
	int		  month = (int)floor_mod64(months, 12) + 1, length = month_length(year, month);

	return days_from_civil(year, month, date.day < length ? date.day : length);
}

static int64_t
part_months(Part part)
{
	switch (part) {
	case PART_MONTH:
		return 1;
	case PART_QUARTER:
		return 3;
	case PART_YEAR:
	case PART_ISOYEAR:
		return 12;
	case PART_DECADE:
		return 120;
	case PART_CENTURY:
		return 1200;
	case PART_MILLENNIUM:
		return 12000;
	default:
		return 0;
	}
}

static int64_t
time_add(int64_t t, Part part, int64_t n)
{
	int64_t months = part_months(part), days = floor_div64(t, MS_PER_DAY);

	if (months > 0)
		return timestamp_of(days_add_months(days, months * n), floor_mod64(t, MS_PER_DAY));
	if (part == PART_MICROSECOND)
		return add_wrapping(t, n / 1000);
	return add_wrapping(t, multiply_wrapping(n, part == PART_WEEK ? 7 * MS_PER_DAY : part_ms(part)));
}

/* DATE_ADD('month', 1, t). */
static void
date_add(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	PartMemo memo = {0};

	for (int32_t i = 0; i < n_rows; i++) {
		Part	part;
		int64_t n;

		if (!call_row_valid(call, i) || (part = part_get(&memo, call, i, 0)) == PART_NONE)
			continue;
		n = arg_int64(call->args[1], i);
		if (n > INT32_MAX * INT64_C(1000) || n < INT32_MIN * INT64_C(1000) || (part_months(part) > 0 && (n > 120000 || n < -120000)))
			eval_fail(call->context, i, "The number of units %lld is too large", (long long)n);
		else if (out->type->kind == TYPE_DATE)
			((int32_t *)out->data)[i] =
				(int32_t)floor_div64(time_add((int64_t)arg_int32(call->args[2], i) * MS_PER_DAY, part, n), MS_PER_DAY);
		else
			((int64_t *)out->data)[i] = time_add(arg_int64(call->args[2], i), part, n);
	}
}

int64_t
calendar_add_interval(int64_t t, Interval by, int sign)
{
	int64_t days = floor_div64(t, MS_PER_DAY), ms = floor_mod64(t, MS_PER_DAY);

	if (by.months != 0)
		days = days_add_months(days, (int64_t)sign * by.months);
	return timestamp_of(days + (int64_t)sign * by.days, add_wrapping(ms, sign * (by.micros / 1000)));
}

static bool
add_interval(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	int		sign = strcmp(call->function->name, "DATE_SUB") == 0 ? -1 : 1;
	int64_t t = args[0].type->kind == TYPE_DATE ? args[0].integer * MS_PER_DAY : args[0].integer;

	(void)row;
	return value_set_integer(out, calendar_add_interval(t, args[1].interval, sign));
}

/* AGE(to, from): the years and months, days and time between, as one would count them on a calendar. */
static bool
age(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	int64_t	  to = args[0].integer, from = args[1].integer, months, days, ms;
	int		  sign = 1;
	CivilDate a, b;

	(void)call;
	(void)row;
	if (to < from) {
		sign = -1;
		to = args[1].integer;
		from = args[0].integer;
	}
	a = civil_from_days(floor_div64(from, MS_PER_DAY));
	b = civil_from_days(floor_div64(to, MS_PER_DAY));
	months = (b.year - a.year) * 12 + b.month - a.month;
	days = b.day - a.day;
	ms = floor_mod64(to, MS_PER_DAY) - floor_mod64(from, MS_PER_DAY);
	if (ms < 0) {
		ms += MS_PER_DAY;
		days--;
	}
	/* PostgreSQL borrows the days of the month that the earlier time is in; of the later one's, if the result is below zero. */
	if (days < 0) {
		days += sign > 0 ? month_length(a.year, a.month) : month_length(b.year, b.month);
		months--;
	}
	out->is_null = false;
	out->interval = (Interval){sign * (int32_t)months, sign * (int32_t)days, sign * ms * 1000};
	return true;
}

/* How many boundaries of the unit lie between two times. */
static int64_t
boundaries(Part part, int64_t from, int64_t to)
{
	int64_t unit = part_ms(part), from_days = floor_div64(from, MS_PER_DAY), to_days = floor_div64(to, MS_PER_DAY);

	if (part == PART_MICROSECOND)
		return multiply_wrapping(difference(to, from), 1000);
	if (unit > 0)
		return floor_div64(to, unit) - floor_div64(from, unit);
	if (part == PART_WEEK)
		return (trunc_days(PART_WEEK, to_days) - trunc_days(PART_WEEK, from_days)) / 7;
	if (part == PART_ISOYEAR)
		return part_value(PART_ISOYEAR, to_days, 0) - part_value(PART_ISOYEAR, from_days, 0);
	if (part == PART_MONTH || part == PART_QUARTER || part == PART_YEAR) {
		CivilDate a = civil_from_days(from_days), b = civil_from_days(to_days);
		int64_t	  months = part_months(part);

		return floor_div64(b.year * 12 + b.month - 1, months) - floor_div64(a.year * 12 + a.month - 1, months);
	}
	return part_value(part, to_days, 0) - part_value(part, from_days, 0);
}

static void
date_diff(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	PartMemo memo = {0};

	for (int32_t i = 0; i < n_rows; i++) {
		int64_t from_days, from_ms, to_days, to_ms;
		Part	part;

		if (!call_row_valid(call, i) || (part = part_get(&memo, call, i, 0)) == PART_NONE)
			continue;
		read_time(call->args[1], i, &from_days, &from_ms);
		read_time(call->args[2], i, &to_days, &to_ms);
		((int64_t *)out->data)[i] = boundaries(part, timestamp_of(from_days, from_ms), timestamp_of(to_days, to_ms));
	}
}

/* ---- making ---- */

static bool
check_date(const ScalarCall *call, int32_t row, int64_t year, int64_t month, int64_t day)
{
	if (year >= -200000 && year <= 200000 && month >= 1 && month <= 12 && day >= 1 && day <= month_length(year, (int)month))
		return true;
	eval_fail(call->context, row, "There is no date %lld-%02lld-%02lld", (long long)year, (long long)month, (long long)day);
	return false;
}

static bool
make_date(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	return check_date(call, row, args[0].integer, args[1].integer, args[2].integer) &&
		   value_set_integer(out, days_from_civil(args[0].integer, (int)args[1].integer, (int)args[2].integer));
}

static bool
time_of_parts(const ScalarCall *call, int32_t row, const Value *args, int64_t *ms)
{
	int64_t hour = args[0].integer, minute = args[1].integer;
	double	second = args[2].number;

	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || !(second >= 0 && second < 60)) {
		eval_fail(call->context, row, "There is no time %lld:%02lld:%g", (long long)hour, (long long)minute, second);
		return false;
	}
	*ms = hour * 3600000 + minute * 60000 + (int64_t)floor(second * 1000 + 0.5);
	return true;
}

static bool
make_time(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	int64_t ms;

	return time_of_parts(call, row, args, &ms) && value_set_integer(out, ms % MS_PER_DAY);
}

static bool
make_timestamp(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	int64_t ms;

	return check_date(call, row, args[0].integer, args[1].integer, args[2].integer) &&
		   time_of_parts(call, row, args + 3, &ms) &&
		   value_set_integer(out, days_from_civil(args[0].integer, (int)args[1].integer, (int)args[2].integer) * MS_PER_DAY + ms);
}

static void
to_timestamp(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	for (int32_t i = 0; i < n_rows; i++)
		((int64_t *)out->data)[i] = double_to_int64_saturating(floor(arg_double(call->args[0], i) * 1000 + 0.5));
}

static void
epoch_seconds(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	for (int32_t i = 0; i < n_rows; i++)
		((double *)out->data)[i] = (double)arg_int64(call->args[0], i) / 1000;
}

static void
same_int64(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	for (int32_t i = 0; i < n_rows; i++)
		((int64_t *)out->data)[i] = arg_int64(call->args[0], i);
}

static void
epoch_micros(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	for (int32_t i = 0; i < n_rows; i++)
		((int64_t *)out->data)[i] = multiply_wrapping(arg_int64(call->args[0], i), 1000);
}

/* ---- the rows ---- */

#define OF_DATE(name, kernel, ...)                                                           \
	FUNCTION(name, "(DATE) -> BIGINT", kernel, NULL_IN, BOTH, __VA_ARGS__),                  \
	FUNCTION(name, "(TIMESTAMP) -> BIGINT", kernel, NULL_IN, BOTH, __VA_ARGS__)
#define OF_DATE_STANDARD(name, kernel, ...)                                                  \
	FUNCTION(name, "(DATE) -> BIGINT", kernel, NULL_IN, STANDARD, __VA_ARGS__),              \
	FUNCTION(name, "(TIMESTAMP) -> BIGINT", kernel, NULL_IN, STANDARD, __VA_ARGS__)
#define OF_TIME(name, kernel, ...)                                                           \
	FUNCTION(name, "(TIMESTAMP) -> BIGINT", kernel, NULL_IN, BOTH, __VA_ARGS__),             \
	FUNCTION(name, "(TIME) -> BIGINT", kernel, NULL_IN, BOTH, __VA_ARGS__)
#define ADD_ROWS(name, ...)                                                                                    \
	FUNCTION(name, "(STRING, BIGINT, TIMESTAMP) -> TIMESTAMP", date_add, NULL_IN, STANDARD, __VA_ARGS__),      \
	FUNCTION(name, "(STRING, BIGINT, DATE) -> DATE", date_add, NULL_IN, STANDARD, __VA_ARGS__)
#define DIFF_ROWS(name, ...)                                                                                   \
	FUNCTION(name, "(STRING, TIMESTAMP, TIMESTAMP) -> BIGINT", date_diff, NULL_IN, BOTH, __VA_ARGS__),         \
	FUNCTION(name, "(STRING, DATE, DATE) -> BIGINT", date_diff, NULL_IN, BOTH, __VA_ARGS__)

#define PART_TEXT "A part of a date or time: year, quarter, month, week, day, dow, doy, hour, minute, second, epoch and others."
#define TRUNC_TEXT "The time cut off to the beginning of its year, quarter, month, week, day, hour, minute or second."
#define ADD_TEXT "A date or time moved by a number of units such as 'month'."
#define DIFF_TEXT "How many boundaries of a unit such as 'month' lie between two times."

const ScalarFunction scalar_calendar_functions[] = {
	FUNCTION_ROWS("AGE", "(TIMESTAMP, TIMESTAMP) -> INTERVAL", age, NULL_IN, STANDARD,
				  "The time between two timestamps as years, months, days and time of day.",
				  "AGE(MAKE_TIMESTAMP(2024, 3, 1, 0, 0, 0), MAKE_TIMESTAMP(2023, 1, 15, 0, 0, 0))", NULL),
	OF_DATE_STANDARD("CENTURY", century_of, "The century, the first of which began with the year 1.", "CENTURY(CAST('2024-05-17' AS DATE))", "21"),
	ADD_ROWS("DATEADD", ADD_TEXT, "DATEADD('month', 1, CAST('2024-01-31' AS DATE))", "2024-02-29"),
	DIFF_ROWS("DATEDIFF", DIFF_TEXT, "DATEDIFF('day', FROM_DAYS(0), FROM_DAYS(3))", "3"),
	FUNCTION("DATEPART", "(STRING, TIMESTAMP) -> BIGINT", date_part, NULL_IN, BOTH, PART_TEXT, NULL, NULL),
	FUNCTION("DATEPART", "(STRING, DATE) -> BIGINT", date_part, NULL_IN, BOTH, PART_TEXT,
			 "DATEPART('month', CAST('2024-05-17' AS DATE))", "5"),
	ADD_ROWS("DATE_ADD", ADD_TEXT, "DATE_ADD('month', 1, CAST('2024-01-31' AS DATE))", "2024-02-29"),
	FUNCTION_ROWS("DATE_BIN", "(INTERVAL, TIMESTAMP, TIMESTAMP) -> TIMESTAMP", time_bucket, NULL_IN, STANDARD,
				  "The beginning of the interval of a given length, counted from an origin, that holds a time.", NULL, NULL),
	FUNCTION_ROWS("DATE_ADD", "(TIMESTAMP, INTERVAL) -> TIMESTAMP", add_interval, NULL_IN, STANDARD,
				  "A date or time moved on by an interval.", NULL, NULL),
	FUNCTION_ROWS("DATE_ADD", "(DATE, INTERVAL) -> TIMESTAMP", add_interval, NULL_IN, STANDARD,
				  "A date or time moved on by an interval.", NULL, NULL),
	FUNCTION("DATETRUNC", "(STRING, TIMESTAMP) -> TIMESTAMP", date_trunc, NULL_IN, STANDARD, TRUNC_TEXT, NULL, NULL),
	FUNCTION("DATETRUNC", "(STRING, DATE) -> DATE", date_trunc_date, NULL_IN, STANDARD, TRUNC_TEXT,
			 "DATETRUNC('month', CAST('2024-05-17' AS DATE))", "2024-05-01"),
	DIFF_ROWS("DATE_DIFF", DIFF_TEXT, "DATE_DIFF('day', FROM_DAYS(0), FROM_DAYS(3))", "3"),
	FUNCTION("DATE_PART", "(STRING, TIMESTAMP) -> BIGINT", date_part, NULL_IN, BOTH, PART_TEXT, NULL, NULL),
	FUNCTION("DATE_PART", "(STRING, DATE) -> BIGINT", date_part, NULL_IN, BOTH, PART_TEXT,
			 "DATE_PART('month', CAST('2024-05-17' AS DATE))", "5"),
	FUNCTION("DATE_PART", "(STRING, TIME) -> BIGINT", date_part, NULL_IN, BOTH, PART_TEXT, NULL, NULL),
	FUNCTION("DATE_PART", "(STRING, INTERVAL) -> BIGINT", date_part_interval, NULL_IN, STANDARD, PART_TEXT, NULL, NULL),
	FUNCTION_ROWS("DATE_SUB", "(TIMESTAMP, INTERVAL) -> TIMESTAMP", add_interval, NULL_IN, STANDARD,
				  "A date or time moved back by an interval.", NULL, NULL),
	FUNCTION_ROWS("DATE_SUB", "(DATE, INTERVAL) -> TIMESTAMP", add_interval, NULL_IN, STANDARD,
				  "A date or time moved back by an interval.", NULL, NULL),
	FUNCTION("DATE_TRUNC", "(STRING, TIMESTAMP) -> TIMESTAMP", date_trunc, NULL_IN, BOTH, TRUNC_TEXT,
			 "UNIX_TIMESTAMP(DATE_TRUNC('hour', FROM_UNIXTIME(3700000)))", "3600000"),
	FUNCTION("DATE_TRUNC", "(STRING, DATE) -> DATE", date_trunc_date, NULL_IN, BOTH, TRUNC_TEXT,
			 "DATE_TRUNC('month', CAST('2024-05-17' AS DATE))", "2024-05-01"),
	OF_DATE("DAY", day_of, "The day of the month.", "DAY(CAST('2024-05-17' AS DATE))", "17"),
	FUNCTION("DAYNAME", "(DATE) -> STRING", day_name, NULL_IN, BOTH, "The English name of the day of the week.",
			 "DAYNAME(CAST('2024-05-17' AS DATE))", "Friday"),
	FUNCTION("DAYNAME", "(TIMESTAMP) -> STRING", day_name, NULL_IN, BOTH, "The English name of the day of the week.", NULL, NULL),
	OF_DATE("DAYOFMONTH", day_of, "The day of the month.", "DAYOFMONTH(CAST('2024-05-17' AS DATE))", "17"),
	OF_DATE("DAYOFWEEK", dow_of, "The day of the week from 0, Sunday, to 6.", "DAYOFWEEK(CAST('2024-05-17' AS DATE))", "5"),
	OF_DATE("DAYOFYEAR", doy_of, "The day of the year, from 1.", "DAYOFYEAR(CAST('2024-02-01' AS DATE))", "32"),
	OF_DATE_STANDARD("DECADE", decade_of, "The year without its last digit.", "DECADE(CAST('2024-05-17' AS DATE))", "202"),
	FUNCTION("EPOCH", "(TIMESTAMP) -> DOUBLE", epoch_seconds, NULL_IN, BOTH, "Seconds since 1970-01-01 UTC.",
			 "EPOCH(FROM_UNIXTIME(1500))", "1.5"),
	FUNCTION("EPOCH_MS", "(TIMESTAMP) -> BIGINT", same_int64, NULL_IN, BOTH,
			 "Milliseconds since 1970-01-01 UTC of a timestamp, or the timestamp of so many.", "EPOCH_MS(FROM_UNIXTIME(7))", "7"),
	FUNCTION("EPOCH_MS", "(BIGINT) -> TIMESTAMP", same_int64, NULL_IN, BOTH,
			 "Milliseconds since 1970-01-01 UTC of a timestamp, or the timestamp of so many.", "EPOCH_MS(EPOCH_MS(7))", "7"),
	FUNCTION("EPOCH_US", "(TIMESTAMP) -> BIGINT", epoch_micros, NULL_IN, STANDARD, "Microseconds since 1970-01-01 UTC.", "EPOCH_US(FROM_UNIXTIME(7))", "7000"),
	OF_TIME("HOUR", hour_of, "The hour, from 0 to 23.", "HOUR(FROM_UNIXTIME(3600000))", "1"),
	FUNCTION_ROWS("GENERATE_SERIES", "(TIMESTAMP, TIMESTAMP, INTERVAL) -> ARRAY<TIMESTAMP>", time_series, NULL_IN, STANDARD,
				  "The times from one to another, both included, at a distance.", NULL, NULL),
	FUNCTION_ROWS("GENERATE_SERIES", "(DATE, DATE, INTERVAL) -> ARRAY<TIMESTAMP>", time_series, NULL_IN, STANDARD,
				  "The times from one to another, both included, at a distance.", NULL, NULL),
	OF_DATE("ISODOW", isodow_of, "The day of the week from 1, Monday, to 7.", "ISODOW(CAST('2024-05-19' AS DATE))", "7"),
	OF_DATE_STANDARD("ISOYEAR", isoyear_of, "The year that the ISO week belongs to.", "ISOYEAR(CAST('2024-12-30' AS DATE))", "2025"),
	FUNCTION("LAST_DAY", "(DATE) -> DATE", last_day, NULL_IN, BOTH, "The last day of the month.",
			 "LAST_DAY(CAST('2024-02-01' AS DATE))", "2024-02-29"),
	FUNCTION("LAST_DAY", "(TIMESTAMP) -> DATE", last_day, NULL_IN, BOTH, "The last day of the month.", NULL, NULL),
	FUNCTION_ROWS("MAKE_DATE", "(INTEGER, INTEGER, INTEGER) -> DATE", make_date, NULL_IN, BOTH,
				  "The date of a year, month and day.", "MAKE_DATE(2024, 5, 17)", "2024-05-17"),
	FUNCTION_ROWS("MAKE_TIME", "(INTEGER, INTEGER, DOUBLE) -> TIME", make_time, NULL_IN, BOTH,
				  "The time of day of an hour, minute and second.", "HOUR(MAKE_TIME(10, 30, 0))", "10"),
	FUNCTION_ROWS("MAKE_TIMESTAMP", "(INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, DOUBLE) -> TIMESTAMP", make_timestamp,
				  NULL_IN, BOTH, "The timestamp of a year, month, day, hour, minute and second.",
				  "EPOCH_MS(MAKE_TIMESTAMP(1970, 1, 1, 0, 0, 1.5))", "1500"),
	OF_DATE_STANDARD("MILLENNIUM", millennium_of, "The millennium, the first of which began with the year 1.",
					 "MILLENNIUM(CAST('2024-05-17' AS DATE))", "3"),
	OF_TIME("MINUTE", minute_of, "The minute, from 0 to 59.", "MINUTE(FROM_UNIXTIME(61000))", "1"),
	OF_DATE("MONTH", month_of, "The month, from 1.", "MONTH(CAST('2024-05-17' AS DATE))", "5"),
	FUNCTION("MONTHNAME", "(DATE) -> STRING", month_name, NULL_IN, BOTH, "The English name of the month.",
			 "MONTHNAME(CAST('2024-05-17' AS DATE))", "May"),
	FUNCTION("MONTHNAME", "(TIMESTAMP) -> STRING", month_name, NULL_IN, BOTH, "The English name of the month.", NULL, NULL),
	OF_DATE("QUARTER", quarter_of, "The quarter of the year, from 1.", "QUARTER(CAST('2024-05-17' AS DATE))", "2"),
	FUNCTION_ROWS("RANGE", "(TIMESTAMP, TIMESTAMP, INTERVAL) -> ARRAY<TIMESTAMP>", time_series, NULL_IN, STANDARD,
				  "The times from one up to but not including another, at a distance.", NULL, NULL),
	FUNCTION_ROWS("RANGE", "(DATE, DATE, INTERVAL) -> ARRAY<TIMESTAMP>", time_series, NULL_IN, STANDARD,
				  "The times from one up to but not including another, at a distance.", NULL, NULL),
	OF_TIME("SECOND", second_of, "The second, from 0 to 59.", "SECOND(FROM_UNIXTIME(61000))", "1"),
	FUNCTION_ROWS("TIME_BUCKET", "(INTERVAL, TIMESTAMP) -> TIMESTAMP", time_bucket, NULL_IN, STANDARD,
				  "The beginning of the interval of a given length that holds a time.", NULL, NULL),
	FUNCTION_ROWS("TIME_BUCKET", "(INTERVAL, TIMESTAMP, TIMESTAMP) -> TIMESTAMP", time_bucket, NULL_IN, STANDARD,
				  "The beginning of the interval of a given length, counted from an origin, that holds a time.", NULL, NULL),
	FUNCTION_ROWS("TIME_BUCKET", "(INTERVAL, DATE) -> DATE", time_bucket, NULL_IN, STANDARD,
				  "The beginning of the interval of a given length that holds a date.", NULL, NULL),
	FUNCTION("TO_TIMESTAMP", "(DOUBLE) -> TIMESTAMP", to_timestamp, NULL_IN, BOTH,
			 "The timestamp that is a number of seconds after 1970-01-01 UTC.", "EPOCH_MS(TO_TIMESTAMP(1.5))", "1500"),
	OF_DATE("WEEK", week_of, "The ISO week of the year.", "WEEK(CAST('2024-05-17' AS DATE))", "20"),
	OF_DATE("WEEKOFYEAR", week_of, "The ISO week of the year.", "WEEKOFYEAR(CAST('2024-05-17' AS DATE))", "20"),
	OF_DATE("YEAR", year_of, "The year.", "YEAR(CAST('2024-05-17' AS DATE))", "2024"),
	OF_DATE_STANDARD("YEARWEEK", yearweek_of, "The ISO year and week as one number.", "YEARWEEK(CAST('2024-12-30' AS DATE))", "202501"),
	{.name = NULL},
};
