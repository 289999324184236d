#ifndef SLUICE_EXEC_OP_EXCHANGE_H
#define SLUICE_EXEC_OP_EXCHANGE_H

#include "exec/op/op.h"
#include "io/format.h"

/*
 * Re-keying: rows go on to the instance of the next fragment that owns the partition of their key (the first n_key
 * columns, serialised in `key`; murmur2).  Order is kept per input partition.  With one partition it forwards.
 */
typedef struct ExchangeSpec {
	int				  n_key;
	const FormatSpec *key;
} ExchangeSpec;

extern const OpType op_exchange;

#endif
