/*
 * Many processes of one service on Kafka: all statements that change the catalog are commands in one topic, which every process reads
 * from its start.  Whoever decides on one fences the others first; what others decided is applied here as it comes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/engine_impl.h"
#include "io/connector/kafka/kafka.h"

#define FOLLOW_MS 100
#define INSTANCE "kafka/instance"

typedef struct Cluster {
	Engine		 *engine;
	KafkaLog	 *log;				/* under lock_ddl */
	pthread_t	  follower;
	bool		  has_follower;
	_Atomic bool  is_closing;
} Cluster;

/* A name for this data directory that no other has: transactions that a crash left open are ended by the next start. */
static Status
find_instance(Engine *engine, Error *err)
{
	StrBuf	   name = {0};
	StoreUnit *unit;
	Status	   status = store_meta_get(engine->store, STR(INSTANCE), &name, err);

	if (status == DONE) {
		strbuf_printf(&name, "%016llx", (unsigned long long)engine->env->random(engine->env));
		unit = store_unit_new(engine->store);
		store_unit_meta(unit, STR(INSTANCE), strbuf_str(&name));
		status = store_commit(engine->store, unit, err);
		store_unit_free(unit);
	}
	if (status == OK)
		engine->instance = xstrdup(strbuf_text(&name));
	strbuf_free(&name);
	return status;
}

/* An instance that serves others is found by its address, as in "sluice-1f00@host:8088". */
static void
name_member(Engine *engine)
{
	StrBuf name = {0};

	strbuf_printf(&name, "sluice-%s", engine->instance);
	if (strchr(engine->host, ':') != NULL)
		strbuf_printf(&name, "@%s", engine->host);
	engine->member = xstrdup(strbuf_text(&name));
	strbuf_free(&name);
}

/*
 * A command that another process decided on.  One that cannot be applied here must not keep this process from the others: it is
 * left out, as what it makes would be.
 */
static Status
apply_command(void *context, int64_t sequence, Str command, Error *err)
{
	Engine *engine = context;
	Error	failure;

	(void)err;
	engine->n_commands = sequence + 1;
	if (ddl_replay(engine, command, &failure) == FAILED) {
		LogField fields[] = {LOG_INT("command", sequence), LOG_TEXT("error", failure.message)};

		engine->n_skipped++;
		log_event(engine->log, LOG_LEVEL_ERROR, "engine", fields, 2, "A command of the service could not be applied here");
		snprintf(engine->skipped_command, sizeof engine->skipped_command, "Command %lld of the service could not be applied here: %.900s",
				 (long long)sequence, failure.message);
	}
	return OK;
}

/* Under lock_ddl. */
static Status
follow(Cluster *self, bool wait, Error *err)
{
	Engine *engine = self->engine;
	Status	status;

	engine->is_replaying = true;
	status = kafka_log_follow(self->log, wait, apply_command, engine, err);
	engine->is_replaying = false;
	return status;
}

static void *
follower_main(void *argument)
{
	Cluster *self = argument;

	while (!self->is_closing) {
		Error ignored;

		/* Brokers that are away come back; a statement that needs them says that they are. */
		engine_lock_ddl(self->engine);
		follow(self, false, &ignored);
		engine_unlock_ddl(self->engine);
		nanosleep(&(struct timespec){.tv_nsec = FOLLOW_MS * 1000000}, NULL);
	}
	return NULL;
}

Status
cluster_open(Engine *engine, Error *err)
{
	Cluster	   *self = xcalloc(1, sizeof *self);
	const char *service = settings_text(engine->settings, "ksql.service.id");
	StrBuf		topic = {0};
	Status		status;

	self->engine = engine;
	engine->cluster = self;
	TRY_OUT(find_instance(engine, err));
	name_member(engine);
	TRY_OUT(topics_kafka_open(engine->settings, engine->store, &engine->topics, err));
	strbuf_printf(&topic, "_confluent-ksql-%s_command_topic", service);
	TRY_OUT(kafka_log_open(engine->topics, strbuf_text(&topic), service, engine->settings, &self->log, err));
	TRY_OUT(processing_log_declare(engine, err));
	TRY_OUT(follow(self, true, err));
out:
	strbuf_free(&topic);
	return status;
}

Status
cluster_follow(Engine *engine, Error *err)
{
	Cluster *self = engine->cluster;

	if (pthread_create(&self->follower, NULL, follower_main, self) != 0)
		return error_fatal(err, "Cannot start a thread to follow the command topic");
	self->has_follower = true;
	return OK;
}

void
cluster_close(Engine *engine)
{
	Cluster *self = engine->cluster;

	if (self == NULL)
		return;
	self->is_closing = true;
	if (self->has_follower)
		pthread_join(self->follower, NULL);
	kafka_log_close(self->log);
	free(self);
	engine->cluster = NULL;
}

Status
cluster_begin(Engine *engine, Error *err)
{
	engine->was_fenced = false;
	TRY(kafka_log_begin(engine->cluster->log, err));
	return follow(engine->cluster, true, err);
}

Status
cluster_append(Engine *engine, Str command, int64_t *sequence, Error *err)
{
	Status status = kafka_log_append(engine->cluster->log, command, sequence, err);

	engine->was_fenced = status == FAILED && err->class == ERROR_TRANSIENT;
	return status;
}
