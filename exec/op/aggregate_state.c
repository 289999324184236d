/*
 * Durable state of the aggregate, through the task's StateBackend:
 *	table 0: a row per group or session: key bytes, window start, window end, grouping set -> event time, rows (drops_empty_groups), states
 *	table 1: "time" -> stream time and the newest window start (or session end)
 *	table 2: is_table: the rows of the source table (a StateTable)
 *	table 3 + i: DISTINCT of item i: key of the group, arguments -> how many rows; or the values of MIN and MAX (aggregate_values.c)
 */
#include "exec/op/aggregate_impl.h"

#include "data/key.h"

enum { TABLE_GROUPS = 0, TABLE_TIME = 1, TABLE_DISTINCT = 3 };

/* Big-endian with the sign turned, so that bytes order as numbers. */
static void
add_time(StrBuf *out, Time time)
{
	uint64_t bits = __builtin_bswap64((uint64_t)time ^ (uint64_t)1 << 63);

	strbuf_add(out, &bits, sizeof bits);
}

static Time
read_time(const char *bytes)
{
	uint64_t bits;

	memcpy(&bits, bytes, sizeof bits);
	return (Time)(__builtin_bswap64(bits) ^ (uint64_t)1 << 63);
}

Status
aggregate_state_key(AggregateOp *self, const Group *group, Time start, Time end, StrBuf *out, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	ArenaMark			 mark = arena_mark(arena);
	Status				 status = group_table_key_bytes(&self->groups, group, spec->n_keys, arena, out, err);

	arena_rewind(arena, mark);
	add_time(out, start);
	add_time(out, end);
	if (self->set_slot >= 0)
		add_time(out, (Time)group_key(&self->groups, group, self->set_slot).low);
	return status;
}

void
aggregate_state_remove_later(AggregateOp *self, Str key)
{
	uint32_t length = (uint32_t)key.length;

	strbuf_add(&self->removed, &length, sizeof length);
	strbuf_add_str(&self->removed, key);
}

static Status
group_state_key(AggregateOp *self, const Group *group, StrBuf *out, Error *err)
{
	KeySlot slot = self->window_slot >= 0 ? group_key(&self->groups, group, self->window_slot) : (KeySlot){0, 0};

	return aggregate_state_key(self, group, (Time)slot.low, (Time)slot.high, out, err);
}

void
aggregate_state_removed(AggregateOp *self, const Group *group)
{
	StrBuf key = {0};
	Error *error = arena_new(op_scratch(&self->op), Error);

	/* What was encoded once can be encoded again. */
	if (group_state_key(self, group, &key, error) == OK)
		aggregate_state_remove_later(self, strbuf_str(&key));
	strbuf_free(&key);
}

void
aggregate_state_put(AggregateOp *self, Str key, Time time, const char *base)
{
	const AggregateSpec *spec = self->op.spec;
	StateBackend		*state = op_services(&self->op)->state;
	StrBuf				 value = {0};

	add_time(&value, time);
	if (spec->drops_empty_groups)
		strbuf_add(&value, &((const Group *)base)->n_rows, sizeof(uint32_t));
	for (int i = 0; i < spec->n_items; i++) {
		size_t	 at = value.length;
		uint32_t length = 0;

		strbuf_add(&value, &length, sizeof length);
		item_save(&self->items[i], base, &value);
		length = (uint32_t)(value.length - at - sizeof length);
		memcpy(value.data + at, &length, sizeof length);
	}
	state->put(state, self->op.id, TABLE_GROUPS, key, strbuf_str(&value));
	strbuf_free(&value);
}

void
aggregate_state_flush_removed(AggregateOp *self)
{
	StateBackend *state = op_services(&self->op)->state;

	for (size_t at = 0; at < self->removed.length;) {
		uint32_t length;

		memcpy(&length, self->removed.data + at, sizeof length);
		at += sizeof length;
		state->remove(state, self->op.id, TABLE_GROUPS, str_make(self->removed.data + at, length));
		at += length;
	}
	strbuf_clear(&self->removed);
	if (self->stream_time != self->saved_time) {
		StrBuf value = {0};

		add_time(&value, self->stream_time);
		add_time(&value, self->newest_start);
		state->put(state, self->op.id, TABLE_TIME, STR("time"), strbuf_str(&value));
		strbuf_free(&value);
		self->saved_time = self->stream_time;
	}
}

/* ---- DISTINCT ---- */

static Status
tuple_key(Item *item, const Group *tuple, StrBuf *out, Error *err)
{
	AggregateOp *self = item->owner;
	Arena		*arena = op_scratch(&self->op);
	ArenaMark	 mark = arena_mark(arena);

	TRY(group_state_key(self, group_table_at(&self->groups, (uint32_t)group_key(item->distinct, tuple, 0).low), out, err));
	for (int a = 0; a < item->spec->n_args; a++) {
		const Type	 *type = item->spec->args[a]->type;
		Vector		 *v = vector_new(arena, type, 1);
		const Vector *column = v;
		KeySlot		  slot = group_key(item->distinct, tuple, a + 1);

		TRY(key_slot_get(type, &slot, v, 0, arena, err));
		key_encode(&column, 1, 0, out);
	}
	arena_rewind(arena, mark);
	return OK;
}

