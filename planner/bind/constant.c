/* Expressions without columns: INSERT VALUES, keys of look-ups, settings. */
#include "exec/expr/program.h"
#include "planner/bind/bind.h"

Status
bind_constant(PlannerContext *context, const AstExpr *ast, const Type *type, Value *out, Error *err)
{
	Binder	   binder = {.context = context, .arena = context->arena, .standard = context->standard, .is_bounded = true};
	ExprBinder eb = {.binder = &binder, .clause = CLAUSE_VALUES};
	Expr	  *e;

	TRY(bind_expr(&eb, ast, &e, err));
	if (type != NULL && e->type != type && e->type->kind != TYPE_NULL) {
		bool is_text = e->kind == EXPR_CONSTANT && e->type->kind == TYPE_STRING;

		if (context->standard && is_text && type->kind != TYPE_STRING)
			TRY(literal_to(&binder, e, type, &e, err));
		else if (cast_is_implicit(e->type, type) || (context->standard && cast_is_possible(true, e->type, type)) ||
				 (e->kind == EXPR_CONSTANT && type_is_number(e->type) && type->kind == TYPE_DECIMAL))
			e = expr_cast_to(&binder, e, type);
		else {
			error_user(err, "Expected type %s but got %s for %s.", type_text(&binder, type), type_text(&binder, e->type),
					   ast_text(&binder, NULL, ast));
			return error_at_pos(err, ast->pos);
		}
	}
	if (e->type->kind == TYPE_NULL) {
		*out = value_null(type != NULL ? type : type_null);
		return OK;
	}
	if (expr_eval_constant(context->arena, e, context->env, out, err) != OK)
		return error_at_pos(err, ast->pos);
	return OK;
}
