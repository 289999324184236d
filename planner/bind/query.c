/* Queries: WITH, set operations, VALUES, ORDER BY and LIMIT around them. */
#include "exec/expr/program.h"
#include "planner/bind/bind.h"

static Status bind_body(Binder *b, const AstQuery *query, const AstBody *body, SelectBinder *outer, BoundSubquery *correlated,
						Logical **out, Error *err);

static Status
bind_values(Binder *b, const AstBody *body, Logical **out, Error *err)
{
	ExprBinder		eb = {.binder = b, .clause = CLAUSE_VALUES};
	int				n = body->n_rows > 0 ? body->rows[0].n_values : 0;
	Expr		  **exprs = arena_array(b->arena, Expr *, body->n_rows * n + 1);
	const Type	  **types = arena_array(b->arena, const Type *, n + 1);
	Value		   *values = arena_array(b->arena, Value, body->n_rows * n + 1);
	Logical		   *node = logical_new(b->arena, LOGICAL_SCAN, NULL);
	LogicalScan	   *scan = arena_new(b->arena, LogicalScan);
	Column		   *columns = arena_array(b->arena, Column, n + 1);
	ScanColumn	   *origins = arena_array(b->arena, ScanColumn, n + 1);

	for (int r = 0; r < body->n_rows; r++) {
		if (body->rows[r].n_values != n) {
			error_user(err, "All rows of VALUES must have %d values, this one has %d.", n, body->rows[r].n_values);
			return error_at_pos(err, body->rows[r].pos);
		}
		for (int c = 0; c < n; c++)
			TRY(bind_expr(&eb, body->rows[r].values[c], &exprs[r * n + c], err));
	}
	for (int c = 0; c < n; c++) {
		Expr		  **list = arena_array(b->arena, Expr *, body->n_rows);
		const AstExpr **asts = arena_array(b->arena, const AstExpr *, body->n_rows);

		for (int r = 0; r < body->n_rows; r++) {
			list[r] = exprs[r * n + c];
			asts[r] = body->rows[r].values[c];
		}
		TRY(bind_common_list(&eb, asts, list, body->n_rows, &types[c], err));
		if (types[c]->kind == TYPE_NULL)
			types[c] = type_string;
		for (int r = 0; r < body->n_rows; r++) {
			list[r] = expr_cast_to(b, list[r], types[c]);
			if (expr_eval_constant(b->arena, list[r], b->context->env, &values[r * n + c], err) != OK)
				return error_at_pos(err, asts[r]->pos);
			values[r * n + c].type = types[c];
		}
		columns[c] = (Column){arena_printf(b->arena, "%s%d", b->standard ? "col" : "KSQL_COL_", b->standard ? c : c), types[c]};
		origins[c].source_index = c;
	}
	scan->name = "values";
	scan->values = values;
	scan->n_values = body->n_rows;
	scan->columns = origins;
	node->n_columns = n;
	node->columns = columns;
	node->spec = scan;
	node->estimated_rows = body->n_rows;
	*out = node;
	return OK;
}

/* ---- set operations ---- */

static Logical *
cast_columns(Binder *b, Logical *input, const int *order, const Type *const *types, const Column *names, int n)
{
	Expr	   **exprs = arena_array(b->arena, Expr *, n + 1);
	const char **column_names = arena_array(b->arena, const char *, n + 1);

	for (int i = 0; i < n; i++) {
		int at = order != NULL ? order[i] : i;

		column_names[i] = names[i].name;
		if (at < 0)
			exprs[i] = expr_constant(b->arena, value_null(types[i]));
		else
			exprs[i] = expr_cast_to(b, expr_column(b->arena, at, input->columns[at].type, input->columns[at].name), types[i]);
	}
	return logical_project(b->arena, input, exprs, column_names, n, 0);
}

static int
column_by_name(const Logical *node, const char *name)
{
	for (int i = 0; i < node->n_columns; i++)
		if (str_equal_nocase(str_of(node->columns[i].name), str_of(name)))
			return i;
	return -1;
}

