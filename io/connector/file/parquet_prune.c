#include "io/connector/file/parquet_prune.h"

#include <math.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "data/decimal.h"
#include "io/format/parquet/thrift.h"

/* ---- comparing ---- */

static bool
as_decimal(const Value *v, Decimal *out, int *scale)
{
	*scale = v->type->kind == TYPE_DECIMAL ? v->type->scale : 0;
	*out = v->type->kind == TYPE_DECIMAL ? v->decimal : v->integer;
	return v->type->kind != TYPE_DOUBLE;
}

static double
as_double(const Value *v)
{
	return v->type->kind == TYPE_DOUBLE	   ? v->number
		   : v->type->kind == TYPE_DECIMAL ? decimal_to_double(v->decimal, v->type->scale)
										   : (double)v->integer;
}

static int
compare_numbers(const Value *a, const Value *b, bool *is_known)
{
	Decimal x, y;
	int		sx, sy;

	if (as_decimal(a, &x, &sx) && as_decimal(b, &y, &sy)) {
		if (decimal_rescale(x, sx, sx > sy ? sx : sy, DECIMAL_EXACT, &x) == DECIMAL_OK &&
			decimal_rescale(y, sy, sx > sy ? sx : sy, DECIMAL_EXACT, &y) == DECIMAL_OK)
			return (x > y) - (x < y);
		*is_known = false;
		return 0;
	}
	/* the filter compares them as doubles too */
	double p = as_double(a), q = as_double(b);

	*is_known &= !isnan(p) && !isnan(q);
	return (p > q) - (p < q);
}

/* Order of two values that are not NULL; *is_known is cleared if they have none. */
static int
compare(const Value *a, const Value *b, bool *is_known)
{
	int64_t day = 86400000;

	if (type_is_number(a->type) && type_is_number(b->type))
		return compare_numbers(a, b, is_known);
	if (a->type == b->type)
		return value_compare(a, b, false);
	if (a->type->kind == TYPE_DATE && b->type->kind == TYPE_TIMESTAMP)
		return (a->integer * day > b->integer) - (a->integer * day < b->integer);
	*is_known = false;
	return 0;
}

/* Whether a value between min and max (NULL: not known) can satisfy `x op value`. */
static bool
range_may_match(const Value *min, const Value *max, BoundOp op, const Value *value)
{
	bool known_min = min != NULL, known_max = max != NULL;
	int	 low = known_min ? compare(min, value, &known_min) : 0;
	int	 high = known_max ? compare(max, value, &known_max) : 0;

	switch (op) {
	case BOUND_EQ:
	case BOUND_IN:
		return !(known_min && low > 0) && !(known_max && high < 0);
	case BOUND_LT:
		return !(known_min && low >= 0);
	case BOUND_LE:
		return !(known_min && low > 0);
	case BOUND_GT:
		return !(known_max && high <= 0);
	case BOUND_GE:
		return !(known_max && high < 0);
	default:
		return true;
	}
}

static bool
any_may_match(const Value *min, const Value *max, const ScanBound *bound)
{
	for (int i = 0; i < bound->n_values; i++)
		if (range_may_match(min, max, bound->op, &bound->values[i]))
			return true;
	return false;
}

bool
bound_holds(const ScanBound *bound, const Value *value)
{
	if (bound->op == BOUND_IS_NULL || value->is_null)
		return bound->op == BOUND_IS_NULL && value->is_null;
	return bound->op == BOUND_NOT_NULL || any_may_match(value, value, bound);
}

/* ---- statistics ---- */

/* Whether minimum and maximum mean what the type's order says. */
static bool
range_is_usable(const ParquetNode *leaf, const ParquetStatistics *statistics)
{
	bool is_signed = leaf->physical == PARQUET_INT32 || leaf->physical == PARQUET_INT64 || leaf->physical == PARQUET_FLOAT ||
					 leaf->physical == PARQUET_DOUBLE;

	if (leaf->physical == PARQUET_INT96 || leaf->meaning == PARQUET_MEANS_INTERVAL)
		return false;
	return !statistics->is_old ||
		   (is_signed && leaf->meaning != PARQUET_MEANS_UINT && leaf->meaning != PARQUET_MEANS_UINT32 && leaf->meaning != PARQUET_MEANS_UINT64);
}

static bool
chunk_may_match(const ParquetNode *leaf, const ParquetChunk *chunk, const ScanBound *bound, Arena *scratch)
{
	const ParquetStatistics *statistics = &chunk->statistics;
	Value					 min, max;
	bool					 has_min, has_max;

	if (bound->op == BOUND_IS_NULL)
		return leaf->max_definition > 0 && statistics->null_count != 0;
	if (statistics->null_count == chunk->n_values && chunk->n_values > 0)
		return false;
	if (bound->op == BOUND_NOT_NULL || !range_is_usable(leaf, statistics))
		return true;
	has_min = statistics->min.data != NULL && parquet_plain_value(leaf, statistics->min, scratch, &min);
	has_max = statistics->max.data != NULL && parquet_plain_value(leaf, statistics->max, scratch, &max);
	/* NaN is greater than all numbers, and writers leave it out of the range */
	has_max &= leaf->type->kind != TYPE_DOUBLE || bound->op == BOUND_EQ || bound->op == BOUND_IN;
	return any_may_match(has_min ? &min : NULL, has_max ? &max : NULL, bound);
}

