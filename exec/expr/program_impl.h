#ifndef SLUICE_EXEC_EXPR_PROGRAM_IMPL_H
#define SLUICE_EXEC_EXPR_PROGRAM_IMPL_H

/* What the files of exec/expr/ share: compiled nodes and the frame of an evaluation. */
#include "exec/expr/program.h"

/*
 * The rows that nodes are evaluated over: those of the batch, or the elements of a collection (lambda bodies, casts of
 * elements), whose rows belong to rows of the outer frame.
 */
typedef struct EvalFrame EvalFrame;
struct EvalFrame {
	EvalContext			*context;
	const Batch			*batch;
	int32_t				 n_rows;
	EvalFrame			*outer;			/* NULL: rows are rows of the batch */
	const uint32_t		*outer_row;
	const Vector *const *parameters;	/* of the lambdas around, outermost first */
	int					 n_parameters;
};

typedef struct Node Node;

/* Gives n_rows rows in any form.  Rows that failed or are not active may hold anything. */
typedef const Vector *(*NodeEval)(const Node *node, EvalFrame *frame);

/* Operands are FLAT or CONSTANT, never both CONSTANT; out is FLAT with its validity already set. */
typedef void (*BinaryKernel)(const Node *node, EvalFrame *frame, const Vector *a, const Vector *b, Vector *out);

/* Operand FLAT; out is FLAT with the operand's validity (a copy of its own, so that more rows can become NULL). */
typedef struct Cast Cast;
typedef void (*CastKernel)(const Cast *cast, EvalFrame *frame, const Vector *in, Vector *out);

struct Cast {
	const Type *from;
	const Type *to;
	bool		standard;
	CastKernel	kernel;			/* NULL: identity, or one of the nested forms */
	Cast	   *parts;			/* ARRAY 1, MAP 2, STRUCT one per target field */
	int		   *sources;		/* STRUCT: source field of each target field, -1: none */
};

struct Node {
	NodeEval	  eval;
	NodeEval	  eval_rows;		/* eval_on_dictionary: what it does with each entry, or with each row */
	const Expr	 *expr;
	const Type	 *type;
	int			  n_args;
	Node		**args;
	bool		  is_guarded;
	bool		  standard;
	Vector		 *constant;			/* CONSTANT */
	BinaryKernel  binary;
	Cast		 *cast;
	void		 *state;			/* CALL: of prepare(); IN, LIKE: their own */
	bool		 *null_is_error;	/* CALL: arguments marked `!`; NULL: none */
	bool		  is_plain;			/* cannot fail and costs little: need not be told which rows are active */
};

struct Program {
	Node	   *root;
	const Type *type;
};

/* ---- eval.c ---- */

/* Evaluates with the node's guard: failures inside end there when it is guarded. */
const Vector *node_eval(const Node *node, EvalFrame *frame);

/* As node_eval, FLAT or CONSTANT. */
const Vector *node_eval_simple(const Node *node, EvalFrame *frame);

/* v with the rows of `bits` NULL as well. */
const Vector *vector_mask(Arena *arena, const Vector *v, const uint64_t *bits, int32_t n_rows);

/* Validity of a result over two operands, in `arena`; NULL when no row is NULL. */
uint64_t *validity_of_two(Arena *arena, const Vector *a, const Vector *b, int32_t n_rows);

static inline bool
row_is_active(const EvalFrame *frame, int64_t i)
{
	return frame->context->active == NULL || bitmap_get(frame->context->active, i);
}

/*
 * Runs `frame` (whose outer frame is the current one) with its own failures; the rows that failed are then failed in the
 * outer frame (or, if guarded, only NULL in the result).
 */
const Vector *frame_enter(EvalFrame *frame, bool is_guarded, const Vector *(*body)(EvalFrame *frame, void *argument),
						  void *argument);

/* The FLAT or CONSTANT form. */
static inline const Vector *
vector_simple(Arena *arena, const Vector *v)
{
	return v->form == VECTOR_DICTIONARY ? vector_flatten(arena, v) : v;
}

const Vector *eval_column(const Node *node, EvalFrame *frame);
const Vector *eval_constant(const Node *node, EvalFrame *frame);
const Vector *eval_parameter(const Node *node, EvalFrame *frame);
const Vector *eval_binary(const Node *node, EvalFrame *frame);		/* arithmetic */
const Vector *eval_compare(const Node *node, EvalFrame *frame);
const Vector *eval_distinct(const Node *node, EvalFrame *frame);
const Vector *eval_negate(const Node *node, EvalFrame *frame);
const Vector *eval_cast(const Node *node, EvalFrame *frame);
const Vector *eval_and_or(const Node *node, EvalFrame *frame);
const Vector *eval_not(const Node *node, EvalFrame *frame);
const Vector *eval_is_null(const Node *node, EvalFrame *frame);
const Vector *eval_case(const Node *node, EvalFrame *frame);
const Vector *eval_call(const Node *node, EvalFrame *frame);
const Vector *eval_in(const Node *node, EvalFrame *frame);
const Vector *eval_like(const Node *node, EvalFrame *frame);
const Vector *eval_field(const Node *node, EvalFrame *frame);
const Vector *eval_subscript(const Node *node, EvalFrame *frame);
const Vector *eval_array(const Node *node, EvalFrame *frame);
const Vector *eval_map(const Node *node, EvalFrame *frame);
const Vector *eval_struct(const Node *node, EvalFrame *frame);

/* ---- eval_dictionary.c ---- */
bool		  node_takes_dictionary(const Node *node);
const Vector *eval_on_dictionary(const Node *node, EvalFrame *frame);

/* ---- choosing kernels when compiling; NULL: there is none for the types ---- */

BinaryKernel arithmetic_kernel(ArithmeticOp op, const Type *a, const Type *b, const Type *result, bool standard);
BinaryKernel time_arithmetic_kernel(ArithmeticOp op, const Type *a, const Type *b, const Type *result);
BinaryKernel compare_kernel(CompareOp op, const Type *a, const Type *b, bool standard);
BinaryKernel concat_kernel(bool standard);

/* Fills `out`; FAILED when `from` cannot be cast to `to`. */
Status cast_compile(Arena *arena, const Type *from, const Type *to, bool standard, Cast *out, Error *err);
CastKernel cast_number_kernel(const Type *from, const Type *to, bool standard);
CastKernel cast_text_kernel(const Type *from, const Type *to, bool standard);

/* Casts n_rows rows; in any form. */
const Vector *cast_eval(const Cast *cast, EvalFrame *frame, const Vector *in);

/* Compile-time preparation of IN and LIKE. */
Status in_compile(Arena *arena, Node *node, Error *err);
Status like_compile_node(Arena *arena, Node *node, Error *err);

/* Text of a value as CAST to STRING makes it; NULL as `null`. */
void cast_add_text(const Value *v, bool standard, StrBuf *out);

#endif
