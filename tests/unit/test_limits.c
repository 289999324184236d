/* server/limits, server/audit, server/metrics. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/audit.h"
#include "server/limits.h"
#include "server/metrics.h"

static Limits *
limits_with(const char *name, const char *value)
{
	Settings *settings = settings_new(NULL);
	Limits	 *limits;
	Error	  err;

	if (name != NULL)
		ck_assert_int_eq(settings_set(settings, name, value, &err), OK);
	limits = limits_new(settings);
	settings_free(settings);
	return limits;
}

START_TEST(tokens)
{
	TokenBucket bucket = {.rate = 2}, slow = {.rate = 0.5}, none = {0};
	Nanos		second = 1000000000, now = 1000 * second;

	ck_assert(token_bucket_take(&bucket, now) && token_bucket_take(&bucket, now));
	ck_assert(!token_bucket_take(&bucket, now));
	ck_assert(!token_bucket_take(&bucket, now + second / 4));
	ck_assert(token_bucket_take(&bucket, now + second / 2));
	ck_assert(!token_bucket_take(&bucket, now + second / 2));
	/* At most a second's worth is saved up. */
	now += 100 * second;
	ck_assert(token_bucket_take(&bucket, now) && token_bucket_take(&bucket, now) && !token_bucket_take(&bucket, now));
	ck_assert(token_bucket_take(&slow, now) && !token_bucket_take(&slow, now + second) && token_bucket_take(&slow, now + 2 * second));
	for (int i = 0; i < 1000; i++)
		ck_assert(token_bucket_take(&none, now));
}
END_TEST

START_TEST(push_queries)
{
	Limits *limits = limits_with("ksql.max.push.queries", "2");
	Error	err;

	ck_assert_int_eq(limits_begin_push(limits, NULL, &err), OK);
	ck_assert_int_eq(limits_begin_push(limits, "ann", &err), OK);
	ck_assert_int_eq(limits_begin_push(limits, "ann", &err), FAILED);
	ck_assert_ptr_nonnull(strstr(err.hint, "ksql.max.push.queries"));
	limits_end_push(limits, NULL);
	ck_assert_int_eq(limits_begin_push(limits, "bob", &err), OK);
	ck_assert_int_eq(limits_counts(limits).n_push, 2);
	ck_assert_int_eq(limits_counts(limits).n_refused, 1);
	limits_free(limits);
}
END_TEST

START_TEST(queries_of_a_user)
{
	Limits *limits = limits_with("user.max.queries", "2");
	Error	err;

	ck_assert_int_eq(limits_begin_push(limits, "ann", &err), OK);
	ck_assert_int_eq(limits_begin_pull(limits, "ann", &err), OK);
	ck_assert_int_eq(limits_begin_pull(limits, "ann", &err), FAILED);
	ck_assert_int_eq(limits_begin_push(limits, "bob", &err), OK);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(limits_begin_push(limits, NULL, &err), OK);
	limits_end_pull(limits, "ann", 100);
	ck_assert_int_eq(limits_begin_push(limits, "ann", &err), OK);
	limits_end_push(limits, "ann");
	limits_end_push(limits, "ann");
	limits_end_push(limits, "bob");
	ck_assert_int_eq(limits_begin_pull(limits, "bob", &err), OK);
	limits_free(limits);
}
END_TEST

START_TEST(pull_queries)
{
	Limits *limits = limits_with("ksql.query.pull.max.concurrent.requests", "1");
	Error	err;

	ck_assert_int_eq(limits_begin_pull(limits, NULL, &err), OK);
	ck_assert_int_eq(limits_begin_pull(limits, NULL, &err), FAILED);
	limits_end_pull(limits, NULL, 0);
	ck_assert_int_eq(limits_begin_pull(limits, NULL, &err), OK);
	limits_free(limits);
	limits = limits_with("ksql.query.pull.max.qps", "3");
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(limits_begin_pull(limits, "ann", &err), OK);
		limits_end_pull(limits, "ann", 0);
	}
	ck_assert_int_eq(limits_begin_pull(limits, "ann", &err), FAILED);
	ck_assert_str_eq(err.message, "Host is at rate limit for pull queries. Currently set to 3 qps.");
	limits_free(limits);
	limits = limits_with("ksql.query.pull.max.hourly.bandwidth.megabytes", "1");
	ck_assert_int_eq(limits_begin_pull(limits, NULL, &err), OK);
	limits_end_pull(limits, NULL, 1 << 20);
	ck_assert_int_eq(limits_begin_pull(limits, NULL, &err), FAILED);
	limits_free(limits);
	limits = limits_with(NULL, NULL);
	for (int i = 0; i < 10000; i++)
		ck_assert_int_eq(limits_begin_pull(limits, NULL, &err), OK);
	limits_free(limits);
}
END_TEST

