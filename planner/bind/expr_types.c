/* Types meeting: casts, comparison, arithmetic, and lists brought to a common type. */
#include <ctype.h>

#include "data/decimal.h"
#include "exec/expr/program.h"
#include "planner/bind/bind.h"

const char *
type_text(Binder *binder, const Type *type)
{
	if (type->kind == TYPE_NULL)
		return "null";
	return type_to_arena(type, binder->arena);
}

const char *
type_base_text(Binder *binder, const Type *type)
{
	switch (type->kind) {
	case TYPE_ARRAY:
		return "ARRAY";
	case TYPE_MAP:
		return "MAP";
	case TYPE_STRUCT:
		return "STRUCT";
	case TYPE_DECIMAL:
		return "DECIMAL";
	default:
		return type_text(binder, type);
	}
}

static DecimalShape
type_shape(const Type *t)
{
	if (t->kind == TYPE_INTEGER)
		return DECIMAL_SHAPE_INTEGER;
	if (t->kind == TYPE_BIGINT)
		return DECIMAL_SHAPE_BIGINT;
	return (DecimalShape){t->precision, t->scale};
}

const Type *
common_number(bool standard, const Type *a, const Type *b)
{
	DecimalShape shape;

	if (a == b)
		return a;
	if (a->kind == TYPE_DOUBLE || b->kind == TYPE_DOUBLE)
		return type_double;
	if (a->kind == TYPE_DECIMAL || b->kind == TYPE_DECIMAL) {
		shape = decimal_common_shape(type_shape(a), type_shape(b), standard);
		return type_decimal(shape.precision, shape.scale);
	}
	return type_bigint;
}

const Type *
common_type(bool standard, const Type *a, const Type *b)
{
	const Type *x, *y;

	if (a == b || b->kind == TYPE_NULL)
		return a;
	if (a->kind == TYPE_NULL)
		return b;
	if (type_is_number(a) && type_is_number(b))
		return common_number(standard, a, b);
	if (a->kind == TYPE_ARRAY && b->kind == TYPE_ARRAY) {
		x = common_type(standard, a->element, b->element);
		return x != NULL ? type_array(x) : NULL;
	}
	if (a->kind == TYPE_MAP && b->kind == TYPE_MAP) {
		x = common_type(standard, a->key, b->key);
		y = common_type(standard, a->element, b->element);
		return x != NULL && y != NULL ? type_map(x, y) : NULL;
	}
	if (a->kind == TYPE_STRUCT && b->kind == TYPE_STRUCT && a->n_fields == b->n_fields && a->n_fields <= 256) {
		TypeField fields[256];

		for (int i = 0; i < a->n_fields; i++) {
			if (strcmp(a->fields[i].name, b->fields[i].name) != 0)
				return NULL;
			x = common_type(standard, a->fields[i].type, b->fields[i].type);
			if (x == NULL)
				return NULL;
			fields[i] = (TypeField){a->fields[i].name, x};
		}
		return type_struct(fields, a->n_fields);
	}
	if (standard && ((a->kind == TYPE_DATE && b->kind == TYPE_TIMESTAMP) || (a->kind == TYPE_TIMESTAMP && b->kind == TYPE_DATE)))
		return type_timestamp;
	return NULL;
}

/* Casts that happen unasked: to a wider number, text to a time type. */
bool
cast_is_implicit(const Type *from, const Type *to)
{
	if (from == to || from->kind == TYPE_NULL)
		return true;
	if (type_is_number(from) && type_is_number(to)) {
		if (from->kind == TYPE_DECIMAL && to->kind == TYPE_DECIMAL)
			return to->scale >= from->scale && to->precision - to->scale >= from->precision - from->scale;
		return from->kind < to->kind;
	}
	if (from->kind == TYPE_STRING)
		return to->kind == TYPE_DATE || to->kind == TYPE_TIME || to->kind == TYPE_TIMESTAMP || to->kind == TYPE_BYTES;
	if (from->kind != to->kind)
		return false;
	if (from->kind == TYPE_ARRAY)
		return cast_is_implicit(from->element, to->element);
	if (from->kind == TYPE_MAP)
		return cast_is_implicit(from->key, to->key) && cast_is_implicit(from->element, to->element);
	if (from->kind == TYPE_STRUCT) {
		if (from->n_fields != to->n_fields)
			return false;
		for (int i = 0; i < from->n_fields; i++)
			if (strcmp(from->fields[i].name, to->fields[i].name) != 0 ||
				!cast_is_implicit(from->fields[i].type, to->fields[i].type))
				return false;
		return true;
	}
	return false;
}

