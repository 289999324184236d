/*
 * Functions of URLs.  A URL is read as java.net.URI reads it: RFC 2396 with characters beyond ASCII allowed, and an
 * authority that names no proper server is an opaque name without host and port.
 */
#include <ctype.h>

#include "common/hex.h"
#include "data/double_text.h"
#include "exec/func/kernel.h"

typedef struct Uri {
	Str	scheme, host, path, query, fragment;		/* as written; data NULL: absent */
	int	port;										/* -1: absent */
} Uri;

static const Str absent = {NULL, 0};

/* ---- parsing ---- */

/* `punctuation` lists what is allowed besides letters, digits, escapes and characters beyond ASCII. */
static bool
is_legal(Str s, const char *punctuation)
{
	for (size_t i = 0; i < s.length; i++) {
		unsigned char c = (unsigned char)s.data[i];

		if (isalnum(c) || (c >= 0x80 && !(c == 0xc2 && i + 1 < s.length && (unsigned char)s.data[i + 1] <= 0xa0)))
			continue;
		if (c == '%' && i + 2 < s.length && hex_digit(s.data[i + 1]) >= 0 && hex_digit(s.data[i + 2]) >= 0) {
			i += 2;
			continue;
		}
		if (c == '\0' || c == '%' || strchr(punctuation, c) == NULL)
			return false;
	}
	return true;
}

#define MARKS "-_.!~*'()"
#define IN_PATH MARKS ":@&=+$,;/"
#define IN_QUERY MARKS ":@&=+$,;/?[]"
#define IN_AUTHORITY MARKS "$,;:@&=+"

static Str
take_until(Str *rest, const char *stops)
{
	size_t	n = 0;
	Str		taken;

	while (n < rest->length && strchr(stops, rest->data[n]) == NULL)
		n++;
	taken = str_make(rest->data, n);
	*rest = str_make(rest->data + n, rest->length - n);
	return taken;
}

/* Labels of letters, digits and inner hyphens; the last one begins with a letter, unless it is an IPv4 address. */
static bool
is_host_name(Str host)
{
	size_t	start = 0;
	bool	last_is_number = false, all_numbers = true;
	int		n_labels = 0;

	if (host.length > 0 && host.data[host.length - 1] == '.')
		host.length--;
	if (host.length == 0)
		return false;
	while (start <= host.length) {
		size_t	end = start;

		while (end < host.length && host.data[end] != '.') {
			if (!isalnum((unsigned char)host.data[end]) && host.data[end] != '-')
				return false;
			end++;
		}
		if (end == start || host.data[start] == '-' || host.data[end - 1] == '-')
			return false;
		last_is_number = isdigit((unsigned char)host.data[start]) != 0;
		for (size_t i = start; i < end; i++)
			all_numbers = all_numbers && isdigit((unsigned char)host.data[i]);
		n_labels++;
		start = end + 1;
	}
	return !last_is_number || (all_numbers && n_labels == 4);
}

static bool
parse_authority(Str authority, Uri *uri)
{
	Str			server = authority, port = absent;
	const char *at = memchr(authority.data, '@', authority.length);

	if (at != NULL)
		server = str_make(at + 1, authority.length - (size_t)(at + 1 - authority.data));
	if (server.length > 0 && server.data[0] == '[') {
		const char *close = memchr(server.data, ']', server.length);
		size_t		n;

		if (close == NULL)
			return false;
		n = (size_t)(close + 1 - server.data);
		for (size_t i = 1; i + 1 < n; i++)
			if (hex_digit(server.data[i]) < 0 && strchr(":.%", server.data[i]) == NULL)
				return false;
		uri->host = str_make(server.data, n);
		port = str_make(server.data + n, server.length - n);
		if (port.length > 0 && port.data[0] != ':')
			return false;
	} else {
		const char *colon = memchr(server.data, ':', server.length);

		uri->host = colon != NULL ? str_make(server.data, (size_t)(colon - server.data)) : server;
		port = str_make(uri->host.data + uri->host.length, server.length - uri->host.length);
	}
	if (port.length > 1) {
		int32_t number;

		if (!isdigit((unsigned char)port.data[1]) || !int32_parse(str_make(port.data + 1, port.length - 1), &number))
			uri->host = absent;
		else
			uri->port = number;
	}
	if (uri->host.data != NULL && uri->host.data[0] != '[' && !is_host_name(uri->host))
		uri->host = absent;
	if (uri->host.data == NULL) {
		uri->port = -1;
		return is_legal(authority, IN_AUTHORITY);
	}
	return at == NULL || is_legal(str_make(authority.data, (size_t)(at - authority.data)), MARKS ";:&=+$,");
}

