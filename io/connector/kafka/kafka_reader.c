/*
 * Reads partitions of a topic outside of any group, for bounded queries, push queries and PRINT: a consumer of its own, whose partitions
 * are started where they are first read, each with a queue of its own.
 */
#include "io/connector/kafka/kafka_impl.h"

#include <stdlib.h>

#define FIRST_WAIT_MS 100	/* for records that are on their way */

typedef struct ReaderPartition {
	rd_kafka_queue_t *queue;	/* NULL: not started */
	int64_t			  next;		/* what the queue gives next */
	bool			  at_end;
	KafkaRefill		  refill;
} ReaderPartition;

typedef struct KafkaReader {
	TopicReader		  base;
	KafkaTopics		 *topics;
	rd_kafka_t		 *consumer;
	rd_kafka_topic_t *topic;
	ReaderPartition	 *partitions;
} KafkaReader;

static void
on_appended(rd_kafka_t *consumer, void *opaque)
{
	(void)consumer;
	kafka_topics_appended(opaque);
}

static void
partition_stop(KafkaReader *self, int partition)
{
	ReaderPartition *p = &self->partitions[partition];

	if (p->queue == NULL)
		return;
	self->topics->rd.queue_cb_event_enable(p->queue, NULL, NULL);
	self->topics->rd.consume_stop(self->topic, partition);
	self->topics->rd.queue_destroy(p->queue);
	p->queue = NULL;
}

static Status
partition_start(KafkaReader *self, int partition, int64_t offset, Error *err)
{
	ReaderPartition *p = &self->partitions[partition];

	partition_stop(self, partition);
	p->queue = self->topics->rd.queue_new(self->consumer);
	self->topics->rd.queue_cb_event_enable(p->queue, on_appended, self->topics);
	p->next = offset;
	p->at_end = false;
	p->refill = (KafkaRefill){0};
	if (self->topics->rd.consume_start_queue(self->topic, partition, offset, p->queue) == 0)
		return OK;
	self->topics->rd.queue_destroy(p->queue);
	p->queue = NULL;
	return kafka_error(self->topics, self->topics->rd.last_error(), NULL, err, "Cannot read %s/%d", self->base.topic->name.data, partition);
}

static Status
reader_fetch(TopicReader *reader, int partition, int64_t from_offset, int max_records, int64_t max_bytes, TopicRecords *out, Error *err)
{
	KafkaReader		*self = (KafkaReader *)reader;
	ReaderPartition *p = &self->partitions[partition];
	KafkaFetched	*fetched = kafka_fetched(self->topics, out);
	int64_t			 before;
	bool			 at_end;

	(void)max_bytes;		/* librdkafka's own limit of what is fetched ahead holds */
	out->n_records = 0;
	out->next_offset = from_offset;
	if (p->queue == NULL || p->next != from_offset)
		TRY(partition_start(self, partition, from_offset, err));
	before = (int64_t)self->topics->rd.queue_length(p->queue);
	TRY(kafka_take(self->topics, self->consumer, p->queue, from_offset, max_records, p->at_end ? 0 : FIRST_WAIT_MS, fetched, &p->next, &at_end, err));
	p->at_end = at_end || (p->at_end && fetched->n_messages == 0);
	if (!p->at_end && kafka_refill_is_due(&p->refill, before, (int64_t)self->topics->rd.queue_length(p->queue), nanos_now()))
		kafka_refill_ask(self->topics, self->consumer, reader->topic->name.data, partition);
	out->records = fetched->records;
	out->n_records = fetched->n_records;
	out->next_offset = p->next;
	return out->n_records == 0 && p->at_end ? DONE : OK;
}

static void
reader_close(TopicReader *reader)
{
	KafkaReader *self = (KafkaReader *)reader;

	for (int i = 0; i < reader->topic->config.n_partitions; i++)
		partition_stop(self, i);
	if (self->topic != NULL)
		self->topics->rd.topic_destroy(self->topic);
	kafka_client_end(self->topics, self->consumer);
	free(self->partitions);
	free(self);
}

static const TopicReaderType kafka_reader = {.fetch = reader_fetch, .close = reader_close};

Status
kafka_reader_open(Topics *topics, Topic *topic, TopicReader **out, Error *err)
{
	static const char *const options[] = {"group.id", "sluice-reader", "enable.partition.eof", "true", "fetch.wait.max.ms", "50", NULL};
	KafkaTopics				*kafka = kafka_topics_of(topics);
	rd_kafka_conf_t			*conf;
	rd_kafka_t				*consumer;
	KafkaReader				*self;

	TRY(kafka_config(kafka, NULL, ROLE_CONSUMER, options, &conf, err));
	TRY(kafka_client_new(kafka, RD_KAFKA_CONSUMER, conf, &consumer, err));
	self = xcalloc(1, sizeof *self);
	self->base = (TopicReader){.type = &kafka_reader, .topic = topic};
	self->topics = kafka;
	self->consumer = consumer;
	self->topic = kafka->rd.topic_new(consumer, topic->name.data, NULL);
	self->partitions = xcalloc((size_t)topic->config.n_partitions, sizeof *self->partitions);
	*out = &self->base;
	return OK;
}
