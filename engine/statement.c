/*
 * One row per kind of statement: what executes it, who may, and what it needs.
 */
#include "data/json_build.h"
#include "engine/engine_impl.h"
#include "planner/bind/properties.h"

#include <errno.h>
#include <unistd.h>

enum {
	NEEDS_STORE = 1,		/* opens the data directory */
	IN_SANDBOX = 2,			/* changes or describes only the catalog and the session: may be tried on a copy */
};

typedef struct StatementRow {
	AstStatementKind kind;
	const char		*name;
	Role			 role;			/* that it needs */
	Status (*execute)(StatementContext *context, const AstStatement *statement, Error *err);
	int				 flags;
} StatementRow;

void
statement_tell(StatementContext *context, const char *kind, const JsonValue *value)
{
	context->sink->entity(context->sink, &(Entity){.kind = kind, .value = value});
}

void
statement_tell_list(StatementContext *context, const char *kind, const char *member, JsonValue list)
{
	JsonValue object = json_object();

	json_add(context->arena, &object, member, list);
	statement_tell(context, kind, &object);
}

static Status
set_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstSet *set = &statement->set;
	const char	 *value;

	if (statement->kind == AST_UNSET) {
		if (!settings_unset(context->session->settings, set->name))
			context->sink->message(context->sink, arena_printf(context->arena, "Property '%s' was not set.", set->name), true);
		return OK;
	}
	if (statement->kind == AST_ALTER_SYSTEM)
		return error_unsupported(err, "ALTER SYSTEM is not supported: give the setting on the command line instead");
	value = property_text(set->value);
	if (settings_check_override(context->engine->settings, set->name, err) == FAILED ||
		settings_set(context->session->settings, set->name, value, err) == FAILED)
		return error_at(err, set->name_pos.line, set->name_pos.column, set->name_pos.length);
	return OK;
}

static Status
define_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstDefine *define = &statement->define;

	(void)err;
	if (statement->kind == AST_DEFINE)
		session_define(context->session, define->name.text, define->value);
	else if (!session_undefine(context->session, define->name.text))
		context->sink->message(context->sink,
							   arena_printf(context->arena, "Cannot undefine variable '%s' which was never defined", define->name.text), true);
	return OK;
}

static Status
read_script(StatementContext *context, const char *path, StrBuf *text, Error *err)
{
	int		fd = file_access_open(context->engine->file_access, path, err);
	char	block[8192];
	ssize_t n;
	Status	status = OK;

	if (fd < 0)
		return error_context(err, "Cannot read the script");
	while ((n = read(fd, block, sizeof block)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			strbuf_add(text, block, (size_t)n);
	if (n < 0)
		status = error_user(err, "Cannot read the script '%s': %s", path, strerror(errno));
	close(fd);
	return status;
}

static Status
run_script_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	StrBuf	text = {0};
	Status	status;
	int		number = context->session->statement_number;

	if (context->session->script_depth >= 16)
		return error_user(err, "RUN SCRIPT is nested too deeply: %s runs itself?", statement->file.path);
	status = read_script(context, statement->file.path, &text, err);
	if (status == FAILED) {
		strbuf_free(&text);
		return FAILED;
	}
	context->session->script_depth++;
	status = session_execute(context->session, strbuf_str(&text), context->sink, err);
	context->session->script_depth--;
	context->session->statement_number = number;
	strbuf_free(&text);
	if (status == FAILED)
		error_context(err, "In script '%s'", statement->file.path);
	return status;
}

static Status
assert_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	if (context->session->hooks != NULL && context->session->hooks->assert_statement != NULL)
		return context->session->hooks->assert_statement(context->session->hooks, context, statement, err);
	return error_unsupported(err, "This ASSERT is for test scripts: run them with `sluice test`");
}

