/*
 * ASSERT statements of test scripts: the next record of a source's topic, a tombstone, or what a source is.
 */
#include <strings.h>

#include "engine/test_json.h"

static TestCursor *
find_cursor(TestCursor **cursors, Arena *arena, const char *topic)
{
	TestCursor *cursor;

	for (cursor = *cursors; cursor != NULL; cursor = cursor->next)
		if (strcmp(cursor->topic, topic) == 0)
			return cursor;
	cursor = arena_new(arena, TestCursor);
	cursor->topic = arena_strdup(arena, topic);
	cursor->next = *cursors;
	*cursors = cursor;
	return cursor;
}

/* The record in hand, decoded: one value a column of the source's schema, and its place. */
typedef struct AssertedRecord {
	bool   is_tombstone;
	Value *values;
	Time   timestamp;
	int64_t window_start;
	int64_t window_end;
} AssertedRecord;

static Status
decode_side(Arena *arena, const FormatSpec *spec, Str payload, bool is_null, Value *values, Error *err)
{
	Vector **columns = arena_array(arena, Vector *, spec->n_columns + 1);
	Decoder *decoder;
	bool	 nothing = is_null;

	for (int c = 0; c < spec->n_columns; c++) {
		columns[c] = vector_new(arena, spec->columns[c].type, 1);
		values[c] = value_null(spec->columns[c].type);
	}
	if (is_null || spec->n_columns == 0)
		return OK;
	TRY(spec->format->decoder_new(arena, spec, &decoder, err));
	TRY(decoder->decode(decoder, payload, arena, columns, 0, &nothing, err));
	for (int c = 0; c < spec->n_columns && !nothing; c++)
		values[c] = vector_get(columns[c], 0, arena);
	return OK;
}

static Status
next_record(StatementContext *context, const CatalogSource *source, TestCursor *cursor, AssertedRecord *out, Error *err)
{
	Topic			*topic;
	TopicReader		*reader = NULL;
	TopicRecords	 records = {0};
	const TopicSpec *spec;
	const Record	*record;
	Str				 key;
	Status			 status;

	TRY(bind_topic(&context->planner, source, &spec, err));
	out->values = arena_array(context->arena, Value, source->schema->n_columns + 1);
	TRY(engine_topic(context->engine, source->topic, &topic, err));
	if (topic == NULL)
		return error_user(err, "Topic '%s' does not exist", source->topic);
	TRY(topic_reader_open(context->engine->topics, topic, &reader, err));
	status = topic_reader_fetch(reader, 0, cursor->offset, 1, 0, &records, err);
	if (status == DONE)
		status = error_user(err, "Expected another record, but all records have already been read: source %s", source->name);
	if (status == FAILED)
		goto out;
	record = &records.records[0];
	cursor->offset = records.next_offset;
	out->is_tombstone = record->value_is_null;
	out->timestamp = record->timestamp;
	key = record->key;
	if (spec->window != WINDOW_NONE && !record->key_is_null)
		TRY_OUT(window_key_decode(record->key, spec->window == WINDOW_SESSION, spec->window_size_ms, &key, &out->window_start, &out->window_end, err));
	key = str_make(arena_strndup(context->arena, key.data, key.length), key.length);
	Str value = str_make(arena_strndup(context->arena, record->value.data, record->value.length), record->value.length);

	TRY_OUT(decode_side(context->arena, &spec->key, key, record->key_is_null, out->values, err));
	TRY_OUT(decode_side(context->arena, &spec->value, value, record->value_is_null, out->values + spec->key.n_columns, err));
out:
	topic_records_free(&records);
	topic_reader_close(reader);
	return status;
}

static bool
values_agree(const Value *expected, const Value *actual)
{
	return expected->is_null == actual->is_null && (expected->is_null || value_equal(expected, actual));
}

static Status
refuse_value(const CatalogSource *source, const char *column, const Value *expected, const Value *actual, Error *err)
{
	StrBuf a = {0}, b = {0};

	test_value_json(expected, &a);
	test_value_json(actual, &b);
	error_user(err, "Expected record does not match actual. Source %s: column %s is %s, expected %s", source->name, column, strbuf_text(&b), strbuf_text(&a));
	strbuf_free(&a);
	strbuf_free(&b);
	return FAILED;
}

