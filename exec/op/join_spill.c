/*
 * The bounded join when its build side is more than the memory budget holds: both sides go to temporary files, in partitions by the hash of
 * the join keys (Kitsuregawa, Tanaka and Moto-oka: Application of Hash to Data Base Machine and Its Architecture, 1983), and are joined one
 * partition after the other.  A partition whose build rows are still too many is parted again.  Rows with equal keys are in one
 * partition, so each kind of join is what it is within a partition; only NOT IN asks of the whole (whether there is any NULL).
 *
 * What cannot be parted (rows of one key; joins without keys; NOT IN of several keys or with a condition, where a NULL may meet any row) is joined
 * in chunks, as a block nested loop:
 *
 *   for each chunk of build rows that fits
 *     make its table; read all probe rows of the partition and join them
 *     RIGHT, FULL, tests of build rows: emit the build rows of the chunk by their marks, which are final
 *   LEFT, FULL, SEMI, ANTI: whether a probe row was matched goes from chunk to chunk through a file; with the last one it is known
 *
 * A chunk has at least a block of rows, and what the budget guarantees each operator, so that a join ends whatever the limit is.
 */
#include "exec/op/join_hash_impl.h"

enum { CHUNK_ROWS_MAX = INT32_MAX / 2 };

/* Keys by which rows can be parted. */
static int
partition_keys(const JoinHashSpec *spec)
{
	return spec->null_aware && (spec->n_keys > 1 || spec->residual != NULL) ? 0 : spec->n_keys;
}

void
join_spill_open(JoinHashOp *self)
{
	Op				   *op = &self->op;
	const JoinHashSpec *spec = op->spec;
	int64_t				bytes_a_row = spec->n_keys > 0 ? JOIN_TABLE_BYTES + (int64_t)sizeof(KeySlot) * spec->n_keys : 1;

	self->probe_key_columns = arena_array(&op->arena, int, spec->n_keys + 1);
	for (int k = 0, n = spec->n_left; k < spec->n_keys; k++)
		self->probe_key_columns[k] = spec->left_keys[k]->kind == EXPR_COLUMN ? spec->left_keys[k]->index : n++;
	row_store_init(&self->probe, op_services(op)->budget, "a join");
	row_partitions_init(&self->build_parts, op, 0, self->key_columns, partition_keys(spec), bytes_a_row);
	row_partitions_init(&self->probe_parts, op, 0, self->probe_key_columns, partition_keys(spec), 0);
}

void
join_spill_close(JoinHashOp *self)
{
	row_store_free(&self->probe);
	row_partitions_free(&self->build_parts);
	row_partitions_free(&self->probe_parts);
}

bool
join_can_spill(const JoinHashOp *self)
{
	return op_services(&self->op)->spill != NULL;
}

static int64_t
table_bytes(const JoinHashOp *self, int64_t n_rows)
{
	const JoinHashSpec *spec = self->op.spec;

	return (join_keeps_build(spec) ? n_rows + 1 : 0)
		+ join_table_bytes(spec->n_keys > 0 ? spec->right_keys[0]->type : NULL, spec->n_keys, n_rows, spec->null_safe);
}

bool
join_spill_is_due(const JoinHashOp *self)
{
	const SpillSpace *space = op_services(&self->op)->spill;
	int64_t			  n = (int64_t)self->rows.n_rows, bytes;

	if (space == NULL || n == 0 || self->rows.columns == NULL)
		return false;
	bytes = row_store_bytes_with(&self->rows, 1) + table_bytes(self, n);
	return bytes > spill_share(space) && bytes > spill_least(space);
}

Status
join_spill_build(JoinHashOp *self, Error *err)
{
	TRY(row_partitions_write(&self->build_parts, &self->rows, err));
	self->is_spilled = true;
	self->is_built = true;
	return OK;
}

Status
join_spill_probe(JoinHashOp *self, const Batch *in, Error *err)
{
	Op				   *op = &self->op;
	const JoinHashSpec *spec = op->spec;
	const Vector	  **columns = arena_alloc(op_scratch(op), sizeof *columns * (size_t)(spec->n_left + spec->n_keys + 2));
	int					n = spec->n_left;

	if (spec->n_left > 0)
		memcpy(columns, in->columns, sizeof *columns * (size_t)spec->n_left);
	for (int k = 0; k < spec->n_keys; k++)
		if (spec->left_keys[k]->kind != EXPR_COLUMN)
			TRY(program_eval(self->left_keys[k], op_services(op)->eval, in, &columns[n++], err));
	self->probe_has_time |= in->event_time != NULL;
	columns[n++] = join_time_column(op_scratch(op), in);
	return row_partitions_append(&self->probe_parts, &self->probe, columns, n, NULL, in->n_rows, err);
}

