/* One SELECT: clauses in their order of meaning, the select list, names of columns, keys of persistent results. */
#include <ctype.h>

#include "io/format.h"
#include "planner/bind/bind.h"

typedef struct SelectList {
	SelectBinder *sb;
	int			  n, capacity;
	BoundColumn  *columns;
	int			  next_col;		/* KSQL_COL_n */
} SelectList;

static BoundColumn *
list_add(SelectList *list, BoundColumn column)
{
	arena_grow(list->sb->binder->arena, list->columns, list->n, list->capacity);
	list->columns[list->n] = column;
	return &list->columns[list->n++];
}

static bool
list_has(const SelectList *list, const char *name)
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

static bool
star_skips(Binder *b, const AstExpr *star, const char *name)
{
	for (int i = 0; i < star->n_params; i++)
		if (name_matches(b->standard, name, bind_name(b->context, star->params[i]), false))
			return true;
	return false;
}

static const AstExpr *
star_replacement(Binder *b, const AstExpr *star, const char *name)
{
	for (int i = 0; i < star->n_replaces; i++)
		if (name_matches(b->standard, name, bind_name(b->context, star->replaces[i].name), false))
			return star->replaces[i].expr;
	return NULL;
}

static AstExpr *
column_ast(Binder *b, const ScopeColumn *c, AstPos pos)
{
	AstExpr *ast = arena_new(b->arena, AstExpr);

	ast->kind = AST_COLUMN;
	ast->pos = pos;
	ast->qualifier = (AstIdent){.text = c->qualifier, .is_quoted = true, .pos = pos};
	ast->name = (AstIdent){.text = c->name, .is_quoted = true, .pos = pos};
	ast->text = c->name;
	return ast;
}

static Status
star_add(SelectList *list, const AstExpr *star, const ScopeColumn *c, Error *err)
{
	SelectBinder  *sb = list->sb;
	Binder		  *b = sb->binder;
	const AstExpr *replacement;
	const char	  *name = c->name;
	Expr		  *expr = expr_column(b->arena, c->index, c->type, c->name);
	const AstExpr *ast = column_ast(b, c, star->pos);

	if (star_skips(b, star, c->name))
		return OK;
	replacement = star_replacement(b, star, c->name);
	if (replacement != NULL) {
		ExprBinder eb = {.binder = b, .scope = sb->scope, .select = sb, .clause = CLAUSE_SELECT};

		ast = replacement;
		TRY(bind_expr(&eb, replacement, &expr, err));
	}
	if (sb->scope->is_join && !b->standard && c->print_name != NULL)
		name = c->print_name;
	else if (sb->scope->is_join && b->is_persistent && list_has(list, name) && c->qualifier != NULL)
		name = arena_printf(b->arena, "%s_%s", c->qualifier, c->name);
	list_add(list, (BoundColumn){.name = name, .expr = expr, .ast = ast, .from_star = true, .pos = star->pos});
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
			error_user(err, "'%s' is not a valid stream/table name or alias.", qualifier);
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
		if (c == NULL || c->is_hidden || (source >= 0 && c->source != source) || (c->is_merged && source >= 0))
			continue;
		TRY(star_add(list, star, c, err));
	}
	if (list->n == before && star->n_params == 0) {
		error_user(err, "`*` stands for no columns here.");
		return error_at_pos(err, star->pos);
	}
	return OK;
}

/* ---- names ---- */

/* KSQL_COL_n, without the numbers that the source's own columns use. */
static const char *
next_unnamed(SelectList *list)
{
	const char *name;

	do
		name = arena_printf(list->sb->binder->arena, "KSQL_COL_%d", list->next_col++);
	while (scope_has(list->sb->scope, name));
	return name;
}

static const char *
field_name(SelectList *list, const char *field)
{
	const char *name = field;

	for (int i = 1; list_has(list, name) || scope_has(list->sb->scope, name); i++)
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
			error_user(err, "`%s` is a reserved column name. You cannot use it as an alias for a column.", *out);
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
		*out = b->standard ? bind_name(b->context, e->name) : field_name(list, bind_name(b->context, e->name));
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
	*out = next_unnamed(list);
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
		list_add(list, (BoundColumn){.name = b->standard ? name : field_name(list, name), .expr = field, .ast = ast, .pos = item->pos});
	}
	return OK;
}

static Status
context_of_clause(Binder *b, Clause clause, Error *err)
{
	if (b->standard)
		return FAILED;
	if (strncmp(err->message, "Cannot compare", 14) == 0 || strncmp(err->message, "Error processing", 16) == 0) {
		if (clause == CLAUSE_WHERE || clause == CLAUSE_HAVING)
			return error_context(err, "Error in %s expression", clause_name(clause));
		if (strncmp(err->message, "Cannot compare", 14) == 0)
			return error_context(err, "Invalid expression");
	}
	return FAILED;
}

static Status
bind_items(SelectList *list, Error *err)
{
	SelectBinder	*sb = list->sb;
	Binder			*b = sb->binder;
	const AstSelect *ast = sb->ast;
	ExprBinder		 eb = {.binder = b, .scope = sb->scope, .select = sb, .clause = CLAUSE_SELECT};

	for (int i = 0; i < ast->n_items; i++) {
		const AstSelectItem *item = &ast->items[i];
		BoundColumn			 column = {.ast = item->expr, .pos = item->pos};

		if (item->expr->kind == AST_STAR || item->expr->kind == AST_QUALIFIED_STAR) {
			TRY(expand_star(list, item->expr, err));
			continue;
		}
		if (item->expr->kind == AST_FIELD_ALL) {
			TRY(expand_field_star(list, &eb, item, err));
			continue;
		}
		if (bind_expr(&eb, item->expr, &column.expr, err) != OK)
			return context_of_clause(b, CLAUSE_SELECT, err);
		if (column.expr->type->kind == TYPE_NULL) {
			if (!b->standard) {
				error_user(err, "Can't infer a type of null. Please explicitly cast it to a required type, e.g. CAST(null AS VARCHAR).");
				return error_at_pos(err, item->pos);
			}
			column.expr = expr_cast_to(b, column.expr, type_string);
		}
		TRY(name_of_item(list, item, column.expr, &column.name, &column.is_unnamed, err));
		list_add(list, column);
	}
	return OK;
}

