#ifndef SLUICE_EXEC_OP_SINK_H
#define SLUICE_EXEC_OP_SINK_H

#include "exec/op/op.h"
#include "data/record.h"
#include "io/connector.h"

/*
 * The end of a persistent query: encodes rows and hands the records to the task's output (topic, committed with the
 * epoch).  Input columns: n_key key columns, then value columns.  DELETE and INSERT_NULL write a null value.
 */
typedef struct SinkSpec {
	const TopicSpec *topic;			/* name, partitions, formats, window; NULL: no topic is written */
	int				 n_key;			/* leading key columns */
	/* A key of which all columns are NULL is a null key: rows that keep the key of their source.  (A key of several columns
	 * that a query has made keeps its fields.) */
	bool			 null_key_when_null;
	bool			 is_table;		/* the rows are also kept, by key (and window), for bounded queries */
	const Expr		*timestamp;		/* WITH (TIMESTAMP=...) of the sink, over the input columns; NULL: event time */
	bool			 fail_on_bad_time;
	const char		*table_name;	/* names the kept rows in the store */
	bool			 is_session;
	int64_t			 retention_ms;	/* windowed tables: kept rows expire (exec/state/expiry.h); 0: never */
} SinkSpec;

extern const OpType op_sink;

/* The record's headers, copied from the headers column of the row that caused it; none if it has none. */
void sink_headers(Arena *arena, const Batch *in, int32_t row, Record *record);

/* The end of a transient query: hands batches to the caller. */
typedef struct ResultSpec {
	int n_columns;
} ResultSpec;

typedef Status (*ResultCallback)(void *context, const Batch *rows, Error *err);

extern const OpType op_result;

#endif
