/* server/tls: certificates that fit and that don't, and handshakes with the openssl program.  Without it there is nothing to test with. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/tls.h"

static char folder[] = "/tmp/sluice-tls-XXXXXX";

static void
run(const char *format, ...)
{
	char	command[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	if (system(command) != 0) {
		fprintf(stderr, "failed: %s\n", command);		/* also outside tests, where check's assertions don't work */
		abort();
	}
}

static const char *
in_folder(const char *name)
{
	static char paths[8][256];
	static int	next;
	char	   *path = paths[next++ % 8];

	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

/* An authority, certificates of a server, of another and of a client. */
static void
make_certificates(void)
{
	if (mkdtemp(folder) == NULL)
		abort();
	run("cd %s && umask 077 && openssl ecparam -name prime256v1 -out ec.pem 2>/dev/null && "
		"openssl req -x509 -newkey ec:ec.pem -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=authority 2>/dev/null", folder);
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"server", "other", "client"};

		run("cd %s && umask 077 && openssl req -newkey ec:ec.pem -nodes -keyout %s.key -out %s.csr -subj /CN=%s 2>/dev/null && "
			"printf 'subjectAltName=IP:127.0.0.1,DNS:localhost' > ext && "
			"openssl x509 -req -in %s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out %s.pem -days 20 -extfile ext 2>/dev/null && "
			"cat %s.pem %s.key > %s.both",
			folder, names[i], names[i], names[i], names[i], names[i], names[i], names[i], names[i]);
	}
	run("cd %s && umask 077 && openssl pkcs12 -export -in server.pem -inkey server.key -certfile ca.pem -passout pass:storepass -out server.p12 2>/dev/null && "
		"openssl pkey -in server.key -aes256 -passout pass:keypass -out server.locked 2>/dev/null && echo nothing > empty && "
		"cp server.both open.both && chmod 644 open.both", folder);
}

/* Pairs of name and value behind `folder`; values that begin with @ are files of it. */
static Tls *
open_tls(Error *err, ...)
{
	Settings   *settings = settings_new(NULL);
	Tls		   *tls = NULL;
	const char *name;
	va_list		args;

	va_start(args, err);
	while ((name = va_arg(args, const char *)) != NULL) {
		const char *value = va_arg(args, const char *);

		ck_assert_msg(settings_set(settings, name, value[0] == '@' ? in_folder(value + 1) : value, err) == OK, "%s", err->message);
	}
	va_end(args);
	if (tls_open(settings, &tls, err) == FAILED)
		tls = NULL;
	settings_free(settings);
	return tls;
}

/* ---- one connection, served in a thread ---- */

typedef struct Served {
	HttpTls *tls;
	int		 listener;
	bool	 got_line;
	bool	 is_http2;
	char	 peer_name[256];
} Served;

static void *
serve_one(void *context)
{
	Served	   *served = context;
	int			fd = accept(served->listener, NULL, NULL);
	void	   *session = served->tls->accept(served->tls, fd);
	char		line[64];
	const char *name;
	ssize_t		n = served->tls->read(session, line, sizeof line);

	served->got_line = n > 0 && memcmp(line, "ping", 4) == 0;
	if (served->got_line) {
		served->is_http2 = served->tls->is_http2(session);
		name = served->tls->peer_name(session);
		snprintf(served->peer_name, sizeof served->peer_name, "%s", name != NULL ? name : "");
		served->tls->write(session, "pong\n", 5);
	}
	served->tls->close(session);
	close(fd);
	return NULL;
}

/* Did the client, given those options, get an answer? */
static bool
connect_once(Tls *tls, const char *options, Served *served)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t		   length = sizeof address;
	pthread_t		   thread;
	char			   command[1024];
	int				   status;

	*served = (Served){.tls = tls_http(tls), .listener = socket(AF_INET, SOCK_STREAM, 0)};
	ck_assert_int_eq(bind(served->listener, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(served->listener, 1), 0);
	ck_assert_int_eq(getsockname(served->listener, (struct sockaddr *)&address, &length), 0);
	pthread_create(&thread, NULL, serve_one, served);
	snprintf(command, sizeof command,
			 "cd %s && (echo ping; sleep 0.3) | timeout 120 openssl s_client -quiet -verify_return_error -CAfile ca.pem %s -connect 127.0.0.1:%d 2>/dev/null | grep -q pong",
			 folder, options, ntohs(address.sin_port));
	status = system(command);
	pthread_join(thread, NULL);
	close(served->listener);
	return status == 0;
}

