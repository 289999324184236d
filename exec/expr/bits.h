#ifndef SLUICE_EXEC_EXPR_BITS_H
#define SLUICE_EXEC_EXPR_BITS_H

/* Bitmaps of rows, made from and applied to byte vectors of booleans. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/arena.h"
#include "data/vector.h"

static inline uint64_t *
bitmap_new(Arena *arena, int32_t n_rows)
{
	return arena_alloc(arena, sizeof(uint64_t) * (size_t)bitmap_words(n_rows > 0 ? n_rows : 1));
}

/* All n_rows bits set, those behind them clear. */
static inline void
bitmap_fill(uint64_t *bits, int32_t n_rows)
{
	memset(bits, 0xff, sizeof *bits * (size_t)bitmap_words(n_rows));
	if ((n_rows & 63) != 0)
		bits[n_rows >> 6] = (UINT64_C(1) << (n_rows & 63)) - 1;
	else if (n_rows == 0)
		bits[0] = 0;
}

/* Packs bytes (their lowest bits) into bits; bits behind the last row are clear. */
static inline void
bitmap_pack(uint64_t *bits, const uint8_t *bytes, int32_t n_rows)
{
	int32_t i = 0;

	for (int32_t w = 0; w < bitmap_words(n_rows > 0 ? n_rows : 1); w++) {
		uint64_t word = 0;

		for (int b = 0; b < 64 && i < n_rows;) {
			if (i + 8 <= n_rows) {
				uint64_t eight;

				memcpy(&eight, bytes + i, sizeof eight);
				word |= (((eight & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080)) >> 56) << b;
				i += 8;
				b += 8;
			} else {
				word |= (uint64_t)(bytes[i++] & 1) << b;
				b++;
			}
		}
		bits[w] = word;
	}
}

static inline bool
bitmap_is_empty(const uint64_t *bits, int32_t n_rows)
{
	uint64_t any = 0;

	for (int64_t w = 0; w < bitmap_words(n_rows); w++)
		any |= bits[w];
	return any == 0;
}

/* Runs `body` with `row` being each set bit in turn. */
#define BITMAP_EACH(row, bits, n_rows, ...)                                               \
	for (int64_t word_ = 0; word_ < bitmap_words(n_rows); word_++) {                      \
		for (uint64_t left_ = (bits)[word_]; left_ != 0; left_ &= left_ - 1) {            \
			int32_t row = (int32_t)(word_ * 64 + __builtin_ctzll(left_));                 \
                                                                                          \
			__VA_ARGS__                                                                   \
		}                                                                                 \
	}

#endif
