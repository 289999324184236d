#include "io/connector/file/file_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "common/base64.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/time_text.h"
#include "io/connector/file/byte_input.h"
#include "io/format/json/json_encode.h"
#include "io/format/parquet/parquet_writer.h"
#include "io/http.h"

#define FLUSH_BYTES ((size_t)256 << 10)
#define GZIP_BYTES (INT64_C(268) << 10)		/* of zlib's state */
#define LEAST_BYTES (INT64_C(1) << 20)		/* that writers may hold whatever the limit is */

struct FileWriter {
	const FileWriteSpec *spec;
	bool				 is_standard;	/* standard output */
	FileTarget			 target;
	int					 fd;
	bool				 is_json;
	bool				 is_parquet;
	ParquetWriter		*parquet;
	char				 delimiter;
	Compression			 compression;
	z_stream			 gzip;
	ZSTD_CStream		*zstd;
	char				*packed;		/* room for compressed bytes */
	StrBuf				 text;			/* not written yet */
	int64_t				 n_rows;
	int64_t				 n_bytes;
	int64_t				 charged;		/* to the budget */
};

/* ---- opening ---- */

static bool
word_is(const char *word, const char *a, const char *b)
{
	return str_equal_nocase(str_of(word), str_of(a)) || str_equal_nocase(str_of(word), str_of(b));
}

static Status
find_compression(const FileWriteSpec *spec, Compression *out, Error *err)
{
	*out = COMPRESSION_NONE;
	if (spec->compression == NULL)
		*out = compression_of(str_of(spec->path), (Str){0});
	else if (word_is(spec->compression, "gzip", "gz"))
		*out = COMPRESSION_GZIP;
	else if (word_is(spec->compression, "zstd", "zst"))
		*out = COMPRESSION_ZSTD;
	else if (!word_is(spec->compression, "none", "none"))
		return error_user(err, "Unknown compression '%s': there are none, gzip and zstd", spec->compression);
	return OK;
}

static Status
find_format(FileWriter *w, Error *err)
{
	const char *format = w->spec->format;
	Str			path = str_of(w->spec->path);

	if (format == NULL) {
		static const char *const packed[] = {".gz", ".gzip", ".zst", ".zstd"};

		for (int i = 0; i < 4; i++)
			if (str_ends_with(path, str_of(packed[i])))
				path.length -= strlen(packed[i]);
		format = str_ends_with(path, STR(".json")) || str_ends_with(path, STR(".jsonl")) || str_ends_with(path, STR(".ndjson")) ? "JSON"
				 : str_ends_with(path, STR(".parquet"))																	? "PARQUET"
				 : str_ends_with(path, STR(".tsv"))																		? "TSV"
																														: "CSV";
	}
	w->is_parquet = word_is(format, "PARQUET", "PARQUET");
	if (w->is_parquet)
		return OK;
	w->is_json = word_is(format, "JSON", "JSONL") || word_is(format, "NDJSON", "NDJSON");
	if (!w->is_json && !word_is(format, "CSV", "TSV") && !word_is(format, "DELIMITED", "DELIMITED")) {
		error_user(err, "Unknown format of a file: '%s'", format);
		return error_hint(err, "There are CSV, TSV, JSON and PARQUET");
	}
	w->delimiter = w->spec->delimiter != '\0' ? w->spec->delimiter : word_is(format, "TSV", "TSV") ? '\t' : ',';
	return OK;
}

