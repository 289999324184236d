#include "io/connector/file/parquet_source.h"

#include <errno.h>
#include <stdlib.h>

#include "data/decimal.h"
#include "io/connector/file/file_impl.h"
#include "io/connector/file/parquet_cast.h"
#include "io/connector/file/parquet_file.h"
#include "io/connector/file/parquet_filter.h"
#include "io/connector/file/parquet_prune.h"
#include "io/format/parquet/parquet_column.h"

#define PIECE_ROWS INT64_C(65536)		/* row groups are not cut into smaller pieces than this */
#define FOLLOW_ROOM 256					/* files that may join while a glob is followed */
#define GLOB_NANOS INT64_C(500000000)
#define SETTLED_MS 10000				/* a followed file that has not changed for so long is no longer being written */

/* Rows of a file that are read one after the other. */
typedef struct ParquetPart {
	int		file;
	int64_t row, end;			/* the next row, and behind the last; end -1: the file is not known yet */
	bool	is_done;
	struct ParquetScan *scan;	/* NULL: not begun */
} ParquetPart;

/* Open readers of a file's columns. */
typedef struct ParquetScan {
	const ParquetFile *file;
	ParquetFileInput   input;
	Arena			   arena;
	ColumnReader	  *columns;	/* one a delivered column; node NULL: the file does not have it */
	int64_t			  *at;		/* the row of the file that each of them stands at: behind `row` where rows were not needed */
	int				   group;	/* the row group that they stand in; -1: none */
	int64_t			   row;		/* the next row that is to be read */
	int64_t			   held;	/* bytes of buffers that are charged */
	Arena			   gap_arena;
	RowSpan			  *gaps;	/* rows of the row group that are not needed, by the page index */
	int				   n_gaps;
} ParquetScan;

typedef struct ParquetSource ParquetSource;
struct ParquetSource {
	Source		   base;
	SourceContext  context;
	const FileSpec *spec;
	Arena		  *arena;
	int			   n_files;
	ParquetFile	 **files;		/* NULL: followed, not read yet */
	char		 **paths;
	ParquetPart	  *parts;
	int64_t		   part_rows, part_bytes;	/* of all parts; bytes of the wanted columns */
	int64_t		   rows_done;
	ParquetFilters filters;
	const ParquetNode ***bound_nodes;	/* by file: the column of each of the filters' bounds */
	ParquetScan	  *spare;		/* of the part that was finished last: the next one may be of the same file */
	ParquetSource *original;	/* of a clone: owns what is shared */
	Nanos		   next_glob;
};

/* ---- scans ---- */

static void
scan_free(ParquetSource *self, ParquetScan *scan)
{
	if (scan == NULL)
		return;
	source_charge(&self->base, -scan->held, NULL);
	for (int c = 0; c < self->base.spec->n_columns; c++)
		if (scan->columns[c].node != NULL)
			column_reader_free(&scan->columns[c]);
	parquet_input_close(&scan->input);
	arena_free(&scan->gap_arena);
	arena_free(&scan->arena);
	free(scan);
}

/* Charges what the buffers hold by now. */
static Status
scan_charge(ParquetSource *self, ParquetScan *scan, Error *err)
{
	int64_t bytes = 0, before = scan->held;

	for (int c = 0; c < self->base.spec->n_columns; c++)
		if (scan->columns[c].node != NULL)
			bytes += column_reader_bytes(&scan->columns[c]);
	scan->held = bytes;
	return source_charge(&self->base, bytes - before, err);
}

static const Column *
wanted_column(const ParquetSource *self, int c)
{
	return &self->spec->columns[source_column(self->base.spec, c)];
}

/* The column of the file that is read for delivered column c; NULL: rows have NULL there. */
static Status
find_column(const ParquetSource *self, const ParquetFile *file, int c, const ParquetNode **out, Error *err)
{
	const Column *wanted = wanted_column(self, c);

	*out = parquet_file_column(file, wanted->name);
	if (*out == NULL)
		return OK;
	if ((*out)->type == NULL)
		return error_unsupported(err, "Column `%s` of '%s' is %s, which cannot be read", wanted->name, file->path, (*out)->why);
	if (parquet_type_fits(*out, wanted->type) || parquet_can_cast((*out)->type, wanted->type))
		return OK;
	error_user(err, "Column `%s` of '%s' is %s, not %s", wanted->name, file->path, type_to_arena((*out)->type, self->arena),
			   type_to_arena(wanted->type, self->arena));
	return error_hint(err, "Files of one glob must agree in their types; SCHEMA='...' may declare wider ones");
}

