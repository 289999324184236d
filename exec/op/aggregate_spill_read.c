/* What an aggregate has written to temporary files, back into memory; aggregate_spill.h has the format. */
#include "data/key.h"
#include "exec/op/aggregate_spill.h"

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

/* ---- records of an extent ---- */

typedef struct Reader {
	AggregateOp *self;
	uint32_t	 kind;
	bool		 has_keys;
	Records		 records;
	KeySlot		*slots;
	TakeRecords	 take;
	void		*context;
} Reader;

static Status
hand_on(Reader *reader, Error *err)
{
	Arena	 *arena = op_scratch(&reader->self->op);
	ArenaMark mark = arena_mark(arena);

	if (reader->records.n == 0)
		return OK;
	TRY(reader->take(reader->context, &reader->records, err));
	reader->records.n = 0;
	arena_rewind(arena, mark);
	return OK;
}

static Status
read_block(Reader *reader, Str block, Error *err)
{
	AggregateOp *self = reader->self;
	Records		*records = &reader->records;
	const char	*at = block.data, *block_end = block.data + block.length;
	RecordHeader header;

	for (; at < block_end; at += header.length) {
		const char *body = at + sizeof header;

		if ((size_t)(block_end - at) < sizeof header)
			return damaged(err);
		memcpy(&header, at, sizeof header);
		if (header.length < sizeof header || header.length > (size_t)(block_end - at) || (header.kind != 0 && header.kind != reader->kind))
			return damaged(err);
		if (records->n == BATCH_ROWS)
			TRY(hand_on(reader, err));
		if (reader->has_keys) {
			body = take_slots(&self->groups, 0, self->n_slots, body, at + header.length, reader->slots);
			if (body == NULL)
				return damaged(err);
			for (int k = 0; k < self->n_slots; k++)
				records->columns[k][records->n] = reader->slots[k];
		}
		records->hashes[records->n] = header.hash;
		records->groups[records->n] = header.group;
		records->times[records->n] = header.time;
		records->bodies[records->n] = body;
		records->ends[records->n++] = at + header.length;
	}
	return hand_on(reader, err);
}

static Status
read_extent(Reader *reader, Extent extent, Error *err)
{
	const _Atomic bool *interrupted = op_services(&reader->self->op)->interrupted;
	SpillBuffer			buffer = {0};
	Status				status = OK;
	Str					block;

	while (extent.at < extent.end) {
		if (interrupted != NULL && *interrupted)
			TRY_OUT(error_set(err, ERROR_INTERRUPTED, "Interrupted"));
		TRY_OUT(spill_read(extent.file, &extent.at, &buffer, &block, err));
		TRY_OUT(read_block(reader, block, err));
	}
out:
	spill_buffer_free(&buffer);
	return status;
}

Status
spill_read_records(AggregateOp *self, const Partitions *parts, int partition, uint32_t kind, bool has_keys, TakeRecords take, void *context,
				   Error *err)
{
	Arena	 *arena = op_scratch(&self->op);
	ArenaMark mark = arena_mark(arena);
	Reader	  reader = {.self = self, .kind = kind, .has_keys = has_keys, .take = take, .context = context};
	Records	 *records = &reader.records;

	reader.slots = arena_alloc(arena, sizeof *reader.slots * (size_t)(self->n_slots + 1));
	*records = (Records){.kind = kind,
						 .columns = arena_alloc(arena, sizeof *records->columns * (size_t)(self->n_slots + 1)),
						 .hashes = arena_alloc(arena, sizeof *records->hashes * BATCH_ROWS),
						 .groups = arena_alloc(arena, sizeof *records->groups * BATCH_ROWS),
						 .times = arena_alloc(arena, sizeof *records->times * BATCH_ROWS),
						 .bodies = arena_alloc(arena, sizeof *records->bodies * BATCH_ROWS),
						 .ends = arena_alloc(arena, sizeof *records->ends * BATCH_ROWS)};
	for (int k = 0; k < self->n_slots; k++)
		records->columns[k] = arena_alloc(arena, sizeof(KeySlot) * BATCH_ROWS);
	for (int i = 0; i < parts->n_extents; i++)
		if (parts->extents[i].partition == partition && parts->extents[i].kind == kind)
			TRY(read_extent(&reader, parts->extents[i], err));
	arena_rewind(arena, mark);
	return OK;
}

