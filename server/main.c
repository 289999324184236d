/*
 * `sluice server`: options, signals, and the server between them.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/server_impl.h"

static const char usage_text[] =
	"usage: sluice server [options]\n"
	"\n"
	"      --listen URL              http://HOST:PORT; may be given several times (default http://127.0.0.1:8088; port 0: any)\n"
	"      --data DIR                data directory (default ./sluice-data)\n"
	"      --queries-file FILE       headless: runs the statements of a file, and serves only health and information\n"
	"      --bootstrap-servers LIST  Kafka brokers (default: topics are in the data directory)\n"
	"      --set NAME=VALUE          a setting of the server or a default of its sessions\n"
	"      --threads N               most threads for statements that take long (default 100)\n"
	"  -h, --help                    this text\n";

enum { OPTION_LISTEN = 256, OPTION_DATA, OPTION_QUERIES_FILE, OPTION_BOOTSTRAP, OPTION_SET, OPTION_THREADS };

static const struct option long_options[] = {
	{"listen", required_argument, NULL, OPTION_LISTEN}, {"data", required_argument, NULL, OPTION_DATA},
	{"queries-file", required_argument, NULL, OPTION_QUERIES_FILE}, {"bootstrap-servers", required_argument, NULL, OPTION_BOOTSTRAP},
	{"set", required_argument, NULL, OPTION_SET}, {"threads", required_argument, NULL, OPTION_THREADS},
	{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0},
};

typedef struct MainOptions {
	ServerOptions server;
	Settings	 *settings;
	const char	**listeners;
} MainOptions;

static void
print_error(const Error *err)
{
	fprintf(stderr, "sluice server: %s\n", err->message);
	if (err->hint[0] != '\0')
		fprintf(stderr, "hint: %s\n", err->hint);
}

static Status
set_setting(MainOptions *options, const char *name, const char *value)
{
	Error  err;
	Status status = settings_set(options->settings, name, value, &err);

	if (status == FAILED)
		print_error(&err);
	return status;
}

/* Exit status, or -1 to go on. */
static int
take_option(MainOptions *options, int option, char *argument)
{
	char *equals;

	switch (option) {
	case OPTION_LISTEN:
		options->listeners = xrealloc(options->listeners, sizeof *options->listeners * (size_t)(options->server.n_listeners + 1));
		options->listeners[options->server.n_listeners++] = argument;
		return -1;
	case OPTION_DATA:
		options->server.directory = argument;
		return -1;
	case OPTION_QUERIES_FILE:
		options->server.queries_file = argument;
		return -1;
	case OPTION_BOOTSTRAP:
		return set_setting(options, "bootstrap.servers", argument) == OK ? -1 : 2;
	case OPTION_SET:
		equals = strchr(argument, '=');
		if (equals == NULL) {
			fprintf(stderr, "sluice server: --set wants NAME=VALUE, got '%s'\n", argument);
			return 2;
		}
		*equals = '\0';
		return set_setting(options, argument, equals + 1) == OK ? -1 : 2;
	case OPTION_THREADS:
		options->server.n_threads = atoi(argument);
		if (options->server.n_threads > 0)
			return -1;
		fprintf(stderr, "sluice server: --threads wants a number above 0, got '%s'\n", argument);
		return 2;
	case 'h':
		fputs(usage_text, stdout);
		return 0;
	default:
		fprintf(stderr, "Try 'sluice server --help'.\n");
		return 2;
	}
}

static int
parse_options(MainOptions *options, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		int status = take_option(options, option, option == 'h' ? NULL : optarg);

		if (status >= 0)
			return status;
	}
	if (optind < argc) {
		fprintf(stderr, "sluice server: unknown argument '%s'\nTry 'sluice server --help'.\n", argv[optind]);
		return 2;
	}
	options->server.listeners = options->listeners;
	return -1;
}

/* A signal handler has no argument: set by the one server of the process. */
static Server *volatile stopped_server;

static void
on_signal(int number)
{
	(void)number;
	if (stopped_server != NULL)
		server_stop(stopped_server);
}

static void
catch_signals(Server *server)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigemptyset(&action.sa_mask);
	stopped_server = server;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int
run(const MainOptions *options)
{
	Server *server = NULL;
	Error	err;
	int		result = 1;

	if (server_open(&options->server, &server, &err) == FAILED) {
		print_error(&err);
		return 1;
	}
	catch_signals(server);
	for (int i = 0; i < server->n_listeners; i++)
		fprintf(stderr, "sluice server: listening at %s://%s:%d\n", server->listeners[i].tls != NULL ? "https" : "http", server->listeners[i].host,
				server_port(server, i));
	if (server_run(server, &err) == FAILED)
		print_error(&err);
	else
		result = 0;
	server_close(server);
	stopped_server = NULL;
	return result;
}

int
server_main(int argc, char **argv)
{
	MainOptions options = {.server = {.directory = "./sluice-data"}, .settings = settings_new(NULL)};
	int			result;

	options.server.settings = options.settings;
	result = parse_options(&options, argc, argv);
	if (result < 0)
		result = run(&options);
	settings_free(options.settings);
	free(options.listeners);
	return result;
}
