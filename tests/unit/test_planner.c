/*
 * The planner on its own: statements in, operators or messages out.  What plans mean is tested by running them.
 */
#include <check.h>
#include <stdlib.h>

#include "exec/op/sink.h"
#include "parser/parser.h"
#include "planner/planner.h"

static Arena	 arena;
static Settings *settings;
static Catalog	*catalog;

static int
one(PlannerContext *context, const char *topic)
{
	(void)context;
	(void)topic;
	return 1;
}

/* Every file has these columns. */
static Status
describe(PlannerContext *context, FileSpec *spec, Error *err)
{
	static const char *const types[] = {"BIGINT", "STRING", "DOUBLE", "TIMESTAMP"};
	static const char *const names[] = {"id", "name", "price", "ts"};
	Column					*columns = arena_array(context->arena, Column, 4);

	for (int i = 0; i < 4; i++) {
		columns[i].name = names[i];
		if (type_parse(str_of(types[i]), &columns[i].type, err) != OK)
			return FAILED;
	}
	spec->columns = columns;
	spec->n_columns = 4;
	return OK;
}

static void
print_tree(const PlanNode *node, StrBuf *out)
{
	strbuf_add_text(out, node->op->name);
	if (node->n_inputs == 0)
		return;
	strbuf_add_char(out, '(');
	for (int i = 0; i < node->n_inputs; i++) {
		if (i > 0)
			strbuf_add_text(out, ", ");
		print_tree(node->inputs[i], out);
	}
	strbuf_add_char(out, ')');
}

/* Runs statements through the planner; gives the last one's result: "TREE | SCHEMA", or the message. */
static const char *
plan_text(const char *sql, bool standard)
{
	ParserCursor cursor = {.text = str_of(sql)};
	StrBuf		 out = {0};
	Error		 err = {0};

	for (;;) {
		AstStatement	*st;
		Plan			*plan = NULL;
		PersistentPlan	 persistent = {0};
		CatalogSource	*source = NULL;
		Status			 status = parser_next(&arena, &cursor, (ParserOptions){.is_ksqldb = !standard}, &st, &err);
		const CatalogSnapshot *snapshot;
		PlannerContext	 context;

		if (status == DONE)
			break;
		ck_assert_msg(status == OK, "%s: %s", sql, err.message);
		snapshot = catalog_snapshot(catalog);
		context = (PlannerContext){.arena = &arena, .catalog = snapshot, .settings = settings, .standard = standard, .env = &env_real,
								   .describe_file = describe, .topic_partitions = one, .topic_replicas = one};
		context.sql = st->text;
		context.sql_offset = st->pos.offset;
		if (st->kind == AST_SELECT)
			status = plan_select(&context, st->query, &plan, &err);
		else if (st->kind == AST_INSERT_SELECT)
			status = plan_insert_select(&context, st, &persistent, &err);
		else if (st->create_source.query == NULL)
			status = bind_create_source(&context, st, &source, &err);
		else {
			status = plan_create_as(&context, st, &persistent, &err);
			source = persistent.sink;
		}
		strbuf_clear(&out);
		if (status != OK) {
			strbuf_add_text(&out, err.message);
			catalog_release(snapshot);
			break;
		}
		if (source != NULL)
			catalog_put_source(catalog, source);
		if (persistent.plan != NULL)
			plan = persistent.plan;
		if (plan != NULL) {
			print_tree(plan->root, &out);
			strbuf_add_text(&out, " | ");
			schema_print(plan->schema, &out);
		}
		catalog_release(snapshot);
	}
	sql = arena_strdup(&arena, strbuf_text(&out));
	strbuf_free(&out);
	return sql;
}

static void
setup(void)
{
	settings = settings_new(NULL);
	catalog = catalog_new();
	plan_text("CREATE STREAM s (k INT KEY, a INT, b STRING, d DOUBLE) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
			  "CREATE TABLE t (k INT PRIMARY KEY, v STRING) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');"
			  "CREATE TABLE u (k INT PRIMARY KEY, t_k INT) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON');",
			  false);
}

static void
teardown(void)
{
	catalog_free(catalog);
	settings_free(settings);
	arena_free(&arena);
}

