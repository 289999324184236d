#ifndef SLUICE_STORE_STORE_IMPL_H
#define SLUICE_STORE_STORE_IMPL_H

/* What the files of store/ share; nobody outside includes it. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "store/store.h"

/* ---------------------------------------------------------------------------------------------------- chunks -- */

/*
 * Many records of one partition in one piece of bytes, shared (counted) by the unit that made it, the tail cache and
 * the fetches that decode it.  Its bytes don't change once it is submitted; the writer sets its base offset.
 */
struct StoreChunk {
	_Atomic int n_refs;
	int			n_records;
	int64_t		base_offset;
	Time		max_timestamp;
	Time		last_timestamp;	/* of the newest record, while it is filled */
	char	   *bytes;
	size_t		length;
	size_t		capacity;
};

StoreChunk *chunk_new(size_t capacity);
StoreChunk *chunk_share(StoreChunk *chunk);
void		chunk_release(StoreChunk *chunk);		/* NULL does nothing */
void		chunk_add(StoreChunk *chunk, const Record *record);
void		chunk_shrink(StoreChunk *chunk);		/* gives unused capacity back */

/* Where decoding stands in a chunk. */
typedef struct ChunkCursor {
	const StoreChunk *chunk;
	size_t			  position;
	int64_t			  offset;		/* of the next record */
	Time			  timestamp;	/* of the last one */
} ChunkCursor;

void chunk_cursor_init(ChunkCursor *cursor, const StoreChunk *chunk);

/* Decodes the next record; its bytes are the chunk's.  With `headers` NULL, headers are skipped.  False: damaged. */
bool chunk_next(ChunkCursor *cursor, Record *record, Arena *headers);

/* ------------------------------------------------------------------------------------------------ connections -- */

typedef enum Sql {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_RECORDS_INSERT,
	SQL_RECORDS_READ,
	SQL_RECORDS_LAST,
	SQL_RECORDS_TRIM,
	SQL_RECORDS_DROP,
	SQL_RECORDS_EXPIRED,
	SQL_RECORDS_AT,
	SQL_TOPIC_INSERT,
	SQL_TOPIC_UPDATE,
	SQL_TOPIC_DELETE,
	SQL_TOPIC_LIST,
	SQL_TRIM_PUT,
	SQL_TRIM_GET,
	SQL_TRIM_DROP,
	SQL_STATE_PUT,
	SQL_STATE_PUT_MANY,			/* STATE_PUT_MANY rows */
	SQL_STATE_DELETE,
	SQL_STATE_DELETE_RANGE,
	SQL_STATE_GET,
	SQL_STATE_SCAN,
	SQL_STATES_OF_QUERY,
	SQL_STATES_INSERT,
	SQL_STATES_GET,
	SQL_POSITION_PUT,
	SQL_POSITION_GET,
	SQL_POSITION_DROP,
	SQL_META_PUT,
	SQL_META_DELETE,
	SQL_META_GET,
	SQL_COMMAND_INSERT,
	SQL_COMMAND_SCAN,
	SQL_COUNT,
} Sql;

/* A connection with its statements, prepared when first used and kept.  One thread at a time uses it. */
typedef struct Db {
	Store		 *store;
	sqlite3		 *handle;
	sqlite3_stmt *statements[SQL_COUNT];
	struct Db	 *next;			/* in the pool */
} Db;

Status db_open(Store *store, bool is_writer, Db **out, Error *err);
void   db_close(Db *db);		/* NULL does nothing */

/* The statement, ready to bind; NULL fills *err. */
sqlite3_stmt *db_statement(Db *db, Sql sql, Error *err);

/* Runs a statement that gives no rows, and resets it. */
Status db_run(Db *db, sqlite3_stmt *statement, const char *doing, Error *err);
Status db_exec(Db *db, Sql sql, const char *doing, Error *err);

/* OK: a row; DONE: none; FAILED.  The caller resets the statement. */
Status db_step(Db *db, sqlite3_stmt *statement, const char *doing, Error *err);

