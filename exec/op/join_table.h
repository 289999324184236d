#ifndef SLUICE_EXEC_OP_JOIN_TABLE_H
#define SLUICE_EXEC_OP_JOIN_TABLE_H

/*
 * The hash table of a bounded join: from key to the numbers of the build rows that have it, in their order.
 *
 * Built once from key columns, by several threads if there are many rows; then read only (by several threads).  There is one entry a distinct key, rows with the same
 * key are chained.  A single key of at most 64 bits is stored in the entry, or, where keys lie close together, is the number of the entry; other
 * keys are compared as slots (exec/op/group_table.h) of the build row.
 */
#include "exec/op/group_table.h"

#define JOIN_NO_ROW UINT32_MAX

typedef struct JoinEntry {
	uint32_t hash;
	uint32_t first;			/* row + 1; 0: empty */
} JoinEntry;

typedef struct JoinIntegerEntry {
	int64_t	 key;
	uint32_t first;
	uint32_t unused;
} JoinIntegerEntry;

typedef struct JoinTable {
	int				  n_keys;
	uint32_t		  n_rows;
	bool			  null_safe;		/* NULL equals NULL */
	bool			  is_integer;
	uint32_t		  mask;
	int				  shift;			/* of integer hashes */
	uint32_t		 *direct;			/* close keys: by key - least, the first row + 1; 0: none */
	int64_t			  least;
	uint64_t		  n_direct;
	JoinIntegerEntry *integers;
	JoinEntry		 *entries;
	uint32_t		 *next;				/* by row; NULL: no key occurs twice */
	GroupTable		  shape;			/* for slots: types and hashing */
	KeySlot			**slots;			/* by key, by row */
	uint32_t		 *null_rows;		/* rows with a NULL key, rising */
	uint32_t		  n_null_rows;
	int				  n_texts;
	Arena			 *texts;			/* bytes that slots point to; one for each thread that made some */
	Arena			  arena;
	MemoryBudget	 *budget;
	int64_t			  reserved_bytes;
} JoinTable;

/* Key columns must live as long as the table.  n_keys 0: every row is in one chain.  What is found does not depend on n_threads. */
Status join_table_build(JoinTable *table, const Vector *const *keys, int n_keys, uint32_t n_rows, bool null_safe, int n_threads,
						MemoryBudget *budget, Error *err);
void   join_table_free(JoinTable *table);

/* What a table of so many rows takes at most; `first`: the type of the first key. */
int64_t join_table_bytes(const Type *first, int n_keys, int64_t n_rows, bool null_safe);

/* The first build row with the key of each of n rows; JOIN_NO_ROW: none. */
void join_table_find(const JoinTable *table, const Vector *const *keys, int32_t n, uint32_t *rows, Arena *scratch);

static inline uint32_t
join_table_next(const JoinTable *table, uint32_t row)
{
	if (table->n_keys == 0)
		return row + 1 < table->n_rows ? row + 1 : JOIN_NO_ROW;
	return table->next != NULL ? table->next[row] : JOIN_NO_ROW;
}

#endif
