#include "shell/print/printer.h"
#include "shell/print/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#define HELD_ROWS 1000			/* rows that a table looks at to choose its widths */
#define MAX_CELL 60				/* columns of a cell on a terminal, while other columns need room */
#define PROGRESS_AFTER_NS INT64_C(1000000000)

bool
output_mode_parse(const char *name, OutputMode *out)
{
	static const char *const names[] = {"table", "vertical", "csv", "json", "markdown"};

	for (int i = 0; i < 5; i++)
		if (strcasecmp(names[i], name) == 0) {
			*out = (OutputMode)i;
			return true;
		}
	return false;
}

int
text_width(Str text)
{
	int		width = 0;
	size_t	at = 0;

	while (at < text.length) {
		utf8proc_int32_t c;
		utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text.data + at, (utf8proc_ssize_t)(text.length - at), &c);

		if (n <= 0) {
			n = 1;
			c = ' ';
		}
		width += c < 0x80 ? 1 : utf8proc_charwidth(c);
		at += (size_t)n;
	}
	return width;
}

/* ---- cells ---- */

void
text_print_on_line(Str text, StrBuf *out)
{
	for (size_t i = 0; i < text.length; i++)
		switch (text.data[i]) {
		case '\n':
			strbuf_add_text(out, "\\n");
			break;
		case '\r':
			strbuf_add_text(out, "\\r");
			break;
		case '\t':
			strbuf_add_text(out, "\\t");
			break;
		default:
			strbuf_add_char(out, text.data[i]);
		}
}

static char *
cell_text(Printer *p, const Batch *rows, int32_t row, int c)
{
	StrBuf raw = {0}, clean = {0};
	Value  value = vector_get(rows->columns[c], row, &p->arena);
	char  *text;

	value_print(&value, false, &raw);
	text_print_on_line(strbuf_str(&raw), &clean);
	text = arena_strdup(&p->arena, strbuf_text(&clean));
	strbuf_free(&raw);
	strbuf_free(&clean);
	return text;
}

/* A change that says that a row of a table is gone. */
static bool
is_deleted(const Printer *p, const Batch *rows, int32_t row)
{
	return p->is_table && row_kind_is_null(batch_row_kind(rows, row));
}

/* Of such a row only the key stands; the mark is in the first column that has nothing to show. */
static bool
is_gone(const Printer *p, const Batch *rows, int32_t row, int c)
{
	return (p->schema->n_key > 0 && c >= p->schema->n_key) || !vector_is_valid(rows->columns[c], row);
}

static char *
deleted_cell(Printer *p, const Batch *rows, int32_t row, int c)
{
	int first = 0;

	while (first < p->n_columns && !is_gone(p, rows, row, first))
		first++;
	if (first == p->n_columns && c == first - 1)
		return arena_printf(&p->arena, "%s (deleted)", cell_text(p, rows, row, c));
	if (is_gone(p, rows, row, c))
		return arena_strdup(&p->arena, c == first ? "(deleted)" : "");
	return cell_text(p, rows, row, c);
}

static char *
row_cell(Printer *p, const Batch *rows, int32_t row, int c)
{
	return is_deleted(p, rows, row) ? deleted_cell(p, rows, row, c) : cell_text(p, rows, row, c);
}

static bool
is_right_aligned(const Type *type)
{
	return type_is_number(type);
}

static void
print_padded(Printer *p, const char *text, int width, bool right)
{
	int missing = width - text_width(str_of(text));

	if (right && missing > 0)
		strbuf_add_repeat(&p->line, ' ', (size_t)missing);
	strbuf_add_text(&p->line, text);
	if (!right && missing > 0)
		strbuf_add_repeat(&p->line, ' ', (size_t)missing);
}

static void
flush_line(Printer *p)
{
	/* No blanks at the ends of lines. */
	while (p->line.length > 0 && p->line.data[p->line.length - 1] == ' ')
		p->line.data[--p->line.length] = '\0';
	strbuf_add_char(&p->line, '\n');
	fwrite(p->line.data, 1, p->line.length, p->out);
	strbuf_clear(&p->line);
}

/* ---- tables ---- */

static void
print_rule(Printer *p)
{
	for (int c = 0; c < p->n_columns; c++) {
		strbuf_add_text(&p->line, c > 0 ? "-+-" : "-");
		strbuf_add_repeat(&p->line, '-', (size_t)p->widths[c]);
	}
	strbuf_add_char(&p->line, '-');
	flush_line(p);
}

