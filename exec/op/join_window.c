#include <stdlib.h>

#include "data/key.h"
#include "exec/op/join_output.h"
#include "exec/state/state.h"

/*
 * Stream with stream, within a window of time.  One row r at t on side X, O being the other side:
 *
 *	stream time := max(stream time, t)
 *	no value: nothing more.  No key: padded at once if X is padded; nothing more
 *	holding, and t = stream time: release held rows whose window has closed
 *	every row of O with r's key and a time within reach, by rising time, equal ones by arrival: joined (with a residual, those
 *	that fulfil it)
 *	none, and X is padded: emitted padded at once, or held if the join holds and r's window is not over
 *	r is kept on side X, matched or not
 *
 * "Holding" is an outer join with GRACE PERIOD.  Without one padded rows are emitted at once, though a match may follow.
 *
 * State: the rows of each side under (key, time, arrival), visible within the horizon (before + after + grace) below
 * that side's greatest time; held rows under (time, side, key, arrival), which is the order of their release.  A row
 * beyond the horizon is never seen again; such rows are removed when a side has doubled since that was last done,
 * which costs a visit or two a row.
 */
enum { TABLE_LEFT, TABLE_RIGHT, TABLE_HELD, TABLE_CLOCK };

enum { ARRIVAL_BYTES = 8, TIME_BYTES = 8, SWEEP_MIN = 1024 };

/* What has to survive beside the rows. */
typedef struct JoinClock {
	Time	stream_time;
	Time	greatest[2];	/* of the rows kept on each side; INT64_MIN: none yet */
	int64_t n_arrived;
} JoinClock;

/* A row of the other side that the current one may be joined with: borrowed, that side does not change meanwhile. */
typedef struct Candidate {
	JoinKept	kept;
	const char *arrival;
} Candidate;

typedef struct JoinWindowOp {
	Op			op;
	JoinOutput	out;
	Program	   *residual;		/* NULL: none */
	Candidate  *candidates;
	int32_t		n_candidates;
	int32_t		capacity;
	StateTable *tables[4];
	JoinClock	clock;
	bool		clock_is_dirty;
	bool		pads[2];		/* rows of the side are emitted even if they match nothing */
	bool		holds;
	int64_t		back_ms[2];		/* how far before a row of the side its matches may lie */
	int64_t		ahead_ms[2];	/* and how far behind */
	int64_t		horizon_ms;
	Time		next_release;	/* no held row falls due before stream time has passed this */
	int64_t		sweep_at[2];	/* rows of a side at which expired ones are looked for */
	Time		times[2];
	StrBuf		key;			/* of the current row */
	StrBuf		bytes;			/* a state key in the making */
	StrBuf		row;
	StrBuf		expired;		/* keys, each behind its length */
} JoinWindowOp;

/* ---- open ---- */

static void
window_set_reach(JoinWindowOp *self, const JoinWindowSpec *spec)
{
	/* A RIGHT join is the LEFT join with the sides exchanged, and the reach goes with them. */
	int base = spec->kind == JOIN_RIGHT ? 1 : 0;

	self->back_ms[base] = self->ahead_ms[!base] = spec->before_ms;
	self->ahead_ms[base] = self->back_ms[!base] = spec->after_ms;
	self->horizon_ms = time_shift(time_shift(spec->before_ms, spec->after_ms), spec->grace_ms);
	self->pads[0] = spec->kind == JOIN_LEFT || spec->kind == JOIN_FULL;
	self->pads[1] = spec->kind == JOIN_RIGHT || spec->kind == JOIN_FULL;
	self->holds = spec->has_grace && spec->kind != JOIN_INNER;
}

/* When a held row of the side falls due: as soon as stream time is greater. */
static Time
window_due(const JoinWindowOp *self, int side, Time time)
{
	const JoinWindowSpec *spec = self->op.spec;

	return time_shift(time_shift(time, self->ahead_ms[side]), spec->grace_ms);
}

