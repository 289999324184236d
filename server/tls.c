#include "server/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "common/library.h"

/* ---- the library ---- */

#define SSL_FUNCTIONS(X)                                                                                                     \
	X(SSL_CTX_new) X(SSL_CTX_free) X(TLS_server_method) X(SSL_CTX_ctrl) X(SSL_CTX_set_options) X(SSL_CTX_use_certificate_chain_file) \
	X(SSL_CTX_use_certificate) X(SSL_CTX_use_PrivateKey) X(SSL_CTX_use_PrivateKey_file) X(SSL_CTX_check_private_key)         \
	X(SSL_CTX_load_verify_locations) X(SSL_load_client_CA_file) X(SSL_CTX_set_client_CA_list) X(SSL_CTX_set_verify)          \
	X(SSL_CTX_set_alpn_select_cb) X(SSL_CTX_set_cipher_list) X(SSL_CTX_set_ciphersuites) X(SSL_CTX_set_session_id_context)   \
	X(SSL_CTX_set_default_passwd_cb) X(SSL_CTX_set_default_passwd_cb_userdata) X(SSL_CTX_get0_certificate) X(SSL_new)        \
	X(SSL_free) X(SSL_set_fd) X(SSL_set_accept_state) X(SSL_read) X(SSL_write) X(SSL_get_error) X(SSL_shutdown)              \
	X(SSL_get0_alpn_selected) X(SSL_get0_peer_certificate) X(SSL_get_verify_result) X(SSL_is_init_finished)                  \
	X(OPENSSL_cipher_name)

#define CRYPTO_FUNCTIONS(X)                                                                                                  \
	X(ERR_get_error) X(ERR_clear_error) X(ERR_error_string_n) X(BIO_new_file) X(BIO_free) X(d2i_PKCS12_bio) X(PKCS12_parse)  \
	X(PKCS12_free) X(X509_free) X(EVP_PKEY_free) X(OPENSSL_sk_num) X(OPENSSL_sk_value) X(OPENSSL_sk_free)                    \
	X(X509_get_subject_name) X(X509_NAME_get_text_by_NID) X(X509_get0_notAfter) X(ASN1_TIME_to_tm)

#define FIELD(name) __typeof__(name) *name;
typedef struct OpenSsl {
	SSL_FUNCTIONS(FIELD)
	CRYPTO_FUNCTIONS(FIELD)
} OpenSsl;
#undef FIELD

static Status
openssl_load(OpenSsl *lib, Error *err)
{
#define SYMBOL(name) {#name, offsetof(OpenSsl, name)},
	static const LibrarySymbol ssl[] = {SSL_FUNCTIONS(SYMBOL)};
	static const LibrarySymbol crypto[] = {CRYPTO_FUNCTIONS(SYMBOL)};
#undef SYMBOL

	TRY(library_load("libcrypto.so.3", "libssl3", crypto, (int)(sizeof crypto / sizeof *crypto), lib, err));
	return library_load("libssl.so.3", "libssl3", ssl, (int)(sizeof ssl / sizeof *ssl), lib, err);
}

/* ---- state ---- */

struct Tls {
	HttpTls			http;			/* first: the listeners hold this */
	OpenSsl			lib;
	Settings	   *settings;
	pthread_mutex_t lock;			/* around context */
	SSL_CTX		   *context;
	Time			expiry;
};

typedef struct Session {
	Tls *tls;
	SSL *ssl;
	char peer_name[256];			/* "": not asked yet or none */
} Session;

static const char *
text_of(const Tls *tls, const char *setting)
{
	const char *text = settings_text(tls->settings, setting);

	return text != NULL && text[0] != '\0' ? text : NULL;
}

/* Adds OpenSSL's reason to a message that names the setting. */
static Status
fail_setting(Tls *tls, const char *setting, const char *path, const char *what, Error *err)
{
	unsigned long code = tls->lib.ERR_get_error();
	char		  reason[256] = "";

	if (code != 0)
		tls->lib.ERR_error_string_n(code, reason, sizeof reason);
	tls->lib.ERR_clear_error();
	return error_user(err, "%s '%s' %s%s%s", setting, path, what, reason[0] != '\0' ? ": " : "", reason);
}

