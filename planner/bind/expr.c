/* Expressions: names and types resolved, the dialect's rules applied. */
#include <ctype.h>
#include <stdlib.h>

#include "common/utf8.h"
#include "data/decimal.h"
#include "exec/expr/program.h"
#include "planner/bind/bind.h"

static Expr *
place(Expr *e, AstPos pos)
{
	e->line = pos.line;
	e->column = pos.column;
	return e;
}

static Expr *
make(Binder *b, ExprKind kind, const Type *type, Expr *const *args, int n, AstPos pos)
{
	Expr *e = expr_new(b->arena, kind, type, arena_memdup(b->arena, args, sizeof *args * (size_t)(n > 0 ? n : 1)), n);

	e->standard = b->standard;
	return place(e, pos);
}

static bool
guards(const Binder *b)
{
	return !b->standard && settings_bool(b->context->settings, "ksql.nested.error.set.null");
}

/* ---- literals ---- */

static Status
interval_add(Interval *interval, double amount, AstUnit unit)
{
	double micros = 0;

	switch (unit) {
	case AST_UNIT_YEAR:
		interval->months += (int32_t)(amount * 12);
		break;
	case AST_UNIT_QUARTER:
		interval->months += (int32_t)(amount * 3);
		break;
	case AST_UNIT_MONTH:
		interval->months += (int32_t)amount;
		break;
	case AST_UNIT_WEEK:
		amount *= 7;
		/* fall through */
	case AST_UNIT_DAY:
		interval->days += (int32_t)amount;
		micros = (amount - (double)(int32_t)amount) * 86400e6;
		break;
	case AST_UNIT_MICROSECOND:
		micros = amount;
		break;
	default:
		micros = amount * (double)ast_unit_ms(unit) * 1000;
		break;
	}
	interval->micros += (int64_t)(micros < 0 ? micros - 0.5 : micros + 0.5);
	return OK;
}

static bool
unit_by_name(Str name, AstUnit *out)
{
	static const struct {
		const char *name;
		AstUnit		unit;
	} units[] = {{"microsecond", AST_UNIT_MICROSECOND}, {"us", AST_UNIT_MICROSECOND}, {"millisecond", AST_UNIT_MILLISECOND},
				 {"ms", AST_UNIT_MILLISECOND}, {"second", AST_UNIT_SECOND}, {"sec", AST_UNIT_SECOND}, {"s", AST_UNIT_SECOND},
				 {"minute", AST_UNIT_MINUTE}, {"min", AST_UNIT_MINUTE}, {"m", AST_UNIT_MINUTE}, {"hour", AST_UNIT_HOUR},
				 {"h", AST_UNIT_HOUR}, {"day", AST_UNIT_DAY}, {"d", AST_UNIT_DAY}, {"week", AST_UNIT_WEEK},
				 {"w", AST_UNIT_WEEK}, {"month", AST_UNIT_MONTH}, {"mon", AST_UNIT_MONTH}, {"quarter", AST_UNIT_QUARTER},
				 {"year", AST_UNIT_YEAR}, {"y", AST_UNIT_YEAR}};

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		Str n = str_of(units[i].name);

		if (str_equal_nocase(n, name) ||
			(name.length == n.length + 1 && tolower((unsigned char)name.data[n.length]) == 's' &&
			 str_equal_nocase(n, str_make(name.data, n.length)))) {
			*out = units[i].unit;
			return true;
		}
	}
	return false;
}

/* '1 day 02:30:00', '3 months'; with `unit` a plain number. */
static bool
interval_parse(const char *text, bool has_unit, AstUnit unit, Interval *out)
{
	const char *p = text;
	bool		any = false;

	*out = (Interval){0};
	for (;;) {
		char  *end;
		double amount;

		while (isspace((unsigned char)*p))
			p++;
		if (*p == '\0')
			return any;
		amount = strtod(p, &end);
		if (end == p)
			return false;
		any = true;
		if (*end == ':') {
			double parts[3] = {amount, 0, 0};
			bool   negative = *p == '-';
			int	   n = 1;

			while (*end == ':' && n < 3) {
				p = end + 1;
				parts[n++] = strtod(p, &end);
			}
			for (int i = 1; i < 3; i++)
				parts[i] = negative ? -parts[i] : parts[i];
			interval_add(out, parts[0], AST_UNIT_HOUR);
			interval_add(out, parts[1], AST_UNIT_MINUTE);
			interval_add(out, parts[2], AST_UNIT_SECOND);
			p = end;
			continue;
		}
		p = end;
		while (isspace((unsigned char)*p))
			p++;
		if (isalpha((unsigned char)*p)) {
			const char *word = p;
			AstUnit		own;

			while (isalpha((unsigned char)*p))
				p++;
			if (!unit_by_name(str_make(word, (size_t)(p - word)), &own))
				return false;
			interval_add(out, amount, own);
		} else if (has_unit)
			interval_add(out, amount, unit);
		else
			return false;
	}
}

static Status
bind_interval(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder *b = eb->binder;
	Value	v = {.type = type_interval};
	Expr   *amount, *args[2];

	if (e->text != NULL || (e->arg != NULL && (e->arg->kind == AST_INTEGER || e->arg->kind == AST_BIGINT || e->arg->kind == AST_STRING ||
											   e->arg->kind == AST_DECIMAL))) {
		const char *text = e->text != NULL ? e->text : e->arg->text;

		if (!interval_parse(text, e->has_unit, e->unit, &v.interval)) {
			error_user(err, "`%s` is not an interval. Write for example INTERVAL '3' DAY or INTERVAL '1 day 2 hours'.", text);
			return error_at_pos(err, e->pos);
		}
		*out = place(expr_constant(b->arena, v), e->pos);
		return OK;
	}
	if (e->arg == NULL || !e->has_unit) {
		error_user(err, "An interval needs an amount and a unit.");
		return error_at_pos(err, e->pos);
	}
	TRY(bind_expr(eb, e->arg, &amount, err));
	if (amount->type->kind != TYPE_INTEGER && amount->type->kind != TYPE_BIGINT) {
		error_user(err, "The amount of an interval must be an integer, not %s.", type_text(b, amount->type));
		return error_at_pos(err, e->arg->pos);
	}
	interval_add(&v.interval, 1, e->unit);
	args[0] = expr_constant(b->arena, v);
	args[1] = expr_cast_to(b, amount, type_bigint);
	*out = make(b, EXPR_ARITHMETIC, type_interval, args, 2, e->pos);
	(*out)->op = ARITH_MUL;
	return OK;
}

