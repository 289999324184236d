/*
 * Groups: the share of partitions that this process has for one query, and what it commits.
 *
 * The group's protocol is served only by kafka_group_poll, between epochs: partitions are never taken away while a transaction is
 * open.  Each partition has a queue of its own.  Positions are the group's; the consumer itself is told where to start.
 */
#include "io/connector/kafka/kafka_impl.h"
#include "io/connector/kafka/kafka_tee.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_NANOS 5000000000	/* between two looks at the topics themselves */
#define SETTLE_MS 60000		/* for positions that another member's open transaction holds back */

typedef struct GroupPartition {
	rd_kafka_queue_t *queue;		/* NULL: not owned */
	int64_t			  committed;	/* where reading began, and what was committed since */
	int64_t			  position;		/* that the unit in hand reaches */
	int64_t			  next;			/* what the queue gives next */
	bool			  at_end;
	int64_t			  purged;		/* what is before it was removed */
	int64_t			  written;		/* behind the newest record that the last commit wrote; -1: none */
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

static void
pause_ms(int ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000}, NULL);
}

static bool
is_interrupted(const KafkaGroup *self)
{
	return self->interrupted != NULL && *self->interrupted;
}

static GroupTopic *
input_of(const KafkaGroup *self, const char *name)
{
	for (int i = 0; i < self->n_inputs; i++)
		if (strcmp(self->inputs[i].topic->name.data, name) == 0)
			return &self->inputs[i];
	return NULL;
}

static GroupPartition *
partition_of(const KafkaGroup *self, const Topic *topic, int partition)
{
	GroupTopic *input = input_of(self, topic->name.data);

	return input != NULL && partition < input->topic->config.n_partitions && input->partitions[partition].queue != NULL
			   ? &input->partitions[partition]
			   : NULL;
}

static void
on_wake(rd_kafka_t *client, void *opaque)
{
	KafkaGroup *self = opaque;

	(void)client;
	self->wake(self->context);
}

/* ---- the share ---- */

static void
drop_share(KafkaGroup *self)
{
	for (int i = 0; i < self->n_inputs; i++)
		for (int p = 0; p < self->inputs[i].topic->config.n_partitions; p++) {
			GroupPartition *part = &self->inputs[i].partitions[p];

			if (part->queue == NULL)
				continue;
			self->topics->rd.queue_cb_event_enable(part->queue, NULL, NULL);
			self->topics->rd.queue_destroy(part->queue);
			part->queue = NULL;
			kafka_tee_free(part->tee);
			part->tee = NULL;
		}
	self->is_changed = true;
}

static void
remember_failure(KafkaGroup *self, const Error *err)
{
	if (!self->has_failed)
		self->failure = *err;
	self->has_failed = true;
}

/*
 * Committed positions, once no transaction is open that has more of them: the member that had the partition before may have died
 * within one.
 */
static Status
fetch_committed(KafkaGroup *self, rd_kafka_topic_partition_list_t *list, Error *err)
{
	Nanos				until = nanos_now() + (Nanos)SETTLE_MS * 1000000;
	rd_kafka_resp_err_t code;

	do {
		code = self->topics->rd.committed(self->consumer, list, 2 * SHORT_MS);
		for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
			code = list->elems[i].err;
		if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
			pause_ms(100);
	} while (code != RD_KAFKA_RESP_ERR_NO_ERROR && kafka_code_may_pass(code) && nanos_now() < until && !is_interrupted(self));
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : kafka_error(self->topics, code, NULL, err, "Cannot read the positions of the group %s", self->id);
}

/* One that the topic did not have when the group began, which has a position in the first one: nothing of it has been seen. */
static bool
is_new_partition(const KafkaGroup *self, const rd_kafka_topic_partition_t *element)
{
	rd_kafka_topic_partition_list_t *first = self->topics->rd.topic_partition_list_new(1);
	bool							 is_new;

	self->topics->rd.topic_partition_list_add(first, element->topic, 0);
	is_new = self->topics->rd.committed(self->consumer, first, CALL_MS) == RD_KAFKA_RESP_ERR_NO_ERROR && first->elems[0].offset >= 0;
	self->topics->rd.topic_partition_list_destroy(first);
	return is_new;
}

