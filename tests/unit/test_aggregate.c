/*
 * The aggregate: rows drawn as text are pushed, emitted rows are compared; each case is run with all rows in one batch, one
 * row at a time, and in batches of three: all must give the same.
 *
 * Rows: "[kind]time key value", kind + (default), 0 null event, ^ upsert, - delete; value . is NULL.  A key . is NULL.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "exec/op/aggregate.h"
#include "exec/state/state.h"
#include "exec/task/task.h"

/* ---- an operator that collects what it gets ---- */

static StrBuf collected;

static Status
collect_push(Op *op, int port, const Batch *in, Error *err)
{
	(void)op, (void)port, (void)err;
	batch_print(in, &collected);
	return OK;
}

static const OpType op_collect = {.name = "Collect", .size = sizeof(Op), .ports = 1, .push = collect_push};

/* ---- input ---- */

enum { ROWS_MAX = 3000 };

typedef struct Rows {
	int		n;
	int		kind[ROWS_MAX];
	int64_t time[ROWS_MAX];
	char	key[ROWS_MAX][24];
	bool	value_is_null[ROWS_MAX];
	int32_t value[ROWS_MAX];
} Rows;

static Rows *
rows_parse(const char *text)
{
	Rows	   *rows = xcalloc(1, sizeof *rows);
	const char *at = text;

	while (*at != '\0') {
		char	  value[24];
		long long time;
		int		  used = 0;

		rows->kind[rows->n] = ROW_INSERT;
		if (strchr("0^-", *at) != NULL && at[1] == ':') {
			rows->kind[rows->n] = *at == '0' ? ROW_INSERT_NULL : *at == '^' ? ROW_UPSERT : ROW_DELETE;
			at += 2;
		}
		ck_assert_int_eq(sscanf(at, "%lld %23s %23[^; ]%n", &time, rows->key[rows->n], value, &used), 3);
		rows->time[rows->n] = time;
		rows->value_is_null[rows->n] = strcmp(value, ".") == 0;
		rows->value[rows->n] = atoi(value);
		rows->n++;
		at += used;
		while (*at == ';' || *at == ' ')
			at++;
	}
	return rows;
}

static const Batch *
rows_batch(Arena *arena, const Rows *rows, int first, int n)
{
	Batch	*b = batch_new(arena, 2, n);
	Vector	*key = vector_new(arena, type_string, n), *value = vector_new(arena, type_integer, n);
	int64_t *time = arena_array(arena, int64_t, n);
	uint8_t *kind = arena_array(arena, uint8_t, n);

	for (int i = 0; i < n; i++) {
		time[i] = rows->time[first + i];
		kind[i] = (uint8_t)rows->kind[first + i];
		if (strcmp(rows->key[first + i], ".") == 0)
			vector_set_null(key, arena, i);
		else
			((StrView *)key->data)[i] = str_view_make(rows->key[first + i], strlen(rows->key[first + i]));
		if (rows->value_is_null[first + i] || row_kind_is_null((RowKind)kind[i]))
			vector_set_null(value, arena, i);
		else
			((int32_t *)value->data)[i] = rows->value[first + i];
	}
	b->columns[0] = key;
	b->columns[1] = value;
	b->event_time = time;
	b->row_kind = kind;
	return b;
}

/* ---- a backend of state in memory ---- */

typedef struct MemoryState {
	StateBackend base;
	StateTable	*tables[8];
} MemoryState;

static Status
memory_scan(StateBackend *base, int op_id, int table, StateVisitor visit, void *context, Error *err)
{
	MemoryState *m = (MemoryState *)base;
	Str			 key, value;

	(void)op_id;
	for (StateCursor c = state_table_seek(m->tables[table], STR("")); state_cursor_next(&c, &key, &value);)
		TRY(visit(context, key, value, err));
	return OK;
}

static void
memory_put(StateBackend *base, int op_id, int table, Str key, Str value)
{
	Error error;

	(void)op_id;
	ck_assert_int_eq(state_table_put(((MemoryState *)base)->tables[table], key, value, &error), OK);
}

