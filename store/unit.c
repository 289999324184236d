/* Building units: everything is copied into the unit, records straight into the chunks that will be stored. */
#include <stdlib.h>

#include "common/hash.h"
#include "store/store_impl.h"

/* A chunk is closed when it has this much: few enough to decode for one record, enough to store cheaply. */
#define CHUNK_RECORDS 2048
#define CHUNK_BYTES (128 * 1024)

#define unit_grow(unit, name) grow_array((unit)->name, (unit)->n_##name, (unit)->name##_capacity)

StoreUnit *
store_unit_new(Store *store)
{
	StoreUnit *unit = xcalloc(1, sizeof *unit);

	unit->store = store;
	unit->states_are_sorted = true;
	return unit;
}

static void
appender_free(StoreAppender *appender)
{
	for (int i = 0; i < appender->n_chunks; i++)
		chunk_release(appender->chunks[i]);
	free(appender->chunks);
	free(appender);
}

void
store_unit_clear(StoreUnit *unit)
{
	for (int i = 0; i < unit->n_appenders; i++)
		appender_free(unit->appenders[i]);
	unit->n_appenders = unit->n_states = unit->n_ranges = unit->n_positions = unit->n_commands = 0;
	unit->n_metas = unit->n_topics = unit->n_opens = unit->n_drops = 0;
	unit->last_appender = NULL;
	unit->states_are_sorted = true;
	unit->size_bytes = 0;
	arena_reset(&unit->arena);
}

void
store_unit_free(StoreUnit *unit)
{
	if (unit == NULL)
		return;
	store_unit_clear(unit);
	free(unit->appenders);
	free(unit->states);
	free(unit->ranges);
	free(unit->positions);
	free(unit->commands);
	free(unit->metas);
	free(unit->topics);
	free(unit->opens);
	free(unit->drops);
	arena_free(&unit->arena);
	free(unit);
}

bool
store_unit_is_empty(const StoreUnit *unit)
{
	return unit->n_appenders + unit->n_states + unit->n_ranges + unit->n_positions + unit->n_commands + unit->n_metas +
			   unit->n_topics + unit->n_opens + unit->n_drops == 0;
}

int64_t
store_unit_size_bytes(const StoreUnit *unit)
{
	return unit->size_bytes + (int64_t)unit->arena.size_bytes + (int64_t)unit->n_states * (int64_t)sizeof(StateOp);
}

/* Copies with a NUL behind; never gives NULL data. */
static Str
unit_copy(StoreUnit *unit, Str bytes)
{
	char *copy = arena_alloc(&unit->arena, bytes.length + 1);

	if (bytes.length > 0)
		memcpy(copy, bytes.data, bytes.length);
	copy[bytes.length] = '\0';
	return (Str){copy, bytes.length};
}

/* ---------------------------------------------------------------------------------------------------- records -- */

static StoreAppender *
unit_find_appender(StoreUnit *unit, const StoreTopic *topic, int partition)
{
	StoreAppender *last = unit->last_appender;

	if (last != NULL && last->topic == topic && last->partition == partition)
		return last;
	for (int i = 0; i < unit->n_appenders; i++) {
		if (unit->appenders[i]->topic == topic && unit->appenders[i]->partition == partition)
			return unit->last_appender = unit->appenders[i];
	}
	return NULL;
}

StoreAppender *
store_unit_appender(StoreUnit *unit, StoreTopic *topic, int partition)
{
	StoreAppender *appender = unit_find_appender(unit, topic, partition);

	if (appender != NULL)
		return appender;
	appender = xcalloc(1, sizeof *appender);
	*appender = (StoreAppender){.topic = topic, .partition = partition, .base_offset = -1,
								.size_bytes = &unit->size_bytes};
	unit_grow(unit, appenders);
	unit->appenders[unit->n_appenders++] = appender;
	return unit->last_appender = appender;
}

