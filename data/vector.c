#include "data/vector.h"

#include "data/value_impl.h"

/* ---- making ---- */

static int
child_count(const Type *type)
{
	switch (type->kind) {
	case TYPE_ARRAY:
		return 1;
	case TYPE_MAP:
		return 2;
	case TYPE_STRUCT:
		return type->n_fields;
	default:
		return 0;
	}
}

static const Type *
child_type(const Type *type, int i)
{
	switch (type->kind) {
	case TYPE_ARRAY:
		return type->element;
	case TYPE_MAP:
		return i == 0 ? type->key : type->element;
	default:
		return type->fields[i].type;
	}
}

static void
init(Vector *v, Arena *arena, const Type *type, int32_t n_rows, bool clear)
{
	size_t size = (size_t)type_width(type) * (size_t)n_rows;
	int	   n = child_count(type);

	*v = (Vector){.type = type, .form = VECTOR_FLAT, .n_rows = n_rows, .capacity = n_rows, .n_children = n};
	if (size > 0) {
		v->data = arena_alloc(arena, size);
		if (clear)
			memset(v->data, 0, size);
	}
	if (n > 0) {
		v->children = arena_array(arena, Vector, n);
		for (int i = 0; i < n; i++)
			init(&v->children[i], arena, child_type(type, i), type->kind == TYPE_STRUCT ? n_rows : 0, clear);
	}
}

void
vector_init(Vector *v, Arena *arena, const Type *type, int32_t n_rows)
{
	init(v, arena, type, n_rows, true);
}

Vector *
vector_new(Arena *arena, const Type *type, int32_t n_rows)
{
	Vector *v = arena_alloc(arena, sizeof *v);

	init(v, arena, type, n_rows, true);
	return v;
}

Vector *
vector_new_unset(Arena *arena, const Type *type, int32_t n_rows)
{
	Vector *v = arena_alloc(arena, sizeof *v);

	init(v, arena, type, n_rows, false);
	return v;
}

Vector *
vector_null(Arena *arena, const Type *type, int32_t n_rows)
{
	Vector *v = vector_new(arena, type, 1);

	vector_set_null(v, arena, 0);
	v->form = VECTOR_CONSTANT;
	v->n_rows = n_rows;
	return v;
}

uint64_t *
vector_need_validity(Vector *v, Arena *arena)
{
	int32_t n = v->capacity > v->n_rows ? v->capacity : v->n_rows;

	if (v->validity == NULL) {
		size_t size = (size_t)bitmap_words(n > 0 ? n : 1) * sizeof(uint64_t);

		v->validity = memset(arena_alloc(arena, size), 0xff, size);
	}
	return v->validity;
}

void
vector_set_null(Vector *v, Arena *arena, int64_t i)
{
	bitmap_clear(vector_need_validity(v, arena), i);
}

/* Gives a FLAT vector n_rows rows; new ones are zero and not NULL. */
static void
grow(Vector *v, Arena *arena, int32_t n_rows)
{
	if (n_rows > v->capacity) {
		size_t	width = (size_t)type_width(v->type);
		int32_t capacity = v->capacity < 1 << 29 ? v->capacity * 2 : v->capacity;

		capacity = capacity < n_rows ? n_rows : capacity;
		capacity = capacity < 8 ? 8 : capacity;
		if (width > 0) {
			char *data = arena_alloc(arena, width * (size_t)capacity);

			if (v->n_rows > 0)
				memcpy(data, v->data, width * (size_t)v->n_rows);
			memset(data + width * (size_t)v->n_rows, 0, width * (size_t)(capacity - v->n_rows));
			v->data = data;
		}
		if (v->validity != NULL) {
			size_t	  words = (size_t)bitmap_words(capacity);
			size_t	  old_words = (size_t)bitmap_words(v->n_rows);
			uint64_t *validity = arena_alloc(arena, words * sizeof *validity);

			memcpy(validity, v->validity, old_words * sizeof *validity);
			memset(validity + old_words, 0xff, (words - old_words) * sizeof *validity);
			v->validity = validity;
		}
		v->capacity = capacity;
	}
	if (v->type->kind == TYPE_STRUCT)
		for (int i = 0; i < v->n_children; i++)
			grow(&v->children[i], arena, n_rows);
	v->n_rows = n_rows;
}

