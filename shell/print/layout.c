#include "shell/print/layout.h"

#include "data/json_build.h"
#include "engine/entity.h"

/* ---- values as text ---- */

typedef const char *(*Render)(Arena *arena, const JsonValue *value);

static const char *
take(Arena *arena, StrBuf *text)
{
	const char *copy = arena_strdup(arena, strbuf_text(text));

	strbuf_free(text);
	return copy;
}

static const char *
render_text(Arena *arena, const JsonValue *value)
{
	switch (value->kind) {
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_NUMBER:
	case JSON_STRING:
		return str_to_arena(arena, value->text);
	default:
		return NULL;
	}
}

static const char *
render_count(Arena *arena, const JsonValue *value)
{
	return arena_printf(arena, "%u", value->kind == JSON_ARRAY ? value->n : 0);
}

static const char *
render_first(Arena *arena, const JsonValue *value)
{
	return value->kind == JSON_ARRAY && value->n > 0 ? render_text(arena, &value->elements[0]) : "";
}

static const char *
render_type(Arena *arena, const JsonValue *value)
{
	StrBuf text = {0};

	entity_type_text(value, &text);
	return take(arena, &text);
}

static const char *
render_if_set(Arena *arena, const JsonValue *value)
{
	(void)arena;
	return value->kind == JSON_TRUE ? "yes" : "";
}

/* The whole field of a description: what it is to the key.  `value` is the field. */
static const char *
render_role(Arena *arena, const JsonValue *value)
{
	const char *role = json_text_of(arena, value, "type");

	return role == NULL ? "" : strcmp(role, "KEY") == 0 ? "key" : strcmp(role, "HEADER") == 0 ? "header" : role;
}

static const char *
render_primary(Arena *arena, const JsonValue *value)
{
	const char *role = render_role(arena, value);

	return strcmp(role, "key") == 0 ? "primary key" : role;
}

/* Of a query: its state, with what stopped it. */
static const char *
render_state(Arena *arena, const JsonValue *value)
{
	const char *status = json_text_of(arena, value, "status");
	const char *error = json_text_of(arena, value, "error");
	char	   *text;

	if (status == NULL)
		status = json_text_of(arena, value, "state");
	if (error == NULL)
		return status;
	text = arena_printf(arena, "%s: %s", status, error);
	/* Message and remedy on one line. */
	for (char *c = text; *c != '\0'; c++)
		*c = *c == '\n' ? ' ' : *c;
	return text;
}

/* ---- tables ---- */

typedef struct ColumnRule {
	const char *title;
	const char *member;				/* NULL: the element itself is rendered */
	Render		render;				/* NULL: render_text */
} ColumnRule;

typedef struct TableRule {
	const char *kind;				/* of the entity */
	const char *member;				/* the list */
	ColumnRule	columns[8];
} TableRule;

static const TableRule table_rules[] = {
	{"streams", "streams", {{"Stream Name", "name", NULL}, {"Topic or Path", "topic", NULL}, {"Key Format", "keyFormat", NULL},
							{"Value Format", "valueFormat", NULL}, {"Windowed", "isWindowed", NULL}}},
	{"tables", "tables", {{"Table Name", "name", NULL}, {"Topic or Path", "topic", NULL}, {"Key Format", "keyFormat", NULL},
						  {"Value Format", "valueFormat", NULL}, {"Windowed", "isWindowed", NULL}}},
	{"views", "views", {{"View Name", "name", NULL}}},
	{"kafka_topics", "topics", {{"Kafka Topic", "name", NULL}, {"Partitions", "replicaInfo", render_count},
								{"Partition Replicas", "replicaInfo", render_first}}},
	{"kafka_topics_extended", "topics", {{"Kafka Topic", "name", NULL}, {"Partitions", "replicaInfo", render_count},
										 {"Partition Replicas", "replicaInfo", render_first}, {"Records", "records", NULL}}},
	{"queries", "queries", {{"Query ID", "id", NULL}, {"Status", NULL, render_state}, {"Sink Name", "sinks", render_first},
							{"Rows In", "rowsIn", NULL}, {"Rows Out", "rowsOut", NULL}, {"Query String", "queryString", NULL}}},
	{"function_names", "functions", {{"Function Name", "name", NULL}, {"Type", "type", NULL}, {"Description", "description", NULL}}},
	{"properties", "properties", {{"Property", "name", NULL}, {"Value", "value", NULL}, {"Set", "isSet", render_if_set},
								  {"Meaning", "description", NULL}}},
	{"variables", "variables", {{"Variable Name", "name", NULL}, {"Value", "value", NULL}}},
	{"connector_list", "connectors", {{"Connector Name", "name", NULL}, {"Type", "type", NULL}, {"Class", "className", NULL},
									  {"Status", "state", NULL}}},
	{"connector_plugins_list", "connectorsPlugins", {{"Class", "className", NULL}, {"Type", "type", NULL}, {"Version", "version", NULL}}},
};

