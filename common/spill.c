#include "common/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/library.h"

enum {
	WRITE_BYTES = 256 << 10,	/* blocks are gathered up to here */
	LEAST_BYTES = 1 << 20,
	LZ4_ACCELERATION = 1,
};

typedef struct BlockHeader {
	uint32_t stored;
	uint32_t plain;			/* the same as stored: not compressed */
} BlockHeader;

struct SpillFile {
	const SpillSpace *space;
	int				  fd;
	int64_t			  written;		/* bytes in the file */
	int64_t			  plain_bytes;
	StrBuf			  pending;		/* to be written at `written` */
};

/* ---- LZ4 ---- */

typedef struct Lz4 {
	int (*compress)(const char *from, char *to, int length, int capacity, int acceleration);
	int (*decompress)(const char *from, char *to, int length, int capacity);
	int (*bound)(int length);
} Lz4;

/* Filled once, then only read; NULLs where the library is not installed. */
static Lz4			  lz4;
static pthread_once_t lz4_once = PTHREAD_ONCE_INIT;

static void
lz4_load(void)
{
	static const LibrarySymbol symbols[] = {
		{"LZ4_compress_fast", offsetof(Lz4, compress)},
		{"LZ4_decompress_safe", offsetof(Lz4, decompress)},
		{"LZ4_compressBound", offsetof(Lz4, bound)},
	};
	Error err;
	Lz4	  loaded = {0};

	/* Without it files are larger, and that is all. */
	if (library_load("liblz4.so.1", "liblz4-1", symbols, (int)(sizeof symbols / sizeof symbols[0]), &loaded, &err) == OK)
		lz4 = loaded;
}

/* ---- shares ---- */

int64_t
spill_share(const SpillSpace *space)
{
	int64_t limit = space->budget->limit_bytes;

	return limit == 0 ? INT64_MAX : limit / (space->n_sharers > 0 ? space->n_sharers : 1) / 8 * 7;
}

int64_t
spill_least(const SpillSpace *space)
{
	int64_t bytes = space->budget->limit_bytes / 4;

	return bytes < LEAST_BYTES ? bytes : LEAST_BYTES;
}

bool
spill_is_due(const SpillSpace *space, int64_t kept_bytes, int64_t more_bytes)
{
	const MemoryBudget *budget = budget_in_force(space->budget);
	int64_t				bytes = kept_bytes + more_bytes;

	if (bytes <= spill_least(space))
		return false;
	return bytes > spill_share(space)
		|| (budget->limit_bytes > 0 && atomic_load_explicit(&budget->used_bytes, memory_order_relaxed) + more_bytes > budget->limit_bytes);
}

int64_t
spill_block_bytes(const SpillSpace *space)
{
	int64_t bytes = space->budget->limit_bytes / 128;

	return bytes < 32 << 10 ? 32 << 10 : bytes > WRITE_BYTES ? WRITE_BYTES : bytes;
}

/* ---- files ---- */

