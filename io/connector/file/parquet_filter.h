#ifndef SLUICE_IO_CONNECTOR_FILE_PARQUET_FILTER_H
#define SLUICE_IO_CONNECTOR_FILE_PARQUET_FILTER_H

/*
 * Which rows of a Parquet file are not needed, as the values of some columns tell: those columns are read first, the others only where rows are
 * left.
 *
 * There are two kinds: bounds of the scan on columns of integers and dates, and the keys of joins (SourceContext).  A filter that most rows
 * pass is given up, because asking it costs more than it saves.  Used by one thread; each clone of a source has a copy.
 */
#include "io/connector.h"

typedef struct ParquetFilter {
	int				 column;	/* delivered */
	const KeyFilter *keys;
	int64_t			 n_asked, n_passed;
} ParquetFilter;

typedef struct ParquetFilters {
	int			   n;
	ParquetFilter *filters;
	/* the scan's bounds, and what the least and the greatest keys of joins say: for row groups */
	int			   n_bounds;
	const ScanBound *bounds;
} ParquetFilters;

/* What a bounded scan is told. */
void parquet_filters_init(ParquetFilters *filters, Arena *arena, const SourceSpec *spec, const SourceContext *context);

/* The same for another thread, with counts of its own. */
void parquet_filters_clone(ParquetFilters *filters, Arena *arena);

/*
 * Leaves those of rows[0..*n) that pass filter f; *all: they are all rows of a batch, 0 .. *n - 1 (rows need not be set then), which is
 * cleared when one does not pass.
 */
void parquet_filter_select(ParquetFilter *f, const Vector *column, uint32_t *rows, int32_t *n, bool *all, Arena *scratch);

static inline bool
parquet_filter_is_on(const ParquetFilter *f)
{
	return f->n_asked < 16384 || f->n_passed < f->n_asked - f->n_asked / 8;
}

#endif