/* The schema of the last statement contains `want`, its tree has exactly the operators counted by `op`. */
static void
expect(const char *sql, bool standard, const char *want)
{
	const char *got = plan_text(sql, standard);

	ck_assert_msg(strstr(got, want) != NULL, "%s\n  want: %s\n  got:  %s", sql, want, got);
}

START_TEST(names_of_columns)
{
	expect("CREATE STREAM o AS SELECT b, k, a + 1, a * 2 AS x, d FROM s;", false,
		   "`K` INTEGER KEY, `B` STRING, `KSQL_COL_0` INTEGER, `X` INTEGER, `D` DOUBLE");
	expect("CREATE STREAM p AS SELECT s.k, t.k, s.b, t.v FROM s JOIN t ON s.k = t.k;", false,
		   "`S_K` INTEGER KEY, `T_K` INTEGER, `B` STRING, `V` STRING");
	expect("SELECT upper(name), price*2 FROM 'f.csv';", true, "`upper(name)` STRING, `price*2` DOUBLE");
	expect("CREATE TABLE g AS SELECT b AS x, COUNT(*) FROM s WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY b;", false,
		   "`X` STRING KEY, `KSQL_COL_0` BIGINT");
}
END_TEST

START_TEST(shapes)
{
	expect("CREATE STREAM o AS SELECT * FROM s WHERE a > 1;", false, "Sink(Project(Filter(Scan)))");
	expect("CREATE STREAM p AS SELECT * FROM s PARTITION BY a;", false, "| `A` INTEGER KEY, `B` STRING, `D` DOUBLE, `K` INTEGER");
	expect("SELECT name, count(*) FROM 'f.csv' GROUP BY 1 ORDER BY 2 DESC LIMIT 3;", true, "Project(Aggregate(Scan))");
}
END_TEST

START_TEST(messages)
{
	expect("CREATE STREAM o AS SELECT a FROM s;", false, "must include the key column K in its projection (eg, SELECT K...)");
	expect("CREATE STREAM o AS SELECT k, nope FROM s;", false, "SELECT column 'NOPE' cannot be resolved.");
	expect("SELECT prise FROM 'f.csv';", true, "Unknown column `prise`. Did you mean `price`?");
	expect("CREATE TABLE o AS SELECT b, a, COUNT(*) FROM s GROUP BY b;", false, "not part of GROUP BY: A");
	expect("CREATE STREAM o AS SELECT * FROM s WHERE a > 'x';", false, "Cannot compare A (INTEGER) to 'x' (STRING) with GREATER_THAN.");
	expect("CREATE STREAM o AS SELECT * FROM s JOIN u ON s.a = u.t_k;", false, "require to join on the table's primary key");
	expect("CREATE TABLE o AS SELECT u.t_k, t.v FROM u JOIN t ON u.t_k = t.k;", false, "Missing column: `K`.");
	expect("CREATE TABLE o AS SELECT v, MIN(k) FROM t GROUP BY v;", false, "MIN cannot be applied to a table source");
	expect("CREATE TABLE o AS SELECT * FROM s;", false, "produces a STREAM");
	expect("SELECT * FROM t;", false, "isn't queryable");
}
END_TEST

START_TEST(dialects)
{
	/* Names fold in one dialect and not in the other; CASE widens in standard only. */
	expect("SELECT NAME FROM 'f.csv';", true, "`name` STRING");
	expect("SELECT CASE WHEN id = 1 THEN 1 ELSE 2.5 END AS x FROM 'f.csv';", true, "`x` DECIMAL(11, 1)");
	expect("CREATE STREAM o AS SELECT k, CASE WHEN a = 1 THEN 1 ELSE 2.5 END AS x FROM s;", false, "Invalid Case expression");
	expect("SELECT id FROM 'f.csv' WHERE id = '7';", true, "| `id` BIGINT");
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("planner");
	TCase	*tc = tcase_create("planner");
	SRunner *runner = srunner_create(suite);
	int		 n_failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, names_of_columns);
	tcase_add_test(tc, shapes);
	tcase_add_test(tc, messages);
	tcase_add_test(tc, dialects);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
