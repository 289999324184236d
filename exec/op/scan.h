#ifndef SLUICE_EXEC_OP_SCAN_H
#define SLUICE_EXEC_OP_SCAN_H

#include "exec/op/op.h"
#include "io/connector.h"

/*
 * Where rows enter a plan: takes the batches that a Source reads, sets the event time from the TIMESTAMP column, adds
 * pseudo columns, and turns records into table changes for a table.
 *
 * Output columns: the source's columns as spec->source lists them (key columns first), then the pseudo columns.
 * Null-key records of tables are dropped (logged); a null value becomes ROW_DELETE (table) or ROW_INSERT_NULL (stream).
 */
typedef enum PseudoKind {
	PSEUDO_ROWTIME,			/* BIGINT, after extraction */
	PSEUDO_ROWPARTITION,	/* INTEGER */
	PSEUDO_ROWOFFSET,		/* BIGINT */
	PSEUDO_WINDOWSTART,		/* BIGINT */
	PSEUDO_WINDOWEND,		/* BIGINT */
	PSEUDO_HEADERS,			/* ARRAY<STRUCT<KEY STRING, VALUE BYTES>> */
	PSEUDO_HEADER,			/* BYTES: the last header named `name` */
} PseudoKind;

typedef struct PseudoColumn {
	PseudoKind	kind;
	const char *name;			/* PSEUDO_HEADER: the header's */
} PseudoColumn;

/* A hash join whose build side is complete before this scan begins, and which needs no row whose column has no value of its key. */
typedef struct ScanJoinFilter {
	const void *join;			/* the join's JoinHashSpec */
	int			key;			/* of its keys */
	int			column;			/* of source->file->columns */
} ScanJoinFilter;

typedef struct ScanSpec {
	const SourceSpec   *source;		/* what to read; columns = the output's leading columns */
	const char		   *alias;		/* for EXPLAIN */
	bool				is_table;	/* changes of a table */
	int					n_key;		/* of source->columns */
	int					n_pseudo;
	const PseudoColumn *pseudo;
	/* Event time: BIGINT or TIMESTAMP expression over the output columns; NULL: the record's own timestamp.  NULL or
	 * negative results drop the row (logged), or fail the query if fail_on_bad_time. */
	const Expr		   *timestamp;
	bool				fail_on_bad_time;
	int					n_join_filters;
	const ScanJoinFilter *join_filters;
	/* Of a recursive query (bounded): its rows, or within its step those of the iteration before.  NULL: source says what to read. */
	const struct RecursiveSpec *recursive;
	bool				is_working;
	const struct KeptSpec *kept;	/* of rows that are computed once; NULL: source says what to read */
	/* Bounded scan of a table's topic: keep only the last row of each key (planner adds op_materialise instead). */
} ScanSpec;

extern const OpType op_scan;

#endif
