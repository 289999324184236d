/* SQL types of schema trees, and values from one type to another. */
#include "io/format/wire/wire.h"

#include <ctype.h>
#include <strings.h>

#include "common/base64.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/vector.h"
#include "io/format/json/json_decode.h"

WireNode *
wire_node(Arena *arena, WireKind kind)
{
	WireNode *node = arena_new(arena, WireNode);

	node->kind = kind;
	node->null_branch = -1;
	return node;
}

static const Type *
resolve_record(Arena *arena, WireNode *node)
{
	TypeField *fields = arena_array(arena, TypeField, node->n_fields + 1);
	int		   n = 0;

	for (int i = 0; i < node->n_fields; i++) {
		const Type *type = wire_resolve(arena, node->fields[i].node);

		if (type != NULL)
			fields[n++] = (TypeField){node->fields[i].name, type};
	}
	return n > 0 ? type_struct(fields, n) : NULL;
}

const Type *
wire_resolve(Arena *arena, WireNode *node)
{
	const Type *element;

	if (node->is_resolved || node->is_resolving)		/* a record within itself has no SQL type */
		return node->type;
	node->is_resolving = true;
	switch (node->kind) {
	case WIRE_NULL:
	case WIRE_UNION:
		break;
	case WIRE_BOOLEAN: node->type = type_boolean; break;
	case WIRE_INT32: node->type = type_integer; break;
	case WIRE_INT64: node->type = type_bigint; break;
	case WIRE_FLOAT:
	case WIRE_DOUBLE: node->type = type_double; break;
	case WIRE_STRING:
	case WIRE_ENUM: node->type = type_string; break;
	case WIRE_BYTES:
	case WIRE_FIXED: node->type = type_bytes; break;
	case WIRE_DECIMAL: node->type = type_decimal(node->precision, node->scale); break;
	case WIRE_DATE: node->type = type_date; break;
	case WIRE_TIME: node->type = type_time; break;
	case WIRE_TIMESTAMP: node->type = type_timestamp; break;
	case WIRE_ARRAY:
		element = wire_resolve(arena, node->element);
		node->type = element != NULL ? type_array(element) : NULL;
		break;
	case WIRE_MAP:
		if (node->key != NULL)
			wire_resolve(arena, node->key);
		element = wire_resolve(arena, node->element);
		node->type = element != NULL ? type_map(type_string, element) : NULL;
		break;
	case WIRE_RECORD:
		node->type = resolve_record(arena, node);
		break;
	}
	node->is_resolving = false;
	node->is_resolved = true;
	return node->type;
}

static char *
upper(Arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text);

	for (char *p = copy; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	return copy;
}

const Type *
wire_type_upper(Arena *arena, const Type *type)
{
	TypeField *fields;

	switch (type->kind) {
	case TYPE_ARRAY:
		return type_array(wire_type_upper(arena, type->element));
	case TYPE_MAP:
		return type_map(type->key, wire_type_upper(arena, type->element));
	case TYPE_STRUCT:
		fields = arena_array(arena, TypeField, type->n_fields + 1);
		for (int i = 0; i < type->n_fields; i++)
			fields[i] = (TypeField){upper(arena, type->fields[i].name), wire_type_upper(arena, type->fields[i].type)};
		return type_struct(fields, type->n_fields);
	default:
		return type;
	}
}

/* ---- values of another type ---- */

/* A column's name with what Avro cannot write replaced, equal to a field's name in upper case. */
static bool
name_matches(const char *field, const char *column, bool fold)
{
	for (; *field != '\0' && *column != '\0'; field++, column++) {
		char f = fold ? (char)toupper((unsigned char)*field) : *field;

		if (f != *column && !(f == '_' && *column == '.'))
			return false;
	}
	return *field == *column;
}

int
wire_find_field(const Type *type, const char *name)
{
	for (int i = 0; i < type->n_fields; i++)
		if (strcmp(type->fields[i].name, name) == 0)
			return i;
	for (int i = 0; i < type->n_fields; i++)
		if (name_matches(type->fields[i].name, name, false) || name_matches(type->fields[i].name, name, true))
			return i;
	/* what is written: columns in upper case, a schema's fields as they are */
	for (int i = 0; i < type->n_fields; i++)
		if (strcasecmp(type->fields[i].name, name) == 0)
			return i;
	return -1;
}

static Status
fail_coerce(const Type *from, const Type *to, Error *err)
{
	StrBuf a = {0}, b = {0};

	type_print(from, &a);
	type_print(to, &b);
	error_data(err, "Can't convert type. sourceType: %s, requiredType: %s", strbuf_text(&a), strbuf_text(&b));
	strbuf_free(&a);
	strbuf_free(&b);
	return FAILED;
}

