/*
 * CSV text to batches.
 *
 *	scan the buffer for field and row ends (csv_scan) until there are rows enough
 *	if every row has the expected number of fields: the ends are a table already
 *	else: row by row, leaving out and reporting those that haven't
 *	for each wanted column: gather where its texts are, strip quotes, convert (csv_convert)
 *	leave out and report the rows of which a text did not fit
 */
#include <stdlib.h>

#include "io/connector/file/csv_convert.h"
#include "io/connector/file/file_impl.h"
#include "io/format/json/json_simd.h"

Status
csv_reader_open(FileSource *self, Arena *arena, Error *err)
{
	int		 n = self->file->n_columns;
	uint32_t rows = BATCH_ROWS + CSV_SCAN_SLACK;

	(void)err;
	self->scan.delimiter = self->file->delimiter;
	self->scan.quote = self->file->quote;
	self->scan.capacity_lines = BATCH_ROWS;
	self->scan.capacity_ends = (uint32_t)n * BATCH_ROWS + 64;
	self->scan.ends = arena_alloc(arena, sizeof(uint32_t) * (self->scan.capacity_ends + CSV_SCAN_SLACK));
	self->row_ends = arena_alloc(arena, sizeof(uint32_t) * (size_t)n * rows);
	self->row_start = arena_alloc(arena, sizeof(uint32_t) * rows);
	self->field_at = arena_alloc(arena, sizeof(char *) * rows);
	self->field_length = arena_alloc(arena, sizeof(uint32_t) * rows);
	self->field_quoted = arena_alloc(arena, rows);
	return OK;
}

/* ---- one line, for headers, sniffing and odd cases ---- */

int
csv_split_line(Arena *arena, Str line, char delimiter, char quote, Str **fields, bool **quoted)
{
	const char *p = line.data, *end = p + line.length;
	int			n = 0, capacity = 0;

	*fields = NULL;
	*quoted = NULL;
	for (;;) {
		if (n == capacity) {
			int	  room = capacity > 0 ? capacity * 2 : 16;
			Str	 *more = arena_array(arena, Str, room);
			bool *more_quoted = arena_array(arena, bool, room);

			if (n > 0) {
				memcpy(more, *fields, sizeof(Str) * (size_t)n);
				memcpy(more_quoted, *quoted, (size_t)n);
			}
			*fields = more;
			*quoted = more_quoted;
			capacity = room;
		}
		if (quote != '\0' && p < end && *p == quote) {
			char *text = arena_alloc(arena, (size_t)(end - p)), *to = text;

			for (p++; p < end; p++) {
				if (*p == quote) {
					if (p + 1 < end && p[1] == quote)
						p++;
					else
						break;
				}
				*to++ = *p;
			}
			if (p < end)
				p++;
			while (p < end && *p != delimiter)
				*to++ = *p++;
			(*quoted)[n] = true;
			(*fields)[n++] = str_make(text, (size_t)(to - text));
		} else {
			const char *begin = p;

			while (p < end && *p != delimiter)
				p++;
			(*fields)[n++] = str_make(begin, (size_t)(p - begin));
		}
		if (p >= end)
			return n;
		p++;
	}
}

Status
csv_check_header(FileSource *self, FilePart *part, Str line, Error *err)
{
	Arena  scratch = {0};
	Str	  *fields;
	bool  *quoted;
	Status status = OK;
	int	   n;

	if (line.length > 0 && line.data[line.length - 1] == '\r')
		line.length--;
	n = csv_split_line(&scratch, line, self->file->delimiter, self->file->quote, &fields, &quoted);
	if (n != self->file->n_columns && part->file > 0) {
		error_user(err, "The files of '%s' differ: '%s' has %d columns, the first has %d", self->file->path,
				   self->paths[part->file], n, self->file->n_columns);
		status = FAILED;
	}
	arena_free(&scratch);
	return status;
}

/* ---- ranges ---- */

/* Rows from `at` on look like this file's: of those within the buffer, each has the right number of fields. */
static bool
looks_aligned(FileSource *self, const FilePart *part, size_t at)
{
	CsvScan *scan = &self->scan;
	int		 n = self->file->n_columns;
	int n_fields = 0;

	csv_scan(scan, part->buffer.data, at, part->buffer.length);
	if (scan->is_irregular)
		return false;
	for (uint32_t e = 0; e < scan->n_ends; e++) {
		n_fields++;
		if (part->buffer.data[scan->ends[e]] == '\n') {
			if (n_fields != n)
				return false;
			n_fields = 0;
		}
	}
	return scan->n_lines > 0;
}

/* Where the first row of the last scan ends. */
static uint32_t
first_line(const CsvScan *scan, const char *text)
{
	uint32_t e = 0;

	while (text[scan->ends[e]] != '\n')
		e++;
	return scan->ends[e];
}

