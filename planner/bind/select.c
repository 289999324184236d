/* One SELECT: clauses in their order of meaning. */
#include "planner/bind/select.h"

/* ---- table functions ---- */

typedef struct FunctionPlacement {
	Arena *arena;
	int	   first;
} FunctionPlacement;

static Expr *
place_function(const Expr *e, void *context)
{
	FunctionPlacement *p = context;

	if (e->kind == EXPR_COLUMN && ref_kind(e->index) == REF_TABLE_FUNCTION)
		return expr_column(p->arena, p->first + (e->index & REF_INDEX), e->type, e->name);
	return NULL;
}

static Status
plan_table_functions(SelectBinder *sb, SelectList *list, Error *err)
{
	Binder			 *b = sb->binder;
	Logical			 *input = sb->rows, *node;
	FlatMapSpec		 *spec = arena_new(b->arena, FlatMapSpec);
	Column			 *columns;
	FunctionPlacement p = {b->arena, input->n_columns};

	if (sb->n_functions == 0)
		return OK;
	if (input->is_table && !b->is_bounded)
		return error_user(err, "Table source is not supported with table functions");
	if (b->is_pull)
		return error_user(err, "Pull queries don't support table functions. See https://cnfl.io/queries for more info.");
	node = logical_new(b->arena, LOGICAL_FLAT_MAP, input);
	columns = arena_array(b->arena, Column, input->n_columns + sb->n_functions);
	memcpy(columns, input->columns, sizeof *columns * (size_t)input->n_columns);
	for (int i = 0; i < sb->n_functions; i++)
		columns[input->n_columns + i] = (Column){sb->functions[i].function->name, sb->functions[i].type};
	spec->n_items = sb->n_functions;
	spec->items = sb->functions;
	node->n_columns = input->n_columns + sb->n_functions;
	node->columns = columns;
	node->spec = spec;
	sb->rows = node;
	for (int i = 0; i < list->n; i++)
		list->columns[i].expr = expr_transform(b->arena, list->columns[i].expr, place_function, &p);
	return OK;
}

/* ---- the whole ---- */

static Status
check_pull(SelectBinder *sb, const AstQuery *query, Error *err)
{
	const AstSelect *ast = sb->ast;
	const char		*what = NULL;

	(void)query;
	if (ast->from != NULL && ast->from->kind == AST_RELATION_JOIN)
		what = "JOIN clauses";
	else if (ast->window != NULL)
		what = "WINDOW clauses";
	else if (ast->n_group_by > 0)
		what = "GROUP BY clauses";
	else if (ast->n_partition_by > 0)
		what = "PARTITION BY clauses";
	else if (ast->having != NULL)
		what = "HAVING clauses";
	if (what == NULL)
		return OK;
	return error_user(err, "Pull queries don't support %s. See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended "
						   "to issue a push query.",
					  what);
}

Logical *
logical_one_row(Binder *b)
{
	Logical		*node = logical_new(b->arena, LOGICAL_SCAN, NULL);
	LogicalScan *scan = arena_new(b->arena, LogicalScan);
	Column		*column = arena_new(b->arena, Column);
	Value		*value = arena_new(b->arena, Value);

	*column = (Column){"DUMMY", type_integer};
	*value = value_integer(type_integer, 0);
	scan->name = "values";
	scan->values = value;
	scan->n_values = 1;
	scan->columns = arena_new(b->arena, ScanColumn);
	node->n_columns = 1;
	node->columns = column;
	node->spec = scan;
	node->estimated_rows = 1;
	return node;
}

static bool
is_subquery_value(const Expr *e, void *context)
{
	(void)context;
	return e->kind == EXPR_COLUMN && ref_kind(e->index) == REF_SUBQUERY;
}

/* An outer column where conditions of the join cannot reach it. */
static Status
want_domain(BoundSubquery *correlated, const AstExpr *e, Error *err)
{
	if (correlated != NULL && correlated->domain != NULL && !correlated->domain->is_active) {
		correlated->domain->is_wanted = true;
		return OK;
	}
	error_unsupported(err, "This sub-query cannot use columns of the query around it.");
	return error_at_pos(err, e->pos);
}

