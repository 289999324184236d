#ifndef SLUICE_IO_CONNECTOR_FILE_FILE_PATHS_H
#define SLUICE_IO_CONNECTOR_FILE_FILE_PATHS_H

/*
 * Which files a path names: a file, a glob (`*`, `?`, `[a-z]`; `**` goes into folders), or a folder (all files in it and
 * below, but for names that begin with `.` or `_`); and what folders of Hive's kind (year=2024/month=5) say of the rows in them.
 */
#include "io/connector.h"

/* The paths, sorted.  ERROR_USER if there is none, or the file access does not allow it. */
Status file_glob(Arena *arena, const FileAccess *allowed, const char *path, char ***paths, int *n, Error *err);

/*
 * For whoever follows a glob: those of its paths, in order, that are not among the known ones; their number.  What cannot be looked
 * at now has none.
 */
int file_glob_new(Arena *arena, const FileAccess *allowed, const char *path, char *const *known, int n_known, char ***paths);

/* The same for a described file: its list, if it has one. */
Status file_spec_paths(Arena *arena, const FileSpec *spec, char ***paths, int *n, Error *err);

/* Whether new files may come to be named by it. */
bool path_is_open(const char *path);

/* One `name=value` folder of a path.  Percent-encoded bytes are decoded; NULL (is_null) is written __HIVE_DEFAULT_PARTITION__. */
typedef struct PathKey {
	Str	 name, value;
	bool is_null;
} PathKey;

/* The folders of a path that are keys, in order; their number. */
int path_keys(Arena *arena, const char *path, PathKey **out);

/* Appends `name=value` as a folder's name, encoding what may not stand there. */
void path_add_key(StrBuf *out, Str name, Str value, bool is_null);

#endif
