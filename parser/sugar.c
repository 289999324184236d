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
