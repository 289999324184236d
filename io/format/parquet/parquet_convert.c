/*
 * Values of pages to values of vectors, one loop a pair of types.
 *
 * Fixed-width values stand side by side and need not be aligned, so they are loaded through memcpy, which compilers turn
 * into plain (and vectorised) loads.  SQL times have milliseconds: finer ones are cut off towards the past.
 */
#include "io/format/parquet/parquet_convert.h"

#include <math.h>

#include "data/decimal.h"

#define LOAD(T, from, i)                                              \
	({                                                                \
		T load_;                                                      \
		memcpy(&load_, (const char *)(from) + sizeof(T) * (size_t)(i), sizeof load_); \
		load_;                                                        \
	})

#define CONVERT(name, From, To, expression)                                                                       \
	static bool name(const ParquetNode *leaf, const void *from, int32_t n, void *to, Arena *arena, int32_t *bad)  \
	{                                                                                                             \
		To *restrict out = to;                                                                                    \
                                                                                                                  \
		(void)leaf;                                                                                               \
		(void)arena;                                                                                              \
		(void)bad;                                                                                                \
		for (int32_t i = 0; i < n; i++) {                                                                         \
			From x = LOAD(From, from, i);                                                                         \
			out[i] = (To)(expression);                                                                            \
		}                                                                                                         \
		return true;                                                                                              \
	}

static inline int64_t
floor_div(int64_t x, int64_t by)
{
	return x / by - (x % by < 0);
}

CONVERT(uint32_to_int64, uint32_t, int64_t, x)
CONVERT(int32_to_decimal, int32_t, Decimal, x)
CONVERT(int64_to_decimal, int64_t, Decimal, x)
CONVERT(uint64_to_decimal, uint64_t, Decimal, x)
CONVERT(float_to_double, float, double, x)
CONVERT(micros_to_time, int64_t, int32_t, floor_div(x, 1000))
CONVERT(nanos_to_time, int64_t, int32_t, floor_div(x, 1000000))
CONVERT(micros_to_timestamp, int64_t, int64_t, floor_div(x, 1000))
CONVERT(nanos_to_timestamp, int64_t, int64_t, floor_div(x, 1000000))

/* Small signed and unsigned integers are kept in 32 bits as they are. */

typedef struct Int96 {
	uint8_t bytes[12];
} Int96;

/* Nanoseconds of the day, then the Julian day (2440588 is 1970-01-01). */
static inline int64_t
int96_time(Int96 x)
{
	int64_t nanos;
	int32_t day;

	memcpy(&nanos, x.bytes, 8);
	memcpy(&day, x.bytes + 8, 4);
	return ((int64_t)day - 2440588) * 86400000 + floor_div(nanos, 1000000);
}

CONVERT(int96_to_timestamp, Int96, int64_t, int96_time(x))

typedef struct Interval12 {
	uint32_t months, days, millis;
} Interval12;

CONVERT(fixed_to_interval, Interval12, Interval, ((Interval){(int32_t)x.months, (int32_t)x.days, (int64_t)x.millis * 1000}))

static double
half_to_double(uint16_t h)
{
	int	   exponent = h >> 10 & 31;
	double mantissa = h & 1023;
	double x = exponent == 31  ? (mantissa == 0 ? (double)INFINITY : (double)NAN)
			   : exponent == 0 ? ldexp(mantissa, -24)
							   : ldexp(mantissa + 1024, exponent - 25);

	return h & 0x8000 ? -x : x;
}

CONVERT(half_to_doubles, uint16_t, double, half_to_double(x))

/* Big-endian two's complement of any length. */
static inline bool
decimal_of_bytes(const uint8_t *bytes, size_t length, Decimal *out)
{
	unsigned __int128 value = length > 0 && (bytes[0] & 0x80) ? ~(unsigned __int128)0 : 0;
	uint8_t			  sign = length > 0 && (bytes[0] & 0x80) ? 0xff : 0;

	while (length > 16) {
		if (*bytes++ != sign)
			return false;
		length--;
	}
	if (length == 16 && (bytes[0] ^ sign) & 0x80)
		return false;
	for (size_t i = 0; i < length; i++)
		value = value << 8 | bytes[i];
	*out = (Decimal)value;
	return *out < decimal_power10(DECIMAL_MAX_DIGITS) && *out > -decimal_power10(DECIMAL_MAX_DIGITS);
}