/* ---- PARTITION BY ---- */

typedef struct Repartition {
	SelectBinder *sb;
	int			  n;
	Expr		**keys;
} Repartition;

/* The rows have the new keys in front: equal expressions become key columns, other columns move by n. */
static Expr *
place_partition(const Expr *e, void *context)
{
	Repartition *p = context;
	Arena		*arena = p->sb->binder->arena;
	Expr		 bare = *e;

	bare.is_guarded = e->kind == EXPR_CAST && e->is_guarded;
	for (int i = 0; i < p->n; i++)
		if (expr_equal(p->keys[i], &bare))
			return expr_column(arena, i, e->type, e->name);
	if (e->kind == EXPR_COLUMN && e->index < REF_AGGREGATE)
		return expr_column(arena, e->index + p->n, e->type, e->name);
	return NULL;
}

static bool
uses_value_column(const Expr *e, void *context)
{
	const Logical *rows = context;

	return e->kind == EXPR_COLUMN && e->index >= rows->n_key;
}

static Status
plan_partition_by(SelectBinder *sb, SelectList *list, Error *err)
{
	Binder			*b = sb->binder;
	const AstSelect *ast = sb->ast;
	ExprBinder		 eb = {.binder = b, .scope = sb->scope, .select = sb, .clause = CLAUSE_PARTITION_BY};
	Repartition		 p = {.sb = sb};
	Logical			*input = sb->rows, *project;
	bool			*null_for_null;
	bool			 is_null = false, has_star = false;
	int				 n_out;
	Expr		   **exprs;
	const char	   **names;

	b->is_repartitioned = true;
	if (input->is_table) {
		error_user(err, "PARTITION BY is only supported for streams, not for tables.%s",
				   b->standard ? "" : " Only streams may be repartitioned.");
		return FAILED;
	}
	if (ast->n_group_by > 0)
		return error_user(err, "Only one of GROUP BY and PARTITION BY can be used.");
	if (input->window.kind != WINDOW_NONE)
		return error_user(err, "Windowed sources cannot be repartitioned. See https://github.com/confluentinc/ksql/issues/4385.");
	p.keys = arena_array(b->arena, Expr *, ast->n_partition_by + 1);
	for (int i = 0; i < ast->n_partition_by; i++) {
		const AstExpr *e = ast->partition_by[i];

		TRY(bind_expr(&eb, e, &p.keys[p.n], err));
		if (p.keys[p.n]->type->kind == TYPE_NULL) {
			is_null = true;
			if (ast->n_partition_by > 1) {
				error_user(err, "Cannot PARTITION BY multiple columns including NULL");
				return error_at_pos(err, e->pos);
			}
			continue;
		}
		if (type_has_map(p.keys[p.n]->type)) {
			const char *name = p.keys[p.n]->kind == EXPR_COLUMN ? p.keys[p.n]->name : "KSQL_COL_0";

			return error_user(err,
							  "Map keys, including types that contain maps, are not supported as they may lead to unexpected behavior "
							  "due to inconsistent serialization. Key column name: `%s`. Column type: %s. See "
							  "https://github.com/confluentinc/ksql/issues/6621 for more.",
							  name, type_text(b, p.keys[p.n]->type));
		}
		p.n++;
	}
	(void)is_null;
	for (int i = 0; i < list->n; i++)
		has_star |= list->columns[i].from_star;
	n_out = p.n + input->n_columns;
	exprs = arena_array(b->arena, Expr *, n_out + 1);
	names = arena_array(b->arena, const char *, n_out + 1);
	null_for_null = arena_array(b->arena, bool, p.n + 1);
	for (int i = 0; i < p.n; i++) {
		exprs[i] = p.keys[i];
		names[i] = p.keys[i]->kind == EXPR_COLUMN ? p.keys[i]->name : ast_text(b, sb->scope, ast->partition_by[i]);
		null_for_null[i] = expr_any(p.keys[i], uses_value_column, input);
	}
	for (int i = 0; i < input->n_columns; i++) {
		exprs[p.n + i] = expr_column(b->arena, i, input->columns[i].type, input->columns[i].name);
		names[p.n + i] = input->columns[i].name;
	}
	project = logical_project(b->arena, input, exprs, names, n_out, p.n);
	((ProjectSpec *)project->spec)->key_is_null_for_null_value = null_for_null;
	if (p.n > 0) {
		Logical		 *exchange = logical_new(b->arena, LOGICAL_EXCHANGE, project);
		ExchangeSpec *spec = arena_new(b->arena, ExchangeSpec);
		FormatSpec	 *format = arena_new(b->arena, FormatSpec);

		format->format = format_find(STR("JSON"));
		format->n_columns = p.n;
		format->columns = project->columns;
		format->is_key = true;
		spec->n_key = p.n;
		spec->key = format;
		exchange->spec = spec;
		project = exchange;
	}
	sb->rows = project;
	/* The whole of `*` gives the new key first, also one that is an expression; old keys go behind the values. */
	if (has_star) {
		SelectList reordered = {.sb = sb, .next_col = list->next_col};

		for (int i = 0; i < p.n; i++) {
			BoundColumn *same = NULL;

			for (int j = 0; j < list->n && same == NULL; j++)
				if (expr_equal(list->columns[j].expr, p.keys[i]))
					same = &list->columns[j];
			if (same == NULL) {
				const AstExpr *e = ast->partition_by[i];
				const char	  *name;

				if (p.keys[i]->kind == EXPR_COLUMN)
					name = p.keys[i]->name;
				else if (e->kind == AST_FIELD)
					name = field_name(list, bind_name(b->context, e->name));
				else
					name = next_unnamed(list);
				list_add(&reordered,
						 (BoundColumn){.name = name, .expr = p.keys[i], .ast = e, .from_star = true, .pos = e->pos});
			}
		}
		for (int pass = 0; pass < 2; pass++)
			for (int j = 0; j < list->n; j++) {
				BoundColumn *c = &list->columns[j];
				bool		 is_old_key = c->from_star && c->expr->kind == EXPR_COLUMN && c->expr->index < input->n_key;

				for (int i = 0; i < p.n && is_old_key; i++)
					if (expr_equal(c->expr, p.keys[i]))
						is_old_key = false;
				if (is_old_key == (pass == 1))
					list_add(&reordered, *c);
			}
		list->columns = reordered.columns;
		list->n = reordered.n;
		list->capacity = reordered.capacity;
	}
	for (int i = 0; i < list->n; i++)
		list->columns[i].expr = expr_transform(b->arena, list->columns[i].expr, place_partition, &p);
	for (int i = 0; i < sb->n_functions; i++) {
		const Expr **args = arena_array(b->arena, const Expr *, sb->functions[i].n_args + 1);

		for (int j = 0; j < sb->functions[i].n_args; j++)
			args[j] = expr_transform(b->arena, sb->functions[i].args[j], place_partition, &p);
		sb->functions[i].args = args;
	}
	return OK;
}