void
store_appender_add(StoreAppender *appender, const Record *record)
{
	StoreChunk *chunk = appender->open;
	size_t		before;

	if (chunk == NULL) {
		/* The first chunk may stay small (an epoch of one record); further ones are sure to be filled. */
		chunk = chunk_new(appender->n_chunks == 0 ? 1024 : CHUNK_BYTES);
		grow_array(appender->chunks, appender->n_chunks, appender->capacity);
		appender->chunks[appender->n_chunks++] = appender->open = chunk;
	}
	before = chunk->length;
	chunk_add(chunk, record);
	appender->n_records++;
	*appender->size_bytes += (int64_t)(chunk->length - before);
	if (chunk->n_records >= CHUNK_RECORDS || chunk->length >= CHUNK_BYTES)
		appender->open = NULL;
}

int64_t
store_appender_count(const StoreAppender *appender)
{
	return appender->n_records;
}

int64_t
store_appender_base_offset(const StoreAppender *appender)
{
	return appender->base_offset;
}

void
store_unit_append(StoreUnit *unit, StoreTopic *topic, int partition, const Record *record)
{
	store_appender_add(store_unit_appender(unit, topic, partition), record);
}

int64_t
store_unit_base_offset(StoreUnit *unit, StoreTopic *topic, int partition)
{
	StoreAppender *appender = unit_find_appender(unit, topic, partition);

	return appender != NULL && appender->n_records > 0 ? appender->base_offset : -1;
}

/* ------------------------------------------------------------------------------------------------------ state -- */

/* The first 8 bytes as a big-endian number, short keys filled with zeros: orders as the bytes do, but for ties. */
static uint64_t
key_prefix(Str key)
{
	uint64_t x = 0;

	memcpy(&x, key.data, key.length < 8 ? key.length : 8);
	return __builtin_bswap64(x);
}

void
state_prefix(char *out, int64_t state_id, int64_t partition)
{
	uint64_t place = __builtin_bswap64((((uint64_t)state_id << 16) + (uint64_t)partition) << 16);

	memcpy(out, &place, STATE_PREFIX_BYTES);
}

/* As SQLite orders: by the bytes of the stored key. */
static int
state_compare_key(const StateOp *a, const StateOp *b)
{
	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if (a->prefix != b->prefix)
		return a->prefix < b->prefix ? -1 : 1;
	return str_compare(a->key, b->key);
}

