/*
 * State: left row key -> (length of join key, join key, kept row); (join key, left row key) -> nothing; join key -> how many right
 * rows have it; right row key -> join key.  What is shown follows from the counts, so it is not kept: a change of the right
 * side compares what its join key decided before with what it decides after.
 *
 * A join key with a NULL is counted under one key of its own, all right rows under another: neither is a key's bytes, which
 * begin with a tag of 0 or 1.
 */
#include "exec/op/join_semi.h"

#include "data/key.h"
#include "exec/op/change_output.h"
#include "exec/state/expiry.h"

enum { TABLE_LEFT, TABLE_INDEX, TABLE_COUNTS, TABLE_RIGHT, N_TABLES, TABLE_EXPIRY = N_TABLES };	/* + side */

#define COUNT_OF_NULLS STR("\xfe")
#define COUNT_OF_ALL   STR("\xff")
#define NO_KEY		   UINT32_MAX	/* in place of the length: the join key is NULL */

typedef struct JoinSemiOp {
	Op			   op;
	ChangeOutput   out;
	Program		 **programs[2];
	const Vector **keys;			/* join keys of the batch in hand */
	StateTable	  *tables[N_TABLES];
	WindowExpiry   expiry[2];		/* of TABLE_LEFT, TABLE_RIGHT */
	Time		   times[2];
	StrBuf		   row_key;
	StrBuf		   join_key;
	StrBuf		   old_join_key;
	StrBuf		   index_key;
	StrBuf		   value;
	StrBuf		   kept;
} JoinSemiOp;

/* A join key: its bytes, or that it is NULL. */
typedef struct SemiKey {
	Str	 bytes;
	bool is_null;
} SemiKey;

static Status
semi_open(Op *op, Error *err)
{
	JoinSemiOp		   *self = op_cast(JoinSemiOp, op, &op_join_semi);
	const JoinSemiSpec *spec = op->spec;

	self->times[0] = self->times[1] = INT64_MIN;
	change_output_init(&self->out, op, spec->n_left_key, spec->n_left, spec->left_types, spec->left_is_windowed);
	self->keys = arena_array(&op->arena, const Vector *, spec->n_keys + 1);
	for (int side = 0; side < 2; side++) {
		self->programs[side] = arena_array(&op->arena, Program *, spec->n_keys + 1);
		for (int k = 0; k < spec->n_keys; k++)
			TRY(program_compile(&op->arena, side == 0 ? spec->left_keys[k] : spec->right_keys[k], &self->programs[side][k], err));
	}
	for (int t = 0; t < N_TABLES; t++)
		TRY(state_table_open(op_services(op)->state, op->id, t, op_services(op)->budget, "IN or EXISTS", &self->tables[t], err));
	TRY(window_expiry_open(&self->expiry[0], op_services(op)->state, op->id, TABLE_EXPIRY, op_services(op)->budget,
						   spec->left_is_windowed ? spec->left_retention_ms : 0, spec->left_is_session, err));
	TRY(window_expiry_open(&self->expiry[1], op_services(op)->state, op->id, TABLE_EXPIRY + 1, op_services(op)->budget,
						   spec->right_is_windowed ? spec->right_retention_ms : 0, spec->right_is_session, err));
	op->state_rows = state_table_count(self->tables[TABLE_LEFT]) + state_table_count(self->tables[TABLE_COUNTS]);
	return OK;
}

/* Notes when the window of a kept row ends; of self->row_key. */
static Status
semi_note_window(JoinSemiOp *self, const Batch *in, int32_t row, int side, bool deletes, Error *err)
{
	Str key = strbuf_str(&self->row_key);

	if (self->expiry[side].index == NULL || in->window_start == NULL)
		return OK;
	if (!deletes)
		return window_expiry_add(&self->expiry[side], in->window_start[row], in->window_end[row], key, err);
	window_expiry_remove(&self->expiry[side], in->window_start[row], in->window_end[row], key);
	return OK;
}

/* ---- counts, and what they decide ---- */

