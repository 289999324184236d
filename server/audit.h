#ifndef SLUICE_SERVER_AUDIT_H
#define SLUICE_SERVER_AUDIT_H

/*
 * Who asked for what: one line of the log, component "audit", for each text of statements and each log-in that failed.
 *
 * Statements come masked (engine/redact.h).  Messages of errors are left out, because they may quote what was masked.
 */
#include "common/log.h"

typedef struct AuditEvent {
	const char *user;			/* NULL: nobody is logged in */
	const char *address;		/* of the peer */
	const char *endpoint;
	Str			sql;			/* as sent */
	const char *query_id;		/* NULL: none */
	Status		status;
	ErrorClass	class;			/* FAILED: of the error */
	Nanos		took;
} AuditEvent;

/* The outcome is "ok", "denied" or "failed".  A NULL log takes nothing, and then nothing is parsed. */
void audit_statements(Log *log, const AuditEvent *event);

/* The same for something that is no statement: `what` is told as it is; event->sql is not looked at. */
void audit_action(Log *log, const AuditEvent *event, const char *what);

/* `why`: "wrong user or password", "too many failures", ...; the name that was tried is not told: people type passwords there. */
void audit_login_failed(Log *log, const char *address, const char *why);

/* Something that an operator did: "certificates and users read again", ... */
void audit_operator(Log *log, const char *what);

#endif
