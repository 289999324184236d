#include "exec/task/bounded_run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/cancel.h"
#include "exec/op/join_asof.h"
#include "exec/op/join_hash.h"
#include "exec/op/join_stream.h"
#include "exec/op/scan.h"
#include "exec/op/sort.h"
#include "exec/task/kept.h"
#include "exec/task/recursion.h"
#include "exec/task/stream_run.h"

#define MAX_PATH 64
#define MAX_THREADS 64

typedef struct Bounded {
	const Plan			 *plan;
	const BoundedOptions *options;
	BoundedStats		 *stats;
	KeptSet				  kept;
	Arena				  arena;
	SpillSpace			  spill;
	Task				  task;
	Task				 *task_pointer;
	Graph				  graph;
	int					  n_leaves;
	const PlanNode		**leaves;		/* scans in the order in which they are run */
	Task				**clone_tasks;	/* of all clones ever made: closed at the end */
	Op					**clones;
	int					  n_clones;
	int					  clone_capacity;
	int					  n_clone_tasks;
	int					  clone_task_capacity;
	/* progress: over all leaves, those that have not begun by what is known of their files */
	_Atomic int64_t		  rows_done, bytes_done, units_done;
	int64_t				  units_all;
	Nanos				  started, last_told;
	const char			 *told;		/* of what; NULL: of reading */
} Bounded;

/* One thread's share of a pipeline. */
typedef struct Worker {
	Bounded		*bounded;
	Source		*source;
	Op			*scan;
	Task		*task;
	atomic_int	*next_partition;
	int64_t		 first_part;		/* of the source's partitions, among the parts of the whole input */
	int64_t		 n_rows;
	atomic_bool *stop;
	Status		 status;
	Error		 err;
	bool		 shows_progress;
	int64_t		 units, bytes;		/* of the source that are counted in the run's progress */
	CancelFlags	 cancel;		/* of the thread that has it work */
} Worker;

static bool
runs_right_first(const PlanNode *node)
{
	return node->op == &op_join_hash || node->op == &op_join_asof || node->op == &op_set_op;
}

static void
collect_leaves(Bounded *b, const PlanNode *node)
{
	if (node->n_inputs == 0) {
		b->leaves[b->n_leaves++] = node;
		return;
	}
	for (int i = 0; i < node->n_inputs; i++)
		collect_leaves(b, node->inputs[runs_right_first(node) ? node->n_inputs - 1 - i : i]);
}

static int
count_leaves(const PlanNode *node)
{
	int n = node->n_inputs == 0;

	for (int i = 0; i < node->n_inputs; i++)
		n += count_leaves(node->inputs[i]);
	return n;
}

static bool
needs_order(const PlanNode *node)
{
	if (node->op == &op_join_window || node->op == &op_join_stream_table || node->op == &op_join_table_table
		|| node->op == &op_join_foreign)
		return true;
	for (int i = 0; i < node->n_inputs; i++)
		if (needs_order(node->inputs[i]))
			return true;
	return false;
}

static bool
is_interrupted(const BoundedOptions *options)
{
	return options->interrupted != NULL && *options->interrupted;
}

/* ---- progress ---- */

#define PROGRESS_NS INT64_C(100000000)

/* Tells how far the run is: at once of something new, else now and then. */
static void
tell(Bounded *b, const char *what, int64_t done, int64_t all)
{
	const BoundedOptions *options = b->options;
	Nanos				  now;

	if (options->progress == NULL)
		return;
	now = nanos_now();
	if (what == b->told && now - b->last_told < PROGRESS_NS)
		return;
	b->told = what;
	b->last_told = now;
	options->progress(options->progress_context, &(RunProgress){.what = what, .rows = b->rows_done, .bytes = b->bytes_done, .done = done < all ? done : all,
																.all = all, .elapsed = now - b->started});
}

/* What operators of the run's own task do when their input has ended. */
static void
tell_of_operator(void *context, const char *what, int64_t done, int64_t all)
{
	tell(context, what, done, all);
}

