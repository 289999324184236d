#include "engine/fragment.h"

#include "exec/op/aggregate.h"
#include "exec/op/exchange.h"
#include "exec/op/exchange_topic.h"
#include "exec/op/filter.h"
#include "exec/op/flat_map.h"
#include "exec/op/limit.h"
#include "exec/op/project.h"
#include "exec/op/scan.h"
#include "exec/op/sink.h"
#include "exec/task/stream_run.h"

typedef struct Cutter {
	Arena		*arena;
	const Plan	*plan;
	const char	*prefix;
	int			 n;
	int			 capacity;
	Fragment   **fragments;
} Cutter;

/*
 * Operators without durable state.  All others are taken to have some: a changelog that nothing is written to does no harm, state that is not
 * restored does.
 */
static bool
is_stateless(const PlanNode *node)
{
	if (node->op == &op_filter)
		return !((const FilterSpec *)node->spec)->is_table;
	return node->op == &op_scan || node->op == &op_project || node->op == &op_flat_map || node->op == &op_union || node->op == &op_sink;
}

/*
 * An exchange that moves rows without a key only, in front of what ends in a table: Kafka takes no records without a key there, so nothing
 * has to move.
 */
static bool
moves_nothing(const Plan *plan, const PlanNode *exchange)
{
	const PlanNode *node = plan->root;

	if (((const ExchangeSpec *)exchange->spec)->null_keys != NULL_KEYS_MOVE || node->op != &op_sink || !((const SinkSpec *)node->spec)->is_table)
		return false;
	while (node != exchange && node->n_inputs == 1 && (node->op == &op_sink || node->op == &op_project || node->op == &op_filter || node->op == &op_aggregate))
		node = node->inputs[0];
	return node == exchange;
}

static void
add_feeder(Cutter *self, Fragment *to, Fragment *feeder)
{
	Fragment **grown = arena_array(self->arena, Fragment *, to->n_feeders + 1);

	if (to->n_feeders > 0)
		memcpy(grown, to->feeders, sizeof *grown * (size_t)to->n_feeders);
	grown[to->n_feeders++] = feeder;
	to->feeders = grown;
}

static void
add_source(Cutter *self, Fragment *to, PlanNode *scan)
{
	PlanNode **grown = arena_array(self->arena, PlanNode *, to->plan.n_sources + 1);

	if (to->plan.n_sources > 0)
		memcpy(grown, to->plan.sources, sizeof *grown * (size_t)to->plan.n_sources);
	grown[to->plan.n_sources++] = scan;
	to->plan.sources = grown;
}

static Fragment *cut_fragment(Cutter *self, const PlanNode *root, const ExchangeSpec *exchange, bool is_cut);

/* The scan by which a fragment reads what another one wrote. */
static PlanNode *
exchange_scan(Cutter *self, const Fragment *feeder, const Schema *schema)
{
	PlanNode   *node = arena_new(self->arena, PlanNode);
	ScanSpec   *scan = arena_new(self->arena, ScanSpec);
	SourceSpec *source = arena_new(self->arena, SourceSpec);

	source->kind = SOURCE_EXCHANGE;
	source->name = source->input = feeder->output->name;
	source->n_columns = schema->n_columns;
	source->columns = schema->columns;
	source->n_key = schema->n_key;
	source->wants_headers = true;
	source->topic = feeder->output;
	scan->source = source;
	scan->alias = feeder->output->name;
	scan->n_key = schema->n_key;
	node->op = &op_scan;
	node->spec = scan;
	node->schema = schema;
	node->id = -1;
	node->estimated_rows = -1;
	return node;
}

static PlanNode *
cut_here(Cutter *self, Fragment *in, const PlanNode *input, const ExchangeSpec *exchange)
{
	Fragment *feeder = cut_fragment(self, input, exchange, true);
	PlanNode *scan = exchange_scan(self, feeder, input->schema);

	add_feeder(self, in, feeder);
	add_source(self, in, scan);
	return scan;
}

/* The repartition topic has as many partitions as what its rows meet. */
static const ExchangeSpec *
topic_exchange(Cutter *self, const ExchangeSpec *exchange)
{
	ExchangeSpec *copy = arena_memdup(self->arena, exchange, sizeof *exchange);

	copy->n_partitions = 0;
	return copy;
}