static int
open_unnamed(const char *directory)
{
	int	 fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char path[4096];

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	/* A file system that has no files without names. */
	if ((size_t)snprintf(path, sizeof path, "%s/sluice-XXXXXX", directory) >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

Status
spill_open(const SpillSpace *space, SpillFile **out, Error *err)
{
	int fd = -1;

	pthread_once(&lz4_once, lz4_load);
	if (env_fault(space->env, "spill.open"))
		errno = EIO;
	else
		fd = open_unnamed(space->directory);
	if (fd < 0) {
		error_fatal(err, "The query needs more than memory.limit, and no temporary file can be made in `%s`: %s", space->directory,
					strerror(errno));
		return error_hint(err, "Start with --set temp.directory=DIR for another folder, or raise it with SET 'memory.limit'='...'.");
	}
	*out = xcalloc(1, sizeof **out);
	**out = (SpillFile){.space = space, .fd = fd};
	return OK;
}

void
spill_close(SpillFile *file)
{
	if (file == NULL)
		return;
	close(file->fd);
	strbuf_free(&file->pending);
	free(file);
}

int64_t
spill_end(const SpillFile *file)
{
	return file->written + (int64_t)file->pending.length;
}

int64_t
spill_plain_bytes(const SpillFile *file)
{
	return file->plain_bytes;
}

/* ---- writing ---- */

static Status
write_error(const SpillFile *file, int code, Error *err)
{
	if (code != ENOSPC && code != EDQUOT && code != EFBIG)
		return error_fatal(err, "A temporary file in `%s` cannot be written: %s", file->space->directory, strerror(code));
	error_fatal(err, "No room for temporary files in `%s`, where this query has written %lld MB of what memory.limit does not hold: %s",
				file->space->directory, (long long)(file->written >> 20), strerror(code));
	return error_hint(err, "Make room, start with --set temp.directory=DIR for another folder, or raise it with SET 'memory.limit'='...'.");
}

static Status
write_pending(SpillFile *file, Error *err)
{
	const char *data = file->pending.data;
	size_t		left = file->pending.length;

	if (env_fault(file->space->env, "spill.full"))
		return write_error(file, ENOSPC, err);
	if (env_fault(file->space->env, "spill.write"))
		return write_error(file, EIO, err);
	while (left > 0) {
		ssize_t n = pwrite(file->fd, data, left, file->written);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return write_error(file, n < 0 ? errno : ENOSPC, err);
		data += n;
		left -= (size_t)n;
		file->written += n;
	}
	strbuf_clear(&file->pending);
	return OK;
}

Status
spill_write(SpillFile *file, Str block, Error *err)
{
	BlockHeader header = {(uint32_t)block.length, (uint32_t)block.length};
	size_t		room;

	if (block.length == 0 || block.length > 1 << 30)
		return error_fatal(err, "A value of %lld MB is too large for a temporary file", (long long)(block.length >> 20));
	room = lz4.compress != NULL ? (size_t)lz4.bound((int)block.length) : block.length;
	strbuf_reserve(&file->pending, sizeof header + (room > block.length ? room : block.length));
	if (lz4.compress != NULL) {
		int n = lz4.compress(block.data, file->pending.data + file->pending.length + sizeof header, (int)block.length, (int)room, LZ4_ACCELERATION);

		if (n > 0 && (size_t)n < block.length)
			header.stored = (uint32_t)n;
	}
	if (header.stored == header.plain)
		memcpy(file->pending.data + file->pending.length + sizeof header, block.data, block.length);
	memcpy(file->pending.data + file->pending.length, &header, sizeof header);
	file->pending.length += sizeof header + header.stored;
	file->plain_bytes += (int64_t)block.length;
	return file->pending.length >= WRITE_BYTES ? write_pending(file, err) : OK;
}

/* ---- reading ---- */

void
spill_buffer_free(SpillBuffer *buffer)
{
	strbuf_free(&buffer->stored);
	strbuf_free(&buffer->plain);
}

static Status
read_bytes(SpillFile *file, int64_t at, void *out, size_t length, Error *err)
{
	char *to = out;

	if (env_fault(file->space->env, "spill.read"))
		return error_fatal(err, "A temporary file in `%s` cannot be read: %s", file->space->directory, strerror(EIO));
	while (length > 0) {
		ssize_t n = pread(file->fd, to, length, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_fatal(err, "A temporary file in `%s` cannot be read: %s", file->space->directory,
							   n < 0 ? strerror(errno) : "it is shorter than what was written");
		to += n;
		at += n;
		length -= (size_t)n;
	}
	return OK;
}

static void
set_length(StrBuf *buf, size_t length)
{
	strbuf_clear(buf);
	strbuf_reserve(buf, length + 1);
	buf->length = length;
}

Status
spill_read(SpillFile *file, int64_t *at, SpillBuffer *buffer, Str *out, Error *err)
{
	BlockHeader header;

	if (file->pending.length > 0)
		TRY(write_pending(file, err));
	TRY(read_bytes(file, *at, &header, sizeof header, err));
	set_length(&buffer->stored, header.stored);
	TRY(read_bytes(file, *at + (int64_t)sizeof header, buffer->stored.data, header.stored, err));
	*at += (int64_t)sizeof header + header.stored;
	*out = strbuf_str(&buffer->stored);
	if (header.stored == header.plain)
		return OK;
	set_length(&buffer->plain, header.plain);
	if (lz4.decompress(buffer->stored.data, buffer->plain.data, (int)header.stored, (int)header.plain) != (int)header.plain)
		return error_fatal(err, "A temporary file in `%s` is damaged", file->space->directory);
	*out = strbuf_str(&buffer->plain);
	return OK;
}
