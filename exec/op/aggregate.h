#ifndef SLUICE_EXEC_OP_AGGREGATE_H
#define SLUICE_EXEC_OP_AGGREGATE_H

#include "data/window.h"
#include "exec/op/op.h"

/*
 * GROUP BY: plain, windowed (tumbling, hopping, session), over streams and over tables (undo), bounded and continuous.
 * Semantics record by record: ksqlDB's (its streaming reference), as documented in exec/op/aggregate.c.
 *
 * Output columns: the keys, the aggregates' results, then WINDOWSTART and WINDOWEND (BIGINT) if windowed; key columns
 * are the first n_keys.  Batches of a windowed aggregate carry window_start and window_end.  Event time is that of the
 * group's state.  Row kinds: UPSERT (and DELETE for merged-away sessions) as changes; INSERT with AGGREGATE_AT_END.
 * No keys: one group, which exists from the start with AGGREGATE_AT_END (one row even without input) unless windowed.
 */
typedef enum AggregateEmit {
	AGGREGATE_CHANGES,		/* every change (compacted within an epoch if the task compacts) */
	AGGREGATE_FINAL,		/* EMIT FINAL: each window once, when it closes */
	AGGREGATE_AT_END,		/* bounded: every group once, when the input has ended (in order of first appearance) */
} AggregateEmit;

typedef struct AggregateItem {
	const Aggregate	  *function;
	int				   n_args;
	const Expr *const *args;
	const Value		  *constants;	/* n_args; type NULL where the argument is not a literal */
	const Type		  *type;		/* of the result */
	const Expr		  *filter;		/* FILTER (WHERE ...); NULL: none */
	bool			   distinct;	/* each distinct argument tuple of a group counts once */
	const Expr *const *order_by;	/* of ordered aggregates; NULL: input order */
	const bool		  *order_descending;
	const bool		  *order_nulls_first;	/* independent of the direction */
	int				   n_order_by;
	/* MIN, MAX over a table's changes: all values of a group are kept in order (see aggregate_values.c). */
	bool			   keeps_values;
	bool			   keeps_greatest;	/* MAX */
	bool			   null_when_empty; /* standard SUM, AVG, ...: handled by the function row chosen; informational */
} AggregateItem;

typedef struct AggregateSpec {
	int					 n_keys;
	const Expr *const	*keys;
	int					 n_items;
	const AggregateItem *items;
	WindowSpec			 window;			/* kind WINDOW_NONE: none */
	AggregateEmit		 emit;
	/* A group that has had no row for so long (event time) ends: DELETE, and its state goes; 0: never.  Not windowed, not is_table. */
	int64_t				 ttl_ms;
	bool				 is_table;			/* input is a table's changes: the old row is undone */
	int					 n_input_key;		/* is_table: leading key columns of the input */
	/*
	 * is_table: a group that has lost its last row is deleted, as it would be gone from the bounded result.  false: it stays, with
	 * COUNT 0 (ksqldb; and the group of no keys, which always is).
	 */
	bool				 drops_empty_groups;
	bool				 skips_null_keys;	/* rows with a NULL key are left out (ksqldb) */
	bool				 has_late_rows;		/* grace applies; false: bounded without GRACE PERIOD, no row is late */
	/* ksqlDB loses windows that its store has dropped when time jumps; false: every closed window is emitted. */
	bool				 loses_expired_windows;
	/*
	 * The input's key has a window that stays part of the key (grouping by the whole key of a windowed source): batches
	 * carry window_start and window_end, but no columns are added for them.
	 */
	bool				 input_is_windowed;
	/*
	 * GROUPING SETS: keys of each set as a bitmap over keys; 0 sets: all keys.  Otherwise a BIGINT column follows the
	 * aggregates' results (before WINDOWSTART): bit k set where key k is not part of the row's set.
	 */
	int					 n_grouping_sets;
	const uint64_t		*grouping_sets;
} AggregateSpec;

extern const OpType op_aggregate;

#endif
