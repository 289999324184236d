/*
 * Statements that change the catalog.  Each is checked against the catalog as it is, appended to the command log, and
 * applied; recovery applies the logged commands again.  One at a time, under lock_ddl.
 */
#include "data/json_build.h"
#include "engine/command_status.h"
#include "engine/live.h"
#include "engine/engine_impl.h"
#include "engine/table_copy.h"
#include "engine/share.h"
#include "io/format/wire/wire.h"
#include "planner/bind/properties.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

/* ---- the text of a command: dialect, settings, then the statement; fields end in NUL ---- */

#define MAX_TRIES 30	/* when another process decides at the same time */

/* Among the settings of a command: columns that were found in a file, the library of a function, "aggregate" or "scalar". */
#define FILE_SCHEMA "file.schema"
#define NATIVE_PATH "function.path"
#define NATIVE_CLASS "function.class"

typedef struct CommandWriter {
	StrBuf text;
	int	   n;
} CommandWriter;

static void
command_setting(const char *name, const char *value, void *context)
{
	StrBuf *text = context;

	strbuf_add(text, name, strlen(name) + 1);
	strbuf_add(text, value, strlen(value) + 1);
}

static void
command_encode(const StatementContext *context, StrBuf *out)
{
	const char *dialect = context->standard ? "standard" : "ksqldb";

	strbuf_add(out, dialect, strlen(dialect) + 1);
	settings_visit(context->session->settings, command_setting, out);
	if (context->file_schema != NULL)
		command_setting(FILE_SCHEMA, context->file_schema, out);
	if (context->native_path != NULL) {
		command_setting(NATIVE_PATH, context->native_path, out);
		command_setting(NATIVE_CLASS, context->native_class == FUNCTION_AGGREGATE ? "aggregate" : "scalar", out);
	}
	strbuf_add_char(out, '\0');
	strbuf_add_str(out, context->sql);
}

static void
discard_message(ResultSink *sink, const char *text, bool is_warning)
{
	(void)sink;
	(void)text;
	(void)is_warning;
}

static void
discard_entity(ResultSink *sink, const Entity *entity)
{
	(void)sink;
	(void)entity;
}

static void
command_logged(StatementContext *context)
{
	if (context->command == NULL)
		return;
	command_set(context->engine, context->command, "EXECUTING");
	context->command->is_logged = true;
}

/*
 * Appends the statement to the log; *sequence numbers it.  During recovery the number comes from the log.  `replaced` (NULL: none)
 * names a query that goes on with the state it has under `plan`.
 */
static Status
log_replacing(StatementContext *context, const char *replaced, const PersistentPlan *plan, int64_t *sequence, Error *err)
{
	Engine	  *engine = context->engine;
	StrBuf	   command = {0};
	StoreUnit *unit;
	Status	   status;
	int		   at;

	if (engine->is_replaying) {
		*sequence = engine->n_commands - 1;
		return OK;
	}
	if (engine->is_sandbox) {
		*sequence = engine->n_commands++;
		return OK;
	}
	command_encode(context, &command);
	unit = store_unit_new(engine->store);
	at = engine->on_kafka ? -1 : store_unit_command(unit, strbuf_str(&command));
	if (replaced != NULL)
		query_put_fingerprint(unit, replaced, plan);
	status = engine->on_kafka ? cluster_append(engine, strbuf_str(&command), sequence, err) : OK;
	if (status == OK && !store_unit_is_empty(unit))
		status = store_commit(engine->store, unit, err);
	if (status == OK) {
		if (!engine->on_kafka)
			*sequence = store_unit_sequence(unit, at);
		engine->n_commands = *sequence + 1;
		command_logged(context);
	}
	store_unit_free(unit);
	strbuf_free(&command);
	return status;
}

static Status
log_command(StatementContext *context, int64_t *sequence, Error *err)
{
	return log_replacing(context, NULL, NULL, sequence, err);
}

/* IF [NOT] EXISTS had nothing to do. */
static void tell_warning(StatementContext *context, const char *format, ...) PRINTF_LIKE(2, 3);

static void
tell_warning(StatementContext *context, const char *format, ...)
{
	JsonValue object = json_object();
	char	  text[1024];
	va_list	  args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	json_add(context->arena, &object, "message", json_string(text));
	context->sink->entity(context->sink, &(Entity){.kind = "warning_entity", .value = &object});
}

/* A command has been carried out: its id is type/entity/action; sources stand in backquotes there. */
typedef struct CommandName {
	const char *type;
	const char *entity;
	const char *action;
	bool		is_source;
} CommandName;

static const char *
command_id(Arena *arena, CommandName name)
{
	return arena_printf(arena, name.is_source ? "%s/`%s`/%s" : "%s/%s/%s", name.type, name.entity, name.action);
}

static void tell_status(StatementContext *context, CommandName name, int64_t sequence, const char *query_id, const char *format, ...)
	PRINTF_LIKE(5, 6);

static void
tell_status(StatementContext *context, CommandName name, int64_t sequence, const char *query_id, const char *format, ...)
{
	CommandStatus status = {.sequence = sequence, .query_id = query_id, .status = "SUCCESS"};
	JsonValue	  object;
	char		  text[1024];
	va_list		  args;

	if (context->engine->is_recovering)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	status.message = text;
	status.id = command_id(context->arena, name);
	command_status_put(context->engine, &status);
	object = command_status_entity(context->arena, &status);
	context->sink->entity(context->sink, &(Entity){.kind = "currentStatus", .value = &object});
}

