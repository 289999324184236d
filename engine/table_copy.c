#include "engine/table_copy.h"

#include <stdlib.h>
#include <time.h>

#include "common/hash.h"
#include "io/connector/embedded/kept_row.h"
#include "io/connector/kafka/kafka.h"
#include "planner/planner.h"

#define OLD_MS (12LL * 3600 * 1000)		/* half of the time for which compaction keeps deletions by default */
#define ROUND_MS 200					/* without a record: until it is looked again */
#define LOOK_NANOS INT64_C(5000000000)	/* between two looks whether the topic is as it was */
#define WAIT_NANOS INT64_C(20000000000)
#define AGAIN_NANOS INT64_C(5000000000)	/* after a failure */
#define MOST_ROWS 20000					/* of a unit */

struct TableCopy {
	TableCopy	   *next;
	Engine		   *engine;
	Arena			arena;
	const char	   *table;
	const char	   *query_id;			/* which table of that name it is */
	const char	   *sql;				/* and in which form */
	const CatalogSnapshot *snapshot;	/* that the spec points into */
	_Atomic int		n_users;			/* who waits for it */
	SourceSpec		spec;
	Topic		   *topic;				/* NULL: not looked up yet */
	pthread_t		thread;
	_Atomic bool	is_ending;
	_Atomic bool	is_done;			/* the thread has ended */
	Nanos			done_at;
	pthread_mutex_t lock;				/* what follows */
	pthread_cond_t	moved;
	bool			is_ready;			/* it was at the end once */
	int64_t		   *positions;			/* committed */
};

/* ---- what the store has ---- */

/* Positions are of this very table: one of the same name later on has another query, one that was replaced another statement. */
static const char *
position_name(const TableCopy *self, StrBuf *out)
{
	strbuf_clear(out);
	strbuf_printf(out, "copy of %s %016llx", self->query_id, (unsigned long long)hash_bytes(self->sql, strlen(self->sql)));
	return strbuf_text(out);
}

static bool
is_old(const TableCopy *self, const char *name)
{
	int64_t time = 0;
	Error	ignored;

	return store_position_get(self->engine->store, str_of(name), STR("time"), 0, &time, &ignored) != OK
		   || env_now(self->engine->env) - time > OLD_MS;
}

/* Where each partition goes on.  Rows that are no more of use go first. */
static Status
load_positions(TableCopy *self, int64_t state_id, Source *source, Error *err)
{
	StrBuf		name = {0};
	const char *query = position_name(self, &name);
	bool		is_new = is_old(self, query);
	StoreUnit  *unit = store_unit_new(self->engine->store);
	Status		status = OK;

	if (is_new) {
		store_unit_drop_query(unit, str_of(query));
		store_unit_delete_range(unit, state_id, 0, STR(""), STR(""));
		status = store_commit(self->engine->store, unit, err);
	}
	for (int p = 0; p < source->n_partitions && status == OK; p++) {
		int64_t position = 0, begin = 0, end = 0;
		Error	ignored;

		status = topics_ends(self->engine->topics, self->topic, p, &begin, &end, err);
		if (is_new || store_position_get(self->engine->store, str_of(query), self->topic->name, p, &position, &ignored) != OK || position > end)
			position = begin;
		self->positions[p] = position;
		if (status == OK)
			status = source->type->seek(source, p, position, err);
	}
	store_unit_free(unit);
	strbuf_free(&name);
	return status;
}

/* ---- following ---- */

static void
put_rows(const TableCopy *self, StoreUnit *unit, int64_t state_id, const Batch *batch, StrBuf *key, StrBuf *value)
{
	int n_key = self->spec.n_key;

	for (int32_t i = 0; i < batch->n_rows; i++) {
		strbuf_clear(key);
		strbuf_clear(value);
		kept_row_encode_key(batch->columns, n_key, i, false, 0, 0, key);
		if (row_kind_is_null(batch_row_kind(batch, i))) {
			store_unit_delete(unit, state_id, 0, strbuf_str(key));
			continue;
		}
		kept_row_encode_value(batch->columns + n_key, batch->n_columns - n_key, i, batch->event_time[i], value);
		store_unit_put(unit, state_id, 0, strbuf_str(key), strbuf_str(value));
	}
}

