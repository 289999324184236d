#ifndef SLUICE_ENGINE_METRICS_H
#define SLUICE_ENGINE_METRICS_H

/* What an engine counts, for monitoring. */
#include "common/metric.h"
#include "engine/engine.h"

/* Kinds of the processing log's entries. */
typedef enum ProcessingError { ERROR_DESERIALIZATION, ERROR_PROCESSING, PROCESSING_ERRORS } ProcessingError;

/* Counted once an epoch or commit, by many threads.  Totals never go down, also when queries are dropped. */
typedef struct EngineCounters {
	_Atomic int64_t rows_in;
	_Atomic int64_t rows_out;
	_Atomic int64_t bytes_in;
	_Atomic int64_t bytes_out;
	_Atomic int64_t bad_rows;
	_Atomic int64_t errors[PROCESSING_ERRORS];	/* bad_rows by kind */
	_Atomic int64_t epochs;
	_Atomic int64_t failures;			/* of persistent queries */
	_Atomic int64_t statements;
	_Atomic int64_t statement_errors;
	Latency			epoch;				/* from the first row to the commit's end, of epochs that took rows */
	Latency			commit;
	_Atomic int64_t recovery_nanos;		/* how long opening the data directory took */
} EngineCounters;

/*
 * Writes the engine's families.  Looks at every persistent query, and asks the store or Kafka for positions and ends: call it where some
 * milliseconds don't matter.  Holds up no statement.  Kafka is asked for two seconds at most: the lag of what is left then is left out.
 */
void engine_write_metrics(Engine *engine, MetricWriter *writer);

#endif
