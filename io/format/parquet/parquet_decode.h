#ifndef SLUICE_IO_FORMAT_PARQUET_PARQUET_DECODE_H
#define SLUICE_IO_FORMAT_PARQUET_PARQUET_DECODE_H

/*
 * The encodings of Parquet's pages (Encodings.md of apache/parquet-format), without knowledge of pages or types.
 *
 * Bytes are not trusted: what is missing or too much makes a function return false.  Behind the bytes given there must be
 * PARQUET_PAD readable ones (their content does not matter).
 */
#include "data/vector.h"

#define PARQUET_PAD 64

/* ---- runs and bit-packed groups: levels and dictionary codes ---- */

typedef struct Hybrid {
	const uint8_t *pos, *end;
	int			   width;		/* bits of a value, 0 to 32 */
	bool		   is_packed;	/* of the run that has been begun */
	uint32_t	   left;		/* values left in it */
	uint32_t	   value;		/* of a repeated run */
	const uint8_t *bits;		/* of a packed run: its first byte */
	uint64_t	   bit;			/* and where its next value begins */
} Hybrid;

void hybrid_init(Hybrid *h, const uint8_t *data, size_t length, int width);

/* The next n values. */
bool hybrid_read(Hybrid *h, uint32_t *out, int32_t n);
bool hybrid_read_bytes(Hybrid *h, uint8_t *out, int32_t n);	/* of a width of 8 at most */
bool hybrid_skip(Hybrid *h, int32_t n);

/* Width 1: whether the next n values are one repeated 1; then they are taken. */
bool hybrid_take_ones(Hybrid *h, int32_t n);

/* Width 1: the next n values as bits of `bits` from `first` on, which must be set; *n_set counts the ones. */
bool hybrid_read_bits(Hybrid *h, uint64_t *bits, int64_t first, int32_t n, int32_t *n_set);

/* n values of `width` bits (0 to 32), which begin at a bit of `from`. */
void unpack_bits(const uint8_t *from, uint64_t bit, int width, uint32_t *out, int32_t n);

/* ---- delta encodings ---- */

/* DELTA_BINARY_PACKED: at most n values, as INT32 or INT64.  *used: bytes taken; *n_read: values that the header states. */
bool delta_read_int32(const uint8_t *data, size_t length, int32_t *out, int64_t n, int64_t *n_read, size_t *used);
bool delta_read_int64(const uint8_t *data, size_t length, int64_t *out, int64_t n, int64_t *n_read, size_t *used);

/* DELTA_LENGTH_BYTE_ARRAY: n texts, which borrow the data.  `lengths` is scratch for n numbers. */
bool delta_read_texts(const uint8_t *data, size_t length, int32_t *lengths, StrView *out, int64_t n);

/* DELTA_BYTE_ARRAY: n texts; those that share a prefix with the one before are made in `memory`, which grows. */
bool delta_read_prefixed(const uint8_t *data, size_t length, int32_t *lengths, StrView *out, int64_t n, StrBuf *memory);

/* BYTE_STREAM_SPLIT: n values of `width` bytes, put together. */
bool stream_split_read(const uint8_t *data, size_t length, int width, uint8_t *out, int64_t n);

#endif
