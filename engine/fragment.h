#ifndef SLUICE_ENGINE_FRAGMENT_H
#define SLUICE_ENGINE_FRAGMENT_H

/*
 * A continuous plan cut at its exchanges, for topics that many processes read: what crosses an exchange goes through a repartition
 * topic, so that the next operators may be in another process.  A fragment is a plan of its own; on one partition of its inputs it is a
 * task.
 */
#include "exec/plan.h"
#include "io/connector.h"

typedef struct Fragment Fragment;
struct Fragment {
	Plan		plan;
	TopicSpec  *output;			/* the repartition topic that it writes; NULL: the last fragment, which has the plan's sink */
	bool		is_single;		/* one task for everything: operators that must see all partitions */
	bool		is_stateful;
	const char *changelog;		/* the topic that its state goes to; NULL: it has none */
	/*
	 * It reads files: the topic, of one partition without records, whose owner does.  It is single and reads nothing else, and its state has
	 * the positions.  NULL: it reads topics.
	 */
	const char *file_topic;
	bool		reads_file;
	int			n_feeders;		/* fragments whose output it reads */
	Fragment  **feeders;
	int			n_partitions;	/* tasks; set by fragments_set_partitions */
};

/*
 * Cuts the plan.  Fragments come after those that feed them.  `prefix` begins the names of topics, as in
 * "<prefix>-Repartition-1-repartition", "<prefix>-State-2-changelog" and "<prefix>-File-1-source".  The plan stays as it is, and is pointed into.
 */
void fragments_cut(Arena *arena, const Plan *plan, const char *prefix, Fragment ***out, int *n);

/*
 * Numbers of partitions, from those of the topics that are read (`partitions_of` gives them): a fragment has as many tasks as its input
 * with the most, or as the repartition topics that it reads have already.  ERROR_USER if it keeps state and its inputs differ.
 */
Status fragments_set_partitions(Fragment **fragments, int n, int (*partitions_of)(void *context, const TopicSpec *topic), void *context,
								Error *err);

#endif
