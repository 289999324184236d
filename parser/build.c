/* Makers of nodes, for the grammar's actions.  They count the depth of what they make, so that walkers may recurse. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parser/parser_impl.h"

AstList *
list_add(ParseState *ps, AstList *list, void *item)
{
	if (list == NULL) {
		list = arena_new(ps->arena, AstList);
		list->capacity = 4;
		list->items = arena_array(ps->arena, void *, list->capacity);
	} else if (list->n == list->capacity) {
		int		capacity = list->capacity * 2 + 4;
		void  **items = arena_array(ps->arena, void *, capacity);

		memcpy(items, list->items, sizeof *items * (size_t)list->n);
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->n++] = item;
	return list;
}

int
list_length(const AstList *list)
{
	return list != NULL ? list->n : 0;
}

void **
list_pointers(const AstList *list)
{
	return list != NULL ? list->items : NULL;
}

void *
list_structs(ParseState *ps, const AstList *list, size_t size)
{
	if (list == NULL || list->n == 0)
		return NULL;

	char   *out = arena_alloc(ps->arena, size * (size_t)list->n);

	for (int i = 0; i < list->n; i++)
		memcpy(out + size * (size_t)i, list->items[i], size);
	return out;
}

AstPos
pos_span(const ParseState *ps, AstPos start)
{
	if (ps->at > 0) {
		AstPos	last = ps->inputs[ps->at - 1].value.pos;

		if (last.offset + last.length > start.offset)
			start.length = last.offset + last.length - start.offset;
	}
	return start;
}

AstIdent
ident_of(ParseToken token)
{
	return (AstIdent){token.text, token.is_quoted, token.pos};
}

AstIdent *
ident_copy(ParseState *ps, AstIdent ident)
{
	return arena_memdup(ps->arena, &ident, sizeof ident);
}

/* ksqlDB takes a source name of letters, digits, _ and - only, even when quoted. */
AstIdent
source_name(ParseState *ps, AstIdent name)
{
	if (!ps->options.is_ksqldb)
		return name;
	for (const char *p = name.text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-')) {
			parse_fail(ps, name.pos, "Illegal argument at Line: %d, Col: %d. Source name may only contain alphanumeric "
					   "values, '_' or '-'. Got: '%s'", name.pos.line, name.pos.column, name.text);
			break;
		}
	}
	return name;
}

/* ---- depth ---- */

static int
deeper(int depth, int other)
{
	return other > depth ? other : depth;
}

static int
depth_of(int depth, const AstExpr *expr)
{
	return expr != NULL ? deeper(depth, expr->depth) : depth;
}

static int
depth_of_exprs(int depth, AstExpr *const *exprs, int n)
{
	for (int i = 0; i < n; i++)
		depth = depth_of(depth, exprs[i]);
	return depth;
}

static int
depth_of_order(int depth, const AstOrderItem *items, int n)
{
	for (int i = 0; i < n; i++)
		depth = depth_of(depth, items[i].expr);
	return depth;
}

static int
depth_of_over(int depth, const AstOver *over)
{
	if (over == NULL)
		return depth;
	depth = depth_of_exprs(depth, over->partition_by, over->n_partition_by);
	depth = depth_of_order(depth, over->order_by, over->n_order_by);
	depth = depth_of(depth, over->start.offset);
	return depth_of(depth, over->end.offset);
}

static int
depth_check(ParseState *ps, int depth, AstPos pos)
{
	if (depth > AST_DEPTH_MAX)
		parse_fail(ps, pos, "The statement is nested too deeply: more than %d levels", AST_DEPTH_MAX);
	return depth;
}

AstExpr *
ast_expr_new(ParseState *ps, AstExprKind kind, AstPos start)
{
	AstExpr	   *expr = arena_new(ps->arena, AstExpr);

	expr->kind = kind;
	expr->pos = pos_span(ps, start);
	return expr;
}