/* ---- table functions ---- */

typedef struct FunctionPlacement {
	Arena *arena;
	int	   first;
} FunctionPlacement;

static Expr *
place_function(const Expr *e, void *context)
{
	FunctionPlacement *p = context;

	if (e->kind == EXPR_COLUMN && ref_kind(e->index) == REF_TABLE_FUNCTION)
		return expr_column(p->arena, p->first + (e->index & REF_INDEX), e->type, e->name);
	return NULL;
}

static Status
plan_table_functions(SelectBinder *sb, SelectList *list, Error *err)
{
	Binder			 *b = sb->binder;
	Logical			 *input = sb->rows, *node;
	FlatMapSpec		 *spec = arena_new(b->arena, FlatMapSpec);
	Column			 *columns;
	FunctionPlacement p = {b->arena, input->n_columns};

	if (sb->n_functions == 0)
		return OK;
	if (input->is_table && !b->is_bounded)
		return error_user(err, "Table source is not supported with table functions");
	if (b->is_pull)
		return error_user(err, "Pull queries don't support table functions. See https://cnfl.io/queries for more info.");
	node = logical_new(b->arena, LOGICAL_FLAT_MAP, input);
	columns = arena_array(b->arena, Column, input->n_columns + sb->n_functions);
	memcpy(columns, input->columns, sizeof *columns * (size_t)input->n_columns);
	for (int i = 0; i < sb->n_functions; i++)
		columns[input->n_columns + i] = (Column){sb->functions[i].function->name, sb->functions[i].type};
	spec->n_items = sb->n_functions;
	spec->items = sb->functions;
	node->n_columns = input->n_columns + sb->n_functions;
	node->columns = columns;
	node->spec = spec;
	sb->rows = node;
	for (int i = 0; i < list->n; i++)
		list->columns[i].expr = expr_transform(b->arena, list->columns[i].expr, place_function, &p);
	return OK;
}

/* ---- ORDER BY ---- */

/* Finds or adds the projected column that sorts. */
static Status
bind_order(SelectBinder *sb, const AstQuery *query, SelectList *list, SortKey **keys, int *n_visible, Error *err)
{
	Binder	  *b = sb->binder;
	ExprBinder eb = {.binder = b, .scope = sb->scope, .select = sb, .clause = CLAUSE_ORDER_BY};

	*n_visible = list->n;
	*keys = arena_array(b->arena, SortKey, query->n_order_by + 1);
	for (int i = 0; i < query->n_order_by; i++) {
		const AstOrderItem *item = &query->order_by[i];
		const AstExpr	   *e = item->expr;
		int					at = -1;

		if (e->kind == AST_INTEGER && !e->has_parens) {
			if (e->integer < 1 || e->integer > *n_visible) {
				error_user(err, "ORDER BY position %s is not in the select list (it has %d items).", e->text, *n_visible);
				return error_at_pos(err, e->pos);
			}
			at = (int)e->integer - 1;
		} else if (e->kind == AST_COLUMN && e->qualifier.text == NULL) {
			const char *name = bind_name(b->context, e->name);

			for (int pass = 0; pass < 2 && at < 0; pass++)
				for (int j = 0; j < *n_visible && at < 0; j++)
					if (name_matches(b->standard, list->columns[j].name, name, pass == 0))
						at = j;
		}
		if (at < 0) {
			Expr *expr;

			TRY(bind_expr(&eb, e, &expr, err));
			for (int j = 0; j < list->n && at < 0; j++)
				if (expr_equal(list->columns[j].expr, expr))
					at = j;
			if (at < 0) {
				if (sb->ast->is_distinct) {
					error_user(err, "ORDER BY of SELECT DISTINCT must be in the select list.");
					return error_at_pos(err, e->pos);
				}
				at = list->n;
				list_add(list, (BoundColumn){.name = ast_text(b, sb->scope, e), .expr = expr, .ast = e, .pos = e->pos});
			}
		}
		(*keys)[i].descending = item->is_descending;
		(*keys)[i].nulls_first = item->nulls == AST_NULLS_FIRST || (item->nulls == AST_NULLS_DEFAULT && item->is_descending);
		(*keys)[i].expr = expr_column(b->arena, at, NULL, NULL);
	}
	return OK;
}

