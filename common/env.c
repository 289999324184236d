#include "common/env.h"

#include <sys/random.h>
#include <time.h>

static Time
real_now(const Env *env)
{
	struct timespec t;

	(void)env;
	clock_gettime(CLOCK_REALTIME, &t);
	return (Time)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint64_t
real_random(const Env *env)
{
	uint64_t bits = 0;

	(void)env;
	if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits)
		bits = (uint64_t)nanos_now() * 0x9e3779b97f4a7c15ULL;
	return bits;
}

const Env env_real = {.now = real_now, .random = real_random};

Nanos
nanos_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (Nanos)t.tv_sec * 1000000000 + t.tv_nsec;
}