bool
cast_is_possible(bool standard, const Type *from, const Type *to)
{
	if (from == to || from->kind == TYPE_NULL)
		return true;
	if (to->kind == TYPE_NULL || to->kind >= TYPE_LAMBDA || from->kind >= TYPE_LAMBDA)
		return false;
	if (to->kind == TYPE_STRING)
		return standard || (from->kind != TYPE_BYTES && from->kind != TYPE_INTERVAL);
	if (type_is_number(from) && type_is_number(to))
		return true;
	if (type_is_nested(from) || type_is_nested(to)) {
		if (from->kind != to->kind)
			return false;
		if (from->kind == TYPE_ARRAY)
			return cast_is_possible(standard, from->element, to->element);
		if (from->kind == TYPE_MAP)
			return cast_is_possible(standard, from->key, to->key) && cast_is_possible(standard, from->element, to->element);
		for (int i = 0, shared = 0;; i++) {
			int j;

			if (i == to->n_fields)
				return shared > 0;
			j = type_field(from, str_of(to->fields[i].name));
			if (j < 0)
				continue;
			if (!cast_is_possible(standard, from->fields[j].type, to->fields[i].type))
				return false;
			shared++;
		}
	}
	if (from->kind == TYPE_STRING)
		return to->kind != TYPE_INTERVAL || standard;
	if (standard && ((from->kind == TYPE_BOOLEAN && (to->kind == TYPE_INTEGER || to->kind == TYPE_BIGINT)) ||
					 (to->kind == TYPE_BOOLEAN && (from->kind == TYPE_INTEGER || from->kind == TYPE_BIGINT))))
		return true;
	if (from->kind == TYPE_DATE)
		return to->kind == TYPE_TIMESTAMP;
	if (from->kind == TYPE_TIMESTAMP)
		return to->kind == TYPE_DATE || to->kind == TYPE_TIME;
	return false;
}

Expr *
expr_cast_to(Binder *binder, Expr *e, const Type *type)
{
	Expr  *cast;
	Expr **args;

	if (e->type == type)
		return e;
	if (e->type->kind == TYPE_NULL && e->kind == EXPR_CONSTANT)
		return expr_constant(binder->arena, value_null(type));
	args = arena_array(binder->arena, Expr *, 1);
	args[0] = e;
	cast = expr_new(binder->arena, EXPR_CAST, type, args, 1);
	cast->standard = binder->standard;
	cast->line = e->line;
	cast->column = e->column;
	return cast;
}

/* The type of a number written as text: ksqlDB's rule for string literals beside numbers. */
static const Type *
number_text_type(Str text)
{
	Decimal		 value;
	DecimalShape shape;
	Str			 s = str_trim(text);
	bool		 is_integer = s.length > 0;

	for (size_t i = 0; i < s.length; i++)
		if (!isdigit((unsigned char)s.data[i]) && !(i == 0 && s.length > 1 && (s.data[i] == '-' || s.data[i] == '+')))
			is_integer = false;
	if (decimal_parse_any(s, &value, &shape) != 0)
		return NULL;
	if (is_integer && value >= INT32_MIN && value <= INT32_MAX)
		return type_integer;
	if (is_integer && value >= INT64_MIN && value <= INT64_MAX)
		return type_bigint;
	return type_decimal(shape.precision, shape.scale);
}

