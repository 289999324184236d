#ifndef SLUICE_IO_CONNECTOR_FILE_PARTITION_WRITER_H
#define SLUICE_IO_CONNECTOR_FILE_PARTITION_WRITER_H

/*
 * Writes batches into a folder of files, one folder in it for each value of some columns (COPY ... TO 'dir' with PARTITION_BY):
 * dir/year=2024/month=5/data_0.parquet.  Those columns stand in the names of the folders only.
 *
 * Rows that wait are charged to the memory budget together; where it has no room, the file with most of them writes those, as a smaller row group.
 *
 * All is written into a temporary folder beside the target, which takes its place at the end: whole or absent.  The target must not
 * exist or be empty.  One thread at a time.
 */
#include "io/connector/file/file_writer.h"

typedef struct PartitionWriter PartitionWriter;

typedef struct PartitionWriteSpec {
	FileWriteSpec file;			/* path: the folder; columns: all */
	int			  n_keys;
	const int	 *keys;			/* columns, outermost folder first */
} PartitionWriteSpec;

/* `spec` is borrowed until the writer is closed. */
Status partition_writer_open(const PartitionWriteSpec *spec, PartitionWriter **out, Error *err);
Status partition_writer_add(PartitionWriter *writer, const Batch *rows, Error *err);

/* Puts the folder in its place; *n_files: how many it has.  The writer is closed whatever comes of it. */
Status partition_writer_commit(PartitionWriter *writer, int *n_files, Error *err);

/* Removes what was written.  NULL does nothing. */
void partition_writer_abort(PartitionWriter *writer);

#endif
