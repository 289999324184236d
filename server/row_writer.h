#ifndef SLUICE_SERVER_ROW_WRITER_H
#define SLUICE_SERVER_ROW_WRITER_H

/*
 * Rows of a query as ksqlDB's API writes them: delimited (a JSON text a line), one JSON array of arrays, row objects (header, row, final
 * message), the same with Protobuf messages for rows, and row objects as WebSocket frames.  Cells are written by column type, chosen once a query.
 */
#include "engine/client.h"
#include "engine/protobuf_rows.h"

typedef enum RowFormat { ROWS_DELIMITED, ROWS_ARRAY, ROWS_OBJECTS, ROWS_FRAMES, ROWS_PROTOBUF } RowFormat;

/* The content type that goes with it. */
const char *row_format_type(RowFormat format);

typedef void (*CellWriter)(const Vector *column, int64_t at, StrBuf *out);

typedef struct RowWriter {
	RowFormat	  format;
	int			  n_columns;
	CellWriter	 *cells;				/* by column */
	const Schema *schema;
	bool		 *is_key;				/* columns that a tombstone keeps */
	bool		  has_begun;
	Arena		  arena;				/* of the query */
	/* Takes one frame (FRAMES only). */
	void (*frame)(void *context, Str text);
	void		 *frame_context;
	StrBuf		  scratch;
	int64_t		  n_dropped;			/* tombstones that the format cannot show */
	ProtobufRows *protobuf;				/* PROTOBUF only */
} RowWriter;

void row_writer_init(RowWriter *writer, RowFormat format);
void row_writer_free(RowWriter *writer);

/* Each appends to `out` (FRAMES: calls `frame`).  Only PROTOBUF can fail: for columns and values that have no place in a message. */
Status row_writer_begin(RowWriter *writer, const ResultHeader *header, StrBuf *out, Error *err);
Status row_writer_rows(RowWriter *writer, const Batch *rows, StrBuf *out, Error *err);

/* `error` is a JSON object of row_writer's caller, NULL: none; `message` is a final message, NULL: none. */
void row_writer_end(RowWriter *writer, const char *message, const char *error, StrBuf *out);

/* A value as JSON: row `at` of a flat vector's data. */
void cell_write(const Vector *column, int64_t at, StrBuf *out);

#endif
