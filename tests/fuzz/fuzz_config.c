/*
 * What operators and strangers write: properties files, users' files, listeners, addresses, statements to be masked.  The first byte
 * says which.  Nothing may crash, and a masked statement must be one that can be parsed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/file_access.h"
#include "common/properties.h"
#include "engine/redact.h"
#include "parser/parser.h"
#include "server/listen.h"
#include "server/users.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Status
take_pair(void *context, int line, const char *name, const char *value, Error *err)
{
	size_t *n = context;

	(void)err;
	*n += strlen(name) + strlen(value);
	return line > 0 ? OK : FAILED;
}

static void
fuzz_properties(Str text)
{
	size_t n = 0;
	Error  err;

	if (properties_read(text, take_pair, &n, &err) == OK && n > text.length)
		abort();
}

static void
fuzz_users(Str text)
{
	Users *users;
	Error  err;
	char   path[] = "/tmp/sluice-fuzz-users-XXXXXX";
	int	   fd = mkstemp(path);

	if (fd < 0 || write(fd, text.data, text.length) != (ssize_t)text.length)
		abort();
	close(fd);
	if (users_load(path, "*", &users, &err) == OK)
		users_free(users);
	unlink(path);
}

static void
fuzz_addresses(const char *text)
{
	Arena		   arena = {0};
	ListenAddress *addresses;
	FileAccess	  *access;
	int			   n;
	Error		   err;

	listen_parse(&arena, text, &addresses, &n, &err);
	if (file_access_new("/usr/share", "*.example.org,host:80", &access, &err) == OK) {
		url_access_check(access, text, &err);
		/* Whatever the name, what opens is inside. */
		int fd = file_access_open(access, text, &err);

		if (fd >= 0) {
			char link[64], name[4096];

			snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
			ssize_t length = readlink(link, name, sizeof name - 1);

			if (length < 10 || memcmp(name, "/usr/share", 10) != 0)
				abort();
			close(fd);
		}
		file_access_free(access);
	}
	arena_free(&arena);
}

static void
fuzz_redaction(Str text)
{
	Arena			 arena = {0};
	AstStatementList list;
	StrBuf			 out = {0};
	Error			 err;

	if (parser_parse(&arena, text, (ParserOptions){0}, &list, &err) == OK) {
		redact_statements(text, &out);
		if (parser_parse(&arena, strbuf_str(&out), (ParserOptions){0}, &list, &err) != OK) {
			fprintf(stderr, "masked: %s\n%s\n", strbuf_text(&out), err.message);
			abort();
		}
	}
	strbuf_free(&out);
	arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Arena arena = {0};
	Str	  text;

	if (size == 0)
		return 0;
	text = str_make((const char *)data + 1, size - 1);
	switch (data[0] % 4) {
	case 0: fuzz_properties(text); break;
	case 1: fuzz_users(text); break;
	case 2: fuzz_addresses(str_to_arena(&arena, text)); break;
	case 3: fuzz_redaction(text); break;
	}
	arena_free(&arena);
	return 0;
}