uint32_t
vector_list_reserve(Vector *v, Arena *arena, uint32_t n_more)
{
	int32_t first = v->children[0].n_rows;

	for (int i = 0; i < v->n_children; i++)
		grow(&v->children[i], arena, first + (int32_t)n_more);
	return (uint32_t)first;
}

Vector *
vector_dictionary(Arena *arena, const Vector *base, const uint32_t *index, int32_t n_rows)
{
	Vector *v = arena_alloc(arena, sizeof *v);

	if (base->form == VECTOR_CONSTANT) {
		*v = *base;
		v->n_rows = n_rows;
		return v;
	}
	if (base->form == VECTOR_DICTIONARY) {
		uint32_t *folded = arena_alloc(arena, sizeof *folded * (size_t)n_rows);

		for (int32_t i = 0; i < n_rows; i++)
			folded[i] = base->index[index[i]];
		index = folded;
		base = base->base;
	}
	*v = (Vector){.type = base->type, .form = VECTOR_DICTIONARY, .is_ascii = base->is_ascii, .n_rows = n_rows,
				  .index = index, .base = base};
	return v;
}

/* Bits first .. first+n-1 of a bitmap as a bitmap of their own. */
static uint64_t *
bitmap_slice(Arena *arena, const uint64_t *bits, int64_t first, int64_t n)
{
	int64_t	  words = bitmap_words(n > 0 ? n : 1);
	int		  shift = (int)(first & 63);
	int64_t	  last_word = (first + n - 1) >> 6;
	uint64_t *out = arena_alloc(arena, sizeof *out * (size_t)words);

	for (int64_t i = 0; i < words; i++) {
		int64_t	 at = (first >> 6) + i;
		uint64_t word = bits[at] >> shift;

		if (shift > 0 && at < last_word)
			word |= bits[at + 1] << (64 - shift);
		out[i] = word;
	}
	return out;
}

static void
slice_flat(Vector *out, Arena *arena, const Vector *v, int32_t first, int32_t n_rows)
{
	*out = *v;
	out->n_rows = out->capacity = n_rows;
	if (v->validity != NULL)
		out->validity = (first & 63) == 0 ? v->validity + (first >> 6) : bitmap_slice(arena, v->validity, first, n_rows);
	if (v->data != NULL)
		out->data = (char *)v->data + (size_t)type_width(v->type) * (size_t)first;
	if (v->type->kind == TYPE_STRUCT && v->n_children > 0) {
		out->children = arena_alloc(arena, sizeof *out->children * (size_t)v->n_children);
		for (int i = 0; i < v->n_children; i++)
			slice_flat(&out->children[i], arena, &v->children[i], first, n_rows);
	}
}

Vector *
vector_slice(Arena *arena, const Vector *v, int32_t first, int32_t n_rows)
{
	Vector *out = arena_alloc(arena, sizeof *out);

	switch (v->form) {
	case VECTOR_FLAT:
		slice_flat(out, arena, v, first, n_rows);
		break;
	case VECTOR_CONSTANT:
		*out = *v;
		out->n_rows = n_rows;
		break;
	case VECTOR_DICTIONARY:
		*out = *v;
		out->n_rows = n_rows;
		out->index = v->index + first;
		break;
	}
	return out;
}

const Vector *
vector_flatten(Arena *arena, const Vector *v)
{
	if (v->form == VECTOR_FLAT)
		return v;
	if (v->form == VECTOR_DICTIONARY)
		return vector_gather(arena, v->base, v->index, v->n_rows, true);
	return vector_gather(arena, v, NULL, v->n_rows, true);
}

/* ---- gathering ---- */

