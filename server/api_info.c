/*
 * What the server tells of itself: identity, health, states of commands.
 */
#include <stdio.h>

#include "server/server_impl.h"

static const char *
service_id(const Server *server)
{
	return settings_text(server->settings, "ksql.service.id");
}

static CommandRunnerState
command_state(const Server *server)
{
	return engine_command_runner(server->engine, settings_int(server->settings, "ksql.server.command.blocked.threshold.error.ms"));
}

void
handle_root(Request *request)
{
	static const HttpHeader location[] = {{"location", "/info"}};

	http_respond(request->exchange, 307, NULL, location, 1, STR(""));
}

void
handle_info(Request *request)
{
	Arena	 *arena = &request->arena;
	JsonValue object = json_object(), info = json_object();

	json_add(arena, &info, "version", json_string(SERVER_VERSION));
	json_add(arena, &info, "kafkaClusterId", json_string(engine_cluster_id(request->server->engine)));
	json_add(arena, &info, "ksqlServiceId", json_string(service_id(request->server)));
	json_add(arena, &info, "serverStatus", json_string(command_runner_state_name(command_state(request->server))));
	json_add(arena, &object, "KsqlServerInfo", info);
	answer_json(request->exchange, &object);
}

/* ---- figures ---- */

static void
run_metrics(void *context)
{
	Request *request = context;
	Server	*server = request->server;
	StrBuf	 text = {0};

	guard_metrics(server->guard, server->engine, http_server_connections(server->http), &text);
	http_respond(request->exchange, 200, METRICS_CONTENT_TYPE, NULL, 0, strbuf_str(&text));
	strbuf_free(&text);
	request_release(request);
}

/* On the pool: lag is asked of the store. */
void
handle_metrics(Request *request)
{
	request_hold(request);
	if (!request_run(request, run_metrics, request))
		request_release(request);
}

/* ---- health ---- */

static const char *
state_name(int state)
{
	static const char *const names[] = {"INITIALIZING", "READY", "TERMINATING", "TERMINATED"};

	return names[state];
}

static void
answer_health(Request *request, const HealthReport *report)
{
	Arena	 *arena = &request->arena;
	JsonValue object = json_object(), details = json_object();
	bool	  is_healthy = true;

	for (int i = 0; i < HEALTH_PARTS; i++) {
		JsonValue part = json_object();

		json_add(arena, &part, "isHealthy", json_bool(report->is_healthy[i]));
		json_add(arena, &details, health_part_names[i], part);
		is_healthy = is_healthy && report->is_healthy[i];
	}
	json_add(arena, &object, "isHealthy", json_bool(is_healthy));
	json_add(arena, &object, "details", details);
	json_add(arena, &object, "serverState", json_string(state_name(request->server->state)));
	answer_json(request->exchange, &object);
}

static void
run_healthcheck(void *context)
{
	Request		*request = context;
	HealthReport report;

	health_look(request->server->health, &report);
	answer_health(request, &report);
	request_release(request);
}

/* Nothing works before the server is ready, and it is not for use after it. */
void
handle_healthcheck(Request *request)
{
	HealthReport report = {0};

	if (request->server->state != SERVER_READY || health_known(request->server->health, &report)) {
		answer_health(request, &report);
		return;
	}
	request_hold(request);
	if (!request_run(request, run_healthcheck, request))
		request_release(request);
}

void
handle_live(Request *request)
{
	http_respond(request->exchange, 200, JSON_TYPE, NULL, 0, STR("{}"));
}

static JsonValue
cluster_id(Request *request)
{
	Arena	 *arena = &request->arena;
	JsonValue id = json_object(), scope = json_object(), clusters = json_object();

	json_add(arena, &clusters, "kafka-cluster", json_string(engine_cluster_id(request->server->engine)));
	json_add(arena, &clusters, "ksql-cluster", json_string(service_id(request->server)));
	json_add(arena, &scope, "path", json_array());
	json_add(arena, &scope, "clusters", clusters);
	json_add(arena, &id, "scope", scope);
	json_add(arena, &id, "id", json_string(""));
	return id;
}

void
handle_metadata(Request *request)
{
	JsonValue object = json_object();

	json_add(&request->arena, &object, "version", json_string(SERVER_VERSION));
	json_add(&request->arena, &object, "clusterId", cluster_id(request));
	answer_json(request->exchange, &object);
}

void
handle_metadata_id(Request *request)
{
	JsonValue id = cluster_id(request);

	answer_json(request->exchange, &id);
}

/* One host, which answers: this one. */
void
handle_cluster_status(Request *request)
{
	Arena	 *arena = &request->arena;
	JsonValue object = json_object(), hosts = json_object(), host = json_object(), lags = json_object();
	int64_t	  now = env_now(request->server->env);

	json_add(arena, &lags, "stateStoreLags", json_object());
	json_add(arena, &lags, "updateTimeMs", json_int(arena, now));
	json_add(arena, &host, "hostAlive", json_bool(true));
	json_add(arena, &host, "lastStatusUpdateMs", json_int(arena, now));
	json_add(arena, &host, "activeStandbyPerQuery", engine_active_queries(request->server->engine, arena));
	json_add(arena, &host, "hostStoreLags", lags);
	json_add(arena, &hosts, request->server->host, host);
	json_add(arena, &object, "clusterStatus", hosts);
	answer_json(request->exchange, &object);
}

void
handle_status_all(Request *request)
{
	JsonValue object = json_object();

	json_add(&request->arena, &object, "commandStatuses", engine_command_statuses(request->server->engine, &request->arena));
	answer_json(request->exchange, &object);
}

void
handle_status(Request *request)
{
	const char *id = arena_printf(&request->arena, "%s/%s/%s", request->segments[0], request->segments[1], request->segments[2]);
	JsonValue	status;

	if (engine_command_status(request->server->engine, id, &request->arena, &status))
		answer_json(request->exchange, &status);
	else
		answer_error(request->exchange, 40400, "Command not found: %s", id);
}

void
handle_is_valid_property(Request *request)
{
	const char	  *name = request->segments[0];
	const Setting *row = setting_find(name);

	if (row == NULL)
		answer_error(request->exchange, 40000, "Not recognizable as ksql, streams, consumer, or producer property: '%s'", name);
	else if (row->scope == SCOPE_SERVER)
		answer_error(request->exchange, 40000, "One or more properties overrides set locally are prohibited by the KSQL server: [%s]", name);
	else
		http_respond(request->exchange, 200, JSON_TYPE, NULL, 0, STR("true"));
}

void
handle_internal(Request *request)
{
	http_respond(request->exchange, 400, KSQL_TYPE, NULL, 0,
				 STR("{\"@type\":\"generic_error\",\"error_code\":50000,\"message\":\"Can't call internal endpoint on public listener\"}"));
}
