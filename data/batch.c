#include "data/batch.h"

#include <inttypes.h>

Batch *
batch_new(Arena *arena, int32_t n_columns, int32_t n_rows)
{
	Batch *b = arena_new(arena, Batch);

	b->n_rows = n_rows;
	b->n_columns = n_columns;
	b->columns = arena_array(arena, const Vector *, n_columns);
	return b;
}

Batch *
batch_slice(Arena *arena, const Batch *in, int32_t first, int32_t n_rows)
{
	Batch *b = batch_new(arena, in->n_columns, n_rows);

	for (int32_t c = 0; c < in->n_columns; c++)
		if (in->columns[c] != NULL)
			b->columns[c] = vector_slice(arena, in->columns[c], first, n_rows);
	if (in->headers != NULL)
		b->headers = vector_slice(arena, in->headers, first, n_rows);
#define SLICE(member) b->member = in->member != NULL ? in->member + first : NULL
	SLICE(event_time);
	SLICE(row_kind);
	SLICE(partition);
	SLICE(offset);
	SLICE(window_start);
	SLICE(window_end);
#undef SLICE
	return b;
}

#define GATHER_ARRAY(T, name)                                                           \
	static const T *gather_##name(Arena *arena, const T *from, const uint32_t *index, int32_t n) \
	{                                                                                   \
		T *to;                                                                          \
                                                                                        \
		if (from == NULL)                                                               \
			return NULL;                                                                \
		to = arena_alloc(arena, sizeof *to * (size_t)n);                                \
		for (int32_t i = 0; i < n; i++)                                                 \
			to[i] = from[index[i]];                                                     \
		return to;                                                                      \
	}

GATHER_ARRAY(int64_t, int64)
GATHER_ARRAY(int32_t, int32)
GATHER_ARRAY(uint8_t, uint8)

Batch *
batch_select(Arena *arena, const Batch *in, const uint32_t *index, int32_t n_rows)
{
	Batch *b = batch_new(arena, in->n_columns, n_rows);

	for (int32_t c = 0; c < in->n_columns; c++) {
		const Vector *column = in->columns[c];

		if (column == NULL)
			continue;
		/* Columns that share one index share the folded index too. */
		if (column->form == VECTOR_DICTIONARY) {
			int32_t same;

			for (same = 0; same < c; same++)
				if (in->columns[same] != NULL && in->columns[same]->form == VECTOR_DICTIONARY &&
					in->columns[same]->index == column->index)
					break;
			if (same < c) {
				b->columns[c] = vector_dictionary(arena, column->base, b->columns[same]->index, n_rows);
				continue;
			}
		}
		b->columns[c] = vector_dictionary(arena, column, index, n_rows);
	}
	if (in->headers != NULL)
		b->headers = vector_dictionary(arena, in->headers, index, n_rows);
	b->event_time = gather_int64(arena, in->event_time, index, n_rows);
	b->row_kind = gather_uint8(arena, in->row_kind, index, n_rows);
	b->partition = gather_int32(arena, in->partition, index, n_rows);
	b->offset = gather_int64(arena, in->offset, index, n_rows);
	b->window_start = gather_int64(arena, in->window_start, index, n_rows);
	b->window_end = gather_int64(arena, in->window_end, index, n_rows);
	return b;
}

Batch *
batch_with_columns(Arena *arena, const Batch *in, const Vector **columns, int32_t n_columns)
{
	Batch *b = arena_alloc(arena, sizeof *b);

	*b = *in;
	b->columns = columns;
	b->n_columns = n_columns;
	return b;
}

static const Vector *
column_copy(Arena *arena, const Vector *v)
{
	uint32_t *all;

	if (v == NULL)
		return NULL;
	all = arena_alloc(arena, sizeof *all * (size_t)v->n_rows);
	for (int32_t i = 0; i < v->n_rows; i++)
		all[i] = (uint32_t)i;
	return vector_gather(arena, v, all, v->n_rows, false);
}