#define GATHER(T)                                                   \
	do {                                                            \
		const T *restrict source = from;                            \
		T *restrict target = to;                                    \
                                                                    \
		for (int32_t i = 0; i < n; i++)                             \
			target[i] = source[index[i]];                           \
	} while (0)

void
fixed_gather(int width, const void *from, const uint32_t *index, int32_t n, void *to)
{
	switch (width) {
	case 1:
		GATHER(uint8_t);
		break;
	case 4:
		GATHER(uint32_t);
		break;
	case 8:
		GATHER(uint64_t);
		break;
	case 16:
		GATHER(__int128);
		break;
	default:
		break;
	}
}

#define GATHER_MANY(T)                                         \
	do {                                                       \
		T *restrict out = to;                                  \
                                                               \
		for (int32_t i = 0; i < n; i++)                        \
			out[i] = ((const T *)from[which[i]])[index[i]];    \
	} while (0)

void
fixed_gather_many(int width, const void *const *from, const uint32_t *which, const uint32_t *index, int32_t n, void *to)
{
	switch (width) {
	case 1:
		GATHER_MANY(uint8_t);
		break;
	case 4:
		GATHER_MANY(uint32_t);
		break;
	case 8:
		GATHER_MANY(uint64_t);
		break;
	case 16:
		GATHER_MANY(__int128);
		break;
	default:
		break;
	}
}

static void gather_flat(Vector *out, Arena *arena, const Vector *src, const uint32_t *index, int32_t n_rows, bool share);

/* Own children for a gathered list: the elements of the rows, in order, without gaps. */
static void
gather_elements(Vector *out, Arena *arena, const Vector *src, int32_t n_rows, bool share)
{
	ListEntry *entries = out->data;
	uint32_t   n_elements = 0;
	uint32_t  *elements;
	uint32_t   at = 0;

	for (int32_t i = 0; i < n_rows; i++) {
		if (out->validity != NULL && !bitmap_get(out->validity, i))
			entries[i].length = 0;
		n_elements += entries[i].length;
	}
	elements = arena_alloc(arena, sizeof *elements * n_elements);
	for (int32_t i = 0; i < n_rows; i++) {
		for (uint32_t k = 0; k < entries[i].length; k++)
			elements[at + k] = entries[i].offset + k;
		entries[i].offset = at;
		at += entries[i].length;
	}
	out->children = arena_array(arena, Vector, out->n_children);
	for (int c = 0; c < out->n_children; c++)
		gather_flat(&out->children[c], arena, &src->children[c], elements, (int32_t)n_elements, share);
}

static void
gather_text(Vector *out, Arena *arena)
{
	StrView *views = out->data;

	for (int32_t i = 0; i < out->n_rows; i++) {
		if (out->validity != NULL && !bitmap_get(out->validity, i))
			views[i] = (StrView){0};
		else if (views[i].length > STR_VIEW_INLINE)
			views[i] = str_view_make(arena_memdup(arena, str_view_data(&views[i]), views[i].length), views[i].length);
	}
}

static void
gather_flat(Vector *out, Arena *arena, const Vector *src, const uint32_t *index, int32_t n_rows, bool share)
{
	size_t size = (size_t)type_width(src->type) * (size_t)n_rows;

	*out = (Vector){.type = src->type, .form = VECTOR_FLAT, .is_ascii = src->is_ascii, .n_rows = n_rows,
					.capacity = n_rows, .n_children = src->n_children};
	if (size > 0) {
		out->data = arena_alloc(arena, size);
		fixed_gather(type_width(src->type), src->data, index, n_rows, out->data);
	}
	if (src->validity != NULL) {
		int64_t	  words = bitmap_words(n_rows > 0 ? n_rows : 1);
		uint64_t *validity = arena_alloc(arena, sizeof *validity * (size_t)words);

		for (int64_t w = 0; w < words; w++) {
			uint64_t word = 0;
			int		 n = n_rows - w * 64 < 64 ? (int)(n_rows - w * 64) : 64;

			for (int b = 0; b < n; b++)
				word |= (uint64_t)bitmap_get(src->validity, index[w * 64 + b]) << b;
			/* Bits behind the last row are set, so that the vector can grow. */
			validity[w] = n < 64 ? word | ~UINT64_C(0) << n : word;
		}
		out->validity = validity;
	}
	switch (src->type->kind) {
	case TYPE_STRING:
	case TYPE_BYTES:
		if (!share)
			gather_text(out, arena);
		break;
	case TYPE_ARRAY:
	case TYPE_MAP:
		if (share)
			out->children = src->children;
		else
			gather_elements(out, arena, src, n_rows, share);
		break;
	case TYPE_STRUCT:
		out->children = arena_array(arena, Vector, src->n_children);
		for (int i = 0; i < src->n_children; i++)
			gather_flat(&out->children[i], arena, &src->children[i], index, n_rows, share);
		break;
	default:
		break;
	}
}

