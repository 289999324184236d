/*
 * HTTP/1.1 (RFC 9112): one exchange at a time on a connection; what comes behind it waits.  The head and the framing of bodies are
 * libhttp_parser's business, in its strict form.
 */
#include <http_parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http_impl.h"

typedef struct Http1 {
	http_parser	  parser;
	HttpExchange *exchange;			/* NULL: between requests */
	StrBuf		  target;
	StrBuf		  name;				/* of the header being read */
	StrBuf		  value;
	bool		  in_value;
	bool		  keeps_alive;
	bool		  head_sent;
	bool		  is_chunked;
	bool		  request_ended;
	bool		  too_large;		/* the head */
} Http1;

static Connection *
connection_of(http_parser *parser)
{
	return parser->data;
}

static Http1 *
http1_of(http_parser *parser)
{
	return connection_of(parser)->protocol;
}

/* ---- the request ---- */

static int
on_begin(http_parser *parser)
{
	Http1 *h = http1_of(parser);

	h->exchange = exchange_new(connection_of(parser));
	connection_of(parser)->head_since = nanos_now();
	h->head_sent = h->request_ended = h->is_chunked = h->in_value = h->too_large = false;
	strbuf_clear(&h->target);
	strbuf_clear(&h->name);
	strbuf_clear(&h->value);
	return 0;
}

/* Not zero (an error of the parser) when the head has grown too large. */
static int
check_head(http_parser *parser)
{
	Http1 *h = http1_of(parser);

	h->too_large = h->exchange->header_bytes + h->target.length + h->name.length + h->value.length
				   > connection_of(parser)->server->options.max_header_bytes;
	return h->too_large ? 1 : 0;
}

static int
on_url(http_parser *parser, const char *at, size_t n)
{
	strbuf_add(&http1_of(parser)->target, at, n);
	return check_head(parser);
}

static void
end_header(Http1 *h)
{
	if (h->in_value)
		exchange_add_header(h->exchange, strbuf_str(&h->name), strbuf_str(&h->value));
	if (h->in_value) {
		strbuf_clear(&h->name);
		strbuf_clear(&h->value);
	}
	h->in_value = false;
}

static int
on_header_name(http_parser *parser, const char *at, size_t n)
{
	Http1 *h = http1_of(parser);

	/* Trailers are read and dropped. */
	if (h->exchange->method.length > 0)
		return 0;
	end_header(h);
	strbuf_add(&h->name, at, n);
	return check_head(parser);
}

static int
on_header_value(http_parser *parser, const char *at, size_t n)
{
	Http1 *h = http1_of(parser);

	if (h->exchange->method.length > 0)
		return 0;
	h->in_value = true;
	strbuf_add(&h->value, at, n);
	return check_head(parser);
}