static Status
coerce_text(Arena *arena, const Value *from, const Type *to, Value *out, Error *err)
{
	char text[DECIMAL_TEXT_MAX];

	switch (from->type->kind) {
	case TYPE_BOOLEAN:
		out->text = from->boolean ? STR("true") : STR("false");
		return OK;
	case TYPE_INTEGER:
	case TYPE_BIGINT:
		out->text = str_of(arena_printf(arena, "%lld", (long long)from->integer));
		return OK;
	case TYPE_DOUBLE:
		out->text.length = double_print_java(from->number, text);
		out->text.data = arena_memdup(arena, text, out->text.length);
		return OK;
	case TYPE_DECIMAL:
		out->text.length = decimal_print(from->decimal, from->type->scale, text);
		out->text.data = arena_memdup(arena, text, out->text.length);
		return OK;
	default:
		return fail_coerce(from->type, to, err);
	}
}

static Status
coerce_decimal(const Value *from, const Type *to, Value *out, Error *err)
{
	DecimalShape shape = {to->precision, to->scale};
	DecimalCode	 code;

	if (from->type->kind == TYPE_DECIMAL)
		code = decimal_cast(from->decimal, from->type->scale, shape, DECIMAL_EXACT, &out->decimal);
	else if (from->type->kind == TYPE_INTEGER || from->type->kind == TYPE_BIGINT)
		code = decimal_from_int64(from->integer, shape, &out->decimal);
	else if (from->type->kind == TYPE_DOUBLE)
		code = decimal_from_double_text(from->number, shape, DECIMAL_EXACT, &out->decimal);
	else
		return fail_coerce(from->type, to, err);
	return code == DECIMAL_OK ? OK : decimal_error(code, shape, err);
}

Status
wire_coerce(Arena *arena, const Value *from, const Type *to, Value *out, Error *err)
{
	TypeKind kind = from->type->kind;

	*out = *from;
	if (from->type == to)
		return OK;
	out->type = to;
	if (from->is_null)
		return OK;
	switch (to->kind) {
	case TYPE_BIGINT:
		return kind == TYPE_INTEGER || kind == TYPE_BIGINT ? OK : fail_coerce(from->type, to, err);
	case TYPE_INTEGER:
		if (kind == TYPE_BIGINT && from->integer >= INT32_MIN && from->integer <= INT32_MAX)
			return OK;
		return fail_coerce(from->type, to, err);
	case TYPE_DOUBLE:
		if (kind == TYPE_INTEGER || kind == TYPE_BIGINT)
			out->number = (double)from->integer;
		else if (kind == TYPE_DECIMAL)
			out->number = decimal_to_double(from->decimal, from->type->scale);
		else
			return fail_coerce(from->type, to, err);
		return OK;
	case TYPE_DECIMAL:
		return coerce_decimal(from, to, out, err);
	case TYPE_STRING:
		return coerce_text(arena, from, to, out, err);
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_TIMESTAMP:
		return kind == TYPE_INTEGER || kind == TYPE_BIGINT ? OK : fail_coerce(from->type, to, err);
	case TYPE_ARRAY:
		if (kind != TYPE_ARRAY)
			return fail_coerce(from->type, to, err);
		out->items = arena_array(arena, Value, from->n_items + 1);
		for (uint32_t i = 0; i < from->n_items; i++)
			TRY(wire_coerce(arena, &from->items[i], to->element, &out->items[i], err));
		return OK;
	case TYPE_MAP:
		if (kind != TYPE_MAP)
			return fail_coerce(from->type, to, err);
		out->items = arena_array(arena, Value, 2 * from->n_items + 1);
		for (uint32_t i = 0; i < from->n_items; i++) {
			TRY(wire_coerce(arena, &from->items[2 * i], to->key, &out->items[2 * i], err));
			TRY(wire_coerce(arena, &from->items[2 * i + 1], to->element, &out->items[2 * i + 1], err));
		}
		return OK;
	case TYPE_STRUCT:
		if (kind != TYPE_STRUCT)
			return fail_coerce(from->type, to, err);
		out->n_items = (uint32_t)to->n_fields;
		out->items = arena_array(arena, Value, to->n_fields + 1);
		for (int i = 0; i < to->n_fields; i++) {
			int field = wire_find_field(from->type, to->fields[i].name);

			if (field < 0)
				out->items[i] = value_null(to->fields[i].type);
			else
				TRY(wire_coerce(arena, &from->items[field], to->fields[i].type, &out->items[i], err));
		}
		return OK;
	default:
		return fail_coerce(from->type, to, err);
	}
}

Status
wire_value_of_json(Arena *arena, Str json, const Type *type, Value *out, Error *err)
{
	Vector	  *vector = vector_new(arena, type, 1);
	JsonReader reader = {.cursor = {json.data, json.data + json.length, json.data}, .arena = arena};

	TRY(json_decode_value(&reader, json_plan_value(arena, type), vector, 0, err));
	*out = vector_get(vector, 0, arena);
	return OK;
}
