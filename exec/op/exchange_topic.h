#ifndef SLUICE_EXEC_OP_EXCHANGE_TOPIC_H
#define SLUICE_EXEC_OP_EXCHANGE_TOPIC_H

#include "exec/op/exchange.h"
#include "io/connector.h"

/*
 * The end of a fragment whose rows go on to another one through a repartition topic: each row becomes a record in the partition of its
 * key.  The other fragment reads it by a SOURCE_EXCHANGE.
 */
typedef struct ExchangeTopicSpec {
	const ExchangeSpec *exchange;	/* NULL: all rows go to partition 0 */
	const TopicSpec	   *topic;
} ExchangeTopicSpec;

extern const OpType op_exchange_topic;

#endif
