#ifndef SLUICE_EXEC_OP_JOIN_SEMI_H
#define SLUICE_EXEC_OP_JOIN_SEMI_H

#include "exec/op/join_stream.h"

/*
 * IN (query), EXISTS and their negations in a continuous query: rows of the left input (port 0) that have, or lack, a
 * row of the right input (port 1) with equal keys.  Output columns are the left ones.
 *
 * Left a table: the result is a table with its key, kept up to date from both sides: a right row that comes or goes lets left
 * rows in (UPSERT) or out (DELETE), in the order of their keys.  Left a stream: its rows are tested as they come, against
 * the right rows of now, as in a join of a stream with a table.
 *
 * NULL in a key equals nothing.  null_aware (NOT IN; one key): nothing passes while there is a NULL on the right, a NULL on the
 * left passes only while the right is empty.  n_keys 0: any right row matches.
 */
typedef struct JoinSemiSpec {
	bool			   is_anti;
	bool			   null_aware;
	int				   n_keys;
	const Expr *const *left_keys;
	const Expr *const *right_keys;
	bool			   left_is_table;
	bool			   right_is_table;
	int				   n_left_key;		/* leading key columns of the left input: of a table */
	int				   n_right_key;
	/* Of windowed tables the key includes the window; rows of windows older than the retention go at the end of an epoch (0: never). */
	bool			   left_is_windowed;
	bool			   right_is_windowed;
	bool			   left_is_session;
	bool			   right_is_session;
	int64_t			   left_retention_ms;
	int64_t			   right_retention_ms;
	int				   n_left;
	const Type *const *left_types;
} JoinSemiSpec;

extern const OpType op_join_semi;

#endif
