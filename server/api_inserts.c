/*
 * POST /inserts-stream: rows come as lines of the request's body while acknowledgements go out, each when its row is durable.
 *
 * Pieces of the body are queued by the loop and taken by one job on the pool at a time, which inserts all complete lines that have come
 * as one commit and acknowledges them; so many small rows share a commit, and a client that is ahead is held back by HTTP/2's window.
 */
#include <pthread.h>
#include <stdlib.h>

#include "server/server_impl.h"

typedef struct Inserts {
	_Atomic int		refs;		/* the watcher, the body, the job that runs */
	Request		   *request;
	HttpExchange   *exchange;
	bool			is_array;	/* acknowledgements as one JSON array */
	pthread_mutex_t lock;
	StrBuf			waiting;	/* of the body; under lock, as the next three */
	bool			body_ended;
	bool			is_running;
	bool			is_closed;
	/* Of the job. */
	StrBuf			text;		/* taken from waiting, from its first line that is not complete on */
	size_t			given;		/* bytes of the piece in hand */
	Session		   *session;
	RowInserter	   *inserter;
	int64_t			n_rows;
	bool			has_failed;
	StrBuf			out;
} Inserts;

static void
inserts_release(Inserts *in)
{
	if (--in->refs > 0)
		return;
	row_inserter_close(in->inserter);
	session_close(in->session);
	strbuf_free(&in->waiting);
	strbuf_free(&in->text);
	strbuf_free(&in->out);
	pthread_mutex_destroy(&in->lock);
	request_release(in->request);
	free(in);
}

/* ---- acknowledgements ---- */

static void
begin_answer(Inserts *in)
{
	if (http_has_begun(in->exchange))
		return;
	http_begin(in->exchange, 200, in->is_array ? JSON_TYPE : "application/vnd.ksqlapi.delimited.v1", NULL, 0);
	if (in->is_array)
		strbuf_add_char(&in->out, '[');
}

static void
add_line(Inserts *in, int64_t seq, int code, const char *message)
{
	if (in->is_array && seq > 0)
		strbuf_add_char(&in->out, ',');
	if (message == NULL)
		strbuf_printf(&in->out, "{\"status\":\"ok\",\"seq\":%lld}", (long long)seq);
	else {
		strbuf_printf(&in->out, "{\"status\":\"error\",\"seq\":%lld,\"error_code\":%d,\"message\":", (long long)seq, code);
		json_write_string(&in->out, str_of(message));
		strbuf_add_char(&in->out, '}');
	}
	if (!in->is_array)
		strbuf_add_char(&in->out, '\n');
}

static void
send_out(Inserts *in)
{
	if (in->out.length > 0)
		http_write_wait(in->exchange, strbuf_str(&in->out));
	strbuf_clear(&in->out);
}

static void
end_answer(Inserts *in)
{
	begin_answer(in);
	if (in->is_array)
		strbuf_add_char(&in->out, ']');
	send_out(in);
	http_finish(in->exchange);
}

static void
fail_row(Inserts *in, const Error *err)
{
	begin_answer(in);
	add_line(in, in->n_rows, 40000, err->message);
	in->has_failed = true;
	end_answer(in);
}

/* ---- lines ---- */

/* The first line: target and properties. */
static void
open_target(Inserts *in, Str line)
{
	Request	   *request = in->request;
	const char *target;
	Error		err;
	int			code = 40000;

	if (json_parse(&request->arena, str_make(str_to_arena(&request->arena, line), line.length), JSON_STRICT, &request->body, &err) == FAILED
		|| request->body.kind != JSON_OBJECT) {
		in->has_failed = true;
		answer_error(in->exchange, 40000, "The first line must be a JSON object with \"target\"");
		return;
	}
	target = json_text_of(&request->arena, &request->body, "target");
	if (target == NULL) {
		in->has_failed = true;
		answer_error(in->exchange, 40000, "Missing required field: \"target\"");
		return;
	}
	if (request_session(request, "properties", &in->session, &code, &err) != OK) {
		in->has_failed = true;
		answer_statement_error(in->exchange, code, &err, NULL, NULL);
		return;
	}
	if (row_inserter_open(in->session, target, &in->inserter, &err) != OK) {
		guard_told_inserts(request, target, FAILED, &err);
		in->has_failed = true;
		answer_statement_error(in->exchange, error_code_of(&err), &err, NULL, NULL);
		return;
	}
	guard_told_inserts(request, target, OK, NULL);
	/* The client may wait for the head before it sends rows. */
	begin_answer(in);
	send_out(in);
}

