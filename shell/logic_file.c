/* Files of the logic suite: read into blocks, written again with new expected rows. */
#include "shell/logic_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lines and words ---- */

static int
compare_lines(const void *a, const void *b)
{
	return str_compare(*(const Str *)a, *(const Str *)b);
}

void
logic_sort_lines(Str *lines, int n)
{
	if (n > 1)
		qsort(lines, (size_t)n, sizeof *lines, compare_lines);
}

/* Cuts the first line off `rest`. */
static Str
next_line(Str *rest)
{
	const char *end = memchr(rest->data, '\n', rest->length);
	size_t		n = end != NULL ? (size_t)(end - rest->data) : rest->length;
	Str			line = str_make(rest->data, n);

	*rest = str_make(rest->data + n + (end != NULL), rest->length - n - (end != NULL));
	return line;
}

int
logic_lines(Arena *arena, Str text, Str **out)
{
	int n = 0, capacity = 1;

	for (size_t i = 0; i < text.length; i++)
		capacity += text.data[i] == '\n';
	*out = arena_array(arena, Str, capacity);
	while (text.length > 0)
		(*out)[n++] = next_line(&text);
	return n;
}

static Str
next_word(Str *rest)
{
	size_t i = 0, start;

	while (i < rest->length && rest->data[i] == ' ')
		i++;
	start = i;
	while (i < rest->length && rest->data[i] != ' ')
		i++;
	Str word = str_make(rest->data + start, i - start);

	*rest = str_make(rest->data + i, rest->length - i);
	return word;
}

/* ---- the first line of a block ---- */

static bool
sort_of(Str word, LogicSort *out)
{
	static const char *const names[] = {"nosort", "rowsort", "valuesort"};

	for (int i = 0; i < 3; i++)
		if (str_equal(word, str_of(names[i]))) {
			*out = (LogicSort)i;
			return true;
		}
	return false;
}

static Status
read_query_head(LogicFile *file, LogicBlock *block, Str rest, Error *err)
{
	block->kind = LOGIC_QUERY;
	block->types = next_word(&rest);
	for (;;) {
		Str word = next_word(&rest);

		if (word.length == 0)
			return OK;
		if (str_equal(word, STR("warns")))
			block->warns = true;
		else if (!sort_of(word, &block->sort))
			return error_user(err, "%s:%d: `%.*s` is not an order: nosort, rowsort or valuesort", file->path, block->line, (int)word.length, word.data);
	}
}

/* table NAME (COLUMNS) */
static Status
read_table_head(LogicFile *file, LogicBlock *block, Str rest, Error *err)
{
	Str columns;

	block->kind = LOGIC_TABLE;
	block->name = next_word(&rest);
	columns = str_trim(rest);
	if (block->name.length == 0 || columns.length < 2 || columns.data[0] != '(' || columns.data[columns.length - 1] != ')')
		return error_user(err, "%s:%d: a table is written: table NAME (COLUMN TYPE, ...)", file->path, block->line);
	block->columns = str_make(columns.data + 1, columns.length - 2);
	return OK;
}

static Status
read_head(LogicFile *file, LogicBlock *block, Error *err)
{
	Str rest = block->head;
	Str word = next_word(&rest);

	if (str_equal(word, STR("table")))
		return read_table_head(file, block, rest, err);
	if (str_equal(word, STR("query")))
		return read_query_head(file, block, rest, err);
	if (str_equal(word, STR("statement"))) {
		word = next_word(&rest);
		block->kind = str_equal(word, STR("ok")) ? LOGIC_OK : LOGIC_ERROR;
		if (str_equal(word, STR("ok")) || str_equal(word, STR("error")))
			return OK;
	}
	return error_user(err, "%s:%d: a block begins with `table`, `statement ok`, `statement error` or `query`, not with `%.*s`", file->path,
					  block->line, (int)block->head.length, block->head.data);
}

/* ---- the file ---- */

