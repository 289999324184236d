#include "engine/engine_impl.h"
#include "engine/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static Status client_execute(Client *client, Str sql, ResultSink *sink, Error *err);
static void client_cancel(Client *client);
static char **client_complete(Client *client, const char *prefix);
static void client_define(Client *client, const char *name, const char *value);
static void client_keep_going(Client *client, bool keep_going, void (*on_error)(void *context, const Error *err, Str sql), void *context);
static void client_close(Client *client);

static const ClientType session_client_type = {
	.execute = client_execute,
	.cancel = client_cancel,
	.complete = client_complete,
	.define = client_define,
	.keep_going = client_keep_going,
	.close = client_close,
};

/* ---- all sessions ---- */

/* Sessions of a copy that statements are tried on are those of the engine that it is a copy of. */
static Engine *
engine_of(const Session *session)
{
	return session->engine->original != NULL ? session->engine->original : session->engine;
}

static void
session_enlist(Session *session)
{
	Engine *engine = engine_of(session);

	pthread_mutex_lock(&engine->lock_sessions);
	session->next = engine->sessions;
	session->link = &engine->sessions;
	if (session->next != NULL)
		session->next->link = &session->next;
	engine->sessions = session;
	pthread_mutex_unlock(&engine->lock_sessions);
}

static void
session_delist(Session *session)
{
	Engine *engine = engine_of(session);

	pthread_mutex_lock(&engine->lock_sessions);
	*session->link = session->next;
	if (session->next != NULL)
		session->next->link = session->link;
	pthread_mutex_unlock(&engine->lock_sessions);
}

void
engine_end_waits(Engine *engine)
{
	engine->ends_waits = true;
}

void
engine_cancel_statements(Engine *engine)
{
	engine->ends_statements = true;
	pthread_mutex_lock(&engine->lock_sessions);
	for (Session *s = engine->sessions; s != NULL; s = s->next)
		s->interrupted = true;
	pthread_mutex_unlock(&engine->lock_sessions);
}

CancelFlags
session_begin_statement(Session *session)
{
	Engine *engine = engine_of(session);

	session->interrupted = false;
	if (engine->ends_statements)
		session->interrupted = true;
	return cancel_watch((CancelFlags){.now = &session->interrupted, .soon = &engine->ends_waits});
}

/* ---- opening and closing ---- */

Status
session_open(Engine *engine, Session **out, Error *err)
{
	Session *session = xcalloc(1, sizeof *session);

	(void)err;
	session->client.type = &session_client_type;
	session->engine = engine;
	session->role = ROLE_ADMIN;
	session->settings = settings_new(engine->settings);
	session_enlist(session);
	*out = session;
	return OK;
}

void
session_close(Session *session)
{
	if (session == NULL)
		return;
	session_delist(session);
	for (int i = 0; i < 2 * session->n_variables; i++)
		free(session->variables[i]);
	free(session->variables);
	free(session->user);
	settings_free(session->settings);
	strbuf_free(&session->statement_text);
	free(session);
}

void
session_set_user(Session *session, const char *user, Role role)
{
	free(session->user);
	session->user = user != NULL ? xstrdup(user) : NULL;
	session->role = role;
}

Settings *
session_settings(Session *session)
{
	return session->settings;
}

Client *
session_client(Session *session)
{
	return &session->client;
}

int
session_statement_number(const Session *session)
{
	return session->statement_number;
}

void
session_keep_going(Session *session, bool keep_going, void (*on_error)(void *context, const Error *err, Str sql), void *context)
{
	session->keep_going = keep_going;
	session->on_error = on_error;
	session->on_error_context = context;
}

void
session_cancel(Session *session)
{
	session->interrupted = true;
}

/* ---- variables ---- */

static int
variable_index(const Session *session, const char *name)
{
	for (int i = 0; i < session->n_variables; i++)
		if (strcmp(session->variables[2 * i], name) == 0)
			return i;
	return -1;
}

void
session_define(Session *session, const char *name, const char *value)
{
	int i = variable_index(session, name);

	if (i < 0) {
		session->variables = xrealloc(session->variables, sizeof *session->variables * 2 * (size_t)(session->n_variables + 1));
		i = session->n_variables++;
		session->variables[2 * i] = xstrdup(name);
		session->variables[2 * i + 1] = NULL;
	}
	free(session->variables[2 * i + 1]);
	session->variables[2 * i + 1] = xstrdup(value);
}

