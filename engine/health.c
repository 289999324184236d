#include "engine/health.h"

#include "engine/engine_impl.h"

Status
engine_check_store(Engine *engine, Error *err)
{
	const CatalogSnapshot *catalog = catalog_snapshot(engine->catalog);
	int					   n = catalog_n_sources(catalog);

	catalog_release(catalog);
	/* The processing log is always there. */
	if (n == 0)
		return error_bug(err, "The catalog is empty");
	return store_probe(engine->store, err);
}

Status
engine_check_topics(Engine *engine, int64_t timeout_ms, Error *err)
{
	return topics_check(engine->topics, timeout_ms, err);
}

CommandRunnerState
engine_command_runner(const Engine *engine, int64_t blocked_ms)
{
	Nanos began = engine->ddl_began;

	if (began != 0 && nanos_now() - began > blocked_ms * 1000000)
		return COMMANDS_BLOCKED;
	return engine->n_skipped > 0 ? COMMANDS_DEGRADED : COMMANDS_RUNNING;
}

const char *
command_runner_state_name(CommandRunnerState state)
{
	static const char *const names[COMMAND_RUNNER_STATES] = {"RUNNING", "ERROR", "DEGRADED"};

	return names[state];
}

const char *
engine_cluster_id(const Engine *engine)
{
	return topics_cluster(engine->topics);
}
