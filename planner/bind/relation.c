/* FROM: sources, files, views, sub-queries and VALUES as scans and scopes. */
#include "parser/parser.h"
#include "planner/bind/relation.h"

void
scan_add(ScanBuilder *s, const char *name, const Type *type, int source_index, PseudoKind kind, const char *header)
{
	int n = s->n;

	arena_grow(s->binder->arena, s->origins, s->n, s->capacity);
	arena_grow(s->binder->arena, s->columns, n, s->column_capacity);
	s->origins[s->n] = (ScanColumn){source_index, {kind, header}};
	s->columns[s->n++] = (Column){name, type};
}

void
scan_add_pseudo(ScanBuilder *s, bool is_windowed)
{
	scan_add(s, "ROWTIME", type_bigint, -1, PSEUDO_ROWTIME, NULL);
	scan_add(s, "ROWPARTITION", type_integer, -1, PSEUDO_ROWPARTITION, NULL);
	scan_add(s, "ROWOFFSET", type_bigint, -1, PSEUDO_ROWOFFSET, NULL);
	if (is_windowed) {
		scan_add(s, "WINDOWSTART", type_bigint, -1, PSEUDO_WINDOWSTART, NULL);
		scan_add(s, "WINDOWEND", type_bigint, -1, PSEUDO_WINDOWEND, NULL);
	}
}

Status
scan_timestamp(Binder *b, ScanBuilder *s, const char *column, const char *format, const Expr **out, Error *err)
{
	int index = -1;

	*out = NULL;
	if (column == NULL)
		return OK;
	for (int i = 0; i < s->n && index < 0; i++)
		if (s->origins[i].source_index >= 0 && name_matches(b->standard, s->columns[i].name, column, false))
			index = i;
	if (index < 0)
		return error_user(err, "The TIMESTAMP column set in the WITH clause does not exist in the schema: '%s'", column);
	*out = expr_column(b->arena, index, s->columns[index].type, s->columns[index].name);
	if ((*out)->type->kind == TYPE_STRING) {
		ExprBinder eb = {.binder = b, .clause = CLAUSE_CONSTANT};
		Expr	  *args[2] = {(Expr *)*out, NULL};
		Expr	  *call;
		int		   n = 1;

		if (format == NULL) {
			*out = expr_cast_to(b, (Expr *)*out, type_timestamp);
			return OK;
		}
		args[n++] = expr_constant(b->arena, value_text(type_string, str_of(format)));
		TRY(bind_function(&eb, "PARSE_TIMESTAMP", args, n, (AstPos){0}, &call, err));
		*out = call;
	} else if ((*out)->type->kind == TYPE_DATE)
		*out = expr_cast_to(b, (Expr *)*out, type_timestamp);
	return OK;
}

Logical *
scan_finish(Binder *b, ScanBuilder *s, LogicalScan *scan, int n_key, bool is_table)
{
	Logical *node = logical_new(b->arena, LOGICAL_SCAN, NULL);

	scan->columns = s->origins;
	node->n_columns = s->n;
	node->columns = s->columns;
	node->n_key = n_key;
	node->is_table = is_table;
	node->spec = scan;
	return node;
}

void
scope_of_scan(Binder *b, Scope *scope, const Logical *scan, const LogicalScan *spec, const char *alias)
{
	ScopeSource *source = arena_new(b->arena, ScopeSource);

	*source = (ScopeSource){.alias = alias, .source = spec->source, .is_table = scan->is_table, .window = scan->window};
	scope->sources = source;
	scope->n_sources = 1;
	for (int i = 0; i < scan->n_columns; i++) {
		bool is_pseudo = spec->columns[i].source_index < 0 && spec->columns[i].pseudo.kind != PSEUDO_HEADERS &&
						 spec->columns[i].pseudo.kind != PSEUDO_HEADER;

		scope_add(b->arena, scope,
				  (ScopeColumn){.qualifier = alias,
								.name = scan->columns[i].name,
								.type = scan->columns[i].type,
								.index = i,
								.is_hidden = is_pseudo,
								.is_key = i < scan->n_key});
	}
}

static bool
starts_at_latest(Binder *b, bool is_table)
{
	const char *reset = settings_text(b->context->settings, "auto.offset.reset");

	if (b->is_bounded || is_table)
		return false;
	if (reset != NULL && settings_has(b->context->settings, "auto.offset.reset"))
		return str_equal_nocase(str_of(reset), STR("latest"));
	return !b->standard;
}

static void
remember_source(Binder *b, const CatalogSource *source)
{
	for (int i = 0; i < b->n_sources; i++)
		if (b->sources[i] == source)
			return;
	arena_grow(b->arena, b->sources, b->n_sources, b->sources_capacity);
	b->sources[b->n_sources++] = source;
}

