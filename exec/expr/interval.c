#include "exec/expr/interval.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/time_text.h"

size_t
interval_print(const Interval *v, char *text)
{
	size_t	 n = 0;
	int		 years = v->months / 12;
	int		 months = v->months % 12;
	uint64_t micros = v->micros < 0 ? 0 - (uint64_t)v->micros : (uint64_t)v->micros;

	text[0] = '\0';
#define ADD(...) n += (size_t)snprintf(text + n, INTERVAL_TEXT_MAX - n, __VA_ARGS__)
	if (years != 0)
		ADD("%d year%s ", years, years == 1 ? "" : "s");
	if (months != 0)
		ADD("%d mon%s ", months, months == 1 ? "" : "s");
	if (v->days != 0)
		ADD("%d day%s ", v->days, v->days == 1 ? "" : "s");
	if (micros != 0 || n == 0) {
		ADD("%s%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, v->micros < 0 ? "-" : "", micros / 3600000000u,
			micros / 60000000u % 60, micros / 1000000u % 60);
		if (micros % 1000000u != 0) {
			ADD(".%06" PRIu64, micros % 1000000u);
			while (text[n - 1] == '0')
				n--;
		}
	} else {
		n--;
	}
#undef ADD
	return n;
}

static Status
bad_interval(Str text, Error *err)
{
	return error_data(err, "Invalid text for INTERVAL: '%.*s'", text.length < 100 ? (int)text.length : 100, text.data);
}

/* Adds `amount` of a unit; fractions go to the smaller members. */
static bool
add_unit(Interval *out, double amount, Str unit)
{
	static const struct {
		const char *name;
		int			months;
		int			days;
		int64_t		micros;
	} units[] = {
		{"year", 12, 0, 0},			   {"yr", 12, 0, 0},			   {"y", 12, 0, 0},			  {"month", 1, 0, 0},
		{"mon", 1, 0, 0},			   {"quarter", 3, 0, 0},		   {"week", 0, 7, 0},		  {"w", 0, 7, 0},
		{"day", 0, 1, 0},			   {"d", 0, 1, 0},				   {"hour", 0, 0, 3600000000}, {"hr", 0, 0, 3600000000},
		{"h", 0, 0, 3600000000},	   {"minute", 0, 0, 60000000},	   {"min", 0, 0, 60000000},	  {"m", 0, 0, 60000000},
		{"second", 0, 0, 1000000},	   {"sec", 0, 0, 1000000},		   {"s", 0, 0, 1000000},	  {"millisecond", 0, 0, 1000},
		{"ms", 0, 0, 1000},			   {"microsecond", 0, 0, 1},	   {"us", 0, 0, 1},			  {"decade", 120, 0, 0},
		{"century", 1200, 0, 0},
	};
	double whole;

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		Str name = str_of(units[i].name);
		Str singular = unit;

		if (singular.length > 2 && tolower((unsigned char)singular.data[singular.length - 1]) == 's' &&
			!str_equal_nocase(singular, name))
			singular.length--;
		if (!str_equal_nocase(singular, name))
			continue;
		whole = trunc(amount);
		if (units[i].months != 0) {
			double months = amount * units[i].months;

			out->months += (int32_t)trunc(months);
			out->days += (int32_t)((months - trunc(months)) * 30);
		} else if (units[i].days != 0) {
			double days = amount * units[i].days;

			out->days += (int32_t)trunc(days);
			out->micros += (int64_t)llround((days - trunc(days)) * 86400e6);
		} else {
			out->micros += (int64_t)whole * units[i].micros + llround((amount - whole) * (double)units[i].micros);
		}
		return true;
	}
	return false;
}

Status
interval_parse(Str text, Interval *out, Error *err)
{
	char		copy[200];
	const char *p = copy;
	bool		any = false;

	*out = (Interval){0};
	if (text.length >= sizeof copy)
		return bad_interval(text, err);
	memcpy(copy, text.data, text.length);
	copy[text.length] = '\0';
	for (;;) {
		char	   *end;
		double		amount;
		const char *unit;
		bool		is_negative;

		while (isspace((unsigned char)*p))
			p++;
		if (*p == '\0')
			break;
		is_negative = *p == '-';
		if (!isdigit((unsigned char)*p) && *p != '-' && *p != '+' && *p != '.')
			return bad_interval(text, err);
		amount = strtod(p, &end);
		if (end == p || fabs(amount) > 2e9)
			return bad_interval(text, err);
		any = true;
		if (*end == ':') {
			double minutes = strtod(end + 1, &end);
			double seconds = *end == ':' ? strtod(end + 1, &end) : 0;
			double sum = fabs(amount) * 3600 + minutes * 60 + seconds;

			out->micros += (is_negative ? -1 : 1) * (int64_t)llround(sum * 1e6);
			p = end;
			continue;
		}
		for (p = end; isspace((unsigned char)*p); p++)
			;
		for (unit = p; isalpha((unsigned char)*p); p++)
			;
		if (!add_unit(out, amount, unit == p ? STR("second") : str_make(unit, (size_t)(p - unit))))
			return bad_interval(text, err);
	}
	return any ? OK : bad_interval(text, err);
}

Time
timestamp_add_interval(Time t, const Interval *v)
{
	int64_t days = floor_div64(t, MS_PER_DAY);
	int64_t ms = floor_mod64(t, MS_PER_DAY);

	if (v->months != 0) {
		CivilDate date = civil_from_days(days);
		int64_t	  months = date.year * 12 + (date.month - 1) + v->months;
		int64_t	  year = floor_div64(months, 12);
		int		  month = (int)floor_mod64(months, 12) + 1;
		int		  length = month_length(year, month);

		days = days_from_civil(year, month, date.day < length ? date.day : length);
	}
	return (days + v->days) * MS_PER_DAY + ms + v->micros / 1000;
}
