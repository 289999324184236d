/*
 * Keeps a partition's queue from running dry.  librdkafka (before 2.2) looks at a partition whose queue was full again only when something else
 * happens on the connection to its broker, or after a second: until then what is in the queue is taken, and the query waits.  So that
 * something happens, a question is asked that goes the same way; nobody waits for its answer.
 */
#include "io/connector/kafka/kafka_impl.h"

#define MANY 256					/* messages: a queue that had fewer was hardly full, unless they are large */
#define PAUSE_NANOS 1000000			/* between two questions for one partition */
#define FEW_PAUSE_NANOS 100000000	/* where there were few: what comes a little at a time must not be asked for each time */

bool
kafka_refill_is_due(KafkaRefill *self, int64_t before, int64_t after, Nanos now)
{
	/* More has come since the last look: it is being filled. */
	if (before > self->level)
		self->most = before;
	self->level = after;
	if (after > self->most / 2 || after == self->most || now - self->asked_at < (self->most < MANY ? FEW_PAUSE_NANOS : PAUSE_NANOS))
		return false;
	/* Not again until it is half of this, or has grown. */
	self->most = after;
	self->asked_at = now;
	return true;
}

void
kafka_refill_ask(KafkaTopics *topics, rd_kafka_t *consumer, const char *topic, int partition)
{
	rd_kafka_topic_partition_list_t *list = topics->rd.topic_partition_list_new(1);

	topics->rd.topic_partition_list_add(list, topic, partition)->offset = RD_KAFKA_OFFSET_END;
	/* It times out at once, by intention. */
	topics->rd.offsets_for_times(consumer, list, 0);
	topics->rd.topic_partition_list_destroy(list);
}