static Status
read_text(LogicFile *file, Error *err)
{
	FILE  *in = fopen(file->path, "rb");
	StrBuf text = {0};
	char   buffer[65536];
	size_t n;
	bool   failed;

	if (in == NULL)
		return error_user(err, "Cannot read %s: %s", file->path, strerror(errno));
	while ((n = fread(buffer, 1, sizeof buffer, in)) > 0)
		strbuf_add(&text, buffer, n);
	failed = ferror(in) != 0;
	fclose(in);
	file->text = str_of(str_to_arena(&file->arena, strbuf_str(&text)));
	strbuf_free(&text);
	return failed ? error_user(err, "Cannot read %s", file->path) : OK;
}

static LogicBlock *
block_add(LogicFile *file)
{
	if (file->n_blocks == file->capacity) {
		file->capacity = file->capacity > 0 ? 2 * file->capacity : 64;
		file->blocks = xrealloc(file->blocks, sizeof *file->blocks * (size_t)file->capacity);
	}
	file->blocks[file->n_blocks] = (LogicBlock){0};
	return &file->blocks[file->n_blocks++];
}

/* The lines up to the empty one, from the first; gives the number of lines taken. */
static Status
read_block(LogicFile *file, Str *rest, int *line, Error *err)
{
	LogicBlock *block = block_add(file);
	const char *text = file->text.data, *sql_end;

	block->line = *line;
	block->start = (size_t)(rest->data - text);
	block->head = str_trim(next_line(rest));
	++*line;
	block->sql = str_make(rest->data, 0);
	sql_end = rest->data;
	while (rest->length > 0) {
		Str before = *rest, at = next_line(rest);

		++*line;
		if (at.length == 0) {
			*rest = before;
			--*line;
			break;
		}
		if (!block->has_expected && str_equal(at, STR("----"))) {
			block->has_expected = true;
			block->expected = str_make(rest->data, 0);
		} else if (block->has_expected)
			block->expected.length = (size_t)(rest->data - block->expected.data);
		else
			sql_end = rest->data;
	}
	block->sql = str_trim(str_make(block->sql.data, (size_t)(sql_end - block->sql.data)));
	block->end = (size_t)(rest->data - text);
	return read_head(file, block, err);
}

Status
logic_file_read(const char *path, LogicFile *out, Error *err)
{
	Str rest;
	int line = 1;

	*out = (LogicFile){.path = path};
	TRY(read_text(out, err));
	rest = out->text;
	while (rest.length > 0)
		if (rest.data[0] == '#' || rest.data[0] == '\n') {
			next_line(&rest);
			line++;
		} else
			TRY(read_block(out, &rest, &line, err));
	return OK;
}

void
logic_file_free(LogicFile *file)
{
	free(file->blocks);
	arena_free(&file->arena);
	*file = (LogicFile){0};
}

/* ---- writing ---- */

static void
add_head(const LogicBlock *block, StrBuf *out)
{
	static const char *const sorts[] = {"", " rowsort", " valuesort"};

	if (memchr(block->types.data, '?', block->types.length) == NULL)
		strbuf_add_str(out, block->head);
	else
		strbuf_printf(out, "query %s%s%s", block->actual_types, sorts[block->sort], block->warns ? " warns" : "");
}

static void
add_block(const LogicFile *file, const LogicBlock *block, bool all, StrBuf *out)
{
	if (block->kind != LOGIC_QUERY || block->actual == NULL || (block->has_expected && !all)) {
		strbuf_add(out, file->text.data + block->start, block->end - block->start);
		return;
	}
	add_head(block, out);
	strbuf_add_char(out, '\n');
	strbuf_add_str(out, block->sql);
	strbuf_add_text(out, "\n----\n");
	strbuf_add_text(out, block->actual);
}

Status
logic_file_write(const LogicFile *file, bool all, Error *err)
{
	StrBuf text = {0};
	size_t at = 0;
	FILE  *out;
	bool   failed;

	for (int i = 0; i < file->n_blocks; i++) {
		const LogicBlock *block = &file->blocks[i];

		strbuf_add(&text, file->text.data + at, block->start - at);
		add_block(file, block, all, &text);
		at = block->end;
	}
	strbuf_add(&text, file->text.data + at, file->text.length - at);
	out = fopen(file->path, "wb");
	failed = out == NULL || fwrite(text.data, 1, text.length, out) != text.length;
	failed = (out != NULL && fclose(out) != 0) || failed;
	strbuf_free(&text);
	return failed ? error_user(err, "Cannot write %s: %s", file->path, strerror(errno)) : OK;
}
