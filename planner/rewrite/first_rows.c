/*
 * ROW_NUMBER() OVER (PARTITION BY .. ORDER BY ..) <= n above it: the window operator need keep only the first n rows of each partition.  The
 * filter stays.  All functions of the operator must be ROW_NUMBER: others see the rows behind.
 */
#include "exec/op/top_groups.h"
#include "planner/bind/bind.h"

static bool
only_row_numbers(const WindowFunctionSpec *spec)
{
	for (int i = 0; i < spec->n_items; i++)
		if (spec->items[i].kind != WINDOW_FUNCTION_ROW_NUMBER)
			return false;
	return spec->n_items > 0;
}

/* The column behind casts between integers. */
static int
number_column(const Expr *e)
{
	while (e->kind == EXPR_CAST && type_is_number(e->type))
		e = e->args[0];
	return e->kind == EXPR_COLUMN ? e->index : -1;
}

/* The most that a column from `first` on may be for the condition to hold; INT64_MAX: it says nothing of the kind. */
static int64_t
greatest_of(RewriteContext *context, const Expr *e, int first)
{
	static const int turned[] = {[COMPARE_EQ] = COMPARE_EQ, [COMPARE_NE] = COMPARE_NE, [COMPARE_LT] = COMPARE_GT,
									   [COMPARE_LE] = COMPARE_GE, [COMPARE_GT] = COMPARE_LT, [COMPARE_GE] = COMPARE_LE};
	bool  is_turned;
	int	  op;
	Value value;

	if (e->kind != EXPR_COMPARE)
		return INT64_MAX;
	is_turned = number_column(e->args[0]) < 0;
	op = is_turned ? turned[e->op] : (int)e->op;
	if (number_column(e->args[is_turned ? 1 : 0]) < first || !expr_is_constant(e->args[is_turned ? 0 : 1]) ||
		(op != COMPARE_EQ && op != COMPARE_LT && op != COMPARE_LE))
		return INT64_MAX;
	if (expr_eval_constant(context->arena, e->args[is_turned ? 0 : 1], &env_real, &value, &(Error){0}) != OK || value.is_null ||
		(value.type->kind != TYPE_INTEGER && value.type->kind != TYPE_BIGINT))
		return INT64_MAX;
	return op == COMPARE_LT ? value.integer - (value.integer > INT64_MIN) : value.integer;
}

static void
walk(RewriteContext *context, Logical *node)
{
	if (node->kind == LOGICAL_FILTER && node->inputs[0]->kind == LOGICAL_WINDOW_FUNCTION && only_row_numbers(node->inputs[0]->spec)) {
		WindowFunctionSpec *spec = node->inputs[0]->spec;
		Expr			  **list = NULL;
		int					n = 0, capacity = 0;
		int64_t				most = INT64_MAX;

		expr_conjuncts(context->arena, (Expr *)((const FilterSpec *)node->spec)->condition, &list, &n, &capacity);
		for (int i = 0; i < n; i++) {
			int64_t greatest = greatest_of(context, list[i], node->inputs[0]->n_columns - spec->n_items);

			most = greatest < most ? greatest : most;
		}
		/* with none at all the filter leaves nothing: one row is as good */
		if (most <= TOP_GROUPS_ROWS_MAX)
			spec->n_first = most < 1 ? 1 : (int)most;
	}
	for (int i = 0; i < node->n_inputs; i++)
		walk(context, logical_input(node, i));
}

Logical *
rewrite_first_rows(RewriteContext *context, Logical *root)
{
	if (context->is_bounded)
		walk(context, root);
	return root;
}
