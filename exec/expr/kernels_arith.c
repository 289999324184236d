/* + - * / % and unary minus, of numbers; + of texts. */
#include <math.h>

#include "data/decimal.h"
#include "exec/expr/kernels.h"

static const char *const division_by_zero = "Division by zero";

/* ---- integers of the ksqldb dialect: they wrap ---- */

#define WRAPPING(name, T, U, op)                                                                                  \
	static void name(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)           \
	{                                                                                                             \
		(void)node;                                                                                               \
		BINARY_LOOP(T, T, T, (U)p op(U) q);                                                                       \
	}

WRAPPING(add_int32_wrap, int32_t, uint32_t, +)
WRAPPING(sub_int32_wrap, int32_t, uint32_t, -)
WRAPPING(mul_int32_wrap, int32_t, uint32_t, *)
WRAPPING(add_int64_wrap, int64_t, uint64_t, +)
WRAPPING(sub_int64_wrap, int64_t, uint64_t, -)
WRAPPING(mul_int64_wrap, int64_t, uint64_t, *)

/* ---- integers of the standard dialect: overflow is an error of the row ---- */

/*
 * The fast loop wraps and only remembers whether any row overflowed; then the rows are looked at one by one.
 * `overflows` is over p, q (operands) and r (the wrapped result).
 */
#define CHECKED(name, T, U, op, builtin, what)                                                              \
	static void name(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)           \
	{                                                                                                             \
		T *result = out->data;                                                                                    \
		int	any = 0;                                                                                              \
                                                                                                                  \
		(void)node;                                                                                               \
		for (int32_t i = 0; i < frame->n_rows; i++)                                                               \
			any |= builtin(OPERAND(T, a, i), OPERAND(T, b, i), &result[i]);                                       \
		if (!any)                                                                                                 \
			return;                                                                                               \
		for (int32_t i = 0; i < frame->n_rows; i++) {                                                             \
			T ignored;                                                                                            \
                                                                                                                  \
			if (builtin(OPERAND(T, a, i), OPERAND(T, b, i), &ignored) && row_counts(frame, out, i))               \
				eval_fail(frame->context, i, what " out of range");                                               \
		}                                                                                                         \
	}

CHECKED(add_int32_check, int32_t, uint32_t, +, __builtin_add_overflow, "INTEGER")
CHECKED(sub_int32_check, int32_t, uint32_t, -, __builtin_sub_overflow, "INTEGER")
CHECKED(mul_int32_check, int32_t, uint32_t, *, __builtin_mul_overflow, "INTEGER")
CHECKED(mul_int64_check, int64_t, uint64_t, *, __builtin_mul_overflow, "BIGINT")
CHECKED(add_int64_slow, int64_t, uint64_t, +, __builtin_add_overflow, "BIGINT")
CHECKED(sub_int64_slow, int64_t, uint64_t, -, __builtin_sub_overflow, "BIGINT")

/* Sums and differences of 64 bits: overflow shows in the signs, which vectorises. */
#define CHECKED_64(name, op, signs, slow)                                                                         \
	static void name(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)           \
	{                                                                                                             \
		uint64_t any = 0;                                                                                         \
                                                                                                                  \
		{                                                                                                         \
			const uint64_t *restrict x = a->data;                                                                 \
			const uint64_t *restrict y = b->data;                                                                 \
			uint64_t *restrict r = out->data;                                                                     \
                                                                                                                  \
			if (a->form == VECTOR_CONSTANT) {                                                                     \
				for (int32_t i = 0; i < frame->n_rows; i++) {                                                     \
					uint64_t p = x[0], q = y[i], s = p op q;                                                      \
                                                                                                                  \
					r[i] = s;                                                                                     \
					any |= (signs);                                                                               \
				}                                                                                                 \
			} else if (b->form == VECTOR_CONSTANT) {                                                              \
				for (int32_t i = 0; i < frame->n_rows; i++) {                                                     \
					uint64_t p = x[i], q = y[0], s = p op q;                                                      \
                                                                                                                  \
					r[i] = s;                                                                                     \
					any |= (signs);                                                                               \
				}                                                                                                 \
			} else {                                                                                              \
				for (int32_t i = 0; i < frame->n_rows; i++) {                                                     \
					uint64_t p = x[i], q = y[i], s = p op q;                                                      \
                                                                                                                  \
					r[i] = s;                                                                                     \
					any |= (signs);                                                                               \
				}                                                                                                 \
			}                                                                                                     \
		}                                                                                                         \
		if (any >> 63)                                                                                            \
			slow(node, frame, a, b, out);                                                                         \
	}

CHECKED_64(add_int64_check, +, (p ^ s) & (q ^ s), add_int64_slow)
CHECKED_64(sub_int64_check, -, (p ^ q) & (p ^ s), sub_int64_slow)