/*
 * A newline may stand within quotes, so the first one is not always the end of a row.  Both beliefs (this newline ends a
 * row; we are within quotes here, the row ends behind the next closing quote) are tried on what follows.  range_check
 * finds out later if the choice was wrong.
 */
Status
csv_align(FileSource *self, FilePart *part, Error *err)
{
	FileBuffer *b = &part->buffer;
	size_t		newline = find_newline(b->data, b->pos, b->length);

	(void)err;
	if (newline >= b->length) {
		part_take(part, b->length);
		return OK;
	}
	if (!self->is_json && self->file->quote != '\0' && memchr(b->data + b->pos, self->file->quote, b->length - b->pos) != NULL &&
		!looks_aligned(self, part, newline + 1)) {
		/* within quotes: the next line end outside of them, seen from the next closing quote */
		size_t at = b->pos;

		while (at < b->length) {
			const char *quote = memchr(b->data + at, self->file->quote, b->length - at);

			if (quote == NULL)
				break;
			at = (size_t)(quote - b->data) + 1;
			if (at < b->length && (b->data[at] == self->file->delimiter || b->data[at] == '\n' || b->data[at] == '\r')) {
				csv_scan(&self->scan, b->data, at, b->length);

				size_t line_end = self->scan.n_lines > 0 ? first_line(&self->scan, b->data) : b->length;

				if (line_end < b->length && looks_aligned(self, part, line_end + 1)) {
					newline = line_end;
					break;
				}
			}
		}
	}
	part_take(part, newline + 1);
	return OK;
}

/* ---- rows ---- */

/* A row that does not end within the largest row: only its first line is given up. */
static Status
skip_endless_row(FileSource *self, FilePart *part, Error *err)
{
	FileBuffer *b = &part->buffer;
	size_t		at = b->pos, newline = find_newline(b->data, b->pos, b->length);
	Str			row = str_make(b->data + at, newline - at);

	part_take(part, newline < b->length ? newline + 1 : b->length);
	return part_bad_row(self, part, at, row, err, "a quoted field does not end");
}

/*
 * Rows one by one: those that have the right number of fields are listed in row_start and row_ends, up to max_rows.
 * Gives how many, and where the rows that were looked at end.
 */
static Status
sort_out_rows(FileSource *self, FilePart *part, int32_t max_rows, int32_t *n_good, size_t *consumed, Error *err)
{
	const CsvScan *scan = &self->scan;
	const char	  *data = part->buffer.data;
	uint32_t	   n = (uint32_t)self->file->n_columns;
	uint32_t	   first = 0;
	int32_t		   good = 0;
	size_t		   start = part->buffer.pos;

	for (uint32_t e = 0; e < scan->n_ends && good < max_rows; e++) {
		size_t end = scan->ends[e], length = end - start;

		if (data[end] != '\n')
			continue;
		if (part_offset(part, start) >= part->end)
			break;
		if (length == 0 || (length == 1 && data[start] == '\r')) {
			/* blank */
		} else if (e + 1 - first != n) {
			if (data[end - 1] == '\r')
				length--;
			TRY(part_bad_row(self, part, start, str_make(data + start, length), err, "expected %u field%s, found %u", n, n == 1 ? "" : "s",
							 e + 1 - first));
		} else {
			self->row_start[good] = (uint32_t)start;
			memcpy(self->row_ends + (uint32_t)good * n, scan->ends + first, n * sizeof(uint32_t));
			good++;
		}
		start = end + 1;
		first = e + 1;
	}
	*n_good = good;
	*consumed = start;
	return OK;
}

/*
 * All rows of the scan have n fields and none is empty: then every n-th end is a newline and no other is.  Fills
 * row_start of the first n_rows.
 */
static bool
rows_are_regular(FileSource *self, const FilePart *part, uint32_t n_rows)
{
	const uint32_t *ends = self->scan.ends;
	const char	   *data = part->buffer.data;
	uint32_t		n = (uint32_t)self->file->n_columns, start = (uint32_t)part->buffer.pos;
	uint32_t		all_rows = self->scan.n_ends / n;
	unsigned		differences = 0;

	if (self->scan.n_lines != all_rows)
		return false;
	for (uint32_t r = 0; r < n_rows; r++) {
		uint32_t end = ends[r * n + n - 1];

		self->row_start[r] = start;
		differences |= (unsigned char)data[end] ^ (unsigned)'\n';
		differences |= (unsigned)(end - start < 1) | (unsigned)(end - start == 1 && data[start] == '\r');
		start = end + 1;
	}
	for (uint32_t r = n_rows; r < all_rows; r++)
		differences |= (unsigned char)data[ends[r * n + n - 1]] ^ (unsigned)'\n';
	return differences == 0;
}

