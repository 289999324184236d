/*
 * Groups: the share of partitions that this process has for one query, and what it commits.
 *
 * The group's protocol is served only by kafka_group_poll, between epochs: partitions are never taken away while a transaction is
 * open.  Each partition has a queue of its own.  Positions are the group's; the consumer itself is told where to start.
 */
#include "io/connector/kafka/kafka_group_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_NANOS 5000000000	/* between two looks at the topics themselves */

void
kafka_group_pause(int ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000}, NULL);
}

bool
kafka_group_is_interrupted(const KafkaGroup *self)
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

void
kafka_group_remember_failure(KafkaGroup *self, const Error *err)
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
			kafka_group_pause(100);
	} while (code != RD_KAFKA_RESP_ERR_NO_ERROR && kafka_code_may_pass(code) && nanos_now() < until && !kafka_group_is_interrupted(self));
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
		kafka_group_remember_failure(self, &err);
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
		kafka_group_remember_failure(self, &failure);
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
			kafka_group_remember_failure(self, &failure);
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

bool
kafka_group_part_has_moved(const GroupPartition *part)
{
	return part->tee != NULL ? kafka_tee_has_moved(part->tee) : part->position != part->committed;
}

bool
kafka_group_has_moved(const KafkaGroup *self)
{
	for (int i = 0; i < self->n_inputs; i++)
		for (int p = 0; p < self->inputs[i].topic->config.n_partitions; p++) {
			const GroupPartition *part = &self->inputs[i].partitions[p];

			if (part->queue != NULL && kafka_group_part_has_moved(part))
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

/* What is in the partition's queue, from part->next on. */
static Status
take(KafkaGroup *self, const Topic *topic, int partition, GroupPartition *part, int max_records, KafkaFetched *fetched, Error *err)
{
	const RdKafka *rd = &self->topics->rd;
	int64_t		   before = (int64_t)rd->queue_length(part->queue);
	bool		   at_end;

	TRY(kafka_take(self->topics, self->consumer, part->queue, part->next, max_records, 0, fetched, &part->next, &at_end, err));
	part->at_end = at_end || (part->at_end && fetched->n_messages == 0);
	if (!part->at_end && kafka_refill_is_due(&part->refill, before, (int64_t)rd->queue_length(part->queue), nanos_now()))
		kafka_refill_ask(self->topics, self->consumer, topic->name.data, partition);
	return OK;
}

/* One of several sources of a partition.  While others are far behind it says that nothing is there. */
static Status
fetch_shared(KafkaGroup *self, const Topic *topic, int partition, GroupPartition *part, int reader, int64_t from, int max_records, KafkaFetched *out, int64_t *next, Error *err)
{
	TopicRecords  records = {0};
	KafkaFetched *fetched;
	Status		  status;

	if (kafka_tee_give(part->tee, reader, from, max_records, out, next))
		return OK;
	if (kafka_tee_is_full(part->tee))
		return DONE;
	fetched = kafka_fetched(self->topics, &records);
	status = take(self, topic, partition, part, 0, fetched, err);
	if (status == OK) {
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

	(void)max_bytes;
	out->n_records = 0;
	out->next_offset = from_offset;
	if (part == NULL)
		return DONE;
	if (part->tee != NULL) {
		Status status = fetch_shared(self, reader->topic, partition, part, ((GroupReader *)reader)->number, from_offset, max_records, fetched, &out->next_offset, err);

		out->records = fetched->records;
		out->n_records = fetched->n_records;
		return status == OK && out->n_records == 0 && part->at_end ? DONE : status;
	}
	TRY(take(self, reader->topic, partition, part, max_records, fetched, err));
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
	kafka_group_end_producer(self);
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
