/* Avro schemas: their JSON text to a tree, columns to the tree that ksqlDB makes of them, and a tree to text. */
#include <ctype.h>

#include "data/decimal.h"
#include "io/format/wire/wire.h"

/* Named types so far. */
typedef struct AvroName AvroName;
struct AvroName {
	AvroName   *next;
	const char *full;
	WireNode   *node;
};

typedef struct AvroParser {
	Arena	 *arena;
	AvroName *names;
	int		  depth;
} AvroParser;

static Status parse_node(AvroParser *p, const JsonValue *json, const char *namespace, WireNode **out, Error *err);

static Str
member_text(const JsonValue *object, const char *name)
{
	const JsonValue *value = json_member(object, str_of(name));

	return value != NULL && value->kind == JSON_STRING ? value->text : (Str){0};
}

static int
member_int(const JsonValue *object, const char *name, int otherwise)
{
	const JsonValue *value = json_member(object, str_of(name));
	int				 number = 0;

	if (value == NULL || value->kind != JSON_NUMBER || !value->is_integer || value->text.length > 8)
		return otherwise;
	for (size_t i = 0; i < value->text.length; i++) {
		if (!isdigit((unsigned char)value->text.data[i]))
			return otherwise;
		number = number * 10 + (value->text.data[i] - '0');
	}
	return number;
}

static const char *
full_name(AvroParser *p, Str name, const char *namespace)
{
	if (namespace == NULL || namespace[0] == '\0' || memchr(name.data, '.', name.length) != NULL)
		return str_to_arena(p->arena, name);
	return arena_printf(p->arena, "%s.%.*s", namespace, (int)name.length, name.data);
}

static Status
parse_name(AvroParser *p, Str name, const char *namespace, WireNode **out, Error *err)
{
	static const struct {
		const char *name;
		WireKind	kind;
	} primitives[] = {{"null", WIRE_NULL},	 {"boolean", WIRE_BOOLEAN}, {"int", WIRE_INT32},	 {"long", WIRE_INT64},
					  {"float", WIRE_FLOAT}, {"double", WIRE_DOUBLE},	{"string", WIRE_STRING}, {"bytes", WIRE_BYTES}};
	const char *full;

	for (size_t i = 0; i < sizeof primitives / sizeof primitives[0]; i++)
		if (str_equal(name, str_of(primitives[i].name))) {
			*out = wire_node(p->arena, primitives[i].kind);
			return OK;
		}
	full = full_name(p, name, namespace);
	for (const AvroName *n = p->names; n != NULL; n = n->next)
		if (strcmp(n->full, full) == 0 || str_equal(name, str_of(n->full))) {
			*out = n->node;
			return OK;
		}
	return error_user(err, "Not a valid Avro schema: '%.*s' is not a defined name", (int)name.length, name.data);
}

/* [null, T] is T that may be NULL; several types are a union. */
static Status
parse_union(AvroParser *p, const JsonValue *json, const char *namespace, WireNode **out, Error *err)
{
	WireNode **branches = arena_array(p->arena, WireNode *, json->n + 1);
	WireNode  *node;
	int		   null_branch = -1;

	for (uint32_t i = 0; i < json->n; i++) {
		TRY(parse_node(p, &json->elements[i], namespace, &branches[i], err));
		if (branches[i]->kind == WIRE_NULL)
			null_branch = (int)i;
	}
	if (json->n == 2 && null_branch >= 0 && branches[1 - null_branch]->null_branch < 0 && branches[1 - null_branch]->kind != WIRE_NULL) {
		node = arena_memdup(p->arena, branches[1 - null_branch], sizeof *node);
		if (node->kind == WIRE_RECORD && node->fields == NULL) {
			/* its own record, whose fields are not known yet */
			*node = (WireNode){.kind = WIRE_UNION, .n_branches = 2, .branches = branches, .null_branch = null_branch};
			*out = node;
			return OK;
		}
		node->is_optional = true;
		node->null_branch = null_branch;
		*out = node;
		return OK;
	}
	node = wire_node(p->arena, WIRE_UNION);
	node->n_branches = (int)json->n;
	node->branches = branches;
	node->null_branch = null_branch;		/* what is written where it occurs */
	*out = node;
	return OK;
}

static void
add_name(AvroParser *p, WireNode *node)
{
	AvroName *name = arena_new(p->arena, AvroName);

	*name = (AvroName){p->names, node->name, node};
	p->names = name;
}

