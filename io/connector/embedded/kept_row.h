#ifndef SLUICE_IO_CONNECTOR_EMBEDDED_KEPT_ROW_H
#define SLUICE_IO_CONNECTOR_EMBEDDED_KEPT_ROW_H

/*
 * How the rows of a table that the engine keeps for look-ups are stored: op_sink writes them, the table-state source reads
 * them.
 *
 * Key: key_encode of the key columns; of a windowed table followed by window start and end, 8 bytes each, big-endian with the
 * sign bit flipped (so that memcmp order is time order).
 * Value: event time (8 bytes, little-endian), then row_encode of the value columns.
 */
#include "common/str.h"
#include "data/batch.h"

/* The name under which the store has the kept rows of all tables (store_state_open's query); the state's name is the
 * table's, its partitions are those of the tasks that wrote them. */
#define KEPT_ROWS_OWNER "kept rows"

void kept_row_encode_key(const Vector *const *key_columns, int n_key, int64_t row, bool is_windowed, int64_t start,
						 int64_t end, StrBuf *out);
void kept_row_encode_window(int64_t start, int64_t end, StrBuf *out);
void kept_row_encode_value(const Vector *const *value_columns, int n_values, int64_t row, Time time, StrBuf *out);

/* Reads a pair back: values[0..n_key) from the key, the others from the value. */
Status kept_row_decode(const Type *const *types, int n_key, int n_columns, bool is_windowed, Str key, Str value, Arena *arena,
					   Value *values, int64_t *start, int64_t *end, Time *time, Error *err);

#endif
