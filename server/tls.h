#ifndef SLUICE_SERVER_TLS_H
#define SLUICE_SERVER_TLS_H

/*
 * TLS of the listeners, by OpenSSL 3, which is loaded when a listener wants it.
 *
 * Certificates are read by tls_open and again by tls_reload, which replaces them as a whole or not at all: connections that are open go
 * on with what they began with.  ALPN offers h2 and http/1.1.  Renegotiation and compression are off.
 */
#include "common/env.h"
#include "common/setting.h"
#include "server/http.h"

typedef struct Tls Tls;

/* From the settings ssl.*.  ERROR_USER names the setting and the file, and what is wrong with it. */
Status tls_open(const Settings *settings, Tls **out, Error *err);
void   tls_close(Tls *tls);					/* after the last session is closed */
Status tls_reload(Tls *tls, Error *err);	/* any thread */

/* For the listeners. */
HttpTls *tls_http(Tls *tls);

/* When the server's certificate expires. */
Time tls_expiry(Tls *tls);

#endif
