#ifndef SLUICE_IO_CONNECTOR_FILE_FILE_WRITER_H
#define SLUICE_IO_CONNECTOR_FILE_FILE_WRITER_H

/*
 * Writes batches as a CSV, JSON-lines or Parquet file (COPY ... TO).
 *
 * The rows go to a temporary file beside the target, which takes its place when all is written: a reader sees the old file
 * or the new one, never a part.  Rows that wait are charged to a memory budget; where it has no room they are written earlier, as
 * smaller row groups.  "-" is standard output, written as it comes.  One thread at a time.
 */
#include "common/budget.h"
#include "common/file_access.h"
#include "data/batch.h"
#include "data/schema.h"

typedef struct FileWriter FileWriter;

/* Borrowed until the writer is closed. */
typedef struct FileWriteSpec {
	const FileAccess *access;	/* where it may be written; NULL: everywhere */
	const char	 *path;
	const char	 *format;		/* "CSV", "TSV", "JSON", "PARQUET"; NULL: by the suffix of the path, else CSV */
	const char	 *compression;	/* "gzip", "zstd", "none"; Parquet: "snappy" (if NULL), "lz4" too; NULL: by the suffix */
	int64_t		  group_rows;	/* Parquet: rows of a row group; 0: as it likes */
	char		  delimiter;	/* 0: comma (TSV: tab) */
	bool		  no_header;
	const char	 *null_text;	/* NULL: nothing (an empty text is written as "") */
	int			  n_columns;
	const Column *columns;
	MemoryBudget *budget;		/* of the query; NULL: none */
} FileWriteSpec;

/* ERROR_USER if the spec or the place is wrong. */
Status file_writer_open(const FileWriteSpec *spec, FileWriter **out, Error *err);

/* The batch's first n_columns columns. */
Status file_writer_add(FileWriter *writer, const Batch *rows, Error *err);

/* Puts the file in its place.  The writer is closed whatever comes of it. */
Status file_writer_commit(FileWriter *writer, Error *err);

/* Forgets what was written.  NULL does nothing. */
void file_writer_abort(FileWriter *writer);

/* ---- for who writes several files at once ---- */

/* Bytes of memory; writes what waits and gives back what it can of them. */
int64_t file_writer_allocated(const FileWriter *writer);
Status	file_writer_shrink(FileWriter *writer, Error *err);

/*
 * Whether writers may hold so many bytes: a share of the budget, if it has them.  *charged is what is charged so far; it becomes `bytes` if they may,
 * and if `must` in any case.
 */
bool file_writers_charge(MemoryBudget *budget, int64_t bytes, bool must, int64_t *charged);

int64_t file_writer_rows(const FileWriter *writer);
int64_t file_writer_bytes(const FileWriter *writer);	/* before compression */

#endif
