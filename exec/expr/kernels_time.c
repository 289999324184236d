/* + and - of dates, times and intervals (standard dialect). */
#include <math.h>

#include "data/double_text.h"
#include "data/time_text.h"
#include "exec/expr/interval.h"
#include "exec/expr/kernels.h"

#define ROWS(name, TA, TB, TR, op)                                                                          \
	static void name(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)     \
	{                                                                                                       \
		(void)node;                                                                                         \
		BINARY_LOOP(TA, TB, TR, op);                                                                        \
	}

static inline int64_t
timestamp_plus(int64_t t, Interval v, int sign)
{
	v = (Interval){v.months * sign, v.days * sign, v.micros * sign};
	return timestamp_add_interval(t, &v);
}

static inline int32_t
time_plus(int32_t t, Interval v, int sign)
{
	return (int32_t)floor_mod64(t + sign * (v.micros / 1000), MS_PER_DAY);
}

static inline Interval
interval_plus(Interval a, Interval b, int sign)
{
	return (Interval){a.months + sign * b.months, a.days + sign * b.days, a.micros + sign * b.micros};
}

/* PostgreSQL: the difference of timestamps is days and a time of less than a day. */
static inline Interval
timestamp_minus(int64_t a, int64_t b)
{
	int64_t ms = a - b;

	return (Interval){0, (int32_t)(ms / MS_PER_DAY), ms % MS_PER_DAY * 1000};
}

static inline Interval
interval_times(Interval v, double by)
{
	double months = v.months * by;
	double days = v.days * by + (months - trunc(months)) * 30;

	return (Interval){double_to_int32_saturating(months), double_to_int32_saturating(days),
					  double_to_int64_saturating((double)v.micros * by + (days - trunc(days)) * 86400e6)};
}

ROWS(timestamp_add, int64_t, Interval, int64_t, timestamp_plus(p, q, 1))
ROWS(timestamp_sub, int64_t, Interval, int64_t, timestamp_plus(p, q, -1))
ROWS(interval_add_timestamp, Interval, int64_t, int64_t, timestamp_plus(q, p, 1))
ROWS(date_add_interval, int32_t, Interval, int64_t, timestamp_plus((int64_t)p * MS_PER_DAY, q, 1))
ROWS(date_sub_interval, int32_t, Interval, int64_t, timestamp_plus((int64_t)p * MS_PER_DAY, q, -1))
ROWS(interval_add_date, Interval, int32_t, int64_t, timestamp_plus((int64_t)q * MS_PER_DAY, p, 1))
ROWS(time_add, int32_t, Interval, int32_t, time_plus(p, q, 1))
ROWS(time_sub, int32_t, Interval, int32_t, time_plus(p, q, -1))
ROWS(interval_add_time, Interval, int32_t, int32_t, time_plus(q, p, 1))
ROWS(interval_add, Interval, Interval, Interval, interval_plus(p, q, 1))
ROWS(interval_sub, Interval, Interval, Interval, interval_plus(p, q, -1))
ROWS(interval_mul_double, Interval, double, Interval, interval_times(p, q))
ROWS(double_mul_interval, double, Interval, Interval, interval_times(q, p))
ROWS(interval_mul_int, Interval, int32_t, Interval, interval_times(p, q))
ROWS(interval_mul_bigint, Interval, int64_t, Interval, interval_times(p, (double)q))
ROWS(bigint_mul_interval, int64_t, Interval, Interval, interval_times(q, (double)p))
ROWS(interval_div_double, Interval, double, Interval, interval_times(p, 1 / q))
ROWS(int_mul_interval, int32_t, Interval, Interval, interval_times(q, p))
ROWS(date_add_days, int32_t, int32_t, int32_t, (uint32_t)p + (uint32_t)q)
ROWS(date_sub_days, int32_t, int32_t, int32_t, (uint32_t)p - (uint32_t)q)
ROWS(timestamp_sub_timestamp, int64_t, int64_t, Interval, timestamp_minus(p, q))
ROWS(date_add_time, int32_t, int32_t, int64_t, (int64_t)p *MS_PER_DAY + q)

