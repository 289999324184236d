#ifndef SLUICE_SERVER_HEALTH_H
#define SLUICE_SERVER_HEALTH_H

/*
 * What /healthcheck tells: whether store, topics and command runner work.  They are looked at by a thread of its own when somebody asks and the last
 * look is older than ksql.healthcheck.interval.ms; a part that does not answer within healthcheck.timeout.ms is unhealthy, and only
 * that thread waits for it.  Changes are logged with their reason, which the answer does not have: it is for everybody.  Thread safe.
 */
#include "common/log.h"
#include "common/setting.h"
#include "engine/engine.h"

typedef struct Health Health;

typedef enum HealthPart { HEALTH_METASTORE, HEALTH_KAFKA, HEALTH_COMMANDS, HEALTH_PARTS } HealthPart;

/* ksqlDB's names of the parts. */
extern const char *const health_part_names[HEALTH_PARTS];

typedef struct HealthReport {
	bool is_healthy[HEALTH_PARTS];
} HealthReport;

/* All borrowed.  The engine's store must be open before the first look. */
Health *health_new(Engine *engine, const Settings *settings, Log *log);

/* Waits for a look in hand, however long that takes.  NULL does nothing. */
void health_free(Health *health);

/* The last report, if it is young enough or a look has stood still for longer than it may.  False: health_look tells. */
bool health_known(Health *health, HealthReport *out);

/* Looks, or waits for who does; at most healthcheck.timeout.ms.  Not on the loop's thread. */
void health_look(Health *health, HealthReport *out);

#endif
