#ifndef SLUICE_EXEC_TASK_PROGRESS_H
#define SLUICE_EXEC_TASK_PROGRESS_H

/* How far a bounded query is, as those who wait for it are told. */
#include "common/env.h"

typedef struct RunProgress {
	const char *what;		/* what operators do, in a word or two, static ("sorting"); NULL: its sources are read */
	int64_t		rows;		/* taken from sources so far */
	int64_t		bytes;		/* read for them */
	int64_t		done, all;	/* of what is done now, in any unit; all 0: not known */
	Nanos		elapsed;	/* since the query began */
} RunProgress;

#endif
