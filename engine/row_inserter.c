/*
 * Rows that come as JSON objects, into a stream or table.
 */
#include <ctype.h>
#include <stdlib.h>

#include "common/base64.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/time_text.h"
#include "engine/engine_impl.h"

struct RowInserter {
	StatementContext context;
	Arena			 arena;			/* of its life */
	Arena			 row_arena;
	const CatalogSnapshot *snapshot;
	const CatalogSource	  *target;
	RowProducer		 producer;
	TopicUnit		*unit;
	Value			*values;
	bool			*given;
};

/* ---- values ---- */

static Status
refuse(const JsonValue *json, const Type *type, Error *err)
{
	static const char *const names[] = {"null", "a boolean", "a boolean", "a number", "a string", "an array", "an object"};
	StrBuf text = {0};

	type_print(type, &text);
	error_data(err, "Can't coerce %s to a column of type %s", names[json->kind], strbuf_text(&text));
	strbuf_free(&text);
	return FAILED;
}

static Status
integer_value(const JsonValue *json, const Type *type, Value *out, Error *err)
{
	int64_t number;

	if (json->kind != JSON_NUMBER || !json->is_integer)
		return refuse(json, type, err);
	if (!int64_parse(json->text, &number) || (type->kind == TYPE_INTEGER && (number > INT32_MAX || number < INT32_MIN)))
		return error_data(err, "The number %.*s does not fit %s", (int)json->text.length, json->text.data,
						  type->kind == TYPE_INTEGER ? "INTEGER" : "BIGINT");
	*out = value_integer(type, number);
	return OK;
}

static Status
double_value(const JsonValue *json, const Type *type, Value *out, Error *err)
{
	double number;

	if (json->kind != JSON_NUMBER || !double_parse(json->text, DOUBLE_STRICT, &number))
		return refuse(json, type, err);
	*out = value_double(number);
	return OK;
}

static Status
decimal_value(const JsonValue *json, const Type *type, Value *out, Error *err)
{
	DecimalShape shape = {type->precision, type->scale};
	DecimalCode	 code;

	if (json->kind != JSON_NUMBER && json->kind != JSON_STRING)
		return refuse(json, type, err);
	*out = (Value){.type = type};
	code = decimal_parse(json->text, shape, DECIMAL_EXACT, &out->decimal);
	return code == DECIMAL_OK ? OK : decimal_error(code, shape, err);
}

static Status
text_value(Arena *arena, const JsonValue *json, const Type *type, Value *out, Error *err)
{
	StrBuf bytes = {0};
	bool   is_valid;

	if (json->kind != JSON_STRING)
		return refuse(json, type, err);
	if (type->kind == TYPE_STRING) {
		*out = value_text(type, json->text);
		return OK;
	}
	is_valid = base64_add_decoded(&bytes, json->text);
	if (is_valid)
		*out = value_text(type, str_make(str_to_arena(arena, strbuf_str(&bytes)), bytes.length));
	strbuf_free(&bytes);
	return is_valid ? OK : error_data(err, "The text for a column of type BYTES is no base64");
}

static Status
time_value(const JsonValue *json, const Type *type, Value *out, Error *err)
{
	int32_t days = 0;
	Time	time = 0;

	if (json->kind != JSON_STRING)
		return refuse(json, type, err);
	if (type->kind == TYPE_TIMESTAMP)
		TRY(timestamp_parse_ksql(json->text, &time, err));
	else if (type->kind == TYPE_DATE)
		TRY(date_parse_ksql(json->text, &days, err));
	else
		TRY(time_parse_ksql(json->text, &days, err));
	*out = value_integer(type, type->kind == TYPE_TIMESTAMP ? time : days);
	return OK;
}

static Status json_to_value(Arena *arena, const JsonValue *json, const Type *type, Value *out, Error *err);

static Status
array_value(Arena *arena, const JsonValue *json, const Type *type, Value *out, Error *err)
{
	if (json->kind != JSON_ARRAY)
		return refuse(json, type, err);
	*out = (Value){.type = type, .n_items = json->n, .items = arena_array(arena, Value, json->n + 1)};
	for (uint32_t i = 0; i < json->n; i++)
		TRY(json_to_value(arena, &json->elements[i], type->element, &out->items[i], err));
	return OK;
}

