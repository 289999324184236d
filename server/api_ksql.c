/*
 * POST /ksql: statements that are not queries.  All are checked before any is executed; the answer is an array of entities.
 */
#include <stdlib.h>

#include "engine/redact.h"
#include "server/server_impl.h"

typedef struct KsqlSink {
	ResultSink sink;			/* first */
	Arena	  *arena;			/* of the request */
	StrBuf	   entities;		/* "[{...},{...}" */
	StrBuf	   sql;				/* of the statement in hand */
} KsqlSink;

static void
begin_entity(KsqlSink *k, const char *kind)
{
	strbuf_add_text(&k->entities, k->entities.length > 1 ? ",{\"@type\":" : "{\"@type\":");
	json_write_string(&k->entities, str_of(kind));
	strbuf_add_text(&k->entities, ",\"statementText\":");
	json_write_string(&k->entities, str_of(redact_shown(k->arena, strbuf_text(&k->sql))));
}

static void
ksql_entity(ResultSink *sink, const Entity *entity)
{
	KsqlSink *k = (KsqlSink *)sink;

	begin_entity(k, entity->kind);
	for (uint32_t i = 0; entity->value->kind == JSON_OBJECT && i < entity->value->n; i++) {
		strbuf_add_char(&k->entities, ',');
		json_write_string(&k->entities, entity->value->members[i].name);
		strbuf_add_char(&k->entities, ':');
		json_write(&k->entities, &entity->value->members[i].value);
	}
	strbuf_add_text(&k->entities, ",\"warnings\":[]}");
}

/* Messages of the shell have no entity in ksqlDB's API; warnings have. */
static void
ksql_message(ResultSink *sink, const char *text, bool is_warning)
{
	KsqlSink *k = (KsqlSink *)sink;

	if (!is_warning)
		return;
	begin_entity(k, "warning_entity");
	strbuf_add_text(&k->entities, ",\"message\":");
	json_write_string(&k->entities, str_of(text));
	strbuf_add_text(&k->entities, ",\"warnings\":[]}");
}

static void
ksql_statement(ResultSink *sink, Str sql)
{
	KsqlSink *k = (KsqlSink *)sink;

	strbuf_clear(&k->sql);
	strbuf_add_str(&k->sql, str_trim(sql));
	if (!str_ends_with(strbuf_str(&k->sql), STR(";")))
		strbuf_add_char(&k->sql, ';');
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

static void
execute_checked(Request *request, Session *session, Str sql)
{
	KsqlSink k = {.sink = {.begin = ksql_begin, .rows = ksql_rows, .end = ksql_end, .entity = ksql_entity, .message = ksql_message,
						   .statement = ksql_statement}, .arena = &request->arena};
	bool	 not_here;
	Error	 err;

	int		 code = 0;
	Status	 status = guard_statements(request, sql, &code, &err);

	strbuf_add_char(&k.entities, '[');
	if (status == FAILED)
		answer_statement_error(request->exchange, code, &err, NULL, NULL);
	else if ((status = session_check(session, sql, &not_here, &err)) != OK)
		answer_statement_error(request->exchange, not_here ? 40002 : error_code_of(&err), &err, text_at_fault(request, session), NULL);
	else if ((status = session_execute(session, sql, &k.sink, &err)) == FAILED) {
		strbuf_add_char(&k.entities, ']');
		answer_statement_error(request->exchange, error_code_of(&err), &err, text_at_fault(request, session), strbuf_text(&k.entities));
	} else {
		strbuf_add_char(&k.entities, ']');
		http_respond(request->exchange, 200, KSQL_TYPE, NULL, 0, strbuf_str(&k.entities));
	}
	guard_told(request, sql, NULL, status, &err);
	strbuf_free(&k.entities);
	strbuf_free(&k.sql);
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