static int64_t
semi_count(const JoinSemiOp *self, Str key)
{
	Str		value;
	int64_t count = 0;

	if (state_table_get(self->tables[TABLE_COUNTS], key, &value))
		memcpy(&count, value.data, sizeof count);
	return count;
}

static Status
semi_add(JoinSemiOp *self, Str key, int64_t n, Error *err)
{
	int64_t count = semi_count(self, key) + n;

	if (count > 0)
		return state_table_put(self->tables[TABLE_COUNTS], key, str_make((const char *)&count, sizeof count), err);
	state_table_remove(self->tables[TABLE_COUNTS], key);
	return OK;
}

/* The facts about the right side that a left row's fate hangs on. */
typedef struct SemiFacts {
	bool has_match;		/* for the join key at hand */
	bool has_null;
	bool has_any;
} SemiFacts;

static SemiFacts
semi_facts(const JoinSemiOp *self, SemiKey key)
{
	const JoinSemiSpec *spec = self->op.spec;
	SemiFacts			facts = {.has_match = !key.is_null && semi_count(self, key.bytes) > 0};

	if (spec->null_aware) {
		facts.has_null = semi_count(self, COUNT_OF_NULLS) > 0;
		facts.has_any = semi_count(self, COUNT_OF_ALL) > 0;
	}
	return facts;
}

static bool
semi_passes(const JoinSemiSpec *spec, SemiFacts facts, bool key_is_null)
{
	if (!spec->is_anti)
		return facts.has_match;
	if (!spec->null_aware)
		return !facts.has_match;
	return !facts.has_any || (!key_is_null && !facts.has_null && !facts.has_match);
}

/* ---- join keys ---- */

static SemiKey
semi_key_of(JoinSemiOp *self, int32_t row, StrBuf *out)
{
	const JoinSemiSpec *spec = self->op.spec;
	SemiKey				key = {0};

	for (int k = 0; k < spec->n_keys; k++)
		key.is_null = key.is_null || !vector_is_valid(self->keys[k], row);
	strbuf_clear(out);
	if (!key.is_null)
		key_encode(self->keys, spec->n_keys, row, out);
	key.bytes = strbuf_str(out);
	return key;
}

/* Takes apart what is kept of a left row; gives the kept row. */
static Str
semi_split(Str value, SemiKey *key)
{
	uint32_t length;
	size_t	 at = sizeof length;

	memcpy(&length, value.data, sizeof length);
	key->is_null = length == NO_KEY;
	length = key->is_null ? 0 : length;
	key->bytes = str_make(value.data + at, length);
	return str_make(value.data + at + length, value.length - at - length);
}

static Str
semi_index_key(JoinSemiOp *self, SemiKey key, Str row_key)
{
	strbuf_clear(&self->index_key);
	strbuf_add_str(&self->index_key, key.bytes);
	strbuf_add_str(&self->index_key, row_key);
	return strbuf_str(&self->index_key);
}

/* ---- changes on the left ---- */

static Status
semi_store_left(JoinSemiOp *self, const Batch *in, int32_t row, SemiKey key, Error *err)
{
	const JoinSemiSpec *spec = self->op.spec;
	uint32_t			length = key.is_null ? NO_KEY : (uint32_t)key.bytes.length;

	join_kept_encode(in, row, spec->left_is_windowed, &self->kept);
	strbuf_clear(&self->value);
	strbuf_add(&self->value, &length, sizeof length);
	strbuf_add_str(&self->value, key.bytes);
	strbuf_add_str(&self->value, strbuf_str(&self->kept));
	TRY(state_table_put(self->tables[TABLE_LEFT], strbuf_str(&self->row_key), strbuf_str(&self->value), err));
	if (key.is_null)
		return OK;
	return state_table_put(self->tables[TABLE_INDEX], semi_index_key(self, key, strbuf_str(&self->row_key)), STR(""), err);
}

