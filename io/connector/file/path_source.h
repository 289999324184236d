#ifndef SLUICE_IO_CONNECTOR_FILE_PATH_SOURCE_H
#define SLUICE_IO_CONNECTOR_FILE_PATH_SOURCE_H

/*
 * File sources by format, and around them what the folders of the files say: columns that have one value in each file.  Files
 * whose folders cannot satisfy the scan's bounds are not opened.
 */
#include "io/connector/source_impl.h"

/* Text files (file_source.c) and Parquet (parquet_source.c); each knows the path of a file that it reads. */
Status text_source_open(Arena *arena, const SourceSpec *spec, const SourceContext *context, Source **out, Error *err);
Status text_source_clone(Arena *arena, Source *source, Source **out, Error *err);
const char *text_source_path(const Source *source, int file);

/*
 * Sets what the folders of `paths` say in a spec whose declared columns (if any) are all together: the columns that come from
 * folders go to the end, spec->n_path_columns says how many.  path_columns_split takes them away before the file is described,
 * path_columns_join puts them behind what was found.
 */
typedef struct PathColumns {
	int			  n;
	const Column *columns;
} PathColumns;

Status path_columns_split(Arena *arena, FileSpec *spec, char *const *paths, int n_paths, bool fold_names, PathColumns *out, Error *err);
void   path_columns_join(Arena *arena, FileSpec *spec, const PathColumns *columns);
/* Puts the column `filename` behind all others; fails if there is one of that name. */
Status path_columns_add_filename(Arena *arena, FileSpec *spec, bool fold_names, Error *err);

#endif
