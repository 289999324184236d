#ifndef SLUICE_EXEC_OP_OP_H
#define SLUICE_EXEC_OP_OP_H

/*
 * Operators: what a plan is made of.  Push, one interface for bounded and continuous plans.
 *
 * A kind of operator is one const OpType; an instance begins with Op; its parameters are a const spec that belongs to
 * the plan.  An instance is used by one thread at a time (its task's).  A method left NULL forwards to the outputs.
 *
 * Table changes.  A stream of a table's changes carries ROW_UPSERT and ROW_DELETE only; an operator that must know a
 * row's previous state (filter on a table, aggregate over a table, joins) keeps what it needs in its own state.
 *
 * The law: a batch of n rows means exactly what n batches of one row mean, in the same order.
 */
#include "common/budget.h"
#include "common/env.h"
#include "common/spill.h"
#include "data/batch.h"
#include "exec/expr/program.h"

typedef struct Op Op;
typedef struct OpType OpType;
typedef struct Task Task;
typedef struct Explain Explain;

struct OpType {
	const char *name;			/* as EXPLAIN shows it: "Filter" */
	size_t		size;			/* of the instance, beginning with Op */
	int			ports;			/* inputs; -1: any number */

	/* Once, before anything else, from the inputs up to the sink in plan order; op->spec is set.  Compiles programs,
	 * loads durable state.  DONE: no input is wanted at all (LIMIT 0). */
	Status (*open)(Op *op, Error *err);

	/* Rows on an input.  DONE: no more input is wanted on any port; it climbs to the sources. */
	Status (*push)(Op *op, int port, const Batch *in, Error *err);

	/* Event time of the input has reached `time` without a row (idle time-out; end of input: INT64_MAX comes before
	 * finish). */
	Status (*advance)(Op *op, int port, Time time, Error *err);

	/* End of an epoch (continuous only): emits changes held back for compaction, then writes dirty state.
	 * The task calls it operator by operator, inputs before outputs; it is not forwarded. */
	Status (*flush)(Op *op, Error *err);

	/* No more rows will come on `port`.  After the last port the operator emits what it holds and finishes its
	 * outputs (op_finish_outputs). */
	Status (*finish)(Op *op, int port, Error *err);

	/* Frees what the instance owns outside of its arena. */
	void (*close)(Op *op);

	/*
	 * Parallel bounded plans: `other` is a clone that has taken a part of the input (never finished); takes over its
	 * content.  NULL: this operator cannot be cloned as the end of a parallel pipeline.
	 */
	Status (*merge)(Op *op, Op *other, Error *err);
	/* False: not with this spec (parts are taken in no order).  NULL: always. */
	bool (*can_merge)(const void *spec);

	/* Stateless between pushes (or read-only, like the probe side of a join): may be cloned inside a parallel
	 * pipeline.  open is called on the clone with op->primary set to the original. */
	bool is_parallel;

	/* With merge and is_parallel: whether rows on a port are kept, so that the operator is the end of their pipeline, as it stands
	 * when the pipeline begins.  NULL: never. */
	bool (*ends_pipeline)(const Op *op, int port);

	/* Of the layout of its durable state: one more whenever that changes, so that no binary reads another's by mistake. */
	uint32_t state_version;

	/* Adds the spec's properties for EXPLAIN. */
	void (*explain)(const void *spec, Explain *out);
};

typedef struct OpOutput {
	Op *op;
	int port;
} OpOutput;

struct Op {
	const OpType *type;
	const void	 *spec;
	Task		 *task;
	Op			 *primary;		/* of a clone: the original; NULL otherwise */
	int			  id;			/* place in the plan, stable across restarts: names the durable state */
	int			  n_outputs;
	OpOutput	 *outputs;
	int			  n_inputs;
	int			  n_finished;	/* ports that have finished (kept by op_finish) */
	int			  n_columns;	/* of the output */
	bool		  is_done;		/* returned DONE: not pushed to any more */
	Arena		  arena;		/* of the instance: lives from open to close */
	/* For EXPLAIN ANALYZE and DESCRIBE EXTENDED. */
	int64_t		  rows_in;
	int64_t		  rows_out;
	int64_t		  late_rows;	/* dropped as late */
	int64_t		  state_rows;	/* kept */
	int64_t		  memory_bytes;	/* the most that rows kept have taken */
	int64_t		  spilled_bytes;	/* written to temporary files, before compression */
	Nanos		  nanos;		/* of its own, without its outputs'; counted only when task->is_timed */
};

