#ifndef SLUICE_EXEC_OP_SPILL_ROWS_H
#define SLUICE_EXEC_OP_SPILL_ROWS_H

/*
 * Rows as a block of a temporary file: column by column, so that reading a block is a few pointers into it for columns of
 * fixed width, and one pass for text.
 */
#include "data/batch.h"

/* Appends the rows index[0..n) (NULL: the first n) to an empty `out`. */
void spill_rows_encode(const Vector *const *columns, int n_columns, const uint32_t *index, int32_t n, StrBuf *out);

/* The rows of a block as FLAT vectors, which borrow `bytes` (aligned as malloc's memory). */
Status spill_rows_decode(const Type *const *types, int n_columns, Str bytes, Arena *arena, const Vector **out, int32_t *n_rows,
						 Error *err);

#endif
