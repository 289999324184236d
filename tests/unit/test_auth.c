/* server/auth, server/users, server/listen, server/config: who gets in, and by which settings. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base64.h"
#include "server/auth.h"
#include "server/config.h"
#include "server/listen.h"
#include "server/users.h"

static char path[64];

static void
write_users(const char *text, mode_t mode)
{
	FILE *file;

	snprintf(path, sizeof path, "/tmp/sluice-users-%d", (int)getpid());
	unlink(path);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	ck_assert_int_eq(chmod(path, mode), 0);
}

/* A line of the file; hashes are made, so that the test has no fixed ones. */
static char *
line(const char *user, const char *password, const char *roles)
{
	StrBuf text = {0}, hash = {0};
	Error  err;

	ck_assert_msg(auth_hash(password, &hash, &err) == OK, "%s", err.message);
	strbuf_printf(&text, "%s: %s,%s\n", user, strbuf_text(&hash), roles);
	strbuf_free(&hash);
	return text.data;
}

static Auth *
open_auth(const char *name, const char *value, Error *err)
{
	Settings *settings = settings_new(NULL);
	Auth	 *auth = NULL;

	ck_assert_int_eq(settings_set(settings, "authentication.method", "BASIC", err), OK);
	ck_assert_int_eq(settings_set(settings, "authentication.users.file", path, err), OK);
	if (name != NULL)
		ck_assert_int_eq(settings_set(settings, name, value, err), OK);
	if (auth_open(settings, &auth, err) == FAILED)
		auth = NULL;
	settings_free(settings);
	return auth;
}

static Str
header(const char *credentials)
{
	static StrBuf text;

	strbuf_clear(&text);
	strbuf_add_text(&text, "Basic ");
	base64_add_encoded(&text, str_of(credentials));
	return strbuf_str(&text);
}

static AuthResult
log_in(Auth *auth, const char *credentials, AuthUser *user)
{
	AuthResult result = auth_check(auth, header(credentials), NULL, "10.0.0.1:99", user);

	return result == AUTH_VERIFY ? auth_verify(auth, header(credentials), "10.0.0.1:99", user) : result;
}

START_TEST(logging_in)
{
	char	*ann = line("ann", "correct horse", "read"), *bob = line("bob", "pass:with:colons\xc3\xa9", "ops,write");
	StrBuf	 text = {0};
	AuthUser user;
	Auth	*auth;
	Error	 err;

	strbuf_printf(&text, "# users\n\n%s%srobot: certificate,admin\n", ann, bob);
	write_users(strbuf_text(&text), 0640);
	auth = open_auth(NULL, NULL, &err);
	ck_assert_msg(auth != NULL, "%s", err.message);
	ck_assert_int_eq(auth_n_users(auth), 3);
	ck_assert_int_eq(log_in(auth, "ann:correct horse", &user), AUTH_OK);
	ck_assert_str_eq(user.name, "ann");
	ck_assert_int_eq(user.role, ROLE_READ);
	ck_assert_int_eq(log_in(auth, "bob:pass:with:colons\xc3\xa9", &user), AUTH_OK);
	ck_assert_int_eq(user.role, ROLE_WRITE);
	/* Remembered: no hashing any more.  The other's password, nearly the right one and none are not. */
	ck_assert_int_eq(auth_check(auth, header("ann:correct horse"), NULL, "10.0.0.1:1", &user), AUTH_OK);
	ck_assert_int_eq(auth_check(auth, header("ann:correct hors"), NULL, "10.0.0.1:1", &user), AUTH_VERIFY);
	ck_assert_int_eq(log_in(auth, "ann:correct hors", &user), AUTH_REFUSED);
	ck_assert_int_eq(log_in(auth, "ann:pass:with:colons\xc3\xa9", &user), AUTH_REFUSED);
	ck_assert_int_eq(log_in(auth, "ann:", &user), AUTH_REFUSED);
	ck_assert_int_eq(log_in(auth, "nobody:correct horse", &user), AUTH_REFUSED);
	ck_assert_int_eq(log_in(auth, "robot:certificate", &user), AUTH_REFUSED);
	ck_assert_int_eq(log_in(auth, "Ann:correct horse", &user), AUTH_REFUSED);
	/* Certificates. */
	ck_assert_int_eq(auth_check(auth, (Str){0}, "robot", "10.0.0.1:1", &user), AUTH_OK);
	ck_assert_int_eq(user.role, ROLE_ADMIN);
	ck_assert_int_eq(auth_check(auth, (Str){0}, "ann", "10.0.0.1:1", &user), AUTH_MISSING);
	ck_assert_int_eq(auth_check(auth, (Str){0}, NULL, "10.0.0.1:1", &user), AUTH_MISSING);
	ck_assert_int_eq(auth_counts(auth).n_accepted, 2);
	ck_assert_str_eq(auth_challenge(auth), "Basic realm=\"sluice\", charset=\"UTF-8\"");
	auth_close(auth);
	strbuf_free(&text);
	free(ann);
	free(bob);
	unlink(path);
}
END_TEST

