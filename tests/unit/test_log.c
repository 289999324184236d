/* common/log, common/properties, common/setting: what operators read and write. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/properties.h"
#include "common/setting.h"

static Time
fixed_now(const Env *env)
{
	(void)env;
	return 1714566600123;
}

static const Env fixed = {.now = fixed_now};
static char		 path[64];

static Log *
open_log(LogLevel level, LogForm form)
{
	Log	 *log = NULL;
	Error err;

	snprintf(path, sizeof path, "/tmp/sluice-log-%d", (int)getpid());
	unlink(path);
	ck_assert_msg(log_open(&(LogOptions){.path = path, .level = level, .form = form, .env = &fixed}, &log, &err) == OK, "%s", err.message);
	return log;
}

static const char *
content(const char *name)
{
	static char text[65536];
	FILE	   *file = fopen(name, "r");
	size_t		n;

	ck_assert_ptr_nonnull(file);
	n = fread(text, 1, sizeof text - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

START_TEST(json_lines)
{
	Log		*log = open_log(LOG_LEVEL_INFO, LOG_FORM_JSON);
	LogField fields[] = {LOG_TEXT("query_id", "CTAS_T_1"), LOG_INT("rows", -7), LOG_SECONDS("seconds", 1500000), LOG_TEXT("none", NULL)};

	log_event(log, LOG_LEVEL_INFO, "engine", fields, 4, "a \"quoted\"\n%s\x01\xff", "line");
	log_line(log, LOG_LEVEL_DEBUG, "engine", "not wanted");
	log_line(NULL, LOG_LEVEL_ERROR, "engine", "dropped");
	ck_assert_str_eq(content(path), "{\"time\":\"2024-05-01T12:30:00.123Z\",\"level\":\"info\",\"component\":\"engine\",\"message\":"
					 "\"a \\\"quoted\\\"\\nline\\u0001\xef\xbf\xbd\",\"query_id\":\"CTAS_T_1\",\"rows\":-7,\"seconds\":0.001500}\n");
	ck_assert_int_eq(log_count(log, LOG_LEVEL_INFO), 1);
	ck_assert_int_eq(log_count(log, LOG_LEVEL_DEBUG), 0);
	log_set_level(log, LOG_LEVEL_ERROR);
	ck_assert(!log_wants(log, LOG_LEVEL_WARN));
	log_close(log);
	unlink(path);
}
END_TEST

/* What a client sends can neither break a line nor steer a terminal. */
START_TEST(text_lines)
{
	Log *log = open_log(LOG_LEVEL_DEBUG, LOG_FORM_TEXT);

	log_event(log, LOG_LEVEL_WARN, "http", &LOG_TEXT("user", "x\x1b[2J\ny"), 1, "refused");
	ck_assert_str_eq(content(path), "2024-05-01T12:30:00.123Z warn  http: refused  user=x\\u001b[2J\\ny\n");
	log_close(log);
	unlink(path);
}
END_TEST

START_TEST(reopening)
{
	Log		   *log = open_log(LOG_LEVEL_INFO, LOG_FORM_TEXT);
	char		moved[80];
	struct stat st;
	Error		err;

	log_line(log, LOG_LEVEL_INFO, "a", "one");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0007, 0);
	snprintf(moved, sizeof moved, "%s.1", path);
	ck_assert_int_eq(rename(path, moved), 0);
	ck_assert_int_eq(log_reopen(log, &err), OK);
	log_line(log, LOG_LEVEL_INFO, "a", "two");
	ck_assert_ptr_nonnull(strstr(content(moved), "one"));
	ck_assert_ptr_null(strstr(content(moved), "two"));
	ck_assert_ptr_nonnull(strstr(content(path), "two"));
	log_close(log);
	unlink(path);
	unlink(moved);
	ck_assert_int_eq(log_open(&(LogOptions){.path = "/does/not/exist/log"}, &log, &err), FAILED);
}
END_TEST

static Status
collect(void *context, int line, const char *name, const char *value, Error *err)
{
	(void)err;
	strbuf_printf(context, "%d[%s]=[%s] ", line, name, value);
	return OK;
}

static const char *
properties(const char *text)
{
	static StrBuf out;
	Error		  err;

	strbuf_clear(&out);
	if (properties_read(str_of(text), collect, &out, &err) == FAILED)
		strbuf_printf(&out, "! %s", err.message);
	return strbuf_text(&out);
}

