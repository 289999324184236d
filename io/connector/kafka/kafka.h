#ifndef SLUICE_IO_CONNECTOR_KAFKA_KAFKA_H
#define SLUICE_IO_CONNECTOR_KAFKA_KAFKA_H

/*
 * Topics on Apache Kafka, through librdkafka: what io/topics.h promises, and what many processes that share the work need beside it:
 * groups of consumers (KafkaGroup) and a log of commands that all follow (KafkaLog).
 *
 * Reading is read_committed; the end of a partition is the last stable offset.  Errors of Kafka have its own name for them
 * (TOPIC_AUTHORIZATION_FAILED, ...).  ERROR_TRANSIENT: the brokers cannot be reached or say that it may pass; try again.
 */
#include "common/setting.h"
#include "io/topics.h"

/*
 * Before any thread begins, in a process that will use Kafka: malloc has two heaps for all threads and gives large blocks back.  librdkafka's threads allocate what ours free:
 * with one heap they wait for each other (half as much processor time again for a filter), with a heap for each most of the memory ends up as
 * holes (610 MB instead of 350 for a count of a million keys).
 */
void kafka_prepare(void);

/*
 * Opens the topics of `bootstrap.servers`.  Settings of Kafka's clients: those of librdkafka under their own names or with the prefixes
 * consumer., producer. and admin., which also may stand behind ksql.streams. (and main., restore. and global. before consumer.).
 * `store` is what units commit beside their records; borrowed.  Waits for an answer of a broker (`kafka.connect.timeout.ms`): ERROR_TRANSIENT if there is none.
 */
Status topics_kafka_open(const Settings *settings, Store *store, Topics **out, Error *err);

/* True if a broker answers within a second: for questions that can do without an answer. */
bool kafka_answers(Topics *topics);

/* ---------------------------------------------------------------------------------------------------- groups -- */

/*
 * The share that this process has of the topics of a group: Kafka gives it partitions (assignor `range`: topics with equal numbers of
 * partitions are co-partitioned) and takes them away.  What is written through its unit is committed with the positions
 * reached: as one transaction (exactly_once), or flushed before the positions (at least once).
 *
 * One thread at a time.  Use: poll; if *changed, close all readers, look at what is owned, open them
 * anew; read, append, set positions, commit; poll again.  A failed commit aborts the transaction and takes the unit's records
 * back: rewind, and start again from the committed positions.
 */
typedef struct KafkaGroup KafkaGroup;

typedef struct KafkaGroupOptions {
	const char	  *id;					/* of the group */
	const char	  *instance;			/* of this process among its members: makes the transactional id; stable over restarts */
	const char	  *client;				/* what the members know each other by (client.id, unless the settings have one) */
	const Settings *settings;
	int			   n_topics;
	Topic *const  *topics;
	const int	  *n_readers;			/* by how many sources each of them is read, numbered from 0; NULL: by one */
	bool		   exactly_once;
	bool		   from_latest;			/* where reading starts without a committed position: the end instead of the beginning */
	void (*wake)(void *context);		/* records or a change of the share have come; from another thread */
	void		  *context;
	const _Atomic bool *interrupted;	/* ends waiting */
} KafkaGroupOptions;

Status kafka_group_open(Topics *topics, const KafkaGroupOptions *options, KafkaGroup **out, Error *err);

/* Leaves the group and aborts what is not committed.  Readers and the unit are closed before.  NULL does nothing. */
void kafka_group_close(KafkaGroup *group);

/* Serves the group's protocol.  *changed: the share is another one, or must be taken up anew. */
Status kafka_group_poll(KafkaGroup *group, bool *changed, Error *err);

/*
 * After a failure: reading goes on from the committed positions, and the next poll says *changed.  False: nothing is owned, or topics have
 * other partitions than before; leave the group and join it again.
 */
bool kafka_group_rewind(KafkaGroup *group);

bool kafka_group_owns(const KafkaGroup *group, const Topic *topic, int partition);

/* Where a source goes on: its committed position, or where it starts.  False: the partition is not owned. */
bool kafka_group_position(const KafkaGroup *group, const Topic *topic, int partition, int reader, int64_t *position);

/*
 * Topics whose readers read what the group owns and nothing else; ends of what is not owned are 0.  Sources that read the same topic have
 * different numbers.
 */
Topics *kafka_group_topics(KafkaGroup *group, int reader);

/* What is written with the group's positions.  Its commit also commits unit->store, afterwards. */
TopicUnit *kafka_group_unit_new(KafkaGroup *group, Store *store);

/* The position that the unit in hand reaches, of a source. */
void kafka_group_set_position(KafkaGroup *group, const Topic *topic, int partition, int reader, int64_t position);

/* True if a position set differs from the committed one. */
bool kafka_group_has_moved(const KafkaGroup *group);

