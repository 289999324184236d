/*
 * Standard dialect: calls that no row of a function could describe, because names of fields are among their arguments or another
 * function is.  STRUCT_PACK(a := 1), ROW(1, 2), STRUCT_EXTRACT(s, 'a'), STRUCT_INSERT(s, b := 2), LIST_AGGREGATE(list, 'sum').
 */
#include <ctype.h>

#include "planner/bind/bind.h"

static AstExpr *
struct_new(Binder *b, AstPos pos, int n)
{
	AstExpr *s = arena_new(b->arena, AstExpr);

	s->kind = AST_STRUCT;
	s->pos = pos;
	s->fields = arena_array(b->arena, AstStructField, n + 1);
	s->n_fields = n;
	return s;
}

static AstIdent
field_number(Binder *b, int i, AstPos pos)
{
	return (AstIdent){.text = arena_printf(b->arena, "f%d", i + 1), .is_quoted = true, .pos = pos};
}

/* A row of values as a struct of f1, f2 and so on, as PostgreSQL calls them. */
const AstExpr *
row_as_struct(Binder *b, const AstExpr *row)
{
	AstExpr *s = struct_new(b, row->pos, row->n_args);

	for (int i = 0; i < row->n_args; i++)
		s->fields[i] = (AstStructField){field_number(b, i, row->args[i]->pos), row->args[i]};
	return s;
}

static Status
bind_row(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	return bind_expr(eb, row_as_struct(eb->binder, e), out, err);
}

/* The field that an argument gives: by its name, or a column by its own. */
static Status
field_of(const AstExpr *arg, const char *function, AstStructField *out, Error *err)
{
	if (arg->kind == AST_NAMED)
		*out = (AstStructField){arg->name, arg->arg};
	else if (arg->kind == AST_COLUMN)
		*out = (AstStructField){arg->name, (AstExpr *)arg};
	else {
		error_user(err, "%s needs a name for each value: %s(a := 1, b := 'x').", function, function);
		return error_at_pos(err, arg->pos);
	}
	return OK;
}

static Status
bind_struct_pack(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	AstExpr *s = struct_new(eb->binder, e->pos, e->n_args);

	for (int i = 0; i < e->n_args; i++)
		TRY(field_of(e->args[i], "STRUCT_PACK", &s->fields[i], err));
	return bind_expr(eb, s, out, err);
}

static AstExpr *
field_ast(Binder *b, AstExpr *of, const char *name, AstPos pos)
{
	AstExpr *e = arena_new(b->arena, AstExpr);

	e->kind = AST_FIELD;
	e->arg = of;
	e->name = (AstIdent){.text = name, .is_quoted = true, .pos = pos};
	e->pos = pos;
	return e;
}

/* The type of the struct that is the first argument. */
static Status
struct_argument(ExprBinder *eb, const AstExpr *e, int n_least, const Type **type, Error *err)
{
	Expr *bound;

	if (e->n_args < n_least) {
		error_user(err, "%s needs a STRUCT and what to do with it.", e->name.text);
		return error_at_pos(err, e->pos);
	}
	TRY(bind_expr(eb, e->args[0], &bound, err));
	*type = bound->type;
	if (bound->type->kind == TYPE_STRUCT)
		return OK;
	error_user(err, "%s needs a STRUCT, not %s.", e->name.text, type_text(eb->binder, bound->type));
	return error_at_pos(err, e->args[0]->pos);
}

static Status
bind_struct_extract(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	const Type	  *type = NULL;
	const AstExpr *field = e->n_args == 2 ? e->args[1] : NULL;
	const char	  *name = NULL;

	TRY(struct_argument(eb, e, 2, &type, err));
	if (field != NULL && field->kind == AST_STRING)
		name = field->text;
	else if (field != NULL && field->kind == AST_INTEGER && field->integer >= 1 && field->integer <= type->n_fields)
		name = type->fields[field->integer - 1].name;
	if (name == NULL) {
		error_user(err, "STRUCT_EXTRACT needs the name of a field as a text, or its number from 1 to %d.", type->n_fields);
		return error_at_pos(err, field != NULL ? field->pos : e->pos);
	}
	return bind_expr(eb, field_ast(eb->binder, e->args[0], name, e->pos), out, err);
}

static Status
bind_struct_insert(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder	   *b = eb->binder;
	const Type *type = NULL;
	AstExpr	   *s;

	TRY(struct_argument(eb, e, 2, &type, err));
	s = struct_new(b, e->pos, type->n_fields + e->n_args - 1);
	for (int i = 0; i < type->n_fields; i++) {
		const char *name = type->fields[i].name;

		s->fields[i] = (AstStructField){{.text = name, .is_quoted = true, .pos = e->pos}, field_ast(b, e->args[0], name, e->pos)};
	}
	for (int i = 1; i < e->n_args; i++)
		TRY(field_of(e->args[i], "STRUCT_INSERT", &s->fields[type->n_fields + i - 1], err));
	return bind_expr(eb, s, out, err);
}

