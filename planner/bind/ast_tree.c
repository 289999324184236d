/* Walking the syntax tree of an expression: a node that passes a test, and copies with nodes replaced.  Sub-queries are not entered. */
#include "planner/bind/bind.h"

static const AstExpr *
find_in_list(AstExpr *const *list, int n, AstTest test, void *context)
{
	const AstExpr *found = NULL;

	for (int i = 0; i < n && found == NULL; i++)
		found = ast_find(list[i], test, context);
	return found;
}

static const AstExpr *
find_in_order(const AstOrderItem *items, int n, AstTest test, void *context)
{
	const AstExpr *found = NULL;

	for (int i = 0; i < n && found == NULL; i++)
		found = ast_find(items[i].expr, test, context);
	return found;
}

const AstExpr *
ast_find(const AstExpr *e, AstTest test, void *context)
{
	const AstExpr *found;

	if (e == NULL)
		return NULL;
	if (test(e, context))
		return e;
	if ((found = ast_find(e->arg, test, context)) != NULL || (found = ast_find(e->left, test, context)) != NULL ||
		(found = ast_find(e->right, test, context)) != NULL || (found = ast_find(e->filter, test, context)) != NULL ||
		(found = find_in_list(e->args, e->n_args, test, context)) != NULL ||
		(found = find_in_order(e->order_by, e->n_order_by, test, context)) != NULL)
		return found;
	for (int i = 0; i < e->n_whens && found == NULL; i++)
		if ((found = ast_find(e->whens[i].condition, test, context)) == NULL)
			found = ast_find(e->whens[i].result, test, context);
	for (int i = 0; i < e->n_entries && found == NULL; i++)
		if ((found = ast_find(e->entries[i].key, test, context)) == NULL)
			found = ast_find(e->entries[i].value, test, context);
	for (int i = 0; i < e->n_fields && found == NULL; i++)
		found = ast_find(e->fields[i].value, test, context);
	if (found == NULL && e->over != NULL && (found = find_in_list(e->over->partition_by, e->over->n_partition_by, test, context)) == NULL)
		found = find_in_order(e->over->order_by, e->over->n_order_by, test, context);
	return found;
}

bool
ast_any(const AstExpr *e, AstTest test, void *context)
{
	return ast_find(e, test, context) != NULL;
}

typedef struct Transform {
	Arena	*arena;
	AstVisit visit;
	void	*context;
} Transform;

static AstExpr *transform(const Transform *t, const AstExpr *e);

static AstExpr **
transform_list(const Transform *t, AstExpr *const *list, int n)
{
	AstExpr **out = arena_array(t->arena, AstExpr *, n + 1);

	for (int i = 0; i < n; i++)
		out[i] = transform(t, list[i]);
	return out;
}

static AstOrderItem *
transform_order(const Transform *t, const AstOrderItem *items, int n)
{
	AstOrderItem *out = arena_array(t->arena, AstOrderItem, n + 1);

	for (int i = 0; i < n; i++) {
		out[i] = items[i];
		out[i].expr = transform(t, items[i].expr);
	}
	return out;
}

static AstOver *
transform_over(const Transform *t, const AstOver *over)
{
	AstOver *out = arena_memdup(t->arena, over, sizeof *over);

	out->partition_by = transform_list(t, over->partition_by, over->n_partition_by);
	out->order_by = transform_order(t, over->order_by, over->n_order_by);
	out->start.offset = transform(t, over->start.offset);
	out->end.offset = transform(t, over->end.offset);
	return out;
}

static void
transform_pairs(const Transform *t, AstExpr *out)
{
	AstWhen		   *whens = arena_array(t->arena, AstWhen, out->n_whens + 1);
	AstMapEntry	   *entries = arena_array(t->arena, AstMapEntry, out->n_entries + 1);
	AstStructField *fields = arena_array(t->arena, AstStructField, out->n_fields + 1);

	for (int i = 0; i < out->n_whens; i++)
		whens[i] = (AstWhen){transform(t, out->whens[i].condition), transform(t, out->whens[i].result)};
	for (int i = 0; i < out->n_entries; i++)
		entries[i] = (AstMapEntry){transform(t, out->entries[i].key), transform(t, out->entries[i].value)};
	for (int i = 0; i < out->n_fields; i++)
		fields[i] = (AstStructField){out->fields[i].name, transform(t, out->fields[i].value)};
	out->whens = whens;
	out->entries = entries;
	out->fields = fields;
}

