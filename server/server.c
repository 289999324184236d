/*
 * The server: opens the engine and the listeners, finds the endpoint of each request, and runs what may block on the pool.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/server_impl.h"

#define DEFAULT_LISTENER "http://127.0.0.1:8088"
#define DEFAULT_THREADS 100
#define DRAIN_MS 10000

/* ---- requests ---- */

void
request_hold(Request *request)
{
	request->refs++;
}

void
request_release(Request *request)
{
	HttpExchange *exchange = request->exchange;

	if (--request->refs > 0)
		return;
	arena_free(&request->arena);
	free(request);
	http_release(exchange);
}

bool
request_run(Request *request, void (*run)(void *context), void *context)
{
	if (pool_run(request->server->pool, run, context))
		return true;
	answer_error(request->exchange, 42900, "Too many requests wait already: try again later");
	return false;
}

static Request *
request_new(Server *server, HttpExchange *exchange)
{
	Request *request = xcalloc(1, sizeof *request);

	request->refs = 1;
	request->server = server;
	request->exchange = exchange;
	http_hold(exchange);
	/* Without authentication everybody may do everything. */
	request->role = ROLE_ADMIN;
	return request;
}

/* ---- dispatch ---- */

static void
handle_body(void *context, HttpExchange *exchange, Str body)
{
	Request *request = context;
	Error	 err;

	/* The tree points into the text, which lives as long as the exchange. */
	if (body.length == 0)
		answer_error(exchange, 40000, "The request body is missing: it must be a JSON object");
	else if (json_parse(&request->arena, body, JSON_STRICT, &request->body, &err) == FAILED)
		answer_error(exchange, 40000, "Malformed JSON in the request body: %s", err.message);
	else if (request->body.kind != JSON_OBJECT)
		answer_error(exchange, 40000, "The request body must be a JSON object");
	else
		request->endpoint->handle(request);
	request_release(request);
}

/* What stands between a client and a handler.  False: answered. */
static bool
may_pass(Server *server, const Request *request)
{
	unsigned flags = request->endpoint->flags;
	int		 state = server->state;

	if (flags & ENDPOINT_ALWAYS)
		return true;
	if (server->is_headless && !(flags & ENDPOINT_HEADLESS)) {
		http_respond(request->exchange, 404, "text/plain", NULL, 0, STR("Not Found"));
		return false;
	}
	/* Health can be asked in every state. */
	if (state == SERVER_READY || request->endpoint->handle == handle_healthcheck)
		return true;
	if (state == SERVER_INITIALIZING)
		answer_error(request->exchange, 50302, "KSQL is not yet ready to serve requests.");
	else
		answer_error(request->exchange, state == SERVER_TERMINATING ? 50303 : 50304,
					 state == SERVER_TERMINATING ? "The server is shutting down" : "The server is shut down");
	return false;
}

static void
on_request(void *context, HttpExchange *exchange)
{
	Server	*server = context;
	Request *request = request_new(server, exchange);

	server->n_requests++;
	request->endpoint = endpoint_find(http_method(exchange), http_path(exchange), &request->arena, request->segments);
	if (request->endpoint == NULL)
		http_respond(exchange, 404, "text/plain", NULL, 0, STR("Not Found"));
	else if (!may_pass(server, request))
		;
	else if (request->endpoint->flags & ENDPOINT_BODY) {
		request_hold(request);
		http_collect_body(exchange, MAX_BODY_BYTES, handle_body, request);
	} else
		request->endpoint->handle(request);
	request_release(request);
}

/* On the pool, because it waits for the workers. */
static void
end_live(void *context)
{
	engine_end_live(((Server *)context)->engine);
}

static void
on_draining(void *context)
{
	Server *server = context;

	if (server->state != SERVER_TERMINATED)
		server->state = SERVER_TERMINATING;
	pool_run(server->pool, end_live, server);
}

/* ---- opening ---- */