static bool
is_text_literal(const Expr *e)
{
	return e->kind == EXPR_CONSTANT && e->type->kind == TYPE_STRING && !e->constant.is_null;
}

static Status
literal_invalid(Binder *binder, const Type *type, const Expr *literal, Error *err)
{
	error_user(err, "invalid input syntax for type %s: \"%.*s\"%s", type_text(binder, type), (int)literal->constant.text.length,
			   literal->constant.text.data, binder->standard ? "" : ".");
	if (literal->line > 0)
		error_at(err, literal->line, literal->column, 0);
	return FAILED;
}

static bool
is_boolean_prefix(Str s)
{
	static const char *const words[] = {"true", "yes", "false", "no"};
	Str						 t = str_trim(s);

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (t.length > 0 && t.length <= strlen(words[i]) && str_equal_nocase(t, str_make(words[i], t.length)))
			return true;
	return false;
}

Status
literal_to(Binder *binder, Expr *literal, const Type *type, Expr **out, Error *err)
{
	Error ignored;
	Value value;
	Expr *cast;

	if (literal->type == type) {
		*out = literal;
		return OK;
	}
	if (type->kind == TYPE_BOOLEAN && !binder->standard && !is_boolean_prefix(literal->constant.text))
		return literal_invalid(binder, type, literal, err);
	if (type_is_number(type) && number_text_type(literal->constant.text) == NULL && type->kind != TYPE_DOUBLE)
		return literal_invalid(binder, type, literal, err);
	cast = expr_cast_to(binder, literal, type);
	if (expr_eval_constant(binder->arena, cast, binder->context->env, &value, &ignored) != OK)
		return literal_invalid(binder, type, literal, err);
	*out = expr_constant(binder->arena, value);
	(*out)->type = type;
	(*out)->line = literal->line;
	(*out)->column = literal->column;
	return OK;
}

/* ---- comparison ---- */

static const char *
compare_word(CompareOp op)
{
	static const char *const words[] = {"EQUAL",		"NOT_EQUAL",	"LESS_THAN",
										"LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL"};

	return words[op];
}

static const char *
compare_sign(CompareOp op)
{
	static const char *const signs[] = {"=", "<>", "<", "<=", ">", ">="};

	return signs[op];
}

static Status
compare_refuse(ExprBinder *eb, CompareOp op, const AstExpr *left_ast, const AstExpr *right_ast, const Type *left, const Type *right,
			   AstPos pos, Error *err)
{
	Binder	   *b = eb->binder;
	const char *l = ast_text(b, eb->scope, left_ast), *r = ast_text(b, eb->scope, right_ast);

	if (b->standard)
		error_user(err, "Cannot compare %s (%s) with %s (%s).", l, type_text(b, left), r, type_text(b, right));
	else
		error_user(err, "Cannot compare %s (%s) to %s (%s) with %s.\nStatement: (%s %s %s)", l, type_text(b, left), r,
				   type_text(b, right), compare_word(op), l, compare_sign(op), r);
	return error_at_pos(err, pos);
}

static bool
is_time_type(const Type *t)
{
	return t->kind == TYPE_DATE || t->kind == TYPE_TIME || t->kind == TYPE_TIMESTAMP;
}

/* True for ROWTIME, WINDOWSTART, WINDOWEND: a text beside them is a date and time (spec: date-time strings). */
static bool
is_time_column(ExprBinder *eb, const AstExpr *ast)
{
	const char *name;

	if (ast->kind != AST_COLUMN)
		return false;
	name = ast->name.text;
	(void)eb;
	return str_equal_nocase(str_of(name), STR("ROWTIME")) || str_equal_nocase(str_of(name), STR("WINDOWSTART")) ||
		   str_equal_nocase(str_of(name), STR("WINDOWEND"));
}

