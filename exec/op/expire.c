/*
 * Durable state: table 0: key bytes -> time of the last row; table 1: "" -> the greatest time seen.
 */
#include "exec/op/expire.h"

#include "data/key.h"
#include "exec/state/expiry.h"

enum { TABLE_KEYS, TABLE_TIME };

typedef struct ExpireOp {
	Op			op;
	StateTable *keys;
	StateTable *time;
	KeyTimer	timer;
	Time		stream_time;
	Time		saved_time;
	StrBuf		key;
} ExpireOp;

static Time
stored_time(Str value)
{
	Time time;

	memcpy(&time, value.data, sizeof time);
	return time;
}

static Str
time_bytes(const Time *time)
{
	return str_make((const char *)time, sizeof *time);
}

static Status
expire_open(Op *op, Error *err)
{
	ExpireOp		 *self = op_cast(ExpireOp, op, &op_expire);
	const ExpireSpec *spec = op->spec;
	MemoryBudget	 *budget = op_services(op)->budget;
	Str				  key, value;

	self->stream_time = self->saved_time = INT64_MIN;
	TRY(state_table_open(op_services(op)->state, op->id, TABLE_KEYS, budget, "the keys of a table with TTL", &self->keys, err));
	TRY(state_table_open(op_services(op)->state, op->id, TABLE_TIME, budget, "the time of a table with TTL", &self->time, err));
	TRY(key_timer_open(&self->timer, budget, spec->ttl_ms, err));
	if (state_table_get(self->time, STR(""), &value))
		self->stream_time = self->saved_time = stored_time(value);
	for (StateCursor c = state_table_seek(self->keys, STR("")); state_cursor_next(&c, &key, &value);)
		TRY(key_timer_note(&self->timer, key_timer_due(&self->timer, stored_time(value)), key, STR(""), err));
	op->state_rows = state_table_count(self->keys);
	return OK;
}

/* One batch of deletes: the key columns, NULL in the others. */
static Status
emit_ended(ExpireOp *self, const Str *keys, const Time *times, int32_t n, Error *err)
{
	Op				 *op = &self->op;
	const ExpireSpec *spec = op->spec;
	Arena			 *arena = op_scratch(op);
	Batch			 *out = batch_new(arena, spec->n_columns, n);
	Vector			**columns = arena_array(arena, Vector *, spec->n_columns + 1);

	for (int c = 0; c < spec->n_columns; c++)
		out->columns[c] = columns[c] = vector_new(arena, spec->types[c], n);
	for (int32_t i = 0; i < n; i++) {
		size_t at = 0;

		for (int c = 0; c < spec->n_columns; c++) {
			Value value = {.is_null = true};

			if (c < spec->n_key)
				TRY(key_decode(spec->types[c], keys[i], &at, arena, &value, err));
			if (value.is_null)
				vector_set_null(columns[c], arena, i);
			else
				vector_set(columns[c], arena, i, &value);
		}
	}
	for (int c = 0; c < spec->n_columns; c++)
		columns[c]->n_rows = n;
	out->n_rows = n;
	out->event_time = arena_memdup(arena, times, sizeof *times * (size_t)n);
	out->row_kind = memset(arena_alloc(arena, (size_t)n), ROW_DELETE, (size_t)n);
	return op_emit_loop(op, out, err);
}

static Status
end_due(ExpireOp *self, Time now, Error *err)
{
	Arena	 *arena = op_scratch(&self->op);
	ArenaMark mark = arena_mark(arena);
	Str		 *keys = arena_alloc(arena, sizeof *keys * BATCH_ROWS);
	Time	 *times = arena_alloc(arena, sizeof *times * BATCH_ROWS);
	int32_t	  n = 0;
	Time	  due;
	Str		  key, value;

	while (key_timer_next(&self->timer, now, &due, &key, &value)) {
		Str	 copy = str_make(arena_memdup(arena, key.data, key.length), key.length);
		Time ends;

		/* Deleted meanwhile. */
		if (!state_table_get(self->keys, copy, &value))
			continue;
		ends = key_timer_due(&self->timer, stored_time(value));
		if (ends > due) {
			TRY(key_timer_note(&self->timer, ends, copy, STR(""), err));
			continue;
		}
		state_table_remove(self->keys, copy);
		keys[n] = copy;
		times[n++] = due;
		if (n == BATCH_ROWS) {
			TRY(emit_ended(self, keys, times, n, err));
			n = 0;
		}
	}
	if (n > 0)
		TRY(emit_ended(self, keys, times, n, err));
	arena_rewind(arena, mark);
	return OK;
}

