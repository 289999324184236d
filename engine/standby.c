#include "engine/standby.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "io/connector/kafka/kafka.h"

#define ROUND_MS 100			/* between two looks at the changelogs */
#define MEMBERS_NANOS 1000000000	/* between two looks at who is in the group */
#define FRESH_NANOS (600LL * 1000000000)	/* after so long without a record it is noted that the copy is as good as new */
#define MOST_FETCHES 50			/* of a partition in a round, so that all have their turn */

typedef struct StandbyPartition {
	bool	is_owned;			/* this process works on it */
	bool	is_wanted;			/* and here a copy is wanted */
	int64_t next;				/* -1: to be looked up in the store */
	int64_t end;
	Nanos	written_at;
} StandbyPartition;

typedef struct StandbyTopic {
	Topic			 *topic;
	TopicReader		 *reader;	/* the thread's; NULL: not open */
	StandbyPartition *partitions;
} StandbyTopic;

struct Standby {
	Engine			*engine;
	const char		*query_id;
	const char		*group_id;
	int				 n_copies;		/* num.standby.replicas */
	pthread_t		 thread;
	bool			 has_thread;
	_Atomic bool	 is_ending;
	Nanos			 members_at;	/* the thread's: when it next asks for the members */
	pthread_mutex_t	 lock;			/* what follows, and writing into the store */
	int				 n_topics;
	int				 capacity;
	StandbyTopic	*topics;
};

Standby *
standby_new(Engine *engine, const char *query_id, const char *group_id, const Settings *settings)
{
	Standby *self = xcalloc(1, sizeof *self);

	self->engine = engine;
	self->query_id = query_id;
	self->group_id = group_id;
	self->n_copies = (int)settings_int(settings, "num.standby.replicas");
	pthread_mutex_init(&self->lock, NULL);
	return self;
}