static Status
magic_time(ExprBinder *eb, Expr *literal, Expr **out, Error *err)
{
	Expr *timestamp;

	if (literal_to(eb->binder, literal, type_timestamp, &timestamp, err) != OK) {
		if (!eb->binder->standard)
			error_user(err, "Failed to parse timestamp '%.*s': a text beside ROWTIME, WINDOWSTART or WINDOWEND must be a date and time.\n"
							"Required format is: \"yyyy-MM-dd'T'HH:mm:ss.SSS\", with an optional numeric 4-digit timezone. Partials are "
							"also supported, for example \"2020-05-26\"",
					   (int)literal->constant.text.length, literal->constant.text.data);
		return FAILED;
	}
	*out = expr_constant(eb->binder->arena, value_integer(type_bigint, timestamp->constant.integer));
	return OK;
}

static const char *
null_or_base(Binder *b, const Type *type)
{
	return type->kind == TYPE_NULL ? "NULL" : type_base_text(b, type);
}

Status
bind_comparison(ExprBinder *eb, CompareOp op, const AstExpr *left_ast, const AstExpr *right_ast, Expr *left, Expr *right,
				AstPos pos, Expr **out, Error *err)
{
	Binder	   *b = eb->binder;
	const Type *lt, *rt, *common = NULL;
	Expr	  **args;
	Expr	   *e;
	bool		is_equality = op == COMPARE_EQ || op == COMPARE_NE;

	if (is_text_literal(right) && left->type->kind == TYPE_BIGINT && is_time_column(eb, left_ast))
		TRY(magic_time(eb, right, &right, err));
	else if (is_text_literal(left) && right->type->kind == TYPE_BIGINT && is_time_column(eb, right_ast))
		TRY(magic_time(eb, left, &left, err));
	lt = left->type;
	rt = right->type;
	if (lt->kind == TYPE_NULL || rt->kind == TYPE_NULL) {
		if (!b->standard) {
			error_user(err, "Comparison with NULL not supported: %s %s %s\nUse 'IS NULL' or 'IS NOT NULL' instead.", null_or_base(b, lt),
					   compare_sign(op), null_or_base(b, rt));
			return error_at_pos(err, pos);
		}
		common = lt->kind == TYPE_NULL ? rt : lt;
		if (common->kind == TYPE_NULL)
			common = type_boolean;
	} else if (type_is_number(lt) && type_is_number(rt))
		common = common_number(b->standard, lt, rt);
	else if (lt == rt)
		common = (type_is_nested(lt) && !is_equality) || (lt->kind == TYPE_BOOLEAN && !is_equality && !b->standard) ? NULL : lt;
	else if (is_time_type(lt) && rt->kind == TYPE_STRING)
		common = lt;
	else if (is_time_type(rt) && lt->kind == TYPE_STRING)
		common = rt;
	else if ((lt->kind == TYPE_DATE && rt->kind == TYPE_TIMESTAMP) || (lt->kind == TYPE_TIMESTAMP && rt->kind == TYPE_DATE))
		common = type_timestamp;
	else if (b->standard && is_text_literal(right) && cast_is_possible(true, rt, lt))
		common = lt;
	else if (b->standard && is_text_literal(left) && cast_is_possible(true, lt, rt))
		common = rt;
	else if (b->standard && is_equality)
		common = common_type(true, lt, rt);
	if (common == NULL || common->kind >= TYPE_LAMBDA)
		return compare_refuse(eb, op, left_ast, right_ast, lt, rt, pos, err);
	if (b->standard && is_text_literal(right) && common->kind != TYPE_STRING)
		TRY(literal_to(b, right, common, &right, err));
	if (b->standard && is_text_literal(left) && common->kind != TYPE_STRING)
		TRY(literal_to(b, left, common, &left, err));
	args = arena_array(b->arena, Expr *, 2);
	args[0] = expr_cast_to(b, left, common);
	args[1] = expr_cast_to(b, right, common);
	e = expr_new(b->arena, EXPR_COMPARE, type_boolean, args, 2);
	e->op = (int)op;
	e->standard = b->standard;
	e->line = pos.line;
	e->column = pos.column;
	*out = e;
	return OK;
}

/* ---- arithmetic ---- */