AstExpr *
expr_done(ParseState *ps, AstExpr *expr)
{
	int		depth = 0;

	expr->pos = pos_span(ps, expr->pos);
	depth = depth_of(depth, expr->arg);
	depth = depth_of(depth, expr->left);
	depth = depth_of(depth, expr->right);
	depth = depth_of(depth, expr->escape);
	depth = depth_of(depth, expr->filter);
	depth = depth_of_exprs(depth, expr->args, expr->n_args);
	depth = depth_of_order(depth, expr->order_by, expr->n_order_by);
	depth = depth_of_over(depth, expr->over);
	for (int i = 0; i < expr->n_whens; i++)
		depth = depth_of(depth_of(depth, expr->whens[i].condition), expr->whens[i].result);
	for (int i = 0; i < expr->n_entries; i++)
		depth = depth_of(depth_of(depth, expr->entries[i].key), expr->entries[i].value);
	for (int i = 0; i < expr->n_fields; i++)
		depth = depth_of(depth, expr->fields[i].value);
	for (int i = 0; i < expr->n_replaces; i++)
		depth = depth_of(depth, expr->replaces[i].expr);
	if (expr->query != NULL)
		depth = deeper(depth, expr->query->depth);
	expr->depth = depth_check(ps, depth + 1, expr->pos);
	return expr;
}

AstExpr *
expr_text(ParseState *ps, AstExprKind kind, ParseToken token)
{
	AstExpr	   *expr = ast_expr_new(ps, kind, token.pos);

	expr->text = token.text;
	return expr;
}

/* ksqlDB tells the place one column behind the literal's. */
static void
number_fail(ParseState *ps, const AstExpr *expr)
{
	const char *what = expr->kind == AST_DOUBLE ? "Number overflows DOUBLE" : "Invalid numeric literal";

	if (ps->options.is_ksqldb)
		parse_fail(ps, expr->pos, "Failed to prepare statement: line %d:%d: %s: %s", expr->pos.line, expr->pos.column + 1, what,
				   expr->text);
	else
		parse_fail(ps, expr->pos, "%s: %s", what, expr->text);
}

/* Beyond 64 bits a whole number of the standard dialect is a DECIMAL. */
static bool
number_widen(AstExpr *expr, const char *digits, bool is_standard)
{
	if (!is_standard || strlen(digits) > 38)
		return false;
	expr->kind = AST_DECIMAL;
	return true;
}

/* A literal's kind by its size; false if it is beyond the largest. */
static bool
number_classify(AstExpr *expr, bool is_standard)
{
	bool	is_negative = expr->text[0] == '-';
	const char *digits = expr->text + is_negative;
	uint64_t value = 0;
	uint64_t limit = (uint64_t)INT64_MAX + is_negative;

	if (expr->kind == AST_DOUBLE)
		return !isinf(strtod(expr->text, NULL));
	if (expr->kind == AST_DECIMAL)
		return true;
	for (const char *p = digits; *p != '\0'; p++) {
		unsigned	digit = (unsigned)(*p - '0');

		if (value > (limit - digit) / 10)
			return number_widen(expr, digits, is_standard);
		value = value * 10 + digit;
	}
	expr->integer = is_negative ? (int64_t)(0 - value) : (int64_t)value;
	expr->kind = expr->integer >= INT32_MIN && expr->integer <= INT32_MAX ? AST_INTEGER : AST_BIGINT;
	return true;
}

/* What is too large waits for its minus, which may make it fit and is part of it in any case: see expr_unary(). */
AstExpr *
expr_number(ParseState *ps, AstExprKind kind, ParseToken token)
{
	AstExpr	   *expr = expr_text(ps, kind, token);

	if (!number_classify(expr, !ps->options.is_ksqldb))
		ps->too_large = list_add(ps, ps->too_large, expr);
	return expr;
}

static bool
expr_is_number(const AstExpr *expr)
{
	return expr->kind == AST_INTEGER || expr->kind == AST_BIGINT || expr->kind == AST_DECIMAL || expr->kind == AST_DOUBLE;
}

void
numbers_check(ParseState *ps)
{
	for (int i = 0; i < list_length(ps->too_large); i++) {
		AstExpr	   *expr = ps->too_large->items[i];

		if (expr->text[0] != '-')
			number_fail(ps, expr);
	}
}

/* The sign of `- 5` belongs to the number. */
AstExpr *
expr_unary(ParseState *ps, AstOp op, ParseToken token, AstExpr *arg)
{
	if (op == AST_OP_NEGATE && expr_is_number(arg) && !arg->has_parens && arg->text[0] != '-') {
		arg->text = arena_printf(ps->arena, "-%s", arg->text);
		arg->pos = pos_span(ps, token.pos);
		if (arg->kind == AST_BIGINT || arg->kind == AST_INTEGER || strchr(arg->text, '.') == NULL)
			arg->kind = arg->kind == AST_DOUBLE ? AST_DOUBLE : AST_INTEGER;
		if (!number_classify(arg, !ps->options.is_ksqldb))
			number_fail(ps, arg);
		return arg;
	}

	AstExpr	   *expr = ast_expr_new(ps, AST_UNARY, token.pos);

	expr->op = op;
	expr->arg = arg;
	return expr_done(ps, expr);
}