static Status
materialised(Binder *b, Logical *scan, Logical **out)
{
	Logical			*node = logical_new(b->arena, LOGICAL_MATERIALISE, scan);
	MaterialiseSpec *spec = arena_new(b->arena, MaterialiseSpec);

	spec->n_key = scan->n_key;
	spec->is_windowed = scan->window.kind != WINDOW_NONE;
	node->spec = spec;
	*out = node;
	return OK;
}

static Status
bind_topic_source(Binder *b, const CatalogSource *source, const char *alias, Logical **out, Scope *scope, Error *err)
{
	ScanBuilder	 s = {.binder = b};
	LogicalScan *scan = arena_new(b->arena, LogicalScan);
	bool		 is_table = source->kind == ENTITY_TABLE;
	Logical		*node;

	if (source->path != NULL) {
		FileSpec *file;

		TRY(bind_file(b->context, source->path, source->file_options, source->n_file_options, &file, err));
		/* The file is read as it was declared, or as it was found when the source was created. */
		if (file->n_columns == 0) {
			file->n_columns = source->schema->n_columns;
			file->columns = source->schema->columns;
		}
		TRY(b->context->describe_file(b->context, file, err));
		scan->file = file;
		for (int i = 0; i < source->schema->n_columns; i++) {
			const Column *c = &source->schema->columns[i];
			int			  at = -1;

			for (int j = 0; j < file->n_columns && at < 0; j++)
				if (strcmp(file->columns[j].name, c->name) == 0)
					at = j;
			for (int j = 0; j < file->n_columns && at < 0; j++)
				if (str_equal_nocase(str_of(file->columns[j].name), str_of(c->name)))
					at = j;
			if (at < 0)
				return error_user(err, "Column `%s` of %s is not in the file %s any more.", c->name, source->name, source->path);
			scan_add(&s, c->name, c->type, at, 0, NULL);
		}
	} else {
		TRY(bind_topic(b->context, source, &scan->topic, err));
		for (int i = 0; i < source->schema->n_columns; i++)
			scan_add(&s, source->schema->columns[i].name, source->schema->columns[i].type, i, 0, NULL);
	}
	for (int i = 0; i < source->n_headers; i++)
		scan_add(&s, source->headers[i].name, source->headers[i].type, -1,
				 source->headers[i].header != NULL ? PSEUDO_HEADER : PSEUDO_HEADERS, source->headers[i].header);
	scan_add_pseudo(&s, source->window.kind != WINDOW_NONE);
	scan->source = source;
	scan->name = source->path != NULL ? source->path : source->topic;
	scan->alias = alias;
	scan->from_latest = starts_at_latest(b, is_table);
	scan->fail_on_bad_time = settings_bool(b->context->settings, "ksql.timestamp.throw.on.invalid");
	TRY(scan_timestamp(b, &s, source->timestamp_column, source->timestamp_format, &scan->timestamp, err));
	if (is_table && b->is_bounded && source->is_materialised && (b->context->table_is_kept == NULL || b->context->table_is_kept(b->context, source)))
		scan->is_state = true;
	node = scan_finish(b, &s, scan, source->schema->n_key, is_table);
	node->window = source->window;
	scope_of_scan(b, scope, node, scan, alias);
	if (is_table && b->is_bounded && !scan->is_state) {
		if (!b->standard && !source->is_materialised) {
			error_user(err,
					   "The `%s` table isn't queryable. To derive a queryable table, you can do 'CREATE TABLE QUERYABLE_%s AS SELECT * "
					   "FROM %s'. See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query.",
					   source->name, source->name, source->name);
			return FAILED;
		}
		TRY(materialised(b, node, &node));
	}
	*out = node;
	return OK;
}

Status
relation_of_query(Binder *b, Logical *plan, const char *alias, const AstIdent *columns, int n_columns, AstPos pos, Scope *scope,
				  Error *err)
{
	ScopeSource *source = arena_new(b->arena, ScopeSource);
	int			 front = plan->n_front;

	if (n_columns > plan->n_columns - front) {
		error_user(err, "%d column names are given for %d columns.", n_columns, plan->n_columns - front);
		return error_at_pos(err, pos);
	}
	*source = (ScopeSource){.alias = alias, .is_table = plan->is_table, .window = plan->window};
	scope->sources = source;
	scope->n_sources = 1;
	for (int i = front; i < plan->n_columns; i++)
		scope_add(b->arena, scope,
				  (ScopeColumn){.qualifier = alias,
								.name = i - front < n_columns ? bind_name(b->context, columns[i - front]) : plan->columns[i].name,
								.type = plan->columns[i].type,
								.index = i,
								.is_key = i < plan->n_key});
	return OK;
}

