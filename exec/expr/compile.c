/* From Expr to Node: kernels chosen by type, constants folded. */
#include "exec/expr/program_impl.h"
#include "exec/func/signature.h"

static const NodeEval node_evals[] = {
	[EXPR_COLUMN] = eval_column,
	[EXPR_CONSTANT] = eval_constant,
	[EXPR_PARAMETER] = eval_parameter,
	[EXPR_CALL] = eval_call,
	[EXPR_LAMBDA] = NULL,
	[EXPR_CAST] = eval_cast,
	[EXPR_ARITHMETIC] = eval_binary,
	[EXPR_NEGATE] = eval_negate,
	[EXPR_COMPARE] = eval_compare,
	[EXPR_DISTINCT_FROM] = eval_distinct,
	[EXPR_AND] = eval_and_or,
	[EXPR_OR] = eval_and_or,
	[EXPR_NOT] = eval_not,
	[EXPR_IS_NULL] = eval_is_null,
	[EXPR_IN] = eval_in,
	[EXPR_LIKE] = eval_like,
	[EXPR_CASE] = eval_case,
	[EXPR_FIELD] = eval_field,
	[EXPR_SUBSCRIPT] = eval_subscript,
	[EXPR_ARRAY] = eval_array,
	[EXPR_MAP] = eval_map,
	[EXPR_STRUCT] = eval_struct,
};

static Status
no_kernel(Arena *arena, const Expr *e, const char *what, Error *err)
{
	error_unsupported(err, "%s of %s and %s is not supported", what, type_to_arena(e->args[0]->type, arena),
					  type_to_arena(e->args[1]->type, arena));
	return error_at(err, e->line, e->column, 0);
}

/* Marks of `STRING!` parameters, by argument. */
static Status
compile_null_marks(Arena *arena, Node *node, Error *err)
{
	const ScalarFunction *function = node->expr->function;
	Signature			  signature;

	if (strchr(function->signature, '!') == NULL)
		return OK;
	TRY(signature_parse(arena, function->signature, &signature, err));
	node->null_is_error = arena_array(arena, bool, node->n_args);
	for (int i = 0; i < node->n_args; i++) {
		const Pattern *p = signature_parameter(&signature, i, node->n_args);

		node->null_is_error[i] = p != NULL && p->null_is_error;
	}
	return OK;
}

static Status
compile_call(Arena *arena, Node *node, Error *err)
{
	const ScalarFunction *function = node->expr->function;
	Value				 *constants;
	bool				  any = false;

	TRY(compile_null_marks(arena, node, err));
	if (function->prepare == NULL)
		return OK;
	constants = arena_array(arena, Value, node->n_args);
	for (int i = 0; i < node->n_args; i++) {
		if (node->args[i]->constant != NULL) {
			constants[i] = vector_get(node->args[i]->constant, 0, arena);
			any = true;
		}
	}
	if (any)
		node->state = function->prepare(arena, constants, node->n_args);
	return OK;
}

static Status
compile_kernel(Arena *arena, Node *node, Error *err)
{
	const Expr *e = node->expr;

	switch (e->kind) {
	case EXPR_ARITHMETIC:
		node->binary = arithmetic_kernel((ArithmeticOp)e->op, node->args[0]->type, node->args[1]->type, e->type, e->standard);
		if (node->binary == NULL)
			return no_kernel(arena, e, "Arithmetic", err);
		return OK;
	case EXPR_COMPARE:
		node->binary = compare_kernel((CompareOp)e->op, node->args[0]->type, node->args[1]->type, e->standard);
		if (node->binary == NULL)
			return no_kernel(arena, e, "Comparison", err);
		return OK;
	case EXPR_DISTINCT_FROM:
		node->binary = compare_kernel(COMPARE_EQ, node->args[0]->type, node->args[1]->type, true);
		if (node->binary == NULL)
			return no_kernel(arena, e, "Comparison", err);
		return OK;
	case EXPR_CAST: {
		Status status;

		node->cast = arena_new(arena, Cast);
		status = cast_compile(arena, node->args[0]->type, e->type, e->standard, node->cast, err);
		return status == OK ? OK : error_at(err, e->line, e->column, 0);
	}
	case EXPR_CALL:
		return compile_call(arena, node, err);
	case EXPR_IN:
		return in_compile(arena, node, err);
	case EXPR_LIKE:
		return like_compile_node(arena, node, err);
	default:
		return OK;
	}
}

