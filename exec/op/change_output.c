#include "exec/op/change_output.h"

#include <stdlib.h>

#include "data/key.h"

void
change_output_init(ChangeOutput *out, Op *op, int n_key, int n_columns, const Type *const *types, bool is_windowed)
{
	*out = (ChangeOutput){.op = op, .n_key = n_key, .n_columns = n_columns, .types = types, .is_windowed = is_windowed};
}

void
change_output_free(ChangeOutput *out)
{
	free(out->changes);
	*out = (ChangeOutput){0};
}

void
change_output_begin(ChangeOutput *out, const Batch *in, int port)
{
	out->in = in;
	out->port = port;
	out->n = 0;
	out->mark = arena_mark(op_scratch(out->op));
}

void
change_key_encode(const Batch *in, int32_t row, int n_key, bool is_windowed, StrBuf *out)
{
	join_key_encode(in, row, n_key, is_windowed, is_windowed, out);
}

static Status
output_columns(ChangeOutput *out, Batch *batch, Error *err)
{
	Arena	*arena = op_scratch(out->op);
	Vector **flat = arena_array(arena, Vector *, out->n_columns + 1);

	for (int c = 0; c < out->n_columns; c++)
		batch->columns[c] = flat[c] = vector_new(arena, out->types[c], out->n);
	for (int32_t i = 0; i < out->n; i++) {
		const Change *change = &out->changes[i];

		if (change->is_kept)
			TRY(row_decode_vectors(flat, out->n_columns, change->kept.row, arena, i, err));
		else
			for (int c = 0; c < out->n_columns; c++)
				vector_copy_row(flat[c], arena, i, out->in->columns[c], change->input_row);
		for (int c = out->n_key; c < out->n_columns && change->kind == ROW_DELETE; c++)
			vector_set_null(flat[c], arena, i);
	}
	return OK;
}

static void
output_windows(ChangeOutput *out, Batch *batch)
{
	Arena	*arena = op_scratch(out->op);
	int64_t *bounds[2];

	for (int b = 0; b < 2; b++)
		bounds[b] = arena_array(arena, int64_t, out->n);
	for (int32_t i = 0; i < out->n; i++) {
		const Change *change = &out->changes[i];

		bounds[0][i] = change->is_kept ? change->kept.window_start : out->in->window_start[change->input_row];
		bounds[1][i] = change->is_kept ? change->kept.window_end : out->in->window_end[change->input_row];
	}
	batch->window_start = bounds[0];
	batch->window_end = bounds[1];
}

static Status
output_emit(ChangeOutput *out, Error *err)
{
	Arena	 *arena = op_scratch(out->op);
	Batch	 *batch = batch_new(arena, out->n_columns, out->n);
	uint8_t	 *kinds = arena_alloc(arena, (size_t)out->n);
	int64_t	 *times = arena_array(arena, int64_t, out->n);
	uint32_t *rows = arena_array(arena, uint32_t, out->n);

	TRY(output_columns(out, batch, err));
	for (int32_t i = 0; i < out->n; i++) {
		kinds[i] = (uint8_t)out->changes[i].kind;
		times[i] = out->changes[i].time;
		rows[i] = (uint32_t)out->changes[i].input_row;
	}
	batch->row_kind = kinds;
	batch->event_time = times;
	if (out->is_windowed)
		output_windows(out, batch);
	if (out->in != NULL && out->in->headers != NULL)
		batch->headers = vector_dictionary(arena, out->in->headers, rows, out->n);
	return op_emit(out->op, batch, err);
}

Status
change_output_end(ChangeOutput *out, Error *err)
{
	Status status;

	if (out->n == 0)
		return OK;
	status = output_emit(out, err);
	out->n = 0;
	arena_rewind(op_scratch(out->op), out->mark);
	return status;
}

Status
change_output_add(ChangeOutput *out, const Change *change, Error *err)
{
	Change *added;

	grow_array(out->changes, out->n, out->capacity);
	added = &out->changes[out->n++];
	*added = *change;
	if (change->is_kept)
		added->kept.row.data = arena_memdup(op_scratch(out->op), change->kept.row.data, change->kept.row.length);
	return out->n == BATCH_ROWS ? change_output_end(out, err) : OK;
}
