#ifndef SLUICE_ENGINE_COMMAND_STATUS_H
#define SLUICE_ENGINE_COMMAND_STATUS_H

/*
 * What becomes of commands, by id ("stream/`S`/create"): those in hand are QUEUED, PARSING or EXECUTING, those that this process has
 * carried out SUCCESS or ERROR; a later command of one id replaces the earlier.  A command that was refused before it came into the log, and that nobody was
 * told of as in hand, was none.  Only the latest COMMAND_STATUSES_MAX are kept.  Thread safe.
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

/* A command in hand; the struct and its id are the caller's until command_end.  `session` is asked for it by session_command_in_hand. */
typedef struct PendingCommand PendingCommand;
struct PendingCommand {
	PendingCommand *next;
	const Session  *session;
	const char	   *id;
	const char	   *status;
	bool			is_logged;
	bool			is_told;		/* somebody was told that it is in hand: how it ends must be told too */
};

void command_begin(Engine *engine, PendingCommand *command);
void command_set(Engine *engine, PendingCommand *command, const char *status);
void command_end(Engine *engine, PendingCommand *command, Status status, const Error *err);

/* {"commandId", "commandStatus": {"status", "message", "queryId"}, "commandSequenceNumber"}: currentStatus without its statement. */
JsonValue command_status_entity(Arena *arena, const CommandStatus *status);

#endif