Status
bind_literal(Binder *b, const AstExpr *e, Expr **out, Error *err)
{
	Value		 v = {0};
	DecimalShape shape;
	char		*end;

	switch (e->kind) {
	case AST_NULL:
		v = value_null(type_null);
		break;
	case AST_BOOLEAN:
		v = value_boolean(e->boolean);
		break;
	case AST_INTEGER:
		v = value_integer(type_integer, e->integer);
		break;
	case AST_BIGINT:
		v = value_integer(type_bigint, e->integer);
		break;
	case AST_DECIMAL:
		if (decimal_parse_any(str_of(e->text), &v.decimal, &shape) != 0) {
			error_user(err, "Invalid numeric literal: %s", e->text);
			return error_at_pos(err, e->pos);
		}
		v.type = type_decimal(shape.precision, shape.scale);
		break;
	case AST_DOUBLE:
		v = value_double(strtod(e->text, &end));
		break;
	case AST_STRING:
		v = value_text(type_string, str_of(e->text));
		break;
	case AST_UNIT:
		v = value_integer(type_unit, ast_unit_ms(e->unit));
		break;
	default:
		return error_bug(err, "not a literal");
	}
	*out = place(expr_constant(b->arena, v), e->pos);
	return OK;
}

static Status
bind_typed_literal(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder	   *b = eb->binder;
	AstType		ast = {.kind = AST_TYPE_NAMED, .pos = e->pos, .name = e->name};
	const Type *type;
	Expr	   *literal = place(expr_constant(b->arena, value_text(type_string, str_of(e->text))), e->pos);
	Decimal		decimal;
	DecimalShape shape;

	if (str_equal_nocase(str_of(e->name.text), STR("DECIMAL")) || str_equal_nocase(str_of(e->name.text), STR("NUMERIC"))) {
		if (decimal_parse_any(str_trim(str_of(e->text)), &decimal, &shape) != 0) {
			error_user(err, "invalid input syntax for type DECIMAL: \"%s\"", e->text);
			return error_at_pos(err, e->pos);
		}
		*out = expr_constant(b->arena, (Value){.type = type_decimal(shape.precision, shape.scale), .decimal = decimal});
		return OK;
	}
	if (!b->standard) {
		error_user(err, "Failed to prepare statement: line %d:%d: Unknown type: %s", e->pos.line, e->pos.column + 1,
				   bind_name(b->context, e->name));
		return error_at_pos(err, e->pos);
	}
	if (str_equal_nocase(str_of(e->name.text), STR("INTERVAL")))
		return bind_interval(eb, e, out, err);
	TRY(bind_type(b->context, &ast, &type, err));
	return literal_to(b, literal, type, out, err);
}

/* ---- columns ---- */

static Expr *
make_column(Binder *b, int index, const Type *type, const char *name, AstPos pos)
{
	return place(expr_column(b->arena, index, type, name), pos);
}

static bool
find_parameter(ExprBinder *eb, const AstExpr *e, Expr **out)
{
	const char *name = bind_name(eb->binder->context, e->name);

	if (e->qualifier.text != NULL)
		return false;
	for (const LambdaScope *s = eb->lambda; s != NULL; s = s->outer)
		for (int i = 0; i < s->n; i++)
			if (name_matches(eb->binder->standard, s->names[i], name, false)) {
				*out = expr_new(eb->binder->arena, EXPR_PARAMETER, s->types[i], NULL, 0);
				(*out)->index = s->first + i;
				(*out)->name = s->names[i];
				place(*out, e->pos);
				return true;
			}
	return false;
}

static bool
find_window_bound(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err, Status *status)
{
	Binder	   *b = eb->binder;
	const char *name = e->name.text;
	bool		is_start = str_equal_nocase(str_of(name), STR("WINDOWSTART"));

	*status = OK;
	if (eb->select == NULL || !eb->select->has_window || (!is_start && !str_equal_nocase(str_of(name), STR("WINDOWEND"))))
		return false;
	if (!b->standard && (eb->in_aggregate || eb->clause == CLAUSE_GROUP_BY || eb->clause == CLAUSE_HAVING)) {
		*status = error_user(err, "Window bounds column %s can only be used in the SELECT clause of windowed aggregations%s",
							 is_start ? "WINDOWSTART" : "WINDOWEND",
							 eb->binder->standard ? "" : " and can not be passed to aggregate functions.\n"
														 "See https://github.com/confluentinc/ksql/issues/4397");
		error_at_pos(err, e->pos);
		return true;
	}
	if (eb->clause == CLAUSE_WHERE || eb->clause == CLAUSE_JOIN || eb->in_aggregate)
		return false;
	*out = make_column(b, is_start ? REF_WINDOW_START : REF_WINDOW_END, type_bigint, is_start ? "WINDOWSTART" : "WINDOWEND", e->pos);
	return true;
}

