/* `sluice datagen`: options, pace, and rows as JSON or CSV. */
#include "shell/datagen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "data/time_text.h"
#include "shell/datagen_impl.h"

static const DatagenSet *
set_find(const char *name)
{
	for (int i = 0; i < datagen_n_sets; i++) {
		if (str_equal_nocase(str_of(datagen_sets[i].name), str_of(name)))
			return &datagen_sets[i];
	}
	return NULL;
}

const char *const *
datagen_list(void)
{
	static const char *const names[] = {"orders", "users", "pageviews", "nexmark", "persons", "auctions", "bids", NULL};

	return names;
}

bool
datagen_csv_header(const char *name, StrBuf *out)
{
	const DatagenSet *set = set_find(name);

	if (set == NULL || set->csv_header == NULL)
		return false;
	strbuf_add_text(out, set->csv_header);
	return true;
}

bool
datagen_ddl(const char *name, const char *place, DatagenFormat format, bool is_file, StrBuf *out)
{
	const DatagenSet *set = set_find(name);

	if (set == NULL)
		return false;
	strbuf_printf(out, "CREATE STREAM %s (", set->name);
	if (format == DATAGEN_CSV && strcmp(set->name, "orders") == 0)
		strbuf_add_text(out, "ordertime BIGINT, orderid INT, itemid VARCHAR, orderunits DOUBLE, address_city VARCHAR, "
							 "address_state VARCHAR, address_zipcode BIGINT");
	else
		strbuf_add_text(out, set->columns);
	strbuf_printf(out, ") WITH (%s = '", is_file ? "PATH" : "KAFKA_TOPIC");
	for (const char *p = place; *p != '\0'; p++) {
		if (*p == '\'')
			strbuf_add_char(out, '\'');
		strbuf_add_char(out, *p);
	}
	if (is_file)
		strbuf_printf(out, "', FORMAT = '%s'", format == DATAGEN_CSV ? "CSV" : "JSON");
	else
		strbuf_printf(out, "', VALUE_FORMAT = '%s', PARTITIONS = 1", format == DATAGEN_CSV ? "DELIMITED" : "JSON");
	if (set->time_column != NULL)
		strbuf_printf(out, ", TIMESTAMP = '%s'", set->time_column);
	strbuf_add_text(out, ");");
	return true;
}

/* --------------------------------------------------------------------------------------------------- rows as text -- */

static void
number_add(StrBuf *out, int64_t number)
{
	char	 digits[24];
	int		 at = (int)sizeof digits;
	uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

	do
		digits[--at] = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (number < 0)
		digits[--at] = '-';
	strbuf_add(out, digits + at, sizeof digits - (size_t)at);
}

static void
field_add(StrBuf *out, const DatagenField *field)
{
	if (field->text.data != NULL)
		strbuf_add_str(out, field->text);
	else
		number_add(out, field->number);
}

static void
row_add_json(StrBuf *out, const DatagenRow *row)
{
	const char *group = NULL;

	strbuf_add_char(out, '{');
	for (int i = 0; i < row->n_fields; i++) {
		const DatagenField *field = &row->fields[i];

		/* Groups are literals, each one pointer. */
		if (group != NULL && field->group != group)
			strbuf_add_char(out, '}');
		if (i > 0)
			strbuf_add_char(out, ',');
		if (field->group != NULL && field->group != group) {
			strbuf_add_char(out, '"');
			strbuf_add_text(out, field->group);
			strbuf_add(out, "\":{", 3);
		}
		group = field->group;
		strbuf_add_char(out, '"');
		strbuf_add_text(out, field->name);
		strbuf_add(out, "\":", 2);
		if (field->is_text)
			strbuf_add_char(out, '"');
		field_add(out, field);
		if (field->is_text)
			strbuf_add_char(out, '"');
	}
	if (group != NULL)
		strbuf_add_char(out, '}');
	strbuf_add_char(out, '}');
}

/* Texts hold neither comma nor quote. */
static void
row_add_csv(StrBuf *out, const DatagenRow *row)
{
	for (int i = 0; i < row->n_fields; i++) {
		if (i > 0)
			strbuf_add_char(out, ',');
		field_add(out, &row->fields[i]);
	}
}

static void
row_add(StrBuf *out, const DatagenSet *set, const DatagenRow *row, DatagenFormat format)
{
	if (format == DATAGEN_CSV) {
		row_add_csv(out, row);
	} else if (set->csv_header != NULL) {
		row_add_json(out, row);
	} else {
		strbuf_printf(out, "{\"event_type\":%d,\"%s\":", row->kind, datagen_nexmark_kinds[row->kind]);
		row_add_json(out, row);
		strbuf_add_char(out, '}');
	}
}

