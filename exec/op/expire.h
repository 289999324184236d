#ifndef SLUICE_EXEC_OP_EXPIRE_H
#define SLUICE_EXEC_OP_EXPIRE_H

#include "exec/op/op.h"

/*
 * Rows of a table that end (TTL): a key that has had no row for ttl_ms of event time becomes DELETE, with the time at which it ended.
 * Everything else goes through unchanged, but a delete of a key that is not there is told no more.  Event time is the greatest that this operator has seen, or was told of by an idle
 * input; before each row everything ends that is due, in order of time, then of key bytes.  Not for windowed tables.
 */
typedef struct ExpireSpec {
	int64_t			   ttl_ms;
	int				   n_key;		/* leading key columns */
	int				   n_columns;
	const Type *const *types;		/* of all columns */
} ExpireSpec;

extern const OpType op_expire;

#endif
