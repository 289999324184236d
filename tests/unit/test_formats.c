/* io/format: what each format reads and writes, and what it refuses. */
#include <check.h>
#include <stdlib.h>

#include "data/decimal.h"
#include "io/format.h"

static Arena arena;

static void
setup(void)
{
	arena = (Arena){0};
}

static void
teardown(void)
{
	arena_free(&arena);
}

static FormatSpec
make_spec(const char *format, const char *schema, bool is_key, bool is_wrapped)
{
	const Schema *s;
	Error		  err = {0};
	FormatSpec	  spec = {0};

	if (schema[0] != '\0')
		ck_assert_msg(schema_parse(&arena, str_of(schema), &s, &err) == OK, "%s", err.message);
	spec.format = format_find(str_of(format));
	ck_assert_ptr_nonnull(spec.format);
	spec.n_columns = schema[0] != '\0' ? s->n_columns : 0;
	spec.columns = schema[0] != '\0' ? s->columns : NULL;
	spec.is_key = is_key;
	spec.is_wrapped = is_wrapped;
	return spec;
}

/* Decodes a payload and encodes the row again; "!reason" if it cannot be read, "NULL" for no row. */
static const char *
round_trip_as(const FormatSpec *from, Str payload, const FormatSpec *to)
{
	Decoder *decoder;
	Encoder *encoder;
	Error	 err = {0};
	StrBuf	 out = {0};
	bool	 is_null = false;
	Vector **columns = arena_array(&arena, Vector *, from->n_columns + 1);
	char	*text;

	ck_assert_int_eq(from->format->decoder_new(&arena, from, &decoder, &err), OK);
	ck_assert_int_eq(to->format->encoder_new(&arena, to, &encoder, &err), OK);
	for (int i = 0; i < from->n_columns; i++)
		columns[i] = vector_new(&arena, from->columns[i].type, 3);
	if (decoder->decode(decoder, payload, &arena, columns, 1, &is_null, &err) != OK)
		return arena_printf(&arena, "!%s", err.message);
	if (is_null)
		return "NULL";
	if (encoder->encode(encoder, (const Vector *const *)columns, 1, &out, &is_null, &err) != OK) {
		text = arena_printf(&arena, "!!%s", err.message);
	} else {
		text = is_null ? "NULL" : arena_strndup(&arena, strbuf_text(&out), out.length);
	}
	strbuf_free(&out);
	return text;
}

static const char *
round_trip(const FormatSpec *spec, const char *payload)
{
	return round_trip_as(spec, str_of(payload), spec);
}

#define check_json(schema, payload, expected)                              \
	do {                                                                   \
		FormatSpec spec_ = make_spec("JSON", schema, false, true);         \
		ck_assert_str_eq(round_trip(&spec_, payload), expected);           \
	} while (0)

#define check_json_fails(schema, payload, part)                            \
	do {                                                                   \
		FormatSpec	spec_ = make_spec("JSON", schema, false, true);        \
		const char *got_ = round_trip(&spec_, payload);                    \
		ck_assert_msg(got_[0] == '!' && strstr(got_, part) != NULL, "%s", got_); \
	} while (0)

