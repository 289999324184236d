/* io/format/wire: AVRO, PROTOBUF, PROTOBUF_NOSR and JSON_SR; schemas, records, broken bytes; the registry in memory. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "io/format/wire/wire.h"

static Arena		   arena;
static SchemaRegistry *registry;

#define ALL_TYPES "`A` INTEGER, `B` BIGINT, `C` DOUBLE, `D` DECIMAL(20, 4), `E` STRING, `F` BYTES, `G` BOOLEAN, `H` TIMESTAMP, `I` DATE, " \
	"`J` TIME, `K` ARRAY<STRUCT<`X` INTEGER, `Y` STRING>>, `L` MAP<STRING, BIGINT>, `M` STRUCT<`N` STRUCT<`O` DOUBLE>>"
#define ALL_VALUES "{\"A\":-7,\"B\":9007199254740993,\"C\":0.25,\"D\":-12.5000,\"E\":\"zw\xc3\xb6lf\",\"F\":\"AAEC\",\"G\":true,\"H\":-1500," \
	"\"I\":-1,\"J\":86399999,\"K\":[{\"X\":1,\"Y\":\"a\"},{\"X\":2,\"Y\":\"b\"}],\"L\":{\"k\":1,\"l\":-2},\"M\":{\"N\":{\"O\":1.5}}}"

static void
setup(void)
{
	arena = (Arena){0};
	registry = schema_registry_new_memory();
}

static void
teardown(void)
{
	registry->close(registry);
	arena_free(&arena);
}

static FormatSpec
make_spec(const char *format, const char *columns)
{
	const Schema *schema;
	Error		  err = {0};
	FormatSpec	  spec = {.format = format_find(str_of(format)), .is_wrapped = true, .registry = registry, .subject = "t-value"};

	ck_assert_msg(schema_parse(&arena, str_of(columns), &schema, &err) == OK, "%s", err.message);
	spec.columns = schema->columns;
	spec.n_columns = schema->n_columns;
	ck_assert_msg(spec.format->check(&spec, &err) == OK, "%s", err.message);
	return spec;
}

/* A JSON text as the format's bytes. */
static Str
payload_of(const FormatSpec *spec, const char *json)
{
	StrBuf out = {0};
	Error  err = {0};
	Str	   payload;

	ck_assert_msg(wire_payload_of_json(&arena, spec, str_of(json), &out, &err) == OK, "%s", err.message);
	payload = str_make(arena_memdup(&arena, strbuf_text(&out), out.length), out.length);
	strbuf_free(&out);
	return payload;
}

/* Bytes to columns, and those as text of the JSON format; "!" if they cannot be read. */
static const char *
read_as_json(const FormatSpec *spec, Str payload)
{
	FormatSpec json = *spec;
	Decoder	  *decoder;
	Encoder	  *encoder;
	Error	   err = {0};
	StrBuf	   out = {0};
	bool	   is_null = false;
	Vector	 **columns = arena_array(&arena, Vector *, spec->n_columns);
	char	  *text;

	json.format = format_find(STR("JSON"));
	ck_assert_msg(spec->format->decoder_new(&arena, spec, &decoder, &err) == OK, "%s", err.message);
	ck_assert_int_eq(json.format->encoder_new(&arena, &json, &encoder, &err), OK);
	for (int i = 0; i < spec->n_columns; i++)
		columns[i] = vector_new(&arena, spec->columns[i].type, 2);
	if (decoder->decode(decoder, payload, &arena, columns, 1, &is_null, &err) != OK)
		return "!";
	if (is_null)
		return "NULL";
	ck_assert_int_eq(encoder->encode(encoder, (const Vector *const *)columns, 1, &out, &is_null, &err), OK);
	text = arena_strndup(&arena, strbuf_text(&out), out.length);
	strbuf_free(&out);
	return text;
}

static const char *const formats[] = {"AVRO", "PROTOBUF", "PROTOBUF_NOSR", "JSON_SR"};

