#ifndef SLUICE_EXEC_OP_JOIN_ASOF_IMPL_H
#define SLUICE_EXEC_OP_JOIN_ASOF_IMPL_H

/* What the files of the ASOF join share: join_asof.c (right rows in memory) and join_asof_merge.c (both sides in sorted runs). */
#include "exec/op/join_asof.h"
#include "exec/op/join_table.h"
#include "exec/op/run_store.h"

/* Rows of one side with their keys, and how they are sorted. */
typedef struct AsofSide {
	Program	  **programs;		/* by key */
	int			n_columns;		/* of the input; the keys are behind them */
	int		   *key_columns;
	SortColumn *order;
	RunStore	store;
} AsofSide;

typedef struct JoinAsofOp {
	Op		  op;
	AsofSide  left;				/* only where the right rows are in runs; event time behind the keys */
	AsofSide  right;			/* in memory: sorted once it is built, with a row of NULLs behind */
	JoinTable table;			/* of all keys but the last; rows are those of the store */
	uint32_t *run_ends;			/* by row, where a run of equal keys begins: behind its last row */
	int64_t	  run_bytes;
	uint32_t  null_row;
	bool	  is_built;
	bool	  is_merged;		/* the right rows are in runs: so are the left ones, until the end */
	bool	  left_has_time;
} JoinAsofOp;

/* The columns of a batch, its keys behind them, in scratch memory with room for one more. */
Status asof_columns(JoinAsofOp *self, const AsofSide *side, const Batch *in, const Vector ***columns, Error *err);

/* Rows for which all of n keys are known and that are rows; returns how many. */
int32_t asof_joinable(const Batch *in, const Vector *const *keys, int n_keys, uint32_t *rows);

/* How many of equal right values are passed by: those that a left row may take with >=, that it may not take with <. */
bool asof_passes_equal(CompareOp op);

/* ---- join_asof_merge.c ---- */

/* Keeps left rows. */
Status asof_merge_keep(JoinAsofOp *self, const Batch *in, Error *err);

/* Both sides have ended: merges them. */
Status asof_merge_finish(JoinAsofOp *self, Error *err);

#endif
