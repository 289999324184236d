#ifndef SLUICE_IO_CONNECTOR_KAFKA_KAFKA_IMPL_H
#define SLUICE_IO_CONNECTOR_KAFKA_KAFKA_IMPL_H

/* What the files of connector/kafka share.  Nobody outside includes it. */
#include <pthread.h>

#include "io/connector/kafka/kafka.h"
#include "io/connector/kafka/rdkafka.h"

#define CLIENT_ID "sluice"	/* unless the settings have one */
#define SHORT_MS 1000		/* one try of a call that is repeated */
#define CALL_MS 15000		/* a call that somebody waits for */
#define READ_BATCH 2048		/* messages of one fetch */

typedef enum KafkaRole { ROLE_CONSUMER, ROLE_PRODUCER, ROLE_ADMIN } KafkaRole;

typedef struct KafkaTopic {
	Topic			  base;
	rd_kafka_topic_t *producer_topic;	/* of KafkaTopics.client, made when first written to */
	bool			  is_gone;
} KafkaTopic;

typedef struct KafkaTopics {
	Topics			base;
	RdKafka			rd;
	Store		   *store;			/* what units of single statements commit beside records */
	Settings	   *settings;		/* a copy */
	char		   *bootstrap;
	char		   *cluster;		/* its id, as a broker told it */
	rd_kafka_t	   *client;			/* idempotent producer: single records, administration, questions */
	pthread_mutex_t lock;			/* all below */
	pthread_cond_t	appended;
	uint64_t		n_appends;
	KafkaTopic	  **handles;
	int				n_handles;
	int				capacity;
	char			last_error[512];	/* of the connection */
	bool			is_refused;		/* it said that the user, or a certificate, is not trusted */
} KafkaTopics;

/* The topics behind any Topics of Kafka's: themselves, or the group's. */
KafkaTopics *kafka_topics_of(Topics *topics);

/* ---- kafka_config.c ---- */

/* The configuration of a client.  Options: pairs of name and value that win over the settings; ends with NULL. */
Status kafka_config(KafkaTopics *topics, const Settings *settings, KafkaRole role, const char *const *options, rd_kafka_conf_t **out,
					Error *err);

/* Makes a client of a configuration, which is gone afterwards. */
Status kafka_client_new(KafkaTopics *topics, rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **out, Error *err);

/*
 * Ends a client.  librdkafka (2.0) may wait for ever then for its thread of a broker when a topic was deleted that it had read: after some
 * seconds it is left to itself, with what it holds.
 */
void   kafka_client_end(KafkaTopics *topics, rd_kafka_t *client);

/* ---- errors ---- */

/* FAILED, with a class that says whether it may pass. */
Status kafka_error(KafkaTopics *topics, rd_kafka_resp_err_t code, const char *detail, Error *err, const char *doing, ...) PRINTF_LIKE(5, 6);
bool   kafka_code_may_pass(rd_kafka_resp_err_t code);

/* As kafka_error, of an error object, which is freed. */
Status kafka_take_error(KafkaTopics *topics, rd_kafka_error_t *error, Error *err, const char *doing);

/* ---- kafka_record.c ---- */

/* Messages of a fetch as records; owned by TopicRecords.fetched. */
typedef struct KafkaFetched {
	const RdKafka		*rd;
	int					 n_messages;
	int					 capacity;
	rd_kafka_message_t **messages;
	Record				*records;
	int					 n_records;
	Arena				 headers;
} KafkaFetched;

KafkaFetched *kafka_fetched(KafkaTopics *topics, TopicRecords *out);		/* emptied */
void		  kafka_fetched_clear(KafkaFetched *fetched);

/*
 * Takes up to max_records messages that are in a queue of one partition, waiting up to wait_ms for the first.  *next: the offset after
 * what was taken; *at_end: the partition's end was met.  Messages below `from` are left out.
 */
Status kafka_take(KafkaTopics *topics, rd_kafka_t *consumer, rd_kafka_queue_t *queue, int64_t from, int max_records, int wait_ms, KafkaFetched *fetched,
				  int64_t *next, bool *at_end, Error *err);

/* Hands one record to a producer, which copies it.  Waits while its queue is full. */
rd_kafka_resp_err_t kafka_produce(KafkaTopics *topics, rd_kafka_t *producer, rd_kafka_topic_t *topic, const char *topic_name, int partition,
								  const Record *record, void *opaque);

/* ---- kafka_wait.c: calls that wait for brokers, ended by what the thread works for (common/cancel.h) ---- */

/* As rd_kafka_metadata; ends too when the brokers refuse the connection. */
rd_kafka_resp_err_t kafka_metadata(KafkaTopics *topics, bool all, rd_kafka_topic_t *topic, int64_t timeout_ms, const rd_kafka_metadata_t **out);
rd_kafka_resp_err_t kafka_watermarks(KafkaTopics *topics, rd_kafka_t *client, const Topic *topic, int partition, int64_t *begin, int64_t *end);

/* An event of an administrative call; NULL: none came. */
rd_kafka_event_t *kafka_event(KafkaTopics *topics, rd_kafka_queue_t *queue, int64_t timeout_ms);

/* ---- kafka_refill.c ---- */

/* How full the queue of a partition was; all zeros to begin with. */
typedef struct KafkaRefill {
	int64_t level;		/* messages that were left */
	int64_t most;		/* that there were since it was last asked for more */
	Nanos	asked_at;
} KafkaRefill;

/* True if the partition should be looked at by its broker's thread: half of its queue is gone and nothing comes. `before`, `after`: messages in it around a fetch. */
bool kafka_refill_is_due(KafkaRefill *refill, int64_t before, int64_t after, Nanos now);

/* Makes the broker's thread look at its partitions.  Does not wait. */
void kafka_refill_ask(KafkaTopics *topics, rd_kafka_t *consumer, const char *topic, int partition);

/* ---- kafka_topics.c ---- */
Status kafka_topic_find(KafkaTopics *topics, Str name, Topic **out, Error *err);

/* False: it is gone, or has another number of partitions.  Brokers that do not answer at once leave it as it was. */
bool   kafka_topic_is_as_before(KafkaTopics *topics, Topic *topic);

Status kafka_ends(KafkaTopics *topics, rd_kafka_t *client, const Topic *topic, int partition, int64_t *begin, int64_t *end, Error *err);
void   kafka_topics_appended(KafkaTopics *topics);		/* wakes append_wait */

/* ---- kafka_reader.c ---- */
Status kafka_reader_open(Topics *topics, Topic *topic, TopicReader **out, Error *err);

/* ---- kafka_unit.c ---- */
TopicUnit *kafka_unit_new(Topics *topics);
void	   kafka_unit_delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque);

#endif
