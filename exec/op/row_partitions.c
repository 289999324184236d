#include "exec/op/row_partitions.h"

#include <stdlib.h>

#include "exec/op/spill_rows.h"

enum { BLOCK_ROWS_MIN = 16 };

void
row_partitions_init(RowPartitions *parts, Op *op, int level, const int *key_columns, int n_keys, int64_t bytes_a_row)
{
	*parts = (RowPartitions){.op = op, .level = level, .n_keys = n_keys, .key_columns = key_columns, .bytes_a_row = bytes_a_row};
}

void
row_partitions_free(RowPartitions *parts)
{
	for (int i = 0; i < parts->n_files; i++)
		spill_close(parts->files[i]);
	free(parts->files);
	free(parts->extents);
	arena_free(&parts->arena);
	row_partitions_init(parts, parts->op, parts->level, parts->key_columns, parts->n_keys, parts->bytes_a_row);
}

/* ---- writing ---- */

static void
set_types(RowPartitions *parts, const Type *const *types, int n_columns)
{
	const Type **keys;

	parts->n_columns = n_columns;
	parts->types = arena_array(&parts->arena, const Type *, n_columns + 1);
	memcpy(parts->types, types, sizeof *types * (size_t)n_columns);
	keys = arena_array(&parts->arena, const Type *, parts->n_keys + 1);
	for (int k = 0; k < parts->n_keys; k++)
		keys[k] = parts->types[parts->key_columns[k]];
	group_table_init(&parts->shape, &parts->arena, keys, parts->n_keys, 0, 8, NULL);
}

static void
take_types(RowPartitions *parts, const RowStore *rows)
{
	const Type **types;

	if (parts->types != NULL)
		return;
	types = xcalloc((size_t)rows->n_columns + 1, sizeof *types);
	for (int c = 0; c < rows->n_columns; c++)
		types[c] = rows->columns[c]->type;
	set_types(parts, types, rows->n_columns);
	free(types);
}

/* The partition of each row of a store. */
static uint8_t *
partitions_of(const RowPartitions *parts, const RowStore *rows)
{
	int64_t	  n = (int64_t)rows->n_rows;
	uint8_t	 *out = xmalloc((size_t)n + 1);
	uint32_t *hashes = xmalloc(sizeof *hashes * BATCH_ROWS);
	int		  shift = 32 - ROW_PARTITION_BITS * (parts->level + 1);
	Arena	  arena = {0};

	for (int64_t first = 0; first < n; first += BATCH_ROWS) {
		int32_t	  m = n - first < BATCH_ROWS ? (int32_t)(n - first) : BATCH_ROWS;
		KeySlot **slots = arena_array(&arena, KeySlot *, parts->n_keys + 1);

		for (int k = 0; k < parts->n_keys; k++) {
			slots[k] = arena_alloc(&arena, sizeof **slots * (size_t)m);
			key_slots(vector_slice(&arena, rows->columns[parts->key_columns[k]], (int32_t)first, m), m, slots[k], &arena);
		}
		group_table_hash(&parts->shape, slots, m, hashes);
		for (int32_t i = 0; i < m; i++)
			out[first + i] = (uint8_t)(hashes[i] >> shift & (N_ROW_PARTITIONS - 1));
		arena_reset(&arena);
	}
	arena_free(&arena);
	free(hashes);
	return out;
}

/* Row numbers by partition, in order; those of partition p are first[p] .. first[p + 1]. */
static uint32_t *
numbers_by_partition(const RowPartitions *parts, const RowStore *rows, int64_t *first)
{
	uint8_t	 *partitions = partitions_of(parts, rows);
	uint32_t *numbers = xmalloc(sizeof *numbers * (size_t)(rows->n_rows + 1));
	int64_t	  next[N_ROW_PARTITIONS];

	memset(first, 0, sizeof *first * (N_ROW_PARTITIONS + 1));
	for (uint64_t i = 0; i < rows->n_rows; i++)
		first[partitions[i] + 1]++;
	for (int p = 0; p < N_ROW_PARTITIONS; p++) {
		first[p + 1] += first[p];
		next[p] = first[p];
	}
	for (uint64_t i = 0; i < rows->n_rows; i++)
		numbers[next[partitions[i]]++] = (uint32_t)i;
	free(partitions);
	return numbers;
}

/* Rows of a block, from what the rows of a store take on average. */
static int32_t
block_rows(const RowPartitions *parts, const RowStore *rows)
{
	int64_t per_row = row_store_bytes_with(rows, 0) / ((int64_t)rows->n_rows + 1) + 1;
	int64_t n = spill_block_bytes(op_services(parts->op)->spill) / per_row;

	return n < BLOCK_ROWS_MIN ? BLOCK_ROWS_MIN : n > BATCH_ROWS ? BATCH_ROWS : (int32_t)n;
}

