#include "io/http.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#include "common/cancel.h"

#define REDIRECTS_MAX 5
#define HELD_BYTES ((size_t)1 << 20)	/* of a body that wait to be read: then the sender is told to wait */
#define CONNECT_SECONDS 20
#define STALLED_SECONDS 60
#define POLL_MS 250						/* after which it is seen that nobody wants the answer any more */

/* ---- the library ---- */

typedef struct Curl {
	CURLcode (*global_init)(long flags);
	CURL *(*easy_init)(void);
	CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
	CURLcode (*easy_getinfo)(CURL *handle, CURLINFO info, ...);
	CURLcode (*easy_pause)(CURL *handle, int bits);
	void (*easy_cleanup)(CURL *handle);
	void (*easy_reset)(CURL *handle);
	const char *(*easy_strerror)(CURLcode code);
	struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
	void (*slist_free_all)(struct curl_slist *list);
	CURLM *(*multi_init)(void);
	CURLMcode (*multi_add_handle)(CURLM *multi, CURL *handle);
	CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *handle);
	CURLMcode (*multi_perform)(CURLM *multi, int *running);
	CURLMcode (*multi_poll)(CURLM *multi, struct curl_waitfd *extra, unsigned n_extra, int timeout_ms, int *n_ready);
	CURLMsg *(*multi_info_read)(CURLM *multi, int *left);
	CURLMcode (*multi_cleanup)(CURLM *multi);
	bool is_loaded;
} Curl;

