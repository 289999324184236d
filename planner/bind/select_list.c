/* The select list: `*`, names of columns. */
#include <ctype.h>

#include "planner/bind/select.h"

BoundColumn *
select_list_add(SelectList *list, BoundColumn column)
{
	arena_grow(list->sb->binder->arena, list->columns, list->n, list->capacity);
	list->columns[list->n] = column;
	return &list->columns[list->n++];
}

bool
select_list_has(const SelectList *list, const char *name)
{
	for (int i = 0; i < list->n; i++)
		if (list->columns[i].name != NULL && strcmp(list->columns[i].name, name) == 0)
			return true;
	return false;
}

static bool
scope_has(const Scope *scope, const char *name)
{
	for (int i = 0; i < scope->n_columns; i++)
		if (strcmp(scope->columns[i].name, name) == 0 ||
			(scope->columns[i].print_name != NULL && strcmp(scope->columns[i].print_name, name) == 0))
			return true;
	return false;
}

/* ---- * ---- */

static const AstExpr *
star_replacement(Binder *b, const AstExpr *star, const char *name)
{
	for (int i = 0; i < star->n_replaces; i++)
		if (name_matches(b->standard, name, bind_name(b->context, star->replaces[i].name), false))
			return star->replaces[i].expr;
	return NULL;
}

/* The name that RENAME gives a column. */
static const char *
star_name(Binder *b, const AstExpr *star, const char *name)
{
	for (int i = 0; i < star->n_renames; i++)
		if (name_matches(b->standard, name, bind_name(b->context, star->renames[i].from), false))
			return bind_name(b->context, star->renames[i].to);
	return name;
}

static Status
star_add(SelectList *list, const AstExpr *star, const ScopeColumn *c, Error *err)
{
	SelectBinder  *sb = list->sb;
	Binder		  *b = sb->binder;
	const AstExpr *replacement;
	const char	  *name = c->name;
	Expr		  *expr = expr_column(b->arena, c->index, c->type, c->name);
	const AstExpr *ast = ast_column(b->arena, c->qualifier, c->name, star->pos);

	if (!star_has(b, star, c->name))
		return OK;
	replacement = star_replacement(b, star, c->name);
	if (replacement != NULL) {
		ExprBinder eb = {.binder = b, .scope = sb->scope, .select = sb, .clause = CLAUSE_SELECT};

		ast = replacement;
		TRY(bind_expr(&eb, replacement, &expr, err));
	}
	if (sb->scope->is_join && !b->standard && c->print_name != NULL)
		name = c->print_name;
	else if (sb->scope->is_join && b->is_persistent && select_list_has(list, name) && c->qualifier != NULL)
		name = arena_printf(b->arena, "%s_%s", c->qualifier, c->name);
	select_list_add(list, (BoundColumn){.name = star_name(b, star, name), .expr = expr, .ast = ast, .from_star = true, .pos = star->pos});
	return OK;
}

/* ksqlDB: in a join, each windowed source's bounds stand behind its key: before column `at`, its first value. */
static Status
star_add_bounds(SelectList *list, const AstExpr *star, int at, Error *err)
{
	const Scope		  *scope = list->sb->scope;
	const ScopeSource *source = &scope->sources[scope->columns[at].source];
	int				   before = 0;

	if (source->window.kind == WINDOW_NONE || source->source == NULL)
		return OK;
	for (int i = 0; i < at; i++)
		before += scope->columns[i].source == scope->columns[at].source && !scope->columns[i].is_hidden;
	if (before != source->source->schema->n_key)
		return OK;
	for (int i = 0; i < scope->n_columns; i++) {
		const ScopeColumn *c = &scope->columns[i];

		if (c->source == scope->columns[at].source && c->is_hidden &&
			(strcmp(c->name, "WINDOWSTART") == 0 || strcmp(c->name, "WINDOWEND") == 0))
			TRY(star_add(list, star, c, err));
	}
	return OK;
}

/* ksqlDB: behind a join that is partitioned anew, * has the pseudo columns of each source. */
static bool
is_carried(const SelectBinder *sb, const AstExpr *star, const ScopeColumn *c)
{
	return !sb->binder->standard && sb->scope->is_join && sb->ast->n_partition_by > 0 && star->kind == AST_STAR && c->source >= 0 &&
		   (strcmp(c->name, "ROWTIME") == 0 || strcmp(c->name, "ROWPARTITION") == 0 || strcmp(c->name, "ROWOFFSET") == 0);
}

