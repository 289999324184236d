/*
 * COUNT, SUM and AVG.
 *
 * ksqldb: sums keep the argument's type and wrap, no rows give 0; a DECIMAL sum that leaves the type fails the query; AVG sums
 * in the argument's type.  standard: sums are widened and NULL without rows; what does not fit fails.
 */
#include "data/decimal.h"
#include "exec/func/agg_impl.h"

const Type *
agg_resolve_same(const Type *const *args, int n_args, const Value *constants, Error *err)
{
	(void)n_args, (void)constants, (void)err;
	return args[0];
}

/* ---- COUNT ---- */

static Status
count_rows_step(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args,
				int32_t n_rows, const uint64_t *skip, Vector *results)
{
	(void)args;
	if (skip == NULL && results == NULL) {
		if (call->is_single && n_rows > 0)
			*(int64_t *)(states[0] + offset) += n_rows;
		else
			for (int32_t i = 0; i < n_rows; i++)
				++*(int64_t *)(states[i] + offset);
		return OK;
	}
	for (int32_t i = 0; i < n_rows; i++) {
		int64_t *s = (int64_t *)(states[i] + offset);

		*s += !agg_skips(skip, i);
		agg_note(call, s, results, i);
	}
	return OK;
}

static Status
count_rows_retract(const AggregateCall *call, void *state, const Vector *const *args, int32_t row)
{
	(void)call, (void)args, (void)row;
	--*(int64_t *)state;
	return OK;
}

static Status
count_step(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args, int32_t n_rows,
		   const uint64_t *skip, Vector *results)
{
	const Vector *v = args[0];

	/* A STRUCT's own validity is in the vector as for all types. */
	if (v->validity == NULL)
		return count_rows_step(call, states, offset, args, n_rows, skip, results);
	for (int32_t i = 0; i < n_rows; i++) {
		int64_t *s = (int64_t *)(states[i] + offset);

		*s += !agg_skips(skip, i) && arg_valid(v, i);
		agg_note(call, s, results, i);
	}
	return OK;
}

static Status
count_retract(const AggregateCall *call, void *state, const Vector *const *args, int32_t row)
{
	(void)call;
	*(int64_t *)state -= arg_valid(args[0], row);
	return OK;
}

AGG_MERGE(count_merge, int64_t, *s += *o)
AGG_RESULT(count_result, int64_t, ((int64_t *)out->data)[row] = *s)

/* ---- SUM, ksqldb ---- */

AGG_STEP1(sum_int32_step, int32_t, int32_t, *s = (int32_t)((uint32_t)*s + (uint32_t)x))
AGG_RETRACT1(sum_int32_retract, int32_t, int32_t, *s = (int32_t)((uint32_t)*s - (uint32_t)x))
AGG_MERGE(sum_int32_merge, int32_t, *s = (int32_t)((uint32_t)*s + (uint32_t)*o))
AGG_RESULT(sum_int32_result, int32_t, ((int32_t *)out->data)[row] = *s)

AGG_STEP1(sum_int64_step, int64_t, int64_t, *s = (int64_t)((uint64_t)*s + (uint64_t)x))
AGG_RETRACT1(sum_int64_retract, int64_t, int64_t, *s = (int64_t)((uint64_t)*s - (uint64_t)x))
AGG_MERGE(sum_int64_merge, int64_t, *s = (int64_t)((uint64_t)*s + (uint64_t)*o))
AGG_RESULT(sum_int64_result, int64_t, ((int64_t *)out->data)[row] = *s)

AGG_STEP1(sum_double_step, double, double, *s += x)
AGG_RETRACT1(sum_double_retract, double, double, *s -= x)
AGG_MERGE(sum_double_merge, double, *s += *o)
AGG_RESULT(sum_double_result, double, ((double *)out->data)[row] = *s)

/* A sum of more digits than the type has. */
static Status
sum_overflow(const AggregateCall *call)
{
	error_fatal(call->err, "Exception caught in process: Numeric field overflow in %s of %s", call->function->name,
				type_to_arena(call->arg_types[0], call->arena));
	return error_hint(call->err, "CAST the argument to a wider DECIMAL");
}

/* AVG's result is a DOUBLE: its sum has all 38 digits. */
static bool
sum_decimal_add(const AggregateCall *call, Decimal *s, Decimal x)
{
	int		digits = call->result_type->kind == TYPE_DECIMAL ? call->result_type->precision : DECIMAL_MAX_DIGITS;
	Decimal sum;

	if (__builtin_add_overflow(*s, x, &sum) || !decimal_fits(sum, digits < DECIMAL_MAX_DIGITS ? digits : DECIMAL_MAX_DIGITS))
		return false;
	*s = sum;
	return true;
}

