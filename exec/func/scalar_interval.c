/* Intervals of a number of units, and the parts of a date that only PostgreSQL and DuckDB have functions for. */
#include "exec/func/calendar.h"
#include "exec/func/kernel.h"

#define MICROS_PER_HOUR INT64_C(3600000000)

typedef struct IntervalUnit {
	const char *name;
	int32_t		months, days;
	int64_t		micros;
} IntervalUnit;

static const IntervalUnit interval_units[] = {
	{"TO_CENTURIES", 1200, 0, 0}, {"TO_DAYS", 0, 1, 0}, {"TO_DECADES", 120, 0, 0}, {"TO_HOURS", 0, 0, MICROS_PER_HOUR},
	{"TO_MICROSECONDS", 0, 0, 1}, {"TO_MILLISECONDS", 0, 0, 1000}, {"TO_MINUTES", 0, 0, 60000000}, {"TO_MONTHS", 1, 0, 0},
	{"TO_QUARTERS", 3, 0, 0}, {"TO_SECONDS", 0, 0, 1000000}, {"TO_WEEKS", 0, 7, 0}, {"TO_YEARS", 12, 0, 0}};

static const IntervalUnit *
unit_of_call(const ScalarCall *call)
{
	size_t	i = 0;

	while (i + 1 < sizeof interval_units / sizeof *interval_units && strcmp(interval_units[i].name, call->function->name) != 0)
		i++;
	return &interval_units[i];
}

static bool
set_interval(const ScalarCall *call, int32_t row, bool fits, Interval interval, Value *out)
{
	if (!fits) {
		eval_fail(call->context, row, "The interval of %s is out of range", call->function->name);
		return false;
	}
	out->is_null = false;
	out->interval = interval;
	return true;
}

static bool
to_interval(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	const IntervalUnit *unit = unit_of_call(call);
	Interval			interval = {0};
	bool				fits = !__builtin_mul_overflow(args[0].integer, unit->months, &interval.months) &&
				!__builtin_mul_overflow(args[0].integer, unit->days, &interval.days) &&
				!__builtin_mul_overflow(args[0].integer, unit->micros, &interval.micros);

	return set_interval(call, row, fits, interval, out);
}

/* Seconds, and parts of one. */
static bool
to_interval_of_double(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	double	micros = args[0].number * (double)unit_of_call(call)->micros;
	bool	fits = micros > -9.2e18 && micros < 9.2e18;

	return set_interval(call, row, fits, (Interval){.micros = fits ? (int64_t)(micros < 0 ? micros - 0.5 : micros + 0.5) : 0}, out);
}

#define TO_TEXT "The interval of a number of units."
#define TO_UNIT(name, unit)                                                                             \
	FUNCTION_ROWS(name, "(BIGINT) -> INTERVAL", to_interval, NULL_IN, STANDARD, TO_TEXT, name "(2) = INTERVAL '2 " unit "'", "true")

const ScalarFunction scalar_interval_functions[] = {
	FUNCTION_ROWS("TO_CENTURIES", "(BIGINT) -> INTERVAL", to_interval, NULL_IN, STANDARD, TO_TEXT, "TO_CENTURIES(1) = INTERVAL '100 years'", "true"),
	TO_UNIT("TO_DAYS", "days"),
	FUNCTION_ROWS("TO_DECADES", "(BIGINT) -> INTERVAL", to_interval, NULL_IN, STANDARD, TO_TEXT, "TO_DECADES(1) = INTERVAL '10 years'", "true"),
	TO_UNIT("TO_HOURS", "hours"),
	TO_UNIT("TO_MICROSECONDS", "microseconds"),
	FUNCTION_ROWS("TO_MILLISECONDS", "(DOUBLE) -> INTERVAL", to_interval_of_double, NULL_IN, STANDARD, TO_TEXT,
				  "TO_MILLISECONDS(2) = INTERVAL '2 milliseconds'", "true"),
	TO_UNIT("TO_MINUTES", "minutes"),
	TO_UNIT("TO_MONTHS", "months"),
	TO_UNIT("TO_QUARTERS", "quarters"),
	FUNCTION_ROWS("TO_SECONDS", "(DOUBLE) -> INTERVAL", to_interval_of_double, NULL_IN, STANDARD, TO_TEXT, "TO_SECONDS(2) = INTERVAL '2 seconds'",
				  "true"),
	TO_UNIT("TO_WEEKS", "weeks"),
	TO_UNIT("TO_YEARS", "years"),
	{.name = NULL},
};