/* Comparisons and tests of columns and constants that no row can fail. */
static bool
is_plain(const Node *node)
{
	switch (node->expr->kind) {
	case EXPR_COLUMN:
	case EXPR_CONSTANT:
	case EXPR_IS_NULL:
	case EXPR_DISTINCT_FROM:
		break;
	case EXPR_COMPARE:
		if (node->args[0]->type != node->args[1]->type)
			return false;
		break;
	case EXPR_AND:
	case EXPR_OR:
	case EXPR_NOT:
		if (!node->standard)
			return false;
		break;
	default:
		return node->constant != NULL;
	}
	for (int i = 0; i < node->n_args; i++)
		if (!node->args[i]->is_plain)
			return false;
	return true;
}

static bool
all_constant(const Node *node)
{
	for (int i = 0; i < node->n_args; i++)
		if (node->args[i]->constant == NULL)
			return false;
	return true;
}

/* A larger value is made when it is asked for, within the budget of the query. */
#define FOLD_BYTES_MAX (1 << 20)

/* Replaces a node over constants by its value, unless evaluating it fails: then every row has to report that. */
static void
fold(Arena *arena, Node *node)
{
	Batch		  batch = {.n_rows = 1};
	EvalContext	  context = {.scratch = arena, .value_bytes_max = FOLD_BYTES_MAX};
	EvalFrame	  frame = {.context = &context, .batch = &batch, .n_rows = 1};
	const Vector *result;
	Value		  value;

	context.frame = &frame;
	result = node_eval(node, &frame);
	if (context.n_failed > 0)
		return;
	value = vector_get(result, 0, arena);
	node->constant = vector_constant(arena, &value, 1);
	node->constant->is_ascii = result->is_ascii;
	node->eval = eval_constant;
}

static Status
compile_node(Arena *arena, const Expr *e, Node **out, Error *err)
{
	Node *node = arena_new(arena, Node);

	node->expr = e;
	node->type = e->type;
	node->n_args = e->n_args;
	node->eval = node_evals[e->kind];
	node->is_guarded = e->is_guarded;
	node->standard = e->standard;
	node->args = arena_array(arena, Node *, e->n_args);
	for (int i = 0; i < e->n_args; i++)
		TRY(compile_node(arena, e->args[i], &node->args[i], err));
	*out = node;
	if (e->kind == EXPR_CONSTANT) {
		node->constant = vector_constant(arena, &e->constant, 1);
		node->is_plain = true;
		return OK;
	}
	node->is_plain = e->kind == EXPR_COLUMN;
	if (e->kind == EXPR_LAMBDA || e->kind == EXPR_COLUMN || e->kind == EXPR_PARAMETER)
		return OK;
	TRY(compile_kernel(arena, node, err));
	if (all_constant(node) && !(e->kind == EXPR_CALL && (e->function->flags & FUNC_NOT_DETERMINISTIC)))
		fold(arena, node);
	node->is_plain = is_plain(node);
	if (node_takes_dictionary(node)) {
		node->eval_rows = node->eval;
		node->eval = eval_on_dictionary;
	}
	return OK;
}

Status
program_compile(Arena *arena, const Expr *expr, Program **out, Error *err)
{
	Program *program = arena_new(arena, Program);

	TRY(compile_node(arena, expr, &program->root, err));
	program->type = expr->type;
	*out = program;
	return OK;
}

const Type *
program_type(const Program *program)
{
	return program->type;
}