/* Turns the last failure of the connection into an error. */
Status db_error(Db *db, const char *doing, Error *err);
Status db_error_code(Store *store, int code, const char *text, const char *doing, Error *err);

void db_bind_blob(sqlite3_stmt *statement, int i, Str bytes);	/* borrowed; "" is not NULL */
void db_bind_text(sqlite3_stmt *statement, int i, Str text);
Str	 db_column(sqlite3_stmt *statement, int i);					/* until the next step */

/* Brings the schema up to date, or refuses. */
Status db_migrate(Db *db, Error *err);

/*
 * A connection to read with: one of the pool or, in memory, the only one, with the store's write lock held.  Reset all
 * statements, then give it back.
 */
Status db_acquire(Store *store, Db **out, Error *err);
void   db_release(Store *store, Db *db);

/* ------------------------------------------------------------------------------------------------------ store -- */

typedef struct StorePartition {
	/* under Store.lock */
	int64_t		 begin_offset;
	int64_t		 end_offset;	/* committed */
	StoreChunk **chunks;		/* the tail that is in memory, oldest first: [first, first + n) */
	int			 first;
	int			 n_chunks;
	int			 capacity;
	/* the writer's alone */
	int64_t		 next_offset;	/* end_offset, and what the open transaction added */
} StorePartition;

struct StoreTopic {
	Store			*store;
	int64_t			 id;			/* never reused */
	Str				 name;			/* owned */
	StorePartition	*partitions;
	int				 n_partitions;
	StoreTopicConfig config;		/* under Store.lock */
	_Atomic bool	 is_dropped;
	bool			 is_dropping;	/* the writer's: dropped by the open transaction */
	_Atomic uint64_t touched;		/* Store.n_appends of the last commit that appended */
};

typedef struct CacheEntry {
	StorePartition *partition;
	int64_t			base_offset;
	int64_t			size_bytes;
} CacheEntry;

typedef struct StoreListening {
	int			  id;
	StoreTopic	 *topic;
	StoreListener listener;
	void		 *context;
} StoreListening;

struct Store {
	char			*directory;		/* NULL: in memory */
	char			*path;			/* of the database; ":memory:" */
	const Env		*env;
	StoreOptions	 options;
	int				 lock_fd;
	dev_t			 device;		/* of the file, with its number there: whether it is still the same */
	ino_t			 inode;

	pthread_mutex_t	 lock;			/* topics, partitions, cache, queue, pool, counters */
	pthread_cond_t	 appended;
	StoreTopic	   **topics;		/* also dropped ones */
	int				 n_topics;
	int				 topic_capacity;
	int64_t			 last_topic_id;	/* in memory only */
	_Atomic uint64_t n_appends;

	CacheEntry		*cache;			/* ring of the chunks in tails, oldest first */
	size_t			 cache_first, cache_n, cache_capacity;
	int64_t			 cache_bytes;

	Db				*pool;
	int				 n_pool;

	pthread_mutex_t	 write_lock;	/* in memory: whoever writes, or uses `writer` */
	pthread_mutex_t	 commit_lock;	/* from a COMMIT until what it did is published; taken last but for `lock` */
	Db				*writer;		/* the writer thread's; in memory, opened when first needed */

	pthread_cond_t	 submitted;
	StoreUnit		*queue_head, *queue_tail;
	bool			 is_closing;
	bool			 has_thread;
	pthread_t		 thread;

	pthread_mutex_t	 listener_lock;
	StoreListening	*listenings;
	int				 n_listenings;
	int				 listening_capacity;
	int				 last_listening;
};

static inline bool
store_in_memory(const Store *store)
{
	return store->directory == NULL;
}

