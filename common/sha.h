#ifndef SLUICE_COMMON_SHA_H
#define SLUICE_COMMON_SHA_H

/* SHA-1 and SHA-256 of FIPS 180-4, for the SQL functions of these names.  One shot over bytes in memory. */
#include "common/str.h"

#define SHA1_BYTES 20
#define SHA256_BYTES 32

void sha1_digest(Str bytes, unsigned char digest[SHA1_BYTES]);
void sha256_digest(Str bytes, unsigned char digest[SHA256_BYTES]);

#endif
