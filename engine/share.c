#include "engine/share.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/changelog.h"
#include "engine/dead_letter.h"
#include "engine/fragment.h"
#include "engine/standby.h"
#include "exec/op/scan.h"
#include "io/connector/kafka/kafka.h"

#define WAIT_MS 50			/* between two looks at the positions of a group */
#define FAILURE_TRIES 100	/* looks, until a query that must fail has failed */
#define MEMBERS_AFTER 20	/* looks, until it is asked whether anybody runs the query */

/* The state of a task: in the store, and every change of it in a changelog topic. */
typedef struct ShareBackend {
	StateBackend  backend;
	StateBackend *local;
	Share		 *share;
	Topic		 *changelog;
	int			  partition;
	StrBuf		  key;
} ShareBackend;

/* A fragment at work. */
typedef struct ShareRun {
	Fragment	  *fragment;
	Share		  *share;
	StreamRun	  *run;				/* NULL: nothing of it is here */
	Topic		  *changelog;		/* NULL: no state */
	int			   n_backends;
	ShareBackend **backends;
} ShareRun;

struct Share {
	Query		*query;
	Engine		*engine;
	Arena		 arena;
	char		*group_id;
	int			 n_runs;
	ShareRun	*runs;
	int			 n_inputs;			/* topics that are read, each once */
	int			 capacity;
	Topic	   **inputs;
	KafkaGroup	*group;				/* NULL: not a member */
	Standby		*standby;			/* copies of what others work on */
	SourceContext sources;
	bool		 is_open;			/* the runs are those of the share as it is now */
};

static const SourceSpec *
source_of(const PlanNode *scan)
{
	return ((const ScanSpec *)scan->spec)->source;
}

/* ksqlDB's name for the group.  It begins the names of topics too, which may not have all that a name may have. */
static char *
group_name(const Engine *engine, const char *query_id)
{
	StrBuf id = {0};
	char  *name;

	strbuf_printf(&id, "_confluent-ksql-%squery_%s", settings_text(engine->settings, "ksql.service.id"), query_id);
	name = xstrdup(strbuf_text(&id));
	strbuf_free(&id);
	for (char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("._-", *c) == NULL)
			*c = '_';
	return name;
}

Status
share_positions(Engine *engine, const char *query_id, Topic *topic, int64_t *positions, Error *err)
{
	char  *group_id = group_name(engine, query_id);
	Status status = kafka_committed(engine->topics, group_id, topic, positions, err);

	for (int p = 0; p < topic->config.n_partitions; p++)
		if (status == FAILED || positions[p] < 0)
			positions[p] = 0;
	free(group_id);
	return status;
}

Share *
share_new(Query *query)
{
	Share	   *self = xcalloc(1, sizeof *self);
	Fragment  **fragments;

	self->query = query;
	self->engine = query->engine;
	self->group_id = group_name(query->engine, query->id);
	self->standby = standby_new(query->engine, query->id, self->group_id, query->settings);
	fragments_cut(&self->arena, query->persistent.plan, self->group_id, &fragments, &self->n_runs);
	self->runs = arena_array(&self->arena, ShareRun, self->n_runs);
	for (int i = 0; i < self->n_runs; i++) {
		self->runs[i].fragment = fragments[i];
		self->runs[i].share = self;
	}
	return self;
}

/* ---- topics ---- */

static int
partitions_of(void *context, const TopicSpec *topic)
{
	Share *self = context;
	Topic *found;
	Error  ignored;

	if (topics_find(self->engine->topics, str_of(topic->name), &found, &ignored) == FAILED || found == NULL)
		return topic->n_partitions;
	return found->config.n_partitions;
}