static Status
bind_set_operation(Binder *b, const AstQuery *query, const AstBody *body, Logical **out, Error *err)
{
	static const char *const names[] = {"UNION", "INTERSECT", "EXCEPT"};
	AstQuery				 plain = {.pos = query->pos, .emit = query->emit};
	Logical					*left, *right, *node;
	const Type			   **types;
	Column					*columns;
	int						*left_order = NULL, *right_order = NULL;
	int						 n;

	if (!b->is_bounded && !(body->set_op == AST_UNION && body->is_all)) {
		error_unsupported(err, "%s%s is not supported in continuous queries yet; UNION ALL is.", names[body->set_op],
						  body->is_all ? " ALL" : "");
		return error_at_pos(err, body->pos);
	}
	TRY(bind_body(b, &plain, body->left, NULL, NULL, &left, err));
	TRY(bind_body(b, &plain, body->right, NULL, NULL, &right, err));
	n = left->n_columns;
	if (body->is_by_name) {
		columns = arena_array(b->arena, Column, left->n_columns + right->n_columns + 1);
		left_order = arena_array(b->arena, int, left->n_columns + right->n_columns + 1);
		right_order = arena_array(b->arena, int, left->n_columns + right->n_columns + 1);
		for (int i = 0; i < n; i++) {
			columns[i] = left->columns[i];
			left_order[i] = i;
			right_order[i] = column_by_name(right, columns[i].name);
		}
		for (int i = 0; i < right->n_columns; i++)
			if (column_by_name(left, right->columns[i].name) < 0) {
				columns[n] = right->columns[i];
				left_order[n] = -1;
				right_order[n++] = i;
			}
	} else {
		if (left->n_columns != right->n_columns) {
			error_user(err, "Both sides of %s must have the same number of columns: %d and %d.", names[body->set_op], left->n_columns,
					   right->n_columns);
			return error_at_pos(err, body->pos);
		}
		columns = arena_memdup(b->arena, left->columns, sizeof *columns * (size_t)(n + 1 > 1 ? n : 1));
	}
	types = arena_array(b->arena, const Type *, n + 1);
	for (int i = 0; i < n; i++) {
		int			l = left_order != NULL ? left_order[i] : i, r = right_order != NULL ? right_order[i] : i;
		const Type *lt = l >= 0 ? left->columns[l].type : right->columns[r].type;
		const Type *rt = r >= 0 ? right->columns[r].type : lt;

		types[i] = common_type(true, lt, rt);
		if (types[i] == NULL) {
			error_user(err, "Column %d of %s is %s on the left and %s on the right.", i + 1, names[body->set_op], type_text(b, lt),
					   type_text(b, rt));
			return error_at_pos(err, body->pos);
		}
		columns[i].type = types[i];
	}
	left = cast_columns(b, left, left_order, types, columns, n);
	right = cast_columns(b, right, right_order, types, columns, n);
	node = logical_new(b->arena, body->set_op == AST_UNION ? LOGICAL_UNION : LOGICAL_SET, left);
	node->n_inputs = 2;
	node->inputs[1] = right;
	node->n_key = 0;
	node->is_table = false;
	node->window = (WindowSpec){0};
	if (body->set_op != AST_UNION) {
		SetOpSpec *spec = arena_new(b->arena, SetOpSpec);

		spec->is_except = body->set_op == AST_EXCEPT;
		spec->all = body->is_all;
		node->spec = spec;
	} else if (!body->is_all) {
		Logical		 *distinct = logical_new(b->arena, LOGICAL_DISTINCT, node);
		DistinctSpec *spec = arena_new(b->arena, DistinctSpec);

		spec->n_columns = n;
		distinct->spec = spec;
		node = distinct;
	}
	*out = node;
	return OK;
}

/* ORDER BY over a body that is not a SELECT: by position or name. */
static Status
sort_by_columns(Binder *b, const AstQuery *query, Logical **plan, Error *err)
{
	SortSpec *spec = arena_new(b->arena, SortSpec);
	SortKey	 *keys = arena_array(b->arena, SortKey, query->n_order_by);
	Scope	 *scope = scope_new(b->arena);
	Logical	 *node;

	if (!b->is_bounded)
		return error_user(err, "ORDER BY needs input that ends: a continuous query cannot be sorted.");
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
	spec->n_keys = query->n_order_by;
	spec->keys = keys;
	spec->n_rows = -1;
	spec->ksqldb_order = !b->standard;
	node = logical_new(b->arena, LOGICAL_SORT, *plan);
	node->spec = spec;
	*plan = node;
	return OK;
}

static Status
bind_body(Binder *b, const AstQuery *query, const AstBody *body, SelectBinder *outer, BoundSubquery *correlated, Logical **out,
		  Error *err)
{
	switch (body->kind) {
	case AST_BODY_SELECT:
		return bind_select(b, query, body->select, outer, correlated, out, err);
	case AST_BODY_QUERY:
		if (query->n_order_by > 0) {
			TRY(bind_query(b, body->query, outer, correlated, out, err));
			return sort_by_columns(b, query, out, err);
		}
		return bind_query(b, body->query, outer, correlated, out, err);
	case AST_BODY_VALUES:
		TRY(bind_values(b, body, out, err));
		break;
	case AST_BODY_SET:
		TRY(bind_set_operation(b, query, body, out, err));
		break;
	}
	return query->n_order_by > 0 ? sort_by_columns(b, query, out, err) : OK;
}

/* ---- LIMIT ---- */

