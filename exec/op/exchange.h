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
	int				  n_partitions;	/* of the topic whose rows are met and that stays where it is; 0: all there are */
} ExchangeSpec;

extern const OpType op_exchange;

/*
 * The partition of n_partitions that row `row` of flat columns belongs to, and in `bytes` (cleared first) its serialised key; *is_null: the
 * key is none.  `key` encodes spec->key (NULL: the canonical encoding), `own` is the partition that the row is in, *n_keyless counts
 * keys that go round.
 */
Status exchange_place(const ExchangeSpec *spec, Encoder *key, const Batch *in, int32_t row, int own, int n_partitions, int64_t *n_keyless,
					  StrBuf *bytes, bool *is_null, int *out, Error *err);

#endif
