#include "exec/op/keep.h"

#include <stdlib.h>

#include "exec/op/spill_rows.h"
#include "exec/task/task.h"

enum {
	BLOCK_ROWS = 32 * BATCH_ROWS,	/* of one block: enough of them for all threads that read */
	WRITTEN_ROWS_MIN = 16,
};

typedef struct KeepOp {
	Op		  op;
	KeptRows *rows;			/* a clone's own; else the task's */
	const SpillSpace *space;
	RowStore *store;		/* the last of rows->stores, still growing; NULL: none */
	SpillFile *file;		/* that is written to; NULL: none yet */
} KeepOp;

KeptRows *
kept_rows_new(void)
{
	KeptRows *rows = xcalloc(1, sizeof *rows);

	pthread_mutex_init(&rows->reading, NULL);
	return rows;
}

void
kept_rows_free(KeptRows *rows)
{
	if (rows == NULL)
		return;
	for (int i = 0; i < rows->n_stores; i++) {
		row_store_free(rows->stores[i]);
		free(rows->stores[i]);
	}
	for (int i = 0; i < rows->n_files; i++)
		spill_close(rows->files[i]);
	free(rows->stores);
	free(rows->files);
	free(rows->blocks);
	pthread_mutex_destroy(&rows->reading);
	free(rows);
}

/* Notes n rows more of a part; they lie behind those noted last, if these are of the same part and place. */
static void
add_rows(KeptRows *rows, KeptBlock block)
{
	KeptBlock *last = rows->n_blocks > 0 ? &rows->blocks[rows->n_blocks - 1] : NULL;

	rows->n_rows += block.n_rows;
	if (last != NULL && last->part == block.part && last->store == block.store && last->file == block.file &&
		last->n_rows + block.n_rows <= BLOCK_ROWS) {
		last->n_rows += block.n_rows;
		return;
	}
	grow_array(rows->blocks, rows->n_blocks, rows->capacity);
	rows->blocks[rows->n_blocks++] = block;
}

static Status
keep_open(Op *op, Error *err)
{
	KeepOp *self = op_cast(KeepOp, op, &op_keep);
	const KeepSpec *spec = op->spec;

	(void)err;
	self->rows = op->primary == NULL ? op->task->kept : kept_rows_new();
	self->rows->n_columns = spec->n_columns;
	self->rows->types = spec->types;
	if (op_services(op)->spill != NULL)
		self->rows->space = *op_services(op)->spill;
	self->space = op->primary == NULL ? &self->rows->space : op_cast(KeepOp, op->primary, &op_keep)->space;
	return OK;
}

static void
new_store(KeepOp *self)
{
	KeptRows *rows = self->rows;

	self->store = xcalloc(1, sizeof *self->store);
	row_store_init(self->store, op_services(&self->op)->budget, "WITH");
	row_store_set_types(self->store, rows->types, rows->n_columns);
	if (op_services(&self->op)->spill != NULL)
		self->store->free_bytes = spill_least(op_services(&self->op)->spill);
	grow_array(rows->stores, rows->n_stores, rows->store_capacity);
	rows->stores[rows->n_stores++] = self->store;
}

/* ---- writing ---- */

static int32_t
written_rows(const KeepOp *self)
{
	int64_t per_row = self->store->reserved_bytes / ((int64_t)self->store->n_rows + 1) + 1;
	int64_t n = spill_block_bytes(op_services(&self->op)->spill) / per_row;

	return n < WRITTEN_ROWS_MIN ? WRITTEN_ROWS_MIN : n > BATCH_ROWS ? BATCH_ROWS : (int32_t)n;
}

static Status
write_rows(KeepOp *self, const KeptBlock *block, StrBuf *bytes, Error *err)
{
	int32_t step = written_rows(self);
	Arena	arena = {0};
	Status	status = OK;

	for (int64_t done = 0, n; done < block->n_rows; done += n) {
		const Vector **columns = arena_array(&arena, const Vector *, self->rows->n_columns + 1);
		KeptBlock	   written = {.part = block->part, .file = self->file, .at = spill_end(self->file)};

		n = written.n_rows = block->n_rows - done < step ? block->n_rows - done : step;
		for (int c = 0; c < self->rows->n_columns; c++)
			columns[c] = vector_slice(&arena, self->store->columns[c], (int32_t)(block->first + done), (int32_t)n);
		strbuf_clear(bytes);
		spill_rows_encode(columns, self->rows->n_columns, NULL, (int32_t)n, bytes);
		TRY_OUT(spill_write(self->file, strbuf_str(bytes), err));
		self->op.spilled_bytes += (int64_t)bytes->length;
		add_rows(self->rows, written);
		arena_reset(&arena);
	}
out:
	arena_free(&arena);
	return status;
}

