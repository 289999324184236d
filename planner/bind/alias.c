/*
 * Standard dialect: an item of the select list by its alias, elsewhere in the same SELECT.  Where no column has the name, the alias
 * stands for its expression, which is bound anew where it is used: the rules of that clause hold for it.  Within the list an item sees
 * the ones before it, which also is what makes it end.
 */
#include "planner/bind/bind.h"

/* Aliases of aliases double what they stand for: a list of thirty could ask for more than any memory. */
#define ALIAS_USES_MAX 5000

static bool
is_volatile(const Expr *e, void *context)
{
	TypeKind kind = e->type->kind;

	(void)context;
	return e->kind == EXPR_CALL && (e->function->flags & FUNC_NOT_DETERMINISTIC) != 0 && kind != TYPE_DATE && kind != TYPE_TIME &&
		   kind != TYPE_TIMESTAMP;
}

Status
bind_alias(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder			*b = eb->binder;
	SelectBinder	*sb = eb->select;
	const AstSelect *ast = sb != NULL ? sb->ast : NULL;
	int				 n;

	*out = NULL;
	if (!b->standard || ast == NULL || e->qualifier.text != NULL || eb->clause == CLAUSE_JOIN)
		return OK;
	n = eb->item > 0 ? eb->item - 1 : ast->n_items;
	for (int i = 0; i < n; i++) {
		ExprBinder inner = *eb;

		if (ast->items[i].alias.text == NULL || !name_matches(true, bind_name(b->context, ast->items[i].alias), e->name.text, false))
			continue;
		if (++sb->n_alias_uses > ALIAS_USES_MAX) {
			error_user(err, "The aliases of this SELECT stand for each other too often: more than %d times. Compute them in a sub-query in FROM.",
					   ALIAS_USES_MAX);
			return error_at_pos(err, e->pos);
		}
		inner.item = i + 1;
		TRY(bind_expr(&inner, ast->items[i].expr, out, err));
		if (!expr_any(*out, is_volatile, NULL))
			return OK;
		error_user(err, "`%s` cannot be used again: its expression gives another value each time. Compute it in a sub-query in FROM.", e->name.text);
		return error_at_pos(err, e->pos);
	}
	return OK;
}
