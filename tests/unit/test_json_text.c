/* data/json_text: the reader's strictness, duplicates, escapes, and the writer. */
#include <check.h>
#include <stdlib.h>

#include "data/json_text.h"

/* Parsed and written again; NULL if refused. */
static const char *
again(const char *text, JsonFlags flags)
{
	static StrBuf buf;
	Arena		arena = {0};
	JsonValue	v;
	Error		err;
	Status		status = json_parse(&arena, str_of(text), flags, &v, &err);

	strbuf_clear(&buf);
	if (status == OK)
		json_write(&buf, &v);
	ck_assert(json_parse_quiet(&arena, str_of(text), flags, &v) == (status == OK));
	arena_free(&arena);
	return status == OK ? strbuf_text(&buf) : NULL;
}

START_TEST(accepted)
{
	static const char *const cases[][2] = {
		{" { \"a\" : [ 1 , -2.50e+10 , true,false,null ] , \"b\" : { } , \"c\":[] } ", "{\"a\":[1,-2.50e+10,true,false,null],\"b\":{},\"c\":[]}"},
		{"\"x\"", "\"x\""}, {"0", "0"}, {"-0", "-0"}, {"0.10", "0.10"}, {"1E5", "1E5"}, {"123456789012345678901234567890", "123456789012345678901234567890"},
		{"\"\\u00e9\\ud834\\udd1e\\n\\/\\\\\\\"\"", "\"\u00e9\U0001d11e\\n/\\\\\\\"\""}, {"\"\\ud834x\"", "\"\ufffdx\""}, {"\"\\u001f\\u007f\"", "\"\\u001F\x7f\""},
		{"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"}, {"\"0123456789\\t0123456789\"", "\"0123456789\\t0123456789\""}, {"\t\r\n null", "null"},
		{"[[[]]]", "[[[]]]"}, {"{\"\":\"\"}", "{\"\":\"\"}"}, {"\"\u00e9\u20ac\"", "\"\u00e9\u20ac\""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *got = again(cases[i][0], JSON_STRICT);

		ck_assert_msg(got != NULL, "%s", cases[i][0]);
		ck_assert_str_eq(got, cases[i][1]);
	}
}
END_TEST

START_TEST(refused)
{
	static const char *const cases[] = {"", " ", "{", "[", "]", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}", "01", "-", "+1", ".5", "1.",
		"1e", "1e+", "tru", "truex", "nul", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"a\nb\"", "1 2", "[1 2]", "{\"a\" 1}", "NaN", "Infinity",
		"[1}", "{\"a\":1]", "\"abc", "//x\n1", "\x01"};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_msg(again(cases[i], JSON_STRICT) == NULL, "%s", cases[i]);
	ck_assert_str_eq(again("{} x", JSON_ALLOW_TRAILING), "{}");
	ck_assert(again("truex", JSON_ALLOW_TRAILING) == NULL);

	Arena		arena = {0};
	JsonValue	v;
	Error		err;

	ck_assert(json_parse(&arena, STR("{\"a\": x}"), JSON_STRICT, &v, &err) == FAILED);
	ck_assert_str_eq(err.message, "Invalid JSON at byte 6: a value was expected");
	arena_free(&arena);
}
END_TEST

START_TEST(depth)
{
	StrBuf	buf = {0};

	strbuf_add_repeat(&buf, '[', JSON_DEPTH_MAX);
	strbuf_add_repeat(&buf, ']', JSON_DEPTH_MAX);
	ck_assert(again(strbuf_text(&buf), JSON_STRICT) != NULL);
	strbuf_clear(&buf);
	strbuf_add_repeat(&buf, '[', 1000000);
	ck_assert(again(strbuf_text(&buf), JSON_STRICT) == NULL);
	strbuf_free(&buf);
}
END_TEST

START_TEST(members)
{
	Arena		arena = {0};
	JsonValue	v;
	Error		err;
	StrBuf		buf = {0};

	ck_assert(json_parse(&arena, STR("{\"b\":{\"z\":1,\"y\":2},\"A\":1.0,\"a\":\"t\"}"), JSON_STRICT, &v, &err) == OK);
	ck_assert(json_member(&v, STR("a"))->kind == JSON_STRING);
	ck_assert(json_member(&v, STR("A"))->kind == JSON_NUMBER && !json_member(&v, STR("A"))->is_integer);
	ck_assert(json_member(&v, STR("c")) == NULL && json_member(&v.members[1].value, STR("c")) == NULL);
	ck_assert(json_member_nocase(&v, STR("A"))->kind == JSON_STRING);
	json_write_sorted(&buf, &v);
	ck_assert_str_eq(strbuf_text(&buf), "{\"A\":1.0,\"a\":\"t\",\"b\":{\"y\":2,\"z\":1}}");

	/* Many members, each name twice. */
	strbuf_clear(&buf);
	strbuf_add_char(&buf, '{');
	for (int i = 0; i < 2000; i++)
		strbuf_printf(&buf, "%s\"k%d\":%d", i > 0 ? "," : "", i % 1000, i);
	strbuf_add_char(&buf, '}');
	ck_assert(json_parse(&arena, strbuf_str(&buf), JSON_STRICT, &v, &err) == OK);
	ck_assert_uint_eq(v.n, 1000);
	ck_assert(str_equal(json_member(&v, STR("k7"))->text, STR("1007")));
	strbuf_free(&buf);
	arena_free(&arena);
}
END_TEST

int
main(void)
{
	Suite  *suite = suite_create("json_text");
	TCase  *tc = tcase_create("all");

	tcase_add_test(tc, accepted);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, depth);
	tcase_add_test(tc, members);
	suite_add_tcase(suite, tc);

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int		failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
