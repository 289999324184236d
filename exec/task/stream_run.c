#include "exec/task/stream_run.h"

#include <stdlib.h>

#include "exec/op/aggregate.h"
#include "exec/op/join_semi.h"
#include "exec/op/join_stream.h"
#include "exec/op/limit.h"
#include "exec/op/scan.h"
#include "exec/op/sort.h"
#include "exec/op/top_n.h"

#define EPOCH_ROWS 65536

/* One partition of one source, with the rows that were read and not yet pushed. */
typedef struct Input {
	Source		   *source;
	const PlanNode *node;
	Op			   *scan;
	Task		   *task;
	int				partition;		/* of the source */
	Arena			arena;			/* of `pending` */
	Program		   *timestamp;		/* event time of `pending`, for the order between inputs; NULL: the record's */
	const Batch	   *pending;		/* NULL: nothing read */
	int32_t			next;			/* row of it */
	bool			has_ended;
	bool			is_finished;
	int64_t			committed;		/* position after the last row pushed */
} Input;

/* Inputs that stand one after the other, whose rows are taken in the order of their event times. */
typedef struct InputGroup {
	int	 first, n;
	Time waiting_since;		/* for an input without rows; 0: not waiting */
} InputGroup;

struct StreamRun {
	const Plan		*plan;
	StreamRunOptions options;
	Arena			 arena;
	Graph			 graph;
	int				 n_tasks;
	Task		   **tasks;
	int				 n_sources;
	Source		   **sources;
	int				 n_inputs;
	Input			*inputs;
	const Input		*at_hand;			/* is read or pushed; NULL: neither */
	int				 n_groups;
	InputGroup		*groups;
	int				 turn;				/* the group that comes next */
	Time			 stream_time;
	Time			 last_row_at;		/* by the clock */
	bool			 is_done;
};

/*
 * Operators that must see all partitions: their sides are not co-partitioned, or they look at all rows.  An aggregate over a
 * table's changes gets them by the table's key: the rows of one group come from every partition.
 */
bool
stream_op_needs_all(const PlanNode *node)
{
	static const OpType *const whole[] = {&op_join_foreign, &op_join_semi, &op_top_n, &op_distinct, &op_limit};

	for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
		if (node->op == whole[i])
			return true;
	return node->op == &op_aggregate && ((const AggregateSpec *)node->spec)->is_table;
}

static bool
needs_all_partitions(const PlanNode *node)
{
	if (stream_op_needs_all(node))
		return true;
	for (int i = 0; i < node->n_inputs; i++)
		if (needs_all_partitions(node->inputs[i]))
			return true;
	return false;
}

static int
run_partitions(const StreamRun *run)
{
	int n = 1;

	if (run->options.n_partitions > 0)
		return run->options.n_partitions;
	if (run->options.single_partition || needs_all_partitions(run->plan->root))
		return 1;
	for (int i = 0; i < run->n_sources; i++)
		if (run->sources[i]->spec->kind == SOURCE_TOPIC && run->sources[i]->n_partitions > n)
			n = run->sources[i]->n_partitions;
	return n;
}

static Task *
run_new_task(StreamRun *run, int partition, int n_partitions)
{
	Task *task = arena_new(&run->arena, Task);

	task_init(task, run->options.env);
	task->output = run->options.output;
	task->row_log = run->options.row_log;
	task->result = run->options.result;
	task->result_context = run->options.result_context;
	task->services.budget = task->eval.budget = run->options.budget;
	task->eval.refuses_large = run->options.refuses_large;
	task->services.is_compacting = run->options.is_compacting;
	task->services.is_timed = run->options.is_timed;
	task->eval.collect_list_limit = run->options.collect_list_limit;
	task->eval.collect_set_limit = run->options.collect_set_limit;
	task->services.interrupted = run->options.interrupted;
	task->services.partition = partition;
	task->services.n_partitions = n_partitions;
	if (run->options.state != NULL)
		task->services.state = run->options.state(run->options.context, partition);
	return task;
}

