#ifndef SLUICE_EXEC_OP_AGGREGATE_SPILL_H
#define SLUICE_EXEC_OP_AGGREGATE_SPILL_H

/*
 * Shared by the files of an aggregate that needs more than the memory budget: aggregate_spill.c (when, writing, the end),
 * aggregate_spill_read.c (reading), aggregate_large.c (the values of one aggregate of one partition).
 *
 * One writing gives each partition extents of records of one kind: its groups with their small states, then for each item that
 * keeps values the parts of them: tuples of DISTINCT, or pieces of states.  A record:
 *	RecordHeader, key slots, long text of the keys, then
 *		of a group its states; of a tuple its slots and their long text; else a piece as item_load takes it
 * Tuples that are parted by their own hash have no keys, but the group's number.
 */
#include "exec/op/aggregate_impl.h"

enum {
	PARTITION_BITS = 6,
	N_PARTITIONS = 1 << PARTITION_BITS,
	PARTITION_LEVELS = 5,	/* that 32 bits of hash have */
};

typedef struct RecordHeader {
	uint32_t length;		/* of the whole record */
	uint32_t hash;			/* of the group; of a tuple without keys its own */
	uint32_t kind;			/* 0: a group, or a session; i + 1: values of item i */
	uint32_t group;			/* of a tuple without keys */
	Time	 time;			/* of a group */
} RecordHeader;

/* What was written at once of one kind and partition. */
typedef struct Extent {
	int		   partition;
	uint32_t   kind;
	SpillFile *file;
	int64_t	   at;
	int64_t	   end;
} Extent;

/* What was written at one level. */
typedef struct Partitions {
	int			level;
	SpillFile  *own;
	SpillFile **files;
	int			n_files;
	int			file_capacity;
	Extent	   *extents;	/* in order of writing */
	int			n_extents;
	int			capacity;
} Partitions;

struct AggregateSpill {
	Partitions	top;
	Partitions *current;	/* that groups are written to */
	bool		is_reading_groups;	/* and no values: one group cannot be parted then */
	StrBuf		block;
};

/* Records that are taken together: of one kind, from one block. */
typedef struct Records {
	uint32_t	  kind;
	int32_t		  n;
	KeySlot		**columns;
	uint32_t	 *hashes;
	uint32_t	 *groups;
	Time		 *times;
	const char	**bodies;	/* states, slots of a tuple, or a piece */
	const char	**ends;
} Records;

/* ---- writing ---- */

static inline int
partition_of(const Partitions *parts, uint32_t hash)
{
	return (int)(hash >> (32 - PARTITION_BITS * (parts->level + 1)) & (N_PARTITIONS - 1));
}

void   partitions_free(Partitions *parts);
/* Between partition_begin and partition_end records are appended to a block, and partition_flush is called after each. */
Status partition_begin(AggregateOp *self, Partitions *parts, StrBuf *block, int partition, uint32_t kind, Extent *extent, Error *err);
Status partition_flush(AggregateOp *self, Partitions *parts, StrBuf *block, bool is_last, Error *err);
Status partition_end(AggregateOp *self, Partitions *parts, StrBuf *block, Extent *extent, Error *err);

/* Numbers of a table's live records by partition, in order; those of partition p are first[p] .. first[p + 1].  To be freed. */
uint32_t *records_by_partition(const Partitions *parts, const GroupTable *table, const GroupTable *groups, uint32_t *first);

void add_slots(const GroupTable *table, const Group *record, int first, int n, StrBuf *out);

Status spill_write_groups(AggregateOp *self, Error *err);

/* Bytes that the operator keeps, and what n more rows may add. */
int64_t spill_own_bytes(const AggregateOp *self, int32_t n, int64_t *growth);

/* Whether the values of an item are written apart from the groups: they may be many for one group. */
static inline bool
item_is_apart(const Item *item)
{
	return item->distinct != NULL || item->is_ordered || item->function->reduction != NULL;
}

/* Where there is one group only, tuples of DISTINCT are parted by their own hash from the first. */
static inline bool
tuples_are_by_value(const AggregateOp *self)
{
	return self->n_slots == 0;
}

/* ---- reading ---- */

/* The next piece before `end`, which stands behind its length; false: there is not all of it. */
static inline bool
take_piece(const char **at, const char *end, Str *piece)
{
	uint32_t length;

	if ((size_t)(end - *at) < sizeof length)
		return false;
	memcpy(&length, *at, sizeof length);
	*at += sizeof length;
	if ((size_t)(end - *at) < length)
		return false;
	*piece = str_make(*at, length);
	*at += length;
	return true;
}

/* Groups of a partition into memory, or where memory is full into smaller partitions. */
Status spill_read_groups(AggregateOp *self, const Partitions *parts, int partition, Error *err);
/* The values of all items of a partition, likewise: when its groups had to be parted. */
Status spill_read_values(AggregateOp *self, const Partitions *parts, int partition, Error *err);

typedef Status (*TakeRecords)(void *context, Records *records, Error *err);

/* Records of one kind and partition, up to BATCH_ROWS at a time. */
Status spill_read_records(AggregateOp *self, const Partitions *parts, int partition, uint32_t kind, bool has_keys, TakeRecords take, void *context,
						  Error *err);

/* Groups of records with keys, made if need be. */
Status records_find_groups(AggregateOp *self, const Records *records, Group **groups, Error *err);
/* Puts tuples into the item's table of them, under numbers of groups. */
Status records_take_tuples(AggregateOp *self, Item *item, const Records *records, const uint32_t *numbers, Error *err);
/* Merges pieces into the states of their groups. */
Status records_take_pieces(AggregateOp *self, Item *item, const Records *records, Group *const *groups, Error *err);

/* ---- values of one item ---- */

/* The values of an item of one partition, whose groups are all in memory, into their states: ready for item_result. */
Status item_take_large(AggregateOp *self, Item *item, const Partitions *parts, int partition, Error *err);

#endif
