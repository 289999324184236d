#ifndef SLUICE_EXEC_FUNC_CALENDAR_H
#define SLUICE_EXEC_FUNC_CALENDAR_H

/* What the files of calendar functions share.  Times are UTC: days since 1970 and milliseconds of the day. */
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

/* English names, Sunday and January first. */
extern const char *const day_names[7];
extern const char *const month_names[12];

/* The ISO week of a day; *year, if not NULL, is the year that the week belongs to. */
int64_t iso_week(int64_t days, int64_t *year);

/* A time moved by months, then days, then the rest; sign is 1 or -1. */
int64_t calendar_add_interval(int64_t t, Interval by, int sign);

#endif
