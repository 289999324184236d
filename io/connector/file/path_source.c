#include "io/connector/file/path_source.h"

#include "data/double_text.h"
#include "data/time_text.h"
#include "io/connector/file/csv_convert.h"
#include "io/connector/file/file_paths.h"
#include "io/connector/file/parquet_prune.h"
#include "io/connector/file/parquet_source.h"

/* ---- values of folders ---- */

typedef struct FolderConvert {
	ConvertContext context;		/* first: what `fail` is given */
	bool		   failed;
} FolderConvert;

static void
note_failure(ConvertContext *context, int32_t row, Str text, const char *why)
{
	(void)row;
	(void)text;
	(void)why;
	((FolderConvert *)context)->failed = true;
}

/* The text of a folder as a value of a type, by the rules of CSV fields; false if it is none. */
static bool
value_of_text(Arena *arena, const Type *type, const PathKey *key, Value *out)
{
	FolderConvert convert = {.context = {.arena = arena, .fail = note_failure}};
	char		 *padded = arena_calloc(arena, key->value.length + 64);
	const char	 *at = padded + 32;
	uint32_t	  length = (uint32_t)key->value.length;
	uint8_t		  quoted = type->kind == TYPE_STRING;
	Vector		 *v;

	*out = value_null(type);
	if (key->is_null)
		return true;
	memcpy(padded + 32, key->value.data, key->value.length);
	v = vector_new(arena, type, 1);
	csv_convert(&convert.context, &(FieldRun){.n = 1, .at = &at, .length = &length, .quoted = &quoted}, v);
	if (!convert.failed)
		*out = value_copy(arena, vector_get(v, 0, arena));
	return !convert.failed;
}

static const PathKey *
find_key(const PathKey *keys, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (str_equal_nocase(keys[i].name, str_of(name)))
			return &keys[i];
	return NULL;
}

/* ---- describing ---- */

static const Type *
key_type(Arena *arena, char *const *paths, int n_paths, int key)
{
	bool all_numbers = true, all_days = true, all_truths = true, any = false;

	for (int i = 0; i < n_paths && (all_numbers || all_days || all_truths); i++) {
		PathKey *keys;
		int64_t	 number;
		int32_t	 day;

		path_keys(arena, paths[i], &keys);
		if (keys[key].is_null)
			continue;
		any = true;
		all_numbers = all_numbers && int64_parse(keys[key].value, &number);
		all_days = all_days && date_sniff(keys[key].value, &day);
		all_truths = all_truths && (str_equal_nocase(keys[key].value, STR("true")) || str_equal_nocase(keys[key].value, STR("false")));
	}
	if (!any)
		return type_string;
	return all_numbers ? type_bigint : all_days ? type_date : all_truths ? type_boolean : type_string;
}

/* Every path must have the same keys, or their columns would be missing in some files. */
static bool
keys_agree(Arena *arena, char *const *paths, int n_paths, const PathKey *keys, int n)
{
	for (int i = 1; i < n_paths; i++) {
		PathKey *other;

		if (path_keys(arena, paths[i], &other) != n)
			return false;
		for (int k = 0; k < n; k++)
			if (!str_equal(other[k].name, keys[k].name))
				return false;
	}
	return true;
}

static const char *
column_name(Arena *arena, Str name, bool fold_names)
{
	char *text = str_to_arena(arena, name);

	for (char *p = text; fold_names && *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'z')
			*p -= 'a' - 'A';
	return text;
}

/* Declared columns that folders give leave the declaration. */
static void
split_declared(Arena *arena, FileSpec *spec, const PathKey *keys, int n_keys, PathColumns *out)
{
	Column *rest = arena_array(arena, Column, spec->n_columns + 1), *taken = arena_array(arena, Column, spec->n_columns + 1);
	int		n_rest = 0;

	for (int c = 0; c < spec->n_columns; c++) {
		if (find_key(keys, n_keys, spec->columns[c].name) != NULL)
			taken[out->n++] = spec->columns[c];
		else
			rest[n_rest++] = spec->columns[c];
	}
	spec->columns = rest;
	spec->n_columns = n_rest;
	out->columns = taken;
}

