/* The planner's entry points: bind, rewrite, make operators; sinks of persistent queries. */
#include "planner/bind/bind.h"

static Binder
binder_new(PlannerContext *context)
{
	return (Binder){.context = context, .arena = context->arena, .standard = context->standard};
}

/*
 * A WITH query that is not kept (bind/cte.c) runs as often as it is used.  Sums of DOUBLE depend on the order in which parallel parts come together,
 * and `total = (SELECT MAX(total) ...)` must hold: such a plan runs in one order.
 */
static bool
has_double_sums(const PlanNode *node)
{
	if (node->op == &op_aggregate) {
		const AggregateSpec *spec = node->spec;

		for (int i = 0; i < spec->n_items; i++)
			if (spec->items[i].type->kind == TYPE_DOUBLE)
				return true;
	}
	for (int i = 0; i < node->n_inputs; i++)
		if (has_double_sums(node->inputs[i]))
			return true;
	return false;
}

static Status
finish(Binder *b, Logical *root, Plan **out, Error *err)
{
	RewriteContext rewrite = {.arena = b->arena, .is_bounded = b->is_bounded, .standard = b->standard};
	bool		   is_table = root->is_table && !b->is_bounded;
	WindowSpec	   window = root->window;

	root = place_ctes(b, root);
	b->misses_time |= ctes_need_time(b, root);
	if (b->context->logical_text != NULL)
		print_ctes(b, b->context->logical_text);
	if (b->context->logical_text != NULL)
		logical_print(root, b->context->logical_text);
	root = logical_rewrite(&rewrite, root);
	read_ctes(b, root);
	TRY(physical_plan(b->arena, root, b->is_bounded, out, err));
	TRY(plan_ctes(b, *out, err));
	if (b->context->optimized_text != NULL)
		logical_print(root, b->context->optimized_text);
	(*out)->result_is_table = is_table;
	(*out)->window = window;
	(*out)->is_windowed = window.kind != WINDOW_NONE;
	(*out)->needs_order = b->needs_order || (b->repeats_cte && has_double_sums((*out)->root));
	(*out)->needs_single_rows = b->needs_single_rows;
	(*out)->is_key = b->is_key;
	return OK;
}

Status
plan_part(Binder *b, Logical *end, Plan **out, Error *err)
{
	RewriteContext rewrite = {.arena = b->arena, .is_bounded = b->is_bounded, .standard = b->standard};

	b->misses_time |= ctes_need_time(b, end);
	end = logical_rewrite(&rewrite, end);
	read_ctes(b, end);
	if (b->context->optimized_text != NULL)
		logical_print(end, b->context->optimized_text);
	TRY(physical_plan(b->arena, end, b->is_bounded, out, err));
	(*out)->needs_order = b->needs_order;
	(*out)->needs_single_rows = b->needs_single_rows;
	return OK;
}

/* What the ksqldb dialect has more than ksqlDB and cannot do here is refused by ksqlDB too: no feature is missing. */
static Status
bind_whole_query(Binder *b, const AstQuery *query, Logical **root, Error *err)
{
	Status status = bind_query(b, query, NULL, NULL, root, err);

	if (status == FAILED && !b->standard && err->class == ERROR_UNSUPPORTED)
		err->class = ERROR_USER;
	return status;
}

static Status
plan_select_once(PlannerContext *context, const AstQuery *query, bool inlines_ctes, bool *misses_time, Plan **out, Error *err)
{
	Binder		b = binder_new(context);
	Logical	   *root, *result;
	ResultSpec *spec = arena_new(context->arena, ResultSpec);

	b.emit = query->emit;
	b.is_bounded = query->emit == AST_EMIT_NONE;
	b.is_pull = b.is_bounded && !b.standard;
	b.inlines_ctes = inlines_ctes;
	b.statement_kind = "SELECT";
	if (b.is_pull && !settings_bool(context->settings, "ksql.pull.queries.enable"))
		return error_user(err, "Pull queries are disabled. See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended "
							   "to issue a push query.\nPlease set ksql.pull.queries.enable=true to enable this feature.");
	TRY(bind_whole_query(&b, query, &root, err));
	result = logical_new(b.arena, LOGICAL_RESULT, root);
	spec->n_columns = root->n_columns;
	result->spec = spec;
	TRY(finish(&b, result, out, err));
	spec->n_columns = (*out)->schema->n_columns;
	*misses_time = b.misses_time;
	return OK;
}

