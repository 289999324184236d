#ifndef SLUICE_EXEC_OP_KEEP_H
#define SLUICE_EXEC_OP_KEEP_H

/*
 * The end of a plan whose rows are kept, to be read more than once (WITH in a bounded plan).  They stay in memory up to half of what the
 * budget has for an operator; beyond that they go to temporary files.
 *
 * Threads keep rows side by side.  Which part of the input they come from goes with them, and in the end the blocks of rows are put in
 * the order of the parts: as one thread would have kept them.
 */
#include <pthread.h>

#include "common/spill.h"
#include "exec/op/op.h"
#include "exec/op/row_store.h"

/* Rows that follow each other, in a store or in a file. */
typedef struct KeptBlock {
	int64_t			part;
	int64_t			n_rows;
	const RowStore *store;		/* NULL: they were written */
	int64_t			first;		/* in the store */
	SpillFile	   *file;
	int64_t			at;			/* of its first block in the file */
} KeptBlock;

typedef struct KeptRows {
	int			n_columns;
	const Type **types;
	int64_t		n_rows;
	int			n_blocks, capacity;
	KeptBlock  *blocks;			/* after the end of the plan: in the order of the input */
	int			n_stores, store_capacity;
	RowStore  **stores;
	int			n_files, file_capacity;
	SpillFile **files;
	SpillSpace	space;			/* of the files, which outlive the run that wrote them */
	pthread_mutex_t reading;	/* a file is read by one thread at a time */
} KeptRows;

KeptRows *kept_rows_new(void);
/* Gives back what was reserved; NULL does nothing. */
void	  kept_rows_free(KeptRows *rows);

/* Its rows go to task->kept, which is complete when the operator has finished. */
typedef struct KeepSpec {
	int			 n_columns;
	const Type **types;
} KeepSpec;

extern const OpType op_keep;

#endif
