#include "engine/command_status.h"
#include "engine/engine_impl.h"
#include "engine/query_states.h"
#include "engine/table_copy.h"
#include "io/connector/kafka/kafka.h"

#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define MAX_DEFAULT_THREADS 64

void
engine_lock_ddl(Engine *engine)
{
	pthread_mutex_lock(&engine->lock_ddl);
	if (engine->ddl_depth++ == 0)
		engine->ddl_began = nanos_now();
}

void
engine_unlock_ddl(Engine *engine)
{
	if (--engine->ddl_depth == 0)
		engine->ddl_began = 0;
	pthread_mutex_unlock(&engine->lock_ddl);
}

static int64_t
machine_memory(void)
{
	return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

/* memory.limit: bytes, or a share of the machine; 80 % when it is not set. */
int64_t
engine_memory_limit(const Settings *settings)
{
	const char *text = settings_text(settings, "memory.limit");

	if (text == NULL)
		return machine_memory() / 100 * 80;
	if (text[0] != '\0' && text[strlen(text) - 1] == '%')
		return (int64_t)((double)machine_memory() / 100 * atof(text));
	return settings_int(settings, "memory.limit");
}

static void
copy_setting(const char *name, const char *value, void *context)
{
	Error ignored;

	settings_set(context, name, value, &ignored);
}

/* queries.run, or what the kind of process says. */
static bool
takes_no_part(const Settings *settings, bool is_transient)
{
	const char *text = settings_text(settings, "queries.run");

	return strcasecmp(text, "auto") == 0 ? is_transient : strcasecmp(text, "never") == 0;
}

Status
engine_open(const EngineOptions *options, Engine **out, Error *err)
{
	Engine			   *engine = xcalloc(1, sizeof *engine);
	pthread_mutexattr_t recursive;

	(void)err;
	engine->env = options->env != NULL ? options->env : &env_real;
	engine->settings = settings_new(NULL);
	if (options->settings != NULL)
		settings_visit(options->settings, copy_setting, engine->settings);
	engine->file_access = options->file_access;
	engine->log = options->log;
	engine->directory = options->directory != NULL ? xstrdup(options->directory) : NULL;
	engine->is_inline = options->is_inline;
	engine->on_kafka = !options->is_inline && settings_text(engine->settings, "bootstrap.servers") != NULL;
	if (engine->on_kafka)
		kafka_prepare();
	engine->is_transient = takes_no_part(engine->settings, options->is_transient);
	engine->host = xstrdup(options->host != NULL ? options->host : "local");
	engine->n_processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
	engine->n_workers = options->n_workers > 0 ? options->n_workers : engine->n_processors;
	engine->budget.limit_bytes = engine_memory_limit(engine->settings);
	engine->catalog = catalog_new();
	engine->command_statuses = command_statuses_new();
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&engine->lock_ddl, &recursive);
	pthread_mutexattr_destroy(&recursive);
	pthread_mutex_init(&engine->lock_queries, NULL);
	pthread_mutex_init(&engine->lock_copies, NULL);
	pthread_mutex_init(&engine->lock_sessions, NULL);
	pthread_mutex_init(&engine->lock_presence, NULL);
	pthread_cond_init(&engine->work, NULL);
	pthread_cond_init(&engine->changed, NULL);
	*out = engine;
	return OK;
}

void
engine_close(Engine *engine)
{
	if (engine == NULL)
		return;
	engine_end_live(engine);
	table_copies_close(engine);
	cluster_close(engine);
	engine_stop_workers(engine);
	engine_stop_waking(engine);
	while (engine->queries != NULL) {
		Query *query = engine->queries;

		engine->queries = query->next;
		query_free(query);
	}
	query_states_leave(engine);
	topics_close(engine->topics);
	if (engine->store != NULL)
		store_close(engine->store);
	catalog_free(engine->catalog);
	command_statuses_free(engine->command_statuses);
	arena_free(&engine->functions_arena);
	settings_free(engine->settings);
	pthread_mutex_destroy(&engine->lock_ddl);
	pthread_mutex_destroy(&engine->lock_queries);
	pthread_mutex_destroy(&engine->lock_copies);
	pthread_mutex_destroy(&engine->lock_sessions);
	pthread_mutex_destroy(&engine->lock_presence);
	pthread_cond_destroy(&engine->work);
	pthread_cond_destroy(&engine->changed);
	free(engine->directory);
	free(engine->host);
	free(engine->instance);
	free(engine->member);
	free(engine);
}

