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

#endif
