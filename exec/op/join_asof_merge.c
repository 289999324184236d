/*
 * The ASOF join when its right side is more than the memory budget holds: both sides are sorted by all keys, the compared one last, in runs of temporary
 * files, and merged.
 *
 *   for each left row, in order
 *     pass by the right rows below it (with >= and < also those that equal it)
 *     >=, >: the right row passed last is the nearest, if its other keys are equal; <=, <: the one that stands next is
 *
 * A block of right rows goes when the next one is read: pairs with it are emitted before, and the row passed last is copied.
 */
#include "exec/op/join_asof_impl.h"

#include <stdlib.h>

typedef struct AsofMerge {
	JoinAsofOp			*self;
	SortMerge			*left_rows;
	SortMerge			*right_rows;
	const Vector *const *left;		/* current block */
	int32_t				 n_left;
	const Vector *const *right;
	int32_t				 n_right;
	int32_t				 next;		/* row of the right block that stands next; n_right: none, at the end of the side */
	int32_t				 passed;	/* the one passed last; -1: it was in the block before */
	RowStore			 carried;	/* it then; empty: there is none */
	Arena				 out;
	/* Rows of the left block, and what they are joined with. */
	uint32_t			 pair_left[BATCH_ROWS];
	uint32_t			 pair_right[BATCH_ROWS];
	uint32_t			 with_carried[BATCH_ROWS];
	uint32_t			 with_nothing[BATCH_ROWS];
	int32_t				 n_pairs, n_carried, n_nothing;
} AsofMerge;

Status
asof_merge_keep(JoinAsofOp *self, const Batch *in, Error *err)
{
	const JoinHashSpec *spec = self->op.spec;
	Arena			   *arena = op_scratch(&self->op);
	uint32_t		   *rows = arena_alloc(arena, sizeof *rows * (size_t)(in->n_rows + 1));
	const Vector	  **columns;
	Vector			   *time = vector_new_unset(arena, type_bigint, 0);
	int32_t				n;

	TRY(asof_columns(self, &self->left, in, &columns, err));
	self->left_has_time |= in->event_time != NULL;
	time->n_rows = time->capacity = in->n_rows;
	time->data = in->event_time != NULL ? (void *)(uintptr_t)in->event_time : arena_calloc(arena, sizeof *in->event_time * (size_t)in->n_rows);
	columns[spec->n_left + spec->n_keys] = time;
	/* LEFT keeps rows that match nothing. */
	n = asof_joinable(in, columns + spec->n_left, spec->kind == JOIN_INNER ? spec->n_keys : 0, rows);
	return run_store_append(&self->left.store, columns, spec->n_left + spec->n_keys + 1, rows, n, err);
}

/* ---- emitting ---- */

/* Rows of the left block beside the columns `right` (dictionaries, or NULLs). */
static Status
emit(AsofMerge *m, const uint32_t *rows, int32_t n, const Vector *const *right, Error *err)
{
	const JoinHashSpec *spec = m->self->op.spec;
	Batch			   *out = batch_new(&m->out, spec->n_left + spec->n_right, n);

	for (int c = 0; c < spec->n_left; c++)
		out->columns[c] = vector_dictionary(&m->out, m->left[c], rows, n);
	for (int c = 0; c < spec->n_right; c++)
		out->columns[spec->n_left + c] = right[c];
	if (m->self->left_has_time) {
		const int64_t *times = m->left[spec->n_left + spec->n_keys]->data;
		int64_t		  *time = arena_alloc(&m->out, sizeof *time * (size_t)n);

		for (int32_t i = 0; i < n; i++)
			time[i] = times[rows[i]];
		out->event_time = time;
	}
	return op_emit_loop(&m->self->op, out, err);
}

static Status
flush_pairs(AsofMerge *m, Error *err)
{
	const JoinHashSpec *spec = m->self->op.spec;
	int32_t				n = m->n_pairs;
	const Vector	  **right;

	if (n == 0)
		return OK;
	m->n_pairs = 0;
	arena_reset(&m->out);
	right = arena_array(&m->out, const Vector *, spec->n_right + 1);
	for (int c = 0; c < spec->n_right; c++)
		right[c] = vector_dictionary(&m->out, m->right[c], m->pair_right, n);
	return emit(m, m->pair_left, n, right, err);
}

static Status
flush_carried(AsofMerge *m, Error *err)
{
	const JoinHashSpec *spec = m->self->op.spec;
	int32_t				n = m->n_carried;
	const Vector	  **right;
	uint32_t		   *zeros;

	if (n == 0)
		return OK;
	m->n_carried = 0;
	arena_reset(&m->out);
	right = arena_array(&m->out, const Vector *, spec->n_right + 1);
	zeros = arena_calloc(&m->out, sizeof *zeros * (size_t)n);
	row_store_select(&m->carried, &m->out, zeros, n, 0, spec->n_right, right);
	return emit(m, m->with_carried, n, right, err);
}

static Status
flush_nothing(AsofMerge *m, Error *err)
{
	const JoinHashSpec *spec = m->self->op.spec;
	int32_t				n = m->n_nothing;
	const Vector	  **right;

	if (n == 0)
		return OK;
	m->n_nothing = 0;
	arena_reset(&m->out);
	right = arena_array(&m->out, const Vector *, spec->n_right + 1);
	for (int c = 0; c < spec->n_right; c++)
		right[c] = vector_null(&m->out, spec->right_types[c], n);
	return emit(m, m->with_nothing, n, right, err);
}

