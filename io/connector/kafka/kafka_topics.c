/* Topics of a Kafka cluster: finding, making, listing and removing them; where they begin and end. */
#include "io/connector/kafka/kafka_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/cancel.h"

#define CONNECT_MS 10000	/* of kafka.connect.timeout.ms */
#define ADMIN_MS 30000
#define SEEN_TRIES 300		/* until a topic that was made or removed shows so in the metadata, 100 ms each: a broker that just started is slow to tell */

static char *
text_of(Str name)
{
	char *text = xcalloc(1, name.length + 1);

	memcpy(text, name.data, name.length);
	return text;
}

/* ---- handles ---- */

/* The handle of a topic as the cluster has it now; one for as long as its number of partitions stays. */
static KafkaTopic *
handle_of(KafkaTopics *self, Str name, int n_partitions, int n_replicas)
{
	KafkaTopic *handle = NULL;

	pthread_mutex_lock(&self->lock);
	for (int i = 0; i < self->n_handles && handle == NULL; i++) {
		KafkaTopic *h = self->handles[i];

		if (!h->is_gone && h->base.config.n_partitions == n_partitions && str_equal(h->base.name, name))
			handle = h;
	}
	if (handle == NULL) {
		handle = xcalloc(1, sizeof *handle);
		handle->base = (Topic){.topics = &self->base, .name = str_of(text_of(name)),
							   .config = {.n_partitions = n_partitions, .n_replicas = n_replicas, .retention_ms = -1}};
		grow_array(self->handles, self->n_handles, self->capacity);
		self->handles[self->n_handles++] = handle;
	}
	pthread_mutex_unlock(&self->lock);
	return handle;
}

static Status
metadata_error(KafkaTopics *self, rd_kafka_resp_err_t code, Error *err)
{
	char detail[512];

	self->rd.poll(self->client, 0);		/* brings what the connection has said */
	pthread_mutex_lock(&self->lock);
	snprintf(detail, sizeof detail, "%s", self->last_error);
	self->last_error[0] = '\0';
	pthread_mutex_unlock(&self->lock);
	return kafka_error(self, code, detail[0] != '\0' ? detail : NULL, err, "Kafka at %s cannot be reached", self->bootstrap);
}

static Status
topic_find_within(KafkaTopics *self, Str name, int timeout_ms, Topic **out, Error *err)
{
	const rd_kafka_metadata_t *metadata;
	char					  *text = text_of(name);
	rd_kafka_topic_t		  *topic = self->rd.topic_new(self->client, text, NULL);
	rd_kafka_resp_err_t		   code;

	*out = NULL;
	free(text);
	if (topic == NULL)
		return OK;
	code = kafka_metadata(self, false, topic, timeout_ms, &metadata);
	self->rd.topic_destroy(topic);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return metadata_error(self, code, err);
	if (metadata->topic_cnt == 1) {
		const rd_kafka_metadata_topic_t *t = &metadata->topics[0];

		code = t->err;
		if (code == RD_KAFKA_RESP_ERR_NO_ERROR && t->partition_cnt > 0)
			*out = &handle_of(self, name, t->partition_cnt, t->partitions[0].replica_cnt)->base;
	}
	self->rd.metadata_destroy(metadata);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION
		|| code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
		return OK;
	return kafka_error(self, code, NULL, err, "Topic %.*s", (int)name.length, name.data);
}

Status
kafka_topic_find(KafkaTopics *self, Str name, Topic **out, Error *err)
{
	return topic_find_within(self, name, CALL_MS, out, err);
}

bool
kafka_topic_is_as_before(KafkaTopics *self, Topic *topic)
{
	Topic *found;
	Error  ignored;

	return topic_find_within(self, topic->name, SHORT_MS, &found, &ignored) == FAILED || found == topic;
}

static Status
topics_kafka_find(Topics *topics, Str name, Topic **out, Error *err)
{
	return kafka_topic_find(kafka_topics_of(topics), name, out, err);
}

static int
compare_topics(const void *a, const void *b)
{
	return str_compare((*(Topic *const *)a)->name, (*(Topic *const *)b)->name);
}