static void
print_table_row(Printer *p, const char *const *cells, bool is_header)
{
	for (int c = 0; c < p->n_columns; c++) {
		strbuf_add_text(&p->line, c > 0 ? " | " : " ");
		print_padded(p, cells[c], p->widths[c], p->schema != NULL && !is_header && is_right_aligned(p->schema->columns[c].type));
	}
	flush_line(p);
}

static void
print_table_header(Printer *p)
{
	const char **names = arena_array(&p->arena, const char *, p->n_columns + 1);

	p->header_printed = true;
	for (int c = 0; c < p->n_columns; c++)
		names[c] = p->schema->columns[c].name;
	if (!p->has_header)
		return;
	print_table_row(p, names, true);
	print_rule(p);
}

static void
release_held(Printer *p)
{
	if (p->header_printed)
		return;
	for (int c = 0; c < p->n_columns; c++) {
		p->widths[c] = p->has_header ? text_width(str_of(p->schema->columns[c].name)) : 1;
		for (int r = 0; r < p->n_held; r++) {
			int width = text_width(str_of(p->cells[r * p->n_columns + c]));

			if (width > p->widths[c])
				p->widths[c] = width;
		}
	}
	print_table_header(p);
	for (int r = 0; r < p->n_held; r++)
		print_table_row(p, (const char *const *)&p->cells[r * p->n_columns], false);
	p->n_held = 0;
}

static void
table_rows(Printer *p, const Batch *rows)
{
	for (int32_t i = 0; i < rows->n_rows; i++) {
		char **cells;

		if (p->header_printed)
			arena_reset(&p->arena);
		if (!p->header_printed && p->n_held == p->held_capacity) {
			p->held_capacity = p->held_capacity > 0 ? p->held_capacity * 2 : 64;
			p->cells = xrealloc(p->cells, sizeof *p->cells * (size_t)(p->held_capacity * (p->n_columns + 1)));
		}
		cells = p->header_printed ? p->cells : &p->cells[p->n_held * p->n_columns];
		for (int c = 0; c < p->n_columns; c++)
			cells[c] = row_cell(p, rows, i, c);
		if (p->header_printed)
			print_table_row(p, (const char *const *)cells, false);
		else if (++p->n_held >= HELD_ROWS)
			release_held(p);
	}
}

/* ---- the other modes ---- */

static void
vertical_rows(Printer *p, const Batch *rows)
{
	int width = 0;

	for (int c = 0; c < p->n_columns; c++)
		if (text_width(str_of(p->schema->columns[c].name)) > width)
			width = text_width(str_of(p->schema->columns[c].name));
	for (int32_t i = 0; i < rows->n_rows; i++) {
		arena_reset(&p->arena);
		strbuf_printf(&p->line, "-[ row %lld ]-", (long long)(p->n_rows + i + 1));
		flush_line(p);
		for (int c = 0; c < p->n_columns; c++) {
			print_padded(p, p->schema->columns[c].name, width, false);
			strbuf_add_text(&p->line, " | ");
			strbuf_add_text(&p->line, row_cell(p, rows, i, c));
			flush_line(p);
		}
	}
}

static void
add_csv(StrBuf *out, Str text)
{
	bool quotes = text.length == 0;

	for (size_t i = 0; i < text.length && !quotes; i++)
		quotes = text.data[i] == ',' || text.data[i] == '"' || text.data[i] == '\n' || text.data[i] == '\r';
	if (!quotes && text.length > 0 && (text.data[0] == ' ' || text.data[text.length - 1] == ' '))
		quotes = true;
	if (!quotes) {
		strbuf_add_str(out, text);
		return;
	}
	strbuf_add_char(out, '"');
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] == '"')
			strbuf_add_char(out, '"');
		strbuf_add_char(out, text.data[i]);
	}
	strbuf_add_char(out, '"');
}

static void
csv_header(Printer *p)
{
	if (p->header_printed || !p->has_header)
		return;
	p->header_printed = true;
	for (int c = 0; c < p->n_columns; c++) {
		if (c > 0)
			strbuf_add_char(&p->line, ',');
		add_csv(&p->line, str_of(p->schema->columns[c].name));
	}
	strbuf_add_char(&p->line, '\n');
	fwrite(p->line.data, 1, p->line.length, p->out);
	strbuf_clear(&p->line);
}