static Status
bind_field_of(ExprBinder *eb, const AstExpr *base, Expr *arg, AstIdent field, AstPos pos, Expr **out, Error *err)
{
	Binder	   *b = eb->binder;
	const char *name = bind_name(b->context, field);
	int			index = -1;
	StrBuf		list = {0};

	if (arg->type->kind != TYPE_STRUCT) {
		if (b->standard)
			error_user(err, "`->%s` needs a STRUCT, not %s.", name, type_text(b, arg->type));
		else
			error_user(err, "Expected STRUCT type, got: %s (`->%s`)", type_text(b, arg->type), name);
		return error_at_pos(err, pos);
	}
	index = type_field(arg->type, str_of(name));
	for (int i = 0; i < arg->type->n_fields && index < 0 && b->standard; i++)
		if (str_equal_nocase(str_of(arg->type->fields[i].name), str_of(name)))
			index = i;
	if (index < 0) {
		for (int i = 0; i < arg->type->n_fields; i++)
			strbuf_printf(&list, "%s%s", i > 0 ? ", " : "", arg->type->fields[i].name);
		error_user(err, "Could not find field '%s' in '%s'. The fields are: %s.", name,
				   b->standard ? type_text(b, arg->type) : ast_text(b, eb->scope, base), strbuf_text(&list));
		strbuf_free(&list);
		return error_at_pos(err, pos);
	}
	*out = make(b, EXPR_FIELD, arg->type->fields[index].type, &arg, 1, pos);
	(*out)->index = index;
	return OK;
}

/* CURRENT_DATE and the like are calls without parentheses, unless a column has the name. */
static bool
is_call_by_name(const Binder *b, const AstExpr *e)
{
	static const char *const names[] = {"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP"};

	for (int i = 0; b->standard && e->qualifier.text == NULL && i < 3; i++)
		if (str_equal_nocase(str_of(e->name.text), str_of(names[i])))
			return true;
	return false;
}

static Status
bind_column(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder			  *b = eb->binder;
	const ScopeColumn *column = NULL;
	Status			   status;

	if (find_parameter(eb, e, out))
		return OK;
	if (eb->scope == NULL && is_call_by_name(b, e))
		return bind_function(eb, e->name.text, (Expr *[1]){NULL}, 0, e->pos, out, err);
	if (eb->scope == NULL) {
		if (e->qualifier.text != NULL && !b->standard)
			error_user(err, "Failed to prepare statement: '%s' is not a valid stream/table name or alias.", bind_name(b->context, e->qualifier));
		else
			error_user(err, "A column (`%s`) cannot be used here: only constants.", ast_text(b, NULL, e));
		return error_at_pos(err, e->pos);
	}
	if (find_window_bound(eb, e, out, err, &status))
		return status;
	TRY(scope_try(b, eb->scope, e->qualifier, e->name, &column, err));
	if (column == NULL && eb->scope->parent != NULL) {
		TRY(bind_outer_column(eb, e, out, err));
		if (*out != NULL)
			return OK;
	}
	if (column == NULL && e->qualifier.text != NULL && b->standard) {
		/* a.b may be field b of a column a. */
		AstExpr whole = {.kind = AST_COLUMN, .name = e->qualifier, .pos = e->qualifier.pos};
		Expr   *arg;

		TRY(scope_try(b, eb->scope, whole.qualifier, whole.name, &column, err));
		if (column != NULL && column->type->kind == TYPE_STRUCT) {
			arg = make_column(b, column->index, column->type, column->name, whole.pos);
			return bind_field_of(eb, &whole, arg, e->name, e->pos, out, err);
		}
	}
	if (column == NULL && is_call_by_name(b, e))
		return bind_function(eb, e->name.text, (Expr *[1]){NULL}, 0, e->pos, out, err);
	if (column == NULL && e->qualifier.text == NULL && b->standard && eb->select != NULL && !eb->in_aggregate &&
		(eb->clause == CLAUSE_HAVING || eb->clause == CLAUSE_QUALIFY || eb->clause == CLAUSE_ORDER_BY))
		for (int i = 0; i < eb->select->n_aliases; i++)
			if (name_matches(true, eb->select->aliases[i].name, e->name.text, false)) {
				*out = eb->select->aliases[i].expr;
				return OK;
			}
	if (column == NULL) {
		TRY(bind_alias(eb, e, out, err));
		if (*out != NULL)
			return OK;
		return scope_find(eb, e, &column, err);
	}
	if (b->is_pull && (strcmp(column->name, "ROWPARTITION") == 0 || strcmp(column->name, "ROWOFFSET") == 0) && column->is_hidden) {
		error_user(err, "Pull queries don't support the following columns in %s clauses: `%s`", clause_name(eb->clause), column->name);
		return error_at_pos(err, e->pos);
	}
	*out = make_column(b, column->index, column->type, column->name, e->pos);
	return OK;
}

/* ---- conditions ---- */

Status
bind_condition(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder *b = eb->binder;

	TRY(bind_expr(eb, e, out, err));
	if ((*out)->type->kind == TYPE_NULL && b->standard)
		*out = expr_constant(b->arena, value_null(type_boolean));
	if ((*out)->type->kind != TYPE_BOOLEAN) {
		if (b->standard)
			error_user(err, "%s needs a condition (BOOLEAN), but this is %s.", clause_name(eb->clause), type_text(b, (*out)->type));
		else
			error_user(err, "Type error in %s expression: Should evaluate to boolean but is %s (%s) instead.\nStatement: %s",
					   clause_name(eb->clause), ast_text(b, eb->scope, e), type_text(b, (*out)->type), ast_text(b, eb->scope, e));
		return error_at_pos(err, e->pos);
	}
	return OK;
}

static Status
boolean_operand(ExprBinder *eb, const AstExpr *ast, Expr **out, Error *err)
{
	Binder *b = eb->binder;

	TRY(bind_expr(eb, ast, out, err));
	if ((*out)->type->kind == TYPE_NULL && b->standard)
		*out = expr_constant(b->arena, value_null(type_boolean));
	if ((*out)->type->kind != TYPE_BOOLEAN) {
		error_user(err, "Type error: %s should be BOOLEAN but is %s.", ast_text(b, eb->scope, ast), type_text(b, (*out)->type));
		return error_at_pos(err, ast->pos);
	}
	return OK;
}

static Expr *
negate(Binder *b, Expr *e, AstPos pos)
{
	return make(b, EXPR_NOT, type_boolean, &e, 1, pos);
}

