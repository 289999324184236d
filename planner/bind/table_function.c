/*
 * Table functions in FROM: alone, over one row (`FROM GENERATE_SERIES(1, 10) AS t(x)`), or behind other sources, over
 * their rows (`FROM orders, UNNEST(items) AS i`; the arguments see what stands to the left).  A scalar function that
 * gives an array stands for its elements.  Standard dialect.
 */
#include "planner/bind/bind.h"

static FunctionArg
argument(const Expr *e)
{
	FunctionArg arg = {.type = e->type};

	if (e->kind == EXPR_CONSTANT)
		arg.constant = e->constant;
	return arg;
}

static bool
is_explode(const char *name)
{
	return str_equal_nocase(str_of(name), STR("UNNEST")) || str_equal_nocase(str_of(name), STR("EXPLODE"));
}

void
bind_series_rows(FlatMapItem *item)
{
	const Expr			*call = item->n_args == 1 ? item->args[0] : NULL;
	const TableFunction *rows;

	if (call == NULL || call->kind != EXPR_CALL || call->is_guarded || !is_explode(item->function->name))
		return;
	rows = series_as_rows(call->function);
	if (rows == NULL)
		return;
	item->function = rows;
	item->scalar = call->function;
	item->n_args = call->n_args;
	item->args = (const Expr *const *)call->args;
}

/* One column: a table function over bound arguments. */
static Status
bind_item(Binder *b, const char *name, Expr **args, int n_args, FlatMapItem *out, Error *err)
{
	FunctionArg	 *arguments = arena_array(b->arena, FunctionArg, n_args + 1);
	FunctionMatch match = {0};

	for (int i = 0; i < n_args; i++)
		arguments[i] = argument(args[i]);
	TRY(function_resolve(b->arena, FUNCTION_TABLE, str_of(name), arguments, n_args, true, &match, err));
	for (int i = 0; i < n_args; i++)
		args[i] = expr_cast_to(b, args[i], match.parameters[i]);
	*out = (FlatMapItem){.function = match.function, .n_args = n_args, .args = (const Expr *const *)args, .type = match.result};
	bind_series_rows(out);
	return OK;
}

static Status
bind_items(ExprBinder *eb, const AstExpr *call, FlatMapItem **items, int *n_items, Error *err)
{
	Binder	   *b = eb->binder;
	const char *name = call->name.text;
	Expr	  **args;

	*items = arena_array(b->arena, FlatMapItem, call->n_args + 1);
	*n_items = 1;
	if (function_class(str_of(name), true) != FUNCTION_TABLE) {
		args = arena_array(b->arena, Expr *, 1);
		TRY(bind_expr(eb, call, &args[0], err));
		if (args[0]->type->kind != TYPE_ARRAY)
			return error_user(err, "%s gives no rows: it is neither a table function nor a function that gives an array.", name);
		return bind_item(b, "EXPLODE", args, 1, &(*items)[0], err);
	}
	TRY(bind_children(eb, call->args, call->n_args, &args, err));
	if (!is_explode(name) || call->n_args < 2)
		return bind_item(b, name, args, call->n_args, &(*items)[0], err);
	*n_items = call->n_args;
	for (int i = 0; i < call->n_args; i++)
		TRY(bind_item(b, name, &args[i], 1, &(*items)[i], err));
	return OK;
}

Status
bind_function_relation(Binder *b, const AstRelation *relation, bool keep_all, Logical **rows, Scope *scope, Error *err)
{
	ExprBinder	 eb = {.binder = b, .scope = scope, .clause = CLAUSE_JOIN};
	FlatMapSpec *spec = arena_new(b->arena, FlatMapSpec);
	Logical		*input = *rows, *node = logical_new(b->arena, LOGICAL_FLAT_MAP, input);
	const char	*name = relation->function->name.text;
	const char	*alias = relation->alias.text != NULL ? bind_name(b->context, relation->alias) : name;
	ScopeSource *sources = arena_array(b->arena, ScopeSource, scope->n_sources + 1);
	Column		*columns;
	FlatMapItem *items;

	if (bind_items(&eb, relation->function, &items, &spec->n_items, err) != OK)
		return error_at_pos(err, relation->pos);
	if (relation->n_column_aliases > spec->n_items) {
		error_user(err, "%d column names are given for %d columns.", relation->n_column_aliases, spec->n_items);
		return error_at_pos(err, relation->pos);
	}
	spec->items = items;
	spec->outer = keep_all;
	columns = arena_array(b->arena, Column, input->n_columns + spec->n_items);
	if (input->n_columns > 0)
		memcpy(columns, input->columns, sizeof *columns * (size_t)input->n_columns);
	if (scope->n_sources > 0)
		memcpy(sources, scope->sources, sizeof *sources * (size_t)scope->n_sources);
	sources[scope->n_sources] = (ScopeSource){.alias = alias};
	for (int i = 0; i < spec->n_items; i++) {
		const char *column = i < relation->n_column_aliases ? bind_name(b->context, relation->column_aliases[i])
							 : spec->n_items > 1			? arena_printf(b->arena, "%s%d", alias, i + 1)
															: alias;

		columns[input->n_columns + i] = (Column){column, items[i].type};
		scope_add(b->arena, scope,
				  (ScopeColumn){.qualifier = alias,
								.name = column,
								.type = items[i].type,
								.index = input->n_columns + i,
								.source = scope->n_sources});
	}
	scope->sources = sources;
	scope->n_sources++;
	node->n_columns = input->n_columns + spec->n_items;
	node->columns = columns;
	node->spec = spec;
	node->estimated_rows = -1;
	*rows = node;
	return OK;
}

static bool
is_true(const AstExpr *e)
{
	return e == NULL || (e->kind == AST_BOOLEAN && e->boolean);
}

Status
bind_function_join(Binder *b, const AstRelation *join, SelectBinder *outer, Logical **out, Scope *scope, Error *err)
{
	ExprBinder eb = {.binder = b, .scope = scope, .clause = CLAUSE_JOIN};
	bool	   is_left = join->join == AST_JOIN_LEFT;
	Expr	  *condition;

	if ((join->join != AST_JOIN_INNER && join->join != AST_JOIN_CROSS && !is_left) || join->is_natural || join->n_using > 0 ||
		(is_left && !is_true(join->on))) {
		error_unsupported(err, "A table function can be joined with CROSS JOIN, with JOIN ... ON, or with LEFT JOIN ... ON TRUE.");
		return error_at_pos(err, join->pos);
	}
	TRY(bind_relation(b, join->left, outer, out, scope, err));
	TRY(bind_function_relation(b, join->right, is_left, out, scope, err));
	scope->is_join = true;
	if (!is_true(join->on)) {
		TRY(bind_condition(&eb, join->on, &condition, err));
		*out = logical_filter(b->arena, *out, condition);
	}
	return OK;
}
