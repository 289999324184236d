#include "planner/bind/properties.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

typedef enum PropertyType { PROPERTY_TEXT, PROPERTY_INT, PROPERTY_LONG, PROPERTY_BOOL, PROPERTY_REFUSED, PROPERTY_FILE, PROPERTY_IGNORED } PropertyType;

typedef struct PropertyRow {
	const char	*name;
	PropertyType type;
	size_t		 offset;		/* in SourceProperties */
} PropertyRow;

#define AT(member) offsetof(SourceProperties, member)

static const PropertyRow property_rows[] = {
	{"KAFKA_TOPIC", PROPERTY_TEXT, AT(topic)},
	{"TOPIC", PROPERTY_TEXT, AT(topic)},
	{"PARTITIONS", PROPERTY_INT, AT(partitions)},
	{"REPLICAS", PROPERTY_INT, AT(replicas)},
	{"RETENTION_MS", PROPERTY_LONG, AT(retention_ms)},
	{"TTL", PROPERTY_TEXT, AT(ttl)},
	{"CLEANUP_POLICY", PROPERTY_REFUSED, 0},
	{"FORMAT", PROPERTY_TEXT, AT(format)},
	{"KEY_FORMAT", PROPERTY_TEXT, AT(key_format)},
	{"VALUE_FORMAT", PROPERTY_TEXT, AT(value_format)},
	{"KEY_DELIMITER", PROPERTY_TEXT, AT(key_delimiter)},
	{"VALUE_DELIMITER", PROPERTY_TEXT, AT(value_delimiter)},
	{"WRAP_SINGLE_VALUE", PROPERTY_BOOL, AT(wrap)},
	{"TIMESTAMP", PROPERTY_TEXT, AT(timestamp)},
	{"TIMESTAMP_FORMAT", PROPERTY_TEXT, AT(timestamp_format)},
	{"WINDOW_TYPE", PROPERTY_TEXT, AT(window_type)},
	{"WINDOW_SIZE", PROPERTY_TEXT, AT(window_size)},
	{"KEY_SCHEMA_ID", PROPERTY_INT, AT(key_schema_id)},
	{"VALUE_SCHEMA_ID", PROPERTY_INT, AT(value_schema_id)},
	{"KEY_SCHEMA_FULL_NAME", PROPERTY_TEXT, AT(key_schema_full_name)},
	{"VALUE_SCHEMA_FULL_NAME", PROPERTY_TEXT, AT(value_schema_full_name)},
	{"VALUE_AVRO_SCHEMA_FULL_NAME", PROPERTY_TEXT, AT(value_schema_full_name)},
	{"KEY_PROTOBUF_NULLABLE_REPRESENTATION", PROPERTY_TEXT, AT(key_nullable)},
	{"VALUE_PROTOBUF_NULLABLE_REPRESENTATION", PROPERTY_TEXT, AT(value_nullable)},
	{"SOURCED_BY_CONNECTOR", PROPERTY_IGNORED, 0},
	{"PATH", PROPERTY_TEXT, AT(path)},
	{"DELIMITER", PROPERTY_FILE, 0},
	{"QUOTE", PROPERTY_FILE, 0},
	{"HEADER", PROPERTY_FILE, 0},
	{"SCHEMA", PROPERTY_FILE, 0},
	{"NULL", PROPERTY_FILE, 0},
	{"COMPRESSION", PROPERTY_FILE, 0},
	{"FOLLOW", PROPERTY_FILE, 0},
	{"STRICT", PROPERTY_FILE, 0},
	{"DATE_ORDER", PROPERTY_FILE, 0},
	{"HIVE_PARTITIONING", PROPERTY_FILE, 0},
};

#define N_ROWS (int)(sizeof property_rows / sizeof *property_rows)

const char *
property_text(const AstExpr *value)
{
	switch (value->kind) {
	case AST_BOOLEAN:
		return value->boolean ? "true" : "false";
	case AST_NULL:
		return "null";
	default:
		return value->text;
	}
}

static Status
refuse_at(const AstProperty *property, Error *err)
{
	return error_at(err, property->pos.line, property->pos.column, property->pos.length);
}

