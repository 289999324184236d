#include "server/cors.h"

#include <fnmatch.h>

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
