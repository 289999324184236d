#ifndef SLUICE_EXEC_OP_GROUP_TABLE_H
#define SLUICE_EXEC_OP_GROUP_TABLE_H

/*
 * A hash table from group keys to groups, looked up a batch at a time.
 *
 * A key column's value becomes a KeySlot of 16 bytes: numbers as they are, text as a view (short text inline), nested
 * values as a view of their key bytes; NULL is a slot that no value has.  So equality of fixed-width keys and of short
 * text is two comparisons of words, whatever the types, and a key of several columns is several slots.  Records keep 8 bytes
 * of those whose values need no more, and a bit for NULL.
 *
 * Groups are records of one size in chunks: header, key slots, states of the aggregates.  They never move, but chunks go
 * over from table to table when they are merged.  The table
 * proper is an array of (hash, record number) with linear probing, so that growing touches no record.
 * Records are numbered in order of first appearance as long as none is removed.
 */
#include "common/budget.h"
#include "data/batch.h"

typedef struct KeySlot {
	uint64_t low;
	uint64_t high;
} KeySlot;

typedef struct Group {
	uint32_t hash;
	uint32_t number;
	Time	 time;			/* event time of the state */
	uint32_t is_live : 1;
	uint32_t is_changed : 1;	/* since the last emission (compaction) */
	uint32_t is_unsaved : 1;	/* since the last flush of durable state */
	uint32_t is_stored : 1;		/* durable state has a row of it */
	uint32_t nulls : 28;		/* bit k: narrow key k is NULL */
	union {					/* free for the owner */
		uint32_t is_noted;
		uint32_t n_rows;	/* aggregate over a table */
	};
	uint64_t words[];		/* keys, at their places */
} Group;

/* Where records keep a key. */
typedef struct KeyPlace {
	uint16_t word;
	bool	 is_wide;		/* a whole KeySlot; otherwise its low word, with a bit of `nulls` for the high one */
	bool	 is_text;		/* compared through the view */
} KeyPlace;

typedef struct GroupEntry {
	uint32_t hash;
	uint32_t number;		/* of the record + 1; 0: empty */
} GroupEntry;

/* Memory of some chunks that were made at once. */
typedef struct GroupSlab {
	char	*memory;
	uint32_t n_chunks;
} GroupSlab;

typedef struct GroupTable {
	int			  n_keys;
	const Type  **types;		/* of each key; NULL: a raw slot (window, grouping set) */
	KeyPlace	 *places;		/* of each key */
	uint32_t	  state_offset; /* of the states within a record */
	uint32_t	  record_size;
	GroupEntry	 *entries;
	uint32_t	  mask;			/* capacity - 1 */
	int64_t		  n_groups;
	char		**chunks;
	uint32_t	  n_records;	/* used, freed ones included */
	uint32_t	  n_chunks;		/* those that have no record yet included */
	uint32_t	  chunk_capacity;
	GroupSlab	 *slabs;
	uint32_t	  n_slabs;
	uint32_t	  slab_capacity;
	char		 *blank;		/* while it is merged into another: a chunk without records */
	uint32_t	 *free_numbers;
	uint32_t	  n_free;
	uint32_t	  free_capacity;
	int64_t		  reserved_bytes;
	int64_t		  text_bytes;	/* of long text in keys */
	int64_t		  text_reserved_bytes;	/* for it, in steps; a part of reserved_bytes */
	MemoryBudget *budget;
	const char	 *what;			/* for the error when the budget is exhausted; NULL: "GROUP BY" */
	bool		  may_overdraw;	/* the owner looks at the budget between batches: reserve beyond it */
} GroupTable;

#define GROUP_CHUNK_BITS 10

/* `types` as above; borrowed memory of `arena`.  States begin at a multiple of state_align bytes: 8 or 16. */
void group_table_init(GroupTable *table, Arena *arena, const Type *const *types, int n_keys, uint32_t state_size, uint32_t state_align,
					  MemoryBudget *budget);
void group_table_free(GroupTable *table);
/* Forgets all records and gives their memory back; the table can be used on. */
void group_table_clear(GroupTable *table);

