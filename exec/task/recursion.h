#ifndef SLUICE_EXEC_TASK_RECURSION_H
#define SLUICE_EXEC_TASK_RECURSION_H

/*
 * WITH RECURSIVE in a bounded plan: the rows of the base, then those that the step makes of the rows before, until it makes none.  The
 * scan of a recursive query is pushed the rows of one iteration after the other, so that a LIMIT above ends it.
 */
#include "exec/plan.h"
#include "exec/task/bounded_run.h"

/* The rows of the iteration in hand, for the scans of the step; chained where a step has a recursive query of its own. */
typedef struct WorkingRows {
	const RecursiveSpec		 *of;
	const Value				 *rows;		/* n rows of of->n_columns */
	int64_t					  n;
	const struct WorkingRows *next;
} WorkingRows;

typedef struct Recursion Recursion;

/* `options` are borrowed, and those of the sub-plans but for result, progress and inspection. */
Recursion *recursion_open(const RecursiveSpec *spec, const BoundedOptions *options);
void	   recursion_close(Recursion *recursion);

/* Computes the next iteration; *rows, which live until the next call, and *n.  DONE: there are no more. */
Status recursion_next(Recursion *recursion, BoundedStats *stats, const Value **rows, int64_t *n, Error *err);

/* The columns of a scan, out of rows of a recursive query, as a source of values. */
Status recursion_source(Arena *arena, const SourceSpec *scan, const RecursiveSpec *spec, const Value *rows, int64_t n, SourceSpec *out, Error *err);

#endif
