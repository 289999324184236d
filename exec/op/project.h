#ifndef SLUICE_EXEC_OP_PROJECT_H
#define SLUICE_EXEC_OP_PROJECT_H

#include "exec/op/op.h"

/*
 * Computes each output column from the input row.  System columns pass through.
 *
 * Rows without a value (INSERT_NULL, DELETE): the first n_key columns are evaluated (over the key columns and NULLs), the
 * others are NULL.  key_is_null_for_null_value[i] (NULL array: none): key column i uses a value column, so it is NULL for
 * such rows (PARTITION BY a value column).
 */
typedef struct ProjectSpec {
	int				   n_columns;
	int				   n_key;
	const Expr *const *columns;
	const char *const *names;						/* for EXPLAIN */
	const bool		  *key_is_null_for_null_value;
	bool			   drops_null_values;			/* re-keying for a join by a value expression: null values are dropped */
	bool			   to_event_time;				/* the window bounds and kinds are forgotten: result is plain inserts */
} ProjectSpec;

extern const OpType op_project;

#endif
