#include "exec/op/sort_runs.h"

#include <stdlib.h>

#include "exec/op/spill_rows.h"

enum {
	FAN_IN_MIN = 4,
	FAN_IN_MAX = 512,
	BLOCK_ROWS_MIN = 16,
};

/* ---- runs ---- */

void
sort_runs_init(SortRuns *runs, Op *op)
{
	*runs = (SortRuns){.op = op};
}

void
sort_runs_free(SortRuns *runs)
{
	for (int i = 0; i < runs->n_files; i++)
		spill_close(runs->files[i]);
	free(runs->files);
	free(runs->runs);
	free(runs->types);
	sort_runs_init(runs, runs->op);
}

static Status
new_file(SortRuns *runs, Error *err)
{
	TRY(spill_open(op_services(runs->op)->spill, &runs->own, err));
	grow_array(runs->files, runs->n_files, runs->file_capacity);
	runs->files[runs->n_files++] = runs->own;
	return OK;
}

static void
take_types(SortRuns *runs, const RowStore *rows)
{
	if (runs->types != NULL)
		return;
	runs->n_columns = rows->n_columns;
	runs->types = xcalloc((size_t)rows->n_columns + 1, sizeof *runs->types);
	for (int c = 0; c < rows->n_columns; c++)
		runs->types[c] = rows->columns[c]->type;
}

/* Rows of a block, from what the rows of a store take on average. */
static int32_t
block_rows(const SortRuns *runs, const RowStore *rows)
{
	int64_t per_row = rows->reserved_bytes / ((int64_t)rows->n_rows + 1) + 1;
	int64_t n = spill_block_bytes(op_services(runs->op)->spill) / per_row;

	return n < BLOCK_ROWS_MIN ? BLOCK_ROWS_MIN : n > BATCH_ROWS ? BATCH_ROWS : (int32_t)n;
}

static Status
write_block(SortRuns *runs, StrBuf *block, Error *err)
{
	TRY(spill_write(runs->own, strbuf_str(block), err));
	runs->op->spilled_bytes += (int64_t)block->length;
	return OK;
}

Status
sort_runs_add(SortRuns *runs, const RowStore *rows, const uint32_t *numbers, int64_t n, Error *err)
{
	SortRun run;
	StrBuf	block = {0};
	int32_t step = block_rows(runs, rows);
	Status	status = OK;

	take_types(runs, rows);
	if (runs->own == NULL)
		TRY(new_file(runs, err));
	run = (SortRun){.file = runs->own, .at = spill_end(runs->own)};
	for (int64_t at = 0, size; at < n; at += size) {
		size = n - at < step ? n - at : step;
		strbuf_clear(&block);
		spill_rows_encode((const Vector *const *)rows->columns, rows->n_columns, numbers + at, (int32_t)size, &block);
		TRY_OUT(write_block(runs, &block, err));
	}
	run.end = spill_end(runs->own);
	runs->n_rows += n;
	grow_array(runs->runs, runs->n_runs, runs->capacity);
	runs->runs[runs->n_runs++] = run;
out:
	strbuf_free(&block);
	return status;
}

void
sort_runs_take(SortRuns *runs, SortRuns *from)
{
	if (from->types == NULL)
		return;
	if (runs->types == NULL) {
		runs->types = from->types;
		runs->n_columns = from->n_columns;
		from->types = NULL;
	}
	for (int i = 0; i < from->n_runs; i++) {
		grow_array(runs->runs, runs->n_runs, runs->capacity);
		runs->runs[runs->n_runs++] = from->runs[i];
	}
	for (int i = 0; i < from->n_files; i++) {
		grow_array(runs->files, runs->n_files, runs->file_capacity);
		runs->files[runs->n_files++] = from->files[i];
	}
	runs->n_rows += from->n_rows;
	from->n_files = 0;
	sort_runs_free(from);
}

/* ---- merging ---- */

