#ifndef SLUICE_COMMON_BASE64_H
#define SLUICE_COMMON_BASE64_H

/* Base64 of RFC 4648 with padding. */
#include "common/str.h"

void base64_add_encoded(StrBuf *buf, Str bytes);

/* Strict (Java's Base64.getDecoder): padding may be absent, nothing else may be odd.  False leaves `buf` as it was. */
bool base64_add_decoded(StrBuf *buf, Str text);

/* Ignores what is not base64, accepts the URL-safe alphabet (Apache commons-codec): never fails. */
void base64_add_decoded_lenient(StrBuf *buf, Str text);

#endif