static void
memory_remove(StateBackend *base, int op_id, int table, Str key)
{
	(void)op_id;
	ck_assert(state_table_remove(((MemoryState *)base)->tables[table], key));
}

static MemoryState *
memory_new(void)
{
	MemoryState *m = xcalloc(1, sizeof *m);
	Error		 error;

	m->base = (StateBackend){memory_scan, memory_put, memory_remove};
	for (int t = 0; t < 8; t++)
		ck_assert_int_eq(state_table_open(NULL, 0, 0, NULL, "test", &m->tables[t], &error), OK);
	return m;
}

static void
memory_free(MemoryState *m)
{
	for (int t = 0; t < 8; t++)
		state_table_close(m->tables[t]);
	free(m);
}

/* ---- the operator under test ---- */

typedef struct Bench {
	Task		 task;
	MemoryBudget budget;
	Arena		 plan;
	Op			*op;
	Op			 sink;
	OpOutput	 output;
} Bench;

static Op *
bench_open(Bench *bench, const AggregateSpec *spec, StateBackend *state, bool is_compacting)
{
	Error error;

	*bench = (Bench){.budget = {.limit_bytes = 1 << 30}};
	task_init(&bench->task, &env_real);
	bench->task.services.budget = &bench->budget;
	bench->task.services.state = state;
	bench->task.services.is_compacting = is_compacting;
	bench->sink = (Op){.type = &op_collect, .task = &bench->task, .n_inputs = 1};
	bench->output = (OpOutput){&bench->sink, 0};
	bench->op = xcalloc(1, op_aggregate.size);
	*bench->op = (Op){.type = &op_aggregate, .spec = spec, .task = &bench->task, .n_outputs = 1,
					  .outputs = &bench->output, .n_inputs = 1};
	if (op_open(bench->op, &error) != OK)
		ck_abort_msg("open: %s", error.message);
	return bench->op;
}

static void
bench_close(Bench *bench)
{
	op_close(bench->op);
	free(bench->op);
	task_free(&bench->task);
	arena_free(&bench->plan);
	ck_assert_int_eq(bench->budget.used_bytes, 0);
}

static void
bench_push(Bench *bench, const Rows *rows, int first, int n)
{
	Arena arena = {0};
	Error error;

	if (op_push(bench->op, 0, rows_batch(&arena, rows, first, n), &error) == FAILED)
		ck_abort_msg("push: %s", error.message);
	arena_reset(&bench->task.scratch);
	arena_alloc(&bench->task.scratch, 16);
	arena_free(&arena);
}

static void
bench_finish(Bench *bench)
{
	Error error;

	ck_assert_int_ne(op_advance(bench->op, 0, INT64_MAX, &error), FAILED);
	ck_assert_int_ne(op_finish(bench->op, 0, &error), FAILED);
}

/* ---- specs ---- */

static Arena spec_arena;

static const Aggregate *
find_aggregate(const char *name, const char *signature)
{
	for (int f = 0; aggregate_families[f] != NULL; f++)
		for (int i = 0; aggregate_families[f][i].name != NULL; i++)
			if (strcmp(aggregate_families[f][i].name, name) == 0 &&
				strcmp(aggregate_families[f][i].signature, signature) == 0)
				return &aggregate_families[f][i];
	ck_abort_msg("no aggregate %s%s", name, signature);
	return NULL;
}

