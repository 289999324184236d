/*
 * Queries: /query, /query-stream, /ws/query and /close-query.
 *
 * A query is begun on the pool.  A bounded one runs there and waits for its client; a push query goes to the engine's workers and holds
 * no thread: a client that is behind parks it (is_full), room resumes it (on_drained), leaving cancels it (on_closed).
 */
#include <pthread.h>
#include <stdlib.h>

#include "server/server_impl.h"

#define FLUSH_BYTES 8192		/* of a bounded query's rows that are sent together */

typedef struct QueryJob {
	ResultSink		sink;		/* first */
	_Atomic int		refs;		/* the exchange's watcher, and who runs the query */
	Request		   *request;
	HttpExchange   *exchange;
	RowWriter		writer;
	Session		   *session;	/* NULL once a live query has it */
	LiveQuery	   *live;
	const char	   *sql;
	pthread_mutex_t lock;		/* of live, is_closed */
	bool			is_closed;	/* the client has left */
	bool			is_push;
	bool			is_inline;	/* a look-up on the loop's thread: the answer is sent as one */
	bool			is_pull_of_table;
	bool			prints;		/* PRINT: the response has begun */
	bool			limit_reached;
	bool			has_slot;	/* within the limits of queries, until it ends */
	int64_t			n_rows;
	int64_t			n_bytes;	/* sent */
	Nanos			began;
	int				code;		/* of the error, where it is a special one; 0: by its class */
	StrBuf			out;
} QueryJob;

static void
job_release(QueryJob *job)
{
	if (--job->refs > 0)
		return;
	live_release(job->live);
	session_close(job->session);
	row_writer_free(&job->writer);
	strbuf_free(&job->out);
	pthread_mutex_destroy(&job->lock);
	request_release(job->request);
	free(job);
}

/* ---- rows on their way ---- */

static void
send_frame(void *context, Str text)
{
	QueryJob *job = context;

	http_write(job->exchange, text);
}

static void
send_out(QueryJob *job)
{
	job->n_bytes += (int64_t)job->out.length;
	if (job->out.length > 0 && job->is_push)
		http_write(job->exchange, strbuf_str(&job->out));
	else if (job->out.length > 0)
		http_write_wait(job->exchange, strbuf_str(&job->out));
	strbuf_clear(&job->out);
}

static void
hide_session(QueryJob *job)
{
	pthread_mutex_lock(&job->lock);
	job->session = NULL;
	pthread_mutex_unlock(&job->lock);
}

static Status
job_begin(ResultSink *sink, const ResultHeader *header, Error *err)
{
	QueryJob *job = (QueryJob *)sink;
	Limits	 *limits = job->request->server->guard->limits;

	job->code = header->is_continuous ? 40003 : 42900;
	if (!job->has_slot)
		TRY(header->is_continuous ? limits_begin_push(limits, job->request->user, err) : limits_begin_pull(limits, job->request->user, err));
	job->code = 0;
	job->has_slot = true;
	job->is_push = header->is_continuous;
	/* From here on the session belongs to the live query, which may end at any time. */
	if (job->is_push)
		hide_session(job);
	job->is_pull_of_table = header->is_pull;
	TRY(row_writer_begin(&job->writer, header, &job->out, err));
	if (job->writer.format != ROWS_FRAMES && !job->is_inline)
		http_begin(job->exchange, 200, row_format_type(job->writer.format), NULL, 0);
	if (job->is_push)
		send_out(job);
	return OK;
}

static Status
job_rows(ResultSink *sink, const Batch *rows, Error *err)
{
	QueryJob *job = (QueryJob *)sink;

	job->n_rows += rows->n_rows;
	TRY(row_writer_rows(&job->writer, rows, &job->out, err));
	if (job->is_push || (job->out.length >= FLUSH_BYTES && !job->is_inline))
		send_out(job);
	return http_is_closed(job->exchange) ? DONE : OK;
}

static void
job_end(ResultSink *sink, const ResultEnd *end)
{
	((QueryJob *)sink)->limit_reached = end->limit_reached;
}

/* PRINT goes on until its client leaves, and there may be nothing yet: the client learns at once that it is heard. */
static Status
job_printing(ResultSink *sink, Error *err)
{
	QueryJob *job = (QueryJob *)sink;

	job->code = 40003;
	TRY(limits_begin_print(job->request->server->guard->limits, job->request->user, err));
	job->code = 0;
	job->has_slot = job->prints = true;
	if (job->writer.format != ROWS_FRAMES)
		http_begin(job->exchange, 200, "text/plain; charset=utf-8", NULL, 0);
	return OK;
}