static const ColumnRule field_columns[] = {{"Field", "name", NULL}, {"Type", "schema", render_type}, {"Key", NULL, render_role}, {0}};
static const ColumnRule table_field_columns[] = {{"Field", "name", NULL}, {"Type", "schema", render_type}, {"Key", NULL, render_primary}, {0}};
static const ColumnRule statistic_columns[] = {{"Host", "host", NULL}, {"Metric", "name", NULL}, {"Value", "value", NULL}, {0}};
static const ColumnRule file_columns[] = {{"Field", "name", NULL}, {"Type", "schema", render_type}, {0}};
static const ColumnRule overload_columns[] = {{"Signature", "signature", NULL}, {0}};
static const ColumnRule example_columns[] = {{"Expression", "expression", NULL}, {"Result", "result", NULL}, {0}};

static const char *
render_cell(Arena *arena, const ColumnRule *rule, const JsonValue *row)
{
	const JsonValue *value = rule->member != NULL ? json_member(row, str_of(rule->member)) : row;

	if (value == NULL)
		return NULL;
	return (rule->render != NULL ? rule->render : render_text)(arena, value);
}

static LayoutTable *
add_table(Layout *layout, Arena *arena, const char *title, int n_columns, int n_rows)
{
	LayoutTable *table = &layout->tables[layout->n_tables++];

	*table = (LayoutTable){.title = title, .n_columns = n_columns, .n_rows = n_rows};
	table->columns = arena_array(arena, const char *, n_columns + 1);
	table->cells = arena_array(arena, const char *, n_columns * n_rows + 1);
	return table;
}

/* A list as a table by rules that end with title NULL. */
static void
add_list(Layout *layout, Arena *arena, const char *title, const ColumnRule *rules, const JsonValue *list)
{
	int			 n = 0, n_rows = list != NULL && list->kind == JSON_ARRAY ? (int)list->n : 0;
	LayoutTable *table;

	while (rules[n].title != NULL)
		n++;
	table = add_table(layout, arena, title, n, n_rows);
	for (int c = 0; c < n; c++)
		table->columns[c] = rules[c].title;
	for (int r = 0; r < n_rows; r++)
		for (int c = 0; c < n; c++)
			table->cells[r * n + c] = render_cell(arena, &rules[c], &list->elements[r]);
}

/* ---- entities with fields ---- */

static void
add_field(Layout *layout, const char *name, const char *value)
{
	layout->fields[layout->n_fields++] = (LayoutField){name, value};
}

typedef struct FieldRule {
	const char *title;
	const char *member;
	bool		is_file_only;		/* shown for a source that is a file */
} FieldRule;

static const FieldRule extended_fields[] = {
	{"Type", "type", false}, {"Dialect", "dialect", false}, {"Topic", "topic", false}, {"Path", "path", true},
	{"Partitions", "partitions", false}, {"Records written", "records", false}, {"Key format", "keyFormat", false},
	{"Value format", "valueFormat", false}, {"Window", "window", false}, {"TTL ms", "ttlMs", false}, {"Timestamp column", "timestamp", false},
	{"Standby copies", "standbyCopies", false}, {"Statement", "statement", false},
};

/* Queries that read or write the source, one table for both. */
static void
add_queries(Layout *layout, Arena *arena, const JsonValue *source)
{
	const JsonValue *lists[2] = {json_member(source, STR("readQueries")), json_member(source, STR("writeQueries"))};
	int				 n = 0, row = 0;
	LayoutTable		*table;

	for (int k = 0; k < 2; k++)
		n += lists[k] != NULL && lists[k]->kind == JSON_ARRAY ? (int)lists[k]->n : 0;
	if (n == 0)
		return;
	table = add_table(layout, arena, "Queries", 3, n);
	table->columns[0] = "Query ID";
	table->columns[1] = "Role";
	table->columns[2] = "Statement";
	for (int k = 0; k < 2; k++)
		for (uint32_t i = 0; lists[k] != NULL && lists[k]->kind == JSON_ARRAY && i < lists[k]->n; i++, row++) {
			table->cells[3 * row] = json_text_of(arena, &lists[k]->elements[i], "id");
			table->cells[3 * row + 1] = k == 0 ? "reads it" : "writes it";
			table->cells[3 * row + 2] = json_text_of(arena, &lists[k]->elements[i], "queryString");
		}
}

