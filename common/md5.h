#ifndef SLUICE_COMMON_MD5_H
#define SLUICE_COMMON_MD5_H

/* MD5 of RFC 1321, for the SQL function of that name only. */
#include "common/str.h"

void md5_digest(Str bytes, unsigned char digest[16]);
void md5_hex(Str bytes, char hex[33]);	/* lower case, NUL-terminated */

#endif