static bool
parse_uri(Str text, Uri *uri)
{
	Str		rest = text, start;

	*uri = (Uri){.port = -1};
	start = take_until(&rest, ":/?#");
	if (rest.length > 0 && rest.data[0] == ':') {
		if (start.length == 0 || !isalpha((unsigned char)start.data[0]))
			return false;
		for (size_t i = 0; i < start.length; i++)
			if (!isalnum((unsigned char)start.data[i]) && strchr("+-.", start.data[i]) == NULL)
				return false;
		uri->scheme = start;
		rest = str_make(rest.data + 1, rest.length - 1);
		if (rest.length == 0 || rest.data[0] == '#')
			return false;
	} else {
		rest = text;
	}
	if (uri->scheme.data != NULL && rest.data[0] != '/') {
		if (!is_legal(take_until(&rest, "#"), IN_QUERY))		/* opaque */
			return false;
	} else {
		if (str_starts_with(rest, STR("//"))) {
			Str		authority;

			rest = str_make(rest.data + 2, rest.length - 2);
			authority = take_until(&rest, "/?#");
			if (authority.length == 0 ? rest.length == 0 : !parse_authority(authority, uri))
				return false;
		}
		uri->path = take_until(&rest, "?#");
		if (!is_legal(uri->path, IN_PATH))
			return false;
		if (rest.length > 0 && rest.data[0] == '?') {
			rest = str_make(rest.data + 1, rest.length - 1);
			uri->query = take_until(&rest, "#");
			if (!is_legal(uri->query, IN_QUERY))
				return false;
		}
	}
	if (rest.length > 0) {
		uri->fragment = str_make(rest.data + 1, rest.length - 1);
		return is_legal(uri->fragment, IN_QUERY);
	}
	return true;
}

/* Escapes replaced by the characters they stand for; false for a malformed one. */
static bool
add_decoded(StrBuf *out, Str s, bool plus_is_space)
{
	StrBuf	bytes = {0};
	bool	ok = true;

	for (size_t i = 0; ok && i < s.length; i++) {
		if (s.data[i] == '%') {
			ok = i + 2 < s.length && hex_digit(s.data[i + 1]) >= 0 && hex_digit(s.data[i + 2]) >= 0;
			if (ok)
				strbuf_add_char(&bytes, (char)(hex_digit(s.data[i + 1]) << 4 | hex_digit(s.data[i + 2])));
			i += 2;
		} else {
			strbuf_add_char(&bytes, s.data[i] == '+' && plus_is_space ? ' ' : s.data[i]);
		}
	}
	if (ok)
		utf8_add_repaired(out, strbuf_str(&bytes));
	strbuf_free(&bytes);
	return ok;
}

/* ---- kernels ---- */

static bool
read_uri(const ScalarCall *call, int32_t row, Str text, Uri *uri)
{
	if (parse_uri(text, uri))
		return true;
	eval_fail(call->context, row, "URL input has invalid syntax: %.*s", (int)(text.length < 200 ? text.length : 200), text.data);
	return false;
}

static bool
set_part(const ScalarCall *call, Str part, bool decode, Value *out)
{
	StrBuf	buf = {0};

	if (part.data == NULL)
		return true;
	if (!decode)
		return value_set_text(call, out, part);
	add_decoded(&buf, part, false);
	value_set_text(call, out, strbuf_str(&buf));
	strbuf_free(&buf);
	return true;
}

#define PART_KERNEL(name, part, decode)                                                             \
	static bool name(const ScalarCall *call, int32_t row, const Value *args, Value *out)            \
	{                                                                                               \
		Uri		uri;                                                                                \
                                                                                                    \
		return read_uri(call, row, args[0].text, &uri) && set_part(call, uri.part, decode, out);    \
	}

PART_KERNEL(extract_protocol, scheme, false)
PART_KERNEL(extract_host, host, false)
PART_KERNEL(extract_path, path, true)
PART_KERNEL(extract_query, query, true)
PART_KERNEL(extract_fragment, fragment, true)

static bool
extract_port(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	Uri		uri;

	if (!read_uri(call, row, args[0].text, &uri))
		return false;
	return uri.port < 0 || value_set_integer(out, uri.port);
}

