/*
 * HTTP/2 (RFC 9113) by libnghttp2: many exchanges on one connection.  The library keeps frames, header compression and windows; this
 * file turns its streams into exchanges and back.  It is loaded when the first client speaks HTTP/2.
 */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/library.h"
#include "server/http_impl.h"

#define MAX_STREAMS 2000				/* exchanges of one connection at a time: push queries are many and long */
#define WINDOW_BYTES (256 * 1024)		/* of a stream's body that may be under way */
#define CONNECTION_WINDOW (4 * 1024 * 1024)

/* ---- the library ---- */

#define NGHTTP2_FUNCTIONS(X)                                                                                                      \
	X(nghttp2_session_callbacks_new) X(nghttp2_session_callbacks_del) X(nghttp2_session_callbacks_set_on_begin_headers_callback)  \
	X(nghttp2_session_callbacks_set_on_header_callback) X(nghttp2_session_callbacks_set_on_frame_recv_callback)                   \
	X(nghttp2_session_callbacks_set_on_data_chunk_recv_callback) X(nghttp2_session_callbacks_set_on_stream_close_callback)        \
	X(nghttp2_option_new) X(nghttp2_option_del) X(nghttp2_option_set_no_auto_window_update) X(nghttp2_session_server_new2)        \
	X(nghttp2_session_del) X(nghttp2_session_mem_recv) X(nghttp2_session_mem_send) X(nghttp2_session_want_read)                   \
	X(nghttp2_session_want_write) X(nghttp2_submit_settings) X(nghttp2_submit_response) X(nghttp2_submit_rst_stream)              \
	X(nghttp2_session_resume_data) X(nghttp2_session_consume) X(nghttp2_session_set_local_window_size)                           \
	X(nghttp2_submit_shutdown_notice) X(nghttp2_session_set_stream_user_data) X(nghttp2_session_get_stream_user_data)

#define FIELD(name) __typeof__(name) *name;
typedef struct Nghttp2 {
	NGHTTP2_FUNCTIONS(FIELD)
} Nghttp2;
#undef FIELD

static const Nghttp2 *
nghttp2_library(void)
{
#define SYMBOL(name) {#name, offsetof(Nghttp2, name)},
	static const LibrarySymbol symbols[] = {NGHTTP2_FUNCTIONS(SYMBOL)};
#undef SYMBOL
	/* Filled once, by the one loop thread. */
	static Nghttp2 library;
	Error		   err;

	if (library.nghttp2_session_del == NULL
		&& library_load("libnghttp2.so.14", "libnghttp2-14", symbols, (int)(sizeof symbols / sizeof *symbols), &library, &err) == FAILED) {
		fprintf(stderr, "sluice: %s. %s\n", err.message, err.hint);
		return NULL;
	}
	return &library;
}

typedef struct Http2 {
	const Nghttp2	*lib;
	nghttp2_session *session;
	HttpExchange	*exchanges;
	int				 n_exchanges;
	bool			 told_shutdown;
} Http2;

/* ---- the request ---- */

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	Connection	 *c = context;
	Http2		 *h = c->protocol;
	HttpExchange *e;

	(void)session;
	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	e = exchange_new(c);
	e->is_http2 = true;
	e->stream_id = frame->hd.stream_id;
	e->next = h->exchanges;
	if (e->next != NULL)
		e->next->previous = e;
	h->exchanges = e;
	h->n_exchanges++;
	h->lib->nghttp2_session_set_stream_user_data(h->session, e->stream_id, e);
	return 0;
}

static HttpExchange *
find_exchange(Http2 *h, int32_t stream_id)
{
	return h->lib->nghttp2_session_get_stream_user_data(h->session, stream_id);
}