/* The topic of that name, made if it is not there. */
static Status
internal_topic(Share *self, const char *name, int n_partitions, bool is_compacted, Topic **out, Error *err)
{
	TopicConfig config = {.n_partitions = n_partitions, .retention_ms = -1, .is_compacted = is_compacted,
						  .n_replicas = (int)settings_int(self->engine->settings, "ksql.internal.topic.replicas")};

	TRY(topics_find(self->engine->topics, str_of(name), out, err));
	if (*out == NULL)
		TRY(topics_create(self->engine->topics, str_of(name), &config, out, err));
	if ((*out)->config.n_partitions != n_partitions) {
		error_fatal(err, "The topic %s has %d partitions, the query needs %d", name, (*out)->config.n_partitions, n_partitions);
		return error_hint(err, "The topics that it reads have changed; TERMINATE the query and create it again.");
	}
	return OK;
}

static void
add_input(Share *self, Topic *topic)
{
	for (int i = 0; i < self->n_inputs; i++)
		if (self->inputs[i] == topic)
			return;
	grow_array(self->inputs, self->n_inputs, self->capacity);
	self->inputs[self->n_inputs++] = topic;
}

static Status
check_source(const SourceSpec *source, Error *err)
{
	if (source->kind == SOURCE_TOPIC || source->kind == SOURCE_EXCHANGE)
		return OK;
	error_unsupported(err, "A persistent query on Kafka reads topics only, and %s is none", source->name != NULL ? source->name : "a source");
	return error_hint(err, "COPY ... FROM brings a file into a topic; a bounded SELECT may join topics with files.");
}

static Status
resolve_run(Share *self, ShareRun *run, Error *err)
{
	const Fragment *f = run->fragment;
	Topic		   *topic;

	for (int i = 0; i < f->plan.n_sources; i++) {
		const SourceSpec *source = source_of(f->plan.sources[i]);

		TRY(check_source(source, err));
		TRY(topics_find(self->engine->topics, str_of(source->topic->name), &topic, err));
		if (topic == NULL) {
			error_fatal(err, "The topic %s does not exist any more", source->topic->name);
			return error_hint(err, "It was deleted while a query read it; TERMINATE the query, or create the topic again.");
		}
		add_input(self, topic);
	}
	run->changelog = NULL;
	return f->changelog != NULL ? internal_topic(self, f->changelog, f->n_partitions, true, &run->changelog, err) : OK;
}

/* All topics, those of our own made where they are missing. */
static Status
resolve_topics(Share *self, Error *err)
{
	Fragment **fragments = arena_array(&self->arena, Fragment *, self->n_runs);
	Topic	  *made;

	for (int i = 0; i < self->n_runs; i++)
		fragments[i] = self->runs[i].fragment;
	TRY(fragments_set_partitions(fragments, self->n_runs, partitions_of, self, err));
	for (int i = 0; i < self->n_runs; i++)
		if (fragments[i]->output != NULL)
			TRY(internal_topic(self, fragments[i]->output->name, fragments[i]->output->n_partitions, false, &made, err));
	self->n_inputs = 0;
	for (int i = 0; i < self->n_runs; i++)
		TRY(resolve_run(self, &self->runs[i], err));
	return OK;
}

static Topic *
input_named(const Share *self, const char *name)
{
	for (int i = 0; i < self->n_inputs; i++)
		if (strcmp(self->inputs[i]->name.data, name) == 0)
			return self->inputs[i];
	return NULL;
}

static bool
starts_at_latest(const Share *self)
{
	for (int i = 0; i < self->n_runs; i++)
		for (int s = 0; s < self->runs[i].fragment->plan.n_sources; s++)
			if (source_of(self->runs[i].fragment->plan.sources[s])->from_latest)
				return true;
	return false;
}

/* ---- state ---- */

static void
backend_log(ShareBackend *self, int op_id, int table, Str key, Str value, bool is_removed)
{
	Record record = {.timestamp = env_now(self->share->engine->env), .value = value, .value_is_null = is_removed};

	changelog_key(&self->key, op_id, table, key);
	record.key = strbuf_str(&self->key);
	topic_unit_append(self->share->query->unit, self->changelog, self->partition, &record);
}