static Status
parse_record(AvroParser *p, const JsonValue *json, WireNode *node, const char *namespace, Error *err)
{
	const JsonValue *fields = json_member(json, STR("fields"));

	if (fields == NULL || fields->kind != JSON_ARRAY)
		return error_user(err, "Not a valid Avro schema: record '%s' has no fields", node->name);

	WireField *list = arena_array(p->arena, WireField, fields->n + 1);

	for (uint32_t i = 0; i < fields->n; i++) {
		const JsonValue *type = json_member(&fields->elements[i], STR("type"));
		Str				 name = member_text(&fields->elements[i], "name");

		if (type == NULL || name.length == 0)
			return error_user(err, "Not a valid Avro schema: a field of '%s' has no name or no type", node->name);
		list[i].name = str_to_arena(p->arena, name);
		list[i].otherwise = json_member(&fields->elements[i], STR("default"));
		TRY(parse_node(p, type, namespace, &list[i].node, err));
	}
	node->fields = list;
	node->n_fields = (int)fields->n;
	return OK;
}

/* A logical type, which changes how a primitive is read. */
static void
apply_logical(const JsonValue *json, WireNode *node)
{
	Str logical = member_text(json, "logicalType");

	if (str_equal(logical, STR("decimal")) && (node->kind == WIRE_BYTES || node->kind == WIRE_FIXED)) {
		int precision = member_int(json, "precision", 64);
		int scale = member_int(json, "scale", 0);

		if (precision >= 1 && scale <= precision) {
			node->kind = WIRE_DECIMAL;
			node->precision = precision;
			node->scale = scale;
		}
	} else if (str_equal(logical, STR("date")) && node->kind == WIRE_INT32)
		node->kind = WIRE_DATE;
	else if (str_equal(logical, STR("time-millis")) && node->kind == WIRE_INT32)
		node->kind = WIRE_TIME;
	else if (str_equal(logical, STR("timestamp-millis")) && node->kind == WIRE_INT64)
		node->kind = WIRE_TIMESTAMP;
}

static Status
parse_object(AvroParser *p, const JsonValue *json, const char *namespace, WireNode **out, Error *err)
{
	const JsonValue *type = json_member(json, STR("type"));
	Str				 own_namespace = member_text(json, "namespace");
	Str				 name = member_text(json, "name");
	const JsonValue *items;
	WireNode		*node;

	if (type == NULL)
		return error_user(err, "Not a valid Avro schema: no type");
	if (type->kind != JSON_STRING)
		return parse_node(p, type, namespace, out, err);
	if (str_equal(type->text, STR("array")) || str_equal(type->text, STR("map"))) {
		bool is_array = type->text.data[0] == 'a';

		items = json_member(json, is_array ? STR("items") : STR("values"));
		if (items == NULL)
			return error_user(err, "Not a valid Avro schema: an array or map without a type of its elements");
		node = wire_node(p->arena, is_array ? WIRE_ARRAY : WIRE_MAP);
		TRY(parse_node(p, items, namespace, &node->element, err));
		if (is_array && node->element->kind == WIRE_RECORD && items->kind == JSON_OBJECT
			&& str_equal(member_text(items, "connect.internal.type"), STR("MapEntry")) && node->element->n_fields == 2) {
			WireNode *entry = node->element;

			node->kind = WIRE_MAP;
			node->is_entries = true;
			node->name = entry->name;
			node->key = entry->fields[0].node;
			node->element = entry->fields[1].node;
			if (node->key->kind != WIRE_STRING && node->key->kind != WIRE_INT32 && node->key->kind != WIRE_INT64 && node->key->kind != WIRE_BOOLEAN)
				return error_user(err, "Not a schema that can be read: keys of a map that are not text");
		}
		*out = node;
		return OK;
	}
	if (str_equal(type->text, STR("record")) || str_equal(type->text, STR("error")) || str_equal(type->text, STR("enum"))
		|| str_equal(type->text, STR("fixed"))) {
		if (own_namespace.length > 0)
			namespace = str_to_arena(p->arena, own_namespace);
		node = wire_node(p->arena, type->text.data[0] == 'f' ? WIRE_FIXED : type->text.data[1] == 'n' ? WIRE_ENUM : WIRE_RECORD);
		node->name = full_name(p, name, namespace);
		if (strrchr(node->name, '.') != NULL)
			namespace = arena_strndup(p->arena, node->name, (size_t)(strrchr(node->name, '.') - node->name));
		add_name(p, node);
		if (node->kind == WIRE_RECORD)
			TRY(parse_record(p, json, node, namespace, err));
		else if (node->kind == WIRE_FIXED) {
			node->fixed_size = member_int(json, "size", 0);
			apply_logical(json, node);
		} else {
			const JsonValue *symbols = json_member(json, STR("symbols"));

			node->n_symbols = symbols != NULL && symbols->kind == JSON_ARRAY ? (int)symbols->n : 0;
			node->symbols = arena_array(p->arena, const char *, node->n_symbols + 1);
			for (int i = 0; i < node->n_symbols; i++)
				node->symbols[i] = str_to_arena(p->arena, symbols->elements[i].text);
		}
		*out = node;
		return OK;
	}
	TRY(parse_name(p, type->text, namespace, &node, err));
	if (node->kind != WIRE_RECORD)
		apply_logical(json, node);
	*out = node;
	return OK;
}