static Status
bind_logic(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Expr *args[2];

	TRY(boolean_operand(eb, e->left, &args[0], err));
	TRY(boolean_operand(eb, e->right, &args[1], err));
	*out = make(eb->binder, e->op == AST_OP_AND ? EXPR_AND : EXPR_OR, type_boolean, args, 2, e->pos);
	return OK;
}

typedef struct RowPair {
	ExprBinder	  *eb;
	const AstExpr *ast, *left, *right;
	Expr		 **lefts, **rights;
} RowPair;

static Status
compare_parts(const RowPair *p, int i, CompareOp op, Expr **out, Error *err)
{
	return bind_comparison(p->eb, op, p->left->args[i], p->right->args[i], p->lefts[i], p->rights[i], p->ast->pos, out, err);
}

/* The first values that differ decide: a < c OR (a = c AND b < d). */
static Status
order_rows(const RowPair *p, CompareOp op, Expr **out, Error *err)
{
	Binder	 *b = p->eb->binder;
	int		  n = p->left->n_args;
	CompareOp strict = op == COMPARE_LT || op == COMPARE_LE ? COMPARE_LT : COMPARE_GT;

	TRY(compare_parts(p, n - 1, op, out, err));
	for (int i = n - 2; i >= 0; i--) {
		Expr *equal[2] = {NULL, *out}, *either[2];

		TRY(compare_parts(p, i, COMPARE_EQ, &equal[0], err));
		TRY(compare_parts(p, i, strict, &either[0], err));
		either[1] = make(b, EXPR_AND, type_boolean, equal, 2, p->ast->pos);
		*out = make(b, EXPR_OR, type_boolean, either, 2, p->ast->pos);
	}
	return OK;
}

static Status
compare_rows(ExprBinder *eb, const AstExpr *e, CompareOp op, const AstExpr *left, const AstExpr *right, Expr **out, Error *err)
{
	Binder *b = eb->binder;
	RowPair p = {eb, e, left, right, NULL, NULL};
	Expr  **parts;

	if (left->n_args != right->n_args) {
		error_user(err, "Rows of %d and %d values cannot be compared.", left->n_args, right->n_args);
		return error_at_pos(err, e->pos);
	}
	TRY(bind_children(eb, left->args, left->n_args, &p.lefts, err));
	TRY(bind_children(eb, right->args, right->n_args, &p.rights, err));
	if (op != COMPARE_EQ && op != COMPARE_NE)
		return order_rows(&p, op, out, err);
	parts = arena_array(b->arena, Expr *, left->n_args);
	for (int i = 0; i < left->n_args; i++)
		TRY(compare_parts(&p, i, COMPARE_EQ, &parts[i], err));
	*out = expr_and(b->arena, parts, left->n_args, b->standard);
	if (op == COMPARE_NE)
		*out = negate(b, *out, e->pos);
	return OK;
}

static CompareOp
compare_op(AstOp op)
{
	switch (op) {
	case AST_OP_EQUAL:
		return COMPARE_EQ;
	case AST_OP_NOT_EQUAL:
		return COMPARE_NE;
	case AST_OP_LESS:
		return COMPARE_LT;
	case AST_OP_LESS_EQUAL:
		return COMPARE_LE;
	case AST_OP_GREATER:
		return COMPARE_GT;
	default:
		return COMPARE_GE;
	}
}

static Status
bind_binary(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Expr *left, *right;

	if (e->op == AST_OP_AND || e->op == AST_OP_OR)
		return bind_logic(eb, e, out, err);
	if (e->op >= AST_OP_EQUAL && e->left->kind == AST_ROW && e->right->kind == AST_ROW)
		return compare_rows(eb, e, compare_op(e->op), e->left, e->right, out, err);
	if (e->op >= AST_OP_EQUAL && eb->binder->standard && is_any_of_list(e->right))
		return bind_any_of_list(eb, e, out, err);
	TRY(bind_expr(eb, e->left, &left, err));
	TRY(bind_expr(eb, e->right, &right, err));
	switch (e->op) {
	case AST_OP_ADD:
		return bind_arithmetic(eb, e, ARITH_ADD, left, right, out, err);
	case AST_OP_SUBTRACT:
		return bind_arithmetic(eb, e, ARITH_SUB, left, right, out, err);
	case AST_OP_MULTIPLY:
		return bind_arithmetic(eb, e, ARITH_MUL, left, right, out, err);
	case AST_OP_DIVIDE:
		return bind_arithmetic(eb, e, ARITH_DIV, left, right, out, err);
	case AST_OP_MODULO:
		return bind_arithmetic(eb, e, ARITH_MOD, left, right, out, err);
	case AST_OP_CONCAT: {
		Expr *args[2] = {left, right};

		if (eb->binder->standard)
			for (int i = 0; i < 2; i++)
				if (args[i]->type->kind != TYPE_STRING && args[i]->type->kind != TYPE_BYTES && args[i]->type->kind != TYPE_NULL &&
					!type_is_nested(args[i]->type))
					args[i] = expr_cast_to(eb->binder, args[i], type_string);
		return bind_function(eb, "CONCAT", args, 2, e->pos, out, err);
	}
	case AST_OP_EQUAL:
	case AST_OP_NOT_EQUAL:
	case AST_OP_LESS:
	case AST_OP_LESS_EQUAL:
	case AST_OP_GREATER:
	case AST_OP_GREATER_EQUAL:
		return bind_comparison(eb, compare_op(e->op), e->left, e->right, left, right, e->pos, out, err);
	default:
		return error_bug(err, "not a binary operator");
	}
}