static Status
backend_scan(StateBackend *backend, int op_id, int table, StateVisitor visit, void *context, Error *err)
{
	ShareBackend *self = (ShareBackend *)backend;

	return self->local != NULL ? self->local->scan(self->local, op_id, table, visit, context, err) : OK;
}

static void
backend_put(StateBackend *backend, int op_id, int table, Str key, Str value)
{
	ShareBackend *self = (ShareBackend *)backend;

	if (self->local == NULL)
		return;
	self->local->put(self->local, op_id, table, key, value);
	backend_log(self, op_id, table, key, value, false);
}

static void
backend_remove(StateBackend *backend, int op_id, int table, Str key)
{
	ShareBackend *self = (ShareBackend *)backend;

	if (self->local == NULL)
		return;
	self->local->remove(self->local, op_id, table, key);
	backend_log(self, op_id, table, key, (Str){0}, true);
}

/* ---- restoring ---- */

static Changelog
changelog_of(const Share *self, const ShareRun *run, int partition)
{
	return (Changelog){.engine = self->engine, .query_id = self->query->id, .topic = run->changelog, .partition = partition};
}

/* The store's copies are of no use: everything comes from the changelogs, with the next try. */
static Status
forget_state(Share *self, Error *err)
{
	standby_pause(self->standby);
	Status status = changelog_forget_all(self->engine, self->query->id, err);
	standby_resume(self->standby);

	if (status == OK)
		status = error_set(err, ERROR_TRANSIENT, "The state of %s is restored from the beginning of its changelogs", self->query->id);
	return status;
}

/* Brings the store's copy of a partition's state up to the end of its changelog. */
static Status
restore(Share *self, const ShareRun *run, int partition, Error *err)
{
	Query	 *query = self->query;
	Changelog changelog = changelog_of(self, run, partition);
	Nanos	  began = nanos_now();
	int64_t	  n_records;
	Status	  status = changelog_restore(&changelog, &query->interrupted, &n_records, err);

	query->restored_records += n_records;
	query->restored_tasks++;
	query->restore_nanos += nanos_now() - began;
	return status == DONE ? forget_state(self, err) : status;
}

/* Between Kafka's commit and the store's: how far the store's state is now. */
static void
before_store(void *context, TopicUnit *unit)
{
	Share *self = context;

	for (int i = 0; i < self->n_runs; i++) {
		ShareRun *run = &self->runs[i];

		for (int p = 0; run->changelog != NULL && p < run->fragment->n_partitions; p++) {
			int64_t	  written = kafka_group_written(self->group, run->changelog, p);
			Changelog changelog = changelog_of(self, run, p);

			if (written >= 0)
				changelog_put_position(&changelog, unit->store, written);
		}
	}
}

/* ---- opening what is here ---- */

/* True if the task of that partition has anything to read here. */
static bool
owns_task(const Share *self, const Fragment *fragment, int partition)
{
	for (int i = 0; i < fragment->plan.n_sources; i++) {
		Topic *topic = input_named(self, source_of(fragment->plan.sources[i])->topic->name);

		for (int p = partition; topic != NULL && p < topic->config.n_partitions; p += fragment->n_partitions)
			if (kafka_group_owns(self->group, topic, p))
				return true;
	}
	return false;
}

static bool
run_owns(void *context, const SourceSpec *source, int partition)
{
	ShareRun *self = context;
	Topic	 *topic = input_named(self->share, source->topic->name);

	return topic != NULL && kafka_group_owns(self->share->group, topic, partition);
}

static bool
run_position(void *context, const SourceSpec *source, int partition, int64_t *position)
{
	ShareRun *self = context;
	Topic	 *topic = input_named(self->share, source->topic->name);

	return topic != NULL && kafka_group_position(self->share->group, topic, partition, position);
}