static Status
replay_command(void *context, int64_t sequence, Str command, Error *err)
{
	Engine *engine = context;

	engine->n_commands = sequence + 1;
	if (ddl_replay(engine, command, err) == FAILED)
		return error_context(err, "While replaying command %lld of the data directory", (long long)sequence);
	return OK;
}

/* Queries that exist after the whole log was read are started; earlier ones never were. */
static Status
start_recovered(Engine *engine, Error *err)
{
	Query *query = engine->queries;
	int	   n = 0;
	Status status = OK;

	engine->queries = NULL;
	engine->is_resuming = true;
	while (query != NULL && status == OK) {
		Query *next = query->next;

		query->next = NULL;
		query_failures_load(query);
		status = query_start(query, err);
		query = next;
		n++;
	}
	engine->is_resuming = false;
	if (status == OK && n > 0)
		log_event(engine->log, LOG_LEVEL_INFO, "engine", &LOG_INT("queries", n), 1, "Queries go on from where they were");
	return status;
}

static void
engine_opened(Engine *engine, Status status, Nanos took)
{
	LogField fields[] = {LOG_TEXT("directory", engine->directory), LOG_INT("commands", engine->n_commands), LOG_SECONDS("seconds", took)};

	if (status != OK)
		return;
	engine->counters.recovery_nanos = took;
	log_event(engine->log, LOG_LEVEL_INFO, "engine", fields, 3, "The data directory is open");
}

static Status
replay_store(Engine *engine, Error *err)
{
	engine->topics = topics_embedded_new(engine->store);
	TRY(processing_log_declare(engine, err));
	return store_command_scan(engine->store, -1, replay_command, engine, err);
}

/* After a failure: the next statement that needs it tries again. */
static void
close_place(Engine *engine)
{
	cluster_close(engine);
	engine_stop_workers(engine);
	engine_stop_waking(engine);
	while (engine->queries != NULL) {
		Query *query = engine->queries;

		engine->queries = query->next;
		query_free(query);
	}
	query_states_leave(engine);
	topics_close(engine->topics);
	store_close(engine->store);
	free(engine->instance);
	free(engine->member);
	catalog_free(engine->catalog);
	engine->topics = NULL;
	engine->store = NULL;
	engine->instance = NULL;
	engine->member = NULL;
	engine->catalog = catalog_new();
}

Status
engine_need_store(Engine *engine, Error *err)
{
	StoreOptions options = {0};
	Status		 status = OK;
	Nanos		 began = nanos_now();
	CancelFlags	 before;

	/* Most statements ask, and must not wait for one that changes the catalog. */
	if (engine->is_open)
		return OK;
	engine_lock_ddl(engine);
	before = cancel_watch((CancelFlags){.now = cancel_flags().now, .soon = &engine->ends_waits});
	if (engine->store != NULL)
		goto out;
	if (strcmp(settings_text(engine->settings, "durability"), "power") == 0)
		options.durability = STORE_DURABILITY_POWER;
	/* On Kafka the directory has nothing that is not there too: a process that comes and goes leaves none behind. */
	TRY_OUT(store_open(engine->on_kafka && engine->is_transient ? NULL : engine->directory, &options, engine->env, &engine->store, err));
	engine->is_recovering = engine->is_replaying = true;
	status = engine->on_kafka ? cluster_open(engine, err) : replay_store(engine, err);
	engine->is_recovering = false;
	engine->is_replaying = true;
	if (status == OK)
		status = start_recovered(engine, err);
	engine->is_replaying = false;
	if (status == OK && engine->on_kafka)
		status = cluster_follow(engine, err);
	engine->is_open = status == OK;
	engine_opened(engine, status, nanos_now() - began);
	if (status == FAILED && engine->on_kafka)
		close_place(engine);
out:
	cancel_watch(before);
	engine_unlock_ddl(engine);
	return status == FAILED ? FAILED : OK;
}

bool
engine_has_directory(const Engine *engine)
{
	return engine->on_kafka || engine->directory == NULL || access(engine->directory, F_OK) == 0;
}