/* GROUP BY key: COUNT(*), SUM(value) in ksqldb's way. */
static AggregateSpec *
spec_new(AggregateEmit emit, WindowSpec window)
{
	AggregateSpec *spec = arena_new(&spec_arena, AggregateSpec);
	AggregateItem *items = arena_array(&spec_arena, AggregateItem, 2);
	const Expr	 **keys = arena_array(&spec_arena, const Expr *, 1);
	const Expr	 **args = arena_array(&spec_arena, const Expr *, 1);

	keys[0] = expr_column(&spec_arena, 0, type_string, "K");
	args[0] = expr_column(&spec_arena, 1, type_integer, "V");
	items[0] = (AggregateItem){.function = find_aggregate("COUNT", "() -> BIGINT"), .type = type_bigint};
	items[1] = (AggregateItem){.function = find_aggregate("SUM", "(INTEGER) -> INTEGER"), .type = type_integer,
							   .n_args = 1, .args = args};
	*spec = (AggregateSpec){.n_keys = 1, .keys = keys, .n_items = 2, .items = items, .window = window, .emit = emit,
							.skips_null_keys = true, .has_late_rows = true, .loses_expired_windows = true};
	return spec;
}

static void
check_text(const char *expected, const char *what)
{
	const char *actual = strbuf_text(&collected);

	if (strcmp(actual, expected) != 0)
		ck_abort_msg("%s: expected\n%sgot\n%s", what, expected, actual);
}

/* Runs rows through the spec in batches of several sizes, and expects the same each time. */
static void
check_case(const AggregateSpec *spec, const char *input, const char *expected)
{
	static const int sizes[] = {ROWS_MAX, 1, 3};
	Rows			*rows = rows_parse(input);

	for (int s = 0; s < 3; s++) {
		Bench bench;
		char  what[32];

		strbuf_clear(&collected);
		bench_open(&bench, spec, NULL, false);
		for (int i = 0; i < rows->n; i += sizes[s])
			bench_push(&bench, rows, i, rows->n - i < sizes[s] ? rows->n - i : sizes[s]);
		if (spec->emit == AGGREGATE_AT_END)
			bench_finish(&bench);
		bench_close(&bench);
		snprintf(what, sizeof what, "batches of %d", sizes[s]);
		check_text(expected, what);
	}
	/* Durable: stopped and started again after every row, and after every second one. */
	for (int every = 1; every <= 2 && spec->emit != AGGREGATE_AT_END; every++) {
		MemoryState *state = memory_new();
		Bench		 bench;
		Error		 error;

		strbuf_clear(&collected);
		for (int i = 0; i < rows->n; i++) {
			if (i % every == 0)
				bench_open(&bench, spec, &state->base, false);
			bench_push(&bench, rows, i, 1);
			if (i % every == every - 1 || i == rows->n - 1) {
				ck_assert_int_ne(op_flush(bench.op, &error), FAILED);
				bench_close(&bench);
			}
		}
		memory_free(state);
		check_text(expected, "restarted");
	}
	free(rows);
}

/* ---- cases ---- */

static const WindowSpec no_window;

START_TEST(every_change_is_emitted)
{
	check_case(spec_new(AGGREGATE_CHANGES, no_window), "1 a 5; 2 b 7; 3 a 1; 0:4 a 9; 5 . 1; 2 a .",
			   "^ 'a' 1 5 @1\n^ 'b' 1 7 @2\n^ 'a' 2 6 @3\n^ 'a' 3 6 @3\n");
}
END_TEST

START_TEST(at_end_in_order_of_appearance)
{
	AggregateSpec *spec = spec_new(AGGREGATE_AT_END, no_window);

	check_case(spec, "1 b 5; 2 a 7; 3 b 1; 4 a-long-key-that-is-far 3; 5 a-long-key-that-is-far 4",
			   "+ 'b' 2 6 @3\n+ 'a' 1 7 @2\n+ 'a-long-key-that-is-far' 2 7 @5\n");
	check_case(spec, "", "");
	spec->n_keys = 0;
	check_case(spec, "", "+ 0 0 @0\n");
	check_case(spec, "1 a 4; 2 b 5", "+ 2 9 @2\n");
	spec->n_keys = 1;
	spec->skips_null_keys = false;
	check_case(spec, "1 . 4; 2 a 5; 3 . 6", "+ . 2 10 @3\n+ 'a' 1 5 @2\n");
}
END_TEST