static Status
topics_kafka_list(Topics *topics, Arena *arena, Topic ***out, int *n, Error *err)
{
	KafkaTopics				  *self = kafka_topics_of(topics);
	const rd_kafka_metadata_t *metadata;
	rd_kafka_resp_err_t		   code = kafka_metadata(self, true, NULL, CALL_MS, &metadata);

	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return metadata_error(self, code, err);
	*n = 0;
	*out = arena_array(arena, Topic *, metadata->topic_cnt + 1);
	for (int i = 0; i < metadata->topic_cnt; i++) {
		const rd_kafka_metadata_topic_t *t = &metadata->topics[i];

		if (t->err == RD_KAFKA_RESP_ERR_NO_ERROR && t->partition_cnt > 0)
			(*out)[(*n)++] = &handle_of(self, str_of(t->topic), t->partition_cnt, t->partitions[0].replica_cnt)->base;
	}
	self->rd.metadata_destroy(metadata);
	qsort(*out, (size_t)*n, sizeof **out, compare_topics);
	return OK;
}

/* ---- making and removing ---- */

/* Waits until the metadata has the topic, or has it no more. */
static Status
wait_seen(KafkaTopics *self, Str name, bool is_there, Topic **out, Error *err)
{
	for (int i = 0; i < SEEN_TRIES; i++) {
		TRY(kafka_topic_find(self, name, out, err));
		if ((*out != NULL) == is_there)
			return OK;
		if (!cancel_sleep(100))
			break;
	}
	return error_set(err, cancel_ends_waits() ? ERROR_INTERRUPTED : ERROR_TRANSIENT, "The topic %.*s was %s, but the brokers do not show it", (int)name.length, name.data,
					 is_there ? "created" : "deleted");
}

static Status
new_topic(KafkaTopics *self, const char *name, const TopicConfig *config, rd_kafka_NewTopic_t **out, Error *err)
{
	const RdKafka *rd = &self->rd;
	char		   text[512];

	*out = rd->NewTopic_new(name, config->n_partitions, config->n_replicas > 0 ? config->n_replicas : -1, text, sizeof text);
	if (*out == NULL)
		return error_user(err, "Cannot create the topic %s: %s", name, text);
	rd->NewTopic_set_config(*out, "cleanup.policy",
							config->is_compacted ? config->is_deleted ? "compact,delete" : "compact" : "delete");
	if (config->retention_ms >= 0) {
		snprintf(text, sizeof text, "%lld", (long long)config->retention_ms);
		rd->NewTopic_set_config(*out, "retention.ms", text);
	}
	return OK;
}

/* The outcome for the one topic of a request; the event is freed. */
static Status
topic_outcome(KafkaTopics *self, rd_kafka_event_t *event, bool creates, const char *name, Error *err)
{
	const RdKafka				   *rd = &self->rd;
	const rd_kafka_topic_result_t **results = NULL;
	rd_kafka_resp_err_t				code = event != NULL ? rd->event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
	const char					   *text = event != NULL && code != RD_KAFKA_RESP_ERR_NO_ERROR ? rd->event_error_string(event) : NULL;
	size_t							n = 0;
	Status							status = OK;

	if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
		results = creates ? rd->CreateTopics_result_topics(rd->event_CreateTopics_result(event), &n)
						  : rd->DeleteTopics_result_topics(rd->event_DeleteTopics_result(event), &n);
		if (n > 0) {
			code = rd->topic_result_error(results[0]);
			text = rd->topic_result_error_string(results[0]);
		}
	}
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR && !(creates && code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS))
		status = kafka_error(self, code, text, err, "Cannot %s the topic %s", creates ? "create" : "delete", name);
	if (event != NULL)
		rd->event_destroy(event);
	return status;
}

static Status
topics_kafka_create(Topics *topics, Str name, const TopicConfig *config, Topic **out, Error *err)
{
	KafkaTopics			*self = kafka_topics_of(topics);
	char				*text = text_of(name);
	rd_kafka_queue_t	*queue = self->rd.queue_new(self->client);
	rd_kafka_NewTopic_t *wanted;
	Status				 status = new_topic(self, text, config, &wanted, err);

	if (status == OK) {
		self->rd.CreateTopics(self->client, &wanted, 1, NULL, queue);
		status = topic_outcome(self, kafka_event(self, queue, ADMIN_MS), true, text, err);
		self->rd.NewTopic_destroy(wanted);
	}
	self->rd.queue_destroy(queue);
	free(text);
	return status == OK ? wait_seen(self, name, true, out, err) : status;
}

