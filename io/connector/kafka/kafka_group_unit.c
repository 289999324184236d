/* What a group writes: its producer, and units that commit records, positions and the store's part. */
#include "io/connector/kafka/kafka_group_impl.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- writing: the producer ---- */

typedef struct GroupUnit {
	TopicUnit	base;
	KafkaGroup *group;
	Store	   *store;
	int64_t		n_records;
} GroupUnit;

static void
on_delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
	KafkaGroup	   *self = opaque;
	GroupPartition *part = message->_private;
	Error			err;

	(void)producer;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
		part->written = message->offset + 1;
		return;
	}
	/* Why a transaction's records were thrown away is what its commit says. */
	if (self->exactly_once && message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE) {
		self->was_purged = true;
		return;
	}
	kafka_error(self->topics, message->err, NULL, &err, "Cannot write to the topic %s", self->topics->rd.topic_name(message->rkt));
	kafka_group_remember_failure(self, &err);
}

static Status
producer_open(KafkaGroup *self, Error *err)
{
	const char		*options[] = {"transactional.id", self->transactional_id, NULL};
	rd_kafka_conf_t *conf;
	rd_kafka_error_t *error;

	if (self->producer != NULL)
		return OK;
	TRY(kafka_config(self->topics, self->settings, ROLE_PRODUCER, self->exactly_once ? options : NULL, &conf, err));
	self->topics->rd.conf_set_dr_msg_cb(conf, on_delivered);
	self->topics->rd.conf_set_opaque(conf, self);
	self->topics->rd.conf_set_error_cb(conf, NULL);
	TRY(kafka_client_new(self->topics, RD_KAFKA_PRODUCER, conf, &self->producer, err));
	if (!self->exactly_once)
		return OK;
	do
		error = self->topics->rd.init_transactions(self->producer, SHORT_MS);
	while (error != NULL && self->topics->rd.error_is_retriable(error) && !kafka_group_is_interrupted(self)
		   && (self->topics->rd.error_destroy(error), true));
	if (error == NULL)
		return OK;
	kafka_take_error(self->topics, error, err, "Cannot begin transactions");
	self->topics->rd.destroy_flags(self->producer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	self->producer = NULL;
	return FAILED;
}

void
kafka_group_end_producer(KafkaGroup *self)
{
	for (int i = 0; i < self->n_outputs; i++)
		if (self->outputs[i]->producer_topic != NULL) {
			self->topics->rd.topic_destroy(self->outputs[i]->producer_topic);
			self->outputs[i]->producer_topic = NULL;
		}
	if (self->producer == NULL)
		return;
	self->topics->rd.purge(self->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
	self->topics->rd.flush(self->producer, SHORT_MS);
	kafka_client_end(self->topics, self->producer);
	self->producer = NULL;
	self->in_transaction = false;
}

static Status
transaction_begin(KafkaGroup *self, Error *err)
{
	rd_kafka_error_t *error;

	TRY(producer_open(self, err));
	if (!self->exactly_once || self->in_transaction)
		return OK;
	error = self->topics->rd.begin_transaction(self->producer);
	if (error != NULL)
		return kafka_take_error(self->topics, error, err, "Cannot begin a transaction");
	self->in_transaction = true;
	return OK;
}

/* What was written since the last commit never counts.  A producer that cannot even abort is replaced, which fences its transaction. */
static void
transaction_abort(KafkaGroup *self)
{
	rd_kafka_error_t *error = NULL;
	bool			  is_stuck;

	if (self->producer == NULL)
		return;
	if (self->exactly_once && !self->in_transaction)
		return;
	self->topics->rd.purge(self->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	if (self->exactly_once)
		error = self->topics->rd.abort_transaction(self->producer, CALL_MS);
	self->topics->rd.flush(self->producer, SHORT_MS);
	is_stuck = error != NULL || !self->exactly_once;
	if (error != NULL)
		self->topics->rd.error_destroy(error);
	self->in_transaction = self->was_purged = false;
	/* Records of the aborted transaction are not a failure of the next one. */
	self->has_failed = false;
	if (is_stuck)
		kafka_group_end_producer(self);
}

static GroupTopic *
output_of(KafkaGroup *self, const Topic *topic)
{
	for (int i = 0; i < self->n_outputs; i++)
		if (self->outputs[i]->topic == topic)
			return self->outputs[i];
	return NULL;
}

static GroupTopic *
output_add(KafkaGroup *self, Topic *topic)
{
	GroupTopic *output = xcalloc(1, sizeof *output);

	output->topic = topic;
	output->partitions = xcalloc((size_t)topic->config.n_partitions, sizeof *output->partitions);
	for (int p = 0; p < topic->config.n_partitions; p++)
		output->partitions[p].written = -1;
	grow_array(self->outputs, self->n_outputs, self->capacity);
	self->outputs[self->n_outputs++] = output;
	return output;
}

int64_t
kafka_group_written(const KafkaGroup *self, const Topic *topic, int partition)
{
	const GroupTopic *output = output_of((KafkaGroup *)self, topic);

	return output != NULL ? output->partitions[partition].written : -1;
}

void
kafka_group_before_store(KafkaGroup *self, void (*call)(void *context, TopicUnit *unit), void *context)
{
	self->before_store = call;
	self->store_context = context;
}

/* ---- writing: the unit ---- */

static void
unit_append(TopicUnit *unit, Topic *topic, int partition, const Record *record)
{
	GroupUnit		   *self = (GroupUnit *)unit;
	KafkaGroup		   *group = self->group;
	GroupTopic		   *output = output_of(group, topic);
	rd_kafka_resp_err_t code;
	Error				err;

	if (group->has_failed)
		return;
	if (transaction_begin(group, &err) == FAILED) {
		kafka_group_remember_failure(group, &err);
		return;
	}
	if (output == NULL)
		output = output_add(group, topic);
	if (output->producer_topic == NULL)
		output->producer_topic = group->topics->rd.topic_new(group->producer, topic->name.data, NULL);
	code = kafka_produce(group->topics, group->producer, output->producer_topic, topic->name.data, partition, record,
						 &output->partitions[partition]);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
		kafka_error(group->topics, code, NULL, &err, "Cannot write to the topic %s", topic->name.data);
		kafka_group_remember_failure(group, &err);
	}
	if (++self->n_records % 1024 == 0)
		group->topics->rd.poll(group->producer, 0);
}

static void
add_position(rd_kafka_topic_partition_t *element, const GroupPartition *part)
{
	char *metadata = NULL;

	element->offset = part->tee != NULL ? kafka_tee_lowest(part->tee, &metadata) : part->position;
	/* The list frees it. */
	element->metadata = metadata;
	element->metadata_size = metadata != NULL ? strlen(metadata) : 0;
}

/*
 * A transaction always commits a position, even if none has moved: by this Kafka sees that the member has its partitions still, and
 * refuses what one writes that was away and does not know that they are others' now.
 */
static rd_kafka_topic_partition_list_t *
moved_positions(KafkaGroup *self)
{
	const RdKafka					*rd = &self->topics->rd;
	rd_kafka_topic_partition_list_t *list = rd->topic_partition_list_new(8);
	bool							 all = !kafka_group_has_moved(self);

	for (int i = 0; i < self->n_inputs; i++)
		for (int p = 0; p < self->inputs[i].topic->config.n_partitions; p++) {
			const GroupPartition *part = &self->inputs[i].partitions[p];

			if (part->queue != NULL && (kafka_group_part_has_moved(part) || (all && list->cnt == 0)))
				add_position(rd->topic_partition_list_add(list, self->inputs[i].topic->name.data, p), part);
		}
	return list;
}

/* Repeats a step of a transaction while Kafka says that it may be repeated. */
static Status
finish_step(KafkaGroup *self, rd_kafka_error_t *error, int *tries, bool *again, Error *err, const char *doing)
{
	*again = error != NULL && self->topics->rd.error_is_retriable(error) && ++*tries < SETTLE_MS / SHORT_MS && !kafka_group_is_interrupted(self);
	if (error == NULL)
		return OK;
	if (*again) {
		self->topics->rd.error_destroy(error);
		kafka_group_pause(50);
		return OK;
	}
	if (self->topics->rd.error_is_fatal(error)) {
		/* Another producer has this one's id, or it has been away for too long: a new one takes its place. */
		kafka_take_error(self->topics, error, err, doing);
		err->class = ERROR_TRANSIENT;
		kafka_group_end_producer(self);
		return FAILED;
	}
	return kafka_take_error(self->topics, error, err, doing);
}

static Status
send_positions(KafkaGroup *self, const rd_kafka_topic_partition_list_t *list, Error *err)
{
	const RdKafka					   *rd = &self->topics->rd;
	rd_kafka_consumer_group_metadata_t *member = rd->consumer_group_metadata(self->consumer);
	int									tries = 0;
	bool								again = list->cnt > 0;
	Status								status = OK;

	while (again && status == OK)
		status = finish_step(self, rd->send_offsets_to_transaction(self->producer, list, member, 5 * SHORT_MS), &tries, &again, err,
							 "Cannot commit the positions of a transaction");
	rd->consumer_group_metadata_destroy(member);
	return status;
}

/* What it comes to is known only when Kafka has said so: it is asked until then. */
static Status
commit_transaction(KafkaGroup *self, Error *err)
{
	int	   tries = 0;
	bool   again = true;
	Status status = OK;

	while (again && status == OK)
		status = finish_step(self, self->topics->rd.commit_transaction(self->producer, 5 * SHORT_MS), &tries, &again, err,
							 "Cannot commit a transaction");
	if (status == OK)
		self->in_transaction = false;
	return status;
}

static Status
flush_records(KafkaGroup *self, Error *err)
{
	Nanos until = nanos_now() + (Nanos)SETTLE_MS * 1000000;

	while (self->producer != NULL && self->topics->rd.outq_len(self->producer) > 0 && !self->has_failed && !self->was_purged) {
		self->topics->rd.flush(self->producer, SHORT_MS);
		if (self->topics->rd.outq_len(self->producer) > 0 && (nanos_now() > until || kafka_group_is_interrupted(self)))
			return error_set(err, ERROR_TRANSIENT, "Kafka at %s has not taken all records of an epoch", self->topics->bootstrap);
	}
	if (!self->has_failed)
		return OK;
	*err = self->failure;
	return FAILED;
}

static Status
commit_kafka(KafkaGroup *self, Error *err)
{
	const RdKafka					*rd = &self->topics->rd;
	rd_kafka_topic_partition_list_t *list;
	Status							 status;

	if (self->has_failed) {
		*err = self->failure;
		return FAILED;
	}
	if (rd->assignment_lost(self->consumer))
		return error_set(err, ERROR_TRANSIENT, "The group %s has given this member's partitions to others", self->id);
	TRY(flush_records(self, err));
	list = moved_positions(self);
	if (self->exactly_once) {
		status = transaction_begin(self, err);
		if (status == OK && !self->was_purged)
			status = send_positions(self, list, err);
		if (status == OK)
			status = commit_transaction(self, err);
	} else {
		rd_kafka_resp_err_t code = list->cnt > 0 ? rd->commit(self->consumer, list, 0) : RD_KAFKA_RESP_ERR_NO_ERROR;

		status = code == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : kafka_error(self->topics, code, NULL, err, "Cannot commit the positions of %s", self->id);
	}
	rd->topic_partition_list_destroy(list);
	return status;
}

static void
forget_written(KafkaGroup *self)
{
	for (int i = 0; i < self->n_outputs; i++)
		for (int p = 0; p < self->outputs[i]->topic->config.n_partitions; p++)
			self->outputs[i]->partitions[p].written = -1;
}

static void
positions_are_committed(KafkaGroup *self)
{
	for (int i = 0; i < self->n_inputs; i++)
		for (int p = 0; p < self->inputs[i].topic->config.n_partitions; p++) {
			GroupPartition *part = &self->inputs[i].partitions[p];

			part->committed = part->position;
			if (part->tee != NULL)
				kafka_tee_commit(part->tee);
		}
}

static Status
unit_commit(TopicUnit *unit, Error *err)
{
	GroupUnit  *self = (GroupUnit *)unit;
	KafkaGroup *group = self->group;

	if (commit_kafka(group, err) == FAILED) {
		Error kept = *err;

		transaction_abort(group);
		forget_written(group);
		group->has_failed = false;
		*err = kept;
		return FAILED;
	}
	positions_are_committed(group);
	if (group->before_store != NULL)
		group->before_store(group->store_context, unit);
	forget_written(group);
	return store_unit_is_empty(unit->store) ? OK : store_commit(self->store, unit->store, err);
}

static void
unit_clear(TopicUnit *unit)
{
	((GroupUnit *)unit)->n_records = 0;
	store_unit_clear(unit->store);
}

static bool
unit_is_empty(const TopicUnit *unit)
{
	return ((const GroupUnit *)unit)->n_records == 0 && store_unit_is_empty(unit->store);
}

/* Records that were not committed are taken back. */
static void
unit_free(TopicUnit *unit)
{
	transaction_abort(((GroupUnit *)unit)->group);
	forget_written(((GroupUnit *)unit)->group);
	store_unit_free(unit->store);
	free(unit);
}

static const TopicUnitType group_unit = {
	.append = unit_append,
	.commit = unit_commit,
	.clear = unit_clear,
	.is_empty = unit_is_empty,
	.free = unit_free,
};

TopicUnit *
kafka_group_unit_new(KafkaGroup *self, Store *store)
{
	GroupUnit *unit = xcalloc(1, sizeof *unit);

	unit->group = self;
	unit->store = store;
	unit->base = (TopicUnit){.type = &group_unit, .store = store_unit_new(store)};
	return &unit->base;
}