static Status
window_open(Op *op, Error *err)
{
	JoinWindowOp		 *self = op_cast(JoinWindowOp, op, &op_join_window);
	const JoinWindowSpec *spec = op->spec;
	Str					  stored;

	if (spec->kind > JOIN_FULL)
		return error_unsupported(err, "A %s join of streams is not supported", join_kind_name(spec->kind));
	window_set_reach(self, spec);
	join_output_init(&self->out, op, spec->n_key, spec->n_left, spec->n_right, spec->left_types, spec->right_types,
					 spec->is_windowed, false);
	if (spec->residual != NULL)
		TRY(program_compile(&op->arena, spec->residual, &self->residual, err));
	self->clock = (JoinClock){INT64_MIN, {INT64_MIN, INT64_MIN}, 0};
	self->times[0] = self->times[1] = INT64_MIN;
	for (int t = 0; t < 4; t++)
		TRY(state_table_open(op_services(op)->state, op->id, t, op_services(op)->budget, "the rows of a stream join",
							 &self->tables[t], err));
	if (state_table_get(self->tables[TABLE_CLOCK], STR(""), &stored)) {
		if (stored.length != sizeof self->clock)
			return error_fatal(err, "The stored state of a stream join cannot be read");
		memcpy(&self->clock, stored.data, sizeof self->clock);
	}
	for (int side = 0; side < 2; side++)
		self->sweep_at[side] = 2 * state_table_count(self->tables[side]) + SWEEP_MIN;
	/* Due at once: the first look finds out. */
	self->next_release = state_table_count(self->tables[TABLE_HELD]) > 0 ? INT64_MIN : INT64_MAX;
	op->state_rows = state_table_count(self->tables[TABLE_LEFT]) + state_table_count(self->tables[TABLE_RIGHT]);
	return OK;
}

/* ---- keys to be removed after a walk ---- */

static void
window_note_expired(JoinWindowOp *self, Str key)
{
	uint32_t length = (uint32_t)key.length;

	strbuf_add(&self->expired, &length, sizeof length);
	strbuf_add_str(&self->expired, key);
}

static void
window_remove_expired(JoinWindowOp *self, StateTable *table)
{
	for (size_t at = 0; at < self->expired.length;) {
		uint32_t length;

		memcpy(&length, self->expired.data + at, sizeof length);
		at += sizeof length;
		state_table_remove(table, str_make(self->expired.data + at, length));
		at += length;
	}
	strbuf_clear(&self->expired);
}

/* ---- held rows ---- */

static Str
window_held_key(JoinWindowOp *self, Time time, int side, Str key, const char *arrival)
{
	strbuf_clear(&self->bytes);
	join_put_time(&self->bytes, time);
	strbuf_add_char(&self->bytes, (char)side);
	strbuf_add_str(&self->bytes, key);
	strbuf_add(&self->bytes, arrival, ARRIVAL_BYTES);
	return strbuf_str(&self->bytes);
}

static Status
window_emit_held(JoinWindowOp *self, Str held, int32_t cause, int side, Error *err)
{
	const JoinWindowSpec *spec = self->op.spec;
	JoinKept			  kept = join_kept_decode(join_output_copy(&self->out, held), spec->is_windowed);
	JoinRow				  row = {.kind = ROW_INSERT, .key_side = side, .time = kept.time};

	row.source[side] = JOIN_KEPT;
	row.kept[side] = kept.row;
	row.input_row = cause;
	row.window_start = kept.window_start;
	row.window_end = kept.window_end;
	return join_output_add(&self->out, &row, err);
}

/*
 * Emits the held rows whose window has closed at stream time `now`, in the order of their keys: time, side, key.
 * `cause` is the input row that moved time.
 */
static Status
window_release(JoinWindowOp *self, Time now, int32_t cause, Error *err)
{
	StateTable *held = self->tables[TABLE_HELD];
	/* The padded side whose rows fall due first. */
	int			first = !self->pads[1] || (self->pads[0] && self->ahead_ms[0] < self->ahead_ms[1]) ? 0 : 1;
	Time		next = INT64_MAX;
	Status		status = OK;
	Str			key, value;

	if (self->next_release >= now)
		return OK;
	for (StateCursor c = state_table_seek(held, STR("")); status == OK && state_cursor_next(&c, &key, &value);) {
		Time time = join_get_time(key.data);
		int	 side = key.data[TIME_BYTES];
		Time due = window_due(self, side, time);

		if (due >= now) {
			/* No row behind this one falls due before `first` would at this time. */
			Time bound = window_due(self, first, time);

			next = due < next ? due : next;
			if (bound < now)
				continue;
			next = bound < next ? bound : next;
			break;
		}
		status = window_emit_held(self, value, cause, side, err);
		window_note_expired(self, key);
	}
	window_remove_expired(self, held);
	self->next_release = next;
	return status;
}

