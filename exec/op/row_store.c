#include "exec/op/row_store.h"

#include <stdlib.h>

enum { FIRST_ROWS = 1024 };

void
row_store_init(RowStore *store, MemoryBudget *budget, const char *what)
{
	*store = (RowStore){.budget = budget, .what = what};
}

void
row_store_set_types(RowStore *store, const Type *const *types, int n_columns)
{
	store->n_columns = n_columns;
	store->columns = xcalloc((size_t)n_columns + 1, sizeof *store->columns);
	store->lists = xcalloc((size_t)n_columns + 1, sizeof *store->lists);
	for (int c = 0; c < n_columns; c++) {
		if (type_is_nested(types[c])) {
			vector_init(&store->lists[c], &store->arena, type_array(types[c]), 1);
			store->columns[c] = &store->lists[c].children[0];
		} else {
			store->columns[c] = xcalloc(1, sizeof **store->columns);
			*store->columns[c] = (Vector){.type = types[c], .form = VECTOR_FLAT, .is_ascii = true};
		}
	}
}

void
row_store_free(RowStore *store)
{
	for (int c = 0; c < store->n_columns; c++)
		if (!type_is_nested(store->columns[c]->type)) {
			free(store->columns[c]->data);
			free(store->columns[c]->validity);
			free(store->columns[c]);
		}
	free(store->columns);
	free(store->lists);
	arena_free(&store->arena);
	for (int i = 0; i < store->n_taken; i++)
		arena_free(&store->taken[i]);
	free(store->taken);
	budget_release(store->budget, store->reserved_bytes);
	*store = (RowStore){.budget = store->budget, .what = store->what, .free_bytes = store->free_bytes};
}

static int64_t
arena_bytes(const RowStore *store)
{
	int64_t bytes = (int64_t)store->arena.size_bytes;

	for (int i = 0; i < store->n_taken; i++)
		bytes += (int64_t)store->taken[i].size_bytes;
	return bytes;
}

static int64_t
row_bytes(const RowStore *store)
{
	int64_t bytes = 0;

	for (int c = 0; c < store->n_columns; c++)
		if (!type_is_nested(store->columns[c]->type))
			bytes += type_width(store->columns[c]->type);
	return bytes;
}

static Status
reserve(RowStore *store, int64_t capacity, Error *err)
{
	int64_t bytes = capacity * row_bytes(store) + arena_bytes(store);

	if (bytes > store->reserved_bytes) {
		if (bytes <= store->free_bytes)
			budget_take(store->budget, bytes - store->reserved_bytes);
		else
			TRY(budget_reserve(store->budget, bytes - store->reserved_bytes, store->what, err));
		store->reserved_bytes = bytes;
	}
	return OK;
}

static void
need_validity(Vector *v, int64_t capacity)
{
	if (v->validity == NULL) {
		size_t bytes = (size_t)bitmap_words(capacity) * sizeof *v->validity;

		v->validity = xmalloc(bytes);
		memset(v->validity, 0xff, bytes);
	}
}

static int64_t
capacity_for(const RowStore *store, int64_t n)
{
	int64_t capacity = store->capacity > 0 ? store->capacity : FIRST_ROWS;

	while (capacity < (int64_t)store->n_rows + n)
		capacity *= 2;
	return capacity;
}

int64_t
row_store_bytes_with(const RowStore *store, int64_t n)
{
	return capacity_for(store, n) * row_bytes(store) + arena_bytes(store);
}

int64_t
row_store_bytes_with_text(const RowStore *store, int64_t n, int64_t text_bytes)
{
	int64_t bytes = row_store_bytes_with(store, n);

	for (int c = 0; c < store->n_columns; c++)
		if (type_is_nested(store->columns[c]->type) || type_is_text(store->columns[c]->type))
			return bytes + (int64_t)arena_growth(&store->arena, (size_t)text_bytes);
	return bytes;
}

/* Makes room for n more rows in the columns of fixed width. */
static Status
grow(RowStore *store, int64_t n, Error *err)
{
	int64_t wanted = (int64_t)store->n_rows + n;
	int64_t capacity = store->capacity;

	if (wanted <= capacity)
		return OK;
	if (wanted > INT32_MAX)
		return error_fatal(err, "%s cannot keep more than %d rows", store->what, INT32_MAX);
	capacity = capacity_for(store, n);
	TRY(reserve(store, capacity, err));
	for (int c = 0; c < store->n_columns; c++) {
		Vector *v = store->columns[c];

		if (type_is_nested(v->type))
			continue;
		if (type_width(v->type) > 0)
			v->data = xrealloc(v->data, (size_t)type_width(v->type) * (size_t)capacity);
		if (v->validity != NULL) {
			size_t words = (size_t)bitmap_words(capacity), old_words = (size_t)bitmap_words(store->capacity);

			v->validity = xrealloc(v->validity, words * sizeof *v->validity);
			memset(v->validity + old_words, 0xff, (words - old_words) * sizeof *v->validity);
		}
	}
	store->capacity = capacity;
	return OK;
}

#define COPY(T)                                                                      \
	do {                                                                             \
		const T *restrict from = base->data;                                         \
		T *restrict to = (T *)out->data + first;                                     \
                                                                                     \
		if (v->form == VECTOR_FLAT && index == NULL)                                 \
			memcpy(to, from, sizeof *to * (size_t)n);                                \
		else if (v->form == VECTOR_FLAT)                                             \
			for (int64_t i = 0; i < n; i++)                                          \
				to[i] = from[index[i]];                                              \
		else                                                                         \
			for (int64_t i = 0; i < n; i++)                                          \
				to[i] = from[vector_at(v, index != NULL ? (int64_t)index[i] : i)];   \
	} while (0)

