/*
 * The shell's client of a server: what engine/session.c does for a local engine, over HTTP.
 */
#include "server/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "data/json_build.h"
#include "engine/sql_text.h"
#include "server/client_impl.h"

#define MAX_SCRIPTS 16			/* RUN SCRIPT within RUN SCRIPT */

typedef struct RemoteClient {
	Client		 client;		/* first */
	ClientHttp	*http;
	Settings	*settings;
	int			 n_variables;
	int			 variable_capacity;
	char	   **variables;		/* name, value, ... */
	int64_t		 last_command;	/* largest commandSequenceNumber seen */
	_Atomic bool cancelled;
	bool		 keep_going;
	void (*on_error)(void *context, const Error *err, Str sql);
	void		*on_error_context;
	int			 script_depth;
} RemoteClient;

/* ---- variables ---- */

static int
variable_index(const RemoteClient *self, const char *name)
{
	for (int i = 0; i < self->n_variables; i++)
		if (strcmp(self->variables[2 * i], name) == 0)
			return i;
	return -1;
}

static const char *
find_variable(void *context, const char *name)
{
	const RemoteClient *self = context;
	int					i = variable_index(self, name);

	return i >= 0 ? self->variables[2 * i + 1] : NULL;
}

static void
remote_define(Client *client, const char *name, const char *value)
{
	RemoteClient *self = (RemoteClient *)client;
	int			  i = variable_index(self, name);

	if (i < 0) {
		self->variables = xrealloc(self->variables, sizeof *self->variables * 2 * (size_t)(self->n_variables + 1));
		i = self->n_variables++;
		self->variables[2 * i] = xstrdup(name);
		self->variables[2 * i + 1] = NULL;
	}
	free(self->variables[2 * i + 1]);
	self->variables[2 * i + 1] = xstrdup(value);
}

static bool
undefine(RemoteClient *self, const char *name)
{
	int i = variable_index(self, name);

	if (i < 0)
		return false;
	free(self->variables[2 * i]);
	free(self->variables[2 * i + 1]);
	memmove(&self->variables[2 * i], &self->variables[2 * i + 2], sizeof *self->variables * 2 * (size_t)(self->n_variables - i - 1));
	self->n_variables--;
	return true;
}

/* ---- requests ---- */

typedef struct BodyWriter {
	StrBuf *out;
	bool	has_any;
} BodyWriter;

static void
write_setting(const char *name, const char *value, void *context)
{
	BodyWriter *w = context;

	strbuf_add_text(w->out, w->has_any ? "," : "");
	w->has_any = true;
	json_write_string(w->out, str_of(name));
	strbuf_add_char(w->out, ':');
	json_write_string(w->out, str_of(value));
}

static void
write_body(const RemoteClient *self, Str sql, bool is_query_stream, StrBuf *out)
{
	BodyWriter w = {.out = out};

	strbuf_add_text(out, is_query_stream ? "{\"sql\":" : "{\"ksql\":");
	json_write_string(out, sql);
	strbuf_add_text(out, is_query_stream ? ",\"properties\":{" : ",\"streamsProperties\":{");
	/* sluice's own dialect, unless another is set: a server's default is ksqlDB's. */
	write_setting("sql.dialect", settings_text(self->settings, "sql.dialect"), &w);
	settings_visit(self->settings, write_setting, &w);
	strbuf_add_text(out, "},\"sessionVariables\":{");
	w.has_any = false;
	for (int i = 0; i < self->n_variables; i++)
		write_setting(self->variables[2 * i], self->variables[2 * i + 1], &w);
	strbuf_add_char(out, '}');
	if (!is_query_stream && self->last_command >= 0)
		strbuf_printf(out, ",\"commandSequenceNumber\":%lld", (long long)self->last_command);
	strbuf_add_char(out, '}');
}

static Status
collect_piece(void *context, int status, Str data, Error *err)
{
	(void)status;
	(void)err;
	strbuf_add_str(context, data);
	return OK;
}

