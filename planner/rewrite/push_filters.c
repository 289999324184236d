/*
 * Moves conditions of bounded queries towards the scans: below projections that only rename, and to the side of a hash
 * join that alone they speak of (for outer joins only the side that is kept).
 */
#include "planner/bind/bind.h"

static Logical *push(RewriteContext *context, Logical *node);

typedef struct ColumnRange {
	int	 least, most;
	bool any;
} ColumnRange;

static bool
note_column(const Expr *e, void *data)
{
	ColumnRange *r = data;

	if (e->kind == EXPR_COLUMN) {
		r->any = true;
		if (e->index < r->least)
			r->least = e->index;
		if (e->index > r->most)
			r->most = e->index;
	}
	return false;
}

static void
columns_of(const Expr *e, ColumnRange *r)
{
	*r = (ColumnRange){.least = INT32_MAX, .most = -1};
	expr_any(e, note_column, r);
}

static Logical *
filter_over(RewriteContext *context, Logical *input, Expr **list, int n)
{
	if (n == 0)
		return input;
	return logical_filter(context->arena, input, expr_and(context->arena, list, n, context->standard));
}

/* Equalities between the sides of an inner join become keys; gives the number of conditions left. */
static int
take_equalities(RewriteContext *context, JoinHashSpec *spec, Expr **list, int n)
{
	Arena		*arena = context->arena;
	int			 n_left = spec->n_left, rest = 0, m = spec->n_keys;
	const Expr **left = arena_array(arena, const Expr *, m + n + 1), **right = arena_array(arena, const Expr *, m + n + 1);

	if ((spec->kind != JOIN_INNER && spec->kind != JOIN_CROSS) || spec->null_safe)
		return n;
	for (int i = 0; i < m; i++) {
		left[i] = spec->left_keys[i];
		right[i] = spec->right_keys[i];
	}
	for (int i = 0; i < n; i++) {
		Expr	   *e = list[i];
		ColumnRange a, b;

		if (e->kind == EXPR_COMPARE && e->op == COMPARE_EQ) {
			columns_of(e->args[0], &a);
			columns_of(e->args[1], &b);
			if (a.any && b.any && a.most < n_left && b.least >= n_left) {
				left[m] = e->args[0];
				right[m++] = logical_shift(arena, e->args[1], -n_left);
				continue;
			}
			if (a.any && b.any && b.most < n_left && a.least >= n_left) {
				left[m] = e->args[1];
				right[m++] = logical_shift(arena, e->args[0], -n_left);
				continue;
			}
		}
		list[rest++] = e;
	}
	if (m > spec->n_keys) {
		spec->kind = JOIN_INNER;
		spec->left_keys = left;
		spec->right_keys = right;
		spec->n_keys = m;
	}
	return rest;
}

/* ---- what OR implies for one side ---- */

/* A test of a column against constants: cheap, and no row can fail it. */
static bool
is_simple_test(const Expr *e)
{
	if (e->kind == EXPR_COMPARE && e->args[0]->kind != EXPR_COLUMN)
		return e->args[1]->kind == EXPR_COLUMN && expr_is_constant(e->args[0]);
	if (e->kind != EXPR_COMPARE && e->kind != EXPR_IN && e->kind != EXPR_LIKE && e->kind != EXPR_IS_NULL)
		return false;
	for (int i = 1; i < e->n_args; i++)
		if (!expr_is_constant(e->args[i]))
			return false;
	return e->args[0]->kind == EXPR_COLUMN;
}

static void
collect_disjuncts(Arena *arena, Expr *e, Expr ***list, int *n, int *capacity)
{
	if (e->kind == EXPR_OR) {
		for (int i = 0; i < e->n_args; i++)
			collect_disjuncts(arena, e->args[i], list, n, capacity);
		return;
	}
	arena_grow(arena, *list, *n, *capacity);
	(*list)[(*n)++] = e;
}

/* The tests in one alternative that speak of columns first .. behind - 1 alone, put together; NULL: there is none. */
static Expr *
tests_of_side(RewriteContext *context, Expr *alternative, int first, int behind)
{
	Expr **list = NULL;
	int	   n = 0, capacity = 0, kept = 0;

	expr_conjuncts(context->arena, alternative, &list, &n, &capacity);
	for (int i = 0; i < n; i++) {
		ColumnRange r;

		columns_of(list[i], &r);
		if (is_simple_test(list[i]) && r.least >= first && r.most < behind)
			list[kept++] = list[i];
	}
	return kept > 0 ? expr_and(context->arena, list, kept, context->standard) : NULL;
}

/*
 * (a AND x) OR (b AND y), where a and b speak of one side of a join, is only true for rows where a OR b is.  That can be asked
 * before the join; the whole condition stays behind it.
 */
static Expr *
implied_for_side(RewriteContext *context, Expr *condition, int first, int behind)
{
	Expr **alternatives = NULL, *out;
	int	   n = 0, capacity = 0;

	if (!context->derives || condition->kind != EXPR_OR)
		return NULL;
	collect_disjuncts(context->arena, condition, &alternatives, &n, &capacity);
	for (int i = 0; i < n; i++) {
		alternatives[i] = tests_of_side(context, alternatives[i], first, behind);
		if (alternatives[i] == NULL)
			return NULL;
	}
	out = expr_new(context->arena, EXPR_OR, type_boolean, alternatives, n);
	out->standard = condition->standard;
	return out;
}

