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
	int			 n_keys;		/* 0: all rows are in the first partition */
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

/* Reads the rows of a partition block by block; more than one reader may be open. */
typedef struct RowPartitionReader {
	const RowPartitions *parts;
	int				 partition;
	int				 extent;		/* the next one to look at */
	int64_t			 at;			/* in the one before; `end`: it has been read */
	int64_t			 end;
	SpillBuffer		 buffer;
	Arena			 arena;
	const Vector   **columns;		/* of the current block, */
	int32_t			 n_rows;		/* at most BATCH_ROWS, */
	int64_t			 n_bytes;		/* as it was written; valid until the next one is read */
} RowPartitionReader;

void row_partition_open(RowPartitionReader *reader, const RowPartitions *parts, int partition);
void row_partition_close(RowPartitionReader *reader);

/* The next block; DONE: there is none. */
Status row_partition_next(RowPartitionReader *reader, Error *err);

/* The same by a callback: rows of a block, valid during the call.  DONE: no more are wanted. */
typedef Status (*RowPartitionCallback)(void *context, const Vector *const *columns, int32_t n, Error *err);

Status row_partitions_read(const RowPartitions *parts, int partition, RowPartitionCallback take, void *context, Error *err);

/* All rows of a partition into an empty store. */
Status row_partitions_load(const RowPartitions *parts, int partition, RowStore *rows, Error *err);

/*
 * Whether a partition should be parted again before it is loaded: it is too large for what the budget has left and has more than one key, as far as is
 * known.
 */
bool row_partitions_is_large(const RowPartitions *parts, int partition);

/* Whether nearly all rows are in one partition: then most have one key, and parting them again would not help. */
bool row_partitions_is_most(const RowPartitions *parts, int partition);

/* Parts a partition by the next bits into `out`, which was initialised for the next level.  The rows stay where they are, too. */
Status row_partitions_split(const RowPartitions *parts, int partition, RowPartitions *out, Error *err);

#endif
