#include "exec/task/graph.h"

#include <stdlib.h>

#include "exec/op/exchange.h"

static int
count_nodes(const PlanNode *node)
{
	int n = 1;

	for (int i = 0; i < node->n_inputs; i++)
		n += count_nodes(node->inputs[i]);
	return n;
}

static void
collect_nodes(Graph *graph, const PlanNode *node)
{
	for (int i = 0; i < graph->n_nodes; i++)
		if (graph->nodes[i] == node)
			return;
	for (int i = 0; i < node->n_inputs; i++)
		collect_nodes(graph, node->inputs[i]);
	graph->nodes[graph->n_nodes++] = node;
}

static int
node_index(const Graph *graph, const PlanNode *node)
{
	for (int i = 0; i < graph->n_nodes; i++)
		if (graph->nodes[i] == node)
			return i;
	return -1;
}

Op *
graph_op(const Graph *graph, const PlanNode *node, int partition)
{
	int i = node_index(graph, node);

	return i >= 0 ? graph->ops[partition * graph->n_nodes + i] : NULL;
}

Op *
graph_make_op(Arena *arena, const PlanNode *node, Task *task)
{
	Op *op = arena_calloc(arena, node->op->size);

	op->type = node->op;
	op->spec = node->spec;
	op->task = task;
	op->id = node->id;
	op->n_inputs = node->n_inputs > 0 ? node->n_inputs : 1;
	op->n_columns = node->schema != NULL ? node->schema->n_columns : 0;
	return op;
}

static void
add_output(Graph *graph, Op *from, Op *to, int port)
{
	OpOutput *outputs = arena_array(&graph->arena, OpOutput, from->n_outputs + 1);

	if (from->n_outputs > 0)
		memcpy(outputs, from->outputs, sizeof *outputs * (size_t)from->n_outputs);
	outputs[from->n_outputs] = (OpOutput){to, port};
	from->outputs = outputs;
	from->n_outputs++;
}

static void
wire_node(Graph *graph, int i)
{
	const PlanNode *node = graph->nodes[i];
	int				n = graph->n_nodes;

	for (int port = 0; port < node->n_inputs; port++) {
		int from = node_index(graph, node->inputs[port]);

		for (int p = 0; p < graph->n_partitions; p++) {
			Op *source = graph->ops[p * n + from];

			if (source->type != &op_exchange) {
				add_output(graph, source, graph->ops[p * n + i], port);
				continue;
			}
			for (int q = 0; q < graph->n_partitions; q++)
				add_output(graph, source, graph->ops[q * n + i], port);
		}
	}
}

Status
graph_open(Graph *graph, const Plan *plan, int n_partitions, Task **tasks, Error *err)
{
	int n;

	*graph = (Graph){.plan = plan, .n_partitions = n_partitions, .tasks = tasks};
	graph->nodes = arena_array(&graph->arena, const PlanNode *, count_nodes(plan->root));
	collect_nodes(graph, plan->root);
	n = graph->n_nodes;
	graph->ops = arena_array(&graph->arena, Op *, n * n_partitions);
	for (int p = 0; p < n_partitions; p++)
		for (int i = 0; i < n; i++) {
			Op *op = graph_make_op(&graph->arena, graph->nodes[i], tasks[p]);

			graph->ops[p * n + i] = op;
			if (op->type == &op_exchange) {
				op->primary = p > 0 ? graph->ops[i] : NULL;
				op->n_inputs = n_partitions;
			}
		}
	for (int i = 0; i < n; i++)
		wire_node(graph, i);
	for (int p = 0; p < n_partitions; p++)
		for (int i = 0; i < n; i++) {
			Op	  *op = graph->ops[p * n + i];
			Status status = op_open(op, err);

			if (status == FAILED)
				return FAILED;
			op->is_done = status == DONE;
		}
	return OK;
}

void
graph_close(Graph *graph)
{
	for (int i = 0; graph->ops != NULL && i < graph->n_nodes * graph->n_partitions; i++)
		if (graph->ops[i] != NULL)
			op_close(graph->ops[i]);
	arena_free(&graph->arena);
	*graph = (Graph){0};
}

Status
graph_flush(Graph *graph, Error *err)
{
	/* Node by node over all partitions: an exchange may carry flushed rows into any partition. */
	for (int i = 0; i < graph->n_nodes; i++)
		for (int p = 0; p < graph->n_partitions; p++) {
			TRY(op_flush(graph->ops[p * graph->n_nodes + i], err));
			arena_reset(&graph->tasks[p]->scratch);
		}
	return OK;
}
