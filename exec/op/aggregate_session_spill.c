/*
 * Session windows of a bounded plan that need more than the memory budget.
 *
 * When memory is full, the sessions are written to temporary files in partitions by the hash of their keys, and forgotten; rows that come
 * later are not taken but written too, with their keys, arguments and times, in partitions by the same hash.  At the end a partition's
 * sessions are read, its rows are taken in the order in which they came, and its sessions are emitted: what happens to a key is what would
 * have happened in memory.  A partition that is too large is parted again, in the same way, by the next bits.
 *
 * What is late depends on the stream's time, which is of all keys: rows keep the time that the stream had before them.  (The greatest end
 * of a session, which tells what is visible, is that time too: the row that sets it is never late.)
 *
 * A part is what one thread has written: sessions, then rows.  Parts of several threads follow each other, in the order of the input.
 */
#include <stdlib.h>

#include "exec/op/aggregate_session.h"
#include "exec/op/aggregate_spill.h"
#include "exec/op/row_partitions.h"

typedef struct SessionPart {
	RowPartitions parts;
	RowStore	  rows;		/* to be written */
} SessionPart;

/* What was written at one level; extents of kind i are of part i's sessions. */
typedef struct Level {
	Partitions	  sessions;
	SessionPart **parts;
	int			  n_parts;
	int			  capacity;
	bool		  is_open;	/* the last part takes rows */
} Level;

struct SessionSpill {
	Level	top;
	Level  *current;		/* that is written to */
	int	   *key_columns;
	int		n_columns;		/* of the rows */
	StrBuf	block;			/* of records */
};

/* ---- opening ---- */

static bool
item_can_spill(const Item *item)
{
	const Aggregate *f = item->function;

	return item->is_ordered || (f->merge != NULL && (f->save == NULL) == (f->load == NULL) && (f->save != NULL || f->destroy == NULL));
}

void
session_spill_open(AggregateOp *self)
{
	const AggregateSpec *spec = self->op.spec;
	const OpServices	*services = op_services(&self->op);
	struct SessionSpill *spill;

	if (spec->emit != AGGREGATE_AT_END || services->spill == NULL || services->state != NULL || spec->n_keys == 0)
		return;
	for (int i = 0; i < spec->n_items; i++)
		if (!item_can_spill(&self->items[i]))
			return;
	spill = self->sessions->spill = xcalloc(1, sizeof *spill);
	spill->current = &spill->top;
	spill->key_columns = arena_array(&self->op.arena, int, spec->n_keys + 1);
	for (int k = 0; k < spec->n_keys; k++)
		spill->key_columns[k] = k;
	spill->n_columns = spec->n_keys + 2;
	for (int i = 0; i < spec->n_items; i++)
		spill->n_columns += item_n_columns(&self->items[i]) + (spec->items[i].filter != NULL);
}

static void
level_free(Level *level)
{
	for (int i = 0; i < level->n_parts; i++) {
		row_partitions_free(&level->parts[i]->parts);
		row_store_free(&level->parts[i]->rows);
		free(level->parts[i]);
	}
	free(level->parts);
	partitions_free(&level->sessions);
	*level = (Level){.sessions.level = level->sessions.level};
}

void
session_spill_close(AggregateOp *self)
{
	struct SessionSpill *spill = self->sessions->spill;

	if (spill == NULL)
		return;
	level_free(&spill->top);
	strbuf_free(&spill->block);
	free(spill);
	self->sessions->spill = NULL;
}

bool
session_has_spilled(const AggregateOp *self)
{
	return self->sessions->spill != NULL && self->sessions->spill->top.n_parts > 0;
}

/* ---- writing sessions ---- */

static void
add_session(AggregateOp *self, const Session *session, StrBuf *out)
{
	const AggregateSpec *spec = self->op.spec;
	RecordHeader		 header = {.hash = session->group->hash, .time = session->start};
	size_t				 at = out->length;

	strbuf_add(out, &header, sizeof header);
	add_slots(&self->groups, session->group, 0, self->n_slots, out);
	strbuf_add(out, &session->end, sizeof session->end);
	for (int i = 0; i < spec->n_items; i++) {
		uint32_t length = 0;
		size_t	 from = out->length;

		strbuf_add(out, &length, sizeof length);
		item_save(&self->items[i], (const char *)session, out);
		length = (uint32_t)(out->length - from - sizeof length);
		memcpy(out->data + from, &length, sizeof length);
	}
	header.length = (uint32_t)(out->length - at);
	memcpy(out->data + at, &header, sizeof header);
}

