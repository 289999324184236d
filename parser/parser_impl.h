#ifndef SLUICE_PARSER_PARSER_IMPL_H
#define SLUICE_PARSER_PARSER_IMPL_H

/*
 * What the grammar's actions share with the driver (parser.c) and with the makers of nodes (build.c).  Not for other
 * folders.
 *
 * An action that finds an error calls parse_fail() and returns a usable node all the same; the driver stops after the
 * token at hand.
 */
#include "parser/ast.h"
#include "parser/lexer.h"
#include "parser/parser.h"

/* A terminal of the grammar: its place, and its text (content of quoted ones). */
typedef struct ParseToken {
	AstPos		pos;
	const char *text;
	bool		is_quoted;
} ParseToken;

/* A growing list of pointers in the arena; NULL is the empty list. */
typedef struct AstList {
	void	  **items;
	int			n;
	int			capacity;
	AstPos		pos;			/* where the construct began */
} AstList;

typedef struct ParseInput {
	int			code;			/* token of the grammar; INPUT_SKIP: none (it went into the token before) */
	Token		token;
	ParseToken	value;
} ParseInput;

typedef struct ParseState {
	Arena	   *arena;
	Str			text;
	ParserOptions options;
	ParseInput *inputs;			/* the statement's tokens; the last one is the end */
	int			n_inputs;
	int			at;				/* the token that is being given to the grammar: all before it have been shifted */
	Status		status;
	Error	   *err;
	bool		is_completion;	/* the text is unfinished: its last word may be any keyword */
	int			n_parameters;
	AstList	   *too_large;		/* numbers that are refused unless a minus makes them fit */
	AstStatement *statement;	/* result */
	AstExpr	   *expr;			/* result of parser_parse_expr */
	AstType	   *type;			/* result of parser_parse_type */
	AstIdent	ident;
	int			wanted[400];	/* tokens that could have stood where the syntax error is */
	int			n_wanted;
} ParseState;

AstList *list_add(ParseState *ps, AstList *list, void *item);
int list_length(const AstList *list);
void **list_pointers(const AstList *list);

/* The items, which point to structs of `size` bytes, as one array of structs. */
void *list_structs(ParseState *ps, const AstList *list, size_t size);

/* From `start` to the end of the last token that was shifted. */
AstPos pos_span(const ParseState *ps, AstPos start);

/* The first failure of the statement, with its place. */
void parse_fail(ParseState *ps, AstPos pos, const char *format, ...) PRINTF_LIKE(3, 4);
void parse_syntax_error(ParseState *ps, int i_input);

AstIdent ident_of(ParseToken token);
AstIdent *ident_copy(ParseState *ps, AstIdent ident);
AstIdent source_name(ParseState *ps, AstIdent name);

/* Expressions.  expr_done() counts the depth and checks it. */
AstExpr *ast_expr_new(ParseState *ps, AstExprKind kind, AstPos start);
AstExpr *expr_done(ParseState *ps, AstExpr *expr);
AstExpr *expr_text(ParseState *ps, AstExprKind kind, ParseToken token);
AstExpr *expr_number(ParseState *ps, AstExprKind kind, ParseToken token);
void numbers_check(ParseState *ps);
AstExpr *expr_unary(ParseState *ps, AstOp op, ParseToken token, AstExpr *arg);
AstExpr *expr_binary(ParseState *ps, AstOp op, AstExpr *left, AstExpr *right);
AstExpr *ast_expr_column(ParseState *ps, AstIdent qualifier, AstIdent name);
AstExpr *expr_negated(AstExpr *expr, bool is_negated);
AstExpr *expr_parens(ParseState *ps, AstPos start, AstExpr *expr);
AstExpr *expr_list(ParseState *ps, AstExprKind kind, AstPos start, AstList *args);
AstExpr *expr_query(ParseState *ps, AstExprKind kind, AstPos start, AstQuery *query);
AstExpr *expr_lambda(ParseState *ps, AstExpr *params, AstExpr *body);
AstExpr *expr_unit(ParseState *ps, AstUnit unit, ParseToken token);
AstUnit unit_of(const char *word);

/* sugar.c: forms that stand for calls and literals. */
AstExpr *expr_call_of(ParseState *ps, AstPos start, ParseToken token, const char *function, AstExpr *a, AstExpr *b, AstExpr *c);
AstExpr *expr_match(ParseState *ps, AstExpr *left, ParseToken op, AstExpr *right);
/* Whether all of `value` matches a pattern that the named function turns into a regular expression. */
AstExpr *expr_pattern(ParseState *ps, ParseToken token, AstExpr *value, const char *function, AstExpr *pattern, AstExpr *escape);
AstExpr *expr_negated_call(ParseState *ps, bool is_negated, AstExpr *call);
AstExpr *expr_slice(ParseState *ps, AstExpr *list, ParseToken token, AstExpr *from, AstExpr *to);
AstExpr *expr_json_key(ParseState *ps, ParseToken key);
AstExpr *expr_json_index(ParseState *ps, ParseToken index);
AstExpr *expr_struct_of_pairs(ParseState *ps, AstPos start, AstList *pairs);
AstExpr *expr_lambda_of_names(ParseState *ps, AstList *names, AstExpr *body);
/* Aggregates of DuckDB that are others with a FILTER, or several. */
AstExpr *call_done(ParseState *ps, AstExpr *call);
AstExpr *expr_extract(ParseState *ps, ParseToken token, AstIdent part, AstExpr *arg);

/* read_function.c: the format of what read_csv and its like read; NULL: another function. */
const char *read_function_format(AstIdent function);
AstRelation *relation_of_read(ParseState *ps, AstIdent function, AstList *args);

/* Where ksqlDB takes a value expression, a bare predicate is a syntax error in its dialect. */
void expr_check_value(ParseState *ps, const AstExpr *expr);
void expr_check_values(ParseState *ps, const AstList *list);

int64_t int_of(ParseState *ps, ParseToken token);
AstDuration duration_of(ParseState *ps, ParseToken amount, AstUnit unit);

AstType *type_new(ParseState *ps, AstTypeKind kind, AstPos start);
AstType *type_wrap_array(ParseState *ps, AstType *element);

AstRelation *relation_done(ParseState *ps, AstRelation *relation);
AstRelation *relation_new(ParseState *ps, AstRelationKind kind, AstPos start);
AstSelect *select_done(ParseState *ps, AstSelect *select);
AstBody *body_new(ParseState *ps, AstBodyKind kind, AstPos start);
AstBody *body_done(ParseState *ps, AstBody *body);
AstQuery *query_done(ParseState *ps, AstQuery *query);
AstGrouping *grouping_of(ParseState *ps, AstGroupingKind kind, AstPos start, AstExpr *expr, AstList *items);
AstGrouping *grouping_of_expr(ParseState *ps, AstExpr *expr);
AstStatement *statement_new(ParseState *ps, AstStatementKind kind, AstPos start);

#define INPUT_SKIP (-1)

/* context.c: turns the codes of words as such into codes that fit what stands around them. */
void context_apply(ParseState *ps);

/* In the generated parser. */
void *grammar_new(void);
void grammar_free(void *grammar);
void grammar_feed(void *grammar, int code, ParseToken value, ParseState *ps);

/* The tokens that the grammar could take now. */
int grammar_wanted(void *grammar, int *codes, int max);

#endif