static const char *
entity_kind_word(EntityKind kind)
{
	return kind == ENTITY_STREAM ? "stream" : kind == ENTITY_TABLE ? "table" : "view";
}

/* ---- sources ---- */

typedef enum Existing { EXISTING_NONE, EXISTING_SKIP, EXISTING_REPLACE } Existing;

/* What an existing source of that name means for a CREATE. */
static Status
check_existing(StatementContext *context, const AstCreateSource *create, const char *name, Existing *out, Error *err)
{
	const CatalogSource *old = catalog_source(context->planner.catalog, str_of(name));
	const char			*word = create->is_table ? "table" : "stream";

	*out = EXISTING_NONE;
	if (create->or_replace && create->is_source)
		return error_user(err, "Cannot add %s '%s': CREATE OR REPLACE is not supported on source %ss.", word, name, word);
	if (create->or_replace && !settings_bool(context->session->settings, "ksql.create.or.replace.enabled"))
		return error_user(err, "Cannot create %s '%s': CREATE OR REPLACE is disabled. You can enable it by setting "
						  "'ksql.create.or.replace.enabled'", word, name);
	if (old == NULL)
		return OK;
	if (create->if_not_exists) {
		*out = EXISTING_SKIP;
		tell_warning(context, "Cannot add %s `%s`: A %s with the same name already exists.", word, name, entity_kind_word(old->kind));
		return OK;
	}
	if (create->or_replace) {
		if (old->is_read_only)
			return error_user(err, "Cannot add %s '%s': CREATE OR REPLACE is not supported on source %ss.", word, name,
							  entity_kind_word(old->kind));
		*out = EXISTING_REPLACE;
		return OK;
	}
	error_user(err, "Cannot add %s '%s': A %s with the same name already exists", word, name, entity_kind_word(old->kind));
	return error_at(err, create->name.pos.line, create->name.pos.column, create->name.pos.length);
}

static const char *
query_id(StatementContext *context, const char *prefix, const char *name, int64_t sequence)
{
	return name != NULL ? arena_printf(context->arena, "%s_%s_%lld", prefix, name, (long long)sequence)
						: arena_printf(context->arena, "%s_%lld", prefix, (long long)sequence);
}

typedef struct Properties {
	Arena		*arena;
	const char **texts;
	int			 n;
} Properties;

static void
add_property(const char *name, const char *value, void *context)
{
	Properties	*p = context;
	const char **grown = arena_array(p->arena, const char *, 2 * p->n + 2);

	for (int i = 0; i < 2 * p->n; i++)
		grown[i] = p->texts[i];
	grown[2 * p->n] = name;
	grown[2 * p->n + 1] = value;
	p->texts = grown;
	p->n++;
}

/* Registers a persistent query and starts it.  The plan lives in the query's arena. */
static Status
start_query(StatementContext *context, Query *query, QueryKind kind, const char *sink, Error *err)
{
	const PersistentPlan *persistent = &query->persistent;
	Properties			  properties = {.arena = context->arena};
	CatalogQuery		  entry;

	settings_visit(context->session->settings, add_property, &properties);
	entry = (CatalogQuery){.id = query->id, .kind = kind, .sql = str_to_arena(context->arena, context->sql), .sink = sink,
						   .n_sources = persistent->n_sources, .sources = persistent->sources, .standard = query->standard,
						   .n_properties = properties.n, .properties = properties.texts, .fingerprint = persistent->fingerprint};
	catalog_put_query(context->engine->catalog, &entry);
	if (context->engine->is_recovering) {
		Query **end;

		for (end = &context->engine->queries; *end != NULL; end = &(*end)->next)
			;
		*end = query;
		return OK;
	}
	query_fix_start(query);
	TRY(query_start(query, err));
	if (context->session->hooks != NULL && context->session->hooks->query_started != NULL)
		return context->session->hooks->query_started(context->session->hooks, query, err);
	return OK;
}

/* A query object whose plan is made in its own arena, over its own snapshot of the catalog. */
static Status
make_query(StatementContext *context, const AstStatement *statement, const char *id, const CatalogSource *table, Query **out, Error *err)
{
	Engine		  *engine = context->engine;
	Query		  *query = query_new(engine, id, catalog_snapshot(engine->catalog), context->session->settings, context->standard);
	PlannerContext planner;
	AstStatementList list;
	Status		   status;

	planner_context_init(&planner, engine, &query->arena, query->snapshot, query->settings, context->standard);
	/* Specs may point into the AST: the query parses its own. */
	if (table != NULL) {
		/* The catalog's copy: the one given lives as long as the statement. */
		table = catalog_source(query->snapshot, str_of(table->name));
		status = table != NULL ? plan_source_table(&planner, table, &query->persistent, err)
							   : error_bug(err, "A table is not in the catalog that it was put into");
	} else {
		Str text = str_make(str_to_arena(&query->arena, context->sql), context->sql.length);

		(void)statement;
		status = parser_parse(&query->arena, text, (ParserOptions){.is_ksqldb = !context->standard}, &list, err);
		if (status == OK)
			status = list.items[0]->kind == AST_INSERT_SELECT
						 ? plan_insert_select(&planner, list.items[0], &query->persistent, err)
						 : plan_create_as(&planner, list.items[0], &query->persistent, err);
	}
	if (status == FAILED) {
		query_free(query);
		return FAILED;
	}
	query->n_functions = planner.n_used;
	query->functions = planner.used;
	query->missing_function = planner.missing_function;
	*out = query;
	return OK;
}

