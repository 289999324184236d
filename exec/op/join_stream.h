#ifndef SLUICE_EXEC_OP_JOIN_STREAM_H
#define SLUICE_EXEC_OP_JOIN_STREAM_H

#include "exec/op/op.h"

/*
 * Streaming joins.  Ports: 0 left, 1 right.  Both inputs carry their join key in their first n_key columns (the planner
 * re-keys them).  Output columns: the join key (n_key), all left columns, all right columns; key columns are the
 * first n_key.  The side that is missing is NULL.  RIGHT joins are planned as they are written.  A ROW_DELETE has the
 * key in the key columns of the sides too (foreign key: of the left side), and NULL elsewhere.
 */
typedef enum JoinKind { JOIN_INNER, JOIN_LEFT, JOIN_RIGHT, JOIN_FULL, JOIN_SEMI, JOIN_ANTI, JOIN_CROSS } JoinKind;

const char *join_kind_name(JoinKind kind);

/* Stream-stream, within a window of time. */
typedef struct JoinWindowSpec {
	JoinKind kind;			/* INNER, LEFT, RIGHT, FULL */
	int		 n_key;
	int		 n_left;		/* columns of the left input */
	int		 n_right;
	int64_t	 before_ms;		/* a left row at t joins right rows in [t - before, t + after] (RIGHT: relative to the right) */
	int64_t	 after_ms;
	int64_t	 grace_ms;		/* resolved */
	bool	 has_grace;		/* GRACE PERIOD written: unmatched rows are held until the window closes */
	bool	 is_windowed;	/* both sides have windowed keys: part of the join key */
	bool	 is_session;	/* of session windows: start and end must agree, else the start only */
	const Expr *residual;	/* what a pair must fulfil besides, over left columns then right columns; NULL: nothing */
	const Type *const *left_types;
	const Type *const *right_types;
} JoinWindowSpec;

extern const OpType op_join_window;

/* Stream (port 0) with a table (port 1): INNER or LEFT; the table's row as of now. */
typedef struct JoinTableSpec {
	JoinKind kind;			/* INNER, LEFT for stream-table; INNER, LEFT, RIGHT, FULL for table-table */
	int		 n_key;
	int		 n_left;
	int		 n_right;
	bool	 is_windowed;	/* as above */
	bool	 is_session;
	const Type *const *left_types;
	const Type *const *right_types;
} JoinTableSpec;

extern const OpType op_join_stream_table;
extern const OpType op_join_table_table;	/* on primary keys */

/*
 * Table-table on a foreign key: port 0 left, keyed by its own primary key; port 1 right, keyed by n_foreign columns.
 * Output columns: left key (n_key), all left columns, all right columns.
 */
typedef struct JoinForeignSpec {
	JoinKind		   kind;		/* INNER, LEFT */
	int				   n_key;		/* of the left input */
	int				   n_left;
	int				   n_right;
	int				   n_foreign;
	const Expr *const *foreign;		/* over left columns */
	const Type *const *left_types;
	const Type *const *right_types;
} JoinForeignSpec;

extern const OpType op_join_foreign;

#endif