/* A line of PRINT. */
static void
job_entity(ResultSink *sink, const Entity *entity)
{
	QueryJob *job = (QueryJob *)sink;

	if (entity->value->kind != JSON_STRING)
		return;
	if (job->writer.format == ROWS_FRAMES) {
		http_write(job->exchange, entity->value->text);
		return;
	}
	strbuf_add_str(&job->out, entity->value->text);
	strbuf_add_char(&job->out, '\n');
	send_out(job);
}

static void
job_message(ResultSink *sink, const char *text, bool is_warning)
{
	(void)sink;
	(void)text;
	(void)is_warning;
}

/* ---- the end ---- */

static void
end_websocket(QueryJob *job, Status status, const Error *err)
{
	StrBuf text = {0};

	strbuf_add_text(&text, "{\"error\":");
	json_write_string(&text, status == FAILED ? str_of(err->message) : STR("done"));
	strbuf_add_char(&text, '}');
	http_write(job->exchange, strbuf_str(&text));
	strbuf_free(&text);
	if (status != FAILED)
		http_close_websocket(job->exchange, 1000, STR("done"));
	else
		http_close_websocket(job->exchange, error_code_of(err) < 50000 ? 1003 : 1011, str_of(err->message));
}

static const char *
final_message(const QueryJob *job)
{
	return job->is_pull_of_table ? NULL : job->limit_reached ? "Limit Reached" : "Query Completed";
}

/* For limits, figures and the audit log. */
static void
tell_end(QueryJob *job, Status status, const Error *err)
{
	Guard *guard = job->request->server->guard;
	bool   is_ok = status != FAILED || err->class == ERROR_INTERRUPTED;

	if (job->has_slot && job->prints)
		limits_end_print(guard->limits, job->request->user);
	else if (job->has_slot && job->is_push)
		limits_end_push(guard->limits, job->request->user);
	else if (job->has_slot)
		limits_end_pull(guard->limits, job->request->user, job->n_bytes + (int64_t)job->out.length);
	server_metrics_query(guard->metrics, job->is_push ? SERVER_PUSH : SERVER_PULL, is_ok, job->n_rows, nanos_now() - job->began);
	guard_told(job->request, str_of(job->sql), NULL, is_ok ? OK : status, err);
}

/* The query has ended; a client that was told nothing yet gets its error as status and body. */
static void
finish_job(QueryJob *job, Status status, const Error *err)
{
	bool was_ended = status == FAILED && err->class == ERROR_INTERRUPTED;

	tell_end(job, status, err);
	if (!job->writer.has_begun && !job->prints) {
		if (job->writer.format == ROWS_FRAMES)
			end_websocket(job, status, err);
		else if (status == FAILED)
			answer_statement_error(job->exchange, job->code != 0 ? job->code : error_code_of(err), err, job->sql, NULL);
		else
			http_respond(job->exchange, 200, "text/plain; charset=utf-8", NULL, 0, STR(""));
		return;
	}
	if (job->writer.has_begun) {
		StrBuf error = {0};

		if (status == FAILED && !was_ended)
			error_write(&error, error_code_of(err), err, NULL, NULL);
		row_writer_end(&job->writer, status == FAILED ? NULL : final_message(job), error.length > 0 ? strbuf_text(&error) : NULL, &job->out);
		strbuf_free(&error);
	}
	if (job->prints && status == FAILED && !was_ended && job->writer.format != ROWS_FRAMES) {
		error_write(&job->out, error_code_of(err), err, NULL, NULL);
		strbuf_add_char(&job->out, '\n');
	}
	if (job->is_inline) {
		http_respond(job->exchange, 200, row_format_type(job->writer.format), NULL, 0, strbuf_str(&job->out));
		return;
	}
	send_out(job);
	if (job->writer.format == ROWS_FRAMES)
		end_websocket(job, was_ended ? OK : status, err);
	else
		http_finish(job->exchange);
}

/* ---- push queries ---- */

static bool
job_is_full(void *context)
{
	QueryJob *job = context;

	return http_unsent(job->exchange) >= HTTP_HIGH_WATER;
}

static void
job_ended(void *context, Status status, const Error *err)
{
	QueryJob *job = context;

	finish_job(job, status, err);
	job_release(job);
}

