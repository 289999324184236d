#ifndef SLUICE_EXEC_OP_JOIN_HASH_H
#define SLUICE_EXEC_OP_JOIN_HASH_H

#include "data/key_filter.h"
#include "exec/op/join_stream.h"

/*
 * Bounded equi-join by a hash table.  Ports: 0 probe (left), 1 build (right; it is run to its end first).
 * Output columns: all left, then all right (SEMI, ANTI: left only).  NULL keys join nothing unless null_safe.
 * n_keys 0: nested loop over the build rows (CROSS, or any condition in `residual`).
 */
typedef struct JoinHashSpec {
	JoinKind		   kind;
	int				   n_keys;
	const Expr *const *left_keys;
	const Expr *const *right_keys;
	const Expr		  *residual;		/* over left columns then right columns; part of the ON condition; NULL: none */
	int				   n_left;
	int				   n_right;
	const Type *const *left_types;
	const Type *const *right_types;
	bool			   null_safe;
	bool			   tests_build;		/* SEMI, ANTI: the build rows are tested, against the probe rows; right columns only come out */
	bool			   single;			/* scalar sub-query: more than one match is an error */
	bool			   null_aware;		/* NOT IN: a NULL on either side makes ANTI yield nothing for that row */
	uint64_t		   filter_keys;		/* bit k: scans of the probe side want to know which values key k has */
} JoinHashSpec;

/* The values of key k of spec->filter_keys once the build side has ended; NULL: not known.  Lives as long as the operator. */
const KeyFilter *join_hash_filter(const Op *op, int key);

extern const OpType op_join_hash;

#endif
