#ifndef SLUICE_IO_CONNECTOR_FILE_PARQUET_SOURCE_H
#define SLUICE_IO_CONNECTOR_FILE_PARQUET_SOURCE_H

/*
 * Parquet files as a source: which row groups (and pieces of them) are partitions, and the batches of each.
 *
 * Positions are rows of the file.  Only the footers are read when the source is opened, only wanted columns after that, and
 * row groups whose statistics say that no row can pass the bounds are left out.
 */
#include "io/connector/source_impl.h"

Status parquet_source_open(Arena *arena, const SourceSpec *spec, const SourceContext *context, Source **out, Error *err);
Status parquet_source_clone(Arena *arena, Source *source, Source **out, Error *err);

/* The path of a file by its number, NULL if it has not been seen yet. */
const char *parquet_source_path(const Source *source, int file);

/* Fills in the columns of spec (unless they are declared) and how many rows there are from the footer of `path`. */
Status parquet_describe(Arena *arena, FileSpec *spec, const char *path, bool fold_names, Error *err);

#endif
