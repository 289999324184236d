#include "io/connector/exchange_row.h"

void
exchange_row_encode(const Batch *in, int32_t row, StrBuf *out)
{
	bool has_window = in->window_start != NULL && in->window_end != NULL;

	strbuf_add_char(out, (char)batch_row_kind(in, row));
	strbuf_add_char(out, has_window ? EXCHANGE_HAS_WINDOW : 0);
	if (has_window) {
		strbuf_add(out, &in->window_start[row], sizeof in->window_start[row]);
		strbuf_add(out, &in->window_end[row], sizeof in->window_end[row]);
	}
	row_encode(in->columns, in->n_columns, row, out);
}

Status
exchange_row_decode(Str bytes, Vector *const *columns, int n_columns, Arena *arena, int32_t row, uint8_t *kind, bool *has_window, int64_t *start,
					int64_t *end, Error *err)
{
	size_t at = 2;

	if (bytes.length < at)
		return error_fatal(err, "A record of a repartition topic is too short: something else writes there");
	*kind = (uint8_t)bytes.data[0];
	*has_window = (bytes.data[1] & EXCHANGE_HAS_WINDOW) != 0;
	if (*has_window) {
		if (bytes.length < at + 16)
			return error_fatal(err, "A record of a repartition topic is too short: something else writes there");
		memcpy(start, bytes.data + at, sizeof *start);
		memcpy(end, bytes.data + at + 8, sizeof *end);
		at += 16;
	}
	return row_decode_vectors(columns, n_columns, str_make(bytes.data + at, bytes.length - at), arena, row, err);
}
