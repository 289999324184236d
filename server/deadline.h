#ifndef SLUICE_SERVER_DEADLINE_H
#define SLUICE_SERVER_DEADLINE_H

/*
 * Who must be told when something takes too long: one time for all, so that they fall due in order.  One thread, started with the first; thread
 * safe.
 */
#include <stdint.h>

#include "common/status.h"

typedef struct Deadlines Deadlines;

/* Put into what is waited for. */
typedef struct Deadline {
	struct Deadline *next;
	struct Deadline *before;
	int64_t			 due;			/* nanos_now() */
	void (*passed)(void *context);	/* quick: all others wait for it */
	void			*context;
} Deadline;

Deadlines *deadlines_new(int64_t time_ms);

/* None may be pending.  NULL does nothing. */
void deadlines_free(Deadlines *deadlines);

/* deadline->passed and its context are set.  Calls it in time_ms unless it is ended before. */
void deadline_begin(Deadlines *deadlines, Deadline *deadline);

/* After this `passed` is not called, and has returned if it was. */
void deadline_end(Deadlines *deadlines, Deadline *deadline);

#endif
