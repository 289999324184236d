#include "server/limits.h"

#include <pthread.h>
#include <stdlib.h>

#define MINUTES 60
#define MINUTE_NANOS INT64_C(60000000000)
#define UNLIMITED INT64_C(2147483647)

typedef struct UserCount {
	char   *name;
	int64_t n;
} UserCount;

struct Limits {
	pthread_mutex_t lock;
	int64_t			max_push, max_pull, max_user;
	int64_t			max_hour_bytes;		/* 0: no limit */
	TokenBucket		pull_rate;
	TokenBucket		command_rate;
	int64_t			n_push, n_pull, n_refused;
	int64_t			n_print;			/* of n_push */
	int64_t			minute_bytes[MINUTES];	/* of the last hour, by minute */
	int64_t			minute;
	int				n_users;
	int				user_capacity;
	UserCount	   *users;				/* who has queries running */
};

bool
token_bucket_take(TokenBucket *bucket, Nanos now)
{
	double burst = bucket->rate > 1 ? bucket->rate : 1;

	if (bucket->rate <= 0)
		return true;
	if (bucket->last == 0)
		bucket->tokens = burst;
	else
		bucket->tokens += (double)(now - bucket->last) / 1e9 * bucket->rate;
	bucket->last = now;
	if (bucket->tokens > burst)
		bucket->tokens = burst;
	if (bucket->tokens < 1)
		return false;
	bucket->tokens -= 1;
	return true;
}

Limits *
limits_new(const Settings *settings)
{
	Limits	   *limits = xcalloc(1, sizeof *limits);
	int64_t		qps = settings_int(settings, "ksql.query.pull.max.qps");
	int64_t		megabytes = settings_int(settings, "ksql.query.pull.max.hourly.bandwidth.megabytes");
	const char *commands = settings_text(settings, "ksql.server.command.topic.rate.limit");

	pthread_mutex_init(&limits->lock, NULL);
	limits->max_push = settings_int(settings, "ksql.max.push.queries");
	limits->max_pull = settings_int(settings, "ksql.query.pull.max.concurrent.requests");
	limits->max_user = settings_int(settings, "user.max.queries");
	limits->max_hour_bytes = megabytes >= UNLIMITED ? 0 : megabytes * 1024 * 1024;
	limits->pull_rate.rate = qps >= UNLIMITED ? 0 : (double)qps;
	limits->command_rate.rate = commands != NULL ? strtod(commands, NULL) : 0;
	return limits;
}

void
limits_free(Limits *limits)
{
	if (limits == NULL)
		return;
	for (int i = 0; i < limits->n_users; i++)
		free(limits->users[i].name);
	free(limits->users);
	pthread_mutex_destroy(&limits->lock);
	free(limits);
}

/* ---- users; under the lock ---- */

static UserCount *
find_user(Limits *limits, const char *name)
{
	for (int i = 0; i < limits->n_users; i++)
		if (strcmp(limits->users[i].name, name) == 0)
			return &limits->users[i];
	return NULL;
}

static Status
user_begin(Limits *limits, const char *name, Error *err)
{
	UserCount *user;

	if (name == NULL || limits->max_user <= 0)
		return OK;
	user = find_user(limits, name);
	if (user == NULL) {
		grow_array(limits->users, limits->n_users, limits->user_capacity);
		user = &limits->users[limits->n_users++];
		*user = (UserCount){.name = xstrdup(name)};
	}
	if (user->n >= limits->max_user) {
		error_user(err, "User '%s' has %lld queries running, which is the limit", name, (long long)user->n);
		return error_hint(err, "End some of them, or raise the server's setting user.max.queries.");
	}
	user->n++;
	return OK;
}

/* Only who has something running is kept. */
static void
user_end(Limits *limits, const char *name)
{
	UserCount *user = name != NULL ? find_user(limits, name) : NULL;

	if (user == NULL || --user->n > 0)
		return;
	free(user->name);
	*user = limits->users[--limits->n_users];
}

/* ---- bandwidth; under the lock ---- */

static void
bandwidth_pass(Limits *limits, Nanos now)
{
	int64_t minute = now / MINUTE_NANOS;

	if (minute - limits->minute >= MINUTES)
		memset(limits->minute_bytes, 0, sizeof limits->minute_bytes);
	else
		while (limits->minute < minute)
			limits->minute_bytes[++limits->minute % MINUTES] = 0;
	limits->minute = minute;
}

static int64_t
bandwidth_used(const Limits *limits)
{
	int64_t bytes = 0;

	for (int i = 0; i < MINUTES; i++)
		bytes += limits->minute_bytes[i];
	return bytes;
}

