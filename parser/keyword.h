#ifndef SLUICE_PARSER_KEYWORD_H
#define SLUICE_PARSER_KEYWORD_H

/*
 * The words of the dialect.  A reserved word must be quoted to be a name.  Every other word is a keyword only where the
 * grammar wants it and what follows fits (parser/context.c), and a name everywhere else.
 */
#include <stdbool.h>

#include "common/str.h"

typedef enum KeywordClass {
	KEYWORD_RESERVED,
	KEYWORD_FREE,				/* a name wherever a name can stand */
} KeywordClass;

typedef struct Keyword {
	const char *name;			/* upper case */
	int			code;			/* token of the grammar; 0: only a name, listed for completion */
	KeywordClass class;
} Keyword;

/* The keyword with that spelling in any case, or NULL. */
const Keyword *keyword_find(Str word);

/* All keywords in alphabetical order, for completion and for documentation. */
const Keyword *keyword_list(int *n);

/* True if the word must be quoted to be a name. */
bool keyword_is_reserved(Str word);

#endif