static int
on_head(http_parser *parser)
{
	Connection	 *c = connection_of(parser);
	Http1		 *h = c->protocol;
	HttpExchange *e = h->exchange;
	const char	 *method = http_method_str((enum http_method)parser->method);

	end_header(h);
	c->head_since = 0;
	exchange_set_target(e, strbuf_str(&h->target));
	e->method = str_make(arena_strdup(&e->arena, method), strlen(method));
	e->is_head = parser->method == HTTP_HEAD;
	e->is_http10 = parser->http_major == 1 && parser->http_minor == 0;
	h->keeps_alive = http_should_keep_alive(parser) != 0;
	if (!e->is_http10 && http_header(e, "host").data == NULL)
		return -1;
	if (str_equal_nocase(http_header(e, "expect"), STR("100-continue")))
		connection_write(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	http_hold(e);
	c->server->options.request(c->server->options.context, e);
	http_release(e);
	return 0;
}

/* A sender that is too far ahead of who takes the body is not read from. */
static void
pause_body(Connection *c, Http1 *h)
{
	HttpExchange *e = h->exchange;

	c->is_paused = (e->body_mode == BODY_STREAM && e->body_given - e->body_taken >= BODY_AHEAD)
				   || (e->body_mode == BODY_HELD && e->body.length >= BODY_AHEAD);
}

static int
on_body(http_parser *parser, const char *at, size_t n)
{
	Connection *c = connection_of(parser);
	Http1	   *h = c->protocol;

	exchange_body(h->exchange, str_make(at, n));
	pause_body(c, h);
	if (c->is_paused)
		http_parser_pause(parser, 1);
	return h->exchange->discarded > DISCARD_MAX ? 1 : 0;
}

static int
on_end(http_parser *parser)
{
	Http1 *h = http1_of(parser);

	h->request_ended = true;
	exchange_body_end(h->exchange);
	http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings parser_settings = {
	.on_message_begin = on_begin, .on_url = on_url, .on_header_field = on_header_name, .on_header_value = on_header_value,
	.on_headers_complete = on_head, .on_body = on_body, .on_message_complete = on_end,
};

static void
refuse_malformed(Connection *c)
{
	Http1	   *h = c->protocol;
	/* the parser has a bound of its own, which it may meet first: that depends on how the bytes came */
	bool		too_large = h->too_large || HTTP_PARSER_ERRNO(&h->parser) == HPE_HEADER_OVERFLOW;
	int			status = too_large ? 431 : 400;
	const char *reason = too_large ? "The head of the request is too large" : http_errno_description(HTTP_PARSER_ERRNO(&h->parser));
	char		body[256], head[256];
	int			n;

	c->closes = true;
	if (h->head_sent)
		return;
	if (HTTP_PARSER_ERRNO(&h->parser) == HPE_CB_headers_complete)
		reason = "The header Host is missing";
	n = snprintf(body, sizeof body, "{\"@type\":\"generic_error\",\"error_code\":%d00,\"message\":\"Malformed HTTP request: %s\"}", status, reason);
	snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n", status,
			 http_status_text(status), n);
	connection_write(c, head, strlen(head));
	connection_write(c, body, (size_t)n);
}

static void
drop_exchange(Http1 *h)
{
	HttpExchange *e = h->exchange;

	h->exchange = NULL;
	if (e != NULL)
		exchange_done(e);
}

static void
http1_input(Connection *c)
{
	while (!c->closes && c->type == &connection_http1) {
		Http1 *h = c->protocol;
		size_t n = c->in.length - c->in_taken, took;
		enum http_errno failure;

		/* Behind a complete request: wait until it is answered. */
		c->is_paused = h->request_ended && h->exchange != NULL;
		if (!c->is_paused && h->exchange != NULL)
			pause_body(c, h);
		if (c->is_paused || n == 0)
			return;
		if (HTTP_PARSER_ERRNO(&h->parser) == HPE_PAUSED)
			http_parser_pause(&h->parser, 0);
		took = http_parser_execute(&h->parser, &parser_settings, c->in.data + c->in_taken, n);
		failure = HTTP_PARSER_ERRNO(&h->parser);
		/* Pausing in on_message_complete leaves its last byte to be read again. */
		connection_took(c, took);
		if (failure != HPE_OK && failure != HPE_PAUSED) {
			refuse_malformed(c);
			drop_exchange(h);
			return;
		}
		if (h->request_ended && h->parser.upgrade) {
			http_parser_init(&h->parser, HTTP_REQUEST);
			h->parser.data = c;
		}
	}
}

/* ---- the response ---- */

static void
write_head(Connection *c, Http1 *h)
{
	HttpExchange *e = h->exchange;
	char		  line[128];
	size_t		  at = 0;

	snprintf(line, sizeof line, "HTTP/1.1 %d %s\r\n", e->status, http_status_text(e->status));
	strbuf_add_text(&c->out, line);
	while (at < e->head.length) {
		const char *name = e->head.data + at;
		const char *value = name + strlen(name) + 1;

		strbuf_add_text(&c->out, name);
		strbuf_add_text(&c->out, ": ");
		strbuf_add_text(&c->out, value);
		strbuf_add_text(&c->out, "\r\n");
		at = (size_t)(value + strlen(value) + 1 - e->head.data);
	}
	h->is_chunked = !e->has_length && !e->is_http10;
	if (h->is_chunked)
		strbuf_add_text(&c->out, "transfer-encoding: chunked\r\n");
	else if (!e->has_length)
		h->keeps_alive = false;
	if (!h->keeps_alive || c->server->is_draining)
		strbuf_add_text(&c->out, "connection: close\r\n");
	else if (e->is_http10)
		strbuf_add_text(&c->out, "connection: keep-alive\r\n");
	strbuf_add_text(&c->out, "\r\n");
	h->head_sent = true;
}

static void
write_body(Connection *c, Http1 *h)
{
	HttpExchange *e = h->exchange;
	size_t		  n = e->out.length - e->out_taken;
	char		  size[32];

	if (n == 0)
		return;
	if (h->is_chunked) {
		snprintf(size, sizeof size, "%zx\r\n", n);
		strbuf_add_text(&c->out, size);
	}
	exchange_take_all(e, &c->out);
	if (h->is_chunked)
		strbuf_add_text(&c->out, "\r\n");
}

/* The response is complete: on to the next request. */
static void
end_response(Connection *c, Http1 *h)
{
	bool body_is_left = !h->request_ended;

	if (h->is_chunked)
		strbuf_add_text(&c->out, "0\r\n\r\n");
	if (!h->keeps_alive || c->server->is_draining)
		c->closes = true;
	if (body_is_left) {
		/* The rest of the body is read and dropped, within limits: a reset would take the response from the client. */
		h->exchange->body_mode = BODY_DISCARD;
		if (c->has_ended)
			c->closes = true;
		if (c->is_paused) {
			c->is_paused = false;
			http1_input(c);
		}
		return;
	}
	drop_exchange(h);
	c->is_paused = false;
	http1_input(c);
}

static void
http1_output(Connection *c)
{
	Http1		 *h = c->protocol;
	HttpExchange *e = h->exchange;
	bool		  is_finished = false, is_aborted = false, is_upgrade = false;

	if (e == NULL)
		return;
	pthread_mutex_lock(&e->lock);
	is_aborted = e->is_aborted;
	is_upgrade = e->is_websocket && !h->head_sent;
	if (e->status != 0 && !is_upgrade && !is_aborted) {
		if (!h->head_sent)
			write_head(c, h);
		write_body(c, h);
		is_finished = e->is_finished;
	}
	pthread_mutex_unlock(&e->lock);
	exchange_tell_drained(e);
	if (is_aborted)
		c->is_broken = true;
	else if (is_upgrade) {
		Error err;

		h->exchange = NULL;
		if (!websocket_start(c, e, &err)) {
			c->closes = true;
			exchange_done(e);
		}
	} else if (is_finished && (h->request_ended || e->body_mode != BODY_DISCARD))
		end_response(c, h);
}

static void
http1_wake(Connection *c, HttpExchange *exchange)
{
	Http1 *h = c->protocol;

	(void)exchange;
	if (h->exchange != NULL && c->is_paused && !h->request_ended) {
		pause_body(c, h);
		if (!c->is_paused)
			http1_input(c);
	}
}

/*
 * Nothing more comes from the client.  A response of which the head is out and that goes on is a stream to somebody who has left;
 * one that is being made is still wanted by clients that only shut down their sending side.
 */
static void
http1_ended(Connection *c)
{
	Http1 *h = c->protocol;

	if (h->exchange == NULL)
		c->closes = true;
	else if (!h->request_ended || (h->head_sent && !exchange_is_finished(h->exchange)))
		c->is_broken = true;
	h->keeps_alive = false;
}

static void
http1_close(Connection *c)
{
	Http1 *h = c->protocol;

	drop_exchange(h);
	strbuf_free(&h->target);
	strbuf_free(&h->name);
	strbuf_free(&h->value);
	free(h);
	c->protocol = NULL;
}

static bool
http1_is_idle(Connection *c)
{
	const Http1 *h = c->protocol;

	return h->exchange == NULL || h->exchange->method.length == 0;
}

static bool
http1_wants_body(Connection *c)
{
	const Http1 *h = c->protocol;

	return h->exchange != NULL && !h->request_ended && (h->exchange->body_mode == BODY_COLLECT || h->exchange->body_mode == BODY_HELD);
}

const ConnectionType connection_http1 = {
	.name = "HTTP/1.1", .input = http1_input, .output = http1_output, .wake = http1_wake, .ended = http1_ended, .close = http1_close,
	.is_idle = http1_is_idle, .wants_body = http1_wants_body,
};

void
http1_start(Connection *c)
{
	Http1 *h = xcalloc(1, sizeof *h);

	http_parser_init(&h->parser, HTTP_REQUEST);
	h->parser.data = c;
	c->protocol = h;
	c->type = &connection_http1;
}
