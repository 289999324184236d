/* Running programs: frames, failures, guards; columns and constants. */
#include <stdio.h>

#include "exec/expr/bits.h"
#include "exec/expr/program_impl.h"

enum { VALUES_BYTES = 1 << 20 };	/* that the values of a batch may always take */

/* ---- failures ---- */

static int32_t
batch_row(const EvalFrame *frame, int32_t row)
{
	for (; frame->outer != NULL; frame = frame->outer)
		row = (int32_t)frame->outer_row[row];
	return row;
}

static uint64_t *
bitmap_zero(Arena *arena, int32_t n_rows)
{
	return arena_calloc(arena, sizeof(uint64_t) * (size_t)bitmap_words(n_rows > 0 ? n_rows : 1));
}

bool
eval_has_room(EvalContext *context, int32_t row, const char *what, int64_t n_bytes, const char *remedy)
{
	const MemoryBudget *budget = budget_in_force(context->budget);
	int64_t				batch = (int64_t)context->scratch->size_bytes + n_bytes;
	int64_t				used = budget != NULL ? budget->used_bytes + (int64_t)context->scratch->size_bytes : 0;

	if (context->value_bytes_max > 0 && n_bytes > context->value_bytes_max) {
		eval_fail(context, row, "%s is too large to be computed beforehand", what);
		return false;
	}
	/* Operators that write out what they cannot keep fill the budget, all but an eighth: values of a batch are what that is for. */
	if (budget == NULL || budget->limit_bytes <= 0 || batch <= VALUES_BYTES || batch <= budget->limit_bytes / 8 || used + n_bytes <= budget->limit_bytes)
		return true;
	eval_refuse(context, row, remedy, "%s would take %lld MB, with %lld MB in use of the %lld MB that memory.limit allows", what,
				(long long)(n_bytes >> 20), (long long)(used >> 20), (long long)(budget->limit_bytes >> 20));
	return false;
}

void
eval_refuse(EvalContext *context, int32_t row, const char *remedy, const char *format, ...)
{
	char	reason[sizeof context->reason];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	if (!context->refuses_large) {
		eval_fail(context, row, "%s", reason);
	} else if (context->active == NULL || bitmap_get(context->active, row)) {
		context->any_failed = true;
		context->remedy = remedy;
		memcpy(context->reason, reason, sizeof reason);
	}
}

Status
eval_check(const EvalContext *context, Error *err)
{
	if (context->remedy == NULL)
		return OK;
	error_fatal(err, "%s", context->reason);
	return error_hint(err, "%s", context->remedy);
}

void
eval_fail(EvalContext *context, int32_t row, const char *format, ...)
{
	EvalFrame *frame = context->frame;
	va_list	   args;
	int32_t	   place = row;

	if (context->active != NULL && !bitmap_get(context->active, row))
		return;
	if (frame != NULL) {
		if (context->failed == NULL)
			context->failed = bitmap_zero(context->scratch, frame->n_rows);
		if (context->reported == NULL)
			context->reported = bitmap_zero(context->scratch, frame->batch->n_rows);
		place = batch_row(frame, row);
	}
	if (context->failed != NULL)
		bitmap_set(context->failed, row);
	context->any_failed = true;
	if (frame != NULL) {
		if (bitmap_get(context->reported, place))
			return;
		bitmap_set(context->reported, place);
	}
	context->n_failed++;
	if (context->remedy == NULL) {
		va_start(args, format);
		vsnprintf(context->reason, sizeof context->reason, format, args);
		va_end(args);
	}
	if (frame != NULL && context->log != NULL)
		context->log->report(context->log, frame->batch, place, context->reason);
}

const Vector *
vector_mask(Arena *arena, const Vector *v, const uint64_t *bits, int32_t n_rows)
{
	Vector	 *out;
	uint64_t *validity;

	if (v->form == VECTOR_CONSTANT && v->n_rows != n_rows)
		v = vector_slice(arena, v, 0, n_rows);
	v = vector_flatten(arena, v);
	out = arena_memdup(arena, v, sizeof *v);
	validity = bitmap_new(arena, n_rows);
	for (int64_t w = 0; w < bitmap_words(n_rows); w++)
		validity[w] = (v->validity != NULL ? v->validity[w] : ~UINT64_C(0)) & ~bits[w];
	out->validity = validity;
	out->capacity = out->n_rows;
	return out;
}

static const Vector *
eval_quietly(const Node *node, EvalFrame *frame)
{
	EvalContext	 *context = frame->context;
	EvalContext	  before = *context;
	const Vector *v;

	context->failed = context->reported = NULL;
	context->log = NULL;
	v = node->eval(node, frame);
	if (context->failed != NULL)
		v = vector_mask(context->scratch, v, context->failed, frame->n_rows);
	context->failed = before.failed;
	context->reported = before.reported;
	context->any_failed = before.any_failed;
	context->n_failed = before.n_failed;
	context->log = before.log;
	return v;
}

