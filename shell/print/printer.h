#ifndef SLUICE_SHELL_PRINT_PRINTER_H
#define SLUICE_SHELL_PRINT_PRINTER_H

/*
 * Results as text: aligned tables, vertical, CSV, JSON lines, Markdown.  A printer is a ResultSink.
 */
#include <stdio.h>

#include "engine/client.h"

typedef enum OutputMode { OUTPUT_TABLE, OUTPUT_VERTICAL, OUTPUT_CSV, OUTPUT_JSON, OUTPUT_MARKDOWN } OutputMode;

/* False: no such mode. */
bool output_mode_parse(const char *name, OutputMode *out);

typedef struct Printer Printer;
struct Printer {
	ResultSink	 sink;				/* first */
	FILE		*out;
	FILE		*notes;				/* messages, warnings, progress */
	OutputMode	 mode;
	bool		 has_header;
	bool		 is_terminal;		/* out is one: tables fit its width */
	bool		 shows_timing;
	bool		 is_quiet;			/* no messages of success (-c into a pipe) */
	/* Of the result in hand. */
	const Schema *schema;
	bool		 is_table;
	bool		 is_continuous;
	int64_t		 n_rows;
	bool		 header_printed;
	int			 n_columns;
	int			*widths;			/* TABLE: of the columns, once fixed */
	Arena		 arena;				/* of the result: held rows */
	char	   **cells;				/* TABLE: rows held back to learn the widths */
	int			 n_held;
	int			 held_capacity;
	StrBuf		 line;
	bool		 progress_shown;
	const char	*progress_what;		/* what it was of last, since when, and how much was done then: for the time left */
	Nanos		 progress_began;
	int64_t		 progress_done;
	Nanos		 started;
	/* SPOOL: `out` writes into both. */
	FILE		*spool;				/* NULL: none */
	FILE		*plain_out;
};

void printer_init(Printer *printer, FILE *out, OutputMode mode);
void printer_free(Printer *printer);

/* One value as the printers show it (NULL is the caller's business). */
void value_print(const Value *value, bool nested, StrBuf *out);

/* A value as JSON. */
void value_print_json(const Value *value, StrBuf *out);

/* Text with its line ends and tabs as \n, \r and \t: it would break the lines of a table. */
void text_print_on_line(Str text, StrBuf *out);

/* An error with the line of SQL and a caret under the place. */
void error_print(FILE *out, const Error *err, Str sql);

/* Columns that a text takes on a terminal. */
int text_width(Str text);

#endif
