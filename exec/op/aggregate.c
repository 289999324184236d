/*
 * GROUP BY over batches.
 *
 * A push evaluates keys and arguments over the whole batch, turns rows into entries (row, window), finds the groups of all
 * entries at once, and lets each aggregate step over them: one call per aggregate and batch.  Where every change is
 * wanted, step also gives the result after each row.
 *
 * Time windows.  The window's start is part of the group's key.  For each row, in order:
 *	stream time := max(stream time, t)
 *	for each window of t, by rising start: end > stream time - grace ? it is updated : the row is late for it
 *	EMIT FINAL: C = stream time - grace; windows with end <= C are emitted, by rising start, then key bytes, and dropped
 * Rows that come before the first one that closes a window are taken together: what lies between two closings is
 * independent of how the input was cut into batches.
 *
 * Retention.  A window is dropped when start < newest start - retention.  With loses_expired_windows that holds before
 * the emission of closed windows (a jump in time loses those in between, as in ksqlDB), else after it.
 */
#include "exec/op/aggregate_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/key.h"

enum {
	/* Entries of one look-up. */
	ENTRIES_MAX = BATCH_ROWS,
};

static bool
is_windowed(const AggregateSpec *spec)
{
	return spec->window.kind != WINDOW_NONE;
}

static bool
has_time_window(const AggregateSpec *spec)
{
	return spec->window.kind == WINDOW_TUMBLING || spec->window.kind == WINDOW_HOPPING;
}

/* Windows are indexed by start where they close or expire. */
static bool
has_buckets(const AggregateSpec *spec)
{
	return has_time_window(spec) && spec->emit != AGGREGATE_AT_END;
}

Time
aggregate_window_end(const AggregateOp *self, Time start)
{
	const AggregateSpec *spec = self->op.spec;

	return time_shift(start, spec->window.size_ms);
}

/* ---- opening ---- */

static Status
aggregate_open(Op *op, Error *err)
{
	AggregateOp			*self = op_cast(AggregateOp, op, &op_aggregate);
	const AggregateSpec *spec = op->spec;
	const Type		   **types = arena_array(&op->arena, const Type *, spec->n_keys + 3);
	uint32_t			 offset = 0, align = 8;

	self->is_compacting = op_services(op)->is_compacting && spec->emit == AGGREGATE_CHANGES;
	self->stream_time = INT64_MIN;
	self->newest_start = INT64_MIN;
	self->keys = arena_array(&op->arena, Program *, spec->n_keys + 1);
	for (int k = 0; k < spec->n_keys; k++) {
		TRY(program_compile(&op->arena, spec->keys[k], &self->keys[k], err));
		types[k] = spec->keys[k]->type;
	}
	self->n_slots = spec->n_keys;
	self->window_slot = has_time_window(spec) || spec->input_is_windowed ? self->n_slots++ : -1;
	self->set_slot = spec->n_grouping_sets > 0 ? self->n_slots++ : -1;

	self->items = arena_array(&op->arena, Item, spec->n_items + 1);
	for (int i = 0; i < spec->n_items; i++) {
		Item *item = &self->items[i];

		item->owner = self;
		item->number = i;
		TRY(item_open(op, item, &spec->items[i], spec->window.kind == WINDOW_SESSION, &item->used_bytes, err));
		self->has_distinct |= item->distinct != NULL;
		if (item_state_align(item) > align)
			align = 16;
		offset = (offset + item_state_align(item) - 1) & ~(item_state_align(item) - 1);
		item->offset = offset;
		offset = (offset + item->state_size + 7) & ~7u;
	}
	self->states_size = offset;
	if (spec->window.kind == WINDOW_SESSION)
		return aggregate_session_open(self, err);
	group_table_init(&self->groups, &op->arena, types, self->n_slots, self->states_size, align, op_services(op)->budget);
	for (int i = 0; i < spec->n_items; i++)
		self->items[i].offset += self->groups.state_offset;
	if (op_services(op)->state != NULL)
		TRY(aggregate_state_load(self, err));
	if (spec->is_table)
		TRY(aggregate_table_open(self, err));
	aggregate_spill_open(self);
	return spec->ttl_ms > 0 ? aggregate_ttl_open(self, err) : OK;
}

void
aggregate_destroy_states(AggregateOp *self)
{
	const AggregateSpec *spec = self->op.spec;
	bool				 has_destroy = false;

	for (int i = 0; i < spec->n_items && self->items[i].function != NULL; i++)
		has_destroy |= self->sessions == NULL && (self->items[i].is_ordered || self->items[i].function->destroy != NULL);
	for (uint32_t g = 0; has_destroy && g < self->groups.n_records; g++) {
		Group *group = group_table_at(&self->groups, g);

		for (int i = 0; group->is_live && i < spec->n_items; i++)
			item_destroy(&self->items[i], (char *)group);
	}
}

static void
aggregate_close(Op *op)
{
	AggregateOp			*self = op_cast(AggregateOp, op, &op_aggregate);
	const AggregateSpec *spec = op->spec;

	if (self->items == NULL)
		return;
	aggregate_session_close(self);
	aggregate_destroy_states(self);
	aggregate_spill_close(self);
	for (int i = 0; i < spec->n_items && self->items[i].function != NULL; i++)
		item_close(&self->items[i]);
	if (self->groups.types != NULL)
		group_table_free(&self->groups);
	for (uint32_t b = 0; b < self->n_buckets; b++)
		free(self->buckets[b].groups);
	free(self->buckets);
	free(self->changed);
	free(self->unsaved);
	strbuf_free(&self->removed);
	key_timer_close(&self->timer);
	state_table_close(self->rows);
	if (op_services(op)->budget != NULL)
		budget_release(op_services(op)->budget, self->reserved_bytes);
}

