/*
 * The formats JSON_SR, AVRO, PROTOBUF and PROTOBUF_NOSR: how a payload names its schema, and what is done with it.
 *
 * Every record but PROTOBUF_NOSR's begins with a zero byte and the big-endian id of the writer's schema (PROTOBUF: then the path
 * of the message).  A decoder keeps the schemas that it has met; an encoder has one, which it registers when it is made.
 */
#include <ctype.h>

#include "io/format/format_impl.h"
#include "io/format/json/json_decode.h"
#include "io/format/json/json_encode.h"
#include "io/format/wire/wire.h"

#define FRAME_LENGTH 5
#define VALUE_RECORD_NAME "io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"

static bool
is_format(const FormatSpec *spec, const Format *format)
{
	return spec->format == format;
}

/* Several columns, or one in its envelope: a record. */
static bool
is_record(const FormatSpec *spec)
{
	return spec->n_columns != 1 || spec->is_wrapped;
}

static SchemaKind
kind_of(const FormatSpec *spec)
{
	return is_format(spec, &format_avro) ? SCHEMA_AVRO : is_format(spec, &format_json_sr) ? SCHEMA_JSON : SCHEMA_PROTOBUF;
}

/* ---- schemas ---- */

/* A schema in hand; `file` and `message` are PROTOBUF's. */
typedef struct WireSchema WireSchema;
struct WireSchema {
	WireSchema			*next;
	int					 id;
	WireNode			*node;
	ProtoFile			 file;
	const ProtoMessage	*message;
	/* Decoders: the field of `places_of` that each column is; -1: none. */
	const Type			*places_of;
	int					*places;
};

static Status
wire_schema_parse(Arena *arena, const RegisteredSchema *registered, const char *full_name, WireSchema **out, Error *err)
{
	WireSchema *schema = arena_new(arena, WireSchema);

	schema->id = registered->id;
	switch (registered->kind) {
	case SCHEMA_AVRO:
		TRY(avro_parse(arena, str_of(registered->text), &schema->node, err));
		break;
	case SCHEMA_JSON:
		TRY(json_schema_parse(arena, str_of(registered->text), &schema->node, err));
		break;
	case SCHEMA_PROTOBUF:
		TRY(protobuf_parse(arena, registered, &schema->file, err));
		schema->message = protobuf_message(&schema->file, full_name);
		if (schema->message == NULL)
			return error_user(err, "The Protobuf schema has no message '%s'", full_name != NULL ? full_name : "");
		schema->node = schema->message->node;
		break;
	}
	*out = schema;
	return OK;
}

static Status
schema_of_id(Arena *arena, const FormatSpec *spec, int id, const char *full_name, WireSchema **out, Error *err)
{
	const RegisteredSchema *registered;
	Status					status;

	if (spec->registry == NULL)
		return error_unsupported(err, "A record of the %s format names a schema, and there is no Schema Registry to look it up in", spec->format->name);
	status = spec->registry->by_id(spec->registry, id, &registered, err);
	if (status == DONE)
		return error_data(err, "Schema %d is not in the Schema Registry", id);
	TRY(status);
	if (registered->kind != kind_of(spec))
		return error_data(err, "Schema %d is of the type %s, not for the %s format", id, schema_kind_name(registered->kind), spec->format->name);
	return wire_schema_parse(arena, registered, full_name, out, err);
}

static const char *
record_name(const FormatSpec *spec)
{
	if (spec->schema_full_name != NULL)
		return spec->schema_full_name;
	if (is_format(spec, &format_avro))
		return spec->is_key && spec->record_name != NULL ? spec->record_name : VALUE_RECORD_NAME;
	return NULL;
}

/* The schema that stands for the columns. */
static WireNode *
node_of_columns(Arena *arena, const FormatSpec *spec)
{
	if (is_format(spec, &format_avro))
		return avro_of_columns(arena, spec->columns, spec->n_columns, is_record(spec), record_name(spec));
	return protobuf_of_columns(arena, spec->columns, spec->n_columns, record_name(spec), spec->nullable_representation);
}

