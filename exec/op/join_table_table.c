#include "exec/op/join_output.h"
#include "exec/state/state.h"

/*
 * Table with table on their primary keys.  Both sides' rows are kept; a change of one side meets the other side's
 * current row.  Nothing is compared: an update with the same content is emitted again.
 *
 *	let o be the other side's row, old and new this side's, P(s) "side s is padded when alone"
 *	INNER      o missing: nothing.         new gone: delete.           else the joined row
 *	P(mine)    old, new, o all missing: nothing.
 *	P(mine)    new gone: delete, or (both padded) the other side's row alone if there is one
 *	P(other)   and not P(mine): o missing: nothing.   new gone: o alone.
 */
typedef struct JoinTableTableOp {
	Op			op;
	JoinOutput	out;
	StateTable *sides[2];	/* key -> JoinKept */
	Time		times[2];
	StrBuf		key;
	StrBuf		row;
} JoinTableTableOp;

static Status
table_table_open(Op *op, Error *err)
{
	JoinTableTableOp	*self = op_cast(JoinTableTableOp, op, &op_join_table_table);
	const JoinTableSpec *spec = op->spec;

	if (spec->kind > JOIN_FULL)
		return error_unsupported(err, "A %s join of changing tables is not supported", join_kind_name(spec->kind));
	self->times[0] = self->times[1] = INT64_MIN;
	join_output_init(&self->out, op, spec->n_key, spec->n_left, spec->n_right, spec->left_types, spec->right_types,
					 spec->is_windowed, false);
	for (int s = 0; s < 2; s++) {
		TRY(state_table_open(op_services(op)->state, op->id, s, op_services(op)->budget, "the tables of a join",
							 &self->sides[s], err));
		op->state_rows += state_table_count(self->sides[s]);
	}
	return OK;
}

static bool
table_is_padded(JoinKind kind, int side)
{
	return kind == JOIN_FULL || kind == (side == 0 ? JOIN_LEFT : JOIN_RIGHT);
}

/* The change's output, if any; `other` is NULL where the other side has no row. */
static Status
table_table_change(JoinTableTableOp *self, const Batch *in, int32_t row, int port, bool had_row, const JoinKept *other,
				   Error *err)
{
	const JoinTableSpec *spec = self->op.spec;
	bool				 is_gone = join_row_deletes(in, row);
	bool				 pads_mine = table_is_padded(spec->kind, port);
	bool				 pads_other = table_is_padded(spec->kind, !port);
	JoinRow				 joined = {.kind = ROW_UPSERT, .key_side = port, .input_row = row, .time = join_time_of(in, row)};

	if (other == NULL && (!pads_mine || (!had_row && is_gone)))
		return OK;
	joined.source[port] = JOIN_INPUT;
	if (in->window_start != NULL)
		joined.window_start = in->window_start[row];
	if (in->window_end != NULL)
		joined.window_end = in->window_end[row];
	if (other != NULL) {
		joined.source[!port] = JOIN_KEPT;
		joined.kept[!port] = other->row;
		if (other->time > joined.time)
			joined.time = other->time;
		if (port == 1 && spec->is_windowed) {
			joined.window_start = other->window_start;
			joined.window_end = other->window_end;
		}
	}
	if (is_gone && other != NULL && pads_other)
		joined.source[port] = JOIN_NOTHING;
	else if (is_gone)
		joined.kind = ROW_DELETE;
	return join_output_add(&self->out, &joined, err);
}

static Status
table_table_row(JoinTableTableOp *self, const Batch *in, int32_t row, int port, Error *err)
{
	const JoinTableSpec *spec = self->op.spec;
	JoinKept			 other = {0};
	Str					 value;
	bool				 had_row, has_other;

	if (batch_row_kind(in, row) == ROW_BEFORE)
		return OK;
	if (spec->n_key == 1 && join_key_is_null(in, row, 1)) {
		op_log_row(&self->op, in, row, "The row of a table has no key");
		return OK;
	}
	join_key_encode(in, row, spec->n_key, spec->is_windowed, spec->is_session, &self->key);
	if (join_row_deletes(in, row)) {
		had_row = state_table_remove(self->sides[port], strbuf_str(&self->key));
	} else {
		had_row = true;		/* there is a new one: the old one makes no difference */
		join_kept_encode(in, row, spec->is_windowed, &self->row);
		TRY(state_table_put(self->sides[port], strbuf_str(&self->key), strbuf_str(&self->row), err));
	}
	/* Of several key columns some may be NULL, which equals nothing; the row is one of its side all the same. */
	has_other = (spec->n_key == 1 || !join_key_is_null(in, row, spec->n_key)) &&
				state_table_get(self->sides[!port], strbuf_str(&self->key), &value);
	if (has_other)
		other = join_kept_decode(value, spec->is_windowed);
	return table_table_change(self, in, row, port, had_row, has_other ? &other : NULL, err);
}

static Status
table_table_push(Op *op, int port, const Batch *in, Error *err)
{
	JoinTableTableOp *self = op_cast(JoinTableTableOp, op, &op_join_table_table);

	join_output_begin(&self->out, in, port);
	for (int32_t i = 0; i < in->n_rows; i++)
		TRY(table_table_row(self, in, i, port, err));
	op->state_rows = state_table_count(self->sides[0]) + state_table_count(self->sides[1]);
	return join_output_end(&self->out, err);
}

static Status
table_table_advance(Op *op, int port, Time time, Error *err)
{
	JoinTableTableOp *self = op_cast(JoinTableTableOp, op, &op_join_table_table);
	Time			  reached;

	return join_time_reached(self->times, port, time, &reached) ? op_advance_outputs(op, reached, err) : OK;
}

static Status
table_table_flush(Op *op, Error *err)
{
	JoinTableTableOp *self = op_cast(JoinTableTableOp, op, &op_join_table_table);

	(void)err;
	state_table_flush(self->sides[0]);
	state_table_flush(self->sides[1]);
	return OK;
}

static void
table_table_close(Op *op)
{
	JoinTableTableOp *self = op_cast(JoinTableTableOp, op, &op_join_table_table);

	state_table_close(self->sides[0]);
	state_table_close(self->sides[1]);
	join_output_free(&self->out);
	strbuf_free(&self->key);
	strbuf_free(&self->row);
}

static void
table_table_explain(const void *spec, Explain *out)
{
	const JoinTableSpec *s = spec;

	explain_text(out, "kind", join_kind_name(s->kind));
	explain_int(out, "key columns", s->n_key);
}

const OpType op_join_table_table = {
	.name = "TableTableJoin",
	.size = sizeof(JoinTableTableOp),
	.ports = 2,
	.open = table_table_open,
	.push = table_table_push,
	.advance = table_table_advance,
	.flush = table_table_flush,
	.close = table_table_close,
	.explain = table_table_explain,
};
