#ifndef SLUICE_IO_CONNECTOR_SOURCE_IMPL_H
#define SLUICE_IO_CONNECTOR_SOURCE_IMPL_H

/* Shared by the kinds of sources.  Not for use outside of io/connector. */
#include "io/connector.h"

/* What a kind of source provides beside its SourceType. */
Status topic_source_open(Arena *arena, const SourceSpec *spec, const SourceContext *context, Source **out, Error *err);
Status topic_source_clone(Arena *arena, Source *source, Source **out, Error *err);
Status state_source_open(Arena *arena, const SourceSpec *spec, const SourceContext *context, Source **out, Error *err);
Status state_source_clone(Arena *arena, Source *source, Source **out, Error *err);
Status values_source_open(Arena *arena, const SourceSpec *spec, const SourceContext *context, Source **out, Error *err);
Status values_source_clone(Arena *arena, Source *source, Source **out, Error *err);
Status file_source_open(Arena *arena, const SourceSpec *spec, const SourceContext *context, Source **out, Error *err);
Status file_source_clone(Arena *arena, Source *source, Source **out, Error *err);

/* Reports a row that could not be read, if anybody wants to know. */
void source_report(Source *source, const char *input, int32_t partition, int64_t offset, const char *reason, Str raw);

/*
 * Charges (or gives back) bytes of buffers to the query's budget.  They are taken even beyond its limit, because operators write out what they have
 * when they see that it is reached; FAILED only where the buffers of this source alone are more than the limit, and not small.
 */
Status source_charge(Source *source, int64_t more_bytes, Error *err);

/* What the buffers of one source may take whatever the limit is. */
#define SOURCE_FREE_BYTES (INT64_C(16) << 20)

/* The index of delivered column c among the source's own columns. */
static inline int
source_column(const SourceSpec *spec, int c)
{
	return spec->source_index != NULL ? spec->source_index[c] : c;
}

/* Sets the number of rows of a vector that was made with room for more; fields of a STRUCT too. */
void vector_cut(Vector *v, int32_t n_rows);

/* system columns of n rows with one value */
const int32_t *int32_filled(Arena *arena, int32_t value, int32_t n_rows);

#endif