START_TEST(malformed_headers)
{
	static const char *const bad[] = {"", "Basic", "Basic ", "Bearer abc", "Basic !!!!", "Basic YW5u", "Basic YW46AA==", "basic"};
	char	*ann = line("ann", "correct horse", "read"), *longest = xcalloc(1, 100001);
	AuthUser user;
	Auth	*auth;
	Error	 err;

	write_users(ann, 0600);
	auth = open_auth("authentication.max.failures", "0", &err);
	ck_assert_msg(auth != NULL, "%s", err.message);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert_msg(auth_check(auth, str_of(bad[i]), NULL, "10.0.0.1:99", &user) == AUTH_REFUSED, "%s", bad[i]);
		ck_assert_msg(auth_verify(auth, str_of(bad[i]), "10.0.0.1:99", &user) == AUTH_REFUSED, "%s", bad[i]);
	}
	memcpy(memset(longest, 'A', 100000), "Basic ", 6);
	ck_assert_int_eq(auth_check(auth, str_make(longest, 100000), NULL, "10.0.0.1:99", &user), AUTH_REFUSED);
	ck_assert_int_eq(log_in(auth, "ann:correct horse", &user), AUTH_OK);
	auth_close(auth);
	free(longest);
	free(ann);
	unlink(path);
}
END_TEST

START_TEST(too_many_failures)
{
	char	*ann = line("ann", "correct horse", "read");
	AuthUser user;
	Auth	*auth;
	Error	 err;

	write_users(ann, 0600);
	auth = open_auth("authentication.max.failures", "3", &err);
	ck_assert_int_eq(log_in(auth, "ann:correct horse", &user), AUTH_OK);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(log_in(auth, "ann:wrong", &user), AUTH_REFUSED);
	ck_assert_int_eq(log_in(auth, "ann:wrong", &user), AUTH_LIMITED);
	/* Other addresses and who is remembered go on; the port doesn't make another address. */
	ck_assert_int_eq(log_in(auth, "ann:correct horse", &user), AUTH_OK);
	ck_assert_int_eq(auth_verify(auth, header("ann:wrong"), "10.0.0.1:1", &user), AUTH_LIMITED);
	ck_assert_int_eq(auth_verify(auth, header("ann:wrong"), "10.0.0.2:99", &user), AUTH_REFUSED);
	ck_assert_int_eq(auth_counts(auth).n_limited, 2);
	auth_close(auth);
	free(ann);
	unlink(path);
}
END_TEST

/* A password that was changed no longer counts, however it was remembered; a broken file changes nothing. */
START_TEST(reloading)
{
	char	*before = line("ann", "correct horse", "read"), *after = line("ann", "battery staple", "admin");
	AuthUser user;
	Auth	*auth;
	Error	 err;

	write_users(before, 0600);
	auth = open_auth(NULL, NULL, &err);
	ck_assert_int_eq(log_in(auth, "ann:correct horse", &user), AUTH_OK);
	write_users(after, 0600);
	ck_assert_int_eq(auth_reload(auth, &err), OK);
	ck_assert_int_eq(log_in(auth, "ann:correct horse", &user), AUTH_REFUSED);
	ck_assert_int_eq(log_in(auth, "ann:battery staple", &user), AUTH_OK);
	ck_assert_int_eq(user.role, ROLE_ADMIN);
	write_users("ann: plain text,read\n", 0600);
	ck_assert_int_eq(auth_reload(auth, &err), FAILED);
	ck_assert_ptr_null(strstr(err.message, "plain text"));
	ck_assert_ptr_nonnull(strstr(err.message, "line 1"));
	ck_assert_int_eq(log_in(auth, "ann:battery staple", &user), AUTH_OK);
	ck_assert_int_eq(auth_reload(NULL, &err), OK);
	auth_close(auth);
	free(before);
	free(after);
	unlink(path);
}
END_TEST