static Status
semi_left_table(JoinSemiOp *self, const Batch *in, int32_t row, Error *err)
{
	const JoinSemiSpec *spec = self->op.spec;
	Change				change = {.kind = ROW_UPSERT, .input_row = row, .time = join_time_of(in, row)};
	bool				was_shown = false, deletes = join_row_deletes(in, row);
	SemiKey				key;
	Str					value;

	if (batch_row_kind(in, row) == ROW_BEFORE)
		return OK;
	change_key_encode(in, row, spec->n_left_key, spec->left_is_windowed, &self->row_key);
	if (state_table_get(self->tables[TABLE_LEFT], strbuf_str(&self->row_key), &value)) {
		semi_split(value, &key);
		was_shown = semi_passes(spec, semi_facts(self, key), key.is_null);
		if (!key.is_null)
			state_table_remove(self->tables[TABLE_INDEX], semi_index_key(self, key, strbuf_str(&self->row_key)));
	}
	TRY(semi_note_window(self, in, row, 0, deletes, err));
	if (deletes)
		state_table_remove(self->tables[TABLE_LEFT], strbuf_str(&self->row_key));
	else {
		key = semi_key_of(self, row, &self->join_key);
		TRY(semi_store_left(self, in, row, key, err));
		if (semi_passes(spec, semi_facts(self, key), key.is_null))
			return change_output_add(&self->out, &change, err);
	}
	change.kind = ROW_DELETE;
	return was_shown ? change_output_add(&self->out, &change, err) : OK;
}

/* Rows of a stream that pass, as they are. */
static Status
semi_left_stream(JoinSemiOp *self, const Batch *in, Error *err)
{
	const JoinSemiSpec *spec = self->op.spec;
	uint32_t		   *rows = arena_alloc(op_scratch(&self->op), sizeof *rows * (size_t)(in->n_rows + 1));
	int32_t				n = 0;

	for (int32_t i = 0; i < in->n_rows; i++) {
		SemiKey key = semi_key_of(self, i, &self->join_key);

		if (!row_kind_is_null(batch_row_kind(in, i)) && semi_passes(spec, semi_facts(self, key), key.is_null))
			rows[n++] = (uint32_t)i;
	}
	if (n == in->n_rows)
		return op_emit(&self->op, in, err);
	return n > 0 ? op_emit(&self->op, batch_select(op_scratch(&self->op), in, rows, n), err) : OK;
}

/* ---- changes on the right ---- */

static Status
semi_show(JoinSemiOp *self, const Batch *in, int32_t row, Str kept, bool passes, Error *err)
{
	const JoinSemiSpec *spec = self->op.spec;
	Change				change = {.kind = passes ? ROW_UPSERT : ROW_DELETE, .is_kept = true, .input_row = row,
								  .time = in != NULL ? join_time_of(in, row) : INT64_MIN,
								  .kept = join_kept_decode(kept, spec->left_is_windowed)};

	if (change.kept.time > change.time)
		change.time = change.kept.time;
	return change_output_add(&self->out, &change, err);
}

/* Whether there is a NULL, or anything, on the right has changed: it concerns every left row. */
static Status
semi_visit_all(JoinSemiOp *self, const Batch *in, int32_t row, SemiKey changed, SemiFacts before, Error *err)
{
	const JoinSemiSpec *spec = self->op.spec;
	Str					row_key, value;

	for (StateCursor c = state_table_seek(self->tables[TABLE_LEFT], STR("")); state_cursor_next(&c, &row_key, &value);) {
		SemiKey	  key;
		Str		  kept = semi_split(value, &key);
		SemiFacts after = semi_facts(self, key), was = before;
		bool	  passes = semi_passes(spec, after, key.is_null);

		if (key.is_null || changed.is_null || !str_equal(key.bytes, changed.bytes))
			was.has_match = after.has_match;
		if (passes != semi_passes(spec, was, key.is_null))
			TRY(semi_show(self, in, row, kept, passes, err));
	}
	return OK;
}