typedef struct CsvBatch {
	ConvertContext convert;
	FileSource	  *source;
	FilePart	  *part;
	const uint32_t *ends;		/* n_rows * n_columns */
	int32_t		   n_rows;
	int			   column;		/* of the file: being converted */
	const Type	  *type;
	uint64_t	  *bad;			/* rows left out; NULL: none */
	Status		   status;
	Error		  *err;
} CsvBatch;

static void
csv_fail(ConvertContext *context, int32_t row, Str text, const char *why)
{
	CsvBatch *batch = (CsvBatch *)context;
	FilePart *part = batch->part;
	uint32_t  n = (uint32_t)batch->source->file->n_columns;
	uint32_t  start = batch->source->row_start[row], end = batch->ends[(uint32_t)row * n + n - 1];
	char	  type[256];
	StrBuf	  type_text = {0};

	if (batch->status != OK)
		return;
	if (batch->bad == NULL) {
		size_t size = (size_t)bitmap_words(batch->n_rows) * sizeof(uint64_t);

		batch->bad = memset(arena_alloc(context->arena, size), 0, size);
	}
	if (bitmap_get(batch->bad, row))
		return;
	bitmap_set(batch->bad, row);
	type_print(batch->type, &type_text);
	snprintf(type, sizeof type, "%s", strbuf_text(&type_text));
	strbuf_free(&type_text);
	batch->status = part_bad_row(batch->source, part, start, str_make(part->buffer.data + start, end - start), batch->err,
								 "column `%s`: '%.*s' is not a %s%s%s; %s",
								 batch->source->file->columns[batch->column].name, (int)(text.length > 100 ? 100 : text.length),
								 text.data, type, why != NULL ? ": " : "", why != NULL ? why : "",
								 batch->type->kind == TYPE_STRING ? "iconv can convert the file, if it is known what it is (-f LATIN1 -t UTF-8)"
																  : "WITH (SCHEMA='...') can give the column another type");
}

/* Takes the quotes off a field that has them.  False if it is not well formed. */
static bool
unquote(Arena *arena, char quote, const char **at, uint32_t *length)
{
	const char *begin = *at + 1, *end = *at + *length - 1;
	const char *p;

	if (*length < 2 || *end != quote)
		return false;
	p = memchr(begin, quote, (size_t)(end - begin));
	if (p == NULL) {
		*at = begin;
		*length = (uint32_t)(end - begin);
		return true;
	}
	/* 16 readable bytes on both sides, as texts of a buffer have */
	char *copy = (char *)arena_calloc(arena, (size_t)*length + 32) + 16, *to = copy;

	for (p = begin; p < end; p++) {
		*to++ = *p;
		if (*p == quote) {
			if (p + 1 >= end || p[1] != quote)
				return false;
			p++;
		}
	}
	*at = copy;
	*length = (uint32_t)(to - copy);
	return true;
}

/* Where the texts of column c are. */
static void
gather_fields(CsvBatch *batch, FieldRun *run)
{
	FileSource	   *self = batch->source;
	const char	   *data = batch->part->buffer.data;
	uint32_t		n = (uint32_t)self->file->n_columns, c = (uint32_t)batch->column;
	const char	  **at = self->field_at;
	uint32_t	   *length = self->field_length;
	const uint32_t *ends = batch->ends;

	*run = (FieldRun){
		.n = batch->n_rows,
		.base = data,
		.begin = c == 0 ? self->row_start : ends + c - 1,
		.end = ends + c,
		.begin_step = c == 0 ? 1 : n,
		.end_step = n,
		.skip = c > 0,
	};
	/* texts as they stand: the common case */
	if (!self->scan.has_quotes && !(c == n - 1 && self->scan.has_returns))
		return;
	for (int32_t r = 0; r < batch->n_rows; r++)
		field_text(run, r, &at[r], &length[r]);
	if (c == n - 1 && self->scan.has_returns)
		for (int32_t r = 0; r < batch->n_rows; r++)
			if (length[r] > 0 && at[r][length[r] - 1] == '\r')
				length[r]--;
	run->at = at;
	run->length = length;
	if (self->scan.has_quotes) {
		run->quoted = self->field_quoted;
		for (int32_t r = 0; r < batch->n_rows; r++) {
			self->field_quoted[r] = length[r] > 0 && at[r][0] == self->file->quote;
			if (self->field_quoted[r] && !unquote(batch->convert.arena, self->file->quote, &at[r], &length[r]))
				csv_fail(&batch->convert, r, str_make(at[r], length[r]), "its quotes are not as in RFC 4180");
		}
	}
}

static Batch *
leave_out_bad(Arena *arena, const Batch *in, const uint64_t *bad)
{
	uint32_t *keep = arena_alloc(arena, sizeof *keep * (size_t)in->n_rows);
	int32_t	  n = 0;

	for (int32_t i = 0; i < in->n_rows; i++)
		if (!bitmap_get(bad, i))
			keep[n++] = (uint32_t)i;
	return n > 0 ? batch_select(arena, in, keep, n) : NULL;
}