START_TEST(grouping_sets_add_their_bits)
{
	static const uint64_t sets[] = {1, 0};
	AggregateSpec		 *spec = spec_new(AGGREGATE_AT_END, no_window);

	spec->n_grouping_sets = 2;
	spec->grouping_sets = sets;
	check_case(spec, "1 a 5; 2 b 7; 3 a 1", "+ 'a' 2 6 0 @3\n+ 'b' 1 7 0 @2\n+ . 3 13 1 @3\n");
	check_case(spec, "", "+ . 0 0 1 @0\n");
}
END_TEST

START_TEST(distinct_and_filter)
{
	AggregateSpec *spec = spec_new(AGGREGATE_AT_END, no_window);
	AggregateItem *items = (AggregateItem *)spec->items;
	Expr		 **operands = arena_array(&spec_arena, Expr *, 2);

	items[1].distinct = true;
	operands[0] = (Expr *)items[1].args[0];
	operands[1] = expr_constant(&spec_arena, value_integer(type_integer, 5));
	items[0].filter = expr_new(&spec_arena, EXPR_COMPARE, type_boolean, operands, 2);
	((Expr *)items[0].filter)->op = COMPARE_GT;
	check_case(spec, "1 a 5; 2 a 5; 3 a 9; 4 b 5; 5 a 9", "+ 'a' 2 14 @5\n+ 'b' 0 5 @4\n");
}
END_TEST

static WindowSpec
tumbling(int64_t size, int64_t grace)
{
	return (WindowSpec){.kind = WINDOW_TUMBLING, .size_ms = size, .advance_ms = size, .grace_ms = grace,
						.retention_ms = size + grace};
}

START_TEST(tumbling_windows_drop_late_rows)
{
	/* Stream time 25 closes [0, 10) with grace 10 at 20: the row at 7 is late, the one at 12 is not. */
	check_case(spec_new(AGGREGATE_CHANGES, tumbling(10, 10)), "1 a 5; 9 a 1; 10 a 2; 25 b 1; 7 a 3; 12 a 3; 11 a 1",
			   "^ 'a' 1 5 0 10 [0 10) @1\n^ 'a' 2 6 0 10 [0 10) @9\n^ 'a' 1 2 10 20 [10 20) @10\n"
			   "^ 'b' 1 1 20 30 [20 30) @25\n^ 'a' 2 5 10 20 [10 20) @12\n^ 'a' 3 6 10 20 [10 20) @12\n");
}
END_TEST

START_TEST(hopping_windows_late_for_one_only)
{
	WindowSpec w = {.kind = WINDOW_HOPPING, .size_ms = 10, .advance_ms = 5, .retention_ms = 10};

	check_case(spec_new(AGGREGATE_CHANGES, w), "3 a 1; 7 a 1; 12 a 1; 8 a 1",
			   "^ 'a' 1 1 0 10 [0 10) @3\n^ 'a' 2 2 0 10 [0 10) @7\n^ 'a' 1 1 5 15 [5 15) @7\n"
			   "^ 'a' 2 2 5 15 [5 15) @12\n^ 'a' 1 1 10 20 [10 20) @12\n^ 'a' 3 3 5 15 [5 15) @12\n");
}
END_TEST

START_TEST(final_loses_windows_when_time_jumps)
{
	AggregateSpec *spec = spec_new(AGGREGATE_FINAL, tumbling(2, 1));

	check_case(spec, "0 a 1; 1 a 1; 2 a 1; 5 a 1", "^ 'a' 1 1 2 4 [2 4) @2\n");
	spec->loses_expired_windows = false;
	check_case(spec, "0 a 1; 1 a 1; 2 a 1; 5 a 1", "^ 'a' 2 2 0 2 [0 2) @1\n^ 'a' 1 1 2 4 [2 4) @2\n");
}
END_TEST

