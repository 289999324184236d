/* Sorting against a plain stable sort; DISTINCT, INTERSECT and EXCEPT against counting. */
#include "exec/op/sort.h"
#include "tests/unit/op_bench.h"

static const SortSpec *current;

static int
compare_integers(int64_t a, int64_t b, const SortKey *key)
{
	if (a == BENCH_NULL || b == BENCH_NULL)
		return ((a == BENCH_NULL) - (b == BENCH_NULL)) * (key->nulls_first ? -1 : 1);
	return ((a > b) - (a < b)) * (key->descending ? -1 : 1);
}

/* The two characters of the random texts whose UTF-16 order differs are U+1F600 and U+FFFD. */
static int
compare_texts(const char *a, const char *b, const SortKey *key)
{
	int order;

	if (a == NULL || b == NULL)
		return ((a == NULL) - (b == NULL)) * (key->nulls_first ? -1 : 1);
	order = strcmp(a, b);
	if (current->ksqldb_order && (unsigned char)a[0] >= 0xe0 && (unsigned char)b[0] >= 0xe0)
		order = -order;
	return ((order > 0) - (order < 0)) * (key->descending ? -1 : 1);
}

/* Keys are columns by number; number 3 is k + v. */
static int
compare_rows(const BenchRow *a, const BenchRow *b)
{
	for (int i = 0; i < current->n_keys; i++) {
		const SortKey *key = &current->keys[i];
		int			   order;

		if (key->expr->kind != EXPR_COLUMN) {
			int64_t x = a->k == BENCH_NULL || a->v == BENCH_NULL ? BENCH_NULL : a->k + a->v;
			int64_t y = b->k == BENCH_NULL || b->v == BENCH_NULL ? BENCH_NULL : b->k + b->v;

			order = compare_integers(x, y, key);
		} else if (key->expr->index == 2) {
			order = compare_texts(a->t, b->t, key);
		} else {
			order = key->expr->index == 0 ? compare_integers(a->k, b->k, key) : compare_integers(a->v, b->v, key);
		}
		if (order != 0)
			return order;
	}
	return 0;
}

