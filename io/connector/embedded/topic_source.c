/*
 * Reads topics: fetches records, decodes keys and values into columns, leaves out and reports what cannot be
 * read.
 *
 * Text of a batch borrows the bytes of its fetch.  Each partition has two fetches that take turns, so that looking at
 * the head of what comes next (head_time) does not disturb the batch that was read last.
 */
#include "io/connector/exchange_row.h"
#include "io/connector/source_impl.h"
#include "io/format/format_impl.h"

#define FETCH_BYTES (4 << 20)

typedef struct TopicPartition {
	TopicRecords fetches[2];
	int			 current;		/* the fetch that is being taken from */
	int			 next_record;	/* of it */
	int64_t		 position;		/* next offset to hand out */
	int64_t		 start;			/* where reading began, for progress */
	int64_t		 end;			/* bounded: not read from here on */
	bool		 is_behind;		/* the last fetch found nothing, and not the end */
} TopicPartition;

typedef struct TopicSource {
	Source			base;
	SourceContext	context;
	Topic		   *topic;
	TopicReader	   *reader;
	Decoder		   *key_decoder;
	Decoder		   *value_decoder;
	Vector		  **key_columns;	/* of the record; NULL: not wanted */
	Vector		  **value_columns;
	const Type	   *header_type;
	bool			is_windowed;
	bool			is_session;
	bool			is_exchange;
	TopicPartition *partitions;
} TopicSource;

/* Bounded: what came after reading began does not belong to it (left is in offsets, of which some may have no record). */
static void
topic_cut(TopicPartition *p)
{
	TopicRecords *fetch = &p->fetches[p->current];

	if (fetch->n_records == 0)
		return;
	while (fetch->n_records > 0 && fetch->records[fetch->n_records - 1].offset >= p->end)
		fetch->next_offset = fetch->records[--fetch->n_records].offset;
	if (fetch->n_records == 0)
		p->position = p->end;
}

/* Makes sure that a record is at hand.  DONE: the end; OK with none: nothing there now. */
static Status
topic_fetch(TopicSource *self, int32_t partition, int32_t max_rows, Error *err)
{
	TopicPartition *p = &self->partitions[partition];
	int64_t			left = p->end - p->position;
	Status			status;

	if (p->next_record < p->fetches[p->current].n_records)
		return OK;
	if (left <= 0)
		return DONE;
	p->current ^= 1;
	p->next_record = 0;
	p->fetches[p->current].n_records = 0;
	if (left > max_rows)
		left = max_rows;
	status = topic_reader_fetch(self->reader, partition, p->position, (int)left, FETCH_BYTES, &p->fetches[p->current], err);
	p->is_behind = status == OK && p->fetches[p->current].n_records == 0;
	if (status == FAILED)
		return FAILED;
	topic_cut(p);
	/* Offsets without a record (marks of transactions, what compaction removed) are passed too. */
	if (p->fetches[p->current].n_records == 0 && p->fetches[p->current].next_offset > p->position)
		p->position = p->fetches[p->current].next_offset;
	return status == DONE && !self->context.is_bounded ? OK : status;
}

static void
topic_set_headers(Vector *v, Arena *arena, int32_t row, const Record *record)
{
	uint32_t first = vector_list_reserve(v, arena, (uint32_t)record->n_headers);
	Vector	*keys = &v->children[0].children[0];
	Vector	*values = &v->children[0].children[1];

	((ListEntry *)v->data)[row] = (ListEntry){first, (uint32_t)record->n_headers};
	for (int i = 0; i < record->n_headers; i++) {
		const RecordHeader *header = &record->headers[i];
		int32_t				at = (int32_t)first + i;

		row_set_text(keys, at, header->key);
		if (header->value_is_null)
			row_set_null(values, arena, at);
		else
			row_set_text(values, at, header->value);
	}
}