/* Tables have no kept rows besides their topic. */
static const SinkSpec *
topic_sink(Cutter *self, const SinkSpec *sink)
{
	SinkSpec *copy = arena_memdup(self->arena, sink, sizeof *sink);

	copy->is_table = false;
	copy->retention_ms = 0;
	return copy;
}

static bool
is_file_scan(const PlanNode *node)
{
	return node->op == &op_scan && ((const ScanSpec *)node->spec)->source->kind == SOURCE_FILE;
}

/* True if a file is read below without an exchange in between. */
static bool
reads_file(const PlanNode *node)
{
	if (node->op == &op_exchange)
		return false;
	for (int i = 0; i < node->n_inputs; i++)
		if (reads_file(node->inputs[i]))
			return true;
	return is_file_scan(node);
}

/* Files are read in one place, topics in many: where they meet, the rows of files come through a topic too. */
static bool
cuts_input(const PlanNode *node, const PlanNode *input)
{
	return stream_op_needs_all(node) || (node->n_inputs > 1 && reads_file(input));
}

/* A copy of the tree below `node`, with scans in place of exchanges. */
static PlanNode *
cut(Cutter *self, Fragment *in, const PlanNode *node)
{
	PlanNode  *copy;
	PlanNode **inputs;

	if (node->op == &op_exchange && moves_nothing(self->plan, node))
		return cut(self, in, node->inputs[0]);
	if (node->op == &op_exchange)
		return cut_here(self, in, node->inputs[0], topic_exchange(self, node->spec));
	copy = arena_memdup(self->arena, node, sizeof *node);
	if (node->op == &op_sink)
		copy->spec = topic_sink(self, node->spec);
	inputs = arena_array(self->arena, PlanNode *, node->n_inputs + 1);
	in->is_stateful = in->is_stateful || !is_stateless(node);
	in->is_single = in->is_single || stream_op_needs_all(node) || is_file_scan(node);
	in->reads_file = in->reads_file || is_file_scan(node);
	if (node->op == &op_scan)
		add_source(self, in, copy);
	for (int i = 0; i < node->n_inputs; i++)
		inputs[i] = cuts_input(node, node->inputs[i]) ? cut_here(self, in, node->inputs[i], NULL) : cut(self, in, node->inputs[i]);
	copy->inputs = inputs;
	return copy;
}

static void
add_fragment(Cutter *self, Fragment *fragment)
{
	if (self->n == self->capacity) {
		Fragment **grown = arena_array(self->arena, Fragment *, 2 * self->capacity + 4);

		if (self->n > 0)
			memcpy(grown, self->fragments, sizeof *grown * (size_t)self->n);
		self->fragments = grown;
		self->capacity = 2 * self->capacity + 4;
	}
	self->fragments[self->n++] = fragment;
	fragment->is_stateful = fragment->is_stateful || fragment->reads_file;
	if (fragment->reads_file)
		fragment->file_topic = arena_printf(self->arena, "%s-File-%d-source", self->prefix, self->n);
	if (fragment->is_stateful)
		fragment->changelog = arena_printf(self->arena, "%s-State-%d-changelog", self->prefix, self->n);
}

static TopicSpec *
repartition_topic(Cutter *self, const Schema *schema)
{
	TopicSpec *topic = arena_new(self->arena, TopicSpec);

	topic->name = arena_printf(self->arena, "%s-Repartition-%d-repartition", self->prefix, self->n + 1);
	topic->value.n_columns = schema->n_columns;
	topic->value.columns = schema->columns;
	return topic;
}

/* The fragment that ends in `root`; is_cut: its rows go on through a topic, by `exchange` or (NULL) into one partition. */
static Fragment *
cut_fragment(Cutter *self, const PlanNode *root, const ExchangeSpec *exchange, bool is_cut)
{
	Fragment *fragment = arena_new(self->arena, Fragment);
	PlanNode *top;

	fragment->plan = *self->plan;
	fragment->plan.n_sources = 0;
	fragment->plan.sources = NULL;
	top = cut(self, fragment, root);
	if (is_cut) {
		ExchangeTopicSpec *spec = arena_new(self->arena, ExchangeTopicSpec);
		PlanNode		  *end = arena_new(self->arena, PlanNode);
		PlanNode		 **inputs = arena_array(self->arena, PlanNode *, 1);

		fragment->output = repartition_topic(self, root->schema);
		spec->exchange = exchange;
		spec->topic = fragment->output;
		inputs[0] = top;
		*end = (PlanNode){.op = &op_exchange_topic, .spec = spec, .id = -1, .n_inputs = 1, .inputs = inputs, .schema = root->schema, .estimated_rows = -1};
		top = end;
	}
	fragment->plan.root = top;
	add_fragment(self, fragment);
	return fragment;
}

