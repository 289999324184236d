/*
 * Statements that change the catalog.  Each is checked against the catalog as it is, appended to the command log, and
 * applied; recovery applies the logged commands again.  One at a time, under lock_ddl.
 */
#include "engine/ddl_impl.h"
#include "engine/share.h"
#include "io/format/wire/wire.h"
#include "planner/bind/properties.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#define MAX_TRIES 30	/* when another process decides at the same time */

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
		command_tell_warning(context, "Cannot add %s `%s`: A %s with the same name already exists.", word, name, entity_kind_word(old->kind));
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
	status = command_log_replacing(context, old != NULL ? old->id : NULL, plan, sequence, err);
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
	command_tell_status(context, (CommandName){create->is_table ? "table" : "stream", sink->name, "create", true}, sequence, id, "Created query with ID %s", id);
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
	TRY(command_log(context, &sequence, err));
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
	command_tell_status(context, (CommandName){entity_kind_word(source->kind), source->name, "create", true}, sequence, source->query_id, "%s %s",
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
		command_tell_warning(context, "Cannot add view `%s`: A %s with the same name already exists.", name, entity_kind_word(old->kind));
		return OK;
	}
	if (old != NULL && (!create->or_replace || old->kind != ENTITY_VIEW))
		return error_user(err, "Cannot add view '%s': A %s with the same name already exists", name, entity_kind_word(old->kind));
	TRY(plan_select(&context->planner, create->query, &plan, err));
	view.sql = str_to_arena(context->arena, context->sql);
	view.view_sql = view.sql;
	view.schema = plan->schema;
	(void)pos;
	TRY(command_log(context, &sequence, err));
	catalog_put_source(context->engine->catalog, &view);
	command_tell_status(context, (CommandName){"view", name, "create", true}, sequence, NULL, "View created");
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
		command_tell_warning(context, "%s is already registered with type %s", type.name,
			type_to_arena(catalog_type(context->planner.catalog, str_of(type.name))->type, context->arena));
		return OK;
	}
	TRY(bind_type(&context->planner, create->type, &type.type, err));
	TRY(command_log(context, &sequence, err));
	catalog_put_type(context->engine->catalog, &type);
	command_tell_status(context, (CommandName){"type", type.name, "create", false}, sequence, NULL, "Registered custom type with name '%s' and SQL type %s", type.name, type_to_arena(type.type, context->arena));
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
		command_tell_warning(context, "Function %s exists already.", old->name);
		return OK;
	}
	if (old != NULL && !create->or_replace) {
		error_user(err, "Function %s exists already", old->name);
		return error_hint(err, "CREATE OR REPLACE FUNCTION replaces it; queries that run keep what they have.");
	}
	TRY(function_make(context, create, &function, err));
	context->native_path = function->path;
	context->native_class = function->class;
	TRY(command_log(context, &sequence, err));
	functions_put(engine, function->name, function);
	command_tell_status(context, (CommandName){"function", function->name, "create", false}, sequence, NULL, "Created %s function %s%s",
				function->class == FUNCTION_AGGREGATE ? "aggregate" : "scalar", function->name, function->signature);
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
	TRY(command_log(context, &sequence, err));
	if (id == NULL)
		id = query_id(context, "INSERTQUERY", NULL, sequence);
	TRY(make_query(context, statement, id, NULL, &query, err));
	TRY(start_query(context, query, QUERY_INSERT, trial.sink->name, err));
	command_tell_status(context, (CommandName){"stream", trial.sink->name, "create", true}, sequence, id, "Created query with ID %s", id);
	return OK;
}

static Status
alter_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	CatalogSource *changed;
	int64_t		   sequence;

	TRY(bind_alter(&context->planner, statement, &changed, err));
	TRY(command_log(context, &sequence, err));
	catalog_put_source(context->engine->catalog, changed);
	command_tell_status(context, (CommandName){entity_kind_word(changed->kind), changed->name, "alter", true}, sequence, NULL, "%s %s altered successfully.",
				changed->kind == ENTITY_TABLE ? "Table" : "Stream", changed->name);
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
		return ddl_drop(context, statement, err);
	case AST_ALTER:
		return alter_execute(context, statement, err);
	case AST_TERMINATE:
	case AST_PAUSE:
	case AST_RESUME:
		return ddl_control(context, statement, err);
	default:
		return error_bug(err, "Statement kind %d is not DDL", (int)statement->kind);
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

Status
ddl_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	Engine		  *engine = context->engine;
	PendingCommand command;
	Status		   status;

	command_begin_statement(context, statement, &command);
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
	command_end_statement(context, status, err);
	engine_unlock_ddl(engine);
	return status;
}