/* ---- joining ---- */

/* Probe rows of a partition that meet a chunk of build rows. */
typedef struct Probing {
	JoinHashOp *self;
	SpillFile  *before;		/* left_matched by block, as the chunk before has left it; NULL: this is the first */
	SpillFile  *after;		/* for the next chunk; NULL: this is the last, or it does not matter */
	int64_t		at;			/* in `before` */
	SpillBuffer buffer;
} Probing;

static Status
take_marks(Probing *p, int32_t n, Error *err)
{
	Str marks;

	if (p->before == NULL)
		return OK;
	TRY(spill_read(p->before, &p->at, &p->buffer, &marks, err));
	memcpy(p->self->left_matched, marks.data, (size_t)n);
	return OK;
}

static Status
leave_marks(Probing *p, int32_t n, Error *err)
{
	if (p->after == NULL)
		return OK;
	p->self->op.spilled_bytes += n;
	return spill_write(p->after, str_make((const char *)p->self->left_matched, (size_t)n), err);
}

static Status
probe_block(void *context, const Vector *const *columns, int32_t n, Error *err)
{
	Probing			   *p = context;
	JoinHashOp		   *self = p->self;
	const JoinHashSpec *spec = self->op.spec;
	Arena			   *arena = op_scratch(&self->op);
	ArenaMark			mark = arena_mark(arena);
	const Vector	  **keys = arena_alloc(arena, sizeof *keys * (size_t)(spec->n_keys + 1));
	Batch			   *in = batch_new(arena, spec->n_left, n);
	Status				status;

	if (op_services(&self->op)->interrupted != NULL && *op_services(&self->op)->interrupted)
		return error_set(err, ERROR_INTERRUPTED, "The query was cancelled");
	if (spec->n_left > 0)
		memcpy(in->columns, columns, sizeof *columns * (size_t)spec->n_left);
	for (int k = 0; k < spec->n_keys; k++)
		keys[k] = columns[self->probe_key_columns[k]];
	if (self->probe_has_time)
		in->event_time = columns[self->probe_parts.n_columns - 1]->data;
	TRY(take_marks(p, n, err));
	status = join_probe_keys(self, in, keys, err);
	if (mark.block != NULL)
		arena_rewind(arena, mark);
	return status == OK ? leave_marks(p, n, err) : status;
}

/* Joins the chunk in the store with all probe rows of a partition; *marks is the file that one chunk leaves for the next. */
static Status
join_chunk(JoinHashOp *self, const RowPartitions *probe, int partition, SpillFile **marks, Error *err)
{
	const JoinHashSpec *spec = self->op.spec;
	Probing				p = {.self = self};
	Status				status = OK;

	TRY(join_table_make(self, NULL, err));
	if (join_marks_probe(spec)) {
		p.before = *marks;
		*marks = NULL;
		if (self->has_later_chunk)
			TRY_OUT(spill_open(op_services(&self->op)->spill, &p.after, err));
	}
	if (probe->n_rows[partition] > 0)
		TRY_OUT(row_partitions_read(probe, partition, probe_block, &p, err));
	if (join_keeps_build(spec))
		status = join_emit_kept(self, err);
out:
	spill_buffer_free(&p.buffer);
	spill_close(p.before);
	*marks = p.after;
	return status;
}

/* Whether the reader's block should wait for the next chunk.  Half of the share is left to the operators behind. */
static bool
chunk_is_full(const JoinHashOp *self, const RowPartitionReader *reader)
{
	const SpillSpace *space = op_services(&self->op)->spill;
	const RowStore	 *rows = &self->rows;
	int64_t			  n = (int64_t)rows->n_rows + reader->n_rows, bytes;

	if (rows->n_rows == 0)
		return false;
	/* and a row of NULLs */
	bytes = row_store_bytes_with_text(rows, reader->n_rows + 1, reader->n_bytes) + table_bytes(self, n);
	return n >= CHUNK_ROWS_MAX || (bytes > spill_share(space) / 2 && bytes > spill_least(space))
		|| spill_is_due(space, rows->reserved_bytes, bytes - rows->reserved_bytes);
}

