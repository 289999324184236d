/*
 * Statements that declare sources and types: columns, formats, topics, windows, timestamps; what OR REPLACE may change.
 */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "parser/parser.h"
#include "io/format/wire/wire.h"
#include "planner/bind/properties.h"

static const char *const reserved_columns[] = {"ROWTIME", "ROWPARTITION", "ROWOFFSET", "WINDOWSTART", "WINDOWEND"};

#define N_RESERVED (int)(sizeof reserved_columns / sizeof *reserved_columns)

/* ---- types ---- */

/* Names of PostgreSQL and DuckDB for types that ksqlDB names otherwise. */
static const Type *
standard_type(Str name)
{
	static const struct {
		const char *name;
		TypeKind	kind;
	} names[] = {{"TEXT", TYPE_STRING},	  {"CHAR", TYPE_STRING},   {"INT4", TYPE_INTEGER}, {"INT8", TYPE_BIGINT},
				 {"LONG", TYPE_BIGINT},	  {"BIGINTEGER", TYPE_BIGINT}, {"SMALLINT", TYPE_INTEGER}, {"TINYINT", TYPE_INTEGER},
				 {"INT2", TYPE_INTEGER},  {"FLOAT", TYPE_DOUBLE},  {"FLOAT8", TYPE_DOUBLE},	 {"FLOAT4", TYPE_DOUBLE},
				 {"REAL", TYPE_DOUBLE},	  {"BOOL", TYPE_BOOLEAN},  {"BYTEA", TYPE_BYTES},	 {"BLOB", TYPE_BYTES},
				 {"DATETIME", TYPE_TIMESTAMP}, {"INTERVAL", TYPE_INTERVAL}, {"TIMESTAMPTZ", TYPE_TIMESTAMP}, {"UTINYINT", TYPE_INTEGER},
				 {"USMALLINT", TYPE_INTEGER}, {"UINTEGER", TYPE_BIGINT}, {"SIGNED", TYPE_INTEGER}, {"JSON", TYPE_STRING}, {"UUID", TYPE_STRING},
				 {"BPCHAR", TYPE_STRING}};

	if (str_equal_nocase(name, STR("HUGEINT")) || str_equal_nocase(name, STR("UHUGEINT")) || str_equal_nocase(name, STR("INT128")))
		return type_decimal(38, 0);
	if (str_equal_nocase(name, STR("UBIGINT")))
		return type_decimal(20, 0);


	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (str_equal_nocase(name, str_of(names[i].name)))
			return type_of_kind(names[i].kind);
	return NULL;
}

static Status
bind_named_type(PlannerContext *context, const AstType *type, const Type **out, Error *err)
{
	StrBuf			   text = {0};
	Str				   name = str_of(type->name.text);
	const CatalogType *custom;
	Error			   ignored;
	Status			   status;

	if (str_equal_nocase(name, STR("DECIMAL")) || str_equal_nocase(name, STR("NUMERIC"))) {
		strbuf_printf(&text, "DECIMAL(%s, %s)", type->n_params > 0 ? type->params[0] : context->standard ? "18" : "?",
					  type->n_params > 1 ? type->params[1] : context->standard ? (type->n_params > 0 ? "0" : "3") : "?");
		status = type_parse(strbuf_str(&text), out, err);
		strbuf_free(&text);
		return status == OK ? OK : error_at(err, type->pos.line, type->pos.column, type->pos.length);
	}
	if (!type->name.is_quoted && type_parse(name, out, &ignored) == OK)
		return OK;
	custom = context->catalog != NULL ? catalog_type(context->catalog, str_of(bind_name(context, type->name))) : NULL;
	if (custom != NULL) {
		*out = custom->type;
		return OK;
	}
	if (context->standard && (*out = standard_type(name)) != NULL)
		return OK;
	error_user(err, "%sCannot resolve unknown type: %s", context->standard ? "" : "Failed to prepare statement: ",
			   bind_name(context, type->name));
	return error_at(err, type->pos.line, type->pos.column, type->pos.length);
}

Status
bind_type(PlannerContext *context, const AstType *type, const Type **out, Error *err)
{
	const Type *element, *key;
	TypeField  *fields;

	switch (type->kind) {
	case AST_TYPE_NAMED:
		return bind_named_type(context, type, out, err);
	case AST_TYPE_ARRAY:
		TRY(bind_type(context, type->element, &element, err));
		*out = type_array(element);
		return OK;
	case AST_TYPE_MAP:
		TRY(bind_type(context, type->key, &key, err));
		TRY(bind_type(context, type->element, &element, err));
		*out = type_map(key, element);
		return OK;
	case AST_TYPE_STRUCT:
		fields = arena_array(context->arena, TypeField, type->n_fields + 1);
		for (int i = 0; i < type->n_fields; i++) {
			fields[i].name = bind_name(context, type->fields[i].name);
			TRY(bind_type(context, type->fields[i].type, &fields[i].type, err));
			for (int k = 0; k < i; k++)
				if (strcmp(fields[k].name, fields[i].name) == 0) {
					error_user(err, "Duplicate field names found in STRUCT: '%s'", fields[i].name);
					return error_at(err, type->pos.line, type->pos.column, type->pos.length);
				}
		}
		*out = type_struct(fields, type->n_fields);
		return OK;
	}
	return error_bug(err, "A type of unknown kind");
}

/* ---- columns ---- */

static const Type *
headers_type(void)
{
	TypeField fields[] = {{"KEY", type_string}, {"VALUE", type_bytes}};

	return type_array(type_struct(fields, 2));
}

/* The type of all headers; the standard dialect keeps names as written, so that "key" is as good as "KEY". */
static bool
is_headers_type(const Type *type, bool any_case)
{
	const Type *pair = type->kind == TYPE_ARRAY ? type->element : NULL;

	if (type == headers_type())
		return true;
	return any_case && pair != NULL && pair->kind == TYPE_STRUCT && pair->n_fields == 2 && strcasecmp(pair->fields[0].name, "key") == 0 &&
		   pair->fields[0].type == type_string && strcasecmp(pair->fields[1].name, "value") == 0 && pair->fields[1].type == type_bytes;
}

