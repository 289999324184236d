#include "engine/json_value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base64.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/time_text.h"

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

static bool
is_special_double(Str text)
{
	return str_equal(text, STR("NaN")) || str_equal(text, STR("Infinity")) || str_equal(text, STR("-Infinity"));
}

static Status
double_value(const JsonValue *json, const Type *type, Value *out, Error *err)
{
	double number;

	if (!(json->kind == JSON_NUMBER && double_parse(json->text, DOUBLE_STRICT, &number))
		&& !(json->kind == JSON_STRING && is_special_double(json->text) && double_parse(json->text, DOUBLE_JAVA_ANY, &number)))
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

/* P1M2DT3.000004S: months, days, seconds. */
static Status
interval_value(Arena *arena, const JsonValue *json, const Type *type, Value *out, Error *err)
{
	long long seconds = 0, micros = 0, all;
	int		  months = 0, days = 0;

	if (json->kind != JSON_STRING
		|| sscanf(str_to_arena(arena, json->text), "P%dM%dDT%lld.%lldS", &months, &days, &seconds, &micros) != 4)
		return refuse(json, type, err);
	all = llabs(seconds) * 1000000 + micros;
	*out = (Value){.type = type, .interval = {.months = months, .days = days,
											  .micros = memmem(json->text.data, json->text.length, "T-", 2) != NULL ? -all : all}};
	return OK;
}

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

/* The name of a member as a key: a text, or what the text says. */
static Status
key_value(Arena *arena, Str name, const Type *type, Value *out, Error *err)
{
	JsonValue json = {.kind = JSON_STRING, .text = name};

	if (type_is_number(type) || type->kind == TYPE_BOOLEAN)
		TRY(json_parse(arena, name, JSON_STRICT, &json, err));
	return json_to_value(arena, &json, type, out, err);
}

static Status
map_value(Arena *arena, const JsonValue *json, const Type *type, Value *out, Error *err)
{
	if (json->kind != JSON_OBJECT)
		return refuse(json, type, err);
	*out = (Value){.type = type, .n_items = json->n, .items = arena_array(arena, Value, 2 * json->n + 1)};
	for (uint32_t i = 0; i < json->n; i++) {
		TRY(key_value(arena, json->members[i].name, type->key, &out->items[2 * i], err));
		TRY(json_to_value(arena, &json->members[i].value, type->element, &out->items[2 * i + 1], err));
	}
	return OK;
}

Str
json_fold_name(Arena *arena, Str name)
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
		int f = type_field(type, json->members[i].name);

		if (f < 0)
			f = type_field(type, json_fold_name(arena, json->members[i].name));
		if (f < 0)
			return error_data(err, "There is no field %.*s in the STRUCT", (int)json->members[i].name.length, json->members[i].name.data);
		TRY(json_to_value(arena, &json->members[i].value, type->fields[f].type, &out->items[f], err));
	}
	return OK;
}

Status
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
	case TYPE_INTERVAL:
		return interval_value(arena, json, type, out, err);
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