static char *
text_of_columns(Arena *arena, const FormatSpec *spec)
{
	StrBuf text = {0};
	char  *copy;

	if (is_format(spec, &format_json_sr))
		json_schema_print(spec->columns, spec->n_columns, is_record(spec), &text);
	else if (is_format(spec, &format_avro))
		avro_print(node_of_columns(arena, spec), &text);
	else
		protobuf_print(node_of_columns(arena, spec), &text);
	copy = arena_strndup(arena, strbuf_text(&text), text.length);
	strbuf_free(&text);
	return copy;
}

static Status
require_registry(const FormatSpec *spec, Error *err)
{
	if (spec->registry != NULL || !(spec->format->flags & FORMAT_REGISTRY))
		return OK;
	error_unsupported(err, "Cannot use the %s format: it needs a Schema Registry, and connecting to one (ksql.schema.registry.url) is not supported yet",
					  spec->format->name);
	return error_hint(err, "Use JSON, DELIMITED, KAFKA or PROTOBUF_NOSR.");
}

/* The schema that an encoder of this side writes: by id, or that of the columns, registered under the subject if it has one. */
static Status
schema_to_write(Arena *arena, const FormatSpec *spec, WireSchema **out, Error *err)
{
	RegisteredSchema schema = {.kind = kind_of(spec)};

	if (is_format(spec, &format_protobuf_nosr)) {
		*out = arena_new(arena, WireSchema);
		(*out)->node = node_of_columns(arena, spec);
		return OK;
	}
	TRY(require_registry(spec, err));
	if (spec->schema_id != 0)
		return schema_of_id(arena, spec, spec->schema_id, spec->schema_full_name, out, err);
	schema.text = text_of_columns(arena, spec);
	TRY(spec->registry->put(spec->registry, spec->subject != NULL ? spec->subject : "", &schema, &schema.id, err));
	return wire_schema_parse(arena, &schema, NULL, out, err);
}

Status
wire_register(const FormatSpec *spec, bool only_first, Error *err)
{
	Arena					arena = {0};
	WireSchema			   *schema;
	const RegisteredSchema *found;
	RegisteredSchema		copy;
	Status					status = OK;

	if (spec->registry == NULL || !(spec->format->flags & FORMAT_REGISTRY) || spec->n_columns == 0 || spec->subject == NULL)
		return OK;
	if (only_first) {
		status = spec->registry->latest(spec->registry, spec->subject, &found, err);
		if (status != DONE)
			return status;
		status = OK;
	}
	if (spec->schema_id != 0) {
		status = spec->registry->by_id(spec->registry, spec->schema_id, &found, err);
		if (status == DONE)
			return error_user(err, "Schema %d is not in the Schema Registry", spec->schema_id);
		TRY(status);
		copy = *found;
		return spec->registry->put(spec->registry, spec->subject, &copy, &copy.id, err);
	}
	status = schema_to_write(&arena, spec, &schema, err);
	arena_free(&arena);
	return status;
}

/* ---- framing ---- */

static void
add_frame(const FormatSpec *spec, const WireSchema *schema, StrBuf *out)
{
	if (is_format(spec, &format_protobuf_nosr))
		return;
	strbuf_add_char(out, 0);
	for (int shift = 24; shift >= 0; shift -= 8)
		strbuf_add_char(out, (char)((unsigned)schema->id >> shift));
	if (is_format(spec, &format_protobuf))
		protobuf_add_path(schema->message, out);
}

static Status
read_frame(const FormatSpec *spec, Str *payload, int *id, Error *err)
{
	const unsigned char *p = (const unsigned char *)payload->data;

	if (payload->length < FRAME_LENGTH || p[0] != 0)
		return error_data(err, "Not a record of the %s format: it does not begin with a zero byte and the id of a schema%s", spec->format->name,
						  is_format(spec, &format_json_sr) ? ". Is it the JSON format?" : "");
	*id = (int)((unsigned)p[1] << 24 | (unsigned)p[2] << 16 | (unsigned)p[3] << 8 | p[4]);
	*payload = str_make(payload->data + FRAME_LENGTH, payload->length - FRAME_LENGTH);
	return OK;
}

