/* io/connector/file: what is found out about files, and what is read from them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "data/time_text.h"
#include "io/connector.h"
#include "io/connector/file/file_writer.h"

static Arena arena;
static char	 directory[64];
static StrBuf bad_rows;

static void
note_bad(BadRecordLog *log, const char *input, int32_t partition, int64_t offset, const char *reason, Str raw)
{
	(void)log;
	(void)partition;
	(void)offset;
	(void)raw;
	strbuf_printf(&bad_rows, "%s: %s\n", strrchr(input, '/') != NULL ? strrchr(input, '/') + 1 : input, reason);
}

static BadRecordLog bad_log = {.report = note_bad};

static void
setup(void)
{
	arena = (Arena){0};
	bad_rows = (StrBuf){0};
	snprintf(directory, sizeof directory, "/tmp/sluice-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void
teardown(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
	strbuf_free(&bad_rows);
	arena_free(&arena);
}

static const char *
path_of(const char *name)
{
	return arena_printf(&arena, "%s/%s", directory, name);
}

static const char *
write_file(const char *name, const char *content)
{
	const char *path = path_of(name);
	FILE	   *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(content, f);
	fclose(f);
	return path;
}

static void
add_value(const Value *v, StrBuf *out)
{
	char text[TIME_TEXT_MAX];

	if (v->is_null) {
		strbuf_add_text(out, "-");
		return;
	}
	switch (v->type->kind) {
	case TYPE_STRING:
		strbuf_add_str(out, v->text);
		break;
	case TYPE_DOUBLE:
		strbuf_printf(out, "%g", v->number);
		break;
	case TYPE_BOOLEAN:
		strbuf_add_text(out, v->boolean ? "true" : "false");
		break;
	case TYPE_DECIMAL:
		strbuf_printf(out, "%lldd", (long long)v->decimal);
		break;
	case TYPE_DATE:
		strbuf_add(out, text, date_print((int32_t)v->integer, text));
		break;
	case TYPE_TIMESTAMP:
		strbuf_add(out, text, timestamp_print_sql(v->integer, text));
		break;
	case TYPE_ARRAY:
	case TYPE_STRUCT:
		strbuf_add_char(out, v->type->kind == TYPE_ARRAY ? '[' : '{');
		for (uint32_t i = 0; i < v->n_items; i++) {
			if (i > 0)
				strbuf_add_char(out, ' ');
			add_value(&v->items[i], out);
		}
		strbuf_add_char(out, v->type->kind == TYPE_ARRAY ? ']' : '}');
		break;
	default:
		strbuf_printf(out, "%lld", (long long)v->integer);
		break;
	}
}

static void
add_batch(const Batch *batch, StrBuf *out)
{
	for (int32_t r = 0; r < batch->n_rows; r++) {
		for (int c = 0; c < batch->n_columns; c++) {
			Value v = vector_get(batch->columns[c], r, &arena);

			if (c > 0)
				strbuf_add_char(out, '|');
			add_value(&v, out);
		}
		strbuf_add_char(out, '\n');
	}
}

/* Reads a described file; columns NULL: all of them. */
static Status
read_all(FileSpec *file, const int *columns, int n_columns, int n_threads, StrBuf *out, Error *err)
{
	SourceSpec	  spec = {.kind = SOURCE_FILE, .name = file->path, .file = file};
	SourceContext context = {.env = &env_real, .bad_records = &bad_log, .n_threads = n_threads, .is_bounded = true};
	Column		 *wanted;
	Source		 *source;
	Status		  status = OK;

	if (columns == NULL)
		n_columns = file->n_columns;
	wanted = arena_array(&arena, Column, n_columns + 1);
	for (int i = 0; i < n_columns; i++)
		wanted[i] = file->columns[columns != NULL ? columns[i] : i];
	spec.n_columns = n_columns;
	spec.columns = wanted;
	spec.source_index = columns;
	TRY(source_open(&arena, &spec, &context, &source, err));
	for (int p = 0; p < source->n_partitions && status != FAILED; p++)
		for (;;) {
			Arena  scratch = {0};
			Batch *batch;

			status = source->type->read(source, p, BATCH_ROWS, &scratch, &batch, err);
			if (batch != NULL && status == OK) {
				if (out != NULL)
					add_batch(batch, out);
			}
			arena_free(&scratch);
			if (status != OK || batch == NULL)
				break;
		}
	source_close(source);
	return status == FAILED ? FAILED : OK;
}