static Status
run_add_inputs(StreamRun *run, int source, Error *err)
{
	Source		   *s = run->sources[source];
	const PlanNode *node = run->plan->sources[source];

	for (int p = 0; p < s->n_partitions; p++) {
		Input  *input = &run->inputs[run->n_inputs];
		int		partition = p % run->n_tasks;
		int64_t position;

		if (run->options.owns != NULL && !run->options.owns(run->options.context, s->spec, p))
			continue;
		run->n_inputs++;
		*input = (Input){.source = s, .node = node, .partition = p, .task = run->tasks[partition]};
		input->scan = graph_op(&run->graph, node, partition);
		if (run->options.position != NULL && run->options.position(run->options.context, s->spec, p, &position))
			TRY(s->type->seek(s, p, position, err));
		input->committed = s->type->position != NULL ? s->type->position(s, p) : 0;
	}
	return OK;
}

/* One group, or one for each task if they are apart. */
static Status
run_group_inputs(StreamRun *run, Error *err)
{
	Input *sorted = arena_array(&run->arena, Input, run->n_inputs);
	int	   n_groups = run->options.tasks_apart ? run->n_tasks : 1, n = 0;

	run->groups = arena_array(&run->arena, InputGroup, n_groups);
	for (int g = 0; g < n_groups; g++) {
		InputGroup *group = &run->groups[run->n_groups];

		*group = (InputGroup){.first = n};
		for (int i = 0; i < run->n_inputs; i++)
			if (n_groups == 1 || run->inputs[i].task == run->tasks[g])
				sorted[n++] = run->inputs[i];
		group->n = n - group->first;
		run->n_groups += group->n > 0;
		for (int i = group->first; i < n && group->n > 1 && run->options.order == NULL; i++) {
			const ScanSpec *scan = sorted[i].node->spec;

			if (scan->timestamp != NULL)
				TRY(program_compile(&run->arena, scan->timestamp, &sorted[i].timestamp, err));
		}
	}
	run->inputs = sorted;
	return OK;
}

Status
stream_run_open(const Plan *plan, const StreamRunOptions *options, StreamRun **out, Error *err)
{
	StreamRun *run = xcalloc(1, sizeof *run);
	int		   n_inputs = 0;
	Status	   status = OK;

	run->plan = plan;
	run->options = *options;
	run->stream_time = options->start_time > 0 ? options->start_time : INT64_MIN;
	if (run->options.epoch_rows == 0)
		run->options.epoch_rows = EPOCH_ROWS;
	if (run->options.batch_rows <= 0 || run->options.batch_rows > BATCH_ROWS)
		run->options.batch_rows = BATCH_ROWS;
	run->sources = arena_array(&run->arena, Source *, plan->n_sources);
	for (int i = 0; i < plan->n_sources; i++) {
		const ScanSpec *scan = plan->sources[i]->spec;

		const SourceContext *sources = options->sources_for != NULL ? options->sources_for(options->context, scan->source) : options->sources;

		TRY_OUT(source_open(&run->arena, scan->source, sources, &run->sources[i], err));
		run->n_sources++;
		n_inputs += run->sources[i]->n_partitions;
	}
	run->n_tasks = run_partitions(run);
	run->tasks = arena_array(&run->arena, Task *, run->n_tasks);
	for (int p = 0; p < run->n_tasks; p++)
		run->tasks[p] = run_new_task(run, p, run->n_tasks);
	TRY_OUT(graph_open(&run->graph, plan, run->n_tasks, run->tasks, err));
	run->inputs = arena_array(&run->arena, Input, n_inputs);
	for (int i = 0; i < run->n_sources; i++)
		TRY_OUT(run_add_inputs(run, i, err));
	TRY_OUT(run_group_inputs(run, err));
out:
	if (status != OK) {
		stream_run_close(run);
		run = NULL;
	}
	*out = run;
	return status;
}

