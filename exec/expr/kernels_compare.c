/* = <> < <= > >= and IS DISTINCT FROM. */
#include <math.h>

#include "data/decimal.h"
#include "data/double_text.h"
#include "data/value_impl.h"
#include "exec/expr/kernels.h"

#define COMPARISON(name, T, op)                                                                             \
	static void name(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)     \
	{                                                                                                       \
		(void)node;                                                                                         \
		BINARY_LOOP(T, T, uint8_t, op);                                                                     \
	}

#define COMPARISONS(type, T)              \
	COMPARISON(eq_##type, T, p == q)      \
	COMPARISON(ne_##type, T, p != q)      \
	COMPARISON(lt_##type, T, p < q)       \
	COMPARISON(le_##type, T, p <= q)      \
	COMPARISON(gt_##type, T, p > q)       \
	COMPARISON(ge_##type, T, p >= q)      \
	static const BinaryKernel type##_kernels[] = {eq_##type, ne_##type, lt_##type, le_##type, gt_##type, ge_##type};

COMPARISONS(uint8, uint8_t)
COMPARISONS(int32, int32_t)
COMPARISONS(int64, int64_t)
COMPARISONS(decimal, Decimal)

/* ksqldb: every comparison with NaN is FALSE. */
COMPARISON(eq_double, double, p == q)
COMPARISON(ne_double, double, (p < q) | (p > q))
COMPARISON(lt_double, double, p < q)
COMPARISON(le_double, double, p <= q)
COMPARISON(gt_double, double, p > q)
COMPARISON(ge_double, double, p >= q)

/* standard: NaN is greatest and equal to itself. */
COMPARISON(eq_double_nan, double, (p == q) | ((p != p) & (q != q)))
COMPARISON(ne_double_nan, double, !((p == q) | ((p != p) & (q != q))))
COMPARISON(lt_double_nan, double, (p < q) | ((q != q) & (p == p)))
COMPARISON(le_double_nan, double, (p <= q) | (q != q))
COMPARISON(gt_double_nan, double, (p > q) | ((p != p) & (q == q)))
COMPARISON(ge_double_nan, double, (p >= q) | (p != p))

static const BinaryKernel double_kernels[] = {eq_double, ne_double, lt_double, le_double, gt_double, ge_double};
static const BinaryKernel double_nan_kernels[] = {eq_double_nan, ne_double_nan, lt_double_nan,
												  le_double_nan, gt_double_nan, ge_double_nan};

/* ---- texts ---- */

static void
text_equality(EvalFrame *frame, const Vector *a, const Vector *b, Vector *out, bool wanted)
{
	uint8_t *r = out->data;

	if (b->form == VECTOR_CONSTANT) {
		const Vector *swap = a;

		a = b;
		b = swap;
	}
	if (a->form == VECTOR_CONSTANT) {
		const StrView *x = a->data;
		const StrView *y = b->data;
		uint64_t	   words[2];

		memcpy(words, x, 16);
		if (x->length <= STR_VIEW_INLINE) {
			for (int32_t i = 0; i < frame->n_rows; i++) {
				uint64_t other[2];

				memcpy(other, &y[i], 16);
				r[i] = ((words[0] == other[0]) & (words[1] == other[1])) == wanted;
			}
		} else {
			for (int32_t i = 0; i < frame->n_rows; i++)
				r[i] = str_view_equal(x, &y[i]) == wanted;
		}
		return;
	}
	for (int32_t i = 0; i < frame->n_rows; i++)
		r[i] = str_view_equal(&((const StrView *)a->data)[i], &((const StrView *)b->data)[i]) == wanted;
}

static void
eq_text(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)
{
	(void)node;
	text_equality(frame, a, b, out, true);
}

static void
ne_text(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)
{
	(void)node;
	text_equality(frame, a, b, out, false);
}

static inline bool
order_holds(CompareOp op, int order)
{
	switch (op) {
	case COMPARE_EQ:
		return order == 0;
	case COMPARE_NE:
		return order != 0;
	case COMPARE_LT:
		return order < 0;
	case COMPARE_LE:
		return order <= 0;
	case COMPARE_GT:
		return order > 0;
	case COMPARE_GE:
		return order >= 0;
	}
	return false;
}

/* Code units or signed bytes in ksqldb, bytes in standard. */
static void
order_text(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)
{
	uint8_t	 *r = out->data;
	CompareOp op = (CompareOp)node->expr->op;
	bool	  plain = node->standard;

	for (int32_t i = 0; i < frame->n_rows; i++) {
		const StrView *x = &OPERAND(StrView, a, i);
		const StrView *y = &OPERAND(StrView, b, i);
		int			   order;

		if (plain)
			order = str_compare(str_view_str(x), str_view_str(y));
		else
			order = text_compare(a->type->kind, str_view_str(x), str_view_str(y), true);
		r[i] = order_holds(op, order);
	}
}

/* ---- nested values and intervals ---- */

static void
equality_rows(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)
{
	bool wanted = node->expr->kind != EXPR_COMPARE || node->expr->op == COMPARE_EQ;

	for (int32_t i = 0; i < frame->n_rows; i++)
		((uint8_t *)out->data)[i] = vector_rows_equal(a, i, b, i) == wanted;
}

static void
order_rows(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)
{
	CompareOp op = (CompareOp)node->expr->op;

	for (int32_t i = 0; i < frame->n_rows; i++) {
		Value x = vector_get(a, i, frame->context->scratch);
		Value y = vector_get(b, i, frame->context->scratch);

		((uint8_t *)out->data)[i] = !x.is_null && !y.is_null && order_holds(op, value_compare(&x, &y, !node->standard));
	}
}

/* ---- numbers of different types, decimals of different scales ---- */

static double
as_double(const Value *v)
{
	switch (v->type->kind) {
	case TYPE_DOUBLE:
		return v->number;
	case TYPE_DECIMAL:
		return decimal_to_double(v->decimal, v->type->scale);
	default:
		return (double)v->integer;
	}
}

/* The number as a decimal with *scale digits behind the point; false if it has none (NaN, too many digits). */
static bool
as_decimal(const Value *v, Decimal *out, int *scale)
{
	char		 text[NUMBER_TEXT_MAX];
	DecimalShape shape;

	switch (v->type->kind) {
	case TYPE_DECIMAL:
		*out = v->decimal;
		*scale = v->type->scale;
		return true;
	case TYPE_DOUBLE:
		if (!isfinite(v->number) ||
			decimal_parse_any(str_make(text, double_print_java(v->number, text)), out, &shape) != DECIMAL_OK)
			return false;
		*scale = shape.scale;
		return true;
	default:
		*out = v->integer;
		*scale = 0;
		return true;
	}
}

static void
compare_mixed(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out)
{
	CompareOp op = node->expr->kind == EXPR_COMPARE ? (CompareOp)node->expr->op : COMPARE_EQ;

	for (int32_t i = 0; i < frame->n_rows; i++) {
		Value	x = vector_get(a, i, NULL);
		Value	y = vector_get(b, i, NULL);
		Decimal p;
		Decimal q;
		int		p_scale;
		int		q_scale;
		int		order;

		((uint8_t *)out->data)[i] = 0;
		if (x.is_null || y.is_null)
			continue;
		if (as_decimal(&x, &p, &p_scale) && as_decimal(&y, &q, &q_scale)) {
			order = decimal_compare(p, p_scale, q, q_scale);
		} else {
			double d = as_double(&x);
			double e = as_double(&y);

			if (!node->standard && (!isfinite(d) || !isfinite(e))) {
				eval_fail(frame->context, i, "Infinite or NaN");
				continue;
			}
			order = double_compare(d, e);
		}
		((uint8_t *)out->data)[i] = order_holds(op, order);
	}
}

BinaryKernel
compare_kernel(CompareOp op, const Type *a, const Type *b, bool standard)
{
	if (type_is_number(a) && type_is_number(b) && (a->kind != b->kind || (a->kind == TYPE_DECIMAL && a->scale != b->scale)))
		return compare_mixed;
	if (a->kind != b->kind)
		return a->kind == TYPE_NULL || b->kind == TYPE_NULL ? equality_rows : NULL;
	switch (a->kind) {
	case TYPE_BOOLEAN:
		return uint8_kernels[op];
	case TYPE_INTEGER:
	case TYPE_DATE:
	case TYPE_TIME:
		return int32_kernels[op];
	case TYPE_BIGINT:
	case TYPE_TIMESTAMP:
	case TYPE_UNIT:
		return int64_kernels[op];
	case TYPE_DOUBLE:
		return standard ? double_nan_kernels[op] : double_kernels[op];
	case TYPE_DECIMAL:
		return decimal_kernels[op];
	case TYPE_STRING:
	case TYPE_BYTES:
		return op == COMPARE_EQ ? eq_text : op == COMPARE_NE ? ne_text : order_text;
	case TYPE_INTERVAL:
		return order_rows;
	case TYPE_ARRAY:
	case TYPE_MAP:
	case TYPE_STRUCT:
		if (op == COMPARE_EQ || op == COMPARE_NE)
			return equality_rows;
		return standard ? order_rows : NULL;
	case TYPE_NULL:
		return equality_rows;
	default:
		return NULL;
	}
}

/* ---- evaluation ---- */

static bool
is_null_constant(const Vector *v)
{
	return v->form == VECTOR_CONSTANT && !vector_is_valid(v, 0);
}

const Vector *
eval_compare(const Node *node, EvalFrame *frame)
{
	Arena		 *arena = frame->context->scratch;
	const Vector *a = node_eval_simple(node->args[0], frame);
	const Vector *b = node_eval_simple(node->args[1], frame);
	Vector		 *out;
	uint64_t	 *validity;
	uint8_t		 *r;

	if (is_null_constant(a) || is_null_constant(b)) {
		Value no = value_boolean(false);

		return node->standard ? vector_null(arena, type_boolean, frame->n_rows) : vector_constant(arena, &no, frame->n_rows);
	}
	if (a->form == VECTOR_CONSTANT && b->form == VECTOR_CONSTANT)
		a = vector_flatten(arena, a);
	out = vector_new_unset(arena, type_boolean, frame->n_rows);
	node->binary(node, frame, a, b, out);
	validity = validity_of_two(arena, a, b, frame->n_rows);
	if (node->standard) {
		out->validity = validity;
	} else if (validity != NULL) {
		/* Two-valued: FALSE where a side is NULL. */
		r = out->data;
		for (int32_t i = 0; i < frame->n_rows; i++)
			r[i] &= (uint8_t)bitmap_get(validity, i);
	}
	return out;
}

const Vector *
eval_distinct(const Node *node, EvalFrame *frame)
{
	Arena		 *arena = frame->context->scratch;
	const Vector *a = node_eval_simple(node->args[0], frame);
	const Vector *b = node_eval_simple(node->args[1], frame);
	bool		  negated = node->expr->negated;
	Vector		 *out;
	uint8_t		 *r;

	a = a->form == VECTOR_CONSTANT && b->form == VECTOR_CONSTANT ? vector_flatten(arena, a) : a;
	out = vector_new_unset(arena, type_boolean, frame->n_rows);
	node->binary(node, frame, a, b, out);
	r = out->data;
	for (int32_t i = 0; i < frame->n_rows; i++) {
		bool a_valid = vector_is_valid(a, i);
		bool b_valid = vector_is_valid(b, i);
		bool equal = a_valid && b_valid ? r[i] != 0 : a_valid == b_valid;

		r[i] = equal == negated;
	}
	return out;
}