/* ---------------------------------------------------------------------------------------------------------- a run -- */

void
datagen_options_init(DatagenOptions *options)
{
	*options = (DatagenOptions){.n_rows = -1, .interval_ms = -1};
}

/* Sleeps until row `index` is due; the sink is flushed first, so that what was made can be seen. */
static Status
pace(const DatagenOptions *options, const DatagenSink *sink, Nanos start, int64_t index, Error *err)
{
	Nanos			due = start + (Nanos)((double)index * 1e9 / options->rows_per_s), wait = due - nanos_now();
	struct timespec time = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000};

	if (wait <= 0)
		return OK;
	if (sink->flush != NULL)
		TRY(sink->flush(sink->context, err));
	nanosleep(&time, NULL);
	return OK;
}

Status
datagen_run(const DatagenOptions *options, const DatagenSink *sink, Error *err)
{
	const DatagenSet	  *set = set_find(options->set);
	DatagenState		   state = {0};
	DatagenRow			  *row;
	struct DatagenNexmark *nexmark = NULL;
	StrBuf				   key = {0}, value = {0};
	Nanos				   start = nanos_now();
	Time				   first;
	Status				   status = OK;

	if (set == NULL) {
		const char *nearest = str_nearest(options->set, datagen_list(), datagen_n_sets);

		error_user(err, "There is no data set `%s`", options->set);
		return nearest != NULL ? error_hint(err, "Did you mean `%s`?", nearest)
							   : error_hint(err, "`sluice datagen --list` shows them.");
	}
	if (options->format == DATAGEN_CSV && set->csv_header == NULL) {
		error_user(err, "The rows of `%s` are of several kinds, which CSV cannot hold", set->name);
		return error_hint(err, "Use --format json, or the sets persons, auctions and bids.");
	}
	datagen_random_init(&state.random, options->seed);
	if (set->is_nexmark)
		state.nexmark = nexmark = datagen_nexmark_new(&state.random);
	first = options->has_start ? options->start : set->start;
	state.interval_ms = options->interval_ms >= 0 ? options->interval_ms
						: options->rows_per_s > 0 ? 1000 / options->rows_per_s
												  : set->interval_ms;
	row = xcalloc(1, sizeof *row);
	for (int64_t i = 0; options->n_rows < 0 || i < options->n_rows; i++) {
		const DatagenField *key_field;

		if (options->rows_per_s > 0)
			TRY_OUT(pace(options, sink, start, i, err));
		state.index = i;
		state.now = first + (Time)((double)i * state.interval_ms);
		row->n_fields = row->key_field = 0;
		row->n_bytes = 0;
		set->make(&state, row);
		key_field = &row->fields[row->key_field];
		strbuf_clear(&key);
		field_add(&key, key_field);
		strbuf_clear(&value);
		row_add(&value, set, row, options->format);
		TRY_OUT(sink->write(sink->context, state.now, strbuf_str(&key), strbuf_str(&value), err));
	}
out:
	if (status != FAILED)
		status = sink->flush != NULL ? sink->flush(sink->context, err) : OK;
	strbuf_free(&key);
	strbuf_free(&value);
	free(row);
	free(nexmark);
	return status;
}

/* -------------------------------------------------------------------------------------------------- to a file -- */

typedef struct FileSink {
	FILE	   *file;
	const char *path;
} FileSink;

static Status
file_failed(FileSink *sink, Error *err)
{
	if (errno == EPIPE)
		return DONE;	/* the reader has seen enough */
	return error_fatal(err, "Cannot write `%s`: %s", sink->path, strerror(errno));
}

static Status
file_write(void *context, Time timestamp, Str key, Str value, Error *err)
{
	FileSink *sink = context;

	(void)timestamp;
	(void)key;
	if (fwrite_unlocked(value.data, 1, value.length, sink->file) != value.length ||
		putc_unlocked('\n', sink->file) == EOF)
		return file_failed(sink, err);
	return OK;
}

static Status
file_flush(void *context, Error *err)
{
	FileSink *sink = context;

	return fflush(sink->file) != 0 ? file_failed(sink, err) : OK;
}

typedef struct DatagenCommand {
	DatagenOptions options;
	const char	  *output;		/* NULL or "-": standard output */
	const char	  *topic;
	const char	  *directory;
	bool		   has_format;
	bool		   no_header;
	bool		   wants_sql;
	bool		   wants_help;
	bool		   wants_list;
} DatagenCommand;