/* NULL is the empty field, an empty text is "". */
static void
csv_rows(Printer *p, const Batch *rows)
{
	StrBuf cell = {0};

	for (int32_t i = 0; i < rows->n_rows; i++) {
		for (int c = 0; c < p->n_columns; c++) {
			const Vector *v = rows->columns[c];

			if (c > 0)
				strbuf_add_char(&p->line, ',');
			if (!vector_is_valid(v, i))
				continue;
			Value value = vector_get(v, i, &p->arena);

			if (v->type->kind == TYPE_STRING)
				add_csv(&p->line, value.text);
			else if (type_is_nested(v->type)) {
				strbuf_clear(&cell);
				value_print(&value, false, &cell);
				add_csv(&p->line, strbuf_str(&cell));
			} else
				value_print(&value, false, &p->line);
		}
		strbuf_add_char(&p->line, '\n');
	}
	fwrite(p->line.data, 1, p->line.length, p->out);
	strbuf_clear(&p->line);
	arena_reset(&p->arena);
	strbuf_free(&cell);
}

static void
json_rows(Printer *p, const Batch *rows)
{
	for (int32_t i = 0; i < rows->n_rows; i++) {
		strbuf_add_char(&p->line, '{');
		for (int c = 0; c < p->n_columns; c++) {
			Value value = is_deleted(p, rows, i) && is_gone(p, rows, i, c) ? value_null(rows->columns[c]->type)
																		   : vector_get(rows->columns[c], i, &p->arena);
			Value name = value_text(type_string, str_of(p->schema->columns[c].name));

			if (c > 0)
				strbuf_add_char(&p->line, ',');
			value_print_json(&name, &p->line);
			strbuf_add_char(&p->line, ':');
			value_print_json(&value, &p->line);
		}
		strbuf_add_text(&p->line, is_deleted(p, rows, i) ? ",\"tombstone\":true}\n" : "}\n");
	}
	fwrite(p->line.data, 1, p->line.length, p->out);
	strbuf_clear(&p->line);
	arena_reset(&p->arena);
}

static void
markdown_header(Printer *p)
{
	if (p->header_printed)
		return;
	p->header_printed = true;
	for (int c = 0; c < p->n_columns; c++)
		strbuf_printf(&p->line, "| %s ", p->schema->columns[c].name);
	strbuf_add_char(&p->line, '|');
	flush_line(p);
	for (int c = 0; c < p->n_columns; c++)
		strbuf_add_text(&p->line, is_right_aligned(p->schema->columns[c].type) ? "|---:" : "|---");
	strbuf_add_char(&p->line, '|');
	flush_line(p);
}

static void
markdown_rows(Printer *p, const Batch *rows)
{
	for (int32_t i = 0; i < rows->n_rows; i++) {
		arena_reset(&p->arena);
		for (int c = 0; c < p->n_columns; c++) {
			strbuf_add_text(&p->line, "| ");
			for (const char *t = row_cell(p, rows, i, c); *t != '\0'; t++) {
				if (*t == '|')
					strbuf_add_char(&p->line, '\\');
				strbuf_add_char(&p->line, *t);
			}
			strbuf_add_char(&p->line, ' ');
		}
		strbuf_add_char(&p->line, '|');
		flush_line(p);
	}
}

/* ---- the sink ---- */

static void
clear_progress(Printer *p)
{
	if (!p->progress_shown)
		return;
	fputs("\r\033[K", p->notes);
	fflush(p->notes);
	p->progress_shown = false;
}

static Status
printer_begin(ResultSink *sink, const ResultHeader *header, Error *err)
{
	Printer *p = (Printer *)sink;

	(void)err;
	arena_reset(&p->arena);
	p->schema = header->schema;
	p->n_columns = header->schema->n_columns;
	p->is_table = header->is_table;
	p->is_continuous = header->is_continuous;
	p->n_rows = 0;
	p->n_held = 0;
	p->header_printed = false;
	p->started = nanos_now();
	p->widths = xrealloc(p->widths, sizeof *p->widths * (size_t)(p->n_columns + 1));
	free(p->cells);
	p->held_capacity = 1;
	p->cells = xmalloc(sizeof *p->cells * (size_t)(p->n_columns + 1));
	if (header->note != NULL && p->is_terminal)
		fprintf(p->notes, "%s\n", header->note);
	if (header->is_continuous && p->is_terminal)
		fprintf(p->notes, "Press CTRL-C to stop.\n");
	return OK;
}

