#ifndef SLUICE_EXEC_OP_JOIN_ASOF_H
#define SLUICE_EXEC_OP_JOIN_ASOF_H

#include "exec/expr/expr.h"
#include "exec/op/join_hash.h"

/*
 * Bounded ASOF join: each left row with the one right row whose keys are equal and whose last key is nearest to its own on the side that
 * `op` says: left >= right takes the greatest right value that is not above the left one.  Of equal right values the last row counts.
 * NULL in a key joins nothing.  Ports and output columns as of op_join_hash.
 */
typedef struct JoinAsofSpec {
	JoinHashSpec join;		/* first.  kind: INNER or LEFT; the last of n_keys >= 1 keys is the one that is compared; no residual */
	CompareOp	 op;		/* left op right: GE, GT, LE, LT */
} JoinAsofSpec;

extern const OpType op_join_asof;

#endif