static Status
arithmetic_refuse(ExprBinder *eb, const AstExpr *e, const Type *l, const Type *r, Error *err)
{
	Binder	   *b = eb->binder;
	const char *text = ast_text(b, eb->scope, e);

	if (b->standard)
		error_user(err, "`%s` has no meaning for %s and %s.", ast_op_text(e->op), type_text(b, l), type_text(b, r));
	else if (l->kind == TYPE_NULL || r->kind == TYPE_NULL)
		error_user(err, "Error processing expression: %s. Arithmetic on types %s and %s are not supported.\nStatement: %s", text,
				   type_text(b, l), type_text(b, r), text);
	else
		error_user(err, "Error processing expression: %s. Unsupported arithmetic types. %s %s\nStatement: %s", text, type_base_text(b, l),
				   type_base_text(b, r), text);
	return error_at_pos(err, e->pos);
}

static Expr *
make_arithmetic(Binder *b, ArithmeticOp op, const Type *type, Expr *left, Expr *right, AstPos pos)
{
	Expr **args = arena_array(b->arena, Expr *, 2);
	Expr  *e;

	args[0] = left;
	args[1] = right;
	e = expr_new(b->arena, EXPR_ARITHMETIC, type, args, 2);
	e->op = (int)op;
	e->standard = b->standard;
	e->line = pos.line;
	e->column = pos.column;
	return e;
}

/* Dates, times and intervals of the standard dialect; NULL type: no such operation. */
static const Type *
time_arithmetic(Binder *b, ArithmeticOp op, Expr **left, Expr **right)
{
	TypeKind l = (*left)->type->kind, r = (*right)->type->kind;

	if (l == TYPE_INTERVAL && r == TYPE_INTERVAL)
		return op == ARITH_ADD || op == ARITH_SUB ? type_interval : NULL;
	if (l == TYPE_INTERVAL && op == ARITH_ADD && (r == TYPE_DATE || r == TYPE_TIMESTAMP || r == TYPE_TIME)) {
		Expr *swap = *left;

		*left = *right;
		*right = swap;
		return time_arithmetic(b, op, left, right);
	}
	if (r == TYPE_INTERVAL && (op == ARITH_ADD || op == ARITH_SUB)) {
		if (l == TYPE_DATE)
			*left = expr_cast_to(b, *left, type_timestamp);
		if (l == TYPE_DATE || l == TYPE_TIMESTAMP)
			return type_timestamp;
		if (l == TYPE_TIME)
			return type_time;
	}
	if (op == ARITH_MUL && l == TYPE_INTERVAL && (r == TYPE_INTEGER || r == TYPE_BIGINT)) {
		*right = expr_cast_to(b, *right, type_bigint);
		return type_interval;
	}
	if (op == ARITH_MUL && r == TYPE_INTERVAL && (l == TYPE_INTEGER || l == TYPE_BIGINT)) {
		Expr *swap = *left;

		*left = *right;
		*right = expr_cast_to(b, swap, type_bigint);
		return type_interval;
	}
	if (l == TYPE_DATE && (r == TYPE_INTEGER || r == TYPE_BIGINT) && (op == ARITH_ADD || op == ARITH_SUB)) {
		*right = expr_cast_to(b, *right, type_integer);
		return type_date;
	}
	if (op == ARITH_ADD && r == TYPE_DATE && (l == TYPE_INTEGER || l == TYPE_BIGINT)) {
		Expr *swap = *left;

		*left = *right;
		*right = expr_cast_to(b, swap, type_integer);
		return type_date;
	}
	if (op == ARITH_SUB && l == TYPE_DATE && r == TYPE_DATE)
		return type_integer;
	if (op == ARITH_SUB && ((l == TYPE_TIMESTAMP && (r == TYPE_TIMESTAMP || r == TYPE_DATE)) || (l == TYPE_DATE && r == TYPE_TIMESTAMP))) {
		*left = expr_cast_to(b, *left, type_timestamp);
		*right = expr_cast_to(b, *right, type_timestamp);
		return type_interval;
	}
	return NULL;
}

