/*
 * Mathematical functions.
 *
 * Functions of real numbers exist three times, for INTEGER, BIGINT and DOUBLE, as ksqlDB lists them; one kernel serves
 * all three, which reads its argument as doubles whatever its type.  Outside their domain they give NaN or an infinity.
 */
#include <math.h>
#include <stdio.h>

#include "data/decimal.h"
#include "data/double_text.h"
#include "exec/func/kernel.h"

/* Argument `index` as doubles; *step is 0 when it is constant. */
static const double *
arg_doubles(const ScalarCall *call, int index, int32_t n_rows, int *step)
{
	const Vector *v = call->args[index];
	int32_t		  n = v->form == VECTOR_CONSTANT ? 1 : n_rows;
	double		 *copy;

	*step = arg_step(v);
	if (v->type->kind == TYPE_DOUBLE)
		return v->data;
	copy = arena_alloc(call->arena, sizeof(double) * (size_t)(n > 0 ? n : 1));
	if (v->type->kind == TYPE_INTEGER)
		for (int32_t i = 0; i < n; i++)
			copy[i] = ((const int32_t *)v->data)[i];
	else
		for (int32_t i = 0; i < n; i++)
			copy[i] = (double)((const int64_t *)v->data)[i];
	return copy;
}

#define REAL_FUNCTION(name, expression)                                         \
	static void name(const ScalarCall *call, int32_t n_rows, Vector *out)       \
	{                                                                           \
		int			  step;                                                     \
		const double *arg = arg_doubles(call, 0, n_rows, &step);                \
		double		 *result = out->data;                                       \
                                                                                \
		for (int32_t i = 0; i < n_rows; i++) {                                  \
			double	x = arg[i * step];                                          \
                                                                                \
			result[i] = (expression);                                           \
		}                                                                       \
	}

#define REAL_FUNCTION_2(name, expression)                                       \
	static void name(const ScalarCall *call, int32_t n_rows, Vector *out)       \
	{                                                                           \
		int			  step_x, step_y;                                           \
		const double *arg_x = arg_doubles(call, 0, n_rows, &step_x);            \
		const double *arg_y = arg_doubles(call, 1, n_rows, &step_y);            \
		double		 *result = out->data;                                       \
                                                                                \
		for (int32_t i = 0; i < n_rows; i++) {                                  \
			double	x = arg_x[i * step_x], y = arg_y[i * step_y];               \
                                                                                \
			result[i] = (expression);                                           \
		}                                                                       \
	}

REAL_FUNCTION(real_acos, acos(x))
REAL_FUNCTION(real_asin, asin(x))
REAL_FUNCTION(real_atan, atan(x))
/* The wider type makes cubes exact. */
REAL_FUNCTION(real_cbrt, (double)cbrtl((long double)x))
REAL_FUNCTION(real_cos, cos(x))
REAL_FUNCTION(real_cosh, cosh(x))
REAL_FUNCTION(real_cot, 1.0 / tan(x))
REAL_FUNCTION(real_degrees, x * (180.0 / M_PI))
REAL_FUNCTION(real_exp, exp(x))
REAL_FUNCTION(real_ln, x < 0 ? NAN : log(x))
REAL_FUNCTION(real_log10, x < 0 ? NAN : log10(x))
REAL_FUNCTION(real_log2, x < 0 ? NAN : log2(x))
REAL_FUNCTION(real_radians, x / 180.0 * M_PI)
REAL_FUNCTION(real_sin, sin(x))
REAL_FUNCTION(real_sinh, sinh(x))
REAL_FUNCTION(real_sqrt, x < 0 ? NAN : sqrt(x))
REAL_FUNCTION(real_tan, tan(x))
REAL_FUNCTION(real_tanh, tanh(x))
REAL_FUNCTION_2(real_atan2, atan2(x, y))
REAL_FUNCTION_2(real_power, pow(x, y))
REAL_FUNCTION_2(real_log_base, x <= 0 || x == 1 ? NAN : y < 0 ? NAN : log(y) / log(x))

/* ---- kernels that keep the type: one a type, so that loops have no switch ---- */

#define SAME_TYPE_FUNCTION(name, T, R, expression)                              \
	static void name(const ScalarCall *call, int32_t n_rows, Vector *out)       \
	{                                                                           \
		int		 step = arg_step(call->args[0]);                                \
		const T *arg = call->args[0]->data;                                     \
		R		*result = out->data;                                            \
                                                                                \
		for (int32_t i = 0; i < n_rows; i++) {                                  \
			T	x = arg[i * step];                                              \
                                                                                \
			result[i] = (R)(expression);                                        \
		}                                                                       \
	}

