/*
 * Aggregates over a table's changes.
 *
 * For each key of the source the group and the arguments of its current row are kept.  A change becomes an ordered list
 * of undo and add:
 *	old group  new group   emitted
 *	-          g           g: add
 *	g          g           g: undo and add, one row
 *	g1         g2          g1: undo, then g2: add
 *	g          -           g: undo
 * A row whose group key is NULL, a delete, or a row that was never seen count as "-".
 * With drops_empty_groups each group counts its rows, and one without rows is emitted as a DELETE and forgotten.
 */
#include "exec/op/aggregate_impl.h"

#include "data/key.h"

enum { TABLE_ROWS = 2, TABLE_VALUES = 3 };	/* values of item i: TABLE_VALUES + i */

Status
aggregate_table_open(AggregateOp *self, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	const OpServices	*services = op_services(&self->op);

	if (spec->window.kind != WINDOW_NONE)
		return error_unsupported(err, "A table cannot be aggregated in windows");
	if (spec->n_grouping_sets > 0)
		return error_unsupported(err, "A table cannot be aggregated in grouping sets");
	for (int i = 0; i < spec->n_items; i++)
		if (spec->items[i].keeps_values)
			TRY(state_table_open(services->state, self->op.id, TABLE_VALUES + i, services->budget, "MIN and MAX over a table",
								 &self->items[i].values, err));
	return state_table_open(services->state, self->op.id, TABLE_ROWS, services->budget, "GROUP BY over a table",
							&self->rows, err);
}

/* The columns that are kept: group keys, then the columns of each item, then whether FILTER let the row through. */
static int
kept_columns(const AggregateOp *self)
{
	const AggregateSpec *spec = self->op.spec;
	int					 n = spec->n_keys;

	for (int i = 0; i < spec->n_items; i++)
		n += item_n_columns(&self->items[i]) + 1;
	return n;
}

/* Rows that are emitted in one push, and where they go. */
typedef struct TableOut {
	Group	 **groups;
	uint32_t  *rows;		/* of the input */
	Time	  *time;
	uint8_t	  *kind;
	Vector	 **results;		/* NULL: nothing is emitted now */
	int32_t	   n;
} TableOut;

bool
aggregate_group_is_empty(const AggregateOp *self, const Group *group)
{
	return ((const AggregateSpec *)self->op.spec)->drops_empty_groups && group->n_rows == 0;
}

static Status
note_result(AggregateOp *self, TableOut *out, Group *group, uint32_t row, Time time, Error *err)
{
	const AggregateSpec *spec = self->op.spec;

	if (time > group->time)
		group->time = time;
	aggregate_group_changed(self, group);
	if (out->results == NULL)
		return OK;
	for (int i = 0; i < spec->n_items; i++)
		TRY(item_result(&self->items[i], (const char *)group, out->results[i], out->n, op_scratch(&self->op), err));
	out->groups[out->n] = group;
	out->rows[out->n] = row;
	out->kind[out->n] = aggregate_group_is_empty(self, group) ? ROW_DELETE : ROW_UPSERT;
	out->time[out->n++] = group->time;
	return OK;
}

/* The kept row as vectors of one row. */
static Status
decode_old(AggregateOp *self, Str bytes, const Vector **keys, ItemInput *inputs, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	int					 n = kept_columns(self), c = 0;
	const Type		   **types = arena_array(arena, const Type *, n);
	Value				*values = arena_array(arena, Value, n);
	const Vector	   **columns = arena_array(arena, const Vector *, n);

	for (int k = 0; k < spec->n_keys; k++)
		types[c++] = spec->keys[k]->type;
	for (int i = 0; i < spec->n_items; i++) {
		const AggregateItem *item = &spec->items[i];

		for (int a = 0; a < item_n_columns(&self->items[i]); a++)
			types[c++] = a < item->n_args ? item->args[a]->type : item->order_by[a - item->n_args]->type;
		types[c++] = type_boolean;
	}
	TRY(row_decode(types, n, bytes, arena, values, err));
	for (c = 0; c < n; c++) {
		Vector *v = vector_new(arena, types[c], 1);

		if (values[c].is_null)
			vector_set_null(v, arena, 0);
		else
			vector_set(v, arena, 0, &values[c]);
		columns[c] = v;
	}
	c = 0;
	for (int k = 0; k < spec->n_keys; k++)
		keys[k] = columns[c++];
	for (int i = 0; i < spec->n_items; i++) {
		inputs[i].columns = &columns[c];
		c += item_n_columns(&self->items[i]);
		inputs[i].skip = NULL;
		if (!values[c].is_null && values[c].boolean) {
			uint64_t *skip = arena_new(arena, uint64_t);

			*skip = 1;
			inputs[i].skip = skip;
		}
		c++;
	}
	return OK;
}

static void
encode_new(AggregateOp *self, const PushData *data, uint32_t row, StrBuf *out)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	int					 n = kept_columns(self), c = 0;
	const Vector	   **columns = arena_array(arena, const Vector *, n);

	for (int k = 0; k < spec->n_keys; k++)
		columns[c++] = data->keys[k];
	for (int i = 0; i < spec->n_items; i++) {
		const ItemInput *input = &data->inputs[i];
		Value			 skipped = value_boolean(input->skip != NULL && bitmap_get(input->skip, row));

		for (int a = 0; a < item_n_columns(&self->items[i]); a++)
			columns[c++] = input->columns[a];
		columns[c++] = vector_constant(arena, &skipped, (int32_t)row + 1);
	}
	row_encode(columns, n, row, out);
}