static Status
semi_visit(JoinSemiOp *self, const Batch *in, int32_t row, SemiKey changed, SemiFacts before, Error *err)
{
	const JoinSemiSpec *spec = self->op.spec;
	SemiFacts			after = semi_facts(self, changed);
	bool				passes = semi_passes(spec, after, false);
	Str					entry, value, ignored;

	if (!spec->left_is_table)
		return OK;
	if (before.has_null != after.has_null || before.has_any != after.has_any)
		return semi_visit_all(self, in, row, changed, before, err);
	if (changed.is_null || passes == semi_passes(spec, before, false))
		return OK;
	for (StateCursor c = state_table_seek(self->tables[TABLE_INDEX], changed.bytes); state_cursor_next(&c, &entry, &ignored);) {
		SemiKey key;

		if (!str_starts_with(entry, changed.bytes))
			break;
		if (!state_table_get(self->tables[TABLE_LEFT], str_make(entry.data + changed.bytes.length, entry.length - changed.bytes.length),
							 &value))
			return error_bug(err, "The index of IN names a row that is not there");
		TRY(semi_show(self, in, row, semi_split(value, &key), passes, err));
	}
	return OK;
}

/* One right row more or less with this join key. */
static Status
semi_count_change(JoinSemiOp *self, const Batch *in, int32_t row, SemiKey key, int64_t n, Error *err)
{
	const JoinSemiSpec *spec = self->op.spec;
	SemiFacts			before = semi_facts(self, key);

	if (!key.is_null)
		TRY(semi_add(self, key.bytes, n, err));
	if (spec->null_aware) {
		if (key.is_null)
			TRY(semi_add(self, COUNT_OF_NULLS, n, err));
		TRY(semi_add(self, COUNT_OF_ALL, n, err));
	}
	return semi_visit(self, in, row, key, before, err);
}

/* The join key that the right row of self->row_key had, copied; false: there was none. */
static bool
semi_old_right(JoinSemiOp *self, SemiKey *old)
{
	Str value;

	if (!state_table_get(self->tables[TABLE_RIGHT], strbuf_str(&self->row_key), &value))
		return false;
	semi_split(value, old);
	strbuf_clear(&self->old_join_key);
	strbuf_add_str(&self->old_join_key, old->bytes);
	old->bytes = strbuf_str(&self->old_join_key);
	return true;
}

static Status
semi_right_table(JoinSemiOp *self, const Batch *in, int32_t row, Error *err)
{
	const JoinSemiSpec *spec = self->op.spec;
	bool				deletes = join_row_deletes(in, row), has_old;
	SemiKey				old = {0}, key = {0};
	uint32_t			length;

	change_key_encode(in, row, spec->n_right_key, spec->right_is_windowed, &self->row_key);
	has_old = semi_old_right(self, &old);
	TRY(semi_note_window(self, in, row, 1, deletes, err));
	if (deletes)
		state_table_remove(self->tables[TABLE_RIGHT], strbuf_str(&self->row_key));
	else {
		key = semi_key_of(self, row, &self->join_key);
		if (has_old && old.is_null == key.is_null && str_equal(old.bytes, key.bytes))
			return OK;
		length = key.is_null ? NO_KEY : (uint32_t)key.bytes.length;
		strbuf_clear(&self->value);
		strbuf_add(&self->value, &length, sizeof length);
		strbuf_add_str(&self->value, key.bytes);
		TRY(state_table_put(self->tables[TABLE_RIGHT], strbuf_str(&self->row_key), strbuf_str(&self->value), err));
		/* First in, then out: a side that is never empty lets nobody pass in between. */
		TRY(semi_count_change(self, in, row, key, 1, err));
	}
	return has_old ? semi_count_change(self, in, row, old, -1, err) : OK;
}

static Status
semi_right_row(JoinSemiOp *self, const Batch *in, int32_t row, Error *err)
{
	const JoinSemiSpec *spec = self->op.spec;

	if (batch_row_kind(in, row) == ROW_BEFORE)
		return OK;
	if (spec->right_is_table)
		return semi_right_table(self, in, row, err);
	if (join_row_deletes(in, row))
		return OK;
	return semi_count_change(self, in, row, semi_key_of(self, row, &self->join_key), 1, err);
}

/* ---- the operator ---- */

