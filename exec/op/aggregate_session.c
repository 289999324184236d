/*
 * Session windows.  One record, as the reference has it (g: gap, R: retention):
 *	stream time := max(stream time, t)
 *	M = stored sessions of the group with end >= t - g and start <= t + g
 *	merged = [min(t, starts), max(t, ends)]
 *	merged end < stream time - grace - g: late, M stays as it is
 *	merged differs from [t, t]: a tombstone for each session of M, in order of time; they are removed
 *	the merged state takes the record; emitted with event time = end
 *
 * A session is invisible once end < E - R + 1 (E: greatest session end stored): it is merged no more.  That loses nothing but
 * for a record just within the grace, which opens a second session beside it; without loses_expired_windows R is at
 * least what a record that is not late can reach.
 *
 * A group's record holds the list of its sessions, by start; a session's states are behind its header.  Rows are taken in
 * runs: states of several rows are stepped over at once, until sessions merge (which needs their states as of then).
 *
 * EMIT FINAL: C = stream time - grace - g; sessions with end <= C - 1 are emitted, by end, start, key.  A heap of (end, group)
 * tells which; entries that no longer fit a session are left over from before it grew.
 */
#include <stdlib.h>

#include "exec/op/aggregate_session.h"

/* One output row of a run. */
typedef struct Event {
	uint32_t row;
	int32_t	 entry;		/* whose result it shows; -1: a tombstone */
	Time	 start;
	Time	 end;
} Event;

/* Rows that have been assigned to sessions but whose states have not been updated yet. */
typedef struct Run {
	uint32_t *rows;
	char	**sessions;
	int32_t	  n;
	Event	 *events;
	int32_t	  n_events;
} Run;

static int64_t
session_retention(const AggregateSpec *spec)
{
	int64_t reach = time_shift(time_shift(time_shift(spec->window.grace_ms, spec->window.gap_ms), spec->window.gap_ms), 1);

	if (!spec->has_late_rows)
		return INT64_MAX;
	return spec->loses_expired_windows || spec->window.retention_ms > reach ? spec->window.retention_ms : reach;
}

static bool
session_is_visible(const AggregateOp *self, const Session *session)
{
	int64_t retention = session_retention(self->op.spec);

	return retention == INT64_MAX || self->sessions->newest_end == INT64_MIN ||
		session->end >= time_shift(time_shift(self->sessions->newest_end, -retention), 1);
}

/* ---- opening and closing ---- */

static Status load_session(void *context, Str key, Str value, Error *err);

Status
aggregate_session_open(AggregateOp *self, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	const Type		   **types = arena_array(&self->op.arena, const Type *, spec->n_keys + 1);
	StateBackend		*state = op_services(&self->op)->state;

	if (spec->n_grouping_sets > 0)
		return error_unsupported(err, "Grouping sets are not supported with session windows");
	if (spec->is_table || spec->input_is_windowed)
		return error_unsupported(err, "Session windows need a stream without windows as input");
	for (int k = 0; k < spec->n_keys; k++)
		types[k] = spec->keys[k]->type;
	group_table_init(&self->groups, &self->op.arena, types, self->n_slots, sizeof(SessionList), 8,
					 op_services(&self->op)->budget);
	for (int i = 0; i < spec->n_items; i++)
		self->items[i].offset += sizeof(Session);
	self->sessions = arena_new(&self->op.arena, struct Sessions);
	self->sessions->newest_end = self->sessions->next_sweep = INT64_MIN;
	session_spill_open(self);
	if (state == NULL)
		return OK;
	if (state->scan(state, self->op.id, 0, load_session, self, err) == FAILED)
		return FAILED;
	TRY(aggregate_state_load_time(self, err));
	self->sessions->newest_end = self->newest_start;
	self->op.state_rows = self->sessions->n_sessions;
	return OK;
}

