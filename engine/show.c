/*
 * SHOW and DESCRIBE: what the catalog and the registries hold, as entities.  No text is laid out here.
 */
#include "engine/engine_impl.h"
#include "planner/bind/properties.h"

#include <stdlib.h>
#include <strings.h>

/* A table of texts that grows row by row. */
typedef struct TableBuilder {
	Arena		*arena;
	EntityTable	 table;
	const char **cells;
	int			 capacity;		/* cells */
} TableBuilder;

static TableBuilder
table_new(Arena *arena, const char *title, const char *const *columns, int n_columns)
{
	return (TableBuilder){.arena = arena, .table = {.title = title, .columns = columns, .n_columns = n_columns}};
}

static void
table_add(TableBuilder *b, const char *const *cells)
{
	int n = b->table.n_rows * b->table.n_columns;

	if (n + b->table.n_columns > b->capacity) {
		int			 capacity = b->capacity > 0 ? b->capacity * 2 : 16 * b->table.n_columns;
		const char **grown = arena_array(b->arena, const char *, capacity);

		if (n > 0)
			memcpy(grown, b->cells, sizeof *grown * (size_t)n);
		b->cells = grown;
		b->capacity = capacity;
	}
	for (int c = 0; c < b->table.n_columns; c++)
		b->cells[n + c] = cells[c];
	b->table.n_rows++;
	b->table.cells = b->cells;
}

#define TABLE(arena, title, ...) \
	table_new((arena), (title), (const char *const[]){__VA_ARGS__}, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))
#define ADD_ROW(builder, ...) table_add((builder), (const char *const[]){__VA_ARGS__})

static void
tell_table(StatementContext *context, const char *kind, const TableBuilder *b)
{
	Entity entity = {.kind = kind, .n_tables = 1, .tables = &b->table};

	context->sink->entity(context->sink, &entity);
}

/* ---- SHOW ---- */

static const char *
number_text(Arena *arena, int64_t number)
{
	return arena_printf(arena, "%lld", (long long)number);
}

static int
compare_sources(const void *a, const void *b)
{
	return strcmp((*(const CatalogSource *const *)a)->name, (*(const CatalogSource *const *)b)->name);
}

static void
show_sources(StatementContext *context, const CatalogSnapshot *catalog, EntityKind kind)
{
	TableBuilder b = kind == ENTITY_TABLE ? TABLE(context->arena, NULL, "Table Name", "Topic or Path", "Key Format", "Value Format", "Windowed")
					 : kind == ENTITY_STREAM ? TABLE(context->arena, NULL, "Stream Name", "Topic or Path", "Key Format", "Value Format", "Windowed")
											 : TABLE(context->arena, NULL, "View Name", "", "", "", "");
	int			 n = catalog_n_sources(catalog);
	const CatalogSource **sorted = arena_array(context->arena, const CatalogSource *, n + 1);

	for (int i = 0; i < n; i++)
		sorted[i] = catalog_source_at(catalog, i);
	qsort(sorted, (size_t)n, sizeof *sorted, compare_sources);
	for (int i = 0; i < n; i++) {
		const CatalogSource *s = sorted[i];

		if (s->kind == kind)
			ADD_ROW(&b, s->name, s->topic != NULL ? s->topic : s->path != NULL ? s->path : "", s->key_format.format, s->value_format.format,
					s->window.kind != WINDOW_NONE ? "true" : "false");
	}
	tell_table(context, kind == ENTITY_TABLE ? "tables" : "streams", &b);
}

static Status
show_topics(StatementContext *context, bool extended, Error *err)
{
	TableBuilder b = extended ? TABLE(context->arena, NULL, "Kafka Topic", "Partitions", "Partition Replicas", "Records")
							  : TABLE(context->arena, NULL, "Kafka Topic", "Partitions", "Partition Replicas");
	Topic		**topics;
	int			 n;

	TRY(engine_need_store(context->engine, err));
	TRY(topics_list(context->engine->topics, context->arena, &topics, &n, err));
	for (int i = 0; i < n; i++) {
		int		partitions = topics[i]->config.n_partitions;
		int64_t records = 0;

		for (int p = 0; p < partitions; p++) {
			int64_t begin, end;

			TRY(topics_ends(context->engine->topics, topics[i], p, &begin, &end, err));
			records += end - begin;
		}
		if (extended)
			ADD_ROW(&b, topics[i]->name.data, number_text(context->arena, partitions), "1", number_text(context->arena, records));
		else
			ADD_ROW(&b, topics[i]->name.data, number_text(context->arena, partitions), "1");
	}
	tell_table(context, "kafka_topics", &b);
	return OK;
}

