/*
 * Headless: the statements of a file run at the start, and nothing else can be asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/server_impl.h"

static void
discard_entity(ResultSink *sink, const Entity *entity)
{
	(void)sink;
	(void)entity;
}

static void
discard_message(ResultSink *sink, const char *text, bool is_warning)
{
	(void)sink;
	(void)text;
	(void)is_warning;
}

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

Status
headless_start(Server *server, Error *err)
{
	ResultSink sink = {.entity = discard_entity, .message = discard_message};
	Session	  *session = NULL;
	StrBuf	   text = {0};
	Status	   status;

	TRY_OUT(read_file(server->queries_file, &text, err));
	TRY_OUT(session_open(server->engine, &session, err));
	if (!settings_has(server->settings, "sql.dialect"))
		TRY_OUT(settings_set(session_settings(session), "sql.dialect", "ksqldb", err));
	TRY_OUT(session_check_headless(session, strbuf_str(&text), err));
	/* What an earlier start has made already goes on. */
	if (engine_last_command(server->engine) < 0)
		status = session_execute(session, strbuf_str(&text), &sink, err);
out:
	if (status == FAILED)
		error_context(err, "In %s", server->queries_file);
	session_close(session);
	strbuf_free(&text);
	return status;
}
