#ifndef SLUICE_DATA_VALUE_H
#define SLUICE_DATA_VALUE_H

/*
 * One typed datum: constants, results of row-wise kernels, defaults.  For mass data use vectors.
 * Everything that a Value points to belongs to the arena it was made in, or is borrowed from a vector during a call.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"
#include "data/type.h"

typedef __int128 Decimal;		/* unscaled; precision and scale are in the type (data/decimal.h) */

typedef struct Interval {
	int32_t months;
	int32_t days;
	int64_t micros;
} Interval;

typedef struct Value Value;
struct Value {
	const Type *type;
	bool		is_null;
	uint32_t	n_items;		/* ARRAY: elements; MAP: entries; STRUCT: fields */
	union {
		bool	 boolean;
		int64_t	 integer;		/* INTEGER, BIGINT, DATE, TIME, TIMESTAMP, UNIT (milliseconds of the unit) */
		double	 number;
		Decimal	 decimal;
		Str		 text;			/* STRING, BYTES */
		Interval interval;
		Value	*items;			/* ARRAY: n_items; STRUCT: n_items; MAP: 2 * n_items, key then value */
	};
};

static inline Value
value_null(const Type *type)
{
	return (Value){.type = type, .is_null = true};
}

static inline Value
value_integer(const Type *type, int64_t integer)
{
	return (Value){.type = type, .integer = integer};
}

static inline Value
value_boolean(bool boolean)
{
	return (Value){.type = type_boolean, .boolean = boolean};
}

static inline Value
value_double(double number)
{
	return (Value){.type = type_double, .number = number};
}

static inline Value
value_text(const Type *type, Str text)
{
	return (Value){.type = type, .text = text};
}

/* A deep copy whose memory is in `arena`. */
Value value_copy(Arena *arena, Value v);

/* Equality of two values of one type; NULLs are equal to each other; doubles by bits but 0.0 = -0.0 and NaN = NaN. */
bool value_equal(const Value *a, const Value *b);

/*
 * Order of two non-NULL values of one type: negative, 0, positive.  STRING by UTF-16 code unit (utf16 true) or by code
 * point, BYTES by signed or unsigned byte likewise; NaN is greatest; nested types element by element.
 */
int value_compare(const Value *a, const Value *b, bool ksqldb_order);

uint64_t value_hash(const Value *v);

#endif
