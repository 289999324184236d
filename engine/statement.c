/*
 * One row per kind of statement: what executes it and what it needs.
 */
#include "engine/engine_impl.h"
#include "planner/bind/properties.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	NEEDS_STORE = 1,		/* opens the data directory */
};

typedef struct StatementRow {
	AstStatementKind kind;
	const char		*name;
	Status (*execute)(StatementContext *context, const AstStatement *statement, Error *err);
	int				 flags;
} StatementRow;

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
	if (setting_find(set->name) != NULL && setting_find(set->name)->scope == SCOPE_SERVER)
		return error_user(err, "Property '%s' cannot be changed by SET: it belongs to the server's start", set->name);
	if (settings_set(context->session->settings, set->name, value, err) == FAILED)
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

static char *
read_file(const char *path, size_t *length)
{
	FILE   *file = fopen(path, "rb");
	StrBuf	text = {0};
	char	block[8192];
	size_t	n;

	if (file == NULL)
		return NULL;
	while ((n = fread(block, 1, sizeof block, file)) > 0)
		strbuf_add(&text, block, n);
	fclose(file);
	*length = text.length;
	return text.data != NULL ? text.data : xstrdup("");
}

static Status
run_script_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	size_t	length;
	char   *text;
	Status	status;
	int		number = context->session->statement_number;

	if (context->session->script_depth >= 16)
		return error_user(err, "RUN SCRIPT is nested too deeply: %s runs itself?", statement->file.path);
	text = read_file(statement->file.path, &length);
	if (text == NULL)
		return error_user(err, "Cannot read the script '%s'", statement->file.path);
	context->session->script_depth++;
	status = session_execute(context->session, str_make(text, length), context->sink, err);
	context->session->script_depth--;
	context->session->statement_number = number;
	free(text);
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

	TRY(engine_topic(context->engine, assertion->name.text, &topic, err));
	if (assertion->not_exists) {
		if (topic != NULL)
			return error_user(err, "Topic '%s' exists", assertion->name.text);
	} else if (topic == NULL)
		return error_user(err, "Topic '%s' does not exist", assertion->name.text);
	context->sink->message(context->sink, arena_printf(context->arena, "Topic %s %s.", assertion->name.text,
													   assertion->not_exists ? "does not exist" : "exists"), false);
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
refuse_function(StatementContext *context, const AstStatement *statement, Error *err)
{
	(void)context;
	return error_unsupported(err, "CREATE FUNCTION is not supported yet (%s)", statement->create_function.name.text);
}

static Status
refuse_summarize(StatementContext *context, const AstStatement *statement, Error *err)
{
	(void)context;
	(void)statement;
	return error_unsupported(err, "SUMMARIZE is not supported yet");
}

static Status
refuse_spool(StatementContext *context, const AstStatement *statement, Error *err)
{
	(void)context;
	(void)statement;
	return error_unsupported(err, "SPOOL is not supported: redirect the output of `sluice -f` instead");
}

static Status
refuse_schema(StatementContext *context, const AstStatement *statement, Error *err)
{
	(void)context;
	(void)statement;
	return error_unsupported(err, "ASSERT SCHEMA needs a Schema Registry, which is not supported yet");
}

static const StatementRow statement_rows[] = {
	{AST_SELECT, "SELECT", select_execute, 0},
	{AST_CREATE_SOURCE, "CREATE", ddl_execute, NEEDS_STORE},
	{AST_CREATE_VIEW, "CREATE VIEW", ddl_execute, NEEDS_STORE},
	{AST_CREATE_TYPE, "CREATE TYPE", ddl_execute, NEEDS_STORE},
	{AST_CREATE_FUNCTION, "CREATE FUNCTION", refuse_function, 0},
	{AST_CREATE_CONNECTOR, "CREATE CONNECTOR", refuse_connectors, 0},
	{AST_INSERT_SELECT, "INSERT INTO", ddl_execute, NEEDS_STORE},
	{AST_INSERT_VALUES, "INSERT VALUES", insert_values_execute, NEEDS_STORE},
	{AST_DROP, "DROP", ddl_execute, NEEDS_STORE},
	{AST_ALTER, "ALTER", ddl_execute, NEEDS_STORE},
	{AST_TERMINATE, "TERMINATE", ddl_execute, NEEDS_STORE},
	{AST_PAUSE, "PAUSE", ddl_execute, NEEDS_STORE},
	{AST_RESUME, "RESUME", ddl_execute, NEEDS_STORE},
	{AST_SHOW, "SHOW", show_execute, 0},
	{AST_DESCRIBE, "DESCRIBE", describe_execute, 0},
	{AST_EXPLAIN, "EXPLAIN", explain_execute, 0},
	{AST_PRINT, "PRINT", print_execute, NEEDS_STORE},
	{AST_SET, "SET", set_execute, 0},
	{AST_UNSET, "UNSET", set_execute, 0},
	{AST_ALTER_SYSTEM, "ALTER SYSTEM", set_execute, 0},
	{AST_DEFINE, "DEFINE", define_execute, 0},
	{AST_UNDEFINE, "UNDEFINE", define_execute, 0},
	{AST_ASSERT_TOPIC, "ASSERT TOPIC", assert_topic_execute, NEEDS_STORE},
	{AST_ASSERT_SCHEMA, "ASSERT SCHEMA", refuse_schema, 0},
	{AST_ASSERT_VALUES, "ASSERT VALUES", assert_execute, NEEDS_STORE},
	{AST_ASSERT_NULL_VALUES, "ASSERT NULL VALUES", assert_execute, NEEDS_STORE},
	{AST_ASSERT_SOURCE, "ASSERT STREAM", assert_execute, NEEDS_STORE},
	{AST_RUN_SCRIPT, "RUN SCRIPT", run_script_execute, 0},
	{AST_SPOOL, "SPOOL", refuse_spool, 0},
	{AST_COPY, "COPY", copy_execute, 0},
	{AST_SUMMARIZE, "SUMMARIZE", refuse_summarize, 0},
};

Status
statement_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	for (size_t i = 0; i < sizeof statement_rows / sizeof *statement_rows; i++) {
		const StatementRow *row = &statement_rows[i];

		if (row->kind != statement->kind)
			continue;
		if (row->flags & NEEDS_STORE)
			TRY(engine_need_store(context->engine, err));
		return row->execute(context, statement, err);
	}
	return error_bug(err, "There is no row for statement kind %d", (int)statement->kind);
}