Vector *
vector_gather(Arena *arena, const Vector *src, const uint32_t *index, int32_t n_rows, bool share_text)
{
	Vector	 *out = arena_alloc(arena, sizeof *out);
	uint32_t *real;

	if (src->form != VECTOR_FLAT) {
		real = arena_alloc(arena, sizeof *real * (size_t)n_rows);
		if (src->form == VECTOR_CONSTANT)
			memset(real, 0, sizeof *real * (size_t)n_rows);
		else
			for (int32_t i = 0; i < n_rows; i++)
				real[i] = src->index[index[i]];
		index = real;
		src = vector_base(src);
	}
	gather_flat(out, arena, src, index, n_rows, share_text);
	return out;
}

/* ---- rows ---- */

/* Row i of a FLAT vector. */
static Value
get_flat(const Vector *v, int64_t i, Arena *arena)
{
	Value out = {.type = v->type};

	if (v->validity != NULL && !bitmap_get(v->validity, i)) {
		out.is_null = true;
		return out;
	}
	switch (v->type->kind) {
	case TYPE_BOOLEAN:
		out.boolean = ((const uint8_t *)v->data)[i] != 0;
		break;
	case TYPE_INTEGER:
	case TYPE_DATE:
	case TYPE_TIME:
		out.integer = ((const int32_t *)v->data)[i];
		break;
	case TYPE_BIGINT:
	case TYPE_TIMESTAMP:
	case TYPE_UNIT:
		out.integer = ((const int64_t *)v->data)[i];
		break;
	case TYPE_DOUBLE:
		out.number = ((const double *)v->data)[i];
		break;
	case TYPE_DECIMAL:
		out.decimal = ((const Decimal *)v->data)[i];
		break;
	case TYPE_STRING:
	case TYPE_BYTES:
		out.text = str_view_str(&((const StrView *)v->data)[i]);
		break;
	case TYPE_INTERVAL:
		out.interval = ((const Interval *)v->data)[i];
		break;
	case TYPE_ARRAY:
	case TYPE_MAP: {
		ListEntry entry = ((const ListEntry *)v->data)[i];
		uint32_t  n_children = (uint32_t)v->n_children;

		out.n_items = entry.length;
		out.items = arena_alloc(arena, sizeof(Value) * entry.length * n_children);
		for (uint32_t k = 0; k < entry.length; k++)
			for (uint32_t c = 0; c < n_children; c++)
				out.items[k * n_children + c] = get_flat(&v->children[c], entry.offset + k, arena);
		break;
	}
	case TYPE_STRUCT:
		out.n_items = (uint32_t)v->n_children;
		out.items = arena_alloc(arena, sizeof(Value) * out.n_items);
		for (int c = 0; c < v->n_children; c++)
			out.items[c] = get_flat(&v->children[c], i, arena);
		break;
	case TYPE_NULL:
	case TYPE_LAMBDA:
		out.is_null = true;
		break;
	}
	return out;
}

Value
vector_get(const Vector *v, int64_t i, Arena *arena)
{
	return get_flat(vector_base(v), vector_at(v, i), arena);
}

