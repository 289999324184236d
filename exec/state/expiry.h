#ifndef SLUICE_EXEC_STATE_EXPIRY_H
#define SLUICE_EXEC_STATE_EXPIRY_H

/*
 * When the keys of a table end: an ordered index of (time, key) beside the state whose keys it names, so that what has
 * expired is found without looking at the rest.  Durable if the state is.
 *
 * Windowed keys end by RETENTION, as in the window stores of Kafka Streams: with S the greatest window start seen and R the
 * retention, keys whose window starts before S - R; sessions go by their ends: those before E - R + 1.
 *
 *	window_expiry_add(&expiry, start, end, key)              once for each key kept
 *	while (window_expiry_next(&expiry, &key)) forget(key)    at the end of an epoch, or whenever it should be seen
 */
#include "common/env.h"
#include "exec/state/state.h"

typedef struct WindowExpiry {
	StateTable *index;			/* NULL: keys never end */
	int64_t		retention_ms;
	bool		is_session;
	int64_t		newest;			/* window start, of sessions: end */
	StrBuf		entry;			/* time, big-endian, then key: of the key in hand */
} WindowExpiry;

/* retention_ms 0: keys never end, and nothing is kept.  The rest as of state_table_open. */
Status window_expiry_open(WindowExpiry *self, StateBackend *backend, int op_id, int table, MemoryBudget *budget,
						  int64_t retention_ms, bool is_session, Error *err);
void   window_expiry_close(WindowExpiry *self);

/* A row of that window has come; notes its key if it is not noted yet.  Both orders of time are allowed. */
Status window_expiry_add(WindowExpiry *self, int64_t start, int64_t end, Str key, Error *err);

/* The key is gone for another reason. */
void window_expiry_remove(WindowExpiry *self, int64_t start, int64_t end, Str key);

/* Takes the next key that has ended off the index; false: none.  The key is borrowed until the next call. */
bool window_expiry_next(WindowExpiry *self, Str *key);

void window_expiry_flush(WindowExpiry *self);

/*
 * When keys that rest end (TTL): each at the time of its last row and ttl_ms.  A row costs nothing here: a key is noted once, and
 * when that time has come its owner looks whether it had rows since, and notes it again.  In memory only: owners note what
 * they load.  Keys end in order of time, then of key bytes, whenever they were noted.
 */
typedef struct KeyTimer {
	StateTable *index;			/* NULL: keys never end */
	int64_t		ttl_ms;
	Time		next_due;		/* of the first one noted; INT64_MAX: none */
	StrBuf		entry;
} KeyTimer;

Status key_timer_open(KeyTimer *self, MemoryBudget *budget, int64_t ttl_ms, Error *err);
void   key_timer_close(KeyTimer *self);

/* When a key ends whose last row was at `time`. */
Time   key_timer_due(const KeyTimer *self, Time time);
Status key_timer_note(KeyTimer *self, Time due, Str key, Str value, Error *err);

/* Takes the first key noted for `now` or earlier; key and value are borrowed until the next call. */
bool key_timer_next(KeyTimer *self, Time now, Time *due, Str *key, Str *value);

/*
 * Rows of a batch from `first` on that may be taken together after what is due at *now (the time of all rows up to `first`) has
 * ended: no key can end between them.  Moves *now on to the last of them.
 */
int32_t key_timer_run(const KeyTimer *self, const int64_t *times, int32_t first, int32_t n, Time *now);

#endif
