#ifndef SLUICE_DATA_DOUBLE_TEXT_H
#define SLUICE_DATA_DOUBLE_TEXT_H

/*
 * Numbers to text and back.  All printers write without a NUL and give the length; `text` has NUMBER_TEXT_MAX bytes.
 * Doubles are printed with the shortest digits that round-trip (std::to_chars behind double_chars.cpp).  Pure.
 */
#include "common/str.h"

#define NUMBER_TEXT_MAX 32

/* Java's Double.toString: `1.0`, `1.0E10`, exponent form below 1e-3 and from 1e7, `NaN`, `Infinity`, `-Infinity`. */
size_t double_print_java(double value, char *text);

/* A JSON number as ksqlDB writes it (Java's layout); NaN and infinities come as quoted text: "NaN". */
size_t double_print_json(double value, char *text);

/* As DuckDB: `0.1`, `1.0`, `1e+20`, `1e-05`, exponent form below 1e-4 and from 1e16, `nan`, `inf`, `-inf`. */
size_t double_print_sql(double value, char *text);

/*
 * The shortest digits of a finite double: `digits` gets up to 17 without leading or trailing zeros ("0" for zero),
 * the value is 0.DIGITS * 10^*exponent10 (the point stands before the first digit).  Gives the number of digits.
 */
int double_shortest(double value, char digits[20], int *exponent10, bool *is_negative);

size_t int64_print(int64_t value, char *text);
size_t uint64_print(uint64_t value, char *text);
void   int64_add_text(StrBuf *buf, int64_t value);
void   double_add_java(StrBuf *buf, double value);
void   double_add_sql(StrBuf *buf, double value);

typedef enum DoubleSyntax {
	DOUBLE_STRICT,		/* sign, digits, point, exponent; nothing else (JSON lets less pass: its reader checks) */
	DOUBLE_JAVA,		/* Double.parseDouble: spaces around, `1.`, `.5`, suffix d or f, hexadecimal; no NaN, Infinity */
	DOUBLE_JAVA_ANY,	/* as DOUBLE_JAVA, and NaN, Infinity, with a sign */
	DOUBLE_SQL,			/* PostgreSQL: spaces around; inf, infinity, nan in any case */
} DoubleSyntax;

/* False if the text is malformed.  Too large gives infinity, too small zero (false for both in DOUBLE_SQL). */
bool double_parse(Str text, DoubleSyntax syntax, double *out);

/* Optional sign and decimal digits only, no spaces; false if malformed or out of range. */
bool int64_parse(Str text, int64_t *out);
bool int32_parse(Str text, int32_t *out);

/* Java's (long) and (int) of a double: truncates, saturates, NaN is 0. */
int64_t double_to_int64_saturating(double value);
int32_t double_to_int32_saturating(double value);

/* Java's Math.round: floor(x + 0.5) exactly, saturating, NaN is 0. */
int64_t double_round_java(double value);

#endif
