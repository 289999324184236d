#ifndef SLUICE_EXEC_FUNC_AGG_BAG_H
#define SLUICE_EXEC_FUNC_AGG_BAG_H

/*
 * A bag of rows: the state of aggregates that keep values (lists, sets, counts by value, the first n).  Entries are in order
 * of arrival; each has a tag (count or sequence number) and a row as bytes (row_encode).  An empty bag is all zeros.
 */
#include "data/key.h"
#include "exec/func/agg_impl.h"

typedef struct Bag {
	char	 *bytes;
	size_t	  length;
	size_t	  capacity;
	uint32_t *index;		/* hash table of entry offsets / 8 + 1, made when find is called on a large bag */
	uint32_t  index_mask;
	uint32_t  n;
} Bag;

typedef struct BagEntry {
	int64_t tag;
	Str		row;
	size_t	at;				/* handle of this entry, for bag_remove and bag_set_tag */
} BagEntry;

/* Bytes of n columns of a row: equal rows have equal bytes. */
void bag_encode(const Vector *const *args, int n, int32_t row, StrBuf *out);

/* Walks: `for (size_t at = 0; bag_next(bag, &at, &entry);)`. */
bool bag_next(const Bag *bag, size_t *at, BagEntry *entry);
bool bag_find(Bag *bag, Str row, BagEntry *entry);
void bag_add(const AggregateCall *call, Bag *bag, int64_t tag, Str row);
void bag_insert(const AggregateCall *call, Bag *bag, size_t at, int64_t tag, Str row);	/* before the entry at `at` */
void bag_remove(Bag *bag, size_t at);
void bag_set_tag(Bag *bag, size_t at, int64_t tag);
void bag_clear(Bag *bag);

/* The entry's row as n values of the argument types; text is borrowed from the bag. */
void bag_values(const AggregateCall *call, const BagEntry *entry, int n, Arena *arena, Value *out);
/* All first columns as an array. */
void bag_list_result(const AggregateCall *call, const Bag *bag, Vector *out, int32_t row, Arena *arena);
/* The only entry's first column; NULL if the bag is empty. */
void bag_value_result(const AggregateCall *call, const Bag *bag, Vector *out, int32_t row, Arena *arena);

/* For rows of Aggregate whose state is a Bag. */
void   bag_save(const AggregateCall *call, const void *state, StrBuf *out);
Status bag_load(const AggregateCall *call, Str bytes, void *state);
void   bag_destroy(const AggregateCall *call, void *state);
/* For AggregateReduction: entries are (row, tag, number in the group). */
enum { BAG_ENTRY_COLUMNS = 3 };
bool	bag_save_part(const AggregateCall *call, const void *state, size_t *at, StrBuf *out);
int32_t bag_entries(const AggregateCall *call, const void *state, size_t *at, int64_t first, Arena *arena, const Vector **columns);

#define BAG_STATE .state_size = sizeof(Bag), .save = bag_save, .load = bag_load, .destroy = bag_destroy

#endif