static Status
topics_kafka_drop(Topics *topics, Topic *topic, Error *err)
{
	KafkaTopics			   *self = kafka_topics_of(topics);
	rd_kafka_queue_t	   *queue = self->rd.queue_new(self->client);
	rd_kafka_DeleteTopic_t *wanted = self->rd.DeleteTopic_new(topic->name.data);
	Topic				   *left;
	Status					status;

	self->rd.DeleteTopics(self->client, &wanted, 1, NULL, queue);
	status = topic_outcome(self, kafka_event(self, queue, ADMIN_MS), false, topic->name.data, err);
	self->rd.DeleteTopic_destroy(wanted);
	self->rd.queue_destroy(queue);
	if (status == FAILED)
		return FAILED;
	pthread_mutex_lock(&self->lock);
	((KafkaTopic *)topic)->is_gone = true;
	pthread_mutex_unlock(&self->lock);
	return wait_seen(self, topic->name, false, &left, err);
}

/* ---- where a partition begins and ends ---- */

Status
kafka_ends(KafkaTopics *self, rd_kafka_t *client, const Topic *topic, int partition, int64_t *begin, int64_t *end, Error *err)
{
	rd_kafka_resp_err_t code;

	for (int tries = 0;; tries++) {
		code = kafka_watermarks(self, client, topic, partition, begin, end);
		/* A topic that was made just now: its leader may not know yet. */
		if (tries >= SEEN_TRIES || (code != RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION && code != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE
									&& code != RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART))
			break;
		if ((code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART && tries >= 5) || !cancel_sleep(100))
			break;
	}
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return kafka_error(self, code, NULL, err, "Cannot ask where %s/%d ends", topic->name.data, partition);
	return OK;
}

static Status
topics_kafka_ends(Topics *topics, Topic *topic, int partition, int64_t *begin, int64_t *end, Error *err)
{
	KafkaTopics *self = kafka_topics_of(topics);

	return kafka_ends(self, self->client, topic, partition, begin, end, err);
}

/* ---- waking up ---- */

/* Single readers are polled; persistent queries are woken by their group. */
static int
topics_kafka_listen(Topics *topics, Topic *topic, void (*wake)(void *context), void *context)
{
	(void)topics;
	(void)topic;
	(void)wake;
	(void)context;
	return 0;
}

static void
topics_kafka_unlisten(Topics *topics, int listener)
{
	(void)topics;
	(void)listener;
}

void
kafka_topics_appended(KafkaTopics *self)
{
	pthread_mutex_lock(&self->lock);
	self->n_appends++;
	pthread_cond_broadcast(&self->appended);
	pthread_mutex_unlock(&self->lock);
}

static uint64_t
topics_kafka_append_count(Topics *topics)
{
	KafkaTopics *self = kafka_topics_of(topics);
	uint64_t	 n;

	pthread_mutex_lock(&self->lock);
	n = self->n_appends;
	pthread_mutex_unlock(&self->lock);
	return n;
}

static bool
topics_kafka_append_wait(Topics *topics, uint64_t seen, int64_t timeout_ms)
{
	KafkaTopics	   *self = kafka_topics_of(topics);
	struct timespec until;
	bool			has_new;
	int				timed_out = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (timeout_ms % 1000) * 1000000;
	until.tv_sec += timeout_ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&self->lock);
	while (self->n_appends == seen && timed_out == 0)
		timed_out = pthread_cond_timedwait(&self->appended, &self->lock, &until);
	has_new = self->n_appends != seen;
	pthread_mutex_unlock(&self->lock);
	return has_new;
}

/* ---- opening and closing ---- */