bool
session_undefine(Session *session, const char *name)
{
	int i = variable_index(session, name);

	if (i < 0)
		return false;
	free(session->variables[2 * i]);
	free(session->variables[2 * i + 1]);
	memmove(&session->variables[2 * i], &session->variables[2 * i + 2],
			sizeof *session->variables * 2 * (size_t)(session->n_variables - i - 1));
	session->n_variables--;
	return true;
}

static const char *
find_variable(void *context, const char *name)
{
	const Session *session = context;
	int			   i = variable_index(session, name);

	return i >= 0 ? session->variables[2 * i + 1] : NULL;
}

/* ---- executing a text ---- */

/* Executes one statement in an arena of its own. */
static Status
execute_statement(Session *session, Arena *arena, const AstStatement *statement, ResultSink *sink, Error *err)
{
	StatementContext context = {.session = session, .engine = session->engine, .sink = sink, .arena = arena,
								.standard = settings_standard(session->settings), .sql = statement->text,
								.sql_offset = statement->pos.offset};
	CancelFlags before = session_begin_statement(session);
	Status status;

	if (sink->statement != NULL)
		sink->statement(sink, statement->text);
	status = statement_execute(&context, statement, err);
	cancel_watch(before);
	return status;
}

/* The place of an error within a statement is told in lines of the whole text. */
static Status
session_execute_one(Session *session, ParserCursor *cursor, ResultSink *sink, bool *is_end, Str *sql, Error *err)
{
	Arena		  arena = {0};
	AstStatement *statement = NULL;
	bool		  standard = settings_standard(session->settings);
	ParserOptions options = {.is_ksqldb = !standard, .needs_terminator = !standard};
	Status		  status;

	session->statement_number++;
	*sql = (Str){0};
	status = parser_next(&arena, cursor, options, &statement, err);
	if (status == DONE || (status == OK && statement == NULL)) {
		*is_end = true;
		session->statement_number--;
		status = OK;
	} else if (status == OK) {
		status = execute_statement(session, &arena, statement, sink, err);
		if (status == DONE)
			status = OK;
	}
	arena_free(&arena);
	return status;
}

void
session_note_text(Session *session, Str text)
{
	strbuf_clear(&session->statement_text);
	strbuf_add_str(&session->statement_text, text);
}

const char *
session_statement_text(const Session *session)
{
	return strbuf_text(&session->statement_text);
}

Status
session_substitute(Session *session, Arena *arena, Str text, Str *out, Error *err)
{
	*out = text;
	if (!settings_bool(session->settings, "ksql.variable.substitution.enable") || memmem(text.data, text.length, "${", 2) == NULL)
		return OK;
	return variables_substitute(arena, text, find_variable, session, out, err);
}

Status
session_parse_all(Session *session, Str sql, int *n_statements, bool *has_query, Error *err)
{
	bool		  standard = settings_standard(session->settings);
	ParserOptions options = {.is_ksqldb = !standard, .needs_terminator = !standard};
	ParserCursor  cursor = {.text = sql};
	Arena		  arena = {0};
	Status		  status;

	*n_statements = 0;
	for (;;) {
		AstStatement *statement = NULL;
		size_t		  start = cursor.offset;

		status = parser_next(&arena, &cursor, options, &statement, err);
		if (status == FAILED)
			session_note_text(session, str_trim(str_make(sql.data + start, cursor.offset - start)));
		if (status != OK || statement == NULL)
			break;
		++*n_statements;
		if (statement->kind == AST_SELECT || statement->kind == AST_PRINT) {
			session_note_text(session, str_trim(str_make(sql.data + start, cursor.offset - start)));
			*has_query = true;
			status = error_unsupported(err, "%s statements must be sent to /query or /query-stream", statement_kind_name(statement->kind));
			break;
		}
	}
	arena_free(&arena);
	return status == FAILED ? FAILED : OK;
}

/* Variables are replaced statement by statement, so that a DEFINE counts for what follows it. */
static Status
session_next_text(Session *session, Arena *arena, Str *rest, Str *out, Error *err)
{
	LexerOpen open;
	size_t	  end = lexer_statement_end(*rest, &open);
	Str		  text = str_make(rest->data, end > 0 ? end : rest->length);

	*rest = str_make(rest->data + text.length, rest->length - text.length);
	*out = text;
	session_note_text(session, str_trim(text));
	return session_substitute(session, arena, text, out, err);
}

/* The line and column of the text at which `start` stands. */
static void
place_of(Str sql, const char *start, int *line, int *column)
{
	*line = *column = 1;
	for (const char *c = sql.data; c < start; c++) {
		*column = *c == '\n' ? 1 : *column + 1;
		*line += *c == '\n';
	}
}