static void set_row(Vector *v, Arena *arena, int64_t i, const Value *value, bool borrow);

/* The row's validity bit becomes 1; nothing to do while no row is NULL. */
static void
set_valid(Vector *v, int64_t i)
{
	if (v->validity != NULL)
		bitmap_set(v->validity, i);
}

static void
set_nested(Vector *v, Arena *arena, int64_t i, const Value *value, bool borrow)
{
	if (v->type->kind == TYPE_STRUCT) {
		for (int c = 0; c < v->n_children; c++)
			set_row(&v->children[c], arena, i, &value->items[c], borrow);
	} else {
		uint32_t n_children = (uint32_t)v->n_children;
		uint32_t first = vector_list_reserve(v, arena, value->n_items);

		((ListEntry *)v->data)[i] = (ListEntry){first, value->n_items};
		for (uint32_t k = 0; k < value->n_items; k++)
			for (uint32_t c = 0; c < n_children; c++)
				set_row(&v->children[c], arena, first + k, &value->items[k * n_children + c], borrow);
	}
}

static void
set_row(Vector *v, Arena *arena, int64_t i, const Value *value, bool borrow)
{
	if (value->is_null) {
		vector_set_null(v, arena, i);
		/* Fields of a NULL struct are NULL, so that kernels may look at them alone. */
		if (v->type->kind == TYPE_STRUCT)
			for (int c = 0; c < v->n_children; c++)
				set_row(&v->children[c], arena, i, &(Value){.is_null = true}, borrow);
		return;
	}
	set_valid(v, i);
	switch (v->type->kind) {
	case TYPE_BOOLEAN:
		((uint8_t *)v->data)[i] = value->boolean;
		break;
	case TYPE_INTEGER:
	case TYPE_DATE:
	case TYPE_TIME:
		((int32_t *)v->data)[i] = (int32_t)value->integer;
		break;
	case TYPE_BIGINT:
	case TYPE_TIMESTAMP:
	case TYPE_UNIT:
		((int64_t *)v->data)[i] = value->integer;
		break;
	case TYPE_DOUBLE:
		((double *)v->data)[i] = value->number;
		break;
	case TYPE_DECIMAL:
		((Decimal *)v->data)[i] = value->decimal;
		break;
	case TYPE_STRING:
	case TYPE_BYTES: {
		const char *text = value->text.data;

		if (value->text.length > STR_VIEW_INLINE && !borrow)
			text = arena_memdup(arena, text, value->text.length);
		((StrView *)v->data)[i] = str_view_make(text, value->text.length);
		break;
	}
	case TYPE_INTERVAL:
		((Interval *)v->data)[i] = value->interval;
		break;
	case TYPE_ARRAY:
	case TYPE_MAP:
	case TYPE_STRUCT:
		set_nested(v, arena, i, value, borrow);
		break;
	case TYPE_NULL:
	case TYPE_LAMBDA:
		vector_set_null(v, arena, i);
		break;
	}
}

void
vector_set(Vector *v, Arena *arena, int64_t i, const Value *value)
{
	assert(v->form == VECTOR_FLAT);
	v->is_ascii = false;
	set_row(v, arena, i, value, false);
}

Vector *
vector_constant(Arena *arena, const Value *value, int32_t n_rows)
{
	Vector *v = vector_new(arena, value->type, 1);

	set_row(v, arena, 0, value, true);
	v->form = VECTOR_CONSTANT;
	v->n_rows = n_rows;
	return v;
}

