#include "common/file_access.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/env.h"
#include "common/str.h"

typedef struct Directory {
	char *written;		/* as configured, without a slash at the end */
	char *real;			/* after links */
} Directory;

struct FileAccess {
	bool		all_files;
	bool		all_urls;
	int			n_directories;
	Directory  *directories;
	int			n_hosts;
	char	  **hosts;
};

static bool
is_limited(const FileAccess *access)
{
	return access != NULL && !access->all_files;
}

/* ---- making one ---- */

static void
trim_slashes(char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
}

static Status
add_directory(FileAccess *access, const char *path, Error *err)
{
	struct stat st;
	Directory	directory = {0};

	if (path[0] != '/') {
		error_user(err, "file.access: '%s' is not an absolute path", path);
		return error_hint(err, "Name directories from the root, as in /var/lib/sluice/files, or say all or none.");
	}
	directory.real = realpath(path, NULL);
	if (directory.real == NULL || stat(directory.real, &st) != 0 || !S_ISDIR(st.st_mode)) {
		free(directory.real);
		error_user(err, "file.access: '%s' is not a directory", path);
		return error_hint(err, "Create it before the server starts.");
	}
	directory.written = xstrdup(path);
	trim_slashes(directory.written);
	access->directories = xrealloc(access->directories, sizeof *access->directories * (size_t)(access->n_directories + 1));
	access->directories[access->n_directories++] = directory;
	return OK;
}

static Status
add_host(FileAccess *access, const char *host, Error *err)
{
	if (strpbrk(host, "/@ ") != NULL) {
		error_user(err, "url.access: '%s' is not a host", host);
		return error_hint(err, "Write host, *.domain or host:port, without http://.");
	}
	access->hosts = xrealloc(access->hosts, sizeof *access->hosts * (size_t)(access->n_hosts + 1));
	access->hosts[access->n_hosts++] = xstrdup(host);
	return OK;
}

/* Calls add for each item of a list with commas; *all is set by the single word "all". */
static Status
take_list(FileAccess *access, const char *list, bool *all, Status (*add)(FileAccess *access, const char *item, Error *err), Error *err)
{
	char  *copy, *rest, *item;
	Status status = OK;

	if (list == NULL || strcasecmp(list, "none") == 0 || list[0] == '\0')
		return OK;
	if (strcasecmp(list, "all") == 0) {
		*all = true;
		return OK;
	}
	copy = rest = xstrdup(list);
	while (status == OK && (item = strsep(&rest, ",")) != NULL) {
		Str	  trimmed = str_trim(str_of(item));
		char *text = xmalloc(trimmed.length + 1);

		memcpy(text, trimmed.data, trimmed.length);
		text[trimmed.length] = '\0';
		if (trimmed.length > 0)
			status = add(access, text, err);
		free(text);
	}
	free(copy);
	return status;
}

Status
file_access_new(const char *files, const char *urls, FileAccess **out, Error *err)
{
	FileAccess *access = xcalloc(1, sizeof *access);

	if (take_list(access, files, &access->all_files, add_directory, err) == FAILED ||
		take_list(access, urls, &access->all_urls, add_host, err) == FAILED) {
		file_access_free(access);
		return FAILED;
	}
	*out = access;
	return OK;
}

void
file_access_free(FileAccess *access)
{
	if (access == NULL)
		return;
	for (int i = 0; i < access->n_directories; i++) {
		free(access->directories[i].written);
		free(access->directories[i].real);
	}
	for (int i = 0; i < access->n_hosts; i++)
		free(access->hosts[i]);
	free(access->directories);
	free(access->hosts);
	free(access);
}

/* ---- checking ---- */

static Status
refuse(const FileAccess *access, const char *path, Error *err)
{
	error_user(err, "Access to '%s' is denied: this server's statements may not touch that place", path);
	if (access->n_directories == 0)
		return error_hint(err, "The server's setting file.access lists the directories that they may read and write; now it lists none.");
	return error_hint(err, "They may read and write in %s%s (setting file.access of the server).", access->directories[0].written,
					  access->n_directories > 1 ? " and others" : "");
}

