#ifndef SLUICE_COMMON_HASH_H
#define SLUICE_COMMON_HASH_H

/* Hashing of byte strings and integers.  Not for partitioning (murmur2 in data/key.h) and not cryptographic. */
#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *data, size_t length);	/* XXH3, 64 bits */

/* A bijective mix of one 64-bit number (the finaliser of MurmurHash3). */
static inline uint64_t
hash_u64(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	x ^= x >> 33;
	return x;
}

static inline uint64_t
hash_combine(uint64_t seed, uint64_t hash)
{
	return hash_u64(seed * 0x9e3779b97f4a7c15ULL + hash);
}

#endif