static Status
map_value(Arena *arena, const JsonValue *json, const Type *type, Value *out, Error *err)
{
	if (json->kind != JSON_OBJECT)
		return refuse(json, type, err);
	if (type->key != type_string)
		return error_data(err, "Only maps with keys of type STRING can be inserted");
	*out = (Value){.type = type, .n_items = json->n, .items = arena_array(arena, Value, 2 * json->n + 1)};
	for (uint32_t i = 0; i < json->n; i++) {
		out->items[2 * i] = value_text(type_string, json->members[i].name);
		TRY(json_to_value(arena, &json->members[i].value, type->element, &out->items[2 * i + 1], err));
	}
	return OK;
}

/* As SQL folds names: upper case unless in backquotes. */
static Str
fold_name(Arena *arena, Str name)
{
	char *upper;

	if (name.length >= 2 && name.data[0] == '`' && name.data[name.length - 1] == '`')
		return str_make(name.data + 1, name.length - 2);
	upper = str_to_arena(arena, name);
	for (char *c = upper; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	return str_make(upper, name.length);
}

static Status
struct_value(Arena *arena, const JsonValue *json, const Type *type, Value *out, Error *err)
{
	if (json->kind != JSON_OBJECT)
		return refuse(json, type, err);
	*out = (Value){.type = type, .n_items = (uint32_t)type->n_fields, .items = arena_array(arena, Value, type->n_fields + 1)};
	for (int f = 0; f < type->n_fields; f++)
		out->items[f] = value_null(type->fields[f].type);
	for (uint32_t i = 0; i < json->n; i++) {
		int f = type_field(type, fold_name(arena, json->members[i].name));

		if (f < 0)
			f = type_field(type, json->members[i].name);
		if (f < 0)
			return error_data(err, "There is no field %.*s in the STRUCT", (int)json->members[i].name.length, json->members[i].name.data);
		TRY(json_to_value(arena, &json->members[i].value, type->fields[f].type, &out->items[f], err));
	}
	return OK;
}

static Status
json_to_value(Arena *arena, const JsonValue *json, const Type *type, Value *out, Error *err)
{
	if (json->kind == JSON_NULL) {
		*out = value_null(type);
		return OK;
	}
	switch (type->kind) {
	case TYPE_BOOLEAN:
		if (json->kind != JSON_TRUE && json->kind != JSON_FALSE)
			return refuse(json, type, err);
		*out = value_boolean(json->kind == JSON_TRUE);
		return OK;
	case TYPE_INTEGER:
	case TYPE_BIGINT:
		return integer_value(json, type, out, err);
	case TYPE_DOUBLE:
		return double_value(json, type, out, err);
	case TYPE_DECIMAL:
		return decimal_value(json, type, out, err);
	case TYPE_STRING:
	case TYPE_BYTES:
		return text_value(arena, json, type, out, err);
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_TIMESTAMP:
		return time_value(json, type, out, err);
	case TYPE_ARRAY:
		return array_value(arena, json, type, out, err);
	case TYPE_MAP:
		return map_value(arena, json, type, out, err);
	case TYPE_STRUCT:
		return struct_value(arena, json, type, out, err);
	default:
		return refuse(json, type, err);
	}
}

/* ---- rows ---- */

static int
find_column(const RowInserter *inserter, Str name)
{
	const Schema *schema = inserter->target->schema;
	int			  column = schema_find(schema, name);

	for (int i = 0; column < 0 && inserter->context.standard && i < schema->n_columns; i++)
		if (str_equal_nocase(str_of(schema->columns[i].name), name))
			column = i;
	return column;
}

static Status
take_member(RowInserter *inserter, const JsonMember *member, bool *has_time, Time *time, Error *err)
{
	const Schema *schema = inserter->target->schema;
	Str			  name = fold_name(&inserter->row_arena, member->name);
	int			  column = find_column(inserter, name);
	Value		  value;

	if (column < 0 && str_equal(name, STR("ROWTIME"))) {
		TRY(integer_value(&member->value, type_bigint, &value, err));
		*has_time = true;
		*time = value.integer;
		return OK;
	}
	if (column < 0)
		return error_data(err, "Column name `%.*s` does not exist in %s", (int)name.length, name.data, inserter->target->name);
	inserter->given[column] = true;
	if (json_to_value(&inserter->row_arena, &member->value, schema->columns[column].type, &inserter->values[column], err) == OK)
		return OK;
	return error_context(err, "Column `%s`", schema->columns[column].name);
}

static Status
check_key(const RowInserter *inserter, Error *err)
{
	const CatalogSource *target = inserter->target;

	for (int c = 0; c < target->schema->n_key; c++)
		if (!inserter->given[c] || (target->kind == ENTITY_TABLE && inserter->values[c].is_null))
			return error_data(err, "Key field must be specified: %s", target->schema->columns[c].name);
	return OK;
}

Status
row_inserter_add(RowInserter *inserter, Str json, Error *err)
{
	const Schema *schema = inserter->target->schema;
	JsonValue	  object;
	bool		  has_time = false;
	Time		  time = 0;

	arena_reset(&inserter->row_arena);
	TRY(json_parse(&inserter->row_arena, json, JSON_STRICT, &object, err));
	if (object.kind != JSON_OBJECT)
		return error_data(err, "A row must be a JSON object");
	for (int c = 0; c < schema->n_columns; c++) {
		inserter->values[c] = value_null(schema->columns[c].type);
		inserter->given[c] = false;
	}
	for (uint32_t i = 0; i < object.n; i++)
		TRY(take_member(inserter, &object.members[i], &has_time, &time, err));
	TRY(check_key(inserter, err));
	return row_producer_add(&inserter->producer, inserter->unit, row_vectors(&inserter->row_arena, schema, inserter->values), 0,
							has_time ? time : env_now(inserter->context.engine->env), err);
}

Status
row_inserter_commit(RowInserter *inserter, Error *err)
{
	Status status = topic_unit_commit(inserter->unit, err);

	topic_unit_clear(inserter->unit);
	return status;
}

/* ---- life ---- */

static Status
open_target(RowInserter *inserter, const char *name, Error *err)
{
	StatementContext *context = &inserter->context;
	Engine			 *engine = context->engine;
	Str				  text = str_of(name);
	AstIdent		  ident = {.text = name};

	TRY(engine_need_store(engine, err));
	if (!settings_bool(context->session->settings, "ksql.insert.into.values.enabled"))
		return error_user(err, "The server has disabled INSERT INTO ... VALUES functionality");
	if (text.length >= 2 && text.data[0] == '`' && text.data[text.length - 1] == '`') {
		ident.text = arena_strndup(&inserter->arena, name + 1, text.length - 2);
		ident.is_quoted = true;
	}
	inserter->snapshot = catalog_snapshot(engine->catalog);
	planner_context_init(&context->planner, engine, &inserter->arena, inserter->snapshot, context->session->settings, context->standard);
	TRY(bind_insert_target(&context->planner, ident, &inserter->target, err));
	TRY(row_producer_init(&inserter->producer, context, inserter->target, err));
	inserter->values = arena_array(&inserter->arena, Value, inserter->target->schema->n_columns + 1);
	inserter->given = arena_array(&inserter->arena, bool, inserter->target->schema->n_columns + 1);
	inserter->unit = topics_unit_new(engine->topics);
	return OK;
}

Status
row_inserter_open(Session *session, const char *target, RowInserter **out, Error *err)
{
	RowInserter *inserter = xcalloc(1, sizeof *inserter);

	inserter->context = (StatementContext){.session = session, .engine = session->engine, .arena = &inserter->arena,
										   .standard = settings_standard(session->settings)};
	if (open_target(inserter, arena_strdup(&inserter->arena, target), err) != OK) {
		row_inserter_close(inserter);
		return FAILED;
	}
	*out = inserter;
	return OK;
}

void
row_inserter_close(RowInserter *inserter)
{
	if (inserter == NULL)
		return;
	topic_unit_free(inserter->unit);
	row_producer_free(&inserter->producer);
	catalog_release(inserter->snapshot);
	arena_free(&inserter->row_arena);
	arena_free(&inserter->arena);
	free(inserter);
}