static FileSpec
describe(const char *path)
{
	FileSpec spec = {.path = path};
	Error	 err = {0};

	ck_assert_msg(file_describe(&arena, &spec, false, &err) == OK, "%s", err.message);
	return spec;
}

static const char *
schema_text(const FileSpec *spec)
{
	StrBuf		out = {0};
	const char *text;

	for (int i = 0; i < spec->n_columns; i++) {
		strbuf_printf(&out, "%s%s ", i > 0 ? ", " : "", spec->columns[i].name);
		type_print(spec->columns[i].type, &out);
	}
	text = arena_strdup(&arena, strbuf_text(&out));
	strbuf_free(&out);
	return text;
}

static const char *
contents(FileSpec *spec)
{
	StrBuf		out = {0};
	Error		err = {0};
	const char *text;

	if (read_all(spec, NULL, 0, 1, &out, &err) != OK)
		strbuf_printf(&out, "!%s", err.message);
	text = arena_strdup(&arena, strbuf_text(&out));
	strbuf_free(&out);
	return text;
}

#define check_file(name, content, schema, rows)                        \
	do {                                                               \
		FileSpec spec_ = describe(write_file(name, content));          \
		ck_assert_str_eq(schema_text(&spec_), schema);                 \
		ck_assert_str_eq(contents(&spec_), rows);                      \
	} while (0)

START_TEST(csv_types)
{
	check_file("a.csv", "id,name,x,ok,day,at\n1,a,1.5,true,2024-02-29,2024-01-01 10:00:00\n-2,,3,FALSE,1970-01-01,2024-01-01T10:00:00.5\n",
			   "id BIGINT, name STRING, x DOUBLE, ok BOOLEAN, day DATE, at TIMESTAMP",
			   "1|a|1.5|true|2024-02-29|2024-01-01 10:00:00\n-2|-|3|false|1970-01-01|2024-01-01 10:00:00.5\n");
	check_file("b.csv", "1;2.5\n3;-4\n", "column0 BIGINT, column1 DOUBLE", "1|2.5\n3|-4\n");
	check_file("c.tsv", "a\tb\nx\ty z\n", "a STRING, b STRING", "x|y z\n");
	check_file("d.txt", "Hamburg;12.0\nOslo;-3.25\n", "column0 STRING, column1 DOUBLE", "Hamburg|12\nOslo|-3.25\n");
	check_file("e.csv", "v\n1\n\n9223372036854775807\n", "v BIGINT", "1\n9223372036854775807\n");
}
END_TEST

START_TEST(csv_quotes)
{
	check_file("a.csv", "a,b,c\n1,\"x, \"\"y\"\"\",2\n3,\"line 1\nline 2\",4\n5,\"\",6\n7,,8\n",
			   "a BIGINT, b STRING, c BIGINT", "1|x, \"y\"|2\n3|line 1\nline 2|4\n5||6\n7|-|8\n");
	check_file("b.csv", "\xef\xbb\xbf\"a\",b\r\n1,\"2\"\r\n\"3\",4", "a BIGINT, b BIGINT", "1|2\n3|4\n");
	/* a quote within an unquoted field is data */
	check_file("c.csv", "size,n\n5\" pipe,1\n6\",2\n7,3\n", "size STRING, n BIGINT", "5\" pipe|1\n6\"|2\n7|3\n");
}
END_TEST

