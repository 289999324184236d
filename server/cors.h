#ifndef SLUICE_SERVER_CORS_H
#define SLUICE_SERVER_CORS_H

/*
 * Cross-origin requests of web pages (the Fetch standard's CORS): which origins may read answers, by the settings access.control.allow.*.
 */
#include "common/setting.h"
#include "server/http.h"

/*
 * Adds the headers that the request's origin is allowed.  True: the request was the question of a browser (OPTIONS with
 * Access-Control-Request-Method) and has been answered.
 */
bool cors_check(const Settings *settings, HttpExchange *exchange);

/*
 * Is the request one that a web page of an origin that is not allowed makes in its visitor's browser, and that would change something?  A
 * browser sends such requests without asking, and its user's password too; only the answer is kept from the page.
 */
bool cors_is_foreign(const Settings *settings, HttpExchange *exchange);

/*
 * Can the Host header not be the name of a stranger's page: a name without a dot (localhost, a container's), a numeric address, or the host of
 * ksql.advertised.listener?  Where nobody logs in it must be such a one, because a page may give its own name the server's address and then
 * counts as of the server's origin (DNS rebinding).
 */
bool cors_host_is_ours(const Settings *settings, HttpExchange *exchange);

#endif
