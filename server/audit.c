#include "server/audit.h"

#include "engine/redact.h"

#define STATEMENT_BYTES_MAX 65536		/* of a masked text; the rest is left out */

void
audit_action(Log *log, const AuditEvent *event, const char *what)
{
	const char *outcome = event->status != FAILED ? "ok" : event->class == ERROR_DENIED ? "denied" : "failed";
	LogField	fields[] = {
		LOG_TEXT("user", event->user),
		LOG_TEXT("address", event->address),
		LOG_TEXT("endpoint", event->endpoint),
		LOG_TEXT("outcome", outcome),
		LOG_TEXT("class", event->status == FAILED ? error_class_name(event->class) : NULL),
		LOG_TEXT("query_id", event->query_id),
		LOG_SECONDS("seconds", event->took),
	};

	log_event(log, LOG_LEVEL_INFO, "audit", fields, (int)(sizeof fields / sizeof *fields), "%s", what);
}

void
audit_statements(Log *log, const AuditEvent *event)
{
	StrBuf sql = {0};

	if (!log_wants(log, LOG_LEVEL_INFO))
		return;
	redact_statements(event->sql, &sql);
	if (sql.length > STATEMENT_BYTES_MAX) {
		sql.length = STATEMENT_BYTES_MAX;
		sql.data[sql.length] = '\0';
		strbuf_add_text(&sql, "...");
	}
	audit_action(log, event, strbuf_text(&sql));
	strbuf_free(&sql);
}

void
audit_login_failed(Log *log, const char *address, const char *why)
{
	log_event(log, LOG_LEVEL_WARN, "audit", &LOG_TEXT("address", address), 1, "A log-in was refused: %s", why);
}

void
audit_operator(Log *log, const char *what)
{
	log_line(log, LOG_LEVEL_INFO, "audit", "%s", what);
}
