#ifndef SLUICE_IO_FORMAT_PARQUET_PARQUET_COLUMN_H
#define SLUICE_IO_FORMAT_PARQUET_PARQUET_COLUMN_H

/*
 * Rows of one column of a Parquet file as vectors: leaves straight from their pages, nested types put together from the levels
 * of their leaves.
 *
 * A column reads one row group at a time.  What it gives lives in the caller's arena, but texts borrow the column's pages:
 * valid until the next column_reader_read (or _open) of this column.  Texts that the file keeps as codes of a dictionary come as
 * DICTIONARY vectors over it.  One thread at a time.
 */
#include "io/format/parquet/parquet_page.h"

typedef struct ColumnReader {
	const ParquetNode *node;
	int				   n_leaves;
	PageReader		  *leaves;
	void			  *native;		/* room for a batch of values before they are converted */
	size_t			   native_bytes;
	uint32_t		  *codes;		/* scratch: a batch of dictionary codes */
} ColumnReader;

/* The node must have a type. */
void column_reader_init(ColumnReader *c, Arena *arena, const ParquetNode *node, ParquetInput *input);
void column_reader_free(ColumnReader *c);

/* Begins row group `number`. */
Status column_reader_open(ColumnReader *c, const ParquetRowGroup *group, int number, Error *err);

/* The next n rows (1 to BATCH_ROWS) of the row group, which has so many. */
Status column_reader_read(ColumnReader *c, int32_t n, Arena *arena, const Vector **out, Error *err);

/* Bytes of all buffers. */
int64_t column_reader_bytes(const ColumnReader *c);

/* Passes over rows; whole pages of them are not even decompressed. */
Status column_reader_skip(ColumnReader *c, int64_t n, Error *err);

#endif
