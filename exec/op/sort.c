/*
 * ORDER BY.  Rows are kept as columns with computed keys behind them, sorted at the end by number, and go out as
 * dictionaries over the columns.
 *
 * With a limit only rows that may still be among the first n are kept: when there are twice as many, all but the first n
 * are forgotten, and the last of them is the bound that later rows must beat.
 *
 * Rows that the budget does not hold are sorted and written out (run_store.h).
 */
#include "exec/op/sort.h"

#include <stdlib.h>

#include "exec/op/run_store.h"

enum { TOP_SLACK = 4 * BATCH_ROWS };

typedef struct SortOp {
	Op			op;
	Program	  **programs;		/* by key; NULL: the key is a column */
	int			n_columns;		/* of the input */
	bool		has_time;
	RunStore	rows;			/* input columns, computed keys, event time */
	int		   *key_columns;	/* in rows, by key */
	SortColumn *order;
	int64_t		n_keep;			/* -1: all */
	bool		has_bound;		/* the last row kept is the n_keep-th */
	Arena		out;
} SortOp;

static Status
sort_open(Op *op, Error *err)
{
	SortOp		   *self = op_cast(SortOp, op, &op_sort);
	const SortSpec *spec = op->spec;

	self->n_columns = -1;
	self->programs = arena_array(&op->arena, Program *, spec->n_keys + 1);
	self->key_columns = arena_array(&op->arena, int, spec->n_keys + 1);
	self->order = arena_array(&op->arena, SortColumn, spec->n_keys + 1);
	for (int k = 0; k < spec->n_keys; k++) {
		self->order[k] = (SortColumn){.descending = spec->keys[k].descending,
									  .nulls_first = spec->keys[k].nulls_first,
									  .ksqldb_order = spec->ksqldb_order};
		if (spec->keys[k].expr->kind != EXPR_COLUMN)
			TRY(program_compile(&op->arena, spec->keys[k].expr, &self->programs[k], err));
	}
	if (spec->n_rows < 0 || spec->n_rows > INT32_MAX || spec->n_skip > INT32_MAX - spec->n_rows)
		self->n_keep = -1;
	else
		self->n_keep = spec->n_rows + spec->n_skip > 0 ? spec->n_rows + spec->n_skip : 1;
	run_store_init(&self->rows, op, "ORDER BY", self->order, self->key_columns, spec->n_keys);
	self->rows.n_keep = self->n_keep;
	return spec->n_rows == 0 ? DONE : OK;
}

static void
sort_layout(SortOp *self, const Batch *in)
{
	const SortSpec *spec = self->op.spec;
	int				n = in->n_columns;

	if (self->n_columns >= 0)
		return;
	self->n_columns = n;
	self->has_time = in->event_time != NULL;
	for (int k = 0; k < spec->n_keys; k++)
		self->key_columns[k] = self->programs[k] != NULL ? n++ : spec->keys[k].expr->index;
}

/* Keeps rows.  Where some are written out there is no bound any more. */
static Status
sort_append(SortOp *self, const Vector *const *columns, int n_columns, const uint32_t *index, int32_t n, Error *err)
{
	int n_runs = self->rows.runs.n_runs;

	TRY(run_store_append(&self->rows, columns, n_columns, index, n, err));
	if (self->rows.runs.n_runs > n_runs)
		self->has_bound = false;
	return OK;
}

static Status
sort_prune(SortOp *self, Error *err)
{
	uint32_t *numbers;
	Status	  status;

	if (self->n_keep < 0 || (int64_t)self->rows.rows.n_rows < self->n_keep * 2 + TOP_SLACK)
		return OK;
	numbers = run_store_numbers(&self->rows);
	status = row_store_keep(&self->rows.rows, numbers, self->n_keep, err);
	free(numbers);
	self->has_bound = true;
	run_store_point(&self->rows);
	return status;
}

