#include "exec/op/window_rows.h"

#include <stdlib.h>

#include "exec/op/spill_rows.h"

enum {
	LEAST_BLOCKS = 4,			/* that stay in memory: those held and used, and both ends of a frame */
	LEAST_BYTES = 256 << 10,
	HOLD_NOTHING = -1,
};

/* A block in memory. */
typedef struct LoadedBlock {
	WindowBlock block;			/* first, so that one is the other */
	int			number;
	int64_t		bytes;
	uint64_t	used;			/* when it was asked for last */
	SpillBuffer buffer;
	Arena		arena;
} LoadedBlock;

/* What is known of each block. */
typedef struct BlockLine {
	int64_t at;					/* in the file */
	int64_t start;
	int64_t first_group, last_group, first_partition;	/* positions; -1: none begins here */
} BlockLine;

typedef struct WindowFile {
	SpillFile		 *file;
	WindowRowsSpec	  spec;
	const Type		**types;	/* with those of the two columns of bits behind */
	int				  n_columns;
	BlockLine		 *lines;
	int				  n_blocks, capacity;
	int32_t			 *counts;	/* n_counted a block */
	int				  counts_capacity;
	/* writing */
	StrBuf			  out;
	Arena			  work;
	Arena			  before;	/* holds the keys of the last row */
	const Vector	**keys_before;
	/* reading */
	LoadedBlock		**loaded;	/* by number */
	int				 *in_memory;	/* numbers of the loaded ones */
	int				  n_in_memory;
	int64_t			  bytes, most_bytes;
	uint64_t		  clock;
	int				  held;
	int				  hint;		/* where the last block was found */
} WindowFile;

/* ---- in memory ---- */

void
window_rows_init(WindowRows *rows, Op *op, int64_t n_rows, const Vector **columns, uint8_t *bits)
{
	*rows = (WindowRows){.op = op, .n_rows = n_rows};
	rows->memory = (WindowBlock){.end = n_rows, .columns = columns, .starts_group = bits, .starts_partition = bits + n_rows};
	rows->last = &rows->memory;
}

void
window_rows_mark(WindowRows *rows, const SortColumn *order, int n_partition, int n_order, const uint32_t *numbers)
{
	uint8_t *groups = (uint8_t *)(uintptr_t)rows->memory.starts_group, *partitions = (uint8_t *)(uintptr_t)rows->memory.starts_partition;

	for (int64_t i = 0; i < rows->n_rows; i++) {
		partitions[i] = i == 0 || sort_compare_rows(order, n_partition, numbers[i - 1], numbers[i]) != 0;
		groups[i] = partitions[i] || sort_compare_rows(order + n_partition, n_order, numbers[i - 1], numbers[i]) != 0;
	}
}

/* ---- writing ---- */

Status
window_rows_open(WindowRows *rows, Op *op, const Type *const *types, int n_columns, const WindowRowsSpec *spec, Error *err)
{
	const SpillSpace *space = op_services(op)->spill;
	WindowFile		 *file = xcalloc(1, sizeof *file);

	*rows = (WindowRows){.op = op, .file = file};
	file->spec = *spec;
	file->n_columns = n_columns;
	file->held = HOLD_NOTHING;
	file->most_bytes = budget_in_force(space->budget)->limit_bytes / 4;
	if (file->most_bytes < LEAST_BYTES)
		file->most_bytes = LEAST_BYTES;
	file->types = xcalloc((size_t)n_columns + 2, sizeof *file->types);
	memcpy(file->types, types, sizeof *file->types * (size_t)n_columns);
	file->types[n_columns] = file->types[n_columns + 1] = type_boolean;
	file->keys_before = xcalloc((size_t)(spec->n_partition + spec->n_order) + 1, sizeof *file->keys_before);
	return spill_open(space, &file->file, err);
}

static bool
keys_differ(const WindowFile *file, int first, int n, const Vector *const *columns, int32_t row)
{
	const WindowRowsSpec *spec = &file->spec;

	for (int k = first; k < first + n; k++) {
		const Vector *v = columns[spec->key_columns[k]];

		if ((row > 0 ? sort_compare_values(&spec->order[k], v, row - 1, v, row)
					 : sort_compare_values(&spec->order[k], file->keys_before[k], 0, v, 0)) != 0)
			return true;
	}
	return false;
}

