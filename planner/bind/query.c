/* Queries: WITH, set operations, VALUES, ORDER BY and LIMIT around them. */
#include "data/decimal.h"
#include "exec/expr/program.h"
#include "planner/bind/bind.h"


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

Status
bind_body(Binder *b, const AstQuery *query, const AstBody *body, SelectBinder *outer, BoundSubquery *correlated, Logical **out,
		  Error *err)
{
	switch (body->kind) {
	case AST_BODY_SELECT:
		return bind_select(b, query, body->select, outer, correlated, out, err);
	case AST_BODY_QUERY:
		if (query->n_order_by > 0) {
			TRY(bind_query(b, body->query, outer, correlated, out, err));
			return plan_order_by_columns(b, query, out, err);
		}
		return bind_query(b, body->query, outer, correlated, out, err);
	case AST_BODY_VALUES:
		TRY(bind_values(b, body, out, err));
		break;
	case AST_BODY_SET:
		TRY(bind_set_operation(b, query, body, outer, correlated, out, err));
		break;
	}
	return query->n_order_by > 0 ? plan_order_by_columns(b, query, out, err) : OK;
}

/* ---- LIMIT ---- */

static bool
is_query(const AstExpr *e, void *context)
{
	(void)context;
	return e->query != NULL;
}

/* The number of a sub-query is asked for now. */
static Status
count_value(Binder *b, const AstExpr *e, const char *what, const Type **type, Value *value, Error *err)
{
	ExprBinder eb = {.binder = b, .clause = CLAUSE_LIMIT};
	Expr	  *expr;

	if (ast_find(e, is_query, NULL) != NULL) {
		TRY(evaluate_expr(b, e, arena_printf(b->arena, "A sub-query in %s is computed first", what), value, err));
		*type = value->is_null ? type_null : value->type;
		return OK;
	}
	TRY(bind_expr(&eb, e, &expr, err));
	*type = expr->type;
	if (expr_eval_constant(b->arena, expr, b->context->env, value, err) != OK)
		return error_at_pos(err, e->pos);
	return OK;
}

