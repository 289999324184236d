/*
 * One aggregate of a GROUP BY with its FILTER, DISTINCT and ORDER BY.
 *
 * DISTINCT keeps (group, arguments) in a table of its own with a count, so that rows can be taken back; a tuple that is
 * new, or gone for good, reaches the function.  ORDER BY keeps the rows of a group as bytes and hands them to the
 * function, sorted, whenever a result is wanted.
 */
#include <stdlib.h>

#include "data/key.h"
#include "exec/op/aggregate_impl.h"

/* 128-bit numbers: a state that has them is of a size that is a multiple of 16, and one of DOUBLEs has none. */
uint32_t
item_state_align(const Item *item)
{
	bool is_double = item->spec->type->kind == TYPE_DOUBLE;

	for (int a = 0; a < item->spec->n_args; a++)
		is_double &= item->spec->args[a]->type->kind == TYPE_DOUBLE;
	return is_double || item->is_ordered || (item->function->resolve_size == NULL && item->state_size % 16 != 0) ? 8 : 16;
}

enum { PART_BYTES = 32 << 10 };	/* of an ordered state that is saved at once */

const Type *
item_column_type(const Item *item, int c)
{
	return c < item->spec->n_args ? item->spec->args[c]->type : item->spec->order_by[c - item->spec->n_args]->type;
}

int
item_n_columns(const Item *item)
{
	return item->spec->n_args + (item->is_ordered ? item->spec->n_order_by : 0);
}

Status
item_open(Op *op, Item *item, const AggregateItem *spec, bool merges_states, int64_t *used_bytes, Error *err)
{
	const Aggregate *function = spec->function;
	const Type	   **types = arena_array(&op->arena, const Type *, spec->n_args + 2);
	Value			*constants = arena_array(&op->arena, Value, spec->n_args + 1);

	item->spec = spec;
	item->function = function;
	item->keeps_distinct = spec->distinct && merges_states;
	item->is_ordered = spec->n_order_by > 0 || item->keeps_distinct;
	item->args = arena_array(&op->arena, Program *, spec->n_args + 1);
	for (int a = 0; a < spec->n_args; a++) {
		types[a] = spec->args[a]->type;
		if (spec->constants != NULL)
			constants[a] = spec->constants[a];
		TRY(program_compile(&op->arena, spec->args[a], &item->args[a], err));
	}
	if (spec->filter != NULL)
		TRY(program_compile(&op->arena, spec->filter, &item->filter, err));
	if (spec->n_order_by > 0) {
		item->order_by = arena_array(&op->arena, Program *, spec->n_order_by);
		for (int i = 0; i < spec->n_order_by; i++)
			TRY(program_compile(&op->arena, spec->order_by[i], &item->order_by[i], err));
	}
	item->call = (AggregateCall){.function = function,
								 .arg_types = types,
								 .n_args = spec->n_args,
								 .constants = constants,
								 .result_type = spec->type,
								 .context = op_services(op)->eval,
								 .sequence = op_services(op)->sequence,
								 .used_bytes = used_bytes};
	item->inner_size = function->resolve_size != NULL ? function->resolve_size(types, spec->n_args, constants)
													  : function->state_size;
	item->state_size = item->is_ordered ? sizeof(OrderedState) : item->inner_size;
	if (spec->distinct && !item->keeps_distinct && !spec->keeps_values) {
		/* The group's number is a raw slot, then the arguments. */
		const Type **key_types = arena_array(&op->arena, const Type *, spec->n_args + 1);

		for (int a = 0; a < spec->n_args; a++)
			key_types[a + 1] = types[a];
		item->distinct = arena_new(&op->arena, GroupTable);
		group_table_init(item->distinct, &op->arena, key_types, spec->n_args + 1, sizeof(int64_t), 8,
						 op_services(op)->budget);
	}
	return OK;
}

void
item_close(Item *item)
{
	if (item->distinct != NULL)
		group_table_free(item->distinct);
	state_table_close(item->values);
	strbuf_free(&item->value_key);
	strbuf_free(&item->value_bytes);
	free(item->unsaved);
	strbuf_free(&item->removed);
}