static bool
fixed_to_decimal(const ParquetNode *leaf, const void *from, int32_t n, void *to, Arena *arena, int32_t *bad)
{
	Decimal		  *out = to;
	const uint8_t *at = from;

	(void)arena;
	for (int32_t i = 0; i < n; i++, at += leaf->width)
		if (!decimal_of_bytes(at, (size_t)leaf->width, &out[i])) {
			*bad = i;
			return false;
		}
	return true;
}

static bool
text_to_decimal(const ParquetNode *leaf, const void *from, int32_t n, void *to, Arena *arena, int32_t *bad)
{
	const StrView *views = from;
	Decimal		  *out = to;

	(void)leaf;
	(void)arena;
	for (int32_t i = 0; i < n; i++) {
		Str text = str_view_str(&views[i]);

		if (!decimal_of_bytes((const uint8_t *)text.data, text.length, &out[i])) {
			*bad = i;
			return false;
		}
	}
	return true;
}

static bool
fixed_to_bytes(const ParquetNode *leaf, const void *from, int32_t n, void *to, Arena *arena, int32_t *bad)
{
	StrView	   *out = to;
	const char *at = from;

	(void)arena;
	(void)bad;
	for (int32_t i = 0; i < n; i++, at += leaf->width)
		out[i] = str_view_make(at, (size_t)leaf->width);
	return true;
}

static bool
fixed_to_uuid(const ParquetNode *leaf, const void *from, int32_t n, void *to, Arena *arena, int32_t *bad)
{
	static const char digits[] = "0123456789abcdef";
	StrView			 *out = to;
	const uint8_t	 *at = from;
	char			 *text = arena_alloc(arena, 36 * (size_t)n + 1);

	(void)leaf;
	(void)bad;
	for (int32_t i = 0; i < n; i++, at += 16, text += 36) {
		char *p = text;

		for (int k = 0; k < 16; k++) {
			*p++ = digits[at[k] >> 4];
			*p++ = digits[at[k] & 15];
			if (k == 3 || k == 5 || k == 7 || k == 9)
				*p++ = '-';
		}
		out[i] = str_view_make(text, 36);
	}
	return true;
}

/* ---- the table ---- */

typedef struct LeafType {
	ParquetPhysical	   physical;
	ParquetMeaning	   meaning;
	const Type *const *type;		/* NULL: DECIMAL(precision, scale) */
	ParquetConvert	   convert;
} LeafType;

static const LeafType leaf_types[] = {
	{PARQUET_BOOLEAN, PARQUET_MEANS_NOTHING, &type_boolean, NULL},
	{PARQUET_INT32, PARQUET_MEANS_NOTHING, &type_integer, NULL},
	{PARQUET_INT32, PARQUET_MEANS_INT, &type_integer, NULL},
	{PARQUET_INT32, PARQUET_MEANS_UINT, &type_integer, NULL},
	{PARQUET_INT32, PARQUET_MEANS_UINT32, &type_bigint, uint32_to_int64},
	{PARQUET_INT32, PARQUET_MEANS_DECIMAL, NULL, int32_to_decimal},
	{PARQUET_INT32, PARQUET_MEANS_DATE, &type_date, NULL},
	{PARQUET_INT32, PARQUET_MEANS_TIME_MS, &type_time, NULL},
	{PARQUET_INT32, PARQUET_MEANS_NULL, &type_integer, NULL},
	{PARQUET_INT64, PARQUET_MEANS_NOTHING, &type_bigint, NULL},
	{PARQUET_INT64, PARQUET_MEANS_INT, &type_bigint, NULL},
	{PARQUET_INT64, PARQUET_MEANS_UINT64, &(const Type *const){NULL}, uint64_to_decimal},
	{PARQUET_INT64, PARQUET_MEANS_DECIMAL, NULL, int64_to_decimal},
	{PARQUET_INT64, PARQUET_MEANS_TIME_US, &type_time, micros_to_time},
	{PARQUET_INT64, PARQUET_MEANS_TIME_NS, &type_time, nanos_to_time},
	{PARQUET_INT64, PARQUET_MEANS_TIMESTAMP_MS, &type_timestamp, NULL},
	{PARQUET_INT64, PARQUET_MEANS_TIMESTAMP_US, &type_timestamp, micros_to_timestamp},
	{PARQUET_INT64, PARQUET_MEANS_TIMESTAMP_NS, &type_timestamp, nanos_to_timestamp},
	{PARQUET_INT96, PARQUET_MEANS_NOTHING, &type_timestamp, int96_to_timestamp},
	{PARQUET_FLOAT, PARQUET_MEANS_NOTHING, &type_double, float_to_double},
	{PARQUET_DOUBLE, PARQUET_MEANS_NOTHING, &type_double, NULL},
	{PARQUET_BYTE_ARRAY, PARQUET_MEANS_NOTHING, &type_bytes, NULL},
	{PARQUET_BYTE_ARRAY, PARQUET_MEANS_BSON, &type_bytes, NULL},
	{PARQUET_BYTE_ARRAY, PARQUET_MEANS_STRING, &type_string, NULL},
	{PARQUET_BYTE_ARRAY, PARQUET_MEANS_ENUM, &type_string, NULL},
	{PARQUET_BYTE_ARRAY, PARQUET_MEANS_JSON, &type_string, NULL},
	{PARQUET_BYTE_ARRAY, PARQUET_MEANS_DECIMAL, NULL, text_to_decimal},
	{PARQUET_FIXED, PARQUET_MEANS_NOTHING, &type_bytes, fixed_to_bytes},
	{PARQUET_FIXED, PARQUET_MEANS_DECIMAL, NULL, fixed_to_decimal},
	{PARQUET_FIXED, PARQUET_MEANS_UUID, &type_string, fixed_to_uuid},
	{PARQUET_FIXED, PARQUET_MEANS_FLOAT16, &type_double, half_to_doubles},
	{PARQUET_FIXED, PARQUET_MEANS_INTERVAL, &type_interval, fixed_to_interval},
};

