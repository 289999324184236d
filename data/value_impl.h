#ifndef SLUICE_DATA_VALUE_IMPL_H
#define SLUICE_DATA_VALUE_IMPL_H

/* What values, vectors and kernels share about equality, order and hashing of single data. */
#include <math.h>
#include <string.h>

#include "common/hash.h"
#include "data/value.h"
#include "data/vector.h"

#define HASH_NULL UINT64_C(0x51ab3c0de7f1a2b9)
#define HASH_LIST UINT64_C(0x243f6a8885a308d3)

/* Bits by which doubles are equal: 0.0 is -0.0, all NaNs are one. */
static inline uint64_t
double_key(double d)
{
	uint64_t bits;

	d = d == 0 ? 0.0 : d;
	memcpy(&bits, &d, sizeof bits);
	return d != d ? UINT64_C(0x7ff8000000000000) : bits;
}

static inline uint64_t
hash_decimal(Decimal d)
{
	return hash_combine(hash_u64((uint64_t)d), (uint64_t)((unsigned __int128)d >> 64));
}

static inline uint64_t
hash_view(const StrView *v)
{
	uint64_t words[2];

	if (v->length > STR_VIEW_INLINE)
		return hash_bytes(str_view_data(v), v->length);
	memcpy(words, v, 16);
	return hash_u64(words[0] + hash_u64(words[1]) * UINT64_C(0x9e3779b97f4a7c15));
}

static inline uint64_t
hash_interval(const Interval *v)
{
	return hash_combine(hash_u64((uint64_t)(uint32_t)v->months << 32 | (uint32_t)v->days), (uint64_t)v->micros);
}

/* For ordering only: a month counts 30 days. */
static inline __int128
interval_micros(const Interval *v)
{
	return ((__int128)v->months * 30 + v->days) * INT64_C(86400000000) + v->micros;
}

/* NaN is greatest and equal to itself. */
int double_compare(double a, double b);

/* STRING by UTF-16 unit and BYTES by signed byte (ksqldb_order), or both by unsigned byte. */
int text_compare(TypeKind kind, Str a, Str b, bool ksqldb_order);

#endif