START_TEST(commands)
{
	Limits *limits = limits_with("ksql.server.command.topic.rate.limit", "1.0");
	Error	err;

	ck_assert_int_eq(limits_command(limits, &err), OK);
	ck_assert_int_eq(limits_command(limits, &err), FAILED);
	limits_free(limits);
}
END_TEST

START_TEST(auditing)
{
	char	 path[64], text[8192];
	Log		*log;
	FILE	*file;
	size_t	 n;
	Error	 err;

	snprintf(path, sizeof path, "/tmp/sluice-audit-%d", (int)getpid());
	unlink(path);
	ck_assert_int_eq(log_open(&(LogOptions){.path = path, .level = LOG_LEVEL_INFO, .form = LOG_FORM_JSON}, &log, &err), OK);
	audit_statements(log, &(AuditEvent){.user = "ann", .address = "10.0.0.1:5", .endpoint = "/ksql", .sql = STR("INSERT INTO s VALUES ('Hush77');"),
										.took = 2000000});
	audit_statements(log, &(AuditEvent){.address = "10.0.0.2:5", .endpoint = "/ksql", .sql = STR("SET 'a.password'='Hush77'; nonsense Hush77;"),
										.status = FAILED, .class = ERROR_DENIED});
	audit_login_failed(log, "10.0.0.3:5", "wrong user or password");
	audit_statements(NULL, &(AuditEvent){.sql = STR("SELECT 1;")});
	log_close(log);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	n = fread(text, 1, sizeof text - 1, file);
	text[n] = '\0';
	fclose(file);
	unlink(path);
	ck_assert_ptr_null(strstr(text, "Hush77"));
	ck_assert_ptr_nonnull(strstr(text, "\"message\":\"INSERT INTO s VALUES ('[value]');\",\"user\":\"ann\",\"address\":\"10.0.0.1:5\",\"endpoint\":\"/ksql\","
								 "\"outcome\":\"ok\",\"seconds\":0.002000}\n"));
	ck_assert_ptr_nonnull(strstr(text, "\"outcome\":\"denied\",\"class\":\"denied\""));
	ck_assert_ptr_nonnull(strstr(text, "A log-in was refused: wrong user or password\",\"address\":\"10.0.0.3:5\"}\n"));
}
END_TEST

START_TEST(requests)
{
	static const char *const routes[] = {"/ksql", "/query-stream", "/ksql"};
	ServerMetrics		   *metrics = server_metrics_new(routes, 3);
	Limits				   *limits = limits_with(NULL, NULL);
	StrBuf					out = {0};
	FILE				   *pipe;

	server_metrics_request(metrics, 0, 200, 1000000, 50);
	server_metrics_request(metrics, 2, 200, 1000000, 50);
	server_metrics_request(metrics, 0, 999, 1000000, 0);
	server_metrics_request(metrics, -1, 404, 1000000, 10);
	server_metrics_query(metrics, SERVER_PULL, true, 3, 2000000);
	server_metrics_query(metrics, SERVER_PULL, false, 0, 2000000);
	server_metrics_write(metrics, &(MetricSources){.limits = limits, .version = "1", .service_id = "x_", .custom_tags = "env:test", .n_connections = 4}, &out);
	ck_assert_ptr_nonnull(strstr(out.data, "\nsluice_http_requests_total{service=\"x_\",env=\"test\",endpoint=\"/ksql\",status=\"200\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(out.data, ",endpoint=\"/ksql\",status=\"other\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(out.data, ",endpoint=\"other\",status=\"404\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "\nsluice_pull_requests_total{service=\"x_\",env=\"test\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "\nsluice_pull_rows_returned_total{service=\"x_\",env=\"test\"} 3\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "\nsluice_http_connections{service=\"x_\",env=\"test\"} 4\n"));
	if (system("promtool --version >/dev/null 2>&1") == 0) {
		pipe = popen("promtool check metrics", "w");
		fputs(out.data, pipe);
		ck_assert_int_eq(pclose(pipe), 0);
	}
	strbuf_free(&out);
	limits_free(limits);
	server_metrics_free(metrics);
}
END_TEST

int
main(void)
{
	Suite  *suite = suite_create("limits");
	TCase  *tc = tcase_create("all");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, tokens);
	tcase_add_test(tc, push_queries);
	tcase_add_test(tc, queries_of_a_user);
	tcase_add_test(tc, pull_queries);
	tcase_add_test(tc, commands);
	tcase_add_test(tc, auditing);
	tcase_add_test(tc, requests);
	suite_add_tcase(suite, tc);

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int		failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