static Status
printer_rows(ResultSink *sink, const Batch *rows, Error *err)
{
	Printer *p = (Printer *)sink;

	clear_progress(p);
	switch (p->mode) {
	case OUTPUT_TABLE:
		table_rows(p, rows);
		if (p->is_continuous)
			release_held(p);
		break;
	case OUTPUT_VERTICAL:
		vertical_rows(p, rows);
		break;
	case OUTPUT_CSV:
		csv_header(p);
		csv_rows(p, rows);
		break;
	case OUTPUT_JSON:
		json_rows(p, rows);
		break;
	case OUTPUT_MARKDOWN:
		markdown_header(p);
		markdown_rows(p, rows);
		break;
	}
	p->n_rows += rows->n_rows;
	if (p->is_continuous)
		fflush(p->out);
	if (ferror(p->out))
		return error_fatal(err, "Cannot write the result: %s", strerror(errno));
	return OK;
}

static void
print_warnings(Printer *p, const ResultEnd *end)
{
	if (end->bad_rows > 0 || end->bad_example != NULL)
		fprintf(p->notes, "Warning: %lld row%s could not be read or computed%s%s\n",
				(long long)(end->bad_rows + end->failed_rows > 0 ? end->bad_rows + end->failed_rows : 1),
				end->bad_rows + end->failed_rows == 1 ? "" : "s", end->bad_example != NULL ? "; the first: " : "",
				end->bad_example != NULL ? end->bad_example : "");
	if (end->late_rows > 0)
		fprintf(p->notes, "Warning: %lld row%s came too late for %s window and left out\n", (long long)end->late_rows,
				end->late_rows == 1 ? "" : "s", end->late_rows == 1 ? "its" : "their");
}

static void
printer_end(ResultSink *sink, const ResultEnd *end)
{
	Printer *p = (Printer *)sink;

	clear_progress(p);
	if (p->mode == OUTPUT_TABLE) {
		release_held(p);
		if (p->is_terminal || p->has_header)
			fprintf(p->out, "(%lld row%s)\n", (long long)end->n_rows, end->n_rows == 1 ? "" : "s");
	}
	if (p->mode == OUTPUT_CSV)
		csv_header(p);
	if (p->mode == OUTPUT_MARKDOWN)
		markdown_header(p);
	fflush(p->out);
	print_warnings(p, end);
	if (p->shows_timing)
		fprintf(p->notes, "Time: %.3f s\n", end->seconds);
	p->schema = NULL;
}

/* ---- entities and messages ---- */

static void
print_entity_table(Printer *p, const LayoutTable *table)
{
	int n = table->n_columns;

	if (table->title != NULL)
		fprintf(p->out, "\n%s\n", table->title);
	if (p->mode == OUTPUT_CSV) {
		for (int r = -1; r < table->n_rows; r++) {
			if (r < 0 && !p->has_header)
				continue;
			for (int c = 0; c < n; c++) {
				const char *cell = r < 0 ? table->columns[c] : table->cells[r * n + c];

				if (c > 0)
					strbuf_add_char(&p->line, ',');
				if (cell != NULL && cell[0] != '\0')
					add_csv(&p->line, str_of(cell));
			}
			strbuf_add_char(&p->line, '\n');
			fwrite(p->line.data, 1, p->line.length, p->out);
			strbuf_clear(&p->line);
		}
		return;
	}
	if (p->mode == OUTPUT_JSON) {
		for (int r = 0; r < table->n_rows; r++) {
			strbuf_add_char(&p->line, '{');
			for (int c = 0; c < n; c++) {
				Value name = value_text(type_string, str_of(table->columns[c]));
				const char *cell = table->cells[r * n + c];
				Value value = cell != NULL ? value_text(type_string, str_of(cell)) : value_null(type_string);

				if (c > 0)
					strbuf_add_char(&p->line, ',');
				value_print_json(&name, &p->line);
				strbuf_add_char(&p->line, ':');
				value_print_json(&value, &p->line);
			}
			strbuf_add_char(&p->line, '}');
			flush_line(p);
		}
		return;
	}
	p->n_columns = n;
	p->schema = NULL;
	p->widths = xrealloc(p->widths, sizeof *p->widths * (size_t)(n + 1));
	for (int c = 0; c < n; c++) {
		p->widths[c] = text_width(str_of(table->columns[c]));
		for (int r = 0; r < table->n_rows; r++) {
			const char *cell = table->cells[r * n + c];
			int			width = cell != NULL ? text_width(str_of(cell)) : 0;

			if (width > p->widths[c])
				p->widths[c] = width;
		}
	}
	print_table_row(p, (const char *const *)table->columns, true);
	print_rule(p);
	for (int r = 0; r < table->n_rows; r++) {
		const char **cells = arena_array(&p->arena, const char *, n + 1);

		for (int c = 0; c < n; c++) {
			StrBuf clean = {0};

			text_print_on_line(str_of(table->cells[r * n + c] != NULL ? table->cells[r * n + c] : ""), &clean);
			cells[c] = arena_strdup(&p->arena, strbuf_text(&clean));
			strbuf_free(&clean);
		}
		print_table_row(p, cells, true);
	}
}