/* The schemas of a source's columns, in the registry.  `only_first`: unless the subject has one. */
static Status
register_schemas(StatementContext *context, const CatalogSource *source, bool only_first, Error *err)
{
	const TopicSpec *topic;

	if (context->engine->registry == NULL || source->topic == NULL || context->engine->is_sandbox)
		return OK;
	TRY(bind_topic(&context->planner, source, &topic, err));
	TRY(wire_register(&topic->key, only_first, err));
	return wire_register(&topic->value, only_first, err);
}

/* A query that is replaced rests from here on: it must not see the fingerprint of its successor. */
static Status
log_create_as(StatementContext *context, Query *old, const PersistentPlan *plan, int64_t *sequence, Error *err)
{
	bool   is_running = old != NULL && !context->engine->is_recovering && old->state == QUERY_RUNNING;
	Status status;

	if (is_running)
		query_set_paused(context->engine, old, true);
	status = log_replacing(context, old != NULL ? old->id : NULL, plan, sequence, err);
	if (status == FAILED && is_running)
		query_set_paused(context->engine, old, false);
	return status;
}

/* One more query is wanted by somebody; what the log holds was allowed when it came. */
static Status
check_query_limit(StatementContext *context, Error *err)
{
	int64_t limit = settings_int(context->engine->settings, "ksql.query.persistent.active.limit");
	int		n = catalog_n_queries(context->planner.catalog);

	if (context->engine->is_recovering || context->engine->is_replaying || n < limit)
		return OK;
	error_user(err, "There are %d persistent queries, and no more than %" PRId64 " are allowed", n, limit);
	return error_hint(err, "TERMINATE one that is not needed (SHOW QUERIES lists them), or raise the server's setting ksql.query.persistent.active.limit.");
}

static Status
create_as(StatementContext *context, const AstStatement *statement, Existing existing, Error *err)
{
	Engine				*engine = context->engine;
	const AstCreateSource *create = &statement->create_source;
	const char			*prefix = create->is_table ? "CTAS" : "CSAS";
	const CatalogSource *old = NULL;
	Query				*query = NULL;
	Query				*old_query = NULL;
	const char			*id = "?";
	int64_t				 sequence;
	CatalogSource		*sink;
	PersistentPlan		 trial;

	/* A first plan in the statement's arena checks everything before anything is logged. */
	TRY(plan_create_as(&context->planner, statement, &trial, err));
	sink = trial.sink;
	if (existing == EXISTING_REPLACE) {
		old = catalog_source(context->planner.catalog, str_of(sink->name));
		TRY(bind_replace_check(&context->planner, old, sink, err));
		if (old->query_id != NULL)
			old_query = query_find(engine, str_of(old->query_id));
		if (old_query != NULL)
			TRY(plan_check_upgrade(context->arena, old_query->persistent.plan, trial.plan, err));
		if (old_query != NULL && !engine->is_recovering)
			TRY(query_check_fingerprint(old_query, NULL, err));
	}
	if (old_query == NULL)
		TRY(check_query_limit(context, err));
	if (engine->on_kafka && !engine->is_replaying)
		TRY(share_check(engine, trial.plan, err));
	TRY(engine_create_topic(engine, sink, err));
	TRY(register_schemas(context, sink, false, err));
	TRY(log_create_as(context, old_query, &trial, &sequence, err));
	id = old_query != NULL ? arena_strdup(context->arena, old_query->id) : query_id(context, prefix, sink->name, sequence);
	TRY(make_query(context, statement, id, NULL, &query, err));
	if (old_query != NULL) {
		query->failures.is_failed = old_query->failures.is_failed;
		TRY(query_stop(engine, old_query, false, err));
	}
	sink->query_id = id;
	sink->sql = str_to_arena(context->arena, context->sql);
	sink->standard = context->standard;
	catalog_put_source(engine->catalog, sink);
	TRY(start_query(context, query, create->is_table ? QUERY_CREATE_TABLE : QUERY_CREATE_STREAM, sink->name, err));
	tell_status(context, (CommandName){create->is_table ? "table" : "stream", sink->name, "create", true}, sequence, id, "Created query with ID %s", id);
	return OK;
}

static const char *
schema_columns_text(Arena *arena, const Schema *schema)
{
	StrBuf		text = {0};
	const char *copy;

	for (int i = 0; i < schema->n_columns; i++) {
		strbuf_add_text(&text, i > 0 ? ", `" : "`");
		for (const char *c = schema->columns[i].name; *c != '\0'; c++) {
			if (*c == '`')
				strbuf_add_char(&text, '`');
			strbuf_add_char(&text, *c);
		}
		strbuf_printf(&text, "` %s", type_to_arena(schema->columns[i].type, arena));
	}
	copy = arena_strdup(arena, strbuf_text(&text));
	strbuf_free(&text);
	return copy;
}

