#ifndef SLUICE_PARSER_PARSER_H
#define SLUICE_PARSER_PARSER_H

/*
 * SQL text to statements.
 *
 * Everything that is returned lives in the arena, the statements' text included; nothing is kept elsewhere, so any number
 * of threads may parse at a time.  Syntax errors are ERROR_USER with the place (line, column, length) in the text.
 * Any bytes either parse or fail: nesting is bounded (AST_DEPTH_MAX), and nothing is allocated but from the arena and
 * for the parser's stack.
 */
#include <stdbool.h>

#include "common/arena.h"
#include "common/status.h"
#include "common/str.h"
#include "parser/ast.h"

typedef struct ParserOptions {
	bool		is_ksqldb;		/* ksqlDB's limits: no predicate as GROUP BY / PARTITION BY / VALUES item, its error texts */
	bool		folds_names;	/* names that are not quoted come in upper case, as ksqlDB keeps them: for printing */
	bool		needs_terminator;	/* the last statement must end in ';' */
	int			first_line;		/* line number of the text's first line; 0 means 1 */
} ParserOptions;

/* Parses all statements of the text; empty ones are left out. */
Status parser_parse(Arena *arena, Str text, ParserOptions options, AstStatementList *out, Error *err);

/*
 * Statement by statement, so that each can be executed (and variables be defined) before the next is read.  Set `text`,
 * the rest zero.
 */
typedef struct ParserCursor {
	Str			text;
	size_t		offset;			/* of what is not read yet */
	int			line;			/* of that place; 0: at the start */
	int			column;
} ParserCursor;

/*
 * Parses the next statement.  OK: *out is it.  DONE: there is none any more.  FAILED: the cursor stands behind the
 * statement's ';' all the same, so that a caller may go on.
 */
Status parser_next(Arena *arena, ParserCursor *cursor, ParserOptions options, AstStatement **out, Error *err);

/* Parses one expression, type or property-free query: for tests, settings and stored texts. */
Status parser_parse_expr(Arena *arena, Str text, ParserOptions options, AstExpr **out, Error *err);
Status parser_parse_type(Arena *arena, Str text, ParserOptions options, AstType **out, Error *err);

/* Parses an identifier as it could stand in SQL (`TIMESTAMP='col'`, QUERY_ID): quoted or not. */
Status parser_parse_ident(Arena *arena, Str text, AstIdent *out, Error *err);

/* Words that may come next at the end of `text` (an unfinished statement): for completion.  Sets *has_name if a name may. */
const char **parser_expected(Arena *arena, Str text, int *n, bool *has_name);

/*
 * Replaces ${name} by its value: as one name or literal outside quotes, spliced in (quotes doubled) inside '...'.
 * `find` returns the value or NULL; unknown variables stay as they are.  A value that is neither a name nor a literal
 * fails, so that a value can never bring in SQL.
 */
typedef const char *(*VariableFind)(void *context, const char *name);
Status variables_substitute(Arena *arena, Str text, VariableFind find, void *context, Str *out, Error *err);

#endif
