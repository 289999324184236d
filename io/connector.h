#ifndef SLUICE_IO_CONNECTOR_H
#define SLUICE_IO_CONNECTOR_H

/*
 * Where rows come from: sources, by connector (topic, file, values, kept rows of a table).
 *
 * A SourceSpec is the immutable description in a plan; a Source is its reading state, used by one thread at a time.
 * A source has partitions (topic partitions; files; ranges of a large file when split for parallel reading).
 */
#include "common/budget.h"
#include "common/env.h"
#include "common/file_access.h"
#include "common/str.h"
#include "data/batch.h"
#include "data/key_filter.h"
#include "data/time_text.h"
#include "data/window.h"
#include "io/format.h"
#include "io/topics.h"

/* A topic with how its records are written: what CREATE STREAM/TABLE ... WITH declares. */
typedef struct TopicSpec {
	const char *name;
	int			n_partitions;
	FormatSpec	key;
	FormatSpec	value;
	WindowKind	window;			/* WINDOW_NONE: keys have no window */
	int64_t		window_size_ms;
} TopicSpec;

/* SOURCE_EXCHANGE: rows of another fragment of the query, in a repartition topic (exchange_row.h). */
typedef enum SourceKind { SOURCE_TOPIC, SOURCE_FILE, SOURCE_VALUES, SOURCE_TABLE_STATE, SOURCE_EXCHANGE } SourceKind;

/* Options of a file source: WITH (...) behind a path, resolved. */
typedef struct FileSpec {
	const FileAccess *access;	/* what may be opened; NULL: everything.  Set before file_describe */
	const char *path;			/* file, glob, or "-": standard input */
	const char *format;			/* "CSV", "JSON", "PARQUET" */
	const char *compression;	/* NULL: none; "gzip", "zstd" */
	char		delimiter;		/* 0: file_describe finds it */
	char		quote;			/* 0: none */
	bool		quote_is_set;	/* written by the user; otherwise file_describe sets '"' */
	bool		has_header;
	bool		header_is_set;	/* written by the user; otherwise file_describe decides */
	const char *null_text;		/* text that means NULL; NULL: the empty field */
	DateOrder	date_order;		/* CSV: of dates that are not ISO's, which are always read */
	bool		date_order_is_set;	/* written by the user; otherwise file_describe looks for dates that leave no doubt */
	bool		follow;			/* growing files and new files of the glob are followed */
	bool		strict;			/* the first bad row fails the query */
	int			skip_lines;		/* CSV: lines before the header, which are left out */
	bool		has_filename;	/* the last of `columns` is `filename`, the path of the row's file; one of n_path_columns */
	bool		lists_paths;	/* file_describe fills `paths` */
	int			n_columns;		/* columns of the file, in file order (CSV: by position; JSON: by name) */
	const Column *columns;
	bool		no_path_columns;	/* HIVE_PARTITIONING=false: folders are only folders */
	int			n_path_columns;	/* the last of `columns` come from the folders of a file (year=2024/month=5/), by name, or are its name */
	int			n_paths;		/* the files, if they are known; 0: `path` says */
	char *const *paths;
	int64_t		size_bytes;		/* of all files when they were described: for estimates; 0: not known */
	int64_t		n_rows;			/* likewise; 0: not known */
} FileSpec;

/*
 * What the rows that a plan needs are known to satisfy: all bounds of a scan hold for them.  A source may leave out rows for which one
 * does not hold and need not: the filter stays in the plan.
 */
typedef enum BoundOp { BOUND_EQ, BOUND_LT, BOUND_LE, BOUND_GT, BOUND_GE, BOUND_IN, BOUND_IS_NULL, BOUND_NOT_NULL } BoundOp;

typedef struct ScanBound {
	int			 column;		/* of the file's columns */
	BoundOp		 op;
	int			 n_values;		/* IN: any of them; the others: 1, or 0 for the NULL tests */
	const Value *values;		/* not NULL; of the column's type, or another number (DATE: TIMESTAMP), and compared as what is wider */
} ScanBound;

/* A key look-up or range on kept rows of a table. */
typedef struct StateRange {
	Str	 from;					/* key bytes (key_encode of the key columns); empty: from the first */
	Str	 to;					/* exclusive; empty: to the end */
} StateRange;