Status
engine_topic(Engine *engine, const char *name, Topic **out, Error *err)
{
	*out = NULL;
	return engine->topics != NULL ? topics_find(engine->topics, str_of(name), out, err) : OK;
}

Status
engine_create_topic(Engine *engine, const CatalogSource *source, Error *err)
{
	TopicConfig config = {.n_partitions = source->n_partitions > 0 ? source->n_partitions : 1,
						  .retention_ms = source->retention_ms > 0 ? source->retention_ms : -1,
						  .n_replicas = source->n_replicas,
						  .is_compacted = source->kind == ENTITY_TABLE,
						  .is_deleted = source->window.kind != WINDOW_NONE};
	Topic	   *topic;

	/* Replayed commands make nothing: what was deleted since would come back. */
	if (source->topic == NULL || engine->is_recovering || engine->is_replaying)
		return OK;
	if (engine->single_partition_topics)
		config.n_partitions = 1;
	TRY(topics_find(engine->topics, str_of(source->topic), &topic, err));
	if (topic != NULL)
		return OK;
	return topics_create(engine->topics, str_of(source->topic), &config, &topic, err);
}

/* ---- what the planner asks of the world ---- */

static Status
describe_file(PlannerContext *context, FileSpec *spec, Error *err)
{
	const Engine *engine = context->host;
	const char	 *dot = strrchr(spec->path, '.');

	if (file_describe(context->arena, spec, !context->standard, err) == OK)
		return OK;
	if ((!engine->is_recovering && !engine->is_replaying) || spec->n_columns == 0)
		return FAILED;
	/*
	 * A file that is gone must not keep the data directory from being opened, nor a process from following its service: the query that reads
	 * it will say so.
	 */
	if (spec->format == NULL)
		spec->format = dot != NULL && strstr(dot, ".json") != NULL ? "JSON" : "CSV";
	if (spec->delimiter == '\0')
		spec->delimiter = ',';
	return OK;
}

/*
 * Partitions of a topic; 0: there is none.  Embedded topics need no administrator: a topic that does not exist may be made
 * with -n partitions where the statement does not say how many (n = 1; sluice test: 4, as its cases expect).
 */
static int
topic_partitions(PlannerContext *context, const char *name)
{
	Engine *engine = context->host;
	Topic  *topic = NULL;
	Error	ignored;

	if (engine->single_partition_topics) {
		/* Physical partitions say nothing: what a source over the topic was declared with does. */
		for (int i = 0; i < catalog_n_sources(context->catalog); i++) {
			const CatalogSource *s = catalog_source_at(context->catalog, i);

			if (s->topic != NULL && strcmp(s->topic, name) == 0)
				return s->n_partitions;
		}
		return engine->test_partitions != NULL ? engine->test_partitions(engine->test_context, name) : -4;
	}
	/* A place that cannot be reached is told when the topic is made or read. */
	if (engine_topic(engine, name, &topic, &ignored) == OK && topic != NULL)
		return topic->config.n_partitions;
	/* Kafka's topics are made only when the statement says how; a topic that is gone must not keep the log from being replayed. */
	return engine->on_kafka && !engine->is_replaying ? 0 : -1;
}

static int
topic_replicas(PlannerContext *context, const char *name)
{
	(void)context;
	(void)name;
	return 1;
}

static bool
table_is_kept(PlannerContext *context, const CatalogSource *table)
{
	return table_copy_is_kept(context->host, table);
}

void
planner_context_init(PlannerContext *planner, Engine *engine, Arena *arena, const CatalogSnapshot *snapshot,
					 const Settings *settings, bool standard)
{
	*planner = (PlannerContext){
		.arena = arena,
		.catalog = snapshot,
		.settings = settings,
		.standard = standard,
		.env = engine->env,
		.describe_file = describe_file,
		.topic_partitions = topic_partitions,
		.topic_replicas = topic_replicas,
		.file_access = engine->file_access,
		.registry = engine->registry,
		.functions = atomic_load(&engine->functions),
		.allows_missing = engine->is_recovering,
		.table_is_kept = engine->on_kafka ? table_is_kept : NULL,
		.partitions_may_differ = engine->on_kafka && engine->is_replaying,
		.partitions_given = engine->test_partitions != NULL,
		.host = engine,
	};
}
