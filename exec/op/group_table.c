#include "exec/op/group_table.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/pages.h"
#include "data/key.h"

enum {
	FIRST_CAPACITY = 1024,
	/* Above this many entries a look-up misses the cache: fetch ahead. */
	PREFETCH_ABOVE = 1 << 14,
	/* Rows ahead: two misses apart. */
	FETCH_ENTRY = 40,
	FETCH_RECORD = 20,
	SLAB_CHUNKS_MAX = 64,
	/* Keys behind them have no bit in Group.nulls. */
	NARROW_KEYS_MAX = 28,
	TEXT_STEP_BYTES = 64 << 10,
	/* That malloc adds to a text. */
	TEXT_EXTRA_BYTES = 16,
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

		if (table->places[0].is_text)
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

			hash = mix(hash + (table->places[k].is_text ? text_slot_hash(slot) : mix(slot->low, slot->high)), (uint64_t)k);
		}
		hashes[i] = (uint32_t)(hash >> 16);
	}
}

/* ---- the table ---- */

static bool
key_is_wide(const Type *type, int key)
{
	return type == NULL || type_is_nested(type) || type_width(type) > 8 || key >= NARROW_KEYS_MAX;
}

void
group_table_init(GroupTable *table, Arena *arena, const Type *const *types, int n_keys, uint32_t state_size, uint32_t state_align,
				 MemoryBudget *budget)
{
	uint16_t n_words = 0;

	*table = (GroupTable){.n_keys = n_keys, .budget = budget};
	table->types = arena_array(arena, const Type *, n_keys + 1);
	table->places = arena_array(arena, KeyPlace, n_keys + 1);
	for (int k = 0; k < n_keys; k++) {
		KeyPlace place = {.word = n_words, .is_wide = key_is_wide(types[k], k), .is_text = type_slot_is_text(types[k])};

		table->types[k] = types[k];
		table->places[k] = place;
		n_words = (uint16_t)(n_words + 1 + place.is_wide);
	}
	table->state_offset = ((uint32_t)(sizeof(Group) + sizeof(uint64_t) * n_words) + state_align - 1) & ~(state_align - 1);
	table->record_size = (table->state_offset + state_size + state_align - 1) & ~(state_align - 1);
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
	for (int k = 0; k < table->n_keys; k++) {
		KeySlot slot = group_key(table, group, k);

		if (key_slot_far_bytes(table, k, &slot) > 0) {
			free((void *)(uintptr_t)slot.high);
			table->text_bytes -= (uint32_t)slot.low + TEXT_EXTRA_BYTES;
		}
	}
}

size_t
key_slot_far_bytes(const GroupTable *table, int key, const KeySlot *slot)
{
	return table->places[key].is_text && slot_is_far(slot) ? (uint32_t)slot->low : 0;
}

static int64_t
chunk_bytes(const GroupTable *table)
{
	return (int64_t)table->record_size << GROUP_CHUNK_BITS;
}

/* Chunks of the next slab: what is unused is an eighth at most. */
static uint32_t
slab_chunks(uint32_t n_chunks)
{
	uint32_t n = n_chunks / 8;

	return n < 1 ? 1 : n > SLAB_CHUNKS_MAX ? SLAB_CHUNKS_MAX : n;
}

int64_t
group_table_growth(const GroupTable *table, int32_t n)
{
	int64_t	 capacity = table->entries != NULL ? (int64_t)table->mask + 1 : 0;
	int64_t	 wanted = ((int64_t)table->n_records + n - 1) / (1 << GROUP_CHUNK_BITS) + 1;
	uint32_t n_chunks = table->n_chunks;
	int64_t	 bytes;

	while (n_chunks < wanted)
		n_chunks += slab_chunks(n_chunks);
	bytes = (n_chunks - table->n_chunks) * chunk_bytes(table);
	if ((table->n_groups + n) * 3 >= capacity * 2)
		bytes += (capacity > 0 ? 2 * capacity : FIRST_CAPACITY) * (int64_t)sizeof(GroupEntry);
	return bytes;
}

void
group_table_clear(GroupTable *table)
{
	GroupTable empty = {.n_keys = table->n_keys, .types = table->types, .places = table->places, .state_offset = table->state_offset,
						.record_size = table->record_size, .budget = table->budget, .may_overdraw = table->may_overdraw};

	group_table_free(table);
	*table = empty;
}