START_TEST(json_numbers)
{
	check_json("`A` INTEGER", "{\"a\": 1.9}", "{\"A\":1}");
	check_json("`A` INTEGER", "{\"A\": \"7\"}", "{\"A\":7}");
	check_json("`A` INTEGER", "{\"A\": -7}", "{\"A\":-7}");
	check_json("`A` INTEGER", "{\"A\": 2147483648}", "{\"A\":-2147483648}");
	check_json("`A` BIGINT", "{\"A\": 9223372036854775807}", "{\"A\":9223372036854775807}");
	check_json("`A` BIGINT", "{\"A\": -9223372036854775808}", "{\"A\":-9223372036854775808}");
	check_json("`A` BIGINT", "{\"A\": 1.5e3}", "{\"A\":1500}");
	check_json("`A` BIGINT", "{\"A\": 12345e-2}", "{\"A\":123}");
	check_json("`A` BIGINT", "{\"A\": 1e400}", "{\"A\":0}");
	check_json("`A` DOUBLE", "{\"A\": 1}", "{\"A\":1.0}");
	check_json("`A` DOUBLE", "{\"A\": \"1e10\"}", "{\"A\":1.0E10}");
	check_json("`A` DOUBLE", "{\"A\": \"NaN\"}", "{\"A\":\"NaN\"}");
	check_json("`A` DECIMAL(4, 2)", "{\"A\": 1.2}", "{\"A\":1.20}");
	check_json("`A` DECIMAL(30, 2)", "{\"A\": 1234567890123456789012345678.25}", "{\"A\":1234567890123456789012345678.25}");
	check_json("`A` TIMESTAMP, `B` DATE, `C` TIME", "{\"A\": \"5\", \"B\": 3, \"C\": 86399999}", "{\"A\":5,\"B\":3,\"C\":86399999}");
	check_json_fails("`A` INTEGER", "{\"a\": true}", "sourceType: BooleanNode, requiredType: INTEGER, path: $.A");
	check_json_fails("`A` DECIMAL(4, 2)", "{\"A\": 1.234}", "$.A");
	check_json_fails("`A` TIME", "{\"A\": 86400000}", "$.A");
	check_json_fails("`A` INTEGER", "{\"A\": 01}", "Not valid JSON");
	check_json_fails("`A` BOOLEAN", "{\"A\": \"true\"}", "TextNode");
}
END_TEST

START_TEST(json_text)
{
	check_json("`A` STRING", "{\"A\": {\"x\" : [1, 2]}}", "{\"A\":\"{\\\"x\\\":[1,2]}\"}");
	check_json("`A` STRING", "{\"A\": [1, \"x\", true]}", "{\"A\":\"[1, x, true]\"}");
	check_json("`A` STRING", "{\"A\": 1.50}", "{\"A\":\"1.50\"}");
	check_json("`A` STRING", "{\"A\": \"q\\\"\\\\\\u00e9\\ud83d\\ude00\\n\"}", "{\"A\":\"q\\\"\\\\\xc3\xa9\xf0\x9f\x98\x80\\n\"}");
	check_json("`A` STRING, `B` STRING", "{\"B\": \"a text that is longer than a view\"}", "{\"A\":null,\"B\":\"a text that is longer than a view\"}");
	check_json("`A` BYTES", "{\"A\": \"aGk=\"}", "{\"A\":\"aGk=\"}");
	check_json_fails("`A` STRING", "{\"A\": \"\xff\"}", "UTF-8");
	check_json_fails("`A` STRING", "{\"A\": \"x", "ends early");
	check_json_fails("`A` STRING", "{\"A\": \"x\ny\"}", "0x0a");
	check_json_fails("`A` BYTES", "{\"A\": \"?\"}", "Base64");
	check_json_fails("`A` STRING, `B` STRING", "[]", "ArrayNode");
	check_json_fails("`A` STRING, `B` STRING", "", "MissingNode");
}
END_TEST

START_TEST(json_fields)
{
	/* unquoted columns match any case, quoted mixed-case ones only themselves; exact wins; of equals the last */
	check_json("`aB` INTEGER, `AB` INTEGER", "{\"ab\": 1}", "{\"aB\":null,\"AB\":1}");
	check_json("`AB` INTEGER", "{\"AB\": 1, \"ab\": 2}", "{\"AB\":1}");
	check_json("`AB` INTEGER", "{\"ab\": 2, \"AB\": 1, \"aB\": 3}", "{\"AB\":1}");
	check_json("`AB` INTEGER", "{\"ab\": 2, \"aB\": 3}", "{\"AB\":3}");
	check_json("`A` INTEGER, `B` INTEGER", "{\"x\": {\"y\": [1, {}, []]}, \"b\": null}", "{\"A\":null,\"B\":null}");
	check_json("`A` INTEGER", "null", "NULL");
	check_json("`A` INTEGER", " {} ", "{\"A\":null}");
	check_json_fails("`A` INTEGER", "{\"x\": {\"y\": ]}}", "Not valid JSON");
	check_json_fails("`A` INTEGER", "{\"A\": 1,}", "Not valid JSON");
}
END_TEST

