#ifndef SLUICE_ENGINE_CLIENT_H
#define SLUICE_ENGINE_CLIENT_H

/*
 * What a client speaks to: the shell over a local session, later the shell over a server.  A result is one sum type, told
 * piece by piece to a ResultSink: rows, entities, messages.  Tables, CSV and JSON are its printers.
 */
#include "data/batch.h"
#include "data/schema.h"

/* A table of texts with a title: what SHOW and DESCRIBE give.  Lives during the call. */
typedef struct EntityTable {
	const char		  *title;			/* NULL: none */
	int				   n_columns;
	const char *const *columns;
	int				   n_rows;
	const char *const *cells;			/* n_rows * n_columns; NULL: no value */
} EntityTable;

typedef struct EntityField {
	const char *name;
	const char *value;
} EntityField;

/* One thing described: fields, then tables, then free text (a plan, a statement). */
typedef struct Entity {
	const char		  *kind;			/* "streams", "sourceDescription", ... as ksqlDB's API names it */
	int				   n_fields;
	const EntityField *fields;
	int				   n_tables;
	const EntityTable *tables;
	const char		  *text;			/* NULL: none */
} Entity;

typedef struct ResultHeader {
	const Schema *schema;
	const char	 *query_id;
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
	/* rows taken so far, units done and in all (0: unknown); NULL: not wanted.  May be called from another thread. */
	void (*progress)(ResultSink *sink, int64_t rows, int64_t done, int64_t all);
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
	void (*close)(Client *client);
} ClientType;

struct Client {
	const ClientType *type;
};

#endif
