#include "io/format/parquet/parquet_codec.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define GZIP_WINDOW (15 + 32)	/* finds out by itself whether the header is gzip's or zlib's */

/* The few functions of the libraries that are used; NULL where a library is not installed. */
typedef struct Codecs {
	int (*snappy_uncompressed_length)(const char *from, size_t length, size_t *out);
	int (*snappy_uncompress)(const char *from, size_t length, char *to, size_t *to_length);
	int (*snappy_compress)(const char *from, size_t length, char *to, size_t *to_length);
	size_t (*snappy_max_compressed_length)(size_t length);
	int (*lz4_decompress)(const char *from, char *to, int length, int capacity);
	int (*lz4_compress)(const char *from, char *to, int length, int capacity);
	int (*lz4_bound)(int length);
	int (*brotli_decompress)(size_t length, const uint8_t *from, size_t *to_length, uint8_t *to);
} Codecs;

/* Filled once, then only read. */
static Codecs		  codecs;
static pthread_once_t codecs_once = PTHREAD_ONCE_INIT;

static void
load_symbol(void *library, const char *name, void *function)
{
	void *symbol = library != NULL ? dlsym(library, name) : NULL;

	memcpy(function, &symbol, sizeof symbol);
}

static void
load_codecs(void)
{
	void *snappy = dlopen("libsnappy.so.1", RTLD_NOW | RTLD_LOCAL);
	void *lz4 = dlopen("liblz4.so.1", RTLD_NOW | RTLD_LOCAL);
	void *brotli = dlopen("libbrotlidec.so.1", RTLD_NOW | RTLD_LOCAL);

	load_symbol(snappy, "snappy_uncompressed_length", &codecs.snappy_uncompressed_length);
	load_symbol(snappy, "snappy_uncompress", &codecs.snappy_uncompress);
	load_symbol(snappy, "snappy_compress", &codecs.snappy_compress);
	load_symbol(snappy, "snappy_max_compressed_length", &codecs.snappy_max_compressed_length);
	load_symbol(lz4, "LZ4_decompress_safe", &codecs.lz4_decompress);
	load_symbol(lz4, "LZ4_compress_default", &codecs.lz4_compress);
	load_symbol(lz4, "LZ4_compressBound", &codecs.lz4_bound);
	load_symbol(brotli, "BrotliDecoderDecompress", &codecs.brotli_decompress);
}

static const Codecs *
codecs_loaded(void)
{
	pthread_once(&codecs_once, load_codecs);
	return &codecs;
}