/* Message and remedy on one line. */
static const char *
error_status(Arena *arena, const char *text)
{
	char *status = (char *)arena_printf(arena, "ERROR: %s", text);

	for (char *c = status; *c != '\0'; c++)
		*c = *c == '\n' ? ' ' : *c;
	return status;
}

static void
show_queries(StatementContext *context, const CatalogSnapshot *catalog)
{
	Engine		*engine = context->engine;
	TableBuilder b = TABLE(context->arena, NULL, "Query ID", "Status", "Sink Name", "Rows In", "Rows Out", "Query String");

	pthread_mutex_lock(&engine->lock_queries);
	for (int i = 0; i < catalog_n_queries(catalog); i++) {
		const CatalogQuery *entry = catalog_query_at(catalog, i);
		Query			   *query = query_find(engine, str_of(entry->id));
		const char		   *status = query == NULL ? "UNKNOWN" : query_state_name(query->state);

		if (query != NULL && query->state == QUERY_ERROR)
			status = error_status(context->arena, query->error);
		ADD_ROW(&b, entry->id, status, entry->sink != NULL ? entry->sink : "", number_text(context->arena, query != NULL ? query->rows_in : 0),
				number_text(context->arena, query != NULL ? query->rows_out : 0), entry->sql);
	}
	pthread_mutex_unlock(&engine->lock_queries);
	tell_table(context, "queries", &b);
}

typedef struct FunctionList {
	TableBuilder *table;
	const char	 *kind;
	const char	 *last;
	const char	 *like;
} FunctionList;

static void
add_function(FunctionList *list, const char *name, uint32_t flags, const char *description)
{
	if ((flags & FUNC_HIDDEN) || (list->last != NULL && strcmp(list->last, name) == 0))
		return;
	list->last = name;
	ADD_ROW(list->table, name, list->kind, description != NULL ? description : "");
}

static void
add_scalar(const void *row, void *context)
{
	const ScalarFunction *f = row;

	add_function(context, f->name, f->flags, f->description);
}

static void
add_aggregate(const void *row, void *context)
{
	const Aggregate *f = row;

	add_function(context, f->name, f->flags, f->description);
}

static void
add_table_function(const void *row, void *context)
{
	const TableFunction *f = row;

	add_function(context, f->name, f->flags, f->description);
}

static void
show_functions(StatementContext *context)
{
	TableBuilder b = TABLE(context->arena, NULL, "Function Name", "Type", "Description");
	FunctionList list = {.table = &b, .kind = "SCALAR"};

	function_visit(FUNCTION_SCALAR, context->standard, add_scalar, &list);
	list = (FunctionList){.table = &b, .kind = "AGGREGATE"};
	function_visit(FUNCTION_AGGREGATE, context->standard, add_aggregate, &list);
	list = (FunctionList){.table = &b, .kind = "TABLE"};
	function_visit(FUNCTION_TABLE, context->standard, add_table_function, &list);
	tell_table(context, "function_names", &b);
}

static void
show_properties(StatementContext *context)
{
	TableBuilder b = TABLE(context->arena, NULL, "Property", "Value", "Set", "Meaning");

	for (int i = 0; setting_at(i) != NULL; i++) {
		const Setting *s = setting_at(i);
		const char	  *value = settings_text(context->session->settings, s->name);

		if (value != NULL && value[0] != '\0' && setting_is_secret(s->name))
			value = SETTING_MASK;
		ADD_ROW(&b, s->name, value != NULL ? value : "", settings_has(context->session->settings, s->name) ? "yes" : "", s->description);
	}
	tell_table(context, "properties", &b);
}