/* Bytes that n new groups may reserve at most, long text apart. */
int64_t group_table_growth(const GroupTable *table, int32_t n);

static inline Group *
group_table_at(const GroupTable *table, uint32_t number)
{
	return (Group *)(table->chunks[number >> GROUP_CHUNK_BITS] +
					 (size_t)(number & ((1u << GROUP_CHUNK_BITS) - 1)) * table->record_size);
}

static inline KeySlot
group_key(const GroupTable *table, const Group *group, int key)
{
	const KeyPlace *place = &table->places[key];
	const uint64_t *at = group->words + place->word;

	return (KeySlot){at[0], place->is_wide ? at[1] : group->nulls >> key & 1};
}

/* Bytes of text that a slot of key `key` points to; 0 if it has all in itself. */
size_t key_slot_far_bytes(const GroupTable *table, int key, const KeySlot *slot);

/* Slots of rows 0..n-1 of a column.  Long text is borrowed; `arena` takes the bytes of nested keys. */
void key_slots(const Vector *v, int32_t n_rows, KeySlot *out, Arena *arena);
void key_slot_null(const Type *type, KeySlot *out);

/* The value of a slot of a key column as row `row` of the FLAT `out`.  Long text is shared with the slot. */
Status key_slot_get(const Type *type, const KeySlot *slot, Vector *out, int32_t row, Arena *arena, Error *err);
bool   key_slot_is_null(const Type *type, const KeySlot *slot);

/* hashes[i] of the key whose columns are columns[0..n_keys)[i]. */
void group_table_hash(const GroupTable *table, KeySlot *const *columns, int32_t n_rows, uint32_t *hashes);

/*
 * Finds or makes the group of each row.  Numbers of rows that made one are put into new_rows (room for n_rows), whose
 * states are cleared to zero.  FAILED: the budget is exhausted.
 */
Status group_table_find(GroupTable *table, KeySlot *const *columns, const uint32_t *hashes, int32_t n_rows, Group **groups,
						uint32_t *new_rows, int32_t *n_new, Error *err);

/* The group of one row, NULL if there is none. */
Group *group_table_lookup(const GroupTable *table, KeySlot *const *columns, uint32_t hash, int32_t row);

/* The states must have been destroyed by the owner. */
void group_table_remove(GroupTable *table, Group *group);

/*
 * Takes over the groups of a table of the same shape, a part at a time: `from` gives its memory up on the way.  Begin with
 * {into, from}; after the last part, or a failure, free what `from` has left as usual.
 */
typedef struct GroupMerge {
	GroupTable *into;
	GroupTable *from;
	uint32_t	next_chunk;		/* of from */
	uint32_t	next_slab;		/* of from: the first whose chunks are not all done */
	uint32_t	slab_end;		/* the chunk behind it */
	bool		moves_chunks;	/* of that slab; otherwise its records are copied */
} GroupMerge;

/* One group of `from`. */
typedef struct MergedGroup {
	uint32_t number;			/* that it had in `from` */
	Group	*group;				/* in `into` */
	Group	*theirs;			/* its old record, the states of which the caller merges and destroys before it goes on; NULL: it has moved */
} MergedGroup;

enum {
	GROUP_MERGE_ROWS = 1 << GROUP_CHUNK_BITS,
};

/* The next groups in order of appearance, at most GROUP_MERGE_ROWS; *n is 0 behind the last.  FAILED: the budget is exhausted. */
Status group_merge_next(GroupMerge *merge, MergedGroup *out, int32_t *n, Error *err);

/* A FLAT vector of key `key` of each group. */
Status group_table_key_vector(const GroupTable *table, Group *const *groups, int32_t n_groups, int key, Arena *arena,
							  const Vector **out, Error *err);

/* Canonical bytes (data/key.h) of the first n_keys keys of a group, appended. */
Status group_table_key_bytes(const GroupTable *table, const Group *group, int n_keys, Arena *scratch, StrBuf *out, Error *err);

#endif
