#include "exec/func/agg_bag.h"

#include <stdlib.h>

#include "common/hash.h"

enum {
	HEAD = 16,			/* tag, length of the row, 4 bytes of hash */
	PART_BYTES = 32 << 10,	/* of what is saved at once */
	INDEX_ABOVE = 8,	/* entries: fewer are searched one by one */
};

typedef struct Head {
	int64_t	 tag;
	uint32_t length;
	uint32_t hash;
} Head;

_Static_assert(sizeof(Head) == HEAD, "no padding");

static size_t
entry_size(size_t row_length)
{
	return HEAD + ((row_length + 7) & ~(size_t)7);
}

static void
entry_at(const Bag *bag, size_t at, BagEntry *entry, Head *head)
{
	memcpy(head, bag->bytes + at, HEAD);
	*entry = (BagEntry){head->tag, {bag->bytes + at + HEAD, head->length}, at};
}

/* Brings the entries of maps, at any depth, into the order of their keys. */
static void
value_sort_maps(Value *v)
{
	if (v->is_null || !type_is_nested(v->type))
		return;
	if (v->type->kind != TYPE_MAP) {
		for (uint32_t i = 0; i < v->n_items; i++)
			value_sort_maps(&v->items[i]);
		return;
	}
	for (uint32_t i = 0; i < v->n_items; i++) {
		Value key = v->items[2 * i], item = v->items[2 * i + 1];
		uint32_t at = i;

		value_sort_maps(&item);
		for (; at > 0 && !v->items[2 * at - 2].is_null && !key.is_null && value_compare(&v->items[2 * at - 2], &key, false) > 0; at--) {
			v->items[2 * at] = v->items[2 * at - 2];
			v->items[2 * at + 1] = v->items[2 * at - 1];
		}
		v->items[2 * at] = key;
		v->items[2 * at + 1] = item;
	}
}

void
bag_encode(const Vector *const *args, int n, int32_t row, StrBuf *out)
{
	bool has_map = false;

	for (int a = 0; a < n; a++)
		has_map |= type_has_map(args[a]->type);
	if (!has_map) {
		row_encode(args, n, row, out);
		return;
	}
	/* Equal maps must give equal bytes. */
	{
		Arena		   arena = {0};
		const Vector **columns = arena_array(&arena, const Vector *, n);

		for (int a = 0; a < n; a++) {
			Value	value = vector_get(args[a], row, &arena);
			Vector *v = vector_new(&arena, args[a]->type, 1);

			value_sort_maps(&value);
			if (value.is_null)
				vector_set_null(v, &arena, 0);
			else
				vector_set(v, &arena, 0, &value);
			columns[a] = v;
		}
		row_encode(columns, n, 0, out);
		arena_free(&arena);
	}
}

bool
bag_next(const Bag *bag, size_t *at, BagEntry *entry)
{
	Head head;

	if (*at >= bag->length)
		return false;
	entry_at(bag, *at, entry, &head);
	*at += entry_size(head.length);
	return true;
}

static void
index_drop(Bag *bag)
{
	free(bag->index);
	bag->index = NULL;
	bag->index_mask = 0;
}

static void
index_add(Bag *bag, size_t at, uint32_t hash)
{
	uint32_t i = hash & bag->index_mask;

	while (bag->index[i] != 0)
		i = (i + 1) & bag->index_mask;
	bag->index[i] = (uint32_t)(at / 8) + 1;
}

static void
index_build(Bag *bag)
{
	uint32_t capacity = 32;

	while (capacity < bag->n * 4)
		capacity *= 2;
	free(bag->index);
	bag->index = xcalloc(capacity, sizeof *bag->index);
	bag->index_mask = capacity - 1;
	for (size_t at = 0; at < bag->length;) {
		Head head;

		memcpy(&head, bag->bytes + at, HEAD);
		index_add(bag, at, head.hash);
		at += entry_size(head.length);
	}
}

bool
bag_find(Bag *bag, Str row, BagEntry *entry)
{
	uint32_t hash = (uint32_t)hash_bytes(row.data, row.length);
	Head	 head;

	if (bag->n <= INDEX_ABOVE) {
		for (size_t at = 0; at < bag->length; at += entry_size(head.length)) {
			entry_at(bag, at, entry, &head);
			if (head.hash == hash && str_equal(entry->row, row))
				return true;
		}
		return false;
	}
	if (bag->index == NULL)
		index_build(bag);
	for (uint32_t i = hash & bag->index_mask; bag->index[i] != 0; i = (i + 1) & bag->index_mask) {
		entry_at(bag, (size_t)(bag->index[i] - 1) * 8, entry, &head);
		if (head.hash == hash && str_equal(entry->row, row))
			return true;
	}
	return false;
}

void
bag_insert(const AggregateCall *call, Bag *bag, size_t at, int64_t tag, Str row)
{
	size_t size = entry_size(row.length);
	Head   head = {tag, (uint32_t)row.length, (uint32_t)hash_bytes(row.data, row.length)};

	if (bag->length + size > bag->capacity) {
		size_t capacity = bag->capacity * 2 + size + 16;

		*call->used_bytes += (int64_t)(capacity - bag->capacity);
		bag->bytes = xrealloc(bag->bytes, capacity);
		bag->capacity = capacity;
	}
	if (at < bag->length) {
		memmove(bag->bytes + at + size, bag->bytes + at, bag->length - at);
		index_drop(bag);
	}
	memcpy(bag->bytes + at, &head, HEAD);
	memset(bag->bytes + at + HEAD, 0, size - HEAD);
	if (row.length > 0)
		memcpy(bag->bytes + at + HEAD, row.data, row.length);
	bag->length += size;
	bag->n++;
	if (bag->index != NULL) {
		if (bag->n * 2 > bag->index_mask)
			index_build(bag);
		else
			index_add(bag, at, head.hash);
	}
}

