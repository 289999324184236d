/* Plans cut at exchanges, and rows on their way between fragments. */
#include <check.h>
#include <stdlib.h>

#include "engine/fragment.h"
#include "exec/op/exchange_topic.h"
#include "exec/op/scan.h"
#include "io/connector/exchange_row.h"
#include "parser/parser.h"
#include "planner/planner.h"

static Arena arena;

static int
four(PlannerContext *context, const char *topic)
{
	(void)context;
	(void)topic;
	return 4;
}

static int
partitions_of(void *context, const TopicSpec *topic)
{
	return strcmp(topic->name, "small") == 0 ? *(int *)context : 4;
}

/* Declares three sources, plans the last statement and cuts it. */
static Fragment **
cut(const char *sql, int *n)
{
	static const char declarations[] = "CREATE STREAM t (k STRING KEY, city STRING, v BIGINT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=4);"
									   "CREATE TABLE s (city STRING PRIMARY KEY, name STRING) WITH (KAFKA_TOPIC='small', VALUE_FORMAT='JSON', PARTITIONS=4);"
									   "CREATE TABLE u (id BIGINT PRIMARY KEY, city STRING) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON', PARTITIONS=4);";
	const char	*text = arena_printf(&arena, "%s%s", declarations, sql);
	ParserCursor cursor = {.text = str_of(text)};
	Catalog		*catalog = catalog_new();
	Settings	*settings = settings_new(NULL);
	Fragment   **fragments = NULL;
	Error		 err = {0};
	AstStatement *st;

	while (parser_next(&arena, &cursor, (ParserOptions){0}, &st, &err) == OK) {
		PlannerContext context = {.arena = &arena, .catalog = catalog_snapshot(catalog), .settings = settings, .standard = true, .env = &env_real,
								  .topic_partitions = four, .topic_replicas = four};
		PersistentPlan plan;
		CatalogSource *source;

		if (st->create_source.query == NULL) {
			ck_assert_msg(bind_create_source(&context, st, &source, &err) == OK, "%s", err.message);
			catalog_put_source(catalog, source);
		} else {
			ck_assert_msg(plan_create_as(&context, st, &plan, &err) == OK, "%s", err.message);
			fragments_cut(&arena, plan.plan, "p", &fragments, n);
		}
	}
	return fragments;
}

static const SourceSpec *
source_of(const Fragment *f, int i)
{
	return ((const ScanSpec *)f->plan.sources[i]->spec)->source;
}

START_TEST(a_plan_without_exchange_is_one_fragment)
{
	int		   n, small = 4;
	Fragment **f = cut("CREATE STREAM x AS SELECT k, v FROM t;", &n);
	Error	   err;

	ck_assert_int_eq(n, 1);
	ck_assert(!f[0]->is_stateful && f[0]->changelog == NULL && f[0]->output == NULL);
	ck_assert(fragments_set_partitions(f, n, partitions_of, &small, &err) == OK);
	ck_assert_int_eq(f[0]->n_partitions, 4);

	/* The table's topic takes no rows without a key, so none have to move. */
	f = cut("CREATE TABLE x AS SELECT k, COUNT(*) AS n FROM t GROUP BY k;", &n);
	ck_assert_int_eq(n, 1);
	ck_assert(f[0]->is_stateful);
	ck_assert_str_eq(f[0]->changelog, "p-State-1-changelog");
}
END_TEST

START_TEST(an_exchange_becomes_a_topic)
{
	int		   n, small = 4;
	Fragment **f = cut("CREATE TABLE x AS SELECT city, COUNT(*) AS n FROM t GROUP BY city;", &n);
	Error	   err;

	ck_assert_int_eq(n, 2);
	ck_assert(f[0]->plan.root->op == &op_exchange_topic);
	ck_assert_str_eq(f[0]->output->name, "p-Repartition-1-repartition");
	ck_assert(!f[0]->is_stateful && f[1]->is_stateful);
	ck_assert_int_eq(f[1]->n_feeders, 1);
	ck_assert_int_eq(source_of(f[1], 0)->kind, SOURCE_EXCHANGE);
	ck_assert_str_eq(source_of(f[1], 0)->name, f[0]->output->name);
	ck_assert(fragments_set_partitions(f, n, partitions_of, &small, &err) == OK);
	ck_assert_int_eq(f[0]->output->n_partitions, 4);
	ck_assert_int_eq(f[1]->n_partitions, 4);
}
END_TEST

