/*
 * Records of single statements (INSERT ... VALUES, COPY, datagen): handed to the idempotent producer as they come, and waited for by
 * the commit.  They are not one transaction: with a failure in the middle some may be there.
 */
#include "io/connector/kafka/kafka_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/cancel.h"

typedef struct KafkaUnit {
	TopicUnit			base;
	KafkaTopics		   *topics;
	Store			   *store;
	pthread_mutex_t		lock;
	int64_t				n_sent;
	int64_t				n_done;		/* delivered or failed; under lock */
	rd_kafka_resp_err_t failed;		/* the first failure */
	char				topic[256];	/* of it */
} KafkaUnit;

static void
unit_fail(KafkaUnit *self, rd_kafka_resp_err_t code, const char *topic)
{
	if (self->failed != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	self->failed = code;
	snprintf(self->topic, sizeof self->topic, "%s", topic);
}

void
kafka_unit_delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
	KafkaTopics *topics = opaque;
	KafkaUnit	*self = message->_private;

	(void)client;
	pthread_mutex_lock(&self->lock);
	self->n_done++;
	if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		unit_fail(self, message->err, topics->rd.topic_name(message->rkt));
	pthread_mutex_unlock(&self->lock);
}

static rd_kafka_topic_t *
producer_topic(KafkaTopics *topics, Topic *topic)
{
	KafkaTopic		 *self = (KafkaTopic *)topic;
	rd_kafka_topic_t *handle;

	pthread_mutex_lock(&topics->lock);
	if (self->producer_topic == NULL)
		self->producer_topic = topics->rd.topic_new(topics->client, topic->name.data, NULL);
	handle = self->producer_topic;
	pthread_mutex_unlock(&topics->lock);
	return handle;
}

static void
unit_append(TopicUnit *unit, Topic *topic, int partition, const Record *record)
{
	KafkaUnit		   *self = (KafkaUnit *)unit;
	rd_kafka_resp_err_t code = kafka_produce(self->topics, self->topics->client, producer_topic(self->topics, topic), topic->name.data, partition,
											 record, self);

	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		self->n_sent++;
	else {
		pthread_mutex_lock(&self->lock);
		unit_fail(self, code, topic->name.data);
		pthread_mutex_unlock(&self->lock);
	}
	self->topics->rd.poll(self->topics->client, 0);
}

/* Every record ends, by delivery.timeout.ms at the latest. */
static void
unit_wait(KafkaUnit *self)
{
	for (;;) {
		bool is_done;

		self->topics->rd.flush(self->topics->client, 100);
		/* Records that brokers do not take are given up with the statement; those of others are from the last moment of the program too. */
		if (cancel_is_asked())
			self->topics->rd.purge(self->topics->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		pthread_mutex_lock(&self->lock);
		is_done = self->n_done >= self->n_sent;
		pthread_mutex_unlock(&self->lock);
		if (is_done)
			return;
	}
}

static Status
unit_commit(TopicUnit *unit, Error *err)
{
	KafkaUnit *self = (KafkaUnit *)unit;

	unit_wait(self);
	if (self->failed != RD_KAFKA_RESP_ERR_NO_ERROR)
		return kafka_error(self->topics, self->failed, NULL, err, "Cannot write to the topic %s", self->topic);
	if (!store_unit_is_empty(unit->store))
		TRY(store_commit(self->store, unit->store, err));
	kafka_topics_appended(self->topics);
	return OK;
}

static void
unit_clear(TopicUnit *unit)
{
	KafkaUnit *self = (KafkaUnit *)unit;

	unit_wait(self);
	self->n_sent = self->n_done = 0;
	self->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
	if (unit->store != NULL)
		store_unit_clear(unit->store);
}

static bool
unit_is_empty(const TopicUnit *unit)
{
	return ((const KafkaUnit *)unit)->n_sent == 0 && store_unit_is_empty(unit->store);
}

static void
unit_free(TopicUnit *unit)
{
	KafkaUnit *self = (KafkaUnit *)unit;

	unit_wait(self);
	store_unit_free(unit->store);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

static const TopicUnitType kafka_unit = {
	.append = unit_append,
	.commit = unit_commit,
	.clear = unit_clear,
	.is_empty = unit_is_empty,
	.free = unit_free,
};

TopicUnit *
kafka_unit_new(Topics *topics)
{
	KafkaUnit *self = xcalloc(1, sizeof *self);

	self->topics = kafka_topics_of(topics);
	self->store = self->topics->store;
	self->base = (TopicUnit){.type = &kafka_unit, .store = store_unit_new(self->store)};
	pthread_mutex_init(&self->lock, NULL);
	return &self->base;
}