static void
print_layout(Printer *p, const Layout *layout)
{
	int width = 0;

	for (int i = 0; i < layout->n_fields; i++)
		if (layout->fields[i].value != NULL && (int)strlen(layout->fields[i].name) > width)
			width = (int)strlen(layout->fields[i].name);
	for (int i = 0; i < layout->n_fields && p->mode != OUTPUT_CSV && p->mode != OUTPUT_JSON; i++)
		if (layout->fields[i].value != NULL)
			fprintf(p->out, "%-*s : %s\n", width, layout->fields[i].name, layout->fields[i].value);
	for (int i = 0; i < layout->n_tables; i++)
		print_entity_table(p, &layout->tables[i]);
	if (layout->text != NULL)
		fputs(layout->text, p->out);
	fflush(p->out);
}

static void
printer_message(ResultSink *sink, const char *text, bool is_warning)
{
	Printer *p = (Printer *)sink;

	if (is_warning)
		fprintf(p->notes, "Warning: %s\n", text);
	else if (!p->is_quiet) {
		fprintf(p->out, "%s\n", text);
		fflush(p->out);
	}
}

static void
printer_entity(ResultSink *sink, const Entity *entity)
{
	Printer *p = (Printer *)sink;
	Layout	*layouts;
	int		 n;

	if (entity->value->kind == JSON_STRING) {
		fprintf(p->out, "%.*s\n", (int)entity->value->text.length, entity->value->text.data);
		fflush(p->out);
		return;
	}
	arena_reset(&p->arena);
	n = layout_entity(entity, &p->arena, &layouts);
	for (int i = 0; i < n; i++)
		if (layouts[i].message != NULL)
			printer_message(sink, layouts[i].message, layouts[i].is_warning);
		else
			print_layout(p, &layouts[i]);
}

static void
add_count(StrBuf *out, int64_t n)
{
	if (n >= 10000000)
		strbuf_printf(out, "%.1f M", (double)n / 1e6);
	else if (n >= 10000)
		strbuf_printf(out, "%.1f k", (double)n / 1e3);
	else
		strbuf_printf(out, "%lld", (long long)n);
}

static void
add_time_left(StrBuf *out, double seconds)
{
	if (seconds < 60)
		strbuf_printf(out, ", %d s left", (int)seconds + 1);
	else if (seconds < 3600)
		strbuf_printf(out, ", %d min left", (int)(seconds / 60) + 1);
	else if (seconds < 1e7)
		strbuf_printf(out, ", %d h %d min left", (int)(seconds / 3600), (int)(seconds / 60) % 60);
}

/* The share done, and how long the rest takes if it goes on as it did. */
static void
add_share(StrBuf *out, const RunProgress *now, Nanos began, int64_t done_before)
{
	double seconds = (double)(now->elapsed - began) / 1e9;
	int64_t done = now->done - done_before;

	if (now->all <= 0)
		return;
	/* what is not over is not all of it */
	strbuf_printf(out, ", %d %%", now->done < now->all ? (int)(100.0 * (double)now->done / (double)now->all) : 99);
	if (done > 0 && now->done < now->all && seconds > 0.2)
		add_time_left(out, seconds * (double)(now->all - now->done) / (double)done);
}