/* An answer that is no array of results: an error object, or something else altogether. */
static Status
answer_error_of(Arena *arena, Str body, int status, Error *err)
{
	JsonValue object;

	if (json_parse_quiet(arena, body, JSON_STRICT, &object) && object.kind == JSON_OBJECT)
		client_error(arena, &object, status, err);
	else if (status == 401)
		error_user(err, "The server wants to know who you are");
	else
		error_user(err, "The server answered with status %d: %.*s", status, (int)(body.length < 200 ? body.length : 200), body.data);
	return status == 401 ? error_hint(err, "Give --user NAME; the password is asked for, or taken from SLUICE_PASSWORD.") : FAILED;
}

static Status
post(RemoteClient *self, Arena *arena, Str sql, JsonValue *out, Error *err)
{
	StrBuf body = {0}, answer = {0};
	int	   code = 0;
	Status status;

	write_body(self, sql, false, &body);
	status = client_http_request(self->http, "/ksql", strbuf_str(&body), "application/vnd.ksql.v1+json", &self->cancelled, collect_piece, &answer,
								 &code, err);
	/* Another server may answer next time, whose commands are not the ones that were seen. */
	if (status == FAILED && err->class == ERROR_TRANSIENT)
		self->last_command = -1;
	if (status == OK) {
		Str text = str_make(str_to_arena(arena, strbuf_str(&answer)), answer.length);

		if (code != 200 || !json_parse_quiet(arena, text, JSON_STRICT, out) || out->kind != JSON_ARRAY)
			status = answer_error_of(arena, text, code, err);
	}
	strbuf_free(&body);
	strbuf_free(&answer);
	return status;
}

/* ---- /ksql ---- */

static void
tell_entity(RemoteClient *self, Arena *arena, const JsonValue *value, ResultSink *sink)
{
	const char		*kind = json_text_of(arena, value, "@type");
	const JsonValue *warnings = json_member(value, STR("warnings"));
	const JsonValue *command = json_member(value, STR("commandSequenceNumber"));
	int64_t			 number = command != NULL ? json_int_of(value, "commandSequenceNumber") : -1;

	if (number > self->last_command)
		self->last_command = number;
	if (kind != NULL)
		sink->entity(sink, &(Entity){.kind = kind, .value = value});
	for (uint32_t i = 0; warnings != NULL && warnings->kind == JSON_ARRAY && i < warnings->n; i++) {
		const char *text = json_text_of(arena, &warnings->elements[i], "message");

		if (text != NULL)
			sink->message(sink, text, true);
	}
}

static Status
run_other(RemoteClient *self, Arena *arena, Str sql, ResultSink *sink, Error *err)
{
	JsonValue entities;

	TRY(post(self, arena, sql, &entities, err));
	for (uint32_t i = 0; i < entities.n; i++)
		tell_entity(self, arena, &entities.elements[i], sink);
	return OK;
}

/* ---- queries ---- */

typedef struct QueryAnswer {
	ClientRows *rows;
	ResultSink *sink;
	bool		prints;
	StrBuf		text;			/* of an error, or of a line of PRINT */
	int			code;
} QueryAnswer;

/* Lines of PRINT are shown as they come. */
static void
tell_lines(QueryAnswer *a, bool is_end)
{
	Str rest = strbuf_str(&a->text);

	for (const char *newline; (newline = memchr(rest.data, '\n', rest.length)) != NULL || (is_end && rest.length > 0);) {
		size_t	  n = newline != NULL ? (size_t)(newline - rest.data) : rest.length;
		JsonValue line = {.kind = JSON_STRING, .text = str_make(rest.data, n)};

		a->sink->entity(a->sink, &(Entity){.kind = "print", .value = &line});
		n += newline != NULL;
		rest = str_make(rest.data + n, rest.length - n);
	}
	memmove(a->text.data, rest.data, rest.length);
	a->text.length = rest.length;
}

static Status
query_piece(void *context, int status, Str data, Error *err)
{
	QueryAnswer *a = context;

	a->code = status;
	if (status == 200 && !a->prints)
		return client_rows_take(a->rows, data, err);
	strbuf_add_str(&a->text, data);
	if (status == 200 && a->text.length > 0)
		tell_lines(a, false);
	return OK;
}

