#ifndef SLUICE_COMMON_FILE_ACCESS_H
#define SLUICE_COMMON_FILE_ACCESS_H

/*
 * Which files and addresses SQL may touch: the one place where paths that come from statements are opened.
 *
 * The shell and -c may touch everything that the user may.  A server runs statements of people who have no account on its machine:
 * it may touch nothing, or what lies in the directories of `file.access`.  A NULL FileAccess is everything.
 *
 * What counts is the file that is opened, after all links: it is opened without any effect first (O_PATH), asked for its
 * true name, and only then opened for use through that very handle, so that a link that changes in between gains nothing.  A path
 * that is outside by its letters alone is refused without a look, and refusals don't tell whether something is there.  Hard
 * links can't be told from files: who can make them in an allowed directory can read the file anyway.
 *
 * A FileAccess is immutable and may be used by any thread.
 */
#include <stdbool.h>

#include "common/status.h"

typedef struct FileAccess FileAccess;

/*
 * `files`: "all", "none", or directories with commas between; `urls`: "all", "none", or hosts with commas between, as
 * "data.example.org", "*.example.org" or "host:8080".  NULL means "none".  A directory must exist and be absolute.
 */
Status file_access_new(const char *files, const char *urls, FileAccess **out, Error *err);
void   file_access_free(FileAccess *access);

/* Opens for reading.  The descriptor is closed on exec; -1: failed with the reason. */
int file_access_open(const FileAccess *access, const char *path, Error *err);

/*
 * A file to be written whole or not at all: `fd` is a new file beside the target, under a name of its own, that takes the target's
 * place when it is committed.  Both happen through a handle on the directory, which is checked as above.
 */
typedef struct FileTarget {
	int	  fd;				/* write here; closed by commit and abort */
	int	  directory;
	char *path;				/* of the target, as given */
	char *temporary;		/* names within the directory */
	char *name;
} FileTarget;

Status file_target_open(const FileAccess *access, const char *path, int mode, FileTarget *out, Error *err);

/* Closes it whatever comes of it; ERROR_FATAL if the file could not be put in its place. */
Status file_target_commit(FileTarget *target, Error *err);

/* Removes what was written.  Does nothing for one that is all zeros or was committed. */
void file_target_abort(FileTarget *target);

/* "-" (standard input or output) and whatever is no place in the file system. */
Status file_access_check_standard(const FileAccess *access, Error *err);

/* Checks a path or glob without opening: by its letters, and by its links if it exists.  For globs, `..` is refused. */
Status file_access_check(const FileAccess *access, const char *path, Error *err);

/* May a URL be spoken to?  By its host; also says no to anything but http and https. */
Status url_access_check(const FileAccess *access, const char *url, Error *err);

#endif
