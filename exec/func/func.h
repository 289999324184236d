#ifndef SLUICE_EXEC_FUNC_FUNC_H
#define SLUICE_EXEC_FUNC_FUNC_H

/*
 * The rows that functions are: name, signature, kernel, one-line description, example.  The row is the only registration;
 * look-up, DESCRIBE FUNCTION, SHOW FUNCTIONS, completion, reference pages and tests are derived from it.
 *
 * Signature text: `(STRING, INTEGER, STRING) -> STRING`.  Parameters and result are type texts (DECIMAL without
 * parameters: any DECIMAL), or
 *   T K V S R      type variables: all uses in one call must be the identical type
 *   ARRAY<T>, MAP<K, V>, STRUCT (any struct), NUMBER (INTEGER, BIGINT, DECIMAL or DOUBLE), ANY
 *   UNIT           an interval word
 *   (T) => R       a lambda; (K, V) => R, (S, T) => S ...
 *   STRING...      a variadic parameter (zero or more), usually the last one
 *   STRING!        NULL is an error (NULL result and a log entry) instead of being handled by the kernel
 * The result may be `= f`: computed by resolve().
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/status.h"
#include "data/batch.h"
#include "data/value.h"

struct EvalContext;
struct Expr;

typedef enum FunctionDialect {
	FUNCTION_BOTH,
	FUNCTION_KSQLDB,		/* exists in the ksqldb dialect only (another row serves standard, or none) */
	FUNCTION_STANDARD,
} FunctionDialect;

/* ---- scalar functions ---- */

enum {
	FUNC_NULL_IN = 1,			/* any NULL argument gives NULL; the kernel is not asked about such rows (it may compute
								 * garbage there, the evaluator overlays the validity) */
	FUNC_NOT_DETERMINISTIC = 2, /* not folded, evaluated per row: RANDOM, UUID, UNIX_TIMESTAMP() */
	FUNC_HIDDEN = 4,			/* not listed: operators and internal rows */
	FUNC_DEPRECATED = 8,
	FUNC_ORDERED = 16,			/* aggregate whose result depends on the order of rows: not run in parallel parts */
};

/*
 * What a kernel gets.  args are FLAT or CONSTANT; use the arg_* macros, which know both.  Lambdas are called through
 * eval_lambda (exec/expr/lambda.h).  constant_state is what prepare() made of constant arguments, or NULL.
 */
typedef struct ScalarCall {
	struct EvalContext		   *context;
	const struct ScalarFunction *function;
	const Vector *const		   *args;			/* n_args; a lambda's entry is NULL */
	int							n_args;
	const Type				   *result_type;
	void					   *constant_state;
	const void				   *lambdas;		/* of the evaluator; see exec/expr/lambda.h */
	Arena					   *arena;			/* where results (text, list children) go */
} ScalarCall;

/* Writes rows 0..n_rows-1 of the FLAT out (made for result_type, no NULLs).  Failing rows: eval_fail. */
typedef void (*ScalarKernel)(const ScalarCall *call, int32_t n_rows, Vector *out);

/*
 * The row-wise form, for functions over nested types or rare ones: one call a row; args of the row as Values; *out
 * preset to NULL of the result type.  Returns false after eval_fail.  A row has either kernel or row_kernel.
 */
typedef bool (*ScalarRowKernel)(const ScalarCall *call, int32_t row, const Value *args, Value *out);

/* Result type where the signature says `= f`; NULL with *err set to refuse the argument types. */
typedef const Type *(*ResolveResult)(const Type *const *args, int n_args, const Value *constants, Error *err);

typedef struct ScalarFunction {
	const char		*name;			/* upper case */
	const char		*signature;
	ScalarKernel	 kernel;
	ScalarRowKernel	 row_kernel;
	ResolveResult	 resolve;
	/* Called once when compiled if some arguments are constants (is_null type NULL where not): e.g. compiles a pattern.
	 * NULL result: none.  Errors wait for run time: return NULL. */
	void		  *(*prepare)(Arena *arena, const Value *constants, int n_args);
	uint32_t		 flags;
	FunctionDialect	 dialect;
	const char		*description;	/* one sentence */
	const char		*example;		/* SQL expression, e.g. "LPAD('7', 3, '0')"; NULL for hidden rows */
	const char		*example_result;	/* as CSV output shows it, e.g. "007"; run by the tests; NULL: not fixed */
} ScalarFunction;

/* ---- aggregates ---- */

/*
 * The state of one group is state_size bytes (resolve_size may compute it), cleared to zero, then init().  It may be
 * moved in memory.  It may point to malloc'ed memory - then save, load and destroy must be given.
 */
