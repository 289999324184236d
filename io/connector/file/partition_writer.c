#include "io/connector/file/partition_writer.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/hash.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/time_text.h"
#include "io/connector/file/file_paths.h"

#define SHRINK_LEAST (INT64_C(64) << 10)	/* a file that holds less is not worth a row group of its own */
#define OPEN_MAX_FILES 128		/* open at once; the one that was written to longest ago is closed before another is opened */

typedef struct Partition {
	char		 *folder;		/* a=1/b=2 */
	FileWriteSpec spec;
	FileWriter	 *writer;		/* NULL: closed */
	int			  n_files;
	int64_t		  allocated;	/* by the writer */
	int64_t		  last_use;
	uint32_t	 *rows;			/* of the batch at hand */
	int32_t		  n_rows;
} Partition;

struct PartitionWriter {
	const PartitionWriteSpec *spec;
	Arena		  arena;
	Arena		  scratch;
	char		 *temporary;
	Column		 *columns;		/* of the files */
	int			 *column_index;
	int			  n_columns;
	const char	 *suffix;
	Partition	**partitions;
	int			  n, capacity;
	uint32_t	 *buckets;		/* partition + 1 */
	uint32_t	  n_buckets;
	int			  n_open, n_files;
	int64_t		  clock;
	int64_t		  allocated;	/* by all writers */
	int64_t		  charged;		/* of that, to the budget */
	StrBuf		  folder;
};

/* ---- names ---- */

static Status
add_key_text(Arena *scratch, const Vector *column, int64_t row, const char *name, StrBuf *out, Error *err)
{
	const Vector *v = vector_base(column);
	int64_t		  at = vector_at(column, row);
	char		  text[DECIMAL_TEXT_MAX];
	StrBuf		  number = {0};
	Str			  value = {text, 0};
	bool		  is_null = !vector_is_valid(column, row);

	switch (v->type->kind) {
	case TYPE_BOOLEAN:
		value = ((const uint8_t *)v->data)[at] ? STR("true") : STR("false");
		break;
	case TYPE_INTEGER:
		int64_add_text(&number, ((const int32_t *)v->data)[at]);
		break;
	case TYPE_BIGINT:
		int64_add_text(&number, ((const int64_t *)v->data)[at]);
		break;
	case TYPE_DOUBLE:
		double_add_sql(&number, ((const double *)v->data)[at]);
		break;
	case TYPE_DECIMAL:
		value.length = decimal_print(((const Decimal *)v->data)[at], v->type->scale, text);
		break;
	case TYPE_DATE:
		value.length = date_print(((const int32_t *)v->data)[at], text);
		break;
	case TYPE_TIME:
		value.length = time_print_sql(((const int32_t *)v->data)[at], text);
		break;
	case TYPE_TIMESTAMP:
		value.length = timestamp_print_sql(((const int64_t *)v->data)[at], text);
		break;
	case TYPE_STRING:
		value = str_view_str(&((const StrView *)v->data)[at]);
		break;
	default:
		return error_user(err, "PARTITION_BY %s: values of %s cannot name folders", name, type_to_arena(v->type, scratch));
	}
	path_add_key(out, str_of(name), number.length > 0 ? strbuf_str(&number) : value, is_null);
	strbuf_free(&number);
	return OK;
}

static const char *
file_suffix(const FileWriteSpec *spec)
{
	const char *format = spec->format != NULL ? spec->format : "CSV";
	const char *packed = spec->compression == NULL							   ? ""
						 : spec->compression[0] == 'g' || spec->compression[0] == 'G' ? ".gz"
						 : spec->compression[0] == 'z' || spec->compression[0] == 'Z' ? ".zst"
																				   : "";

	if (strcasecmp(format, "PARQUET") == 0)
		return ".parquet";
	if (strcasecmp(format, "CSV") == 0 || strcasecmp(format, "DELIMITED") == 0)
		return packed[0] == '\0' ? ".csv" : packed[1] == 'g' ? ".csv.gz" : ".csv.zst";
	if (strcasecmp(format, "TSV") == 0)
		return packed[0] == '\0' ? ".tsv" : packed[1] == 'g' ? ".tsv.gz" : ".tsv.zst";
	return packed[0] == '\0' ? ".jsonl" : packed[1] == 'g' ? ".jsonl.gz" : ".jsonl.zst";
}