/* Copies rows behind the first `first` ones of a column of fixed width.  Long text goes to `text`; NULL: it is shared. */
static void
append_flat(Vector *out, int64_t first, int64_t capacity, Arena *text, const Vector *v, const uint32_t *index, int64_t n)
{
	const Vector *base = vector_base(v);

	switch (type_width(v->type)) {
	case 1:
		COPY(uint8_t);
		break;
	case 4:
		COPY(uint32_t);
		break;
	case 8:
		COPY(uint64_t);
		break;
	case 16:
		COPY(__int128);
		break;
	default:
		break;
	}
	if (v->type->kind == TYPE_NULL)
		need_validity(out, capacity);
	if (base->validity != NULL || v->type->kind == TYPE_NULL)
		for (int64_t i = 0; i < n; i++) {
			int64_t at = vector_at(v, index != NULL ? (int64_t)index[i] : i);

			if (base->validity != NULL && bitmap_get(base->validity, at))
				continue;
			need_validity(out, capacity);
			bitmap_clear(out->validity, first + i);
			if (type_is_text(v->type))
				((StrView *)out->data)[first + i] = (StrView){0};
		}
	out->is_ascii = out->is_ascii && v->is_ascii;
	if (type_is_text(v->type) && text != NULL) {
		StrView *views = (StrView *)out->data + first;

		for (int64_t i = 0; i < n; i++)
			if (views[i].length > STR_VIEW_INLINE)
				views[i] = str_view_make(arena_memdup(text, str_view_data(&views[i]), views[i].length), views[i].length);
	}
}

static void
append_nested(RowStore *store, int c, const Vector *v, const uint32_t *index, int64_t n)
{
	uint32_t first = vector_list_reserve(&store->lists[c], &store->arena, (uint32_t)n);

	for (int64_t i = 0; i < n; i++)
		vector_copy_row(store->columns[c], &store->arena, first + i, v, index != NULL ? (int64_t)index[i] : i);
}

Status
row_store_append(RowStore *store, const Vector *const *columns, int n_columns, const uint32_t *index, int32_t n, Error *err)
{
	if (n == 0)
		return OK;
	if (store->columns == NULL) {
		const Type **types = xcalloc((size_t)n_columns + 1, sizeof *types);

		for (int c = 0; c < n_columns; c++)
			types[c] = columns[c]->type;
		row_store_set_types(store, types, n_columns);
		free(types);
	}
	assert(store->n_columns == n_columns);
	TRY(grow(store, n, err));
	for (int c = 0; c < n_columns; c++) {
		Vector *out = store->columns[c];

		if (type_is_nested(out->type)) {
			append_nested(store, c, columns[c], index, n);
		} else {
			append_flat(out, (int64_t)store->n_rows, store->capacity, &store->arena, columns[c], index, n);
			out->n_rows = out->capacity = (int32_t)store->n_rows + n;
		}
	}
	store->n_rows += (uint64_t)n;
	return reserve(store, store->capacity, err);
}

static void
take_arena(RowStore *store, Arena *arena)
{
	if (arena->block == NULL)
		return;
	grow_array(store->taken, store->n_taken, store->taken_capacity);
	store->taken[store->n_taken++] = *arena;
	*arena = (Arena){0};
}

Status
row_store_take(RowStore *store, RowStore *other, Error *err)
{
	int64_t n = (int64_t)other->n_rows;

	if (n == 0)
		return OK;
	if (store->n_rows == 0) {
		RowStore empty = *store;

		*store = *other;
		*other = empty;
		return OK;
	}
	TRY(grow(store, n, err));
	for (int c = 0; c < store->n_columns; c++) {
		Vector *out = store->columns[c];

		if (type_is_nested(out->type)) {
			append_nested(store, c, other->columns[c], NULL, n);
		} else {
			append_flat(out, (int64_t)store->n_rows, store->capacity, NULL, other->columns[c], NULL, n);
			out->n_rows = out->capacity = (int32_t)store->n_rows + (int32_t)n;
		}
	}
	store->n_rows += (uint64_t)n;
	take_arena(store, &other->arena);
	for (int i = 0; i < other->n_taken; i++)
		take_arena(store, &other->taken[i]);
	/* What was reserved for the other's text comes over with it. */
	row_store_free(other);
	return reserve(store, store->capacity, err);
}

Status
row_store_keep(RowStore *store, const uint32_t *index, int64_t n, Error *err)
{
	RowStore	kept;
	Status		status;
	const Type **types = xcalloc((size_t)store->n_columns + 1, sizeof *types);

	row_store_init(&kept, store->budget, store->what);
	for (int c = 0; c < store->n_columns; c++)
		types[c] = store->columns[c]->type;
	row_store_set_types(&kept, types, store->n_columns);
	free(types);
	status = row_store_append(&kept, (const Vector *const *)store->columns, store->n_columns, index, (int32_t)n, err);
	if (status == FAILED) {
		row_store_free(&kept);
		return FAILED;
	}
	row_store_free(store);
	*store = kept;
	return OK;
}

void
row_store_select(const RowStore *store, Arena *arena, const uint32_t *index, int32_t n, int first, int n_columns,
				 const Vector **out)
{
	for (int c = 0; c < n_columns; c++)
		out[c] = vector_dictionary(arena, store->columns[first + c], index, n);
}
