#include "io/connector/file/parquet_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/http.h"

#define MAGIC "PAR1"
#define MAGIC_ENCRYPTED "PARE"
#define TAIL_BYTES 8			/* length of the footer, magic */
#define TAIL_GUESS ((size_t)64 << 10)	/* read at once: most footers are in it */
#define BLOCK_BYTES ((size_t)256 << 10)
#define LEAST_BLOCK_BYTES (16 << 10)
#define LEAST_PAGE_BYTES (16 << 20)		/* smaller pages are read whatever the limit of memory is */
#define URL_BLOCK_BYTES ((size_t)4 << 20)	/* of one request: a round trip costs as much as a megabyte */

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

/* ---- addresses ---- */

static Status
changed(const char *path, Error *err)
{
	return error_fatal(err, "'%s' has changed while it was read", path);
}

/* n bytes at an offset, by a request for a range. */
static Status
url_read(HttpClient *client, const ParquetFile *file, int64_t offset, size_t n, char *to, Error *err)
{
	HttpRequest	 request = {.url = file->path, .has_range = true, .range_first = offset, .range_last = offset + (int64_t)n - 1};
	HttpResponse response;
	size_t		 got;

	TRY(http_client_begin(client, &request, &response, err));
	if (response.status != 206)
		return response.status == 200 || response.status == 416 ? changed(file->path, err) : http_status_error(file->path, &response, err);
	if (response.range_first != offset || response.range_total != file->size_bytes || strcmp(response.etag, file->etag) != 0)
		return changed(file->path, err);
	for (; n > 0; n -= got, to += got) {
		TRY(http_client_read(client, to, n, &got, err));
		if (got == 0)
			return error_set(err, ERROR_TRANSIENT, "'%s' cannot be read: the answer ends %zu bytes too early", file->path, n);
	}
	http_client_end(client);
	return OK;
}

/* The whole answer into a file without a name. */
static Status
url_copy(HttpClient *client, ParquetFile *file, Error *err)
{
	FILE  *copy = tmpfile();
	char   block[64 << 10];
	size_t got = 1;
	Status status = OK;

	if (copy == NULL)
		return error_fatal(err, "There is no room for a copy of '%s': %s", file->path, strerror(errno));
	while (got > 0) {
		TRY_OUT(http_client_read(client, block, sizeof block, &got, err));
		if (fwrite(block, 1, got, copy) != got)
			TRY_OUT(error_fatal(err, "Copying '%s' failed: %s", file->path, strerror(errno)));
		file->size_bytes += (int64_t)got;
	}
	if (fflush(copy) != 0)
		TRY_OUT(error_fatal(err, "Copying '%s' failed: %s", file->path, strerror(errno)));
	file->local = dup(fileno(copy));
out:
	fclose(copy);
	return status;
}

/* Asks for the end of the file, which tells its size, and whether parts can be had at all. */
static Status
url_open(HttpClient *client, ParquetFile *file, Error *err)
{
	HttpRequest	 request = {.url = file->path, .has_range = true, .range_first = -TAIL_BYTES};
	HttpResponse response;

	TRY(http_client_begin(client, &request, &response, err));
	if (response.status == 416)
		return error_user(err, "'%s' is not a Parquet file: it is empty", file->path);
	if (response.status != 200 && response.status != 206)
		return http_status_error(file->path, &response, err);
	file->time = response.modified;
	snprintf(file->etag, sizeof file->etag, "%s", response.etag);
	if (response.status == 206 && response.range_total >= 0) {
		file->size_bytes = response.range_total;
		http_client_end(client);
		return OK;
	}
	return url_copy(client, file, err);
}