static Status
run_query(RemoteClient *self, Arena *arena, Str sql, bool prints, ResultSink *sink, Error *err)
{
	QueryAnswer a = {.rows = client_rows_new(sink), .sink = sink, .prints = prints};
	StrBuf		body = {0};
	int			code = 0;
	Status		status, end;
	Error		ignored;

	write_body(self, sql, !prints, &body);
	status = client_http_request(self->http, prints ? "/query" : "/query-stream", strbuf_str(&body),
								 prints ? "*/*" : "application/vnd.ksql.v1+json", &self->cancelled, query_piece, &a, &code, err);
	if (code == 200 && prints && a.text.length > 0)
		tell_lines(&a, true);
	else if (code == 200 && !prints) {
		end = client_rows_end(a.rows, status == FAILED ? &ignored : err);
		status = status == FAILED ? FAILED : end;
	} else if (status == OK && code != 200)
		status = answer_error_of(arena, strbuf_str(&a.text), code, err);
	client_rows_free(a.rows);
	strbuf_free(&a.text);
	strbuf_free(&body);
	return status == FAILED ? FAILED : OK;
}

/* ---- statements of the client's own ---- */

static Status remote_execute(Client *client, Str sql, ResultSink *sink, Error *err);

static Status
run_script(RemoteClient *self, const char *path, ResultSink *sink, Error *err)
{
	FILE  *file = fopen(path, "rb");
	StrBuf text = {0};
	char   block[8192];
	size_t n;
	Status status;

	if (file == NULL)
		return error_user(err, "Cannot read the script '%s': %s", path, strerror(errno));
	while ((n = fread(block, 1, sizeof block, file)) > 0)
		strbuf_add(&text, block, n);
	fclose(file);
	if (self->script_depth >= MAX_SCRIPTS) {
		strbuf_free(&text);
		return error_user(err, "RUN SCRIPT is nested too deeply: %s runs itself?", path);
	}
	self->script_depth++;
	status = remote_execute(&self->client, strbuf_str(&text), sink, err);
	self->script_depth--;
	strbuf_free(&text);
	return status == FAILED ? error_context(err, "In script '%s'", path) : status;
}

static void
warn(ResultSink *sink, Arena *arena, const char *format, const char *name)
{
	StrBuf text = {0};

	strbuf_printf(&text, format, name);
	sink->message(sink, arena_strdup(arena, strbuf_text(&text)), true);
	strbuf_free(&text);
}

static Status
run_statement(RemoteClient *self, Arena *arena, Str sql, ResultSink *sink, Error *err)
{
	SqlStatement statement;

	if (settings_bool(self->settings, "ksql.variable.substitution.enable"))
		TRY(sql_substitute(arena, sql, find_variable, self, &sql, err));
	sql_classify(arena, sql, &statement);
	if (statement.route != SQL_EMPTY && sink->statement != NULL)
		sink->statement(sink, sql);
	switch (statement.route) {
	case SQL_EMPTY:
		return OK;
	case SQL_QUERY:
	case SQL_PRINT:
		return run_query(self, arena, sql, statement.route == SQL_PRINT, sink, err);
	case SQL_SET:
		return settings_set(self->settings, statement.name, statement.value, err);
	case SQL_UNSET:
		if (!settings_unset(self->settings, statement.name))
			warn(sink, arena, "Property '%s' was not set.", statement.name);
		return OK;
	case SQL_DEFINE:
		remote_define(&self->client, statement.name, statement.value);
		return OK;
	case SQL_UNDEFINE:
		if (!undefine(self, statement.name))
			warn(sink, arena, "Cannot undefine variable '%s' which was never defined", statement.name);
		return OK;
	case SQL_SCRIPT:
		return run_script(self, statement.name, sink, err);
	default:
		return run_other(self, arena, sql, sink, err);
	}
}

/* Turns a place within the statement that begins at `start` into a place within the whole text. */
static void
place_in_text(Str sql, const char *start, Error *err)
{
	int lines = 0, column = 0;

	if (err->line <= 0)
		return;
	for (const char *c = sql.data; c < start; c++) {
		column = *c == '\n' ? 0 : column + 1;
		lines += *c == '\n';
	}
	if (err->line == 1)
		err->column += column;
	err->line += lines;
}

