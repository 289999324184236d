#ifndef SLUICE_IO_FORMAT_PARQUET_PARQUET_PAGE_H
#define SLUICE_IO_FORMAT_PARQUET_PARQUET_PAGE_H

/*
 * The pages of one column chunk, one after the other: found, decompressed and made ready for reading values.
 *
 * Bytes of the file come in blocks; a page is decompressed whole into a buffer of its own, which stays until
 * page_reader_recycle, because texts borrow it.  The dictionary stays until the next chunk.  One thread at a time.
 */
#include "io/format/parquet/parquet_decode.h"
#include "io/format/parquet/parquet_schema.h"

/* Where the bytes of a file come from. */
typedef struct ParquetInput ParquetInput;
struct ParquetInput {
	/* Reads exactly n bytes; ERROR_FATAL if there are fewer. */
	Status (*read)(ParquetInput *input, int64_t offset, size_t n, void *to, Error *err);
	const char *path;
	int64_t		size_bytes;
	size_t		block_bytes;	/* how much is read at once */
	size_t		page_bytes_max;	/* larger pages are refused; 0: none are */
};

typedef struct PageBuffer PageBuffer;
struct PageBuffer {
	PageBuffer *next;
	size_t		capacity;
	uint8_t	   *data;
};

/* How the values of a page are read. */
typedef enum PageForm {
	PAGE_FIXED,			/* `at`: values of leaf->width bytes */
	PAGE_BITS,			/* booleans: bit `bit` of `at` is the next */
	PAGE_BYTES,			/* booleans, a byte each */
	PAGE_TEXTS,			/* `at`: length (32 bits), bytes, ... */
	PAGE_VIEWS,			/* `views` */
	PAGE_CODES,			/* `codes` of the dictionary */
} PageForm;

typedef struct PageReader {
	const ParquetNode *leaf;
	ParquetInput	  *input;
	/* the chunk */
	const ParquetChunk *chunk;
	int				group;
	int64_t			offset;			/* of the next byte to be read from the file */
	int64_t			end;			/* of the chunk */
	int64_t			entries_left;	/* of pages that were not loaded yet */
	/* bytes of the file that were read: raw[raw_pos..raw_length) */
	uint8_t		   *raw;
	size_t			raw_capacity, raw_pos, raw_length;
	/* the page */
	PageBuffer	   *page, *retired, *spare;
	int64_t			left;			/* entries of it that were not read yet */
	PageForm		form;
	bool			is_ascii;		/* TEXTS: no byte of it is above 0x7f */
	const uint8_t  *at, *at_end;
	uint64_t		bit;
	StrView		   *views, *views_end;
	size_t			views_capacity;
	StrView		   *views_memory;
	int32_t		   *lengths;		/* scratch of delta encodings */
	Hybrid			codes;
	Hybrid			definition;		/* leaves that are not repeated */
	/* levels of the page, where there are several: one a entry */
	uint8_t		   *repetitions, *definitions;
	size_t			levels_capacity;
	int64_t			level;			/* the next entry */
	/* the dictionary */
	Arena			dictionary_arena;
	Vector		   *dictionary;		/* NULL: none (yet) */
	Vector		   *dictionary_with_null;	/* the same and a NULL behind it */
	PageBuffer	   *dictionary_page;
} PageReader;

void page_reader_init(PageReader *r, const ParquetNode *leaf, ParquetInput *input);
void page_reader_free(PageReader *r);

/* Begins a chunk (row group `group`, for messages). */
Status page_reader_open(PageReader *r, const ParquetChunk *chunk, int group, Error *err);

/* Bytes of all buffers. */
int64_t page_reader_bytes(const PageReader *r);

/* Pages that were passed may be used anew: nothing borrows them any more. */
void page_reader_recycle(PageReader *r);

/*
 * Makes the next data page the current one; DONE if there is none.  If it has `skip` entries or fewer (and rows are entries) it
 * is passed over instead, and r->left is 0; *skipped tells how many entries that was.
 */
Status page_reader_next(PageReader *r, int64_t skip, int64_t *skipped, Error *err);

/* ERROR_FATAL that names file, column and row group. */
Status page_damaged(const PageReader *r, Error *err, const char *format, ...) PRINTF_LIKE(3, 4);

/* The 16 bytes of a view of text; reads 12 bytes from p whatever the length. */
static inline StrView
view_of_text(const uint8_t *p, uint32_t length)
{
	StrView	 v;
	uint64_t a, low;
	uint32_t b;

	v.length = length;
	if (length <= STR_VIEW_INLINE) {
		memcpy(&a, p, 8);
		memcpy(&b, p + 8, 4);
		low = length >= 8 ? ~(uint64_t)0 : ((uint64_t)1 << (8 * length)) - 1;
		a &= low;
		b = length > 8 ? b & (uint32_t)((((uint64_t)1 << (8 * (length - 8))) - 1)) : 0;
		memcpy(v.inlined, &a, 8);
		memcpy(v.inlined + 8, &b, 4);
	} else {
		memcpy(v.far.prefix, p, 4);
		memcpy(v.far.pointer, &p, sizeof p);
	}
	return v;
}

/* The views of n texts of PLAIN pages at *at, each behind its length; moves *at behind them.  False: they end at `end`. */
bool plain_texts(const uint8_t **at, const uint8_t *end, int64_t n, StrView *out);

#endif
