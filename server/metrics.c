#include "server/metrics.h"

#include "engine/health.h"

#include <stdio.h>
#include <stdlib.h>

/* Statuses that are told apart; the rest is "other". */
static const int statuses[] = {0, 101, 200, 204, 307, 400, 401, 403, 404, 405, 406, 408, 409, 413, 417, 421, 428, 429, 431, 500, 501, 503};
#define N_STATUSES ((int)(sizeof statuses / sizeof *statuses))

typedef struct Route {
	_Atomic int64_t n[N_STATUSES + 1];
	_Atomic int64_t bytes;
	Latency			latency;
} Route;

typedef struct QueryCounts {
	_Atomic int64_t n_ok;
	_Atomic int64_t n_failed;
	_Atomic int64_t rows;
	Latency			latency;
} QueryCounts;

struct ServerMetrics {
	const char *const *routes;
	int			n_routes;
	Route	   *counts;				/* n_routes + 1 */
	QueryCounts queries[2];			/* by ServerQueryKind */
};

ServerMetrics *
server_metrics_new(const char *const *routes, int n_routes)
{
	ServerMetrics *metrics = xcalloc(1, sizeof *metrics);

	metrics->routes = routes;
	metrics->n_routes = n_routes;
	metrics->counts = xcalloc((size_t)n_routes + 1, sizeof *metrics->counts);
	return metrics;
}

void
server_metrics_free(ServerMetrics *metrics)
{
	if (metrics == NULL)
		return;
	free(metrics->counts);
	free(metrics);
}

void
server_metrics_request(ServerMetrics *metrics, int route, int status, Nanos took, int64_t bytes_sent)
{
	Route *counts = &metrics->counts[route >= 0 && route < metrics->n_routes ? route : metrics->n_routes];
	int	   s = 0;

	while (s < N_STATUSES && statuses[s] != status)
		s++;
	counts->n[s]++;
	counts->bytes += bytes_sent;
	latency_add(&counts->latency, took);
}

void
server_metrics_query(ServerMetrics *metrics, ServerQueryKind kind, bool is_ok, int64_t rows, Nanos took)
{
	QueryCounts *counts = &metrics->queries[kind];

	if (is_ok)
		counts->n_ok++;
	else
		counts->n_failed++;
	counts->rows += rows;
	latency_add(&counts->latency, took);
}

/* ---- text ---- */

static const char *
route_name(const ServerMetrics *metrics, int route)
{
	return route < metrics->n_routes ? metrics->routes[route] : "other";
}

/* Endpoints of one path and several methods are one route in the text: the first that has the name writes for all. */
static bool
is_first_of_name(const ServerMetrics *metrics, int route)
{
	for (int i = 0; i < route; i++)
		if (strcmp(route_name(metrics, i), route_name(metrics, route)) == 0)
			return false;
	return true;
}

static void
write_requests(ServerMetrics *metrics, MetricWriter *w)
{
	metric_family(w, "sluice_http_requests_total", METRIC_COUNTER, "Requests by endpoint and status; status 0: the client left before the answer.");
	for (int r = 0; r <= metrics->n_routes; r++)
		for (int s = 0; s <= N_STATUSES && is_first_of_name(metrics, r); s++) {
			char	status[16] = "other";
			int64_t n = 0;

			for (int k = r; k <= metrics->n_routes; k++)
				n += strcmp(route_name(metrics, k), route_name(metrics, r)) == 0 ? metrics->counts[k].n[s] : 0;
			if (n == 0)
				continue;
			if (s < N_STATUSES)
				snprintf(status, sizeof status, "%d", statuses[s]);
			metric_value(w, (MetricLabel[]){{"endpoint", route_name(metrics, r)}, {"status", status}}, 2, (double)n);
		}
	metric_family(w, "sluice_http_request_seconds", METRIC_HISTOGRAM, "Time from a request's head to the end of its response.");
	for (int r = 0; r <= metrics->n_routes; r++)
		if (latency_count(&metrics->counts[r].latency) > 0 && is_first_of_name(metrics, r))
			metric_latency(w, &(MetricLabel){"endpoint", route_name(metrics, r)}, 1, &metrics->counts[r].latency);
	metric_family(w, "sluice_http_response_bytes_total", METRIC_COUNTER, "Bytes of responses.");
	for (int r = 0; r <= metrics->n_routes; r++)
		if (metrics->counts[r].bytes > 0 && is_first_of_name(metrics, r))
			metric_value(w, &(MetricLabel){"endpoint", route_name(metrics, r)}, 1, (double)metrics->counts[r].bytes);
}

static void
write_query_kind(const QueryCounts *c, MetricWriter *w, const char *names[4], const char *what)
{
	char help[128];

	snprintf(help, sizeof help, "%s queries over HTTP that have ended.", what);
	metric_single(w, names[0], METRIC_COUNTER, help, (double)(c->n_ok + c->n_failed));
	snprintf(help, sizeof help, "%s queries that failed.", what);
	metric_single(w, names[1], METRIC_COUNTER, help, (double)c->n_failed);
	snprintf(help, sizeof help, "Rows that %s queries gave.", what);
	metric_single(w, names[2], METRIC_COUNTER, help, (double)c->rows);
	snprintf(help, sizeof help, "Time of %s queries.", what);
	metric_family(w, names[3], METRIC_HISTOGRAM, help);
	metric_latency(w, NULL, 0, &c->latency);
}