/* ---- merging ---- */

/* Order of a right row (of a block, or the one carried) and a left one by n of the keys. */
static int
compare(const AsofMerge *m, const Vector *const *right, int64_t r, int64_t l, int n_keys)
{
	const JoinHashSpec *spec = m->self->op.spec;
	int					order = 0;

	for (int k = 0; k < n_keys && order == 0; k++)
		order = sort_compare_values(&m->self->right.order[k], right[spec->n_right + k], r, m->left[spec->n_left + k], l);
	return order;
}

static Status
next_right_block(AsofMerge *m, Error *err)
{
	Status status;

	TRY(flush_pairs(m, err));
	if (m->passed >= 0) {
		uint32_t row = (uint32_t)m->passed;

		TRY(flush_carried(m, err));
		row_store_free(&m->carried);
		TRY(row_store_append(&m->carried, m->right, m->self->right.n_columns + ((const JoinHashSpec *)m->self->op.spec)->n_keys, &row, 1, err));
	}
	m->passed = -1;
	m->next = m->n_right = 0;
	status = sort_merge_next(m->right_rows, &m->right, &m->n_right, err);
	if (status == DONE)
		m->n_right = 0;
	return status == FAILED ? FAILED : OK;
}

/* Passes by the right rows that are below left row l. */
static Status
pass_by(AsofMerge *m, int64_t l, Error *err)
{
	const JoinAsofSpec *spec = m->self->op.spec;
	bool				passes_equal = asof_passes_equal(spec->op);

	for (; m->n_right > 0; m->passed = m->next++) {
		int order;

		if (m->next == m->n_right) {
			TRY(next_right_block(m, err));
			if (m->n_right == 0)
				break;
		}
		order = compare(m, m->right, m->next, l, spec->join.n_keys);
		if (order > 0 || (order == 0 && !passes_equal))
			break;
	}
	return OK;
}

static bool
keys_are_known(const AsofMerge *m, int64_t l)
{
	const JoinHashSpec *spec = m->self->op.spec;

	for (int k = 0; k < spec->n_keys; k++)
		if (!vector_is_valid(m->left[spec->n_left + k], l))
			return false;
	return true;
}

static Status
join_row(AsofMerge *m, uint32_t l, Error *err)
{
	const JoinAsofSpec *spec = m->self->op.spec;
	bool				takes_passed = spec->op == COMPARE_GE || spec->op == COMPARE_GT;
	int					n_equal = spec->join.n_keys - 1;
	int32_t				row;

	if (!keys_are_known(m, l)) {
		m->with_nothing[m->n_nothing++] = l;
		return OK;
	}
	TRY(pass_by(m, l, err));
	row = takes_passed ? m->passed : m->n_right > 0 ? m->next : -1;
	if (row >= 0 && compare(m, m->right, row, l, n_equal) == 0) {
		m->pair_left[m->n_pairs] = l;
		m->pair_right[m->n_pairs++] = (uint32_t)row;
	} else if (takes_passed && row < 0 && m->carried.n_rows > 0 && compare(m, (const Vector *const *)m->carried.columns, 0, l, n_equal) == 0)
		m->with_carried[m->n_carried++] = l;
	else if (spec->join.kind == JOIN_LEFT)
		m->with_nothing[m->n_nothing++] = l;
	return OK;
}

static Status
join_left_block(AsofMerge *m, Error *err)
{
	const OpServices *services = op_services(&m->self->op);

	if (services->interrupted != NULL && *services->interrupted)
		return error_set(err, ERROR_INTERRUPTED, "The query was cancelled");
	for (int32_t l = 0; l < m->n_left; l++)
		TRY(join_row(m, (uint32_t)l, err));
	TRY(flush_pairs(m, err));
	TRY(flush_carried(m, err));
	return flush_nothing(m, err);
}

static Status
merge_open(AsofSide *side, SortMerge **out, Error *err)
{
	RunStore *store = &side->store;

	TRY(run_store_write(store, err));
	return sort_merge_open(&store->runs, side->order, side->key_columns, store->n_keys, 2, out, err);
}

Status
asof_merge_finish(JoinAsofOp *self, Error *err)
{
	AsofMerge *m = xcalloc(1, sizeof *m);
	Status	   status = OK;

	*m = (AsofMerge){.self = self, .passed = -1};
	row_store_init(&m->carried, NULL, "an ASOF join");
	TRY_OUT(merge_open(&self->right, &m->right_rows, err));
	TRY_OUT(merge_open(&self->left, &m->left_rows, err));
	TRY_OUT(next_right_block(m, err));
	while ((status = sort_merge_next(m->left_rows, &m->left, &m->n_left, err)) == OK)
		TRY_OUT(join_left_block(m, err));
out:
	sort_merge_close(m->left_rows);
	sort_merge_close(m->right_rows);
	row_store_free(&m->carried);
	arena_free(&m->out);
	free(m);
	return status == FAILED ? FAILED : OK;
}