static void
unlink_exchange(Http2 *h, HttpExchange *e)
{
	if (e->previous != NULL)
		e->previous->next = e->next;
	else
		h->exchanges = e->next;
	if (e->next != NULL)
		e->next->previous = e->previous;
	e->next = e->previous = NULL;
	h->n_exchanges--;
	exchange_done(e);
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length, const uint8_t *value,
		  size_t value_length, uint8_t flags, void *context)
{
	Connection	 *c = context;
	HttpExchange *e = find_exchange(c->protocol, frame->hd.stream_id);
	Str			  n = str_make((const char *)name, name_length), v = str_make((const char *)value, value_length);

	(void)session;
	(void)flags;
	if (e == NULL || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	if (str_equal(n, STR(":method"))) {
		e->method = str_make(str_to_arena(&e->arena, v), v.length);
		e->is_head = str_equal(v, STR("HEAD"));
	} else if (str_equal(n, STR(":path")))
		exchange_set_target(e, v);
	else if (str_equal(n, STR(":authority")))
		exchange_add_header(e, STR("host"), v);
	else if (name_length > 0 && name[0] != ':')
		exchange_add_header(e, n, v);
	return e->header_bytes > c->server->options.max_header_bytes ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
}

static void
request_complete(Connection *c, HttpExchange *e)
{
	http_hold(e);
	c->server->options.request(c->server->options.context, e);
	http_release(e);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	Connection	 *c = context;
	HttpExchange *e;

	(void)session;
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	e = find_exchange(c->protocol, frame->hd.stream_id);
	if (e == NULL)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		request_complete(c, e);
	if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		exchange_body_end(e);
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data, size_t length, void *context)
{
	Connection	 *c = context;
	Http2		 *h = c->protocol;
	HttpExchange *e = find_exchange(h, stream_id);

	(void)flags;
	if (e != NULL)
		exchange_body(e, str_make((const char *)data, length));
	/* A body that is streamed opens the window again when it is taken. */
	if (e == NULL || (e->body_mode != BODY_STREAM && e->body_mode != BODY_HELD))
		h->lib->nghttp2_session_consume(session, stream_id, length);
	connection_dirty(c);
	return 0;
}

static int
on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t code, void *context)
{
	Connection	 *c = context;
	HttpExchange *e = find_exchange(c->protocol, stream_id);

	(void)session;
	(void)code;
	if (e != NULL)
		unlink_exchange(c->protocol, e);
	return 0;
}

static void
http2_input(Connection *c)
{
	Http2	   *h = c->protocol;
	const char *data = c->in.data + c->in_taken;
	size_t		n = c->in.length - c->in_taken;
	ssize_t		took;

	if (n == 0)
		return;
	took = h->lib->nghttp2_session_mem_recv(h->session, (const uint8_t *)data, n);
	if (took < 0) {
		c->closes = true;
		return;
	}
	connection_took(c, (size_t)took);
	connection_dirty(c);
}

/* ---- the response ---- */

static ssize_t
read_body(nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t length, uint32_t *flags, nghttp2_data_source *source,
		  void *context)
{
	HttpExchange *e = source->ptr;
	size_t		  n;
	bool		  is_end;

	(void)session;
	(void)stream_id;
	(void)context;
	pthread_mutex_lock(&e->lock);
	n = exchange_take(e, buffer, length);
	is_end = e->is_finished && e->out.length == e->out_taken;
	pthread_mutex_unlock(&e->lock);
	exchange_tell_drained(e);
	if (is_end)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return n == 0 && !is_end ? NGHTTP2_ERR_DEFERRED : (ssize_t)n;
}

static nghttp2_nv
make_field(const char *name, const char *value)
{
	return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
}

/* Under the exchange's lock. */
static void
submit_head(Http2 *h, HttpExchange *e)
{
	nghttp2_data_provider provider = {.source.ptr = e, .read_callback = read_body};
	nghttp2_nv			  fields[32];
	char				  status[16];
	size_t				  n = 0, at = 0;

	snprintf(status, sizeof status, "%d", e->status);
	fields[n++] = make_field(":status", status);
	while (at < e->head.length && n < sizeof fields / sizeof *fields) {
		const char *name = e->head.data + at;
		const char *value = name + strlen(name) + 1;

		fields[n++] = make_field(name, value);
		at = (size_t)(value + strlen(value) + 1 - e->head.data);
	}
	h->lib->nghttp2_submit_response(h->session, e->stream_id, fields, n, e->is_head ? NULL : &provider);
	e->head_submitted = true;
}

