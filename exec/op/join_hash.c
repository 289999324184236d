/*
 * The bounded join.
 *
 * Build rows are kept as columns, with computed keys behind them; when the build side has ended the table is made and, for
 * joins that keep left rows, one row of NULLs is added: so every joined batch is dictionaries over the probe batch
 * and over the store.  Probing makes pairs (probe row, build row), up to a batch of them at a time; what the residual
 * condition leaves of them is emitted.  Build rows that must be told from unmatched ones at the end are marked.
 *
 * In a parallel pipeline clones probe the original's table; clones at the end of a build pipeline keep rows of their own
 * that the original takes over.  When the build side does not fit, join_spill.c takes over.
 */
#include "exec/op/join_hash_impl.h"

#include <stdlib.h>

static bool
keeps_left(const JoinHashSpec *spec)
{
	return spec->kind == JOIN_LEFT || spec->kind == JOIN_FULL;
}

/* Build rows come out at the end, by whether they were matched. */
static bool
keeps_right(const JoinHashSpec *spec)
{
	return spec->kind == JOIN_RIGHT || spec->kind == JOIN_FULL || spec->tests_build;
}

/* Probe rows are tested. */
static bool
is_test(const JoinHashSpec *spec)
{
	return (spec->kind == JOIN_SEMI || spec->kind == JOIN_ANTI) && !spec->tests_build;
}

static Status
join_open(Op *op, Error *err)
{
	JoinHashOp		   *self = op_cast(JoinHashOp, op, &op_join_hash);
	const JoinHashSpec *spec = op->spec;

	row_store_init(&self->rows, op_services(op)->budget, "a join");
	row_store_init(&self->early, op_services(op)->budget, "a join");
	self->left_keys = arena_array(&op->arena, Program *, spec->n_keys + 1);
	self->right_keys = arena_array(&op->arena, Program *, spec->n_keys + 1);
	self->key_columns = arena_array(&op->arena, int, spec->n_keys + 1);
	self->filters = arena_array(&op->arena, KeyFilter *, spec->n_keys + 1);
	for (int k = 0, n = spec->n_right; k < spec->n_keys; k++) {
		TRY(program_compile(&op->arena, spec->left_keys[k], &self->left_keys[k], err));
		if (spec->right_keys[k]->kind == EXPR_COLUMN) {
			self->key_columns[k] = spec->right_keys[k]->index;
		} else {
			self->key_columns[k] = n++;
			TRY(program_compile(&op->arena, spec->right_keys[k], &self->right_keys[k], err));
		}
	}
	if (spec->residual != NULL)
		TRY(program_compile(&op->arena, spec->residual, &self->residual, err));
	join_spill_open(self);
	self->left = arena_alloc(&op->arena, sizeof *self->left * BATCH_ROWS);
	self->right = arena_alloc(&op->arena, sizeof *self->right * BATCH_ROWS);
	self->left_matched = arena_alloc(&op->arena, BATCH_ROWS);
	return OK;
}

static const Batch *
without_null_rows(Op *op, const Batch *in)
{
	uint32_t *rows;
	int32_t	  n = 0;

	if (in->row_kind == NULL)
		return in;
	rows = arena_alloc(op_scratch(op), sizeof *rows * (size_t)(in->n_rows + 1));
	for (int32_t i = 0; i < in->n_rows; i++)
		if (!row_kind_is_null((RowKind)in->row_kind[i]))
			rows[n++] = (uint32_t)i;
	return n == in->n_rows ? in : batch_select(op_scratch(op), in, rows, n);
}

const Vector *
join_time_column(Arena *arena, const Batch *in)
{
	Vector *v = vector_new_unset(arena, type_bigint, 0);

	v->n_rows = v->capacity = in->n_rows;
	v->data = in->event_time != NULL ? (void *)(uintptr_t)in->event_time
									 : arena_calloc(arena, sizeof *in->event_time * (size_t)in->n_rows);
	return v;
}

/* ---- build ---- */

bool
join_keeps_build(const JoinHashSpec *spec)
{
	return keeps_right(spec);
}

