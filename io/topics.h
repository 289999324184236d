#ifndef SLUICE_IO_TOPICS_H
#define SLUICE_IO_TOPICS_H

/*
 * Topics, wherever they are: in the store of the data directory (connector/embedded) or on Kafka (connector/kafka).  Whoever
 * reads, writes, makes or lists topics does it through this, and SQL does not change between the two.
 *
 *	Topics       all topics of one place          topics_find, topics_create, topics_list, topics_drop, topics_ends
 *	TopicReader  reads partitions of one topic    topic_reader_open, topic_reader_fetch
 *	TopicUnit    records that are written as one  topic_unit_append, topic_unit_commit
 *
 * Threads: Topics and Topic handles are for any thread; a reader, a TopicRecords or a unit is one thread's at a time.
 * Handles (Topic) belong to their Topics and stay valid, also after a drop, until it is closed.
 * Errors: ERROR_USER if a name exists already or a handle's topic was dropped; ERROR_FATAL if the place cannot be reached.
 */
#include "common/arena.h"
#include "common/status.h"
#include "data/record.h"
#include "store/store.h"

typedef struct Topics Topics;
typedef struct Topic Topic;
typedef struct TopicReader TopicReader;
typedef struct TopicUnit TopicUnit;

typedef struct TopicConfig {
	int		n_partitions;	/* 1 and more */
	int		n_replicas;		/* 0 and less: as the place has it by default */
	int64_t retention_ms;	/* < 0: kept for ever */
	bool	is_compacted;	/* cleanup.policy=compact */
	bool	is_deleted;		/* and delete, where it is compacted: windowed tables */
} TopicConfig;

struct Topic {
	Topics	   *topics;
	Str			name;		/* NUL-terminated */
	TopicConfig config;		/* as of when the handle was made; a number of partitions never changes under a handle */
};

/*
 * What a fetch gave.  Zero-initialised by its owner, reused from fetch to fetch of readers of one kind, freed by topic_records_free.
 * The records' bytes are borrowed from it until the next fetch into it.
 */
typedef struct TopicRecords {
	Record		*records;
	int			 n_records;
	int64_t		 next_offset;	/* where the next fetch goes on */
	StoreRecords store;			/* the embedded topics' */
	void		*fetched;		/* Kafka's, and how it is given back */
	void (*release)(struct TopicRecords *records);
} TopicRecords;

typedef struct TopicReaderType {
	/*
	 * Committed records from `from_offset` on: at most max_records (<= 0: no limit), about max_bytes (<= 0: no limit; one
	 * record at least).  DONE, with no records: nothing more is there now; out->next_offset is set then too (offsets may be missing
	 * at the end of a partition).  An offset that is gone goes on at the oldest record.
	 */
	Status (*fetch)(TopicReader *reader, int partition, int64_t from_offset, int max_records, int64_t max_bytes, TopicRecords *out,
					Error *err);
	void (*close)(TopicReader *reader);
} TopicReaderType;

struct TopicReader {
	const TopicReaderType *type;
	Topic				  *topic;
};

typedef struct TopicUnitType {
	void (*append)(TopicUnit *unit, Topic *topic, int partition, const Record *record);
	Status (*commit)(TopicUnit *unit, Error *err);
	void (*clear)(TopicUnit *unit);
	bool (*is_empty)(const TopicUnit *unit);
	void (*free)(TopicUnit *unit);
} TopicUnitType;

/* Records for topics, and what of the store is committed with them: state, positions. */
struct TopicUnit {
	const TopicUnitType *type;
	StoreUnit			*store;
};

typedef struct TopicsType {
	const char *name;
	Status (*find)(Topics *topics, Str name, Topic **out, Error *err);
	Status (*create)(Topics *topics, Str name, const TopicConfig *config, Topic **out, Error *err);
	Status (*list)(Topics *topics, Arena *arena, Topic ***out, int *n, Error *err);
	Status (*drop)(Topics *topics, Topic *topic, Error *err);
	Status (*ends)(Topics *topics, Topic *topic, int partition, int64_t *begin, int64_t *end, Error *err);
	Status (*reader_open)(Topics *topics, Topic *topic, TopicReader **out, Error *err);
	TopicUnit *(*unit_new)(Topics *topics);
	int (*listen)(Topics *topics, Topic *topic, void (*wake)(void *context), void *context);
	void (*unlisten)(Topics *topics, int listener);
	uint64_t (*append_count)(Topics *topics);
	bool (*append_wait)(Topics *topics, uint64_t seen, int64_t timeout_ms);
	Status (*check)(Topics *topics, int64_t timeout_ms, Error *err);
	const char *(*cluster)(Topics *topics);
	void (*close)(Topics *topics);
} TopicsType;