/* The store's rows go to the file; the store is empty then. */
static Status
write_store(KeepOp *self, Error *err)
{
	KeptRows  *rows = self->rows;
	int		   n_all = rows->n_blocks, n = n_all;
	KeptBlock *blocks;
	StrBuf	   bytes = {0};
	Status	   status = OK;

	if (self->file == NULL) {
		TRY(spill_open(self->space, &self->file, err));
		grow_array(rows->files, rows->n_files, rows->file_capacity);
		rows->files[rows->n_files++] = self->file;
	}
	while (n > 0 && rows->blocks[n - 1].store == self->store)
		n--;
	blocks = xmalloc(sizeof *blocks * (size_t)(n_all - n + 1));
	memcpy(blocks, rows->blocks + n, sizeof *blocks * (size_t)(n_all - n));
	rows->n_blocks = n;
	for (int i = 0; i < n_all - n; i++) {
		rows->n_rows -= blocks[i].n_rows;
		TRY_OUT(write_rows(self, &blocks[i], &bytes, err));
	}
	row_store_free(self->store);
	row_store_set_types(self->store, rows->types, rows->n_columns);
out:
	strbuf_free(&bytes);
	free(blocks);
	return status;
}

/* Those that read the rows need memory too: half of what an operator may have. */
static bool
is_full(const KeepOp *self, int64_t n)
{
	int64_t bytes = row_store_bytes_with(self->store, n);

	return bytes > self->store->free_bytes && bytes > spill_share(op_services(&self->op)->spill) / 2;
}

/* *is_over: the rows are in the store, but are more than it may have. */
static Status
append(KeepOp *self, const Batch *in, bool *is_over, Error *err)
{
	bool	 can_write = op_services(&self->op)->spill != NULL;
	uint64_t before;

	*is_over = false;
	if (can_write && self->store->n_rows > 0 && is_full(self, in->n_rows))
		TRY(write_store(self, err));
	before = self->store->n_rows;
	if (row_store_append(self->store, in->columns, in->n_columns, NULL, in->n_rows, err) == OK)
		return OK;
	*is_over = self->store->n_rows > before;
	if (can_write && *is_over)
		return OK;
	if (!can_write || before == 0)
		return FAILED;
	TRY(write_store(self, err));
	return row_store_append(self->store, in->columns, in->n_columns, NULL, in->n_rows, err);
}

static Status
keep_push(Op *op, int port, const Batch *in, Error *err)
{
	KeepOp *self = op_cast(KeepOp, op, &op_keep);
	bool	is_over;

	(void)port;
	if (self->store == NULL)
		new_store(self);
	TRY(append(self, in, &is_over, err));
	add_rows(self->rows, (KeptBlock){.part = op_services(op)->source_part, .n_rows = in->n_rows, .store = self->store,
									 .first = (int64_t)self->store->n_rows - in->n_rows});
	op->rows_out += in->n_rows;
	return is_over ? write_store(self, err) : OK;
}

/* ---- the end ---- */

static Status
keep_merge(Op *op, Op *other, Error *err)
{
	KeptRows *rows = op_cast(KeepOp, op, &op_keep)->rows, *from = op_cast(KeepOp, other, &op_keep)->rows;

	(void)err;
	for (int i = 0; i < from->n_blocks; i++) {
		grow_array(rows->blocks, rows->n_blocks, rows->capacity);
		rows->blocks[rows->n_blocks++] = from->blocks[i];
	}
	for (int i = 0; i < from->n_stores; i++) {
		grow_array(rows->stores, rows->n_stores, rows->store_capacity);
		rows->stores[rows->n_stores++] = from->stores[i];
	}
	for (int i = 0; i < from->n_files; i++) {
		grow_array(rows->files, rows->n_files, rows->file_capacity);
		rows->files[rows->n_files++] = from->files[i];
	}
	rows->n_rows += from->n_rows;
	from->n_blocks = from->n_stores = from->n_files = 0;
	return OK;
}

/* A part is kept by one thread, in order: blocks of one part are moved as they stand. */
static int
by_part(const void *a, const void *b)
{
	const KeptBlock *x = a, *y = b;

	if (x->part != y->part)
		return x->part < y->part ? -1 : 1;
	/* written before kept; then by place */
	if ((x->store == NULL) != (y->store == NULL))
		return x->store == NULL ? -1 : 1;
	return x->store != NULL ? (x->first > y->first) - (x->first < y->first) : (x->at > y->at) - (x->at < y->at);
}

static Status
keep_finish(Op *op, int port, Error *err)
{
	KeptRows *rows = op_cast(KeepOp, op, &op_keep)->rows;

	(void)port;
	(void)err;
	if (rows->n_blocks > 0)
		qsort(rows->blocks, (size_t)rows->n_blocks, sizeof *rows->blocks, by_part);
	op->state_rows = rows->n_rows;
	return OK;
}

static void
keep_close(Op *op)
{
	KeepOp *self = op_cast(KeepOp, op, &op_keep);

	if (op->primary != NULL)
		kept_rows_free(self->rows);
}

const OpType op_keep = {
	.name = "Keep",
	.size = sizeof(KeepOp),
	.ports = 1,
	.open = keep_open,
	.push = keep_push,
	.finish = keep_finish,
	.close = keep_close,
	.merge = keep_merge,
};