static Status
check_file(const char *setting, const char *path, bool is_private, Error *err)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return error_user(err, "%s '%s' cannot be read: %s", setting, path, strerror(errno));
	if (is_private && (st.st_mode & 0007)) {
		error_user(err, "%s '%s' holds a private key and can be read by everybody", setting, path);
		return error_hint(err, "chmod 640 %s", path);
	}
	return OK;
}

/* ---- certificates ---- */

static int
give_password(char *buffer, int size, int is_writing, void *password)
{
	int n = password != NULL ? (int)strlen(password) : 0;

	(void)is_writing;
	if (n > size)
		return -1;
	memcpy(buffer, password != NULL ? password : "", (size_t)n);
	return n;
}

static Status
use_pem(Tls *tls, SSL_CTX *context, const char *certificate, Error *err)
{
	const char *key = text_of(tls, "ssl.key.location");
	const char *key_setting = key != NULL ? "ssl.key.location" : "ssl.keystore.location";

	if (key == NULL)
		key = certificate;
	TRY(check_file("ssl.keystore.location", certificate, false, err));
	TRY(check_file(key_setting, key, true, err));
	tls->lib.SSL_CTX_set_default_passwd_cb(context, give_password);
	tls->lib.SSL_CTX_set_default_passwd_cb_userdata(context, (void *)text_of(tls, "ssl.key.password"));
	if (tls->lib.SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
		return fail_setting(tls, "ssl.keystore.location", certificate, "has no certificate in PEM", err);
	if (tls->lib.SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		return fail_setting(tls, key_setting, key, "has no private key in PEM that fits the certificate, or ssl.key.password is wrong", err);
	return OK;
}

/* Gives the certificates of a store to the context. */
static Status
use_parsed(Tls *tls, SSL_CTX *context, const char *path, EVP_PKEY *key, X509 *certificate, STACK_OF(X509) *chain, Error *err)
{
	int n = chain != NULL ? tls->lib.OPENSSL_sk_num((const OPENSSL_STACK *)chain) : 0;

	if (key == NULL || certificate == NULL || tls->lib.SSL_CTX_use_certificate(context, certificate) != 1 ||
		tls->lib.SSL_CTX_use_PrivateKey(context, key) != 1)
		return fail_setting(tls, "ssl.keystore.location", path, "has no certificate with its private key", err);
	for (int i = 0; i < n; i++) {
		X509 *link = tls->lib.OPENSSL_sk_value((const OPENSSL_STACK *)chain, i);

		/* SSL_CTX_add1_chain_cert, which is a macro of this */
		if (tls->lib.SSL_CTX_ctrl(context, SSL_CTRL_CHAIN_CERT, 1, link) != 1)
			return fail_setting(tls, "ssl.keystore.location", path, "has a chain that cannot be used", err);
	}
	return OK;
}

static Status
use_pkcs12(Tls *tls, SSL_CTX *context, const char *path, Error *err)
{
	const char	   *password = text_of(tls, "ssl.keystore.password");
	BIO			   *file;
	PKCS12		   *store = NULL;
	EVP_PKEY	   *key = NULL;
	X509		   *certificate = NULL;
	STACK_OF(X509) *chain = NULL;
	Status			status;

	TRY(check_file("ssl.keystore.location", path, true, err));
	file = tls->lib.BIO_new_file(path, "rb");
	if (file != NULL)
		store = tls->lib.d2i_PKCS12_bio(file, NULL);
	if (store == NULL)
		status = fail_setting(tls, "ssl.keystore.location", path, "is not PKCS12", err);
	else if (tls->lib.PKCS12_parse(store, password != NULL ? password : "", &key, &certificate, &chain) != 1)
		status = fail_setting(tls, "ssl.keystore.location", path, "cannot be opened with ssl.keystore.password", err);
	else
		status = use_parsed(tls, context, path, key, certificate, chain, err);
	for (int i = chain != NULL ? tls->lib.OPENSSL_sk_num((const OPENSSL_STACK *)chain) : 0; i > 0; i--)
		tls->lib.X509_free(tls->lib.OPENSSL_sk_value((const OPENSSL_STACK *)chain, i - 1));
	tls->lib.OPENSSL_sk_free((OPENSSL_STACK *)chain);
	tls->lib.X509_free(certificate);
	tls->lib.EVP_PKEY_free(key);
	tls->lib.PKCS12_free(store);
	tls->lib.BIO_free(file);
	return status;
}

static Status
use_keystore(Tls *tls, SSL_CTX *context, Error *err)
{
	const char *path = text_of(tls, "ssl.keystore.location");
	const char *type = settings_text(tls->settings, "ssl.keystore.type");

	if (path == NULL) {
		error_user(err, "An https:// listener needs ssl.keystore.location");
		return error_hint(err, "It names a PEM file with the certificate and its chain; the key may be in it or in ssl.key.location.");
	}
	if (strcasecmp(type, "JKS") == 0) {
		error_user(err, "ssl.keystore.type JKS cannot be read");
		return error_hint(err, "Convert it: keytool -importkeystore -srckeystore %s -destkeystore server.p12 -deststoretype PKCS12", path);
	}
	TRY(strcasecmp(type, "PKCS12") == 0 ? use_pkcs12(tls, context, path, err) : use_pem(tls, context, path, err));
	if (tls->lib.SSL_CTX_check_private_key(context) != 1)
		return fail_setting(tls, "ssl.keystore.location", path, "and the private key don't belong together", err);
	return OK;
}

/* ---- clients ---- */

static Status
use_truststore(Tls *tls, SSL_CTX *context, Error *err)
{
	const char *want = settings_text(tls->settings, "ssl.client.authentication");
	const char *path = text_of(tls, "ssl.truststore.location");
	bool		is_required = strcasecmp(want, "REQUIRED") == 0 || settings_bool(tls->settings, "ssl.client.auth");

	if (!is_required && strcasecmp(want, "REQUESTED") != 0)
		return OK;
	if (path == NULL) {
		error_user(err, "ssl.client.authentication needs ssl.truststore.location");
		return error_hint(err, "It names a PEM file of the authorities whose clients are let in.");
	}
	TRY(check_file("ssl.truststore.location", path, false, err));
	if (strcasecmp(settings_text(tls->settings, "ssl.truststore.type"), "PEM") != 0 ||
		tls->lib.SSL_CTX_load_verify_locations(context, path, NULL) != 1) {
		fail_setting(tls, "ssl.truststore.location", path, "has no certificates in PEM", err);
		return error_hint(err, "Export them with: keytool -exportcert -rfc, or openssl pkcs12 -nokeys");
	}
	tls->lib.SSL_CTX_set_client_CA_list(context, tls->lib.SSL_load_client_CA_file(path));
	tls->lib.SSL_CTX_set_verify(context, is_required ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_PEER, NULL);
	return OK;
}

/* ---- versions and ciphers ---- */

/* Calls visit for each item of a list with commas or colons between. */
static Status
visit_list(Tls *tls, const char *list, Status (*visit)(Tls *tls, Str item, void *context, Error *err), void *context, Error *err)
{
	while (*list != '\0') {
		size_t n = strcspn(list, ",:");
		Str	   item = str_trim(str_make(list, n));

		if (item.length > 0)
			TRY(visit(tls, item, context, err));
		list += n + (list[n] != '\0');
	}
	return OK;
}

static Status
take_protocol(Tls *tls, Str item, void *context, Error *err)
{
	bool *wants = context;

	(void)tls;
	if (str_equal_nocase(item, STR("TLSv1.2")))
		wants[0] = true;
	else if (str_equal_nocase(item, STR("TLSv1.3")))
		wants[1] = true;
	else {
		error_user(err, "ssl.enabled.protocols: '%.*s' is not spoken", (int)item.length, item.data);
		return error_hint(err, "There are TLSv1.2 and TLSv1.3; what is older is not safe.");
	}
	return OK;
}

static Status
set_protocols(Tls *tls, SSL_CTX *context, Error *err)
{
	bool wants[2] = {false, false};
	int	 lowest, highest;

	TRY(visit_list(tls, settings_text(tls->settings, "ssl.enabled.protocols"), take_protocol, wants, err));
	if (!wants[0] && !wants[1])
		return error_user(err, "ssl.enabled.protocols is empty: there are TLSv1.2 and TLSv1.3");
	lowest = wants[0] ? TLS1_2_VERSION : TLS1_3_VERSION;
	highest = wants[1] ? TLS1_3_VERSION : TLS1_2_VERSION;
	tls->lib.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, lowest, NULL);
	tls->lib.SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, highest, NULL);
	return OK;
}