/* ---- beginning and ending ---- */

static Status
check_push(Limits *limits, const char *user, Error *err)
{
	if (limits->n_push >= limits->max_push) {
		error_user(err, "The server runs %lld push queries, which is the limit", (long long)limits->n_push);
		return error_hint(err, "End one with /close-query or TERMINATE, or raise the server's setting ksql.max.push.queries.");
	}
	return user_begin(limits, user, err);
}

Status
limits_begin_push(Limits *limits, const char *user, Error *err)
{
	Status status;

	pthread_mutex_lock(&limits->lock);
	status = check_push(limits, user, err);
	limits->n_push += status == OK;
	limits->n_refused += status != OK;
	pthread_mutex_unlock(&limits->lock);
	return status;
}

void
limits_end_push(Limits *limits, const char *user)
{
	pthread_mutex_lock(&limits->lock);
	limits->n_push--;
	user_end(limits, user);
	pthread_mutex_unlock(&limits->lock);
}

/* The other half of the threads is for statements that end. */
static Status
check_print(Limits *limits, const char *user, Error *err)
{
	if (limits->n_print >= POOL_THREADS / 2) {
		error_user(err, "The server prints topics for %lld clients, which is the limit", (long long)limits->n_print);
		return error_hint(err, "End one, or read the topic with SELECT ... EMIT CHANGES.");
	}
	return check_push(limits, user, err);
}

Status
limits_begin_print(Limits *limits, const char *user, Error *err)
{
	Status status;

	pthread_mutex_lock(&limits->lock);
	status = check_print(limits, user, err);
	limits->n_push += status == OK;
	limits->n_print += status == OK;
	limits->n_refused += status != OK;
	pthread_mutex_unlock(&limits->lock);
	return status;
}

void
limits_end_print(Limits *limits, const char *user)
{
	pthread_mutex_lock(&limits->lock);
	limits->n_push--;
	limits->n_print--;
	user_end(limits, user);
	pthread_mutex_unlock(&limits->lock);
}

static Status
check_pull(Limits *limits, const char *user, Error *err)
{
	Nanos now = nanos_now();

	if (limits->n_pull >= limits->max_pull)
		return error_user(err, "Host is at concurrency limit for pull queries. Currently set to %lld maximum concurrent requests.",
						  (long long)limits->max_pull);
	if (limits->max_hour_bytes > 0) {
		bandwidth_pass(limits, now);
		if (bandwidth_used(limits) >= limits->max_hour_bytes)
			return error_user(err, "Host is at bandwidth rate limit for pull queries. Currently set to %lld megabytes an hour.",
							  (long long)(limits->max_hour_bytes / 1024 / 1024));
	}
	TRY(user_begin(limits, user, err));
	if (!token_bucket_take(&limits->pull_rate, now)) {
		user_end(limits, user);
		return error_user(err, "Host is at rate limit for pull queries. Currently set to %.0f qps.", limits->pull_rate.rate);
	}
	return OK;
}

Status
limits_begin_pull(Limits *limits, const char *user, Error *err)
{
	Status status;

	pthread_mutex_lock(&limits->lock);
	status = check_pull(limits, user, err);
	limits->n_pull += status == OK;
	limits->n_refused += status != OK;
	pthread_mutex_unlock(&limits->lock);
	return status;
}

void
limits_end_pull(Limits *limits, const char *user, int64_t bytes_sent)
{
	pthread_mutex_lock(&limits->lock);
	limits->n_pull--;
	user_end(limits, user);
	if (limits->max_hour_bytes > 0) {
		bandwidth_pass(limits, nanos_now());
		limits->minute_bytes[limits->minute % MINUTES] += bytes_sent;
	}
	pthread_mutex_unlock(&limits->lock);
}

Status
limits_command(Limits *limits, Error *err)
{
	bool may;

	pthread_mutex_lock(&limits->lock);
	may = token_bucket_take(&limits->command_rate, nanos_now());
	limits->n_refused += !may;
	pthread_mutex_unlock(&limits->lock);
	if (may)
		return OK;
	error_user(err, "Statements that change the catalog come too fast: the limit is %g a second", limits->command_rate.rate);
	return error_hint(err, "Try again in a second (setting ksql.server.command.topic.rate.limit).");
}

LimitCounts
limits_counts(Limits *limits)
{
	LimitCounts counts;

	pthread_mutex_lock(&limits->lock);
	counts = (LimitCounts){limits->n_push, limits->n_pull, limits->n_refused};
	pthread_mutex_unlock(&limits->lock);
	return counts;
}