static Status
check_column_name(const char *name, const AstColumnDef *column, Error *err)
{
	for (int i = 0; i < N_RESERVED; i++)
		if (strcasecmp(name, reserved_columns[i]) == 0) {
			error_user(err, "'%s' is a reserved column name.", reserved_columns[i]);
			return error_at(err, column->pos.line, column->pos.column, column->pos.length);
		}
	return OK;
}

static Status
bind_header_column(PlannerContext *context, const AstColumnDef *def, const Type *type, int at, CatalogSource *source, Error *err)
{
	CatalogHeaderColumn *headers = arena_array(context->arena, CatalogHeaderColumn, source->n_headers + 1);
	bool				 all = def->role == AST_ROLE_HEADERS;

	if (!settings_bool(context->settings, "ksql.headers.columns.enabled"))
		return error_user(err, "Cannot create Stream because schema with headers columns is disabled.");
	if (all ? !is_headers_type(type, context->standard) : type != type_bytes) {
		error_user(err, "Invalid type for %s column: expected %s, got %s", all ? "HEADERS" : arena_printf(context->arena, "HEADER('%s')", def->header),
				   type_to_arena(all ? headers_type() : type_bytes, context->arena), type_to_arena(type, context->arena));
		return error_at(err, def->pos.line, def->pos.column, def->pos.length);
	}
	for (int i = 0; i < source->n_headers; i++) {
		headers[i] = source->headers[i];
		if (all || headers[i].header == NULL)
			return error_user(err, "Schema already contains a HEADERS column.");
		if (strcmp(headers[i].header, def->header) == 0)
			return error_user(err, "Schema already contains a HEADER('%s') column.", def->header);
	}
	headers[source->n_headers++] = (CatalogHeaderColumn){bind_name(context, def->name), all ? NULL : def->header, all ? headers_type() : type_bytes, at};
	source->headers = headers;
	return OK;
}

/* Key columns first, then value columns, each in order of declaration. */
static Status
bind_columns(PlannerContext *context, const AstCreateSource *create, CatalogSource *source, Error *err)
{
	Schema *schema = arena_new(context->arena, Schema);
	Column *columns = arena_array(context->arena, Column, create->n_columns + 1);

	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < create->n_columns; i++) {
			const AstColumnDef *def = &create->columns[i];
			bool				is_key = def->role == AST_ROLE_KEY || def->role == AST_ROLE_PRIMARY_KEY;
			const char		   *name = bind_name(context, def->name);
			const Type		   *type;

			if (is_key != (pass == 0))
				continue;
			for (int k = 0; k < i; k++)
				if (strcmp(bind_name(context, create->columns[k].name), name) == 0) {
					error_user(err, "%sDuplicate column names: `%s`", context->standard ? "" : "Failed to prepare statement: ", name);
					return error_at(err, def->pos.line, def->pos.column, def->pos.length);
				}
			TRY(check_column_name(name, def, err));
			TRY(bind_type(context, def->type, &type, err));
			if (def->role == AST_ROLE_KEY && create->is_table) {
				error_user(err, "Column %s is a 'KEY' column: please use 'PRIMARY KEY' for tables.\n"
						   "Tables have PRIMARY KEYs, which are unique and NON NULL.\nStreams have KEYs, which have no uniqueness or NON NULL constraints.",
						   arena_printf(context->arena, "`%s`", name));
				return error_at(err, def->pos.line, def->pos.column, def->pos.length);
			}
			if (def->role == AST_ROLE_PRIMARY_KEY && !create->is_table) {
				error_user(err, "Column %s is a 'PRIMARY KEY' column: please use 'KEY' for streams.\n"
						   "Tables have PRIMARY KEYs, which are unique and NON NULL.\nStreams have KEYs, which have no uniqueness or NON NULL constraints.",
						   arena_printf(context->arena, "`%s`", name));
				return error_at(err, def->pos.line, def->pos.column, def->pos.length);
			}
			if (def->role == AST_ROLE_HEADERS || def->role == AST_ROLE_HEADER) {
				TRY(bind_header_column(context, def, type, schema->n_columns, source, err));
				continue;
			}
			if (is_key && type_has_map(type)) {
				error_user(err, "Map keys, including types that contain maps, are not supported as they may lead to unexpected behavior due to "
						   "inconsistent serialization. Key column name: `%s`. Column type: %s. "
						   "See https://github.com/confluentinc/ksql/issues/6621 for more.", name, type_to_arena(type, context->arena));
				return error_at(err, def->pos.line, def->pos.column, def->pos.length);
			}
			columns[schema->n_columns++] = (Column){name, type};
			schema->n_key += is_key;
		}
	schema->columns = columns;
	source->schema = schema;
	return OK;
}

/* ---- formats ---- */

static Status
find_format(const char *name, const Format **out, Error *err)
{
	*out = format_find(str_of(name));
	if (*out != NULL)
		return OK;
	error_user(err, "Unknown format: %s", name);
	return error_hint(err, "Formats are JSON, DELIMITED, KAFKA, NONE, AVRO, JSON_SR, PROTOBUF and PROTOBUF_NOSR.");
}

static FormatSpec
format_spec(PlannerContext *context, const CatalogFormat *format, const Schema *schema, bool is_key, bool standard)
{
	return (FormatSpec){
		.registry = context->registry,
		.format = format_find(str_of(format->format)),
		.n_columns = is_key ? schema->n_key : schema->n_columns - schema->n_key,
		.columns = is_key ? schema->columns : schema->columns + schema->n_key,
		.is_key = is_key,
		.is_wrapped = format->is_wrapped,
		.delimiter = format->delimiter != 0 ? format->delimiter : ',',
		.schema_id = format->schema_id,
		.schema_full_name = format->schema_full_name,
		.nullable_representation = format->nullable_representation,
		.standard = standard,
	};
}

/* ORDER_TOTALS: io.confluent.ksql.avro_schemas.OrderTotalsKey. */
static const char *
key_record_name(PlannerContext *context, const char *source)
{
	char *name = arena_printf(context->arena, "io.confluent.ksql.avro_schemas.%sKey", source);
	char *to = name + strlen(name) - strlen(source) - 3;
	bool  begins = true;

	for (const char *from = source; *from != '\0'; from++) {
		if (isalnum((unsigned char)*from))
			*to++ = begins ? (char)toupper((unsigned char)*from) : (char)tolower((unsigned char)*from);
		begins = !isalnum((unsigned char)*from);
	}
	memcpy(to, "Key", 4);
	return name;
}

