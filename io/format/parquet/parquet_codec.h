#ifndef SLUICE_IO_FORMAT_PARQUET_PARQUET_CODEC_H
#define SLUICE_IO_FORMAT_PARQUET_PARQUET_CODEC_H

/*
 * Compression of Parquet's pages.  zlib and zstd are linked; snappy, lz4 and brotli are loaded when the first page needs them,
 * so that a program that reads no such file does not pay for them at its start.  Any thread.
 */
#include "common/str.h"
#include "io/format/parquet/parquet_meta.h"

const char *parquet_codec_name(ParquetCodec codec);

/* Whether there is a library for it; ERROR_UNSUPPORTED names the package that is missing. */
Status parquet_codec_check(ParquetCodec codec, const char *path, Error *err);

/* Fills exactly `plain_bytes` of `out`; false if the data is not what the codec writes or gives another length. */
bool parquet_decompress(ParquetCodec codec, Str from, char *out, size_t plain_bytes);

/* Appends the compressed bytes: SNAPPY, GZIP, ZSTD, LZ4_RAW and UNCOMPRESSED. */
Status parquet_compress(ParquetCodec codec, Str from, StrBuf *out, Error *err);

#endif