/* All that is there now of a partition.  *n: rows taken, of all of them. */
static Status
read_partition(TableCopy *self, Source *source, int partition, StoreUnit *unit, int64_t state_id, int64_t *n, Error *err)
{
	Arena  arena = {0};
	StrBuf key = {0}, value = {0};
	Batch *batch;
	Status status;

	do {
		arena_reset(&arena);
		batch = NULL;
		status = source->type->read(source, partition, BATCH_ROWS, &arena, &batch, err);
		if (status != FAILED && batch != NULL) {
			put_rows(self, unit, state_id, batch, &key, &value);
			*n += batch->n_rows;
		}
	} while (status != FAILED && batch != NULL && *n < MOST_ROWS && !self->is_ending);
	strbuf_free(&key);
	strbuf_free(&value);
	arena_free(&arena);
	return status == FAILED ? FAILED : OK;
}

static Status
commit_round(TableCopy *self, Source *source, StoreUnit *unit, bool *moved, Error *err)
{
	StrBuf		name = {0};
	const char *query = position_name(self, &name);
	Status		status = OK;

	*moved = false;
	for (int p = 0; p < source->n_partitions; p++)
		if (source->type->position(source, p) != self->positions[p]) {
			store_unit_position(unit, str_of(query), self->topic->name, p, source->type->position(source, p));
			*moved = true;
		}
	store_unit_position(unit, str_of(query), STR("time"), 0, env_now(self->engine->env));
	if (*moved)
		status = store_commit(self->engine->store, unit, err);
	store_unit_clear(unit);
	pthread_mutex_lock(&self->lock);
	for (int p = 0; p < source->n_partitions && status == OK; p++)
		self->positions[p] = source->type->position(source, p);
	pthread_cond_broadcast(&self->moved);
	pthread_mutex_unlock(&self->lock);
	strbuf_free(&name);
	return status;
}

static bool
is_at_end(const Source *source)
{
	for (int p = 0; p < source->n_partitions; p++)
		if (source->type->is_behind(source, p))
			return false;
	return true;
}

static Status
look_at_topic(TableCopy *self, Nanos *look_at, Error *err)
{
	Topic *found;

	if (nanos_now() < *look_at)
		return OK;
	*look_at = nanos_now() + LOOK_NANOS;
	if (!kafka_answers(self->engine->topics))
		return OK;		/* brokers that are away say nothing of the topic */
	TRY(topics_find(self->engine->topics, self->topic->name, &found, err));
	return found == self->topic ? OK : error_set(err, ERROR_TRANSIENT, "The topic %s has changed", self->topic->name.data);
}

static Status
follow(TableCopy *self, Source *source, StoreUnit *unit, int64_t state_id, Error *err)
{
	Nanos look_at = 0;

	TRY(load_positions(self, state_id, source, err));
	while (!self->is_ending) {
		uint64_t seen = topics_append_count(self->engine->topics);
		int64_t	 n = 0;
		bool	 moved;

		TRY(look_at_topic(self, &look_at, err));
		for (int p = 0; p < source->n_partitions && !self->is_ending; p++)
			TRY(read_partition(self, source, p, unit, state_id, &n, err));
		TRY(commit_round(self, source, unit, &moved, err));
		if (n > 0)
			continue;
		pthread_mutex_lock(&self->lock);
		self->is_ready = self->is_ready || is_at_end(source);
		pthread_mutex_unlock(&self->lock);
		topics_append_wait(self->engine->topics, seen, ROUND_MS);
	}
	return OK;
}