/* The keys of the batch's last row, which the next batch begins behind. */
static void
keep_keys(WindowFile *file, const Vector *const *columns, int32_t n)
{
	uint32_t last = (uint32_t)(n - 1);

	arena_reset(&file->before);
	for (int k = 0; k < file->spec.n_partition + file->spec.n_order; k++)
		file->keys_before[k] = vector_gather(&file->before, columns[file->spec.key_columns[k]], &last, 1, false);
}

static void
mark_rows(const WindowRows *rows, const Vector *const *columns, int32_t n, uint8_t *groups, uint8_t *partitions, BlockLine *line)
{
	const WindowFile *file = rows->file;

	for (int32_t i = 0; i < n; i++) {
		int64_t at = rows->n_rows + i;

		partitions[i] = at == 0 || keys_differ(file, 0, file->spec.n_partition, columns, i);
		groups[i] = partitions[i] || keys_differ(file, file->spec.n_partition, file->spec.n_order, columns, i);
		if (partitions[i] && line->first_partition < 0)
			line->first_partition = at;
		if (groups[i]) {
			if (line->first_group < 0)
				line->first_group = at;
			line->last_group = at;
		}
	}
}

static int32_t
count_values(const Vector *v, int32_t n)
{
	int32_t valid = 0;

	if (v->type->kind == TYPE_NULL)
		return 0;
	if (v->validity == NULL)
		return n;
	for (int32_t i = 0; i < n; i++)
		valid += bitmap_get(v->validity, i);
	return valid;
}

Status
window_rows_add(WindowRows *rows, const Vector *const *columns, int32_t n, Error *err)
{
	WindowFile	  *file = rows->file;
	BlockLine	   line = {spill_end(file->file), rows->n_rows, -1, -1, -1};
	const Vector **all;
	Vector		  *groups, *partitions;

	if (n == 0)
		return OK;
	arena_reset(&file->work);
	all = arena_array(&file->work, const Vector *, file->n_columns + 2);
	memcpy(all, columns, sizeof *all * (size_t)file->n_columns);
	all[file->n_columns] = groups = vector_new_unset(&file->work, type_boolean, n);
	all[file->n_columns + 1] = partitions = vector_new_unset(&file->work, type_boolean, n);
	mark_rows(rows, columns, n, groups->data, partitions->data, &line);
	keep_keys(file, columns, n);
	grow_array(file->lines, file->n_blocks, file->capacity);
	file->lines[file->n_blocks] = line;
	for (int c = 0; c < file->spec.n_counted; c++) {
		int at = file->n_blocks * file->spec.n_counted + c;

		grow_array(file->counts, at, file->counts_capacity);
		file->counts[at] = count_values(columns[file->spec.counted[c]], n);
	}
	file->n_blocks++;
	rows->n_rows += n;
	strbuf_clear(&file->out);
	spill_rows_encode(all, file->n_columns + 2, NULL, n, &file->out);
	rows->op->spilled_bytes += (int64_t)file->out.length;
	return spill_write(file->file, strbuf_str(&file->out), err);
}

/* ---- reading blocks ---- */

static int64_t
block_end(const WindowRows *rows, int number)
{
	return number + 1 < rows->file->n_blocks ? rows->file->lines[number + 1].start : rows->n_rows;
}

static bool
holds(const WindowRows *rows, int number, int64_t position)
{
	return number >= 0 && number < rows->file->n_blocks && position >= rows->file->lines[number].start && position < block_end(rows, number);
}

/* The number of the block of a position: mostly the one of the last question, or beside it. */
static int
number_of(const WindowRows *rows, int64_t position)
{
	WindowFile *file = rows->file;
	int			from = 0, to = file->n_blocks;

	for (int d = -1; d <= 1; d++)
		if (holds(rows, file->hint + d, position))
			return file->hint += d;
	while (to - from > 1) {
		int middle = from + (to - from) / 2;

		if (file->lines[middle].start <= position)
			from = middle;
		else
			to = middle;
	}
	return file->hint = from;
}

static void
drop(WindowRows *rows, int place)
{
	WindowFile	*file = rows->file;
	LoadedBlock *b = file->loaded[file->in_memory[place]];

	file->loaded[b->number] = NULL;
	file->in_memory[place] = file->in_memory[--file->n_in_memory];
	file->bytes -= b->bytes;
	budget_release(op_services(rows->op)->budget, b->bytes);
	spill_buffer_free(&b->buffer);
	arena_free(&b->arena);
	free(b);
}