static void
write_limits(Limits *limits, MetricWriter *w)
{
	LimitCounts counts = limits_counts(limits);

	metric_single(w, "sluice_push_queries", METRIC_GAUGE, "Push queries that run.", (double)counts.n_push);
	metric_single(w, "sluice_pull_queries", METRIC_GAUGE, "Pull queries that run.", (double)counts.n_pull);
	metric_single(w, "sluice_limit_refusals_total", METRIC_COUNTER, "Queries and commands that a limit refused.", (double)counts.n_refused);
}

static void
write_auth(const Auth *auth, MetricWriter *w)
{
	AuthCounts counts = auth_counts(auth);

	metric_family(w, "sluice_logins_total", METRIC_COUNTER, "Log-ins by outcome.");
	metric_value(w, &(MetricLabel){"outcome", "verified"}, 1, (double)counts.n_accepted);
	metric_value(w, &(MetricLabel){"outcome", "remembered"}, 1, (double)counts.n_remembered);
	metric_value(w, &(MetricLabel){"outcome", "refused"}, 1, (double)counts.n_refused);
	metric_value(w, &(MetricLabel){"outcome", "limited"}, 1, (double)counts.n_limited);
}

static void
write_log(const MetricSources *sources, MetricWriter *w)
{
	metric_family(w, "sluice_log_events_total", METRIC_COUNTER, "Events in the log by level.");
	for (int level = 0; level < LOG_LEVELS; level++)
		metric_value(w, &(MetricLabel){"level", log_level_name((LogLevel)level)}, 1, (double)log_count(sources->log, (LogLevel)level));
	metric_single(w, "sluice_log_lost_total", METRIC_COUNTER, "Lines of the logs that could not be written.",
				  (double)(log_lost(sources->log) + (sources->audit_log != sources->log ? log_lost(sources->audit_log) : 0)));
}

static void
write_command_runner(const MetricSources *s, MetricWriter *w)
{
	CommandRunnerState state = engine_command_runner(s->engine, s->blocked_ms);

	metric_family(w, "sluice_command_runner_state", METRIC_GAUGE, "1 for the state that the runner of commands is in.");
	for (int i = 0; i < COMMAND_RUNNER_STATES; i++)
		metric_value(w, &(MetricLabel){"state", command_runner_state_name((CommandRunnerState)i)}, 1, i == (int)state);
}

static void
write_sources(const MetricSources *s, MetricWriter *w)
{
	metric_single(w, "sluice_up", METRIC_GAUGE, "1: the server answers.", 1);
	metric_family(w, "sluice_build_info", METRIC_GAUGE, "1, with the version as label.");
	metric_value(w, &(MetricLabel){"version", s->version != NULL ? s->version : ""}, 1, 1);
	metric_single(w, "sluice_startup_seconds", METRIC_GAUGE, "Time that the start of the server took.", (double)s->startup / 1e9);
	metric_single(w, "sluice_http_connections", METRIC_GAUGE, "Open connections.", s->n_connections);
	if (s->limits != NULL)
		write_limits(s->limits, w);
	if (s->auth != NULL)
		write_auth(s->auth, w);
	if (s->tls != NULL)
		metric_single(w, "sluice_tls_certificate_expiry_timestamp_seconds", METRIC_GAUGE, "When the server's certificate expires.",
					  (double)tls_expiry(s->tls) / 1000);
	write_log(s, w);
	if (s->engine != NULL) {
		write_command_runner(s, w);
		engine_write_metrics(s->engine, w);
	}
	metric_process(w);
}

void
server_metrics_write(ServerMetrics *metrics, const MetricSources *sources, StrBuf *out)
{
	static const char *pull[4] = {"sluice_pull_requests_total", "sluice_pull_errors_total", "sluice_pull_rows_returned_total", "sluice_pull_latency_seconds"};
	static const char *push[4] = {"sluice_push_requests_total", "sluice_push_errors_total", "sluice_push_rows_returned_total", "sluice_push_duration_seconds"};
	MetricLabel		   common[16];
	Arena			   arena = {0};
	MetricWriter	   w = {.out = out, .common = common, .n_common = 1};

	common[0] = (MetricLabel){"service", sources->service_id != NULL ? sources->service_id : ""};
	w.n_common += metric_labels_parse(&arena, sources->custom_tags, common + 1, 15);
	write_sources(sources, &w);
	write_requests(metrics, &w);
	write_query_kind(&metrics->queries[SERVER_PULL], &w, pull, "Pull");
	write_query_kind(&metrics->queries[SERVER_PUSH], &w, push, "Push");
	arena_free(&arena);
}