/* The partitions that a group reads; NULL: none. */
static const JsonValue *
group_offsets(const JsonValue *group)
{
	const JsonValue *topics = json_member(group, STR("topicSummaries"));

	return topics != NULL && topics->n > 0 ? json_member(&topics->elements[0], STR("offsets")) : NULL;
}

/* How far the groups of the queries that read the source have come: one table for all. */
static void
add_offsets(Layout *layout, Arena *arena, const JsonValue *groups)
{
	static const char *const columns[] = {"Consumer Group", "Partition", "Start Offset", "End Offset", "Offset", "Lag"};
	static const char *const members[] = {"partition", "logStartOffset", "logEndOffset", "consumerOffset"};
	uint32_t				 n_groups = groups != NULL && groups->kind == JSON_ARRAY ? groups->n : 0;
	int						 n = 0;
	LayoutTable				*table;
	const char			   **cell;

	for (uint32_t g = 0; g < n_groups; g++)
		n += group_offsets(&groups->elements[g]) != NULL ? (int)group_offsets(&groups->elements[g])->n : 0;
	if (n == 0)
		return;
	table = add_table(layout, arena, "Offsets", 6, n);
	memcpy(table->columns, columns, sizeof columns);
	cell = table->cells;
	for (uint32_t g = 0; g < n_groups; g++) {
		const JsonValue *list = group_offsets(&groups->elements[g]);

		for (uint32_t i = 0; list != NULL && i < list->n; i++) {
			const JsonValue *p = &list->elements[i];

			*cell++ = json_text_of(arena, &groups->elements[g], "groupId");
			for (int c = 0; c < 4; c++)
				*cell++ = json_text_of(arena, p, members[c]);
			*cell++ = arena_printf(arena, "%lld", (long long)(json_int_of(p, "logEndOffset") - json_int_of(p, "consumerOffset")));
		}
	}
}

static void
layout_source(Layout *layout, Arena *arena, const JsonValue *source)
{
	const char *type = json_text_of(arena, source, "type");
	const char *path = json_text_of(arena, source, "path");
	bool		extended = json_bool_of(source, "extended");
	const char *name = json_text_of(arena, source, "name");

	if (name != NULL)
		add_field(layout, "Name", name);
	for (size_t i = 0; extended && i < sizeof extended_fields / sizeof *extended_fields; i++) {
		const FieldRule *rule = &extended_fields[i];
		const char		*value = json_text_of(arena, source, rule->member);
		bool			 is_topic_only = strcmp(rule->member, "topic") == 0 || strcmp(rule->member, "partitions") == 0;

		if (value != NULL && value[0] != '\0' && !(path != NULL && is_topic_only) && !(path == NULL && rule->is_file_only))
			add_field(layout, rule->title, value);
	}
	add_list(layout, arena, NULL, type != NULL && strcmp(type, "TABLE") == 0 ? table_field_columns : field_columns,
			 json_member(source, STR("fields")));
	if (!extended)
		return;
	add_queries(layout, arena, source);
	if (json_member(source, STR("clusterStatistics")) != NULL && json_member(source, STR("clusterStatistics"))->n > 0)
		add_list(layout, arena, "Runtime statistics", statistic_columns, json_member(source, STR("clusterStatistics")));
	add_offsets(layout, arena, json_member(source, STR("queryOffsetSummaries")));
}

static void
layout_function(Layout *layout, Arena *arena, const JsonValue *function)
{
	const JsonValue *examples = json_member(function, STR("examples"));

	add_field(layout, "Name", json_text_of(arena, function, "name"));
	add_field(layout, "Type", json_text_of(arena, function, "type"));
	add_field(layout, "Overview", json_text_of(arena, function, "description"));
	add_list(layout, arena, "Variations", overload_columns, json_member(function, STR("functions")));
	if (examples != NULL && examples->kind == JSON_ARRAY && examples->n > 0)
		add_list(layout, arena, "Examples", example_columns, examples);
}

static void
layout_file(Layout *layout, Arena *arena, const JsonValue *file)
{
	add_field(layout, "Path", json_text_of(arena, file, "path"));
	add_field(layout, "Format", json_text_of(arena, file, "format"));
	add_field(layout, "Compression", json_text_of(arena, file, "compression"));
	add_list(layout, arena, NULL, file_columns, json_member(file, STR("fields")));
}