Status
bind_arithmetic(ExprBinder *eb, const AstExpr *e, ArithmeticOp op, Expr *left, Expr *right, Expr **out, Error *err)
{
	Binder	   *b = eb->binder;
	const Type *lt = left->type, *rt = right->type;

	if (b->standard) {
		/* An untyped literal takes the type of the other side. */
		if (lt->kind == TYPE_NULL || rt->kind == TYPE_NULL) {
			const Type *type = lt->kind == TYPE_NULL ? rt : lt;

			if (type->kind == TYPE_NULL)
				type = type_integer;
			if (!type_is_number(type) && type->kind != TYPE_STRING)
				type = type->kind == TYPE_INTERVAL ? type_timestamp : type;
			*out = expr_constant(b->arena, value_null(type));
			return OK;
		}
		if (is_text_literal(left) && type_is_number(rt) && number_text_type(left->constant.text) != NULL)
			TRY(literal_to(b, left, rt, &left, err));
		else if (is_text_literal(right) && type_is_number(lt) && number_text_type(right->constant.text) != NULL)
			TRY(literal_to(b, right, lt, &right, err));
		lt = left->type;
		rt = right->type;
	}
	if (op == ARITH_ADD && lt->kind == TYPE_STRING && rt->kind == TYPE_STRING) {
		if (b->standard) {
			Expr *args[2] = {left, right};

			return bind_function(eb, "CONCAT", args, 2, e->pos, out, err);
		}
		*out = make_arithmetic(b, op, type_string, left, right, e->pos);
		return OK;
	}
	if (b->standard && !(type_is_number(lt) && type_is_number(rt))) {
		const Type *type = time_arithmetic(b, op, &left, &right);

		if (type == NULL)
			return arithmetic_refuse(eb, e, lt, rt, err);
		*out = make_arithmetic(b, op, type, left, right, e->pos);
		return OK;
	}
	if (!type_is_number(lt) || !type_is_number(rt))
		return arithmetic_refuse(eb, e, lt, rt, err);
	/* standard: a quotient of decimals is a DOUBLE, as DuckDB has it.  No scale of 38 digits keeps the 16 significant ones that
	 * PostgreSQL promises: SUM(x) / SUM(y) is (38,s) by (38,s), which leaves 6 places to the quotient. */
	if (lt->kind == TYPE_DOUBLE || rt->kind == TYPE_DOUBLE ||
		(b->standard && op == ARITH_DIV && (lt->kind == TYPE_DECIMAL || rt->kind == TYPE_DECIMAL)))
		*out = make_arithmetic(b, op, type_double, expr_cast_to(b, left, type_double), expr_cast_to(b, right, type_double), e->pos);
	else if (lt->kind == TYPE_DECIMAL || rt->kind == TYPE_DECIMAL) {
		static const char signs[] = "+-*/%";
		const Type		 *ld = type_as_decimal(lt), *rd = type_as_decimal(rt);
		DecimalShape	  shape = b->standard ? decimal_result_standard(signs[op], type_shape(ld), type_shape(rd))
											  : decimal_result_ksqldb(signs[op], type_shape(ld), type_shape(rd));

		*out = make_arithmetic(b, op, type_decimal(shape.precision, shape.scale), expr_cast_to(b, left, ld),
							   expr_cast_to(b, right, rd), e->pos);
	} else {
		const Type *type = lt->kind == TYPE_BIGINT || rt->kind == TYPE_BIGINT ? type_bigint : type_integer;

		*out = make_arithmetic(b, op, type, expr_cast_to(b, left, type), expr_cast_to(b, right, type), e->pos);
	}
	return OK;
}

/* ---- lists of a common type ---- */

