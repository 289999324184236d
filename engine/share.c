#include "engine/share_impl.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/changelog.h"
#include "engine/dead_letter.h"
#include "engine/share_file.h"
#include "exec/op/scan.h"

static const SourceSpec *
source_of(const PlanNode *scan)
{
	return ((const ScanSpec *)scan->spec)->source;
}

/* ksqlDB's name for the group.  It begins the names of topics too, which may not have all that a name may have. */
char *
share_group_id(const Engine *engine, const char *query_id)
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
	char  *group_id = share_group_id(engine, query_id);
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
	int			n_sources = 0;

	self->query = query;
	self->engine = query->engine;
	self->group_id = share_group_id(query->engine, query->id);
	self->standby = standby_new(query->engine, query->id, self->group_id, query->settings);
	fragments_cut(&self->arena, query->persistent.plan, self->group_id, &fragments, &self->n_runs);
	self->runs = arena_array(&self->arena, ShareRun, self->n_runs);
	for (int i = 0; i < self->n_runs; i++) {
		ShareRun *run = &self->runs[i];

		run->fragment = fragments[i];
		run->share = self;
		run->n_sources = fragments[i]->plan.n_sources;
		run->sources = arena_array(&self->arena, ShareSource, run->n_sources + 1);
		for (int s = 0; s < run->n_sources; s++)
			run->sources[s].spec = source_of(fragments[i]->plan.sources[s]);
		n_sources += run->n_sources;
	}
	self->inputs = arena_array(&self->arena, Topic *, n_sources + 1);
	self->n_readers = arena_array(&self->arena, int, n_sources + 1);
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