static bool
is_within(const char *path, const char *directory)
{
	size_t n = strlen(directory);

	if (strcmp(directory, "/") == 0)
		return path[0] == '/';
	return strncmp(path, directory, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* The absolute path with . and .. taken out by their letters; false if it gets too long. */
static bool
plain_path(const char *path, char out[PATH_MAX])
{
	size_t n = 0;

	out[0] = '\0';
	if (path[0] != '/') {
		if (getcwd(out, PATH_MAX) == NULL)
			return false;
		n = strlen(out);
		n = n == 1 ? 0 : n;
	}
	while (*path != '\0') {
		size_t length = strcspn(path, "/");

		if (length == 2 && path[0] == '.' && path[1] == '.') {
			while (n > 0 && out[--n] != '/')
				;
		} else if (length > 0 && !(length == 1 && path[0] == '.')) {
			if (n + 1 + length >= PATH_MAX)
				return false;
			out[n++] = '/';
			memcpy(out + n, path, length);
			n += length;
		}
		path += length + (path[length] == '/');
	}
	if (n == 0)
		out[n++] = '/';
	out[n] = '\0';
	return true;
}

/* By letters: may this be inside?  Both ways of writing an allowed directory count. */
static bool
may_be_within(const FileAccess *access, const char *path)
{
	char plain[PATH_MAX];

	if (!plain_path(path, plain))
		return false;
	for (int i = 0; i < access->n_directories; i++)
		if (is_within(plain, access->directories[i].written) || is_within(plain, access->directories[i].real))
			return true;
	return false;
}

/* The true name of what a descriptor has open; false where it has none or /proc is missing. */
static bool
is_open_within(const FileAccess *access, int fd)
{
	char	link[64], name[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof name - 1);
	if (n <= 0)
		return false;
	name[n] = '\0';
	for (int i = 0; i < access->n_directories; i++)
		if (is_within(name, access->directories[i].real))
			return true;
	return false;
}

static Status
fail_open(const char *path, Error *err)
{
	switch (errno) {
	case ENOENT:
		return error_user(err, "The file '%s' does not exist", path);
	case EACCES:
		return error_user(err, "The file '%s' cannot be read: permission denied", path);
	default:
		return error_user(err, "The file '%s' cannot be read: %s", path, strerror(errno));
	}
}

/* A handle that can do nothing, known to be inside; -1: failed. */
static int
open_handle(const FileAccess *access, const char *path, int flags, Error *err)
{
	int fd;

	if (!may_be_within(access, path)) {
		refuse(access, path, err);
		return -1;
	}
	fd = open(path, O_PATH | O_CLOEXEC | flags);
	if (fd < 0) {
		fail_open(path, err);
		return -1;
	}
	if (!is_open_within(access, fd)) {
		close(fd);
		refuse(access, path, err);
		return -1;
	}
	return fd;
}

int
file_access_open(const FileAccess *access, const char *path, Error *err)
{
	struct stat st;
	char		link[64];
	int			fd, handle;

	if (!is_limited(access)) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fail_open(path, err);
		return fd;
	}
	handle = open_handle(access, path, 0, err);
	if (handle < 0)
		return -1;
	if (fstat(handle, &st) != 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
		close(handle);
		error_user(err, "'%s' is neither a file nor a directory", path);
		return -1;
	}
	snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
	fd = open(link, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		fail_open(path, err);
	close(handle);
	return fd;
}

/* ---- writing ---- */

static Status
fail_write(const char *path, Error *err)
{
	if (errno == ENOENT) {
		error_user(err, "The file '%s' cannot be written: its folder does not exist", path);
		return error_hint(err, "Create the folder first, or write to another place");
	}
	return error_user(err, "The file '%s' cannot be written: %s", path, strerror(errno));
}

/* The directory of a path, opened without effect; -1: failed. */
static int
open_directory_of(const FileAccess *access, const char *path, const char *slash, Error *err)
{
	char directory[PATH_MAX] = ".";
	int	 fd;

	if (slash != NULL && (size_t)snprintf(directory, sizeof directory, "%.*s", slash == path ? 1 : (int)(slash - path), path) >= sizeof directory) {
		errno = ENAMETOOLONG;
		fail_write(path, err);
		return -1;
	}
	if (is_limited(access))
		return open_handle(access, directory, O_DIRECTORY, err);
	fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fail_write(path, err);
	return fd;
}

/* The name ends in random bits: several may be at work on one target, and a dead process may have left one. */
static int
create_temporary(int directory, const char *name, int mode, char **temporary)
{
	size_t size = strlen(name) + 32;

	*temporary = xmalloc(size);
	for (int i = 0;; i++) {
		int fd;

		snprintf(*temporary, size, "%s.%08x.part", name, (unsigned)env_real.random(&env_real));
		fd = openat(directory, *temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd >= 0 || errno != EEXIST || i >= 100)
			return fd;
	}
}

Status
file_target_open(const FileAccess *access, const char *path, int mode, FileTarget *out, Error *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	struct stat st;

	*out = (FileTarget){.fd = -1, .directory = -1};
	out->directory = open_directory_of(access, path, slash, err);
	if (out->directory < 0)
		return FAILED;
	out->name = xstrdup(name);
	out->path = xstrdup(path);
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		st.st_mode = S_IFDIR;
	else if (fstatat(out->directory, name, &st, is_limited(access) ? AT_SYMLINK_NOFOLLOW : 0) != 0 || S_ISLNK(st.st_mode))
		st.st_mode = S_IFREG;		/* a link is replaced, not followed */
	if (!S_ISREG(st.st_mode)) {
		file_target_abort(out);
		return error_user(err, S_ISDIR(st.st_mode) ? "'%s' is a directory" : "'%s' is not a regular file and cannot be replaced", path);
	}
	out->fd = create_temporary(out->directory, name, mode, &out->temporary);
	if (out->fd < 0) {
		fail_write(path, err);
		free(out->temporary);
		out->temporary = NULL;
		file_target_abort(out);
		return FAILED;
	}
	return OK;
}

Status
file_target_commit(FileTarget *target, Error *err)
{
	Status status = OK;
	int	   fd = target->fd;

	target->fd = -1;
	if (close(fd) != 0)
		status = error_fatal(err, "Writing '%s' failed: %s", target->path, strerror(errno));
	else if (renameat(target->directory, target->temporary, target->directory, target->name) != 0)
		status = error_fatal(err, "The file '%s' cannot be replaced: %s", target->path, strerror(errno));
	if (status == OK) {
		free(target->temporary);
		target->temporary = NULL;
	}
	file_target_abort(target);
	return status;
}

void
file_target_abort(FileTarget *target)
{
	if (target->path == NULL && target->name == NULL)
		return;
	if (target->fd >= 0)
		close(target->fd);
	if (target->temporary != NULL)
		unlinkat(target->directory, target->temporary, 0);
	if (target->directory >= 0)
		close(target->directory);
	free(target->temporary);
	free(target->name);
	free(target->path);
	*target = (FileTarget){0};
}

Status
file_access_check_standard(const FileAccess *access, Error *err)
{
	if (!is_limited(access))
		return OK;
	error_user(err, "'-' is the standard input and output of the server, which statements may not touch");
	return error_hint(err, "Name a file in one of the directories of the setting file.access.");
}

/* ---- checking without opening ---- */

Status
file_access_check(const FileAccess *access, const char *path, Error *err)
{
	size_t fixed = strcspn(path, "*?[");
	int	   handle;

	if (!is_limited(access))
		return OK;
	if (path[fixed] != '\0' && strstr(path + fixed, "..") != NULL)
		return refuse(access, path, err);
	if (!may_be_within(access, path))
		return refuse(access, path, err);
	handle = open(path, O_PATH | O_CLOEXEC);
	if (handle < 0)
		return OK;			/* opening it will say why */
	if (!is_open_within(access, handle)) {
		close(handle);
		return refuse(access, path, err);
	}
	close(handle);
	return OK;
}

/* ---- addresses ---- */

/* The host with its port, if one is written, in lower case; false if the URL is none that we speak. */
static bool
url_host(const char *url, char *host, size_t size)
{
	const char *start = strncasecmp(url, "http://", 7) == 0 ? url + 7 : strncasecmp(url, "https://", 8) == 0 ? url + 8 : NULL;
	const char *at;
	size_t		n;

	if (start == NULL)
		return false;
	n = strcspn(start, "/?#\\");
	at = memrchr(start, '@', n);
	if (at != NULL) {
		n -= (size_t)(at + 1 - start);
		start = at + 1;
	}
	if (n == 0 || n >= size)
		return false;
	for (size_t i = 0; i < n; i++)
		host[i] = (char)(start[i] >= 'A' && start[i] <= 'Z' ? start[i] + 32 : start[i]);
	host[n] = '\0';
	return true;
}

/* A rule without a port allows every port. */
static bool
host_matches(const char *rule, const char *host)
{
	const char *bracket = strrchr(host, ']');
	const char *port = strrchr(bracket != NULL ? bracket : host, ':');
	char		bare[512];

	if (fnmatch(rule, host, FNM_CASEFOLD) == 0)
		return true;
	if (port == NULL || (size_t)(port - host) >= sizeof bare)
		return false;
	memcpy(bare, host, (size_t)(port - host));
	bare[port - host] = '\0';
	return fnmatch(rule, bare, FNM_CASEFOLD) == 0;
}

Status
url_access_check(const FileAccess *access, const char *url, Error *err)
{
	char host[512];

	if (access == NULL)
		return OK;
	if (!url_host(url, host, sizeof host))
		return error_user(err, "The address does not begin with http:// or https:// and a host");
	if (access->all_urls)
		return OK;
	for (int i = 0; i < access->n_hosts; i++)
		if (host_matches(access->hosts[i], host))
			return OK;
	error_user(err, "Access to the host '%s' is denied: this server's statements may not speak to it", host);
	return error_hint(err, "The server's setting url.access lists the hosts that they may read from.");
}
