/*
 * The command line: what is asked for is decided here, and nothing else.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/test_run.h"
#include "server/auth.h"
#include "server/client.h"
#include "server/server.h"
#include "shell/datagen_topic.h"
#include "shell/logic.h"
#include "shell/print/printer.h"
#include "shell/repl.h"

#define VERSION "0.1.0"

static const char usage_text[] =
	"usage: sluice [options]                       interactive shell\n"
	"       sluice [options] -c \"SQL\"              run statements and exit\n"
	"       sluice [options] -f FILE               run a script and exit\n"
	"       ... | sluice [options]                 run statements of standard input\n"
	"       sluice [options] http://HOST:PORT      the same against a server\n"
	"       sluice server [--listen URL] ...       the long-running engine behind an HTTP API\n"
	"       sluice test --sql-file FILE ...        run SQL against recorded inputs\n"
	"       sluice test --logic FILE ...           run files of statements with the rows expected of them\n"
	"       sluice datagen SET ...                 make data to try things with\n"
	"       sluice passwd [--role ROLE] USER       a line for the server's file of users\n"
	"\n"
	"  -c, --command SQL        statements; may be given several times\n"
	"  -f, --file FILE          script\n"
	"  -v, --variable NAME=VALUE  defines ${NAME}\n"
	"      --bootstrap-servers LIST  Kafka brokers: topics are there instead of in the data directory\n"
	"      --data DIR           data directory (default ./sluice-data; opened when a statement needs it)\n"
	"      --output MODE        table, vertical, csv, json or markdown (default: table on a terminal, else csv)\n"
	"      --no-header          no column names\n"
	"      --threads N          threads of a bounded query (default: all processors)\n"
	"      --dialect NAME       standard (default) or ksqldb\n"
	"      --set NAME=VALUE     a setting, as SET\n"
	"      --keep-going         goes on after an error; the exit status still tells it\n"
	"      --strict             the first bad row of a file fails the query\n"
	"      --user NAME          who you are to a server; the password is asked for, or in SLUICE_PASSWORD, or given as NAME:PASSWORD\n"
	"      --ca-file FILE       certificates of servers to trust (default: the system's)\n"
	"      --timing             how long each query took\n"
	"  -h, --help               this text\n"
	"  -V, --version            the version\n";

typedef struct Options {
	int			 n_commands;
	const char **commands;		/* -c texts and -f paths in order */
	bool		*is_file;
	const char	*directory;
	RemoteOptions remote;		/* url NULL: an engine of our own */
	OutputMode	 mode;
	bool		 has_mode;
	bool		 no_header;
	bool		 keep_going;
	bool		 timing;
	int			 n_variables;
	const char **variables;
	Settings	*settings;
} Options;

static int
fail_usage(const char *format, const char *what)
{
	fprintf(stderr, "sluice: ");
	fprintf(stderr, format, what);
	fprintf(stderr, "\nTry 'sluice --help'.\n");
	return 2;
}

static bool
set_option(Options *options, const char *name, const char *value)
{
	Error err;

	if (settings_set(options->settings, name, value, &err) == OK)
		return true;
	error_print(stderr, &err, STR(""));
	return false;
}

static void
add_command(Options *options, const char *text, bool is_file)
{
	options->commands = xrealloc(options->commands, sizeof *options->commands * (size_t)(options->n_commands + 1));
	options->is_file = xrealloc(options->is_file, sizeof *options->is_file * (size_t)(options->n_commands + 1));
	options->commands[options->n_commands] = text;
	options->is_file[options->n_commands++] = is_file;
}

enum { OPTION_DATA = 256, OPTION_OUTPUT, OPTION_NO_HEADER, OPTION_THREADS, OPTION_DIALECT, OPTION_KEEP_GOING, OPTION_TIMING, OPTION_SET, OPTION_STRICT, OPTION_BOOTSTRAP, OPTION_USER, OPTION_CA_FILE };

