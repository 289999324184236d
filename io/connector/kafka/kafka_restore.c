/* What is asked of Kafka around a group: its state's records, its positions. */
#include "io/connector/kafka/kafka_impl.h"

#include <stdlib.h>
#include <time.h>

#include "common/cancel.h"

#define SETTLE_MS 60000		/* for transactions that are open at the end of what is restored */

/* A client that sees what is not committed: to it the end of a partition is the high watermark. */
static Status
uncommitted_client(KafkaTopics *topics, rd_kafka_t **out, Error *err)
{
	static const char *const options[] = {"group.id", "sluice-reader", "isolation.level", "read_uncommitted", NULL};
	rd_kafka_conf_t			*conf;

	TRY(kafka_config(topics, NULL, ROLE_CONSUMER, options, &conf, err));
	return kafka_client_new(topics, RD_KAFKA_CONSUMER, conf, out, err);
}

/* The end of a partition including open transactions. */
static Status
uncommitted_end(KafkaTopics *topics, Topic *topic, int partition, int64_t *begin, int64_t *end, Error *err)
{
	rd_kafka_t *client;
	Status		status;

	TRY(uncommitted_client(topics, &client, err));
	status = kafka_ends(topics, client, topic, partition, begin, end, err);
	kafka_client_end(topics, client);
	return status;
}

Status
kafka_settle(Topics *topics, Topic *topic, const _Atomic bool *interrupted, Error *err)
{
	KafkaTopics *self = kafka_topics_of(topics);
	Nanos		 until = nanos_now() + (Nanos)CALL_MS * 1000000;
	rd_kafka_t	*client;
	Status		 status;

	TRY(uncommitted_client(self, &client, err));
	status = OK;
	for (int p = 0; p < topic->config.n_partitions && status == OK; p++) {
		int64_t begin, end = 0, committed = -1;

		status = kafka_ends(self, client, topic, p, &begin, &end, err);
		while (status == OK && committed < end && nanos_now() < until && !(interrupted != NULL && *interrupted)) {
			status = kafka_ends(self, self->client, topic, p, &begin, &committed, err);
			if (status == OK && committed < end)
				nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
		}
		if (status == OK && committed < end)
			status = DONE;
	}
	kafka_client_end(self, client);
	return status;
}

Status
kafka_restore(Topics *topics, Topic *topic, int partition, int64_t from, const _Atomic bool *interrupted, KafkaVisitor visit, void *context,
			  int64_t *next, Error *err)
{
	KafkaTopics *self = kafka_topics_of(topics);
	TopicReader *reader = NULL;
	TopicRecords records = {0};
	int64_t		 begin, end;
	Nanos		 until;
	Status		 status;

	TRY(uncommitted_end(self, topic, partition, &begin, &end, err));
	*next = -1;
	if (from > end)
		return OK;
	*next = from > begin ? from : begin;
	if (*next >= end)
		return OK;
	TRY(kafka_reader_open(&self->base, topic, &reader, err));
	until = nanos_now() + (Nanos)SETTLE_MS * 1000000;
	do {
		status = topic_reader_fetch(reader, partition, *next, 0, 0, &records, err);
		if (status == FAILED)
			break;
		if (records.n_records > 0) {
			until = nanos_now() + (Nanos)SETTLE_MS * 1000000;
			status = visit(context, records.records, records.n_records, err);
			if (status == FAILED)
				break;
		}
		*next = records.next_offset;
		if (interrupted != NULL && *interrupted)
			status = error_set(err, ERROR_INTERRUPTED, "Restoring %s/%d was ended", topic->name.data, partition);
		else if (nanos_now() > until)
			status = error_set(err, ERROR_TRANSIENT, "The end of %s/%d was not reached: a transaction is open there", topic->name.data, partition);
	} while (status != FAILED && *next < end);
	topic_records_free(&records);
	topic_reader_close(reader);
	return status == FAILED ? FAILED : OK;
}

/* ---- positions of a group ---- */

/* A consumer with the group's id that does not join it. */
static Status
group_client(KafkaTopics *topics, const char *group_id, rd_kafka_t **out, Error *err)
{
	const char		*options[] = {"group.id", group_id, NULL};
	rd_kafka_conf_t *conf;

	TRY(kafka_config(topics, NULL, ROLE_CONSUMER, options, &conf, err));
	return kafka_client_new(topics, RD_KAFKA_CONSUMER, conf, out, err);
}