START_TEST(final_emits_by_start_then_key)
{
	AggregateSpec *spec = spec_new(AGGREGATE_FINAL, tumbling(10, 0));

	/* 12 closes [0, 10); the row at 3 is late. */
	check_case(spec, "1 b 1; 2 a 1; 9 b 1; 12 a 1; 3 b 1; 20 c 1",
			   "^ 'a' 1 1 0 10 [0 10) @2\n^ 'b' 2 2 0 10 [0 10) @9\n^ 'a' 1 1 10 20 [10 20) @12\n");
}
END_TEST

START_TEST(final_closes_all_at_the_end)
{
	AggregateSpec *spec = spec_new(AGGREGATE_FINAL, tumbling(10, 100));
	Rows		  *rows = rows_parse("1 a 1; 55 b 1; 30 a 2");
	Bench		   bench;

	strbuf_clear(&collected);
	bench_open(&bench, spec, NULL, false);
	bench_push(&bench, rows, 0, rows->n);
	bench_finish(&bench);
	bench_close(&bench);
	check_text("^ 'a' 1 1 0 10 [0 10) @1\n^ 'a' 1 2 30 40 [30 40) @30\n^ 'b' 1 1 50 60 [50 60) @55\n", "end");
	free(rows);
}
END_TEST

START_TEST(sessions_merge_with_tombstones)
{
	WindowSpec w = {.kind = WINDOW_SESSION, .gap_ms = 10, .grace_ms = 1000, .retention_ms = 1010};

	check_case(spec_new(AGGREGATE_CHANGES, w), "0 a 1; 0 a 1; 30 a 1; 15 a 2; 20 b 1; 10 a 5; 22 a 1",
			   "^ 'a' 1 1 0 0 [0 0) @0\n^ 'a' 2 2 0 0 [0 0) @0\n^ 'a' 1 1 30 30 [30 30) @30\n"
			   "^ 'a' 1 2 15 15 [15 15) @15\n^ 'b' 1 1 20 20 [20 20) @20\n"
			   "- 'a' . . 0 0 [0 0) @0\n- 'a' . . 15 15 [15 15) @15\n^ 'a' 4 9 0 15 [0 15) @15\n"
			   "- 'a' . . 0 15 [0 15) @15\n- 'a' . . 30 30 [30 30) @30\n^ 'a' 6 11 0 30 [0 30) @30\n");
}
END_TEST

START_TEST(session_late_rows)
{
	WindowSpec w = {.kind = WINDOW_SESSION, .gap_ms = 10, .grace_ms = 5, .retention_ms = 15};

	/* Stream time 100: late below 100 - 5 - 10 = 85. */
	check_case(spec_new(AGGREGATE_CHANGES, w), "100 a 1; 84 b 1; 85 b 1",
			   "^ 'a' 1 1 100 100 [100 100) @100\n^ 'b' 1 1 85 85 [85 85) @85\n");
}
END_TEST

START_TEST(session_final)
{
	WindowSpec w = {.kind = WINDOW_SESSION, .gap_ms = 10, .grace_ms = 0, .retention_ms = 10};

	check_case(spec_new(AGGREGATE_FINAL, w), "0 b 1; 3 a 2; 5 b 1; 20 c 1; 40 c 1",
			   "^ 'a' 1 2 3 3 [3 3) @3\n^ 'b' 2 2 0 5 [0 5) @5\n^ 'c' 1 1 20 20 [20 20) @20\n");
}
END_TEST

START_TEST(sessions_at_end)
{
	WindowSpec	   w = {.kind = WINDOW_SESSION, .gap_ms = 10, .grace_ms = 0, .retention_ms = 10};
	AggregateSpec *spec = spec_new(AGGREGATE_AT_END, w);

	spec->has_late_rows = false;
	check_case(spec, "50 a 1; 0 b 1; 3 a 2; 5 b 1; 45 a 7",
			   "+ 'a' 1 2 3 3 [3 3) @3\n+ 'a' 2 8 45 50 [45 50) @50\n+ 'b' 2 2 0 5 [0 5) @5\n");
}
END_TEST

