#ifndef SLUICE_IO_CONNECTOR_KAFKA_KAFKA_GROUP_IMPL_H
#define SLUICE_IO_CONNECTOR_KAFKA_KAFKA_GROUP_IMPL_H

/* What the two halves of a group have in common: kafka_group.c has the share and reads, kafka_group_unit.c writes and commits. */
#include "io/connector/kafka/kafka_impl.h"
#include "io/connector/kafka/kafka_tee.h"

#define SETTLE_MS 60000		/* for what another member's open transaction holds back, and for steps that Kafka says may be repeated */

typedef struct GroupPartition {
	rd_kafka_queue_t *queue;		/* NULL: not owned */
	int64_t			  committed;	/* where reading began, and what was committed since */
	int64_t			  position;		/* that the unit in hand reaches */
	int64_t			  next;			/* what the queue gives next */
	bool			  at_end;
	int64_t			  purged;		/* what is before it was removed */
	int64_t			  written;		/* behind the newest record that the last commit wrote; -1: none */
	KafkaRefill		  refill;
	KafkaTee		 *tee;			/* of several readers, which has their positions; NULL: there is one */
} GroupPartition;

typedef struct GroupTopic {
	Topic			 *topic;
	rd_kafka_topic_t *producer_topic;	/* NULL: not written to */
	bool			  is_input;
	int				  n_readers;
	GroupPartition	 *partitions;
} GroupTopic;

/* What the sources of one number are opened by. */
typedef struct GroupView {
	Topics		base;
	KafkaGroup *group;
	int			reader;
} GroupView;

struct KafkaGroup {
	KafkaTopics			 *topics;
	int					  n_views;
	GroupView			 *views;
	char				 *id;
	char				 *transactional_id;
	const Settings		 *settings;
	rd_kafka_t			 *consumer;
	rd_kafka_t			 *producer;		/* NULL: to be made */
	rd_kafka_queue_t	 *main_queue;
	int					  n_inputs;
	GroupTopic			 *inputs;
	int					  n_outputs;	/* topics that were written to */
	int					  capacity;
	GroupTopic			**outputs;
	bool				  exactly_once;
	bool				  from_latest;
	bool				  is_changed;
	Nanos				  look_at;		/* when it is next looked whether topics are as they were */
	bool				  is_outdated;	/* a topic has other partitions than when the group was opened */
	bool				  in_transaction;
	bool				  was_purged;	/* and the client has thrown its records away */
	Error				  failure;		/* of the protocol or of a record, to be told by the next call */
	bool				  has_failed;
	void (*wake)(void *context);
	void				 *context;
	const _Atomic bool	 *interrupted;
	void (*before_store)(void *context, TopicUnit *unit);
	void				 *store_context;
};

/* ---- kafka_group.c ---- */
void kafka_group_pause(int ms);
bool kafka_group_is_interrupted(const KafkaGroup *group);

/* True if the position of the unit in hand differs from the committed one. */
bool kafka_group_part_has_moved(const GroupPartition *part);

/* To be told by the next call; the first one counts. */
void kafka_group_remember_failure(KafkaGroup *group, const Error *err);

/* ---- kafka_group_unit.c ---- */

/* Ends the producer, with what it has not written. */
void kafka_group_end_producer(KafkaGroup *group);

#endif