static Status
find_topic(TableCopy *self, Error *err)
{
	Topic *topic;

	TRY(topics_find(self->engine->topics, str_of(self->spec.topic->name), &topic, err));
	if (topic == NULL)
		return error_user(err, "The topic %s does not exist", self->spec.topic->name);
	pthread_mutex_lock(&self->lock);
	self->positions = arena_array(&self->arena, int64_t, topic->config.n_partitions);
	self->topic = topic;
	pthread_mutex_unlock(&self->lock);
	return OK;
}

/* What fails is begun again by the next one who asks; until then the topic is read. */
static void *
copy_main(void *argument)
{
	TableCopy	 *self = argument;
	SourceContext context = {.env = self->engine->env, .topics = self->engine->topics, .store = self->engine->store, .n_threads = 1};
	StoreUnit	 *unit = store_unit_new(self->engine->store);
	Source		 *source = NULL;
	int64_t		  state_id;
	Error		  err;
	Status		  status = kept_rows_open(self->engine, self->table, &state_id, &err);

	if (status == OK)
		status = find_topic(self, &err);
	if (status == OK)
		status = source_open(&self->arena, &self->spec, &context, &source, &err);
	if (status == OK)
		status = follow(self, source, unit, state_id, &err);
	source_close(source);
	store_unit_free(unit);
	if (status == FAILED)
		log_event(self->engine->log, LOG_LEVEL_WARN, "engine", &LOG_TEXT("error", err.message), 1, "The copy of a table for look-ups is begun again");
	pthread_mutex_lock(&self->lock);
	self->is_ready = false;
	self->done_at = nanos_now();
	self->is_done = true;
	pthread_cond_broadcast(&self->moved);
	pthread_mutex_unlock(&self->lock);
	return NULL;
}

/* ---- the list; under lock_copies ---- */

static void
copy_free(TableCopy *self)
{
	self->is_ending = true;
	pthread_join(self->thread, NULL);
	while (self->n_users > 0)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	catalog_release(self->snapshot);
	pthread_cond_destroy(&self->moved);
	pthread_mutex_destroy(&self->lock);
	arena_free(&self->arena);
	free(self);
}

static TableCopy **
find(Engine *engine, const char *table)
{
	TableCopy **at = &engine->copies;

	while (*at != NULL && strcmp((*at)->table, table) != 0)
		at = &(*at)->next;
	return at;
}

static void
remove_copy(TableCopy **at)
{
	TableCopy *copy = *at;

	*at = copy->next;
	copy_free(copy);
}

static Status
describe(TableCopy *self, const CatalogSource *table, Error *err)
{
	PlannerContext	 planner;
	const TopicSpec *topic;

	planner_context_init(&planner, self->engine, &self->arena, NULL, self->engine->settings, table->standard);
	TRY(bind_topic(&planner, table, &topic, err));
	self->spec = (SourceSpec){.kind = SOURCE_TOPIC, .name = topic->name, .input = topic->name, .n_columns = table->schema->n_columns,
							  .columns = table->schema->columns, .n_key = table->schema->n_key, .topic = topic};
	return OK;
}

static void
begin(Engine *engine, const char *table)
{
	TableCopy			*self = xcalloc(1, sizeof *self);
	const CatalogSource *source;
	Error				 ignored;

	self->engine = engine;
	self->snapshot = catalog_snapshot(engine->catalog);
	source = catalog_source(self->snapshot, str_of(table));
	pthread_mutex_init(&self->lock, NULL);
	pthread_cond_init(&self->moved, NULL);
	self->table = source != NULL ? source->name : NULL;
	self->query_id = source != NULL ? source->query_id : NULL;
	self->sql = source != NULL ? source->sql : NULL;
	if (self->query_id != NULL && self->sql != NULL && describe(self, source, &ignored) == OK && pthread_create(&self->thread, NULL, copy_main, self) == 0) {
		self->next = engine->copies;
		engine->copies = self;
		return;
	}
	pthread_cond_destroy(&self->moved);
	pthread_mutex_destroy(&self->lock);
	catalog_release(self->snapshot);
	arena_free(&self->arena);
	free(self);
}

