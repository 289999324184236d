/* Rows that stand in the plan itself: VALUES, and SELECT without FROM. */
#include "io/connector/source_impl.h"

typedef struct ValuesSource {
	Source		  base;
	SourceContext context;
	int32_t		  next;
} ValuesSource;

static Status
values_read(Source *source, int32_t partition, int32_t max_rows, Arena *arena, Batch **out, Error *err)
{
	ValuesSource	 *self = (ValuesSource *)source;
	const SourceSpec *spec = source->spec;
	int32_t			  n = spec->n_values - self->next;
	Time			  now = self->context.env != NULL ? env_now(self->context.env) : 0;
	int64_t			 *event_time, *offset;
	Batch			 *batch;

	(void)err;
	*out = NULL;
	if (n <= 0)
		return DONE;
	if (n > max_rows)
		n = max_rows;
	if (n > BATCH_ROWS)
		n = BATCH_ROWS;
	batch = batch_new(arena, spec->n_columns, n);
	event_time = arena_alloc(arena, sizeof(int64_t) * (size_t)n);
	offset = arena_alloc(arena, sizeof(int64_t) * (size_t)n);
	for (int c = 0; c < spec->n_columns; c++) {
		Vector *v = vector_new(arena, spec->columns[c].type, n);

		for (int32_t i = 0; i < n; i++)
			vector_set(v, arena, i, &spec->values[(int64_t)(self->next + i) * spec->n_columns + c]);
		batch->columns[c] = v;
	}
	for (int32_t i = 0; i < n; i++) {
		event_time[i] = now;
		offset[i] = self->next + i;
	}
	batch->n_rows = n;
	batch->event_time = event_time;
	batch->offset = offset;
	batch->partition = int32_filled(arena, partition, n);
	self->next += n;
	*out = batch;
	return OK;
}

static int64_t
values_position(const Source *source, int32_t partition)
{
	(void)partition;
	return ((const ValuesSource *)source)->next;
}

static Status
values_seek(Source *source, int32_t partition, int64_t position, Error *err)
{
	(void)partition;
	(void)err;
	((ValuesSource *)source)->next = (int32_t)position;
	return OK;
}

static void
values_progress(const Source *source, int64_t *done, int64_t *all)
{
	*done = ((const ValuesSource *)source)->next;
	*all = source->spec->n_values;
}

static const SourceType values_source = {
	.name = "values",
	.read = values_read,
	.position = values_position,
	.seek = values_seek,
	.progress = values_progress,
};

Status
values_source_open(Arena *arena, const SourceSpec *spec, const SourceContext *context, Source **out, Error *err)
{
	ValuesSource *self = arena_new(arena, ValuesSource);

	(void)err;
	self->context = *context;
	self->base = (Source){.type = &values_source, .spec = spec, .n_partitions = 1, .bad_records = context->bad_records};
	*out = &self->base;
	return OK;
}

Status
values_source_clone(Arena *arena, Source *source, Source **out, Error *err)
{
	TRY(values_source_open(arena, source->spec, &((ValuesSource *)source)->context, out, err));
	((ValuesSource *)*out)->next = ((ValuesSource *)source)->next;
	return OK;
}
