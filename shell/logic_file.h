#ifndef SLUICE_SHELL_LOGIC_FILE_H
#define SLUICE_SHELL_LOGIC_FILE_H

/*
 * A file of the logic suite as blocks, and back as text.  Everything that is read lives in the file's arena.
 */
#include "common/arena.h"
#include "common/str.h"

typedef enum LogicKind { LOGIC_TABLE, LOGIC_OK, LOGIC_ERROR, LOGIC_QUERY } LogicKind;
typedef enum LogicSort { LOGIC_NOSORT, LOGIC_ROWSORT, LOGIC_VALUESORT } LogicSort;

typedef struct LogicBlock {
	LogicKind kind;
	int		  line;				/* of its first line, from 1 */
	Str		  head;				/* that line */
	Str		  sql;				/* the lines behind it, up to ---- or the empty line; TABLE: the rows as VALUES has them */
	Str		  types;			/* QUERY: a letter for each column: I, R, B, T; ? are not known yet */
	LogicSort sort;
	bool	  warns;			/* QUERY: rows fail, and say so */
	bool	  has_expected;		/* there is a ---- */
	Str		  expected;			/* the lines behind it, each with its line end */
	Str		  name;				/* TABLE: its name and its columns, as they are in CREATE */
	Str		  columns;
	size_t	  start, end;		/* of the block in the text, without the empty line behind it */
	/* Of the run. */
	char	 *actual;			/* QUERY: the rows, as `expected` has them; NULL: it did not run to its end */
	char	 *actual_types;
} LogicBlock;

typedef struct LogicFile {
	const char *path;
	Arena		arena;
	Str			text;
	int			n_blocks;
	int			capacity;
	LogicBlock *blocks;
} LogicFile;

/* ERROR_USER with file:line for a block that is not understood. */
Status logic_file_read(const char *path, LogicFile *out, Error *err);
void   logic_file_free(LogicFile *file);

/* Writes the file again, with what the queries gave as what is expected: where nothing was (all: wherever it differs). */
Status logic_file_write(const LogicFile *file, bool all, Error *err);

/* The lines of `text`, without line ends, in `arena`; sorted by byte if asked for. */
int	 logic_lines(Arena *arena, Str text, Str **out);
void logic_sort_lines(Str *lines, int n);

#endif
