#ifndef SLUICE_IO_FORMAT_JSON_JSON_SIMD_H
#define SLUICE_IO_FORMAT_JSON_JSON_SIMD_H

#include <stdbool.h>
#include <stddef.h>

/* Valid UTF-8, at many bytes a cycle (simdjson). */
bool text_is_utf8(const char *text, size_t length);

#endif
