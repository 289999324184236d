/*
 * What ON says beyond equalities, in continuous joins.
 *
 * An inner join filters its rows.  An outer join must know before it pads: a condition on the padded side alone (the side whose
 * rows may be missing) filters that side.  Any other one is tested on each pair by the join of two streams; a row of a table join
 * meets at most one other, and its padded side is NULL where the condition does not hold.
 */
#include "planner/bind/bind.h"

typedef struct Sides {
	int	 split;
	bool left, right;
} Sides;

static bool
note_side(const Expr *e, void *data)
{
	Sides *s = data;

	if (e->kind == EXPR_COLUMN && e->index < REF_AGGREGATE) {
		s->left |= e->index < s->split;
		s->right |= e->index >= s->split;
	}
	return false;
}

Status
push_join_residual(Binder *b, JoinKind kind, Logical **left, Logical **right, Expr **residual, Error *err)
{
	Expr **list = NULL, **rest, **moved;
	int	   n = 0, capacity = 0, n_rest = 0, n_moved = 0, split = (*left)->n_columns;
	bool   pads_left = kind == JOIN_RIGHT;

	if (kind == JOIN_INNER)
		return OK;
	if (kind == JOIN_FULL && (*right)->is_table)
		return error_unsupported(err, "A FULL join of tables takes equalities only in a continuous query: rows that are equal but fail another "
									  "condition would be two rows with one key.");
	if (kind == JOIN_FULL)
		return OK;
	expr_conjuncts(b->arena, *residual, &list, &n, &capacity);
	rest = arena_array(b->arena, Expr *, n + 1);
	moved = arena_array(b->arena, Expr *, n + 1);
	for (int i = 0; i < n; i++) {
		Sides s = {.split = split};

		expr_any(list[i], note_side, &s);
		if (pads_left ? s.left && !s.right : s.right && !s.left)
			moved[n_moved++] = pads_left ? list[i] : logical_shift(b->arena, list[i], -split);
		else
			rest[n_rest++] = list[i];
	}
	if (n_moved > 0 && pads_left)
		*left = logical_filter(b->arena, *left, expr_and(b->arena, moved, n_moved, b->standard));
	else if (n_moved > 0)
		*right = logical_filter(b->arena, *right, expr_and(b->arena, moved, n_moved, b->standard));
	*residual = expr_and(b->arena, rest, n_rest, b->standard);
	return OK;
}

/* The residual speaks of both sides' own columns, which begin elsewhere now. */
Expr *
join_place_residual(Binder *b, const Logical *left, int left_at, const Logical *right, int right_at, const Expr *residual)
{
	Expr **columns = arena_array(b->arena, Expr *, left->n_columns + right->n_columns + 1);

	for (int i = 0; i < left->n_columns; i++)
		columns[i] = expr_column(b->arena, left_at + i, left->columns[i].type, left->columns[i].name);
	for (int i = 0; i < right->n_columns; i++)
		columns[left->n_columns + i] = expr_column(b->arena, right_at + i, right->columns[i].type, right->columns[i].name);
	return expr_substitute(b->arena, residual, columns);
}

static Expr *
only_where(Binder *b, Expr *condition, Expr *value)
{
	Expr *args[3] = {condition, value, expr_constant(b->arena, value_null(value->type))};
	Expr *e = expr_new(b->arena, EXPR_CASE, value->type, arena_memdup(b->arena, args, sizeof args), 3);

	e->standard = b->standard;
	return e;
}

Logical *
join_residual(Binder *b, Logical *node, const Expr *residual, JoinKind kind, const Logical *left, int left_at, const Logical *right, int right_at)
{
	int			 first = kind == JOIN_RIGHT ? left_at : right_at, n = kind == JOIN_RIGHT ? left->n_columns : right->n_columns;
	Expr		*condition, **exprs;
	const char **names;

	if (residual == NULL)
		return node;
	condition = join_place_residual(b, left, left_at, right, right_at, residual);
	if (kind == JOIN_INNER)
		return logical_filter(b->arena, node, condition);
	exprs = arena_array(b->arena, Expr *, node->n_columns + 1);
	names = arena_array(b->arena, const char *, node->n_columns + 1);
	for (int c = 0; c < node->n_columns; c++) {
		exprs[c] = expr_column(b->arena, c, node->columns[c].type, node->columns[c].name);
		if (c >= first && c < first + n)
			exprs[c] = only_where(b, condition, exprs[c]);
		names[c] = node->columns[c].name;
	}
	return logical_project(b->arena, node, exprs, names, node->n_columns, node->n_key);
}
