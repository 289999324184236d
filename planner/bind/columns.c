/*
 * COLUMNS(...): an item of the select list, or the condition of WHERE, for each of several columns: COLUMNS(*), COLUMNS(t.* EXCLUDE (a)),
 * COLUMNS('regex'), COLUMNS(['a', 'b']), COLUMNS(c -> c LIKE 'x%').  Standard dialect.
 */
#include "common/like.h"
#include "common/regex.h"
#include "exec/expr/program.h"
#include "parser/ast_print.h"
#include "planner/bind/select.h"

static bool
is_columns(const AstExpr *e, void *context)
{
	(void)context;
	return e->kind == AST_CALL && str_equal_nocase(str_of(e->name.text), STR("COLUMNS"));
}

const AstExpr *
columns_call(const AstExpr *e)
{
	return ast_find(e, is_columns, NULL);
}

bool
star_has(Binder *b, const AstExpr *star, const char *name)
{
	const Like *like;
	Error		ignored;

	for (int i = 0; i < star->n_params; i++)
		if (name_matches(b->standard, name, bind_name(b->context, star->params[i]), false))
			return false;
	if (star->right == NULL)
		return true;
	if (like_compile(b->arena, str_of(star->right->text), LIKE_NO_ESCAPE, star->is_ilike ? LIKE_STANDARD | LIKE_NOCASE : LIKE_STANDARD, &like, &ignored) != OK)
		return false;
	return like_match(like, str_of(name)) != star->is_negated;
}

/* ---- which columns ---- */

typedef struct Chosen {
	const AstExpr	   *call;
	int					n, capacity;
	const ScopeColumn **columns;
	Regex			   *regex;
} Chosen;

static void
choose(Binder *b, Chosen *c, const ScopeColumn *column)
{
	arena_grow(b->arena, c->columns, c->n, c->capacity);
	c->columns[c->n++] = column;
}

typedef struct ParameterName {
	Arena		  *arena;
	const AstExpr *lambda;
	const char	  *name;
} ParameterName;

static AstExpr *
place_parameter(const AstExpr *e, void *context)
{
	const ParameterName *p = context;

	if (e->kind == AST_COLUMN && e->qualifier.text == NULL && str_equal_nocase(str_of(e->name.text), str_of(p->lambda->params[0].text)))
		return ast_string(p->arena, p->name, e->pos);
	return NULL;
}

/* COLUMNS(c -> condition): a constant condition once the name of the column stands for c. */
static Status
lambda_wants(Binder *b, const AstExpr *lambda, const char *name, bool *out, Error *err)
{
	ExprBinder	  eb = {.binder = b, .clause = CLAUSE_CONSTANT};
	ParameterName p = {b->arena, lambda, name};
	Expr		 *condition;
	Value		  value;

	if (lambda->n_params != 1) {
		error_user(err, "The lambda of COLUMNS takes one parameter, the name of a column.");
		return error_at_pos(err, lambda->pos);
	}
	TRY(bind_condition(&eb, ast_transform(b->arena, lambda->right, place_parameter, &p), &condition, err));
	if (expr_eval_constant(b->arena, condition, b->context->env, &value, err) != OK)
		return error_at_pos(err, lambda->pos);
	*out = !value.is_null && value.boolean;
	return OK;
}

static Status
regex_wants(Chosen *c, const AstExpr *pattern, const char *name, bool *out, Error *err)
{
	RegexMatch match;
	size_t	   pos = 0;
	Status	   status;

	if (c->regex == NULL && regex_compile(str_of(pattern->text), REGEX_JAVA, &c->regex, err) != OK)
		return error_at_pos(err, pattern->pos);
	status = regex_next(c->regex, str_of(name), &pos, &match, err);
	if (status == FAILED)
		return error_at_pos(err, pattern->pos);
	*out = status == OK;
	return OK;
}