static StateBackend *
run_backend(void *context, int partition)
{
	ShareRun	 *self = context;
	ShareBackend *backend = xcalloc(1, sizeof *backend);

	backend->backend = (StateBackend){.scan = backend_scan, .put = backend_put, .remove = backend_remove};
	backend->share = self->share;
	backend->changelog = self->changelog;
	backend->partition = partition;
	/* Tasks of others have no state here, and no rows. */
	if (self->changelog != NULL && owns_task(self->share, self->fragment, partition))
		backend->local = epoch_backend_new(self->share->engine, self->share->query->id, self->share->query->unit->store, partition);
	self->backends = xrealloc(self->backends, sizeof *self->backends * (size_t)(self->n_backends + 1));
	self->backends[self->n_backends++] = backend;
	return &backend->backend;
}

static void
run_close(ShareRun *run)
{
	stream_run_close(run->run);
	run->run = NULL;
	for (int i = 0; i < run->n_backends; i++) {
		epoch_backend_free(run->backends[i]->local);
		strbuf_free(&run->backends[i]->key);
		free(run->backends[i]);
	}
	free(run->backends);
	run->backends = NULL;
	run->n_backends = 0;
}

static Status
run_open(Share *self, ShareRun *run, Error *err)
{
	StreamRunOptions options = {.sources = &self->sources, .owns = run_owns, .position = run_position, .state = run_backend, .context = run,
								.n_partitions = run->fragment->n_partitions};
	bool			 is_here = false;

	for (int p = 0; p < run->fragment->n_partitions; p++) {
		if (!owns_task(self, run->fragment, p))
			continue;
		is_here = true;
		if (run->changelog != NULL)
			TRY(restore(self, run, p, err));
	}
	if (!is_here)
		return OK;
	query_run_options(self->query, &options, true);
	return stream_run_open(&run->fragment->plan, &options, &run->run, err);
}

static void
close_runs(Share *self)
{
	for (int i = 0; i < self->n_runs; i++)
		run_close(&self->runs[i]);
	dead_letters_forget(self->query);
	query_close_output(self->query);
	self->is_open = false;
}

/* Before anything is restored: who stands by writes to none of it any more. */
static void
tell_standby(Share *self)
{
	for (int i = 0; i < self->n_runs; i++) {
		const ShareRun *run = &self->runs[i];

		for (int p = 0; run->changelog != NULL && p < run->fragment->n_partitions; p++)
			standby_set_owned(self->standby, run->changelog, p, owns_task(self, run->fragment, p));
	}
}

static Status
open_runs(Share *self, Error *err)
{
	Query *query = self->query;

	close_runs(self);
	tell_standby(self);
	query_open_output(query, kafka_group_unit_new(self->group, self->engine->store));
	TRY(query_check_functions(query, err));
	TRY(query_check_fingerprint(query, query->unit->store, err));
	query->output->row_log = &query->row_log;
	if (query->persistent.sink != NULL && query->persistent.sink->kind == ENTITY_TABLE)
		query->output->keyed_topic = query->persistent.sink->topic;
	self->sources = (SourceContext){.env = self->engine->env, .topics = kafka_group_topics(self->group), .store = self->engine->store,
									.n_threads = 1, .bad_records = &query->bad_records};
	for (int i = 0; i < self->n_runs; i++)
		TRY(run_open(self, &self->runs[i], err));
	self->is_open = true;
	return OK;
}

/* ---- an epoch ---- */

/* Nothing is open yet: a copy of state that is of no use any more goes, and those of the query's other partitions with it. */
static Status
forget_old_state(Share *self, Error *err)
{
	bool is_old = false;

	for (int i = 0; i < self->n_runs && !is_old; i++)
		for (int p = 0; self->runs[i].changelog != NULL && p < self->runs[i].fragment->n_partitions && !is_old; p++) {
			Changelog changelog = changelog_of(self, &self->runs[i], p);

			changelog_position(&changelog, &is_old);
		}
	return is_old ? changelog_forget_all(self->engine, self->query->id, err) : OK;
}