const char *
parquet_codec_name(ParquetCodec codec)
{
	static const char *const names[] = {"none", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4"};

	return codec >= 0 && codec < (int)(sizeof names / sizeof names[0]) ? names[codec] : "unknown";
}

static Status
missing(const char *path, const char *codec, const char *package, Error *err)
{
	error_unsupported(err, "'%s' is compressed by %s, whose library is not installed here", path, codec);
	return error_hint(err, "apt-get install %s", package);
}

Status
parquet_codec_check(ParquetCodec codec, const char *path, Error *err)
{
	switch (codec) {
	case PARQUET_UNCOMPRESSED:
	case PARQUET_GZIP:
	case PARQUET_ZSTD:
		return OK;
	case PARQUET_SNAPPY:
		return codecs_loaded()->snappy_uncompress != NULL ? OK : missing(path, "snappy", "libsnappy1v5", err);
	case PARQUET_LZ4:
	case PARQUET_LZ4_RAW:
		return codecs_loaded()->lz4_decompress != NULL ? OK : missing(path, "lz4", "liblz4-1", err);
	case PARQUET_BROTLI:
		return codecs_loaded()->brotli_decompress != NULL ? OK : missing(path, "brotli", "libbrotli1", err);
	default:
		return error_unsupported(err, "'%s' is compressed by %s (codec %d), which is not supported", path, parquet_codec_name(codec), (int)codec);
	}
}

static bool
inflate_all(Str from, char *out, size_t plain_bytes)
{
	z_stream z = {.next_in = (Bytef *)from.data, .avail_in = (uInt)from.length, .next_out = (Bytef *)out, .avail_out = (uInt)plain_bytes};
	int		 code;

	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return false;
	do {
		code = inflate(&z, Z_FINISH);
		/* several members one after the other are legal */
		if (code == Z_STREAM_END && z.avail_in > 0 && z.avail_out > 0 && inflateReset(&z) != Z_OK)
			break;
	} while (code == Z_STREAM_END && z.avail_in > 0 && z.avail_out > 0);
	inflateEnd(&z);
	return code == Z_STREAM_END && z.avail_out == 0;
}

static uint32_t
big_endian(const char *p)
{
	const uint8_t *b = (const uint8_t *)p;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Hadoop's framing: plain length, compressed length, block; again and again. */
static bool
lz4_framed(Str from, char *out, size_t plain_bytes)
{
	size_t at = 0, done = 0;

	while (from.length - at >= 8) {
		size_t plain = big_endian(from.data + at), size = big_endian(from.data + at + 4);

		at += 8;
		if (size > from.length - at || plain > plain_bytes - done)
			return false;
		if (codecs.lz4_decompress(from.data + at, out + done, (int)size, (int)plain) != (int)plain)
			return false;
		at += size;
		done += plain;
	}
	return at == from.length && done == plain_bytes;
}

bool
parquet_decompress(ParquetCodec codec, Str from, char *out, size_t plain_bytes)
{
	const Codecs *c = codec == PARQUET_ZSTD || codec == PARQUET_GZIP ? NULL : codecs_loaded();
	size_t		  length = plain_bytes;

	if (from.length > INT32_MAX || plain_bytes > INT32_MAX)
		return false;
	switch (codec) {
	case PARQUET_UNCOMPRESSED:
		if (from.length != plain_bytes)
			return false;
		memcpy(out, from.data, plain_bytes);
		return true;
	case PARQUET_SNAPPY:
		return c->snappy_uncompressed_length(from.data, from.length, &length) == 0 && length == plain_bytes &&
			   c->snappy_uncompress(from.data, from.length, out, &length) == 0;
	case PARQUET_GZIP:
		return inflate_all(from, out, plain_bytes);
	case PARQUET_ZSTD:
		return ZSTD_decompress(out, plain_bytes, from.data, from.length) == plain_bytes;
	case PARQUET_LZ4:
		if (lz4_framed(from, out, plain_bytes))
			return true;
		/* some writers left the framing out */
		__attribute__((fallthrough));
	case PARQUET_LZ4_RAW:
		return c->lz4_decompress(from.data, out, (int)from.length, (int)plain_bytes) == (int)plain_bytes;
	case PARQUET_BROTLI:
		return c->brotli_decompress(from.length, (const uint8_t *)from.data, &length, (uint8_t *)out) == 1 && length == plain_bytes;
	default:
		return false;
	}
}

/* ---- compression ---- */

static bool
deflate_all(Str from, char *to, size_t *size)
{
	z_stream z = {.next_in = (Bytef *)from.data, .avail_in = (uInt)from.length, .next_out = (Bytef *)to, .avail_out = (uInt)*size};
	int		 code;

	if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	code = deflate(&z, Z_FINISH);
	*size = z.total_out;
	deflateEnd(&z);
	return code == Z_STREAM_END;
}

static bool
compress_to(ParquetCodec codec, Str from, char *to, size_t *size)
{
	switch (codec) {
	case PARQUET_SNAPPY:
		return codecs.snappy_compress(from.data, from.length, to, size) == 0;
	case PARQUET_LZ4_RAW:
		*size = (size_t)codecs.lz4_compress(from.data, to, (int)from.length, (int)*size);
		return *size > 0;
	case PARQUET_GZIP:
		return deflate_all(from, to, size);
	case PARQUET_ZSTD:
		*size = ZSTD_compress(to, *size, from.data, from.length, 3);
		return !ZSTD_isError(*size);
	default:
		return false;
	}
}

static size_t
size_bound(ParquetCodec codec, size_t n)
{
	switch (codec) {
	case PARQUET_SNAPPY:
		return codecs.snappy_max_compressed_length(n);
	case PARQUET_LZ4_RAW:
		return (size_t)codecs.lz4_bound((int)n);
	case PARQUET_GZIP:
		return compressBound(n) + 32;
	default:
		return ZSTD_compressBound(n);
	}
}

Status
parquet_compress(ParquetCodec codec, Str from, StrBuf *out, Error *err)
{
	size_t size;

	if (codec == PARQUET_UNCOMPRESSED) {
		strbuf_add_str(out, from);
		return OK;
	}
	TRY(parquet_codec_check(codec, "The file to be written", err));
	if (from.length > INT32_MAX / 2)
		return error_fatal(err, "A page of %zu bytes is too large to be compressed", from.length);
	size = size_bound(codec, from.length);
	strbuf_reserve(out, size);
	if (!compress_to(codec, from, out->data + out->length, &size))
		return error_fatal(err, "Compression by %s failed", parquet_codec_name(codec));
	out->length += size;
	return OK;
}
