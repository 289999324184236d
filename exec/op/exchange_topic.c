#include "exec/op/exchange_topic.h"

#include "exec/op/sink.h"
#include "exec/task/task.h"
#include "io/connector/exchange_row.h"

typedef struct ExchangeTopicOp {
	Op		 op;
	Encoder *key;
	StrBuf	 key_bytes;
	StrBuf	 value_bytes;
	int64_t	 n_keyless;
} ExchangeTopicOp;

static Status
exchange_topic_open(Op *op, Error *err)
{
	ExchangeTopicOp			*self = op_cast(ExchangeTopicOp, op, &op_exchange_topic);
	const ExchangeTopicSpec *spec = op->spec;

	if (spec->exchange == NULL || spec->exchange->key == NULL)
		return OK;
	return spec->exchange->key->format->encoder_new(&op->arena, spec->exchange->key, &self->key, err);
}

/* The key of the record, and the partition that it belongs to; rows without a key go round. */
static Status
exchange_topic_key(ExchangeTopicOp *self, const Batch *in, int32_t row, Record *record, Error *err)
{
	const ExchangeTopicSpec *spec = self->op.spec;

	record->key_is_null = true;
	record->partition = 0;
	if (spec->exchange == NULL)
		return OK;
	TRY(exchange_place(spec->exchange, self->key, in, row, (int)op_services(&self->op)->partition, spec->topic->n_partitions, &self->n_keyless,
					   &self->key_bytes, &record->key_is_null, &record->partition, err));
	record->key = strbuf_str(&self->key_bytes);
	return OK;
}

static Status
exchange_topic_push(Op *op, int port, const Batch *in, Error *err)
{
	ExchangeTopicOp			*self = op_cast(ExchangeTopicOp, op, &op_exchange_topic);
	const ExchangeTopicSpec *spec = op->spec;
	Arena					*arena = op_scratch(op);
	Batch					*flat = batch_slice(arena, in, 0, in->n_rows);

	(void)port;
	flat->columns = arena_array(arena, const Vector *, in->n_columns + 1);
	for (int c = 0; c < in->n_columns; c++)
		flat->columns[c] = vector_flatten(arena, in->columns[c]);
	for (int32_t row = 0; row < in->n_rows; row++) {
		Record record = {.timestamp = in->event_time != NULL ? in->event_time[row] : 0};

		TRY(exchange_topic_key(self, flat, row, &record, err));
		strbuf_clear(&self->value_bytes);
		exchange_row_encode(flat, row, &self->value_bytes);
		record.value = strbuf_str(&self->value_bytes);
		sink_headers(arena, flat, row, &record);
		TRY(op->task->output->write(op->task->output, spec->topic, &record, err));
	}
	op->rows_out += in->n_rows;
	return OK;
}

/* Event time and the end of input don't cross a topic: its reader goes by the records. */
static Status
exchange_topic_advance(Op *op, int port, Time time, Error *err)
{
	(void)op;
	(void)port;
	(void)time;
	(void)err;
	return OK;
}

static void
exchange_topic_close(Op *op)
{
	ExchangeTopicOp *self = op_cast(ExchangeTopicOp, op, &op_exchange_topic);

	strbuf_free(&self->key_bytes);
	strbuf_free(&self->value_bytes);
}

static void
exchange_topic_explain(const void *spec, Explain *out)
{
	const ExchangeTopicSpec *s = spec;

	explain_text(out, "topic", s->topic->name);
}

const OpType op_exchange_topic = {
	.name = "Repartition",
	.size = sizeof(ExchangeTopicOp),
	.ports = 1,
	.open = exchange_topic_open,
	.push = exchange_topic_push,
	.advance = exchange_topic_advance,
	.close = exchange_topic_close,
	.explain = exchange_topic_explain,
};
