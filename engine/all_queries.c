/*
 * What concerns all queries at once: what they read, and their end.
 */
#include "common/regex.h"
#include "data/json_build.h"
#include "engine/engine_impl.h"
#include "engine/live.h"
#include "engine/share_status.h"

int64_t
engine_last_command(Engine *engine)
{
	return engine->n_commands - 1;
}

static JsonValue
read_partitions(Arena *arena, const CatalogSnapshot *catalog, const CatalogQuery *query)
{
	JsonValue list = json_array();

	for (int k = 0; k < query->n_sources; k++) {
		const CatalogSource *source = catalog_source(catalog, str_of(query->sources[k]));

		for (int p = 0; source != NULL && source->topic != NULL && p < source->n_partitions; p++) {
			JsonValue item = json_object();

			json_add(arena, &item, "topic", json_string(arena_strdup(arena, source->topic)));
			json_add(arena, &item, "partition", json_int(arena, p));
			json_push(arena, &list, item);
		}
	}
	return list;
}

JsonValue
engine_active_queries(Engine *engine, Arena *arena)
{
	const CatalogSnapshot *catalog = catalog_snapshot(engine->catalog);
	JsonValue			   all = json_object();

	pthread_mutex_lock(&engine->lock_queries);
	for (int i = 0; i < catalog_n_queries(catalog); i++) {
		const CatalogQuery *query = catalog_query_at(catalog, i);
		JsonValue			item = json_object(), stores = json_array(), partitions = json_array();

		share_list_standby(query_find(engine, str_of(query->id)), arena, &stores, &partitions);
		json_add(arena, &item, "activeStores", json_array());
		json_add(arena, &item, "activePartitions", read_partitions(arena, catalog, query));
		json_add(arena, &item, "standByStores", stores);
		json_add(arena, &item, "standByPartitions", partitions);
		json_add(arena, &all, arena_strdup(arena, query->id), item);
	}
	pthread_mutex_unlock(&engine->lock_queries);
	catalog_release(catalog);
	return all;
}

/* ---- terminating ---- */

static void
discard_entity(ResultSink *sink, const Entity *entity)
{
	(void)sink;
	(void)entity;
}

static void
discard_message(ResultSink *sink, const char *text, bool is_warning)
{
	(void)sink;
	(void)text;
	(void)is_warning;
}

static bool
name_matches(Regex *const *patterns, int n, const char *name)
{
	Error ignored;

	for (int i = 0; i < n; i++)
		if (regex_matches(patterns[i], str_of(name), &ignored) == OK)
			return true;
	return false;
}

/* Readers before what they read: sources in the reverse order of their creation. */
static Status
drop_everything(Session *session, const CatalogSnapshot *catalog, Regex *const *patterns, int n_patterns, Error *err)
{
	ResultSink sink = {.entity = discard_entity, .message = discard_message};
	StrBuf	   sql = {0};
	Status	   status = session_execute(session, STR("TERMINATE ALL;"), &sink, err);

	for (int i = catalog_n_sources(catalog); i-- > 0 && status == OK;) {
		const CatalogSource *source = catalog_source_at(catalog, i);
		bool deletes = source->query_id != NULL && source->topic != NULL && name_matches(patterns, n_patterns, source->topic);

		if (strcmp(source->name, "KSQL_PROCESSING_LOG") == 0)
			continue;
		strbuf_clear(&sql);
		strbuf_printf(&sql, "DROP %s IF EXISTS `%s`%s;", source->kind == ENTITY_TABLE ? "TABLE" : source->kind == ENTITY_STREAM ? "STREAM" : "VIEW",
					  source->name, deletes ? " DELETE TOPIC" : "");
		status = session_execute(session, strbuf_str(&sql), &sink, err);
	}
	strbuf_free(&sql);
	return status;
}

Status
engine_terminate(Engine *engine, const char *const *patterns, int n_patterns, Error *err)
{
	Arena				   arena = {0};
	Regex				 **compiled = arena_array(&arena, Regex *, n_patterns + 1);
	const CatalogSnapshot *catalog = NULL;
	Session				  *session = NULL;
	Status				   status = OK;

	for (int i = 0; i < n_patterns; i++)
		if (regex_compile(str_of(patterns[i]), REGEX_JAVA, &compiled[i], err) == FAILED) {
			err->class = ERROR_USER;
			status = FAILED;
			goto out;
		}
	TRY_OUT(session_open(engine, &session, err));
	catalog = catalog_snapshot(engine->catalog);
	status = drop_everything(session, catalog, compiled, n_patterns, err);
out:
	catalog_release(catalog);
	session_close(session);
	for (int i = 0; i < n_patterns; i++)
		regex_free(compiled[i]);
	arena_free(&arena);
	return status;
}