static Status
parse_node(AvroParser *p, const JsonValue *json, const char *namespace, WireNode **out, Error *err)
{
	Status status;

	if (++p->depth > WIRE_DEPTH_MAX)
		return error_user(err, "Not a schema that can be read: it is nested too deeply");
	switch (json->kind) {
	case JSON_STRING: status = parse_name(p, json->text, namespace, out, err); break;
	case JSON_ARRAY: status = parse_union(p, json, namespace, out, err); break;
	case JSON_OBJECT: status = parse_object(p, json, namespace, out, err); break;
	default: status = error_user(err, "Not a valid Avro schema: a type must be a name, a list or an object"); break;
	}
	p->depth--;
	return status;
}

Status
avro_parse(Arena *arena, Str text, WireNode **out, Error *err)
{
	AvroParser parser = {.arena = arena};
	JsonValue *json = arena_new(arena, JsonValue);
	char	  *copy = str_to_arena(arena, text);

	if (json_parse(arena, str_make(copy, text.length), JSON_STRICT, json, err) != OK) {
		/* a bare name of a type may stand without quotes */
		*json = (JsonValue){.kind = JSON_STRING, .text = str_trim(str_make(copy, text.length))};
	}
	TRY(parse_node(&parser, json, NULL, out, err));
	wire_resolve(arena, *out);
	return OK;
}

/* ---- columns ---- */

bool
avro_name_is_legal(const char *name)
{
	if (!isalpha((unsigned char)name[0]) && name[0] != '_')
		return false;
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char)*name) && *name != '_' && *name != '.')
			return false;
	return true;
}

/* '.' is not in names of fields. */
static const char *
field_name(Arena *arena, const char *name)
{
	char *copy = arena_strdup(arena, name);

	for (char *p = copy; *p != '\0'; p++)
		if (*p == '.')
			*p = '_';
	return copy;
}

static WireNode *
node_of_type(Arena *arena, const Type *type, const char *name)
{
	static const WireKind kinds[] = {
		[TYPE_BOOLEAN] = WIRE_BOOLEAN, [TYPE_INTEGER] = WIRE_INT32, [TYPE_BIGINT] = WIRE_INT64, [TYPE_DOUBLE] = WIRE_DOUBLE,
		[TYPE_DECIMAL] = WIRE_DECIMAL, [TYPE_STRING] = WIRE_STRING, [TYPE_BYTES] = WIRE_BYTES,	[TYPE_DATE] = WIRE_DATE,
		[TYPE_TIME] = WIRE_TIME,	   [TYPE_TIMESTAMP] = WIRE_TIMESTAMP, [TYPE_ARRAY] = WIRE_ARRAY, [TYPE_MAP] = WIRE_MAP,
		[TYPE_STRUCT] = WIRE_RECORD,
	};
	WireNode *node = wire_node(arena, kinds[type->kind]);

	node->is_optional = true;
	node->null_branch = 0;
	node->precision = type->precision;
	node->scale = type->scale;
	switch (type->kind) {
	case TYPE_ARRAY:
		node->element = node_of_type(arena, type->element, name);
		break;
	case TYPE_MAP:
		node->is_entries = true;
		node->name = name;
		node->key = node_of_type(arena, type_string, name);
		node->element = node_of_type(arena, type->element, arena_printf(arena, "%s_VALUE", name));
		break;
	case TYPE_STRUCT:
		node->name = name;
		node->n_fields = type->n_fields;
		node->fields = arena_array(arena, WireField, type->n_fields + 1);
		for (int i = 0; i < type->n_fields; i++) {
			const char *field = field_name(arena, type->fields[i].name);

			node->fields[i] = (WireField){.name = field, .number = i + 1,
										  .node = node_of_type(arena, type->fields[i].type, arena_printf(arena, "%s_%s", name, field))};
		}
		break;
	default:
		break;
	}
	return node;
}

WireNode *
avro_of_columns(Arena *arena, const Column *columns, int n_columns, bool is_record, const char *name)
{
	WireNode *node;

	if (!is_record) {
		node = node_of_type(arena, columns[0].type, name);
		node->is_optional = false;
		node->null_branch = -1;
	} else {
		node = wire_node(arena, WIRE_RECORD);
		node->name = name;
		node->n_fields = n_columns;
		node->fields = arena_array(arena, WireField, n_columns + 1);
		for (int i = 0; i < n_columns; i++) {
			const char *field = field_name(arena, columns[i].name);

			node->fields[i] = (WireField){.name = field, .node = node_of_type(arena, columns[i].type, arena_printf(arena, "%s_%s", name, field))};
		}
	}
	wire_resolve(arena, node);
	return node;
}