AstExpr *
expr_binary(ParseState *ps, AstOp op, AstExpr *left, AstExpr *right)
{
	AstExpr	   *expr = ast_expr_new(ps, AST_BINARY, left->pos);

	expr->op = op;
	expr->left = left;
	expr->right = right;
	return expr_done(ps, expr);
}

AstExpr *
ast_expr_column(ParseState *ps, AstIdent qualifier, AstIdent name)
{
	AstExpr	   *expr = ast_expr_new(ps, AST_COLUMN, qualifier.text != NULL ? qualifier.pos : name.pos);

	expr->qualifier = qualifier;
	expr->name = name;
	expr->text = arena_strndup(ps->arena, ps->text.data + name.pos.offset, (size_t)name.pos.length);
	return expr;
}

AstExpr *
expr_parens(ParseState *ps, AstPos start, AstExpr *expr)
{
	expr->has_parens = true;
	expr->pos = pos_span(ps, start);
	return expr;
}

AstExpr *
expr_list(ParseState *ps, AstExprKind kind, AstPos start, AstList *args)
{
	AstExpr	   *expr = ast_expr_new(ps, kind, start);

	expr->args = (AstExpr **)list_pointers(args);
	expr->n_args = list_length(args);
	return expr_done(ps, expr);
}

AstExpr *
expr_query(ParseState *ps, AstExprKind kind, AstPos start, AstQuery *query)
{
	AstExpr	   *expr = ast_expr_new(ps, kind, start);

	expr->query = query;
	return expr_done(ps, expr);
}

/* x => e and (x, y) => e: the parameters were read as an expression. */
AstExpr *
expr_lambda(ParseState *ps, AstExpr *params, AstExpr *body)
{
	AstExpr	   *expr = ast_expr_new(ps, AST_LAMBDA, params->pos);
	AstList	   *list = NULL;
	bool		is_row = params->kind == AST_ROW;
	int			n = is_row ? params->n_args : 1;

	for (int i = 0; i < n; i++) {
		AstExpr	   *param = is_row ? params->args[i] : params;

		if (param->kind != AST_COLUMN || param->qualifier.text != NULL || (is_row && param->has_parens)) {
			parse_fail(ps, param->pos, "The parameters of a lambda must be names, such as x => x + 1 or (k, v) => k");
			break;
		}
		list = list_add(ps, list, &param->name);
	}
	expr->params = list_structs(ps, list, sizeof(AstIdent));
	expr->n_params = list_length(list);
	expr->right = body;
	return expr_done(ps, expr);
}

AstExpr *
expr_unit(ParseState *ps, AstUnit unit, ParseToken token)
{
	AstExpr	   *expr = expr_text(ps, AST_UNIT, token);

	expr->unit = unit;
	return expr;
}

/* ---- units ---- */

static const struct {
	const char *name;
	int64_t		ms;
} units[] = {
	[AST_UNIT_MICROSECOND] = {"MICROSECONDS", 0},
	[AST_UNIT_MILLISECOND] = {"MILLISECONDS", 1},
	[AST_UNIT_SECOND] = {"SECONDS", 1000},
	[AST_UNIT_MINUTE] = {"MINUTES", 60 * 1000},
	[AST_UNIT_HOUR] = {"HOURS", 3600 * 1000},
	[AST_UNIT_DAY] = {"DAYS", 86400 * 1000},
	[AST_UNIT_WEEK] = {"WEEKS", 7 * 86400 * (int64_t)1000},
	[AST_UNIT_MONTH] = {"MONTHS", 0},
	[AST_UNIT_QUARTER] = {"QUARTERS", 0},
	[AST_UNIT_YEAR] = {"YEARS", 0},
};

const char *
ast_unit_name(AstUnit unit)
{
	return units[unit].name;
}

int64_t
ast_unit_ms(AstUnit unit)
{
	return units[unit].ms;
}

/* The unit of a word that the grammar knows to be one, singular or plural. */
AstUnit
unit_of(const char *word)
{
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		size_t	length = strlen(units[i].name) - 1;

		if (strncasecmp(word, units[i].name, length) == 0)
			return (AstUnit)i;
	}
	return AST_UNIT_MILLISECOND;
}