/* ---- decoding ---- */

typedef struct WireDecoder {
	Decoder		base;
	Arena	   *arena;			/* of schemas */
	WireSchema *schemas;		/* met so far, the last one first */
	JsonPlan   *plan;			/* JSON_SR */
} WireDecoder;

static Status
decoder_schema(WireDecoder *self, int id, WireSchema **out, Error *err)
{
	WireSchema *schema;

	for (schema = self->schemas; schema != NULL; schema = schema->next)
		if (schema->id == id) {
			*out = schema;
			return OK;
		}
	TRY(schema_of_id(self->arena, self->base.spec, id, NULL, &schema, err));
	schema->next = self->schemas;
	self->schemas = schema;
	*out = schema;
	return OK;
}

/* The payload behind its frame as a value of the writer's schema. */
static Status
decode_natural(Arena *arena, const FormatSpec *spec, const WireSchema *schema, Str payload, Value *out, Error *err)
{
	const WireNode *node = schema->node;

	if (is_format(spec, &format_protobuf)) {
		const ProtoMessage *message = protobuf_read_path(&schema->file, &payload);

		if (message == NULL)
			return error_data(err, "Not valid Protobuf: its schema %d has no such message", schema->id);
		node = message->node;
	}
	if (node->type == NULL)
		return error_data(err, "The writer's schema has no type that SQL has");
	if (is_format(spec, &format_avro))
		return avro_decode(arena, node, payload, out, err);
	return protobuf_decode(arena, node, payload, out, err);
}

static void
set_null(const FormatSpec *spec, Arena *arena, Vector *const *columns, int32_t row)
{
	for (int i = 0; i < spec->n_columns; i++)
		if (columns[i] != NULL)
			row_set_null(columns[i], arena, row);
}

static Status
store_value(Arena *arena, const Value *value, Vector *column, int32_t row, const char *name, Error *err)
{
	Value converted;

	if (wire_coerce(arena, value, column->type, &converted, err) != OK)
		return error_context(err, "Column `%s`", name);
	if (converted.is_null)
		row_set_null(column, arena, row);
	else {
		row_set_valid(column, row);
		vector_set(column, arena, row, &converted);
	}
	return OK;
}

static Status
wire_decode(Decoder *decoder, Str payload, Arena *arena, Vector *const *columns, int32_t row, bool *is_null, Error *err)
{
	WireDecoder		 *self = (WireDecoder *)decoder;
	const FormatSpec *spec = decoder->spec;
	WireSchema		 *schema = self->schemas;
	Value			  value;
	int				  id;

	*is_null = false;
	if (spec->n_columns == 0)
		return OK;
	if (!is_format(spec, &format_protobuf_nosr)) {
		TRY(read_frame(spec, &payload, &id, err));
		TRY(decoder_schema(self, id, &schema, err));
	}
	TRY(decode_natural(arena, spec, schema, payload, &value, err));
	if (value.is_null) {
		*is_null = true;
		set_null(spec, arena, columns, row);
		return OK;
	}
	if (!is_record(spec)) {
		if (columns[0] == NULL)
			return OK;
		/* PROTOBUF has records only: one field stands for a bare value */
		if (is_format(spec, &format_protobuf_nosr) && value.n_items == 1)
			value = value.items[0];
		if (value.is_null) {
			*is_null = true;
			set_null(spec, arena, columns, row);
			return OK;
		}
		return store_value(arena, &value, columns[0], row, spec->columns[0].name, err);
	}
	if (value.type->kind != TYPE_STRUCT)
		return error_data(err, "The record is a bare value, where an object with fields was expected");
	if (schema->places_of != value.type) {
		schema->places_of = value.type;
		schema->places = arena_array(self->arena, int, spec->n_columns);
		for (int i = 0; i < spec->n_columns; i++)
			schema->places[i] = wire_find_field(value.type, spec->columns[i].name);
	}
	for (int i = 0; i < spec->n_columns; i++)
		if (columns[i] != NULL && schema->places[i] < 0)
			row_set_null(columns[i], arena, row);
		else if (columns[i] != NULL)
			TRY(store_value(arena, &value.items[schema->places[i]], columns[i], row, spec->columns[i].name, err));
	return OK;
}

