#ifndef SLUICE_EXEC_OP_MATERIALISE_H
#define SLUICE_EXEC_OP_MATERIALISE_H

#include "exec/op/op.h"

/*
 * Turns a table's changes into its current rows: keeps the last row per key (and window); at the end of input emits the rows that
 * remain as INSERTs, in order of key bytes.  For bounded queries over tables' topics, and bounded LEFT inputs of laws.
 */
typedef struct MaterialiseSpec {
	int	 n_key;
	bool is_windowed;
} MaterialiseSpec;

extern const OpType op_materialise;

#endif