/* Conditions that are tests of a sub-query become SEMI and ANTI joins above the filter of the others. */
static Status
plan_where(SelectBinder *sb, BoundSubquery *correlated, Error *err)
{
	Binder		   *b = sb->binder;
	ExprBinder		eb = {.binder = b, .scope = sb->scope, .select = sb, .clause = CLAUSE_WHERE};
	AstConjuncts	asts = {0};
	const AstExpr  *where;
	Expr		  **list = NULL, **conditions;
	BoundSubquery **semis;
	int				n = 0, n_semis = 0;

	if (!b->standard) {
		Expr *condition;

		if (bind_condition(&eb, sb->ast->where, &condition, err) != OK)
			return select_context(b, CLAUSE_WHERE, err);
		sb->rows = logical_filter(b->arena, sb->rows, condition);
		return OK;
	}
	TRY(condition_of_columns(sb, sb->ast->where, &where, err));
	ast_conjuncts(b->arena, where, &asts);
	conditions = arena_array(b->arena, Expr *, asts.n);
	semis = arena_array(b->arena, BoundSubquery *, asts.n);
	for (int i = 0; i < asts.n; i++) {
		Expr *condition;
		int	  m = 0, capacity = 0;

		TRY(bind_semi_join(&eb, asts.items[i], &semis[n_semis], err));
		if (semis[n_semis] != NULL) {
			for (int k = 0; k < semis[n_semis]->n_keys; k++)
				if (expr_has_outer(semis[n_semis]->left_keys[k]))
					TRY(want_domain(correlated, asts.items[i], err));
			n_semis++;
			continue;
		}
		TRY(bind_condition(&eb, asts.items[i], &condition, err));
		list = NULL;
		expr_conjuncts(b->arena, condition, &list, &m, &capacity);
		if (!expr_has_outer(condition)) {
			conditions[n++] = condition;
			continue;
		}
		if (correlated == NULL || expr_any(condition, is_subquery_value, NULL))
			TRY(want_domain(correlated, asts.items[i], err));
		for (int k = 0; k < m; k++)
			if (expr_has_outer(list[k]))
				TRY(subquery_correlate(sb, correlated, list[k], err));
			else
				sb->rows = logical_filter(b->arena, sb->rows, list[k]);
	}
	TRY(join_subqueries(sb, true, err));
	if (n > 0)
		sb->rows = logical_filter(b->arena, sb->rows, place_subqueries(sb, expr_and(b->arena, conditions, n, b->standard)));
	for (int i = 0; i < n_semis; i++)
		TRY(join_test(sb, semis[i], sb->ast->where->pos, err));
	return OK;
}

/* ---- correlated sub-queries: what the join needs behind the visible columns ---- */

typedef struct InnerColumns {
	SelectList *list;
	int			first;
} InnerColumns;

static Expr *
place_inner(const Expr *e, void *context)
{
	InnerColumns *inner = context;
	SelectList	 *list = inner->list;
	Arena		 *arena = list->sb->binder->arena;

	if (e->kind != EXPR_COLUMN || ref_kind(e->index) == REF_OUTER)
		return NULL;
	for (int i = inner->first; i < list->n; i++)
		if (expr_equal(list->columns[i].expr, e))
			return expr_column(arena, i, e->type, e->name);
	select_list_add(list, (BoundColumn){.name = e->name, .expr = (Expr *)e, .ast = NULL});
	return expr_column(arena, list->n - 1, e->type, e->name);
}

static bool
is_null_when_empty(const AstExpr *e)
{
	static const char *const names[] = {"SUM", "MIN", "MAX", "AVG"};

	if (e->kind == AST_CAST)
		return is_null_when_empty(e->arg);
	if (e->kind == AST_BINARY && e->op >= AST_OP_ADD && e->op <= AST_OP_MODULO)
		return is_null_when_empty(e->left) || is_null_when_empty(e->right);
	for (size_t i = 0; i < sizeof names / sizeof names[0] && e->kind == AST_CALL && e->over == NULL; i++)
		if (str_equal_nocase(str_of(e->name.text), str_of(names[i])))
			return true;
	return false;
}

/*
 * Grouped by its keys, a sub-query gives no row where it finds none, but an aggregate of nothing is a row: the join makes NULL of it, and
 * zero of a COUNT.  Anything else needs the domain.
 */
