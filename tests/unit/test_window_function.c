/*
 * Window functions against frames found by looking at every row of the partition: aggregates of v, PARTITION BY k ORDER BY v.
 */
#include "exec/op/window_function.h"
#include "exec/func/func.h"
#include "tests/unit/op_bench.h"

static const WindowFunctionSpec *current;

static Expr *
column(int index)
{
	return expr_column(&spec_arena, index, index == 2 ? type_string : type_bigint, "C");
}

static const Expr *
integer(int64_t x)
{
	return expr_constant(&spec_arena, value_integer(type_bigint, x));
}

static AggregateItem
aggregate(const char *name, int argument)
{
	FunctionArg		args[1] = {{.type = type_bigint}};
	FunctionMatch	match;
	Error			err;
	const Expr	  **exprs = arena_array(&spec_arena, const Expr *, 1);
	AggregateItem	item = {0};

	ck_assert_msg(function_resolve(&spec_arena, FUNCTION_AGGREGATE, str_make(name, strlen(name)), args, 1, true, &match, &err) == OK,
				  "%s", err.message);
	exprs[0] = column(argument);
	item.function = match.function;
	item.n_args = 1;
	item.args = exprs;
	item.constants = arena_array(&spec_arena, Value, 1);
	item.type = match.result;
	return item;
}

static WindowFunctionItem
function(WindowFunctionKind kind, const Type *type, int n_args, const Expr *a, const Expr *b, const Expr *c)
{
	const Expr **args = arena_array(&spec_arena, const Expr *, 3);

	args[0] = a;
	args[1] = b;
	args[2] = c;
	return (WindowFunctionItem){.kind = kind, .n_args = n_args, .args = args, .type = type, .unit = FRAME_RANGE,
								.start = FRAME_UNBOUNDED_PRECEDING, .end = FRAME_CURRENT_ROW};
}

static WindowFunctionItem
framed(WindowFunctionItem item, FrameUnit unit, FrameBound start, int64_t from, FrameBound end, int64_t to)
{
	item.unit = unit;
	item.start = start;
	item.end = end;
	item.start_offset = integer(from);
	item.end_offset = integer(to);
	return item;
}

static void
run(const WindowFunctionSpec *spec, const BenchRow *rows, int n, int size)
{
	Bench bench, clone;
	Error err;

	strbuf_clear(&collected);
	bench_open(&bench, &op_window_function, spec, 1, NULL, false);
	bench_open(&clone, &op_window_function, spec, 1, bench.op, true);
	bench_push(&bench, 0, rows, n / 2, size);
	bench_push(&clone, 0, rows + n / 2, n - n / 2, size);
	ck_assert_int_eq(op_window_function.merge(bench.op, clone.op, &err), OK);
	bench_close(&clone);
	bench_finish(&bench, 0);
	bench_close(&bench);
}

/* ---- by eye ---- */

START_TEST(functions_of_one_partition)
{
	static const BenchRow rows[] = {{1, 30, "c"}, {1, 10, "a"}, {1, 20, "b"}, {1, 20, "bb"}, {2, 5, "z"}, {1, BENCH_NULL, "n"}};
	const Expr			 *partition[1] = {column(0)};
	SortKey				  order[1] = {{column(1), false, false}};
	WindowFunctionItem	  items[] = {
		   function(WINDOW_FUNCTION_ROW_NUMBER, type_bigint, 0, NULL, NULL, NULL),
		   function(WINDOW_FUNCTION_RANK, type_bigint, 0, NULL, NULL, NULL),
		   function(WINDOW_FUNCTION_DENSE_RANK, type_bigint, 0, NULL, NULL, NULL),
		   function(WINDOW_FUNCTION_PERCENT_RANK, type_double, 0, NULL, NULL, NULL),
		   function(WINDOW_FUNCTION_CUME_DIST, type_double, 0, NULL, NULL, NULL),
		   function(WINDOW_FUNCTION_NTILE, type_bigint, 1, integer(2), NULL, NULL),
		   function(WINDOW_FUNCTION_LAG, type_string, 1, column(2), NULL, NULL),
		   function(WINDOW_FUNCTION_LEAD, type_bigint, 3, column(1), integer(2), integer(-1)),
		   function(WINDOW_FUNCTION_FIRST_VALUE, type_string, 1, column(2), NULL, NULL),
		   function(WINDOW_FUNCTION_LAST_VALUE, type_string, 1, column(2), NULL, NULL),
		   function(WINDOW_FUNCTION_NTH_VALUE, type_string, 2, column(2), integer(2), NULL),
	};
	WindowFunctionSpec spec = {1, partition, 1, order, 11, items, 0};

	run(&spec, rows, 6, 2);
	ck_assert_str_eq(strbuf_text(&collected),
					 "+ 1 10 'a' 1 1 1 0 0.20000000000000001 1 . 20 'a' 'a' .\n"
					 "+ 1 20 'b' 2 2 2 0.25 0.59999999999999998 1 'a' 30 'a' 'bb' 'b'\n"
					 "+ 1 20 'bb' 3 2 2 0.25 0.59999999999999998 1 'b' . 'a' 'bb' 'b'\n"
					 "+ 1 30 'c' 4 4 3 0.75 0.80000000000000004 2 'bb' -1 'a' 'c' 'b'\n"
					 "+ 1 . 'n' 5 5 4 1 1 2 'c' -1 'a' 'n' 'b'\n"
					 "+ 2 5 'z' 1 1 1 0 1 1 . -1 'z' 'z' .\n");
}
END_TEST

