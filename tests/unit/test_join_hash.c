/*
 * The hash join against two nested loops: every kind, keys of each path of the table, with and without a condition; in memory, by clones, and
 * through temporary files in partitions and in chunks.
 */
#include "exec/op/join_hash.h"
#include "tests/unit/op_bench.h"

/* Less than the rows of any test take: each block of a temporary file is a chunk of its own. */
enum { LITTLE_BYTES = 34 << 10 };

typedef enum Keys { KEYS_NONE, KEYS_INTEGER, KEYS_TEXT, KEYS_BOTH, KEYS_COMPUTED } Keys;

static const Type *types[3];

static Expr *
column(int index)
{
	return expr_column(&spec_arena, index, index % 3 == 2 ? type_string : type_bigint, "C");
}

static Expr *
plus_one(Expr *e)
{
	Expr *args[2] = {e, expr_constant(&spec_arena, value_integer(type_bigint, 1))};
	Expr *sum = expr_new(&spec_arena, EXPR_ARITHMETIC, type_bigint, arena_memdup(&spec_arena, args, sizeof args), 2);

	sum->op = ARITH_ADD;
	sum->standard = true;
	return sum;
}

/* left.v < right.v */
static const Expr *
residual_expr(void)
{
	Expr *args[2] = {column(1), column(4)};
	Expr *e = expr_new(&spec_arena, EXPR_COMPARE, type_boolean, arena_memdup(&spec_arena, args, sizeof args), 2);

	e->op = COMPARE_LT;
	e->standard = true;
	return e;
}

static JoinHashSpec *
spec_new(JoinKind kind, Keys keys, bool has_residual)
{
	JoinHashSpec *spec = arena_new(&spec_arena, JoinHashSpec);
	const Expr	**left = arena_array(&spec_arena, const Expr *, 2), **right = arena_array(&spec_arena, const Expr *, 2);

	types[0] = types[1] = type_bigint;
	types[2] = type_string;
	spec->kind = kind;
	spec->left_keys = left;
	spec->right_keys = right;
	spec->n_left = spec->n_right = 3;
	spec->left_types = spec->right_types = types;
	if (keys == KEYS_INTEGER || keys == KEYS_BOTH) {
		left[spec->n_keys] = column(0);
		right[spec->n_keys++] = column(0);
	}
	if (keys == KEYS_TEXT || keys == KEYS_BOTH) {
		left[spec->n_keys] = column(2);
		right[spec->n_keys++] = column(2);
	}
	if (keys == KEYS_COMPUTED) {
		left[spec->n_keys] = plus_one(column(0));
		right[spec->n_keys++] = plus_one(column(0));
	}
	spec->residual = has_residual ? residual_expr() : NULL;
	return spec;
}

/* 1: equal, 0: not, -1: a NULL leaves it open. */
static int
equal(bool a_null, bool b_null, bool is_equal, bool null_safe)
{
	if (a_null || b_null)
		return null_safe ? a_null && b_null : -1;
	return is_equal;
}

static int
keys_match(const JoinHashSpec *spec, Keys keys, const BenchRow *a, const BenchRow *b)
{
	int integer = equal(a->k == BENCH_NULL, b->k == BENCH_NULL, a->k == b->k, spec->null_safe);
	int text = equal(a->t == NULL, b->t == NULL, a->t != NULL && b->t != NULL && strcmp(a->t, b->t) == 0, spec->null_safe);

	switch (keys) {
	case KEYS_NONE:
		return 1;
	case KEYS_TEXT:
		return text;
	case KEYS_BOTH:
		return integer == 0 || text == 0 ? 0 : integer == 1 && text == 1 ? 1 : -1;
	default:
		return integer;
	}
}

static void
add_line(StrBuf *out, const BenchRow *a, const BenchRow *b, bool has_right)
{
	strbuf_add_text(out, "+");
	bench_add_row(out, a);
	if (has_right)
		bench_add_row(out, b);
	strbuf_add_text(out, "\n");
}

