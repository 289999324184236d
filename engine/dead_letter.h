#ifndef SLUICE_ENGINE_DEAD_LETTER_H
#define SLUICE_ENGINE_DEAD_LETTER_H

/*
 * Dead letters: records that a persistent query could not read or process, as they were, in the topic that
 * errors.dead.letter.queue.topic.name names.  Headers say where each comes from and what was wrong; they have the names that Kafka Streams
 * gives them.
 *
 * A letter is written with the epoch that passes its record: so it is there once, as what the query writes.
 */
#include "engine/engine_impl.h"

/* Makes the topic if it is wanted and missing.  When the query is created here. */
Status dead_letters_prepare(const Query *query, Error *err);

/* Looks whether letters are wanted.  When the query's runs are opened. */
void dead_letters_open(Query *query);

/*
 * Keeps the record of the row that the query's run has at hand.  Rows that come from no record of a topic (of a repartition topic,
 * of a window that closed) are left to the processing log.
 */
void dead_letters_add(Query *query, int32_t partition, int64_t offset, const char *kind, const char *reason, Str raw);

/* The epoch in hand reaches `position` in an input: letters of what is before it go into the query's unit. */
void dead_letters_reach(Query *query, const char *input, int partition, int64_t position);

/* Fails, after the inputs' positions, if a letter could not be written. */
Status dead_letters_check(Query *query, Error *err);

/* What was not committed is read again. */
void dead_letters_forget(Query *query);

#endif
