/* CAST between numbers, booleans and times. */
#include <math.h>

#include "data/decimal.h"
#include "data/double_text.h"
#include "data/time_text.h"
#include "exec/expr/kernels.h"

/* r[i] = expression(p) for all rows: casts that cannot fail. */
#define PLAIN(name, TA, TR, expression)                                                  \
	static void name(const Cast *cast, EvalFrame *frame, const Vector *in, Vector *out)  \
	{                                                                                    \
		const TA *restrict x = in->data;                                                 \
		TR *restrict r = out->data;                                                      \
                                                                                         \
		(void)cast;                                                                      \
		for (int32_t i = 0; i < frame->n_rows; i++) {                                    \
			const TA p = x[i];                                                           \
                                                                                         \
			r[i] = (TR)(expression);                                                     \
		}                                                                                \
	}

/* The same for rows that count; `convert` is a statement that sets r[i] from p, and may `FAIL(...)`. */
#define CHECKED(name, TA, TR, ...)                                                       \
	static void name(const Cast *cast, EvalFrame *frame, const Vector *in, Vector *out)  \
	{                                                                                    \
		const TA *x = in->data;                                                          \
		TR *r = out->data;                                                               \
                                                                                         \
		for (int32_t i = 0; i < frame->n_rows; i++) {                                    \
			const TA p = x[i];                                                           \
                                                                                         \
			r[i] = 0;                                                                    \
			if (!row_counts(frame, out, i))                                              \
				continue;                                                                \
			__VA_ARGS__                                                                  \
		}                                                                                \
		(void)cast;                                                                      \
	}

#define FAIL(...) eval_fail(frame->context, i, __VA_ARGS__)

static void
fail_decimal(EvalFrame *frame, int32_t i, DecimalCode code, const Type *type)
{
	Error err;

	decimal_error(code, (DecimalShape){type->precision, type->scale}, &err);
	eval_fail(frame->context, i, "%s", err.message);
}

#define TO_DECIMAL(call)                                                   \
	DecimalShape shape = {cast->to->precision, cast->to->scale};           \
	DecimalCode	 code = (call);                                            \
                                                                           \
	if (code != DECIMAL_OK) {                                              \
		r[i] = 0;                                                          \
		fail_decimal(frame, i, code, cast->to);                            \
	}

/* ---- both dialects ---- */

PLAIN(int32_to_int64, int32_t, int64_t, p)
PLAIN(int32_to_double, int32_t, double, p)
PLAIN(int64_to_double, int64_t, double, p)
PLAIN(decimal_to_double_rows, Decimal, double, decimal_to_double(p, in->type->scale))
PLAIN(date_to_timestamp, int32_t, int64_t, (int64_t)p *MS_PER_DAY)
PLAIN(timestamp_to_date, int64_t, int32_t, date_of_timestamp(p))
PLAIN(timestamp_to_time, int64_t, int32_t, time_of_timestamp(p))

CHECKED(int32_to_decimal, int32_t, Decimal, TO_DECIMAL(decimal_from_int64(p, shape, &r[i])))
CHECKED(int64_to_decimal, int64_t, Decimal, TO_DECIMAL(decimal_from_int64(p, shape, &r[i])))
CHECKED(decimal_to_decimal, Decimal, Decimal,
		TO_DECIMAL(decimal_cast(p, in->type->scale, shape, DECIMAL_HALF_UP, &r[i])))

/* ---- ksqldb: truncated; wraps or saturates ---- */

PLAIN(int64_to_int32_wrap, int64_t, int32_t, (uint32_t)p)
PLAIN(double_to_int32_java, double, int32_t, double_to_int32_saturating(p))
PLAIN(double_to_int64_java, double, int64_t, double_to_int64_saturating(p))
PLAIN(decimal_to_int32_java, Decimal, int32_t, (uint32_t)decimal_to_int64(p, in->type->scale, NULL))
PLAIN(decimal_to_int64_java, Decimal, int64_t, decimal_to_int64(p, in->type->scale, NULL))
CHECKED(double_to_decimal_binary, double, Decimal, TO_DECIMAL(decimal_from_double_binary(p, shape, &r[i])))

/* ---- standard: rounded (decimals half away from zero, doubles half to even) and checked ---- */

CHECKED(int64_to_int32_check, int64_t, int32_t, {
	if (p < INT32_MIN || p > INT32_MAX)
		FAIL("INTEGER out of range");
	else
		r[i] = (int32_t)p;
})

CHECKED(double_to_int32_check, double, int32_t, {
	double whole = rint(p);

	if (!(whole >= -2147483648.0 && whole <= 2147483647.0))
		FAIL("INTEGER out of range");
	else
		r[i] = (int32_t)whole;
})

CHECKED(double_to_int64_check, double, int64_t, {
	double whole = rint(p);

	if (!(whole >= -9223372036854775808.0 && whole < 9223372036854775808.0))
		FAIL("BIGINT out of range");
	else
		r[i] = (int64_t)whole;
})

