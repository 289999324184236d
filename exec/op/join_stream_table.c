#include "data/key.h"
#include "exec/op/join_output.h"
#include "exec/state/state.h"

/*
 * Stream with table: changes of the table only update the state; a row of the stream is joined with the row that its
 * key has now, in the order of processing.  Late or early event times play no part.
 */
typedef struct JoinStreamTableOp {
	Op			op;
	JoinOutput	out;
	StateTable *table;		/* key -> row */
	StrBuf		key;
	StrBuf		row;
} JoinStreamTableOp;

static Status
stream_table_open(Op *op, Error *err)
{
	JoinStreamTableOp	*self = op_cast(JoinStreamTableOp, op, &op_join_stream_table);
	const JoinTableSpec *spec = op->spec;

	if (spec->kind != JOIN_INNER && spec->kind != JOIN_LEFT)
		return error_unsupported(err, "A %s join of a stream with a table is not supported", join_kind_name(spec->kind));
	join_output_init(&self->out, op, spec->n_key, spec->n_left, spec->n_right, spec->left_types, spec->right_types,
					 spec->is_windowed, false);
	TRY(state_table_open(op_services(op)->state, op->id, 0, op_services(op)->budget, "the table of a join", &self->table,
						 err));
	op->state_rows = state_table_count(self->table);
	return OK;
}

static Status
stream_table_put(JoinStreamTableOp *self, const Batch *in, int32_t row, Error *err)
{
	const JoinTableSpec *spec = self->op.spec;

	if (spec->n_key == 1 && join_key_is_null(in, row, 1)) {
		op_log_row(&self->op, in, row, "The row of a table has no key");
		return OK;
	}
	if (batch_row_kind(in, row) == ROW_BEFORE)
		return OK;
	join_key_encode(in, row, spec->n_key, spec->is_windowed, spec->is_session, &self->key);
	if (join_row_deletes(in, row)) {
		state_table_remove(self->table, strbuf_str(&self->key));
		return OK;
	}
	strbuf_clear(&self->row);
	row_encode(in->columns, in->n_columns, row, &self->row);
	return state_table_put(self->table, strbuf_str(&self->key), strbuf_str(&self->row), err);
}

static Status
stream_table_probe(JoinStreamTableOp *self, const Batch *in, int32_t row, Error *err)
{
	const JoinTableSpec *spec = self->op.spec;
	JoinRow				 joined = {.source = {JOIN_INPUT, JOIN_NOTHING}, .kind = ROW_INSERT, .input_row = row,
								   .time = join_time_of(in, row)};

	if (row_kind_is_null(batch_row_kind(in, row)))
		return OK;
	if (in->window_start != NULL)
		joined.window_start = in->window_start[row];
	if (in->window_end != NULL)
		joined.window_end = in->window_end[row];
	if (!join_key_is_null(in, row, spec->n_key)) {
		join_key_encode(in, row, spec->n_key, spec->is_windowed, spec->is_session, &self->key);
		if (state_table_get(self->table, strbuf_str(&self->key), &joined.kept[1]))
			joined.source[1] = JOIN_KEPT;
	}
	if (joined.source[1] == JOIN_NOTHING && spec->kind == JOIN_INNER)
		return OK;
	return join_output_add(&self->out, &joined, err);
}

static Status
stream_table_push(Op *op, int port, const Batch *in, Error *err)
{
	JoinStreamTableOp *self = op_cast(JoinStreamTableOp, op, &op_join_stream_table);

	if (port == 1) {
		for (int32_t i = 0; i < in->n_rows; i++)
			TRY(stream_table_put(self, in, i, err));
		op->state_rows = state_table_count(self->table);
		return OK;
	}
	join_output_begin(&self->out, in, port);
	for (int32_t i = 0; i < in->n_rows; i++)
		TRY(stream_table_probe(self, in, i, err));
	return join_output_end(&self->out, err);
}

/* Time of the output is the stream's alone. */
static Status
stream_table_advance(Op *op, int port, Time time, Error *err)
{
	return port == 0 ? op_advance_outputs(op, time, err) : OK;
}

static Status
stream_table_flush(Op *op, Error *err)
{
	(void)err;
	state_table_flush(op_cast(JoinStreamTableOp, op, &op_join_stream_table)->table);
	return OK;
}

static void
stream_table_close(Op *op)
{
	JoinStreamTableOp *self = op_cast(JoinStreamTableOp, op, &op_join_stream_table);

	state_table_close(self->table);
	join_output_free(&self->out);
	strbuf_free(&self->key);
	strbuf_free(&self->row);
}

static void
stream_table_explain(const void *spec, Explain *out)
{
	const JoinTableSpec *s = spec;

	explain_text(out, "kind", join_kind_name(s->kind));
	explain_int(out, "key columns", s->n_key);
}

const OpType op_join_stream_table = {
	.name = "StreamTableJoin",
	.size = sizeof(JoinStreamTableOp),
	.ports = 2,
	.open = stream_table_open,
	.push = stream_table_push,
	.advance = stream_table_advance,
	.flush = stream_table_flush,
	.close = stream_table_close,
	.explain = stream_table_explain,
};