START_TEST(stores)
{
	Error err;
	Tls	 *tls;

	tls = open_tls(&err, "ssl.keystore.location", "@server.both", NULL);
	ck_assert_msg(tls != NULL, "%s", err.message);
	ck_assert_int_gt(tls_expiry(tls), env_now(&env_real) + 15 * INT64_C(86400000));
	ck_assert_int_lt(tls_expiry(tls), env_now(&env_real) + 25 * INT64_C(86400000));
	tls_close(tls);
	tls = open_tls(&err, "ssl.keystore.location", "@server.pem", "ssl.key.location", "@server.key", NULL);
	ck_assert_msg(tls != NULL, "%s", err.message);
	tls_close(tls);
	tls = open_tls(&err, "ssl.keystore.location", "@server.pem", "ssl.key.location", "@server.locked", "ssl.key.password", "keypass", NULL);
	ck_assert_msg(tls != NULL, "%s", err.message);
	tls_close(tls);
	tls = open_tls(&err, "ssl.keystore.location", "@server.p12", "ssl.keystore.type", "PKCS12", "ssl.keystore.password", "storepass", NULL);
	ck_assert_msg(tls != NULL, "%s", err.message);
	tls_close(tls);
}
END_TEST

START_TEST(bad_stores)
{
	Error err;

	ck_assert_ptr_null(open_tls(&err, NULL));
	ck_assert_ptr_nonnull(strstr(err.message, "ssl.keystore.location"));
	ck_assert_ptr_null(open_tls(&err, "ssl.keystore.location", "@missing", NULL));
	ck_assert_ptr_null(open_tls(&err, "ssl.keystore.location", "@empty", NULL));
	ck_assert_ptr_null(open_tls(&err, "ssl.keystore.location", "@server.pem", NULL));
	ck_assert_ptr_null(open_tls(&err, "ssl.keystore.location", "@server.pem", "ssl.key.location", "@other.key", NULL));
	ck_assert_ptr_null(open_tls(&err, "ssl.keystore.location", "@open.both", NULL));
	ck_assert_ptr_nonnull(strstr(err.hint, "chmod"));
	ck_assert_ptr_null(open_tls(&err, "ssl.keystore.location", "@server.pem", "ssl.key.location", "@server.locked", "ssl.key.password", "wrong", NULL));
	ck_assert_ptr_null(strstr(err.message, "wrong,"));
	ck_assert_ptr_null(open_tls(&err, "ssl.keystore.location", "@server.pem", "ssl.key.location", "@server.locked", NULL));
	ck_assert_ptr_null(open_tls(&err, "ssl.keystore.location", "@server.p12", "ssl.keystore.type", "PKCS12", "ssl.keystore.password", "no", NULL));
	ck_assert_ptr_null(open_tls(&err, "ssl.keystore.location", "@server.pem", "ssl.keystore.type", "PKCS12", NULL));
	ck_assert_ptr_null(open_tls(&err, "ssl.keystore.location", "@server.p12", "ssl.keystore.type", "JKS", NULL));
	ck_assert_ptr_nonnull(strstr(err.hint, "keytool"));
	ck_assert_ptr_null(open_tls(&err, "ssl.keystore.location", "@server.both", "ssl.enabled.protocols", "TLSv1.1", NULL));
	ck_assert_ptr_null(open_tls(&err, "ssl.keystore.location", "@server.both", "ssl.cipher.suites", "NO_SUCH_CIPHER", NULL));
	ck_assert_ptr_null(open_tls(&err, "ssl.keystore.location", "@server.both", "ssl.client.authentication", "REQUIRED", NULL));
	ck_assert_ptr_null(open_tls(&err, "ssl.keystore.location", "@server.both", "ssl.client.auth", "true", "ssl.truststore.location", "@empty", NULL));
}
END_TEST

