/*
 * The first n rows, kept up to date.
 *
 * State: row key -> (length of order, order, kept row); (order, row key) -> nothing.  `order` are bytes whose order is that of
 * ORDER BY, so the second table is the sorted table.  The rows shown are those of ranks skip .. end-1 in it.
 *
 * A change takes at most one row out of a rank p and puts at most one in at a rank q; rows between move by one.  So at each
 * edge of what is shown at most one other row crosses, and where it stands now is known: nothing is compared before and after.
 * Changes behind the last shown row are told by one comparison with it.
 */
#include "exec/op/top_n.h"

#include "data/key.h"
#include "exec/op/change_output.h"
#include "exec/state/expiry.h"

enum { TABLE_ROWS, TABLE_ORDER, TABLE_EXPIRY };

typedef struct TopNOp {
	Op			   op;
	ChangeOutput   out;
	Program		 **programs;
	const Vector **order;		/* sort keys of the batch in hand */
	StateTable	  *rows;
	StateTable	  *sorted;
	WindowExpiry   expiry;		/* of `rows` */
	int64_t		   end;			/* rank behind the last row shown */
	int64_t		   next_number;	/* of a stream's rows: their key */
	bool		   has_bound;
	StrBuf		   bound;		/* sorted key of rank end - 1 */
	StrBuf		   key;
	StrBuf		   entry;		/* sorted key: order, row key */
	StrBuf		   old_entry;
	StrBuf		   value;		/* length of order, order, kept row */
	StrBuf		   kept;
} TopNOp;

/* ---- the sorted table by rank ---- */

/* The row at a rank, as its key in `rows`; false: there is none. */
static bool
row_at(const TopNOp *self, int64_t rank, Str *entry, Str *row_key)
{
	StateCursor c = state_table_seek(self->sorted, STR(""));
	Str			length;
	uint32_t	order;

	if (rank < 0 || rank >= state_table_count(self->sorted))
		return false;
	while (state_cursor_next(&c, entry, &length) && rank-- > 0)
		;
	memcpy(&order, length.data, sizeof order);
	*row_key = str_make(entry->data + order, entry->length - order);
	return true;
}

/* The rank of an entry; `end` where it is not among the first. */
static int64_t
rank_of(const TopNOp *self, Str entry)
{
	StateCursor c = state_table_seek(self->sorted, STR(""));
	Str			other, ignored;

	if (self->has_bound && str_compare(entry, strbuf_str(&self->bound)) > 0)
		return self->end;
	for (int64_t rank = 0; rank < self->end && state_cursor_next(&c, &other, &ignored); rank++)
		if (str_equal(other, entry))
			return rank;
	return self->end;
}

/* The last row that is shown: what comes behind it concerns nobody. */
static void
note_bound(TopNOp *self)
{
	Str entry, row_key;

	self->has_bound = row_at(self, self->end - 1, &entry, &row_key);
	strbuf_clear(&self->bound);
	if (self->has_bound)
		strbuf_add_str(&self->bound, entry);
}

/* ---- opening ---- */

static Status
top_n_open(Op *op, Error *err)
{
	TopNOp		   *self = op_cast(TopNOp, op, &op_top_n);
	const TopNSpec *spec = op->spec;
	Str				key, ignored;

	change_output_init(&self->out, op, spec->n_key, spec->n_columns, spec->types, spec->is_windowed);
	self->programs = arena_array(&op->arena, Program *, spec->n_keys + 1);
	self->order = arena_array(&op->arena, const Vector *, spec->n_keys + 1);
	for (int k = 0; k < spec->n_keys; k++)
		TRY(program_compile(&op->arena, spec->keys[k].expr, &self->programs[k], err));
	TRY(state_table_open(op_services(op)->state, op->id, TABLE_ROWS, op_services(op)->budget, "ORDER BY", &self->rows, err));
	TRY(state_table_open(op_services(op)->state, op->id, TABLE_ORDER, op_services(op)->budget, "ORDER BY", &self->sorted, err));
	TRY(window_expiry_open(&self->expiry, op_services(op)->state, op->id, TABLE_EXPIRY, op_services(op)->budget,
						   spec->is_windowed ? spec->retention_ms : 0, spec->is_session, err));
	self->end = spec->n_skip + spec->n_rows;
	note_bound(self);
	for (StateCursor c = state_table_seek(self->rows, STR("")); !spec->is_table && state_cursor_next(&c, &key, &ignored);)
		self->next_number = join_get_time(key.data) + 1;
	op->state_rows = state_table_count(self->rows);
	return OK;
}

/* ---- one change ---- */

/* Where the change puts rows: ranks before and after, `end` where not among the first. */
typedef struct Move {
	int32_t row;			/* of the input */
	Time	time;
	int64_t from;
	int64_t to;
	bool	has_old;
	bool	has_new;
} Move;

