/*
 * The bits of whole numbers, in two's complement, as PostgreSQL and DuckDB have them: shifts to the left drop what leaves the 64 bits, shifts to
 * the right keep the sign.
 */
#include "exec/func/kernel.h"

#define BITS_2(name, expression)                                                \
	static void name(const ScalarCall *call, int32_t n_rows, Vector *out)       \
	{                                                                           \
		const int64_t *a = call->args[0]->data, *b = call->args[1]->data;       \
		int			   step_a = arg_step(call->args[0]), step_b = arg_step(call->args[1]); \
		int64_t		  *result = out->data;                                      \
                                                                                \
		for (int32_t i = 0; i < n_rows; i++) {                                  \
			int64_t x = a[i * step_a], y = b[i * step_b];                       \
                                                                                \
			result[i] = (expression);                                           \
		}                                                                       \
	}

BITS_2(bits_and, x & y)
BITS_2(bits_or, x | y)
BITS_2(bits_xor, x ^ y)

static void
bits_not(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const int64_t *a = call->args[0]->data;
	int			   step = arg_step(call->args[0]);
	int64_t		  *result = out->data;

	for (int32_t i = 0; i < n_rows; i++)
		result[i] = ~a[i * step];
}

static void
bits_count(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const int64_t *a = call->args[0]->data;
	int			   step = arg_step(call->args[0]);
	int64_t		  *result = out->data;

	for (int32_t i = 0; i < n_rows; i++)
		result[i] = __builtin_popcountll((uint64_t)a[i * step]);
}

/* How far row i is shifted; a row that cannot be fails. */
static bool
shift_of(const ScalarCall *call, int32_t i, int64_t *by)
{
	*by = arg_int64(call->args[1], i);
	if (*by >= 0 && *by < 64)
		return true;
	if (call_row_valid(call, i))
		eval_fail(call->context, i, "A shift is by 0 to 63 bits, not by %lld", (long long)*by);
	return false;
}

static void
bits_left(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	int64_t *result = out->data, by;

	for (int32_t i = 0; i < n_rows; i++)
		if (shift_of(call, i, &by))
			result[i] = (int64_t)((uint64_t)arg_int64(call->args[0], i) << by);
}

static void
bits_right(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	int64_t *result = out->data, by;

	for (int32_t i = 0; i < n_rows; i++)
		if (shift_of(call, i, &by))
			result[i] = arg_int64(call->args[0], i) >> by;
}

#define XOR_TEXT "The bits that one of two numbers has and the other has not."

const ScalarFunction scalar_bits_functions[] = {
	FUNCTION("BITWISE_AND", "(BIGINT, BIGINT) -> BIGINT", bits_and, NULL_IN, STANDARD, "The bits that both numbers have: a & b.", "BITWISE_AND(6, 3)", "2"),
	FUNCTION("BITWISE_LEFT_SHIFT", "(BIGINT, BIGINT) -> BIGINT", bits_left, NULL_IN, STANDARD, "A number's bits moved to the left: a << b.",
			 "BITWISE_LEFT_SHIFT(3, 2)", "12"),
	FUNCTION("BITWISE_NOT", "(BIGINT) -> BIGINT", bits_not, NULL_IN, STANDARD, "The bits that a number has not: ~a.", "BITWISE_NOT(5)", "-6"),
	FUNCTION("BITWISE_OR", "(BIGINT, BIGINT) -> BIGINT", bits_or, NULL_IN, STANDARD, "The bits that one of two numbers has: a | b.", "BITWISE_OR(6, 3)", "7"),
	FUNCTION("BITWISE_RIGHT_SHIFT", "(BIGINT, BIGINT) -> BIGINT", bits_right, NULL_IN, STANDARD, "A number's bits moved to the right, its sign kept: a >> b.",
			 "BITWISE_RIGHT_SHIFT(-8, 1)", "-4"),
	FUNCTION("BITWISE_XOR", "(BIGINT, BIGINT) -> BIGINT", bits_xor, NULL_IN, STANDARD, XOR_TEXT, "BITWISE_XOR(6, 3)", "5"),
	FUNCTION("BIT_COUNT", "(BIGINT) -> BIGINT", bits_count, NULL_IN, STANDARD, "How many bits of a number are set.", "BIT_COUNT(7)", "3"),
	FUNCTION("XOR", "(BIGINT, BIGINT) -> BIGINT", bits_xor, NULL_IN, STANDARD, XOR_TEXT, "XOR(6, 3)", "5"),
	{.name = NULL},
};
