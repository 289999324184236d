/* The ordered table behind operators' state: against a plain model, and what it tells the backend. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/arena.h"
#include "exec/state/state.h"

enum { N_KEYS = 5000 };

/* A backend that is an array of N_KEYS optional values (keys are numbers as text). */
typedef struct FakeBackend {
	StateBackend base;
	int			 stored[N_KEYS]; /* -1: none */
	int			 n_calls;
	char		 last_key[32];
	bool		 is_ordered;
} FakeBackend;

static Status
fake_scan(StateBackend *base, int op_id, int table, StateVisitor visit, void *context, Error *err)
{
	FakeBackend *fake = (FakeBackend *)base;

	ck_assert_int_eq(op_id, 7);
	ck_assert_int_eq(table, 1);
	for (int i = 0; i < N_KEYS; i++) {
		char key[32], value[32];

		if (fake->stored[i] < 0)
			continue;
		snprintf(key, sizeof key, "key-%06d", i);
		snprintf(value, sizeof value, "%d", fake->stored[i]);
		TRY(visit(context, str_of(key), str_of(value), err));
	}
	return OK;
}

static void
fake_note(FakeBackend *fake, Str key)
{
	char text[32];

	snprintf(text, sizeof text, "%.*s", (int)key.length, key.data);
	if (fake->n_calls++ > 0 && strcmp(fake->last_key, text) > 0)
		fake->is_ordered = false;
	strcpy(fake->last_key, text);
}

static void
fake_put(StateBackend *base, int op_id, int table, Str key, Str value)
{
	FakeBackend *fake = (FakeBackend *)base;
	char		 text[32];

	(void)op_id, (void)table;
	fake_note(fake, key);
	snprintf(text, sizeof text, "%.*s", (int)value.length, value.data);
	fake->stored[atoi(fake->last_key + 4)] = atoi(text);
}

static void
fake_remove(StateBackend *base, int op_id, int table, Str key)
{
	FakeBackend *fake = (FakeBackend *)base;

	(void)op_id, (void)table;
	fake_note(fake, key);
	ck_assert_int_ge(fake->stored[atoi(fake->last_key + 4)], 0);
	fake->stored[atoi(fake->last_key + 4)] = -1;
}

static void
compare_with_model(StateTable *table, const int *model)
{
	Error	error;
	Str		key, value;
	int		at = 0;
	int64_t n = 0;

	(void)error;
	for (StateCursor c = state_table_seek(table, STR("")); state_cursor_next(&c, &key, &value); at++) {
		char expected_key[32], expected_value[32];

		while (at < N_KEYS && model[at] < 0)
			at++;
		ck_assert_int_lt(at, N_KEYS);
		snprintf(expected_key, sizeof expected_key, "key-%06d", at);
		snprintf(expected_value, sizeof expected_value, "%d", model[at]);
		ck_assert(str_equal(key, str_of(expected_key)));
		ck_assert(str_equal(value, str_of(expected_value)));
		n++;
	}
	while (at < N_KEYS)
		ck_assert_int_lt(model[at++], 0);
	ck_assert_int_eq(n, state_table_count(table));
}

START_TEST(table_agrees_with_a_model)
{
	static int	 model[N_KEYS];
	FakeBackend *fake = xcalloc(1, sizeof *fake);
	MemoryBudget budget = {.limit_bytes = 64 << 20};
	StateTable	*table;
	Error		 error;

	fake->base = (StateBackend){fake_scan, fake_put, fake_remove};
	for (int i = 0; i < N_KEYS; i++)
		model[i] = fake->stored[i] = -1;
	srand(42);
	for (int round = 0; round < 6; round++) {
		ck_assert_int_eq(state_table_open(&fake->base, 7, 1, &budget, "test", &table, &error), OK);
		compare_with_model(table, model);
		for (int i = 0; i < 20000; i++) {
			int	 k = rand() % N_KEYS;
			char key[32], value[32];
			Str	 got;

			if (round == 2)
				k = i % N_KEYS;
			snprintf(key, sizeof key, "key-%06d", k);
			if (rand() % (round % 2 == 1 ? 2 : 5) == 0) {
				ck_assert_int_eq(state_table_remove(table, str_of(key)), model[k] >= 0);
				model[k] = -1;
			} else {
				model[k] = rand() % (1 << (rand() % 30));
				snprintf(value, sizeof value, "%d", model[k]);
				ck_assert_int_eq(state_table_put(table, str_of(key), str_of(value), &error), OK);
				ck_assert(state_table_get(table, str_of(key), &got) && str_equal(got, str_of(value)));
			}
			if (i % 7000 == 6999) {
				fake->n_calls = 0;
				fake->is_ordered = true;
				state_table_flush(table);
				ck_assert(fake->is_ordered);
			}
		}
		if (round == 4) {
			ck_assert_int_gt(state_table_remove_range(table, STR("key-001000"), STR("key-003000")), 0);
			for (int k = 1000; k < 3000; k++)
				model[k] = -1;
		}
		compare_with_model(table, model);
		state_table_flush(table);
		for (int i = 0; i < N_KEYS; i++)
			ck_assert_int_eq(model[i], fake->stored[i]);
		state_table_close(table);
		ck_assert_int_eq(budget.used_bytes, 0);
	}
	free(fake);
}
END_TEST

START_TEST(keys_are_ordered_by_bytes)
{
	StateTable *table;
	Error		error;
	Str			key, value, keys[] = {{"", 0}, {"\0", 1}, {"\0\0", 2}, {"a", 1}, {"a\0", 2}, {"abcdefgh", 8}, {"abcdefghi", 9}, {"\xff", 1}};
	int			n = sizeof keys / sizeof *keys, i = 0;

	ck_assert_int_eq(state_table_open(NULL, 0, 0, NULL, "test", &table, &error), OK);
	for (int k = n - 1; k >= 0; k--)
		ck_assert_int_eq(state_table_put(table, keys[k], keys[k], &error), OK);
	for (StateCursor c = state_table_seek(table, STR("")); state_cursor_next(&c, &key, &value); i++)
		ck_assert(str_equal(key, keys[i]) && str_equal(value, keys[i]));
	ck_assert_int_eq(i, n);
	ck_assert_int_eq(state_table_remove_range(table, STR("a"), STR("")), 5);
	ck_assert_int_eq(state_table_count(table), 3);
	state_table_close(table);
}
END_TEST

START_TEST(budget_is_kept)
{
	MemoryBudget budget = {.limit_bytes = 1 << 20};
	StateTable	*table;
	Error		 error;
	Status		 status = OK;
	char		 value[1000] = {0};

	ck_assert_int_eq(state_table_open(NULL, 0, 0, &budget, "test", &table, &error), OK);
	for (int i = 0; i < 2000 && status == OK; i++) {
		char key[16];

		snprintf(key, sizeof key, "%d", i);
		status = state_table_put(table, str_of(key), str_make(value, sizeof value), &error);
	}
	ck_assert_int_eq(status, FAILED);
	state_table_close(table);
	ck_assert_int_eq(budget.used_bytes, 0);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("state");
	TCase	*tcase = tcase_create("state");
	SRunner *runner;
	int		 n_failed;

	tcase_add_test(tcase, table_agrees_with_a_model);
	tcase_add_test(tcase, keys_are_ordered_by_bytes);
	tcase_add_test(tcase, budget_is_kept);
	tcase_set_timeout(tcase, 120);	/* slow under a sanitizer on a busy machine */
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed != 0;
}