static bool
is_shown(const TopNOp *self, int64_t rank)
{
	return rank >= ((const TopNSpec *)self->op.spec)->n_skip && rank < self->end;
}

static Status
emit_kept(TopNOp *self, const Move *move, Str value, RowKind kind, Error *err)
{
	const TopNSpec *spec = self->op.spec;
	Change			change = {.kind = kind, .is_kept = true, .input_row = move->row, .time = move->time,
							  .kept = join_kept_decode(value, spec->is_windowed)};

	if (change.kept.time > change.time)
		change.time = change.kept.time;
	return change_output_add(&self->out, &change, err);
}

/* The row that now stands at a rank, if there is one. */
static Status
emit_rank(TopNOp *self, const Move *move, int64_t rank, RowKind kind, Error *err)
{
	Str	   entry, row_key, value;
	size_t head;

	if (!row_at(self, rank, &entry, &row_key))
		return OK;
	if (!state_table_get(self->rows, row_key, &value))
		return error_bug(err, "The sorted rows name a row that is not there");
	head = sizeof(uint32_t) + entry.length - row_key.length;
	return emit_kept(self, move, str_make(value.data + head, value.length - head), kind, err);
}

/* What crosses the edges of what is shown, besides the row itself. */
static Status
emit_crossing(TopNOp *self, const Move *move, RowKind kind, Error *err)
{
	int64_t skip = ((const TopNSpec *)self->op.spec)->n_skip;
	bool	entered = kind == ROW_UPSERT;

	if (move->from < skip && move->to >= skip && !entered)
		TRY(emit_rank(self, move, skip - 1, kind, err));
	if (move->from >= skip && move->to < skip && entered)
		TRY(emit_rank(self, move, skip, kind, err));
	if (move->from < self->end && move->to >= self->end && entered)
		TRY(emit_rank(self, move, self->end - 1, kind, err));
	if (move->from >= self->end && move->to < self->end && !entered)
		TRY(emit_rank(self, move, self->end, kind, err));
	return OK;
}

/* self->entry and value: of the new row. */
static Status
put_row(TopNOp *self, Move *move, size_t order, Error *err)
{
	uint32_t length = (uint32_t)order;

	TRY(state_table_put(self->rows, strbuf_str(&self->key), strbuf_str(&self->value), err));
	TRY(state_table_put(self->sorted, strbuf_str(&self->entry), str_make((const char *)&length, sizeof length), err));
	move->to = rank_of(self, strbuf_str(&self->entry));
	return OK;
}

/* Takes the row's old state out; *old: what was kept, copied. */
static void
take_old(TopNOp *self, Move *move, Str *old)
{
	Str		 value, entry;
	uint32_t order;

	move->from = self->end;
	move->has_old = state_table_get(self->rows, strbuf_str(&self->key), &value);
	if (!move->has_old)
		return;
	memcpy(&order, value.data, sizeof order);
	strbuf_clear(&self->old_entry);
	strbuf_add(&self->old_entry, value.data + sizeof order, order);
	strbuf_add_str(&self->old_entry, strbuf_str(&self->key));
	entry = strbuf_str(&self->old_entry);
	move->from = rank_of(self, entry);
	*old = str_make(value.data + sizeof order + order, value.length - sizeof order - order);
	old->data = arena_memdup(op_scratch(&self->op), old->data, old->length);
	state_table_remove(self->sorted, entry);
	state_table_remove(self->rows, strbuf_str(&self->key));
}

/* Of a stream the rows behind the last one shown will never be shown. */
static void
forget_behind(TopNOp *self)
{
	Str entry, row_key;

	if (((const TopNSpec *)self->op.spec)->is_table || !row_at(self, self->end, &entry, &row_key))
		return;
	strbuf_clear(&self->old_entry);
	strbuf_add_str(&self->old_entry, entry);
	state_table_remove(self->rows, row_key);
	state_table_remove(self->sorted, strbuf_str(&self->old_entry));
}

static Status
emit_move(TopNOp *self, const Move *move, Str old, Error *err)
{
	Change change = {.kind = ROW_UPSERT, .input_row = move->row, .time = move->time};
	bool   shows_new = move->has_new && is_shown(self, move->to);

	if (move->from >= self->end && move->to >= self->end)
		return OK;
	if (!shows_new && move->has_old && is_shown(self, move->from))
		TRY(emit_kept(self, move, old, ROW_DELETE, err));
	TRY(emit_crossing(self, move, ROW_DELETE, err));
	if (shows_new)
		TRY(change_output_add(&self->out, &change, err));
	TRY(emit_crossing(self, move, ROW_UPSERT, err));
	note_bound(self);
	return OK;
}

