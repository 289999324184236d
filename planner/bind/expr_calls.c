/* Function calls: overloads, lambdas, table functions; aggregates and OVER go to their own files. */
#include <ctype.h>

#include "exec/func/func.h"
#include "planner/bind/bind.h"

static Status
call_error(Error *err, AstPos pos)
{
	return error_at_pos(err, pos);
}

Status
bind_resolve(Binder *b, FunctionClass class, const char *name, const FunctionArg *args, int n_args, FunctionMatch *out, Error *err)
{
	PlannerContext	   *context = b->context;
	const UserFunction *user;

	TRY(function_resolve_in(context->functions, b->arena, class, str_of(name), args, n_args, b->standard, out, err));
	user = out->user;
	if (user == NULL)
		return OK;
	arena_grow(b->arena, context->used, context->n_used, context->used_capacity);
	context->used[context->n_used++] = user;
	if (user->missing == NULL)
		return OK;
	if (!context->allows_missing) {
		error_user(err, "Function %s cannot be used: %s", user->name, user->missing);
		return error_hint(err, "Put the library %s there and start again, or CREATE OR REPLACE FUNCTION with another one.", user->path);
	}
	if (context->missing_function == NULL)
		context->missing_function = arena_printf(b->arena, "Function %s cannot be used: %s", user->name, user->missing);
	return OK;
}

static FunctionArg
argument_of(const Expr *e)
{
	FunctionArg a = {.type = e->type};

	if (e->kind == EXPR_CONSTANT)
		a.constant = e->constant;
	return a;
}

static void
guard_argument(Binder *b, Expr **arg)
{
	if (b->standard || !settings_bool(b->context->settings, "ksql.nested.error.set.null"))
		return;
	if ((*arg)->kind != EXPR_CALL && (*arg)->kind != EXPR_FIELD)
		return;
	*arg = arena_memdup(b->arena, *arg, sizeof **arg);
	(*arg)->is_guarded = true;
}

/* Converts arguments to the parameters' types; literals at once. */
static Status
convert_arguments(Binder *b, const FunctionMatch *match, Expr **args, int n, Error *err)
{
	for (int i = 0; i < n; i++) {
		const Type *to = match->parameters != NULL && i < match->n_args ? match->parameters[i] : NULL;

		guard_argument(b, &args[i]);
		if (to == NULL || to == args[i]->type || to->kind == TYPE_LAMBDA || to->kind == TYPE_UNIT || to->kind == TYPE_NULL)
			continue;
		if (args[i]->kind == EXPR_CONSTANT && args[i]->type->kind == TYPE_STRING && b->standard && to->kind != TYPE_STRING)
			TRY(literal_to(b, args[i], to, &args[i], err));
		else
			args[i] = expr_cast_to(b, args[i], to);
	}
	return OK;
}

static Expr *
make_call(Binder *b, const FunctionMatch *match, Expr **args, int n, const char *name, AstPos pos)
{
	Expr *e = expr_new(b->arena, EXPR_CALL, match->result, arena_memdup(b->arena, args, sizeof *args * (size_t)(n > 0 ? n : 1)), n);

	e->function = match->function;
	e->name = name;
	e->standard = b->standard;
	e->line = pos.line;
	e->column = pos.column;
	return e;
}

Status
bind_function(ExprBinder *eb, const char *name, Expr **args, int n_args, AstPos pos, Expr **out, Error *err)
{
	Binder		 *b = eb->binder;
	FunctionArg	 *arguments = arena_array(b->arena, FunctionArg, n_args + 1);
	FunctionMatch match = {0};
	Expr		**converted = arena_memdup(b->arena, args, sizeof *args * (size_t)(n_args > 0 ? n_args : 1));

	for (int i = 0; i < n_args; i++)
		arguments[i] = argument_of(args[i]);
	if (bind_resolve(b, FUNCTION_SCALAR, name, arguments, n_args, &match, err) != OK)
		return call_error(err, pos);
	TRY(convert_arguments(b, &match, converted, n_args, err));
	*out = make_call(b, &match, converted, n_args, name, pos);
	return OK;
}

/* ---- lambdas ---- */

static Status
check_lambda_names(ExprBinder *eb, const AstExpr *lambda, const char **names, Error *err)
{
	Binder *b = eb->binder;

	for (int i = 0; i < lambda->n_params; i++) {
		AstIdent		   none = {0};
		const ScopeColumn *column = NULL;

		names[i] = bind_name(b->context, lambda->params[i]);
		for (int j = 0; j < i; j++)
			if (strcmp(names[j], names[i]) == 0) {
				error_user(err, "Lambda arguments have duplicates: %s", names[i]);
				return error_at_pos(err, lambda->params[i].pos);
			}
		for (const LambdaScope *s = eb->lambda; s != NULL; s = s->outer)
			for (int j = 0; j < s->n; j++)
				if (strcmp(s->names[j], names[i]) == 0) {
					error_user(err, "Reusing lambda arguments in nested lambda is not allowed");
					return error_at_pos(err, lambda->params[i].pos);
				}
		if (b->standard || eb->scope == NULL)
			continue;
		TRY(scope_try(b, eb->scope, none, lambda->params[i], &column, err));
		if (column != NULL && !column->is_hidden) {
			error_user(err, "Lambda function argument can't be a column name: %s", names[i]);
			return error_at_pos(err, lambda->params[i].pos);
		}
	}
	return OK;
}