/* Names of TLS 1.3 go into the second list; Java's (IANA's) names of TLS 1.2 are OpenSSL's under another name. */
static Status
take_cipher(Tls *tls, Str item, void *context, Error *err)
{
	StrBuf	   *lists = context;
	char		name[128];
	const char *known;
	bool		is_13 = str_starts_with(item, STR("TLS_AES_")) || str_starts_with(item, STR("TLS_CHACHA20_"));
	StrBuf	   *list = &lists[is_13];

	if (item.length >= sizeof name)
		return error_user(err, "ssl.cipher.suites: a name is too long");
	memcpy(name, item.data, item.length);
	name[item.length] = '\0';
	known = is_13 ? name : tls->lib.OPENSSL_cipher_name(name);
	strbuf_printf(list, "%s%s", list->length > 0 ? ":" : "", known != NULL && strcmp(known, "(NONE)") != 0 ? known : name);
	return OK;
}

static Status
set_ciphers(Tls *tls, SSL_CTX *context, Error *err)
{
	const char *ciphers = text_of(tls, "ssl.cipher.suites");
	StrBuf		lists[2] = {{0}, {0}};
	Status		status = OK;

	if (ciphers == NULL)
		return OK;
	status = visit_list(tls, ciphers, take_cipher, lists, err);
	if (status == OK && ((lists[0].length > 0 && tls->lib.SSL_CTX_set_cipher_list(context, lists[0].data) != 1) ||
						 (lists[1].length > 0 && tls->lib.SSL_CTX_set_ciphersuites(context, lists[1].data) != 1)))
		status = fail_setting(tls, "ssl.cipher.suites", ciphers, "names no cipher that OpenSSL knows", err);
	strbuf_free(&lists[0]);
	strbuf_free(&lists[1]);
	return status;
}