static Status
bind_view(Binder *b, const CatalogSource *view, const char *alias, const AstRelation *relation, Logical **out, Scope *scope, Error *err)
{
	AstStatement	*statement;
	ParserCursor	 cursor = {.text = str_of(view->view_sql)};
	ParserOptions	 options = {.is_ksqldb = !view->standard};
	CteEntry	*ctes = b->ctes;
	PlannerContext	*context = b->context;
	bool			 standard = b->standard;
	const AstQuery	*query = NULL;
	Str				 sql = context->sql;
	int				 sql_offset = context->sql_offset;
	Status			 status;

	if (b->depth > 32)
		return error_user(err, "Views are nested too deeply at %s.", view->name);
	if (parser_next(b->arena, &cursor, options, &statement, err) != OK)
		return error_bug(err, "the query of view %s cannot be read", view->name);
	if (statement->kind == AST_SELECT)
		query = statement->query;
	else if (statement->kind == AST_CREATE_VIEW)
		query = statement->create_view.query;
	if (query == NULL)
		return error_bug(err, "view %s has no query", view->name);
	context->sql = str_of(view->view_sql);
	context->sql_offset = 0;
	b->ctes = NULL;
	b->standard = context->standard = view->standard;
	status = bind_inner_query(b, query, NULL, NULL, out, err);
	b->standard = context->standard = standard;
	context->sql = sql;
	context->sql_offset = sql_offset;
	b->ctes = ctes;
	if (status != OK) {
		err->line = err->column = 0;
		return error_context(err, "in view %s", view->name);
	}
	/* Names given by CREATE VIEW v (a, b). */
	if (statement->kind == AST_CREATE_VIEW && statement->create_view.n_columns > 0 && relation->n_column_aliases == 0)
		return relation_of_query(b, *out, alias, statement->create_view.columns, statement->create_view.n_columns, relation->pos, scope,
								 err);
	return relation_of_query(b, *out, alias, relation->column_aliases, relation->n_column_aliases, relation->pos, scope, err);
}

static Status
bind_named(Binder *b, const AstRelation *relation, Logical **out, Scope *scope, Error *err)
{
	const CatalogSource *source;
	const char			*name = bind_name(b->context, relation->name);
	const char			*alias = relation->alias.text != NULL ? bind_name(b->context, relation->alias) : NULL;

	for (CteEntry *c = b->ctes; c != NULL; c = c->next)
		if (name_matches(b->standard, bind_name(b->context, c->cte->name), name, false))
			return bind_cte(b, c, alias != NULL ? alias : bind_name(b->context, c->cte->name), relation, out, scope, err);
	TRY(bind_source_name(b->context, relation->name, &source, err));
	if (alias == NULL)
		alias = source->name;
	remember_source(b, source);
	if (source->kind == ENTITY_VIEW)
		return bind_view(b, source, alias, relation, out, scope, err);
	TRY(bind_topic_source(b, source, alias, out, scope, err));
	for (int i = 0; i < relation->n_column_aliases && i < scope->n_columns; i++)
		scope->columns[i].name = bind_name(b->context, relation->column_aliases[i]);
	return OK;
}

static Status
bind_unsampled(Binder *b, const AstRelation *relation, SelectBinder *outer, Logical **out, Scope *scope, Error *err)
{
	switch (relation->kind) {
	case AST_RELATION_SOURCE:
		return bind_named(b, relation, out, scope, err);
	case AST_RELATION_FILE:
		return bind_file_relation(b, relation, outer, out, scope, err);
	case AST_RELATION_QUERY: {
		const char *alias = relation->alias.text != NULL ? bind_name(b->context, relation->alias) : NULL;

		if (relation->is_lateral && !b->is_bounded) {
			error_unsupported(err, "A LATERAL sub-query is not kept up to date in a continuous query.");
			return error_at_pos(err, relation->pos);
		}
		if (outer != NULL && b->is_bounded)
			return bind_derived(b, relation, outer, alias, out, scope, err);
		TRY(bind_inner_query(b, relation->query, NULL, NULL, out, err));
		return relation_of_query(b, *out, alias, relation->column_aliases, relation->n_column_aliases, relation->pos, scope, err);
	}
	case AST_RELATION_JOIN:
		return bind_join(b, relation, outer, out, scope, err);
	case AST_RELATION_PIVOT:
		return bind_pivot(b, relation, outer, out, scope, err);
	case AST_RELATION_FUNCTION:
		if (!b->standard || !b->is_bounded) {
			error_user(err, b->standard ? "A continuous query cannot read a table function alone: put it behind a stream."
										: "Table functions in FROM are SQL of the standard dialect.");
			return error_at_pos(err, relation->pos);
		}
		if (scope->domain != NULL && scope->domain->is_active)
			TRY(domain_first(b, scope, out, err));
		else
			*out = logical_one_row(b);
		return bind_function_relation(b, relation, false, out, scope, err);
	}
	return error_bug(err, "unknown relation");
}

Status
bind_relation(Binder *b, const AstRelation *relation, SelectBinder *outer, Logical **out, Scope *scope, Error *err)
{
	TRY(bind_unsampled(b, relation, outer, out, scope, err));
	return relation->sample != NULL ? plan_sample(b, relation->sample, out, err) : OK;
}
