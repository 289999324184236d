#ifndef SLUICE_EXEC_OP_FLAT_MAP_H
#define SLUICE_EXEC_OP_FLAT_MAP_H

#include "exec/op/op.h"

/*
 * Table functions: each input row gives as many rows as the longest of the functions, the others padded with NULL;
 * no rows where all are empty.  Output columns: the input's, then one per function.  Rows without a value are dropped.
 * outer: a row that would vanish gives one row with NULLs (LEFT JOIN UNNEST).
 */
typedef struct FlatMapItem {
	const TableFunction *function;
	int					 n_args;
	const Expr *const	*args;
	const Type			*type;			/* of a row */
	const ScalarFunction *scalar;		/* whose array's elements are the rows (series_as_rows); NULL otherwise */
} FlatMapItem;

typedef struct FlatMapSpec {
	int				   n_items;
	const FlatMapItem *items;
	bool			   outer;
} FlatMapSpec;

extern const OpType op_flat_map;

#endif