START_TEST(handshakes)
{
	Served served;
	Error  err;
	Tls	  *tls = open_tls(&err, "ssl.keystore.location", "@server.both", NULL);

	ck_assert(connect_once(tls, "-alpn h2,http/1.1", &served));
	ck_assert(served.is_http2);
	ck_assert(connect_once(tls, "-alpn http/1.1", &served));
	ck_assert(!served.is_http2);
	ck_assert(connect_once(tls, "-tls1_2", &served));
	ck_assert_str_eq(served.peer_name, "");
	ck_assert(!connect_once(tls, "-tls1_1 -cipher DEFAULT:@SECLEVEL=0", &served));
	tls_close(tls);
	tls = open_tls(&err, "ssl.keystore.location", "@server.both", "ssl.enabled.protocols", "TLSv1.3", NULL);
	ck_assert(!connect_once(tls, "-tls1_2", &served));
	ck_assert(connect_once(tls, "-tls1_3", &served));
	tls_close(tls);
	tls = open_tls(&err, "ssl.keystore.location", "@server.both", "ssl.cipher.suites", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_AES_128_GCM_SHA256", NULL);
	ck_assert_msg(tls != NULL, "%s", err.message);
	ck_assert(connect_once(tls, "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384", &served));
	ck_assert(!connect_once(tls, "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", &served));
	tls_close(tls);
}
END_TEST

START_TEST(client_certificates)
{
	Served served;
	Error  err;
	Tls	  *tls = open_tls(&err, "ssl.keystore.location", "@server.both", "ssl.client.authentication", "REQUIRED", "ssl.truststore.location", "@ca.pem", NULL);

	ck_assert_msg(tls != NULL, "%s", err.message);
	ck_assert(connect_once(tls, "-cert client.pem -key client.key", &served));
	ck_assert_str_eq(served.peer_name, "client");
	ck_assert(!connect_once(tls, "", &served));
	ck_assert(!served.got_line);
	tls_close(tls);
	tls = open_tls(&err, "ssl.keystore.location", "@server.both", "ssl.client.authentication", "REQUESTED", "ssl.truststore.location", "@ca.pem", NULL);
	ck_assert(connect_once(tls, "", &served));
	ck_assert_str_eq(served.peer_name, "");
	tls_close(tls);
}
END_TEST

/* The new certificate counts from the next connection on; a broken one changes nothing. */
START_TEST(reloading)
{
	Served served;
	Error  err;
	Tls	  *tls;

	run("cd %s && cp server.both live.both", folder);
	tls = open_tls(&err, "ssl.keystore.location", "@live.both", NULL);
	run("cd %s && openssl req -x509 -newkey ec:ec.pem -nodes -keyout l.key -out l.pem -days 300 -subj /CN=l -addext subjectAltName=IP:127.0.0.1 2>/dev/null && "
		"cat l.pem l.key > live.both", folder);
	ck_assert(connect_once(tls, "", &served));
	ck_assert_int_eq(tls_reload(tls, &err), OK);
	ck_assert(!connect_once(tls, "", &served));
	ck_assert(connect_once(tls, "-CAfile l.pem", &served));
	ck_assert_int_gt(tls_expiry(tls), env_now(&env_real) + 250 * INT64_C(86400000));
	run("cd %s && echo broken > live.both", folder);
	ck_assert_int_eq(tls_reload(tls, &err), FAILED);
	ck_assert(connect_once(tls, "-CAfile l.pem", &served));
	ck_assert_int_eq(tls_reload(NULL, &err), OK);
	tls_close(tls);
}
END_TEST

int
main(void)
{
	Suite  *suite = suite_create("tls");
	TCase  *tc = tcase_create("all");

	signal(SIGPIPE, SIG_IGN);
	bool	can_run = system("openssl version >/dev/null 2>&1") == 0;

	if (can_run)
		make_certificates();
	else
		printf("tls: skipped, there is no openssl program\n");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, stores);
	tcase_add_test(tc, bad_stores);
	tcase_add_test(tc, handshakes);
	tcase_add_test(tc, client_certificates);
	tcase_add_test(tc, reloading);
	if (can_run)
		suite_add_tcase(suite, tc);

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int		failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	if (can_run)
		run("rm -rf %s", folder);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
