#include "exec/op/join_table.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/pages.h"
#include "common/parallel.h"
#include "data/key_filter.h"

enum {
	/* Above this many entries a look-up misses the cache: fetch ahead. */
	PREFETCH_ABOVE = 1 << 14,
	/* From this many rows on several threads build. */
	PARALLEL_ROWS = 1 << 16,
	/* How many keys there may be in a direct table for each entry that hashing would have: no more bytes than that. */
	DIRECT_KEYS = sizeof(JoinIntegerEntry) / sizeof(uint32_t),
	MAX_PARTS = 8,
	STEP = 1024,
};

/*
 * The table being built: in parts, which are ranges of its entries.  Each part takes the rows whose search begins in it and looks at all keys for
 * that; so no two write to one entry, and the rows of a key are chained by one part.  A row whose search would leave its part is late: it is put in when
 * all parts are done (and so are all rows of its key, in order).
 */
typedef struct BuildPart {
	Status	  status;
	Error	  err;
	uint32_t *late;
	uint32_t  n_late, late_capacity;
} BuildPart;

typedef struct Build {
	JoinTable			 *table;
	const Vector *const	 *keys;
	uint32_t			 *hashes;		/* by row, of keys that are slots */
	bool				  checks_null;	/* rows with a NULL key are left out */
	int					  n_parts;
	int					  part_shift;	/* of entry numbers, to their part */
	BuildPart			  parts[MAX_PARTS];
	pthread_mutex_t		  lock;			/* of the table's budget and `next` */
} Build;

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

/* The chains are made when the first key occurs twice. */
static Status
need_next(Build *build, uint32_t **out, Error *err)
{
	JoinTable *table = build->table;
	Status	   status = OK;

	pthread_mutex_lock(&build->lock);
	if (table->next == NULL) {
		status = reserve(table, (int64_t)sizeof *table->next * table->n_rows, err);
		if (status == OK) {
			uint32_t *next = xmalloc(sizeof *next * table->n_rows);

			memset(next, 0xff, sizeof *next * table->n_rows);
			__atomic_store_n(&table->next, next, __ATOMIC_RELEASE);
		}
	}
	*out = table->next;
	pthread_mutex_unlock(&build->lock);
	return status;
}

static inline Status
chain(Build *build, uint32_t row, uint32_t *first, Error *err)
{
	if (*first != 0) {
		uint32_t *next = __atomic_load_n(&build->table->next, __ATOMIC_ACQUIRE);

		if (next == NULL)
			TRY(need_next(build, &next, err));
		next[row] = *first - 1;
	}
	*first = row + 1;
	return OK;
}

static void
add_late(BuildPart *part, uint32_t row)
{
	grow_array(part->late, part->n_late, part->late_capacity);
	part->late[part->n_late++] = row;
}

