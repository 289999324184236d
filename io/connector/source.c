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
	if (source != NULL && source->type->close != NULL)
		source->type->close(source);
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
