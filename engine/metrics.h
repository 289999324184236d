#ifndef SLUICE_ENGINE_METRICS_H
#define SLUICE_ENGINE_METRICS_H

/* What an engine counts, for monitoring. */
#include "common/metric.h"
#include "engine/engine.h"

/* Counted once an epoch or commit, by many threads.  Totals never go down, also when queries are dropped. */
typedef struct EngineCounters {
	_Atomic int64_t rows_in;
	_Atomic int64_t rows_out;
	_Atomic int64_t bad_rows;
	_Atomic int64_t epochs;
	_Atomic int64_t failures;			/* of persistent queries */
	_Atomic int64_t statements;
	_Atomic int64_t statement_errors;
	Latency			epoch;				/* from the first row to the commit's end, of epochs that took rows */
	Latency			commit;
	_Atomic int64_t recovery_nanos;		/* how long opening the data directory took */
} EngineCounters;

/*
 * Writes the engine's families.  Looks at every persistent query and asks the store for its positions: call it where some milliseconds
 * don't matter.  Lag is left out when a statement that changes the catalog holds it for longer than a second.
 */
void engine_write_metrics(Engine *engine, MetricWriter *writer);

#endif
