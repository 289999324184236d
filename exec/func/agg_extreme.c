/*
 * MIN, MAX, BOOL_AND, BOOL_OR, BIT_*: aggregates that keep one value.
 *
 * One set of kernels for every fixed-width type; text is kept in malloc'ed memory when it is long.
 */
#include <stdlib.h>

#include "exec/func/agg_impl.h"

/* ---- MIN and MAX of fixed-width types ---- */

#define EXTREME(kind, T, is_better)                                                                                   \
	typedef struct kind##State {                                                                                      \
		T		value;                                                                                                \
		int64_t n;                                                                                                    \
	} kind##State;                                                                                                    \
	AGG_STEP1(kind##_step, T, kind##State, {                                                                          \
		if (s->n == 0 || is_better)                                                                                   \
			s->value = x;                                                                                             \
		s->n++;                                                                                                       \
	})                                                                                                                \
	static void kind##_merge_value(kind##State *s, T x)                                                               \
	{                                                                                                                 \
		if (s->n == 0 || is_better)                                                                                   \
			s->value = x;                                                                                             \
	}                                                                                                                 \
	AGG_MERGE(kind##_merge, kind##State, {                                                                            \
		if (o->n > 0) {                                                                                               \
			kind##_merge_value(s, o->value);                                                                          \
			s->n += o->n;                                                                                             \
		}                                                                                                             \
	})                                                                                                                \
	AGG_RESULT(kind##_result, kind##State, {                                                                          \
		if (s->n == 0)                                                                                                \
			vector_set_null(out, arena, row);                                                                         \
		else                                                                                                          \
			((T *)out->data)[row] = s->value;                                                                         \
	})

EXTREME(min_int8, uint8_t, x < s->value)
EXTREME(max_int8, uint8_t, x > s->value)
EXTREME(min_int32, int32_t, x < s->value)
EXTREME(max_int32, int32_t, x > s->value)
EXTREME(min_int64, int64_t, x < s->value)
EXTREME(max_int64, int64_t, x > s->value)
EXTREME(min_decimal, Decimal, x < s->value)
EXTREME(max_decimal, Decimal, x > s->value)
/* NaN is greatest, 0.0 is above -0.0 (as java.lang.Math has it). */
EXTREME(min_double, double,
		x < s->value || (s->value != s->value && x == x) || (x == 0 && s->value == 0 && __builtin_signbit(x)))
EXTREME(max_double, double,
		x > s->value || (x != x && s->value == s->value) || (x == 0 && s->value == 0 && !__builtin_signbit(x)))

/* ---- of text ---- */

typedef struct TextState {
	char	*bytes;		/* NULL: no value yet */
	uint32_t length;
	uint32_t capacity;
} TextState;

static void
text_set(const AggregateCall *call, TextState *s, Str text)
{
	if (text.length + 1 > s->capacity) {
		uint32_t capacity = (uint32_t)(text.length + text.length / 2 + 16);

		*call->used_bytes += (int64_t)capacity - s->capacity;
		s->bytes = xrealloc(s->bytes, capacity);
		s->capacity = capacity;
	}
	memcpy(s->bytes, text.data, text.length);
	s->length = (uint32_t)text.length;
}

static void
text_consider(const AggregateCall *call, TextState *s, Str text, bool wants_max)
{
	const Type *type = call->result_type;
	Value		a, b;
	int			order;

	if (s->bytes == NULL) {
		text_set(call, s, text);
		return;
	}
	a = value_text(type, text);
	b = value_text(type, str_make(s->bytes, s->length));
	order = value_compare(&a, &b, call->function->dialect == FUNCTION_KSQLDB);
	if (wants_max ? order > 0 : order < 0)
		text_set(call, s, text);
}