/* The same rows written by the format's own encoder, from columns. */
static Str
write_again(const FormatSpec *spec, Str payload)
{
	Decoder	 *decoder;
	Encoder	 *encoder;
	Error	  err = {0};
	StrBuf	  out = {0};
	bool	  is_null;
	Vector	**columns = arena_array(&arena, Vector *, spec->n_columns);
	Str		  written;

	ck_assert_int_eq(spec->format->decoder_new(&arena, spec, &decoder, &err), OK);
	ck_assert_int_eq(spec->format->encoder_new(&arena, spec, &encoder, &err), OK);
	for (int i = 0; i < spec->n_columns; i++)
		columns[i] = vector_new(&arena, spec->columns[i].type, 2);
	ck_assert_int_eq(decoder->decode(decoder, payload, &arena, columns, 1, &is_null, &err), OK);
	for (int i = 0; i < 100; i++) {
		strbuf_clear(&out);
		ck_assert_int_eq(encoder->encode(encoder, (const Vector *const *)columns, 1, &out, &is_null, &err), OK);
		ck_assert(!is_null);
	}
	written = str_make(arena_memdup(&arena, strbuf_text(&out), out.length), out.length);
	strbuf_free(&out);
	return written;
}

START_TEST(values_come_back)
{
	FormatSpec spec = make_spec(formats[_i], ALL_TYPES);
	Str		   payload = payload_of(&spec, ALL_VALUES);

	ck_assert_str_eq(read_as_json(&spec, payload), ALL_VALUES);
	ck_assert(str_equal(write_again(&spec, payload), payload));
}
END_TEST

/* The schema that is registered is read again from its text, so this checks printing and parsing too. */
START_TEST(nulls_as_the_format_has_them)
{
	static const char *const expected[] = {
		"{\"A\":null,\"B\":null,\"C\":[],\"D\":null}",
		"{\"A\":0,\"B\":\"\",\"C\":[],\"D\":null}",
		"{\"A\":0,\"B\":\"\",\"C\":[],\"D\":null}",
		"{\"A\":null,\"B\":null,\"C\":[],\"D\":null}",
	};
	FormatSpec spec = make_spec(formats[_i], "`A` INTEGER, `B` STRING, `C` ARRAY<INTEGER>, `D` DATE");

	ck_assert_str_eq(read_as_json(&spec, payload_of(&spec, "{\"C\":[]}")), expected[_i]);
	spec.nullable_representation = "WRAPPER";
	spec.subject = "u-value";
	ck_assert_str_eq(read_as_json(&spec, payload_of(&spec, "{\"C\":[]}")), expected[0]);
	ck_assert_str_eq(read_as_json(&spec, payload_of(&spec, "{\"A\":0,\"B\":\"\",\"C\":[1]}")), "{\"A\":0,\"B\":\"\",\"C\":[1],\"D\":null}");
	spec.nullable_representation = "OPTIONAL";
	spec.subject = "v-value";
	ck_assert_str_eq(read_as_json(&spec, payload_of(&spec, "{\"C\":[]}")), expected[0]);
	ck_assert_str_eq(read_as_json(&spec, payload_of(&spec, "{\"A\":0,\"B\":\"\",\"C\":[1]}")), "{\"A\":0,\"B\":\"\",\"C\":[1],\"D\":null}");
}
END_TEST

/* From a block of just this size, so that reading behind it is seen. */
static void
read_exact(const FormatSpec *spec, const char *bytes, size_t length)
{
	char *copy = xmalloc(length > 0 ? length : 1);

	memcpy(copy, bytes, length);
	read_as_json(spec, str_make(copy, length));
	free(copy);
}

START_TEST(broken_bytes_are_refused)
{
	FormatSpec spec = make_spec(formats[_i], ALL_TYPES);
	Str		   good = payload_of(&spec, ALL_VALUES);
	unsigned   random = 1;

	for (size_t length = 0; length < good.length; length++)
		read_exact(&spec, good.data, length);
	for (int round = 0; round < 3000; round++) {
		char *bytes = arena_memdup(&arena, good.data, good.length);
		size_t first = strcmp(formats[_i], "PROTOBUF_NOSR") == 0 ? 0 : 5;

		for (int i = 0; i < 1 + round % 4; i++) {
			random = random * 1664525 + 1013904223;
			bytes[first + (random >> 8) % (good.length - first)] = (char)(random >> 24);
		}
		/* JSON may become text that is not UTF-8 or not JSON: it is enough that nothing breaks */
		read_exact(&spec, bytes, good.length);
	}
}
END_TEST