static bool
is_prunable(const ParquetNode *node)
{
	return node->kind == PARQUET_LEAF && node->max_repetition == 0 && node->type != NULL;
}

bool
parquet_group_may_match(const ParquetFile *file, int group, const ScanBound *bounds, int n_bounds, const ParquetNode *const *nodes)
{
	const ParquetRowGroup *g = &file->meta->groups[group];
	Arena				   scratch = {0};
	bool				   matches = true;

	for (int i = 0; i < n_bounds && matches; i++) {
		if (nodes[i] == NULL)
			matches = bounds[i].op == BOUND_IS_NULL;
		else if (is_prunable(nodes[i]))
			matches = chunk_may_match(nodes[i], &g->chunks[nodes[i]->first_leaf], &bounds[i], &scratch);
	}
	arena_free(&scratch);
	return matches;
}

/* ---- Bloom filters (BloomFilter.md of apache/parquet-format: blocks of eight 32-bit words, XXH64 of the PLAIN value) ---- */

#define BLOOM_BLOCK 32
#define BLOOM_HEADER_MAX 64
#define BLOOM_BYTES_MAX ((int64_t)128 << 20)

/* The PLAIN bytes of a value, if it is stored as it is; false: the filter cannot be asked. */
static bool
plain_bytes(const ParquetNode *leaf, const Value *value, char room[8], Str *out)
{
	int32_t narrow = (int32_t)value->integer;

	if (leaf->convert != NULL || value->type != leaf->type)
		return false;
	switch (leaf->physical) {
	case PARQUET_INT32:
		memcpy(room, &narrow, sizeof narrow);
		*out = str_make(room, sizeof narrow);
		return true;
	case PARQUET_INT64:
		memcpy(room, &value->integer, sizeof value->integer);
		*out = str_make(room, sizeof value->integer);
		return true;
	case PARQUET_BYTE_ARRAY:
		*out = value->text;
		return true;
	default:
		return false;
	}
}

static bool
block_has(const uint8_t *block, uint32_t key)
{
	static const uint32_t salts[8] = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};

	for (int i = 0; i < 8; i++) {
		uint32_t word;

		memcpy(&word, block + 4 * i, sizeof word);
		if ((word >> (key * salts[i] >> 27) & 1) == 0)
			return false;
	}
	return true;
}

/* The length of the bit set, from the filter's header; 0 if it is of a kind that is not known. */
static int64_t
bloom_header(const char *data, size_t length, size_t *used)
{
	ThriftReader r = {.pos = (const uint8_t *)data, .end = (const uint8_t *)data + length};
	ThriftField	 field = {0};
	int64_t		 n = 0;

	while (thrift_field(&r, &field)) {
		if (field.id == 1 && field.type == THRIFT_I32)
			n = thrift_int(&r);
		else if (field.type == THRIFT_STRUCT) {
			/* algorithm, hash, compression: each a union of which the first member is the only one so far */
			ThriftField kind = {0};

			while (thrift_field(&r, &kind)) {
				if (kind.id != 1)
					n = 0;
				thrift_skip(&r, kind.type);
			}
		} else
			thrift_skip(&r, field.type);
	}
	*used = length - (size_t)(r.end - r.pos);
	return r.failed || n % BLOOM_BLOCK != 0 || n < 0 || n > BLOOM_BYTES_MAX ? 0 : n;
}

/* Whether one of the bound's values may be in the column.  Reads the one block of each that tells. */
static Status
ask_bloom(ParquetInput *input, const ParquetNode *leaf, const ParquetChunk *chunk, const ScanBound *bound, bool *matches, Error *err)
{
	char	header[BLOOM_HEADER_MAX];
	size_t	length = sizeof header, used;
	int64_t n;

	if ((int64_t)length > input->size_bytes - chunk->bloom_offset)
		length = (size_t)(input->size_bytes - chunk->bloom_offset);
	TRY(input->read(input, chunk->bloom_offset, length, header, err));
	n = bloom_header(header, length, &used);
	if (n == 0 || n > input->size_bytes - chunk->bloom_offset - (int64_t)used)
		return OK;
	*matches = false;
	for (int i = 0; i < bound->n_values && !*matches; i++) {
		uint8_t	 block[BLOOM_BLOCK];
		char	 room[8];
		Str		 bytes;
		uint64_t hash;

		*matches = true;
		if (!plain_bytes(leaf, &bound->values[i], room, &bytes))
			return OK;
		hash = XXH64(bytes.data, bytes.length, 0);
		TRY(input->read(input, chunk->bloom_offset + (int64_t)used + (int64_t)(((hash >> 32) * (uint64_t)(n / BLOOM_BLOCK)) >> 32) * BLOOM_BLOCK,
						BLOOM_BLOCK, block, err));
		*matches = block_has(block, (uint32_t)hash);
	}
	return OK;
}

