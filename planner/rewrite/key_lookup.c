/* Bounded queries over kept rows: conditions on the whole key become look-ups. */
#include <stdlib.h>

#include "data/key.h"
#include "exec/expr/program.h"
#include "planner/bind/bind.h"

enum { LOOKUPS_MAX = 1024 };

/* The constants that column `index` may have by one conjunct: = or IN. */
static int
constants_of(const Expr *e, int index, const Value **out, RewriteContext *context)
{
	Value *values;

	if (e->kind == EXPR_COMPARE && e->op == COMPARE_EQ) {
		const Expr *column = e->args[0], *constant = e->args[1];

		if (column->kind != EXPR_COLUMN) {
			column = e->args[1];
			constant = e->args[0];
		}
		if (column->kind != EXPR_COLUMN || column->index != index || !expr_is_constant(constant))
			return 0;
		values = arena_array(context->arena, Value, 1);
		if (expr_eval_constant(context->arena, constant, &env_real, &values[0], &(Error){0}) != OK || values[0].is_null)
			return 0;
		*out = values;
		return 1;
	}
	if (e->kind == EXPR_IN && !e->negated && e->args[0]->kind == EXPR_COLUMN && e->args[0]->index == index) {
		int n = 0;

		values = arena_array(context->arena, Value, e->n_args);
		for (int i = 1; i < e->n_args; i++) {
			if (!expr_is_constant(e->args[i]) ||
				expr_eval_constant(context->arena, e->args[i], &env_real, &values[n], &(Error){0}) != OK)
				return 0;
			if (!values[n].is_null)
				n++;
		}
		*out = values;
		return n;
	}
	return 0;
}

static int
compare_ranges(const void *a, const void *b)
{
	return str_compare(((const StateRange *)a)->from, ((const StateRange *)b)->from);
}

static void
look_up(RewriteContext *context, const FilterSpec *filter, Logical *scan)
{
	LogicalScan	 *spec = scan->spec;
	Expr		**list = NULL;
	int			  n = 0, capacity = 0, n_keys = 1, m = 0;
	const Value **values = arena_array(context->arena, const Value *, scan->n_key + 1);
	int			 *counts = arena_array(context->arena, int, scan->n_key + 1);
	StateRange	 *ranges;

	if (scan->n_key == 0)
		return;
	expr_conjuncts(context->arena, (Expr *)filter->condition, &list, &n, &capacity);
	for (int k = 0; k < scan->n_key; k++) {
		for (int i = 0; i < n && counts[k] == 0; i++)
			counts[k] = constants_of(list[i], k, &values[k], context);
		if (counts[k] == 0 || n_keys > LOOKUPS_MAX / counts[k])
			return;
		n_keys *= counts[k];
	}
	ranges = arena_array(context->arena, StateRange, n_keys);
	for (int i = 0; i < n_keys; i++) {
		StrBuf buf = {0};
		Str	   from, to;
		int	   rest = i;

		for (int k = 0; k < scan->n_key; k++) {
			key_encode_value(&values[k][rest % counts[k]], &buf);
			rest /= counts[k];
		}
		from = str_make(arena_memdup(context->arena, strbuf_text(&buf), buf.length), buf.length);
		strbuf_add_char(&buf, '\xff');
		for (int j = 0; j < 16; j++)
			strbuf_add_char(&buf, '\xff');
		to = str_make(arena_memdup(context->arena, strbuf_text(&buf), buf.length), buf.length);
		strbuf_free(&buf);
		ranges[m++] = (StateRange){from, to};
	}
	qsort(ranges, (size_t)m, sizeof *ranges, compare_ranges);
	spec->ranges = ranges;
	spec->n_ranges = 0;
	for (int i = 0; i < m; i++)
		if (spec->n_ranges == 0 || !str_equal(ranges[spec->n_ranges - 1].from, ranges[i].from))
			ranges[spec->n_ranges++] = ranges[i];
}

static void
walk(RewriteContext *context, Logical *node)
{
	if (node->kind == LOGICAL_FILTER && node->inputs[0]->kind == LOGICAL_SCAN &&
		((LogicalScan *)node->inputs[0]->spec)->is_state)
		look_up(context, node->spec, node->inputs[0]);
	for (int i = 0; i < node->n_inputs; i++)
		walk(context, logical_input(node, i));
}

Logical *
rewrite_key_lookup(RewriteContext *context, Logical *root)
{
	if (context->is_bounded)
		walk(context, root);
	return root;
}