static const Vector *
flat_or_constant(Arena *arena, const Vector *v)
{
	return v->form == VECTOR_DICTIONARY ? vector_flatten(arena, v) : v;
}

Status
item_eval(const Item *item, EvalContext *eval, Arena *arena, const Batch *in, ItemInput *out, Error *err)
{
	int n_args = item->spec->n_args;

	out->columns = arena_alloc(arena, sizeof *out->columns * (size_t)(item_n_columns(item) + 1));
	out->skip = NULL;
	for (int c = 0; c < item_n_columns(item); c++) {
		const Vector *v;

		TRY(program_eval(c < n_args ? item->args[c] : item->order_by[c - n_args], eval, in, &v, err));
		out->columns[c] = flat_or_constant(arena, v);
	}
	if (item->filter != NULL) {
		const Vector *v;
		uint64_t	 *skip = arena_calloc(arena, sizeof *skip * (size_t)(bitmap_words(in->n_rows) + 1));

		TRY(program_eval(item->filter, eval, in, &v, err));
		for (int32_t i = 0; i < in->n_rows; i++)
			if (!vector_is_valid(v, i) || !((const uint8_t *)vector_base(v)->data)[vector_at(v, i)])
				bitmap_set(skip, i);
		out->skip = skip;
	}
	return OK;
}

void
item_select(const Item *item, Arena *arena, const ItemInput *in, const uint32_t *index, int32_t n, ItemInput *out)
{
	*out = *in;
	if (index == NULL)
		return;
	out->columns = arena_alloc(arena, sizeof *out->columns * (size_t)(item_n_columns(item) + 1));
	for (int c = 0; c < item_n_columns(item); c++) {
		const Vector *v = in->columns[c];

		if (v->form == VECTOR_CONSTANT) {
			Vector *constant = arena_memdup(arena, v, sizeof *v);

			constant->n_rows = n;
			out->columns[c] = constant;
		} else {
			out->columns[c] = vector_gather(arena, v, index, n, true);
		}
	}
	if (in->skip != NULL) {
		uint64_t *skip = arena_calloc(arena, sizeof *skip * (size_t)(bitmap_words(n) + 1));

		for (int32_t i = 0; i < n; i++)
			if (bitmap_get(in->skip, index[i]))
				bitmap_set(skip, i);
		out->skip = skip;
	}
}

void
item_init(const Item *item, char *base)
{
	if (!item->is_ordered && item->function->init != NULL)
		item->function->init(&item->call, base + item->offset);
}

void
item_destroy(const Item *item, char *base)
{
	if (item->is_ordered) {
		OrderedState *state = (OrderedState *)(base + item->offset);

		*item->call.used_bytes -= (int64_t)state->capacity;
		free(state->bytes);
		if (state->finished != NULL && item->function->destroy != NULL)
			item->function->destroy(&item->call, state->finished);
		free(state->finished);
	} else if (item->function->destroy != NULL) {
		item->function->destroy(&item->call, base + item->offset);
	}
}

/* ---- DISTINCT ---- */

/* Slots of rows rows[0..n) of the arguments, behind a slot of group numbers. */
static KeySlot **
distinct_slots(const Item *item, const uint32_t *group_ids, const ItemInput *in, int32_t n_rows, const uint32_t *rows,
			   int32_t n, Arena *arena)
{
	int		  n_args = item->spec->n_args;
	KeySlot **columns = arena_alloc(arena, sizeof *columns * (size_t)(n_args + 1));
	KeySlot	 *all = arena_alloc(arena, sizeof *all * (size_t)(n_rows > 0 ? n_rows : 1));

	for (int k = 0; k <= n_args; k++)
		columns[k] = arena_alloc(arena, sizeof(KeySlot) * (size_t)(n > 0 ? n : 1));
	for (int32_t i = 0; i < n; i++)
		columns[0][i] = (KeySlot){group_ids[rows[i]], 0};
	for (int a = 0; a < n_args; a++) {
		key_slots(in->columns[a], n_rows, all, arena);
		for (int32_t i = 0; i < n; i++)
			columns[a + 1][i] = all[rows[i]];
	}
	return columns;
}

