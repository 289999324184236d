#include "exec/task/recursion.h"

#include <limits.h>
#include <stdlib.h>

typedef struct RowSet {
	uint32_t *slots;		/* row + 1; 0: free */
	uint64_t  mask;
	uint64_t *hashes;		/* by row */
	int64_t	  hash_capacity;
} RowSet;

/* Rows from one iteration, or for UNION from all: a row that was there before is not new. */
typedef struct RowList {
	Arena	arena;
	Value  *values;
	int64_t n, capacity;
} RowList;

struct Recursion {
	const RecursiveSpec *spec;
	BoundedOptions		 options;
	WorkingRows			 working;
	RowList				 lists[2];	/* UNION ALL: rows of this iteration and of the one before; UNION: all rows in the first */
	int					 current;
	int64_t				 from;		/* UNION: where the rows of the last iteration begin */
	RowSet				 set;
	bool				 has_begun;
	int64_t				 reserved_bytes;
};

Recursion *
recursion_open(const RecursiveSpec *spec, const BoundedOptions *options)
{
	Recursion *self = xcalloc(1, sizeof *self);

	self->spec = spec;
	self->options = *options;
	self->options.output = NULL;
	self->options.progress = NULL;
	self->options.inspect = NULL;
	return self;
}

static void
list_free(RowList *list)
{
	free(list->values);
	arena_free(&list->arena);
	*list = (RowList){0};
}

void
recursion_close(Recursion *self)
{
	if (self == NULL)
		return;
	list_free(&self->lists[0]);
	list_free(&self->lists[1]);
	free(self->set.slots);
	free(self->set.hashes);
	if (self->options.budget != NULL)
		budget_release(self->options.budget, self->reserved_bytes);
	free(self);
}

/* ---- rows ---- */

static uint64_t
row_hash(const Value *row, int n_columns)
{
	uint64_t hash = 0;

	for (int c = 0; c < n_columns; c++)
		hash = (hash ^ value_hash(&row[c])) * UINT64_C(0x9E3779B97F4A7C15) + (hash >> 29);
	return hash;
}

/* As in DISTINCT, NULL is NULL. */
static bool
rows_equal(const Value *a, const Value *b, int n_columns)
{
	for (int c = 0; c < n_columns; c++)
		if (a[c].is_null != b[c].is_null || (!a[c].is_null && !value_equal(&a[c], &b[c])))
			return false;
	return true;
}

static void
set_grow(RowSet *set, int64_t n)
{
	uint64_t size = set->slots == NULL ? 256 : 2 * (set->mask + 1);

	if (set->slots != NULL && (uint64_t)n * 2 <= set->mask)
		return;
	free(set->slots);
	set->slots = xcalloc(size, sizeof *set->slots);
	set->mask = size - 1;
	for (int64_t i = 0; i < n; i++) {
		uint64_t at = set->hashes[i] & set->mask;

		while (set->slots[at] != 0)
			at = (at + 1) & set->mask;
		set->slots[at] = (uint32_t)i + 1;
	}
}

/* False: an equal row is there. */
static bool
set_add(RowSet *set, const RowList *list, const Value *row, int n_columns)
{
	uint64_t hash = row_hash(row, n_columns), at;

	set_grow(set, list->n);
	for (at = hash & set->mask; set->slots[at] != 0; at = (at + 1) & set->mask) {
		uint32_t other = set->slots[at] - 1;

		if (set->hashes[other] == hash && rows_equal(&list->values[(int64_t)other * n_columns], row, n_columns))
			return false;
	}
	if (list->n == set->hash_capacity) {
		set->hash_capacity = set->hash_capacity > 0 ? 2 * set->hash_capacity : 256;
		set->hashes = xrealloc(set->hashes, sizeof *set->hashes * (size_t)set->hash_capacity);
	}
	set->hashes[list->n] = hash;
	set->slots[at] = (uint32_t)list->n + 1;
	return true;
}