static rd_kafka_topic_partition_list_t *
partitions_of(KafkaTopics *topics, const Topic *topic, const int64_t *positions)
{
	rd_kafka_topic_partition_list_t *list = topics->rd.topic_partition_list_new(topic->config.n_partitions);

	for (int p = 0; p < topic->config.n_partitions; p++) {
		rd_kafka_topic_partition_t *element = topics->rd.topic_partition_list_add(list, topic->name.data, p);

		if (positions != NULL)
			element->offset = positions[p];
	}
	return list;
}

/* A client that asks for what a group has committed: it takes three threads and some connections to make one. */
struct KafkaPositions {
	KafkaTopics *topics;
	char		*group_id;
	rd_kafka_t	*client;
};

Status
kafka_positions_open(Topics *topics, const char *group_id, KafkaPositions **out, Error *err)
{
	KafkaTopics *kafka = kafka_topics_of(topics);
	rd_kafka_t	*client;

	TRY(group_client(kafka, group_id, &client, err));
	*out = xcalloc(1, sizeof **out);
	**out = (KafkaPositions){.topics = kafka, .group_id = xstrdup(group_id), .client = client};
	return OK;
}

void
kafka_positions_close(KafkaPositions *self)
{
	if (self == NULL)
		return;
	kafka_client_end(self->topics, self->client);
	free(self->group_id);
	free(self);
}

Status
kafka_positions_committed(KafkaPositions *self, const Topic *topic, int64_t *positions, Error *err)
{
	const RdKafka					*rd = &self->topics->rd;
	rd_kafka_topic_partition_list_t *list = partitions_of(self->topics, topic, NULL);
	rd_kafka_resp_err_t				 code;
	Nanos							 until = nanos_now() + (Nanos)2 * CALL_MS * 1000000;

	do {
		code = rd->committed(self->client, list, SHORT_MS);
		for (int p = 0; p < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; p++) {
			code = list->elems[p].err;
			positions[p] = list->elems[p].offset >= 0 ? list->elems[p].offset : -1;
		}
	} while (code != RD_KAFKA_RESP_ERR_NO_ERROR && kafka_code_may_pass(code) && nanos_now() < until && !cancel_ends_waits());
	rd->topic_partition_list_destroy(list);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ? OK
											  : kafka_error(self->topics, code, NULL, err, "Cannot read the positions of the group %s", self->group_id);
}

Status
kafka_committed(Topics *topics, const char *group_id, Topic *topic, int64_t *positions, Error *err)
{
	KafkaPositions *asked;
	Status			status;

	TRY(kafka_positions_open(topics, group_id, &asked, err));
	status = kafka_positions_committed(asked, topic, positions, err);
	kafka_positions_close(asked);
	return status;
}

Status
kafka_commit_positions(Topics *topics, const char *group_id, Topic *topic, const int64_t *positions, Error *err)
{
	KafkaTopics						*self = kafka_topics_of(topics);
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_resp_err_t				 code;
	rd_kafka_t						*client;

	TRY(group_client(self, group_id, &client, err));
	list = partitions_of(self, topic, positions);
	code = self->rd.commit(client, list, 0);
	self->rd.topic_partition_list_destroy(list);
	kafka_client_end(self, client);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : kafka_error(self, code, NULL, err, "Cannot commit where the group %s begins", group_id);
}

void
kafka_group_delete(Topics *topics, const char *group_id)
{
	KafkaTopics			   *self = kafka_topics_of(topics);
	rd_kafka_DeleteGroup_t *wanted = self->rd.DeleteGroup_new(group_id);
	rd_kafka_queue_t	   *queue = self->rd.queue_new(self->client);
	rd_kafka_event_t	   *event;

	self->rd.DeleteGroups(self->client, &wanted, 1, NULL, queue);
	event = kafka_event(self, queue, CALL_MS);
	if (event != NULL)
		self->rd.event_destroy(event);
	self->rd.queue_destroy(queue);
	self->rd.DeleteGroup_destroy(wanted);
}
