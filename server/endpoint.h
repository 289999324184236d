#ifndef SLUICE_SERVER_ENDPOINT_H
#define SLUICE_SERVER_ENDPOINT_H

/*
 * One row per endpoint: method, path, what handles it, who may use it.  Adding an endpoint is adding a row.
 *
 * Order of checks of a request: liveness (rows that are always open), authentication, role, state of the server, handler.
 */
#include <stdatomic.h>

#include "common/role.h"
#include "data/json_text.h"
#include "server/http.h"
#include "server/server.h"

typedef struct Request Request;

typedef enum EndpointFlags {
	ENDPOINT_PLAIN = 0,
	ENDPOINT_ALWAYS = 1,		/* answers before authentication and whatever the state of the server */
	ENDPOINT_BODY = 2,			/* takes a JSON object as body, collected before the handler is called */
	ENDPOINT_STREAM = 4,		/* takes the body piece by piece */
	ENDPOINT_HEADLESS = 8,		/* is served with --queries-file too */
} EndpointFlags;

typedef struct Endpoint {
	const char *method;			/* "GET", "POST" */
	const char *path;			/* "/status/{type}/{entity}/{action}": each {...} is one segment */
	Role		role;			/* least one that may use it; ROLE_NONE: everybody, also without authentication */
	unsigned	flags;
	void (*handle)(Request *request);	/* on the loop's thread: must not block (server/pool.h) */
	const char *purpose;		/* for the table in the docs */
} Endpoint;

extern const Endpoint endpoint_rows[];	/* ends with method NULL */

#define ENDPOINT_MAX_SEGMENTS 8

/* The row of a request and the texts of its {...}, percent-decoded into `arena`.  NULL: there is none. */
const Endpoint *endpoint_find(Str method, Str path, Arena *arena, const char *segments[ENDPOINT_MAX_SEGMENTS]);

/* One request in hand.  Lives until its exchange has ended and every holder has released it. */
struct Request {
	_Atomic int		refs;
	Server		   *server;
	HttpExchange   *exchange;
	const Endpoint *endpoint;
	const char	   *segments[ENDPOINT_MAX_SEGMENTS];
	Arena			arena;
	JsonValue		body;			/* ENDPOINT_BODY: an object */
	const char	   *user;			/* NULL: not authenticated */
	Role			role;			/* what the user may do; ROLE_ADMIN where authentication is off */
};

#endif