bool
join_keeps_probe(const JoinHashSpec *spec)
{
	return keeps_left(spec) || (spec->kind == JOIN_ANTI && !spec->tests_build);
}

bool
join_marks_probe(const JoinHashSpec *spec)
{
	return keeps_left(spec) || is_test(spec) || spec->single;
}

/* What NOT IN must know of all rows, wherever they are. */
static void
count_nulls(JoinHashOp *self, const Vector *key, int32_t n)
{
	self->n_build_rows += n;
	for (int32_t i = 0; i < n; i++)
		self->n_null_rows += !vector_is_valid(key, i);
}

static Status
join_push_build(JoinHashOp *self, const Batch *in, Error *err)
{
	Op				   *op = &self->op;
	const JoinHashSpec *spec = op->spec;
	const Vector	  **columns = arena_alloc(op_scratch(op), sizeof *columns * (size_t)(spec->n_right + spec->n_keys + 2));
	int					n = spec->n_right;

	if (!self->layout_is_known) {
		self->layout_is_known = true;
		self->has_time = in->event_time != NULL;
	}
	if (spec->n_right > 0)
		memcpy(columns, in->columns, sizeof *columns * (size_t)spec->n_right);
	for (int k = 0; k < spec->n_keys; k++)
		if (self->right_keys[k] != NULL)
			TRY(program_eval(self->right_keys[k], op_services(op)->eval, in, &columns[n++], err));
	if (self->has_time)
		columns[n++] = join_time_column(op_scratch(op), in);
	if (n == 0) {
		/* Only how many rows there are matters. */
		self->rows.n_rows += (uint64_t)in->n_rows;
		return OK;
	}
	if (spec->null_aware && spec->n_keys == 1)
		count_nulls(self, columns[self->key_columns[0]], in->n_rows);
	if (!join_can_spill(self))
		return row_store_append(&self->rows, columns, n, NULL, in->n_rows, err);
	return row_partitions_append(&self->build_parts, &self->rows, columns, n, NULL, in->n_rows, err);
}

static Status
join_merge(Op *op, Op *other, Error *err)
{
	JoinHashOp *self = op_cast(JoinHashOp, op, &op_join_hash);
	JoinHashOp *from = op_cast(JoinHashOp, other, &op_join_hash);

	self->probe_has_time |= from->probe_has_time;
	TRY(row_partitions_merge(&self->probe_parts, &self->probe, &from->probe_parts, &from->probe, err));
	if (!from->layout_is_known)
		return OK;
	self->layout_is_known = true;
	self->has_time = from->has_time;
	self->n_build_rows += from->n_build_rows;
	self->n_null_rows += from->n_null_rows;
	if (join_can_spill(self))
		return row_partitions_merge(&self->build_parts, &self->rows, &from->build_parts, &from->rows, err);
	if (from->rows.columns == NULL) {
		self->rows.n_rows += from->rows.n_rows;
		return OK;
	}
	return row_store_take(&self->rows, &from->rows, err);
}

/* Without any build row the columns are still needed for the row of NULLs. */
static void
need_columns(JoinHashOp *self, Arena *arena)
{
	const JoinHashSpec *spec = self->op.spec;
	const Type		  **types = arena_array(arena, const Type *, spec->n_right + spec->n_keys + 1);
	int					n = spec->n_right;

	if (self->rows.columns != NULL || self->rows.n_rows > 0)
		return;
	for (int c = 0; c < n; c++)
		types[c] = spec->right_types[c];
	for (int k = 0; k < spec->n_keys; k++)
		if (self->right_keys[k] != NULL)
			types[n++] = spec->right_keys[k]->type;
	if (self->has_time)
		types[n++] = type_bigint;
	if (n > 0)
		row_store_set_types(&self->rows, types, n);
}

static void
build_filters(JoinHashOp *self)
{
	Op				   *op = &self->op;
	const JoinHashSpec *spec = op->spec;

	for (int k = 0; k < spec->n_keys; k++) {
		KeyFilter *filter;

		if ((spec->filter_keys >> k & 1) == 0)
			continue;
		filter = arena_new(&op->arena, KeyFilter);
		if (key_filter_build(filter, self->rows.columns[self->key_columns[k]], self->table.n_rows, op_services(op)->budget))
			self->filters[k] = filter;
	}
}

