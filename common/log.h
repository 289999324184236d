#ifndef SLUICE_COMMON_LOG_H
#define SLUICE_COMMON_LOG_H

/*
 * The log of a long-running process: one event a line, to standard error or to a file.
 *
 * As JSON a line is one object: "time" (RFC 3339, UTC, milliseconds), "level", "component", "message", then the fields of the event.
 * On a terminal it is text for people.  An event is written by one write(2), so that lines of several threads never mix.
 *
 * Thread safe.  A NULL Log takes events and drops them.  Secrets are the caller's business: statements come masked (engine/redact.h).
 */
#include "common/env.h"
#include "common/status.h"
#include "common/str.h"

typedef enum LogLevel { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG } LogLevel;
#define LOG_LEVELS 4

const char *log_level_name(LogLevel level);			/* "error", "warn", "info", "debug" */
bool		log_level_parse(const char *text, LogLevel *out);

typedef enum LogForm { LOG_FORM_AUTO, LOG_FORM_JSON, LOG_FORM_TEXT } LogForm;		/* AUTO: text on a terminal, else JSON */

typedef struct LogOptions {
	const char *path;		/* NULL: standard error */
	LogLevel	level;		/* the least important level that is written */
	LogForm		form;
	const Env  *env;		/* NULL: the real world */
} LogOptions;

typedef struct Log Log;

/* ERROR_USER if the file cannot be opened.  It is appended to, and made readable by its owner and group only. */
Status log_open(const LogOptions *options, Log **out, Error *err);
void   log_close(Log *log);

/* Opens the path anew (after logrotate moved the file).  On failure the old file stays in use. */
Status log_reopen(Log *log, Error *err);

void log_set_level(Log *log, LogLevel level);
bool log_wants(const Log *log, LogLevel level);		/* to save the making of costly fields */

typedef enum LogFieldKind { LOG_FIELD_TEXT, LOG_FIELD_INT, LOG_FIELD_SECONDS } LogFieldKind;

/* A field with TEXT NULL is left out. */
typedef struct LogField {
	const char	*name;
	LogFieldKind kind;
	const char	*text;
	int64_t		 number;	/* SECONDS: nanoseconds, written as seconds */
} LogField;

#define LOG_TEXT(name_, text_) ((LogField){.name = (name_), .kind = LOG_FIELD_TEXT, .text = (text_)})
#define LOG_INT(name_, number_) ((LogField){.name = (name_), .kind = LOG_FIELD_INT, .number = (number_)})
#define LOG_SECONDS(name_, nanos_) ((LogField){.name = (name_), .kind = LOG_FIELD_SECONDS, .number = (nanos_)})

void log_event(Log *log, LogLevel level, const char *component, const LogField *fields, int n_fields, const char *format, ...)
	PRINTF_LIKE(6, 7);

/* The same without fields. */
#define log_line(log, level, component, ...) log_event((log), (level), (component), NULL, 0, __VA_ARGS__)

/* Events written at a level since the log was opened, and lines that could not be written. */
int64_t log_count(const Log *log, LogLevel level);
int64_t log_lost(const Log *log);

/* Appends "..." as JSON: control characters escaped, bad UTF-8 replaced. */
void json_add_string(StrBuf *out, Str text);

/* "2024-05-01T12:30:00.000Z" */
void log_add_time(StrBuf *out, Time time);

#endif
