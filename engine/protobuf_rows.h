#ifndef SLUICE_ENGINE_PROTOBUF_ROWS_H
#define SLUICE_ENGINE_PROTOBUF_ROWS_H

/*
 * Rows of a query as Protobuf messages: one message with the columns in order, numbered from 1, as ksqlDB makes them for clients that
 * accept application/vnd.ksql.v1+protobuf.  One thread at a time.
 */
#include "data/batch.h"

typedef struct ProtobufRows ProtobufRows;

/* ERROR_USER if a column's type or name has no place in a message.  Everything lives in the arena. */
Status protobuf_rows_new(Arena *arena, const Schema *schema, ProtobufRows **out, Error *err);

/* The message's proto3 text. */
const char *protobuf_rows_schema(const ProtobufRows *rows);

/* Appends the bytes of row `row` of a batch with the schema's columns. */
Status protobuf_rows_encode(ProtobufRows *rows, const Batch *batch, int32_t row, StrBuf *out, Error *err);

#endif