static void
expect_join(const JoinHashSpec *spec, Keys keys, const BenchRow *l, int nl, const BenchRow *r, int nr, StrBuf *out)
{
	bool *used = xcalloc((size_t)nr + 1, 1);

	for (int i = 0; i < nl; i++) {
		bool matched = false, open = false;

		for (int j = 0; j < nr; j++) {
			int	 match = keys_match(spec, keys, &l[i], &r[j]);
			bool passes = spec->residual == NULL || (l[i].v != BENCH_NULL && r[j].v != BENCH_NULL && l[i].v < r[j].v);

			if (passes && match == -1)
				open = true;
			if (!passes || match != 1)
				continue;
			matched = used[j] = true;
			if (spec->kind != JOIN_SEMI && spec->kind != JOIN_ANTI)
				add_line(out, &l[i], &r[j], true);
		}
		if (!matched && (spec->kind == JOIN_LEFT || spec->kind == JOIN_FULL))
			add_line(out, &l[i], NULL, true);
		if ((spec->kind == JOIN_SEMI && matched) || (spec->kind == JOIN_ANTI && !matched && !(spec->null_aware && open)))
			add_line(out, &l[i], NULL, false);
	}
	for (int j = 0; j < nr; j++)
		if (!used[j] && (spec->kind == JOIN_RIGHT || spec->kind == JOIN_FULL))
			add_line(out, NULL, &r[j], true);
	free(used);
}

static void
check_join(const JoinHashSpec *spec, Keys keys, const BenchRow *l, int nl, const BenchRow *r, int nr)
{
	StrBuf expected = {0};
	char   what[100];

	expect_join(spec, keys, l, nl, r, nr, &expected);
	for (int way = 0; way < 6; way++) {
		MemoryBudget little = {.limit_bytes = LITTLE_BYTES};
		SpillSpace	 space = {.env = &env_real, .directory = "/tmp", .budget = &little, .n_sharers = 1};
		Bench		 bench, clone;
		Error		 err;
		int			 nr_own = way == 2 ? nr / 2 : nr, nl_own = way == 2 ? nl / 2 : nl;

		strbuf_clear(&collected);
		bench_open_spilling(&bench, &op_join_hash, spec, 2, way >= 4 ? &space : NULL);
		if (way == 3)
			bench_push(&bench, 0, l, nl, 40);
		bench_push(&bench, 1, r, nr_own, way == 0 ? 1 : way == 4 ? 7 : 100);
		if (way == 2) {
			bench_open(&clone, &op_join_hash, spec, 2, bench.op, true);
			bench_push(&clone, 1, r + nr_own, nr - nr_own, 9);
			ck_assert_int_eq(op_join_hash.merge(bench.op, clone.op, &err), OK);
			bench_close(&clone);
		}
		bench_finish(&bench, 1);
		if (way != 3)
			bench_push(&bench, 0, l, nl_own, way == 0 ? 1 : way == 4 ? 60 : 100);
		if (way == 2) {
			bench_open(&clone, &op_join_hash, spec, 2, bench.op, false);
			bench_push(&clone, 0, l + nl_own, nl - nl_own, 50);
			bench_close(&clone);
		}
		bench_finish(&bench, 0);
		ck_assert_int_eq(bench.op->spilled_bytes > 0, way >= 4 && nr > 0);
		bench_close(&bench);
		ck_assert_int_eq(little.used_bytes, 0);
		snprintf(what, sizeof what, "%s, keys %d, condition %d, way %d", join_kind_name(spec->kind), keys, spec->residual != NULL, way);
		bench_check_lines(&expected, what);
	}
	strbuf_free(&expected);
}

START_TEST(joins_as_loops_do)
{
	BenchRow *left = bench_random(150, 40, 1), *right = bench_random(90, 40, 2);

	for (int kind = JOIN_INNER; kind <= JOIN_CROSS; kind++)
		for (int keys = KEYS_NONE; keys <= KEYS_COMPUTED; keys++)
			for (int residual = 0; residual < 2; residual++)
				for (int n = 0; n < 3; n++) {
					JoinHashSpec *spec = spec_new((JoinKind)kind, (Keys)keys, residual != 0);

					if (kind == JOIN_CROSS && (keys != KEYS_NONE || residual))
						continue;
					spec->null_safe = n == 2 && keys != KEYS_NONE;
					check_join(spec, (Keys)keys, left, n == 1 ? 20 : 150, right, n == 1 ? 0 : 90);
				}
	free(left);
	free(right);
}
END_TEST

START_TEST(not_in_knows_nulls)
{
	BenchRow *left = bench_random(80, 20, 3), *right = bench_random(30, 20, 4);

	for (int keys = KEYS_INTEGER; keys <= KEYS_COMPUTED; keys++)
		for (int residual = 0; residual < 2; residual++)
			for (int n = 0; n < 3; n++) {
				JoinHashSpec *spec = spec_new(JOIN_ANTI, (Keys)keys, residual != 0);

				spec->null_aware = true;
				if (n == 2)
					for (int i = 0; i < 30; i++) {
						right[i].k = right[i].k == BENCH_NULL ? 1 : right[i].k;
						right[i].t = right[i].t == NULL ? "b" : right[i].t;
					}
				check_join(spec, (Keys)keys, left, 80, right, n == 1 ? 0 : 30);
			}
	free(left);
	free(right);
}
END_TEST