static Status
start_partition(KafkaGroup *self, rd_kafka_topic_partition_t *element, Error *err)
{
	GroupTopic	   *input = input_of(self, element->topic);
	GroupPartition *part;
	int64_t			begin, end;
	bool			is_committed = element->offset >= 0;

	if (input == NULL)
		return error_bug(err, "The group %s was given the topic %s", self->id, element->topic);
	if (element->partition >= input->topic->config.n_partitions) {
		self->is_outdated = true;
		return error_set(err, ERROR_TRANSIENT, "The topic %s has more partitions than before (%d)", element->topic, input->topic->config.n_partitions);
	}
	TRY(kafka_ends(self->topics, self->topics->client, input->topic, element->partition, &begin, &end, err));
	if (element->offset < 0)
		element->offset = self->from_latest && !is_new_partition(self, element) ? end : begin;
	else if (element->offset < begin || element->offset > end)
		element->offset = begin, is_committed = false;	/* records are gone, or the topic was deleted and made again */
	part = &input->partitions[element->partition];
	*part = (GroupPartition){.committed = element->offset, .position = element->offset, .next = element->offset, .written = -1};
	if (input->n_readers > 1)
		part->tee = kafka_tee_new(input->n_readers, element->offset, is_committed ? element->metadata : NULL, element->metadata_size);
	/* Before the partition is started: its messages must not come through the main queue. */
	part->queue = self->topics->rd.queue_get_partition(self->consumer, element->topic, element->partition);
	if (part->queue == NULL)
		return error_bug(err, "No queue for %s/%d", element->topic, (int)element->partition);
	self->topics->rd.queue_forward(part->queue, NULL);
	self->topics->rd.queue_cb_event_enable(part->queue, on_wake, self);
	return OK;
}

static void
take_share(KafkaGroup *self, rd_kafka_topic_partition_list_t *list)
{
	Error  err;
	Status status = OK;

	if (list->cnt > 0)
		status = fetch_committed(self, list, &err);
	for (int i = 0; i < list->cnt && status == OK; i++)
		status = start_partition(self, &list->elems[i], &err);
	if (status == FAILED) {
		drop_share(self);
		remember_failure(self, &err);
		self->topics->rd.assign(self->consumer, NULL);
	} else
		self->topics->rd.assign(self->consumer, list);
	self->is_changed = true;
}

static void
on_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *opaque)
{
	KafkaGroup *self = opaque;

	drop_share(self);
	if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
		take_share(self, list);
	else
		self->topics->rd.assign(consumer, NULL);
}

/* After a failed commit: what was read is read again, from the positions that Kafka has. */
bool
kafka_group_rewind(KafkaGroup *self)
{
	bool							 has_share;
	rd_kafka_topic_partition_list_t *list = self->topics->rd.topic_partition_list_new(8);

	for (int i = 0; i < self->n_inputs; i++)
		for (int p = 0; p < self->inputs[i].topic->config.n_partitions; p++)
			if (self->inputs[i].partitions[p].queue != NULL)
				self->topics->rd.topic_partition_list_add(list, self->inputs[i].topic->name.data, p);
	has_share = list->cnt > 0;
	if (has_share) {
		drop_share(self);
		take_share(self, list);
	}
	self->topics->rd.topic_partition_list_destroy(list);
	return has_share && !self->is_outdated;
}

static bool
is_unknown_topic(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

/* What the consumer goes on trying after it has said it. */
static bool
passes_by_itself(rd_kafka_resp_err_t code)
{
	return kafka_code_may_pass(code) && !is_unknown_topic(code);
}

/*
 * The client sees after minutes that a topic has grown, and says of one that was deleted only that there are no records: so it is asked every
 * now and then.
 */
static void
look_at_topics(KafkaGroup *self)
{
	Nanos now = nanos_now();

	if (now < self->look_at)
		return;
	for (int i = 0; i < self->n_inputs && self->look_at != 0 && !self->is_outdated; i++) {
		Topic *topic = self->inputs[i].topic;
		Error  failure;

		if (kafka_topic_is_as_before(self->topics, topic))
			continue;
		self->is_outdated = true;
		error_set(&failure, ERROR_TRANSIENT, "The topic %s is gone, or has other partitions than before", topic->name.data);
		remember_failure(self, &failure);
	}
	self->look_at = now + LOOK_NANOS;
}

Status
kafka_group_poll(KafkaGroup *self, bool *changed, Error *err)
{
	rd_kafka_message_t *message;

	look_at_topics(self);

	while ((message = self->topics->rd.consumer_poll(self->consumer, 0)) != NULL) {
		rd_kafka_resp_err_t code = message->err;
		Error				failure;

		/* Deleted, or made again: what it is now is found out by joining anew. */
		self->is_outdated = self->is_outdated || is_unknown_topic(code);
		if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__PARTITION_EOF && !passes_by_itself(code)) {
			kafka_error(self->topics, code, message->payload, &failure, "The group %s", self->id);
			remember_failure(self, &failure);
		}
		self->topics->rd.message_destroy(message);
	}
	if (self->producer != NULL)
		self->topics->rd.poll(self->producer, 0);
	*changed = self->is_changed;
	self->is_changed = false;
	if (!self->has_failed)
		return OK;
	self->has_failed = false;
	*err = self->failure;
	return FAILED;
}

