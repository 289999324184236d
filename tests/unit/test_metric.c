/* common/metric: counting and Prometheus' text; engine/metrics with a query at work. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/metric.h"
#include "engine/engine.h"
#include "engine/metrics.h"

START_TEST(latencies)
{
	Latency latency = {0};
	StrBuf	out = {0};
	MetricWriter w = {.out = &out};

	latency_add(&latency, 500000);			/* on a bound: below it */
	latency_add(&latency, 500001);
	latency_add(&latency, INT64_C(3600000000000));
	ck_assert_int_eq(latency_count(&latency), 3);
	metric_family(&w, "x_seconds", METRIC_HISTOGRAM, "Times.");
	metric_latency(&w, &(MetricLabel){"a", "b"}, 1, &latency);
	ck_assert_ptr_nonnull(strstr(out.data, "# TYPE x_seconds histogram\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "x_seconds_bucket{a=\"b\",le=\"0.0005\"} 1\nx_seconds_bucket{a=\"b\",le=\"0.001\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "x_seconds_bucket{a=\"b\",le=\"30\"} 2\nx_seconds_bucket{a=\"b\",le=\"+Inf\"} 3\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "x_seconds_sum{a=\"b\"} 3600.001\nx_seconds_count{a=\"b\"} 3\n"));
	strbuf_free(&out);
}
END_TEST

START_TEST(text)
{
	StrBuf		 out = {0};
	MetricLabel	 common = {"service", "s"};
	MetricWriter w = {.out = &out, .n_common = 1, .common = &common};

	metric_single(&w, "a_total", METRIC_COUNTER, "Things.", 12);
	metric_family(&w, "b", METRIC_GAUGE, "Other things.");
	metric_value(&w, &(MetricLabel){"q", "a\"b\\c\nd"}, 1, -0.5);
	ck_assert_str_eq(out.data, "# HELP a_total Things.\n# TYPE a_total counter\na_total{service=\"s\"} 12\n"
					 "# HELP b Other things.\n# TYPE b gauge\nb{service=\"s\",q=\"a\\\"b\\\\c\\nd\"} -0.5\n");
	strbuf_free(&out);
}
END_TEST

START_TEST(labels)
{
	Arena		arena = {0};
	MetricLabel out[4];

	ck_assert_int_eq(metric_labels_parse(&arena, "env:prod, 1-region : eu:west ,,nothing", out, 4), 2);
	ck_assert_str_eq(out[0].name, "env");
	ck_assert_str_eq(out[0].value, "prod");
	ck_assert_str_eq(out[1].name, "__region");
	ck_assert_str_eq(out[1].value, "eu:west");
	ck_assert_int_eq(metric_labels_parse(&arena, NULL, out, 4), 0);
	ck_assert_int_eq(metric_labels_parse(&arena, "a:1,b:2", out, 1), 1);
	arena_free(&arena);
}
END_TEST

/* ---- an engine at work ---- */

static void
take_message(ResultSink *sink, const char *message, bool is_warning)
{
	(void)sink;
	(void)message;
	(void)is_warning;
}

static void
take_entity(ResultSink *sink, const Entity *entity)
{
	(void)sink;
	(void)entity;
}

static void
run_sql(Session *session, const char *sql)
{
	ResultSink sink = {.message = take_message, .entity = take_entity};
	Error	   err;

	ck_assert_msg(session_execute(session, str_of(sql), &sink, &err) == OK, "%s: %s", sql, err.message);
}

static const char *
metrics_of(Engine *engine)
{
	static StrBuf out;
	MetricLabel	  service = {"service", "default_"};
	MetricWriter  w = {.out = &out, .n_common = 1, .common = &service};

	strbuf_clear(&out);
	engine_write_metrics(engine, &w);
	metric_process(&w);
	return strbuf_text(&out);
}

/* Waits, because the query runs on a worker. */
static void
expect(Engine *engine, const char *line)
{
	for (int i = 0; i < 6000 && strstr(metrics_of(engine), line) == NULL; i++)
		usleep(20000);
	if (strstr(metrics_of(engine), line) == NULL)
		fprintf(stderr, "%s", metrics_of(engine));
	ck_assert_msg(strstr(metrics_of(engine), line) != NULL, "no line %s", line);
}

/* promtool is Prometheus' own checker; where it is missing the lines above must do. */
static void
check_with_promtool(const char *metrics)
{
	FILE *pipe;

	if (system("promtool --version >/dev/null 2>&1") != 0)
		return;
	pipe = popen("promtool check metrics", "w");
	ck_assert_ptr_nonnull(pipe);
	fputs(metrics, pipe);
	ck_assert_int_eq(pclose(pipe), 0);
}

START_TEST(an_engine)
{
	EngineOptions options = {.directory = NULL, .n_workers = 1};
	Engine		 *engine;
	Session		 *session;
	Error		  err;

	ck_assert_int_eq(engine_open(&options, &engine, &err), OK);
	check_with_promtool(metrics_of(engine));
	ck_assert_int_eq(session_open(engine, &session, &err), OK);
	run_sql(session, "CREATE STREAM s (k INT KEY, v INT) WITH (kafka_topic='s', value_format='JSON', partitions=1);");
	run_sql(session, "INSERT INTO s VALUES (1, 1); INSERT INTO s VALUES (2, 2);");
	run_sql(session, "CREATE STREAM d AS SELECT k, v * 2 AS w FROM s;");
	expect(engine, "sluice_query_records_consumed_total{service=\"default_\",query=\"CSAS_d_2\"} 2\n");
	expect(engine, "sluice_query_records_produced_total{service=\"default_\",query=\"CSAS_d_2\"} 2\n");
	expect(engine, "sluice_messages_consumed_total{service=\"default_\"} 2\n");
	expect(engine, "sluice_query_lag_records{service=\"default_\",query=\"CSAS_d_2\",topic=\"s\",partition=\"0\"} 0\n");
	expect(engine, "sluice_queries{service=\"default_\",state=\"RUNNING\"} 1\n");
	expect(engine, "sluice_queries_active{service=\"default_\"} 1\n");
	expect(engine, "sluice_statements_total{service=\"default_\"} 4\n");
	check_with_promtool(metrics_of(engine));
	run_sql(session, "PAUSE CSAS_d_2; INSERT INTO s VALUES (3, 3);");
	expect(engine, "sluice_query_state{service=\"default_\",query=\"CSAS_d_2\",state=\"PAUSED\"} 1\n");
	expect(engine, "sluice_query_lag_records{service=\"default_\",query=\"CSAS_d_2\",topic=\"s\",partition=\"0\"} 1\n");
	/* Totals stay when the query goes. */
	run_sql(session, "TERMINATE CSAS_d_2;");
	expect(engine, "sluice_messages_consumed_total{service=\"default_\"} 2\n");
	expect(engine, "sluice_queries_persistent{service=\"default_\"} 0\n");
	session_close(session);
	engine_close(engine);
}
END_TEST

int
main(void)
{
	Suite  *suite = suite_create("metric");
	TCase  *tc = tcase_create("all");

	tcase_set_timeout(tc, 240);
	tcase_add_test(tc, latencies);
	tcase_add_test(tc, text);
	tcase_add_test(tc, labels);
	tcase_add_test(tc, an_engine);
	suite_add_tcase(suite, tc);

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int		failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
