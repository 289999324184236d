#include "exec/op/group_table.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "data/key.h"

enum {
	FIRST_CAPACITY = 1024,
	/* Above this many entries a look-up misses the cache: fetch ahead. */
	PREFETCH_ABOVE = 1 << 14,
	/* Rows ahead: two misses apart. */
	FETCH_ENTRY = 40,
	FETCH_RECORD = 20,
};

static const uint32_t null_text_length = UINT32_MAX;

/* ---- slots ---- */

static bool
type_slot_is_text(const Type *type)
{
	return type != NULL && (type_is_text(type) || type_is_nested(type));
}

void
key_slot_null(const Type *type, KeySlot *out)
{
	if (type_slot_is_text(type)) {
		*out = (KeySlot){null_text_length, 0};
	} else if (type->kind == TYPE_DECIMAL || type->kind == TYPE_INTERVAL) {
		/* The least 128-bit number has 39 digits: no decimal is that; no interval has all parts at their least. */
		Decimal least = (Decimal)1 << 126;

		least = -least * 2;
		if (type->kind == TYPE_DECIMAL)
			memcpy(out, &least, sizeof least);
		else
			memset(out, 0x80, sizeof *out);
	} else {
		*out = (KeySlot){0, 1};
	}
}

bool
key_slot_is_null(const Type *type, const KeySlot *slot)
{
	KeySlot null;

	if (type_slot_is_text(type))
		return (uint32_t)slot->low == null_text_length;
	key_slot_null(type, &null);
	return slot->low == null.low && slot->high == null.high;
}

/* The bits of a double as a key: one zero, one NaN. */
static uint64_t
double_key(double d)
{
	uint64_t bits;

	if (d == 0)
		d = 0;
	if (d != d)
		return 0x7ff8000000000000ULL;
	memcpy(&bits, &d, sizeof bits);
	return bits;
}

#define FILL(T, low_of)                                                                  \
	do {                                                                                 \
		const T *data = base->data;                                                      \
                                                                                         \
		if (v->form == VECTOR_FLAT)                                                      \
			for (int32_t i = 0; i < n_rows; i++)                                         \
				out[i] = (KeySlot){low_of(data[i]), 0};                                  \
		else                                                                             \
			for (int32_t i = 0; i < n_rows; i++)                                         \
				out[i] = (KeySlot){low_of(data[vector_at(v, i)]), 0};                    \
	} while (0)

#define AS_SIGNED(x) ((uint64_t)(int64_t)(x))

void
key_slots(const Vector *v, int32_t n_rows, KeySlot *out, Arena *arena)
{
	const Vector *base = vector_base(v);

	switch (v->type->kind) {
	case TYPE_BOOLEAN:
		FILL(uint8_t, AS_SIGNED);
		break;
	case TYPE_INTEGER:
	case TYPE_DATE:
	case TYPE_TIME:
		FILL(int32_t, AS_SIGNED);
		break;
	case TYPE_BIGINT:
	case TYPE_TIMESTAMP:
		FILL(int64_t, AS_SIGNED);
		break;
	case TYPE_DOUBLE:
		FILL(double, double_key);
		break;
	case TYPE_DECIMAL:
	case TYPE_INTERVAL:
	case TYPE_STRING:
	case TYPE_BYTES:
		/* 16 bytes each, taken as they are. */
		if (v->form == VECTOR_FLAT)
			memcpy(out, base->data, sizeof *out * (size_t)n_rows);
		else
			for (int32_t i = 0; i < n_rows; i++)
				memcpy(&out[i], (const char *)base->data + 16 * vector_at(v, i), 16);
		break;
	default: {
		StrBuf bytes = {0};

		for (int32_t i = 0; i < n_rows; i++) {
			StrView view;

			strbuf_clear(&bytes);
			key_encode(&v, 1, i, &bytes);
			view = str_view_make(arena_memdup(arena, strbuf_text(&bytes), bytes.length), bytes.length);
			memcpy(&out[i], &view, sizeof view);
		}
		strbuf_free(&bytes);
		break;
	}
	}
	if (base->validity != NULL) {
		KeySlot null;

		key_slot_null(v->type, &null);
		for (int32_t i = 0; i < n_rows; i++)
			if (!bitmap_get(base->validity, vector_at(v, i)))
				out[i] = null;
	}
}

