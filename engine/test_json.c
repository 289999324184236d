#include "engine/test_json.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base64.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "io/format/wire/wire.h"

/* ---- records of a case to bytes ---- */

static int64_t
json_int(const JsonValue *value, int64_t otherwise)
{
	char text[64];

	if (value == NULL || value->kind != JSON_NUMBER || value->text.length >= sizeof text)
		return otherwise;
	memcpy(text, value->text.data, value->text.length);
	text[value->text.length] = '\0';
	return strchr(text, '.') != NULL || strchr(text, 'e') != NULL ? (int64_t)strtod(text, NULL) : strtoll(text, NULL, 10);
}

static void
put_big_endian(StrBuf *out, uint64_t bits, int n_bytes)
{
	for (int i = n_bytes - 1; i >= 0; i--)
		strbuf_add_char(out, (char)(bits >> (8 * i)));
}

static void
encode_kafka(const JsonValue *json, const Type *type, StrBuf *out)
{
	double	 number;
	uint64_t bits;

	switch (type->kind) {
	case TYPE_INTEGER:
		put_big_endian(out, (uint64_t)json_int(json, 0), 4);
		return;
	case TYPE_BIGINT:
		put_big_endian(out, (uint64_t)json_int(json, 0), 8);
		return;
	case TYPE_DOUBLE:
		number = json->kind == JSON_NUMBER ? strtod(json->text.data, NULL) : 0;
		memcpy(&bits, &number, sizeof bits);
		put_big_endian(out, bits, 8);
		return;
	default:
		if (json->kind == JSON_STRING)
			strbuf_add_str(out, json->text);
		else
			json_write(out, json);
	}
}

/* A JSON text where the column wants an object or array stands for itself; otherwise a string is a JSON string. */
static void
encode_json(const JsonValue *json, const Column *columns, int n_columns, bool is_wrapped, StrBuf *out)
{
	JsonValue inner;
	Arena	  arena = {0};
	bool	  wants_more = n_columns > 1 || is_wrapped || (n_columns == 1 && type_is_nested(columns[0].type));

	if (json->kind == JSON_STRING && wants_more && json_parse_quiet(&arena, json->text, JSON_STRICT, &inner)
		&& (inner.kind == JSON_OBJECT || inner.kind == JSON_ARRAY))
		strbuf_add_str(out, json->text);
	else
		json_write(out, json);
	arena_free(&arena);
}

static void
encode_side(const JsonValue *json, const CatalogFormat *format, const Column *columns, int n_columns, StrBuf *out, bool *is_null)
{
	*is_null = json == NULL || json->kind == JSON_NULL || strcmp(format->format, "NONE") == 0;
	if (*is_null)
		return;
	if (strcmp(format->format, "DELIMITED") == 0 && json->kind == JSON_STRING)
		strbuf_add_str(out, json->text);
	else if (strcmp(format->format, "KAFKA") == 0 && n_columns > 0)
		encode_kafka(json, columns[0].type, out);
	else
		encode_json(json, columns, n_columns, format->is_wrapped, out);
}

static void
encode_headers(Arena *arena, const JsonValue *headers, Record *out)
{
	RecordHeader *list = arena_array(arena, RecordHeader, headers->n + 1);

	for (uint32_t i = 0; i < headers->n; i++) {
		const JsonValue *key = json_member_nocase(&headers->elements[i], STR("KEY"));
		const JsonValue *value = json_member_nocase(&headers->elements[i], STR("VALUE"));
		StrBuf			 bytes = {0};

		list[i].key = key != NULL ? key->text : STR("");
		list[i].value_is_null = value == NULL || value->kind != JSON_STRING;
		if (!list[i].value_is_null && base64_add_decoded(&bytes, value->text))
			list[i].value = str_make(arena_memdup(arena, strbuf_text(&bytes), bytes.length), bytes.length);
		strbuf_free(&bytes);
	}
	out->headers = list;
	out->n_headers = (int)headers->n;
}