static Status
write_extent(RowPartitions *parts, const RowStore *rows, int partition, const uint32_t *numbers, int64_t n, StrBuf *block, Error *err)
{
	RowExtent extent = {.partition = partition, .file = parts->own, .at = spill_end(parts->own)};
	int32_t	  step = block_rows(parts, rows);

	for (int64_t at = 0, size; at < n; at += size) {
		size = n - at < step ? n - at : step;
		strbuf_clear(block);
		spill_rows_encode((const Vector *const *)rows->columns, rows->n_columns, numbers + at, (int32_t)size, block);
		TRY(spill_write(parts->own, strbuf_str(block), err));
		parts->op->spilled_bytes += (int64_t)block->length;
		parts->n_bytes[partition] += (int64_t)block->length;
	}
	parts->n_rows[partition] += n;
	extent.end = spill_end(parts->own);
	grow_array(parts->extents, parts->n_extents, parts->capacity);
	parts->extents[parts->n_extents++] = extent;
	return OK;
}

Status
row_partitions_write(RowPartitions *parts, RowStore *rows, Error *err)
{
	int64_t	  first[N_ROW_PARTITIONS + 1];
	uint32_t *numbers;
	StrBuf	  block = {0};
	Status	  status = OK;

	if (rows->n_rows == 0)
		return OK;
	take_types(parts, rows);
	numbers = numbers_by_partition(parts, rows, first);
	if (parts->own == NULL) {
		TRY_OUT(spill_open(op_services(parts->op)->spill, &parts->own, err));
		grow_array(parts->files, parts->n_files, parts->file_capacity);
		parts->files[parts->n_files++] = parts->own;
	}
	for (int p = 0; p < N_ROW_PARTITIONS; p++)
		if (first[p + 1] > first[p])
			TRY_OUT(write_extent(parts, rows, p, numbers + first[p], first[p + 1] - first[p], &block, err));
	row_store_free(rows);
out:
	strbuf_free(&block);
	free(numbers);
	return status;
}

/* ---- keeping ---- */

static bool
is_full(const RowPartitions *parts, const RowStore *rows, int64_t n)
{
	int64_t bytes = row_store_bytes_with(rows, n) + ((int64_t)rows->n_rows + n) * parts->bytes_a_row;

	return bytes > rows->free_bytes && bytes > spill_share(op_services(parts->op)->spill);
}

/* Rows without which nothing can be written, whatever the budget says: they do not stay in memory. */
static Status
write_at_once(RowPartitions *parts, RowStore *rows, const Vector *const *columns, int n_columns, const uint32_t *index, int32_t n, Error *err)
{
	Status status;

	rows->free_bytes = INT64_MAX;
	status = row_store_append(rows, columns, n_columns, index, n, err);
	rows->free_bytes = spill_least(op_services(parts->op)->spill);
	return status == OK ? row_partitions_write(parts, rows, err) : status;
}

Status
row_partitions_append(RowPartitions *parts, RowStore *rows, const Vector *const *columns, int n_columns, const uint32_t *index,
					  int32_t n, Error *err)
{
	uint64_t n_before;
	bool	 is_kept;

	if (op_services(parts->op)->spill == NULL)
		return row_store_append(rows, columns, n_columns, index, n, err);
	rows->free_bytes = spill_least(op_services(parts->op)->spill);
	if (rows->n_rows > 0 && is_full(parts, rows, n))
		TRY(row_partitions_write(parts, rows, err));
	n_before = rows->n_rows;
	if (row_store_append(rows, columns, n_columns, index, n, err) == OK) {
		op_note_memory(parts->op, rows->reserved_bytes);
		return OK;
	}
	is_kept = rows->n_rows > n_before;
	TRY(row_partitions_write(parts, rows, err));
	return is_kept ? OK : write_at_once(parts, rows, columns, n_columns, index, n, err);
}

static void
take_extents(RowPartitions *parts, RowPartitions *from)
{
	for (int i = 0; i < from->n_extents; i++) {
		grow_array(parts->extents, parts->n_extents, parts->capacity);
		parts->extents[parts->n_extents++] = from->extents[i];
	}
	for (int i = 0; i < from->n_files; i++) {
		grow_array(parts->files, parts->n_files, parts->file_capacity);
		parts->files[parts->n_files++] = from->files[i];
	}
	for (int p = 0; p < N_ROW_PARTITIONS; p++) {
		parts->n_rows[p] += from->n_rows[p];
		parts->n_bytes[p] += from->n_bytes[p];
	}
	from->n_files = 0;
	row_partitions_free(from);
}