static Status
bind_unary(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder *b = eb->binder;
	Expr   *arg;

	if (e->op == AST_OP_NOT) {
		TRY(boolean_operand(eb, e->arg, &arg, err));
		*out = negate(b, arg, e->pos);
		return OK;
	}
	TRY(bind_expr(eb, e->arg, &arg, err));
	if (arg->type->kind == TYPE_NULL && b->standard)
		arg = expr_constant(b->arena, value_null(type_integer));
	if (!type_is_number(arg->type) && !(b->standard && arg->type->kind == TYPE_INTERVAL)) {
		error_user(err, "Error processing expression: %s. Unary %s needs a number, not %s.", ast_text(b, eb->scope, e),
				   e->op == AST_OP_NEGATE ? "minus" : "plus", type_text(b, arg->type));
		return error_at_pos(err, e->pos);
	}
	*out = e->op == AST_OP_PLUS ? arg : make(b, EXPR_NEGATE, arg->type, &arg, 1, e->pos);
	return OK;
}

/* ksqlDB says of what it cannot compile in which part of the query it stands. */
static Status
invalid_part(ExprBinder *eb, Error *err)
{
	bool is_condition = eb->clause == CLAUSE_WHERE || eb->clause == CLAUSE_HAVING;

	if (eb->binder->standard)
		return FAILED;
	return error_context(err, "Invalid %s", is_condition && eb->binder->is_pull ? "expression" : is_condition ? "Predicate"
											: eb->clause == CLAUSE_GROUP_BY ? "Group By" : "Select");
}

static Status
bind_between(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder *b = eb->binder;
	Expr   *arg, *low, *high, *parts[2];

	TRY(bind_expr(eb, e->arg, &arg, err));
	TRY(bind_expr(eb, e->left, &low, err));
	TRY(bind_expr(eb, e->right, &high, err));
	if (bind_comparison(eb, COMPARE_GE, e->arg, e->left, arg, low, e->pos, &parts[0], err) != OK ||
		bind_comparison(eb, COMPARE_LE, e->arg, e->right, arg, high, e->pos, &parts[1], err) != OK)
		return invalid_part(eb, err);
	*out = make(b, EXPR_AND, type_boolean, parts, 2, e->pos);
	if (e->is_negated)
		*out = negate(b, *out, e->pos);
	return OK;
}

static Status
bind_in_list(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder			*b = eb->binder;
	int				 n = e->n_args + 1;
	Expr		   **exprs = arena_array(b->arena, Expr *, n);
	const AstExpr  **asts = arena_array(b->arena, const AstExpr *, n);
	const Type		*type;
	Status			 status;

	if (e->arg->kind == AST_ROW) {
		for (int i = 0; i < e->n_args; i++)
			TRY(compare_rows(eb, e, COMPARE_EQ, e->arg, e->args[i], &exprs[i], err));
		*out = e->n_args == 1 ? exprs[0] : make(b, EXPR_OR, type_boolean, exprs, e->n_args, e->pos);
		if (e->is_negated)
			*out = negate(b, *out, e->pos);
		return OK;
	}
	asts[0] = e->arg;
	TRY(bind_expr(eb, e->arg, &exprs[0], err));
	for (int i = 1; i < n; i++) {
		asts[i] = e->args[i - 1];
		TRY(bind_expr(eb, e->args[i - 1], &exprs[i], err));
	}
	status = bind_common_list(eb, asts, exprs, n, &type, err);
	if (status != OK)
		return invalid_part(eb, err);
	if (type->kind == TYPE_NULL)
		for (int i = 0; i < n; i++)
			exprs[i] = expr_cast_to(b, exprs[i], type_boolean);
	else
		for (int i = 0; i < n; i++)
			exprs[i] = expr_cast_to(b, exprs[i], type);
	*out = make(b, EXPR_IN, type_boolean, exprs, n, e->pos);
	(*out)->negated = e->is_negated;
	return OK;
}

static Status
bind_like(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder *b = eb->binder;
	Expr   *args[2];

	TRY(bind_expr(eb, e->left, &args[0], err));
	TRY(bind_expr(eb, e->right, &args[1], err));
	for (int i = 0; i < 2; i++) {
		if (b->standard && args[i]->type->kind == TYPE_NULL)
			args[i] = expr_cast_to(b, args[i], type_string);
		if (args[i]->type->kind != TYPE_STRING) {
			error_user(err, "Like condition must be between strings");
			return error_at_pos(err, e->pos);
		}
	}
	if (e->is_ilike)
		for (int i = 0; i < 2; i++)
			TRY(bind_function(eb, "LCASE", &args[i], 1, e->pos, &args[i], err));
	*out = make(b, EXPR_LIKE, type_boolean, args, 2, e->pos);
	(*out)->negated = e->is_negated;
	if (e->escape != NULL) {
		if (e->escape->kind != AST_STRING || strlen(e->escape->text) > 1) {
			error_user(err, "Expected ESCAPE character to be a single character but got: %s", ast_text(b, eb->scope, e->escape));
			return error_at_pos(err, e->escape->pos);
		}
		(*out)->escape = e->escape->text[0];
	}
	return OK;
}

static Status
bind_distinct_from(ExprBinder *eb, const AstExpr *e, const AstExpr *left_ast, const AstExpr *right_ast, bool negated, Expr **out,
				   Error *err)
{
	Binder *b = eb->binder;
	Expr   *left, *right, *compared;

	TRY(bind_expr(eb, left_ast, &left, err));
	TRY(bind_expr(eb, right_ast, &right, err));
	if (left->type->kind == TYPE_NULL || right->type->kind == TYPE_NULL) {
		Expr *other = left->type->kind == TYPE_NULL ? right : left;

		if (other->type->kind == TYPE_NULL)
			other = expr_constant(b->arena, value_null(type_boolean));
		*out = make(b, EXPR_IS_NULL, type_boolean, &other, 1, e->pos);
		(*out)->negated = !negated;
		return OK;
	}
	TRY(bind_comparison(eb, COMPARE_EQ, left_ast, right_ast, left, right, e->pos, &compared, err));
	*out = make(b, EXPR_DISTINCT_FROM, type_boolean, compared->args, 2, e->pos);
	(*out)->negated = negated;
	return OK;
}

/* ---- CASE ---- */