static void
show_types(StatementContext *context, const CatalogSnapshot *catalog)
{
	TableBuilder b = TABLE(context->arena, NULL, "Type Name", "Schema");

	for (int i = 0; i < catalog_n_types(catalog); i++)
		ADD_ROW(&b, catalog_type_at(catalog, i)->name, type_to_arena(catalog_type_at(catalog, i)->type, context->arena));
	tell_table(context, "type_list", &b);
}

static void
show_variables(StatementContext *context)
{
	TableBuilder b = TABLE(context->arena, NULL, "Variable Name", "Value");

	for (int i = 0; i < context->session->n_variables; i++)
		ADD_ROW(&b, context->session->variables[2 * i], context->session->variables[2 * i + 1]);
	tell_table(context, "variables", &b);
}

Status
show_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstShow		  *show = &statement->show;
	const CatalogSnapshot *catalog;
	Status				   status = OK;

	if (show->object != AST_OBJECT_FUNCTION && show->object != AST_OBJECT_PROPERTY && show->object != AST_OBJECT_VARIABLE)
		TRY(engine_need_store(context->engine, err));
	catalog = catalog_snapshot(context->engine->catalog);
	switch (show->object) {
	case AST_OBJECT_STREAM:
		show_sources(context, catalog, ENTITY_STREAM);
		break;
	case AST_OBJECT_TABLE:
		show_sources(context, catalog, ENTITY_TABLE);
		break;
	case AST_OBJECT_VIEW:
		show_sources(context, catalog, ENTITY_VIEW);
		break;
	case AST_OBJECT_TOPIC:
		status = show_topics(context, show->is_extended, err);
		break;
	case AST_OBJECT_QUERY:
		show_queries(context, catalog);
		break;
	case AST_OBJECT_FUNCTION:
		show_functions(context);
		break;
	case AST_OBJECT_PROPERTY:
		show_properties(context);
		break;
	case AST_OBJECT_TYPE:
		show_types(context, catalog);
		break;
	case AST_OBJECT_VARIABLE:
		show_variables(context);
		break;
	default:
		status = error_user(err, "Failed to reach Kafka Connect: no worker is configured");
	}
	catalog_release(catalog);
	return status;
}

/* ---- DESCRIBE ---- */

static void
add_columns(TableBuilder *b, const Schema *schema, bool is_table)
{
	for (int i = 0; i < schema->n_columns; i++)
		ADD_ROW(b, schema->columns[i].name, type_to_arena(schema->columns[i].type, b->arena),
				i >= schema->n_key ? "" : is_table ? "primary key" : "key");
}

static const char *
offset_text(StatementContext *context, const CatalogSource *source)
{
	Topic  *topic = NULL;
	int64_t n = 0;
	Error	ignored;

	if (source->topic == NULL || engine_topic(context->engine, source->topic, &topic, &ignored) == FAILED || topic == NULL)
		return NULL;
	for (int p = 0; p < topic->config.n_partitions; p++) {
		int64_t begin, end;

		if (topics_ends(context->engine->topics, topic, p, &begin, &end, &ignored) == FAILED)
			return NULL;
		n += end;
	}
	return number_text(context->arena, n);
}

static const char *
window_text(Arena *arena, const WindowSpec *window)
{
	StrBuf		text = {0};
	const char *result;

	if (window->kind == WINDOW_NONE)
		return NULL;
	window_print(window, &text);
	result = arena_strdup(arena, strbuf_text(&text));
	strbuf_free(&text);
	return result;
}

