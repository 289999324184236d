/*
 * POST /ksql: statements that are not queries.  All are checked before any is executed; the answer is an array of entities.
 */
#include <pthread.h>
#include <stdlib.h>

#include "engine/redact.h"
#include "server/server_impl.h"

/* A command of the request, as the copy of the catalog told it beforehand. */
typedef struct Expected {
	int			statement;		/* its number in the request */
	const char *sql;
	const char *id;
} Expected;

/*
 * One request.  The answer is given by the thread that executes, or when a command takes too long by the one of deadlines, while execution goes
 * on: `lock` is for what both look at.
 */
typedef struct KsqlRun {
	ResultSink		sink;		/* first */
	Request		   *request;
	Session		   *session;
	Deadline		deadline;
	pthread_mutex_t lock;
	StrBuf			entities;	/* "[{...},{...}" */
	StrBuf			sql;		/* of the statement in hand */
	int				statement;	/* its number */
	bool			is_ksqldb;	/* its dialect */
	bool			is_answered;
	int				n_expected;
	int				expected_capacity;
	Expected	   *expected;	/* malloc'ed; texts are the request's */
} KsqlRun;

static void
begin_entity(KsqlRun *k, const char *kind, const char *sql)
{
	strbuf_add_text(&k->entities, k->entities.length > 1 ? ",{\"@type\":" : "{\"@type\":");
	json_write_string(&k->entities, str_of(kind));
	strbuf_add_text(&k->entities, ",\"statementText\":");
	json_write_string(&k->entities, str_of(sql));
}

static void
add_entity(KsqlRun *k, const char *kind, const char *sql, const JsonValue *value)
{
	begin_entity(k, kind, sql);
	for (uint32_t i = 0; value->kind == JSON_OBJECT && i < value->n; i++) {
		strbuf_add_char(&k->entities, ',');
		json_write_string(&k->entities, value->members[i].name);
		strbuf_add_char(&k->entities, ':');
		json_write(&k->entities, &value->members[i].value);
	}
	strbuf_add_text(&k->entities, ",\"warnings\":[]}");
}

/* Commands have the form in which ksqlDB keeps them, all others what was sent. */
static const char *
shown_text(const KsqlRun *k, Arena *arena, const char *kind)
{
	const char *sql = strbuf_text(&k->sql);

	return k->is_ksqldb && strcmp(kind, "currentStatus") == 0 ? redact_command(arena, sql) : redact_shown(arena, sql);
}

/* Not the request's arena: the answer may be in the hands of another thread. */
static void
ksql_entity(ResultSink *sink, const Entity *entity)
{
	KsqlRun *k = (KsqlRun *)sink;
	Arena	 arena = {0};

	pthread_mutex_lock(&k->lock);
	add_entity(k, entity->kind, shown_text(k, &arena, entity->kind), entity->value);
	pthread_mutex_unlock(&k->lock);
	arena_free(&arena);
}

/* Messages of the shell have no entity in ksqlDB's API; warnings have. */
static void
ksql_message(ResultSink *sink, const char *text, bool is_warning)
{
	Arena	  arena = {0};
	JsonValue object = json_object();

	if (is_warning) {
		json_add(&arena, &object, "message", json_string(text));
		ksql_entity(sink, &(Entity){.kind = "warning_entity", .value = &object});
	}
	arena_free(&arena);
}

static void
set_statement(StrBuf *out, Str sql)
{
	strbuf_clear(out);
	strbuf_add_str(out, str_trim(sql));
	if (!str_ends_with(strbuf_str(out), STR(";")))
		strbuf_add_char(out, ';');
}

static void
ksql_statement(ResultSink *sink, Str sql)
{
	KsqlRun *k = (KsqlRun *)sink;

	pthread_mutex_lock(&k->lock);
	set_statement(&k->sql, sql);
	k->is_ksqldb = !settings_standard(session_settings(k->session));
	k->statement++;
	pthread_mutex_unlock(&k->lock);
}

/* Rows come of statements that wrap a query (EXPLAIN ANALYZE, COPY): none is shown. */
static Status
ksql_begin(ResultSink *sink, const ResultHeader *header, Error *err)
{
	(void)sink;
	(void)header;
	(void)err;
	return OK;
}