static Status
case_types(ExprBinder *eb, const AstExpr *e, const AstExpr *const *asts, Expr **results, int n, const Type **out, Error *err)
{
	Binder	   *b = eb->binder;
	const Type *type = NULL;

	for (int i = 0; i < n; i++) {
		const Type *t = results[i]->type;

		if (t->kind == TYPE_NULL || t == type)
			continue;
		if (type == NULL) {
			type = t;
			continue;
		}
		if (!b->standard) {
			bool is_else = e->right != NULL && i == n - 1;

			if (is_else)
				error_user(err,
						   "Invalid Case expression. Type for the default clause should be the same as for 'THEN' clauses.\n"
						   "THEN type: %s.\nDEFAULT type: %s.",
						   type_text(b, type), type_text(b, t));
			else
				error_user(err, "Invalid Case expression. Type for all 'THEN' clauses should be the same.\n"
								"THEN expression 'WHEN %s THEN %s' has type: %s.\nPrevious THEN expression(s) type: %s.",
						   ast_text(b, eb->scope, e->whens[i].condition), ast_text(b, eb->scope, asts[i]), type_text(b, t),
						   type_text(b, type));
			return error_at_pos(err, asts[i]->pos);
		}
		if (results[i]->kind == EXPR_CONSTANT && t->kind == TYPE_STRING && cast_is_possible(true, t, type)) {
			TRY(literal_to(b, results[i], type, &results[i], err));
			continue;
		}
		type = common_type(true, type, t);
		if (type == NULL) {
			error_user(err, "The results of CASE have no common type: %s is %s.", ast_text(b, eb->scope, asts[i]), type_text(b, t));
			return error_at_pos(err, asts[i]->pos);
		}
	}
	if (type == NULL) {
		if (!b->standard) {
			error_user(err, "Invalid Case expression. All case branches have a NULL type: %s", ast_text(b, eb->scope, e));
			return error_at_pos(err, e->pos);
		}
		type = type_string;
	}
	*out = type;
	return OK;
}

static Status
bind_case(ExprBinder *outer, const AstExpr *e, Expr **out, Error *err)
{
	ExprBinder		eb_copy = *outer;
	ExprBinder	   *eb = &eb_copy;
	Binder		   *b = eb->binder;
	int				n = e->n_whens + (e->right != NULL ? 1 : 0);
	Expr		  **results = arena_array(b->arena, Expr *, n + 1);
	const AstExpr **asts = arena_array(b->arena, const AstExpr *, n + 1);
	Expr		  **args = arena_array(b->arena, Expr *, 2 * e->n_whens + 1);
	Expr		   *operand = NULL;
	const Type	   *type = NULL;

	eb->in_case = true;
	if (e->arg != NULL)
		TRY(bind_expr(eb, e->arg, &operand, err));
	for (int i = 0; i < e->n_whens; i++) {
		if (operand != NULL) {
			Expr *value;

			TRY(bind_expr(eb, e->whens[i].condition, &value, err));
			TRY(bind_comparison(eb, COMPARE_EQ, e->arg, e->whens[i].condition, operand, value, e->whens[i].condition->pos, &args[2 * i],
								err));
		} else {
			TRY(bind_expr(eb, e->whens[i].condition, &args[2 * i], err));
			if (args[2 * i]->type->kind != TYPE_BOOLEAN) {
				error_user(err, "WHEN operand type should be boolean.\nType for '%s' is %s",
						   ast_text(b, eb->scope, e->whens[i].condition), type_text(b, args[2 * i]->type));
				return error_at_pos(err, e->whens[i].condition->pos);
			}
		}
		asts[i] = e->whens[i].result;
		TRY(bind_expr(eb, asts[i], &results[i], err));
	}
	if (e->right != NULL) {
		asts[n - 1] = e->right;
		TRY(bind_expr(eb, e->right, &results[n - 1], err));
	}
	TRY(case_types(eb, e, asts, results, n, &type, err));
	for (int i = 0; i < e->n_whens; i++)
		args[2 * i + 1] = expr_cast_to(b, results[i], type);
	if (e->right != NULL)
		args[2 * e->n_whens] = expr_cast_to(b, results[n - 1], type);
	*out = make(b, EXPR_CASE, type, args, 2 * e->n_whens + (e->right != NULL ? 1 : 0), e->pos);
	return OK;
}

/* ---- casts, parts, constructors ---- */

static Status
bind_cast(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder	   *b = eb->binder;
	const Type *type;
	Expr	   *arg;

	TRY(bind_type(b->context, e->type, &type, err));
	TRY(bind_expr(eb, e->arg, &arg, err));
	if (arg->type->kind == TYPE_NULL) {
		*out = place(expr_constant(b->arena, value_null(type)), e->pos);
		return OK;
	}
	if (!cast_is_possible(b->standard, arg->type, type)) {
		error_user(err, "Cast of %s to %s is not supported", type_text(b, arg->type), type_text(b, type));
		error_at_pos(err, e->pos);
		return invalid_part(eb, err);
	}
	if (arg->type == type) {
		*out = arg;
		return OK;
	}
	*out = make(b, EXPR_CAST, type, &arg, 1, e->pos);
	(*out)->is_guarded = guards(b) || e->is_try;
	(*out)->is_quiet = e->is_try;
	return OK;
}