static bool
is_wire_format(const CatalogFormat *format)
{
	const Format *row = format_find(str_of(format->format));

	return row != NULL && ((row->flags & FORMAT_REGISTRY) || strcmp(row->name, "PROTOBUF_NOSR") == 0);
}

/* The formats of a source's topic, with the registry. */
static Status
topic_of_source(Arena *arena, Engine *engine, const CatalogSource *source, const TopicSpec **out, Error *err)
{
	PlannerContext planner;

	planner_context_init(&planner, engine, arena, NULL, engine->settings, false);
	return bind_topic(&planner, source, out, err);
}

static Status
encode_wire(Arena *arena, const FormatSpec *spec, const JsonValue *json, StrBuf *out, bool *is_null, Error *err)
{
	StrBuf text = {0};
	Status status;

	*is_null = json == NULL || json->kind == JSON_NULL;
	if (*is_null)
		return OK;
	json_write(&text, json);
	status = wire_payload_of_json(arena, spec, str_make(arena_memdup(arena, strbuf_text(&text), text.length), text.length), out, err);
	strbuf_free(&text);
	return status;
}

Status
test_record_encode(Arena *arena, Engine *engine, const JsonValue *record, const CatalogSource *source, Record *out, Error *err)
{
	static const CatalogFormat json_format = {.format = "JSON"};
	const JsonValue *window = json_member(record, STR("window"));
	const JsonValue *headers = json_member(record, STR("headers"));
	const Schema	*schema = source != NULL ? source->schema : NULL;
	int				 n_key = schema != NULL ? schema->n_key : 0;
	const TopicSpec *topic = NULL;
	StrBuf			 key = {0}, value = {0};
	Status			 status = OK;

	if (source != NULL && source->topic != NULL && (is_wire_format(&source->key_format) || is_wire_format(&source->value_format)))
		TRY(topic_of_source(arena, engine, source, &topic, err));
	*out = (Record){.timestamp = json_int(json_member(record, STR("timestamp")), 0)};
	if (topic != NULL && is_wire_format(&source->key_format))
		TRY_OUT(encode_wire(arena, &topic->key, json_member(record, STR("key")), &key, &out->key_is_null, err));
	else
		encode_side(json_member(record, STR("key")), source != NULL ? &source->key_format : &json_format, schema != NULL ? schema->columns : NULL,
					n_key, &key, &out->key_is_null);
	if (topic != NULL && is_wire_format(&source->value_format))
		TRY_OUT(encode_wire(arena, &topic->value, json_member(record, STR("value")), &value, &out->value_is_null, err));
	else
		encode_side(json_member(record, STR("value")), source != NULL ? &source->value_format : &json_format,
					schema != NULL ? schema->columns + n_key : NULL, schema != NULL ? schema->n_columns - n_key : 0, &value, &out->value_is_null);
	if (window != NULL && window->kind == JSON_OBJECT && source != NULL && source->window.kind != WINDOW_NONE && !out->key_is_null)
		window_key_encode(&key, source->window.kind == WINDOW_SESSION, json_int(json_member(window, STR("start")), 0),
						  json_int(json_member(window, STR("end")), 0));
	if (headers != NULL && headers->kind == JSON_ARRAY)
		encode_headers(arena, headers, out);
	out->key = str_make(arena_memdup(arena, strbuf_text(&key), key.length), key.length);
	out->value = str_make(arena_memdup(arena, strbuf_text(&value), value.length), value.length);
out:
	strbuf_free(&key);
	strbuf_free(&value);
	return status;
}

/* ---- values and records to JSON ---- */

static void
double_json(double number, StrBuf *out)
{
	char text[64];

	strbuf_add(out, text, double_print_json(number, text));
}

static void
decimal_json(const Value *value, StrBuf *out)
{
	char text[DECIMAL_TEXT_MAX];

	strbuf_add(out, text, decimal_print(value->decimal, value->type->scale, text));
}