const KeyFilter *
join_hash_filter(const Op *op, int key)
{
	return op_cast(const JoinHashOp, op, &op_join_hash)->filters[key];
}

static Status
add_null_row(JoinHashOp *self, Error *err)
{
	Arena		  *arena = op_scratch(&self->op);
	const Vector **nulls = arena_alloc(arena, sizeof *nulls * (size_t)(self->rows.n_columns + 1));

	self->null_row = (uint32_t)self->rows.n_rows;
	for (int c = 0; c < self->rows.n_columns; c++)
		nulls[c] = vector_null(arena, self->rows.columns[c]->type, 1);
	if (self->has_time)
		((int64_t *)nulls[self->rows.n_columns - 1]->data)[0] = INT64_MIN;
	return self->rows.n_columns > 0 ? row_store_append(&self->rows, nulls, self->rows.n_columns, NULL, 1, err) : OK;
}

Status
join_table_make(JoinHashOp *self, MemoryBudget *budget, Error *err)
{
	Op				   *op = &self->op;
	const JoinHashSpec *spec = op->spec;
	const Vector	  **keys = arena_alloc(op_scratch(op), sizeof *keys * (size_t)(spec->n_keys + 1));
	uint32_t			n_rows = (uint32_t)self->rows.n_rows;

	if (self->rows.n_rows >= JOIN_NO_ROW)
		return error_fatal(err, "A join cannot keep more than %u rows", JOIN_NO_ROW);
	need_columns(self, op_scratch(op));
	for (int k = 0; k < spec->n_keys; k++)
		keys[k] = self->rows.columns[self->key_columns[k]];
	TRY(join_table_build(&self->table, keys, spec->n_keys, n_rows, spec->null_safe, op_services(op)->n_threads, budget, err));
	if (keeps_right(spec)) {
		TRY(budget_reserve(budget, (int64_t)n_rows + 1, "a join", err));
		self->matched_bytes = budget != NULL ? (int64_t)n_rows + 1 : 0;
		self->matched = xcalloc((size_t)n_rows + 1, 1);
	}
	if (keeps_left(spec))
		TRY(add_null_row(self, err));
	op->state_rows += n_rows;
	op_note_memory(op, self->rows.reserved_bytes + self->table.reserved_bytes + self->matched_bytes);
	return OK;
}

void
join_table_drop(JoinHashOp *self)
{
	join_table_free(&self->table);
	free(self->matched);
	self->matched = NULL;
	budget_release(op_services(&self->op)->budget, self->matched_bytes);
	self->matched_bytes = 0;
}

static Status
join_build(JoinHashOp *self, Error *err)
{
	if (row_partitions_are_used(&self->build_parts) || join_spill_is_due(self))
		return join_spill_build(self, err);
	/* Without rows there is nothing to write: the row of NULLs must have room. */
	if (join_can_spill(self) && self->rows.n_rows == 0)
		self->rows.free_bytes = INT64_MAX;
	if (join_table_make(self, op_services(&self->op)->budget, err) == FAILED) {
		if (!join_can_spill(self) || self->rows.columns == NULL || self->rows.n_rows == 0)
			return FAILED;
		join_table_drop(self);
		return join_spill_build(self, err);
	}
	build_filters(self);
	self->is_built = true;
	return OK;
}

/* ---- probe ---- */

