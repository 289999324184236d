#ifndef SLUICE_DATA_DECIMAL_H
#define SLUICE_DATA_DECIMAL_H

/*
 * DECIMAL values: an unscaled 128-bit integer; precision and scale live in the type, so every function takes the
 * scale beside the value.
 *
 * A value has at most 38 digits (DECIMAL_MAX_DIGITS): more is DECIMAL_OVERFLOW, whatever precision the type states (a
 * type of the ksqldb dialect may state more than 38, and a scale over 38; values that need it are errors).
 * Intermediate results have 256 bits, so only results are limited.
 *
 * These are called per row, so they return a small code instead of a Status; decimal_error() makes the text of it.
 * Two rules of arithmetic: exact (ksqldb: a result that is not exact at its scale is DECIMAL_INEXACT) and rounded
 * (standard: HALF_UP, as PostgreSQL and DuckDB).  Pure functions, any thread.
 */
#include "common/str.h"

typedef __int128 Decimal;

#define DECIMAL_MAX_DIGITS 38
#define DECIMAL_TEXT_MAX 400	/* room that decimal_print needs: sign, digits, point and the zeros of a large scale */

typedef enum DecimalCode {
	DECIMAL_OK = 0,
	DECIMAL_MALFORMED,			/* the text is not a number */
	DECIMAL_OVERFLOW,			/* too many digits for the precision, or for 38 */
	DECIMAL_INEXACT,			/* digits would be lost and the caller asked for exactness */
	DECIMAL_DIVISION_BY_ZERO,
} DecimalCode;

typedef enum DecimalRound {
	DECIMAL_EXACT,				/* losing a digit is DECIMAL_INEXACT */
	DECIMAL_HALF_UP,			/* ties away from zero */
	DECIMAL_FLOOR,
	DECIMAL_CEIL,
	DECIMAL_TRUNCATE,			/* toward zero */
	DECIMAL_HALF_CEIL,			/* ties toward plus infinity: Java's Math.round */
	DECIMAL_HALF_EVEN,
} DecimalRound;

/* Precision and scale of a type.  1 <= precision, 0 <= scale <= precision. */
typedef struct DecimalShape {
	int		precision;
	int		scale;
} DecimalShape;

/* Fills *err (ERROR_DATA) from a code; `shape` names the type in the text.  Returns FAILED. */
Status decimal_error(DecimalCode code, DecimalShape shape, Error *err);

/* --- from and to other representations --- */

/*
 * Text (sign, digits with a point, exponent; no spaces) to a value at `shape`.  Overflow is tested before rounding,
 * as |v| >= 10^(p-s) (so 9.96 to (2,1) gives 10.0); with DECIMAL_EXACT more fraction digits than the scale, zeros at
 * the end apart, are DECIMAL_INEXACT.
 */
DecimalCode decimal_parse(Str text, DecimalShape shape, DecimalRound round, Decimal *out);

/*
 * Text to a value with the scale as written: `1.50` gives 150 at (3,2), `0.05` gives 5 at (3,2), `1e3` gives 1000 at
 * (4,0).  For literals and JSON numbers.
 */
DecimalCode decimal_parse_any(Str text, Decimal *out, DecimalShape *shape);

/* Plain notation with all digits of the scale, no NUL.  Gives the length; `text` has DECIMAL_TEXT_MAX bytes. */
size_t decimal_print(Decimal value, int scale, char *text);
void   decimal_add_text(StrBuf *buf, Decimal value, int scale);		/* the same, appended */

DecimalCode decimal_from_int64(int64_t value, DecimalShape shape, Decimal *out);

/*
 * The exact binary value rounded to `precision` significant digits, then HALF_UP to `scale` (CAST of DOUBLE in ksqldb).
 * NaN and infinities are DECIMAL_MALFORMED.
 */
DecimalCode decimal_from_double_binary(double value, DecimalShape shape, Decimal *out);

/* Through the shortest text that round-trips (comparisons, ROUND, the standard dialect). */
DecimalCode decimal_from_double_text(double value, DecimalShape shape, DecimalRound round, Decimal *out);

/* Nearest double. */
double decimal_to_double(Decimal value, int scale);

/* Fraction dropped; the low 64 bits of the integer part (wraps, as Java's longValue).  *fits (may be NULL) tells. */
int64_t decimal_to_int64(Decimal value, int scale, bool *fits);

/* --- shape --- */

/* To another scale; DECIMAL_OVERFLOW over 38 digits.  Does not look at precision. */
DecimalCode decimal_rescale(Decimal value, int from_scale, int to_scale, DecimalRound round, Decimal *out);

/* CAST between DECIMAL types: overflow is |v| >= 10^(p-s) before rounding. */
DecimalCode decimal_cast(Decimal value, int from_scale, DecimalShape to, DecimalRound round, Decimal *out);

/* Rounds at `places` digits after the point (may be negative) and keeps `scale`: ROUND(x, n), TRUNC(x, n). */
DecimalCode decimal_round(Decimal value, int scale, int places, DecimalRound round, Decimal *out);

/* Number of decimal digits of the unscaled value; 0 has 1. */
int  decimal_digits(Decimal value);
bool decimal_fits(Decimal value, int precision);

/* 10^n for 0 <= n <= 38. */
Decimal decimal_power10(int n);

/* --- arithmetic: operands at their scales, result at out_shape.scale with at most out_shape.precision digits --- */

DecimalCode decimal_add(Decimal a, int a_scale, Decimal b, int b_scale, DecimalShape out_shape, DecimalRound round, Decimal *out);
DecimalCode decimal_sub(Decimal a, int a_scale, Decimal b, int b_scale, DecimalShape out_shape, DecimalRound round, Decimal *out);
DecimalCode decimal_mul(Decimal a, int a_scale, Decimal b, int b_scale, DecimalShape out_shape, DecimalRound round, Decimal *out);
DecimalCode decimal_div(Decimal a, int a_scale, Decimal b, int b_scale, DecimalShape out_shape, DecimalRound round, Decimal *out);
/* Remainder with the sign of the dividend. */
DecimalCode decimal_mod(Decimal a, int a_scale, Decimal b, int b_scale, DecimalShape out_shape, DecimalRound round, Decimal *out);

/* By value, whatever the scales: <0, 0, >0. */
int decimal_compare(Decimal a, int a_scale, Decimal b, int b_scale);

/* --- result types of operators; op is one of '+' '-' '*' '/' '%' --- */

/* INTEGER counts as (10,0) and BIGINT as (19,0) for both. */
#define DECIMAL_SHAPE_INTEGER ((DecimalShape){10, 0})
#define DECIMAL_SHAPE_BIGINT ((DecimalShape){19, 0})

/* functions.md 2.1: precision is not capped. */
DecimalShape decimal_result_ksqldb(char op, DecimalShape a, DecimalShape b);

/*
 * Standard dialect: the same, but a product has p1 + p2 digits (none to spare), and a shape over 38 digits is brought
 * back to 38 by giving up scale, though never below min(scale, 6) (the rule of SQL Server, Spark and Hive): integer
 * digits are kept before fraction digits.
 */
DecimalShape decimal_result_standard(char op, DecimalShape a, DecimalShape b);

/* The smallest shape that holds all values of both; capped as above when `cap38`. */
DecimalShape decimal_common_shape(DecimalShape a, DecimalShape b, bool cap38);

#endif
