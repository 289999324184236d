/*
 * Rows that come as JSON objects, into a stream or table.
 */
#include <stdlib.h>

#include "engine/engine_impl.h"
#include "engine/json_value.h"

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
	Str			  name = json_fold_name(&inserter->row_arena, member->name);
	int			  column = find_column(inserter, name);
	Value		  value;

	if (column < 0 && str_equal(name, STR("ROWTIME"))) {
		TRY(json_to_value(&inserter->row_arena, &member->value, type_bigint, &value, err));
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
