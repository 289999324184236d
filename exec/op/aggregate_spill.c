/*
 * An aggregate of a bounded plan that needs more than the memory budget.  Its groups are written to temporary files, in
 * partitions by bits of the key's hash, and forgotten; at the end the parts of one partition are read back, merged in the
 * order in which they were written, and emitted.  A partition that is too large is partitioned again by the next bits.
 *
 * One writing gives each partition an extent: records of groups, then records of the tuples of DISTINCT, which are stepped
 * again when they are read (states of DISTINCT items are not written).  A record:
 *	RecordHeader, key slots, long text of the keys, then of a group its states, of a tuple its slots and their long text
 *
 * Where nothing could be gained (one group, or no bits left), the budget's refusal stands.
 */
#include <stdlib.h>

#include "exec/op/aggregate_impl.h"

enum {
	PARTITION_BITS = 6,
	N_PARTITIONS = 1 << PARTITION_BITS,
	LEVELS = 5,				/* that 32 bits of hash have */
};

typedef struct RecordHeader {
	uint32_t length;		/* of the whole record */
	uint32_t hash;			/* of the group */
	uint32_t kind;			/* 0: a group; i + 1: a tuple of item i */
	uint32_t unused;
	Time	 time;			/* of a group */
} RecordHeader;

/* The part of one partition that was written at once. */
typedef struct Extent {
	int		   partition;
	SpillFile *file;
	int64_t	   at;
	int64_t	   end;
} Extent;

/* What was written at one level. */
typedef struct Partitions {
	int			level;
	SpillFile  *own;
	SpillFile **files;
	int			n_files;
	int			file_capacity;
	Extent	   *extents;	/* in order of writing */
	int			n_extents;
	int			capacity;
} Partitions;

struct AggregateSpill {
	Partitions	top;
	Partitions *current;	/* that is written to */
	StrBuf		block;
};

/* Records that are taken together: of one kind, from one block. */
typedef struct Records {
	uint32_t	  kind;
	int32_t		  n;
	KeySlot		**columns;
	uint32_t	 *hashes;
	Time		 *times;
	const char	**bodies;	/* states, or slots of a tuple */
	const char	**ends;
} Records;

/* ---- opening ---- */

static bool
item_can_spill(const Item *item)
{
	const Aggregate *f = item->function;

	if (item->values != NULL)
		return false;
	return item->is_ordered || (f->merge != NULL && (f->save != NULL) == (f->load != NULL) && (f->save != NULL || f->destroy == NULL));
}

static bool
is_splittable(const AggregateSpec *spec)
{
	return spec->emit == AGGREGATE_AT_END && spec->window.kind != WINDOW_SESSION && !spec->is_table && spec->ttl_ms == 0
		&& spec->n_keys > 0;
}

void
aggregate_spill_open(AggregateOp *self)
{
	const AggregateSpec *spec = self->op.spec;

	if (op_services(&self->op)->spill == NULL || op_services(&self->op)->state != NULL || !is_splittable(spec))
		return;
	for (int i = 0; i < spec->n_items; i++)
		if (!item_can_spill(&self->items[i]))
			return;
	self->spill = xcalloc(1, sizeof *self->spill);
	self->spill->current = &self->spill->top;
}

static void
partitions_free(Partitions *parts)
{
	for (int i = 0; i < parts->n_files; i++)
		spill_close(parts->files[i]);
	free(parts->files);
	free(parts->extents);
	*parts = (Partitions){.level = parts->level};
}

void
aggregate_spill_close(AggregateOp *self)
{
	if (self->spill == NULL)
		return;
	partitions_free(&self->spill->top);
	strbuf_free(&self->spill->block);
	free(self->spill);
	self->spill = NULL;
}

bool
aggregate_has_spilled(const AggregateOp *self)
{
	return self->spill != NULL && self->spill->top.n_extents > 0;
}

/* ---- when ---- */

/* What the operator keeps, and what n more rows may add to it. */
static int64_t
own_bytes(const AggregateOp *self, int32_t n, int64_t *growth)
{
	const AggregateSpec *spec = self->op.spec;
	int64_t				 bytes = self->groups.reserved_bytes + self->reserved_bytes;

	*growth = group_table_growth(&self->groups, n);
	for (int i = 0; i < spec->n_items && self->has_distinct; i++)
		if (self->items[i].distinct != NULL) {
			bytes += self->items[i].distinct->reserved_bytes;
			*growth += group_table_growth(self->items[i].distinct, n);
		}
	return bytes;
}

