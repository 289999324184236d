#ifndef SLUICE_EXEC_OP_EXCHANGE_H
#define SLUICE_EXEC_OP_EXCHANGE_H

#include "exec/op/op.h"
#include "io/format.h"

/*
 * Re-keying: rows go on to the instance of the next fragment that owns the partition of their key (the first n_key
 * columns, serialised in `key`; murmur2).  Order is kept per input partition.  With one partition it forwards.
 */
typedef enum NullKeys {
	NULL_KEYS_ROUND,		/* a key that is NULL as a whole goes round the partitions */
	NULL_KEYS_TOGETHER,		/* keys with a NULL in them go to the first partition: they are a group (GROUP BY) */
	NULL_KEYS_MOVE,			/* so they do, and all others stay where they are: the rows have this key already */
} NullKeys;

typedef struct ExchangeSpec {
	int				  n_key;
	const FormatSpec *key;
	NullKeys		  null_keys;
} ExchangeSpec;

extern const OpType op_exchange;

#endif
