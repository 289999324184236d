#ifndef SLUICE_PARSER_LEXER_H
#define SLUICE_PARSER_LEXER_H

/*
 * Text to tokens.  The lexer allocates nothing and never fails: what it cannot read is a TOKEN_ERROR or an unterminated
 * token, and the parser (or the shell, which only wants to know whether a statement is complete) decides what to say.
 * It looks only at bytes inside `text`, which need not end in NUL and may hold any bytes.
 */
#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"
#include "parser/keyword.h"

typedef enum TokenKind {
	TOKEN_END,					/* end of the text */
	TOKEN_WORD,					/* identifier or keyword: letter or _, then letters, digits, _, @; or digit-led (1abc) */
	TOKEN_QUOTED,				/* `name` or "name" */
	TOKEN_STRING,				/* 'text' */
	TOKEN_INTEGER,				/* 12 */
	TOKEN_DECIMAL,				/* 1.5  1.  .5 */
	TOKEN_DOUBLE,				/* 1e3 */
	TOKEN_VARIABLE,				/* ${name} */
	TOKEN_OPERATOR,				/* code says which */
	TOKEN_SEMICOLON,
	TOKEN_COMMENT,				/* -- to end of line, or between slash-star and star-slash */
	TOKEN_DIRECTIVE,			/* --@name: value, to end of line */
	TOKEN_ERROR,				/* one character that starts no token */
} TokenKind;

typedef struct Token {
	TokenKind	kind;
	int			code;			/* OPERATOR: token of the grammar */
	bool		is_standard;	/* OPERATOR: ksqlDB has none of this text */
	bool		is_unterminated;	/* QUOTED, STRING, COMMENT, VARIABLE: the text ended first */
	const Keyword *keyword;		/* WORD: or NULL */
	size_t		offset;
	size_t		length;
	int			line;			/* 1-based */
	int			column;			/* 1-based, in bytes */
} Token;

typedef struct Lexer {
	Str			text;
	size_t		offset;
	int			line;
	int			column;
} Lexer;

/* Begins at the start of `text`, which is borrowed. */
void lexer_init(Lexer *lexer, Str text);

/* Reads the next token; white space is skipped, comments and directives are tokens.  Stays at TOKEN_END. */
void lexer_next(Lexer *lexer, Token *token);

/* The bytes of a token. */
static inline Str
token_str(Str text, const Token *token)
{
	return str_make(text.data + token->offset, token->length);
}

/* The content of a STRING or QUOTED token, quotes removed and doubled quotes undone; NUL-terminated, in the arena. */
char *token_content(Arena *arena, Str text, const Token *token);

/* What a piece of text is still open in. */
typedef enum LexerOpen {
	LEXER_COMPLETE,				/* it ends in ';' */
	LEXER_EMPTY,				/* nothing but white space and comments */
	LEXER_IN_STATEMENT,
	LEXER_IN_PARENTHESES,
	LEXER_IN_STRING,
	LEXER_IN_QUOTED,
	LEXER_IN_COMMENT,
} LexerOpen;

/*
 * Where the first statement of `text` ends: the offset just behind its ';', or text.length if there is none.  Quotes and
 * comments are respected.  *open (may be NULL) says in what the text ends, COMPLETE if the ';' was found.
 */
size_t lexer_statement_end(Str text, LexerOpen *open);

#endif
