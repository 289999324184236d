/* Runs the files of the logic suite and compares. */
#include "shell/logic.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/env.h"
#include "engine/engine.h"
#include "shell/logic_file.h"
#include "shell/print/printer.h"

/* What the statement in hand gives: the first sink in it is called by the session. */
typedef struct Capture {
	ResultSink sink;
	Arena	   arena;			/* of a batch's values */
	StrBuf	   rows;			/* a line a row, values between tabs; VALUESORT: a line a value */
	StrBuf	   types;			/* a letter a column */
	bool	   one_value_a_line;
	int64_t	   bad_rows;
} Capture;

typedef struct LogicRun {
	const LogicOptions *options;
	LogicFile	file;
	Arena		arena;			/* of the file's run */
	char		folder[64];		/* of the tables' files */
	Engine	   *engine;
	Session	   *session;
	Capture		capture;
	int			n_passed;
	int			n_failed;
} LogicRun;

/* ---- rows as text ---- */

static char
type_letter(const Type *type)
{
	switch (type->kind) {
	case TYPE_INTEGER:
	case TYPE_BIGINT:
		return 'I';
	case TYPE_DOUBLE:
		return 'R';
	case TYPE_DECIMAL:
		return type->scale == 0 ? 'I' : 'R';
	case TYPE_BOOLEAN:
		return 'B';
	default:
		return 'T';
	}
}

/* A value stands on one line, and no value is nothing. */
static void
add_value(const Value *value, StrBuf *out)
{
	StrBuf text = {0};

	value_print(value, false, &text);
	if (text.length == 0)
		strbuf_add_text(out, "(empty)");
	text_print_on_line(strbuf_str(&text), out);
	strbuf_free(&text);
}

static Status
capture_begin(ResultSink *sink, const ResultHeader *header, Error *err)
{
	Capture *c = (Capture *)sink;

	(void)err;
	strbuf_clear(&c->rows);
	strbuf_clear(&c->types);
	for (int i = 0; i < header->schema->n_columns; i++)
		strbuf_add_char(&c->types, type_letter(header->schema->columns[i].type));
	return OK;
}

static Status
capture_rows(ResultSink *sink, const Batch *rows, Error *err)
{
	Capture *c = (Capture *)sink;

	(void)err;
	for (int32_t r = 0; r < rows->n_rows; r++)
		for (int i = 0; i < rows->n_columns; i++) {
			Value value = vector_get(rows->columns[i], r, &c->arena);

			add_value(&value, &c->rows);
			strbuf_add_char(&c->rows, c->one_value_a_line || i + 1 == rows->n_columns ? '\n' : '\t');
		}
	arena_free(&c->arena);
	c->arena = (Arena){0};
	return OK;
}

static void
capture_end(ResultSink *sink, const ResultEnd *end)
{
	((Capture *)sink)->bad_rows = end->bad_rows + end->failed_rows;
}

static void
capture_entity(ResultSink *sink, const Entity *entity)
{
	(void)sink, (void)entity;
}

static void
capture_message(ResultSink *sink, const char *text, bool is_warning)
{
	(void)sink, (void)text, (void)is_warning;
}

static Status
run_sql(LogicRun *run, Str sql, Error *err)
{
	Capture *c = &run->capture;

	strbuf_clear(&c->rows);
	strbuf_clear(&c->types);
	c->bad_rows = 0;
	return session_execute(run->session, sql, &c->sink, err);
}

/* ---- tables ---- */

/* `a INT, b DECIMAL(4, 2)`: the definition that `*at` begins with, and past it. */
static Str
next_definition(Str columns, size_t *at)
{
	size_t start = *at;
	int	   depth = 0;

	for (; *at < columns.length; ++*at) {
		char c = columns.data[*at];

		depth += (c == '(' || c == '<') - (c == ')' || c == '>');
		if (c == ',' && depth == 0)
			break;
	}
	Str definition = str_trim(str_make(columns.data + start, *at - start));

	++*at;
	return definition;
}

static size_t
name_length(Str definition)
{
	const char *space = memchr(definition.data, ' ', definition.length);

	return space != NULL ? (size_t)(space - definition.data) : definition.length;
}

