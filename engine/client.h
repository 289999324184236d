#ifndef SLUICE_ENGINE_CLIENT_H
#define SLUICE_ENGINE_CLIENT_H

/*
 * What a client speaks to: the shell over a local session, later the shell over a server.  A result is one sum type, told
 * piece by piece to a ResultSink: rows, entities, messages.  Tables, CSV and JSON are its printers.
 */
#include "data/batch.h"
#include "data/json_text.h"
#include "data/schema.h"
#include "exec/task/progress.h"

/*
 * What a statement other than a query tells: named values, nested, as ksqlDB's API names them ("@type" is `kind`; statementText and
 * warnings are added by who sends it).  How it looks on a screen is the printers' business (shell/print/layout.c).  Members that
 * ksqlDB does not have stand beside its own.  Lives during the call.
 *
 * "print" is special: its value is a string, one line of PRINT.
 */
typedef struct Entity {
	const char		*kind;			/* "streams", "sourceDescription", "currentStatus", ... */
	const JsonValue *value;			/* an object */
} Entity;

typedef struct ResultHeader {
	const Schema *schema;
	const char	 *query_id;
	const bool	 *is_key;				/* columns that are the key of a look-up's result; NULL: none are told */
	bool		  is_table;				/* rows may be deletes (tombstones) */
	bool		  is_continuous;
	bool		  is_windowed;
	bool		  is_pull;				/* a look-up of a table: no final message */
	const char	 *note;					/* to show once beside the rows; NULL: none */
} ResultHeader;

typedef struct ResultEnd {
	int64_t		n_rows;
	int64_t		bad_rows;				/* input rows that could not be read */
	int64_t		failed_rows;			/* rows where an expression failed (NULL) */
	int64_t		late_rows;
	bool		limit_reached;
	double		seconds;
	const char *bad_example;			/* place and reason of the first bad row; NULL: none */
} ResultEnd;

typedef struct ResultSink ResultSink;
struct ResultSink {
	/* Rows of a query: begin, then rows any number of times, then end.  rows may return DONE: no more are wanted. */
	Status (*begin)(ResultSink *sink, const ResultHeader *header, Error *err);
	Status (*rows)(ResultSink *sink, const Batch *rows, Error *err);
	void (*end)(ResultSink *sink, const ResultEnd *end);
	void (*entity)(ResultSink *sink, const Entity *entity);
	void (*message)(ResultSink *sink, const char *text, bool is_warning);
	/* A statement is about to run (scripts show it); NULL: not wanted. */
	void (*statement)(ResultSink *sink, Str sql);
	/* PRINT has found its topic: lines (entities "print") come from now on, unless this fails.  NULL: not wanted. */
	Status (*printing)(ResultSink *sink, Error *err);
	/* How far the query is; with NULL: it is over.  NULL: not wanted. */
	void (*progress)(ResultSink *sink, const RunProgress *progress);
	/* SPOOL: from now on everything is written into the file as well; NULL: no more.  NULL callback: this client keeps no such copy. */
	Status (*spool)(ResultSink *sink, const char *path, Error *err);
	void *context;
};

typedef struct Client Client;
typedef struct ClientType {
	/* Executes all statements of the text in order; stops at the first that fails unless keep_going.  *err tells the (first) failure;
	 * each failure is also told through on_error if that is not NULL. */
	Status (*execute)(Client *client, Str sql, ResultSink *sink, Error *err);
	/* From another thread or a signal handler: the statement in hand ends soon with ERROR_INTERRUPTED. */
	void (*cancel)(Client *client);
	/* Names of sources, columns and functions that begin with `prefix`, NULL-terminated, malloc'ed one by one. */
	char **(*complete)(Client *client, const char *prefix);
	/* Defines the variable ${name}. */
	void (*define)(Client *client, const char *name, const char *value);
	/* With keep_going every statement of a text is executed, and the first error is returned at the end; on_error may be NULL. */
	void (*keep_going)(Client *client, bool keep_going, void (*on_error)(void *context, const Error *err, Str sql), void *context);
	void (*close)(Client *client);
} ClientType;

struct Client {
	const ClientType *type;
};

#endif