/* ---- division of integers: truncates toward zero; by zero is an error of the row in both dialects ---- */

#define DIVISION(name, T, U, is_mod, minimum, checked)                                                            \
	static void name(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)           \
	{                                                                                                             \
		T *result = out->data;                                                                                    \
                                                                                                                  \
		(void)node;                                                                                               \
		for (int32_t i = 0; i < frame->n_rows; i++) {                                                             \
			T p = OPERAND(T, a, i);                                                                               \
			T q = OPERAND(T, b, i);                                                                               \
                                                                                                                  \
			if (q == 0) {                                                                                         \
				result[i] = 0;                                                                                    \
				if (row_counts(frame, out, i))                                                                    \
					eval_fail(frame->context, i, "%s", division_by_zero);                                         \
			} else if (q == -1) {                                                                                 \
				result[i] = (is_mod) ? 0 : (T)(0 - (U)p);                                                         \
				if ((checked) && !(is_mod) && p == (minimum) && row_counts(frame, out, i))                        \
					eval_fail(frame->context, i, "%s out of range", sizeof(T) == 4 ? "INTEGER" : "BIGINT");       \
			} else {                                                                                              \
				result[i] = (is_mod) ? p % q : p / q;                                                             \
			}                                                                                                     \
		}                                                                                                         \
	}

DIVISION(div_int32_wrap, int32_t, uint32_t, false, INT32_MIN, false)
DIVISION(div_int32_check, int32_t, uint32_t, false, INT32_MIN, true)
DIVISION(mod_int32, int32_t, uint32_t, true, INT32_MIN, false)
DIVISION(div_int64_wrap, int64_t, uint64_t, false, INT64_MIN, false)
DIVISION(div_int64_check, int64_t, uint64_t, false, INT64_MIN, true)
DIVISION(mod_int64, int64_t, uint64_t, true, INT64_MIN, false)

/* ---- doubles ---- */

#define OF_DOUBLES(name, op)                                                                                      \
	static void name(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)           \
	{                                                                                                             \
		(void)node;                                                                                               \
		BINARY_LOOP(double, double, double, op);                                                                  \
	}

OF_DOUBLES(add_double, p + q)
OF_DOUBLES(sub_double, p - q)
OF_DOUBLES(mul_double, p *q)
OF_DOUBLES(div_double, p / q)
OF_DOUBLES(mod_double, fmod(p, q))

/* Standard dialect: dividing by zero is an error of the row, as in PostgreSQL. */
static void
fail_zero_divisors(EvalFrame *frame, const Vector *b, Vector *out)
{
	const double *y = b->data;
	int			  any = 0;

	for (int32_t i = 0; i < (b->form == VECTOR_CONSTANT ? 1 : frame->n_rows); i++)
		any |= y[i] == 0;
	if (!any)
		return;
	for (int32_t i = 0; i < frame->n_rows; i++)
		if (OPERAND(double, b, i) == 0 && row_counts(frame, out, i))
			eval_fail(frame->context, i, "%s", division_by_zero);
}

static void
div_double_check(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)
{
	div_double(node, frame, a, b, out);
	fail_zero_divisors(frame, b, out);
}

static void
mod_double_check(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)
{
	mod_double(node, frame, a, b, out);
	fail_zero_divisors(frame, b, out);
}

/* ---- decimals ---- */

static void
fail_decimal(EvalFrame *frame, int32_t i, DecimalCode code, const Type *type)
{
	Error err;

	if (code == DECIMAL_DIVISION_BY_ZERO) {
		eval_fail(frame->context, i, "%s", division_by_zero);
		return;
	}
	decimal_error(code, (DecimalShape){type->precision, type->scale}, &err);
	eval_fail(frame->context, i, "%s", err.message);
}

typedef DecimalCode (*DecimalOp)(Decimal a, int a_scale, Decimal b, int b_scale, DecimalShape out_shape,
								 DecimalRound round, Decimal *out);

static void
decimal_rows(DecimalOp op, const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)
{
	DecimalShape shape = {out->type->precision, out->type->scale};
	DecimalRound round = node->standard ? DECIMAL_HALF_UP : DECIMAL_EXACT;
	Decimal		*result = out->data;

	for (int32_t i = 0; i < frame->n_rows; i++) {
		DecimalCode code;

		result[i] = 0;
		if (!row_counts(frame, out, i))
			continue;
		code = op(OPERAND(Decimal, a, i), a->type->scale, OPERAND(Decimal, b, i), b->type->scale, shape, round, &result[i]);
		if (code != DECIMAL_OK) {
			result[i] = 0;
			fail_decimal(frame, i, code, out->type);
		}
	}
}