static bool
empty_is_known(const SelectBinder *sb, const BoundSubquery *sub)
{
	const AstSelect *ast = sb->ast;
	const AstExpr	*e = ast->n_items == 1 ? ast->items[0].expr : NULL;

	if (sub->is_mark || e == NULL || ast->having != NULL)
		return false;
	return is_null_when_empty(e) || (e->kind == AST_CALL && e->over == NULL && str_equal_nocase(str_of(e->name.text), STR("COUNT")));
}

static void
add_correlated(SelectBinder *sb, SelectList *list, BoundSubquery *sub, bool is_aggregate, const AstQuery *query)
{
	Binder	   *b = sb->binder;
	int			n_visible = list->n;
	InnerColumns inner = {list, n_visible};

	if (sub == NULL || (sub->n_keys == 0 && sub->residual == NULL))
		return;
	if (!domain_is_active(sub) && sub->domain != NULL &&
		(((query->limit != NULL || query->offset != NULL) && !sub->is_exists) || query->n_order_by > 0 || sb->n_overs > 0 ||
		 (is_aggregate && (sub->residual != NULL || sb->ast->n_group_by > 0 || !empty_is_known(sb, sub)))))
		sub->domain->is_wanted = true;
	for (int i = 0; i < sub->n_keys; i++) {
		select_list_add(list, (BoundColumn){.name = arena_printf(b->arena, "KEY %d", i + 1), .expr = sub->right_keys[i], .ast = NULL});
		sub->right_keys[i] = expr_column(b->arena, list->n - 1, sub->right_keys[i]->type, "KEY");
	}
	if (sub->residual != NULL)
		sub->residual = expr_transform(b->arena, sub->residual, place_inner, &inner);
	sub->n_hidden = list->n - n_visible;
}

static Status
bind_from(SelectBinder *sb, SelectBinder *outer, Error *err)
{
	Binder			*b = sb->binder;
	const AstSelect *ast = sb->ast;

	if (ast->from == NULL) {
		if (!b->is_bounded)
			return error_user(err, "A continuous query needs a FROM clause.");
		sb->rows = logical_one_row(b);
		return OK;
	}
	TRY(bind_relation(b, ast->from, outer, &sb->rows, sb->scope, err));
	return ast->sample != NULL ? plan_sample(b, ast->sample, &sb->rows, err) : OK;
}

/* Sub-queries inside of aggregates have been joined below the aggregation. */
static void
place_early(SelectBinder *sb, SelectList *list)
{
	Arena *arena = sb->binder->arena;

	if (sb->n_subqueries == 0)
		return;
	for (int i = 0; i < sb->n_items; i++) {
		const Expr **args = arena_array(arena, const Expr *, sb->items[i].n_args + 1);

		for (int k = 0; k < sb->items[i].n_args; k++)
			args[k] = place_subqueries(sb, sb->items[i].args[k]);
		sb->items[i].args = args;
		if (sb->items[i].filter != NULL)
			sb->items[i].filter = place_subqueries(sb, sb->items[i].filter);
	}
	for (int i = 0; i < list->n; i++)
		list->columns[i].expr = place_subqueries(sb, list->columns[i].expr);
}

/* SELECT DISTINCT in windows: rows that are equal within a window, which is GROUP BY of all columns. */
static const AstSelect *
distinct_as_group(Binder *b, const AstSelect *ast)
{
	AstSelect	 *grouped;
	AstGrouping	 *all;
	AstGrouping **list;

	if (!b->standard || !ast->is_distinct || ast->window == NULL || ast->n_group_by > 0 || ast->n_distinct_on > 0)
		return ast;
	for (int i = 0; i < ast->n_items; i++)
		if (ast_has_aggregate(b, ast->items[i].expr))
			return ast;
	grouped = arena_memdup(b->arena, ast, sizeof *ast);
	all = arena_new(b->arena, AstGrouping);
	list = arena_array(b->arena, AstGrouping *, 1);
	all->kind = AST_GROUP_ALL;
	all->pos = ast->pos;
	list[0] = all;
	grouped->group_by = list;
	grouped->n_group_by = 1;
	grouped->is_distinct = false;
	return grouped;
}

