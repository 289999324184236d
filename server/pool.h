#ifndef SLUICE_SERVER_POOL_H
#define SLUICE_SERVER_POOL_H

/*
 * Threads for what may block: statements, bounded queries to slow clients.  They are started when there is work and none is free, up to
 * a limit; further work waits in order.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/status.h"

typedef struct Pool Pool;

Pool *pool_new(int max_threads);

/* Runs `run` soon.  False: as much waits as may (`max_waiting`); then it is not run. */
bool pool_run(Pool *pool, void (*run)(void *context), void *context);
int	 pool_waiting(Pool *pool);

/* Waits until nothing runs and nothing waits, or until nanos_now() is `until`.  False: something still does. */
bool pool_wait(Pool *pool, int64_t until);

/* Waits until everything has run, then ends the threads. */
void pool_free(Pool *pool);

#endif
