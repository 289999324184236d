/*
 * What is in a file: format, compression, delimiter, header and column types, from a sample of its first MiB and, of large
 * plain files, two pieces from the middle.  What the user has written is never overridden.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/decimal.h"
#include "data/double_text.h"
#include "data/json_text.h"
#include "data/time_text.h"
#include "io/connector/file/file_impl.h"
#include "io/connector/file/parquet_source.h"
#include "io/connector/file/path_source.h"
#include "io/http.h"

#define SAMPLE_BYTES ((size_t)1 << 20)
#define MIDDLE_BYTES ((size_t)128 << 10)
#define SAMPLE_ROWS 20480

/* A piece of the file that holds whole lines (but for the last one, when the file ends there). */
typedef struct Sample {
	char   *data;
	size_t	length;
	bool	is_whole;		/* the file ends here */
} Sample;

typedef struct Describe {
	Arena	   *arena;		/* of the result */
	Arena		scratch;
	FileSpec   *spec;
	const char *path;		/* of the first file */
	bool		fold_names;
	Sample		samples[3];
	int			n_samples;
	Column	   *columns;
} Describe;

/* ---- reading samples ---- */

/*
 * What stands in a pipe without taking it: duplicates its content into another pipe.  Waits until it is full enough or
 * nothing has come for a moment.
 */
static Status
peek_pipe(Describe *d, Sample *sample, Error *err)
{
	int		pipes[2];
	ssize_t n = 0, before = -1;
	int		idle = 0;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return error_fatal(err, "Standard input cannot be looked at: %s", strerror(errno));
	for (;;) {
		struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};

		poll(&ready, 1, -1);
		n = tee(STDIN_FILENO, pipes[1], 64 << 10, 0);
		if (n < 0 && errno != EINTR) {
			close(pipes[0]);
			close(pipes[1]);
			error_user(err, "What standard input holds cannot be found out: it is not a pipe or a file");
			return error_hint(err, "Say it: WITH (FORMAT='CSV', HEADER=..., SCHEMA='...')");
		}
		if (n >= 0) {
			size_t left = (size_t)n, got = 0;

			while (left > 0) {
				ssize_t k = read(pipes[0], sample->data + got, left);

				if (k <= 0)
					break;
				got += (size_t)k;
				left -= (size_t)k;
			}
			sample->length = got;
		}
		/* a writer that has gone says so (POLLHUP): then this is all */
		if (n == 0 || n >= (60 << 10) || (ready.revents & POLLHUP))
			break;
		idle = n == before ? idle + 1 : 0;
		before = n;
		if (idle >= 4)
			break;
		usleep(10000);
	}
	close(pipes[0]);
	close(pipes[1]);
	(void)d;
	return OK;
}

static Status
read_at(ByteInput *input, const char *path, int64_t offset, size_t size, Sample *sample, Error *err)
{
	size_t got = 1;

	if (offset > 0)
		TRY(byte_input_seek(input, offset, path, err));
	sample->length = 0;
	while (sample->length < size && got > 0) {
		TRY(byte_input_read(input, sample->data + sample->length, size - sample->length, &got, path, err));
		sample->length += got;
	}
	sample->is_whole = got == 0;
	return OK;
}

static Status
find_compression(Describe *d, const char *path, Compression *compression, Error *err)
{
	FileSpec *spec = d->spec;
	ByteInput input;
	char	  head[4];
	size_t	  got;
	Status	  status;

	if (spec->compression != NULL) {
		if (str_equal_nocase(str_of(spec->compression), STR("gzip")) || str_equal_nocase(str_of(spec->compression), STR("gz")))
			spec->compression = "gzip";
		else if (str_equal_nocase(str_of(spec->compression), STR("zstd")) || str_equal_nocase(str_of(spec->compression), STR("zst")))
			spec->compression = "zstd";
		else if (str_equal_nocase(str_of(spec->compression), STR("none")))
			spec->compression = NULL;
		else
			return error_user(err, "Unknown compression '%s': there are none, gzip and zstd", spec->compression);
		*compression = spec->compression == NULL ? COMPRESSION_NONE : spec->compression[0] == 'g' ? COMPRESSION_GZIP : COMPRESSION_ZSTD;
		return OK;
	}
	*compression = COMPRESSION_NONE;
	TRY(byte_input_open(&input, spec->access, path, COMPRESSION_NONE, err));
	if (input.is_stream && input.http == NULL) {
		byte_input_close(&input);
		return OK;
	}
	status = byte_input_read(&input, head, sizeof head, &got, path, err);
	byte_input_close(&input);
	TRY(status);
	*compression = compression_of(path_is_url(path) ? str_make(path, strcspn(path, "?#")) : str_of(path), str_make(head, got));
	spec->compression = *compression == COMPRESSION_GZIP ? "gzip" : *compression == COMPRESSION_ZSTD ? "zstd" : NULL;
	return OK;
}

