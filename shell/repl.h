#ifndef SLUICE_SHELL_REPL_H
#define SLUICE_SHELL_REPL_H

#include "engine/client.h"
#include "shell/print/printer.h"

/*
 * The interactive shell: readline with history and completion, statements over several lines, CTRL-C that stops the query and
 * not the shell.  Returns the exit status of the process.
 */
int repl_run(Client *client, Printer *printer, const char *history_path);

/* The client that CTRL-C cancels while a statement runs; NULL: none. */
void interrupt_target(Client *client);

#endif