/* A run being read: one block of it. */
typedef struct Cursor {
	SortRun		   run;
	SpillBuffer	   buffer;
	Arena		   arena;
	const Vector **columns;
	int32_t		   row;
	int32_t		   n_rows;
	uint64_t	  *prefixes;	/* of the first key */
	uint8_t		  *ranks;
	bool		   is_at_end;
} Cursor;

struct SortMerge {
	SortRuns		 *runs;
	const SortColumn *order;
	const int		 *key_columns;
	int				  n_keys;
	int				  n;			/* cursors */
	Cursor			 *cursors;
	int				 *losers;		/* of the inner nodes 1..n-1; [0]: the winner */
	Arena			  out;
	uint32_t		  cursor_of[BATCH_ROWS];
	uint32_t		  row_of[BATCH_ROWS];
	int64_t			  taken_bytes;	/* of the budget */
	bool			  is_used_up;	/* the winner's block: its rows have been handed on */
};

static Status
cursor_load(SortMerge *m, Cursor *cursor, Error *err)
{
	const SortRuns *runs = m->runs;
	Str				bytes;

	if (cursor->run.at >= cursor->run.end) {
		cursor->is_at_end = true;
		return OK;
	}
	arena_reset(&cursor->arena);
	cursor->columns = arena_array(&cursor->arena, const Vector *, runs->n_columns + 1);
	TRY(spill_read(cursor->run.file, &cursor->run.at, &cursor->buffer, &bytes, err));
	TRY(spill_rows_decode(runs->types, runs->n_columns, bytes, &cursor->arena, cursor->columns, &cursor->n_rows, err));
	cursor->row = 0;
	if (m->n_keys > 0) {
		cursor->prefixes = arena_alloc(&cursor->arena, sizeof *cursor->prefixes * (size_t)cursor->n_rows);
		cursor->ranks = arena_alloc(&cursor->arena, (size_t)cursor->n_rows);
		sort_prefixes(&m->order[0], cursor->columns[m->key_columns[0]], cursor->n_rows, cursor->prefixes, cursor->ranks);
	}
	return OK;
}

/* Whether the row of cursor a comes before that of b. */
static bool
comes_before(const SortMerge *m, int a, int b)
{
	const Cursor *x = &m->cursors[a], *y = &m->cursors[b];
	int			  order = 0;

	if (x->is_at_end || y->is_at_end)
		return !x->is_at_end || (y->is_at_end && a < b);
	if (m->n_keys > 0) {
		if (x->ranks[x->row] != y->ranks[y->row])
			return x->ranks[x->row] < y->ranks[y->row];
		if (x->prefixes[x->row] != y->prefixes[y->row])
			return x->prefixes[x->row] < y->prefixes[y->row];
	}
	for (int k = 0; k < m->n_keys && order == 0; k++)
		order = sort_compare_values(&m->order[k], x->columns[m->key_columns[k]], x->row, y->columns[m->key_columns[k]], y->row);
	return order != 0 ? order < 0 : a < b;
}

/* The winner below an inner node (leaves are nodes n..2n-1); losers stay in the nodes. */
static int
tree_build(SortMerge *m, int node)
{
	int left, right;

	if (node >= m->n)
		return node - m->n;
	left = tree_build(m, 2 * node);
	right = tree_build(m, 2 * node + 1);
	if (comes_before(m, right, left)) {
		m->losers[node] = left;
		return right;
	}
	m->losers[node] = right;
	return left;
}

/* The winner's row has changed. */
static void
tree_replay(SortMerge *m)
{
	int winner = m->losers[0];

	for (int node = (winner + m->n) / 2; node > 0; node /= 2)
		if (comes_before(m, m->losers[node], winner)) {
			int loser = winner;

			winner = m->losers[node];
			m->losers[node] = loser;
		}
	m->losers[0] = winner;
}

