#ifndef SLUICE_STORE_STORE_H
#define SLUICE_STORE_STORE_H

/*
 * The store: everything of an embedded engine that survives the process, in one SQLite file of a data directory.
 *
 * It holds the ordered log of commands (DDL), embedded topics (partitions of offset-numbered records), keyed state of
 * queries, their input positions, and small named values (meta).  Whatever changes goes through a StoreUnit, which is
 * applied wholly or not at all: input positions, output records and state of a query's epoch commit as one.
 *
 *	producers:  unit = store_unit_new(store); store_unit_append(...); store_unit_put(...); store_commit(unit)
 *	            many units of many threads -> queue -> one writer thread -> one SQLite transaction for all that wait
 *	consumers:  store_topic_read(topic, partition, offset) -> recently written chunks in memory, else pooled readers
 *
 * - One process at a time has a directory (a lock file that names the process id).
 * - With directory NULL the store is in memory: same calls, no file, no thread; units are applied by the caller.  It
 *   costs nothing until used.
 * - Durability "process" survives a kill at any moment; "power" also a loss of power (a sync per transaction).
 *   Neither can corrupt the file.
 * - No read transaction outlives one call, so that the write-ahead log stays small; what a call gives is committed.
 * - Threads: every function may be called from any thread, but a StoreUnit, StoreRecords or StoreScan is one thread's
 *   at a time.  StoreTopic handles are the store's; they stay valid, also after a drop, until store_close.
 * - Failures are ERROR_FATAL (I/O, disk full, damaged file, with the file's name and the remedy) unless said.
 * - Fault points (common/env.h): store.open, store.write, store.commit, store.full (as a full disk), store.read.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/env.h"
#include "common/status.h"
#include "common/str.h"
#include "data/record.h"

typedef struct Store Store;
typedef struct StoreTopic StoreTopic;
typedef struct StoreUnit StoreUnit;
typedef struct StoreScan StoreScan;

typedef enum StoreDurability {
	STORE_DURABILITY_PROCESS,	/* survives kill -9 (default) */
	STORE_DURABILITY_POWER,		/* survives a loss of power */
} StoreDurability;

/* All zeros is the default. */
typedef struct StoreOptions {
	StoreDurability durability;
	int64_t			tail_cache_bytes;	/* recently appended chunks kept in memory; 0: 32 MiB */
} StoreOptions;

/*
 * Opens the store of `directory` (made if missing, mode 0700), or one in memory if it is NULL.  `options` and `env` may
 * be NULL; `env` is borrowed until close.  ERROR_USER if another process has the directory, or if a newer version of
 * the program wrote it; ERROR_FATAL if the file is damaged.  Nothing is ever deleted to get past an error.
 */
Status store_open(const char *directory, const StoreOptions *options, const Env *env, Store **out, Error *err);

/* Applies what was submitted, then closes.  Frees all topic handles; all units must be done.  NULL does nothing. */
void store_close(Store *store);

/* The data directory; NULL for a store in memory. */
const char *store_directory(const Store *store);

/* Reads the whole file and reports damage: slow, for maintenance and tests. */
Status store_check(Store *store, Error *err);

/*
 * Reads a row through a connection of its own, past all caches, and looks whether the file is still the one that was opened: cheap, for
 * monitoring.  ERROR_FATAL says what is wrong.
 */
Status store_probe(Store *store, Error *err);

/* ---------------------------------------------------------------------------------------------------- topics -- */

typedef struct StoreTopicConfig {
	int		n_partitions;	/* >= 1 */
	int64_t retention_ms;	/* records older than this may go; < 0: kept for ever */
	bool	is_compacted;	/* cleanup.policy=compact: recorded for clients; old values are not removed */
} StoreTopicConfig;

/* Makes a topic and gives its handle.  ERROR_USER if the name exists (whatever its config). */
Status store_topic_create(Store *store, Str name, const StoreTopicConfig *config, StoreTopic **out, Error *err);

/* The topic of that exact name, or NULL. */
StoreTopic *store_topic_find(Store *store, Str name);

/* Copies the handles of all topics, ordered by name, into `arena`; returns how many. */
int store_topic_list(Store *store, Arena *arena, StoreTopic ***out);

/* Removes a topic with all its records.  Later use of the handle fails (ERROR_USER). */
Status store_topic_drop(Store *store, StoreTopic *topic, Error *err);