/* With what malloc and the group's list add. */
static int64_t
session_bytes(const AggregateOp *self)
{
	return (int64_t)(sizeof(Session) + self->states_size + 2 * sizeof(Session *) + 16);
}

Session *
session_new(AggregateOp *self, Group *group, Time start, Time end)
{
	const AggregateSpec *spec = self->op.spec;
	Session				*session = xcalloc(1, sizeof *session + self->states_size);

	session->start = start;
	session->end = end;
	session->group = group;
	for (int i = 0; i < spec->n_items; i++)
		item_init(&self->items[i], (char *)session);
	self->used_bytes += session_bytes(self);
	self->sessions->n_sessions++;
	return session;
}

static void
session_free(AggregateOp *self, Session *session)
{
	const AggregateSpec *spec = self->op.spec;

	for (int i = 0; i < spec->n_items; i++)
		item_destroy(&self->items[i], (char *)session);
	self->used_bytes -= session_bytes(self);
	free(session);
}

/* It is in no group's list any more. */
static void
session_drop(AggregateOp *self, Session *session)
{
	self->sessions->n_sessions--;
	session->is_dead = true;
	if (!session->is_changed && !session->is_unsaved)
		session_free(self, session);
}

static void
free_sessions(AggregateOp *self)
{
	for (uint32_t g = 0; g < self->groups.n_records; g++) {
		Group		*group = group_table_at(&self->groups, g);
		SessionList *list = group_sessions(self, group);

		for (uint32_t i = 0; group->is_live && i < list->n; i++)
			session_free(self, list->items[i]);
		if (group->is_live)
			free(list->items);
	}
}

void
sessions_forget(AggregateOp *self)
{
	free_sessions(self);
	group_table_clear(&self->groups);
	self->sessions->n_sessions = 0;
}

void
aggregate_session_close(AggregateOp *self)
{
	struct Sessions *s = self->sessions;

	if (s == NULL)
		return;
	/* Dead ones wait in the lists; one that is in both is freed with the second. */
	for (uint32_t i = 0; i < s->n_changed; i++)
		if (s->changed[i]->is_dead && !s->changed[i]->is_unsaved)
			session_free(self, s->changed[i]);
	for (uint32_t i = 0; i < s->n_unsaved; i++)
		if (s->unsaved[i]->is_dead)
			session_free(self, s->unsaved[i]);
	free_sessions(self);
	session_spill_close(self);
	free(s->heap);
	free(s->changed);
	free(s->tombstones);
	free(s->unsaved);
}

/* ---- lists ---- */

static void
list_insert(SessionList *list, Session *session)
{
	uint32_t at = list->n;

	grow_array(list->items, list->n, list->capacity);
	while (at > 0 && list->items[at - 1]->start > session->start) {
		list->items[at] = list->items[at - 1];
		at--;
	}
	list->items[at] = session;
	list->n++;
}

static void
list_remove(SessionList *list, uint32_t at)
{
	memmove(list->items + at, list->items + at + 1, (list->n - at - 1) * sizeof(Session *));
	list->n--;
}

/* The session leaves its bounds: durable state and downstream may know them. */
static void
session_forget_bounds(AggregateOp *self, Session *session)
{
	struct Sessions *s = self->sessions;

	if (session->is_stored) {
		StrBuf key = {0};
		Error *error = arena_new(op_scratch(&self->op), Error);

		if (aggregate_state_key(self, session->group, session->start, session->end, &key, error) == OK)
			aggregate_state_remove_later(self, strbuf_str(&key));
		strbuf_free(&key);
		session->is_stored = false;
	}
	if (self->is_compacting && session->was_emitted) {
		grow_array(s->tombstones, s->n_tombstones, s->tombstone_capacity);
		s->tombstones[s->n_tombstones++] = (Tombstone){session->group, session->start, session->end};
	}
	session->was_emitted = false;
}