START_TEST(wrong_arguments_are_refused)
{
	static const BenchRow rows[] = {{1, 0, "a"}};
	WindowFunctionItem	  items[1];
	WindowFunctionSpec	  spec = {.n_items = 1, .items = items};
	Error				  err;

	for (int i = 0; i < 2; i++) {
		Bench bench;

		items[0] = i == 0 ? function(WINDOW_FUNCTION_NTILE, type_bigint, 1, column(1), NULL, NULL)
						  : function(WINDOW_FUNCTION_NTH_VALUE, type_bigint, 2, column(0), column(1), NULL);
		bench_open(&bench, &op_window_function, &spec, 1, NULL, false);
		bench_push(&bench, 0, rows, 1, 1);
		ck_assert_int_eq(op_finish(bench.op, 0, &err), FAILED);
		ck_assert_ptr_nonnull(strstr(err.message, "must be greater than zero"));
		bench_close(&bench);
	}
}
END_TEST

/* ---- random frames ---- */

static int
order_of(const BenchRow *a, const BenchRow *b)
{
	const SortKey *key = &current->order[0];

	if (current->n_order == 0)
		return 0;
	if (a->v == BENCH_NULL || b->v == BENCH_NULL)
		return ((a->v == BENCH_NULL) - (b->v == BENCH_NULL)) * (key->nulls_first ? -1 : 1);
	return ((a->v > b->v) - (a->v < b->v)) * (key->descending ? -1 : 1);
}

/* Whether row j of a sorted partition is on the inner side of a bound of row i's frame. */
static bool
within(const WindowFunctionItem *item, const BenchRow *const *rows, int i, int j, bool is_end)
{
	FrameBound bound = is_end ? item->end : item->start;
	const Expr *expr = is_end ? item->end_offset : item->start_offset;
	int64_t	   offset = bound == FRAME_PRECEDING ? -expr->constant.integer : bound == FRAME_FOLLOWING ? expr->constant.integer : 0;
	int64_t	   distance = 0;

	if (bound == FRAME_UNBOUNDED_PRECEDING || bound == FRAME_UNBOUNDED_FOLLOWING)
		return true;
	switch (item->unit) {
	case FRAME_ROWS:
		distance = j - i;
		break;
	case FRAME_GROUPS:
		for (int at = i; at < j; at++)
			distance += order_of(rows[at], rows[at + 1]) != 0;
		for (int at = j; at < i; at++)
			distance -= order_of(rows[at], rows[at + 1]) != 0;
		break;
	case FRAME_RANGE:
		if (bound == FRAME_CURRENT_ROW || rows[i]->v == BENCH_NULL || rows[j]->v == BENCH_NULL)
			distance = order_of(rows[j], rows[i]) * 1000, offset = rows[i]->v == BENCH_NULL || bound == FRAME_CURRENT_ROW ? 0 : offset;
		else
			distance = (rows[j]->v - rows[i]->v) * (current->order[0].descending ? -1 : 1);
		break;
	}
	return is_end ? distance <= offset : distance >= offset;
}

