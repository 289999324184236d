#ifndef SLUICE_SERVER_HTTP_H
#define SLUICE_SERVER_HTTP_H

/*
 * HTTP/1.1, HTTP/2 and WebSocket on one port, as exchanges: a request and its response, both as streams.  Who handles an exchange
 * never sees which version carries it, except where the API asks (http_is_http2).
 *
 * Threads: one loop thread does all I/O and calls the handler, which must not block.  A handler may answer at once, or keep the
 * exchange (http_hold) and answer later from any one thread; every function that is marked [any] may be called by any thread.
 * Written bytes wait in the exchange until the client takes them: a producer looks at http_unsent, or blocks in
 * http_write_wait, or stops and goes on when on_drained is called.  A client that leaves makes http_is_closed true and on_closed be
 * called; writing is then without effect.
 */
#include <sys/types.h>

#include "common/env.h"
#include "common/status.h"
#include "common/str.h"

typedef struct HttpServer HttpServer;
typedef struct HttpExchange HttpExchange;

/* Bytes that wait for a client from which on a producer should stop, and below which it is told to go on. */
#define HTTP_HIGH_WATER (256 * 1024)
#define HTTP_LOW_WATER (64 * 1024)

/*
 * Encryption of accepted connections, given by who knows the certificates (server/tls.c); the loop knows no TLS library.
 * read and write give bytes done, 0 at the end of the stream, or one of HTTP_TLS_*; sockets are non-blocking.  Used by the loop
 * thread only, but `accept` must cope with certificates that another thread replaces.
 */
#define HTTP_TLS_FAILED (-1)
#define HTTP_TLS_WANTS_READ (-2)
#define HTTP_TLS_WANTS_WRITE (-3)
typedef struct HttpTls HttpTls;
struct HttpTls {
	void *(*accept)(HttpTls *tls, int fd);						/* a session; NULL: out of memory or no certificate */
	ssize_t (*read)(void *session, void *buffer, size_t n_bytes);	/* does the handshake first */
	ssize_t (*write)(void *session, const void *data, size_t n_bytes);
	bool (*is_http2)(void *session);							/* ALPN chose h2; asked after the first successful read */
	const char *(*peer_name)(void *session);					/* subject of a verified client certificate; NULL: none */
	void (*close)(void *session);
};

typedef struct HttpListener {
	const char *host;			/* a numeric address or a name; "0.0.0.0" and "::" are all */
	int			port;			/* 0: any free one */
	HttpTls	   *tls;			/* NULL: plain */
} HttpListener;

typedef struct HttpOptions {
	int				   n_listeners;
	const HttpListener *listeners;
	int64_t			   idle_timeout_ms;		/* a connection without a request in hand is closed after; 0: never */
	int64_t			   head_timeout_ms;		/* in which the head of a request must have come; 0: 30 s */
	int64_t			   body_timeout_ms;		/* that a body which is collected may stand still; 0: for ever */
	int64_t			   websocket_ms;		/* longest life of a WebSocket; 0: no end */
	int				   max_connections;		/* further ones are closed at once; 0: what the process may open */
	size_t			   max_header_bytes;	/* 0: 64 KiB */
	/* The head of a request is complete: called on the loop's thread.  The exchange is the callee's until it returns, or longer if
	 * it calls http_hold.  It answers, or says how it wants the body. */
	void (*request)(void *context, HttpExchange *exchange);
	/* A response has been sent or given up: for metrics and the log of requests.  status 0: none was begun. */
	void (*finished)(void *context, HttpExchange *exchange, int status, Nanos took, int64_t bytes_sent);
	/* http_server_stop was called: nothing is accepted any more, and streams without an end should be ended. */
	void (*draining)(void *context);
	void		   *context;
} HttpOptions;

/* Opens the listeners.  ERROR_USER if an address cannot be had. */
Status http_server_open(const HttpOptions *options, HttpServer **out, Error *err);
int	   http_server_port(const HttpServer *server, int listener);		/* that it really has */

/* Serves until http_server_stop; then stops accepting, lets what is in hand end for `drain_ms`, and returns. */
Status http_server_run(HttpServer *server, int64_t drain_ms, Error *err);
void   http_server_stop(HttpServer *server);							/* [any], and from signal handlers */
void   http_server_close(HttpServer *server);
int	   http_server_connections(const HttpServer *server);				/* [any] */

/* Calls `run` on the loop's thread soon.  [any] */
void http_server_post(HttpServer *server, void (*run)(void *context), void *context);