static Status
text_step(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args, int32_t n_rows,
		  const uint64_t *skip, Vector *results, bool wants_max)
{
	const Vector *v = args[0];

	for (int32_t i = 0; i < n_rows; i++) {
		TextState *s = (TextState *)(states[i] + offset);

		if (!agg_skips(skip, i) && arg_valid(v, i))
			text_consider(call, s, arg_str(v, i), wants_max);
		agg_note(call, s, results, i);
	}
	return OK;
}

static Status
min_text_step(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args, int32_t n_rows,
			  const uint64_t *skip, Vector *results)
{
	return text_step(call, states, offset, args, n_rows, skip, results, false);
}

static Status
max_text_step(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args, int32_t n_rows,
			  const uint64_t *skip, Vector *results)
{
	return text_step(call, states, offset, args, n_rows, skip, results, true);
}

AGG_MERGE(min_text_merge, TextState,
		  if (o->bytes != NULL) text_consider(call, s, str_make(o->bytes, o->length), false))
AGG_MERGE(max_text_merge, TextState,
		  if (o->bytes != NULL) text_consider(call, s, str_make(o->bytes, o->length), true))

AGG_RESULT(text_result, TextState,
		   if (s->bytes == NULL) vector_set_null(out, arena, row);
		   else result_set_text(out, arena, row, str_make(s->bytes, s->length)))

static void
text_save(const AggregateCall *call, const void *state, StrBuf *out)
{
	const TextState *s = state;

	(void)call;
	if (s->bytes != NULL) {
		strbuf_add_char(out, 1);
		strbuf_add(out, s->bytes, s->length);
	}
}

static Status
text_load(const AggregateCall *call, Str bytes, void *state)
{
	if (bytes.length > 0)
		text_set(call, state, str_make(bytes.data + 1, bytes.length - 1));
	return OK;
}

static void
text_destroy(const AggregateCall *call, void *state)
{
	TextState *s = state;

	*call->used_bytes -= s->capacity;
	free(s->bytes);
	*s = (TextState){0};
}

/* ---- BOOL_AND, BOOL_OR ---- */

AGG_STEP1(and_step, uint8_t, min_int8State, {
	s->value = (uint8_t)(s->n == 0 ? x != 0 : (s->value && x));
	s->n++;
})
AGG_STEP1(or_step, uint8_t, min_int8State, {
	s->value = (uint8_t)(s->n == 0 ? x != 0 : (s->value || x));
	s->n++;
})

/* ---- BIT_AND, BIT_OR, BIT_XOR ---- */

#define BITS(name, op)                                                                                                \
	AGG_STEP1(name##_step, int64_t, min_int64State, {                                                                 \
		s->value = s->n == 0 ? x : s->value op x;                                                                     \
		s->n++;                                                                                                       \
	})                                                                                                                \
	AGG_MERGE(name##_merge, min_int64State, {                                                                         \
		if (o->n > 0) {                                                                                               \
			s->value = s->n == 0 ? o->value : s->value op o->value;                                                   \
			s->n += o->n;                                                                                             \
		}                                                                                                             \
	})

BITS(bit_and, &)
BITS(bit_or, |)
BITS(bit_xor, ^)

#define MIN_TEXT "Least value."
#define MAX_TEXT "Greatest value."

