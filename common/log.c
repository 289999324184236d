#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "common/utf8.h"

struct Log {
	const Env		*env;
	char			*path;
	bool			 is_json;
	pthread_mutex_t	 lock;		/* around fd and write */
	int				 fd;
	_Atomic int		 level;
	_Atomic int64_t	 counts[LOG_LEVELS];
	_Atomic int64_t	 lost;
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

const char *
log_level_name(LogLevel level)
{
	return level_names[level];
}

bool
log_level_parse(const char *text, LogLevel *out)
{
	for (int i = 0; i < LOG_LEVELS; i++) {
		if (strcasecmp(text, level_names[i]) != 0)
			continue;
		*out = (LogLevel)i;
		return true;
	}
	return false;
}

static Status
open_path(const char *path, int *fd, Error *err)
{
	if (path == NULL) {
		*fd = STDERR_FILENO;
		return OK;
	}
	*fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
	if (*fd < 0) {
		error_user(err, "The log file '%s' cannot be opened: %s", path, strerror(errno));
		return error_hint(err, "Its directory must exist and be writable by the user that runs the server.");
	}
	return OK;
}

Status
log_open(const LogOptions *options, Log **out, Error *err)
{
	int	 fd;
	Log *log;

	TRY(open_path(options->path, &fd, err));
	log = xcalloc(1, sizeof *log);
	log->env = options->env != NULL ? options->env : &env_real;
	log->path = options->path != NULL ? xstrdup(options->path) : NULL;
	log->fd = fd;
	log->is_json = options->form == LOG_FORM_JSON || (options->form == LOG_FORM_AUTO && !isatty(fd));
	atomic_init(&log->level, (int)options->level);
	pthread_mutex_init(&log->lock, NULL);
	*out = log;
	return OK;
}

void
log_close(Log *log)
{
	if (log == NULL)
		return;
	if (log->path != NULL)
		close(log->fd);
	pthread_mutex_destroy(&log->lock);
	free(log->path);
	free(log);
}

Status
log_reopen(Log *log, Error *err)
{
	int fd, old;

	if (log == NULL || log->path == NULL)
		return OK;
	TRY(open_path(log->path, &fd, err));
	pthread_mutex_lock(&log->lock);
	old = log->fd;
	log->fd = fd;
	pthread_mutex_unlock(&log->lock);
	close(old);
	return OK;
}

void
log_set_level(Log *log, LogLevel level)
{
	if (log != NULL)
		log->level = (int)level;
}

bool
log_wants(const Log *log, LogLevel level)
{
	return log != NULL && (int)level <= log->level;
}

int64_t
log_count(const Log *log, LogLevel level)
{
	return log != NULL ? log->counts[level] : 0;
}

int64_t
log_lost(const Log *log)
{
	return log != NULL ? log->lost : 0;
}

/* ---- text ---- */

static void
add_escaped(StrBuf *out, Str text)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < text.length; i++) {
		unsigned char c = (unsigned char)text.data[i];

		switch (c) {
		case '"': strbuf_add_text(out, "\\\""); break;
		case '\\': strbuf_add_text(out, "\\\\"); break;
		case '\n': strbuf_add_text(out, "\\n"); break;
		case '\r': strbuf_add_text(out, "\\r"); break;
		case '\t': strbuf_add_text(out, "\\t"); break;
		default:
			if (c < 0x20 || c == 0x7f) {
				strbuf_add_text(out, "\\u00");
				strbuf_add_char(out, hex[c >> 4]);
				strbuf_add_char(out, hex[c & 15]);
			} else
				strbuf_add_char(out, (char)c);
		}
	}
}

static void
add_escaped_repaired(StrBuf *out, Str text)
{
	StrBuf repaired = {0};

	if (utf8_validate(text)) {
		add_escaped(out, text);
		return;
	}
	utf8_add_repaired(&repaired, text);
	add_escaped(out, strbuf_str(&repaired));
	strbuf_free(&repaired);
}

void
json_add_string(StrBuf *out, Str text)
{
	strbuf_add_char(out, '"');
	add_escaped_repaired(out, text);
	strbuf_add_char(out, '"');
}

void
log_add_time(StrBuf *out, Time time)
{
	time_t	  seconds = (time_t)(time >= 0 ? time / 1000 : (time - 999) / 1000);
	int		  ms = (int)(time - (Time)seconds * 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strbuf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
				  tm.tm_sec, ms);
}

static void
add_number(StrBuf *out, const LogField *field)
{
	if (field->kind == LOG_FIELD_INT)
		strbuf_printf(out, "%lld", (long long)field->number);
	else
		strbuf_printf(out, "%.6f", (double)field->number / 1e9);
}

static void
add_json_line(StrBuf *out, Time now, LogLevel level, const char *component, const LogField *fields, int n_fields, Str message)
{
	strbuf_add_text(out, "{\"time\":\"");
	log_add_time(out, now);
	strbuf_printf(out, "\",\"level\":\"%s\",\"component\":\"%s\",\"message\":", level_names[level], component);
	json_add_string(out, message);
	for (int i = 0; i < n_fields; i++) {
		if (fields[i].kind == LOG_FIELD_TEXT && fields[i].text == NULL)
			continue;
		strbuf_printf(out, ",\"%s\":", fields[i].name);
		if (fields[i].kind == LOG_FIELD_TEXT)
			json_add_string(out, str_of(fields[i].text));
		else
			add_number(out, &fields[i]);
	}
	strbuf_add_text(out, "}\n");
}

/* Control characters are escaped here too: a terminal must not be steered by what a client sent. */
static void
add_text_line(StrBuf *out, Time now, LogLevel level, const char *component, const LogField *fields, int n_fields, Str message)
{
	log_add_time(out, now);
	strbuf_printf(out, " %-5s %s: ", level_names[level], component);
	add_escaped_repaired(out, message);
	for (int i = 0; i < n_fields; i++) {
		if (fields[i].kind == LOG_FIELD_TEXT && fields[i].text == NULL)
			continue;
		strbuf_printf(out, "  %s=", fields[i].name);
		if (fields[i].kind == LOG_FIELD_TEXT)
			add_escaped_repaired(out, str_of(fields[i].text));
		else
			add_number(out, &fields[i]);
	}
	strbuf_add_char(out, '\n');
}

static bool
write_line(Log *log, Str line)
{
	ssize_t n;

	pthread_mutex_lock(&log->lock);
	do
		n = write(log->fd, line.data, line.length);
	while (n < 0 && errno == EINTR);
	pthread_mutex_unlock(&log->lock);
	return n == (ssize_t)line.length;
}

void
log_event(Log *log, LogLevel level, const char *component, const LogField *fields, int n_fields, const char *format, ...)
{
	char	message[8192];
	StrBuf	line = {0};
	va_list args;
	int		n;

	if (!log_wants(log, level))
		return;
	va_start(args, format);
	n = vsnprintf(message, sizeof message, format, args);
	va_end(args);
	if (n < 0)
		message[0] = '\0';
	(log->is_json ? add_json_line : add_text_line)(&line, env_now(log->env), level, component, fields, n_fields, str_of(message));
	log->counts[level]++;
	if (!write_line(log, strbuf_str(&line)))
		log->lost++;
	strbuf_free(&line);
}
