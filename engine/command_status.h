#ifndef SLUICE_ENGINE_COMMAND_STATUS_H
#define SLUICE_ENGINE_COMMAND_STATUS_H

/*
 * What became of the commands that this process has carried out, by id ("stream/`S`/create"); a later command of one id replaces
 * the earlier.  Only the latest COMMAND_STATUSES_MAX are kept.  Thread safe.
 */
#include "data/json_build.h"
#include "engine/engine.h"

#define COMMAND_STATUSES_MAX 10000

typedef struct CommandStatus {
	const char *id;
	const char *status;			/* SUCCESS, ERROR, ... */
	const char *message;
	const char *query_id;		/* NULL: none */
	int64_t		sequence;		/* in the command log; -1: none */
} CommandStatus;

typedef struct CommandStatuses CommandStatuses;

CommandStatuses *command_statuses_new(void);
void			 command_statuses_free(CommandStatuses *statuses);

/* Copies the texts. */
void command_status_put(Engine *engine, const CommandStatus *status);

/* {"commandId", "commandStatus": {"status", "message", "queryId"}, "commandSequenceNumber"}: currentStatus without its statement. */
JsonValue command_status_entity(Arena *arena, const CommandStatus *status);

#endif