static Status
input_read(ParquetInput *base, int64_t offset, size_t n, void *to, Error *err)
{
	ParquetFileInput *input = (ParquetFileInput *)base;

	input->bytes_read += (int64_t)n;
	if (input->http != NULL)
		return url_read(input->http, input->file, offset, n, to, err);
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

/* Little memory is not to be filled by what is read ahead. */
static size_t
block_bytes_of(size_t wanted, int64_t limit_bytes, int n_columns)
{
	int64_t share = limit_bytes / 16 / (n_columns > 0 ? n_columns : 1);

	return limit_bytes == 0 || share >= (int64_t)wanted ? wanted : share < LEAST_BLOCK_BYTES ? LEAST_BLOCK_BYTES : (size_t)share;
}

Status
parquet_input_open(ParquetFileInput *input, const ParquetFile *file, int64_t limit_bytes, int n_columns, Error *err)
{
	struct stat st;

	*input = (ParquetFileInput){.base = {.read = input_read, .path = file->path, .size_bytes = file->size_bytes,
											 .block_bytes = block_bytes_of(BLOCK_BYTES, limit_bytes, n_columns),
											 .page_bytes_max = limit_bytes > 0 && limit_bytes < LEAST_PAGE_BYTES ? LEAST_PAGE_BYTES : (size_t)limit_bytes},
								.fd = -1, .file = file};
	if (file->local >= 0) {
		input->fd = dup(file->local);
		return input->fd >= 0 ? OK : error_fatal(err, "'%s' cannot be read: %s", file->path, strerror(errno));
	}
	if (file->is_url) {
		input->base.block_bytes = block_bytes_of(URL_BLOCK_BYTES, limit_bytes, n_columns);
		return http_client_new(file->access, &input->http, err);
	}
	TRY(open_path(file->access, file->path, &input->fd, &st, err));
	if (st.st_size == file->size_bytes)
		return OK;
	parquet_input_close(input);
	return changed(file->path, err);
}

void
parquet_input_close(ParquetFileInput *input)
{
	http_client_free(input->http);
	input->http = NULL;
	if (input->fd >= 0)
		close(input->fd);
	input->fd = -1;
}

void
parquet_file_close(ParquetFile *file)
{
	if (file->local >= 0)
		close(file->local);
	file->local = -1;
}

/* The footer's bytes (malloc'ed). */
static Status
read_footer(ParquetInput *input, char **out, size_t *length, Error *err)
{
	int64_t	 size = input->size_bytes;
	size_t	 tail = size < (int64_t)TAIL_GUESS ? (size_t)size : TAIL_GUESS;
	char	*data = xmalloc(tail + TAIL_BYTES);
	uint32_t n;
	Status	 status = input->read(input, size - (int64_t)tail, tail, data, err);

	if (status == OK && memcmp(data + tail - 4, MAGIC_ENCRYPTED, 4) == 0)
		status = error_unsupported(err, "'%s' is encrypted, which is not supported", input->path);
	else if (status == OK && memcmp(data + tail - 4, MAGIC, 4) != 0)
		status = error_user(err, "'%s' is not a Parquet file, or it is cut off: it does not end with " MAGIC, input->path);
	if (status != OK)
		goto out;
	memcpy(&n, data + tail - TAIL_BYTES, 4);
	if ((int64_t)n > size - TAIL_BYTES - 4) {
		status = error_fatal(err, "'%s' is damaged: its footer would have %u bytes, more than the file", input->path, n);
		goto out;
	}
	if ((size_t)n + TAIL_BYTES > tail) {
		free(data);
		data = xmalloc((size_t)n + 1);
		TRY_OUT(input->read(input, size - TAIL_BYTES - (int64_t)n, n, data, err));
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

/* Size and time of a file or address. */
static Status
look_at(ParquetFile *file, Error *err)
{
	HttpClient *client = NULL;
	struct stat st;
	int			fd;
	Status		status;

	if (file->is_url) {
		status = http_client_new(file->access, &client, err);
		if (status == OK)
			status = url_open(client, file, err);
		http_client_free(client);
		return status;
	}
	TRY(open_path(file->access, file->path, &fd, &st, err));
	close(fd);
	file->size_bytes = st.st_size;
	file->time = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	return OK;
}

Status
parquet_file_read(Arena *arena, const FileAccess *access, const char *path, bool fold_names, ParquetFile **out, Error *err)
{
	ParquetFile		*file = arena_new(arena, ParquetFile);
	ParquetFileInput input = {.fd = -1};
	char			*footer = NULL;
	size_t			 length = 0;
	Status			 status;

	*out = file;
	*file = (ParquetFile){.path = arena_strdup(arena, path), .access = access, .local = -1, .is_url = path_is_url(path)};
	TRY_OUT(look_at(file, err));
	if (file->size_bytes < TAIL_BYTES + 4)
		TRY_OUT(error_user(err, "'%s' is not a Parquet file, or it is cut off: it has only %lld bytes", path, (long long)file->size_bytes));
	TRY_OUT(parquet_input_open(&input, file, 0, 1, err));
	TRY_OUT(read_footer(&input.base, &footer, &length, err));
	TRY_OUT(parquet_meta_read(arena, str_make(footer, length), file->size_bytes, path, &file->meta, err));
	TRY_OUT(parquet_schema_read(arena, file->meta, path, fold_names, &file->columns, &file->n_columns, err));
out:
	parquet_input_close(&input);
	if (status != OK)
		parquet_file_close(file);
	free(footer);
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
