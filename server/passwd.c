/*
 * `sluice passwd`: a line for the file of users.  The password comes from the terminal, unseen, or from standard input.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "server/auth.h"

static const char usage_text[] =
	"usage: sluice passwd [--role ROLE]... USER\n"
	"\n"
	"Writes a line for the server's file of users (authentication.users.file):\n"
	"  sluice passwd --role admin ann >> users\n"
	"The password is asked for on a terminal, or is the first line of standard input.\n"
	"\n"
	"  --role ROLE   read (default), write or admin, or a name of authentication.roles; may be given several times\n";

static bool
read_line(char *line, size_t size)
{
	size_t n;

	if (fgets(line, (int)size, stdin) == NULL)
		return false;
	n = strcspn(line, "\r\n");
	line[n] = '\0';
	return true;
}

bool
password_ask(const char *prompt, char *line, size_t size)
{
	struct termios before, silent;
	bool		   is_terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
	bool		   got;

	if (is_terminal) {
		fputs(prompt, stderr);
		silent = before;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	}
	got = read_line(line, size);
	if (is_terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fputc('\n', stderr);
	}
	return got;
}

static int
fail(const char *message)
{
	fprintf(stderr, "sluice passwd: %s\n", message);
	return 1;
}

static int
write_line(const char *user, const char *roles, const char *password)
{
	StrBuf hash = {0};
	Error  err;

	if (auth_hash(password, &hash, &err) == FAILED)
		return fail(err.message);
	printf("%s: %s,%s\n", user, strbuf_text(&hash), roles);
	strbuf_free(&hash);
	return fflush(stdout) == 0 ? 0 : fail(strerror(errno));
}

static int
ask_and_write(const char *user, const char *roles)
{
	char password[AUTH_PASSWORD_MAX + 2], again[AUTH_PASSWORD_MAX + 2];
	int	 result;

	if (!password_ask("Password: ", password, sizeof password))
		return fail("there is no password");
	if (strlen(password) < 8 || strlen(password) > AUTH_PASSWORD_MAX)
		return fail("a password has at least 8 and at most 512 bytes");
	if (isatty(STDIN_FILENO) && (!password_ask("Again: ", again, sizeof again) || strcmp(password, again) != 0))
		return fail("the two are not the same");
	result = write_line(user, roles, password);
	explicit_bzero(password, sizeof password);
	explicit_bzero(again, sizeof again);
	return result;
}

static bool
is_word(const char *text, size_t max)
{
	size_t n = strlen(text);

	return n > 0 && n <= max && strpbrk(text, ":,\r\n\t") == NULL && text[0] != '#' && text[0] != ' ' && text[n - 1] != ' ';
}

int
passwd_main(int argc, char **argv)
{
	StrBuf		roles = {0};
	const char *user = NULL;
	Role		role;
	bool		has_role = false;
	int			result;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(usage_text, stdout);
			return 0;
		}
		if (strcmp(argv[i], "--role") == 0 && i + 1 < argc && is_word(argv[i + 1], AUTH_NAME_MAX)) {
			strbuf_printf(&roles, "%s%s", roles.length > 0 ? "," : "", argv[++i]);
			has_role = has_role || role_parse(str_of(argv[i]), &role);
		} else if (argv[i][0] != '-' && user == NULL && is_word(argv[i], AUTH_NAME_MAX))
			user = argv[i];
		else {
			fputs(usage_text, stderr);
			return 2;
		}
	}
	if (user == NULL) {
		fputs(usage_text, stderr);
		return 2;
	}
	if (!has_role)
		strbuf_printf(&roles, "%sread", roles.length > 0 ? "," : "");
	result = ask_and_write(user, strbuf_text(&roles));
	strbuf_free(&roles);
	return result;
}