/* Cuts a piece at its last line end, and if `from_middle` behind its first. */
static void
sample_trim(Sample *sample, bool from_middle)
{
	if (from_middle) {
		size_t newline = find_newline(sample->data, 0, sample->length);

		newline += newline < sample->length;
		sample->data += newline;
		sample->length -= newline;
	}
	if (sample->is_whole)
		return;
	while (sample->length > 0 && sample->data[sample->length - 1] != '\n')
		sample->length--;
}

static Status
read_samples(Describe *d, Error *err)
{
	Compression compression = COMPRESSION_NONE;
	ByteInput	input;
	struct stat st;
	Status		status;

	for (int i = 0; i < 3; i++)
		d->samples[i].data = (char *)arena_alloc(&d->scratch, (i == 0 ? SAMPLE_BYTES : MIDDLE_BYTES) + 256) + 64;
	TRY(find_compression(d, d->path, &compression, err));
	TRY(byte_input_open(&input, d->spec->access, d->path, compression, err));
	d->n_samples = 1;
	if (input.http != NULL)
		d->spec->size_bytes = input.length;
	if (input.http != NULL || fstat(input.fd, &st) != 0)
		st = (struct stat){0};
	if (input.http == NULL && !S_ISREG(st.st_mode)) {
		byte_input_close(&input);
		if (strcmp(d->path, "-") != 0)
			return error_user(err, "'%s' is not a regular file: what it holds cannot be found out", d->path);
		TRY(peek_pipe(d, &d->samples[0], err));
		d->samples[0].is_whole = memchr(d->samples[0].data, '\n', d->samples[0].length) == NULL;
		sample_trim(&d->samples[0], false);
		return OK;
	}
	status = read_at(&input, d->path, 0, SAMPLE_BYTES, &d->samples[0], err);
	if (status == OK && compression == COMPRESSION_NONE && (size_t)st.st_size > 8 * SAMPLE_BYTES) {
		for (int i = 1; i < 3 && status == OK; i++) {
			status = read_at(&input, d->path, st.st_size / 3 * i, MIDDLE_BYTES, &d->samples[i], err);
			d->n_samples = i + 1;
		}
	}
	byte_input_close(&input);
	TRY(status);
	for (int i = 0; i < d->n_samples; i++)
		sample_trim(&d->samples[i], i > 0);
	if (d->samples[0].length == 0 && !d->samples[0].is_whole)
		return error_user(err, "'%s' has no line end in its first MiB", d->path);
	if (d->samples[0].length >= 3 && memcmp(d->samples[0].data, "\xef\xbb\xbf", 3) == 0) {
		d->samples[0].data += 3;
		d->samples[0].length -= 3;
	}
	return OK;
}

/* The lines that SKIP leaves out. */
static Status
sample_skip(const Describe *d, Sample *sample, Error *err)
{
	for (int i = 0; i < d->spec->skip_lines; i++) {
		const char *line_end = memchr(sample->data, '\n', sample->length);

		if (line_end == NULL)
			return error_user(err, "'%s' has fewer than the %d lines that SKIP leaves out, and one more", d->path, d->spec->skip_lines);
		sample->length -= (size_t)(line_end + 1 - sample->data);
		sample->data += line_end + 1 - sample->data;
	}
	return OK;
}

/* ---- format ---- */

static Str
base_name(const char *path)
{
	static const char *const packed[] = {".gz", ".gzip", ".zst", ".zstd"};
	Str						 name = str_of(path);

	if (path_is_url(path))
		name.length = strcspn(path, "?#");
	for (int i = 0; i < 4; i++)
		if (str_ends_with(name, str_of(packed[i])))
			name.length -= strlen(packed[i]);
	return name;
}