struct Topics {
	const TopicsType *type;
};

/* The topic of that exact name; *out NULL: there is none. */
static inline Status
topics_find(Topics *topics, Str name, Topic **out, Error *err)
{
	*out = NULL;
	return topics->type->find(topics, name, out, err);
}

/* Makes a topic.  ERROR_USER if the name exists. */
static inline Status
topics_create(Topics *topics, Str name, const TopicConfig *config, Topic **out, Error *err)
{
	return topics->type->create(topics, name, config, out, err);
}

/* All topics, ordered by name; the array is in `arena`. */
static inline Status
topics_list(Topics *topics, Arena *arena, Topic ***out, int *n, Error *err)
{
	return topics->type->list(topics, arena, out, n, err);
}

/* Removes a topic with its records. */
static inline Status
topics_drop(Topics *topics, Topic *topic, Error *err)
{
	return topics->type->drop(topics, topic, err);
}

/* Offset of the oldest record, and behind the newest committed one. */
static inline Status
topics_ends(Topics *topics, Topic *topic, int partition, int64_t *begin, int64_t *end, Error *err)
{
	return topics->type->ends(topics, topic, partition, begin, end, err);
}

static inline Status
topic_reader_open(Topics *topics, Topic *topic, TopicReader **out, Error *err)
{
	return topics->type->reader_open(topics, topic, out, err);
}

static inline Status
topic_reader_fetch(TopicReader *reader, int partition, int64_t from_offset, int max_records, int64_t max_bytes, TopicRecords *out,
				   Error *err)
{
	return reader->type->fetch(reader, partition, from_offset, max_records, max_bytes, out, err);
}

/* NULL does nothing. */
static inline void
topic_reader_close(TopicReader *reader)
{
	if (reader != NULL)
		reader->type->close(reader);
}

static inline void
topic_records_free(TopicRecords *records)
{
	if (records->release != NULL)
		records->release(records);
	*records = (TopicRecords){0};
}

static inline TopicUnit *
topics_unit_new(Topics *topics)
{
	return topics->type->unit_new(topics);
}

/* Copies the record.  What goes wrong is told by the commit. */
static inline void
topic_unit_append(TopicUnit *unit, Topic *topic, int partition, const Record *record)
{
	unit->type->append(unit, topic, partition, record);
}

/* Waits until readers can see the unit.  Then clear it before it is used again; after a failure too. */
static inline Status
topic_unit_commit(TopicUnit *unit, Error *err)
{
	return unit->type->commit(unit, err);
}

static inline void
topic_unit_clear(TopicUnit *unit)
{
	unit->type->clear(unit);
}

static inline bool
topic_unit_is_empty(const TopicUnit *unit)
{
	return unit->type->is_empty(unit);
}

/* NULL does nothing. */
static inline void
topic_unit_free(TopicUnit *unit)
{
	if (unit != NULL)
		unit->type->free(unit);
}

/*
 * Waking up on new records, as store_listen and store_append_wait say: `wake` is called by whichever thread brings them, must be quick, and
 * may take no lock that is held around calls of the topics.
 */
static inline int
topics_listen(Topics *topics, Topic *topic, void (*wake)(void *context), void *context)
{
	return topics->type->listen(topics, topic, wake, context);
}

static inline void
topics_unlisten(Topics *topics, int listener)
{
	topics->type->unlisten(topics, listener);
}

static inline uint64_t
topics_append_count(Topics *topics)
{
	return topics->type->append_count(topics);
}

static inline bool
topics_append_wait(Topics *topics, uint64_t seen, int64_t timeout_ms)
{
	return topics->type->append_wait(topics, seen, timeout_ms);
}

/* Does the place answer and take what is written, within the time?  ERROR_TRANSIENT or ERROR_FATAL says why not. */
static inline Status
topics_check(Topics *topics, int64_t timeout_ms, Error *err)
{
	return topics->type->check(topics, timeout_ms, err);
}

/* The id by which the place tells itself from others of its kind; as long as the topics. */
static inline const char *
topics_cluster(Topics *topics)
{
	return topics->type->cluster(topics);
}

/* NULL does nothing.  All readers and units are closed before. */
static inline void
topics_close(Topics *topics)
{
	if (topics != NULL)
		topics->type->close(topics);
}

/* The topics of a store, which is borrowed until they are closed. */
Topics *topics_embedded_new(Store *store);

#endif