/* The topic of that name, made if it is not there.  Rows in it have their own times, which may be long ago: no retention may remove them unread. */
static Status
internal_topic(Share *self, const char *name, int n_partitions, bool is_compacted, Topic **out, Error *err)
{
	TopicConfig config = {.n_partitions = n_partitions, .retention_ms = INT64_MAX, .is_compacted = is_compacted,
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
add_input(Share *self, ShareSource *source)
{
	int i = 0;

	while (i < self->n_inputs && self->inputs[i] != source->topic)
		i++;
	if (i == self->n_inputs) {
		self->inputs[self->n_inputs++] = source->topic;
		self->n_readers[i] = 0;
	}
	source->reader = self->n_readers[i]++;
}

static Status
check_source(const SourceSpec *source, Error *err)
{
	if (source->kind == SOURCE_TOPIC || source->kind == SOURCE_EXCHANGE || source->kind == SOURCE_FILE)
		return OK;
	error_unsupported(err, "A persistent query on Kafka reads topics and files, and %s is neither", source->name != NULL ? source->name : "a source");
	return error_hint(err, "INSERT INTO ... VALUES brings rows into a topic.");
}

static Status
resolve_source(Share *self, const Fragment *fragment, ShareSource *source, Error *err)
{
	TRY(check_source(source->spec, err));
	if (source->spec->kind == SOURCE_FILE)
		TRY(internal_topic(self, fragment->file_topic, 1, false, &source->topic, err));
	else
		TRY(topics_find(self->engine->topics, str_of(source->spec->topic->name), &source->topic, err));
	if (source->topic == NULL) {
		error_fatal(err, "The topic %s does not exist any more", source->spec->topic->name);
		return error_hint(err, "It was deleted while a query read it; TERMINATE the query, or create the topic again.");
	}
	add_input(self, source);
	return OK;
}

static Status
resolve_run(Share *self, ShareRun *run, Error *err)
{
	const Fragment *f = run->fragment;

	for (int i = 0; i < run->n_sources; i++)
		TRY(resolve_source(self, f, &run->sources[i], err));
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

static ShareSource *
run_source(const ShareRun *run, const SourceSpec *spec)
{
	for (int i = 0; i < run->n_sources; i++)
		if (run->sources[i].spec == spec)
			return &run->sources[i];
	return NULL;
}

/* By SourceSpec.input, which no two sources of a query have in common. */
static ShareSource *
run_input(const ShareRun *run, const char *input)
{
	for (int i = 0; i < run->n_sources; i++)
		if (input != NULL && strcmp(run->sources[i].spec->input, input) == 0)
			return &run->sources[i];
	return NULL;
}

static bool
starts_at_latest(const Share *self)
{
	for (int i = 0; i < self->n_runs; i++)
		for (int s = 0; s < self->runs[i].n_sources; s++)
			if (self->runs[i].sources[s].spec->from_latest)
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
	Status	  status = changelog_restore(&changelog, &query->interrupted, &query->restore_left, &n_records, err);

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
owns_task(const Share *self, const ShareRun *run, int partition)
{
	for (int i = 0; i < run->n_sources; i++) {
		const Topic *topic = run->sources[i].topic;

		for (int p = partition; topic != NULL && p < topic->config.n_partitions; p += run->fragment->n_partitions)
			if (kafka_group_owns(self->group, topic, p))
				return true;
	}
	return false;
}

static bool
run_owns(void *context, const SourceSpec *spec, int partition)
{
	const ShareRun	  *self = context;
	const ShareSource *source = run_source(self, spec);

	return kafka_group_owns(self->share->group, source->topic, spec->kind == SOURCE_FILE ? 0 : partition);
}

static bool
run_position(void *context, const SourceSpec *spec, int partition, int64_t *position)
{
	const ShareRun	  *self = context;
	const ShareSource *source = run_source(self, spec);

	if (spec->kind == SOURCE_FILE)
		return share_file_committed(self, spec->input, partition, position);
	return kafka_group_position(self->share->group, source->topic, partition, source->reader, position);
}

static const SourceContext *
run_sources(void *context, const SourceSpec *spec)
{
	return &run_source(context, spec)->context;
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
	if (self->changelog != NULL && owns_task(self->share, self, partition))
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
	free(run->positions);
	run->positions = NULL;
	run->n_positions = 0;
	run->has_ended = false;
}

static Status
run_open(Share *self, ShareRun *run, Error *err)
{
	StreamRunOptions options = {.sources_for = run_sources, .owns = run_owns, .position = run_position, .state = run_backend, .context = run,
								.n_partitions = run->fragment->n_partitions, .tasks_apart = true};
	bool			 is_here = false;

	for (int p = 0; p < run->fragment->n_partitions; p++) {
		if (!owns_task(self, run, p))
			continue;
		is_here = true;
		if (run->changelog != NULL)
			TRY(restore(self, run, p, err));
	}
	if (!is_here)
		return OK;
	run->has_ended = run->fragment->file_topic != NULL && share_file_has_ended(run);
	if (run->has_ended) {
		kafka_group_set_position(self->group, run->sources[0].topic, 0, 0, FILES_READ);
		return OK;
	}
	for (int i = 0; i < run->n_sources; i++)
		run->sources[i].context = (SourceContext){.env = self->engine->env, .topics = kafka_group_topics(self->group, run->sources[i].reader),
												  .store = self->engine->store, .n_threads = 1, .bad_records = &self->query->bad_records};
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
	self->held_since = 0;
}

/* Before anything is restored: who stands by writes to none of it any more. */
static void
tell_standby(Share *self)
{
	for (int i = 0; i < self->n_runs; i++) {
		const ShareRun *run = &self->runs[i];

		for (int p = 0; run->changelog != NULL && p < run->fragment->n_partitions; p++)
			standby_set_owned(self->standby, run->changelog, p, owns_task(self, run, p));
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
								 .from_latest = starts_at_latest(self), .wake = query_wake, .context = query,
								 .interrupted = &query->interrupted};

	if (self->group != NULL)
		return OK;
	self->is_exact = options.exactly_once = strcmp(settings_text(query->settings, "processing.guarantee"), "at_least_once") != 0;
	TRY(resolve_topics(self, err));
	TRY(forget_old_state(self, err));
	options.n_topics = self->n_inputs;
	options.topics = self->inputs;
	options.n_readers = self->n_readers;
	TRY(kafka_group_open(self->engine->topics, &options, &self->group, err));
	kafka_group_before_store(self->group, before_store, self);
	share_file_wait(self);
	return stand_by(self, err);
}

static void
set_position(void *context, const char *input, int partition, int64_t position)
{
	ShareRun	*run = context;
	ShareSource *source = run_input(run, input);

	if (source != NULL && source->spec->kind == SOURCE_FILE)
		share_file_position(run, input, partition, position);
	else if (source != NULL)
		kafka_group_set_position(run->share->group, source->topic, partition, source->reader, position);
	dead_letters_reach(run->share->query, input, partition, position);
}

static Status
run_epoch(ShareRun *run, int64_t *n_rows, Error *err)
{
	int64_t n = 0;
	Status	status;

	if (run->run == NULL || run->has_ended || run->is_waiting)
		return OK;
	run->share->query->run_at_work = run->run;
	status = stream_run_epoch(run->run, &n, err);
	if (status == FAILED)
		return FAILED;
	*n_rows += n;
	stream_run_positions(run->run, set_position, run);
	if (status == DONE && run->fragment->file_topic != NULL)
		share_file_end(run);
	return OK;
}

static Status
restore_runs(Share *self, Error *err)
{
	Query *query = self->query;
	Nanos  began = nanos_now();
	Status status;

	query->is_restoring = true;
	status = open_runs(self, err);
	query->load_nanos = nanos_now() - began;
	query->is_restoring = false;
	return status;
}

/* Rows that have crossed a repartition topic are of no use to anybody, and no retention removes them. */
static void
purge(Share *self)
{
	Nanos now = nanos_now();

	if (now < self->purge_at)
		return;
	for (int i = 0; i < self->n_runs && self->purge_at != 0; i++)
		for (int s = 0; s < self->runs[i].n_sources; s++)
			if (self->runs[i].sources[s].spec->kind == SOURCE_EXCHANGE)
				kafka_group_purge(self->group, self->runs[i].sources[s].topic);
	self->purge_at = now + settings_int(self->query->settings, "repartition.purge.interval.ms") * 1000000;
}

/*
 * An epoch is committed when it ends, if a transaction makes it visible.  Otherwise its records are on their way already, and positions and state are
 * committed every commit.interval.ms: committing them after a few rows each would cost more than the rows.
 */
static bool
commit_is_due(const Share *self)
{
	return self->is_exact
		   || nanos_now() - self->held_since >= (Nanos)settings_int(self->query->settings, "commit.interval.ms") * 1000000;
}

static Status
commit_epoch(Share *self, Error *err)
{
	Query *query = self->query;
	Nanos  flushed = nanos_now();

	TRY(topic_unit_commit(query->unit, err));
	query_committed(query, nanos_now() - flushed);
	topic_unit_clear(query->unit);
	query_failures_passed(query);
	self->held_since = 0;
	return OK;
}

/* What is held is complete up to the positions set. */
static void
commit_held(Share *self)
{
	Error ignored;

	if (self->held_since != 0)
		commit_epoch(self, &ignored);
}

Status
share_run_epoch(Share *self, int64_t *n_rows, Error *err)
{
	Query *query = self->query;
	Nanos  began = nanos_now();
	bool   changed = false, freed = false;

	TRY(join_group(self, err));
	/* Partitions may go with it, or reading start again: not while something is to be committed. */
	if (self->held_since == 0)
		TRY(kafka_group_poll(self->group, &changed, err));
	if (changed || !self->is_open)
		TRY(restore_runs(self, err));
	for (int i = 0; i < self->n_runs && self->held_since == 0; i++)
		TRY(share_file_look(&self->runs[i], &freed, err));
	/* The end of the repartition topic that was met before is none any more: reading starts again. */
	if (freed && kafka_group_rewind(self->group))
		return OK;
	for (int i = 0; i < self->n_runs; i++)
		TRY(run_epoch(&self->runs[i], n_rows, err));
	TRY(query_check_bad(query, err));
	TRY(dead_letters_check(query, err));
	query_failures_pass(query, query->unit->store);
	if (query->interrupted) {
		commit_held(self);
		return error_set(err, ERROR_INTERRUPTED, "The query was stopped within an epoch");
	}
	if (*n_rows > 0 || !topic_unit_is_empty(query->unit) || kafka_group_has_moved(self->group)) {
		if (self->held_since == 0)
			self->held_since = began;
		if (commit_is_due(self))
			TRY(commit_epoch(self, err));
	}
	purge(self);
	return OK;
}

void
share_add_figures(const Share *self, StreamRunFigures *out)
{
	for (int i = 0; i < self->n_runs; i++)
		if (self->runs[i].run != NULL)
			stream_run_add_figures(self->runs[i].run, out);
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
	commit_held(self);
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

Status
share_check(Engine *engine, const Plan *plan, Error *err)
{
	Arena	   arena = {0};
	Fragment **fragments;
	int		   n;
	Status	   status = OK;

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
		for (int s = 0; s < self->runs[i].n_sources; s++)
			if (self->runs[i].sources[s].spec->from_latest)
				TRY(commit_start(self, self->runs[i].sources[s].topic, err));
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
		drop_topic(self, self->runs[i].fragment->file_topic);
		drop_topic(self, self->runs[i].fragment->output != NULL ? self->runs[i].fragment->output->name : NULL);
	}
	kafka_group_delete(self->engine->topics, self->group_id);
}
