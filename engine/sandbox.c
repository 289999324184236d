/*
 * A copy of the catalog to try statements on: topics are looked up in the engine but made and written nowhere, commands are not
 * logged, queries are planned and never run.
 */
#include "engine/engine_impl.h"
#include "engine/command_status.h"
#include "engine/live.h"

#include <stdlib.h>

/* ---- topics that are only said to be made ---- */

typedef struct SandboxTopics {
	Topics	topics;
	Topics *real;
	Arena	arena;
	int		n;
	Topic **made;
} SandboxTopics;

static Status
sandbox_find(Topics *topics, Str name, Topic **out, Error *err)
{
	SandboxTopics *self = (SandboxTopics *)topics;

	for (int i = 0; i < self->n; i++)
		if (str_equal(self->made[i]->name, name)) {
			*out = self->made[i];
			return OK;
		}
	return topics_find(self->real, name, out, err);
}

static Status
sandbox_create(Topics *topics, Str name, const TopicConfig *config, Topic **out, Error *err)
{
	SandboxTopics *self = (SandboxTopics *)topics;
	Topic		  *topic = arena_new(&self->arena, Topic);
	Topic		 **grown = arena_array(&self->arena, Topic *, self->n + 1);

	(void)err;
	*topic = (Topic){.topics = topics, .name = str_make(str_to_arena(&self->arena, name), name.length), .config = *config};
	for (int i = 0; i < self->n; i++)
		grown[i] = self->made[i];
	grown[self->n++] = topic;
	self->made = grown;
	*out = topic;
	return OK;
}

static Status
sandbox_list(Topics *topics, Arena *arena, Topic ***out, int *n, Error *err)
{
	return topics_list(((SandboxTopics *)topics)->real, arena, out, n, err);
}

static Status
sandbox_drop(Topics *topics, Topic *topic, Error *err)
{
	(void)topics;
	(void)topic;
	(void)err;
	return OK;
}

static Status
sandbox_ends(Topics *topics, Topic *topic, int partition, int64_t *begin, int64_t *end, Error *err)
{
	if (topic->topics != topics)
		return topics_ends(((SandboxTopics *)topics)->real, topic, partition, begin, end, err);
	*begin = *end = 0;
	return OK;
}

static const TopicsType sandbox_topics_type = {
	.name = "sandbox", .find = sandbox_find, .create = sandbox_create, .list = sandbox_list, .drop = sandbox_drop, .ends = sandbox_ends,
};

/* ---- the engine around them ---- */

static void
copy_setting(const char *name, const char *value, void *context)
{
	Error ignored;

	settings_set(context, name, value, &ignored);
}

static void
sandbox_open(Engine *sandbox, SandboxTopics *topics, Engine *engine)
{
	const CatalogSnapshot *snapshot = catalog_snapshot(engine->catalog);

	*topics = (SandboxTopics){.topics = {.type = &sandbox_topics_type}, .real = engine->topics};
	sandbox->env = engine->env;
	sandbox->original = engine;
	sandbox->host = engine->host;
	sandbox->file_access = engine->file_access;
	sandbox->settings = engine->settings;
	sandbox->is_inline = sandbox->is_sandbox = true;
	sandbox->budget.limit_bytes = engine->budget.limit_bytes;
	sandbox->store = engine->store;
	sandbox->topics = &topics->topics;
	sandbox->registry = engine->registry;
	sandbox->functions = atomic_load(&engine->functions);
	sandbox->n_commands = engine->n_commands;
	sandbox->catalog = catalog_new();
	sandbox->command_statuses = command_statuses_new();
	pthread_mutex_init(&sandbox->lock_ddl, NULL);
	pthread_mutex_init(&sandbox->lock_queries, NULL);
	pthread_cond_init(&sandbox->work, NULL);
	pthread_cond_init(&sandbox->changed, NULL);
	for (int i = 0; i < catalog_n_sources(snapshot); i++)
		catalog_put_source(sandbox->catalog, catalog_source_at(snapshot, i));
	for (int i = 0; i < catalog_n_types(snapshot); i++)
		catalog_put_type(sandbox->catalog, catalog_type_at(snapshot, i));
	for (int i = 0; i < catalog_n_queries(snapshot); i++)
		catalog_put_query(sandbox->catalog, catalog_query_at(snapshot, i));
	catalog_release(snapshot);
}

static void
sandbox_close(Engine *sandbox, SandboxTopics *topics)
{
	while (sandbox->queries != NULL) {
		Query *query = sandbox->queries;

		sandbox->queries = query->next;
		query_free(query);
	}
	catalog_free(sandbox->catalog);
	command_statuses_free(sandbox->command_statuses);
	arena_free(&sandbox->functions_arena);
	pthread_mutex_destroy(&sandbox->lock_ddl);
	pthread_mutex_destroy(&sandbox->lock_queries);
	pthread_cond_destroy(&sandbox->work);
	pthread_cond_destroy(&sandbox->changed);
	arena_free(&topics->arena);
}

/* ---- checking ---- */

static Status
try_on_copy(Session *session, Str sql, ResultSink *sink, bool *has_query, Error *err)
{
	SandboxTopics topics;
	Engine		 *sandbox = xcalloc(1, sizeof *sandbox);
	Session		 *copy = NULL;
	Status		  status;

	sandbox_open(sandbox, &topics, session->engine);
	status = session_open(sandbox, &copy, err);
	if (status == OK) {
		settings_visit(session->settings, copy_setting, copy->settings);
		session_set_user(copy, session->user, session->role);
		for (int i = 0; i < session->n_variables; i++)
			session_define(copy, session->variables[2 * i], session->variables[2 * i + 1]);
		status = session_execute(copy, sql, sink, err);
		session_note_text(session, str_of(session_statement_text(copy)));
		*has_query = sandbox->sandbox_has_query;
		session_close(copy);
	}
	sandbox_close(sandbox, &topics);
	free(sandbox);
	return status;
}

Status
session_check(Session *session, Str sql, ResultSink *tried, bool *not_here, Error *err)
{
	int	 n_statements = 0;
	bool has_variables = settings_bool(session->settings, "ksql.variable.substitution.enable") && memmem(sql.data, sql.length, "${", 2) != NULL;

	*not_here = false;
	/* Variables may be defined by the statements themselves: then only trying them tells. */
	if (!has_variables)
		TRY(session_parse_all(session, sql, &n_statements, not_here, err));
	if (!has_variables && n_statements <= 1)
		return OK;
	TRY(engine_need_store(session->engine, err));
	return try_on_copy(session, sql, tried, not_here, err);
}