void
stream_run_close(StreamRun *run)
{
	if (run == NULL)
		return;
	graph_close(&run->graph);
	for (int i = 0; i < run->n_inputs; i++)
		arena_free(&run->inputs[i].arena);
	for (int i = 0; i < run->n_sources; i++)
		source_close(run->sources[i]);
	for (int p = 0; run->tasks != NULL && p < run->n_tasks; p++)
		if (run->tasks[p] != NULL)
			task_free(run->tasks[p]);
	arena_free(&run->arena);
	free(run);
}

/*
 * The rows' event times, which the scan would set only when they are pushed: the order between inputs needs them before.  Failures are
 * the scan's to report; a row without a time keeps its record's.
 */
static Status
input_extract_time(Input *input, Batch *batch, Error *err)
{
	EvalContext	  quiet = {.scratch = &input->arena, .env = input->task->eval.env};
	int64_t		 *event_time = arena_alloc(&input->arena, sizeof *event_time * (size_t)batch->n_rows);
	const Vector *times;

	TRY(program_eval(input->timestamp, &quiet, batch, &times, err));
	times = vector_flatten(&input->arena, times);
	for (int32_t i = 0; i < batch->n_rows; i++)
		event_time[i] = vector_is_valid(times, i) && ((const int64_t *)times->data)[i] >= 0 ? ((const int64_t *)times->data)[i]
						: batch->event_time != NULL											 ? batch->event_time[i]
																							 : 0;
	batch->event_time = event_time;
	return OK;
}

/* Makes sure that rows are at hand if the input has any now. */
static Status
input_fill(StreamRun *run, Input *input, Error *err)
{
	Batch *batch = NULL;
	Status status;

	while (input->pending == NULL && !input->has_ended) {
		arena_reset(&input->arena);
		run->at_hand = input;
		status = input->source->type->read(input->source, input->partition, BATCH_ROWS, &input->arena, &batch, err);
		if (status == FAILED)
			return FAILED;
		if (batch != NULL && batch->n_rows > 0) {
			if (input->timestamp != NULL)
				TRY(input_extract_time(input, batch, err));
			input->pending = batch;
			input->next = 0;
		} else {
			input->committed = input->source->type->position(input->source, input->partition);
			if (status == OK && batch == NULL)
				return OK;
		}
		if (status == DONE)
			input->has_ended = true;
	}
	return OK;
}

static int64_t
input_order(const StreamRun *run, const Input *input, int32_t row)
{
	const Batch *b = input->pending;
	Time		 time = b->event_time != NULL ? b->event_time[row] : 0;

	if (run->options.order != NULL)
		return run->options.order(run->options.context, input->source->spec, input->partition,
								  b->offset != NULL ? b->offset[row] : row, time);
	return time;
}

/* Rows of `input` from its next one that may be pushed before the others' heads. */
static int32_t
input_run_length(const StreamRun *run, const Input *input, bool has_bound, int64_t bound, bool wins_ties)
{
	int32_t n = input->pending->n_rows;
	int32_t row = input->next + 1;

	if (!has_bound)
		return n - input->next;
	for (; row < n; row++) {
		int64_t order = input_order(run, input, row);

		if (order > bound || (order == bound && !wins_ties))
			break;
	}
	return row - input->next;
}

static Status
input_push(StreamRun *run, Input *input, int32_t n_rows, Error *err)
{
	const Batch *b = input->pending;
	const Batch *part = b;
	Status		 status;

	if (input->next > 0 || n_rows < b->n_rows)
		part = batch_slice(&input->task->scratch, b, input->next, n_rows);
	for (int32_t i = 0; i < part->n_rows && part->event_time != NULL; i++)
		if (part->event_time[i] > run->stream_time)
			run->stream_time = part->event_time[i];
	run->at_hand = input;
	status = op_push(input->scan, 0, part, err);
	run->at_hand = NULL;
	if (status == FAILED)
		return FAILED;
	input->next += n_rows;
	if (input->next < b->n_rows)
		input->committed = b->offset != NULL ? b->offset[input->next] : input->committed;
	else {
		input->pending = NULL;
		input->committed = input->source->type->position(input->source, input->partition);
	}
	/* Several tasks' operators may have worked behind an exchange. */
	for (int p = 0; p < run->n_tasks; p++)
		arena_reset(&run->tasks[p]->scratch);
	return status;
}