static Status
sum_decimal_step(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args,
				 int32_t n_rows, const uint64_t *skip, Vector *results)
{
	const Vector *v = args[0];

	for (int32_t i = 0; i < n_rows; i++) {
		Decimal *s = (Decimal *)(states[i] + offset);

		if (!agg_skips(skip, i) && arg_valid(v, i) && !sum_decimal_add(call, s, arg_decimal(v, i)))
			return sum_overflow(call);
		agg_note(call, s, results, i);
	}
	return OK;
}

static Status
sum_decimal_retract(const AggregateCall *call, void *state, const Vector *const *args, int32_t row)
{
	if (arg_valid(args[0], row) && !sum_decimal_add(call, state, -arg_decimal(args[0], row)))
		return sum_overflow(call);
	return OK;
}

AGG_MERGE(sum_decimal_merge, Decimal, *s += *o)
AGG_RESULT(sum_decimal_result, Decimal, ((Decimal *)out->data)[row] = *s)

/* ---- SUM, standard: with a count, so that no rows are NULL ---- */

typedef struct SumInt {
	int64_t sum;
	int64_t n;
} SumInt;

typedef struct SumWide {
	Decimal sum;
	int64_t n;
	int64_t unused;
} SumWide;

typedef struct SumDouble {
	double	sum;
	int64_t n;
} SumDouble;

#define NULL_IF_EMPTY(T)                                   \
	if (s->n == 0)                                         \
		vector_set_null(out, arena, row);                  \
	else                                                   \
		((T *)out->data)[row] = s->sum

/* INTEGER: 2^31 rows of the greatest value are far from 64 bits. */
AGG_STEP1(std_sum_int_step, int32_t, SumInt, (s->sum += x, s->n++))
AGG_RETRACT1(std_sum_int_retract, int32_t, SumInt, (s->sum -= x, s->n--))
AGG_MERGE(std_sum_int_merge, SumInt, (s->sum += o->sum, s->n += o->n))
AGG_RESULT(std_sum_int_result, SumInt, NULL_IF_EMPTY(int64_t))

/* BIGINT into 128 bits: cannot overflow. */
AGG_STEP1(std_sum_bigint_step, int64_t, SumWide, (s->sum += x, s->n++))
AGG_RETRACT1(std_sum_bigint_retract, int64_t, SumWide, (s->sum -= x, s->n--))
AGG_MERGE(std_sum_wide_merge, SumWide, (s->sum += o->sum, s->n += o->n))
AGG_RESULT(std_sum_wide_result, SumWide, NULL_IF_EMPTY(Decimal))

AGG_STEP1(std_sum_double_step, double, SumDouble, (s->sum += x, s->n++))
AGG_RETRACT1(std_sum_double_retract, double, SumDouble, (s->sum -= x, s->n--))
AGG_MERGE(std_sum_double_merge, SumDouble, (s->sum += o->sum, s->n += o->n))
AGG_RESULT(std_sum_double_result, SumDouble, NULL_IF_EMPTY(double))

/* DECIMAL of up to 28 digits: a billion rows fit 38 digits with room to spare in 128 bits, so only the end is checked. */
AGG_STEP1(std_sum_decimal_fast, Decimal, SumWide, (s->sum += x, s->n++))

static Status
std_sum_decimal_step(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args,
					 int32_t n_rows, const uint64_t *skip, Vector *results)
{
	const Vector *v = args[0];

	if (call->arg_types[0]->precision <= 28)
		return std_sum_decimal_fast(call, states, offset, args, n_rows, skip, results);
	for (int32_t i = 0; i < n_rows; i++) {
		SumWide *s = (SumWide *)(states[i] + offset);

		if (!agg_skips(skip, i) && arg_valid(v, i)) {
			if (!sum_decimal_add(call, &s->sum, arg_decimal(v, i)))
				return sum_overflow(call);
			s->n++;
		}
		agg_note(call, s, results, i);
	}
	return OK;
}

AGG_RETRACT1(std_sum_decimal_retract, Decimal, SumWide, (s->sum -= x, s->n--))

static const Type *
std_sum_decimal_resolve(const Type *const *args, int n_args, const Value *constants, Error *err)
{
	(void)n_args, (void)constants, (void)err;
	return type_decimal(DECIMAL_MAX_DIGITS, args[0]->scale);
}