/* The pairs as a batch; what of it is in scratch memory lives until the caller's mark. */
static Batch *
pairs_batch(JoinHashOp *self, const JoinHashOp *build, const Batch *in)
{
	const JoinHashSpec *spec = self->op.spec;
	Arena			   *arena = op_scratch(&self->op);
	int32_t				n = self->n_pairs;
	bool				is_same = self->is_identity && n == in->n_rows;
	Batch			   *out = batch_new(arena, spec->n_left + spec->n_right, n);

	for (int c = 0; c < spec->n_left; c++)
		out->columns[c] = is_same ? in->columns[c] : vector_dictionary(arena, in->columns[c], self->left, n);
	row_store_select(&build->rows, arena, self->right, n, 0, spec->n_right, out->columns + spec->n_left);
	if (in->event_time != NULL) {
		int64_t *time = arena_alloc(arena, sizeof *time * (size_t)(n + 1));

		for (int32_t i = 0; i < n; i++)
			time[i] = in->event_time[self->left[i]];
		if (build->has_time) {
			const int64_t *times = build->rows.columns[build->rows.n_columns - 1]->data;

			for (int32_t i = 0; i < n; i++)
				if (times[self->right[i]] > time[i])
					time[i] = times[self->right[i]];
		}
		out->event_time = time;
	}
	return out;
}

/* Leaves the pairs for which the residual condition is TRUE. */
static void
pairs_filter(JoinHashOp *self, const JoinHashOp *build, const Batch *in)
{
	Arena	 *arena = op_scratch(&self->op);
	uint32_t *selected = arena_alloc(arena, sizeof *selected * (size_t)(self->n_pairs + 1));
	int32_t	  n = program_filter(self->residual, op_services(&self->op)->eval, pairs_batch(self, build, in), selected);

	for (int32_t i = 0; i < n; i++) {
		self->left[i] = self->left[selected[i]];
		self->right[i] = self->right[selected[i]];
	}
	self->is_identity = self->is_identity && n == self->n_pairs;
	self->n_pairs = n;
}

static Status
more_than_one(Error *err)
{
	return error_user(err, "more than one row returned by a subquery used as an expression");
}

static inline bool
is_marked(const JoinHashOp *build, uint32_t row)
{
	return __atomic_load_n(&build->matched[row], __ATOMIC_RELAXED) != 0;
}

static inline void
mark_row(const JoinHashOp *build, uint32_t row)
{
	if (!is_marked(build, row))
		__atomic_store_n(&build->matched[row], 1, __ATOMIC_RELAXED);
}

/* Processes the collected pairs.  `is_final`: they are left rows without a match. */
static Status
pairs_flush(JoinHashOp *self, JoinHashOp *build, const Batch *in, bool is_final, Error *err)
{
	Op				   *op = &self->op;
	const JoinHashSpec *spec = op->spec;
	ArenaMark			mark;
	Status				status = OK;

	if (self->n_pairs == 0)
		return OK;
	if (op_services(op)->interrupted != NULL && *op_services(op)->interrupted)
		return error_set(err, ERROR_INTERRUPTED, "The query was cancelled");
	mark = arena_mark(op_scratch(op));
	if (self->residual != NULL && !is_final) {
		pairs_filter(self, build, in);
		for (int32_t i = 0; i < self->n_pairs && status == OK; i++) {
			if (spec->single && self->left_matched[self->left[i]])
				status = more_than_one(err);
			self->left_matched[self->left[i]] = 1;
		}
	}
	if (keeps_right(spec))
		for (int32_t i = 0; i < self->n_pairs; i++)
			mark_row(build, self->right[i]);
	if (status == OK && !is_test(spec) && !spec->tests_build && self->n_pairs > 0)
		status = op_emit_loop(op, pairs_batch(self, build, in), err);
	if (mark.block != NULL)
		arena_rewind(op_scratch(op), mark);
	self->n_pairs = 0;
	self->is_identity = true;
	return status;
}

static inline Status
pairs_add(JoinHashOp *self, JoinHashOp *build, const Batch *in, int32_t left, uint32_t right, Error *err)
{
	self->is_identity &= left == self->n_pairs;
	self->left[self->n_pairs] = (uint32_t)left;
	self->right[self->n_pairs++] = right;
	return self->n_pairs == BATCH_ROWS ? pairs_flush(self, build, in, false, err) : OK;
}

/* Probe rows that pass a test by themselves. */
static Status
emit_tested(JoinHashOp *self, const Batch *in, uint32_t *selected, int32_t n, Error *err)
{
	if (n == in->n_rows)
		return op_emit(&self->op, in, err);
	return n > 0 ? op_emit(&self->op, batch_select(op_scratch(&self->op), in, selected, n), err) : OK;
}