static Status
bind_number(const AstProperty *property, const char *name, const char *text, int64_t *out, Error *err)
{
	char *end;

	*out = strtoll(text, &end, 10);
	if (end == text || *end != '\0') {
		error_user(err, "Invalid value %s for property %s: Not a number of type %s", text, name,
				   strcmp(name, "RETENTION_MS") == 0 ? "LONG" : "INT");
		return refuse_at(property, err);
	}
	return OK;
}

static void
add_file_option(Arena *arena, SourceProperties *out, const char *name, const char *value)
{
	const char **grown = arena_array(arena, const char *, 2 * out->n_file_options + 2);

	for (int i = 0; i < 2 * out->n_file_options; i++)
		grown[i] = out->file_options[i];
	grown[2 * out->n_file_options] = name;
	grown[2 * out->n_file_options + 1] = value;
	out->file_options = grown;
	out->n_file_options++;
}

static Status
bind_property(PlannerContext *context, const AstProperty *property, const PropertyRow *row, bool is_table, SourceProperties *out, Error *err)
{
	const char *text = property_text(property->value);
	char	   *place = (char *)out + row->offset;
	int64_t		number;

	if (text == NULL) {
		error_user(err, "The value of property %s must be a literal", row->name);
		return refuse_at(property, err);
	}
	switch (row->type) {
	case PROPERTY_TEXT:
		memcpy(place, &text, sizeof text);
		return OK;
	case PROPERTY_INT:
		TRY(bind_number(property, row->name, text, &number, err));
		if (number < 1 && strcmp(row->name, "REPLICAS") != 0) {
			error_user(err, "Invalid value %s for property %s: Value must be at least 1", text, row->name);
			return refuse_at(property, err);
		}
		*(int *)place = (int)number;
		return OK;
	case PROPERTY_LONG:
		if (is_table) {
			error_user(err, "Invalid config variable in the WITH clause: RETENTION_MS. Non-windowed tables do not support retention.");
			return refuse_at(property, err);
		}
		return bind_number(property, row->name, text, (int64_t *)place, err);
	case PROPERTY_BOOL:
		if (strcasecmp(text, "true") != 0 && strcasecmp(text, "false") != 0) {
			error_user(err, "Invalid value %s for property %s: Expected value to be either true or false", text, row->name);
			return refuse_at(property, err);
		}
		out->has_wrap = true;
		out->wrap = strcasecmp(text, "true") == 0;
		return OK;
	case PROPERTY_REFUSED:
		error_user(err, "Invalid config variable in the WITH clause: %s.\n"
				   "The CLEANUP_POLICY config is automatically inferred based on the type of source (STREAM or TABLE).", row->name);
		return refuse_at(property, err);
	case PROPERTY_FILE:
		add_file_option(context->arena, out, row->name, text);
		return OK;
	case PROPERTY_IGNORED:
		return OK;
	}
	return OK;
}

static const PropertyRow *
find_row(const char *name)
{
	for (int i = 0; i < N_ROWS; i++)
		if (strcasecmp(property_rows[i].name, name) == 0)
			return &property_rows[i];
	return NULL;
}

/* All unknown names are told, in upper case as ksqlDB has them; the hint is for the first. */
static Status
refuse_unknown(const AstProperty *properties, int n, int first, Error *err)
{
	const char *names[N_ROWS];
	const char *nearest;
	StrBuf		unknown = {0};

	for (int i = first; i < n; i++) {
		if (find_row(properties[i].name) != NULL)
			continue;
		strbuf_add_text(&unknown, unknown.length > 0 ? ", " : "");
		for (const char *c = properties[i].name; *c != '\0'; c++)
			strbuf_add_char(&unknown, (char)toupper((unsigned char)*c));
	}
	for (int i = 0; i < N_ROWS; i++)
		names[i] = property_rows[i].name;
	nearest = str_nearest(properties[first].name, names, N_ROWS);
	error_user(err, "Invalid config variable(s) in the WITH clause: %s", strbuf_text(&unknown));
	strbuf_free(&unknown);
	if (nearest != NULL)
		error_hint(err, "Did you mean %s?", nearest);
	return refuse_at(&properties[first], err);
}