/* SELECT CAST(a AS INT) AS a, ... : the rows with the columns' types. */
static void
add_typed_rows(const LogicBlock *block, StrBuf *sql)
{
	StrBuf names = {0};

	strbuf_add_text(sql, "SELECT ");
	for (size_t at = 0; at < block->columns.length;) {
		Str	   d = next_definition(block->columns, &at);
		size_t n = name_length(d);
		bool   has_rows = block->sql.length > 0;

		if (names.length > 0) {
			strbuf_add_text(sql, ", ");
			strbuf_add_text(&names, ", ");
		}
		strbuf_printf(sql, "CAST(%.*s AS%.*s) AS %.*s", has_rows ? (int)n : 4, has_rows ? d.data : "NULL", (int)(d.length - n), d.data + n,
					  (int)n, d.data);
		strbuf_add(&names, d.data, n);
	}
	if (block->sql.length > 0)
		strbuf_printf(sql, " FROM (VALUES %.*s) rows_ (%s)", (int)block->sql.length, block->sql.data, strbuf_text(&names));
	else
		strbuf_add_text(sql, " WHERE FALSE");
	strbuf_free(&names);
}

static void
add_file_table(const LogicRun *run, const LogicBlock *block, StrBuf *sql)
{
	static const char *const endings[] = {"csv", "jsonl", "parquet"};
	static const char *const options[] = {" (FORMAT csv, NULL '\\N')", " (FORMAT json)", " (FORMAT parquet)"};
	static const char *const declared[] = {", FORMAT='CSV', HEADER=true, NULL='\\N'", ", FORMAT='JSON'", ", FORMAT='PARQUET'"};
	LogicTables				 tables = run->options->tables;
	char					 path[256];

	snprintf(path, sizeof path, "%s/%.*s.%s", run->folder, (int)block->name.length, block->name.data, endings[tables]);
	strbuf_add_text(sql, "COPY (");
	add_typed_rows(block, sql);
	strbuf_printf(sql, ") TO '%s'%s; CREATE STREAM %.*s (%.*s) WITH (PATH='%s'%s);", path, options[tables], (int)block->name.length,
				  block->name.data, (int)block->columns.length, block->columns.data, path, declared[tables]);
}

static void
add_topic_table(const LogicBlock *block, StrBuf *sql)
{
	strbuf_printf(sql, "CREATE STREAM %.*s (%.*s) WITH (KAFKA_TOPIC='%.*s', VALUE_FORMAT='JSON', PARTITIONS=1);", (int)block->name.length,
				  block->name.data, (int)block->columns.length, block->columns.data, (int)block->name.length, block->name.data);
	if (block->sql.length > 0)
		strbuf_printf(sql, " INSERT INTO %.*s VALUES %.*s;", (int)block->name.length, block->name.data, (int)block->sql.length,
					  block->sql.data);
}

static Status
make_table(LogicRun *run, const LogicBlock *block, Error *err)
{
	StrBuf sql = {0};
	Status status;

	if (run->options->tables == LOGIC_TOPIC)
		add_topic_table(block, &sql);
	else
		add_file_table(run, block, &sql);
	status = run_sql(run, strbuf_str(&sql), err);
	strbuf_free(&sql);
	return status;
}

/* ---- comparing ---- */

static Str
without_zeros(Str number)
{
	if (memchr(number.data, '.', number.length) == NULL || memchr(number.data, 'e', number.length) != NULL)
		return number;
	while (number.length > 0 && number.data[number.length - 1] == '0')
		number.length--;
	if (number.length > 0 && number.data[number.length - 1] == '.')
		number.length--;
	return number;
}

/* A DOUBLE may differ in its last digits (the order of a sum); a DECIMAL in the zeros behind its point. */
static bool
numbers_agree(Str a, Str b, bool is_double)
{
	char   text[2][64], *end[2];
	double x, y;

	if (str_equal(without_zeros(a), without_zeros(b)))
		return true;
	if (!is_double || a.length >= sizeof text[0] || b.length >= sizeof text[0])
		return false;
	memcpy(text[0], a.data, a.length);
	memcpy(text[1], b.data, b.length);
	text[0][a.length] = text[1][b.length] = '\0';
	x = strtod(text[0], &end[0]);
	y = strtod(text[1], &end[1]);
	return *end[0] == '\0' && *end[1] == '\0' && fabs(x - y) <= 1e-9 * fmax(fabs(x), fabs(y));
}

static Str
next_value(Str line, size_t *at)
{
	const char *tab = memchr(line.data + *at, '\t', line.length - *at);
	size_t		n = tab != NULL ? (size_t)(tab - line.data) - *at : line.length - *at;
	Str			value = str_make(line.data + *at, n);

	*at += n + 1;
	return value;
}

static bool
rows_agree(Str expected, Str actual, const char *types, int n_types)
{
	size_t e = 0, a = 0;
	int	   c = 0;

	if (str_equal(expected, actual))
		return true;
	for (; e <= expected.length && a <= actual.length; c++) {
		Str	 x = next_value(expected, &e), y = next_value(actual, &a);
		char type = types[c < n_types ? c : 0];

		if (!str_equal(x, y) && (type == 'T' || type == 'B' || !numbers_agree(x, y, type == 'R')))
			return false;
	}
	return e > expected.length && a > actual.length;
}

