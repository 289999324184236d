#include "server/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/properties.h"

#define FILE_BYTES_MAX (1 << 20)

typedef struct Loader {
	const ConfigSources *sources;
	Settings			*settings;
} Loader;

static void
warn(const Loader *loader, const char *format, ...)
{
	char	message[1024];
	va_list args;

	if (loader->sources->warn == NULL)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	loader->sources->warn(loader->sources->context, message);
}

/* ---- the file ---- */

static const char *
nearest_setting(const char *name)
{
	const char *names[512];
	int			n = 0;

	for (const Setting *s; n < 512 && (s = setting_at(n)) != NULL; n++)
		names[n] = s->name;
	return str_nearest(name, names, n);
}

static Status
set_from_file(void *context, int line, const char *name, const char *value, Error *err)
{
	Loader	   *loader = context;
	const char *path = loader->sources->path;
	const char *nearest;

	if (settings_set(loader->settings, name, value, err) == OK) {
		if (setting_find(name) == NULL && strncmp(name, "ssl.", 4) == 0 && (nearest = nearest_setting(name)) != NULL)
			warn(loader, "%s:%d: '%s' is no setting of the server and goes to Kafka's clients only; did you mean '%s'?", path, line, name, nearest);
		return OK;
	}
	if (setting_find(name) == NULL && strncmp(name, "ksql.", 5) == 0 && nearest_setting(name) == NULL) {
		warn(loader, "%s:%d: '%s' is not a setting of sluice and has no effect", path, line, name);
		return OK;
	}
	return error_context(err, "%s:%d", path, line);
}

static Status
read_file(const char *path, StrBuf *out, Error *err)
{
	int		fd = open(path, O_RDONLY | O_CLOEXEC);
	char	block[8192];
	ssize_t n = -1;

	if (fd >= 0)
		while ((n = read(fd, block, sizeof block)) > 0 && out->length <= FILE_BYTES_MAX)
			strbuf_add(out, block, (size_t)n);
	if (n < 0)
		error_user(err, "The configuration '%s' cannot be read: %s", path, strerror(errno));
	else if (n > 0)
		error_user(err, "The configuration '%s' is longer than a megabyte: is that the right file?", path);
	if (fd >= 0)
		close(fd);
	return n == 0 ? OK : FAILED;
}

static Status
load_file(Loader *loader, Error *err)
{
	StrBuf text = {0};
	Status status = read_file(loader->sources->path, &text, err);

	if (status == OK)
		status = properties_read(strbuf_str(&text), set_from_file, loader, err);
	if (status == FAILED && strstr(err->message, loader->sources->path) == NULL)
		error_context(err, "%s", loader->sources->path);
	strbuf_free(&text);
	return status;
}

/* ---- the environment ---- */

bool
config_variable_name(const char *variable, StrBuf *name)
{
	const char *rest = strncmp(variable, "KSQL_", 5) == 0 ? variable + 5 : strncmp(variable, "SLUICE_", 7) == 0 ? variable + 7 : NULL;

	strbuf_clear(name);
	if (rest == NULL)
		return false;
	while (*rest != '\0') {
		size_t n = strspn(rest, "_");

		if (n == 0)
			strbuf_add_char(name, (char)tolower((unsigned char)*rest++));
		for (; n >= 3; n -= 3, rest += 3)
			strbuf_add_char(name, '-');
		if (n > 0) {
			strbuf_add_char(name, n == 1 ? '.' : '_');
			rest += n;
		}
	}
	return name->length > 0;
}

/* Variables of ksqlDB's start scripts and of container platforms, which name no setting. */
static bool
is_foreign(const char *variable)
{
	static const char *const known[] = {"KSQL_OPTS", "KSQL_HEAP_OPTS", "KSQL_JVM_PERFORMANCE_OPTS", "KSQL_JMX_OPTS", "KSQL_CLASSPATH", "KSQL_HOME",
										"KSQL_CONFIG_DIR", "KSQL_DIR", "KSQL_GC_LOG_OPTS", "KSQL_DEBUG", "SLUICE_PASSWORD"};
	size_t length = strcspn(variable, "=");

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strlen(known[i]) == length && strncmp(variable, known[i], length) == 0)
			return true;
	return strncmp(variable, "KSQL_LOG4J", 10) == 0 || strncmp(variable, "SLUICE_CONFORMANCE", 18) == 0;
}

/* The row that a name means, with or without `ksql.`. */
static const Setting *
find_setting(const char *name)
{
	char		   longer[512];
	const Setting *row = setting_find(name);

	if (row != NULL)
		return row;
	snprintf(longer, sizeof longer, "ksql.%s", name);
	return setting_find(longer);
}

static Status
load_variable(Loader *loader, const char *entry, Error *err)
{
	const char	  *equals = strchr(entry, '=');
	StrBuf		   name = {0};
	Status		   status = OK;
	const Setting *row;

	if (equals == NULL || is_foreign(entry))
		return OK;
	strbuf_add(&name, entry, (size_t)(equals - entry));
	char variable[256];

	snprintf(variable, sizeof variable, "%s", strbuf_text(&name));
	if (config_variable_name(variable, &name)) {
		Error ignored;

		row = find_setting(strbuf_text(&name));
		if (row != NULL) {
			status = settings_set(loader->settings, row->name, equals + 1, err);
			if (status == FAILED)
				error_context(err, "Environment variable %s", variable);
		} else if (settings_set(loader->settings, strbuf_text(&name), equals + 1, &ignored) == FAILED) {
			const char *nearest = nearest_setting(strbuf_text(&name));

			warn(loader, "The environment variable %s names no setting (%s) and has no effect%s%s%s", variable, strbuf_text(&name),
				 nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
		}
	}
	strbuf_free(&name);
	return status;
}

Status
config_load(const ConfigSources *sources, Settings **out, Error *err)
{
	Loader loader = {.sources = sources, .settings = settings_new(NULL)};
	Status status = OK;

	if (sources->path != NULL)
		TRY_OUT(load_file(&loader, err));
	for (int i = 0; sources->environment != NULL && sources->environment[i] != NULL; i++)
		TRY_OUT(load_variable(&loader, sources->environment[i], err));
	for (int i = 0; i < sources->n_flags; i++)
		TRY_OUT(settings_set(loader.settings, sources->flags[2 * i], sources->flags[2 * i + 1], err));
	*out = loader.settings;
	return OK;
out:
	settings_free(loader.settings);
	return status;
}