bool
kafka_group_owns(const KafkaGroup *self, const Topic *topic, int partition)
{
	return partition_of(self, topic, partition) != NULL;
}

bool
kafka_group_position(const KafkaGroup *self, const Topic *topic, int partition, int reader, int64_t *position)
{
	const GroupPartition *part = partition_of(self, topic, partition);

	if (part != NULL)
		*position = part->tee != NULL ? kafka_tee_committed(part->tee, reader) : part->committed;
	return part != NULL;
}

void
kafka_group_set_position(KafkaGroup *self, const Topic *topic, int partition, int reader, int64_t position)
{
	GroupPartition *part = partition_of(self, topic, partition);

	if (part != NULL && part->tee != NULL)
		kafka_tee_set_position(part->tee, reader, position);
	else if (part != NULL)
		part->position = position;
}

static bool
part_has_moved(const GroupPartition *part)
{
	return part->tee != NULL ? kafka_tee_has_moved(part->tee) : part->position != part->committed;
}

bool
kafka_group_has_moved(const KafkaGroup *self)
{
	for (int i = 0; i < self->n_inputs; i++)
		for (int p = 0; p < self->inputs[i].topic->config.n_partitions; p++) {
			const GroupPartition *part = &self->inputs[i].partitions[p];

			if (part->queue != NULL && part_has_moved(part))
				return true;
		}
	return false;
}

void
kafka_group_purge(KafkaGroup *self, const Topic *topic)
{
	const RdKafka					*rd = &self->topics->rd;
	const GroupTopic				*input = input_of(self, topic->name.data);
	rd_kafka_topic_partition_list_t *list = rd->topic_partition_list_new(4);

	for (int p = 0; input != NULL && p < topic->config.n_partitions; p++) {
		GroupPartition *part = &input->partitions[p];

		if (part->queue == NULL || part->tee != NULL || part->committed <= part->purged)
			continue;
		rd->topic_partition_list_add(list, topic->name.data, p)->offset = part->committed;
		part->purged = part->committed;
	}
	if (list->cnt > 0) {
		rd_kafka_DeleteRecords_t *wanted = rd->DeleteRecords_new(list);
		rd_kafka_queue_t		 *queue = rd->queue_new(self->topics->client);
		rd_kafka_event_t		 *event;

		rd->DeleteRecords(self->topics->client, &wanted, 1, NULL, queue);
		event = rd->queue_poll(queue, SHORT_MS);
		if (event != NULL)
			rd->event_destroy(event);
		rd->queue_destroy(queue);
		rd->DeleteRecords_destroy(wanted);
	}
	rd->topic_partition_list_destroy(list);
}

/* ---- reading ---- */

typedef struct GroupReader {
	TopicReader base;
	KafkaGroup *group;
	int			number;
} GroupReader;

/* One of several sources of a partition.  While others are far behind it says that nothing is there. */
static Status
fetch_shared(KafkaGroup *self, GroupPartition *part, int reader, int64_t from, int max_records, KafkaFetched *out, int64_t *next, Error *err)
{
	TopicRecords  records = {0};
	KafkaFetched *fetched;
	bool		  at_end;
	Status		  status;

	if (kafka_tee_give(part->tee, reader, from, max_records, out, next))
		return OK;
	if (kafka_tee_is_full(part->tee))
		return DONE;
	fetched = kafka_fetched(self->topics, &records);
	status = kafka_take(self->topics, self->consumer, part->queue, part->next, 0, 0, fetched, &part->next, &at_end, err);
	if (status == OK) {
		part->at_end = at_end || (part->at_end && fetched->n_messages == 0);
		kafka_tee_keep(part->tee, fetched, part->next);
		kafka_tee_give(part->tee, reader, from, max_records, out, next);
	}
	topic_records_free(&records);
	return status;
}

