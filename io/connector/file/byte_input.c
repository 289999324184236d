#include "io/connector/file/byte_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "io/http.h"

static Status
codec_open(ByteInput *input, Error *err)
{
	input->raw = xmalloc(FILE_BLOCK);
	if (input->compression == COMPRESSION_GZIP) {
		z_stream *z = xcalloc(1, sizeof *z);

		/* 32: zlib or gzip header, whichever is there */
		if (inflateInit2(z, 15 + 32) != Z_OK) {
			free(z);
			return error_fatal(err, "Out of memory for decompression");
		}
		input->codec = z;
	} else {
		input->codec = ZSTD_createDStream();
		if (input->codec == NULL)
			return error_fatal(err, "Out of memory for decompression");
	}
	return OK;
}

/* What an address answers, as it comes. */
static Status
open_url(ByteInput *input, const FileAccess *access, const char *url, Error *err)
{
	HttpResponse response;
	Status		 status = http_client_new(access, &input->http, err);

	if (status == OK)
		status = http_client_begin(input->http, &(HttpRequest){.url = url}, &response, err);
	if (status == OK && (response.status < 200 || response.status > 299))
		status = http_status_error(url, &response, err);
	input->is_stream = true;
	input->length = status == OK && response.length > 0 ? response.length : 0;
	if (status == OK && input->compression != COMPRESSION_NONE)
		status = codec_open(input, err);
	if (status != OK)
		byte_input_close(input);
	return status;
}

Status
byte_input_open(ByteInput *input, const FileAccess *access, const char *path, Compression compression, Error *err)
{
	struct stat st;

	*input = (ByteInput){.fd = -1, .compression = compression};
	if (path_is_url(path))
		return open_url(input, access, path, err);
	if (strcmp(path, "-") == 0) {
		TRY(file_access_check_standard(access, err));
		input->fd = dup(STDIN_FILENO);
		if (input->fd < 0)
			return error_user(err, "Standard input is closed");
	} else {
		input->fd = file_access_open(access, path, err);
		if (input->fd < 0)
			return FAILED;
	}
	if (fstat(input->fd, &st) != 0) {
		byte_input_close(input);
		return error_user(err, "The file '%s' cannot be read: %s", path, strerror(errno));
	}
	if (S_ISDIR(st.st_mode)) {
		byte_input_close(input);
		error_user(err, "'%s' is a directory", path);
		return error_hint(err, "Name its files by a pattern: '%s/*.csv'", path);
	}
	input->is_stream = compression != COMPRESSION_NONE || !S_ISREG(st.st_mode);
	if (compression != COMPRESSION_NONE)
		return codec_open(input, err);
	return OK;
}

void
byte_input_close(ByteInput *input)
{
	if (input->codec != NULL && input->compression == COMPRESSION_GZIP) {
		inflateEnd(input->codec);
		free(input->codec);
	} else if (input->codec != NULL) {
		ZSTD_freeDStream(input->codec);
	}
	free(input->raw);
	http_client_free(input->http);
	if (input->fd >= 0)
		close(input->fd);
	*input = (ByteInput){.fd = -1};
}

