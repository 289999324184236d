/*
 * DISTINCT, INTERSECT, EXCEPT and aggregates of distinct values of bounded queries in terms of GROUP BY and joins, which go on in temporary
 * files when they need more than the memory budget:
 *	SELECT DISTINCT a, b			GROUP BY a, b
 *	l INTERSECT r, l EXCEPT r		rows of GROUP BY over l that have, or lack, an equal row in r (NULLs are equal)
 *	COUNT(DISTINCT x) GROUP BY k	COUNT(x) GROUP BY k over GROUP BY k, x
 * DISTINCT right below LIMIT stays: it gives rows at once, and keeps no more than are asked for.
 */
#include "planner/bind/bind.h"

static const Expr **
columns_of(Arena *arena, const Logical *node, int n)
{
	const Expr **out = arena_array(arena, const Expr *, n + 1);

	for (int i = 0; i < n; i++)
		out[i] = expr_column(arena, i, node->columns[i].type, node->columns[i].name);
	return out;
}

/* GROUP BY without aggregates. */
static Logical *
group_by(Arena *arena, Logical *input, const Expr *const *keys, const char *const *names, int n)
{
	Logical		  *node = logical_new(arena, LOGICAL_AGGREGATE, input);
	AggregateSpec *spec = arena_new(arena, AggregateSpec);
	Column		  *columns = arena_array(arena, Column, n + 1);

	for (int k = 0; k < n; k++)
		columns[k] = (Column){.name = names != NULL ? names[k] : input->columns[k].name, .type = keys[k]->type};
	spec->n_keys = n;
	spec->keys = keys;
	spec->emit = AGGREGATE_AT_END;
	node->columns = columns;
	node->n_columns = n;
	node->n_key = n;
	node->n_front = 0;
	node->is_table = false;
	node->window = (WindowSpec){0};
	node->spec = spec;
	return node;
}

static Logical *
group_all(Arena *arena, Logical *input)
{
	return group_by(arena, input, columns_of(arena, input, input->n_columns), NULL, input->n_columns);
}

static Logical *
rewrite_distinct_rows(Arena *arena, Logical *node)
{
	const DistinctSpec *spec = node->spec;
	Logical			   *group;

	if (spec->n_columns != node->n_columns || node->n_columns == 0)
		return node;
	group = group_all(arena, node->inputs[0]);
	group->columns = node->columns;
	group->n_key = node->n_key;
	return group;
}

/* ---- INTERSECT, EXCEPT ---- */

static const Type *const *
types_of(Arena *arena, const Logical *node)
{
	const Type **types = arena_array(arena, const Type *, node->n_columns + 1);

	for (int i = 0; i < node->n_columns; i++)
		types[i] = node->columns[i].type;
	return types;
}

static Logical *
rewrite_set(Arena *arena, Logical *node)
{
	const SetOpSpec *set = node->spec;
	int				 n = node->n_columns;
	Logical			*left = logical_input(node, 0), *right = logical_input(node, 1), *join;
	JoinHashSpec	*spec = arena_new(arena, JoinHashSpec);

	if (set->all || n == 0 || left->n_columns != n || right->n_columns != n)
		return node;
	for (int i = 0; i < n; i++)
		if (left->columns[i].type != right->columns[i].type)
			return node;
	left = group_all(arena, left);
	join = logical_new(arena, LOGICAL_JOIN_HASH, left);
	spec->kind = set->is_except ? JOIN_ANTI : JOIN_SEMI;
	spec->n_keys = n;
	spec->left_keys = columns_of(arena, left, n);
	spec->right_keys = columns_of(arena, right, n);
	spec->n_left = spec->n_right = n;
	spec->left_types = types_of(arena, left);
	spec->right_types = types_of(arena, right);
	spec->null_safe = true;
	join->n_inputs = 2;
	join->inputs[1] = right;
	join->columns = node->columns;
	join->n_key = node->n_key;
	join->spec = spec;
	return join;
}

/* ---- aggregates of distinct values ---- */

/* Those whose result does not depend on the order of the values. */
static bool
is_plain_distinct(const AggregateItem *item)
{
	static const char *const names[] = {"COUNT", "SUM", "AVG", "MIN", "MAX"};
	bool					 is_known = false;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		is_known |= strcmp(item->function->name, names[i]) == 0;
	for (int a = 0; a < item->n_args; a++)
		if (item->constants != NULL && item->constants[a].type != NULL)
			return false;
	return is_known && item->distinct && item->filter == NULL && item->n_order_by == 0 && !item->keeps_values && item->n_args > 0;
}

static bool
has_one_distinct(const AggregateSpec *spec)
{
	if (spec->n_items == 0 || spec->emit != AGGREGATE_AT_END || spec->window.kind != WINDOW_NONE || spec->is_table || spec->ttl_ms > 0 ||
		spec->input_is_windowed || spec->n_grouping_sets > 0)
		return false;
	for (int i = 0; i < spec->n_items; i++) {
		const AggregateItem *item = &spec->items[i], *first = &spec->items[0];

		if (!is_plain_distinct(item) || item->n_args != first->n_args)
			return false;
		for (int a = 0; a < item->n_args; a++)
			if (!expr_equal(item->args[a], first->args[a]))
				return false;
	}
	return true;
}

static Logical *
rewrite_distinct_items(Arena *arena, Logical *node)
{
	AggregateSpec *spec = node->spec;
	int			   n_args, n;
	const Expr	 **keys;
	const char	 **names;
	AggregateItem *items;

	if (!has_one_distinct(spec))
		return node;
	n_args = spec->items[0].n_args;
	n = spec->n_keys + n_args;
	keys = arena_array(arena, const Expr *, n + 1);
	names = arena_array(arena, const char *, n + 1);
	for (int k = 0; k < n; k++) {
		keys[k] = k < spec->n_keys ? spec->keys[k] : spec->items[0].args[k - spec->n_keys];
		names[k] = k < spec->n_keys ? node->columns[k].name : "value";
	}
	node->inputs[0] = group_by(arena, node->inputs[0], keys, names, n);
	keys = columns_of(arena, node->inputs[0], n);
	items = arena_memdup(arena, spec->items, sizeof *items * (size_t)spec->n_items);
	for (int i = 0; i < spec->n_items; i++) {
		items[i].distinct = false;
		items[i].args = keys + spec->n_keys;
	}
	spec->keys = keys;
	spec->items = items;
	return node;
}

static Logical *
walk(RewriteContext *context, Logical *node, bool is_limited)
{
	bool limits = node->kind == LOGICAL_LIMIT || (is_limited && node->kind == LOGICAL_PROJECT);

	for (int i = 0; i < node->n_inputs; i++)
		logical_set_input(node, i, walk(context, logical_input(node, i), limits));
	switch (node->kind) {
	case LOGICAL_DISTINCT:
		return is_limited ? node : rewrite_distinct_rows(context->arena, node);
	case LOGICAL_SET:
		return rewrite_set(context->arena, node);
	case LOGICAL_AGGREGATE:
		return rewrite_distinct_items(context->arena, node);
	default:
		return node;
	}
}

Logical *
rewrite_distinct(RewriteContext *context, Logical *root)
{
	return context->is_bounded ? walk(context, root, false) : root;
}