/* True when neither operands brought to the result's scale nor the result can pass 38 digits. */
static bool
sum_is_safe(const Vector *a, const Vector *b, const Vector *out)
{
	int scale = out->type->scale;

	return scale >= a->type->scale && scale >= b->type->scale && out->type->precision <= 37 &&
		a->type->precision - a->type->scale + scale < out->type->precision &&
		b->type->precision - b->type->scale + scale < out->type->precision;
}

#define DECIMAL_SUM(name, op, slow)                                                                               \
	static void name(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)           \
	{                                                                                                             \
		Decimal x;                                                                                                \
		Decimal y;                                                                                                \
                                                                                                                  \
		if (!sum_is_safe(a, b, out)) {                                                                            \
			decimal_rows(slow, node, frame, a, b, out);                                                           \
			return;                                                                                               \
		}                                                                                                         \
		x = decimal_power10(out->type->scale - a->type->scale);                                                   \
		y = decimal_power10(out->type->scale - b->type->scale);                                                   \
		if (x == 1 && y == 1)                                                                                     \
			BINARY_LOOP(Decimal, Decimal, Decimal, (unsigned __int128)p op(unsigned __int128) q);                 \
		else                                                                                                      \
			BINARY_LOOP(Decimal, Decimal, Decimal,                                                                \
						(unsigned __int128)p *(unsigned __int128)x op(unsigned __int128) q *(unsigned __int128)y); \
	}

DECIMAL_SUM(add_decimal, +, decimal_add)
DECIMAL_SUM(sub_decimal, -, decimal_sub)

static void
mul_decimal(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)
{
	if (out->type->scale == a->type->scale + b->type->scale && out->type->precision <= 38 &&
		a->type->precision + b->type->precision <= 37)
		BINARY_LOOP(Decimal, Decimal, Decimal, (unsigned __int128)p *(unsigned __int128)q);
	else
		decimal_rows(decimal_mul, node, frame, a, b, out);
}

static void
div_decimal(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)
{
	decimal_rows(decimal_div, node, frame, a, b, out);
}

static void
mod_decimal(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)
{
	decimal_rows(decimal_mod, node, frame, a, b, out);
}

/* ---- texts ---- */

/* ksqldb: a NULL operand contributes `null`.  standard: NULL was handled before. */
static void
concat_text(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)
{
	Arena	*arena = frame->context->scratch;
	StrView *result = out->data;

	(void)node;
	for (int32_t i = 0; i < frame->n_rows; i++) {
		const Vector *sides[2] = {a, b};
		Str			  parts[2];
		StrView		  views[2];
		size_t		  n = 0;
		char		  small[STR_VIEW_INLINE + 1];
		char		 *text = small;

		for (int s = 0; s < 2; s++) {
			bool valid = sides[s]->validity == NULL ||
				bitmap_get(sides[s]->validity, sides[s]->form == VECTOR_CONSTANT ? 0 : i);

			views[s] = OPERAND(StrView, sides[s], i);
			parts[s] = valid ? str_view_str(&views[s]) : STR("null");
			n += parts[s].length;
		}
		if (n > STR_VIEW_INLINE)
			text = arena_alloc(arena, n);
		if (parts[0].length > 0)
			memcpy(text, parts[0].data, parts[0].length);
		if (parts[1].length > 0)
			memcpy(text + parts[0].length, parts[1].data, parts[1].length);
		result[i] = str_view_make(text, n);
	}
}

BinaryKernel
concat_kernel(bool standard)
{
	(void)standard;
	return concat_text;
}

/* ---- choice ---- */

BinaryKernel
arithmetic_kernel(ArithmeticOp op, const Type *a, const Type *b, const Type *result, bool standard)
{
	static const BinaryKernel int32_wrap[] = {add_int32_wrap, sub_int32_wrap, mul_int32_wrap, div_int32_wrap, mod_int32};
	static const BinaryKernel int32_check[] = {add_int32_check, sub_int32_check, mul_int32_check, div_int32_check, mod_int32};
	static const BinaryKernel int64_wrap[] = {add_int64_wrap, sub_int64_wrap, mul_int64_wrap, div_int64_wrap, mod_int64};
	static const BinaryKernel int64_check[] = {add_int64_check, sub_int64_check, mul_int64_check, div_int64_check, mod_int64};
	static const BinaryKernel doubles[] = {add_double, sub_double, mul_double, div_double, mod_double};
	static const BinaryKernel doubles_check[] = {add_double, sub_double, mul_double, div_double_check, mod_double_check};
	static const BinaryKernel decimals[] = {add_decimal, sub_decimal, mul_decimal, div_decimal, mod_decimal};

	if (a->kind == b->kind && a->kind == result->kind) {
		switch (a->kind) {
		case TYPE_INTEGER:
			return standard ? int32_check[op] : int32_wrap[op];
		case TYPE_BIGINT:
			return standard ? int64_check[op] : int64_wrap[op];
		case TYPE_DOUBLE:
			return standard ? doubles_check[op] : doubles[op];
		case TYPE_DECIMAL:
			return decimals[op];
		case TYPE_STRING:
		case TYPE_BYTES:
			return op == ARITH_ADD ? concat_kernel(standard) : NULL;
		default:
			break;
		}
	}
	return time_arithmetic_kernel(op, a, b, result);
}