/* Bytes of the file itself. */
static Status
raw_read(ByteInput *input, char *to, size_t size, size_t *got, const char *path, Error *err)
{
	ssize_t n;

	if (input->http != NULL) {
		TRY(http_client_read(input->http, to, size, got, err));
		input->compressed += (int64_t)*got;
		return OK;
	}
	do {
		if (input->is_stream)
			n = read(input->fd, to, size);
		else
			n = pread(input->fd, to, size, (off_t)input->offset);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_fatal(err, "Reading '%s' failed: %s", path, strerror(errno));
	input->compressed += n;
	*got = (size_t)n;
	return OK;
}

static Status
raw_fill(ByteInput *input, const char *path, Error *err)
{
	if (input->raw_pos < input->raw_length)
		return OK;
	input->raw_pos = 0;
	TRY(raw_read(input, input->raw, FILE_BLOCK, &input->raw_length, path, err));
	input->raw_at_end = input->raw_length == 0;
	return OK;
}

static Status
gzip_read(ByteInput *input, char *to, size_t size, size_t *got, const char *path, Error *err)
{
	z_stream *z = input->codec;

	*got = 0;
	while (*got == 0) {
		TRY(raw_fill(input, path, err));
		if (input->raw_at_end) {
			if (input->frame_is_open)
				return error_fatal(err, "The file '%s' is cut off: its gzip data ends early", path);
			return OK;
		}
		z->next_in = (Bytef *)(input->raw + input->raw_pos);
		z->avail_in = (uInt)(input->raw_length - input->raw_pos);
		z->next_out = (Bytef *)to;
		z->avail_out = (uInt)size;

		int code = inflate(z, Z_NO_FLUSH);

		input->raw_pos = input->raw_length - z->avail_in;
		*got = size - z->avail_out;
		input->frame_is_open = true;
		if (code == Z_STREAM_END) {
			/* another member may follow */
			inflateReset(z);
			input->frame_is_open = false;
		} else if (code != Z_OK && code != Z_BUF_ERROR) {
			return error_fatal(err, "The file '%s' is not valid gzip: %s", path, z->msg != NULL ? z->msg : "damaged data");
		}
	}
	return OK;
}

static Status
zstd_read(ByteInput *input, char *to, size_t size, size_t *got, const char *path, Error *err)
{
	ZSTD_outBuffer out = {to, size, 0};

	while (out.pos == 0) {
		TRY(raw_fill(input, path, err));
		if (input->raw_at_end) {
			if (input->frame_is_open)
				return error_fatal(err, "The file '%s' is cut off: its zstd data ends early", path);
			break;
		}
		ZSTD_inBuffer in = {input->raw, input->raw_length, input->raw_pos};
		size_t		  code = ZSTD_decompressStream(input->codec, &out, &in);

		if (ZSTD_isError(code))
			return error_fatal(err, "The file '%s' is not valid zstd: %s", path, ZSTD_getErrorName(code));
		input->raw_pos = in.pos;
		input->frame_is_open = code != 0;
	}
	*got = out.pos;
	return OK;
}

Status
byte_input_read(ByteInput *input, char *to, size_t size, size_t *got, const char *path, Error *err)
{
	switch (input->compression) {
	case COMPRESSION_GZIP:
		TRY(gzip_read(input, to, size, got, path, err));
		break;
	case COMPRESSION_ZSTD:
		TRY(zstd_read(input, to, size, got, path, err));
		break;
	default:
		TRY(raw_read(input, to, size, got, path, err));
		break;
	}
	input->offset += (int64_t)*got;
	return OK;
}

Status
byte_input_seek(ByteInput *input, int64_t offset, const char *path, Error *err)
{
	char   *scrap;
	size_t	got = 1;
	Status	status = OK;

	if (!input->is_stream) {
		input->offset = offset;
		return OK;
	}
	if (offset < input->offset)
		return error_fatal(err, "'%s' cannot be read from an earlier place again", path);
	scrap = xmalloc(FILE_BLOCK);
	while (status == OK && input->offset < offset && got > 0) {
		size_t want = (size_t)(offset - input->offset);

		status = byte_input_read(input, scrap, want < FILE_BLOCK ? want : FILE_BLOCK, &got, path, err);
	}
	free(scrap);
	return status;
}

Compression
compression_of(Str path, Str head)
{
	if (head.length >= 2 && memcmp(head.data, "\x1f\x8b", 2) == 0)
		return COMPRESSION_GZIP;
	if (head.length >= 4 && memcmp(head.data, "\x28\xb5\x2f\xfd", 4) == 0)
		return COMPRESSION_ZSTD;
	if (head.length > 0)
		return COMPRESSION_NONE;
	if (str_ends_with(path, STR(".gz")) || str_ends_with(path, STR(".gzip")))
		return COMPRESSION_GZIP;
	if (str_ends_with(path, STR(".zst")) || str_ends_with(path, STR(".zstd")))
		return COMPRESSION_ZSTD;
	return COMPRESSION_NONE;
}

/* ---- the window ---- */

void
file_buffer_init(FileBuffer *buffer, size_t capacity)
{
	*buffer = (FileBuffer){.capacity = capacity};
	buffer->memory = xmalloc(capacity + 2 * FILE_BUFFER_PAD);
	memset(buffer->memory, 0, FILE_BUFFER_PAD);
	buffer->data = buffer->memory + FILE_BUFFER_PAD;
}

void
file_buffer_free(FileBuffer *buffer)
{
	free(buffer->memory);
	*buffer = (FileBuffer){0};
}

Status
file_buffer_fill(FileBuffer *buffer, ByteInput *input, const char *path, Error *err)
{
	size_t rest, got;

	if (buffer->has_virtual_end) {
		buffer->has_virtual_end = false;
		buffer->length--;
		if (buffer->pos > buffer->length)
			buffer->pos = buffer->length;
	}
	rest = buffer->length - buffer->pos;
	if (rest > 0 && buffer->pos > 0)
		memmove(buffer->data, buffer->data + buffer->pos, rest);
	buffer->base += (int64_t)buffer->pos;
	buffer->pos = 0;
	buffer->length = rest;
	if (rest > buffer->capacity / 2) {
		buffer->capacity *= 2;
		buffer->memory = xrealloc(buffer->memory, buffer->capacity + 2 * FILE_BUFFER_PAD);
		buffer->data = buffer->memory + FILE_BUFFER_PAD;
	}
	buffer->at_end = false;
	while (buffer->length < buffer->capacity) {
		size_t room = buffer->capacity - buffer->length;

		TRY(byte_input_read(input, buffer->data + buffer->length, room < FILE_BLOCK ? room : FILE_BLOCK, &got, path, err));
		if (got == 0) {
			buffer->at_end = true;
			break;
		}
		buffer->length += got;
		/* a pipe gives what it has: go on with that */
		if (input->is_stream && input->compression == COMPRESSION_NONE)
			break;
	}
	memset(buffer->data + buffer->length, 0, FILE_BUFFER_PAD);
	return OK;
}

void
file_buffer_close_line(FileBuffer *buffer)
{
	if (buffer->has_virtual_end || buffer->length == buffer->pos || buffer->data[buffer->length - 1] == '\n')
		return;
	buffer->data[buffer->length++] = '\n';
	buffer->has_virtual_end = true;
}
