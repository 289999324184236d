#ifndef SLUICE_EXEC_OP_ROW_SET_H
#define SLUICE_EXEC_OP_ROW_SET_H

/* Rows of a table, by leading columns: what DISTINCT, INTERSECT and EXCEPT have seen. */
#include "exec/op/group_table.h"
#include "exec/op/op.h"

/* Made when the first rows tell the types. */
typedef struct RowSet {
	GroupTable table;
	int		   n_columns;		/* -1: not made yet */
} RowSet;

/* What was looked up for a batch; memory of the operator's scratch. */
typedef struct RowLookup {
	uint32_t *rows;				/* of the batch: those that have a value */
	int32_t	  n;
	Group	**groups;			/* by place in rows */
	uint32_t *new_rows;			/* places in rows */
	int32_t	  n_new;
} RowLookup;

/*
 * Looks rows up by their first n_columns columns; inserts those that are not there, with a state of zeros, or (inserts false) gives NULL for them.
 * FAILED: the budget of `op` is exhausted.
 */
Status row_set_find(RowSet *set, Op *op, const Batch *in, int n_columns, uint32_t state_size, bool inserts, RowLookup *out, Error *err);
void   row_set_free(RowSet *set);

#endif