/* Negation in unsigned arithmetic: the smallest integer stays as it is instead of being undefined. */
SAME_TYPE_FUNCTION(abs_integer, int32_t, int32_t, x < 0 ? 0u - (uint32_t)x : (uint32_t)x)
SAME_TYPE_FUNCTION(abs_bigint, int64_t, int64_t, x < 0 ? 0u - (uint64_t)x : (uint64_t)x)
SAME_TYPE_FUNCTION(abs_double, double, double, fabs(x))
SAME_TYPE_FUNCTION(same_integer, int32_t, int32_t, x)
SAME_TYPE_FUNCTION(same_bigint, int64_t, int64_t, x)
SAME_TYPE_FUNCTION(integer_to_bigint, int32_t, int64_t, x)
SAME_TYPE_FUNCTION(ceil_double, double, double, ceil(x))
SAME_TYPE_FUNCTION(floor_double, double, double, floor(x))
SAME_TYPE_FUNCTION(trunc_double, double, double, trunc(x))
SAME_TYPE_FUNCTION(trunc_double_to_bigint, double, int64_t, double_to_int64_saturating(x))
SAME_TYPE_FUNCTION(round_double_to_bigint, double, int64_t, double_round_java(x))
SAME_TYPE_FUNCTION(round_double, double, double, round(x))
SAME_TYPE_FUNCTION(sign_integer, int32_t, int32_t, (x > 0) - (x < 0))
SAME_TYPE_FUNCTION(sign_bigint, int64_t, int32_t, (x > 0) - (x < 0))
SAME_TYPE_FUNCTION(sign_double, double, int32_t, (x > 0) - (x < 0))

/* ---- rounding doubles at a decimal place ---- */