static Status
find_group(AggregateOp *self, const Vector **keys, Group **group, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	KeySlot			   **columns = arena_array(arena, KeySlot *, self->n_slots + 1);

	for (int k = 0; k < spec->n_keys; k++) {
		columns[k] = arena_new(arena, KeySlot);
		key_slots(keys[k], 1, columns[k], arena);
	}
	if (self->window_slot >= 0)
		columns[self->window_slot] = arena_new(arena, KeySlot);
	return aggregate_find(self, columns, 1, group, err);
}

static Status
take_change(AggregateOp *self, const PushData *data, uint32_t row, bool has_new, TableOut *out, StrBuf *buf, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	Time				 time = data->in->event_time != NULL ? data->in->event_time[row] : 0;
	StrBuf				 key = {0};
	Group				*old_group = NULL, *new_group = NULL;
	ItemInput			*old_inputs = arena_array(arena, ItemInput, spec->n_items + 1);
	const Vector	   **keys = arena_array(arena, const Vector *, spec->n_keys + 1);
	Status				 status = OK;
	Str					 old;

	key_encode(data->in->columns, spec->n_input_key, row, &key);
	if (data->in->window_start != NULL)
		strbuf_add(&key, &data->in->window_start[row], sizeof data->in->window_start[row]);
	if (state_table_get(self->rows, strbuf_str(&key), &old)) {
		TRY_OUT(decode_old(self, old, keys, old_inputs, err));
		TRY_OUT(find_group(self, keys, &old_group, err));
	}
	if (has_new) {
		uint32_t index = row;

		for (int k = 0; k < spec->n_keys; k++)
			keys[k] = vector_gather(arena, data->keys[k], &index, 1, true);
		TRY_OUT(find_group(self, keys, &new_group, err));
		strbuf_clear(buf);
		encode_new(self, data, row, buf);
		TRY_OUT(state_table_put(self->rows, strbuf_str(&key), strbuf_str(buf), err));
	} else {
		state_table_remove(self->rows, strbuf_str(&key));
	}
	if (old_group != NULL) {
		for (int i = 0; i < spec->n_items; i++)
			TRY_OUT(item_retract(&self->items[i], (char *)old_group, old_group->number, &old_inputs[i], 0, arena, err));
		old_group->n_rows--;
		if (old_group != new_group)
			TRY_OUT(note_result(self, out, old_group, row, time, err));
	}
	if (new_group != NULL) {
		char	*base = (char *)new_group;
		uint32_t id = new_group->number;

		for (int i = 0; i < spec->n_items; i++) {
			ItemInput one;

			item_select(&self->items[i], arena, &data->inputs[i], &row, 1, &one);
			TRY_OUT(item_step(&self->items[i], &base, &id, &one, 1, false, arena, NULL, err));
		}
		new_group->n_rows++;
		TRY_OUT(note_result(self, out, new_group, row, time, err));
	}
out:
	strbuf_free(&key);
	return status;
}

static Status
emit_changes(AggregateOp *self, const PushData *data, TableOut *changes, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	OutRows				 out = {.n = changes->n, .results = changes->results, .time = changes->time};

	if (changes->n == 0)
		return OK;
	out.keys = arena_alloc(arena, sizeof *out.keys * (size_t)(spec->n_keys + 1));
	for (int k = 0; k < spec->n_keys; k++)
		TRY(group_table_key_vector(&self->groups, changes->groups, out.n, k, arena, &out.keys[k], err));
	for (int i = 0; i < spec->n_items; i++)
		changes->results[i]->n_rows = out.n;
	out.kind = changes->kind;
	if (data->in->headers != NULL)
		out.headers = vector_dictionary(arena, data->in->headers, changes->rows, out.n);
	TRY(aggregate_emit_rows(self, &out, err));
	for (int32_t i = 0; i < out.n; i++)
		if (changes->groups[i]->is_live && aggregate_group_is_empty(self, changes->groups[i]))
			aggregate_remove_group(self, changes->groups[i]);
	return OK;
}

Status
aggregate_table_push(AggregateOp *self, PushData *data, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	Arena				*arena = op_scratch(&self->op);
	int32_t				 n_rows = data->in->n_rows;
	bool				 emits = spec->emit == AGGREGATE_CHANGES && !self->is_compacting;
	StrBuf				 buf = {0};
	Status				 status = OK;

	/* Half a batch at a time: a change gives two rows at most. */
	for (int32_t first = 0, live = 0; first < n_rows && status == OK; first += BATCH_ROWS / 2) {
		int32_t	 n = n_rows - first < BATCH_ROWS / 2 ? n_rows - first : BATCH_ROWS / 2;
		TableOut out = {.n = 0};

		if (emits) {
			out.groups = arena_alloc(arena, sizeof *out.groups * (size_t)n * 2);
			out.rows = arena_alloc(arena, sizeof *out.rows * (size_t)n * 2);
			out.time = arena_alloc(arena, sizeof *out.time * (size_t)n * 2);
			out.kind = arena_alloc(arena, (size_t)n * 2);
			out.results = arena_alloc(arena, sizeof *out.results * (size_t)(spec->n_items + 1));
			for (int i = 0; i < spec->n_items; i++)
				out.results[i] = vector_new(arena, spec->items[i].type, n * 2);
		}
		for (int32_t row = first; row < first + n && status == OK; row++) {
			bool is_live = data->live == NULL || (live < data->n_live && data->live[live] == (uint32_t)row);

			live += data->live != NULL && is_live;
			status = take_change(self, data, (uint32_t)row, is_live, &out, &buf, err);
		}
		if (status == OK)
			status = aggregate_account(self, err);
		if (status == OK && emits)
			status = emit_changes(self, data, &out, err);
	}
	strbuf_free(&buf);
	return status;
}
