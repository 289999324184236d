/*
 * What a statement must know of its rows before it can be planned: how many columns a PIVOT without a list of values has, the number
 * behind LIMIT when a sub-query says it.  Such a query is run while the one around it is bound (PlannerContext.query_values).
 */
#include "planner/bind/bind.h"

/* The query with the WITH that is in sight where it stands. */
static const AstQuery *
with_ctes(Binder *b, const AstQuery *query)
{
	AstQuery *out;
	int		  n = 0, at;

	for (const CteEntry *c = b->ctes; c != NULL; c = c->next)
		n += c->cte != NULL;
	if (n == 0)
		return query;
	out = arena_new(b->arena, AstQuery);
	out->pos = query->pos;
	out->ctes = arena_array(b->arena, AstCte, n);
	out->n_ctes = at = n;
	for (const CteEntry *c = b->ctes; c != NULL; c = c->next)
		if (c->cte != NULL) {
			out->ctes[--at] = *c->cte;
			out->is_recursive |= c->is_recursive;
		}
	out->body = arena_new(b->arena, AstBody);
	out->body->kind = AST_BODY_QUERY;
	out->body->pos = query->pos;
	out->body->query = (AstQuery *)query;
	return out;
}

Status
evaluate_query(Binder *b, const AstQuery *query, const char *what, AstPos pos, QueryValues *out, Error *err)
{
	*out = (QueryValues){0};
	if (b->is_bounded && b->context->query_values != NULL)
		return b->context->query_values(b->context, with_ctes(b, query), out, err);
	error_user(err, "%s, which is not possible here: only a SELECT over data that ends can.", what);
	return error_at_pos(err, pos);
}

Status
evaluate_expr(Binder *b, const AstExpr *e, const char *what, Value *out, Error *err)
{
	AstSelect	   *select = arena_new(b->arena, AstSelect);
	AstSelectItem  *item = arena_new(b->arena, AstSelectItem);
	QueryValues		values;

	item->expr = (AstExpr *)e;
	item->pos = select->pos = e->pos;
	select->items = item;
	select->n_items = 1;
	TRY(evaluate_query(b, ast_query_of_select(b->arena, select), what, e->pos, &values, err));
	*out = values.n_rows > 0 ? values.values[0] : value_null(values.schema->columns[0].type);
	return OK;
}

Status
evaluate_count(Binder *b, const AstQuery *query, const char *what, AstPos pos, int64_t *out, Error *err)
{
	AstQuery	  *all = arena_memdup(b->arena, query, sizeof *query);
	AstSelect	  *select = arena_new(b->arena, AstSelect);
	AstSelectItem *item = arena_new(b->arena, AstSelectItem);
	QueryValues	   values;

	all->order_by = NULL;
	all->n_order_by = 0;
	all->limit = all->offset = NULL;
	all->limit_is_percent = false;
	item->expr = ast_call(b->arena, "COUNT", NULL, pos);
	item->pos = select->pos = pos;
	select->items = item;
	select->n_items = 1;
	select->from = ast_relation_of_query(b->arena, all, "q");
	TRY(evaluate_query(b, ast_query_of_select(b->arena, select), what, pos, &values, err));
	*out = values.n_rows > 0 ? values.values[0].integer : 0;
	return OK;
}
