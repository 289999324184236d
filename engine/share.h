#ifndef SLUICE_ENGINE_SHARE_H
#define SLUICE_ENGINE_SHARE_H

/*
 * Persistent queries on Kafka: the share that this process has of one.  The query's plan is cut into fragments; all their inputs are
 * read by one consumer group, and Kafka decides which partitions are read here.  State of a partition goes to its changelog topic and
 * into the store, from where it is loaded when the partition comes back; what the store lacks comes from the changelog.
 *
 * An epoch is one transaction: records for topics, changes of state, positions.
 */
#include "engine/engine_impl.h"

typedef struct Share Share;

/* Plans the fragments.  Asks Kafka nothing. */
Share *share_new(Query *query);

/* Ends reading: what is not committed never counts.  The share can go on with share_run_epoch. */
void share_close(Share *share);
void share_free(Share *share);		/* NULL does nothing */

/* The name of a query's group, malloc'ed. */
char *share_group_id(const Engine *engine, const char *query_id);

/* What the group of a query has committed in a topic, by partition, wherever its members are; 0: nothing. */
Status share_positions(Engine *engine, const char *query_id, Topic *topic, int64_t *positions, Error *err);

/* The copies of state that others work on; as long as the share. */
struct Standby *share_standby(const Share *share);

/* One epoch, committed; as query_run_epoch. */
Status share_run_epoch(Share *share, int64_t *n_rows, Error *err);

/* Adds what its runs have done. */
void share_add_figures(const Share *share, StreamRunFigures *out);

/* After a failed epoch: back to what is committed.  `for_good`: the group is left too. */
void share_recover(Share *share, bool for_good);

/* Refuses plans that cannot be shared, before they are a command: other sources than topics and files, inputs that are not co-partitioned. */
Status share_check(Engine *engine, const Plan *plan, Error *err);

/* When the query was created here: makes the internal topics, and fixes where reading starts if that is the latest. */
Status share_create(Share *share, Error *err);

/* Removes the internal topics and the group's positions: the query is dropped. */
void share_drop(Share *share);

/*
 * Waits until the group, wherever its members are, has committed all that its topics had when this was called.  Starts the query here
 * if nobody runs it.
 */
Status share_wait(Engine *engine, const char *query_id, const _Atomic bool *interrupted, Error *err);

#endif
