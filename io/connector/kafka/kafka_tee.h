#ifndef SLUICE_IO_CONNECTOR_KAFKA_KAFKA_TEE_H
#define SLUICE_IO_CONNECTOR_KAFKA_KAFKA_TEE_H

/*
 * A partition that a query reads more than once, as in a self-join: Kafka gives each record to a group once, so that what one reader has
 * taken is kept until the others have taken it too.  Each reader has a position of its own; the group commits the lowest, with all of them
 * beside it as the metadata of the commit.  Nobody outside of connector/kafka includes it.
 */
#include "io/connector/kafka/kafka_impl.h"

typedef struct KafkaTee KafkaTee;

/* `offset`, `metadata`: as committed; readers whose positions it does not tell start at the offset. */
KafkaTee *kafka_tee_new(int n_readers, int64_t offset, const char *metadata, size_t size);
void	  kafka_tee_free(KafkaTee *tee);		/* NULL does nothing */

/* The position that the unit in hand reaches, and whether any differs from the committed ones. */
int64_t kafka_tee_committed(const KafkaTee *tee, int reader);
void	kafka_tee_set_position(KafkaTee *tee, int reader, int64_t position);
bool	kafka_tee_has_moved(const KafkaTee *tee);
void	kafka_tee_commit(KafkaTee *tee);

/* The lowest position, and the metadata to commit with it (malloc'ed). */
int64_t kafka_tee_lowest(const KafkaTee *tee, char **metadata);

/* Kept records from `from` on, at most max_records (<= 0: no limit of its own); false: none of them has been read yet. */
bool kafka_tee_give(KafkaTee *tee, int reader, int64_t from, int max_records, KafkaFetched *out, int64_t *next);

/* Keeps what was read; copies it.  `next`: the offset behind it. */
void kafka_tee_keep(KafkaTee *tee, const KafkaFetched *fetched, int64_t next);

/* True if so much is kept that this reader has to wait for the others. */
bool kafka_tee_is_full(const KafkaTee *tee);

#endif
