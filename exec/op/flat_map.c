#include "exec/op/flat_map.h"

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

/* The arrays that item k gives for every row of the batch: NULL for rows without a value. */
static Status
flat_map_item(FlatMapOp *self, int k, const Batch *in, Value *arrays, Error *err)
{
	Op				  *op = &self->op;
	const FlatMapSpec *spec = op->spec;
	const FlatMapItem *item = &spec->items[k];
	Arena			  *arena = op_scratch(op);
	EvalContext		  *eval = op_services(op)->eval;
	const Vector	 **args = arena_array(arena, const Vector *, item->n_args + 1);
	Value			  *row_args = arena_array(arena, Value, item->n_args + 1);
	uint64_t		  *failed = arena_calloc(arena, sizeof(uint64_t) * (size_t)bitmap_words(in->n_rows));
	ScalarCall		   call = {.context = eval, .args = args, .n_args = item->n_args, .arena = arena,
							   .result_type = type_array(item->type)};

	for (int a = 0; a < item->n_args; a++)
		TRY(program_eval(self->programs[k][a], eval, in, &args[a], err));
	eval->failed = failed;
	eval->active = NULL;
	for (int32_t i = 0; i < in->n_rows; i++) {
		arrays[i] = value_null(call.result_type);
		if (row_kind_is_null(batch_row_kind(in, i)))
			continue;
		for (int a = 0; a < item->n_args; a++)
			row_args[a] = vector_get(args[a], i, arena);
		if (!item->function->rows(&call, i, row_args, &arrays[i])) {
			arrays[i] = value_null(call.result_type);
			op_log_row(op, in, i, "%s failed: %s", item->function->name, eval->reason);
		}
	}
	eval->failed = NULL;
	eval->any_failed = false;
	return OK;
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

/* Emits output rows that stand for (source row, element) pairs. */
static Status
flat_map_emit(FlatMapOp *self, const Batch *in, Value *const *arrays, const uint32_t *rows, const uint32_t *elements,
			  int32_t n, Error *err)
{
	Op				  *op = &self->op;
	const FlatMapSpec *spec = op->spec;
	Arena			  *arena = op_scratch(op);
	Batch			  *base = batch_select(arena, in, rows, n);
	const Vector	 **columns = arena_array(arena, const Vector *, in->n_columns + spec->n_items);

	memcpy(columns, base->columns, sizeof *columns * (size_t)in->n_columns);
	for (int k = 0; k < spec->n_items; k++) {
		Vector *v = vector_new(arena, spec->items[k].type, n);

		for (int32_t i = 0; i < n; i++) {
			const Value *array = &arrays[k][rows[i]];

			if (array->is_null || elements[i] >= array->n_items || array->items[elements[i]].is_null)
				vector_set_null(v, arena, i);
			else
				vector_set(v, arena, i, &array->items[elements[i]]);
		}
		columns[in->n_columns + k] = v;
	}
	return op_emit(op, batch_with_columns(arena, base, columns, in->n_columns + spec->n_items), err);
}

static Status
flat_map_push(Op *op, int port, const Batch *in, Error *err)
{
	FlatMapOp		  *self = op_cast(FlatMapOp, op, &op_flat_map);
	const FlatMapSpec *spec = op->spec;
	Arena			  *arena = op_scratch(op);
	Value			 **arrays = arena_array(arena, Value *, spec->n_items);
	uint32_t		  *rows = arena_alloc(arena, sizeof *rows * BATCH_ROWS);
	uint32_t		  *elements = arena_alloc(arena, sizeof *elements * BATCH_ROWS);
	int32_t			   n = 0;

	(void)port;
	for (int k = 0; k < spec->n_items; k++) {
		arrays[k] = arena_array(arena, Value, in->n_rows);
		TRY(flat_map_item(self, k, in, arrays[k], err));
	}
	for (int32_t i = 0; i < in->n_rows; i++) {
		int64_t n_rows = row_kind_is_null(batch_row_kind(in, i)) ? 0 : flat_map_rows_of(spec, arrays, i);

		for (int64_t e = 0; e < n_rows; e++) {
			if (n == BATCH_ROWS) {
				TRY(flat_map_emit(self, in, arrays, rows, elements, n, err));
				n = 0;
			}
			rows[n] = (uint32_t)i;
			elements[n++] = (uint32_t)e;
		}
	}
	return n > 0 ? flat_map_emit(self, in, arrays, rows, elements, n, err) : OK;
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
