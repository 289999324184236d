#include "server/health.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "engine/health.h"

const char *const health_part_names[HEALTH_PARTS] = {"metastore", "kafka", "commandRunner"};

struct Health {
	Engine		   *engine;
	const Settings *settings;
	Log			   *log;
	pthread_mutex_t lock;			/* all below */
	pthread_cond_t	wanted;
	pthread_cond_t	done;
	pthread_t		looker;
	bool			has_looker;
	bool			is_closing;
	bool			is_looking;
	Nanos			began;			/* the look in hand */
	HealthPart		in_hand;		/* the part that it is at; those before it are in `now` */
	HealthReport	now;
	HealthReport	last;
	Nanos			looked;			/* when `last` was known; 0: never */
};

static Nanos
setting_nanos(const Health *self, const char *name)
{
	return settings_int(self->settings, name) * 1000000;
}

/* ---- looking ---- */

static Status
check_commands(Health *self, Error *err)
{
	CommandRunnerState state =
		engine_command_runner(self->engine, settings_int(self->settings, "ksql.server.command.blocked.threshold.error.ms"));

	if (state == COMMANDS_BLOCKED)
		return error_fatal(err, "A statement that changes the catalog holds up the others");
	if (state == COMMANDS_DEGRADED)
		return error_fatal(err, "A command of the service could not be applied here");
	return OK;
}

static Status
check_part(Health *self, HealthPart part, Error *err)
{
	switch (part) {
	case HEALTH_METASTORE:
		return engine_check_store(self->engine, err);
	case HEALTH_KAFKA:
		return engine_check_topics(self->engine, settings_int(self->settings, "healthcheck.timeout.ms"), err);
	default:
		return check_commands(self, err);
	}
}

static void
tell_change(const Health *self, HealthPart part, bool is_healthy, const Error *err)
{
	bool	 was_healthy = self->looked == 0 || self->last.is_healthy[part];
	LogField fields[] = {LOG_TEXT("part", health_part_names[part]), LOG_TEXT("reason", is_healthy ? NULL : err->message)};

	if (is_healthy != was_healthy)
		log_event(self->log, is_healthy ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "server", fields, 2, is_healthy ? "Healthy again" : "Not healthy");
}

/* Under the lock, which it lets go while a part is asked. */
static void
look_at_parts(Health *self)
{
	for (int part = 0; part < HEALTH_PARTS; part++) {
		Error  err;
		Status status;

		self->in_hand = (HealthPart)part;
		pthread_mutex_unlock(&self->lock);
		status = check_part(self, (HealthPart)part, &err);
		pthread_mutex_lock(&self->lock);
		self->now.is_healthy[part] = status == OK;
		tell_change(self, (HealthPart)part, status == OK, &err);
	}
	self->last = self->now;
	self->looked = nanos_now();
	self->is_looking = false;
	pthread_cond_broadcast(&self->done);
}

static void *
looker_main(void *argument)
{
	Health *self = argument;

	pthread_mutex_lock(&self->lock);
	while (!self->is_closing) {
		if (self->is_looking)
			look_at_parts(self);
		else
			pthread_cond_wait(&self->wanted, &self->lock);
	}
	pthread_mutex_unlock(&self->lock);
	return NULL;
}

/* ---- asking; under the lock ---- */

static bool
is_young(const Health *self)
{
	return !self->is_looking && self->looked != 0 && nanos_now() - self->looked < setting_nanos(self, "ksql.healthcheck.interval.ms");
}

static bool
is_stuck(const Health *self)
{
	return self->is_looking && nanos_now() - self->began >= setting_nanos(self, "healthcheck.timeout.ms");
}

/* What is not known by now does not work, but for the commands, which are behind a part that stands still and can be asked at once. */
static HealthReport
report_of(Health *self)
{
	HealthReport report = self->last;
	Error		 ignored;

	if (!self->is_looking)
		return report;
	for (int part = 0; part < HEALTH_PARTS; part++)
		report.is_healthy[part] = part < (int)self->in_hand && self->now.is_healthy[part];
	report.is_healthy[HEALTH_COMMANDS] = check_commands(self, &ignored) == OK;
	return report;
}

static void
begin_look(Health *self)
{
	if (self->is_looking)
		return;
	if (!self->has_looker)
		self->has_looker = pthread_create(&self->looker, NULL, looker_main, self) == 0;
	self->is_looking = true;
	self->in_hand = HEALTH_METASTORE;
	self->began = nanos_now();
	pthread_cond_signal(&self->wanted);
}

bool
health_known(Health *self, HealthReport *out)
{
	bool is_known;

	pthread_mutex_lock(&self->lock);
	is_known = is_young(self) || is_stuck(self);
	if (is_known)
		*out = report_of(self);
	pthread_mutex_unlock(&self->lock);
	return is_known;
}

void
health_look(Health *self, HealthReport *out)
{
	pthread_mutex_lock(&self->lock);
	if (!is_young(self))
		begin_look(self);
	while (self->is_looking && !is_stuck(self)) {
		Nanos			until = self->began + setting_nanos(self, "healthcheck.timeout.ms");
		struct timespec limit = {.tv_sec = (time_t)(until / 1000000000), .tv_nsec = (long)(until % 1000000000)};

		pthread_cond_timedwait(&self->done, &self->lock, &limit);
	}
	*out = report_of(self);
	pthread_mutex_unlock(&self->lock);
}

/* ---- life ---- */

Health *
health_new(Engine *engine, const Settings *settings, Log *log)
{
	Health			  *self = xcalloc(1, sizeof *self);
	pthread_condattr_t monotonic;

	self->engine = engine;
	self->settings = settings;
	self->log = log;
	pthread_mutex_init(&self->lock, NULL);
	pthread_cond_init(&self->wanted, NULL);
	/* Waits until a time of nanos_now. */
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&self->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return self;
}

void
health_free(Health *self)
{
	if (self == NULL)
		return;
	pthread_mutex_lock(&self->lock);
	self->is_closing = true;
	pthread_cond_signal(&self->wanted);
	pthread_mutex_unlock(&self->lock);
	if (self->has_looker)
		pthread_join(self->looker, NULL);
	pthread_mutex_destroy(&self->lock);
	pthread_cond_destroy(&self->wanted);
	pthread_cond_destroy(&self->done);
	free(self);
}
