/* The current rows of a table, from its changes: the last row per key, in order of key bytes at the end of input. */
#include "exec/op/materialise.h"

#include "data/key.h"
#include "exec/state/state.h"

typedef struct MaterialiseOp {
	Op			 op;
	StateTable	*rows;		/* key bytes, window -> event time, window, row */
	int			 n_columns;
	const Type **types;		/* NULL before the first batch */
} MaterialiseOp;

/* In front of the row's bytes. */
typedef struct MaterialiseHead {
	int64_t time;
	int64_t window_start;
	int64_t window_end;
} MaterialiseHead;

static Status
materialise_open(Op *op, Error *err)
{
	MaterialiseOp *self = op_cast(MaterialiseOp, op, &op_materialise);

	return state_table_open(NULL, op->id, 0, op_services(op)->budget, "the rows of a table", &self->rows, err);
}

static Status
materialise_push(Op *op, int port, const Batch *in, Error *err)
{
	MaterialiseOp		  *self = op_cast(MaterialiseOp, op, &op_materialise);
	const MaterialiseSpec *spec = op->spec;
	StrBuf				   key = {0}, value = {0};
	Status				   status = OK;

	(void)port;
	if (self->types == NULL && in->n_rows > 0) {
		self->n_columns = in->n_columns;
		self->types = arena_array(&op->arena, const Type *, in->n_columns + 1);
		for (int c = 0; c < in->n_columns; c++)
			self->types[c] = in->columns[c]->type;
	}
	for (int32_t i = 0; i < in->n_rows && status == OK; i++) {
		RowKind			kind = batch_row_kind(in, i);
		MaterialiseHead head = {.time = in->event_time != NULL ? in->event_time[i] : 0};

		if (kind == ROW_BEFORE)
			continue;
		strbuf_clear(&key);
		key_encode(in->columns, spec->n_key, i, &key);
		if (spec->is_windowed && in->window_start != NULL) {
			uint64_t bounds[2];

			head.window_start = in->window_start[i];
			head.window_end = in->window_end != NULL ? in->window_end[i] : 0;
			bounds[0] = __builtin_bswap64((uint64_t)head.window_start ^ (uint64_t)1 << 63);
			bounds[1] = __builtin_bswap64((uint64_t)head.window_end ^ (uint64_t)1 << 63);
			strbuf_add(&key, bounds, sizeof bounds);
		}
		if (row_kind_is_null(kind) || kind == ROW_DELETE_OLD) {
			state_table_remove(self->rows, strbuf_str(&key));
			continue;
		}
		strbuf_clear(&value);
		strbuf_add(&value, &head, sizeof head);
		row_encode(in->columns, in->n_columns, i, &value);
		status = state_table_put(self->rows, strbuf_str(&key), strbuf_str(&value), err);
	}
	strbuf_free(&key);
	strbuf_free(&value);
	op->state_rows = state_table_count(self->rows);
	return status;
}

static Status
materialise_emit(MaterialiseOp *self, StateCursor *cursor, Error *err)
{
	const MaterialiseSpec *spec = self->op.spec;
	Arena				  *arena = op_scratch(&self->op);
	Batch				  *out = batch_new(arena, self->n_columns, 0);
	Vector				 **columns = arena_array(arena, Vector *, self->n_columns + 1);
	Value				  *values = arena_array(arena, Value, self->n_columns + 1);
	int64_t				  *times[3];
	int32_t				   n = 0;
	Str					   key, value;

	for (int t = 0; t < 3; t++)
		times[t] = arena_alloc(arena, sizeof(int64_t) * BATCH_ROWS);
	for (int c = 0; c < self->n_columns; c++)
		columns[c] = vector_new(arena, self->types[c], BATCH_ROWS);
	while (n < BATCH_ROWS && state_cursor_next(cursor, &key, &value)) {
		MaterialiseHead head;

		memcpy(&head, value.data, sizeof head);
		times[0][n] = head.time;
		times[1][n] = head.window_start;
		times[2][n] = head.window_end;
		TRY(row_decode(self->types, self->n_columns, str_make(value.data + sizeof head, value.length - sizeof head), arena,
					   values, err));
		for (int c = 0; c < self->n_columns; c++)
			if (values[c].is_null)
				vector_set_null(columns[c], arena, n);
			else
				vector_set(columns[c], arena, n, &values[c]);
		n++;
	}
	if (n == 0)
		return DONE;
	for (int c = 0; c < self->n_columns; c++) {
		columns[c]->n_rows = n;
		out->columns[c] = columns[c];
	}
	out->n_rows = n;
	out->event_time = times[0];
	if (spec->is_windowed) {
		out->window_start = times[1];
		out->window_end = times[2];
	}
	return op_emit_loop(&self->op, out, err);
}

static Status
materialise_finish(Op *op, int port, Error *err)
{
	MaterialiseOp *self = op_cast(MaterialiseOp, op, &op_materialise);
	StateCursor	   cursor = state_table_seek(self->rows, STR(""));
	Status		   status = OK;

	(void)port;
	while (status == OK) {
		ArenaMark mark = arena_mark(op_scratch(op));

		status = materialise_emit(self, &cursor, err);
		arena_rewind(op_scratch(op), mark);
	}
	return status == FAILED ? FAILED : op_finish_outputs(op, err);
}

static void
materialise_close(Op *op)
{
	state_table_close(op_cast(MaterialiseOp, op, &op_materialise)->rows);
}

static void
materialise_explain(const void *spec_, Explain *out)
{
	const MaterialiseSpec *spec = spec_;

	explain_int(out, "key columns", spec->n_key);
}

const OpType op_materialise = {
	.name = "Materialise",
	.size = sizeof(MaterialiseOp),
	.ports = 1,
	.open = materialise_open,
	.push = materialise_push,
	.finish = materialise_finish,
	.close = materialise_close,
	.explain = materialise_explain,
};
