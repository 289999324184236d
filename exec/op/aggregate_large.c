/*
 * The values of one aggregate, of all groups of a partition that are in memory, when they were written apart.
 *
 * DISTINCT: tuples go into the item's table; more than memory holds are parted by their own hash, so that equal ones meet, and each part is
 * stepped over when all of it is there.
 *
 * States that keep values come as pieces and are merged.  When they take too much they are moved to sorted rows (group, entry), from which
 * the result of a group is found in one pass: aggregates with ORDER BY take the rows in their order, others reduce them
 * (AggregateReduction).  Where the result is as large as the values there is nothing to gain, and the budget's refusal stands.
 */
#include <stdlib.h>

#include "data/key.h"
#include "exec/op/aggregate_spill.h"
#include "exec/op/sorted_rows.h"

enum {
	ENTRY_COLUMNS = 4,		/* of a reduction, at most */
	TUPLES_MIN = 2 * BATCH_ROWS,	/* that are parted */
	STATES_SHARE = 8,		/* part of the operator's memory that states take before they are moved */
};

typedef struct LargeItem {
	AggregateOp *owner;
	Item		*item;
	SortedRows	 sorted;
	int			 n_order;	/* sort keys: the group, then the item's */
	bool		 is_sorting;
	int64_t		*n_entries;	/* moved, by group number */
	uint32_t	 n_groups;

	/* the end: the group whose entries are being taken */
	Group		*group;
	char		*scratch;	/* of the reduction, or the state of the function that takes sorted rows */
} LargeItem;

static bool
can_sort(const Item *item)
{
	return item->is_ordered ? item->distinct == NULL : item->function->reduction != NULL;
}

/* ---- states to sorted rows ---- */

static void
begin_sorting(LargeItem *large)
{
	const AggregateItem *spec = large->item->spec;
	AggregateOp			*self = large->owner;
	int64_t				 share = spill_share(op_services(&self->op)->spill);
	SortColumn			*order;

	large->n_order = 1 + (large->item->is_ordered ? spec->n_order_by : 1);
	order = xcalloc((size_t)large->n_order, sizeof *order);
	for (int i = 0; large->item->is_ordered && i < spec->n_order_by; i++) {
		order[i + 1].descending = spec->order_descending[i];
		order[i + 1].nulls_first = spec->order_nulls_first[i];
	}
	sorted_rows_init(&large->sorted, &self->op, order, large->n_order, share / 4, "GROUP BY");
	free(order);
	large->n_groups = self->groups.n_records;
	large->n_entries = xcalloc(large->n_groups + 1, sizeof *large->n_entries);
	large->is_sorting = true;
}

/* The next rows of an ordered state, with the sort keys first. */
static Status
ordered_entries(const Item *item, const OrderedState *state, size_t *at, Arena *arena, const Vector **columns, int32_t *n, Error *err)
{
	int		 n_columns = item_n_columns(item), n_args = item->spec->n_args;
	Vector **decoded = arena_array(arena, Vector *, n_columns + 1);

	for (int c = 0; c < n_columns; c++)
		decoded[c] = vector_new(arena, item_column_type(item, c), BATCH_ROWS);
	for (*n = 0; *n < BATCH_ROWS && *at < state->length; ++*n) {
		uint32_t length;

		memcpy(&length, state->bytes + *at, sizeof length);
		TRY(row_decode_vectors(decoded, n_columns, str_make(state->bytes + *at + sizeof length, length), arena, *n, err));
		*at += sizeof length + length;
	}
	for (int c = 0; c < n_columns; c++) {
		decoded[c]->n_rows = *n;
		columns[c < n_args ? item->spec->n_order_by + c : c - n_args] = decoded[c];
	}
	return OK;
}

static Status
next_entries(LargeItem *large, const Group *group, size_t *at, const Vector **columns, int32_t *n, Error *err)
{
	const Item *item = large->item;
	const char *state = (const char *)group + item->offset;
	Arena	   *arena = op_scratch(&large->owner->op);

	if (item->is_ordered)
		return ordered_entries(item, (const OrderedState *)state, at, arena, columns, n, err);
	*n = item->function->reduction->entries(&item->call, state, at, large->n_entries[group->number], arena, columns);
	return OK;
}

