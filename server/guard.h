#ifndef SLUICE_SERVER_GUARD_H
#define SLUICE_SERVER_GUARD_H

/*
 * What stands between a server and its clients, and what is told of them: logs, users, certificates, limits, figures, and which
 * files statements may touch.  One Guard a server; made from its settings alone.
 *
 * A request passes guard_admit (who is it, may they use the endpoint), then guard_statements (may they run each statement), and is told of
 * by guard_told.
 */
#include "common/file_access.h"
#include "server/audit.h"
#include "server/auth.h"
#include "server/endpoint.h"
#include "server/limits.h"
#include "server/metrics.h"
#include "server/tls.h"

typedef struct Guard {
	const Settings *settings;		/* the server's; borrowed */
	Log			   *log;
	Log			   *audit_log;		/* may be `log` */
	bool			tells_reads;	/* audit.log: statements that need the role read are told */
	bool			tells_changes;	/* ... and all others */
	FileAccess	   *file_access;
	Auth		   *auth;			/* NULL: everybody may do everything */
	Tls			   *tls;			/* NULL: no listener wants it */
	Limits		   *limits;
	ServerMetrics  *metrics;
	int				n_routes;
	const char	  **routes;			/* paths of the table of endpoints */
	Nanos			opened;
	Nanos			startup;		/* how long it took until the server was ready; 0: it is not yet */
} Guard;

/* `listeners`: of the setting or flags.  Refuses to listen to others without protection (server/listen.h). */
Status guard_open(const Settings *settings, const char *listeners, Guard **out, Error *err);
void   guard_close(Guard *guard);

/* SIGHUP: logs are opened, users and certificates read again.  What fails is logged and stays as it was.  Any thread. */
void guard_reload(Guard *guard);

/*
 * Fills the request's user and role and calls `go_on` on the loop's thread, at once or after a password has been verified on the pool; or
 * answers 401, 403 or 429.  Holds the request meanwhile.
 */
void guard_admit(Request *request, void (*go_on)(Request *request));

/*
 * May the request's user run every statement of the text, are they not too many, and do they not come too fast?  FAILED with the API's code
 * in *code.  What can't be parsed passes: whoever executes it says what is wrong.  Parses: not on the loop's thread.
 */
Status guard_statements(const Request *request, Str sql, int *code, Error *err);

/* Tells the audit log of a text of statements that has been executed, or refused.  Parses: not on the loop's thread. */
void guard_told(const Request *request, Str sql, const char *query_id, Status status, const Error *err);

/* The same for rows that are streamed into a target. */
void guard_told_inserts(const Request *request, const char *target, Status status, const Error *err);

/* The text of /metrics. */
void guard_metrics(Guard *guard, Engine *engine, int n_connections, StrBuf *out);

/* Markdown: each endpoint and statement with the roles that may use it. */
void permissions_print(StrBuf *out);

#endif
