/* Expressions without columns: INSERT VALUES, keys of look-ups, settings. */
#include "exec/expr/program.h"
#include "io/format/wire/wire.h"
#include "planner/bind/bind.h"

/* A STRUCT may be given with its fields in another order, or without some (they are NULL); nested ones likewise. */
static bool
struct_fits_by_name(const Type *from, const Type *to)
{
	if (from == to || from->kind == TYPE_NULL)
		return true;
	if (from->kind != to->kind)
		return cast_is_implicit(from, to);
	switch (from->kind) {
	case TYPE_ARRAY:
		return struct_fits_by_name(from->element, to->element);
	case TYPE_MAP:
		return from->key == to->key && struct_fits_by_name(from->element, to->element);
	case TYPE_STRUCT:
		for (int i = 0; i < from->n_fields; i++) {
			int field = type_field(to, str_of(from->fields[i].name));

			if (field < 0 || !struct_fits_by_name(from->fields[i].type, to->fields[field].type))
				return false;
		}
		return true;
	default:
		return cast_is_implicit(from, to);
	}
}

/* The sentence says the value, as text, where it has one. */
static Status
refuse_type(Binder *b, const AstExpr *ast, Expr *e, const Type *type, const char *field, Error *err)
{
	Value		value = value_null(type_string);
	Error		ignored;

	if (b->standard || field == NULL ||
		expr_eval_constant(b->arena, expr_cast_to(b, e, type_string), b->context->env, &value, &ignored) != OK || value.is_null)
		error_user(err, "Expected type %s but got %s for %s.", type_text(b, type), type_text(b, e->type), ast_text(b, NULL, ast));
	else
		error_user(err, "Expected type %s for field `%s` but got %s(%.*s)", type_text(b, type), field,
				   type_base_text(b, e->type), (int)value.text.length, value.text.data);
	return error_at_pos(err, ast->pos);
}

Status
bind_constant(PlannerContext *context, const AstExpr *ast, const Type *type, const char *field, Value *out, Error *err)
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
				 (e->kind == EXPR_CONSTANT && type_is_number(e->type) && type->kind == TYPE_DECIMAL &&
				  (context->standard || e->type->kind != TYPE_DECIMAL)))
			e = expr_cast_to(&binder, e, type);
		else if (type_is_nested(type) && struct_fits_by_name(e->type, type)) {
			Value given;

			if (expr_eval_constant(context->arena, e, context->env, &given, err) != OK)
				return error_at_pos(err, ast->pos);
			return wire_coerce(context->arena, &given, type, out, err);
		} else
			return refuse_type(&binder, ast, e, type, field, err);
	}
	if (e->type->kind == TYPE_NULL) {
		*out = value_null(type != NULL ? type : type_null);
		return OK;
	}
	if (expr_eval_constant(context->arena, e, context->env, out, err) != OK)
		return error_at_pos(err, ast->pos);
	return OK;
}
