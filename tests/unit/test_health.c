/* server/health: each part fails alone, or stands still. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/engine_impl.h"
#include "server/health.h"

#define LONG_MS "60000"		/* that a part may take for its answer: no machine is so busy */
#define WAIT_MS "2000"		/* where it is waited for, and a look that waits for nothing is quicker than that */
#define BLOCKED_MS "500"	/* after which a command in hand is too long */

/* An I/O point fails, or waits until the gate is opened; said while the store's own thread is at work. */
typedef struct World {
	const char	   *_Atomic fails;			/* NULL: none */
	const char	   *_Atomic waits;
	pthread_mutex_t gate;
	Env				env;
	char			directory[64];
	Settings	   *settings;
	Engine		   *engine;
	Health		   *health;
} World;

static bool
world_fault(const Env *env, const char *name)
{
	World	   *world = env->context;
	const char *waits = world->waits, *fails;

	if (waits != NULL && strcmp(name, waits) == 0) {
		pthread_mutex_lock(&world->gate);
		pthread_mutex_unlock(&world->gate);
	}
	fails = world->fails;
	return fails != NULL && strcmp(name, fails) == 0;
}

static void
world_set(World *world, const char *name, const char *value)
{
	Error err;

	ck_assert_int_eq(settings_set(world->settings, name, value, &err), OK);
}

static void
world_open(World *world, const char *interval_ms, const char *timeout_ms)
{
	Error err;

	*world = (World){.env = env_real};
	strcpy(world->directory, "/tmp/sluice-health-XXXXXX");
	ck_assert(mkdtemp(world->directory) != NULL);
	world->env.fault = world_fault;
	world->env.context = world;
	pthread_mutex_init(&world->gate, NULL);
	world->settings = settings_new(NULL);
	world_set(world, "ksql.healthcheck.interval.ms", interval_ms);
	world_set(world, "healthcheck.timeout.ms", timeout_ms);
	world_set(world, "ksql.server.command.blocked.threshold.error.ms", BLOCKED_MS);
	ck_assert_int_eq(engine_open(&(EngineOptions){.directory = world->directory, .env = &world->env, .settings = world->settings}, &world->engine, &err), OK);
	ck_assert_int_eq(engine_need_store(world->engine, &err), OK);
	world->health = health_new(world->engine, world->settings, NULL);
}

static void
world_close(World *world)
{
	char command[128];

	health_free(world->health);
	engine_close(world->engine);
	settings_free(world->settings);
	pthread_mutex_destroy(&world->gate);
	snprintf(command, sizeof command, "rm -rf %s", world->directory);
	ck_assert_int_eq(system(command), 0);
}

static void
assert_healthy(World *world, bool metastore, bool kafka, bool commands)
{
	HealthReport report;

	health_look(world->health, &report);
	ck_assert_int_eq(report.is_healthy[HEALTH_METASTORE], metastore);
	ck_assert_int_eq(report.is_healthy[HEALTH_KAFKA], kafka);
	ck_assert_int_eq(report.is_healthy[HEALTH_COMMANDS], commands);
}

START_TEST(each_part_fails_alone)
{
	World		 world;
	HealthReport report;
	Nanos		 began;

	world_open(&world, "0", LONG_MS);
	assert_healthy(&world, true, true, true);
	world.fails = "store.read";
	assert_healthy(&world, false, true, true);
	world.fails = "store.full";
	assert_healthy(&world, true, false, true);
	world.fails = NULL;
	assert_healthy(&world, true, true, true);
	began = nanos_now();
	engine_lock_ddl(world.engine);
	health_look(world.health, &report);
	if (nanos_now() - began < atoi(BLOCKED_MS) * INT64_C(1000000))
		ck_assert(report.is_healthy[HEALTH_COMMANDS]);		/* not for long enough */
	while (nanos_now() - began < 2 * atoi(BLOCKED_MS) * INT64_C(1000000))
		usleep(10000);
	assert_healthy(&world, true, true, false);
	engine_unlock_ddl(world.engine);
	assert_healthy(&world, true, true, true);
	world.engine->n_skipped++;
	assert_healthy(&world, true, true, false);
	world_close(&world);
}
END_TEST

/* The look that stands still is waited for once, and by nobody else. */
START_TEST(a_part_that_stands_still)
{
	World		 world;
	HealthReport report;
	Nanos		 began;

	world_open(&world, "0", WAIT_MS);
	assert_healthy(&world, true, true, true);
	pthread_mutex_lock(&world.gate);
	world.waits = "store.commit";
	began = nanos_now();
	assert_healthy(&world, true, false, true);
	ck_assert(nanos_now() - began >= atoi(WAIT_MS) * INT64_C(1000000));
	began = nanos_now();
	ck_assert(health_known(world.health, &report) && report.is_healthy[HEALTH_METASTORE] && !report.is_healthy[HEALTH_KAFKA]);
	assert_healthy(&world, true, false, true);
	ck_assert(nanos_now() - began < atoi(WAIT_MS) * INT64_C(1000000));
	world.waits = NULL;
	pthread_mutex_unlock(&world.gate);
	for (int i = 0; i < 5000 && !report.is_healthy[HEALTH_KAFKA]; i++) {
		usleep(20000);
		health_look(world.health, &report);
	}
	assert_healthy(&world, true, true, true);
	world_close(&world);
}
END_TEST

START_TEST(a_report_is_used_again)
{
	World		 world;
	HealthReport report;

	world_open(&world, "60000", LONG_MS);
	ck_assert(!health_known(world.health, &report));
	assert_healthy(&world, true, true, true);
	world.fails = "store.read";
	ck_assert(health_known(world.health, &report) && report.is_healthy[HEALTH_METASTORE]);
	assert_healthy(&world, true, true, true);
	world_close(&world);
}
END_TEST

/* A file that was taken away or replaced is still open, and all that is written to it is lost. */
START_TEST(a_file_that_is_gone)
{
	World world;
	char  path[128], moved[128];
	FILE *other;

	world_open(&world, "0", LONG_MS);
	snprintf(path, sizeof path, "%s/sluice.db", world.directory);
	snprintf(moved, sizeof moved, "%s/moved", world.directory);
	ck_assert_int_eq(rename(path, moved), 0);
	assert_healthy(&world, false, true, true);
	other = fopen(path, "w");
	ck_assert(other != NULL);
	fclose(other);
	assert_healthy(&world, false, true, true);
	ck_assert_int_eq(rename(moved, path), 0);
	assert_healthy(&world, true, true, true);
	world_close(&world);
}
END_TEST

int
main(void)
{
	Suite  *suite = suite_create("health");
	TCase  *tc = tcase_create("all");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, each_part_fails_alone);
	tcase_add_test(tc, a_part_that_stands_still);
	tcase_add_test(tc, a_report_is_used_again);
	tcase_add_test(tc, a_file_that_is_gone);
	suite_add_tcase(suite, tc);

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int		failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