Status
bind_count(Binder *b, const AstExpr *e, const char *what, int64_t *out, Error *err)
{
	const Type *type;
	Value		value;
	bool		negative = e->kind == AST_UNARY && e->op == AST_OP_NEGATE;

	if (!b->standard && e->kind != AST_INTEGER && !negative) {
		error_user(err, "Failed to prepare statement: Value must be integer for command: %s", what);
		return error_at_pos(err, e->pos);
	}
	TRY(count_value(b, e, what, &type, &value, err));
	if (type->kind == TYPE_NULL || value.is_null) {
		*out = INT64_MAX;
		return OK;
	}
	if (type->kind != TYPE_INTEGER && type->kind != TYPE_BIGINT) {
		error_user(err, "%s must be an integer, not %s.", what, type_text(b, type));
		return error_at_pos(err, e->pos);
	}
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

static double
value_number(const Value *v)
{
	return v->type->kind == TYPE_DOUBLE ? v->number : v->type->kind == TYPE_DECIMAL ? decimal_to_double(v->decimal, v->type->scale) : (double)v->integer;
}

/* LIMIT 10 PERCENT: of the rows that there are without it, which are counted first. */
static Status
limit_percent(Binder *b, const AstQuery *query, int64_t *out, Error *err)
{
	const Type *type;
	Value		value;
	int64_t		n;
	double		percent;

	TRY(count_value(b, query->limit, "LIMIT", &type, &value, err));
	if (type->kind == TYPE_NULL || value.is_null)
		return OK;
	percent = type_is_number(type) ? value_number(&value) : -1;
	if (percent < 0 || percent > 100) {
		error_user(err, "LIMIT takes a percentage from 0 to 100.");
		return error_at_pos(err, query->limit->pos);
	}
	TRY(evaluate_count(b, query, "LIMIT PERCENT counts the rows first", query->limit->pos, &n, err));
	*out = (int64_t)(percent / 100 * (double)n);
	return OK;
}

static Status
fill_top_n(Binder *b, const AstQuery *query, TopNSpec *spec, Error *err)
{
	if (query->limit_is_percent) {
		error_unsupported(err, "A continuous query keeps a number of rows, not a percentage.");
		return error_at_pos(err, query->limit->pos);
	}
	TRY(bind_count(b, query->limit, "LIMIT", &spec->n_rows, err));
	if (query->offset != NULL)
		TRY(bind_count(b, query->offset, "OFFSET", &spec->n_skip, err));
	if (spec->n_rows == 0)
		error_user(err, "With LIMIT 0 this query could never give a row.");
	else if (spec->n_rows > TOP_N_MOST || spec->n_skip > TOP_N_MOST || spec->n_rows + spec->n_skip > TOP_N_MOST)
		error_user(err, "A continuous query keeps at most %d rows in order, LIMIT and OFFSET together. Sort where the result is read instead.", TOP_N_MOST);
	else
		return OK;
	return error_at_pos(err, query->limit->pos);
}

static Status
plan_limit(Binder *b, const AstQuery *query, Logical **plan, Error *err)
{
	int64_t	   n = INT64_MAX, skip = 0;
	Logical	  *node;
	LimitSpec *limit;

	if (query->limit == NULL && query->offset == NULL)
		return OK;
	node = *plan;
	while (node->kind == LOGICAL_PROJECT)
		node = node->inputs[0];
	if (node->kind == LOGICAL_TOP_N && ((TopNSpec *)node->spec)->n_rows < 0 && query->n_order_by > 0)
		return fill_top_n(b, query, node->spec, err);
	if (!b->is_bounded && b->standard && b->depth > 0) {
		error_user(err, "LIMIT without ORDER BY takes any rows, which cannot be kept up to date in a continuous query. Add ORDER BY, or leave LIMIT out.");
		return error_at_pos(err, query->limit != NULL ? query->limit->pos : query->pos);
	}
	if (b->is_persistent && b->depth == 0) {
		error_user(err, "%s statements don't support LIMIT clause.", b->statement_kind);
		return error_at_pos(err, query->limit != NULL ? query->limit->pos : query->pos);
	}
	if (b->is_pull && query->limit != NULL && !settings_bool(b->context->settings, "ksql.query.pull.limit.clause.enabled"))
		return error_user(err, "LIMIT clause in pull queries is currently disabled. You can enable them by setting "
							   "ksql.query.pull.limit.clause.enabled=true. See https://cnfl.io/queries for more info.\n"
							   "Add EMIT CHANGES if you intended to issue a push query.");
	if (query->limit != NULL)
		TRY(query->limit_is_percent ? limit_percent(b, query, &n, err) : bind_count(b, query->limit, "LIMIT", &n, err));
	if (query->offset != NULL)
		TRY(bind_count(b, query->offset, "OFFSET", &skip, err));
	if (skip == INT64_MAX)
		skip = 0;
	/* A sort right below keeps only what is asked for. */
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

/* With its WITH in sight. */
static Status
bind_whole(Binder *b, const AstQuery *query, SelectBinder *outer, BoundSubquery *correlated, Logical **out, Error *err)
{
	TRY(bind_body(b, query, query->body, outer, correlated, out, err));
	/* Whether there are rows does not depend on how many are taken. */
	if (correlated != NULL && correlated->is_exists && query->limit != NULL && query->limit->kind == AST_INTEGER &&
		query->limit->integer > 0 && !query->limit_is_percent && query->offset == NULL && (b->is_bounded || query->n_order_by == 0))
		return OK;
	if (domain_is_active(correlated)) {
		if (query->body->kind == AST_BODY_SELECT || (query->limit == NULL && query->offset == NULL))
			return OK;
		error_unsupported(err, "LIMIT of a set operation that uses outer columns is not supported. Put it into a sub-query in FROM.");
		return error_at_pos(err, query->pos);
	}
	return plan_limit(b, query, out, err);
}

Status
bind_query(Binder *b, const AstQuery *query, SelectBinder *outer, BoundSubquery *correlated, Logical **out, Error *err)
{
	CteEntry *ctes = b->ctes;
	Status	  status;

	if (query->is_recursive && !b->is_bounded) {
		error_unsupported(err, "WITH RECURSIVE is not kept up to date in a continuous query.");
		return error_at_pos(err, query->pos);
	}
	TRY(check_ksqldb(b, query, err));
	bind_ctes(b, query);
	status = bind_whole(b, query, outer, correlated, out, err);
	b->ctes = ctes;
	return status;
}

Status
bind_inner_query(Binder *b, const AstQuery *query, SelectBinder *outer, BoundSubquery *correlated, Logical **out, Error *err)
{
	int	   in_set = b->in_set;
	Status status;

	b->in_set = 0;
	b->depth++;
	status = bind_query(b, query, outer, correlated, out, err);
	b->depth--;
	b->in_set = in_set;
	return status;
}
