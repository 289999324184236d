#ifndef SLUICE_SHELL_LOGIC_H
#define SLUICE_SHELL_LOGIC_H

/*
 * `sluice test --logic FILE...`: files of statements with what should come of them, in the style of sqllogictest (SQLite, DuckDB).
 * The format is described in tests/README.md.  Each file is run by an engine of its own in this process, in memory, so that thousands
 * of statements take seconds.
 */
#include <stdbool.h>

/* Where the rows of `table` blocks are kept: the same queries must give the same rows over all of them. */
typedef enum LogicTables { LOGIC_CSV, LOGIC_JSON, LOGIC_PARQUET, LOGIC_TOPIC } LogicTables;

/* What to do with the expected rows of the files. */
typedef enum LogicWrite {
	LOGIC_COMPARE,
	LOGIC_COMPLETE,		/* write those that are missing into the file */
	LOGIC_REWRITE,		/* write all that differ */
} LogicWrite;

typedef struct LogicOptions {
	LogicTables tables;
	LogicWrite	write;
	int			n_files;
	const char *const *files;
} LogicOptions;

/* False: no such place. */
bool logic_tables_parse(const char *name, LogicTables *out);

/*
 * Runs the files in their order.  Failures go to standard output, each with its file:line and a diff; the last line is
 * "logic: N passed, N failed", counted per block.  The process's exit status: 0; 1 if a block failed or a file cannot be read.
 */
int logic_run(const LogicOptions *options);

#endif