void
test_value_json(const Value *value, StrBuf *out)
{
	if (value->is_null) {
		strbuf_add_text(out, "null");
		return;
	}
	switch (value->type->kind) {
	case TYPE_BOOLEAN:
		strbuf_add_text(out, value->boolean ? "true" : "false");
		return;
	case TYPE_DOUBLE:
		double_json(value->number, out);
		return;
	case TYPE_DECIMAL:
		decimal_json(value, out);
		return;
	case TYPE_STRING:
		json_write_string(out, value->text);
		return;
	case TYPE_BYTES: {
		StrBuf text = {0};

		base64_add_encoded(&text, value->text);
		json_write_string(out, strbuf_str(&text));
		strbuf_free(&text);
		return;
	}
	case TYPE_ARRAY:
		strbuf_add_char(out, '[');
		for (uint32_t i = 0; i < value->n_items; i++) {
			if (i > 0)
				strbuf_add_text(out, ", ");
			test_value_json(&value->items[i], out);
		}
		strbuf_add_char(out, ']');
		return;
	case TYPE_MAP:
		strbuf_add_char(out, '{');
		for (uint32_t i = 0; i < value->n_items; i++) {
			if (i > 0)
				strbuf_add_text(out, ", ");
			if (value->items[2 * i].type->kind == TYPE_STRING && !value->items[2 * i].is_null)
				test_value_json(&value->items[2 * i], out);
			else {
				StrBuf key = {0};

				test_value_json(&value->items[2 * i], &key);
				json_write_string(out, strbuf_str(&key));
				strbuf_free(&key);
			}
			strbuf_add_text(out, ": ");
			test_value_json(&value->items[2 * i + 1], out);
		}
		strbuf_add_char(out, '}');
		return;
	case TYPE_STRUCT:
		strbuf_add_char(out, '{');
		for (uint32_t i = 0; i < value->n_items; i++) {
			if (i > 0)
				strbuf_add_text(out, ", ");
			json_write_string(out, str_of(value->type->fields[i].name));
			strbuf_add_text(out, ": ");
			test_value_json(&value->items[i], out);
		}
		strbuf_add_char(out, '}');
		return;
	default:
		strbuf_printf(out, "%lld", (long long)value->integer);
	}
}

static void
kafka_json(Str bytes, const Type *type, StrBuf *out)
{
	uint64_t bits = 0;
	double	 number;

	for (size_t i = 0; i < bytes.length && i < 8; i++)
		bits = bits << 8 | (unsigned char)bytes.data[i];
	switch (type->kind) {
	case TYPE_INTEGER:
		strbuf_printf(out, "%d", (int)(int32_t)bits);
		return;
	case TYPE_BIGINT:
		strbuf_printf(out, "%lld", (long long)bits);
		return;
	case TYPE_DOUBLE:
		memcpy(&number, &bits, sizeof number);
		double_json(number, out);
		return;
	default:
		json_write_string(out, bytes);
	}
}

static Status
side_json(Arena *arena, Str bytes, bool is_null, const CatalogFormat *format, const FormatSpec *spec, const Schema *schema, int first_column,
		  int n_columns, StrBuf *out, Error *err)
{
	Value value;

	if (is_null || strcmp(format->format, "NONE") == 0 || (strcmp(format->format, "KAFKA") == 0 && n_columns == 0))
		strbuf_add_text(out, "null");
	else if (strcmp(format->format, "KAFKA") == 0)
		kafka_json(bytes, schema->columns[first_column].type, out);
	else if (strcmp(format->format, "DELIMITED") == 0)
		json_write_string(out, bytes);
	else if (spec != NULL && is_wire_format(format)) {
		TRY(wire_value_of_payload(arena, spec, bytes, &value, err));
		test_value_json(&value, out);
	} else
		strbuf_add_str(out, bytes);
	return OK;
}

