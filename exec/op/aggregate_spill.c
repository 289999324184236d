/*
 * An aggregate of a bounded plan that needs more than the memory budget.  What it keeps is written to temporary files, in
 * partitions by bits of the key's hash, and forgotten; at the end the parts of one partition are read back, merged in the
 * order in which they were written, and emitted.  A partition that has too many groups is partitioned again by the next bits.
 *
 * Values that may be many for one group are apart: tuples of DISTINCT, and states that keep rows.  They are taken when the groups of a
 * partition are in memory, an item after the other (aggregate_large.c).
 *
 * Where nothing could be gained (one group whose array is too large), the budget's refusal stands.
 */
#include <stdlib.h>

#include "exec/op/aggregate_spill.h"

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
has_values_apart(const AggregateOp *self)
{
	const AggregateSpec *spec = self->op.spec;

	for (int i = 0; i < spec->n_items; i++)
		if (item_is_apart(&self->items[i]))
			return true;
	return false;
}

static bool
is_splittable(const AggregateOp *self)
{
	const AggregateSpec *spec = self->op.spec;

	return spec->emit == AGGREGATE_AT_END && spec->window.kind != WINDOW_SESSION && !spec->is_table && spec->ttl_ms == 0
		&& (spec->n_keys > 0 || has_values_apart(self));
}

void
aggregate_spill_open(AggregateOp *self)
{
	const AggregateSpec *spec = self->op.spec;

	if (op_services(&self->op)->spill == NULL || op_services(&self->op)->state != NULL || !is_splittable(self))
		return;
	for (int i = 0; i < spec->n_items; i++)
		if (!item_can_spill(&self->items[i]))
			return;
	self->spill = xcalloc(1, sizeof *self->spill);
	self->spill->current = &self->spill->top;
}

void
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

int64_t
spill_own_bytes(const AggregateOp *self, int32_t n, int64_t *growth)
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
	bool				 is_worth_it = self->groups.n_groups > 1 || (has_values_apart(self) && !self->spill->is_reading_groups);
	bool				 can_split = self->spill->current->level < PARTITION_LEVELS && is_worth_it;
	bool				 may_overdraw;
	int64_t				 least = spill_least(services->spill);
	int64_t				 growth, bytes = spill_own_bytes(self, n, &growth);

	if (can_split && spill_is_due(services->spill, bytes, growth))
		TRY(spill_write_groups(self, err));
	/* Between two looks at the budget it may be passed by what a batch takes.  The first one always has a table. */
	may_overdraw = can_split || bytes + growth <= least || self->groups.n_records == 0;
	self->may_overdraw = self->groups.may_overdraw = may_overdraw;
	for (int i = 0; i < spec->n_items && self->has_distinct; i++)
		if (self->items[i].distinct != NULL)
			self->items[i].distinct->may_overdraw = may_overdraw;
	return OK;
}

/* ---- writing ---- */

/* groups: where the first key of `table` is a group's number, the groups, whose hash then counts; NULL: the record's own does. */
static uint32_t
hash_of(const GroupTable *table, const GroupTable *groups, const Group *record)
{
	return groups == NULL ? record->hash : group_table_at(groups, (uint32_t)group_key(table, record, 0).low)->hash;
}

uint32_t *
records_by_partition(const Partitions *parts, const GroupTable *table, const GroupTable *groups, uint32_t *first)
{
	uint32_t *numbers = xmalloc(sizeof *numbers * (size_t)(table->n_groups + 1));
	uint32_t  next[N_PARTITIONS];

	memset(first, 0, sizeof *first * (N_PARTITIONS + 1));
	for (uint32_t i = 0; i < table->n_records; i++) {
		const Group *record = group_table_at(table, i);

		if (record->is_live)
			first[partition_of(parts, hash_of(table, groups, record)) + 1]++;
	}
	for (int p = 0; p < N_PARTITIONS; p++) {
		first[p + 1] += first[p];
		next[p] = first[p];
	}
	for (uint32_t i = 0; i < table->n_records; i++) {
		const Group *record = group_table_at(table, i);

		if (record->is_live)
			numbers[next[partition_of(parts, hash_of(table, groups, record))]++] = i;
	}
	return numbers;
}

void
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
	return item->function->save == NULL;
}

