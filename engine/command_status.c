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

bool
engine_command_status(Engine *engine, const char *id, Arena *arena, JsonValue *out)
{
	CommandStatuses *statuses = engine->command_statuses;
	Entry			*entry;

	pthread_mutex_lock(&statuses->lock);
	entry = entry_find(statuses, id);
	if (entry != NULL)
		*out = status_value(arena, entry->status, entry->message, entry->query_id);
	pthread_mutex_unlock(&statuses->lock);
	return entry != NULL;
}

JsonValue
engine_command_statuses(Engine *engine, Arena *arena)
{
	CommandStatuses *statuses = engine->command_statuses;
	JsonValue		 all = json_object();

	pthread_mutex_lock(&statuses->lock);
	for (int i = 0; i < statuses->n; i++)
		json_add(arena, &all, arena_strdup(arena, statuses->entries[i].id), json_string(arena_strdup(arena, statuses->entries[i].status)));
	pthread_mutex_unlock(&statuses->lock);
	return all;
}