static void
set_all_null(Vector *const *columns, int n, Arena *arena, int32_t row)
{
	for (int i = 0; i < n; i++)
		if (columns[i] != NULL)
			row_set_null(columns[i], arena, row);
}

typedef struct RowTarget {
	int64_t *window_start;
	int64_t *window_end;
	uint8_t *row_kind;
	Vector	*headers;
	bool	*has_window;	/* exchanges: set by the rows */
} RowTarget;

/* A row of another fragment: as it was there. */
static Status
exchange_decode(TopicSource *self, const Record *record, Arena *arena, int32_t row, const RowTarget *to, Error *err)
{
	bool has_window;

	TRY(exchange_row_decode(record->value, self->value_columns, self->base.spec->n_columns, arena, row, &to->row_kind[row], &has_window,
							&to->window_start[row], &to->window_end[row], err));
	*to->has_window = has_window;
	if (to->headers != NULL)
		topic_set_headers(to->headers, arena, row, record);
	return OK;
}

static Status
topic_decode(TopicSource *self, const Record *record, Arena *arena, int32_t row, const RowTarget *to, Error *err)
{
	const TopicSpec *topic = self->base.spec->topic;
	Str				 key = record->key;
	bool			 is_null;

	if (self->base.spec->kind == SOURCE_EXCHANGE)
		return exchange_decode(self, record, arena, row, to, err);
	if (self->is_windowed) {
		to->window_start[row] = to->window_end[row] = 0;
		if (!record->key_is_null)
			TRY(window_key_decode(record->key, self->is_session, topic->window_size_ms, &key, &to->window_start[row],
								  &to->window_end[row], err));
	}
	if (record->key_is_null)
		set_all_null(self->key_columns, topic->key.n_columns, arena, row);
	else if (topic->key.n_columns > 0)
		TRY(self->key_decoder->decode(self->key_decoder, key, arena, self->key_columns, row, &is_null, err));
	to->row_kind[row] = ROW_INSERT;
	is_null = record->value_is_null;
	if (!is_null)
		TRY(self->value_decoder->decode(self->value_decoder, record->value, arena, self->value_columns, row, &is_null, err));
	if (is_null) {
		set_all_null(self->value_columns, topic->value.n_columns, arena, row);
		to->row_kind[row] = ROW_INSERT_NULL;
	}
	if (to->headers != NULL)
		topic_set_headers(to->headers, arena, row, record);
	return OK;
}