/* The columns that a test of each name chooses, in the order of FROM. */
static Status
choose_by_test(SelectBinder *sb, Chosen *c, const AstExpr *arg, const char *qualifier, Error *err)
{
	Binder		*b = sb->binder;
	const Scope *scope = sb->scope;

	for (int i = 0; i < scope->n_columns; i++) {
		const ScopeColumn *column = &scope->columns[i];
		bool			   wanted = true;

		if (column->is_hidden || (qualifier != NULL && (column->qualifier == NULL || !name_matches(true, column->qualifier, qualifier, false))))
			continue;
		if (arg != NULL && (arg->kind == AST_STAR || arg->kind == AST_QUALIFIED_STAR))
			wanted = star_has(b, arg, column->name);
		else if (arg != NULL && arg->kind == AST_STRING)
			TRY(regex_wants(c, arg, column->name, &wanted, err));
		else if (arg != NULL)
			TRY(lambda_wants(b, arg, column->name, &wanted, err));
		if (wanted)
			choose(b, c, column);
	}
	return OK;
}

/* In the order of FROM, as DuckDB has it. */
static Status
choose_named(ExprBinder *eb, Chosen *c, const AstExpr *list, Error *err)
{
	const Scope *scope = eb->scope;
	bool		*wanted = arena_array(eb->binder->arena, bool, scope->n_columns + 1);

	for (int i = 0; i < list->n_args; i++) {
		const ScopeColumn *column;

		if (list->args[i]->kind != AST_STRING) {
			error_user(err, "COLUMNS takes a list of names of columns: COLUMNS(['a', 'b']).");
			return error_at_pos(err, list->args[i]->pos);
		}
		TRY(scope_find(eb, ast_column(eb->binder->arena, NULL, list->args[i]->text, list->args[i]->pos), &column, err));
		wanted[column - scope->columns] = true;
	}
	for (int i = 0; i < scope->n_columns; i++)
		if (wanted[i])
			choose(eb->binder, c, &scope->columns[i]);
	return OK;
}

static Status
choose_columns(ExprBinder *eb, Chosen *c, Error *err)
{
	const AstExpr *call = c->call, *arg = call->n_args == 1 ? call->args[0] : NULL;
	const char	  *qualifier = NULL;

	if (call->n_args > 1 || (arg == NULL && !call->is_star) ||
		(arg != NULL && arg->kind != AST_STAR && arg->kind != AST_QUALIFIED_STAR && arg->kind != AST_STRING && arg->kind != AST_LAMBDA && arg->kind != AST_ARRAY)) {
		error_user(err, "COLUMNS takes *, a regular expression, a list of names or a lambda: COLUMNS(* EXCLUDE (a)), COLUMNS('x.*'), COLUMNS(['a', 'b']), "
						"COLUMNS(c -> c LIKE 'x%%').");
		return error_at_pos(err, call->pos);
	}
	if (arg != NULL && arg->kind == AST_ARRAY)
		return choose_named(eb, c, arg, err);
	if (arg != NULL && (arg->n_replaces > 0 || arg->n_renames > 0)) {
		error_unsupported(err, "COLUMNS(*) takes EXCLUDE and LIKE; REPLACE and RENAME are for * alone.");
		return error_at_pos(err, arg->pos);
	}
	if (arg != NULL && arg->kind == AST_QUALIFIED_STAR)
		qualifier = bind_name(eb->binder->context, arg->qualifier);
	TRY(choose_by_test(eb->select, c, arg, qualifier, err));
	if (c->n > 0)
		return OK;
	error_user(err, "COLUMNS stands for no columns here: none has a name like that.");
	return error_at_pos(err, call->pos);
}

/* ---- putting one in the place of each COLUMNS ---- */

typedef struct Placement {
	Binder			  *b;
	const Chosen	  *chosen;
	const ScopeColumn *column;
	const AstExpr	  *other;	/* a COLUMNS that is not the same */
} Placement;