START_TEST(csv_bad_rows)
{
	check_file("a.csv", "a,b\n1,x\n2\n3,y,z\n4,w\n\n", "a BIGINT, b STRING", "1|x\n4|w\n");
	ck_assert_str_eq(strbuf_text(&bad_rows), "a.csv:3: expected 2 fields, found 1\na.csv:4: expected 2 fields, found 3\n");
	strbuf_clear(&bad_rows);

	FileSpec spec = describe(write_file("b.csv", "a,b\n1,2\nx,3\n4,5.5\n6,7\n"));
	Column	 columns[] = {{"a", type_bigint}, {"b", type_bigint}};
	Error	 err = {0};

	spec.columns = columns;
	ck_assert_str_eq(contents(&spec), "1|2\n6|7\n");
	ck_assert_ptr_nonnull(strstr(strbuf_text(&bad_rows), "b.csv:3: column `a`: 'x' is not a BIGINT; WITH (SCHEMA="));
	ck_assert_ptr_nonnull(strstr(strbuf_text(&bad_rows), "b.csv:4: column `b`: '5.5' is not a BIGINT"));
	spec.strict = true;
	ck_assert_int_eq(read_all(&spec, NULL, 0, 1, NULL, &err), FAILED);
	ck_assert_int_eq(err.class, ERROR_DATA);
	strbuf_clear(&bad_rows);
	check_file("c.csv", "a,b\n1,\"x\n2,y\n3,z\n", "a BIGINT, b STRING", "2|y\n3|z\n");
	ck_assert_ptr_nonnull(strstr(strbuf_text(&bad_rows), "c.csv:2: a quoted field does not end"));
}
END_TEST

START_TEST(csv_declared)
{
	static const char text[] = "a,b\n1.50,2024-01-01\n-0.5,1999-12-31\n";
	Column			  columns[] = {{"A", type_decimal(5, 2)}};
	Error			  err = {0};
	FileSpec		  spec = {.path = write_file("a.csv", text), .columns = columns, .n_columns = 1};

	ck_assert_msg(file_describe(&arena, &spec, false, &err) == OK, "%s", err.message);
	ck_assert_str_eq(schema_text(&spec), "A DECIMAL(5, 2), b DATE");
	ck_assert_str_eq(contents(&spec), "150d|2024-01-01\n-50d|1999-12-31\n");
	spec = (FileSpec){.path = write_file("b.csv", "1,2\n"), .columns = columns, .n_columns = 1};
	ck_assert_int_eq(file_describe(&arena, &spec, false, &err), FAILED);
	spec = (FileSpec){.path = write_file("c.csv", "x,NA\n1,2\n"), .null_text = "NA", .header_is_set = true};
	ck_assert_int_eq(file_describe(&arena, &spec, true, &err), OK);
	ck_assert_str_eq(schema_text(&spec), "COLUMN0 STRING, COLUMN1 BIGINT");
	ck_assert_str_eq(contents(&spec), "x|-\n1|2\n");
}
END_TEST

START_TEST(json_lines)
{
	check_file("a.jsonl", "{\"a\":1,\"b\":\"x\",\"c\":{\"d\":[1,2],\"e\":null}}\n\n{\"b\":\"y\",\"a\":2.5,\"c\":null,\"f\":true}\n",
			   "a DOUBLE, b STRING, c STRUCT<`d` ARRAY<BIGINT>, `e` STRING>, f BOOLEAN",
			   "1|x|{[1 2] -}|-\n2.5|y|-|true\n");
	check_file("b.json", "{\"a\":1}\n{\"a\":\"x\"}\n{\"a\":[1]}", "a STRING", "1\nx\n[1]\n");

	FileSpec spec = describe(write_file("c.jsonl", "{\"a\":1}\n{\"a\":\"x\"}\n{\"a\":2\n{\"a\":3} x\n{\"a\":4}\n"));
	Column	 columns[] = {{"a", type_bigint}};

	spec.columns = columns;
	ck_assert_str_eq(contents(&spec), "1\n4\n");
	ck_assert_ptr_nonnull(strstr(strbuf_text(&bad_rows), "c.jsonl:2: Can't read \"x\" as BIGINT, path: $.a"));
	ck_assert_ptr_nonnull(strstr(strbuf_text(&bad_rows), "c.jsonl:3: Not valid JSON"));
	ck_assert_ptr_nonnull(strstr(strbuf_text(&bad_rows), "c.jsonl:4: Not valid JSON"));
}
END_TEST

