/*
 * Layout: a header of the block, then for each column its header, validity, data.  Everything begins at a multiple of 16
 * bytes.  Data: fixed width as it is; text: lengths, then bytes; nested: lengths, then row_encode's bytes.
 */
#include "exec/op/spill_rows.h"

#include "data/key.h"

typedef struct BlockHeader {
	uint32_t n_rows;
	uint32_t n_columns;
	uint64_t unused;
} BlockHeader;

typedef struct ColumnHeader {
	uint32_t has_nulls;
	uint32_t is_ascii;
	uint64_t n_bytes;		/* text and nested: behind the lengths */
} ColumnHeader;

static size_t
aligned(size_t bytes)
{
	return (bytes + 15) & ~(size_t)15;
}

/* Room for so many bytes at the end, padded with zeros to a multiple of 16. */
static char *
add_room(StrBuf *out, size_t bytes)
{
	size_t all = aligned(bytes);
	char  *room;

	strbuf_reserve(out, all + 1);
	room = out->data + out->length;
	memset(room + bytes, 0, all - bytes);
	out->length += all;
	return room;
}

/* ---- encoding ---- */

enum { PIECE_ROWS = 1024 };

/* Where rows first .. first+n-1 (n <= PIECE_ROWS) of a block stand in the data of a vector; `room` is for vectors that are not FLAT. */
static const uint32_t *
places_of(const Vector *v, const uint32_t *index, int32_t first, int32_t n, uint32_t room[PIECE_ROWS])
{
	if (v->form == VECTOR_FLAT && index != NULL)
		return index + first;
	for (int32_t i = 0; i < n; i++)
		room[i] = (uint32_t)vector_at(v, index != NULL ? (int64_t)index[first + i] : first + i);
	return room;
}

static int32_t
piece(int32_t first, int32_t n)
{
	return n - first < PIECE_ROWS ? n - first : PIECE_ROWS;
}

static void
encode_validity(const Vector *v, const uint32_t *index, int32_t n, StrBuf *out)
{
	const Vector *base = vector_base(v);
	size_t		  bytes = (size_t)bitmap_words(n) * sizeof(uint64_t);
	uint64_t	 *bits = (uint64_t *)(void *)add_room(out, bytes);
	uint32_t	  room[PIECE_ROWS];

	memset(bits, 0, bytes);
	for (int32_t first = 0, m; first < n && base->validity != NULL; first += m) {
		const uint32_t *places = places_of(v, index, first, m = piece(first, n), room);

		for (int32_t i = 0; i < m; i++)
			bits[(first + i) >> 6] |= (uint64_t)bitmap_get(base->validity, places[i]) << ((first + i) & 63);
	}
}

static void
encode_fixed(const Vector *v, int width, const uint32_t *index, int32_t n, StrBuf *out)
{
	const Vector *base = vector_base(v);
	char		 *to = add_room(out, (size_t)width * (size_t)n);
	uint32_t	  room[PIECE_ROWS];

	if (v->form == VECTOR_FLAT && index == NULL) {
		if (width > 0)
			memcpy(to, base->data, (size_t)width * (size_t)n);
		return;
	}
	for (int32_t first = 0, m; first < n; first += m) {
		const uint32_t *places = places_of(v, index, first, m = piece(first, n), room);

		fixed_gather(width, base->data, places, m, to + (size_t)width * (size_t)first);
	}
}

/* NULLs have length 0.  Returns how many bytes follow the lengths. */
static uint64_t
encode_text(const Vector *v, const uint32_t *index, int32_t n, StrBuf *out)
{
	const Vector  *base = vector_base(v);
	const StrView *views = base->data;
	uint32_t	  *lengths = (uint32_t *)(void *)add_room(out, sizeof(uint32_t) * (size_t)n);
	uint64_t	   n_bytes = 0;
	uint32_t	   room[PIECE_ROWS];
	char		  *to;

	for (int32_t first = 0, m; first < n; first += m) {
		const uint32_t *places = places_of(v, index, first, m = piece(first, n), room);

		for (int32_t i = 0; i < m; i++) {
			uint32_t length = base->validity == NULL || bitmap_get(base->validity, places[i]) ? views[places[i]].length : 0;

			lengths[first + i] = length;
			n_bytes += length;
		}
	}
	strbuf_reserve(out, aligned(n_bytes) + 1);
	to = add_room(out, n_bytes);
	/* The lengths may have moved with the buffer. */
	lengths = (uint32_t *)(void *)(to - aligned(sizeof(uint32_t) * (size_t)n));
	for (int32_t first = 0, m; first < n; first += m) {
		const uint32_t *places = places_of(v, index, first, m = piece(first, n), room);

		for (int32_t i = 0; i < m; i++) {
			memcpy(to, str_view_data(&views[places[i]]), lengths[first + i]);
			to += lengths[first + i];
		}
	}
	return n_bytes;
}