Status
path_columns_split(Arena *arena, FileSpec *spec, char *const *paths, int n_paths, bool fold_names, PathColumns *out, Error *err)
{
	Arena	 scratch = {0};
	PathKey *keys;
	Column	*columns;
	int		 n;
	Status	 status = OK;

	*out = (PathColumns){0};
	if (spec->no_path_columns || !path_is_open(spec->path))
		return OK;
	n = path_keys(&scratch, paths[0], &keys);
	if (n > 0 && keys_agree(&scratch, paths, n_paths, keys, n)) {
		if (spec->n_columns > 0) {
			bool had_columns = spec->n_columns > 0;

			split_declared(arena, spec, keys, n, out);
			if (had_columns && spec->n_columns == 0)
				status = error_user(err, "All columns that are declared for '%s' are folders: its files need one at least", spec->path);
		} else {
			columns = arena_array(arena, Column, n);
			for (int k = 0; k < n; k++)
				columns[k] = (Column){.name = column_name(arena, keys[k].name, fold_names), .type = key_type(&scratch, paths, n_paths, k)};
			*out = (PathColumns){.n = n, .columns = columns};
		}
	}
	arena_free(&scratch);
	return status;
}

void
path_columns_join(Arena *arena, FileSpec *spec, const PathColumns *found)
{
	Column *columns;
	int		n = spec->n_columns;

	if (found->n == 0)
		return;
	columns = arena_array(arena, Column, n + found->n);
	memcpy(columns, spec->columns, sizeof *columns * (size_t)n);
	for (int k = 0; k < found->n; k++) {
		bool is_in_file = false;

		/* what the files say themselves wins */
		for (int c = 0; c < spec->n_columns; c++)
			is_in_file |= strcasecmp(spec->columns[c].name, found->columns[k].name) == 0;
		if (!is_in_file)
			columns[n++] = found->columns[k];
	}
	spec->n_path_columns = n - spec->n_columns;
	spec->columns = columns;
	spec->n_columns = n;
}

Status
path_columns_add_filename(Arena *arena, FileSpec *spec, bool fold_names, Error *err)
{
	int		n = spec->n_columns;
	Column *columns = arena_array(arena, Column, n + 1);

	for (int c = 0; c < n; c++)
		if (strcasecmp(spec->columns[c].name, "filename") == 0)
			return error_user(err, "'%s' has a column `%s` of its own: FILENAME=true would make a second one", spec->path, spec->columns[c].name);
	memcpy(columns, spec->columns, sizeof *columns * (size_t)n);
	columns[n] = (Column){.name = fold_names ? "FILENAME" : "filename", .type = type_string};
	spec->columns = columns;
	spec->n_columns++;
	spec->n_path_columns++;
	return OK;
}

static bool
is_filename(const FileSpec *file, int column)
{
	return file->has_filename && column == file->n_columns - 1;
}

/* ---- the source ---- */

typedef struct PathSource {
	Source			  base;
	SourceSpec		  inner_spec;
	FileSpec		  inner_file;
	Source			 *inner;			/* NULL: no file can hold a row that is wanted */
	const char *(*path_of)(const Source *source, int file);
	Status (*clone)(Arena *arena, Source *source, Source **out, Error *err);
	int				 *inner_column;		/* by delivered column: the inner source's, -1: a folder's */
	Arena			  values_arena;
	int				  file;				/* whose values these are; -1: none */
	Value			 *values;			/* by delivered column */
} PathSource;