static Status
command_to_file(const DatagenCommand *command, Error *err)
{
	bool		is_stdout = command->output == NULL || strcmp(command->output, "-") == 0;
	FileSink	file = {is_stdout ? stdout : fopen(command->output, "w"), is_stdout ? "standard output" : command->output};
	DatagenSink sink = {file_write, file_flush, &file};
	StrBuf		header = {0};
	Status		status = OK;

	if (file.file == NULL)
		return error_user(err, "Cannot write `%s`: %s", command->output, strerror(errno));
	setvbuf(file.file, NULL, _IOFBF, 1 << 18);
	if (command->options.format == DATAGEN_CSV && !command->no_header &&
		datagen_csv_header(command->options.set, &header))
		status = file_write(&file, 0, (Str){"", 0}, strbuf_str(&header), err);
	if (status == OK)
		status = datagen_run(&command->options, &sink, err);
	if (!is_stdout && fclose(file.file) != 0 && status == OK)
		status = file_failed(&file, err);
	strbuf_free(&header);
	return status;
}

/* ------------------------------------------------------------------------------------------------- the command -- */

static const char help_text[] =
	"Usage: sluice datagen SET [OPTION]...\n"
	"Makes data to try things with: the same for the same seed.\n"
	"\n"
	"  -n, --count N       rows to make (default: 1000 at full speed, else without end)\n"
	"  -r, --rate N        rows a second (default: as fast as possible)\n"
	"  -s, --seed N        another seed gives other data (default: 0)\n"
	"  -o, --output FILE   where to; - is standard output (default)\n"
	"  -t, --topic NAME    into an embedded topic instead (of the directory --data DIR)\n"
	"  -f, --format NAME   json (lines, default) or csv; by the name of the file if that ends in .csv\n"
	"      --start TIME    event time of the first row: a timestamp, milliseconds since 1970, or now\n"
	"      --interval MS   event time between rows (default: by the rate, else the set's own)\n"
	"      --no-header     no line of names before CSV\n"
	"      --sql           prints the CREATE STREAM statement for the data instead\n"
	"      --list          shows the sets\n"
	"\n"
	"ksql-datagen's quickstart=SET, iterations=N, msgRate=N, topic=NAME and format=NAME are understood too.\n"
	"\n"
	"Sets:\n";

static void
list_print(FILE *out)
{
	for (int i = 0; i < datagen_n_sets; i++)
		fprintf(out, "  %-10s %s\n", datagen_sets[i].name, datagen_sets[i].about);
}

static Status
parse_count(const char *option, const char *text, int64_t *out, Error *err)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	if (*text == '\0' || *end != '\0' || errno != 0 || *out < 0)
		return error_user(err, "%s wants a whole number, not `%s`", option, text);
	return OK;
}

static Status
parse_positive(const char *option, const char *text, double *out, Error *err)
{
	char *end;

	*out = strtod(text, &end);
	if (*text == '\0' || *end != '\0' || !(*out >= 0 && *out < 1e12))
		return error_user(err, "%s wants a number of 0 or more, not `%s`", option, text);
	return OK;
}

static Status
parse_start(const char *text, DatagenOptions *options, Error *err)
{
	char *end;

	options->has_start = true;
	if (strcmp(text, "now") == 0) {
		options->start = env_now(&env_real);
		return OK;
	}
	options->start = strtoll(text, &end, 10);
	if (*text != '\0' && *end == '\0')
		return OK;
	if (timestamp_parse_sql(str_of(text), &options->start, err) != OK)
		return error_context(err, "--start");
	return OK;
}

static Status
parse_format(const char *text, DatagenCommand *command, Error *err)
{
	command->has_format = true;
	if (str_equal_nocase(str_of(text), STR("json")) || str_equal_nocase(str_of(text), STR("jsonl"))) {
		command->options.format = DATAGEN_JSON;
		return OK;
	}
	if (str_equal_nocase(str_of(text), STR("csv")) || str_equal_nocase(str_of(text), STR("delimited"))) {
		command->options.format = DATAGEN_CSV;
		return OK;
	}
	return error_user(err, "There is no format `%s` here: json or csv", text);
}

/* Options that take a value, under each of their names ('-' alone: none). */
typedef struct OptionName {
	const char *name;
	const char *short_name;
	const char *ksql_name;
	char		code;
} OptionName;

static const OptionName option_names[] = {
	{"--count", "-n", "iterations", 'n'}, {"--rate", "-r", "msgRate", 'r'},		{"--seed", "-s", "-", 's'},
	{"--output", "-o", "-", 'o'},		  {"--topic", "-t", "topic", 't'},		{"--format", "-f", "format", 'f'},
	{"--start", "-", "-", 'a'},			  {"--interval", "-", "-", 'i'},		{"--data", "-d", "-", 'd'},
	{"--set", "-", "quickstart", 'q'},
};

