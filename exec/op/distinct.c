/* DISTINCT, INTERSECT and EXCEPT: tables of the rows seen. */
#include "data/key.h"
#include "exec/op/group_table.h"
#include "exec/op/row_store.h"
#include "exec/op/sort.h"
#include "exec/state/state.h"

/* Rows of a table, by leading columns; made when the first rows tell the types. */
typedef struct RowSet {
	GroupTable table;
	int		   n_columns;		/* -1: not made yet */
} RowSet;

/* What was looked up for a batch. */
typedef struct RowLookup {
	uint32_t *rows;				/* of the batch: those that have a value */
	int32_t	  n;
	Group	**groups;			/* by place in rows */
	uint32_t *new_rows;			/* places in rows */
	int32_t	  n_new;
} RowLookup;

static Status
row_set_find(RowSet *set, Op *op, const Batch *in, int n_columns, uint32_t state_size, RowLookup *out, Error *err)
{
	Arena	 *arena = op_scratch(op);
	size_t	  n_rows = (size_t)in->n_rows;
	KeySlot **slots = arena_alloc(arena, sizeof *slots * (size_t)(n_columns + 1));
	uint32_t *hashes = arena_alloc(arena, sizeof *hashes * (n_rows + 1));
	const Batch *rows = in;

	*out = (RowLookup){.rows = arena_alloc(arena, sizeof *out->rows * (n_rows + 1))};
	for (int32_t i = 0; i < in->n_rows; i++)
		if (!row_kind_is_null(batch_row_kind(in, i)))
			out->rows[out->n++] = (uint32_t)i;
	if (out->n < in->n_rows)
		rows = batch_select(arena, in, out->rows, out->n);
	if (set->n_columns < 0) {
		const Type **types = arena_array(&op->arena, const Type *, n_columns + 1);

		for (int c = 0; c < n_columns; c++)
			types[c] = in->columns[c]->type;
		group_table_init(&set->table, &op->arena, types, n_columns, state_size, 8, op_services(op)->budget);
		set->n_columns = n_columns;
	}
	for (int c = 0; c < n_columns; c++) {
		slots[c] = arena_alloc(arena, sizeof **slots * (n_rows + 1));
		key_slots(rows->columns[c], out->n, slots[c], arena);
	}
	group_table_hash(&set->table, slots, out->n, hashes);
	out->groups = arena_alloc(arena, sizeof *out->groups * (n_rows + 1));
	out->new_rows = arena_alloc(arena, sizeof *out->new_rows * (n_rows + 1));
	TRY(group_table_find(&set->table, slots, hashes, out->n, out->groups, out->new_rows, &out->n_new, err));
	op->state_rows = set->table.n_groups;
	return OK;
}

static void
row_set_free(RowSet *set)
{
	if (set->n_columns >= 0)
		group_table_free(&set->table);
}

/* ---- DISTINCT ---- */

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
	TRY(row_set_find(&self->seen, op, in, spec->n_columns, 0, &found, err));
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

/* ---- INTERSECT, EXCEPT ---- */

typedef struct SetOp {
	Op	   op;
	RowSet rows;
} SetOp;

typedef struct SetRow {
	int64_t n_right;		/* of the right input; ALL: not used up yet */
	bool	was_emitted;
} SetRow;

static Status
set_op_open(Op *op, Error *err)
{
	(void)err;
	op_cast(SetOp, op, &op_set_op)->rows.n_columns = -1;
	return OK;
}

static bool
set_row_passes(const SetOpSpec *spec, SetRow *row)
{
	bool is_right = row->n_right > 0;

	if (spec->all) {
		row->n_right -= is_right;
		return is_right != spec->is_except;
	}
	if (row->was_emitted || is_right == spec->is_except)
		return false;
	row->was_emitted = true;
	return true;
}

static Status
set_op_push(Op *op, int port, const Batch *in, Error *err)
{
	SetOp			*self = op_cast(SetOp, op, &op_set_op);
	const SetOpSpec *spec = op->spec;
	RowLookup		 found;
	int32_t			 n = 0;

	TRY(row_set_find(&self->rows, op, in, in->n_columns, sizeof(SetRow), &found, err));
	for (int32_t i = 0; i < found.n; i++) {
		SetRow *row = (SetRow *)((char *)found.groups[i] + self->rows.table.state_offset);

		if (port == 1)
			row->n_right++;
		else if (set_row_passes(spec, row))
			found.rows[n++] = found.rows[i];
	}
	return n > 0 ? op_emit(op, batch_select(op_scratch(op), in, found.rows, n), err) : OK;
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
	row_set_free(&op_cast(SetOp, op, &op_set_op)->rows);
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
	.close = set_op_close,
	.explain = set_op_explain,
};
