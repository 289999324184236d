#include "io/connector/file/csv_scan.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

static inline uint64_t
prefix_xor_shifts(uint64_t bits)
{
	bits ^= bits << 1;
	bits ^= bits << 2;
	bits ^= bits << 4;
	bits ^= bits << 8;
	bits ^= bits << 16;
	bits ^= bits << 32;
	return bits;
}

static uint64_t
carriage_returns(const char *p)
{
	uint64_t bits = 0;

	for (int i = 0; i < 64; i++)
		bits |= (uint64_t)(p[i] == '\r') << i;
	return bits;
}

#define PREFIX_XOR(bits) prefix_xor_shifts(bits)
#define CARRIAGE_RETURNS(p) carriage_returns(p)

/* ---- any machine ---- */

static inline void
masks_plain(const char *p, char delimiter, char quote, uint64_t *d, uint64_t *n, uint64_t *q, uint64_t *high,
			uint64_t *cr)
{
	uint64_t bd = 0, bn = 0, bq = 0, bh = 0, br = 0;

	for (int i = 0; i < 64; i++) {
		bd |= (uint64_t)(p[i] == delimiter) << i;
		bn |= (uint64_t)(p[i] == '\n') << i;
		bq |= (uint64_t)(p[i] == quote) << i;
		bh |= (unsigned char)p[i] & 0x80;
		br |= p[i] == '\r';
	}
	*d = bd;
	*n = bn;
	*q = bq;
	*high = bh;
	*cr = br;
}

#define KERNEL(name) name##_plain
#define TARGET
#define MASKS masks_plain
#define CTZ(bits) ((uint32_t)__builtin_ctzll((bits) | (uint64_t)1 << 63))
#include "io/connector/file/csv_scan_kernel.h"

static size_t
newline_plain(const char *text, size_t from, size_t length)
{
	const char *p = from < length ? memchr(text + from, '\n', length - from) : NULL;

	return p != NULL ? (size_t)(p - text) : length;
}

/* ---- AVX2 ---- */

#ifdef __x86_64__
#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt")))

AVX2 static inline void
masks_avx2(const char *p, char delimiter, char quote, uint64_t *d, uint64_t *n, uint64_t *q, uint64_t *high,
		   uint64_t *cr)
{
	__m256i a = _mm256_loadu_si256((const __m256i *)(const void *)p);
	__m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
	__m256i vd = _mm256_set1_epi8(delimiter), vn = _mm256_set1_epi8('\n'), vq = _mm256_set1_epi8(quote);
	__m256i vr = _mm256_set1_epi8('\r');

#define MASK64(x, y) ((uint64_t)(uint32_t)_mm256_movemask_epi8(x) | (uint64_t)(uint32_t)_mm256_movemask_epi8(y) << 32)
	*d = MASK64(_mm256_cmpeq_epi8(a, vd), _mm256_cmpeq_epi8(b, vd));
	*n = MASK64(_mm256_cmpeq_epi8(a, vn), _mm256_cmpeq_epi8(b, vn));
	*q = MASK64(_mm256_cmpeq_epi8(a, vq), _mm256_cmpeq_epi8(b, vq));
	*high = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(a, b));
	*cr = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(_mm256_cmpeq_epi8(a, vr), _mm256_cmpeq_epi8(b, vr)));
#undef MASK64
}

#define KERNEL(name) name##_avx2
#define TARGET AVX2
#define MASKS masks_avx2
#define CTZ(bits) ((uint32_t)_tzcnt_u64(bits))
#include "io/connector/file/csv_scan_kernel.h"

AVX2 static size_t
newline_avx2(const char *text, size_t from, size_t length)
{
	const __m256i vn = _mm256_set1_epi8('\n');

	while (from + 32 <= length) {
		uint32_t bits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(const void *)(text + from)), vn));

		if (bits != 0)
			return from + (size_t)__builtin_ctz(bits);
		from += 32;
	}
	while (from < length && text[from] != '\n')
		from++;
	return from;
}

#define PICK(name) (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") ? name##_avx2 : name##_plain)
#else
#define PICK(name) name##_plain
#endif

void
csv_scan(CsvScan *scan, const char *text, size_t from, size_t length)
{
	PICK(scan)(scan, text, from, length);
}

bool
csv_count(const char *text, size_t length, char delimiter, char quote, int64_t *n_lines, int64_t *n_delimiters,
		  int64_t *n_blank)
{
	return PICK(count)(text, length, delimiter, quote, n_lines, n_delimiters, n_blank);
}

size_t
find_newline(const char *text, size_t from, size_t length)
{
	return PICK(newline)(text, from, length);
}

int64_t
count_newlines(const char *text, size_t length)
{
	int64_t n = 0;

	for (const char *p = text, *end = text + length; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		n++;
	return n;
}

/*
 * A quote opens a field only as its first byte.  Within a quoted field a doubled quote is data; what stands between the
 * closing quote and the delimiter is kept as data too (the reader of the field refuses it).
 */
void
csv_scan_careful(CsvScan *scan, const char *text, size_t from, size_t length)
{
	size_t at = from;

	scan->n_ends = scan->n_lines = 0;
	scan->has_high = false;
	scan->has_quotes = true;
	scan->has_returns = true;
	scan->is_irregular = true;
	while (at < length && scan->n_ends < scan->capacity_ends && scan->n_lines < scan->capacity_lines) {
		if (scan->quote != '\0' && text[at] == scan->quote) {
			at++;
			for (; at < length; at++) {
				scan->has_high |= (signed char)text[at] < 0;
				if (text[at] != scan->quote)
					continue;
				if (at + 1 < length && text[at + 1] == scan->quote)
					at++;
				else
					break;
			}
			at++;
		}
		while (at < length && text[at] != scan->delimiter && text[at] != '\n') {
			scan->has_high |= (signed char)text[at] < 0;
			at++;
		}
		if (at >= length)
			break;
		scan->ends[scan->n_ends++] = (uint32_t)at;
		if (text[at] == '\n')
			scan->n_lines++;
		at++;
	}
}
