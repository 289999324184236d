/* Function calls and lambdas. */
#include "exec/expr/bits.h"
#include "exec/expr/lambda.h"
#include "exec/expr/program_impl.h"

/* What ScalarCall.lambdas points to. */
typedef struct CallState {
	const Node *node;
	EvalFrame  *frame;
} CallState;

/* Rows where some argument is NULL, as a validity bitmap; NULL: none.  *always: a constant argument is NULL. */
static uint64_t *
args_validity(EvalFrame *frame, const Vector *const *args, int n_args, bool *always)
{
	uint64_t *bits = NULL;
	int64_t	  words = bitmap_words(frame->n_rows > 0 ? frame->n_rows : 1);

	*always = false;
	for (int k = 0; k < n_args; k++) {
		const Vector *v = args[k];

		if (v == NULL || v->validity == NULL)
			continue;
		if (v->form == VECTOR_CONSTANT) {
			*always |= !vector_is_valid(v, 0);
			continue;
		}
		if (bits == NULL) {
			bits = arena_memdup(frame->context->scratch, v->validity, sizeof *bits * (size_t)bitmap_words(frame->n_rows));
			continue;
		}
		for (int64_t w = 0; w < words; w++)
			bits[w] &= v->validity[w];
	}
	return bits;
}

static void
fail_null_arguments(const Node *node, EvalFrame *frame, const Vector *const *args)
{
	for (int k = 0; k < node->n_args; k++) {
		if (!node->null_is_error[k] || args[k] == NULL || args[k]->validity == NULL)
			continue;
		for (int32_t i = 0; i < frame->n_rows; i++)
			if (!vector_is_valid(args[k], i))
				eval_fail(frame->context, i, "%s: argument %d is NULL", node->expr->function->name, k + 1);
	}
}

static void
run_row_kernel(const ScalarCall *call, const Node *node, EvalFrame *frame, Vector *out)
{
	Value *values = arena_array(call->arena, Value, call->n_args);

	for (int k = 0; k < call->n_args; k++) {
		if (call->args[k] == NULL)
			values[k] = value_null(node->args[k]->type);
		else if (call->args[k]->form == VECTOR_CONSTANT)
			values[k] = vector_get(call->args[k], 0, call->arena);
	}
	for (int32_t i = 0; i < frame->n_rows; i++) {
		Value result = value_null(call->result_type);

		if (!row_is_active(frame, i) || (frame->context->failed != NULL && bitmap_get(frame->context->failed, i))) {
			vector_set_null(out, call->arena, i);
			continue;
		}
		for (int k = 0; k < call->n_args; k++)
			if (call->args[k] != NULL && call->args[k]->form != VECTOR_CONSTANT)
				values[k] = vector_get(call->args[k], i, call->arena);
		if (!node->expr->function->row_kernel(call, i, values, &result))
			result.is_null = true;
		vector_set(out, call->arena, i, &result);
	}
}

const Vector *
eval_call(const Node *node, EvalFrame *frame)
{
	const ScalarFunction *function = node->expr->function;
	EvalContext			 *context = frame->context;
	Arena				 *arena = context->scratch;
	const Vector		**args = arena_array(arena, const Vector *, node->n_args);
	const uint64_t		 *active = context->active;
	uint64_t			 *validity = NULL;
	CallState			  state = {node, frame};
	ScalarCall			  call = {.context = context, .function = function, .args = args, .n_args = node->n_args,
								  .result_type = node->type, .constant_state = node->state, .lambdas = &state,
								  .arena = arena};
	Vector				 *out;
	int64_t				  words = bitmap_words(frame->n_rows > 0 ? frame->n_rows : 1);

	for (int k = 0; k < node->n_args; k++)
		if (node->args[k]->expr->kind != EXPR_LAMBDA)
			args[k] = node_eval_simple(node->args[k], frame);
	if (node->null_is_error != NULL)
		fail_null_arguments(node, frame, args);
	if (function->flags & FUNC_NULL_IN) {
		bool always;

		validity = args_validity(frame, args, node->n_args, &always);
		if (always)
			return vector_null(arena, node->type, frame->n_rows);
		if (validity != NULL) {
			uint64_t *counts = validity;

			/* Rows with a NULL argument take no part. */
			if (active != NULL) {
				counts = bitmap_new(arena, frame->n_rows);
				for (int64_t w = 0; w < words; w++)
					counts[w] = active[w] & validity[w];
			}
			context->active = counts;
		}
	}
	out = vector_new(arena, node->type, frame->n_rows);
	if (function->kernel != NULL)
		function->kernel(&call, frame->n_rows, out);
	else
		run_row_kernel(&call, node, frame, out);
	context->active = active;
	if (validity != NULL) {
		if (out->validity != NULL)
			for (int64_t w = 0; w < words; w++)
				validity[w] &= out->validity[w];
		out->validity = validity;
	}
	return out;
}

/* ---- lambdas ---- */

static const Vector *
lambda_body(EvalFrame *frame, void *argument)
{
	const Node *body = argument;

	return node_eval_simple(body, frame);
}

Status
eval_lambda(const ScalarCall *call, int arg, const Vector *const *parameters, int n_parameters, const uint32_t *outer_row,
			int32_t n_elements, const Vector **out, Error *err)
{
	const CallState *state = call->lambdas;
	EvalFrame		*outer = state->frame;
	Arena			*arena = call->context->scratch;
	const Vector   **all;
	EvalFrame		 frame = {.context = call->context, .batch = outer->batch, .n_rows = n_elements, .outer = outer,
							  .outer_row = outer_row, .n_parameters = outer->n_parameters + n_parameters};

	if (arg >= call->n_args || state->node->args[arg]->expr->kind != EXPR_LAMBDA)
		return error_bug(err, "Argument %d of %s is not a lambda", arg + 1, call->function->name);
	all = arena_array(arena, const Vector *, frame.n_parameters);
	for (int i = 0; i < outer->n_parameters; i++)
		all[i] = vector_dictionary(arena, outer->parameters[i], outer_row, n_elements);
	for (int i = 0; i < n_parameters; i++)
		all[outer->n_parameters + i] = parameters[i];
	frame.parameters = all;
	*out = frame_enter(&frame, false, lambda_body, state->node->args[arg]->args[0]);
	return OK;
}
