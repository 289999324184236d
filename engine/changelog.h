#ifndef SLUICE_ENGINE_CHANGELOG_H
#define SLUICE_ENGINE_CHANGELOG_H

/*
 * State of a query on Kafka: what its operators keep of one partition is in a changelog topic, and the store of the data directory has a
 * copy with the offset that it reaches.  A copy is brought up to the end when the partition is taken over (share.c), and kept near it by
 * those that stand by (standby.c).
 */
#include "engine/engine_impl.h"

/* One partition of a changelog.  Texts and topic are borrowed. */
typedef struct Changelog {
	Engine	   *engine;
	const char *query_id;
	Topic	   *topic;
	int			partition;
} Changelog;

/* The key of a changelog record: operator, table (4 bytes each, big-endian), then the key of the state.  Replaces what is in `out`. */
void changelog_key(StrBuf *out, int op_id, int table, Str key);

/* How far the store's copy reaches once `unit` is committed. */
void changelog_put_position(const Changelog *self, StoreUnit *unit, int64_t position);

/* How far it reaches; 0: there is none.  *is_old: compaction may have removed deletions since, so that it is of no use. */
int64_t changelog_position(const Changelog *self, bool *is_old);

/* Takes the copies of all of the query's state out of the store.  Nothing of the query may be open. */
Status changelog_forget_all(Engine *engine, const char *query_id, Error *err);

/* Puts consecutive records of the changelog into the store's copy, which reaches the offset behind the last of them then. */
typedef struct ChangelogWriter {
	Changelog  changelog;
	StoreUnit *unit;
	int64_t	   state_op, state_table, state_id;		/* the last one looked up */
	int64_t	   n_records;							/* written so far */
} ChangelogWriter;

void   changelog_writer_init(ChangelogWriter *self, const Changelog *changelog);
void   changelog_writer_free(ChangelogWriter *self);
Status changelog_write(ChangelogWriter *self, const Record *records, int n_records, Error *err);

/*
 * Brings the store's copy up to the end of the changelog; *n_records: how many it lacked.  DONE: the copy is of no use and must be
 * forgotten first.  *left: how many are still to come, about, while it goes on; 0 at the end.
 */
Status changelog_restore(const Changelog *self, const _Atomic bool *interrupted, _Atomic int64_t *left, int64_t *n_records, Error *err);

#endif
