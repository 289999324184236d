#ifndef SLUICE_EXEC_OP_SORT_H
#define SLUICE_EXEC_OP_SORT_H

#include "exec/op/op.h"

/* ORDER BY, and ORDER BY ... LIMIT (top-n when n_rows >= 0).  Stable: equal rows keep input order. */
typedef struct SortKey {
	const Expr *expr;
	bool		descending;
	bool		nulls_first;
} SortKey;

typedef struct SortSpec {
	int			   n_keys;
	const SortKey *keys;
	int64_t		   n_rows;			/* to emit; -1: all */
	int64_t		   n_skip;
	bool		   ksqldb_order;	/* STRING by UTF-16 unit, BYTES by signed byte */
} SortSpec;

extern const OpType op_sort;

/*
 * DISTINCT: the first row of each set of equal rows passes at once.  Of a stream's rows in a continuous query the rows seen
 * are durable state, which grows with the number of different rows.
 */
typedef struct DistinctSpec {
	int	 n_columns;					/* leading columns that count */
	bool keeps_state;
} DistinctSpec;

extern const OpType op_distinct;

/* INTERSECT and EXCEPT [ALL]: ports 0 left, 1 right (run first). */
typedef struct SetOpSpec {
	bool is_except;
	bool all;
} SetOpSpec;

extern const OpType op_set_op;

#endif