static Status
ksql_rows(ResultSink *sink, const Batch *rows, Error *err)
{
	(void)sink;
	(void)rows;
	(void)err;
	return OK;
}

static void
ksql_end(ResultSink *sink, const ResultEnd *end)
{
	(void)sink;
	(void)end;
}

/* Proxies and clients' logs keep answers: secrets are masked as ksqlDB does. */
static const char *
text_at_fault(Request *request, Session *session)
{
	const char *text = session_statement_text(session);

	return text != NULL ? redact_shown(&request->arena, text) : NULL;
}

/* ---- what is to come, from the try on a copy ---- */

static void
expect_statement(ResultSink *sink, Str sql)
{
	KsqlRun *k = sink->context;

	/* The copy's session may SET another dialect: that is how the text is shown at most. */
	set_statement(&k->sql, sql);
	k->is_ksqldb = !settings_standard(session_settings(k->session));
	k->statement++;
}

static void
expect_entity(ResultSink *sink, const Entity *entity)
{
	KsqlRun			*k = sink->context;
	Arena			*arena = &k->request->arena;
	const JsonValue *id = json_member(entity->value, STR("commandId"));

	if (id == NULL || id->kind != JSON_STRING)
		return;
	grow_array(k->expected, k->n_expected, k->expected_capacity);
	k->expected[k->n_expected++] = (Expected){k->statement, arena_strdup(arena, shown_text(k, arena, "currentStatus")), str_to_arena(arena, id->text)};
}

static void
expect_message(ResultSink *sink, const char *text, bool is_warning)
{
	(void)sink;
	(void)text;
	(void)is_warning;
}

static Status
check_request(KsqlRun *k, Str sql, bool *not_here, Error *err)
{
	ResultSink tried = {.begin = ksql_begin, .rows = ksql_rows, .end = ksql_end, .entity = expect_entity, .message = expect_message,
						.statement = expect_statement, .context = k};
	Status	   status = session_check(k->session, sql, &tried, not_here, err);

	k->statement = 0;
	return status;
}

/* ---- answering ---- */

/* Says where the command in hand stands and that those behind it wait; they go on.  Nothing is said of statements that are no commands. */
static void
answer_unfinished(void *context)
{
	KsqlRun	 *k = context;
	Arena	  arena = {0};
	JsonValue object;

	pthread_mutex_lock(&k->lock);
	if (session_command_in_hand(k->session, &arena, &object)) {
		add_entity(k, "currentStatus", shown_text(k, &arena, "currentStatus"), &object);
		for (int i = 0; i < k->n_expected; i++) {
			if (k->expected[i].statement <= k->statement)
				continue;
			object = engine_queue_command(k->request->server->engine, k->expected[i].id, &arena);
			add_entity(k, "currentStatus", k->expected[i].sql, &object);
		}
		strbuf_add_char(&k->entities, ']');
		http_respond(k->request->exchange, 200, KSQL_TYPE, NULL, 0, strbuf_str(&k->entities));
		k->is_answered = true;
	} else
		deadline_begin(k->request->server->deadlines, &k->deadline);
	pthread_mutex_unlock(&k->lock);
	arena_free(&arena);
}

/* Those that were told to wait and now will not be executed. */
static void
fail_expected(KsqlRun *k, const Error *err)
{
	StrBuf message = {0};

	strbuf_printf(&message, "An earlier statement of the request failed: %s", err->message);
	for (int i = 0; i < k->n_expected; i++)
		if (k->expected[i].statement > k->statement)
			engine_set_command_status(k->request->server->engine, k->expected[i].id, "ERROR", strbuf_text(&message));
	strbuf_free(&message);
}

static void
answer_finished(KsqlRun *k, Status status, const Error *err)
{
	Request *request = k->request;

	if (k->is_answered) {
		if (status == FAILED)
			fail_expected(k, err);
		return;
	}
	strbuf_add_char(&k->entities, ']');
	if (status == FAILED)
		answer_statement_error(request->exchange, error_code_of(err), err, text_at_fault(request, k->session), strbuf_text(&k->entities));
	else
		http_respond(request->exchange, 200, KSQL_TYPE, NULL, 0, strbuf_str(&k->entities));
}