static void
copy_flat_row(Vector *dst, Arena *arena, int64_t to, const Vector *src, int64_t from)
{
	size_t width = (size_t)type_width(src->type);

	if (src->validity != NULL && !bitmap_get(src->validity, from)) {
		set_row(dst, arena, to, &(Value){.is_null = true}, false);
		return;
	}
	set_valid(dst, to);
	switch (src->type->kind) {
	case TYPE_STRING:
	case TYPE_BYTES: {
		StrView view = ((const StrView *)src->data)[from];

		if (view.length > STR_VIEW_INLINE)
			view = str_view_make(arena_memdup(arena, str_view_data(&view), view.length), view.length);
		((StrView *)dst->data)[to] = view;
		break;
	}
	case TYPE_ARRAY:
	case TYPE_MAP: {
		ListEntry entry = ((const ListEntry *)src->data)[from];
		uint32_t  first = vector_list_reserve(dst, arena, entry.length);

		((ListEntry *)dst->data)[to] = (ListEntry){first, entry.length};
		for (int c = 0; c < src->n_children; c++)
			for (uint32_t k = 0; k < entry.length; k++)
				copy_flat_row(&dst->children[c], arena, first + k, &src->children[c], entry.offset + k);
		break;
	}
	case TYPE_STRUCT:
		for (int c = 0; c < src->n_children; c++)
			copy_flat_row(&dst->children[c], arena, to, &src->children[c], from);
		break;
	default:
		memcpy((char *)dst->data + width * (size_t)to, (const char *)src->data + width * (size_t)from, width);
		break;
	}
}

void
vector_copy_row(Vector *dst, Arena *arena, int64_t to, const Vector *src, int64_t from)
{
	assert(dst->form == VECTOR_FLAT);
	copy_flat_row(dst, arena, to, vector_base(src), vector_at(src, from));
}

/* ---- hashing and equality ---- */

/* Hash of row i of a FLAT vector that may be NULL. */
static uint64_t
hash_row(const Vector *v, int64_t i)
{
	uint64_t h;

	if (v->validity != NULL && !bitmap_get(v->validity, i))
		return HASH_NULL;
	switch (v->type->kind) {
	case TYPE_BOOLEAN:
		return hash_u64(((const uint8_t *)v->data)[i]);
	case TYPE_INTEGER:
	case TYPE_DATE:
	case TYPE_TIME:
		return hash_u64((uint64_t)(int64_t)((const int32_t *)v->data)[i]);
	case TYPE_BIGINT:
	case TYPE_TIMESTAMP:
	case TYPE_UNIT:
		return hash_u64((uint64_t)((const int64_t *)v->data)[i]);
	case TYPE_DOUBLE:
		return hash_u64(double_key(((const double *)v->data)[i]));
	case TYPE_DECIMAL:
		return hash_decimal(((const Decimal *)v->data)[i]);
	case TYPE_STRING:
	case TYPE_BYTES:
		return hash_view(&((const StrView *)v->data)[i]);
	case TYPE_INTERVAL:
		return hash_interval(&((const Interval *)v->data)[i]);
	case TYPE_ARRAY: {
		ListEntry e = ((const ListEntry *)v->data)[i];

		h = HASH_LIST;
		for (uint32_t k = 0; k < e.length; k++)
			h = hash_combine(h, hash_row(&v->children[0], e.offset + k));
		return h;
	}
	case TYPE_MAP: {
		ListEntry e = ((const ListEntry *)v->data)[i];

		h = e.length;
		for (uint32_t k = 0; k < e.length; k++)
			h += hash_combine(hash_row(&v->children[0], e.offset + k), hash_row(&v->children[1], e.offset + k));
		return hash_u64(h);
	}
	case TYPE_STRUCT:
		h = HASH_LIST;
		for (int c = 0; c < v->n_children; c++)
			h = hash_combine(h, hash_row(&v->children[c], i));
		return h;
	case TYPE_NULL:
	case TYPE_LAMBDA:
		break;
	}
	return HASH_NULL;
}

/* One loop a type without a look at nulls or form, and one with; `at` is the row's place in data. */
#define HASH_ROWS(T, hash_of)                                                                       \
	do {                                                                                            \
		const T *data = base->data;                                                                 \
                                                                                                    \
		if (v->form == VECTOR_FLAT && base->validity == NULL && !combine) {                         \
			for (int64_t at = 0; at < n_rows; at++)                                                 \
				hashes[at] = (hash_of);                                                             \
			return;                                                                                 \
		}                                                                                           \
		for (int32_t i = 0; i < n_rows; i++) {                                                      \
			int64_t	 at = v->form == VECTOR_FLAT ? i : (int64_t)v->index[i];                        \
			uint64_t hash = base->validity == NULL || bitmap_get(base->validity, at) ? (hash_of) : HASH_NULL; \
                                                                                                    \
			hashes[i] = combine ? hash_combine(hashes[i], hash) : hash;                             \
		}                                                                                           \
		return;                                                                                     \
	} while (0)