static int
state_compare(const void *a, const void *b)
{
	const StateOp *x = a, *y = b;
	int			   order = state_compare_key(x, y);

	return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

/* The key as stored. */
static Str
unit_state_key(StoreUnit *unit, int64_t state_id, int64_t partition, Str key)
{
	char *stored = arena_alloc(&unit->arena, STATE_PREFIX_BYTES + key.length);

	state_prefix(stored, state_id, partition);
	if (key.length > 0)
		memcpy(stored + STATE_PREFIX_BYTES, key.data, key.length);
	return (Str){stored, STATE_PREFIX_BYTES + key.length};
}

static void
unit_add_state(StoreUnit *unit, int64_t state_id, int partition, Str key, Str value)
{
	StateOp *op;

	unit_grow(unit, states);
	op = &unit->states[unit->n_states];
	*op = (StateOp){.place = ((uint64_t)state_id << 16) + (uint64_t)partition, .order = unit->n_states,
					.prefix = key.length > 0 ? key_prefix(key) : 0,
					.key = unit_state_key(unit, state_id, partition, key),
					.value = value.data != NULL ? unit_copy(unit, value) : value};
	if (unit->states_are_sorted && unit->n_states > 0 && state_compare_key(op - 1, op) >= 0)
		unit->states_are_sorted = false;
	unit->n_states++;
}

void
store_unit_put(StoreUnit *unit, int64_t state_id, int partition, Str key, Str value)
{
	if (value.data == NULL)
		value = (Str){"", 0};
	unit_add_state(unit, state_id, partition, key, value);
}

void
store_unit_delete(StoreUnit *unit, int64_t state_id, int partition, Str key)
{
	unit_add_state(unit, state_id, partition, key, (Str){NULL, 0});
}

void
store_unit_delete_range(StoreUnit *unit, int64_t state_id, int partition, Str from, Str to)
{
	unit_grow(unit, ranges);
	unit->ranges[unit->n_ranges++] =
		(RangeOp){unit_state_key(unit, state_id, partition, from),
				  unit_state_key(unit, state_id, to.length > 0 ? partition : (int64_t)partition + 1, to)};
}

/* Leaves of each key its last change, in any order: sorting what is overwritten anyway is most of the work where a few
 * keys change often. */
static void
drop_overwritten(StoreUnit *unit)
{
	uint32_t  capacity = 64, n = 0;
	uint32_t *slots;		/* number + 1 of the change kept */

	while (capacity < (uint32_t)unit->n_states * 2)
		capacity *= 2;
	slots = xcalloc(capacity, sizeof *slots);
	for (int i = 0; i < unit->n_states; i++) {
		const StateOp *op = &unit->states[i];
		uint32_t	   at = (uint32_t)hash_bytes(op->key.data, op->key.length) & (capacity - 1);

		while (slots[at] != 0 && !str_equal(unit->states[slots[at] - 1].key, op->key))
			at = (at + 1) & (capacity - 1);
		if (slots[at] == 0)
			slots[at] = ++n;
		unit->states[slots[at] - 1] = *op;
	}
	free(slots);
	unit->n_states = (int)n;
}

void
unit_seal(StoreUnit *unit)
{
	int n = 0;

	for (int i = 0; i < unit->n_appenders; i++) {
		StoreAppender *appender = unit->appenders[i];

		if (appender->n_chunks > 0)
			chunk_shrink(appender->chunks[appender->n_chunks - 1]);
		appender->open = NULL;
	}
	if (unit->states_are_sorted)
		return;
	if (unit->n_states > 64)
		drop_overwritten(unit);
	qsort(unit->states, (size_t)unit->n_states, sizeof *unit->states, state_compare);
	for (int i = 0; i < unit->n_states; i++) {
		if (i + 1 == unit->n_states || state_compare_key(&unit->states[i], &unit->states[i + 1]) != 0)
			unit->states[n++] = unit->states[i];
	}
	unit->n_states = n;
	unit->states_are_sorted = true;
}

/* ------------------------------------------------------------------------------------------------- all others -- */

void
store_unit_position(StoreUnit *unit, Str query, Str input, int partition, int64_t next_offset)
{
	unit_grow(unit, positions);
	unit->positions[unit->n_positions++] =
		(PositionOp){unit_copy(unit, query), unit_copy(unit, input), partition, next_offset};
}

void
store_unit_drop_query(StoreUnit *unit, Str query)
{
	unit_grow(unit, drops);
	unit->drops[unit->n_drops++] = unit_copy(unit, query);
}

int
store_unit_command(StoreUnit *unit, Str command)
{
	unit_grow(unit, commands);
	unit->commands[unit->n_commands] = (CommandOp){unit_copy(unit, command), -1};
	return unit->n_commands++;
}

int64_t
store_unit_sequence(const StoreUnit *unit, int command)
{
	return unit->commands[command].sequence;
}

void
store_unit_meta(StoreUnit *unit, Str name, Str value)
{
	unit_grow(unit, metas);
	unit->metas[unit->n_metas++] = (MetaOp){unit_copy(unit, name), value.data != NULL ? unit_copy(unit, value) : value};
}

static TopicOp *
unit_add_topic(StoreUnit *unit, TopicOpKind kind, StoreTopic *topic)
{
	unit_grow(unit, topics);
	unit->topics[unit->n_topics] = (TopicOp){.kind = kind, .topic = topic};
	return &unit->topics[unit->n_topics++];
}

void
store_unit_drop_topic(StoreUnit *unit, StoreTopic *topic)
{
	unit_add_topic(unit, TOPIC_DROP, topic);
}

void
store_unit_trim(StoreUnit *unit, StoreTopic *topic, int partition, int64_t before_offset)
{
	TopicOp *op = unit_add_topic(unit, TOPIC_TRIM, topic);

	op->partition = partition;
	op->before_offset = before_offset;
}

/* The calls that are a unit of their own. */

static Status
unit_commit_free(Store *store, StoreUnit *unit, Error *err)
{
	Status status = store_commit(store, unit, err);

	store_unit_free(unit);
	return status;
}

static Status
topic_config_check(Str name, const StoreTopicConfig *config, Error *err)
{
	if (name.length == 0)
		return error_user(err, "A topic needs a name");
	if (config->n_partitions < 1 || config->n_partitions > 65536)
		return error_user(err, "Topic `%.*s`: the number of partitions must be from 1 to 65536, not %d",
						  (int)name.length, name.data, config->n_partitions);
	return OK;
}

Status
store_topic_create(Store *store, Str name, const StoreTopicConfig *config, StoreTopic **out, Error *err)
{
	StoreUnit  *unit;
	StoreTopic *topic;
	Status		status;

	if (out != NULL)
		*out = NULL;
	TRY(topic_config_check(name, config, err));
	unit = store_unit_new(store);
	topic = topic_new(store, name, config);
	unit_add_topic(unit, TOPIC_CREATE, topic);
	status = unit_commit_free(store, unit, err);
	if (status != OK)
		topic_free(topic);
	else if (out != NULL)
		*out = topic;
	return status;
}

Status
store_topic_drop(Store *store, StoreTopic *topic, Error *err)
{
	StoreUnit *unit = store_unit_new(store);

	store_unit_drop_topic(unit, topic);
	return unit_commit_free(store, unit, err);
}

Status
store_topic_alter(Store *store, StoreTopic *topic, const StoreTopicConfig *config, Error *err)
{
	StoreUnit *unit;

	if (config->n_partitions != topic->n_partitions)
		return error_user(err, "Topic `%s` has %d partitions; that cannot be changed to %d", topic->name.data,
						  topic->n_partitions, config->n_partitions);
	unit = store_unit_new(store);
	unit_add_topic(unit, TOPIC_ALTER, topic)->config = *config;
	return unit_commit_free(store, unit, err);
}

Status
store_command_append(Store *store, Str command, int64_t *sequence, Error *err)
{
	StoreUnit *unit = store_unit_new(store);
	int		   i = store_unit_command(unit, command);
	Status	   status = store_commit(store, unit, err);

	if (status == OK && sequence != NULL)
		*sequence = store_unit_sequence(unit, i);
	store_unit_free(unit);
	return status;
}

Status
store_state_open(Store *store, Str query, Str name, int64_t *state_id, Error *err)
{
	StoreUnit	 *unit;
	Db			 *db;
	sqlite3_stmt *statement;
	Status		  status = FAILED;

	TRY(db_acquire(store, &db, err));
	statement = db_statement(db, SQL_STATES_GET, err);
	if (statement != NULL) {
		db_bind_text(statement, 1, query);
		db_bind_text(statement, 2, name);
		status = db_step(db, statement, "looking up a state", err);
		if (status == OK)
			*state_id = sqlite3_column_int64(statement, 0);
		sqlite3_reset(statement);
	}
	db_release(store, db);
	if (status != DONE)
		return status;
	unit = store_unit_new(store);
	unit_grow(unit, opens);
	unit->opens[unit->n_opens++] = (OpenStateOp){unit_copy(unit, query), unit_copy(unit, name), 0};
	status = store_commit(store, unit, err);
	if (status == OK)
		*state_id = unit->opens[0].id;
	store_unit_free(unit);
	return status;
}