/* What is renamed must be there. */
static Status
check_renames(Binder *b, const Scope *scope, const AstExpr *star, Error *err)
{
	for (int i = 0; i < star->n_renames; i++) {
		const ScopeColumn *column;

		TRY(scope_try(b, scope, star->qualifier, star->renames[i].from, &column, err));
		if (column != NULL)
			continue;
		error_user(err, "There is no column `%s` to be renamed.", star->renames[i].from.text);
		return error_at_pos(err, star->renames[i].from.pos);
	}
	return OK;
}

/*
 * Key columns of all sources first, then the values; windowed sources of transient queries have their bounds behind the
 * key.  Standard: in the order of the sources.
 */
static Status
expand_star(SelectList *list, const AstExpr *star, Error *err)
{
	SelectBinder *sb = list->sb;
	Binder		 *b = sb->binder;
	const Scope  *scope = sb->scope;
	const char	 *qualifier = star->kind == AST_QUALIFIED_STAR ? bind_name(b->context, star->qualifier) : NULL;
	int			  before = list->n, source = -1;
	bool		  bounds_done = false;

	if (sb->ast->from == NULL) {
		error_user(err, "`*` needs a FROM clause.");
		return error_at_pos(err, star->pos);
	}
	if (qualifier != NULL) {
		for (int i = 0; i < scope->n_sources && source < 0; i++)
			if (scope->sources[i].alias != NULL && name_matches(b->standard, scope->sources[i].alias, qualifier, false))
				source = i;
		if (source < 0) {
			error_user(err, "Failed to prepare statement: '%s' is not a valid stream/table name or alias.", qualifier);
			return error_at_pos(err, star->pos);
		}
	}
	for (int i = 0; i <= scope->n_columns; i++) {
		const ScopeColumn *c = i < scope->n_columns ? &scope->columns[i] : NULL;

		if (scope->is_join && !b->standard && c != NULL && !c->is_hidden && c->source >= 0 && (source < 0 || c->source == source))
			TRY(star_add_bounds(list, star, i, err));

		if ((c == NULL || !c->is_key) && !bounds_done && !scope->is_join && scope->n_sources == 1 &&
			scope->sources[0].window.kind != WINDOW_NONE && !b->is_persistent && !sb->has_window) {
			bounds_done = true;
			for (int j = 0; j < scope->n_columns; j++)
				if (scope->columns[j].is_hidden &&
					(strcmp(scope->columns[j].name, "WINDOWSTART") == 0 || strcmp(scope->columns[j].name, "WINDOWEND") == 0))
					TRY(star_add(list, star, &scope->columns[j], err));
		}
		if (c == NULL || (c->is_hidden && !is_carried(sb, star, c)) || (source >= 0 && c->source != source) || (c->is_merged && source >= 0))
			continue;
		TRY(star_add(list, star, c, err));
	}
	TRY(check_renames(b, scope, star, err));
	if (list->n == before && star->right != NULL) {
		error_user(err, "No column has a name like '%s'.", star->right->text);
		return error_at_pos(err, star->right->pos);
	}
	if (list->n == before && star->n_params == 0) {
		error_user(err, "`*` stands for no columns here.");
		return error_at_pos(err, star->pos);
	}
	return OK;
}

/* ---- names ---- */

/* KSQL_COL_n, without the numbers that the source's own columns use. */
const char *
select_next_unnamed(SelectList *list)
{
	const char *name;

	do
		name = arena_printf(list->sb->binder->arena, "KSQL_COL_%d", list->next_col++);
	while (scope_has(list->sb->scope, name));
	return name;
}

const char *
select_field_name(SelectList *list, const char *field)
{
	const char *name = field;

	for (int i = 1; select_list_has(list, name) || scope_has(list->sb->scope, name); i++)
		name = arena_printf(list->sb->binder->arena, "%s_%d", field, i);
	return name;
}

