/*
 * Reads arbitrary bytes as a CSV file: described, then read by one reader and by ranges.  Nothing may crash, and both must
 * give the same number of rows or bad rows.
 *
 *	`make fuzz` looks for inputs; tests/fuzz/replay runs the ones that are kept
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/connector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ignore_bad(BadRecordLog *log, const char *input, int32_t partition, int64_t offset, const char *reason, Str raw)
{
	(void)log;
	(void)input;
	(void)partition;
	(void)offset;
	(void)reason;
	(void)raw;
}

static int64_t
read_file(FileSpec *file, int32_t max_rows)
{
	BadRecordLog  log = {.report = ignore_bad};
	SourceSpec	  spec = {.kind = SOURCE_FILE, .name = file->path, .file = file, .n_columns = file->n_columns, .columns = file->columns};
	SourceContext context = {.env = &env_real, .bad_records = &log, .n_threads = 2, .is_bounded = true};
	Arena		  arena = {0}, scratch = {0};
	Source		 *source;
	Error		  err;
	int64_t		  n = 0;

	if (source_open(&arena, &spec, &context, &source, &err) == OK) {
		for (int p = 0; p < source->n_partitions; p++)
			for (;;) {
				Batch *batch;
				Status status;

				arena_reset(&scratch);
				status = source->type->read(source, p, max_rows, &scratch, &batch, &err);
				if (status == OK && batch != NULL)
					n += batch->n_rows;
				else
					break;
			}
		n += source->n_bad;
		source_close(source);
	}
	arena_free(&scratch);
	arena_free(&arena);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	 path[64];
	Arena	 arena = {0};
	FileSpec spec = {.path = path};
	Error	 err;
	FILE	*f;

	snprintf(path, sizeof path, "/tmp/fuzz-csv-%ld.csv", (long)getpid());
	f = fopen(path, "wb");
	if (f == NULL)
		abort();
	fwrite(data, 1, size, f);
	fclose(f);
	if (file_describe(&arena, &spec, false, &err) == OK && read_file(&spec, BATCH_ROWS) != read_file(&spec, 3))
		abort();
	unlink(path);
	arena_free(&arena);
	return 0;
}
