#ifndef SLUICE_IO_HTTP_H
#define SLUICE_IO_HTTP_H

/*
 * An HTTP client: requests over HTTP/1.1, HTTP/2 and TLS, answers read piece by piece.
 *
 * It is libcurl, loaded when the first client is made.  A client keeps its connection open between requests and belongs to one
 * thread at a time.  Redirects are followed, each only if the file access lets the new address be spoken to; proxies are taken from
 * the environment (http_proxy, https_proxy, no_proxy).
 *
 * What the thread works for may be cancelled (common/cancel.h), which ends a request within a quarter of a second (ERROR_INTERRUPTED).
 *
 * Failures name the address without its password and query, and what may be done.  What an answer's status means is for
 * the caller.
 */
#include "common/arena.h"
#include "common/env.h"
#include "common/file_access.h"
#include "common/str.h"

typedef struct HttpClient HttpClient;

typedef struct HttpRequest {
	const char		  *method;			/* NULL: GET */
	const char		  *url;
	int				   n_headers;
	const char *const *headers;			/* "Name: value" */
	Str				   body;			/* data NULL: none */
	int64_t			   range_first;		/* Range of bytes, if has_range; negative: the last -range_first bytes */
	int64_t			   range_last;
	bool			   has_range;
	int64_t			   timeout_ms;		/* for the whole answer; 0: as long as bytes come (a minute without any is a failure) */
} HttpRequest;

typedef struct HttpResponse {
	int		status;
	int64_t length;			/* of the body; -1: not known */
	int64_t range_first;	/* Content-Range of a 206; -1: none */
	int64_t range_total;	/* bytes of the whole; -1: not known */
	Time	modified;		/* Last-Modified; 0: not said */
	char	etag[128];		/* "" if there is none */
	char	reason[64];		/* of the status line, in words */
} HttpResponse;

/* Whether a path is an address that this client can be asked for. */
bool path_is_url(const char *path);

/* The address as it may be shown: without user, password and query. */
const char *url_shown(Arena *arena, const char *url);

/* `access` is borrowed (NULL: everything).  ERROR_UNSUPPORTED, with the package's name, if libcurl is not installed. */
Status http_client_new(const FileAccess *access, HttpClient **out, Error *err);
void   http_client_free(HttpClient *client);		/* NULL does nothing */

/* Sends a request and waits for the headers of its answer, which http_client_read then gives the body of.  Ends an answer before. */
Status http_client_begin(HttpClient *client, const HttpRequest *request, HttpResponse *response, Error *err);

/* Up to `size` bytes of the body; *got = 0 at its end. */
Status http_client_read(HttpClient *client, void *to, size_t size, size_t *got, Error *err);

/* Forgets what is left of an answer. */
void http_client_end(HttpClient *client);

/* http_client_begin and the whole body, appended to `body`; FAILED if it has more than max_bytes. */
Status http_client_fetch(HttpClient *client, const HttpRequest *request, int64_t max_bytes, HttpResponse *response, StrBuf *body, Error *err);

/* Fills *err for a status that is not success (2xx): what it means for a file that is read. */
Status http_status_error(const char *url, const HttpResponse *response, Error *err);

#endif