const Vector *
node_eval(const Node *node, EvalFrame *frame)
{
	EvalContext	 *context = frame->context;
	uint64_t	 *failed;
	bool		  any_failed;
	const Vector *v;

	if (!node->is_guarded)
		return node->eval(node, frame);
	if (node->expr->is_quiet)
		return eval_quietly(node, frame);
	failed = context->failed;
	any_failed = context->any_failed;
	context->failed = NULL;
	v = node->eval(node, frame);
	if (context->failed != NULL)
		v = vector_mask(context->scratch, v, context->failed, frame->n_rows);
	context->failed = failed;
	context->any_failed = any_failed;
	return v;
}

const Vector *
node_eval_simple(const Node *node, EvalFrame *frame)
{
	return vector_simple(frame->context->scratch, node_eval(node, frame));
}

const Vector *
frame_enter(EvalFrame *frame, bool is_guarded, const Vector *(*body)(EvalFrame *frame, void *argument), void *argument)
{
	EvalContext	   *context = frame->context;
	EvalFrame	   *outer = frame->outer;
	uint64_t	   *failed = context->failed;
	bool			any_failed = context->any_failed;
	const uint64_t *active = context->active;
	const Vector   *v;

	context->failed = NULL;
	context->frame = frame;
	if (active != NULL) {
		uint64_t *mapped = bitmap_zero(context->scratch, frame->n_rows);

		for (int32_t i = 0; i < frame->n_rows; i++)
			if (bitmap_get(active, frame->outer_row[i]))
				bitmap_set(mapped, i);
		context->active = mapped;
	}
	v = body(frame, argument);
	if (context->failed != NULL && is_guarded) {
		v = vector_mask(context->scratch, v, context->failed, frame->n_rows);
		context->any_failed = any_failed;
	} else if (context->failed != NULL) {
		if (failed == NULL)
			failed = bitmap_zero(context->scratch, outer->n_rows);
		BITMAP_EACH(row, context->failed, frame->n_rows, bitmap_set(failed, frame->outer_row[row]);)
	}
	context->failed = failed;
	context->active = active;
	context->frame = outer;
	return v;
}

/* ---- programs ---- */

Status
program_eval(const Program *program, EvalContext *context, const Batch *in, const Vector **out, Error *err)
{
	EvalFrame		frame = {.context = context, .batch = in, .n_rows = in->n_rows};
	EvalFrame	   *outer = context->frame;
	const uint64_t *active = context->active;

	context->frame = &frame;
	context->failed = NULL;
	context->reported = NULL;
	context->active = NULL;
	context->any_failed = false;
	*out = node_eval(program->root, &frame);
	if (context->failed != NULL)
		*out = vector_mask(context->scratch, *out, context->failed, in->n_rows);
	context->frame = outer;
	context->failed = NULL;
	context->active = active;
	return eval_check(context, err);
}

int32_t
program_filter(const Program *program, EvalContext *context, const Batch *in, uint32_t *selected)
{
	Error		   err;
	const Vector  *v;
	const uint8_t *data;
	int32_t		   n = 0;

	if (program_eval(program, context, in, &v, &err) != OK)
		return 0;
	if (v->form == VECTOR_CONSTANT) {
		if (!vector_is_valid(v, 0) || ((const uint8_t *)v->data)[0] == 0)
			return 0;
		for (int32_t i = 0; i < in->n_rows; i++)
			selected[i] = (uint32_t)i;
		return in->n_rows;
	}
	v = vector_flatten(context->scratch, v);
	data = v->data;
	if (v->validity == NULL) {
		for (int32_t i = 0; i < in->n_rows; i++) {
			selected[n] = (uint32_t)i;
			n += data[i] & 1;
		}
	} else {
		for (int32_t i = 0; i < in->n_rows; i++) {
			selected[n] = (uint32_t)i;
			n += data[i] & (int)(v->validity[i >> 6] >> (i & 63)) & 1;
		}
	}
	return n;
}

Status
expr_eval_constant(Arena *arena, const Expr *expr, const Env *env, Value *out, Error *err)
{
	EvalContext	  context = {.scratch = arena, .env = env};
	Batch		  batch = {.n_rows = 1};
	Program		 *program;
	const Vector *v;

	TRY(program_compile(arena, expr, &program, err));
	TRY(program_eval(program, &context, &batch, &v, err));
	if (context.n_failed > 0)
		return error_user(err, "%s", context.reason);
	*out = vector_get(v, 0, arena);
	return OK;
}

/* ---- leaves ---- */

static const Vector *
frame_column(const EvalFrame *frame, int index)
{
	if (frame->outer == NULL)
		return frame->batch->columns[index];
	return vector_dictionary(frame->context->scratch, frame_column(frame->outer, index), frame->outer_row, frame->n_rows);
}

const Vector *
eval_column(const Node *node, EvalFrame *frame)
{
	return frame_column(frame, node->expr->index);
}

const Vector *
eval_constant(const Node *node, EvalFrame *frame)
{
	return vector_slice(frame->context->scratch, node->constant, 0, frame->n_rows);
}

const Vector *
eval_parameter(const Node *node, EvalFrame *frame)
{
	return frame->parameters[node->expr->index];
}