/* ---- memory ---- */

/* That whose states take most. */
static const Item *
greatest_item(const AggregateOp *self)
{
	const AggregateSpec *spec = self->op.spec;
	const Item			*greatest = NULL;

	for (int i = 0; i < spec->n_items; i++)
		if (greatest == NULL || self->items[i].used_bytes > greatest->used_bytes)
			greatest = &self->items[i];
	return greatest;
}

Status
item_reserve(const AggregateOp *self, const Item *item, int64_t bytes, Error *err)
{
	char what[128];

	snprintf(what, sizeof what, "the values that %s gathers", item->function->name);
	if (budget_reserve(op_services(&self->op)->budget, bytes, what, err) == OK)
		return OK;
	return error_hint(err, "The array or text of one group must fit into memory: raise the limit with SET 'memory.limit'='...', or let %s gather less, "
					  "with FILTER (WHERE ...) or smaller groups.", item->function->name);
}

static Status
reserve_states(AggregateOp *self, int64_t bytes, Error *err)
{
	const Item *item = greatest_item(self);

	/* Is it values, or many groups? */
	if (item == NULL || item->used_bytes < self->used_bytes || item->used_bytes < self->groups.n_groups * 64)
		return budget_reserve(op_services(&self->op)->budget, bytes, "GROUP BY", err);
	return item_reserve(self, item, bytes, err);
}

Status
aggregate_account(AggregateOp *self, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	MemoryBudget		*budget = op_services(&self->op)->budget;
	int64_t				 missing = self->used_bytes - self->reserved_bytes;

	for (int i = 0; i < spec->n_items; i++)
		missing += self->items[i].used_bytes;

	self->op.state_rows = self->groups.n_groups;
	op_note_memory(&self->op, self->groups.reserved_bytes + self->reserved_bytes);
	if (budget == NULL)
		return OK;
	if (missing > 0) {
		missing += 1 << 16;
		if (self->may_overdraw)
			budget_take(budget, missing);
		else
			TRY(reserve_states(self, missing, err));
		self->reserved_bytes += missing;
	} else if (missing < -(1 << 20)) {
		budget_release(budget, -missing);
		self->reserved_bytes += missing;
	}
	return OK;
}

/* ---- buckets of windows ---- */

static void
bucket_add(AggregateOp *self, Time start, uint32_t group)
{
	uint32_t	  at = self->n_buckets;
	WindowBucket *bucket;

	/* Nearly always the newest window or one just before it. */
	while (at > 0 && self->buckets[at - 1].start > start)
		at--;
	if (at > 0 && self->buckets[at - 1].start == start) {
		bucket = &self->buckets[at - 1];
	} else {
		grow_array(self->buckets, self->n_buckets, self->bucket_capacity);
		memmove(self->buckets + at + 1, self->buckets + at, (self->n_buckets - at) * sizeof *self->buckets);
		self->n_buckets++;
		bucket = &self->buckets[at];
		*bucket = (WindowBucket){.start = start};
	}
	grow_array(bucket->groups, bucket->n_groups, bucket->capacity);
	bucket->groups[bucket->n_groups++] = group;
	if (start > self->newest_start)
		self->newest_start = start;
}

void
aggregate_remove_group(AggregateOp *self, Group *group)
{
	const AggregateSpec *spec = self->op.spec;

	if (group->is_stored)
		aggregate_state_removed(self, group);
	for (int i = 0; i < spec->n_items; i++)
		item_destroy(&self->items[i], (char *)group);
	group_table_remove(&self->groups, group);
}

void
aggregate_remove_groups(AggregateOp *self, Group *const *groups, uint32_t n)
{
	const AggregateSpec *spec = self->op.spec;

	if (self->has_distinct && n > 0) {
		bool *is_dead = xcalloc(self->groups.n_records + 1, sizeof *is_dead);

		for (uint32_t g = 0; g < n; g++)
			is_dead[groups[g]->number] = true;
		for (int i = 0; i < spec->n_items; i++)
			item_forget(&self->items[i], is_dead, self->groups.n_records);
		free(is_dead);
	}
	for (uint32_t g = 0; g < n; g++)
		aggregate_remove_group(self, groups[g]);
}

/* Drops the first n buckets and their groups. */
static void
buckets_drop(AggregateOp *self, uint32_t n)
{
	const AggregateSpec *spec = self->op.spec;
	bool				*is_dead = NULL;

	if (n == 0)
		return;
	if (self->has_distinct)
		is_dead = xcalloc(self->groups.n_records + 1, sizeof *is_dead);
	if (is_dead != NULL) {
		for (uint32_t b = 0; b < n; b++)
			for (uint32_t g = 0; g < self->buckets[b].n_groups; g++)
				is_dead[self->buckets[b].groups[g]] = true;
		for (int i = 0; i < spec->n_items; i++)
			item_forget(&self->items[i], is_dead, self->groups.n_records);
	}
	for (uint32_t b = 0; b < n; b++) {
		for (uint32_t g = 0; g < self->buckets[b].n_groups; g++)
			aggregate_remove_group(self, group_table_at(&self->groups, self->buckets[b].groups[g]));
		free(self->buckets[b].groups);
	}
	free(is_dead);
	self->n_buckets -= n;
	memmove(self->buckets, self->buckets + n, self->n_buckets * sizeof *self->buckets);
}

