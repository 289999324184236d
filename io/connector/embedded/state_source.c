/*
 * Reads the kept rows of a table from the store: committed state only, page by page, so that a running query is never
 * disturbed.  Partitions are those of the table's topic; each walks the ranges asked for, or everything.
 */
#include <stdlib.h>

#include "data/key.h"
#include "io/connector/embedded/kept_row.h"
#include "io/connector/source_impl.h"
#include "store/store.h"

typedef struct StatePartition {
	StoreScan *scan;
	int		   next_range;
	int64_t	   n_read;
	bool	   is_done;
} StatePartition;

typedef struct StateSource {
	Source			base;
	SourceContext	context;
	int64_t			state_id;
	int				n_key;		/* of the table, not of what is delivered */
	int				n_all;
	const Type	  **types;
	Value		   *values;
	StatePartition *partitions;
	/* state_by_partition: one walk for each partition of the topic */
	Encoder		   *encoder;
	Vector		  **key;		/* one row of key columns */
	StrBuf			key_bytes;
	int				walk;
	int				n_walks;
} StateSource;

/* The next kept row of a partition; DONE behind the last range. */
static Status
state_next(StateSource *self, int32_t partition, Str *key, Str *value, Error *err)
{
	const SourceSpec *spec = self->base.spec;
	StatePartition	 *p = &self->partitions[partition];

	for (;;) {
		if (p->scan == NULL) {
			StoreRange range = {0};

			if (p->next_range >= (spec->n_ranges > 0 ? spec->n_ranges : 1)) {
				if (++self->walk >= self->n_walks)
					return DONE;
				p->next_range = 0;
			}
			if (spec->n_ranges > 0) {
				range.from = spec->ranges[p->next_range].from;
				range.to = spec->ranges[p->next_range].to;
			}
			p->next_range++;
			p->scan = store_scan_open(self->context.store, self->state_id, partition, &range);
		}
		Status status = store_scan_next(p->scan, key, value, err);

		if (status != DONE)
			return status;
		store_scan_close(p->scan);
		p->scan = NULL;
	}
}

/* Does the row at hand belong to the partition of this walk? */
static Status
row_is_of_walk(StateSource *self, Arena *arena, bool *out, Error *err)
{
	bool is_null;

	*out = true;
	if (self->n_walks <= 1)
		return OK;
	for (int c = 0; c < self->n_key; c++)
		vector_set(self->key[c], arena, 0, &self->values[c]);
	strbuf_clear(&self->key_bytes);
	TRY(self->encoder->encode(self->encoder, (const Vector *const *)self->key, 0, &self->key_bytes, &is_null, err));
	*out = key_partition(strbuf_str(&self->key_bytes), self->n_walks) == self->walk;
	return OK;
}

static Status
state_read(Source *source, int32_t partition, int32_t max_rows, Arena *arena, Batch **out, Error *err)
{
	StateSource		 *self = (StateSource *)source;
	const SourceSpec *spec = source->spec;
	StatePartition	 *p = &self->partitions[partition];
	bool			  is_windowed = spec->topic->window != WINDOW_NONE;
	Status			  status = OK;
	int32_t			  n = 0;
	Batch			 *batch;
	int64_t			 *event_time, *offset, *start, *end;

	*out = NULL;
	if (p->is_done)
		return DONE;
	if (max_rows > BATCH_ROWS)
		max_rows = BATCH_ROWS;
	batch = batch_new(arena, spec->n_columns, max_rows);
	for (int c = 0; c < spec->n_columns; c++)
		batch->columns[c] = vector_new(arena, spec->columns[c].type, max_rows);
	event_time = arena_alloc(arena, sizeof(int64_t) * (size_t)max_rows);
	offset = arena_alloc(arena, sizeof(int64_t) * (size_t)max_rows);
	start = arena_alloc(arena, sizeof(int64_t) * (size_t)max_rows);
	end = arena_alloc(arena, sizeof(int64_t) * (size_t)max_rows);
	while (n < max_rows) {
		Str	 key, value;
		bool is_of_walk;

		status = state_next(self, partition, &key, &value, err);
		if (status != OK)
			break;
		TRY(kept_row_decode(self->types, self->n_key, self->n_all, is_windowed, key, value, arena, self->values, &start[n],
							&end[n], &event_time[n], err));
		TRY(row_is_of_walk(self, arena, &is_of_walk, err));
		if (!is_of_walk)
			continue;
		for (int c = 0; c < spec->n_columns; c++)
			vector_set((Vector *)batch->columns[c], arena, n, &self->values[source_column(spec, c)]);
		source->bytes_read += (int64_t)(key.length + value.length);
		offset[n++] = p->n_read++;
	}
	if (status == FAILED)
		return FAILED;
	p->is_done = status == DONE;
	if (n == 0)
		return status;
	for (int c = 0; c < spec->n_columns; c++)
		vector_cut((Vector *)batch->columns[c], n);
	batch->n_rows = n;
	batch->event_time = event_time;
	batch->offset = offset;
	batch->partition = int32_filled(arena, partition, n);
	if (is_windowed) {
		batch->window_start = start;
		batch->window_end = end;
	}
	*out = batch;
	return OK;
}