static Status
move_state(LargeItem *large, Group *group, Error *err)
{
	const Item	  *item = large->item;
	int			   n_columns = item->is_ordered ? item_n_columns(item) : item->function->reduction->n_columns;
	Arena		  *arena = op_scratch(&large->owner->op);
	ArenaMark	   mark = arena_mark(arena);
	Value		   number = value_integer(type_bigint, group->number);
	size_t		   at = 0;
	int32_t		   n;

	do {
		const Vector **columns = arena_array(arena, const Vector *, n_columns + ENTRY_COLUMNS + 1);

		TRY(next_entries(large, group, &at, columns + 1, &n, err));
		columns[0] = vector_constant(arena, &number, n);
		if (n > 0)
			TRY(sorted_rows_append(&large->sorted, columns, n_columns + 1, n, err));
		large->n_entries[group->number] += n;
		arena_rewind(arena, mark);
	} while (n > 0);
	if (item->is_ordered) {
		item_destroy(item, (char *)group);
		memset((char *)group + item->offset, 0, item->state_size);
	} else {
		item->function->reduction->forget(&item->call, (char *)group + item->offset);
	}
	return OK;
}

static Status
move_states(LargeItem *large, Error *err)
{
	const GroupTable *groups = &large->owner->groups;

	if (!large->is_sorting)
		begin_sorting(large);
	for (uint32_t g = 0; g < groups->n_records; g++)
		if (group_table_at(groups, g)->is_live)
			TRY(move_state(large, group_table_at(groups, g), err));
	return aggregate_account(large->owner, err);
}

/* After some values were taken: moves them on if they are many. */
static Status
look_at_states(LargeItem *large, Error *err)
{
	AggregateOp				*self = large->owner;
	const struct SpillSpace *space = op_services(&self->op)->spill;
	int64_t					 bytes = large->item->used_bytes;

	if (!can_sort(large->item)) {
		int64_t tuples = large->item->is_ordered ? large->item->distinct->reserved_bytes : 0;

		/* What is gathered stays; the little that a COUNT has is not to blame for what else there is. */
		self->may_overdraw = bytes + tuples <= spill_least(space);
		TRY(aggregate_account(self, err));
		/* Tuples that come with their rows were reserved beyond the limit, for the error to say whose they are. */
		return self->may_overdraw || tuples == 0 ? OK : item_reserve(self, large->item, 0, err);
	}
	self->may_overdraw = true;
	TRY(aggregate_account(self, err));
	return bytes > spill_share(space) / STATES_SHARE && bytes > spill_least(space) / 4 ? move_states(large, err) : OK;
}

/* ---- sorted rows to results ---- */

static Status
group_begin(LargeItem *large, Group *group)
{
	Item					 *item = large->item;
	const AggregateReduction *reduction = item->function->reduction;

	large->group = group;
	if (item->is_ordered) {
		large->scratch = xcalloc(1, item->inner_size > 0 ? item->inner_size : 1);
		if (item->function->init != NULL)
			item->function->init(&item->call, large->scratch);
		return OK;
	}
	large->scratch = xcalloc(1, reduction->scratch_size + 1);
	if (reduction->begin != NULL)
		reduction->begin(&item->call, (char *)group + item->offset, large->scratch, large->n_entries[group->number]);
	return OK;
}

static void
group_end(LargeItem *large)
{
	Item *item = large->item;

	if (large->group == NULL)
		return;
	if (item->is_ordered) {
		((OrderedState *)((char *)large->group + item->offset))->finished = large->scratch;
	} else {
		if (item->function->reduction->end != NULL)
			item->function->reduction->end(&item->call, (char *)large->group + item->offset, large->scratch);
		free(large->scratch);
	}
	large->group = NULL;
	large->scratch = NULL;
}

/* Rows of one group, in order. */
static Status
group_take(LargeItem *large, const Vector *const *columns, int32_t first, int32_t n, Error *err)
{
	Item		  *item = large->item;
	Arena		  *arena = op_scratch(&large->owner->op);
	int			   n_args = item->spec->n_args;
	const Vector **args;
	char		 **states;

	if (!item->is_ordered) {
		item->function->reduction->take(&item->call, (char *)large->group + item->offset, large->scratch, columns + 1, first, n);
		return OK;
	}
	args = arena_array(arena, const Vector *, n_args + 1);
	states = arena_alloc(arena, sizeof *states * (size_t)n);
	for (int a = 0; a < n_args; a++)
		args[a] = vector_flatten(arena, vector_slice(arena, columns[large->n_order + a], first, n));
	for (int32_t i = 0; i < n; i++)
		states[i] = large->scratch;
	item->call.err = err;
	item->call.arena = arena;
	item->call.is_single = true;
	return item->function->step(&item->call, states, 0, args, n, NULL, NULL);
}

