#include "data/key.h"
#include "exec/op/join_output.h"
#include "exec/state/state.h"

/*
 * Table with table on a foreign key.  Each left row points to one right row by the value of expressions over it; the
 * result is keyed by the left key.  A change on the left looks up the right row; a change on the right visits the left
 * rows that point to it, in the order of their keys, through an index.
 *
 * State: left key -> (length of foreign key, foreign key, row); (foreign key, left key) -> nothing; right key -> (time,
 * row).  Key bytes delimit themselves, so a foreign key is a prefix of its own index entries only.
 */
enum { TABLE_LEFT, TABLE_RIGHT, TABLE_INDEX };

#define NO_FOREIGN UINT32_MAX	/* in place of the length: the foreign key is NULL */

typedef struct JoinForeignOp {
	Op			   op;
	JoinOutput	   out;
	StateTable	  *tables[3];
	Program		 **foreign;
	const Vector **foreign_columns;	/* of the current left batch */
	Time		   times[2];
	StrBuf		   key;
	StrBuf		   new_foreign;
	StrBuf		   old_foreign;
	StrBuf		   bytes;
} JoinForeignOp;

static Status
foreign_open(Op *op, Error *err)
{
	JoinForeignOp		  *self = op_cast(JoinForeignOp, op, &op_join_foreign);
	const JoinForeignSpec *spec = op->spec;

	if (spec->kind != JOIN_INNER && spec->kind != JOIN_LEFT)
		return error_unsupported(err, "A %s join on a foreign key is not supported", join_kind_name(spec->kind));
	self->times[0] = self->times[1] = INT64_MIN;
	join_output_init(&self->out, op, spec->n_key, spec->n_left, spec->n_right, spec->left_types, spec->right_types, false,
					 true);
	self->foreign = arena_array(&op->arena, Program *, spec->n_foreign);
	self->foreign_columns = arena_array(&op->arena, const Vector *, spec->n_foreign);
	for (int f = 0; f < spec->n_foreign; f++)
		TRY(program_compile(&op->arena, spec->foreign[f], &self->foreign[f], err));
	for (int t = 0; t < 3; t++)
		TRY(state_table_open(op_services(op)->state, op->id, t, op_services(op)->budget, "the tables of a join",
							 &self->tables[t], err));
	op->state_rows = state_table_count(self->tables[TABLE_LEFT]) + state_table_count(self->tables[TABLE_RIGHT]);
	return OK;
}

/* ---- changes on the left ---- */

static Str
foreign_index_key(JoinForeignOp *self, const StrBuf *foreign)
{
	strbuf_clear(&self->bytes);
	strbuf_add_str(&self->bytes, strbuf_str(foreign));
	strbuf_add_str(&self->bytes, strbuf_str(&self->key));
	return strbuf_str(&self->bytes);
}

/* The row part of a left table's value; *foreign gets the foreign key, *has_foreign tells whether it is not NULL. */
static Str
foreign_split(Str value, Str *foreign, bool *has_foreign)
{
	uint32_t length;
	size_t	 at = sizeof length;

	memcpy(&length, value.data, sizeof length);
	*has_foreign = length != NO_FOREIGN;
	*foreign = str_make(value.data + at, *has_foreign ? length : 0);
	at += foreign->length;
	return str_make(value.data + at, value.length - at);
}

/* Takes the old row out of the state; false: there was none.  Its foreign key goes to old_foreign. */
static bool
foreign_take_old(JoinForeignOp *self, bool *has_foreign)
{
	Str value, foreign;

	strbuf_clear(&self->old_foreign);
	*has_foreign = false;
	if (!state_table_get(self->tables[TABLE_LEFT], strbuf_str(&self->key), &value))
		return false;
	foreign_split(value, &foreign, has_foreign);
	strbuf_add_str(&self->old_foreign, foreign);
	return true;
}

static Status
foreign_store_left(JoinForeignOp *self, const Batch *in, int32_t row, bool has_foreign, Error *err)
{
	uint32_t length = has_foreign ? (uint32_t)self->new_foreign.length : NO_FOREIGN;

	if (has_foreign)
		TRY(state_table_put(self->tables[TABLE_INDEX], foreign_index_key(self, &self->new_foreign), STR(""), err));
	strbuf_clear(&self->bytes);
	strbuf_add(&self->bytes, &length, sizeof length);
	if (has_foreign)
		strbuf_add_str(&self->bytes, strbuf_str(&self->new_foreign));
	row_encode(in->columns, in->n_columns, row, &self->bytes);
	return state_table_put(self->tables[TABLE_LEFT], strbuf_str(&self->key), strbuf_str(&self->bytes), err);
}

