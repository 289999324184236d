#include "exec/op/op.h"

#include <stdio.h>

#include "exec/task/task.h"

const OpServices *
op_services(const Op *op)
{
	return &op->task->services;
}

Arena *
op_scratch(const Op *op)
{
	return &op->task->scratch;
}

const Vector *
op_without_values(const Op *op, const Batch *in, const Vector *column)
{
	Arena  *arena = op_scratch(op);
	Vector *copy = vector_new(arena, column->type, 0);

	*copy = *vector_flatten(arena, column);
	copy->validity = NULL;
	vector_need_validity(copy, arena);
	for (int32_t i = 0; i < in->n_rows; i++)
		if (row_kind_is_null(batch_row_kind(in, i)) || !vector_is_valid(column, i))
			bitmap_clear(copy->validity, i);
	return copy;
}

Status
op_open(Op *op, Error *err)
{
	return op->type->open != NULL ? op->type->open(op, err) : OK;
}

/* Time of a call of an operator, without what it calls in its turn. */
typedef struct Timer {
	Nanos start;
	Nanos outer;		/* what calls beside this one have taken */
} Timer;

static Timer
timer_begin(Task *task)
{
	Timer timer = {nanos_now(), task->inner_nanos};

	task->inner_nanos = 0;
	return timer;
}

static void
timer_end(Op *op, Timer timer)
{
	Nanos all = nanos_now() - timer.start;

	op->nanos += all - op->task->inner_nanos;
	op->task->inner_nanos = timer.outer + all;
}

Status
op_push(Op *op, int port, const Batch *in, Error *err)
{
	Status	status;

	if (op->is_done)
		return DONE;
	op->rows_in += in->n_rows;
	if (!op->task->services.is_timed)
		status = op->type->push != NULL ? op->type->push(op, port, in, err) : op_emit(op, in, err);
	else {
		Timer timer = timer_begin(op->task);

		status = op->type->push != NULL ? op->type->push(op, port, in, err) : op_emit(op, in, err);
		timer_end(op, timer);
	}
	if (status == DONE)
		op->is_done = true;
	return status;
}

Status
op_emit(Op *op, const Batch *out, Error *err)
{
	int n_done = 0;

	if (out->n_rows == 0)
		return OK;
	op->rows_out += out->n_rows;
	for (int i = 0; i < op->n_outputs; i++) {
		Status status = op_push(op->outputs[i].op, op->outputs[i].port, out, err);

		if (status == FAILED)
			return FAILED;
		n_done += status == DONE;
	}
	return n_done == op->n_outputs && n_done > 0 ? DONE : OK;
}

Status
op_emit_loop(Op *op, const Batch *out, Error *err)
{
	ArenaMark	mark = arena_mark(&op->task->scratch);
	Status		status = op_emit(op, out, err);

	/* The very first mark of an empty arena would free the batch too if it lies in the first block. */
	if (mark.block != NULL)
		arena_rewind(&op->task->scratch, mark);
	return status;
}

Status
op_advance(Op *op, int port, Time time, Error *err)
{
	if (op->is_done)
		return OK;
	return op->type->advance != NULL ? op->type->advance(op, port, time, err) : op_advance_outputs(op, time, err);
}

Status
op_advance_outputs(Op *op, Time time, Error *err)
{
	for (int i = 0; i < op->n_outputs; i++)
		if (op_advance(op->outputs[i].op, op->outputs[i].port, time, err) == FAILED)
			return FAILED;
	return OK;
}

Status
op_flush(Op *op, Error *err)
{
	return op->type->flush != NULL ? op->type->flush(op, err) : OK;
}

Status
op_finish(Op *op, int port, Error *err)
{
	Status	status = OK;
	bool	is_timed = op->task->services.is_timed;
	Timer	timer = {0};

	if (is_timed)
		timer = timer_begin(op->task);

	op->n_finished++;
	if (op->type->finish != NULL)
		status = op->type->finish(op, port, err);
	else if (op->n_finished >= op->n_inputs)
		status = op_finish_outputs(op, err);
	if (is_timed)
		timer_end(op, timer);
	return status == FAILED ? FAILED : OK;
}

Status
op_finish_outputs(Op *op, Error *err)
{
	for (int i = 0; i < op->n_outputs; i++)
		if (op_finish(op->outputs[i].op, op->outputs[i].port, err) == FAILED)
			return FAILED;
	return OK;
}

void
op_progress(const Op *op, const char *what, int64_t done, int64_t all)
{
	const OpServices *services = &op->task->services;

	if (services->progress != NULL)
		services->progress(services->progress_context, what, done, all);
}

void
op_close(Op *op)
{
	if (op->type->close != NULL)
		op->type->close(op);
	arena_free(&op->arena);
}

void
op_log_row(Op *op, const Batch *in, int32_t row, const char *format, ...)
{
	char	reason[512];
	va_list args;

	op->task->n_failed_rows++;
	if (op->task->row_log == NULL)
		return;
	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	op->task->row_log->report(op->task->row_log, op->type->name, in->partition != NULL ? in->partition[row] : -1,
							  in->offset != NULL ? in->offset[row] : -1, reason, STR(""));
}

static void
task_report_failure(EvalLog *log, const Batch *in, int32_t row, const char *reason)
{
	Task *task = (Task *)((char *)log - offsetof(Task, eval_log));

	task->n_failed_rows++;
	if (task->row_log != NULL)
		task->row_log->report(task->row_log, "Expression", in->partition != NULL ? in->partition[row] : -1,
							  in->offset != NULL ? in->offset[row] : -1, reason, STR(""));
}

void
task_init(Task *task, const Env *env)
{
	*task = (Task){0};
	task->services.env = env;
	task->services.eval = &task->eval;
	task->services.sequence = &task->sequence;
	task->services.n_partitions = 1;
	task->eval.env = env;
	task->eval.scratch = &task->scratch;
	task->eval.log = &task->eval_log;
	task->eval_log.report = task_report_failure;
	/* One block from the start, so that a mark always stands in a block. */
	arena_alloc(&task->scratch, 16);
}

void
task_free(Task *task)
{
	arena_free(&task->scratch);
}