/* LIST_AGGREGATE(list, 'sum') is LIST_SUM(list). */
static Status
bind_list_aggregate(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder	*b = eb->binder;
	AstExpr *call = arena_memdup(b->arena, e, sizeof *e);
	char	*name;

	if (e->n_args < 2 || e->args[1]->kind != AST_STRING) {
		error_user(err, "%s needs a list and the name of an aggregate as a text: %s(list, 'sum').", e->name.text, e->name.text);
		return error_at_pos(err, e->pos);
	}
	name = arena_printf(b->arena, "LIST_%s", e->args[1]->text);
	for (char *p = name; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	if (strcmp(name, "LIST_STRING_AGG") == 0)
		name = "ARRAY_TO_STRING";
	if (function_class_in(b->context->functions, str_of(name), true) != FUNCTION_SCALAR) {
		error_user(err, "There is no aggregate `%s` of lists. There are sum, avg, min, max, count, product, median, bool_and, bool_or, first, last, "
						"any_value and string_agg.", e->args[1]->text);
		return error_at_pos(err, e->args[1]->pos);
	}
	call->name.text = name;
	call->args = arena_array(b->arena, AstExpr *, e->n_args);
	call->n_args = e->n_args - 1;
	call->args[0] = e->args[0];
	for (int i = 2; i < e->n_args; i++)
		call->args[i - 1] = e->args[i];
	return bind_expr(eb, call, out, err);
}

static Status
refuse_columns(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	(void)out;
	error_unsupported(err, "COLUMNS stands for columns in the select list and in WHERE, not in %s.", clause_name(eb->clause));
	return error_at_pos(err, e->pos);
}

static const struct {
	const char *name;
	Status (*bind)(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err);
} specials[] = {{"GROUPING", bind_grouping}, {"ROW", bind_row}, {"STRUCT_PACK", bind_struct_pack},
				{"STRUCT_EXTRACT", bind_struct_extract}, {"STRUCT_INSERT", bind_struct_insert}, {"LIST_AGGREGATE", bind_list_aggregate},
				{"COLUMNS", refuse_columns}, {"LIST_AGGR", bind_list_aggregate}, {"ARRAY_AGGREGATE", bind_list_aggregate}, {"ARRAY_AGGR", bind_list_aggregate}};

bool
is_special_call(const AstExpr *e)
{
	for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
		if (str_equal_nocase(str_of(e->name.text), str_of(specials[i].name)))
			return true;
	return false;
}

Status
bind_special_call(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
		if (str_equal_nocase(str_of(e->name.text), str_of(specials[i].name)))
			return specials[i].bind(eb, e, out, err);
	return error_bug(err, "%s is no special call", e->name.text);
}

/* ---- x = ANY (list) ---- */

bool
is_any_of_list(const AstExpr *e)
{
	return e->kind == AST_CALL && e->n_args == 1 && !e->is_distinct && e->over == NULL &&
		   (str_equal_nocase(str_of(e->name.text), STR("ANY")) || str_equal_nocase(str_of(e->name.text), STR("SOME")));
}

Status
bind_any_of_list(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Expr *args[2];

	if (e->op != AST_OP_EQUAL) {
		error_unsupported(err, "With a list, ANY is for `=` only. Use LIST_MIN or LIST_MAX to compare with the least or the greatest element.");
		return error_at_pos(err, e->pos);
	}
	TRY(bind_expr(eb, e->left, &args[0], err));
	TRY(bind_expr(eb, e->right->args[0], &args[1], err));
	if (args[1]->type->kind != TYPE_ARRAY) {
		error_user(err, "ANY needs a sub-query or a list, not %s.", type_text(eb->binder, args[1]->type));
		return error_at_pos(err, e->right->pos);
	}
	return bind_function(eb, "IN_ARRAY", args, 2, e->pos, out, err);
}

/* ---- AT TIME ZONE ---- */

/*
 * A TIMESTAMP has no zone, instants are those of UTC.  Which of the two a value is, is seen from what it is written as: what AT TIME ZONE gives,
 * NOW() and its like, and what says TIMESTAMPTZ are instants, all else is a time of day somewhere.
 */
static bool
is_instant(const AstExpr *e)
{
	static const char *const names[] = {"NOW", "CURRENT_TIMESTAMP", "TO_TIMESTAMP", "FROM_UNIXTIME"};

	if (e->kind == AST_AT_TIME_ZONE)
		return !is_instant(e->left);
	if (e->kind == AST_TYPED_LITERAL)
		return str_equal_nocase(str_of(e->name.text), STR("TIMESTAMPTZ"));
	if (e->kind == AST_CAST)
		return e->type->kind == AST_TYPE_NAMED && str_equal_nocase(str_of(e->type->name.text), STR("TIMESTAMPTZ"));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if ((e->kind == AST_CALL || (e->kind == AST_COLUMN && i == 1)) && str_equal_nocase(str_of(e->name.text), str_of(names[i])))
			return true;
	return false;
}

Status
bind_at_time_zone(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder *b = eb->binder;
	Expr   *args[3], *utc = expr_constant(b->arena, value_text(type_string, STR("UTC")));
	bool	is_utc = is_instant(e->left);

	if (!b->standard) {
		error_unsupported(err, "AT TIME ZONE is SQL of the standard dialect. Use CONVERT_TZ(time, 'UTC', 'Europe/Paris').");
		return error_at_pos(err, e->pos);
	}
	TRY(bind_expr(eb, e->left, &args[0], err));
	TRY(bind_expr(eb, e->right, &args[is_utc ? 2 : 1], err));
	args[is_utc ? 1 : 2] = utc;
	if (args[0]->type->kind == TYPE_DATE)
		args[0] = expr_cast_to(b, args[0], type_timestamp);
	return bind_function(eb, "CONVERT_TZ", args, 3, e->pos, out, err);
}
