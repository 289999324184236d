#ifndef SLUICE_ENGINE_QUERY_STATES_H
#define SLUICE_ENGINE_QUERY_STATES_H

/*
 * States of queries over all processes of a service on Kafka.  Who runs a query is a member of its group, which Kafka tells.  Who failed has
 * left the group: it leaves word in a compacted topic, one record a query and process, repeated while it is so, and takes it back when
 * the query runs again.  Meanwhile the process is a member of another group, by which it is seen that it is there: the word of one that is
 * gone counts no more when its session has ended.
 */
#include "engine/engine_impl.h"

/* A query in another process. */
typedef struct QueryElsewhere {
	const char *query_id;
	const char *host;			/* "host:port" that it is known by; NULL: it serves nobody */
	const char *error;			/* NULL: it runs */
} QueryElsewhere;

typedef struct QueryStates {
	int				n;
	int				capacity;
	QueryElsewhere *items;		/* malloc'ed; texts are the arena's */
} QueryStates;

/* What the other processes say, as far as brokers answer; nothing if topics are not on Kafka.  Under no lock. */
void query_states_collect(Engine *engine, Arena *arena, QueryStates *out);
void query_states_free(QueryStates *states);

/* In ksqlDB's words: RUNNING, PAUSED, ERROR; UNRESPONSIVE if query is NULL.  Under lock_queries. */
const char *query_api_state(const Query *query);

/* In how many processes a query is in each of these states. */
typedef struct QueryCounts {
	int			n_running;
	int			n_paused;
	int			n_error;
	int			n_silent;
	const char *error;		/* of one of them; NULL: none */
} QueryCounts;

/* elsewhere, query (what it is here): may be NULL.  Under lock_queries. */
QueryCounts query_states_count(const QueryStates *elsewhere, const char *id, const Query *query);

/* Leaves word that the query is in ERROR, or takes it back (text NULL).  A failure to do so is not told: the state here is what counts. */
void query_states_tell(Query *query, const char *text);

/* Nobody is told any more that this process is there. */
void query_states_leave(Engine *engine);

/* Repeats what is still so.  Under lock_queries, which it lets go meanwhile. */
void query_states_repeat(Engine *engine);

#endif
