#ifndef SLUICE_COMMON_HEX_H
#define SLUICE_COMMON_HEX_H

/* Hexadecimal text. */
#include "common/str.h"

void hex_add_encoded(StrBuf *buf, Str bytes, bool upper_case);

/* Pairs of digits in either case; an odd number or any other character is false and leaves `buf` as it was. */
bool hex_add_decoded(StrBuf *buf, Str text);

/* Value of one digit, or -1. */
static inline int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

#endif
