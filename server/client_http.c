#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/library.h"
#include "server/client_impl.h"

#define POLL_MS 50				/* how often it is looked whether the user has cancelled */
#define CONNECT_TIMEOUT_MS 10000L

#define CURL_FUNCTIONS(X)                                                                                                                     \
	X(curl_global_init) X(curl_easy_init) X(curl_easy_setopt) X(curl_easy_getinfo) X(curl_easy_cleanup) X(curl_easy_reset) X(curl_easy_strerror) \
	X(curl_multi_init) X(curl_multi_add_handle) X(curl_multi_remove_handle) X(curl_multi_perform) X(curl_multi_poll)                          \
	X(curl_multi_info_read) X(curl_multi_cleanup) X(curl_slist_append) X(curl_slist_free_all)

/* curl's headers make macros of some names, which take any number of arguments. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#define FIELD(name) __typeof__(name) *p_##name;
typedef struct Curl {
	CURL_FUNCTIONS(FIELD)
} Curl;
#undef FIELD

static Status
curl_library(Curl *library, Error *err)
{
#define SYMBOL(name) {#name, offsetof(Curl, p_##name)},
	static const LibrarySymbol symbols[] = {CURL_FUNCTIONS(SYMBOL)};
#undef SYMBOL

	TRY(library_load("libcurl.so.4", "libcurl4", symbols, (int)(sizeof symbols / sizeof *symbols), library, err));
	if (library->p_curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return error_fatal(err, "libcurl cannot be initialised");
	return OK;
}

struct ClientHttp {
	Curl   lib;
	CURLM *multi;				/* keeps connections between requests */
	char  *url;					/* without '/' at its end */
	char  *user;
	char  *ca_file;
};

Status
client_http_open(const RemoteOptions *options, ClientHttp **out, Error *err)
{
	ClientHttp *http = xcalloc(1, sizeof *http);
	size_t		n;

	if (curl_library(&http->lib, err) != OK) {
		free(http);
		return FAILED;
	}
	http->multi = http->lib.p_curl_multi_init();
	http->url = xstrdup(options->url);
	n = strlen(http->url);
	while (n > 0 && http->url[n - 1] == '/')
		http->url[--n] = '\0';
	http->user = options->user != NULL ? xstrdup(options->user) : NULL;
	http->ca_file = options->ca_file != NULL ? xstrdup(options->ca_file) : NULL;
	*out = http;
	return OK;
}

void
client_http_close(ClientHttp *http)
{
	if (http == NULL)
		return;
	http->lib.p_curl_multi_cleanup(http->multi);
	free(http->url);
	free(http->user);
	free(http->ca_file);
	free(http);
}

typedef struct Transfer {
	ClientHttp *http;
	CURL	   *easy;
	ClientPiece piece;
	void	   *context;
	Status		status;			/* of the receiver */
	Error	   *err;
} Transfer;

static size_t
on_data(char *data, size_t size, size_t n, void *context)
{
	Transfer *t = context;
	long	  code = 0;

	t->http->lib.p_curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &code);
	t->status = t->piece(t->context, (int)code, str_make(data, size * n), t->err);
	return t->status == OK ? size * n : 0;
}

static void
set_options(ClientHttp *http, Transfer *t, const char *url, Str body, struct curl_slist *headers)
{
	const Curl *lib = &http->lib;

	lib->p_curl_easy_setopt(t->easy, CURLOPT_URL, url);
	lib->p_curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	lib->p_curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, headers);
	lib->p_curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	lib->p_curl_easy_setopt(t->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	lib->p_curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_data);
	lib->p_curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	if (body.data != NULL) {
		lib->p_curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, body.data);
		lib->p_curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE, (long)body.length);
	}
	if (http->user != NULL) {
		lib->p_curl_easy_setopt(t->easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		lib->p_curl_easy_setopt(t->easy, CURLOPT_USERPWD, http->user);
	}
	if (http->ca_file != NULL)
		lib->p_curl_easy_setopt(t->easy, CURLOPT_CAINFO, http->ca_file);
}

static Status
cannot_reach(ClientHttp *http, CURLcode code, Error *err)
{
	error_set(err, ERROR_TRANSIENT, "Cannot reach the server at %s: %s", http->url, http->lib.p_curl_easy_strerror(code));
	if (code == CURLE_COULDNT_CONNECT)
		return error_hint(err, "Is it running? `sluice server` starts one at http://127.0.0.1:8088.");
	return FAILED;
}

/* Until the transfer has ended or the user has cancelled. */
static Status
drive(ClientHttp *http, Transfer *t, const _Atomic bool *cancelled, Error *err)
{
	const Curl *lib = &http->lib;
	int			running = 1, left;

	while (running > 0) {
		CURLMsg *message;

		lib->p_curl_multi_perform(http->multi, &running);
		while ((message = lib->p_curl_multi_info_read(http->multi, &left)) != NULL)
			if (message->msg == CURLMSG_DONE && message->data.result != CURLE_OK && t->status == OK)
				return cannot_reach(http, message->data.result, err);
		if (t->status != OK)
			return t->status;
		if (*cancelled)
			return error_set(err, ERROR_INTERRUPTED, "Query terminated");
		if (running > 0)
			lib->p_curl_multi_poll(http->multi, NULL, 0, POLL_MS, NULL);
	}
	return OK;
}

Status
client_http_request(ClientHttp *http, const char *path, Str body, const char *accept, const _Atomic bool *cancelled, ClientPiece piece,
					void *context, int *status, Error *err)
{
	const Curl		  *lib = &http->lib;
	Transfer		   t = {.http = http, .easy = lib->p_curl_easy_init(), .piece = piece, .context = context, .err = err};
	struct curl_slist *headers = NULL;
	StrBuf			   url = {0}, accepted = {0};
	long			   code = 0;
	Status			   result;

	strbuf_printf(&url, "%s%s", http->url, path);
	strbuf_printf(&accepted, "Accept: %s", accept);
	headers = lib->p_curl_slist_append(headers, strbuf_text(&accepted));
	headers = lib->p_curl_slist_append(headers, "Content-Type: application/vnd.ksql.v1+json");
	/* A body of a kilobyte would otherwise wait for a 100. */
	headers = lib->p_curl_slist_append(headers, "Expect:");
	set_options(http, &t, strbuf_text(&url), body, headers);
	lib->p_curl_multi_add_handle(http->multi, t.easy);
	result = drive(http, &t, cancelled, err);
	lib->p_curl_easy_getinfo(t.easy, CURLINFO_RESPONSE_CODE, &code);
	lib->p_curl_multi_remove_handle(http->multi, t.easy);
	lib->p_curl_easy_cleanup(t.easy);
	lib->p_curl_slist_free_all(headers);
	strbuf_free(&url);
	strbuf_free(&accepted);
	*status = (int)code;
	return result;
}