static void
expect_sorted(const BenchRow *rows, int n, StrBuf *out)
{
	int		 *order = xcalloc((size_t)n + 1, sizeof *order);
	int64_t	  end = current->n_rows >= 0 && current->n_skip + current->n_rows < n ? current->n_skip + current->n_rows : n;

	for (int i = 0; i < n; i++) {
		int at = i;

		for (; at > 0 && compare_rows(&rows[i], &rows[order[at - 1]]) < 0; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	for (int64_t i = current->n_skip; i < end; i++) {
		strbuf_add_text(out, "+");
		bench_add_row(out, &rows[order[i]]);
		strbuf_add_text(out, "\n");
	}
	free(order);
}

static const Expr *
key_expr(int number)
{
	Expr *args[2] = {expr_column(&spec_arena, 0, type_bigint, "K"), expr_column(&spec_arena, 1, type_bigint, "V")};
	Expr *sum;

	if (number < 2)
		return args[number];
	if (number == 2)
		return expr_column(&spec_arena, 2, type_string, "T");
	sum = expr_new(&spec_arena, EXPR_ARITHMETIC, type_bigint, arena_memdup(&spec_arena, args, sizeof args), 2);
	sum->op = ARITH_ADD;
	sum->standard = true;
	return sum;
}

static void
check_sort(const SortSpec *spec, const BenchRow *rows, int n)
{
	static const int sizes[] = {1, 100, 2048};
	StrBuf			 expected = {0};
	Error			 err;

	current = spec;
	expect_sorted(rows, n, &expected);
	for (int s = 0; s < 4; s++) {
		Bench bench, clone;
		int	  half = s == 3 ? n / 2 : n;

		strbuf_clear(&collected);
		bench_open(&bench, &op_sort, spec, 1, NULL, false);
		bench_push(&bench, 0, rows, half, sizes[s % 3]);
		if (s == 3) {
			bench_open(&clone, &op_sort, spec, 1, bench.op, true);
			bench_push(&clone, 0, rows + half, n - half, 77);
			ck_assert_int_eq(op_sort.merge(bench.op, clone.op, &err), OK);
			bench_close(&clone);
		}
		bench_finish(&bench, 0);
		bench_close(&bench);
		ck_assert_msg(collected.length == expected.length && memcmp(strbuf_text(&collected), strbuf_text(&expected), expected.length) == 0,
					  "case %d of %d rows, %lld to show: expected\n%.300s\nbut got\n%.300s", s, n, (long long)spec->n_rows,
					  strbuf_text(&expected), strbuf_text(&collected));
	}
	strbuf_free(&expected);
}

START_TEST(sorts_as_insertion_does)
{
	static const int	 counts[] = {0, 1, 20, 300, 4000};
	static const int64_t limits[] = {-1, 1, 10, 1500};

	for (int c = 0; c < 5; c++)
		for (unsigned seed = 0; seed < 6; seed++) {
			BenchRow *rows = bench_random(counts[c], 30, seed + 1);
			SortKey	  keys[3];
			SortSpec  spec = {.n_keys = 1 + (int)seed % 3, .keys = keys, .n_rows = limits[seed % 4], .n_skip = seed == 2 ? 7 : 0,
							  .ksqldb_order = seed % 2 == 1};

			for (int k = 0; k < spec.n_keys; k++)
				keys[k] = (SortKey){key_expr((k * 3 + (int)seed) % 4), (seed + (unsigned)k) % 2 == 0, (seed / 2 + (unsigned)k) % 2 == 0};
			check_sort(&spec, rows, counts[c]);
			free(rows);
		}
}
END_TEST

/* More rows than a top-n keeps before it forgets. */
START_TEST(top_n_forgets)
{
	BenchRow *rows = bench_random(12000, 5000, 3);
	SortKey	  keys[1] = {{key_expr(0), true, false}};
	SortSpec  spec = {.n_keys = 1, .keys = keys, .n_rows = 5};
	Bench	  bench;
	StrBuf	  expected = {0};

	strbuf_clear(&collected);
	bench_open(&bench, &op_sort, &spec, 1, NULL, false);
	bench_push(&bench, 0, rows, 12000, 500);
	ck_assert_int_lt(bench.op->state_rows, 10000);
	bench_finish(&bench, 0);
	bench_close(&bench);
	for (int i = 0; i < 5; i++) {
		int best = -1;

		for (int j = 0; j < 12000; j++)
			if (rows[j].k != BENCH_NULL && (best < 0 || rows[j].k > rows[best].k))
				best = j;
		strbuf_add_text(&expected, "+");
		bench_add_row(&expected, &rows[best]);
		strbuf_add_text(&expected, "\n");
		rows[best].k = BENCH_NULL;
	}
	ck_assert_str_eq(strbuf_text(&expected), strbuf_text(&collected));
	strbuf_free(&expected);
	free(rows);
}
END_TEST

START_TEST(budget_stops_it)
{
	BenchRow	*rows = bench_random(5000, 30, 1);
	SortKey		 keys[1] = {{key_expr(0), false, false}};
	SortSpec	 spec = {.n_keys = 1, .keys = keys, .n_rows = -1};
	MemoryBudget budget = {.limit_bytes = 50000};
	Bench		 bench;
	Error		 err = {0};

	bench_open(&bench, &op_sort, &spec, 1, NULL, false);
	bench.task.services.budget = &budget;
	op_close(bench.op);
	ck_assert_int_ne(op_open(bench.op, &err), FAILED);
	ck_assert_int_eq(bench_try_push(&bench, 0, rows, 5000, 500, &err), FAILED);
	ck_assert_ptr_nonnull(strstr(err.message, "ORDER BY"));
	bench_close(&bench);
	ck_assert_int_eq(budget.used_bytes, 0);
	free(rows);
}
END_TEST

static bool
same_row(const BenchRow *a, const BenchRow *b)
{
	return a->k == b->k && (a->t == NULL) == (b->t == NULL) && (a->t == NULL || strcmp(a->t, b->t) == 0) && a->v == b->v;
}

static int
count_row(const BenchRow *rows, int n, const BenchRow *row)
{
	int found = 0;

	for (int i = 0; i < n; i++)
		found += same_row(&rows[i], row);
	return found;
}

static BenchRow *
random_few(int n, unsigned seed)
{
	BenchRow *rows = bench_random(n, 6, seed);

	for (int i = 0; i < n; i++)
		rows[i].v = rows[i].v == BENCH_NULL ? BENCH_NULL : rows[i].v % 2;
	return rows;
}

START_TEST(distinct_passes_the_first)
{
	BenchRow *rows = random_few(1000, 5);

	for (int size = 1; size < 2000; size = size * 30 + 3) {
		DistinctSpec spec = {.n_columns = 3};
		StrBuf		 expected = {0};
		Bench		 bench, clone;
		Error		 err;

		strbuf_clear(&collected);
		bench_open(&bench, &op_distinct, &spec, 1, NULL, false);
		bench_open(&clone, &op_distinct, &spec, 1, bench.op, true);
		bench_push(&bench, 0, rows, 600, size);
		bench_push(&clone, 0, rows + 600, 400, size);
		ck_assert_int_eq(op_distinct.merge(bench.op, clone.op, &err), OK);
		bench_finish(&bench, 0);
		bench_close(&clone);
		bench_close(&bench);
		for (int i = 0; i < 1000; i++)
			if (count_row(rows, i, &rows[i]) == 0) {
				strbuf_add_text(&expected, "+");
				bench_add_row(&expected, &rows[i]);
				strbuf_add_text(&expected, "\n");
			}
		ck_assert_str_eq(strbuf_text(&expected), strbuf_text(&collected));
		strbuf_free(&expected);
	}
	free(rows);
}
END_TEST

START_TEST(set_operations_count)
{
	BenchRow *left = random_few(300, 8), *right = random_few(200, 9);

	for (int kind = 0; kind < 4; kind++) {
		SetOpSpec spec = {.is_except = kind % 2 == 1, .all = kind >= 2};
		StrBuf	  expected = {0};
		Bench	  bench;

		strbuf_clear(&collected);
		bench_open(&bench, &op_set_op, &spec, 2, NULL, false);
		bench_push(&bench, 1, right, 200, 33);
		bench_finish(&bench, 1);
		bench_push(&bench, 0, left, 300, 50);
		bench_finish(&bench, 0);
		bench_close(&bench);
		for (int i = 0; i < 300; i++) {
			int	 before = count_row(left, i, &left[i]), there = count_row(right, 200, &left[i]);
			bool passes = spec.all ? (before < there) != spec.is_except : before == 0 && (there > 0) != spec.is_except;

			if (passes) {
				strbuf_add_text(&expected, "+");
				bench_add_row(&expected, &left[i]);
				strbuf_add_text(&expected, "\n");
			}
		}
		ck_assert_str_eq(strbuf_text(&expected), strbuf_text(&collected));
		strbuf_free(&expected);
	}
	free(left);
	free(right);
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("sort");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, sorts_as_insertion_does);
	tcase_add_test(tcase, top_n_forgets);
	tcase_add_test(tcase, budget_stops_it);
	tcase_add_test(tcase, distinct_passes_the_first);
	tcase_add_test(tcase, set_operations_count);
	return bench_main(tcase, "sort");
}