/* ---- the request; texts live as long as the exchange ---- */
Str			http_method(const HttpExchange *exchange);
Str			http_path(const HttpExchange *exchange);		/* as sent, without the query */
Str			http_query(const HttpExchange *exchange);		/* behind the '?'; empty: none */
Str			http_header(const HttpExchange *exchange, const char *lower_case_name);	/* data NULL: it is not there */
bool		http_is_http2(const HttpExchange *exchange);
bool		http_is_tls(const HttpExchange *exchange);
const char *http_peer(const HttpExchange *exchange);		/* "127.0.0.1:40312" */
const char *http_peer_name(const HttpExchange *exchange);	/* of the client's certificate; NULL: none */
Nanos		http_began(const HttpExchange *exchange);

/*
 * Collects the body, at most `limit` bytes, then calls `done` on the loop's thread, once.  data NULL: it will not come, because it is larger (that
 * has been answered with 413) or the client left.
 */
void http_collect_body(HttpExchange *exchange, size_t limit, void (*done)(void *context, HttpExchange *exchange, Str body), void *context);

/* Streams the body: `piece` is called on the loop's thread.  The sender may be ahead by 64 KiB of what http_body_taken has
 * acknowledged, which any thread may call. */
void http_stream_body(HttpExchange *exchange, void (*piece)(void *context, HttpExchange *exchange, Str data, bool is_end), void *context);
void http_body_taken(HttpExchange *exchange, size_t n_bytes);	/* [any] */

/* What becomes of the body is decided later, on the loop's thread, by one of the two above or by a response: until then it waits, and
 * a sender who is 64 KiB ahead is stopped.  Without this a body that nobody has asked for is dropped. */
void http_delay_body(HttpExchange *exchange);

/* ---- the life of an exchange ---- */
void http_hold(HttpExchange *exchange);							/* [any] shares */
void http_release(HttpExchange *exchange);						/* [any] */
void http_set_state(HttpExchange *exchange, void *state);		/* of the handler */
void *http_state(const HttpExchange *exchange);

/* on_closed: the client left, or the response was sent whole; called once.  on_drained: see above.  Both on the loop's thread, on_closed
 * at once if it has happened already. */
void http_watch(HttpExchange *exchange, void (*on_closed)(void *context, HttpExchange *exchange),
				void (*on_drained)(void *context, HttpExchange *exchange), void *context);
bool http_is_closed(const HttpExchange *exchange);				/* [any] */

/* ---- the response ---- */
typedef struct HttpHeader {
	const char *name;			/* lower case */
	const char *value;
} HttpHeader;

/* A header of the response, whatever it becomes: before it is begun.  The name in lower case. [any] */
void http_add_header(HttpExchange *exchange, const char *name, const char *value);

/* A whole response. [any] */
void http_respond(HttpExchange *exchange, int status, const char *content_type, const HttpHeader *headers, int n_headers, Str body);

/* A response in pieces: begin, write any number of times, finish.  [any], one thread at a time */
void   http_begin(HttpExchange *exchange, int status, const char *content_type, const HttpHeader *headers, int n_headers);
void   http_write(HttpExchange *exchange, Str data);
size_t http_unsent(const HttpExchange *exchange);
void   http_finish(HttpExchange *exchange);
bool   http_has_begun(const HttpExchange *exchange);

/* As http_write, but first waits until less than HTTP_HIGH_WATER bytes are unsent.  Not on the loop's thread.  False: the client left. */
bool http_write_wait(HttpExchange *exchange, Str data);

/* The connection ends without a proper end of the response, so that the client sees that it is cut. */
void http_abort(HttpExchange *exchange);

/* ---- WebSocket (RFC 6455), server to client: frames of text in place of a body ---- */

/* True if the request asks for one.  Accepting answers 101; then http_write sends one text frame a call. */
bool http_wants_websocket(const HttpExchange *exchange);
void http_accept_websocket(HttpExchange *exchange);
void http_close_websocket(HttpExchange *exchange, int code, Str reason);	/* [any]; reason is cut to 123 bytes */

/* Undoes %XX (and '+', where plus_is_space) into `out`.  False: malformed, or a NUL byte. */
bool http_percent_decode(Str text, bool plus_is_space, StrBuf *out);

/* The decoded value of a query parameter; false if it is not there or malformed. */
bool http_query_parameter(Str query, const char *name, StrBuf *out);

#endif
