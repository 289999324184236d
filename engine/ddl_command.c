/* Statements that change the catalog as commands: their text in the log, their ids, what is told of them, and their replay. */
#include <stdio.h>

#include "data/json_build.h"
#include "engine/ddl_impl.h"

/* ---- the text of a command: dialect, settings, then the statement; fields end in NUL ---- */

/* Among the settings of a command: columns that were found in a file, the library of a function, "aggregate" or "scalar". */
#define FILE_SCHEMA "file.schema"
#define NATIVE_PATH "function.path"
#define NATIVE_CLASS "function.class"

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
command_logged(StatementContext *context)
{
	if (context->command == NULL)
		return;
	command_set(context->engine, context->command, "EXECUTING");
	context->command->is_logged = true;
}

Status
command_log_replacing(StatementContext *context, const char *replaced, const PersistentPlan *plan, int64_t *sequence, Error *err)
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

Status
command_log(StatementContext *context, int64_t *sequence, Error *err)
{
	return command_log_replacing(context, NULL, NULL, sequence, err);
}

void
command_tell_warning(StatementContext *context, const char *format, ...)
{
	JsonValue object = json_object();
	char	  text[1024];
	va_list	  args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	json_add(context->arena, &object, "message", json_string(text));
	statement_tell(context, "warning_entity", &object);
}

static const char *
command_id(Arena *arena, CommandName name)
{
	return arena_printf(arena, name.is_source ? "%s/`%s`/%s" : "%s/%s/%s", name.type, name.entity, name.action);
}

void
command_tell_status(StatementContext *context, CommandName name, int64_t sequence, const char *query_id, const char *format, ...)
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
	statement_tell(context, "currentStatus", &object);
}

const char *
entity_kind_word(EntityKind kind)
{
	return kind == ENTITY_STREAM ? "stream" : kind == ENTITY_TABLE ? "table" : "view";
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

/* ---- from hand to log ---- */

/* What recovers or is only tried is nobody's business. */
void
command_begin_statement(StatementContext *context, const AstStatement *statement, PendingCommand *command)
{
	PlannerContext planner = {.arena = context->arena, .standard = context->standard};

	if (context->engine->is_recovering || context->engine->is_sandbox)
		return;
	*command = (PendingCommand){.session = context->session, .id = command_id(context->arena, command_name_of(&planner, statement))};
	command_begin(context->engine, command);
	context->command = command;
}

void
command_end_statement(StatementContext *context, Status status, const Error *err)
{
	if (context->command == NULL)
		return;
	/* Commands of other processes are in the log. */
	context->command->is_logged = context->command->is_logged || context->engine->is_replaying;
	command_end(context->engine, context->command, status, err);
	context->command = NULL;
}

/* ---- replay ---- */

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