static Status
find_format(Describe *d, Error *err)
{
	static const struct {
		const char *word, *format;
	} words[] = {
		{"csv", "CSV"},	  {"tsv", "CSV"},	{"tab", "CSV"},		 {"delimited", "CSV"}, {"json", "JSON"},
		{"jsonl", "JSON"}, {"ndjson", "JSON"}, {"parquet", "PARQUET"},
	};
	FileSpec   *spec = d->spec;
	const char *found = NULL;
	Str			name = base_name(d->path);

	if (spec->format != NULL) {
		for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
			if (str_equal_nocase(str_of(spec->format), str_of(words[i].word)))
				found = words[i].format;
		if (found == NULL) {
			error_user(err, "Unknown format of a file: '%s'", spec->format);
			return error_hint(err, "There are CSV, JSON and PARQUET");
		}
		if (str_equal_nocase(str_of(spec->format), STR("tsv")) && spec->delimiter == '\0')
			spec->delimiter = '\t';
	} else {
		for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
			size_t n = strlen(words[i].word);

			if (name.length > n && name.data[name.length - n - 1] == '.' &&
				str_equal_nocase(str_make(name.data + name.length - n, n), str_of(words[i].word)))
				found = words[i].format;
		}
		if (str_ends_with(name, STR(".tsv")) && spec->delimiter == '\0')
			spec->delimiter = '\t';
	}
	spec->format = found;
	return OK;
}

static Status
find_format_by_content(Describe *d, Error *err)
{
	Str text = str_make(d->samples[0].data, d->samples[0].length);

	if (text.length >= 2 && (memcmp(text.data, "\xff\xfe", 2) == 0 || memcmp(text.data, "\xfe\xff", 2) == 0)) {
		error_user(err, "'%s' is UTF-16 text; files must be UTF-8", d->path);
		return error_hint(err, "Convert it: iconv -f UTF-16 -t UTF-8 %s", d->path);
	}
	if (d->spec->format != NULL)
		return OK;
	if (text.length >= 4 && memcmp(text.data, "PAR1", 4) == 0) {
		d->spec->format = "PARQUET";
		return OK;
	}
	if (memchr(text.data, '\0', text.length) != NULL) {
		error_user(err, "'%s' is not a text file", d->path);
		return error_hint(err, "Files may be CSV or JSON lines, plain or compressed by gzip or zstd");
	}
	d->spec->format = str_trim(text).length > 0 && str_trim(text).data[0] == '{' ? "JSON" : "CSV";
	return OK;
}

/* ---- names ---- */

static char *
fold_name(Describe *d, Str name)
{
	char *text = str_to_arena(d->arena, name);

	if (d->fold_names)
		for (char *p = text; *p != '\0'; p++)
			if (*p >= 'a' && *p <= 'z')
				*p -= 'a' - 'A';
	return text;
}

/* ---- CSV ---- */

/* The next row of a piece without its line end; false at the end.  Quoted line ends are seen. */
static bool
next_row(const Sample *sample, size_t *at, char delimiter, char quote, Str *row)
{
	const char *p = sample->data + *at, *end = sample->data + sample->length;
	const char *begin = p;
	bool		at_start = true, inside = false;

	if (p >= end)
		return false;
	for (; p < end; p++) {
		if (inside) {
			inside = *p != quote;
		} else if (*p == quote && quote != '\0' && at_start) {
			inside = true;
			at_start = false;
		} else if (*p == '\n') {
			break;
		} else {
			/* a doubled quote goes on within quotes */
			if (*p == quote && quote != '\0' && p > begin && p[-1] == quote)
				inside = true;
			at_start = *p == delimiter;
		}
	}
	*at = (size_t)(p - sample->data) + (p < end);
	*row = str_make(begin, (size_t)(p - begin));
	if (row->length > 0 && row->data[row->length - 1] == '\r')
		row->length--;
	return true;
}

/* How well a delimiter fits: rows that have as many fields as the first, if more than one. */
static int
delimiter_score(Describe *d, char delimiter, int *n_fields)
{
	size_t at = 0;
	Str	   row, *fields;
	bool  *quoted;
	int	   score = 0, rows = 0;

	*n_fields = 0;
	while (rows < 200 && next_row(&d->samples[0], &at, delimiter, d->spec->quote, &row)) {
		if (row.length == 0)
			continue;
		int n = csv_split_line(&d->scratch, row, delimiter, d->spec->quote, &fields, &quoted);

		if (rows++ == 0)
			*n_fields = n;
		score += n == *n_fields ? 1 : -4;
	}
	return *n_fields > 1 ? score : 0;
}

