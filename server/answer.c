/*
 * Answers that are not rows: JSON values and ksqlDB's error objects.
 */
#include <stdarg.h>
#include <stdio.h>

#include "server/server_impl.h"

void
answer_json(HttpExchange *exchange, const JsonValue *value)
{
	StrBuf text = {0};

	json_write(&text, value);
	http_respond(exchange, 200, KSQL_TYPE, NULL, 0, strbuf_str(&text));
	strbuf_free(&text);
}

int
error_code_of(const Error *err)
{
	switch (err->class) {
	case ERROR_USER:
	case ERROR_UNSUPPORTED:
		return 40001;
	case ERROR_ASSERTION:
		return 41700;
	case ERROR_DENIED:
		return 40300;
	default:
		return 50000;
	}
}

static void
write_string_member(StrBuf *out, const char *name, const char *text)
{
	strbuf_printf(out, ",\"%s\":", name);
	json_write_string(out, str_of(text));
}

void
error_write(StrBuf *out, int code, const Error *err, const char *sql, const char *entities)
{
	StrBuf message = {0};

	strbuf_add_text(&message, err->message);
	if (err->hint[0] != '\0')
		strbuf_printf(&message, "\n%s", err->hint);
	strbuf_printf(out, "{\"@type\":\"%s\",\"error_code\":%d", sql != NULL ? "statement_error" : "generic_error", code);
	write_string_member(out, "message", strbuf_text(&message));
	if (sql != NULL) {
		write_string_member(out, "statementText", sql);
		strbuf_printf(out, ",\"entities\":%s", entities != NULL ? entities : "[]");
	}
	/* For sluice's own shell, which shows the place. */
	if (err->line > 0)
		strbuf_printf(out, ",\"line\":%d,\"column\":%d,\"length\":%d", err->line, err->column, err->length);
	if (err->hint[0] != '\0')
		write_string_member(out, "hint", err->hint);
	strbuf_add_char(out, '}');
	strbuf_free(&message);
}

void
answer_statement_error(HttpExchange *exchange, int code, const Error *err, const char *sql, const char *entities)
{
	StrBuf body = {0};

	error_write(&body, code, err, sql, entities);
	http_respond(exchange, code / 100, KSQL_TYPE, NULL, 0, strbuf_str(&body));
	strbuf_free(&body);
}

static void
answer_generic(HttpExchange *exchange, int code, const HttpHeader *header, const Error *err)
{
	StrBuf body = {0};

	error_write(&body, code, err, NULL, NULL);
	http_respond(exchange, code / 100, KSQL_TYPE, header, header != NULL ? 1 : 0, strbuf_str(&body));
	strbuf_free(&body);
}

void
answer_error(HttpExchange *exchange, int code, const char *format, ...)
{
	static const HttpHeader retry = {"retry-after", "10"};
	Error	err;
	va_list args;

	va_start(args, format);
	error_set_v(&err, ERROR_USER, format, args);
	va_end(args);
	answer_generic(exchange, code, code == 50302 ? &retry : NULL, &err);
}

void
answer_error_with(HttpExchange *exchange, int code, const HttpHeader *header, const char *message)
{
	Error err;

	error_user(&err, "%s", message);
	answer_generic(exchange, code, header, &err);
}
