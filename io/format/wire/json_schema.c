/* JSON Schema, as far as records of Kafka Connect use it: text to a tree, and columns to text. */
#include <stdlib.h>

#include "common/utf8.h"
#include "io/format/wire/wire.h"

static Str
member_text(const JsonValue *object, const char *name)
{
	const JsonValue *value = json_member(object, str_of(name));

	return value != NULL && (value->kind == JSON_STRING || value->kind == JSON_NUMBER) ? value->text : (Str){0};
}

static int
text_int(Arena *arena, Str text, int otherwise)
{
	return text.length > 0 && text.length < 6 ? atoi(str_to_arena(arena, text)) : otherwise;
}

static WireNode *parse_node(Arena *arena, const JsonValue *json, int depth);

/* [null, T] is T that may be NULL. */
static WireNode *
parse_choice(Arena *arena, const JsonValue *choice, int depth)
{
	WireNode *found = NULL;

	for (uint32_t i = 0; i < choice->n; i++) {
		WireNode *node = parse_node(arena, &choice->elements[i], depth);

		if (node->kind == WIRE_NULL)
			continue;
		if (found != NULL)
			return wire_node(arena, WIRE_UNION);
		found = node;
	}
	if (found == NULL)
		return wire_node(arena, WIRE_NULL);
	found->is_optional = true;
	return found;
}

static int
connect_index(Arena *arena, const JsonMember *member, int otherwise)
{
	return text_int(arena, member_text(&member->value, "connect.index"), otherwise);
}

/* ---- the order of properties ---- */

/* As Java's String.hashCode, spread as its HashMap does it. */
static uint32_t
java_hash(Str name)
{
	uint32_t hash = 0;

	for (size_t at = 0; at < name.length;) {
		uint32_t code = (uint32_t)utf8_decode(name, &at);

		if (code >= 0x10000) {
			hash = hash * 31 + (0xd800 + ((code - 0x10000) >> 10));
			code = 0xdc00 + ((code - 0x10000) & 0x3ff);
		}
		hash = hash * 31 + code;
	}
	return hash ^ hash >> 16;
}

/* Sorts by bucket of a table of `capacity`; names of one bucket keep their order. */
static void
sort_by_bucket(const uint32_t *hashes, uint32_t *order, uint32_t n, uint32_t capacity)
{
	for (uint32_t i = 1; i < n; i++) {
		uint32_t moved = order[i], k = i;

		for (; k > 0 && (hashes[order[k - 1]] & (capacity - 1)) > (hashes[moved] & (capacity - 1)); k--)
			order[k] = order[k - 1];
		order[k] = moved;
	}
}

/*
 * JSON Schema gives properties no order, and the reference takes that of the hash map that its parser keeps them in, and
 * of the copy of that map: columns inferred from such a schema, and the check of columns against one, depend on it.
 */
static uint32_t *
properties_order(Arena *arena, const JsonValue *properties)
{
	uint32_t *order = arena_array(arena, uint32_t, properties->n + 1);
	uint32_t *hashes = arena_array(arena, uint32_t, properties->n + 1);
	uint32_t  grown = 16, copied = 1;

	for (uint32_t i = 0; i < properties->n; i++) {
		order[i] = i;
		hashes[i] = java_hash(properties->members[i].name);
	}
	while (properties->n > grown / 4 * 3)
		grown *= 2;
	while (copied < properties->n * 4 / 3 + 1)
		copied *= 2;
	sort_by_bucket(hashes, order, properties->n, grown);
	sort_by_bucket(hashes, order, properties->n, copied);
	return order;
}