static Status
group_fetch(TopicReader *reader, int partition, int64_t from_offset, int max_records, int64_t max_bytes, TopicRecords *out, Error *err)
{
	KafkaGroup	   *self = ((GroupReader *)reader)->group;
	GroupPartition *part = partition_of(self, reader->topic, partition);
	KafkaFetched   *fetched = kafka_fetched(self->topics, out);
	bool			at_end;

	(void)max_bytes;
	out->n_records = 0;
	out->next_offset = from_offset;
	if (part == NULL)
		return DONE;
	if (part->tee != NULL) {
		Status status = fetch_shared(self, part, ((GroupReader *)reader)->number, from_offset, max_records, fetched, &out->next_offset, err);

		out->records = fetched->records;
		out->n_records = fetched->n_records;
		return status == OK && out->n_records == 0 && part->at_end ? DONE : status;
	}
	TRY(kafka_take(self->topics, self->consumer, part->queue, part->next, max_records, 0, fetched, &part->next, &at_end, err));
	part->at_end = at_end || (part->at_end && fetched->n_messages == 0);
	out->records = fetched->records;
	out->n_records = fetched->n_records;
	out->next_offset = part->next;
	return out->n_records == 0 && part->at_end ? DONE : OK;
}

static void
group_reader_close(TopicReader *reader)
{
	free(reader);
}

static const TopicReaderType group_reader = {.fetch = group_fetch, .close = group_reader_close};

static Status
group_reader_open(Topics *topics, Topic *topic, TopicReader **out, Error *err)
{
	GroupReader *self = xcalloc(1, sizeof *self);

	(void)err;
	self->base = (TopicReader){.type = &group_reader, .topic = topic};
	self->group = ((GroupView *)topics)->group;
	self->number = ((GroupView *)topics)->reader;
	*out = &self->base;
	return OK;
}

static Status
group_find(Topics *topics, Str name, Topic **out, Error *err)
{
	KafkaGroup *self = ((GroupView *)topics)->group;

	/* The handles that the share is kept by, which is also quicker than asking. */
	for (int i = 0; i < self->n_inputs; i++)
		if (str_equal(self->inputs[i].topic->name, name)) {
			*out = self->inputs[i].topic;
			return OK;
		}
	return kafka_topic_find(self->topics, name, out, err);
}

static Status
group_ends(Topics *topics, Topic *topic, int partition, int64_t *begin, int64_t *end, Error *err)
{
	KafkaGroup *self = ((GroupView *)topics)->group;

	*begin = *end = 0;
	if (partition_of(self, topic, partition) == NULL)
		return OK;
	return kafka_ends(self->topics, self->topics->client, topic, partition, begin, end, err);
}

static const TopicsType group_topics = {
	.name = "kafka group",
	.find = group_find,
	.ends = group_ends,
	.reader_open = group_reader_open,
};

Topics *
kafka_group_topics(KafkaGroup *self, int reader)
{
	return &self->views[reader].base;
}

KafkaTopics *
kafka_topics_of(Topics *topics)
{
	return topics->type == &group_topics ? ((GroupView *)topics)->group->topics : (KafkaTopics *)topics;
}

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
	remember_failure(self, &err);
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
	while (error != NULL && self->topics->rd.error_is_retriable(error) && !is_interrupted(self)
		   && (self->topics->rd.error_destroy(error), true));
	if (error == NULL)
		return OK;
	kafka_take_error(self->topics, error, err, "Cannot begin transactions");
	self->topics->rd.destroy_flags(self->producer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	self->producer = NULL;
	return FAILED;
}

static void
producer_close(KafkaGroup *self)
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
		producer_close(self);
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
		remember_failure(group, &err);
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
		remember_failure(group, &err);
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

			if (part->queue != NULL && (part_has_moved(part) || (all && list->cnt == 0)))
				add_position(rd->topic_partition_list_add(list, self->inputs[i].topic->name.data, p), part);
		}
	return list;
}

