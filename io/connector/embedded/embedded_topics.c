/* Topics of the store: what io/topics.h promises, by the calls of store/store.h. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/topics.h"

typedef struct EmbeddedTopic {
	Topic		base;
	StoreTopic *store_topic;
} EmbeddedTopic;

typedef struct EmbeddedTopics {
	Topics			 base;
	Store			*store;
	pthread_mutex_t	 lock;		/* handles */
	EmbeddedTopic  **handles;	/* also of dropped topics */
	int				 n_handles;
	int				 capacity;
} EmbeddedTopics;

/* The handle of a topic; one for ever. */
static Topic *
embedded_handle(EmbeddedTopics *self, StoreTopic *store_topic)
{
	EmbeddedTopic *handle = NULL;

	if (store_topic == NULL)
		return NULL;
	pthread_mutex_lock(&self->lock);
	for (int i = 0; i < self->n_handles && handle == NULL; i++)
		if (self->handles[i]->store_topic == store_topic)
			handle = self->handles[i];
	if (handle == NULL) {
		StoreTopicConfig config = store_topic_config(self->store, store_topic);

		handle = xcalloc(1, sizeof *handle);
		handle->store_topic = store_topic;
		handle->base = (Topic){.topics = &self->base, .name = store_topic_name(store_topic),
							   .config = {.n_partitions = config.n_partitions, .n_replicas = 1, .retention_ms = config.retention_ms,
										  .is_compacted = config.is_compacted}};
		grow_array(self->handles, self->n_handles, self->capacity);
		self->handles[self->n_handles++] = handle;
	}
	pthread_mutex_unlock(&self->lock);
	return &handle->base;
}

static StoreTopic *
topic_embedded_store(const Topic *topic)
{
	return ((const EmbeddedTopic *)topic)->store_topic;
}

static Status
embedded_find(Topics *topics, Str name, Topic **out, Error *err)
{
	EmbeddedTopics *self = (EmbeddedTopics *)topics;

	(void)err;
	*out = embedded_handle(self, store_topic_find(self->store, name));
	return OK;
}

static Status
embedded_create(Topics *topics, Str name, const TopicConfig *config, Topic **out, Error *err)
{
	EmbeddedTopics	*self = (EmbeddedTopics *)topics;
	StoreTopicConfig stored = {.n_partitions = config->n_partitions, .retention_ms = config->retention_ms, .is_compacted = config->is_compacted};
	StoreTopic		*made;

	TRY(store_topic_create(self->store, name, &stored, &made, err));
	*out = embedded_handle(self, made);
	return OK;
}

static Status
embedded_list(Topics *topics, Arena *arena, Topic ***out, int *n, Error *err)
{
	EmbeddedTopics *self = (EmbeddedTopics *)topics;
	StoreTopic	  **stored;

	(void)err;
	*n = store_topic_list(self->store, arena, &stored);
	*out = arena_array(arena, Topic *, *n + 1);
	for (int i = 0; i < *n; i++)
		(*out)[i] = embedded_handle(self, stored[i]);
	return OK;
}

static Status
embedded_drop(Topics *topics, Topic *topic, Error *err)
{
	return store_topic_drop(((EmbeddedTopics *)topics)->store, topic_embedded_store(topic), err);
}

static Status
embedded_ends(Topics *topics, Topic *topic, int partition, int64_t *begin, int64_t *end, Error *err)
{
	Store *store = ((EmbeddedTopics *)topics)->store;

	(void)err;
	*begin = store_topic_begin_offset(store, topic_embedded_store(topic), partition);
	*end = store_topic_end_offset(store, topic_embedded_store(topic), partition);
	return OK;
}

/* ---- reading ---- */

static void
embedded_release(TopicRecords *records)
{
	store_records_free(&records->store);
}

static Status
embedded_fetch(TopicReader *reader, int partition, int64_t from_offset, int max_records, int64_t max_bytes, TopicRecords *out, Error *err)
{
	EmbeddedTopics *self = (EmbeddedTopics *)reader->topic->topics;
	Status			status = store_topic_read(self->store, topic_embedded_store(reader->topic), partition, from_offset, max_records,
											  max_bytes, &out->store, err);

	out->release = embedded_release;
	out->records = out->store.records;
	out->n_records = status == OK ? out->store.n_records : 0;
	out->next_offset = status == OK ? out->store.next_offset : from_offset;
	return status;
}

static void
embedded_reader_close(TopicReader *reader)
{
	free(reader);
}

