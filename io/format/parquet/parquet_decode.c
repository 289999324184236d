#include "io/format/parquet/parquet_decode.h"

#include <stdlib.h>

static inline uint64_t
load64(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, 8);
	return x;
}

static bool
read_varint(const uint8_t **pos, const uint8_t *end, uint64_t *out)
{
	uint64_t value = 0;

	for (int shift = 0; shift < 64 && *pos < end; shift += 7) {
		uint8_t byte = *(*pos)++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*out = value;
			return true;
		}
	}
	return false;
}

static bool
read_zigzag(const uint8_t **pos, const uint8_t *end, int64_t *out)
{
	uint64_t n = 0;
	bool	 ok = read_varint(pos, end, &n);

	*out = (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
	return ok;
}

/* ---- bits ---- */

/* Eight values from a byte boundary.  With a constant width this is eight loads, shifts and masks. */
static inline __attribute__((always_inline)) void
unpack_eight(const uint8_t *from, int width, uint32_t *out)
{
	uint64_t mask = ((uint64_t)1 << width) - 1;

#define ONE(k) out[k] = (uint32_t)(load64(from + ((k) * width >> 3)) >> ((k) * width & 7) & mask)
	ONE(0);
	ONE(1);
	ONE(2);
	ONE(3);
	ONE(4);
	ONE(5);
	ONE(6);
	ONE(7);
#undef ONE
}

/* Whole groups of eight; one loop a width. */
static void
unpack_groups(const uint8_t *from, int width, uint32_t *out, int32_t n_groups)
{
#define WIDTH(w)                                                       \
	case w:                                                            \
		for (int32_t g = 0; g < n_groups; g++, from += (w), out += 8)  \
			unpack_eight(from, (w), out);                              \
		break
	switch (width) {
		WIDTH(1);
		WIDTH(2);
		WIDTH(3);
		WIDTH(4);
		WIDTH(5);
		WIDTH(6);
		WIDTH(7);
		WIDTH(8);
		WIDTH(9);
		WIDTH(10);
		WIDTH(11);
		WIDTH(12);
		WIDTH(13);
		WIDTH(14);
		WIDTH(15);
		WIDTH(16);
		WIDTH(17);
		WIDTH(18);
		WIDTH(19);
		WIDTH(20);
	default:
		for (int32_t g = 0; g < n_groups; g++, from += width, out += 8)
			unpack_eight(from, width, out);
		break;
	}
#undef WIDTH
}

static inline uint32_t
unpack_one(const uint8_t *from, uint64_t bit, int width)
{
	return (uint32_t)(load64(from + (bit >> 3)) >> (bit & 7) & (((uint64_t)1 << width) - 1));
}

void
unpack_bits(const uint8_t *from, uint64_t bit, int width, uint32_t *out, int32_t n)
{
	int32_t i = 0;

	if (width == 0) {
		memset(out, 0, sizeof *out * (size_t)n);
		return;
	}
	for (; i < n && (bit & 7) != 0; i++, bit += (uint64_t)width)
		out[i] = unpack_one(from, bit, width);
	if (n - i >= 8) {
		int32_t groups = (n - i) / 8;

		unpack_groups(from + (bit >> 3), width, out + i, groups);
		i += groups * 8;
		bit += (uint64_t)groups * 8 * (uint64_t)width;
	}
	for (; i < n; i++, bit += (uint64_t)width)
		out[i] = unpack_one(from, bit, width);
}

/* ---- runs ---- */

void
hybrid_init(Hybrid *h, const uint8_t *data, size_t length, int width)
{
	*h = (Hybrid){.pos = data, .end = data + length, .width = width};
}

/* Begins the next run.  A last packed run may be cut short by writers that don't pad it. */
static bool
next_run(Hybrid *h)
{
	uint64_t head, n_bytes = (uint64_t)(h->width + 7) / 8;

	if (h->width == 0) {
		/* one possible value: writers differ in whether they write anything at all */
		h->is_packed = false;
		h->value = 0;
		h->left = UINT32_MAX;
		return true;
	}
	if (!read_varint(&h->pos, h->end, &head) || head >> 1 == 0 || head >> 1 > UINT32_MAX / 8)
		return false;
	h->is_packed = head & 1;
	if (h->is_packed) {
		uint64_t size = (head >> 1) * (uint64_t)h->width, there = (uint64_t)(h->end - h->pos);

		h->left = (uint32_t)(head >> 1) * 8;
		if (size > there) {
			size = there;
			h->left = (uint32_t)(there * 8 / (uint64_t)h->width);
		}
		h->bits = h->pos;
		h->bit = 0;
		h->pos += size;
		return h->left > 0;
	}
	if (n_bytes > (uint64_t)(h->end - h->pos))
		return false;
	h->left = (uint32_t)(head >> 1);
	h->value = 0;
	memcpy(&h->value, h->pos, n_bytes);
	h->pos += n_bytes;
	return h->width == 32 || h->value >> h->width == 0;
}

#define HYBRID_LOOP(n, packed, repeated)                                   \
	for (int32_t done = 0; done < (n);) {                                  \
		int32_t take;                                                      \
                                                                           \
		if (h->left == 0 && !next_run(h))                                  \
			return false;                                                  \
		take = (uint32_t)((n)-done) < h->left ? (n)-done : (int32_t)h->left; \
		if (h->is_packed) {                                                \
			packed;                                                        \
			h->bit += (uint64_t)take * (uint64_t)h->width;                 \
		} else {                                                           \
			repeated;                                                      \
		}                                                                  \
		h->left -= (uint32_t)take;                                         \
		done += take;                                                      \
	}

bool
hybrid_read(Hybrid *h, uint32_t *out, int32_t n)
{
	HYBRID_LOOP(n, unpack_bits(h->bits, h->bit, h->width, out + done, take), for (int32_t i = 0; i < take; i++) out[done + i] = h->value)
	return true;
}

bool
hybrid_read_bytes(Hybrid *h, uint8_t *out, int32_t n)
{
	HYBRID_LOOP(
		n,
		for (int32_t i = 0; i < take; i++) out[done + i] = (uint8_t)unpack_one(h->bits, h->bit + (uint64_t)i * (uint64_t)h->width, h->width),
		memset(out + done, (int)h->value, (size_t)take))
	return true;
}

bool
hybrid_skip(Hybrid *h, int32_t n)
{
	HYBRID_LOOP(n, (void)0, (void)0)
	return true;
}

bool
hybrid_take_ones(Hybrid *h, int32_t n)
{
	if (h->left == 0 && !next_run(h))
		return false;
	if (h->is_packed || h->value != 1 || h->left < (uint32_t)n)
		return false;
	h->left -= (uint32_t)n;
	return true;
}

static void
clear_bits(uint64_t *bits, int64_t first, int32_t n)
{
	for (int64_t i = first; i < first + n;) {
		int64_t	 in_word = 64 - (i & 63), take = first + n - i < in_word ? first + n - i : in_word;
		uint64_t mask = take == 64 ? ~(uint64_t)0 : (((uint64_t)1 << take) - 1) << (i & 63);

		bits[i >> 6] &= ~mask;
		i += take;
	}
}

/* Packed values of one bit are a bitmap already: moved to their place in up to 56 bits at a time. */
static int32_t
copy_bits(const uint8_t *from, uint64_t bit, uint64_t *bits, int64_t first, int32_t n)
{
	int32_t n_set = 0;

	for (int32_t i = 0; i < n;) {
		int64_t	 to = first + i, in_word = 64 - (to & 63);
		int32_t	 take = n - i < 56 ? n - i : 56;
		uint64_t mask, word;

		take = in_word < take ? (int32_t)in_word : take;
		mask = ((uint64_t)1 << take) - 1;
		word = load64(from + (bit >> 3)) >> (bit & 7) & mask;
		bits[to >> 6] &= ~((~word & mask) << (to & 63));
		n_set += __builtin_popcountll(word);
		i += take;
		bit += (uint64_t)take;
	}
	return n_set;
}

bool
hybrid_read_bits(Hybrid *h, uint64_t *bits, int64_t first, int32_t n, int32_t *n_set)
{
	*n_set = 0;
	HYBRID_LOOP(n, *n_set += copy_bits(h->bits, h->bit, bits, first + done, take), {
		if (h->value != 0)
			*n_set += take;
		else
			clear_bits(bits, first + done, take);
	})
	return true;
}

/* ---- delta ---- */

static inline uint64_t
unpack_wide(const uint8_t *from, uint64_t bit, int width)
{
	uint64_t low = load64(from + (bit >> 3)) >> (bit & 7);
	int		 have = 64 - (int)(bit & 7);

	if (width > have)
		low |= (uint64_t)from[(bit >> 3) + 8] << have;
	return width == 64 ? low : low & (((uint64_t)1 << width) - 1);
}

typedef struct DeltaHeader {
	uint64_t block_size, n_miniblocks, per_miniblock;
	uint64_t n;
	int64_t	 first;
} DeltaHeader;

static bool
delta_header(const uint8_t **pos, const uint8_t *end, DeltaHeader *h)
{
	if (!read_varint(pos, end, &h->block_size) || !read_varint(pos, end, &h->n_miniblocks) || !read_varint(pos, end, &h->n) ||
		!read_zigzag(pos, end, &h->first))
		return false;
	if (h->n_miniblocks == 0 || h->n_miniblocks > 1024 || h->block_size == 0 || h->block_size > 1 << 20 ||
		h->block_size % h->n_miniblocks != 0 || h->n > INT32_MAX)
		return false;
	h->per_miniblock = h->block_size / h->n_miniblocks;
	return h->per_miniblock % 8 == 0;
}

/* Sums of 64 bits, of which INT32 keeps the lower half: that is what wrapping addition in 32 bits gives. */
#define DELTA_READ(T)                                                                                                      \
	const uint8_t *pos = data, *end = data + length;                                                                       \
	DeltaHeader	   h;                                                                                                      \
	uint64_t	   value, done = 1;                                                                                        \
                                                                                                                           \
	if (!delta_header(&pos, end, &h))                                                                                      \
		return false;                                                                                                      \
	*n_read = (int64_t)h.n;                                                                                                \
	if (h.n > (uint64_t)n)                                                                                                 \
		return false;                                                                                                      \
	value = (uint64_t)h.first;                                                                                             \
	if (h.n > 0)                                                                                                           \
		out[0] = (T)value;                                                                                                 \
	while (done < h.n) {                                                                                                   \
		const uint8_t *widths;                                                                                             \
		int64_t		   least;                                                                                              \
                                                                                                                           \
		if (!read_zigzag(&pos, end, &least) || h.n_miniblocks > (uint64_t)(end - pos))                                     \
			return false;                                                                                                  \
		widths = pos;                                                                                                      \
		pos += h.n_miniblocks;                                                                                             \
		for (uint64_t m = 0; m < h.n_miniblocks && done < h.n; m++) {                                                      \
			uint64_t size = (uint64_t)widths[m] * h.per_miniblock / 8;                                                     \
			uint64_t take = h.n - done < h.per_miniblock ? h.n - done : h.per_miniblock;                                   \
                                                                                                                           \
			if (widths[m] > 64 || ((uint64_t)widths[m] * take + 7) / 8 > (uint64_t)(end - pos))                            \
				return false;                                                                                              \
			for (uint64_t i = 0; i < take; i++) {                                                                          \
				value += (uint64_t)least + (widths[m] > 0 ? unpack_wide(pos, i * widths[m], widths[m]) : 0);               \
				out[done + i] = (T)value;                                                                                  \
			}                                                                                                              \
			done += take;                                                                                                  \
			pos += size < (uint64_t)(end - pos) ? size : (uint64_t)(end - pos);                                            \
		}                                                                                                                  \
	}                                                                                                                      \
	*used = (size_t)(pos - data);                                                                                          \
	return true;

bool
delta_read_int32(const uint8_t *data, size_t length, int32_t *out, int64_t n, int64_t *n_read, size_t *used)
{
	DELTA_READ(int32_t)
}

bool
delta_read_int64(const uint8_t *data, size_t length, int64_t *out, int64_t n, int64_t *n_read, size_t *used)
{
	DELTA_READ(int64_t)
}

bool
delta_read_texts(const uint8_t *data, size_t length, int32_t *lengths, StrView *out, int64_t n)
{
	int64_t		   n_read;
	size_t		   used;
	const uint8_t *pos, *end = data + length;

	if (!delta_read_int32(data, length, lengths, n, &n_read, &used) || n_read != n)
		return false;
	pos = data + used;
	for (int64_t i = 0; i < n; i++) {
		if (lengths[i] < 0 || lengths[i] > end - pos)
			return false;
		out[i] = str_view_make((const char *)pos, (size_t)lengths[i]);
		pos += lengths[i];
	}
	return true;
}

bool
delta_read_prefixed(const uint8_t *data, size_t length, int32_t *lengths, StrView *out, int64_t n, StrBuf *memory)
{
	int64_t	 n_read;
	size_t	 used;
	uint64_t total = 0;
	Str		 last = {0};
	char	*at;

	if (!delta_read_int32(data, length, lengths, n, &n_read, &used) || n_read != n)
		return false;
	/* the lengths of the suffixes overwrite those of the prefixes in delta_read_texts: they get a place of their own */
	int32_t *suffixes = xmalloc(sizeof *suffixes * (size_t)(n + 1));
	bool	 ok = delta_read_texts(data + used, length - used, suffixes, out, n);

	free(suffixes);
	for (int64_t i = 0; i < n && ok; i++) {
		ok = lengths[i] >= 0 && (size_t)lengths[i] <= (i > 0 ? (size_t)lengths[i - 1] + out[i - 1].length : 0);
		total += ok ? (uint64_t)lengths[i] + out[i].length : 0;
		ok = ok && total <= (uint64_t)1 << 31;
	}
	if (!ok)
		return false;
	strbuf_clear(memory);
	strbuf_reserve(memory, (size_t)total + 1);
	at = memory->data;
	for (int64_t i = 0; i < n; i++) {
		Str	   suffix = str_view_str(&out[i]);
		size_t prefix = (size_t)lengths[i];

		if (prefix > last.length)
			return false;
		memcpy(at, last.data != NULL ? last.data : "", prefix);
		memcpy(at + prefix, suffix.data, suffix.length);
		last = str_make(at, prefix + suffix.length);
		out[i] = str_view_make(last.data, last.length);
		at += last.length;
	}
	return true;
}

bool
stream_split_read(const uint8_t *data, size_t length, int width, uint8_t *out, int64_t n)
{
	if (width <= 0 || (uint64_t)n * (uint64_t)width > length)
		return false;
	for (int b = 0; b < width; b++) {
		const uint8_t *from = data + (size_t)b * (size_t)n;

		for (int64_t i = 0; i < n; i++)
			out[i * width + b] = from[i];
	}
	return true;
}
