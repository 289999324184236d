/*
 * What an epoch makes, on its way into one store unit: records for topics, kept rows of tables, operator state.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/engine_impl.h"
#include "io/connector/embedded/kept_row.h"

static Topic *
output_topic(EpochOutput *self, const char *name, Error *err)
{
	Topic *topic;

	/* The same text is the same pointer for a plan's life: compare that first. */
	for (int i = 0; i < self->n_topics; i++)
		if (self->topic_names[i] == name)
			return self->topics[i];
	if (topics_find(self->engine->topics, str_of(name), &topic, err) == FAILED)
		return NULL;
	if (topic == NULL) {
		error_fatal(err, "The topic %s does not exist any more", name);
		error_hint(err, "It was deleted while a query wrote to it; TERMINATE the query, or create the topic again.");
		return NULL;
	}
	const char **names = arena_array(&self->arena, const char *, self->n_topics + 1);
	Topic	   **topics = arena_array(&self->arena, Topic *, self->n_topics + 1);

	for (int i = 0; i < self->n_topics; i++) {
		names[i] = self->topic_names[i];
		topics[i] = self->topics[i];
	}
	names[self->n_topics] = name;
	topics[self->n_topics] = topic;
	self->topic_names = names;
	self->topics = topics;
	self->n_topics++;
	return topic;
}

static Status
output_write(TaskOutput *output, const TopicSpec *topic, const Record *record, Error *err)
{
	EpochOutput *self = (EpochOutput *)output;
	Topic		*to;
	int			 partition = record->partition;

	if (record->key_is_null && self->keyed_topic != NULL && strcmp(topic->name, self->keyed_topic) == 0) {
		self->row_log->report(self->row_log, topic->name, -1, -1, "A row of the table has no key, and its topic is compacted: Kafka does not "
							  "take it", record->value);
		return OK;
	}
	to = output_topic(self, topic->name, err);
	if (to == NULL)
		return FAILED;
	if (self->engine->single_partition_topics)
		partition = 0;
	topic_unit_append(self->unit, to, partition, record);
	self->n_written++;
	self->n_bytes += (int64_t)(record->key.length + record->value.length);
	return OK;
}

Status
kept_rows_open(Engine *engine, const char *table_name, int64_t *state_id, Error *err)
{
	return store_state_open(engine->store, STR(KEPT_ROWS_OWNER), str_of(table_name), state_id, err);
}

static Status
output_table_state(EpochOutput *self, const char *name, int64_t *state_id, Error *err)
{
	for (int i = 0; i < self->n_tables; i++)
		if (self->table_names[i] == name) {
			*state_id = self->table_states[i];
			return OK;
		}
	TRY(kept_rows_open(self->engine, name, state_id, err));
	const char **names = arena_array(&self->arena, const char *, self->n_tables + 1);
	int64_t		*states = arena_array(&self->arena, int64_t, self->n_tables + 1);

	for (int i = 0; i < self->n_tables; i++) {
		names[i] = self->table_names[i];
		states[i] = self->table_states[i];
	}
	names[self->n_tables] = name;
	states[self->n_tables] = *state_id;
	self->table_names = names;
	self->table_states = states;
	self->n_tables++;
	return OK;
}

/* Kept rows of all partitions are in partition 0 of their state: keys are unique over partitions, and look-ups need
 * not know the partitioner. */
static Status
output_keep(TaskOutput *output, const char *table_name, int32_t partition, Str key, Str row, Error *err)
{
	EpochOutput *self = (EpochOutput *)output;
	int64_t		 state_id;

	(void)partition;
	/* On Kafka a table is what its topic has, wherever its partitions are worked on. */
	if (self->engine->on_kafka)
		return OK;
	TRY(output_table_state(self, table_name, &state_id, err));
	if (row.data == NULL)
		store_unit_delete(self->unit->store, state_id, 0, key);
	else
		store_unit_put(self->unit->store, state_id, 0, key, row);
	return OK;
}

void
epoch_output_init(EpochOutput *output, Engine *engine, TopicUnit *unit)
{
	*output = (EpochOutput){.output = {.write = output_write, .keep = output_keep}, .engine = engine, .unit = unit};
}

void
epoch_output_free(EpochOutput *output)
{
	arena_free(&output->arena);
}

/* ---- operator state ---- */

typedef struct EpochBackend {
	StateBackend backend;
	Engine		*engine;
	StoreUnit	*unit;
	char		*query_id;
	int			 partition;
	int			 n;
	int			 capacity;
	struct {
		int		op_id;
		int		table;
		int64_t state_id;
	}		   *states;
} EpochBackend;

void
epoch_state_name(char *name, size_t size, int op_id, int table)
{
	snprintf(name, size, "%d.%d", op_id, table);
}

static Status
backend_state(EpochBackend *self, int op_id, int table, int64_t *state_id, Error *err)
{
	char name[64];

	for (int i = 0; i < self->n; i++)
		if (self->states[i].op_id == op_id && self->states[i].table == table) {
			*state_id = self->states[i].state_id;
			return OK;
		}
	epoch_state_name(name, sizeof name, op_id, table);
	TRY(store_state_open(self->engine->store, str_of(self->query_id), str_of(name), state_id, err));
	grow_array(self->states, self->n, self->capacity);
	self->states[self->n].op_id = op_id;
	self->states[self->n].table = table;
	self->states[self->n++].state_id = *state_id;
	return OK;
}

static Status
backend_scan(StateBackend *backend, int op_id, int table, StateVisitor visit, void *context, Error *err)
{
	EpochBackend *self = (EpochBackend *)backend;
	int64_t		  state_id;
	Status		  status;

	TRY(backend_state(self, op_id, table, &state_id, err));
	status = store_state_scan(self->engine->store, state_id, self->partition, NULL, visit, context, err);
	return status == FAILED ? FAILED : OK;
}

/* An operator scans its tables when it opens, so the state is known here. */
static int64_t
backend_known_state(EpochBackend *self, int op_id, int table)
{
	int64_t state_id = -1;
	Error	ignored;

	backend_state(self, op_id, table, &state_id, &ignored);
	return state_id;
}

static void
backend_put(StateBackend *backend, int op_id, int table, Str key, Str value)
{
	EpochBackend *self = (EpochBackend *)backend;

	store_unit_put(self->unit, backend_known_state(self, op_id, table), self->partition, key, value);
}

static void
backend_remove(StateBackend *backend, int op_id, int table, Str key)
{
	EpochBackend *self = (EpochBackend *)backend;

	store_unit_delete(self->unit, backend_known_state(self, op_id, table), self->partition, key);
}

StateBackend *
epoch_backend_new(Engine *engine, const char *query_id, StoreUnit *unit, int partition)
{
	EpochBackend *self = xcalloc(1, sizeof *self);

	self->backend = (StateBackend){.scan = backend_scan, .put = backend_put, .remove = backend_remove};
	self->engine = engine;
	self->unit = unit;
	self->query_id = xstrdup(query_id);
	self->partition = partition;
	return &self->backend;
}

void
epoch_backend_free(StateBackend *backend)
{
	EpochBackend *self = (EpochBackend *)backend;

	if (self == NULL)
		return;
	free(self->states);
	free(self->query_id);
	free(self);
}
