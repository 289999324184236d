#include "common/hex.h"

void
hex_add_encoded(StrBuf *buf, Str bytes, bool upper_case)
{
	const char *digits = upper_case ? "0123456789ABCDEF" : "0123456789abcdef";

	strbuf_reserve(buf, bytes.length * 2);
	for (size_t i = 0; i < bytes.length; i++) {
		unsigned char	b = (unsigned char)bytes.data[i];

		strbuf_add_char(buf, digits[b >> 4]);
		strbuf_add_char(buf, digits[b & 15]);
	}
}

bool
hex_add_decoded(StrBuf *buf, Str text)
{
	if (text.length % 2 != 0)
		return false;
	for (size_t i = 0; i < text.length; i++)
		if (hex_digit(text.data[i]) < 0)
			return false;
	strbuf_reserve(buf, text.length / 2);
	for (size_t i = 0; i < text.length; i += 2)
		strbuf_add_char(buf, (char)(hex_digit(text.data[i]) << 4 | hex_digit(text.data[i + 1])));
	return true;
}