static Status
bind_count(Binder *b, const AstExpr *e, const char *what, int64_t *out, Error *err)
{
	ExprBinder eb = {.binder = b, .clause = CLAUSE_LIMIT};
	Expr	  *expr;
	Value	   value;
	bool	   negative = e->kind == AST_UNARY && e->op == AST_OP_NEGATE;

	if (!b->standard && e->kind != AST_INTEGER && !negative) {
		error_user(err, "Failed to prepare statement: Value must be integer for command: %s", what);
		return error_at_pos(err, e->pos);
	}
	TRY(bind_expr(&eb, e, &expr, err));
	if (expr->type->kind == TYPE_NULL) {
		*out = INT64_MAX;
		return OK;
	}
	if ((expr->type->kind != TYPE_INTEGER && expr->type->kind != TYPE_BIGINT)) {
		error_user(err, "%s must be an integer, not %s.", what, type_text(b, expr->type));
		return error_at_pos(err, e->pos);
	}
	if (expr_eval_constant(b->arena, expr, b->context->env, &value, err) != OK)
		return error_at_pos(err, e->pos);
	if (value.integer < 0) {
		if (!b->standard)
			error_user(err, "%s queries don't support negative integers in the LIMIT clause. See https://cnfl.io/queries for more info.",
					   b->is_pull ? "Pull" : "Push");
		else
			error_user(err, "%s must not be negative.", what);
		return error_at_pos(err, e->pos);
	}
	*out = value.integer;
	return OK;
}

static Status
plan_limit(Binder *b, const AstQuery *query, Logical **plan, Error *err)
{
	int64_t	   n = INT64_MAX, skip = 0;
	Logical	  *node;
	LimitSpec *limit;

	if (query->limit == NULL && query->offset == NULL)
		return OK;
	if (b->is_persistent && b->depth == 0) {
		error_user(err, "%s statements don't support LIMIT clause.", b->statement_kind);
		return error_at_pos(err, query->limit != NULL ? query->limit->pos : query->pos);
	}
	if (b->is_pull && query->limit != NULL && !settings_bool(b->context->settings, "ksql.query.pull.limit.clause.enabled"))
		return error_user(err, "LIMIT clause in pull queries is currently disabled. You can enable them by setting "
							   "ksql.query.pull.limit.clause.enabled=true. See https://cnfl.io/queries for more info.\n"
							   "Add EMIT CHANGES if you intended to issue a push query.");
	if (query->limit != NULL)
		TRY(bind_count(b, query->limit, "LIMIT", &n, err));
	if (query->offset != NULL)
		TRY(bind_count(b, query->offset, "OFFSET", &skip, err));
	if (skip == INT64_MAX)
		skip = 0;
	/* A sort right below keeps only what is asked for. */
	node = *plan;
	while (node->kind == LOGICAL_PROJECT)
		node = node->inputs[0];
	if (node->kind == LOGICAL_SORT && n < (1 << 20)) {
		SortSpec *sort = node->spec;

		if (sort->n_rows < 0) {
			sort->n_rows = n;
			sort->n_skip = skip;
			return OK;
		}
	}
	node = logical_new(b->arena, LOGICAL_LIMIT, *plan);
	limit = arena_new(b->arena, LimitSpec);
	limit->n_rows = n;
	limit->n_skip = skip;
	node->spec = limit;
	*plan = node;
	return OK;
}

static Status
check_ksqldb(Binder *b, const AstQuery *query, Error *err)
{
	if (b->standard || b->depth > 0)
		return OK;
	if (query->n_order_by > 0) {
		error_user(err, "line %d:%d: Syntax Error\nORDER BY is not part of the ksqldb dialect (SET 'sql.dialect'='standard').",
				   query->order_by[0].pos.line, query->order_by[0].pos.column);
		return error_at_pos(err, query->order_by[0].pos);
	}
	return OK;
}

Status
bind_query(Binder *b, const AstQuery *query, SelectBinder *outer, BoundSubquery *correlated, Logical **out, Error *err)
{
	CteEntry *ctes = b->ctes;
	Status			status;

	if (query->is_recursive) {
		error_unsupported(err, "WITH RECURSIVE is not supported yet.");
		return error_at_pos(err, query->pos);
	}
	TRY(check_ksqldb(b, query, err));
	for (int i = 0; i < query->n_ctes; i++) {
		CteEntry *entry = arena_new(b->arena, CteEntry);

		entry->cte = &query->ctes[i];
		entry->next = b->ctes;
		b->ctes = entry;
	}
	status = bind_body(b, query, query->body, outer, correlated, out, err);
	b->ctes = ctes;
	TRY(status);
	/* Whether there are rows does not depend on how many are taken. */
	if (correlated != NULL && correlated->is_exists && query->limit != NULL && query->limit->kind == AST_INTEGER &&
		query->limit->integer > 0 && query->offset == NULL)
		return OK;
	return plan_limit(b, query, out, err);
}