static int64_t
window_retention(const AggregateSpec *spec)
{
	int64_t least = time_shift(spec->window.size_ms, spec->window.grace_ms);

	return spec->window.retention_ms > least ? spec->window.retention_ms : least;
}

static Status
expire_windows(AggregateOp *self, Error *err)
{
	Time	 oldest;
	uint32_t n = 0;

	if (self->n_buckets == 0 || self->newest_start < 0)
		return OK;
	oldest = self->newest_start - window_retention(self->op.spec);
	while (n < self->n_buckets && self->buckets[n].start < oldest)
		n++;
	if (n > 0 && self->n_changed > 0)
		TRY(aggregate_emit_changed(self, err));
	buckets_drop(self, n);
	return OK;
}

/* ---- emission ---- */

Status
aggregate_emit_rows(AggregateOp *self, const OutRows *rows, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	Batch				*out;
	int					 c = 0;

	if (rows->n == 0)
		return OK;
	out = batch_new(arena, self->op.n_columns > 0 ? self->op.n_columns : spec->n_keys + spec->n_items + 3, rows->n);
	for (int k = 0; k < spec->n_keys; k++)
		out->columns[c++] = rows->keys[k];
	for (int i = 0; i < spec->n_items; i++)
		out->columns[c++] = rows->results[i];
	if (rows->grouping != NULL) {
		Vector *v = vector_new(arena, type_bigint, 0);

		*v = (Vector){.type = type_bigint, .n_rows = rows->n, .capacity = rows->n, .data = rows->grouping};
		out->columns[c++] = v;
	}
	out->window_start = rows->window_start;
	out->window_end = rows->window_end;
	if (is_windowed(spec))
		for (int b = 0; b < 2; b++) {
			Vector *v = arena_new(arena, Vector);

			*v = (Vector){.type = type_bigint, .n_rows = rows->n, .capacity = rows->n,
						  .data = b == 0 ? rows->window_start : rows->window_end};
			out->columns[c++] = v;
		}
	out->n_columns = c;
	out->event_time = rows->time;
	out->row_kind = rows->kind;
	out->headers = rows->headers;
	return op_emit_loop(&self->op, out, err);
}

Status
aggregate_emit_groups(AggregateOp *self, Group *const *groups, uint32_t n, RowKind kind, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	Status				 status = OK;

	for (uint32_t first = 0; first < n && status == OK; first += BATCH_ROWS) {
		ArenaMark mark = arena_mark(arena);
		OutRows	  out = {.n = (int32_t)(n - first < BATCH_ROWS ? n - first : BATCH_ROWS)};
		size_t	  size = (size_t)out.n;

		groups += first > 0 ? BATCH_ROWS : 0;
		out.keys = arena_alloc(arena, sizeof *out.keys * (size_t)(spec->n_keys + 1));
		out.results = arena_alloc(arena, sizeof *out.results * (size_t)(spec->n_items + 1));
		for (int k = 0; k < spec->n_keys; k++)
			TRY(group_table_key_vector(&self->groups, groups, out.n, k, arena, &out.keys[k], err));
		for (int i = 0; i < spec->n_items; i++) {
			out.results[i] = vector_new(arena, spec->items[i].type, out.n);
			for (int32_t g = 0; g < out.n; g++)
				TRY(item_result(&self->items[i], (const char *)groups[g], out.results[i], g, arena, err));
		}
		out.time = arena_alloc(arena, sizeof *out.time * size);
		for (int32_t g = 0; g < out.n; g++)
			out.time[g] = groups[g]->time == INT64_MIN ? 0 : groups[g]->time;
		if (self->window_slot >= 0) {
			out.window_start = arena_alloc(arena, sizeof(int64_t) * size);
			out.window_end = arena_alloc(arena, sizeof(int64_t) * size);
			for (int32_t g = 0; g < out.n; g++) {
				KeySlot slot = group_key(&self->groups, groups[g], self->window_slot);

				out.window_start[g] = (int64_t)slot.low;
				out.window_end[g] = spec->input_is_windowed ? (int64_t)slot.high : aggregate_window_end(self, (Time)slot.low);
			}
		}
		if (self->set_slot >= 0) {
			out.grouping = arena_alloc(arena, sizeof(int64_t) * size);
			for (int32_t g = 0; g < out.n; g++) {
				uint64_t all = spec->n_keys >= 64 ? ~UINT64_C(0) : ((uint64_t)1 << spec->n_keys) - 1;

				out.grouping[g] = (int64_t)(all & ~spec->grouping_sets[group_key(&self->groups, groups[g], self->set_slot).low]);
			}
		}
		if (kind != ROW_INSERT)
			out.kind = memset(arena_alloc(arena, size), (int)kind, size);
		status = aggregate_emit_rows(self, &out, err);
		arena_rewind(arena, mark);
	}
	return status;
}

void
aggregate_group_changed(AggregateOp *self, Group *group)
{
	if (self->is_compacting && !group->is_changed) {
		group->is_changed = true;
		grow_array(self->changed, self->n_changed, self->changed_capacity);
		self->changed[self->n_changed++] = group;
	}
	if (op_services(&self->op)->state != NULL && !group->is_unsaved) {
		group->is_unsaved = true;
		grow_array(self->unsaved, self->n_unsaved, self->unsaved_capacity);
		self->unsaved[self->n_unsaved++] = group;
	}
}

