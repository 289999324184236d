#include "exec/op/join_table.h"

#include <stdlib.h>

#include "data/key_filter.h"

enum {
	/* Above this many entries a look-up misses the cache: fetch ahead. */
	PREFETCH_ABOVE = 1 << 14,
};

static inline uint32_t
integer_hash(int64_t key, int shift)
{
	uint64_t h = (uint64_t)key;

	h ^= h >> 32;
	return (uint32_t)(h * 0x9e3779b97f4a7c15ULL >> shift);
}

static Status
reserve(JoinTable *table, int64_t bytes, Error *err)
{
	TRY(budget_reserve(table->budget, bytes, "a join", err));
	table->reserved_bytes += bytes;
	return OK;
}

static Status
chain(JoinTable *table, uint32_t row, uint32_t *first, Error *err)
{
	if (*first != 0) {
		if (table->next == NULL) {
			TRY(reserve(table, (int64_t)sizeof *table->next * table->n_rows, err));
			table->next = xmalloc(sizeof *table->next * table->n_rows);
			memset(table->next, 0xff, sizeof *table->next * table->n_rows);
		}
		table->next[row] = *first - 1;
	}
	*first = row + 1;
	return OK;
}

/* From the last row to the first, so that chains have the rows in order. */
static Status
build_integers(JoinTable *table, const Vector *key, Error *err)
{
	enum { STEP = 1024 };
	int64_t keys[STEP];

	for (int64_t end = table->n_rows, n; end > 0; end -= n) {
		n = end < STEP ? end : STEP;
		vector_load_integers(key, end - n, n, keys);
		for (int64_t i = n - 1; i >= 0; i--) {
			uint32_t		  row = (uint32_t)(end - n + i);
			uint32_t		  at = integer_hash(keys[i], table->shift);
			JoinIntegerEntry *entry;

			if (!vector_is_valid(key, row))
				continue;
			for (;; at = (at + 1) & table->mask) {
				entry = &table->integers[at];
				if (entry->first == 0 || entry->key == keys[i])
					break;
			}
			entry->key = keys[i];
			TRY(chain(table, row, &entry->first, err));
		}
	}
	return OK;
}

static inline bool
slot_equal(const KeySlot *a, const KeySlot *b, bool is_text)
{
	if (a->low != b->low)
		return false;
	if (a->high == b->high)
		return true;
	return is_text && (uint32_t)a->low > STR_VIEW_INLINE && (uint32_t)a->low != UINT32_MAX &&
		   memcmp((const void *)(uintptr_t)a->high, (const void *)(uintptr_t)b->high, (uint32_t)a->low) == 0;
}

static inline bool
slots_equal(const JoinTable *table, uint32_t row, KeySlot *const *slots, int64_t i)
{
	for (int k = 0; k < table->n_keys; k++)
		if (!slot_equal(&table->slots[k][row], &slots[k][i], table->shape.places[k].is_text))
			return false;
	return true;
}

static bool
row_has_null(const Vector *const *keys, int n_keys, int64_t row)
{
	for (int k = 0; k < n_keys; k++)
		if (!vector_is_valid(keys[k], row))
			return true;
	return false;
}

static Status
build_slots(JoinTable *table, const Vector *const *keys, Error *err)
{
	const Type **types = arena_array(&table->arena, const Type *, table->n_keys);
	uint32_t	*hashes;
	Status		 status = OK;

	TRY(reserve(table, (int64_t)sizeof(KeySlot) * table->n_keys * table->n_rows, err));
	table->slots = arena_array(&table->arena, KeySlot *, table->n_keys);
	for (int k = 0; k < table->n_keys; k++) {
		types[k] = keys[k]->type;
		table->slots[k] = arena_alloc(&table->arena, sizeof(KeySlot) * table->n_rows);
		key_slots(keys[k], (int32_t)table->n_rows, table->slots[k], &table->arena);
	}
	group_table_init(&table->shape, &table->arena, types, table->n_keys, 0, 8, NULL);
	hashes = xmalloc(sizeof *hashes * table->n_rows);
	group_table_hash(&table->shape, table->slots, (int32_t)table->n_rows, hashes);
	for (uint32_t row = table->n_rows; row-- > 0 && status == OK;) {
		uint32_t at = hashes[row] & table->mask;

		if (!table->null_safe && row_has_null(keys, table->n_keys, row))
			continue;
		for (; table->entries[at].first != 0; at = (at + 1) & table->mask)
			if (table->entries[at].hash == hashes[row] && slots_equal(table, table->entries[at].first - 1, table->slots, row))
				break;
		table->entries[at].hash = hashes[row];
		status = chain(table, row, &table->entries[at].first, err);
	}
	free(hashes);
	return status;
}

