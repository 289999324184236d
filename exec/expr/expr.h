#ifndef SLUICE_EXEC_EXPR_EXPR_H
#define SLUICE_EXEC_EXPR_EXPR_H

/*
 * Bound, typed expressions: what the binder makes and the plan holds.  Immutable; lives in the plan's arena.
 *
 * Dialect differences are decided by the binder and are visible here only as other nodes, other function rows or other
 * flags; evaluation does not know of dialects.
 *
 * Errors.  A row whose evaluation fails becomes NULL and leaves one entry with the EvalContext's log.  A failure inside
 * an expression makes the whole expression NULL for that row, up to the nearest enclosing node with is_guarded set,
 * which becomes NULL by itself (ksqlDB's nested errors: the binder sets is_guarded on every CAST, on calls and ->
 * that stand directly as function arguments, on elements of constructors).
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "data/schema.h"
#include "data/value.h"
#include "exec/func/func.h"

typedef enum ExprKind {
	EXPR_COLUMN,			/* column of the input batch */
	EXPR_CONSTANT,
	EXPR_PARAMETER,			/* lambda parameter: index counts from the outermost lambda inwards */
	EXPR_CALL,				/* scalar function */
	EXPR_LAMBDA,			/* argument of a higher-order call: args[0] is the body */
	EXPR_CAST,				/* args[0] to type; `standard` chooses its rules */
	EXPR_ARITHMETIC,		/* two operands of the types that the binder has brought together */
	EXPR_NEGATE,
	EXPR_COMPARE,			/* two operands of one type after the binder's casts (numbers, time types widened) */
	EXPR_DISTINCT_FROM,		/* IS DISTINCT FROM; negated: IS NOT DISTINCT FROM */
	EXPR_AND,				/* n operands, left to right, lazily */
	EXPR_OR,
	EXPR_NOT,
	EXPR_IS_NULL,			/* negated: IS NOT NULL */
	EXPR_IN,				/* args[0] in args[1..]; constants become a hash set when compiled */
	EXPR_LIKE,				/* args[0] LIKE args[1]; escape */
	EXPR_CASE,				/* when, then, when, then, ..., [else]: odd count: with ELSE; lazily */
	EXPR_FIELD,				/* STRUCT field `index` of args[0] */
	EXPR_SUBSCRIPT,			/* ARRAY (from 1, negative from the end) or MAP element */
	EXPR_ARRAY,				/* constructor */
	EXPR_MAP,				/* constructor: key, value, key, value, ... */
	EXPR_STRUCT,			/* constructor: fields in the type's order */
} ExprKind;

typedef enum ArithmeticOp { ARITH_ADD, ARITH_SUB, ARITH_MUL, ARITH_DIV, ARITH_MOD } ArithmeticOp;
typedef enum CompareOp { COMPARE_EQ, COMPARE_NE, COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE } CompareOp;

typedef struct Expr Expr;
struct Expr {
	ExprKind			  kind;
	const Type			 *type;			/* of the result */
	int					  n_args;
	Expr *const			 *args;
	bool				  is_guarded;	/* see above */
	bool				  is_quiet;		/* with it: a failure is a NULL and no more, neither counted nor told (TRY_CAST) */
	bool				  negated;		/* IS_NULL, IN, LIKE, DISTINCT_FROM */
	/*
	 * Standard rules instead of ksqlDB's: three-valued comparison and logic (NULL instead of FALSE), checked integer
	 * overflow, division of integers by zero as error, rounded decimals, standard casts.
	 */
	bool				  standard;
	int					  index;		/* COLUMN, PARAMETER, FIELD */
	int					  op;			/* ArithmeticOp, CompareOp */
	char				  escape;		/* LIKE; 0: none */
	Value				  constant;		/* CONSTANT */
	const ScalarFunction *function;		/* CALL */
	const char			 *name;			/* COLUMN: its name, for EXPLAIN; CALL: as called */
	int					  line;			/* place in the SQL, for run-time messages; 0: unknown */
	int					  column;
};

/* Makes a node with every optional member zero. */
Expr *expr_new(Arena *arena, ExprKind kind, const Type *type, Expr *const *args, int n_args);
Expr *expr_column(Arena *arena, int index, const Type *type, const char *name);
Expr *expr_constant(Arena *arena, Value value);

/* Equality of structure: same node kinds, columns, constants, functions. */
bool expr_equal(const Expr *a, const Expr *b);

/* True when no column, parameter or non-deterministic function occurs. */
bool expr_is_constant(const Expr *e);

/* Sets used[i] for each column index that occurs. */
void expr_columns_used(const Expr *e, bool *used);

/* A copy with column i replaced by columns[i] (an Expr, shared) - for composing projections. */
Expr *expr_substitute(Arena *arena, const Expr *e, Expr *const *columns);

/* As SQL, for EXPLAIN. */
void expr_print(const Expr *e, StrBuf *out);

#endif