/* Lines like one seen before, and lines that leave its shape at every place where they can. */
START_TEST(json_shapes)
{
	const char *path = write_file("s.jsonl",
								  "{\"a\": 1, \"s\": \"x\", \"skip\": \"p\", \"d\": 0.5, \"o\": {\"y\": true}}\n"
								  "{\"a\": -22, \"s\": \"longer than twelve\", \"skip\": \"q\\\"\", \"d\": -12.25, \"o\": {\"y\": false}}\n"
								  "{\"a\": 123456789012345678, \"s\": \"\\u00e9\\t\", \"skip\": {\"n\": [1, \"}\"]}, \"d\": 1e2, \"o\": {\"y\": null}}\n"
								  "{\"a\": null, \"s\": \"\303\251\", \"skip\": null, \"d\": 7, \"o\": null}\n"
								  "{\"s\": \"order\", \"a\": 4, \"o\": {\"y\": true}, \"d\": 0.1, \"skip\": \"\"}\n"
								  "{\"a\": 5, \"s\": \"few\"}\n"
								  "{\"a\": 6, \"s\": \"few\"}\r\n"
								  "{\"a\": 7, \"s\": \"few\"}\n"
								  "{\"a\": 8, \"s\": \"few\"} x\n"
								  "{\"a\": 01, \"s\": \"few\"}\n"
								  "{\"a\": 8, \"s\": \"twice\", \"a\": 9}\n"
								  "{\"a\": 10, \"s\": \"bad \200\"}\n"
								  "{\"a\": 11, \"s\": \"end\", \"skip\": \"r\", \"d\": 1234567890123456789, \"o\": {\"y\": true}}");
	FileSpec	spec = describe(path);
	TypeField	fields[] = {{"y", type_boolean}};
	Column		columns[] = {{"a", type_bigint}, {"s", type_string}, {"d", type_double}, {"o", type_struct(fields, 1)}};

	spec.columns = columns;
	spec.n_columns = 4;
	ck_assert_str_eq(contents(&spec), "1|x|0.5|{true}\n-22|longer than twelve|-12.25|{false}\n123456789012345678|\303\251\t|100|{-}\n"
									  "-|\303\251|7|-\n4|order|0.1|{true}\n5|few|-|-\n6|few|-|-\n7|few|-|-\n9|twice|-|-\n"
									  "11|end|1.23457e+18|{true}\n");
	ck_assert_ptr_nonnull(strstr(strbuf_text(&bad_rows), "s.jsonl:9: Not valid JSON"));
	ck_assert_ptr_nonnull(strstr(strbuf_text(&bad_rows), "s.jsonl:10: "));
	ck_assert_ptr_nonnull(strstr(strbuf_text(&bad_rows), "s.jsonl:12: Not valid JSON"));
}
END_TEST

START_TEST(compressed_and_globs)
{
	const char *path = path_of("a.csv.gz");
	gzFile		f = gzopen(path, "wb");
	FileSpec	spec;

	gzputs(f, "a,b\n1,2\nx\n");
	gzclose(f);
	spec = describe(path);
	ck_assert_str_eq(spec.compression, "gzip");
	ck_assert_str_eq(contents(&spec), "1|2\n");
	ck_assert_ptr_nonnull(strstr(strbuf_text(&bad_rows), "a.csv.gz:3: expected 2 fields"));
	write_file("p2.csv", "a,b\n3,4\n");
	write_file("p1.csv", "a,b\n1,2\n");
	spec = describe(path_of("p*.csv"));
	ck_assert_str_eq(contents(&spec), "1|2\n3|4\n");
}
END_TEST

START_TEST(refusals)
{
	Error	 err = {0};
	FileSpec spec = {.path = path_of("none.csv")};

	ck_assert_int_eq(file_describe(&arena, &spec, false, &err), FAILED);
	ck_assert_ptr_nonnull(strstr(err.message, "does not exist"));
	spec = (FileSpec){.path = path_of("none*.csv")};
	ck_assert_int_eq(file_describe(&arena, &spec, false, &err), FAILED);
	ck_assert_ptr_nonnull(strstr(err.message, "No file matches"));
	ck_assert_int_eq(mkdir(path_of("folder"), 0777), 0);
	spec = (FileSpec){.path = path_of("folder")};
	ck_assert_int_eq(file_describe(&arena, &spec, false, &err), FAILED);
	ck_assert_ptr_nonnull(strstr(err.message, "has no files"));
	ck_assert_int_eq(rmdir(path_of("folder")), 0);
	spec = (FileSpec){.path = write_file("empty.csv", "")};
	ck_assert_int_eq(file_describe(&arena, &spec, false, &err), FAILED);
	ck_assert_ptr_nonnull(strstr(err.message, "is empty"));
}
END_TEST