START_TEST(json_learned_order)
{
	FormatSpec	spec = make_spec("JSON", "`A` INTEGER, `B` STRING", false, true);
	Decoder	   *decoder;
	Error		err = {0};
	bool		is_null;
	Vector	   *columns[2] = {vector_new(&arena, type_integer, 8), vector_new(&arena, type_string, 8)};
	static const char *const rows[] = {
		"{\"a\":1,\"b\":\"x\"}", "{\"a\":2,\"b\":\"y\"}", "{\"b\":\"z\",\"a\":3}", "{\"c\":0,\"a\":4}", "{\"a\" : 5, \"b\" : null}",
	};
	static const int expected[] = {1, 2, 3, 4, 5};

	ck_assert_int_eq(spec.format->decoder_new(&arena, &spec, &decoder, &err), OK);
	for (int i = 0; i < 5; i++) {
		ck_assert_msg(decoder->decode(decoder, str_of(rows[i]), &arena, columns, i, &is_null, &err) == OK, "%s", err.message);
		ck_assert_int_eq(((int32_t *)columns[0]->data)[i], expected[i]);
		ck_assert_int_eq(vector_is_valid(columns[1], i), i < 3);
	}
}
END_TEST

START_TEST(json_nested)
{
	check_json("`A` ARRAY<ARRAY<INTEGER>>, `M` MAP<STRING, DOUBLE>, `S` STRUCT<`X` INTEGER, `Y` ARRAY<STRING>>",
			   "{\"a\":[[1,2],[],null,[3]],\"m\":{\"k\":1,\"l\":null,\"k\":2},\"s\":{\"y\":[\"p\",null],\"x\":\"9\"}}",
			   "{\"A\":[[1,2],[],null,[3]],\"M\":{\"k\":2.0,\"l\":null},\"S\":{\"X\":9,\"Y\":[\"p\",null]}}");
	check_json("`S` STRUCT<`X` STRUCT<`Z` INTEGER>>", "{\"s\": null}", "{\"S\":null}");
	check_json("`S` STRUCT<`X` STRUCT<`Z` INTEGER>>", "{\"s\": {\"x\": {}}}", "{\"S\":{\"X\":{\"Z\":null}}}");
	check_json_fails("`A` STRUCT<`B` ARRAY<INTEGER>>", "{\"A\": {\"B\": [1, 2, false]}}", "path: $.A.B[2]");
	check_json_fails("`A` ARRAY<INTEGER>", "{\"A\": {}}", "ObjectNode");
}
END_TEST

START_TEST(json_unwrapped)
{
	FormatSpec spec = make_spec("JSON", "`K` INTEGER KEY", true, false);

	ck_assert_str_eq(round_trip(&spec, "12"), "12");
	ck_assert_str_eq(round_trip(&spec, "null"), "NULL");
	spec = make_spec("JSON", "`K` STRING", false, false);
	ck_assert_str_eq(round_trip(&spec, "\"abc\""), "\"abc\"");
	spec = make_spec("JSON", "`K` INTEGER KEY, `L` STRING KEY", true, false);
	ck_assert_str_eq(round_trip(&spec, "{\"K\":1,\"L\":null}"), "{\"K\":1,\"L\":null}");
}
END_TEST

START_TEST(delimited)
{
	FormatSpec spec = make_spec("DELIMITED", "`A` INTEGER, `B` STRING, `C` DOUBLE", false, false);

	ck_assert_str_eq(round_trip(&spec, "1,,x"), "!Can't read \"x\" as DOUBLE, column: `C`");
	ck_assert_str_eq(round_trip(&spec, "1,,2"), "1,,2.0");
	ck_assert_str_eq(round_trip(&spec, "-1,\" a\"\"b\",1e10"), "\"-1\",\" a\"\"b\",1.0E10");
	ck_assert_str_eq(round_trip(&spec, "1,2"), "!Unexpected field count, csvFields: 2, schemaFields: 3");
	ck_assert(round_trip(&spec, "")[0] == '!');
	ck_assert(round_trip(&spec, "1, 2,x y")[0] == '!');
	spec = make_spec("DELIMITED", "`A` STRING, `B` STRING, `C` STRING", false, false);
	spec.delimiter = '|';
	ck_assert_str_eq(round_trip(&spec, "_x|a b |#z"), "\"_x\"|\"a b \"|\"#z\"");
	ck_assert_str_eq(round_trip(&spec, "x|\"a|b\"|,\n1|2|3"), "x|\"a|b\"|,");
	spec = make_spec("DELIMITED", "`A` BOOLEAN, `B` DECIMAL(5, 2), `C` BYTES, `D` TIME", false, false);
	ck_assert_str_eq(round_trip(&spec, "TRUE,1.5,aGk=,7"), "true,1.50,aGk=,7");
	ck_assert_str_eq(round_trip(&spec, "yes,,,"), "false,,,");
	ck_assert(round_trip(&spec, "true,1.555,,")[0] == '!');
}
END_TEST

