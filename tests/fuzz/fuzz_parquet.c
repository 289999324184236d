/*
 * Reads arbitrary bytes as a Parquet file: described, then every column of every row group read, whole and in small steps.  Nothing
 * may crash, and both must give the same number of rows if neither finds the file damaged.
 *
 *	`make fuzz` starts from tests/data/parquet; tests/fuzz/replay runs the inputs that are kept
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/connector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BOUNDS_MAX 32

/* A bound on every column that has an easy value: statistics and Bloom filters are asked. */
static int
make_bounds(const FileSpec *file, ScanBound *bounds, Value *values)
{
	int n = 0;

	for (int c = 0; c < file->n_columns && n < BOUNDS_MAX; c++) {
		const Type *type = file->columns[c].type;

		if (type_is_nested(type) || type->kind == TYPE_INTERVAL)
			continue;
		values[n] = type->kind == TYPE_BOOLEAN ? value_boolean(true) : type_is_text(type) ? value_text(type, STR("text 17")) : value_integer(type_is_number(type) ? type_bigint : type, 17);
		bounds[n] = (ScanBound){.column = c, .op = (BoundOp)(c % (BOUND_NOT_NULL + 1)), .n_values = 1, .values = &values[n]};
		n++;
	}
	return n;
}

/* Rows, or -1 if the file is damaged. */
static int64_t
read_file(FileSpec *file, int32_t max_rows, bool has_bounds)
{
	ScanBound	  bounds[BOUNDS_MAX];
	Value		  values[BOUNDS_MAX];
	SourceSpec	  spec = {.kind = SOURCE_FILE, .name = file->path, .file = file, .n_columns = file->n_columns, .columns = file->columns,
						  .bounds = bounds, .n_bounds = has_bounds ? make_bounds(file, bounds, values) : 0};
	SourceContext context = {.env = &env_real, .n_threads = 2, .is_bounded = true};
	Arena		  arena = {0}, scratch = {0};
	Source		 *source;
	Error		  err;
	int64_t		  n = -1;
	Status		  status = source_open(&arena, &spec, &context, &source, &err);

	if (status == OK) {
		n = 0;
		for (int p = 0; p < source->n_partitions && status != FAILED; p++)
			/* what a file may say about its rows has no end */
			for (status = OK; status == OK && n < 20000;) {
				Batch *batch = NULL;

				arena_reset(&scratch);
				status = source->type->read(source, p, max_rows, &scratch, &batch, &err);
				if (status == OK && batch != NULL)
					n += batch->n_rows;
			}
		source_close(source);
	}
	arena_free(&scratch);
	arena_free(&arena);
	return status == FAILED ? -1 : n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	 path[64];
	Arena	 arena = {0};
	FileSpec spec = {.path = path};
	Error	 err;
	FILE	*f;

	snprintf(path, sizeof path, "/tmp/fuzz-parquet-%ld.parquet", (long)getpid());
	f = fopen(path, "wb");
	if (f == NULL)
		abort();
	fwrite(data, 1, size, f);
	fclose(f);
	if (file_describe(&arena, &spec, false, &err) == OK) {
		int64_t whole = read_file(&spec, BATCH_ROWS, false), small = read_file(&spec, 7, false), some = read_file(&spec, BATCH_ROWS, true);

		if (whole >= 0 && small >= 0 && whole < 20000 && small < 20000 && whole != small)
			abort();
		if (whole >= 0 && whole < 20000 && some > whole)
			abort();
	}
	unlink(path);
	arena_free(&arena);
	return 0;
}