static Status
json_sr_decode(Decoder *decoder, Str payload, Arena *arena, Vector *const *columns, int32_t row, bool *is_null, Error *err)
{
	WireDecoder		 *self = (WireDecoder *)decoder;
	const FormatSpec *spec = decoder->spec;
	JsonReader		  reader = {.arena = arena, .is_lenient = spec->standard};
	int				  id;

	*is_null = false;
	if (spec->n_columns == 0)
		return OK;
	TRY(read_frame(spec, &payload, &id, err));
	reader.cursor = (JsonCursor){.p = payload.data, .end = payload.data + payload.length, .start = payload.data};
	if (str_equal(str_trim(payload), STR("null"))) {
		*is_null = true;
		set_null(spec, arena, columns, row);
		return OK;
	}
	if (is_record(spec))
		return json_decode_record(&reader, self->plan, columns, row, err);
	return columns[0] != NULL ? json_decode_value(&reader, self->plan, columns[0], row, err) : OK;
}

static Status
wire_decoder_new(Arena *arena, const FormatSpec *spec, Decoder **out, Error *err)
{
	WireDecoder *self = arena_new(arena, WireDecoder);

	TRY(require_registry(spec, err));
	self->base = (Decoder){.spec = spec, .decode = is_format(spec, &format_json_sr) ? json_sr_decode : wire_decode};
	self->arena = arena;
	if (is_format(spec, &format_json_sr) && spec->n_columns > 0)
		self->plan = is_record(spec) ? json_plan_record(arena, spec->columns, spec->n_columns) : json_plan_value(arena, spec->columns[0].type);
	if (is_format(spec, &format_protobuf_nosr))
		TRY(schema_to_write(arena, spec, &self->schemas, err));
	*out = &self->base;
	return OK;
}

/* ---- encoding ---- */

typedef struct WireEncoder {
	Encoder		base;
	WireSchema *schema;
	const Type *record;			/* the columns as a STRUCT */
	Arena	   *arena;			/* values of one row are made and dropped here */
} WireEncoder;

static Status
encode_natural(Arena *arena, const FormatSpec *spec, const WireSchema *schema, const Value *value, StrBuf *out, Error *err)
{
	static const JsonStyle style = {0};
	Value				   converted, field;
	const Type			  *type = schema->node->type;

	if (type == NULL)
		return error_data(err, "Unable to serialize record: the schema has no type that SQL has");
	if (is_format(spec, &format_protobuf_nosr) && !is_record(spec)) {
		/* a bare value is the one field of its message */
		field = *value;
		converted = (Value){.type = type, .n_items = 1, .items = &field};
	} else
		TRY(wire_coerce(arena, value, type, &converted, err));
	add_frame(spec, schema, out);
	if (is_format(spec, &format_avro))
		return avro_encode(arena, schema->node, &converted, out, err);
	if (is_format(spec, &format_json_sr))
		return json_encode_value(vector_constant(arena, &converted, 1), 0, &style, out, err);
	return protobuf_encode(arena, schema->node, &converted, out, err);
}

static Status
wire_encode(Encoder *encoder, const Vector *const *columns, int32_t row, StrBuf *out, bool *is_null, Error *err)
{
	static const JsonStyle style = {0};
	WireEncoder			  *self = (WireEncoder *)encoder;
	const FormatSpec	  *spec = encoder->spec;
	ArenaMark			   mark;
	Value				   value;
	Status				   status;

	*is_null = spec->n_columns == 0 || (!is_record(spec) && !vector_is_valid(columns[0], row));
	if (*is_null)
		return OK;
	if (is_format(spec, &format_json_sr) && spec->schema_id == 0) {
		add_frame(spec, self->schema, out);
		return is_record(spec) ? json_encode_record(spec->columns, columns, spec->n_columns, row, &style, out, err)
							   : json_encode_value(columns[0], row, &style, out, err);
	}
	mark = arena_mark(self->arena);
	if (is_record(spec)) {
		value = (Value){.type = self->record, .n_items = (uint32_t)spec->n_columns};
		value.items = arena_array(self->arena, Value, spec->n_columns + 1);
		for (int i = 0; i < spec->n_columns; i++)
			value.items[i] = vector_get(columns[i], row, self->arena);
	} else
		value = vector_get(columns[0], row, self->arena);
	status = encode_natural(self->arena, spec, self->schema, &value, out, err);
	arena_rewind(self->arena, mark);
	return status;
}

