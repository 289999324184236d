/* The overloads for DECIMAL of mathematical functions.  Result types depend on precision and scale of the argument. */
#include "data/decimal.h"
#include "exec/func/kernel.h"

static int
min_int(int a, int b)
{
	return a < b ? a : b;
}

static int
max_int(int a, int b)
{
	return a > b ? a : b;
}

/* ---- result types ---- */

static const Type *
same_decimal(const Type *const *args, int n_args, const Value *constants, Error *err)
{
	(void)n_args;
	(void)constants;
	(void)err;
	return args[0]->kind == TYPE_DECIMAL ? args[0] : type_decimal(1, 0);
}

/* ksqlDB: DECIMAL(p, s) becomes DECIMAL(p - s, 0). */
static const Type *
whole_ksqldb(const Type *const *args, int n_args, const Value *constants, Error *err)
{
	(void)n_args;
	(void)constants;
	(void)err;
	if (args[0]->kind != TYPE_DECIMAL)
		return type_decimal(1, 0);
	return type_decimal(max_int(args[0]->precision - args[0]->scale, 1), 0);
}

/* One digit more, because 9.9 may become 10. */
static const Type *
whole_standard(const Type *const *args, int n_args, const Value *constants, Error *err)
{
	(void)n_args;
	(void)constants;
	(void)err;
	if (args[0]->kind != TYPE_DECIMAL)
		return type_decimal(1, 0);
	return type_decimal(min_int(args[0]->precision - args[0]->scale + 1, DECIMAL_MAX_DIGITS), 0);
}

/* With a constant number of places the result has that scale; otherwise it keeps the argument's. */
static const Type *
places_standard(const Type *const *args, int n_args, const Value *constants, Error *err)
{
	int		places, whole;

	(void)n_args;
	(void)err;
	if (args[0]->kind != TYPE_DECIMAL)
		return type_decimal(1, 0);
	if (constants == NULL || constants[1].type == NULL || constants[1].is_null || constants[1].type->kind != TYPE_INTEGER ||
		constants[1].integer >= args[0]->scale)
		return args[0];
	places = max_int((int)constants[1].integer, 0);
	whole = args[0]->precision - args[0]->scale + 1;
	return type_decimal(min_int(whole + places, DECIMAL_MAX_DIGITS), places);
}

/* ---- kernels ---- */

static bool
decimal_row_done(const ScalarCall *call, int32_t row, DecimalCode code, Decimal value, Value *out)
{
	if (code != DECIMAL_OK) {
		eval_fail(call->context, row, "Numeric field overflow: the result of %s does not fit DECIMAL(%d, %d)",
				  call->function->name, call->result_type->precision, call->result_type->scale);
		return false;
	}
	out->is_null = false;
	out->decimal = value;
	return true;
}

static bool
abs_decimal(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	return decimal_row_done(call, row, DECIMAL_OK, args[0].decimal < 0 ? -args[0].decimal : args[0].decimal, out);
}

/* Rounds at `places` and brings the value to the scale of the result. */
static bool
round_at(const ScalarCall *call, int32_t row, const Value *arg, int64_t places, DecimalRound round, Value *out)
{
	int		from = arg->type->scale, to = call->result_type->scale;
	Decimal value = arg->decimal;

	if (places >= from)
		return decimal_row_done(call, row, decimal_rescale(value, from, to, DECIMAL_EXACT, &value), value, out);
	if (places < -DECIMAL_MAX_DIGITS)
		places = -DECIMAL_MAX_DIGITS;
	DecimalCode code = decimal_round(value, from, (int)places, round, &value);

	if (code == DECIMAL_OK)
		code = decimal_rescale(value, from, to, DECIMAL_EXACT, &value);
	return decimal_row_done(call, row, code, value, out);
}

static bool
ceil_decimal(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	return round_at(call, row, &args[0], 0, DECIMAL_CEIL, out);
}

static bool
floor_decimal(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	return round_at(call, row, &args[0], 0, DECIMAL_FLOOR, out);
}

static bool
round_decimal(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	DecimalRound round = call_is_standard(call) ? DECIMAL_HALF_UP : DECIMAL_HALF_CEIL;

	return round_at(call, row, &args[0], call->n_args > 1 ? args[1].integer : 0, round, out);
}

static bool
trunc_decimal(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	return round_at(call, row, &args[0], call->n_args > 1 ? args[1].integer : 0, DECIMAL_TRUNCATE, out);
}

static const Type *
mod_resolve(const Type *const *args, int n_args, const Value *constants, Error *err)
{
	DecimalShape shape[2];

	(void)constants;
	(void)err;
	for (int a = 0; a < 2 && a < n_args; a++) {
		const Type *t = args[a]->kind == TYPE_NULL ? type_decimal(1, 0) : type_as_decimal(args[a]);

		shape[a] = (DecimalShape){t->precision, t->scale};
	}
	shape[0] = decimal_result_standard('%', shape[0], shape[1]);
	return type_decimal(shape[0].precision, shape[0].scale);
}