Status
row_partitions_merge(RowPartitions *parts, RowStore *rows, RowPartitions *from, RowStore *from_rows, Error *err)
{
	bool can_write = op_services(parts->op)->spill != NULL;

	if (!can_write || (!row_partitions_are_used(parts) && !row_partitions_are_used(from) && !is_full(parts, rows, (int64_t)from_rows->n_rows)))
		if (row_store_take(rows, from_rows, err) == OK || !can_write)
			return from_rows->n_rows == 0 ? OK : FAILED;
	TRY(row_partitions_write(from, from_rows, err));
	TRY(row_partitions_write(parts, rows, err));
	if (parts->types == NULL && from->types != NULL)
		set_types(parts, from->types, from->n_columns);
	take_extents(parts, from);
	return OK;
}

/* ---- reading ---- */

void
row_partition_open(RowPartitionReader *reader, const RowPartitions *parts, int partition)
{
	*reader = (RowPartitionReader){.parts = parts, .partition = partition};
	reader->columns = xcalloc((size_t)parts->n_columns + 1, sizeof *reader->columns);
}

void
row_partition_close(RowPartitionReader *reader)
{
	spill_buffer_free(&reader->buffer);
	arena_free(&reader->arena);
	free(reader->columns);
	*reader = (RowPartitionReader){0};
}

Status
row_partition_next(RowPartitionReader *reader, Error *err)
{
	const RowPartitions *parts = reader->parts;
	Str					 block;

	while (reader->at >= reader->end) {
		if (reader->extent == parts->n_extents)
			return DONE;
		if (parts->extents[reader->extent++].partition != reader->partition)
			continue;
		reader->at = parts->extents[reader->extent - 1].at;
		reader->end = parts->extents[reader->extent - 1].end;
	}
	arena_reset(&reader->arena);
	TRY(spill_read(parts->extents[reader->extent - 1].file, &reader->at, &reader->buffer, &block, err));
	reader->n_bytes = (int64_t)block.length;
	return spill_rows_decode(parts->types, parts->n_columns, block, &reader->arena, reader->columns, &reader->n_rows, err);
}

Status
row_partitions_read(const RowPartitions *parts, int partition, RowPartitionCallback take, void *context, Error *err)
{
	RowPartitionReader reader;
	Status			   status = OK, taken = OK;

	row_partition_open(&reader, parts, partition);
	while (taken == OK && (status = row_partition_next(&reader, err)) == OK)
		taken = take(context, reader.columns, reader.n_rows, err);
	row_partition_close(&reader);
	return taken != OK ? taken : status == DONE ? OK : status;
}

typedef struct Loading {
	RowStore *rows;
	int		  n_columns;
} Loading;

static Status
load_block(void *context, const Vector *const *columns, int32_t n, Error *err)
{
	Loading *loading = context;

	return row_store_append(loading->rows, columns, loading->n_columns, NULL, n, err);
}

Status
row_partitions_load(const RowPartitions *parts, int partition, RowStore *rows, Error *err)
{
	Loading loading = {rows, parts->n_columns};

	return row_partitions_read(parts, partition, load_block, &loading, err);
}

static int64_t
n_rows_of_all(const RowPartitions *parts)
{
	int64_t all = 0;

	for (int p = 0; p < N_ROW_PARTITIONS; p++)
		all += parts->n_rows[p];
	return all;
}

bool
row_partitions_is_most(const RowPartitions *parts, int partition)
{
	return parts->n_rows[partition] > n_rows_of_all(parts) / 5 * 4;
}

bool
row_partitions_is_large(const RowPartitions *parts, int partition)
{
	const SpillSpace *space = op_services(parts->op)->spill;
	int64_t			  rows = parts->n_rows[partition], all = n_rows_of_all(parts);
	/* columns grow by doubling */
	int64_t			  bytes = parts->n_bytes[partition] * 2 + rows * parts->bytes_a_row;

	if (parts->n_keys == 0 || parts->level + 1 == ROW_PARTITION_LEVELS || (rows == all && parts->level > 0) || bytes <= spill_least(space))
		return false;
	return bytes > spill_share(space) / 2 || spill_is_due(space, 0, bytes);
}

typedef struct Splitting {
	RowPartitions *out;
	RowStore	   rows;
} Splitting;

static Status
split_block(void *context, const Vector *const *columns, int32_t n, Error *err)
{
	Splitting *s = context;

	return row_partitions_append(s->out, &s->rows, columns, s->rows.n_columns > 0 ? s->rows.n_columns : s->out->n_columns, NULL, n, err);
}

Status
row_partitions_split(const RowPartitions *parts, int partition, RowPartitions *out, Error *err)
{
	Splitting s = {.out = out};
	Status	  status;

	row_store_init(&s.rows, op_services(parts->op)->budget, "rows of a temporary file");
	out->n_columns = parts->n_columns;
	status = row_partitions_read(parts, partition, split_block, &s, err);
	if (status == OK)
		status = row_partitions_write(out, &s.rows, err);
	row_store_free(&s.rows);
	return status;
}