static Status
record_json(Arena *arena, const char *topic, const CatalogSource *source, const TopicSpec *spec, const Record *record, StrBuf *out, Error *err)
{
	const Schema *schema = source->schema;
	Str			  key = record->key;
	int64_t		  start = 0, end = 0;
	bool		  is_windowed = source->window.kind != WINDOW_NONE && !record->key_is_null;
	bool		  is_session = source->window.kind == WINDOW_SESSION;

	if (is_windowed)
		TRY(window_key_decode(record->key, is_session, source->window.size_ms, &key, &start, &end, err));
	strbuf_add_text(out, "{\"topic\": ");
	json_write_string(out, str_of(topic));
	strbuf_add_text(out, ", \"key\": ");
	TRY(side_json(arena, key, record->key_is_null, &source->key_format, spec != NULL ? &spec->key : NULL, schema, 0, schema->n_key, out, err));
	strbuf_add_text(out, ", \"value\": ");
	TRY(side_json(arena, record->value, record->value_is_null, &source->value_format, spec != NULL ? &spec->value : NULL, schema, schema->n_key,
				  schema->n_columns - schema->n_key, out, err));
	strbuf_printf(out, ", \"timestamp\": %lld", (long long)record->timestamp);
	if (is_windowed)
		strbuf_printf(out, ", \"window\": {\"start\": %lld, \"end\": %lld, \"type\": \"%s\"}", (long long)start, (long long)end,
					  is_session ? "session" : "time");
	if (record->n_headers > 0) {
		strbuf_add_text(out, ", \"headers\": [");
		for (int h = 0; h < record->n_headers; h++) {
			strbuf_printf(out, "%s{\"KEY\": ", h > 0 ? ", " : "");
			json_write_string(out, record->headers[h].key);
			strbuf_add_text(out, ", \"VALUE\": ");
			if (record->headers[h].value_is_null)
				strbuf_add_text(out, "null");
			else {
				StrBuf text = {0};

				base64_add_encoded(&text, record->headers[h].value);
				json_write_string(out, strbuf_str(&text));
				strbuf_free(&text);
			}
			strbuf_add_char(out, '}');
		}
		strbuf_add_char(out, ']');
	}
	strbuf_add_char(out, '}');
	return OK;
}

static Status
print_outputs(Arena *arena, Engine *engine, const CatalogSnapshot *const *snapshots, int n_snapshots, StrBuf *out, Error *err)
{
	StoreRecords records = {0};
	StoreTopic **topics;
	int			 n = store_topic_list(engine->store, arena, &topics);
	bool		 is_first = true;
	Status		 status = OK;

	for (int t = 0; t < n && status == OK; t++) {
		const char			*name = str_to_arena(arena, store_topic_name(topics[t]));
		const CatalogSource *source = test_source_of_topic(snapshots, n_snapshots, name);
		const TopicSpec		*spec = NULL;
		int64_t				 offset = 0;

		if (source == NULL)
			continue;
		if (is_wire_format(&source->key_format) || is_wire_format(&source->value_format))
			TRY(topic_of_source(arena, engine, source, &spec, err));
		while ((status = store_topic_read(engine->store, topics[t], 0, offset, 0, 0, &records, err)) == OK) {
			for (int i = 0; i < records.n_records && status == OK; i++) {
				strbuf_add_text(out, is_first ? "\n" : ",\n");
				is_first = false;
				status = record_json(arena, name, source, spec, &records.records[i], out, err);
			}
			offset = records.next_offset;
		}
		status = status == DONE ? OK : status;
	}
	store_records_free(&records);
	return status;
}

static void
print_format(const CatalogFormat *format, const WindowSpec *window, StrBuf *out)
{
	strbuf_printf(out, "{\"format\": \"%s\"", format->format);
	if (window != NULL && window->kind != WINDOW_NONE) {
		strbuf_printf(out, ", \"windowType\": \"%s\"", window_kind_name(window->kind));
		if (window->kind != WINDOW_SESSION)
			strbuf_printf(out, ", \"windowSize\": %lld", (long long)window->size_ms);
	}
	strbuf_add_char(out, '}');
}

static void
print_features(const CatalogFormat *format, int n_columns, bool is_key, StrBuf *out)
{
	const Format *row = format_find(str_of(format->format));

	if (n_columns == 1 && row != NULL && is_key && (row->flags & FORMAT_WRAP) && (row->flags & FORMAT_UNWRAP))
		strbuf_add_text(out, "[\"UNWRAP_SINGLES\"]");
	else if (n_columns == 1 && !is_key && format->wrap_given)
		strbuf_add_text(out, format->is_wrapped ? "[\"WRAP_SINGLES\"]" : "[\"UNWRAP_SINGLES\"]");
	else
		strbuf_add_text(out, "[]");
}