static Status
create_plain(StatementContext *context, const AstStatement *statement, Existing existing, Error *err)
{
	Engine		  *engine = context->engine;
	CatalogSource *source;
	int64_t		   sequence;
	bool		   keeps_rows;

	TRY(bind_create_source(&context->planner, statement, &source, err));
	if (existing == EXISTING_REPLACE)
		TRY(bind_replace_check(&context->planner, catalog_source(context->planner.catalog, str_of(source->name)), source, err));
	keeps_rows = source->is_read_only && source->kind == ENTITY_TABLE;
	if (keeps_rows && !settings_bool(context->session->settings, "ksql.source.table.materialization.enabled"))
		return error_user(err, "Source tables are disabled: set 'ksql.source.table.materialization.enabled' to true");
	if (source->path != NULL && !statement->create_source.has_columns)
		context->file_schema = schema_columns_text(context->arena, source->schema);
	TRY(engine_create_topic(engine, source, err));
	TRY(register_schemas(context, source, true, err));
	TRY(log_command(context, &sequence, err));
	source->sql = str_to_arena(context->arena, context->sql);
	source->standard = context->standard;
	if (keeps_rows) {
		source->query_id = query_id(context, "CST", source->name, sequence);
		source->is_materialised = true;
	}
	catalog_put_source(engine->catalog, source);
	/* On Kafka the table's own topic has its rows. */
	if (keeps_rows && !engine->on_kafka) {
		Query *query;

		TRY(make_query(context, statement, source->query_id, source, &query, err));
		TRY(start_query(context, query, QUERY_SOURCE_TABLE, NULL, err));
	}
	tell_status(context, (CommandName){entity_kind_word(source->kind), source->name, "create", true}, sequence, source->query_id, "%s %s",
				source->kind == ENTITY_TABLE ? "Table" : "Stream", existing == EXISTING_REPLACE ? "replaced" : "created");
	return OK;
}

static Status
create_source(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstCreateSource *create = &statement->create_source;
	Existing			   existing;

	TRY(check_existing(context, create, bind_name(&context->planner, create->name), &existing, err));
	if (existing == EXISTING_SKIP)
		return OK;
	return create->query != NULL ? create_as(context, statement, existing, err) : create_plain(context, statement, existing, err);
}

static Status
create_view(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstCreateView	 *create = &statement->create_view;
	const char			 *name = bind_name(&context->planner, create->name);
	const CatalogSource	 *old = catalog_source(context->planner.catalog, str_of(name));
	CatalogSource		  view = {.name = name, .kind = ENTITY_VIEW, .standard = context->standard};
	const AstPos		 *pos = &create->query->pos;
	int64_t				  sequence;
	Plan				 *plan;

	if (old != NULL && create->if_not_exists) {
		tell_warning(context, "Cannot add view `%s`: A %s with the same name already exists.", name, entity_kind_word(old->kind));
		return OK;
	}
	if (old != NULL && (!create->or_replace || old->kind != ENTITY_VIEW))
		return error_user(err, "Cannot add view '%s': A %s with the same name already exists", name, entity_kind_word(old->kind));
	TRY(plan_select(&context->planner, create->query, &plan, err));
	view.sql = str_to_arena(context->arena, context->sql);
	view.view_sql = view.sql;
	view.schema = plan->schema;
	(void)pos;
	TRY(log_command(context, &sequence, err));
	catalog_put_source(context->engine->catalog, &view);
	tell_status(context, (CommandName){"view", name, "create", true}, sequence, NULL, "View created");
	return OK;
}

static Status
create_type(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstCreateType *create = &statement->create_type;
	CatalogType			 type = {.name = bind_name(&context->planner, create->name)};
	int64_t				 sequence;

	if (catalog_type(context->planner.catalog, str_of(type.name)) != NULL) {
		if (!create->if_not_exists)
			return error_user(err, "Cannot register custom type '%s' since it is already registered with type: %s", type.name,
							  type_to_arena(catalog_type(context->planner.catalog, str_of(type.name))->type, context->arena));
		tell_warning(context, "%s is already registered with type %s", type.name,
			type_to_arena(catalog_type(context->planner.catalog, str_of(type.name))->type, context->arena));
		return OK;
	}
	TRY(bind_type(&context->planner, create->type, &type.type, err));
	TRY(log_command(context, &sequence, err));
	catalog_put_type(context->engine->catalog, &type);
	tell_status(context, (CommandName){"type", type.name, "create", false}, sequence, NULL, "Registered custom type with name '%s' and SQL type %s", type.name, type_to_arena(type.type, context->arena));
	return OK;
}

