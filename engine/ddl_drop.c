/* DROP, and TERMINATE, PAUSE and RESUME of queries. */
#include <strings.h>

#include "data/json_build.h"
#include "engine/ddl_impl.h"
#include "engine/live.h"
#include "engine/table_copy.h"

Status
ddl_end_query(StatementContext *context, const char *id, Error *err)
{
	Query *query = query_find(context->engine, str_of(id));
	char  *name = arena_strdup(context->arena, id);

	catalog_drop_query(context->engine->catalog, str_of(name));
	if (query == NULL)
		return OK;
	if (context->engine->is_recovering) {
		for (Query **q = &context->engine->queries; *q != NULL; q = &(*q)->next)
			if (*q == query) {
				*q = query->next;
				break;
			}
		query_free(query);
		return OK;
	}
	return query_stop(context->engine, query, true, err);
}

typedef enum Dependents { READING_SOURCES, READING_INSERTS, WRITING_INSERTS } Dependents;

/* The sources that were made of a source, or the ids of the INSERT queries that read or write it; NULL: none. */
static const char *
dependents_of(StatementContext *context, const CatalogSource *source, Dependents which)
{
	StrBuf		text = {0};
	const char *result = NULL;

	for (int i = 0; i < catalog_n_queries(context->planner.catalog); i++) {
		const CatalogQuery *q = catalog_query_at(context->planner.catalog, i);
		bool				counts = which == WRITING_INSERTS && strcmp(q->sink, source->name) == 0;

		for (int k = 0; which != WRITING_INSERTS && k < q->n_sources; k++)
			counts = counts || strcmp(q->sources[k], source->name) == 0;
		if (q->kind == QUERY_SOURCE_TABLE || !counts || (q->kind == QUERY_INSERT) != (which != READING_SOURCES))
			continue;
		strbuf_printf(&text, "%s%s", text.length > 0 ? ", " : "", which == READING_SOURCES ? q->sink : q->id);
	}
	if (text.length > 0)
		result = arena_strdup(context->arena, strbuf_text(&text));
	strbuf_free(&text);
	return result;
}

static Status
drop_kept_rows(StatementContext *context, const char *name, Error *err)
{
	int64_t	   state_id;
	StoreUnit *unit;
	Status	   status;

	table_copy_drop(context->engine, name);
	TRY(kept_rows_open(context->engine, name, &state_id, err));
	unit = store_unit_new(context->engine->store);
	store_unit_delete_range(unit, state_id, 0, STR(""), STR(""));
	status = store_commit(context->engine->store, unit, err);
	store_unit_free(unit);
	return status;
}

static Status
delete_topic(StatementContext *context, const CatalogSource *source, Error *err)
{
	Topic *topic;

	if (source->topic == NULL || context->engine->is_replaying)
		return OK;
	TRY(engine_topic(context->engine, source->topic, &topic, err));
	return topic != NULL ? topics_drop(context->engine->topics, topic, err) : OK;
}

static Status
drop_source(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstDrop		*drop = &statement->drop;
	EntityKind			 wanted = drop->object == AST_OBJECT_TABLE ? ENTITY_TABLE : drop->object == AST_OBJECT_VIEW ? ENTITY_VIEW : ENTITY_STREAM;
	const char			*name = bind_name(&context->planner, drop->name);
	const CatalogSource *source = catalog_source(context->planner.catalog, str_of(name));
	const char			*readers;
	const char			*inserts_from, *inserts_into;
	int64_t				 sequence;

	if (source == NULL && drop->if_exists) {
		command_tell_warning(context, "Source `%s` does not exist.", name);
		return OK;
	}
	if (source == NULL && !context->standard)
		return error_unknown_source(&context->planner, drop->name, "Source ", err);
	if (source == NULL)
		TRY(bind_source_name(&context->planner, drop->name, &source, err));
	name = source->name;
	if (source->kind != wanted)
		return error_user(err, "Incompatible data source type is %s, but statement was DROP %s",
						  source->kind == ENTITY_STREAM ? "STREAM" : source->kind == ENTITY_TABLE ? "TABLE" : "VIEW",
						  wanted == ENTITY_STREAM ? "STREAM" : wanted == ENTITY_TABLE ? "TABLE" : "VIEW");
	if (drop->delete_topic && source->is_read_only)
		return error_user(err, "Cannot delete topic for read-only source: %s", name);
	readers = dependents_of(context, source, READING_SOURCES);
	inserts_from = dependents_of(context, source, READING_INSERTS);
	inserts_into = dependents_of(context, source, WRITING_INSERTS);
	if (readers != NULL) {
		error_user(err, "Cannot drop %s.\nThe following streams and/or tables read from this source: [%s].\n"
				   "You need to drop them before dropping %s.", name, readers, name);
		return FAILED;
	}
	if (inserts_from != NULL || inserts_into != NULL)
		return error_user(err, "Cannot drop %s.\nThe following queries read from this source: [%s].\nThe following queries write into this "
						  "source: [%s].\nYou need to terminate them before dropping %s.", name, inserts_from != NULL ? inserts_from : "",
						  inserts_into != NULL ? inserts_into : "", name);
	TRY(command_log(context, &sequence, err));
	if (source->query_id != NULL)
		TRY(ddl_end_query(context, source->query_id, err));
	if (source->is_materialised && !context->engine->is_recovering && !context->engine->is_sandbox)
		TRY(drop_kept_rows(context, name, err));
	if (drop->delete_topic)
		TRY(delete_topic(context, source, err));
	catalog_drop_source(context->engine->catalog, str_of(name));
	command_tell_status(context, (CommandName){entity_kind_word(wanted), name, "drop", true}, sequence, NULL, "Source `%s` (topic: %s) was dropped.", name,
				source->topic != NULL ? source->topic : "none");
	return OK;
}