static void
describe_source(StatementContext *context, const CatalogSnapshot *catalog, const CatalogSource *source, bool extended)
{
	Arena		*arena = context->arena;
	TableBuilder columns = TABLE(arena, NULL, "Field", "Type", "Key");
	TableBuilder queries = TABLE(arena, "Queries", "Query ID", "Role", "Statement");
	EntityField	 fields[16];
	EntityTable	 tables[2];
	Entity		 entity = {.kind = "sourceDescription", .fields = fields, .tables = tables};

	if (source->schema != NULL)
		add_columns(&columns, source->schema, source->kind == ENTITY_TABLE);
	for (int i = 0; i < source->n_headers; i++)
		ADD_ROW(&columns, source->headers[i].name, type_to_arena(source->headers[i].type, arena), "header");
	fields[entity.n_fields++] = (EntityField){"Name", source->name};
	if (extended) {
		fields[entity.n_fields++] = (EntityField){"Type", source->kind == ENTITY_TABLE ? "TABLE" : source->kind == ENTITY_STREAM ? "STREAM" : "VIEW"};
		fields[entity.n_fields++] = (EntityField){"Dialect", source->standard ? "standard" : "ksqldb"};
		fields[entity.n_fields++] = (EntityField){"Topic", source->topic};
		fields[entity.n_fields++] = (EntityField){"Path", source->path};
		fields[entity.n_fields++] = (EntityField){"Partitions", source->topic != NULL ? number_text(arena, source->n_partitions) : NULL};
		fields[entity.n_fields++] = (EntityField){"Records written", offset_text(context, source)};
		fields[entity.n_fields++] = (EntityField){"Key format", source->key_format.format};
		fields[entity.n_fields++] = (EntityField){"Value format", source->value_format.format};
		fields[entity.n_fields++] = (EntityField){"Window", window_text(arena, &source->window)};
		fields[entity.n_fields++] = (EntityField){"Timestamp column", source->timestamp_column};
		fields[entity.n_fields++] = (EntityField){"Statement", source->sql};
	}
	tables[entity.n_tables++] = columns.table;
	for (int i = 0; i < catalog_n_queries(catalog); i++) {
		const CatalogQuery *q = catalog_query_at(catalog, i);

		for (int k = 0; k < q->n_sources; k++)
			if (strcmp(q->sources[k], source->name) == 0)
				ADD_ROW(&queries, q->id, "reads it", q->sql);
		if (q->sink != NULL && strcmp(q->sink, source->name) == 0)
			ADD_ROW(&queries, q->id, "writes it", q->sql);
	}
	if (extended && queries.table.n_rows > 0)
		tables[entity.n_tables++] = queries.table;
	context->sink->entity(context->sink, &entity);
}

typedef struct FunctionDescription {
	Str			 name;
	TableBuilder overloads;
	const char	*description;
	const char	*kind;
	TableBuilder examples;
} FunctionDescription;

static void
describe_overload(FunctionDescription *d, const char *kind, const char *name, const char *signature, const char *description,
				  const char *example, const char *result)
{
	if (!str_equal_nocase(str_of(name), d->name))
		return;
	d->kind = kind;
	if (d->description == NULL)
		d->description = description;
	ADD_ROW(&d->overloads, arena_printf(d->overloads.arena, "%s%s", name, signature));
	if (example != NULL)
		ADD_ROW(&d->examples, example, result != NULL ? result : "");
}

static void
describe_scalar(const void *row, void *context)
{
	const ScalarFunction *f = row;

	describe_overload(context, "SCALAR", f->name, f->signature, f->description, f->example, f->example_result);
}

static void
describe_aggregate(const void *row, void *context)
{
	const Aggregate *f = row;

	describe_overload(context, "AGGREGATE", f->name, f->signature, f->description, f->example, f->example_result);
}

static void
describe_table_function(const void *row, void *context)
{
	const TableFunction *f = row;

	describe_overload(context, "TABLE", f->name, f->signature, f->description, f->example, f->example_result);
}

static Status
describe_function(StatementContext *context, const AstDescribe *describe, Error *err)
{
	Arena			   *arena = context->arena;
	FunctionDescription d = {.name = str_of(describe->name.text),
							 .overloads = TABLE(arena, "Variations", "Signature"),
							 .examples = TABLE(arena, "Examples", "Expression", "Result")};
	EntityField			fields[3];
	EntityTable			tables[2];
	Entity				entity = {.kind = "describe_function", .fields = fields, .tables = tables};

	function_visit(FUNCTION_SCALAR, context->standard, describe_scalar, &d);
	function_visit(FUNCTION_AGGREGATE, context->standard, describe_aggregate, &d);
	function_visit(FUNCTION_TABLE, context->standard, describe_table_function, &d);
	if (d.kind == NULL) {
		error_user(err, "Can't find any functions with the name '%s'", describe->name.text);
		error_hint(err, "SHOW FUNCTIONS lists all functions.");
		return error_at(err, describe->name.pos.line, describe->name.pos.column, describe->name.pos.length);
	}
	fields[entity.n_fields++] = (EntityField){"Name", describe->name.text};
	fields[entity.n_fields++] = (EntityField){"Type", d.kind};
	fields[entity.n_fields++] = (EntityField){"Overview", d.description};
	tables[entity.n_tables++] = d.overloads.table;
	if (d.examples.table.n_rows > 0)
		tables[entity.n_tables++] = d.examples.table;
	context->sink->entity(context->sink, &entity);
	return OK;
}