static const Type *
record_type(Arena *arena, const FormatSpec *spec)
{
	TypeField *fields = arena_array(arena, TypeField, spec->n_columns + 1);

	for (int i = 0; i < spec->n_columns; i++)
		fields[i] = (TypeField){spec->columns[i].name, spec->columns[i].type};
	return type_struct(fields, spec->n_columns);
}

static Status
wire_encoder_new(Arena *arena, const FormatSpec *spec, Encoder **out, Error *err)
{
	WireEncoder *self = arena_new(arena, WireEncoder);

	self->base = (Encoder){.spec = spec, .encode = wire_encode};
	self->arena = arena;
	if (spec->n_columns > 0) {
		TRY(schema_to_write(arena, spec, &self->schema, err));
		self->record = record_type(arena, spec);
	}
	*out = &self->base;
	return OK;
}

/* ---- checks ---- */

static const Type *
find_type(const Type *type, bool (*test)(const Type *))
{
	const Type *found = test(type) ? type : NULL;

	if (found == NULL && (type->kind == TYPE_ARRAY || type->kind == TYPE_MAP))
		return find_type(type->element, test);
	for (int i = 0; found == NULL && type->kind == TYPE_STRUCT && i < type->n_fields; i++)
		found = find_type(type->fields[i].type, test);
	return found;
}

static bool
is_odd_map(const Type *type)
{
	return type->kind == TYPE_MAP && type->key->kind != TYPE_STRING;
}

static bool
is_interval(const Type *type)
{
	return type->kind == TYPE_INTERVAL;
}

static bool
is_list_of_lists(const Type *type)
{
	return (type->kind == TYPE_ARRAY || type->kind == TYPE_MAP) && (type->element->kind == TYPE_ARRAY || type->element->kind == TYPE_MAP);
}

static Status
check_avro_name(const char *name, Error *err)
{
	if (avro_name_is_legal(name))
		return OK;
	if (!isalpha((unsigned char)name[0]) && name[0] != '_')
		return error_user(err, "Schema is not compatible with Avro: Illegal initial character: %s", name);
	return error_user(err, "Schema is not compatible with Avro: Illegal character in: %s", name);
}

static Status
wire_check(const FormatSpec *spec, Error *err)
{
	const char *name = is_format(spec, &format_avro) ? "Avro" : is_format(spec, &format_json_sr) ? "JSON" : "Protobuf";

	TRY(require_registry(spec, err));
	for (int i = 0; i < spec->n_columns; i++) {
		const Type *type = spec->columns[i].type;

		if (find_type(type, is_odd_map) != NULL)
			return format_refuse(spec, err, "%s only supports %s with STRING keys", name, is_format(spec, &format_json_sr) ? "MAP types" : "MAPs");
		if (find_type(type, is_interval) != NULL)
			return format_refuse(spec, err, "The '%s' format does not support type 'INTERVAL', column: `%s`", spec->format->name, spec->columns[i].name);
		if ((is_format(spec, &format_protobuf) || is_format(spec, &format_protobuf_nosr)) && find_type(type, is_list_of_lists) != NULL)
			return format_refuse(spec, err, "Protobuf has no lists or maps within lists or maps, column: `%s`", spec->columns[i].name);
		if (is_format(spec, &format_avro))
			TRY(check_avro_name(spec->columns[i].name, err));
	}
	return OK;
}

/* ---- inference ---- */