static const struct option long_options[] = {
	{"command", required_argument, NULL, 'c'},			{"file", required_argument, NULL, 'f'},
	{"variable", required_argument, NULL, 'v'},			{"data", required_argument, NULL, OPTION_DATA},
	{"output", required_argument, NULL, OPTION_OUTPUT}, {"no-header", no_argument, NULL, OPTION_NO_HEADER},
	{"threads", required_argument, NULL, OPTION_THREADS}, {"dialect", required_argument, NULL, OPTION_DIALECT},
	{"keep-going", no_argument, NULL, OPTION_KEEP_GOING}, {"timing", no_argument, NULL, OPTION_TIMING},
	{"set", required_argument, NULL, OPTION_SET},		{"strict", no_argument, NULL, OPTION_STRICT},
	{"bootstrap-servers", required_argument, NULL, OPTION_BOOTSTRAP},
	{"user", required_argument, NULL, OPTION_USER},		{"ca-file", required_argument, NULL, OPTION_CA_FILE},
	{"help", no_argument, NULL, 'h'},					{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

/*
 * "NAME:PASSWORD" of "NAME" alone: the password is in the environment, or asked for on a terminal.  Both keep it out of the command line, which
 * other users can see.
 */
static char *
user_with_password(const char *user)
{
	const char *given = getenv("SLUICE_PASSWORD");
	char		password[AUTH_PASSWORD_MAX + 2] = "";
	StrBuf		both = {0};

	strbuf_add_text(&both, user);
	if (strchr(user, ':') != NULL)
		return both.data;
	if (given == NULL && isatty(STDIN_FILENO) && password_ask("Password: ", password, sizeof password))
		given = password;
	strbuf_printf(&both, ":%s", given != NULL ? given : "");
	explicit_bzero(password, sizeof password);
	return both.data;
}

/* Exit status, or -1 to go on. */
static int
take_option(Options *options, int option, char *argument)
{
	char *equals;

	switch (option) {
	case 'c':
	case 'f':
		add_command(options, argument, option == 'f');
		return -1;
	case 'v':
		if (strchr(argument, '=') == NULL)
			return fail_usage("-v wants NAME=VALUE, got '%s'", argument);
		options->variables = xrealloc(options->variables, sizeof *options->variables * (size_t)(options->n_variables + 1));
		options->variables[options->n_variables++] = argument;
		return -1;
	case OPTION_DATA:
		options->directory = argument;
		return -1;
	case OPTION_OUTPUT:
		if (!output_mode_parse(argument, &options->mode))
			return fail_usage("unknown output mode '%s': table, vertical, csv, json or markdown", argument);
		options->has_mode = true;
		return -1;
	case OPTION_NO_HEADER:
		options->no_header = true;
		return -1;
	case OPTION_THREADS:
		return set_option(options, "threads", argument) ? -1 : 2;
	case OPTION_DIALECT:
		return set_option(options, "sql.dialect", argument) ? -1 : 2;
	case OPTION_BOOTSTRAP:
		return set_option(options, "bootstrap.servers", argument) ? -1 : 2;
	case OPTION_USER:
		free((char *)options->remote.user);
		options->remote.user = user_with_password(argument);
		memset(argument, 'x', strlen(argument));		/* the list of processes is for everybody */
		return -1;
	case OPTION_CA_FILE:
		options->remote.ca_file = argument;
		return -1;
	case OPTION_STRICT:
		return set_option(options, "strict", "true") ? -1 : 2;
	case OPTION_SET:
		equals = strchr(argument, '=');
		if (equals == NULL)
			return fail_usage("--set wants NAME=VALUE, got '%s'", argument);
		*equals = '\0';
		return set_option(options, argument, equals + 1) ? -1 : 2;
	case OPTION_KEEP_GOING:
		options->keep_going = true;
		return -1;
	case OPTION_TIMING:
		options->timing = true;
		return -1;
	case 'h':
		fputs(usage_text, stdout);
		return 0;
	case 'V':
		printf("sluice %s\n", VERSION);
		return 0;
	default:
		fprintf(stderr, "Try 'sluice --help'.\n");
		return 2;
	}
}

static int
parse_options(Options *options, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "c:f:v:hV", long_options, NULL)) != -1) {
		int status = take_option(options, option, optarg);

		if (status >= 0)
			return status;
	}
	if (optind < argc && (strncmp(argv[optind], "http://", 7) == 0 || strncmp(argv[optind], "https://", 8) == 0))
		options->remote.url = argv[optind++];
	if (optind < argc)
		return fail_usage("unknown argument '%s'", argv[optind]);
	return -1;
}