/* The input of a group whose next row comes first (-1: none has a row), and the order of the one after it. */
static int
group_choose(StreamRun *run, const InputGroup *group, bool *has_bound, int64_t *bound, bool *wins_ties)
{
	int		best = -1;
	int		second = -1;
	int64_t best_order = 0;
	int64_t second_order = 0;

	for (int i = group->first; i < group->first + group->n; i++) {
		Input  *input = &run->inputs[i];
		int64_t order;

		if (input->pending == NULL)
			continue;
		order = input_order(run, input, input->next);
		if (best < 0 || order < best_order) {
			second = best;
			second_order = best_order;
			best = i;
			best_order = order;
		} else if (second < 0 || order < second_order) {
			second = i;
			second_order = order;
		}
	}
	*has_bound = second >= 0;
	*bound = second_order;
	*wins_ties = best < second;
	return best;
}

/* When every source has ended: event time goes to infinity, and the operators emit what they hold. */
static Status
run_finish(StreamRun *run, Error *err)
{
	for (int pass = 0; pass < 2; pass++)
		for (int s = 0; s < run->n_sources; s++)
			for (int p = 0; p < run->n_tasks; p++) {
				Op *scan = graph_op(&run->graph, run->plan->sources[s], p);

				TRY(pass == 0 ? op_advance(scan, 0, INT64_MAX, err) : op_finish(scan, 0, err));
				for (int t = 0; t < run->n_tasks; t++)
					arena_reset(&run->tasks[t]->scratch);
			}
	return OK;
}

/* Its next rows are there, but have not come yet. */
static bool
input_is_behind(const Input *input)
{
	const SourceType *type = input->source->type;

	return type->is_behind != NULL && type->is_behind(input->source, input->partition);
}

/* True while rows should wait because another input, which may have earlier ones, has none yet. */
static bool
group_waits(StreamRun *run, InputGroup *group)
{
	bool has_rows = false, lacks_rows = false, is_behind = false;
	Time now;

	if (group->n < 2)
		return false;
	for (int k = group->first; k < group->first + group->n; k++) {
		has_rows = has_rows || run->inputs[k].pending != NULL;
		lacks_rows = lacks_rows || (run->inputs[k].pending == NULL && !run->inputs[k].has_ended);
		is_behind = is_behind || (run->inputs[k].pending == NULL && !run->inputs[k].has_ended && input_is_behind(&run->inputs[k]));
	}
	if (!has_rows || !lacks_rows) {
		group->waiting_since = 0;
		return false;
	}
	if (is_behind || run->options.max_idle_ms <= 0)
		return is_behind;
	now = env_now(run->options.env);
	if (group->waiting_since == 0)
		group->waiting_since = now;
	return now - group->waiting_since < run->options.max_idle_ms;
}

/* Pushes the rows of a group that come next and stand in one batch; *n: how many, 0 if there are none now. */
static Status
group_push(StreamRun *run, InputGroup *group, int32_t *n, Error *err)
{
	bool	has_bound, wins_ties;
	int64_t bound;
	int		i;

	*n = 0;
	for (int k = group->first; k < group->first + group->n; k++)
		TRY(input_fill(run, &run->inputs[k], err));
	if (group_waits(run, group))
		return OK;
	i = group_choose(run, group, &has_bound, &bound, &wins_ties);
	if (i < 0)
		return OK;
	*n = input_run_length(run, &run->inputs[i], has_bound, bound, wins_ties);
	if (*n > run->options.batch_rows)
		*n = (int32_t)run->options.batch_rows;
	TRY(input_push(run, &run->inputs[i], *n, err));
	if (run->inputs[i].scan->is_done && run->n_sources == 1 && run->n_tasks == 1)
		run->is_done = true;
	return OK;
}

