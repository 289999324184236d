#include "common/cancel.h"

#include <stddef.h>
#include <time.h>

#define PIECE_MS 50

static _Thread_local CancelFlags watched;

CancelFlags
cancel_watch(CancelFlags flags)
{
	CancelFlags before = watched;

	watched = flags;
	return before;
}

CancelFlags
cancel_flags(void)
{
	return watched;
}

bool
cancel_is_asked(void)
{
	return watched.now != NULL && *watched.now;
}

bool
cancel_ends_waits(void)
{
	return cancel_is_asked() || (watched.soon != NULL && *watched.soon);
}

bool
cancel_sleep(int64_t ms)
{
	while (ms > 0 && !cancel_ends_waits()) {
		int64_t piece = ms < PIECE_MS ? ms : PIECE_MS;

		nanosleep(&(struct timespec){.tv_nsec = piece * 1000000}, NULL);
		ms -= piece;
	}
	return !cancel_ends_waits();
}