static Status
write_partition(AggregateOp *self, Level *level, int partition, const uint32_t *numbers, uint32_t n, Error *err)
{
	StrBuf	*block = &self->sessions->spill->block;
	uint32_t kind = (uint32_t)level->n_parts - 1;
	Extent	 extent;

	TRY(partition_begin(self, &level->sessions, block, partition, kind, &extent, err));
	for (uint32_t i = 0; i < n; i++) {
		const SessionList *list = group_sessions(self, group_table_at(&self->groups, numbers[i]));

		for (uint32_t s = 0; s < list->n; s++) {
			add_session(self, list->items[s], block);
			TRY(partition_flush(self, &level->sessions, block, false, err));
		}
	}
	return partition_end(self, &level->sessions, block, &extent, err);
}

/* A new part, with all sessions that are in memory. */
static Status
write_sessions(AggregateOp *self, Level *level, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	SessionPart			*part = xcalloc(1, sizeof *part);
	uint32_t			 first[N_PARTITIONS + 1];
	uint32_t			*numbers = records_by_partition(&level->sessions, &self->groups, NULL, first);
	Status				 status = OK;

	row_partitions_init(&part->parts, &self->op, level->sessions.level, self->sessions->spill->key_columns, spec->n_keys, 0);
	row_store_init(&part->rows, op_services(&self->op)->budget, "GROUP BY");
	grow_array(level->parts, level->n_parts, level->capacity);
	level->parts[level->n_parts++] = part;
	level->is_open = true;
	for (int i = 0; i < spec->n_items; i++)
		self->items[i].call.merges_parts = true;
	for (int p = 0; p < N_PARTITIONS && status == OK; p++)
		if (first[p + 1] > first[p])
			status = write_partition(self, level, p, numbers + first[p], first[p + 1] - first[p], err);
	free(numbers);
	sessions_forget(self);
	return status == OK ? aggregate_account(self, err) : status;
}

/* ---- writing rows ---- */

static const Vector *
bigint_column(Arena *arena, const int64_t *values, int32_t n)
{
	Vector *v = arena_new(arena, Vector);

	*v = (Vector){.type = type_bigint, .form = VECTOR_FLAT, .n_rows = n, .capacity = n, .data = (void *)(uintptr_t)values};
	return v;
}

/* Whether a row is left out by FILTER, as a column. */
static const Vector *
skip_column(Arena *arena, const uint64_t *skip, int32_t n)
{
	Vector *v = vector_new(arena, type_boolean, n);

	for (int32_t i = 0; i < n; i++)
		((uint8_t *)v->data)[i] = skip != NULL && bitmap_get(skip, i);
	return v;
}

/* Stream time before each row; it moves on. */
static const int64_t *
times_before(AggregateOp *self, const PushData *data)
{
	int64_t *times = arena_calloc(op_scratch(&self->op), sizeof *times * (size_t)data->in->n_rows);

	if (data->times_before != NULL)
		return data->times_before;
	for (int32_t i = 0; i < data->n_live; i++) {
		uint32_t row = data->live != NULL ? data->live[i] : (uint32_t)i;

		times[row] = self->stream_time;
		if (data->in->event_time[row] > self->stream_time)
			self->stream_time = data->in->event_time[row];
	}
	return times;
}

static Status
write_rows(AggregateOp *self, Level *level, const PushData *data, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	SessionPart			*part = level->parts[level->n_parts - 1];
	Arena				*arena = op_scratch(&self->op);
	int32_t				 n = data->in->n_rows;
	const Vector	   **columns = arena_array(arena, const Vector *, self->sessions->spill->n_columns + 1);
	int					 c = 0;

	for (int k = 0; k < spec->n_keys; k++)
		columns[c++] = data->keys[k];
	for (int i = 0; i < spec->n_items; i++) {
		for (int a = 0; a < item_n_columns(&self->items[i]); a++)
			columns[c++] = data->inputs[i].columns[a];
		if (spec->items[i].filter != NULL)
			columns[c++] = skip_column(arena, data->inputs[i].skip, n);
	}
	columns[c++] = bigint_column(arena, data->in->event_time, n);
	columns[c++] = bigint_column(arena, times_before(self, data), n);
	return row_partitions_append(&part->parts, &part->rows, columns, c, data->live, data->n_live, err);
}

/* ---- when ---- */

static int64_t
own_bytes(const AggregateOp *self)
{
	return self->groups.reserved_bytes + self->reserved_bytes;
}