Status
parquet_group_bloom_matches(const ParquetFile *file, ParquetInput *input, int group, const ScanBound *bounds, int n_bounds,
							const ParquetNode *const *nodes, bool *matches, Error *err)
{
	*matches = true;
	for (int i = 0; i < n_bounds && *matches; i++) {
		const ParquetChunk *chunk;

		if (nodes[i] == NULL || !is_prunable(nodes[i]) || (bounds[i].op != BOUND_EQ && bounds[i].op != BOUND_IN))
			continue;
		chunk = &file->meta->groups[group].chunks[nodes[i]->first_leaf];
		if (chunk->bloom_offset <= 0 || chunk->bloom_offset >= file->size_bytes)
			continue;
		TRY(ask_bloom(input, nodes[i], chunk, &bounds[i], matches, err));
	}
	return OK;
}

/* ---- the page index ---- */

#define INDEX_BYTES_MAX ((int64_t)1 << 20)	/* what is allocated for an index comes from the file: a larger one is not worth reading */

typedef struct Gaps {
	Arena	*arena;
	RowSpan *spans;
	int		 n, capacity;
} Gaps;

static void
gaps_add(Gaps *gaps, int64_t from, int64_t to)
{
	RowSpan *more;

	if (gaps->n > 0 && gaps->spans[gaps->n - 1].to == from) {
		gaps->spans[gaps->n - 1].to = to;
		return;
	}
	if (gaps->n == gaps->capacity) {
		gaps->capacity = gaps->capacity * 2 + 16;
		more = arena_array(gaps->arena, RowSpan, gaps->capacity);
		if (gaps->n > 0)
			memcpy(more, gaps->spans, sizeof *more * (size_t)gaps->n);
		gaps->spans = more;
	}
	gaps->spans[gaps->n++] = (RowSpan){from, to};
}

/* Adds the pages of a column in which no row satisfies the bound. */
static Status
find_gaps(ParquetInput *input, const ParquetNode *leaf, const ParquetChunk *chunk, int64_t n_rows, const ScanBound *bound, Arena *scratch, Gaps *gaps,
		  Error *err)
{
	char			 *columns = arena_alloc(scratch, (size_t)chunk->column_index_length);
	char			 *offsets = arena_alloc(scratch, (size_t)chunk->offset_index_length);
	ParquetPageEntry *pages;
	int				  n_pages;

	TRY(input->read(input, chunk->column_index_offset, (size_t)chunk->column_index_length, columns, err));
	TRY(input->read(input, chunk->offset_index_offset, (size_t)chunk->offset_index_length, offsets, err));
	if (!parquet_page_index_read(scratch, str_make(columns, (size_t)chunk->column_index_length), str_make(offsets, (size_t)chunk->offset_index_length),
								 n_rows, &pages, &n_pages))
		return OK;
	for (int i = 0; i < n_pages; i++) {
		ParquetChunk page = {.n_values = pages[i].n_rows, .statistics = pages[i].statistics};

		if (pages[i].n_rows > 0 && !chunk_may_match(leaf, &page, bound, scratch))
			gaps_add(gaps, pages[i].first_row, pages[i].first_row + pages[i].n_rows);
	}
	return OK;
}

static int
compare_spans(const void *a, const void *b)
{
	int64_t x = ((const RowSpan *)a)->from, y = ((const RowSpan *)b)->from;

	return (x > y) - (x < y);
}

/* Gaps of several columns overlap. */
static int
merge_gaps(RowSpan *spans, int n)
{
	int kept = 0;

	if (n == 0)
		return 0;
	qsort(spans, (size_t)n, sizeof *spans, compare_spans);
	for (int i = 1; i < n; i++) {
		if (spans[i].from > spans[kept].to)
			spans[++kept] = spans[i];
		else if (spans[i].to > spans[kept].to)
			spans[kept].to = spans[i].to;
	}
	return kept + 1;
}

Status
parquet_group_gaps(const ParquetFile *file, ParquetInput *input, int group, const ScanBound *bounds, int n_bounds, const ParquetNode *const *nodes,
				   Arena *arena, RowSpan **out, int *n_gaps, Error *err)
{
	const ParquetRowGroup *g = &file->meta->groups[group];
	Gaps				   gaps = {.arena = arena};
	Arena				   scratch = {0};
	Status				   status = OK;

	for (int i = 0; i < n_bounds && status == OK; i++) {
		const ParquetChunk *chunk;

		if (nodes[i] == NULL || !is_prunable(nodes[i]))
			continue;
		chunk = &g->chunks[nodes[i]->first_leaf];
		if (chunk->column_index_offset > 0 && chunk->column_index_length <= INDEX_BYTES_MAX && chunk->offset_index_length <= INDEX_BYTES_MAX)
			status = find_gaps(input, nodes[i], chunk, g->n_rows, &bounds[i], &scratch, &gaps, err);
		arena_reset(&scratch);
	}
	arena_free(&scratch);
	*out = gaps.spans;
	*n_gaps = merge_gaps(gaps.spans, gaps.n);
	return status;
}