/* All columns of a source, header columns where they were declared. */
static void
print_columns(const CatalogSource *source, StrBuf *out)
{
	const Schema *schema = source->schema;
	int			  h = 0;

	for (int i = 0; i <= schema->n_columns; i++) {
		for (; h < source->n_headers && (source->headers[h].at <= i || i == schema->n_columns); h++) {
			Column column = {source->headers[h].name, source->headers[h].type};

			strbuf_add_text(out, out->length > 0 ? ", " : "");
			schema_print(&(Schema){1, 0, &column}, out);
			if (source->headers[h].header != NULL)
				strbuf_printf(out, " HEADER('%s')", source->headers[h].header);
			else
				strbuf_add_text(out, " HEADERS");
		}
		if (i < schema->n_columns) {
			strbuf_add_text(out, out->length > 0 ? ", " : "");
			schema_print(&(Schema){1, i < schema->n_key, &schema->columns[i]}, out);
		}
	}
}

static void
print_source(const CatalogSource *source, StrBuf *out)
{
	StrBuf schema = {0};

	print_columns(source, &schema);
	strbuf_add_text(out, "{\"name\": ");
	json_write_string(out, str_of(source->name));
	strbuf_printf(out, ", \"type\": \"%s\", \"schema\": ", source->kind == ENTITY_TABLE ? "TABLE" : "STREAM");
	json_write_string(out, strbuf_str(&schema));
	strbuf_add_text(out, ", \"keyFormat\": ");
	print_format(&source->key_format, &source->window, out);
	strbuf_printf(out, ", \"valueFormat\": \"%s\", \"keyFeatures\": ", source->value_format.format);
	print_features(&source->key_format, source->schema->n_key, true, out);
	strbuf_add_text(out, ", \"valueFeatures\": ");
	print_features(&source->value_format, source->schema->n_columns - source->schema->n_key, false, out);
	strbuf_printf(out, ", \"isSource\": %s}", source->is_read_only ? "true" : "false");
	strbuf_free(&schema);
}

/* The newest schema of one side of a topic. */
static void
print_topic_schema(const Engine *engine, const char *topic, const char *side, StrBuf *out)
{
	Arena					arena = {0};
	JsonValue				json;
	const RegisteredSchema *schema;
	Error					ignored;

	if (engine->registry == NULL || engine->registry->latest(engine->registry, arena_printf(&arena, "%s-%s", topic, side), &schema, &ignored) != OK) {
		arena_free(&arena);
		return;
	}
	strbuf_printf(out, ", \"%sSchema\": ", side);
	if (schema->kind != SCHEMA_PROTOBUF && json_parse_quiet(&arena, str_of(schema->text), JSON_STRICT, &json))
		strbuf_add_text(out, schema->text);
	else
		json_write_string(out, str_of(schema->text));
	arena_free(&arena);
}

static void
print_topic(const Engine *engine, const CatalogSource *source, StrBuf *out)
{
	strbuf_add_text(out, "{\"name\": ");
	json_write_string(out, str_of(source->topic));
	strbuf_add_text(out, ", \"keyFormat\": ");
	print_format(&source->key_format, &source->window, out);
	strbuf_printf(out, ", \"valueFormat\": \"%s\", \"partitions\": %d", source->value_format.format, source->n_partitions);
	print_topic_schema(engine, source->topic, "key", out);
	print_topic_schema(engine, source->topic, "value", out);
	strbuf_add_char(out, '}');
}

