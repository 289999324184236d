#include "io/connector/file/file_paths.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/http.h"

#define FOLDER_DEPTH_MAX 32
#define NULL_VALUE "__HIVE_DEFAULT_PARTITION__"

/* ---- listing ---- */

typedef struct PathList {
	Arena			 *arena;
	const FileAccess *allowed;
	char			**paths;
	int				  n, capacity;
} PathList;

static void
list_add(PathList *list, const char *path)
{
	grow_array(list->paths, list->n, list->capacity);
	list->paths[list->n++] = arena_strdup(list->arena, path);
}

static int
compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static Status
list_finish(PathList *list, const char *path, char ***paths, int *n, Error *err)
{
	if (list->n > 0) {
		qsort(list->paths, (size_t)list->n, sizeof *list->paths, compare_paths);
		*paths = arena_memdup(list->arena, list->paths, sizeof *list->paths * (size_t)list->n);
	}
	*n = list->n;
	free(list->paths);
	return list->n > 0 ? OK : error_user(err, "No file matches '%s'", path);
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/*
 * The files in and below a folder that match a pattern in which `*` matches slashes too (NULL: all).  What may not be looked into, or
 * cannot be, has no files.
 */
static void
walk_folder(PathList *list, const char *folder, const char *pattern, int depth)
{
	Error		   ignored;
	int			   fd = depth < FOLDER_DEPTH_MAX ? file_access_open(list->allowed, folder, &ignored) : -1;
	DIR			  *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		const char *slash = folder[0] != '\0' && folder[strlen(folder) - 1] == '/' ? "" : "/";
		char	   *path;

		if (entry->d_name[0] == '.' || entry->d_name[0] == '_')
			continue;
		path = arena_printf(list->arena, "%s%s%s", folder, slash, entry->d_name);
		if (is_folder(path))
			walk_folder(list, path, pattern, depth + 1);
		else if (pattern == NULL || fnmatch(pattern, path, 0) == 0)
			list_add(list, path);
	}
	if (dir != NULL)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

/* The glob as fnmatch sees it: of what stands behind the first `**` a `*` may match slashes. */
static Status
glob_deep(Arena *arena, const FileAccess *allowed, const char *path, char ***paths, int *n, Error *err)
{
	PathList list = {.arena = arena, .allowed = allowed};
	StrBuf	 pattern = {0};
	size_t	 fixed = strcspn(path, "*?[");
	char	*folder;

	while (fixed > 0 && path[fixed - 1] != '/')
		fixed--;
	folder = fixed > 0 ? arena_strndup(arena, path, fixed) : arena_strdup(arena, "./");
	for (const char *p = path; *p != '\0'; p++) {
		if (p[0] == '*' && p[1] == '*') {
			/* any number of folders, none too */
			strbuf_add_char(&pattern, '*');
			p += p[2] == '/' ? 2 : 1;
		} else
			strbuf_add_char(&pattern, *p);
	}
	walk_folder(&list, folder, fixed > 0 ? strbuf_text(&pattern) : arena_printf(arena, "./%s", strbuf_text(&pattern)), 0);
	strbuf_free(&pattern);
	return list_finish(&list, path, paths, n, err);
}

static Status
glob_plain(Arena *arena, const char *path, char ***paths, int *n, Error *err)
{
	PathList list = {.arena = arena};
	glob_t	 found;
	int		 code = glob(path, GLOB_NOSORT, NULL, &found);

	if (code == GLOB_NOMATCH)
		return error_user(err, "No file matches '%s'", path);
	if (code != 0)
		return error_user(err, "The files of '%s' cannot be listed: %s", path, strerror(errno));
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (is_folder(found.gl_pathv[i]))
			continue;
		list_add(&list, found.gl_pathv[i]);
	}
	globfree(&found);
	return list_finish(&list, path, paths, n, err);
}

static Status
list_folder(Arena *arena, const FileAccess *allowed, const char *path, char ***paths, int *n, Error *err)
{
	PathList list = {.arena = arena, .allowed = allowed};

	walk_folder(&list, path, NULL, 0);
	if (list.n == 0) {
		free(list.paths);
		return error_user(err, "The folder '%s' has no files", path);
	}
	return list_finish(&list, path, paths, n, err);
}