/* The item as written, white space collapsed; NULL if the statement's text is not at hand. */
static const char *
written_text(Binder *b, AstPos pos)
{
	Str		sql = b->context->sql;
	int		from = pos.offset - b->context->sql_offset;
	StrBuf	buf = {0};
	char   *text;

	if (sql.length == 0 || pos.line == 0 || from < 0 || pos.length <= 0 || (size_t)from + (size_t)pos.length > sql.length)
		return NULL;
	for (int i = from; i < from + pos.length; i++) {
		bool is_space = (unsigned char)sql.data[i] <= ' ';

		if (!is_space)
			strbuf_add_char(&buf, sql.data[i]);
		else if (buf.length > 0 && buf.data[buf.length - 1] != ' ')
			strbuf_add_char(&buf, ' ');
	}
	text = arena_strdup(b->arena, strbuf_text(&buf));
	strbuf_free(&buf);
	return text;
}

/* From the tree: as near to the text as printing gives. */
static const char *
standard_name(SelectList *list, const AstExpr *e)
{
	Binder	   *b = list->sb->binder;
	const char *text;
	char	   *copy;
	size_t		n;

	if (e->kind == AST_CALL && e->over == NULL) {
		StrBuf buf = {0};

		for (const char *p = e->name.text; *p != '\0'; p++)
			strbuf_add_char(&buf, (char)tolower((unsigned char)*p));
		strbuf_add_char(&buf, '(');
		if (e->is_distinct)
			strbuf_add_text(&buf, "DISTINCT ");
		if (e->is_star)
			strbuf_add_char(&buf, '*');
		for (int i = 0; i < e->n_args; i++)
			strbuf_printf(&buf, "%s%s", i > 0 ? ", " : "", standard_name(list, e->args[i]));
		strbuf_add_char(&buf, ')');
		text = arena_strdup(b->arena, strbuf_text(&buf));
		strbuf_free(&buf);
		return text;
	}
	text = ast_text(b, NULL, e);
	n = strlen(text);
	if (n > 2 && text[0] == '(' && text[n - 1] == ')') {
		copy = arena_strndup(b->arena, text + 1, n - 2);
		return copy;
	}
	return text;
}

static Status
name_of_item(SelectList *list, const AstSelectItem *item, const Expr *expr, const char **out, bool *is_unnamed, Error *err)
{
	SelectBinder  *sb = list->sb;
	Binder		  *b = sb->binder;
	const AstExpr *e = item->expr;

	*is_unnamed = false;
	if (item->alias.text != NULL) {
		*out = bind_name(b->context, item->alias);
		if (!b->standard && name_is_pseudo(*out) && !(expr->kind == EXPR_COLUMN && expr->name != NULL && strcmp(expr->name, *out) == 0)) {
			error_user(err, "Exception while preparing statement: `%s` is a reserved column name. You cannot use it as an alias for a column.", *out);
			return error_at_pos(err, item->alias.pos);
		}
		return OK;
	}
	if (e->kind == AST_COLUMN && expr->kind == EXPR_COLUMN) {
		const ScopeColumn *column = NULL;

		*out = expr->name != NULL ? expr->name : bind_name(b->context, e->name);
		if (b->standard)
			return OK;
		TRY(scope_try(b, sb->scope, e->qualifier, e->name, &column, err));
		/* In a join a name that another source has too is qualified. */
		if (column != NULL && sb->scope->is_join && !column->is_merged) {
			int n = 0;

			for (int i = 0; i < sb->scope->n_columns; i++)
				n += strcmp(sb->scope->columns[i].name, column->name) == 0 && sb->scope->columns[i].qualifier != NULL;
			if (n > 1 && column->print_name != NULL)
				*out = column->print_name;
		}
		return OK;
	}
	if (e->kind == AST_FIELD) {
		*out = b->standard ? bind_name(b->context, e->name) : select_field_name(list, bind_name(b->context, e->name));
		return OK;
	}
	if (b->standard) {
		if (e->kind == AST_COLUMN)
			*out = bind_name(b->context, e->name);
		else if (e->kind == AST_CAST && e->arg->kind == AST_COLUMN)
			*out = bind_name(b->context, e->arg->name);
		else {
			*out = written_text(b, item->pos);
			if (*out == NULL)
				*out = standard_name(list, e);
		}
		return OK;
	}
	*out = select_next_unnamed(list);
	*is_unnamed = true;
	return OK;
}

