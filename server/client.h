#ifndef SLUICE_SERVER_CLIENT_H
#define SLUICE_SERVER_CLIENT_H

/*
 * A client of a server, as the shell sees one: statements go over HTTP, rows come back as they are made.  Settings and variables are the
 * client's own and go with every request; so does the largest command number seen, so that a statement finds what the one before has made.
 *
 * Works against ksqlDB's servers too, as far as they know the SQL.  libcurl is loaded when it is opened.  One thread at a time, but cancel.
 */
#include "common/setting.h"
#include "engine/client.h"

typedef struct RemoteOptions {
	const char	   *url;			/* http://HOST:PORT, https://...; a user and password may stand before HOST */
	const char	   *user;			/* "NAME:PASSWORD" for basic authentication; NULL: none, or in the URL */
	const char	   *ca_file;		/* PEM certificates to trust; NULL: the system's */
	const Settings *settings;		/* to start with */
} RemoteOptions;

/* Does not connect yet.  ERROR_USER if libcurl is not there or the URL is none. */
Status remote_client_open(const RemoteOptions *options, Client **out, Error *err);

#endif
