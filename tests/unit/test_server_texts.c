/* server: what is taken from and written to the wire: paths, parameters, values, rows. */
#include <check.h>
#include <stdlib.h>

#include "engine/entity.h"
#include "engine/json_value.h"
#include "server/endpoint.h"
#include "server/row_writer.h"

static Arena arena;

static const char *
decoded(const char *text, bool plus_is_space)
{
	StrBuf		out = {0};
	const char *result = http_percent_decode(str_of(text), plus_is_space, &out) ? arena_strdup(&arena, strbuf_text(&out)) : NULL;

	strbuf_free(&out);
	return result;
}

START_TEST(percent_decoding)
{
	ck_assert_str_eq(decoded("%60S%60+x", false), "`S`+x");
	ck_assert_str_eq(decoded("a+b%20c", true), "a b c");
	ck_assert_str_eq(decoded("%e2%82%AC", false), "\xe2\x82\xac");
	ck_assert_str_eq(decoded("", false), "");
	for (int i = 0; i < 6; i++)
		ck_assert_ptr_null(decoded((const char *const[]){"%", "%4", "%zz", "a%", "%0", "x%00y"}[i], false));
}
END_TEST

START_TEST(query_parameters)
{
	StrBuf out = {0};

	ck_assert(http_query_parameter(str_of("version=1&request=%7B%7D&x"), "request", &out));
	ck_assert_str_eq(strbuf_text(&out), "{}");
	strbuf_clear(&out);
	ck_assert(http_query_parameter(str_of("version=1&request=%7B%7D&x"), "x", &out));
	ck_assert_str_eq(strbuf_text(&out), "");
	ck_assert(!http_query_parameter(str_of("requests=1"), "request", &out));
	ck_assert(!http_query_parameter(str_of(""), "request", &out));
	strbuf_free(&out);
}
END_TEST

static const char *
endpoint_path(const char *method, const char *path, const char *segments[ENDPOINT_MAX_SEGMENTS])
{
	const Endpoint *endpoint = endpoint_find(str_of(method), str_of(path), &arena, segments);

	return endpoint != NULL ? endpoint->path : NULL;
}

START_TEST(endpoints_by_path)
{
	const char *segments[ENDPOINT_MAX_SEGMENTS] = {0};

	ck_assert_str_eq(endpoint_path("GET", "/", segments), "/");
	ck_assert_str_eq(endpoint_path("GET", "/v1/metadata/id", segments), "/v1/metadata/id");
	ck_assert_str_eq(endpoint_path("GET", "/status/stream/%60S%2FT%60/create", segments), "/status/{type}/{entity}/{action}");
	ck_assert_str_eq(segments[1], "`S/T`");
	for (int i = 0; i < 7; i++)
		ck_assert_ptr_null(endpoint_path("GET", (const char *const[]){"/ksql", "/status/a/b", "/status/a/b/c/d", "/status/a//c", "/infos", "", "/info/x"}[i],
										 segments));
	ck_assert_ptr_null(endpoint_path("get", "/info", segments));
}
END_TEST

/* A value there and back: JSON, value of the type, JSON. */
static const char *
round_trip(const char *json, const Type *type)
{
	JsonValue tree;
	Value	  value;
	Error	  err;
	StrBuf	  out = {0};
	Vector	 *v = vector_new(&arena, type, 1);
	const char *result;

	if (json_parse(&arena, str_of(json), JSON_STRICT, &tree, &err) == FAILED || json_to_value(&arena, &tree, type, &value, &err) == FAILED)
		return NULL;
	if (value.is_null)
		vector_set_null(v, &arena, 0);
	else
		vector_set(v, &arena, 0, &value);
	cell_write(v, 0, &out);
	result = arena_strdup(&arena, strbuf_text(&out));
	strbuf_free(&out);
	return result;
}

START_TEST(values_of_all_types)
{
	TypeField  fields[] = {{"A", type_integer}, {"b", type_string}};
	const Type *row = type_struct(fields, 2);
	const struct { const char *json; const Type *type; } same[] = {
		{"true", type_boolean}, {"-5", type_integer}, {"9223372036854775807", type_bigint}, {"1.5", type_double}, {"\"NaN\"", type_double},
		{"\"-Infinity\"", type_double}, {"1.50", type_decimal(4, 2)}, {"\"a\\n\\\"b\\\"\"", type_string}, {"\"aGk=\"", type_bytes},
		{"\"2024-05-01\"", type_date}, {"\"12:30:01\"", type_time}, {"\"2024-05-01T12:30:00.123\"", type_timestamp},
		{"\"P14M3DT3600.000001S\"", type_interval}, {"\"P0M0DT-1.500000S\"", type_interval}, {"[1,null,3]", type_array(type_integer)},
		{"{\"x\":1,\"y\":null}", type_map(type_string, type_integer)}, {"{\"5\":\"v\"}", type_map(type_integer, type_string)},
		{"{\"A\":1,\"b\":\"q\"}", row}, {"null", row},
	};

	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		ck_assert_pstr_eq(round_trip(same[i].json, same[i].type), same[i].json);
	ck_assert_pstr_eq(round_trip("\"1.5\"", type_decimal(4, 2)), "1.50");
	ck_assert_pstr_eq(round_trip("{\"a\":1}", row), "{\"A\":1,\"b\":null}");
}
END_TEST