static int
select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_length, const unsigned char *offered, unsigned n_offered, void *context)
{
	static const char *const wanted[] = {"\x02h2", "\x08http/1.1"};

	(void)ssl;
	(void)context;
	for (int w = 0; w < 2; w++) {
		unsigned length = (unsigned char)wanted[w][0];

		for (unsigned i = 0; i + 1 + length <= n_offered; i += 1u + offered[i]) {
			if (memcmp(offered + i, wanted[w], length + 1) != 0)
				continue;
			*out = offered + i + 1;
			*out_length = (unsigned char)length;
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_NOACK;
}

/* ---- the context ---- */

static Time
certificate_expiry(Tls *tls, SSL_CTX *context)
{
	const X509 *certificate = tls->lib.SSL_CTX_get0_certificate(context);
	struct tm	tm = {0};

	if (certificate == NULL || tls->lib.ASN1_TIME_to_tm(tls->lib.X509_get0_notAfter(certificate), &tm) != 1)
		return 0;
	return (Time)timegm(&tm) * 1000;
}

static Status
configure(Tls *tls, SSL_CTX *context, Error *err)
{
	tls->lib.SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	tls->lib.SSL_CTX_ctrl(context, SSL_CTRL_MODE, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS,
						  NULL);
	/* Without it sessions of clients with certificates cannot be resumed. */
	tls->lib.SSL_CTX_set_session_id_context(context, (const unsigned char *)"sluice", 6);
	tls->lib.SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
	TRY(set_protocols(tls, context, err));
	TRY(set_ciphers(tls, context, err));
	TRY(use_keystore(tls, context, err));
	return use_truststore(tls, context, err);
}

Status
tls_reload(Tls *tls, Error *err)
{
	SSL_CTX *fresh, *old;

	if (tls == NULL)
		return OK;
	tls->lib.ERR_clear_error();
	fresh = tls->lib.SSL_CTX_new(tls->lib.TLS_server_method());
	if (fresh == NULL)
		return error_fatal(err, "OpenSSL cannot begin");
	if (configure(tls, fresh, err) == FAILED) {
		tls->lib.SSL_CTX_free(fresh);
		return FAILED;
	}
	pthread_mutex_lock(&tls->lock);
	old = tls->context;
	tls->context = fresh;
	tls->expiry = certificate_expiry(tls, fresh);
	pthread_mutex_unlock(&tls->lock);
	/* Sessions share it. */
	tls->lib.SSL_CTX_free(old);
	return OK;
}

/* ---- sessions ---- */

static void *
session_accept(HttpTls *http, int fd)
{
	Tls		*tls = (Tls *)http;
	Session *session = xcalloc(1, sizeof *session);

	session->tls = tls;
	pthread_mutex_lock(&tls->lock);
	session->ssl = tls->lib.SSL_new(tls->context);
	pthread_mutex_unlock(&tls->lock);
	if (session->ssl == NULL || tls->lib.SSL_set_fd(session->ssl, fd) != 1) {
		tls->lib.SSL_free(session->ssl);
		free(session);
		return NULL;
	}
	tls->lib.SSL_set_accept_state(session->ssl);
	return session;
}

static ssize_t
session_result(Session *session, int result)
{
	if (result > 0)
		return result;
	switch (session->tls->lib.SSL_get_error(session->ssl, result)) {
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_WANT_READ:
		return HTTP_TLS_WANTS_READ;
	case SSL_ERROR_WANT_WRITE:
		return HTTP_TLS_WANTS_WRITE;
	default:
		session->tls->lib.ERR_clear_error();
		return HTTP_TLS_FAILED;
	}
}

static ssize_t
session_read(void *context, void *buffer, size_t n_bytes)
{
	Session *session = context;

	return session_result(session, session->tls->lib.SSL_read(session->ssl, buffer, n_bytes > INT32_MAX ? INT32_MAX : (int)n_bytes));
}

static ssize_t
session_write(void *context, const void *data, size_t n_bytes)
{
	Session *session = context;

	if (n_bytes == 0)
		return 0;
	return session_result(session, session->tls->lib.SSL_write(session->ssl, data, n_bytes > INT32_MAX ? INT32_MAX : (int)n_bytes));
}

static bool
session_is_http2(void *context)
{
	Session				*session = context;
	const unsigned char *name = NULL;
	unsigned			 length = 0;

	session->tls->lib.SSL_get0_alpn_selected(session->ssl, &name, &length);
	return length == 2 && memcmp(name, "h2", 2) == 0;
}

static const char *
session_peer_name(void *context)
{
	Session *session = context;
	X509	*certificate = session->tls->lib.SSL_get0_peer_certificate(session->ssl);
	int		 n;

	if (certificate == NULL || session->tls->lib.SSL_get_verify_result(session->ssl) != X509_V_OK)
		return NULL;
	n = session->tls->lib.X509_NAME_get_text_by_NID(session->tls->lib.X509_get_subject_name(certificate), NID_commonName, session->peer_name,
													sizeof session->peer_name);
	/* A name with a NUL inside would be another one to who reads it as text. */
	return n > 0 && strlen(session->peer_name) == (size_t)n ? session->peer_name : NULL;
}

static void
session_close(void *context)
{
	Session *session = context;

	if (session->tls->lib.SSL_is_init_finished(session->ssl))
		session->tls->lib.SSL_shutdown(session->ssl);
	session->tls->lib.ERR_clear_error();
	session->tls->lib.SSL_free(session->ssl);
	free(session);
}

static void
keep_setting(const char *name, const char *value, void *context)
{
	Error ignored;

	settings_set(context, name, value, &ignored);
}

Status
tls_open(const Settings *settings, Tls **out, Error *err)
{
	Tls *tls = xcalloc(1, sizeof *tls);

	tls->http = (HttpTls){.accept = session_accept, .read = session_read, .write = session_write, .is_http2 = session_is_http2,
						  .peer_name = session_peer_name, .close = session_close};
	tls->settings = settings_new(NULL);
	settings_visit(settings, keep_setting, tls->settings);
	pthread_mutex_init(&tls->lock, NULL);
	if (openssl_load(&tls->lib, err) == FAILED || tls_reload(tls, err) == FAILED) {
		tls_close(tls);
		return FAILED;
	}
	*out = tls;
	return OK;
}

void
tls_close(Tls *tls)
{
	if (tls == NULL)
		return;
	if (tls->context != NULL)
		tls->lib.SSL_CTX_free(tls->context);
	pthread_mutex_destroy(&tls->lock);
	settings_free(tls->settings);
	free(tls);
}

HttpTls *
tls_http(Tls *tls)
{
	return tls != NULL ? &tls->http : NULL;
}

Time
tls_expiry(Tls *tls)
{
	Time expiry;

	pthread_mutex_lock(&tls->lock);
	expiry = tls->expiry;
	pthread_mutex_unlock(&tls->lock);
	return expiry;
}