static void
add_states(const AggregateOp *self, const Group *group, StrBuf *out)
{
	const AggregateSpec *spec = self->op.spec;

	for (int i = 0; i < spec->n_items; i++) {
		const Item *item = &self->items[i];
		uint32_t	length = 0;
		size_t		at = out->length;

		if (item_is_apart(item))
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

/* Begins a record with the keys of a group; returns where it begins. */
static size_t
record_begin(const AggregateOp *self, uint32_t kind, const Group *group, StrBuf *out)
{
	RecordHeader header = {.hash = group->hash, .kind = kind, .time = group->time};
	size_t		 at = out->length;

	strbuf_add(out, &header, sizeof header);
	add_slots(&self->groups, group, 0, self->n_slots, out);
	return at;
}

static void
record_end(StrBuf *out, size_t at)
{
	uint32_t length = (uint32_t)(out->length - at);

	memcpy(out->data + at + offsetof(RecordHeader, length), &length, sizeof length);
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
partition_begin(AggregateOp *self, Partitions *parts, StrBuf *block, int partition, uint32_t kind, Extent *extent, Error *err)
{
	strbuf_clear(block);
	if (parts->own == NULL)
		TRY(open_file(self, parts, err));
	*extent = (Extent){.partition = partition, .kind = kind, .file = parts->own, .at = spill_end(parts->own)};
	return OK;
}

Status
partition_flush(AggregateOp *self, Partitions *parts, StrBuf *block, bool is_last, Error *err)
{
	if (block->length == 0 || (!is_last && block->length < (size_t)spill_block_bytes(op_services(&self->op)->spill)))
		return OK;
	TRY(spill_write(parts->own, strbuf_str(block), err));
	self->op.spilled_bytes += (int64_t)block->length;
	strbuf_clear(block);
	return OK;
}

Status
partition_end(AggregateOp *self, Partitions *parts, StrBuf *block, Extent *extent, Error *err)
{
	TRY(partition_flush(self, parts, block, true, err));
	extent->end = spill_end(parts->own);
	if (extent->end == extent->at)
		return OK;
	grow_array(parts->extents, parts->n_extents, parts->capacity);
	parts->extents[parts->n_extents++] = *extent;
	return OK;
}

/* Groups with their small states. */
static Status
write_groups(AggregateOp *self, Partitions *parts, int partition, const uint32_t *numbers, uint32_t n, Error *err)
{
	StrBuf *block = &self->spill->block;
	Extent	extent;

	TRY(partition_begin(self, parts, block, partition, 0, &extent, err));
	for (uint32_t i = 0; i < n; i++) {
		const Group *group = group_table_at(&self->groups, numbers[i]);
		size_t		 at = record_begin(self, 0, group, block);

		add_states(self, group, block);
		record_end(block, at);
		TRY(partition_flush(self, parts, block, false, err));
	}
	return partition_end(self, parts, block, &extent, err);
}

/* The states of an item in pieces. */
static Status
write_pieces(AggregateOp *self, Partitions *parts, int partition, const Item *item, const uint32_t *numbers, uint32_t n, Error *err)
{
	StrBuf *block = &self->spill->block;
	Extent	extent;

	TRY(partition_begin(self, parts, block, partition, (uint32_t)item->number + 1, &extent, err));
	for (uint32_t i = 0; i < n; i++) {
		const Group *group = group_table_at(&self->groups, numbers[i]);
		const char	*base = (const char *)group;

		for (size_t from = 0;;) {
			size_t at = record_begin(self, (uint32_t)item->number + 1, group, block);

			if (!(item->is_ordered ? item_save_rows(item, base, &from, block)
								   : item->function->reduction->save_part(&item->call, base + item->offset, &from, block))) {
				block->length = at;
				break;
			}
			record_end(block, at);
			TRY(partition_flush(self, parts, block, false, err));
		}
	}
	return partition_end(self, parts, block, &extent, err);
}

static Status
write_tuples(AggregateOp *self, Partitions *parts, int partition, const Item *item, const uint32_t *numbers, uint32_t n, Error *err)
{
	StrBuf *block = &self->spill->block;
	Extent	extent;

	TRY(partition_begin(self, parts, block, partition, (uint32_t)item->number + 1, &extent, err));
	for (uint32_t i = 0; i < n; i++) {
		const Group *tuple = group_table_at(item->distinct, numbers[i]);
		size_t		 at = record_begin(self, (uint32_t)item->number + 1,
									   group_table_at(&self->groups, (uint32_t)group_key(item->distinct, tuple, 0).low), block);

		add_slots(item->distinct, tuple, 1, item->spec->n_args, block);
		record_end(block, at);
		TRY(partition_flush(self, parts, block, false, err));
	}
	return partition_end(self, parts, block, &extent, err);
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

/* All of one kind, partition by partition. */
static Status
write_kind(AggregateOp *self, Partitions *parts, Item *item, Error *err)
{
	bool	  is_tuples = item != NULL && item->distinct != NULL && !item->is_ordered;
	uint32_t  first[N_PARTITIONS + 1];
	uint32_t *numbers = is_tuples ? records_by_partition(parts, item->distinct, tuples_are_by_value(self) ? NULL : &self->groups, first)
								  : records_by_partition(parts, &self->groups, NULL, first);
	Status	  status = OK;

	for (int p = 0; p < N_PARTITIONS && status == OK; p++) {
		const uint32_t *at = numbers + first[p];
		uint32_t		n = first[p + 1] - first[p];

		if (n == 0)
			continue;
		status = item == NULL ? write_groups(self, parts, p, at, n, err)
			   : is_tuples	  ? write_tuples(self, parts, p, item, at, n, err)
							  : write_pieces(self, parts, p, item, at, n, err);
	}
	free(numbers);
	return status;
}

Status
spill_write_groups(AggregateOp *self, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Partitions			*parts = self->spill->current;

	for (int i = 0; i < spec->n_items; i++)
		self->items[i].call.merges_parts = true;
	TRY(write_kind(self, parts, NULL, err));
	for (int i = 0; i < spec->n_items; i++)
		if (item_is_apart(&self->items[i]))
			TRY(write_kind(self, parts, &self->items[i], err));
	forget_all(self);
	return aggregate_account(self, err);
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
	theirs = spill_own_bytes(other, 0, &growth);
	/* All of their groups may be new here, and the table of entries then doubles once more. */
	return self->groups.n_groups > 0 && theirs + theirs / 2 > spill_least(services->spill) && is_over_limit(services->budget, theirs + theirs / 2);
}

Status
aggregate_spill_merge(AggregateOp *self, AggregateOp *other, Error *err)
{
	Partitions *into = &self->spill->top, *from = &other->spill->top;

	TRY(spill_write_groups(self, err));
	TRY(spill_write_groups(other, err));
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

/* ---- the end ---- */

bool
aggregate_spill_must_finish(const AggregateOp *self)
{
	enum { ROW_FACTOR = 8 };	/* rows that are sorted as Values take so much more */
	const AggregateSpec *spec = self->op.spec;
	const MemoryBudget	*budget = self->spill != NULL ? budget_in_force(op_services(&self->op)->budget) : NULL;

	if (budget == NULL || budget->limit_bytes == 0)
		return false;
	for (int i = 0; i < spec->n_items; i++)
		if (self->items[i].is_ordered && self->items[i].distinct == NULL && is_over_limit(budget, self->items[i].used_bytes * ROW_FACTOR))
			return true;
	return false;
}

static Status finish_partitions(AggregateOp *self, Partitions *parts, Error *err);

/* The values of all items into the groups' states, and all groups out. */
static Status
finish_groups(AggregateOp *self, const Partitions *parts, int partition, Error *err)
{
	const AggregateSpec *spec = self->op.spec;

	for (int i = 0; i < spec->n_items; i++)
		if (item_is_apart(&self->items[i]))
			TRY(item_take_large(self, &self->items[i], parts, partition, err));
	TRY(aggregate_emit_all(self, err));
	forget_all(self);
	return aggregate_account(self, err);
}

/* Reads the parts of one partition and emits its groups. */
static Status
finish_partition(AggregateOp *self, const Partitions *parts, int partition, Error *err)
{
	Partitions smaller = {.level = parts->level + 1};
	Status	   status = OK;

	self->spill->current = &smaller;
	self->spill->is_reading_groups = true;
	status = spill_read_groups(self, parts, partition, err);
	self->spill->is_reading_groups = false;
	TRY_OUT(status);
	if (smaller.n_extents > 0) {
		TRY_OUT(spill_read_values(self, parts, partition, err));
		TRY_OUT(spill_write_groups(self, err));
		TRY_OUT(finish_partitions(self, &smaller, err));
	} else if (self->groups.n_groups > 0) {
		status = finish_groups(self, parts, partition, err);
	}
out:
	partitions_free(&smaller);
	return status;
}

static Status
finish_partitions(AggregateOp *self, Partitions *parts, Error *err)
{
	for (int p = 0; p < N_PARTITIONS; p++) {
		if (parts == &self->spill->top)
			op_progress(&self->op, "merging groups", p, N_PARTITIONS);
		TRY(finish_partition(self, parts, p, err));
	}
	return OK;
}

Status
aggregate_spill_finish(AggregateOp *self, Error *err)
{
	Status status;

	TRY(spill_write_groups(self, err));
	status = finish_partitions(self, &self->spill->top, err);
	self->spill->current = &self->spill->top;
	return status;
}