/* Of the changed groups those without rows are deleted; the others move together. */
static Status
emit_emptied(AggregateOp *self, uint32_t *n, Error *err)
{
	Group	**empty = arena_alloc(op_scratch(&self->op), sizeof *empty * (*n + 1));
	uint32_t  n_empty = 0, n_left = 0;

	for (uint32_t i = 0; i < *n; i++)
		if (aggregate_group_is_empty(self, self->changed[i]))
			empty[n_empty++] = self->changed[i];
		else
			self->changed[n_left++] = self->changed[i];
	*n = n_left;
	TRY(aggregate_emit_groups(self, empty, n_empty, ROW_DELETE, err));
	for (uint32_t i = 0; i < n_empty; i++)
		aggregate_remove_group(self, empty[i]);
	return OK;
}

Status
aggregate_emit_changed(AggregateOp *self, Error *err)
{
	uint32_t n = 0;

	/* A record may have been freed and taken again meanwhile: it stands twice, but is changed once. */
	for (uint32_t i = 0; i < self->n_changed; i++)
		if (self->changed[i]->is_live && self->changed[i]->is_changed) {
			self->changed[i]->is_changed = false;
			self->changed[n++] = self->changed[i];
		}
	self->n_changed = 0;
	if (((const AggregateSpec *)self->op.spec)->drops_empty_groups)
		TRY(emit_emptied(self, &n, err));
	return aggregate_emit_groups(self, self->changed, n, ROW_UPSERT, err);
}

typedef struct SortedGroup {
	Group *group;
	Str	   key;
} SortedGroup;

static int
sorted_group_compare(const void *a, const void *b)
{
	return str_compare(((const SortedGroup *)a)->key, ((const SortedGroup *)b)->key);
}

/* Emits the windows that end at or before `close_time`, and drops them. */
static Status
emit_closed_windows(AggregateOp *self, Time close_time, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	int64_t				 retention = window_retention(spec);
	Status				 status = OK;
	uint32_t			 n = 0;

	for (; n < self->n_buckets && self->buckets[n].start <= time_shift(close_time, -spec->window.size_ms); n++) {
		WindowBucket *bucket = &self->buckets[n];
		Arena		 *arena = op_scratch(&self->op);
		ArenaMark	  mark = arena_mark(arena);
		SortedGroup	 *sorted;
		Group		**groups;
		StrBuf		  key = {0};

		if ((spec->loses_expired_windows && bucket->start < self->newest_start - retention) || status == DONE)
			continue;
		sorted = arena_alloc(arena, sizeof *sorted * (bucket->n_groups + 1));
		groups = arena_alloc(arena, sizeof(Group *) * (bucket->n_groups + 1));
		for (uint32_t g = 0; g < bucket->n_groups; g++) {
			Group *group = group_table_at(&self->groups, bucket->groups[g]);

			strbuf_clear(&key);
			if (group_table_key_bytes(&self->groups, group, spec->n_keys, arena, &key, err) == FAILED) {
				strbuf_free(&key);
				return FAILED;
			}
			sorted[g] = (SortedGroup){group, {arena_memdup(arena, strbuf_text(&key), key.length), key.length}};
		}
		strbuf_free(&key);
		qsort(sorted, bucket->n_groups, sizeof *sorted, sorted_group_compare);
		for (uint32_t g = 0; g < bucket->n_groups; g++)
			groups[g] = sorted[g].group;
		status = aggregate_emit_groups(self, groups, bucket->n_groups, ROW_UPSERT, err);
		arena_rewind(arena, mark);
		if (status == FAILED)
			return FAILED;
	}
	buckets_drop(self, n);
	return status;
}

/* ---- rows to groups ---- */

Status
aggregate_eval(AggregateOp *self, const Batch *in, PushData *out, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	EvalContext			*eval = op_services(&self->op)->eval;
	bool				 may_skip = in->row_kind != NULL;

	*out = (PushData){.in = in, .n_live = in->n_rows};
	out->keys = arena_alloc(arena, sizeof *out->keys * (size_t)(spec->n_keys + 1));
	out->slots = arena_alloc(arena, sizeof *out->slots * (size_t)(self->n_slots + 1));
	out->inputs = arena_alloc(arena, sizeof *out->inputs * (size_t)(spec->n_items + 1));
	for (int k = 0; k < spec->n_keys; k++) {
		TRY(program_eval(self->keys[k], eval, in, &out->keys[k], err));
		out->slots[k] = arena_alloc(arena, sizeof(KeySlot) * (size_t)in->n_rows);
		key_slots(out->keys[k], in->n_rows, out->slots[k], arena);
		may_skip |= spec->skips_null_keys && vector_base(out->keys[k])->validity != NULL;
	}
	for (int i = 0; i < spec->n_items; i++)
		TRY(item_eval(&self->items[i], eval, arena, in, &out->inputs[i], err));
	if (may_skip) {
		out->live = arena_alloc(arena, sizeof *out->live * (size_t)in->n_rows);
		out->n_live = 0;
		for (int32_t i = 0; i < in->n_rows; i++) {
			bool is_live = !row_kind_is_null(batch_row_kind(in, i));

			for (int k = 0; spec->skips_null_keys && k < spec->n_keys && is_live; k++)
				is_live = vector_is_valid(out->keys[k], i);
			if (is_live)
				out->live[out->n_live++] = (uint32_t)i;
		}
		if (out->n_live == in->n_rows)
			out->live = NULL;
	}
	return OK;
}