/* ---- groups ---- */

/* The states of a record into `base`, whose states are zeros. */
static Status
load_states(AggregateOp *self, char *base, const char *at, const char *end, Error *err)
{
	const AggregateSpec *spec = self->op.spec;

	for (int i = 0; i < spec->n_items; i++) {
		Item *item = &self->items[i];
		Str	  state;

		if (item_is_apart(item)) {
			item_init(item, base);
		} else if (item->function->save != NULL) {
			if (!take_piece(&at, end, &state))
				return damaged(err);
			TRY(item_load(item, base, state, err));
		} else {
			if ((size_t)(end - at) < item->state_size)
				return damaged(err);
			memcpy(base + item->offset, at, item->state_size);
			at += item->state_size;
		}
	}
	return OK;
}

static Status
merge_states(AggregateOp *self, Group *group, char *later, const char *at, const char *end, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Status				 status;

	memset(later, 0, self->groups.record_size);
	status = load_states(self, later, at, end, err);
	for (int i = 0; i < spec->n_items; i++) {
		if (status == OK && !item_is_apart(&self->items[i]))
			item_merge(&self->items[i], (char *)group, later);
		item_destroy(&self->items[i], later);
	}
	return status;
}

static Status
take_groups(void *context, Records *records, Error *err)
{
	AggregateOp *self = context;
	Arena		*arena = op_scratch(&self->op);
	Group	   **groups = arena_alloc(arena, sizeof *groups * BATCH_ROWS);
	uint32_t	*new_rows = arena_alloc(arena, sizeof *new_rows * BATCH_ROWS);
	bool		*is_new = arena_calloc(arena, sizeof *is_new * BATCH_ROWS);
	char		*later = arena_alloc(arena, self->groups.record_size);
	int32_t		 n_new;

	TRY(aggregate_spill_make_room(self, records->n, err));
	TRY(group_table_find(&self->groups, records->columns, records->hashes, records->n, groups, new_rows, &n_new, err));
	for (int32_t i = 0; i < n_new; i++)
		is_new[new_rows[i]] = true;
	for (int32_t r = 0; r < records->n; r++) {
		if (records->times[r] > groups[r]->time)
			groups[r]->time = records->times[r];
		if (is_new[r])
			TRY(load_states(self, (char *)groups[r], records->bodies[r], records->ends[r], err));
		else
			TRY(merge_states(self, groups[r], later, records->bodies[r], records->ends[r], err));
	}
	return aggregate_account(self, err);
}

Status
spill_read_groups(AggregateOp *self, const Partitions *parts, int partition, Error *err)
{
	return spill_read_records(self, parts, partition, 0, true, take_groups, self, err);
}

Status
records_find_groups(AggregateOp *self, const Records *records, Group **groups, Error *err)
{
	return aggregate_find(self, records->columns, records->n, groups, err);
}

/* ---- values ---- */

Status
records_take_tuples(AggregateOp *self, Item *item, const Records *records, const uint32_t *numbers, Error *err)
{
	Arena	 *arena = op_scratch(&self->op);
	int		  n_args = item->spec->n_args;
	KeySlot **columns = arena_alloc(arena, sizeof *columns * (size_t)(n_args + 1));
	KeySlot	 *slots = arena_alloc(arena, sizeof *slots * (size_t)(n_args + 1));
	uint32_t *hashes = arena_alloc(arena, sizeof *hashes * BATCH_ROWS), *new_rows = arena_alloc(arena, sizeof *new_rows * BATCH_ROWS);
	Group	**tuples = arena_alloc(arena, sizeof *tuples * BATCH_ROWS);
	int32_t	  n_new;

	for (int k = 0; k <= n_args; k++)
		columns[k] = arena_alloc(arena, sizeof(KeySlot) * BATCH_ROWS);
	for (int32_t r = 0; r < records->n; r++) {
		columns[0][r] = (KeySlot){numbers[r], 0};
		if (take_slots(item->distinct, 1, n_args, records->bodies[r], records->ends[r], slots) == NULL)
			return damaged(err);
		for (int a = 0; a < n_args; a++)
			columns[a + 1][r] = slots[a];
	}
	group_table_hash(item->distinct, columns, records->n, hashes);
	return group_table_find(item->distinct, columns, hashes, records->n, tuples, new_rows, &n_new, err);
}

