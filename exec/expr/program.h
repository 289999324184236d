#ifndef SLUICE_EXEC_EXPR_PROGRAM_H
#define SLUICE_EXEC_EXPR_PROGRAM_H

/*
 * An Expr compiled to a program of vector kernels, and its evaluation over batches.
 *
 * Constant parts are folded when compiled; kernels are chosen by type then.  The state of an evaluation is in the
 * EvalContext (one a task).  A Program itself is not changed by evaluating, but what functions prepared from constants
 * (a compiled regular expression) may belong to one thread at a time: compile one Program a task.  The Expr must live
 * as long as the Program.
 */
#include "common/budget.h"
#include "common/env.h"
#include "data/batch.h"
#include "exec/expr/expr.h"

typedef struct Program Program;

/*
 * Where rows that failed are told.  `reason` is a sentence without the place.  Called at most once a row and program.
 * May be called from the task's thread only.
 */
typedef struct EvalLog {
	void (*report)(struct EvalLog *log, const Batch *in, int32_t row, const char *reason);
} EvalLog;

typedef struct EvalContext {
	Arena	  *scratch;			/* results live here: reset by the owner when the push is over */
	EvalLog	  *log;				/* NULL: failures are counted only */
	const Env *env;				/* clock and randomness for UNIX_TIMESTAMP, RANDOM, UUID */
	MemoryBudget *budget;		/* that large values are measured by; NULL: none */
	int64_t	   value_bytes_max;		/* of one value; 0: no limit but the budget */
	int64_t	   collect_list_limit;	/* of COLLECT_LIST, COLLECT_SET: most elements; 0 and less: no limit */
	int64_t	   collect_set_limit;
	int64_t	   n_failed;		/* rows that failed, all in all */
	/* While a kernel runs: which rows have failed so far (bitmap, cleared by the evaluator), and the first reason. */
	uint64_t  *failed;
	const uint64_t *active;		/* rows that count; NULL: all.  Failures elsewhere are ignored */
	bool	   any_failed;
	char	   reason[512];
	/* Of a bounded query: a value that memory does not hold ends it (ERROR_FATAL) rather than being NULL. */
	bool		refuses_large;
	const char *remedy;			/* not NULL: such a value was met; `reason` is why.  What is evaluated then fails */
	/* Of the evaluator: what is being evaluated, and the rows of the batch that were reported. */
	struct EvalFrame *frame;
	uint64_t		 *reported;
} EvalContext;

/*
 * Marks a row as failed; its result is NULL.  For kernels.  Outside of a program (table functions) it sets any_failed,
 * reason, n_failed and, if there is one, the bit in `failed`.
 */
void eval_fail(EvalContext *context, int32_t row, const char *format, ...) PRINTF_LIKE(3, 4);

/*
 * May row `row` hold a value of about so many bytes, with what the evaluation holds already?  Otherwise the row fails and says that
 * `what` is too large (see eval_refuse).  For kernels that make large values of small arguments; nothing is reserved, scratch memory is short-lived.
 */
bool eval_has_room(EvalContext *context, int32_t row, const char *what, int64_t n_bytes, const char *remedy);

/* Marks a row as failed because its value would be too large; `remedy` (static text) is what the user can do, where that ends the query. */
void eval_refuse(EvalContext *context, int32_t row, const char *remedy, const char *format, ...) PRINTF_LIKE(4, 5);

/* FAILED: a value that memory does not hold was met (refuses_large). */
Status eval_check(const EvalContext *context, Error *err);

/* Fails with ERROR_USER only for constants that cannot be (a bad regular expression literal may wait for run time). */
Status program_compile(Arena *arena, const Expr *expr, Program **out, Error *err);

/*
 * Evaluates over all rows of `in`; *out is FLAT, CONSTANT or DICTIONARY, lives in context->scratch or is borrowed from
 * `in`.  Rows whose row kind carries no value row are evaluated like others (their value columns are NULL).
 */
Status program_eval(const Program *program, EvalContext *context, const Batch *in, const Vector **out, Error *err);

/* Evaluates a BOOLEAN program and writes the indices of the rows that are TRUE; returns how many. */
int32_t program_filter(const Program *program, EvalContext *context, const Batch *in, uint32_t *selected);

/* Evaluates an expression without columns; a failing one gives ERROR_USER with its reason. */
Status expr_eval_constant(Arena *arena, const Expr *expr, const Env *env, Value *out, Error *err);

const Type *program_type(const Program *program);

#endif