/* How many characters a line of the terminal has room for. */
static size_t
notes_width(const Printer *p)
{
	struct winsize size;

	return ioctl(fileno(p->notes), TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? (size_t)size.ws_col - 1 : 79;
}

static void
printer_progress(ResultSink *sink, const RunProgress *now)
{
	Printer *p = (Printer *)sink;
	StrBuf	 line = {0};

	if (!isatty(fileno(p->notes)))
		return;
	if (now == NULL) {
		clear_progress(p);
		return;
	}
	if (now->what != p->progress_what || now->done < p->progress_done) {
		p->progress_what = now->what;
		p->progress_began = now->what != NULL ? now->elapsed : 0;
		p->progress_done = now->what != NULL ? now->done : 0;
	}
	if (now->elapsed < PROGRESS_AFTER_NS)
		return;
	add_count(&line, now->rows);
	strbuf_add_text(&line, " rows");
	if (now->bytes > 0)
		strbuf_printf(&line, ", %.1f MB", (double)now->bytes / 1e6);
	if (now->what != NULL)
		strbuf_printf(&line, ", %s", now->what);
	else {
		strbuf_add_text(&line, ", ");
		add_count(&line, (int64_t)((double)now->rows / ((double)now->elapsed / 1e9)));
		strbuf_add_text(&line, " rows/s");
	}
	add_share(&line, now, p->progress_began, p->progress_done);
	fprintf(p->notes, "\r\033[K%.*s", (int)(line.length < notes_width(p) ? line.length : notes_width(p)), strbuf_text(&line));
	fflush(p->notes);
	strbuf_free(&line);
	p->progress_shown = true;
}

/* ---- SPOOL ---- */

static ssize_t
tee_write(void *cookie, const char *data, size_t size)
{
	Printer *p = cookie;

	if (fwrite(data, 1, size, p->spool) != size)
		return 0;
	fwrite(data, 1, size, p->plain_out);
	return ferror(p->plain_out) ? 0 : (ssize_t)size;
}

/* False: the file is not whole. */
static bool
spool_end(Printer *p)
{
	bool is_whole = true;

	if (p->spool == NULL)
		return true;
	is_whole = fclose(p->out) == 0;
	is_whole = fclose(p->spool) == 0 && is_whole;
	p->out = p->plain_out;
	p->spool = NULL;
	fflush(p->out);
	return is_whole;
}

static Status
printer_spool(ResultSink *sink, const char *path, Error *err)
{
	Printer *p = (Printer *)sink;
	FILE	*file, *tee;

	if (!spool_end(p))
		return error_fatal(err, "The file of SPOOL could not be written to its end: %s", strerror(errno));
	if (path == NULL)
		return OK;
	file = fopen(path, "w");
	if (file == NULL) {
		error_user(err, "Cannot write the file '%s': %s", path, strerror(errno));
		return error_hint(err, "SPOOL 'file' copies what is printed into the file, SPOOL OFF ends that.");
	}
	tee = fopencookie(p, "w", (cookie_io_functions_t){.write = tee_write});
	if (tee == NULL) {
		fclose(file);
		return error_fatal(err, "Cannot copy the output: %s", strerror(errno));
	}
	/* In the order in which it is printed. */
	setvbuf(tee, NULL, _IOLBF, 0);
	p->spool = file;
	p->plain_out = p->out;
	p->out = tee;
	return OK;
}

void
printer_init(Printer *printer, FILE *out, OutputMode mode)
{
	*printer = (Printer){.sink = {.begin = printer_begin, .rows = printer_rows, .end = printer_end, .entity = printer_entity,
								  .message = printer_message, .progress = printer_progress, .spool = printer_spool},
						 .out = out, .notes = stderr, .mode = mode, .has_header = true, .is_terminal = isatty(fileno(out))};
}

void
printer_free(Printer *printer)
{
	spool_end(printer);
	arena_free(&printer->arena);
	strbuf_free(&printer->line);
	free(printer->widths);
	free(printer->cells);
}

/* ---- errors ---- */

static Str
line_of(Str sql, int number)
{
	size_t start = 0;

	for (int line = 1; line < number && start < sql.length; start++)
		line += sql.data[start] == '\n';
	size_t end = start;

	while (end < sql.length && sql.data[end] != '\n')
		end++;
	return str_make(sql.data + start, end - start);
}

void
error_print(FILE *out, const Error *err, Str sql)
{
	fprintf(out, "error: %s\n", err->message);
	if (err->line > 0 && sql.length > 0) {
		Str line = line_of(sql, err->line);
		int indent = err->column > 0 && (size_t)err->column <= line.length + 1 ? text_width(str_make(line.data, (size_t)err->column - 1)) : 0;
		int n = err->length > 0 ? err->length : 1;

		if ((size_t)(err->column - 1 + n) > line.length)
			n = (int)line.length - (err->column - 1);
		fprintf(out, "  line %d: %.*s\n", err->line, (int)line.length, line.data);
		fprintf(out, "  %*s", (int)snprintf(NULL, 0, "line %d: ", err->line) + indent, "");
		for (int i = 0; i < (n > 0 ? n : 1); i++)
			fputc('^', out);
		fputc('\n', out);
	}
	if (err->hint[0] != '\0')
		fprintf(out, "hint: %s\n", err->hint);
}