static Status
fail_no_schema(const FormatSpec *spec, const char *topic, Error *err)
{
	const char *side = spec->is_key ? "key" : "value";

	if (spec->schema_id != 0)
		return error_user(err, "Schema for message %ss on topic '%s' with id %d does not exist in the Schema Registry.", side, topic, spec->schema_id);
	return error_user(err, "Schema for message %ss on topic '%s' does not exist in the Schema Registry.\nSubject: %s\nPossible causes include:\n"
					  "- The topic itself does not exist\n\t-> Use SHOW TOPICS; to check\n"
					  "- Messages on the topic are not serialized using a format Schema Registry supports\n"
					  "\t-> Use PRINT '%s' FROM BEGINNING; to verify\n"
					  "- Messages on the topic have not been serialized using a Confluent Schema Registry supported serializer\n"
					  "- The schema is registered on a different instance of the Schema Registry", side, topic, spec->subject, topic);
}

static char *
upper(Arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text);

	for (char *p = copy; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	return copy;
}

static Status
refuse_kind(const FormatSpec *spec, const char *topic, SchemaKind kind, Error *err)
{
	const char *actual = kind == SCHEMA_JSON ? "JSON_SR" : schema_kind_name(kind);

	return error_user(err, "%s schema is not in the expected format. You may want to set %s_FORMAT to '%s'.\ntopic: %s\nexpected format: %s\n"
						   "actual format from Schema Registry: %s",
					  spec->is_key ? "Key" : "Value", spec->is_key ? "KEY" : "VALUE", actual, topic, spec->format->name, actual);
}

Status
wire_infer_columns(Arena *arena, const FormatSpec *spec, Column **columns, int *n_columns, Error *err)
{
	const RegisteredSchema *registered;
	WireSchema			   *schema;
	const Type			   *type;
	char				   *topic = arena_strndup(arena, spec->subject, strlen(spec->subject) - (spec->is_key ? 4 : 6));
	Status					status;

	TRY(require_registry(spec, err));
	status = spec->schema_id != 0 ? spec->registry->by_id(spec->registry, spec->schema_id, &registered, err)
								  : spec->registry->latest(spec->registry, spec->subject, &registered, err);
	if (status == DONE)
		return fail_no_schema(spec, topic, err);
	TRY(status);
	if (registered->kind != kind_of(spec))
		return refuse_kind(spec, topic, registered->kind, err);
	TRY(wire_schema_parse(arena, registered, spec->schema_full_name, &schema, err));
	if (kind_of(spec) == SCHEMA_PROTOBUF && spec->schema_full_name == NULL) {
		StrBuf names = {0};
		int	   n = 0;

		for (int i = 0; i < schema->file.n_messages; i++)
			if (schema->file.messages[i]->parent == NULL)
				strbuf_printf(&names, "%s%s", n++ > 0 ? ", " : "", schema->file.messages[i]->name);
		if (n > 1)
			error_user(err, "Found multiple schema definitions in the Protobuf schema. Multiple schemas found: [%s]. "
					   "Set %s_SCHEMA_FULL_NAME to one of them.", strbuf_text(&names), spec->is_key ? "KEY" : "VALUE");
		strbuf_free(&names);
		if (n > 1)
			return FAILED;
	}
	type = schema->node->type;
	if (type == NULL)
		return error_user(err, "Schema does not include any columns with types that ksqlDB supports.\nschema: %s", registered->text);
	if (spec->schema_id == 0)
		type = wire_type_upper(arena, type);
	if (!spec->is_wrapped) {
		*columns = arena_array(arena, Column, 1);
		(*columns)[0] = (Column){spec->is_key ? "ROWKEY" : "ROWVAL", type};
		*n_columns = 1;
		return OK;
	}
	if (type->kind != TYPE_STRUCT) {
		error_user(err, "Unable to verify if the %s schema for topic: %s is compatible with ksqlDB.\nReason: Schema returned from schema "
						"registry is anonymous type. To use this schema with ksqlDB, set 'WRAP_SINGLE_VALUE=false' in the WITH clause "
						"properties.", spec->is_key ? "key" : "value", topic);
		return error_hint(err, "Set WRAP_SINGLE_VALUE=false to read it as one column.");
	}
	if (spec->is_key && type->n_fields > 1)
		return error_user(err, "The key schema for topic: %s contains multiple columns, which is not supported by ksqlDB at this time.\n"
							   "Schema: %s", topic, registered->text);
	*n_columns = type->n_fields;
	*columns = arena_array(arena, Column, type->n_fields);
	for (int i = 0; i < type->n_fields; i++)
		(*columns)[i] = (Column){spec->schema_id == 0 ? upper(arena, type->fields[i].name) : type->fields[i].name, type->fields[i].type};
	return OK;
}

