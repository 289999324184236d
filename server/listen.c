#include "server/listen.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/str.h"

static Status
fail_address(Str address, const char *what, Error *err)
{
	error_user(err, "Listener '%.*s': %s", (int)address.length, address.data, what);
	return error_hint(err, "Listeners look like http://127.0.0.1:8088 or https://[::]:8443, with commas between.");
}

static Status
parse_port(Str address, Str text, int *port, Error *err)
{
	long number = 0;

	if (text.length == 0)
		return fail_address(address, "there is no port", err);
	if (text.data[0] != ':' || text.length > 6)
		return fail_address(address, "the port is not a number", err);
	for (size_t i = 1; i < text.length; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return fail_address(address, "the port is not a number", err);
		number = number * 10 + (text.data[i] - '0');
	}
	if (text.length == 1 || number > 65535)
		return fail_address(address, "the port must be between 0 and 65535", err);
	*port = (int)number;
	return OK;
}

static Status
parse_one(Arena *arena, Str address, ListenAddress *out, Error *err)
{
	Str			rest = address;
	const char *end;
	size_t		skip = 0;

	if (address.length > 7 && strncasecmp(address.data, "http://", 7) == 0)
		skip = 7;
	else if (address.length > 8 && strncasecmp(address.data, "https://", 8) == 0)
		skip = 8;
	else
		return fail_address(address, "it begins with neither http:// nor https://", err);
	out->is_tls = skip == 8;
	rest = str_make(address.data + skip, address.length - skip);
	if (rest.length > 0 && rest.data[rest.length - 1] == '/')
		rest.length--;
	if (rest.length > 0 && rest.data[0] == '[') {
		end = memchr(rest.data, ']', rest.length);
		if (end == NULL)
			return fail_address(address, "the bracket is not closed", err);
		out->host = arena_strndup(arena, rest.data + 1, (size_t)(end - rest.data - 1));
		end++;
	} else {
		end = memchr(rest.data, ':', rest.length);
		if (end == NULL)
			end = rest.data + rest.length;
		out->host = arena_strndup(arena, rest.data, (size_t)(end - rest.data));
	}
	if (out->host[0] == '\0' || strpbrk(out->host, "/@?# ") != NULL)
		return fail_address(address, "there is no host", err);
	return parse_port(address, str_make(end, (size_t)(rest.data + rest.length - end)), &out->port, err);
}

Status
listen_parse(Arena *arena, const char *listeners, ListenAddress **out, int *n, Error *err)
{
	int commas = 0;

	for (const char *c = listeners; *c != '\0'; c++)
		commas += *c == ',';
	*out = arena_array(arena, ListenAddress, commas + 1);
	*n = 0;
	while (*listeners != '\0') {
		size_t length = strcspn(listeners, ",");
		Str	   address = str_trim(str_make(listeners, length));

		if (address.length > 0)
			TRY(parse_one(arena, address, &(*out)[(*n)++], err));
		listeners += length + (listeners[length] == ',');
	}
	return *n > 0 ? OK : fail_address(STR(""), "there is none", err);
}

bool
listen_is_loopback(const char *host)
{
	struct in_addr	v4;
	struct in6_addr v6;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
	return false;
}

Status
listen_check(const ListenAddress *addresses, int n, bool has_authentication, bool is_insecure, Error *err)
{
	for (int i = 0; i < n; i++) {
		const ListenAddress *a = &addresses[i];

		if (is_insecure || listen_is_loopback(a->host) || (a->is_tls && has_authentication))
			continue;
		error_user(err, "The server does not listen on %s, which other machines may reach, without %s%s%s", a->host, a->is_tls ? "" : "TLS",
				   !a->is_tls && !has_authentication ? " and " : "", has_authentication ? "" : "authentication");
		return error_hint(err, "Give an https:// listener with ssl.keystore.location, and authentication.method=BASIC with "
						  "authentication.users.file; or listen on 127.0.0.1; or say --insecure if the network is safe.");
	}
	return OK;
}