/* Forgets the blocks that were not asked for for the longest time, until those that stay are not too many. */
static void
make_room(WindowRows *rows)
{
	WindowFile *file = rows->file;

	while (file->n_in_memory > LEAST_BLOCKS && file->bytes > file->most_bytes) {
		int oldest = -1;

		for (int i = 0; i < file->n_in_memory; i++) {
			int number = file->in_memory[i];

			if (number != file->held && (oldest < 0 || file->loaded[number]->used < file->loaded[file->in_memory[oldest]]->used))
				oldest = i;
		}
		drop(rows, oldest);
	}
}

static Status
load(WindowRows *rows, int number, Error *err)
{
	WindowFile	*file = rows->file;
	LoadedBlock *b;
	int64_t		 at = file->lines[number].at;
	int32_t		 n;
	Str			 bytes;

	make_room(rows);
	if (file->loaded == NULL) {
		file->loaded = xcalloc((size_t)file->n_blocks, sizeof *file->loaded);
		file->in_memory = xcalloc((size_t)file->n_blocks, sizeof *file->in_memory);
	}
	file->loaded[number] = b = xcalloc(1, sizeof *b);
	file->in_memory[file->n_in_memory++] = number;
	b->number = number;
	b->block.columns = arena_array(&b->arena, const Vector *, file->n_columns + 2);
	TRY(spill_read(file->file, &at, &b->buffer, &bytes, err));
	TRY(spill_rows_decode(file->types, file->n_columns + 2, bytes, &b->arena, b->block.columns, &n, err));
	b->block.start = file->lines[number].start;
	b->block.end = b->block.start + n;
	b->block.starts_group = b->block.columns[file->n_columns]->data;
	b->block.starts_partition = b->block.columns[file->n_columns + 1]->data;
	/* What was compressed is not needed any more. */
	if (bytes.data != b->buffer.stored.data)
		strbuf_free(&b->buffer.stored);
	b->bytes = (int64_t)(b->buffer.stored.capacity + b->buffer.plain.capacity + b->arena.size_bytes);
	file->bytes += b->bytes;
	budget_take(op_services(rows->op)->budget, b->bytes);
	return OK;
}

static Status
find_number(WindowRows *rows, int number, const WindowBlock **out, Error *err)
{
	WindowFile *file = rows->file;

	if (file->loaded == NULL || file->loaded[number] == NULL)
		TRY(load(rows, number, err));
	file->loaded[number]->used = ++file->clock;
	*out = rows->last = &file->loaded[number]->block;
	return OK;
}

Status
window_rows_find(WindowRows *rows, int64_t position, const WindowBlock **out, Error *err)
{
	assert(rows->file != NULL && position >= 0 && position < rows->n_rows);
	return find_number(rows, number_of(rows, position), out, err);
}

Status
window_rows_hold(WindowRows *rows, int64_t position, const WindowBlock **out, Error *err)
{
	if (rows->file == NULL) {
		*out = &rows->memory;
		return OK;
	}
	TRY(window_rows_find(rows, position, out, err));
	rows->file->held = number_of(rows, position);
	return OK;
}

void
window_rows_free(WindowRows *rows)
{
	WindowFile *file = rows->file;

	if (file == NULL)
		return;
	while (file->n_in_memory > 0)
		drop(rows, file->n_in_memory - 1);
	spill_close(file->file);
	free(file->types);
	free(file->lines);
	free(file->counts);
	free(file->keys_before);
	free(file->loaded);
	free(file->in_memory);
	strbuf_free(&file->out);
	arena_free(&file->work);
	arena_free(&file->before);
	free(file);
	*rows = (WindowRows){0};
}

/* ---- groups and partitions ---- */

/* The first row behind a position in its block whose bit is set; -1: there is none. */
static int64_t
next_set(const WindowBlock *b, const uint8_t *bits, int64_t position)
{
	int64_t		   from = position + 1 - b->start;
	const uint8_t *found = position + 1 < b->end ? memchr(bits + from, 1, (size_t)(b->end - position - 1)) : NULL;

	return found != NULL ? b->start + (found - bits) : -1;
}