/* Rows of an item with DISTINCT and ORDER BY: of equal arguments the first row counts. */
static Status
take_distinct_rows(AggregateOp *self, Item *item, Group *group, Str piece, Error *err)
{
	Arena	   *arena = op_scratch(&self->op);
	ArenaMark	mark = arena_mark(arena);
	int			n_columns = item_n_columns(item);
	Vector	  **columns = arena_array(arena, Vector *, n_columns + 1);
	char	  **bases = arena_alloc(arena, sizeof *bases * BATCH_ROWS);
	uint32_t   *numbers = arena_alloc(arena, sizeof *numbers * BATCH_ROWS);
	ItemInput	in = {.columns = (const Vector **)columns};
	const char *at = piece.data + sizeof(int64_t), *end = piece.data + piece.length;

	if (piece.length < sizeof(int64_t))
		return damaged(err);
	for (int32_t i = 0; i < BATCH_ROWS; i++) {
		bases[i] = (char *)group;
		numbers[i] = group->number;
	}
	while (at < end) {
		int32_t n = 0;

		for (int c = 0; c < n_columns; c++)
			columns[c] = vector_new(arena, item_column_type(item, c), BATCH_ROWS);
		for (; at < end && n < BATCH_ROWS; n++) {
			Str row;

			if (!take_piece(&at, end, &row))
				return damaged(err);
			TRY(row_decode_vectors(columns, n_columns, row, arena, n, err));
		}
		for (int c = 0; c < n_columns; c++)
			columns[c]->n_rows = n;
		TRY(item_step(item, bases, numbers, &in, n, false, arena, NULL, err));
	}
	arena_rewind(arena, mark);
	return OK;
}

Status
records_take_pieces(AggregateOp *self, Item *item, const Records *records, Group *const *groups, Error *err)
{
	char *later = arena_alloc(op_scratch(&self->op), self->groups.record_size);

	for (int32_t r = 0; r < records->n; r++) {
		Str	   piece = str_make(records->bodies[r], (size_t)(records->ends[r] - records->bodies[r]));
		Status status;

		if (item->distinct != NULL) {
			TRY(take_distinct_rows(self, item, groups[r], piece, err));
			continue;
		}
		memset(later, 0, self->groups.record_size);
		item_init(item, later);
		status = item_load(item, later, piece, err);
		if (status == OK)
			item_merge(item, (char *)groups[r], later);
		item_destroy(item, later);
		TRY(status);
	}
	return OK;
}

typedef struct ValuesReader {
	AggregateOp *self;
	Item		*item;
} ValuesReader;

static Status
take_values(void *context, Records *records, Error *err)
{
	const ValuesReader *reader = context;
	AggregateOp		   *self = reader->self;
	Arena			   *arena = op_scratch(&self->op);
	Group			  **groups = arena_alloc(arena, sizeof *groups * BATCH_ROWS);
	uint32_t		   *numbers = arena_alloc(arena, sizeof *numbers * BATCH_ROWS);

	TRY(aggregate_spill_make_room(self, records->n, err));
	TRY(records_find_groups(self, records, groups, err));
	for (int32_t r = 0; r < records->n; r++)
		numbers[r] = groups[r]->number;
	if (reader->item->distinct != NULL && !reader->item->is_ordered)
		TRY(records_take_tuples(self, reader->item, records, numbers, err));
	else
		TRY(records_take_pieces(self, reader->item, records, groups, err));
	return aggregate_account(self, err);
}

Status
spill_read_values(AggregateOp *self, const Partitions *parts, int partition, Error *err)
{
	const AggregateSpec *spec = self->op.spec;

	for (int i = 0; i < spec->n_items; i++) {
		ValuesReader reader = {self, &self->items[i]};

		if (item_is_apart(reader.item))
			TRY(spill_read_records(self, parts, partition, (uint32_t)i + 1, true, take_values, &reader, err));
	}
	return OK;
}
