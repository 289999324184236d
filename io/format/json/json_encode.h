#ifndef SLUICE_IO_FORMAT_JSON_JSON_ENCODE_H
#define SLUICE_IO_FORMAT_JSON_JSON_ENCODE_H

/* Rows of vectors as compact JSON text, as ksqlDB writes it. */
#include "data/schema.h"
#include "data/vector.h"

typedef struct JsonStyle {
	bool iso_times;		/* DATE, TIME and TIMESTAMP as ISO text instead of numbers (files) */
} JsonStyle;

/* Appends row `row` of v (any form). */
Status json_encode_value(const Vector *v, int64_t row, const JsonStyle *style, StrBuf *out, Error *err);

/* What stands before the value of a field: `{"name":` of the first, `,"name":` of others. */
Str json_encode_name(Arena *arena, const char *name, bool is_first);

/* The same as an object of these columns, in order. */
Status json_encode_record(const Column *columns, const Vector *const *vectors, int n_columns, int64_t row,
						  const JsonStyle *style, StrBuf *out, Error *err);

#endif
