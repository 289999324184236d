#ifndef SLUICE_EXEC_TASK_TASK_H
#define SLUICE_EXEC_TASK_TASK_H

/*
 * A task: the operators of a plan for one partition, with what they share: scratch memory, the evaluation context, where
 * output goes.  One thread at a time.
 */
#include "data/record.h"
#include "exec/op/op.h"
#include "exec/op/sink.h"

/* Where op_sink hands its records, and rows of tables to keep.  The engine's implementation collects them for the
 * epoch's commit; `sluice test` writes them at once. */
typedef struct TaskOutput TaskOutput;
struct TaskOutput {
	/* One record for a topic; everything is borrowed.  `partition` is what the key's hash says (-1: no key). */
	Status (*write)(TaskOutput *output, const TopicSpec *topic, const Record *record, Error *err);
	/* The row of a table's key as of now; row.data NULL: deleted. */
	Status (*keep)(TaskOutput *output, const char *table_name, int32_t partition, Str key, Str row, Error *err);
};

/* Told of rows that an operator could not process, and of records that could not be read. */
typedef struct RowLog RowLog;
struct RowLog {
	/* `where` names the operator or the input; offset -1: not known. */
	void (*report)(RowLog *log, const char *where, int32_t partition, int64_t offset, const char *reason, Str raw);
};

struct Task {
	OpServices		services;
	EvalContext		eval;
	EvalLog			eval_log;		/* forwards to row_log */
	Arena			scratch;
	TaskOutput	   *output;
	RowLog		   *row_log;
	ResultCallback	result;
	void		   *result_context;
	struct KeptRows *kept;			/* for plans into op_keep; NULL otherwise */
	int64_t			sequence;
	Nanos			inner_nanos;	/* is_timed: of the calls that the call under way has made */
	int64_t			n_failed_rows;
};

/* Everything else zero; `env` is borrowed. */
void task_init(Task *task, const Env *env);
void task_free(Task *task);

#endif
