#include "exec/op/join_output.h"

#include <stdlib.h>

#include "data/key.h"

const char *
join_kind_name(JoinKind kind)
{
	static const char *const names[] = {"INNER", "LEFT", "RIGHT", "FULL", "SEMI", "ANTI", "CROSS"};

	return names[kind];
}

/* ---- keys and kept values ---- */

bool
join_key_is_null(const Batch *in, int32_t row, int n_key)
{
	for (int k = 0; k < n_key; k++)
		if (!vector_is_valid(in->columns[k], row))
			return true;
	return false;
}

void
join_put_time(StrBuf *out, int64_t time)
{
	uint64_t bytes = __builtin_bswap64((uint64_t)time ^ (uint64_t)1 << 63);

	strbuf_add(out, &bytes, sizeof bytes);
}

int64_t
join_get_time(const char *bytes)
{
	uint64_t raw;

	memcpy(&raw, bytes, sizeof raw);
	return (int64_t)(__builtin_bswap64(raw) ^ (uint64_t)1 << 63);
}

void
join_key_encode(const Batch *in, int32_t row, int n_key, bool is_windowed, bool is_session, StrBuf *out)
{
	strbuf_clear(out);
	key_encode(in->columns, n_key, row, out);
	if (is_windowed && in->window_start != NULL)
		join_put_time(out, in->window_start[row]);
	if (is_session && in->window_end != NULL)
		join_put_time(out, in->window_end[row]);
}

bool
join_time_reached(Time times[2], int port, Time time, Time *reached)
{
	Time before = times[0] < times[1] ? times[0] : times[1];

	if (time > times[port])
		times[port] = time;
	*reached = times[0] < times[1] ? times[0] : times[1];
	return *reached > before;
}

void
join_kept_encode(const Batch *in, int32_t row, bool is_windowed, StrBuf *out)
{
	Time time = join_time_of(in, row);

	strbuf_clear(out);
	strbuf_add(out, &time, sizeof time);
	if (is_windowed) {
		Time window[2] = {in->window_start != NULL ? in->window_start[row] : 0,
						  in->window_end != NULL ? in->window_end[row] : 0};

		strbuf_add(out, window, sizeof window);
	}
	row_encode(in->columns, in->n_columns, row, out);
}

JoinKept
join_kept_decode(Str value, bool is_windowed)
{
	JoinKept kept = {0};
	size_t	 at = sizeof kept.time;

	memcpy(&kept.time, value.data, sizeof kept.time);
	if (is_windowed) {
		memcpy(&kept.window_start, value.data + at, sizeof kept.window_start);
		memcpy(&kept.window_end, value.data + at + sizeof kept.window_start, sizeof kept.window_end);
		at += sizeof kept.window_start + sizeof kept.window_end;
	}
	kept.row = str_make(value.data + at, value.length - at);
	return kept;
}

/* ---- output ---- */

void
join_output_init(JoinOutput *out, Op *op, int n_key, int n_left, int n_right, const Type *const *left_types,
				 const Type *const *right_types, bool is_windowed, bool is_foreign)
{
	*out = (JoinOutput){.op = op, .n_key = n_key, .n_columns = {n_left, n_right}, .types = {left_types, right_types},
						.is_windowed = is_windowed, .is_foreign = is_foreign};
}

void
join_output_free(JoinOutput *out)
{
	free(out->rows);
	free(out->event_time);
	free(out->row_kind);
	free(out->index);
	free(out->window_start);
	free(out->window_end);
	*out = (JoinOutput){0};
}

void
join_output_begin(JoinOutput *out, const Batch *in, int port)
{
	out->in = in;
	out->port = port;
	out->n = 0;
	out->mark = arena_mark(op_scratch(out->op));
	if (in != NULL && in->headers != NULL)
		out->headers_type = in->headers->type;
}

Str
join_output_copy(JoinOutput *out, Str bytes)
{
	return str_make(arena_memdup(op_scratch(out->op), bytes.data, bytes.length), bytes.length);
}

