#ifndef SLUICE_ENGINE_HEALTH_H
#define SLUICE_ENGINE_HEALTH_H

/*
 * Whether what an engine stands on works, looked at now.  After engine_need_store has succeeded; any thread.  None of them takes a lock that
 * a statement holds, but a disk that does not answer holds up who asks it: ask from a thread that may wait.
 */
#include "engine/engine.h"

/* Reads the store past its caches, and the catalog. */
Status engine_check_store(Engine *engine, Error *err);

/* On Kafka: a broker answers within the time.  Else: the data directory takes a write. */
Status engine_check_topics(Engine *engine, int64_t timeout_ms, Error *err);

/* In ksqlDB's words RUNNING, ERROR and DEGRADED. */
typedef enum CommandRunnerState {
	COMMANDS_RUNNING,
	COMMANDS_BLOCKED,		/* one statement that changes the catalog holds up the others */
	COMMANDS_DEGRADED,		/* on Kafka: a command of another process could not be applied here; until the next start */
} CommandRunnerState;
#define COMMAND_RUNNER_STATES 3

/* `blocked_ms`: how long one command may take. */
CommandRunnerState engine_command_runner(const Engine *engine, int64_t blocked_ms);
const char		  *command_runner_state_name(CommandRunnerState state);

/* The id of Kafka's cluster, as long as the engine; "embedded" where topics are in the data directory. */
const char *engine_cluster_id(const Engine *engine);

#endif