/* The values of a file's folders, by delivered column. */
static Status
load_values(PathSource *self, int file, Error *err)
{
	const SourceSpec *spec = self->base.spec;
	const char		 *path = self->path_of(self->inner, file);
	PathKey			 *keys;
	int				  n;

	if (self->file == file)
		return OK;
	arena_reset(&self->values_arena);
	self->file = -1;
	self->values = arena_array(&self->values_arena, Value, spec->n_columns + 1);
	n = path_keys(&self->values_arena, path, &keys);
	for (int c = 0; c < spec->n_columns; c++) {
		const Column  *column = &spec->file->columns[source_column(spec, c)];
		const PathKey *key;

		if (self->inner_column[c] >= 0)
			continue;
		if (is_filename(spec->file, source_column(spec, c))) {
			self->values[c] = value_text(type_string, str_of(arena_strdup(&self->values_arena, path)));
			continue;
		}
		key = find_key(keys, n, column->name);
		self->values[c] = value_null(column->type);
		if (key != NULL && !value_of_text(&self->values_arena, column->type, key, &self->values[c]))
			return error_user(err, "The folder %s=%.*s of '%s' is not %s", column->name, (int)key->value.length, key->value.data, path,
							  type_to_arena(column->type, &self->values_arena));
	}
	self->file = file;
	return OK;
}

static void
take_counters(PathSource *self)
{
	self->base.n_bad = self->inner->n_bad;
	self->base.bytes_read = self->inner->bytes_read;
}

static Status
path_read(Source *source, int32_t partition, int32_t max_rows, Arena *arena, Batch **out, Error *err)
{
	PathSource *self = (PathSource *)source;
	Batch	   *in, *batch;
	Status		status;

	*out = NULL;
	if (self->inner == NULL)
		return DONE;
	status = self->inner->type->read(self->inner, partition, max_rows, arena, &in, err);
	take_counters(self);
	if (status != OK || in == NULL || in->n_rows == 0)
		return status;
	TRY(load_values(self, in->partition[0], err));
	batch = arena_memdup(arena, in, sizeof *in);
	batch->n_columns = source->spec->n_columns;
	batch->columns = arena_array(arena, const Vector *, batch->n_columns + 1);
	for (int c = 0; c < batch->n_columns; c++)
		batch->columns[c] = self->inner_column[c] >= 0 ? in->columns[self->inner_column[c]]
													   : vector_constant(arena, &self->values[c], in->n_rows);
	*out = batch;
	return OK;
}

static int64_t
path_position(const Source *source, int32_t partition)
{
	const PathSource *self = (const PathSource *)source;

	return self->inner != NULL ? self->inner->type->position(self->inner, partition) : 0;
}

static Status
path_seek(Source *source, int32_t partition, int64_t position, Error *err)
{
	PathSource *self = (PathSource *)source;

	return self->inner != NULL ? self->inner->type->seek(self->inner, partition, position, err) : OK;
}

static void
path_progress(const Source *source, int64_t *done, int64_t *all)
{
	const PathSource *self = (const PathSource *)source;

	*done = *all = 0;
	if (self->inner != NULL)
		self->inner->type->progress(self->inner, done, all);
}

static void
path_close(Source *source)
{
	PathSource *self = (PathSource *)source;

	if (self->inner != NULL)
		source_close(self->inner);
	arena_free(&self->values_arena);
}

static const SourceType path_source = {
	.name = "file",
	.read = path_read,
	.position = path_position,
	.seek = path_seek,
	.progress = path_progress,
	.close = path_close,
};

/* ---- opening ---- */

static bool
is_parquet(const FileSpec *file)
{
	return file->format != NULL && str_equal_nocase(str_of(file->format), STR("PARQUET"));
}

/* What the files themselves deliver: the columns that folders don't, and the bounds on them. */
static void
make_inner(PathSource *self, Arena *arena)
{
	const SourceSpec *spec = self->base.spec;
	int				  n_file = spec->file->n_columns - spec->file->n_path_columns, n = 0;
	Column			 *columns = arena_array(arena, Column, spec->n_columns + 1);
	int				 *index = arena_array(arena, int, spec->n_columns + 1);
	ScanBound		 *bounds = arena_array(arena, ScanBound, spec->n_bounds + 1);

	self->inner_spec = *spec;
	self->inner_file = *spec->file;
	self->inner_file.n_columns = n_file;
	self->inner_file.n_path_columns = 0;
	self->inner_column = arena_array(arena, int, spec->n_columns + 1);
	for (int c = 0; c < spec->n_columns; c++) {
		self->inner_column[c] = source_column(spec, c) < n_file ? n : -1;
		if (self->inner_column[c] < 0)
			continue;
		columns[n] = spec->columns[c];
		index[n++] = source_column(spec, c);
	}
	self->inner_spec.n_columns = n;
	self->inner_spec.columns = columns;
	self->inner_spec.source_index = index;
	self->inner_spec.file = &self->inner_file;
	self->inner_spec.bounds = bounds;
	self->inner_spec.n_bounds = 0;
	for (int i = 0; i < spec->n_bounds; i++)
		if (spec->bounds[i].column < n_file)
			bounds[self->inner_spec.n_bounds++] = spec->bounds[i];
}

