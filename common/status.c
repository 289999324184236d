#include "common/status.h"

#include <stdio.h>
#include <string.h>

Status
error_set_v(Error *err, ErrorClass class, const char *format, va_list args)
{
	err->class = class;
	err->line = err->column = err->length = 0;
	err->hint[0] = '\0';
	vsnprintf(err->message, sizeof err->message, format, args);
	return FAILED;
}

Status
error_set(Error *err, ErrorClass class, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_set_v(err, class, format, args);
	va_end(args);
	return FAILED;
}

Status
error_hint(Error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->hint, sizeof err->hint, format, args);
	va_end(args);
	return FAILED;
}

Status
error_at(Error *err, int line, int column, int length)
{
	if (err->line == 0) {
		err->line = line;
		err->column = column;
		err->length = length;
	}
	return FAILED;
}

Status
error_context(Error *err, const char *format, ...)
{
	char		text[ERROR_MESSAGE_MAX];
	va_list		args;
	int			n;

	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (n < 0)
		return FAILED;
	if ((size_t)n + 2 < sizeof text) {
		size_t room = sizeof text - (size_t)n - 3;
		size_t length = strlen(err->message);

		memcpy(text + n, ": ", 2);
		memcpy(text + n + 2, err->message, length < room ? length : room);
		text[(size_t)n + 2 + (length < room ? length : room)] = '\0';
	}
	memcpy(err->message, text, sizeof text);
	return FAILED;
}

const char *
error_class_name(ErrorClass class)
{
	static const char *const names[] = {
		[ERROR_USER] = "user",			 [ERROR_UNSUPPORTED] = "unsupported", [ERROR_DATA] = "data",
		[ERROR_TRANSIENT] = "transient", [ERROR_FATAL] = "fatal",			  [ERROR_INTERRUPTED] = "interrupted",
		[ERROR_DENIED] = "denied",		 [ERROR_ASSERTION] = "assertion",
		[ERROR_BUG] = "internal",
	};

	return names[class];
}