static Status
bind_subscript(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder *b = eb->binder;
	Expr   *args[2];

	TRY(bind_expr(eb, e->left, &args[0], err));
	TRY(bind_expr(eb, e->right, &args[1], err));
	if (args[1]->type->kind == TYPE_NULL && b->standard)
		args[1] = expr_cast_to(b, args[1], args[0]->type->kind == TYPE_MAP ? args[0]->type->key : type_integer);
	if (args[0]->type->kind == TYPE_ARRAY) {
		if (b->standard && type_is_number(args[1]->type) && args[1]->type->kind == TYPE_BIGINT)
			args[1] = expr_cast_to(b, args[1], type_integer);
		if (args[1]->type->kind != TYPE_INTEGER) {
			error_user(err, "Index of an array must be INTEGER, but %s is %s.", ast_text(b, eb->scope, e->right),
					   type_text(b, args[1]->type));
			return error_at_pos(err, e->right->pos);
		}
	} else if (args[0]->type->kind == TYPE_MAP) {
		if (args[1]->type != args[0]->type->key && !(b->standard && cast_is_implicit(args[1]->type, args[0]->type->key))) {
			error_user(err, "Key of the map must be %s, but %s is %s.", type_text(b, args[0]->type->key),
					   ast_text(b, eb->scope, e->right), type_text(b, args[1]->type));
			return error_at_pos(err, e->right->pos);
		}
		args[1] = expr_cast_to(b, args[1], args[0]->type->key);
	} else if (args[0]->type->kind == TYPE_STRUCT && b->standard && e->right->kind == AST_STRING) {
		AstIdent field = {.text = e->right->text, .is_quoted = true, .pos = e->right->pos};

		return bind_field_of(eb, e->left, args[0], field, e->pos, out, err);
	} else if (args[0]->type->kind == TYPE_STRING && b->standard) {
		return bind_function(eb, "LIST_EXTRACT", args, 2, e->pos, out, err);
	} else {
		error_user(err, "Subscript expression (%s) is only for ARRAY and MAP, not %s.", ast_text(b, eb->scope, e),
				   type_text(b, args[0]->type));
		return error_at_pos(err, e->pos);
	}
	*out = make(b, EXPR_SUBSCRIPT, args[0]->type->element, args, 2, e->pos);
	return OK;
}

static void
guard_elements(Binder *b, Expr **args, int n)
{
	if (!guards(b))
		return;
	for (int i = 0; i < n; i++) {
		if (args[i]->kind == EXPR_COLUMN || args[i]->kind == EXPR_CONSTANT || args[i]->kind == EXPR_PARAMETER)
			continue;
		args[i] = arena_memdup(b->arena, args[i], sizeof *args[i]);
		args[i]->is_guarded = true;
	}
}

static Status
bind_array(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder	   *b = eb->binder;
	Expr	  **args;
	const Type *type;

	TRY(bind_children(eb, e->args, e->n_args, &args, err));
	if (e->n_args == 0) {
		if (!b->standard) {
			error_user(err, "Array constructor cannot be empty. Please supply at least one element (see https://github.com/confluentinc/ksql/issues/4239).");
			return error_at_pos(err, e->pos);
		}
		*out = make(b, EXPR_ARRAY, type_array(type_string), args, 0, e->pos);
		return OK;
	}
	TRY(bind_common_list(eb, (const AstExpr *const *)e->args, args, e->n_args, &type, err));
	if (type->kind == TYPE_NULL) {
		if (!b->standard) {
			error_user(err, "Cannot construct an array with all NULL elements (see https://github.com/confluentinc/ksql/issues/4239). As a workaround, you "
							"may cast a NULL value to the desired type.");
			return error_at_pos(err, e->pos);
		}
		type = type_string;
	}
	for (int i = 0; i < e->n_args; i++)
		args[i] = expr_cast_to(b, args[i], type);
	guard_elements(b, args, e->n_args);
	*out = make(b, EXPR_ARRAY, type_array(type), args, e->n_args, e->pos);
	return OK;
}

static Status
bind_map(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder		   *b = eb->binder;
	int				n = e->n_entries;
	Expr		  **keys = arena_array(b->arena, Expr *, n + 1), **values = arena_array(b->arena, Expr *, n + 1);
	Expr		  **args = arena_array(b->arena, Expr *, 2 * n + 1);
	const AstExpr **key_asts = arena_array(b->arena, const AstExpr *, n + 1);
	const AstExpr **value_asts = arena_array(b->arena, const AstExpr *, n + 1);
	const Type	   *key, *value;

	if (n == 0) {
		error_user(err, "Map constructor cannot be empty. Please supply at least one key value pair (see https://github.com/confluentinc/ksql/issues/4239).");
		return error_at_pos(err, e->pos);
	}
	for (int i = 0; i < n; i++) {
		key_asts[i] = e->entries[i].key;
		value_asts[i] = e->entries[i].value;
		TRY(bind_expr(eb, key_asts[i], &keys[i], err));
		TRY(bind_expr(eb, value_asts[i], &values[i], err));
	}
	TRY(bind_common_list(eb, key_asts, keys, n, &key, err));
	TRY(bind_common_list(eb, value_asts, values, n, &value, err));
	if (key->kind == TYPE_NULL || value->kind == TYPE_NULL) {
		if (!b->standard || key->kind == TYPE_NULL) {
			error_user(err, "Cannot construct a map with all NULL %s (see https://github.com/confluentinc/ksql/issues/4239). As a workaround, you may cast a NULL "
							"%s to the desired type.",
					   key->kind == TYPE_NULL ? "keys" : "values", key->kind == TYPE_NULL ? "key" : "value");
			return error_at_pos(err, e->pos);
		}
		value = type_string;
	}
	guard_elements(b, keys, n);
	guard_elements(b, values, n);
	for (int i = 0; i < n; i++) {
		args[2 * i] = expr_cast_to(b, keys[i], key);
		args[2 * i + 1] = expr_cast_to(b, values[i], value);
	}
	*out = make(b, EXPR_MAP, type_map(key, value), args, 2 * n, e->pos);
	return OK;
}

static Status
bind_struct(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder	  *b = eb->binder;
	Expr	 **args = arena_array(b->arena, Expr *, e->n_fields + 1);
	TypeField *fields = arena_array(b->arena, TypeField, e->n_fields + 1);

	for (int i = 0; i < e->n_fields; i++) {
		TRY(bind_expr(eb, e->fields[i].value, &args[i], err));
		fields[i].name = bind_name(b->context, e->fields[i].name);
		if (args[i]->type->kind == TYPE_NULL && b->standard)
			args[i] = expr_cast_to(b, args[i], type_string);
		fields[i].type = args[i]->type;
		for (int j = 0; j < i; j++)
			if (strcmp(fields[j].name, fields[i].name) == 0) {
				error_user(err, "Duplicate struct field name found: `%s`", fields[i].name);
				return error_at_pos(err, e->fields[i].name.pos);
			}
	}
	guard_elements(b, args, e->n_fields);
	*out = make(b, EXPR_STRUCT, type_struct(fields, e->n_fields), args, e->n_fields, e->pos);
	return OK;
}

