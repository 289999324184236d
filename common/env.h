#ifndef SLUICE_COMMON_ENV_H
#define SLUICE_COMMON_ENV_H

/*
 * The world outside, as the engine sees it: clock, randomness and fault injection.  Everything that needs the wall
 * clock or random numbers takes a `const Env *`, so that tests run on a clock that stands still or jumps.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t Time;	/* milliseconds since 1970-01-01 UTC */
typedef int64_t Nanos;	/* monotonic nanoseconds, for measuring only */

/* Times come from records and lengths from statements: at the ends of what can be told the sum stays there. */
static inline Time
time_shift(Time t, int64_t ms)
{
	Time sum;

	return __builtin_add_overflow(t, ms, &sum) ? (ms > 0 ? INT64_MAX : INT64_MIN) : sum;
}

typedef struct Env Env;
struct Env {
	Time (*now)(const Env *env);
	uint64_t (*random)(const Env *env);		/* 64 random bits */
	/* True makes the I/O point `name` (e.g. "store.commit") fail.  NULL: nothing fails. */
	bool (*fault)(const Env *env, const char *name);
	void   *context;						/* of the implementation */
};

extern const Env env_real;

static inline Time
env_now(const Env *env)
{
	return env->now(env);
}

static inline bool
env_fault(const Env *env, const char *name)
{
	return env->fault != NULL && env->fault(env, name);
}

Nanos nanos_now(void);

#endif