static void
find_delimiter(Describe *d)
{
	static const char candidates[] = {',', '\t', ';', '|'};
	int				  best = 0, best_fields = 0;

	if (d->spec->delimiter != '\0')
		return;
	d->spec->delimiter = ',';
	for (size_t i = 0; i < sizeof candidates; i++) {
		int n_fields, score = delimiter_score(d, candidates[i], &n_fields);

		if (score > best || (score == best && score > 0 && n_fields > best_fields)) {
			best = score;
			best_fields = n_fields;
			d->spec->delimiter = candidates[i];
		}
	}
}

/*
 * What a text may be.  IS_CODE: digits that a number would lose zeros of (007), so a text that looks like a number.  IS_DATE and
 * IS_TIMESTAMP have the year first, the others an order that is in doubt until one value excludes one of the two.
 */
enum {
	IS_BOOLEAN = 1, IS_BIGINT = 2, IS_DECIMAL = 4, IS_DOUBLE = 8, IS_DATE = 16, IS_TIMESTAMP = 32, IS_TIME = 64, IS_CODE = 128,
	IS_DATE_DMY = 256, IS_DATE_MDY = 512, IS_TIMESTAMP_DMY = 1024, IS_TIMESTAMP_MDY = 2048, IS_ANY = 4095,
	IS_DMY = IS_DATE_DMY | IS_TIMESTAMP_DMY, IS_MDY = IS_DATE_MDY | IS_TIMESTAMP_MDY
};