/* ---- running texts ---- */

typedef struct ErrorContext {
	const char *where;		/* file; NULL: the command line */
} ErrorContext;

static void
print_statement_error(void *context, const Error *err, Str sql)
{
	const ErrorContext *where = context;

	if (where->where != NULL)
		fprintf(stderr, "%s: ", where->where);
	error_print(stderr, err, sql);
}

static Status
read_all(FILE *file, StrBuf *out)
{
	char   block[65536];
	size_t n;

	while ((n = fread(block, 1, sizeof block, file)) > 0)
		strbuf_add(out, block, n);
	return ferror(file) ? FAILED : OK;
}

static Status
run_text(Client *client, Printer *printer, Str sql, const char *where, bool keep_going)
{
	ErrorContext context = {where};
	Error		 err;

	client->type->keep_going(client, keep_going, print_statement_error, &context);
	return client->type->execute(client, sql, &printer->sink, &err);
}

static Status
run_file(Client *client, Printer *printer, const char *path, bool keep_going)
{
	FILE  *file = fopen(path, "rb");
	StrBuf text = {0};
	Status status;

	if (file == NULL || read_all(file, &text) == FAILED) {
		fprintf(stderr, "error: Cannot read the script '%s': %s\n", path, strerror(errno));
		if (file != NULL)
			fclose(file);
		strbuf_free(&text);
		return FAILED;
	}
	fclose(file);
	status = run_text(client, printer, strbuf_str(&text), path, keep_going);
	strbuf_free(&text);
	return status;
}

static Status
run_commands(const Options *options, Engine *engine, Client *client, Printer *printer)
{
	Status status = OK;
	Error  err;

	interrupt_target(client);
	for (int i = 0; i < options->n_commands && (status == OK || options->keep_going); i++) {
		Status one = options->is_file[i] ? run_file(client, printer, options->commands[i], options->keep_going)
										 : run_text(client, printer, str_of(options->commands[i]), NULL, options->keep_going);

		if (one == FAILED)
			status = FAILED;
	}
	if (options->n_commands == 0) {
		StrBuf text = {0};

		if (read_all(stdin, &text) == FAILED)
			status = FAILED;
		else
			status = run_text(client, printer, strbuf_str(&text), NULL, options->keep_going);
		strbuf_free(&text);
	}
	if (status == OK && engine != NULL && engine_wait_bounded(engine, NULL, &err) == FAILED) {
		error_print(stderr, &err, STR(""));
		status = FAILED;
	}
	return status;
}

static char *
history_path(void)
{
	const char *home = getenv("HOME");
	StrBuf		path = {0};

	if (home == NULL)
		return NULL;
	strbuf_printf(&path, "%s/.sluice_history", home);
	return path.data;
}

static void
define_variables(const Options *options, Client *client)
{
	for (int i = 0; i < options->n_variables; i++) {
		char *name = xstrdup(options->variables[i]);
		char *equals = strchr(name, '=');

		*equals = '\0';
		client->type->define(client, name, equals + 1);
		free(name);
	}
}

/* A server's client, or a session of an engine of our own. */
static Status
open_client(const Options *options, const EngineOptions *engine_options, Engine **engine, Client **out, Error *err)
{
	RemoteOptions remote = options->remote;
	Session		 *session;

	remote.settings = options->settings;
	if (remote.url != NULL)
		return remote_client_open(&remote, out, err);
	TRY(engine_open(engine_options, engine, err));
	TRY(session_open(*engine, &session, err));
	*out = session_client(session);
	return OK;
}

