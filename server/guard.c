#include "server/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/redact.h"
#include "server/cors.h"
#include "server/listen.h"
#include "server/server_impl.h"

/* ---- making one ---- */

static LogForm
log_form(const Settings *settings)
{
	const char *text = settings_text(settings, "log.format");

	return strcasecmp(text, "json") == 0 ? LOG_FORM_JSON : strcasecmp(text, "text") == 0 ? LOG_FORM_TEXT : LOG_FORM_AUTO;
}

static Status
open_logs(Guard *guard, Error *err)
{
	const Settings *settings = guard->settings;
	const char	   *audit_file = settings_text(settings, "audit.log.file");
	LogOptions		options = {.path = settings_text(settings, "log.file"), .form = log_form(settings)};

	if (!log_level_parse(settings_text(settings, "log.level"), &options.level))
		return error_bug(err, "log.level has a value that its row does not allow");
	TRY(log_open(&options, &guard->log, err));
	if (audit_file == NULL) {
		guard->audit_log = guard->log;
		return OK;
	}
	options = (LogOptions){.path = audit_file, .level = LOG_LEVEL_INFO, .form = LOG_FORM_JSON};
	return log_open(&options, &guard->audit_log, err);
}

/* Without users there is nobody to tell of. */
static void
choose_audit(Guard *guard)
{
	const char *what = settings_text(guard->settings, "audit.log");

	if (what == NULL)
		what = guard->auth != NULL ? "all" : "none";
	guard->tells_reads = strcasecmp(what, "all") == 0;
	guard->tells_changes = strcasecmp(what, "none") != 0;
}

static Status
open_listeners(Guard *guard, const char *listeners, Error *err)
{
	Arena		   arena = {0};
	ListenAddress *addresses;
	int			   n;
	bool		   has_tls = false;
	Status		   status = listen_parse(&arena, listeners, &addresses, &n, err);

	if (status == OK)
		status = listen_check(addresses, n, guard->auth != NULL, settings_bool(guard->settings, "listen.insecure"), err);
	for (int i = 0; i < n && status == OK; i++)
		has_tls = has_tls || addresses[i].is_tls;
	if (status == OK && has_tls)
		status = tls_open(guard->settings, &guard->tls, err);
	arena_free(&arena);
	return status;
}

static void
list_routes(Guard *guard)
{
	while (endpoint_rows[guard->n_routes].method != NULL)
		guard->n_routes++;
	guard->routes = xcalloc((size_t)guard->n_routes + 1, sizeof *guard->routes);
	for (int i = 0; i < guard->n_routes; i++)
		guard->routes[i] = endpoint_rows[i].path;
	guard->metrics = server_metrics_new(guard->routes, guard->n_routes);
}

Status
guard_open(const Settings *settings, const char *listeners, Guard **out, Error *err)
{
	Guard *guard = xcalloc(1, sizeof *guard);
	Status status = OK;

	guard->settings = settings;
	guard->opened = nanos_now();
	TRY_OUT(open_logs(guard, err));
	TRY_OUT(auth_open(settings, &guard->auth, err));
	choose_audit(guard);
	TRY_OUT(open_listeners(guard, listeners, err));
	TRY_OUT(file_access_new(settings_text(settings, "file.access"), settings_text(settings, "url.access"), &guard->file_access, err));
	guard->limits = limits_new(settings);
	list_routes(guard);
	*out = guard;
	return OK;
out:
	guard_close(guard);
	return status;
}

void
guard_close(Guard *guard)
{
	if (guard == NULL)
		return;
	server_metrics_free(guard->metrics);
	free(guard->routes);
	limits_free(guard->limits);
	file_access_free(guard->file_access);
	tls_close(guard->tls);
	auth_close(guard->auth);
	if (guard->audit_log != guard->log)
		log_close(guard->audit_log);
	log_close(guard->log);
	free(guard);
}

/* ---- reloading ---- */

static bool
told_failure(Guard *guard, Status status, const Error *err)
{
	if (status != FAILED)
		return false;
	log_event(guard->log, LOG_LEVEL_ERROR, "server", &LOG_TEXT("hint", err->hint[0] != '\0' ? err->hint : NULL), 1,
			  "Not read again, the old stays in use: %s", err->message);
	return true;
}

void
guard_reload(Guard *guard)
{
	Error err;
	bool  failed = told_failure(guard, log_reopen(guard->log, &err), &err);

	if (guard->audit_log != guard->log)
		failed |= told_failure(guard, log_reopen(guard->audit_log, &err), &err);
	failed |= told_failure(guard, auth_reload(guard->auth, &err), &err);
	failed |= told_failure(guard, tls_reload(guard->tls, &err), &err);
	audit_operator(guard->log, failed ? "SIGHUP: not everything could be read again" : "SIGHUP: logs, users and certificates are read again");
}