static void
entries_free(GroupTable *table)
{
	int64_t bytes = table->entries != NULL ? ((int64_t)table->mask + 1) * (int64_t)sizeof *table->entries : 0;

	pages_free(table->entries, (size_t)bytes);
	if (table->budget != NULL)
		budget_release(table->budget, bytes);
	table->reserved_bytes -= bytes;
	table->entries = NULL;
	table->mask = 0;
}

void
group_table_free(GroupTable *table)
{
	for (uint32_t i = 0; table->text_bytes > 0 && i < table->n_records; i++)
		if (group_table_at(table, i)->is_live)
			group_free_text(table, group_table_at(table, i));
	for (uint32_t i = 0; i < table->n_slabs; i++)
		pages_free(table->slabs[i].memory, table->slabs[i].n_chunks * (size_t)chunk_bytes(table));
	entries_free(table);
	pages_free(table->blank, (size_t)chunk_bytes(table));
	free(table->chunks);
	free(table->slabs);
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
		TRY(budget_reserve(table->budget, bytes, table->what != NULL ? table->what : "GROUP BY", err));
	table->reserved_bytes += bytes;
	return OK;
}

static Status
no_memory(Error *err)
{
	return error_fatal(err, "Out of memory for GROUP BY");
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
	entries = pages_alloc(capacity * sizeof *entries);
	if (entries == NULL)
		return no_memory(err);
	for (uint64_t i = 0; table->entries != NULL && i <= table->mask; i++) {
		uint32_t at = table->entries[i].hash & mask;

		if (table->entries[i].number == 0)
			continue;
		while (entries[at].number != 0)
			at = (at + 1) & mask;
		entries[at] = table->entries[i];
	}
	entries_free(table);
	table->entries = entries;
	table->mask = mask;
	return OK;
}

static void
chunk_add(GroupTable *table, char *chunk)
{
	grow_array(table->chunks, table->n_chunks, table->chunk_capacity);
	table->chunks[table->n_chunks++] = chunk;
}

static void
slab_add(GroupTable *table, GroupSlab slab)
{
	grow_array(table->slabs, table->n_slabs, table->slab_capacity);
	table->slabs[table->n_slabs++] = slab;
}

/* More chunks, of zeros. */
static Status
table_new_chunks(GroupTable *table, Error *err)
{
	GroupSlab slab = {.n_chunks = slab_chunks(table->n_chunks)};
	int64_t	  bytes = slab.n_chunks * chunk_bytes(table);

	TRY(table_reserve(table, bytes, err));
	slab.memory = pages_alloc((size_t)bytes);
	if (slab.memory == NULL)
		return no_memory(err);
	slab_add(table, slab);
	for (uint32_t c = 0; c < slab.n_chunks; c++)
		chunk_add(table, slab.memory + c * chunk_bytes(table));
	return OK;
}

/* A record of zeros. */
static Status
table_new_number(GroupTable *table, uint32_t *out, Error *err)
{
	if (table->n_free > 0) {
		*out = table->free_numbers[--table->n_free];
		memset(group_table_at(table, *out), 0, table->record_size);
		return OK;
	}
	if (table->n_records >> GROUP_CHUNK_BITS == table->n_chunks)
		TRY(table_new_chunks(table, err));
	*out = table->n_records++;
	return OK;
}

static Status
text_reserve(GroupTable *table, Error *err)
{
	int64_t step = table->text_reserved_bytes / 8;

	if (table->text_bytes <= table->text_reserved_bytes)
		return OK;
	step = step > TEXT_STEP_BYTES ? step : TEXT_STEP_BYTES;
	step += table->text_bytes - table->text_reserved_bytes;
	TRY(table_reserve(table, step, err));
	table->text_reserved_bytes += step;
	return OK;
}

static Status
text_copy(GroupTable *table, KeySlot *slot, Error *err)
{
	uint32_t length = (uint32_t)slot->low;
	char	*copy;

	table->text_bytes += length + TEXT_EXTRA_BYTES;
	TRY(text_reserve(table, err));
	copy = xmalloc(length);
	memcpy(copy, (const void *)(uintptr_t)slot->high, length);
	slot->high = (uint64_t)(uintptr_t)copy;
	return OK;
}