/* More pairs than a batch, with duplicates in the order of the build rows. */
START_TEST(long_chains_are_cut)
{
	BenchRow *left = xcalloc(10, sizeof *left), *right = xcalloc(3000, sizeof *right);
	StrBuf	  expected = {0};
	Bench	  bench;

	for (int i = 0; i < 3000; i++)
		right[i] = (BenchRow){7, i, "a text of more than twelve"};
	for (int i = 0; i < 10; i++)
		left[i] = (BenchRow){i, 0, "l"};
	strbuf_clear(&collected);
	bench_open(&bench, &op_join_hash, spec_new(JOIN_LEFT, KEYS_INTEGER, false), 2, NULL, false);
	bench_push(&bench, 1, right, 3000, 700);
	bench_finish(&bench, 1);
	bench_push(&bench, 0, left, 10, 10);
	bench_finish(&bench, 0);
	bench_close(&bench);
	for (int i = 0; i < 10; i++)
		for (int j = 0; j < (i == 7 ? 3000 : 1); j++)
			add_line(&expected, &left[i], i == 7 ? &right[j] : NULL, true);
	ck_assert_str_eq(strbuf_text(&expected), strbuf_text(&collected));
	strbuf_free(&expected);
	free(left);
	free(right);
}
END_TEST

START_TEST(scalar_query_gives_one_row)
{
	BenchRow	  left[2] = {{1, 0, "l"}, {2, 0, "l"}}, right[3] = {{1, 5, "r"}, {2, 6, "r"}, {2, 7, "r"}};
	JoinHashSpec *spec = spec_new(JOIN_LEFT, KEYS_INTEGER, false);
	Error		  err = {0};

	spec->single = true;
	for (int n = 2; n <= 3; n++) {
		Bench bench;

		bench_open(&bench, &op_join_hash, spec, 2, NULL, false);
		bench_push(&bench, 1, right, n, 3);
		bench_finish(&bench, 1);
		ck_assert_int_eq(bench_try_push(&bench, 0, left, 2, 2, &err), n == 2 ? OK : FAILED);
		bench_close(&bench);
	}
	ck_assert_str_eq(err.message, "more than one row returned by a subquery used as an expression");
}
END_TEST

/* The second match of a row is in another chunk than the first. */
START_TEST(scalar_query_gives_one_row_from_files)
{
	enum { ROWS = 400 };

	BenchRow	 *right = xcalloc(ROWS, sizeof *right), left = {7, 0, "l"};
	MemoryBudget  little = {.limit_bytes = LITTLE_BYTES};
	SpillSpace	  space = {.env = &env_real, .directory = "/tmp", .budget = &little, .n_sharers = 1};

	for (int keys = KEYS_NONE; keys <= KEYS_INTEGER; keys++)
		for (int residual = 0; residual < 2; residual++)
			for (int second = 0; second < 2; second++) {
				JoinHashSpec *spec = spec_new(JOIN_LEFT, (Keys)keys, residual != 0);
				Error		  err = {0};
				Bench		  bench;

				/* Without a condition all rows of a key match, so there is one row of it. */
				for (int i = 0; i < ROWS; i++)
					right[i] = (BenchRow){residual != 0 || (second && i == ROWS - 1) || i == 0 ? 7 : 1000 + i, i == 0 || (second && i == ROWS - 1) ? 5 : -5, "a text of more than twelve"};
				if (keys == KEYS_NONE && !residual)
					continue;
				spec->single = true;
				bench_open_spilling(&bench, &op_join_hash, spec, 2, &space);
				bench_push(&bench, 1, right, ROWS, 50);
				bench_finish(&bench, 1);
				bench_push(&bench, 0, &left, 1, 1);
				ck_assert_int_eq(op_finish(bench.op, 0, &err), second ? FAILED : OK);
				if (second)
					ck_assert_str_eq(err.message, "more than one row returned by a subquery used as an expression");
				ck_assert_int_gt(bench.op->spilled_bytes, 0);
				bench_close(&bench);
				ck_assert_int_eq(little.used_bytes, 0);
			}
	free(right);
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("join_hash");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, joins_as_loops_do);
	tcase_add_test(tcase, not_in_knows_nulls);
	tcase_add_test(tcase, long_chains_are_cut);
	tcase_add_test(tcase, scalar_query_gives_one_row);
	tcase_add_test(tcase, scalar_query_gives_one_row_from_files);
	return bench_main(tcase, "join_hash");
}
