#ifndef SLUICE_EXEC_OP_JOIN_OUTPUT_H
#define SLUICE_EXEC_OP_JOIN_OUTPUT_H

/*
 * What the streaming joins share: the bytes of their keys, and the making of output batches from rows of the input
 * and rows that were kept as bytes (row_encode).
 *
 * Output columns: the key, all left columns, all right columns.  Rows are added one by one and handed on when a batch
 * is full or the push is over.  Kept bytes are borrowed until then: a table must not change between adding its row and
 * the end of the push, which holds where a push on one side looks only at the other side's table.  Who removes what it
 * emits copies it first (join_output_copy).
 */
#include "exec/op/join_stream.h"

typedef enum JoinSource {
	JOIN_NOTHING,	/* the side is missing: NULL */
	JOIN_INPUT,		/* the row of the input that causes the output */
	JOIN_KEPT,		/* bytes */
} JoinSource;

/* One row to come.  Its key is the first columns of the bytes kept of side `key_side`, or of the input's row where that
 * side is not JOIN_KEPT. */
typedef struct JoinRow {
	JoinSource source[2];	/* left, right */
	Str		   kept[2];
	int		   key_side;
	RowKind	   kind;		/* ROW_DELETE: the key only, whatever the sources */
	int32_t	   input_row;	/* of the batch that join_output_begin was given: for headers and JOIN_INPUT */
	Time	   time;
	Time	   window_start;	/* where the join is windowed */
	Time	   window_end;
} JoinRow;

typedef struct JoinOutput {
	Op				  *op;
	int				   n_key;
	int				   n_columns[2];
	const Type *const *types[2];
	bool			   is_windowed;
	bool			   is_foreign;	/* the right side's first columns are another key than the output's */
	/* Of the current push. */
	const Batch		  *in;			/* NULL: the rows come from no input row */
	int				   port;
	ArenaMark		   mark;
	/* Rows not handed on yet; the arrays grow to BATCH_ROWS and stay. */
	int32_t			   n;
	int32_t			   capacity;
	JoinRow			  *rows;
	int64_t			  *event_time;
	uint8_t			  *row_kind;
	uint32_t		  *index;
	int64_t			  *window_start;
	int64_t			  *window_end;
	const Type		  *headers_type;	/* once seen */
} JoinOutput;

void join_output_init(JoinOutput *out, Op *op, int n_key, int n_left, int n_right, const Type *const *left_types,
					  const Type *const *right_types, bool is_windowed, bool is_foreign);
void join_output_free(JoinOutput *out);

/* Rows to come are caused by rows of `in` on `port`; in NULL: by the passing of time. */
void join_output_begin(JoinOutput *out, const Batch *in, int port);

/* DONE: no more output is wanted. */
Status join_output_add(JoinOutput *out, const JoinRow *row, Error *err);

/* Hands on what was added.  To be called at the end of each push. */
Status join_output_end(JoinOutput *out, Error *err);

/* A copy of bytes that lasts until they are handed on. */
Str join_output_copy(JoinOutput *out, Str bytes);

/* ---- keys and kept values ---- */

/* True when the row has no key to join on: a NULL in any of its key columns. */
bool join_key_is_null(const Batch *in, int32_t row, int n_key);

/* The key of a row as bytes; of a windowed key the window's start (sessions: and end) too. */
void join_key_encode(const Batch *in, int32_t row, int n_key, bool is_windowed, bool is_session, StrBuf *out);

/* Numbers whose bytes are in order. */
void	join_put_time(StrBuf *out, int64_t time);
int64_t join_get_time(const char *bytes);

static inline Time
join_time_of(const Batch *in, int32_t row)
{
	return in->event_time != NULL ? in->event_time[row] : 0;
}

/* True when the row deletes its key in a table. */
static inline bool
join_row_deletes(const Batch *in, int32_t row)
{
	RowKind kind = batch_row_kind(in, row);

	return kind == ROW_DELETE || kind == ROW_DELETE_OLD || kind == ROW_INSERT_NULL;
}

/*
 * Event time that both inputs have reached without rows: `times` is kept by the operator, INT64_MIN at first.  True when
 * it rose to *time.
 */
bool join_time_reached(Time times[2], int port, Time time, Time *reached);

/* What one row of a table is kept as: time, window where windowed, then the row. */
typedef struct JoinKept {
	Time time;
	Time window_start;
	Time window_end;
	Str	 row;
} JoinKept;

void	 join_kept_encode(const Batch *in, int32_t row, bool is_windowed, StrBuf *out);
JoinKept join_kept_decode(Str value, bool is_windowed);

#endif
