#ifndef SLUICE_DATA_KEY_FILTER_H
#define SLUICE_DATA_KEY_FILTER_H

/*
 * Which rows of a column can have one of a set of keys: what one side of a join knows of the rows that it needs of the other.
 *
 * Keys are values of the types that are stored as integers (key_filter_takes).  A filter keeps the least and the greatest key and, where
 * they lie close together, a bit a key (then it is exact), else a Bloom filter of one 64-bit word and four bits a key (after Putze, Sanders and
 * Singler: Cache-, Hash- and Space-Efficient Bloom Filters, 2007): about one row in forty passes without need.  NULL never passes.
 *
 * Made once, then read only (by several threads).
 */
#include "common/budget.h"
#include "data/vector.h"

typedef struct KeyFilter {
	int64_t		  least, greatest;	/* least > greatest: there are no keys */
	uint64_t	 *bits;				/* bit key - least; NULL: not exact */
	uint64_t	 *words;			/* NULL, and no bits either: every key from least to greatest passes */
	int			  shift;			/* of hashes, to the number of a word */
	MemoryBudget *budget;
	int64_t		  reserved_bytes;
} KeyFilter;

bool key_filter_takes(const Type *type);

/* A filter of the keys in n rows (NULLs apart) of a FLAT column.  False: the budget has no room for it. */
bool key_filter_build(KeyFilter *filter, const Vector *keys, int64_t n, MemoryBudget *budget);
void key_filter_free(KeyFilter *filter);

/*
 * The rows among rows[0..n) (NULL: 0 .. n-1) whose value can be one of the keys, to `out`, which may be `rows`.  Gives how many.  The column
 * may be of another integer type than the keys.  `scratch` is for a batch of numbers.
 */
int32_t key_filter_select(const KeyFilter *filter, const Vector *column, const uint32_t *rows, int32_t n, uint32_t *out, Arena *scratch);

/* The least and the greatest value of n rows of a FLAT column that are not NULL; *least > *greatest: there is none. */
void vector_integer_range(const Vector *v, int64_t n, int64_t *least, int64_t *greatest);

/* The values of a column of integers, rows first .. first + n - 1; undefined where they are NULL. */
void vector_load_integers(const Vector *v, int64_t first, int64_t n, int64_t *out);

#endif
