#ifndef SLUICE_SERVER_CLIENT_IMPL_H
#define SLUICE_SERVER_CLIENT_IMPL_H

/* What the files of the client share.  Nobody else includes this. */
#include <stdatomic.h>

#include "server/client.h"

/* ---- client_http.c: requests by libcurl ---- */

typedef struct ClientHttp ClientHttp;

/* Takes a piece of the answer; FAILED ends the transfer.  `status` is the answer's. */
typedef Status (*ClientPiece)(void *context, int status, Str data, Error *err);

Status client_http_open(const RemoteOptions *options, ClientHttp **out, Error *err);
void   client_http_close(ClientHttp *http);

/*
 * Sends a request (body.data NULL: GET) and hands on the answer as it comes.  *status gets the HTTP status.  ERROR_INTERRUPTED as soon as
 * *cancelled is set; ERROR_TRANSIENT if the server cannot be reached.
 */
Status client_http_request(ClientHttp *http, const char *path, Str body, const char *accept, const _Atomic bool *cancelled, ClientPiece piece,
						   void *context, int *status, Error *err);

/* ---- client_rows.c: row objects, line by line, to a sink ---- */

typedef struct ClientRows ClientRows;

ClientRows *client_rows_new(ResultSink *sink);
void		client_rows_free(ClientRows *rows);

/* DONE: the sink wants no more. */
Status client_rows_take(ClientRows *rows, Str data, Error *err);

/* The answer has ended: the rest, and the sink's end.  An errorMessage of the stream is the error. */
Status client_rows_end(ClientRows *rows, Error *err);

/* *err from an error object of the API. */
Status client_error(Arena *arena, const JsonValue *object, int status, Error *err);

#endif
