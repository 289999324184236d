#ifndef SLUICE_IO_DIGITS_H
#define SLUICE_IO_DIGITS_H

/* Decimal digits, eight at a time in a 64-bit word (the first digit in the lowest byte).  Little-endian machines. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define REPEAT8(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline bool
digits8_all(uint64_t word)
{
	return (((word & REPEAT8(0xf0)) | (((word + REPEAT8(6)) & REPEAT8(0xf0)) >> 4)) == REPEAT8(0x33));
}

/* How many of the first bytes are digits: 0 to 8. */
static inline unsigned
digits8_count(uint64_t word)
{
	uint64_t other = ((word ^ REPEAT8(0x30)) + REPEAT8(0x76)) | (word ^ REPEAT8(0x30));

	/* the high bit of a byte is set if it is no digit: carries only come from bytes that are none */
	other &= REPEAT8(0x80);
	return other == 0 ? 8 : (unsigned)__builtin_ctzll(other) / 8;
}

/* The number that eight digits make. */
static inline uint32_t
digits8_parse(uint64_t word)
{
	word -= REPEAT8('0');
	word = word * 10 + (word >> 8);
	return (uint32_t)((((word & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064)) +
					   (((word >> 16) & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001))) >> 32);
}

/* The number that the first n (1 to 8) bytes make. */
static inline uint32_t
digits8_parse_first(uint64_t word, unsigned n)
{
	unsigned gap = 64 - 8 * n;

	return digits8_parse((word << gap) | (REPEAT8('0') >> 1 >> (63 - gap)));
}

#endif