/* No column is wanted: rows are counted, and only looked at closer where the counts don't fit. */
static bool
count_rows(FileSource *self, FilePart *part)
{
	FileBuffer *b = &part->buffer;
	size_t		length = b->length;
	int64_t		lines, delimiters, blank;

	if (part->end - b->base < (int64_t)length)
		return false;
	while (length > b->pos && b->data[length - 1] != '\n')
		length--;
	if (length == b->pos || self->file->n_columns < 2)
		return false;
	if (!csv_count(b->data + b->pos, length - b->pos, self->file->delimiter, self->file->quote, &lines, &delimiters, &blank))
		return false;
	if (blank != 0 || delimiters != lines * (self->file->n_columns - 1))
		return false;
	part->count_left = lines;
	part->count_end = length;
	return true;
}

Status
csv_read_rows(FileSource *self, FilePart *part, int32_t max_rows, Arena *arena, Batch **out, Error *err)
{
	FileBuffer		 *b = &part->buffer;
	CsvScan			 *scan = &self->scan;
	const SourceSpec *spec = self->base.spec;
	uint32_t		  n = (uint32_t)self->file->n_columns;
	int32_t			  n_rows;
	size_t			  consumed;
	CsvBatch		  batch;

	*out = NULL;
	if (spec->n_columns == 0 && part->count_left == 0 && b->pos < b->length)
		count_rows(self, part);
	if (part->count_left > 0) {
		n_rows = part->count_left < max_rows ? (int32_t)part->count_left : max_rows;
		part->count_left -= n_rows;
		if (part->count_left == 0)
			part_take(part, part->count_end);
		*out = batch_new(arena, 0, n_rows);
		part_finish_batch(self, part, arena, *out, NULL);
		return OK;
	}
	scan->capacity_lines = (uint32_t)max_rows;
	csv_scan(scan, b->data, b->pos, b->length);
	if (scan->is_irregular)
		csv_scan_careful(scan, b->data, b->pos, b->length);
	if (scan->n_lines == 0) {
		bool is_full = scan->n_ends >= scan->capacity_ends;

		if (is_full || b->length - b->pos > ROW_BYTES_MAX ||
			(b->at_end && b->pos < b->length && b->data[b->length - 1] == '\n' && !self->file->follow))
			return skip_endless_row(self, part, err);
		return OK;
	}
	batch = (CsvBatch){
		.convert = {.arena = arena, .is_ascii = !scan->has_high, .is_utf8 = !scan->has_high, .date_order = self->file->date_order, .fail = csv_fail},
		.source = self,
		.part = part,
		.err = err,
	};
	if (self->file->null_text != NULL) {
		batch.convert.null_text = str_of(self->file->null_text);
		batch.convert.has_null_text = true;
	}
	n_rows = scan->n_lines < (uint32_t)max_rows ? (int32_t)scan->n_lines : max_rows;
	if (rows_are_regular(self, part, (uint32_t)n_rows)) {
		/* rows that begin behind the end of the range belong to the next reader */
		while (n_rows > 0 && part_offset(part, self->row_start[n_rows - 1]) >= part->end)
			n_rows--;
		batch.ends = scan->ends;
		consumed = n_rows > 0 ? scan->ends[(uint32_t)n_rows * n - 1] + 1 : b->pos;
	} else {
		TRY(sort_out_rows(self, part, max_rows, &n_rows, &consumed, err));
		batch.ends = self->row_ends;
	}
	if (n_rows == 0) {
		part_take(part, consumed);
		return OK;
	}
	if (scan->has_high)
		batch.convert.is_utf8 = text_is_utf8(b->data + b->pos, consumed - b->pos);
	batch.n_rows = n_rows;

	Batch *rows = batch_new(arena, spec->n_columns, n_rows);

	for (int c = 0; c < spec->n_columns; c++) {
		FieldRun	run;
		const Type *type = spec->columns[c].type;
		Vector	   *v;

		batch.column = source_column(spec, c);
		batch.type = type;
		if (type_is_nested(type)) {
			v = vector_new(arena, type, n_rows);
		} else {
			v = arena_new(arena, Vector);
			v->type = type;
			v->n_rows = v->capacity = n_rows;
			v->data = arena_alloc(arena, (size_t)type_width(type) * (size_t)n_rows);
		}
		gather_fields(&batch, &run);
		csv_convert(&batch.convert, &run, v);
		if (batch.status != OK)
			return batch.status;
		rows->columns[c] = v;
	}
	part_finish_batch(self, part, arena, rows, self->row_start);
	*out = batch.bad != NULL ? leave_out_bad(arena, rows, batch.bad) : rows;
	part_take(part, consumed);
	return OK;
}