START_TEST(bad_files)
{
	static const struct {
		const char *text;
		mode_t		mode;
		const char *error;
	} cases[] = {
		{"ann: $y$j9T$aaaaaaaaaaaaaaaaaaaaaaaa$bbbbbbbbbbbbbbb,read\n", 0644, "read by others"},
		{"ann: $y$j9T$aaaaaaaaaaaaaaaaaaaaaaaa$bbbbbbbbbbbbbbb,read\n", 0660, "changed by others"},
		{"ann\n", 0600, "no colon"},
		{": $y$j9T$aaaaaaaaaaaaaaaaaaaaaaaa$bbbbbbbbbbbbbbb,read\n", 0600, "missing"},
		{"ann: secret,read\n", 0600, "not the hash"},
		{"ann: $1$abcdefgh$aaaaaaaaaaaaaaaaaaaaaa,read\n", 0600, "not the hash"},
		{"ann: MD5:5f4dcc3b5aa765d61d8327deb882cf99,read\n", 0600, "not the hash"},
		{"ann: $y$j9T$aaaaaaaaaaaaaaaaaaaaaaaa$bbbbbbbbbbbbbbb\n", 0600, "none of the roles"},
		{"ann: $y$j9T$aaaaaaaaaaaaaaaaaaaaaaaa$bbbbbbbbbbbbbbb,developer\n", 0600, "none of the roles"},
		{"a: certificate,read\na: certificate,read\n", 0600, "twice"},
		{"# nobody\n", 0600, "no user"},
		{"", 0600, "no user"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		Users *users = NULL;
		Error  err = {0};

		write_users(cases[i].text, cases[i].mode);
		ck_assert_msg(users_load(path, "*", &users, &err) == FAILED, "%zu", i);
		ck_assert_msg(strstr(err.message, cases[i].error) != NULL, "%s: %s", cases[i].error, err.message);
		ck_assert_msg(strstr(err.message, "secret") == NULL, "%s", err.message);
	}
	unlink(path);
}
END_TEST

START_TEST(roles_that_may_enter)
{
	Users *users;
	Error  err;

	write_users("a: certificate,read\nb: certificate,read,developer\nc: certificate,admin\n", 0600);
	ck_assert_int_eq(users_load(path, "developer, admin", &users, &err), OK);
	ck_assert(!users_find(users, STR("a"))->may_enter);
	ck_assert(users_find(users, STR("b"))->may_enter);
	ck_assert(users_find(users, STR("c"))->may_enter);
	ck_assert_ptr_null(users_find(users, STR("d")));
	users_free(users);
	unlink(path);
}
END_TEST

START_TEST(open_paths)
{
	Auth *auth;
	Error err;

	write_users("a: certificate,read\n", 0600);
	auth = open_auth("authentication.skip.paths", "/info, /public/*", &err);
	ck_assert(auth_is_open(auth, STR("/info")));
	ck_assert(auth_is_open(auth, STR("/public/x/y")));
	ck_assert(!auth_is_open(auth, STR("/ksql")));
	ck_assert(!auth_is_open(auth, STR("/information")));
	auth_close(auth);
	unlink(path);
}
END_TEST

static void *
log_in_often(void *context)
{
	AuthUser user;
	char	 credentials[] = "Basic YW5uOmNvcnJlY3QgaG9yc2U=";

	for (int i = 0; i < 2000; i++) {
		AuthResult result = auth_check(context, str_of(credentials), NULL, "10.0.0.1:99", &user);

		if (result == AUTH_VERIFY)
			result = auth_verify(context, str_of(credentials), "10.0.0.1:99", &user);
		if (result != AUTH_OK || user.role != ROLE_READ)
			return context;
	}
	return NULL;
}

START_TEST(many_threads)
{
	char	 *ann = line("ann", "correct horse", "read");
	pthread_t threads[3];
	Auth	 *auth;
	Error	  err;

	write_users(ann, 0600);
	auth = open_auth(NULL, NULL, &err);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, log_in_often, auth);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(auth_reload(auth, &err), OK);
	for (int i = 0; i < 3; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		ck_assert_ptr_null(failed);
	}
	auth_close(auth);
	free(ann);
	unlink(path);
}
END_TEST

START_TEST(no_method_no_authentication)
{
	Settings *settings = settings_new(NULL);
	Auth	 *auth;
	Error	  err;

	ck_assert_int_eq(auth_open(settings, &auth, &err), OK);
	ck_assert_ptr_null(auth);
	ck_assert_int_eq(settings_set(settings, "authentication.method", "BASIC", &err), OK);
	ck_assert_int_eq(auth_open(settings, &auth, &err), FAILED);
	settings_free(settings);
}
END_TEST

/* ---- addresses ---- */