/* ---- keys of persistent results ---- */

typedef struct KeySlot {
	int			 n_choices;
	int			*columns;			/* of the rows before the projection */
	const char **names;				/* as messages name them */
	const char  *print_name;
} KeySlot;

static void
add_names(StrBuf *out, const char *const *names, int n, const char *last)
{
	for (int i = 0; i < n; i++)
		strbuf_printf(out, "%s%s", i == 0 ? "" : i == n - 1 ? last : ", ", names[i]);
}

static bool
is_foreign_join(const Logical *rows)
{
	while (rows->kind == LOGICAL_FILTER)
		rows = rows->inputs[0];
	return rows->kind == LOGICAL_JOIN_FOREIGN;
}

static Status
key_missing(SelectBinder *sb, const KeySlot *slots, const bool *is_missing, int n, bool is_synthetic, Error *err)
{
	Binder		*b = sb->binder;
	const char **names = arena_array(b->arena, const char *, 64);
	StrBuf		 list = {0}, example = {0};
	const char  *what;
	int			 m = 0;
	bool		 is_join = sb->scope->is_join && sb->ast->n_group_by == 0 && sb->ast->n_partition_by == 0;

	if (is_foreign_join(sb->rows) && is_join) {
		for (int i = 0; i < n; i++)
			if (is_missing[i])
				return error_user(err,
								  "Primary key column missing in projection. For foreign-key table-table joins, the projection must "
								  "include all primary key columns from the left input table (`%s`). Missing column: `%s`.",
								  sb->scope->sources[0].alias, sb->rows->columns[i].name);
	}
	for (int i = 0; i < n && m < 60; i++)
		if (is_missing[i])
			for (int j = 0; j < slots[i].n_choices && m < 60; j++)
				names[m++] = slots[i].names[j];
	what = is_join						 ? "join expression"
		   : sb->ast->n_group_by > 0	 ? "grouping expression"
		   : sb->ast->n_partition_by > 0 ? "partitioning expression"
										 : "key column";
	add_names(&list, names, m, is_join ? " or " : " and ");
	if (is_join)
		strbuf_add_text(&example, names[0]);
	else
		add_names(&example, names, m, ", ");
	error_user(err,
			   "Key missing from projection (ie, SELECT). See https://cnfl.io/2LV7ouS.\n"
			   "The query used to build `%s` must include the %s%s %s in its projection (eg, SELECT %s...).%s",
			   b->sink_name, what, m > 1 ? "s" : "", strbuf_text(&list), strbuf_text(&example),
			   is_synthetic ? "\nROWKEY was added as a synthetic key column because the join criteria did not match any source column. "
							  "This expression must be included in the projection and may be aliased."
							: "");
	strbuf_free(&list);
	strbuf_free(&example);
	return FAILED;
}

static Status
key_repeated(SelectBinder *sb, const char *print_name, const SelectList *list, const int *at, int n, Error *err)
{
	Binder		*b = sb->binder;
	const char **names = arena_array(b->arena, const char *, n);
	StrBuf		 text = {0};

	for (int i = 0; i < n; i++) {
		names[i] = list->columns[at[i]].name;
		if (sb->ast->n_group_by > 0)
			names[i] = arena_printf(b->arena, "`%s`", names[i]);
	}
	/* ksqlDB sorts the aliases of a join's and partition's key. */
	if (sb->ast->n_group_by == 0)
		for (int i = 0; i < n; i++)
			for (int j = i + 1; j < n; j++)
				if (strcmp(names[j], names[i]) < 0) {
					const char *swap = names[i];

					names[i] = names[j];
					names[j] = swap;
				}
	add_names(&text, names, n, " and ");
	if (sb->ast->n_group_by > 0)
		error_user(err, "The projection contains a key column more than once: %s.\nEach key column must only be in the projection once. "
						"If you intended to copy the key into the value, then consider using the AS_VALUE function to indicate which "
						"key reference should be copied.",
				   strbuf_text(&text));
	else
		error_user(err, "The projection contains a key column (`%s`) more than once, aliased as: %s.\nEach key column must only be in "
						"the projection once. If you intended to copy the key into the value, then consider using the AS_VALUE function "
						"to indicate which key reference should be copied.",
				   print_name, strbuf_text(&text));
	strbuf_free(&text);
	return FAILED;
}

