#ifndef SLUICE_SERVER_SERVER_H
#define SLUICE_SERVER_SERVER_H

/*
 * The long-running engine behind ksqlDB's HTTP API.
 *
 * A Server owns an engine, the HTTP listeners and a pool of threads for statements that take long.  Life: open (recovers the data
 * directory, binds the addresses), run (serves; returns after server_stop), close.
 */
#include "common/setting.h"
#include "server/http.h"

/* What /info says: a form of version that ksqlDB's own clients accept. */
#define SERVER_VERSION "8.5.0"

typedef struct ServerOptions {
	int				 n_listeners;
	const char *const *listeners;	/* "http://127.0.0.1:8088", "https://0.0.0.0:8443"; none: those of the setting */
	const char		*directory;		/* NULL: everything in memory */
	const char		*queries_file;	/* headless: its statements run at the start, and only health, info and metrics are served */
	const Settings	*settings;		/* of the server: file, environment and flags together; NULL: defaults */
	const Env		*env;			/* NULL: the real world */
	int				 n_workers;		/* of persistent and push queries; 0: one a processor */
	int				 n_threads;		/* most threads for statements that take long; 0: 100 */
} ServerOptions;

typedef struct Server Server;

Status server_open(const ServerOptions *options, Server **out, Error *err);
int	   server_port(const Server *server, int listener);		/* that it really listens at */
Status server_run(Server *server, Error *err);

/* Reads certificates and users again, and opens the logs anew.  Any thread, but not a signal handler. */
void   server_reload(Server *server);

/* Stops accepting, ends what is in hand and makes server_run return.  Callable from a signal handler, twice too. */
void   server_stop(Server *server);
void   server_close(Server *server);

/* `sluice server ...`: reads the options, runs until SIGTERM or SIGINT; gives the exit status. */
int server_main(int argc, char **argv);

#endif