Status
key_slot_get(const Type *type, const KeySlot *slot, Vector *out, int32_t row, Arena *arena, Error *err)
{
	if (key_slot_is_null(type, slot)) {
		vector_set_null(out, arena, row);
		return OK;
	}
	switch (type_is_nested(type) ? 0 : type_width(type)) {
	case 1:
		((uint8_t *)out->data)[row] = (uint8_t)slot->low;
		break;
	case 4:
		((int32_t *)out->data)[row] = (int32_t)slot->low;
		break;
	case 8:
		((uint64_t *)out->data)[row] = slot->low;
		break;
	case 16:
		memcpy((char *)out->data + 16 * (int64_t)row, slot, 16);
		break;
	default: {
		StrView view;
		size_t	at = 0;
		Value	value;

		memcpy(&view, slot, sizeof view);
		TRY(key_decode(type, str_view_str(&view), &at, arena, &value, err));
		vector_set(out, arena, row, &value);
		break;
	}
	}
	return OK;
}

/* ---- hashing ---- */

static inline uint64_t
mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)(a ^ 0x9e3779b97f4a7c15ULL) * (b ^ 0xe7037ed1a0b428dbULL);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t
text_slot_hash(const KeySlot *slot)
{
	uint32_t length = (uint32_t)slot->low;

	if (length <= STR_VIEW_INLINE || length == null_text_length)
		return mix(slot->low, slot->high);
	return hash_bytes((const char *)(uintptr_t)slot->high, length);
}

void
group_table_hash(const GroupTable *table, KeySlot *const *columns, int32_t n_rows, uint32_t *hashes)
{
	if (table->n_keys == 0) {
		memset(hashes, 0, sizeof *hashes * (size_t)n_rows);
		return;
	}
	if (table->n_keys == 1) {
		const KeySlot *slots = columns[0];

		if (table->is_text[0])
			for (int32_t i = 0; i < n_rows; i++)
				hashes[i] = (uint32_t)(text_slot_hash(&slots[i]) >> 16);
		else
			for (int32_t i = 0; i < n_rows; i++)
				hashes[i] = (uint32_t)(mix(slots[i].low, slots[i].high) >> 16);
		return;
	}
	for (int32_t i = 0; i < n_rows; i++) {
		uint64_t hash = 0;

		for (int k = 0; k < table->n_keys; k++) {
			const KeySlot *slot = &columns[k][i];

			hash = mix(hash + (table->is_text[k] ? text_slot_hash(slot) : mix(slot->low, slot->high)), (uint64_t)k);
		}
		hashes[i] = (uint32_t)(hash >> 16);
	}
}

/* ---- the table ---- */

void
group_table_init(GroupTable *table, Arena *arena, const Type *const *types, int n_keys, uint32_t state_size,
				 MemoryBudget *budget)
{
	*table = (GroupTable){.n_keys = n_keys, .budget = budget};
	table->types = arena_array(arena, const Type *, n_keys + 1);
	table->is_text = arena_array(arena, bool, n_keys + 1);
	for (int k = 0; k < n_keys; k++) {
		table->types[k] = types[k];
		table->is_text[k] = type_slot_is_text(types[k]);
	}
	table->state_offset = (uint32_t)((sizeof(Group) + sizeof(KeySlot) * (size_t)n_keys + 15) & ~(size_t)15);
	table->record_size = (table->state_offset + state_size + 15) & ~15u;
}

static bool
slot_is_far(const KeySlot *slot)
{
	uint32_t length = (uint32_t)slot->low;

	return length > STR_VIEW_INLINE && length != null_text_length;
}

static void
group_free_text(GroupTable *table, Group *group)
{
	for (int k = 0; k < table->n_keys; k++)
		if (table->is_text[k] && slot_is_far(&group->keys[k])) {
			free((void *)(uintptr_t)group->keys[k].high);
			table->text_bytes -= (uint32_t)group->keys[k].low;
		}
}

