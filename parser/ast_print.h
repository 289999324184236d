#ifndef SLUICE_PARSER_AST_PRINT_H
#define SLUICE_PARSER_AST_PRINT_H

/*
 * The tree as text again.
 *
 * ast_print_*() writes canonical SQL on one line: keywords upper case, an alias always with AS, names as they were written
 * (quoted ones in backquotes), parentheses only where they are needed.  Parsing what was printed gives an equal tree.
 * ast_dump() writes the tree itself, one node a line, for EXPLAIN (AST).  Two trees are equal when they have the same
 * structure, names and values; places in the text, parentheses and comments don't count.
 */
#include <stdbool.h>

#include "common/str.h"
#include "parser/ast.h"

/* Without the final ';'. */
void ast_print_statement(StrBuf *out, const AstStatement *statement);
void ast_print_query(StrBuf *out, const AstQuery *query);
void ast_print_expr(StrBuf *out, const AstExpr *expr);
void ast_print_type(StrBuf *out, const AstType *type);

/* As written, or in backquotes if it was quoted. */
void ast_print_ident(StrBuf *out, AstIdent ident);

/* 'text', quotes doubled. */
void ast_print_string(StrBuf *out, const char *text);

void ast_dump(StrBuf *out, const AstStatement *statement);

bool ast_equal(const AstStatement *a, const AstStatement *b);
bool ast_expr_equal(const AstExpr *a, const AstExpr *b);

#endif