static bool
mod_decimal(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	DecimalShape shape = {call->result_type->precision, call->result_type->scale};
	Decimal		 value = 0;
	DecimalCode	 code;

	if (args[1].decimal == 0) {
		eval_fail(call->context, row, "Division by zero");
		return false;
	}
	code = decimal_mod(args[0].decimal, args[0].type->scale, args[1].decimal, args[1].type->scale, shape, DECIMAL_EXACT,
					   &value);
	return decimal_row_done(call, row, code, value, out);
}

#define DECIMAL(name, kernel, resolve, dialect, description, example, result)                                            \
	FUNCTION_ROWS_TYPED(name, "(DECIMAL) -> = f", kernel, resolve, NULL_IN, dialect, description, example, result)
#define DECIMAL_PLACES(name, kernel, resolve, dialect, description, example, result)                                     \
	FUNCTION_ROWS_TYPED(name, "(DECIMAL, INTEGER) -> = f", kernel, resolve, NULL_IN, dialect, description, example, result)

#define CEIL_TEXT "The smallest whole number that is not less than the value."
#define FLOOR_TEXT "The largest whole number that is not greater than the value."
#define ROUND_KSQLDB "The nearest whole number; halves go up, toward plus infinity."
#define ROUND_STANDARD "The nearest whole number; halves go away from zero."
#define ROUND_PLACES "Rounds at a number of decimal places, which may be negative."
#define TRUNC_TEXT "The whole part: the value rounded toward zero."
#define TRUNC_PLACES "Cuts off the digits behind a number of decimal places."

const ScalarFunction scalar_decimal_functions[] = {
	DECIMAL("ABS", abs_decimal, same_decimal, BOTH, "The value without its sign.", "ABS(-1.50)", "1.50"),
	DECIMAL("CEIL", ceil_decimal, same_decimal, KSQLDB, CEIL_TEXT, "CEIL(1.5)", "2.0"),
	DECIMAL("CEIL", ceil_decimal, whole_standard, STANDARD, CEIL_TEXT, "CEIL(CAST(1.5 AS DECIMAL(3,1)))", "2"),
	DECIMAL("CEILING", ceil_decimal, whole_standard, STANDARD, CEIL_TEXT, "CEILING(CAST(1.5 AS DECIMAL(3,1)))", "2"),
	DECIMAL("FLOOR", floor_decimal, same_decimal, KSQLDB, FLOOR_TEXT, "FLOOR(1.5)", "1.0"),
	DECIMAL("FLOOR", floor_decimal, whole_standard, STANDARD, FLOOR_TEXT, "FLOOR(CAST(1.5 AS DECIMAL(3,1)))", "1"),
	FUNCTION_ROWS_TYPED("MOD", "(DECIMAL, DECIMAL) -> = f", mod_decimal, mod_resolve, NULL_IN, BOTH,
						"The remainder of a division, with the sign of the dividend.",
						"MOD(CAST(7.5 AS DECIMAL(3,1)), CAST(2 AS DECIMAL(1,0)))", "1.5"),
	DECIMAL("ROUND", round_decimal, whole_ksqldb, KSQLDB, ROUND_KSQLDB, "ROUND(-1.5)", "-1"),
	DECIMAL("ROUND", round_decimal, whole_standard, STANDARD, ROUND_STANDARD, "ROUND(CAST(-1.5 AS DECIMAL(3,1)))", "-2"),
	DECIMAL_PLACES("ROUND", round_decimal, same_decimal, KSQLDB, ROUND_PLACES, "ROUND(2.345, 2)", "2.350"),
	DECIMAL_PLACES("ROUND", round_decimal, places_standard, STANDARD, ROUND_PLACES,
				   "ROUND(CAST(2.345 AS DECIMAL(4,3)), 2)", "2.35"),
	DECIMAL("TRUNC", trunc_decimal, whole_ksqldb, KSQLDB, TRUNC_TEXT, "TRUNC(-1.9)", "-1"),
	DECIMAL("TRUNC", trunc_decimal, whole_standard, STANDARD, TRUNC_TEXT, "TRUNC(CAST(-1.9 AS DECIMAL(3,1)))", "-1"),
	DECIMAL_PLACES("TRUNC", trunc_decimal, same_decimal, KSQLDB, TRUNC_PLACES, "TRUNC(2.349, 2)", "2.340"),
	DECIMAL_PLACES("TRUNC", trunc_decimal, places_standard, STANDARD, TRUNC_PLACES,
				   "TRUNC(CAST(2.349 AS DECIMAL(4,3)), 2)", "2.34"),
	{.name = NULL},
};
