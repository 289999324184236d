/*
 * Calendar functions that analysts use: parts of dates and times, truncation, differences, C-style formats.  All times
 * are UTC.  Beyond ksqlDB; names and results as PostgreSQL and DuckDB have them.
 */
#include <math.h>

#include "data/double_text.h"
#include "data/time_text.h"
#include "exec/func/kernel.h"

/* Arithmetic of times far outside of any calendar wraps instead of being undefined. */
static inline int64_t
add_wrapping(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t
multiply_wrapping(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a * (uint64_t)b);
}

static inline int64_t
difference(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline int64_t
timestamp_of(int64_t days, int64_t ms)
{
	return add_wrapping(multiply_wrapping(days, MS_PER_DAY), ms);
}

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
static int64_t
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

/* Days and milliseconds of the day of a DATE, TIME or TIMESTAMP argument. */
static inline void
read_time(const Vector *v, int32_t row, int64_t *days, int64_t *ms)
{
	int64_t t;

	switch (v->type->kind) {
	case TYPE_DATE:
		*days = arg_int32(v, row);
		*ms = 0;
		break;
	case TYPE_TIME:
		*days = 0;
		*ms = arg_int32(v, row);
		break;
	default:
		t = arg_int64(v, row);
		*days = floor_div64(t, MS_PER_DAY);
		*ms = floor_mod64(t, MS_PER_DAY);
		break;
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

#define PART_KERNEL(name, part)                                             \
	static void name(const ScalarCall *call, int32_t n_rows, Vector *out)   \
	{                                                                       \
		one_part(call->args[0], n_rows, out, part);                                  \
	}

PART_KERNEL(year_of, PART_YEAR)
PART_KERNEL(quarter_of, PART_QUARTER)
PART_KERNEL(month_of, PART_MONTH)
PART_KERNEL(week_of, PART_WEEK)
PART_KERNEL(day_of, PART_DAY)
PART_KERNEL(dow_of, PART_DOW)
PART_KERNEL(isodow_of, PART_ISODOW)
PART_KERNEL(doy_of, PART_DOY)
PART_KERNEL(hour_of, PART_HOUR)
PART_KERNEL(minute_of, PART_MINUTE)
PART_KERNEL(second_of, PART_SECOND)

static const char *const day_names[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const month_names[] = {"January", "February", "March",	  "April",	 "May",		 "June",
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
		origin = days_from_civil(2000, 1, 3) * MS_PER_DAY;
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

static int64_t
interval_add(int64_t t, Interval by, int sign)
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
	return value_set_integer(out, interval_add(t, args[1].interval, sign));
}

/* AGE(to, from): the years and months, days and time between, as one would count them on a calendar. */
static bool
age(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	int64_t	  to = args[0].integer, from = args[1].integer, months, start, days, ms;
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
	start = time_add(from, PART_MONTH, months);
	if (start > to)
		start = time_add(from, PART_MONTH, --months);
	days = difference(to, start) / MS_PER_DAY;
	ms = difference(to, start) % MS_PER_DAY;
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

/* ---- C-style formats ---- */

/* At least `width` digits, with zeros (or another filler) before them. */
static void
add_digits(StrBuf *buf, int64_t n, int width, char filler)
{
	char	text[24];
	int		at = sizeof text;

	if (n < 0) {
		strbuf_add_char(buf, '-');
		n = -n;
	}
	do {
		text[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	while ((int)sizeof text - at < width)
		text[--at] = filler;
	strbuf_add(buf, text + at, sizeof text - (size_t)at);
}

/* One specifier; false for a letter that is not known. */
static bool
format_specifier(StrBuf *buf, char letter, bool no_pad, int64_t days, int64_t ms)
{
	CivilDate date = civil_from_days(days);
	int		  hour = (int)(ms / 3600000), hour12 = hour % 12 == 0 ? 12 : hour % 12, weekday = weekday_of_days(days) % 7;
	int		  width = no_pad ? 1 : 2, long_width = no_pad ? 1 : 3;
	int64_t	  year;

	switch (letter) {
	case 'Y':
		add_digits(buf, date.year, 4, '0');
		break;
	case 'y':
		add_digits(buf, (int)floor_mod64(date.year, 100), width, '0');
		break;
	case 'm':
		add_digits(buf, date.month, width, '0');
		break;
	case 'B':
		strbuf_add_text(buf, month_names[date.month - 1]);
		break;
	case 'b':
	case 'h':
		strbuf_add(buf, month_names[date.month - 1], 3);
		break;
	case 'd':
		add_digits(buf, date.day, width, '0');
		break;
	case 'e':
		add_digits(buf, date.day, width, ' ');
		break;
	case 'A':
		strbuf_add_text(buf, day_names[weekday]);
		break;
	case 'a':
		strbuf_add(buf, day_names[weekday], 3);
		break;
	case 'w':
		add_digits(buf, weekday, 1, '0');
		break;
	case 'u':
		add_digits(buf, weekday_of_days(days), 1, '0');
		break;
	case 'j':
		add_digits(buf, day_of_year(date), long_width, '0');
		break;
	case 'H':
		add_digits(buf, hour, width, '0');
		break;
	case 'I':
		add_digits(buf, hour12, width, '0');
		break;
	case 'M':
		add_digits(buf, (int)(ms / 60000 % 60), width, '0');
		break;
	case 'S':
		add_digits(buf, (int)(ms / 1000 % 60), width, '0');
		break;
	case 'g':
	case 'L':
		add_digits(buf, ms % 1000, 3, '0');
		break;
	case 'f':
		add_digits(buf, ms % 1000 * 1000, 6, '0');
		break;
	case 'p':
		strbuf_add_text(buf, hour < 12 ? "AM" : "PM");
		break;
	case 'G':
		iso_week(days, &year);
		add_digits(buf, year, 4, '0');
		break;
	case 'V':
		add_digits(buf, (int)iso_week(days, NULL), width, '0');
		break;
	case 's':
		add_digits(buf, days * 86400 + ms / 1000, 1, '0');
		break;
	case 'z':
		strbuf_add_text(buf, "+00");
		break;
	case 'Z':
		strbuf_add_text(buf, "UTC");
		break;
	case 'n':
		strbuf_add_char(buf, '\n');
		break;
	case 't':
		strbuf_add_char(buf, '\t');
		break;
	case '%':
		strbuf_add_char(buf, '%');
		break;
	default:
		return false;
	}
	return true;
}

/* Specifiers that stand for several others. */
static Str
specifier_expand(char letter)
{
	switch (letter) {
	case 'F':
	case 'x':
		return STR("%Y-%m-%d");
	case 'T':
	case 'X':
		return STR("%H:%M:%S");
	case 'R':
		return STR("%H:%M");
	case 'D':
		return STR("%m/%d/%y");
	case 'c':
		return STR("%Y-%m-%d %H:%M:%S");
	default:
		return (Str){NULL, 0};
	}
}

static bool
format_c(StrBuf *buf, Str format, int64_t days, int64_t ms, char *unknown)
{
	for (size_t i = 0; i < format.length; i++) {
		bool	no_pad = false;
		Str		expanded;

		if (format.data[i] != '%' || i + 1 == format.length) {
			strbuf_add_char(buf, format.data[i]);
			continue;
		}
		i++;
		if (format.data[i] == '-' && i + 1 < format.length) {
			no_pad = true;
			i++;
		}
		expanded = specifier_expand(format.data[i]);
		if (expanded.data != NULL) {
			format_c(buf, expanded, days, ms, unknown);
		} else if (!format_specifier(buf, format.data[i], no_pad, days, ms)) {
			*unknown = format.data[i];
			return false;
		}
	}
	return true;
}

static void
format_times(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	StrBuf	buf = {0};

	for (int32_t i = 0; i < n_rows; i++) {
		int64_t days, ms;
		char	unknown = 0;

		if (!call_row_valid(call, i))
			continue;
		read_time(call->args[0], i, &days, &ms);
		strbuf_clear(&buf);
		if (format_c(&buf, arg_str(call->args[1], i), days, ms, &unknown))
			result_set_text(out, call->arena, i, strbuf_str(&buf));
		else
			eval_fail(call->context, i, "Unknown format specifier %%%c", unknown);
	}
	strbuf_free(&buf);
}

/* What STRPTIME has read so far. */
typedef struct Fields {
	int64_t year, month, day, day_of_year, hour, minute, second, ms, offset_s, epoch;
	int		half;			/* of the day: 0 AM, 1 PM, -1 not said */
	bool	has_epoch;
} Fields;

static bool
read_number(Str text, size_t *at, int max_digits, int64_t *out)
{
	size_t	start = *at;

	*out = 0;
	while (*at < text.length && (int)(*at - start) < max_digits && text.data[*at] >= '0' && text.data[*at] <= '9')
		*out = *out * 10 + (text.data[(*at)++] - '0');
	return *at > start;
}

static bool
read_fraction(Str text, size_t *at, int64_t *ms)
{
	size_t	start = *at;
	int64_t unit = 100;

	*ms = 0;
	while (*at < text.length && text.data[*at] >= '0' && text.data[*at] <= '9') {
		*ms += (text.data[(*at)++] - '0') * unit;
		unit /= 10;
	}
	return *at > start;
}

/* A name out of a list, or its first three letters; the longest form wins. */
static bool
read_name(Str text, size_t *at, const char *const *names, int n, int64_t *index)
{
	for (int form = 0; form < 2; form++)
		for (int i = 0; i < n; i++) {
			size_t	length = form == 0 ? strlen(names[i]) : 3;

			if (text.length - *at >= length && str_equal_nocase(str_make(text.data + *at, length), str_make(names[i], length))) {
				*at += length;
				*index = i;
				return true;
			}
		}
	return false;
}

static bool
read_offset(Str text, size_t *at, int64_t *offset_s)
{
	int64_t hours, minutes = 0;
	int		sign;

	if (*at < text.length && (text.data[*at] | 32) == 'z') {
		++*at;
		*offset_s = 0;
		return true;
	}
	if (*at >= text.length || (text.data[*at] != '+' && text.data[*at] != '-'))
		return false;
	sign = text.data[(*at)++] == '-' ? -1 : 1;
	if (!read_number(text, at, 2, &hours))
		return false;
	if (*at < text.length && text.data[*at] == ':')
		++*at;
	read_number(text, at, 2, &minutes);
	*offset_s = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool
parse_specifier(char letter, Str text, size_t *at, Fields *f)
{
	int64_t	n;

	switch (letter) {
	case 'Y':
		return read_number(text, at, 4, &f->year);
	case 'y':
		if (!read_number(text, at, 2, &n))
			return false;
		f->year = n < 69 ? 2000 + n : 1900 + n;
		return true;
	case 'm':
		return read_number(text, at, 2, &f->month);
	case 'B':
	case 'b':
	case 'h':
		if (!read_name(text, at, month_names, 12, &f->month))
			return false;
		f->month++;
		return true;
	case 'd':
	case 'e':
		while (letter == 'e' && *at < text.length && text.data[*at] == ' ')
			++*at;
		return read_number(text, at, 2, &f->day);
	case 'A':
	case 'a':
		return read_name(text, at, day_names, 7, &n);
	case 'j':
		return read_number(text, at, 3, &f->day_of_year);
	case 'H':
	case 'I':
		return read_number(text, at, 2, &f->hour);
	case 'M':
		return read_number(text, at, 2, &f->minute);
	case 'S':
		return read_number(text, at, 2, &f->second);
	case 'f':
	case 'g':
	case 'L':
		return read_fraction(text, at, &f->ms);
	case 'p':
		if (text.length - *at < 2 || (text.data[*at + 1] | 32) != 'm')
			return false;
		f->half = (text.data[*at] | 32) == 'p' ? 1 : (text.data[*at] | 32) == 'a' ? 0 : -1;
		*at += 2;
		return f->half >= 0;
	case 's':
		f->has_epoch = true;
		return read_number(text, at, 18, &f->epoch);
	case 'z':
		return read_offset(text, at, &f->offset_s);
	case 'Z':
		while (*at < text.length && ((text.data[*at] | 32) >= 'a' && (text.data[*at] | 32) <= 'z'))
			++*at;
		return true;
	case '%':
		return *at < text.length && text.data[(*at)++] == '%';
	default:
		return false;
	}
}

static bool
parse_c(Str format, Str text, size_t *at, Fields *f)
{
	for (size_t i = 0; i < format.length; i++) {
		char	c = format.data[i];
		Str		expanded;

		if (c == ' ') {
			while (*at < text.length && text.data[*at] == ' ')
				++*at;
			continue;
		}
		if (c != '%' || i + 1 == format.length) {
			if (*at >= text.length || text.data[(*at)++] != c)
				return false;
			continue;
		}
		i++;
		if (format.data[i] == '-' && i + 1 < format.length)
			i++;
		expanded = specifier_expand(format.data[i]);
		if (expanded.data != NULL ? !parse_c(expanded, text, at, f) : !parse_specifier(format.data[i], text, at, f))
			return false;
	}
	return true;
}

static bool
strptime_row(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	Fields	f = {.year = 1900, .month = 1, .day = 1, .half = -1};
	size_t	at = 0;
	int64_t days;
	bool	ok = parse_c(args[1].text, args[0].text, &at, &f) && at == args[0].text.length;

	if (ok && f.has_epoch)
		return value_set_integer(out, f.epoch * 1000 + f.ms);
	if (f.half >= 0)
		f.hour = f.hour % 12 + 12 * f.half;
	ok = ok && f.month >= 1 && f.month <= 12 && f.day >= 1 && f.day <= month_length(f.year, (int)f.month) && f.hour < 24 &&
		 f.minute < 60 && f.second < 61;
	if (!ok && strncmp(call->function->name, "TRY", 3) == 0)
		return true;
	if (!ok) {
		eval_fail(call->context, row, "'%.*s' is not a time of the format '%.*s'", (int)args[0].text.length, args[0].text.data,
				  (int)args[1].text.length, args[1].text.data);
		return false;
	}
	days = f.day_of_year > 0 ? days_from_civil(f.year, 1, 1) + f.day_of_year - 1
							 : days_from_civil(f.year, (int)f.month, (int)f.day);
	return value_set_integer(out, days * MS_PER_DAY + f.hour * 3600000 + f.minute * 60000 + f.second * 1000 + f.ms -
									  f.offset_s * 1000);
}

/* ---- the rows ---- */

#define OF_DATE(name, kernel, ...)                                                           \
	FUNCTION(name, "(DATE) -> BIGINT", kernel, NULL_IN, BOTH, __VA_ARGS__),                  \
	FUNCTION(name, "(TIMESTAMP) -> BIGINT", kernel, NULL_IN, BOTH, __VA_ARGS__)
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
	ADD_ROWS("DATEADD", ADD_TEXT, "DATEADD('month', 1, CAST('2024-01-31' AS DATE))", "2024-02-29"),
	DIFF_ROWS("DATEDIFF", DIFF_TEXT, "DATEDIFF('day', FROM_DAYS(0), FROM_DAYS(3))", "3"),
	FUNCTION("DATEPART", "(STRING, TIMESTAMP) -> BIGINT", date_part, NULL_IN, BOTH, PART_TEXT, NULL, NULL),
	FUNCTION("DATEPART", "(STRING, DATE) -> BIGINT", date_part, NULL_IN, BOTH, PART_TEXT,
			 "DATEPART('month', CAST('2024-05-17' AS DATE))", "5"),
	ADD_ROWS("DATE_ADD", ADD_TEXT, "DATE_ADD('month', 1, CAST('2024-01-31' AS DATE))", "2024-02-29"),
	FUNCTION_ROWS("DATE_ADD", "(TIMESTAMP, INTERVAL) -> TIMESTAMP", add_interval, NULL_IN, STANDARD,
				  "A date or time moved on by an interval.", NULL, NULL),
	FUNCTION_ROWS("DATE_ADD", "(DATE, INTERVAL) -> TIMESTAMP", add_interval, NULL_IN, STANDARD,
				  "A date or time moved on by an interval.", NULL, NULL),
	DIFF_ROWS("DATE_DIFF", DIFF_TEXT, "DATE_DIFF('day', FROM_DAYS(0), FROM_DAYS(3))", "3"),
	FUNCTION("DATE_PART", "(STRING, TIMESTAMP) -> BIGINT", date_part, NULL_IN, BOTH, PART_TEXT, NULL, NULL),
	FUNCTION("DATE_PART", "(STRING, DATE) -> BIGINT", date_part, NULL_IN, BOTH, PART_TEXT,
			 "DATE_PART('month', CAST('2024-05-17' AS DATE))", "5"),
	FUNCTION("DATE_PART", "(STRING, TIME) -> BIGINT", date_part, NULL_IN, BOTH, PART_TEXT, NULL, NULL),
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
	FUNCTION("EPOCH", "(TIMESTAMP) -> DOUBLE", epoch_seconds, NULL_IN, BOTH, "Seconds since 1970-01-01 UTC.",
			 "EPOCH(FROM_UNIXTIME(1500))", "1.5"),
	FUNCTION("EPOCH_MS", "(TIMESTAMP) -> BIGINT", same_int64, NULL_IN, BOTH,
			 "Milliseconds since 1970-01-01 UTC of a timestamp, or the timestamp of so many.", "EPOCH_MS(FROM_UNIXTIME(7))", "7"),
	FUNCTION("EPOCH_MS", "(BIGINT) -> TIMESTAMP", same_int64, NULL_IN, BOTH,
			 "Milliseconds since 1970-01-01 UTC of a timestamp, or the timestamp of so many.", "EPOCH_MS(EPOCH_MS(7))", "7"),
	OF_TIME("HOUR", hour_of, "The hour, from 0 to 23.", "HOUR(FROM_UNIXTIME(3600000))", "1"),
	OF_DATE("ISODOW", isodow_of, "The day of the week from 1, Monday, to 7.", "ISODOW(CAST('2024-05-19' AS DATE))", "7"),
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
	OF_TIME("MINUTE", minute_of, "The minute, from 0 to 59.", "MINUTE(FROM_UNIXTIME(61000))", "1"),
	OF_DATE("MONTH", month_of, "The month, from 1.", "MONTH(CAST('2024-05-17' AS DATE))", "5"),
	FUNCTION("MONTHNAME", "(DATE) -> STRING", month_name, NULL_IN, BOTH, "The English name of the month.",
			 "MONTHNAME(CAST('2024-05-17' AS DATE))", "May"),
	FUNCTION("MONTHNAME", "(TIMESTAMP) -> STRING", month_name, NULL_IN, BOTH, "The English name of the month.", NULL, NULL),
	OF_DATE("QUARTER", quarter_of, "The quarter of the year, from 1.", "QUARTER(CAST('2024-05-17' AS DATE))", "2"),
	OF_TIME("SECOND", second_of, "The second, from 0 to 59.", "SECOND(FROM_UNIXTIME(61000))", "1"),
	FUNCTION("STRFTIME", "(TIMESTAMP, STRING) -> STRING", format_times, NULL_IN, BOTH,
				  "A time as text by a format such as '%Y-%m-%d %H:%M:%S'.", "STRFTIME(FROM_UNIXTIME(0), '%d.%m.%Y')", "01.01.1970"),
	FUNCTION("STRFTIME", "(DATE, STRING) -> STRING", format_times, NULL_IN, BOTH,
				  "A date as text by a format such as '%Y-%m-%d'.", "STRFTIME(FROM_DAYS(0), '%d.%m.%Y')", "01.01.1970"),
	FUNCTION_ROWS("STRPTIME", "(STRING, STRING) -> TIMESTAMP", strptime_row, NULL_IN, BOTH,
				  "Text as a timestamp by a format such as '%Y-%m-%d %H:%M:%S'.", "EPOCH_MS(STRPTIME('02.01.1970', '%d.%m.%Y'))",
				  "86400000"),
	FUNCTION_ROWS("TIME_BUCKET", "(INTERVAL, TIMESTAMP) -> TIMESTAMP", time_bucket, NULL_IN, STANDARD,
				  "The beginning of the interval of a given length that holds a time.", NULL, NULL),
	FUNCTION_ROWS("TIME_BUCKET", "(INTERVAL, DATE) -> DATE", time_bucket, NULL_IN, STANDARD,
				  "The beginning of the interval of a given length that holds a date.", NULL, NULL),
	FUNCTION("TO_TIMESTAMP", "(DOUBLE) -> TIMESTAMP", to_timestamp, NULL_IN, BOTH,
			 "The timestamp that is a number of seconds after 1970-01-01 UTC.", "EPOCH_MS(TO_TIMESTAMP(1.5))", "1500"),
	FUNCTION_ROWS("TRY_STRPTIME", "(STRING, STRING) -> TIMESTAMP", strptime_row, NULL_IN, BOTH,
				  "Text as a timestamp by a format; NULL where it does not fit.", "TRY_STRPTIME('x', '%Y') IS NULL", "true"),
	OF_DATE("WEEK", week_of, "The ISO week of the year.", "WEEK(CAST('2024-05-17' AS DATE))", "20"),
	OF_DATE("WEEKOFYEAR", week_of, "The ISO week of the year.", "WEEKOFYEAR(CAST('2024-05-17' AS DATE))", "20"),
	OF_DATE("YEAR", year_of, "The year.", "YEAR(CAST('2024-05-17' AS DATE))", "2024"),
	{.name = NULL},
};
