/*
 * x IN (query), x op ANY (query), x op ALL (query) as values.  They are NULL where a NULL on either side leaves it open, so whether there
 * is a match is not all there is to know:
 *
 *   x op ANY (q)   CASE WHEN a match THEN TRUE WHEN count of rows = 0 THEN FALSE
 *                  WHEN x IS NULL OR count of values < count of rows THEN NULL ELSE FALSE END
 *   x op ALL (q)   NOT (x its opposite ANY (q))
 *
 * A match is an equal key for =, and for the others x op the least or the greatest value.  The counts are sub-queries of their own.
 */
#include "planner/bind/bind.h"

static AstExpr *
node(Binder *b, AstExprKind kind, AstPos pos)
{
	AstExpr *e = arena_new(b->arena, AstExpr);

	e->kind = kind;
	e->pos = pos;
	return e;
}

static AstExpr *
binary(Binder *b, AstOp op, const AstExpr *left, const AstExpr *right)
{
	AstExpr *e = node(b, AST_BINARY, left->pos);

	e->op = op;
	e->left = (AstExpr *)left;
	e->right = (AstExpr *)right;
	return e;
}

static AstExpr *
boolean(Binder *b, bool value, AstPos pos)
{
	AstExpr *e = node(b, AST_BOOLEAN, pos);

	e->boolean = value;
	return e;
}

static bool
has_aggregate(const AstExpr *e, void *context)
{
	return e->kind == AST_CALL && (e->over != NULL || ast_has_aggregate(context, e));
}

/* One plain column of plain rows: what is asked of its values can be asked in its place. */
static bool
is_plain(Binder *b, const AstQuery *query)
{
	const AstSelect *s = query->body->kind == AST_BODY_SELECT ? query->body->select : NULL;

	return s != NULL && query->limit == NULL && query->offset == NULL && s->n_items == 1 && s->n_group_by == 0 && s->having == NULL &&
		   s->qualify == NULL && s->n_distinct_on == 0 && s->window == NULL && s->items[0].expr->kind != AST_STAR &&
		   s->items[0].expr->kind != AST_QUALIFIED_STAR && !ast_any(s->items[0].expr, has_aggregate, b) &&
		   !ast_has_table_function(b, s->items[0].expr);
}

/* (SELECT function(v) FROM (query) q(v)); arguments left out: COUNT(*). */
static AstExpr *
ask(Binder *b, const AstQuery *query, const char *function, bool is_star)
{
	AstQuery	  *around = arena_new(b->arena, AstQuery);
	AstBody		  *body = arena_new(b->arena, AstBody);
	AstSelect	  *select = arena_new(b->arena, AstSelect);
	AstSelectItem *item = arena_new(b->arena, AstSelectItem);
	AstExpr		  *call = node(b, AST_CALL, query->pos), *e = node(b, AST_QUERY_EXPR, query->pos);
	const AstExpr *value;

	if (is_plain(b, query)) {
		*around = *query;
		around->order_by = NULL;
		around->n_order_by = 0;
		*select = *query->body->select;
		select->is_distinct = false;
		value = select->items[0].expr;
	} else {
		AstRelation *from = arena_new(b->arena, AstRelation);
		AstIdent	*name = arena_new(b->arena, AstIdent);
		AstExpr		*column = node(b, AST_COLUMN, query->pos);

		*name = (AstIdent){.text = "value", .pos = query->pos};
		*from = (AstRelation){.kind = AST_RELATION_QUERY, .pos = query->pos, .query = (AstQuery *)query, .alias = {.text = "q", .pos = query->pos},
							  .column_aliases = name, .n_column_aliases = 1};
		column->name = *name;
		around->pos = select->pos = query->pos;
		select->from = from;
		value = column;
	}
	call->name = (AstIdent){.text = function, .pos = query->pos};
	call->is_star = is_star;
	if (!is_star) {
		call->args = arena_memdup(b->arena, &value, sizeof value);
		call->n_args = 1;
	}
	item->expr = call;
	item->pos = query->pos;
	select->items = item;
	select->n_items = 1;
	body->kind = AST_BODY_SELECT;
	body->pos = query->pos;
	body->select = select;
	around->body = body;
	e->query = around;
	return e;
}

static AstExpr *
find_match(Binder *b, AstOp op, const AstExpr *item, const AstExpr *e)
{
	AstExpr *match;

	switch (op) {
	case AST_OP_EQUAL:
		match = node(b, AST_IN_QUERY, e->pos);
		match->arg = (AstExpr *)item;
		match->query = e->query;
		match->boolean = true;
		return match;
	case AST_OP_NOT_EQUAL:
		return binary(b, AST_OP_OR, binary(b, op, item, ask(b, e->query, "MIN", false)), binary(b, op, item, ask(b, e->query, "MAX", false)));
	case AST_OP_LESS:
	case AST_OP_LESS_EQUAL:
		return binary(b, op, item, ask(b, e->query, "MAX", false));
	default:
		return binary(b, op, item, ask(b, e->query, "MIN", false));
	}
}

static AstOp
opposite(AstOp op)
{
	switch (op) {
	case AST_OP_EQUAL:
		return AST_OP_NOT_EQUAL;
	case AST_OP_NOT_EQUAL:
		return AST_OP_EQUAL;
	case AST_OP_LESS:
		return AST_OP_GREATER_EQUAL;
	case AST_OP_LESS_EQUAL:
		return AST_OP_GREATER;
	case AST_OP_GREATER:
		return AST_OP_LESS_EQUAL;
	default:
		return AST_OP_LESS;
	}
}

Status
bind_quantified(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder		  *b = eb->binder;
	bool		   is_in = e->kind == AST_IN_QUERY, negated = is_in ? e->is_negated : e->is_all;
	const AstExpr *item = is_in ? e->arg : e->left;
	AstOp		   op = is_in ? AST_OP_EQUAL : e->is_all ? opposite(e->op) : e->op;
	AstExpr		  *zero = node(b, AST_INTEGER, e->pos), *is_null = node(b, AST_IS_NULL, e->pos), *value = node(b, AST_CASE, e->pos);
	AstExpr		  *null = node(b, AST_CAST, e->pos), *count = ask(b, e->query, "COUNT", true);
	AstWhen		  *whens = arena_array(b->arena, AstWhen, 3);

	if (item->kind == AST_ROW) {
		error_user(err, "A row can be compared with the rows of a sub-query by IN only.");
		return error_at_pos(err, e->pos);
	}
	zero->text = "0";
	is_null->arg = (AstExpr *)item;
	null->arg = node(b, AST_NULL, e->pos);
	null->type = arena_new(b->arena, AstType);
	*null->type = (AstType){.kind = AST_TYPE_NAMED, .name = {.text = "BOOLEAN", .pos = e->pos}, .pos = e->pos};
	whens[0] = (AstWhen){find_match(b, op, item, e), boolean(b, true, e->pos)};
	whens[1] = (AstWhen){binary(b, AST_OP_EQUAL, count, zero), boolean(b, false, e->pos)};
	whens[2] = (AstWhen){binary(b, AST_OP_OR, is_null, binary(b, AST_OP_LESS, ask(b, e->query, "COUNT", false), count)), null};
	value->whens = whens;
	value->n_whens = 3;
	value->right = boolean(b, false, e->pos);
	if (negated) {
		AstExpr *not = node(b, AST_UNARY, e->pos);

		not->op = AST_OP_NOT;
		not->arg = value;
		value = not;
	}
	return bind_expr(eb, value, out, err);
}