/* Over a table whose key is K, grouped by V: COUNT(*). */
static AggregateSpec *
table_spec(void)
{
	AggregateSpec *spec = spec_new(AGGREGATE_CHANGES, no_window);

	spec->is_table = true;
	spec->n_input_key = 1;
	((const Expr **)spec->keys)[0] = expr_column(&spec_arena, 1, type_integer, "V");
	return spec;
}

START_TEST(table_changes_are_undone)
{
	check_case(table_spec(), "^:1 a 5; ^:2 b 5; ^:3 a 5; ^:4 a 6; -:5 b .; -:6 zz .; ^:7 a .; -:8 a .; ^:1 c 6",
			   "^ 5 1 5 @1\n^ 5 2 10 @2\n^ 5 2 10 @3\n^ 5 1 5 @4\n^ 6 1 6 @4\n^ 5 0 0 @5\n^ 6 0 0 @7\n^ 6 1 6 @7\n");
}
END_TEST

START_TEST(distinct_over_windows_and_tables)
{
	AggregateSpec *spec = spec_new(AGGREGATE_CHANGES, tumbling(10, 0));

	((AggregateItem *)spec->items)[1].distinct = true;
	check_case(spec, "1 a 5; 2 a 5; 3 a 9; 11 a 5; 25 a 5; 26 a 5; 41 a 5",
			   "^ 'a' 1 5 0 10 [0 10) @1\n^ 'a' 2 5 0 10 [0 10) @2\n^ 'a' 3 14 0 10 [0 10) @3\n"
			   "^ 'a' 1 5 10 20 [10 20) @11\n^ 'a' 1 5 20 30 [20 30) @25\n^ 'a' 2 5 20 30 [20 30) @26\n"
			   "^ 'a' 1 5 40 50 [40 50) @41\n");
	spec = table_spec();
	((AggregateItem *)spec->items)[1].distinct = true;
	((const Expr **)spec->keys)[0] = expr_constant(&spec_arena, value_integer(type_integer, 1));
	check_case(spec, "^:1 a 5; ^:2 b 5; ^:3 a 6; -:4 b .; -:5 a .",
			   "^ 1 1 5 @1\n^ 1 2 5 @2\n^ 1 2 11 @3\n^ 1 1 6 @4\n^ 1 0 0 @5\n");
}
END_TEST

START_TEST(compaction_emits_once_per_key)
{
	Rows *rows = rows_parse("1 a 5; 2 b 7; 3 a 1; 4 c 1; 5 b 1");
	Bench bench;
	Error error;

	strbuf_clear(&collected);
	bench_open(&bench, spec_new(AGGREGATE_CHANGES, no_window), NULL, true);
	bench_push(&bench, rows, 0, 3);
	check_text("", "before the flush");
	ck_assert_int_ne(op_flush(bench.op, &error), FAILED);
	bench_push(&bench, rows, 3, 2);
	ck_assert_int_ne(op_flush(bench.op, &error), FAILED);
	ck_assert_int_ne(op_flush(bench.op, &error), FAILED);
	bench_close(&bench);
	check_text("^ 'a' 2 6 @3\n^ 'b' 1 7 @2\n^ 'c' 1 1 @4\n^ 'b' 2 8 @5\n", "flushed");
	free(rows);
}
END_TEST

START_TEST(parallel_parts_merge)
{
	AggregateSpec *spec = spec_new(AGGREGATE_AT_END, no_window);
	Rows		  *rows = rows_parse("1 b 5; 2 a 7; 3 b 1; 4 c 3; 5 a 7");

	for (int distinct = 0; distinct < 2; distinct++) {
		Bench one, two;
		Error error;

		((AggregateItem *)spec->items)[1].distinct = distinct != 0;
		strbuf_clear(&collected);
		bench_open(&one, spec, NULL, false);
		bench_open(&two, spec, NULL, false);
		bench_push(&one, rows, 0, 2);
		bench_push(&two, rows, 2, 3);
		ck_assert_int_eq(op_aggregate.merge(one.op, two.op, &error), OK);
		bench_close(&two);
		bench_finish(&one);
		bench_close(&one);
		check_text(distinct ? "+ 'b' 2 6 @3\n+ 'a' 2 7 @5\n+ 'c' 1 3 @4\n"
							: "+ 'b' 2 6 @3\n+ 'a' 2 14 @5\n+ 'c' 1 3 @4\n", "merged");
	}
	free(rows);
}
END_TEST