static Status
option_set(DatagenCommand *command, const OptionName *option, const char *value, Error *err)
{
	int64_t seed;

	switch (option->code) {
	case 'n':
		return parse_count(option->name, value, &command->options.n_rows, err);
	case 'r':
		return parse_positive(option->name, value, &command->options.rows_per_s, err);
	case 's':
		TRY(parse_count(option->name, value, &seed, err));
		command->options.seed = (uint64_t)seed;
		return OK;
	case 'o':
		command->output = value;
		return OK;
	case 't':
		command->topic = value;
		return OK;
	case 'f':
		return parse_format(value, command, err);
	case 'a':
		return parse_start(value, &command->options, err);
	case 'i':
		return parse_positive(option->name, value, &command->options.interval_ms, err);
	case 'd':
		command->directory = value;
		return OK;
	default:
		command->options.set = value;
		return OK;
	}
}

static bool
word_is(const char *word, size_t length, const char *name)
{
	return strlen(name) == length && memcmp(word, name, length) == 0;
}

/* One argument, and perhaps the next as its value: then *i moves. */
static Status
argument_parse(DatagenCommand *command, int argc, char **argv, int *i, Error *err)
{
	const char *word = argv[*i], *equals = strchr(word, '=');
	size_t		length = equals != NULL ? (size_t)(equals - word) : strlen(word);

	for (size_t o = 0; o < sizeof option_names / sizeof *option_names; o++) {
		const OptionName *option = &option_names[o];

		if (equals != NULL && (word_is(word, length, option->name) || word_is(word, length, option->ksql_name)))
			return option_set(command, option, equals + 1, err);
		if (strcmp(word, option->name) == 0 || (strcmp(word, option->short_name) == 0 && word[1] != '\0')) {
			if (*i + 1 >= argc)
				return error_user(err, "%s wants a value", word);
			return option_set(command, option, argv[++*i], err);
		}
	}
	if (strcmp(word, "--no-header") == 0)
		command->no_header = true;
	else if (strcmp(word, "--sql") == 0)
		command->wants_sql = true;
	else if (strcmp(word, "--list") == 0)
		command->wants_list = true;
	else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		command->wants_help = true;
	else if (word[0] != '-' && equals == NULL && command->options.set == NULL)
		command->options.set = word;
	else {
		error_user(err, "datagen has no option `%s`", word);
		return error_hint(err, "`sluice datagen --help` shows all.");
	}
	return OK;
}

static Status
command_parse(DatagenCommand *command, int argc, char **argv, Error *err)
{
	for (int i = 1; i < argc; i++)
		TRY(argument_parse(command, argc, argv, &i, err));
	if (command->wants_help || command->wants_list)
		return OK;
	if (command->options.set == NULL) {
		error_user(err, "Which data set?");
		return error_hint(err, "`sluice datagen --list` shows them.");
	}
	if (!command->has_format && command->output != NULL && str_ends_with(str_of(command->output), STR(".csv")))
		command->options.format = DATAGEN_CSV;
	if (command->options.n_rows < 0 && command->options.rows_per_s == 0)
		command->options.n_rows = 1000;
	return OK;
}

static Status
command_run(const DatagenCommand *command, DatagenTopicRun run_topic, Error *err)
{
	if (command->wants_help || command->wants_list) {
		if (command->wants_help)
			fputs(help_text, stdout);
		list_print(stdout);
		return OK;
	}
	if (command->wants_sql) {
		bool		is_file = command->output != NULL && command->topic == NULL;
		const char *place = is_file ? command->output : command->topic != NULL ? command->topic : command->options.set;
		StrBuf		ddl = {0};

		if (datagen_ddl(command->options.set, place, command->options.format, is_file, &ddl)) {
			puts(strbuf_text(&ddl));
			strbuf_free(&ddl);
			return OK;
		}
		/* An unknown set: the run says so. */
	}
	if (command->topic != NULL) {
		if (run_topic == NULL)
			return error_unsupported(err, "This program cannot write to embedded topics");
		return run_topic(&command->options, command->topic, command->directory, err);
	}
	return command_to_file(command, err);
}

int
datagen_main_with(int argc, char **argv, DatagenTopicRun run_topic)
{
	DatagenCommand command = {0};
	Error		   err = {0};
	Status		   status;

	datagen_options_init(&command.options);
	status = command_parse(&command, argc, argv, &err);
	if (status == OK)
		status = command_run(&command, run_topic, &err);
	if (status != FAILED)
		return 0;
	fprintf(stderr, "sluice datagen: %s\n", err.message);
	if (err.hint[0] != '\0')
		fprintf(stderr, "%s\n", err.hint);
	return 1;
}

int
datagen_main(int argc, char **argv)
{
	return datagen_main_with(argc, argv, NULL);
}
