/*
 * Any SQL and any records go through the whole engine as `sluice test` runs them: parsed, bound, planned, every record taken through the
 * operators on the inline scheduler.  Nothing may crash, hang or leak.
 *
 * An input is SQL, then a line `----`, then the JSON of the records (may be left out).  Statements may open no file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/file_access.h"
#include "engine/test_run.h"

#define SEPARATOR "\n----\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file in memory with these bytes; *path names it. */
static int
memory_file(const void *data, size_t size, char *path, size_t path_size)
{
	int fd = memfd_create("fuzz", 0);

	if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size))
		abort();
	snprintf(path, path_size, "/proc/self/fd/%d", fd);
	return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FileAccess *no_files;
	TestRunOptions	   options = {0};
	const uint8_t	  *end = memmem(data, size, SEPARATOR, strlen(SEPARATOR));
	size_t			   sql_size = end != NULL ? (size_t)(end - data) + 1 : size;
	char			   sql[64], input[64];
	int				   sql_fd = memory_file(data, sql_size, sql, sizeof sql);
	int				   input_fd = -1;
	Error			   err;

	if (no_files == NULL && file_access_new("none", "none", &no_files, &err) == FAILED)
		abort();
	options.sql_file = sql;
	options.file_access = no_files;
	if (end != NULL) {
		input_fd = memory_file(end + strlen(SEPARATOR), size - sql_size - strlen(SEPARATOR) + 1, input, sizeof input);
		options.input_file = input;
	}
	test_run(&options);
	close(sql_fd);
	if (input_fd >= 0)
		close(input_fd);
	return 0;
}