/* Random rows with windows: any cut into batches gives the same. */
START_TEST(batches_do_not_matter)
{
	static const WindowSpec windows[] = {
		{.kind = WINDOW_NONE},
		{.kind = WINDOW_TUMBLING, .size_ms = 20, .advance_ms = 20, .grace_ms = 15, .retention_ms = 35},
		{.kind = WINDOW_HOPPING, .size_ms = 20, .advance_ms = 7, .grace_ms = 5, .retention_ms = 25},
		{.kind = WINDOW_SESSION, .gap_ms = 6, .grace_ms = 10, .retention_ms = 16},
	};
	Rows *rows = xcalloc(1, sizeof *rows);

	srand(7);
	rows->n = 2000;
	for (int i = 0; i < rows->n; i++) {
		rows->time[i] = i / 2 + rand() % 30;
		snprintf(rows->key[i], sizeof rows->key[i], "%s%d", rand() % 2 ? "k" : "a-key-that-is-far-", rand() % 6);
		rows->value[i] = rand() % 10;
	}
	for (int w = 0; w < 4; w++)
		for (int emit = 0; emit < 3; emit++) {
			AggregateSpec *spec = spec_new((AggregateEmit)emit, windows[w]);
			char		  *first = NULL;

			if (emit == AGGREGATE_FINAL && w == 0)
				continue;
			for (int size = 1; size < 4000; size = size * 5 + 2) {
				Bench bench;

				strbuf_clear(&collected);
				bench_open(&bench, spec, NULL, false);
				for (int i = 0; i < rows->n; i += size)
					bench_push(&bench, rows, i, rows->n - i < size ? rows->n - i : size);
				bench_finish(&bench);
				bench_close(&bench);
				if (first == NULL)
					first = xstrdup(strbuf_text(&collected));
				else
					ck_assert_msg(strcmp(first, strbuf_text(&collected)) == 0, "window %d emit %d batches of %d", w, emit, size);
			}
			ck_assert_int_gt(strlen(first), 0);
			free(first);
		}
	free(rows);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("aggregate");
	TCase	*tcase = tcase_create("aggregate");
	SRunner *runner;
	int		 n_failed;

	tcase_add_test(tcase, every_change_is_emitted);
	tcase_add_test(tcase, at_end_in_order_of_appearance);
	tcase_add_test(tcase, grouping_sets_add_their_bits);
	tcase_add_test(tcase, distinct_and_filter);
	tcase_add_test(tcase, tumbling_windows_drop_late_rows);
	tcase_add_test(tcase, hopping_windows_late_for_one_only);
	tcase_add_test(tcase, final_loses_windows_when_time_jumps);
	tcase_add_test(tcase, final_emits_by_start_then_key);
	tcase_add_test(tcase, final_closes_all_at_the_end);
	tcase_add_test(tcase, sessions_merge_with_tombstones);
	tcase_add_test(tcase, session_late_rows);
	tcase_add_test(tcase, session_final);
	tcase_add_test(tcase, sessions_at_end);
	tcase_add_test(tcase, table_changes_are_undone);
	tcase_add_test(tcase, distinct_over_windows_and_tables);
	tcase_add_test(tcase, compaction_emits_once_per_key);
	tcase_add_test(tcase, parallel_parts_merge);
	tcase_add_test(tcase, batches_do_not_matter);
	tcase_set_timeout(tcase, 120);	/* slow under a sanitizer on a busy machine */
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	strbuf_free(&collected);
	arena_free(&spec_arena);
	return n_failed != 0;
}
