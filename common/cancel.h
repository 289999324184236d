#ifndef SLUICE_COMMON_CANCEL_H
#define SLUICE_COMMON_CANCEL_H

/*
 * Whether what a thread is doing has been cancelled: for waits for another machine (Kafka's brokers, web servers), which are far below the
 * statement or query that waits and are handed nothing of it.
 *
 * Flags belong to who sets them, a session, a query or an engine, and outlive the work.  Each thread says for itself whom it works for; one
 * that helps another is handed that one's flags.  A thread that never said is never cancelled.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct CancelFlags {
	const _Atomic bool *now;		/* what is done ends; NULL: never */
	const _Atomic bool *soon;		/* the program ends: so do waits in which nothing comes, while what goes on may go on; NULL: never */
} CancelFlags;

/* Whom this thread works for from here on.  Returns what was said before, to be said again when that is done. */
CancelFlags cancel_watch(CancelFlags flags);
CancelFlags cancel_flags(void);

/* Ends whatever is in hand. */
bool cancel_is_asked(void);

/* Ends a wait in which nothing has come for a while. */
bool cancel_ends_waits(void);

/* Sleeps, in pieces of at most 50 ms.  False: cancel_ends_waits(). */
bool cancel_sleep(int64_t ms);

#endif