static bool
is_over_limit(const MemoryBudget *budget, int64_t more)
{
	budget = budget_in_force(budget);
	return budget->limit_bytes > 0 && atomic_load_explicit(&budget->used_bytes, memory_order_relaxed) + more > budget->limit_bytes;
}

Status
aggregate_spill_make_room(AggregateOp *self, int32_t n, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	const OpServices	*services = op_services(&self->op);
	bool				 can_split = self->groups.n_groups > 1 && self->spill->current->level < LEVELS;
	bool				 may_overdraw;
	int64_t				 least = spill_least(services->spill);
	int64_t				 growth, bytes = own_bytes(self, n, &growth);

	if (can_split && spill_is_due(services->spill, bytes, growth))
		TRY(aggregate_spill_write(self, err));
	/* Between two looks at the budget it may be passed by what a batch takes.  The first one always has a table. */
	may_overdraw = can_split || bytes + growth <= least || self->groups.n_records == 0;
	self->may_overdraw = self->groups.may_overdraw = may_overdraw;
	for (int i = 0; i < spec->n_items && self->has_distinct; i++)
		if (self->items[i].distinct != NULL)
			self->items[i].distinct->may_overdraw = may_overdraw;
	return OK;
}

/* ---- writing ---- */

static int
partition_of(const Partitions *parts, uint32_t hash)
{
	return (int)(hash >> (32 - PARTITION_BITS * (parts->level + 1)) & (N_PARTITIONS - 1));
}

static uint32_t
group_hash_of(const AggregateOp *self, const GroupTable *table, const Group *record)
{
	return table == &self->groups ? record->hash : group_table_at(&self->groups, (uint32_t)group_key(table, record, 0).low)->hash;
}

/* Numbers of a table's live records by partition, in order; those of partition p are first[p] .. first[p + 1]. */
static uint32_t *
records_by_partition(const AggregateOp *self, const Partitions *parts, const GroupTable *table, uint32_t *first)
{
	uint32_t *numbers = xmalloc(sizeof *numbers * (size_t)(table->n_groups + 1));
	uint32_t  next[N_PARTITIONS];

	memset(first, 0, sizeof *first * (N_PARTITIONS + 1));
	for (uint32_t i = 0; i < table->n_records; i++) {
		const Group *record = group_table_at(table, i);

		if (record->is_live)
			first[partition_of(parts, group_hash_of(self, table, record)) + 1]++;
	}
	for (int p = 0; p < N_PARTITIONS; p++) {
		first[p + 1] += first[p];
		next[p] = first[p];
	}
	for (uint32_t i = 0; i < table->n_records; i++) {
		const Group *record = group_table_at(table, i);

		if (record->is_live)
			numbers[next[partition_of(parts, group_hash_of(self, table, record))]++] = i;
	}
	return numbers;
}

static void
add_slots(const GroupTable *table, const Group *record, int first, int n, StrBuf *out)
{
	for (int k = first; k < first + n; k++) {
		KeySlot slot = group_key(table, record, k);

		strbuf_add(out, &slot, sizeof slot);
	}
	for (int k = first; k < first + n; k++) {
		KeySlot slot = group_key(table, record, k);

		strbuf_add(out, (const void *)(uintptr_t)slot.high, key_slot_far_bytes(table, k, &slot));
	}
}

static bool
state_is_plain(const Item *item)
{
	return !item->is_ordered && item->function->save == NULL;
}

static void
add_states(const AggregateOp *self, const Group *group, StrBuf *out)
{
	const AggregateSpec *spec = self->op.spec;

	for (int i = 0; i < spec->n_items; i++) {
		const Item *item = &self->items[i];
		uint32_t	length = 0;
		size_t		at = out->length;

		if (item->distinct != NULL)
			continue;
		if (state_is_plain(item)) {
			strbuf_add(out, (const char *)group + item->offset, item->state_size);
			continue;
		}
		strbuf_add(out, &length, sizeof length);
		item_save(item, (const char *)group, out);
		length = (uint32_t)(out->length - at - sizeof length);
		memcpy(out->data + at, &length, sizeof length);
	}
}

static void
add_record(const AggregateOp *self, uint32_t kind, const Group *group, const Group *tuple, StrBuf *out)
{
	RecordHeader header = {.hash = group->hash, .kind = kind, .time = group->time};
	size_t		 at = out->length;

	strbuf_add(out, &header, sizeof header);
	add_slots(&self->groups, group, 0, self->n_slots, out);
	if (tuple == NULL)
		add_states(self, group, out);
	else
		add_slots(self->items[kind - 1].distinct, tuple, 1, self->items[kind - 1].spec->n_args, out);
	header.length = (uint32_t)(out->length - at);
	memcpy(out->data + at, &header, sizeof header);
}

