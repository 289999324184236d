#ifndef SLUICE_SERVER_LISTEN_H
#define SLUICE_SERVER_LISTEN_H

/*
 * Addresses to listen on, and which of them are safe as they are: without TLS and authentication a server listens on loopback
 * only, unless it is told that this is meant.
 */
#include <stdbool.h>

#include "common/arena.h"
#include "common/status.h"

typedef struct ListenAddress {
	const char *host;		/* a name or a numeric address, without brackets */
	int			port;		/* 0: any free one */
	bool		is_tls;		/* https */
} ListenAddress;

/* "http://127.0.0.1:8088, https://[::]:8443": the setting `listeners`. */
Status listen_parse(Arena *arena, const char *listeners, ListenAddress **out, int *n, Error *err);

/* A numeric loopback address or "localhost".  Other names don't count, wherever they lead now. */
bool listen_is_loopback(const char *host);

/* Refuses an address that others reach if it is plain or nobody has to log in.  The message says what to set. */
Status listen_check(const ListenAddress *addresses, int n, bool has_authentication, bool is_insecure, Error *err);

#endif