static Status
stand_by(Share *self, Error *err)
{
	for (int i = 0; i < self->n_runs; i++)
		if (self->runs[i].changelog != NULL)
			standby_add(self->standby, self->runs[i].changelog);
	return standby_start(self->standby, err);
}

static void
leave_group(Share *self)
{
	standby_stop(self->standby);
	kafka_group_close(self->group);
	self->group = NULL;
}

static Status
join_group(Share *self, Error *err)
{
	Query			  *query = self->query;
	KafkaGroupOptions options = {.id = self->group_id, .instance = self->engine->instance, .client = self->engine->member,
								 .settings = query->settings,
								 .exactly_once = strcmp(settings_text(query->settings, "processing.guarantee"), "at_least_once") != 0,
								 .from_latest = starts_at_latest(self), .wake = query_wake, .context = query,
								 .interrupted = &query->interrupted};

	if (self->group != NULL)
		return OK;
	TRY(resolve_topics(self, err));
	TRY(forget_old_state(self, err));
	options.n_topics = self->n_inputs;
	options.topics = self->inputs;
	TRY(kafka_group_open(self->engine->topics, &options, &self->group, err));
	kafka_group_before_store(self->group, before_store, self);
	return stand_by(self, err);
}

static void
set_position(void *context, const char *input, int partition, int64_t position)
{
	Share *self = context;
	Topic *topic = input_named(self, input);

	if (topic != NULL)
		kafka_group_set_position(self->group, topic, partition, position);
	dead_letters_reach(self->query, input, partition, position);
}

Status
share_run_epoch(Share *self, int64_t *n_rows, Error *err)
{
	Query *query = self->query;
	bool   changed;

	TRY(join_group(self, err));
	TRY(kafka_group_poll(self->group, &changed, err));
	if (changed || !self->is_open)
		TRY(open_runs(self, err));
	for (int i = 0; i < self->n_runs; i++) {
		int64_t n = 0;

		if (self->runs[i].run == NULL)
			continue;
		query->run_at_work = self->runs[i].run;
		if (stream_run_epoch(self->runs[i].run, &n, err) == FAILED)
			return FAILED;
		*n_rows += n;
		stream_run_positions(self->runs[i].run, set_position, self);
	}
	TRY(query_check_bad(query, err));
	TRY(dead_letters_check(query, err));
	query_failures_pass(query, query->unit->store);
	if (query->interrupted)
		return error_set(err, ERROR_INTERRUPTED, "The query was stopped within an epoch");
	if (*n_rows > 0 || !topic_unit_is_empty(query->unit) || kafka_group_has_moved(self->group)) {
		Nanos flushed = nanos_now();

		TRY(topic_unit_commit(query->unit, err));
		latency_add(&self->engine->counters.commit, nanos_now() - flushed);
		self->engine->counters.epochs++;
		topic_unit_clear(query->unit);
		query_failures_passed(query);
		query->epochs++;
	}
	return OK;
}

void
share_recover(Share *self, bool for_good)
{
	close_runs(self);
	self->query->bad_record[0] = '\0';
	if (self->group == NULL)
		return;
	if (for_good || self->query->interrupted || !kafka_group_rewind(self->group))
		leave_group(self);
}

Standby *
share_standby(const Share *self)
{
	return self->standby;
}

void
share_close(Share *self)
{
	close_runs(self);
	leave_group(self);
}

void
share_free(Share *self)
{
	if (self == NULL)
		return;
	share_close(self);
	standby_free(self->standby);
	free(self->inputs);
	free(self->group_id);
	arena_free(&self->arena);
	free(self);
}

/* ---- creating and dropping ---- */

static int
planned_partitions(void *context, const TopicSpec *topic)
{
	return partitions_of(&(Share){.engine = context}, topic);
}