static Status
bind_lambda(ExprBinder *outer, FunctionMatch *match, const FunctionArg *arguments, int index, const AstExpr *lambda, Expr **out,
			Error *err)
{
	Binder		*b = outer->binder;
	ExprBinder	 eb = *outer;
	int			 n = lambda->n_params;
	const char **names = arena_array(b->arena, const char *, n + 1);
	const Type **types = arena_array(b->arena, const Type *, n + 1);
	LambdaScope	 scope = {.names = names, .types = types, .n = n, .outer = outer->lambda};
	Expr	   **body = arena_array(b->arena, Expr *, 1);

	TRY(check_lambda_names(outer, lambda, names, err));
	for (const LambdaScope *s = outer->lambda; s != NULL; s = s->outer)
		scope.first += s->n;
	if (function_lambda_parameters(b->arena, match, arguments, index, types, n, err) != OK)
		return call_error(err, lambda->pos);
	eb.lambda = &scope;
	TRY(bind_expr(&eb, lambda->right, &body[0], err));
	if (function_lambda_result(b->arena, match, arguments, index, body[0]->type, err) != OK)
		return call_error(err, lambda->pos);
	*out = expr_new(b->arena, EXPR_LAMBDA, type_lambda(n), body, 1);
	(*out)->index = scope.first;
	return OK;
}

/* Ordinary arguments first, so that the lambdas' parameter types are known; then bodies, left to right. */
static Status
bind_scalar_call(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder		 *b = eb->binder;
	int			  n = e->n_args;
	Expr		**args = arena_array(b->arena, Expr *, n + 1);
	FunctionArg	 *arguments = arena_array(b->arena, FunctionArg, n + 1);
	FunctionMatch match = {0};

	if (e->is_distinct || e->filter != NULL || e->n_order_by > 0) {
		error_user(err, "%s is not an aggregate function: DISTINCT, FILTER and ORDER BY have no meaning for it.", e->name.text);
		return error_at_pos(err, e->pos);
	}
	for (int i = 0; i < n; i++) {
		if (e->args[i]->kind == AST_LAMBDA) {
			if (!b->standard && !settings_bool(b->context->settings, "ksql.lambdas.enabled")) {
				error_user(err, "Lambdas are not enabled at this time.");
				return error_at_pos(err, e->args[i]->pos);
			}
			arguments[i].type = type_lambda(e->args[i]->n_params);
			continue;
		}
		TRY(bind_expr(eb, e->args[i], &args[i], err));
		arguments[i] = argument_of(args[i]);
	}
	if (bind_resolve(b, FUNCTION_SCALAR, e->name.text, arguments, n, &match, err) != OK)
		return call_error(err, e->pos);
	for (int i = 0; i < n; i++) {
		if (e->args[i]->kind != AST_LAMBDA)
			continue;
		TRY(bind_lambda(eb, &match, arguments, i, e->args[i], &args[i], err));
	}
	TRY(convert_arguments(b, &match, args, n, err));
	if (match.result == NULL)
		return error_bug(err, "the result type of %s is not known", e->name.text);
	*out = make_call(b, &match, args, n, e->name.text, e->pos);
	return OK;
}

/* ---- table functions ---- */

static Status
bind_table_function(ExprBinder *outer, const AstExpr *e, Expr **out, Error *err)
{
	Binder		 *b = outer->binder;
	ExprBinder	  eb = *outer;
	SelectBinder *sb = outer->select;
	Expr		**args;
	FunctionArg	 *arguments = arena_array(b->arena, FunctionArg, e->n_args + 1);
	FunctionMatch match = {0};
	FlatMapItem	 *item;

	if (sb == NULL || outer->clause != CLAUSE_SELECT || outer->lambda != NULL) {
		error_user(err, "Table functions cannot be used in %s: %s", clause_name(outer->clause), ast_text(b, outer->scope, e));
		return error_at_pos(err, e->pos);
	}
	if (outer->in_case) {
		error_user(err, "Table functions cannot be used in CASE: %s", ast_text(b, outer->scope, e));
		return error_at_pos(err, e->pos);
	}
	if (outer->in_table_function) {
		error_user(err, "Table functions cannot be nested: %s", ast_text(b, outer->scope, e));
		return error_at_pos(err, e->pos);
	}
	if (outer->in_aggregate) {
		error_user(err, "Table functions cannot be used inside aggregate functions: %s", ast_text(b, outer->scope, e));
		return error_at_pos(err, e->pos);
	}
	eb.in_table_function = true;
	TRY(bind_children(&eb, e->args, e->n_args, &args, err));
	for (int i = 0; i < e->n_args; i++)
		arguments[i] = argument_of(args[i]);
	if (bind_resolve(b, FUNCTION_TABLE, e->name.text, arguments, e->n_args, &match, err) != OK)
		return call_error(err, e->pos);
	TRY(convert_arguments(b, &match, args, e->n_args, err));
	arena_grow(b->arena, sb->functions, sb->n_functions, sb->functions_capacity);
	item = &sb->functions[sb->n_functions];
	*item = (FlatMapItem){.function = match.function, .n_args = e->n_args, .args = (const Expr *const *)args, .type = match.result};
	bind_series_rows(item);
	*out = expr_column(b->arena, REF_TABLE_FUNCTION + sb->n_functions++, match.result, e->name.text);
	return OK;
}

