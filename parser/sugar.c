/* Forms of PostgreSQL and DuckDB that stand for something that the tree has: calls of functions, literals. */
#include <string.h>

#include "grammar.h"
#include "parser/parser_impl.h"

AstExpr *
expr_call_of(ParseState *ps, AstPos start, ParseToken token, const char *function, AstExpr *a, AstExpr *b, AstExpr *c)
{
	AstExpr	   *e = ast_expr_new(ps, AST_CALL, start);
	AstList	   *args = list_add(ps, NULL, a);

	if (b != NULL)
		args = list_add(ps, args, b);
	if (c != NULL)
		args = list_add(ps, args, c);
	e->name = (AstIdent){.text = function, .pos = token.pos};
	e->args = (AstExpr **)list_pointers(args);
	e->n_args = list_length(args);
	return expr_done(ps, e);
}

static AstExpr *
string_new(ParseState *ps, AstPos pos, const char *text)
{
	AstExpr	   *e = ast_expr_new(ps, AST_STRING, pos);

	e->text = text;
	return expr_done(ps, e);
}

static AstExpr *
integer_new(ParseState *ps, AstPos pos, int value)
{
	AstExpr	   *e = ast_expr_new(ps, AST_INTEGER, pos);

	e->integer = value;
	e->text = arena_printf(ps->arena, "%d", value);
	return expr_done(ps, e);
}

AstExpr *
expr_negated_call(ParseState *ps, bool is_negated, AstExpr *call)
{
	ParseToken	token = {.pos = call->pos};

	return is_negated ? expr_unary(ps, AST_OP_NOT, token, call) : call;
}

static AstExpr *
like_new(ParseState *ps, AstExpr *left, AstExpr *right, bool is_ilike, bool is_negated)
{
	AstExpr	   *e = ast_expr_new(ps, AST_LIKE, left->pos);

	e->left = left;
	e->right = right;
	e->is_ilike = is_ilike;
	e->is_negated = is_negated;
	return expr_done(ps, e);
}

AstExpr *
expr_match(ParseState *ps, AstExpr *left, ParseToken op, AstExpr *right)
{
	const char *t = op.text;
	bool		is_negated = t[0] == '!';
	size_t		n = strlen(t) - is_negated;
	bool		is_nocase = n > 1 && t[is_negated + n - 1] == '*';
	AstExpr	   *call;

	if (t[0] == '^')
		return expr_call_of(ps, left->pos, op, "STARTS_WITH", left, right, NULL);
	if (strncmp(t + is_negated, "~~", 2) == 0)
		return like_new(ps, left, right, is_nocase, is_negated);
	if (is_nocase)
		call = expr_call_of(ps, left->pos, op, "REGEXP_MATCHES", left, right, string_new(ps, op.pos, "i"));
	else
		call = expr_call_of(ps, left->pos, op, "REGEXP_MATCHES", left, right, NULL);
	return expr_negated_call(ps, is_negated, call);
}

AstExpr *
expr_pattern(ParseState *ps, ParseToken token, AstExpr *value, const char *function, AstExpr *pattern, AstExpr *escape)
{
	AstExpr	   *regex = expr_call_of(ps, pattern->pos, token, function, pattern, escape, NULL);

	return expr_call_of(ps, value->pos, token, "REGEXP_FULL_MATCH", value, regex, NULL);
}

/* x[2:] goes to the last element, which is number -1. */
AstExpr *
expr_slice(ParseState *ps, AstExpr *list, ParseToken token, AstExpr *from, AstExpr *to)
{
	return expr_call_of(ps, list->pos, token, "LIST_SLICE", list, from != NULL ? from : integer_new(ps, token.pos, 1),
						to != NULL ? to : integer_new(ps, token.pos, -1));
}

/* A path as it is; a name as the path of the member that has it. */
AstExpr *
expr_json_key(ParseState *ps, ParseToken key)
{
	StrBuf		path = {0};
	AstExpr	   *e;

	if (key.text[0] == '$' || key.text[0] == '/')
		return string_new(ps, key.pos, key.text);
	strbuf_add_text(&path, "$[\"");
	for (const char *p = key.text; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			strbuf_add_char(&path, '\\');
		strbuf_add_char(&path, *p);
	}
	strbuf_add_text(&path, "\"]");
	e = string_new(ps, key.pos, arena_strdup(ps->arena, strbuf_text(&path)));
	strbuf_free(&path);
	return e;
}

AstExpr *
expr_json_index(ParseState *ps, ParseToken index)
{
	return string_new(ps, index.pos, arena_printf(ps->arena, "$[%s]", index.text));
}