Status
plan_select(PlannerContext *context, const AstQuery *query, Plan **out, Error *err)
{
	bool misses_time = false;

	TRY(plan_select_once(context, query, false, &misses_time, out, err));
	if (!misses_time)
		return OK;
	if (context->logical_text != NULL)
		strbuf_clear(context->logical_text);
	if (context->optimized_text != NULL)
		strbuf_clear(context->optimized_text);
	return plan_select_once(context, query, true, &misses_time, out, err);
}

/* ---- sinks ---- */

static Status
sink_timestamp(Binder *b, const CatalogSource *sink, const Logical *root, const Expr **out, Error *err)
{
	ExprBinder eb = {.binder = b, .clause = CLAUSE_CONSTANT};
	Expr	  *args[2], *call;
	int		   at = -1;

	*out = NULL;
	if (sink->timestamp_column == NULL)
		return OK;
	for (int i = 0; i < root->n_columns && at < 0; i++)
		if (strcmp(root->columns[i].name, sink->timestamp_column) == 0)
			at = i;
	if (at < 0)
		return error_user(err, "The TIMESTAMP column set in the WITH clause does not exist in the schema: '%s'", sink->timestamp_column);
	args[0] = expr_column(b->arena, at, root->columns[at].type, root->columns[at].name);
	*out = args[0];
	if (args[0]->type->kind != TYPE_STRING)
		return OK;
	if (sink->timestamp_format == NULL) {
		*out = expr_cast_to(b, args[0], type_timestamp);
		return OK;
	}
	args[1] = expr_constant(b->arena, value_text(type_string, str_of(sink->timestamp_format)));
	TRY(bind_function(&eb, "PARSE_TIMESTAMP", args, 2, (AstPos){0}, &call, err));
	*out = call;
	return OK;
}

/*
 * TTL: groups of a stream end in their aggregate, where their state is freed too; rows of other tables just before the sink.
 */
static Logical *
add_ttl(Binder *b, Logical *root, int64_t ttl_ms)
{
	Logical	   *node = root;
	ExpireSpec *spec;

	while (node->kind == LOGICAL_PROJECT || (node->kind == LOGICAL_FILTER && node->is_table))
		node = node->inputs[0];
	if (node->kind == LOGICAL_AGGREGATE) {
		AggregateSpec *aggregate = node->spec;

		if (!aggregate->is_table && aggregate->n_grouping_sets == 0) {
			aggregate->ttl_ms = ttl_ms;
			return root;
		}
	}
	node = logical_new(b->arena, LOGICAL_EXPIRE, root);
	spec = arena_new(b->arena, ExpireSpec);
	spec->ttl_ms = ttl_ms;
	spec->n_key = root->n_key;
	node->spec = spec;
	return node;
}

/*
 * How long rows of a windowed table are kept for look-ups.  What was not written is ksqlDB's (size and grace); in the standard dialect a
 * day at least, since EMIT FINAL has no grace, and for ever where every source ends: its table is what the bounded query gives.
 */
static int64_t
kept_retention(const Binder *b, const WindowSpec *window)
{
	enum { DAY_MS = 24 * 60 * 60 * 1000 };
	bool ends = b->n_sources > 0;

	if (window->kind == WINDOW_NONE || window->has_retention || !b->standard)
		return window->retention_ms;
	for (int i = 0; i < b->n_sources; i++)
		ends = ends && b->sources[i]->path != NULL && !b->sources[i]->follow;
	return ends || window->retention_ms == 0 ? 0 : window->retention_ms > DAY_MS ? window->retention_ms : DAY_MS;
}

