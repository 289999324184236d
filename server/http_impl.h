#ifndef SLUICE_SERVER_HTTP_IMPL_H
#define SLUICE_SERVER_HTTP_IMPL_H

/* What the files of the HTTP core share: connections, and the inside of an exchange.  Nobody else includes this. */
#include <pthread.h>
#include <stdatomic.h>

#include "common/arena.h"
#include "server/http.h"

#define OUTPUT_WANTED (128 * 1024)		/* bytes that a connection holds ready for the socket */
#define BODY_AHEAD (64 * 1024)			/* that a sender may be ahead of who takes a streamed body */
#define HEAD_TIMEOUT_MS 30000			/* a request's head must be complete within, unless the options say otherwise */
#define DISCARD_MAX (1024 * 1024)		/* of a body that nobody wants, before the connection is closed */

typedef struct Connection Connection;

/* What a protocol does with a connection.  All on the loop's thread. */
typedef struct ConnectionType {
	const char *name;
	void (*input)(Connection *c);		/* c->in has new bytes; takes what it can */
	void (*output)(Connection *c);		/* moves what exchanges hold into c->out, up to OUTPUT_WANTED */
	void (*wake)(Connection *c, HttpExchange *exchange);	/* an exchange has something new: before output */
	void (*ended)(Connection *c);		/* the peer will send nothing more */
	void (*close)(Connection *c);		/* gives up its exchanges and frees its state */
	bool (*is_idle)(Connection *c);		/* no request in hand */
	bool (*wants_body)(Connection *c);	/* a body that is collected or held is not complete; NULL: never */
	void (*expire)(Connection *c);		/* it has lived for websocket_ms; NULL: it has no such limit */
} ConnectionType;

struct Connection {
	HttpServer	   *server;
	Connection	   *next;
	Connection	   *previous;
	int				fd;
	uint32_t		events;			/* that epoll looks for */
	HttpTls		   *tls;
	void		   *tls_session;
	const ConnectionType *type;		/* NULL until the first bytes tell */
	void		   *protocol;		/* the type's state */
	StrBuf			in;
	size_t			in_taken;
	StrBuf			out;
	size_t			out_taken;
	bool			is_broken;		/* to be closed at once */
	bool			closes;			/* to be closed when `out` is sent */
	bool			is_paused;		/* the protocol wants no more input now */
	bool			has_ended;
	bool			tls_wants_write;
	bool			tls_has_more;	/* not read, because the protocol is paused */
	bool			is_dirty;
	Connection	   *next_dirty;
	Nanos			linger_since;	/* closed for sending; 0: not */
	size_t			lingered_bytes;
	Nanos			opened;
	Nanos			last_active;
	Nanos			head_since;		/* a request's head has begun and is not complete; 0: none */
	char			peer[64];
};

typedef enum BodyMode { BODY_UNDECIDED, BODY_HELD, BODY_COLLECT, BODY_STREAM, BODY_DISCARD } BodyMode;