/* The spec of one side of a source, with its place in the schema registry. */
static FormatSpec
source_format_spec(PlannerContext *context, const CatalogSource *source, bool is_key, bool standard)
{
	FormatSpec spec = format_spec(context, is_key ? &source->key_format : &source->value_format, source->schema, is_key, standard);

	if (source->topic != NULL && spec.format != NULL && (spec.format->flags & FORMAT_REGISTRY)) {
		spec.subject = arena_printf(context->arena, "%s-%s", source->topic, is_key ? "key" : "value");
		if (is_key)
			spec.record_name = key_record_name(context, source->name);
	}
	return spec;
}

/* Delimiters, schema properties and the like of one side. */
static Status
bind_side_properties(const SourceProperties *given, bool is_key, CatalogFormat *format, Error *err)
{
	const char	 *delimiter = is_key ? given->key_delimiter : given->value_delimiter;
	const char	 *full_name = is_key ? given->key_schema_full_name : given->value_schema_full_name;
	const char	 *nullable = is_key ? given->key_nullable : given->value_nullable;
	int			  schema_id = is_key ? given->key_schema_id : given->value_schema_id;
	const char	 *side = is_key ? "KEY" : "VALUE";
	const Format *row;

	TRY(find_format(format->format, &row, err));
	format->format = row->name;
	if (delimiter != NULL && !(row->flags & FORMAT_DELIMITER))
		return error_user(err, "%s does not support the following configs: [delimiter]", row->name);
	if (delimiter != NULL)
		TRY(delimiter_bind(is_key ? "KEY_DELIMITER" : "VALUE_DELIMITER", delimiter, &format->delimiter, err));
	if (schema_id != 0 && !(row->flags & FORMAT_INFERS))
		return error_user(err, "%s_FORMAT should support schema inference when %s_SCHEMA_ID is provided. Current format is %s.", side, side, row->name);
	if (full_name != NULL && !(row->flags & FORMAT_INFERS))
		return error_user(err, "%s does not support the following configs: [fullSchemaName]", row->name);
	if (nullable != NULL && strncmp(row->name, "PROTOBUF", 8) != 0)
		return error_user(err, "%s does not support the following configs: [nullableRepresentation]", row->name);
	if (full_name != NULL && full_name[strspn(full_name, " \t")] == '\0')
		return error_user(err, "Schema name cannot be empty. fullSchemaName cannot be empty. Format configuration: {fullSchemaName=%s}", full_name);
	if (nullable != NULL && strcasecmp(nullable, "OPTIONAL") != 0 && strcasecmp(nullable, "WRAPPER") != 0)
		return error_user(err, "Invalid value %s for property %s_PROTOBUF_NULLABLE_REPRESENTATION: String must be one of: OPTIONAL, WRAPPER",
						  nullable, side);
	format->schema_id = schema_id;
	if (full_name != NULL)
		format->schema_full_name = full_name;
	if (nullable != NULL)
		format->nullable_representation = nullable;
	return OK;
}

/* WRAP_SINGLE_VALUE, its setting, or the format's own way. */
static Status
bind_wrapping(PlannerContext *context, const SourceProperties *given, const Schema *schema, CatalogFormat *value, Error *err)
{
	const Format *row = format_find(str_of(value->format));
	bool		  single = schema->n_columns - schema->n_key == 1;
	const char	 *setting = settings_text(context->settings, "ksql.persistence.wrap.single.values");

	value->is_wrapped = (row->flags & FORMAT_WRAP) != 0;
	if (given->has_wrap) {
		if (!(row->flags & (given->wrap ? FORMAT_WRAP : FORMAT_UNWRAP)))
			return error_user(err, "Format '%s' does not support 'WRAP_SINGLE_VALUE' set to '%s'.", row->name, given->wrap ? "true" : "false");
		if (!single)
			return error_user(err, "'WRAP_SINGLE_VALUE' is only valid for single-field value schemas");
		value->is_wrapped = given->wrap;
		value->wrap_given = true;
	} else if (single && setting != NULL && setting[0] != '\0') {
		bool wrap = strcasecmp(setting, "true") == 0;

		if (row->flags & (wrap ? FORMAT_WRAP : FORMAT_UNWRAP)) {
			value->is_wrapped = wrap;
			value->wrap_given = true;
		}
	}
	return OK;
}

/* A single key column stands alone wherever the format can. */
static void
bind_key_wrapping(CatalogFormat *key)
{
	const Format *row = format_find(str_of(key->format));

	key->is_wrapped = !(row->flags & FORMAT_UNWRAP);
}

static Status
check_formats(PlannerContext *context, const CatalogSource *source, Error *err)
{
	FormatSpec key = format_spec(context, &source->key_format, source->schema, true, context->standard);
	FormatSpec value = format_spec(context, &source->value_format, source->schema, false, context->standard);

	TRY(key.format->check(&key, err));
	return value.format->check(&value, err);
}

Status
bind_topic(PlannerContext *context, const CatalogSource *source, const TopicSpec **out, Error *err)
{
	TopicSpec *topic = arena_new(context->arena, TopicSpec);

	if (source->topic == NULL)
		return error_user(err, "%s is not a topic", source->name);
	topic->name = source->topic;
	topic->n_partitions = source->n_partitions > 0 ? source->n_partitions : 1;
	topic->key = source_format_spec(context, source, true, source->standard);
	topic->value = source_format_spec(context, source, false, source->standard);
	topic->window = source->window.kind;
	topic->window_size_ms = source->window.size_ms;
	*out = topic;
	return OK;
}

/* ---- timestamp and window ---- */