static Status
execute_in_time(KsqlRun *k, Str sql, Error *err)
{
	Deadlines *deadlines = k->request->server->deadlines;
	Status	   status;

	k->deadline = (Deadline){.passed = answer_unfinished, .context = k};
	deadline_begin(deadlines, &k->deadline);
	status = session_execute(k->session, sql, &k->sink, err);
	deadline_end(deadlines, &k->deadline);
	answer_finished(k, status, err);
	return status;
}

static void
execute_checked(Request *request, Session *session, Str sql)
{
	KsqlRun k = {.sink = {.begin = ksql_begin, .rows = ksql_rows, .end = ksql_end, .entity = ksql_entity, .message = ksql_message,
						  .statement = ksql_statement}, .request = request, .session = session};
	bool	not_here;
	Error	err;
	int		code = 0;
	Status	status = guard_statements(request, sql, &code, &err);

	pthread_mutex_init(&k.lock, NULL);
	strbuf_add_char(&k.entities, '[');
	if (status == FAILED)
		answer_statement_error(request->exchange, code, &err, NULL, NULL);
	else if ((status = check_request(&k, sql, &not_here, &err)) != OK)
		answer_statement_error(request->exchange, not_here ? 40002 : error_code_of(&err), &err, text_at_fault(request, session), NULL);
	else
		status = execute_in_time(&k, sql, &err);
	guard_told(request, sql, NULL, status, &err);
	pthread_mutex_destroy(&k.lock);
	strbuf_free(&k.entities);
	strbuf_free(&k.sql);
	free(k.expected);
}

static void
run_ksql(void *context)
{
	Request			*request = context;
	const JsonValue *text = json_member(&request->body, STR("ksql"));
	Session			*session = NULL;
	Error			 err;
	int				 code;

	if (text == NULL || text->kind != JSON_STRING)
		answer_error(request->exchange, 40000, "Missing required field: \"ksql\" must be a text with statements");
	else if (str_trim(text->text).length == 0)
		answer_error(request->exchange, 40000, "\"ksql\" field must be populated");
	else if (!request_wait_command(request))
		;
	else if (request_session(request, "streamsProperties", &session, &code, &err) != OK)
		answer_statement_error(request->exchange, code, &err, NULL, NULL);
	else
		execute_checked(request, session, text->text);
	session_close(session);
	request_release(request);
}

void
handle_ksql(Request *request)
{
	request_hold(request);
	if (!request_run(request, run_ksql, request))
		request_release(request);
}

/* ---- /ksql/terminate ---- */

static void
run_terminate(void *context)
{
	Request			*request = context;
	Server			*server = request->server;
	const JsonValue *patterns = json_member(&request->body, STR("deleteTopicList"));
	Error			 err;
	int				 n = patterns != NULL && patterns->kind == JSON_ARRAY ? (int)patterns->n : 0;
	const char	   **texts = arena_array(&request->arena, const char *, n + 1);

	for (int i = 0; i < n; i++)
		texts[i] = patterns->elements[i].kind == JSON_STRING ? str_to_arena(&request->arena, patterns->elements[i].text) : "";
	server->state = SERVER_TERMINATING;
	if (engine_terminate(server->engine, texts, n, &err) == FAILED) {
		server->state = SERVER_READY;
		answer_statement_error(request->exchange, err.class == ERROR_USER ? 40000 : 50000, &err, NULL, NULL);
	} else {
		/* First: who has the answer may ask again at once. */
		server->state = SERVER_TERMINATED;
		http_respond(request->exchange, 200, KSQL_TYPE, NULL, 0,
					 STR("[{\"@type\":\"currentStatus\",\"statementText\":\"TERMINATE CLUSTER;\",\"commandId\":\"cluster/TerminateCluster/terminate\","
						 "\"commandStatus\":{\"status\":\"SUCCESS\",\"message\":\"Cluster terminated\",\"queryId\":null},"
						 "\"commandSequenceNumber\":-1,\"warnings\":[]}]"));
		engine_set_command_status(server->engine, "cluster/TerminateCluster/terminate", "SUCCESS", "Cluster terminated");
		audit_operator(server->guard->log, "The cluster was terminated over /ksql/terminate");
	}
	request_release(request);
}

void
handle_terminate(Request *request)
{
	request_hold(request);
	if (!request_run(request, run_terminate, request))
		request_release(request);
}
