/*
 * MIN and MAX over a table, whose rows change and go: all values of a group are kept in order, each with the number of rows
 * that have it, so the next one is known when the least or greatest goes.
 *
 * State: group key, order of the value (of MAX: turned round) -> number of rows, value.
 */
#include "data/key.h"
#include "exec/op/aggregate_impl.h"

static Status
values_key(Item *item, const Group *group, Error *err)
{
	AggregateOp			*self = item->owner;
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	ArenaMark			 mark = arena_mark(arena);
	Status				 status;

	strbuf_clear(&item->value_key);
	status = group_table_key_bytes(&self->groups, group, spec->n_keys, arena, &item->value_key, err);
	arena_rewind(arena, mark);
	return status;
}

/* One row more or less with the value of row `row`; NULL is no value. */
Status
values_change(Item *item, const Group *group, const ItemInput *in, int32_t row, int64_t by, Arena *arena, Error *err)
{
	int64_t count = 0;
	Str		old;

	if (!vector_is_valid(in->columns[0], row) || (in->skip != NULL && bitmap_get(in->skip, row)))
		return OK;
	TRY(values_key(item, group, err));
	order_encode(in->columns[0], row, item->spec->keeps_greatest, false, arena, &item->value_key);
	if (state_table_get(item->values, strbuf_str(&item->value_key), &old))
		memcpy(&count, old.data, sizeof count);
	count += by;
	if (count <= 0) {
		state_table_remove(item->values, strbuf_str(&item->value_key));
		return OK;
	}
	strbuf_clear(&item->value_bytes);
	strbuf_add(&item->value_bytes, &count, sizeof count);
	row_encode(in->columns, 1, row, &item->value_bytes);
	return state_table_put(item->values, strbuf_str(&item->value_key), strbuf_str(&item->value_bytes), err);
}

/* The first value of the group. */
Status
values_result(Item *item, const Group *group, Vector *out, int32_t row, Arena *arena, Error *err)
{
	StateCursor cursor;
	Str			key, value, bytes;

	TRY(values_key(item, group, err));
	cursor = state_table_seek(item->values, strbuf_str(&item->value_key));
	if (!state_cursor_next(&cursor, &key, &value) || !str_starts_with(key, strbuf_str(&item->value_key))) {
		vector_set_null(out, arena, row);
		return OK;
	}
	/* The table may change before the row is handed on. */
	bytes = str_make(value.data + sizeof(int64_t), value.length - sizeof(int64_t));
	bytes.data = arena_memdup(arena, bytes.data, bytes.length);
	return row_decode_vectors(&out, 1, bytes, arena, row, err);
}