/* ---- rows ---- */

static bool
window_is_visible(const JoinWindowOp *self, int side, Time time)
{
	return self->clock.greatest[side] == INT64_MIN
		|| time >= time_shift(self->clock.greatest[side], 1 - self->horizon_ms);
}

/* Removes what has left the horizon of a side. */
static void
window_sweep(JoinWindowOp *self, int side)
{
	StateTable *table = self->tables[side];
	Str			key, value;

	for (StateCursor c = state_table_seek(table, STR("")); state_cursor_next(&c, &key, &value);) {
		if (window_is_visible(self, side, join_get_time(key.data + key.length - TIME_BYTES - ARRIVAL_BYTES)))
			continue;
		window_note_expired(self, key);
	}
	window_remove_expired(self, table);
	self->sweep_at[side] = 2 * state_table_count(table) + SWEEP_MIN;
}

static Status
window_keep(JoinWindowOp *self, int side, Time time, Error *err)
{
	if (!window_is_visible(self, side, time))
		return OK;
	strbuf_clear(&self->bytes);
	strbuf_add_str(&self->bytes, strbuf_str(&self->key));
	join_put_time(&self->bytes, time);
	join_put_time(&self->bytes, self->clock.n_arrived);
	TRY(state_table_put(self->tables[side], strbuf_str(&self->bytes), strbuf_str(&self->row), err));
	if (time > self->clock.greatest[side])
		self->clock.greatest[side] = time;
	if (state_table_count(self->tables[side]) >= self->sweep_at[side])
		window_sweep(self, side);
	return OK;
}

/* The output of a row with what was kept of the other side (NULL: padded). */
static Status
window_emit(JoinWindowOp *self, const Batch *in, int32_t row, int side, const JoinKept *other, Error *err)
{
	JoinRow joined = {.kind = ROW_INSERT, .key_side = side, .time = in->event_time[row]};

	joined.source[side] = JOIN_INPUT;
	joined.input_row = row;
	if (other != NULL) {
		joined.source[!side] = JOIN_KEPT;
		joined.kept[!side] = other->row;
		if (other->time > joined.time)
			joined.time = other->time;
	}
	/* The result has the left side's window. */
	if (other != NULL && side == 1) {
		joined.window_start = other->window_start;
		joined.window_end = other->window_end;
	} else {
		joined.window_start = in->window_start != NULL ? in->window_start[row] : 0;
		joined.window_end = in->window_end != NULL ? in->window_end[row] : 0;
	}
	return join_output_add(&self->out, &joined, err);
}

/* Leaves the candidates first .. first + n - 1 that fulfil the residual with a row; gives how many, which are moved to `to`. */
static Status
window_test(JoinWindowOp *self, const Batch *in, int32_t row, int side, int32_t first, int32_t n, int32_t *to, Error *err)
{
	const JoinWindowSpec *spec = self->op.spec;
	Arena				 *arena = op_scratch(&self->op);
	ArenaMark			  mark = arena_mark(arena);
	int					  n_columns[2] = {spec->n_left, spec->n_right}, own = side == 0 ? 0 : spec->n_left, other = side == 0 ? spec->n_left : 0;
	const Type *const	 *types = side == 0 ? spec->right_types : spec->left_types;
	uint32_t			 *rows = arena_array(arena, uint32_t, n), *selected = arena_array(arena, uint32_t, n);
	Vector				**kept = arena_array(arena, Vector *, n_columns[!side] + 1);
	Batch				 *pairs = batch_new(arena, spec->n_left + spec->n_right, n);
	int32_t				  n_selected;

	for (int32_t i = 0; i < n; i++)
		rows[i] = (uint32_t)row;
	for (int c = 0; c < n_columns[side]; c++)
		pairs->columns[own + c] = vector_gather(arena, in->columns[c], rows, n, true);
	for (int c = 0; c < n_columns[!side]; c++)
		pairs->columns[other + c] = kept[c] = vector_new(arena, types[c], n);
	for (int32_t i = 0; i < n; i++)
		TRY(row_decode_vectors(kept, n_columns[!side], self->candidates[first + i].kept.row, arena, i, err));
	n_selected = program_filter(self->residual, op_services(&self->op)->eval, pairs, selected);
	for (int32_t i = 0; i < n_selected; i++)
		self->candidates[(*to)++] = self->candidates[first + (int32_t)selected[i]];
	arena_rewind(arena, mark);
	return OK;
}