/*
 * -0.0 equals 0.0, and which of the two stands for a group of both is left to the engine: 0.0 stands for both here, before rows are sorted.
 */
static void
make_zeros_plain(Arena *arena, Str *lines, int n)
{
	const Str negative = STR("-0.0");

	for (int i = 0; i < n; i++) {
		StrBuf text = {0};

		if (memmem(lines[i].data, lines[i].length, negative.data, negative.length) == NULL)
			continue;
		for (size_t at = 0; at <= lines[i].length;) {
			Str value = next_value(lines[i], &at);

			if (text.length > 0)
				strbuf_add_char(&text, '\t');
			strbuf_add_str(&text, str_equal(value, negative) ? STR("0.0") : value);
		}
		lines[i] = str_of(str_to_arena(arena, strbuf_str(&text)));
		strbuf_free(&text);
	}
}

/* Lines that only one side has, in their order: enough to see what is wrong where rows are few. */
static void
print_diff(const Str *expected, int n_expected, const Str *actual, int n_actual)
{
	int same = 0, tail = 0;

	while (same < n_expected && same < n_actual && str_equal(expected[same], actual[same]))
		same++;
	while (tail < n_expected - same && tail < n_actual - same && str_equal(expected[n_expected - 1 - tail], actual[n_actual - 1 - tail]))
		tail++;
	printf("  --- expected (%d rows)\n  +++ actual (%d rows)\n", n_expected, n_actual);
	for (int i = same; i < n_expected - tail; i++)
		printf("  -%.*s\n", (int)expected[i].length, expected[i].data);
	for (int i = same; i < n_actual - tail; i++)
		printf("  +%.*s\n", (int)actual[i].length, actual[i].data);
}

/* ---- blocks ---- */

static void
fail_head(LogicRun *run, const LogicBlock *block)
{
	Arena arena = {0};
	Str	 *lines;
	int	  n = logic_lines(&arena, block->sql, &lines);

	run->n_failed++;
	printf("FAIL %s:%d: %.*s\n", run->file.path, block->line, (int)block->head.length, block->head.data);
	for (int i = 0; i < n; i++)
		printf("  %.*s\n", (int)lines[i].length, lines[i].data);
	arena_free(&arena);
}

static void
fail_error(LogicRun *run, const LogicBlock *block, const Error *err)
{
	fail_head(run, block);
	error_print(stdout, err, block->sql);
}

/* DECIMAL of scale 0 is I, but an R may be expected of it, as of other decimals. */
static bool
types_agree(Str expected, Str actual)
{
	if (expected.length != actual.length)
		return false;
	for (size_t i = 0; i < actual.length; i++)
		if (expected.data[i] != actual.data[i] && expected.data[i] != '?' && !(expected.data[i] == 'R' && actual.data[i] == 'I'))
			return false;
	return true;
}

static void
keep_rows(LogicRun *run, LogicBlock *block)
{
	Str	  *lines;
	int	   n = logic_lines(&run->file.arena, strbuf_str(&run->capture.rows), &lines);
	StrBuf text = {0};

	if (block->sort != LOGIC_NOSORT)
		logic_sort_lines(lines, n);
	for (int i = 0; i < n; i++) {
		strbuf_add_str(&text, lines[i]);
		strbuf_add_char(&text, '\n');
	}
	block->actual = str_to_arena(&run->file.arena, strbuf_str(&text));
	block->actual_types = str_to_arena(&run->file.arena, strbuf_str(&run->capture.types));
	strbuf_free(&text);
}

static void
compare_query(LogicRun *run, LogicBlock *block)
{
	Str	 types = strbuf_str(&run->capture.types), *expected, *actual;
	int	 n_expected = logic_lines(&run->arena, block->expected, &expected), n_actual;
	bool same;

	keep_rows(run, block);
	n_actual = logic_lines(&run->arena, str_of(block->actual), &actual);
	make_zeros_plain(&run->arena, expected, n_expected);
	make_zeros_plain(&run->arena, actual, n_actual);
	if (block->sort != LOGIC_NOSORT) {
		logic_sort_lines(expected, n_expected);
		logic_sort_lines(actual, n_actual);
	}
	same = n_expected == n_actual;
	for (int i = 0; i < n_actual && same; i++)
		same = rows_agree(expected[i], actual[i], types.data, block->sort == LOGIC_VALUESORT ? 1 : (int)types.length);
	if (same && types_agree(block->types, types) && (run->capture.bad_rows > 0) == block->warns) {
		run->n_passed++;
		return;
	}
	fail_head(run, block);
	if (!types_agree(block->types, types))
		printf("  types are %.*s\n", (int)types.length, types.data);
	if ((run->capture.bad_rows > 0) != block->warns)
		printf("  %lld rows failed%s\n", (long long)run->capture.bad_rows, block->warns ? ", some should" : "; say `warns` if they should");
	if (!same)
		print_diff(expected, n_expected, actual, n_actual);
}