static Status
collect(void *context, const Batch *rows, Error *err)
{
	Recursion *self = context;
	RowList	  *list = &self->lists[self->current];
	int		   n_columns = self->spec->n_columns;
	int64_t	   bytes = rows->n_rows * (n_columns * (int64_t)sizeof(Value) + 16);

	if (self->options.budget != NULL)
		TRY(budget_reserve(self->options.budget, bytes, "WITH RECURSIVE", err));
	self->reserved_bytes += bytes;
	if (list->n + rows->n_rows >= INT32_MAX)
		return error_fatal(err, "A recursive query cannot make more than %d rows in an iteration", INT32_MAX);
	for (int32_t r = 0; r < rows->n_rows; r++) {
		Value *row;

		if (list->n == list->capacity) {
			list->capacity = list->capacity > 0 ? 2 * list->capacity : 64;
			list->values = xrealloc(list->values, sizeof *list->values * (size_t)list->capacity * (size_t)(n_columns + 1));
		}
		row = &list->values[list->n * n_columns];
		for (int c = 0; c < n_columns; c++)
			row[c] = vector_get(rows->columns[c], r, &list->arena);
		if (!self->spec->is_all && !set_add(&self->set, list, row, n_columns))
			continue;
		for (int c = 0; c < n_columns; c++)
			row[c] = value_copy(&list->arena, row[c]);
		list->n++;
	}
	return OK;
}

/* ---- iterations ---- */

static Status
run_plan(Recursion *self, const Plan *plan, BoundedStats *stats, Error *err)
{
	BoundedStats own;
	Status		 status;

	self->options.result = collect;
	self->options.result_context = self;
	status = bounded_run(plan, &self->options, &own, err);
	bounded_stats_add(stats, &own);
	return status;
}

Status
recursion_next(Recursion *self, BoundedStats *stats, const Value **rows, int64_t *n, Error *err)
{
	int		 n_columns = self->spec->n_columns;
	RowList *list;

	if (self->has_begun) {
		RowList *before = &self->lists[self->current];

		self->working = (WorkingRows){self->spec, before->values + self->from * n_columns, before->n - self->from, self->options.working};
		if (self->spec->is_all)
			self->current = 1 - self->current;
		else {
			/* The rows that are read lie in the list that grows: its values may move. */
			list_free(&self->lists[1]);
			self->lists[1].values = xmalloc(sizeof(Value) * ((size_t)self->working.n + 1) * (size_t)(n_columns + 1));
			memcpy(self->lists[1].values, self->working.rows, sizeof(Value) * (size_t)self->working.n * (size_t)n_columns);
			self->working.rows = self->lists[1].values;
		}
	}
	list = &self->lists[self->current];
	if (self->spec->is_all)
		list_free(list);
	self->from = list->n;
	if (!self->has_begun) {
		self->has_begun = true;
		TRY(run_plan(self, self->spec->base, stats, err));
	} else {
		const WorkingRows *outer = self->options.working;
		Status			   status;

		self->options.working = &self->working;
		status = run_plan(self, self->spec->step, stats, err);
		self->options.working = outer;
		TRY(status);
	}
	*rows = list->values + self->from * n_columns;
	*n = list->n - self->from;
	return *n > 0 ? OK : DONE;
}

Status
recursion_source(Arena *arena, const SourceSpec *scan, const RecursiveSpec *spec, const Value *rows, int64_t n, SourceSpec *out, Error *err)
{
	Value *values = arena_alloc(arena, sizeof *values * (size_t)(n + 1) * (size_t)(scan->n_columns + 1));

	if (n > INT32_MAX)
		return error_fatal(err, "A recursive query cannot make more than %d rows in an iteration", INT32_MAX);
	for (int64_t r = 0; r < n; r++)
		for (int c = 0; c < scan->n_columns; c++)
			values[r * scan->n_columns + c] = rows[r * spec->n_columns + scan->source_index[c]];
	*out = *scan;
	out->kind = SOURCE_VALUES;
	out->values = values;
	out->n_values = (int)n;
	return OK;
}