/* A row for MIN and one for MAX of a type. */
#define ROWS(kind, sql, which)                                                                                        \
	{.name = "MIN", .signature = "(" sql ") -> " sql, .state_size = sizeof(min_##kind##State),                        \
	 .step = min_##kind##_step, .merge = min_##kind##_merge, .result = min_##kind##_result, .dialect = which,         \
	 .description = MIN_TEXT},                                                                                        \
	{.name = "MAX", .signature = "(" sql ") -> " sql, .state_size = sizeof(max_##kind##State),                        \
	 .step = max_##kind##_step, .merge = max_##kind##_merge, .result = max_##kind##_result, .dialect = which,         \
	 .description = MAX_TEXT}

#define TEXT_ROWS(sql, which)                                                                                         \
	{.name = "MIN", .signature = "(" sql ") -> " sql, .state_size = sizeof(TextState), .step = min_text_step,         \
	 .merge = min_text_merge, .result = text_result, .save = text_save, .load = text_load,                            \
	 .destroy = text_destroy, .dialect = which, .description = MIN_TEXT},                                             \
	{.name = "MAX", .signature = "(" sql ") -> " sql, .state_size = sizeof(TextState), .step = max_text_step,         \
	 .merge = max_text_merge, .result = text_result, .save = text_save, .load = text_load,                            \
	 .destroy = text_destroy, .dialect = which, .description = MAX_TEXT}

#define BIT_ROW(name_, fn, text)                                                                                      \
	{.name = name_, .signature = "(BIGINT) -> BIGINT", .state_size = sizeof(min_int64State), .step = fn##_step,       \
	 .merge = fn##_merge, .result = min_int64_result, .dialect = FUNCTION_STANDARD, .description = text}

const Aggregate extreme_aggregates[] = {
	ROWS(int32, "INTEGER", FUNCTION_BOTH),
	ROWS(int64, "BIGINT", FUNCTION_BOTH),
	{.name = "MIN", .signature = "(DECIMAL) -> = same", .state_size = sizeof(min_decimalState),
	 .step = min_decimal_step, .merge = min_decimal_merge, .result = min_decimal_result, .resolve = agg_resolve_same,
	 .description = MIN_TEXT},
	{.name = "MAX", .signature = "(DECIMAL) -> = same", .state_size = sizeof(max_decimalState),
	 .step = max_decimal_step, .merge = max_decimal_merge, .result = max_decimal_result, .resolve = agg_resolve_same,
	 .description = MAX_TEXT},
	ROWS(double, "DOUBLE", FUNCTION_BOTH),
	TEXT_ROWS("STRING", FUNCTION_KSQLDB),
	TEXT_ROWS("BYTES", FUNCTION_KSQLDB),
	TEXT_ROWS("STRING", FUNCTION_STANDARD),
	TEXT_ROWS("BYTES", FUNCTION_STANDARD),
	ROWS(int32, "DATE", FUNCTION_BOTH),
	ROWS(int32, "TIME", FUNCTION_BOTH),
	ROWS(int64, "TIMESTAMP", FUNCTION_BOTH),
	ROWS(int8, "BOOLEAN", FUNCTION_STANDARD),

	{.name = "BOOL_AND", .signature = "(BOOLEAN) -> BOOLEAN", .state_size = sizeof(min_int8State), .step = and_step,
	 .merge = min_int8_merge, .result = min_int8_result, .dialect = FUNCTION_STANDARD,
	 .description = "True if all values are true.", .example = "BOOL_AND(x) FROM (VALUES (TRUE), (FALSE)) t(x)",
	 .example_result = "false"},
	{.name = "EVERY", .signature = "(BOOLEAN) -> BOOLEAN", .state_size = sizeof(min_int8State), .step = and_step,
	 .merge = min_int8_merge, .result = min_int8_result, .dialect = FUNCTION_STANDARD,
	 .description = "True if all values are true."},
	{.name = "BOOL_OR", .signature = "(BOOLEAN) -> BOOLEAN", .state_size = sizeof(max_int8State), .step = or_step,
	 .merge = max_int8_merge, .result = max_int8_result, .dialect = FUNCTION_STANDARD,
	 .description = "True if any value is true.", .example = "BOOL_OR(x) FROM (VALUES (TRUE), (FALSE)) t(x)",
	 .example_result = "true"},
	BIT_ROW("BIT_AND", bit_and, "Bitwise AND of the values."),
	BIT_ROW("BIT_OR", bit_or, "Bitwise OR of the values."),
	BIT_ROW("BIT_XOR", bit_xor, "Bitwise exclusive OR of the values."),
	{.name = NULL},
};
