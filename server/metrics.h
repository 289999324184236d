#ifndef SLUICE_SERVER_METRICS_H
#define SLUICE_SERVER_METRICS_H

/*
 * What the server counts of requests and queries over HTTP, and the text of /metrics with the figures of everything below it.
 * Counted once a request; thread safe.
 */
#include "common/metric.h"
#include "engine/metrics.h"
#include "server/auth.h"
#include "server/limits.h"
#include "server/tls.h"

typedef struct ServerMetrics ServerMetrics;

/* `routes`: the paths of the table of endpoints, borrowed.  What fits none counts as "other". */
ServerMetrics *server_metrics_new(const char *const *routes, int n_routes);
void		   server_metrics_free(ServerMetrics *metrics);

/* A response has been sent; route -1: there was none.  status 0: the client left before. */
void server_metrics_request(ServerMetrics *metrics, int route, int status, Nanos took, int64_t bytes_sent);

typedef enum ServerQueryKind { SERVER_PULL, SERVER_PUSH } ServerQueryKind;

/* A query over HTTP has ended. */
void server_metrics_query(ServerMetrics *metrics, ServerQueryKind kind, bool is_ok, int64_t rows, Nanos took);

/* What is told of beside the requests; any may be NULL or 0. */
typedef struct MetricSources {
	Engine	   *engine;
	Auth	   *auth;
	Tls		   *tls;
	Limits	   *limits;
	const Log  *log;
	const Log  *audit_log;
	int			n_connections;
	const char *version;
	const char *service_id;			/* label of all */
	const char *custom_tags;		/* ksql.metrics.tags.custom */
	Nanos		startup;			/* how long the start took */
	int64_t		blocked_ms;			/* how long one command may take */
} MetricSources;

/* Content-Type of /metrics. */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
void server_metrics_write(ServerMetrics *metrics, const MetricSources *sources, StrBuf *out);

#endif