static Status
take_sorted(void *context, const Vector *const *columns, int32_t n, Error *err)
{
	LargeItem	  *large = context;
	AggregateOp	  *self = large->owner;
	Arena		  *arena = op_scratch(&self->op);
	ArenaMark	   mark = arena_mark(arena);
	const int64_t *numbers = columns[0]->data;

	if (op_services(&self->op)->interrupted != NULL && *op_services(&self->op)->interrupted)
		return error_set(err, ERROR_INTERRUPTED, "Interrupted");
	for (int32_t first = 0, end; first < n; first = end) {
		Group *group = group_table_at(&self->groups, (uint32_t)numbers[first]);

		for (end = first + 1; end < n && numbers[end] == numbers[first]; end++) {
		}
		if (group != large->group) {
			group_end(large);
			TRY(group_begin(large, group));
		}
		TRY(group_take(large, columns, first, end - first, err));
	}
	arena_rewind(arena, mark);
	/* What is gathered now is results. */
	self->may_overdraw = large->item->used_bytes <= spill_least(op_services(&self->op)->spill);
	return aggregate_account(self, err);
}

static Status
finish_sorting(LargeItem *large, Error *err)
{
	Status status;

	if (!large->is_sorting)
		return OK;
	TRY(move_states(large, err));
	status = sorted_rows_merge(&large->sorted, take_sorted, large, err);
	group_end(large);
	large->item->call.is_single = false;
	return status;
}

static void
large_free(LargeItem *large)
{
	sorted_rows_free(&large->sorted);
	free(large->n_entries);
}

/* ---- pieces of states ---- */

static Status
take_pieces(void *context, Records *records, Error *err)
{
	LargeItem *large = context;
	Group	 **groups = arena_alloc(op_scratch(&large->owner->op), sizeof *groups * BATCH_ROWS);

	TRY(records_find_groups(large->owner, records, groups, err));
	TRY(records_take_pieces(large->owner, large->item, records, groups, err));
	return look_at_states(large, err);
}

/* ---- tuples of DISTINCT ---- */

/* One part of the tuples. */
typedef struct TuplePart {
	LargeItem *large;
	bool	   has_keys;	/* records have the keys of their groups; otherwise their numbers */
	Partitions smaller;		/* what this part is parted into, if it must be */
} TuplePart;

static Status
write_tuple_part(TuplePart *part, int partition, const uint32_t *numbers, uint32_t n, Error *err)
{
	AggregateOp		 *self = part->large->owner;
	const Item		 *item = part->large->item;
	const GroupTable *table = item->distinct;
	StrBuf			 *block = &self->spill->block;
	Extent			  extent;

	TRY(partition_begin(self, &part->smaller, block, partition, (uint32_t)item->number + 1, &extent, err));
	for (uint32_t i = 0; i < n; i++) {
		const Group *tuple = group_table_at(table, numbers[i]);
		RecordHeader header = {.hash = tuple->hash, .kind = (uint32_t)item->number + 1,
							   .group = (uint32_t)group_key(table, tuple, 0).low};
		size_t		 at = block->length;

		strbuf_add(block, &header, sizeof header);
		add_slots(table, tuple, 1, item->spec->n_args, block);
		header.length = (uint32_t)(block->length - at);
		memcpy(block->data + at, &header, sizeof header);
		TRY(partition_flush(self, &part->smaller, block, false, err));
	}
	return partition_end(self, &part->smaller, block, &extent, err);
}

/* All tuples in memory to smaller parts. */
static Status
write_tuples(TuplePart *part, Error *err)
{
	GroupTable *table = part->large->item->distinct;
	uint32_t	first[N_PARTITIONS + 1];
	uint32_t   *numbers = records_by_partition(&part->smaller, table, NULL, first);
	Status		status = OK;

	for (int p = 0; p < N_PARTITIONS && status == OK; p++)
		if (first[p + 1] > first[p])
			status = write_tuple_part(part, p, numbers + first[p], first[p + 1] - first[p], err);
	free(numbers);
	group_table_clear(table);
	return status;
}

/* Parts of a few tuples cost more than the little that they save. */
static bool
is_worth_parting(const TuplePart *part, int64_t growth)
{
	const GroupTable *table = part->large->item->distinct;
	int64_t			  least = spill_least(op_services(&part->large->owner->op)->spill);

	if (part->smaller.level >= PARTITION_LEVELS)
		return false;
	return table->n_groups >= TUPLES_MIN ? table->reserved_bytes + growth > least : table->n_groups > 0 && table->reserved_bytes > 4 * least;
}