/* ---- who it is ---- */

typedef struct Admission {
	Request *request;
	void (*go_on)(Request *request);
	AuthResult result;
	AuthUser   user;
} Admission;

static void
refuse_login(Request *request, AuthResult result)
{
	Guard		*guard = request->server->guard;
	HttpExchange *exchange = request->exchange;
	HttpHeader	 challenge = {"www-authenticate", auth_challenge(guard->auth)}, wait = {"retry-after", "60"};

	if (result == AUTH_LIMITED) {
		audit_login_failed(guard->audit_log, http_peer(exchange), "too many failures");
		answer_error_with(exchange, 42900, &wait, "Too many log-ins failed: try again in a minute");
		return;
	}
	if (result == AUTH_REFUSED)
		audit_login_failed(guard->audit_log, http_peer(exchange), "wrong user or password");
	answer_error_with(exchange, 40100, &challenge, result == AUTH_MISSING ? "The server cannot be used without logging in" : "Wrong user or password");
}

/* Who it is is known: may they use the endpoint? */
static void
admit_user(Request *request, const AuthUser *user, void (*go_on)(Request *request))
{
	request->user = arena_strdup(&request->arena, user->name);
	request->role = user->role;
	if (request->role >= request->endpoint->role) {
		go_on(request);
		return;
	}
	answer_error(request->exchange, 40300, "%s %s is not permitted to user '%s', whose role is %s: it needs the role %s", request->endpoint->method,
				 request->endpoint->path, request->user, role_name(request->role), role_name(request->endpoint->role));
}

/* Back on the loop. */
static void
finish_admission(void *context)
{
	Admission *admission = context;
	Request	  *request = admission->request;

	if (admission->result == AUTH_OK)
		admit_user(request, &admission->user, admission->go_on);
	else
		refuse_login(request, admission->result);
	free(admission);
	request_release(request);
}

/* On the pool: this takes its time. */
static void
verify_password(void *context)
{
	Admission *admission = context;
	Request	  *request = admission->request;
	Server	  *server = request->server;

	admission->result = auth_verify(server->guard->auth, http_header(request->exchange, "authorization"), http_peer(request->exchange), &admission->user);
	http_server_post(server->http, finish_admission, admission);
}

static void
verify_later(Request *request, void (*go_on)(Request *request))
{
	Admission *admission = xcalloc(1, sizeof *admission);

	*admission = (Admission){.request = request, .go_on = go_on};
	http_delay_body(request->exchange);
	request_hold(request);
	if (!request_run(request, verify_password, admission)) {
		request_release(request);
		free(admission);
	}
}

void
guard_admit(Request *request, void (*go_on)(Request *request))
{
	Guard		*guard = request->server->guard;
	HttpExchange *exchange = request->exchange;
	AuthUser	 user;
	AuthResult	 result;

	if (cors_is_foreign(guard->settings, exchange)) {
		answer_error(exchange, 40300, "Web pages of other origins may not use this server: its setting access.control.allow.origin lists those that may");
		return;
	}
	if (guard->auth == NULL && !settings_bool(guard->settings, "listen.insecure") && !cors_host_is_ours(guard->settings, exchange)) {
		answer_error(exchange, 40300, "The request is for a host that this server is not known as: use localhost or an address, or set ksql.advertised.listener");
		return;
	}
	if (guard->auth == NULL || request->endpoint->role == ROLE_NONE || auth_is_open(guard->auth, http_path(exchange))) {
		request->role = guard->auth == NULL ? ROLE_ADMIN : ROLE_READ;
		go_on(request);
		return;
	}
	result = auth_check(guard->auth, http_header(exchange, "authorization"), http_peer_name(exchange), http_peer(exchange), &user);
	if (result == AUTH_OK)
		admit_user(request, &user, go_on);
	else if (result == AUTH_VERIFY)
		verify_later(request, go_on);
	else
		refuse_login(request, result);
}

/* ---- statements ---- */

typedef struct StatementCheck {
	const Request *request;
	int64_t		   n;
	int64_t		   max;
	int			   code;		/* of a refusal; 0: none.  Parse errors are others' business */
} StatementCheck;

static Status
check_statement(void *context, const StatementPermission *statement, Error *err)
{
	StatementCheck *check = context;
	const Request  *request = check->request;

	if (request->role < statement->role) {
		check->code = 40300;
		error_denied(err, "%s is not permitted to user '%s', whose role is %s", statement->name, request->user != NULL ? request->user : "",
					 role_name(request->role));
		return error_hint(err, "It needs the role %s.", role_name(statement->role));
	}
	if (++check->n > check->max) {
		check->code = 40000;
		error_user(err, "A request may have %lld statements", (long long)check->max);
		return error_hint(err, "Send them in several requests, or raise the server's setting request.max.statements.");
	}
	if (statement->is_command && limits_command(request->server->guard->limits, err) == FAILED) {
		check->code = 42900;
		return FAILED;
	}
	return OK;
}

