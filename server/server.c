/*
 * The server: opens the engine and the listeners, finds the endpoint of each request, and runs what may block on the pool.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/cors.h"
#include "server/listen.h"
#include "server/notify.h"
#include "server/server_impl.h"


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
	if (body.data == NULL)
		;
	else if (body.length == 0)
		answer_error(exchange, 40000, "The request body is missing: it must be a JSON object");
	else if (json_parse(&request->arena, body, JSON_STRICT, &request->body, &err) == FAILED)
		answer_error(exchange, 40000, "Malformed JSON in the request body: %s", err.message);
	else if (request->body.kind != JSON_OBJECT)
		answer_error(exchange, 40000, "The request body must be a JSON object");
	else
		request->endpoint->handle(request);
	request_release(request);
}

/* Is the server in a state to do it?  False: answered. */
static bool
is_served(Server *server, const Request *request)
{
	unsigned flags = request->endpoint->flags;
	int		 state = server->state;

	if (server->is_headless && !(flags & ENDPOINT_HEADLESS)) {
		headless_refuse(request);
		return false;
	}
	/* Health and figures can be asked in every state. */
	if (state == SERVER_READY || request->endpoint->handle == handle_healthcheck || request->endpoint->handle == handle_metrics)
		return true;
	if (state == SERVER_INITIALIZING)
		answer_error(request->exchange, 50302, "KSQL is not yet ready to serve requests.");
	else
		answer_error(request->exchange, state == SERVER_TERMINATING ? 50303 : 50304,
					 state == SERVER_TERMINATING ? "The server is shutting down" : "The server is shut down");
	return false;
}

/* Who asks is known, and may. */
static void
serve_request(Request *request)
{
	Server *server = request->server;

	/* The client may have left while its password was verified. */
	if (http_is_closed(request->exchange) || !is_served(server, request))
		return;
	if (request->endpoint->flags & ENDPOINT_BODY) {
		request_hold(request);
		http_collect_body(request->exchange, (size_t)settings_int(server->settings, "http.max.request.bytes"), handle_body, request);
	} else
		request->endpoint->handle(request);
}

static void
on_request(void *context, HttpExchange *exchange)
{
	Server	*server = context;
	Request *request = request_new(server, exchange);

	server->n_requests++;
	request->endpoint = endpoint_find(http_method(exchange), http_path(exchange), &request->arena, request->segments);
	http_set_state(exchange, (void *)request->endpoint);
	if (cors_check(server->settings, exchange))
		;
	else if (request->endpoint == NULL)
		http_respond(exchange, 404, "text/plain", NULL, 0, STR("Not Found"));
	else if (request->endpoint->flags & ENDPOINT_ALWAYS)
		request->endpoint->handle(request);
	else
		guard_admit(request, serve_request);
	request_release(request);
}

/* Without the query, in which /ws/query has its statement. */
static void
log_request(Log *log, HttpExchange *exchange, int status, Nanos took, int64_t bytes_sent)
{
	LogField fields[] = {LOG_TEXT("address", http_peer(exchange)), LOG_INT("status", status), LOG_SECONDS("seconds", took), LOG_INT("bytes", bytes_sent)};
	Str		 method = http_method(exchange), path = http_path(exchange);

	log_event(log, LOG_LEVEL_DEBUG, "http", fields, 4, "%.*s %.*s", (int)method.length, method.data, (int)path.length, path.data);
}

static void
on_finished(void *context, HttpExchange *exchange, int status, Nanos took, int64_t bytes_sent)
{
	Server		   *server = context;
	const Endpoint *endpoint = http_state(exchange);

	if (log_wants(server->guard->log, LOG_LEVEL_DEBUG))
		log_request(server->guard->log, exchange, status, took, bytes_sent);
	server_metrics_request(server->guard->metrics, endpoint != NULL ? (int)(endpoint - endpoint_rows) : -1, status, took, bytes_sent);
}

/* ---- opening ---- */

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

	log_line(server->guard->log, LOG_LEVEL_INFO, "server", "Stopping: what is in hand ends");
	service_notify("STOPPING=1");
	if (server->state != SERVER_TERMINATED)
		server->state = SERVER_TERMINATING;
	server->stop_by = nanos_now() + settings_int(server->settings, "server.shutdown.timeout.ms") * 1000000;
	engine_end_waits(server->engine);
	pool_run(server->pool, end_live, server);
}

static Status
open_http(Server *server, const char *listeners, Error *err)
{
	const Settings *settings = server->settings;
	HttpOptions		http = {.idle_timeout_ms = settings_int(settings, "ksql.idle.connection.timeout.seconds") * 1000,
							.head_timeout_ms = settings_int(settings, "http.header.timeout.ms"),
							.body_timeout_ms = settings_int(settings, "http.body.timeout.ms"),
							.websocket_ms = settings_int(settings, "ksql.websocket.connection.max.timeout.ms"),
							.max_connections = (int)settings_int(settings, "http.max.connections"),
							.max_header_bytes = (size_t)settings_int(settings, "http.max.header.bytes"),
							.request = on_request, .finished = on_finished, .draining = on_draining, .context = server};
	ListenAddress  *addresses;

	TRY(listen_parse(&server->arena, listeners, &addresses, &http.n_listeners, err));
	server->listeners = arena_array(&server->arena, HttpListener, http.n_listeners);
	for (int i = 0; i < http.n_listeners; i++)
		server->listeners[i] = (HttpListener){.host = addresses[i].host, .port = addresses[i].port,
											  .tls = addresses[i].is_tls ? tls_http(server->guard->tls) : NULL};
	http.listeners = server->listeners;
	TRY(http_server_open(&http, &server->http, err));
	server->n_listeners = http.n_listeners;
	snprintf(server->host, sizeof server->host, "%.255s:%d", server->listeners[0].host, http_server_port(server->http, 0));
	return OK;
}

