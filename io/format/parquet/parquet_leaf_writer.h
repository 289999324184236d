#ifndef SLUICE_IO_FORMAT_PARQUET_PARQUET_LEAF_WRITER_H
#define SLUICE_IO_FORMAT_PARQUET_PARQUET_LEAF_WRITER_H

/* The entries of one leaf of a row group that is being written: levels, values or codes of a dictionary, statistics; and its pages. */
#include "io/format/parquet/parquet_meta.h"
#include "io/format/parquet/thrift.h"

/* How values of a leaf are ordered for minimum and maximum. */
typedef enum LeafOrder { LEAF_UNORDERED, LEAF_BOOLEAN, LEAF_INT32, LEAF_INT64, LEAF_DOUBLE, LEAF_DECIMAL, LEAF_BYTES } LeafOrder;

/* Minimum and maximum of some values. */
typedef struct LeafRange {
	bool	is_set;
	StrBuf	min, max;
} LeafRange;

typedef struct LeafWriter {
	ParquetPhysical physical;
	LeafOrder		order;
	int				width;				/* bytes of a value; 0: texts */
	int				max_definition, max_repetition;
	/* entries of the row group */
	int64_t			n_entries, capacity;
	uint8_t		   *repetitions, *definitions;
	int64_t			n_values;			/* not NULL */
	StrBuf			values;				/* PLAIN; booleans a byte each.  Empty while there is a dictionary */
	/* the dictionary; NULL buckets: given up for this row group */
	bool			has_dictionary;
	StrBuf			entries;			/* PLAIN */
	uint32_t		n_codes;
	uint32_t	   *starts;				/* of each entry in `entries` */
	uint32_t	   *buckets;			/* code + 1; 0: free */
	uint32_t		n_buckets;
	uint32_t	   *codes;				/* of the values so far */
	int64_t			codes_capacity;
	/* statistics */
	LeafRange		chunk_range, page_range;
} LeafWriter;

/* What the page index says of a data page. */
typedef struct LeafPage {
	int64_t offset, size_bytes;		/* with its header */
	int64_t first_entry;			/* of the row group: its row, where rows are entries */
	int64_t n_entries, n_nulls;
	bool	has_range;
	Str		min, max;				/* in the arena */
} LeafPage;

/* What a chunk's entry in the footer says. */
typedef struct LeafChunk {
	int64_t			offset, dictionary_offset;	/* in the file; -1: no dictionary */
	int64_t			size_bytes, plain_bytes;
	int64_t			n_entries, n_nulls;
	bool			has_range;
	Str				min, max;					/* in the arena */
	LeafPage	   *pages;						/* in the arena */
	int				n_pages;
	int64_t			column_index_offset, offset_index_offset, offset_index_end;	/* set by who writes them; 0: none */
} LeafChunk;

void leaf_writer_init(LeafWriter *leaf, ParquetPhysical physical, LeafOrder order, int width, int max_definition, int max_repetition);
void leaf_writer_free(LeafWriter *leaf);

/* n entries with one repetition and definition level, without values. */
void leaf_writer_add_nulls(LeafWriter *leaf, int repetition, int definition, int64_t n);

/* An entry that has a value: `width` bytes, or a text. */
void leaf_writer_add(LeafWriter *leaf, int repetition, const void *value, size_t length);

/* Levels without values, then values without levels: for columns whose rows are entries. */
void leaf_writer_add_levels(LeafWriter *leaf, const uint64_t *validity, int32_t n);
void leaf_writer_add_values(LeafWriter *leaf, const void *values, int32_t n);	/* of a fixed width, side by side */
void leaf_writer_add_value(LeafWriter *leaf, const void *value, size_t length);

/* Bytes that the leaf holds, about. */
size_t leaf_writer_bytes(const LeafWriter *leaf);

/* Bytes that are allocated for it; gives back those that an empty leaf does not need. */
size_t leaf_writer_allocated(const LeafWriter *leaf);
void   leaf_writer_shrink(LeafWriter *leaf);

/*
 * Appends the chunk's pages to `out`, which is at `offset` in the file, and empties the leaf.  Texts of *chunk are in `arena`.
 */
Status leaf_writer_flush(LeafWriter *leaf, ParquetCodec codec, int64_t offset, Arena *arena, StrBuf *out, LeafChunk *chunk, Error *err);

/* Appends n numbers of `width` bits as runs and bit-packed groups. */
void hybrid_write(StrBuf *out, const uint32_t *values, int64_t n, int width);

#endif