/* Narrows `in` to the rows whose tuple is new to its group. */
static Status
distinct_filter(Item *item, const uint32_t *group_ids, ItemInput *in, int32_t n_rows, Arena *arena, Error *err)
{
	uint32_t  *rows = arena_alloc(arena, sizeof *rows * (size_t)n_rows);
	uint32_t  *hashes = arena_alloc(arena, sizeof *hashes * (size_t)n_rows);
	uint32_t  *new_rows = arena_alloc(arena, sizeof *new_rows * (size_t)n_rows);
	Group	 **tuples = arena_alloc(arena, sizeof *tuples * (size_t)n_rows);
	size_t	   words = (size_t)bitmap_words(n_rows) + 1;
	uint64_t  *skip = arena_alloc(arena, sizeof *skip * words);
	KeySlot	 **columns;
	int32_t	   n = 0, n_new;

	for (int32_t i = 0; i < n_rows; i++)
		if (in->skip == NULL || !bitmap_get(in->skip, i))
			rows[n++] = (uint32_t)i;
	columns = distinct_slots(item, group_ids, in, n_rows, rows, n, arena);
	group_table_hash(item->distinct, columns, n, hashes);
	TRY(group_table_find(item->distinct, columns, hashes, n, tuples, new_rows, &n_new, err));
	memset(skip, 0xff, sizeof *skip * words);
	for (int32_t i = 0; i < n_new; i++)
		bitmap_clear(skip, rows[new_rows[i]]);
	for (int32_t i = 0; i < n; i++) {
		++*(int64_t *)((char *)tuples[i] + item->distinct->state_offset);
		aggregate_tuple_changed(item, tuples[i]);
	}
	in->skip = skip;
	return OK;
}

void
item_forget(Item *item, const bool *is_dead, uint32_t n_numbers)
{
	GroupTable *table = item->distinct;

	if (table == NULL)
		return;
	for (uint32_t i = 0; i < table->n_records; i++) {
		Group *tuple = group_table_at(table, i);

		uint64_t number = group_key(table, tuple, 0).low;

		if (tuple->is_live && number < n_numbers && is_dead[number]) {
			aggregate_tuple_removed(item, tuple);
			group_table_remove(table, tuple);
		}
	}
}

Status
item_merge_distinct(Item *item, const Item *other, Group *const *map, Arena *arena, Error *err)
{
	const GroupTable *from = other->distinct;
	int				  n_args = item->spec->n_args;
	uint32_t		  next = 0;

	while (next < from->n_records) {
		ArenaMark  mark = arena_mark(arena);
		Group	 **tuples = arena_alloc(arena, sizeof *tuples * BATCH_ROWS);
		uint32_t  *ids = arena_alloc(arena, sizeof *ids * BATCH_ROWS);
		char	 **bases = arena_alloc(arena, sizeof *bases * BATCH_ROWS);
		ItemInput  in = {.columns = arena_alloc(arena, sizeof *in.columns * (size_t)(n_args + 1))};
		int32_t	   n = 0;

		for (; next < from->n_records && n < BATCH_ROWS; next++) {
			Group *tuple = group_table_at(from, next), *group;

			if (!tuple->is_live)
				continue;
			tuples[n] = tuple;
			group = map[group_key(from, tuple, 0).low];
			bases[n] = (char *)group;
			ids[n++] = group->number;
		}
		for (int a = 0; a < n_args; a++)
			TRY(group_table_key_vector(from, tuples, n, a + 1, arena, &in.columns[a], err));
		TRY(item_step(item, bases, ids, &in, n, false, arena, NULL, err));
		arena_rewind(arena, mark);
	}
	return OK;
}

/* ---- ORDER BY ---- */

