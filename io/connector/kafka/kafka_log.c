/* The log of commands that all processes of a service follow. */
#include "io/connector/kafka/kafka_impl.h"

#include <stdlib.h>

struct KafkaLog {
	KafkaTopics	   *topics;
	const Settings *settings;
	Topic		   *topic;
	char		   *transactional_id;
	TopicReader	   *reader;
	TopicRecords	records;
	int64_t			next;			/* offset that is visited next */
	rd_kafka_t	   *producer;		/* NULL: another process may have taken its place */
	int64_t			written;		/* offset of the last append; -1: it failed */
};

static void
on_delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
	KafkaLog *self = opaque;

	(void)producer;
	self->written = message->err == RD_KAFKA_RESP_ERR_NO_ERROR ? message->offset : -1;
}

Status
kafka_log_open(Topics *topics, const char *topic, const char *transactional_id, const Settings *settings, KafkaLog **out, Error *err)
{
	TopicConfig config = {.n_partitions = 1, .n_replicas = -1, .retention_ms = INT64_MAX};
	KafkaLog   *self = xcalloc(1, sizeof *self);
	Status		status;

	*out = NULL;
	self->topics = kafka_topics_of(topics);
	self->settings = settings;
	self->transactional_id = xstrdup(transactional_id);
	TRY_OUT(topics_find(topics, str_of(topic), &self->topic, err));
	if (self->topic == NULL)
		TRY_OUT(topics_create(topics, str_of(topic), &config, &self->topic, err));
	if (self->topic->config.n_partitions != 1) {
		status = error_user(err, "The command topic %s has %d partitions", topic, self->topic->config.n_partitions);
		error_hint(err, "Commands need one order: delete the topic, or choose another ksql.service.id.");
		goto out;
	}
	TRY_OUT(topic_reader_open(topics, self->topic, &self->reader, err));
	*out = self;
out:
	if (status != OK)
		kafka_log_close(self);
	return status;
}

static void
producer_close(KafkaLog *self)
{
	if (self->producer != NULL)
		kafka_client_end(self->topics, self->producer);
	self->producer = NULL;
}

void
kafka_log_close(KafkaLog *self)
{
	if (self == NULL)
		return;
	topic_records_free(&self->records);
	topic_reader_close(self->reader);
	producer_close(self);
	free(self->transactional_id);
	free(self);
}

Status
kafka_log_follow(KafkaLog *self, bool wait, KafkaCommandVisitor visit, void *context, Error *err)
{
	int64_t begin, end = 0;

	if (wait)
		TRY(topics_ends(&self->topics->base, self->topic, 0, &begin, &end, err));
	for (;;) {
		if (wait && self->next >= end)
			return OK;
		if (topic_reader_fetch(self->reader, 0, self->next, 0, 0, &self->records, err) == FAILED)
			return FAILED;
		for (int i = 0; i < self->records.n_records; i++) {
			const Record *record = &self->records.records[i];

			if (record->offset < self->next)
				continue;
			self->next = record->offset + 1;
			if (!record->value_is_null)
				TRY(visit(context, record->offset, record->value, err));
		}
		if (self->records.next_offset > self->next)
			self->next = self->records.next_offset;
		if (!wait && self->records.n_records == 0)
			return OK;
	}
}

Status
kafka_log_begin(KafkaLog *self, Error *err)
{
	const char		 *options[] = {"transactional.id", self->transactional_id, NULL};
	rd_kafka_conf_t	 *conf;
	rd_kafka_error_t *error;

	if (self->producer != NULL)
		return OK;
	TRY(kafka_config(self->topics, self->settings, ROLE_PRODUCER, options, &conf, err));
	self->topics->rd.conf_set_dr_msg_cb(conf, on_delivered);
	self->topics->rd.conf_set_opaque(conf, self);
	self->topics->rd.conf_set_error_cb(conf, NULL);
	TRY(kafka_client_new(self->topics, RD_KAFKA_PRODUCER, conf, &self->producer, err));
	error = self->topics->rd.init_transactions(self->producer, 2 * CALL_MS);
	if (error == NULL)
		return OK;
	kafka_take_error(self->topics, error, err, "Cannot write to the command topic");
	producer_close(self);
	return FAILED;
}

Status
kafka_log_append(KafkaLog *self, Str command, int64_t *sequence, Error *err)
{
	const RdKafka	   *rd = &self->topics->rd;
	Record				record = {.timestamp = 0, .value = command, .key_is_null = true};
	rd_kafka_error_t   *error = rd->begin_transaction(self->producer);
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;

	self->written = -1;
	if (error == NULL)
		code = kafka_produce(self->topics, self->producer, NULL, self->topic->name.data, 0, &record, NULL);
	if (error == NULL && code == RD_KAFKA_RESP_ERR_NO_ERROR)
		error = rd->commit_transaction(self->producer, 2 * CALL_MS);
	if (error != NULL) {
		bool is_fenced = rd->error_is_fatal(error);

		kafka_take_error(self->topics, error, err, "Cannot write to the command topic");
		if (is_fenced)
			err->class = ERROR_TRANSIENT;
		producer_close(self);
		return FAILED;
	}
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR || self->written < 0) {
		producer_close(self);
		return kafka_error(self->topics, code, NULL, err, "Cannot write to the command topic");
	}
	*sequence = self->written;
	self->next = self->written + 1;
	return OK;
}