static Status
write_block(AggregateOp *self, Error *err)
{
	StrBuf *block = &self->spill->block;

	if (block->length == 0)
		return OK;
	TRY(spill_write(self->spill->current->own, strbuf_str(block), err));
	self->op.spilled_bytes += (int64_t)block->length;
	strbuf_clear(block);
	return OK;
}

static Status
write_records(AggregateOp *self, uint32_t kind, const uint32_t *numbers, uint32_t n, Error *err)
{
	const GroupTable *table = kind == 0 ? &self->groups : self->items[kind - 1].distinct;
	size_t			  block_bytes = (size_t)spill_block_bytes(op_services(&self->op)->spill);

	for (uint32_t i = 0; i < n; i++) {
		const Group *record = group_table_at(table, numbers[i]);

		if (kind == 0)
			add_record(self, 0, record, NULL, &self->spill->block);
		else
			add_record(self, kind, group_table_at(&self->groups, (uint32_t)group_key(table, record, 0).low), record, &self->spill->block);
		if (self->spill->block.length >= block_bytes)
			TRY(write_block(self, err));
	}
	return OK;
}

static void
forget_all(AggregateOp *self)
{
	const AggregateSpec *spec = self->op.spec;

	aggregate_destroy_states(self);
	group_table_clear(&self->groups);
	for (int i = 0; i < spec->n_items; i++)
		if (self->items[i].distinct != NULL)
			group_table_clear(self->items[i].distinct);
}

static Status
open_file(AggregateOp *self, Partitions *parts, Error *err)
{
	TRY(spill_open(op_services(&self->op)->spill, &parts->own, err));
	grow_array(parts->files, parts->n_files, parts->file_capacity);
	parts->files[parts->n_files++] = parts->own;
	return OK;
}

Status
aggregate_spill_write(AggregateOp *self, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Partitions			*parts = self->spill->current;
	uint32_t		   **numbers = xcalloc((size_t)spec->n_items + 1, sizeof *numbers);
	uint32_t			(*first)[N_PARTITIONS + 1] = xcalloc((size_t)spec->n_items + 1, sizeof *first);
	Status				 status = OK;

	for (int i = 0; i <= spec->n_items; i++) {
		if (i > 0)
			self->items[i - 1].call.merges_parts = true;
		if (i == 0 || self->items[i - 1].distinct != NULL)
			numbers[i] = records_by_partition(self, parts, i == 0 ? &self->groups : self->items[i - 1].distinct, first[i]);
	}
	if (parts->own == NULL)
		TRY_OUT(open_file(self, parts, err));
	for (int p = 0; p < N_PARTITIONS; p++) {
		Extent extent = {.partition = p, .file = parts->own, .at = spill_end(parts->own)};

		for (int i = 0; i <= spec->n_items; i++)
			if (numbers[i] != NULL)
				TRY_OUT(write_records(self, (uint32_t)i, numbers[i] + first[i][p], first[i][p + 1] - first[i][p], err));
		TRY_OUT(write_block(self, err));
		extent.end = spill_end(parts->own);
		if (extent.end == extent.at)
			continue;
		grow_array(parts->extents, parts->n_extents, parts->capacity);
		parts->extents[parts->n_extents++] = extent;
	}
	forget_all(self);
	status = aggregate_account(self, err);
out:
	for (int i = 0; i <= spec->n_items; i++)
		free(numbers[i]);
	free(numbers);
	free(first);
	return status;
}

/* ---- parallel parts ---- */

bool
aggregate_spill_must_merge(const AggregateOp *self, const AggregateOp *other)
{
	const OpServices *services = op_services(&self->op);
	int64_t			  growth, theirs;

	if (self->spill == NULL)
		return false;
	if (aggregate_has_spilled(self) || aggregate_has_spilled(other))
		return true;
	theirs = own_bytes(other, 0, &growth);
	/* All of their groups may be new here, and the table of entries then doubles once more. */
	return self->groups.n_groups > 0 && theirs + theirs / 2 > spill_least(services->spill) && is_over_limit(services->budget, theirs + theirs / 2);
}

Status
aggregate_spill_merge(AggregateOp *self, AggregateOp *other, Error *err)
{
	Partitions *into = &self->spill->top, *from = &other->spill->top;

	TRY(aggregate_spill_write(self, err));
	TRY(aggregate_spill_write(other, err));
	for (int i = 0; i < from->n_extents; i++) {
		grow_array(into->extents, into->n_extents, into->capacity);
		into->extents[into->n_extents++] = from->extents[i];
	}
	for (int i = 0; i < from->n_files; i++) {
		grow_array(into->files, into->n_files, into->file_capacity);
		into->files[into->n_files++] = from->files[i];
	}
	from->n_files = from->n_extents = 0;
	from->own = NULL;
	return OK;
}

