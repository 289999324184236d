#ifndef SLUICE_DATA_BATCH_H
#define SLUICE_DATA_BATCH_H

/*
 * Up to BATCH_ROWS rows as columns, with system columns carried only where the plan asks for them.
 *
 * Key columns come first (as in Schema), then value columns.  Where a row has no value (INSERT_NULL, DELETE) its value
 * columns are NULL; DELETE_OLD carries the old row.
 *
 * A batch and all it points to lives in the arena of whoever pushes it and is valid until that push returns.  The
 * receiver must not change it; it may make a new Batch header over the same vectors.
 */
#include "common/env.h"
#include "data/schema.h"
#include "data/vector.h"

typedef enum RowKind {
	ROW_INSERT,			/* an event */
	ROW_INSERT_NULL,	/* an event whose value is null: not a row of NULLs */
	ROW_UPSERT,			/* a table's new row for its key, old row unknown */
	ROW_BEFORE,			/* a table's old row; ROW_AFTER with the same key follows at once */
	ROW_AFTER,			/* a table's new row, behind its ROW_BEFORE (alone: a new key, known to be new) */
	ROW_DELETE,			/* a table's delete: key only */
	ROW_DELETE_OLD,		/* a table's delete with the old row in the columns */
} RowKind;

typedef struct Batch {
	int32_t		   n_rows;
	int32_t		   n_columns;
	const Vector **columns;
	/* System columns, n_rows long; NULL where not carried. */
	const int64_t *event_time;		/* ms */
	const uint8_t *row_kind;		/* RowKind; NULL: all ROW_INSERT */
	const int32_t *partition;
	const int64_t *offset;
	const int64_t *window_start;	/* of a windowed key */
	const int64_t *window_end;
	const Vector  *headers;			/* ARRAY<STRUCT<KEY STRING, VALUE BYTES>> */
} Batch;

/* A batch with room for n_columns column pointers (NULL), everything else zero. */
Batch *batch_new(Arena *arena, int32_t n_columns, int32_t n_rows);

/* Rows first .. first+n-1; shares all data. */
Batch *batch_slice(Arena *arena, const Batch *in, int32_t first, int32_t n_rows);

/* The rows index[0..n): columns become dictionaries, system columns are gathered.  Borrows `index`. */
Batch *batch_select(Arena *arena, const Batch *in, const uint32_t *index, int32_t n_rows);

/* The same system columns over other columns. */
Batch *batch_with_columns(Arena *arena, const Batch *in, const Vector **columns, int32_t n_columns);

/* A deep copy that shares nothing with `in`. */
Batch *batch_copy(Arena *arena, const Batch *in);

static inline RowKind
batch_row_kind(const Batch *b, int32_t i)
{
	return b->row_kind != NULL ? (RowKind)b->row_kind[i] : ROW_INSERT;
}

/* True for kinds that carry no value row: INSERT_NULL and DELETE. */
static inline bool
row_kind_is_null(RowKind kind)
{
	return kind == ROW_INSERT_NULL || kind == ROW_DELETE;
}

/* One line a row, for tests and debugging: "+ 1 'a' . @ts". */
void batch_print(const Batch *b, StrBuf *out);

#endif