/* Where a kept row begins; the state's length: it is not there. */
static uint64_t
ordered_find(const OrderedState *state, Str row)
{
	uint64_t at = 0;

	while (at < state->length) {
		uint32_t length;

		memcpy(&length, state->bytes + at, sizeof length);
		if (length == row.length && memcmp(state->bytes + at + sizeof length, row.data, length) == 0)
			return at;
		at += sizeof length + length;
	}
	return state->length;
}

static void
ordered_add_bytes(const Item *item, OrderedState *state, Str row)
{
	uint32_t length = (uint32_t)row.length;

	if (item->keeps_distinct && ordered_find(state, row) < state->length)
		return;
	if (state->length + length + sizeof length > state->capacity) {
		uint64_t capacity = state->capacity * 2 + length + 64;

		*item->call.used_bytes += (int64_t)(capacity - state->capacity);
		state->bytes = xrealloc(state->bytes, capacity);
		state->capacity = capacity;
	}
	memcpy(state->bytes + state->length, &length, sizeof length);
	memcpy(state->bytes + state->length + sizeof length, row.data, length);
	state->length += length + sizeof length;
	state->n_rows++;
}

static void
ordered_add(const Item *item, OrderedState *state, const ItemInput *in, int32_t row, StrBuf *buf)
{
	strbuf_clear(buf);
	row_encode(in->columns, item_n_columns(item), row, buf);
	ordered_add_bytes(item, state, strbuf_str(buf));
}

static bool
ordered_remove(const Item *item, OrderedState *state, const ItemInput *in, int32_t row)
{
	StrBuf	 buf = {0};
	uint64_t at, end;
	bool	 found;

	row_encode(in->columns, item_n_columns(item), row, &buf);
	at = ordered_find(state, strbuf_str(&buf));
	found = at < state->length;
	if (found) {
		end = at + sizeof(uint32_t) + buf.length;
		memmove(state->bytes + at, state->bytes + end, state->length - end);
		state->length -= end - at;
		state->n_rows--;
	}
	strbuf_free(&buf);
	return found;
}

typedef struct OrderedRow {
	const Item *item;
	Value	   *values;
	int64_t		number;
} OrderedRow;

static int
ordered_compare(const void *x, const void *y)
{
	const OrderedRow	*a = x, *b = y;
	const AggregateItem *spec = a->item->spec;

	for (int i = 0; i < spec->n_order_by; i++) {
		const Value *p = &a->values[spec->n_args + i], *q = &b->values[spec->n_args + i];
		bool		 is_descending = spec->order_descending[i];
		int			 order;

		if (p->is_null && q->is_null)
			continue;
		if (p->is_null || q->is_null)
			return p->is_null == spec->order_nulls_first[i] ? -1 : 1;
		order = value_compare(p, q, false);
		if (order != 0)
			return is_descending ? -order : order;
	}
	return a->number < b->number ? -1 : 1;
}