/* Filled once, then only read. */
static Curl			  curl;
static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void
load_curl(void)
{
	static const struct {
		const char *name;
		size_t		offset;
	} symbols[] = {
#define SYMBOL(field) {"curl_" #field, offsetof(Curl, field)}
		SYMBOL(global_init),		SYMBOL(easy_init),	   SYMBOL(easy_setopt),	  SYMBOL(easy_getinfo),	   SYMBOL(easy_pause),
		SYMBOL(easy_cleanup),		SYMBOL(easy_reset),	   SYMBOL(easy_strerror), SYMBOL(slist_append),	   SYMBOL(slist_free_all),
		SYMBOL(multi_init),			SYMBOL(multi_add_handle), SYMBOL(multi_remove_handle), SYMBOL(multi_perform), SYMBOL(multi_poll),
		SYMBOL(multi_info_read),	SYMBOL(multi_cleanup),
#undef SYMBOL
	};
	void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	bool  all = library != NULL;

	for (size_t i = 0; i < sizeof symbols / sizeof symbols[0] && all; i++) {
		void *symbol = dlsym(library, symbols[i].name);

		memcpy((char *)&curl + symbols[i].offset, &symbol, sizeof symbol);
		all = symbol != NULL;
	}
	curl.is_loaded = all && curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* ---- addresses ---- */

bool
path_is_url(const char *path)
{
	return strncasecmp(path, "http://", 7) == 0 || strncasecmp(path, "https://", 8) == 0;
}

const char *
url_shown(Arena *arena, const char *url)
{
	const char *host = strstr(url, "://");
	const char *end = url + strcspn(url, "?#"), *at = NULL;

	host = host != NULL ? host + 3 : url;
	for (const char *p = host; p < end && *p != '/'; p++)
		if (*p == '@')
			at = p;
	return at == NULL ? arena_strndup(arena, url, (size_t)(end - url))
					  : arena_printf(arena, "%.*s%.*s", (int)(host - url), url, (int)(end - at - 1), at + 1);
}

/* ---- clients ---- */

struct HttpClient {
	const FileAccess  *access;
	CURL			  *easy;
	CURLM			  *multi;
	Arena			   arena;			/* of a request */
	const char		  *url;				/* as it may be shown */
	struct curl_slist *headers;
	HttpResponse	   response;
	bool			   is_open;			/* the handle is at work */
	bool			   has_headers;
	bool			   is_done;
	bool			   is_paused;
	CURLcode		   code;
	char			   reason[CURL_ERROR_SIZE];
	StrBuf			   body;
	size_t			   body_pos;
};

Status
http_client_new(const FileAccess *access, HttpClient **out, Error *err)
{
	HttpClient *client;

	*out = NULL;
	pthread_once(&curl_once, load_curl);
	if (!curl.is_loaded) {
		error_unsupported(err, "Addresses cannot be read: libcurl is not installed here");
		return error_hint(err, "apt-get install libcurl4");
	}
	client = xcalloc(1, sizeof *client);
	client->access = access;
	client->easy = curl.easy_init();
	client->multi = curl.multi_init();
	*out = client;
	return OK;
}

void
http_client_free(HttpClient *client)
{
	if (client == NULL)
		return;
	http_client_end(client);
	curl.easy_cleanup(client->easy);
	curl.multi_cleanup(client->multi);
	strbuf_free(&client->body);
	arena_free(&client->arena);
	free(client);
}

void
http_client_end(HttpClient *client)
{
	if (client->is_open)
		curl.multi_remove_handle(client->multi, client->easy);
	curl.slist_free_all(client->headers);
	client->headers = NULL;
	client->is_open = false;
	strbuf_clear(&client->body);
	client->body_pos = 0;
}

/* ---- what comes ---- */

static size_t
take_body(char *data, size_t size, size_t n, void *context)
{
	HttpClient *client = context;

	if (client->body.length - client->body_pos > HELD_BYTES) {
		client->is_paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	strbuf_add(&client->body, data, size * n);
	return size * n;
}

static bool
header_value(Str line, const char *name, Str *value)
{
	size_t n = strlen(name);

	if (line.length <= n || strncasecmp(line.data, name, n) != 0 || line.data[n] != ':')
		return false;
	*value = str_trim(str_make(line.data + n + 1, line.length - n - 1));
	return true;
}

/* "HTTP/1.1 206 Partial Content": begins the headers of an answer, of which there may be several (100, redirects). */
static void
take_status(HttpClient *client, Str line)
{
	const char *space = memchr(line.data, ' ', line.length);
	Str			rest = space != NULL ? str_trim(str_make(space, (size_t)(line.data + line.length - space))) : (Str){0};
	size_t		n = 0;

	client->response = (HttpResponse){.length = -1, .range_first = -1, .range_total = -1};
	while (n < rest.length && rest.data[n] >= '0' && rest.data[n] <= '9')
		client->response.status = client->response.status * 10 + (rest.data[n++] - '0');
	rest = str_trim(str_make(rest.data + n, rest.length - n));
	snprintf(client->response.reason, sizeof client->response.reason, "%.*s", (int)rest.length, rest.data);
}

static void
take_content_range(HttpClient *client, Str value)
{
	long long first, last, total;
	char	  text[128];

	snprintf(text, sizeof text, "%.*s", (int)value.length, value.data);
	if (sscanf(text, "bytes %lld-%lld/%lld", &first, &last, &total) == 3) {
		client->response.range_first = first;
		client->response.range_total = total;
	}
}

static size_t
take_header(char *data, size_t size, size_t n, void *context)
{
	HttpClient *client = context;
	Str			line = str_trim(str_make(data, size * n)), value;

	if (str_starts_with(line, STR("HTTP/")))
		take_status(client, line);
	else if (line.length == 0)
		client->has_headers = client->response.status >= 200;
	else if (header_value(line, "Content-Range", &value))
		take_content_range(client, value);
	else if (header_value(line, "ETag", &value))
		snprintf(client->response.etag, sizeof client->response.etag, "%.*s", (int)value.length, value.data);
	return size * n;
}

/* ---- requests ---- */

static Status
fail_transfer(HttpClient *client, Error *err)
{
	error_set(err, ERROR_TRANSIENT, "'%s' cannot be read: %s", client->url,
			  client->reason[0] != '\0' ? client->reason : curl.easy_strerror(client->code));
	switch (client->code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return error_hint(err, "Is the name of the host right, and is there a network?");
	case CURLE_COULDNT_CONNECT:
		return error_hint(err, "Nothing answers at that address and port");
	case CURLE_OPERATION_TIMEDOUT:
		return error_hint(err, "The server is too slow, or the connection is lost: try again");
	case CURLE_PEER_FAILED_VERIFICATION:
		return error_hint(err, "The server's certificate is not trusted here");
	default:
		return FAILED;
	}
}

static void
set_range(HttpClient *client, const HttpRequest *request)
{
	char *text;

	if (!request->has_range)
		return;
	text = request->range_first < 0 ? arena_printf(&client->arena, "%lld", (long long)request->range_first)
									: arena_printf(&client->arena, "%lld-%lld", (long long)request->range_first, (long long)request->range_last);
	curl.easy_setopt(client->easy, CURLOPT_RANGE, text);
}

static void
set_up(HttpClient *client, const HttpRequest *request, const char *url)
{
	CURL *e = client->easy;

	curl.easy_reset(e);
	curl.easy_setopt(e, CURLOPT_URL, url);
	curl.easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl.easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl.easy_setopt(e, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl.easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl.easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)STALLED_SECONDS);
	curl.easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	curl.easy_setopt(e, CURLOPT_USERAGENT, "sluice");
	curl.easy_setopt(e, CURLOPT_FILETIME, 1L);
	curl.easy_setopt(e, CURLOPT_ERRORBUFFER, client->reason);
	curl.easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
	curl.easy_setopt(e, CURLOPT_WRITEDATA, client);
	curl.easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
	curl.easy_setopt(e, CURLOPT_HEADERDATA, client);
	for (int i = 0; i < request->n_headers; i++)
		client->headers = curl.slist_append(client->headers, request->headers[i]);
	if (request->body.data != NULL) {
		curl.easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
		curl.easy_setopt(e, CURLOPT_POSTFIELDS, request->body.data);
		/* a body is small here: no asking first whether it may be sent */
		client->headers = curl.slist_append(client->headers, "Expect:");
	}
	curl.easy_setopt(e, CURLOPT_HTTPHEADER, client->headers);
	if (request->method != NULL && strcmp(request->method, "HEAD") == 0)
		curl.easy_setopt(e, CURLOPT_NOBODY, 1L);
	else if (request->method != NULL)
		curl.easy_setopt(e, CURLOPT_CUSTOMREQUEST, request->method);
	set_range(client, request);
	client->has_headers = client->is_done = client->is_paused = false;
	client->reason[0] = '\0';
	client->response = (HttpResponse){.length = -1, .range_first = -1, .range_total = -1};
}

static Status
fail_cancelled(const HttpClient *client, Error *err)
{
	return error_set(err, ERROR_INTERRUPTED, "'%s' was not read to its end: it was cancelled", client->url);
}

/* Lets the transfer go on until something has come. */
static Status
go_on(HttpClient *client, Error *err)
{
	int		 running, left, n_ready = 1;
	CURLMsg *message;

	curl.multi_perform(client->multi, &running);
	while ((message = curl.multi_info_read(client->multi, &left)) != NULL)
		if (message->msg == CURLMSG_DONE) {
			client->is_done = true;
			client->code = message->data.result;
		}
	if (client->is_done)
		return client->code == CURLE_OK ? OK : fail_transfer(client, err);
	if (!client->has_headers || client->body_pos == client->body.length)
		curl.multi_poll(client->multi, NULL, 0, POLL_MS, &n_ready);
	return cancel_is_asked() || (n_ready == 0 && cancel_ends_waits()) ? fail_cancelled(client, err) : OK;
}

static bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void
take_infos(HttpClient *client, HttpResponse *response)
{
	curl_off_t length = -1, modified = -1;

	curl.easy_getinfo(client->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	curl.easy_getinfo(client->easy, CURLINFO_FILETIME_T, &modified);
	client->response.length = length;
	client->response.modified = modified > 0 ? (Time)modified * 1000 : 0;
	*response = client->response;
}

Status
http_client_begin(HttpClient *client, const HttpRequest *request, HttpResponse *response, Error *err)
{
	const char *url = request->url;

	for (int n = 0;; n++) {
		char *to = NULL;

		http_client_end(client);
		if (n == 0)
			arena_reset(&client->arena);
		client->url = url_shown(&client->arena, url);
		TRY(url_access_check(client->access, url, err));
		set_up(client, request, url);
		curl.multi_add_handle(client->multi, client->easy);
		client->is_open = true;
		while (!client->has_headers && !client->is_done)
			TRY(go_on(client, err));
		take_infos(client, response);
		if (!is_redirect(response->status))
			return OK;
		curl.easy_getinfo(client->easy, CURLINFO_REDIRECT_URL, &to);
		if (to == NULL)
			return OK;
		if (n == REDIRECTS_MAX)
			return error_user(err, "'%s' cannot be read: it was redirected more than %d times", client->url, REDIRECTS_MAX);
		url = arena_strdup(&client->arena, to);
	}
}

Status
http_client_read(HttpClient *client, void *to, size_t size, size_t *got, Error *err)
{
	size_t there;

	*got = 0;
	while (client->body_pos == client->body.length && !client->is_done) {
		strbuf_clear(&client->body);
		client->body_pos = 0;
		if (client->is_paused) {
			client->is_paused = false;
			curl.easy_pause(client->easy, CURLPAUSE_CONT);
		}
		TRY(go_on(client, err));
	}
	there = client->body.length - client->body_pos;
	*got = size < there ? size : there;
	if (*got > 0)
		memcpy(to, client->body.data + client->body_pos, *got);
	client->body_pos += *got;
	return OK;
}

Status
http_client_fetch(HttpClient *client, const HttpRequest *request, int64_t max_bytes, HttpResponse *response, StrBuf *body, Error *err)
{
	size_t got = 1;
	char   block[16 << 10];

	TRY(http_client_begin(client, request, response, err));
	while (got > 0) {
		TRY(http_client_read(client, block, sizeof block, &got, err));
		strbuf_add(body, block, got);
		if ((int64_t)body->length > max_bytes)
			return error_user(err, "'%s' answers with more than %lld bytes", client->url, (long long)max_bytes);
	}
	http_client_end(client);
	return OK;
}

Status
http_status_error(const char *url, const HttpResponse *response, Error *err)
{
	Arena arena = {0};

	error_user(err, "'%s' cannot be read: HTTP status %d%s%s", url_shown(&arena, url), response->status, response->reason[0] != '\0' ? " " : "",
			   response->reason);
	arena_free(&arena);
	switch (response->status) {
	case 401:
	case 403:
		return error_hint(err, "The server wants to know who asks: https://user:password@host/...");
	case 404:
	case 410:
		return error_hint(err, "There is no such file on the server");
	case 429:
	case 503:
		return error_hint(err, "The server is busy: try again later");
	default:
		return FAILED;
	}
}