bool
path_is_open(const char *path)
{
	return !path_is_url(path) && (strpbrk(path, "*?[") != NULL || is_folder(path));
}

Status
file_glob(Arena *arena, const FileAccess *allowed, const char *path, char ***paths, int *n, Error *err)
{
	bool is_standard = strcmp(path, "-") == 0;

	if (path_is_url(path)) {
		TRY(url_access_check(allowed, path, err));
		*paths = arena_array(arena, char *, 1);
		(*paths)[0] = arena_strdup(arena, path);
		*n = 1;
		return OK;
	}
	TRY(is_standard ? file_access_check_standard(allowed, err) : file_access_check(allowed, path, err));
	if (!is_standard && is_folder(path))
		return list_folder(arena, allowed, path, paths, n, err);
	if (is_standard || strpbrk(path, "*?[") == NULL || access(path, F_OK) == 0) {
		*paths = arena_array(arena, char *, 1);
		(*paths)[0] = arena_strdup(arena, path);
		*n = 1;
		return OK;
	}
	return strstr(path, "**") != NULL ? glob_deep(arena, allowed, path, paths, n, err) : glob_plain(arena, path, paths, n, err);
}

int
file_glob_new(Arena *arena, const FileAccess *allowed, const char *path, char *const *known, int n_known, char ***paths)
{
	int	  n, n_new = 0;
	Error ignored;

	if (file_glob(arena, allowed, path, paths, &n, &ignored) != OK)
		return 0;
	for (int i = 0; i < n; i++) {
		bool is_known = false;

		for (int k = 0; k < n_known && !is_known; k++)
			is_known = strcmp(known[k], (*paths)[i]) == 0;
		if (!is_known)
			(*paths)[n_new++] = (*paths)[i];
	}
	return n_new;
}

Status
file_spec_paths(Arena *arena, const FileSpec *spec, char ***paths, int *n, Error *err)
{
	if (spec->paths == NULL)
		return file_glob(arena, spec->access, spec->path, paths, n, err);
	*paths = arena_memdup(arena, spec->paths, sizeof **paths * (size_t)spec->n_paths);
	*n = spec->n_paths;
	return OK;
}

/* ---- keys ---- */

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static Str
decode(Arena *arena, Str text)
{
	char  *out = arena_alloc(arena, text.length + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] == '%' && i + 2 < text.length && hex_digit(text.data[i + 1]) >= 0 && hex_digit(text.data[i + 2]) >= 0) {
			out[n++] = (char)(hex_digit(text.data[i + 1]) << 4 | hex_digit(text.data[i + 2]));
			i += 2;
		} else
			out[n++] = text.data[i];
	}
	return str_make(out, n);
}

int
path_keys(Arena *arena, const char *path, PathKey **out)
{
	int n = 0, capacity = 1;

	for (const char *p = path; *p != '\0'; p++)
		capacity += *p == '/';
	*out = arena_array(arena, PathKey, capacity);
	for (const char *p = path, *slash; (slash = strchr(p, '/')) != NULL; p = slash + 1) {
		const char *equals = memchr(p, '=', (size_t)(slash - p));
		PathKey	   *key = &(*out)[n];

		if (equals == NULL || equals == p)
			continue;
		key->name = decode(arena, str_make(p, (size_t)(equals - p)));
		key->value = decode(arena, str_make(equals + 1, (size_t)(slash - equals - 1)));
		key->is_null = str_equal(key->value, STR(NULL_VALUE));
		n++;
	}
	return n;
}

static void
encode(StrBuf *out, Str text)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c < 0x21 || c == 0x7f || strchr("/=%*?[]\\\"'#:", c) != NULL || (c == '.' && i == 0))
			strbuf_printf(out, "%%%02X", c);
		else
			strbuf_add_char(out, (char)c);
	}
}

void
path_add_key(StrBuf *out, Str name, Str value, bool is_null)
{
	encode(out, name);
	strbuf_add_char(out, '=');
	if (is_null)
		strbuf_add_text(out, NULL_VALUE);
	else
		encode(out, value);
}