/* ---- AVG ---- */

typedef struct AvgInt32 {
	int32_t sum;	/* wraps, as the reference */
	int64_t n;
} AvgInt32;

AGG_STEP1(avg_int32_step, int32_t, AvgInt32, (s->sum = (int32_t)((uint32_t)s->sum + (uint32_t)x), s->n++))
AGG_RETRACT1(avg_int32_retract, int32_t, AvgInt32, (s->sum = (int32_t)((uint32_t)s->sum - (uint32_t)x), s->n--))
AGG_MERGE(avg_int32_merge, AvgInt32, (s->sum = (int32_t)((uint32_t)s->sum + (uint32_t)o->sum), s->n += o->n))
AGG_RESULT(avg_int32_result, AvgInt32, ((double *)out->data)[row] = s->n == 0 ? 0 : (double)s->sum / (double)s->n)

AGG_STEP1(avg_int64_step, int64_t, SumInt, (s->sum = (int64_t)((uint64_t)s->sum + (uint64_t)x), s->n++))
AGG_RETRACT1(avg_int64_retract, int64_t, SumInt, (s->sum = (int64_t)((uint64_t)s->sum - (uint64_t)x), s->n--))
AGG_MERGE(avg_int64_merge, SumInt, (s->sum = (int64_t)((uint64_t)s->sum + (uint64_t)o->sum), s->n += o->n))
AGG_RESULT(avg_int64_result, SumInt, ((double *)out->data)[row] = s->n == 0 ? 0 : (double)s->sum / (double)s->n)

AGG_RESULT(avg_double_result, SumDouble, ((double *)out->data)[row] = s->n == 0 ? 0 : s->sum / (double)s->n)

/* standard: NULL without rows */
#define MEAN_OR_NULL(sum)                                  \
	if (s->n == 0)                                         \
		vector_set_null(out, arena, row);                  \
	else                                                   \
		((double *)out->data)[row] = (double)(sum) / (double)s->n

AGG_RESULT(std_avg_int_result, SumInt, MEAN_OR_NULL(s->sum))
AGG_RESULT(std_avg_bigint_result, SumWide, MEAN_OR_NULL(s->sum))
AGG_RESULT(std_avg_double_result, SumDouble, MEAN_OR_NULL(s->sum))

AGG_RESULT(std_avg_decimal_result, SumWide,
		   if (s->n == 0) vector_set_null(out, arena, row);
		   else ((double *)out->data)[row] =
			   decimal_to_double(s->sum, call->arg_types[0]->scale) / (double)s->n)

#define AVG_TEXT "Mean of the values."
#define SUM_TEXT "Sum of the values."
#define COUNT_TEXT "Number of rows; with an argument, of rows in which it is not NULL."