void
vector_hash(const Vector *v, int32_t n_rows, uint64_t *hashes, bool combine)
{
	const Vector *base = vector_base(v);
	uint64_t	  h;

	if (v->form == VECTOR_CONSTANT) {
		h = hash_row(v, 0);
		for (int32_t i = 0; i < n_rows; i++)
			hashes[i] = combine ? hash_combine(hashes[i], h) : h;
		return;
	}
	switch (v->type->kind) {
	case TYPE_INTEGER:
	case TYPE_DATE:
	case TYPE_TIME:
		HASH_ROWS(int32_t, hash_u64((uint64_t)(int64_t)data[at]));
	case TYPE_BIGINT:
	case TYPE_TIMESTAMP:
		HASH_ROWS(int64_t, hash_u64((uint64_t)data[at]));
	case TYPE_DOUBLE:
		HASH_ROWS(double, hash_u64(double_key(data[at])));
	case TYPE_STRING:
	case TYPE_BYTES:
		HASH_ROWS(StrView, hash_view(&data[at]));
	default:
		break;
	}
	for (int32_t i = 0; i < n_rows; i++) {
		h = hash_row(base, v->form == VECTOR_DICTIONARY ? (int64_t)v->index[i] : i);
		hashes[i] = combine ? hash_combine(hashes[i], h) : h;
	}
}

static bool
flat_rows_equal(const Vector *a, int64_t i, const Vector *b, int64_t j)
{
	bool   a_null = a->validity != NULL && !bitmap_get(a->validity, i);
	bool   b_null = b->validity != NULL && !bitmap_get(b->validity, j);
	size_t width;

	if (a_null || b_null)
		return a_null && b_null;
	switch (a->type->kind) {
	case TYPE_DOUBLE:
		return double_key(((const double *)a->data)[i]) == double_key(((const double *)b->data)[j]);
	case TYPE_STRING:
	case TYPE_BYTES:
		return str_view_equal(&((const StrView *)a->data)[i], &((const StrView *)b->data)[j]);
	case TYPE_ARRAY:
	case TYPE_MAP: {
		ListEntry x = ((const ListEntry *)a->data)[i];
		ListEntry y = ((const ListEntry *)b->data)[j];

		if (x.length != y.length)
			return false;
		for (uint32_t k = 0; k < x.length; k++) {
			uint32_t other = k;

			if (a->type->kind == TYPE_MAP) {
				for (other = 0; other < y.length; other++)
					if (flat_rows_equal(&a->children[0], x.offset + k, &b->children[0], y.offset + other))
						break;
				if (other == y.length ||
					!flat_rows_equal(&a->children[1], x.offset + k, &b->children[1], y.offset + other))
					return false;
			} else if (!flat_rows_equal(&a->children[0], x.offset + k, &b->children[0], y.offset + k)) {
				return false;
			}
		}
		return true;
	}
	case TYPE_STRUCT:
		for (int c = 0; c < a->n_children; c++)
			if (!flat_rows_equal(&a->children[c], i, &b->children[c], j))
				return false;
		return true;
	case TYPE_NULL:
	case TYPE_LAMBDA:
		return true;
	default:
		width = (size_t)type_width(a->type);
		return memcmp((const char *)a->data + width * (size_t)i, (const char *)b->data + width * (size_t)j, width) == 0;
	}
}

bool
vector_rows_equal(const Vector *a, int64_t i, const Vector *b, int64_t j)
{
	return flat_rows_equal(vector_base(a), vector_at(a, i), vector_base(b), vector_at(b, j));
}