static void
put(const char *subject, SchemaKind kind, const char *text, int id)
{
	RegisteredSchema schema = {.id = id, .kind = kind, .text = text};
	Error			 err = {0};

	ck_assert_int_eq(registry->put(registry, subject, &schema, &id, &err), OK);
}

static const char *
inferred(const FormatSpec *spec)
{
	Column *columns;
	int		n;
	Error	err = {0};
	StrBuf	out = {0};
	char   *text;

	if (wire_infer_columns(&arena, spec, &columns, &n, &err) != OK)
		return arena_printf(&arena, "!%s", err.message);
	schema_print(&(Schema){n, 0, columns}, &out);
	text = arena_strndup(&arena, strbuf_text(&out), out.length);
	strbuf_free(&out);
	return text;
}

START_TEST(columns_from_schemas)
{
	FormatSpec avro = {.format = format_find(STR("AVRO")), .registry = registry, .subject = "a-value", .is_wrapped = true};
	FormatSpec proto = {.format = format_find(STR("PROTOBUF")), .registry = registry, .subject = "p-value", .is_wrapped = true};
	FormatSpec json = {.format = format_find(STR("JSON_SR")), .registry = registry, .subject = "j-value", .is_wrapped = true};

	put("a-value", SCHEMA_AVRO, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"id\",\"type\":\"int\"},{\"name\":\"o\",\"type\":[\"int\",\"string\"]},"
		"{\"name\":\"d\",\"type\":[\"null\",{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":6,\"scale\":2}]},"
		"{\"name\":\"next\",\"type\":[\"null\",\"r\"]}]}", 7);
	ck_assert_str_eq(inferred(&avro), "`ID` INTEGER, `D` DECIMAL(6, 2)");
	avro.schema_id = 7;
	ck_assert_str_eq(inferred(&avro), "`id` INTEGER, `d` DECIMAL(6, 2)");
	put("p-value", SCHEMA_PROTOBUF, "syntax = \"proto3\"; package x; // of things\nmessage A { uint32 u = 1; repeated B b = 2; map<string, int32> m = 3;"
		" oneof c { float f = 4; E e = 5; } message B { google.protobuf.StringValue s = 1; } enum E { ZERO = 0; } reserved 9; } message C { bool x = 1; }", 0);
	ck_assert_str_eq(inferred(&proto), "!Found multiple schema definitions in the Protobuf schema. Multiple schemas found: [x.A, x.C]. "
					 "Set VALUE_SCHEMA_FULL_NAME to one of them.");
	proto.schema_full_name = "x.A";
	ck_assert_str_eq(inferred(&proto), "`U` BIGINT, `B` ARRAY<STRUCT<`S` STRING>>, `M` MAP<STRING, INTEGER>, `F` DOUBLE, `E` STRING");
	put("j-value", SCHEMA_JSON, "{\"type\":\"object\",\"properties\":{\"n\":{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"integer\",\"connect.type\":\"int32\"}]},"
		"\"s\":{\"type\":[\"null\",\"string\"]},\"m\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"number\"}}}}", 0);
	ck_assert_str_eq(inferred(&json), "`S` STRING, `M` MAP<STRING, DOUBLE>, `N` INTEGER");
	json.subject = "a-value";
	ck_assert_str_eq(inferred(&json), "!Value schema is not in the expected format. You may want to set VALUE_FORMAT to 'AVRO'.\ntopic: a\n"
					 "expected format: JSON_SR\nactual format from Schema Registry: AVRO");
}
END_TEST

START_TEST(writers_schema_is_read)
{
	FormatSpec spec = make_spec("AVRO", "`A` BIGINT, `B` DOUBLE, `X` STRING, `S` STRING");

	put("t-value", SCHEMA_AVRO, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"s\",\"type\":{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"P\",\"Q\"]}},"
		"{\"name\":\"b\",\"type\":\"float\"},{\"name\":\"a\",\"type\":[\"int\",\"null\"]}]}", 0);
	ck_assert_str_eq(read_as_json(&spec, payload_of(&spec, "{\"a\":5,\"b\":0.5,\"s\":\"Q\"}")), "{\"A\":5,\"B\":0.5,\"X\":null,\"S\":\"Q\"}");
}
END_TEST