AstExpr *
expr_struct_of_pairs(ParseState *ps, AstPos start, AstList *pairs)
{
	AstExpr	   *e = ast_expr_new(ps, AST_STRUCT, start);
	AstList	   *fields = NULL;

	for (int i = 0; i < list_length(pairs); i++) {
		const AstMapEntry *pair = pairs->items[i];
		AstStructField *field = arena_new(ps->arena, AstStructField);

		if (pair->key->kind == AST_STRING)
			field->name = (AstIdent){.text = pair->key->text, .is_quoted = true, .pos = pair->key->pos};
		else if (pair->key->kind == AST_COLUMN && pair->key->qualifier.text == NULL)
			field->name = pair->key->name;
		else
			parse_fail(ps, pair->key->pos, "A field of a struct has a name: {'a': 1} or {a: 1}. Keys of any type are for MAP {1: 'x'}");
		field->value = pair->value;
		fields = list_add(ps, fields, field);
	}
	e->fields = list_structs(ps, fields, sizeof(AstStructField));
	e->n_fields = list_length(fields);
	return expr_done(ps, e);
}

AstExpr *
expr_lambda_of_names(ParseState *ps, AstList *names, AstExpr *body)
{
	AstExpr	   *e = ast_expr_new(ps, AST_LAMBDA, ((AstIdent *)names->items[0])->pos);

	e->params = list_structs(ps, names, sizeof(AstIdent));
	e->n_params = list_length(names);
	e->right = body;
	return expr_done(ps, e);
}

AstExpr *
expr_extract(ParseState *ps, ParseToken token, AstIdent part, AstExpr *arg)
{
	AstExpr	   *e = ast_expr_new(ps, AST_EXTRACT, token.pos);

	e->name = part;
	e->arg = arg;
	return expr_done(ps, e);
}

/* ---- aggregates by other names ---- */

static bool
is_call(const AstExpr *call, const char *name, int n_args)
{
	return call->n_args == n_args && !call->is_star && str_equal_nocase(str_of(call->name.text), str_of(name));
}

static AstExpr *
not_null(ParseState *ps, AstExpr *arg)
{
	AstExpr	   *e = ast_expr_new(ps, AST_IS_NULL, arg->pos);

	e->arg = arg;
	e->is_negated = true;
	return expr_done(ps, e);
}

static AstExpr *
count_where(ParseState *ps, AstExpr *call, AstExpr *condition)
{
	call->name.text = "COUNT";
	call->is_star = true;
	call->n_args = 0;
	call->filter = call->filter != NULL ? expr_binary(ps, AST_OP_AND, call->filter, condition) : condition;
	return expr_done(ps, call);
}

/* QUANTILE_CONT(x, [0.25, 0.5]) is [QUANTILE_CONT(x, 0.25), QUANTILE_CONT(x, 0.5)]. */
static AstExpr *
quantiles(ParseState *ps, const AstExpr *call)
{
	AstList	   *list = NULL;

	for (int i = 0; i < call->args[1]->n_args; i++) {
		AstExpr	   *one = arena_memdup(ps->arena, call, sizeof *call);

		one->args = arena_array(ps->arena, AstExpr *, 2);
		one->args[0] = call->args[0];
		one->args[1] = call->args[1]->args[i];
		list = list_add(ps, list, expr_done(ps, one));
	}
	return expr_list(ps, AST_ARRAY, call->pos, list);
}

AstExpr *
call_done(ParseState *ps, AstExpr *call)
{
	static const char *const others[][2] = {{"FSUM", "SUM"}, {"KAHAN_SUM", "SUM"}, {"SUMKAHAN", "SUM"}, {"FAVG", "AVG"}, {"MEAN", "AVG"},
											{"ARBITRARY", "ANY_VALUE"}, {"GROUPING_ID", "GROUPING"}};
	static const char *const quantile_names[] = {"QUANTILE_CONT", "QUANTILE_DISC", "QUANTILE"};

	if (ps->options.is_ksqldb)
		return call;
	if (is_call(call, "COUNT_IF", 1) || is_call(call, "COUNTIF", 1))
		return count_where(ps, call, call->args[0]);
	if (is_call(call, "REGR_COUNT", 2))
		return count_where(ps, call, expr_binary(ps, AST_OP_AND, not_null(ps, call->args[0]), not_null(ps, call->args[1])));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (str_equal_nocase(str_of(call->name.text), str_of(others[i][0])))
			call->name.text = others[i][1];
	for (size_t i = 0; i < sizeof quantile_names / sizeof *quantile_names; i++)
		if (is_call(call, quantile_names[i], 2) && call->args[1]->kind == AST_ARRAY)
			return quantiles(ps, call);
	return call;
}