/* ---- what a call is ---- */

static FunctionClass
class_of(Binder *b, const AstExpr *e)
{
	return function_class_in(b->context->functions, str_of(e->name.text), b->standard);
}

static AstExpr *
negated(Binder *b, AstExpr *arg)
{
	AstExpr *e = arena_new(b->arena, AstExpr);

	e->kind = AST_UNARY;
	e->op = AST_OP_NEGATE;
	e->arg = arg;
	e->pos = arg->pos;
	return e;
}

/* PERCENTILE_CONT(f) WITHIN GROUP (ORDER BY v) and its like as the aggregates that they are; NULL: another function.  DESC counts from the
 * greatest value, which is the least one of the negated. */
static const AstExpr *
ordered_set(Binder *b, const AstExpr *e)
{
	static const char *const names[][2] = {{"PERCENTILE_CONT", "QUANTILE_CONT"}, {"PERCENTILE_DISC", "QUANTILE_DISC"}, {"MODE", "MODE"}};
	AstExpr					*call = arena_memdup(b->arena, e, sizeof *e);
	bool					 is_descending = e->n_order_by == 1 && e->order_by[0].is_descending;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!str_equal_nocase(str_of(e->name.text), str_of(names[i][0])) || e->n_order_by != 1 || e->n_args != (i < 2))
			continue;
		call->name.text = names[i][1];
		call->args = arena_array(b->arena, AstExpr *, 2);
		call->args[0] = is_descending && i < 2 ? negated(b, e->order_by[0].expr) : e->order_by[0].expr;
		if (i < 2)
			call->args[1] = e->args[0];
		call->n_args = i < 2 ? 2 : 1;
		call->order_by = NULL;
		call->n_order_by = 0;
		call->is_within_group = false;
		return is_descending && i < 2 ? negated(b, call) : call;
	}
	return NULL;
}

Status
bind_call(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder		  *b = eb->binder;
	const AstExpr *ordered;

	if (e->over != NULL)
		return bind_over(eb, e, out, err);
	if (b->standard && is_special_call(e))
		return bind_special_call(eb, e, out, err);
	if (b->standard && e->is_within_group && (ordered = ordered_set(b, e)) != NULL)
		return bind_expr(eb, ordered, out, err);
	switch (class_of(b, e)) {
	case FUNCTION_AGGREGATE:
		return bind_aggregate_call(eb, e, out, err);
	case FUNCTION_TABLE:
		return bind_table_function(eb, e, out, err);
	case FUNCTION_SCALAR:
		break;
	case FUNCTION_NONE:
		b->context->missed_source = true;
		break;
	}
	if (e->is_star && e->n_args == 0 && b->standard) {
		error_user(err, "`*` is not an argument of %s.", e->name.text);
		return error_at_pos(err, e->pos);
	}
	return bind_scalar_call(eb, e, out, err);
}

/* ---- searching the syntax tree ---- */

static bool
is_aggregate(const AstExpr *e, void *binder)
{
	return e->kind == AST_CALL && e->over == NULL && class_of(binder, e) == FUNCTION_AGGREGATE;
}

static bool
is_table_function(const AstExpr *e, void *binder)
{
	return e->kind == AST_CALL && e->over == NULL && class_of(binder, e) == FUNCTION_TABLE;
}

static bool
is_over(const AstExpr *e, void *context)
{
	(void)context;
	return e->kind == AST_CALL && e->over != NULL;
}

bool
ast_has_aggregate(Binder *b, const AstExpr *e)
{
	return ast_any(e, is_aggregate, b);
}

bool
ast_has_table_function(Binder *b, const AstExpr *e)
{
	return ast_any(e, is_table_function, b);
}

bool
ast_has_over(const AstExpr *e)
{
	return ast_any(e, is_over, NULL);
}