/* DESCRIBE 'file': what inference finds. */
static Status
describe_file_path(StatementContext *context, const AstDescribe *describe, Error *err)
{
	const char	**options = arena_array(context->arena, const char *, 2 * describe->n_properties + 1);
	FileSpec	 *file;
	TableBuilder  columns = TABLE(context->arena, NULL, "Field", "Type");
	EntityField	  fields[4];
	EntityTable	  tables[1];
	Entity		  entity = {.kind = "fileDescription", .fields = fields, .tables = tables};

	for (int i = 0; i < describe->n_properties; i++) {
		options[2 * i] = describe->properties[i].name;
		options[2 * i + 1] = property_text(describe->properties[i].value);
	}
	planner_context_init(&context->planner, context->engine, context->arena, NULL, context->session->settings, context->standard);
	TRY(bind_file(&context->planner, describe->path, options, describe->n_properties, &file, err));
	TRY(file_describe(context->arena, file, !context->standard, err));
	for (int c = 0; c < file->n_columns; c++)
		ADD_ROW(&columns, file->columns[c].name, type_to_arena(file->columns[c].type, context->arena));
	fields[entity.n_fields++] = (EntityField){"Path", file->path};
	fields[entity.n_fields++] = (EntityField){"Format", file->format};
	fields[entity.n_fields++] = (EntityField){"Compression", file->compression};
	tables[entity.n_tables++] = columns.table;
	context->sink->entity(context->sink, &entity);
	return OK;
}

static Status
describe_query(StatementContext *context, const AstQuery *query, Error *err)
{
	const CatalogSnapshot *snapshot = NULL;
	TableBuilder		   columns = TABLE(context->arena, NULL, "Field", "Type", "Key");
	Plan				  *plan;
	Status				   status = select_plan(context, query, &snapshot, &plan, err);

	if (status == OK) {
		add_columns(&columns, plan->schema, plan->result_is_table);
		tell_table(context, "sourceDescription", &columns);
	}
	catalog_release(snapshot);
	return status;
}

Status
describe_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstDescribe	  *describe = &statement->describe;
	const CatalogSnapshot *catalog;
	const CatalogSource	  *source;
	Status				   status = OK;

	if (describe->object == AST_OBJECT_FUNCTION)
		return describe_function(context, describe, err);
	if (describe->object == AST_OBJECT_FILE)
		return describe_file_path(context, describe, err);
	if (describe->object == AST_OBJECT_STATEMENT)
		return describe_query(context, describe->query, err);
	if (describe->object == AST_OBJECT_CONNECTOR)
		return error_user(err, "Failed to reach Kafka Connect: no worker is configured");
	TRY(engine_need_store(context->engine, err));
	catalog = catalog_snapshot(context->engine->catalog);
	planner_context_init(&context->planner, context->engine, context->arena, catalog, context->session->settings, context->standard);
	if (describe->is_list) {
		EntityKind kind = describe->object == AST_OBJECT_TABLE ? ENTITY_TABLE : ENTITY_STREAM;

		for (int i = 0; i < catalog_n_sources(catalog); i++)
			if (catalog_source_at(catalog, i)->kind == kind)
				describe_source(context, catalog, catalog_source_at(catalog, i), describe->is_extended);
	} else {
		status = bind_source_name(&context->planner, describe->name, &source, err);
		if (status == OK)
			describe_source(context, catalog, source, describe->is_extended);
	}
	catalog_release(catalog);
	return status;
}
