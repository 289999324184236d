#include "server/endpoint.h"

#include "server/server_impl.h"

const Endpoint endpoint_rows[] = {
	{"GET", "/", ROLE_READ, ENDPOINT_HEADLESS, handle_root, "Redirects to /info."},
	{"GET", "/info", ROLE_READ, ENDPOINT_HEADLESS, handle_info, "Version and identity of the server."},
	{"GET", "/healthcheck", ROLE_NONE, ENDPOINT_HEADLESS, handle_healthcheck, "Whether the parts of the server work."},
	{"GET", "/metrics", ROLE_READ, ENDPOINT_HEADLESS, handle_metrics, "Figures for Prometheus."},
	{"GET", "/clusterStatus", ROLE_READ, ENDPOINT_PLAIN, handle_cluster_status, "Hosts and their queries."},
	{"GET", "/status", ROLE_READ, ENDPOINT_PLAIN, handle_status_all, "What became of all commands since the start."},
	{"GET", "/status/{type}/{entity}/{action}", ROLE_READ, ENDPOINT_PLAIN, handle_status, "What became of one command."},
	{"GET", "/is_valid_property/{property}", ROLE_READ, ENDPOINT_PLAIN, handle_is_valid_property, "Whether a property may be SET."},
	{"GET", "/v1/metadata", ROLE_NONE, ENDPOINT_PLAIN, handle_metadata, "Version and id of the cluster."},
	{"GET", "/v1/metadata/id", ROLE_NONE, ENDPOINT_PLAIN, handle_metadata_id, "Id of the cluster."},
	{"POST", "/ksql", ROLE_READ, ENDPOINT_BODY, handle_ksql, "Statements other than queries; each needs its own role."},
	{"POST", "/ksql/terminate", ROLE_ADMIN, ENDPOINT_BODY, handle_terminate, "Ends all queries, deletes their topics and stops the server."},
	{"POST", "/query", ROLE_READ, ENDPOINT_BODY, handle_query, "One SELECT or PRINT; rows as objects."},
	{"POST", "/query-stream", ROLE_READ, ENDPOINT_BODY, handle_query_stream, "One SELECT or PRINT; rows as lines."},
	{"POST", "/inserts-stream", ROLE_WRITE, ENDPOINT_STREAM, handle_inserts, "Rows into a stream, acknowledged one by one; HTTP/2 only."},
	{"POST", "/close-query", ROLE_READ, ENDPOINT_BODY, handle_close_query, "Ends a push query by its id."},
	{"GET", "/ws/query", ROLE_READ, ENDPOINT_PLAIN, handle_websocket, "One SELECT or PRINT over WebSocket."},
	{"POST", "/heartbeat", ROLE_READ, ENDPOINT_PLAIN, handle_internal, "Between servers of other kinds: refused."},
	{"POST", "/lag", ROLE_READ, ENDPOINT_PLAIN, handle_internal, "Between servers of other kinds: refused."},
	{"GET", "/chc/ready", ROLE_NONE, ENDPOINT_ALWAYS | ENDPOINT_HEADLESS, handle_live, "The process answers."},
	{"GET", "/chc/live", ROLE_NONE, ENDPOINT_ALWAYS | ENDPOINT_HEADLESS, handle_live, "The process answers."},
	{NULL, NULL, ROLE_NONE, 0, NULL, NULL},
};

static Str
next_segment(Str *path)
{
	const char *slash;
	Str			segment;

	if (path->length > 0 && path->data[0] == '/')
		*path = str_make(path->data + 1, path->length - 1);
	slash = memchr(path->data, '/', path->length);
	segment = slash != NULL ? str_make(path->data, (size_t)(slash - path->data)) : *path;
	*path = str_make(path->data + segment.length, path->length - segment.length);
	return segment;
}

static const char *
decode_segment(Arena *arena, Str segment)
{
	StrBuf		text = {0};
	const char *decoded = NULL;

	if (http_percent_decode(segment, false, &text))
		decoded = arena_strdup(arena, strbuf_text(&text));
	strbuf_free(&text);
	return decoded;
}

/* Segment by segment; a {...} takes any that is not empty. */
static bool
path_matches(const char *pattern, Str path, Arena *arena, const char *segments[ENDPOINT_MAX_SEGMENTS])
{
	Str rule = str_of(pattern);
	int n = 0;

	while (rule.length > 0 && path.length > 0) {
		Str wanted = next_segment(&rule), given = next_segment(&path);

		if (wanted.length > 0 && wanted.data[0] == '{') {
			segments[n] = given.length > 0 ? decode_segment(arena, given) : NULL;
			if (segments[n++] == NULL)
				return false;
		} else if (!str_equal(wanted, given))
			return false;
	}
	return rule.length == 0 && path.length == 0;
}

const Endpoint *
endpoint_find(Str method, Str path, Arena *arena, const char *segments[ENDPOINT_MAX_SEGMENTS])
{
	for (const Endpoint *e = endpoint_rows; e->method != NULL; e++)
		if (str_equal(method, str_of(e->method)) && path_matches(e->path, path, arena, segments))
			return e;
	return NULL;
}