/* Joins a row with the candidates that fulfil the residual. */
static Status
window_join_candidates(JoinWindowOp *self, const Batch *in, int32_t row, int side, bool *matched, Error *err)
{
	int		other = !side;
	int32_t n = self->residual != NULL ? 0 : self->n_candidates;

	for (int32_t first = 0; self->residual != NULL && first < self->n_candidates; first += BATCH_ROWS)
		TRY(window_test(self, in, row, side, first, self->n_candidates - first < BATCH_ROWS ? self->n_candidates - first : BATCH_ROWS, &n,
						err));
	for (int32_t i = 0; i < n; i++) {
		const Candidate *candidate = &self->candidates[i];

		*matched = true;
		TRY(window_emit(self, in, row, side, &candidate->kept, err));
		if (self->holds && self->pads[other])
			state_table_remove(self->tables[TABLE_HELD],
							   window_held_key(self, candidate->kept.time, other, strbuf_str(&self->key), candidate->arrival));
	}
	return OK;
}

/* Joins a row with all that it meets on the other side. */
static Status
window_probe(JoinWindowOp *self, const Batch *in, int32_t row, int side, bool *matched, Error *err)
{
	const JoinWindowSpec *spec = self->op.spec;
	int					  other = !side;
	size_t				  prefix = self->key.length;
	Time				  time = in->event_time[row];
	Time				  from = time_shift(time, -self->back_ms[side]);
	Time				  to = time_shift(time, self->ahead_ms[side]);
	Str					  key, value;

	self->n_candidates = 0;
	strbuf_clear(&self->bytes);
	strbuf_add_str(&self->bytes, strbuf_str(&self->key));
	join_put_time(&self->bytes, from > 0 ? from : 0);
	for (StateCursor c = state_table_seek(self->tables[other], strbuf_str(&self->bytes)); state_cursor_next(&c, &key, &value);) {
		JoinKept kept;

		if (key.length != prefix + TIME_BYTES + ARRIVAL_BYTES || memcmp(key.data, self->key.data, prefix) != 0)
			break;
		kept = join_kept_decode(value, spec->is_windowed);
		if (kept.time > to)
			break;
		if (!window_is_visible(self, other, kept.time))
			continue;
		grow_array(self->candidates, self->n_candidates, self->capacity);
		self->candidates[self->n_candidates++] = (Candidate){kept, key.data + prefix + TIME_BYTES};
	}
	return window_join_candidates(self, in, row, side, matched, err);
}

/* A row that matched nothing, on a side that is padded. */
static Status
window_pad(JoinWindowOp *self, const Batch *in, int32_t row, int side, Error *err)
{
	Time   time = in->event_time[row];
	Time   due = window_due(self, side, time);
	StrBuf arrival = {0};
	Status status;

	if (!self->holds || time_shift(time, self->ahead_ms[side]) < self->clock.stream_time)
		return window_emit(self, in, row, side, NULL, err);
	join_put_time(&arrival, self->clock.n_arrived);
	status = state_table_put(self->tables[TABLE_HELD],
							 window_held_key(self, time, side, strbuf_str(&self->key), arrival.data),
							 strbuf_str(&self->row), err);
	strbuf_free(&arrival);
	if (due < self->next_release)
		self->next_release = due;
	return status;
}

static Status
window_row(JoinWindowOp *self, const Batch *in, int32_t row, int side, Error *err)
{
	const JoinWindowSpec *spec = self->op.spec;
	Time				  time = in->event_time[row];
	bool				  matched = false;

	if (time > self->clock.stream_time)
		self->clock.stream_time = time;
	if (row_kind_is_null(batch_row_kind(in, row)))
		return OK;
	if (join_key_is_null(in, row, spec->n_key))
		return self->pads[side] ? window_emit(self, in, row, side, NULL, err) : OK;
	if (self->holds && time == self->clock.stream_time)
		TRY(window_release(self, time, row, err));
	join_key_encode(in, row, spec->n_key, spec->is_windowed, spec->is_session, &self->key);
	join_kept_encode(in, row, spec->is_windowed, &self->row);
	self->clock.n_arrived++;
	TRY(window_probe(self, in, row, side, &matched, err));
	if (!matched && self->pads[side])
		TRY(window_pad(self, in, row, side, err));
	return window_keep(self, side, time, err);
}