const char *
ast_op_text(AstOp op)
{
	static const char *const texts[] = {
		[AST_OP_NEGATE] = "-", [AST_OP_PLUS] = "+", [AST_OP_NOT] = "NOT", [AST_OP_ADD] = "+", [AST_OP_SUBTRACT] = "-",
		[AST_OP_MULTIPLY] = "*", [AST_OP_DIVIDE] = "/", [AST_OP_MODULO] = "%", [AST_OP_CONCAT] = "||",
		[AST_OP_EQUAL] = "=", [AST_OP_NOT_EQUAL] = "<>", [AST_OP_LESS] = "<", [AST_OP_LESS_EQUAL] = "<=",
		[AST_OP_GREATER] = ">", [AST_OP_GREATER_EQUAL] = ">=", [AST_OP_AND] = "AND", [AST_OP_OR] = "OR",
	};

	return texts[op];
}

int64_t
int_of(ParseState *ps, ParseToken token)
{
	int64_t	value = 0;

	for (const char *p = token.text; *p != '\0'; p++) {
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *p - '0', &value)) {
			parse_fail(ps, token.pos, "The number %s is too large", token.text);
			return 0;
		}
	}
	return value;
}

AstDuration
duration_of(ParseState *ps, ParseToken amount, AstUnit unit)
{
	AstDuration d = {.is_set = true, .amount = int_of(ps, amount), .unit = unit, .pos = pos_span(ps, amount.pos)};
	int64_t		ms;

	if (__builtin_mul_overflow(d.amount, ast_unit_ms(unit), &ms))
		parse_fail(ps, d.pos, "The time %s %s is too long", amount.text, ast_unit_name(unit));
	return d;
}

/* ---- where a value is wanted ---- */

static bool
expr_is_predicate(const AstExpr *expr)
{
	if (expr->has_parens)
		return false;
	switch (expr->kind) {
	case AST_BETWEEN:
	case AST_IN_LIST:
	case AST_IN_QUERY:
	case AST_QUANTIFIED:
	case AST_LIKE:
	case AST_IS_NULL:
	case AST_IS_DISTINCT:
	case AST_IS_BOOLEAN:
		return true;
	case AST_UNARY:
		return expr->op == AST_OP_NOT;
	case AST_BINARY:
		return expr->op >= AST_OP_EQUAL;
	default:
		return false;
	}
}

void
expr_check_value(ParseState *ps, const AstExpr *expr)
{
	if (ps->options.is_ksqldb && expr_is_predicate(expr))
		parse_fail(ps, expr->pos, "line %d:%d: Syntax Error\nA condition must be in parentheses here",
				   expr->pos.line, expr->pos.column);
}

void
expr_check_values(ParseState *ps, const AstList *list)
{
	for (int i = 0; i < list_length(list); i++)
		expr_check_value(ps, list->items[i]);
}

/* ---- types ---- */

AstType *
type_new(ParseState *ps, AstTypeKind kind, AstPos start)
{
	AstType	   *type = arena_new(ps->arena, AstType);

	type->kind = kind;
	type->pos = pos_span(ps, start);
	return type;
}

#define ARRAY_SUFFIXES_MAX 100

AstType *
type_wrap_array(ParseState *ps, AstType *element)
{
	AstType	   *type = type_new(ps, AST_TYPE_ARRAY, element->pos);
	int			n = 0;

	type->element = element;
	for (AstType *t = element; t != NULL && t->kind == AST_TYPE_ARRAY; t = t->element)
		n++;
	if (n > ARRAY_SUFFIXES_MAX)
		parse_fail(ps, type->pos, "The type is nested too deeply");
	return type;
}

/* ---- queries ---- */

AstRelation *
relation_new(ParseState *ps, AstRelationKind kind, AstPos start)
{
	AstRelation *relation = arena_new(ps->arena, AstRelation);

	relation->kind = kind;
	relation->pos = pos_span(ps, start);
	return relation;
}

static int
depth_of_items(int depth, const AstSelectItem *items, int n)
{
	for (int i = 0; i < n; i++)
		depth = depth_of(depth, items[i].expr);
	return depth;
}

static int
depth_of_pivot(int depth, const AstPivot *pivot)
{
	depth = depth_of_items(depth, pivot->aggregates, pivot->n_aggregates);
	for (int i = 0; i < pivot->n_ons; i++) {
		depth = depth_of_items(depth_of(depth, pivot->ons[i].expr), pivot->ons[i].values, pivot->ons[i].n_values);
		if (pivot->ons[i].query != NULL)
			depth = deeper(depth, pivot->ons[i].query->depth);
	}
	return depth;
}