/* Turns a place within the piece that begins at `line` and `column` into a place within the whole text. */
static void
place_in_text(int line, int column, Error *err)
{
	if (err->line <= 0)
		return;
	if (err->line == 1)
		err->column += column - 1;
	err->line += line - 1;
}

static size_t
text_start(Str text)
{
	size_t i = 0;

	while (i < text.length && (unsigned char)text.data[i] <= ' ')
		i++;
	return i;
}

/* A recorded case sends each SELECT as a request of its own: places count from its start. */
static bool
is_own_request(const Session *session, Str text)
{
	size_t start = text_start(text);

	return session->hooks != NULL && text.length - start > 6 && strncasecmp(text.data + start, "SELECT", 6) == 0;
}

Status
session_execute(Session *session, Str sql, ResultSink *sink, Error *err)
{
	Str	   rest = sql;
	Status result = OK;

	if (session->script_depth == 0)
		session->statement_number = 0;
	while (rest.length > 0) {
		Arena		 arena = {0};
		Str			 text, statement_sql;
		const char	*start = rest.data;
		bool		 is_end = false;
		Error		 this_error;
		Status		 status = session_next_text(session, &arena, &rest, &text, &this_error);
		ParserCursor cursor = {.text = text};

		if (is_own_request(session, text))
			cursor = (ParserCursor){.text = text, .offset = text_start(text), .line = 1, .column = 1};
		else
			place_of(sql, start, &cursor.line, &cursor.column);
		if (status == FAILED)
			place_in_text(cursor.line, cursor.column, &this_error);
		while (status == OK && !is_end)
			status = session_execute_one(session, &cursor, sink, &is_end, &statement_sql, &this_error);
		if (status == FAILED) {
			if (session->on_error != NULL)
				session->on_error(session->on_error_context, &this_error, sql);
			if (result == OK)
				*err = this_error;
			result = FAILED;
		}
		arena_free(&arena);
		if (result == FAILED && (!session->keep_going || this_error.class == ERROR_INTERRUPTED))
			break;
	}
	return result;
}

static Status
client_execute(Client *client, Str sql, ResultSink *sink, Error *err)
{
	return session_execute((Session *)client, sql, sink, err);
}

static void
client_cancel(Client *client)
{
	session_cancel((Session *)client);
}

static void
client_define(Client *client, const char *name, const char *value)
{
	session_define((Session *)client, name, value);
}

static void
client_keep_going(Client *client, bool keep_going, void (*on_error)(void *context, const Error *err, Str sql), void *context)
{
	session_keep_going((Session *)client, keep_going, on_error, context);
}

static void
client_close(Client *client)
{
	session_close((Session *)client);
}

/* ---- completion ---- */

typedef struct Completion {
	const char *prefix;
	char	  **names;
	int			n;
	int			capacity;
} Completion;

static void
completion_add(Completion *c, const char *name)
{
	if (strncasecmp(name, c->prefix, strlen(c->prefix)) != 0)
		return;
	for (int i = 0; i < c->n; i++)
		if (strcmp(c->names[i], name) == 0)
			return;
	grow_array(c->names, c->n, c->capacity);
	c->names[c->n++] = xstrdup(name);
}

static void
complete_function(const void *row, void *context)
{
	/* Every kind of function row begins with its name. */
	completion_add(context, *(const char *const *)row);
}

static char **
client_complete(Client *client, const char *prefix)
{
	Session				  *session = (Session *)client;
	const CatalogSnapshot *snapshot = catalog_snapshot(session->engine->catalog);
	bool				   standard = settings_standard(session->settings);
	Completion			   c = {.prefix = prefix};

	for (int i = 0; i < catalog_n_sources(snapshot); i++) {
		const CatalogSource *source = catalog_source_at(snapshot, i);

		completion_add(&c, source->name);
		for (int k = 0; source->schema != NULL && k < source->schema->n_columns; k++)
			completion_add(&c, source->schema->columns[k].name);
	}
	for (int i = 0; i < catalog_n_queries(snapshot); i++)
		completion_add(&c, catalog_query_at(snapshot, i)->id);
	catalog_release(snapshot);
	function_visit_in(atomic_load(&session->engine->functions), FUNCTION_SCALAR, standard, complete_function, &c);
	function_visit_in(atomic_load(&session->engine->functions), FUNCTION_AGGREGATE, standard, complete_function, &c);
	function_visit_in(atomic_load(&session->engine->functions), FUNCTION_TABLE, standard, complete_function, &c);
	grow_array(c.names, c.n, c.capacity);
	c.names[c.n] = NULL;
	return c.names;
}
