#include "io/connector/embedded/kept_row.h"

#include "data/key.h"

static void
put_ordered_int64(int64_t value, StrBuf *out)
{
	uint64_t bits = (uint64_t)value ^ ((uint64_t)1 << 63);
	char	 bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(bits >> (56 - 8 * i));
	strbuf_add(out, bytes, sizeof bytes);
}

static int64_t
get_ordered_int64(const char *bytes)
{
	uint64_t bits = 0;

	for (int i = 0; i < 8; i++)
		bits = bits << 8 | (unsigned char)bytes[i];
	return (int64_t)(bits ^ ((uint64_t)1 << 63));
}

void
kept_row_encode_window(int64_t start, int64_t end, StrBuf *out)
{
	put_ordered_int64(start, out);
	put_ordered_int64(end, out);
}

void
kept_row_encode_key(const Vector *const *key_columns, int n_key, int64_t row, bool is_windowed, int64_t start,
					int64_t end, StrBuf *out)
{
	key_encode(key_columns, n_key, row, out);
	if (is_windowed)
		kept_row_encode_window(start, end, out);
}

void
kept_row_encode_value(const Vector *const *value_columns, int n_values, int64_t row, Time time, StrBuf *out)
{
	strbuf_add(out, &time, sizeof time);
	row_encode(value_columns, n_values, row, out);
}

Status
kept_row_decode(const Type *const *types, int n_key, int n_columns, bool is_windowed, Str key, Str value, Arena *arena,
				Value *values, int64_t *start, int64_t *end, Time *time, Error *err)
{
	size_t at = 0;

	for (int c = 0; c < n_key; c++)
		TRY(key_decode(types[c], key, &at, arena, &values[c], err));
	*start = *end = 0;
	if (is_windowed) {
		if (key.length < at + 16)
			return error_fatal(err, "A kept row's key is too short: the store does not fit this table");
		*start = get_ordered_int64(key.data + at);
		*end = get_ordered_int64(key.data + at + 8);
	}
	if (value.length < sizeof *time)
		return error_fatal(err, "A kept row is too short: the store does not fit this table");
	memcpy(time, value.data, sizeof *time);
	return row_decode(types + n_key, n_columns - n_key, str_make(value.data + sizeof *time, value.length - sizeof *time), arena,
					  values + n_key, err);
}
