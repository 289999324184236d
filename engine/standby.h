#ifndef SLUICE_ENGINE_STANDBY_H
#define SLUICE_ENGINE_STANDBY_H

/*
 * Copies of state that others work on (num.standby.replicas): a thread reads the changelogs of such partitions into the store, so that
 * taking one over needs what was written last instead of everything.
 *
 * Nobody has to agree on who stands by.  Kafka's assignor shares partitions out by the order of the members' names; who would be given a
 * partition if its owner were gone is the first to stand by for it, who would be given it if that one were gone too the second.
 *
 * Threads: all calls are the share's, but standby_visit, which is for anybody.
 */
#include "engine/changelog.h"

typedef struct Standby Standby;

/* Does nothing until it is started. */
Standby *standby_new(Engine *engine, const char *query_id, const char *group_id, const Settings *settings);
void	 standby_free(Standby *standby);		/* NULL does nothing */

/* Adds the partitions of a changelog.  Before it is started; the topic is borrowed. */
void standby_add(Standby *standby, Topic *changelog);

/* Starts the thread, if any copies are wanted; standby_stop ends it and forgets the changelogs. */
Status standby_start(Standby *standby, Error *err);
void   standby_stop(Standby *standby);

/* Says whether a partition is worked on here: it is not written to by the thread from then on until it is no more. */
void standby_set_owned(Standby *standby, const Topic *changelog, int partition, bool is_owned);

/* Between these nothing is written, and what the store has is looked up anew afterwards. */
void standby_pause(Standby *standby);
void standby_resume(Standby *standby);

/* A partition for which this process stands by. */
typedef struct StandbyCopy {
	const char *changelog;		/* borrowed for the call */
	int			partition;
	int64_t		position;		/* the copy has what is before it */
	int64_t		end;			/* of the changelog, some seconds ago at most */
} StandbyCopy;

void standby_visit(Standby *standby, void (*visit)(void *context, const StandbyCopy *copy), void *context);

#endif
