/* The table of a bounded join, built by one thread and by several: the same rows are found in the same order. */
#include <check.h>
#include <stdlib.h>

#include "exec/op/join_table.h"

enum { ROWS = 150000, FIRST_ROWS = 2000 };

static uint64_t
next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

/* Farther from each other than what a table by key takes. */
static const uint64_t FAR = 1000003;

/* A column of n rows with multiples of `step` below most * step; every thirteenth is NULL. */
static Vector *
random_multiples(Arena *arena, const Type *type, int32_t n, uint64_t most, uint64_t step, uint64_t seed)
{
	Vector *v = vector_new(arena, type, n);

	for (int32_t i = 0; i < n; i++) {
		uint64_t number = next_random(&seed) % most;
		Value	 value = {.type = type};

		if (number % 13 == 0)
			value = value_null(type);
		else if (type == type_string)
			value = value_text(type, str_of(arena_printf(arena, "a text that is not short %llu", (unsigned long long)number)));
		else
			value = value_integer(type, (int64_t)(number * step));
		vector_set(v, arena, i, &value);
	}
	return v;
}

static Vector *
random_column(Arena *arena, const Type *type, int32_t n, uint64_t most, uint64_t seed)
{
	return random_multiples(arena, type, n, most, 1, seed);
}

/* The first 60 rows of each of the first keys, one chain behind the other. */
static uint32_t *
chains(const JoinTable *table, const Vector *const *keys, Arena *arena, int *n)
{
	uint32_t *found = arena_array(arena, uint32_t, FIRST_ROWS), *out = arena_array(arena, uint32_t, 64 * FIRST_ROWS);
	const Vector *first[2];

	for (int k = 0; k < table->n_keys; k++)
		first[k] = vector_slice(arena, keys[k], 0, FIRST_ROWS);
	join_table_find(table, first, FIRST_ROWS, found, arena);
	*n = 0;
	for (int i = 0; i < FIRST_ROWS; i++) {
		uint32_t row = found[i];

		for (int length = 0; row != JOIN_NO_ROW && length < 60; length++, row = join_table_next(table, row))
			out[(*n)++] = row;
		out[(*n)++] = JOIN_NO_ROW;
	}
	return out;
}

static void
check_threads(const Vector *const *keys, int n_keys, bool null_safe)
{
	Arena	  arena = {0};
	MemoryBudget budget = {0};
	JoinTable one, many;
	Error	  err;
	uint32_t *wanted, *got;
	int		  n_wanted, n_got;

	ck_assert_int_eq(join_table_build(&one, keys, n_keys, ROWS, null_safe, 1, &budget, &err), OK);
	wanted = chains(&one, keys, &arena, &n_wanted);
	for (int threads = 2; threads <= 9; threads += 3) {
		ck_assert_int_eq(join_table_build(&many, keys, n_keys, ROWS, null_safe, threads, &budget, &err), OK);
		got = chains(&many, keys, &arena, &n_got);
		ck_assert_int_eq(n_got, n_wanted);
		ck_assert_int_eq(memcmp(got, wanted, sizeof *got * (size_t)n_got), 0);
		join_table_free(&many);
	}
	join_table_free(&one);
	ck_assert_int_eq(budget.used_bytes, 0);
	arena_free(&arena);
}

START_TEST(test_threads_integer)
{
	static const uint64_t mosts[] = {ROWS / 20, ROWS, 1ULL << 31};

	for (size_t m = 0; m < sizeof mosts / sizeof *mosts; m++) {
		Arena		  arena = {0};
		const Vector *keys[1] = {random_column(&arena, type_bigint, ROWS, mosts[m], m)};

		check_threads(keys, 1, false);
		check_threads(keys, 1, true);
		keys[0] = random_multiples(&arena, type_bigint, ROWS, mosts[m], FAR, m);
		check_threads(keys, 1, false);
		arena_free(&arena);
	}
}
END_TEST