/* The next entry to look at; false: it is beyond the part. */
static inline bool
step(const Build *build, uint32_t *at)
{
	uint32_t next = *at + 1;

	if (build->n_parts > 1 && next >> build->part_shift != *at >> build->part_shift)
		return false;
	*at = next & build->table->mask;
	return true;
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

/* ---- keys of 64 bits ---- */

static inline bool
integer_place(const Build *build, int64_t key, uint32_t *at)
{
	const JoinIntegerEntry *integers = build->table->integers;

	while (integers[*at].first != 0 && integers[*at].key != key)
		if (!step(build, at))
			return false;
	return true;
}

static Status
integer_put(Build *build, int64_t key, uint32_t row, uint32_t at, Error *err)
{
	JoinIntegerEntry *entry = &build->table->integers[at];

	entry->key = key;
	return chain(build, row, &entry->first, err);
}

/* From the last row to the first, so that chains have the rows in order. */
static Status
build_integers(Build *build, int number, Error *err)
{
	const JoinTable *table = build->table;
	const Vector	*key = build->keys[0];
	int64_t			 keys[STEP];
	uint32_t		 at[STEP];
	uint16_t		 mine[STEP];

	for (int64_t end = table->n_rows, n; end > 0; end -= n) {
		int n_mine = 0;

		n = end < STEP ? end : STEP;
		vector_load_integers(key, end - n, n, keys);
		for (int64_t i = n - 1; i >= 0; i--) {
			at[i] = integer_hash(keys[i], table->shift);
			mine[n_mine] = (uint16_t)i;
			n_mine += (int)((uint64_t)at[i] >> build->part_shift) == number;
		}
		if (table->mask >= PREFETCH_ABOVE)
			for (int m = 0; m < n_mine; m++)
				__builtin_prefetch(&table->integers[at[mine[m]]], 1);
		for (int m = 0; m < n_mine; m++) {
			uint32_t i = mine[m], row = (uint32_t)(end - n) + i;

			if (build->checks_null && !vector_is_valid(key, row))
				continue;
			if (integer_place(build, keys[i], &at[i]))
				TRY(integer_put(build, keys[i], row, at[i], err));
			else
				add_late(&build->parts[number], row);
		}
	}
	return OK;
}

static Status
late_integer(Build *build, uint32_t row, Error *err)
{
	int64_t	 key;
	uint32_t at;

	vector_load_integers(build->keys[0], row, 1, &key);
	at = integer_hash(key, build->table->shift);
	integer_place(build, key, &at);
	return integer_put(build, key, row, at, err);
}

/* ---- keys that lie close together ---- */

/* From the last row to the first, too.  By one thread: several were no faster. */
static Status
build_direct(Build *build, Error *err)
{
	const JoinTable *table = build->table;
	const Vector	*key = build->keys[0];
	uint32_t		*direct = table->direct;
	int64_t			 keys[STEP];

	for (int64_t end = table->n_rows, n; end > 0; end -= n) {
		n = end < STEP ? end : STEP;
		vector_load_integers(key, end - n, n, keys);
		for (int64_t i = n - 1; i >= 0; i--)
			if (!build->checks_null || vector_is_valid(key, end - n + i))
				TRY(chain(build, (uint32_t)(end - n + i), &direct[(uint64_t)keys[i] - (uint64_t)table->least], err));
	}
	return OK;
}

/* ---- other keys ---- */

static inline bool
slots_place(const Build *build, uint32_t row, uint32_t *at)
{
	const JoinTable *table = build->table;
	uint32_t		 hash = build->hashes[row];

	while (table->entries[*at].first != 0 &&
		   (table->entries[*at].hash != hash || !slots_equal(table, table->entries[*at].first - 1, table->slots, row)))
		if (!step(build, at))
			return false;
	return true;
}

static Status
slots_put(Build *build, uint32_t row, uint32_t at, Error *err)
{
	JoinEntry *entry = &build->table->entries[at];

	entry->hash = build->hashes[row];
	return chain(build, row, &entry->first, err);
}

static Status
build_slots(Build *build, int number, Error *err)
{
	const JoinTable *table = build->table;
	uint32_t		 mine[STEP];

	for (uint32_t end = table->n_rows, n; end > 0; end -= n) {
		int n_mine = 0;

		n = end < STEP ? end : STEP;
		for (uint32_t row = end; row-- > end - n;) {
			mine[n_mine] = row;
			n_mine += (int)((uint64_t)(build->hashes[row] & table->mask) >> build->part_shift) == number;
		}
		if (table->mask >= PREFETCH_ABOVE)
			for (int m = 0; m < n_mine; m++)
				__builtin_prefetch(&table->entries[build->hashes[mine[m]] & table->mask], 1);
		for (int m = 0; m < n_mine; m++) {
			uint32_t row = mine[m], at = build->hashes[row] & table->mask;

			if (build->checks_null && row_has_null(build->keys, table->n_keys, row))
				continue;
			if (slots_place(build, row, &at))
				TRY(slots_put(build, row, at, err));
			else
				add_late(&build->parts[number], row);
		}
	}
	return OK;
}

static Status
late_slots(Build *build, uint32_t row, Error *err)
{
	uint32_t at = build->hashes[row] & build->table->mask;

	slots_place(build, row, &at);
	return slots_put(build, row, at, err);
}

/* Slots and hashes of a share of the rows. */
static void
hash_share(void *context, int number)
{
	Build	  *build = context;
	JoinTable *table = build->table;
	int64_t	   first = (int64_t)table->n_rows * number / build->n_parts, end = (int64_t)table->n_rows * (number + 1) / build->n_parts;
	Arena	   arena = {0};
	KeySlot	 **slots = arena_array(&arena, KeySlot *, table->n_keys + 1);

	for (int k = 0; k < table->n_keys; k++) {
		slots[k] = table->slots[k] + first;
		key_slots(vector_slice(&arena, build->keys[k], (int32_t)first, (int32_t)(end - first)), (int32_t)(end - first), slots[k],
				  &table->texts[number]);
	}
	group_table_hash(&table->shape, slots, (int32_t)(end - first), build->hashes + first);
	arena_free(&arena);
}

static Status
prepare_slots(Build *build, int n_threads, Error *err)
{
	JoinTable	*table = build->table;
	const Type **types = arena_array(&table->arena, const Type *, table->n_keys);

	TRY(reserve(table, (int64_t)sizeof(KeySlot) * table->n_keys * table->n_rows, err));
	table->slots = arena_array(&table->arena, KeySlot *, table->n_keys);
	for (int k = 0; k < table->n_keys; k++) {
		types[k] = build->keys[k]->type;
		table->slots[k] = arena_alloc(&table->arena, sizeof(KeySlot) * table->n_rows);
	}
	group_table_init(&table->shape, &table->arena, types, table->n_keys, 0, 8, NULL);
	table->n_texts = build->n_parts;
	table->texts = xcalloc((size_t)build->n_parts, sizeof *table->texts);
	build->hashes = xmalloc(sizeof *build->hashes * table->n_rows);
	parallel_for(n_threads, build->n_parts, hash_share, build);
	return OK;
}

/* ---- all ---- */

static void
build_part(void *context, int number)
{
	Build	  *build = context;
	BuildPart *part = &build->parts[number];

	if (build->table->direct != NULL)
		part->status = build_direct(build, &part->err);
	else if (build->table->is_integer)
		part->status = build_integers(build, number, &part->err);
	else
		part->status = build_slots(build, number, &part->err);
}

/* Fills the table; its entries are empty. */
static Status
fill(Build *build, int n_threads, Error *err)
{
	Status status = OK;
	int	   n_parts = build->n_parts;

	parallel_for(n_threads, n_parts, build_part, build);
	build->n_parts = 1;
	for (int p = 0; p < n_parts && status == OK; p++) {
		BuildPart *part = &build->parts[p];

		status = part->status;
		if (status == FAILED)
			*err = part->err;
		for (uint32_t i = 0; i < part->n_late && status == OK; i++)
			status = build->table->is_integer ? late_integer(build, part->late[i], err) : late_slots(build, part->late[i], err);
	}
	for (int p = 0; p < n_parts; p++)
		free(build->parts[p].late);
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

static bool
any_null(const Vector *const *keys, int n_keys)
{
	for (int k = 0; k < n_keys; k++)
		if (keys[k]->form != VECTOR_FLAT || keys[k]->validity != NULL)
			return true;
	return false;
}

static bool
keys_are_integers(const Type *first, int n_keys, bool null_safe)
{
	return n_keys == 1 && !null_safe && key_filter_takes(first);
}

/*
 * A power of two.  Small entries are half empty at least.  Those that have the key are large, so up to six of ten are taken: a third less
 * memory of the whole join, and few per cent more time.
 */
static uint64_t
entries_for(int64_t n_rows, bool has_key, int *bits)
{
	uint64_t capacity = 16;

	for (*bits = 4; (has_key ? capacity / 5 * 3 : capacity / 2) < (uint64_t)n_rows; capacity *= 2)
		++*bits;
	return capacity;
}

int64_t
join_table_bytes(const Type *first, int n_keys, int64_t n_rows, bool null_safe)
{
	bool	has_key = keys_are_integers(first, n_keys, null_safe);
	int		bits;
	int64_t capacity = (int64_t)entries_for(n_rows, has_key, &bits), chains = (int64_t)sizeof(uint32_t), nulls = 2 * (int64_t)sizeof(uint32_t);

	if (n_keys == 0)
		return 0;
	if (has_key)
		return capacity * (int64_t)sizeof(JoinIntegerEntry) + n_rows * (chains + nulls);
	return capacity * (int64_t)sizeof(JoinEntry) + n_rows * (chains + nulls + (int64_t)sizeof(KeySlot) * n_keys);
}

/* Memory for entries, all empty. */
static Status
entries_alloc(JoinTable *table, size_t bytes, void *out, Error *err)
{
	void *memory;

	TRY(reserve(table, (int64_t)bytes, err));
	memory = pages_alloc(bytes);
	if (memory == NULL)
		return error_fatal(err, "The system has no %zu MB more for a join", bytes >> 20);
	memcpy(out, &memory, sizeof memory);
	return OK;
}

/* Whether a table by key takes no more memory than one by hash. */
static bool
keys_are_close(Build *build, uint64_t n_entries)
{
	JoinTable *table = build->table;
	int64_t	   greatest;

	if (build->keys[0]->form != VECTOR_FLAT)
		return false;
	vector_integer_range(build->keys[0], table->n_rows, &table->least, &greatest);
	if (table->least > greatest || (uint64_t)greatest - (uint64_t)table->least >= n_entries * DIRECT_KEYS)
		return false;
	table->n_direct = (uint64_t)greatest - (uint64_t)table->least + 1;
	return true;
}

static Status
make_entries(Build *build, uint64_t n, int bits, int part_bits, int n_threads, Error *err)
{
	JoinTable *table = build->table;

	table->mask = (uint32_t)(n - 1);
	table->shift = 64 - bits;
	build->part_shift = bits - part_bits;
	if (!table->is_integer) {
		TRY(entries_alloc(table, n * sizeof *table->entries, &table->entries, err));
		return prepare_slots(build, n_threads, err);
	}
	if (!keys_are_close(build, n))
		return entries_alloc(table, n * sizeof *table->integers, &table->integers, err);
	build->n_parts = 1;
	return entries_alloc(table, table->n_direct * sizeof *table->direct, &table->direct, err);
}

Status
join_table_build(JoinTable *table, const Vector *const *keys, int n_keys, uint32_t n_rows, bool null_safe, int n_threads,
				 MemoryBudget *budget, Error *err)
{
	Build	 build = {.table = table, .keys = keys, .n_parts = 1, .checks_null = !null_safe && any_null(keys, n_keys)};
	uint64_t capacity;
	int		 bits, part_bits = 0;
	Status	 status = OK;

	*table = (JoinTable){.n_keys = n_keys, .n_rows = n_rows, .null_safe = null_safe, .budget = budget};
	if (n_keys == 0 || n_rows == 0)
		return OK;
	table->is_integer = keys_are_integers(keys[0]->type, n_keys, null_safe);
	capacity = entries_for(n_rows, table->is_integer, &bits);
	while (n_rows >= PARALLEL_ROWS && 2 << part_bits <= n_threads && 2 << part_bits <= MAX_PARTS)
		part_bits++;
	build.n_parts = 1 << part_bits;
	TRY(collect_nulls(table, keys, err));
	TRY(make_entries(&build, capacity, bits, part_bits, n_threads, err));
	pthread_mutex_init(&build.lock, NULL);
	status = fill(&build, n_threads, err);
	pthread_mutex_destroy(&build.lock);
	free(build.hashes);
	return status;
}

void
join_table_free(JoinTable *table)
{
	pages_free(table->direct, table->n_direct * sizeof *table->direct);
	pages_free(table->integers, ((size_t)table->mask + 1) * sizeof *table->integers);
	pages_free(table->entries, ((size_t)table->mask + 1) * sizeof *table->entries);
	free(table->next);
	free(table->null_rows);
	for (int i = 0; i < table->n_texts; i++)
		arena_free(&table->texts[i]);
	free(table->texts);
	arena_free(&table->arena);
	budget_release(table->budget, table->reserved_bytes);
	*table = (JoinTable){0};
}

static void
find_direct(const JoinTable *table, const Vector *key, int32_t n, uint32_t *rows, Arena *scratch)
{
	uint64_t *at = arena_alloc(scratch, sizeof *at * (size_t)(n + 1));

	vector_load_integers(key, 0, n, (int64_t *)at);
	/* A key outside looks at the first entry, in vain: there is no branch to be guessed. */
	for (int32_t i = 0; i < n; i++) {
		at[i] -= (uint64_t)table->least;
		rows[i] = at[i] < table->n_direct;
		at[i] = rows[i] ? at[i] : 0;
	}
	if (table->n_direct >= PREFETCH_ABOVE)
		for (int32_t i = 0; i < n; i++)
			__builtin_prefetch(&table->direct[at[i]]);
	for (int32_t i = 0; i < n; i++)
		rows[i] = (rows[i] ? table->direct[at[i]] : 0) - 1;
	if (vector_base(key)->validity != NULL)
		for (int32_t i = 0; i < n; i++)
			if (!vector_is_valid(key, i))
				rows[i] = JOIN_NO_ROW;
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
		if (table->direct != NULL)
			find_direct(table, keys[0], n, rows, scratch);
		else if (table->is_integer)
			find_integers(table, keys[0], n, rows, scratch);
		else
			find_slots(table, keys, n, rows, scratch);
		return;
	}
	for (int32_t i = 0; i < n; i++)
		rows[i] = table->n_rows > 0 ? 0 : JOIN_NO_ROW;
}
