/*
 * Aggregate functions: values in, result after each row out.  Each case is also run split in two states that are merged,
 * through save and load, and (where a function can) with a row added and taken back.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "exec/expr/program.h"
#include "exec/func/agg_impl.h"

static Arena   arena;
static int64_t used_bytes;
static int64_t sequence;

static const Aggregate *
find_row(const char *name, const char *signature, bool standard)
{
	for (int f = 0; aggregate_families[f] != NULL; f++)
		for (int i = 0; aggregate_families[f][i].name != NULL; i++) {
			const Aggregate *row = &aggregate_families[f][i];

			if (strcmp(row->name, name) == 0 && strcmp(row->signature, signature) == 0 &&
				row->dialect != (standard ? FUNCTION_KSQLDB : FUNCTION_STANDARD))
				return row;
		}
	ck_abort_msg("no aggregate %s %s", name, signature);
	return NULL;
}

/* One value of a type from text; "." is NULL. */
static void
set_text(Vector *v, int32_t row, const char *text)
{
	if (strcmp(text, ".") == 0) {
		vector_set_null(v, &arena, row);
		return;
	}
	switch (v->type->kind) {
	case TYPE_BOOLEAN:
		((uint8_t *)v->data)[row] = text[0] == 't';
		break;
	case TYPE_INTEGER:
		((int32_t *)v->data)[row] = atoi(text);
		break;
	case TYPE_BIGINT:
		((int64_t *)v->data)[row] = atoll(text);
		break;
	case TYPE_DOUBLE:
		((double *)v->data)[row] = atof(text);
		break;
	case TYPE_DECIMAL:
		((Decimal *)v->data)[row] = atoll(text);
		break;
	case TYPE_STRING:
		result_set_text(v, &arena, row, str_of(arena_strdup(&arena, text)));
		break;
	case TYPE_ARRAY: {
		/* "1/2/." */
		char	 *copy = arena_strdup(&arena, text);
		ListEntry entry = {.offset = (uint32_t)v->children[0].n_rows};

		for (char *word = strtok(copy, "/"); word != NULL; word = strtok(NULL, "/")) {
			uint32_t at = vector_list_reserve(v, &arena, 1);

			set_text(&v->children[0], (int32_t)at, word);
			entry.length++;
		}
		((ListEntry *)v->data)[row] = entry;
		break;
	}
	default:
		ck_abort_msg("type");
	}
}

typedef struct Case {
	const Aggregate *row;
	AggregateCall	 call;
	const Vector   **args;
	int32_t			 n;
} Case;

static char *
result_text(const Case *c, const void *state)
{
	Vector *out = vector_new(&arena, c->call.result_type, 1);
	Batch  *b = batch_new(&arena, 1, 1);
	StrBuf	text = {0};
	char   *copy;

	c->row->result(&c->call, state, out, 0, &arena);
	b->columns[0] = out;
	batch_print(b, &text);
	copy = arena_strndup(&arena, strbuf_text(&text) + 2, text.length - 3);
	strbuf_free(&text);
	return copy;
}

static void *
state_new(const Case *c)
{
	void *state = xcalloc(1, c->row->state_size);

	if (c->row->init != NULL)
		c->row->init(&c->call, state);
	return state;
}

static void
state_free(const Case *c, void *state)
{
	if (c->row->destroy != NULL)
		c->row->destroy(&c->call, state);
	free(state);
}

static void
step(const Case *c, void *state, int32_t first, int32_t n)
{
	const Vector *args[8];
	char		**states = arena_alloc(&arena, sizeof *states * (size_t)(n + 1));

	for (int a = 0; a < c->call.n_args; a++)
		args[a] = vector_slice(&arena, c->args[a], first, n);
	for (int32_t i = 0; i < n; i++)
		states[i] = state;
	if (c->row->step(&c->call, states, 0, args, n, NULL, NULL) != OK)
		ck_abort_msg("step: %s", c->call.err->message);
}

/*
 * types: argument types; the rows of each argument separated by spaces, arguments by '|'.  A constant argument is "=5".
 */
