#ifndef SLUICE_EXEC_EXPR_INTERVAL_H
#define SLUICE_EXEC_EXPR_INTERVAL_H

/* INTERVAL values as PostgreSQL has them: months, days and microseconds that do not carry into each other. */
#include "common/env.h"
#include "common/str.h"
#include "data/value.h"

#define INTERVAL_TEXT_MAX 160

/* "1 year 2 mons 3 days 04:05:06.5"; no NUL.  Gives the length. */
size_t interval_print(const Interval *v, char *text);

/* Numbers with units (`1 year 2 days ago` without `ago`, `90 minutes`, `3 mon`), and `[-]HH:MM[:SS[.fraction]]`. */
Status interval_parse(Str text, Interval *out, Error *err);

/* t + v: months first (the day is cut to the month's length), then days, then the rest; ms, rounded toward zero. */
Time timestamp_add_interval(Time t, const Interval *v);

#endif
