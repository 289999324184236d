#ifndef SLUICE_COMMON_SPILL_H
#define SLUICE_COMMON_SPILL_H

/*
 * Temporary files for what a query keeps beyond its memory budget.
 *
 * A file has no name (it is gone whatever ends the process) and is only appended to; it consists of blocks, each
 * compressed by LZ4 if that makes it smaller and the library is there.  Blocks are read back by place, in any order.
 * A file is used by one thread at a time.  I/O points for faults: spill.open, spill.write, spill.full, spill.read.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/budget.h"
#include "common/env.h"
#include "common/str.h"

/* Where the operators of one query may write.  Everything is borrowed. */
typedef struct SpillSpace {
	const Env		   *env;
	const char		   *directory;
	const MemoryBudget *budget;
	int					n_sharers;	/* threads that fill the budget together; changed only while one runs */
} SpillSpace;

/* Bytes that one operator on one thread should keep in memory at most; INT64_MAX: the budget has no limit. */
int64_t spill_share(const SpillSpace *space);

/* What it may keep whatever others keep, so that parts are not too small: 1 MiB, less if the budget is tiny. */
int64_t spill_least(const SpillSpace *space);

/* Whether an operator that keeps some bytes should write them out before it takes more. */
bool spill_is_due(const SpillSpace *space, int64_t kept_bytes, int64_t more_bytes);

/* A size for blocks that suits the budget: 256 KiB, less if the budget is tiny. */
int64_t spill_block_bytes(const SpillSpace *space);

typedef struct SpillFile SpillFile;

/* ERROR_FATAL when no file can be made in the directory. */
Status spill_open(const SpillSpace *space, SpillFile **out, Error *err);
void   spill_close(SpillFile *file);	/* NULL does nothing */

/* Appends a block of 1 byte to 1 GiB.  ERROR_FATAL, with the remedy, when the disk is full. */
Status spill_write(SpillFile *file, Str block, Error *err);

/* Where the next block will stand. */
int64_t spill_end(const SpillFile *file);

/* Bytes of all blocks before compression. */
int64_t spill_plain_bytes(const SpillFile *file);

/* Memory for reading, reused block after block; all zeros at first. */
typedef struct SpillBuffer {
	StrBuf stored;
	StrBuf plain;
} SpillBuffer;

void spill_buffer_free(SpillBuffer *buffer);

/* Reads the block at *at, which moves to the next one.  `out` is aligned as malloc's memory and valid until the next read. */
Status spill_read(SpillFile *file, int64_t *at, SpillBuffer *buffer, Str *out, Error *err);

#endif