typedef struct AggregateCall {
	const struct Aggregate *function;
	const Type *const	   *arg_types;
	int						n_args;
	const Value			   *constants;		/* trailing literal arguments by position; type NULL where not constant */
	const Type			   *result_type;
	struct EvalContext	   *context;		/* for RANDOM-like needs and limits; may be NULL */
	int64_t				   *sequence;		/* the task's counter for *_BY_OFFSET */
	Arena				   *arena;			/* step: where text and lists of results go */
	int64_t				   *used_bytes;		/* a state that allocates adds what it takes and subtracts what it frees */
	bool					is_single;		/* step: all rows go into states[0] */
	/* merge: the states are of consecutive parts of the input.  Otherwise (sessions) the sequence numbers tell the order. */
	bool					merges_parts;
	Error				   *err;			/* step and retract may fail the query: set it and return FAILED */
} AggregateCall;

/*
 * Of an aggregate whose states keep the values of their rows though its result is small.  What memory does not hold of the values is written
 * to temporary files in parts, comes back as entries, those of a group in the order of their first column (equal ones in that of the input),
 * and is reduced to a state that gives the result of them all.
 */
typedef struct AggregateReduction {
	int			n_columns;		/* of an entry, at most 4 */
	/* Writes the next part of a state, of some KiB, as `save` would write a state of its own; *at is 0 at first.  false: there is none. */
	bool (*save_part)(const AggregateCall *call, const void *state, size_t *at, StrBuf *out);
	/* The next entries of a state, at most BATCH_ROWS; 0: none.  Columns are FLAT, and borrow the state; `first`: how many entries of the group were before. */
	int32_t (*entries)(const AggregateCall *call, const void *state, size_t *at, int64_t first, Arena *arena, const Vector **columns);
	/* Gives the values up that were handed on as entries; what else the state knows stays. */
	void (*forget)(const AggregateCall *call, void *state);
	uint32_t scratch_size;		/* cleared to zero before begin */
	void (*begin)(const AggregateCall *call, const void *state, void *scratch, int64_t n);	/* NULL: nothing to do */
	void (*take)(const AggregateCall *call, void *state, void *scratch, const Vector *const *columns, int32_t first, int32_t n);
	void (*end)(const AggregateCall *call, void *state, void *scratch);		/* also after a failure; frees what scratch owns.  NULL: nothing to do */
} AggregateReduction;

typedef struct Aggregate {
	const char	   *name;
	const char	   *signature;			/* as of scalar functions; COUNT(*) is `() -> BIGINT` */
	uint32_t		state_size;
	void (*init)(const AggregateCall *call, void *state);		/* NULL: all zero */
	/*
	 * Takes rows 0..n_rows-1 in order: row i goes into state states[i] + state_offset.  args are FLAT or CONSTANT.
	 * `skip` (NULL: none) is a bitmap of rows to leave out.  If results is not NULL, row i of it gets the result after
	 * row i was taken (FLAT, of result_type; rows left out too: the unchanged result).
	 */
	Status (*step)(const AggregateCall *call, char *const *states, uint32_t state_offset, const Vector *const *args,
				   int32_t n_rows, const uint64_t *skip, Vector *results);
	/* Takes one row back (undo); NULL: not possible on tables. */
	Status (*retract)(const AggregateCall *call, void *state, const Vector *const *args, int32_t row);
	/* into := into merged with from, where from's rows came later. */
	void (*merge)(const AggregateCall *call, void *into, const void *from);
	/* Writes the result of one state as row `row` of out (FLAT; text and lists are put in `arena`). */
	void (*result)(const AggregateCall *call, const void *state, Vector *out, int32_t row, Arena *arena);
	/* Bytes for durable state; NULL for both: the state is plain bytes without pointers. */
	void (*save)(const AggregateCall *call, const void *state, StrBuf *out);
	Status (*load)(const AggregateCall *call, Str bytes, void *state);
	/* Frees what a state owns; called with zeroed states too.  NULL: nothing. */
	void (*destroy)(const AggregateCall *call, void *state);
	const AggregateReduction *reduction;	/* NULL: a state is small, or its result is as large */
	ResolveResult	resolve;			/* for `= f` results */
	uint32_t (*resolve_size)(const Type *const *args, int n_args, const Value *constants);	/* NULL: state_size */
	/* Refuses constant arguments (k < 1, not a literal, ...); NULL: nothing to check. */
	Status (*check)(const Value *constants, int n_args, Error *err);
	FunctionDialect dialect;
	uint32_t		flags;
	const char	   *description;
	const char	   *example;			/* over VALUES: "SUM(x) FROM (VALUES (1), (2)) t(x)" */
	const char	   *example_result;
} Aggregate;

/* ---- table functions ---- */

/* Rows that are known by their number (exec/func/series.c). */
typedef struct Series {
	int64_t	 n;
	int64_t	 start;
	int64_t	 step;
	Interval by;			/* of times, instead of step */
} Series;

/*
 * Gives the rows of one call as a Value array (NULL and empty: none); false after eval_fail.  Or, without `rows`, as a series, of which
 * `fill` writes the n rows from `first` on into a FLAT vector from row `at`: they need no memory.
 */