static void
output_grow(JoinOutput *out)
{
	int32_t capacity = out->capacity == 0 ? 8 : out->capacity * 4;

	out->capacity = capacity < BATCH_ROWS ? capacity : BATCH_ROWS;
#define GROW(member) out->member = xrealloc(out->member, sizeof *out->member * (size_t)out->capacity)
	GROW(rows);
	GROW(event_time);
	GROW(row_kind);
	GROW(index);
	if (out->is_windowed) {
		GROW(window_start);
		GROW(window_end);
	}
#undef GROW
}

/* Where a side's columns come from: a delete carries its key alone. */
static JoinSource
row_source(const JoinRow *row, int side)
{
	return row->kind == ROW_DELETE ? JOIN_NOTHING : row->source[side];
}

/* The sources that occur in a side's rows, as bits. */
static unsigned
output_sources(const JoinOutput *out, int side)
{
	unsigned bits = 0;

	for (int32_t i = 0; i < out->n; i++)
		bits |= 1u << row_source(&out->rows[i], side);
	return bits;
}

/* `selected`: the input's rows that the output rows stem from. */
static Status
output_side(JoinOutput *out, int side, const Batch *selected, const Vector **columns, Error *err)
{
	Arena	*arena = op_scratch(out->op);
	unsigned sources = output_sources(out, side);
	int		 n_columns = out->n_columns[side];
	Vector **flat;

	if (sources == 1u << JOIN_NOTHING) {
		for (int c = 0; c < n_columns; c++)
			columns[c] = vector_null(arena, out->types[side][c], out->n);
		return OK;
	}
	if (sources == 1u << JOIN_INPUT) {
		for (int c = 0; c < n_columns; c++)
			columns[c] = selected->columns[c];
		return OK;
	}
	flat = arena_array(arena, Vector *, n_columns);
	for (int c = 0; c < n_columns; c++)
		columns[c] = flat[c] = vector_new(arena, out->types[side][c], out->n);
	for (int32_t i = 0; i < out->n; i++) {
		const JoinRow *row = &out->rows[i];

		switch (row_source(row, side)) {
		case JOIN_KEPT:
			TRY(row_decode_vectors(flat, n_columns, row->kept[side], arena, i, err));
			break;
		case JOIN_INPUT:
			for (int c = 0; c < n_columns; c++)
				vector_copy_row(flat[c], arena, i, out->in->columns[c], row->input_row);
			break;
		case JOIN_NOTHING:
			for (int c = 0; c < n_columns; c++)
				vector_set(flat[c], arena, i, &(Value){.type = out->types[side][c], .is_null = true});
			break;
		}
	}
	return OK;
}

/* The key columns are the first of what each row's key comes from: kept bytes, or the input. */
static Status
output_key(JoinOutput *out, const Batch *selected, const Vector **columns, Error *err)
{
	Arena	*arena = op_scratch(out->op);
	int		 key_side = out->rows[0].key_side;
	unsigned sources = 0;
	bool	 is_side = true;	/* one side's columns hold the key already */
	Vector **flat;

	for (int32_t i = 0; i < out->n; i++) {
		const JoinRow *row = &out->rows[i];

		sources |= 1u << row->source[row->key_side];
		is_side = is_side && row->key_side == key_side && row->kind != ROW_DELETE;
	}
	if ((sources & 1u << JOIN_KEPT) == 0) {
		for (int k = 0; k < out->n_key; k++)
			columns[k] = selected->columns[k];
		return OK;
	}
	if (is_side && sources == 1u << JOIN_KEPT) {
		const Vector **side = columns + out->n_key + (key_side == 1 ? out->n_columns[0] : 0);

		for (int k = 0; k < out->n_key; k++)
			columns[k] = side[k];
		return OK;
	}
	flat = arena_array(arena, Vector *, out->n_key);
	for (int k = 0; k < out->n_key; k++)
		columns[k] = flat[k] = vector_new(arena, out->types[key_side][k], out->n);
	for (int32_t i = 0; i < out->n; i++) {
		const JoinRow *row = &out->rows[i];

		if (row->source[row->key_side] == JOIN_KEPT)
			TRY(row_decode_vectors(flat, out->n_key, row->kept[row->key_side], arena, i, err));
		else
			for (int k = 0; k < out->n_key; k++)
				vector_copy_row(flat[k], arena, i, out->in->columns[k], row->input_row);
	}
	return OK;
}