const Aggregate basic_aggregates[] = {
	{.name = "COUNT", .signature = "() -> BIGINT", .state_size = 8, .step = count_rows_step,
	 .retract = count_rows_retract, .merge = count_merge, .result = count_result, .description = COUNT_TEXT,
	 .example = "COUNT(*) FROM (VALUES (1), (NULL)) t(x)", .example_result = "2"},
	{.name = "COUNT", .signature = "(ANY) -> BIGINT", .state_size = 8, .step = count_step, .retract = count_retract,
	 .merge = count_merge, .result = count_result, .description = COUNT_TEXT,
	 .example = "COUNT(x) FROM (VALUES (1), (NULL)) t(x)", .example_result = "1"},

	{.name = "SUM", .signature = "(INTEGER) -> INTEGER", .state_size = 4, .step = sum_int32_step,
	 .retract = sum_int32_retract, .merge = sum_int32_merge, .result = sum_int32_result, .dialect = FUNCTION_KSQLDB,
	 .description = SUM_TEXT},
	{.name = "SUM", .signature = "(BIGINT) -> BIGINT", .state_size = 8, .step = sum_int64_step,
	 .retract = sum_int64_retract, .merge = sum_int64_merge, .result = sum_int64_result, .dialect = FUNCTION_KSQLDB,
	 .description = SUM_TEXT},
	{.name = "SUM", .signature = "(DOUBLE) -> DOUBLE", .state_size = 8, .step = sum_double_step,
	 .retract = sum_double_retract, .merge = sum_double_merge, .result = sum_double_result, .dialect = FUNCTION_KSQLDB,
	 .description = SUM_TEXT},
	{.name = "SUM", .signature = "(DECIMAL) -> = same", .state_size = 16, .step = sum_decimal_step,
	 .retract = sum_decimal_retract, .merge = sum_decimal_merge, .result = sum_decimal_result,
	 .resolve = agg_resolve_same, .dialect = FUNCTION_KSQLDB, .description = SUM_TEXT},

	{.name = "SUM", .signature = "(INTEGER) -> BIGINT", .state_size = sizeof(SumInt), .step = std_sum_int_step,
	 .retract = std_sum_int_retract, .merge = std_sum_int_merge, .result = std_sum_int_result,
	 .dialect = FUNCTION_STANDARD, .description = SUM_TEXT, .example = "SUM(x) FROM (VALUES (1), (2), (NULL)) t(x)",
	 .example_result = "3"},
	{.name = "SUM", .signature = "(BIGINT) -> DECIMAL(38, 0)", .state_size = sizeof(SumWide),
	 .step = std_sum_bigint_step, .retract = std_sum_bigint_retract, .merge = std_sum_wide_merge,
	 .result = std_sum_wide_result, .dialect = FUNCTION_STANDARD, .description = SUM_TEXT},
	{.name = "SUM", .signature = "(DECIMAL) -> = wide", .state_size = sizeof(SumWide), .step = std_sum_decimal_step,
	 .retract = std_sum_decimal_retract, .merge = std_sum_wide_merge, .result = std_sum_wide_result,
	 .resolve = std_sum_decimal_resolve, .dialect = FUNCTION_STANDARD, .description = SUM_TEXT},
	{.name = "SUM", .signature = "(DOUBLE) -> DOUBLE", .state_size = sizeof(SumDouble), .step = std_sum_double_step,
	 .retract = std_sum_double_retract, .merge = std_sum_double_merge, .result = std_sum_double_result,
	 .dialect = FUNCTION_STANDARD, .description = SUM_TEXT},

	{.name = "AVG", .signature = "(INTEGER) -> DOUBLE", .state_size = sizeof(AvgInt32), .step = avg_int32_step,
	 .retract = avg_int32_retract, .merge = avg_int32_merge, .result = avg_int32_result, .dialect = FUNCTION_KSQLDB,
	 .description = AVG_TEXT},
	{.name = "AVG", .signature = "(BIGINT) -> DOUBLE", .state_size = sizeof(SumInt), .step = avg_int64_step,
	 .retract = avg_int64_retract, .merge = avg_int64_merge, .result = avg_int64_result, .dialect = FUNCTION_KSQLDB,
	 .description = AVG_TEXT},
	{.name = "AVG", .signature = "(DOUBLE) -> DOUBLE", .state_size = sizeof(SumDouble), .step = std_sum_double_step,
	 .retract = std_sum_double_retract, .merge = std_sum_double_merge, .result = avg_double_result,
	 .dialect = FUNCTION_KSQLDB, .description = AVG_TEXT},

	{.name = "AVG", .signature = "(INTEGER) -> DOUBLE", .state_size = sizeof(SumInt), .step = std_sum_int_step,
	 .retract = std_sum_int_retract, .merge = std_sum_int_merge, .result = std_avg_int_result,
	 .dialect = FUNCTION_STANDARD, .description = AVG_TEXT, .example = "AVG(x) FROM (VALUES (1), (2)) t(x)",
	 .example_result = "1.5"},
	{.name = "AVG", .signature = "(BIGINT) -> DOUBLE", .state_size = sizeof(SumWide), .step = std_sum_bigint_step,
	 .retract = std_sum_bigint_retract, .merge = std_sum_wide_merge, .result = std_avg_bigint_result,
	 .dialect = FUNCTION_STANDARD, .description = AVG_TEXT},
	{.name = "AVG", .signature = "(DECIMAL) -> DOUBLE", .state_size = sizeof(SumWide), .step = std_sum_decimal_step,
	 .retract = std_sum_decimal_retract, .merge = std_sum_wide_merge, .result = std_avg_decimal_result,
	 .dialect = FUNCTION_STANDARD, .description = AVG_TEXT},
	{.name = "AVG", .signature = "(DOUBLE) -> DOUBLE", .state_size = sizeof(SumDouble), .step = std_sum_double_step,
	 .retract = std_sum_double_retract, .merge = std_sum_double_merge, .result = std_avg_double_result,
	 .dialect = FUNCTION_STANDARD, .description = AVG_TEXT},
	{.name = NULL},
};