/* The members of a group have each partition once. */
static Status
check_read_once(const Plan *plan, Error *err)
{
	for (int i = 0; i < plan->n_sources; i++)
		for (int k = 0; k < i; k++) {
			const SourceSpec *a = source_of(plan->sources[i]), *b = source_of(plan->sources[k]);

			if (a->kind != SOURCE_TOPIC || b->kind != SOURCE_TOPIC || strcmp(a->topic->name, b->topic->name) != 0)
				continue;
			error_unsupported(err, "A persistent query on Kafka reads a topic once, and this one reads %s twice", a->topic->name);
			return error_hint(err, "Let it read a copy: CREATE STREAM ... AS SELECT * FROM ...");
		}
	return OK;
}

Status
share_check(Engine *engine, const Plan *plan, Error *err)
{
	Arena	   arena = {0};
	Fragment **fragments;
	int		   n;
	Status	   status = OK;

	status = check_read_once(plan, err);
	fragments_cut(&arena, plan, "check", &fragments, &n);
	for (int i = 0; i < n && status == OK; i++)
		for (int s = 0; s < fragments[i]->plan.n_sources && status == OK; s++)
			status = check_source(source_of(fragments[i]->plan.sources[s]), err);
	if (status == OK)
		status = fragments_set_partitions(fragments, n, planned_partitions, engine, err);
	arena_free(&arena);
	return status;
}

static Status
commit_start(Share *self, Topic *topic, Error *err)
{
	int64_t *positions = arena_array(&self->arena, int64_t, topic->config.n_partitions);

	for (int p = 0; p < topic->config.n_partitions; p++) {
		int64_t begin;

		TRY(topics_ends(self->engine->topics, topic, p, &begin, &positions[p], err));
	}
	return kafka_commit_positions(self->engine->topics, self->group_id, topic, positions, err);
}

Status
share_create(Share *self, Error *err)
{
	TRY(resolve_topics(self, err));
	for (int i = 0; i < self->n_runs; i++)
		for (int s = 0; s < self->runs[i].fragment->plan.n_sources; s++) {
			const SourceSpec *source = source_of(self->runs[i].fragment->plan.sources[s]);

			if (source->from_latest)
				TRY(commit_start(self, input_named(self, source->topic->name), err));
		}
	return OK;
}

static void
drop_topic(Share *self, const char *name)
{
	Topic *topic;
	Error  ignored;

	if (name != NULL && topics_find(self->engine->topics, str_of(name), &topic, &ignored) == OK && topic != NULL)
		topics_drop(self->engine->topics, topic, &ignored);
}

void
share_drop(Share *self)
{
	share_close(self);
	for (int i = 0; i < self->n_runs; i++) {
		drop_topic(self, self->runs[i].fragment->changelog);
		drop_topic(self, self->runs[i].fragment->output != NULL ? self->runs[i].fragment->output->name : NULL);
	}
	kafka_group_delete(self->engine->topics, self->group_id);
}

/* ---- waiting ---- */

/* What is waited for: a copy, because the query may be dropped meanwhile. */
typedef struct ShareWait {
	Engine				*engine;
	const char			*query_id;
	const char			*group_id;
	const _Atomic bool *interrupted;
} ShareWait;

static bool
wait_goes_on(const ShareWait *self)
{
	Query *query;
	bool   is_running;

	pthread_mutex_lock(&self->engine->lock_queries);
	query = query_find(self->engine, str_of(self->query_id));
	is_running = query != NULL && query->state == QUERY_RUNNING;
	pthread_mutex_unlock(&self->engine->lock_queries);
	return is_running;
}

static Status
has_reached(const ShareWait *self, Topic *topic, const int64_t *ends, bool *reached, Error *err)
{
	int64_t *positions = xcalloc((size_t)topic->config.n_partitions, sizeof *positions);
	Status	 status = kafka_committed(self->engine->topics, self->group_id, topic, positions, err);

	*reached = status == OK;
	for (int p = 0; p < topic->config.n_partitions && *reached; p++)
		*reached = ends[p] == 0 || positions[p] >= ends[p];
	free(positions);
	return status;
}