static Status
take_tuples(void *context, Records *records, Error *err)
{
	TuplePart	*part = context;
	AggregateOp *self = part->large->owner;
	GroupTable	*table = part->large->item->distinct;
	uint32_t	*numbers = records->groups;
	int64_t		 growth;

	if (part->has_keys) {
		Arena  *arena = op_scratch(&self->op);
		Group **groups = arena_alloc(arena, sizeof *groups * BATCH_ROWS);

		numbers = arena_alloc(arena, sizeof *numbers * BATCH_ROWS);
		TRY(records_find_groups(self, records, groups, err));
		for (int32_t r = 0; r < records->n; r++)
			numbers[r] = groups[r]->number;
	}
	growth = group_table_growth(table, records->n);
	if (is_worth_parting(part, growth) && spill_is_due(op_services(&self->op)->spill, spill_own_bytes(self, 0, &(int64_t){0}), growth))
		TRY(write_tuples(part, err));
	return records_take_tuples(self, part->large->item, records, numbers, err);
}

/* All distinct tuples of a part are in memory: the function takes each once. */
static Status
step_tuples(LargeItem *large, Error *err)
{
	AggregateOp		 *self = large->owner;
	Item			 *item = large->item;
	const GroupTable *table = item->distinct;
	Arena			 *arena = op_scratch(&self->op);
	ArenaMark		  mark = arena_mark(arena);
	int				  n_args = item->spec->n_args;

	for (uint32_t next = 0; next < table->n_records;) {
		Group		 **tuples = arena_alloc(arena, sizeof *tuples * BATCH_ROWS);
		char		 **bases = arena_alloc(arena, sizeof *bases * BATCH_ROWS);
		const Vector **columns = arena_array(arena, const Vector *, n_args + 1);
		int32_t		   n = 0;

		for (; next < table->n_records && n < BATCH_ROWS; next++) {
			Group *tuple = group_table_at(table, next);

			if (!tuple->is_live)
				continue;
			tuples[n] = tuple;
			bases[n++] = (char *)group_table_at(&self->groups, (uint32_t)group_key(table, tuple, 0).low);
		}
		for (int a = 0; a < n_args; a++)
			TRY(group_table_key_vector(table, tuples, n, a + 1, arena, &columns[a], err));
		item->call.err = err;
		item->call.arena = arena;
		item->call.is_single = false;
		TRY(item->function->step(&item->call, bases, item->offset, columns, n, NULL, NULL));
		arena_rewind(arena, mark);
		TRY(look_at_states(large, err));
	}
	return OK;
}

static Status
take_tuple_part(LargeItem *large, const Partitions *parts, int partition, bool has_keys, int level, Error *err)
{
	AggregateOp *self = large->owner;
	GroupTable	*table = large->item->distinct;
	TuplePart	 part = {.large = large, .has_keys = has_keys, .smaller = {.level = level}};
	Status		 status = OK;

	TRY_OUT(spill_read_records(self, parts, partition, (uint32_t)large->item->number + 1, has_keys, take_tuples, &part, err));
	if (part.smaller.n_extents == 0) {
		TRY_OUT(step_tuples(large, err));
		group_table_clear(table);
		goto out;
	}
	TRY_OUT(write_tuples(&part, err));
	for (int p = 0; p < N_PARTITIONS; p++)
		TRY_OUT(take_tuple_part(large, &part.smaller, p, false, level + 1, err));
out:
	partitions_free(&part.smaller);
	return status;
}

static Status
take_all_tuples(LargeItem *large, const Partitions *parts, int partition, Error *err)
{
	if (!tuples_are_by_value(large->owner))
		return take_tuple_part(large, parts, partition, true, 0, err);
	for (int p = 0; p < N_PARTITIONS; p++)
		TRY(take_tuple_part(large, parts, p, true, 1, err));
	return OK;
}

/* ---- all together ---- */

Status
item_take_large(AggregateOp *self, Item *item, const Partitions *parts, int partition, Error *err)
{
	LargeItem large = {.owner = self, .item = item};
	bool	  is_tuples = item->distinct != NULL && !item->is_ordered;
	Status	  status;

	/* Its groups are there; what may grow is the item's. */
	self->groups.may_overdraw = true;
	if (item->distinct != NULL)
		item->distinct->may_overdraw = true;
	status = is_tuples ? take_all_tuples(&large, parts, partition, err)
					   : spill_read_records(self, parts, partition, (uint32_t)item->number + 1, true, take_pieces, &large, err);
	if (status == OK)
		status = finish_sorting(&large, err);
	large_free(&large);
	if (item->distinct != NULL)
		group_table_clear(item->distinct);
	return status;
}