static Status
topic_read(Source *source, int32_t partition, int32_t max_rows, Arena *arena, Batch **out, Error *err)
{
	TopicSource		*self = (TopicSource *)source;
	const SourceSpec *spec = source->spec;
	TopicPartition	*p = &self->partitions[partition];
	TopicRecords	*records;
	int32_t			 n, n_rows = 0;
	bool			 has_null = false;
	bool			 has_window = self->is_windowed && !self->is_exchange;
	Batch			*batch;
	RowTarget		 to = {.has_window = &has_window};
	int64_t			*event_time, *offset;

	*out = NULL;
	if (max_rows > BATCH_ROWS)
		max_rows = BATCH_ROWS;
	TRY(topic_fetch(self, partition, max_rows, err));
	records = &p->fetches[p->current];
	n = records->n_records - p->next_record;
	if (n > max_rows)
		n = max_rows;
	if (n == 0)
		return OK;

	batch = batch_new(arena, spec->n_columns, n);
	memset(self->key_columns, 0, sizeof(Vector *) * (size_t)(spec->topic->key.n_columns + 1));
	memset(self->value_columns, 0, sizeof(Vector *) * (size_t)(spec->topic->value.n_columns + 1));
	for (int c = 0; c < spec->n_columns; c++) {
		int		index = source_column(spec, c);
		Vector *v = vector_new(arena, spec->columns[c].type, n);

		batch->columns[c] = v;
		if (index < spec->topic->key.n_columns)
			self->key_columns[index] = v;
		else
			self->value_columns[index - spec->topic->key.n_columns] = v;
	}
	event_time = arena_alloc(arena, sizeof *event_time * (size_t)n);
	offset = arena_alloc(arena, sizeof *offset * (size_t)n);
	to.row_kind = arena_alloc(arena, (size_t)n);
	if (self->is_windowed) {
		to.window_start = arena_alloc(arena, sizeof(int64_t) * (size_t)n);
		to.window_end = arena_alloc(arena, sizeof(int64_t) * (size_t)n);
	}
	if (spec->wants_headers)
		to.headers = vector_new(arena, self->header_type, n);

	for (int32_t i = 0; i < n; i++) {
		const Record *record = &records->records[p->next_record + i];
		Error		  reason;

		reason.message[0] = '\0';
		reason.hint[0] = '\0';
		source->bytes_read += (int64_t)(record->key.length + record->value.length);
		if (self->context.skips_null_keys && record->key_is_null && spec->topic->key.n_columns > 0)
			continue;
		if (topic_decode(self, record, arena, n_rows, &to, &reason) != OK) {
			if (reason.class != ERROR_DATA) {
				*err = reason;
				return FAILED;
			}
			source_report(source, spec->name, partition, record->offset, reason.message, record->value);
			continue;
		}
		event_time[n_rows] = record->timestamp;
		offset[n_rows] = record->offset;
		has_null |= to.row_kind[n_rows] != ROW_INSERT;
		n_rows++;
	}
	p->next_record += n;
	p->position = p->next_record < records->n_records ? records->records[p->next_record].offset : records->next_offset;
	if (n_rows == 0)
		return OK;

	for (int c = 0; c < spec->n_columns; c++)
		vector_cut((Vector *)batch->columns[c], n_rows);
	batch->n_rows = n_rows;
	batch->event_time = event_time;
	batch->offset = offset;
	batch->partition = int32_filled(arena, partition, n_rows);
	batch->row_kind = has_null ? to.row_kind : NULL;
	batch->window_start = has_window ? to.window_start : NULL;
	batch->window_end = has_window ? to.window_end : NULL;
	if (to.headers != NULL)
		vector_cut(to.headers, n_rows);
	batch->headers = to.headers;
	*out = batch;
	return OK;
}

static Time
topic_head_time(Source *source, int32_t partition)
{
	TopicSource	   *self = (TopicSource *)source;
	TopicPartition *p = &self->partitions[partition];
	Error			ignored;

	if (topic_fetch(self, partition, BATCH_ROWS, &ignored) != OK || p->next_record >= p->fetches[p->current].n_records)
		return INT64_MAX;
	return p->fetches[p->current].records[p->next_record].timestamp;
}

static bool
topic_is_behind(const Source *source, int32_t partition)
{
	return ((const TopicSource *)source)->partitions[partition].is_behind;
}

static int64_t
topic_position(const Source *source, int32_t partition)
{
	return ((const TopicSource *)source)->partitions[partition].position;
}

static Status
topic_seek(Source *source, int32_t partition, int64_t position, Error *err)
{
	TopicPartition *p = &((TopicSource *)source)->partitions[partition];

	(void)err;
	p->position = position;
	p->start = position;
	p->next_record = p->fetches[p->current].n_records;
	return OK;
}

static const Record *
topic_record(const Source *source, int32_t partition, int64_t offset)
{
	const TopicSource *self = (const TopicSource *)source;

	if (self->is_exchange || partition < 0 || partition >= source->n_partitions)
		return NULL;
	for (int f = 0; f < 2; f++) {
		const TopicRecords *fetch = &self->partitions[partition].fetches[f];
		int					low = 0, high = fetch->n_records;

		while (low < high) {
			int middle = low + (high - low) / 2;

			if (fetch->records[middle].offset < offset)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < fetch->n_records && fetch->records[low].offset == offset)
			return &fetch->records[low];
	}
	return NULL;
}