void
bag_add(const AggregateCall *call, Bag *bag, int64_t tag, Str row)
{
	bag_insert(call, bag, bag->length, tag, row);
}

void
bag_remove(Bag *bag, size_t at)
{
	Head   head;
	size_t size;

	memcpy(&head, bag->bytes + at, HEAD);
	size = entry_size(head.length);
	memmove(bag->bytes + at, bag->bytes + at + size, bag->length - at - size);
	bag->length -= size;
	bag->n--;
	index_drop(bag);
}

void
bag_set_tag(Bag *bag, size_t at, int64_t tag)
{
	memcpy(bag->bytes + at, &tag, sizeof tag);
}

void
bag_clear(Bag *bag)
{
	bag->length = 0;
	bag->n = 0;
	index_drop(bag);
}

void
bag_values(const AggregateCall *call, const BagEntry *entry, int n, Arena *arena, Value *out)
{
	Error *error = arena_new(arena, Error);

	/* What was encoded by this process, or checked when it was loaded, can be read. */
	if (row_decode(call->arg_types, n, entry->row, arena, out, error) != OK)
		for (int i = 0; i < n; i++)
			out[i] = value_null(call->arg_types[i]);
}

void
bag_list_result(const AggregateCall *call, const Bag *bag, Vector *out, int32_t row, Arena *arena)
{
	Value	 list = {.type = call->result_type};
	BagEntry entry;

	list.items = arena_alloc(arena, sizeof *list.items * (bag->n + 1));
	for (size_t at = 0; bag_next(bag, &at, &entry);)
		bag_values(call, &entry, 1, arena, &list.items[list.n_items++]);
	vector_set(out, arena, row, &list);
}

void
bag_value_result(const AggregateCall *call, const Bag *bag, Vector *out, int32_t row, Arena *arena)
{
	BagEntry entry;
	size_t	 at = 0;
	Value	 value;

	if (!bag_next(bag, &at, &entry)) {
		vector_set_null(out, arena, row);
		return;
	}
	bag_values(call, &entry, 1, arena, &value);
	if (value.is_null)
		vector_set_null(out, arena, row);
	else
		vector_set(out, arena, row, &value);
}

void
bag_save(const AggregateCall *call, const void *state, StrBuf *out)
{
	const Bag *bag = state;

	(void)call;
	strbuf_add(out, bag->bytes, bag->length);
}

Status
bag_load(const AggregateCall *call, Str bytes, void *state)
{
	Bag	 *bag = state;
	Head  head;

	*bag = (Bag){0};
	for (size_t at = 0; at < bytes.length; at += entry_size(head.length), bag->n++) {
		memcpy(&head, bytes.data + at, bytes.length - at < HEAD ? bytes.length - at : HEAD);
		if (bytes.length - at < HEAD || bytes.length - at < entry_size(head.length)) {
			bag->n = 0;
			return error_fatal(call->err, "The stored state of %s is damaged", call->function->name);
		}
	}
	if (bytes.length == 0)
		return OK;
	bag->bytes = xmalloc(bytes.length);
	memcpy(bag->bytes, bytes.data, bytes.length);
	bag->length = bag->capacity = bytes.length;
	*call->used_bytes += (int64_t)bytes.length;
	return OK;
}

bool
bag_save_part(const AggregateCall *call, const void *state, size_t *at, StrBuf *out)
{
	const Bag *bag = state;
	size_t	   first = *at;
	BagEntry   entry;

	(void)call;
	while (*at - first < PART_BYTES && bag_next(bag, at, &entry)) {
	}
	if (*at > first)
		strbuf_add(out, bag->bytes + first, *at - first);
	return *at > first;
}

int32_t
bag_entries(const AggregateCall *call, const void *state, size_t *at, int64_t first, Arena *arena, const Vector **columns)
{
	Vector	*rows = vector_new(arena, type_bytes, BATCH_ROWS), *tags = vector_new(arena, type_bigint, BATCH_ROWS);
	Vector	*numbers = vector_new(arena, type_bigint, BATCH_ROWS);
	BagEntry entry;
	int32_t	 n = 0;

	(void)call;
	for (; n < BATCH_ROWS && bag_next(state, at, &entry); n++) {
		((StrView *)rows->data)[n] = str_view_make(entry.row.data, entry.row.length);
		((int64_t *)tags->data)[n] = entry.tag;
		((int64_t *)numbers->data)[n] = first + n;
	}
	rows->n_rows = tags->n_rows = numbers->n_rows = n;
	columns[0] = rows;
	columns[1] = tags;
	columns[2] = numbers;
	return n;
}

void
bag_destroy(const AggregateCall *call, void *state)
{
	Bag *bag = state;

	*call->used_bytes -= (int64_t)bag->capacity;
	free(bag->bytes);
	free(bag->index);
	*bag = (Bag){0};
}