size_t
key_slot_far_bytes(const GroupTable *table, int key, const KeySlot *slot)
{
	return table->is_text[key] && slot_is_far(slot) ? (uint32_t)slot->low : 0;
}

int64_t
group_table_growth(const GroupTable *table, int32_t n)
{
	int64_t capacity = table->entries != NULL ? (int64_t)table->mask + 1 : 0;
	int64_t n_chunks = ((int64_t)table->n_records + n - 1) / (1 << GROUP_CHUNK_BITS) + 1 - table->n_chunks;
	int64_t bytes = (n_chunks > 0 ? n_chunks : 0) * ((int64_t)table->record_size << GROUP_CHUNK_BITS);

	if ((table->n_groups + n) * 3 >= capacity * 2)
		bytes += (capacity > 0 ? 2 * capacity : FIRST_CAPACITY) * (int64_t)sizeof(GroupEntry);
	return bytes;
}

void
group_table_clear(GroupTable *table)
{
	GroupTable empty = {.n_keys = table->n_keys, .types = table->types, .is_text = table->is_text, .state_offset = table->state_offset,
						.record_size = table->record_size, .budget = table->budget, .may_overdraw = table->may_overdraw};

	group_table_free(table);
	*table = empty;
}

void
group_table_free(GroupTable *table)
{
	bool has_text = false;

	for (int k = 0; k < table->n_keys; k++)
		has_text |= table->is_text[k];
	if (has_text)
		for (uint32_t i = 0; i < table->n_records; i++)
			if (group_table_at(table, i)->is_live)
				group_free_text(table, group_table_at(table, i));
	for (uint32_t i = 0; i < table->n_chunks; i++)
		free(table->chunks[i]);
	free(table->chunks);
	free(table->entries);
	free(table->free_numbers);
	if (table->budget != NULL)
		budget_release(table->budget, table->reserved_bytes);
	*table = (GroupTable){.n_keys = 0};
}

static Status
table_reserve(GroupTable *table, int64_t bytes, Error *err)
{
	if (table->may_overdraw)
		budget_take(table->budget, bytes);
	else if (table->budget != NULL)
		TRY(budget_reserve(table->budget, bytes, "GROUP BY", err));
	table->reserved_bytes += bytes;
	return OK;
}

static Status
table_grow(GroupTable *table, Error *err)
{
	uint64_t	capacity = table->entries == NULL ? FIRST_CAPACITY : ((uint64_t)table->mask + 1) * 2;
	uint32_t	mask = (uint32_t)(capacity - 1);
	GroupEntry *entries;

	if (capacity > (uint64_t)1 << 31)
		return error_fatal(err, "GROUP BY has more than %lld groups", (long long)table->n_groups);
	TRY(table_reserve(table, (int64_t)(capacity * sizeof *entries), err));
	entries = xcalloc(capacity, sizeof *entries);
	if (table->entries != NULL) {
		for (uint64_t i = 0; i <= table->mask; i++) {
			uint32_t at = table->entries[i].hash & mask;

			if (table->entries[i].number == 0)
				continue;
			while (entries[at].number != 0)
				at = (at + 1) & mask;
			entries[at] = table->entries[i];
		}
		free(table->entries);
		if (table->budget != NULL)
			budget_release(table->budget, (int64_t)(capacity / 2 * sizeof *entries));
		table->reserved_bytes -= (int64_t)(capacity / 2 * sizeof *entries);
	}
	table->entries = entries;
	table->mask = mask;
	return OK;
}