/* Finds or makes the groups of keys; new ones get initial states. */
Status
aggregate_find(AggregateOp *self, KeySlot **columns, int32_t n, Group **groups, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	uint32_t			*hashes = arena_alloc(arena, sizeof *hashes * (size_t)n);
	uint32_t			*new_rows = arena_alloc(arena, sizeof *new_rows * (size_t)n);
	int32_t				 n_new;

	group_table_hash(&self->groups, columns, n, hashes);
	TRY(group_table_find(&self->groups, columns, hashes, n, groups, new_rows, &n_new, err));
	for (int32_t i = 0; i < n_new; i++) {
		Group *group = groups[new_rows[i]];

		/* A session has its own states. */
		for (int a = 0; a < spec->n_items && self->sessions == NULL; a++)
			item_init(&self->items[a], (char *)group);
		if (has_buckets(spec))
			bucket_add(self, (Time)group_key(&self->groups, group, self->window_slot).low, group->number);
	}
	return OK;
}

/*
 * Takes n entries: rows[i] (NULL: row i) into window starts[i] (NULL: no window), in grouping set `set` (-1: none).
 */
static Status
take_entries(AggregateOp *self, const PushData *data, const uint32_t *rows, const Time *starts, int set, int32_t n,
			 Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	const Batch			*in = data->in;
	Arena				*arena = op_scratch(&self->op);
	KeySlot			   **columns = arena_alloc(arena, sizeof *columns * (size_t)(self->n_slots + 1));
	Group			   **groups = arena_alloc(arena, sizeof *groups * (size_t)n);
	uint32_t			*group_ids = NULL;
	bool				 emits = spec->emit == AGGREGATE_CHANGES && !self->is_compacting;
	OutRows				 out = {.n = n};
	bool				 is_single;

	if (n == 0)
		return OK;
	if (self->spill != NULL)
		TRY(aggregate_spill_make_room(self, n, err));
	for (int k = 0; k < spec->n_keys; k++) {
		if (rows == NULL && set < 0) {
			columns[k] = data->slots[k];
			continue;
		}
		columns[k] = arena_alloc(arena, sizeof(KeySlot) * (size_t)n);
		if (set >= 0 && !(spec->grouping_sets[set] >> k & 1)) {
			KeySlot null;

			key_slot_null(spec->keys[k]->type, &null);
			for (int32_t i = 0; i < n; i++)
				columns[k][i] = null;
		} else {
			for (int32_t i = 0; i < n; i++)
				columns[k][i] = data->slots[k][rows != NULL ? rows[i] : (uint32_t)i];
		}
	}
	if (self->window_slot >= 0) {
		KeySlot *slots = columns[self->window_slot] = arena_alloc(arena, sizeof(KeySlot) * (size_t)n);

		for (int32_t i = 0; i < n; i++) {
			uint32_t row = rows != NULL ? rows[i] : (uint32_t)i;

			if (starts != NULL)
				slots[i] = (KeySlot){(uint64_t)starts[i], 0};
			else
				slots[i] = (KeySlot){(uint64_t)(in->window_start != NULL ? in->window_start[row] : 0),
									 (uint64_t)(in->window_end != NULL ? in->window_end[row] : 0)};
		}
	}
	if (self->set_slot >= 0) {
		KeySlot *slots = columns[self->set_slot] = arena_alloc(arena, sizeof(KeySlot) * (size_t)n);

		for (int32_t i = 0; i < n; i++)
			slots[i] = (KeySlot){(uint64_t)set, 0};
	}
	TRY(aggregate_find(self, columns, n, groups, err));
	is_single = self->groups.n_groups == 1;
	if (self->has_distinct) {
		group_ids = arena_alloc(arena, sizeof *group_ids * (size_t)n);
		for (int32_t i = 0; i < n; i++)
			group_ids[i] = groups[i]->number;
	}
	if (emits)
		out.results = arena_alloc(arena, sizeof *out.results * (size_t)(spec->n_items + 1));
	for (int a = 0; a < spec->n_items; a++) {
		ItemInput input;

		item_select(&self->items[a], arena, &data->inputs[a], rows, n, &input);
		if (emits)
			out.results[a] = vector_new(arena, spec->items[a].type, n);
		TRY(item_step(&self->items[a], (char *const *)groups, group_ids, &input, n, is_single, arena,
					  emits ? out.results[a] : NULL, err));
	}
	if (emits)
		out.time = arena_calloc(arena, sizeof *out.time * (size_t)n);
	if (in->event_time != NULL)
		for (int32_t i = 0; i < n; i++) {
			Time t = in->event_time[rows != NULL ? rows[i] : (uint32_t)i];

			if (t > groups[i]->time)
				groups[i]->time = t;
			if (emits)
				out.time[i] = groups[i]->time;
		}
	if (self->is_compacting || op_services(&self->op)->state != NULL)
		for (int32_t i = 0; i < n; i++)
			aggregate_group_changed(self, groups[i]);
	if (spec->ttl_ms > 0)
		TRY(aggregate_ttl_note(self, groups, n, err));
	TRY(aggregate_account(self, err));
	if (!emits)
		return OK;

	out.keys = arena_alloc(arena, sizeof *out.keys * (size_t)(spec->n_keys + 1));
	for (int k = 0; k < spec->n_keys; k++) {
		if (set >= 0)
			TRY(group_table_key_vector(&self->groups, groups, n, k, arena, &out.keys[k], err));
		else
			out.keys[k] = rows == NULL ? data->keys[k] : vector_dictionary(arena, data->keys[k], rows, n);
	}
	if (self->window_slot >= 0) {
		out.window_start = arena_alloc(arena, sizeof(int64_t) * (size_t)n);
		out.window_end = arena_alloc(arena, sizeof(int64_t) * (size_t)n);
		for (int32_t i = 0; i < n; i++) {
			const KeySlot *slot = &columns[self->window_slot][i];

			out.window_start[i] = (int64_t)slot->low;
			out.window_end[i] = starts == NULL ? (int64_t)slot->high : aggregate_window_end(self, (Time)slot->low);
		}
	}
	if (set >= 0) {
		out.grouping = arena_alloc(arena, sizeof(int64_t) * (size_t)n);
		for (int32_t i = 0; i < n; i++)
			out.grouping[i] = (int64_t)((((uint64_t)1 << spec->n_keys) - 1) & ~spec->grouping_sets[set]);
	}
	out.kind = memset(arena_alloc(arena, (size_t)n), ROW_UPSERT, (size_t)n);
	if (in->headers != NULL)
		out.headers = rows == NULL ? in->headers : vector_dictionary(arena, in->headers, rows, n);
	return aggregate_emit_rows(self, &out, err);
}