/* ---- reading ---- */

static Status
damaged(Error *err)
{
	return error_fatal(err, "A record of GROUP BY in a temporary file is damaged");
}

/* Slots as they were written; long text is borrowed.  NULL: the record is too short. */
static const char *
take_slots(const GroupTable *table, int first, int n, const char *at, const char *end, KeySlot *out)
{
	if ((size_t)(end - at) < sizeof *out * (size_t)n)
		return NULL;
	memcpy(out, at, sizeof *out * (size_t)n);
	at += sizeof *out * (size_t)n;
	for (int k = 0; k < n; k++) {
		size_t bytes = key_slot_far_bytes(table, first + k, &out[k]);

		if ((size_t)(end - at) < bytes)
			return NULL;
		if (bytes > 0)
			out[k].high = (uint64_t)(uintptr_t)at;
		at += bytes;
	}
	return at;
}

/* The states of a record into `base`, whose states are zeros. */
static Status
load_states(AggregateOp *self, char *base, const char *at, const char *end, Error *err)
{
	const AggregateSpec *spec = self->op.spec;

	for (int i = 0; i < spec->n_items; i++) {
		Item	*item = &self->items[i];
		uint32_t length = item->state_size;

		if (item->distinct != NULL) {
			item_init(item, base);
			continue;
		}
		if (!state_is_plain(item)) {
			if ((size_t)(end - at) < sizeof length)
				return damaged(err);
			memcpy(&length, at, sizeof length);
			at += sizeof length;
		}
		if ((size_t)(end - at) < length)
			return damaged(err);
		if (state_is_plain(item))
			memcpy(base + item->offset, at, length);
		else
			TRY(item_load(item, base, str_make(at, length), err));
		at += length;
	}
	return OK;
}

static Status
take_groups(AggregateOp *self, const Records *records, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	Group			   **groups = arena_alloc(arena, sizeof *groups * BATCH_ROWS);
	uint32_t			*new_rows = arena_alloc(arena, sizeof *new_rows * BATCH_ROWS);
	bool				*is_new = arena_calloc(arena, sizeof *is_new * BATCH_ROWS);
	char				*later = arena_alloc(arena, self->groups.record_size);
	int32_t				 n_new;

	TRY(group_table_find(&self->groups, records->columns, records->hashes, records->n, groups, new_rows, &n_new, err));
	for (int32_t i = 0; i < n_new; i++)
		is_new[new_rows[i]] = true;
	for (int32_t r = 0; r < records->n; r++) {
		Status status;

		if (records->times[r] > groups[r]->time)
			groups[r]->time = records->times[r];
		if (is_new[r]) {
			TRY(load_states(self, (char *)groups[r], records->bodies[r], records->ends[r], err));
			continue;
		}
		memset(later, 0, self->groups.record_size);
		status = load_states(self, later, records->bodies[r], records->ends[r], err);
		for (int i = 0; i < spec->n_items; i++) {
			if (status == OK && self->items[i].distinct == NULL)
				item_merge(&self->items[i], (char *)groups[r], later);
			item_destroy(&self->items[i], later);
		}
		TRY(status);
	}
	return OK;
}

static Status
take_tuples(AggregateOp *self, const Records *records, Error *err)
{
	Arena	   *arena = op_scratch(&self->op);
	Item	   *item = &self->items[records->kind - 1];
	int			n_args = item->spec->n_args;
	ItemInput	in = {.columns = arena_alloc(arena, sizeof *in.columns * (size_t)(n_args + 1))};
	Group	  **groups = arena_alloc(arena, sizeof *groups * BATCH_ROWS);
	uint32_t   *ids = arena_alloc(arena, sizeof *ids * BATCH_ROWS);
	KeySlot	   *slots = arena_alloc(arena, sizeof *slots * (size_t)(n_args + 1));
	Vector	  **columns = arena_alloc(arena, sizeof *columns * (size_t)(n_args + 1));

	TRY(aggregate_find(self, records->columns, records->n, groups, err));
	for (int a = 0; a < n_args; a++)
		in.columns[a] = columns[a] = vector_new(arena, item->spec->args[a]->type, records->n);
	for (int32_t r = 0; r < records->n; r++) {
		ids[r] = groups[r]->number;
		if (take_slots(item->distinct, 1, n_args, records->bodies[r], records->ends[r], slots) == NULL)
			return damaged(err);
		for (int a = 0; a < n_args; a++)
			TRY(key_slot_get(item->spec->args[a]->type, &slots[a], columns[a], r, arena, err));
	}
	return item_step(item, (char *const *)groups, ids, &in, records->n, false, arena, NULL, err);
}

