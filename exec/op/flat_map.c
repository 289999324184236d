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
	Series		   **series;	/* per item that gives one; n is 0 without a value */
	uint64_t	   **failed;	/* per item: rows whose value failed */
	uint32_t		*rows;		/* of output rows that wait: which row of the batch */
	int64_t			*elements;	/* and which element of its arrays */
	int32_t			 n;
} Expansion;

static Status
expansion_open(Expansion *x, FlatMapOp *self, const Batch *in, Error *err)
{
	const FlatMapSpec *spec = self->op.spec;
	Arena			  *arena = op_scratch(&self->op);

	*x = (Expansion){.self = self, .in = in, .args = arena_array(arena, const Vector **, spec->n_items),
					 .arrays = arena_array(arena, Value *, spec->n_items), .series = arena_array(arena, Series *, spec->n_items), .failed = arena_array(arena, uint64_t *, spec->n_items),
					 .rows = arena_alloc(arena, sizeof *x->rows * BATCH_ROWS), .elements = arena_alloc(arena, sizeof *x->elements * BATCH_ROWS)};
	for (int k = 0; k < spec->n_items; k++) {
		x->args[k] = arena_array(arena, const Vector *, spec->items[k].n_args + 1);
		if (spec->items[k].function->series != NULL)
			x->series[k] = arena_array(arena, Series, in->n_rows);
		else
			x->arrays[k] = arena_array(arena, Value, in->n_rows);
		x->failed[k] = arena_calloc(arena, sizeof(uint64_t) * (size_t)bitmap_words(in->n_rows));
		for (int a = 0; a < spec->items[k].n_args; a++)
			TRY(program_eval(self->programs[k][a], op_services(&self->op)->eval, in, &x->args[k][a], err));
	}
	return OK;
}

/* A series: nothing where an argument is NULL. */
static bool
find_series(const FlatMapItem *item, const ScalarCall *call, int32_t row, const Value *args, Series *out)
{
	*out = (Series){0};
	for (int a = 0; a < item->n_args; a++)
		if (args[a].is_null)
			return true;
	if (item->function->series(call, row, args, out))
		return true;
	*out = (Series){0};
	return false;
}

static bool
find_array(const FlatMapItem *item, const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	*out = value_null(call->result_type);
	if (item->function->rows(call, row, args, out))
		return true;
	*out = value_null(call->result_type);
	return false;
}

/* What item k gives for a row. */
static Status
expand_row(Expansion *x, int k, int32_t row, Error *err)
{
	Op				  *op = &x->self->op;
	const FlatMapItem *item = &((const FlatMapSpec *)op->spec)->items[k];
	Arena			  *arena = op_scratch(op);
	EvalContext		  *eval = op_services(op)->eval;
	Value			  *args = arena_array(arena, Value, item->n_args + 1);
	ScalarCall		   call = {.context = eval, .function = item->scalar, .args = x->args[k], .n_args = item->n_args, .arena = arena,
							   .result_type = type_array(item->type)};
	bool			   found;

	for (int a = 0; a < item->n_args; a++)
		args[a] = vector_get(x->args[k][a], row, arena);
	eval->failed = x->failed[k];
	eval->active = NULL;
	found = x->series[k] != NULL ? find_series(item, &call, row, args, &x->series[k][row]) : find_array(item, &call, row, args, &x->arrays[k][row]);
	if (!found && eval->remedy == NULL)
		op_log_row(op, x->in, row, "%s failed: %s", item->function->name, eval->reason);
	eval->failed = NULL;
	eval->any_failed = false;
	return eval_check(eval, err);
}

static int64_t
rows_of(const FlatMapSpec *spec, const Expansion *x, int32_t row)
{
	int64_t n = 0;

	for (int k = 0; k < spec->n_items; k++) {
		int64_t of_item = x->series[k] != NULL ? x->series[k][row].n : x->arrays[k][row].is_null ? 0 : x->arrays[k][row].n_items;

		if (of_item > n)
			n = of_item;
	}
	return n == 0 && spec->outer ? 1 : n;
}

static void
fill_from_arrays(const Expansion *x, int k, Vector *v)
{
	Arena *arena = op_scratch(&x->self->op);

	for (int32_t i = 0; i < x->n; i++) {
		const Value *array = &x->arrays[k][x->rows[i]];

		if (array->is_null || x->elements[i] >= array->n_items || array->items[x->elements[i]].is_null)
			vector_set_null(v, arena, i);
		else
			vector_set(v, arena, i, &array->items[x->elements[i]]);
	}
}

/* The waiting rows of one input row follow each other. */
static void
fill_from_series(const Expansion *x, int k, Vector *v)
{
	const TableFunction *function = ((const FlatMapSpec *)x->self->op.spec)->items[k].function;

	for (int32_t i = 0, end; i < x->n; i = end) {
		const Series *series = &x->series[k][x->rows[i]];
		int64_t		  first = x->elements[i], n;

		for (end = i + 1; end < x->n && x->rows[end] == x->rows[i]; end++) {
		}
		n = series->n - first < end - i ? series->n - first : end - i;
		if (n > 0)
			function->fill(series, first, (int32_t)n, v, i);
		for (int32_t r = i + (n > 0 ? (int32_t)n : 0); r < end; r++)
			vector_set_null(v, op_scratch(&x->self->op), r);
	}
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

	if (op_services(op)->interrupted != NULL && *op_services(op)->interrupted)
		return error_set(err, ERROR_INTERRUPTED, "The query was cancelled");
	memcpy(columns, base->columns, sizeof *columns * (size_t)x->in->n_columns);
	for (int k = 0; k < spec->n_items; k++) {
		Vector *v = vector_new(arena, spec->items[k].type, n);

		if (x->series[k] != NULL)
			fill_from_series(x, k, v);
		else
			fill_from_arrays(x, k, v);
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
			TRY(expand_row(&x, k, i, err));
		n_rows = rows_of(spec, &x, i);
		for (int64_t e = 0; e < n_rows; e++) {
			if (x.n == BATCH_ROWS)
				TRY(expansion_emit(&x, err));
			x.rows[x.n] = (uint32_t)i;
			x.elements[x.n++] = e;
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