/* Checked down-cast to the instance struct. */
#define op_cast(T, op_, type_) (assert((op_)->type == (type_)), (T *)(op_))

/* So many bytes are kept now. */
static inline void
op_note_memory(Op *op, int64_t bytes)
{
	if (bytes > op->memory_bytes)
		op->memory_bytes = bytes;
}

/* What an operator may use of its task.  exec/task/task.h has the rest. */
typedef struct OpServices {
	const Env		*env;
	EvalContext		*eval;			/* its scratch arena is task_scratch() */
	MemoryBudget	*budget;
	const struct SpillSpace *spill;	/* where to write what the budget does not hold; NULL: nowhere */
	struct StateBackend *state;		/* NULL: state is not durable */
	bool			 is_compacting;	/* changes of one key within an epoch are merged: emit at flush */
	bool			 is_timed;
	int32_t			 partition;
	int32_t			 n_partitions;
	int				 n_threads;		/* bounded plans: that an operator may use where all rows of an input are there; 0: 1 */
	int64_t			 source_part;	/* bounded plans: which part of the input is being pushed, in the order of the input */
	int64_t			*sequence;		/* counter for *_BY_OFFSET aggregates */
	const _Atomic bool *interrupted;	/* long loops look at it */
	/* Told of work that takes long when the input has ended (op_progress); NULL: nobody wants to know. */
	void (*progress)(void *context, const char *what, int64_t done, int64_t all);
	void *progress_context;
} OpServices;

const OpServices *op_services(const Op *op);

/* Scratch memory of the current push from the source: gone when that has returned. */
Arena *op_scratch(const Op *op);

/* A column of `in` that is NULL in the rows without a value (INSERT_NULL, DELETE). */
const Vector *op_without_values(const Op *op, const Batch *in, const Vector *column);

/* Hands rows on to every output.  DONE when every output is done.  An empty batch is not handed on. */
Status op_emit(Op *op, const Batch *out, Error *err);

/*
 * As op_emit, for operators that emit many batches in one call (sort, aggregate at the end): scratch memory used
 * downstream is given back before it returns.  `out` must not be in scratch memory allocated after... it may be anywhere.
 */
Status op_emit_loop(Op *op, const Batch *out, Error *err);

Status op_advance_outputs(Op *op, Time time, Error *err);
Status op_finish_outputs(Op *op, Error *err);

/* Calls for the runner; they keep the counters and apply the defaults for NULL methods. */
Status op_open(Op *op, Error *err);
Status op_push(Op *op, int port, const Batch *in, Error *err);
Status op_advance(Op *op, int port, Time time, Error *err);
Status op_flush(Op *op, Error *err);
Status op_finish(Op *op, int port, Error *err);
void   op_close(Op *op);

/*
 * While an operator works on what it has kept, it says what it does ("sorting") and how far it is; all 0: not known.  Cheap enough for each batch.
 */
void op_progress(const Op *op, const char *what, int64_t done, int64_t all);

/* A failing row: NULL and one entry in the processing log; `in` gives the position. */
void op_log_row(Op *op, const Batch *in, int32_t row, const char *format, ...) PRINTF_LIKE(4, 5);

/* ---- EXPLAIN properties ---- */
void explain_text(Explain *out, const char *name, const char *text);
void explain_int(Explain *out, const char *name, int64_t value);
void explain_expr(Explain *out, const char *name, const Expr *expr);
void explain_exprs(Explain *out, const char *name, Expr *const *exprs, int n);

#endif
