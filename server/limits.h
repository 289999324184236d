#ifndef SLUICE_SERVER_LIMITS_H
#define SLUICE_SERVER_LIMITS_H

/*
 * How much clients may ask of a server at a time: rates, numbers of queries, bandwidth.  Each refusal says which setting it is.
 *
 *	what is begun			limits												API error
 *	push query				ksql.max.push.queries, user.max.queries				40003
 *	pull query				ksql.query.pull.max.qps, .concurrent.requests,		42900
 *							.hourly.bandwidth.megabytes, user.max.queries
 *	PRINT					as a push query, and POOL_THREADS / 2				40003
 *	change of the catalog	ksql.server.command.topic.rate.limit				42900
 *
 * Thread safe; one short lock a query.
 */
#include "common/env.h"
#include "common/setting.h"

typedef struct Limits Limits;

/* Of a server, unless its options say otherwise: for what may block. */
#define POOL_THREADS 100

Limits *limits_new(const Settings *settings);
void	limits_free(Limits *limits);

/* ERROR_USER: at the limit.  After OK the matching end must follow.  `user` NULL: nobody is logged in. */
Status limits_begin_push(Limits *limits, const char *user, Error *err);
void   limits_end_push(Limits *limits, const char *user);
Status limits_begin_pull(Limits *limits, const char *user, Error *err);
void   limits_end_pull(Limits *limits, const char *user, int64_t bytes_sent);

/* PRINT, which is a push query that holds a thread. */
Status limits_begin_print(Limits *limits, const char *user, Error *err);
void   limits_end_print(Limits *limits, const char *user);

/* A statement that changes the catalog is about to be executed. */
Status limits_command(Limits *limits, Error *err);

/* What is going on, for metrics. */
typedef struct LimitCounts {
	int64_t n_push, n_pull;			/* now */
	int64_t n_refused;				/* since the start */
} LimitCounts;
LimitCounts limits_counts(Limits *limits);

/* ---- a bucket of tokens: `rate` a second, at most a second's worth saved up ---- */
typedef struct TokenBucket {
	double rate;		/* <= 0: no limit */
	double tokens;
	Nanos  last;
} TokenBucket;

bool token_bucket_take(TokenBucket *bucket, Nanos now);

#endif