static Status
parse_listener(Server *server, const char *text, const ServerOptions *options, HttpListener *out, Error *err)
{
	bool		is_tls = strncmp(text, "https://", 8) == 0;
	const char *host = text + (is_tls ? 8 : 7);
	const char *colon = strrchr(text, ':');
	char	   *end;
	long		port;
	size_t		n;

	if (!is_tls && strncmp(text, "http://", 7) != 0)
		return error_user(err, "A listener must be http://HOST:PORT or https://HOST:PORT, not '%s'", text);
	if (is_tls && options->tls == NULL) {
		error_user(err, "The listener %s needs a certificate", text);
		return error_hint(err, "Set ssl.keystore.location (docs/security.md).");
	}
	port = colon > host - 1 && colon >= host ? strtol(colon + 1, &end, 10) : -1;
	if (port < 0 || port > 65535 || (*end != '\0' && strcmp(end, "/") != 0))
		return error_user(err, "The listener '%s' has no port between 0 and 65535", text);
	n = (size_t)(colon - host);
	if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
		host++;
		n -= 2;
	}
	*out = (HttpListener){.host = arena_strndup(&server->arena, host, n), .port = (int)port, .tls = is_tls ? options->tls : NULL};
	return OK;
}

static Status
open_http(Server *server, const ServerOptions *options, Error *err)
{
	static const char *const default_listeners[] = {DEFAULT_LISTENER};
	const char *const *texts = options->n_listeners > 0 ? options->listeners : default_listeners;
	int				   n = options->n_listeners > 0 ? options->n_listeners : 1;
	HttpOptions		   http = {.n_listeners = n, .idle_timeout_ms = settings_int(server->settings, "ksql.idle.connection.timeout.seconds") * 1000,
							   .request = on_request, .draining = on_draining, .context = server};

	server->listeners = arena_array(&server->arena, HttpListener, n);
	for (int i = 0; i < n; i++)
		TRY(parse_listener(server, texts[i], options, &server->listeners[i], err));
	http.listeners = server->listeners;
	TRY(http_server_open(&http, &server->http, err));
	server->n_listeners = n;
	snprintf(server->host, sizeof server->host, "%.255s:%d", server->listeners[0].host, http_server_port(server->http, 0));
	return OK;
}

static void
copy_setting(const char *name, const char *value, void *context)
{
	Error ignored;

	settings_set(context, name, value, &ignored);
}

Status
server_open(const ServerOptions *options, Server **out, Error *err)
{
	Server		  *server = xcalloc(1, sizeof *server);
	EngineOptions  engine = {.directory = options->directory, .env = options->env, .n_workers = options->n_workers};
	Status		   status;

	server->env = options->env != NULL ? options->env : &env_real;
	server->settings = settings_new(NULL);
	if (options->settings != NULL)
		settings_visit(options->settings, copy_setting, server->settings);
	engine.settings = server->settings;
	server->is_headless = options->queries_file != NULL;
	server->queries_file = options->queries_file;
	server->pool = pool_new(options->n_threads > 0 ? options->n_threads : DEFAULT_THREADS);
	TRY_OUT(open_http(server, options, err));
	status = engine_open(&engine, &server->engine, err);
out:
	if (status != OK) {
		server_close(server);
		server = NULL;
	}
	*out = server;
	return status;
}

int
server_port(const Server *server, int listener)
{
	return http_server_port(server->http, listener);
}

/* ---- running ---- */

typedef struct Recovery {
	Server *server;
	Status	status;
	Error	err;
} Recovery;

/* On the pool, while requests are answered with 50302 already. */
static void
recover(void *context)
{
	Recovery *recovery = context;
	Server	 *server = recovery->server;

	recovery->status = engine_need_store(server->engine, &recovery->err);
	if (recovery->status == OK && server->is_headless)
		recovery->status = headless_start(server, &recovery->err);
	if (recovery->status == OK)
		server->state = SERVER_READY;
	else
		http_server_stop(server->http);
}

Status
server_run(Server *server, Error *err)
{
	Recovery recovery = {.server = server, .status = OK};
	Status	 status;

	if (!pool_run(server->pool, recover, &recovery))
		return error_bug(err, "The pool of a new server takes no work");
	status = http_server_run(server->http, DRAIN_MS, err);
	pool_free(server->pool);
	server->pool = NULL;
	if (recovery.status == FAILED) {
		*err = recovery.err;
		return FAILED;
	}
	return status;
}

void
server_stop(Server *server)
{
	http_server_stop(server->http);
}

void
server_close(Server *server)
{
	if (server == NULL)
		return;
	if (server->engine != NULL)
		engine_end_live(server->engine);
	pool_free(server->pool);
	http_server_close(server->http);
	engine_close(server->engine);
	settings_free(server->settings);
	arena_free(&server->arena);
	free(server);
}
