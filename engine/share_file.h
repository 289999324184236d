#ifndef SLUICE_ENGINE_SHARE_FILE_H
#define SLUICE_ENGINE_SHARE_FILE_H

/*
 * Files that a query on Kafka reads.  Whoever is given the one partition of the fragment's topic without records (Fragment.file_topic)
 * reads them; their positions are state of the fragment, in its changelog with everything else, so that whoever goes on knows them.  When
 * they are at their end, the group's position in that topic becomes FILES_READ, by which the others see it.
 */
#include "engine/share_impl.h"

#define FILES_READ 1

/* The position that is committed; false: the input was never read. */
bool share_file_committed(const ShareRun *run, const char *input, int partition, int64_t *position);

/* The position that the epoch in hand reaches. */
void share_file_position(ShareRun *run, const char *input, int partition, int64_t position);

/* All files of the run were read to their ends, by an epoch that is committed; and: they are with the epoch in hand. */
bool share_file_has_ended(const ShareRun *run);
void share_file_end(ShareRun *run);

/* False: they grow, and never come to an end (FOLLOW). */
bool share_file_has_end(const ShareRun *run);

/*
 * What joins rows of files waits until all of them are in the repartition topic: without that it would depend on who is quicker which rows
 * find each other.  share_file_wait marks such runs; share_file_look sees whether one is free, *freed is set when it comes to be.
 */
void   share_file_wait(Share *share);
Status share_file_look(ShareRun *run, bool *freed, Error *err);

#endif
