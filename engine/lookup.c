/*
 * Look-ups of keys: queries so small that whoever receives them runs them on the spot.
 */
#include "engine/live.h"
#include "engine/select_impl.h"
#include "exec/op/scan.h"

#define MOST_KEYS 16			/* of a look-up that is run on the spot */
#define MOST_BYTES 4096			/* of its text */

/* SELECT ... FROM name WHERE ...: before anything is looked up or planned. */
static bool
has_shape(const AstQuery *query)
{
	const AstSelect *select = query->body->kind == AST_BODY_SELECT ? query->body->select : NULL;

	return select != NULL && query->n_ctes == 0 && query->n_order_by == 0 && query->emit == AST_EMIT_NONE && select->from != NULL
		   && select->from->kind == AST_RELATION_SOURCE && select->from->sample == NULL && select->sample == NULL && select->where != NULL && select->window == NULL && select->n_group_by == 0
		   && select->having == NULL && !select->is_distinct && select->n_windows == 0 && select->qualify == NULL;
}

/* A table whose rows are kept by their key alone. */
static bool
reads_kept_table(StatementContext *context, const CatalogSnapshot *snapshot, const AstQuery *query)
{
	const CatalogSource *source;
	Error				 ignored;

	planner_context_init(&context->planner, context->engine, context->arena, snapshot, context->session->settings, context->standard);
	return bind_source_name(&context->planner, query->body->select->from->name, &source, &ignored) == OK && source->kind == ENTITY_TABLE
		   && source->is_materialised && source->window.kind == WINDOW_NONE;
}

static bool
plan_is_lookup(const Plan *plan)
{
	const SourceSpec *source = plan->n_sources == 1 ? ((const ScanSpec *)plan->sources[0]->spec)->source : NULL;

	return plan->is_bounded && source != NULL && source->kind == SOURCE_TABLE_STATE && source->n_ranges > 0 && source->n_ranges <= MOST_KEYS;
}

static Status
look_up(Session *session, Arena *arena, Str sql, ResultSink *sink, bool *done, Error *err)
{
	StatementContext context = {.session = session, .engine = session->engine, .sink = sink, .arena = arena,
								.standard = settings_standard(session->settings)};
	ParserOptions	 options = {.is_ksqldb = !context.standard, .needs_terminator = !context.standard};
	AstStatementList list;
	const CatalogSnapshot *snapshot = NULL;
	Plan				  *plan;
	Status				   status = OK;
	Error				   ignored;

	/* Here a query waits for what feeds its table. */
	if (context.standard && settings_bool(session->settings, "read.your.writes"))
		return OK;
	if (parser_parse(arena, sql, options, &list, &ignored) != OK || list.n_items != 1 || list.items[0]->kind != AST_SELECT
		|| !has_shape(list.items[0]->query))
		return OK;
	context.sql = list.items[0]->text;
	context.sql_offset = list.items[0]->pos.offset;
	snapshot = catalog_snapshot(session->engine->catalog);
	if (reads_kept_table(&context, snapshot, list.items[0]->query)) {
		catalog_release(snapshot);
		snapshot = NULL;
		if (select_plan(&context, list.items[0]->query, &snapshot, &plan, &ignored) == OK && plan_is_lookup(plan)) {
			*done = true;
			status = select_run_plan(&context, plan, err);
		}
	}
	catalog_release(snapshot);
	return status == FAILED ? FAILED : OK;
}

Status
session_lookup(Session *session, Str sql, ResultSink *sink, bool *done, Error *err)
{
	Arena  arena = {0};
	Status status;

	*done = false;
	if (sql.length > MOST_BYTES || session->engine->store == NULL || memmem(sql.data, sql.length, "${", 2) != NULL)
		return OK;
	status = look_up(session, &arena, sql, sink, done, err);
	arena_free(&arena);
	return status;
}