static KeySlot *
key_slots(SelectBinder *sb, int *n_out)
{
	Binder		  *b = sb->binder;
	const Logical *rows = sb->rows;
	KeySlot		  *slots = arena_array(b->arena, KeySlot, rows->n_key + 1);
	int			   viable = 0;

	*n_out = rows->n_key;
	for (int i = 0; i < rows->n_key; i++) {
		slots[i].n_choices = 1;
		slots[i].columns = arena_array(b->arena, int, 1);
		slots[i].names = arena_array(b->arena, const char *, 1);
		slots[i].columns[0] = i;
		slots[i].names[0] = slots[i].print_name = rows->columns[i].name;
	}
	if (!sb->scope->is_join || sb->ast->n_group_by > 0 || sb->ast->n_partition_by > 0 || rows->n_key == 0)
		return slots;
	/* Joins: the columns known to equal the key, in order; marked in the scope. */
	for (int i = 0; i < sb->scope->n_columns; i++)
		viable += sb->scope->columns[i].is_key;
	if (rows->n_key == 1 && viable > 0) {
		int n = 0;

		slots[0].columns = arena_array(b->arena, int, viable);
		slots[0].names = arena_array(b->arena, const char *, viable);
		for (int i = 0; i < sb->scope->n_columns; i++) {
			const ScopeColumn *c = &sb->scope->columns[i];

			if (!c->is_key)
				continue;
			slots[0].columns[n] = c->index;
			slots[0].names[n++] = c->qualifier != NULL ? arena_printf(b->arena, "%s.%s", c->qualifier, c->name) : c->name;
		}
		slots[0].n_choices = n;
	} else {
		/* A foreign-key join keeps the left table's key columns. */
		for (int i = 0; i < sb->scope->n_columns; i++) {
			const ScopeColumn *c = &sb->scope->columns[i];

			for (int k = 0; k < rows->n_key; k++)
				if (c->is_key && strcmp(c->name, rows->columns[k].name) == 0) {
					slots[k].columns[0] = c->index;
					slots[k].names[0] = c->name;
				}
		}
	}
	return slots;
}

/* Puts the key columns in front of the list; *n_key tells how many there are. */
static Status
resolve_keys(SelectBinder *sb, SelectList *list, int *n_key, Error *err)
{
	Binder	   *b = sb->binder;
	int			n;
	KeySlot	   *slots = key_slots(sb, &n);
	bool	   *missing = arena_array(b->arena, bool, n + 1);
	int		   *chosen = arena_array(b->arena, int, n + 1);
	int		   *at = arena_array(b->arena, int, list->n + 1);
	bool	   *is_key = arena_array(b->arena, bool, list->n + 1);
	bool		any_missing = false, is_synthetic = false;
	SelectList	ordered = {.sb = sb};

	for (int k = 0; k < n; k++) {
		bool found = false;

		for (int c = 0; c < slots[k].n_choices && !found; c++) {
			int m = 0;

			for (int i = 0; i < list->n; i++)
				if (list->columns[i].expr->kind == EXPR_COLUMN && list->columns[i].expr->index == slots[k].columns[c])
					at[m++] = i;
			if (m == 0)
				continue;
			if (m > 1) {
				const char *print = slots[k].print_name;

				if (sb->scope->is_join && sb->ast->n_group_by == 0 && sb->ast->n_partition_by == 0)
					for (int i = 0; i < sb->scope->n_columns; i++)
						if (sb->scope->columns[i].index == slots[k].columns[c] && sb->scope->columns[i].print_name != NULL)
							print = sb->scope->columns[i].print_name;
				return key_repeated(sb, print, list, at, m, err);
			}
			chosen[k] = at[0];
			is_key[at[0]] = true;
			found = true;
		}
		if (!found) {
			missing[k] = any_missing = true;
			is_synthetic |= slots[k].n_choices == 1 && strncmp(slots[k].names[0], "ROWKEY", 6) == 0 && sb->scope->is_join;
		}
	}
	if (any_missing)
		return key_missing(sb, slots, missing, n, is_synthetic, err);
	for (int k = 0; k < n; k++) {
		BoundColumn *c = list_add(&ordered, list->columns[chosen[k]]);

		/* A join's key has its value also where the selected side is missing. */
		c->expr = expr_column(b->arena, k, sb->rows->columns[k].type, c->name);
	}
	for (int i = 0; i < list->n; i++)
		if (!is_key[i])
			list_add(&ordered, list->columns[i]);
	*n_key = n;
	list->columns = ordered.columns;
	if (list->n == n)
		return error_user(err, "The projection contains no value columns.");
	return OK;
}

static Status
check_names(SelectBinder *sb, const SelectList *list, int n, Error *err)
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
				error_user(err, "The projection contains duplicate column names: `%s`.", name);
				return error_at_pos(err, list->columns[i].pos);
			}
	}
	return OK;
}

/* ---- the whole ---- */

static Status
check_pull(SelectBinder *sb, const AstQuery *query, Error *err)
{
	const AstSelect *ast = sb->ast;
	const char		*what = NULL;

	(void)query;
	if (ast->from != NULL && ast->from->kind == AST_RELATION_JOIN)
		what = "JOIN clauses";
	else if (ast->window != NULL)
		what = "WINDOW clauses";
	else if (ast->n_group_by > 0)
		what = "GROUP BY clauses";
	else if (ast->n_partition_by > 0)
		what = "PARTITION BY clauses";
	else if (ast->having != NULL)
		what = "HAVING clauses";
	if (what == NULL)
		return OK;
	return error_user(err, "Pull queries don't support %s. See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended "
						   "to issue a push query.",
					  what);
}

Logical *
logical_one_row(Binder *b)
{
	Logical		*node = logical_new(b->arena, LOGICAL_SCAN, NULL);
	LogicalScan *scan = arena_new(b->arena, LogicalScan);
	Column		*column = arena_new(b->arena, Column);
	Value		*value = arena_new(b->arena, Value);

	*column = (Column){"DUMMY", type_integer};
	*value = value_integer(type_integer, 0);
	scan->name = "values";
	scan->values = value;
	scan->n_values = 1;
	scan->columns = arena_new(b->arena, ScanColumn);
	node->n_columns = 1;
	node->columns = column;
	node->spec = scan;
	node->estimated_rows = 1;
	return node;
}