/* Compares one named value with the record. */
static Status
check_value(StatementContext *context, const CatalogSource *source, const char *name, const AstExpr *expr, const AssertedRecord *record, Error *err)
{
	int		column = schema_find(source->schema, str_of(name));
	Value	expected, actual;

	if (column >= 0) {
		TRY(bind_constant(&context->planner, expr, source->schema->columns[column].type, NULL, &expected, err));
		actual = record->values[column];
	} else {
		TRY(bind_constant(&context->planner, expr, type_bigint, NULL, &expected, err));
		if (strcasecmp(name, "ROWTIME") == 0)
			actual = value_integer(type_bigint, record->timestamp);
		else if (strcasecmp(name, "WINDOWSTART") == 0)
			actual = value_integer(type_bigint, record->window_start);
		else if (strcasecmp(name, "WINDOWEND") == 0)
			actual = value_integer(type_bigint, record->window_end);
		else
			return error_user(err, "Column name `%s` does not exist.", name);
	}
	return values_agree(&expected, &actual) ? OK : refuse_value(source, name, &expected, &actual, err);
}

static Status
assert_values(StatementContext *context, const AstStatement *statement, TestCursor **cursors, Arena *arena, Error *err)
{
	const AstAssertValues *assertion = &statement->assert_values;
	bool				   is_null = statement->kind == AST_ASSERT_NULL_VALUES;
	const CatalogSource	  *source;
	AssertedRecord		   record = {0};
	int					   n_listed;

	TRY(bind_source_name(&context->planner, assertion->name, &source, err));
	n_listed = assertion->n_columns > 0 ? assertion->n_columns : is_null ? source->schema->n_key : source->schema->n_columns;
	if (n_listed != assertion->n_values)
		return error_user(err, "Expected number columns and values to match: %d columns, %d values", n_listed, assertion->n_values);
	TRY(next_record(context, source, find_cursor(cursors, arena, source->topic), &record, err));
	if (is_null != record.is_tombstone)
		return error_user(err, "Expected record does not match actual. Source %s: expected %s, got %s", source->name,
						  is_null ? "a tombstone" : "a value", is_null ? "a value" : "a tombstone");
	for (int i = 0; i < n_listed; i++) {
		const char *name = assertion->n_columns > 0 ? bind_name(&context->planner, assertion->columns[i]) : source->schema->columns[i].name;

		TRY(check_value(context, source, name, assertion->values[i], &record, err));
	}
	return OK;
}

/* ---- ASSERT STREAM, ASSERT TABLE ---- */

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_schema(const Schema *a, const Schema *b)
{
	if (a->n_columns != b->n_columns || a->n_key != b->n_key)
		return false;
	for (int i = 0; i < a->n_columns; i++)
		if (strcmp(a->columns[i].name, b->columns[i].name) != 0 || a->columns[i].type != b->columns[i].type)
			return false;
	return true;
}

static Status
assert_source(StatementContext *context, const AstStatement *statement, Error *err)
{
	CatalogSource		*expected;
	const CatalogSource *actual;

	TRY(bind_source_name(&context->planner, statement->create_source.name, &actual, err));
	TRY(bind_create_source(&context->planner, statement, &expected, err));
#define CHECK(condition, what)                                                                                  \
	if (!(condition))                                                                                           \
	return error_user(err, "Expected %s does not match actual for source %s.", what, actual->name)
	CHECK(expected->kind == actual->kind, "type");
	CHECK(same_text(expected->topic, actual->topic), "kafka topic");
	CHECK(same_schema(expected->schema, actual->schema), "schema");
	CHECK(same_text(expected->key_format.format, actual->key_format.format), "key format");
	CHECK(same_text(expected->value_format.format, actual->value_format.format), "value format");
	CHECK(expected->key_format.delimiter == actual->key_format.delimiter, "key format properties");
	CHECK(expected->value_format.delimiter == actual->value_format.delimiter, "value format properties");
	CHECK(expected->value_format.wrap_given == actual->value_format.wrap_given
			  && expected->value_format.is_wrapped == actual->value_format.is_wrapped, "value serde features");
	CHECK(same_text(expected->timestamp_column, actual->timestamp_column), "timestamp column");
	CHECK(same_text(expected->timestamp_format, actual->timestamp_format), "timestamp format");
	CHECK(expected->window.kind == actual->window.kind && expected->window.size_ms == actual->window.size_ms, "window");
#undef CHECK
	return OK;
}

Status
test_assert(StatementContext *context, const AstStatement *statement, TestCursor **cursors, Arena *arena, Error *err)
{
	const CatalogSnapshot *snapshot = catalog_snapshot(context->engine->catalog);
	Status				   status;

	planner_context_init(&context->planner, context->engine, context->arena, snapshot, context->session->settings, context->standard);
	status = statement->kind == AST_ASSERT_SOURCE ? assert_source(context, statement, err) : assert_values(context, statement, cursors, arena, err);
	catalog_release(snapshot);
	return status;
}