static Logical *
push_into_join(RewriteContext *context, Logical *join, Expr **list, int n)
{
	JoinHashSpec *spec = join->spec;
	int			  n_left = spec->n_left;
	bool		  to_left = spec->kind == JOIN_INNER || spec->kind == JOIN_LEFT || spec->kind == JOIN_SEMI || spec->kind == JOIN_ANTI ||
				   spec->kind == JOIN_CROSS;
	bool   to_right = spec->kind == JOIN_INNER || spec->kind == JOIN_RIGHT || spec->kind == JOIN_CROSS;
	Expr **left = arena_array(context->arena, Expr *, 2 * n), **right = arena_array(context->arena, Expr *, 2 * n);
	Expr **rest = arena_array(context->arena, Expr *, n);
	int	   nl = 0, nr = 0, nrest = 0;

	if (spec->single)
		to_right = false;
	for (int i = 0; i < n; i++) {
		ColumnRange r;

		columns_of(list[i], &r);
		if (r.any && r.most < n_left && to_left)
			left[nl++] = list[i];
		else if (r.any && r.least >= n_left && to_right)
			right[nr++] = logical_shift(context->arena, list[i], -n_left);
		else {
			Expr *of_left = to_left ? implied_for_side(context, list[i], 0, n_left) : NULL;
			Expr *of_right = to_right ? implied_for_side(context, list[i], n_left, INT32_MAX) : NULL;

			if (of_left != NULL)
				left[nl++] = of_left;
			if (of_right != NULL)
				right[nr++] = logical_shift(context->arena, of_right, -n_left);
			rest[nrest++] = list[i];
		}
	}
	nrest = take_equalities(context, spec, rest, nrest);
	join->inputs[0] = push(context, filter_over(context, join->inputs[0], left, nl));
	join->inputs[1] = push(context, filter_over(context, join->inputs[1], right, nr));
	return filter_over(context, join, rest, nrest);
}

static Expr *
through_project(const Expr *e, void *data)
{
	const ProjectSpec *spec = data;

	return e->kind == EXPR_COLUMN ? (Expr *)spec->columns[e->index] : NULL;
}

static bool
only_columns(const ProjectSpec *spec)
{
	for (int i = 0; i < spec->n_columns; i++)
		if (spec->columns[i]->kind != EXPR_COLUMN)
			return false;
	return true;
}

/* Parts of ON that speak of one side alone, where that side's unmatched rows are not kept: filters of that side. */
static void
push_residual(RewriteContext *context, Logical *join)
{
	JoinHashSpec *spec = join->spec;
	int			  n_left = spec->n_left, n = 0, capacity = 0, rest = 0, nl = 0, nr = 0;
	bool		  to_left = spec->kind == JOIN_INNER || spec->kind == JOIN_RIGHT || spec->kind == JOIN_SEMI || spec->kind == JOIN_CROSS;
	bool		  to_right = spec->kind != JOIN_FULL && spec->kind != JOIN_RIGHT && !spec->null_aware;
	Expr		**list = NULL, **left, **right;

	if (spec->residual == NULL)
		return;
	expr_conjuncts(context->arena, (Expr *)spec->residual, &list, &n, &capacity);
	left = arena_array(context->arena, Expr *, n);
	right = arena_array(context->arena, Expr *, n);
	for (int i = 0; i < n; i++) {
		ColumnRange r;

		columns_of(list[i], &r);
		if (r.any && r.most < n_left && to_left)
			left[nl++] = list[i];
		else if (r.any && r.least >= n_left && to_right)
			right[nr++] = logical_shift(context->arena, list[i], -n_left);
		else
			list[rest++] = list[i];
	}
	spec->residual = expr_and(context->arena, list, rest, context->standard);
	join->inputs[0] = filter_over(context, join->inputs[0], left, nl);
	join->inputs[1] = filter_over(context, join->inputs[1], right, nr);
}

static Logical *
push(RewriteContext *context, Logical *node)
{
	if (node->kind == LOGICAL_JOIN_HASH)
		push_residual(context, node);
	if (node->kind == LOGICAL_FILTER) {
		FilterSpec *filter = node->spec;
		Logical	   *input = node->inputs[0];
		Expr	  **list = NULL;
		int			n = 0, capacity = 0;

		expr_conjuncts(context->arena, (Expr *)filter->condition, &list, &n, &capacity);
		if (input->kind == LOGICAL_JOIN_HASH)
			return push_into_join(context, input, list, n);
		if (input->kind == LOGICAL_FILTER) {
			FilterSpec *below = input->spec;
			Expr	   *both[2] = {(Expr *)below->condition, (Expr *)filter->condition};

			return push(context, logical_filter(context->arena, input->inputs[0], expr_and(context->arena, both, 2, context->standard)));
		}
		if (input->kind == LOGICAL_PROJECT && only_columns(input->spec)) {
			Expr *condition = expr_transform(context->arena, filter->condition, through_project, input->spec);

			input->inputs[0] = push(context, logical_filter(context->arena, input->inputs[0], condition));
			return input;
		}
	}
	for (int i = 0; i < node->n_inputs; i++)
		logical_set_input(node, i, push(context, logical_input(node, i)));
	return node;
}

Logical *
rewrite_push_filters(RewriteContext *context, Logical *root)
{
	return context->is_bounded ? push(context, root) : root;
}
