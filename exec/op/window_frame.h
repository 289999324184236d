#ifndef SLUICE_EXEC_OP_WINDOW_FRAME_H
#define SLUICE_EXEC_OP_WINDOW_FRAME_H

/* Frames of window functions: which rows of its partition a row's function sees. */
#include "exec/op/window_function.h"

/* A partition in order: positions start .. end-1 of the sorted rows. */
typedef struct WindowPartition {
	int64_t		   start, end;
	const int64_t *peers;			/* by position: number of its group of peers, from 0 in each partition */
	const int64_t *group_starts;	/* by number, with `end` behind the last */
	int64_t		   n_groups;
} WindowPartition;

/* An offset as the ORDER BY value's type needs it. */
typedef struct FrameOffset {
	int64_t	 rows;			/* ROWS, GROUPS */
	bool	 is_double;
	double	 number;
	__int128 integer;		/* in the frame's units */
	bool	 is_interval;
	Interval interval;
} FrameOffset;

typedef struct WindowFrame {
	FrameUnit	unit;
	FrameBound	start, end;
	FrameOffset start_offset, end_offset;
	/* RANGE with offsets: the ORDER BY value. */
	bool		descending;
	bool		is_double;
	__int128	factor;			/* from the value's units to the frame's */
} WindowFrame;

/* `order`: the ORDER BY key of RANGE; NULL: none. */
Status window_frame_open(WindowFrame *frame, Arena *arena, const WindowFunctionItem *item, const SortKey *order, const Env *env,
						 Error *err);

/* The frame of the row at a position; *start >= *end if it is empty.  `values`: the ORDER BY values by position (FLAT). */
void window_frame_at(const WindowFrame *frame, const WindowPartition *partition, const Vector *values, int64_t position,
					 int64_t *start, int64_t *end);

/* The same as slices in order, without the rows that EXCLUDE leaves out; gives their number. */
enum { FRAME_SLICES = 3 };
typedef struct FrameSlice { int64_t start, end; } FrameSlice;
int window_frame_slices(const WindowFrame *frame, FrameExclude exclude, const WindowPartition *partition, const Vector *values, int64_t position,
						FrameSlice slices[FRAME_SLICES]);

#endif
