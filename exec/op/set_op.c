/*
 * INTERSECT and EXCEPT: a table of the rows of the right side, each with how often it came.
 *
 * When the table of the right side is more than the memory budget holds, it is written to temporary files, in partitions by the hash of the rows,
 * and begins anew; then the left side goes there too, and the partitions are worked through one by one.  Equal rows take one place however
 * many there are, so what is too large can be parted by the next bits.
 */
#include "exec/op/join_hash_impl.h"
#include "exec/op/row_partitions.h"
#include "exec/op/row_set.h"
#include "exec/op/sort.h"

typedef struct SetOp {
	Op			  op;
	RowSet		  rows;
	bool		  is_spilled;
	int			 *key_columns;		/* 0, 1, ... */
	RowStore	  kept;				/* on its way to a file */
	RowPartitions right;			/* the columns, how often */
	RowPartitions left;				/* the columns, event time */
	bool		  left_has_time;
} SetOp;

typedef struct SetRow {
	int64_t n_right;		/* of the right input; ALL: not used up yet */
	bool	was_emitted;
} SetRow;

static Status
set_op_open(Op *op, Error *err)
{
	SetOp *self = op_cast(SetOp, op, &op_set_op);

	(void)err;
	self->rows.n_columns = -1;
	row_store_init(&self->kept, op_services(op)->budget, "INTERSECT or EXCEPT");
	return OK;
}

static bool
set_row_passes(const SetOpSpec *spec, SetRow *row)
{
	bool is_right = row != NULL && row->n_right > 0;

	if (spec->all) {
		if (is_right)
			row->n_right--;
		return is_right != spec->is_except;
	}
	if (row->was_emitted || is_right == spec->is_except)
		return false;
	row->was_emitted = true;
	return true;
}

/* Of ALL the rows of the left side need no place. */
static bool
left_is_kept(const SetOp *self)
{
	return !((const SetOpSpec *)self->op.spec)->all;
}

static Status
push_left(SetOp *self, const Batch *in, int n_columns, Error *err)
{
	RowLookup found;
	int32_t	  n = 0;

	TRY(row_set_find(&self->rows, &self->op, in, n_columns, sizeof(SetRow), left_is_kept(self), &found, err));
	for (int32_t i = 0; i < found.n; i++) {
		SetRow *row = found.groups[i] != NULL ? (SetRow *)((char *)found.groups[i] + self->rows.table.state_offset) : NULL;

		if (set_row_passes(self->op.spec, row))
			found.rows[n++] = found.rows[i];
	}
	return n > 0 ? op_emit(&self->op, batch_select(op_scratch(&self->op), in, found.rows, n), err) : OK;
}

/* counts: how often each row is there; NULL: once. */
static Status
push_right(SetOp *self, const Batch *in, int n_columns, const int64_t *counts, Error *err)
{
	RowLookup found;

	TRY(row_set_find(&self->rows, &self->op, in, n_columns, sizeof(SetRow), true, &found, err));
	for (int32_t i = 0; i < found.n; i++)
		((SetRow *)((char *)found.groups[i] + self->rows.table.state_offset))->n_right += counts != NULL ? counts[i] : 1;
	return OK;
}

/* ---- more than memory.limit ---- */

static void
spill_begin(SetOp *self, int n_columns)
{
	self->is_spilled = true;
	self->key_columns = arena_array(&self->op.arena, int, n_columns + 1);
	for (int c = 0; c < n_columns; c++)
		self->key_columns[c] = c;
	row_partitions_init(&self->right, &self->op, 0, self->key_columns, n_columns, self->rows.table.record_size + 4 * (int64_t)sizeof(GroupEntry));
	row_partitions_init(&self->left, &self->op, 0, self->key_columns, n_columns, 0);
}