static Status
open_compression(FileWriter *w, Error *err)
{
	if (w->compression == COMPRESSION_NONE)
		return OK;
	w->packed = xmalloc(FLUSH_BYTES);
	if (w->compression == COMPRESSION_GZIP) {
		if (deflateInit2(&w->gzip, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
			return error_fatal(err, "Out of memory for compression");
	} else {
		w->zstd = ZSTD_createCStream();
		if (w->zstd == NULL || ZSTD_isError(ZSTD_initCStream(w->zstd, 3)))
			return error_fatal(err, "Out of memory for compression");
	}
	return OK;
}

/* ---- bytes ---- */

static Status
write_all(FileWriter *w, const char *data, size_t length, Error *err)
{
	while (length > 0) {
		ssize_t n = write(w->fd, data, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_fatal(err, "Writing '%s' failed: %s", w->spec->path, strerror(errno));
		data += n;
		length -= (size_t)n;
	}
	return OK;
}

static Status
flush_gzip(FileWriter *w, bool is_end, Error *err)
{
	int code;

	w->gzip.next_in = (Bytef *)w->text.data;
	w->gzip.avail_in = (uInt)w->text.length;
	do {
		w->gzip.next_out = (Bytef *)w->packed;
		w->gzip.avail_out = (uInt)FLUSH_BYTES;
		code = deflate(&w->gzip, is_end ? Z_FINISH : Z_NO_FLUSH);
		TRY(write_all(w, w->packed, FLUSH_BYTES - w->gzip.avail_out, err));
	} while (is_end ? code != Z_STREAM_END : w->gzip.avail_in > 0);
	return OK;
}

static Status
flush_zstd(FileWriter *w, bool is_end, Error *err)
{
	ZSTD_inBuffer in = {w->text.data, w->text.length, 0};
	size_t		  left;

	do {
		ZSTD_outBuffer out = {w->packed, FLUSH_BYTES, 0};

		left = ZSTD_compressStream2(w->zstd, &out, &in, is_end ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return error_fatal(err, "Compressing '%s' failed: %s", w->spec->path, ZSTD_getErrorName(left));
		TRY(write_all(w, w->packed, out.pos, err));
	} while (is_end ? left != 0 : in.pos < in.size);
	return OK;
}

static Status
flush_text(FileWriter *w, bool is_end, Error *err)
{
	w->n_bytes += (int64_t)w->text.length;
	switch (w->compression) {
	case COMPRESSION_GZIP:
		TRY(flush_gzip(w, is_end, err));
		break;
	case COMPRESSION_ZSTD:
		TRY(flush_zstd(w, is_end, err));
		break;
	default:
		TRY(write_all(w, w->text.data, w->text.length, err));
		break;
	}
	strbuf_clear(&w->text);
	return OK;
}

/* ---- CSV ---- */

static void
add_csv_text(FileWriter *w, Str text)
{
	bool needs_quotes = text.length == 0 || (w->spec->null_text != NULL && str_equal(text, str_of(w->spec->null_text)));

	for (size_t i = 0; i < text.length && !needs_quotes; i++)
		needs_quotes = text.data[i] == w->delimiter || text.data[i] == '"' || text.data[i] == '\n' || text.data[i] == '\r';
	if (!needs_quotes) {
		strbuf_add_str(&w->text, text);
		return;
	}
	strbuf_add_char(&w->text, '"');
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] == '"')
			strbuf_add_char(&w->text, '"');
		strbuf_add_char(&w->text, text.data[i]);
	}
	strbuf_add_char(&w->text, '"');
}

static Status
add_csv_value(FileWriter *w, const Vector *column, int64_t row, Error *err)
{
	static const JsonStyle style = {.iso_times = true};
	const Vector		  *v = vector_base(column);
	int64_t				   at = vector_at(column, row);
	char				   text[DECIMAL_TEXT_MAX];
	StrBuf				   nested = {0};
	Status				   status = OK;

	if (!vector_is_valid(column, row)) {
		if (w->spec->null_text != NULL)
			strbuf_add_text(&w->text, w->spec->null_text);
		return OK;
	}
	switch (v->type->kind) {
	case TYPE_BOOLEAN:
		strbuf_add_text(&w->text, ((const uint8_t *)v->data)[at] ? "true" : "false");
		return OK;
	case TYPE_INTEGER:
		int64_add_text(&w->text, ((const int32_t *)v->data)[at]);
		return OK;
	case TYPE_BIGINT:
		int64_add_text(&w->text, ((const int64_t *)v->data)[at]);
		return OK;
	case TYPE_DOUBLE:
		double_add_sql(&w->text, ((const double *)v->data)[at]);
		return OK;
	case TYPE_DECIMAL:
		add_csv_text(w, str_make(text, decimal_print(((const Decimal *)v->data)[at], v->type->scale, text)));
		return OK;
	case TYPE_DATE:
		add_csv_text(w, str_make(text, date_print(((const int32_t *)v->data)[at], text)));
		return OK;
	case TYPE_TIME:
		add_csv_text(w, str_make(text, time_print_sql(((const int32_t *)v->data)[at], text)));
		return OK;
	case TYPE_TIMESTAMP:
		add_csv_text(w, str_make(text, timestamp_print_sql(((const int64_t *)v->data)[at], text)));
		return OK;
	case TYPE_STRING:
		add_csv_text(w, str_view_str(&((const StrView *)v->data)[at]));
		return OK;
	case TYPE_BYTES:
		base64_add_encoded(&nested, str_view_str(&((const StrView *)v->data)[at]));
		break;
	default:
		status = json_encode_value(column, row, &style, &nested, err);
		break;
	}
	if (status == OK)
		add_csv_text(w, strbuf_str(&nested));
	strbuf_free(&nested);
	return status;
}

static void
add_csv_header(FileWriter *w)
{
	for (int c = 0; c < w->spec->n_columns; c++) {
		if (c > 0)
			strbuf_add_char(&w->text, w->delimiter);
		add_csv_text(w, str_of(w->spec->columns[c].name));
	}
	strbuf_add_char(&w->text, '\n');
}

static Status
add_csv_row(FileWriter *w, const Batch *rows, int32_t row, Error *err)
{
	for (int c = 0; c < w->spec->n_columns; c++) {
		if (c > 0)
			strbuf_add_char(&w->text, w->delimiter);
		/* a lone empty field would be a blank line, which readers skip */
		if (w->spec->n_columns == 1 && w->spec->null_text == NULL && !vector_is_valid(rows->columns[0], row))
			strbuf_add_text(&w->text, "\"\"");
		else
			TRY(add_csv_value(w, rows->columns[c], row, err));
	}
	strbuf_add_char(&w->text, '\n');
	return OK;
}

/* ---- Parquet ---- */

static Status
write_parquet(void *context, Str bytes, Error *err)
{
	FileWriter *w = context;

	w->n_bytes += (int64_t)bytes.length;
	return write_all(w, bytes.data, bytes.length, err);
}

static Status
find_codec(const FileWriteSpec *spec, ParquetCodec *out, Error *err)
{
	static const struct {
		const char	*name, *also;
		ParquetCodec codec;
	} codecs[] = {
		{"snappy", "snappy", PARQUET_SNAPPY}, {"zstd", "zst", PARQUET_ZSTD}, {"gzip", "gz", PARQUET_GZIP},
		{"lz4", "lz4_raw", PARQUET_LZ4_RAW},  {"none", "uncompressed", PARQUET_UNCOMPRESSED},
	};

	*out = PARQUET_SNAPPY;
	if (spec->compression == NULL)
		return OK;
	for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++)
		if (word_is(spec->compression, codecs[i].name, codecs[i].also)) {
			*out = codecs[i].codec;
			return OK;
		}
	return error_user(err, "Unknown compression '%s' of Parquet: there are snappy, zstd, gzip, lz4 and none", spec->compression);
}