static Status
push_plain(AggregateOp *self, const PushData *data, Error *err)
{
	const AggregateSpec *spec = self->op.spec;

	if (spec->n_grouping_sets == 0)
		return take_entries(self, data, data->live, NULL, -1, data->n_live, err);
	for (int s = 0; s < spec->n_grouping_sets; s++)
		TRY(take_entries(self, data, data->live, NULL, s, data->n_live, err));
	return OK;
}

static Status
take_windows(AggregateOp *self, const PushData *data, const uint32_t *rows, const Time *starts, int32_t n, Error *err)
{
	const AggregateSpec *spec = self->op.spec;

	if (spec->n_grouping_sets == 0)
		return take_entries(self, data, rows, starts, -1, n, err);
	for (int s = 0; s < spec->n_grouping_sets; s++)
		TRY(take_entries(self, data, rows, starts, s, n, err));
	return OK;
}

static Status
push_time_windows(AggregateOp *self, const PushData *data, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	const WindowSpec	*window = &spec->window;
	const Batch			*in = data->in;
	Arena				*arena = op_scratch(&self->op);
	int64_t				 per_row = window->kind == WINDOW_TUMBLING ? 1 : window->size_ms / window->advance_ms + 1;
	uint32_t			*rows = arena_alloc(arena, sizeof *rows * ENTRIES_MAX);
	Time				*starts = arena_alloc(arena, sizeof *starts * ENTRIES_MAX);
	Time				 oldest = self->n_buckets > 0 ? self->buckets[0].start : INT64_MAX;
	Time				 current = INT64_MIN;	/* tumbling: start of the window of the row before */
	bool				 is_final = spec->emit == AGGREGATE_FINAL;
	int32_t				 n = 0;

	if (in->event_time == NULL)
		return error_bug(err, "A windowed aggregate needs event time");
	for (int32_t l = 0; l < data->n_live; l++) {
		uint32_t row = data->live != NULL ? data->live[l] : (uint32_t)l;
		Time	 t = in->event_time[row];
		Time	 start;

		if (t > self->stream_time)
			self->stream_time = t;
		if (window->kind == WINDOW_TUMBLING && current != INT64_MIN && t >= current && t < time_shift(current, window->size_ms))
			start = current;
		else
			start = current = window_first_start(window, t);
		for (int64_t w = 0; w < per_row && start <= t; w++, start = time_shift(start, window->advance_ms)) {
			if (spec->has_late_rows && time_shift(start, window->size_ms) <= time_shift(self->stream_time, -window->grace_ms)) {
				self->op.late_rows++;
				op_log_row(&self->op, in, (int32_t)row,
						   "Skipping record for expired window. timestamp=[%lld] window=[%lld,%lld) expiration=[%lld]",
						   (long long)t, (long long)start, (long long)time_shift(start, window->size_ms),
						   (long long)time_shift(self->stream_time, -window->grace_ms));
				continue;
			}
			if (n == ENTRIES_MAX) {
				TRY(take_windows(self, data, rows, starts, n, err));
				n = 0;
			}
			rows[n] = row;
			starts[n++] = start;
			if (start < oldest)
				oldest = start;
			if (window->kind == WINDOW_TUMBLING || start > t - window->advance_ms)
				break;
		}
		if (is_final && oldest <= time_shift(time_shift(self->stream_time, -window->grace_ms), -window->size_ms)) {
			TRY(take_windows(self, data, rows, starts, n, err));
			n = 0;
			TRY(emit_closed_windows(self, time_shift(self->stream_time, -window->grace_ms), err));
			oldest = self->n_buckets > 0 ? self->buckets[0].start : INT64_MAX;
		}
	}
	TRY(take_windows(self, data, rows, starts, n, err));
	if (spec->has_late_rows && spec->emit == AGGREGATE_CHANGES)
		TRY(expire_windows(self, err));
	return OK;
}

static Status
push_rows(AggregateOp *self, const Batch *in, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	PushData			 data;

	TRY(aggregate_eval(self, in, &data, err));
	if (spec->is_table)
		return aggregate_table_push(self, &data, err);
	if (spec->window.kind == WINDOW_SESSION)
		return aggregate_session_push(self, &data, err);
	if (has_time_window(spec))
		return push_time_windows(self, &data, err);
	return push_plain(self, &data, err);
}