static Status
expand_field_star(SelectList *list, ExprBinder *eb, const AstSelectItem *item, Error *err)
{
	Binder *b = list->sb->binder;
	Expr   *arg;

	TRY(bind_expr(eb, item->expr->arg, &arg, err));
	if (arg->type->kind != TYPE_STRUCT) {
		error_user(err, "Cannot expand non-struct item: `->*` needs a STRUCT, not %s.", type_text(b, arg->type));
		return error_at_pos(err, item->pos);
	}
	for (int i = 0; i < arg->type->n_fields; i++) {
		Expr	   *field = expr_new(b->arena, EXPR_FIELD, arg->type->fields[i].type, arena_memdup(b->arena, &arg, sizeof arg), 1);
		const char *name = arg->type->fields[i].name;
		AstExpr	   *ast = arena_new(b->arena, AstExpr);

		field->index = i;
		field->standard = b->standard;
		ast->kind = AST_FIELD;
		ast->arg = item->expr->arg;
		ast->pos = item->pos;
		ast->name = (AstIdent){.text = name, .is_quoted = true};
		select_list_add(list, (BoundColumn){.name = b->standard ? name : select_field_name(list, name), .expr = field, .ast = ast, .pos = item->pos});
	}
	return OK;
}

Status
select_context(Binder *b, Clause clause, Error *err)
{
	static const char *const beginnings[] = {"Cannot compare", "Error processing", "Comparison with NULL", "Can't find any functions",
											 "Function '", "Could not find field", "Invalid Case", "Expected STRUCT"};

	if (b->standard)
		return FAILED;
	/* What its checks of types refuse; what is refused later has its own words: "Invalid Predicate". */
	for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
		if (strncmp(err->message, beginnings[i], strlen(beginnings[i])) == 0) {
			if (clause == CLAUSE_WHERE || clause == CLAUSE_HAVING)
				return error_context(err, "Error in %s expression", clause_name(clause));
			return i == 0 ? error_context(err, "Invalid expression") : FAILED;
		}
	return FAILED;
}

Status
bind_select_item(SelectList *list, ExprBinder *eb, const AstSelectItem *item, Error *err)
{
	Binder	   *b = list->sb->binder;
	BoundColumn column = {.ast = item->expr, .pos = item->pos};

	if (item->expr->kind == AST_STAR || item->expr->kind == AST_QUALIFIED_STAR)
		return expand_star(list, item->expr, err);
	if (item->expr->kind == AST_FIELD_ALL)
		return expand_field_star(list, eb, item, err);
	if (b->standard && columns_call(item->expr) != NULL)
		return bind_columns_item(list, eb, item, err);
	if (bind_expr(eb, item->expr, &column.expr, err) != OK)
		return select_context(b, CLAUSE_SELECT, err);
	if (column.expr->type->kind == TYPE_NULL) {
		if (!b->standard) {
			error_user(err, "Can't infer a type of null. Please explicitly cast it to a required type, e.g. CAST(null AS VARCHAR).");
			return error_at_pos(err, item->pos);
		}
		column.expr = expr_cast_to(b, column.expr, type_string);
	}
	TRY(name_of_item(list, item, column.expr, &column.name, &column.is_unnamed, err));
	select_list_add(list, column);
	return OK;
}

Status
bind_select_items(SelectList *list, Error *err)
{
	SelectBinder *sb = list->sb;
	ExprBinder	  eb = {.binder = sb->binder, .scope = sb->scope, .select = sb, .clause = CLAUSE_SELECT};

	for (int i = 0; i < sb->ast->n_items; i++) {
		eb.item = i + 1;
		TRY(bind_select_item(list, &eb, &sb->ast->items[i], err));
	}
	return OK;
}

Status
check_select_names(SelectBinder *sb, const SelectList *list, int n, Error *err)
{
	Binder *b = sb->binder;

	for (int i = 0; i < n; i++) {
		const char *name = list->columns[i].name;

		if (b->is_persistent && name_is_pseudo(name) && !(sb->ast->n_partition_by > 0 && list->columns[i].from_star)) {
			error_user(err, "Reserved column name in select: `%s`. Please remove or alias the column.", name);
			return error_at_pos(err, list->columns[i].pos);
		}
		if (b->standard && !b->is_persistent)
			continue;
		for (int j = 0; j < i; j++)
			if (strcmp(list->columns[j].name, name) == 0) {
				error_user(err, b->standard ? "The query has two columns called `%s`: give one of them another name."
											: "Duplicate value columns found in schema: `%s` %s", name,
						   type_text(b, list->columns[i].expr->type));
				return error_at_pos(err, list->columns[i].pos);
			}
	}
	return OK;
}