static Status
open_parquet(FileWriter *w, Error *err)
{
	ParquetWriteSpec spec = {.n_columns = w->spec->n_columns, .columns = w->spec->columns, .group_rows = w->spec->group_rows,
							 .write = write_parquet, .context = w};

	TRY(find_codec(w->spec, &spec.codec, err));
	return parquet_writer_new(&spec, &w->parquet, err);
}

/* ---- life ---- */

static void
writer_free(FileWriter *w)
{
	budget_release(w->spec->budget, w->charged);
	parquet_writer_free(w->parquet);
	if (w->compression == COMPRESSION_GZIP && w->packed != NULL)
		deflateEnd(&w->gzip);
	ZSTD_freeCStream(w->zstd);
	free(w->packed);
	file_target_abort(&w->target);
	strbuf_free(&w->text);
	free(w);
}

Status
file_writer_open(const FileWriteSpec *spec, FileWriter **out, Error *err)
{
	FileWriter *w = xcalloc(1, sizeof *w);
	Status		status = OK;

	w->spec = spec;
	w->fd = -1;
	TRY_OUT(find_format(w, err));
	if (!w->is_parquet)
		TRY_OUT(find_compression(spec, &w->compression, err));
	if (spec->group_rows > 0 && !w->is_parquet)
		TRY_OUT(error_user(err, "ROW_GROUP_SIZE is an option of Parquet files"));
	if (path_is_url(spec->path))
		TRY_OUT(error_user(err, "COPY writes files, and '%s' is an address", spec->path));
	if (strcmp(spec->path, "-") == 0) {
		TRY_OUT(file_access_check_standard(spec->access, err));
		w->is_standard = true;
		w->fd = STDOUT_FILENO;
	} else {
		TRY_OUT(file_target_open(spec->access, spec->path, 0666, &w->target, err));
		w->fd = w->target.fd;
	}
	if (w->is_parquet)
		TRY_OUT(open_parquet(w, err));
	TRY_OUT(open_compression(w, err));
	if (!w->is_json && !w->is_parquet && !spec->no_header)
		add_csv_header(w);
out:
	if (status != OK) {
		writer_free(w);
		w = NULL;
	}
	*out = w;
	return status;
}