static Status
aggregate_push(Op *op, int port, const Batch *in, Error *err)
{
	AggregateOp			*self = op_cast(AggregateOp, op, &op_aggregate);
	const AggregateSpec *spec = op->spec;

	(void)port;
	return spec->ttl_ms > 0 ? aggregate_ttl_push(self, in, push_rows, err) : push_rows(self, in, err);
}

/* ---- time, flush, end ---- */

static Status
aggregate_advance(Op *op, int port, Time time, Error *err)
{
	AggregateOp			*self = op_cast(AggregateOp, op, &op_aggregate);
	const AggregateSpec *spec = op->spec;

	(void)port;
	if (is_windowed(spec) && time > self->stream_time) {
		self->stream_time = time;
		if (spec->window.kind == WINDOW_SESSION) {
			if (aggregate_session_advance(self, err) == FAILED)
				return FAILED;
		} else if (spec->emit == AGGREGATE_FINAL) {
			Time close_time = time == INT64_MAX ? INT64_MAX : time_shift(time, -spec->window.grace_ms);

			if (emit_closed_windows(self, close_time, err) == FAILED)
				return FAILED;
		}
	}
	if (spec->ttl_ms > 0 && aggregate_ttl_advance(self, time, err) == FAILED)
		return FAILED;
	return op_advance_outputs(op, time, err);
}

static Status
aggregate_flush(Op *op, Error *err)
{
	AggregateOp			*self = op_cast(AggregateOp, op, &op_aggregate);
	const AggregateSpec *spec = op->spec;

	if (spec->window.kind == WINDOW_SESSION)
		return aggregate_session_flush(self, err);
	if (aggregate_emit_changed(self, err) == FAILED)
		return FAILED;
	return op_services(op)->state != NULL ? aggregate_state_flush(self, err) : OK;
}

/* The group of no keys exists without input; in grouping sets, that of each empty set. */
static Status
make_empty_groups(AggregateOp *self, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	KeySlot			   **columns = arena_alloc(arena, sizeof *columns * (size_t)(self->n_slots + 1));
	Group				*group;

	if (is_windowed(spec) || spec->input_is_windowed)
		return OK;
	if (spec->n_grouping_sets == 0)
		return spec->n_keys == 0 ? aggregate_find(self, columns, 1, &group, err) : OK;
	for (int s = 0; s < spec->n_grouping_sets; s++) {
		if (spec->grouping_sets[s] != 0)
			continue;
		for (int k = 0; k < self->n_slots; k++) {
			columns[k] = arena_new(arena, KeySlot);
			if (k < spec->n_keys)
				key_slot_null(spec->keys[k]->type, columns[k]);
		}
		columns[self->set_slot]->low = (uint64_t)s;
		TRY(aggregate_find(self, columns, 1, &group, err));
	}
	return OK;
}

Status
aggregate_emit_all(AggregateOp *self, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena	 *arena = op_scratch(&self->op);
	ArenaMark mark = arena_mark(arena);
	Group	**groups = arena_alloc(arena, sizeof *groups * BATCH_ROWS);
	Status	  status = OK;

	/* Grouping sets one after the other, whatever order their groups were made in. */
	for (int set = 0; set < (spec->n_grouping_sets > 0 ? spec->n_grouping_sets : 1); set++)
		for (uint32_t next = 0; next < self->groups.n_records && status == OK;) {
			uint32_t n = 0;

			if (op_services(&self->op)->interrupted != NULL && *op_services(&self->op)->interrupted)
				return error_set(err, ERROR_INTERRUPTED, "Interrupted");
			for (; next < self->groups.n_records && n < BATCH_ROWS; next++) {
				Group *group = group_table_at(&self->groups, next);

				if (group->is_live && (self->set_slot < 0 || group_key(&self->groups, group, self->set_slot).low == (uint64_t)set))
					groups[n++] = group;
			}
			status = aggregate_emit_groups(self, groups, n, ROW_INSERT, err);
		}
	arena_rewind(arena, mark);
	return status;
}

static Status
emit_at_end(AggregateOp *self, Error *err)
{
	TRY(make_empty_groups(self, err));
	return aggregate_has_spilled(self) || aggregate_spill_must_finish(self) ? aggregate_spill_finish(self, err) : aggregate_emit_all(self, err);
}

static Status
aggregate_finish(Op *op, int port, Error *err)
{
	AggregateOp			*self = op_cast(AggregateOp, op, &op_aggregate);
	const AggregateSpec *spec = op->spec;
	Status				 status = OK;

	(void)port;
	if (op->n_finished < op->n_inputs)
		return OK;
	if (spec->window.kind == WINDOW_SESSION)
		status = aggregate_session_finish(self, err);
	else if (spec->emit == AGGREGATE_AT_END)
		status = emit_at_end(self, err);
	else
		status = aggregate_emit_changed(self, err);
	if (status == FAILED)
		return FAILED;
	return op_finish_outputs(op, err);
}

/* ---- parallel parts ---- */

