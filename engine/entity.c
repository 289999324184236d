#include "engine/entity.h"

static const char *
kind_name(TypeKind kind)
{
	static const char *const names[] = {
		[TYPE_BOOLEAN] = "BOOLEAN", [TYPE_INTEGER] = "INTEGER", [TYPE_BIGINT] = "BIGINT", [TYPE_DECIMAL] = "DECIMAL",
		[TYPE_DOUBLE] = "DOUBLE", [TYPE_STRING] = "STRING", [TYPE_BYTES] = "BYTES", [TYPE_DATE] = "DATE", [TYPE_TIME] = "TIME",
		[TYPE_TIMESTAMP] = "TIMESTAMP", [TYPE_INTERVAL] = "INTERVAL", [TYPE_ARRAY] = "ARRAY", [TYPE_MAP] = "MAP", [TYPE_STRUCT] = "STRUCT",
	};

	return kind < sizeof names / sizeof *names && names[kind] != NULL ? names[kind] : "NULL";
}

JsonValue
entity_type(Arena *arena, const Type *type)
{
	JsonValue object = json_object();
	JsonValue fields = json_array();
	JsonValue parameters = json_object();

	json_add(arena, &object, "type", json_string(kind_name(type->kind)));
	for (int i = 0; type->kind == TYPE_STRUCT && i < type->n_fields; i++)
		json_push(arena, &fields, entity_field(arena, type->fields[i].name, type->fields[i].type, NULL, NULL));
	json_add(arena, &object, "fields", type->kind == TYPE_STRUCT ? fields : json_null());
	json_add(arena, &object, "memberSchema",
			 type->kind == TYPE_ARRAY || type->kind == TYPE_MAP ? entity_type(arena, type->element) : json_null());
	if (type->kind == TYPE_MAP && type->key != type_string)
		json_add(arena, &object, "keySchema", entity_type(arena, type->key));
	if (type->kind == TYPE_DECIMAL) {
		json_add(arena, &parameters, "precision", json_int(arena, type->precision));
		json_add(arena, &parameters, "scale", json_int(arena, type->scale));
		json_add(arena, &object, "parameters", parameters);
	}
	return object;
}

JsonValue
entity_field(Arena *arena, const char *name, const Type *type, const char *role, const char *header)
{
	JsonValue field = json_object();

	json_add(arena, &field, "name", json_string(name));
	json_add(arena, &field, "schema", entity_type(arena, type));
	if (role != NULL)
		json_add(arena, &field, "type", json_string(role));
	if (header != NULL)
		json_add(arena, &field, "headerKey", json_string(header));
	return field;
}

JsonValue
entity_fields(Arena *arena, const Schema *schema, int n_key)
{
	JsonValue fields = json_array();

	for (int i = 0; schema != NULL && i < schema->n_columns; i++)
		json_push(arena, &fields, entity_field(arena, schema->columns[i].name, schema->columns[i].type, i < n_key ? "KEY" : NULL, NULL));
	return fields;
}

/* ---- back to SQL ---- */

static Str
text_of(const JsonValue *object, Str name)
{
	const JsonValue *value = json_member(object, name);

	return value != NULL && (value->kind == JSON_STRING || value->kind == JSON_NUMBER) ? value->text : STR("");
}

static void
struct_text(const JsonValue *fields, StrBuf *out)
{
	strbuf_add_text(out, "STRUCT<");
	for (uint32_t i = 0; fields != NULL && fields->kind == JSON_ARRAY && i < fields->n; i++) {
		const JsonValue *schema = json_member(&fields->elements[i], STR("schema"));

		strbuf_add_text(out, i > 0 ? ", `" : "`");
		strbuf_add_str(out, text_of(&fields->elements[i], STR("name")));
		strbuf_add_text(out, "` ");
		if (schema != NULL)
			entity_type_text(schema, out);
	}
	strbuf_add_char(out, '>');
}

void
entity_type_text(const JsonValue *type, StrBuf *out)
{
	Str				 name = text_of(type, STR("type"));
	const JsonValue *member = json_member(type, STR("memberSchema"));
	const JsonValue *key = json_member(type, STR("keySchema"));
	const JsonValue *parameters = json_member(type, STR("parameters"));

	if (str_equal(name, STR("STRUCT"))) {
		struct_text(json_member(type, STR("fields")), out);
		return;
	}
	strbuf_add_str(out, name);
	if (member != NULL && member->kind == JSON_OBJECT) {
		strbuf_add_char(out, '<');
		if (str_equal(name, STR("MAP"))) {
			if (key != NULL)
				entity_type_text(key, out);
			else
				strbuf_add_text(out, "STRING");
			strbuf_add_text(out, ", ");
		}
		entity_type_text(member, out);
		strbuf_add_char(out, '>');
	}
	if (parameters != NULL && parameters->kind == JSON_OBJECT) {
		Str precision = text_of(parameters, STR("precision")), scale = text_of(parameters, STR("scale"));

		strbuf_printf(out, "(%.*s, %.*s)", (int)precision.length, precision.data, (int)scale.length, scale.data);
	}
}