/* On the loop's thread. */
static void
on_closed(void *context, HttpExchange *exchange)
{
	QueryJob *job = context;

	(void)exchange;
	pthread_mutex_lock(&job->lock);
	job->is_closed = true;
	if (job->live != NULL)
		live_cancel(job->live);
	else if (job->session != NULL)
		session_cancel(job->session);
	pthread_mutex_unlock(&job->lock);
	job_release(job);
}

static void
on_drained(void *context, HttpExchange *exchange)
{
	QueryJob *job = context;

	(void)exchange;
	pthread_mutex_lock(&job->lock);
	if (job->live != NULL)
		live_resume(job->live);
	pthread_mutex_unlock(&job->lock);
}

/* ---- running ---- */

static void
run_query(QueryJob *job)
{
	LiveOptions options = {.is_full = job_is_full, .ended = job_ended, .context = job};
	Session	   *session = job->session;
	LiveQuery  *live = NULL;
	Error		err;
	Status		status;

	/* The query's own reference: a live query may end before session_query has returned. */
	job->refs++;
	status = session_query(session, str_of(job->sql), &job->sink, &options, &live, &err);
	if (live == NULL) {
		hide_session(job);
		finish_job(job, status, &err);
		session_close(session);
		job_release(job);
		return;
	}
	pthread_mutex_lock(&job->lock);
	job->live = live;
	if (job->is_closed)
		live_cancel(live);
	pthread_mutex_unlock(&job->lock);
}

/* Members of the body that hold the statement and its properties. */
static const char *
text_member(const Request *request)
{
	return request->endpoint->handle == handle_query_stream ? "sql" : "ksql";
}

static const char *
properties_member(const Request *request)
{
	return request->endpoint->handle == handle_query_stream ? "properties" : "streamsProperties";
}

/* On the pool: job and request are whole. */
static void
run_job(void *context)
{
	QueryJob		*job = context;
	Request			*request = job->request;
	const char		*member = text_member(request);
	const JsonValue *text = json_member(&request->body, str_of(member));
	Session			*session = NULL;
	Error			 err;
	int				 code = 40000;

	if (text == NULL || text->kind != JSON_STRING || str_trim(text->text).length == 0)
		error_user(&err, "Missing required field: \"%s\" must be a text with one statement", member);
	else if (strcmp(member, "ksql") == 0 && !request_wait_command(request)) {
		job_release(job);
		return;
	} else if (request_session(request, properties_member(request), &session, &code, &err) == OK) {
		pthread_mutex_lock(&job->lock);
		job->session = session;
		pthread_mutex_unlock(&job->lock);
		job->sql = str_to_arena(&request->arena, text->text);
		run_query(job);
		job_release(job);
		return;
	}
	if (job->writer.format == ROWS_FRAMES)
		end_websocket(job, FAILED, &err);
	else
		answer_statement_error(request->exchange, code, &err, NULL, NULL);
	job_release(job);
}

static QueryJob *
job_new(Request *request, RowFormat format)
{
	QueryJob *job = xcalloc(1, sizeof *job);

	job->sink = (ResultSink){.begin = job_begin, .rows = job_rows, .end = job_end, .entity = job_entity, .message = job_message, .printing = job_printing};
	job->refs = 2;
	job->began = nanos_now();
	job->request = request;
	job->exchange = request->exchange;
	pthread_mutex_init(&job->lock, NULL);
	row_writer_init(&job->writer, format);
	job->writer.frame = send_frame;
	job->writer.frame_context = job;
	return job;
}

/*
 * A look-up of a few keys is done before a thread of the pool would have woken up.  On the loop's thread.  False: it is none, and nothing has
 * happened.
 */
static bool
run_lookup(QueryJob *job)
{
	Request			*request = job->request;
	const char		*member = text_member(request);
	const JsonValue *text = json_member(&request->body, str_of(member));
	Session			*session = NULL;
	bool			 done = false;
	int				 code;
	Error			 err;
	Status			 status;

	if (job->writer.format == ROWS_FRAMES || text == NULL || text->kind != JSON_STRING
		|| json_member(&request->body, STR("commandSequenceNumber")) != NULL
		|| request_session(request, properties_member(request), &session, &code, &err) != OK)
		return false;
	job->is_inline = true;
	job->sql = str_to_arena(&request->arena, text->text);
	status = session_lookup(session, text->text, &job->sink, &done, &err);
	if (done)
		finish_job(job, status, &err);
	job->is_inline = false;
	session_close(session);
	return done;
}