/* Repeats a step of a transaction while Kafka says that it may be repeated. */
static Status
finish_step(KafkaGroup *self, rd_kafka_error_t *error, int *tries, bool *again, Error *err, const char *doing)
{
	*again = error != NULL && self->topics->rd.error_is_retriable(error) && ++*tries < SETTLE_MS / SHORT_MS && !is_interrupted(self);
	if (error == NULL)
		return OK;
	if (*again) {
		self->topics->rd.error_destroy(error);
		pause_ms(50);
		return OK;
	}
	if (self->topics->rd.error_is_fatal(error)) {
		/* Another producer has this one's id, or it has been away for too long: a new one takes its place. */
		kafka_take_error(self->topics, error, err, doing);
		err->class = ERROR_TRANSIENT;
		producer_close(self);
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
		if (self->topics->rd.outq_len(self->producer) > 0 && (nanos_now() > until || is_interrupted(self)))
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

/* ---- opening and closing ---- */

static Status
subscribe(KafkaGroup *self, Error *err)
{
	const RdKafka					*rd = &self->topics->rd;
	rd_kafka_topic_partition_list_t *list = rd->topic_partition_list_new(self->n_inputs);
	rd_kafka_resp_err_t				 code;

	for (int i = 0; i < self->n_inputs; i++)
		rd->topic_partition_list_add(list, self->inputs[i].topic->name.data, RD_KAFKA_PARTITION_UA);
	code = rd->subscribe(self->consumer, list);
	rd->topic_partition_list_destroy(list);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : kafka_error(self->topics, code, NULL, err, "Cannot join the group %s", self->id);
}

static void
add_input(KafkaGroup *self, Topic *topic, int n_readers)
{
	if (input_of(self, topic->name.data) != NULL)
		return;
	self->n_views = n_readers > self->n_views ? n_readers : self->n_views;
	self->inputs[self->n_inputs++] = (GroupTopic){.topic = topic, .is_input = true, .n_readers = n_readers,
												  .partitions = xcalloc((size_t)topic->config.n_partitions, sizeof(GroupPartition))};
}

/*
 * The names of members begin with those of their clients, and by these names partitions are shared out: a process that comes back is given
 * what it had.
 */
static void
name_client(KafkaGroup *self, rd_kafka_conf_t *conf, const char *client)
{
	char   given[256] = "", detail[256];
	size_t size = sizeof given;

	if (self->topics->rd.conf_get(conf, "client.id", given, &size) == RD_KAFKA_CONF_OK && strcmp(given, CLIENT_ID) == 0)
		self->topics->rd.conf_set(conf, "client.id", client, detail, sizeof detail);
}

Status
kafka_group_open(Topics *topics, const KafkaGroupOptions *options, KafkaGroup **out, Error *err)
{
	const char		*pairs[] = {"group.id", options->id, "partition.assignment.strategy", "range", NULL};
	KafkaGroup		*self = xcalloc(1, sizeof *self);
	StrBuf			 id = {0};
	rd_kafka_conf_t *conf;
	Status			 status;

	self->topics = kafka_topics_of(topics);
	self->id = xstrdup(options->id);
	strbuf_printf(&id, "%s-%s", options->id, options->instance);
	self->transactional_id = xstrdup(strbuf_text(&id));
	strbuf_free(&id);
	self->settings = options->settings;
	self->exactly_once = options->exactly_once;
	self->from_latest = options->from_latest;
	self->wake = options->wake;
	self->context = options->context;
	self->interrupted = options->interrupted;
	self->inputs = xcalloc((size_t)options->n_topics + 1, sizeof *self->inputs);
	for (int i = 0; i < options->n_topics; i++)
		add_input(self, options->topics[i], options->n_readers != NULL ? options->n_readers[i] : 1);
	self->views = xcalloc((size_t)self->n_views + 1, sizeof *self->views);
	for (int i = 0; i < self->n_views; i++)
		self->views[i] = (GroupView){.base = {.type = &group_topics}, .group = self, .reader = i};
	TRY_OUT(kafka_config(self->topics, self->settings, ROLE_CONSUMER, pairs, &conf, err));
	name_client(self, conf, options->client);
	self->topics->rd.conf_set_rebalance_cb(conf, on_rebalance);
	self->topics->rd.conf_set_opaque(conf, self);
	self->topics->rd.conf_set_error_cb(conf, NULL);
	TRY_OUT(kafka_client_new(self->topics, RD_KAFKA_CONSUMER, conf, &self->consumer, err));
	self->topics->rd.poll_set_consumer(self->consumer);
	self->main_queue = self->topics->rd.queue_get_consumer(self->consumer);
	self->topics->rd.queue_cb_event_enable(self->main_queue, on_wake, self);
	TRY_OUT(subscribe(self, err));
out:
	if (status != OK) {
		kafka_group_close(self);
		self = NULL;
	}
	*out = self;
	return status;
}

void
kafka_group_close(KafkaGroup *self)
{
	if (self == NULL)
		return;
	producer_close(self);
	if (self->main_queue != NULL) {
		self->topics->rd.queue_cb_event_enable(self->main_queue, NULL, NULL);
		self->topics->rd.queue_destroy(self->main_queue);
	}
	if (self->consumer != NULL) {
		self->topics->rd.consumer_close(self->consumer);
		drop_share(self);
		kafka_client_end(self->topics, self->consumer);
	}
	for (int i = 0; i < self->n_inputs; i++)
		free(self->inputs[i].partitions);
	for (int i = 0; i < self->n_outputs; i++) {
		free(self->outputs[i]->partitions);
		free(self->outputs[i]);
	}
	free(self->views);
	free(self->inputs);
	free(self->outputs);
	free(self->id);
	free(self->transactional_id);
	free(self);
}