static Status
assert_topic_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstAssert *assertion = &statement->assert_;
	Topic			*topic;
	JsonValue		 object = json_object();

	TRY(engine_topic(context->engine, assertion->name.text, &topic, err));
	if (assertion->not_exists) {
		if (topic != NULL)
			return error_set(err, ERROR_ASSERTION, "Topic '%s' exists", assertion->name.text);
	} else if (topic == NULL)
		return error_set(err, ERROR_ASSERTION, "Topic '%s' does not exist", assertion->name.text);
	json_add(context->arena, &object, "topicName", json_string(assertion->name.text));
	json_add(context->arena, &object, "exists", json_bool(!assertion->not_exists));
	statement_tell(context, "assert_topic", &object);
	return OK;
}

static Status
refuse_connectors(StatementContext *context, const AstStatement *statement, Error *err)
{
	(void)context;
	(void)statement;
	error_user(err, "Failed to reach Kafka Connect: no worker is configured");
	return error_hint(err, "sluice reads and writes topics and files itself; connectors need ksql.connect.url.");
}

static Status
spool_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	if (context->sink->spool == NULL)
		return error_unsupported(err, "SPOOL is for the shell, which keeps a copy of what it prints");
	if (statement->file.path != NULL)
		TRY(file_access_check(context->engine->file_access, statement->file.path, err));
	return context->sink->spool(context->sink, statement->file.path, err);
}

static Status
refuse_schema(StatementContext *context, const AstStatement *statement, Error *err)
{
	(void)context;
	(void)statement;
	return error_unsupported(err, "ASSERT SCHEMA needs a Schema Registry, which is not supported yet");
}

static const StatementRow statement_rows[] = {
	{AST_SELECT, "SELECT", ROLE_READ, select_execute, 0},
	{AST_CREATE_SOURCE, "CREATE", ROLE_WRITE, ddl_execute, NEEDS_STORE | IN_SANDBOX},
	{AST_CREATE_VIEW, "CREATE VIEW", ROLE_WRITE, ddl_execute, NEEDS_STORE | IN_SANDBOX},
	{AST_CREATE_TYPE, "CREATE TYPE", ROLE_WRITE, ddl_execute, NEEDS_STORE | IN_SANDBOX},
	{AST_CREATE_FUNCTION, "CREATE FUNCTION", ROLE_ADMIN, ddl_execute, NEEDS_STORE | IN_SANDBOX},
	{AST_CREATE_CONNECTOR, "CREATE CONNECTOR", ROLE_WRITE, refuse_connectors, 0},
	{AST_INSERT_SELECT, "INSERT INTO", ROLE_WRITE, ddl_execute, NEEDS_STORE | IN_SANDBOX},
	{AST_INSERT_VALUES, "INSERT VALUES", ROLE_WRITE, insert_values_execute, NEEDS_STORE | IN_SANDBOX},
	{AST_DROP, "DROP", ROLE_WRITE, ddl_execute, NEEDS_STORE | IN_SANDBOX},
	{AST_ALTER, "ALTER", ROLE_WRITE, ddl_execute, NEEDS_STORE | IN_SANDBOX},
	{AST_TERMINATE, "TERMINATE", ROLE_WRITE, ddl_execute, NEEDS_STORE | IN_SANDBOX},
	{AST_PAUSE, "PAUSE", ROLE_WRITE, ddl_execute, NEEDS_STORE | IN_SANDBOX},
	{AST_RESUME, "RESUME", ROLE_WRITE, ddl_execute, NEEDS_STORE | IN_SANDBOX},
	{AST_SHOW, "SHOW", ROLE_READ, show_execute, IN_SANDBOX},
	{AST_DESCRIBE, "DESCRIBE", ROLE_READ, describe_execute, IN_SANDBOX},
	{AST_EXPLAIN, "EXPLAIN", ROLE_READ, explain_execute, 0},
	{AST_PRINT, "PRINT", ROLE_READ, print_execute, NEEDS_STORE},
	{AST_SET, "SET", ROLE_READ, set_execute, IN_SANDBOX},
	{AST_UNSET, "UNSET", ROLE_READ, set_execute, IN_SANDBOX},
	{AST_ALTER_SYSTEM, "ALTER SYSTEM", ROLE_ADMIN, set_execute, IN_SANDBOX},
	{AST_DEFINE, "DEFINE", ROLE_READ, define_execute, IN_SANDBOX},
	{AST_UNDEFINE, "UNDEFINE", ROLE_READ, define_execute, IN_SANDBOX},
	{AST_ASSERT_TOPIC, "ASSERT TOPIC", ROLE_READ, assert_topic_execute, NEEDS_STORE},
	{AST_ASSERT_SCHEMA, "ASSERT SCHEMA", ROLE_READ, refuse_schema, 0},
	{AST_ASSERT_VALUES, "ASSERT VALUES", ROLE_READ, assert_execute, NEEDS_STORE},
	{AST_ASSERT_NULL_VALUES, "ASSERT NULL VALUES", ROLE_READ, assert_execute, NEEDS_STORE},
	{AST_ASSERT_SOURCE, "ASSERT STREAM", ROLE_READ, assert_execute, NEEDS_STORE},
	{AST_RUN_SCRIPT, "RUN SCRIPT", ROLE_ADMIN, run_script_execute, 0},
	{AST_SPOOL, "SPOOL", ROLE_ADMIN, spool_execute, 0},
	{AST_COPY, "COPY", ROLE_WRITE, copy_execute, 0},
	{AST_SUMMARIZE, "SUMMARIZE", ROLE_READ, summarize_execute, 0},
};