static Status
list_refuse(ExprBinder *eb, const Type *candidate, const AstExpr *ast, const Type *type, Error *err)
{
	Binder *b = eb->binder;

	error_user(err, "operator does not exist: %s = %s (%s)\nHint: You might need to add explicit type casts.", type_text(b, candidate),
			   type_text(b, type), ast_text(b, eb->scope, ast));
	return error_at_pos(err, ast->pos);
}

static Status widen(ExprBinder *eb, const Type **candidate, const AstExpr *ast, const Expr *e, Error *err);

/* Widens each part of a constructor: `asts` against one candidate type. */
static Status
widen_parts(ExprBinder *eb, const Type **candidate, const AstExpr *const *asts, Expr *const *exprs, int n, int step, Error *err)
{
	for (int i = 0; i < n; i++)
		TRY(widen(eb, candidate, asts[i], exprs[i * step], err));
	return OK;
}

static Status
widen_constructor(ExprBinder *eb, const Type **candidate, const AstExpr *ast, const Expr *e, Error *err)
{
	Arena	   *arena = eb->binder->arena;
	const Type *c = *candidate;

	if (ast->kind == AST_ARRAY && e->kind == EXPR_ARRAY) {
		const Type *element = c->element;

		TRY(widen_parts(eb, &element, (const AstExpr *const *)ast->args, e->args, ast->n_args, 1, err));
		*candidate = type_array(element);
	} else if (ast->kind == AST_MAP && e->kind == EXPR_MAP) {
		const Type *key = c->key, *value = c->element;

		for (int i = 0; i < ast->n_entries; i++) {
			TRY(widen(eb, &key, ast->entries[i].key, e->args[2 * i], err));
			TRY(widen(eb, &value, ast->entries[i].value, e->args[2 * i + 1], err));
		}
		*candidate = type_map(key, value);
	} else if (ast->kind == AST_STRUCT && e->kind == EXPR_STRUCT) {
		const Type *first = eb->binder->standard ? c : e->type, *second = eb->binder->standard ? e->type : c;
		TypeField  *fields = arena_array(arena, TypeField, c->n_fields + e->type->n_fields + 1);
		int			n = first->n_fields;

		/* ksqlDB puts the fields of the constructor at hand before those known so far. */
		memcpy(fields, first->fields, sizeof *fields * (size_t)n);
		for (int i = 0; i < second->n_fields; i++)
			if (type_field(first, str_of(second->fields[i].name)) < 0)
				fields[n++] = second->fields[i];
		for (int i = 0; i < e->type->n_fields; i++) {
			int known = type_field(c, str_of(e->type->fields[i].name)), j = 0;

			if (known < 0)
				continue;
			while (strcmp(fields[j].name, e->type->fields[i].name) != 0)
				j++;
			fields[j].type = c->fields[known].type;
			TRY(widen(eb, &fields[j].type, ast->fields[i].value, e->args[i], err));
		}
		*candidate = type_struct(fields, n);
	}
	return OK;
}

static Status
widen(ExprBinder *eb, const Type **candidate, const AstExpr *ast, const Expr *e, Error *err)
{
	Binder	   *b = eb->binder;
	const Type *c = *candidate;
	const Type *t = e->type;
	const Type *common;

	if (t->kind == TYPE_NULL || t == c || (c != NULL && e->kind == EXPR_CONSTANT && e->constant.is_null))
		return OK;
	if (c == NULL || c->kind == TYPE_NULL) {
		*candidate = t;
		return OK;
	}
	if (is_text_literal(e)) {
		if (type_is_number(c)) {
			common = number_text_type(e->constant.text);
			if (common == NULL)
				return literal_invalid(b, c, e, err);
			*candidate = common_number(b->standard, c, common);
			return OK;
		}
		if (c->kind == TYPE_BOOLEAN)
			return is_boolean_prefix(e->constant.text) ? OK : literal_invalid(b, c, e, err);
		if (cast_is_implicit(t, c))
			return OK;
	}
	if (c->kind == TYPE_STRING && e->kind == EXPR_CONSTANT)
		return OK;
	if (c->kind == t->kind && ((ast->kind == AST_ARRAY && c->kind == TYPE_ARRAY) || (ast->kind == AST_MAP && c->kind == TYPE_MAP) ||
							   (ast->kind == AST_STRUCT && c->kind == TYPE_STRUCT)))
		return widen_constructor(eb, candidate, ast, e, err);
	common = common_type(b->standard, c, t);
	if (common != NULL) {
		*candidate = common;
		return OK;
	}
	if (cast_is_implicit(t, c))
		return OK;
	if (c->kind == TYPE_STRUCT && t->kind == TYPE_STRUCT) {
		/* A struct with fewer fields: the others are NULL. */
		bool fits = true;

		for (int i = 0; i < t->n_fields && fits; i++) {
			int at = type_field(c, str_of(t->fields[i].name));

			fits = at >= 0 && cast_is_implicit(t->fields[i].type, c->fields[at].type);
		}
		if (fits)
			return OK;
	}
	return list_refuse(eb, c, ast, t, err);
}