static void
topic_progress(const Source *source, int64_t *done, int64_t *all)
{
	const TopicSource *self = (const TopicSource *)source;

	*done = *all = 0;
	for (int32_t i = 0; i < source->n_partitions; i++) {
		const TopicPartition *p = &self->partitions[i];
		int64_t				  end = p->end;

		int64_t				  begin;
		Error				  ignored;

		if (!self->context.is_bounded && topics_ends(self->context.topics, self->topic, i, &begin, &end, &ignored) == FAILED)
			continue;
		*done += p->position - p->start;
		*all += end > p->start ? end - p->start : 0;
	}
}

static void
topic_close(Source *source)
{
	TopicSource *self = (TopicSource *)source;

	for (int32_t i = 0; i < source->n_partitions; i++) {
		topic_records_free(&self->partitions[i].fetches[0]);
		topic_records_free(&self->partitions[i].fetches[1]);
	}
	topic_reader_close(self->reader);
}

static const SourceType topic_source = {
	.name = "topic",
	.read = topic_read,
	.head_time = topic_head_time,
	.is_behind = topic_is_behind,
	.position = topic_position,
	.seek = topic_seek,
	.record = topic_record,
	.progress = topic_progress,
	.close = topic_close,
};

static const Type *
headers_type(void)
{
	TypeField fields[] = {{"KEY", type_string}, {"VALUE", type_bytes}};

	return type_array(type_struct(fields, 2));
}

Status
topic_source_open(Arena *arena, const SourceSpec *spec, const SourceContext *context, Source **out, Error *err)
{
	TopicSource		*self = arena_new(arena, TopicSource);
	const TopicSpec *topic = spec->topic;
	int				 n_partitions;

	self->context = *context;
	TRY(topics_find(context->topics, str_of(topic->name), &self->topic, err));
	if (self->topic == NULL)
		return error_user(err, "The topic '%s' does not exist", topic->name);
	n_partitions = self->topic->config.n_partitions;
	self->base = (Source){.type = &topic_source, .spec = spec, .n_partitions = n_partitions, .bad_records = context->bad_records};
	self->is_exchange = spec->kind == SOURCE_EXCHANGE;
	self->is_windowed = topic->window != WINDOW_NONE || self->is_exchange;
	self->is_session = topic->window == WINDOW_SESSION;
	if (topic->key.n_columns > 0 && !self->is_exchange)
		TRY(topic->key.format->decoder_new(arena, &topic->key, &self->key_decoder, err));
	if (!self->is_exchange)
		TRY(topic->value.format->decoder_new(arena, &topic->value, &self->value_decoder, err));
	self->key_columns = arena_array(arena, Vector *, topic->key.n_columns + 1);
	self->value_columns = arena_array(arena, Vector *, topic->value.n_columns + 1);
	self->header_type = spec->wants_headers ? headers_type() : NULL;
	self->partitions = arena_array(arena, TopicPartition, n_partitions);
	for (int i = 0; i < n_partitions; i++) {
		TopicPartition *p = &self->partitions[i];
		int64_t			begin, end;

		TRY(topics_ends(context->topics, self->topic, i, &begin, &end, err));
		p->end = context->is_bounded ? end : INT64_MAX;
		p->position = spec->from_latest ? end : begin;
		p->start = p->position;
	}
	TRY(topic_reader_open(context->topics, self->topic, &self->reader, err));
	*out = &self->base;
	return OK;
}

Status
topic_source_clone(Arena *arena, Source *source, Source **out, Error *err)
{
	TopicSource *from = (TopicSource *)source, *to;

	TRY(topic_source_open(arena, source->spec, &from->context, out, err));
	to = (TopicSource *)*out;
	for (int i = 0; i < source->n_partitions; i++) {
		to->partitions[i].position = from->partitions[i].position;
		to->partitions[i].start = from->partitions[i].start;
		to->partitions[i].end = from->partitions[i].end;
	}
	return OK;
}
