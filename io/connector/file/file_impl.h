#ifndef SLUICE_IO_CONNECTOR_FILE_FILE_IMPL_H
#define SLUICE_IO_CONNECTOR_FILE_FILE_IMPL_H

/* What the files of this folder share: the state of a file source, and of one of its partitions. */
#include "io/connector/file/byte_input.h"
#include "io/connector/file/csv_scan.h"
#include "io/connector/file/file_paths.h"
#include "io/connector/source_impl.h"
#include "io/format/json/json_decode.h"

/* A range of a file that one reader at a time takes from. */
typedef struct FilePart {
	int			file;			/* index of the path */
	int64_t		start, end;		/* bytes; the rows that begin in there.  end INT64_MAX: to the end of the file */
	bool		is_open;
	bool		is_done;
	int			skip_lines;		/* before it */
	bool		skip_header;	/* the next line read is the header */
	int64_t		seek_to;		/* where to begin instead of `start`; -1: nowhere else */
	ByteInput	input;
	FileBuffer	buffer;
	int64_t		lines_taken;	/* streams: line ends taken before buffer.base + buffer.pos */
	int64_t		line_offset;	/* others: a place in the file, and how many line ends stand before it */
	int64_t		line_count;
	int64_t		count_left;		/* rows that were counted but not handed out yet (no column is wanted) */
	size_t		count_end;		/* where they end in the buffer */
	int64_t		held;			/* bytes of buffers that are charged */
	Time		time;			/* of all rows */
} FilePart;

/* What readers of one file share: where neighbouring ranges met (see range_check). */
typedef struct FileMeeting {
	_Atomic int64_t first_row;	/* of the part: where its first row began; -1: not known yet */
	_Atomic int64_t behind_last;	/* of the part: where its last row ended */
} FileMeeting;

typedef struct FileSource FileSource;
struct FileSource {
	Source			  base;
	SourceContext	  context;
	const FileSpec	 *file;
	bool			  is_json;
	Compression		  compression;
	char			**paths;
	int				  n_paths;
	int64_t			  total_bytes;
	FilePart		 *parts;		/* base.n_partitions */
	FileMeeting		 *meetings;		/* one a part; shared by clones */
	FileSource		 *original;		/* of a clone: owns paths and meetings */
	Nanos			  next_glob;	/* FOLLOW: when to look for new files again */
	int				  n_used;		/* FOLLOW: parts that have a file */
	/* CSV */
	CsvScan			  scan;
	uint32_t		 *row_start;
	uint32_t		 *row_ends;		/* ends of the good rows' fields, when not all rows are good */
	const char	   **field_at;
	uint32_t		 *field_length;
	uint8_t			 *field_quoted;
	/* JSON */
	JsonPlan		 *plan;
	struct JsonShapes *shapes;		/* NULL: not on this machine */
	Vector		  **json_columns;
	int64_t			 *event_time;	/* BATCH_ROWS of one time */
	int32_t			 *partition_numbers;
	int				  filled_for;	/* the part that these two are for */
};

/* Offset of buffer.data[at] in the file. */
static inline int64_t
part_offset(const FilePart *part, size_t at)
{
	return part->buffer.base + (int64_t)at;
}

/* Marks bytes up to `to` of the buffer as taken. */
void part_take(FilePart *part, size_t to);

/* Reports the row that begins at `at`; FAILED if the file is STRICT. */
Status part_bad_row(FileSource *self, FilePart *part, size_t at, Str row, Error *err, const char *format, ...) PRINTF_LIKE(6, 7);

/* Fills the batch's system columns for rows that begin at row_start (NULL: no offsets). */
void part_finish_batch(FileSource *self, FilePart *part, Arena *arena, Batch *batch, const uint32_t *row_start);

/*
 * Rows from the buffer into *out; NULL if there is no whole row in it (more must be read).  The buffer is not moved.
 * max_rows <= BATCH_ROWS.
 */
Status csv_read_rows(FileSource *self, FilePart *part, int32_t max_rows, Arena *arena, Batch **out, Error *err);
Status json_read_rows(FileSource *self, FilePart *part, int32_t max_rows, Arena *arena, Batch **out, Error *err);

Status csv_reader_open(FileSource *self, Arena *arena, Error *err);
Status json_reader_open(FileSource *self, Arena *arena, Error *err);

/* Moves a part that begins in the middle of its file to its first row.  The buffer is filled from part->start - 1. */
Status csv_align(FileSource *self, FilePart *part, Error *err);

/* Checks the header line against the columns and takes it.  `line` ends before the newline. */
Status csv_check_header(FileSource *self, FilePart *part, Str line, Error *err);

/* Splits one line of CSV; text is borrowed or (quotes inside) in the arena.  Returns the number of fields. */
int csv_split_line(Arena *arena, Str line, char delimiter, char quote, Str **fields, bool **quoted);

/* Rows larger than this are bad rows. */
#define ROW_BYTES_MAX ((size_t)64 << 20)

#endif