static void
worker_progress(Worker *w, int32_t n_rows)
{
	Bounded *b = w->bounded;
	int64_t	 done = 0, all = 0;

	if (b->options->progress == NULL)
		return;
	if (w->source->type->progress != NULL)
		w->source->type->progress(w->source, &done, &all);
	atomic_fetch_add_explicit(&b->rows_done, n_rows, memory_order_relaxed);
	atomic_fetch_add_explicit(&b->bytes_done, w->source->bytes_read - w->bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&b->units_done, done - w->units, memory_order_relaxed);
	w->units = done;
	w->bytes = w->source->bytes_read;
	if (w->shows_progress)
		tell(b, NULL, b->units_done, b->units_all);
}

/* About what there will be to read of a leaf: bytes of its columns. */
static int64_t
units_of(const PlanNode *leaf)
{
	const ScanSpec	 *spec = leaf->spec;
	const FileSpec	 *file = spec->source != NULL && spec->source->kind == SOURCE_FILE ? spec->source->file : NULL;

	if (file == NULL || spec->kept != NULL || spec->recursive != NULL)
		return 0;
	if (file->format != NULL && strcasecmp(file->format, "PARQUET") == 0 && file->n_columns > 0)
		return file->size_bytes / file->n_columns * spec->source->n_columns;
	return file->size_bytes;
}

/* A leaf has begun, and its source knows better. */
static void
count_units(Bounded *b, const PlanNode *leaf, const Source *source, int64_t *all)
{
	int64_t done = 0;

	*all = 0;
	if (source->type->progress != NULL)
		source->type->progress(source, &done, all);
	b->units_all += *all - units_of(leaf);
}

static int32_t
batch_rows(const BoundedOptions *options)
{
	return options->batch_rows > 0 && options->batch_rows < BATCH_ROWS ? (int32_t)options->batch_rows : BATCH_ROWS;
}

/* Reads partitions until none is left and pushes their rows. */
static void
worker_run(Worker *w)
{
	Arena  arena = {0};
	Batch *batch;
	bool   is_timed = w->bounded->options->is_timed;
	Nanos  start;
	int32_t batch_size;

	w->status = OK;
	for (;;) {
		int	   partition = atomic_fetch_add(w->next_partition, 1);
		Status status = OK;

		if (partition >= w->source->n_partitions)
			break;
		w->task->services.source_part = w->first_part + partition;
		while (status == OK) {
			if (atomic_load_explicit(w->stop, memory_order_relaxed) || is_interrupted(w->bounded->options))
				goto out;
			arena_reset(&arena);
			batch = NULL;
			start = is_timed ? nanos_now() : 0;
			status = w->source->type->read(w->source, partition, batch_rows(w->bounded->options), &arena, &batch, &w->err);
			w->scan->nanos += is_timed ? nanos_now() - start : 0;
			if (status == FAILED)
				goto failed;
			if (batch == NULL || batch->n_rows == 0) {
				worker_progress(w, 0);
				continue;
			}
			batch_size = batch->n_rows;
			w->n_rows += batch_size;
			switch (op_push(w->scan, 0, batch, &w->err)) {
			case FAILED:
				goto failed;
			case DONE:
				atomic_store(w->stop, true);
				goto out;
			case OK:
				break;
			}
			arena_reset(&w->task->scratch);
			worker_progress(w, batch_size);
		}
	}
	goto out;
failed:
	w->status = FAILED;
	atomic_store(w->stop, true);
out:
	arena_reset(&w->task->scratch);
	arena_free(&arena);
}

static void *
worker_thread(void *argument)
{
	cancel_watch(((Worker *)argument)->cancel);
	worker_run(argument);
	return NULL;
}

/*
 * The operators from the scan up to the one that merges: path[0] is the scan, path[n-1] the breaker.  0: the pipeline
 * cannot run in parallel.
 */
static int
parallel_path(const Bounded *b, const PlanNode *scan, Op **path, const PlanNode **nodes)
{
	Op *op = graph_op(&b->graph, scan, 0);
	int port = 0;
	int n = 0;

	for (;;) {
		bool breaks = op->type->merge != NULL &&
					  (op->type->ends_pipeline != NULL ? op->type->ends_pipeline(op, port) : !op->type->is_parallel);

		if (breaks && op->type->can_merge != NULL && !op->type->can_merge(op->spec))
			return 0;
		if (n == MAX_PATH || (!breaks && (!op->type->is_parallel || op->n_outputs != 1)))
			return 0;
		path[n] = op;
		nodes[n] = NULL;
		for (int i = 0; i < b->graph.n_nodes; i++)
			if (b->graph.ops[i] == op)
				nodes[n] = b->graph.nodes[i];
		n++;
		if (breaks)
			return n;
		port = op->outputs[0].port;
		op = op->outputs[0].op;
	}
}