/* SEMI and ANTI without a residual condition: finding a row is all. */
static Status
probe_test(JoinHashOp *self, const JoinHashOp *build, const Batch *in, const Vector *const *keys, const uint32_t *found,
		   Error *err)
{
	const JoinHashSpec *spec = self->op.spec;
	uint32_t		   *selected = arena_alloc(op_scratch(&self->op), sizeof *selected * (size_t)(in->n_rows + 1));
	int32_t				n = 0;

	if (spec->null_aware && spec->n_keys == 1 && build->n_null_rows > 0)
		return OK;
	for (int32_t i = 0; i < in->n_rows; i++) {
		if (spec->null_aware && spec->n_keys == 1 && build->n_build_rows > 0 && !vector_is_valid(keys[0], i))
			continue;
		if ((found[i] != JOIN_NO_ROW) == (spec->kind == JOIN_SEMI))
			selected[n++] = (uint32_t)i;
	}
	return emit_tested(self, in, selected, n, err);
}

/* Whether no key is certainly different. */
static bool
keys_may_match(const JoinHashOp *build, const Vector *const *keys, int n_keys, int32_t i, uint32_t row)
{
	for (int k = 0; k < n_keys; k++) {
		const Vector *other = build->rows.columns[build->key_columns[k]];

		if (vector_is_valid(keys[k], i) && vector_is_valid(other, row) && !vector_rows_equal(keys[k], i, other, row))
			return false;
	}
	return true;
}

/* NOT IN over several keys or with a condition: pairs in which a NULL leaves it open whether the keys are equal. */
static Status
add_open_pairs(JoinHashOp *self, JoinHashOp *build, const Batch *in, const Vector *const *keys, int32_t i, Error *err)
{
	const JoinHashSpec *spec = self->op.spec;
	bool				has_null = false;
	uint32_t			n;

	for (int k = 0; k < spec->n_keys; k++)
		has_null |= !vector_is_valid(keys[k], i);
	n = has_null ? build->table.n_rows : build->table.n_null_rows;
	for (uint32_t r = 0; r < n && !self->left_matched[i]; r++) {
		uint32_t row = has_null ? r : build->table.null_rows[r];

		if (!keys_may_match(build, keys, spec->n_keys, i, row))
			continue;
		if (self->residual == NULL) {
			self->left_matched[i] = 1;
			break;
		}
		TRY(pairs_add(self, build, in, i, row, err));
	}
	return OK;
}

/*
 * Build rows are tested: rows of one key that have passed for one probe row have passed for all.  With a condition every pair is looked
 * at, but a row that has passed is not tested again.
 */
static Status
probe_marks(JoinHashOp *self, JoinHashOp *build, const Batch *in, const uint32_t *found, Error *err)
{
	const JoinTable *table = &build->table;

	self->n_pairs = 0;
	self->is_identity = true;
	memset(self->left_matched, 0, (size_t)in->n_rows);
	for (int32_t i = 0; i < in->n_rows; i++) {
		if (found[i] == JOIN_NO_ROW || (self->residual == NULL && is_marked(build, found[i])))
			continue;
		for (uint32_t row = found[i]; row != JOIN_NO_ROW; row = join_table_next(table, row)) {
			if (self->residual == NULL)
				mark_row(build, row);
			else if (!is_marked(build, row))
				TRY(pairs_add(self, build, in, i, row, err));
		}
	}
	return pairs_flush(self, build, in, false, err);
}

/* Build rows come in chunks: which probe rows remain without a match is known after the last one. */
static inline bool
has_chunks(const JoinHashOp *self)
{
	return self->has_earlier_chunk || self->has_later_chunk;
}

/* No probe row is matched; NOT IN counts those as matched that do not pass because of a NULL anywhere among the keys. */
static void
begin_probe_rows(JoinHashOp *self, const JoinHashOp *build, const Batch *in, const Vector *const *keys)
{
	const JoinHashSpec *spec = self->op.spec;

	memset(self->left_matched, 0, (size_t)in->n_rows);
	if (!spec->null_aware || spec->n_keys != 1 || self->residual != NULL || build->n_build_rows == 0)
		return;
	for (int32_t i = 0; i < in->n_rows; i++)
		self->left_matched[i] = build->n_null_rows > 0 || !vector_is_valid(keys[0], i);
}

