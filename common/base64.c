#include "common/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_add_encoded(StrBuf *buf, Str bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.data;
	size_t	left = bytes.length;

	strbuf_reserve(buf, (left + 2) / 3 * 4);
	for (; left >= 3; p += 3, left -= 3) {
		uint32_t	w = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		char		quad[4] = {alphabet[w >> 18], alphabet[w >> 12 & 63], alphabet[w >> 6 & 63], alphabet[w & 63]};

		strbuf_add(buf, quad, 4);
	}
	if (left > 0) {
		uint32_t	w = (uint32_t)p[0] << 16 | (left > 1 ? (uint32_t)p[1] << 8 : 0);
		char		quad[4] = {alphabet[w >> 18], alphabet[w >> 12 & 63], left > 1 ? alphabet[w >> 6 & 63] : '=', '='};

		strbuf_add(buf, quad, 4);
	}
}

static int
sextet(char c, bool url_safe)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || (url_safe && c == '-'))
		return 62;
	if (c == '/' || (url_safe && c == '_'))
		return 63;
	return -1;
}

/* The bytes of an unfinished group of n sextets. */
static void
add_rest(StrBuf *buf, uint32_t w, int n)
{
	if (n >= 2)
		strbuf_add_char(buf, (char)(n == 2 ? w >> 4 : w >> 10));
	if (n == 3)
		strbuf_add_char(buf, (char)(w >> 2));
}

bool
base64_add_decoded(StrBuf *buf, Str text)
{
	size_t		before = buf->length;
	uint32_t	w = 0;
	int			n = 0;
	size_t		i = 0;

	strbuf_reserve(buf, text.length / 4 * 3 + 3);
	for (; i < text.length; i++) {
		int		v = sextet(text.data[i], false);

		if (v < 0)
			break;
		w = w << 6 | (uint32_t)v;
		if (++n == 4) {
			char	bytes[3] = {(char)(w >> 16), (char)(w >> 8), (char)w};

			strbuf_add(buf, bytes, 3);
			w = 0;
			n = 0;
		}
	}
	/* Padding completes the group, or is left out altogether. */
	size_t	padding = text.length - i;
	bool	good = n != 1 && (padding == 0 || (n >= 2 && padding == (size_t)(4 - n)));

	for (; good && i < text.length; i++)
		good = text.data[i] == '=';
	if (!good) {
		buf->length = before;
		if (buf->data != NULL)
			buf->data[before] = '\0';
		return false;
	}
	add_rest(buf, w, n);
	return true;
}

void
base64_add_decoded_lenient(StrBuf *buf, Str text)
{
	uint32_t	w = 0;
	int			n = 0;

	for (size_t i = 0; i < text.length && text.data[i] != '='; i++) {
		int		v = sextet(text.data[i], true);

		if (v < 0)
			continue;
		w = w << 6 | (uint32_t)v;
		if (++n == 4) {
			char	bytes[3] = {(char)(w >> 16), (char)(w >> 8), (char)w};

			strbuf_add(buf, bytes, 3);
			w = 0;
			n = 0;
		}
	}
	add_rest(buf, w, n);
}