/* Ranges of several readers give the rows of one, whatever stands in the quotes. */
START_TEST(ranges)
{
	const char *path = path_of("big.csv");
	FILE	   *f = fopen(path, "w");
	FileSpec	spec;
	StrBuf		one = {0}, many = {0};
	Error		err = {0};
	unsigned	seed = 1;

	fputs("id,text,n\n", f);
	for (int i = 0; i < 300000; i++) {
		seed = seed * 1103515245 + 12345;
		if ((seed >> 16) % 5 == 0)
			fprintf(f, "%d,\"a \"\"text\"\",\nwith %u lines\n\",%d\n", i, seed >> 20, i * 2);
		else
			fprintf(f, "%d,plain %u,%d\r\n", i, seed, i * 2);
	}
	fclose(f);
	spec = describe(path);
	ck_assert_str_eq(schema_text(&spec), "id BIGINT, text STRING, n BIGINT");
	ck_assert_int_eq(read_all(&spec, NULL, 0, 1, &one, &err), OK);
	ck_assert_msg(read_all(&spec, NULL, 0, 4, &many, &err) == OK, "%s", err.message);
	ck_assert_uint_eq(bad_rows.length, 0);
	ck_assert_uint_gt(one.length, 5000000);
	ck_assert(str_equal(strbuf_str(&one), strbuf_str(&many)));
	strbuf_free(&one);
	strbuf_free(&many);
}
END_TEST

START_TEST(positions)
{
	FileSpec	  file = describe(write_file("a.csv", "a,b\n1,2\n3,4\n5,6\n"));
	SourceSpec	  spec = {.kind = SOURCE_FILE, .name = file.path, .file = &file, .n_columns = 2, .columns = file.columns};
	SourceContext context = {.env = &env_real, .bad_records = &bad_log, .n_threads = 1};
	Source		 *source;
	Batch		 *batch;
	Error		  err = {0};
	int64_t		  position;
	StrBuf		  out = {0};

	ck_assert_int_eq(source_open(&arena, &spec, &context, &source, &err), OK);
	ck_assert_int_eq(source->type->read(source, 0, 2, &arena, &batch, &err), OK);
	ck_assert_int_eq(batch->n_rows, 2);
	ck_assert_int_eq(batch->offset[0], 4);
	ck_assert_int_eq(batch->offset[1], 8);
	position = source->type->position(source, 0);
	ck_assert_int_eq(position, 12);
	source_close(source);
	ck_assert_int_eq(source_open(&arena, &spec, &context, &source, &err), OK);
	ck_assert_int_eq(source->type->seek(source, 0, position, &err), OK);
	ck_assert_int_eq(source->type->read(source, 0, 100, &arena, &batch, &err), OK);
	add_batch(batch, &out);
	ck_assert_str_eq(strbuf_text(&out), "5|6\n");
	ck_assert_int_eq(source->type->read(source, 0, 100, &arena, &batch, &err), DONE);
	source_close(source);
	strbuf_free(&out);
}
END_TEST

START_TEST(follow)
{
	const char	 *path = write_file("a.csv", "a,b\n1,2\n3,");
	FileSpec	  file = describe(path);
	SourceSpec	  spec = {.kind = SOURCE_FILE, .name = file.path, .file = &file, .n_columns = 2, .columns = file.columns};
	SourceContext context = {.env = &env_real, .bad_records = &bad_log, .n_threads = 1};
	Source		 *source;
	Batch		 *batch;
	Error		  err = {0};
	StrBuf		  out = {0};
	FILE		 *f;

	file.follow = true;
	ck_assert_int_eq(source_open(&arena, &spec, &context, &source, &err), OK);
	ck_assert_int_eq(source->type->read(source, 0, 100, &arena, &batch, &err), OK);
	add_batch(batch, &out);
	ck_assert_int_eq(source->type->read(source, 0, 100, &arena, &batch, &err), OK);
	ck_assert_ptr_null(batch);
	f = fopen(path, "a");
	fputs("4\n5,6\n", f);
	fclose(f);
	ck_assert_int_eq(source->type->read(source, 0, 100, &arena, &batch, &err), OK);
	ck_assert_ptr_nonnull(batch);
	add_batch(batch, &out);
	ck_assert_str_eq(strbuf_text(&out), "1|2\n3|4\n5|6\n");
	source_close(source);
	strbuf_free(&out);
}
END_TEST

