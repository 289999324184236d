#ifndef SLUICE_EXEC_TASK_KEPT_H
#define SLUICE_EXEC_TASK_KEPT_H

/*
 * Rows of WITH that several scans of a bounded plan read: computed by the first one that does, given back with the run that they belong to.
 * That is the run of the whole query, but for rows that depend on an iteration of WITH RECURSIVE: they belong to the run of its step.
 */
#include "exec/op/keep.h"
#include "exec/op/scan.h"
#include "exec/plan.h"
#include "exec/task/bounded_run.h"

typedef struct KeptEntry {
	const KeptSpec	 *of;
	KeptRows		 *rows;
	struct KeptEntry *next;
} KeptEntry;

/* What a run has; `outer` belongs to the run that this one is a part of. */
typedef struct KeptSet {
	KeptEntry	   *entries;
	struct KeptSet *outer;		/* NULL: the run of the whole query */
} KeptSet;

void kept_set_free(KeptSet *set);

/* The rows, computed if they are not there yet.  `options` are those of the run that `set` belongs to. */
Status kept_find(KeptSet *set, const KeptSpec *spec, const BoundedOptions *options, BoundedStats *stats, KeptRows **out, Error *err);

/* A reader of the rows, with the columns of the scan's source; a partition is a block.  For another thread: another one. */
Source *kept_source(Arena *arena, const ScanSpec *scan, KeptRows *rows);

#endif