static Status
scan_open(ParquetSource *self, const ParquetFile *file, ParquetScan **out, Error *err)
{
	ParquetScan *scan = xcalloc(1, sizeof *scan);
	int			 n = self->base.spec->n_columns;
	const MemoryBudget *limit = budget_in_force(self->base.budget);
	Status		 status;

	*out = scan;
	scan->file = file;
	scan->group = -1;
	scan->input.fd = -1;
	scan->columns = arena_array(&scan->arena, ColumnReader, n + 1);
	scan->at = arena_array(&scan->arena, int64_t, n + 1);
	TRY_OUT(parquet_input_open(&scan->input, file, limit != NULL ? limit->limit_bytes : 0, n, err));
	for (int c = 0; c < n; c++) {
		const ParquetNode *node;

		TRY_OUT(find_column(self, file, c, &node, err));
		if (node != NULL)
			column_reader_init(&scan->columns[c], &scan->arena, node, &scan->input.base);
	}
	return OK;
out:
	scan_free(self, scan);
	*out = NULL;
	return status;
}

/* The row group that a row is in. */
static int
group_of(const ParquetMeta *meta, int64_t row)
{
	int low = 0, high = meta->n_groups - 1;

	while (low < high) {
		int middle = (low + high + 1) / 2;

		if (meta->groups[middle].first_row <= row)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* Brings the readers to a row. */
static Status
scan_seek(ParquetSource *self, ParquetScan *scan, int group, int64_t row, Error *err)
{
	const ParquetRowGroup *g = &scan->file->meta->groups[group];

	if (scan->group == group && scan->row == row)
		return OK;
	for (int c = 0; c < self->base.spec->n_columns; c++) {
		scan->at[c] = g->first_row;
		if (scan->columns[c].node != NULL)
			TRY(column_reader_open(&scan->columns[c], g, group, err));
	}
	scan->group = group;
	scan->row = row;
	return OK;
}

/* ---- parts ---- */

static void
part_end(ParquetSource *self, ParquetPart *part)
{
	if (part->scan == NULL)
		return;
	scan_free(self, self->spare);
	self->spare = part->scan;
	part->scan = NULL;
}

static Status
part_begin(ParquetSource *self, ParquetPart *part, Error *err)
{
	const ParquetFile *file = self->files[part->file];

	if (part->scan != NULL)
		return OK;
	if (self->spare != NULL && self->spare->file == file) {
		part->scan = self->spare;
		self->spare = NULL;
		return OK;
	}
	return scan_open(self, file, &part->scan, err);
}

/* FOLLOW of a glob: new files join in the order in which they are seen. */
static void
follow_glob(ParquetSource *self)
{
	Nanos	now = nanos_now();
	Arena	scratch = {0};
	char  **paths;
	int		n;

	if (now < self->next_glob)
		return;
	self->next_glob = now + GLOB_NANOS;
	n = file_glob_new(&scratch, self->spec->access, self->spec->path, self->paths, self->n_files, &paths);
	for (int i = 0; i < n && self->n_files < self->base.n_partitions; i++)
		self->paths[self->n_files++] = arena_strdup(self->arena, paths[i]);
	arena_free(&scratch);
}

/* A file that has joined: its footer.  Without one it may be on its way still. */
static Status
follow_file(ParquetSource *self, ParquetPart *part, Error *err)
{
	ParquetFile *file;

	if (part->file >= self->n_files)
		follow_glob(self);
	if (part->file >= self->n_files)
		return DONE;
	if (self->files[part->file] == NULL) {
		if (parquet_file_read(self->arena, self->spec->access, self->paths[part->file], false, &file, err) == FAILED) {
			Time now = self->context.env != NULL ? env_now(self->context.env) : 0;

			return file->time > 0 && now - file->time > SETTLED_MS ? FAILED : DONE;
		}
		self->files[part->file] = file;
	}
	part->end = self->files[part->file]->meta->n_rows;
	return OK;
}

/* `rows`: which of the rows from part->row on the batch has; NULL: the first. */
static void
fill_system_columns(const ParquetSource *self, const ParquetPart *part, const uint32_t *rows, Arena *arena, Batch *batch)
{
	int64_t *time = arena_alloc(arena, sizeof *time * (size_t)batch->n_rows);
	int64_t *offset = arena_alloc(arena, sizeof *offset * (size_t)batch->n_rows);

	for (int32_t i = 0; i < batch->n_rows; i++) {
		time[i] = self->files[part->file]->time;
		offset[i] = part->row + (rows != NULL ? (int32_t)rows[i] : i);
	}
	batch->event_time = time;
	batch->offset = offset;
	batch->partition = int32_filled(arena, part->file, batch->n_rows);
}

static Status
read_column(ParquetSource *self, ParquetScan *scan, int c, int32_t n, Arena *arena, const Vector **out, Error *err)
{
	const Column *wanted = wanted_column(self, c);

	if (scan->columns[c].node == NULL) {
		*out = vector_null(arena, wanted->type, n);
		return OK;
	}
	if (scan->at[c] < scan->row)
		TRY(column_reader_skip(&scan->columns[c], scan->row - scan->at[c], err));
	TRY(column_reader_read(&scan->columns[c], n, arena, out, err));
	scan->at[c] = scan->row + n;
	if ((*out)->type == wanted->type)
		return OK;
	if (parquet_cast(arena, out, wanted->type, err) != OK)
		return error_context(err, "column `%s` of '%s', near row %lld", wanted->name, scan->file->path, (long long)scan->row);
	return OK;
}

/* Some rows of a column: packed where that is cheap, else as a dictionary. */
static const Vector *
pick_rows(Arena *arena, const Vector *v, const uint32_t *rows, int32_t n)
{
	Vector *out;

	if (v->form != VECTOR_FLAT || v->validity != NULL || type_width(v->type) < 4 || type_is_nested(v->type))
		return vector_dictionary(arena, v, rows, n);
	out = vector_new_unset(arena, v->type, n);
	out->is_ascii = v->is_ascii;
	fixed_gather(type_width(v->type), v->data, rows, n, out->data);
	return out;
}

/* Reads the columns that filters ask, of n rows, and finds the rows that are needed; *all: every one. */
static Status
read_filtered(ParquetSource *self, ParquetScan *scan, int32_t n, Arena *arena, Batch *batch, uint32_t *rows, int32_t *n_rows, bool *all, Error *err)
{
	*n_rows = n;
	*all = true;
	for (int f = 0; f < self->filters.n && *n_rows > 0; f++) {
		ParquetFilter *filter = &self->filters.filters[f];

		if (!parquet_filter_is_on(filter))
			continue;
		if (batch->columns[filter->column] == NULL)
			TRY(read_column(self, scan, filter->column, n, arena, &batch->columns[filter->column], err));
		parquet_filter_select(filter, batch->columns[filter->column], rows, n_rows, all, arena);
	}
	return OK;
}

/* The next n rows, without those that filters leave out; NULL if that leaves none. */
static Status
read_batch(ParquetSource *self, ParquetPart *part, int32_t n, Arena *arena, Batch **out, Error *err)
{
	ParquetScan *scan = part->scan;
	Batch		*batch = batch_new(arena, self->base.spec->n_columns, n);
	uint32_t	*rows = self->filters.n > 0 ? arena_alloc(arena, sizeof *rows * (size_t)n) : NULL;
	bool		 all;

	TRY(read_filtered(self, scan, n, arena, batch, rows, &batch->n_rows, &all, err));
	for (int c = 0; c < batch->n_columns && batch->n_rows > 0; c++) {
		if (batch->columns[c] == NULL)
			TRY(read_column(self, scan, c, n, arena, &batch->columns[c], err));
		if (!all)
			batch->columns[c] = pick_rows(arena, batch->columns[c], rows, batch->n_rows);
	}
	fill_system_columns(self, part, all ? NULL : rows, arena, batch);
	*out = batch->n_rows > 0 ? batch : NULL;
	return OK;
}

/* Goes on behind the rows that the page index leaves out; *n: rows up to the next of those, at most. */
static void
pass_gaps(const ParquetScan *scan, const ParquetRowGroup *group, int64_t end, int64_t *row, int32_t *n)
{
	for (int i = 0; i < scan->n_gaps; i++) {
		int64_t from = group->first_row + scan->gaps[i].from, to = group->first_row + scan->gaps[i].to;

		if (to <= *row)
			continue;
		if (from > *row) {
			*n = from - *row < *n ? (int32_t)(from - *row) : *n;
			break;
		}
		*row = to < end ? to : end;
	}
	*n = end - *row < *n ? (int32_t)(end - *row) : *n;
}

static Status
read_rows(ParquetSource *self, ParquetPart *part, int32_t max_rows, Arena *arena, Batch **out, Error *err)
{
	const ParquetMeta *meta = self->files[part->file]->meta;
	int				   group = group_of(meta, part->row);
	int64_t			   end = meta->groups[group].first_row + meta->groups[group].n_rows;
	int32_t			   n = max_rows < BATCH_ROWS ? max_rows : BATCH_ROWS;
	int64_t			   before, first;

	end = end < part->end ? end : part->end;
	n = end - part->row < n ? (int32_t)(end - part->row) : n;
	first = part->row;
	TRY(part_begin(self, part, err));
	before = part->scan->input.bytes_read;
	if (self->context.is_bounded && part->scan->group != group) {
		bool matches;

		TRY(parquet_group_bloom_matches(self->files[part->file], &part->scan->input.base, group, self->filters.bounds,
										self->filters.n_bounds, self->bound_nodes[part->file], &matches, err));
		if (!matches) {
			part->row = end;
			self->rows_done += end - first;
			return OK;
		}
		arena_reset(&part->scan->gap_arena);
		TRY(parquet_group_gaps(self->files[part->file], &part->scan->input.base, group, self->filters.bounds, self->filters.n_bounds,
							   self->bound_nodes[part->file], &part->scan->gap_arena, &part->scan->gaps, &part->scan->n_gaps, err));
	}
	TRY(scan_seek(self, part->scan, group, part->row, err));
	pass_gaps(part->scan, &meta->groups[group], end, &part->row, &n);
	part->scan->row = part->row;
	if (n == 0) {
		self->rows_done += part->row - first;
		return OK;
	}
	TRY(read_batch(self, part, n, arena, out, err));
	TRY(scan_charge(self, part->scan, err));
	self->base.bytes_read += part->scan->input.bytes_read - before;
	part->row += n;
	part->scan->row = part->row;
	self->rows_done += part->row - first;
	return OK;
}

static Status
parquet_read(Source *source, int32_t number, int32_t max_rows, Arena *arena, Batch **out, Error *err)
{
	ParquetSource *self = (ParquetSource *)source;
	ParquetPart	  *part = &self->parts[number];

	*out = NULL;
	if (part->is_done)
		return DONE;
	if (part->end < 0) {
		Status status = follow_file(self, part, err);

		if (status != OK)
			return status == DONE ? OK : FAILED;
	}
	if (part->row < part->end)
		return read_rows(self, part, max_rows, arena, out, err);
	part_end(self, part);
	if (self->spec->follow)
		return OK;
	part->is_done = true;
	return DONE;
}

static int64_t
parquet_position(const Source *source, int32_t number)
{
	return ((const ParquetSource *)source)->parts[number].row;
}

static Status
parquet_seek(Source *source, int32_t number, int64_t position, Error *err)
{
	ParquetPart *part = &((ParquetSource *)source)->parts[number];

	(void)err;
	part->row = position;
	part->is_done = false;
	return OK;
}

static void
parquet_progress(const Source *source, int64_t *done, int64_t *all)
{
	const ParquetSource *self = (const ParquetSource *)source;

	*done = self->part_rows > 0 ? (int64_t)((double)self->part_bytes * (double)self->rows_done / (double)self->part_rows) : 0;
	*all = self->part_bytes;
}

static void
close_files(ParquetSource *self)
{
	for (int f = 0; f < self->n_files; f++)
		if (self->files[f] != NULL)
			parquet_file_close(self->files[f]);
}

static void
parquet_close(Source *source)
{
	ParquetSource *self = (ParquetSource *)source;

	for (int i = 0; i < source->n_partitions; i++)
		scan_free(self, self->parts[i].scan);
	scan_free(self, self->spare);
	if (self->original == self)
		close_files(self);
}

static const SourceType parquet_source = {
	.name = "parquet",
	.read = parquet_read,
	.position = parquet_position,
	.seek = parquet_seek,
	.progress = parquet_progress,
	.close = parquet_close,
};

const char *
parquet_source_path(const Source *source, int file)
{
	const ParquetSource *self = (const ParquetSource *)source;

	return file < self->n_files ? self->paths[file] : NULL;
}

/* ---- opening ---- */

static void
add_part(ParquetSource *self, int *capacity, int file, int64_t row, int64_t end)
{
	if (self->base.n_partitions == *capacity) {
		ParquetPart *more = arena_array(self->arena, ParquetPart, *capacity * 2 + 16);

		if (*capacity > 0)
			memcpy(more, self->parts, sizeof *more * (size_t)*capacity);
		*capacity = *capacity * 2 + 16;
		self->parts = more;
	}
	self->parts[self->base.n_partitions++] = (ParquetPart){.file = file, .row = row, .end = end};
}

/* How many rows a piece of a row group has: all, unless there are too few row groups to keep the threads busy. */
static int64_t
piece_rows(const ParquetSource *self, int n_groups, int64_t n_rows)
{
	int64_t n_pieces;

	if (self->context.n_threads <= 1 || n_groups >= 2 * self->context.n_threads || self->base.spec->n_columns == 0)
		return n_rows;
	n_pieces = (2 * self->context.n_threads + n_groups - 1) / n_groups;
	return n_rows / n_pieces > PIECE_ROWS ? (n_rows + n_pieces - 1) / n_pieces : n_rows < PIECE_ROWS ? n_rows : PIECE_ROWS;
}

/* Finds the columns that the bounds speak of. */
static void
bind_bounds(ParquetSource *self, int file)
{
	const ParquetFilters *filters = &self->filters;

	self->bound_nodes[file] = arena_array(self->arena, const ParquetNode *, filters->n_bounds + 1);
	for (int i = 0; i < filters->n_bounds; i++)
		self->bound_nodes[file][i] = parquet_file_column(self->files[file], self->spec->columns[filters->bounds[i].column].name);
}

static bool
group_may_match(const ParquetSource *self, int file, int group)
{
	return parquet_group_may_match(self->files[file], group, self->filters.bounds, self->filters.n_bounds, self->bound_nodes[file]);
}

/* Bytes of the wanted columns in a row group. */
static int64_t
group_bytes(const ParquetSource *self, int file, const ParquetRowGroup *group)
{
	int64_t bytes = 0;

	for (int c = 0; c < self->base.spec->n_columns; c++) {
		const ParquetNode *node = parquet_file_column(self->files[file], wanted_column(self, c)->name);

		for (int i = 0; node != NULL && i < node->n_leaves; i++)
			bytes += group->chunks[node->first_leaf + i].size_bytes;
	}
	return bytes > 0 ? bytes : group->n_rows;
}

static void
count_part(ParquetSource *self, int file, const ParquetRowGroup *group, int64_t n_rows)
{
	self->part_rows += n_rows;
	if (group->n_rows > 0)
		self->part_bytes += (int64_t)((double)group_bytes(self, file, group) * (double)n_rows / (double)group->n_rows);
}

static void
plan_parts(ParquetSource *self)
{
	int	 capacity = 0, n_groups = 0;
	bool can_split = self->context.is_bounded && !self->spec->follow;

	for (int f = 0; f < self->n_files && can_split; f++)
		for (int g = 0; g < self->files[f]->meta->n_groups; g++)
			n_groups += group_may_match(self, f, g);
	for (int f = 0; f < self->n_files; f++) {
		const ParquetMeta *meta = self->files[f]->meta;

		if (!can_split) {
			add_part(self, &capacity, f, 0, meta->n_rows);
			for (int g = 0; g < meta->n_groups; g++)
				count_part(self, f, &meta->groups[g], meta->groups[g].n_rows);
			continue;
		}
		for (int g = 0; g < meta->n_groups; g++) {
			const ParquetRowGroup *group = &meta->groups[g];
			int64_t				   step;

			if (!group_may_match(self, f, g))
				continue;
			count_part(self, f, group, group->n_rows);
			step = piece_rows(self, n_groups, group->n_rows);
			for (int64_t row = 0; row < group->n_rows; row += step)
				add_part(self, &capacity, f, group->first_row + row, group->first_row + (group->n_rows - row < step ? group->n_rows : row + step));
		}
	}
	if (self->spec->follow && path_is_open(self->spec->path))
		for (int i = 0; i < FOLLOW_ROOM; i++)
			add_part(self, &capacity, self->n_files + i, 0, -1);
	if (self->base.n_partitions == 0)
		add_part(self, &capacity, 0, 0, 0);
}

/* Reads the footers, and checks that every file has what is wanted. */
static Status
open_files(ParquetSource *self, Error *err)
{
	const ParquetNode *ignored;

	for (int f = 0; f < self->n_files; f++) {
		TRY(parquet_file_read(self->arena, self->spec->access, self->paths[f], false, &self->files[f], err));
		for (int c = 0; c < self->base.spec->n_columns; c++)
			TRY(find_column(self, self->files[f], c, &ignored, err));
		bind_bounds(self, f);
	}
	return OK;
}

Status
parquet_source_open(Arena *arena, const SourceSpec *spec, const SourceContext *context, Source **out, Error *err)
{
	ParquetSource *self = arena_new(arena, ParquetSource);
	char		 **paths;

	self->context = *context;
	self->spec = spec->file;
	self->arena = arena;
	self->original = self;
	self->base = (Source){.type = &parquet_source, .spec = spec, .bad_records = context->bad_records, .budget = context->budget};
	parquet_filters_init(&self->filters, arena, spec, context);
	TRY(file_spec_paths(arena, spec->file, &paths, &self->n_files, err));
	self->paths = arena_array(arena, char *, self->n_files + FOLLOW_ROOM);
	self->files = arena_array(arena, ParquetFile *, self->n_files + FOLLOW_ROOM);
	self->bound_nodes = arena_array(arena, const ParquetNode **, self->n_files + FOLLOW_ROOM);
	memcpy(self->paths, paths, sizeof *paths * (size_t)self->n_files);
	if (open_files(self, err) != OK) {
		close_files(self);
		return FAILED;
	}
	plan_parts(self);
	*out = &self->base;
	return OK;
}

Status
parquet_source_clone(Arena *arena, Source *source, Source **out, Error *err)
{
	ParquetSource *self = arena_memdup(arena, source, sizeof *self);

	(void)err;
	self->base.n_bad = 0;
	self->base.bytes_read = self->base.held_bytes = self->rows_done = 0;
	self->spare = NULL;
	parquet_filters_clone(&self->filters, arena);
	self->parts = arena_memdup(arena, self->parts, sizeof *self->parts * (size_t)source->n_partitions);
	for (int i = 0; i < source->n_partitions; i++)
		self->parts[i].scan = NULL;
	*out = &self->base;
	return OK;
}

Status
parquet_describe(Arena *arena, FileSpec *spec, const char *path, bool fold_names, Error *err)
{
	ParquetFile *file;
	Column		*columns;

	TRY(parquet_file_read(arena, spec->access, path, fold_names, &file, err));
	parquet_file_close(file);
	spec->has_header = false;
	if (spec->size_bytes == 0)
		spec->size_bytes = file->size_bytes;		/* of an address */
	/* the other files of a glob are taken to be like this one */
	spec->n_rows = (int64_t)((double)file->meta->n_rows * ((double)spec->size_bytes / (double)file->size_bytes));
	if (spec->n_columns > 0)
		return OK;
	columns = arena_array(arena, Column, file->n_columns + 1);
	for (int c = 0; c < file->n_columns; c++) {
		columns[c] = (Column){.name = file->columns[c].name, .type = file->columns[c].type};
		if (columns[c].type == NULL) {
			error_unsupported(err, "Column `%s` of '%s' is %s, which cannot be read", columns[c].name, path, file->columns[c].why);
			return error_hint(err, "WITH (SCHEMA='name TYPE, ...') reads the columns that it names");
		}
	}
	if (file->n_columns == 0)
		return error_user(err, "'%s' has no columns", path);
	spec->columns = columns;
	spec->n_columns = file->n_columns;
	return OK;
}