/* ---- life ---- */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static void
writer_free(PartitionWriter *w)
{
	budget_release(w->spec->file.budget, w->charged);
	for (int i = 0; i < w->n; i++)
		file_writer_abort(w->partitions[i]->writer);
	if (w->temporary != NULL)
		nftw(w->temporary, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(w->partitions);
	free(w->buckets);
	strbuf_free(&w->folder);
	arena_free(&w->scratch);
	arena_free(&w->arena);
	free(w);
}

/* The target must be free. */
static Status
check_target(const FileWriteSpec *spec, Error *err)
{
	struct stat st;

	if (strcmp(spec->path, "-") == 0)
		return error_user(err, "PARTITION_BY writes a folder, which standard output is not");
	TRY(file_access_check(spec->access, spec->path, err));
	if (stat(spec->path, &st) != 0)
		return OK;
	if (!S_ISDIR(st.st_mode))
		return error_user(err, "PARTITION_BY writes a folder, but '%s' is a file", spec->path);
	/* removing works on an empty folder only, and it is made anew at the end */
	if (rmdir(spec->path) == 0)
		return OK;
	error_user(err, "The folder '%s' is not empty", spec->path);
	return error_hint(err, "Remove it or choose another: files of two COPY statements would be mixed");
}

static Status
make_temporary(PartitionWriter *w, Error *err)
{
	size_t length = strlen(w->spec->file.path);
	char  *slash, *parent;

	while (length > 1 && w->spec->file.path[length - 1] == '/')
		length--;
	parent = arena_strndup(&w->arena, w->spec->file.path, length);
	slash = strrchr(parent, '/');
	if (slash != NULL && slash != parent) {
		*slash = '\0';
		TRY(file_access_check(w->spec->file.access, parent, err));
	}
	w->temporary = arena_printf(&w->arena, "%.*s.%ld.part", (int)length, w->spec->file.path, (long)getpid());
	if (mkdir(w->temporary, 0777) == 0)
		return OK;
	w->temporary = NULL;
	return error_user(err, "The folder '%s' cannot be written: %s", w->spec->file.path, strerror(errno));
}

Status
partition_writer_open(const PartitionWriteSpec *spec, PartitionWriter **out, Error *err)
{
	PartitionWriter *w = xcalloc(1, sizeof *w);
	Status			 status = OK;

	w->spec = spec;
	w->columns = arena_array(&w->arena, Column, spec->file.n_columns + 1);
	w->column_index = arena_array(&w->arena, int, spec->file.n_columns + 1);
	for (int c = 0; c < spec->file.n_columns; c++) {
		bool is_key = false;

		for (int k = 0; k < spec->n_keys; k++)
			is_key |= spec->keys[k] == c;
		if (is_key)
			continue;
		w->columns[w->n_columns] = spec->file.columns[c];
		w->column_index[w->n_columns++] = c;
	}
	w->suffix = file_suffix(&spec->file);
	w->n_buckets = 256;
	w->buckets = xcalloc(w->n_buckets, sizeof *w->buckets);
	if (w->n_columns == 0)
		TRY_OUT(error_user(err, "PARTITION_BY names all columns: the files would have none"));
	TRY_OUT(check_target(&spec->file, err));
	TRY_OUT(make_temporary(w, err));
out:
	if (status != OK) {
		writer_free(w);
		w = NULL;
	}
	*out = w;
	return status;
}

/* ---- partitions ---- */

static void
grow_buckets(PartitionWriter *w)
{
	w->n_buckets *= 2;
	free(w->buckets);
	w->buckets = xcalloc(w->n_buckets, sizeof *w->buckets);
	for (int i = 0; i < w->n; i++) {
		uint32_t at = (uint32_t)hash_bytes(w->partitions[i]->folder, strlen(w->partitions[i]->folder)) & (w->n_buckets - 1);

		while (w->buckets[at] != 0)
			at = (at + 1) & (w->n_buckets - 1);
		w->buckets[at] = (uint32_t)i + 1;
	}
}

static Partition *
find_partition(PartitionWriter *w, Str folder)
{
	uint32_t   at = (uint32_t)hash_bytes(folder.data, folder.length) & (w->n_buckets - 1);
	Partition *p;

	for (; w->buckets[at] != 0; at = (at + 1) & (w->n_buckets - 1))
		if (str_equal(str_of(w->partitions[w->buckets[at] - 1]->folder), folder))
			return w->partitions[w->buckets[at] - 1];
	p = arena_new(&w->arena, Partition);
	p->folder = str_to_arena(&w->arena, folder);
	grow_array(w->partitions, w->n, w->capacity);
	w->partitions[w->n++] = p;
	w->buckets[at] = (uint32_t)w->n;
	if ((uint32_t)w->n > w->n_buckets / 2)
		grow_buckets(w);
	return p;
}

static Status
close_partition(PartitionWriter *w, Partition *p, Error *err)
{
	FileWriter *writer = p->writer;

	w->allocated -= p->allocated;
	p->allocated = 0;
	p->writer = NULL;
	w->n_open -= writer != NULL;
	return writer != NULL ? file_writer_commit(writer, err) : OK;
}

static Status
close_oldest(PartitionWriter *w, Error *err)
{
	Partition *oldest = NULL;

	for (int i = 0; i < w->n; i++)
		if (w->partitions[i]->writer != NULL && (oldest == NULL || w->partitions[i]->last_use < oldest->last_use))
			oldest = w->partitions[i];
	return oldest != NULL ? close_partition(w, oldest, err) : OK;
}

static Status
make_folders(PartitionWriter *w, const Partition *p, Error *err)
{
	char *path = arena_printf(&w->scratch, "%s/%s", w->temporary, p->folder);

	for (char *slash = path + strlen(w->temporary) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		if (mkdir(path, 0777) != 0 && errno != EEXIST)
			return error_fatal(err, "The folder '%s' cannot be made: %s", path, strerror(errno));
		*slash = '/';
	}
	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		return error_fatal(err, "The folder '%s' cannot be made: %s", path, strerror(errno));
	return OK;
}

static Status
open_partition(PartitionWriter *w, Partition *p, Error *err)
{
	if (p->writer != NULL)
		return OK;
	if (w->n_open >= OPEN_MAX_FILES)
		TRY(close_oldest(w, err));
	TRY(make_folders(w, p, err));
	p->spec = w->spec->file;
	p->spec.path = arena_printf(&w->arena, "%s/%s/data_%d%s", w->temporary, p->folder, p->n_files, w->suffix);
	p->spec.budget = NULL;		/* all of them are charged together */
	p->spec.columns = w->columns;
	p->spec.n_columns = w->n_columns;
	TRY(file_writer_open(&p->spec, &p->writer, err));
	w->n_open++;
	w->n_files++;
	p->n_files++;
	return OK;
}

/* ---- memory ---- */

static void
count_allocated(PartitionWriter *w, Partition *p)
{
	int64_t bytes = p->writer != NULL ? file_writer_allocated(p->writer) : 0;

	w->allocated += bytes - p->allocated;
	p->allocated = bytes;
}

static Partition *
largest_partition(const PartitionWriter *w)
{
	Partition *largest = NULL;

	for (int i = 0; i < w->n; i++)
		if (w->partitions[i]->writer != NULL && (largest == NULL || w->partitions[i]->allocated > largest->allocated))
			largest = w->partitions[i];
	return largest;
}

/* Charges what all files hold; the largest ones write until there is room for the rest.  Files are closed where even empty ones are too much. */
static Status
charge(PartitionWriter *w, Error *err)
{
	while (!file_writers_charge(w->spec->file.budget, w->allocated, false, &w->charged)) {
		Partition *p = largest_partition(w);
		int64_t	   before = w->allocated;

		if (p != NULL && p->allocated >= SHRINK_LEAST) {
			TRY(file_writer_shrink(p->writer, err));
			count_allocated(w, p);
		}
		if (w->allocated < before)
			continue;
		if (w->n_open > 1) {
			TRY(close_oldest(w, err));
			continue;
		}
		file_writers_charge(w->spec->file.budget, w->allocated, true, &w->charged);
		break;
	}
	return OK;
}

static Status
row_folder(PartitionWriter *w, const Batch *rows, int32_t row, Error *err)
{
	strbuf_clear(&w->folder);
	for (int k = 0; k < w->spec->n_keys; k++) {
		int c = w->spec->keys[k];

		if (k > 0)
			strbuf_add_char(&w->folder, '/');
		TRY(add_key_text(&w->scratch, rows->columns[c], row, w->spec->file.columns[c].name, &w->folder, err));
	}
	return OK;
}

static bool
same_keys(const PartitionWriter *w, const Batch *rows, int32_t a, int32_t b)
{
	for (int k = 0; k < w->spec->n_keys; k++)
		if (!vector_rows_equal(rows->columns[w->spec->keys[k]], a, rows->columns[w->spec->keys[k]], b))
			return false;
	return true;
}

Status
partition_writer_add(PartitionWriter *w, const Batch *rows, Error *err)
{
	const Vector **columns = arena_array(&w->scratch, const Vector *, w->n_columns + 1);
	Partition	 **touched = arena_array(&w->scratch, Partition *, rows->n_rows + 1), *p = NULL;
	int			   n_touched = 0;
	Batch		  *files;

	w->clock++;
	for (int32_t i = 0; i < rows->n_rows; i++) {
		if (p == NULL || !same_keys(w, rows, i - 1, i)) {
			TRY(row_folder(w, rows, i, err));
			p = find_partition(w, strbuf_str(&w->folder));
		}
		if (p->last_use != w->clock) {
			p->last_use = w->clock;
			p->n_rows = 0;
			p->rows = arena_alloc(&w->scratch, sizeof *p->rows * (size_t)rows->n_rows);
			touched[n_touched++] = p;
		}
		p->rows[p->n_rows++] = (uint32_t)i;
	}
	for (int c = 0; c < w->n_columns; c++)
		columns[c] = rows->columns[w->column_index[c]];
	files = batch_with_columns(&w->scratch, rows, columns, w->n_columns);
	for (int t = 0; t < n_touched; t++) {
		TRY(open_partition(w, touched[t], err));
		TRY(file_writer_add(touched[t]->writer, batch_select(&w->scratch, files, touched[t]->rows, touched[t]->n_rows), err));
		count_allocated(w, touched[t]);
		TRY(charge(w, err));
	}
	arena_reset(&w->scratch);
	return OK;
}

Status
partition_writer_commit(PartitionWriter *w, int *n_files, Error *err)
{
	Status status = OK;

	for (int i = 0; i < w->n && status == OK; i++)
		status = close_partition(w, w->partitions[i], err);
	*n_files = w->n_files;
	if (status == OK && rename(w->temporary, w->spec->file.path) != 0)
		status = error_fatal(err, "The folder '%s' cannot be put in its place: %s", w->spec->file.path, strerror(errno));
	if (status == OK)
		w->temporary = NULL;
	writer_free(w);
	return status;
}

void
partition_writer_abort(PartitionWriter *writer)
{
	if (writer != NULL)
		writer_free(writer);
}