CHECKED(decimal_to_int32_check, Decimal, int32_t, {
	Decimal whole;
	bool	fits = decimal_rescale(p, in->type->scale, 0, DECIMAL_HALF_UP, &whole) == DECIMAL_OK;

	if (!fits || whole < INT32_MIN || whole > INT32_MAX)
		FAIL("INTEGER out of range");
	else
		r[i] = (int32_t)whole;
})

CHECKED(decimal_to_int64_check, Decimal, int64_t, {
	Decimal whole;
	bool	fits = decimal_rescale(p, in->type->scale, 0, DECIMAL_HALF_UP, &whole) == DECIMAL_OK;

	if (!fits || whole < INT64_MIN || whole > INT64_MAX)
		FAIL("BIGINT out of range");
	else
		r[i] = (int64_t)whole;
})

CHECKED(double_to_decimal_text, double, Decimal,
		TO_DECIMAL(decimal_from_double_text(p, shape, DECIMAL_HALF_UP, &r[i])))

PLAIN(boolean_to_int32, uint8_t, int32_t, p != 0)
PLAIN(boolean_to_int64, uint8_t, int64_t, p != 0)
PLAIN(boolean_to_double, uint8_t, double, p != 0)
CHECKED(boolean_to_decimal, uint8_t, Decimal, TO_DECIMAL(decimal_from_int64(p != 0, shape, &r[i])))
PLAIN(int32_to_boolean, int32_t, uint8_t, p != 0)
PLAIN(int64_to_boolean, int64_t, uint8_t, p != 0)
PLAIN(double_to_boolean, double, uint8_t, p != 0)
PLAIN(decimal_to_boolean, Decimal, uint8_t, p != 0)

/* ---- choice ---- */

typedef struct CastRow {
	TypeKind   from;
	TypeKind   to;
	CastKernel ksqldb;		/* NULL: refused */
	CastKernel standard;
} CastRow;

static const CastRow rows[] = {
	{TYPE_INTEGER, TYPE_BIGINT, int32_to_int64, int32_to_int64},
	{TYPE_INTEGER, TYPE_DECIMAL, int32_to_decimal, int32_to_decimal},
	{TYPE_INTEGER, TYPE_DOUBLE, int32_to_double, int32_to_double},
	{TYPE_INTEGER, TYPE_BOOLEAN, NULL, int32_to_boolean},
	{TYPE_BIGINT, TYPE_INTEGER, int64_to_int32_wrap, int64_to_int32_check},
	{TYPE_BIGINT, TYPE_DECIMAL, int64_to_decimal, int64_to_decimal},
	{TYPE_BIGINT, TYPE_DOUBLE, int64_to_double, int64_to_double},
	{TYPE_BIGINT, TYPE_BOOLEAN, NULL, int64_to_boolean},
	{TYPE_DECIMAL, TYPE_INTEGER, decimal_to_int32_java, decimal_to_int32_check},
	{TYPE_DECIMAL, TYPE_BIGINT, decimal_to_int64_java, decimal_to_int64_check},
	{TYPE_DECIMAL, TYPE_DECIMAL, decimal_to_decimal, decimal_to_decimal},
	{TYPE_DECIMAL, TYPE_DOUBLE, decimal_to_double_rows, decimal_to_double_rows},
	{TYPE_DECIMAL, TYPE_BOOLEAN, NULL, decimal_to_boolean},
	{TYPE_DOUBLE, TYPE_INTEGER, double_to_int32_java, double_to_int32_check},
	{TYPE_DOUBLE, TYPE_BIGINT, double_to_int64_java, double_to_int64_check},
	{TYPE_DOUBLE, TYPE_DECIMAL, double_to_decimal_binary, double_to_decimal_text},
	{TYPE_DOUBLE, TYPE_BOOLEAN, NULL, double_to_boolean},
	{TYPE_BOOLEAN, TYPE_INTEGER, NULL, boolean_to_int32},
	{TYPE_BOOLEAN, TYPE_BIGINT, NULL, boolean_to_int64},
	{TYPE_BOOLEAN, TYPE_DOUBLE, NULL, boolean_to_double},
	{TYPE_BOOLEAN, TYPE_DECIMAL, NULL, boolean_to_decimal},
	{TYPE_DATE, TYPE_TIMESTAMP, date_to_timestamp, date_to_timestamp},
	{TYPE_TIMESTAMP, TYPE_DATE, timestamp_to_date, timestamp_to_date},
	{TYPE_TIMESTAMP, TYPE_TIME, timestamp_to_time, timestamp_to_time},
};

CastKernel
cast_number_kernel(const Type *from, const Type *to, bool standard)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].from == from->kind && rows[i].to == to->kind)
			return standard ? rows[i].standard : rows[i].ksqldb;
	return NULL;
}
