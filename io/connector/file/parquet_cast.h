#ifndef SLUICE_IO_CONNECTOR_FILE_PARQUET_CAST_H
#define SLUICE_IO_CONNECTOR_FILE_PARQUET_CAST_H

/* Columns of a file that were declared with a wider type than the file has: numbers, dates, texts without annotation. */
#include "data/vector.h"

/* Whether every value of `from` has one of `to` (BYTES as STRING: if it is valid UTF-8). */
bool parquet_can_cast(const Type *from, const Type *to);

/* Makes *v a vector of `to`, in `arena`.  ERROR_DATA if a BYTES value is no text. */
Status parquet_cast(Arena *arena, const Vector **v, const Type *to, Error *err);

#endif