static Status
ordered_result(const Item *item, const OrderedState *state, Vector *out, int32_t row, Arena *arena, Error *err)
{
	int			  n_args = item->spec->n_args, n_columns = item_n_columns(item);
	const Type	**types = arena_array(arena, const Type *, n_columns + 1);
	OrderedRow	 *rows = arena_array(arena, OrderedRow, state->n_rows + 1);
	AggregateCall call = item->call;
	char		 *inner = xcalloc(1, item->inner_size > 0 ? item->inner_size : 1);
	Status		  status = OK;
	uint64_t	  at = 0;
	Error		  step_error;

	call.err = &step_error;
	call.arena = arena;
	call.is_single = true;
	for (int c = 0; c < n_columns; c++)
		types[c] = item_column_type(item, c);
	for (int64_t r = 0; r < state->n_rows; r++) {
		uint32_t length;

		memcpy(&length, state->bytes + at, sizeof length);
		at += sizeof length;
		rows[r] = (OrderedRow){item, arena_array(arena, Value, n_columns), r};
		TRY_OUT(row_decode(types, n_columns, str_make(state->bytes + at, length), arena, rows[r].values, err));
		at += length;
	}
	qsort(rows, (size_t)state->n_rows, sizeof *rows, ordered_compare);
	if (item->function->init != NULL)
		item->function->init(&call, inner);
	for (int64_t first = 0; first < state->n_rows; first += BATCH_ROWS) {
		int32_t		   n = (int32_t)(state->n_rows - first < BATCH_ROWS ? state->n_rows - first : BATCH_ROWS);
		const Vector **columns = arena_alloc(arena, sizeof *columns * (size_t)(n_args + 1));
		char		 **states = arena_alloc(arena, sizeof *states * (size_t)n);

		for (int a = 0; a < n_args; a++) {
			Vector *v = vector_new(arena, types[a], n);

			for (int32_t i = 0; i < n; i++)
				vector_set(v, arena, i, &rows[first + i].values[a]);
			columns[a] = v;
		}
		for (int32_t i = 0; i < n; i++)
			states[i] = inner;
		if (item->function->step(&call, states, 0, columns, n, NULL, NULL) == FAILED) {
			*err = step_error;
			status = FAILED;
			goto out;
		}
	}
	item->function->result(&call, inner, out, row, arena);
out:
	if (item->function->destroy != NULL)
		item->function->destroy(&call, inner);
	free(inner);
	return status;
}

/* ---- all together ---- */

Status
item_step(Item *item, char *const *bases, const uint32_t *group_ids, const ItemInput *input, int32_t n, bool is_single,
		  Arena *arena, Vector *results, Error *err)
{
	ItemInput in = *input;

	for (int32_t i = 0; i < n && item->values != NULL; i++)
		TRY(values_change(item, (const Group *)bases[i], &in, i, 1, arena, err));
	if (item->values != NULL)
		return OK;
	if (item->distinct != NULL)
		TRY(distinct_filter(item, group_ids, &in, n, arena, err));
	if (item->is_ordered) {
		StrBuf buf = {0};
		Status status = OK;

		for (int32_t i = 0; i < n && status == OK; i++) {
			OrderedState *state = (OrderedState *)(bases[i] + item->offset);

			if (in.skip == NULL || !bitmap_get(in.skip, i))
				ordered_add(item, state, &in, i, &buf);
			if (results != NULL)
				status = ordered_result(item, state, results, i, arena, err);
		}
		strbuf_free(&buf);
		return status;
	}
	item->call.err = err;
	item->call.arena = arena;
	item->call.is_single = is_single;
	return item->function->step(&item->call, bases, item->offset, in.columns, n, in.skip, results);
}

Status
item_retract(Item *item, char *base, uint32_t group_id, const ItemInput *in, int32_t row, Arena *arena, Error *err)
{
	if (in->skip != NULL && bitmap_get(in->skip, row))
		return OK;
	if (item->values != NULL)
		return values_change(item, (const Group *)base, in, row, -1, arena, err);
	if (item->distinct != NULL) {
		uint32_t  rows[1] = {(uint32_t)row};
		uint32_t *ids = arena_array(arena, uint32_t, row + 1);
		uint32_t  hash;
		KeySlot **columns;
		Group	 *tuple;

		ids[row] = group_id;
		columns = distinct_slots(item, ids, in, row + 1, rows, 1, arena);
		group_table_hash(item->distinct, columns, 1, &hash);
		tuple = group_table_lookup(item->distinct, columns, hash, 0);
		if (tuple == NULL)
			return OK;
		if (--*(int64_t *)((char *)tuple + item->distinct->state_offset) > 0) {
			aggregate_tuple_changed(item, tuple);
			return OK;
		}
		aggregate_tuple_removed(item, tuple);
		group_table_remove(item->distinct, tuple);
	}
	if (item->is_ordered) {
		ordered_remove(item, (OrderedState *)(base + item->offset), in, row);
		return OK;
	}
	if (item->function->retract == NULL)
		return error_unsupported(err, "%s cannot be computed over a table, whose rows change", item->function->name);
	item->call.err = err;
	return item->function->retract(&item->call, base + item->offset, in->columns, row);
}