void
standby_free(Standby *self)
{
	if (self == NULL)
		return;
	standby_stop(self);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

void
standby_add(Standby *self, Topic *changelog)
{
	StandbyTopic *added;

	pthread_mutex_lock(&self->lock);
	grow_array(self->topics, self->n_topics, self->capacity);
	added = &self->topics[self->n_topics++];
	*added = (StandbyTopic){.topic = changelog, .partitions = xcalloc((size_t)changelog->config.n_partitions, sizeof *added->partitions)};
	for (int p = 0; p < changelog->config.n_partitions; p++)
		added->partitions[p].next = -1;
	pthread_mutex_unlock(&self->lock);
}

static StandbyPartition *
partition_of(Standby *self, const Topic *changelog, int partition)
{
	for (int i = 0; i < self->n_topics; i++)
		if (self->topics[i].topic == changelog)
			return &self->topics[i].partitions[partition];
	return NULL;
}

void
standby_set_owned(Standby *self, const Topic *changelog, int partition, bool is_owned)
{
	StandbyPartition *part;

	pthread_mutex_lock(&self->lock);
	part = partition_of(self, changelog, partition);
	if (part != NULL) {
		part->is_owned = is_owned;
		part->next = -1;
	}
	pthread_mutex_unlock(&self->lock);
}

void
standby_pause(Standby *self)
{
	pthread_mutex_lock(&self->lock);
}

void
standby_resume(Standby *self)
{
	for (int i = 0; i < self->n_topics; i++)
		for (int p = 0; p < self->topics[i].topic->config.n_partitions; p++)
			self->topics[i].partitions[p].next = -1;
	pthread_mutex_unlock(&self->lock);
}

void
standby_visit(Standby *self, void (*visit)(void *context, const StandbyCopy *copy), void *context)
{
	pthread_mutex_lock(&self->lock);
	for (int i = 0; i < self->n_topics; i++)
		for (int p = 0; p < self->topics[i].topic->config.n_partitions; p++) {
			const StandbyPartition *part = &self->topics[i].partitions[p];

			if (part->is_wanted && !part->is_owned && part->next >= 0)
				visit(context, &(StandbyCopy){self->topics[i].topic->name.data, p, part->next, part->end > part->next ? part->end : part->next});
		}
	pthread_mutex_unlock(&self->lock);
}

/* ---- who stands by ---- */

/* True if the member `me` is among the first n_copies that would be given the partition if its owner were gone.  left: room for the members. */
static bool
stands_by(int *left, int n_members, int me, int n_partitions, int partition, int n_copies)
{
	bool is_owner = true;

	for (int i = 0; i < n_members; i++)
		left[i] = i;
	for (int n = n_members; n > 0 && n_copies >= 0; n--, n_copies--) {
		int chosen = kafka_range_member(n, n_partitions, partition);

		if (left[chosen] == me)
			return !is_owner;
		is_owner = false;
		memmove(left + chosen, left + chosen + 1, sizeof *left * (size_t)(n - chosen - 1));
	}
	return false;
}

static void
look_at_members(Standby *self)
{
	Arena		 arena = {0};
	KafkaMember *members;
	int			*left, n = 0, me = -1;
	Error		 ignored;

	/* Brokers that are away leave everything as it is. */
	if (kafka_group_describe(self->engine->topics, self->group_id, &arena, &members, &n, &ignored) == OK) {
		for (int i = 0; i < n; i++)
			if (strcmp(members[i].client, self->engine->member) == 0)
				me = i;
		left = arena_array(&arena, int, n + 1);
		pthread_mutex_lock(&self->lock);
		for (int i = 0; i < self->n_topics; i++)
			for (int p = 0; p < self->topics[i].topic->config.n_partitions; p++)
				self->topics[i].partitions[p].is_wanted = me >= 0 && stands_by(left, n, me, self->topics[i].topic->config.n_partitions, p, self->n_copies);
		pthread_mutex_unlock(&self->lock);
	}
	arena_free(&arena);
}

/* ---- reading ---- */

/* Where reading goes on; false: no copy is wanted, or what the store has is too old to go on from. */
static bool
take_position(Standby *self, const Changelog *changelog, StandbyPartition *part, int64_t *position)
{
	bool is_old = false, is_here;

	pthread_mutex_lock(&self->lock);
	is_here = part->is_wanted && !part->is_owned;
	if (is_here && part->next < 0)
		part->next = changelog_position(changelog, &is_old);
	if (is_old)
		part->next = -1;
	*position = part->next;
	pthread_mutex_unlock(&self->lock);
	return is_here && *position >= 0;
}

/* Writes what was read, unless the partition has come to this process meanwhile. */
static Status
write_records(Standby *self, ChangelogWriter *writer, StandbyPartition *part, const TopicRecords *records, int64_t from, Error *err)
{
	Status status = OK;

	pthread_mutex_lock(&self->lock);
	if (!part->is_owned && part->next == from) {
		status = changelog_write(writer, records->records, records->n_records, err);
		if (status == OK)
			part->next = records->next_offset;
		part->written_at = nanos_now();
	}
	pthread_mutex_unlock(&self->lock);
	return status;
}

/* Offsets that have no record, as marks of transactions have none. */
static void
pass_marks(Standby *self, StandbyPartition *part, int64_t from, int64_t next)
{
	pthread_mutex_lock(&self->lock);
	if (part->next == from && next > from)
		part->next = next;
	pthread_mutex_unlock(&self->lock);
}

/* A copy to which nothing has to be added is not old. */
static Status
keep_fresh(Standby *self, const Changelog *changelog, StandbyPartition *part, Error *err)
{
	StoreUnit *unit;
	Status	   status = OK;

	pthread_mutex_lock(&self->lock);
	if (!part->is_owned && part->next > 0 && nanos_now() - part->written_at > FRESH_NANOS) {
		unit = store_unit_new(self->engine->store);
		changelog_put_position(changelog, unit, part->next);
		status = store_commit(self->engine->store, unit, err);
		store_unit_free(unit);
		part->written_at = nanos_now();
	}
	pthread_mutex_unlock(&self->lock);
	return status;
}

static Status
follow_partition(Standby *self, StandbyTopic *topic, int partition, TopicRecords *records, Error *err)
{
	Changelog		  changelog = {.engine = self->engine, .query_id = self->query_id, .topic = topic->topic, .partition = partition};
	StandbyPartition *part = &topic->partitions[partition];
	ChangelogWriter	  writer;
	int64_t			  from;
	Status			  status = OK;

	if (!take_position(self, &changelog, part, &from))
		return OK;
	if (topic->reader == NULL)
		TRY(topic_reader_open(self->engine->topics, topic->topic, &topic->reader, err));
	changelog_writer_init(&writer, &changelog);
	for (int i = 0; i < MOST_FETCHES && status == OK && !self->is_ending; i++) {
		status = topic_reader_fetch(topic->reader, partition, from, 0, 0, records, err);
		if (status != FAILED && records->n_records == 0)
			pass_marks(self, part, from, records->next_offset);
		if (status != OK || records->n_records == 0)
			break;
		status = write_records(self, &writer, part, records, from, err);
		from = records->next_offset;
	}
	changelog_writer_free(&writer);
	return status == FAILED ? FAILED : keep_fresh(self, &changelog, part, err);
}

/* For whoever asks how far behind the copies are. */
static void
look_at_ends(Standby *self)
{
	for (int i = 0; i < self->n_topics; i++)
		for (int p = 0; p < self->topics[i].topic->config.n_partitions && !self->is_ending; p++) {
			StandbyPartition *part = &self->topics[i].partitions[p];
			int64_t			  begin, end;
			Error			  ignored;

			/* Only this thread sets it. */
			if (!part->is_wanted || topics_ends(self->engine->topics, self->topics[i].topic, p, &begin, &end, &ignored) == FAILED)
				continue;
			pthread_mutex_lock(&self->lock);
			part->end = end;
			pthread_mutex_unlock(&self->lock);
		}
}

/*
 * What fails is tried again: the copies are only a short cut, and what is wrong with a changelog is told by those who need it.
 */
static void
follow_all(Standby *self)
{
	TopicRecords records = {0};
	Error		 ignored;

	for (int i = 0; i < self->n_topics; i++)
		for (int p = 0; p < self->topics[i].topic->config.n_partitions && !self->is_ending; p++)
			if (follow_partition(self, &self->topics[i], p, &records, &ignored) == FAILED) {
				topic_records_free(&records);
				topic_reader_close(self->topics[i].reader);
				self->topics[i].reader = NULL;
				break;
			}
	topic_records_free(&records);
}

static void *
standby_main(void *argument)
{
	Standby *self = argument;

	while (!self->is_ending) {
		if (nanos_now() >= self->members_at) {
			if (kafka_answers(self->engine->topics)) {
				look_at_members(self);
				look_at_ends(self);
			}
			self->members_at = nanos_now() + MEMBERS_NANOS;
		}
		follow_all(self);
		nanosleep(&(struct timespec){.tv_nsec = ROUND_MS * 1000000}, NULL);
	}
	return NULL;
}

/* ---- starting and ending ---- */

Status
standby_start(Standby *self, Error *err)
{
	if (self->n_copies <= 0 || self->n_topics == 0 || self->has_thread)
		return OK;
	self->is_ending = false;
	self->members_at = 0;
	if (pthread_create(&self->thread, NULL, standby_main, self) != 0)
		return error_fatal(err, "Cannot start a thread for standby copies of %s", self->query_id);
	self->has_thread = true;
	return OK;
}

void
standby_stop(Standby *self)
{
	self->is_ending = true;
	if (self->has_thread)
		pthread_join(self->thread, NULL);
	self->has_thread = false;
	pthread_mutex_lock(&self->lock);
	for (int i = 0; i < self->n_topics; i++) {
		topic_reader_close(self->topics[i].reader);
		free(self->topics[i].partitions);
	}
	free(self->topics);
	self->topics = NULL;
	self->n_topics = self->capacity = 0;
	pthread_mutex_unlock(&self->lock);
}