static void
task_configure(Bounded *b, Task *task)
{
	const BoundedOptions *options = b->options;

	task_init(task, options->env);
	task->row_log = options->row_log;
	task->output = options->output;
	task->kept = options->kept;
	task->result = options->result;
	task->result_context = options->result_context;
	task->services.budget = task->eval.budget = options->budget;
	task->eval.refuses_large = true;
	task->services.spill = options->temp_directory != NULL && options->budget != NULL ? &b->spill : NULL;
	task->services.n_threads = b->plan->needs_order ? 1 : options->n_threads;
	task->services.is_timed = options->is_timed;
	task->services.interrupted = options->interrupted;
}

/* A clone of the path for one more thread; *scan is its first operator. */
static Status
clone_path(Bounded *b, Op *const *path, const PlanNode *const *nodes, int n, Worker *w, Op **breaker, Error *err)
{
	Op *next = NULL;

	w->task = arena_new(&b->arena, Task);
	task_configure(b, w->task);
	grow_array(b->clone_tasks, b->n_clone_tasks, b->clone_task_capacity);
	b->clone_tasks[b->n_clone_tasks++] = w->task;
	for (int i = n - 1; i >= 0; i--) {
		Op	  *clone = graph_make_op(&b->arena, nodes[i], w->task);
		Status status;

		clone->primary = path[i];
		if (next != NULL) {
			clone->outputs = arena_new(&b->arena, OpOutput);
			clone->outputs[0] = (OpOutput){next, path[i]->outputs[0].port};
			clone->n_outputs = 1;
		} else
			*breaker = clone;
		grow_array(b->clones, b->n_clones, b->clone_capacity);
		b->clones[b->n_clones++] = clone;
		status = op_open(clone, err);
		if (status == FAILED)
			return FAILED;
		next = clone;
	}
	w->scan = next;
	return OK;
}

static void
add_counters(Op *into, const Op *from)
{
	into->rows_in += from->rows_in;
	into->rows_out += from->rows_out;
	into->late_rows += from->late_rows;
	into->memory_bytes += from->memory_bytes;
	into->spilled_bytes += from->spilled_bytes;
	into->nanos += from->nanos;
}

/* Parts of one leaf come before those of the next; what an operator gives when a leaf has ended comes behind its parts. */
static int64_t
first_part(const Bounded *b, const void *spec)
{
	int64_t i = 0;

	while (b->leaves[i]->spec != spec)
		i++;
	return i << 32;
}

static Status
open_leaf(Bounded *b, const ScanSpec *spec, const SourceContext *context, Source **out, Error *err)
{
	KeptRows *rows;

	if (spec->kept == NULL)
		return source_open(&b->arena, spec->source, context, out, err);
	TRY(kept_find(&b->kept, spec->kept, b->options, b->stats, &rows, err));
	*out = kept_source(&b->arena, spec, rows);
	return OK;
}

static Status
clone_leaf(Bounded *b, const ScanSpec *spec, Source *source, Source **out, Error *err)
{
	return spec->kept != NULL ? open_leaf(b, spec, NULL, out, err) : source_clone(&b->arena, source, out, err);
}