static Status
add_sink(Binder *b, Logical *root, const CatalogSource *sink, bool has_topic, Logical **out, Error *err)
{
	Logical	 *node = logical_new(b->arena, LOGICAL_SINK, root);
	SinkSpec *spec = arena_new(b->arena, SinkSpec);

	if (has_topic)
		TRY(bind_topic(b->context, sink, &spec->topic, err));
	spec->n_key = sink->schema->n_key;
	spec->null_key_when_null = !b->is_repartitioned;
	spec->is_table = sink->kind == ENTITY_TABLE;
	spec->fail_on_bad_time = settings_bool(b->context->settings, "ksql.timestamp.throw.on.invalid");
	if (has_topic)
		TRY(sink_timestamp(b, sink, root, &spec->timestamp, err));
	spec->table_name = spec->is_table ? sink->name : NULL;
	spec->is_session = root->window.kind == WINDOW_SESSION;
	spec->retention_ms = spec->is_table ? kept_retention(b, &root->window) : 0;
	node->spec = spec;
	*out = node;
	return OK;
}

static void
fill_persistent(Binder *b, Plan *plan, const CatalogSource *sink, PersistentPlan *out)
{
	const char **names = arena_array(b->arena, const char *, b->n_sources + 1);

	for (int i = 0; i < b->n_sources; i++)
		names[i] = b->sources[i]->name;
	out->plan = plan;
	out->sink = (CatalogSource *)sink;
	out->n_sources = b->n_sources;
	out->sources = names;
	out->fingerprint = plan_fingerprint(plan);
}

static Status
check_value_formats(Binder *b, const AstQuery *query, Error *err)
{
	const AstSelect *select = query->body->kind == AST_BODY_SELECT ? query->body->select : NULL;
	StrBuf			 names = {0};
	const char		*what;

	if (select == NULL || select->from == NULL)
		return OK;
	what = select->from->kind == AST_RELATION_JOIN ? "JOIN" : select->n_group_by > 0 ? "GROUP BY" : NULL;
	if (what == NULL)
		return OK;
	for (int i = 0; i < b->n_sources; i++)
		if (b->sources[i]->value_format.format != NULL && strcmp(b->sources[i]->value_format.format, "KAFKA") == 0)
			strbuf_printf(&names, "%s%s", names.length > 0 ? ", " : "", b->sources[i]->name);
	if (names.length > 0) {
		error_user(err, "Source(s) %s are using the 'KAFKA' value format. This format does not yet support %s.", strbuf_text(&names), what);
		strbuf_free(&names);
		return FAILED;
	}
	return OK;
}

/* Behind a format that cannot carry the columns ksqlDB shows the whole statement. */
static Status
add_statement(Binder *b, const AstCreateSource *create, Error *err)
{
	Error cause = *err;

	if (b->standard || create->query->body->select->from == NULL || strstr(cause.message, " format does not support schema.") == NULL)
		return FAILED;
	error_user(err, "%s\nStatement: %.1500s", arena_strdup(b->arena, cause.message), create_as_text(b, create));
	error_at(err, cause.line, cause.column, cause.length);
	return cause.hint[0] != '\0' ? error_hint(err, "%s", cause.hint) : FAILED;
}

