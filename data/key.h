#ifndef SLUICE_DATA_KEY_H
#define SLUICE_DATA_KEY_H

/*
 * Internal key bytes: a canonical, self-delimiting encoding of one or more columns, for state keys and grouping.
 * Equal values give equal bytes and no others do.  memcmp order of the bytes: numbers of INTEGER and BIGINT as
 * ksqlDB's big-endian two's complement (negative after positive), text by byte; so that "by key bytes" orders of the
 * semantics hold for the common key formats.
 */
#include "common/str.h"
#include "data/batch.h"

/* Appends columns[0..n) of row `row`. */
void key_encode(const Vector *const *columns, int n_columns, int64_t row, StrBuf *out);
void key_encode_value(const Value *v, StrBuf *out);

/* Reads one value of `type` at *at (advanced); memory in arena. */
Status key_decode(const Type *type, Str bytes, size_t *at, Arena *arena, Value *out, Error *err);

/*
 * Bytes whose memcmp order is the order of values (value_compare; standard dialect), self-delimiting: for ordered state.
 * They cannot be decoded.  order_encode: of a row's value as ORDER BY has it, NULLs and direction included.
 */
void order_encode_value(const Value *v, StrBuf *out);
void order_encode(const Vector *column, int64_t row, bool descending, bool nulls_first, Arena *scratch, StrBuf *out);

/* Kafka's default partitioner: murmur2 of the serialised key, masked positive, modulo n. */
int32_t key_partition(Str serialised_key, int32_t n_partitions);

/* A full row (any types, NULLs) as bytes and back: for state values, spilling and exchanges. */
void   row_encode(const Vector *const *columns, int n_columns, int64_t row, StrBuf *out);
Status row_decode(const Type *const *types, int n_columns, Str bytes, Arena *arena, Value *out, Error *err);

/* As row_decode, into row `row` of FLAT vectors of the row's types.  Text is borrowed from `bytes`. */
Status row_decode_vectors(Vector *const *columns, int n_columns, Str bytes, Arena *arena, int64_t row, Error *err);

#endif
