#ifndef SLUICE_EXEC_OP_FILTER_H
#define SLUICE_EXEC_OP_FILTER_H

#include "exec/op/op.h"

/*
 * WHERE and HAVING: rows for which the condition is TRUE pass.
 *
 * On a stream, rows without a value (INSERT_NULL) are dropped.  On a table's changes the operator keeps the set of keys
 * whose row passed: a row that stops passing, or a delete of one that passed, becomes DELETE; changes of rows that did
 * not and do not pass emit nothing.  Windowed keys: the key includes the window.
 */
typedef struct FilterSpec {
	const Expr *condition;
	bool		is_table;
	int			n_key;			/* is_table: the leading key columns */
	bool		is_windowed;	/* the key includes window_start/window_end */
	bool		is_session;
	int64_t		retention_ms;	/* is_windowed: keys of older windows are forgotten; 0: never */
} FilterSpec;

extern const OpType op_filter;

#endif