static const Vector *
gather_column(SortMerge *m, int c, int32_t n)
{
	const Type	*type = m->runs->types[c];
	Vector		*out = vector_new(&m->out, type, n);
	const void **data = arena_alloc(&m->out, sizeof *data * (size_t)m->n);
	bool		 has_nulls = false;

	out->is_ascii = true;
	for (int i = 0; i < m->n; i++) {
		const Cursor *cursor = &m->cursors[i];

		data[i] = cursor->columns != NULL ? cursor->columns[c]->data : NULL;
		has_nulls |= cursor->columns != NULL && cursor->columns[c]->validity != NULL;
		out->is_ascii &= cursor->columns == NULL || cursor->columns[c]->is_ascii;
	}
	if (type_is_nested(type)) {
		for (int32_t i = 0; i < n; i++)
			vector_copy_row(out, &m->out, i, m->cursors[m->cursor_of[i]].columns[c], m->row_of[i]);
		return out;
	}
	fixed_gather_many(type_width(type), data, m->cursor_of, m->row_of, n, out->data);
	for (int32_t i = 0; i < n && has_nulls; i++)
		if (!vector_is_valid(m->cursors[m->cursor_of[i]].columns[c], m->row_of[i]))
			vector_set_null(out, &m->out, i);
	return out;
}

/* Picks rows until there are enough for a batch, or a block is used up: its rows are handed on before it goes. */
Status
sort_merge_next(SortMerge *m, const Vector *const **out, int32_t *n_rows, Error *err)
{
	const Vector **columns;
	int32_t		   n = 0;

	if (m->is_used_up) {
		m->is_used_up = false;
		TRY(cursor_load(m, &m->cursors[m->losers[0]], err));
		tree_replay(m);
	}
	if (m->n == 0 || m->cursors[m->losers[0]].is_at_end)
		return DONE;
	do {
		Cursor *cursor = &m->cursors[m->losers[0]];

		m->cursor_of[n] = (uint32_t)m->losers[0];
		m->row_of[n++] = (uint32_t)cursor->row++;
		m->is_used_up = cursor->row == cursor->n_rows;
		if (m->is_used_up)
			break;
		tree_replay(m);
	} while (n < BATCH_ROWS);
	arena_reset(&m->out);
	columns = arena_array(&m->out, const Vector *, m->runs->n_columns + 1);
	for (int c = 0; c < m->runs->n_columns; c++)
		columns[c] = gather_column(m, c, n);
	m->runs->n_merged += n;
	op_progress(m->runs->op, "merging sorted runs", m->runs->n_merged, m->runs->n_rows);
	*out = columns;
	*n_rows = n;
	return OK;
}

void
sort_merge_close(SortMerge *m)
{
	if (m == NULL)
		return;
	for (int i = 0; i < m->n; i++) {
		spill_buffer_free(&m->cursors[i].buffer);
		arena_free(&m->cursors[i].arena);
	}
	arena_free(&m->out);
	free(m->cursors);
	free(m->losers);
	budget_release(op_services(m->runs->op)->budget, m->taken_bytes);
	free(m);
}

/* A merge of n of the runs. */
static Status
merge_open(SortRuns *runs, const SortColumn *order, const int *key_columns, int n_keys, int first, int n, SortMerge **out, Error *err)
{
	SortMerge *m = xcalloc(1, sizeof *m);
	Status	   status = OK;

	*m = (SortMerge){.runs = runs, .order = order, .key_columns = key_columns, .n_keys = n_keys, .n = n,
					 .taken_bytes = n * 2 * spill_block_bytes(op_services(runs->op)->spill)};
	budget_take(op_services(runs->op)->budget, m->taken_bytes);
	m->cursors = xcalloc((size_t)n, sizeof *m->cursors);
	m->losers = xcalloc((size_t)n + 1, sizeof *m->losers);
	for (int i = 0; i < n; i++) {
		m->cursors[i].run = runs->runs[first + i];
		TRY_OUT(cursor_load(m, &m->cursors[i], err));
	}
	if (n > 0)
		m->losers[0] = tree_build(m, 1);
	*out = m;
	return OK;
out:
	sort_merge_close(m);
	return status;
}