/* Digits alone, with a sign perhaps; their number. */
static size_t
count_digits(Str text, bool *is_code)
{
	size_t at = text.length > 0 && (text.data[0] == '-' || text.data[0] == '+'), n = text.length - at;

	for (size_t i = at; i < text.length; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return 0;
	*is_code = n > 1 && text.data[at] == '0';
	return n;
}

static int
number_fits(Str text)
{
	bool	is_code = false;
	size_t	n_digits = count_digits(text, &is_code);
	int64_t n;
	double	x;

	if (is_code)
		return IS_CODE;
	if (n_digits > 0 && int64_parse(text, &n))
		return IS_BIGINT | IS_DECIMAL | IS_DOUBLE;
	if (n_digits > 0 && n_digits <= DECIMAL_MAX_DIGITS)
		return IS_DECIMAL | IS_DOUBLE;
	return double_parse(text, DOUBLE_STRICT, &x) ? IS_DOUBLE : 0;
}

/* ISO's dates and times: all that JSON has. */
static int
time_fits(Str text)
{
	int32_t days, millis;
	int64_t micros;

	if (date_sniff(text, &days))
		return IS_DATE | IS_TIMESTAMP;
	if (text.length >= 16 && timestamp_sniff(text, &micros))
		return IS_TIMESTAMP;
	return text.length >= 8 && text.data[2] == ':' && time_sniff(text, &millis) ? IS_TIME : 0;
}

/* Dates as people write them. */
static int
date_fits(Str text)
{
	static const int dates[] = {IS_DATE | IS_TIMESTAMP, IS_DATE_DMY | IS_TIMESTAMP_DMY, IS_DATE_MDY | IS_TIMESTAMP_MDY};
	static const int timestamps[] = {IS_TIMESTAMP, IS_TIMESTAMP_DMY, IS_TIMESTAMP_MDY};
	int				 fits = 0;
	int32_t			 days;
	int64_t			 micros;

	for (int order = DATE_ORDER_YMD; order <= DATE_ORDER_MDY; order++) {
		if (date_sniff_order(text, (DateOrder)order, &days))
			fits |= dates[order];
		else if (timestamp_sniff_order(text, (DateOrder)order, &micros))
			fits |= timestamps[order];
	}
	return fits;
}

/* The types that a text fits. */
static int
text_fits(Str text)
{
	char first = text.data[0];

	if ((first >= '0' && first <= '9') || first == '-' || first == '+' || first == '.') {
		int fits = number_fits(text) | time_fits(text);

		return fits != 0 ? fits : date_fits(text);
	}
	return str_equal_nocase(text, STR("true")) || str_equal_nocase(text, STR("false")) ? IS_BOOLEAN : 0;
}

/*
 * The order of a file's dates: that of the columns where only one is possible.  A file without such a column, or with both
 * kinds, leaves the year-first order: its other dates are text, which is not wrong and can be seen.
 */
static DateOrder
find_date_order(const int *fits, int n)
{
	bool has_dmy = false, has_mdy = false;

	for (int c = 0; c < n; c++) {
		if (fits[c] == IS_ANY)
			continue;
		has_dmy |= (fits[c] & IS_DMY) != 0 && (fits[c] & IS_MDY) == 0;
		has_mdy |= (fits[c] & IS_MDY) != 0 && (fits[c] & IS_DMY) == 0;
	}
	return has_dmy == has_mdy ? DATE_ORDER_YMD : has_dmy ? DATE_ORDER_DMY : DATE_ORDER_MDY;
}

/* Dates of the file's order are dates, those of the other are not. */
static int
settle_order(int fits, DateOrder order)
{
	int date = order == DATE_ORDER_DMY ? IS_DATE_DMY : order == DATE_ORDER_MDY ? IS_DATE_MDY : 0;
	int timestamp = order == DATE_ORDER_DMY ? IS_TIMESTAMP_DMY : order == DATE_ORDER_MDY ? IS_TIMESTAMP_MDY : 0;

	if (fits == IS_ANY)
		return fits;
	return (fits & ~(IS_DMY | IS_MDY)) | (fits & date ? IS_DATE : 0) | (fits & timestamp ? IS_TIMESTAMP : 0);
}

static const Type *
type_of_fits(int fits)
{
	if (fits == IS_ANY)
		return type_string;
	return fits & IS_BOOLEAN ? type_boolean
		   : fits & IS_BIGINT ? type_bigint
		   : fits & IS_DECIMAL ? type_decimal(DECIMAL_MAX_DIGITS, 0)
		   : fits & IS_DOUBLE ? type_double
		   : fits & IS_DATE	  ? type_date
		   : fits & IS_TIMESTAMP ? type_timestamp
		   : fits & IS_TIME ? type_time
							: type_string;
}

typedef struct CsvProfile {
	int	  n;
	int	 *fits;			/* of the rows behind the first */
	bool *occurs;		/* the first row's value occurs again in its column */
	Str	 *first;
	bool *first_quoted;
	int	  n_rows;		/* behind the first */
} CsvProfile;

static bool
is_null_field(const FileSpec *spec, Str text, bool quoted)
{
	if (quoted)
		return false;
	return text.length == 0 || (spec->null_text != NULL && str_equal(text, str_of(spec->null_text)));
}

static Status
csv_profile(Describe *d, CsvProfile *p, Error *err)
{
	FileSpec *spec = d->spec;
	Str		  row, *fields;
	bool	 *quoted;
	bool	  has_first = false;

	*p = (CsvProfile){0};
	for (int s = 0; s < d->n_samples; s++) {
		size_t at = 0;

		for (int rows = 0; rows < SAMPLE_ROWS && next_row(&d->samples[s], &at, spec->delimiter, spec->quote, &row); rows++) {
			if (row.length == 0)
				continue;
			ArenaMark mark = arena_mark(&d->scratch);
			int		  n = csv_split_line(&d->scratch, row, spec->delimiter, spec->quote, &fields, &quoted);

			if (!has_first) {
				has_first = true;
				p->n = n;
				p->first = fields;
				p->first_quoted = quoted;
				p->fits = arena_array(&d->scratch, int, n);
				p->occurs = arena_array(&d->scratch, bool, n);
				for (int c = 0; c < n; c++)
					p->fits[c] = IS_ANY;
				continue;
			}
			if (n == p->n) {
				p->n_rows++;
				for (int c = 0; c < n; c++) {
					if (is_null_field(spec, fields[c], quoted[c]))
						continue;
					p->occurs[c] |= str_equal(fields[c], p->first[c]);
					if (p->fits[c] != 0)
						p->fits[c] &= fields[c].length > 0 ? text_fits(fields[c]) : 0;
				}
			}
			arena_rewind(&d->scratch, mark);
		}
	}
	if (!has_first && spec->n_columns == 0) {
		error_user(err, "The file '%s' is empty: it does not show its columns", d->path);
		return error_hint(err, "Declare them: WITH (SCHEMA='name TYPE, ...')");
	}
	return OK;
}

/* Names are words that don't occur as values. */
static bool
looks_like_names(const CsvProfile *p)
{
	for (int c = 0; c < p->n; c++) {
		Str name = p->first[c];

		if (name.length == 0 || name.length > 128 || p->occurs[c] || text_fits(name) != 0)
			return false;
		for (int k = 0; k < c; k++)
			if (str_equal(p->first[k], name))
				return false;
	}
	return true;
}

static bool
find_header(const Describe *d, const CsvProfile *p)
{
	const FileSpec *spec = d->spec;
	bool			has_typed = false;

	if (p->n == 0)
		return false;
	if (spec->n_columns > 0) {
		/* the declared names, or a text that fits no declared type */
		int n_same = 0;

		for (int c = 0; c < p->n; c++)
			for (int k = 0; k < spec->n_columns; k++)
				n_same += str_equal_nocase(str_trim(p->first[c]), str_of(spec->columns[k].name));
		if (n_same > 0 && n_same >= (p->n < spec->n_columns ? p->n : spec->n_columns))
			return true;
		for (int c = 0; c < p->n && c < spec->n_columns; c++) {
			TypeKind kind = spec->columns[c].type->kind;

			if ((kind == TYPE_INTEGER || kind == TYPE_BIGINT || kind == TYPE_DOUBLE || kind == TYPE_DECIMAL) &&
				!is_null_field(spec, p->first[c], p->first_quoted[c]) && !(text_fits(str_trim(p->first[c])) & IS_DOUBLE) &&
				p->fits[c] != 0)
				return true;
		}
		return false;
	}
	for (int c = 0; c < p->n; c++)
		has_typed |= p->fits[c] != 0 && p->fits[c] != IS_ANY;
	if (!looks_like_names(p)) {
		/* typed columns whose first text does not fit their type still show a header; names of text columns may be values too */
		for (int c = 0; c < p->n; c++)
			if (p->first[c].length == 0 || text_fits(p->first[c]) != 0 || (p->occurs[c] && p->fits[c] != 0 && p->fits[c] != IS_ANY))
				return false;
		return has_typed;
	}
	return has_typed || p->n_rows > 0 || str_ends_with(base_name(d->path), STR(".csv"));
}

static Status
csv_columns(Describe *d, const CsvProfile *p, Error *err)
{
	FileSpec *spec = d->spec;
	Column	 *columns = arena_array(d->arena, Column, p->n + 1);
	int		  n_found = 0;

	for (int c = 0; c < p->n; c++) {
		int		fits = p->fits[c];
		Str		name = spec->has_header ? str_trim(p->first[c]) : (Str){0};
		int		copy = 0;

		columns[c].type = type_of_fits(settle_order(fits, spec->date_order));
		columns[c].name = name.length > 0 ? fold_name(d, name) : fold_name(d, str_of(arena_printf(&d->scratch, "column%d", c)));
		for (int k = 0; k < c; k++)
			if (strcmp(columns[k].name, columns[c].name) == 0) {
				columns[c].name = fold_name(d, str_of(arena_printf(&d->scratch, "%.*s_%d", (int)name.length, name.data, ++copy)));
				k = -1;
			}
	}
	if (spec->n_columns == 0) {
		spec->n_columns = p->n;
		spec->columns = columns;
		return OK;
	}
	/* declared: by name where the header has all of them, else by position */
	if (spec->has_header) {
		for (int k = 0; k < spec->n_columns; k++) {
			for (int c = 0; c < p->n; c++)
				if (str_equal_nocase(str_trim(p->first[c]), str_of(spec->columns[k].name))) {
					columns[c] = spec->columns[k];
					n_found++;
					break;
				}
		}
		if (n_found == spec->n_columns) {
			spec->n_columns = p->n;
			spec->columns = columns;
			return OK;
		}
	}
	if (p->n != 0 && spec->n_columns != p->n) {
		error_user(err, "'%s' has %d column%s, SCHEMA declares %d", d->path, p->n, p->n == 1 ? "" : "s", spec->n_columns);
		return error_hint(err, "Fields are separated by '%c' here; VALUE_DELIMITER says otherwise", spec->delimiter);
	}
	return OK;
}

static Status
describe_csv(Describe *d, Error *err)
{
	FileSpec  *spec = d->spec;
	CsvProfile profile;

	if (!spec->quote_is_set)
		spec->quote = '"';
	find_delimiter(d);
	TRY(csv_profile(d, &profile, err));
	if (!spec->header_is_set)
		spec->has_header = find_header(d, &profile);
	for (int c = 0; c < profile.n && !spec->has_header; c++)
		if (!is_null_field(spec, profile.first[c], profile.first_quoted[c]))
			profile.fits[c] &= text_fits(profile.first[c]);
	if (!spec->date_order_is_set)
		spec->date_order = find_date_order(profile.fits, profile.n);
	return csv_columns(d, &profile, err);
}

/* ---- JSON ---- */

/* What values have been seen at one place. */
typedef struct Shape Shape;

typedef struct ShapeField {
	Str	   name;
	Shape *shape;
} ShapeField;

struct Shape {
	bool		has_boolean, has_integer, has_huge, has_double, has_string, has_object, has_array;
	int			fits;		/* of the strings: dates and times among IS_ANY */
	int			n_fields, capacity;
	ShapeField *fields;
	Shape	   *element;
	int			next;		/* the field that probably comes next */
};

#define SHAPE_FIELDS_MAX 1000

static Shape *
shape_field(Describe *d, Shape *shape, Str name)
{
	if (shape->next < shape->n_fields && str_equal(shape->fields[shape->next].name, name))
		return shape->fields[shape->next++].shape;
	for (int i = 0; i < shape->n_fields; i++)
		if (d->fold_names ? str_equal_nocase(shape->fields[i].name, name) : str_equal(shape->fields[i].name, name)) {
			shape->next = i + 1;
			return shape->fields[i].shape;
		}
	if (shape->n_fields >= SHAPE_FIELDS_MAX)
		return NULL;
	if (shape->n_fields == shape->capacity) {
		int			capacity = shape->capacity > 0 ? shape->capacity * 2 : 8;
		ShapeField *more = arena_array(d->arena, ShapeField, capacity);

		if (shape->n_fields > 0)
			memcpy(more, shape->fields, sizeof *more * (size_t)shape->n_fields);
		shape->fields = more;
		shape->capacity = capacity;
	}
	shape->fields[shape->n_fields] = (ShapeField){
		.name = str_make(arena_memdup(d->arena, name.data, name.length), name.length), .shape = arena_new(d->arena, Shape)};
	shape->next = shape->n_fields + 1;
	return shape->fields[shape->n_fields++].shape;
}

static void
shape_add(Describe *d, Shape *shape, const JsonValue *value, int depth)
{
	int64_t n;

	if (shape == NULL)
		return;
	switch (value->kind) {
	case JSON_NULL:
		break;
	case JSON_FALSE:
	case JSON_TRUE:
		shape->has_boolean = true;
		break;
	case JSON_NUMBER:
		if (value->is_integer && int64_parse(value->text, &n))
			shape->has_integer = true;
		else if (value->is_integer && number_fits(value->text) & IS_DECIMAL)
			shape->has_huge = true;
		else
			shape->has_double = true;
		break;
	case JSON_STRING:
		if (!shape->has_string)
			shape->fits = IS_ANY;
		shape->has_string = true;
		if (shape->fits != 0)
			shape->fits &= value->text.length > 0 ? time_fits(value->text) : 0;
		break;
	case JSON_ARRAY:
		shape->has_array = true;
		if (shape->element == NULL)
			shape->element = arena_new(d->arena, Shape);
		for (uint32_t i = 0; i < value->n && depth < 50; i++)
			shape_add(d, shape->element, &value->elements[i], depth + 1);
		break;
	case JSON_OBJECT:
		shape->has_object = true;
		shape->next = 0;
		for (uint32_t i = 0; i < value->n && depth < 50; i++)
			shape_add(d, shape_field(d, shape, value->members[i].name), &value->members[i].value, depth + 1);
		break;
	}
}

static const Type *
shape_type(Describe *d, const Shape *shape)
{
	int n_kinds = shape->has_boolean + (shape->has_integer || shape->has_huge || shape->has_double) + shape->has_string + shape->has_object + shape->has_array;

	if (n_kinds != 1)
		return type_string;
	if (shape->has_boolean)
		return type_boolean;
	if (shape->has_double)
		return type_double;
	if (shape->has_huge)
		return type_decimal(DECIMAL_MAX_DIGITS, 0);
	if (shape->has_integer)
		return type_bigint;
	if (shape->has_string)
		return type_of_fits(shape->fits);
	if (shape->has_array)
		return type_array(shape_type(d, shape->element));
	if (shape->has_object && shape->n_fields > 0 && shape->n_fields < SHAPE_FIELDS_MAX) {
		TypeField *fields = arena_array(&d->scratch, TypeField, shape->n_fields);

		for (int i = 0; i < shape->n_fields; i++)
			fields[i] = (TypeField){.name = fold_name(d, shape->fields[i].name), .type = shape_type(d, shape->fields[i].shape)};
		return type_struct(fields, shape->n_fields);
	}
	return type_string;
}

static Status
describe_json(Describe *d, Error *err)
{
	FileSpec *spec = d->spec;
	Shape	 *rows = arena_new(d->arena, Shape);
	int		  n_lines = 0, n_bad = 0;
	Error	  first_reason = {0};

	spec->quote = '\0';
	spec->has_header = false;
	if (spec->n_columns > 0)
		return OK;
	for (int s = 0; s < d->n_samples; s++) {
		const Sample *sample = &d->samples[s];
		int			  n = 0;

		for (size_t at = 0; at < sample->length && n < SAMPLE_ROWS; n++) {
			size_t	  newline = find_newline(sample->data, at, sample->length);
			Str		  line = str_trim(str_make(sample->data + at, newline - at));
			ArenaMark mark = arena_mark(&d->scratch);
			JsonValue value = {0};
			Error	  reason;

			at = newline + 1;
			if (line.length == 0)
				continue;
			n_lines++;
			if (json_parse(&d->scratch, line, JSON_STRICT, &value, &reason) == OK && value.kind == JSON_OBJECT) {
				shape_add(d, rows, &value, 0);
			} else {
				if (n_bad++ == 0) {
					if (line.data[0] != '{')
						error_data(&first_reason, "a line is not an object");
					else
						first_reason = reason;
				}
			}
			arena_rewind(&d->scratch, mark);
		}
	}
	if (rows->n_fields == 0) {
		if (n_lines == 0)
			error_user(err, "The file '%s' is empty: it does not show its columns", d->path);
		else if (n_bad > 0)
			error_user(err, "'%s' does not hold JSON lines (one object a line): %s", d->path, first_reason.message);
		else
			error_user(err, "The objects of '%s' have no fields", d->path);
		return error_hint(err, "Declare the columns: WITH (SCHEMA='name TYPE, ...')");
	}
	d->columns = arena_array(d->arena, Column, rows->n_fields);
	for (int i = 0; i < rows->n_fields; i++)
		d->columns[i] = (Column){.name = fold_name(d, rows->fields[i].name), .type = shape_type(d, rows->fields[i].shape)};
	spec->n_columns = rows->n_fields;
	spec->columns = d->columns;
	return OK;
}

Status
file_describe(Arena *arena, FileSpec *spec, bool fold_names, Error *err)
{
	Describe d = {.arena = arena, .spec = spec, .fold_names = fold_names};
	char   **paths;
	int		 n_paths;
	PathColumns folders;
	Status	 status = OK;

	TRY_OUT(file_glob(&d.scratch, spec->access, spec->path, &paths, &n_paths, err));
	d.path = paths[0];
	if (spec->follow && path_is_url(d.path)) {
		error_user(err, "FOLLOW waits for files to grow, which '%s' cannot", d.path);
		TRY_OUT(error_hint(err, "Without FOLLOW the address is read once, to its end"));
	}
	spec->size_bytes = spec->n_rows = 0;
	for (int i = 0; i < n_paths; i++) {
		struct stat st;

		if (!path_is_url(paths[i]) && stat(paths[i], &st) == 0 && S_ISREG(st.st_mode))
			spec->size_bytes += st.st_size;
	}
	TRY_OUT(path_columns_split(arena, spec, paths, n_paths, fold_names, &folders, err));
	TRY_OUT(find_format(&d, err));
	if (spec->format == NULL || strcmp(spec->format, "PARQUET") != 0) {
		TRY_OUT(read_samples(&d, err));
		TRY_OUT(sample_skip(&d, &d.samples[0], err));
		TRY_OUT(find_format_by_content(&d, err));
	}
	if (strcmp(spec->format, "PARQUET") == 0) {
		status = parquet_describe(arena, spec, d.path, fold_names, err);
	} else if (strcmp(spec->format, "JSON") == 0) {
		status = describe_json(&d, err);
	} else {
		status = describe_csv(&d, err);
	}
	if (status == OK)
		path_columns_join(arena, spec, &folders);
	if (status == OK && spec->has_filename)
		status = path_columns_add_filename(arena, spec, fold_names, err);
	if (status == OK && spec->lists_paths) {
		spec->paths = arena_array(arena, char *, n_paths);
		spec->n_paths = n_paths;
		for (int i = 0; i < n_paths; i++)
			((char **)(uintptr_t)spec->paths)[i] = arena_strdup(arena, paths[i]);
	}
out:
	arena_free(&d.scratch);
	return status;
}