typedef struct AstConjuncts {
	int				n, capacity;
	const AstExpr **items;
} AstConjuncts;

static void
conjuncts_of(Arena *arena, const AstExpr *e, AstConjuncts *out)
{
	if (e->kind == AST_BINARY && e->op == AST_OP_AND) {
		conjuncts_of(arena, e->left, out);
		conjuncts_of(arena, e->right, out);
		return;
	}
	arena_grow(arena, out->items, out->n, out->capacity);
	out->items[out->n++] = e;
}

/* Conditions that are tests of a sub-query become SEMI and ANTI joins above the filter of the others. */
static Status
plan_where(SelectBinder *sb, BoundSubquery *correlated, Error *err)
{
	Binder		   *b = sb->binder;
	ExprBinder		eb = {.binder = b, .scope = sb->scope, .select = sb, .clause = CLAUSE_WHERE};
	AstConjuncts	asts = {0};
	Expr		  **list = NULL, **conditions;
	BoundSubquery **semis;
	int				n = 0, n_semis = 0;

	if (!b->standard) {
		Expr *condition;

		if (bind_condition(&eb, sb->ast->where, &condition, err) != OK)
			return context_of_clause(b, CLAUSE_WHERE, err);
		sb->rows = logical_filter(b->arena, sb->rows, condition);
		return OK;
	}
	conjuncts_of(b->arena, sb->ast->where, &asts);
	conditions = arena_array(b->arena, Expr *, asts.n);
	semis = arena_array(b->arena, BoundSubquery *, asts.n);
	for (int i = 0; i < asts.n; i++) {
		Expr *condition;
		int	  m = 0, capacity = 0;

		TRY(bind_semi_join(&eb, asts.items[i], &semis[n_semis], err));
		if (semis[n_semis] != NULL) {
			n_semis++;
			continue;
		}
		TRY(bind_condition(&eb, asts.items[i], &condition, err));
		list = NULL;
		expr_conjuncts(b->arena, condition, &list, &m, &capacity);
		if (!expr_has_outer(condition)) {
			conditions[n++] = condition;
			continue;
		}
		if (correlated == NULL) {
			error_unsupported(err, "This sub-query cannot use columns of the query around it.");
			return error_at_pos(err, asts.items[i]->pos);
		}
		for (int k = 0; k < m; k++)
			if (expr_has_outer(list[k]))
				TRY(subquery_correlate(sb, correlated, list[k], err));
			else
				sb->rows = logical_filter(b->arena, sb->rows, list[k]);
	}
	TRY(join_subqueries(sb, true, err));
	if (n > 0)
		sb->rows = logical_filter(b->arena, sb->rows, place_subqueries(sb, expr_and(b->arena, conditions, n, b->standard)));
	for (int i = 0; i < n_semis; i++)
		sb->rows = join_subquery(sb, sb->rows, semis[i], semis[i]->plan);
	return OK;
}

/* ---- correlated sub-queries: what the join needs behind the visible columns ---- */

typedef struct InnerColumns {
	SelectList *list;
	int			first;
} InnerColumns;

static Expr *
place_inner(const Expr *e, void *context)
{
	InnerColumns *inner = context;
	SelectList	 *list = inner->list;
	Arena		 *arena = list->sb->binder->arena;

	if (e->kind != EXPR_COLUMN || ref_kind(e->index) == REF_OUTER)
		return NULL;
	for (int i = inner->first; i < list->n; i++)
		if (expr_equal(list->columns[i].expr, e))
			return expr_column(arena, i, e->type, e->name);
	list_add(list, (BoundColumn){.name = e->name, .expr = (Expr *)e, .ast = NULL});
	return expr_column(arena, list->n - 1, e->type, e->name);
}

static Status
add_correlated(SelectBinder *sb, SelectList *list, BoundSubquery *sub, bool is_aggregate, const AstQuery *query, Error *err)
{
	Binder	   *b = sb->binder;
	int			n_visible = list->n;
	InnerColumns inner = {list, n_visible};

	if (sub == NULL || (sub->n_keys == 0 && sub->residual == NULL))
		return OK;
	if (query->limit != NULL && !sub->is_exists) {
		error_unsupported(err, "LIMIT in a sub-query that uses outer columns is not supported.");
		return error_at_pos(err, query->limit->pos);
	}
	if (is_aggregate && (sub->residual != NULL || sb->ast->n_group_by > 0)) {
		error_unsupported(err, "A grouped sub-query can be related to outer columns by equality only, and without GROUP BY.");
		return error_at_pos(err, sb->ast->pos);
	}
	for (int i = 0; i < sub->n_keys; i++) {
		list_add(list, (BoundColumn){.name = "KEY", .expr = sub->right_keys[i], .ast = NULL});
		sub->right_keys[i] = expr_column(b->arena, list->n - 1, sub->right_keys[i]->type, "KEY");
	}
	if (sub->residual != NULL)
		sub->residual = expr_transform(b->arena, sub->residual, place_inner, &inner);
	sub->n_hidden = list->n - n_visible;
	return OK;
}