static WireNode *
parse_object(Arena *arena, const JsonValue *json, int depth)
{
	const JsonValue *properties = json_member(json, STR("properties"));
	const JsonValue *values = json_member(json, STR("additionalProperties"));
	WireNode		*node;
	WireField		*fields;
	int				*places;
	uint32_t		*order;

	if (properties == NULL || str_equal(member_text(json, "connect.type"), STR("map"))) {
		if (values == NULL || values->kind != JSON_OBJECT)
			return wire_node(arena, WIRE_UNION);
		node = wire_node(arena, WIRE_MAP);
		node->element = parse_node(arena, values, depth);
		return node;
	}
	node = wire_node(arena, WIRE_RECORD);
	if (properties->kind != JSON_OBJECT)
		return node;
	fields = arena_array(arena, WireField, properties->n + 1);
	places = arena_array(arena, int, properties->n + 1);
	order = properties_order(arena, properties);
	for (uint32_t i = 0; i < properties->n; i++) {
		const JsonMember *property = &properties->members[order[i]];
		int				  place = connect_index(arena, property, (int)i);
		int				  at = node->n_fields;

		for (; at > 0 && places[at - 1] > place; at--) {
			fields[at] = fields[at - 1];
			places[at] = places[at - 1];
		}
		places[at] = place;
		fields[at] = (WireField){.name = str_to_arena(arena, property->name), .node = parse_node(arena, &property->value, depth)};
		node->n_fields++;
	}
	node->fields = fields;
	return node;
}

static WireNode *
parse_number(Arena *arena, const JsonValue *json, bool is_integer)
{
	Str				 title = member_text(json, "title");
	Str				 connect = member_text(json, "connect.type");
	const JsonValue *parameters = json_member(json, STR("connect.parameters"));
	WireNode		*node;

	if (str_ends_with(title, STR("connect.data.Decimal"))) {
		node = wire_node(arena, WIRE_DECIMAL);
		node->precision = parameters != NULL ? text_int(arena, member_text(parameters, "connect.decimal.precision"), 64) : 64;
		node->scale = parameters != NULL ? text_int(arena, member_text(parameters, "scale"), 0) : 0;
		if (node->precision < 1 || node->scale < 0 || node->scale > node->precision)
			node->precision = 64, node->scale = 0;
		return node;
	}
	if (str_ends_with(title, STR("connect.data.Date")))
		return wire_node(arena, WIRE_DATE);
	if (str_ends_with(title, STR("connect.data.Time")))
		return wire_node(arena, WIRE_TIME);
	if (str_ends_with(title, STR("connect.data.Timestamp")))
		return wire_node(arena, WIRE_TIMESTAMP);
	if (!is_integer)
		return wire_node(arena, WIRE_DOUBLE);
	return wire_node(arena, str_equal(connect, STR("int32")) || str_equal(connect, STR("int16")) || str_equal(connect, STR("int8")) ? WIRE_INT32 : WIRE_INT64);
}

static WireNode *
parse_node(Arena *arena, const JsonValue *json, int depth)
{
	const JsonValue *choice = json_member(json, STR("oneOf"));
	const JsonValue *type = json_member(json, STR("type"));
	const JsonValue *items;
	WireNode		*node;
	Str				 word;

	if (++depth > WIRE_DEPTH_MAX || json->kind != JSON_OBJECT)
		return wire_node(arena, WIRE_UNION);
	if (choice == NULL)
		choice = json_member(json, STR("anyOf"));
	if (choice != NULL && choice->kind == JSON_ARRAY)
		return parse_choice(arena, choice, depth);
	if (type == NULL)
		return wire_node(arena, WIRE_UNION);
	word = type->text;
	if (type->kind == JSON_ARRAY) {		/* ["null", "string"] */
		word = (Str){0};
		for (uint32_t i = 0; i < type->n; i++)
			if (!str_equal(type->elements[i].text, STR("null"))) {
				if (word.length > 0)
					return wire_node(arena, WIRE_UNION);
				word = type->elements[i].text;
			}
	}
	if (str_equal(word, STR("null")))
		return wire_node(arena, WIRE_NULL);
	if (str_equal(word, STR("boolean")))
		return wire_node(arena, WIRE_BOOLEAN);
	if (str_equal(word, STR("string")))
		return wire_node(arena, str_equal(member_text(json, "connect.type"), STR("bytes")) ? WIRE_BYTES : WIRE_STRING);
	if (str_equal(word, STR("integer")) || str_equal(word, STR("number")))
		return parse_number(arena, json, word.data[0] == 'i');
	if (str_equal(word, STR("object")))
		return parse_object(arena, json, depth);
	items = json_member(json, STR("items"));
	if (!str_equal(word, STR("array")) || items == NULL)
		return wire_node(arena, WIRE_UNION);
	node = wire_node(arena, WIRE_ARRAY);
	node->element = parse_node(arena, items, depth);
	return node;
}