/* ---- evaluation ---- */

uint64_t *
validity_of_two(Arena *arena, const Vector *a, const Vector *b, int32_t n_rows)
{
	const uint64_t *x = a->form == VECTOR_CONSTANT ? NULL : a->validity;
	const uint64_t *y = b->form == VECTOR_CONSTANT ? NULL : b->validity;
	uint64_t	   *bits;

	if (x == NULL && y == NULL)
		return NULL;
	bits = bitmap_new(arena, n_rows);
	for (int64_t w = 0; w < bitmap_words(n_rows); w++)
		bits[w] = (x != NULL ? x[w] : ~UINT64_C(0)) & (y != NULL ? y[w] : ~UINT64_C(0));
	return bits;
}

static bool
is_null_constant(const Vector *v)
{
	return v->form == VECTOR_CONSTANT && !vector_is_valid(v, 0);
}

const Vector *
eval_binary(const Node *node, EvalFrame *frame)
{
	Arena		 *arena = frame->context->scratch;
	const Vector *a = node_eval_simple(node->args[0], frame);
	const Vector *b = node_eval_simple(node->args[1], frame);
	Vector		 *out;
	bool		  null_text = node->binary == concat_text && !node->standard;

	if (!null_text && (is_null_constant(a) || is_null_constant(b))) {
		if (!node->standard)
			for (int32_t i = 0; i < frame->n_rows; i++)
				eval_fail(frame->context, i, "Arithmetic with NULL");
		return vector_null(arena, node->type, frame->n_rows);
	}
	if (a->form == VECTOR_CONSTANT && b->form == VECTOR_CONSTANT)
		a = vector_flatten(arena, a);
	out = vector_new_unset(arena, node->type, frame->n_rows);
	if (!null_text) {
		out->validity = validity_of_two(arena, a, b, frame->n_rows);
		/* ksqldb: a NULL operand is an error of the row. */
		if (!node->standard && out->validity != NULL)
			for (int32_t i = 0; i < frame->n_rows; i++)
				if (!bitmap_get(out->validity, i))
					eval_fail(frame->context, i, "Arithmetic with NULL");
	}
	node->binary(node, frame, a, b, out);
	return out;
}

#define NEGATE_LOOP(T, expression)                                                  \
	do {                                                                            \
		const T *restrict x = v->data;                                              \
		T *restrict r = out->data;                                                  \
                                                                                    \
		for (int32_t i = 0; i < frame->n_rows; i++) {                               \
			T p = x[i];                                                             \
                                                                                    \
			r[i] = (T)(expression);                                                 \
		}                                                                           \
	} while (0)

const Vector *
eval_negate(const Node *node, EvalFrame *frame)
{
	Arena		 *arena = frame->context->scratch;
	const Vector *v = vector_flatten(arena, node_eval_simple(node->args[0], frame));
	Vector		 *out = vector_new_unset(arena, node->type, frame->n_rows);

	out->validity = v->validity;
	if (!node->standard && v->validity != NULL)
		for (int32_t i = 0; i < frame->n_rows; i++)
			if (!bitmap_get(v->validity, i))
				eval_fail(frame->context, i, "Arithmetic with NULL");
	switch (node->type->kind) {
	case TYPE_INTEGER:
		NEGATE_LOOP(int32_t, 0 - (uint32_t)p);
		for (int32_t i = 0; node->standard && i < frame->n_rows; i++)
			if (((const int32_t *)v->data)[i] == INT32_MIN && row_counts(frame, out, i))
				eval_fail(frame->context, i, "INTEGER out of range");
		break;
	case TYPE_BIGINT:
		NEGATE_LOOP(int64_t, 0 - (uint64_t)p);
		for (int32_t i = 0; node->standard && i < frame->n_rows; i++)
			if (((const int64_t *)v->data)[i] == INT64_MIN && row_counts(frame, out, i))
				eval_fail(frame->context, i, "BIGINT out of range");
		break;
	case TYPE_DOUBLE:
		NEGATE_LOOP(double, -p);
		break;
	case TYPE_DECIMAL:
		NEGATE_LOOP(Decimal, -p);
		break;
	case TYPE_INTERVAL:
		for (int32_t i = 0; i < frame->n_rows; i++) {
			Interval p = ((const Interval *)v->data)[i];

			((Interval *)out->data)[i] = (Interval){-p.months, -p.days, -p.micros};
		}
		break;
	default:
		return vector_null(arena, node->type, frame->n_rows);
	}
	return out;
}
