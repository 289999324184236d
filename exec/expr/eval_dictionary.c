/*
 * Tests of a text column against constants, over a dictionary: once for each entry, then the answers are looked up by code.
 *
 * Only what cannot fail is done this way (comparison, IN, LIKE), because an entry stands for rows that are nobody's yet.
 */
#include "exec/expr/program_impl.h"

bool
node_takes_dictionary(const Node *node)
{
	if (node->expr->kind != EXPR_COMPARE && node->expr->kind != EXPR_IN && node->expr->kind != EXPR_LIKE)
		return false;
	if (node->constant != NULL || node->is_guarded || node->n_args < 2 || node->args[0]->expr->kind != EXPR_COLUMN ||
		!type_is_text(node->args[0]->type))
		return false;
	for (int i = 1; i < node->n_args; i++)
		if (node->args[i]->constant == NULL || node->args[i]->type != node->args[0]->type)
			return false;
	return true;
}

const Vector *
eval_on_dictionary(const Node *node, EvalFrame *frame)
{
	EvalContext	   *context = frame->context;
	int				index = node->args[0]->expr->index;
	const Vector   *v = frame->outer == NULL ? frame->batch->columns[index] : NULL, *answers;
	const uint64_t *active = context->active;
	const Vector  **columns;
	Batch			entries;
	EvalFrame		inner = *frame;

	/* it pays if entries are asked of fewer times than rows */
	if (v == NULL || v->form != VECTOR_DICTIONARY || v->base->n_rows > frame->n_rows / 2)
		return node->eval_rows(node, frame);
	columns = arena_array(context->scratch, const Vector *, index + 1);
	columns[index] = v->base;
	entries = (Batch){.n_rows = v->base->n_rows, .n_columns = index + 1, .columns = columns};
	inner.batch = &entries;
	inner.n_rows = entries.n_rows;
	context->active = NULL;
	answers = node->eval_rows(node, &inner);
	context->active = active;
	if (answers->form == VECTOR_CONSTANT)
		return vector_slice(context->scratch, answers, 0, frame->n_rows);
	return vector_gather(context->scratch, answers, v->index, frame->n_rows, true);
}