/* Takes blocks as long as there is room for them; *has_block: there is one that waits. */
static Status
load_chunk(JoinHashOp *self, RowPartitionReader *reader, bool *has_block, Error *err)
{
	RowStore *rows = &self->rows;

	/* What fits is decided here, not by the store. */
	rows->free_bytes = INT64_MAX;
	while (*has_block && !chunk_is_full(self, reader)) {
		Status status;

		TRY(row_store_append(rows, reader->columns, reader->parts->n_columns, NULL, reader->n_rows, err));
		status = row_partition_next(reader, err);
		if (status == FAILED)
			return FAILED;
		*has_block = status == OK;
	}
	return OK;
}

static Status
next_chunk(JoinHashOp *self, RowPartitionReader *reader, bool *has_block, Error *err)
{
	MemoryBudget *budget = op_services(&self->op)->budget;

	join_table_drop(self);
	row_store_free(&self->rows);
	budget_release(budget, self->chunk_bytes);
	self->chunk_bytes = 0;
	TRY(load_chunk(self, reader, has_block, err));
	self->chunk_bytes = table_bytes(self, (int64_t)self->rows.n_rows);
	budget_take(budget, self->chunk_bytes);
	self->has_later_chunk = *has_block;
	return OK;
}

/* A partition that is not parted again. */
static Status
join_partition(JoinHashOp *self, const RowPartitions *build, const RowPartitions *probe, int p, Error *err)
{
	RowPartitionReader reader;
	SpillFile		  *marks = NULL;
	bool			   has_block;
	Status			   status;

	row_partition_open(&reader, build, p);
	status = row_partition_next(&reader, err);
	has_block = status == OK;
	if (status == FAILED)
		goto out;
	do {
		TRY_OUT(next_chunk(self, &reader, &has_block, err));
		TRY_OUT(join_chunk(self, probe, p, &marks, err));
		self->has_earlier_chunk = true;
	} while (has_block);
out:
	self->has_earlier_chunk = self->has_later_chunk = false;
	join_table_drop(self);
	row_store_free(&self->rows);
	budget_release(op_services(&self->op)->budget, self->chunk_bytes);
	self->chunk_bytes = 0;
	spill_close(marks);
	row_partition_close(&reader);
	return status;
}

static Status join_partitions(JoinHashOp *self, const RowPartitions *build, const RowPartitions *probe, Error *err);

static Status
join_split(JoinHashOp *self, const RowPartitions *build, const RowPartitions *probe, int p, Error *err)
{
	RowPartitions smaller_build, smaller_probe;
	Status		  status = OK;

	row_partitions_init(&smaller_build, build->op, build->level + 1, build->key_columns, build->n_keys, build->bytes_a_row);
	row_partitions_init(&smaller_probe, probe->op, probe->level + 1, probe->key_columns, probe->n_keys, probe->bytes_a_row);
	TRY_OUT(row_partitions_split(build, p, &smaller_build, err));
	TRY_OUT(row_partitions_split(probe, p, &smaller_probe, err));
	status = join_partitions(self, &smaller_build, &smaller_probe, err);
out:
	row_partitions_free(&smaller_build);
	row_partitions_free(&smaller_probe);
	return status;
}

static Status
join_partitions(JoinHashOp *self, const RowPartitions *build, const RowPartitions *probe, Error *err)
{
	const JoinHashSpec *spec = self->op.spec;

	for (int p = 0; p < N_ROW_PARTITIONS; p++) {
		Status status;

		if (build->level == 0)
			op_progress(&self->op, "joining parts", p, N_ROW_PARTITIONS);
		if ((build->n_rows[p] == 0 && !join_keeps_probe(spec)) || (probe->n_rows[p] == 0 && !join_keeps_build(spec)))
			continue;
		if (row_partitions_is_large(build, p) && !row_partitions_is_most(build, p))
			status = join_split(self, build, probe, p, err);
		else
			status = join_partition(self, build, probe, p, err);
		if (status != OK)
			return status;
	}
	return OK;
}

Status
join_spill_finish(JoinHashOp *self, Error *err)
{
	Status status;

	TRY(row_partitions_write(&self->probe_parts, &self->probe, err));
	status = join_partitions(self, &self->build_parts, &self->probe_parts, err);
	row_partitions_free(&self->build_parts);
	row_partitions_free(&self->probe_parts);
	return status;
}