/* Merges some of the runs. */
static Status
merge_runs(SortRuns *runs, const SortColumn *order, const int *key_columns, int n_keys, int first, int n, SortRowsCallback emit,
		   void *context, Error *err)
{
	const Vector *const *columns;
	SortMerge			*m;
	int32_t				 n_rows;
	Status				 status = OK, emitted = OK;

	TRY(merge_open(runs, order, key_columns, n_keys, first, n, &m, err));
	while (emitted == OK && (status = sort_merge_next(m, &columns, &n_rows, err)) == OK)
		emitted = emit(context, columns, n_rows, err);
	sort_merge_close(m);
	return emitted != OK ? emitted : status == DONE ? OK : status;
}

/* ---- more runs than can be merged at once ---- */

typedef struct RunWriter {
	SortRuns *runs;
	StrBuf	  block;
} RunWriter;

static Status
write_rows(void *context, const Vector *const *columns, int32_t n, Error *err)
{
	RunWriter *writer = context;
	SortRuns  *runs = writer->runs;

	strbuf_clear(&writer->block);
	spill_rows_encode(columns, runs->n_columns, NULL, n, &writer->block);
	return write_block(runs, &writer->block, err);
}

/* How many runs the budget has blocks for, in half of it, when there are so many merges at a time. */
static int
fan_in(const SortRuns *runs, int n_merges)
{
	const SpillSpace *space = op_services(runs->op)->spill;
	int64_t			  n = space->budget->limit_bytes / 4 / spill_block_bytes(space) / n_merges;

	return n < FAN_IN_MIN ? FAN_IN_MIN : n > FAN_IN_MAX ? FAN_IN_MAX : (int)n;
}

/* One pass: neighbours become one run, in a new file; the old files go. */
static Status
merge_neighbours(SortRuns *runs, const SortColumn *order, const int *key_columns, int n_keys, int fan, Error *err)
{
	RunWriter	writer = {.runs = runs};
	SpillFile **old = runs->files;
	int			n_old = runs->n_files, n_merged = 0;
	Status		status = OK;

	runs->files = NULL;
	runs->n_files = runs->file_capacity = 0;
	TRY_OUT(new_file(runs, err));
	for (int first = 0; first < runs->n_runs; first += fan) {
		SortRun run = {.file = runs->own, .at = spill_end(runs->own)};
		int		n = runs->n_runs - first < fan ? runs->n_runs - first : fan;

		TRY_OUT(merge_runs(runs, order, key_columns, n_keys, first, n, write_rows, &writer, err));
		run.end = spill_end(runs->own);
		runs->runs[n_merged++] = run;
	}
	runs->n_runs = n_merged;
out:
	for (int i = 0; i < n_old; i++)
		spill_close(old[i]);
	free(old);
	strbuf_free(&writer.block);
	return status;
}

static Status
merge_to_fan_in(SortRuns *runs, const SortColumn *order, const int *key_columns, int n_keys, int n_merges, Error *err)
{
	int fan = fan_in(runs, n_merges);

	runs->n_merged = 0;
	for (; runs->n_runs > fan; runs->n_merged = 0)
		TRY(merge_neighbours(runs, order, key_columns, n_keys, fan, err));
	return OK;
}

Status
sort_runs_merge(SortRuns *runs, const SortColumn *order, const int *key_columns, int n_keys, SortRowsCallback emit,
				void *context, Error *err)
{
	TRY(merge_to_fan_in(runs, order, key_columns, n_keys, 1, err));
	return merge_runs(runs, order, key_columns, n_keys, 0, runs->n_runs, emit, context, err);
}

Status
sort_merge_open(SortRuns *runs, const SortColumn *order, const int *key_columns, int n_keys, int n_merges, SortMerge **out, Error *err)
{
	TRY(merge_to_fan_in(runs, order, key_columns, n_keys, n_merges, err));
	return merge_open(runs, order, key_columns, n_keys, 0, runs->n_runs, out, err);
}