static void
key_put(const GroupTable *table, Group *group, int key, KeySlot slot)
{
	uint64_t *at = group->words + table->places[key].word;

	at[0] = slot.low;
	if (table->places[key].is_wide)
		at[1] = slot.high;
	else
		group->nulls |= (uint32_t)slot.high << key;
}

static Status
table_new_record(GroupTable *table, KeySlot *const *columns, int32_t row, uint32_t hash, Group **out, Error *err)
{
	uint32_t number;
	Group	*group;

	TRY(table_new_number(table, &number, err));
	group = group_table_at(table, number);
	group->hash = hash;
	group->number = number;
	group->is_live = true;
	group->time = INT64_MIN;
	for (int k = 0; k < table->n_keys; k++) {
		KeySlot slot = columns[k][row];

		if (table->places[k].is_text && slot_is_far(&slot))
			TRY(text_copy(table, &slot, err));
		key_put(table, group, k, slot);
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
key_equal(const GroupTable *table, const Group *group, int key, const KeySlot *slot)
{
	const KeyPlace *place = &table->places[key];
	const uint64_t *at = group->words + place->word;
	KeySlot			own = {at[0], place->is_wide ? at[1] : group->nulls >> key & 1};

	return slot_equal(&own, slot, place->is_text);
}

static inline bool
group_matches(const GroupTable *table, const Group *group, KeySlot *const *columns, int32_t row)
{
	for (int k = 0; k < table->n_keys; k++)
		if (!key_equal(table, group, k, &columns[k][row]))
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

/* Room for n more groups; entries are two thirds full at most. */
static Status
entries_make_room(GroupTable *table, int32_t n, Error *err)
{
	while (table->entries == NULL || ((uint64_t)table->n_groups + (uint64_t)n) * 3 > ((uint64_t)table->mask + 1) * 2)
		TRY(table_grow(table, err));
	return OK;
}

static void
entry_add(GroupTable *table, const Group *group)
{
	uint32_t at = group->hash & table->mask;

	while (table->entries[at].number != 0)
		at = (at + 1) & table->mask;
	table->entries[at] = (GroupEntry){group->hash, group->number + 1};
}

static Status
table_add(GroupTable *table, KeySlot *const *columns, uint32_t hash, int32_t row, Group **out, Error *err)
{
	TRY(entries_make_room(table, 1, err));
	TRY(table_new_record(table, columns, row, hash, out, err));
	entry_add(table, *out);
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

					if (key_equal(table, candidate, 0, &slots[i])) {
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

/* ---- merging ---- */

/* The records of one chunk of `from` that have a group, and the equal groups of `into`. */
typedef struct ChunkGroups {
	int32_t	 n;
	int32_t	 n_new;
	Group	*records[GROUP_MERGE_ROWS];
	Group	*equals[GROUP_MERGE_ROWS];	/* NULL: none */
} ChunkGroups;

static bool
records_equal(const GroupTable *table, const Group *a, const Group *b)
{
	for (int k = 0; k < table->n_keys; k++) {
		KeySlot slot = group_key(table, b, k);

		if (!key_equal(table, a, k, &slot))
			return false;
	}
	return true;
}

static Group *
record_lookup(const GroupTable *table, const Group *record)
{
	for (uint32_t at = record->hash & table->mask; table->entries[at].number != 0; at = (at + 1) & table->mask)
		if (table->entries[at].hash == record->hash) {
			Group *group = group_table_at(table, table->entries[at].number - 1);

			if (records_equal(table, group, record))
				return group;
		}
	return NULL;
}

static uint32_t
chunk_records(const GroupTable *table, uint32_t chunk)
{
	uint32_t left = table->n_records - (chunk << GROUP_CHUNK_BITS);

	return left < GROUP_MERGE_ROWS ? left : GROUP_MERGE_ROWS;
}

static void
chunk_groups(const GroupMerge *merge, ChunkGroups *out)
{
	const GroupTable *into = merge->into, *from = merge->from;
	uint32_t		  first = merge->next_chunk << GROUP_CHUNK_BITS;
	uint32_t		  n = chunk_records(from, merge->next_chunk);
	uint32_t		  hashes[GROUP_MERGE_ROWS];
	bool			  fetches = into->mask >= PREFETCH_ABOVE;

	out->n = out->n_new = 0;
	for (uint32_t i = 0; i < n; i++) {
		Group *record = group_table_at(from, first + i);

		if (!record->is_live)
			continue;
		hashes[out->n] = record->hash;
		out->records[out->n++] = record;
	}
	for (int32_t i = 0; i < out->n; i++) {
		if (fetches)
			fetch_ahead(into, hashes, i, out->n);
		out->equals[i] = into->entries != NULL ? record_lookup(into, out->records[i]) : NULL;
		out->n_new += out->equals[i] == NULL;
	}
}

/* The slab of the next chunk goes over as it is: the owner of its memory is `into` from now on. */
static void
slab_move(GroupMerge *merge)
{
	GroupTable *into = merge->into, *from = merge->from;
	GroupSlab  *slab = &from->slabs[merge->next_slab];
	int64_t		bytes = slab->n_chunks * chunk_bytes(from);

	slab_add(into, *slab);
	slab->memory = NULL;
	from->reserved_bytes -= bytes;
	into->reserved_bytes += bytes;
	for (uint32_t c = merge->next_chunk; c < merge->slab_end; c++)
		if (c << GROUP_CHUNK_BITS >= from->n_records)
			chunk_add(into, from->chunks[c]);
}

/* A slab is done with: what is left of it was copied. */
static void
slab_release(GroupMerge *merge)
{
	GroupTable *from = merge->from;
	GroupSlab  *slab = &from->slabs[merge->next_slab];
	int64_t		bytes = slab->n_chunks * chunk_bytes(from);

	for (uint32_t c = merge->slab_end - slab->n_chunks; c < merge->slab_end; c++)
		from->chunks[c] = from->blank;
	if (slab->memory != NULL) {
		pages_free(slab->memory, (size_t)bytes);
		slab->memory = NULL;
		from->reserved_bytes -= bytes;
		if (from->budget != NULL)
			budget_release(from->budget, bytes);
	}
	merge->next_slab++;
	merge->slab_end = 0;
}

/* The number that the first record of a chunk will have that goes over behind all others. */
static uint32_t
chunk_move(GroupMerge *merge)
{
	GroupTable *into = merge->into, *from = merge->from;
	uint32_t	chunk = (into->n_records + GROUP_MERGE_ROWS - 1) >> GROUP_CHUNK_BITS;
	char	   *unused;

	chunk_add(into, from->chunks[merge->next_chunk]);
	unused = into->chunks[chunk];
	into->chunks[chunk] = into->chunks[into->n_chunks - 1];
	into->chunks[into->n_chunks - 1] = unused;
	into->n_records = (chunk << GROUP_CHUNK_BITS) + chunk_records(from, merge->next_chunk);
	from->chunks[merge->next_chunk] = from->blank;
	return chunk << GROUP_CHUNK_BITS;
}

/* Texts of a record belong to `into`. */
static void
texts_move(GroupMerge *merge, const Group *record)
{
	GroupTable *into = merge->into, *from = merge->from;
	int64_t		bytes = 0;

	for (int k = 0; k < from->n_keys; k++) {
		KeySlot slot = group_key(from, record, k);

		if (key_slot_far_bytes(from, k, &slot) > 0)
			bytes += (uint32_t)slot.low + TEXT_EXTRA_BYTES;
	}
	from->text_bytes -= bytes;
	into->text_bytes += bytes;
	bytes = bytes < from->text_reserved_bytes ? bytes : from->text_reserved_bytes;
	from->text_reserved_bytes -= bytes;
	from->reserved_bytes -= bytes;
	into->text_reserved_bytes += bytes;
	into->reserved_bytes += bytes;
}

/* A record that `into` lacks: where it is, or as a copy. */
static Status
record_move(GroupMerge *merge, Group *record, uint32_t moved_number, Group **out, Error *err)
{
	GroupTable *into = merge->into, *from = merge->from;
	uint32_t	number = moved_number;

	*out = record;
	if (from->text_bytes > 0)
		texts_move(merge, record);
	if (!merge->moves_chunks) {
		TRY(table_new_number(into, &number, err));
		*out = group_table_at(into, number);
		memcpy(*out, record, into->record_size);
		record->is_live = false;
	}
	(*out)->number = number;
	into->n_groups++;
	from->n_groups--;
	entry_add(into, *out);
	return OK;
}

static Status
merge_begin_slab(GroupMerge *merge, const ChunkGroups *chunk, Error *err)
{
	GroupTable *from = merge->from;

	if (from->blank == NULL) {
		/* No group of it is looked for any more. */
		entries_free(from);
		from->blank = pages_alloc((size_t)chunk_bytes(from));
		if (from->blank == NULL)
			return no_memory(err);
	}
	merge->slab_end = merge->next_chunk + from->slabs[merge->next_slab].n_chunks;
	/* Where most groups are known already, what goes over would be mostly holes. */
	merge->moves_chunks = merge->into->n_free == 0 && chunk->n_new * 2 >= GROUP_MERGE_ROWS;
	if (merge->moves_chunks)
		slab_move(merge);
	return OK;
}

Status
group_merge_next(GroupMerge *merge, MergedGroup *out, int32_t *n, Error *err)
{
	GroupTable *into = merge->into, *from = merge->from;
	ChunkGroups chunk;
	uint32_t	first = merge->next_chunk << GROUP_CHUNK_BITS;
	uint32_t	moved_first = 0;

	*n = 0;
	if (merge->slab_end > 0 && (merge->next_chunk == merge->slab_end || first >= from->n_records))
		slab_release(merge);
	if (first >= from->n_records)
		return OK;
	chunk_groups(merge, &chunk);
	TRY(entries_make_room(into, chunk.n_new, err));
	if (merge->slab_end == 0)
		TRY(merge_begin_slab(merge, &chunk, err));
	if (merge->moves_chunks)
		moved_first = chunk_move(merge);
	for (int32_t i = 0; i < chunk.n; i++) {
		Group *record = chunk.records[i];

		out[i] = (MergedGroup){.number = record->number, .group = chunk.equals[i]};
		if (out[i].group == NULL)
			TRY(record_move(merge, record, moved_first + record->number - first, &out[i].group, err));
		else
			out[i].theirs = record;
	}
	for (int32_t i = 0; i < chunk.n; i++)
		if (out[i].theirs != NULL) {
			group_free_text(from, out[i].theirs);
			out[i].theirs->is_live = false;
			from->n_groups--;
		}
	*n = chunk.n;
	merge->next_chunk++;
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

#define GATHER_WORDS(T)                                                                  \
	do {                                                                                 \
		T *data = out->data;                                                             \
                                                                                         \
		for (int32_t i = 0; i < n_groups; i++)                                           \
			data[i] = (T)groups[i]->words[word];                                         \
	} while (0)

/* Values of a type that is not nested, those of NULLs included. */
static void
gather_words(Group *const *groups, int32_t n_groups, uint16_t word, Vector *out)
{
	switch (type_width(out->type)) {
	case 1:
		GATHER_WORDS(uint8_t);
		break;
	case 4:
		GATHER_WORDS(uint32_t);
		break;
	case 8:
		GATHER_WORDS(uint64_t);
		break;
	default:
		for (int32_t i = 0; i < n_groups; i++)
			memcpy((KeySlot *)out->data + i, groups[i]->words + word, sizeof(KeySlot));
	}
}

Status
group_table_key_vector(const GroupTable *table, Group *const *groups, int32_t n_groups, int key, Arena *arena,
					   const Vector **out, Error *err)
{
	const Type *type = table->types[key];
	Vector	   *v = vector_new(arena, type, n_groups);
	bool		is_nested = type_is_nested(type);

	*out = v;
	if (!is_nested)
		gather_words(groups, n_groups, table->places[key].word, v);
	for (int32_t i = 0; i < n_groups; i++) {
		KeySlot slot = group_key(table, groups[i], key);

		if (is_nested)
			TRY(key_slot_get(type, &slot, v, i, arena, err));
		else if (key_slot_is_null(type, &slot)) {
			/* The slot of a NULL is no value that a kernel could read. */
			if (table->places[key].is_wide && type_width(type) == sizeof slot)
				((KeySlot *)v->data)[i] = (KeySlot){0, 0};
			vector_set_null(v, arena, i);
		}
	}
	return OK;
}

Status
group_table_key_bytes(const GroupTable *table, const Group *group, int n_keys, Arena *scratch, StrBuf *out, Error *err)
{
	for (int k = 0; k < n_keys; k++) {
		Vector		  v;
		const Vector *column = &v;
		KeySlot		  slot = group_key(table, group, k);

		vector_init(&v, scratch, table->types[k], 1);
		TRY(key_slot_get(table->types[k], &slot, &v, 0, scratch, err));
		key_encode(&column, 1, 0, out);
	}
	return OK;
}