static void
heap_add(struct Sessions *s, HeapEntry entry)
{
	uint32_t at = s->n_heap;

	grow_array(s->heap, s->n_heap, s->heap_capacity);
	s->n_heap++;
	while (at > 0 && s->heap[(at - 1) / 2].end > entry.end) {
		s->heap[at] = s->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	s->heap[at] = entry;
}

static HeapEntry
heap_take(struct Sessions *s)
{
	HeapEntry first = s->heap[0], last = s->heap[--s->n_heap];
	uint32_t  at = 0;

	for (;;) {
		uint32_t child = at * 2 + 1;

		if (child >= s->n_heap)
			break;
		if (child + 1 < s->n_heap && s->heap[child + 1].end < s->heap[child].end)
			child++;
		if (s->heap[child].end >= last.end)
			break;
		s->heap[at] = s->heap[child];
		at = child;
	}
	if (s->n_heap > 0)
		s->heap[at] = last;
	return first;
}

/* Something of the session is new: its bounds or its state. */
static void
session_touch(AggregateOp *self, Session *session, bool has_new_bounds)
{
	const AggregateSpec *spec = self->op.spec;
	struct Sessions		*s = self->sessions;

	if (session->end > s->newest_end) {
		s->newest_end = session->end;
		self->newest_start = session->end;
	}
	if (self->is_compacting && !session->is_changed) {
		session->is_changed = true;
		grow_array(s->changed, s->n_changed, s->changed_capacity);
		s->changed[s->n_changed++] = session;
	}
	if (op_services(&self->op)->state != NULL && !session->is_unsaved) {
		session->is_unsaved = true;
		grow_array(s->unsaved, s->n_unsaved, s->unsaved_capacity);
		s->unsaved[s->n_unsaved++] = session;
	}
	if (spec->emit == AGGREGATE_FINAL && has_new_bounds)
		heap_add(s, (HeapEntry){session->end, session->start, session->group->number});
}

/* ---- emission ---- */

/* Sessions as they are, or tombstones (results NULL), n <= BATCH_ROWS at a time. */
static Status
emit_sessions(AggregateOp *self, Session *const *sessions, const Tombstone *tombstones, uint32_t n, RowKind kind, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	Status				 status = OK;

	for (uint32_t first = 0; first < n && status == OK; first += BATCH_ROWS) {
		ArenaMark mark = arena_mark(arena);
		OutRows	  out = {.n = (int32_t)(n - first < BATCH_ROWS ? n - first : BATCH_ROWS)};
		size_t	  size = (size_t)out.n;
		Group	**groups = arena_alloc(arena, sizeof *groups * size);

		out.keys = arena_alloc(arena, sizeof *out.keys * (size_t)(spec->n_keys + 1));
		out.results = arena_alloc(arena, sizeof *out.results * (size_t)(spec->n_items + 1));
		out.time = arena_alloc(arena, sizeof(int64_t) * size);
		out.window_start = arena_alloc(arena, sizeof(int64_t) * size);
		out.window_end = arena_alloc(arena, sizeof(int64_t) * size);
		for (uint32_t i = 0; i < size; i++) {
			Tombstone t = sessions == NULL ? tombstones[first + i]
										   : (Tombstone){sessions[first + i]->group, sessions[first + i]->start,
														 sessions[first + i]->end};

			groups[i] = t.group;
			out.window_start[i] = t.start;
			out.window_end[i] = out.time[i] = t.end;
		}
		for (int k = 0; k < spec->n_keys; k++)
			TRY(group_table_key_vector(&self->groups, groups, out.n, k, arena, &out.keys[k], err));
		for (int i = 0; i < spec->n_items; i++) {
			out.results[i] = vector_new(arena, spec->items[i].type, out.n);
			for (int32_t r = 0; r < out.n; r++)
				if (sessions == NULL)
					vector_set_null(out.results[i], arena, r);
				else
					TRY(item_result(&self->items[i], (const char *)sessions[first + (uint32_t)r], out.results[i], r, arena, err));
		}
		if (kind != ROW_INSERT)
			out.kind = memset(arena_alloc(arena, size), (int)kind, size);
		status = aggregate_emit_rows(self, &out, err);
		arena_rewind(arena, mark);
	}
	return status;
}

/* Compaction: tombstones of bounds that downstream knows, then the sessions that changed. */
static Status
emit_changed_sessions(AggregateOp *self, Error *err)
{
	struct Sessions *s = self->sessions;
	Status			 status;
	uint32_t		 n = 0;

	for (uint32_t i = 0; i < s->n_changed; i++) {
		Session *session = s->changed[i];

		session->is_changed = false;
		if (!session->is_dead) {
			session->was_emitted = true;
			s->changed[n++] = session;
		} else if (!session->is_unsaved) {
			session_free(self, session);
		}
	}
	s->n_changed = 0;
	status = emit_sessions(self, NULL, s->tombstones, s->n_tombstones, ROW_DELETE, err);
	s->n_tombstones = 0;
	if (status == OK)
		status = emit_sessions(self, s->changed, NULL, n, ROW_UPSERT, err);
	return status;
}

typedef struct SortedSession {
	Session *session;
	Str		 key;
} SortedSession;

static int
sorted_session_compare(const void *x, const void *y)
{
	const SortedSession *a = x, *b = y;

	if (a->session->end != b->session->end)
		return a->session->end < b->session->end ? -1 : 1;
	if (a->session->start != b->session->start)
		return a->session->start < b->session->start ? -1 : 1;
	return str_compare(a->key, b->key);
}

/* EMIT FINAL: sessions with end < close_time. */
static Status
emit_closed_sessions(AggregateOp *self, Time close_time, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	struct Sessions		*s = self->sessions;
	Arena				*arena = op_scratch(&self->op);
	ArenaMark			 mark = arena_mark(arena);
	SortedSession		*sorted = NULL;
	Session			   **sessions;
	uint32_t			 n = 0, capacity = 0;
	Status				 status = OK;

	while (s->n_heap > 0 && s->heap[0].end < close_time) {
		HeapEntry	 entry = heap_take(s);
		Group		*group = group_table_at(&self->groups, entry.group);
		SessionList *list = group_sessions(self, group);

		for (uint32_t i = 0; group->is_live && i < list->n; i++) {
			Session *session = list->items[i];

			if (session->start == entry.start && session->end == entry.end && !session->was_emitted) {
				session->was_emitted = true;
				grow_array(sorted, n, capacity);
				sorted[n++].session = session;
				break;
			}
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		StrBuf key = {0};

		status = group_table_key_bytes(&self->groups, sorted[i].session->group, spec->n_keys, arena, &key, err);
		sorted[i].key = (Str){arena_memdup(arena, strbuf_text(&key), key.length), key.length};
		strbuf_free(&key);
	}
	if (n > 0 && status == OK) {
		qsort(sorted, n, sizeof *sorted, sorted_session_compare);
		sessions = arena_alloc(arena, sizeof *sessions * n);
		for (uint32_t i = 0; i < n; i++)
			sessions[i] = sorted[i].session;
		status = emit_sessions(self, sessions, NULL, n, ROW_UPSERT, err);
	}
	free(sorted);
	arena_rewind(arena, mark);
	return status;
}

/* Updates the states of the run's rows and emits its events. */
static Status
run_take(AggregateOp *self, const PushData *data, Run *run, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	bool				 emits = spec->emit == AGGREGATE_CHANGES && !self->is_compacting;
	Vector			   **results = arena_alloc(arena, sizeof *results * (size_t)(spec->n_items + 1));
	OutRows				 out = {.n = run->n_events, .results = results};
	uint32_t			*rows, *entries;
	size_t				 size = (size_t)run->n_events;

	if (run->n == 0 && run->n_events == 0)
		return OK;
	for (int a = 0; a < spec->n_items; a++) {
		ItemInput input;

		item_select(&self->items[a], arena, &data->inputs[a], run->rows, run->n, &input);
		results[a] = emits ? vector_new(arena, spec->items[a].type, run->n) : NULL;
		TRY(item_step(&self->items[a], run->sessions, NULL, &input, run->n, false, arena, results[a], err));
	}
	run->n = run->n_events = 0;
	TRY(aggregate_account(self, err));
	self->op.state_rows = self->sessions->n_sessions;
	if (!emits || out.n == 0)
		return OK;

	rows = arena_alloc(arena, sizeof *rows * size);
	entries = arena_alloc(arena, sizeof *entries * size);
	out.keys = arena_alloc(arena, sizeof *out.keys * (size_t)(spec->n_keys + 1));
	out.time = arena_alloc(arena, sizeof(int64_t) * size);
	out.window_start = arena_alloc(arena, sizeof(int64_t) * size);
	out.window_end = arena_alloc(arena, sizeof(int64_t) * size);
	out.kind = arena_alloc(arena, size);
	for (int32_t i = 0; i < out.n; i++) {
		const Event *event = &run->events[i];

		rows[i] = event->row;
		entries[i] = event->entry < 0 ? 0 : (uint32_t)event->entry;
		out.kind[i] = event->entry < 0 ? ROW_DELETE : ROW_UPSERT;
		out.window_start[i] = event->start;
		out.window_end[i] = out.time[i] = event->end;
	}
	for (int k = 0; k < spec->n_keys; k++)
		out.keys[k] = vector_dictionary(arena, data->keys[k], rows, out.n);
	for (int a = 0; a < spec->n_items; a++) {
		out.results[a] = vector_gather(arena, results[a], entries, out.n, true);
		for (int32_t i = 0; i < out.n; i++)
			if (run->events[i].entry < 0)
				vector_set_null(out.results[a], arena, i);
	}
	if (data->in->headers != NULL)
		out.headers = vector_dictionary(arena, data->in->headers, rows, out.n);
	return aggregate_emit_rows(self, &out, err);
}

/* ---- one record ---- */

static void
run_add_event(Run *run, uint32_t row, int32_t entry, Time start, Time end)
{
	run->events[run->n_events++] = (Event){row, entry, start, end};
}

static Status
take_row(AggregateOp *self, const PushData *data, Run *run, Group *group, uint32_t row, Time t, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	int64_t				 gap = spec->window.gap_ms;
	SessionList			*list = group_sessions(self, group);
	Time				 start = t, end = t;
	uint32_t			 first = 0, n = 0;
	bool				 has_new_bounds = true;
	Session				*session;

	/* Sessions of M are neighbours, but for invisible ones. */
	for (uint32_t i = 0; i < list->n; i++) {
		Session *s = list->items[i];

		if (s->end < time_shift(t, -gap) || s->start > time_shift(t, gap) || !session_is_visible(self, s))
			continue;
		if (n++ == 0)
			first = i;
		start = s->start < start ? s->start : start;
		end = s->end > end ? s->end : end;
	}
	if (spec->has_late_rows && end < time_shift(time_shift(self->stream_time, -spec->window.grace_ms), -gap)) {
		self->op.late_rows++;
		op_log_row(&self->op, data->in, (int32_t)row,
				   "Skipping record for expired window. timestamp=[%lld] window=[%lld,%lld] expiration=[%lld]",
				   (long long)t, (long long)start, (long long)end,
				   (long long)time_shift(time_shift(self->stream_time, -spec->window.grace_ms), -gap));
		return OK;
	}
	if (n > 1 || run->n == BATCH_ROWS || run->n_events + (int32_t)n + 1 > BATCH_ROWS)
		TRY(run_take(self, data, run, err));
	if (n == 0) {
		session = session_new(self, group, t, t);
		list_insert(list, session);
	} else if (n == 1) {
		session = list->items[first];
		has_new_bounds = session->start != start || session->end != end;
		if (has_new_bounds) {
			run_add_event(run, row, -1, session->start, session->end);
			session_forget_bounds(self, session);
			session->start = start;
			session->end = end;
		}
	} else {
		session = session_new(self, group, start, end);
		for (uint32_t i = first; i < list->n && n > 0;) {
			Session *old = list->items[i];

			if (old->end < time_shift(t, -gap) || old->start > time_shift(t, gap) || !session_is_visible(self, old)) {
				i++;
				continue;
			}
			for (int a = 0; a < spec->n_items; a++)
				item_merge(&self->items[a], (char *)session, (char *)old);
			run_add_event(run, row, -1, old->start, old->end);
			session_forget_bounds(self, old);
			list_remove(list, i);
			session_drop(self, old);
			n--;
		}
		list_insert(list, session);
	}
	/* A record changes the state after it was emitted as final: it is emitted again. */
	if (spec->emit == AGGREGATE_FINAL && session->was_emitted) {
		session->was_emitted = false;
		has_new_bounds = true;
	}
	session_touch(self, session, has_new_bounds);
	run_add_event(run, row, run->n, session->start, session->end);
	run->rows[run->n] = row;
	run->sessions[run->n++] = (char *)session;
	return OK;
}

static void
remove_empty_groups(AggregateOp *self)
{
	if (!self->sessions->has_empty_groups)
		return;
	self->sessions->has_empty_groups = false;
	for (uint32_t g = 0; g < self->groups.n_records; g++) {
		Group		*group = group_table_at(&self->groups, g);
		SessionList *list = group_sessions(self, group);

		if (group->is_live && list->n == 0) {
			free(list->items);
			*list = (SessionList){0};
			group_table_remove(&self->groups, group);
		}
	}
}

/* Drops invisible sessions everywhere.  Amortised: at most twice per retention. */
static Status
sweep(AggregateOp *self, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	struct Sessions		*s = self->sessions;
	int64_t				 retention = session_retention(spec);

	if (spec->emit == AGGREGATE_AT_END || retention == INT64_MAX || s->newest_end < s->next_sweep)
		return OK;
	s->next_sweep = time_shift(s->newest_end, retention / 2 + 1);
	if (self->is_compacting)
		TRY(emit_changed_sessions(self, err));
	for (uint32_t g = 0; g < self->groups.n_records; g++) {
		Group		*group = group_table_at(&self->groups, g);
		SessionList *list = group_sessions(self, group);

		if (!group->is_live)
			continue;
		for (uint32_t i = 0; i < list->n;) {
			Session *session = list->items[i];

			if (session_is_visible(self, session) || (spec->emit == AGGREGATE_FINAL && !session->was_emitted)) {
				i++;
				continue;
			}
			session->was_emitted = false;	/* it expires without a tombstone */
			session_forget_bounds(self, session);
			list_remove(list, i);
			session_drop(self, session);
		}
	}
	/* The list of unsaved sessions names them, and they their group: then groups wait for the flush. */
	s->has_empty_groups = true;
	if (s->n_unsaved == 0)
		remove_empty_groups(self);
	return OK;
}

Status
aggregate_session_push(AggregateOp *self, PushData *data, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	const Batch			*in = data->in;
	Arena				*arena = op_scratch(&self->op);
	int32_t				 n = data->n_live;
	KeySlot			   **columns = arena_alloc(arena, sizeof *columns * (size_t)(self->n_slots + 1));
	Group			   **groups = arena_alloc(arena, sizeof *groups * (size_t)(n + 1));
	uint32_t			*hashes = arena_alloc(arena, sizeof *hashes * (size_t)(n + 1));
	uint32_t			*new_rows = arena_alloc(arena, sizeof *new_rows * (size_t)(n + 1));
	int32_t				 n_new;
	Run					 run = {0};
	bool				 is_taken;

	if (in->event_time == NULL)
		return error_bug(err, "A windowed aggregate needs event time");
	TRY(session_spill_rows(self, data, &is_taken, err));
	if (is_taken)
		return OK;
	for (int k = 0; k < spec->n_keys; k++) {
		columns[k] = data->slots[k];
		if (data->live == NULL)
			continue;
		columns[k] = arena_alloc(arena, sizeof(KeySlot) * (size_t)(n + 1));
		for (int32_t i = 0; i < n; i++)
			columns[k][i] = data->slots[k][data->live[i]];
	}
	group_table_hash(&self->groups, columns, n, hashes);
	TRY(group_table_find(&self->groups, columns, hashes, n, groups, new_rows, &n_new, err));
	run.rows = arena_alloc(arena, sizeof *run.rows * BATCH_ROWS);
	run.sessions = arena_alloc(arena, sizeof *run.sessions * BATCH_ROWS);
	run.events = arena_alloc(arena, sizeof *run.events * (BATCH_ROWS + 64));
	for (int32_t i = 0; i < n; i++) {
		uint32_t row = data->live != NULL ? data->live[i] : (uint32_t)i;
		Time	 t = in->event_time[row];
		Time	 close_time;

		if (data->times_before != NULL)
			self->stream_time = self->sessions->newest_end = data->times_before[row];
		if (t > self->stream_time)
			self->stream_time = t;
		TRY(take_row(self, data, &run, groups[i], row, t, err));
		close_time = time_shift(time_shift(self->stream_time, -spec->window.grace_ms), -spec->window.gap_ms);
		if (spec->emit == AGGREGATE_FINAL && self->sessions->n_heap > 0 && self->sessions->heap[0].end < close_time) {
			TRY(run_take(self, data, &run, err));
			TRY(emit_closed_sessions(self, close_time, err));
		}
	}
	TRY(run_take(self, data, &run, err));
	return sweep(self, err);
}

/* ---- time, flush, end ---- */

Status
aggregate_session_advance(AggregateOp *self, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Time				 close_time = self->stream_time;

	if (spec->emit != AGGREGATE_FINAL)
		return OK;
	if (close_time != INT64_MAX)
		close_time = time_shift(time_shift(close_time, -spec->window.grace_ms), -spec->window.gap_ms);
	return emit_closed_sessions(self, close_time, err);
}

Status
sessions_emit_all(AggregateOp *self, Error *err)
{
	for (uint32_t g = 0; g < self->groups.n_records; g++) {
		Group *group = group_table_at(&self->groups, g);

		if (group->is_live) {
			SessionList *list = group_sessions(self, group);
			Status		 status = emit_sessions(self, list->items, NULL, list->n, ROW_INSERT, err);

			if (status != OK)
				return status;
		}
	}
	return OK;
}

Status
aggregate_session_finish(AggregateOp *self, Error *err)
{
	const AggregateSpec *spec = self->op.spec;

	if (spec->emit != AGGREGATE_AT_END)
		return emit_changed_sessions(self, err);
	return session_has_spilled(self) ? session_spill_finish(self, err) : sessions_emit_all(self, err);
}

Status
aggregate_session_flush(AggregateOp *self, Error *err)
{
	struct Sessions *s = self->sessions;
	StrBuf			 key = {0};
	Status			 status = OK;

	if (emit_changed_sessions(self, err) == FAILED)
		return FAILED;
	if (op_services(&self->op)->state == NULL)
		return OK;
	aggregate_state_flush_removed(self);
	for (uint32_t i = 0; i < s->n_unsaved && status == OK; i++) {
		Session *session = s->unsaved[i];

		session->is_unsaved = false;
		if (session->is_dead) {
			session_free(self, session);
			continue;
		}
		strbuf_clear(&key);
		status = aggregate_state_key(self, session->group, session->start, session->end, &key, err);
		/* The event time of a session is its end; the slot tells whether it was emitted. */
		aggregate_state_put(self, strbuf_str(&key), session->was_emitted, (const char *)session);
		session->is_stored = true;
	}
	s->n_unsaved = 0;
	strbuf_free(&key);
	remove_empty_groups(self);
	return status;
}

static Status
load_session(void *context, Str key, Str value, Error *err)
{
	AggregateOp			*self = context;
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	ArenaMark			 mark = arena_mark(arena);
	Time				 start, end, was_emitted;
	size_t				 used;
	Session				*session;
	Group				*group;

	TRY(aggregate_state_load_key(self, key, &group, &start, &end, &used, err));
	session = session_new(self, group, start, end);
	list_insert(group_sessions(self, group), session);
	TRY(aggregate_state_load_items(self, value, &was_emitted, (char *)session, err));
	session->is_stored = true;
	session->was_emitted = was_emitted != 0;
	if (spec->emit == AGGREGATE_FINAL && !session->was_emitted)
		heap_add(self->sessions, (HeapEntry){end, start, group->number});
	arena_rewind(arena, mark);
	return aggregate_account(self, err);
}

void
session_join(AggregateOp *self, Group *group, Session *session)
{
	const AggregateSpec *spec = self->op.spec;
	int64_t				 gap = spec->window.gap_ms;
	SessionList			*list = group_sessions(self, group);
	Session				*first = NULL;

	/* Sessions of a list are in order of their start. */
	for (uint32_t i = 0; i < list->n;) {
		Session *old = list->items[i];

		if (old->end < time_shift(session->start, -gap) || old->start > time_shift(session->end, gap)) {
			i++;
			continue;
		}
		if (first == NULL)
			first = old;
		for (int a = 0; a < spec->n_items && first != old; a++)
			item_merge(&self->items[a], (char *)first, (char *)old);
		first->start = old->start < first->start ? old->start : first->start;
		first->end = old->end > first->end ? old->end : first->end;
		list_remove(list, i);
		if (first != old)
			session_drop(self, old);
	}
	if (first == NULL) {
		list_insert(list, session);
		return;
	}
	for (int a = 0; a < spec->n_items; a++)
		item_merge(&self->items[a], (char *)first, (char *)session);
	first->start = session->start < first->start ? session->start : first->start;
	first->end = session->end > first->end ? session->end : first->end;
	session_drop(self, session);
	list_insert(list, first);
}

/* Takes over the sessions of a clone: those that overlap become one. */
Status
aggregate_session_merge(AggregateOp *self, AggregateOp *other, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	KeySlot			   **columns = arena_alloc(arena, sizeof *columns * (size_t)(self->n_slots + 1));

	if (session_spill_must_merge(self, other))
		return session_spill_merge(self, other, err);
	for (int k = 0; k < spec->n_keys; k++)
		columns[k] = arena_new(arena, KeySlot);
	for (uint32_t g = 0; g < other->groups.n_records; g++) {
		Group		*theirs = group_table_at(&other->groups, g), *group;
		SessionList *from = group_sessions(other, theirs);
		uint32_t	 new_row;
		int32_t		 n_new;

		if (!theirs->is_live)
			continue;
		for (int k = 0; k < spec->n_keys; k++)
			*columns[k] = group_key(&other->groups, theirs, k);
		TRY(group_table_find(&self->groups, columns, &theirs->hash, 1, &group, &new_row, &n_new, err));
		for (uint32_t i = 0; i < from->n; i++) {
			const Session *source = from->items[i];
			Session		  *copy = session_new(self, group, source->start, source->end);

			for (int a = 0; a < spec->n_items; a++)
				item_merge(&self->items[a], (char *)copy, (const char *)source);
			session_join(self, group, copy);
		}
	}
	return aggregate_account(self, err);
}
