#include "exec/state/expiry.h"

#include <string.h>

enum { TIME_BYTES = 8 };

static Str
expiry_entry(WindowExpiry *self, int64_t time, Str key)
{
	uint64_t bits = __builtin_bswap64((uint64_t)time ^ (uint64_t)1 << 63);

	strbuf_clear(&self->entry);
	strbuf_add(&self->entry, &bits, sizeof bits);
	strbuf_add_str(&self->entry, key);
	return strbuf_str(&self->entry);
}

static int64_t
entry_time(Str entry)
{
	uint64_t bits;

	memcpy(&bits, entry.data, sizeof bits);
	return (int64_t)(__builtin_bswap64(bits) ^ (uint64_t)1 << 63);
}

Status
window_expiry_open(WindowExpiry *self, StateBackend *backend, int op_id, int table, MemoryBudget *budget,
				   int64_t retention_ms, bool is_session, Error *err)
{
	Str key, value;

	*self = (WindowExpiry){.retention_ms = retention_ms, .is_session = is_session, .newest = INT64_MIN};
	if (retention_ms <= 0)
		return OK;
	TRY(state_table_open(backend, op_id, table, budget, "the windows of a table", &self->index, err));
	/* Nothing keeps `newest` by itself: a key of that time is always there, unless it was deleted, which delays others a little. */
	for (StateCursor c = state_table_seek(self->index, STR("")); state_cursor_next(&c, &key, &value);)
		self->newest = entry_time(key);
	return OK;
}

void
window_expiry_close(WindowExpiry *self)
{
	state_table_close(self->index);
	self->index = NULL;
	strbuf_free(&self->entry);
}

Status
window_expiry_add(WindowExpiry *self, int64_t start, int64_t end, Str key, Error *err)
{
	int64_t time = self->is_session ? end : start;
	Str		entry, ignored;

	if (self->index == NULL)
		return OK;
	if (time > self->newest)
		self->newest = time;
	entry = expiry_entry(self, time, key);
	return state_table_get(self->index, entry, &ignored) ? OK : state_table_put(self->index, entry, STR(""), err);
}

void
window_expiry_remove(WindowExpiry *self, int64_t start, int64_t end, Str key)
{
	if (self->index != NULL)
		state_table_remove(self->index, expiry_entry(self, self->is_session ? end : start, key));
}

bool
window_expiry_next(WindowExpiry *self, Str *key)
{
	StateCursor cursor;
	Str			first, value;

	/* Times are not negative: nothing ends before the retention has passed once. */
	if (self->index == NULL || self->newest < self->retention_ms)
		return false;
	cursor = state_table_seek(self->index, STR(""));
	if (!state_cursor_next(&cursor, &first, &value) ||
		entry_time(first) >= self->newest - self->retention_ms + (self->is_session ? 1 : 0))
		return false;
	strbuf_clear(&self->entry);
	strbuf_add_str(&self->entry, first);
	state_table_remove(self->index, strbuf_str(&self->entry));
	*key = str_make(self->entry.data + TIME_BYTES, self->entry.length - TIME_BYTES);
	return true;
}

void
window_expiry_flush(WindowExpiry *self)
{
	if (self->index != NULL)
		state_table_flush(self->index);
}

/* ---- keys that rest ---- */

Status
key_timer_open(KeyTimer *self, MemoryBudget *budget, int64_t ttl_ms, Error *err)
{
	*self = (KeyTimer){.ttl_ms = ttl_ms, .next_due = INT64_MAX};
	return ttl_ms > 0 ? state_table_open(NULL, 0, 0, budget, "the keys of a table with TTL", &self->index, err) : OK;
}

void
key_timer_close(KeyTimer *self)
{
	state_table_close(self->index);
	self->index = NULL;
	strbuf_free(&self->entry);
}

Time
key_timer_due(const KeyTimer *self, Time time)
{
	return time > INT64_MAX - self->ttl_ms ? INT64_MAX : time + self->ttl_ms;
}

static void
put_time(StrBuf *out, Time time)
{
	uint64_t bits = __builtin_bswap64((uint64_t)time ^ (uint64_t)1 << 63);

	strbuf_add(out, &bits, sizeof bits);
}

Status
key_timer_note(KeyTimer *self, Time due, Str key, Str value, Error *err)
{
	strbuf_clear(&self->entry);
	put_time(&self->entry, due);
	strbuf_add_str(&self->entry, key);
	if (due < self->next_due)
		self->next_due = due;
	return state_table_put(self->index, strbuf_str(&self->entry), value, err);
}

bool
key_timer_next(KeyTimer *self, Time now, Time *due, Str *key, Str *value)
{
	StateCursor cursor = state_table_seek(self->index, STR(""));
	Str			first;

	if (!state_cursor_next(&cursor, &first, value)) {
		self->next_due = INT64_MAX;
		return false;
	}
	*due = self->next_due = entry_time(first);
	if (*due > now)
		return false;
	/* Both outlive the entry that they are copied from. */
	strbuf_clear(&self->entry);
	strbuf_add_str(&self->entry, first);
	strbuf_add_str(&self->entry, *value);
	*key = str_make(self->entry.data + TIME_BYTES, first.length - TIME_BYTES);
	*value = str_make(self->entry.data + first.length, value->length);
	state_table_remove(self->index, str_make(self->entry.data, first.length));
	return true;
}

int32_t
key_timer_run(const KeyTimer *self, const int64_t *times, int32_t first, int32_t n, Time *now)
{
	Time	bound = self->next_due;
	int32_t end = first;

	for (; end < n; end++) {
		Time reached = times[end] > *now ? times[end] : *now;
		Time due = key_timer_due(self, times[end]);

		/* The first one is taken whatever it says: what was due is gone. */
		if (end > first && reached >= bound)
			break;
		*now = reached;
		bound = due < bound ? due : bound;
	}
	return end - first;
}