static const TopicReaderType embedded_reader = {.fetch = embedded_fetch, .close = embedded_reader_close};

static Status
embedded_reader_open(Topics *topics, Topic *topic, TopicReader **out, Error *err)
{
	(void)topics;
	(void)err;
	*out = xcalloc(1, sizeof **out);
	**out = (TopicReader){.type = &embedded_reader, .topic = topic};
	return OK;
}

/* ---- writing ---- */

typedef struct EmbeddedUnit {
	TopicUnit base;
	Store	 *store;
} EmbeddedUnit;

static void
embedded_append(TopicUnit *unit, Topic *topic, int partition, const Record *record)
{
	store_unit_append(unit->store, topic_embedded_store(topic), partition, record);
}

static Status
embedded_commit(TopicUnit *unit, Error *err)
{
	return store_commit(((EmbeddedUnit *)unit)->store, unit->store, err);
}

static void
embedded_clear(TopicUnit *unit)
{
	store_unit_clear(unit->store);
}

static bool
embedded_is_empty(const TopicUnit *unit)
{
	return store_unit_is_empty(unit->store);
}

static void
embedded_unit_free(TopicUnit *unit)
{
	store_unit_free(unit->store);
	free(unit);
}

static const TopicUnitType embedded_unit = {
	.append = embedded_append,
	.commit = embedded_commit,
	.clear = embedded_clear,
	.is_empty = embedded_is_empty,
	.free = embedded_unit_free,
};

static TopicUnit *
embedded_unit_new(Topics *topics)
{
	EmbeddedUnit *unit = xcalloc(1, sizeof *unit);

	unit->store = ((EmbeddedTopics *)topics)->store;
	unit->base = (TopicUnit){.type = &embedded_unit, .store = store_unit_new(unit->store)};
	return &unit->base;
}

/* ---- waking up ---- */

static int
embedded_listen(Topics *topics, Topic *topic, void (*wake)(void *context), void *context)
{
	return store_listen(((EmbeddedTopics *)topics)->store, topic_embedded_store(topic), wake, context);
}

static void
embedded_unlisten(Topics *topics, int listener)
{
	store_unlisten(((EmbeddedTopics *)topics)->store, listener);
}

static uint64_t
embedded_append_count(Topics *topics)
{
	return store_append_count(((EmbeddedTopics *)topics)->store);
}

static bool
embedded_append_wait(Topics *topics, uint64_t seen, int64_t timeout_ms)
{
	return store_append_wait(((EmbeddedTopics *)topics)->store, seen, timeout_ms);
}

static void
embedded_close(Topics *topics)
{
	EmbeddedTopics *self = (EmbeddedTopics *)topics;

	for (int i = 0; i < self->n_handles; i++)
		free(self->handles[i]);
	free(self->handles);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

/* ---- health ---- */

/* A write that goes the way of all others: a disk that is full or read-only is found by nothing less. */
static Status
embedded_check(Topics *topics, int64_t timeout_ms, Error *err)
{
	Store	   *store = ((EmbeddedTopics *)topics)->store;
	const char *directory = store_directory(store);
	StoreUnit  *unit;
	Status		status;

	(void)timeout_ms;
	if (directory != NULL && access(directory, W_OK | X_OK) != 0) {
		error_fatal(err, "The data directory `%s` cannot be written in: %s", directory, strerror(errno));
		return error_hint(err, "Check that it is still there and who owns it.");
	}
	unit = store_unit_new(store);
	store_unit_meta(unit, STR("topics/checked"), STR("1"));
	status = store_commit(store, unit, err);
	store_unit_free(unit);
	return status;
}

static const char *
embedded_cluster(Topics *topics)
{
	(void)topics;
	return "embedded";
}

static const TopicsType embedded_topics = {
	.name = "embedded",
	.find = embedded_find,
	.create = embedded_create,
	.list = embedded_list,
	.drop = embedded_drop,
	.ends = embedded_ends,
	.reader_open = embedded_reader_open,
	.unit_new = embedded_unit_new,
	.listen = embedded_listen,
	.unlisten = embedded_unlisten,
	.append_count = embedded_append_count,
	.append_wait = embedded_append_wait,
	.check = embedded_check,
	.cluster = embedded_cluster,
	.close = embedded_close,
};

Topics *
topics_embedded_new(Store *store)
{
	EmbeddedTopics *self = xcalloc(1, sizeof *self);

	self->base.type = &embedded_topics;
	self->store = store;
	pthread_mutex_init(&self->lock, NULL);
	return &self->base;
}
