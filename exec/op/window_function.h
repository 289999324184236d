#ifndef SLUICE_EXEC_OP_WINDOW_FUNCTION_H
#define SLUICE_EXEC_OP_WINDOW_FUNCTION_H

#include "exec/op/aggregate.h"
#include "exec/op/sort.h"

/*
 * OVER: bounded.  All items of one operator share PARTITION BY and ORDER BY.  Output columns: the input's, then one per
 * item.  Rows come out partition by partition, ordered.
 */
typedef enum WindowFunctionKind {
	WINDOW_FUNCTION_AGGREGATE,		/* item.aggregate over the frame */
	WINDOW_FUNCTION_ROW_NUMBER, WINDOW_FUNCTION_RANK, WINDOW_FUNCTION_DENSE_RANK, WINDOW_FUNCTION_PERCENT_RANK,
	WINDOW_FUNCTION_CUME_DIST, WINDOW_FUNCTION_NTILE, WINDOW_FUNCTION_LAG, WINDOW_FUNCTION_LEAD,
	WINDOW_FUNCTION_FIRST_VALUE, WINDOW_FUNCTION_LAST_VALUE, WINDOW_FUNCTION_NTH_VALUE,
} WindowFunctionKind;

typedef enum FrameBound { FRAME_UNBOUNDED_PRECEDING, FRAME_PRECEDING, FRAME_CURRENT_ROW, FRAME_FOLLOWING,
						  FRAME_UNBOUNDED_FOLLOWING } FrameBound;
typedef enum FrameUnit { FRAME_ROWS, FRAME_RANGE, FRAME_GROUPS } FrameUnit;
/* Rows of the frame that are left out: the row itself, its peers, or both. */
typedef enum FrameExclude { FRAME_EXCLUDE_NONE, FRAME_EXCLUDE_CURRENT_ROW, FRAME_EXCLUDE_GROUP, FRAME_EXCLUDE_TIES } FrameExclude;

typedef struct WindowFunctionItem {
	WindowFunctionKind kind;
	AggregateItem	   aggregate;	/* kind AGGREGATE */
	int				   n_args;
	const Expr *const *args;		/* the others' arguments */
	const Type		  *type;
	FrameUnit		   unit;
	FrameBound		   start, end;
	const Expr		  *start_offset, *end_offset;	/* constants */
	FrameExclude	   exclude;
	bool			   ignore_nulls;	/* LAG, LEAD, FIRST_VALUE, LAST_VALUE, NTH_VALUE: rows whose argument is NULL do not count */
} WindowFunctionItem;

typedef struct WindowFunctionSpec {
	int						  n_partition;
	const Expr *const		 *partition;
	int						  n_order;
	const SortKey			 *order;
	int						  n_items;
	const WindowFunctionItem *items;
	int						  n_first;		/* only the first rows of each partition are wanted, all items are ROW_NUMBER; 0: all rows */
} WindowFunctionSpec;

extern const OpType op_window_function;

#endif