Status
plan_create_as(PlannerContext *context, const AstStatement *statement, PersistentPlan *out, Error *err)
{
	const AstCreateSource *create = &statement->create_source;
	Binder				   b = binder_new(context);
	CatalogSource		  *sink = arena_new(context->arena, CatalogSource);
	Schema				  *schema = arena_new(context->arena, Schema);
	Logical				  *root;
	Plan				  *plan;

	context->sql = statement->text;
	context->sql_offset = statement->pos.offset;
	b.emit = create->query->emit;
	b.is_persistent = true;
	b.sink_name = bind_name(context, create->name);
	b.statement_kind = create->is_table ? "CREATE TABLE AS SELECT" : "CREATE STREAM AS SELECT";
	if ((create->query->body->kind != AST_BODY_SELECT || create->query->n_order_by > 0) && !context->standard)
		return error_user(err, "%s supports a plain SELECT only so far.", b.statement_kind);
	TRY(bind_whole_query(&b, create->query, &root, err));
	TRY(check_value_formats(&b, create->query, err));
	if (root->is_table != create->is_table)
		return error_user(err, "Invalid result type. Your SELECT query produces a %s. Please use CREATE %s AS SELECT statement instead.",
						  root->is_table ? "TABLE" : "STREAM", root->is_table ? "TABLE" : "STREAM");
	schema->n_columns = root->n_columns;
	schema->n_key = root->n_key;
	schema->columns = root->columns;
	sink->name = b.sink_name;
	sink->kind = create->is_table ? ENTITY_TABLE : ENTITY_STREAM;
	sink->schema = schema;
	sink->window = root->window;
	sink->standard = context->standard;
	sink->is_materialised = create->is_table;
	sink->sql = str_to_arena(context->arena, statement->text);
	if (bind_sink_properties(context, statement, b.n_sources > 0 ? b.sources[0] : NULL, sink, err) != OK)
		return add_statement(&b, create, err);
	if (sink->ttl_ms > 0)
		root = add_ttl(&b, root, sink->ttl_ms);
	TRY(add_sink(&b, root, sink, true, &root, err));
	TRY(finish(&b, root, &plan, err));
	fill_persistent(&b, plan, sink, out);
	return OK;
}

/* ---- INSERT INTO ... SELECT ---- */

static bool
column_fits(Binder *b, const Expr *e, const Type *from, const Type *to)
{
	if (from == to)
		return true;
	if (from->kind == TYPE_DECIMAL && to->kind == TYPE_DECIMAL)
		return cast_is_implicit(from, to);
	if (e != NULL && e->kind == EXPR_CONSTANT && type_is_number(from) && to->kind == TYPE_DECIMAL)
		return true;
	if (e != NULL && e->kind == EXPR_CONSTANT && type_is_number(from) && type_is_number(to))
		return cast_is_implicit(from, to);
	return b->standard && cast_is_implicit(from, to);
}

static Status
match_sink(Binder *b, const CatalogSource *sink, Logical **root, Error *err)
{
	const Schema *want = sink->schema;
	Logical		 *in = *root;
	Schema		  have = {in->n_columns, in->n_key, in->columns};
	bool		  same = have.n_columns == want->n_columns && have.n_key == want->n_key, casts = false;
	Expr		**exprs = arena_array(b->arena, Expr *, want->n_columns + 1);
	const char	**names = arena_array(b->arena, const char *, want->n_columns + 1);
	StrBuf		  h = {0}, w = {0};

	for (int i = 0; i < want->n_columns && same; i++) {
		const Expr *e = in->kind == LOGICAL_PROJECT ? ((const ProjectSpec *)in->spec)->columns[i] : NULL;

		same = name_matches(b->standard, have.columns[i].name, want->columns[i].name, false) &&
			   column_fits(b, e, have.columns[i].type, want->columns[i].type);
		exprs[i] = expr_cast_to(b, expr_column(b->arena, i, have.columns[i].type, have.columns[i].name), want->columns[i].type);
		names[i] = want->columns[i].name;
		casts |= exprs[i]->kind == EXPR_CAST || strcmp(names[i], have.columns[i].name) != 0;
	}
	if (!same) {
		schema_print(&have, &h);
		schema_print(want, &w);
		error_user(err, "Incompatible schema between results and sink.\nResult schema is %s\nSink schema is %s", strbuf_text(&h),
				   strbuf_text(&w));
		strbuf_free(&h);
		strbuf_free(&w);
		return FAILED;
	}
	if (casts)
		*root = logical_project(b->arena, in, exprs, names, want->n_columns, want->n_key);
	return OK;
}