/* QUERY_ID, the one property of INSERT INTO ... SELECT; NULL if it is not given. */
static Status
insert_query_id(StatementContext *context, const AstInsert *insert, const char **out, Error *err)
{
	static const char *const reserved[] = {"INSERTQUERY_", "CTAS_", "CSAS_", "CST_"};
	char *id = NULL;

	for (int i = 0; i < insert->n_properties; i++) {
		const AstProperty *property = &insert->properties[i];

		if (strcasecmp(property->name, "QUERY_ID") != 0) {
			error_user(err, "Invalid config variable(s) in the WITH clause: %s", property->name);
			return error_at(err, property->pos.line, property->pos.column, property->pos.length);
		}
		id = arena_strdup(context->arena, property_text(property->value));
	}
	for (char *c = id; c != NULL && *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	for (const char *c = id; c != NULL && *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			return error_user(err, "Query IDs may contain only alphanumeric characters and '_'. Got: '%s'", id);
	for (size_t i = 0; id != NULL && i < sizeof reserved / sizeof *reserved; i++)
		if (strncmp(id, reserved[i], strlen(reserved[i])) == 0)
			return error_user(err, "Query ID '%s' begins with the reserved prefix %s", id, reserved[i]);
	*out = id;
	return OK;
}

static Status
create_function(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstCreateFunction *create = &statement->create_function;
	Engine					*engine = context->engine;
	const UserFunction		*old = user_function_find(atomic_load(&engine->functions), str_of(create->name.text));
	UserFunction			*function;
	int64_t					 sequence;

	if (old != NULL && create->if_not_exists) {
		tell_warning(context, "Function %s exists already.", old->name);
		return OK;
	}
	if (old != NULL && !create->or_replace) {
		error_user(err, "Function %s exists already", old->name);
		return error_hint(err, "CREATE OR REPLACE FUNCTION replaces it; queries that run keep what they have.");
	}
	TRY(function_make(context, create, &function, err));
	context->native_path = function->path;
	context->native_class = function->class;
	TRY(log_command(context, &sequence, err));
	functions_put(engine, function->name, function);
	tell_status(context, (CommandName){"function", function->name, "create", false}, sequence, NULL, "Created %s function %s%s",
				function->class == FUNCTION_AGGREGATE ? "aggregate" : "scalar", function->name, function->signature);
	return OK;
}

static Status
drop_function(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstDrop	   *drop = &statement->drop;
	Engine			   *engine = context->engine;
	const UserFunction *function = user_function_find(atomic_load(&engine->functions), str_of(drop->name.text));
	int64_t				sequence;

	if (function == NULL && drop->if_exists) {
		tell_warning(context, "Function %s does not exist.", drop->name.text);
		return OK;
	}
	if (function == NULL) {
		error_user(err, "There is no function %s that could be dropped", drop->name.text);
		return error_at(err, drop->name.pos.line, drop->name.pos.column, drop->name.pos.length);
	}
	if (!engine->is_recovering)
		TRY(function_check_unused(context, function->name, err));
	TRY(log_command(context, &sequence, err));
	functions_put(engine, function->name, NULL);
	tell_status(context, (CommandName){"function", function->name, "drop", false}, sequence, NULL, "Dropped function %s", function->name);
	return OK;
}

static Status
insert_select(StatementContext *context, const AstStatement *statement, Error *err)
{
	PersistentPlan trial;
	Query		  *query;
	const char	  *id = NULL;
	int64_t		   sequence;

	TRY(plan_insert_select(&context->planner, statement, &trial, err));
	TRY(check_query_limit(context, err));
	if (context->engine->on_kafka && !context->engine->is_replaying)
		TRY(share_check(context->engine, trial.plan, err));
	TRY(insert_query_id(context, &statement->insert, &id, err));
	if (id != NULL && catalog_query(context->planner.catalog, str_of(id)) != NULL)
		return error_user(err, "Query ID '%s' already exists.", id);
	TRY(log_command(context, &sequence, err));
	if (id == NULL)
		id = query_id(context, "INSERTQUERY", NULL, sequence);
	TRY(make_query(context, statement, id, NULL, &query, err));
	TRY(start_query(context, query, QUERY_INSERT, trial.sink->name, err));
	tell_status(context, (CommandName){"stream", trial.sink->name, "create", true}, sequence, id, "Created query with ID %s", id);
	return OK;
}

/* ---- dropping and ending ---- */

static Status
end_query(StatementContext *context, const char *id, Error *err)
{
	Query *query = query_find(context->engine, str_of(id));
	char  *name = arena_strdup(context->arena, id);

	catalog_drop_query(context->engine->catalog, str_of(name));
	if (query == NULL)
		return OK;
	if (context->engine->is_recovering) {
		for (Query **q = &context->engine->queries; *q != NULL; q = &(*q)->next)
			if (*q == query) {
				*q = query->next;
				break;
			}
		query_free(query);
		return OK;
	}
	return query_stop(context->engine, query, true, err);
}

typedef enum Dependents { READING_SOURCES, READING_INSERTS, WRITING_INSERTS } Dependents;

/* The sources that were made of a source, or the ids of the INSERT queries that read or write it; NULL: none. */
static const char *
dependents_of(StatementContext *context, const CatalogSource *source, Dependents which)
{
	StrBuf		text = {0};
	const char *result = NULL;

	for (int i = 0; i < catalog_n_queries(context->planner.catalog); i++) {
		const CatalogQuery *q = catalog_query_at(context->planner.catalog, i);
		bool				counts = which == WRITING_INSERTS && strcmp(q->sink, source->name) == 0;

		for (int k = 0; which != WRITING_INSERTS && k < q->n_sources; k++)
			counts = counts || strcmp(q->sources[k], source->name) == 0;
		if (q->kind == QUERY_SOURCE_TABLE || !counts || (q->kind == QUERY_INSERT) != (which != READING_SOURCES))
			continue;
		strbuf_printf(&text, "%s%s", text.length > 0 ? ", " : "", which == READING_SOURCES ? q->sink : q->id);
	}
	if (text.length > 0)
		result = arena_strdup(context->arena, strbuf_text(&text));
	strbuf_free(&text);
	return result;
}

static Status
drop_kept_rows(StatementContext *context, const char *name, Error *err)
{
	int64_t	   state_id;
	StoreUnit *unit;
	Status	   status;

	table_copy_drop(context->engine, name);
	TRY(kept_rows_open(context->engine, name, &state_id, err));
	unit = store_unit_new(context->engine->store);
	store_unit_delete_range(unit, state_id, 0, STR(""), STR(""));
	status = store_commit(context->engine->store, unit, err);
	store_unit_free(unit);
	return status;
}

static Status
delete_topic(StatementContext *context, const CatalogSource *source, Error *err)
{
	Topic *topic;

	if (source->topic == NULL || context->engine->is_replaying)
		return OK;
	TRY(engine_topic(context->engine, source->topic, &topic, err));
	return topic != NULL ? topics_drop(context->engine->topics, topic, err) : OK;
}

static Status
drop_source(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstDrop		*drop = &statement->drop;
	EntityKind			 wanted = drop->object == AST_OBJECT_TABLE ? ENTITY_TABLE : drop->object == AST_OBJECT_VIEW ? ENTITY_VIEW : ENTITY_STREAM;
	const char			*name = bind_name(&context->planner, drop->name);
	const CatalogSource *source = catalog_source(context->planner.catalog, str_of(name));
	const char			*readers;
	const char			*inserts_from, *inserts_into;
	int64_t				 sequence;

	if (source == NULL && drop->if_exists) {
		tell_warning(context, "Source `%s` does not exist.", name);
		return OK;
	}
	if (source == NULL && !context->standard)
		return error_unknown_source(&context->planner, drop->name, "Source ", err);
	if (source == NULL)
		TRY(bind_source_name(&context->planner, drop->name, &source, err));
	name = source->name;
	if (source->kind != wanted)
		return error_user(err, "Incompatible data source type is %s, but statement was DROP %s",
						  source->kind == ENTITY_STREAM ? "STREAM" : source->kind == ENTITY_TABLE ? "TABLE" : "VIEW",
						  wanted == ENTITY_STREAM ? "STREAM" : wanted == ENTITY_TABLE ? "TABLE" : "VIEW");
	if (drop->delete_topic && source->is_read_only)
		return error_user(err, "Cannot delete topic for read-only source: %s", name);
	readers = dependents_of(context, source, READING_SOURCES);
	inserts_from = dependents_of(context, source, READING_INSERTS);
	inserts_into = dependents_of(context, source, WRITING_INSERTS);
	if (readers != NULL) {
		error_user(err, "Cannot drop %s.\nThe following streams and/or tables read from this source: [%s].\n"
				   "You need to drop them before dropping %s.", name, readers, name);
		return FAILED;
	}
	if (inserts_from != NULL || inserts_into != NULL)
		return error_user(err, "Cannot drop %s.\nThe following queries read from this source: [%s].\nThe following queries write into this "
						  "source: [%s].\nYou need to terminate them before dropping %s.", name, inserts_from != NULL ? inserts_from : "",
						  inserts_into != NULL ? inserts_into : "", name);
	TRY(log_command(context, &sequence, err));
	if (source->query_id != NULL)
		TRY(end_query(context, source->query_id, err));
	if (source->is_materialised && !context->engine->is_recovering && !context->engine->is_sandbox)
		TRY(drop_kept_rows(context, name, err));
	if (drop->delete_topic)
		TRY(delete_topic(context, source, err));
	catalog_drop_source(context->engine->catalog, str_of(name));
	tell_status(context, (CommandName){entity_kind_word(wanted), name, "drop", true}, sequence, NULL, "Source `%s` (topic: %s) was dropped.", name,
				source->topic != NULL ? source->topic : "none");
	return OK;
}

static Status
drop_type(StatementContext *context, const AstStatement *statement, Error *err)
{
	const char *name = bind_name(&context->planner, statement->drop.name);
	int64_t		sequence;

	if (catalog_type(context->planner.catalog, str_of(name)) == NULL) {
		if (!statement->drop.if_exists)
			return error_user(err, "Type %s does not exist.", name);
		tell_warning(context, "Type '%s' does not exist", name);
		return OK;
	}
	TRY(log_command(context, &sequence, err));
	catalog_drop_type(context->engine->catalog, str_of(name));
	tell_status(context, (CommandName){"type", name, "drop", false}, sequence, NULL, "Dropped type '%s'", name);
	return OK;
}

static Status
drop_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	switch (statement->drop.object) {
	case AST_OBJECT_TYPE:
		return drop_type(context, statement, err);
	case AST_OBJECT_FUNCTION:
		return drop_function(context, statement, err);
	case AST_OBJECT_STREAM:
	case AST_OBJECT_TABLE:
	case AST_OBJECT_VIEW:
		return drop_source(context, statement, err);
	default:
		return error_unsupported(err, "This DROP is not supported");
	}
}

static Status
alter_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	CatalogSource *changed;
	int64_t		   sequence;

	TRY(bind_alter(&context->planner, statement, &changed, err));
	TRY(log_command(context, &sequence, err));
	catalog_put_source(context->engine->catalog, changed);
	tell_status(context, (CommandName){entity_kind_word(changed->kind), changed->name, "alter", true}, sequence, NULL, "%s %s altered successfully.",
				changed->kind == ENTITY_TABLE ? "Table" : "Stream", changed->name);
	return OK;
}

