#include "engine/command_status.h"
#include "engine/engine_impl.h"

#include <stdlib.h>

typedef struct Entry {
	char   *id;
	char   *status;
	char   *message;
	char   *query_id;
	int64_t sequence;
} Entry;

struct CommandStatuses {
	pthread_mutex_t lock;
	int				n;
	int				capacity;
	int				next;		/* to be replaced, once there are as many as may be */
	Entry		   *entries;
	PendingCommand *pending;	/* the latest first */
};

CommandStatuses *
command_statuses_new(void)
{
	CommandStatuses *statuses = xcalloc(1, sizeof *statuses);

	pthread_mutex_init(&statuses->lock, NULL);
	return statuses;
}

static void
entry_clear(Entry *entry)
{
	free(entry->id);
	free(entry->status);
	free(entry->message);
	free(entry->query_id);
	*entry = (Entry){0};
}

void
command_statuses_free(CommandStatuses *statuses)
{
	if (statuses == NULL)
		return;
	for (int i = 0; i < statuses->n; i++)
		entry_clear(&statuses->entries[i]);
	pthread_mutex_destroy(&statuses->lock);
	free(statuses->entries);
	free(statuses);
}

static Entry *
entry_find(CommandStatuses *statuses, const char *id)
{
	for (int i = statuses->n; i-- > 0;)
		if (strcmp(statuses->entries[i].id, id) == 0)
			return &statuses->entries[i];
	return NULL;
}

void
command_status_put(Engine *engine, const CommandStatus *status)
{
	CommandStatuses *statuses = engine->command_statuses;
	Entry			*entry;

	pthread_mutex_lock(&statuses->lock);
	entry = entry_find(statuses, status->id);
	if (entry == NULL && statuses->n < COMMAND_STATUSES_MAX) {
		grow_array(statuses->entries, statuses->n, statuses->capacity);
		entry = &statuses->entries[statuses->n++];
		*entry = (Entry){0};
	} else if (entry == NULL) {
		entry = &statuses->entries[statuses->next];
		statuses->next = (statuses->next + 1) % COMMAND_STATUSES_MAX;
	}
	entry_clear(entry);
	*entry = (Entry){.id = xstrdup(status->id), .status = xstrdup(status->status), .message = xstrdup(status->message),
					 .query_id = status->query_id != NULL ? xstrdup(status->query_id) : NULL, .sequence = status->sequence};
	pthread_mutex_unlock(&statuses->lock);
}

static JsonValue
status_value(Arena *arena, const char *status, const char *message, const char *query_id)
{
	JsonValue value = json_object();

	json_add(arena, &value, "status", json_string(arena_strdup(arena, status)));
	json_add(arena, &value, "message", json_string(arena_strdup(arena, message)));
	json_add(arena, &value, "queryId", json_string(arena_strdup(arena, query_id)));
	return value;
}

JsonValue
command_status_entity(Arena *arena, const CommandStatus *status)
{
	JsonValue object = json_object();

	json_add(arena, &object, "commandId", json_string(arena_strdup(arena, status->id)));
	json_add(arena, &object, "commandStatus", status_value(arena, status->status, status->message, status->query_id));
	json_add(arena, &object, "commandSequenceNumber", json_int(arena, status->sequence));
	return object;
}

/* ---- commands in hand ---- */

static const char queued_message[] = "Statement waits for earlier commands";

static const char *
pending_message(const PendingCommand *command)
{
	return strcmp(command->status, "QUEUED") == 0 ? queued_message : strcmp(command->status, "PARSING") == 0 ? "Parsing statement" : "Executing statement";
}

/* Under the lock. */
static PendingCommand *
pending_find(const CommandStatuses *statuses, const char *id)
{
	PendingCommand *command = statuses->pending;

	while (command != NULL && strcmp(command->id, id) != 0)
		command = command->next;
	return command;
}

void
command_begin(Engine *engine, PendingCommand *command)
{
	CommandStatuses *statuses = engine->command_statuses;

	command->status = "QUEUED";
	command->is_logged = command->is_told = false;
	pthread_mutex_lock(&statuses->lock);
	command->next = statuses->pending;
	statuses->pending = command;
	pthread_mutex_unlock(&statuses->lock);
}

void
command_set(Engine *engine, PendingCommand *command, const char *status)
{
	pthread_mutex_lock(&engine->command_statuses->lock);
	command->status = status;
	pthread_mutex_unlock(&engine->command_statuses->lock);
}

void
command_end(Engine *engine, PendingCommand *command, Status status, const Error *err)
{
	CommandStatuses *statuses = engine->command_statuses;
	bool			 must_tell;

	pthread_mutex_lock(&statuses->lock);
	for (PendingCommand **c = &statuses->pending; *c != NULL; c = &(*c)->next)
		if (*c == command) {
			*c = command->next;
			break;
		}
	must_tell = status == FAILED && (command->is_logged || command->is_told);
	pthread_mutex_unlock(&statuses->lock);
	if (must_tell)
		engine_set_command_status(engine, command->id, "ERROR", err->message);
}

bool
session_command_in_hand(Session *session, Arena *arena, JsonValue *out)
{
	CommandStatuses *statuses = session->engine->command_statuses;
	PendingCommand	*command;

	pthread_mutex_lock(&statuses->lock);
	command = statuses->pending;
	while (command != NULL && command->session != session)
		command = command->next;
	if (command != NULL) {
		command->is_told = true;
		*out = command_status_entity(arena, &(CommandStatus){.id = command->id, .status = command->status, .message = pending_message(command), .sequence = -1});
	}
	pthread_mutex_unlock(&statuses->lock);
	return command != NULL;
}

void
engine_set_command_status(Engine *engine, const char *id, const char *status, const char *message)
{
	command_status_put(engine, &(CommandStatus){.id = id, .status = status, .message = message, .sequence = -1});
}

JsonValue
engine_queue_command(Engine *engine, const char *id, Arena *arena)
{
	CommandStatus status = {.id = id, .status = "QUEUED", .message = queued_message, .sequence = -1};

	command_status_put(engine, &status);
	return command_status_entity(arena, &status);
}

/* ---- asking ---- */

bool
engine_command_status(Engine *engine, const char *id, Arena *arena, JsonValue *out)
{
	CommandStatuses *statuses = engine->command_statuses;
	PendingCommand	*command;
	Entry			*entry;

	pthread_mutex_lock(&statuses->lock);
	command = pending_find(statuses, id);
	entry = entry_find(statuses, id);
	if (command != NULL)
		*out = status_value(arena, command->status, pending_message(command), NULL);
	else if (entry != NULL)
		*out = status_value(arena, entry->status, entry->message, entry->query_id);
	pthread_mutex_unlock(&statuses->lock);
	return command != NULL || entry != NULL;
}

JsonValue
engine_command_statuses(Engine *engine, Arena *arena)
{
	CommandStatuses *statuses = engine->command_statuses;
	JsonValue		 all = json_object();

	pthread_mutex_lock(&statuses->lock);
	for (PendingCommand *c = statuses->pending; c != NULL; c = c->next)
		if (pending_find(statuses, c->id) == c)
			json_add(arena, &all, arena_strdup(arena, c->id), json_string(arena_strdup(arena, c->status)));
	for (int i = 0; i < statuses->n; i++)
		if (pending_find(statuses, statuses->entries[i].id) == NULL)
			json_add(arena, &all, arena_strdup(arena, statuses->entries[i].id), json_string(arena_strdup(arena, statuses->entries[i].status)));
	pthread_mutex_unlock(&statuses->lock);
	return all;
}