/* Whether the folders of a path satisfy the bounds on them; values that are no values are for the reader to complain of. */
static bool
path_may_match(const SourceSpec *spec, const char *path, Arena *scratch)
{
	int		 n_file = spec->file->n_columns - spec->file->n_path_columns;
	PathKey *keys;
	int		 n = path_keys(scratch, path, &keys);

	for (int i = 0; i < spec->n_bounds; i++) {
		const ScanBound *bound = &spec->bounds[i];
		const PathKey	*key;
		Value			 value;

		if (bound->column < n_file)
			continue;
		if (is_filename(spec->file, bound->column)) {
			value = value_text(type_string, str_of(path));
			if (!bound_holds(bound, &value))
				return false;
			continue;
		}
		key = find_key(keys, n, spec->file->columns[bound->column].name);
		if (key != NULL && value_of_text(scratch, spec->file->columns[bound->column].type, key, &value) && !bound_holds(bound, &value))
			return false;
	}
	return true;
}

/* Leaves out files.  Only where no new ones may come. */
static Status
prune_paths(PathSource *self, Arena *arena, Error *err)
{
	const SourceSpec *spec = self->base.spec;
	char			**paths;
	int				  n, kept = 0;

	if (spec->n_bounds == 0 || spec->file->follow)
		return OK;
	TRY(file_spec_paths(arena, spec->file, &paths, &n, err));
	for (int i = 0; i < n; i++) {
		Arena scratch = {0};

		if (path_may_match(spec, paths[i], &scratch))
			paths[kept++] = paths[i];
		arena_free(&scratch);
	}
	self->inner_file.paths = paths;
	self->inner_file.n_paths = kept;
	return kept > 0 ? OK : DONE;
}

Status
file_source_open(Arena *arena, const SourceSpec *spec, const SourceContext *context, Source **out, Error *err)
{
	bool		parquet = is_parquet(spec->file);
	PathSource *self;
	Status		status;

	if (spec->file->n_path_columns == 0)
		return parquet ? parquet_source_open(arena, spec, context, out, err) : text_source_open(arena, spec, context, out, err);
	self = arena_new(arena, PathSource);
	self->base = (Source){.type = &path_source, .spec = spec, .bad_records = context->bad_records, .n_partitions = 1};
	self->file = -1;
	self->path_of = parquet ? parquet_source_path : text_source_path;
	self->clone = parquet ? parquet_source_clone : text_source_clone;
	make_inner(self, arena);
	status = prune_paths(self, arena, err);
	if (status == OK) {
		TRY(parquet ? parquet_source_open(arena, &self->inner_spec, context, &self->inner, err)
					: text_source_open(arena, &self->inner_spec, context, &self->inner, err));
		self->base.n_partitions = self->inner->n_partitions;
	}
	*out = &self->base;
	return status == FAILED ? FAILED : OK;
}

Status
file_source_clone(Arena *arena, Source *source, Source **out, Error *err)
{
	PathSource *self;

	if (source->type != &path_source)
		return is_parquet(source->spec->file) ? parquet_source_clone(arena, source, out, err) : text_source_clone(arena, source, out, err);
	self = arena_memdup(arena, source, sizeof *self);
	self->base.n_bad = self->base.bytes_read = 0;
	self->values_arena = (Arena){0};
	self->file = -1;
	if (self->inner != NULL)
		TRY(self->clone(arena, self->inner, &self->inner, err));
	*out = &self->base;
	return OK;
}