/* Rows of the right side, from record *next on. */
static Status
write_groups(SetOp *self, uint32_t *next, Error *err)
{
	const GroupTable *table = &self->rows.table;
	Arena			 *arena = op_scratch(&self->op);
	const Vector	**columns = arena_alloc(arena, sizeof *columns * (size_t)(table->n_keys + 1));
	Group			**groups = arena_alloc(arena, sizeof *groups * BATCH_ROWS);
	Vector			 *counts;
	int32_t			  n = 0;

	for (; *next < table->n_records && n < BATCH_ROWS; ++*next)
		if (group_table_at(table, *next)->is_live)
			groups[n++] = group_table_at(table, *next);
	for (int c = 0; c < table->n_keys; c++)
		TRY(group_table_key_vector(table, groups, n, c, arena, &columns[c], err));
	columns[table->n_keys] = counts = vector_new(arena, type_bigint, n);
	for (int32_t i = 0; i < n; i++)
		((int64_t *)counts->data)[i] = ((const SetRow *)((const char *)groups[i] + table->state_offset))->n_right;
	return row_partitions_append(&self->right, &self->kept, columns, table->n_keys + 1, NULL, n, err);
}

/* Writes the table, and empties it. */
static Status
set_op_write(SetOp *self, Error *err)
{
	Arena *arena = op_scratch(&self->op);

	if (!self->is_spilled)
		spill_begin(self, self->rows.n_columns);
	for (uint32_t next = 0; next < self->rows.table.n_records;) {
		ArenaMark mark = arena_mark(arena);

		TRY(write_groups(self, &next, err));
		arena_rewind(arena, mark);
	}
	group_table_clear(&self->rows.table);
	return row_partitions_write(&self->right, &self->kept, err);
}

/* Before n rows of the right side are taken. */
static Status
make_room(SetOp *self, int32_t n, Error *err)
{
	const SpillSpace *space = op_services(&self->op)->spill;
	GroupTable		 *table = &self->rows.table;

	if (space == NULL || self->rows.n_columns <= 0)
		return OK;
	table->may_overdraw = true;
	return table->n_groups > 0 && spill_is_due(space, table->reserved_bytes, group_table_growth(table, n)) ? set_op_write(self, err) : OK;
}

static Status
keep_left(SetOp *self, const Batch *in, Error *err)
{
	Arena		  *arena = op_scratch(&self->op);
	const Vector **columns = arena_alloc(arena, sizeof *columns * (size_t)(in->n_columns + 1));
	uint32_t	  *rows = arena_alloc(arena, sizeof *rows * (size_t)(in->n_rows + 1));
	int32_t		   n = 0;

	for (int32_t i = 0; i < in->n_rows; i++)
		if (!row_kind_is_null(batch_row_kind(in, i)))
			rows[n++] = (uint32_t)i;
	memcpy(columns, in->columns, sizeof *columns * (size_t)in->n_columns);
	columns[in->n_columns] = join_time_column(arena, in);
	self->left_has_time |= in->event_time != NULL;
	return row_partitions_append(&self->left, &self->kept, columns, in->n_columns + 1, rows, n, err);
}

/* A batch of rows from a file, whose last column is apart. */
static Batch *
block_batch(SetOp *self, const Vector *const *columns, int32_t n)
{
	int	   n_columns = self->right.n_keys;
	Batch *in = batch_new(op_scratch(&self->op), n_columns, n);

	memcpy(in->columns, columns, sizeof *columns * (size_t)n_columns);
	return in;
}

static Status
take_right(void *context, const Vector *const *columns, int32_t n, Error *err)
{
	SetOp	 *self = context;
	ArenaMark mark = arena_mark(op_scratch(&self->op));
	Batch	 *in = block_batch(self, columns, n);
	Status	  status = push_right(self, in, in->n_columns, columns[in->n_columns]->data, err);

	arena_rewind(op_scratch(&self->op), mark);
	return status;
}

static Status
take_left(void *context, const Vector *const *columns, int32_t n, Error *err)
{
	SetOp	 *self = context;
	ArenaMark mark = arena_mark(op_scratch(&self->op));
	Batch	 *in = block_batch(self, columns, n);
	Status	  status;

	if (op_services(&self->op)->interrupted != NULL && *op_services(&self->op)->interrupted)
		return error_set(err, ERROR_INTERRUPTED, "The query was cancelled");
	if (self->left_has_time)
		in->event_time = columns[in->n_columns]->data;
	status = push_left(self, in, in->n_columns, err);
	arena_rewind(op_scratch(&self->op), mark);
	return status;
}