/* Leaves in selected the rows that come before the bound (or all, of those that have a value). */
static int32_t
sort_candidates(SortOp *self, const Batch *in, const Vector *const *columns, uint32_t *selected)
{
	const SortSpec *spec = self->op.spec;
	Arena		   *arena = op_scratch(&self->op);
	uint32_t		bound = (uint32_t)(self->n_keep - 1);
	uint64_t	   *prefixes, bound_prefix;
	uint8_t		   *ranks, bound_rank;
	const Vector   *first, *bound_value;
	int32_t			n = 0;

	if (in->row_kind != NULL) {
		for (int32_t i = 0; i < in->n_rows; i++)
			if (!row_kind_is_null((RowKind)in->row_kind[i]))
				selected[n++] = (uint32_t)i;
	} else {
		for (int32_t i = 0; i < in->n_rows; i++)
			selected[i] = (uint32_t)i;
		n = in->n_rows;
	}
	if (!self->has_bound)
		return n;
	if (spec->n_keys == 0)
		return 0;
	first = columns[self->key_columns[0]];
	prefixes = arena_alloc(arena, sizeof *prefixes * (size_t)in->n_rows);
	ranks = arena_alloc(arena, (size_t)in->n_rows);
	sort_prefixes(&self->order[0], first, in->n_rows, prefixes, ranks);
	bound_value = vector_dictionary(arena, self->order[0].column, &bound, 1);
	sort_prefixes(&self->order[0], bound_value, 1, &bound_prefix, &bound_rank);
	for (int32_t i = 0, all = n, row; i < all; i++) {
		int order = 0;

		if (i == 0)
			n = 0;
		row = (int32_t)selected[i];
		if (ranks[row] != bound_rank)
			order = ranks[row] < bound_rank ? -1 : 1;
		else if (prefixes[row] != bound_prefix)
			order = prefixes[row] < bound_prefix ? -1 : 1;
		for (int k = 0; k < spec->n_keys && order == 0; k++)
			order = sort_compare_values(&self->order[k], columns[self->key_columns[k]], row, self->order[k].column, bound);
		if (order < 0)
			selected[n++] = (uint32_t)row;
	}
	return n;
}

static Status
sort_push(Op *op, int port, const Batch *in, Error *err)
{
	SortOp		   *self = op_cast(SortOp, op, &op_sort);
	const SortSpec *spec = op->spec;
	Arena		   *arena = op_scratch(op);
	const Vector  **columns = arena_alloc(arena, sizeof *columns * (size_t)(in->n_columns + spec->n_keys + 1));
	uint32_t	   *selected = arena_alloc(arena, sizeof *selected * (size_t)(in->n_rows + 1));
	int				n_columns = in->n_columns;
	int32_t			n;

	(void)port;
	sort_layout(self, in);
	for (int c = 0; c < in->n_columns; c++)
		columns[c] = in->columns[c];
	for (int k = 0; k < spec->n_keys; k++)
		if (self->programs[k] != NULL)
			TRY(program_eval(self->programs[k], op_services(op)->eval, in, &columns[n_columns++], err));
	if (self->has_time) {
		Vector *time = vector_new_unset(arena, type_bigint, 0);

		time->n_rows = in->n_rows;
		time->data = (void *)(uintptr_t)in->event_time;
		if (in->event_time == NULL)
			time->data = arena_calloc(arena, sizeof *in->event_time * (size_t)in->n_rows);
		columns[n_columns++] = time;
	}
	n = sort_candidates(self, in, columns, selected);
	TRY(sort_append(self, columns, n_columns, n == in->n_rows ? NULL : selected, n, err));
	op->state_rows = (int64_t)self->rows.rows.n_rows + self->rows.runs.n_rows;
	return sort_prune(self, err);
}

static Status
sort_merge(Op *op, Op *other, Error *err)
{
	SortOp *self = op_cast(SortOp, op, &op_sort);
	SortOp *from = op_cast(SortOp, other, &op_sort);

	if (from->n_columns < 0)
		return OK;
	if (self->n_columns < 0) {
		self->n_columns = from->n_columns;
		self->has_time = from->has_time;
		memcpy(self->key_columns, from->key_columns, sizeof *self->key_columns * (size_t)((const SortSpec *)op->spec)->n_keys);
	}
	self->has_bound = false;
	TRY(run_store_take(&self->rows, &from->rows, err));
	op->state_rows = (int64_t)self->rows.rows.n_rows + self->rows.runs.n_rows;
	return sort_prune(self, err);
}

static Status
sort_emit(SortOp *self, const uint32_t *numbers, int64_t n, Error *err)
{
	const SortSpec *spec = self->op.spec;
	int64_t			end = spec->n_rows >= 0 && spec->n_rows < n - spec->n_skip ? spec->n_skip + spec->n_rows : n;

	for (int64_t at = spec->n_skip, size; at < end; at += size) {
		Batch *out;
		Status status;

		size = end - at < BATCH_ROWS ? end - at : BATCH_ROWS;
		arena_reset(&self->out);
		out = batch_new(&self->out, self->n_columns, (int32_t)size);
		row_store_select(&self->rows.rows, &self->out, numbers + at, (int32_t)size, 0, self->n_columns, out->columns);
		if (self->has_time) {
			int64_t		  *time = arena_alloc(&self->out, sizeof *time * (size_t)size);
			const int64_t *times = self->rows.rows.columns[self->rows.rows.n_columns - 1]->data;

			for (int64_t i = 0; i < size; i++)
				time[i] = times[numbers[at + i]];
			out->event_time = time;
		}
		status = op_emit_loop(&self->op, out, err);
		if (status != OK)
			return status;
		if (op_services(&self->op)->interrupted != NULL && *op_services(&self->op)->interrupted)
			return error_set(err, ERROR_INTERRUPTED, "The query was cancelled");
	}
	return OK;
}