/* Notes the rows; those that go on are in rows[0..*n): a delete of a key that has ended already is told once only. */
static Status
remember_rows(ExpireOp *self, const Batch *in, uint32_t *rows, int32_t *n, Error *err)
{
	const ExpireSpec *spec = self->op.spec;

	*n = 0;
	for (int32_t i = 0; i < in->n_rows; i++) {
		Time time = in->event_time[i];
		Str	 key, value;

		strbuf_clear(&self->key);
		key_encode(in->columns, spec->n_key, i, &self->key);
		key = strbuf_str(&self->key);
		if (row_kind_is_null(batch_row_kind(in, i))) {
			if (state_table_remove(self->keys, key))
				rows[(*n)++] = (uint32_t)i;
			continue;
		}
		rows[(*n)++] = (uint32_t)i;
		if (!state_table_get(self->keys, key, &value))
			TRY(key_timer_note(&self->timer, key_timer_due(&self->timer, time), key, STR(""), err));
		else if (stored_time(value) >= time)
			continue;
		TRY(state_table_put(self->keys, key, time_bytes(&time), err));
	}
	return OK;
}

static Status
expire_push(Op *op, int port, const Batch *in, Error *err)
{
	ExpireOp *self = op_cast(ExpireOp, op, &op_expire);
	uint32_t *rows = arena_alloc(op_scratch(op), sizeof *rows * (size_t)(in->n_rows > 0 ? in->n_rows : 1));

	(void)port;
	if (in->event_time == NULL)
		return error_bug(err, "A table with TTL needs event time");
	for (int32_t first = 0; first < in->n_rows;) {
		const Batch *run = in;
		int32_t		 n, n_on;

		if (in->event_time[first] > self->stream_time)
			self->stream_time = in->event_time[first];
		if (self->stream_time >= self->timer.next_due)
			TRY(end_due(self, self->stream_time, err));
		n = key_timer_run(&self->timer, in->event_time, first, in->n_rows, &self->stream_time);
		if (n < in->n_rows)
			run = batch_slice(op_scratch(op), in, first, n);
		TRY(remember_rows(self, run, rows, &n_on, err));
		if (n_on > 0)
			TRY(op_emit(op, n_on == run->n_rows ? run : batch_select(op_scratch(op), run, rows, n_on), err));
		first += n;
	}
	op->state_rows = state_table_count(self->keys);
	return OK;
}

static Status
expire_advance(Op *op, int port, Time time, Error *err)
{
	ExpireOp *self = op_cast(ExpireOp, op, &op_expire);

	(void)port;
	/* The end of input is no time that passes: what is there stays. */
	if (time != INT64_MAX && time > self->stream_time) {
		self->stream_time = time;
		if (time >= self->timer.next_due)
			TRY(end_due(self, time, err));
	}
	return op_advance_outputs(op, time, err);
}

static Status
expire_flush(Op *op, Error *err)
{
	ExpireOp *self = op_cast(ExpireOp, op, &op_expire);

	if (self->stream_time != self->saved_time)
		TRY(state_table_put(self->time, STR(""), time_bytes(&self->stream_time), err));
	self->saved_time = self->stream_time;
	state_table_flush(self->keys);
	state_table_flush(self->time);
	return OK;
}

static void
expire_close(Op *op)
{
	ExpireOp *self = op_cast(ExpireOp, op, &op_expire);

	state_table_close(self->keys);
	state_table_close(self->time);
	key_timer_close(&self->timer);
	strbuf_free(&self->key);
}

static void
expire_explain(const void *spec_, Explain *out)
{
	const ExpireSpec *spec = spec_;

	explain_int(out, "ttl ms", spec->ttl_ms);
}

const OpType op_expire = {
	.name = "Expire",
	.size = sizeof(ExpireOp),
	.ports = 1,
	.open = expire_open,
	.push = expire_push,
	.advance = expire_advance,
	.flush = expire_flush,
	.close = expire_close,
	.explain = expire_explain,
};