void
aggregate_tuple_changed(Item *item, Group *tuple)
{
	const AggregateSpec *spec;

	/* An aggregate of OVER has no owner, and nothing that is kept. */
	if (item->owner == NULL)
		return;
	spec = item->owner->op.spec;
	/* How many rows a tuple stands for matters only where rows can be taken back. */
	if (op_services(&item->owner->op)->state == NULL || tuple->is_unsaved || (tuple->is_stored && !spec->is_table))
		return;
	tuple->is_unsaved = true;
	grow_array(item->unsaved, item->n_unsaved, item->unsaved_capacity);
	item->unsaved[item->n_unsaved++] = tuple;
}

void
aggregate_tuple_removed(Item *item, Group *tuple)
{
	StrBuf key = {0};
	Error *error;

	if (!tuple->is_stored)
		return;
	error = arena_new(op_scratch(&item->owner->op), Error);
	if (tuple_key(item, tuple, &key, error) == OK) {
		uint32_t length = (uint32_t)key.length;

		strbuf_add(&item->removed, &length, sizeof length);
		strbuf_add_str(&item->removed, strbuf_str(&key));
	}
	strbuf_free(&key);
}

static Status
tuples_flush(Item *item, Error *err)
{
	Op			 *op = &item->owner->op;
	StateBackend *state = op_services(op)->state;
	StrBuf		  key = {0};
	Status		  status = OK;

	for (size_t at = 0; at < item->removed.length;) {
		uint32_t length;

		memcpy(&length, item->removed.data + at, sizeof length);
		at += sizeof length;
		state->remove(state, op->id, TABLE_DISTINCT + item->number, str_make(item->removed.data + at, length));
		at += length;
	}
	strbuf_clear(&item->removed);
	for (uint32_t i = 0; i < item->n_unsaved && status == OK; i++) {
		Group *tuple = item->unsaved[i];

		if (!tuple->is_live || !tuple->is_unsaved)
			continue;
		strbuf_clear(&key);
		status = tuple_key(item, tuple, &key, err);
		if (status == OK)
			state->put(state, op->id, TABLE_DISTINCT + item->number, strbuf_str(&key),
					   str_make((char *)tuple + item->distinct->state_offset, sizeof(int64_t)));
		tuple->is_unsaved = false;
		tuple->is_stored = true;
	}
	item->n_unsaved = 0;
	strbuf_free(&key);
	return status;
}

Status
aggregate_state_flush(AggregateOp *self, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	StrBuf key = {0};
	Status status = OK;

	aggregate_state_flush_removed(self);
	for (uint32_t i = 0; i < self->n_unsaved && status == OK; i++) {
		Group *group = self->unsaved[i];

		/* A record may have been freed and taken again meanwhile: it stands twice. */
		if (!group->is_live || !group->is_unsaved)
			continue;
		strbuf_clear(&key);
		status = group_state_key(self, group, &key, err);
		aggregate_state_put(self, strbuf_str(&key), group->time, (const char *)group);
		group->is_unsaved = false;
		group->is_stored = true;
	}
	self->n_unsaved = 0;
	strbuf_free(&key);
	for (int i = 0; i < spec->n_items && status == OK; i++)
		if (self->items[i].distinct != NULL)
			status = tuples_flush(&self->items[i], err);
	for (int i = 0; i < spec->n_items; i++)
		if (self->items[i].values != NULL)
			state_table_flush(self->items[i].values);
	if (self->rows != NULL)
		state_table_flush(self->rows);
	return status;
}

/* ---- loading ---- */

Status
aggregate_state_load_items(AggregateOp *self, Str value, Time *time, char *base, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	size_t				 at = 8;

	if (value.length < 8)
		return error_fatal(err, "A stored group is damaged");
	*time = read_time(value.data);
	if (spec->drops_empty_groups) {
		if (value.length < at + sizeof(uint32_t))
			return error_fatal(err, "A stored group is damaged");
		memcpy(&((Group *)base)->n_rows, value.data + at, sizeof(uint32_t));
		at += sizeof(uint32_t);
	}
	for (int i = 0; i < spec->n_items; i++) {
		uint32_t length;

		if (value.length < at + sizeof length)
			return error_fatal(err, "A stored group is damaged");
		memcpy(&length, value.data + at, sizeof length);
		at += sizeof length;
		if (value.length < at + length)
			return error_fatal(err, "A stored group is damaged");
		/* Loading begins from zeros. */
		item_destroy(&self->items[i], base);
		memset(base + self->items[i].offset, 0, self->items[i].state_size);
		TRY(item_load(&self->items[i], base, str_make(value.data + at, length), err));
		at += length;
	}
	return OK;
}