Status
bind_select(Binder *b, const AstQuery *query, const AstSelect *ast, SelectBinder *outer, BoundSubquery *correlated, Logical **out,
			Error *err)
{
	SelectBinder sb = {.binder = b, .ast = ast, .scope = scope_new(b->arena)};
	SelectList	 list = {.sb = &sb};
	Expr		*having = NULL;
	SortKey		*sort_keys = NULL;
	int			*on_columns = NULL;
	int			 n_visible, n_selected, n_key = 0;
	const char **names;
	Expr	   **exprs;
	bool		 is_aggregate;

	ast = sb.ast = subqueries_of_on(b, distinct_as_group(b, ast));
	sb.scope->parent = outer;
	sb.scope->domain = correlated != NULL ? correlated->domain : NULL;
	sb.ctes = b->ctes;
	if (!b->standard && outer == NULL)
		TRY(check_early(b, ast, err));
	if (b->is_pull && b->depth == 0)
		TRY(check_pull(&sb, query, err));
	TRY(bind_from(&sb, outer, err));
	if (domain_is_active(correlated))
		TRY(domain_join(&sb, correlated, err));
	if (sb.scope->domain != NULL)
		domain_match_derived(&sb, sb.scope->domain);
	if (ast->window != NULL) {
		sb.has_window = true;
		TRY(bind_window(b, ast->window, query->emit == AST_EMIT_FINAL, &sb.window, err));
	}
	if (query->emit == AST_EMIT_FINAL && !settings_bool(b->context->settings, "ksql.suppress.enabled"))
		return error_user(err, "Suppression is currently disabled. You can enable it by setting ksql.suppress.enabled to true");
	if (b->is_pull && b->depth == 0 && ast->from != NULL)
		TRY(check_pull_where(&sb, ast->where, err));
	if (ast->where != NULL) {
		TRY(plan_where(&sb, correlated, err));
	}
	TRY(bind_select_items(&list, err));
	sb.aliases = list.columns;
	sb.n_aliases = list.n;
	if (ast->having != NULL) {
		ExprBinder eb = {.binder = b, .scope = sb.scope, .select = &sb, .clause = CLAUSE_HAVING};

		if (bind_condition(&eb, ast->having, &having, err) != OK)
			return select_context(b, CLAUSE_HAVING, err);
	}
	if (ast->qualify != NULL) {
		ExprBinder eb = {.binder = b, .scope = sb.scope, .select = &sb, .clause = CLAUSE_QUALIFY};

		TRY(bind_condition(&eb, ast->qualify, &sb.qualify, err));
	}
	n_selected = n_visible = list.n;
	query = order_by_all(b, query, list.n);
	if (query->n_order_by > 0 && ast->n_partition_by == 0)
		TRY(bind_select_order(&sb, query, &list, &sort_keys, &n_visible, err));
	if (ast->n_distinct_on > 0) {
		if (!b->is_bounded) {
			error_unsupported(err, "DISTINCT ON is not kept up to date in a continuous query. Use GROUP BY with LATEST_BY_OFFSET or EARLIEST_BY_OFFSET.");
			return error_at_pos(err, ast->pos);
		}
		TRY(bind_distinct_on(&sb, &list, n_selected, &on_columns, err));
	}
	if (ast->n_partition_by > 0) {
		TRY(plan_partition_by(&sb, &list, err));
		n_visible = list.n;
	}
	is_aggregate = ast->n_group_by > 0 || sb.n_items > 0 || (sb.has_window && b->standard);
	if (correlated != NULL && correlated->n_keys > 0 && is_aggregate) {
		sb.extra_keys = arena_memdup(b->arena, correlated->right_keys, sizeof *sb.extra_keys * (size_t)correlated->n_keys);
		sb.n_extra_keys = correlated->n_keys;
	}
	if (correlated != NULL) {
		int n_sorted = list.n;

		add_correlated(&sb, &list, correlated, is_aggregate, query);
		/* It will be bound again, with a domain, or with more columns in it. */
		if (correlated->domain != NULL && correlated->domain->is_wanted)
			return error_unsupported(err, "This sub-query cannot use columns of the query around it: by equality in its WHERE only.");
		if (n_sorted == n_visible)
			n_visible = list.n;
	}
	if (is_aggregate) {
		TRY(join_subqueries(&sb, true, err));
		place_early(&sb, &list);
		if (domain_is_active(correlated) && ast->n_group_by == 0 && !sb.has_window)
			TRY(domain_keep_empty(&sb, correlated, err));
		if (sb.n_functions > 0)
			return error_user(err, "Table functions cannot be used with aggregations.");
		TRY(plan_aggregate(&sb, query, list.columns, list.n, &having, err));
		TRY(join_subqueries(&sb, false, err));
		if (having != NULL)
			sb.rows = logical_filter(b->arena, sb.rows, place_subqueries(&sb, having));
	} else {
		if (sb.has_window)
			return error_user(err, "WINDOW clause requires a GROUP BY clause.");
		if (query->emit == AST_EMIT_FINAL)
			return error_user(err, "EMIT FINAL is only supported for windowed aggregations.");
		if (having != NULL && b->standard) {
			error_user(err, "HAVING needs GROUP BY or an aggregate. Use WHERE to filter rows.");
			return error_at_pos(err, ast->having->pos);
		}
	}
	if (!b->standard && b->is_persistent && b->depth == 0 && sb.rows->is_table && sb.rows->window.kind != WINDOW_NONE && !is_aggregate)
		return error_user(err, "KSQL does not support persistent queries on windowed tables.");
	TRY(join_subqueries(&sb, false, err));
	for (int i = 0; i < list.n; i++)
		list.columns[i].expr = place_subqueries(&sb, list.columns[i].expr);
	TRY(plan_table_functions(&sb, &list, err));
	place_subqueries_in_overs(&sb);
	TRY(plan_overs(&sb, err));
	for (int i = 0; i < list.n; i++)
		list.columns[i].expr = place_overs(&sb, list.columns[i].expr);
	if (sb.qualify != NULL)
		sb.rows = logical_filter(b->arena, sb.rows, place_overs(&sb, place_subqueries(&sb, sb.qualify)));
	TRY(check_select_names(&sb, &list, n_visible, err));
	for (int i = 0; i < list.n; i++)
		if (expr_has_outer(list.columns[i].expr)) {
			error_unsupported(err, "A sub-query can use columns of the query around it in WHERE only.");
			return error_at_pos(err, list.columns[i].pos);
		}
	if (!b->is_bounded) {
		TRY(plan_continuous_result(&sb, query, &list, sort_keys, n_visible, correlated, err));
		*out = sb.rows;
		return OK;
	}
	n_key = visible_result_keys(&sb, &list, n_visible);
	exprs = arena_array(b->arena, Expr *, list.n + 1);
	names = arena_array(b->arena, const char *, list.n + 1);
	for (int i = 0; i < list.n; i++) {
		exprs[i] = list.columns[i].expr;
		names[i] = list.columns[i].name;
	}
	if (b->is_pull && b->depth == 0 && sb.rows->is_table)
		mark_pull_keys(&sb, &list);
	sb.rows = logical_project(b->arena, sb.rows, exprs, names, list.n, n_key);
	/* Clients are not shown a stream's rows without a value. */
	if (b->depth == 0 && !sb.rows->is_table)
		((ProjectSpec *)sb.rows->spec)->drops_null_values = true;
	if (ast->n_distinct_on > 0) {
		int n_keys = domain_is_active(correlated) ? correlated->n_keys : 0;

		plan_distinct_on(&sb, query, on_columns, sort_keys, list.n - n_keys, n_keys);
	} else if (ast->is_distinct) {
		Logical		 *node = logical_new(b->arena, LOGICAL_DISTINCT, sb.rows);
		DistinctSpec *spec = arena_new(b->arena, DistinctSpec);

		spec->n_columns = list.n;
		node->spec = spec;
		sb.rows = node;
	}
	if (domain_is_active(correlated)) {
		TRY(domain_finish(&sb, query, correlated, sort_keys, n_selected, list.n - correlated->n_keys, err));
	} else if (query->n_order_by > 0 && sort_keys != NULL)
		plan_select_order(&sb, query, &list, sort_keys, n_visible);
	else if (list.n > n_visible)
		sb.rows = keep_first_columns(b, sb.rows, n_visible);
	*out = sb.rows;
	return OK;
}