static Status
remote_execute(Client *client, Str sql, ResultSink *sink, Error *err)
{
	RemoteClient *self = (RemoteClient *)client;
	Str			  rest = sql;
	Status		  result = OK;

	self->cancelled = false;
	while (rest.length > 0) {
		const char *start = rest.data;
		Str			text = sql_next_statement(&rest);
		Arena		arena = {0};
		Error		this_error;

		if (run_statement(self, &arena, text, sink, &this_error) == FAILED) {
			place_in_text(sql, start, &this_error);
			if (self->on_error != NULL)
				self->on_error(self->on_error_context, &this_error, sql);
			if (result == OK)
				*err = this_error;
			result = FAILED;
		}
		arena_free(&arena);
		if (result == FAILED && (!self->keep_going || this_error.class == ERROR_INTERRUPTED))
			break;
	}
	return result;
}

static void
remote_cancel(Client *client)
{
	((RemoteClient *)client)->cancelled = true;
}

static void
remote_keep_going(Client *client, bool keep_going, void (*on_error)(void *context, const Error *err, Str sql), void *context)
{
	RemoteClient *self = (RemoteClient *)client;

	self->keep_going = keep_going;
	self->on_error = on_error;
	self->on_error_context = context;
}

/* ---- completion ---- */

typedef struct Names {
	const char *prefix;
	char	  **names;
	int			n;
	int			capacity;
} Names;

/* Every member "name" of the answer, at any depth: sources, columns, functions. */
static void
gather_names(Names *names, Arena *arena, const JsonValue *value)
{
	for (uint32_t i = 0; value->kind == JSON_ARRAY && i < value->n; i++)
		gather_names(names, arena, &value->elements[i]);
	for (uint32_t i = 0; value->kind == JSON_OBJECT && i < value->n; i++) {
		const JsonMember *member = &value->members[i];
		const char		 *text;

		gather_names(names, arena, &member->value);
		if (!str_equal(member->name, STR("name")) || member->value.kind != JSON_STRING)
			continue;
		text = str_to_arena(arena, member->value.text);
		if (strncasecmp(text, names->prefix, strlen(names->prefix)) != 0)
			continue;
		grow_array(names->names, names->n, names->capacity);
		names->names[names->n++] = xstrdup(text);
	}
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **
remote_complete(Client *client, const char *prefix)
{
	RemoteClient *self = (RemoteClient *)client;
	Arena		  arena = {0};
	Names		  names = {.prefix = prefix};
	JsonValue	  answer;
	Error		  ignored;
	int			  n = 0;

	self->cancelled = false;
	if (post(self, &arena, STR("DESCRIBE STREAMS; DESCRIBE TABLES; SHOW FUNCTIONS;"), &answer, &ignored) == OK)
		gather_names(&names, &arena, &answer);
	if (names.n > 0)
		qsort(names.names, (size_t)names.n, sizeof *names.names, compare_names);
	for (int i = 0; i < names.n; i++)
		if (n > 0 && strcmp(names.names[n - 1], names.names[i]) == 0)
			free(names.names[i]);
		else
			names.names[n++] = names.names[i];
	grow_array(names.names, n, names.capacity);
	names.names[n] = NULL;
	arena_free(&arena);
	return names.names;
}

/* ---- life ---- */

static void
remote_close(Client *client)
{
	RemoteClient *self = (RemoteClient *)client;

	client_http_close(self->http);
	settings_free(self->settings);
	for (int i = 0; i < 2 * self->n_variables; i++)
		free(self->variables[i]);
	free(self->variables);
	free(self);
}

static const ClientType remote_client_type = {
	.execute = remote_execute, .cancel = remote_cancel, .complete = remote_complete, .define = remote_define,
	.keep_going = remote_keep_going, .close = remote_close,
};

static void
copy_setting(const char *name, const char *value, void *context)
{
	Error ignored;

	settings_set(context, name, value, &ignored);
}

Status
remote_client_open(const RemoteOptions *options, Client **out, Error *err)
{
	RemoteClient *self = xcalloc(1, sizeof *self);

	self->client.type = &remote_client_type;
	self->last_command = -1;
	self->settings = settings_new(NULL);
	if (options->settings != NULL)
		settings_visit(options->settings, copy_setting, self->settings);
	if (client_http_open(options, &self->http, err) != OK) {
		settings_free(self->settings);
		free(self);
		return FAILED;
	}
	*out = &self->client;
	return OK;
}
