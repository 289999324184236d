#ifndef SLUICE_EXEC_OP_WINDOW_FRAME_H
#define SLUICE_EXEC_OP_WINDOW_FRAME_H

/* Frames of window functions: which rows of its partition a row's function sees. */
#include "exec/op/window_function.h"
#include "exec/op/window_rows.h"

/* A partition in order: positions start .. end-1. */
typedef struct WindowPartition {
	int64_t start, end;
} WindowPartition;

/* The peers of a row, and how many groups of peers its partition has before them. */
typedef struct WindowGroup {
	int64_t number;
	int64_t start, end;
} WindowGroup;

/* An offset as the ORDER BY value's type needs it. */
typedef struct FrameOffset {
	int64_t	 rows;			/* ROWS, GROUPS */
	bool	 is_double;
	double	 number;
	__int128 integer;		/* in the frame's units */
	bool	 is_interval;
	Interval interval;
} FrameOffset;

/* Where a bound was found last: from there the next one is looked for, because bounds move little from row to row. */
typedef struct FrameCursor {
	int64_t group;			/* GROUPS: number of the group that begins at the position */
	int64_t position;
} FrameCursor;

typedef struct WindowFrame {
	FrameUnit	unit;
	FrameBound	start, end;
	FrameOffset start_offset, end_offset;
	FrameCursor start_cursor, end_cursor;
	/* RANGE with offsets: the ORDER BY value. */
	bool		descending;
	bool		is_double;
	__int128	factor;			/* from the value's units to the frame's */
	int			value_column;	/* of the stored rows; set by the owner */
	int64_t		values_start, values_end;	/* rows of the partition whose value is not NULL; -1: not known yet */
} WindowFrame;

/* `order`: the ORDER BY key of RANGE; NULL: none. */
Status window_frame_open(WindowFrame *frame, Arena *arena, const WindowFunctionItem *item, const SortKey *order, const Env *env,
						 Error *err);

/* Before the first row of each partition. */
void window_frame_begin(WindowFrame *frame, const WindowPartition *partition);

/* The frame of the row at a position with its group; *start >= *end if it is empty.  FAILED: rows could not be read. */
Status window_frame_at(WindowFrame *frame, WindowRows *rows, const WindowPartition *partition, const WindowGroup *group, int64_t position,
					   int64_t *start, int64_t *end, Error *err);

/* The same as slices in order, without the rows that EXCLUDE leaves out, and their number. */
enum { FRAME_SLICES = 3 };
typedef struct FrameSlice { int64_t start, end; } FrameSlice;
Status window_frame_slices(WindowFrame *frame, FrameExclude exclude, WindowRows *rows, const WindowPartition *partition, const WindowGroup *group,
						   int64_t position, FrameSlice slices[FRAME_SLICES], int *n, Error *err);

#endif
