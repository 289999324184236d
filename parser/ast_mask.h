#ifndef SLUICE_PARSER_AST_MASK_H
#define SLUICE_PARSER_AST_MASK_H

/*
 * Takes the secrets out of a tree, so that what is printed from it can be logged or shown to others.
 *
 * Values become `[string]` (properties of connectors), `[value]` (INSERT VALUES) as in ksqlDB, and `[hidden]` (properties, settings
 * and variables with the name of a secret: setting_is_secret's words).  In paths that are addresses the user and password go, and
 * values of parameters.
 */
#include "parser/ast.h"

/* `is_secret` decides by the name of a property, setting or variable.  The tree is changed: it must be the caller's alone. */
void ast_mask(Arena *arena, AstStatement *statement, bool (*is_secret)(const char *name));

/* The address without user, password and the values of its parameters; other texts as they are. */
const char *mask_address(Arena *arena, const char *text);

#endif