bool
table_copy_is_kept(Engine *engine, const CatalogSource *table)
{
	TableCopy **at;
	bool		is_kept = false;

	if (engine->is_sandbox || engine->is_transient || engine->is_replaying || table->window.kind != WINDOW_NONE || table->query_id == NULL
		|| table->sql == NULL || table->topic == NULL || !settings_bool(engine->settings, "table.copies"))
		return false;
	pthread_mutex_lock(&engine->lock_copies);
	at = find(engine, table->name);
	if (*at != NULL && (strcmp((*at)->query_id, table->query_id) != 0 || strcmp((*at)->sql, table->sql) != 0))
		remove_copy(at);
	at = find(engine, table->name);
	if (*at != NULL && (*at)->is_done && nanos_now() - (*at)->done_at > AGAIN_NANOS)
		remove_copy(at);
	at = find(engine, table->name);
	if (*at == NULL)
		begin(engine, table->name);
	else {
		pthread_mutex_lock(&(*at)->lock);
		is_kept = (*at)->is_ready;
		pthread_mutex_unlock(&(*at)->lock);
	}
	pthread_mutex_unlock(&engine->lock_copies);
	return is_kept;
}

void
table_copy_drop(Engine *engine, const char *table)
{
	TableCopy **at;

	pthread_mutex_lock(&engine->lock_copies);
	at = find(engine, table);
	if (*at != NULL)
		remove_copy(at);
	pthread_mutex_unlock(&engine->lock_copies);
}

void
table_copies_close(Engine *engine)
{
	for (TableCopy *copy = engine->copies; copy != NULL; copy = copy->next)
		copy->is_ending = true;
	while (engine->copies != NULL)
		remove_copy(&engine->copies);
}

/* ---- waiting ---- */

static bool
has_reached(const TableCopy *self, const int64_t *ends)
{
	for (int p = 0; p < self->topic->config.n_partitions; p++)
		if (self->positions[p] < ends[p])
			return false;
	return true;
}

static Status
wait_for(TableCopy *self, const _Atomic bool *interrupted, Error *err)
{
	Nanos	 until = nanos_now() + WAIT_NANOS;
	Topic	*topic;
	int64_t *ends;
	Status	 status = OK;
	bool	 reached = false;

	pthread_mutex_lock(&self->lock);
	topic = self->topic;
	pthread_mutex_unlock(&self->lock);
	if (topic == NULL)
		return error_set(err, ERROR_TRANSIENT, "The copy of the table %s has just begun anew", self->table);
	ends = xcalloc((size_t)topic->config.n_partitions, sizeof *ends);
	for (int p = 0; p < topic->config.n_partitions && status == OK; p++) {
		int64_t begin_at;

		status = topics_ends(self->engine->topics, topic, p, &begin_at, &ends[p], err);
	}
	pthread_mutex_lock(&self->lock);
	while (status == OK && !(reached = has_reached(self, ends)) && !self->is_done && !self->is_ending && nanos_now() < until && !(interrupted != NULL && *interrupted)) {
		struct timespec next;

		clock_gettime(CLOCK_REALTIME, &next);
		next.tv_nsec += 50000000;
		next.tv_sec += next.tv_nsec / 1000000000;
		next.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&self->moved, &self->lock, &next);
	}
	pthread_mutex_unlock(&self->lock);
	free(ends);
	if (status == OK && !reached) {
		error_set(err, ERROR_TRANSIENT, "The copy of the table %s does not come up to its topic", self->table);
		status = error_hint(err, "Ask again; or SET 'table.copies' = 'false' for the process, then topics are read.");
	}
	return status;
}

Status
table_copy_wait(Engine *engine, const char *table, const _Atomic bool *interrupted, Error *err)
{
	TableCopy *copy;
	Status	   status = OK;

	pthread_mutex_lock(&engine->lock_copies);
	copy = *find(engine, table);
	if (copy != NULL)
		copy->n_users++;
	pthread_mutex_unlock(&engine->lock_copies);
	if (copy == NULL)
		return OK;
	status = wait_for(copy, interrupted, err);
	copy->n_users--;
	return status;
}
