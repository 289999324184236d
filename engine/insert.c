/* INSERT INTO ... VALUES: records, produced at once. */
#include "engine/engine_impl.h"

const Vector *const *
row_vectors(Arena *arena, const Schema *schema, const Value *values)
{
	const Vector **columns = arena_array(arena, const Vector *, schema->n_columns + 1);

	for (int c = 0; c < schema->n_columns; c++) {
		Vector *v = vector_new(arena, schema->columns[c].type, 1);

		if (values[c].is_null)
			vector_set_null(v, arena, 0);
		else
			vector_set(v, arena, 0, &values[c]);
		columns[c] = v;
	}
	return columns;
}

static Status
produce_row(StatementContext *context, const InsertRow *row, TopicUnit *unit, Error *err)
{
	const Vector *const *columns = row_vectors(context->arena, row->target->schema, row->values);
	Time				 time = row->has_time ? row->time : env_now(context->engine->env);
	RowProducer			 producer;
	Status				 status = row_producer_init(&producer, context, row->target, err);

	if (status == OK)
		status = row_producer_add(&producer, unit, columns, 0, time, err);
	row_producer_free(&producer);
	return status;
}

Status
insert_values_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	Engine				  *engine = context->engine;
	const CatalogSnapshot *snapshot = catalog_snapshot(engine->catalog);
	TopicUnit			  *unit = NULL;
	InsertRow			  *rows;
	int					   n_rows;
	Status				   status = OK;

	planner_context_init(&context->planner, engine, context->arena, snapshot, context->session->settings, context->standard);
	if (!settings_bool(context->session->settings, "ksql.insert.into.values.enabled")) {
		status = error_user(err, "The server has disabled INSERT INTO ... VALUES functionality. "
							"To enable it, restart your ksqlDB server with 'ksql.insert.into.values.enabled'=true");
		goto out;
	}
	TRY_OUT(bind_insert_values(&context->planner, statement, &rows, &n_rows, err));
	if (engine->is_sandbox)
		goto out;
	unit = topics_unit_new(engine->topics);
	for (int i = 0; i < n_rows; i++)
		TRY_OUT(produce_row(context, &rows[i], unit, err));
	TRY_OUT(topic_unit_commit(unit, err));
	if (context->session->hooks != NULL && context->session->hooks->produced != NULL)
		TRY_OUT(context->session->hooks->produced(context->session->hooks, rows[0].target->topic, err));
out:
	topic_unit_free(unit);
	catalog_release(snapshot);
	return status;
}
