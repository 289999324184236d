/*
 * WebSocket (RFC 6455) by libwslay: what an HTTP/1.1 connection becomes.  The server sends text frames; of the client only pings and
 * its closing matter, which the library answers.  It is loaded when the first client asks for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#include "common/base64.h"
#include "common/library.h"
#include "common/sha.h"
#include "server/http_impl.h"

#define MAX_MESSAGE 65536		/* of the client: nothing long is expected */

#define WSLAY_FUNCTIONS(X)                                                                                                 \
	X(wslay_event_context_server_init) X(wslay_event_context_free) X(wslay_event_recv) X(wslay_event_send)                 \
	X(wslay_event_queue_msg) X(wslay_event_queue_close) X(wslay_event_get_close_received) X(wslay_event_get_close_sent)    \
	X(wslay_event_want_write) X(wslay_event_set_error) X(wslay_event_config_set_max_recv_msg_length)

#define FIELD(name) __typeof__(name) *name;
typedef struct Wslay {
	WSLAY_FUNCTIONS(FIELD)
} Wslay;
#undef FIELD

static const Wslay *
wslay_library(Error *err)
{
#define SYMBOL(name) {#name, offsetof(Wslay, name)},
	static const LibrarySymbol symbols[] = {WSLAY_FUNCTIONS(SYMBOL)};
#undef SYMBOL
	/* Filled once, by the one loop thread. */
	static Wslay library;

	if (library.wslay_event_recv == NULL
		&& library_load("libwslay.so.1", "libwslay1", symbols, (int)(sizeof symbols / sizeof *symbols), &library, err) == FAILED)
		return NULL;
	return &library;
}

typedef struct WebSocket {
	const Wslay			   *lib;
	wslay_event_context_ptr context;
	HttpExchange		   *exchange;		/* NULL: the client has closed */
	bool					close_queued;
} WebSocket;

static ssize_t
on_recv(wslay_event_context_ptr context, uint8_t *buffer, size_t length, int flags, void *data)
{
	Connection *c = data;
	WebSocket  *w = c->protocol;
	size_t		n = c->in.length - c->in_taken;

	(void)flags;
	if (n == 0) {
		w->lib->wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	n = n < length ? n : length;
	memcpy(buffer, c->in.data + c->in_taken, n);
	connection_took(c, n);
	return (ssize_t)n;
}

static ssize_t
on_send(wslay_event_context_ptr context, const uint8_t *bytes, size_t length, int flags, void *data)
{
	Connection *c = data;

	(void)context;
	(void)flags;
	strbuf_add(&c->out, bytes, length);
	return (ssize_t)length;
}

static void
drop_exchange(WebSocket *w)
{
	HttpExchange *e = w->exchange;

	w->exchange = NULL;
	if (e != NULL)
		exchange_done(e);
}

static void
websocket_input(Connection *c)
{
	WebSocket *w = c->protocol;

	if (w->lib->wslay_event_recv(w->context) != 0)
		c->closes = true;
	if (w->lib->wslay_event_get_close_received(w->context))
		drop_exchange(w);
	connection_dirty(c);
}

/* Frames stand in the exchange as length and text. */
static void
queue_frames(WebSocket *w)
{
	HttpExchange *e = w->exchange;
	size_t		  queued = 0;

	while (e->out.length > e->out_taken && queued < OUTPUT_WANTED) {
		uint32_t			   length;
		StrBuf				   frame = {0};
		struct wslay_event_msg message = {.opcode = WSLAY_TEXT_FRAME};

		exchange_take(e, &length, sizeof length);
		strbuf_reserve(&frame, length);
		exchange_take(e, frame.data, length);
		message.msg = (const uint8_t *)frame.data;
		message.msg_length = length;
		w->lib->wslay_event_queue_msg(w->context, &message);
		strbuf_free(&frame);
		queued += length + 16;
	}
}

/* The library lets the close overtake frames that are queued: it is queued when they are out. */
static void
queue_close(WebSocket *w)
{
	HttpExchange *e = w->exchange;

	if (!e->is_finished || e->out.length > e->out_taken || w->close_queued)
		return;
	w->close_queued = true;
	w->lib->wslay_event_queue_close(w->context, (uint16_t)e->close_code, (const uint8_t *)strbuf_text(&e->close_reason), e->close_reason.length);
}

static void
websocket_output(Connection *c)
{
	WebSocket *w = c->protocol;
	bool	   aborted = false, failed = false;

	if (w->exchange != NULL) {
		pthread_mutex_lock(&w->exchange->lock);
		aborted = w->exchange->is_aborted;
		queue_frames(w);
		failed = w->lib->wslay_event_send(w->context) != 0;
		queue_close(w);
		pthread_mutex_unlock(&w->exchange->lock);
		exchange_tell_drained(w->exchange);
	}
	if (aborted || failed || w->lib->wslay_event_send(w->context) != 0) {
		c->is_broken = true;
		return;
	}
	if (w->lib->wslay_event_get_close_sent(w->context) && w->exchange != NULL)
		drop_exchange(w);
	if (w->lib->wslay_event_get_close_sent(w->context)
		&& (w->lib->wslay_event_get_close_received(w->context) || c->has_ended))
		c->closes = true;
}

static void
websocket_wake(Connection *c, HttpExchange *exchange)
{
	(void)c;
	(void)exchange;
}

static void
websocket_ended(Connection *c)
{
	c->is_broken = true;
}

static void
websocket_close(Connection *c)
{
	WebSocket *w = c->protocol;

	drop_exchange(w);
	w->lib->wslay_event_context_free(w->context);
	free(w);
	c->protocol = NULL;
}

static bool
websocket_is_idle(Connection *c)
{
	return ((WebSocket *)c->protocol)->exchange == NULL;
}

static void
websocket_expire(Connection *c)
{
	WebSocket *w = c->protocol;

	if (w->exchange != NULL)
		http_close_websocket(w->exchange, 1000, STR("the longest life of a connection is over"));
}

const ConnectionType connection_websocket = {
	.name = "WebSocket", .input = websocket_input, .output = websocket_output, .wake = websocket_wake, .ended = websocket_ended,
	.close = websocket_close, .is_idle = websocket_is_idle, .expire = websocket_expire,
};

static void
write_handshake(Connection *c, const HttpExchange *e)
{
	unsigned char digest[SHA1_BYTES];
	StrBuf		  text = {0};

	strbuf_add_str(&text, http_header(e, "sec-websocket-key"));
	strbuf_add_text(&text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	sha1_digest(strbuf_str(&text), digest);
	strbuf_add_text(&c->out, "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ");
	base64_add_encoded(&c->out, str_make((const char *)digest, sizeof digest));
	strbuf_add_text(&c->out, "\r\n\r\n");
	strbuf_free(&text);
}

bool
websocket_start(Connection *c, HttpExchange *exchange, Error *err)
{
	struct wslay_event_callbacks callbacks = {.recv_callback = on_recv, .send_callback = on_send};
	const Wslay					*lib = wslay_library(err);
	WebSocket					*w;

	if (lib == NULL)
		return false;
	c->type->close(c);
	w = xcalloc(1, sizeof *w);
	w->lib = lib;
	w->exchange = exchange;
	c->protocol = w;
	c->type = &connection_websocket;
	c->is_paused = false;
	lib->wslay_event_context_server_init(&w->context, &callbacks, c);
	lib->wslay_event_config_set_max_recv_msg_length(w->context, MAX_MESSAGE);
	write_handshake(c, exchange);
	if (c->in.length > c->in_taken)
		websocket_input(c);
	connection_dirty(c);
	return true;
}
