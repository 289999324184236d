#ifndef SLUICE_ENGINE_SQL_TEXT_H
#define SLUICE_ENGINE_SQL_TEXT_H

/*
 * What a client of a server must know of a text before it sends it: where statements end, and which are queries, which are for the server, and
 * which change only the client's own session.
 */
#include "common/str.h"

typedef enum SqlRoute {
	SQL_EMPTY,			/* blanks and comments */
	SQL_QUERY,			/* SELECT and its like: rows */
	SQL_PRINT,
	SQL_SET,			/* name, value */
	SQL_UNSET,			/* name */
	SQL_DEFINE,			/* name, value */
	SQL_UNDEFINE,		/* name */
	SQL_SCRIPT,			/* RUN SCRIPT: name is the path */
	SQL_OTHER,			/* everything else, also what does not parse: the server says why */
} SqlRoute;

typedef struct SqlStatement {
	SqlRoute	route;
	const char *name;
	const char *value;
} SqlStatement;

/* Takes the next statement with its ';' off the front of *rest. */
Str sql_next_statement(Str *rest);

/* Replaces ${name} by what `find` gives; see parser/parser.h. */
Status sql_substitute(Arena *arena, Str text, const char *(*find)(void *context, const char *name), void *context, Str *out, Error *err);

/* Texts are in the arena. */
void sql_classify(Arena *arena, Str text, SqlStatement *out);

#endif
