#ifndef SLUICE_EXEC_OP_LIMIT_H
#define SLUICE_EXEC_OP_LIMIT_H

#include "exec/op/op.h"

/*
 * LIMIT n OFFSET m: lets rows m .. m+n-1 of its input pass, in input order.
 *
 * Counts rows of any kind as they come, which is what LIMIT at the end of a push query means.  When the last row has
 * passed, push returns DONE; that is how SELECT ... EMIT CHANGES LIMIT 3 comes to its end.
 */
typedef struct LimitSpec {
	int64_t n_rows;		/* to let pass, >= 0; INT64_MAX: all */
	int64_t n_skip;		/* to drop first, >= 0 */
} LimitSpec;

extern const OpType op_limit;

/* UNION ALL: any number of ports with the same column types; rows pass as they come. */
extern const OpType op_union;

#endif