static Status
run_parallel(Bounded *b, const PlanNode *leaf, Source *source, Op *const *path, const PlanNode *const *nodes, int n, int n_threads, Error *err)
{
	Worker		workers[MAX_THREADS] = {0};
	pthread_t	threads[MAX_THREADS];
	Op		   *breakers[MAX_THREADS] = {0};
	int			n_clones_before = b->n_clones;
	atomic_int	next_partition = 0;
	atomic_bool stop = false;
	int			n_started = 0;
	Nanos		start;
	Status		status = OK;

	for (int t = 0; t < n_threads; t++) {
		Worker *w = &workers[t];

		*w = (Worker){.bounded = b, .source = source, .scan = path[0], .task = &b->task, .next_partition = &next_partition,
					  .first_part = first_part(b, leaf->spec), .stop = &stop, .shows_progress = t == 0, .cancel = cancel_flags()};
		if (t > 0) {
			w->source = NULL;
			TRY_OUT(clone_leaf(b, leaf->spec, source, &w->source, err));
			TRY_OUT(clone_path(b, path, nodes, n, w, &breakers[t], err));
		}
	}
	b->spill.n_sharers = n_threads;
	for (int t = 1; t < n_threads; t++) {
		if (pthread_create(&threads[t], NULL, worker_thread, &workers[t]) != 0)
			break;
		n_started = t;
	}
	worker_run(&workers[0]);
	for (int t = 1; t <= n_started; t++)
		pthread_join(threads[t], NULL);
	b->spill.n_sharers = 1;
	for (int t = 0; t <= n_started; t++) {
		b->stats->rows_read += ((const ScanSpec *)leaf->spec)->kept == NULL ? workers[t].n_rows : 0;
		if (workers[t].status == FAILED && status == OK) {
			*err = workers[t].err;
			status = FAILED;
		}
	}
	start = nanos_now();
	if (n_started > 0)
		tell(b, "merging", 0, 0);
	for (int t = 1; t <= n_started && status == OK; t++)
		TRY_OUT(path[n - 1]->type->merge(path[n - 1], breakers[t], err));
	path[n - 1]->nanos += b->options->is_timed ? nanos_now() - start : 0;
	for (int c = n_clones_before; c < b->n_clones; c++)
		if (b->clones[c]->primary != NULL)
			add_counters(b->clones[c]->primary, b->clones[c]);
out:
	for (int t = 1; t < n_threads; t++)
		if (workers[t].source != NULL) {
			b->stats->bad_rows += workers[t].source->n_bad;
			b->stats->bytes_read += workers[t].source->bytes_read;
			source_close(workers[t].source);
		}
	return status;
}

/* What joins further on, whose build side has ended, let pass. */
static void
take_join_filters(Bounded *b, const ScanSpec *spec, SourceContext *context)
{
	SourceFilter *filters = arena_array(&b->arena, SourceFilter, spec->n_join_filters + 1);

	context->filters = filters;
	for (int f = 0; f < spec->n_join_filters; f++)
		for (int i = 0; i < b->graph.n_nodes; i++) {
			const KeyFilter *keys;

			if (b->graph.nodes[i]->spec != spec->join_filters[f].join)
				continue;
			keys = join_hash_filter(b->graph.ops[i], spec->join_filters[f].key);
			if (keys != NULL)
				filters[context->n_filters++] = (SourceFilter){.column = spec->join_filters[f].column, .keys = keys};
		}
}

static void
close_source(Bounded *b, Source **source)
{
	if (*source == NULL)
		return;
	b->stats->bad_rows += (*source)->n_bad;
	b->stats->bytes_read += (*source)->bytes_read;
	source_close(*source);
	*source = NULL;
}

static Status
run_leaf(Bounded *b, const PlanNode *leaf, Error *err)
{
	const ScanSpec	*spec = leaf->spec;
	Op				*scan = graph_op(&b->graph, leaf, 0);
	Op				*path[MAX_PATH];
	const PlanNode	*nodes[MAX_PATH];
	Source			*source = NULL;
	int				 n_threads = b->options->n_threads;
	int				 n_path = 0;
	int64_t			 units_before = b->units_done, units;
	Status			 status = OK;
	SourceContext	 context = *b->options->sources;

	if (n_threads > 1 && !b->plan->needs_order)
		n_path = parallel_path(b, leaf, path, nodes);
	context.n_threads = n_path > 0 ? n_threads : 1;
	take_join_filters(b, spec, &context);
	TRY(open_leaf(b, spec, &context, &source, err));
	count_units(b, leaf, source, &units);
	if (n_threads > source->n_partitions)
		n_threads = source->n_partitions;
	if (n_threads > MAX_THREADS)
		n_threads = MAX_THREADS;
	if (n_path > 0 && n_threads > 1)
		TRY_OUT(run_parallel(b, leaf, source, path, nodes, n_path, n_threads, err));
	else {
		atomic_int	next_partition = 0;
		atomic_bool stop = false;
		Worker		w = {.bounded = b, .source = source, .scan = scan, .task = &b->task, .next_partition = &next_partition,
						 .first_part = first_part(b, leaf->spec), .stop = &stop, .shows_progress = true};

		worker_run(&w);
		b->stats->rows_read += spec->kept == NULL ? w.n_rows : 0;
		if (w.status == FAILED) {
			*err = w.err;
			status = FAILED;
			goto out;
		}
	}
	if (is_interrupted(b->options)) {
		status = error_set(err, ERROR_INTERRUPTED, "The query was cancelled");
		goto out;
	}
	b->units_done = units_before + units;
	/* Its buffers make room for what operators do at the end. */
	close_source(b, &source);
	b->task.services.source_part = first_part(b, leaf->spec) + UINT32_MAX;
	TRY_OUT(op_advance(scan, 0, INT64_MAX, err));
	TRY_OUT(op_finish(scan, 0, err));
	arena_reset(&b->task.scratch);
out:
	close_source(b, &source);
	return status;
}

