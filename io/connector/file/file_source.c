/*
 * Files as a source: which files, which ranges of them, and the loop that keeps the buffer full.
 *
 * Large plain files of a bounded query are cut into ranges for several readers.  A range owns the rows that begin in it;
 * its reader finds the first one by looking for a line end (csv_align).  As a line end within quotes can deceive it, the
 * reader of the range before compares where its last row ended (range_check), and the query fails if they differ: better no
 * answer than a wrong one.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/connector/file/file_impl.h"
#include "io/connector/file/json_shape.h"
#include "io/connector/file/path_source.h"
#include "io/http.h"

#define BUFFER_BYTES ((size_t)512 << 10)
#define LEAST_BUFFER_BYTES ((size_t)64 << 10)	/* where memory is so little that a sixteenth of it is less */
#define RANGE_BYTES_MIN (INT64_C(2) << 20)
#define RANGE_BYTES_MAX (INT64_C(32) << 20)
#define FOLLOW_ROOM 256		/* files that may join while a glob is followed */
#define GLOB_NANOS INT64_C(500000000)

/* ---- rows and their places ---- */

void
part_take(FilePart *part, size_t to)
{
	if (part->input.is_stream)
		part->lines_taken += count_newlines(part->buffer.data + part->buffer.pos, to - part->buffer.pos);
	part->buffer.pos = to;
}

/* The number of the line that begins at a place in the buffer, from 1. */
static int64_t
part_line(FileSource *self, FilePart *part, size_t at)
{
	int64_t	  offset = part_offset(part, at);
	ByteInput input;
	char	 *block;
	Error	  ignored;

	if (part->input.is_stream)
		return part->lines_taken + count_newlines(part->buffer.data + part->buffer.pos, at - part->buffer.pos) + 1;
	if (offset < part->line_offset)
		part->line_offset = part->line_count = 0;
	if (byte_input_open(&input, self->file->access, self->paths[part->file], COMPRESSION_NONE, &ignored) != OK)
		return 0;
	block = xmalloc(FILE_BLOCK);
	input.offset = part->line_offset;
	while (part->line_offset < offset) {
		size_t want = FILE_BLOCK, got;

		if ((int64_t)want > offset - part->line_offset)
			want = (size_t)(offset - part->line_offset);
		if (byte_input_read(&input, block, want, &got, self->paths[part->file], &ignored) != OK || got == 0)
			break;
		part->line_count += count_newlines(block, got);
		part->line_offset += (int64_t)got;
	}
	free(block);
	byte_input_close(&input);
	return part->line_count + 1;
}

