#include "exec/op/flat_map.h"

#define ARRAYS_BYTES (4 << 20)		/* of arrays that wait to be emitted, beyond which they are */

typedef struct FlatMapOp {
	Op			op;
	Program  ***programs;		/* per item, per argument */
} FlatMapOp;

static Status
flat_map_open(Op *op, Error *err)
{
	FlatMapOp		  *self = op_cast(FlatMapOp, op, &op_flat_map);
	const FlatMapSpec *spec = op->spec;

	self->programs = arena_array(&op->arena, Program **, spec->n_items);
	for (int k = 0; k < spec->n_items; k++) {
		self->programs[k] = arena_array(&op->arena, Program *, spec->items[k].n_args);
		for (int a = 0; a < spec->items[k].n_args; a++)
			TRY(program_compile(&op->arena, spec->items[k].args[a], &self->programs[k][a], err));
	}
	return OK;
}

/* One push: the rows of a batch in turn, and what of them has not yet been emitted. */
typedef struct Expansion {
	FlatMapOp		*self;
	const Batch		*in;
	const Vector  ***args;		/* per item, per argument */
	Value		   **arrays;	/* per item: what it gives for each row; of rows that were emitted it is gone */
	uint64_t	   **failed;	/* per item: rows whose value failed */
	uint32_t		*rows;		/* of output rows that wait: which row of the batch */
	uint32_t		*elements;	/* and which element of its arrays */
	int32_t			 n;
} Expansion;

static Status
expansion_open(Expansion *x, FlatMapOp *self, const Batch *in, Error *err)
{
	const FlatMapSpec *spec = self->op.spec;
	Arena			  *arena = op_scratch(&self->op);

	*x = (Expansion){.self = self, .in = in, .args = arena_array(arena, const Vector **, spec->n_items),
					 .arrays = arena_array(arena, Value *, spec->n_items), .failed = arena_array(arena, uint64_t *, spec->n_items),
					 .rows = arena_alloc(arena, sizeof *x->rows * BATCH_ROWS), .elements = arena_alloc(arena, sizeof *x->elements * BATCH_ROWS)};
	for (int k = 0; k < spec->n_items; k++) {
		x->args[k] = arena_array(arena, const Vector *, spec->items[k].n_args + 1);
		x->arrays[k] = arena_array(arena, Value, in->n_rows);
		x->failed[k] = arena_calloc(arena, sizeof(uint64_t) * (size_t)bitmap_words(in->n_rows));
		for (int a = 0; a < spec->items[k].n_args; a++)
			TRY(program_eval(self->programs[k][a], op_services(&self->op)->eval, in, &x->args[k][a], err));
	}
	return OK;
}

/* The array that item k gives for a row: NULL if it has no value. */
static void
expand_row(Expansion *x, int k, int32_t row)
{
	Op				  *op = &x->self->op;
	const FlatMapItem *item = &((const FlatMapSpec *)op->spec)->items[k];
	Arena			  *arena = op_scratch(op);
	EvalContext		  *eval = op_services(op)->eval;
	Value			  *args = arena_array(arena, Value, item->n_args + 1);
	ScalarCall		   call = {.context = eval, .args = x->args[k], .n_args = item->n_args, .arena = arena,
							   .result_type = type_array(item->type)};

	for (int a = 0; a < item->n_args; a++)
		args[a] = vector_get(x->args[k][a], row, arena);
	x->arrays[k][row] = value_null(call.result_type);
	eval->failed = x->failed[k];
	eval->active = NULL;
	if (!item->function->rows(&call, row, args, &x->arrays[k][row])) {
		x->arrays[k][row] = value_null(call.result_type);
		op_log_row(op, x->in, row, "%s failed: %s", item->function->name, eval->reason);
	}
	eval->failed = NULL;
	eval->any_failed = false;
}

static int64_t
flat_map_rows_of(const FlatMapSpec *spec, Value *const *arrays, int32_t row)
{
	int64_t n = 0;

	for (int k = 0; k < spec->n_items; k++)
		if (!arrays[k][row].is_null && arrays[k][row].n_items > n)
			n = arrays[k][row].n_items;
	return n == 0 && spec->outer ? 1 : n;
}

/* Emits the output rows that wait. */
static Status
expansion_emit(Expansion *x, Error *err)
{
	Op				  *op = &x->self->op;
	const FlatMapSpec *spec = op->spec;
	Arena			  *arena = op_scratch(op);
	ArenaMark		   mark = arena_mark(arena);
	int32_t			   n = x->n;
	Batch			  *base = batch_select(arena, x->in, x->rows, n);
	const Vector	 **columns = arena_array(arena, const Vector *, x->in->n_columns + spec->n_items);
	Status			   status;

	memcpy(columns, base->columns, sizeof *columns * (size_t)x->in->n_columns);
	for (int k = 0; k < spec->n_items; k++) {
		Vector *v = vector_new(arena, spec->items[k].type, n);

		for (int32_t i = 0; i < n; i++) {
			const Value *array = &x->arrays[k][x->rows[i]];

			if (array->is_null || x->elements[i] >= array->n_items || array->items[x->elements[i]].is_null)
				vector_set_null(v, arena, i);
			else
				vector_set(v, arena, i, &array->items[x->elements[i]]);
		}
		columns[x->in->n_columns + k] = v;
	}
	status = op_emit(op, batch_with_columns(arena, base, columns, x->in->n_columns + spec->n_items), err);
	arena_rewind(arena, mark);
	x->n = 0;
	return status;
}

static Status
flat_map_push(Op *op, int port, const Batch *in, Error *err)
{
	const FlatMapSpec *spec = op->spec;
	Arena			  *arena = op_scratch(op);
	Expansion		   x;
	ArenaMark		   mark;
	size_t			   before;

	(void)port;
	TRY(expansion_open(&x, op_cast(FlatMapOp, op, &op_flat_map), in, err));
	mark = arena_mark(arena);
	before = arena->size_bytes;
	for (int32_t i = 0; i < in->n_rows; i++) {
		int64_t n_rows;

		if (row_kind_is_null(batch_row_kind(in, i)))
			continue;
		for (int k = 0; k < spec->n_items; k++)
			expand_row(&x, k, i);
		n_rows = flat_map_rows_of(spec, x.arrays, i);
		for (int64_t e = 0; e < n_rows; e++) {
			if (x.n == BATCH_ROWS)
				TRY(expansion_emit(&x, err));
			x.rows[x.n] = (uint32_t)i;
			x.elements[x.n++] = (uint32_t)e;
		}
		/* A batch of rows, each of which becomes a million, must not be in memory at once. */
		if (arena->size_bytes - before > ARRAYS_BYTES) {
			if (x.n > 0)
				TRY(expansion_emit(&x, err));
			arena_rewind(arena, mark);
			before = arena->size_bytes;
		}
	}
	return x.n > 0 ? expansion_emit(&x, err) : OK;
}

static void
flat_map_explain(const void *spec, Explain *out)
{
	const FlatMapSpec *s = spec;

	for (int k = 0; k < s->n_items; k++)
		explain_exprs(out, s->items[k].function->name, (Expr *const *)s->items[k].args, s->items[k].n_args);
}

const OpType op_flat_map = {
	.name = "FlatMap",
	.size = sizeof(FlatMapOp),
	.ports = 1,
	.open = flat_map_open,
	.push = flat_map_push,
	.is_parallel = true,
	.explain = flat_map_explain,
};