static void
start_job(Request *request, RowFormat format)
{
	QueryJob *job = job_new(request, format);

	request_hold(request);
	if (run_lookup(job)) {
		job->refs = 1;
		job_release(job);
		return;
	}
	http_watch(request->exchange, on_closed, on_drained, job);
	if (!request_run(request, run_job, job))
		job_release(job);
}

/* ---- which encoding ---- */

typedef struct AcceptRow {
	const char *type;
	RowFormat	query_stream;
	RowFormat	query;
} AcceptRow;

static const AcceptRow accept_rows[] = {
	{"application/vnd.ksqlapi.delimited.v1", ROWS_DELIMITED, ROWS_DELIMITED},
	{"application/json", ROWS_ARRAY, ROWS_OBJECTS},
	{"application/vnd.ksql.v1+json", ROWS_OBJECTS, ROWS_OBJECTS},
	{"application/vnd.ksql.v1+protobuf", ROWS_PROTOBUF, ROWS_PROTOBUF},
};

/* The first of the Accept list that is known; false: none is. */
static bool
choose_format(Request *request, bool is_query_stream, RowFormat *out)
{
	Str accept = http_header(request->exchange, "accept");

	*out = is_query_stream ? ROWS_DELIMITED : ROWS_OBJECTS;
	if (str_trim(accept).length == 0)
		return true;
	while (accept.length > 0) {
		const char *comma = memchr(accept.data, ',', accept.length);
		Str			item = comma != NULL ? str_make(accept.data, (size_t)(comma - accept.data)) : accept;
		const char *semicolon = memchr(item.data, ';', item.length);
		Str			type = str_trim(semicolon != NULL ? str_make(item.data, (size_t)(semicolon - item.data)) : item);

		for (size_t i = 0; i < sizeof accept_rows / sizeof *accept_rows; i++)
			if (str_equal_nocase(type, str_of(accept_rows[i].type))) {
				*out = is_query_stream ? accept_rows[i].query_stream : accept_rows[i].query;
				return true;
			}
		if (str_equal(type, STR("*/*")) || str_equal_nocase(type, STR("application/*")))
			return true;
		accept = comma != NULL ? str_make(comma + 1, accept.length - item.length - 1) : STR("");
	}
	return false;
}

static void
handle_either(Request *request, bool is_query_stream)
{
	RowFormat format;

	if (!choose_format(request, is_query_stream, &format)) {
		answer_error(request->exchange, 40600, "None of the accepted content types can be given: application/vnd.ksqlapi.delimited.v1, "
					 "application/json, application/vnd.ksql.v1+json, application/vnd.ksql.v1+protobuf");
		return;
	}
	start_job(request, format);
}

void
handle_query(Request *request)
{
	handle_either(request, false);
}

void
handle_query_stream(Request *request)
{
	handle_either(request, true);
}

/* ---- WebSocket ---- */

void
handle_websocket(Request *request)
{
	StrBuf text = {0};
	Error  err;

	if (!http_wants_websocket(request->exchange)) {
		answer_error(request->exchange, 40000, "This endpoint speaks WebSocket (version 13) only");
		return;
	}
	http_accept_websocket(request->exchange);
	if (!http_query_parameter(http_query(request->exchange), "request", &text)
		|| json_parse(&request->arena, str_make(str_to_arena(&request->arena, strbuf_str(&text)), text.length), 0, &request->body, &err) == FAILED
		|| request->body.kind != JSON_OBJECT) {
		http_write(request->exchange, STR("{\"error\":\"the parameter request must be a JSON object\"}"));
		http_close_websocket(request->exchange, 1003, STR("the parameter request must be a JSON object"));
	} else
		start_job(request, ROWS_FRAMES);
	strbuf_free(&text);
}

/* ---- closing ---- */

void
handle_close_query(Request *request)
{
	const char *id = json_text_of(&request->arena, &request->body, "queryId");
	/* Who may TERMINATE may end any, others their own. */
	const char *owner = request->role >= ROLE_WRITE ? NULL : request->user;

	if (id == NULL)
		answer_error(request->exchange, 40000, "Missing required field: \"queryId\"");
	else if (engine_live_cancel(request->server->engine, id, owner))
		http_respond(request->exchange, 200, NULL, NULL, 0, STR(""));
	else
		answer_error(request->exchange, 40000, "No query with id %s", id);
}