static void
layout_types(Layout *layout, Arena *arena, const JsonValue *value)
{
	const JsonValue *types = json_member(value, STR("types"));
	int				 n = types != NULL && types->kind == JSON_OBJECT ? (int)types->n : 0;
	LayoutTable		*table = add_table(layout, arena, NULL, 2, n);

	table->columns[0] = "Type Name";
	table->columns[1] = "Schema";
	for (int i = 0; i < n; i++) {
		table->cells[2 * i] = str_to_arena(arena, types->members[i].name);
		table->cells[2 * i + 1] = render_type(arena, &types->members[i].value);
	}
}

static void
layout_plan(Layout *layout, Arena *arena, const JsonValue *description)
{
	layout->text = json_text_of(arena, description, "executionPlan");
}

/* "currentStatus", "warning_entity" and the like: one sentence. */
static bool
layout_message(Layout *layout, Arena *arena, const Entity *entity)
{
	if (strcmp(entity->kind, "currentStatus") == 0)
		layout->message = json_text_of(arena, json_member(entity->value, STR("commandStatus")), "message");
	else if (strcmp(entity->kind, "warning_entity") == 0) {
		layout->message = json_text_of(arena, entity->value, "message");
		layout->is_warning = true;
	} else if (strcmp(entity->kind, "assert_topic") == 0)
		layout->message = arena_printf(arena, "Topic %s %s.", json_text_of(arena, entity->value, "topicName"),
									   json_bool_of(entity->value, "exists") ? "exists" : "does not exist");
	else if (strcmp(entity->kind, "terminate_query") == 0)
		layout->message = json_bool_of(entity->value, "wasTerminated") ? "Query terminated." : "Query was not running.";
	return layout->message != NULL;
}

typedef struct ShapeRule {
	const char *kind;
	const char *member;			/* the object that is described; NULL: the entity's */
	bool		is_list;		/* of them */
	void (*layout)(Layout *layout, Arena *arena, const JsonValue *value);
} ShapeRule;

static const ShapeRule shape_rules[] = {
	{"sourceDescription", "sourceDescription", false, layout_source},
	{"source_descriptions", "sourceDescriptions", true, layout_source},
	{"queryDescription", "queryDescription", false, layout_plan},
	{"query_descriptions", "queryDescriptions", true, layout_plan},
	{"describe_function", NULL, false, layout_function},
	{"fileDescription", NULL, false, layout_file},
	{"type_list", NULL, false, layout_types},
};

#define MAX_FIELDS 16
#define MAX_TABLES 4

static void
layout_init(Layout *layout, Arena *arena)
{
	*layout = (Layout){.fields = arena_array(arena, LayoutField, MAX_FIELDS), .tables = arena_array(arena, LayoutTable, MAX_TABLES)};
}

/* What no rule knows (a newer server) is shown as it came. */
static void
layout_unknown(Layout *layout, Arena *arena, const Entity *entity)
{
	StrBuf text = {0};

	json_write(&text, entity->value);
	strbuf_add_char(&text, '\n');
	layout->text = take(arena, &text);
}

int
layout_entity(const Entity *entity, Arena *arena, Layout **out)
{
	Layout *layouts = arena_array(arena, Layout, 1);

	*out = layouts;
	layout_init(layouts, arena);
	if (layout_message(layouts, arena, entity))
		return 1;
	for (size_t i = 0; i < sizeof table_rules / sizeof *table_rules; i++)
		if (strcmp(table_rules[i].kind, entity->kind) == 0) {
			add_list(layouts, arena, NULL, table_rules[i].columns, json_member(entity->value, str_of(table_rules[i].member)));
			return 1;
		}
	for (size_t i = 0; i < sizeof shape_rules / sizeof *shape_rules; i++) {
		const ShapeRule *rule = &shape_rules[i];
		const JsonValue *value = rule->member != NULL ? json_member(entity->value, str_of(rule->member)) : entity->value;
		int				 n = value == NULL ? 0 : rule->is_list && value->kind == JSON_ARRAY ? (int)value->n : 1;

		if (strcmp(rule->kind, entity->kind) != 0)
			continue;
		*out = layouts = arena_array(arena, Layout, n + 1);
		for (int k = 0; k < n; k++) {
			layout_init(&layouts[k], arena);
			rule->layout(&layouts[k], arena, rule->is_list ? &value->elements[k] : value);
		}
		return n;
	}
	layout_unknown(layouts, arena, entity);
	return 1;
}