static Status
take_records(AggregateOp *self, Records *records, Error *err)
{
	Arena	 *arena = op_scratch(&self->op);
	ArenaMark mark = arena_mark(arena);

	if (records->n == 0)
		return OK;
	TRY(aggregate_spill_make_room(self, records->n, err));
	TRY(records->kind == 0 ? take_groups(self, records, err) : take_tuples(self, records, err));
	records->n = 0;
	arena_rewind(arena, mark);
	return aggregate_account(self, err);
}

/* Takes the records of a block. */
static Status
take_block(AggregateOp *self, Str block, Records *records, KeySlot *slots, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	const char			*at = block.data, *block_end = block.data + block.length;
	RecordHeader		 header;

	for (; at < block_end; at += header.length) {
		const char *body;

		if ((size_t)(block_end - at) < sizeof header)
			return damaged(err);
		memcpy(&header, at, sizeof header);
		if (header.length < sizeof header || header.length > (size_t)(block_end - at) || header.kind > (uint32_t)spec->n_items)
			return damaged(err);
		if (header.kind != records->kind || records->n == BATCH_ROWS)
			TRY(take_records(self, records, err));
		body = take_slots(&self->groups, 0, self->n_slots, at + sizeof header, at + header.length, slots);
		if (body == NULL)
			return damaged(err);
		for (int k = 0; k < self->n_slots; k++)
			records->columns[k][records->n] = slots[k];
		records->kind = header.kind;
		records->hashes[records->n] = header.hash;
		records->times[records->n] = header.time;
		records->bodies[records->n] = body;
		records->ends[records->n++] = at + header.length;
	}
	return take_records(self, records, err);
}

static Status
take_extent(AggregateOp *self, Extent extent, Error *err)
{
	Arena	   *arena = op_scratch(&self->op);
	ArenaMark	mark = arena_mark(arena);
	KeySlot	   *slots = arena_alloc(arena, sizeof *slots * (size_t)(self->n_slots + 1));
	Records		records = {.columns = arena_alloc(arena, sizeof *records.columns * (size_t)(self->n_slots + 1)),
						   .hashes = arena_alloc(arena, sizeof *records.hashes * BATCH_ROWS),
						   .times = arena_alloc(arena, sizeof *records.times * BATCH_ROWS),
						   .bodies = arena_alloc(arena, sizeof *records.bodies * BATCH_ROWS),
						   .ends = arena_alloc(arena, sizeof *records.ends * BATCH_ROWS)};
	SpillBuffer buffer = {0};
	Status		status = OK;
	Str			block;

	for (int k = 0; k < self->n_slots; k++)
		records.columns[k] = arena_alloc(arena, sizeof(KeySlot) * BATCH_ROWS);
	while (extent.at < extent.end) {
		TRY_OUT(spill_read(extent.file, &extent.at, &buffer, &block, err));
		TRY_OUT(take_block(self, block, &records, slots, err));
	}
	arena_rewind(arena, mark);
out:
	spill_buffer_free(&buffer);
	return status;
}

/* ---- the end ---- */

static Status finish_partitions(AggregateOp *self, Partitions *parts, Error *err);

/* Reads the parts of one partition and emits its groups. */
static Status
finish_partition(AggregateOp *self, const Partitions *parts, int partition, Error *err)
{
	Partitions smaller = {.level = parts->level + 1};
	Status	   status = OK;

	self->spill->current = &smaller;
	for (int i = 0; i < parts->n_extents; i++)
		if (parts->extents[i].partition == partition)
			TRY_OUT(take_extent(self, parts->extents[i], err));
	if (smaller.n_extents > 0) {
		TRY_OUT(aggregate_spill_write(self, err));
		TRY_OUT(finish_partitions(self, &smaller, err));
	} else {
		TRY_OUT(aggregate_emit_all(self, err));
		forget_all(self);
	}
out:
	partitions_free(&smaller);
	return status;
}

static Status
finish_partitions(AggregateOp *self, Partitions *parts, Error *err)
{
	for (int p = 0; p < N_PARTITIONS; p++)
		TRY(finish_partition(self, parts, p, err));
	return OK;
}

Status
aggregate_spill_finish(AggregateOp *self, Error *err)
{
	Status status;

	TRY(aggregate_spill_write(self, err));
	status = finish_partitions(self, &self->spill->top, err);
	self->spill->current = &self->spill->top;
	return status;
}