struct HttpExchange {
	_Atomic int		refs;
	HttpServer	   *server;
	Connection	   *connection;		/* loop's thread only; NULL: it is gone */
	HttpExchange   *next;			/* of the connection (HTTP/2) */
	HttpExchange   *previous;
	int32_t			stream_id;		/* HTTP/2 */
	Arena			arena;			/* of the request */
	Str				method;
	Str				path;
	Str				query;
	int				n_headers;
	int				header_capacity;
	struct { Str name, value; } *headers;
	size_t			header_bytes;
	char			peer[64];
	const char	   *peer_name;
	bool			is_http2;
	bool			is_tls;
	bool			is_head;
	bool			is_http10;
	Nanos			began;
	_Atomic(void *) state;
	/* The request's body; loop's thread. */
	BodyMode		body_mode;
	bool			body_ended;
	StrBuf			body;
	size_t			body_limit;
	size_t			discarded;
	void (*body_done)(void *context, HttpExchange *exchange, Str body);
	void (*body_piece)(void *context, HttpExchange *exchange, Str data, bool is_end);
	void		   *body_context;
	size_t			body_given;		/* bytes that were held, or went to body_piece */
	_Atomic size_t	body_taken;
	size_t			body_told;		/* of body_taken, to the protocol */
	/* The response. */
	pthread_mutex_t	lock;
	pthread_cond_t	drained;
	int				status;			/* 0: not begun */
	bool			has_length;
	bool			head_submitted;	/* HTTP/2 */
	bool			is_finished;
	bool			is_aborted;
	bool			is_closed;		/* sent whole, or the client left */
	bool			is_full;		/* has been over HTTP_HIGH_WATER: on_drained is due */
	bool			is_websocket;
	int				close_code;
	StrBuf			close_reason;
	StrBuf			head;			/* "name\0value\0..." of the response's headers */
	StrBuf			out;
	size_t			out_taken;
	int64_t			bytes_sent;
	void (*on_closed)(void *context, HttpExchange *exchange);
	void (*on_drained)(void *context, HttpExchange *exchange);
	void		   *watch_context;
	bool			told_closed;
	/* In the server's list of exchanges with something new; under its lock_wake. */
	bool			is_woken;
	HttpExchange   *next_woken;
};

struct HttpServer {
	HttpOptions		options;
	HttpListener   *listeners;
	int				n_listeners;
	int			   *listen_fds;
	int			   *ports;
	int				epoll_fd;
	int				wake_fd;
	_Atomic(pthread_t) loop_thread;
	_Atomic bool	is_running;
	_Atomic bool	must_stop;
	bool			is_draining;
	bool			accept_paused;
	Connection	   *connections;
	Connection	   *dirty;
	_Atomic int		n_connections;
	pthread_mutex_t lock_wake;
	HttpExchange   *woken;
	struct Posted  *posted;
	struct Posted  *posted_last;
};

/* ---- http_server.c ---- */
void connection_dirty(Connection *c);				/* output and flush at the end of this turn */
void connection_write(Connection *c, const void *data, size_t n);
static inline size_t
connection_pending(const Connection *c)
{
	return c->out.length - c->out_taken;
}

/* Takes n bytes off the input. */
void connection_took(Connection *c, size_t n);
void server_wake(HttpExchange *exchange);			/* [any] the protocol looks at it soon */

/* ---- http_exchange.c ---- */
HttpExchange *exchange_new(Connection *c);
void exchange_add_header(HttpExchange *e, Str name, Str value);		/* copies; the name becomes lower case */
void exchange_set_target(HttpExchange *e, Str target);
void exchange_body(HttpExchange *e, Str data);		/* a piece of the body has come */
void exchange_body_end(HttpExchange *e);

/* Bytes of body that somebody has taken since the last call: room for the sender. */
size_t exchange_body_room(HttpExchange *e);

/* The connection has sent the response whole, or is lost; the exchange loses it and the connection's reference. */
void exchange_done(HttpExchange *e);

/* Takes at most n bytes of what waits, under the lock; tells who waits for room after it. */
size_t exchange_take(HttpExchange *e, void *buffer, size_t n);

/* Has the response been written to its end?  It may not be sent yet. */
bool exchange_is_finished(HttpExchange *e);

/* Moves all that waits to `out`. */
void exchange_take_all(HttpExchange *e, StrBuf *out);
void exchange_tell_drained(HttpExchange *e);

const char *http_status_text(int status);

/* ---- protocols ---- */
extern const ConnectionType connection_http1, connection_http2, connection_websocket;
void http1_start(Connection *c);
bool http2_start(Connection *c);					/* false: the library is not there */

/* The HTTP/1.1 connection goes on as WebSocket; takes the exchange. */
bool websocket_start(Connection *c, HttpExchange *exchange, Error *err);

#endif