static void
topics_kafka_close(Topics *topics)
{
	KafkaTopics *self = kafka_topics_of(topics);

	for (int i = 0; i < self->n_handles; i++) {
		if (self->handles[i]->producer_topic != NULL)
			self->rd.topic_destroy(self->handles[i]->producer_topic);
		free((char *)self->handles[i]->base.name.data);
		free(self->handles[i]);
	}
	if (self->client != NULL)
		kafka_client_end(self, self->client);
	free(self->handles);
	settings_free(self->settings);
	free(self->bootstrap);
	free(self->cluster);
	pthread_cond_destroy(&self->appended);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

/* Any answer will do. */
static Status
topics_kafka_check(Topics *topics, int64_t timeout_ms, Error *err)
{
	KafkaTopics				  *self = kafka_topics_of(topics);
	const rd_kafka_metadata_t *metadata;
	rd_kafka_resp_err_t		   code = kafka_metadata(self, false, NULL, timeout_ms, &metadata);

	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return metadata_error(self, code, err);
	self->rd.metadata_destroy(metadata);
	return OK;
}

static const char *
topics_kafka_cluster(Topics *topics)
{
	return kafka_topics_of(topics)->cluster;
}

static const TopicsType kafka_topics = {
	.name = "kafka",
	.find = topics_kafka_find,
	.create = topics_kafka_create,
	.list = topics_kafka_list,
	.drop = topics_kafka_drop,
	.ends = topics_kafka_ends,
	.reader_open = kafka_reader_open,
	.unit_new = kafka_unit_new,
	.listen = topics_kafka_listen,
	.unlisten = topics_kafka_unlisten,
	.append_count = topics_kafka_append_count,
	.append_wait = topics_kafka_append_wait,
	.check = topics_kafka_check,
	.cluster = topics_kafka_cluster,
	.close = topics_kafka_close,
};

static void
copy_setting(const char *name, const char *value, void *context)
{
	Error ignored;

	settings_set(context, name, value, &ignored);
}

static Status
connect_first(KafkaTopics *self, Error *err)
{
	const char *text = settings_text(self->settings, "kafka.connect.timeout.ms");
	char	   *id;

	TRY(topics_kafka_check(&self->base, text != NULL ? atoi(text) : CONNECT_MS, err));
	/* The answer had it; brokers before 0.10 have none. */
	id = self->rd.clusterid(self->client, 0);
	self->cluster = xstrdup(id != NULL ? id : "");
	if (id != NULL)
		self->rd.mem_free(self->client, id);
	return OK;
}

bool
kafka_answers(Topics *topics)
{
	KafkaTopics				  *self = kafka_topics_of(topics);
	const rd_kafka_metadata_t *metadata;

	if (self->rd.metadata(self->client, 0, NULL, &metadata, SHORT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return false;
	self->rd.metadata_destroy(metadata);
	return true;
}

static bool
gives_up_later(const Settings *settings)
{
	return settings_has(settings, "producer.message.timeout.ms") || settings_has(settings, "producer.delivery.timeout.ms");
}

Status
topics_kafka_open(const Settings *settings, Store *store, Topics **out, Error *err)
{
	/* Somebody waits for what single statements write. */
	static const char *const options[] = {"message.timeout.ms", "30000", NULL};
	KafkaTopics				*self = xcalloc(1, sizeof *self);
	rd_kafka_conf_t			*conf;
	Status					 status;

	self->base.type = &kafka_topics;
	self->store = store;
	self->settings = settings_new(NULL);
	settings_visit(settings, copy_setting, self->settings);
	self->bootstrap = xstrdup(settings_text(settings, "bootstrap.servers"));
	pthread_mutex_init(&self->lock, NULL);
	pthread_cond_init(&self->appended, NULL);
	TRY_OUT(rdkafka_load(&self->rd, err));
	TRY_OUT(kafka_config(self, NULL, ROLE_PRODUCER, gives_up_later(settings) ? NULL : options, &conf, err));
	self->rd.conf_set_dr_msg_cb(conf, kafka_unit_delivered);
	TRY_OUT(kafka_client_new(self, RD_KAFKA_PRODUCER, conf, &self->client, err));
	TRY_OUT(connect_first(self, err));
out:
	if (status != OK) {
		topics_kafka_close(&self->base);
		self = NULL;
	}
	*out = self != NULL ? &self->base : NULL;
	return status;
}
