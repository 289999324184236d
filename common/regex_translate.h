#ifndef SLUICE_COMMON_REGEX_TRANSLATE_H
#define SLUICE_COMMON_REGEX_TRANSLATE_H

/* From Java's regular expression syntax to PCRE2's; used by regex.c only. */
#include "common/str.h"

/* Appends the pattern to `out`; FAILED (ERROR_DATA) for what Java refuses and PCRE2 would read otherwise. */
Status regex_translate(Str pattern, StrBuf *out, Error *err);

#endif
