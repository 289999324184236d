#ifndef SLUICE_EXEC_OP_ROW_PARTITIONS_H
#define SLUICE_EXEC_OP_ROW_PARTITIONS_H

/*
 * Rows of an operator that go to temporary files when the memory budget does not hold them, in partitions by bits of the hash of
 * some of their columns: rows with equal keys are in one partition.
 *
 * Rows are kept in a RowStore of the owner; when it is full all of it is written, partition by partition, and the store begins anew.  What was
 * written at once of one partition is an extent.  Rows of a partition come back in the order in which they were written.  Not thread safe:
 * each clone of an operator has its own, merged at the end.
 */
#include "exec/op/group_table.h"
#include "exec/op/op.h"
#include "exec/op/row_store.h"

enum {
	ROW_PARTITION_BITS = 6,
	N_ROW_PARTITIONS = 1 << ROW_PARTITION_BITS,
	ROW_PARTITION_LEVELS = 5,	/* that 32 bits of hash have */
};

typedef struct RowExtent {
	int		   partition;
	SpillFile *file;
	int64_t	   at;
	int64_t	   end;
} RowExtent;

typedef struct RowPartitions {
	Op			*op;			/* whose budget, space and counter are used */
	int			 level;			/* which bits of the hash: a partition that is too large is parted again by the next ones */
	int			 n_keys;
	const int	*key_columns;	/* borrowed */
	int64_t		 bytes_a_row;	/* that the owner needs besides the row itself */
	const Type **types;			/* of the columns; made with the first rows */
	int			 n_columns;
	GroupTable	 shape;			/* for hashing */
	Arena		 arena;
	SpillFile	*own;			/* that is written to */
	SpillFile  **files;
	int			 n_files, file_capacity;
	RowExtent	*extents;		/* in order of writing */
	int			 n_extents, capacity;
	int64_t		 n_rows[N_ROW_PARTITIONS];	/* written */
	int64_t		 n_bytes[N_ROW_PARTITIONS];
} RowPartitions;

void row_partitions_init(RowPartitions *parts, Op *op, int level, const int *key_columns, int n_keys, int64_t bytes_a_row);
void row_partitions_free(RowPartitions *parts);

static inline bool
row_partitions_are_used(const RowPartitions *parts)
{
	return parts->n_extents > 0;
}

/*
 * Keeps the rows index[0..n) (NULL: the first n) in the store; writes what is in it first where both are too much.  An operator without a place to write to (services.spill)
 * fails when the budget is exhausted.
 */
Status row_partitions_append(RowPartitions *parts, RowStore *rows, const Vector *const *columns, int n_columns, const uint32_t *index,
							 int32_t n, Error *err);

/* Writes the rows of the store, and empties it. */
Status row_partitions_write(RowPartitions *parts, RowStore *rows, Error *err);

/* Takes over another's rows, written and kept, behind the own ones. */
Status row_partitions_merge(RowPartitions *parts, RowStore *rows, RowPartitions *from, RowStore *from_rows, Error *err);

/* Rows of a block, at most BATCH_ROWS; valid during the call.  DONE: no more are wanted. */
typedef Status (*RowPartitionCallback)(void *context, const Vector *const *columns, int32_t n, Error *err);

Status row_partitions_read(const RowPartitions *parts, int partition, RowPartitionCallback take, void *context, Error *err);

/* All rows of a partition into an empty store. */
Status row_partitions_load(const RowPartitions *parts, int partition, RowStore *rows, Error *err);

/* Whether a partition should be parted again before it is loaded: it is too large and has more than one key, as far as is known. */
bool row_partitions_is_large(const RowPartitions *parts, int partition);

/* Whether nearly all rows are in one partition: then most have one key, and parting them again would not help. */
bool row_partitions_is_most(const RowPartitions *parts, int partition);

/* Parts a partition by the next bits into `out`, which was initialised for the next level.  The rows stay where they are, too. */
Status row_partitions_split(const RowPartitions *parts, int partition, RowPartitions *out, Error *err);

#endif
