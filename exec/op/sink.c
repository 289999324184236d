#include "exec/op/sink.h"

#include "data/key.h"
#include "exec/state/expiry.h"
#include "exec/task/task.h"
#include "io/connector/embedded/kept_row.h"

typedef struct SinkOp {
	Op		 op;
	Encoder *key;
	Encoder *value;
	Program *timestamp;
	StrBuf	 key_bytes;		/* of the row in hand */
	StrBuf	 value_bytes;
	StrBuf	 kept_key;
	StrBuf	 kept_row;
	WindowExpiry expiry;	/* of kept rows */
	Time	 stream_time;
	int64_t	 n_keyless;		/* records without a key so far: they go round the partitions */
} SinkOp;

static Status
sink_open(Op *op, Error *err)
{
	SinkOp		   *self = op_cast(SinkOp, op, &op_sink);
	const SinkSpec *spec = op->spec;

	if (spec->topic != NULL) {
		TRY(spec->topic->key.format->encoder_new(&op->arena, &spec->topic->key, &self->key, err));
		TRY(spec->topic->value.format->encoder_new(&op->arena, &spec->topic->value, &self->value, err));
	}
	if (spec->timestamp != NULL)
		TRY(program_compile(&op->arena, spec->timestamp, &self->timestamp, err));
	return window_expiry_open(&self->expiry, op_services(op)->state, op->id, 0, op_services(op)->budget, spec->retention_ms,
							  spec->is_session, err);
}

void
sink_headers(Arena *arena, const Batch *in, int32_t row, Record *record)
{
	Value		  list;
	RecordHeader *headers;

	if (in->headers == NULL)
		return;
	list = vector_get(in->headers, row, arena);
	if (list.is_null || list.n_items == 0)
		return;
	headers = arena_array(arena, RecordHeader, list.n_items);
	for (uint32_t h = 0; h < list.n_items; h++) {
		const Value *item = &list.items[h];

		headers[h].key = item->items[0].text;
		headers[h].value = item->items[1].is_null ? STR("") : item->items[1].text;
		headers[h].value_is_null = item->items[1].is_null;
	}
	record->headers = headers;
	record->n_headers = (int)list.n_items;
}

static bool
key_is_null(const Batch *in, int n_key, int32_t row)
{
	for (int c = 0; c < n_key; c++)
		if (vector_is_valid(in->columns[c], row))
			return false;
	return true;
}

/* Serialises row `row` and hands it to the task's output. */
static Status
sink_write(SinkOp *self, const Batch *in, int32_t row, Time time, Error *err)
{
	Op				*op = &self->op;
	const SinkSpec	*spec = op->spec;
	const TopicSpec *topic = spec->topic;
	bool			 deletes = row_kind_is_null(batch_row_kind(in, row));
	int				 n_key = topic->key.n_columns;
	Record			 record = {.timestamp = time};

	strbuf_clear(&self->key_bytes);
	strbuf_clear(&self->value_bytes);
	if (n_key == 0 || (spec->null_key_when_null && key_is_null(in, n_key, row)))
		record.key_is_null = true;
	else
		TRY(self->key->encode(self->key, in->columns, row, &self->key_bytes, &record.key_is_null, err));
	record.partition = record.key_is_null ? (int)(self->n_keyless++ % topic->n_partitions)
										  : key_partition(strbuf_str(&self->key_bytes), topic->n_partitions);
	if (topic->window != WINDOW_NONE && in->window_start != NULL && !record.key_is_null)
		window_key_encode(&self->key_bytes, topic->window == WINDOW_SESSION, in->window_start[row], in->window_end[row]);
	if (deletes)
		record.value_is_null = true;
	else
		TRY(self->value->encode(self->value, in->columns + n_key, row, &self->value_bytes, &record.value_is_null, err));
	record.key = strbuf_str(&self->key_bytes);
	record.value = strbuf_str(&self->value_bytes);
	sink_headers(op_scratch(op), in, row, &record);
	return op->task->output->write(op->task->output, topic, &record, err);
}

static Status
sink_keep(SinkOp *self, const Batch *in, int32_t row, Time time, Error *err)
{
	Op			   *op = &self->op;
	const SinkSpec *spec = op->spec;
	int				n_key = spec->topic != NULL ? spec->topic->key.n_columns : spec->n_key;
	bool			is_windowed = in->window_start != NULL;

	strbuf_clear(&self->kept_key);
	strbuf_clear(&self->kept_row);
	kept_row_encode_key(in->columns, n_key, row, is_windowed, is_windowed ? in->window_start[row] : 0,
						is_windowed ? in->window_end[row] : 0, &self->kept_key);
	if (!row_kind_is_null(batch_row_kind(in, row))) {
		kept_row_encode_value(in->columns + n_key, in->n_columns - n_key, row, time, &self->kept_row);
		if (is_windowed)
			TRY(window_expiry_add(&self->expiry, in->window_start[row], in->window_end[row], strbuf_str(&self->kept_key), err));
	} else if (is_windowed)
		window_expiry_remove(&self->expiry, in->window_start[row], in->window_end[row], strbuf_str(&self->kept_key));
	return op->task->output->keep(op->task->output, spec->table_name, op_services(op)->partition, strbuf_str(&self->kept_key),
								  self->kept_row.length > 0 ? strbuf_str(&self->kept_row) : (Str){NULL, 0}, err);
}