/* The right row under a foreign key. */
static bool
foreign_right(const JoinForeignOp *self, const StrBuf *foreign, JoinKept *right)
{
	Str value;

	if (!state_table_get(self->tables[TABLE_RIGHT], strbuf_str(foreign), &value))
		return false;
	*right = join_kept_decode(value, false);
	return true;
}

/* A row that is there, with the right row if it has one. */
static Status
foreign_emit_left(JoinForeignOp *self, const Batch *in, int32_t row, const JoinKept *right, Error *err)
{
	JoinRow joined = {.kind = ROW_UPSERT, .source = {JOIN_INPUT, JOIN_NOTHING}, .input_row = row,
					  .time = join_time_of(in, row)};

	if (right != NULL) {
		joined.source[1] = JOIN_KEPT;
		joined.kept[1] = right->row;
		if (right->time > joined.time)
			joined.time = right->time;
	}
	return join_output_add(&self->out, &joined, err);
}

/* A delete; its time is not before that of the right row that it takes leave of, if that counts. */
static Status
foreign_emit_delete(JoinForeignOp *self, const Batch *in, int32_t row, const JoinKept *right, Error *err)
{
	JoinRow joined = {.kind = ROW_DELETE, .source = {JOIN_INPUT, JOIN_NOTHING}, .input_row = row,
					  .time = join_time_of(in, row)};

	if (right != NULL && right->time > joined.time)
		joined.time = right->time;
	return join_output_add(&self->out, &joined, err);
}

static Status
foreign_left_deleted(JoinForeignOp *self, const Batch *in, int32_t row, bool had_row, bool had_foreign, Error *err)
{
	const JoinForeignSpec *spec = self->op.spec;
	JoinKept			   right;
	bool				   has_right;

	if (!had_row)
		return OK;
	state_table_remove(self->tables[TABLE_LEFT], strbuf_str(&self->key));
	if (spec->kind == JOIN_LEFT)
		return foreign_emit_delete(self, in, row, NULL, err);
	if (!had_foreign)
		return OK;
	has_right = foreign_right(self, &self->old_foreign, &right);
	return foreign_emit_delete(self, in, row, has_right ? &right : NULL, err);
}

static Status
foreign_left_put(JoinForeignOp *self, const Batch *in, int32_t row, bool had_foreign, Error *err)
{
	const JoinForeignSpec *spec = self->op.spec;
	JoinKept			   right;
	bool				   has_right, has_foreign = true;

	strbuf_clear(&self->new_foreign);
	for (int f = 0; f < spec->n_foreign; f++)
		has_foreign = has_foreign && vector_is_valid(self->foreign_columns[f], row);
	if (has_foreign)
		key_encode(self->foreign_columns, spec->n_foreign, row, &self->new_foreign);
	TRY(foreign_store_left(self, in, row, has_foreign, err));
	has_right = has_foreign && foreign_right(self, &self->new_foreign, &right);
	if (has_right || spec->kind == JOIN_LEFT)
		return foreign_emit_left(self, in, row, has_right ? &right : NULL, err);
	if (!has_foreign) {
		op_log_row(&self->op, in, row, "The foreign key is NULL");
		if (!had_foreign)
			return OK;
		has_right = foreign_right(self, &self->old_foreign, &right);
		return foreign_emit_delete(self, in, row, has_right ? &right : NULL, err);
	}
	/* It pointed elsewhere before, and may have been joined: what there was is gone. */
	if (had_foreign && !str_equal(strbuf_str(&self->old_foreign), strbuf_str(&self->new_foreign)))
		return foreign_emit_delete(self, in, row, NULL, err);
	return OK;
}

static Status
foreign_left_row(JoinForeignOp *self, const Batch *in, int32_t row, Error *err)
{
	const JoinForeignSpec *spec = self->op.spec;
	bool				   had_row, had_foreign;

	if (batch_row_kind(in, row) == ROW_BEFORE)
		return OK;
	if (spec->n_key == 1 && join_key_is_null(in, row, 1)) {
		op_log_row(&self->op, in, row, "The row of a table has no key");
		return OK;
	}
	strbuf_clear(&self->key);
	key_encode(in->columns, spec->n_key, row, &self->key);
	had_row = foreign_take_old(self, &had_foreign);
	if (had_foreign)
		state_table_remove(self->tables[TABLE_INDEX], foreign_index_key(self, &self->old_foreign));
	if (join_row_deletes(in, row))
		return foreign_left_deleted(self, in, row, had_row, had_foreign, err);
	return foreign_left_put(self, in, row, had_foreign, err);
}

/* ---- changes on the right ---- */