static Status
table_new_record(GroupTable *table, KeySlot *const *columns, int32_t row, uint32_t hash, Group **out, Error *err)
{
	uint32_t number;
	Group	*group;

	if (table->n_free > 0) {
		number = table->free_numbers[--table->n_free];
	} else {
		number = table->n_records;
		if (number >> GROUP_CHUNK_BITS == table->n_chunks) {
			size_t bytes = (size_t)table->record_size << GROUP_CHUNK_BITS;

			TRY(table_reserve(table, (int64_t)bytes, err));
			grow_array(table->chunks, table->n_chunks, table->chunk_capacity);
			/* On cache lines; records are a multiple of 16 bytes, so a chunk is one of 64. */
			table->chunks[table->n_chunks] = aligned_alloc(64, bytes);
			if (table->chunks[table->n_chunks] == NULL)
				return error_fatal(err, "Out of memory for GROUP BY");
			table->n_chunks++;
		}
		table->n_records++;
	}
	group = group_table_at(table, number);
	memset(group, 0, table->record_size);
	group->hash = hash;
	group->number = number;
	group->is_live = true;
	group->time = INT64_MIN;
	for (int k = 0; k < table->n_keys; k++) {
		group->keys[k] = columns[k][row];
		if (table->is_text[k] && slot_is_far(&group->keys[k])) {
			uint32_t length = (uint32_t)group->keys[k].low;
			char	*copy = xmalloc(length);

			memcpy(copy, (const void *)(uintptr_t)group->keys[k].high, length);
			group->keys[k].high = (uint64_t)(uintptr_t)copy;
			table->text_bytes += length;
			if (table->text_bytes > table->reserved_bytes / 4)
				TRY(table_reserve(table, table->text_bytes + (1 << 16), err));
		}
	}
	table->n_groups++;
	*out = group;
	return OK;
}

static inline bool
slot_equal(const KeySlot *a, const KeySlot *b, bool is_text)
{
	if (a->low != b->low)
		return false;
	if (a->high == b->high)
		return true;
	return is_text && slot_is_far(a) &&
		memcmp((const void *)(uintptr_t)a->high, (const void *)(uintptr_t)b->high, (uint32_t)a->low) == 0;
}

static inline bool
group_matches(const GroupTable *table, const Group *group, KeySlot *const *columns, int32_t row)
{
	for (int k = 0; k < table->n_keys; k++)
		if (!slot_equal(&group->keys[k], &columns[k][row], table->is_text[k]))
			return false;
	return true;
}

Group *
group_table_lookup(const GroupTable *table, KeySlot *const *columns, uint32_t hash, int32_t row)
{
	if (table->entries == NULL)
		return NULL;
	for (uint32_t at = hash & table->mask; table->entries[at].number != 0; at = (at + 1) & table->mask)
		if (table->entries[at].hash == hash) {
			Group *group = group_table_at(table, table->entries[at].number - 1);

			if (group_matches(table, group, columns, row))
				return group;
		}
	return NULL;
}

static Status
table_add(GroupTable *table, KeySlot *const *columns, uint32_t hash, int32_t row, Group **out, Error *err)
{
	uint32_t at;

	/* Two thirds full at most. */
	if (table->entries == NULL || (uint64_t)table->n_groups * 3 >= ((uint64_t)table->mask + 1) * 2)
		TRY(table_grow(table, err));
	TRY(table_new_record(table, columns, row, hash, out, err));
	at = hash & table->mask;
	while (table->entries[at].number != 0)
		at = (at + 1) & table->mask;
	table->entries[at] = (GroupEntry){hash, (*out)->number + 1};
	return OK;
}

/* Asks for what rows further on will need: first the entry, then the record. */
static inline void
fetch_ahead(const GroupTable *table, const uint32_t *hashes, int32_t i, int32_t n_rows)
{
	if (i + FETCH_ENTRY < n_rows)
		__builtin_prefetch(&table->entries[hashes[i + FETCH_ENTRY] & table->mask]);
	if (i + FETCH_RECORD < n_rows) {
		uint32_t		  hash = hashes[i + FETCH_RECORD];
		uint32_t		  at = hash & table->mask;
		const GroupEntry *entry = &table->entries[at];

		while (entry->number != 0 && entry->hash != hash)
			entry = &table->entries[at = (at + 1) & table->mask];
		if (entry->number != 0) {
			const char *record = (const char *)group_table_at(table, entry->number - 1);

			__builtin_prefetch(record);
			if (table->record_size > 64)
				__builtin_prefetch(record + 64);
		}
	}
}