/* ---- memory ---- */

int64_t
file_writer_allocated(const FileWriter *w)
{
	int64_t bytes = (int64_t)w->text.capacity + (w->packed != NULL ? (int64_t)FLUSH_BYTES : 0);

	if (w->parquet != NULL)
		bytes += parquet_writer_allocated(w->parquet);
	if (w->zstd != NULL)
		bytes += (int64_t)ZSTD_sizeof_CStream(w->zstd);
	return bytes + (w->compression == COMPRESSION_GZIP ? GZIP_BYTES : 0);
}

Status
file_writer_shrink(FileWriter *w, Error *err)
{
	if (w->is_parquet)
		return parquet_writer_shrink(w->parquet, err);
	TRY(flush_text(w, false, err));
	strbuf_free(&w->text);
	return OK;
}

bool
file_writers_charge(MemoryBudget *budget, int64_t bytes, bool must, int64_t *charged)
{
	const MemoryBudget *limit = budget_in_force(budget);
	int64_t				more = bytes - *charged;
	Error				ignored;

	if (budget == NULL)
		return true;
	if (more <= 0)
		budget_release(budget, -more);
	else if (must || bytes <= LEAST_BYTES)
		budget_take(budget, more);
	else if ((limit->limit_bytes > 0 && bytes > limit->limit_bytes / 4) || budget_reserve(budget, more, "COPY", &ignored) != OK)
		return false;
	*charged = bytes;
	return true;
}

static Status
charge(FileWriter *w, Error *err)
{
	if (file_writers_charge(w->spec->budget, file_writer_allocated(w), false, &w->charged))
		return OK;
	TRY(file_writer_shrink(w, err));
	file_writers_charge(w->spec->budget, file_writer_allocated(w), true, &w->charged);
	return OK;
}

/* ---- rows ---- */

static Status
add_rows(FileWriter *writer, const Batch *rows, Error *err)
{
	static const JsonStyle style = {.iso_times = true};

	if (writer->is_parquet) {
		writer->n_rows += rows->n_rows;
		return parquet_writer_add(writer->parquet, rows, err);
	}
	for (int32_t i = 0; i < rows->n_rows; i++) {
		if (writer->is_json) {
			TRY(json_encode_record(writer->spec->columns, rows->columns, writer->spec->n_columns, i, &style, &writer->text, err));
			strbuf_add_char(&writer->text, '\n');
		} else {
			TRY(add_csv_row(writer, rows, i, err));
		}
		writer->n_rows++;
		if (writer->text.length >= FLUSH_BYTES)
			TRY(flush_text(writer, false, err));
	}
	return OK;
}

Status
file_writer_add(FileWriter *writer, const Batch *rows, Error *err)
{
	TRY(add_rows(writer, rows, err));
	return charge(writer, err);
}

Status
file_writer_commit(FileWriter *writer, Error *err)
{
	Status status = writer->is_parquet ? parquet_writer_finish(writer->parquet, err) : flush_text(writer, true, err);

	if (status == OK && !writer->is_standard)
		status = file_target_commit(&writer->target, err);
	writer_free(writer);
	return status;
}

void
file_writer_abort(FileWriter *writer)
{
	if (writer != NULL)
		writer_free(writer);
}

int64_t
file_writer_rows(const FileWriter *writer)
{
	return writer->n_rows;
}

int64_t
file_writer_bytes(const FileWriter *writer)
{
	return writer->n_bytes + (int64_t)writer->text.length;
}