static bool
extract_parameter(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	Uri		uri;
	StrBuf	buf = {0};
	Str		rest;
	bool	found = false;

	if (!read_uri(call, row, args[0].text, &uri))
		return false;
	if (uri.query.data == NULL)
		return true;
	add_decoded(&buf, uri.query, false);
	rest = strbuf_str(&buf);
	while (!found && rest.length > 0) {
		Str		value = take_until(&rest, "&"), name = take_until(&value, "=");

		if (rest.length > 0)
			rest = str_make(rest.data + 1, rest.length - 1);
		found = str_equal(name, args[1].text);
		if (found)
			value_set_text(call, out, value.length > 0 ? str_make(value.data + 1, value.length - 1) : value);
	}
	strbuf_free(&buf);
	return true;
}

static bool
encode_param(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	static const char digits[] = "0123456789ABCDEF";
	StrBuf			  buf = {0};

	(void)row;
	for (size_t i = 0; i < args[0].text.length; i++) {
		unsigned char c = (unsigned char)args[0].text.data[i];

		if (isalnum(c) || (c != '\0' && strchr("-_.*", c) != NULL)) {
			strbuf_add_char(&buf, (char)c);
		} else if (c == ' ') {
			strbuf_add_char(&buf, '+');
		} else {
			strbuf_add_char(&buf, '%');
			strbuf_add_char(&buf, digits[c >> 4]);
			strbuf_add_char(&buf, digits[c & 15]);
		}
	}
	value_set_text(call, out, strbuf_str(&buf));
	strbuf_free(&buf);
	return true;
}

static bool
decode_param(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	StrBuf	buf = {0};
	bool	ok = add_decoded(&buf, args[0].text, true);

	if (ok)
		value_set_text(call, out, strbuf_str(&buf));
	else
		eval_fail(call->context, row, "Illegal escape in the URL parameter '%.*s'", (int)args[0].text.length, args[0].text.data);
	strbuf_free(&buf);
	return ok;
}

#define PART_ROW(name, type, kernel, what, ...)                                                       \
	FUNCTION_ROWS(name, "(STRING) -> " type, kernel, NULL_IN, BOTH, what " of a URL; NULL if it has none.", __VA_ARGS__)

const ScalarFunction scalar_url_functions[] = {
	FUNCTION_ROWS("URL_DECODE_PARAM", "(STRING) -> STRING", decode_param, NULL_IN, BOTH,
				  "The text that URL_ENCODE_PARAM has encoded.", "URL_DECODE_PARAM('a+b%21')", "a b!"),
	FUNCTION_ROWS("URL_ENCODE_PARAM", "(STRING) -> STRING", encode_param, NULL_IN, BOTH,
				  "The text as a parameter of a URL, special characters as %XX.", "URL_ENCODE_PARAM('a b!')", "a+b%21"),
	PART_ROW("URL_EXTRACT_FRAGMENT", "STRING", extract_fragment, "The part behind #", "URL_EXTRACT_FRAGMENT('http://h/p#top')",
			 "top"),
	PART_ROW("URL_EXTRACT_HOST", "STRING", extract_host, "The host", "URL_EXTRACT_HOST('http://example.com:80/p')",
			 "example.com"),
	FUNCTION_ROWS("URL_EXTRACT_PARAMETER", "(STRING, STRING) -> STRING", extract_parameter, NULL_IN, BOTH,
				  "The value of a parameter of a URL; NULL if it has none of that name.",
				  "URL_EXTRACT_PARAMETER('http://h/p?a=1&b=2', 'b')", "2"),
	PART_ROW("URL_EXTRACT_PATH", "STRING", extract_path, "The path", "URL_EXTRACT_PATH('http://h/p/q?a=1')", "/p/q"),
	PART_ROW("URL_EXTRACT_PORT", "INTEGER", extract_port, "The port", "URL_EXTRACT_PORT('http://h:8088/')", "8088"),
	PART_ROW("URL_EXTRACT_PROTOCOL", "STRING", extract_protocol, "The protocol", "URL_EXTRACT_PROTOCOL('https://h/')", "https"),
	PART_ROW("URL_EXTRACT_QUERY", "STRING", extract_query, "The part behind ?", "URL_EXTRACT_QUERY('http://h/p?a=1#f')", "a=1"),
	{.name = NULL},
};