static Status
plan_sort(SelectBinder *sb, const AstQuery *query, SelectList *list, SortKey *keys, int n_visible, Error *err)
{
	Binder	 *b = sb->binder;
	Logical	 *node;
	SortSpec *spec = arena_new(b->arena, SortSpec);

	if (!b->is_bounded) {
		error_user(err, "ORDER BY needs input that ends: a continuous query cannot be sorted.");
		return error_at_pos(err, query->order_by[0].pos);
	}
	for (int i = 0; i < query->n_order_by; i++) {
		int at = keys[i].expr->index;

		keys[i].expr = expr_column(b->arena, at, list->columns[at].expr->type, list->columns[at].name);
	}
	spec->n_keys = query->n_order_by;
	spec->keys = keys;
	spec->n_rows = -1;
	spec->ksqldb_order = !b->standard;
	node = logical_new(b->arena, LOGICAL_SORT, sb->rows);
	node->spec = spec;
	sb->rows = node;
	if (list->n > n_visible) {
		Expr	   **exprs = arena_array(b->arena, Expr *, n_visible);
		const char **names = arena_array(b->arena, const char *, n_visible);

		for (int i = 0; i < n_visible; i++) {
			exprs[i] = expr_column(b->arena, i, list->columns[i].expr->type, list->columns[i].name);
			names[i] = list->columns[i].name;
		}
		sb->rows = logical_project(b->arena, sb->rows, exprs, names, n_visible, 0);
	}
	return OK;
}

static Status
bind_from(SelectBinder *sb, SelectBinder *outer, Error *err)
{
	Binder			*b = sb->binder;
	const AstSelect *ast = sb->ast;

	if (ast->from == NULL) {
		if (!b->is_bounded)
			return error_user(err, "A continuous query needs a FROM clause.");
		sb->rows = logical_one_row(b);
		return OK;
	}
	return bind_relation(b, ast->from, outer, &sb->rows, sb->scope, err);
}

/* Sub-queries inside of aggregates have been joined below the aggregation. */
static void
place_early(SelectBinder *sb, SelectList *list)
{
	Arena *arena = sb->binder->arena;

	if (sb->n_subqueries == 0)
		return;
	for (int i = 0; i < sb->n_items; i++) {
		const Expr **args = arena_array(arena, const Expr *, sb->items[i].n_args + 1);

		for (int k = 0; k < sb->items[i].n_args; k++)
			args[k] = place_subqueries(sb, sb->items[i].args[k]);
		sb->items[i].args = args;
		if (sb->items[i].filter != NULL)
			sb->items[i].filter = place_subqueries(sb, sb->items[i].filter);
	}
	for (int i = 0; i < list->n; i++)
		list->columns[i].expr = place_subqueries(sb, list->columns[i].expr);
}

static int
visible_keys(const SelectBinder *sb, const SelectList *list, int n_visible)
{
	int n = 0;

	/* Leading columns that are the rows' key, in order: what a client may call the key. */
	while (n < sb->rows->n_key && n < n_visible && list->columns[n].expr->kind == EXPR_COLUMN && list->columns[n].expr->index == n)
		n++;
	return n;
}

/*
 * A sub-query or view in a continuous plan: its key columns come first when all are selected.  A stream may do without;
 * the changes of a table have no meaning without their key.
 */
static Status
keep_keys(SelectBinder *sb, SelectList *list, int *n_key, Error *err)
{
	int		 n;
	KeySlot *slots = key_slots(sb, &n);

	*n_key = 0;
	for (int k = 0; k < n; k++) {
		int m = 0;

		for (int c = 0; c < slots[k].n_choices && m == 0; c++)
			for (int i = 0; i < list->n; i++)
				m += list->columns[i].expr->kind == EXPR_COLUMN && list->columns[i].expr->index == slots[k].columns[c];
		if (m == 1)
			continue;
		if (!sb->rows->is_table)
			return OK;
		return error_user(err, "The sub-query over a table must select its key column `%s` once.", slots[k].names[0]);
	}
	return list->n > n ? resolve_keys(sb, list, n_key, err) : OK;
}

/* Which columns of a pull query's answer are key columns of the table, window bounds included. */
static void
mark_keys(SelectBinder *sb, const SelectList *list)
{
	bool *is_key = arena_array(sb->binder->arena, bool, list->n + 1);

	for (int i = 0; i < list->n; i++) {
		const Expr *e = list->columns[i].expr;

		is_key[i] = e->kind == EXPR_COLUMN && (e->index < sb->rows->n_key || strcmp(e->name, "WINDOWSTART") == 0 ||
											   strcmp(e->name, "WINDOWEND") == 0);
	}
	sb->binder->is_key = is_key;
}

/*
 * The projection of the result.  Clients are not shown a stream's rows without a value; of a table's deletes they see
 * the key wherever it stands in the select list (all columns are evaluated, the values are NULL).
 */
static void
project_nulls(SelectBinder *sb, Expr *const *exprs, const char *const *names, int n, int n_key)
{
	Binder *b = sb->binder;
	bool	is_result = !b->is_persistent && b->depth == 0;

	if (is_result && !b->is_bounded && sb->rows->is_table)
		n_key = n;
	sb->rows = logical_project(b->arena, sb->rows, exprs, names, n, n_key);
	if (is_result && !sb->rows->is_table)
		((ProjectSpec *)sb->rows->spec)->drops_null_values = true;
}

