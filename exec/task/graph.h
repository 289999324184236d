#ifndef SLUICE_EXEC_TASK_GRAPH_H
#define SLUICE_EXEC_TASK_GRAPH_H

/*
 * The running instances of a plan: one operator per plan node and partition, wired.  An exchange is wired to all partitions of
 * what follows it; everything else stays within its partition.
 */
#include "exec/plan.h"
#include "exec/task/task.h"

typedef struct Graph {
	const Plan		*plan;
	int				 n_partitions;
	Task		   **tasks;			/* by partition; borrowed */
	int				 n_nodes;
	const PlanNode **nodes;			/* inputs before outputs */
	Op			   **ops;			/* [partition * n_nodes + node] */
	Arena			 arena;
} Graph;

/* Makes and opens all operators. */
Status graph_open(Graph *graph, const Plan *plan, int n_partitions, Task **tasks, Error *err);

/* Also after a failed graph_open. */
void graph_close(Graph *graph);

/* The instance of a node; NULL if it is not in the plan. */
Op *graph_op(const Graph *graph, const PlanNode *node, int partition);

/* Flushes every operator, inputs before outputs. */
Status graph_flush(Graph *graph, Error *err);

/* One unwired instance of a node, for clones. */
Op *graph_make_op(Arena *arena, const PlanNode *node, Task *task);

#endif