static Status
semi_push(Op *op, int port, const Batch *in, Error *err)
{
	JoinSemiOp		   *self = op_cast(JoinSemiOp, op, &op_join_semi);
	const JoinSemiSpec *spec = op->spec;

	for (int k = 0; k < spec->n_keys; k++)
		TRY(program_eval(self->programs[port][k], op_services(op)->eval, in, &self->keys[k], err));
	if (port == 0 && !spec->left_is_table)
		return semi_left_stream(self, in, err);
	change_output_begin(&self->out, in, port);
	for (int32_t i = 0; i < in->n_rows; i++)
		TRY(port == 0 ? semi_left_table(self, in, i, err) : semi_right_row(self, in, i, err));
	op->state_rows = state_table_count(self->tables[TABLE_LEFT]) + state_table_count(self->tables[TABLE_COUNTS]);
	return change_output_end(&self->out, err);
}

static Status
semi_advance(Op *op, int port, Time time, Error *err)
{
	JoinSemiOp *self = op_cast(JoinSemiOp, op, &op_join_semi);
	Time		reached;

	return join_time_reached(self->times, port, time, &reached) ? op_advance_outputs(op, reached, err) : OK;
}

/* Left rows whose windows are over for good are forgotten: what keeps the result forgets them too. */
static void
semi_forget_left(JoinSemiOp *self)
{
	Str row_key, value;

	while (window_expiry_next(&self->expiry[0], &row_key)) {
		SemiKey key;

		if (!state_table_get(self->tables[TABLE_LEFT], row_key, &value))
			continue;
		semi_split(value, &key);
		if (!key.is_null)
			state_table_remove(self->tables[TABLE_INDEX], semi_index_key(self, key, row_key));
		state_table_remove(self->tables[TABLE_LEFT], row_key);
	}
}

/* Right rows go as if they had been deleted. */
static Status
semi_forget_right(JoinSemiOp *self, Error *err)
{
	Str row_key;

	change_output_begin(&self->out, NULL, 1);
	while (window_expiry_next(&self->expiry[1], &row_key)) {
		SemiKey old = {0};

		strbuf_clear(&self->row_key);
		strbuf_add_str(&self->row_key, row_key);
		if (!semi_old_right(self, &old))
			continue;
		state_table_remove(self->tables[TABLE_RIGHT], strbuf_str(&self->row_key));
		TRY(semi_count_change(self, NULL, 0, old, -1, err));
	}
	return change_output_end(&self->out, err);
}

static Status
semi_flush(Op *op, Error *err)
{
	JoinSemiOp *self = op_cast(JoinSemiOp, op, &op_join_semi);

	if (self->expiry[0].index != NULL)
		semi_forget_left(self);
	if (self->expiry[1].index != NULL && semi_forget_right(self, err) == FAILED)
		return FAILED;
	for (int t = 0; t < N_TABLES; t++)
		state_table_flush(self->tables[t]);
	for (int side = 0; side < 2; side++)
		window_expiry_flush(&self->expiry[side]);
	return OK;
}

static void
semi_close(Op *op)
{
	JoinSemiOp *self = op_cast(JoinSemiOp, op, &op_join_semi);

	for (int t = 0; t < N_TABLES; t++)
		state_table_close(self->tables[t]);
	for (int side = 0; side < 2; side++)
		window_expiry_close(&self->expiry[side]);
	change_output_free(&self->out);
	strbuf_free(&self->row_key);
	strbuf_free(&self->join_key);
	strbuf_free(&self->old_join_key);
	strbuf_free(&self->index_key);
	strbuf_free(&self->value);
	strbuf_free(&self->kept);
}

static void
semi_explain(const void *spec, Explain *out)
{
	const JoinSemiSpec *s = spec;

	explain_text(out, "kind", s->is_anti ? s->null_aware ? "NOT IN" : "ANTI" : "SEMI");
	explain_exprs(out, "left keys", (Expr *const *)s->left_keys, s->n_keys);
	explain_exprs(out, "right keys", (Expr *const *)s->right_keys, s->n_keys);
	if (!s->left_is_table)
		explain_text(out, "rows", "tested as they come");
}

const OpType op_join_semi = {
	.name = "SemiJoin",
	.size = sizeof(JoinSemiOp),
	.ports = 2,
	.open = semi_open,
	.push = semi_push,
	.advance = semi_advance,
	.flush = semi_flush,
	.close = semi_close,
	.explain = semi_explain,
};
