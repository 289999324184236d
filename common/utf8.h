#ifndef SLUICE_COMMON_UTF8_H
#define SLUICE_COMMON_UTF8_H

/*
 * UTF-8 text: validity, code points, positions in UTF-16 units (what ksqlDB counts), case and categories.
 * Apart from utf8_validate and utf8_decode, functions want valid UTF-8 and do not check it again.  Pure.
 */
#include "common/str.h"

bool utf8_is_ascii(Str s);
bool utf8_validate(Str s);		/* no surrogates, no overlong forms, nothing over U+10FFFF */

/* Bytes of the valid prefix; s.length if all is valid. */
size_t utf8_valid_prefix(Str s);

/* Appends `s` with each invalid sequence replaced by U+FFFD. */
void utf8_add_repaired(StrBuf *buf, Str s);

/* Decodes one code point at s[*pos] and moves *pos behind it; -1 at the end; U+FFFD for a bad byte (moves by one). */
int32_t utf8_decode(Str s, size_t *pos);

/* Decodes the code point that ends before s[*pos] and moves *pos to its start; -1 at the start. */
int32_t utf8_decode_before(Str s, size_t *pos);

/* Writes 1 to 4 bytes; gives how many (0 for surrogates and beyond U+10FFFF). */
size_t utf8_encode(int32_t code_point, char out[4]);
void   utf8_add(StrBuf *buf, int32_t code_point);

/* Length of the sequence that a lead byte begins. */
static inline int
utf8_sequence_length(unsigned char lead)
{
	return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

int64_t utf8_count(Str s);			/* code points */
int64_t utf8_utf16_length(Str s);	/* UTF-16 units */

/*
 * Byte offset of the code point (unit) with index `n` from 0; s.length if there are fewer.  A unit position in the
 * middle of a surrogate pair gives the offset behind the pair, and *splits (may be NULL) is set.
 */
size_t utf8_offset_of_point(Str s, int64_t n);
size_t utf8_offset_of_unit(Str s, int64_t n, bool *splits);

/* The inverse: how many units (points) stand before a byte offset. */
int64_t utf8_unit_of_offset(Str s, size_t offset);
int64_t utf8_point_of_offset(Str s, size_t offset);

/* In the order of UTF-16 units (Java's String.compareTo): <0, 0, >0.  Differs from byte order above U+FFFF only. */
int utf8_compare_utf16(Str a, Str b);

/* Full case mapping of the root locale (so the German sharp s becomes SS in upper case), appended. */
void utf8_add_upper(StrBuf *buf, Str s);
void utf8_add_lower(StrBuf *buf, Str s);

int32_t utf8_upper_point(int32_t code_point);	/* simple mapping */
int32_t utf8_lower_point(int32_t code_point);

typedef enum Utf8Class {
	UTF8_UPPER,		/* general category Lu */
	UTF8_LOWER,		/* Ll */
	UTF8_DIGIT,		/* Nd */
	UTF8_OTHER,
} Utf8Class;

Utf8Class utf8_class(int32_t code_point);
bool	  utf8_is_java_whitespace(int32_t code_point);	/* Character.isWhitespace */

#endif
