#ifndef SLUICE_EXEC_OP_CHANGE_OUTPUT_H
#define SLUICE_EXEC_OP_CHANGE_OUTPUT_H

/*
 * Output of operators that hand on rows of one table as they came, some of them later than they came: a change is the row
 * of the input that causes it, or a row that was kept as bytes (join_kept_encode).  The columns are those of the input.
 */
#include "exec/op/join_output.h"

typedef struct Change {
	RowKind	 kind;			/* ROW_DELETE: the key columns only, the others are NULL */
	bool	 is_kept;
	JoinKept kept;			/* is_kept; copied when added */
	int32_t	 input_row;		/* of the batch in hand: its headers, and the row itself unless is_kept */
	Time	 time;
} Change;

typedef struct ChangeOutput {
	Op				  *op;
	int				   n_key;
	int				   n_columns;
	const Type *const *types;
	bool			   is_windowed;
	const Batch		  *in;			/* of the current push */
	int				   port;		/* whose rows have the columns of the output: 0; others only cause changes */
	ArenaMark		   mark;
	int32_t			   n;
	int32_t			   capacity;
	Change			  *changes;
} ChangeOutput;

void change_output_init(ChangeOutput *out, Op *op, int n_key, int n_columns, const Type *const *types, bool is_windowed);
void change_output_free(ChangeOutput *out);

/* in NULL: the changes come from no row, but from time; all are kept rows.  Scratch memory that is taken between begin and end goes with each
 * batch that is handed on. */
void change_output_begin(ChangeOutput *out, const Batch *in, int port);

/* DONE: no more output is wanted. */
Status change_output_add(ChangeOutput *out, const Change *change, Error *err);

/* Hands on what was added.  To be called at the end of each push. */
Status change_output_end(ChangeOutput *out, Error *err);

/* Bytes that name a row of a table: its key, and its window where windowed. */
void change_key_encode(const Batch *in, int32_t row, int n_key, bool is_windowed, StrBuf *out);

#endif
