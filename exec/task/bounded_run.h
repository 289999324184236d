#ifndef SLUICE_EXEC_TASK_BOUNDED_RUN_H
#define SLUICE_EXEC_TASK_BOUNDED_RUN_H

/*
 * Runs a bounded plan to its end.
 *
 * Sources are read one after the other: the build side of a hash join before its probe side, inputs of a union in order.
 * A pipeline from a source up to the first operator that can merge (aggregate, sort, join build) runs on several threads:
 * each has a clone of the operators and takes partitions (or ranges of a file) until none is left; then the clones are merged.
 * A plan whose input order is part of its meaning (grace in a bounded plan, streaming joins) is run by stream_run
 * with single_partition set instead; bounded_run does that by itself.
 */
#include "exec/plan.h"
#include "exec/task/progress.h"
#include "exec/task/task.h"

typedef struct BoundedOptions {
	const Env		   *env;
	const SourceContext *sources;
	RowLog			   *row_log;		/* called from several threads; NULL: count only */
	ResultCallback		result;
	void			   *result_context;
	TaskOutput		   *output;			/* for plans into a sink; NULL otherwise */
	MemoryBudget	   *budget;
	const char		   *temp_directory;	/* for what the budget does not hold; NULL: nothing is written out */
	int					n_threads;		/* 0: 1 */
	int64_t				batch_rows;		/* most rows of a batch pushed; 0: BATCH_ROWS */
	bool				is_timed;
	const _Atomic bool *interrupted;
	/* Called now and then from the thread that called bounded_run; NULL: never.  Units: bytes or records. */
	void (*progress)(void *context, const RunProgress *progress);		/* every 100 ms, on the thread of bounded_run, and with NULL when it is over; NULL: not wanted */
	void			   *progress_context;
	/* Called before the operators are closed, for EXPLAIN ANALYZE; NULL: never. */
	void (*inspect)(void *context, const Plan *plan, Op *const *ops, int n_ops);
	void			   *inspect_context;
	struct KeptRows	   *kept;			/* for plans into op_keep: where the rows go; NULL otherwise */
	struct KeptSet	   *outer;			/* kept.h: what the run has that this one is a part of; NULL: this is the whole query */
	const struct WorkingRows *working;	/* recursion.h: of the iterations that this plan is a step of; NULL: none */
} BoundedOptions;

typedef struct BoundedStats {
	int64_t rows_read;
	int64_t bytes_read;
	int64_t bad_rows;		/* rows that could not be read */
	int64_t failed_rows;	/* rows where an expression failed */
	int64_t late_rows;
} BoundedStats;

void bounded_stats_add(BoundedStats *into, const BoundedStats *from);

Status bounded_run(const Plan *plan, const BoundedOptions *options, BoundedStats *stats, Error *err);

#endif
