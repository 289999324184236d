#ifndef SLUICE_TESTS_UNIT_OP_BENCH_H
#define SLUICE_TESTS_UNIT_OP_BENCH_H

/*
 * For tests of bounded operators: rows of (BIGINT k, BIGINT v, STRING t), random ones too, pushed in batches of any size into one
 * operator whose output is collected as lines.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "exec/task/task.h"

#define BENCH_NULL INT64_MIN

typedef struct BenchRow {
	int64_t		k, v;		/* BENCH_NULL: NULL */
	const char *t;			/* NULL: NULL */
} BenchRow;

typedef struct Bench {
	Task  task;
	Op	 *op;
	Op	 *collect;
} Bench;

static StrBuf collected;
static Arena  spec_arena;

static Status
collect_push(Op *op, int port, const Batch *in, Error *err)
{
	(void)op, (void)port, (void)err;
	ck_assert_int_le(in->n_rows, BATCH_ROWS);
	batch_print(in, &collected);
	return OK;
}

static const OpType op_collect = {.name = "Collect", .size = sizeof(Op), .ports = 1, .push = collect_push};

static Op *
bench_make_op(Bench *bench, const OpType *type, const void *spec, int n_inputs)
{
	Op *op = xcalloc(1, type->size);

	op->type = type;
	op->spec = spec;
	op->task = &bench->task;
	op->n_inputs = n_inputs;
	return op;
}

static inline void
bench_open_task(Bench *bench, const OpType *type, const void *spec, int n_inputs, Op *primary, bool is_end)
{
	Error err;

	bench->collect = bench_make_op(bench, &op_collect, NULL, 1);
	bench->op = bench_make_op(bench, type, spec, n_inputs);
	bench->op->primary = primary;
	if (!is_end) {
		bench->op->outputs = xcalloc(1, sizeof *bench->op->outputs);
		bench->op->outputs[0] = (OpOutput){bench->collect, 0};
		bench->op->n_outputs = 1;
	}
	ck_assert_msg(op_open(bench->op, &err) != FAILED, "%s", err.message);
}

/* `primary`: makes a clone of a parallel pipeline's inside; NULL: not.  Breakers are clones with `is_end`: no output. */
static inline void
bench_open(Bench *bench, const OpType *type, const void *spec, int n_inputs, Op *primary, bool is_end)
{
	task_init(&bench->task, NULL);
	bench_open_task(bench, type, spec, n_inputs, primary, is_end);
}

/* With a place to write what its budget does not hold; NULL: without. */
static inline void
bench_open_spilling(Bench *bench, const OpType *type, const void *spec, int n_inputs, const SpillSpace *space)
{
	task_init(&bench->task, NULL);
	bench->task.services.spill = space;
	bench->task.services.budget = space != NULL ? (MemoryBudget *)(uintptr_t)space->budget : NULL;
	bench_open_task(bench, type, spec, n_inputs, NULL, false);
}

static inline void
bench_close(Bench *bench)
{
	op_close(bench->op);
	op_close(bench->collect);
	free(bench->op->outputs);
	free(bench->op);
	free(bench->collect);
	task_free(&bench->task);
}

static inline const Batch *
bench_batch(Arena *arena, const BenchRow *rows, int n)
{
	Batch  *b = batch_new(arena, 3, n);
	Vector *k = vector_new(arena, type_bigint, n), *v = vector_new(arena, type_bigint, n);
	Vector *t = vector_new(arena, type_string, n);

	for (int i = 0; i < n; i++) {
		((int64_t *)k->data)[i] = rows[i].k;
		((int64_t *)v->data)[i] = rows[i].v;
		if (rows[i].k == BENCH_NULL)
			vector_set_null(k, arena, i);
		if (rows[i].v == BENCH_NULL)
			vector_set_null(v, arena, i);
		if (rows[i].t == NULL)
			vector_set_null(t, arena, i);
		else
			((StrView *)t->data)[i] = str_view_make(arena_strdup(arena, rows[i].t), strlen(rows[i].t));
	}
	b->columns[0] = k;
	b->columns[1] = v;
	b->columns[2] = t;
	return b;
}