static void
expect_rows(StrBuf *out, const BenchRow *const *rows, int n)
{
	for (int i = 0; i < n; i++) {
		strbuf_add_text(out, "+");
		bench_add_row(out, rows[i]);
		for (int f = 0; f < current->n_items; f++) {
			int64_t sum = 0, count = 0, most = BENCH_NULL;
			const char *name = current->items[f].aggregate.function->name;

			for (int j = 0; j < n; j++)
				if (within(&current->items[f], rows, i, j, false) && within(&current->items[f], rows, i, j, true) &&
					rows[j]->v != BENCH_NULL) {
					sum += rows[j]->v;
					count++;
					most = rows[j]->v > most ? rows[j]->v : most;
				}
			if (strcmp(name, "COUNT") == 0)
				bench_add_integer(out, count);
			else if (strcmp(name, "MAX") == 0)
				bench_add_integer(out, most);
			else
				bench_add_integer(out, count > 0 ? sum : BENCH_NULL);
		}
		strbuf_add_text(out, "\n");
	}
}

/* Partitions in order of k, NULL last; stable. */
static void
expect(StrBuf *out, const BenchRow *rows, int n)
{
	const BenchRow **sorted = xcalloc((size_t)n + 1, sizeof *sorted);

	for (int64_t k = -50; k <= 51; k++) {
		int m = 0;

		for (int i = 0; i < n; i++) {
			int at = m;

			if (current->n_partition > 0 ? rows[i].k != (k == 51 ? BENCH_NULL : k) : k != 0)
				continue;
			for (; at > 0 && order_of(&rows[i], sorted[at - 1]) < 0; at--)
				sorted[at] = sorted[at - 1];
			sorted[at] = &rows[i];
			m++;
		}
		expect_rows(out, sorted, m);
	}
	free(sorted);
}

static const struct {
	FrameBound start, end;
	int		   from, to;
} frames[] = {
	{FRAME_UNBOUNDED_PRECEDING, FRAME_CURRENT_ROW, 0, 0},
	{FRAME_UNBOUNDED_PRECEDING, FRAME_UNBOUNDED_FOLLOWING, 0, 0},
	{FRAME_CURRENT_ROW, FRAME_UNBOUNDED_FOLLOWING, 0, 0},
	{FRAME_PRECEDING, FRAME_FOLLOWING, 3, 2},
	{FRAME_PRECEDING, FRAME_PRECEDING, 9, 4},
	{FRAME_FOLLOWING, FRAME_FOLLOWING, 1, 3},
	{FRAME_FOLLOWING, FRAME_FOLLOWING, 6, 3},
	{FRAME_UNBOUNDED_PRECEDING, FRAME_FOLLOWING, 0, 5},
	{FRAME_PRECEDING, FRAME_CURRENT_ROW, 0, 0},
};

START_TEST(aggregates_over_frames)
{
	static const char *const names[] = {"SUM", "COUNT", "MAX"};
	const Expr				*partition[1] = {column(0)};
	BenchRow				*rows = bench_random(400, 6, 11);

	for (int variant = 0; variant < 6; variant++)
		for (size_t f = 0; f < sizeof frames / sizeof frames[0]; f++)
			for (int unit = FRAME_ROWS; unit <= FRAME_GROUPS; unit++) {
				SortKey			   order[1] = {{column(1), variant % 2 == 1, variant / 2 % 2 == 1}};
				WindowFunctionItem items[3];
				WindowFunctionSpec spec = {variant % 3 != 0, partition, variant < 5, order, 3, items, 0};
				StrBuf			   expected = {0};
				bool			   has_offset = frames[f].start == FRAME_PRECEDING || frames[f].start == FRAME_FOLLOWING ||
									frames[f].end == FRAME_FOLLOWING;

				if (spec.n_order == 0 && unit == FRAME_RANGE && has_offset)
					continue;
				for (int i = 0; i < 3; i++) {
					AggregateItem a = aggregate(names[i], 1);

					items[i] = framed((WindowFunctionItem){.kind = WINDOW_FUNCTION_AGGREGATE, .aggregate = a, .type = a.type},
									  (FrameUnit)unit, frames[f].start, frames[f].from, frames[f].end, frames[f].to);
				}
				current = &spec;
				run(&spec, rows, 400, 90);
				expect(&expected, rows, 400);
				ck_assert_msg(strcmp(strbuf_text(&expected), strbuf_text(&collected)) == 0, "variant %d, frame %d, unit %d: expected\n%.400s\ngot\n%.400s",
							  variant, (int)f, unit, strbuf_text(&expected), strbuf_text(&collected));
				strbuf_free(&expected);
			}
	free(rows);
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("window_function");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, functions_of_one_partition);
	tcase_add_test(tcase, wrong_arguments_are_refused);
	tcase_add_test(tcase, aggregates_over_frames);
	return bench_main(tcase, "window_function");
}
