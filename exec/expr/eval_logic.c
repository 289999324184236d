/* AND, OR, NOT, IS NULL, CASE: what decides by row which parts are evaluated. */
#include "exec/expr/kernels.h"

/* ksqldb: a NULL condition is an error of the row. */
static void
fail_nulls(EvalFrame *frame, const Vector *v, const char *what)
{
	if (vector_base(v)->validity == NULL)
		return;
	for (int32_t i = 0; i < frame->n_rows; i++)
		if (!vector_is_valid(v, i))
			eval_fail(frame->context, i, "%s: operand is NULL", what);
}

/* Adds the rows where v is NULL to *nulls (made when needed). */
static void
collect_nulls(EvalFrame *frame, const Vector *v, uint64_t **nulls)
{
	int64_t words = bitmap_words(frame->n_rows);

	if (v->validity == NULL)
		return;
	if (*nulls == NULL)
		*nulls = arena_calloc(frame->context->scratch, sizeof(uint64_t) * (size_t)(words > 0 ? words : 1));
	for (int64_t w = 0; w < words; w++)
		(*nulls)[w] |= ~(v->form == VECTOR_CONSTANT ? (v->validity[0] & 1 ? ~UINT64_C(0) : 0) : v->validity[w]);
}

/* r := r AND v, or r OR v.  NULL decides nothing. */
static void
combine(uint8_t *restrict r, const Vector *v, int32_t n, bool is_and)
{
	const uint8_t *restrict d = v->data;

	if (v->form == VECTOR_CONSTANT) {
		if (vector_is_valid(v, 0) && (d[0] != 0) != is_and)
			memset(r, !is_and, (size_t)n);
	} else if (v->validity == NULL && is_and) {
		for (int32_t i = 0; i < n; i++)
			r[i] &= d[i];
	} else if (v->validity == NULL) {
		for (int32_t i = 0; i < n; i++)
			r[i] |= d[i];
	} else if (is_and) {
		for (int32_t i = 0; i < n; i++)
			r[i] &= d[i] | !bitmap_get(v->validity, i);
	} else {
		for (int32_t i = 0; i < n; i++)
			r[i] |= d[i] & bitmap_get(v->validity, i);
	}
}

const Vector *
eval_and_or(const Node *node, EvalFrame *frame)
{
	EvalContext	   *context = frame->context;
	Arena		   *arena = context->scratch;
	bool			is_and = node->expr->kind == EXPR_AND;
	int32_t			n = frame->n_rows;
	int64_t			words = bitmap_words(n > 0 ? n : 1);
	const uint64_t *active = context->active;
	uint64_t	   *open = NULL;
	uint64_t	   *nulls = NULL;
	Vector		   *out = vector_new_unset(arena, type_boolean, n);
	uint8_t		   *r = out->data;

	for (int k = 0; k < node->n_args; k++) {
		const Vector *v;

		if (k > 0 && memchr(r, is_and, (size_t)n) == NULL)
			break;
		if (k > 0 && !node->args[k]->is_plain) {
			/* Rows that are decided take no part in what follows. */
			if (open == NULL)
				open = bitmap_new(arena, n);
			bitmap_pack(open, r, n);
			for (int64_t w = 0; w < words; w++) {
				if (!is_and)
					open[w] = ~open[w];
				if (active != NULL)
					open[w] &= active[w];
			}
			if (!is_and && (n & 63) != 0)
				open[words - 1] &= (UINT64_C(1) << (n & 63)) - 1;
			if (bitmap_is_empty(open, n))
				break;
			context->active = open;
		}
		v = node_eval_simple(node->args[k], frame);
		if (!node->standard)
			fail_nulls(frame, v, is_and ? "AND" : "OR");
		else
			collect_nulls(frame, v, &nulls);
		if (k == 0)
			memset(r, is_and, (size_t)n);
		combine(r, v, n, is_and);
	}
	context->active = active;
	if (nulls != NULL) {
		uint64_t *bits = bitmap_new(arena, n);

		/* NULL where nothing decided: AND still true, OR still false. */
		bitmap_pack(bits, r, n);
		for (int64_t w = 0; w < words; w++)
			bits[w] = ~(nulls[w] & (is_and ? bits[w] : ~bits[w]));
		out->validity = bits;
	}
	return out;
}

const Vector *
eval_not(const Node *node, EvalFrame *frame)
{
	const Vector *v = node_eval_simple(node->args[0], frame);
	Vector		 *out = arena_memdup(frame->context->scratch, v, sizeof *v);
	int32_t		  n = v->form == VECTOR_CONSTANT ? 1 : frame->n_rows;
	uint8_t		 *r = arena_alloc(frame->context->scratch, (size_t)n);

	if (!node->standard)
		fail_nulls(frame, v, "NOT");
	for (int32_t i = 0; i < n; i++)
		r[i] = !((const uint8_t *)v->data)[i];
	out->data = r;
	return out;
}

