#include "io/connector/file/parquet_file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "PAR1"
#define MAGIC_ENCRYPTED "PARE"
#define TAIL_BYTES 8			/* length of the footer, magic */
#define TAIL_GUESS ((size_t)64 << 10)	/* read at once: most footers are in it */
#define BLOCK_BYTES ((size_t)256 << 10)

static Status
pread_all(int fd, const char *path, int64_t offset, size_t n, char *to, Error *err)
{
	while (n > 0) {
		ssize_t got = pread(fd, to, n, offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_fatal(err, "Reading '%s' failed: %s", path, strerror(errno));
		if (got == 0)
			return error_fatal(err, "'%s' is cut off: it ends at byte %lld while more is read", path, (long long)offset);
		to += got;
		offset += got;
		n -= (size_t)got;
	}
	return OK;
}

static Status
input_read(ParquetInput *base, int64_t offset, size_t n, void *to, Error *err)
{
	ParquetFileInput *input = (ParquetFileInput *)base;

	input->bytes_read += (int64_t)n;
	return pread_all(input->fd, base->path, offset, n, to, err);
}

static Status
open_path(const FileAccess *access, const char *path, int *fd, struct stat *st, Error *err)
{
	*fd = file_access_open(access, path, err);
	if (*fd < 0)
		return FAILED;
	if (fstat(*fd, st) == 0 && S_ISREG(st->st_mode))
		return OK;
	close(*fd);
	error_user(err, "'%s' is not a regular file", path);
	return error_hint(err, "Parquet is read from its end, so it cannot come through a pipe");
}

Status
parquet_input_open(ParquetFileInput *input, const ParquetFile *file, Error *err)
{
	struct stat st;

	*input = (ParquetFileInput){.base = {.read = input_read, .path = file->path, .size_bytes = file->size_bytes, .block_bytes = BLOCK_BYTES}, .fd = -1};
	TRY(open_path(file->access, file->path, &input->fd, &st, err));
	if (st.st_size == file->size_bytes)
		return OK;
	parquet_input_close(input);
	return error_fatal(err, "'%s' has changed while it was read", file->path);
}

void
parquet_input_close(ParquetFileInput *input)
{
	if (input->fd >= 0)
		close(input->fd);
	input->fd = -1;
}

/* The footer's bytes (malloc'ed). */
static Status
read_footer(int fd, const char *path, int64_t size, char **out, size_t *length, Error *err)
{
	size_t	 tail = size < (int64_t)TAIL_GUESS ? (size_t)size : TAIL_GUESS;
	char	*data = xmalloc(tail + TAIL_BYTES);
	uint32_t n;
	Status	 status = pread_all(fd, path, size - (int64_t)tail, tail, data, err);

	if (status == OK && memcmp(data + tail - 4, MAGIC_ENCRYPTED, 4) == 0)
		status = error_unsupported(err, "'%s' is encrypted, which is not supported", path);
	else if (status == OK && memcmp(data + tail - 4, MAGIC, 4) != 0) {
		status = error_user(err, "'%s' is not a Parquet file, or it is cut off: it does not end with " MAGIC, path);
	}
	if (status != OK)
		goto out;
	memcpy(&n, data + tail - TAIL_BYTES, 4);
	if ((int64_t)n > size - TAIL_BYTES - 4) {
		status = error_fatal(err, "'%s' is damaged: its footer would have %u bytes, more than the file", path, n);
		goto out;
	}
	if ((size_t)n + TAIL_BYTES > tail) {
		free(data);
		data = xmalloc((size_t)n + 1);
		TRY_OUT(pread_all(fd, path, size - TAIL_BYTES - (int64_t)n, n, data, err));
	} else {
		memmove(data, data + tail - TAIL_BYTES - n, n);
	}
	*length = n;
out:
	if (status != OK) {
		free(data);
		data = NULL;
	}
	*out = data;
	return status;
}

Status
parquet_file_read(Arena *arena, const FileAccess *access, const char *path, bool fold_names, ParquetFile **out, Error *err)
{
	ParquetFile *file = arena_new(arena, ParquetFile);
	char		*footer = NULL;
	size_t		 length = 0;
	struct stat	 st;
	int			 fd;
	Status		 status;

	*out = file;
	TRY(open_path(access, path, &fd, &st, err));
	file->path = arena_strdup(arena, path);
	file->access = access;
	file->size_bytes = st.st_size;
	file->time = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	if (st.st_size < TAIL_BYTES + 4)
		TRY_OUT(error_user(err, "'%s' is not a Parquet file, or it is cut off: it has only %lld bytes", path, (long long)st.st_size));
	TRY_OUT(read_footer(fd, path, st.st_size, &footer, &length, err));
	TRY_OUT(parquet_meta_read(arena, str_make(footer, length), st.st_size, path, &file->meta, err));
	TRY_OUT(parquet_schema_read(arena, file->meta, path, fold_names, &file->columns, &file->n_columns, err));
out:
	free(footer);
	close(fd);
	return status;
}

const ParquetNode *
parquet_file_column(const ParquetFile *file, const char *name)
{
	for (int c = 0; c < file->n_columns; c++)
		if (strcmp(file->columns[c].name, name) == 0)
			return &file->columns[c];
	for (int c = 0; c < file->n_columns; c++)
		if (strcasecmp(file->columns[c].name, name) == 0)
			return &file->columns[c];
	return NULL;
}