static uint64_t
encode_nested(const Vector *v, const uint32_t *index, int32_t n, StrBuf *out)
{
	size_t	 lengths_at = out->length, first, n_bytes;
	char	*room = add_room(out, sizeof(uint32_t) * (size_t)n);

	memset(room, 0, sizeof(uint32_t) * (size_t)n);
	first = out->length;
	for (int32_t i = 0; i < n; i++) {
		size_t	 before = out->length;
		uint32_t length;

		row_encode(&v, 1, index != NULL ? (int64_t)index[i] : i, out);
		length = (uint32_t)(out->length - before);
		memcpy(out->data + lengths_at + sizeof length * (size_t)i, &length, sizeof length);
	}
	n_bytes = out->length - first;
	add_room(out, aligned(n_bytes) - n_bytes);
	out->length = first + aligned(n_bytes);
	return n_bytes;
}

void
spill_rows_encode(const Vector *const *columns, int n_columns, const uint32_t *index, int32_t n, StrBuf *out)
{
	BlockHeader block = {.n_rows = (uint32_t)n, .n_columns = (uint32_t)n_columns};

	memcpy(add_room(out, sizeof block), &block, sizeof block);
	for (int c = 0; c < n_columns; c++) {
		const Vector *v = columns[c];
		bool		  is_null = v->type->kind == TYPE_NULL;
		ColumnHeader  header = {.has_nulls = vector_base(v)->validity != NULL || is_null, .is_ascii = v->is_ascii};
		size_t		  at = out->length;

		add_room(out, sizeof header);
		if (header.has_nulls)
			encode_validity(v, index, n, out);
		if (type_is_nested(v->type))
			header.n_bytes = encode_nested(v, index, n, out);
		else if (type_is_text(v->type))
			header.n_bytes = encode_text(v, index, n, out);
		else
			encode_fixed(v, type_width(v->type), index, n, out);
		memcpy(out->data + at, &header, sizeof header);
	}
}

/* ---- decoding ---- */

typedef struct Reader {
	const char *next;
	const char *end;
	bool		is_damaged;
} Reader;

static const void *
take(Reader *reader, size_t bytes)
{
	static const uint64_t nothing[2];
	const void			 *here = reader->next;

	if (reader->is_damaged || aligned(bytes) > (size_t)(reader->end - reader->next)) {
		reader->is_damaged = true;
		return nothing;
	}
	reader->next += aligned(bytes);
	return here;
}

static void
decode_text(Reader *reader, Vector *v, int32_t n, size_t n_bytes)
{
	const uint32_t *lengths = take(reader, sizeof(uint32_t) * (size_t)n);
	const char	   *from = take(reader, n_bytes);
	StrView		   *views = v->data;

	for (int32_t i = 0; i < n && !reader->is_damaged; i++) {
		views[i] = (StrView){0};
		views[i] = str_view_make(from, lengths[i]);
		from += lengths[i];
	}
}

static Status
decode_nested(Reader *reader, Vector *v, int32_t n, size_t n_bytes, Arena *arena, Error *err)
{
	const uint32_t *lengths = take(reader, sizeof(uint32_t) * (size_t)n);
	const char	   *from = take(reader, n_bytes);

	for (int32_t i = 0; i < n && !reader->is_damaged; i++) {
		TRY(row_decode_vectors(&v, 1, str_make(from, lengths[i]), arena, i, err));
		from += lengths[i];
	}
	return OK;
}

Status
spill_rows_decode(const Type *const *types, int n_columns, Str bytes, Arena *arena, const Vector **out, int32_t *n_rows,
				  Error *err)
{
	Reader		reader = {bytes.data, bytes.data + bytes.length, false};
	BlockHeader block;
	int32_t		n;

	memcpy(&block, take(&reader, sizeof block), sizeof block);
	*n_rows = n = (int32_t)block.n_rows;
	reader.is_damaged |= (int)block.n_columns != n_columns;
	for (int c = 0; c < n_columns && !reader.is_damaged; c++) {
		ColumnHeader header;
		Vector		*v;

		memcpy(&header, take(&reader, sizeof header), sizeof header);
		if (type_is_nested(types[c]))
			v = vector_new(arena, types[c], n);
		else if (type_is_text(types[c]))
			v = vector_new_unset(arena, types[c], n);
		else {
			v = arena_new(arena, Vector);
			*v = (Vector){.type = types[c], .form = VECTOR_FLAT, .n_rows = n, .capacity = n};
		}
		v->is_ascii = header.is_ascii != 0;
		if (header.has_nulls) {
			const void *bits = take(&reader, (size_t)bitmap_words(n) * sizeof(uint64_t));

			/* Decoding a nested row writes its validity. */
			if (!type_is_nested(types[c]))
				v->validity = (uint64_t *)(uintptr_t)bits;
		}
		if (type_is_nested(types[c]))
			TRY(decode_nested(&reader, v, n, header.n_bytes, arena, err));
		else if (type_is_text(types[c]))
			decode_text(&reader, v, n, header.n_bytes);
		else
			v->data = (void *)(uintptr_t)take(&reader, (size_t)type_width(types[c]) * (size_t)n);
		out[c] = v;
	}
	return reader.is_damaged ? error_fatal(err, "A block of a temporary file is damaged") : OK;
}