Status
bind_select(Binder *b, const AstQuery *query, const AstSelect *ast, SelectBinder *outer, BoundSubquery *correlated, Logical **out,
			Error *err)
{
	SelectBinder sb = {.binder = b, .ast = ast, .scope = scope_new(b->arena)};
	SelectList	 list = {.sb = &sb};
	Expr		*having = NULL;
	SortKey		*sort_keys = NULL;
	int			 n_visible, n_key = 0;
	const char **names;
	Expr	   **exprs;
	bool		 is_aggregate;

	sb.scope->parent = outer;
	if (b->is_pull && b->depth == 0)
		TRY(check_pull(&sb, query, err));
	TRY(bind_from(&sb, outer, err));
	if (ast->window != NULL) {
		sb.has_window = true;
		TRY(bind_window(b, ast->window, query->emit == AST_EMIT_FINAL, &sb.window, err));
	}
	if (b->is_pull && b->depth == 0 && ast->from != NULL)
		TRY(check_pull_where(&sb, ast->where, err));
	if (ast->where != NULL) {
		TRY(plan_where(&sb, correlated, err));
	}
	TRY(bind_items(&list, err));
	sb.aliases = list.columns;
	sb.n_aliases = list.n;
	if (ast->having != NULL) {
		ExprBinder eb = {.binder = b, .scope = sb.scope, .select = &sb, .clause = CLAUSE_HAVING};

		if (bind_condition(&eb, ast->having, &having, err) != OK)
			return context_of_clause(b, CLAUSE_HAVING, err);
	}
	if (ast->qualify != NULL) {
		ExprBinder eb = {.binder = b, .scope = sb.scope, .select = &sb, .clause = CLAUSE_QUALIFY};

		TRY(bind_condition(&eb, ast->qualify, &sb.qualify, err));
	}
	n_visible = list.n;
	if (query->n_order_by > 0 && ast->n_partition_by == 0)
		TRY(bind_order(&sb, query, &list, &sort_keys, &n_visible, err));
	if (ast->n_partition_by > 0) {
		TRY(plan_partition_by(&sb, &list, err));
		n_visible = list.n;
	}
	is_aggregate = ast->n_group_by > 0 || sb.n_items > 0 || (sb.has_window && b->standard);
	if (correlated != NULL && correlated->n_keys > 0 && is_aggregate) {
		sb.extra_keys = arena_memdup(b->arena, correlated->right_keys, sizeof *sb.extra_keys * (size_t)correlated->n_keys);
		sb.n_extra_keys = correlated->n_keys;
	}
	if (correlated != NULL) {
		int n_sorted = list.n;

		TRY(add_correlated(&sb, &list, correlated, is_aggregate, query, err));
		if (n_sorted == n_visible)
			n_visible = list.n;
		else if (list.n > n_sorted)
			return error_unsupported(err, "ORDER BY in a sub-query that uses outer columns is not supported.");
	}
	if (is_aggregate) {
		TRY(join_subqueries(&sb, true, err));
		place_early(&sb, &list);
		if (sb.n_functions > 0)
			return error_user(err, "Table functions cannot be used with aggregations.");
		TRY(plan_aggregate(&sb, query, list.columns, list.n, &having, err));
		TRY(join_subqueries(&sb, false, err));
		if (having != NULL)
			sb.rows = logical_filter(b->arena, sb.rows, place_subqueries(&sb, having));
	} else {
		if (sb.has_window)
			return error_user(err, "WINDOW clause requires a GROUP BY clause.");
		if (query->emit == AST_EMIT_FINAL)
			return error_user(err, "EMIT FINAL is only supported for windowed aggregations.");
		if (having != NULL && b->standard) {
			error_user(err, "HAVING needs GROUP BY or an aggregate. Use WHERE to filter rows.");
			return error_at_pos(err, ast->having->pos);
		}
	}
	if (b->is_persistent && b->depth == 0 && sb.rows->is_table && sb.rows->window.kind != WINDOW_NONE && !is_aggregate)
		return error_user(err, "KSQL does not support persistent queries on windowed tables.");
	TRY(join_subqueries(&sb, false, err));
	for (int i = 0; i < list.n; i++)
		list.columns[i].expr = place_subqueries(&sb, list.columns[i].expr);
	TRY(plan_table_functions(&sb, &list, err));
	TRY(plan_overs(&sb, err));
	for (int i = 0; i < list.n; i++)
		list.columns[i].expr = place_overs(&sb, list.columns[i].expr);
	if (sb.qualify != NULL)
		sb.rows = logical_filter(b->arena, sb.rows, place_overs(&sb, sb.qualify));
	TRY(check_names(&sb, &list, n_visible, err));
	if (b->is_persistent && b->depth == 0)
		TRY(resolve_keys(&sb, &list, &n_key, err));
	else if (!b->is_bounded && b->depth > 0)
		TRY(keep_keys(&sb, &list, &n_key, err));
	else
		n_key = visible_keys(&sb, &list, n_visible);
	exprs = arena_array(b->arena, Expr *, list.n + 1);
	names = arena_array(b->arena, const char *, list.n + 1);
	for (int i = 0; i < list.n; i++) {
		exprs[i] = list.columns[i].expr;
		names[i] = list.columns[i].name;
	}
	for (int i = 0; i < list.n; i++)
		if (expr_has_outer(exprs[i])) {
			error_unsupported(err, "A sub-query can use columns of the query around it in WHERE only.");
			return error_at_pos(err, list.columns[i].pos);
		}
	if (b->is_pull && b->depth == 0 && sb.rows->is_table)
		mark_keys(&sb, &list);
	project_nulls(&sb, exprs, names, list.n, n_key);
	if (ast->is_distinct) {
		Logical		 *node = logical_new(b->arena, LOGICAL_DISTINCT, sb.rows);
		DistinctSpec *spec = arena_new(b->arena, DistinctSpec);

		if (ast->n_distinct_on > 0) {
			error_unsupported(err, "DISTINCT ON is not supported yet.");
			return error_at_pos(err, ast->pos);
		}
		if (!b->is_bounded)
			return error_unsupported(err, "SELECT DISTINCT is not supported in continuous queries yet. Use GROUP BY.");
		spec->n_columns = list.n;
		node->spec = spec;
		sb.rows = node;
	}
	if (query->n_order_by > 0 && sort_keys != NULL)
		TRY(plan_sort(&sb, query, &list, sort_keys, n_visible, err));
	*out = sb.rows;
	return OK;
}
