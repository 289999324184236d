#ifndef SLUICE_ENGINE_TABLE_COPY_H
#define SLUICE_ENGINE_TABLE_COPY_H

/*
 * Look-ups of tables on Kafka.  A table is what its topic has, wherever its partitions are worked on; a process that is asked for rows of
 * one follows the topic from then on into kept rows of its own store, where look-ups find them as they do without Kafka.  So every
 * process answers for all partitions, with no other one asked.  Only tables whose keys have no window, and only processes that stay.
 *
 * Threads: anybody's, but table_copies_close.
 */
#include "engine/engine_impl.h"

/*
 * True if the table's rows are kept here.  If not, a copy is begun, and the topic is to be read this time.
 */
bool table_copy_is_kept(Engine *engine, const CatalogSource *table);

/* Waits until the copy has what the topic had when this was called.  ERROR_TRANSIENT if it does not come to that. */
Status table_copy_wait(Engine *engine, const char *table, const _Atomic bool *interrupted, Error *err);

/* The table is dropped, or there is another one of that name: its copy goes. */
void table_copy_drop(Engine *engine, const char *table);

/* Ends all threads.  Before the topics and the store are closed. */
void table_copies_close(Engine *engine);

#endif