/* ---- for tests of pipelines ---- */

Status
wire_payload_of_json(Arena *arena, const FormatSpec *spec, Str json, StrBuf *out, Error *err)
{
	const RegisteredSchema *registered;
	WireSchema			   *schema;
	Value					value;
	Status					status = DONE;

	if (spec->n_columns == 0)		/* nobody declared any: nothing is read of it */
		return OK;
	if (is_format(spec, &format_protobuf_nosr) || spec->schema_id != 0)
		TRY(schema_to_write(arena, spec, &schema, err));
	else {
		TRY(require_registry(spec, err));
		if (spec->subject != NULL)
			status = spec->registry->latest(spec->registry, spec->subject, &registered, err);
		if (status == OK && registered->kind == kind_of(spec))
			TRY(wire_schema_parse(arena, registered, spec->schema_full_name, &schema, err));
		else
			TRY(schema_to_write(arena, spec, &schema, err));
	}
	if (is_format(spec, &format_json_sr)) {
		add_frame(spec, schema, out);
		strbuf_add_str(out, json);
		return OK;
	}
	if (is_format(spec, &format_protobuf_nosr) && !is_record(spec))
		TRY(wire_value_of_json(arena, json, spec->columns[0].type, &value, err));
	else
		TRY(wire_value_of_json(arena, json, schema->node->type, &value, err));
	return encode_natural(arena, spec, schema, &value, out, err);
}

Status
wire_value_of_payload(Arena *arena, const FormatSpec *spec, Str payload, Value *out, Error *err)
{
	WireSchema *schema;
	int			id;

	if (is_format(spec, &format_protobuf_nosr))
		TRY(schema_to_write(arena, spec, &schema, err));
	else {
		TRY(read_frame(spec, &payload, &id, err));
		TRY(schema_of_id(arena, spec, id, NULL, &schema, err));
	}
	if (is_format(spec, &format_json_sr))
		return schema->node->type != NULL ? wire_value_of_json(arena, payload, schema->node->type, out, err)
										  : error_data(err, "The writer's schema has no type that SQL has");
	TRY(decode_natural(arena, spec, schema, payload, out, err));
	if (is_format(spec, &format_protobuf_nosr) && !is_record(spec))
		*out = out->items[0];
	return OK;
}

/* ---- the rows ---- */

#define FORMAT_RECORD (FORMAT_KEY | FORMAT_VALUE | FORMAT_MULTI_COLUMN | FORMAT_NESTED | FORMAT_WRAP)

const Format format_json_sr = {
	.name = "JSON_SR",
	.flags = FORMAT_RECORD | FORMAT_UNWRAP | FORMAT_INFERS | FORMAT_REGISTRY,
	.check = wire_check, .decoder_new = wire_decoder_new, .encoder_new = wire_encoder_new,
};

const Format format_avro = {
	.name = "AVRO",
	.flags = FORMAT_RECORD | FORMAT_UNWRAP | FORMAT_INFERS | FORMAT_REGISTRY,
	.check = wire_check, .decoder_new = wire_decoder_new, .encoder_new = wire_encoder_new,
};

const Format format_protobuf = {
	.name = "PROTOBUF",
	.flags = FORMAT_RECORD | FORMAT_INFERS | FORMAT_REGISTRY,
	.check = wire_check, .decoder_new = wire_decoder_new, .encoder_new = wire_encoder_new,
};

const Format format_protobuf_nosr = {
	.name = "PROTOBUF_NOSR",
	.flags = FORMAT_RECORD | FORMAT_UNWRAP,
	.check = wire_check, .decoder_new = wire_decoder_new, .encoder_new = wire_encoder_new,
};
