#ifndef SLUICE_IO_FORMAT_PARQUET_PARQUET_META_H
#define SLUICE_IO_FORMAT_PARQUET_PARQUET_META_H

/*
 * What the footer of a Parquet file says, and the headers of its pages (parquet.thrift of apache/parquet-format).
 *
 * The numbers of enums are those of the format.  A ParquetMeta is immutable once read and may be shared by threads; it lives
 * in the arena that it was read into.  Texts (names, statistics) are copied there.
 */
#include "common/arena.h"
#include "common/str.h"

typedef enum ParquetPhysical {
	PARQUET_GROUP = -1,			/* no leaf */
	PARQUET_BOOLEAN = 0,
	PARQUET_INT32 = 1,
	PARQUET_INT64 = 2,
	PARQUET_INT96 = 3,
	PARQUET_FLOAT = 4,
	PARQUET_DOUBLE = 5,
	PARQUET_BYTE_ARRAY = 6,
	PARQUET_FIXED = 7,
} ParquetPhysical;

typedef enum ParquetRepetition { PARQUET_REQUIRED = 0, PARQUET_OPTIONAL = 1, PARQUET_REPEATED = 2 } ParquetRepetition;

typedef enum ParquetEncoding {
	PARQUET_PLAIN = 0,
	PARQUET_PLAIN_DICTIONARY = 2,
	PARQUET_RLE = 3,
	PARQUET_BIT_PACKED = 4,
	PARQUET_DELTA_BINARY_PACKED = 5,
	PARQUET_DELTA_LENGTH_BYTE_ARRAY = 6,
	PARQUET_DELTA_BYTE_ARRAY = 7,
	PARQUET_RLE_DICTIONARY = 8,
	PARQUET_BYTE_STREAM_SPLIT = 9,
} ParquetEncoding;

typedef enum ParquetCodec {
	PARQUET_UNCOMPRESSED = 0,
	PARQUET_SNAPPY = 1,
	PARQUET_GZIP = 2,
	PARQUET_LZO = 3,
	PARQUET_BROTLI = 4,
	PARQUET_LZ4 = 5,			/* Hadoop's framing (or none, as some writers did) */
	PARQUET_ZSTD = 6,
	PARQUET_LZ4_RAW = 7,
} ParquetCodec;

/* What a column means, whether said by LogicalType or by the older ConvertedType. */
typedef enum ParquetMeaning {
	PARQUET_MEANS_NOTHING,
	PARQUET_MEANS_STRING,
	PARQUET_MEANS_MAP,
	PARQUET_MEANS_LIST,
	PARQUET_MEANS_ENUM,
	PARQUET_MEANS_DECIMAL,
	PARQUET_MEANS_DATE,
	PARQUET_MEANS_TIME_MS,
	PARQUET_MEANS_TIME_US,
	PARQUET_MEANS_TIME_NS,
	PARQUET_MEANS_TIMESTAMP_MS,
	PARQUET_MEANS_TIMESTAMP_US,
	PARQUET_MEANS_TIMESTAMP_NS,
	PARQUET_MEANS_INT,			/* signed, up to 32 bits; 64 bits in an INT64 */
	PARQUET_MEANS_UINT,			/* up to 16 bits */
	PARQUET_MEANS_UINT32,
	PARQUET_MEANS_UINT64,
	PARQUET_MEANS_NULL,
	PARQUET_MEANS_JSON,
	PARQUET_MEANS_BSON,
	PARQUET_MEANS_UUID,
	PARQUET_MEANS_FLOAT16,
	PARQUET_MEANS_INTERVAL,
} ParquetMeaning;

typedef struct ParquetElement {
	const char		 *name;
	ParquetPhysical	  physical;
	ParquetRepetition repetition;
	ParquetMeaning	  meaning;
	int				  type_length;		/* FIXED: bytes of a value */
	int				  n_children;
	int				  precision, scale;
} ParquetElement;

typedef struct ParquetStatistics {
	Str		min, max;		/* one PLAIN value each (texts without length); not given: data NULL */
	int64_t null_count;		/* -1: not known */
	bool	is_exact_min, is_exact_max;
	bool	is_old;			/* min and max are of the time when their order was not defined: only good for signed numbers */
} ParquetStatistics;

typedef struct ParquetChunk {
	ParquetPhysical	  physical;
	ParquetCodec	  codec;
	int64_t			  n_values;			/* with NULLs */
	int64_t			  offset;			/* of its first page */
	int64_t			  size_bytes;		/* of its pages, compressed, with headers */
	int64_t			  plain_bytes;		/* the same, decompressed */
	int64_t			  bloom_offset;		/* 0: there is no filter */
	int64_t			  bloom_length;		/* 0: not known */
	int64_t			  column_index_offset, column_index_length;	/* offset 0: there is none, or it lies outside of the file */
	int64_t			  offset_index_offset, offset_index_length;
	bool			  is_only_dictionary;	/* every data page is of dictionary codes */
	ParquetStatistics statistics;
} ParquetChunk;

typedef struct ParquetRowGroup {
	int64_t		  n_rows;
	int64_t		  first_row;	/* in the file */
	ParquetChunk *chunks;		/* one a leaf */
} ParquetRowGroup;

typedef struct ParquetMeta {
	int64_t			 n_rows;
	int				 n_elements;
	ParquetElement	*elements;		/* depth first; the first one is the root */
	int				 n_leaves;
	int				 n_groups;
	ParquetRowGroup *groups;
	const char		*created_by;
} ParquetMeta;

/*
 * Reads a footer (the bytes between the pages and the length at the end).  Numbers are checked against each other and
 * against the file's size.  `path` is for the message.
 */
Status parquet_meta_read(Arena *arena, Str footer, int64_t file_bytes, const char *path, ParquetMeta **out, Error *err);

/* What the page index says of one data page. */
typedef struct ParquetPageEntry {
	int64_t			  first_row;	/* of the row group */
	int64_t			  n_rows;
	ParquetStatistics statistics;	/* of a column whose rows are entries; all NULL: null_count is n_rows */
} ParquetPageEntry;

/*
 * Reads a chunk's page index (ColumnIndex and OffsetIndex).  False if it cannot be read or contradicts itself or the row group: it is to
 * be ignored then, it only saves time.  Texts borrow column_index.
 */
bool parquet_page_index_read(Arena *arena, Str column_index, Str offset_index, int64_t n_rows, ParquetPageEntry **out, int *n_pages);

typedef enum ParquetPageType { PARQUET_PAGE_DATA = 0, PARQUET_PAGE_INDEX = 1, PARQUET_PAGE_DICTIONARY = 2, PARQUET_PAGE_DATA_V2 = 3 } ParquetPageType;

typedef struct ParquetPageHeader {
	ParquetPageType type;
	int64_t			plain_bytes;
	int64_t			size_bytes;		/* compressed */
	int64_t			n_values;		/* with NULLs */
	ParquetEncoding encoding;
	ParquetEncoding definition_encoding, repetition_encoding;
	int64_t			definition_bytes, repetition_bytes;		/* V2: of the levels, which stand before the values */
	bool			is_compressed;							/* V2 */
} ParquetPageHeader;

/* Reads a page's header.  *used is its length; false if the bytes are not a header (or not all of one). */
bool parquet_page_header_read(Str bytes, ParquetPageHeader *out, size_t *used);

#endif
