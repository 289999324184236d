#ifndef SLUICE_IO_CONNECTOR_FILE_BYTE_INPUT_H
#define SLUICE_IO_CONNECTOR_FILE_BYTE_INPUT_H

/*
 * The bytes of a file, plain or compressed, and a window onto them.
 *
 * A FileBuffer holds a piece of the (decompressed) file that moves forward.  What lies between pos and length has not been
 * taken yet.  There is always room to read 64 bytes before data and behind length.  One thread at a time.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/file_access.h"
#include "common/str.h"

typedef enum Compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD } Compression;

typedef struct ByteInput {
	int			fd;				/* -1: closed */
	struct HttpClient *http;	/* of an address (fd is -1); NULL: a file */
	bool		is_stream;		/* cannot be read at an offset: standard input, pipes, addresses, compressed files */
	Compression compression;
	int64_t		offset;			/* of the next byte, decompressed */
	int64_t		compressed;		/* bytes taken from the file */
	int64_t		length;			/* of an address, as the server says; 0: not known */
	void	   *codec;			/* of zlib or zstd */
	char	   *raw;			/* compressed bytes not used yet */
	size_t		raw_pos, raw_length;
	bool		raw_at_end;
	bool		frame_is_open;	/* within a compressed frame: the end of the file would cut it off */
} ByteInput;

/* "-" is standard input; http:// and https:// are addresses.  ERROR_USER with what is wrong with the path, or that `access` does not allow it. */
Status byte_input_open(ByteInput *input, const FileAccess *access, const char *path, Compression compression, Error *err);
void   byte_input_close(ByteInput *input);

/* Reads up to `size` bytes; *got = 0 at the end (for now). */
Status byte_input_read(ByteInput *input, char *to, size_t size, size_t *got, const char *path, Error *err);

/* Goes to a byte of the decompressed text; streams only forward. */
Status byte_input_seek(ByteInput *input, int64_t offset, const char *path, Error *err);

/* By the suffix of a name and the first bytes. */
Compression compression_of(Str path, Str head);

#define FILE_BUFFER_PAD 64
#define FILE_BLOCK ((size_t)256 << 10)		/* bytes of one pread */

typedef struct FileBuffer {
	char   *memory;
	char   *data;			/* memory + pad */
	size_t	capacity;
	size_t	length;			/* filled */
	size_t	pos;			/* taken */
	int64_t base;			/* offset in the file of data[0] */
	bool	at_end;			/* the input had no more when it was last asked */
	bool	has_virtual_end;	/* a newline was added behind a last line that has none */
} FileBuffer;

void file_buffer_init(FileBuffer *buffer, size_t capacity);
void file_buffer_free(FileBuffer *buffer);

/* Drops what is taken and reads more behind the rest; doubles the capacity if the rest fills it. */
Status file_buffer_fill(FileBuffer *buffer, ByteInput *input, const char *path, Error *err);

/* Adds a newline behind the last line if it has none (once the input is at its end). */
void file_buffer_close_line(FileBuffer *buffer);

#endif
