#include "server/cors.h"

#include <arpa/inet.h>
#include <fnmatch.h>
#include <strings.h>

/* Is the text like an item of the list with commas between?  `*` in an item stands for any text. */
static bool
matches_list(const char *list, Str text)
{
	char name[512], pattern[512];

	if (text.length >= sizeof name)
		return false;
	memcpy(name, text.data, text.length);
	name[text.length] = '\0';
	while (*list != '\0') {
		size_t n = strcspn(list, ",");
		Str	   item = str_trim(str_make(list, n));

		if (item.length > 0 && item.length < sizeof pattern) {
			memcpy(pattern, item.data, item.length);
			pattern[item.length] = '\0';
			if (fnmatch(pattern, name, FNM_NOESCAPE | FNM_CASEFOLD) == 0)
				return true;
		}
		list += n + (list[n] == ',');
	}
	return false;
}

static void
add_origin(HttpExchange *exchange, Str origin)
{
	StrBuf value = {0};

	strbuf_add_str(&value, origin);
	http_add_header(exchange, "access-control-allow-origin", strbuf_text(&value));
	http_add_header(exchange, "vary", "origin");
	strbuf_free(&value);
}

bool
cors_check(const Settings *settings, HttpExchange *exchange)
{
	const char *allowed = settings_text(settings, "access.control.allow.origin");
	Str			origin = http_header(exchange, "origin");

	if (allowed[0] == '\0' || origin.data == NULL || !matches_list(allowed, origin))
		return false;
	add_origin(exchange, origin);
	if (!str_equal(http_method(exchange), STR("OPTIONS")) || http_header(exchange, "access-control-request-method").data == NULL)
		return false;
	http_add_header(exchange, "access-control-allow-methods", settings_text(settings, "access.control.allow.methods"));
	http_add_header(exchange, "access-control-allow-headers", settings_text(settings, "access.control.allow.headers"));
	http_add_header(exchange, "access-control-max-age", "1800");
	http_respond(exchange, 200, NULL, NULL, 0, STR(""));
	return true;
}

/* ---- requests that browsers make for others ---- */

static bool
is_harmless(HttpExchange *exchange)
{
	Str method = http_method(exchange);

	return (str_equal(method, STR("GET")) || str_equal(method, STR("HEAD")) || str_equal(method, STR("OPTIONS"))) && !http_wants_websocket(exchange);
}

bool
cors_is_foreign(const Settings *settings, HttpExchange *exchange)
{
	Str			origin = http_header(exchange, "origin"), host = http_header(exchange, "host");
	const char *authority;

	if (origin.data == NULL || is_harmless(exchange) || matches_list(settings_text(settings, "access.control.allow.origin"), origin))
		return false;
	authority = memmem(origin.data, origin.length, "://", 3);
	if (authority == NULL)
		return true;
	authority += 3;
	return !str_equal_nocase(str_make(authority, (size_t)(origin.data + origin.length - authority)), host);
}

/* Without the port, and without brackets. */
static void
host_name(Str host, char *out, size_t size)
{
	const char *end = host.length > 0 && host.data[0] == '[' ? memchr(host.data, ']', host.length) : memchr(host.data, ':', host.length);
	size_t		skip = host.length > 0 && host.data[0] == '[';
	size_t		n = (end != NULL ? (size_t)(end - host.data) : host.length) - skip;

	if (n >= size)
		n = 0;
	memcpy(out, host.data + skip, n);
	out[n] = '\0';
}

bool
cors_host_is_ours(const Settings *settings, HttpExchange *exchange)
{
	const char	   *advertised = settings_text(settings, "ksql.advertised.listener");
	const char	   *scheme = advertised != NULL ? strstr(advertised, "://") : NULL;
	Str				host = http_header(exchange, "host");
	char			name[512], ours[512];
	struct in6_addr address;

	if (host.data == NULL)
		return true;
	host_name(host, name, sizeof name);
	if (strchr(name, '.') == NULL || inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1)
		return true;
	if (scheme == NULL)
		return false;
	host_name(str_of(scheme + 3), ours, sizeof ours);
	return ours[0] != '\0' && strcasecmp(name, ours) == 0;
}