START_TEST(listeners)
{
	Arena		   arena = {0};
	ListenAddress *a;
	int			   n;
	Error		   err;

	ck_assert_int_eq(listen_parse(&arena, "http://127.0.0.1:8088 , HTTPS://[::]:8443/,http://localhost:0", &a, &n, &err), OK);
	ck_assert_int_eq(n, 3);
	ck_assert_str_eq(a[0].host, "127.0.0.1");
	ck_assert_int_eq(a[0].port, 8088);
	ck_assert(!a[0].is_tls && a[1].is_tls);
	ck_assert_str_eq(a[1].host, "::");
	ck_assert_int_eq(a[1].port, 8443);
	ck_assert_int_eq(a[2].port, 0);
	static const char *const bad[] = {"", ",", "127.0.0.1:8088", "ftp://x", "http://x", "http://", "http://:80", "http://x:", "http://x:port", "http://x:99999",
		"http://[::1:80", "http://x/y", "http://[::1]x"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(listen_parse(&arena, bad[i], &a, &n, &err) == FAILED, "%s", bad[i]);
	arena_free(&arena);
}
END_TEST

static bool
may_listen(const char *text, bool has_authentication, bool is_insecure)
{
	Arena		   arena = {0};
	ListenAddress *a;
	int			   n;
	Error		   err;
	bool		   may;

	ck_assert_int_eq(listen_parse(&arena, text, &a, &n, &err), OK);
	may = listen_check(a, n, has_authentication, is_insecure, &err) == OK;
	if (!may)
		ck_assert_ptr_nonnull(strstr(err.hint, "--insecure"));
	arena_free(&arena);
	return may;
}

START_TEST(safe_listeners)
{
	static const char *const loopback[] = {"http://127.0.0.1:1", "http://127.9.9.9:1", "http://[::1]:1", "http://localhost:1", "http://[::ffff:127.0.0.1]:1",
		"https://127.0.0.1:1"};
	static const char *const open[] = {"http://0.0.0.0:1", "http://[::]:1", "http://10.0.0.1:1", "http://localhost.example.org:1", "http://127.0.0.1.nip.io:1",
		"http://128.0.0.1:1", "http://127.0.0.1:1,http://0.0.0.0:1", "http://[::ffff:10.0.0.1]:1", "http://0:1"};

	for (size_t i = 0; i < sizeof loopback / sizeof *loopback; i++)
		ck_assert_msg(may_listen(loopback[i], false, false), "%s", loopback[i]);
	for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
		ck_assert_msg(!may_listen(open[i], false, false), "%s", open[i]);
		ck_assert_msg(!may_listen(open[i], true, false), "%s", open[i]);
		ck_assert_msg(may_listen(open[i], false, true), "%s", open[i]);
	}
	ck_assert(!may_listen("https://0.0.0.0:1", false, false));
	ck_assert(may_listen("https://0.0.0.0:1", true, false));
	ck_assert(!may_listen("https://0.0.0.0:1,http://0.0.0.0:2", true, false));
}
END_TEST

/* ---- configuration ---- */

static void
collect_warning(void *context, const char *message)
{
	strbuf_printf(context, "%s\n", message);
}

static Settings *
load(const char *file, char *const *environment, const char *const *flags, int n_flags, StrBuf *warnings, Error *err)
{
	Settings	 *settings = NULL;
	ConfigSources sources = {.path = file != NULL ? path : NULL, .environment = environment, .flags = flags, .n_flags = n_flags,
							 .warn = collect_warning, .context = warnings};

	strbuf_clear(warnings);
	if (file != NULL)
		write_users(file, 0600);
	return config_load(&sources, &settings, err) == OK ? settings : NULL;
}

START_TEST(precedence)
{
	char *const		  environment[] = {"PATH=/bin", "KSQL_KSQL_SERVICE_ID=env_", "KSQL_LISTENERS=http://127.0.0.1:2", "SLUICE_SERVICE_ID=env2_",
		"SLUICE_LOG_LEVEL=warn", "KSQL_KSQL_FUNCTIONS_COLLECT__LIST_LIMIT=5", NULL};
	const char *const flags[] = {"listeners", "http://127.0.0.1:3"};
	StrBuf			  warnings = {0};
	Error			  err;
	Settings		 *s = load("listeners=http://127.0.0.1:1\nksql.service.id=file_\nlog.level=debug\nksql.streams.num.stream.threads=2\n", environment,
							   flags, 1, &warnings, &err);

	ck_assert_msg(s != NULL, "%s", err.message);
	ck_assert_str_eq(settings_text(s, "listeners"), "http://127.0.0.1:3");
	ck_assert_str_eq(settings_text(s, "ksql.service.id"), "env2_");
	ck_assert_str_eq(settings_text(s, "log.level"), "warn");
	ck_assert_str_eq(settings_text(s, "num.stream.threads"), "2");
	ck_assert_str_eq(settings_text(s, "log.format"), "auto");
	ck_assert_int_eq(settings_int(s, "ksql.functions.collect_list.limit"), 5);
	ck_assert_str_eq(strbuf_text(&warnings), "");
	settings_free(s);
	unlink(path);
}
END_TEST