Batch *
batch_copy(Arena *arena, const Batch *in)
{
	Batch *b = batch_new(arena, in->n_columns, in->n_rows);
	size_t n = (size_t)in->n_rows;

	for (int32_t c = 0; c < in->n_columns; c++)
		b->columns[c] = column_copy(arena, in->columns[c]);
	b->headers = column_copy(arena, in->headers);
#define COPY(member) b->member = in->member != NULL ? arena_memdup(arena, in->member, n * sizeof *in->member) : NULL
	COPY(event_time);
	COPY(row_kind);
	COPY(partition);
	COPY(offset);
	COPY(window_start);
	COPY(window_end);
#undef COPY
	return b;
}

/* ---- printing, for tests and debugging ---- */

static void
print_decimal(Decimal d, int scale, StrBuf *out)
{
	char			  digits[64];
	int				  n = 0;
	unsigned __int128 u = d < 0 ? -(unsigned __int128)d : (unsigned __int128)d;

	do {
		digits[n++] = (char)('0' + (int)(u % 10));
		u /= 10;
	} while (u > 0 || n <= scale);
	if (d < 0)
		strbuf_add_char(out, '-');
	while (n > 0) {
		if (n-- == scale)
			strbuf_add_char(out, '.');
		strbuf_add_char(out, digits[n]);
	}
}

static void
print_value(const Value *v, StrBuf *out)
{
	if (v->is_null) {
		strbuf_add_char(out, '.');
		return;
	}
	switch (v->type->kind) {
	case TYPE_BOOLEAN:
		strbuf_add_text(out, v->boolean ? "true" : "false");
		break;
	case TYPE_DOUBLE:
		strbuf_printf(out, "%.17g", v->number);
		break;
	case TYPE_DECIMAL:
		print_decimal(v->decimal, v->type->scale < 60 ? v->type->scale : 60, out);
		break;
	case TYPE_STRING:
		strbuf_add_char(out, '\'');
		strbuf_add_str(out, v->text);
		strbuf_add_char(out, '\'');
		break;
	case TYPE_BYTES:
		strbuf_add_text(out, "0x");
		for (size_t i = 0; i < v->text.length; i++)
			strbuf_printf(out, "%02x", (unsigned char)v->text.data[i]);
		break;
	case TYPE_INTERVAL:
		strbuf_printf(out, "%dm%dd%" PRId64 "us", v->interval.months, v->interval.days, v->interval.micros);
		break;
	case TYPE_ARRAY:
	case TYPE_STRUCT:
	case TYPE_MAP:
		strbuf_add_char(out, v->type->kind == TYPE_ARRAY ? '[' : '{');
		for (uint32_t i = 0; i < v->n_items; i++) {
			if (i > 0)
				strbuf_add_char(out, ',');
			if (v->type->kind == TYPE_MAP) {
				print_value(&v->items[2 * i], out);
				strbuf_add_char(out, '=');
				print_value(&v->items[2 * i + 1], out);
			} else {
				if (v->type->kind == TYPE_STRUCT)
					strbuf_printf(out, "%s=", v->type->fields[i].name);
				print_value(&v->items[i], out);
			}
		}
		strbuf_add_char(out, v->type->kind == TYPE_ARRAY ? ']' : '}');
		break;
	default:
		strbuf_printf(out, "%" PRId64, v->integer);
		break;
	}
}

void
batch_print(const Batch *b, StrBuf *out)
{
	static const char *const kinds[] = {"+", "0", "^", "<", ">", "-", "~"};
	Arena					 arena = {0};

	for (int32_t i = 0; i < b->n_rows; i++) {
		strbuf_add_text(out, kinds[batch_row_kind(b, i)]);
		for (int32_t c = 0; c < b->n_columns; c++) {
			Value v = vector_get(b->columns[c], i, &arena);

			strbuf_add_char(out, ' ');
			print_value(&v, out);
		}
		if (b->window_start != NULL)
			strbuf_printf(out, " [%" PRId64, b->window_start[i]);
		if (b->window_end != NULL)
			strbuf_printf(out, " %" PRId64 ")", b->window_end[i]);
		if (b->event_time != NULL)
			strbuf_printf(out, " @%" PRId64, b->event_time[i]);
		strbuf_add_char(out, '\n');
	}
	arena_free(&arena);
}
