#include "exec/op/filter.h"

#include "data/key.h"
#include "exec/state/expiry.h"

typedef struct FilterOp {
	Op			op;
	Program	   *condition;
	StateTable *passed;			/* is_table: keys whose row passes; no values */
	WindowExpiry expiry;		/* of `passed` */
	StrBuf		key;
} FilterOp;

static Status
filter_open(Op *op, Error *err)
{
	FilterOp		 *self = op_cast(FilterOp, op, &op_filter);
	const FilterSpec *spec = op->spec;

	TRY(program_compile(&op->arena, spec->condition, &self->condition, err));
	if (!spec->is_table)
		return OK;
	TRY(state_table_open(op_services(op)->state, op->id, 0, op_services(op)->budget, "the keys that pass a filter",
						 &self->passed, err));
	return window_expiry_open(&self->expiry, op_services(op)->state, op->id, 1, op_services(op)->budget,
							  spec->is_windowed ? spec->retention_ms : 0, spec->is_session, err);
}

/* Takes the rows without a value out of the selection, in place. */
static int32_t
filter_without_nulls(const Batch *in, uint32_t *selected, int32_t n)
{
	int32_t kept = 0;

	if (in->row_kind == NULL)
		return n;
	for (int32_t i = 0; i < n; i++)
		if (!row_kind_is_null((RowKind)in->row_kind[selected[i]]))
			selected[kept++] = selected[i];
	return kept;
}

static void
filter_key(FilterOp *self, const Batch *in, int32_t row)
{
	const FilterSpec *spec = self->op.spec;

	strbuf_clear(&self->key);
	key_encode(in->columns, spec->n_key, row, &self->key);
	if (in->window_start != NULL) {
		strbuf_add(&self->key, &in->window_start[row], sizeof in->window_start[row]);
		strbuf_add(&self->key, &in->window_end[row], sizeof in->window_end[row]);
	}
}

static Status
filter_remember(FilterOp *self, const Batch *in, int32_t row, Error *err)
{
	Str key = strbuf_str(&self->key);
	Str ignored;

	if (state_table_get(self->passed, key, &ignored))
		return OK;
	TRY(state_table_put(self->passed, key, STR(""), err));
	return in->window_start != NULL ? window_expiry_add(&self->expiry, in->window_start[row], in->window_end[row], key, err) : OK;
}

static bool
filter_forget(FilterOp *self, const Batch *in, int32_t row)
{
	Str key = strbuf_str(&self->key);

	if (!state_table_remove(self->passed, key))
		return false;
	if (in->window_start != NULL)
		window_expiry_remove(&self->expiry, in->window_start[row], in->window_end[row], key);
	return true;
}

/*
 * A table's changes.  Previous row passed, new one passes: the row; previous passed, new does not (or is gone): DELETE;
 * otherwise the row if it passes, else nothing.
 */
static Status
filter_push_table(FilterOp *self, const Batch *in, const uint32_t *selected, int32_t n_selected, Error *err)
{
	Op		 *op = &self->op;
	Arena	 *arena = op_scratch(op);
	uint32_t *rows = arena_alloc(arena, sizeof *rows * (size_t)in->n_rows);
	uint8_t	 *kinds = arena_alloc(arena, (size_t)in->n_rows);
	int32_t	  n = 0;
	int32_t	  next = 0;
	bool	  has_deletes = false;
	Batch	 *out;

	for (int32_t i = 0; i < in->n_rows; i++) {
		bool passes = next < n_selected && selected[next] == (uint32_t)i;

		next += passes;
		filter_key(self, in, i);
		if (passes) {
			TRY(filter_remember(self, in, i, err));
			kinds[n] = (uint8_t)batch_row_kind(in, i);
			rows[n++] = (uint32_t)i;
		} else if (filter_forget(self, in, i)) {
			kinds[n] = ROW_DELETE;
			rows[n++] = (uint32_t)i;
			has_deletes = true;
		}
	}
	op->state_rows = state_table_count(self->passed);
	out = batch_select(arena, in, rows, n);
	out->row_kind = kinds;
	/* The row that stopped passing is still there, but a DELETE has its key only. */
	for (int c = ((const FilterSpec *)op->spec)->n_key; has_deletes && c < out->n_columns; c++)
		out->columns[c] = op_without_values(op, out, out->columns[c]);
	return op_emit(op, out, err);
}

static Status
filter_push(Op *op, int port, const Batch *in, Error *err)
{
	FilterOp		 *self = op_cast(FilterOp, op, &op_filter);
	const FilterSpec *spec = op->spec;
	uint32_t		 *selected = arena_alloc(op_scratch(op), sizeof *selected * (size_t)in->n_rows);
	int32_t			  n = program_filter(self->condition, op_services(op)->eval, in, selected);

	(void)port;
	TRY(eval_check(op_services(op)->eval, err));
	n = filter_without_nulls(in, selected, n);
	if (spec->is_table)
		return filter_push_table(self, in, selected, n, err);
	if (n == in->n_rows)
		return op_emit(op, in, err);
	return n > 0 ? op_emit(op, batch_select(op_scratch(op), in, selected, n), err) : OK;
}

static Status
filter_flush(Op *op, Error *err)
{
	FilterOp *self = op_cast(FilterOp, op, &op_filter);

	Str		  key;

	(void)err;
	if (self->passed == NULL)
		return OK;
	/* The window will not come again: nobody sees that it was forgotten. */
	while (window_expiry_next(&self->expiry, &key))
		state_table_remove(self->passed, key);
	op->state_rows = state_table_count(self->passed);
	state_table_flush(self->passed);
	window_expiry_flush(&self->expiry);
	return OK;
}

static void
filter_close(Op *op)
{
	FilterOp *self = op_cast(FilterOp, op, &op_filter);

	state_table_close(self->passed);
	window_expiry_close(&self->expiry);
	strbuf_free(&self->key);
}

static void
filter_explain(const void *spec, Explain *out)
{
	const FilterSpec *s = spec;

	explain_expr(out, "condition", s->condition);
	if (s->is_table)
		explain_text(out, "rows", "changes of a table");
}

const OpType op_filter = {
	.name = "Filter",
	.size = sizeof(FilterOp),
	.ports = 1,
	.open = filter_open,
	.push = filter_push,
	.flush = filter_flush,
	.close = filter_close,
	.is_parallel = true,	/* a table's filter never is in a parallel pipeline: tables are not read in ranges */
	.explain = filter_explain,
};