/* Converts an element to the list's type, constructors part by part. */
static Status
coerce(ExprBinder *eb, const AstExpr *ast, Expr *e, const Type *type, Expr **out, Error *err)
{
	Binder *b = eb->binder;
	Expr   *copy;

	if (e->type == type) {
		*out = e;
		return OK;
	}
	if (e->kind == EXPR_CONSTANT && e->constant.is_null) {
		*out = expr_constant(b->arena, value_null(type));
		return OK;
	}
	if (is_text_literal(e) && type->kind != TYPE_STRING)
		return literal_to(b, e, type, out, err);
	if (e->kind == EXPR_ARRAY && ast->kind == AST_ARRAY && type->kind == TYPE_ARRAY) {
		Expr **args = arena_array(b->arena, Expr *, e->n_args + 1);

		for (int i = 0; i < e->n_args; i++)
			TRY(coerce(eb, ast->args[i], e->args[i], type->element, &args[i], err));
		*out = expr_new(b->arena, EXPR_ARRAY, type, args, e->n_args);
		return OK;
	}
	if (e->kind == EXPR_MAP && ast->kind == AST_MAP && type->kind == TYPE_MAP) {
		Expr **args = arena_array(b->arena, Expr *, e->n_args + 1);

		for (int i = 0; i < ast->n_entries; i++) {
			TRY(coerce(eb, ast->entries[i].key, e->args[2 * i], type->key, &args[2 * i], err));
			TRY(coerce(eb, ast->entries[i].value, e->args[2 * i + 1], type->element, &args[2 * i + 1], err));
		}
		*out = expr_new(b->arena, EXPR_MAP, type, args, e->n_args);
		return OK;
	}
	if (e->kind == EXPR_STRUCT && ast->kind == AST_STRUCT && type->kind == TYPE_STRUCT) {
		Expr **args = arena_array(b->arena, Expr *, type->n_fields + 1);

		for (int i = 0; i < type->n_fields; i++) {
			int j = type_field(e->type, str_of(type->fields[i].name));

			if (j < 0)
				args[i] = expr_constant(b->arena, value_null(type->fields[i].type));
			else
				TRY(coerce(eb, ast->fields[j].value, e->args[j], type->fields[i].type, &args[i], err));
		}
		*out = expr_new(b->arena, EXPR_STRUCT, type, args, type->n_fields);
		return OK;
	}
	copy = expr_cast_to(b, e, type);
	*out = copy;
	return OK;
}

Status
bind_common_list(ExprBinder *eb, const AstExpr *const *asts, Expr **exprs, int n, const Type **type, Error *err)
{
	const Type *candidate = NULL;

	for (int i = 0; i < n; i++)
		TRY(widen(eb, &candidate, asts[i], exprs[i], err));
	if (candidate == NULL || candidate->kind == TYPE_NULL) {
		*type = type_null;
		return OK;
	}
	for (int i = 0; i < n; i++)
		TRY(coerce(eb, asts[i], exprs[i], candidate, &exprs[i], err));
	*type = candidate;
	return OK;
}