static const double power10[] = {1e0,  1e1,	 1e2,  1e3,	 1e4,  1e5,	 1e6,  1e7,	 1e8,  1e9,	 1e10, 1e11,
								 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* The definition: rounds the shortest decimal text of the double, digit by digit, and reads the result back. */
static double
double_round_text(double x, int places, DecimalRound round_mode)
{
	char	digits[20], text[64];
	int		exponent, n_digits, keep, length = 0;
	bool	is_negative, away;
	double	result;

	n_digits = double_shortest(x, digits, &exponent, &is_negative);
	if ((int64_t)exponent + places >= n_digits)
		return x;
	if ((int64_t)exponent + places < 0)
		return is_negative && round_mode != DECIMAL_HALF_CEIL ? -0.0 : 0.0;
	keep = exponent + places;
	if (round_mode == DECIMAL_TRUNCATE)
		away = false;
	else if (digits[keep] != '5' || keep + 1 < n_digits)
		away = digits[keep] >= '5';
	else
		away = round_mode == DECIMAL_HALF_UP || !is_negative;	/* HALF_CEIL: a tie goes up */

	if (is_negative)
		text[length++] = '-';
	text[length++] = '0';			/* receives a carry */
	memcpy(text + length, digits, (size_t)keep);
	length += keep;
	if (away) {
		int	p = length - 1;

		while (text[p] == '9')
			text[p--] = '0';
		text[p]++;
	}
	length += snprintf(text + length, sizeof text - (size_t)length, "e%d", exponent - keep);
	if (!double_parse(str_make(text, (size_t)length), DOUBLE_STRICT, &result))
		return x;
	return result == 0 ? 0.0 : result;
}

static double
double_round_places(double x, int places, DecimalRound round_mode)
{
	double	scaled, whole, fraction;
	bool	nearby;

	if (!isfinite(x) || x == 0)
		return x;
	/*
	 * Fast way: the scaled number is wrong by an ulp or two, which matters only near a tie (or, truncating, near a whole
	 * number).  Otherwise the whole part is certain, and one division of exact numbers rounds as reading text does.
	 */
	if (places >= 0 && places <= 22) {
		scaled = fabs(x) * power10[places];
		if (scaled < 1e15) {
			whole = floor(scaled);
			fraction = scaled - whole;
			nearby = round_mode == DECIMAL_TRUNCATE ? fraction < scaled * 1e-15 || 1 - fraction < scaled * 1e-15
													: fabs(fraction - 0.5) < scaled * 1e-15;
			if (!nearby) {
				if (round_mode != DECIMAL_TRUNCATE && fraction > 0.5)
					whole += 1;
				whole /= power10[places];
				return x < 0 && whole != 0 ? -whole : whole;
			}
		}
	}
	return double_round_text(x, places, round_mode);
}

static void
double_at_places(const ScalarCall *call, int32_t n_rows, Vector *out, DecimalRound round_mode)
{
	const Vector *x = call->args[0], *n = call->args[1];
	double		 *result = out->data;

	for (int32_t i = 0; i < n_rows; i++) {
		double	value = arg_double(x, i);

		if (isnan(value) && !call_is_standard(call) && call_row_valid(call, i))
			eval_fail(call->context, i, "Cannot round NaN");
		else
			result[i] = double_round_places(value, arg_int32(n, i), round_mode);
	}
}

static void
round_double_places(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	double_at_places(call, n_rows, out, call_is_standard(call) ? DECIMAL_HALF_UP : DECIMAL_HALF_CEIL);
}

static void
trunc_double_places(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	double_at_places(call, n_rows, out, DECIMAL_TRUNCATE);
}

/* ROUND and TRUNC of integers at a place: only negative places do anything. */
static int64_t
integer_round_places(int64_t x, int places, bool truncate)
{
	__int128	unit = 1, rest, result;

	if (places >= 0)
		return x;
	if (places < -19)
		return 0;
	for (int i = 0; i < -places; i++)
		unit *= 10;
	rest = x % unit;
	result = x - rest;
	if (!truncate && (rest < 0 ? -rest : rest) * 2 >= unit)
		result += x < 0 ? -unit : unit;
	return (int64_t)result;
}

#define INTEGER_PLACES(name, T, truncate)                                       \
	static void name(const ScalarCall *call, int32_t n_rows, Vector *out)       \
	{                                                                           \
		const Vector *x = call->args[0], *n = call->args[1];                    \
                                                                                \
		for (int32_t i = 0; i < n_rows; i++)                                    \
			((T *)out->data)[i] = (T)integer_round_places(                      \
				((const T *)x->data)[arg_index(x, i)], arg_int32(n, i), truncate); \
	}

INTEGER_PLACES(round_integer_places, int32_t, false)
INTEGER_PLACES(round_bigint_places, int64_t, false)
INTEGER_PLACES(trunc_integer_places, int32_t, true)
INTEGER_PLACES(trunc_bigint_places, int64_t, true)

#define TEST_FUNCTION(name, expression)                                         \
	static void name(const ScalarCall *call, int32_t n_rows, Vector *out)       \
	{                                                                           \
		int			  step = arg_step(call->args[0]);                           \
		const double *arg = call->args[0]->data;                                \
                                                                                \
		for (int32_t i = 0; i < n_rows; i++) {                                  \
			double	x = arg[i * step];                                          \
                                                                                \
			((uint8_t *)out->data)[i] = (expression) != 0;                      \
		}                                                                       \
	}

TEST_FUNCTION(is_nan, isnan(x))
TEST_FUNCTION(is_infinite, isinf(x))
TEST_FUNCTION(is_finite, isfinite(x))

/* WIDTH_BUCKET: 1 to n for values within the bounds, 0 below and n + 1 at or above the upper one. */
static bool
width_bucket(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	double	x = args[0].number, low = args[1].number, high = args[2].number, n = (double)args[3].integer;

	if (n < 1 || isnan(x) || !isfinite(low) || !isfinite(high) || low == high) {
		eval_fail(call->context, row, "WIDTH_BUCKET needs two different finite bounds and at least one bucket");
		return false;
	}
	if (low > high) {		/* counted downward */
		x = -x;
		low = -low;
		high = -high;
	}
	if (x < low)
		return value_set_integer(out, 0);
	return value_set_integer(out, x >= high ? (int64_t)n + 1 : (int64_t)floor((x - low) / (high - low) * n) + 1);
}

/* ---- MOD, GCD, LCM ---- */

static void
mod_integer(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector *a = call->args[0], *b = call->args[1];

	for (int32_t i = 0; i < n_rows; i++) {
		int32_t	divisor = arg_int32(b, i);

		if (divisor == 0) {
			if (call_row_valid(call, i))
				eval_fail(call->context, i, "Division by zero");
		} else {
			((int32_t *)out->data)[i] = divisor == -1 ? 0 : arg_int32(a, i) % divisor;
		}
	}
}

static void
mod_bigint(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector *a = call->args[0], *b = call->args[1];

	for (int32_t i = 0; i < n_rows; i++) {
		int64_t	divisor = arg_int64(b, i);

		if (divisor == 0) {
			if (call_row_valid(call, i))
				eval_fail(call->context, i, "Division by zero");
		} else {
			((int64_t *)out->data)[i] = divisor == -1 ? 0 : arg_int64(a, i) % divisor;
		}
	}
}

REAL_FUNCTION_2(mod_double, fmod(x, y))

static uint64_t
greatest_divisor(int64_t x, int64_t y)
{
	uint64_t a = x < 0 ? 0 - (uint64_t)x : (uint64_t)x, b = y < 0 ? 0 - (uint64_t)y : (uint64_t)y;

	while (b != 0) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static bool
gcd_row(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)call;
	(void)row;
	return value_set_integer(out, (int64_t)greatest_divisor(args[0].integer, args[1].integer));
}

static bool
lcm_row(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	uint64_t divisor = greatest_divisor(args[0].integer, args[1].integer);
	int64_t	 result;

	if (divisor == 0)
		return value_set_integer(out, 0);
	if (__builtin_mul_overflow(args[0].integer / (int64_t)divisor, args[1].integer, &result) || result == INT64_MIN) {
		eval_fail(call->context, row, "The least common multiple is out of the range of BIGINT");
		return false;
	}
	return value_set_integer(out, result < 0 ? -result : result);
}

/* ---- constants, randomness, geography ---- */

static void
pi_constant(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	(void)call;
	for (int32_t i = 0; i < n_rows; i++)
		((double *)out->data)[i] = M_PI;
}

static void
random_unit(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Env *env = call->context->env != NULL ? call->context->env : &env_real;

	for (int32_t i = 0; i < n_rows; i++)
		((double *)out->data)[i] = (double)(env->random(env) >> 11) * 0x1p-53;
}

static bool
geo_radius_km(Str unit, double *radius)
{
	static const char *const km[] = {"km", "kilometer", "kilometers", "kilometre", "kilometres"};
	static const char *const miles[] = {"mi", "mile", "miles"};

	unit = str_trim(unit);
	for (size_t i = 0; i < sizeof km / sizeof km[0]; i++)
		if (unit.length == 0 || str_equal_nocase(unit, str_of(km[i]))) {
			*radius = 6371;
			return true;
		}
	for (size_t i = 0; i < sizeof miles / sizeof miles[0]; i++)
		if (str_equal_nocase(unit, str_of(miles[i]))) {
			*radius = 3959;
			return true;
		}
	return false;
}

/* The haversine formula. */
static bool
geo_distance_row(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	double	lat1 = args[0].number, lon1 = args[1].number, lat2 = args[2].number, lon2 = args[3].number;
	double	radius = 6371, d_lat, d_lon, a;

	if (fabs(lat1) > 90 || fabs(lat2) > 90 || fabs(lon1) > 180 || fabs(lon2) > 180) {
		eval_fail(call->context, row,
				  "valid latitude values for GeoDistance function are in the range of -90 to 90 and longitude values "
				  "are in the range of -180 to +180");
		return false;
	}
	if (call->n_args > 4 && !args[4].is_null && !geo_radius_km(args[4].text, &radius)) {
		eval_fail(call->context, row, "GeoDistance function units parameter must be one of km, kilometers, mi, miles. "
				  "Values are case-insensitive. Input was '%.*s'", (int)args[4].text.length, args[4].text.data);
		return false;
	}
	d_lat = (lat2 - lat1) * (M_PI / 180);
	d_lon = (lon2 - lon1) * (M_PI / 180);
	a = sin(d_lat / 2) * sin(d_lat / 2) +
		sin(d_lon / 2) * sin(d_lon / 2) * cos(lat1 * (M_PI / 180)) * cos(lat2 * (M_PI / 180));
	return value_set_double(out, radius * 2 * atan2(sqrt(a), sqrt(1 - a)));
}

/* ---- GREATEST and LEAST ---- */

static int
extreme_compare(const ScalarCall *call, const Value *a, const Value *b)
{
	if (a->type->kind == TYPE_DECIMAL)
		return decimal_compare(a->decimal, a->type->scale, b->decimal, b->type->scale);
	return value_compare(a, b, !call_is_standard(call));
}

static bool
extreme_row(const ScalarCall *call, int32_t row, const Value *args, Value *out, int sign)
{
	const Value *best = NULL;
	Decimal		 scaled;

	for (int a = 0; a < call->n_args; a++)
		if (!args[a].is_null && (best == NULL || sign * extreme_compare(call, &args[a], best) > 0))
			best = &args[a];
	if (best == NULL)
		return true;
	if (call->result_type->kind != TYPE_DECIMAL) {
		*out = *best;
		return true;
	}
	if (decimal_rescale(best->decimal, best->type->scale, call->result_type->scale, DECIMAL_EXACT, &scaled) != DECIMAL_OK) {
		eval_fail(call->context, row, "Numeric overflow in %s", call->function->name);
		return false;
	}
	out->is_null = false;
	out->decimal = scaled;
	return true;
}

/* Types that are compared as numbers: no switch and no Value per row. */
#define EXTREME_KERNEL(name, T, better)                                             \
	static void name(const ScalarCall *call, int32_t n_rows, Vector *out)           \
	{                                                                               \
		for (int32_t i = 0; i < n_rows; i++) {                                      \
			bool	found = false;                                                  \
			T		best = 0;                                                       \
                                                                                    \
			for (int a = 0; a < call->n_args; a++) {                                \
				const Vector *v = call->args[a];                                    \
				T			  x = ((const T *)v->data)[arg_index(v, i)];            \
                                                                                    \
				if (arg_valid(v, i) && (!found || (better))) {                      \
					best = x;                                                       \
					found = true;                                                   \
				}                                                                   \
			}                                                                       \
			((T *)out->data)[i] = best;                                             \
			if (!found)                                                             \
				result_set_null(call, out, i);                                      \
		}                                                                           \
	}

/* NaN is greater than all other doubles. */
EXTREME_KERNEL(greatest_int32, int32_t, x > best)
EXTREME_KERNEL(greatest_int64, int64_t, x > best)
EXTREME_KERNEL(greatest_double, double, x > best || (isnan(x) && !isnan(best)))
EXTREME_KERNEL(least_int32, int32_t, x < best)
EXTREME_KERNEL(least_int64, int64_t, x < best)
EXTREME_KERNEL(least_double, double, x < best || (isnan(best) && !isnan(x)))

static bool
greatest_row(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	return extreme_row(call, row, args, out, 1);
}

static bool
least_row(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	return extreme_row(call, row, args, out, -1);
}

/* Wide enough for the integer digits of every argument beside the longest fraction. */
static const Type *
extreme_resolve(const Type *const *args, int n_args, const Value *constants, Error *err)
{
	DecimalShape shape = {1, 0};

	(void)constants;
	(void)err;
	for (int a = 0; a < n_args; a++) {
		const Type *decimal = args[a]->kind == TYPE_NULL ? NULL : type_as_decimal(args[a]);

		if (decimal != NULL)
			shape = decimal_common_shape(shape, (DecimalShape){decimal->precision, decimal->scale}, false);
	}
	return type_decimal(shape.precision, shape.scale);
}

/* ---- the rows ---- */

#define REAL(name, kernel, dialect, description, example, result)                                          \
	FUNCTION(name, "(INTEGER) -> DOUBLE", kernel, NULL_IN, dialect, description, example, result),         \
	FUNCTION(name, "(BIGINT) -> DOUBLE", kernel, NULL_IN, dialect, description, example, result),          \
	FUNCTION(name, "(DOUBLE) -> DOUBLE", kernel, NULL_IN, dialect, description, example, result)

#define REAL_2(name, kernel, dialect, description, example, result)                                        \
	FUNCTION(name, "(INTEGER, INTEGER) -> DOUBLE", kernel, NULL_IN, dialect, description, example, result), \
	FUNCTION(name, "(BIGINT, BIGINT) -> DOUBLE", kernel, NULL_IN, dialect, description, example, result),  \
	FUNCTION(name, "(DOUBLE, DOUBLE) -> DOUBLE", kernel, NULL_IN, dialect, description, example, result)

#define EXTREME(name, type, kernel, dialect, ...)                                                          \
	FUNCTION(name, "(" type ", " type "...) -> " type, kernel, 0, dialect, __VA_ARGS__)
#define EXTREME_ROWS(name, type, kernel, dialect, ...)                                                     \
	FUNCTION_ROWS(name, "(" type ", " type "...) -> " type, kernel, 0, dialect, __VA_ARGS__)

#define EXTREMES(name, kernel, ...)                                                                        \
	EXTREME(name, "INTEGER", kernel##_int32, BOTH, __VA_ARGS__),                                           \
	EXTREME(name, "BIGINT", kernel##_int64, BOTH, __VA_ARGS__),                                            \
	EXTREME(name, "DOUBLE", kernel##_double, BOTH, __VA_ARGS__),                                           \
	EXTREME_ROWS(name, "STRING", kernel##_row, KSQLDB, __VA_ARGS__),                                       \
	EXTREME_ROWS(name, "BYTES", kernel##_row, KSQLDB, __VA_ARGS__),                                        \
	EXTREME_ROWS(name, "STRING", kernel##_row, STANDARD, __VA_ARGS__),                                     \
	EXTREME_ROWS(name, "BYTES", kernel##_row, STANDARD, __VA_ARGS__),                                      \
	EXTREME(name, "DATE", kernel##_int32, BOTH, __VA_ARGS__),                                              \
	EXTREME(name, "TIME", kernel##_int32, BOTH, __VA_ARGS__),                                              \
	EXTREME(name, "TIMESTAMP", kernel##_int64, BOTH, __VA_ARGS__),                                         \
	FUNCTION_ROWS_TYPED(name, "(DECIMAL, DECIMAL...) -> = f", kernel##_row, extreme_resolve, 0, BOTH, __VA_ARGS__)

#define ABS_TEXT "The value without its sign.", "ABS(-5)", "5"
#define SIGN_TEXT "-1, 0 or 1 for a negative number, zero or a positive number.", "SIGN(-8)", "-1"
#define CEIL_TEXT "The smallest whole number that is not less than the value."
#define FLOOR_TEXT "The largest whole number that is not greater than the value.", "FLOOR(1.5e0)", "1.0"
#define ROUND_KSQLDB "The nearest whole number; halves go up, toward plus infinity.", "ROUND(-1.5e0)", "-1"
#define ROUND_STANDARD "The nearest whole number; halves go away from zero.", "ROUND(-1.5e0)", "-2.0"
#define ROUND_PLACES "Rounds at a number of decimal places, which may be negative.", "ROUND(2.345e0, 2)", "2.35"
#define TRUNC_TEXT "The whole part: the value rounded toward zero."
#define TRUNC_PLACES "Cuts off the digits behind a number of decimal places.", "TRUNC(2.349e0, 2)", "2.34"
#define MOD_TEXT "The remainder of a division, with the sign of the dividend.", "MOD(-7, 3)", "-1"
#define GEO_TEXT "The distance between two points on earth, along a great circle, in km or miles."

const ScalarFunction scalar_math_functions[] = {
	FUNCTION("ABS", "(INTEGER) -> INTEGER", abs_integer, NULL_IN, BOTH, ABS_TEXT),
	FUNCTION("ABS", "(BIGINT) -> BIGINT", abs_bigint, NULL_IN, BOTH, ABS_TEXT),
	FUNCTION("ABS", "(DOUBLE) -> DOUBLE", abs_double, NULL_IN, BOTH, ABS_TEXT),
	REAL("ACOS", real_acos, BOTH, "The angle in radians whose cosine is the value.", "ACOS(1)", "0.0"),
	REAL("ASIN", real_asin, BOTH, "The angle in radians whose sine is the value.", "ASIN(0)", "0.0"),
	REAL("ATAN", real_atan, BOTH, "The angle in radians whose tangent is the value.", "ATAN(0)", "0.0"),
	REAL_2("ATAN2", real_atan2, BOTH, "The angle in radians of the point (x, y), given as y, x.", "ATAN2(0, 1)", "0.0"),
	REAL("CBRT", real_cbrt, BOTH, "The cube root.", "CBRT(27)", "3.0"),
	FUNCTION("CEIL", "(INTEGER) -> INTEGER", same_integer, NULL_IN, BOTH, CEIL_TEXT, "CEIL(1.5e0)", "2.0"),
	FUNCTION("CEIL", "(BIGINT) -> BIGINT", same_bigint, NULL_IN, BOTH, CEIL_TEXT, "CEIL(1.5e0)", "2.0"),
	FUNCTION("CEIL", "(DOUBLE) -> DOUBLE", ceil_double, NULL_IN, BOTH, CEIL_TEXT, "CEIL(1.5e0)", "2.0"),
	FUNCTION("CEILING", "(INTEGER) -> INTEGER", same_integer, NULL_IN, BOTH, CEIL_TEXT, "CEILING(1.5e0)", "2.0"),
	FUNCTION("CEILING", "(BIGINT) -> BIGINT", same_bigint, NULL_IN, BOTH, CEIL_TEXT, "CEILING(1.5e0)", "2.0"),
	FUNCTION("CEILING", "(DOUBLE) -> DOUBLE", ceil_double, NULL_IN, BOTH, CEIL_TEXT, "CEILING(1.5e0)", "2.0"),
	REAL("COS", real_cos, BOTH, "The cosine of an angle in radians.", "COS(0)", "1.0"),
	REAL("COSH", real_cosh, BOTH, "The hyperbolic cosine.", "COSH(0)", "1.0"),
	REAL("COT", real_cot, BOTH, "The cotangent of an angle in radians.", "COT(0.5e0)", "1.830487721712452"),
	REAL("DEGREES", real_degrees, BOTH, "Radians as degrees.", "DEGREES(PI())", "180.0"),
	REAL("EXP", real_exp, BOTH, "Euler's number raised to the value.", "EXP(0)", "1.0"),
	FUNCTION("FLOOR", "(INTEGER) -> INTEGER", same_integer, NULL_IN, BOTH, FLOOR_TEXT),
	FUNCTION("FLOOR", "(BIGINT) -> BIGINT", same_bigint, NULL_IN, BOTH, FLOOR_TEXT),
	FUNCTION("FLOOR", "(DOUBLE) -> DOUBLE", floor_double, NULL_IN, BOTH, FLOOR_TEXT),
	FUNCTION_ROWS("GCD", "(BIGINT, BIGINT) -> BIGINT", gcd_row, NULL_IN, BOTH,
				  "The greatest common divisor of two integers.", "GCD(12, 18)", "6"),
	FUNCTION_ROWS("GEO_DISTANCE", "(DOUBLE!, DOUBLE!, DOUBLE!, DOUBLE!) -> DOUBLE", geo_distance_row, 0, BOTH, GEO_TEXT,
				  "ROUND(GEO_DISTANCE(52.5e0, 13.4e0, 48.9e0, 2.4e0), 0)", "871.0"),
	FUNCTION_ROWS("GEO_DISTANCE", "(DOUBLE!, DOUBLE!, DOUBLE!, DOUBLE!, STRING) -> DOUBLE", geo_distance_row, 0, BOTH,
				  GEO_TEXT, "GEO_DISTANCE(0e0, 0e0, 0e0, 0e0, 'miles')", "0.0"),
	EXTREMES("GREATEST", greatest, "The greatest of its arguments, NULLs left out.", "GREATEST(3, 7, NULL)", "7"),
	FUNCTION("ISFINITE", "(DOUBLE) -> BOOLEAN", is_finite, NULL_IN, BOTH, "Whether a number is neither infinite nor NaN.",
			 "ISFINITE(1e0)", "true"),
	FUNCTION("ISINF", "(DOUBLE) -> BOOLEAN", is_infinite, NULL_IN, BOTH, "Whether a number is infinite.", "ISINF(1e0)", "false"),
	FUNCTION("ISNAN", "(DOUBLE) -> BOOLEAN", is_nan, NULL_IN, BOTH, "Whether a value is not a number.", "ISNAN(SQRT(-1))",
			 "true"),
	FUNCTION_ROWS("LCM", "(BIGINT, BIGINT) -> BIGINT", lcm_row, NULL_IN, BOTH,
				  "The least common multiple of two integers.", "LCM(4, 6)", "12"),
	EXTREMES("LEAST", least, "The least of its arguments, NULLs left out.", "LEAST(3, 7, NULL)", "3"),
	REAL("LN", real_ln, BOTH, "The natural logarithm.", "LN(1)", "0.0"),
	REAL("LOG", real_ln, KSQLDB, "The natural logarithm.", "LOG(1)", "0.0"),
	REAL("LOG", real_log10, STANDARD, "The logarithm to base 10.", "LOG(100)", "2.0"),
	REAL_2("LOG", real_log_base, BOTH, "The logarithm of the second argument to the base of the first.", "LOG(2, 8)", "3.0"),
	REAL("LOG10", real_log10, BOTH, "The logarithm to base 10.", "LOG10(1000)", "3.0"),
	REAL("LOG2", real_log2, BOTH, "The logarithm to base 2.", "LOG2(8)", "3.0"),
	FUNCTION("MOD", "(INTEGER, INTEGER) -> INTEGER", mod_integer, NULL_IN, BOTH, MOD_TEXT),
	FUNCTION("MOD", "(BIGINT, BIGINT) -> BIGINT", mod_bigint, NULL_IN, BOTH, MOD_TEXT),
	FUNCTION("MOD", "(DOUBLE, DOUBLE) -> DOUBLE", mod_double, NULL_IN, BOTH, MOD_TEXT),
	FUNCTION("PI", "() -> DOUBLE", pi_constant, 0, BOTH, "The ratio of a circle's circumference to its diameter.", "PI()",
			 "3.141592653589793"),
	REAL_2("POW", real_power, BOTH, "The first argument raised to the second.", "POW(2, 10)", "1024.0"),
	REAL_2("POWER", real_power, BOTH, "The first argument raised to the second.", "POWER(2, 10)", "1024.0"),
	REAL("RADIANS", real_radians, BOTH, "Degrees as radians.", "RADIANS(180)", "3.141592653589793"),
	FUNCTION("RANDOM", "() -> DOUBLE", random_unit, FUNC_NOT_DETERMINISTIC, BOTH,
			 "A random number from 0 up to, not including, 1; another one for each row.", "RANDOM() < 1", "true"),
	FUNCTION("ROUND", "(INTEGER!) -> BIGINT", integer_to_bigint, NULL_IN, KSQLDB, ROUND_KSQLDB),
	FUNCTION("ROUND", "(BIGINT!) -> BIGINT", same_bigint, NULL_IN, KSQLDB, ROUND_KSQLDB),
	FUNCTION("ROUND", "(DOUBLE) -> BIGINT", round_double_to_bigint, NULL_IN, KSQLDB, ROUND_KSQLDB),
	FUNCTION("ROUND", "(INTEGER) -> INTEGER", same_integer, NULL_IN, STANDARD, ROUND_STANDARD),
	FUNCTION("ROUND", "(BIGINT) -> BIGINT", same_bigint, NULL_IN, STANDARD, ROUND_STANDARD),
	FUNCTION("ROUND", "(DOUBLE) -> DOUBLE", round_double, NULL_IN, STANDARD, ROUND_STANDARD),
	FUNCTION("ROUND", "(DOUBLE, INTEGER) -> DOUBLE", round_double_places, NULL_IN, KSQLDB, ROUND_PLACES),
	FUNCTION("ROUND", "(DOUBLE, INTEGER) -> DOUBLE", round_double_places, NULL_IN, STANDARD, ROUND_PLACES),
	FUNCTION("ROUND", "(INTEGER, INTEGER) -> INTEGER", round_integer_places, NULL_IN, STANDARD, ROUND_PLACES),
	FUNCTION("ROUND", "(BIGINT, INTEGER) -> BIGINT", round_bigint_places, NULL_IN, STANDARD, ROUND_PLACES),
	FUNCTION("SIGN", "(INTEGER) -> INTEGER", sign_integer, NULL_IN, BOTH, SIGN_TEXT),
	FUNCTION("SIGN", "(BIGINT) -> INTEGER", sign_bigint, NULL_IN, BOTH, SIGN_TEXT),
	FUNCTION("SIGN", "(DOUBLE) -> INTEGER", sign_double, NULL_IN, BOTH, SIGN_TEXT),
	REAL("SIN", real_sin, BOTH, "The sine of an angle in radians.", "SIN(0)", "0.0"),
	REAL("SINH", real_sinh, BOTH, "The hyperbolic sine.", "SINH(0)", "0.0"),
	REAL("SQRT", real_sqrt, BOTH, "The square root; NaN for negative numbers.", "SQRT(2)", "1.4142135623730951"),
	REAL("TAN", real_tan, BOTH, "The tangent of an angle in radians.", "TAN(0)", "0.0"),
	REAL("TANH", real_tanh, BOTH, "The hyperbolic tangent.", "TANH(0)", "0.0"),
	FUNCTION("TRUNC", "(INTEGER) -> BIGINT", integer_to_bigint, NULL_IN, KSQLDB, TRUNC_TEXT, "TRUNC(-1.9e0)", "-1"),
	FUNCTION("TRUNC", "(BIGINT) -> BIGINT", same_bigint, NULL_IN, KSQLDB, TRUNC_TEXT, "TRUNC(-1.9e0)", "-1"),
	FUNCTION("TRUNC", "(DOUBLE) -> BIGINT", trunc_double_to_bigint, NULL_IN, KSQLDB, TRUNC_TEXT, "TRUNC(-1.9e0)", "-1"),
	FUNCTION("TRUNC", "(INTEGER) -> INTEGER", same_integer, NULL_IN, STANDARD, TRUNC_TEXT, "TRUNC(-1.9e0)", "-1.0"),
	FUNCTION("TRUNC", "(BIGINT) -> BIGINT", same_bigint, NULL_IN, STANDARD, TRUNC_TEXT, "TRUNC(-1.9e0)", "-1.0"),
	FUNCTION("TRUNC", "(DOUBLE) -> DOUBLE", trunc_double, NULL_IN, STANDARD, TRUNC_TEXT, "TRUNC(-1.9e0)", "-1.0"),
	FUNCTION("TRUNC", "(DOUBLE, INTEGER) -> DOUBLE", trunc_double_places, NULL_IN, KSQLDB, TRUNC_PLACES),
	FUNCTION("TRUNC", "(DOUBLE, INTEGER) -> DOUBLE", trunc_double_places, NULL_IN, STANDARD, TRUNC_PLACES),
	FUNCTION("TRUNC", "(INTEGER, INTEGER) -> INTEGER", trunc_integer_places, NULL_IN, STANDARD, TRUNC_PLACES),
	FUNCTION("TRUNC", "(BIGINT, INTEGER) -> BIGINT", trunc_bigint_places, NULL_IN, STANDARD, TRUNC_PLACES),
	FUNCTION("TRUNCATE", "(DOUBLE) -> DOUBLE", trunc_double, NULL_IN, STANDARD, TRUNC_TEXT, "TRUNCATE(-1.9e0)", "-1.0"),
	FUNCTION("TRUNCATE", "(DOUBLE, INTEGER) -> DOUBLE", trunc_double_places, NULL_IN, STANDARD,
			 "Cuts off the digits behind a number of decimal places.", "TRUNCATE(2.349e0, 2)", "2.34"),
	FUNCTION_ROWS("WIDTH_BUCKET", "(DOUBLE, DOUBLE, DOUBLE, INTEGER) -> INTEGER", width_bucket, NULL_IN, BOTH,
				  "The number, from 1, of the one of n equal parts of a range that holds a value.",
				  "WIDTH_BUCKET(5.3e0, 0e0, 10e0, 5)", "3"),
	{.name = NULL},
};
