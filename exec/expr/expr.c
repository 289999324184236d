#include "exec/expr/expr.h"

Expr *
expr_new(Arena *arena, ExprKind kind, const Type *type, Expr *const *args, int n_args)
{
	Expr *e = arena_new(arena, Expr);

	e->kind = kind;
	e->type = type;
	e->n_args = n_args;
	if (n_args > 0)
		e->args = arena_memdup(arena, args, sizeof *args * (size_t)n_args);
	return e;
}

Expr *
expr_column(Arena *arena, int index, const Type *type, const char *name)
{
	Expr *e = expr_new(arena, EXPR_COLUMN, type, NULL, 0);

	e->index = index;
	e->name = name;
	return e;
}

Expr *
expr_constant(Arena *arena, Value value)
{
	Expr *e = expr_new(arena, EXPR_CONSTANT, value.type, NULL, 0);

	e->constant = value;
	return e;
}

bool
expr_equal(const Expr *a, const Expr *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind || a->type != b->type || a->n_args != b->n_args || a->is_guarded != b->is_guarded || a->is_quiet != b->is_quiet ||
		a->negated != b->negated || a->standard != b->standard || a->index != b->index || a->op != b->op ||
		a->escape != b->escape || a->function != b->function)
		return false;
	if (a->kind == EXPR_CONSTANT && !value_equal(&a->constant, &b->constant))
		return false;
	for (int i = 0; i < a->n_args; i++)
		if (!expr_equal(a->args[i], b->args[i]))
			return false;
	return true;
}

bool
expr_is_constant(const Expr *e)
{
	if (e->kind == EXPR_COLUMN || e->kind == EXPR_PARAMETER || e->kind == EXPR_LAMBDA)
		return false;
	if (e->kind == EXPR_CALL && (e->function->flags & FUNC_NOT_DETERMINISTIC))
		return false;
	for (int i = 0; i < e->n_args; i++)
		if (!expr_is_constant(e->args[i]))
			return false;
	return true;
}

void
expr_columns_used(const Expr *e, bool *used)
{
	if (e->kind == EXPR_COLUMN)
		used[e->index] = true;
	for (int i = 0; i < e->n_args; i++)
		expr_columns_used(e->args[i], used);
}

Expr *
expr_substitute(Arena *arena, const Expr *e, Expr *const *columns)
{
	Expr  *copy;
	Expr **args;

	if (e->kind == EXPR_COLUMN)
		return columns[e->index];
	copy = arena_memdup(arena, e, sizeof *e);
	if (e->n_args > 0) {
		args = arena_array(arena, Expr *, e->n_args);
		for (int i = 0; i < e->n_args; i++)
			args[i] = expr_substitute(arena, e->args[i], columns);
		copy->args = args;
	}
	return copy;
}