Status
aggregate_state_load_key(AggregateOp *self, Str key, Group **group, Time *start, Time *end, size_t *used, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	KeySlot			   **columns = arena_array(arena, KeySlot *, self->n_slots + 1);
	size_t				 at = 0;
	int					 n_times = self->set_slot >= 0 ? 3 : 2;

	for (int k = 0; k < spec->n_keys; k++) {
		Vector *v = vector_new(arena, spec->keys[k]->type, 1);
		Value	value;

		TRY(key_decode(spec->keys[k]->type, key, &at, arena, &value, err));
		if (value.is_null)
			vector_set_null(v, arena, 0);
		else
			vector_set(v, arena, 0, &value);
		columns[k] = arena_new(arena, KeySlot);
		key_slots(v, 1, columns[k], arena);
	}
	*used = at + 8 * (size_t)n_times;
	if (key.length < *used)
		return error_fatal(err, "The key of a stored group is damaged");
	*start = read_time(key.data + at);
	*end = read_time(key.data + at + 8);
	if (self->window_slot >= 0) {
		columns[self->window_slot] = arena_new(arena, KeySlot);
		*columns[self->window_slot] = (KeySlot){(uint64_t)*start, (uint64_t)*end};
	}
	if (self->set_slot >= 0) {
		columns[self->set_slot] = arena_new(arena, KeySlot);
		columns[self->set_slot]->low = (uint64_t)read_time(key.data + at + 16);
	}
	return aggregate_find(self, columns, 1, group, err);
}

static Status
load_group(void *context, Str key, Str value, Error *err)
{
	AggregateOp *self = context;
	Arena		*arena = op_scratch(&self->op);
	ArenaMark	 mark = arena_mark(arena);
	Time		 start, end;
	Group		*group;
	size_t		 used;

	TRY(aggregate_state_load_key(self, key, &group, &start, &end, &used, err));
	TRY(aggregate_state_load_items(self, value, &group->time, (char *)group, err));
	group->is_stored = true;
	arena_rewind(arena, mark);
	return aggregate_account(self, err);
}

static Status
load_time(void *context, Str key, Str value, Error *err)
{
	AggregateOp *self = context;

	(void)key;
	if (value.length != 16)
		return error_fatal(err, "The stored stream time is damaged");
	self->stream_time = self->saved_time = read_time(value.data);
	self->newest_start = read_time(value.data + 8);
	return OK;
}

Status
aggregate_state_load_time(AggregateOp *self, Error *err)
{
	StateBackend *state = op_services(&self->op)->state;

	self->saved_time = INT64_MIN;
	return state->scan(state, self->op.id, TABLE_TIME, load_time, self, err) == FAILED ? FAILED : OK;
}

/* A tuple of DISTINCT; groups are loaded. */
static Status
load_tuple(void *context, Str key, Str value, Error *err)
{
	Item				*item = context;
	AggregateOp			*self = item->owner;
	int					 n_args = item->spec->n_args;
	Arena				*arena = op_scratch(&self->op);
	ArenaMark			 mark = arena_mark(arena);
	KeySlot			   **columns = arena_array(arena, KeySlot *, n_args + 1);
	uint32_t			 hash, new_row;
	int32_t				 n_new;
	Group				*group, *tuple;
	Time				 start, end;
	size_t				 at;

	TRY(aggregate_state_load_key(self, key, &group, &start, &end, &at, err));
	columns[0] = arena_new(arena, KeySlot);
	columns[0]->low = group->number;
	for (int a = 0; a < n_args; a++) {
		const Type *type = item->spec->args[a]->type;
		Vector	   *v = vector_new(arena, type, 1);
		Value		arg;

		TRY(key_decode(type, key, &at, arena, &arg, err));
		if (arg.is_null)
			vector_set_null(v, arena, 0);
		else
			vector_set(v, arena, 0, &arg);
		columns[a + 1] = arena_new(arena, KeySlot);
		key_slots(v, 1, columns[a + 1], arena);
	}
	if (value.length != sizeof(int64_t))
		return error_fatal(err, "A stored value of DISTINCT is damaged");
	group_table_hash(item->distinct, columns, 1, &hash);
	TRY(group_table_find(item->distinct, columns, &hash, 1, &tuple, &new_row, &n_new, err));
	memcpy((char *)tuple + item->distinct->state_offset, value.data, sizeof(int64_t));
	tuple->is_stored = true;
	arena_rewind(arena, mark);
	return OK;
}

Status
aggregate_state_load(AggregateOp *self, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	StateBackend *state = op_services(&self->op)->state;

	if (state->scan(state, self->op.id, TABLE_GROUPS, load_group, self, err) == FAILED)
		return FAILED;
	for (int i = 0; i < spec->n_items; i++)
		if (self->items[i].distinct != NULL &&
			state->scan(state, self->op.id, TABLE_DISTINCT + i, load_tuple, &self->items[i], err) == FAILED)
			return FAILED;
	return aggregate_state_load_time(self, err);
}