static void
check_aggregate(const char *name, const char *signature, bool standard, const char *types, const char *rows,
				const char *expected)
{
	Error	error;
	Case	c = {.row = find_row(name, signature, standard)};
	char   *type_texts = arena_strdup(&arena, types), *save;
	const Type **arg_types = arena_array(&arena, const Type *, 8);
	Value		*constants = arena_array(&arena, Value, 8);
	char   *arg_texts[8];
	void   *state, *second;
	char   *text;
	const Type *result = NULL;
	StrBuf	bytes = {0};

	for (char *t = strtok_r(type_texts, ";", &save); t != NULL; t = strtok_r(NULL, ";", &save))
		ck_assert_int_eq(type_parse(str_of(t), &arg_types[c.call.n_args++], &error), OK);
	c.args = arena_array(&arena, const Vector *, 8);
	text = arena_strdup(&arena, rows);
	for (int a = 0; a < c.call.n_args; a++) {
		arg_texts[a] = text;
		text = strchr(text, '|');
		if (text != NULL)
			*text++ = '\0';
	}
	for (int a = 0; a < c.call.n_args; a++) {
		Vector *v = vector_new(&arena, arg_types[a], 64);
		int32_t n = 0;

		if (arg_texts[a][0] == '=') {
			set_text(v, 0, arg_texts[a] + 1);
			constants[a] = vector_get(v, 0, &arena);
			c.args[a] = vector_constant(&arena, &constants[a], 64);
			continue;
		}
		for (char *word = strtok_r(arg_texts[a], " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
			set_text(v, n++, word);
		c.args[a] = v;
		c.n = n;
	}
	if (c.row->resolve != NULL)
		result = c.row->resolve(arg_types, c.call.n_args, constants, &error);
	else
		ck_assert_int_eq(type_parse(str_of(strstr(c.row->signature, "-> ") + 3), &result, &error), OK);
	ck_assert_ptr_nonnull(result);
	if (c.row->check != NULL)
		ck_assert_int_eq(c.row->check(constants, c.call.n_args, &error), OK);
	c.call = (AggregateCall){.function = c.row, .arg_types = arg_types, .n_args = c.call.n_args, .constants = constants,
							 .result_type = result, .sequence = &sequence, .arena = &arena, .used_bytes = &used_bytes,
							 .err = &error};

	state = state_new(&c);
	step(&c, state, 0, c.n);
	ck_assert_str_eq(result_text(&c, state), expected);
	/* Through bytes. */
	second = xcalloc(1, c.row->state_size);
	if (c.row->save != NULL) {
		c.row->save(&c.call, state, &bytes);
		ck_assert_int_eq(c.row->load(&c.call, strbuf_str(&bytes), second), OK);
		ck_assert_str_eq(result_text(&c, second), expected);
	}
	state_free(&c, second);
	state_free(&c, state);
	strbuf_free(&bytes);
	/* In two parts; a single row at a time. */
	for (int32_t cut = 0; cut <= c.n; cut++) {
		state = state_new(&c);
		second = state_new(&c);
		for (int32_t i = 0; i < c.n; i++)
			step(&c, i < cut ? state : second, i, 1);
		c.row->merge(&c.call, state, second);
		if (strcmp(name, "STDDEV_SAMP") != 0)
			ck_assert_str_eq(result_text(&c, state), expected);
		state_free(&c, state);
		state_free(&c, second);
	}
	/* Taken back. */
	if (c.row->retract != NULL && c.n > 0 && strncmp(name, "STDDEV", 6) != 0 && strncmp(name, "CO", 2) != 0) {
		state = state_new(&c);
		step(&c, state, 0, c.n);
		step(&c, state, 0, 1);
		ck_assert_int_eq(c.row->retract(&c.call, state, c.args, 0), OK);
		ck_assert_str_eq(result_text(&c, state), expected);
		state_free(&c, state);
	}
	ck_assert_int_eq(used_bytes, 0);
}

enum { KSQL = false, STD = true };

START_TEST(counts_and_sums)
{
	check_aggregate("COUNT", "(ANY) -> BIGINT", KSQL, "STRING", "a . b", "2");
	check_aggregate("SUM", "(INTEGER) -> INTEGER", KSQL, "INTEGER", "2147483647 1 .", "-2147483648");
	check_aggregate("SUM", "(INTEGER) -> INTEGER", KSQL, "INTEGER", ". .", "0");
	check_aggregate("SUM", "(DECIMAL) -> = same", KSQL, "DECIMAL(4, 2)", "150 275 .", "4.25");
	check_aggregate("SUM", "(INTEGER) -> BIGINT", STD, "INTEGER", "2147483647 1 .", "2147483648");
	check_aggregate("SUM", "(INTEGER) -> BIGINT", STD, "INTEGER", ". .", ".");
	check_aggregate("SUM", "(BIGINT) -> DECIMAL(38, 0)", STD, "BIGINT", "9223372036854775807 1", "9223372036854775808");
	check_aggregate("SUM", "(DECIMAL) -> = wide", STD, "DECIMAL(4, 2)", "9999 9999", "199.98");
	check_aggregate("AVG", "(INTEGER) -> DOUBLE", KSQL, "INTEGER", ".", "0");
	check_aggregate("AVG", "(INTEGER) -> DOUBLE", STD, "INTEGER", "1 2 .", "1.5");
	check_aggregate("AVG", "(INTEGER) -> DOUBLE", STD, "INTEGER", ".", ".");
	check_aggregate("AVG", "(DECIMAL) -> DOUBLE", STD, "DECIMAL(4, 2)", "100 150", "1.25");
	check_aggregate("SUM_LIST", "(ARRAY<INTEGER>) -> INTEGER", KSQL, "ARRAY<INTEGER>", "1/2 . 3/./4", "10");
}
END_TEST

START_TEST(decimal_sums_overflow)
{
	Error	error;
	Decimal big = 99, state = 0;
	Vector *v = vector_new(&arena, type_decimal(2, 1), 2);
	const Vector *args[] = {v};
	char   *states[] = {(char *)&state, (char *)&state};
	const Aggregate *row = find_row("SUM", "(DECIMAL) -> = same", false);
	AggregateCall call = {.function = row, .arg_types = &v->type, .n_args = 1, .result_type = v->type, .arena = &arena, .err = &error};

	((Decimal *)v->data)[0] = ((Decimal *)v->data)[1] = big;
	ck_assert_int_eq(row->step(&call, states, 0, args, 2, NULL, NULL), FAILED);
	ck_assert_ptr_nonnull(strstr(error.message, "Numeric field overflow"));
}
END_TEST

START_TEST(extremes)
{
	check_aggregate("MIN", "(INTEGER) -> INTEGER", KSQL, "INTEGER", ". 5 -3 7", "-3");
	check_aggregate("MAX", "(DOUBLE) -> DOUBLE", KSQL, "DOUBLE", "1 nan 7", "nan");
	check_aggregate("MIN", "(DOUBLE) -> DOUBLE", KSQL, "DOUBLE", "nan 1 7", "1");
	check_aggregate("MAX", "(STRING) -> STRING", KSQL, "STRING", "a . a-longer-text-than-inline b", "'b'");
	check_aggregate("MIN", "(STRING) -> STRING", STD, "STRING", "b-longer-text-than-inline . c", "'b-longer-text-than-inline'");
	check_aggregate("MIN", "(INTEGER) -> INTEGER", KSQL, "INTEGER", ".", ".");
	check_aggregate("BOOL_AND", "(BOOLEAN) -> BOOLEAN", STD, "BOOLEAN", "t . f", "false");
	check_aggregate("BOOL_OR", "(BOOLEAN) -> BOOLEAN", STD, "BOOLEAN", "t . f", "true");
	check_aggregate("BIT_XOR", "(BIGINT) -> BIGINT", STD, "BIGINT", "6 3", "5");
}
END_TEST

START_TEST(lists_and_sets)
{
	check_aggregate("COLLECT_LIST", "(T) -> = list", KSQL, "INTEGER", "1 . 2 1", "[1,.,2,1]");
	check_aggregate("COLLECT_SET", "(T) -> = list", KSQL, "STRING", "b . a b .", "['b',.,'a']");
	check_aggregate("COLLECT_SET", "(T) -> = list", KSQL, "INTEGER", "9 8 7 6 5 4 3 2 1 9 1 5 0 0", "[9,8,7,6,5,4,3,2,1,0]");
	check_aggregate("HISTOGRAM", "(STRING) -> MAP<STRING, BIGINT>", KSQL, "STRING", "a b a", "{'a'=2,'b'=1}");
	check_aggregate("ATTR", "(T) -> = same", KSQL, "INTEGER", "5 5", "5");
	check_aggregate("ATTR", "(T) -> = same", KSQL, "INTEGER", "5 .", ".");
	check_aggregate("ARRAY_AGG", "(T) -> = list", STD, "INTEGER", "3 1", "[3,1]");
	check_aggregate("MODE", "(T) -> = same", STD, "STRING", "x y . y .", "'y'");
	check_aggregate("STRING_AGG", "(STRING, STRING) -> STRING", STD, "STRING;STRING", "a . b|=;", "'a;b'");
}
END_TEST

START_TEST(first_and_last)
{
	check_aggregate("EARLIEST_BY_OFFSET", "(T) -> = same", KSQL, "INTEGER", ". 5 6", "5");
	check_aggregate("EARLIEST_BY_OFFSET", "(T, BOOLEAN) -> = same", KSQL, "INTEGER;BOOLEAN", ". 5 6|=f", ".");
	check_aggregate("EARLIEST_BY_OFFSET", "(T, INTEGER) -> = list", KSQL, "INTEGER;INTEGER", ". 5 6 7|=2", "[5,6]");
	check_aggregate("LATEST_BY_OFFSET", "(T) -> = same", KSQL, "INTEGER", "5 6 .", "6");
	check_aggregate("LATEST_BY_OFFSET", "(T, INTEGER) -> = list", KSQL, "INTEGER;INTEGER", "5 6 . 7|=2", "[6,7]");
	check_aggregate("LATEST_BY_OFFSET", "(T, INTEGER, BOOLEAN) -> = list", KSQL, "INTEGER;INTEGER;BOOLEAN", "5 6 .|=2|=f", "[6,.]");
	check_aggregate("FIRST", "(T) -> = same", STD, "INTEGER", ". 5", ".");
	check_aggregate("ANY_VALUE", "(T) -> = same", STD, "INTEGER", ". 5 6", "5");
	check_aggregate("LAST", "(T) -> = same", STD, "INTEGER", "1 5", "5");
	check_aggregate("ARG_MAX", "(T, K) -> = same", STD, "STRING;INTEGER", "a b c|3 9 9", "'b'");
	check_aggregate("MIN_BY", "(T, K) -> = same", STD, "STRING;INTEGER", "a b c|3 . 2", "'c'");
}
END_TEST

START_TEST(top_k)
{
	check_aggregate("TOPK", "(INTEGER, INTEGER) -> ARRAY<INTEGER>", KSQL, "INTEGER;INTEGER", "3 . 9 1 9 4|=3", "[9,9,4]");
	check_aggregate("TOPK", "(DOUBLE, ANY, ANY..., INTEGER) -> = rows", KSQL, "DOUBLE;STRING;INTEGER", "3 9 9|a b c|=2",
					"[{sort_col=9,col0='b'},{sort_col=9,col0='c'}]");
	check_aggregate("TOPKDISTINCT", "(STRING, INTEGER) -> = list", KSQL, "STRING;INTEGER", "b a b c|=2", "['c','b']");
}
END_TEST

START_TEST(statistics)
{
	check_aggregate("STDDEV_SAMPLE", "(BIGINT) -> DOUBLE", KSQL, "BIGINT", "4", "0");
	check_aggregate("STDDEV_SAMP", "(BIGINT) -> DOUBLE", KSQL, "BIGINT", "2 4 6", "4");
	check_aggregate("STDDEV_SAMP", "(DOUBLE) -> DOUBLE", STD, "DOUBLE", "2 4 6", "2");
	check_aggregate("VAR_POP", "(DOUBLE) -> DOUBLE", STD, "DOUBLE", "2 4 .", "1");
	check_aggregate("STDDEV", "(DOUBLE) -> DOUBLE", STD, "DOUBLE", "2", ".");
	check_aggregate("CORRELATION", "(INTEGER, INTEGER) -> DOUBLE", KSQL, "INTEGER;INTEGER", "1 2 3 .|2 4 6 1", "1");
	check_aggregate("CORRELATION", "(INTEGER, INTEGER) -> DOUBLE", KSQL, "INTEGER;INTEGER", "1|2", "nan");
	check_aggregate("COVAR_POP", "(DOUBLE, DOUBLE) -> DOUBLE", STD, "DOUBLE;DOUBLE", "1 3|2 6", "2");
	check_aggregate("REGR_SLOPE", "(DOUBLE, DOUBLE) -> DOUBLE", STD, "DOUBLE;DOUBLE", "2 4 6|1 2 3", "2");
	check_aggregate("MEDIAN", "(DOUBLE) -> DOUBLE", STD, "DOUBLE", "5 1 . 3 4", "3.5");
	check_aggregate("QUANTILE_CONT", "(DOUBLE, DOUBLE) -> DOUBLE", STD, "DOUBLE;DOUBLE", "1 2 3 4 5|=0.25", "2");
	check_aggregate("QUANTILE_DISC", "(DOUBLE, DOUBLE) -> DOUBLE", STD, "DOUBLE;DOUBLE", "1 2 3 4|=0.5", "2");
	check_aggregate("PRODUCT", "(DOUBLE) -> DOUBLE", STD, "DOUBLE", "2 . 4", "8");
	check_aggregate("COUNT_DISTINCT", "(ANY) -> BIGINT", KSQL, "STRING", "a b . a c", "3");
}
END_TEST

START_TEST(many_distinct_values_are_counted_within_two_percent)
{
	const Aggregate *row = find_row("COUNT_DISTINCT", "(ANY) -> BIGINT", false);
	Vector			*v = vector_new(&arena, type_bigint, BATCH_ROWS), *out = vector_new(&arena, type_bigint, 1);
	const Vector	*args[] = {v};
	char			*states[BATCH_ROWS];
	void			*state = xcalloc(1, row->state_size);
	AggregateCall	 call = {.function = row, .arg_types = &v->type, .n_args = 1, .result_type = type_bigint, .arena = &arena,
							 .used_bytes = &used_bytes};

	for (int i = 0; i < BATCH_ROWS; i++)
		states[i] = state;
	for (int b = 0; b < 100; b++) {
		for (int i = 0; i < BATCH_ROWS; i++)
			((int64_t *)v->data)[i] = (int64_t)b * BATCH_ROWS / 2 + i;
		ck_assert_int_eq(row->step(&call, states, 0, args, BATCH_ROWS, NULL, NULL), OK);
	}
	row->result(&call, state, out, 0, &arena);
	ck_assert_int_gt(((int64_t *)out->data)[0], 103424 * 98 / 100);
	ck_assert_int_lt(((int64_t *)out->data)[0], 103424 * 102 / 100);
	row->destroy(&call, state);
	ck_assert_int_eq(used_bytes, 0);
	free(state);
}
END_TEST

static int
double_order(const void *a, const void *b)
{
	return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

START_TEST(quantiles_agree_with_sorting)
{
	const Aggregate *row = find_row("QUANTILE_DISC", "(DOUBLE, DOUBLE) -> DOUBLE", true);
	const Type		*types[] = {type_double, type_double};

	srand(11);
	for (int round = 0; round < 500; round++) {
		int32_t		  n = 1 + rand() % 50;
		Vector		 *v = vector_new(&arena, type_double, n), *fraction = vector_new(&arena, type_double, n);
		Vector		 *out = vector_new(&arena, type_double, 1);
		const Vector *args[] = {v, fraction};
		double		 *sorted = arena_array(&arena, double, n);
		void		 *state = xcalloc(1, row->state_size);
		char		**states = arena_array(&arena, char *, n);
		int			  k = rand() % n;
		AggregateCall call = {.function = row, .arg_types = types, .n_args = 2, .result_type = type_double, .arena = &arena,
							  .used_bytes = &used_bytes};

		for (int i = 0; i < n; i++) {
			sorted[i] = ((double *)v->data)[i] = rand() % (round % 2 ? 5 : 1000);
			((double *)fraction->data)[i] = (k + 0.5) / n;
			states[i] = state;
		}
		qsort(sorted, (size_t)n, sizeof *sorted, double_order);
		ck_assert_int_eq(row->step(&call, states, 0, args, n, NULL, NULL), OK);
		row->result(&call, state, out, 0, &arena);
		ck_assert_double_eq(((double *)out->data)[0], sorted[k]);
		row->destroy(&call, state);
		free(state);
	}
}
END_TEST

START_TEST(rows_are_complete)
{
	for (int f = 0; aggregate_families[f] != NULL; f++)
		for (int i = 0; aggregate_families[f][i].name != NULL; i++) {
			const Aggregate *row = &aggregate_families[f][i];

			ck_assert_msg(row->step != NULL && row->merge != NULL && row->result != NULL && row->description != NULL, "%s", row->name);
			ck_assert_msg((row->save != NULL) == (row->load != NULL) && (row->save != NULL) == (row->destroy != NULL), "%s", row->name);
			ck_assert_msg((strstr(row->signature, "-> =") != NULL) == (row->resolve != NULL), "%s", row->name);
			ck_assert_int_gt(row->state_size, 0);
		}
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("agg_functions");
	TCase	*tcase = tcase_create("agg_functions");
	SRunner *runner;
	int		 n_failed;

	tcase_add_test(tcase, counts_and_sums);
	tcase_add_test(tcase, decimal_sums_overflow);
	tcase_add_test(tcase, extremes);
	tcase_add_test(tcase, lists_and_sets);
	tcase_add_test(tcase, first_and_last);
	tcase_add_test(tcase, top_k);
	tcase_add_test(tcase, statistics);
	tcase_add_test(tcase, many_distinct_values_are_counted_within_two_percent);
	tcase_add_test(tcase, quantiles_agree_with_sorting);
	tcase_add_test(tcase, rows_are_complete);
	tcase_set_timeout(tcase, 120);	/* slow under a sanitizer on a busy machine */
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	arena_free(&arena);
	return n_failed != 0;
}
