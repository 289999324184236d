/* Being a member of a group for nothing but to be seen there. */
#include "io/connector/kafka/kafka_impl.h"

#include <stdlib.h>

struct KafkaPresence {
	KafkaTopics *topics;
	rd_kafka_t	*consumer;
};

/* Members must subscribe to something; little of it is fetched, and nothing looked at. */
static Status
presence_subscribe(KafkaPresence *self, const char *group_id, const Topic *topic, Error *err)
{
	rd_kafka_topic_partition_list_t *list = self->topics->rd.topic_partition_list_new(1);
	rd_kafka_resp_err_t				 code;

	self->topics->rd.topic_partition_list_add(list, topic->name.data, RD_KAFKA_PARTITION_UA);
	code = self->topics->rd.subscribe(self->consumer, list);
	self->topics->rd.topic_partition_list_destroy(list);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : kafka_error(self->topics, code, NULL, err, "Cannot join the group %s", group_id);
}

Status
kafka_presence_join(Topics *topics, const char *group_id, const char *client, const Topic *topic, KafkaPresence **out, Error *err)
{
	/* Nobody polls it often: its heartbeats are librdkafka's own. */
	const char		*options[] = {"group.id", group_id, "client.id", client, "max.poll.interval.ms", "86400000", "queued.min.messages", "1", NULL};
	KafkaPresence	*self = xcalloc(1, sizeof *self);
	rd_kafka_conf_t *conf;
	Status			 status;

	self->topics = kafka_topics_of(topics);
	TRY_OUT(kafka_config(self->topics, NULL, ROLE_CONSUMER, options, &conf, err));
	TRY_OUT(kafka_client_new(self->topics, RD_KAFKA_CONSUMER, conf, &self->consumer, err));
	self->topics->rd.poll_set_consumer(self->consumer);
	TRY_OUT(presence_subscribe(self, group_id, topic, err));
out:
	if (status != OK) {
		kafka_presence_leave(self);
		self = NULL;
	}
	*out = self;
	return status;
}

void
kafka_presence_keep(KafkaPresence *self)
{
	rd_kafka_message_t *message;

	while ((message = self->topics->rd.consumer_poll(self->consumer, 0)) != NULL)
		self->topics->rd.message_destroy(message);
}

void
kafka_presence_leave(KafkaPresence *self)
{
	if (self == NULL)
		return;
	if (self->consumer != NULL) {
		self->topics->rd.consumer_close(self->consumer);
		kafka_client_end(self->topics, self->consumer);
	}
	free(self);
}
