#include "io/connector/file/parquet_filter.h"

#include "io/connector/source_impl.h"

/* The delivered column that is a column of the file; -1: it is not delivered. */
static int
delivered(const SourceSpec *spec, int file_column)
{
	for (int c = 0; c < spec->n_columns; c++)
		if (source_column(spec, c) == file_column)
			return c;
	return -1;
}

/* Values of bounds that are integers as the column's are. */
static bool
is_integer_bound(const Type *column, const ScanBound *bound)
{
	bool is_number = column->kind == TYPE_INTEGER || column->kind == TYPE_BIGINT;

	for (int i = 0; i < bound->n_values; i++) {
		const Type *type = bound->values[i].type;

		if (type != column && !(is_number && (type->kind == TYPE_INTEGER || type->kind == TYPE_BIGINT)))
			return false;
	}
	return key_filter_takes(column) && column->kind != TYPE_BOOLEAN && bound->n_values > 0;
}

/* Only what becomes one range; of several values the row groups and the filter above know. */
static bool
bound_keys(const ScanBound *bound, KeyFilter *out)
{
	int64_t value = bound->values[0].integer;

	*out = (KeyFilter){.least = INT64_MIN, .greatest = INT64_MAX};
	switch (bound->op) {
	case BOUND_EQ:
		out->least = out->greatest = value;
		return true;
	case BOUND_LT:
		out->greatest = value - (value > INT64_MIN);
		return value > INT64_MIN;
	case BOUND_LE:
		out->greatest = value;
		return true;
	case BOUND_GT:
		out->least = value + (value < INT64_MAX);
		return value < INT64_MAX;
	case BOUND_GE:
		out->least = value;
		return true;
	default:
		return false;
	}
}

/* Several ranges of one column are one. */
static void
add_range(ParquetFilters *filters, Arena *arena, int column, const KeyFilter *range)
{
	KeyFilter *keys;

	for (int i = 0; i < filters->n; i++) {
		if (filters->filters[i].column != column)
			continue;
		keys = (KeyFilter *)filters->filters[i].keys;
		keys->least = range->least > keys->least ? range->least : keys->least;
		keys->greatest = range->greatest < keys->greatest ? range->greatest : keys->greatest;
		return;
	}
	keys = arena_memdup(arena, range, sizeof *range);
	filters->filters[filters->n++] = (ParquetFilter){.column = column, .keys = keys};
}

static ScanBound
key_bound(Arena *arena, const Type *type, const SourceFilter *filter, BoundOp op)
{
	Value *value = arena_new(arena, Value);

	*value = (Value){.type = type, .integer = op == BOUND_GE ? filter->keys->least : filter->keys->greatest};
	return (ScanBound){.column = filter->column, .op = op, .n_values = 1, .values = value};
}

void
parquet_filters_init(ParquetFilters *filters, Arena *arena, const SourceSpec *spec, const SourceContext *context)
{
	ScanBound *bounds = arena_array(arena, ScanBound, spec->n_bounds + 2 * context->n_filters + 1);
	KeyFilter  range;

	*filters = (ParquetFilters){.n_bounds = spec->n_bounds, .bounds = spec->bounds};
	if (!context->is_bounded)
		return;
	filters->filters = arena_array(arena, ParquetFilter, spec->n_bounds + context->n_filters + 1);
	for (int i = 0; i < spec->n_bounds; i++) {
		int column = delivered(spec, spec->bounds[i].column);

		bounds[i] = spec->bounds[i];
		if (column >= 0 && is_integer_bound(spec->file->columns[bounds[i].column].type, &bounds[i]) && bound_keys(&bounds[i], &range))
			add_range(filters, arena, column, &range);
	}
	filters->bounds = bounds;
	for (int i = 0; i < context->n_filters; i++) {
		const SourceFilter *filter = &context->filters[i];
		const Type		   *type;

		/* columns that folders give are none of the file's */
		if (filter->column >= spec->file->n_columns || delivered(spec, filter->column) < 0)
			continue;
		type = spec->file->columns[filter->column].type;
		filters->filters[filters->n++] = (ParquetFilter){.column = delivered(spec, filter->column), .keys = filter->keys};
		bounds[filters->n_bounds++] = key_bound(arena, type, filter, BOUND_GE);
		bounds[filters->n_bounds++] = key_bound(arena, type, filter, BOUND_LE);
	}
}

void
parquet_filters_clone(ParquetFilters *filters, Arena *arena)
{
	if (filters->n > 0)
		filters->filters = arena_memdup(arena, filters->filters, sizeof *filters->filters * (size_t)filters->n);
	for (int i = 0; i < filters->n; i++)
		filters->filters[i].n_asked = filters->filters[i].n_passed = 0;
}

void
parquet_filter_select(ParquetFilter *f, const Vector *column, uint32_t *rows, int32_t *n, bool *all, Arena *scratch)
{
	int32_t kept = key_filter_select(f->keys, column, *all ? NULL : rows, *n, rows, scratch);

	f->n_asked += *n;
	f->n_passed += kept;
	*all = *all && kept == *n;
	*n = kept;
}
