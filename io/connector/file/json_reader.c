/* JSON lines to batches: one object a line, only the wanted fields converted. */
#include "io/connector/file/file_impl.h"
#include "io/connector/file/json_shape.h"

Status
json_reader_open(FileSource *self, Arena *arena, Error *err)
{
	(void)err;
	self->plan = json_plan_record(arena, self->file->columns, self->file->n_columns);
	self->shapes = json_shapes_new(arena, self->file->columns, self->file->n_columns);
	self->json_columns = arena_array(arena, Vector *, self->file->n_columns + 1);
	self->row_start = arena_alloc(arena, sizeof(uint32_t) * (BATCH_ROWS + 1));
	return OK;
}

static bool
is_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	return p == end;
}

/* The line must end as an object, even where its middle is not looked at. */
static bool
ends_as_object(const char *p, const char *end)
{
	while (end > p && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	return end > p && end[-1] == '}';
}

static Status
read_line(FileSource *self, Str line, Arena *arena, int32_t row, bool is_lazy, Error *err)
{
	JsonReader reader = {
		.cursor = {line.data, line.data + line.length, line.data},
		.arena = arena,
		.is_lenient = true,
		.from_text = true,
		.is_lazy = is_lazy,
	};

	TRY(json_decode_record(&reader, self->plan, self->json_columns, row, err));
	if (reader.has_stopped) {
		if (!ends_as_object(reader.cursor.p, reader.cursor.end))
			return error_data(err, "Not valid JSON: the line does not end as an object");
	} else if (json_skip_space(&reader.cursor) != '\0' || reader.cursor.p != reader.cursor.end) {
		return error_data(err, "Not valid JSON: something follows the object at byte %zu", (size_t)(reader.cursor.p - reader.cursor.start));
	}
	return OK;
}

Status
json_read_rows(FileSource *self, FilePart *part, int32_t max_rows, Arena *arena, Batch **out, Error *err)
{
	FileBuffer		 *b = &part->buffer;
	const SourceSpec *spec = self->base.spec;
	Batch			 *rows = batch_new(arena, spec->n_columns, max_rows);
	size_t			  at = b->pos;
	int32_t			  n = 0;
	bool			  is_lazy = spec->n_columns > 0;
	JsonShapes		 *shapes = is_lazy ? self->shapes : NULL;
	const char		 *last_newline = NULL;
	bool			  by_shape = shapes != NULL;	/* every row so far */

	*out = NULL;
	for (int i = 0; i < self->file->n_columns; i++)
		self->json_columns[i] = NULL;
	for (int c = 0; c < spec->n_columns; c++) {
		Vector *v = vector_new(arena, spec->columns[c].type, max_rows);

		self->json_columns[source_column(spec, c)] = v;
		rows->columns[c] = v;
	}
	if (shapes != NULL) {
		json_shapes_bind(shapes, self->json_columns, arena);
		last_newline = memrchr(b->data + at, '\n', b->length - at);
	}
	while (n < max_rows && part_offset(part, at) < part->end) {
		const char *end;

		if (last_newline != NULL && json_shapes_read(shapes, b->data + at, last_newline, n, &end)) {
			self->row_start[n++] = (uint32_t)at;
			at = (size_t)(end - b->data) + 1;
			continue;
		}

		size_t newline = find_newline(b->data, at, b->length);
		Str	   line = str_make(b->data + at, newline - at);
		Error  reason;

		if (newline >= b->length)
			break;
		if (spec->n_columns == 0 && line.length > 0 && line.data[0] == '{' && ends_as_object(line.data, line.data + line.length)) {
			self->row_start[n++] = (uint32_t)at;
		} else if (!is_blank(line.data, line.data + line.length)) {
			reason.message[0] = '\0';
			if (read_line(self, line, arena, n, is_lazy, &reason) == OK) {
				self->row_start[n++] = (uint32_t)at;
				by_shape = false;
				if (shapes != NULL)
					json_shapes_learn(shapes, line);
			} else {
				TRY(part_bad_row(self, part, at, line, err, "%s", reason.message));
			}
		}
		at = newline + 1;
	}
	part_take(part, at);
	if (n == 0) {
		if (b->length - b->pos > ROW_BYTES_MAX)
			return error_fatal(err, "A line of '%s' is longer than %zu MiB: this is not a file of JSON lines", self->paths[part->file],
							   ROW_BYTES_MAX >> 20);
		return OK;
	}
	for (int c = 0; c < spec->n_columns; c++) {
		Vector *v = (Vector *)rows->columns[c];

		vector_cut(v, n);
		v->is_ascii = by_shape && v->type->kind == TYPE_STRING && json_shapes_all_ascii(shapes);
	}
	rows->n_rows = n;
	part_finish_batch(self, part, arena, rows, self->row_start);
	*out = rows;
	return OK;
}