typedef struct SourceSpec {
	SourceKind		  kind;
	const char		 *name;			/* for messages: topic, path */
	const char		 *input;		/* for positions: the name, made unique where a plan reads it more than once; NULL outside of plans */
	int				  n_columns;	/* columns to deliver, key columns first */
	const Column	 *columns;
	const int		 *source_index; /* per column: its place among the topic's columns, key columns first, or the file's; NULL: in order */
	int				  n_key;		/* how many of `columns` are key columns */
	bool			  wants_headers;
	const TopicSpec	 *topic;		/* SOURCE_TOPIC, SOURCE_TABLE_STATE (key and value columns, window) */
	const FileSpec	 *file;			/* SOURCE_FILE */
	const Value		 *values;		/* SOURCE_VALUES: n_values rows of n_columns */
	int				  n_values;
	const char		 *table_name;	/* SOURCE_TABLE_STATE */
	int				  n_ranges;
	const StateRange *ranges;		/* empty: all */
	int				  n_bounds;		/* SOURCE_FILE of a bounded plan */
	const ScanBound	 *bounds;
	bool			  from_latest;	/* SOURCE_TOPIC: start at the end when there is no position */
} SourceSpec;

/* Told of rows that cannot be read: where ("orders.csv:17", "t/0/42"), why, and the raw record. */
typedef struct BadRecordLog {
	void (*report)(struct BadRecordLog *log, const char *input, int32_t partition, int64_t offset, const char *reason, Str raw);
} BadRecordLog;

typedef struct Source Source;

typedef struct SourceType {
	const char *name;
	/*
	 * Reads up to max_rows rows of a partition that are there now into *out (memory in `arena`, valid until it is reset;
	 * text may be borrowed from the source's own buffers, which stay until the next read of that partition):
	 * columns as spec->columns; event_time, partition, offset filled; row_kind INSERT or INSERT_NULL; window_start/end for windowed topics;
	 * headers if wanted.  Rows that cannot be read are reported and left out.
	 * OK with *out NULL: nothing there now (more may come, or the limit was used up by bad rows); DONE: ended for ever.
	 */
	Status (*read)(Source *source, int32_t partition, int32_t max_rows, Arena *arena, Batch **out, Error *err);
	/* Timestamp of the next record of a partition without taking it; INT64_MAX when there is none now.  NULL: not known
	 * (files): treated as the time of the last row read. */
	Time (*head_time)(Source *source, int32_t partition);
	/* True while records of a partition that has none at hand are known to be on their way.  NULL: never. */
	bool (*is_behind)(const Source *source, int32_t partition);
	/* Next position of a partition (offset; byte), for commit and restart. */
	int64_t (*position)(const Source *source, int32_t partition);
	Status (*seek)(Source *source, int32_t partition, int64_t position, Error *err);
	/* The record of a row that was read last from the partition, until its next read; NULL: not at hand.  NULL: its rows come from none. */
	const Record *(*record)(const Source *source, int32_t partition, int64_t offset);
	/* Share done for progress: bytes or records read and in all (0: unknown). */
	void (*progress)(const Source *source, int64_t *done, int64_t *all);
	void (*close)(Source *source);
} SourceType;

struct Source {
	const SourceType *type;
	const SourceSpec *spec;
	int32_t			  n_partitions;
	BadRecordLog	 *bad_records;
	int64_t			  n_bad;			/* rows left out so far */
	int64_t			  bytes_read;
	MemoryBudget	 *budget;			/* to which buffers are charged; NULL: none */
	int64_t			  held_bytes;		/* charged */
};

/* Rows of a file whose column has none of some keys are not needed: a source may leave them out and need not. */
typedef struct SourceFilter {
	int				 column;		/* of the file's columns */
	const KeyFilter *keys;
} SourceFilter;

/* What sources need of the world; the engine fills it. */
typedef struct SourceContext {
	const Env		*env;
	Topics			*topics;
	struct Store	*store;			/* kept rows of tables */
	BadRecordLog	*bad_records;
	int				 n_threads;		/* how many readers a bounded plan will use: how large files are split */
	bool			 is_bounded;	/* topics: read to the end offsets as of opening; files: to their end */
	bool			 state_by_partition;	/* kept rows come in the order of their topic's partitions, then of the key */
	int				 n_filters;		/* SOURCE_FILE of a bounded plan; they live as long as the source */
	const SourceFilter *filters;
	MemoryBudget	*budget;			/* of the query; NULL: none.  Buffers of files are charged to it, and it outlives the source */
	bool			 skips_null_keys;	/* topics: records without a key are left out, if there are key columns */
} SourceContext;

Status source_open(Arena *arena, const SourceSpec *spec, const SourceContext *context, Source **out, Error *err);
void   source_close(Source *source);

/* A second reader of the same partitions for another thread (its own buffers); partitions are shared out by the
 * caller.  Closed like any source. */
Status source_clone(Arena *arena, Source *source, Source **out, Error *err);

/* ---- planning: what is in a file ---- */

/*
 * Fills in what the options leave open (format by extension and content, compression, header, delimiter, columns by a
 * sample of the data) and checks that the path can be read.  `declared` columns (SCHEMA option) win over inference.
 * fold_names: inferred names are upper-cased (ksqldb dialect).
 */
Status file_describe(Arena *arena, FileSpec *spec, bool fold_names, Error *err);

#endif
