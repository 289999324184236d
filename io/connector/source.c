/* Opening sources by kind. */
#include "io/connector/source_impl.h"

static const struct {
	Status (*open)(Arena *arena, const SourceSpec *spec, const SourceContext *context, Source **out, Error *err);
	Status (*clone)(Arena *arena, Source *source, Source **out, Error *err);
} kinds[] = {
	[SOURCE_TOPIC] = {topic_source_open, topic_source_clone},
	[SOURCE_FILE] = {file_source_open, file_source_clone},
	[SOURCE_VALUES] = {values_source_open, values_source_clone},
	[SOURCE_TABLE_STATE] = {state_source_open, state_source_clone},
	[SOURCE_EXCHANGE] = {topic_source_open, topic_source_clone},
};

Status
source_open(Arena *arena, const SourceSpec *spec, const SourceContext *context, Source **out, Error *err)
{
	*out = NULL;
	return kinds[spec->kind].open(arena, spec, context, out, err);
}

Status
source_clone(Arena *arena, Source *source, Source **out, Error *err)
{
	*out = NULL;
	return kinds[source->spec->kind].clone(arena, source, out, err);
}

void
source_close(Source *source)
{
	if (source == NULL)
		return;
	if (source->type->close != NULL)
		source->type->close(source);
	budget_release(source->budget, source->held_bytes);
	source->held_bytes = 0;
}

Status
source_charge(Source *source, int64_t more_bytes, Error *err)
{
	const MemoryBudget *limit = budget_in_force(source->budget);

	if (source->budget == NULL || more_bytes == 0)
		return OK;
	source->held_bytes += more_bytes;
	if (more_bytes < 0) {
		budget_release(source->budget, -more_bytes);
		return OK;
	}
	budget_take(source->budget, more_bytes);
	if (limit->limit_bytes == 0 || source->held_bytes <= limit->limit_bytes || source->held_bytes <= SOURCE_FREE_BYTES)
		return OK;
	error_fatal(err, "Out of memory for reading '%s': its buffers need %lld MB and the limit is %lld MB", source->spec->name,
				(long long)(source->held_bytes >> 20), (long long)(limit->limit_bytes >> 20));
	return error_hint(err, "Raise it with SET 'memory.limit'='...', read fewer columns, or use fewer threads");
}

void
source_report(Source *source, const char *input, int32_t partition, int64_t offset, const char *reason, Str raw)
{
	source->n_bad++;
	if (source->bad_records != NULL)
		source->bad_records->report(source->bad_records, input, partition, offset, reason, raw);
}

void
vector_cut(Vector *v, int32_t n_rows)
{
	v->n_rows = n_rows;
	if (v->type->kind == TYPE_STRUCT)
		for (int i = 0; i < v->n_children; i++)
			vector_cut(&v->children[i], n_rows);
}

const int32_t *
int32_filled(Arena *arena, int32_t value, int32_t n_rows)
{
	int32_t *values = arena_alloc(arena, sizeof *values * (size_t)n_rows);

	for (int32_t i = 0; i < n_rows; i++)
		values[i] = value;
	return values;
}
