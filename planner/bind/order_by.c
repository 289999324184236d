/* ORDER BY of a SELECT. */
#include "planner/bind/select.h"

/* Finds or adds the projected column that sorts. */
Status
bind_select_order(SelectBinder *sb, const AstQuery *query, SelectList *list, SortKey **keys, int *n_visible, Error *err)
{
	Binder	  *b = sb->binder;
	ExprBinder eb = {.binder = b, .scope = sb->scope, .select = sb, .clause = CLAUSE_ORDER_BY};

	*n_visible = list->n;
	*keys = arena_array(b->arena, SortKey, query->n_order_by + 1);
	for (int i = 0; i < query->n_order_by; i++) {
		const AstOrderItem *item = &query->order_by[i];
		const AstExpr	   *e = item->expr;
		int					at = -1;

		if (e->kind == AST_INTEGER && !e->has_parens) {
			if (e->integer < 1 || e->integer > *n_visible) {
				error_user(err, "ORDER BY position %s is not in the select list (it has %d items).", e->text, *n_visible);
				return error_at_pos(err, e->pos);
			}
			at = (int)e->integer - 1;
		} else if (e->kind == AST_COLUMN && e->qualifier.text == NULL) {
			const char *name = bind_name(b->context, e->name);

			for (int pass = 0; pass < 2 && at < 0; pass++)
				for (int j = 0; j < *n_visible && at < 0; j++)
					if (name_matches(b->standard, list->columns[j].name, name, pass == 0))
						at = j;
		}
		if (at < 0) {
			Expr *expr;

			TRY(bind_expr(&eb, e, &expr, err));
			for (int j = 0; j < list->n && at < 0; j++)
				if (expr_equal(list->columns[j].expr, expr))
					at = j;
			if (at < 0) {
				if (sb->ast->is_distinct) {
					error_user(err, "ORDER BY of SELECT DISTINCT must be in the select list.");
					return error_at_pos(err, e->pos);
				}
				at = list->n;
				select_list_add(list, (BoundColumn){.name = ast_text(b, sb->scope, e), .expr = expr, .ast = e, .pos = e->pos});
			}
		}
		(*keys)[i].descending = item->is_descending;
		(*keys)[i].nulls_first = item->nulls == AST_NULLS_FIRST || (item->nulls == AST_NULLS_DEFAULT && item->is_descending);
		(*keys)[i].expr = expr_column(b->arena, at, NULL, NULL);
	}
	return OK;
}

Status
plan_select_order(SelectBinder *sb, const AstQuery *query, SelectList *list, SortKey *keys, int n_visible, Error *err)
{
	Binder	 *b = sb->binder;
	Logical	 *node;
	SortSpec *spec = arena_new(b->arena, SortSpec);

	if (!b->is_bounded) {
		error_user(err, "ORDER BY needs input that ends: a continuous query cannot be sorted.");
		return error_at_pos(err, query->order_by[0].pos);
	}
	for (int i = 0; i < query->n_order_by; i++) {
		int at = keys[i].expr->index;

		keys[i].expr = expr_column(b->arena, at, list->columns[at].expr->type, list->columns[at].name);
	}
	spec->n_keys = query->n_order_by;
	spec->keys = keys;
	spec->n_rows = -1;
	spec->ksqldb_order = !b->standard;
	node = logical_new(b->arena, LOGICAL_SORT, sb->rows);
	node->spec = spec;
	sb->rows = node;
	if (list->n > n_visible) {
		Expr	   **exprs = arena_array(b->arena, Expr *, n_visible);
		const char **names = arena_array(b->arena, const char *, n_visible);

		for (int i = 0; i < n_visible; i++) {
			exprs[i] = expr_column(b->arena, i, list->columns[i].expr->type, list->columns[i].name);
			names[i] = list->columns[i].name;
		}
		sb->rows = logical_project(b->arena, sb->rows, exprs, names, n_visible, 0);
	}
	return OK;
}