static Status
bind_extract(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder *b = eb->binder;
	Expr   *args[2];
	char   *field = arena_strdup(b->arena, e->name.text);

	for (char *p = field; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	args[0] = place(expr_constant(b->arena, value_text(type_string, str_of(field))), e->pos);
	TRY(bind_expr(eb, e->arg, &args[1], err));
	if (b->standard && strcmp(field, "epoch") == 0 && args[1]->type->kind == TYPE_TIMESTAMP) {
		/* With the fraction of the second, as PostgreSQL and DuckDB have it. */
		Expr *parts[2] = {NULL, expr_constant(b->arena, (Value){.type = type_double, .number = 1000})};

		TRY(bind_function(eb, "UNIX_TIMESTAMP", &args[1], 1, e->pos, &parts[0], err));
		parts[0] = expr_cast_to(b, parts[0], type_double);
		*out = make(b, EXPR_ARITHMETIC, type_double, parts, 2, e->pos);
		(*out)->op = ARITH_DIV;
		return OK;
	}
	return bind_function(eb, "DATE_PART", args, 2, e->pos, out, err);
}

Status
bind_children(ExprBinder *eb, AstExpr *const *asts, int n, Expr ***out, Error *err)
{
	*out = arena_array(eb->binder->arena, Expr *, n + 1);
	for (int i = 0; i < n; i++)
		TRY(bind_expr(eb, asts[i], &(*out)[i], err));
	return OK;
}

Status
bind_expr(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder *b = eb->binder;
	Expr   *arg;

	switch (e->kind) {
	case AST_NULL:
	case AST_BOOLEAN:
	case AST_INTEGER:
	case AST_BIGINT:
	case AST_DECIMAL:
	case AST_DOUBLE:
	case AST_STRING:
	case AST_UNIT:
		return bind_literal(b, e, out, err);
	case AST_TYPED_LITERAL:
		return bind_typed_literal(eb, e, out, err);
	case AST_INTERVAL:
		return bind_interval(eb, e, out, err);
	case AST_COLUMN:
		return bind_column(eb, e, out, err);
	case AST_UNARY:
		return bind_unary(eb, e, out, err);
	case AST_BINARY:
		return bind_binary(eb, e, out, err);
	case AST_BETWEEN:
		return bind_between(eb, e, out, err);
	case AST_IN_LIST:
		return bind_in_list(eb, e, out, err);
	case AST_IN_QUERY:
	case AST_EXISTS:
	case AST_QUERY_EXPR:
	case AST_QUANTIFIED:
		return bind_subquery(eb, e, out, err);
	case AST_LIKE:
		return bind_like(eb, e, out, err);
	case AST_IS_NULL:
		TRY(bind_expr(eb, e->arg, &arg, err));
		if (arg->type->kind == TYPE_NULL)
			arg = expr_constant(b->arena, value_null(type_boolean));
		*out = make(b, EXPR_IS_NULL, type_boolean, &arg, 1, e->pos);
		(*out)->negated = e->is_negated;
		return OK;
	case AST_IS_DISTINCT:
		return bind_distinct_from(eb, e, e->left, e->right, e->is_negated, out, err);
	case AST_IS_BOOLEAN: {
		AstExpr *truth = arena_new(b->arena, AstExpr);

		truth->kind = AST_BOOLEAN;
		truth->boolean = e->boolean;
		truth->pos = e->pos;
		return bind_distinct_from(eb, e, e->arg, truth, !e->is_negated, out, err);
	}
	case AST_CASE:
		return bind_case(eb, e, out, err);
	case AST_CAST:
		return bind_cast(eb, e, out, err);
	case AST_SUBSCRIPT:
		return bind_subscript(eb, e, out, err);
	case AST_FIELD:
		TRY(bind_expr(eb, e->arg, &arg, err));
		return bind_field_of(eb, e->arg, arg, e->name, e->pos, out, err);
	case AST_EXTRACT:
		return bind_extract(eb, e, out, err);
	case AST_CALL:
		return bind_call(eb, e, out, err);
	case AST_ARRAY:
		return bind_array(eb, e, out, err);
	case AST_MAP:
		return bind_map(eb, e, out, err);
	case AST_STRUCT:
		return bind_struct(eb, e, out, err);
	case AST_AT_TIME_ZONE:
		return bind_at_time_zone(eb, e, out, err);
	case AST_NAMED:
		error_user(err, "Arguments with a name (`%s :=`) are for STRUCT_PACK and the like, and for functions that read files.", e->name.text);
		return error_at_pos(err, e->pos);
	case AST_LAMBDA:
		error_user(err, "A lambda can only be an argument of a function that takes one.");
		return error_at_pos(err, e->pos);
	case AST_ROW:
		if (b->standard)
			return bind_expr(eb, row_as_struct(b, e), out, err);
		error_unsupported(err, "A row of values can only be compared.");
		return error_at_pos(err, e->pos);
	case AST_STAR:
	case AST_QUALIFIED_STAR:
	case AST_FIELD_ALL:
		error_user(err, "`*` is only for the select list and COUNT(*).");
		return error_at_pos(err, e->pos);
	case AST_VARIABLE:
		error_user(err, "Variable ${%s} is not defined.", e->text);
		return error_at_pos(err, e->pos);
	case AST_PARAMETER:
		error_unsupported(err, "Parameters (?) are not supported here.");
		return error_at_pos(err, e->pos);
	}
	return error_bug(err, "unknown expression");
}