const Vector *
eval_is_null(const Node *node, EvalFrame *frame)
{
	const Vector *v = node_eval(node->args[0], frame);
	const Vector *base = vector_base(v);
	bool		  negated = node->expr->negated;
	Arena		 *arena = frame->context->scratch;
	Value		  value = value_boolean(negated);
	Vector		 *out;
	uint8_t		 *r;

	if (base->validity == NULL)
		return vector_constant(arena, &value, frame->n_rows);
	if (v->form == VECTOR_CONSTANT) {
		value.boolean = vector_is_valid(v, 0) == negated;
		return vector_constant(arena, &value, frame->n_rows);
	}
	out = vector_new_unset(arena, type_boolean, frame->n_rows);
	r = out->data;
	for (int32_t i = 0; i < frame->n_rows; i++)
		r[i] = bitmap_get(base->validity, vector_at(v, i)) == negated;
	return out;
}

/* ---- CASE ---- */

#define COPY_ROWS(T)                                                                                     \
	do {                                                                                                 \
		T		*to = out->data;                                                                         \
		const T *from = base->data;                                                                      \
                                                                                                         \
		BITMAP_EACH(row, rows, n, to[row] = from[vector_at(v, row)];)                                    \
	} while (0)

/* Puts the rows of v that are set in `rows` into out. */
static void
case_merge(EvalFrame *frame, Vector *out, const Vector *v, const uint64_t *rows)
{
	const Vector *base = vector_base(v);
	int32_t		  n = frame->n_rows;
	Arena		 *arena = frame->context->scratch;

	if (type_is_nested(out->type)) {
		BITMAP_EACH(row, rows, n, vector_copy_row(out, arena, row, v, row);)
		return;
	}
	switch (type_width(out->type)) {
	case 1:
		COPY_ROWS(uint8_t);
		break;
	case 4:
		COPY_ROWS(uint32_t);
		break;
	case 8:
		COPY_ROWS(uint64_t);
		break;
	case 16:
		COPY_ROWS(__int128);
		break;
	default:
		break;
	}
	if (base->validity != NULL)
		BITMAP_EACH(row, rows, n, if (!vector_is_valid(v, row)) vector_set_null(out, arena, row);)
}

/* hit := rows of `open` where the condition holds.  NULL does not. */
static void
case_hits(EvalFrame *frame, const Vector *condition, const uint64_t *open, uint64_t *hit)
{
	const uint8_t *data = condition->data;
	int64_t		   words = bitmap_words(frame->n_rows > 0 ? frame->n_rows : 1);

	if (condition->form == VECTOR_CONSTANT) {
		bool holds = vector_is_valid(condition, 0) && data[0];

		for (int64_t w = 0; w < words; w++)
			hit[w] = holds ? open[w] : 0;
		return;
	}
	bitmap_pack(hit, data, frame->n_rows);
	for (int64_t w = 0; w < words; w++)
		hit[w] &= open[w] & (condition->validity != NULL ? condition->validity[w] : ~UINT64_C(0));
}

const Vector *
eval_case(const Node *node, EvalFrame *frame)
{
	EvalContext	   *context = frame->context;
	Arena		   *arena = context->scratch;
	const uint64_t *active = context->active;
	int32_t			n = frame->n_rows;
	int64_t			words = bitmap_words(n > 0 ? n : 1);
	uint64_t	   *open = bitmap_new(arena, n);
	uint64_t	   *hit = bitmap_new(arena, n);
	Vector		   *out = NULL;
	const Vector   *only = NULL;

	bitmap_fill(open, n);
	if (active != NULL)
		for (int64_t w = 0; w < words; w++)
			open[w] &= active[w];
	for (int k = 0; k < node->n_args && !bitmap_is_empty(open, n); k += 2) {
		bool		  is_else = k + 1 == node->n_args;
		const Vector *v;

		context->active = open;
		if (is_else)
			memcpy(hit, open, sizeof *hit * (size_t)words);
		else
			case_hits(frame, node_eval_simple(node->args[k], frame), open, hit);
		if (bitmap_is_empty(hit, n))
			continue;
		context->active = hit;
		v = node_eval(node->args[is_else ? k : k + 1], frame);
		for (int64_t w = 0; w < words; w++)
			open[w] &= ~hit[w];
		if (out == NULL && only == NULL && bitmap_is_empty(open, n)) {
			only = v;	/* one branch for all rows */
			break;
		}
		if (out == NULL)
			out = vector_new(arena, node->type, n);
		case_merge(frame, out, v, hit);
	}
	context->active = active;
	if (only != NULL)
		return only;
	if (out == NULL)
		return vector_null(arena, node->type, n);
	BITMAP_EACH(row, open, n, vector_set_null(out, arena, row);)
	return out;
}
