/*
 * Exchanges: what handlers see.  The response side is under the exchange's lock, because a producer writes it from any thread
 * while the loop sends.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http_impl.h"

HttpExchange *
exchange_new(Connection *c)
{
	HttpExchange *e = xcalloc(1, sizeof *e);

	e->refs = 1;
	e->server = c->server;
	e->connection = c;
	memcpy(e->peer, c->peer, sizeof e->peer);
	e->is_tls = c->tls != NULL;
	e->peer_name = c->tls != NULL && c->tls->peer_name != NULL ? arena_strdup(&e->arena, c->tls->peer_name(c->tls_session)) : NULL;
	e->began = nanos_now();
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->drained, NULL);
	return e;
}

void
http_hold(HttpExchange *e)
{
	e->refs++;
}

void
http_release(HttpExchange *e)
{
	if (--e->refs > 0)
		return;
	pthread_mutex_destroy(&e->lock);
	pthread_cond_destroy(&e->drained);
	strbuf_free(&e->body);
	strbuf_free(&e->head);
	strbuf_free(&e->out);
	strbuf_free(&e->close_reason);
	free(e->headers);
	arena_free(&e->arena);
	free(e);
}

/* ---- the request ---- */

void
exchange_add_header(HttpExchange *e, Str name, Str value)
{
	char *lower = str_to_arena(&e->arena, name);

	for (char *c = lower; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	grow_array(e->headers, e->n_headers, e->header_capacity);
	e->headers[e->n_headers].name = str_make(lower, name.length);
	e->headers[e->n_headers++].value = str_make(str_to_arena(&e->arena, value), value.length);
	e->header_bytes += name.length + value.length + 32;
}

void
exchange_set_target(HttpExchange *e, Str target)
{
	const char *copy = str_to_arena(&e->arena, target);
	const char *scheme = memmem(copy, target.length, "://", 3);
	const char *question;
	Str			rest = str_make(copy, target.length);

	/* The absolute form, which proxies use. */
	if (target.length > 0 && copy[0] != '/' && scheme != NULL) {
		const char *slash = memchr(scheme + 3, '/', target.length - (size_t)(scheme + 3 - copy));

		rest = slash != NULL ? str_make(slash, target.length - (size_t)(slash - copy)) : STR("/");
	}
	question = memchr(rest.data, '?', rest.length);
	e->path = question != NULL ? str_make(rest.data, (size_t)(question - rest.data)) : rest;
	e->query = question != NULL ? str_make(question + 1, rest.length - e->path.length - 1) : STR("");
}

Str
http_method(const HttpExchange *e)
{
	return e->method;
}

Str
http_path(const HttpExchange *e)
{
	return e->path;
}

Str
http_query(const HttpExchange *e)
{
	return e->query;
}

Str
http_header(const HttpExchange *e, const char *name)
{
	Str wanted = str_of(name);

	for (int i = 0; i < e->n_headers; i++)
		if (str_equal(e->headers[i].name, wanted))
			return e->headers[i].value;
	return (Str){0};
}

bool
http_is_http2(const HttpExchange *e)
{
	return e->is_http2;
}

bool
http_is_tls(const HttpExchange *e)
{
	return e->is_tls;
}

const char *
http_peer(const HttpExchange *e)
{
	return e->peer;
}

const char *
http_peer_name(const HttpExchange *e)
{
	return e->peer_name;
}

Nanos
http_began(const HttpExchange *e)
{
	return e->began;
}

void
http_set_state(HttpExchange *e, void *state)
{
	e->state = state;
}

void *
http_state(const HttpExchange *e)
{
	return e->state;
}

/* ---- the request's body ---- */

/* Whoever collects the body learns that it will not come. */
static void
give_up_body(HttpExchange *e)
{
	void (*done)(void *, HttpExchange *, Str) = e->body_mode == BODY_COLLECT ? e->body_done : NULL;

	e->body_done = NULL;
	if (done != NULL)
		done(e->body_context, e, (Str){0});
}

static void
body_complete(HttpExchange *e)
{
	void (*done)(void *, HttpExchange *, Str) = e->body_done;

	e->body_done = NULL;
	if (done != NULL)
		done(e->body_context, e, strbuf_str(&e->body));
}

static void
refuse_body(HttpExchange *e)
{
	static const char text[] = "{\"@type\":\"generic_error\",\"error_code\":41300,\"message\":\"The request body is too large\"}";

	strbuf_free(&e->body);
	http_respond(e, 413, "application/json", NULL, 0, STR(text));
	give_up_body(e);
	e->body_mode = BODY_DISCARD;
}

void
exchange_body(HttpExchange *e, Str data)
{
	switch (e->body_mode) {
	case BODY_UNDECIDED:
	case BODY_DISCARD:
		e->discarded += data.length;
		break;
	case BODY_HELD:
		e->body_given += data.length;
		strbuf_add_str(&e->body, data);
		break;
	case BODY_COLLECT:
		if (e->body.length + data.length > e->body_limit)
			refuse_body(e);
		else
			strbuf_add_str(&e->body, data);
		break;
	case BODY_STREAM:
		e->body_given += data.length;
		e->body_piece(e->body_context, e, data, false);
		break;
	}
}

void
exchange_body_end(HttpExchange *e)
{
	if (e->body_ended)
		return;
	e->body_ended = true;
	if (e->body_mode == BODY_COLLECT)
		body_complete(e);
	else if (e->body_mode == BODY_STREAM)
		e->body_piece(e->body_context, e, STR(""), true);
}

void
http_collect_body(HttpExchange *e, size_t limit, void (*done)(void *context, HttpExchange *exchange, Str body), void *context)
{
	Str	   length = http_header(e, "content-length");

	e->body_mode = BODY_COLLECT;
	e->body_limit = limit;
	e->body_done = done;
	e->body_context = context;
	if (length.data != NULL && strtoull(length.data, NULL, 10) > limit)
		refuse_body(e);
	else if (e->body.length > limit)
		refuse_body(e);
	else if (e->body_ended)
		body_complete(e);
	else if (e->connection == NULL)
		give_up_body(e);
	server_wake(e);
}

void
http_stream_body(HttpExchange *e, void (*piece)(void *context, HttpExchange *exchange, Str data, bool is_end), void *context)
{
	e->body_mode = BODY_STREAM;
	e->body_piece = piece;
	e->body_context = context;
	if (e->body.length > 0)
		piece(context, e, strbuf_str(&e->body), false);
	if (e->body_ended)
		piece(context, e, STR(""), true);
	server_wake(e);
}

void
http_delay_body(HttpExchange *e)
{
	e->body_mode = BODY_HELD;
}

void
http_body_taken(HttpExchange *e, size_t n)
{
	e->body_taken += n;
	server_wake(e);
}

size_t
exchange_body_room(HttpExchange *e)
{
	size_t taken = e->body_mode == BODY_HELD ? 0 : e->body_mode == BODY_STREAM ? e->body_taken : e->body_given;
	size_t room = taken - e->body_told;

	e->body_told = taken;
	return room;
}

/* ---- the response ---- */

static void
add_head(HttpExchange *e, const char *name, const char *value)
{
	strbuf_add(&e->head, name, strlen(name) + 1);
	strbuf_add(&e->head, value, strlen(value) + 1);
}

/* Under the lock.  False: too late. */
static bool
begin_locked(HttpExchange *e, int status, const char *content_type, const HttpHeader *headers, int n_headers)
{
	if (e->status != 0 || e->is_closed)
		return false;
	e->status = status;
	if (content_type != NULL)
		add_head(e, "content-type", content_type);
	for (int i = 0; i < n_headers; i++)
		add_head(e, headers[i].name, headers[i].value);
	return true;
}

void
http_add_header(HttpExchange *e, const char *name, const char *value)
{
	pthread_mutex_lock(&e->lock);
	if (e->status == 0)
		add_head(e, name, value);
	pthread_mutex_unlock(&e->lock);
}

void
http_begin(HttpExchange *e, int status, const char *content_type, const HttpHeader *headers, int n_headers)
{
	pthread_mutex_lock(&e->lock);
	begin_locked(e, status, content_type, headers, n_headers);
	pthread_mutex_unlock(&e->lock);
	server_wake(e);
}

void
http_respond(HttpExchange *e, int status, const char *content_type, const HttpHeader *headers, int n_headers, Str body)
{
	char length[32];

	pthread_mutex_lock(&e->lock);
	if (begin_locked(e, status, content_type, headers, n_headers)) {
		snprintf(length, sizeof length, "%zu", body.length);
		add_head(e, "content-length", length);
		e->has_length = true;
		if (!e->is_head)
			strbuf_add_str(&e->out, body);
		e->is_finished = true;
	}
	pthread_mutex_unlock(&e->lock);
	server_wake(e);
}

static void
write_locked(HttpExchange *e, Str data)
{
	uint32_t length = (uint32_t)data.length;

	if (e->is_closed || e->is_finished || (data.length == 0 && !e->is_websocket))
		return;
	if (e->is_websocket)
		strbuf_add(&e->out, &length, sizeof length);
	strbuf_add_str(&e->out, data);
	if (e->out.length - e->out_taken >= HTTP_HIGH_WATER)
		e->is_full = true;
}

void
http_write(HttpExchange *e, Str data)
{
	pthread_mutex_lock(&e->lock);
	write_locked(e, data);
	pthread_mutex_unlock(&e->lock);
	server_wake(e);
}

bool
http_write_wait(HttpExchange *e, Str data)
{
	bool is_open;

	pthread_mutex_lock(&e->lock);
	while (!e->is_closed && e->out.length - e->out_taken >= HTTP_HIGH_WATER) {
		e->is_full = true;
		pthread_cond_wait(&e->drained, &e->lock);
	}
	is_open = !e->is_closed;
	write_locked(e, data);
	pthread_mutex_unlock(&e->lock);
	server_wake(e);
	return is_open;
}

size_t
http_unsent(const HttpExchange *e)
{
	HttpExchange *self = (HttpExchange *)e;
	size_t		  n;

	pthread_mutex_lock(&self->lock);
	n = e->out.length - e->out_taken;
	if (n >= HTTP_HIGH_WATER)
		self->is_full = true;
	pthread_mutex_unlock(&self->lock);
	return n;
}

void
http_finish(HttpExchange *e)
{
	pthread_mutex_lock(&e->lock);
	e->is_finished = true;
	pthread_mutex_unlock(&e->lock);
	server_wake(e);
}

bool
exchange_is_finished(HttpExchange *e)
{
	bool is_finished;

	pthread_mutex_lock(&e->lock);
	is_finished = e->is_finished;
	pthread_mutex_unlock(&e->lock);
	return is_finished;
}

void
http_abort(HttpExchange *e)
{
	pthread_mutex_lock(&e->lock);
	e->is_aborted = true;
	pthread_mutex_unlock(&e->lock);
	server_wake(e);
}

bool
http_has_begun(const HttpExchange *e)
{
	HttpExchange *self = (HttpExchange *)e;
	bool		  begun;

	pthread_mutex_lock(&self->lock);
	begun = e->status != 0;
	pthread_mutex_unlock(&self->lock);
	return begun;
}

bool
http_is_closed(const HttpExchange *e)
{
	HttpExchange *self = (HttpExchange *)e;
	bool		  closed;

	pthread_mutex_lock(&self->lock);
	closed = e->is_closed;
	pthread_mutex_unlock(&self->lock);
	return closed;
}

/* ---- WebSocket ---- */

static bool
has_token(Str list, const char *token)
{
	size_t n = strlen(token);

	for (size_t i = 0; i + n <= list.length; i++)
		if (strncasecmp(list.data + i, token, n) == 0)
			return true;
	return false;
}

bool
http_wants_websocket(const HttpExchange *e)
{
	return !e->is_http2 && str_equal(e->method, STR("GET")) && has_token(http_header(e, "upgrade"), "websocket")
		   && has_token(http_header(e, "connection"), "upgrade") && str_equal(http_header(e, "sec-websocket-version"), STR("13"))
		   && http_header(e, "sec-websocket-key").length == 24;
}

void
http_accept_websocket(HttpExchange *e)
{
	pthread_mutex_lock(&e->lock);
	if (e->status == 0 && !e->is_closed) {
		e->status = 101;
		e->is_websocket = true;
	}
	pthread_mutex_unlock(&e->lock);
	server_wake(e);
}

void
http_close_websocket(HttpExchange *e, int code, Str reason)
{
	size_t n = reason.length;

	if (n > 123) {
		/* Not within a character. */
		for (n = 120; n > 0 && ((unsigned char)reason.data[n] & 0xC0) == 0x80; n--)
			;
		pthread_mutex_lock(&e->lock);
		strbuf_add(&e->close_reason, reason.data, n);
		strbuf_add_text(&e->close_reason, "...");
	} else {
		pthread_mutex_lock(&e->lock);
		strbuf_add_str(&e->close_reason, reason);
	}
	e->close_code = code;
	e->is_finished = true;
	pthread_mutex_unlock(&e->lock);
	server_wake(e);
}

/* ---- what connections do with it ---- */

size_t
exchange_take(HttpExchange *e, void *buffer, size_t n)
{
	size_t waiting = e->out.length - e->out_taken;

	n = n < waiting ? n : waiting;
	if (n == 0)
		return 0;
	memcpy(buffer, e->out.data + e->out_taken, n);
	e->out_taken += n;
	e->bytes_sent += (int64_t)n;
	if (e->out_taken == e->out.length) {
		/* A buffer that a burst has made large is not kept by each of many quiet streams. */
		if (e->out.capacity > HTTP_LOW_WATER)
			strbuf_free(&e->out);
		strbuf_clear(&e->out);
		e->out_taken = 0;
	}
	return n;
}

void
exchange_take_all(HttpExchange *e, StrBuf *out)
{
	size_t n = e->out.length - e->out_taken;

	strbuf_reserve(out, n);
	out->length += exchange_take(e, out->data + out->length, n);
	out->data[out->length] = '\0';
}

void
exchange_tell_drained(HttpExchange *e)
{
	void (*told)(void *, HttpExchange *) = NULL;

	pthread_mutex_lock(&e->lock);
	if (e->is_full && e->out.length - e->out_taken < HTTP_LOW_WATER) {
		e->is_full = false;
		told = e->on_drained;
		pthread_cond_broadcast(&e->drained);
	}
	pthread_mutex_unlock(&e->lock);
	if (told != NULL)
		told(e->watch_context, e);
}

void
http_watch(HttpExchange *e, void (*on_closed)(void *, HttpExchange *), void (*on_drained)(void *, HttpExchange *), void *context)
{
	bool is_closed;

	pthread_mutex_lock(&e->lock);
	e->on_closed = on_closed;
	e->on_drained = on_drained;
	e->watch_context = context;
	is_closed = e->is_closed && !e->told_closed;
	e->told_closed = e->told_closed || is_closed;
	pthread_mutex_unlock(&e->lock);
	if (is_closed && on_closed != NULL)
		on_closed(context, e);
}

void
exchange_done(HttpExchange *e)
{
	void (*told)(void *, HttpExchange *) = NULL;

	pthread_mutex_lock(&e->lock);
	e->is_closed = true;
	if (e->on_closed != NULL && !e->told_closed) {
		e->told_closed = true;
		told = e->on_closed;
	}
	strbuf_free(&e->out);
	e->out_taken = 0;
	pthread_cond_broadcast(&e->drained);
	pthread_mutex_unlock(&e->lock);
	e->connection = NULL;
	give_up_body(e);
	if (told != NULL)
		told(e->watch_context, e);
	if (e->server->options.finished != NULL)
		e->server->options.finished(e->server->options.context, e, e->status, nanos_now() - e->began, e->bytes_sent);
	http_release(e);
}

/* ---- texts ---- */

const char *
http_status_text(int status)
{
	static const struct { int status; const char *text; } rows[] = {
		{100, "Continue"}, {101, "Switching Protocols"}, {200, "OK"}, {204, "No Content"}, {307, "Temporary Redirect"},
		{400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"},
		{406, "Not Acceptable"}, {408, "Request Timeout"}, {413, "Content Too Large"}, {417, "Expectation Failed"},
		{421, "Misdirected Request"}, {428, "Precondition Required"}, {429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"}, {500, "Internal Server Error"}, {503, "Service Unavailable"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].status == status)
			return rows[i].text;
	return "Status";
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool
http_percent_decode(Str text, bool plus_is_space, StrBuf *out)
{
	for (size_t i = 0; i < text.length; i++) {
		char c = text.data[i];

		if (c == '%') {
			int high = i + 2 < text.length ? hex_digit(text.data[i + 1]) : -1;
			int low = i + 2 < text.length ? hex_digit(text.data[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus_is_space)
			c = ' ';
		if (c == '\0')
			return false;
		strbuf_add_char(out, c);
	}
	return true;
}

bool
http_query_parameter(Str query, const char *name, StrBuf *out)
{
	Str wanted = str_of(name);

	while (query.length > 0) {
		const char *end = memchr(query.data, '&', query.length);
		Str			pair = end != NULL ? str_make(query.data, (size_t)(end - query.data)) : query;
		const char *equals = memchr(pair.data, '=', pair.length);
		Str			key = equals != NULL ? str_make(pair.data, (size_t)(equals - pair.data)) : pair;

		if (str_equal(key, wanted))
			return http_percent_decode(equals != NULL ? str_make(equals + 1, pair.length - key.length - 1) : STR(""), true, out);
		query = end != NULL ? str_make(end + 1, query.length - pair.length - 1) : STR("");
	}
	return false;
}