static Status
control_one(StatementContext *context, const AstStatement *statement, const CatalogQuery *entry, Error *err)
{
	Engine *engine = context->engine;
	Query  *query = query_find(engine, str_of(entry->id));

	if (entry->kind == QUERY_SOURCE_TABLE)
		return error_user(err, "Cannot %s query '%s': it keeps a source table and ends with DROP TABLE",
						  statement->kind == AST_TERMINATE ? "terminate" : statement->kind == AST_PAUSE ? "pause" : "resume", entry->id);
	if (statement->kind == AST_TERMINATE)
		return end_query(context, entry->id, err);
	if (query != NULL && !engine->is_recovering)
		query_set_paused(engine, query, statement->kind == AST_PAUSE);
	else if (query != NULL)
		query->state = statement->kind == AST_PAUSE ? QUERY_PAUSED : QUERY_RUNNING;
	return OK;
}

/* A push query of somebody; false: there is none of that id.  It is in no log. */
static bool
terminate_live(StatementContext *context, const char *id)
{
	Engine	 *engine = context->engine;
	JsonValue object = json_object();

	if (engine->is_sandbox)
		return engine_live_exists(engine->original, id);
	if (!engine_live_cancel(engine, id, NULL))
		return false;
	json_add(context->arena, &object, "queryId", json_string(id));
	json_add(context->arena, &object, "wasTerminated", json_bool(true));
	context->sink->entity(context->sink, &(Entity){.kind = "terminate_query", .value = &object});
	return true;
}