/* What a part has of a group that is here too, or has come from it with its states. */
static void
merge_group(AggregateOp *self, AggregateOp *other, const MergedGroup *merged)
{
	const AggregateSpec *spec = self->op.spec;
	char				*into = (char *)merged->group, *from = (char *)merged->theirs;

	for (int a = 0; a < spec->n_items; a++)
		if (from != NULL) {
			if (self->items[a].distinct == NULL)
				item_merge(&self->items[a], into, from);
			item_destroy(&other->items[a], from);
		} else if (self->items[a].distinct != NULL) {
			/* Its tuples come later, and are stepped again. */
			item_destroy(&other->items[a], into);
			memset(into + self->items[a].offset, 0, self->items[a].state_size);
			item_init(&self->items[a], into);
		}
	if (from != NULL && merged->theirs->time > merged->group->time)
		merged->group->time = merged->theirs->time;
}

static Status
aggregate_merge(Op *op, Op *other_op, Error *err)
{
	AggregateOp			*self = op_cast(AggregateOp, op, &op_aggregate);
	AggregateOp			*other = op_cast(AggregateOp, other_op, &op_aggregate);
	const AggregateSpec *spec = op->spec;
	GroupMerge			 merge = {.into = &self->groups, .from = &other->groups};
	MergedGroup			 merged[GROUP_MERGE_ROWS];
	Group			   **map;
	Status				 status = OK;
	int32_t				 n;

	if (aggregate_spill_must_merge(self, other)) {
		self->op.late_rows += other->op.late_rows;
		return aggregate_spill_merge(self, other, err);
	}
	for (int a = 0; a < spec->n_items; a++)
		self->items[a].call.merges_parts = true;
	if (spec->window.kind == WINDOW_SESSION)
		return aggregate_session_merge(self, other, err);
	if (spec->is_table)
		return error_unsupported(err, "An aggregate over a table does not run in parallel");
	map = self->has_distinct ? xcalloc(other->groups.n_records + 1, sizeof *map) : NULL;
	do {
		TRY_OUT(group_merge_next(&merge, merged, &n, err));
		for (int32_t i = 0; i < n; i++) {
			if (map != NULL)
				map[merged[i].number] = merged[i].group;
			if (map != NULL || merged[i].theirs != NULL)
				merge_group(self, other, &merged[i]);
		}
	} while (n > 0);
	for (int a = 0; a < spec->n_items; a++)
		if (self->items[a].distinct != NULL)
			TRY_OUT(item_merge_distinct(&self->items[a], &other->items[a], map, op_scratch(op), err));
	self->op.late_rows += other->op.late_rows;
	if (other->stream_time > self->stream_time)
		self->stream_time = other->stream_time;
out:
	/* What moved is owned here now. */
	for (int a = 0; a < spec->n_items; a++) {
		self->items[a].used_bytes += other->items[a].used_bytes;
		other->items[a].used_bytes = 0;
	}
	free(map);
	return status == OK ? aggregate_account(self, err) : status;
}

static bool
aggregate_can_merge(const void *spec_)
{
	const AggregateSpec *spec = spec_;

	for (int i = 0; i < spec->n_items; i++)
		if (spec->items[i].n_order_by == 0 ? (spec->items[i].function->flags & FUNC_ORDERED) != 0 : spec->items[i].distinct)
			return false;	/* of equal values the first one's sort keys count */
	return !spec->is_table;
}

static void
aggregate_explain(const void *spec_, Explain *out)
{
	static const char *const emits[] = {"every change", "final", "at end"};
	const AggregateSpec		*spec = spec_;

	if (spec->n_keys > 0)
		explain_exprs(out, "keys", (Expr *const *)spec->keys, spec->n_keys);
	if (is_windowed(spec)) {
		StrBuf text = {0};

		window_print(&spec->window, &text);
		explain_text(out, "window", strbuf_text(&text));
		strbuf_free(&text);
	}
	for (int i = 0; i < spec->n_items; i++) {
		const AggregateItem *item = &spec->items[i];
		StrBuf				 text = {0};

		strbuf_printf(&text, "%s(%s", item->function->name, item->distinct ? "DISTINCT " : "");
		for (int a = 0; a < item->n_args; a++) {
			strbuf_add_text(&text, a > 0 ? ", " : "");
			expr_print(item->args[a], &text);
		}
		for (int o = 0; o < item->n_order_by; o++) {
			strbuf_add_text(&text, o > 0 ? ", " : " ORDER BY ");
			expr_print(item->order_by[o], &text);
			if (item->order_descending[o])
				strbuf_add_text(&text, " DESC");
			if (item->order_nulls_first[o] != item->order_descending[o])
				strbuf_add_text(&text, item->order_nulls_first[o] ? " NULLS FIRST" : " NULLS LAST");
		}
		strbuf_add_char(&text, ')');
		if (item->filter != NULL) {
			strbuf_add_text(&text, " FILTER (WHERE ");
			expr_print(item->filter, &text);
			strbuf_add_char(&text, ')');
		}
		explain_text(out, "aggregate", strbuf_text(&text));
		strbuf_free(&text);
	}
	explain_text(out, "emit", emits[spec->emit]);
	if (spec->ttl_ms > 0)
		explain_int(out, "ttl ms", spec->ttl_ms);
	if (spec->is_table)
		explain_text(out, "input", "changes of a table");
	if (spec->n_grouping_sets > 0)
		explain_int(out, "grouping sets", spec->n_grouping_sets);
}

const OpType op_aggregate = {
	.name = "Aggregate",
	.size = sizeof(AggregateOp),
	.ports = 1,
	.open = aggregate_open,
	.push = aggregate_push,
	.advance = aggregate_advance,
	.flush = aggregate_flush,
	.finish = aggregate_finish,
	.close = aggregate_close,
	.merge = aggregate_merge,
	.can_merge = aggregate_can_merge,
	.explain = aggregate_explain,
};