Status
test_print_actual(Arena *arena, Engine *engine, const CatalogSnapshot *const *snapshots, int n_snapshots, const char *responses,
				  int n_assertions, StrBuf *out, Error *err)
{
	const CatalogSnapshot *catalog = snapshots[n_snapshots - 1];
	bool				   is_first = true;

	strbuf_add_text(out, "{\"outputs\": [");
	TRY(print_outputs(arena, engine, snapshots, n_snapshots, out, err));
	strbuf_add_text(out, "],\n\"sources\": [");
	for (int i = 0; i < catalog_n_sources(catalog); i++) {
		strbuf_add_text(out, i > 0 ? ",\n" : "\n");
		print_source(catalog_source_at(catalog, i), out);
	}
	strbuf_add_text(out, "],\n\"topics\": [");
	for (int i = 0; i < catalog_n_sources(catalog); i++)
		if (catalog_source_at(catalog, i)->topic != NULL) {
			strbuf_add_text(out, is_first ? "\n" : ",\n");
			is_first = false;
			print_topic(engine, catalog_source_at(catalog, i), out);
		}
	strbuf_printf(out, "],\n\"responses\": %s,\n\"assertions\": %d}\n", responses[0] != '\0' ? responses : "[]", n_assertions);
	return OK;
}

/* ---- comparing with an expected file ---- */

static void
describe_output(const JsonValue *record, const char *sign)
{
	StrBuf text = {0};

	json_write(&text, record);
	fprintf(stderr, "%s %s\n", sign, strbuf_text(&text));
	strbuf_free(&text);
}

static bool
same_member(const JsonValue *expected, const JsonValue *actual, Str name)
{
	const JsonValue *a = json_member(expected, name);
	const JsonValue *b = json_member(actual, name);
	StrBuf			 x = {0}, y = {0};
	bool			 same;

	if (a == NULL)
		return true;
	if (b == NULL)
		return a->kind == JSON_NULL;
	json_write_sorted(&x, a);
	json_write_sorted(&y, b);
	same = str_equal(strbuf_str(&x), strbuf_str(&y));
	strbuf_free(&x);
	strbuf_free(&y);
	return same;
}

static bool
same_record(const JsonValue *expected, const JsonValue *actual)
{
	return same_member(expected, actual, STR("topic")) && same_member(expected, actual, STR("key")) && same_member(expected, actual, STR("value"))
		   && same_member(expected, actual, STR("timestamp")) && same_member(expected, actual, STR("window"));
}

bool
test_compare(Arena *arena, const char *path, Str actual_text)
{
	JsonValue		 expected, actual;
	const JsonValue *want, *have;
	FILE			*file = fopen(path, "rb");
	StrBuf			 text = {0};
	char			 block[65536];
	size_t			 n;
	Error			 err;
	uint32_t		 n_different = 0;

	if (file == NULL) {
		fprintf(stderr, "error: Cannot read '%s'\n", path);
		return false;
	}
	while ((n = fread(block, 1, sizeof block, file)) > 0)
		strbuf_add(&text, block, n);
	fclose(file);
	Str expected_text = str_make(arena_strndup(arena, strbuf_text(&text), text.length), text.length);

	strbuf_free(&text);
	if (json_parse(arena, expected_text, JSON_STRICT, &expected, &err) == FAILED || json_parse(arena, actual_text, JSON_STRICT, &actual, &err) == FAILED) {
		fprintf(stderr, "error: %s: %s\n", path, err.message);
		return false;
	}
	want = json_member(&expected, STR("outputs"));
	have = json_member(&actual, STR("outputs"));
	if (want == NULL || want->kind != JSON_ARRAY) {
		fprintf(stderr, "error: '%s' has no list \"outputs\"\n", path);
		return false;
	}
	for (uint32_t i = 0; i < want->n || i < have->n; i++) {
		if (i < want->n && i < have->n && same_record(&want->elements[i], &have->elements[i]))
			continue;
		n_different++;
		fprintf(stderr, "record %u:\n", i + 1);
		if (i < want->n)
			describe_output(&want->elements[i], "  expected");
		else
			fprintf(stderr, "  expected no more records\n");
		if (i < have->n)
			describe_output(&have->elements[i], "  actual  ");
		else
			fprintf(stderr, "  actual   no more records\n");
	}
	if (n_different == 0)
		printf("Test passed! %u records are as expected.\n", want->n);
	else
		fprintf(stderr, "Test failed: %u of %u records differ.\n", n_different, want->n);
	return n_different == 0;
}