/* Rows of the merged runs: those between the skipped ones and the limit go on. */
typedef struct MergedRows {
	SortOp *self;
	int64_t n_seen;
} MergedRows;

static Status
sort_emit_merged(void *context, const Vector *const *columns, int32_t n, Error *err)
{
	MergedRows	   *merged = context;
	SortOp		   *self = merged->self;
	const SortSpec *spec = self->op.spec;
	int64_t			end = spec->n_rows >= 0 ? spec->n_skip + spec->n_rows : INT64_MAX;
	int64_t			first = spec->n_skip > merged->n_seen ? spec->n_skip - merged->n_seen : 0;
	int64_t			last = end - merged->n_seen < n ? end - merged->n_seen : n;
	Batch		   *out;

	merged->n_seen += n;
	if (op_services(&self->op)->interrupted != NULL && *op_services(&self->op)->interrupted)
		return error_set(err, ERROR_INTERRUPTED, "The query was cancelled");
	if (first < last) {
		arena_reset(&self->out);
		out = batch_new(&self->out, self->n_columns, n);
		for (int c = 0; c < self->n_columns; c++)
			out->columns[c] = columns[c];
		if (self->has_time)
			out->event_time = columns[self->rows.runs.n_columns - 1]->data;
		if (first > 0 || last < n)
			out = batch_slice(&self->out, out, (int32_t)first, (int32_t)(last - first));
		TRY(op_emit_loop(&self->op, out, err));
	}
	return merged->n_seen >= end ? DONE : OK;
}

static Status
sort_finish(Op *op, int port, Error *err)
{
	SortOp *self = op_cast(SortOp, op, &op_sort);
	Status	status = OK;

	(void)port;
	if (run_store_has_runs(&self->rows)) {
		MergedRows merged = {.self = self};

		status = run_store_merge(&self->rows, sort_emit_merged, &merged, err);
	} else if (self->rows.rows.n_rows > 0) {
		uint32_t *numbers;

		TRY(run_store_reserve(&self->rows, err));
		op_progress(op, "sorting", 0, 0);
		numbers = run_store_numbers(&self->rows);
		status = sort_emit(self, numbers, (int64_t)self->rows.rows.n_rows, err);
		free(numbers);
	}
	if (status == FAILED)
		return FAILED;
	TRY(op_advance_outputs(op, INT64_MAX, err));
	return op_finish_outputs(op, err);
}

/* Time ends for the outputs behind the rows. */
static Status
sort_advance(Op *op, int port, Time time, Error *err)
{
	(void)op, (void)port, (void)time, (void)err;
	return OK;
}

static void
sort_close(Op *op)
{
	SortOp *self = op_cast(SortOp, op, &op_sort);

	run_store_free(&self->rows);
	arena_free(&self->out);
}

static void
sort_explain(const void *spec, Explain *out)
{
	const SortSpec *s = spec;
	StrBuf			text = {0};

	for (int k = 0; k < s->n_keys; k++) {
		if (k > 0)
			strbuf_add_text(&text, ", ");
		expr_print(s->keys[k].expr, &text);
		strbuf_add_text(&text, s->keys[k].descending ? " DESC" : "");
		if (s->keys[k].nulls_first != s->keys[k].descending)
			strbuf_add_text(&text, s->keys[k].nulls_first ? " NULLS FIRST" : " NULLS LAST");
	}
	explain_text(out, "by", strbuf_text(&text));
	strbuf_free(&text);
	if (s->n_rows >= 0)
		explain_int(out, "rows", s->n_rows);
	if (s->n_skip > 0)
		explain_int(out, "skip", s->n_skip);
}

const OpType op_sort = {
	.name = "Sort",
	.size = sizeof(SortOp),
	.ports = 1,
	.open = sort_open,
	.push = sort_push,
	.advance = sort_advance,
	.finish = sort_finish,
	.close = sort_close,
	.merge = sort_merge,
	.explain = sort_explain,
};