void
item_merge(const Item *item, char *into, const char *from)
{
	if (item->is_ordered) {
		OrderedState	   *a = (OrderedState *)(into + item->offset);
		const OrderedState *b = (const OrderedState *)(from + item->offset);

		if (b->length == 0)
			return;
		for (uint64_t at = 0; at < b->length && item->keeps_distinct;) {
			uint32_t length;

			memcpy(&length, b->bytes + at, sizeof length);
			ordered_add_bytes(item, a, str_make(b->bytes + at + sizeof length, length));
			at += sizeof length + length;
		}
		if (item->keeps_distinct)
			return;
		if (a->length + b->length > a->capacity) {
			uint64_t capacity = (a->length + b->length) * 2;

			*item->call.used_bytes += (int64_t)(capacity - a->capacity);
			a->bytes = xrealloc(a->bytes, capacity);
			a->capacity = capacity;
		}
		memcpy(a->bytes + a->length, b->bytes, b->length);
		a->length += b->length;
		a->n_rows += b->n_rows;
		return;
	}
	item->function->merge(&item->call, into + item->offset, from + item->offset);
}

Status
item_result(Item *item, const char *base, Vector *out, int32_t row, Arena *arena, Error *err)
{
	if (item->values != NULL)
		return values_result(item, (const Group *)base, out, row, arena, err);
	if (item->is_ordered) {
		const OrderedState *state = (const OrderedState *)(base + item->offset);

		if (state->finished == NULL)
			return ordered_result(item, state, out, row, arena, err);
		item->function->result(&item->call, state->finished, out, row, arena);
		return OK;
	}
	item->function->result(&item->call, base + item->offset, out, row, arena);
	return OK;
}

void
item_save(const Item *item, const char *base, StrBuf *out)
{
	if (item->is_ordered) {
		const OrderedState *state = (const OrderedState *)(base + item->offset);

		strbuf_add(out, &state->n_rows, sizeof state->n_rows);
		strbuf_add(out, state->bytes, state->length);
	} else if (item->function->save != NULL) {
		item->function->save(&item->call, base + item->offset, out);
	} else {
		strbuf_add(out, base + item->offset, item->state_size);
	}
}

bool
item_save_rows(const Item *item, const char *base, size_t *at, StrBuf *out)
{
	const OrderedState *state = (const OrderedState *)(base + item->offset);
	size_t				first = *at;
	int64_t				n_rows = 0;

	while (*at < state->length && *at - first < PART_BYTES) {
		uint32_t length;

		memcpy(&length, state->bytes + *at, sizeof length);
		*at += sizeof length + length;
		n_rows++;
	}
	if (n_rows == 0)
		return false;
	strbuf_add(out, &n_rows, sizeof n_rows);
	strbuf_add(out, state->bytes + first, *at - first);
	return true;
}

Status
item_load(const Item *item, char *base, Str bytes, Error *err)
{
	if (item->is_ordered) {
		OrderedState *state = (OrderedState *)(base + item->offset);

		if (bytes.length < sizeof state->n_rows)
			return error_fatal(err, "The stored state of %s is damaged", item->function->name);
		memcpy(&state->n_rows, bytes.data, sizeof state->n_rows);
		state->length = state->capacity = bytes.length - sizeof state->n_rows;
		state->bytes = xmalloc(state->length + 1);
		memcpy(state->bytes, bytes.data + sizeof state->n_rows, state->length);
		*item->call.used_bytes += (int64_t)state->capacity;
		return OK;
	}
	((Item *)(uintptr_t)item)->call.err = err;
	if (item->function->load != NULL)
		return item->function->load(&item->call, bytes, base + item->offset);
	if (bytes.length != item->state_size)
		return error_fatal(err, "The stored state of %s has %zu bytes instead of %u", item->function->name, bytes.length,
						   item->state_size);
	memcpy(base + item->offset, bytes.data, bytes.length);
	return OK;
}
