/*
 * What ksqlDB refuses while it reads a statement, before it looks for a source, a column or a type: these sentences win
 * over those of the later checks.
 */
#include "parser/ast_print.h"
#include "planner/bind/bind.h"

typedef struct Early {
	Binder	   *binder;
	int			n_names;
	int			capacity;
	const char **names;			/* aliases of the sources */
	const AstExpr *unknown;		/* the first column of something else */
} Early;

/* False if the FROM clause has more than sources and joins: what their columns may be called is not known yet. */
static bool
note_sources(Early *early, const AstRelation *r)
{
	if (r->kind == AST_RELATION_JOIN)
		return note_sources(early, r->left) && note_sources(early, r->right);
	if (r->kind != AST_RELATION_SOURCE)
		return false;
	arena_grow(early->binder->arena, early->names, early->n_names, early->capacity);
	early->names[early->n_names++] = bind_name(early->binder->context, r->alias.text != NULL ? r->alias : r->name);
	return true;
}

static bool
is_unknown(const AstExpr *e, void *context)
{
	Early	   *early = context;
	const char *name;

	if ((e->kind != AST_COLUMN && e->kind != AST_QUALIFIED_STAR) || e->qualifier.text == NULL)
		return false;
	name = bind_name(early->binder->context, e->qualifier);
	for (int i = 0; i < early->n_names; i++)
		if (strcmp(early->names[i], name) == 0)
			return false;
	early->unknown = e;
	return true;
}

static bool
any_unknown_on(Early *early, const AstRelation *r)
{
	return r->kind == AST_RELATION_JOIN && (any_unknown_on(early, r->left) || any_unknown_on(early, r->right) ||
											ast_any(r->on, is_unknown, early));
}

static bool
any_unknown(Early *early, const AstSelect *select)
{
	if (any_unknown_on(early, select->from) || ast_any(select->where, is_unknown, early))
		return true;
	for (int i = 0; i < select->n_group_by; i++)
		if (ast_any(select->group_by[i]->expr, is_unknown, early))
			return true;
	for (int i = 0; i < select->n_partition_by; i++)
		if (ast_any(select->partition_by[i], is_unknown, early))
			return true;
	if (ast_any(select->having, is_unknown, early))
		return true;
	for (int i = 0; i < select->n_items; i++)
		if (ast_any(select->items[i].expr, is_unknown, early))
			return true;
	return false;
}

static Status
check_partition_by(Binder *b, const AstSelect *select, Error *err)
{
	for (int i = 0; i < select->n_partition_by; i++)
		for (int j = 0; j < i; j++)
			if (ast_expr_equal(select->partition_by[i], select->partition_by[j])) {
				error_user(err, "Failed to prepare statement: Duplicate PARTITION BY expression: %s",
						   ast_text(b, NULL, select->partition_by[i]));
				return error_at_pos(err, select->partition_by[i]->pos);
			}
	return OK;
}

Status
check_early(Binder *b, const AstSelect *select, Error *err)
{
	Early early = {.binder = b};

	for (int i = 0; i < select->n_group_by; i++)
		if (select->group_by[i]->kind == AST_GROUP_TUPLE && select->group_by[i]->n_items == 0) {
			error_user(err, "Failed to prepare statement: GROUP BY requires at least one expression");
			return error_at_pos(err, select->group_by[i]->pos);
		}
	TRY(check_partition_by(b, select, err));
	if (select->from != NULL && note_sources(&early, select->from) && any_unknown(&early, select)) {
		error_user(err, "Failed to prepare statement: '%s' is not a valid stream/table name or alias.",
				   bind_name(b->context, early.unknown->qualifier));
		return error_at_pos(err, early.unknown->qualifier.pos);
	}
	return OK;
}
