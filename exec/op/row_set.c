#include "exec/op/row_set.h"

Status
row_set_find(RowSet *set, Op *op, const Batch *in, int n_columns, uint32_t state_size, bool inserts, RowLookup *out, Error *err)
{
	Arena	 *arena = op_scratch(op);
	size_t	  n_rows = (size_t)in->n_rows;
	KeySlot **slots = arena_alloc(arena, sizeof *slots * (size_t)(n_columns + 1));
	uint32_t *hashes = arena_alloc(arena, sizeof *hashes * (n_rows + 1));
	const Batch *rows = in;

	*out = (RowLookup){.rows = arena_alloc(arena, sizeof *out->rows * (n_rows + 1))};
	for (int32_t i = 0; i < in->n_rows; i++)
		if (!row_kind_is_null(batch_row_kind(in, i)))
			out->rows[out->n++] = (uint32_t)i;
	if (out->n < in->n_rows)
		rows = batch_select(arena, in, out->rows, out->n);
	if (set->n_columns < 0) {
		const Type **types = arena_array(&op->arena, const Type *, n_columns + 1);

		for (int c = 0; c < n_columns; c++)
			types[c] = in->columns[c]->type;
		group_table_init(&set->table, &op->arena, types, n_columns, state_size, 8, op_services(op)->budget);
		set->n_columns = n_columns;
	}
	for (int c = 0; c < n_columns; c++) {
		slots[c] = arena_alloc(arena, sizeof **slots * (n_rows + 1));
		key_slots(rows->columns[c], out->n, slots[c], arena);
	}
	group_table_hash(&set->table, slots, out->n, hashes);
	out->groups = arena_alloc(arena, sizeof *out->groups * (n_rows + 1));
	out->new_rows = arena_alloc(arena, sizeof *out->new_rows * (n_rows + 1));
	for (int32_t i = 0; i < out->n && !inserts; i++)
		out->groups[i] = group_table_lookup(&set->table, slots, hashes[i], i);
	if (!inserts)
		return OK;
	TRY(group_table_find(&set->table, slots, hashes, out->n, out->groups, out->new_rows, &out->n_new, err));
	op->state_rows = set->table.n_groups;
	op_note_memory(op, set->table.reserved_bytes);
	return OK;
}

void
row_set_free(RowSet *set)
{
	if (set->n_columns >= 0)
		group_table_free(&set->table);
}
