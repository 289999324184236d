/*
 * Headless: the statements of a file are in force from the start, and nothing else can be asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/server_impl.h"

static Status
read_file(const char *path, StrBuf *out, Error *err)
{
	FILE  *file = fopen(path, "rb");
	char   block[65536];
	size_t n;

	if (file == NULL)
		return error_user(err, "Cannot read the file of queries '%s': %s", path, strerror(errno));
	while ((n = fread(block, 1, sizeof block, file)) > 0)
		strbuf_add(out, block, n);
	if (ferror(file))
		error_user(err, "Cannot read the file of queries '%s': %s", path, strerror(errno));
	n = ferror(file) != 0;
	fclose(file);
	return n ? FAILED : OK;
}

/* "FILE:LINE:COLUMN: what", as compilers do. */
static void
place_error(const char *path, Error *err)
{
	if (err->line > 0 && err->column > 0)
		error_context(err, "%s:%d:%d", path, err->line, err->column);
	else if (err->line > 0)
		error_context(err, "%s:%d", path, err->line);
	else
		error_context(err, "%s", path);
}

Status
headless_start(Server *server, Error *err)
{
	Session *session = NULL;
	StrBuf	 text = {0};
	int		 n_changes = 0;
	Status	 status;

	TRY_OUT(read_file(server->queries_file, &text, err));
	TRY_OUT(session_open(server->engine, &session, err));
	if (!settings_has(server->settings, "sql.dialect"))
		TRY_OUT(settings_set(session_settings(session), "sql.dialect", "ksqldb", err));
	status = session_apply_file(session, strbuf_str(&text), &n_changes, err);
	if (status == FAILED)
		place_error(server->queries_file, err);
	else
		log_event(server->guard->log, LOG_LEVEL_INFO, "server", (LogField[]){LOG_TEXT("file", server->queries_file), LOG_INT("changes", n_changes)}, 2,
				  "The file of queries is in force");
out:
	session_close(session);
	strbuf_free(&text);
	return status;
}

void
headless_refuse(const Request *request)
{
	answer_error(request->exchange, 40400, "This server is headless: it runs the statements of its file of queries and takes no others. It serves /info, /healthcheck and "
				 "/metrics.\nChange the file and restart it, or start a server without --queries-file.");
}