/* All matches of the probe rows are known. */
static Status
end_probe_rows(JoinHashOp *self, JoinHashOp *build, const Batch *in, Error *err)
{
	const JoinHashSpec *spec = self->op.spec;

	if (is_test(spec)) {
		uint32_t *selected = arena_alloc(op_scratch(&self->op), sizeof *selected * (size_t)(in->n_rows + 1));
		int32_t	  n = 0;

		for (int32_t i = 0; i < in->n_rows; i++)
			if ((self->left_matched[i] != 0) == (spec->kind == JOIN_SEMI))
				selected[n++] = (uint32_t)i;
		return emit_tested(self, in, selected, n, err);
	}
	if (keeps_left(spec) && (self->residual != NULL || has_chunks(self))) {
		for (int32_t i = 0; i < in->n_rows; i++)
			if (!self->left_matched[i]) {
				self->is_identity &= i == self->n_pairs;
				self->left[self->n_pairs] = (uint32_t)i;
				self->right[self->n_pairs++] = build->null_row;
			}
		return pairs_flush(self, build, in, true, err);
	}
	return OK;
}

/* At most one build row for each probe row, without a condition: nothing for the processor to guess. */
static Status
probe_unique(JoinHashOp *self, JoinHashOp *build, const Batch *in, const uint32_t *found, Error *err)
{
	bool	keeps = keeps_left(self->op.spec);
	int32_t n = 0;

	for (int32_t i = 0; i < in->n_rows; i++) {
		bool is_found = found[i] != JOIN_NO_ROW;

		self->left[n] = (uint32_t)i;
		self->right[n] = is_found ? found[i] : build->null_row;
		n += is_found || keeps;
	}
	self->n_pairs = n;
	self->is_identity = n == in->n_rows;
	return pairs_flush(self, build, in, false, err);
}

static bool
is_unique_probe(const JoinHashOp *self, const JoinHashOp *build)
{
	const JoinHashSpec *spec = self->op.spec;

	return self->residual == NULL && !is_test(spec) && !spec->null_aware && build->table.n_keys > 0 && build->table.next == NULL && !has_chunks(self);
}

static Status
probe_pairs(JoinHashOp *self, JoinHashOp *build, const Batch *in, const Vector *const *keys, const uint32_t *found, Error *err)
{
	const JoinHashSpec *spec = self->op.spec;
	const JoinTable	   *table = &build->table;
	bool				tests = is_test(spec);
	bool				has_residual = self->residual != NULL;
	bool				keeps_at_once = keeps_left(spec) && !has_residual && !has_chunks(self);

	self->n_pairs = 0;
	self->is_identity = true;
	if (!self->has_earlier_chunk)
		begin_probe_rows(self, build, in, keys);
	for (int32_t i = 0; i < in->n_rows; i++) {
		if (found[i] == JOIN_NO_ROW && keeps_at_once) {
			TRY(pairs_add(self, build, in, i, build->null_row, err));
			continue;
		}
		for (uint32_t row = found[i]; row != JOIN_NO_ROW; row = join_table_next(table, row)) {
			if (tests && self->left_matched[i])
				break;
			if (!has_residual) {
				if (spec->single && (self->left_matched[i] || join_table_next(table, row) != JOIN_NO_ROW))
					return more_than_one(err);
				self->left_matched[i] = 1;
				if (tests)
					break;
			}
			TRY(pairs_add(self, build, in, i, row, err));
		}
		if (spec->null_aware)
			TRY(add_open_pairs(self, build, in, keys, i, err));
	}
	TRY(pairs_flush(self, build, in, false, err));
	return self->has_later_chunk ? OK : end_probe_rows(self, build, in, err);
}