/* Nobody may be running it: then it is done here. */
static Status
start_if_abandoned(const ShareWait *self, Error *err)
{
	int n_members;

	TRY(kafka_group_members(self->engine->topics, self->group_id, &n_members, err));
	return n_members == 0 ? query_take_part(self->engine, self->query_id, err) : OK;
}

static Status
wait_topic(const ShareWait *self, Topic *topic, Error *err)
{
	int64_t *ends = xcalloc((size_t)topic->config.n_partitions, sizeof *ends);
	bool	 reached = false;
	Status	 status = OK;

	for (int p = 0; p < topic->config.n_partitions && status == OK; p++) {
		int64_t begin;

		status = topics_ends(self->engine->topics, topic, p, &begin, &ends[p], err);
		if (begin == ends[p])
			ends[p] = 0;
	}
	for (int tries = 1; status == OK && !reached && wait_goes_on(self); tries++) {
		status = has_reached(self, topic, ends, &reached, err);
		if (status == OK && !reached && tries % MEMBERS_AFTER == 0)
			status = start_if_abandoned(self, err);
		if (self->interrupted != NULL && *self->interrupted)
			status = error_set(err, ERROR_INTERRUPTED, "Cancelled while waiting for query %s", self->query_id);
		if (status == OK && !reached)
			nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000}, NULL);
	}
	free(ends);
	return status;
}

/* A topic is gone: by running the query here it comes to light what that means. */
static Status
wait_failure(const ShareWait *self, Error *err)
{
	TRY(query_take_part(self->engine, self->query_id, err));
	for (int tries = 0; tries < FAILURE_TRIES && wait_goes_on(self); tries++)
		nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000}, NULL);
	return OK;
}

/* What the query reads and, last, what it writes. */
static int
topic_names(const Share *self, Arena *arena, const char ***out, bool **is_sink)
{
	int n = 0;

	for (int i = 0; i < self->n_runs; i++)
		n += self->runs[i].fragment->plan.n_sources;
	*out = arena_array(arena, const char *, n + 2);
	*is_sink = arena_array(arena, bool, n + 2);
	n = 0;
	for (int i = 0; i < self->n_runs; i++)
		for (int s = 0; s < self->runs[i].fragment->plan.n_sources; s++) {
			const SourceSpec *source = source_of(self->runs[i].fragment->plan.sources[s]);

			if (source->topic != NULL)
				(*out)[n++] = arena_strdup(arena, source->topic->name);
		}
	if (self->query->persistent.sink != NULL && self->query->persistent.sink->topic != NULL) {
		(*is_sink)[n] = true;
		(*out)[n++] = arena_strdup(arena, self->query->persistent.sink->topic);
	}
	return n;
}

Status
share_wait(Engine *engine, const char *query_id, const _Atomic bool *interrupted, Error *err)
{
	Arena		 arena = {0};
	ShareWait	 self = {.engine = engine, .query_id = query_id, .interrupted = interrupted};
	const char **names;
	bool		*is_sink;
	int			 n = 0;
	Status		 status = OK;
	Query		*query;

	pthread_mutex_lock(&engine->lock_queries);
	query = query_find(engine, str_of(query_id));
	if (query != NULL && query->share != NULL) {
		n = topic_names(query->share, &arena, &names, &is_sink);
		self.group_id = arena_strdup(&arena, query->share->group_id);
	}
	pthread_mutex_unlock(&engine->lock_queries);
	/* Upstream first; what the query writes comes last. */
	for (int i = 0; i < n && status == OK; i++) {
		Topic *topic;

		status = topics_find(engine->topics, str_of(names[i]), &topic, err);
		if (status == OK)
			status = topic == NULL ? wait_failure(&self, err) : kafka_settle(engine->topics, topic, interrupted, err);
		if (status == OK && topic != NULL && !is_sink[i])
			status = wait_topic(&self, topic, err);
	}
	arena_free(&arena);
	return status;
}
