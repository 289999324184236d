#ifndef SLUICE_SERVER_SERVER_IMPL_H
#define SLUICE_SERVER_SERVER_IMPL_H

/* What the files of the server share.  Nobody outside includes this. */
#include <stdatomic.h>

#include "data/json_build.h"
#include "engine/engine.h"
#include "engine/health.h"
#include "engine/live.h"
#include "server/deadline.h"
#include "server/endpoint.h"
#include "server/guard.h"
#include "server/health.h"
#include "server/pool.h"
#include "server/row_writer.h"

#define JSON_TYPE "application/json"
#define KSQL_TYPE "application/vnd.ksql.v1+json"

typedef enum ServerState { SERVER_INITIALIZING, SERVER_READY, SERVER_TERMINATING, SERVER_TERMINATED } ServerState;

struct Server {
	const Env	   *env;
	Settings	   *settings;
	Settings	   *engine_settings;	/* without those that are the listeners' alone */
	Guard		   *guard;
	Engine		   *engine;
	Health		   *health;
	Deadlines	   *deadlines;		/* of commands */
	HttpServer	   *http;
	Pool		   *pool;
	bool			is_headless;
	const char	   *queries_file;
	int				n_listeners;
	HttpListener   *listeners;
	Arena			arena;			/* of the server's life */
	_Atomic int		state;			/* ServerState */
	_Atomic bool	must_stop;		/* said before the engine was there */
	Nanos			stop_by;		/* once it drains: when what is in hand must have ended; of the loop's thread */
	_Atomic int64_t n_requests;
	char			host[280];		/* "127.0.0.1:8088": how peers would name it */
};

/* ---- server.c ---- */

/* A request lives while its handler runs, and as long as somebody holds it.  Any thread. */
void request_hold(Request *request);
void request_release(Request *request);

/* Runs `run` on the pool.  False: too much waits already, and the request has been answered so. */
bool request_run(Request *request, void (*run)(void *context), void *context);

/* ---- headless.c ---- */
Status headless_start(Server *server, Error *err);
void   headless_refuse(const Request *request);		/* for endpoints that it does not serve */

/* ---- answers (answer.c) ---- */

/* {"@type": "generic_error", ...}; HTTP status is code / 100. */
void answer_error(HttpExchange *exchange, int code, const char *format, ...) PRINTF_LIKE(3, 4);
void answer_error_with(HttpExchange *exchange, int code, const HttpHeader *header, const char *message);
void answer_json(HttpExchange *exchange, const JsonValue *value);

/* The code that stands for an error of a statement. */
int error_code_of(const Error *err);

/* Appends the error object.  `sql` NULL: generic_error, else statement_error with the texts of `entities` ("[...]", NULL: none). */
void error_write(StrBuf *out, int code, const Error *err, const char *sql, const char *entities);
void answer_statement_error(HttpExchange *exchange, int code, const Error *err, const char *sql, const char *entities);

/* ---- sessions of requests (api_session.c) ---- */

/*
 * A session of the engine with what a request's body says of it: overrides (member `properties`), sessionVariables.  Default dialect is
 * ksqldb.  On failure *code is the error's.
 */
Status request_session(Request *request, const char *properties, Session **out, int *code, Error *err);

/* Waits for commandSequenceNumber.  False: it did not come in time, and the request has been answered. */
bool request_wait_command(Request *request);

/* ---- handlers ---- */
void handle_root(Request *request);
void handle_info(Request *request);
void handle_metrics(Request *request);
void handle_healthcheck(Request *request);
void handle_live(Request *request);
void handle_metadata(Request *request);
void handle_metadata_id(Request *request);
void handle_cluster_status(Request *request);
void handle_status_all(Request *request);
void handle_status(Request *request);
void handle_is_valid_property(Request *request);
void handle_internal(Request *request);
void handle_ksql(Request *request);
void handle_terminate(Request *request);
void handle_query(Request *request);
void handle_query_stream(Request *request);
void handle_websocket(Request *request);
void handle_close_query(Request *request);
void handle_inserts(Request *request);

#endif