/* Sessions to files if memory may not hold n rows more. */
static Status
make_room(AggregateOp *self, int32_t n, Error *err)
{
	struct SessionSpill *spill = self->sessions->spill;
	Level				*level = spill->current;
	bool				 can_split = level->sessions.level < PARTITION_LEVELS && self->groups.n_groups > 1;
	int64_t				 growth = group_table_growth(&self->groups, n) + n * (int64_t)(sizeof(Session) + self->states_size);

	/* As in aggregate_spill_make_room: what a batch takes may pass the limit until the next look. */
	self->may_overdraw = self->groups.may_overdraw = can_split || self->groups.n_records == 0 ||
		own_bytes(self) + growth <= spill_least(op_services(&self->op)->spill);
	return can_split && spill_is_due(op_services(&self->op)->spill, own_bytes(self), growth) ? write_sessions(self, level, err) : OK;
}

Status
session_spill_rows(AggregateOp *self, const PushData *data, bool *is_taken, Error *err)
{
	struct SessionSpill *spill = self->sessions->spill;

	*is_taken = false;
	if (spill == NULL)
		return OK;
	if (!spill->current->is_open)
		TRY(make_room(self, data->n_live, err));
	*is_taken = spill->current->is_open;
	return *is_taken ? write_rows(self, spill->current, data, err) : OK;
}

/* ---- parallel parts ---- */

bool
session_spill_must_merge(const AggregateOp *self, const AggregateOp *other)
{
	const SpillSpace *space = op_services(&self->op)->spill;

	if (self->sessions->spill == NULL)
		return false;
	return session_has_spilled(self) || session_has_spilled(other) || spill_is_due(space, own_bytes(self), own_bytes(other));
}

static Status
flush_rows(Level *level, Error *err)
{
	for (int i = 0; i < level->n_parts; i++)
		TRY(row_partitions_write(&level->parts[i]->parts, &level->parts[i]->rows, err));
	return OK;
}

Status
session_spill_merge(AggregateOp *self, AggregateOp *other, Error *err)
{
	struct SessionSpill *spill = self->sessions->spill;
	Level				*into = &spill->top, *from = &other->sessions->spill->top;
	uint32_t			 first_kind;

	/* What has spilled keeps no sessions. */
	if (!session_has_spilled(self))
		TRY(write_sessions(self, into, err));
	if (!session_has_spilled(other))
		TRY(write_sessions(other, from, err));
	TRY(flush_rows(into, err));
	TRY(flush_rows(from, err));
	first_kind = (uint32_t)into->n_parts;
	for (int i = 0; i < from->n_parts; i++) {
		from->parts[i]->parts.op = &self->op;
		from->parts[i]->parts.key_columns = spill->key_columns;
		from->parts[i]->rows.budget = op_services(&self->op)->budget;
		grow_array(into->parts, into->n_parts, into->capacity);
		into->parts[into->n_parts++] = from->parts[i];
	}
	from->n_parts = 0;
	for (int i = 0; i < from->sessions.n_extents; i++) {
		Extent extent = from->sessions.extents[i];

		extent.kind += first_kind;
		grow_array(into->sessions.extents, into->sessions.n_extents, into->sessions.capacity);
		into->sessions.extents[into->sessions.n_extents++] = extent;
	}
	for (int i = 0; i < from->sessions.n_files; i++) {
		grow_array(into->sessions.files, into->sessions.n_files, into->sessions.file_capacity);
		into->sessions.files[into->sessions.n_files++] = from->sessions.files[i];
	}
	from->sessions.n_files = from->sessions.n_extents = 0;
	from->sessions.own = NULL;
	self->op.late_rows += other->op.late_rows;
	return OK;
}

/* ---- the end ---- */

static Status
damaged(Error *err)
{
	return error_fatal(err, "A session in a temporary file is damaged");
}

/* Loading begins from zeros. */
static Status
load_items(AggregateOp *self, Session *session, const char *at, const char *end, Error *err)
{
	const AggregateSpec *spec = self->op.spec;

	for (int i = 0; i < spec->n_items; i++) {
		Item *item = &self->items[i];
		Str	  state;

		if (!take_piece(&at, end, &state))
			return damaged(err);
		item_destroy(item, (char *)session);
		memset((char *)session + item->offset, 0, item->state_size);
		TRY(item_load(item, (char *)session, state, err));
	}
	return OK;
}