static Status
bind_each(PlannerContext *context, const AstProperty *properties, int n, bool is_table, SourceProperties *out, Error *err)
{
	for (int i = 0; i < n; i++) {
		const PropertyRow *row = find_row(properties[i].name);

		for (int k = 0; k < i; k++)
			if (strcasecmp(properties[k].name, properties[i].name) == 0) {
				error_user(err, "Duplicate property: %s", properties[i].name);
				return refuse_at(&properties[i], err);
			}
		if (row == NULL)
			return refuse_unknown(properties, n, i, err);
		TRY(bind_property(context, &properties[i], row, is_table, out, err));
	}
	return OK;
}

Status
properties_bind(PlannerContext *context, const AstProperty *properties, int n, bool is_table, bool is_as, SourceProperties *out, Error *err)
{
	*out = (SourceProperties){.retention_ms = -1};
	if (bind_each(context, properties, n, is_table && !is_as, out, err) != OK)
		return context->standard ? FAILED : error_context(err, "Failed to prepare statement");
	/* FORMAT, TIMESTAMP and the like belong to a file where there is one. */
	if (out->path != NULL) {
		if (out->format != NULL)
			add_file_option(context->arena, out, "FORMAT", out->format);
		if (out->value_format != NULL)
			add_file_option(context->arena, out, "FORMAT", out->value_format);
		if (out->value_delimiter != NULL)
			add_file_option(context->arena, out, "DELIMITER", out->value_delimiter);
		return OK;
	}
	if (out->n_file_options > 0)
		return error_user(err, "Property %s is for files: give their PATH, or leave it out", out->file_options[0]);
	if (out->format != NULL && (out->key_format != NULL || out->value_format != NULL))
		return error_user(err, "Cannot supply both '%s' and 'FORMAT' properties, as 'FORMAT' sets both key and value formats. "
						  "Either use just 'FORMAT', or use 'KEY_FORMAT' and 'VALUE_FORMAT'.",
						  out->key_format != NULL ? "KEY_FORMAT" : "VALUE_FORMAT");
	if (out->format != NULL)
		out->key_format = out->value_format = out->format;
	return OK;
}

Status
delimiter_bind(const char *name, const char *text, char *out, Error *err)
{
	static const char *const example = "Example valid value: ';'";

	if (text[0] == '\0' || strcmp(text, " ") == 0 || strcmp(text, "\t") == 0)
		return error_user(err, "Failed to prepare statement: Configuration %s is invalid: Delimiter cannot be empty, if you meant to have a "
						  "tab or space for delimiter, please use the special values 'TAB' or 'SPACE'\n%s", name, example);
	if (strcmp(text, "TAB") == 0)
		*out = '\t';
	else if (strcmp(text, "SPACE") == 0)
		*out = ' ';
	else if (text[1] == '\0')
		*out = text[0];
	else
		return error_user(err, "Failed to prepare statement: Configuration %s is invalid: Invalid delimiter value: '%s'. Delimiter must be a "
						  "single character or TAB,SPACE\n%s", name, text, example);
	return OK;
}

Status
duration_bind(const char *name, const char *text, int64_t *out_ms, Error *err)
{
	static const struct {
		const char *name;
		int64_t		ms;
	} units[] = {{"MILLISECOND", 1}, {"SECOND", 1000}, {"MINUTE", 60000}, {"HOUR", 3600000}, {"DAY", 86400000}};
	char	word[32];
	int64_t number;
	size_t	length;

	if (sscanf(text, "%ld %31[A-Za-z]", (long *)&number, word) != 2 || number <= 0)
		return error_user(err, "Configuration %s is invalid: Invalid duration: '%s'. Use format of the form 'n UNIT', for example '30 SECONDS'", name, text);
	length = strlen(word);
	if (length > 1 && (word[length - 1] == 'S' || word[length - 1] == 's'))
		word[--length] = '\0';
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (strcasecmp(units[i].name, word) == 0) {
			*out_ms = number * units[i].ms;
			return OK;
		}
	return error_user(err, "Configuration %s is invalid: Unknown time unit: '%s'", name, word);
}