static const LeafType *
find_leaf_type(ParquetPhysical physical, ParquetMeaning meaning)
{
	const LeafType *plain = NULL;

	for (size_t i = 0; i < sizeof leaf_types / sizeof leaf_types[0]; i++) {
		if (leaf_types[i].physical != physical)
			continue;
		if (leaf_types[i].meaning == meaning)
			return &leaf_types[i];
		if (leaf_types[i].meaning == PARQUET_MEANS_NOTHING)
			plain = &leaf_types[i];
	}
	/* an annotation that does not go with the type says nothing */
	return plain;
}

static void
set_decimal(ParquetNode *leaf, int precision, int scale)
{
	if (scale < 0 || scale > DECIMAL_MAX_DIGITS || precision < scale || precision < 1) {
		leaf->why = "a DECIMAL of more than 38 digits behind the point";
		return;
	}
	leaf->scale = scale;
	leaf->type = type_decimal(precision > DECIMAL_MAX_DIGITS ? DECIMAL_MAX_DIGITS : precision, scale);
}

void
parquet_leaf_type(ParquetNode *leaf, const ParquetElement *element)
{
	static const int widths[] = {[PARQUET_INT32] = 4, [PARQUET_INT64] = 8, [PARQUET_INT96] = 12, [PARQUET_FLOAT] = 4, [PARQUET_DOUBLE] = 8, [PARQUET_FIXED] = 0};
	const LeafType	*row;

	leaf->physical = element->physical;
	leaf->meaning = element->meaning;
	if (element->physical < PARQUET_BOOLEAN || element->physical > PARQUET_FIXED) {
		leaf->why = "of an unknown physical type";
		return;
	}
	leaf->width = element->physical == PARQUET_FIXED ? element->type_length : element->physical < (int)(sizeof widths / sizeof widths[0]) ? widths[element->physical] : 0;
	if (element->physical == PARQUET_FIXED && (element->type_length <= 0 || element->type_length > 1 << 20)) {
		leaf->why = "a fixed-length column without a length";
		return;
	}
	if (element->physical == PARQUET_FIXED && ((element->meaning == PARQUET_MEANS_UUID && leaf->width != 16) ||
		(element->meaning == PARQUET_MEANS_FLOAT16 && leaf->width != 2) || (element->meaning == PARQUET_MEANS_INTERVAL && leaf->width != 12)))
		leaf->meaning = PARQUET_MEANS_NOTHING;
	row = find_leaf_type(element->physical, leaf->meaning);
	leaf->convert = row->convert;
	if (row->type == NULL)
		set_decimal(leaf, element->precision, element->scale);
	else if (*row->type == NULL)
		set_decimal(leaf, 20, 0);
	else
		leaf->type = *row->type;
}