static int64_t
count_rows(FileSpec *file)
{
	SourceSpec	  spec = {.kind = SOURCE_FILE, .name = file->path, .file = file};
	SourceContext context = {.env = &env_real, .bad_records = &bad_log, .n_threads = 2, .is_bounded = true};
	Source		 *source;
	Batch		 *batch;
	Error		  err = {0};
	int64_t		  n = 0;

	ck_assert_int_eq(source_open(&arena, &spec, &context, &source, &err), OK);
	for (int p = 0; p < source->n_partitions; p++)
		while (source->type->read(source, p, BATCH_ROWS, &arena, &batch, &err) == OK && batch != NULL)
			n += batch->n_rows;
	source_close(source);
	return n;
}

START_TEST(counting)
{
	const char *path = path_of("n.csv");
	FILE	   *f = fopen(path, "w");
	FileSpec	spec;

	fputs("a,b\n", f);
	for (int i = 0; i < 200000; i++)
		fprintf(f, "%d,%d\n%s", i, i, i == 77777 ? "\n1\n" : i == 88888 ? "\"x\n\",1\n" : "");
	fclose(f);
	spec = describe(path);
	ck_assert_int_eq(count_rows(&spec), 200001);
	spec = describe(write_file("n.jsonl", "{\"a\":1}\n{\"a\":2}\n\nx\n"));
	ck_assert_int_eq(count_rows(&spec), 2);
}
END_TEST

static void
copy_file(FileSpec *file, const char *to, const char *compression)
{
	FileWriteSpec spec = {.path = to, .compression = compression, .n_columns = file->n_columns, .columns = file->columns};
	SourceSpec	  source_spec = {.kind = SOURCE_FILE, .name = file->path, .file = file, .n_columns = file->n_columns, .columns = file->columns};
	SourceContext context = {.env = &env_real, .bad_records = &bad_log, .n_threads = 1, .is_bounded = true};
	Source		 *source;
	FileWriter	 *writer;
	Batch		 *batch;
	Error		  err = {0};

	ck_assert_int_eq(source_open(&arena, &source_spec, &context, &source, &err), OK);
	ck_assert_msg(file_writer_open(&spec, &writer, &err) == OK, "%s", err.message);
	while (source->type->read(source, 0, 1000, &arena, &batch, &err) == OK && batch != NULL)
		ck_assert_int_eq(file_writer_add(writer, batch, &err), OK);
	ck_assert_int_eq(access(to, F_OK), -1);
	ck_assert_msg(file_writer_commit(writer, &err) == OK, "%s", err.message);
	source_close(source);
}

START_TEST(writing)
{
	static const char content[] = "a,b,c,d\n1,\"x, \"\"y\"\"\nz\",1.5,2024-01-02 03:04:05\n2,\"\",,\n3,,-0.25,1969-12-31 23:59:59.5\n";
	static const char *const names[] = {"o.csv", "o.tsv.gz", "o.jsonl", "o.json.zst"};
	FileSpec		  file = describe(write_file("a.csv", content));
	const char		 *rows = contents(&file);

	for (int i = 0; i < 4; i++) {
		FileSpec again;

		copy_file(&file, path_of(names[i]), NULL);
		again = describe(path_of(names[i]));
		/* JSON has no timestamps */
		if (i >= 2) {
			Column *columns = arena_array(&arena, Column, again.n_columns);

			for (int c = 0; c < again.n_columns; c++)
				columns[c] = file.columns[c];
			again.columns = columns;
		}
		ck_assert_str_eq(contents(&again), rows);
	}
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("file source");
	TCase	*cases = tcase_create("all");
	SRunner *runner;
	int		 n_failed;

	tcase_set_timeout(cases, 60);
	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_test(cases, csv_types);
	tcase_add_test(cases, csv_quotes);
	tcase_add_test(cases, csv_bad_rows);
	tcase_add_test(cases, csv_declared);
	tcase_add_test(cases, json_lines);
	tcase_add_test(cases, json_shapes);
	tcase_add_test(cases, compressed_and_globs);
	tcase_add_test(cases, refusals);
	tcase_add_test(cases, ranges);
	tcase_add_test(cases, positions);
	tcase_add_test(cases, follow);
	tcase_add_test(cases, counting);
	tcase_add_test(cases, writing);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