/* topics.c: what the writer calls.  `topic_publish` and `topic_trimmed` want Store.lock held. */
Status topics_load(Store *store, Db *db, Error *err);
StoreTopic *topic_new(Store *store, Str name, const StoreTopicConfig *config);
void   topic_free(StoreTopic *topic);
StoreTopic *topic_find_locked(Store *store, Str name);
void   topic_publish(Store *store, StoreTopic *topic);
void   topic_dropped(Store *store, StoreTopic *topic);
void   topic_trimmed(Store *store, StorePartition *partition, int64_t before_offset);
void   topic_append(Store *store, StorePartition *partition, StoreChunk *chunk);	/* shares the chunk */
void   cache_evict(Store *store);

/* ------------------------------------------------------------------------------------------------------ units -- */

/*
 * In the table a key begins with the number of its state (32 bits) and partition (16 bits), big endian, so that all keys
 * of a partition of a state are neighbours.
 */
#define STATE_PREFIX_BYTES 6
#define STATE_PUT_MANY 16

/* Writes the 6 bytes; with partition 65536 (or -1 and the next state) they are above all keys before. */
void state_prefix(char *out, int64_t state_id, int64_t partition);

typedef struct StateOp {
	uint64_t place;			/* state and partition */
	uint64_t prefix;		/* first 8 bytes of the caller's key, so that most comparisons need no memory */
	Str		 key;			/* as stored */
	Str		 value;			/* data NULL: delete */
	int64_t	 order;			/* of the call: the later of two changes of a key wins */
} StateOp;

typedef struct RangeOp {
	Str from;				/* as stored */
	Str to;
} RangeOp;

typedef struct PositionOp {
	Str		query;
	Str		input;
	int		partition;
	int64_t next_offset;
} PositionOp;

typedef struct CommandOp {
	Str		text;
	int64_t sequence;
} CommandOp;

typedef struct MetaOp {
	Str name;
	Str value;				/* data NULL: remove */
} MetaOp;

typedef enum TopicOpKind {
	TOPIC_CREATE,
	TOPIC_ALTER,
	TOPIC_TRIM,
	TOPIC_DROP,				/* last, after the unit's appends */
} TopicOpKind;

typedef struct TopicOp {
	TopicOpKind		 kind;
	StoreTopic		*topic;
	int				 partition;
	int64_t			 before_offset;
	StoreTopicConfig config;
} TopicOp;

typedef struct OpenStateOp {
	Str		query;
	Str		name;
	int64_t id;
} OpenStateOp;

struct StoreAppender {
	StoreTopic	*topic;
	int			 partition;
	int64_t		 n_records;
	int64_t		 base_offset;
	StoreChunk	*open;			/* the last of chunks, while it has room */
	StoreChunk **chunks;		/* each shared with the cache once committed */
	int			 n_chunks;
	int			 capacity;
	int64_t		*size_bytes;	/* the unit's count */
};

#define UNIT_ARRAY(T, name) \
	T  *name;               \
	int n_##name;           \
	int name##_capacity

struct StoreUnit {
	Store		  *store;
	Arena		   arena;			/* all bytes of state, positions, commands */
	int64_t		   size_bytes;
	StoreAppender **appenders;
	int			   n_appenders;
	int			   appenders_capacity;
	StoreAppender *last_appender;
	UNIT_ARRAY(StateOp, states);
	bool		   states_are_sorted;
	UNIT_ARRAY(RangeOp, ranges);
	UNIT_ARRAY(PositionOp, positions);
	UNIT_ARRAY(CommandOp, commands);
	UNIT_ARRAY(MetaOp, metas);
	UNIT_ARRAY(TopicOp, topics);
	UNIT_ARRAY(OpenStateOp, opens);
	UNIT_ARRAY(Str, drops);			/* queries */

	StoreUnit	  *next;			/* in the queue */
	StoreDone	   done;
	void		  *context;
};

/* Makes a unit ready for the writer: sorts state, closes chunks. */
void unit_seal(StoreUnit *unit);

/* writer.c */
void  *writer_main(void *store);
Status writer_commit_inline(Store *store, StoreUnit *unit, Error *err);

#endif