/* Event time moves on with the clock when nothing has come for a while. */
static Status
run_idle(StreamRun *run, bool had_rows, Error *err)
{
	Time now;

	if (run->options.idle_timeout_ms <= 0 || run->is_done)
		return OK;
	now = env_now(run->options.env);
	if (had_rows || run->last_row_at == 0)
		run->last_row_at = now;
	if (run->stream_time == INT64_MIN || now - run->last_row_at < run->options.idle_timeout_ms)
		return OK;
	return stream_run_advance(run, run->stream_time + (now - run->last_row_at), err);
}

Status
stream_run_epoch(StreamRun *run, int64_t *n_rows, Error *err)
{
	Nanos  end = run->options.epoch_ms > 0 ? nanos_now() + run->options.epoch_ms * 1000000 : INT64_MAX;
	bool   all_ended = run->n_inputs > 0 || run->n_sources > 0;

	*n_rows = 0;
	for (int idle = 0; idle < run->n_groups && !run->is_done && *n_rows < run->options.epoch_rows; run->turn = (run->turn + 1) % run->n_groups) {
		int32_t n;

		if (run->options.interrupted != NULL && *run->options.interrupted)
			break;
		TRY(group_push(run, &run->groups[run->turn], &n, err));
		*n_rows += n;
		idle = n > 0 ? 0 : idle + 1;
		if (n > 0 && end != INT64_MAX && nanos_now() >= end)
			break;
	}
	for (int k = 0; k < run->n_inputs; k++)
		all_ended = all_ended && run->inputs[k].has_ended && run->inputs[k].pending == NULL;
	if (all_ended && !run->is_done) {
		TRY(graph_flush(&run->graph, err));
		TRY(run_finish(run, err));
		run->is_done = true;
	}
	TRY(graph_flush(&run->graph, err));
	TRY(run_idle(run, *n_rows > 0, err));
	return run->is_done ? DONE : OK;
}

Status
stream_run_advance(StreamRun *run, Time time, Error *err)
{
	for (int s = 0; s < run->n_sources; s++)
		for (int p = 0; p < run->n_tasks; p++)
			TRY(op_advance(graph_op(&run->graph, run->plan->sources[s], p), 0, time, err));
	return graph_flush(&run->graph, err);
}

void
stream_run_positions(const StreamRun *run,
					 void (*visit)(void *context, const char *input, int partition, int64_t position), void *context)
{
	for (int i = 0; i < run->n_inputs; i++)
		visit(context, run->inputs[i].source->spec->input, run->inputs[i].partition, run->inputs[i].committed);
}

const Record *
stream_run_record(const StreamRun *run, int32_t partition, int64_t offset, const SourceSpec **source)
{
	const Source *from = run->at_hand != NULL ? run->at_hand->source : NULL;

	*source = from != NULL ? from->spec : NULL;
	return from != NULL && from->type->record != NULL && offset >= 0 ? from->type->record(from, partition, offset) : NULL;
}

const Graph *
stream_run_graph(const StreamRun *run)
{
	return &run->graph;
}

Time
stream_run_time(const StreamRun *run)
{
	return run->stream_time;
}

void
stream_run_progress(const StreamRun *run, int64_t *done, int64_t *all)
{
	*done = *all = 0;
	for (int i = 0; i < run->n_sources; i++)
		if (run->sources[i]->type->progress != NULL) {
			int64_t d, a;

			run->sources[i]->type->progress(run->sources[i], &d, &a);
			*done += d;
			*all += a;
		}
}

void
stream_run_add_figures(const StreamRun *run, StreamRunFigures *out)
{
	for (int i = 0; i < run->n_sources; i++)
		out->bytes_read += run->sources[i]->bytes_read;
	for (int i = 0; i < run->graph.n_partitions * run->graph.n_nodes; i++) {
		const Op *op = run->graph.ops[i];

		if (op == NULL)
			continue;
		out->state_rows += op->state_rows;
		out->late_rows += op->late_rows;
	}
}
