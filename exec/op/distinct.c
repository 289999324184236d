/* DISTINCT: a table of the rows seen. */
#include "data/key.h"
#include "exec/op/row_set.h"
#include "exec/op/row_store.h"
#include "exec/op/sort.h"
#include "exec/state/state.h"

/* A clone of a parallel pipeline has no outputs: it keeps its rows for the merge. */
typedef struct DistinctOp {
	Op			op;
	RowSet		seen;
	RowStore	kept;
	StateTable *rows;			/* keeps_state: key bytes of the rows seen; no values */
	StrBuf		key;
} DistinctOp;

static Status
distinct_open(Op *op, Error *err)
{
	DistinctOp *self = op_cast(DistinctOp, op, &op_distinct);

	self->seen.n_columns = -1;
	row_store_init(&self->kept, op_services(op)->budget, "DISTINCT");
	if (!((const DistinctSpec *)op->spec)->keeps_state)
		return OK;
	TRY(state_table_open(op_services(op)->state, op->id, 0, op_services(op)->budget, "DISTINCT", &self->rows, err));
	op->state_rows = state_table_count(self->rows);
	return OK;
}

/* The rows that were not seen before, by the durable state. */
static Status
distinct_push_kept(DistinctOp *self, const Batch *in, Error *err)
{
	const DistinctSpec *spec = self->op.spec;
	Arena			   *arena = op_scratch(&self->op);
	const Vector	  **columns = arena_array(arena, const Vector *, spec->n_columns + 1);
	uint32_t		   *rows = arena_alloc(arena, sizeof *rows * (size_t)(in->n_rows + 1));
	int32_t				n = 0;

	for (int c = 0; c < spec->n_columns; c++)
		columns[c] = vector_flatten(arena, in->columns[c]);
	for (int32_t i = 0; i < in->n_rows; i++) {
		Str ignored;

		if (row_kind_is_null(batch_row_kind(in, i)))
			continue;
		strbuf_clear(&self->key);
		key_encode(columns, spec->n_columns, i, &self->key);
		if (state_table_get(self->rows, strbuf_str(&self->key), &ignored))
			continue;
		TRY(state_table_put(self->rows, strbuf_str(&self->key), STR(""), err));
		rows[n++] = (uint32_t)i;
	}
	self->op.state_rows = state_table_count(self->rows);
	return n > 0 ? op_emit(&self->op, batch_select(arena, in, rows, n), err) : OK;
}

static Status
distinct_push(Op *op, int port, const Batch *in, Error *err)
{
	DistinctOp		   *self = op_cast(DistinctOp, op, &op_distinct);
	const DistinctSpec *spec = op->spec;
	RowLookup			found;

	(void)port;
	if (spec->keeps_state)
		return distinct_push_kept(self, in, err);
	TRY(row_set_find(&self->seen, op, in, spec->n_columns, 0, true, &found, err));
	for (int32_t i = 0; i < found.n_new; i++)
		found.new_rows[i] = found.rows[found.new_rows[i]];
	if (op->primary != NULL)
		return row_store_append(&self->kept, in->columns, in->n_columns, found.new_rows, found.n_new, err);
	if (found.n_new == in->n_rows)
		return op_emit(op, in, err);
	return found.n_new > 0 ? op_emit(op, batch_select(op_scratch(op), in, found.new_rows, found.n_new), err) : OK;
}

static Status
distinct_merge(Op *op, Op *other, Error *err)
{
	DistinctOp *from = op_cast(DistinctOp, other, &op_distinct);
	uint32_t	index[BATCH_ROWS];

	for (uint64_t at = 0; at < from->kept.n_rows && !op->is_done; at += BATCH_ROWS) {
		uint64_t n = from->kept.n_rows - at < BATCH_ROWS ? from->kept.n_rows - at : BATCH_ROWS;
		Batch	*rows = batch_new(op_scratch(op), from->kept.n_columns, (int32_t)n);
		Status	 status;

		for (uint64_t i = 0; i < n; i++)
			index[i] = (uint32_t)(at + i);
		row_store_select(&from->kept, op_scratch(op), index, (int32_t)n, 0, from->kept.n_columns, rows->columns);
		status = distinct_push(op, 0, rows, err);
		if (status == FAILED)
			return FAILED;
		op->is_done = status == DONE;
		arena_reset(op_scratch(op));
	}
	return OK;
}

static Status
distinct_flush(Op *op, Error *err)
{
	DistinctOp *self = op_cast(DistinctOp, op, &op_distinct);

	(void)err;
	if (self->rows != NULL)
		state_table_flush(self->rows);
	return OK;
}

static void
distinct_close(Op *op)
{
	DistinctOp *self = op_cast(DistinctOp, op, &op_distinct);

	state_table_close(self->rows);
	strbuf_free(&self->key);
	row_set_free(&self->seen);
	row_store_free(&self->kept);
}

static void
distinct_explain(const void *spec, Explain *out)
{
	explain_int(out, "columns", ((const DistinctSpec *)spec)->n_columns);
}

const OpType op_distinct = {
	.name = "Distinct",
	.size = sizeof(DistinctOp),
	.ports = 1,
	.open = distinct_open,
	.push = distinct_push,
	.flush = distinct_flush,
	.close = distinct_close,
	.merge = distinct_merge,
	.explain = distinct_explain,
};