/* Keys that lie close together and the same ones drawn apart: the same rows, for keys that are not there too. */
START_TEST(test_close_keys)
{
	enum { MOST = ROWS * 2, ASKED = BATCH_ROWS };
	static const int64_t bases[] = {0, -MOST / 2, INT64_MAX - MOST + 1, INT64_MIN};

	for (size_t b = 0; b < sizeof bases / sizeof *bases; b++) {
		Arena		  arena = {0};
		Vector		 *close = random_column(&arena, type_bigint, ROWS, MOST, b), *far = random_multiples(&arena, type_bigint, ROWS, MOST, FAR, b);
		const Vector *keys[2] = {close, far}, *asked[2];
		Vector		 *close_asked = vector_new(&arena, type_bigint, ASKED), *far_asked = vector_new(&arena, type_bigint, ASKED);
		uint32_t	  found[2][ASKED];
		JoinTable	  tables[2];
		Error		  err;
		int			  n_found = 0;

		for (int i = 0; i < ROWS; i++)
			((int64_t *)close->data)[i] = (int64_t)((uint64_t)((int64_t *)close->data)[i] + (uint64_t)bases[b]);
		for (int i = 0; i < ASKED; i++) {
			int64_t number = i * 160 - 1000;	/* some are below the least, some above the greatest */

			((int64_t *)close_asked->data)[i] = (int64_t)((uint64_t)number + (uint64_t)bases[b]);
			((int64_t *)far_asked->data)[i] = number * (int64_t)FAR;
		}
		asked[0] = close_asked;
		asked[1] = far_asked;
		for (int t = 0; t < 2; t++) {
			ck_assert_int_eq(join_table_build(&tables[t], &keys[t], 1, ROWS, false, 2, NULL, &err), OK);
			join_table_find(&tables[t], &asked[t], ASKED, found[t], &arena);
		}
		ck_assert(tables[0].direct != NULL && tables[1].direct == NULL);
		for (int i = 0; i < ASKED; i++) {
			uint32_t close_row = found[0][i], far_row = found[1][i];

			for (; close_row != JOIN_NO_ROW || far_row != JOIN_NO_ROW; n_found++) {
				ck_assert_uint_eq(close_row, far_row);
				close_row = join_table_next(&tables[0], close_row);
				far_row = join_table_next(&tables[1], far_row);
			}
		}
		ck_assert_int_gt(n_found, ASKED / 4);
		join_table_free(&tables[0]);
		join_table_free(&tables[1]);
		arena_free(&arena);
	}
}
END_TEST

/* Keys that are all searched for at the end of the first half of the entries, more than have room there. */
START_TEST(test_threads_border)
{
	enum { BITS = 18, NEAR = 60, SOME = 300 };	/* of a table for ROWS rows */
	Arena		arena = {0};
	Vector	   *column = random_column(&arena, type_bigint, ROWS, ROWS, 5);
	const Vector *keys[1] = {column};
	int			n = 0;

	/* So that it is a table by hash. */
	vector_set(column, &arena, ROWS - 1, &(Value){.type = type_bigint, .integer = (int64_t)1 << 50});
	for (uint64_t key = 1; n < SOME; key++) {
		uint64_t entry = key * 0x9e3779b97f4a7c15ULL >> (64 - BITS);	/* as in join_table.c; keys here are below 2^32 */

		if (entry >= (1 << (BITS - 1)) || entry < (1 << (BITS - 1)) - NEAR)
			continue;
		ck_assert_uint_lt(key, UINT32_MAX);
		for (int copy = 0; copy < 3; copy++)
			vector_set(column, &arena, n + copy * 1000, &(Value){.type = type_bigint, .integer = (int64_t)key});
		n++;
	}
	check_threads(keys, 1, false);
	arena_free(&arena);
}
END_TEST

START_TEST(test_threads_slots)
{
	Arena		  arena = {0};
	const Vector *keys[2] = {random_column(&arena, type_string, ROWS, ROWS / 20, 7), random_column(&arena, type_integer, ROWS, 5, 8)};

	check_threads(keys, 1, false);
	check_threads(keys, 2, false);
	check_threads(keys, 2, true);
	arena_free(&arena);
}
END_TEST

/* What does not fit is refused, whichever thread finds out, and nothing stays reserved. */
START_TEST(test_threads_budget)
{
	Arena		  arena = {0};
	const Vector *keys[1] = {random_multiples(&arena, type_bigint, ROWS, ROWS / 20, FAR, 3)};
	MemoryBudget  budget = {0};
	JoinTable	  table;
	Error		  err;
	int64_t		  whole;

	ck_assert_int_eq(join_table_build(&table, keys, 1, ROWS, false, 4, &budget, &err), OK);
	whole = budget.used_bytes;
	join_table_free(&table);
	for (int64_t limit = whole / 5; limit < whole; limit += whole / 5) {
		budget.limit_bytes = limit;
		ck_assert_int_eq(join_table_build(&table, keys, 1, ROWS, false, 4, &budget, &err), FAILED);
		join_table_free(&table);
		ck_assert_int_eq(budget.used_bytes, 0);
	}
	arena_free(&arena);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("join_table");
	TCase	*tc = tcase_create("threads");
	SRunner *runner = srunner_create(suite);
	int		 n_failed;

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_threads_integer);
	tcase_add_test(tc, test_close_keys);
	tcase_add_test(tc, test_threads_border);
	tcase_add_test(tc, test_threads_slots);
	tcase_add_test(tc, test_threads_budget);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed == 0 ? 0 : 1;
}