/* Event time of the output record: the TIMESTAMP column's where the sink has one; -1: the row must not be written. */
static Status
sink_time(SinkOp *self, const Batch *in, const Vector *times, int32_t row, Time *out, Error *err)
{
	Op			   *op = &self->op;
	const SinkSpec *spec = op->spec;

	*out = in->event_time != NULL ? in->event_time[row] : 0;
	if (*out > self->stream_time)
		self->stream_time = *out;
	if (times == NULL)
		return OK;
	if (row_kind_is_null(batch_row_kind(in, row))) {
		*out = self->stream_time;
		return OK;
	}
	*out = vector_is_valid(times, row) ? ((const int64_t *)times->data)[row] : -1;
	if (*out < 0 && spec->fail_on_bad_time)
		return error_data(err, "Failed to extract the timestamp of a row for the topic %s: it is NULL or negative",
						  spec->topic->name);
	if (*out < 0)
		op_log_row(op, in, row, "No valid timestamp could be taken from the sink's TIMESTAMP column");
	return OK;
}

static Status
sink_push(Op *op, int port, const Batch *in, Error *err)
{
	SinkOp		   *self = op_cast(SinkOp, op, &op_sink);
	const SinkSpec *spec = op->spec;
	const Vector   *times = NULL;
	Batch		   *flat = batch_slice(op_scratch(op), in, 0, in->n_rows);

	(void)port;
	flat->columns = arena_array(op_scratch(op), const Vector *, in->n_columns + 1);
	for (int c = 0; c < in->n_columns; c++)
		flat->columns[c] = vector_flatten(op_scratch(op), in->columns[c]);
	if (self->timestamp != NULL) {
		TRY(program_eval(self->timestamp, op_services(op)->eval, flat, &times, err));
		times = vector_flatten(op_scratch(op), times);
	}
	for (int32_t row = 0; row < in->n_rows; row++) {
		Time time;

		TRY(sink_time(self, flat, times, row, &time, err));
		if (time < 0 && times != NULL)
			continue;
		if (spec->topic != NULL)
			TRY(sink_write(self, flat, row, time, err));
		if (spec->is_table)
			TRY(sink_keep(self, flat, row, time, err));
	}
	op->rows_out += in->n_rows;
	return OK;
}

/* What has expired goes in the epoch in which time passes it. */
static Status
sink_flush(Op *op, Error *err)
{
	SinkOp		   *self = op_cast(SinkOp, op, &op_sink);
	const SinkSpec *spec = op->spec;
	TaskOutput	   *output = op->task->output;
	Str				key;

	while (window_expiry_next(&self->expiry, &key))
		TRY(output->keep(output, spec->table_name, op_services(op)->partition, key, (Str){NULL, 0}, err));
	window_expiry_flush(&self->expiry);
	return OK;
}

static void
sink_close(Op *op)
{
	SinkOp *self = op_cast(SinkOp, op, &op_sink);

	strbuf_free(&self->key_bytes);
	strbuf_free(&self->value_bytes);
	strbuf_free(&self->kept_key);
	strbuf_free(&self->kept_row);
	window_expiry_close(&self->expiry);
}

static void
sink_explain(const void *spec, Explain *out)
{
	const SinkSpec *s = spec;

	if (s->topic != NULL) {
		explain_text(out, "topic", s->topic->name);
		explain_text(out, "key format", s->topic->key.format->name);
		explain_text(out, "value format", s->topic->value.format->name);
	}
	if (s->is_table)
		explain_text(out, "keeps rows of", s->table_name);
	if (s->retention_ms > 0)
		explain_int(out, "retention ms", s->retention_ms);
}

const OpType op_sink = {
	.name = "Sink",
	.size = sizeof(SinkOp),
	.ports = 1,
	.open = sink_open,
	.push = sink_push,
	.flush = sink_flush,
	.close = sink_close,
	.explain = sink_explain,
};

static Status
result_push(Op *op, int port, const Batch *in, Error *err)
{
	(void)port;
	op->rows_out += in->n_rows;
	return op->task->result(op->task->result_context, in, err);
}

const OpType op_result = {
	.name = "Result",
	.size = sizeof(Op),
	.ports = 1,
	.push = result_push,
};