static Status
drop_function(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstDrop	   *drop = &statement->drop;
	Engine			   *engine = context->engine;
	const UserFunction *function = user_function_find(atomic_load(&engine->functions), str_of(drop->name.text));
	int64_t				sequence;

	if (function == NULL && drop->if_exists) {
		command_tell_warning(context, "Function %s does not exist.", drop->name.text);
		return OK;
	}
	if (function == NULL) {
		error_user(err, "There is no function %s that could be dropped", drop->name.text);
		return error_at(err, drop->name.pos.line, drop->name.pos.column, drop->name.pos.length);
	}
	if (!engine->is_recovering)
		TRY(function_check_unused(context, function->name, err));
	TRY(command_log(context, &sequence, err));
	functions_put(engine, function->name, NULL);
	command_tell_status(context, (CommandName){"function", function->name, "drop", false}, sequence, NULL, "Dropped function %s", function->name);
	return OK;
}

static Status
drop_type(StatementContext *context, const AstStatement *statement, Error *err)
{
	const char *name = bind_name(&context->planner, statement->drop.name);
	int64_t		sequence;

	if (catalog_type(context->planner.catalog, str_of(name)) == NULL) {
		if (!statement->drop.if_exists)
			return error_user(err, "Type %s does not exist.", name);
		command_tell_warning(context, "Type '%s' does not exist", name);
		return OK;
	}
	TRY(command_log(context, &sequence, err));
	catalog_drop_type(context->engine->catalog, str_of(name));
	command_tell_status(context, (CommandName){"type", name, "drop", false}, sequence, NULL, "Dropped type '%s'", name);
	return OK;
}

Status
ddl_drop(StatementContext *context, const AstStatement *statement, Error *err)
{
	switch (statement->drop.object) {
	case AST_OBJECT_TYPE:
		return drop_type(context, statement, err);
	case AST_OBJECT_FUNCTION:
		return drop_function(context, statement, err);
	case AST_OBJECT_STREAM:
	case AST_OBJECT_TABLE:
	case AST_OBJECT_VIEW:
		return drop_source(context, statement, err);
	default:
		return error_unsupported(err, "This DROP is not supported");
	}
}

/* ---- queries ---- */

static Status
control_one(StatementContext *context, const AstStatement *statement, const CatalogQuery *entry, Error *err)
{
	Engine *engine = context->engine;
	Query  *query = query_find(engine, str_of(entry->id));

	if (entry->kind == QUERY_SOURCE_TABLE)
		return error_user(err, "Cannot %s query '%s': it keeps a source table and ends with DROP TABLE",
						  statement->kind == AST_TERMINATE ? "terminate" : statement->kind == AST_PAUSE ? "pause" : "resume", entry->id);
	if (statement->kind == AST_TERMINATE)
		return ddl_end_query(context, entry->id, err);
	if (query != NULL && !engine->is_recovering)
		query_set_paused(engine, query, statement->kind == AST_PAUSE);
	else if (query != NULL)
		query->state = statement->kind == AST_PAUSE ? QUERY_PAUSED : QUERY_RUNNING;
	return OK;
}

/* A push query of somebody; false: there is none of that id.  It is in no log. */
static bool
terminate_live(StatementContext *context, const char *id)
{
	Engine	 *engine = context->engine;
	JsonValue object = json_object();

	if (engine->is_sandbox)
		return engine_live_exists(engine->original, id);
	if (!engine_live_cancel(engine, id, NULL))
		return false;
	json_add(context->arena, &object, "queryId", json_string(id));
	json_add(context->arena, &object, "wasTerminated", json_bool(true));
	statement_tell(context, "terminate_query", &object);
	return true;
}

Status
ddl_control(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstQueryControl *control = &statement->query_control;
	const CatalogSnapshot *catalog = context->planner.catalog;
	const CatalogQuery	  *found = NULL;
	int64_t				   sequence;

	for (int i = 0; !control->is_all && i < catalog_n_queries(catalog); i++)
		if (strcasecmp(catalog_query_at(catalog, i)->id, control->id.text) == 0)
			found = catalog_query_at(catalog, i);
	if (!control->is_all && found == NULL && statement->kind == AST_TERMINATE && terminate_live(context, control->id.text))
		return OK;
	if (!control->is_all && found == NULL) {
		error_user(err, "Unknown queryId: %s", control->id.text);
		error_hint(err, "SHOW QUERIES lists the queries that run.");
		return error_at(err, control->id.pos.line, control->id.pos.column, control->id.pos.length);
	}
	TRY(command_log(context, &sequence, err));
	for (int i = 0; i < catalog_n_queries(catalog); i++) {
		const CatalogQuery *entry = catalog_query_at(catalog, i);

		if (control->is_all ? entry->kind != QUERY_SOURCE_TABLE : entry == found)
			TRY(control_one(context, statement, entry, err));
	}
	command_tell_status(context,
				(CommandName){statement->kind == AST_TERMINATE ? "terminate" : statement->kind == AST_PAUSE ? "pause" : "resume",
							  found != NULL ? arena_strdup(context->arena, control->id.text) : "all", "execute", false},
				sequence, NULL, "Query %s.", statement->kind == AST_TERMINATE ? "terminated" : statement->kind == AST_PAUSE ? "paused" : "resumed");
	return OK;
}
