/*
 * Joins of bounded queries that are simpler than they are written: a filter that no row of NULLs passes makes an outer join an inner
 * one, and a sub-query that is grouped by what it is correlated by never has two rows for one.  As inner joins both take part in the choice
 * of an order.
 */
#include "planner/bind/bind.h"

/* Whether an expression is NULL whenever the columns first .. behind - 1 are. */
static bool
is_null_with(const Expr *e, int first, int behind)
{
	switch (e->kind) {
	case EXPR_COLUMN:
		return e->index >= first && e->index < behind;
	case EXPR_CAST:
	case EXPR_NEGATE:
		return is_null_with(e->args[0], first, behind);
	case EXPR_ARITHMETIC:
		return type_is_number(e->type) && (is_null_with(e->args[0], first, behind) || is_null_with(e->args[1], first, behind));
	default:
		return false;
	}
}

/* Whether a condition is not TRUE whenever the columns first .. behind - 1 are NULL. */
static bool
rejects_nulls(const Expr *e, int first, int behind)
{
	switch (e->kind) {
	case EXPR_COMPARE:
		return (e->standard || e->op != COMPARE_NE) && (is_null_with(e->args[0], first, behind) || is_null_with(e->args[1], first, behind));
	case EXPR_IN:
		return e->standard && !e->negated && is_null_with(e->args[0], first, behind);
	case EXPR_IS_NULL:
		return e->negated && is_null_with(e->args[0], first, behind);
	default:
		return false;
	}
}

static bool
any_rejects_nulls(RewriteContext *context, const FilterSpec *filter, int first, int behind)
{
	Expr **list = NULL;
	int	   n = 0, capacity = 0;

	expr_conjuncts(context->arena, (Expr *)filter->condition, &list, &n, &capacity);
	for (int i = 0; i < n; i++)
		if (rejects_nulls(list[i], first, behind))
			return true;
	return false;
}

/* Whether no two rows of a node have the same values in all of the columns in `keys`, a flag a column. */
static bool
is_unique(RewriteContext *context, const Logical *node, const bool *keys)
{
	switch (node->kind) {
	case LOGICAL_FILTER:
		return is_unique(context, node->inputs[0], keys);
	case LOGICAL_PROJECT: {
		const ProjectSpec *spec = node->spec;
		bool			  *below = arena_array(context->arena, bool, node->inputs[0]->n_columns + 1);

		for (int i = 0; i < spec->n_columns; i++)
			if (keys[i] && spec->columns[i]->kind == EXPR_COLUMN)
				below[spec->columns[i]->index] = true;
		return is_unique(context, node->inputs[0], below);
	}
	case LOGICAL_AGGREGATE: {
		const AggregateSpec *spec = node->spec;

		for (int k = 0; k < spec->n_keys; k++)
			if (!keys[k])
				return false;
		return spec->window.kind == WINDOW_NONE && spec->n_grouping_sets == 0 && !spec->input_is_windowed;
	}
	default:
		return false;
	}
}

static bool
right_is_unique(RewriteContext *context, const Logical *join)
{
	const JoinHashSpec *spec = join->spec;
	bool			   *keys = arena_array(context->arena, bool, spec->n_right + 1);

	for (int k = 0; k < spec->n_keys; k++)
		if (spec->right_keys[k]->kind == EXPR_COLUMN)
			keys[spec->right_keys[k]->index] = true;
	return is_unique(context, join->inputs[1], keys);
}

static void
simplify(RewriteContext *context, Logical *join, const FilterSpec *filter)
{
	JoinHashSpec *spec = join->spec;
	int			  n_left = spec->n_left, n = n_left + spec->n_right;

	if (spec->n_keys == 0 || spec->null_aware)
		return;
	if (spec->single && right_is_unique(context, join))
		spec->single = false;
	if (filter == NULL || spec->single)
		return;
	if (spec->kind == JOIN_LEFT && any_rejects_nulls(context, filter, n_left, n))
		spec->kind = JOIN_INNER;
	if (spec->kind == JOIN_RIGHT && any_rejects_nulls(context, filter, 0, n_left))
		spec->kind = JOIN_INNER;
}

static void
walk(RewriteContext *context, Logical *node, const FilterSpec *filter)
{
	if (node->kind == LOGICAL_JOIN_HASH)
		simplify(context, node, filter);
	for (int i = 0; i < node->n_inputs; i++)
		walk(context, logical_input(node, i), node->kind == LOGICAL_FILTER ? node->spec : NULL);
}

Logical *
rewrite_join_simplify(RewriteContext *context, Logical *root)
{
	if (context->is_bounded)
		walk(context, root, NULL);
	return root;
}