START_TEST(sides_of_a_join_are_copartitioned)
{
	int		   n, small = 4;
	Fragment **f = cut("CREATE STREAM x AS SELECT t.city AS city, s.name AS name FROM t JOIN s ON t.city = s.city;", &n);
	Error	   err;

	/* The stream goes to where the table's rows are. */
	ck_assert_int_eq(n, 2);
	small = 6;
	ck_assert(fragments_set_partitions(f, n, partitions_of, &small, &err) == OK);
	ck_assert_int_eq(f[0]->output->n_partitions, 6);
	ck_assert_int_eq(f[1]->n_partitions, 6);

	f = cut("CREATE STREAM x AS SELECT t.k AS k, s.name AS name FROM t JOIN s ON t.k = s.city;", &n);
	ck_assert_int_eq(n, 1);
	ck_assert(fragments_set_partitions(f, n, partitions_of, &small, &err) == FAILED);
	ck_assert_msg(strstr(err.message, "has 4 partitions") != NULL, "%s", err.message);
}
END_TEST

START_TEST(what_must_see_all_is_one_task)
{
	int		   n, small = 4;
	Fragment **f = cut("CREATE TABLE x AS SELECT u.id AS id, s.name AS name FROM u JOIN s ON u.city = s.city;", &n);
	Error	   err;

	ck_assert_int_eq(n, 3);
	ck_assert(f[2]->is_single && f[2]->is_stateful);
	ck_assert(fragments_set_partitions(f, n, partitions_of, &small, &err) == OK);
	ck_assert_int_eq(f[2]->n_partitions, 1);
	ck_assert_int_eq(f[0]->output->n_partitions, 1);
	ck_assert_int_eq(f[0]->n_partitions, 4);
}
END_TEST

START_TEST(rows_come_out_as_they_went_in)
{
	const Type *types[] = {type_string, type_bigint};
	Batch	   *in = batch_new(&arena, 2, 3);
	Vector	   *out[2];
	uint8_t		kinds[] = {ROW_INSERT, ROW_UPSERT, ROW_DELETE};
	int64_t		starts[] = {-5, 0, INT64_MAX}, ends[] = {1, 2, 3};
	Error		err;

	for (int c = 0; c < 2; c++) {
		Vector *v = vector_new(&arena, types[c], 3);

		for (int i = 0; i < 3; i++)
			if (i == 2)
				vector_set_null(v, &arena, i);
			else if (c == 0)
				vector_set(v, &arena, i, &(Value){.type = type_string, .text = i == 0 ? STR("a text that is longer than what is inline") : STR("")});
			else
				vector_set(v, &arena, i, &(Value){.type = type_bigint, .integer = i - 1});
		in->columns[c] = v;
		out[c] = vector_new(&arena, types[c], 3);
	}
	in->row_kind = kinds;
	for (int windowed = 0; windowed < 2; windowed++) {
		in->window_start = windowed ? starts : NULL;
		in->window_end = windowed ? ends : NULL;
		for (int i = 0; i < 3; i++) {
			StrBuf	bytes = {0};
			uint8_t kind;
			bool	has_window;
			int64_t start = 0, end = 0;

			exchange_row_encode(in, i, &bytes);
			ck_assert(exchange_row_decode(strbuf_str(&bytes), out, 2, &arena, i, &kind, &has_window, &start, &end, &err) == OK);
			ck_assert_int_eq(kind, kinds[i]);
			ck_assert_int_eq(has_window, windowed);
			ck_assert(!windowed || (start == starts[i] && end == ends[i]));
			ck_assert_int_eq(vector_is_valid(out[1], i), i < 2);
			if (i < 2)
				ck_assert(str_equal(vector_get(out[0], i, &arena).text, vector_get(in->columns[0], i, &arena).text));
			/* What is cut short is refused, never read beyond. */
			ck_assert(exchange_row_decode(str_make(bytes.data, 1), out, 2, &arena, i, &kind, &has_window, &start, &end, &err) == FAILED);
			strbuf_free(&bytes);
		}
	}
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("fragment");
	TCase	*all = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int		 n_failed;

	tcase_add_test(all, a_plan_without_exchange_is_one_fragment);
	tcase_add_test(all, an_exchange_becomes_a_topic);
	tcase_add_test(all, sides_of_a_join_are_copartitioned);
	tcase_add_test(all, what_must_see_all_is_one_task);
	tcase_add_test(all, rows_come_out_as_they_went_in);
	suite_add_tcase(suite, all);
	srunner_run_all(runner, CK_ENV);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	arena_free(&arena);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