/* Checks WITH (TIMESTAMP=...) against the columns; stores the column's stored name. */
static Status
bind_timestamp(PlannerContext *context, const SourceProperties *given, CatalogSource *source, Error *err)
{
	AstIdent	ident;
	const char *name;
	int			column;
	TypeKind	kind;

	if (given->timestamp == NULL) {
		if (given->timestamp_format != NULL)
			return error_user(err, "TIMESTAMP_FORMAT needs a TIMESTAMP column");
		return OK;
	}
	TRY(parser_parse_ident(context->arena, str_of(given->timestamp), &ident, err));
	name = bind_name(context, ident);
	column = schema_find(source->schema, str_of(name));
	for (int i = 0; column < 0 && context->standard && i < source->schema->n_columns; i++)
		if (strcasecmp(source->schema->columns[i].name, name) == 0)
			column = i;
	if (column < 0)
		return error_user(err, "The TIMESTAMP column set in the WITH clause does not exist in the schema: '%s'", name);
	kind = source->schema->columns[column].type->kind;
	if (given->timestamp_format != NULL && kind != TYPE_STRING)
		return error_user(err, "A timestamp format can only be used with a string column: %s is %s", name,
						  type_to_arena(source->schema->columns[column].type, context->arena));
	if (kind == TYPE_STRING && given->timestamp_format == NULL && !context->standard)
		return error_user(err, "A String timestamp field has been specified without also specifying the timestamp_format");
	if (kind != TYPE_STRING && kind != TYPE_BIGINT && kind != TYPE_TIMESTAMP)
		return error_user(err, "Timestamp column, %s, should be LONG(INT64), TIMESTAMP, or a String(VARCHAR) with a specific timestamp_format.", name);
	source->timestamp_column = source->schema->columns[column].name;
	source->timestamp_format = given->timestamp_format;
	return OK;
}

static Status
bind_declared_window(const SourceProperties *given, CatalogSource *source, Error *err)
{
	static const WindowKind kinds[] = {WINDOW_TUMBLING, WINDOW_HOPPING, WINDOW_SESSION};
	WindowKind				kind = WINDOW_NONE;

	if (given->window_type == NULL) {
		if (given->window_size != NULL)
			return error_user(err, "'WINDOW_SIZE' should not be set for non-windowed sources.");
		return OK;
	}
	for (int i = 0; i < 3; i++)
		if (strcasecmp(given->window_type, window_kind_name(kinds[i])) == 0)
			kind = kinds[i];
	if (kind == WINDOW_NONE)
		return error_user(err, "Configuration WINDOW_TYPE is invalid: Unknown window type: '%s'. Expected one of: SESSION, HOPPING, TUMBLING", given->window_type);
	if (kind == WINDOW_SESSION && given->window_size != NULL)
		return error_user(err, "'WINDOW_SIZE' should not be set for SESSION windows.");
	if (kind != WINDOW_SESSION && given->window_size == NULL)
		return error_user(err, "%s windows require 'WINDOW_SIZE' to be provided in the WITH clause. For example: 'WINDOW_SIZE'='10 SECONDS'",
						  window_kind_name(kind));
	source->window.kind = kind;
	if (given->window_size != NULL)
		TRY(duration_bind("WINDOW_SIZE", given->window_size, &source->window.size_ms, err));
	source->window.advance_ms = source->window.size_ms;
	if (source->schema->n_key == 0)
		return error_user(err, "Windowed sources require a key column.");
	return OK;
}

/* ---- topics ---- */

static Status
bind_existing_topic(PlannerContext *context, const SourceProperties *given, const char *sql_kind, CatalogSource *source, Error *err)
{
	int partitions = context->topic_partitions(context, source->topic);

	if (partitions > 0 && (context->partitions_given || context->partitions_may_differ) && given->partitions > 0)
		partitions = given->partitions;
	if (partitions > 0) {
		if (given->partitions > 0 && given->partitions != partitions)
			return error_user(err, "A Kafka topic with the name '%s' already exists, with different partition/replica configuration than "
							  "required. KSQL expects %d partitions (topic has %d), and %d replication factor (topic has %d).",
							  source->topic, given->partitions, partitions, given->replicas > 0 ? given->replicas : 1, 1);
		source->n_partitions = partitions;
		return OK;
	}
	if (given->partitions > 0)
		source->n_partitions = given->partitions;
	else if (partitions < 0)
		source->n_partitions = -partitions;
	else {
		error_user(err, "Topic '%s' does not exist. If you want to create a new topic for the %s please re-run the statement providing the "
				   "required 'PARTITIONS' configuration in the WITH clause (and optionally 'REPLICAS').", source->topic, sql_kind);
		return error_hint(err, "For example: ... WITH (..., PARTITIONS=2).");
	}
	return OK;
}

/* ---- files ---- */

static Status
bind_date_order(const char *text, FileSpec *file, Error *err)
{
	static const char *const names[] = {[DATE_ORDER_YMD] = "YMD", [DATE_ORDER_DMY] = "DMY", [DATE_ORDER_MDY] = "MDY"};

	for (int order = 0; order < 3; order++)
		if (strcasecmp(text, names[order]) == 0) {
			file->date_order = (DateOrder)order;
			file->date_order_is_set = true;
			return OK;
		}
	error_user(err, "DATE_ORDER is not '%s'", text);
	return error_hint(err, "It is 'DMY' (31/12/2024), 'MDY' (12/31/2024) or 'YMD' (2024/12/31).");
}

/* Lines of a range of a file beyond its first would not be left out: no preamble is that long. */
static Status
bind_skip(const char *value, int *out, Error *err)
{
	char *end;
	long  n = strtol(value, &end, 10);

	if (*end != '\0' || end == value || n < 0 || n > 1000)
		return error_user(err, "SKIP is a number of lines from 0 to 1000, not '%s'", value);
	*out = (int)n;
	return OK;
}