/* Schemas with letters changed or cut off: refused or read, nothing else. */
START_TEST(broken_schemas)
{
	static const RegisteredSchema schemas[] = {
		{.kind = SCHEMA_AVRO, .text = "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":[\"null\",\"r\"]},{\"name\":\"b\",\"type\":"
		 "{\"type\":\"array\",\"items\":{\"type\":\"fixed\",\"name\":\"f\",\"size\":4}}},{\"name\":\"c\",\"type\":{\"type\":\"map\",\"values\":\"f\"}}]}"},
		{.kind = SCHEMA_JSON, .text = "{\"type\":\"object\",\"properties\":{\"a\":{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"array\",\"items\":{\"type\":"
		 "\"number\",\"title\":\"org.apache.kafka.connect.data.Decimal\",\"connect.parameters\":{\"scale\":\"2\"}}}]}}}"},
		{.kind = SCHEMA_PROTOBUF, .text = "syntax = \"proto3\"; package p; message A { oneof o { int32 a = 1; A b = 2; } map<string, E> m = 3; enum E { X = 0; } "
		 "confluent.type.Decimal d = 4 [(confluent.field_meta) = { params: [{ key: \"scale\", value: \"2\" }] }]; /* c */ reserved 5 to 7; }"},
	};
	unsigned random = 7;

	for (int round = 0; round < 3000; round++) {
		const RegisteredSchema *schema = &schemas[round % 3];
		size_t					length = strlen(schema->text);
		char				   *text = xstrdup(schema->text);
		RegisteredSchema		broken = {.kind = schema->kind, .text = text};
		Error					err;
		WireNode			   *node;
		ProtoFile				file;

		for (int i = 0; i < 1 + round % 5; i++) {
			random = random * 1664525 + 1013904223;
			text[(random >> 8) % length] = schema->text[(random >> 16) % length];
		}
		if (round % 4 == 0)
			text[random % length] = '\0';
		if (broken.kind == SCHEMA_AVRO)
			avro_parse(&arena, str_of(text), &node, &err);
		else if (broken.kind == SCHEMA_JSON)
			json_schema_parse(&arena, str_of(text), &node, &err);
		else
			protobuf_parse(&arena, &broken, &file, &err);
		free(text);
	}
}
END_TEST

START_TEST(without_a_registry)
{
	FormatSpec spec = {.format = format_find(STR("AVRO"))};
	Error	   err = {0};

	ck_assert_int_eq(spec.format->check(&spec, &err), FAILED);
	ck_assert_int_eq(err.class, ERROR_UNSUPPORTED);
}
END_TEST

START_TEST(ids_of_the_registry)
{
	const RegisteredSchema *found;
	RegisteredSchema		schema = {.kind = SCHEMA_JSON, .text = "{\"type\":\"object\"}"};
	Error					err = {0};
	int						first, second;

	ck_assert_int_eq(registry->latest(registry, "x", &found, &err), DONE);
	ck_assert_int_eq(registry->put(registry, "x", &schema, &first, &err), OK);
	ck_assert_int_eq(registry->put(registry, "x", &schema, &second, &err), OK);
	ck_assert_int_eq(first, second);
	schema.text = "{}";
	ck_assert_int_eq(registry->put(registry, "x", &schema, &second, &err), OK);
	ck_assert_int_ne(first, second);
	ck_assert_int_eq(registry->latest(registry, "x", &found, &err), OK);
	ck_assert_int_eq(found->id, second);
	ck_assert_int_eq(registry->by_id(registry, 99, &found, &err), DONE);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("registry formats");
	TCase	*tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int		 failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, values_come_back, 0, 4);
	tcase_add_loop_test(tests, nulls_as_the_format_has_them, 0, 4);
	tcase_add_loop_test(tests, broken_bytes_are_refused, 0, 4);
	tcase_add_test(tests, columns_from_schemas);
	tcase_add_test(tests, writers_schema_is_read);
	tcase_add_test(tests, broken_schemas);
	tcase_add_test(tests, without_a_registry);
	tcase_add_test(tests, ids_of_the_registry);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