START_TEST(kafka)
{
	FormatSpec spec = make_spec("KAFKA", "`K` BIGINT KEY", true, false);
	FormatSpec json = make_spec("JSON", "`K` BIGINT KEY", true, false);

	ck_assert_str_eq(round_trip_as(&spec, str_make("\0\0\0\0\0\0\1\2", 8), &json), "258");
	ck_assert(round_trip_as(&spec, str_make("\0\0\1\2", 4), &json)[0] == '!');
	spec = make_spec("KAFKA", "`K` STRING KEY", true, false);
	ck_assert_str_eq(round_trip(&spec, "abc"), "abc");
}
END_TEST

START_TEST(checks)
{
	Error	   err = {0};
	FormatSpec spec = make_spec("DELIMITED", "`K` ARRAY<DOUBLE> KEY", true, false);

	ck_assert_int_eq(spec.format->check(&spec, &err), FAILED);
	ck_assert_str_eq(err.message,
					 "Key format does not support schema.\nformat: DELIMITED\nschema: Persistence{columns=[`K` ARRAY<DOUBLE> KEY], "
					 "features=[]}\nreason: The 'DELIMITED' format does not support type 'ARRAY', column: `K`");
	spec = make_spec("KAFKA", "`K1` INTEGER KEY, `K2` INTEGER KEY", true, false);
	ck_assert_int_eq(spec.format->check(&spec, &err), FAILED);
	ck_assert_ptr_nonnull(strstr(err.message, "only supports a single field. Got: [`K1` INTEGER KEY, `K2` INTEGER KEY]"));
	spec = make_spec("JSON", "`M` MAP<INTEGER, STRING>", false, true);
	ck_assert_int_eq(spec.format->check(&spec, &err), FAILED);
	spec = make_spec("NONE", "`K` STRING KEY", true, false);
	ck_assert_int_eq(spec.format->check(&spec, &err), FAILED);
	spec = make_spec("avro", "`V` STRING", false, true);
	ck_assert_int_eq(spec.format->check(&spec, &err), FAILED);
	ck_assert_int_eq(err.class, ERROR_UNSUPPORTED);
	ck_assert_ptr_null(format_find(STR("FOO")));
}
END_TEST

START_TEST(windows)
{
	StrBuf	key = {0};
	Str		inner;
	int64_t start, end;
	Error	err = {0};

	strbuf_add_text(&key, "k");
	window_key_encode(&key, false, 1000, 2000);
	ck_assert_int_eq(key.length, 9);
	ck_assert_int_eq(window_key_decode(strbuf_str(&key), false, 500, &inner, &start, &end, &err), OK);
	ck_assert(str_equal(inner, STR("k")) && start == 1000 && end == 1500);
	strbuf_clear(&key);
	window_key_encode(&key, true, 1000, 2000);
	ck_assert_int_eq(window_key_decode(strbuf_str(&key), true, 0, &inner, &start, &end, &err), OK);
	ck_assert(inner.length == 0 && start == 1000 && end == 2000);
	ck_assert_int_eq(window_key_decode(STR("short"), false, 0, &inner, &start, &end, &err), FAILED);
	strbuf_free(&key);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("formats");
	TCase *cases = tcase_create("all");
	SRunner *runner;
	int		 n_failed;

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_test(cases, json_numbers);
	tcase_add_test(cases, json_text);
	tcase_add_test(cases, json_fields);
	tcase_add_test(cases, json_learned_order);
	tcase_add_test(cases, json_nested);
	tcase_add_test(cases, json_unwrapped);
	tcase_add_test(cases, delimited);
	tcase_add_test(cases, kafka);
	tcase_add_test(cases, checks);
	tcase_add_test(cases, windows);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