Status
bind_file(PlannerContext *context, const char *path, const char *const *options, int n_options, FileSpec **out, Error *err)
{
	static const char *const known[] = {"FORMAT", "DELIMITER", "VALUE_DELIMITER", "QUOTE", "HEADER", "SCHEMA", "NULL", "COMPRESSION", "FOLLOW",
										"STRICT", "DATE_ORDER", "HIVE_PARTITIONING", "FILENAME", "SKIP", "ALL_VARCHAR", "UNION_BY_NAME", "TIMESTAMP", "TIMESTAMP_FORMAT", "VALUE_FORMAT"};
	FileSpec *file = arena_new(context->arena, FileSpec);

	file->access = context->file_access;
	file->path = path;
	file->strict = settings_bool(context->settings, "strict");
	for (int i = 0; i < n_options; i++) {
		const char *name = options[2 * i];
		const char *value = options[2 * i + 1];
		bool		yes = strcasecmp(value, "true") == 0;

		if (strcasecmp(name, "FORMAT") == 0 || strcasecmp(name, "VALUE_FORMAT") == 0)
			file->format = value;
		else if (strcasecmp(name, "DELIMITER") == 0 || strcasecmp(name, "VALUE_DELIMITER") == 0) {
			if (strcmp(value, "\t") == 0 || strcmp(value, " ") == 0 || strcmp(value, "\\t") == 0)
				file->delimiter = value[0] == ' ' ? ' ' : '\t';
			else
				TRY(delimiter_bind("DELIMITER", value, &file->delimiter, err));
		} else if (strcasecmp(name, "QUOTE") == 0) {
			file->quote = value[0];
			file->quote_is_set = true;
		} else if (strcasecmp(name, "HEADER") == 0) {
			file->has_header = yes;
			file->header_is_set = true;
		} else if (strcasecmp(name, "SCHEMA") == 0) {
			const Schema *schema;

			TRY(bind_schema_text(context, value, &schema, err));
			file->columns = schema->columns;
			file->n_columns = schema->n_columns;
		} else if (strcasecmp(name, "NULL") == 0)
			file->null_text = value;
		else if (strcasecmp(name, "DATE_ORDER") == 0)
			TRY(bind_date_order(value, file, err));
		else if (strcasecmp(name, "COMPRESSION") == 0)
			file->compression = strcasecmp(value, "none") == 0 ? NULL : value;
		else if (strcasecmp(name, "FOLLOW") == 0)
			file->follow = yes;
		else if (strcasecmp(name, "STRICT") == 0)
			file->strict = yes;
		else if (strcasecmp(name, "HIVE_PARTITIONING") == 0)
			file->no_path_columns = !yes;
		else if (strcasecmp(name, "FILENAME") == 0)
			file->has_filename = yes;
		else if (strcasecmp(name, "SKIP") == 0)
			TRY(bind_skip(value, &file->skip_lines, err));
		else if (strcasecmp(name, "TIMESTAMP") != 0 && strcasecmp(name, "TIMESTAMP_FORMAT") != 0) {
			const char *nearest = str_nearest(name, known, (int)(sizeof known / sizeof *known));

			error_user(err, "Unknown option %s for the file '%s'", name, path);
			return nearest != NULL ? error_hint(err, "Did you mean %s?", nearest)
								   : error_hint(err, "Options are FORMAT, DELIMITER, QUOTE, HEADER, SCHEMA, NULL, DATE_ORDER, TIMESTAMP, TIMESTAMP_FORMAT, COMPRESSION, FOLLOW, STRICT, HIVE_PARTITIONING, FILENAME, SKIP, ALL_VARCHAR, UNION_BY_NAME.");
		}
	}
	*out = file;
	return OK;
}

/* "station STRING, temp DOUBLE": a column list as in CREATE STREAM. */
Status
bind_schema_text(PlannerContext *context, const char *text, const Schema **out, Error *err)
{
	const char		*sql = arena_printf(context->arena, "CREATE STREAM S (%s)", text);
	AstStatementList list;
	CatalogSource	 source = {0};

	if (parser_parse(context->arena, str_of(sql), (ParserOptions){0}, &list, err) == FAILED) {
		err->line = 0;
		return error_context(err, "In SCHEMA '%s'", text);
	}
	TRY(bind_columns(context, &list.items[0]->create_source, &source, err));
	*out = source.schema;
	return OK;
}

static Status
bind_file_source(PlannerContext *context, const AstCreateSource *create, const SourceProperties *given, CatalogSource *source, Error *err)
{
	FileSpec *file;
	Schema	 *schema;
	Column	 *columns;

	source->path = given->path;
	source->n_file_options = given->n_file_options;
	source->file_options = given->file_options;
	source->key_format.format = "NONE";
	source->value_format.format = "FILE";
	TRY(bind_file(context, given->path, given->file_options, given->n_file_options, &file, err));
	source->follow = file->follow;
	if (!create->has_columns && context->file_schema != NULL) {
		const Schema *found;

		TRY(bind_schema_text(context, context->file_schema, &found, err));
		source->schema = found;
	} else if (!create->has_columns) {
		TRY(context->describe_file(context, file, err));
		schema = arena_new(context->arena, Schema);
		columns = arena_array(context->arena, Column, file->n_columns + 1);
		for (int i = 0; i < file->n_columns; i++)
			columns[i] = file->columns[i];
		schema->n_columns = file->n_columns;
		schema->columns = columns;
		source->schema = schema;
	}
	if (source->kind == ENTITY_TABLE && source->schema->n_key == 0)
		return error_user(err, "Tables require a PRIMARY KEY. Please define the PRIMARY KEY.");
	return bind_timestamp(context, given, source, err);
}

/* ---- CREATE STREAM, CREATE TABLE ---- */

/* Format names, given or by default. */
static Status
bind_format_names(PlannerContext *context, const SourceProperties *given, CatalogSource *source, Error *err)
{
	const char *key = given->key_format != NULL ? given->key_format : settings_text(context->settings, "ksql.persistence.default.format.key");
	const char *value = given->value_format != NULL ? given->value_format : settings_text(context->settings, "ksql.persistence.default.format.value");

	if (value == NULL && context->standard)
		value = "JSON";
	if (value == NULL)
		return error_user(err, "Statement is missing the 'VALUE_FORMAT' property from the WITH clause. Either provide one or set a default via the "
						  "'ksql.persistence.default.format.value' config.");
	source->key_format.format = key;
	source->value_format.format = value;
	TRY(bind_side_properties(given, true, &source->key_format, err));
	return bind_side_properties(given, false, &source->value_format, err);
}

/* Columns of one side from its schema in the registry. */
static Status
infer_side(PlannerContext *context, const CatalogSource *source, bool is_key, bool is_wrapped, Column **columns, int *n_columns, Error *err)
{
	FormatSpec spec = source_format_spec(context, source, is_key, source->standard);

	spec.is_wrapped = is_wrapped;
	return wire_infer_columns(context->arena, &spec, columns, n_columns, err);
}

