#ifndef SLUICE_IO_FORMAT_PARQUET_PARQUET_WRITER_H
#define SLUICE_IO_FORMAT_PARQUET_PARQUET_WRITER_H

/*
 * Writes batches as a Parquet file.
 *
 * Rows are collected by column until a row group is full; then its chunks are encoded, compressed and handed to `write` in order,
 * so that the target need not be seekable.  Values that repeat become codes of a dictionary, others PLAIN; chunks have minimum,
 * maximum and the number of NULLs.  One thread at a time.
 *
 * Types: as the table in README.md says of reading, the other way round.  DECIMAL up to 9 and 18 digits is INT32 and INT64, wider
 * ones 16 bytes; TIMESTAMP and TIME are milliseconds without a zone; every column may have NULLs.
 */
#include "data/batch.h"
#include "io/format/parquet/parquet_meta.h"

typedef struct ParquetWriter ParquetWriter;

typedef struct ParquetWriteSpec {
	int			  n_columns;
	const Column *columns;
	ParquetCodec  codec;
	int64_t		  group_rows;		/* rows of a row group; 0: PARQUET_GROUP_ROWS */
	/* Takes the bytes of the file, in order. */
	Status (*write)(void *context, Str bytes, Error *err);
	void *context;
} ParquetWriteSpec;

#define PARQUET_GROUP_ROWS 122880

/* ERROR_UNSUPPORTED if a column's type cannot be written, or the codec's library is missing.  `spec` is copied; its columns are borrowed. */
Status parquet_writer_new(const ParquetWriteSpec *spec, ParquetWriter **out, Error *err);

/* The batch's first n_columns columns. */
Status parquet_writer_add(ParquetWriter *w, const Batch *rows, Error *err);

/* Bytes that are allocated for rows that are not written yet. */
int64_t parquet_writer_allocated(const ParquetWriter *w);

/* Ends the row group early and gives its memory back. */
Status parquet_writer_shrink(ParquetWriter *w, Error *err);

/* Writes what is left and the footer. */
Status parquet_writer_finish(ParquetWriter *w, Error *err);

void parquet_writer_free(ParquetWriter *w);		/* NULL does nothing */

#endif
