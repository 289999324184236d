#ifndef SLUICE_EXEC_OP_WINDOW_ROWS_H
#define SLUICE_EXEC_OP_WINDOW_ROWS_H

/*
 * The rows of OVER in order, by position, as blocks of columns.
 *
 * Either all of them are one block in memory, or blocks are in a temporary file, of which those used last stay in memory (a share of the memory
 * budget).  Of each block on disk a line is kept: where its first and last groups of peers and its first partition begin, so that the end
 * of a long partition is found without reading it.
 *
 * A block is valid until the next call that may read another one; one that is held (window_rows_hold) as long as it is held.
 */
#include "exec/op/op.h"
#include "exec/op/sort_rows.h"

typedef struct WindowBlock {
	int64_t		   start, end;			/* positions */
	const Vector **columns;				/* by stored column, FLAT, the row of a position at position - start; in memory only some */
	const uint8_t *starts_group;		/* 1: a group of peers begins with the row */
	const uint8_t *starts_partition;
} WindowBlock;

typedef struct WindowRows WindowRows;
struct WindowRows {
	Op				  *op;
	int64_t			   n_rows;
	const WindowBlock *last;			/* that was asked for last */
	WindowBlock		   memory;			/* all rows, unless there is a file */
	struct WindowFile *file;
};

/* All rows as one block, whose columns the caller sets and owns; `bits` of 2 * n bytes are the caller's too. */
void window_rows_init(WindowRows *rows, Op *op, int64_t n_rows, const Vector **columns, uint8_t *bits);
void window_rows_free(WindowRows *rows);

/* In memory: says which rows begin a partition (n_partition leading columns differ) and a group (any does). */
void window_rows_mark(WindowRows *rows, const SortColumn *order, int n_partition, int n_order, const uint32_t *numbers);

/*
 * On disk: the rows come in order, a batch after the other.  order[k] describes column key_columns[k].  counted: columns whose values that
 * are not NULL are counted block by block, for window_rows_nth_value; all of it is borrowed.
 */
typedef struct WindowRowsSpec {
	const SortColumn *order;
	const int		 *key_columns;
	int				  n_partition, n_order;
	int				  n_counted;
	const int		 *counted;
} WindowRowsSpec;

Status window_rows_open(WindowRows *rows, Op *op, const Type *const *types, int n_columns, const WindowRowsSpec *spec, Error *err);
Status window_rows_add(WindowRows *rows, const Vector *const *columns, int32_t n, Error *err);

/* ---- reading ---- */

/* The block of a position. */
Status window_rows_find(WindowRows *rows, int64_t position, const WindowBlock **out, Error *err);

static inline Status
window_rows_at(WindowRows *rows, int64_t position, const WindowBlock **out, Error *err)
{
	const WindowBlock *b = rows->last;

	if (b == NULL || position < b->start || position >= b->end)
		return window_rows_find(rows, position, out, err);
	*out = b;
	return OK;
}

/* Keeps the block of a position in memory, until another one is held. */
Status window_rows_hold(WindowRows *rows, int64_t position, const WindowBlock **out, Error *err);

/* The first partition, or group, that begins behind a position; n_rows: there is none. */
Status window_rows_next_partition(WindowRows *rows, int64_t position, int64_t *out, Error *err);
Status window_rows_next_group(WindowRows *rows, int64_t position, int64_t *out, Error *err);

/* Where the group of a position begins. */
Status window_rows_group_start(WindowRows *rows, int64_t position, int64_t *out, Error *err);

/*
 * The number-th row (from 1) of start .. end-1 whose value in a column is not NULL, from the end if `backward`.  -1: there are fewer, and *number is
 * what is missing then.
 */
Status window_rows_nth_value(WindowRows *rows, int column, int64_t start, int64_t end, bool backward, int64_t *number, int64_t *out, Error *err);

#endif