/* A side without declared columns whose format can infer them gets those of the registry; key and value separately. */
static Status
infer_columns(PlannerContext *context, const SourceProperties *given, CatalogSource *source, Error *err)
{
	const Schema *declared = source->schema;
	const Format *key = format_find(str_of(source->key_format.format));
	const Format *value = format_find(str_of(source->value_format.format));
	Column		 *key_columns = (Column *)(uintptr_t)declared->columns;
	Column		 *value_columns = key_columns + declared->n_key;
	int			  n_key = declared->n_key;
	int			  n_value = declared->n_columns - n_key;
	bool		  has_values = n_value + source->n_headers > 0;
	Schema		 *schema;
	Column		 *columns;

	if (given->key_schema_id != 0 && n_key > 0)
		return error_user(err, "Table elements and KEY_SCHEMA_ID cannot both exist for create statement.");
	if (given->value_schema_id != 0 && has_values)
		return error_user(err, "Table elements and VALUE_SCHEMA_ID cannot both exist for create statement.");
	if (declared->n_columns + source->n_headers > 0 && (n_key > 0 || !(key->flags & FORMAT_INFERS)) && (has_values || !(value->flags & FORMAT_INFERS)))
		return OK;
	if (n_key == 0 && (key->flags & FORMAT_INFERS))
		TRY(infer_side(context, source, true, !(key->flags & FORMAT_UNWRAP), &key_columns, &n_key, err));
	if (!has_values && (value->flags & FORMAT_INFERS)) {
		bool is_wrapped = given->has_wrap && (value->flags & FORMAT_UNWRAP) ? given->wrap : true;

		TRY(infer_side(context, source, false, is_wrapped, &value_columns, &n_value, err));
	}
	if (n_key + n_value + source->n_headers == 0)
		return error_user(err, "The statement does not define any columns. No columns supplied.");
	schema = arena_new(context->arena, Schema);
	columns = arena_array(context->arena, Column, n_key + n_value + 1);
	memcpy(columns, key_columns, sizeof *columns * (size_t)n_key);
	memcpy(columns + n_key, value_columns, sizeof *columns * (size_t)n_value);
	for (int i = 0; i < n_key; i++)
		for (int k = n_key; k < n_key + n_value; k++)
			if (strcmp(columns[i].name, columns[k].name) == 0)
				return error_user(err, "Failed to prepare statement: Duplicate column names: `%s`", columns[i].name);
	*schema = (Schema){n_key + n_value, n_key, columns};
	source->schema = schema;
	return OK;
}

Status
bind_create_source(PlannerContext *context, const AstStatement *statement, CatalogSource **out, Error *err)
{
	const AstCreateSource *create = &statement->create_source;
	CatalogSource		  *source = arena_new(context->arena, CatalogSource);
	SourceProperties	   given;

	source->name = bind_name(context, create->name);
	source->kind = create->is_table ? ENTITY_TABLE : ENTITY_STREAM;
	source->is_read_only = create->is_source;
	source->standard = context->standard;
	TRY(properties_bind(context, create->properties, create->n_properties, create->is_table, false, &given, err));
	TRY(bind_columns(context, create, source, err));
	if (given.path != NULL) {
		TRY(bind_file_source(context, create, &given, source, err));
		*out = source;
		return OK;
	}
	if (given.topic == NULL && context->standard)
		given.topic = source->name;
	if (given.topic == NULL)
		return error_user(err, "Missing required property \"KAFKA_TOPIC\" which has no default value.");
	if (given.topic[0] == '\0')
		return error_user(err, "KAFKA_TOPIC must not be empty");
	source->topic = given.topic;
	TRY(bind_format_names(context, &given, source, err));
	TRY(infer_columns(context, &given, source, err));
	if (create->is_table && source->schema->n_key == 0)
		return error_user(err, "Tables require a PRIMARY KEY. Please define the PRIMARY KEY.");
	TRY(bind_wrapping(context, &given, source->schema, &source->value_format, err));
	bind_key_wrapping(&source->key_format);
	TRY(bind_declared_window(&given, source, err));
	TRY(check_formats(context, source, err));
	TRY(bind_timestamp(context, &given, source, err));
	if (given.ttl != NULL) {
		error_user(err, "TTL belongs to a table that a query makes: nothing here keeps the rows of a declared one");
		return error_hint(err, "CREATE TABLE ... WITH (TTL='%s') AS SELECT * FROM %s", given.ttl, source->name);
	}
	source->n_replicas = given.replicas;
	source->retention_ms = given.retention_ms;
	TRY(bind_existing_topic(context, &given, create->is_table ? "table" : "stream", source, err));
	*out = source;
	return OK;
}

/* ---- sinks of CREATE ... AS ---- */

static const char *
format_of(const CatalogSource *source, bool is_key)
{
	const char *format = source == NULL ? NULL : is_key ? source->key_format.format : source->value_format.format;

	return format != NULL && strcmp(format, "FILE") != 0 ? format : NULL;
}

static Status
bind_sink_key_format(PlannerContext *context, const SourceProperties *given, const CatalogSource *leftmost, CatalogSource *sink, Error *err)
{
	const char *inherited = format_of(leftmost, true);
	const char *standard = settings_text(context->settings, "ksql.persistence.default.format.key");
	const Format *format;

	if (given->key_format != NULL)
		TRY(find_format(given->key_format, &format, err));
	if (sink->schema->n_key == 0) {
		if (given->key_format != NULL && strcasecmp(given->key_format, "NONE") != 0)
			return error_user(err, "Key format specified for stream without key columns.");
		sink->key_format.format = "NONE";
		return OK;
	}
	if (given->key_format != NULL)
		sink->key_format.format = given->key_format;
	else if (inherited == NULL || strcasecmp(inherited, "NONE") == 0) {
		FormatSpec spec;
		Error	   ignored;

		sink->key_format.format = standard;
		if (context->standard) {
			/* In standard SQL nobody chose KAFKA: what it cannot carry is written as JSON. */
			spec = format_spec(context, &(CatalogFormat){.format = "KAFKA"}, sink->schema, true, true);
			if (spec.format->check(&spec, &ignored) == FAILED)
				sink->key_format.format = "JSON";
		}
	} else {
		sink->key_format.format = inherited;
		sink->key_format.delimiter = leftmost->key_format.delimiter;
		if (context->standard) {
			FormatSpec spec = format_spec(context, &sink->key_format, sink->schema, true, true);
			Error	   ignored;

			if (spec.format->check(&spec, &ignored) == FAILED)
				sink->key_format = (CatalogFormat){.format = "JSON"};
		}
	}
	return OK;
}