static void
run_query(LogicRun *run, LogicBlock *block)
{
	Error  err;
	Status status;

	run->capture.one_value_a_line = block->sort == LOGIC_VALUESORT;
	status = run_sql(run, block->sql, &err);
	if (status == FAILED)
		fail_error(run, block, &err);
	else if (block->has_expected)
		compare_query(run, block);
	else if (run->options->write != LOGIC_COMPARE) {
		keep_rows(run, block);
		run->n_passed++;
	} else {
		fail_head(run, block);
		printf("  there is no ---- with the rows expected; --complete writes them\n");
	}
}

static void
run_statement(LogicRun *run, const LogicBlock *block)
{
	Error  err;
	Status status = block->kind == LOGIC_TABLE ? make_table(run, block, &err) : run_sql(run, block->sql, &err);
	Str	   text = str_trim(block->expected);

	if (status == FAILED && block->kind != LOGIC_ERROR)
		fail_error(run, block, &err);
	else if (status != FAILED && block->kind == LOGIC_ERROR) {
		fail_head(run, block);
		printf("  it should have failed\n");
	} else if (status == FAILED && text.length > 0 && memmem(err.message, strlen(err.message), text.data, text.length) == NULL) {
		fail_error(run, block, &err);
		printf("  the message should say: %.*s\n", (int)text.length, text.data);
	} else
		run->n_passed++;
}

/* ---- files ---- */

static int
remove_one(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
	(void)status, (void)flag, (void)walk;
	return remove(path);
}

static Status
open_engine(LogicRun *run, Error *err)
{
	const char *temporary = getenv("TMPDIR");

	snprintf(run->folder, sizeof run->folder, "%.40s/sluice-logic-XXXXXX", temporary != NULL ? temporary : "/tmp");
	if (mkdtemp(run->folder) == NULL) {
		run->folder[0] = '\0';
		return error_user(err, "Cannot make a folder for tables in %s", temporary != NULL ? temporary : "/tmp");
	}
	TRY(engine_open(&(EngineOptions){.directory = NULL}, &run->engine, err));
	return session_open(run->engine, &run->session, err);
}

static void
close_engine(LogicRun *run)
{
	session_close(run->session);
	engine_close(run->engine);
	if (run->folder[0] != '\0')
		nftw(run->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	run->session = NULL;
	run->engine = NULL;
	arena_free(&run->arena);
	run->arena = (Arena){0};
}

static Status
run_file(LogicRun *run, const char *path, Error *err)
{
	Status status = logic_file_read(path, &run->file, err);

	if (status == OK)
		status = open_engine(run, err);
	for (int i = 0; status == OK && i < run->file.n_blocks; i++)
		if (run->file.blocks[i].kind == LOGIC_QUERY)
			run_query(run, &run->file.blocks[i]);
		else
			run_statement(run, &run->file.blocks[i]);
	if (run->folder[0] != '\0')
		close_engine(run);
	if (status == OK && run->options->write != LOGIC_COMPARE)
		status = logic_file_write(&run->file, run->options->write == LOGIC_REWRITE, err);
	logic_file_free(&run->file);
	return status;
}

bool
logic_tables_parse(const char *name, LogicTables *out)
{
	static const char *const names[] = {"csv", "json", "parquet", "topic"};

	for (int i = 0; i < 4; i++)
		if (strcmp(name, names[i]) == 0) {
			*out = (LogicTables)i;
			return true;
		}
	return false;
}

int
logic_run(const LogicOptions *options)
{
	LogicRun run = {.options = options};
	Nanos	 started = nanos_now();

	run.capture.sink = (ResultSink){.begin = capture_begin, .rows = capture_rows, .end = capture_end, .entity = capture_entity,
									.message = capture_message};
	for (int i = 0; i < options->n_files; i++) {
		Error err;

		if (run_file(&run, options->files[i], &err) == FAILED) {
			run.n_failed++;
			printf("FAIL %s\n", options->files[i]);
			error_print(stdout, &err, STR(""));
		}
	}
	strbuf_free(&run.capture.rows);
	strbuf_free(&run.capture.types);
	arena_free(&run.capture.arena);
	printf("logic: %d passed, %d failed (%.1f s)\n", run.n_passed, run.n_failed, (double)(nanos_now() - started) / 1e9);
	return run.n_failed > 0;
}