/* Pushes rows of a recursive query.  DONE: no more are wanted. */
static Status
push_rows(Bounded *b, Op *scan, const ScanSpec *spec, const Value *rows, int64_t n, Error *err)
{
	Arena		arena = {0};
	SourceSpec	values;
	Source	   *source = NULL;
	Status		status = recursion_source(&arena, spec->source, spec->recursive, rows, n, &values, err);
	atomic_int	next_partition = 0;
	atomic_bool stop = false;
	Worker		w = {.bounded = b, .scan = scan, .task = &b->task, .next_partition = &next_partition,
					 .first_part = first_part(b, spec), .stop = &stop};

	if (status == OK)
		status = source_open(&arena, &values, b->options->sources, &source, err);
	if (status == OK) {
		w.source = source;
		worker_run(&w);
		b->stats->rows_read += w.n_rows;
		status = w.status == OK && atomic_load(&stop) ? DONE : w.status;
		if (status == FAILED)
			*err = w.err;
		source_close(source);
	}
	arena_free(&arena);
	return status;
}

static Status
push_iterations(Bounded *b, Op *scan, const ScanSpec *spec, Error *err)
{
	BoundedOptions options = *b->options;
	Recursion	*recursion;
	Status		 status = OK;
	const Value *rows;
	int64_t		 n;

	options.outer = &b->kept;
	options.kept = NULL;
	recursion = recursion_open(spec->recursive, &options);
	while (status == OK) {
		status = recursion_next(recursion, b->stats, &rows, &n, err);
		if (status == OK)
			status = push_rows(b, scan, spec, rows, n, err);
		if (status == OK && is_interrupted(b->options))
			status = error_set(err, ERROR_INTERRUPTED, "The query was cancelled");
	}
	recursion_close(recursion);
	return status == FAILED ? FAILED : OK;
}

/* The scan of a recursive query: all iterations, or as a part of its step the one before. */
static Status
run_recursive_leaf(Bounded *b, const PlanNode *leaf, Error *err)
{
	const ScanSpec *spec = leaf->spec;
	Op			   *scan = graph_op(&b->graph, leaf, 0);

	if (spec->is_working) {
		const WorkingRows *w = b->options->working;

		while (w != NULL && w->of != spec->recursive)
			w = w->next;
		if (w == NULL)
			return error_bug(err, "%s is read outside of its recursion", spec->recursive->name);
		if (push_rows(b, scan, spec, w->rows, w->n, err) == FAILED)
			return FAILED;
	} else
		TRY(push_iterations(b, scan, spec, err));
	TRY(op_advance(scan, 0, INT64_MAX, err));
	TRY(op_finish(scan, 0, err));
	arena_reset(&b->task.scratch);
	return OK;
}

static bool
is_recursive(const PlanNode *node)
{
	if (node->op == &op_scan && ((const ScanSpec *)node->spec)->recursive != NULL)
		return true;
	for (int i = 0; i < node->n_inputs; i++)
		if (is_recursive(node->inputs[i]))
			return true;
	return false;
}

static void
collect_stats(Bounded *b)
{
	b->stats->failed_rows += b->task.n_failed_rows;
	for (int t = 0; t < b->n_clone_tasks; t++)
		b->stats->failed_rows += b->clone_tasks[t]->n_failed_rows;
	for (int i = 0; b->graph.ops != NULL && i < b->graph.n_nodes; i++)
		b->stats->late_rows += b->graph.ops[i]->late_rows;
}