/* Where the next one begins behind a position: in its block, or as the lines of the blocks behind it tell. */
static Status
next_start(WindowRows *rows, int64_t position, bool of_partition, int64_t *out, Error *err)
{
	const WindowFile  *file = rows->file;
	const WindowBlock *b;

	TRY(window_rows_at(rows, position, &b, err));
	*out = next_set(b, of_partition ? b->starts_partition : b->starts_group, position);
	for (int number = file != NULL ? number_of(rows, position) + 1 : 0; *out < 0 && file != NULL && number < file->n_blocks; number++)
		*out = of_partition ? file->lines[number].first_partition : file->lines[number].first_group;
	if (*out < 0)
		*out = rows->n_rows;
	return OK;
}

Status
window_rows_next_partition(WindowRows *rows, int64_t position, int64_t *out, Error *err)
{
	return next_start(rows, position, true, out, err);
}

Status
window_rows_next_group(WindowRows *rows, int64_t position, int64_t *out, Error *err)
{
	return next_start(rows, position, false, out, err);
}

Status
window_rows_group_start(WindowRows *rows, int64_t position, int64_t *out, Error *err)
{
	const WindowBlock *b;
	const uint8_t	  *found;

	TRY(window_rows_at(rows, position, &b, err));
	found = memrchr(b->starts_group, 1, (size_t)(position + 1 - b->start));
	if (found != NULL) {
		*out = b->start + (found - b->starts_group);
		return OK;
	}
	*out = 0;
	for (int number = rows->file != NULL ? number_of(rows, position) - 1 : -1; number >= 0; number--)
		if (rows->file->lines[number].last_group >= 0) {
			*out = rows->file->lines[number].last_group;
			break;
		}
	return OK;
}

/* ---- values that are not NULL ---- */

/* How many rows of a block have a value; -1: that is not counted. */
static int64_t
values_of_block(const WindowRows *rows, int number, int column)
{
	const WindowFile *file = rows->file;

	for (int c = 0; c < file->spec.n_counted; c++)
		if (file->spec.counted[c] == column)
			return file->counts[number * file->spec.n_counted + c];
	return -1;
}

/* The same within a block: rows from .. to-1 of a vector. */
static int64_t
nth_of_vector(const Vector *v, int64_t from, int64_t to, bool backward, int64_t *number)
{
	int64_t n = to - from;

	if (v->type->kind == TYPE_NULL)
		return -1;
	if (v->validity == NULL) {
		if (*number <= n)
			return backward ? to - *number : from + *number - 1;
		*number -= n;
		return -1;
	}
	while (from < to) {
		int64_t at = backward ? to - 1 : from;

		/* Whole words at once. */
		if (backward ? (to & 63) == 0 && to - from >= 64 : (from & 63) == 0 && to - from >= 64) {
			int64_t set = __builtin_popcountll(v->validity[at >> 6]);

			if (set < *number) {
				*number -= set;
				if (backward)
					to -= 64;
				else
					from += 64;
				continue;
			}
		}
		if (bitmap_get(v->validity, at) && --*number == 0)
			return at;
		if (backward)
			to--;
		else
			from++;
	}
	return -1;
}

Status
window_rows_nth_value(WindowRows *rows, int column, int64_t start, int64_t end, bool backward, int64_t *number, int64_t *out, Error *err)
{
	*out = -1;
	while (start < end && *out < 0) {
		int64_t			   at = backward ? end - 1 : start, from, to;
		const WindowBlock *b = rows->last;

		if (rows->file != NULL) {
			int		block = number_of(rows, at);
			int64_t first = rows->file->lines[block].start, behind = block_end(rows, block), values;

			values = values_of_block(rows, block, column);
			if (values >= 0 && (values == 0 || (values < *number && first >= start && behind <= end))) {
				*number -= values;
				start = backward ? start : behind;
				end = backward ? first : end;
				continue;
			}
			TRY(find_number(rows, block, &b, err));
		}
		from = start > b->start ? start : b->start;
		to = end < b->end ? end : b->end;
		*out = nth_of_vector(b->columns[column], from - b->start, to - b->start, backward, number);
		if (*out >= 0)
			*out += b->start;
		start = backward ? start : to;
		end = backward ? from : end;
	}
	return OK;
}
