#ifndef SLUICE_EXEC_TASK_STREAM_RUN_H
#define SLUICE_EXEC_TASK_STREAM_RUN_H

/*
 * A continuous query at work: its sources, its operators for every partition, and the loop that takes rows from the input
 * whose next row comes first.  Used by one thread at a time; the caller decides when to run an epoch, and commits what came
 * of it: output (through TaskOutput), state (through StateBackend) and positions, as one.
 *
 * Order between inputs: by `order` (sluice test: the order of the case), else by event time, then by input number.  The order
 * within a partition never changes.  Rows of one input that may go together are pushed as one batch.
 */
#include "exec/plan.h"
#include "exec/task/graph.h"

struct StateBackend;

typedef struct StreamRunOptions {
	const Env		   *env;
	const SourceContext *sources;		/* for opening the plan's sources */
	/* Another context for some of them (sluice test: the case's inputs); NULL: always `sources`. */
	const SourceContext *(*sources_for)(void *context, const SourceSpec *source);
	TaskOutput		   *output;
	RowLog			   *row_log;
	ResultCallback		result;
	void			   *result_context;
	MemoryBudget	   *budget;
	bool				refuses_large;		/* a value that memory does not hold fails the run (bounded), rather than being NULL */
	bool				is_compacting;
	int64_t			 collect_list_limit;	/* of COLLECT_LIST and COLLECT_SET; 0 and less: none */
	int64_t			 collect_set_limit;
	bool				is_timed;
	bool				single_partition;	/* all partitions in one task (sluice test, bounded plans in order) */
	int64_t				epoch_rows;			/* 0: 65536 */
	int64_t				batch_rows;			/* most rows of a batch pushed; 0: BATCH_ROWS */
	int64_t				epoch_ms;			/* 0: no limit of time */
	Time				start_time;			/* event time that an earlier run of the query reached; 0: none */
	int64_t				idle_timeout_ms;	/* without a row for so long, event time moves on with the clock; 0: never */
	int64_t				max_idle_ms;		/* how long rows wait for an input that has none, for the order of time */
	const _Atomic bool *interrupted;
	/* Durable state of a partition; NULL: state is not durable. */
	struct StateBackend *(*state)(void *context, int partition);
	/* Where an input was left off; false: never read. */
	bool (*position)(void *context, const SourceSpec *source, int partition, int64_t *position);
	/* Which partitions are read here: those of others are left alone.  NULL: all. */
	bool (*owns)(void *context, const SourceSpec *source, int partition);
	int n_partitions;					/* tasks, one a partition; 0: as many as the topic with the most has partitions */
	bool tasks_apart;					/* no operator sees rows of two tasks: the order of event times holds within a task only, and none waits for another */
	/* Place of a row among all inputs; NULL: event time. */
	int64_t (*order)(void *context, const SourceSpec *source, int partition, int64_t offset, Time time);
	void *context;
} StreamRunOptions;

typedef struct StreamRun StreamRun;

Status stream_run_open(const Plan *plan, const StreamRunOptions *options, StreamRun **out, Error *err);
void   stream_run_close(StreamRun *run);

/*
 * One epoch: takes what the inputs have, up to the limits, and flushes.  *n_rows: rows taken (0: nothing was there).
 * DONE: every source has ended and the operators have finished, or a LIMIT was reached: the query is complete once this
 * epoch is committed.
 */
Status stream_run_epoch(StreamRun *run, int64_t *n_rows, Error *err);

/* Tells the operators that event time has passed `time` although no record came (idle time-out). */
Status stream_run_advance(StreamRun *run, Time time, Error *err);

/* Positions that the last epoch reached: visit(SourceSpec.input, partition, next position). */
void stream_run_positions(const StreamRun *run, void (*visit)(void *context, const char *input, int partition, int64_t position),
						  void *context);

/* Operators that must see all partitions: a plan that has one is a single task. */
bool stream_op_needs_all(const PlanNode *node);

const Graph *stream_run_graph(const StreamRun *run);
Time		 stream_run_time(const StreamRun *run);	/* greatest event time taken; INT64_MIN: none */

/*
 * For whoever is told of a row that failed (RowLog, BadRecordLog), from within: the record that it comes from, of the input that is being
 * read or pushed, and the source of that input (*source; NULL: none).  NULL: it is not a topic's, or not at hand.
 */
const Record *stream_run_record(const StreamRun *run, int32_t partition, int64_t offset, const SourceSpec **source);

/* What the run has done since it was opened. */
typedef struct StreamRunFigures {
	int64_t state_rows;		/* that its operators keep now */
	int64_t bytes_read;		/* keys and values of records; lines of files */
	int64_t late_rows;		/* left out because they came too late */
} StreamRunFigures;

/* Adds the run's to *out. */
void stream_run_add_figures(const StreamRun *run, StreamRunFigures *out);

/* Share done, for progress: units read and in all (0: unknown). */
void stream_run_progress(const StreamRun *run, int64_t *done, int64_t *all);

#endif
