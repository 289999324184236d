#ifndef SLUICE_EXEC_OP_TOP_N_H
#define SLUICE_EXEC_OP_TOP_N_H

#include "exec/op/sort.h"

/*
 * ORDER BY ... LIMIT n of a continuous query: the first rows of a table as changes.  A row that comes in is an UPSERT, one
 * that leaves, be it deleted or displaced, is a DELETE; deletes come first.  Rows that are equal in the order stand in the
 * order of their keys, or, of a stream, of their arrival.  Output columns are those of the input.
 *
 * Of a table all rows are kept, for one may come in when another goes.  Of a stream, whose rows never go, only the
 * first are.
 */
typedef struct TopNSpec {
	int				   n_keys;
	const SortKey	  *keys;
	int64_t			   n_rows;
	int64_t			   n_skip;
	bool			   is_table;		/* of the input */
	int				   n_key;			/* leading columns that are the key of the output; a stream's rows: all columns */
	bool			   is_windowed;		/* the key includes the window */
	bool			   is_session;
	int64_t			   retention_ms;	/* is_windowed: rows of older windows leave at the end of an epoch; 0: never */
	int				   n_columns;
	const Type *const *types;
} TopNSpec;

/* What n_rows + n_skip may be: a change that concerns the first rows is found its place among them by walking. */
enum { TOP_N_MOST = 10000 };

extern const OpType op_top_n;

#endif