static size_t
encode_row(TopNOp *self, const Batch *in, int32_t row)
{
	const TopNSpec *spec = self->op.spec;
	uint32_t		order;

	strbuf_clear(&self->entry);
	for (int k = 0; k < spec->n_keys; k++)
		order_encode(self->order[k], row, spec->keys[k].descending, spec->keys[k].nulls_first, op_scratch(&self->op), &self->entry);
	order = (uint32_t)self->entry.length;
	strbuf_clear(&self->value);
	strbuf_add(&self->value, &order, sizeof order);
	strbuf_add_str(&self->value, strbuf_str(&self->entry));
	strbuf_add_str(&self->entry, strbuf_str(&self->key));
	join_kept_encode(in, row, spec->is_windowed, &self->kept);
	strbuf_add_str(&self->value, strbuf_str(&self->kept));
	return order;
}

static Status
top_n_row(TopNOp *self, const Batch *in, int32_t row, Error *err)
{
	const TopNSpec *spec = self->op.spec;
	Move			move = {.row = row, .time = join_time_of(in, row), .from = self->end, .to = self->end};
	Str				old = {0};

	if (batch_row_kind(in, row) == ROW_BEFORE || (!spec->is_table && join_row_deletes(in, row)))
		return OK;
	strbuf_clear(&self->key);
	if (spec->is_table) {
		change_key_encode(in, row, spec->n_key, spec->is_windowed, &self->key);
		take_old(self, &move, &old);
	} else
		join_put_time(&self->key, self->next_number++);
	move.has_new = !join_row_deletes(in, row);
	if (move.has_new)
		TRY(put_row(self, &move, encode_row(self, in, row), err));
	if (move.has_new && spec->is_windowed)
		TRY(window_expiry_add(&self->expiry, in->window_start[row], in->window_end[row], strbuf_str(&self->key), err));
	else if (spec->is_windowed)
		window_expiry_remove(&self->expiry, in->window_start[row], in->window_end[row], strbuf_str(&self->key));
	TRY(emit_move(self, &move, old, err));
	forget_behind(self);
	return OK;
}

/* ---- the operator ---- */

static Status
top_n_push(Op *op, int port, const Batch *in, Error *err)
{
	TopNOp		   *self = op_cast(TopNOp, op, &op_top_n);
	const TopNSpec *spec = op->spec;

	for (int k = 0; k < spec->n_keys; k++)
		TRY(program_eval(self->programs[k], op_services(op)->eval, in, &self->order[k], err));
	change_output_begin(&self->out, in, port);
	for (int32_t i = 0; i < in->n_rows; i++)
		TRY(top_n_row(self, in, i, err));
	op->state_rows = state_table_count(self->rows);
	return change_output_end(&self->out, err);
}

/* Rows whose windows are over for good go as if they had been deleted. */
static Status
forget_expired(TopNOp *self, Error *err)
{
	Str key;

	change_output_begin(&self->out, NULL, 0);
	while (window_expiry_next(&self->expiry, &key)) {
		Move move = {.time = INT64_MIN, .from = self->end, .to = self->end};
		Str	 old = {0};

		strbuf_clear(&self->key);
		strbuf_add_str(&self->key, key);
		take_old(self, &move, &old);
		TRY(emit_move(self, &move, old, err));
	}
	return change_output_end(&self->out, err);
}

static Status
top_n_flush(Op *op, Error *err)
{
	TopNOp *self = op_cast(TopNOp, op, &op_top_n);

	if (self->expiry.index != NULL && forget_expired(self, err) == FAILED)
		return FAILED;
	state_table_flush(self->rows);
	state_table_flush(self->sorted);
	window_expiry_flush(&self->expiry);
	return OK;
}

static void
top_n_close(Op *op)
{
	TopNOp *self = op_cast(TopNOp, op, &op_top_n);

	state_table_close(self->rows);
	state_table_close(self->sorted);
	window_expiry_close(&self->expiry);
	change_output_free(&self->out);
	strbuf_free(&self->bound);
	strbuf_free(&self->key);
	strbuf_free(&self->entry);
	strbuf_free(&self->old_entry);
	strbuf_free(&self->value);
	strbuf_free(&self->kept);
}

static void
top_n_explain(const void *spec_, Explain *out)
{
	const TopNSpec *spec = spec_;

	for (int k = 0; k < spec->n_keys; k++)
		explain_expr(out, spec->keys[k].descending ? "by descending" : "by", spec->keys[k].expr);
	explain_int(out, "rows", spec->n_rows);
	if (spec->n_skip > 0)
		explain_int(out, "skip", spec->n_skip);
}

const OpType op_top_n = {
	.name = "TopN",
	.size = sizeof(TopNOp),
	.ports = 1,
	.open = top_n_open,
	.push = top_n_push,
	.flush = top_n_flush,
	.close = top_n_close,
	.explain = top_n_explain,
};