void
fragments_cut(Arena *arena, const Plan *plan, const char *prefix, Fragment ***out, int *n)
{
	Cutter self = {.arena = arena, .plan = plan, .prefix = prefix};

	cut_fragment(&self, plan->root, NULL, false);
	*out = self.fragments;
	*n = self.n;
}

/* ---- partitions ---- */

static const SourceSpec *
source_of(const PlanNode *scan)
{
	return ((const ScanSpec *)scan->spec)->source;
}

/* The most partitions of any topic that a fragment or those before it read. */
static int
most_partitions(const Fragment *fragment, int (*partitions_of)(void *context, const TopicSpec *topic), void *context)
{
	int most = 1;

	for (int i = 0; i < fragment->plan.n_sources; i++) {
		const SourceSpec *source = source_of(fragment->plan.sources[i]);
		int				  n = source->kind == SOURCE_TOPIC ? partitions_of(context, source->topic) : 1;

		most = n > most ? n : most;
	}
	for (int i = 0; i < fragment->n_feeders; i++)
		if (fragment->feeders[i]->n_partitions > most)
			most = fragment->feeders[i]->n_partitions;
	return most;
}

static int
direct_partitions(const Fragment *fragment, int (*partitions_of)(void *context, const TopicSpec *topic), void *context)
{
	int most = 0;

	for (int i = 0; i < fragment->plan.n_sources; i++) {
		const SourceSpec *source = source_of(fragment->plan.sources[i]);
		int				  n = source->kind == SOURCE_TOPIC ? partitions_of(context, source->topic) : 0;

		most = n > most ? n : most;
	}
	return most;
}

/* Of repartition topics that exist already, whose number stays when that of the topics before them changes; 0: there are none. */
static int
given_partitions(const Fragment *fragment, int (*partitions_of)(void *context, const TopicSpec *topic), void *context)
{
	int n = 0;

	for (int i = 0; i < fragment->n_feeders && n == 0; i++)
		n = partitions_of(context, fragment->feeders[i]->output);
	return n;
}

static Status
check_copartitioned(const Fragment *fragment, int (*partitions_of)(void *context, const TopicSpec *topic), void *context, Error *err)
{
	for (int i = 0; i < fragment->plan.n_sources && fragment->is_stateful; i++) {
		const SourceSpec *source = source_of(fragment->plan.sources[i]);
		int				  n = source->kind == SOURCE_TOPIC ? partitions_of(context, source->topic) : fragment->n_partitions;

		if (n != fragment->n_partitions) {
			error_user(err, "The topic %s has %d partitions, what it is joined with has %d", source->name, n, fragment->n_partitions);
			return error_hint(err, "Topics that are joined need equal numbers of partitions: make one again by CREATE STREAM ... WITH "
							  "(PARTITIONS=%d) AS SELECT ...", fragment->n_partitions);
		}
	}
	return OK;
}

Status
fragments_set_partitions(Fragment **fragments, int n, int (*partitions_of)(void *context, const TopicSpec *topic), void *context, Error *err)
{
	for (int i = 0; i < n; i++) {
		Fragment *f = fragments[i];
		int		  direct = direct_partitions(f, partitions_of, context);
		int		  given = direct > 0 || f->is_single ? 0 : given_partitions(f, partitions_of, context);

		f->n_partitions = f->is_single ? 1 : direct > 0 ? direct : given > 0 ? given : most_partitions(f, partitions_of, context);
		for (int k = 0; k < f->n_feeders; k++)
			f->feeders[k]->output->n_partitions = f->n_partitions;
		TRY(check_copartitioned(f, partitions_of, context, err));
	}
	return OK;
}