Status
group_table_find(GroupTable *table, KeySlot *const *columns, const uint32_t *hashes, int32_t n_rows, Group **groups,
				 uint32_t *new_rows, int32_t *n_new, Error *err)
{
	bool fetches;

	*n_new = 0;
	if (n_rows == 0)
		return OK;
	if (table->entries == NULL)
		TRY(table_grow(table, err));
	if (table->n_keys == 0) {
		Group *group = table->n_groups > 0 ? group_table_lookup(table, columns, 0, 0) : NULL;

		if (group == NULL) {
			TRY(table_add(table, columns, 0, 0, &group, err));
			new_rows[(*n_new)++] = 0;
		}
		for (int32_t i = 0; i < n_rows; i++)
			groups[i] = group;
		return OK;
	}
	fetches = table->mask >= PREFETCH_ABOVE;
	if (table->n_keys == 1) {
		const KeySlot *slots = columns[0];
		bool		   is_text = table->is_text[0];

		for (int32_t i = 0; i < n_rows; i++) {
			uint32_t hash = hashes[i];
			uint32_t at;
			Group	*group = NULL;

			if (fetches)
				fetch_ahead(table, hashes, i, n_rows);
			at = hash & table->mask;
			for (; table->entries[at].number != 0; at = (at + 1) & table->mask)
				if (table->entries[at].hash == hash) {
					Group *candidate = group_table_at(table, table->entries[at].number - 1);

					if (slot_equal(&candidate->keys[0], &slots[i], is_text)) {
						group = candidate;
						break;
					}
				}
			if (group == NULL) {
				TRY(table_add(table, columns, hash, i, &group, err));
				new_rows[(*n_new)++] = (uint32_t)i;
			}
			groups[i] = group;
		}
		return OK;
	}
	for (int32_t i = 0; i < n_rows; i++) {
		if (fetches)
			fetch_ahead(table, hashes, i, n_rows);
		groups[i] = group_table_lookup(table, columns, hashes[i], i);
		if (groups[i] == NULL) {
			TRY(table_add(table, columns, hashes[i], i, &groups[i], err));
			new_rows[(*n_new)++] = (uint32_t)i;
		}
	}
	return OK;
}

void
group_table_remove(GroupTable *table, Group *group)
{
	uint32_t at = group->hash & table->mask;
	uint32_t hole;

	while (table->entries[at].number != group->number + 1)
		at = (at + 1) & table->mask;
	/* Entries behind the hole that may stand in it move up, so that no probe ends too early. */
	hole = at;
	for (;;) {
		at = (at + 1) & table->mask;
		if (table->entries[at].number == 0)
			break;
		if (((at - table->entries[at].hash) & table->mask) >= ((at - hole) & table->mask)) {
			table->entries[hole] = table->entries[at];
			hole = at;
		}
	}
	table->entries[hole] = (GroupEntry){0, 0};
	group_free_text(table, group);
	group->is_live = false;
	grow_array(table->free_numbers, table->n_free, table->free_capacity);
	table->free_numbers[table->n_free++] = group->number;
	table->n_groups--;
}

Status
group_table_key_vector(const GroupTable *table, Group *const *groups, int32_t n_groups, int key, Arena *arena,
					   const Vector **out, Error *err)
{
	const Type *type = table->types[key];
	Vector	   *v = vector_new(arena, type, n_groups);

	for (int32_t i = 0; i < n_groups; i++)
		TRY(key_slot_get(type, &groups[i]->keys[key], v, i, arena, err));
	*out = v;
	return OK;
}

Status
group_table_key_bytes(const GroupTable *table, const Group *group, int n_keys, Arena *scratch, StrBuf *out, Error *err)
{
	for (int k = 0; k < n_keys; k++) {
		Vector		  v;
		const Vector *column = &v;

		vector_init(&v, scratch, table->types[k], 1);
		TRY(key_slot_get(table->types[k], &group->keys[k], &v, 0, scratch, err));
		key_encode(&column, 1, 0, out);
	}
	return OK;
}