BinaryKernel
time_arithmetic_kernel(ArithmeticOp op, const Type *a, const Type *b, const Type *result)
{
	static const struct {
		ArithmeticOp op;
		TypeKind	 a;
		TypeKind	 b;
		TypeKind	 result;
		BinaryKernel kernel;
	} rows[] = {
		{ARITH_ADD, TYPE_TIMESTAMP, TYPE_INTERVAL, TYPE_TIMESTAMP, timestamp_add},
		{ARITH_SUB, TYPE_TIMESTAMP, TYPE_INTERVAL, TYPE_TIMESTAMP, timestamp_sub},
		{ARITH_ADD, TYPE_INTERVAL, TYPE_TIMESTAMP, TYPE_TIMESTAMP, interval_add_timestamp},
		{ARITH_ADD, TYPE_DATE, TYPE_INTERVAL, TYPE_TIMESTAMP, date_add_interval},
		{ARITH_SUB, TYPE_DATE, TYPE_INTERVAL, TYPE_TIMESTAMP, date_sub_interval},
		{ARITH_ADD, TYPE_INTERVAL, TYPE_DATE, TYPE_TIMESTAMP, interval_add_date},
		{ARITH_ADD, TYPE_TIME, TYPE_INTERVAL, TYPE_TIME, time_add},
		{ARITH_SUB, TYPE_TIME, TYPE_INTERVAL, TYPE_TIME, time_sub},
		{ARITH_ADD, TYPE_INTERVAL, TYPE_TIME, TYPE_TIME, interval_add_time},
		{ARITH_ADD, TYPE_INTERVAL, TYPE_INTERVAL, TYPE_INTERVAL, interval_add},
		{ARITH_SUB, TYPE_INTERVAL, TYPE_INTERVAL, TYPE_INTERVAL, interval_sub},
		{ARITH_MUL, TYPE_INTERVAL, TYPE_DOUBLE, TYPE_INTERVAL, interval_mul_double},
		{ARITH_MUL, TYPE_DOUBLE, TYPE_INTERVAL, TYPE_INTERVAL, double_mul_interval},
		{ARITH_MUL, TYPE_INTERVAL, TYPE_INTEGER, TYPE_INTERVAL, interval_mul_int},
		{ARITH_MUL, TYPE_INTEGER, TYPE_INTERVAL, TYPE_INTERVAL, int_mul_interval},
		{ARITH_MUL, TYPE_INTERVAL, TYPE_BIGINT, TYPE_INTERVAL, interval_mul_bigint},
		{ARITH_MUL, TYPE_BIGINT, TYPE_INTERVAL, TYPE_INTERVAL, bigint_mul_interval},
		{ARITH_DIV, TYPE_INTERVAL, TYPE_DOUBLE, TYPE_INTERVAL, interval_div_double},
		{ARITH_ADD, TYPE_DATE, TYPE_INTEGER, TYPE_DATE, date_add_days},
		{ARITH_ADD, TYPE_INTEGER, TYPE_DATE, TYPE_DATE, date_add_days},
		{ARITH_SUB, TYPE_DATE, TYPE_INTEGER, TYPE_DATE, date_sub_days},
		{ARITH_SUB, TYPE_DATE, TYPE_DATE, TYPE_INTEGER, date_sub_days},
		{ARITH_SUB, TYPE_TIMESTAMP, TYPE_TIMESTAMP, TYPE_INTERVAL, timestamp_sub_timestamp},
		{ARITH_ADD, TYPE_DATE, TYPE_TIME, TYPE_TIMESTAMP, date_add_time},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].op == op && rows[i].a == a->kind && rows[i].b == b->kind && rows[i].result == result->kind)
			return rows[i].kernel;
	return NULL;
}