/* Changes the retention and clean-up policy.  ERROR_USER if the number of partitions would change. */
Status store_topic_alter(Store *store, StoreTopic *topic, const StoreTopicConfig *config, Error *err);

Str				 store_topic_name(const StoreTopic *topic);		/* as long as the handle; NUL-terminated */
StoreTopicConfig store_topic_config(Store *store, const StoreTopic *topic);

/* Offset of the oldest record kept, and of the next record to be appended (committed ones only). */
int64_t store_topic_begin_offset(Store *store, const StoreTopic *topic, int partition);
int64_t store_topic_end_offset(Store *store, const StoreTopic *topic, int partition);

/* The smallest offset whose record has `timestamp` or more: the end offset if there is none. */
Status store_topic_offset_at(Store *store, StoreTopic *topic, int partition, Time timestamp, int64_t *offset,
							 Error *err);

/* Removes chunks of which every record is older than the retention of its topic, in small units.  Call now and then. */
Status store_enforce_retention(Store *store, Error *err);

/*
 * What a fetch gave.  Zero-initialised by its owner, reused from fetch to fetch, freed by store_records_free.
 * The records' bytes are borrowed from it until the next fetch into it.
 */
typedef struct StoreChunk StoreChunk;
typedef struct StoreRecords {
	Record		*records;
	int			 n_records;
	int64_t		 next_offset;	/* where the next fetch goes on */
	int			 capacity;		/* from here on the store's own */
	int			 n_chunks;
	int			 chunk_capacity;
	int			 resume_partition;
	StoreChunk **chunks;
	StoreTopic	*resume_topic;	/* where decoding of the last chunk stopped */
	size_t		 resume_position;
	Time		 resume_timestamp;
	Arena		 headers;
} StoreRecords;

/*
 * Reads committed records from `from_offset` on: at most `max_records` (<= 0: no limit) and about `max_bytes` (<= 0: no
 * limit; at least one record is given).  DONE, with no records, at the end of the partition.  An offset that
 * retention has passed goes on at the oldest record; records[0].offset shows it.
 */
Status store_topic_read(Store *store, StoreTopic *topic, int partition, int64_t from_offset, int max_records,
						int64_t max_bytes, StoreRecords *out, Error *err);
void   store_records_free(StoreRecords *records);

/*
 * Waking up on new data.  The counter grows with every commit that appended a record; store_append_wait returns when it
 * is no longer `seen` (true) or after `timeout_ms` (false).  A listener is called, by the thread that
 * committed, once per commit that appended to `topic` (NULL: to any topic); it must be quick and may take no lock
 * that is held around calls of the store.  Removing waits until it is not running.
 */
uint64_t store_append_count(Store *store);
bool	 store_append_wait(Store *store, uint64_t seen, int64_t timeout_ms);

typedef void (*StoreListener)(void *context);
int	 store_listen(Store *store, StoreTopic *topic, StoreListener listener, void *context);	/* gives an id */
void store_unlisten(Store *store, int id);

/* ----------------------------------------------------------------------------------------------------- units -- */

/* A unit is made by one thread, submitted once, and then freed, or cleared and filled again.  All bytes are copied. */
StoreUnit *store_unit_new(Store *store);
void	   store_unit_clear(StoreUnit *unit);
void	   store_unit_free(StoreUnit *unit);
bool	   store_unit_is_empty(const StoreUnit *unit);
int64_t	   store_unit_size_bytes(const StoreUnit *unit);	/* memory that it holds, about */

/* Appends a record; its offset and partition fields are ignored.  Offsets follow the order of the calls. */
void store_unit_append(StoreUnit *unit, StoreTopic *topic, int partition, const Record *record);

/* As store_unit_append without looking up the output each time: stays valid until the unit is cleared. */
typedef struct StoreAppender StoreAppender;
StoreAppender *store_unit_appender(StoreUnit *unit, StoreTopic *topic, int partition);
void		   store_appender_add(StoreAppender *appender, const Record *record);
int64_t		   store_appender_count(const StoreAppender *appender);

/* After a successful commit: the offset of the first record that the unit appended there; the rest follow it. */
int64_t store_appender_base_offset(const StoreAppender *appender);
int64_t store_unit_base_offset(StoreUnit *unit, StoreTopic *topic, int partition);	/* -1 if it appended none */