/* What the same value format inherits from the source: the delimiter; PROTOBUF's name or nullable representation. */
static void
inherit_value_properties(const CatalogSource *leftmost, CatalogFormat *value)
{
	if (leftmost == NULL || format_of(leftmost, false) == NULL || strcasecmp(leftmost->value_format.format, value->format) != 0)
		return;
	value->delimiter = leftmost->value_format.delimiter;
	if (strcasecmp(value->format, "PROTOBUF") == 0)
		value->schema_full_name = leftmost->value_format.schema_full_name;
	if (strcasecmp(value->format, "PROTOBUF_NOSR") == 0)
		value->nullable_representation = leftmost->value_format.nullable_representation;
}

/* A side that is written by a schema's id: its columns must stand in the schema, by name, type and place. */
static Status
check_schema_id(PlannerContext *context, const CatalogSource *sink, bool is_key, Error *err)
{
	FormatSpec	  spec = source_format_spec(context, sink, is_key, context->standard);
	Column		 *columns;
	int			  n_columns;
	StrBuf		  changed = {0}, registered = {0};

	if (spec.schema_id == 0)
		return OK;
	TRY(wire_infer_columns(context->arena, &spec, &columns, &n_columns, err));
	for (int i = 0; i < spec.n_columns; i++) {
		const Column *column = &spec.columns[i];

		/* an unwrapped value has no name of its own */
		if (i < n_columns && (!spec.is_wrapped || strcmp(column->name, columns[i].name) == 0) && column->type == columns[i].type)
			continue;
		strbuf_printf(&changed, "%s`%s` %s%s", changed.length > 0 ? ", " : "", column->name, type_to_arena(column->type, context->arena), is_key ? " KEY" : "");
	}
	for (int i = 0; i < n_columns; i++)
		strbuf_printf(&registered, "%s`%s` %s%s", i > 0 ? ", " : "", columns[i].name, type_to_arena(columns[i].type, context->arena), is_key ? " KEY" : "");
	if (changed.length > 0)
		error_user(err, "The following %s columns are changed, missing or reordered: [%s]. Schema from schema registry is [%s]",
				   is_key ? "key" : "value", strbuf_text(&changed), strbuf_text(&registered));
	bool is_changed = changed.length > 0;

	strbuf_free(&changed);
	strbuf_free(&registered);
	return is_changed ? FAILED : OK;
}

static Status
bind_ttl(const SourceProperties *given, bool is_table, CatalogSource *sink, Error *err)
{
	if (given->ttl == NULL)
		return OK;
	if (!is_table)
		return error_user(err, "TTL is for tables: the records of a stream's topic go by RETENTION_MS");
	if (sink->window.kind != WINDOW_NONE) {
		error_user(err, "TTL is for tables without windows");
		return error_hint(err, "Rows of windows end by RETENTION: WINDOW TUMBLING (SIZE ..., RETENTION %s)", given->ttl);
	}
	return duration_bind("TTL", given->ttl, &sink->ttl_ms, err);
}

Status
bind_sink_properties(PlannerContext *context, const AstStatement *statement, const CatalogSource *leftmost, CatalogSource *sink, Error *err)
{
	const AstCreateSource *create = &statement->create_source;
	SourceProperties	   given;
	int					   existing;

	TRY(properties_bind(context, create->properties, create->n_properties, create->is_table, true, &given, err));
	if (given.path != NULL)
		return error_unsupported(err, "CREATE ... AS SELECT into a file is not supported: write into a topic, or use COPY");
	if (given.window_type != NULL)
		return error_user(err, "Invalid config variable(s) in the WITH clause: WINDOW_TYPE");
	if (create->is_table && sink->window.kind == WINDOW_NONE && given.retention_ms >= 0)
		return error_user(err, "Invalid config variable in the WITH clause: RETENTION_MS. Non-windowed tables do not support retention.");
	TRY(bind_ttl(&given, create->is_table, sink, err));
	sink->topic = given.topic != NULL ? given.topic
									  : arena_printf(context->arena, "%s%s", settings_text(context->settings, "ksql.output.topic.name.prefix"), sink->name);
	TRY(bind_sink_key_format(context, &given, leftmost, sink, err));
	sink->value_format.format = given.value_format != NULL ? given.value_format : format_of(leftmost, false);
	if (sink->value_format.format == NULL)
		sink->value_format.format = settings_text(context->settings, "ksql.persistence.default.format.value");
	if (sink->value_format.format == NULL)
		sink->value_format.format = "JSON";
	inherit_value_properties(leftmost, &sink->value_format);
	TRY(bind_side_properties(&given, true, &sink->key_format, err));
	TRY(bind_side_properties(&given, false, &sink->value_format, err));
	TRY(bind_wrapping(context, &given, sink->schema, &sink->value_format, err));
	bind_key_wrapping(&sink->key_format);
	TRY(check_formats(context, sink, err));
	TRY(check_schema_id(context, sink, true, err));
	TRY(check_schema_id(context, sink, false, err));
	TRY(bind_timestamp(context, &given, sink, err));
	sink->n_replicas = given.replicas > 0 ? given.replicas : leftmost != NULL ? leftmost->n_replicas : 1;
	sink->retention_ms = given.retention_ms >= 0 ? given.retention_ms : leftmost != NULL ? leftmost->retention_ms : -1;
	existing = context->topic_partitions(context, sink->topic);
	if (existing > 0 && given.partitions > 0 && existing != given.partitions && !context->partitions_may_differ)
		return error_user(err, "A Kafka topic with the name '%s' already exists, with different partition/replica configuration than required. KSQL "
						  "expects %d partitions (topic has %d), and %d replication factor (topic has %d).", sink->topic, given.partitions, existing, 1, 1);
	sink->n_partitions = given.partitions > 0 ? given.partitions
						 : existing > 0 ? existing : leftmost != NULL && leftmost->n_partitions > 0 ? leftmost->n_partitions : 1;
	return OK;
}

/* ---- ALTER and OR REPLACE ---- */