Status
json_schema_parse(Arena *arena, Str text, WireNode **out, Error *err)
{
	JsonValue *json = arena_new(arena, JsonValue);

	TRY(json_parse(arena, str_of(str_to_arena(arena, text)), JSON_STRICT, json, err));
	*out = parse_node(arena, json, 0);
	wire_resolve(arena, *out);
	return OK;
}

/* ---- text ---- */

static void print_type(const Type *type, int index, bool is_optional, StrBuf *out);

static void
print_fields(const TypeField *fields, int n, StrBuf *out)
{
	strbuf_add_text(out, "\"type\":\"object\",\"properties\":{");
	for (int i = 0; i < n; i++) {
		if (i > 0)
			strbuf_add_char(out, ',');
		json_write_string(out, str_of(fields[i].name));
		strbuf_add_char(out, ':');
		print_type(fields[i].type, i, true, out);
	}
	strbuf_add_char(out, '}');
}

static void
print_bare(const Type *type, StrBuf *out)
{
	switch (type->kind) {
	case TYPE_BOOLEAN: strbuf_add_text(out, "\"type\":\"boolean\""); return;
	case TYPE_INTEGER: strbuf_add_text(out, "\"type\":\"integer\",\"connect.type\":\"int32\""); return;
	case TYPE_BIGINT: strbuf_add_text(out, "\"type\":\"integer\",\"connect.type\":\"int64\""); return;
	case TYPE_DOUBLE: strbuf_add_text(out, "\"type\":\"number\",\"connect.type\":\"float64\""); return;
	case TYPE_STRING: strbuf_add_text(out, "\"type\":\"string\""); return;
	case TYPE_BYTES: strbuf_add_text(out, "\"type\":\"string\",\"connect.type\":\"bytes\""); return;
	case TYPE_DECIMAL:
		strbuf_printf(out, "\"type\":\"number\",\"title\":\"org.apache.kafka.connect.data.Decimal\",\"connect.version\":1,\"connect.type\":\"bytes\","
					  "\"connect.parameters\":{\"scale\":\"%d\",\"connect.decimal.precision\":\"%d\"}", type->scale, type->precision);
		return;
	case TYPE_DATE:
		strbuf_add_text(out, "\"type\":\"integer\",\"title\":\"org.apache.kafka.connect.data.Date\",\"connect.version\":1,\"connect.type\":\"int32\"");
		return;
	case TYPE_TIME:
		strbuf_add_text(out, "\"type\":\"integer\",\"title\":\"org.apache.kafka.connect.data.Time\",\"connect.version\":1,\"connect.type\":\"int32\"");
		return;
	case TYPE_TIMESTAMP:
		strbuf_add_text(out, "\"type\":\"integer\",\"title\":\"org.apache.kafka.connect.data.Timestamp\",\"connect.version\":1,\"connect.type\":\"int64\"");
		return;
	case TYPE_ARRAY:
		strbuf_add_text(out, "\"type\":\"array\",\"items\":");
		print_type(type->element, -1, true, out);
		return;
	case TYPE_MAP:
		strbuf_add_text(out, "\"type\":\"object\",\"connect.type\":\"map\",\"additionalProperties\":");
		print_type(type->element, -1, true, out);
		return;
	case TYPE_STRUCT:
		print_fields(type->fields, type->n_fields, out);
		return;
	default:
		strbuf_add_text(out, "\"type\":\"null\"");
		return;
	}
}

static void
print_type(const Type *type, int index, bool is_optional, StrBuf *out)
{
	strbuf_add_char(out, '{');
	if (index >= 0)
		strbuf_printf(out, "\"connect.index\":%d,", index);
	if (is_optional)
		strbuf_add_text(out, "\"oneOf\":[{\"type\":\"null\"},{");
	print_bare(type, out);
	strbuf_add_text(out, is_optional ? "}]}" : "}");
}

void
json_schema_print(const Column *columns, int n_columns, bool is_record, StrBuf *out)
{
	if (!is_record) {
		print_type(columns[0].type, -1, true, out);
		return;
	}
	strbuf_add_char(out, '{');
	print_fields(columns, n_columns, out);
	strbuf_add_char(out, '}');
}