static Status set_partitions(SetOp *self, const RowPartitions *right, const RowPartitions *left, Error *err);

static Status
set_split(SetOp *self, const RowPartitions *right, const RowPartitions *left, int p, Error *err)
{
	RowPartitions smaller_right, smaller_left;
	Status		  status = OK;

	row_partitions_init(&smaller_right, right->op, right->level + 1, right->key_columns, right->n_keys, right->bytes_a_row);
	row_partitions_init(&smaller_left, left->op, left->level + 1, left->key_columns, left->n_keys, left->bytes_a_row);
	TRY_OUT(row_partitions_split(right, p, &smaller_right, err));
	TRY_OUT(row_partitions_split(left, p, &smaller_left, err));
	status = set_partitions(self, &smaller_right, &smaller_left, err);
out:
	row_partitions_free(&smaller_right);
	row_partitions_free(&smaller_left);
	return status;
}

static Status
set_partitions(SetOp *self, const RowPartitions *right, const RowPartitions *left, Error *err)
{
	for (int p = 0; p < N_ROW_PARTITIONS; p++) {
		Status status = OK;

		if (left->level == 0)
			op_progress(&self->op, "comparing parts", p, N_ROW_PARTITIONS);
		if (left->n_rows[p] == 0)
			continue;
		if (row_partitions_is_large(right, p)) {
			status = set_split(self, right, left, p, err);
		} else {
			if (right->n_rows[p] > 0)
				status = row_partitions_read(right, p, take_right, self, err);
			if (status == OK)
				status = row_partitions_read(left, p, take_left, self, err);
			group_table_clear(&self->rows.table);
		}
		if (status != OK)
			return status;
	}
	return OK;
}

/* ---- the operator ---- */

static Status
set_op_push(Op *op, int port, const Batch *in, Error *err)
{
	SetOp *self = op_cast(SetOp, op, &op_set_op);

	if (port == 0)
		return self->is_spilled ? keep_left(self, in, err) : push_left(self, in, in->n_columns, err);
	TRY(make_room(self, in->n_rows, err));
	return push_right(self, in, in->n_columns, NULL, err);
}

static Status
set_op_finish(Op *op, int port, Error *err)
{
	SetOp *self = op_cast(SetOp, op, &op_set_op);

	if (port == 1)
		return self->is_spilled ? set_op_write(self, err) : OK;
	if (self->is_spilled) {
		TRY(row_partitions_write(&self->left, &self->kept, err));
		if (set_partitions(self, &self->right, &self->left, err) == FAILED)
			return FAILED;
	}
	return op_finish_outputs(op, err);
}

/* The right side ends before the left one begins. */
static Status
set_op_advance(Op *op, int port, Time time, Error *err)
{
	return port == 0 ? op_advance_outputs(op, time, err) : OK;
}

static void
set_op_close(Op *op)
{
	SetOp *self = op_cast(SetOp, op, &op_set_op);

	row_set_free(&self->rows);
	row_store_free(&self->kept);
	if (self->is_spilled) {
		row_partitions_free(&self->right);
		row_partitions_free(&self->left);
	}
}

static void
set_op_explain(const void *spec, Explain *out)
{
	const SetOpSpec *s = spec;

	explain_text(out, "kind", s->is_except ? s->all ? "EXCEPT ALL" : "EXCEPT" : s->all ? "INTERSECT ALL" : "INTERSECT");
}

const OpType op_set_op = {
	.name = "SetOperation",
	.size = sizeof(SetOp),
	.ports = 2,
	.open = set_op_open,
	.push = set_op_push,
	.advance = set_op_advance,
	.finish = set_op_finish,
	.close = set_op_close,
	.explain = set_op_explain,
};