START_TEST(java_properties)
{
	ck_assert_str_eq(properties("a=1\nb: 2\nc 3\n\n# no=1\n ! no=2\n  d  =  4  \n"), "1[a]=[1] 2[b]=[2] 3[c]=[3] 7[d]=[4  ] ");
	ck_assert_str_eq(properties("a=1\\\n   2\\\n\t3\nb=4"), "1[a]=[123] 4[b]=[4] ");
	ck_assert_str_eq(properties("a\\=b\\ c\\:=x\\ty\\n\\u00e9\\\\ \\q\n"), "1[a=b c:]=[x\ty\n\xc3\xa9\\ q] ");
	ck_assert_str_eq(properties("smile=\\ud83d\\ude00"), "1[smile]=[\xf0\x9f\x98\x80] ");
	ck_assert_str_eq(properties("a\r\nb=\rc==d\re:=f"), "1[a]=[] 2[b]=[] 3[c]=[=d] 4[e]=[=f] ");
	ck_assert_str_eq(properties("\xef\xbb\xbf" "a=\xc3\xa9\n"), "1[a]=[\xc3\xa9] ");
	ck_assert_str_eq(properties("# comment \\\na=1\nend=\\"), "2[a]=[1] 3[end]=[] ");
	ck_assert_str_eq(properties("# only"), "");
	ck_assert_str_eq(properties("ok=1\nx=\\u12g4"), "1[ok]=[1] ! Line 2: \\u wants four hexadecimal digits");
	ck_assert_str_eq(properties("x=\\ud800"), "! Line 1: \\ud800 is not a character");
}
END_TEST

START_TEST(setting_rows_are_well_formed)
{
	for (int i = 0; setting_at(i) != NULL; i++) {
		const Setting *s = setting_at(i);
		Settings	  *settings = settings_new(NULL);
		Error		   err;

		ck_assert_ptr_eq(setting_find(s->name), s);			/* no name twice */
		ck_assert_msg(s->description[strlen(s->description) - 1] == '.', "%s", s->name);
		if (s->default_value != NULL)
			ck_assert_msg(settings_set(settings, s->name, s->default_value, &err) == OK, "%s: %s", s->name, err.message);
		settings_free(settings);
	}
}
END_TEST

/* What stands behind ksql.streams. is a query's setting or Kafka's, never the server's. */
START_TEST(prefixes)
{
	Settings *settings = settings_new(NULL);
	Error	  err;

	ck_assert_ptr_eq(setting_find("ksql.streams.auto.offset.reset"), setting_find("auto.offset.reset"));
	ck_assert_ptr_nonnull(setting_find("ssl.key.location"));
	ck_assert_ptr_null(setting_find("ksql.streams.ssl.key.location"));
	ck_assert_int_eq(settings_set(settings, "ssl.key.location", "/server", &err), OK);
	ck_assert_int_eq(settings_set(settings, "ksql.streams.ssl.key.location", "/kafka", &err), OK);
	ck_assert_str_eq(settings_text(settings, "ssl.key.location"), "/server");
	ck_assert_str_eq(settings_text(settings, "ksql.streams.ssl.key.location"), "/kafka");
	settings_free(settings);
}
END_TEST

START_TEST(secrets)
{
	static const char *const secret[] = {"ssl.key.password", "ssl.keystore.password", "sasl.jaas.config", "sasl.password", "API_KEY", "db_password",
		"ksql.schema.registry.basic.auth.user.info", "connection.password", "aws.secret.access.key", "bearer.auth.token", "ssl.truststore.password"};
	static const char *const open[] = {"ssl.keystore.location", "KAFKA_TOPIC", "listeners", "basic.auth.credentials.source", "file.access",
		"ksql.persistence.default.format.key", "KEY_FORMAT", "ssl.key.location", "authentication.users.file", "key"};

	for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
		ck_assert_msg(setting_is_secret(secret[i]), "%s", secret[i]);
	for (size_t i = 0; i < sizeof open / sizeof *open; i++)
		ck_assert_msg(!setting_is_secret(open[i]), "%s", open[i]);
}
END_TEST

START_TEST(overrides)
{
	Settings *server = settings_new(NULL);
	Error	  err;

	ck_assert_int_eq(settings_check_override(server, "auto.offset.reset", &err), OK);
	ck_assert_int_eq(settings_check_override(server, "listeners", &err), FAILED);
	ck_assert_int_eq(settings_check_override(server, "ksql.service.id", &err), FAILED);
	ck_assert_int_eq(settings_set(server, "ksql.properties.overrides.denylist", "batch.rows, auto.offset.reset", &err), OK);
	ck_assert_int_eq(settings_check_override(server, "ksql.streams.auto.offset.reset", &err), FAILED);
	ck_assert_int_eq(settings_check_override(server, "strict", &err), OK);
	ck_assert_int_eq(settings_set(server, "ksql.properties.overrides.validation.mode", "allowlist", &err), OK);
	ck_assert_int_eq(settings_check_override(server, "strict", &err), FAILED);
	ck_assert_int_eq(settings_set(server, "ksql.properties.overrides.allowlist", "strict", &err), OK);
	ck_assert_int_eq(settings_check_override(server, "strict", &err), OK);
	settings_free(server);
}
END_TEST

int
main(void)
{
	Suite  *suite = suite_create("log");
	TCase  *tc = tcase_create("all");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, json_lines);
	tcase_add_test(tc, text_lines);
	tcase_add_test(tc, reopening);
	tcase_add_test(tc, java_properties);
	tcase_add_test(tc, setting_rows_are_well_formed);
	tcase_add_test(tc, prefixes);
	tcase_add_test(tc, secrets);
	tcase_add_test(tc, overrides);
	suite_add_tcase(suite, tc);

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int		failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