static AstExpr *
transform(const Transform *t, const AstExpr *e)
{
	AstExpr *out;

	if (e == NULL)
		return NULL;
	out = t->visit(e, t->context);
	if (out != NULL)
		return out;
	out = arena_memdup(t->arena, e, sizeof *e);
	out->arg = transform(t, e->arg);
	out->left = transform(t, e->left);
	out->right = transform(t, e->right);
	out->filter = transform(t, e->filter);
	out->args = transform_list(t, e->args, e->n_args);
	out->order_by = transform_order(t, e->order_by, e->n_order_by);
	transform_pairs(t, out);
	if (e->over != NULL)
		out->over = transform_over(t, e->over);
	return out;
}

AstExpr *
ast_transform(Arena *arena, const AstExpr *e, AstVisit visit, void *context)
{
	Transform t = {arena, visit, context};

	return transform(&t, e);
}

/* ---- making nodes ---- */

AstExpr *
ast_column(Arena *arena, const char *qualifier, const char *name, AstPos pos)
{
	AstExpr *e = arena_new(arena, AstExpr);

	e->kind = AST_COLUMN;
	e->pos = pos;
	e->qualifier = (AstIdent){.text = qualifier, .is_quoted = true, .pos = pos};
	e->name = (AstIdent){.text = name, .is_quoted = true, .pos = pos};
	e->text = name;
	return e;
}

AstExpr *
ast_string(Arena *arena, const char *text, AstPos pos)
{
	AstExpr *e = arena_new(arena, AstExpr);

	e->kind = AST_STRING;
	e->pos = pos;
	e->text = text;
	return e;
}

AstExpr *
ast_binary(Arena *arena, AstOp op, AstExpr *left, AstExpr *right)
{
	AstExpr *e = arena_new(arena, AstExpr);

	e->kind = AST_BINARY;
	e->op = op;
	e->pos = left->pos;
	e->left = left;
	e->right = right;
	return e;
}

AstExpr *
ast_call(Arena *arena, const char *function, AstExpr *arg, AstPos pos)
{
	AstExpr *e = arena_new(arena, AstExpr);

	e->kind = AST_CALL;
	e->pos = pos;
	e->name = (AstIdent){.text = function, .pos = pos};
	e->is_star = arg == NULL;
	e->args = arena_array(arena, AstExpr *, 1);
	e->n_args = arg != NULL;
	e->args[0] = arg;
	return e;
}

AstExpr *
ast_cast_text(Arena *arena, AstExpr *arg)
{
	AstExpr *e = arena_new(arena, AstExpr);

	e->kind = AST_CAST;
	e->pos = arg->pos;
	e->arg = arg;
	e->type = arena_new(arena, AstType);
	e->type->name = (AstIdent){.text = "STRING", .pos = arg->pos};
	e->type->pos = arg->pos;
	return e;
}

AstQuery *
ast_query_of_select(Arena *arena, AstSelect *select)
{
	AstQuery *query = arena_new(arena, AstQuery);

	query->body = arena_new(arena, AstBody);
	query->body->kind = AST_BODY_SELECT;
	query->body->select = select;
	query->pos = query->body->pos = select->pos;
	return query;
}

AstRelation *
ast_relation_of_query(Arena *arena, AstQuery *query, const char *alias)
{
	AstRelation *relation = arena_new(arena, AstRelation);

	relation->kind = AST_RELATION_QUERY;
	relation->query = query;
	relation->pos = query->pos;
	relation->alias = (AstIdent){.text = alias, .is_quoted = alias != NULL, .pos = query->pos};
	return relation;
}