/* Pushes rows in batches; their memory is gone after each.  FAILED: err is filled. */
static inline Status
bench_try_push(Bench *bench, int port, const BenchRow *rows, int n, int size, Error *err)
{
	for (int at = 0; at < n; at += size) {
		Arena  arena = {0};
		Status status = op_push(bench->op, port, bench_batch(&arena, rows + at, n - at < size ? n - at : size), err);

		arena_reset(&bench->task.scratch);
		arena_free(&arena);
		if (status != OK)
			return status;
	}
	return OK;
}

static inline void
bench_push(Bench *bench, int port, const BenchRow *rows, int n, int size)
{
	Error err;

	ck_assert_msg(bench_try_push(bench, port, rows, n, size, &err) != FAILED, "%s", err.message);
}

static inline void
bench_finish(Bench *bench, int port)
{
	Error err;

	ck_assert_msg(op_finish(bench->op, port, &err) != FAILED, "%s", err.message);
	arena_reset(&bench->task.scratch);
}

static inline BenchRow *
bench_random(int n, int n_keys, unsigned seed)
{
	static const char *const texts[] = {NULL, "", "a", "b", "abcdefg", "abcdefgh", "abcdefgi", "a text of more than twelve",
										"a text of more than twelvf", "\xf0\x9f\x98\x80", "\xef\xbf\xbd"};
	BenchRow *rows = xcalloc((size_t)n + 1, sizeof *rows);

	srand(seed);
	for (int i = 0; i < n; i++) {
		rows[i].k = rand() % 12 == 0 ? BENCH_NULL : rand() % n_keys - n_keys / 2;
		rows[i].v = rand() % 20 == 0 ? BENCH_NULL : rand() % 100 - 50;
		rows[i].t = texts[rand() % 11];
	}
	return rows;
}

static inline void
bench_add_integer(StrBuf *out, int64_t x)
{
	char text[32];

	snprintf(text, sizeof text, " %lld", (long long)x);
	strbuf_add_text(out, x == BENCH_NULL ? " ." : text);
}

/* " k v 't'", as batch_print does; NULL: a row of NULLs. */
static inline void
bench_add_row(StrBuf *out, const BenchRow *row)
{
	bench_add_integer(out, row != NULL ? row->k : BENCH_NULL);
	bench_add_integer(out, row != NULL ? row->v : BENCH_NULL);
	if (row == NULL || row->t == NULL) {
		strbuf_add_text(out, " .");
	} else {
		strbuf_add_text(out, " '");
		strbuf_add_text(out, row->t);
		strbuf_add_text(out, "'");
	}
}

static inline int
bench_compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The lines of a text in order. */
static inline char *
bench_sorted_lines(const StrBuf *text)
{
	char  *copy = xstrdup(text->length > 0 ? strbuf_text((StrBuf *)(uintptr_t)text) : "");
	char **lines = NULL;
	int	   n = 0, capacity = 0;
	StrBuf out = {0};
	char  *result;

	for (char *line = strtok(copy, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		grow_array(lines, n, capacity);
		lines[n++] = line;
	}
	if (n > 0)
		qsort(lines, (size_t)n, sizeof *lines, bench_compare_lines);
	for (int i = 0; i < n; i++) {
		strbuf_add_text(&out, lines[i]);
		strbuf_add_text(&out, "\n");
	}
	result = xstrdup(out.length > 0 ? strbuf_text(&out) : "");
	strbuf_free(&out);
	free(lines);
	free(copy);
	return result;
}

/* Any order of lines. */
static inline void
bench_check_lines(const StrBuf *expected, const char *what)
{
	char *a = bench_sorted_lines(expected), *b = bench_sorted_lines(&collected);

	if (strcmp(a, b) != 0) {
		size_t at = 0;

		while (a[at] == b[at])
			at++;
		while (at > 0 && a[at - 1] != '\n')
			at--;
		ck_abort_msg("%s: expected\n%.200s\nbut got\n%.200s", what, a + at, b + at);
	}
	free(a);
	free(b);
}

static inline int
bench_main(TCase *tcase, const char *name)
{
	Suite	*suite = suite_create(name);
	SRunner *runner;
	int		 n_failed;

	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	strbuf_free(&collected);
	arena_free(&spec_arena);
	return n_failed != 0;
}

#endif
