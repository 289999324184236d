#include "server/users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/auth.h"

#define FILE_BYTES_MAX (16 << 20)

static Status
read_file(const char *path, StrBuf *out, Error *err)
{
	int			fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char		block[8192];
	ssize_t		n = -1;
	Status		status = OK;

	if (fd < 0 || fstat(fd, &st) != 0) {
		error_user(err, "The users file '%s' cannot be read: %s", path, strerror(errno));
		status = error_hint(err, "It has lines `user: hash,role`; make the first with: sluice passwd --role admin NAME > FILE");
	} else if (st.st_mode & 0027) {
		error_user(err, "The users file '%s' can be %s by others", path, st.st_mode & 0022 ? "changed" : "read");
		status = error_hint(err, "Its hashes can be guessed at: chmod 640 %s", path);
	}
	while (status == OK && (n = read(fd, block, sizeof block)) > 0 && out->length <= FILE_BYTES_MAX)
		strbuf_add(out, block, (size_t)n);
	if (status == OK && n != 0)
		status = error_user(err, "The users file '%s' cannot be read: %s", path, n < 0 ? strerror(errno) : "it is too long");
	if (fd >= 0)
		close(fd);
	return status;
}

/* ---- one line ---- */

static bool
is_hash(Str text)
{
	static const char *const prefixes[] = {"$y$", "$gy$", "$7$", "$2b$", "$2y$", "$6$", "$5$"};

	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (str_starts_with(text, str_of(prefixes[i])))
			return text.length > 20;
	return false;
}

static Status
check_name(Str name, Error *err)
{
	if (name.length == 0 || name.length > AUTH_NAME_MAX)
		return error_user(err, "the user's name is %s", name.length == 0 ? "missing" : "too long");
	for (size_t i = 0; i < name.length; i++)
		if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7f)
			return error_user(err, "the user's name has a control character");
	return OK;
}

/* Takes the text up to the next comma off the front. */
static Str
take_item(Str *rest)
{
	const char *comma = memchr(rest->data, ',', rest->length);
	size_t		n = comma != NULL ? (size_t)(comma - rest->data) : rest->length;
	Str			item = str_trim(str_make(rest->data, n));

	*rest = str_make(rest->data + n + (comma != NULL), rest->length - n - (comma != NULL));
	return item;
}

static bool
is_among(const char *roles, Str role)
{
	Str rest = str_of(roles);

	while (rest.length > 0) {
		Str item = take_item(&rest);

		if (str_equal(item, STR("*")) || str_equal_nocase(item, role))
			return true;
	}
	return false;
}

static Status
take_roles(Str rest, const char *roles, User *user, Error *err)
{
	while (rest.length > 0) {
		Str	 item = take_item(&rest);
		Role role;

		if (role_parse(item, &role) && role > user->role)
			user->role = role;
		user->may_enter = user->may_enter || is_among(roles, item);
	}
	if (user->role == ROLE_NONE) {
		error_user(err, "user '%s' has none of the roles read, write, admin", user->name);
		return error_hint(err, "Add one behind the hash: `user: hash,read`.");
	}
	return OK;
}

static Status
parse_line(Users *users, Str line, const char *roles, User *user, Error *err)
{
	const char *colon = memchr(line.data, ':', line.length);
	Str			name, rest, hash;

	if (colon == NULL)
		return error_user(err, "there is no colon behind the user's name");
	name = str_trim(str_make(line.data, (size_t)(colon - line.data)));
	TRY(check_name(name, err));
	user->name = str_to_arena(&users->arena, name);
	rest = str_trim(str_make(colon + 1, line.length - (size_t)(colon + 1 - line.data)));
	hash = take_item(&rest);
	if (!str_equal(hash, STR("certificate"))) {
		if (!is_hash(hash)) {
			error_user(err, "what stands behind user '%s' is not the hash of a password", user->name);
			return error_hint(err, "Make the line with: sluice passwd --role read '%s'", user->name);
		}
		user->hash = str_to_arena(&users->arena, hash);
	}
	return take_roles(rest, roles, user, err);
}

static int
compare_users(const void *a, const void *b)
{
	return strcmp(((const User *)a)->name, ((const User *)b)->name);
}

static Status
parse_file(Users *users, Str text, const char *roles, Error *err)
{
	int capacity = 0, line_number = 0;
	User *rows = NULL;
	Status status = OK;

	while (text.length > 0 && status == OK) {
		const char *newline = memchr(text.data, '\n', text.length);
		size_t		n = newline != NULL ? (size_t)(newline - text.data) : text.length;
		Str			line = str_trim(str_make(text.data, n));

		line_number++;
		text = str_make(text.data + n + (newline != NULL), text.length - n - (newline != NULL));
		if (line.length == 0 || line.data[0] == '#')
			continue;
		grow_array(rows, users->n, capacity);
		rows[users->n] = (User){0};
		status = parse_line(users, line, roles, &rows[users->n++], err);
		if (status == FAILED)
			error_context(err, "line %d", line_number);
	}
	users->rows = arena_memdup(&users->arena, rows != NULL ? rows : &(User){0}, sizeof *rows * (size_t)(users->n > 0 ? users->n : 1));
	free(rows);
	if (status != OK)
		return status;
	qsort(users->rows, (size_t)users->n, sizeof *users->rows, compare_users);
	for (int i = 1; i < users->n; i++)
		if (strcmp(users->rows[i - 1].name, users->rows[i].name) == 0)
			return error_user(err, "user '%s' stands there twice", users->rows[i].name);
	return users->n > 0 ? OK : error_user(err, "there is no user in it");
}

Status
users_load(const char *path, const char *roles, Users **out, Error *err)
{
	Users *users = xcalloc(1, sizeof *users);
	StrBuf text = {0};
	Status status = read_file(path, &text, err);

	if (status == OK) {
		status = parse_file(users, strbuf_str(&text), roles, err);
		if (status == FAILED)
			error_context(err, "Users file '%s'", path);
	}
	strbuf_free(&text);
	if (status == FAILED) {
		users_free(users);
		return FAILED;
	}
	*out = users;
	return OK;
}

void
users_free(Users *users)
{
	if (users == NULL)
		return;
	arena_free(&users->arena);
	free(users);
}

const User *
users_find(const Users *users, Str name)
{
	int low = 0, high = users->n - 1;

	while (low <= high) {
		int middle = (low + high) / 2;
		int c = str_compare(str_of(users->rows[middle].name), name);

		if (c == 0)
			return &users->rows[middle];
		if (c < 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}