START_TEST(unknown_names)
{
	char *const environment[] = {"KSQL_OPTS=-Xmx1g", "SLUICE_PORT_8088_TCP=x", "KSQL_KSQL_SERVICE_IDD=x", "KSQL_LOG4J_OPTS=x", NULL};
	StrBuf		warnings = {0};
	Error		err;
	Settings   *s = load("ksql.something.that.nobody.knows.here=1\nconsumer.fetch.min.bytes=1\n", environment, NULL, 0, &warnings, &err);

	ck_assert_msg(s != NULL, "%s", err.message);
	ck_assert_ptr_nonnull(strstr(strbuf_text(&warnings), ":1: 'ksql.something.that.nobody.knows.here' is not a setting of sluice"));
	ck_assert_ptr_nonnull(strstr(strbuf_text(&warnings), "SLUICE_PORT_8088_TCP"));
	ck_assert_ptr_nonnull(strstr(strbuf_text(&warnings), "did you mean 'ksql.service.id'"));
	ck_assert_ptr_null(strstr(strbuf_text(&warnings), "KSQL_OPTS"));
	ck_assert_str_eq(settings_text(s, "consumer.fetch.min.bytes"), "1");
	settings_free(s);
	ck_assert_ptr_null(load("# one\nlistners=http://127.0.0.1:1\n", NULL, NULL, 0, &warnings, &err));
	ck_assert_ptr_nonnull(strstr(err.message, ":2"));
	ck_assert_ptr_nonnull(strstr(err.hint, "'listeners'"));
	ck_assert_ptr_null(load("ksql.servise.id=x\n", NULL, NULL, 0, &warnings, &err));
	ck_assert_ptr_nonnull(strstr(err.hint, "'ksql.service.id'"));
	ck_assert_ptr_null(load("log.level=loud\n", NULL, NULL, 0, &warnings, &err));
	ck_assert_ptr_nonnull(strstr(err.message, ":1"));
	ck_assert_ptr_nonnull(strstr(err.message, "error|warn|info|debug"));
	ck_assert_ptr_null(load("log.level=\\uXYZ\n", NULL, NULL, 0, &warnings, &err));
	char *const bad[] = {"SLUICE_LOG_LEVEL=loud", NULL};

	ck_assert_ptr_null(load(NULL, bad, NULL, 0, &warnings, &err));
	ck_assert_ptr_nonnull(strstr(err.message, "SLUICE_LOG_LEVEL"));
	unlink(path);
	ck_assert_int_eq(config_load(&(ConfigSources){.path = "/does/not/exist"}, &s, &err), FAILED);
	strbuf_free(&warnings);
}
END_TEST

START_TEST(variables)
{
	static const char *const cases[][2] = {{"KSQL_BOOTSTRAP_SERVERS", "bootstrap.servers"}, {"KSQL_KSQL_STREAMS_A__B", "ksql.streams.a_b"},
		{"SLUICE_A___B", "a-b"}, {"KSQL_A____B", "a-.b"}, {"KSQL_FILE_ACCESS", "file.access"}};
	StrBuf name = {0};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ck_assert(config_variable_name(cases[i][0], &name));
		ck_assert_str_eq(strbuf_text(&name), cases[i][1]);
	}
	ck_assert(!config_variable_name("PATH", &name));
	ck_assert(!config_variable_name("KSQL_", &name));
	strbuf_free(&name);
}
END_TEST

int
main(void)
{
	Suite  *suite = suite_create("auth");
	TCase  *tc = tcase_create("all");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, logging_in);
	tcase_add_test(tc, malformed_headers);
	tcase_add_test(tc, too_many_failures);
	tcase_add_test(tc, reloading);
	tcase_add_test(tc, bad_files);
	tcase_add_test(tc, roles_that_may_enter);
	tcase_add_test(tc, open_paths);
	tcase_add_test(tc, many_threads);
	tcase_add_test(tc, no_method_no_authentication);
	tcase_add_test(tc, listeners);
	tcase_add_test(tc, safe_listeners);
	tcase_add_test(tc, precedence);
	tcase_add_test(tc, unknown_names);
	tcase_add_test(tc, variables);
	suite_add_tcase(suite, tc);

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int		failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
