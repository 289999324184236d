/* Filters of join keys: no key is ever left out, few others pass, and an exact filter passes none. */
#include <check.h>
#include <stdlib.h>

#include "data/key_filter.h"

static Arena arena;

static Vector *
integers(const Type *type, const int64_t *values, int32_t n)
{
	Vector *v = vector_new(&arena, type, n);

	for (int32_t i = 0; i < n; i++) {
		Value value = {.type = type, .integer = values[i]};

		vector_set(v, &arena, i, &value);
	}
	return v;
}

/* n keys `step` apart from `first` on are asked for, and what lies between them. */
static int32_t
wrong_ones(int64_t first, int64_t step, int32_t n, MemoryBudget *budget)
{
	KeyFilter filter;
	int64_t	 *keys = arena_array(&arena, int64_t, n), *others = arena_array(&arena, int64_t, n);
	uint32_t *out = arena_array(&arena, uint32_t, n);
	int32_t	  wrong;

	for (int32_t i = 0; i < n; i++) {
		keys[i] = (int64_t)((uint64_t)first + (uint64_t)step * (uint64_t)i);
		others[i] = keys[i] + 1;
	}
	ck_assert(key_filter_build(&filter, integers(type_bigint, keys, n), n, budget));
	ck_assert_int_eq(filter.least, keys[0]);
	ck_assert_int_eq(filter.greatest, keys[n - 1]);
	ck_assert_int_eq(key_filter_select(&filter, integers(type_bigint, keys, n), NULL, n, out, &arena), n);
	for (int32_t i = 0; i < n; i++)
		ck_assert_uint_eq(out[i], (uint32_t)i);
	wrong = key_filter_select(&filter, integers(type_bigint, others, n), NULL, n, out, &arena);
	key_filter_free(&filter);
	ck_assert_int_eq(budget->used_bytes, 0);
	arena_reset(&arena);
	return wrong;
}

START_TEST(close_keys_are_exact)
{
	MemoryBudget budget = {0};

	ck_assert_int_eq(wrong_ones(1, 4, 20000, &budget), 0);
	ck_assert_int_eq(wrong_ones(-700, 2, 300, &budget), 0);
	ck_assert_int_eq(wrong_ones(INT64_MIN, 3, 100, &budget), 0);
	ck_assert_int_eq(wrong_ones(42, 1, 1, &budget), 0);
}
END_TEST

START_TEST(scattered_keys_pass_few_others)
{
	MemoryBudget budget = {0};

	ck_assert_int_lt(wrong_ones(5, 1000003, 20000, &budget), 20000 / 20);
	ck_assert_int_lt(wrong_ones(INT64_MIN, INT64_MAX / 10000, 20000, &budget), 20000 / 20);
}
END_TEST

START_TEST(nulls_and_narrow_types)
{
	MemoryBudget budget = {0};
	KeyFilter	 filter;
	int64_t		 keys[] = {7, 100, 9}, asked[] = {9, 7, 8, 100, 7};
	Vector		*with_null = integers(type_bigint, keys, 3), *dates = integers(type_date, asked, 5);
	uint32_t	 rows[] = {0, 1, 2, 4};

	vector_set_null(with_null, &arena, 1);
	ck_assert(key_filter_build(&filter, with_null, 3, &budget));
	vector_set_null(dates, &arena, 0);
	ck_assert_int_eq(key_filter_select(&filter, dates, NULL, 5, rows, &arena), 2);
	ck_assert_uint_eq(rows[0], 1);
	ck_assert_uint_eq(rows[1], 4);
	rows[0] = 2;
	ck_assert_int_eq(key_filter_select(&filter, dates, rows, 2, rows, &arena), 1);
	ck_assert_uint_eq(rows[0], 4);
	key_filter_free(&filter);
	vector_set_null(with_null, &arena, 0);
	vector_set_null(with_null, &arena, 2);
	ck_assert(key_filter_build(&filter, with_null, 3, &budget));
	ck_assert_int_eq(key_filter_select(&filter, dates, NULL, 5, rows, &arena), 0);
	key_filter_free(&filter);
}
END_TEST

START_TEST(without_memory_there_is_none)
{
	MemoryBudget budget = {.limit_bytes = 8};
	KeyFilter	 filter;
	int64_t		 keys[] = {1, 2};

	ck_assert(!key_filter_build(&filter, integers(type_bigint, keys, 2), 2, &budget));
	key_filter_free(&filter);
	ck_assert_int_eq(budget.used_bytes, 0);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("key_filter");
	TCase	*tc = tcase_create("all");
	SRunner *runner;
	int		 failed;

	tcase_add_test(tc, close_keys_are_exact);
	tcase_add_test(tc, scattered_keys_pass_few_others);
	tcase_add_test(tc, nulls_and_narrow_types);
	tcase_add_test(tc, without_memory_there_is_none);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	arena_free(&arena);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