static Status
control_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstQueryControl *control = &statement->query_control;
	const CatalogSnapshot *catalog = context->planner.catalog;
	const CatalogQuery	  *found = NULL;
	int64_t				   sequence;

	for (int i = 0; !control->is_all && i < catalog_n_queries(catalog); i++)
		if (strcasecmp(catalog_query_at(catalog, i)->id, control->id.text) == 0)
			found = catalog_query_at(catalog, i);
	if (!control->is_all && found == NULL && statement->kind == AST_TERMINATE && terminate_live(context, control->id.text))
		return OK;
	if (!control->is_all && found == NULL) {
		error_user(err, "Unknown queryId: %s", control->id.text);
		error_hint(err, "SHOW QUERIES lists the queries that run.");
		return error_at(err, control->id.pos.line, control->id.pos.column, control->id.pos.length);
	}
	TRY(log_command(context, &sequence, err));
	for (int i = 0; i < catalog_n_queries(catalog); i++) {
		const CatalogQuery *entry = catalog_query_at(catalog, i);

		if (control->is_all ? entry->kind != QUERY_SOURCE_TABLE : entry == found)
			TRY(control_one(context, statement, entry, err));
	}
	tell_status(context,
				(CommandName){statement->kind == AST_TERMINATE ? "terminate" : statement->kind == AST_PAUSE ? "pause" : "resume",
							  found != NULL ? arena_strdup(context->arena, control->id.text) : "all", "execute", false},
				sequence, NULL, "Query %s.", statement->kind == AST_TERMINATE ? "terminated" : statement->kind == AST_PAUSE ? "paused" : "resumed");
	return OK;
}

static Status
ddl_dispatch(StatementContext *context, const AstStatement *statement, Error *err)
{
	switch (statement->kind) {
	case AST_CREATE_SOURCE:
		return create_source(context, statement, err);
	case AST_CREATE_VIEW:
		return create_view(context, statement, err);
	case AST_CREATE_TYPE:
		return create_type(context, statement, err);
	case AST_CREATE_FUNCTION:
		return create_function(context, statement, err);
	case AST_INSERT_SELECT:
		return insert_select(context, statement, err);
	case AST_DROP:
		return drop_execute(context, statement, err);
	case AST_ALTER:
		return alter_execute(context, statement, err);
	case AST_TERMINATE:
	case AST_PAUSE:
	case AST_RESUME:
		return control_execute(context, statement, err);
	default:
		return error_bug(err, "Statement kind %d is not DDL", (int)statement->kind);
	}
}

/* ---- its id, before anything is known of it but its text ---- */

static const char *
command_type_of(AstObject object)
{
	return object == AST_OBJECT_TABLE ? "table" : object == AST_OBJECT_VIEW ? "view" : object == AST_OBJECT_TYPE ? "type"
		   : object == AST_OBJECT_FUNCTION ? "function" : "stream";
}

