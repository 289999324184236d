/* ORDER BY: of a SELECT, of other queries, and of continuous ones. */
#include "planner/bind/select.h"

const AstQuery *
order_by_all(Binder *b, const AstQuery *query, int n)
{
	AstQuery	 *copy;
	AstOrderItem *items;

	if (query->n_order_by != 1 || query->order_by[0].expr->kind != AST_STAR)
		return query;
	copy = arena_memdup(b->arena, query, sizeof *query);
	items = arena_array(b->arena, AstOrderItem, n + 1);
	for (int i = 0; i < n; i++) {
		AstExpr *position = arena_memdup(b->arena, query->order_by[0].expr, sizeof *position);

		position->kind = AST_INTEGER;
		position->integer = i + 1;
		position->text = arena_printf(b->arena, "%d", i + 1);
		items[i] = query->order_by[0];
		items[i].expr = position;
	}
	copy->order_by = items;
	copy->n_order_by = n;
	return copy;
}

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
				if (sb->ast->is_distinct && sb->ast->n_distinct_on == 0) {
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

void
plan_select_order(SelectBinder *sb, const AstQuery *query, SelectList *list, SortKey *keys, int n_visible)
{
	Binder	 *b = sb->binder;
	Logical	 *node;
	SortSpec *spec = arena_new(b->arena, SortSpec);

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
	if (list->n > n_visible)
		sb->rows = keep_first_columns(b, sb->rows, n_visible);
}

/* ---- DISTINCT ON ---- */

Status
bind_distinct_on(SelectBinder *sb, SelectList *list, int n_visible, int **columns, Error *err)
{
	Binder			*b = sb->binder;
	const AstSelect *ast = sb->ast;
	ExprBinder		 eb = {.binder = b, .scope = sb->scope, .select = sb, .clause = CLAUSE_ORDER_BY};

	*columns = arena_array(b->arena, int, ast->n_distinct_on + 1);
	for (int i = 0; i < ast->n_distinct_on; i++) {
		const AstExpr *e = ast->distinct_on[i];
		Expr		  *expr;
		int			   at = -1;

		if (e->kind == AST_INTEGER && e->integer >= 1 && e->integer <= n_visible) {
			(*columns)[i] = (int)e->integer - 1;
			continue;
		}
		TRY(bind_expr(&eb, e, &expr, err));
		for (int j = 0; j < list->n && at < 0; j++)
			if (expr_equal(list->columns[j].expr, expr))
				at = j;
		if (at < 0) {
			at = list->n;
			select_list_add(list, (BoundColumn){.name = ast_text(b, sb->scope, e), .expr = expr, .ast = e, .pos = e->pos});
		}
		(*columns)[i] = at;
	}
	return OK;
}

void
plan_distinct_on(SelectBinder *sb, const AstQuery *query, const int *columns, const SortKey *keys, int first_key, int n_keys)
{
	Binder	*b = sb->binder;
	Logical *rows = sb->rows;
	int		 n = sb->ast->n_distinct_on, n_order = keys != NULL ? query->n_order_by : 0;
	Expr   **partition = arena_array(b->arena, Expr *, n + n_keys + 1);
	SortKey *order = arena_array(b->arena, SortKey, n_order + 1);

	for (int i = 0; i < n + n_keys; i++) {
		int at = i < n ? columns[i] : first_key + i - n;

		partition[i] = expr_column(b->arena, at, rows->columns[at].type, rows->columns[at].name);
	}
	for (int i = 0; i < n_order; i++) {
		int at = keys[i].expr->index;

		order[i] = keys[i];
		order[i].expr = expr_column(b->arena, at, rows->columns[at].type, rows->columns[at].name);
	}
	sb->rows = rows_by_number(b, rows, partition, n + n_keys, order, n_order, 0, 1);
}

Logical *
keep_first_columns(Binder *b, Logical *rows, int n)
{
	Expr	   **exprs = arena_array(b->arena, Expr *, n + 1);
	const char **names = arena_array(b->arena, const char *, n + 1);

	for (int i = 0; i < n; i++) {
		exprs[i] = expr_column(b->arena, i, rows->columns[i].type, rows->columns[i].name);
		names[i] = rows->columns[i].name;
	}
	return logical_project(b->arena, rows, exprs, names, n, 0);
}

/* ---- continuous ---- */

Status
plan_top_n(Binder *b, const AstQuery *query, const SortKey *keys, int n_key, Logical **rows, Error *err)
{
	TopNSpec *spec = arena_new(b->arena, TopNSpec);
	Logical	 *input = *rows, *node;

	if (query->limit == NULL) {
		error_user(err, "A continuous query has no end at which it could be sorted as a whole. Add LIMIT n to keep the first n rows up to date, "
						"or sort where the result is read.");
		return error_at_pos(err, query->order_by[0].pos);
	}
	if (!input->is_table && (b->depth > 0 || b->in_set > 0)) {
		error_user(err, "The first rows of a stream have no key, so a query around them cannot follow them. Make a table first: GROUP BY a key.");
		return error_at_pos(err, query->order_by[0].pos);
	}
	node = logical_new(b->arena, LOGICAL_TOP_N, input);
	spec->n_keys = query->n_order_by;
	spec->keys = keys;
	spec->n_rows = -1;
	spec->is_table = input->is_table;
	spec->n_key = input->is_table ? n_key : b->is_persistent ? n_key : input->n_columns;
	spec->is_windowed = input->window.kind != WINDOW_NONE;
	spec->is_session = input->window.kind == WINDOW_SESSION;
	spec->retention_ms = input->window.retention_ms;
	spec->n_columns = input->n_columns;
	node->is_table = true;
	node->n_key = spec->n_key;
	node->spec = spec;
	*rows = node;
	return OK;
}

Status
plan_order_by_columns(Binder *b, const AstQuery *query, Logical **plan, Error *err)
{
	SortSpec *spec = arena_new(b->arena, SortSpec);
	SortKey	 *keys;
	Scope	 *scope = scope_new(b->arena);
	Logical	 *node;

	query = order_by_all(b, query, (*plan)->n_columns);
	keys = arena_array(b->arena, SortKey, query->n_order_by);
	for (int i = 0; i < (*plan)->n_columns; i++)
		scope_add(b->arena, scope, (ScopeColumn){.name = (*plan)->columns[i].name, .type = (*plan)->columns[i].type, .index = i});
	for (int i = 0; i < query->n_order_by; i++) {
		const AstOrderItem *item = &query->order_by[i];
		ExprBinder			eb = {.binder = b, .scope = scope, .clause = CLAUSE_ORDER_BY};
		Expr			   *key;

		if (item->expr->kind == AST_INTEGER) {
			int at = (int)item->expr->integer - 1;

			if (at < 0 || at >= (*plan)->n_columns) {
				error_user(err, "ORDER BY position %s is not in the select list (it has %d items).", item->expr->text,
						   (*plan)->n_columns);
				return error_at_pos(err, item->pos);
			}
			key = expr_column(b->arena, at, (*plan)->columns[at].type, (*plan)->columns[at].name);
		} else
			TRY(bind_expr(&eb, item->expr, &key, err));
		keys[i] = (SortKey){key, item->is_descending,
							item->nulls == AST_NULLS_FIRST || (item->nulls == AST_NULLS_DEFAULT && item->is_descending)};
	}
	if (!b->is_bounded)
		return plan_top_n(b, query, keys, (*plan)->is_table ? (*plan)->n_key : (*plan)->n_columns, plan, err);
	spec->n_keys = query->n_order_by;
	spec->keys = keys;
	spec->n_rows = -1;
	spec->ksqldb_order = !b->standard;
	node = logical_new(b->arena, LOGICAL_SORT, *plan);
	node->spec = spec;
	*plan = node;
	return OK;
}
