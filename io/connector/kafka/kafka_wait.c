/*
 * Calls of librdkafka that wait for brokers cannot be ended from outside.  They are made in pieces, between which it is seen whether anybody still
 * wants their answer.  Each piece is twice as long as the one before it: brokers that are slow have time for an answer, and to be cancelled
 * takes as long again as the wait has taken, at the most.
 */
#include "io/connector/kafka/kafka_impl.h"

#include "common/cancel.h"

#define FIRST_MS 250
#define EVENT_MS 50		/* events are kept: each look at the queue is short */

typedef struct Pieces {
	Nanos	until;
	int64_t piece_ms;
} Pieces;

static Pieces
pieces_of(int64_t timeout_ms)
{
	return (Pieces){.until = nanos_now() + timeout_ms * 1000000, .piece_ms = FIRST_MS / 2};
}

/* How long to wait now; 0: no more. */
static int
next_piece(Pieces *self)
{
	int64_t left = (self->until - nanos_now()) / 1000000;
	bool	is_first = self->piece_ms < FIRST_MS;

	self->piece_ms *= 2;
	if (!is_first && (left <= 0 || cancel_ends_waits()))
		return 0;
	return left < 1 ? 1 : (int)(self->piece_ms < left ? self->piece_ms : left);
}

/* The password, or a certificate, will be no better in a minute. */
static bool
was_refused(KafkaTopics *self)
{
	bool is_refused;

	self->rd.poll(self->client, 0);
	pthread_mutex_lock(&self->lock);
	is_refused = self->is_refused;
	self->is_refused = false;
	pthread_mutex_unlock(&self->lock);
	return is_refused;
}

static bool
may_answer_later(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
}

rd_kafka_resp_err_t
kafka_metadata(KafkaTopics *self, bool all, rd_kafka_topic_t *topic, int64_t timeout_ms, const rd_kafka_metadata_t **out)
{
	Pieces				pieces = pieces_of(timeout_ms);
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
	int					ms;

	while (may_answer_later(code) && (ms = next_piece(&pieces)) > 0) {
		code = self->rd.metadata(self->client, all, topic, out, ms);
		if (may_answer_later(code) && was_refused(self))
			break;
	}
	return code;
}

rd_kafka_resp_err_t
kafka_watermarks(KafkaTopics *self, rd_kafka_t *client, const Topic *topic, int partition, int64_t *begin, int64_t *end)
{
	Pieces				pieces = pieces_of(CALL_MS);
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
	int					ms;

	while (may_answer_later(code) && (ms = next_piece(&pieces)) > 0)
		code = self->rd.query_watermark_offsets(client, topic->name.data, partition, begin, end, ms);
	return code;
}

rd_kafka_event_t *
kafka_event(KafkaTopics *self, rd_kafka_queue_t *queue, int64_t timeout_ms)
{
	Nanos			  until = nanos_now() + timeout_ms * 1000000;
	rd_kafka_event_t *event = NULL;

	while (event == NULL && nanos_now() < until && !cancel_ends_waits())
		event = self->rd.queue_poll(queue, EVENT_MS);
	return event;
}
