/* Walking and copying bound expressions. */
#include "planner/bind/bind.h"

Expr *
expr_transform(Arena *arena, const Expr *e, ExprVisit visit, void *context)
{
	Expr  *replaced = visit(e, context);
	Expr **args = NULL;
	bool   changed = false;
	Expr  *copy;

	if (replaced != NULL)
		return replaced;
	if (e->n_args > 0) {
		args = arena_array(arena, Expr *, e->n_args);
		for (int i = 0; i < e->n_args; i++) {
			args[i] = expr_transform(arena, e->args[i], visit, context);
			changed |= args[i] != e->args[i];
		}
	}
	if (!changed)
		return (Expr *)e;
	copy = arena_memdup(arena, e, sizeof *e);
	copy->args = args;
	return copy;
}

bool
expr_any(const Expr *e, bool (*test)(const Expr *e, void *context), void *context)
{
	if (test(e, context))
		return true;
	for (int i = 0; i < e->n_args; i++)
		if (expr_any(e->args[i], test, context))
			return true;
	return false;
}

void
ast_conjuncts(Arena *arena, const AstExpr *e, AstConjuncts *out)
{
	if (e->kind == AST_BINARY && e->op == AST_OP_AND) {
		ast_conjuncts(arena, e->left, out);
		ast_conjuncts(arena, e->right, out);
		return;
	}
	arena_grow(arena, out->items, out->n, out->capacity);
	out->items[out->n++] = e;
}

void
expr_conjuncts(Arena *arena, Expr *e, Expr ***list, int *n, int *capacity)
{
	if (e->kind == EXPR_AND) {
		for (int i = 0; i < e->n_args; i++)
			expr_conjuncts(arena, e->args[i], list, n, capacity);
		return;
	}
	arena_grow(arena, *list, *n, *capacity);
	(*list)[(*n)++] = e;
}

Expr *
expr_and(Arena *arena, Expr *const *list, int n, bool standard)
{
	Expr *e;

	if (n == 0)
		return NULL;
	if (n == 1)
		return list[0];
	e = expr_new(arena, EXPR_AND, type_boolean, arena_memdup(arena, list, sizeof *list * (size_t)n), n);
	e->standard = standard;
	return e;
}
