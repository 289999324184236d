/*
 * What ON says beyond equalities, in continuous joins.
 *
 * An inner join filters its rows.  An outer join must know before it pads: a condition on the padded side alone (the side whose
 * rows may be missing) filters that side; any other one, where each row meets at most one of a table, makes the padded side
 * NULL where it does not hold.
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
	if (kind != JOIN_LEFT && kind != JOIN_RIGHT)
		return error_unsupported(err, "A FULL join takes equalities only in a continuous query: rows that are equal but fail another condition "
									  "would be two rows with one key.");
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
	if (n_rest > 0 && !(*right)->is_table)
		return error_unsupported(err, "Beside equalities, an outer join of streams takes conditions on the %s side alone: whether a row has a match "
									  "would have to be known for each pair. Move the condition to WHERE, or join inner.",
								 pads_left ? "left" : "right");
	if (n_moved > 0 && pads_left)
		*left = logical_filter(b->arena, *left, expr_and(b->arena, moved, n_moved, b->standard));
	else if (n_moved > 0)
		*right = logical_filter(b->arena, *right, expr_and(b->arena, moved, n_moved, b->standard));
	*residual = expr_and(b->arena, rest, n_rest, b->standard);
	return OK;
}

/* The residual speaks of both sides' own columns, which are elsewhere now. */
static Expr *
place_residual(Binder *b, const Logical *node, const Expr *residual, int n_left, int left_at, int n_right, int right_at)
{
	Expr **columns = arena_array(b->arena, Expr *, n_left + n_right + 1);

	for (int i = 0; i < n_left + n_right; i++) {
		int at = i < n_left ? left_at + i : right_at + i - n_left;

		columns[i] = expr_column(b->arena, at, node->columns[at].type, node->columns[at].name);
	}
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
join_residual(Binder *b, Logical *node, const Expr *residual, JoinKind kind, int n_left, int left_at, int n_right, int right_at)
{
	int			 first = kind == JOIN_RIGHT ? left_at : right_at, n = kind == JOIN_RIGHT ? n_left : n_right;
	Expr		*condition, **exprs;
	const char **names;

	if (residual == NULL)
		return node;
	condition = place_residual(b, node, residual, n_left, left_at, n_right, right_at);
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