Status
join_probe_keys(JoinHashOp *self, const Batch *in, const Vector *const *keys, Error *err)
{
	Op				   *op = &self->op;
	const JoinHashSpec *spec = op->spec;
	JoinHashOp		   *build = op->primary != NULL ? op_cast(JoinHashOp, op->primary, &op_join_hash) : self;
	Arena			   *arena = op_scratch(op);
	uint32_t		   *found = arena_alloc(arena, sizeof *found * (size_t)(in->n_rows + 1));

	join_table_find(&build->table, keys, in->n_rows, found, arena);
	if (spec->tests_build)
		return probe_marks(self, build, in, found, err);
	if (is_test(spec) && self->residual == NULL && (!spec->null_aware || spec->n_keys == 1) && !has_chunks(self))
		return probe_test(self, build, in, keys, found, err);
	return is_unique_probe(self, build) ? probe_unique(self, build, in, found, err) : probe_pairs(self, build, in, keys, found, err);
}

static Status
join_probe(JoinHashOp *self, const Batch *in, Error *err)
{
	Op				   *op = &self->op;
	const JoinHashSpec *spec = op->spec;
	const JoinHashOp   *build = op->primary != NULL ? op_cast(JoinHashOp, op->primary, &op_join_hash) : self;
	const Vector	  **keys = arena_alloc(op_scratch(op), sizeof *keys * (size_t)(spec->n_keys + 1));

	if (build->is_spilled)
		return join_spill_probe(self, in, err);
	if (build->table.n_rows == 0 && !join_keeps_probe(spec))
		return DONE;
	for (int k = 0; k < spec->n_keys; k++)
		TRY(program_eval(self->left_keys[k], op_services(op)->eval, in, &keys[k], err));
	return join_probe_keys(self, in, keys, err);
}

/* Keeps probe rows until the build side has ended. */
static Status
keep_early(JoinHashOp *self, const Batch *in, Error *err)
{
	Op			  *op = &self->op;
	const Vector **columns = arena_alloc(op_scratch(op), sizeof *columns * (size_t)(in->n_columns + 1));

	memcpy(columns, in->columns, sizeof *columns * (size_t)in->n_columns);
	self->early_has_time |= in->event_time != NULL;
	columns[in->n_columns] = join_time_column(op_scratch(op), in);
	return row_store_append(&self->early, columns, in->n_columns + 1, NULL, in->n_rows, err);
}

static Status
join_push(Op *op, int port, const Batch *in, Error *err)
{
	JoinHashOp		 *self = op_cast(JoinHashOp, op, &op_join_hash);
	const JoinHashOp *build = op->primary != NULL ? op_cast(JoinHashOp, op->primary, &op_join_hash) : self;

	in = without_null_rows(op, in);
	if (in->n_rows == 0)
		return OK;
	if (port == 1)
		return join_push_build(self, in, err);
	return build->is_built ? join_probe(self, in, err) : keep_early(self, in, err);
}

/* ---- end ---- */

static Status
replay_early(JoinHashOp *self, Error *err)
{
	uint32_t index[BATCH_ROWS];
	Arena	 arena = {0};
	Status	 status = OK;

	for (uint64_t at = 0; at < self->early.n_rows && status == OK; at += BATCH_ROWS) {
		int32_t n = (int32_t)(self->early.n_rows - at < BATCH_ROWS ? self->early.n_rows - at : BATCH_ROWS);
		int		n_columns = self->early.n_columns - 1;
		Batch  *in;

		arena_reset(&arena);
		in = batch_new(&arena, n_columns, n);
		for (int32_t i = 0; i < n; i++)
			index[i] = (uint32_t)at + (uint32_t)i;
		row_store_select(&self->early, &arena, index, n, 0, n_columns, in->columns);
		if (self->early_has_time)
			in->event_time = (const int64_t *)self->early.columns[n_columns]->data + at;
		status = join_probe(self, in, err);
	}
	arena_free(&arena);
	row_store_free(&self->early);
	return status == FAILED ? FAILED : OK;
}

/* Build rows row..n) of which the mark is as wanted, up to a batch of them; *row moves on. */
static int32_t
marked_rows(JoinHashOp *self, uint8_t wanted, uint32_t *row)
{
	int32_t n = 0;

	for (; *row < self->table.n_rows && n < BATCH_ROWS; ++*row) {
		self->right[n] = *row;
		n += self->matched[*row] == wanted;
	}
	return n;
}