START_TEST(values_that_would_lose_something)
{
	const struct { const char *json; const Type *type; } refused[] = {
		{"1.5", type_integer}, {"2147483648", type_integer}, {"9223372036854775808", type_bigint}, {"\"1\"", type_bigint}, {"\"x\"", type_double},
		{"1.555", type_decimal(4, 2)}, {"1000", type_decimal(4, 2)}, {"1", type_string}, {"\"?\"", type_bytes}, {"1", type_date},
		{"\"2024-13-01\"", type_date}, {"1", type_boolean}, {"{}", type_array(type_integer)}, {"[\"x\"]", type_array(type_integer)},
		{"[]", type_map(type_string, type_integer)}, {"{\"x\":1}", type_map(type_integer, type_integer)},
	};

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		ck_assert_msg(round_trip(refused[i].json, refused[i].type) == NULL, "%s passed", refused[i].json);
}
END_TEST

START_TEST(types_as_entities)
{
	const char *texts[] = {"BIGINT", "DECIMAL(4, 2)", "ARRAY<STRUCT<`A` INTEGER, `B` MAP<STRING, DOUBLE>>>", "MAP<INTEGER, STRING>"};

	for (int i = 0; i < 4; i++) {
		const Type *type;
		Error		err;
		StrBuf		out = {0};
		JsonValue	entity;

		ck_assert_int_eq(type_parse(str_of(texts[i]), &type, &err), OK);
		entity = entity_type(&arena, type);
		entity_type_text(&entity, &out);
		ck_assert_str_eq(strbuf_text(&out), texts[i]);
		strbuf_free(&out);
	}
}
END_TEST

/* Two rows and a delete in each form. */
static const char *
written(RowFormat format, const char *message)
{
	Column		 columns[] = {{"ID", type_integer}, {"V", type_string}};
	Schema		 schema = {2, 1, columns};
	ResultHeader header = {.schema = &schema, .query_id = "q"};
	Batch		*batch = batch_new(&arena, 2, 2);
	Vector		*id = vector_new(&arena, type_integer, 2), *v = vector_new(&arena, type_string, 2);
	uint8_t		 kinds[] = {ROW_INSERT, ROW_DELETE};
	Value		 text = value_text(type_string, STR("a"));
	RowWriter	 writer;
	StrBuf		 out = {0};
	Error		 err;
	const char	*result;

	((int32_t *)id->data)[0] = 1;
	((int32_t *)id->data)[1] = 2;
	vector_set(v, &arena, 0, &text);
	vector_set(v, &arena, 1, &text);
	batch->columns[0] = id;
	batch->columns[1] = v;
	batch->row_kind = kinds;
	row_writer_init(&writer, format);
	ck_assert_int_eq(row_writer_begin(&writer, &header, &out, &err), OK);
	ck_assert_int_eq(row_writer_rows(&writer, batch, &out, &err), OK);
	row_writer_end(&writer, message, NULL, &out);
	row_writer_free(&writer);
	result = arena_strdup(&arena, strbuf_text(&out));
	strbuf_free(&out);
	return result;
}

START_TEST(rows_in_each_form)
{
	ck_assert_str_eq(written(ROWS_DELIMITED, "Limit Reached"),
					 "{\"queryId\":\"q\",\"columnNames\":[\"ID\",\"V\"],\"columnTypes\":[\"INTEGER\",\"STRING\"]}\n[1,\"a\"]\n");
	ck_assert_str_eq(written(ROWS_ARRAY, NULL),
					 "[{\"queryId\":\"q\",\"columnNames\":[\"ID\",\"V\"],\"columnTypes\":[\"INTEGER\",\"STRING\"]},[1,\"a\"]]\n");
	ck_assert_str_eq(written(ROWS_OBJECTS, "Limit Reached"),
					 "[{\"header\":{\"queryId\":\"q\",\"schema\":\"`ID` INTEGER, `V` STRING\"}},\n{\"row\":{\"columns\":[1,\"a\"]}},\n"
					 "{\"row\":{\"columns\":[2,null],\"tombstone\":true}},\n{\"finalMessage\":\"Limit Reached\"}]\n");
	ck_assert_ptr_nonnull(strstr(written(ROWS_PROTOBUF, NULL), "{\"row\":{\"protobufBytes\":\"CAESAWE=\"}}"));
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("server texts");
	TCase	*tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int		 failed;

	suite_add_tcase(suite, tests);
	tcase_add_test(tests, percent_decoding);
	tcase_add_test(tests, query_parameters);
	tcase_add_test(tests, endpoints_by_path);
	tcase_add_test(tests, values_of_all_types);
	tcase_add_test(tests, values_that_would_lose_something);
	tcase_add_test(tests, types_as_entities);
	tcase_add_test(tests, rows_in_each_form);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	arena_free(&arena);
	return failed == 0 ? 0 : 1;
}