/* Those of the options, or of the setting. */
static const char *
listeners_of(Server *server, const ServerOptions *options)
{
	StrBuf		text = {0};
	const char *listeners = settings_text(server->settings, "listeners");

	for (int i = 0; i < options->n_listeners; i++)
		strbuf_printf(&text, "%s%s", i > 0 ? "," : "", options->listeners[i]);
	if (text.length > 0)
		listeners = arena_strdup(&server->arena, strbuf_text(&text));
	strbuf_free(&text);
	return listeners;
}

static void
copy_setting(const char *name, const char *value, void *context)
{
	Error ignored;

	settings_set(context, name, value, &ignored);
}

static void
copy_unless_tls(const char *name, const char *value, void *context)
{
	if (strncmp(name, "ssl.", 4) != 0 || setting_find(name) == NULL)
		copy_setting(name, value, context);
}

/*
 * What the engine is told: all of it.  But where listeners speak TLS, the names ssl.* are theirs, and must not reach Kafka's clients, which know
 * some of them too; those are then told by ksql.streams.ssl.*.
 */
static Settings *
settings_of_engine(const Server *server)
{
	Settings *settings = settings_new(NULL);

	settings_visit(server->settings, server->guard->tls != NULL ? copy_unless_tls : copy_setting, settings);
	return settings;
}

Status
server_open(const ServerOptions *options, Server **out, Error *err)
{
	Server		  *server = xcalloc(1, sizeof *server);
	EngineOptions  engine = {.directory = options->directory, .env = options->env, .n_workers = options->n_workers};
	const char	  *listeners;
	Status		   status;

	server->env = options->env != NULL ? options->env : &env_real;
	server->settings = settings_new(NULL);
	if (options->settings != NULL)
		settings_visit(options->settings, copy_setting, server->settings);
	server->is_headless = options->queries_file != NULL;
	server->queries_file = options->queries_file;
	server->pool = pool_new(options->n_threads > 0 ? options->n_threads : POOL_THREADS);
	listeners = listeners_of(server, options);
	TRY_OUT(guard_open(server->settings, listeners, &server->guard, err));
	server->engine_settings = settings_of_engine(server);
	engine.settings = server->engine_settings;
	engine.file_access = server->guard->file_access;
	engine.log = server->guard->log;
	TRY_OUT(open_http(server, listeners, err));
	engine.host = server->host;
	TRY_OUT(engine_open(&engine, &server->engine, err));
	server->deadlines = deadlines_new(settings_int(server->settings, "ksql.server.command.response.timeout.ms"));
	server->health = health_new(server->engine, server->settings, server->guard->log);
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

#define RETRY_MS 2000	/* between two tries to reach the brokers */

/* Brokers may start after this server, as after a loss of power: it waits for them and says so. */
static Status
open_engine(Server *server, Error *err)
{
	Status status = engine_need_store(server->engine, err);

	while (status == FAILED && err->class == ERROR_TRANSIENT && !server->must_stop) {
		log_event(server->guard->log, LOG_LEVEL_WARN, "server", NULL, 0, "Not ready, trying again: %s", err->message);
		for (int ms = 0; ms < RETRY_MS && !server->must_stop; ms += 100)
			usleep(100000);
		if (!server->must_stop)
			status = engine_need_store(server->engine, err);
	}
	return status;
}

/* On the pool, while requests are answered with 50302 already. */
static void
recover(void *context)
{
	Recovery *recovery = context;
	Server	 *server = recovery->server;

	recovery->status = open_engine(server, &recovery->err);
	if (recovery->status == OK && server->is_headless)
		recovery->status = headless_start(server, &recovery->err);
	if (recovery->status == OK) {
		server->state = SERVER_READY;
		server->guard->startup = nanos_now() - server->guard->opened;
		log_event(server->guard->log, LOG_LEVEL_INFO, "server", &LOG_SECONDS("seconds", server->guard->startup), 1, "Ready");
		service_notify("READY=1");
	} else
		http_server_stop(server->http);
}

Status
server_run(Server *server, Error *err)
{
	Recovery recovery = {.server = server, .status = OK};
	Status	 status;

	if (!pool_run(server->pool, recover, &recovery))
		return error_bug(err, "The pool of a new server takes no work");
	status = http_server_run(server->http, settings_int(server->settings, "server.shutdown.timeout.ms"), err);
	/* Commands go on without their clients, but not for ever. */
	if (!pool_wait(server->pool, server->stop_by)) {
		log_line(server->guard->log, LOG_LEVEL_WARN, "server", "Stopping: what is in hand takes longer than server.shutdown.timeout.ms and is cancelled");
		engine_cancel_statements(server->engine);
	}
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
	server->must_stop = true;
	http_server_stop(server->http);
}

void
server_reload(Server *server)
{
	service_notify_reloading();
	guard_reload(server->guard);
	service_notify("READY=1");
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
	health_free(server->health);
	deadlines_free(server->deadlines);
	engine_close(server->engine);
	guard_close(server->guard);
	settings_free(server->engine_settings);
	settings_free(server->settings);
	arena_free(&server->arena);
	free(server);
}