/* RIGHT and FULL: build rows that no probe row has matched, behind NULLs.  SEMI, ANTI: those that have passed the test, alone. */
Status
join_emit_kept(JoinHashOp *self, Error *err)
{
	Op				   *op = &self->op;
	const JoinHashSpec *spec = op->spec;
	int					n_left = spec->tests_build ? 0 : spec->n_left;
	Arena				arena = {0};
	Status				status = OK;
	uint32_t			row = 0;
	int32_t				n;

	while (status == OK && (n = marked_rows(self, spec->kind == JOIN_SEMI, &row)) > 0) {
		Batch *out;

		arena_reset(&arena);
		out = batch_new(&arena, n_left + spec->n_right, n);
		for (int c = 0; c < n_left; c++)
			out->columns[c] = vector_null(&arena, spec->left_types[c], n);
		row_store_select(&self->rows, &arena, self->right, n, 0, spec->n_right, out->columns + n_left);
		if (self->has_time) {
			const int64_t *times = self->rows.columns[self->rows.n_columns - 1]->data;
			int64_t		  *time = arena_alloc(&arena, sizeof *time * (size_t)n);

			for (int32_t i = 0; i < n; i++)
				time[i] = times[self->right[i]];
			out->event_time = time;
		}
		status = op_emit_loop(op, out, err);
	}
	arena_free(&arena);
	return status;
}

static Status
join_finish(Op *op, int port, Error *err)
{
	JoinHashOp		   *self = op_cast(JoinHashOp, op, &op_join_hash);
	const JoinHashSpec *spec = op->spec;

	if (port == 1) {
		TRY(join_build(self, err));
		TRY(replay_early(self, err));
	} else {
		self->left_has_finished = true;
	}
	if (!self->left_has_finished || !self->is_built)
		return OK;
	if (self->is_spilled ? join_spill_finish(self, err) == FAILED : keeps_right(spec) && join_emit_kept(self, err) == FAILED)
		return FAILED;
	TRY(op_advance_outputs(op, INT64_MAX, err));
	return op_finish_outputs(op, err);
}

/* Time ends for the outputs when all rows have been joined. */
static Status
join_advance(Op *op, int port, Time time, Error *err)
{
	(void)op, (void)port, (void)time, (void)err;
	return OK;
}

static void
join_close(Op *op)
{
	JoinHashOp *self = op_cast(JoinHashOp, op, &op_join_hash);

	join_table_drop(self);
	join_spill_close(self);
	row_store_free(&self->rows);
	row_store_free(&self->early);
	for (int k = 0; k < ((const JoinHashSpec *)op->spec)->n_keys; k++)
		if (self->filters != NULL && self->filters[k] != NULL)
			key_filter_free(self->filters[k]);
}

/* The build side ends a pipeline; so does the probe side when its rows are kept, too. */
static bool
join_ends_pipeline(const Op *op, int port)
{
	return port == 1 || op_cast(const JoinHashOp, op, &op_join_hash)->is_spilled;
}

static void
join_explain(const void *spec, Explain *out)
{
	const JoinHashSpec *s = spec;

	explain_text(out, "kind", !s->tests_build ? join_kind_name(s->kind) : s->kind == JOIN_SEMI ? "RIGHT SEMI" : "RIGHT ANTI");
	if (s->n_keys > 0) {
		explain_exprs(out, "left", (Expr *const *)s->left_keys, s->n_keys);
		explain_exprs(out, "right", (Expr *const *)s->right_keys, s->n_keys);
	}
	if (s->residual != NULL)
		explain_expr(out, "condition", s->residual);
}

const OpType op_join_hash = {
	.name = "HashJoin",
	.size = sizeof(JoinHashOp),
	.ports = 2,
	.open = join_open,
	.push = join_push,
	.advance = join_advance,
	.finish = join_finish,
	.close = join_close,
	.merge = join_merge,
	.is_parallel = true,
	.ends_pipeline = join_ends_pipeline,
	.explain = join_explain,
};