/* A value that was too large where nothing could fail (a condition of a join). */
static Status
check_values(const Bounded *b, Error *err)
{
	for (int t = 0; t < b->n_clone_tasks; t++)
		TRY(eval_check(&b->clone_tasks[t]->eval, err));
	return eval_check(&b->task.eval, err);
}

/* Order matters: the loop of continuous queries runs the plan, one task, to its end. */
static Status
run_in_order(const Plan *plan, const BoundedOptions *options, BoundedStats *stats, Error *err)
{
	StreamRun	   *run = NULL;
	StreamRunOptions stream = {.env = options->env, .sources = options->sources, .output = options->output,
							   .row_log = options->row_log, .result = options->result, .result_context = options->result_context,
							   .budget = options->budget, .is_timed = options->is_timed, .single_partition = true, .refuses_large = true, .batch_rows = options->batch_rows,
							   .interrupted = options->interrupted};
	Status			status;
	int64_t			n_rows;

	TRY(stream_run_open(plan, &stream, &run, err));
	do {
		status = stream_run_epoch(run, &n_rows, err);
		stats->rows_read += n_rows;
		if (status == OK && n_rows == 0)
			status = is_interrupted(options) ? error_set(err, ERROR_INTERRUPTED, "The query was cancelled") : DONE;
	} while (status == OK);
	if (status == DONE && options->inspect != NULL) {
		const Graph *graph = stream_run_graph(run);

		options->inspect(options->inspect_context, plan, graph->ops, graph->n_nodes);
	}
	stream_run_close(run);
	return status == FAILED ? FAILED : OK;
}

void
bounded_stats_add(BoundedStats *into, const BoundedStats *from)
{
	into->rows_read += from->rows_read;
	into->bytes_read += from->bytes_read;
	into->bad_rows += from->bad_rows;
	into->failed_rows += from->failed_rows;
	into->late_rows += from->late_rows;
}

Status
bounded_run(const Plan *plan, const BoundedOptions *options, BoundedStats *stats, Error *err)
{
	Bounded b = {.plan = plan, .options = options, .stats = stats, .kept = {.outer = options->outer}, .started = nanos_now()};
	Status	status = OK;

	*stats = (BoundedStats){0};
	if (needs_order(plan->root) && is_recursive(plan->root))
		return error_unsupported(err, "A recursive query cannot be joined with streams WITHIN a time. Join its result in a query of its own.");
	if (needs_order(plan->root))
		return run_in_order(plan, options, stats, err);
	b.spill = (SpillSpace){.env = options->env, .directory = options->temp_directory, .budget = options->budget, .n_sharers = 1};
	task_configure(&b, &b.task);
	b.task_pointer = &b.task;
	b.leaves = arena_array(&b.arena, const PlanNode *, count_leaves(plan->root));
	collect_leaves(&b, plan->root);
	for (int i = 0; i < b.n_leaves; i++)
		b.units_all += units_of(b.leaves[i]);
	b.task.services.progress = tell_of_operator;
	b.task.services.progress_context = &b;
	TRY_OUT(graph_open(&b.graph, plan, 1, &b.task_pointer, err));
	for (int i = 0; i < b.n_leaves; i++)
		TRY_OUT(((const ScanSpec *)b.leaves[i]->spec)->recursive != NULL ? run_recursive_leaf(&b, b.leaves[i], err) : run_leaf(&b, b.leaves[i], err));
	TRY_OUT(check_values(&b, err));
	if (options->inspect != NULL)
		options->inspect(options->inspect_context, plan, b.graph.ops, b.graph.n_nodes);
out:
	if (b.last_told > 0)
		options->progress(options->progress_context, NULL);
	collect_stats(&b);
	for (int c = 0; c < b.n_clones; c++)
		op_close(b.clones[c]);
	for (int t = 0; t < b.n_clone_tasks; t++)
		task_free(b.clone_tasks[t]);
	free(b.clones);
	free(b.clone_tasks);
	graph_close(&b.graph);
	kept_set_free(&b.kept);
	task_free(&b.task);
	arena_free(&b.arena);
	return status;
}