static AstExpr *
place_column(const AstExpr *e, void *context)
{
	Placement *p = context;

	if (!is_columns(e, NULL))
		return NULL;
	if (!ast_expr_equal(e, p->chosen->call))
		p->other = e;
	return ast_column(p->b->arena, p->column->qualifier, p->column->name, e->pos);
}

static Status
place(Placement *p, const AstExpr *e, AstExpr **out, Error *err)
{
	*out = ast_transform(p->b->arena, e, place_column, p);
	if (p->other == NULL)
		return OK;
	error_unsupported(err, "An expression can have several COLUMNS only if all of them are the same.");
	return error_at_pos(err, p->other->pos);
}

/* An alias may say \0 for the column's name, \1 for what the first group of the regular expression matches. */
static AstIdent
alias_for(Binder *b, const Chosen *c, AstIdent alias, const char *name)
{
	StrBuf	   buf = {0};
	RegexMatch match;
	size_t	   pos = 0;
	Error	   ignored;

	if (alias.text == NULL || strchr(alias.text, '\\') == NULL)
		return alias;
	if (c->regex != NULL && regex_next(c->regex, str_of(name), &pos, &match, &ignored) == FAILED)
		return alias;
	for (const char *p = alias.text; *p != '\0'; p++) {
		Str group;

		if (p[0] != '\\' || p[1] < '0' || p[1] > '9') {
			strbuf_add_char(&buf, *p);
			continue;
		}
		p++;
		if (*p == '0')
			strbuf_add_text(&buf, name);
		else if (c->regex != NULL && regex_group(c->regex, str_of(name), *p - '0', &group))
			strbuf_add_str(&buf, group);
	}
	alias.text = arena_strdup(b->arena, strbuf_text(&buf));
	strbuf_free(&buf);
	return alias;
}

static Status
add_items(SelectList *list, ExprBinder *eb, const AstSelectItem *item, const Chosen *c, Error *err)
{
	Binder *b = list->sb->binder;

	for (int i = 0; i < c->n; i++) {
		Placement	  p = {b, c, c->columns[i], NULL};
		AstSelectItem one = {.pos = item->pos};

		TRY(place(&p, item->expr, &one.expr, err));
		one.alias = alias_for(b, c, item->alias, c->columns[i]->name);
		one.pos.length = 0;
		TRY(bind_select_item(list, eb, &one, err));
	}
	return OK;
}

Status
bind_columns_item(SelectList *list, ExprBinder *eb, const AstSelectItem *item, Error *err)
{
	Chosen c = {.call = columns_call(item->expr)};
	Status status = choose_columns(eb, &c, err);

	if (status == OK)
		status = add_items(list, eb, item, &c, err);
	regex_free(c.regex);
	return status;
}

static Status
and_all(SelectBinder *sb, const AstExpr *condition, const Chosen *c, AstExpr **out, Error *err)
{
	*out = NULL;
	for (int i = 0; i < c->n; i++) {
		Placement p = {sb->binder, c, c->columns[i], NULL};
		AstExpr	 *one;

		TRY(place(&p, condition, &one, err));
		*out = *out == NULL ? one : ast_binary(sb->binder->arena, AST_OP_AND, *out, one);
	}
	return OK;
}

Status
condition_of_columns(SelectBinder *sb, const AstExpr *condition, const AstExpr **out, Error *err)
{
	ExprBinder eb = {.binder = sb->binder, .scope = sb->scope, .select = sb, .clause = CLAUSE_WHERE};
	Chosen	   c = {.call = columns_call(condition)};
	AstExpr	  *all;
	Status	   status;

	*out = condition;
	if (c.call == NULL)
		return OK;
	status = choose_columns(&eb, &c, err);
	if (status == OK)
		status = and_all(sb, condition, &c, &all, err);
	if (status == OK)
		*out = all;
	regex_free(c.regex);
	return status;
}
