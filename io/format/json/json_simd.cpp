// The one place that calls simdjson: fast validation of UTF-8.
#include <simdjson.h>

extern "C" bool text_is_utf8(const char *text, size_t length);

extern "C" bool
text_is_utf8(const char *text, size_t length)
{
	return simdjson::validate_utf8(text, length);
}