Status
bind_alter(PlannerContext *context, const AstStatement *statement, CatalogSource **out, Error *err)
{
	const AstAlter		*alter = &statement->alter;
	const char			*name = bind_name(context, alter->name);
	const CatalogSource *old = catalog_source(context->catalog, str_of(name));
	const char			*kind = alter->is_table ? "table" : "stream";
	CatalogSource		*changed;
	Schema				*schema;
	Column				*columns;

	if (old == NULL && context->standard)
		TRY(bind_source_name(context, alter->name, &old, err));
	if (old == NULL) {
		error_user(err, "Source %s does not exist", name);
		return error_at(err, alter->name.pos.line, alter->name.pos.column, alter->name.pos.length);
	}
	if ((old->kind == ENTITY_TABLE) != alter->is_table)
		return error_user(err, "Incompatible data source type is %s, but statement was ALTER %s", old->kind == ENTITY_TABLE ? "TABLE" : "STREAM",
						  alter->is_table ? "TABLE" : "STREAM");
	if (old->is_read_only)
		return error_user(err, "Cannot alter %s '%s': ALTER operations are not supported on source %ss.", kind, old->name, kind);
	if (old->query_id != NULL)
		return error_user(err, "ALTER command is not supported for CREATE ... AS statements.");
	changed = arena_memdup(context->arena, old, sizeof *old);
	schema = arena_memdup(context->arena, old->schema, sizeof *old->schema);
	columns = arena_array(context->arena, Column, schema->n_columns + alter->n_columns);
	memcpy(columns, schema->columns, sizeof *columns * (size_t)schema->n_columns);
	for (int i = 0; i < alter->n_columns; i++) {
		const char *column = bind_name(context, alter->columns[i].name);
		const Type *type;

		TRY(check_column_name(column, &alter->columns[i], err));
		TRY(bind_type(context, alter->columns[i].type, &type, err));
		for (int k = 0; k < schema->n_columns; k++)
			if (strcmp(columns[k].name, column) == 0)
				return error_user(err, "Cannot add column `%s` to schema. A column with the same name already exists.", column);
		columns[schema->n_columns++] = (Column){column, type};
	}
	schema->columns = columns;
	changed->schema = schema;
	if (!changed->value_format.wrap_given)
		changed->value_format.is_wrapped = (format_find(str_of(changed->value_format.format))->flags & FORMAT_WRAP) != 0;
	TRY(check_formats(context, changed, err));
	*out = changed;
	return OK;
}

static const char *
column_text(Arena *arena, const Column *column, bool is_key)
{
	return arena_printf(arena, "`%s` %s%s", column->name, type_to_arena(column->type, arena), is_key ? " KEY" : "");
}

/* The key or value columns of `a` that are not in their place in `b`; "" if all are. */
static const char *
changed_columns(Arena *arena, const Schema *a, const Schema *b, bool of_key)
{
	int			first = of_key ? 0 : a->n_key, last = of_key ? a->n_key : a->n_columns;
	int			shift = of_key ? 0 : b->n_key - a->n_key, end = of_key ? b->n_key : b->n_columns;
	StrBuf		text = {0};
	const char *copy;

	for (int i = first; i < last; i++)
		if (i + shift >= end || strcmp(a->columns[i].name, b->columns[i + shift].name) != 0 || a->columns[i].type != b->columns[i + shift].type)
			strbuf_printf(&text, "%s%s", text.length > 0 ? ", " : "", column_text(arena, &a->columns[i], of_key));
	copy = arena_strdup(arena, strbuf_text(&text));
	strbuf_free(&text);
	return copy;
}

static const char *
schema_text(Arena *arena, const Schema *schema)
{
	StrBuf		text = {0};
	const char *copy;

	schema_print(schema, &text);
	copy = arena_strdup(arena, strbuf_text(&text));
	strbuf_free(&text);
	return copy;
}

static const char *
text_or_none(const char *text)
{
	return text != NULL ? text : "none";
}

Status
bind_replace_check(PlannerContext *context, const CatalogSource *old_source, const CatalogSource *new_source, Error *err)
{
	Arena		 *arena = context->arena;
	const Schema *a = old_source->schema;
	const Schema *b = new_source->schema;
	const char	 *changed;
	bool		  is_key;

#define REFUSE(what, from, to)                                                                                            \
	return error_user(err, "Cannot upgrade data source: DataSource '`%s`' has %s = %s which is not upgradeable to %s",     \
					  new_source->name, what, from, to)
	if (old_source->kind != new_source->kind)
		REFUSE("type", old_source->kind == ENTITY_TABLE ? "KTABLE" : "KSTREAM", new_source->kind == ENTITY_TABLE ? "KTABLE" : "KSTREAM");
	if (old_source->topic == NULL || new_source->topic == NULL || strcmp(old_source->topic, new_source->topic) != 0)
		REFUSE("topic", text_or_none(old_source->topic), text_or_none(new_source->topic));
	if (strcmp(old_source->key_format.format, new_source->key_format.format) != 0)
		REFUSE("key format", old_source->key_format.format, new_source->key_format.format);
	if (strcmp(old_source->value_format.format, new_source->value_format.format) != 0)
		REFUSE("value format", old_source->value_format.format, new_source->value_format.format);
	if (old_source->window.kind != new_source->window.kind || old_source->window.size_ms != new_source->window.size_ms)
		REFUSE("window", window_kind_name(old_source->window.kind), window_kind_name(new_source->window.kind));
	if (strcmp(text_or_none(old_source->timestamp_column), text_or_none(new_source->timestamp_column)) != 0)
		REFUSE("timestamp column", text_or_none(old_source->timestamp_column), text_or_none(new_source->timestamp_column));
	if (strcmp(text_or_none(old_source->timestamp_format), text_or_none(new_source->timestamp_format)) != 0)
		REFUSE("timestamp format", text_or_none(old_source->timestamp_format), text_or_none(new_source->timestamp_format));
	changed = changed_columns(arena, a, b, true);
	is_key = changed[0] != '\0' || a->n_key != b->n_key;
	if (!is_key)
		changed = changed_columns(arena, a, b, false);
	if (is_key || changed[0] != '\0')
		return error_user(err, "Cannot upgrade data source: DataSource '`%s`' has schema = %s which is not upgradeable to %s. (%s following "
						  "%scolumns are changed, missing or reordered: [%s])", new_source->name, schema_text(arena, a), schema_text(arena, b),
						  is_key ? "Key columns must be identical. The" : "The", is_key ? "key " : "", changed);
#undef REFUSE
	return OK;
}