static void
http2_wake(Connection *c, HttpExchange *e)
{
	Http2 *h = c->protocol;
	size_t room = exchange_body_room(e);
	bool   aborted;

	if (room > 0)
		h->lib->nghttp2_session_consume(h->session, e->stream_id, room);
	pthread_mutex_lock(&e->lock);
	aborted = e->is_aborted;
	if (e->status != 0 && !e->head_submitted && !aborted)
		submit_head(h, e);
	else if (e->head_submitted && !aborted)
		h->lib->nghttp2_session_resume_data(h->session, e->stream_id);
	pthread_mutex_unlock(&e->lock);
	if (aborted)
		h->lib->nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, e->stream_id, NGHTTP2_INTERNAL_ERROR);
}

static void
http2_output(Connection *c)
{
	Http2 *h = c->protocol;

	if (c->server->is_draining && !h->told_shutdown) {
		h->told_shutdown = true;
		h->lib->nghttp2_submit_shutdown_notice(h->session);
	}
	while (connection_pending(c) < OUTPUT_WANTED) {
		const uint8_t *data;
		ssize_t		   n = h->lib->nghttp2_session_mem_send(h->session, &data);

		if (n < 0)
			c->is_broken = true;
		if (n <= 0)
			break;
		strbuf_add(&c->out, data, (size_t)n);
	}
	if (!h->lib->nghttp2_session_want_read(h->session) && !h->lib->nghttp2_session_want_write(h->session))
		c->closes = true;
}

static void
http2_ended(Connection *c)
{
	c->is_broken = true;
}

static void
http2_close(Connection *c)
{
	Http2 *h = c->protocol;

	while (h->exchanges != NULL)
		unlink_exchange(h, h->exchanges);
	h->lib->nghttp2_session_del(h->session);
	free(h);
	c->protocol = NULL;
}

static bool
http2_is_idle(Connection *c)
{
	return ((Http2 *)c->protocol)->n_exchanges == 0;
}

static bool
http2_wants_body(Connection *c)
{
	for (const HttpExchange *e = ((Http2 *)c->protocol)->exchanges; e != NULL; e = e->next)
		if (!e->body_ended && (e->body_mode == BODY_COLLECT || e->body_mode == BODY_HELD))
			return true;
	return false;
}

const ConnectionType connection_http2 = {
	.name = "HTTP/2", .input = http2_input, .output = http2_output, .wake = http2_wake, .ended = http2_ended, .close = http2_close,
	.is_idle = http2_is_idle, .wants_body = http2_wants_body,
};

bool
http2_start(Connection *c)
{
	static const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, MAX_STREAMS}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW_BYTES},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 64 * 1024},
	};
	const Nghttp2			  *lib = nghttp2_library();
	nghttp2_session_callbacks *callbacks;
	nghttp2_option			  *option;
	Http2					  *h;

	if (lib == NULL)
		return false;
	h = xcalloc(1, sizeof *h);
	h->lib = lib;
	lib->nghttp2_session_callbacks_new(&callbacks);
	lib->nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	lib->nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	lib->nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	lib->nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	lib->nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	lib->nghttp2_option_new(&option);
	lib->nghttp2_option_set_no_auto_window_update(option, 1);
	lib->nghttp2_session_server_new2(&h->session, callbacks, c, option);
	lib->nghttp2_option_del(option);
	lib->nghttp2_session_callbacks_del(callbacks);
	lib->nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings);
	lib->nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
	c->protocol = h;
	c->type = &connection_http2;
	c->head_since = 0;
	return true;
}