static int64_t
state_position(const Source *source, int32_t partition)
{
	return ((const StateSource *)source)->partitions[partition].n_read;
}

static Status
state_seek(Source *source, int32_t partition, int64_t position, Error *err)
{
	(void)partition;
	(void)position;
	return error_bug(err, "The rows of the table %s have no positions", source->spec->table_name);
}

static void
state_progress(const Source *source, int64_t *done, int64_t *all)
{
	const StateSource *self = (const StateSource *)source;

	*done = *all = 0;
	for (int32_t i = 0; i < source->n_partitions; i++)
		*done += self->partitions[i].n_read;
}

static void
state_close(Source *source)
{
	StateSource *self = (StateSource *)source;

	for (int32_t i = 0; i < source->n_partitions; i++)
		if (self->partitions[i].scan != NULL)
			store_scan_close(self->partitions[i].scan);
	strbuf_free(&self->key_bytes);
}

static const SourceType state_source = {
	.name = "table",
	.read = state_read,
	.position = state_position,
	.seek = state_seek,
	.progress = state_progress,
	.close = state_close,
};

Status
state_source_open(Arena *arena, const SourceSpec *spec, const SourceContext *context, Source **out, Error *err)
{
	StateSource		*self = arena_new(arena, StateSource);
	const TopicSpec *topic = spec->topic;

	self->context = *context;
	self->base = (Source){
		.type = &state_source,
		.spec = spec,
		.n_partitions = 1,		/* kept rows of all partitions of the topic are together */
		.bad_records = context->bad_records,
	};
	TRY(store_state_open(context->store, STR(KEPT_ROWS_OWNER), str_of(spec->table_name), &self->state_id, err));
	self->n_key = topic->key.n_columns;
	self->n_all = topic->key.n_columns + topic->value.n_columns;
	self->types = arena_array(arena, const Type *, self->n_all + 1);
	self->values = arena_array(arena, Value, self->n_all + 1);
	for (int i = 0; i < self->n_all; i++)
		self->types[i] = i < self->n_key ? topic->key.columns[i].type : topic->value.columns[i - self->n_key].type;
	self->partitions = arena_array(arena, StatePartition, self->base.n_partitions);
	self->n_walks = 1;
	if (context->state_by_partition && topic->n_partitions > 1) {
		self->n_walks = topic->n_partitions;
		self->key = arena_array(arena, Vector *, self->n_key + 1);
		for (int i = 0; i < self->n_key; i++)
			self->key[i] = vector_new(arena, self->types[i], 1);
		TRY(topic->key.format->encoder_new(arena, &topic->key, &self->encoder, err));
	}
	*out = &self->base;
	return OK;
}

Status
state_source_clone(Arena *arena, Source *source, Source **out, Error *err)
{
	return state_source_open(arena, source->spec, &((StateSource *)source)->context, out, err);
}