static CommandName
command_name_of(PlannerContext *planner, const AstStatement *statement)
{
	switch (statement->kind) {
	case AST_CREATE_SOURCE:
		return (CommandName){statement->create_source.is_table ? "table" : "stream", bind_name(planner, statement->create_source.name), "create", true};
	case AST_CREATE_VIEW:
		return (CommandName){"view", bind_name(planner, statement->create_view.name), "create", true};
	case AST_CREATE_TYPE:
		return (CommandName){"type", bind_name(planner, statement->create_type.name), "create", false};
	case AST_CREATE_FUNCTION:
		return (CommandName){"function", statement->create_function.name.text, "create", false};
	case AST_INSERT_SELECT:
		return (CommandName){"stream", bind_name(planner, statement->insert.name), "create", true};
	case AST_DROP:
		return (CommandName){command_type_of(statement->drop.object), bind_name(planner, statement->drop.name), "drop",
							 statement->drop.object != AST_OBJECT_TYPE && statement->drop.object != AST_OBJECT_FUNCTION};
	case AST_ALTER:
		return (CommandName){statement->alter.is_table ? "table" : "stream", bind_name(planner, statement->alter.name), "alter", true};
	default:
		return (CommandName){statement->kind == AST_TERMINATE ? "terminate" : statement->kind == AST_PAUSE ? "pause" : "resume",
							 statement->query_control.is_all ? "all" : statement->query_control.id.text, "execute", false};
	}
}

static Status
ddl_once(StatementContext *context, const AstStatement *statement, Error *err)
{
	Engine				  *engine = context->engine;
	const CatalogSnapshot *snapshot;
	Status				   status;

	if (engine->on_kafka && !engine->is_replaying)
		TRY(cluster_begin(engine, err));
	snapshot = catalog_snapshot(engine->catalog);
	planner_context_init(&context->planner, engine, context->arena, snapshot, context->session->settings, context->standard);
	context->planner.file_schema = context->file_schema;
	status = ddl_dispatch(context, statement, err);
	catalog_release(snapshot);
	return status;
}

/* What recovers or is only tried is nobody's business. */
static void
begin_command(StatementContext *context, const AstStatement *statement, PendingCommand *command)
{
	PlannerContext planner = {.arena = context->arena, .standard = context->standard};

	if (context->engine->is_recovering || context->engine->is_sandbox)
		return;
	*command = (PendingCommand){.session = context->session, .id = command_id(context->arena, command_name_of(&planner, statement))};
	command_begin(context->engine, command);
	context->command = command;
}

static void
end_command(StatementContext *context, Status status, const Error *err)
{
	if (context->command == NULL)
		return;
	/* Commands of other processes are in the log. */
	context->command->is_logged = context->command->is_logged || context->engine->is_replaying;
	command_end(context->engine, context->command, status, err);
	context->command = NULL;
}

Status
ddl_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	Engine		  *engine = context->engine;
	PendingCommand command;
	Status		   status;

	begin_command(context, statement, &command);
	engine_lock_ddl(engine);
	if (context->command != NULL)
		command_set(engine, context->command, "PARSING");
	status = ddl_once(context, statement, err);
	for (int tries = 0; status == FAILED && engine->was_fenced && tries < MAX_TRIES; tries++) {
		/* Those who decide at the same time must not keep fencing each other: the longer it takes, the further apart they try. */
		usleep(50000 + (useconds_t)(engine->env->random(engine->env) % (500000u << (tries < 3 ? tries : 3))));
		status = ddl_once(context, statement, err);
	}
	if (engine->on_kafka && !engine->is_replaying && engine->skipped_command[0] != '\0') {
		context->sink->message(context->sink, engine->skipped_command, true);
		engine->skipped_command[0] = '\0';
	}
	end_command(context, status, err);
	engine_unlock_ddl(engine);
	return status;
}

/* Reads one NUL-terminated field. */
static const char *
command_field(Str *rest)
{
	const char *field = rest->data;
	size_t		n = strnlen(field, rest->length);

	*rest = n < rest->length ? str_make(rest->data + n + 1, rest->length - n - 1) : str_make(rest->data + n, 0);
	return field;
}

Status
ddl_replay(Engine *engine, Str command, Error *err)
{
	Arena			 arena = {0};
	Str				 rest = str_make(arena_strndup(&arena, command.data, command.length), command.length);
	ResultSink		 sink = {.message = discard_message, .entity = discard_entity};
	Session			*session = NULL;
	AstStatementList list;
	Status			 status = OK;
	const char		*dialect = command_field(&rest);
	const char		*file_schema = NULL;
	const char		*native_path = NULL;
	FunctionClass	 native_class = FUNCTION_SCALAR;

	TRY_OUT(session_open(engine, &session, err));
	while (rest.length > 0 && rest.data[0] != '\0') {
		const char *name = command_field(&rest);
		const char *value = command_field(&rest);
		Error		ignored;

		if (strcmp(name, FILE_SCHEMA) == 0)
			file_schema = value;
		else if (strcmp(name, NATIVE_PATH) == 0)
			native_path = value;
		else if (strcmp(name, NATIVE_CLASS) == 0)
			native_class = strcmp(value, "aggregate") == 0 ? FUNCTION_AGGREGATE : FUNCTION_SCALAR;
		else
			settings_set(session->settings, name, value, &ignored);
	}
	command_field(&rest);
	StatementContext context = {.session = session, .engine = engine, .sink = &sink, .arena = &arena,
								.standard = strcmp(dialect, "standard") == 0, .file_schema = file_schema, .native_path = native_path, .native_class = native_class};

	TRY_OUT(parser_parse(&arena, rest, (ParserOptions){.is_ksqldb = !context.standard}, &list, err));
	context.sql = list.items[0]->text;
	status = ddl_execute(&context, list.items[0], err);
out:
	session_close(session);
	arena_free(&arena);
	return status;
}