typedef struct TableFunction {
	const char	   *name;
	const char	   *signature;			/* result: type of a row, e.g. `(ARRAY<T>) -> T` */
	bool (*rows)(const ScalarCall *call, int32_t row, const Value *args, Value *out_array);
	bool (*series)(const ScalarCall *call, int32_t row, const Value *args, Series *out);
	void (*fill)(const Series *series, int64_t first, int32_t n, Vector *out, int32_t at);
	uint32_t		flags;
	FunctionDialect dialect;
	const char	   *description;
	const char	   *example;
	const char	   *example_result;
} TableFunction;

/* The function that gives the elements of a scalar function's array one by one; NULL: there is none.  Its calls need that function too. */
const TableFunction *series_as_rows(const ScalarFunction *function);

/* ---- families: each file of exec/func/ exports one array that ends with a row whose name is NULL ---- */

extern const ScalarFunction *const scalar_families[];		/* NULL-terminated list; exec/func/registry.c */
extern const Aggregate *const aggregate_families[];
extern const TableFunction *const table_function_families[];

/* What SHOW FUNCTIONS says that it is for: by its family; users' own are OTHERS. */
const char *scalar_category(const ScalarFunction *function);

/* ---- look-up (exec/func/lookup.c) ---- */

typedef enum FunctionClass { FUNCTION_NONE, FUNCTION_SCALAR, FUNCTION_AGGREGATE, FUNCTION_TABLE } FunctionClass;

/* What kind of function a name is in a dialect (case-insensitive). */
FunctionClass function_class(Str name, bool standard);

/* An argument as the binder knows it before the overload is chosen. */
typedef struct FunctionArg {
	const Type *type;			/* TYPE_NULL for NULL literals, TYPE_UNIT, TYPE_LAMBDA (n_fields parameters) */
	Value		constant;		/* its value when it is a literal; constant.type NULL otherwise */
} FunctionArg;

typedef struct FunctionMatch {
	const void	*function;			/* const ScalarFunction *, Aggregate * or TableFunction * */
	const Type	*result;			/* NULL when it depends on a lambda's body: see lambda binding below */
	const Type **parameters;		/* the type that each argument must be cast to (equal: no cast); TYPE_LAMBDA stays */
	bool		*null_is_error;		/* per argument: the `!` mark */
	int			 n_args;
	struct FunctionBinding *binding;	/* of lookup.c: what type variables stand for */
	const struct UserFunction *user;	/* whose row it is; NULL: built in */
} FunctionMatch;

/*
 * Chooses the overload by the rules of ksqlDB (exact first, then implicit casts, then preferences), or of the standard
 * dialect (type variables widen to a common type).  Errors are ksqlDB's sentences: unknown function with a
 * suggestion, no overload with the list of them, ambiguity.
 */
Status function_resolve(Arena *arena, FunctionClass class, Str name, const FunctionArg *args, int n_args, bool standard,
						FunctionMatch *out, Error *err);

/*
 * For calls with lambdas: gives, for lambda argument `index`, the types of its parameters as they are bound so far (given the
 * types of the other arguments and the bodies already bound).  After binding its body the binder tells its type with
 * function_lambda_result; when all are told, out->result is set.
 */
Status function_lambda_parameters(Arena *arena, FunctionMatch *match, const FunctionArg *args, int index,
								  const Type **parameter_types, int n_parameters, Error *err);
Status function_lambda_result(Arena *arena, FunctionMatch *match, const FunctionArg *args, int index,
							  const Type *body_type, Error *err);

/* Every row of a class in name order, for listings: calls visit(row, context). */
void function_visit(FunctionClass class, bool standard, void (*visit)(const void *row, void *context), void *context);

/* ---- reading arguments in kernels ---- */

#define arg_index(v, i) ((v)->form == VECTOR_CONSTANT ? 0 : (i))
#define arg_valid(v, i) ((v)->validity == NULL || bitmap_get((v)->validity, arg_index(v, i)))
#define arg_bool(v, i) (((const uint8_t *)(v)->data)[arg_index(v, i)] != 0)
#define arg_int32(v, i) (((const int32_t *)(v)->data)[arg_index(v, i)])
#define arg_int64(v, i) (((const int64_t *)(v)->data)[arg_index(v, i)])
#define arg_double(v, i) (((const double *)(v)->data)[arg_index(v, i)])
#define arg_decimal(v, i) (((const Decimal *)(v)->data)[arg_index(v, i)])
#define arg_view(v, i) (&((const StrView *)(v)->data)[arg_index(v, i)])
#define arg_str(v, i) str_view_str(arg_view(v, i))

/* Stores text as result row i; copies it into the arena when it is long. */
static inline void
result_set_text(Vector *out, Arena *arena, int32_t i, Str text)
{
	const char *data = text.data;

	if (text.length > STR_VIEW_INLINE)
		data = (const char *)arena_memdup(arena, text.data, text.length);
	((StrView *)out->data)[i] = str_view_make(data, text.length);
}

#endif