/* Commits what has been added and acknowledges it. */
static void
commit_rows(Inserts *in, int64_t n_added)
{
	Error err;

	if (n_added == 0 || in->has_failed)
		return;
	if (row_inserter_commit(in->inserter, &err) == FAILED) {
		fail_row(in, &err);
		return;
	}
	for (int64_t i = 0; i < n_added; i++)
		add_line(in, in->n_rows++, 0, NULL);
	send_out(in);
}

/* Complete lines of `text`; with is_end what is left over is a line too. */
static void
take_lines(Inserts *in, bool is_end)
{
	Str		rest = strbuf_str(&in->text);
	int64_t n_added = 0;

	while (!in->has_failed && rest.length > 0) {
		const char *newline = memchr(rest.data, '\n', rest.length);
		Str			line = newline != NULL ? str_make(rest.data, (size_t)(newline - rest.data)) : rest;
		Error		err;

		if (newline == NULL && !is_end)
			break;
		rest = str_make(rest.data + line.length + (newline != NULL), rest.length - line.length - (newline != NULL));
		line = str_trim(line);
		if (line.length == 0)
			continue;
		if (in->inserter == NULL)
			open_target(in, line);
		else if (row_inserter_add(in->inserter, line, &err) == OK)
			n_added++;
		else {
			commit_rows(in, n_added);
			n_added = 0;
			if (!in->has_failed)
				fail_row(in, &err);
		}
	}
	commit_rows(in, n_added);
	memmove(in->text.data, rest.data, rest.length);
	in->text.length = rest.length;
}

static void
run_inserts(void *context)
{
	Inserts *in = context;
	bool	 is_end;

	for (;;) {
		pthread_mutex_lock(&in->lock);
		in->given = in->waiting.length;
		is_end = in->body_ended;
		strbuf_add_str(&in->text, strbuf_str(&in->waiting));
		strbuf_clear(&in->waiting);
		in->is_running = (in->given > 0 || is_end) && !in->has_failed && !in->is_closed;
		if (!in->is_running) {
			pthread_mutex_unlock(&in->lock);
			break;
		}
		pthread_mutex_unlock(&in->lock);
		if (in->text.length > 0)
			take_lines(in, is_end);
		http_body_taken(in->exchange, in->given);
		if (is_end && !in->has_failed) {
			if (in->inserter == NULL)
				answer_error(in->exchange, 40000, "The request body is missing: its first line must be a JSON object with \"target\"");
			else
				end_answer(in);
			in->has_failed = true;
		}
	}
	inserts_release(in);
}

/* ---- the loop's side ---- */

static void
on_piece(void *context, HttpExchange *exchange, Str data, bool is_end)
{
	Inserts *in = context;
	bool	 starts;

	(void)exchange;
	pthread_mutex_lock(&in->lock);
	strbuf_add_str(&in->waiting, data);
	in->body_ended = in->body_ended || is_end;
	starts = !in->is_running;
	in->is_running = true;
	pthread_mutex_unlock(&in->lock);
	if (!starts)
		return;
	in->refs++;
	if (!request_run(in->request, run_inserts, in))
		inserts_release(in);
}

static void
on_closed(void *context, HttpExchange *exchange)
{
	Inserts *in = context;

	(void)exchange;
	pthread_mutex_lock(&in->lock);
	in->is_closed = true;
	pthread_mutex_unlock(&in->lock);
	inserts_release(in);
}

void
handle_inserts(Request *request)
{
	Str		 accept = http_header(request->exchange, "accept");
	Inserts *in;

	if (!http_is_http2(request->exchange)) {
		answer_error(request->exchange, 40004, "This endpoint is only available when using HTTP2");
		return;
	}
	in = xcalloc(1, sizeof *in);
	in->refs = 1;
	in->request = request;
	in->exchange = request->exchange;
	in->is_array = str_equal_nocase(str_trim(accept), STR(JSON_TYPE));
	pthread_mutex_init(&in->lock, NULL);
	request_hold(request);
	http_watch(request->exchange, on_closed, NULL, in);
	http_stream_body(request->exchange, on_piece, in);
}