static Status
collect_nulls(JoinTable *table, const Vector *const *keys, Error *err)
{
	uint32_t capacity = 0;
	bool	 any = false;

	for (int k = 0; k < table->n_keys; k++)
		any |= keys[k]->form != VECTOR_FLAT || keys[k]->validity != NULL;
	for (uint32_t row = 0; any && row < table->n_rows; row++)
		if (row_has_null(keys, table->n_keys, row)) {
			if (table->n_null_rows == capacity)
				TRY(reserve(table, (int64_t)sizeof *table->null_rows * (capacity > 0 ? capacity : 8), err));
			grow_array(table->null_rows, table->n_null_rows, capacity);
			table->null_rows[table->n_null_rows++] = row;
		}
	return OK;
}

Status
join_table_build(JoinTable *table, const Vector *const *keys, int n_keys, uint32_t n_rows, bool null_safe,
				 MemoryBudget *budget, Error *err)
{
	uint64_t capacity = 16;
	int		 bits = 4;

	*table = (JoinTable){.n_keys = n_keys, .n_rows = n_rows, .null_safe = null_safe, .budget = budget};
	if (n_keys == 0 || n_rows == 0)
		return OK;
	while (capacity < (uint64_t)n_rows * 2) {
		capacity *= 2;
		bits++;
	}
	table->mask = (uint32_t)(capacity - 1);
	table->shift = 64 - bits;
	table->is_integer = n_keys == 1 && !null_safe && key_filter_takes(keys[0]->type);
	TRY(collect_nulls(table, keys, err));
	if (table->is_integer) {
		TRY(reserve(table, (int64_t)(capacity * sizeof *table->integers), err));
		table->integers = xcalloc(capacity, sizeof *table->integers);
		return build_integers(table, keys[0], err);
	}
	TRY(reserve(table, (int64_t)(capacity * sizeof *table->entries), err));
	table->entries = xcalloc(capacity, sizeof *table->entries);
	return build_slots(table, keys, err);
}

void
join_table_free(JoinTable *table)
{
	free(table->integers);
	free(table->entries);
	free(table->next);
	free(table->null_rows);
	arena_free(&table->arena);
	budget_release(table->budget, table->reserved_bytes);
	*table = (JoinTable){0};
}

static void
find_integers(const JoinTable *table, const Vector *key, int32_t n, uint32_t *rows, Arena *scratch)
{
	int64_t	 *keys = arena_alloc(scratch, sizeof *keys * (size_t)(n + 1));
	uint32_t *at = arena_alloc(scratch, sizeof *at * (size_t)(n + 1));

	vector_load_integers(key, 0, n, keys);
	for (int32_t i = 0; i < n; i++)
		at[i] = integer_hash(keys[i], table->shift);
	if (table->mask >= PREFETCH_ABOVE)
		for (int32_t i = 0; i < n; i++)
			__builtin_prefetch(&table->integers[at[i]]);
	for (int32_t i = 0; i < n; i++) {
		const JoinIntegerEntry *entry = &table->integers[at[i]];

		while (entry->first != 0 && entry->key != keys[i]) {
			at[i] = (at[i] + 1) & table->mask;
			entry = &table->integers[at[i]];
		}
		rows[i] = entry->first - 1;
	}
	if (vector_base(key)->validity != NULL)
		for (int32_t i = 0; i < n; i++)
			if (!vector_is_valid(key, i))
				rows[i] = JOIN_NO_ROW;
}

static void
find_slots(const JoinTable *table, const Vector *const *keys, int32_t n, uint32_t *rows, Arena *scratch)
{
	KeySlot **slots = arena_alloc(scratch, sizeof *slots * (size_t)table->n_keys);
	uint32_t *hashes = arena_alloc(scratch, sizeof *hashes * (size_t)(n + 1));

	for (int k = 0; k < table->n_keys; k++) {
		slots[k] = arena_alloc(scratch, sizeof **slots * (size_t)(n + 1));
		key_slots(keys[k], n, slots[k], scratch);
	}
	group_table_hash(&table->shape, slots, n, hashes);
	if (table->mask >= PREFETCH_ABOVE)
		for (int32_t i = 0; i < n; i++)
			__builtin_prefetch(&table->entries[hashes[i] & table->mask]);
	for (int32_t i = 0; i < n; i++) {
		uint32_t at = hashes[i] & table->mask;

		while (table->entries[at].first != 0 &&
			   (table->entries[at].hash != hashes[i] || !slots_equal(table, table->entries[at].first - 1, slots, i)))
			at = (at + 1) & table->mask;
		rows[i] = table->entries[at].first - 1;
		if (rows[i] != JOIN_NO_ROW && !table->null_safe && row_has_null(keys, table->n_keys, i))
			rows[i] = JOIN_NO_ROW;
	}
}

void
join_table_find(const JoinTable *table, const Vector *const *keys, int32_t n, uint32_t *rows, Arena *scratch)
{
	if (table->n_keys > 0 && table->n_rows > 0) {
		if (table->is_integer)
			find_integers(table, keys[0], n, rows, scratch);
		else
			find_slots(table, keys, n, rows, scratch);
		return;
	}
	for (int32_t i = 0; i < n; i++)
		rows[i] = table->n_rows > 0 ? 0 : JOIN_NO_ROW;
}