/*
 * A deleted row's key stands in the key columns of the sides as well: the result may be keyed by any column that is known
 * to equal the key.
 */
static void
output_fill_deleted(JoinOutput *out, const Vector *const *keys, const Vector **columns)
{
	Arena  *arena = op_scratch(out->op);
	int32_t n_deleted = 0;

	for (int32_t i = 0; i < out->n; i++)
		n_deleted += out->rows[i].kind == ROW_DELETE;
	for (int k = 0; k < out->n_key && n_deleted > 0; k++) {
		Vector *filled;

		if (n_deleted == out->n) {
			columns[k] = keys[k];
			continue;
		}
		filled = vector_new(arena, keys[k]->type, out->n);
		for (int32_t i = 0; i < out->n; i++)
			vector_copy_row(filled, arena, i, out->rows[i].kind == ROW_DELETE ? keys[k] : columns[k], i);
		columns[k] = filled;
	}
}

/* The input's rows as the output has them; the input itself when that is row for row. */
static const Batch *
output_selected(JoinOutput *out)
{
	bool is_same = out->in->n_rows == out->n;

	for (int32_t i = 0; i < out->n; i++) {
		out->index[i] = (uint32_t)out->rows[i].input_row;
		is_same = is_same && out->index[i] == (uint32_t)i;
	}
	return is_same ? out->in : batch_select(op_scratch(out->op), out->in, out->index, out->n);
}

static Status
output_emit(JoinOutput *out, Error *err)
{
	Arena		*arena = op_scratch(out->op);
	const Batch *selected = out->in != NULL ? output_selected(out) : NULL;
	Batch		*batch = batch_new(arena, out->n_key + out->n_columns[0] + out->n_columns[1], out->n);
	bool		 all_insert = true;

	TRY(output_side(out, 0, selected, batch->columns + out->n_key, err));
	TRY(output_side(out, 1, selected, batch->columns + out->n_key + out->n_columns[0], err));
	TRY(output_key(out, selected, batch->columns, err));
	output_fill_deleted(out, batch->columns, batch->columns + out->n_key);
	if (!out->is_foreign)
		output_fill_deleted(out, batch->columns, batch->columns + out->n_key + out->n_columns[0]);
	for (int32_t i = 0; i < out->n; i++) {
		const JoinRow *row = &out->rows[i];

		out->event_time[i] = row->time;
		out->row_kind[i] = (uint8_t)row->kind;
		all_insert = all_insert && row->kind == ROW_INSERT;
		if (out->is_windowed) {
			out->window_start[i] = row->window_start;
			out->window_end[i] = row->window_end;
		}
	}
	batch->event_time = out->event_time;
	batch->row_kind = all_insert ? NULL : out->row_kind;
	if (out->is_windowed) {
		batch->window_start = out->window_start;
		batch->window_end = out->window_end;
	}
	if (selected != NULL) {
		batch->partition = selected->partition;
		batch->offset = selected->offset;
		batch->headers = selected->headers;
	} else if (out->headers_type != NULL) {
		batch->headers = vector_constant(arena, &(Value){.type = out->headers_type}, out->n);
	}
	return op_emit(out->op, batch, err);
}

Status
join_output_end(JoinOutput *out, Error *err)
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
join_output_add(JoinOutput *out, const JoinRow *row, Error *err)
{
	if (out->n == out->capacity)
		output_grow(out);
	out->rows[out->n++] = *row;
	/* At once, not with the next row: handing on frees the copies of bytes, and the next row may have one. */
	return out->n == BATCH_ROWS ? join_output_end(out, err) : OK;
}
