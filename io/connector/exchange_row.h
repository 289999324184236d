#ifndef SLUICE_IO_CONNECTOR_EXCHANGE_ROW_H
#define SLUICE_IO_CONNECTOR_EXCHANGE_ROW_H

/*
 * A row on its way between two fragments of a query through a repartition topic: the value of a record.  One byte kind of row, one
 * byte flags, window start and end (8 bytes each, little-endian) if it has a window, then row_encode of all columns.  The record's
 * timestamp is the event time, its headers are the row's, its partition is the key's.
 */
#include "data/batch.h"
#include "data/key.h"

#define EXCHANGE_HAS_WINDOW 1

void exchange_row_encode(const Batch *in, int32_t row, StrBuf *out);

/* Text is borrowed from `bytes`.  *start and *end are set where the row has a window. */
Status exchange_row_decode(Str bytes, Vector *const *columns, int n_columns, Arena *arena, int32_t row, uint8_t *kind, bool *has_window,
						   int64_t *start, int64_t *end, Error *err);

#endif