static Status
window_push(Op *op, int port, const Batch *in, Error *err)
{
	JoinWindowOp *self = op_cast(JoinWindowOp, op, &op_join_window);

	if (in->event_time == NULL)
		return error_bug(err, "A stream join was given rows without event time");
	self->clock_is_dirty = true;
	join_output_begin(&self->out, in, port);
	for (int32_t i = 0; i < in->n_rows; i++)
		TRY(window_row(self, in, i, port, err));
	op->state_rows = state_table_count(self->tables[TABLE_LEFT]) + state_table_count(self->tables[TABLE_RIGHT]);
	return join_output_end(&self->out, err);
}

/* ---- time and the end ---- */

/* Time has passed on both sides without a row. */
static Status
window_pass_time(JoinWindowOp *self, Time now, Error *err)
{
	Status status;

	if (!self->holds)
		return OK;
	join_output_begin(&self->out, NULL, 0);
	status = window_release(self, now, 0, err);
	if (status == OK)
		status = join_output_end(&self->out, err);
	return status == FAILED ? FAILED : OK;
}

static Status
window_advance(Op *op, int port, Time time, Error *err)
{
	JoinWindowOp *self = op_cast(JoinWindowOp, op, &op_join_window);
	Time		  reached;

	if (!join_time_reached(self->times, port, time, &reached))
		return OK;
	/* The end of input is no time that later rows (of a query that is resumed) could be measured by. */
	if (reached > self->clock.stream_time && reached != INT64_MAX) {
		self->clock.stream_time = reached;
		self->clock_is_dirty = true;
	}
	TRY(window_pass_time(self, reached, err));
	return op_advance_outputs(op, reached, err);
}

static Status
window_finish(Op *op, int port, Error *err)
{
	JoinWindowOp *self = op_cast(JoinWindowOp, op, &op_join_window);

	(void)port;
	if (op->n_finished < op->n_inputs)
		return OK;
	TRY(window_pass_time(self, INT64_MAX, err));
	return op_finish_outputs(op, err);
}

static Status
window_flush(Op *op, Error *err)
{
	JoinWindowOp *self = op_cast(JoinWindowOp, op, &op_join_window);

	if (self->clock_is_dirty)
		TRY(state_table_put(self->tables[TABLE_CLOCK], STR(""),
							str_make((const char *)&self->clock, sizeof self->clock), err));
	self->clock_is_dirty = false;
	for (int t = 0; t < 4; t++)
		state_table_flush(self->tables[t]);
	return OK;
}

static void
window_close(Op *op)
{
	JoinWindowOp *self = op_cast(JoinWindowOp, op, &op_join_window);

	for (int t = 0; t < 4; t++)
		state_table_close(self->tables[t]);
	join_output_free(&self->out);
	free(self->candidates);
	strbuf_free(&self->key);
	strbuf_free(&self->bytes);
	strbuf_free(&self->row);
	strbuf_free(&self->expired);
}

static void
window_explain(const void *spec, Explain *out)
{
	const JoinWindowSpec *s = spec;

	explain_text(out, "kind", join_kind_name(s->kind));
	explain_int(out, "key columns", s->n_key);
	explain_int(out, "before ms", s->before_ms);
	explain_int(out, "after ms", s->after_ms);
	explain_int(out, "grace ms", s->grace_ms);
	if (s->has_grace && s->kind != JOIN_INNER)
		explain_text(out, "unmatched rows", "when the window closes");
}

const OpType op_join_window = {
	.name = "StreamStreamJoin",
	.size = sizeof(JoinWindowOp),
	.ports = 2,
	.open = window_open,
	.push = window_push,
	.advance = window_advance,
	.flush = window_flush,
	.finish = window_finish,
	.close = window_close,
	.explain = window_explain,
};