Status
plan_insert_select(PlannerContext *context, const AstStatement *statement, PersistentPlan *out, Error *err)
{
	const AstInsert		*insert = &statement->insert;
	Binder				 b = binder_new(context);
	const CatalogSource *sink;
	Logical				*root;
	Plan				*plan;

	context->sql = statement->text;
	context->sql_offset = statement->pos.offset;
	sink = catalog_source(context->catalog, str_of(bind_name(context, insert->name)));
	if (sink == NULL && !context->standard)
		return error_unknown_source(context, insert->name, arena_printf(context->arena, "Sink does not exist for the INSERT INTO statement: %s\n",
																		bind_name(context, insert->name)), err);
	if (sink == NULL)
		TRY(bind_source_name(context, insert->name, &sink, err));
	b.emit = insert->query->emit;
	b.is_persistent = true;
	b.sink_name = sink->name;
	b.statement_kind = "INSERT INTO";
	if (sink->kind != ENTITY_STREAM)
		return error_user(err, "INSERT INTO can only be used to insert into a stream. %s is a table.", sink->name);
	if (sink->is_read_only)
		return error_user(err, "Cannot insert into read-only stream: %s", sink->name);
	if (sink->n_headers > 0)
		return error_user(err, "Cannot insert into %s because it has header columns", sink->name);
	if (sink->path != NULL)
		return error_unsupported(err, "INSERT INTO a stream over a file is not supported.");
	if (insert->query->emit == AST_EMIT_FINAL && !context->standard)
		return error_user(err, "INSERT INTO does not support EMIT FINAL: its result is a table.");
	TRY(bind_whole_query(&b, insert->query, &root, err));
	if (root->is_table)
		return error_user(err, "Incompatible data sink and query result. Data sink (%s) type is KSTREAM but select query result is KTABLE.",
						  sink->name);
	TRY(match_sink(&b, sink, &root, err));
	if ((root->window.kind == WINDOW_NONE) != (sink->window.kind == WINDOW_NONE))
		return error_user(err, "Incompatible windowing between results and sink: %s is %swindowed.", sink->name,
						  sink->window.kind == WINDOW_NONE ? "not " : "");
	TRY(add_sink(&b, root, sink, true, &root, err));
	TRY(finish(&b, root, &plan, err));
	fill_persistent(&b, plan, sink, out);
	return OK;
}

/* ---- CREATE SOURCE TABLE ---- */

Status
plan_source_table(PlannerContext *context, const CatalogSource *table, PersistentPlan *out, Error *err)
{
	Binder		   b = binder_new(context);
	ScanColumn	  *origins = arena_array(b.arena, ScanColumn, table->schema->n_columns + 1);
	LogicalScan	  *spec = arena_new(b.arena, LogicalScan);
	Logical		  *scan = logical_new(b.arena, LOGICAL_SCAN, NULL), *root;
	const CatalogSource **sources = arena_array(b.arena, const CatalogSource *, 1);
	Plan		  *plan;

	b.is_persistent = true;
	TRY(bind_topic(context, table, &spec->topic, err));
	for (int i = 0; i < table->schema->n_columns; i++)
		origins[i].source_index = i;
	spec->source = table;
	spec->name = table->topic;
	spec->alias = table->name;
	spec->columns = origins;
	scan->n_columns = table->schema->n_columns;
	scan->columns = table->schema->columns;
	scan->n_key = table->schema->n_key;
	scan->is_table = true;
	scan->window = table->window;
	scan->spec = spec;
	TRY(sink_timestamp(&b, table, scan, &spec->timestamp, err));
	TRY(add_sink(&b, scan, table, false, &root, err));
	TRY(finish(&b, root, &plan, err));
	sources[0] = table;
	b.sources = sources;
	b.n_sources = 1;
	fill_persistent(&b, plan, table, out);
	out->sink = NULL;
	return OK;
}