static int
run(const Options *options)
{
	EngineOptions engine_options = {.directory = options->directory != NULL ? options->directory : "./sluice-data", .settings = options->settings};
	Engine		 *engine = NULL;
	Client		 *client = NULL;
	Printer		  printer;
	bool		  is_interactive = options->n_commands == 0 && isatty(STDIN_FILENO);
	Error		  err;
	int			  result = 1;

	engine_options.is_transient = !is_interactive;
	printer_init(&printer, stdout, options->has_mode ? options->mode : isatty(STDOUT_FILENO) ? OUTPUT_TABLE : OUTPUT_CSV);
	printer.has_header = !options->no_header;
	printer.shows_timing = options->timing;
	printer.is_quiet = !isatty(STDOUT_FILENO);
	if (open_client(options, &engine_options, &engine, &client, &err) == FAILED) {
		error_print(stderr, &err, STR(""));
		goto out;
	}
	define_variables(options, client);
	if (is_interactive) {
		char *history = history_path();

		result = repl_run(client, &printer, history);
		free(history);
	} else
		result = run_commands(options, engine, client, &printer) == OK ? 0 : 1;
	if (fflush(stdout) != 0) {
		fprintf(stderr, "error: Cannot write the result: %s\n", strerror(errno));
		result = 1;
	}
out:
	if (client != NULL)
		client->type->close(client);
	engine_close(engine);
	printer_free(&printer);
	return result;
}

/* sluice test --logic [--tables WHERE] [--complete | --rewrite] FILE... */
static int
logic_main(int argc, char **argv)
{
	LogicOptions options = {0};
	const char **files = xcalloc((size_t)argc + 1, sizeof *files);
	int			 result = -1;

	for (int i = 2; i < argc && result < 0; i++)
		if (strcmp(argv[i], "--complete") == 0)
			options.write = LOGIC_COMPLETE;
		else if (strcmp(argv[i], "--rewrite") == 0)
			options.write = LOGIC_REWRITE;
		else if (strcmp(argv[i], "--tables") == 0 && i + 1 < argc && logic_tables_parse(argv[i + 1], &options.tables))
			i++;
		else if (argv[i][0] != '-')
			files[options.n_files++] = argv[i];
		else
			result = 2;
	if (result < 0 && options.n_files > 0) {
		options.files = files;
		result = logic_run(&options);
	} else {
		fprintf(stderr, "usage: sluice test --logic [--tables csv|json|parquet|topic] [--complete | --rewrite] FILE...\n");
		result = 2;
	}
	free(files);
	return result;
}

static int
test_main(int argc, char **argv)
{
	TestRunOptions options = {0};

	if (argc > 1 && strcmp(argv[1], "--logic") == 0)
		return logic_main(argc, argv);

	for (int i = 1; i < argc; i++) {
		const char **place = strcmp(argv[i], "--sql-file") == 0 || strcmp(argv[i], "-s") == 0	   ? &options.sql_file
							 : strcmp(argv[i], "--input-file") == 0 || strcmp(argv[i], "-i") == 0  ? &options.input_file
							 : strcmp(argv[i], "--output-file") == 0 || strcmp(argv[i], "-o") == 0 ? &options.output_file
							 : strcmp(argv[i], "--actual-file") == 0							   ? &options.actual_file
							 : strcmp(argv[i], "--properties") == 0								   ? &options.properties_file
																								   : NULL;

		if (place == NULL || i + 1 >= argc) {
			fprintf(stderr, "sluice test: unknown option or missing value: %s\n"
					"usage: sluice test --sql-file FILE [--input-file FILE] [--output-file FILE] [--actual-file FILE] [--properties FILE]\n", argv[i]);
			return 2;
		}
		*place = argv[++i];
	}
	if (options.sql_file == NULL) {
		fprintf(stderr, "sluice test: --sql-file is missing\n");
		return 2;
	}
	return test_run(&options);
}

int
main(int argc, char **argv)
{
	Options options = {0};
	int		result;

	signal(SIGPIPE, SIG_DFL);
	/* A file that may not become larger (ulimit -f) is an error of what writes it, not the end of the program. */
	signal(SIGXFSZ, SIG_IGN);
	if (argc > 1 && strcmp(argv[1], "test") == 0)
		return test_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "datagen") == 0)
		return datagen_main_with(argc - 1, argv + 1, datagen_topic_run);
	if (argc > 1 && strcmp(argv[1], "passwd") == 0)
		return passwd_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "server") == 0)
		return server_main(argc - 1, argv + 1);
	options.settings = settings_new(NULL);
	result = parse_options(&options, argc, argv);
	if (result < 0)
		result = run(&options);
	settings_free(options.settings);
	free(options.commands);
	free(options.is_file);
	free(options.variables);
	free((char *)options.remote.user);
	return result;
}
