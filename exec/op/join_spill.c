/*
 * The bounded join when its build side is more than the memory budget holds: both sides go to temporary files, in partitions by the hash of
 * the join keys (Kitsuregawa, Tanaka and Moto-oka: Application of Hash to Data Base Machine and Its Architecture, 1983), and are joined one
 * partition after the other.  A partition whose build rows are still too many is parted again.  Rows with equal keys are in one
 * partition, so each kind of join is what it is within a partition; only NOT IN asks of the whole (whether there is any NULL).
 *
 * Many build rows of one key cannot be parted: then the budget's refusal stands.
 */
#include "exec/op/join_hash_impl.h"

enum {
	/* What a row costs besides itself while its partition is joined: entries of the table, links of chains, a slot a key. */
	TABLE_BYTES_A_ROW = 40,
};

void
join_spill_open(JoinHashOp *self)
{
	Op				   *op = &self->op;
	const JoinHashSpec *spec = op->spec;
	int64_t				bytes_a_row = TABLE_BYTES_A_ROW + (int64_t)sizeof(KeySlot) * spec->n_keys;

	self->probe_key_columns = arena_array(&op->arena, int, spec->n_keys + 1);
	for (int k = 0, n = spec->n_left; k < spec->n_keys; k++)
		self->probe_key_columns[k] = spec->left_keys[k]->kind == EXPR_COLUMN ? spec->left_keys[k]->index : n++;
	row_store_init(&self->probe, op_services(op)->budget, "a join");
	row_partitions_init(&self->build_parts, op, 0, self->key_columns, spec->n_keys, bytes_a_row);
	row_partitions_init(&self->probe_parts, op, 0, self->probe_key_columns, spec->n_keys, 0);
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
	const JoinHashSpec *spec = self->op.spec;

	return op_services(&self->op)->spill != NULL && spec->n_keys > 0
		&& !(spec->null_aware && (spec->n_keys > 1 || spec->residual != NULL));
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

static Status
probe_block(void *context, const Vector *const *columns, int32_t n, Error *err)
{
	JoinHashOp		   *self = context;
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
	status = join_probe_keys(self, in, keys, err);
	if (mark.block != NULL)
		arena_rewind(arena, mark);
	return status;
}

/* A partition whose build rows fit. */
static Status
join_partition(JoinHashOp *self, const RowPartitions *build, const RowPartitions *probe, int p, Error *err)
{
	Status status = OK;

	TRY_OUT(row_partitions_load(build, p, &self->rows, err));
	TRY_OUT(join_table_make(self, err));
	if (probe->n_rows[p] > 0)
		status = row_partitions_read(probe, p, probe_block, self, err);
	if (status == OK && join_keeps_build(self->op.spec))
		status = join_emit_kept(self, err);
out:
	join_table_drop(self);
	row_store_free(&self->rows);
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

		if ((build->n_rows[p] == 0 && !join_keeps_probe(spec)) || (probe->n_rows[p] == 0 && !join_keeps_build(spec)))
			continue;
		if (row_partitions_is_large(build, p))
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
