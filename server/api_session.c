/*
 * The session that a request's body asks for: property overrides, variables, the command that has to have been carried out.
 */
#include <stdlib.h>
#include <time.h>

#include "server/server_impl.h"

/* A scalar of the body as text; NULL: it is none. */
static const char *
scalar_text(Arena *arena, const JsonValue *value)
{
	switch (value->kind) {
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_STRING:
	case JSON_NUMBER:
		return str_to_arena(arena, value->text);
	default:
		return NULL;
	}
}

static Status
apply_properties(Request *request, const char *member, Settings *settings, Error *err)
{
	const JsonValue *properties = json_member(&request->body, str_of(member));

	if (properties == NULL || properties->kind == JSON_NULL)
		return OK;
	if (properties->kind != JSON_OBJECT)
		return error_user(err, "%s must be an object of property names and values", member);
	for (uint32_t i = 0; i < properties->n; i++) {
		const char *name = str_to_arena(&request->arena, properties->members[i].name);
		const char *value = scalar_text(&request->arena, &properties->members[i].value);

		if (value == NULL && properties->members[i].value.kind == JSON_NULL)
			continue;
		if (value == NULL)
			return error_user(err, "The value of property '%s' must be a string, a number or a boolean", name);
		TRY(settings_check_override(request->server->settings, name, err));
		TRY(settings_set(settings, name, value, err));
	}
	return OK;
}

static Status
apply_variables(Request *request, Session *session, Error *err)
{
	const JsonValue *variables = json_member(&request->body, STR("sessionVariables"));

	if (variables == NULL || variables->kind == JSON_NULL)
		return OK;
	if (variables->kind != JSON_OBJECT)
		return error_user(err, "sessionVariables must be an object of names and texts");
	for (uint32_t i = 0; i < variables->n; i++) {
		const char *value = scalar_text(&request->arena, &variables->members[i].value);

		if (value == NULL)
			return error_user(err, "The value of variable '%s' must be a text", str_to_arena(&request->arena, variables->members[i].name));
		session_define(session, str_to_arena(&request->arena, variables->members[i].name), value);
	}
	return OK;
}

/* ksqlDB's rules, unless the server's settings or the request say otherwise. */
static Status
default_dialect(Server *server, Session *session, Error *err)
{
	if (settings_has(server->settings, "sql.dialect"))
		return OK;
	return settings_set(session_settings(session), "sql.dialect", "ksqldb", err);
}

Status
request_session(Request *request, const char *properties, Session **out, int *code, Error *err)
{
	Session *session = NULL;
	Status	 status;

	*code = 50000;
	TRY(session_open(request->server->engine, &session, err));
	session_set_user(session, request->user, request->role);
	status = default_dialect(request->server, session, err);
	if (status == OK) {
		*code = 40000;
		status = apply_properties(request, properties, session_settings(session), err);
	}
	if (status == OK)
		status = apply_variables(request, session, err);
	if (status != OK) {
		session_close(session);
		return status;
	}
	*out = session;
	return OK;
}

bool
request_wait_command(Request *request)
{
	const JsonValue *number = json_member(&request->body, STR("commandSequenceNumber"));
	int64_t			 wanted = number != NULL && number->kind == JSON_NUMBER ? json_int_of(&request->body, "commandSequenceNumber") : -1;
	int64_t			 timeout_ms = settings_int(request->server->settings, "ksql.server.command.response.timeout.ms");

	for (int64_t waited = 0; engine_last_command(request->server->engine) < wanted; waited += 10) {
		if (waited >= timeout_ms || http_is_closed(request->exchange)) {
			answer_error(request->exchange, 50301, "Timed out while waiting for a previous command to execute. command sequence number: %lld",
						 (long long)wanted);
			return false;
		}
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	return true;
}
