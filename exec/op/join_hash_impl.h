#ifndef SLUICE_EXEC_OP_JOIN_HASH_IMPL_H
#define SLUICE_EXEC_OP_JOIN_HASH_IMPL_H

/* What the files of the bounded join share: join_hash.c (in memory) and join_spill.c (by partitions of temporary files). */
#include "exec/op/join_hash.h"
#include "exec/op/join_table.h"
#include "exec/op/row_partitions.h"
#include "exec/op/row_store.h"

enum {
	/* What a row costs besides itself while its partition is joined: entries of the table, links of chains, a slot a key. */
	JOIN_TABLE_BYTES = 40,
};

typedef struct JoinHashOp {
	Op			op;
	Program	  **left_keys;
	Program	  **right_keys;		/* by key; NULL: the key is a column */
	Program	   *residual;
	int		   *key_columns;	/* of the build rows */
	RowStore	rows;			/* right columns, computed keys, event time */
	RowPartitions build_parts;	/* of them, when they are too many */
	JoinTable	table;
	KeyFilter **filters;		/* by key; NULL: not wanted or no room */
	bool		is_built;
	bool		is_spilled;		/* the build side has gone to files: so do the probe rows, until the end */
	bool		has_time;		/* of the build rows */
	bool		layout_is_known;
	int64_t		n_build_rows;	/* null_aware: of all partitions */
	int64_t		n_null_rows;	/* and how many of them have a NULL key */
	uint32_t	null_row;		/* keeps_left: the build row of NULLs */
	uint8_t	   *matched;		/* keeps_right: by build row */
	int64_t		matched_bytes;
	RowStore	early;			/* probe rows that came before the build side had ended */
	bool		early_has_time;
	bool		left_has_finished;
	/* probe rows of a join whose build side has been spilled: left columns, computed keys, event time */
	RowStore	probe;
	RowPartitions probe_parts;
	int		   *probe_key_columns;
	bool		probe_has_time;
	/* pairs of the current push */
	uint32_t   *left;
	uint32_t   *right;
	int32_t		n_pairs;
	bool		is_identity;	/* pair i is of probe row i */
	uint8_t	   *left_matched;	/* by probe row of the push */
	/* Build rows that come in several chunks, each of which sees all probe rows: left_matched comes from one to the next. */
	bool		has_earlier_chunk;
	bool		has_later_chunk;
	int64_t		chunk_bytes;	/* taken for the table of a chunk */
} JoinHashOp;

/* Makes the table of the rows in the store; FAILED: the budget (NULL: none) is exhausted, and the rows are as before. */
Status join_table_make(JoinHashOp *self, MemoryBudget *budget, Error *err);
void   join_table_drop(JoinHashOp *self);

/* Joins rows of the left side, whose keys are given. */
Status join_probe_keys(JoinHashOp *self, const Batch *in, const Vector *const *keys, Error *err);

/* RIGHT, FULL and tests of build rows: what comes out when all probe rows have been seen. */
Status join_emit_kept(JoinHashOp *self, Error *err);

/* Build rows are wanted even if no probe row matches; probe rows are wanted even if no build row does. */
bool join_keeps_build(const JoinHashSpec *spec);
bool join_keeps_probe(const JoinHashSpec *spec);

/* What becomes of a probe row depends on whether another build row has matched it. */
bool join_marks_probe(const JoinHashSpec *spec);

/* Event time as a column; borrowed. */
const Vector *join_time_column(Arena *arena, const Batch *in);

/* ---- join_spill.c ---- */

void join_spill_open(JoinHashOp *self);
void join_spill_close(JoinHashOp *self);

/* Whether there is a place to write to. */
bool join_can_spill(const JoinHashOp *self);

/* Whether the build rows and their table would take more than an operator should. */
bool join_spill_is_due(const JoinHashOp *self);

/* The build side has ended and is not in memory. */
Status join_spill_build(JoinHashOp *self, Error *err);

/* Keeps probe rows. */
Status join_spill_probe(JoinHashOp *self, const Batch *in, Error *err);

/* Both sides have ended: joins partition by partition. */
Status join_spill_finish(JoinHashOp *self, Error *err);

#endif