AstRelation *
relation_done(ParseState *ps, AstRelation *relation)
{
	int		depth = depth_of(depth_of(0, relation->on), relation->function);

	relation->pos = pos_span(ps, relation->pos);
	if (relation->query != NULL)
		depth = deeper(depth, relation->query->depth);
	if (relation->pivot != NULL)
		depth = depth_of_pivot(depth, relation->pivot);
	if (relation->left != NULL)
		depth = deeper(depth, relation->left->depth);
	if (relation->right != NULL)
		depth = deeper(depth, relation->right->depth);
	relation->depth = depth_check(ps, depth + 1, relation->pos);
	return relation;
}

static int
depth_of_grouping(int depth, const AstGrouping *grouping)
{
	depth = depth_of(depth, grouping->expr);
	for (int i = 0; i < grouping->n_items; i++)
		depth = depth_of_grouping(depth, grouping->items[i]);
	return depth;
}

AstSelect *
select_done(ParseState *ps, AstSelect *select)
{
	int		depth = depth_of(depth_of(depth_of(0, select->where), select->having), select->qualify);

	depth = depth_of_items(depth, select->items, select->n_items);
	for (int i = 0; i < select->n_group_by; i++)
		depth = depth_of_grouping(depth, select->group_by[i]);
	for (int i = 0; i < select->n_windows; i++)
		depth = depth_of_over(depth, select->windows[i].over);
	depth = depth_of_exprs(depth, select->partition_by, select->n_partition_by);
	depth = depth_of_exprs(depth, select->distinct_on, select->n_distinct_on);
	if (select->from != NULL)
		depth = deeper(depth, select->from->depth);
	select->depth = depth_check(ps, depth + 1, select->pos);
	return select;
}

AstBody *
body_new(ParseState *ps, AstBodyKind kind, AstPos start)
{
	AstBody	   *body = arena_new(ps->arena, AstBody);

	body->kind = kind;
	body->pos = pos_span(ps, start);
	return body;
}

AstBody *
body_done(ParseState *ps, AstBody *body)
{
	int		depth = 0;

	if (body->select != NULL)
		depth = body->select->depth;
	if (body->query != NULL)
		depth = body->query->depth;
	for (int i = 0; i < body->n_rows; i++)
		depth = depth_of_exprs(depth, body->rows[i].values, body->rows[i].n_values);
	if (body->left != NULL)
		depth = deeper(depth, body->left->depth);
	if (body->right != NULL)
		depth = deeper(depth, body->right->depth);
	body->depth = depth_check(ps, depth + 1, body->pos);
	return body;
}

AstQuery *
query_done(ParseState *ps, AstQuery *query)
{
	int		depth = depth_of(depth_of(query->body->depth, query->limit), query->offset);

	depth = depth_of_order(depth, query->order_by, query->n_order_by);
	for (int i = 0; i < query->n_ctes; i++)
		depth = deeper(depth, query->ctes[i].query->depth);
	query->depth = depth_check(ps, depth + 1, query->pos);
	return query;
}

AstGrouping *
grouping_of(ParseState *ps, AstGroupingKind kind, AstPos start, AstExpr *expr, AstList *items)
{
	AstGrouping *g = arena_new(ps->arena, AstGrouping);

	g->kind = kind;
	g->pos = pos_span(ps, start);
	g->expr = expr;
	g->items = (AstGrouping **)list_pointers(items);
	g->n_items = list_length(items);
	return g;
}

/* (a, b) was read as a row: as a grouping it is a tuple. */
AstGrouping *
grouping_of_expr(ParseState *ps, AstExpr *expr)
{
	AstList	   *items = NULL;

	if (expr->kind != AST_ROW || expr->has_parens) {
		expr_check_value(ps, expr);
		return grouping_of(ps, AST_GROUP_EXPR, expr->pos, expr, NULL);
	}
	for (int i = 0; i < expr->n_args; i++)
		items = list_add(ps, items, grouping_of(ps, AST_GROUP_EXPR, expr->args[i]->pos, expr->args[i], NULL));
	return grouping_of(ps, AST_GROUP_TUPLE, expr->pos, NULL, items);
}

AstStatement *
statement_new(ParseState *ps, AstStatementKind kind, AstPos start)
{
	AstStatement *statement = arena_new(ps->arena, AstStatement);

	statement->kind = kind;
	statement->pos = pos_span(ps, start);
	statement->text = str_make(ps->text.data + statement->pos.offset, (size_t)statement->pos.length);
	return statement;
}