/* One output for each left row that points to the changed row. */
static Status
foreign_visit(JoinForeignOp *self, const Batch *in, int32_t row, bool is_gone, Error *err)
{
	const JoinForeignSpec *spec = self->op.spec;
	Str					   foreign = strbuf_str(&self->key);
	Str					   entry, value;

	for (StateCursor c = state_table_seek(self->tables[TABLE_INDEX], foreign); state_cursor_next(&c, &entry, &value);) {
		JoinRow joined = {.kind = ROW_UPSERT, .source = {JOIN_KEPT, JOIN_INPUT}, .input_row = row,
						  .time = join_time_of(in, row)};
		Str		left, ignored;
		bool	has_foreign;

		if (!str_starts_with(entry, foreign))
			break;
		if (!state_table_get(self->tables[TABLE_LEFT], str_make(entry.data + foreign.length, entry.length - foreign.length),
							 &left))
			return error_bug(err, "The index of a foreign key names a row that is not there");
		joined.kept[0] = foreign_split(left, &ignored, &has_foreign);
		if (is_gone && spec->kind == JOIN_INNER)
			joined.kind = ROW_DELETE;
		else if (is_gone)
			joined.source[1] = JOIN_NOTHING;
		TRY(join_output_add(&self->out, &joined, err));
	}
	return OK;
}

static Status
foreign_right_row(JoinForeignOp *self, const Batch *in, int32_t row, Error *err)
{
	const JoinForeignSpec *spec = self->op.spec;
	bool				   is_gone = join_row_deletes(in, row);

	if (batch_row_kind(in, row) == ROW_BEFORE)
		return OK;
	if (spec->n_foreign == 1 && join_key_is_null(in, row, 1)) {
		op_log_row(&self->op, in, row, "The row of a table has no key");
		return OK;
	}
	strbuf_clear(&self->key);
	key_encode(in->columns, spec->n_foreign, row, &self->key);
	if (is_gone) {
		state_table_remove(self->tables[TABLE_RIGHT], strbuf_str(&self->key));
	} else {
		join_kept_encode(in, row, false, &self->bytes);
		TRY(state_table_put(self->tables[TABLE_RIGHT], strbuf_str(&self->key), strbuf_str(&self->bytes), err));
	}
	return foreign_visit(self, in, row, is_gone, err);
}

/* ---- the operator ---- */

static Status
foreign_push(Op *op, int port, const Batch *in, Error *err)
{
	JoinForeignOp		  *self = op_cast(JoinForeignOp, op, &op_join_foreign);
	const JoinForeignSpec *spec = op->spec;

	if (port == 0)
		for (int f = 0; f < spec->n_foreign; f++)
			TRY(program_eval(self->foreign[f], op_services(op)->eval, in, &self->foreign_columns[f], err));
	join_output_begin(&self->out, in, port);
	for (int32_t i = 0; i < in->n_rows; i++)
		TRY(port == 0 ? foreign_left_row(self, in, i, err) : foreign_right_row(self, in, i, err));
	op->state_rows = state_table_count(self->tables[TABLE_LEFT]) + state_table_count(self->tables[TABLE_RIGHT]);
	return join_output_end(&self->out, err);
}

static Status
foreign_advance(Op *op, int port, Time time, Error *err)
{
	JoinForeignOp *self = op_cast(JoinForeignOp, op, &op_join_foreign);
	Time		   reached;

	return join_time_reached(self->times, port, time, &reached) ? op_advance_outputs(op, reached, err) : OK;
}

static Status
foreign_flush(Op *op, Error *err)
{
	JoinForeignOp *self = op_cast(JoinForeignOp, op, &op_join_foreign);

	(void)err;
	for (int t = 0; t < 3; t++)
		state_table_flush(self->tables[t]);
	return OK;
}

static void
foreign_close(Op *op)
{
	JoinForeignOp *self = op_cast(JoinForeignOp, op, &op_join_foreign);

	for (int t = 0; t < 3; t++)
		state_table_close(self->tables[t]);
	join_output_free(&self->out);
	strbuf_free(&self->key);
	strbuf_free(&self->new_foreign);
	strbuf_free(&self->old_foreign);
	strbuf_free(&self->bytes);
}

static void
foreign_explain(const void *spec, Explain *out)
{
	const JoinForeignSpec *s = spec;

	explain_text(out, "kind", join_kind_name(s->kind));
	explain_exprs(out, "foreign key", (Expr *const *)s->foreign, s->n_foreign);
}

const OpType op_join_foreign = {
	.name = "ForeignKeyJoin",
	.size = sizeof(JoinForeignOp),
	.ports = 2,
	.open = foreign_open,
	.push = foreign_push,
	.advance = foreign_advance,
	.flush = foreign_flush,
	.close = foreign_close,
	.explain = foreign_explain,
};
