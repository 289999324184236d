#ifndef SLUICE_IO_CONNECTOR_FILE_PARQUET_PRUNE_H
#define SLUICE_IO_CONNECTOR_FILE_PARQUET_PRUNE_H

/* Which row groups of a file can hold a row that satisfies a scan's bounds: by statistics, and by Bloom filters. */
#include "io/connector.h"
#include "io/connector/file/parquet_file.h"

/*
 * False only if statistics show that no row of the group satisfies all bounds.  nodes[i]: the column of bound i in the file (NULL: the
 * file does not have it, its rows are NULL there).
 */
bool parquet_group_may_match(const ParquetFile *file, int group, const ScanBound *bounds, int n_bounds, const ParquetNode *const *nodes);

/*
 * Asks the group's Bloom filters, if it has any, for bounds that want equality.  *matches as above.
 */
Status parquet_group_bloom_matches(const ParquetFile *file, ParquetInput *input, int group, const ScanBound *bounds, int n_bounds,
								   const ParquetNode *const *nodes, bool *matches, Error *err);

/* Rows of a row group, counted from its first. */
typedef struct RowSpan {
	int64_t from, to;		/* to: exclusive */
} RowSpan;

/*
 * The rows of a group that by the file's page index cannot satisfy all bounds: in order, none touching another.  *gaps is in `arena`.  An
 * index that is damaged or not there leaves out nothing.
 */
Status parquet_group_gaps(const ParquetFile *file, ParquetInput *input, int group, const ScanBound *bounds, int n_bounds,
						  const ParquetNode *const *nodes, Arena *arena, RowSpan **gaps, int *n_gaps, Error *err);

/* Whether a value satisfies a bound: for columns that have one value in a whole file.  NULL: value->is_null. */
bool bound_holds(const ScanBound *bound, const Value *value);

#endif