/* The next offset that `query` will read of an input (a topic's name, a file's path, ...). */
void store_unit_position(StoreUnit *unit, Str query, Str input, int partition, int64_t next_offset);

/* State: of two changes of one key in a unit the later one wins.  In order of key they are fastest. */
void store_unit_put(StoreUnit *unit, int64_t state_id, int partition, Str key, Str value);
void store_unit_delete(StoreUnit *unit, int64_t state_id, int partition, Str key);

/* Deletes all keys from `from` (inclusive) to `to` (exclusive; empty: to the end).  Applied before puts and deletes. */
void store_unit_delete_range(StoreUnit *unit, int64_t state_id, int partition, Str from, Str to);

/*
 * Removes all contents of a query's state, and its positions.  Applied before the unit's own puts and positions.  The
 * numbers that store_state_open gave stay valid.
 */
void store_unit_drop_query(StoreUnit *unit, Str query);

/* Adds a command to the log; its index within the unit, for store_unit_sequence after the commit. */
int		store_unit_command(StoreUnit *unit, Str command);
int64_t store_unit_sequence(const StoreUnit *unit, int command);

/* Sets a named value; removes it if value.data is NULL. */
void store_unit_meta(StoreUnit *unit, Str name, Str value);

/* Removes a topic (as store_topic_drop), or a partition's records below an offset. */
void store_unit_drop_topic(StoreUnit *unit, StoreTopic *topic);
void store_unit_trim(StoreUnit *unit, StoreTopic *topic, int partition, int64_t before_offset);

/* Applies the unit and waits for it.  After a failure nothing of it is applied; it may be committed again. */
Status store_commit(Store *store, StoreUnit *unit, Error *err);

/*
 * Hands the unit to the writer; `done` is called exactly once, by the writer's thread (in memory: before this returns),
 * with OK or with FAILED and the error.  Units of one thread are applied in order of submission.  The unit is the
 * writer's until then.  `done` may submit again but not wait for a commit.
 */
typedef void (*StoreDone)(void *context, StoreUnit *unit, Status status, const Error *err);
void store_submit(Store *store, StoreUnit *unit, StoreDone done, void *context);

/* ----------------------------------------------------------------------------------- state, positions, commands -- */

/* The number of a query's state of that name (made when new, at once and durably). */
Status store_state_open(Store *store, Str query, Str name, int64_t *state_id, Error *err);

/* The committed value, copied into `value` (cleared first).  DONE if there is none. */
Status store_state_get(Store *store, int64_t state_id, int partition, Str key, StrBuf *value, Error *err);

/*
 * Keys in byte order, from `from` (inclusive; or after it) to `to` (exclusive).  `prefix` keeps only the keys that start
 * with it.  Empty texts don't limit.  The rows are read in pages: each page is one snapshot.
 */
typedef struct StoreRange {
	Str		from;
	Str		to;
	Str		prefix;
	bool	from_is_exclusive;
} StoreRange;

/* A cursor over state; `range` (may be NULL) is copied.  Close it before the store. */
StoreScan *store_scan_open(Store *store, int64_t state_id, int partition, const StoreRange *range);

/* The next row, borrowed until the next call; DONE at the end. */
Status store_scan_next(StoreScan *scan, Str *key, Str *value, Error *err);
void   store_scan_close(StoreScan *scan);

/* As a cursor; the visitor returns OK to go on, DONE to stop (then DONE is returned), or FAILED. */
typedef Status (*StoreVisitor)(void *context, Str key, Str value, Error *err);
Status store_state_scan(Store *store, int64_t state_id, int partition, const StoreRange *range, StoreVisitor visitor,
						void *context, Error *err);

/* A query's committed position in an input; DONE if it has none. */
Status store_position_get(Store *store, Str query, Str input, int partition, int64_t *next_offset, Error *err);

/* A named value, copied into `value` (cleared first); DONE if there is none. */
Status store_meta_get(Store *store, Str name, StrBuf *value, Error *err);

/* All commands with a sequence number above `after`, in order.  The visitor is as above. */
typedef Status (*StoreCommandVisitor)(void *context, int64_t sequence, Str command, Error *err);
Status store_command_scan(Store *store, int64_t after, StoreCommandVisitor visitor, void *context, Error *err);

/* Appends one command at once: a unit of its own. */
Status store_command_append(Store *store, Str command, int64_t *sequence, Error *err);

#endif
