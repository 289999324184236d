/*
 * `sluice server`: options, signals, and the server between them.
 *
 * No signal has a handler: all threads block those of the server, and one thread waits for them, so that what they ask for may take
 * its time.
 */
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/config.h"
#include "server/server_impl.h"

static const char usage_text[] =
	"usage: sluice server [options]\n"
	"\n"
	"      --config FILE             settings as name=value, in the form of .properties files; ksqlDB's can be used\n"
	"      --listen URL              http://HOST:PORT; may be given several times (default http://127.0.0.1:8088; port 0: any)\n"
	"      --data DIR                data directory (default ./sluice-data)\n"
	"      --queries-file FILE       headless: runs the statements of a file, and serves only health and information\n"
	"      --bootstrap-servers LIST  Kafka brokers (default: topics are in the data directory)\n"
	"      --insecure                listens without TLS and authentication where other machines reach it\n"
	"      --print-permissions       what roles may do, as Markdown\n"
	"      --set NAME=VALUE          a setting of the server or a default of its sessions\n"
	"      --threads N               most threads for statements that take long (default 100)\n"
	"  -h, --help                    this text\n";

enum { OPTION_CONFIG = 256, OPTION_INSECURE, OPTION_PRINT_PERMISSIONS, OPTION_LISTEN, OPTION_DATA, OPTION_QUERIES_FILE, OPTION_BOOTSTRAP, OPTION_SET, OPTION_THREADS };

static const struct option long_options[] = {
	{"config", required_argument, NULL, OPTION_CONFIG}, {"insecure", no_argument, NULL, OPTION_INSECURE},
	{"print-permissions", no_argument, NULL, OPTION_PRINT_PERMISSIONS},
	{"listen", required_argument, NULL, OPTION_LISTEN}, {"data", required_argument, NULL, OPTION_DATA},
	{"queries-file", required_argument, NULL, OPTION_QUERIES_FILE}, {"bootstrap-servers", required_argument, NULL, OPTION_BOOTSTRAP},
	{"set", required_argument, NULL, OPTION_SET}, {"threads", required_argument, NULL, OPTION_THREADS},
	{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0},
};

typedef struct MainOptions {
	ServerOptions server;
	const char	 *config;
	int			  n_flags;
	const char  **flags;			/* settings of the command line: name, value, ... */
	const char	**listeners;
} MainOptions;

static void
print_error(const Error *err)
{
	fprintf(stderr, "sluice server: %s\n", err->message);
	if (err->hint[0] != '\0')
		fprintf(stderr, "hint: %s\n", err->hint);
}

static void
add_flag(MainOptions *options, const char *name, const char *value)
{
	options->flags = xrealloc(options->flags, sizeof *options->flags * 2 * (size_t)(options->n_flags + 1));
	options->flags[2 * options->n_flags] = name;
	options->flags[2 * options->n_flags++ + 1] = value;
}

static int
print_permissions(void)
{
	StrBuf text = {0};

	permissions_print(&text);
	fputs(strbuf_text(&text), stdout);
	strbuf_free(&text);
	return fflush(stdout) == 0 ? 0 : 1;
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
	case OPTION_CONFIG:
		options->config = argument;
		return -1;
	case OPTION_INSECURE:
		add_flag(options, "listen.insecure", "true");
		return -1;
	case OPTION_PRINT_PERMISSIONS:
		return print_permissions();
	case OPTION_QUERIES_FILE:
		add_flag(options, "ksql.queries.file", argument);
		return -1;
	case OPTION_BOOTSTRAP:
		add_flag(options, "bootstrap.servers", argument);
		return -1;
	case OPTION_SET:
		equals = strchr(argument, '=');
		if (equals == NULL) {
			fprintf(stderr, "sluice server: --set wants NAME=VALUE, got '%s'\n", argument);
			return 2;
		}
		*equals = '\0';
		add_flag(options, argument, equals + 1);
		return -1;
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

/* ---- signals ---- */

typedef struct SignalWaiter {
	Server	 *server;
	pthread_t thread;
} SignalWaiter;

#define SIGNAL_DONE SIGUSR2		/* to the waiter itself: the server has ended */

static void
server_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGNAL_DONE);
}

/* A second request to stop does not wait for what is in hand: nothing that is committed is lost by it. */
static void *
wait_for_signals(void *context)
{
	SignalWaiter *waiter = context;
	sigset_t	  set;
	bool		  is_stopping = false;
	int			  number;

	server_signals(&set);
	while (sigwait(&set, &number) == 0 && number != SIGNAL_DONE) {
		if (number == SIGHUP)
			server_reload(waiter->server);
		else if (is_stopping)
			_exit(1);
		else {
			is_stopping = true;
			server_stop(waiter->server);
		}
	}
	return NULL;
}

/* ---- running ---- */

static void
print_warning(void *context, const char *message)
{
	(void)context;
	fprintf(stderr, "sluice server: %s\n", message);
}

static Status
load_settings(MainOptions *options, Settings **out, Error *err)
{
	ConfigSources sources = {.path = options->config, .environment = environ, .n_flags = options->n_flags, .flags = options->flags, .warn = print_warning};

	TRY(config_load(&sources, out, err));
	options->server.settings = *out;
	options->server.queries_file = settings_text(*out, "ksql.queries.file");
	return OK;
}

/* Who starts it by hand sees it also where the log goes to a file or is quiet. */
static void
tell_listeners(const Server *server)
{
	bool is_logged = settings_text(server->settings, "log.file") == NULL && log_wants(server->guard->log, LOG_LEVEL_INFO);

	for (int i = 0; i < server->n_listeners; i++) {
		const char *host = server->listeners[i].host;
		bool		is_v6 = strchr(host, ':') != NULL;
		char		address[400];

		snprintf(address, sizeof address, "listening at %s://%s%s%s:%d", server->listeners[i].tls != NULL ? "https" : "http", is_v6 ? "[" : "", host,
				 is_v6 ? "]" : "", server_port(server, i));
		log_line(server->guard->log, LOG_LEVEL_INFO, "server", "%s", address);
		if (!is_logged)
			fprintf(stderr, "sluice server: %s\n", address);
	}
}

static Status
run(const MainOptions *options, Error *err)
{
	SignalWaiter waiter = {.server = NULL};
	sigset_t	 set;
	Status		 status;

	/* Before the first thread, so that all have it. */
	server_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	TRY(server_open(&options->server, &waiter.server, err));
	if (pthread_create(&waiter.thread, NULL, wait_for_signals, &waiter) != 0) {
		server_close(waiter.server);
		return error_fatal(err, "No thread can be started");
	}
	tell_listeners(waiter.server);
	status = server_run(waiter.server, err);
	pthread_kill(waiter.thread, SIGNAL_DONE);
	pthread_join(waiter.thread, NULL);
	server_close(waiter.server);
	return status;
}

int
server_main(int argc, char **argv)
{
	MainOptions options = {.server = {.directory = "./sluice-data"}};
	Settings   *settings = NULL;
	int			result = parse_options(&options, argc, argv);
	Error		err;

	if (result < 0) {
		result = 0;
		if (load_settings(&options, &settings, &err) == FAILED || run(&options, &err) == FAILED) {
			print_error(&err);
			result = 1;
		}
	}
	settings_free(settings);
	free(options.flags);
	free(options.listeners);
	return result;
}