/* ---- text ---- */

static void
print_full_name(const char *name, StrBuf *out)
{
	const char *dot = strrchr(name, '.');

	strbuf_printf(out, "\"name\":\"%s\"", dot != NULL ? dot + 1 : name);
	if (dot != NULL)
		strbuf_printf(out, ",\"namespace\":\"%.*s\"", (int)(dot - name), name);
}

static void
print_fields(const WireField *fields, int n, StrBuf *out)
{
	strbuf_add_text(out, ",\"fields\":[");
	for (int i = 0; i < n; i++) {
		strbuf_printf(out, "%s{\"name\":", i > 0 ? "," : "");
		json_write_string(out, str_of(fields[i].name));
		strbuf_add_text(out, ",\"type\":");
		avro_print(fields[i].node, out);
		if (fields[i].node->null_branch == 0)
			strbuf_add_text(out, ",\"default\":null");
		strbuf_add_char(out, '}');
	}
	strbuf_add_char(out, ']');
}

static void
print_bare(const WireNode *node, StrBuf *out)
{
	switch (node->kind) {
	case WIRE_NULL: strbuf_add_text(out, "\"null\""); return;
	case WIRE_BOOLEAN: strbuf_add_text(out, "\"boolean\""); return;
	case WIRE_INT32: strbuf_add_text(out, "\"int\""); return;
	case WIRE_INT64: strbuf_add_text(out, "\"long\""); return;
	case WIRE_FLOAT: strbuf_add_text(out, "\"float\""); return;
	case WIRE_DOUBLE: strbuf_add_text(out, "\"double\""); return;
	case WIRE_STRING: strbuf_add_text(out, "\"string\""); return;
	case WIRE_BYTES: strbuf_add_text(out, "\"bytes\""); return;
	case WIRE_DECIMAL:
		strbuf_printf(out, "{\"type\":\"bytes\",\"scale\":%d,\"precision\":%d,\"connect.version\":1,\"connect.parameters\":{\"scale\":\"%d\","
					  "\"connect.decimal.precision\":\"%d\"},\"connect.name\":\"org.apache.kafka.connect.data.Decimal\",\"logicalType\":\"decimal\"}",
					  node->scale, node->precision, node->scale, node->precision);
		return;
	case WIRE_DATE:
		strbuf_add_text(out, "{\"type\":\"int\",\"connect.version\":1,\"connect.name\":\"org.apache.kafka.connect.data.Date\",\"logicalType\":\"date\"}");
		return;
	case WIRE_TIME:
		strbuf_add_text(out, "{\"type\":\"int\",\"connect.version\":1,\"connect.name\":\"org.apache.kafka.connect.data.Time\",\"logicalType\":\"time-millis\"}");
		return;
	case WIRE_TIMESTAMP:
		strbuf_add_text(out, "{\"type\":\"long\",\"connect.version\":1,\"connect.name\":\"org.apache.kafka.connect.data.Timestamp\",\"logicalType\":\"timestamp-millis\"}");
		return;
	case WIRE_ARRAY:
		strbuf_add_text(out, "{\"type\":\"array\",\"items\":");
		avro_print(node->element, out);
		strbuf_add_char(out, '}');
		return;
	case WIRE_MAP: {
		WireField fields[] = {{.name = "key", .node = node->key}, {.name = "value", .node = node->element}};

		if (!node->is_entries) {
			strbuf_add_text(out, "{\"type\":\"map\",\"values\":");
			avro_print(node->element, out);
			strbuf_add_char(out, '}');
			return;
		}
		strbuf_add_text(out, "{\"type\":\"array\",\"items\":{\"type\":\"record\",");
		print_full_name(node->name, out);
		print_fields(fields, 2, out);
		strbuf_add_text(out, ",\"connect.internal.type\":\"MapEntry\"},\"connect.internal.type\":\"MapEntry\"}");
		return;
	}
	case WIRE_RECORD:
		strbuf_add_text(out, "{\"type\":\"record\",");
		print_full_name(node->name, out);
		print_fields(node->fields, node->n_fields, out);
		strbuf_printf(out, ",\"connect.name\":\"%s\"}", node->name);
		return;
	default:		/* never made from columns */
		strbuf_add_text(out, "\"null\"");
		return;
	}
}

void
avro_print(const WireNode *node, StrBuf *out)
{
	if (node->null_branch >= 0)
		strbuf_add_text(out, "[\"null\",");
	print_bare(node, out);
	if (node->null_branch >= 0)
		strbuf_add_char(out, ']');
}
