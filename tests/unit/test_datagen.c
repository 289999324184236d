/* Made-up data: the same for the same seed, well formed, and what the options say. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "shell/datagen.h"

typedef struct Collected {
	StrBuf	text;
	int64_t n_rows;
	int64_t stop_after;		/* 0: never */
	Time	last;
	char	first_key[32];
} Collected;

static Status
collect(void *context, Time timestamp, Str key, Str value, Error *err)
{
	Collected *c = context;

	(void)err;
	if (c->n_rows++ == 0)
		snprintf(c->first_key, sizeof c->first_key, "%.*s", (int)key.length, key.data);
	else
		ck_assert_int_ge(timestamp, c->last);
	c->last = timestamp;
	ck_assert_ptr_null(memchr(value.data, '\n', value.length));
	strbuf_add_str(&c->text, value);
	strbuf_add_char(&c->text, '\n');
	return c->n_rows == c->stop_after ? DONE : OK;
}

static Collected
make(const char *set, int64_t n, uint64_t seed, DatagenFormat format)
{
	DatagenOptions options;
	Collected	   c = {0};
	DatagenSink	   sink = {collect, NULL, &c};
	Error		   err = {0};

	datagen_options_init(&options);
	options.set = set;
	options.n_rows = n;
	options.seed = seed;
	options.format = format;
	ck_assert_msg(datagen_run(&options, &sink, &err) == OK, "%s", err.message);
	ck_assert_int_eq(c.n_rows, n);
	return c;
}

START_TEST(every_set_repeats)
{
	for (const char *const *set = datagen_list(); *set != NULL; set++) {
		Collected a = make(*set, 200, 1, DATAGEN_JSON), b = make(*set, 200, 1, DATAGEN_JSON),
				  c = make(*set, 200, 2, DATAGEN_JSON);
		int		  depth = 0;

		ck_assert(str_equal(strbuf_str(&a.text), strbuf_str(&b.text)));
		ck_assert(!str_equal(strbuf_str(&a.text), strbuf_str(&c.text)));
		for (size_t i = 0; i < a.text.length; i++) {
			depth += (a.text.data[i] == '{') - (a.text.data[i] == '}');
			if (a.text.data[i] == '\n' && depth != 0)
				break;
		}
		ck_assert_int_eq(depth, 0);
		strbuf_free(&a.text);
		strbuf_free(&b.text);
		strbuf_free(&c.text);
	}
}
END_TEST

START_TEST(csv_has_the_columns_of_its_header)
{
	for (const char *const *set = datagen_list(); *set != NULL; set++) {
		StrBuf	  header = {0}, ddl = {0};
		Collected c;
		int		  n_columns = 1, n = 1;

		ck_assert(datagen_ddl(*set, "it's", DATAGEN_JSON, true, &ddl));
		ck_assert_ptr_nonnull(strstr(strbuf_text(&ddl), "PATH = 'it''s'"));
		strbuf_free(&ddl);
		if (!datagen_csv_header(*set, &header))
			continue;
		for (size_t i = 0; i < header.length; i++)
			n_columns += header.data[i] == ',';
		c = make(*set, 100, 0, DATAGEN_CSV);
		for (size_t i = 0; i < c.text.length; i++) {
			n += c.text.data[i] == ',';
			if (c.text.data[i] == '\n') {
				ck_assert_int_eq(n, n_columns);
				n = 1;
			}
		}
		strbuf_free(&header);
		strbuf_free(&c.text);
	}
}
END_TEST

START_TEST(options_are_heeded)
{
	DatagenOptions options;
	Collected	   c = {.stop_after = 5};
	DatagenSink	   sink = {collect, NULL, &c};
	Error		   err = {0};

	datagen_options_init(&options);
	options.set = "Orders";
	options.has_start = true;
	options.start = 1000;
	options.interval_ms = 10;
	ck_assert_int_eq(datagen_run(&options, &sink, &err), OK);	/* without end, until the sink has enough */
	ck_assert_int_eq(c.n_rows, 5);
	ck_assert_int_eq(c.last, 1040);
	ck_assert_str_eq(c.first_key, "0");
	ck_assert_ptr_nonnull(strstr(strbuf_text(&c.text), "{\"ordertime\":1010,\"orderid\":1,\"itemid\":\"Item_"));
	strbuf_free(&c.text);
	options.set = "pageview";
	ck_assert_int_eq(datagen_run(&options, &sink, &err), FAILED);
	ck_assert_ptr_nonnull(strstr(err.hint, "pageviews"));
	options.set = "nexmark";
	options.format = DATAGEN_CSV;
	ck_assert_int_eq(datagen_run(&options, &sink, &err), FAILED);
	ck_assert_int_eq(err.class, ERROR_USER);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("datagen");
	TCase	*tcase = tcase_create("datagen");
	SRunner *runner;
	int		 n_failed;

	tcase_add_test(tcase, every_set_repeats);
	tcase_add_test(tcase, csv_has_the_columns_of_its_header);
	tcase_add_test(tcase, options_are_heeded);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed > 0;
}
