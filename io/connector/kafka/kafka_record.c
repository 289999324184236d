/* Records to messages and back. */
#include "io/connector/kafka/kafka_impl.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

void
kafka_fetched_clear(KafkaFetched *fetched)
{
	for (int i = 0; i < fetched->n_messages; i++)
		fetched->rd->message_destroy(fetched->messages[i]);
	fetched->n_messages = 0;
	fetched->n_records = 0;
	arena_reset(&fetched->headers);
}

static void
fetched_release(TopicRecords *records)
{
	KafkaFetched *fetched = records->fetched;

	if (fetched == NULL)
		return;
	kafka_fetched_clear(fetched);
	arena_free(&fetched->headers);
	free(fetched->messages);
	free(fetched->records);
	free(fetched);
	records->fetched = NULL;
}

KafkaFetched *
kafka_fetched(KafkaTopics *topics, TopicRecords *out)
{
	KafkaFetched *fetched = out->fetched;

	if (fetched == NULL) {
		fetched = xcalloc(1, sizeof *fetched);
		fetched->rd = &topics->rd;
		out->fetched = fetched;
		out->release = fetched_release;
	}
	kafka_fetched_clear(fetched);
	return fetched;
}

static void
record_headers(const RdKafka *rd, const rd_kafka_message_t *message, Arena *arena, Record *record)
{
	rd_kafka_headers_t *headers;
	const char		   *name;
	const void		   *value;
	size_t				size;
	int					n = 0;

	if (rd->message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	while (rd->header_get_all(headers, (size_t)n, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR)
		n++;
	RecordHeader *to = arena_array(arena, RecordHeader, n + 1);

	for (int i = 0; i < n; i++) {
		rd->header_get_all(headers, (size_t)i, &name, &value, &size);
		to[i] = (RecordHeader){.key = str_of(name), .value = str_make(value != NULL ? value : "", size), .value_is_null = value == NULL};
	}
	record->headers = to;
	record->n_headers = n;
}

static void
record_of(const RdKafka *rd, const rd_kafka_message_t *message, Arena *arena, Record *record)
{
	*record = (Record){
		.offset = message->offset,
		.partition = message->partition,
		.timestamp = rd->message_timestamp(message, NULL),
		.key = str_make(message->key != NULL ? message->key : "", message->key_len),
		.value = str_make(message->payload != NULL ? message->payload : "", message->len),
		.key_is_null = message->key == NULL,
		.value_is_null = message->payload == NULL,
	};
	record_headers(rd, message, arena, record);
}

Status
kafka_take(KafkaTopics *topics, rd_kafka_t *consumer, rd_kafka_queue_t *queue, int64_t from, int max_records, int wait_ms, KafkaFetched *fetched, int64_t *next,
		   bool *at_end, Error *err)
{
	ssize_t n;

	*next = from;
	*at_end = false;
	if (max_records <= 0 || max_records > READ_BATCH)
		max_records = READ_BATCH;
	if (fetched->capacity < max_records) {
		fetched->capacity = max_records;
		fetched->messages = xrealloc(fetched->messages, sizeof *fetched->messages * (size_t)max_records);
		fetched->records = xrealloc(fetched->records, sizeof *fetched->records * (size_t)max_records);
	}
	/* It waits until it has as many as are asked for: one, and then what else is there. */
	n = topics->rd.consume_batch_queue(queue, wait_ms, fetched->messages, wait_ms > 0 ? 1 : (size_t)max_records);
	if (n == 1 && wait_ms > 0 && max_records > 1) {
		ssize_t more = topics->rd.consume_batch_queue(queue, 0, fetched->messages + 1, (size_t)max_records - 1);

		n += more > 0 ? more : 0;
	}
	if (n < 0) {
		rd_kafka_resp_err_t code = topics->rd.last_error();

		return code == RD_KAFKA_RESP_ERR__TIMED_OUT ? OK : kafka_error(topics, code, NULL, err, "Cannot read from Kafka");
	}
	fetched->n_messages = (int)n;
	for (int i = 0; i < n; i++) {
		rd_kafka_message_t *message = fetched->messages[i];

		if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
			*at_end = true;
			*next = message->offset > *next ? message->offset : *next;
		} else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
			return kafka_error(topics, message->err, message->payload, err, "Cannot read %s/%d",
							   message->rkt != NULL ? topics->rd.topic_name(message->rkt) : "a topic", (int)message->partition);
		else if (message->offset >= *next) {
			record_of(&topics->rd, message, &fetched->headers, &fetched->records[fetched->n_records++]);
			*next = message->offset + 1;
			*at_end = false;
		}
	}
	/* The broker tells of the end only with the next answer: what it said with the last one will do. */
	if (!*at_end && fetched->n_records > 0) {
		const rd_kafka_message_t *last = fetched->messages[n - 1];
		int64_t					  low, high;

		*at_end = topics->rd.get_watermark_offsets(consumer, topics->rd.topic_name(last->rkt), last->partition, &low, &high)
					  == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 && *next >= high;
	}
	return OK;
}

/* ---- writing ---- */

static void
add_headers(const RdKafka *rd, const Record *record, rd_kafka_vu_t *vu)
{
	rd_kafka_headers_t *headers = rd->headers_new((size_t)record->n_headers);

	for (int i = 0; i < record->n_headers; i++) {
		const RecordHeader *h = &record->headers[i];

		rd->header_add(headers, h->key.data, (ssize_t)h->key.length, h->value_is_null ? NULL : h->value.data,
					   h->value_is_null ? 0 : (ssize_t)h->value.length);
	}
	*vu = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers};
}

static void
set_bytes(rd_kafka_vu_t *vu, rd_kafka_vtype_t type, Str bytes, bool is_null)
{
	*vu = (rd_kafka_vu_t){.vtype = type};
	vu->u.mem.ptr = is_null ? NULL : (void *)(bytes.data != NULL ? bytes.data : "");
	vu->u.mem.size = is_null ? 0 : bytes.length;
}

/* librdkafka takes a timestamp of 0 for "now", and Kafka has none below: 1970 begins a millisecond later. */
rd_kafka_resp_err_t
kafka_produce(KafkaTopics *topics, rd_kafka_t *producer, rd_kafka_topic_t *topic, const char *topic_name, int partition, const Record *record,
			  void *opaque)
{
	const RdKafka *rd = &topics->rd;
	rd_kafka_vu_t  vus[8];

	for (;;) {
		rd_kafka_error_t   *error;
		rd_kafka_resp_err_t code;
		size_t				n = 0;

		if (topic != NULL)
			vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic};
		else
			vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic_name};
		vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition};
		vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY};
		vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = record->timestamp > 0 ? record->timestamp : 1};
		vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = opaque};
		set_bytes(&vus[n++], RD_KAFKA_VTYPE_KEY, record->key, record->key_is_null);
		set_bytes(&vus[n++], RD_KAFKA_VTYPE_VALUE, record->value, record->value_is_null);
		if (record->n_headers > 0)
			add_headers(rd, record, &vus[n++]);
		error = rd->produceva(producer, vus, n);
		if (error == NULL)
			return RD_KAFKA_RESP_ERR_NO_ERROR;
		code = rd->error_code(error);
		rd->error_destroy(error);
		/* Headers belong to the producer only when it took the message. */
		if (record->n_headers > 0)
			rd->headers_destroy(vus[n - 1].u.headers);
		if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			return code;
		rd->poll(producer, 100);
	}
}