/*
 * Removes what is before the committed positions from partitions of an input that are read here: of a topic that nobody else reads.  Once in a
 * while; what cannot be removed now is with the next call.
 */
void kafka_group_purge(KafkaGroup *group, const Topic *topic);

/*
 * The offset behind the newest record that the unit's last commit wrote into that partition; -1: none.  For checkpoints of state: called
 * by `before_store` of the unit, between Kafka's commit and the store's.
 */
int64_t kafka_group_written(const KafkaGroup *group, const Topic *topic, int partition);
void	kafka_group_before_store(KafkaGroup *group, void (*call)(void *context, TopicUnit *unit), void *context);

/*
 * All records of a partition from `from` to the end as of now, those of transactions that are still open waited for: to restore state of
 * which the group owns the partition.  *next: where the next restoration goes on; -1: the partition ends before `from`, so that it is
 * not the one that `from` was taken from.  `visit` is called with chunks.
 */
typedef Status (*KafkaVisitor)(void *context, const Record *records, int n_records, Error *err);
Status kafka_restore(Topics *topics, Topic *topic, int partition, int64_t from, const _Atomic bool *interrupted, KafkaVisitor visit,
					 void *context, int64_t *next, Error *err);

/*
 * Waits until what was written to a topic when this was called is committed or aborted, as readers see it: Kafka says that a transaction
 * is committed a little before all its partitions know.  DONE: a transaction has stayed open for a while (its process may have been killed: the
 * brokers end it by transaction.timeout.ms and some ten seconds), or it was interrupted.
 */
Status kafka_settle(Topics *topics, Topic *topic, const _Atomic bool *interrupted, Error *err);

/* Committed positions of a group, also of one that this process is no member of; -1: none. */
Status kafka_committed(Topics *topics, const char *group_id, Topic *topic, int64_t *positions, Error *err);

/* The same for who asks again and again: one client for all questions.  One thread at a time. */
typedef struct KafkaPositions KafkaPositions;
Status kafka_positions_open(Topics *topics, const char *group_id, KafkaPositions **out, Error *err);
Status kafka_positions_committed(KafkaPositions *asked, const Topic *topic, int64_t *positions, Error *err);
void   kafka_positions_close(KafkaPositions *asked);		/* NULL does nothing */

/* Commits positions for a group that has no members (yet). */
Status kafka_commit_positions(Topics *topics, const char *group_id, Topic *topic, const int64_t *positions, Error *err);

/* How many members the group has now. */
Status kafka_group_members(Topics *topics, const char *group_id, int *n, Error *err);

/*
 * Being a member of a group only to be seen there by others, as `client`, until this process leaves, or has been gone for session.timeout.ms.
 * To `keep` it is to be called once in a while (hours).  One thread at a time.
 */
typedef struct KafkaPresence KafkaPresence;
Status kafka_presence_join(Topics *topics, const char *group_id, const char *client, const Topic *topic, KafkaPresence **out, Error *err);
void   kafka_presence_keep(KafkaPresence *presence);
void   kafka_presence_leave(KafkaPresence *presence);		/* NULL does nothing */

/* The members of a group in the order in which partitions are shared out to them; `client` is the one's KafkaGroupOptions.client. */
typedef struct KafkaMember {
	const char *id;
	const char *client;
} KafkaMember;

Status kafka_group_describe(Topics *topics, const char *group_id, Arena *arena, KafkaMember **out, int *n, Error *err);

/* Which of n_members (1 and more) the assignor `range` gives a partition of a topic that all of them read. */
int kafka_range_member(int n_members, int n_partitions, int partition);

/* Removes the group's positions.  A group with members stays. */
void kafka_group_delete(Topics *topics, const char *group_id);

/* ------------------------------------------------------------------------------------------------ command log -- */

/*
 * The log of commands: a topic of one partition that every process of a service reads from the start.  Whoever appends fences
 * all others first (a transactional id for the service), reads what they wrote, and then decides; so that no two processes decide
 * at once.  One thread at a time.
 */
typedef struct KafkaLog KafkaLog;
typedef Status (*KafkaCommandVisitor)(void *context, int64_t sequence, Str command, Error *err);

Status kafka_log_open(Topics *topics, const char *topic, const char *transactional_id, const Settings *settings, KafkaLog **out, Error *err);
void   kafka_log_close(KafkaLog *log);		/* NULL does nothing */

/* Calls `visit` with the commands that were not visited yet, up to the end as of now (`wait`) or up to what has come already. */
Status kafka_log_follow(KafkaLog *log, bool wait, KafkaCommandVisitor visit, void *context, Error *err);

/* Before an append: fences others.  kafka_log_follow(wait) comes next. */
Status kafka_log_begin(KafkaLog *log, Error *err);

/* *sequence: the command's offset; it is not visited.  ERROR_TRANSIENT if another process has begun meanwhile: begin again. */
Status kafka_log_append(KafkaLog *log, Str command, int64_t *sequence, Error *err);

#endif
