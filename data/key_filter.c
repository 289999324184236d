#include "data/key_filter.h"

#include <stdlib.h>

#include "common/hash.h"

enum {
	STEP = 1024,				/* keys that are looked at at once */
	EXACT_BYTES = 1 << 20,		/* what an exact filter may take whatever the number of keys */
	EXACT_BYTES_A_KEY = 8,		/* and more, by the number of keys */
	BITS_A_KEY = 16,			/* of a Bloom filter, before its size is rounded up to a power of two */
};

bool
key_filter_takes(const Type *type)
{
	switch (type->kind) {
	case TYPE_BOOLEAN:
	case TYPE_INTEGER:
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_BIGINT:
	case TYPE_TIMESTAMP:
		return true;
	default:
		return false;
	}
}

#define LOAD(T)                                                              \
	do {                                                                     \
		const T *data = base->data;                                          \
                                                                             \
		if (v->form == VECTOR_FLAT)                                          \
			for (int64_t i = 0; i < n; i++)                                  \
				out[i] = data[first + i];                                    \
		else                                                                 \
			for (int64_t i = 0; i < n; i++)                                  \
				out[i] = data[vector_at(v, first + i)];                      \
	} while (0)

void
vector_load_integers(const Vector *v, int64_t first, int64_t n, int64_t *out)
{
	const Vector *base = vector_base(v);

	switch (type_width(v->type)) {
	case 1:
		LOAD(uint8_t);
		break;
	case 4:
		LOAD(int32_t);
		break;
	default:
		LOAD(int64_t);
		break;
	}
}

void
vector_integer_range(const Vector *v, int64_t n, int64_t *least, int64_t *greatest)
{
	int64_t values[STEP];

	*least = INT64_MAX;
	*greatest = INT64_MIN;
	for (int64_t first = 0, m; first < n; first += m) {
		m = n - first < STEP ? n - first : STEP;
		vector_load_integers(v, first, m, values);
		for (int64_t i = 0; i < m; i++) {
			if (v->validity != NULL && !bitmap_get(v->validity, first + i))
				continue;
			*least = values[i] < *least ? values[i] : *least;
			*greatest = values[i] > *greatest ? values[i] : *greatest;
		}
	}
}

/* ---- building ---- */

static inline uint64_t
bloom_bits(uint64_t hash)
{
	return (uint64_t)1 << (hash & 63) | (uint64_t)1 << (hash >> 6 & 63) | (uint64_t)1 << (hash >> 12 & 63) | (uint64_t)1 << (hash >> 18 & 63);
}

static void
add_keys(KeyFilter *f, const Vector *keys, int64_t n)
{
	int64_t values[STEP];

	for (int64_t first = 0, m; first < n; first += m) {
		m = n - first < STEP ? n - first : STEP;
		vector_load_integers(keys, first, m, values);
		for (int64_t i = 0; i < m; i++) {
			uint64_t hash;

			if (keys->validity != NULL && !bitmap_get(keys->validity, first + i))
				continue;
			if (f->bits != NULL) {
				bitmap_set(f->bits, (int64_t)((uint64_t)values[i] - (uint64_t)f->least));
				continue;
			}
			hash = hash_u64((uint64_t)values[i]);
			f->words[hash >> f->shift] |= bloom_bits(hash);
		}
	}
}

static bool
reserve(KeyFilter *f, int64_t bytes)
{
	Error ignored;

	if (budget_reserve(f->budget, bytes, "a join", &ignored) != OK)
		return false;
	f->reserved_bytes = bytes;
	return true;
}

bool
key_filter_build(KeyFilter *filter, const Vector *keys, int64_t n, MemoryBudget *budget)
{
	uint64_t range, exact_bytes;
	int64_t	 words = 64;

	*filter = (KeyFilter){.budget = budget, .shift = 64 - 6};
	vector_integer_range(keys, n, &filter->least, &filter->greatest);
	if (filter->least > filter->greatest)
		return true;
	range = (uint64_t)filter->greatest - (uint64_t)filter->least;
	exact_bytes = range / 8 + 16;
	if (exact_bytes <= EXACT_BYTES || exact_bytes <= EXACT_BYTES_A_KEY * (uint64_t)n) {
		if (!reserve(filter, (int64_t)exact_bytes))
			return false;
		filter->bits = xcalloc((size_t)exact_bytes / 8 + 1, 8);
	} else {
		for (; words * 64 < n * BITS_A_KEY; words *= 2)
			filter->shift--;
		if (!reserve(filter, words * 8))
			return false;
		filter->words = xcalloc((size_t)words, 8);
	}
	add_keys(filter, keys, n);
	return true;
}

void
key_filter_free(KeyFilter *filter)
{
	free(filter->bits);
	free(filter->words);
	budget_release(filter->budget, filter->reserved_bytes);
	*filter = (KeyFilter){.least = INT64_MAX, .greatest = INT64_MIN};
}

/* ---- asking ---- */

/* Writes row numbers one after the other and counts those that pass: there is nothing for the processor to guess. */
#define SELECT(row, passes)             \
	for (int32_t i = 0; i < n; i++) {   \
		uint32_t r = (row);             \
		int64_t	 key = values[r];       \
                                        \
		out[kept] = r;                  \
		kept += (passes);               \
	}

static inline bool
in_range(const KeyFilter *f, int64_t key)
{
	return (key >= f->least) & (key <= f->greatest);
}

static inline bool
in_bits(const KeyFilter *f, int64_t key)
{
	bool	 is_in = in_range(f, key);
	uint64_t at = is_in ? (uint64_t)key - (uint64_t)f->least : 0;

	return is_in & bitmap_get(f->bits, (int64_t)at);
}

static inline bool
in_words(const KeyFilter *f, int64_t key)
{
	uint64_t hash = hash_u64((uint64_t)key), wanted = bloom_bits(hash);

	return in_range(f, key) & ((f->words[hash >> f->shift] & wanted) == wanted);
}

static int32_t
drop_nulls(const Vector *column, int32_t n, uint32_t *rows)
{
	int32_t kept = 0;

	if (vector_base(column)->validity == NULL)
		return n;
	for (int32_t i = 0; i < n; i++) {
		uint32_t row = rows[i];

		rows[kept] = row;
		kept += vector_is_valid(column, row);
	}
	return kept;
}

int32_t
key_filter_select(const KeyFilter *filter, const Vector *column, const uint32_t *rows, int32_t n, uint32_t *out, Arena *scratch)
{
	int32_t	 kept = 0, n_values = column->n_rows;
	int64_t *values;

	if (filter->least > filter->greatest || n == 0)
		return 0;
	values = arena_alloc(scratch, sizeof *values * (size_t)n_values);
	vector_load_integers(column, 0, n_values, values);
	if (filter->bits != NULL && rows == NULL)
		SELECT((uint32_t)i, in_bits(filter, key))
	else if (filter->bits != NULL)
		SELECT(rows[i], in_bits(filter, key))
	else if (filter->words != NULL && rows == NULL)
		SELECT((uint32_t)i, in_words(filter, key))
	else if (filter->words != NULL)
		SELECT(rows[i], in_words(filter, key))
	else if (rows == NULL)
		SELECT((uint32_t)i, in_range(filter, key))
	else
		SELECT(rows[i], in_range(filter, key))
	return drop_nulls(column, kept, out);
}