Status
guard_statements(const Request *request, Str sql, int *code, Error *err)
{
	StatementCheck check = {.request = request, .max = settings_int(request->server->settings, "request.max.statements")};

	statements_visit(sql, true, check_statement, &check, err);
	*code = check.code;
	return check.code != 0 ? FAILED : OK;
}

/* ---- telling ---- */

static Status
find_change(void *context, const StatementPermission *statement, Error *err)
{
	bool *is_change = context;

	(void)err;
	*is_change = *is_change || statement->role > ROLE_READ;
	return *is_change ? DONE : OK;
}

/* Is a text to be told of?  Refusals always are. */
static bool
is_told(const Guard *guard, Str sql, Status status, const Error *err)
{
	bool  is_change = false;
	Error ignored;

	if (guard->tells_reads || !guard->tells_changes)
		return guard->tells_reads;
	if (status == FAILED && err->class == ERROR_DENIED)
		return true;
	statements_visit(sql, true, find_change, &is_change, &ignored);
	return is_change;
}

static AuditEvent
event_of(const Request *request, Status status, const Error *err)
{
	return (AuditEvent){.user = request->user, .address = http_peer(request->exchange), .endpoint = request->endpoint->path, .status = status,
						.class = status == FAILED ? err->class : ERROR_USER, .took = nanos_now() - http_began(request->exchange)};
}

void
guard_told(const Request *request, Str sql, const char *query_id, Status status, const Error *err)
{
	Guard	  *guard = request->server->guard;
	AuditEvent event;

	if (!is_told(guard, sql, status, err))
		return;
	event = event_of(request, status, err);
	event.sql = sql;
	event.query_id = query_id;
	audit_statements(guard->audit_log, &event);
}

void
guard_told_inserts(const Request *request, const char *target, Status status, const Error *err)
{
	Guard	  *guard = request->server->guard;
	AuditEvent event = event_of(request, status, err);
	StrBuf	   what = {0};

	if (!guard->tells_changes)
		return;
	strbuf_printf(&what, "Rows are streamed into %s", target);
	audit_action(guard->audit_log, &event, strbuf_text(&what));
	strbuf_free(&what);
}

/* ---- figures ---- */

void
guard_metrics(Guard *guard, Engine *engine, int n_connections, StrBuf *out)
{
	MetricSources sources = {
		.engine = engine, .auth = guard->auth, .tls = guard->tls, .limits = guard->limits, .log = guard->log, .audit_log = guard->audit_log,
		.n_connections = n_connections, .version = SERVER_VERSION, .service_id = settings_text(guard->settings, "ksql.service.id"),
		.custom_tags = settings_text(guard->settings, "ksql.metrics.tags.custom"), .startup = guard->startup,
		.blocked_ms = settings_int(guard->settings, "ksql.server.command.blocked.threshold.error.ms"),
	};

	server_metrics_write(guard->metrics, &sources, out);
}

/* ---- the table ---- */

static void
add_marks(StrBuf *out, Role least, Role first)
{
	for (int role = (int)first; role <= ROLE_ADMIN; role++)
		strbuf_add_text(out, role >= (int)least ? " yes |" : " |");
}

void
permissions_print(StrBuf *out)
{
	StatementPermission statement;

	strbuf_add_text(out, "# What roles may do\n\nPrinted by `sluice server --print-permissions` from the tables that the server checks against; "
						 "[security.md](security.md) says what the roles are.\nWithout authentication everybody has the role admin.\n\n"
						 "## Endpoints\n\n| endpoint | not logged in | read | write | admin | purpose |\n|---|---|---|---|---|---|\n");
	for (const Endpoint *e = endpoint_rows; e->method != NULL; e++) {
		strbuf_printf(out, "| `%s %s` |", e->method, e->path);
		add_marks(out, e->role, ROLE_NONE);
		strbuf_printf(out, " %s |\n", e->purpose);
	}
	strbuf_add_text(out, "\n## Statements\n\nOver every endpoint that takes statements, RUN SCRIPT's own included.\n\n"
						 "| statement | read | write | admin |\n|---|---|---|---|\n");
	for (int i = 0; statement_permission(i, &statement); i++) {
		strbuf_printf(out, "| `%s` |", statement.name);
		add_marks(out, statement.role, ROLE_READ);
		strbuf_add_text(out, "\n");
	}
}