Status
part_bad_row(FileSource *self, FilePart *part, size_t at, Str row, Error *err, const char *format, ...)
{
	char	place[4200];
	char	reason[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	snprintf(place, sizeof place, "%s:%lld", self->paths[part->file], (long long)part_line(self, part, at));
	if (self->file->strict) {
		error_data(err, "%s: %s", place, reason);
		return error_hint(err, "Without STRICT=true such rows are left out and counted");
	}
	source_report(&self->base, place, part->file, part_offset(part, at), reason, row);
	return OK;
}

void
part_finish_batch(FileSource *self, FilePart *part, Arena *arena, Batch *batch, const uint32_t *row_start)
{
	int number = (int)(part - self->parts);

	if (self->filled_for != number) {
		for (int i = 0; i < BATCH_ROWS; i++) {
			self->event_time[i] = part->time;
			self->partition_numbers[i] = part->file;
		}
		self->filled_for = number;
	}
	batch->event_time = self->event_time;
	batch->partition = self->partition_numbers;
	if (row_start != NULL) {
		int64_t *offset = arena_alloc(arena, sizeof *offset * (size_t)(batch->n_rows + 1));

		for (int32_t i = 0; i < batch->n_rows; i++)
			offset[i] = part->buffer.base + row_start[i];
		batch->offset = offset;
	}
}

/* ---- parts ---- */

/* Charges what the part's buffers hold: the window grows to the longest row. */
static Status
part_charge(FileSource *self, FilePart *part, Error *err)
{
	int64_t bytes = (int64_t)part->buffer.capacity + (self->compression != COMPRESSION_NONE ? (int64_t)FILE_BLOCK : 0), before = part->held;

	part->held = bytes;
	return source_charge(&self->base, bytes - before, err);
}

static Status
part_fill(FileSource *self, FilePart *part, Error *err)
{
	int64_t before = part->input.compressed;
	Status	status = file_buffer_fill(&part->buffer, &part->input, self->paths[part->file], err);

	self->base.bytes_read += part->input.compressed - before;
	return status == FAILED ? FAILED : part_charge(self, part, err);
}

/* Two neighbouring ranges must agree on where the row between them begins; whoever comes second compares. */
static Status
range_check(FileSource *self, int before, Error *err)
{
	const FilePart *part = &self->parts[before];
	int64_t			ended = self->meetings[before].behind_last, began;

	if (before + 1 >= self->base.n_partitions || self->parts[before + 1].file != part->file || part->end == INT64_MAX)
		return OK;
	began = self->meetings[before + 1].first_row;
	if (ended < 0 || began < 0 || ended == began)
		return OK;
	error_fatal(err, "'%s' cannot be read in parallel: a quoted field with line ends near byte %lld looks like rows",
				self->paths[part->file], (long long)part->end);
	return error_hint(err, "Use --threads 1 for this file");
}

static void
part_close(FileSource *self, FilePart *part)
{
	source_charge(&self->base, -part->held, NULL);
	part->held = 0;
	byte_input_close(&part->input);
	file_buffer_free(&part->buffer);
	part->is_open = false;
}

static int64_t
file_position(const Source *source, int32_t number)
{
	const FilePart *part = &((const FileSource *)source)->parts[number];

	if (!part->is_open)
		return part->seek_to >= 0 ? part->seek_to : part->start;

	int64_t offset = part_offset(part, part->buffer.pos);

	return part->buffer.has_virtual_end && part->buffer.pos == part->buffer.length ? offset - 1 : offset;
}

static Status
part_end(FileSource *self, int number, Error *err)
{
	FilePart *part = &self->parts[number];

	/* What was read stays read: a continuous query commits this position and goes on from it after a restart. */
	part->seek_to = file_position(&self->base, number);
	if (part->is_open && part->end != INT64_MAX) {
		self->meetings[number].behind_last = part_offset(part, part->buffer.pos);
		part_close(self, part);
		part->is_done = true;
		TRY(range_check(self, number, err));
	} else {
		part_close(self, part);
		part->is_done = true;
	}
	return DONE;
}

static size_t
buffer_bytes(const FileSource *self)
{
	const MemoryBudget *limit = budget_in_force(self->base.budget);
	size_t				share = limit != NULL && limit->limit_bytes > 0 ? (size_t)limit->limit_bytes / 16 : BUFFER_BYTES;

	return share > BUFFER_BYTES ? BUFFER_BYTES : share < LEAST_BUFFER_BYTES ? LEAST_BUFFER_BYTES : share;
}

static Status
part_open(FileSource *self, int number, Error *err)
{
	FilePart   *part = &self->parts[number];
	const char *path = self->paths[part->file];
	int64_t		from = part->seek_to >= 0 ? part->seek_to : part->start > 0 ? part->start - 1 : 0;
	struct stat st;

	TRY(byte_input_open(&part->input, self->file->access, path, self->compression, err));
	file_buffer_init(&part->buffer, buffer_bytes(self));
	part->is_open = true;
	part->lines_taken = 0;
	part->skip_lines = from == 0 ? self->file->skip_lines : 0;
	part->skip_header = from == 0 && self->file->has_header && !self->is_json;
	part->count_left = 0;
	if (fstat(part->input.fd, &st) == 0 && S_ISREG(st.st_mode))
		part->time = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	else
		part->time = self->context.env != NULL ? env_now(self->context.env) : 0;
	self->filled_for = -1;
	if (from > 0)
		TRY(byte_input_seek(&part->input, from, path, err));
	part->buffer.base = from;
	if (part->seek_to < 0 && part->start > 0) {
		TRY(part_fill(self, part, err));
		TRY(csv_align(self, part, err));
		self->meetings[number].first_row = part_offset(part, part->buffer.pos);
		if (number > 0)
			TRY(range_check(self, number - 1, err));
	}
	return OK;
}

/* Takes the byte order mark, the lines that are left out and the header.  DONE: more bytes are needed. */
static Status
part_begin(FileSource *self, FilePart *part, Error *err)
{
	FileBuffer *b = &part->buffer;
	CsvScan	   *scan = &self->scan;

	if (b->base == 0 && b->pos == 0 && b->length >= 3 && memcmp(b->data, "\xef\xbb\xbf", 3) == 0)
		b->pos = 3;
	for (; part->skip_lines > 0; part->skip_lines--) {
		const char *line_end = memchr(b->data + b->pos, '\n', b->length - b->pos);

		if (line_end == NULL)
			return DONE;
		part_take(part, (size_t)(line_end - b->data) + 1);
	}
	if (!part->skip_header)
		return OK;
	scan->capacity_lines = 1;
	csv_scan(scan, b->data, b->pos, b->length);
	if (scan->is_irregular)
		csv_scan_careful(scan, b->data, b->pos, b->length);
	if (scan->n_lines == 0)
		return DONE;

	uint32_t e = 0, end;

	while (b->data[scan->ends[e]] != '\n')
		e++;
	end = scan->ends[e];
	TRY(csv_check_header(self, part, str_make(b->data + b->pos, end - b->pos), err));
	part_take(part, end + 1);
	part->skip_header = false;
	return OK;
}

/* FOLLOW of a glob: gives new files the free parts. */
static void
follow_glob(FileSource *self)
{
	Nanos	now = nanos_now();
	Arena	scratch = {0};
	char  **paths;
	int		n;

	if (now < self->next_glob)
		return;
	self->next_glob = now + GLOB_NANOS;
	n = file_glob_new(&scratch, self->file->access, self->file->path, self->paths, self->n_used, &paths);
	for (int i = 0; i < n && self->n_used < self->base.n_partitions; i++)
		self->paths[self->n_used++] = xstrdup(paths[i]);
	arena_free(&scratch);
}

static Status
file_read(Source *source, int32_t number, int32_t max_rows, Arena *arena, Batch **out, Error *err)
{
	FileSource *self = (FileSource *)source;
	FilePart   *part = &self->parts[number];
	bool		has_asked = false;

	*out = NULL;
	if (part->is_done)
		return DONE;
	if (max_rows > BATCH_ROWS)
		max_rows = BATCH_ROWS;
	if (part->file >= self->n_used) {
		follow_glob(self);
		if (part->file >= self->n_used)
			return OK;
	}
	if (!part->is_open)
		TRY(part_open(self, number, err));
	for (;;) {
		FileBuffer *b = &part->buffer;
		size_t		before = b->pos;
		Status		status;

		if (part_offset(part, b->pos) >= part->end)
			return part_end(self, number, err);
		status = part_begin(self, part, err);
		if (status == FAILED)
			return FAILED;
		if (status == OK) {
			TRY(self->is_json ? json_read_rows(self, part, max_rows, arena, out, err)
							  : csv_read_rows(self, part, max_rows, arena, out, err));
			if (*out != NULL)
				return OK;
		}
		if (b->pos != before)
			continue;
		if (!b->at_end) {
			TRY(part_fill(self, part, err));
		} else if (self->file->follow) {
			if (has_asked)
				return OK;
			has_asked = true;
			TRY(part_fill(self, part, err));
		} else if (b->pos < b->length && !b->has_virtual_end && b->data[b->length - 1] != '\n') {
			file_buffer_close_line(b);
		} else {
			return part_end(self, number, err);
		}
	}
}

static Status
file_seek(Source *source, int32_t number, int64_t position, Error *err)
{
	FilePart *part = &((FileSource *)source)->parts[number];

	(void)err;
	if (part->is_open)
		part_close((FileSource *)source, part);
	part->is_done = false;
	part->seek_to = position;
	return OK;
}

static void
file_progress(const Source *source, int64_t *done, int64_t *all)
{
	const FileSource *self = (const FileSource *)source;

	*done = source->bytes_read < self->total_bytes ? source->bytes_read : self->total_bytes;
	*all = self->total_bytes;
}

static void
file_close(Source *source)
{
	FileSource *self = (FileSource *)source;

	for (int i = 0; i < source->n_partitions; i++)
		if (self->parts[i].is_open)
			part_close(self, &self->parts[i]);
	json_shapes_free(self->shapes);
	if (self->original == self)
		for (int i = self->n_paths; i < self->n_used; i++)
			free(self->paths[i]);
}

static const SourceType file_source = {
	.name = "file",
	.read = file_read,
	.position = file_position,
	.seek = file_seek,
	.progress = file_progress,
	.close = file_close,
};

/* ---- opening ---- */

static Status
reader_open(FileSource *self, Arena *arena, Error *err)
{
	self->event_time = arena_alloc(arena, sizeof(int64_t) * BATCH_ROWS);
	self->partition_numbers = arena_alloc(arena, sizeof(int32_t) * BATCH_ROWS);
	self->filled_for = -1;
	return self->is_json ? json_reader_open(self, arena, err) : csv_reader_open(self, arena, err);
}

static int64_t
range_bytes(const FileSource *self, int64_t size)
{
	int64_t range = size / ((int64_t)self->context.n_threads * 4);

	return range < RANGE_BYTES_MIN ? RANGE_BYTES_MIN : range > RANGE_BYTES_MAX ? RANGE_BYTES_MAX : range;
}

/* Cuts the files into parts. */
static Status
plan_parts(FileSource *self, Arena *arena, Error *err)
{
	bool	 can_split = self->context.is_bounded && self->context.n_threads > 1 && self->compression == COMPRESSION_NONE && !self->file->follow;
	int		 n = 0, capacity = 0;
	FilePart *parts = NULL;

	for (int f = 0; f < self->n_paths; f++) {
		struct stat st = {0};
		int64_t		step = INT64_MAX;

		if (path_is_url(self->paths[f]))
			self->total_bytes = self->file->size_bytes;
		if (strcmp(self->paths[f], "-") != 0 && !path_is_url(self->paths[f])) {
			if (stat(self->paths[f], &st) != 0) {
				free(parts);
				return error_user(err, errno == ENOENT ? "The file '%s' does not exist" : "The file '%s' cannot be read", self->paths[f]);
			}
			if (S_ISREG(st.st_mode)) {
				self->total_bytes += st.st_size;
				if (can_split && st.st_size >= 2 * RANGE_BYTES_MIN)
					step = range_bytes(self, st.st_size);
			}
		}
		for (int64_t start = 0;; start += step) {
			bool is_last = step == INT64_MAX || st.st_size - start <= step + step / 2;

			grow_array(parts, n, capacity);
			parts[n++] = (FilePart){.file = f, .start = start, .end = is_last ? INT64_MAX : start + step, .seek_to = -1};
			if (is_last)
				break;
		}
	}
	self->base.n_partitions = n + (self->file->follow && path_is_open(self->file->path) ? FOLLOW_ROOM : 0);
	self->parts = arena_array(arena, FilePart, self->base.n_partitions);
	memcpy(self->parts, parts, sizeof *parts * (size_t)n);
	free(parts);
	for (int i = n; i < self->base.n_partitions; i++)
		self->parts[i] = (FilePart){.file = i, .end = INT64_MAX, .seek_to = -1};
	self->meetings = arena_array(arena, FileMeeting, self->base.n_partitions);
	for (int i = 0; i < self->base.n_partitions; i++)
		self->meetings[i].first_row = self->meetings[i].behind_last = -1;
	return OK;
}

Status
text_source_open(Arena *arena, const SourceSpec *spec, const SourceContext *context, Source **out, Error *err)
{
	FileSource	   *self = arena_new(arena, FileSource);
	const FileSpec *file = spec->file;
	char		  **paths;

	self->context = *context;
	self->file = file;
	self->original = self;
	self->base = (Source){.type = &file_source, .spec = spec, .bad_records = context->bad_records, .budget = context->budget};
	if (file->format == NULL)
		return error_bug(err, "The file '%s' was not described", file->path);
	self->is_json = str_equal_nocase(str_of(file->format), STR("JSON"));
	if (!self->is_json && !str_equal_nocase(str_of(file->format), STR("CSV")))
		return error_unsupported(err, "Files of format %s cannot be read yet ('%s')", file->format, file->path);
	if (file->compression != NULL)
		self->compression = str_equal_nocase(str_of(file->compression), STR("gzip")) ? COMPRESSION_GZIP : COMPRESSION_ZSTD;
	TRY(file_spec_paths(arena, file, &paths, &self->n_paths, err));
	self->n_used = self->n_paths;
	self->paths = arena_array(arena, char *, self->n_paths + FOLLOW_ROOM);
	memcpy(self->paths, paths, sizeof(char *) * (size_t)self->n_paths);
	TRY(plan_parts(self, arena, err));
	TRY(reader_open(self, arena, err));
	*out = &self->base;
	return OK;
}

Status
text_source_clone(Arena *arena, Source *source, Source **out, Error *err)
{
	FileSource *from = (FileSource *)source;
	FileSource *self = arena_memdup(arena, from, sizeof *from);

	self->base.n_bad = 0;
	self->base.bytes_read = self->base.held_bytes = 0;
	self->parts = arena_array(arena, FilePart, source->n_partitions);
	for (int i = 0; i < source->n_partitions; i++)
		self->parts[i] = (FilePart){.file = from->parts[i].file, .start = from->parts[i].start, .end = from->parts[i].end, .seek_to = -1};
	TRY(reader_open(self, arena, err));
	*out = &self->base;
	return OK;
}

const char *
text_source_path(const Source *source, int file)
{
	const FileSource *self = (const FileSource *)source;

	return file < self->n_used ? self->paths[file] : NULL;
}
