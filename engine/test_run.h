#ifndef SLUICE_ENGINE_TEST_RUN_H
#define SLUICE_ENGINE_TEST_RUN_H

/*
 * `sluice test`: runs statements against recorded inputs on the inline scheduler: no threads, a clock that stands still, every
 * record taken through the whole query before the next.  The outputs are written as JSON, or compared with expected ones.
 */
#include "common/file_access.h"
#include "common/status.h"

typedef struct TestRunOptions {
	const char *sql_file;
	const char *input_file;			/* NULL: the script produces its own records, each statement acts at once */
	const char *output_file;		/* expected outputs to compare with; NULL: none */
	const char *actual_file;		/* where to write what came out; NULL: nowhere */
	const char *properties_file;	/* NULL: none */
	const FileAccess *file_access;	/* what statements may open, borrowed; NULL: everything */
} TestRunOptions;

/* The process's exit status: 0, or 1 with the reason on standard error. */
int test_run(const TestRunOptions *options);

#endif