static Status
take_sessions(void *context, Records *records, Error *err)
{
	AggregateOp *self = context;
	Group	   **groups = arena_alloc(op_scratch(&self->op), sizeof *groups * BATCH_ROWS);

	TRY(make_room(self, records->n, err));
	TRY(aggregate_find(self, records->columns, records->n, groups, err));
	for (int32_t r = 0; r < records->n; r++) {
		const char *at = records->bodies[r];
		Session	   *session;
		Time		end;
		Status		status;

		if ((size_t)(records->ends[r] - at) < sizeof end)
			return damaged(err);
		memcpy(&end, at, sizeof end);
		session = session_new(self, groups[r], records->times[r], end);
		status = load_items(self, session, at + sizeof end, records->ends[r], err);
		/* It is freed with its group, whatever came of it. */
		session_join(self, groups[r], session);
		TRY(status);
	}
	return aggregate_account(self, err);
}

/* Rows as they were written: as if they had just been pushed. */
static Status
take_rows(void *context, const Vector *const *columns, int32_t n, Error *err)
{
	AggregateOp			*self = context;
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	ArenaMark			 mark = arena_mark(arena);
	Batch				 in = {.n_rows = n};
	PushData			 data = {.in = &in, .n_live = n};
	int					 c = spec->n_keys;
	Status				 status;

	if (op_services(&self->op)->interrupted != NULL && *op_services(&self->op)->interrupted)
		return error_set(err, ERROR_INTERRUPTED, "Interrupted");
	data.keys = (const Vector **)(uintptr_t)columns;
	data.slots = arena_array(arena, KeySlot *, self->n_slots + 1);
	data.inputs = arena_array(arena, ItemInput, spec->n_items + 1);
	for (int k = 0; k < spec->n_keys; k++) {
		data.slots[k] = arena_alloc(arena, sizeof(KeySlot) * (size_t)n);
		key_slots(columns[k], n, data.slots[k], arena);
	}
	for (int i = 0; i < spec->n_items; i++) {
		data.inputs[i].columns = (const Vector **)(uintptr_t)(columns + c);
		c += item_n_columns(&self->items[i]);
		if (spec->items[i].filter != NULL) {
			const uint8_t *is_skipped = columns[c++]->data;
			uint64_t	  *skip = arena_calloc(arena, sizeof *skip * (size_t)(bitmap_words(n) + 1));

			for (int32_t r = 0; r < n; r++)
				if (is_skipped[r])
					bitmap_set(skip, r);
			data.inputs[i].skip = skip;
		}
	}
	in.event_time = columns[c++]->data;
	data.times_before = columns[c]->data;
	status = aggregate_session_push(self, &data, err);
	arena_rewind(arena, mark);
	return status;
}

static Status finish_level(AggregateOp *self, Level *level, Error *err);

/* What is in memory belongs to no part that takes rows: a part of its own. */
static Status
close_part(AggregateOp *self, Level *smaller, Error *err)
{
	if (self->groups.n_groups > 0)
		TRY(write_sessions(self, smaller, err));
	smaller->is_open = false;
	return flush_rows(smaller, err);
}

static Status
finish_partition(AggregateOp *self, const Level *level, int partition, Error *err)
{
	Level  smaller = {.sessions.level = level->sessions.level + 1};
	Status status = OK;

	self->sessions->spill->current = &smaller;
	for (int i = 0; i < level->n_parts; i++) {
		TRY_OUT(spill_read_records(self, &level->sessions, partition, (uint32_t)i, true, take_sessions, self, err));
		/* Sessions that came back in more than one go: those are parts without rows, and behind them the rows begin one. */
		if (smaller.n_parts > 0)
			TRY_OUT(write_sessions(self, &smaller, err));
		TRY_OUT(row_partitions_read(&level->parts[i]->parts, partition, take_rows, self, err));
		if (smaller.n_parts > 0)
			TRY_OUT(close_part(self, &smaller, err));
	}
	if (smaller.n_parts > 0) {
		TRY_OUT(finish_level(self, &smaller, err));
	} else {
		TRY_OUT(sessions_emit_all(self, err));
		sessions_forget(self);
		status = aggregate_account(self, err);
	}
out:
	level_free(&smaller);
	return status;
}

static Status
finish_level(AggregateOp *self, Level *level, Error *err)
{
	TRY(flush_rows(level, err));
	for (int p = 0; p < N_PARTITIONS; p++)
		TRY(finish_partition(self, level, p, err));
	return OK;
}

Status
session_spill_finish(AggregateOp *self, Error *err)
{
	struct SessionSpill *spill = self->sessions->spill;
	Status				 status = finish_level(self, &spill->top, err);

	spill->current = &spill->top;
	return status;
}