#define N_STATEMENTS (sizeof statement_rows / sizeof *statement_rows)

static StatementPermission
permission_of(const StatementRow *row)
{
	return (StatementPermission){.name = row->name, .role = row->role, .is_command = row->execute == ddl_execute};
}

bool
statement_permission(int i, StatementPermission *out)
{
	if (i < 0 || (size_t)i >= N_STATEMENTS)
		return false;
	*out = permission_of(&statement_rows[i]);
	return true;
}

static const StatementRow *
statement_row(AstStatementKind kind)
{
	for (size_t i = 0; i < N_STATEMENTS; i++)
		if (statement_rows[i].kind == kind)
			return &statement_rows[i];
	return NULL;
}

Status
statement_check_role(const Session *session, const AstStatement *statement, Error *err)
{
	const StatementRow *row = statement_row(statement->kind);

	if (row == NULL)
		return error_bug(err, "There is no row for statement kind %d", (int)statement->kind);
	if (session->role >= row->role)
		return OK;
	error_denied(err, "%s is not permitted to user '%s', whose role is %s", row->name, session->user != NULL ? session->user : "",
			  role_name(session->role));
	error_at(err, statement->pos.line, statement->pos.column, statement->pos.length);
	return error_hint(err, "It needs the role %s.", role_name(row->role));
}

StatementPermission
statement_permission_of(const AstStatement *statement)
{
	const StatementRow *row = statement_row(statement->kind);

	return row != NULL ? permission_of(row) : (StatementPermission){.name = "?", .role = ROLE_ADMIN};
}

Status
statement_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	const StatementRow *row = statement_row(statement->kind);

	EngineCounters	   *counters = &context->engine->counters;
	Status				status;

	TRY(statement_check_role(context->session, statement, err));
	if (context->engine->is_sandbox && (statement->kind == AST_SELECT || statement->kind == AST_PRINT)) {
		context->engine->sandbox_has_query = true;
		return error_unsupported(err, "%s statements must be sent to /query or /query-stream", row->name);
	}
	if (context->engine->is_sandbox && !(row->flags & IN_SANDBOX))
		return OK;
	counters->statements++;
	status = row->flags & NEEDS_STORE ? engine_need_store(context->engine, err) : OK;
	if (status == OK)
		status = row->execute(context, statement, err);
	if (status == FAILED)
		counters->statement_errors++;
	return status;
}

const char *
statement_kind_name(AstStatementKind kind)
{
	const StatementRow *row = statement_row(kind);

	return row != NULL ? row->name : "?";
}
