/*
 * parser/: everything that parses prints and parses again to the same tree; words that aren't reserved are names; errors
 * have texts and places; variables, statement ends.  The statements of a conformance corpus are checked as well when there
 * is one: SLUICE_CONFORMANCE names its folder, else ../shared/conformance.
 */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "parser/ast_print.h"
#include "parser/lexer.h"
#include "parser/parser.h"

static const ParserOptions standard = {0};
static const ParserOptions ksqldb = {.is_ksqldb = true};

/* Parses one statement, prints it, parses that, and compares; returns the printed text in a static buffer. */
static const char *
round_trip(const char *sql, ParserOptions options)
{
	static char printed[65536];
	Arena		arena = {0};
	Error		err = {0};
	AstStatementList list;
	AstStatementList again;
	StrBuf		out = {0};

	if (parser_parse(&arena, str_of(sql), options, &list, &err) != OK)
		ck_abort_msg("%s\n  %s (%d:%d) %s", sql, err.message, err.line, err.column, err.hint);
	ck_assert_msg(list.n_items == 1, "%s: %d statements", sql, list.n_items);
	ast_print_statement(&out, list.items[0]);
	if (parser_parse(&arena, strbuf_str(&out), options, &again, &err) != OK)
		ck_abort_msg("%s\nprinted as\n%s\n  %s (%d:%d) %s", sql, strbuf_text(&out), err.message, err.line, err.column,
					 err.hint);
	if (again.n_items != 1 || !ast_equal(list.items[0], again.items[0])) {
		StrBuf	a = {0};
		StrBuf	b = {0};

		ast_dump(&a, list.items[0]);
		if (again.n_items == 1)
			ast_dump(&b, again.items[0]);
		ck_abort_msg("%s\nprinted as\n%s\nis another tree:\n%s\n----\n%s", sql, strbuf_text(&out), strbuf_text(&a),
					 strbuf_text(&b));
	}
	snprintf(printed, sizeof printed, "%s", strbuf_text(&out));
	strbuf_free(&out);
	arena_free(&arena);
	return printed;
}

static const char *const statements[] = {
	/* queries */
	"SELECT 1",
	"FROM 'x.csv' WHERE a > 1 LIMIT 5",
	"SELECT a FROM t UNION ALL (FROM u)",
	"select a, t.b c, t.* from t",
	"SELECT 1_000_000, 1_000.5, 0xff",
	"SELECT x: 1, {'a': 1, b: [1, 2]}.a, MAP {'k': 1}['k'], MAP([1], [2]), (a).b",
	"SELECT l[1:2], l[1:], l[:-1], l[:], j->'a'->>'$.b', j->0, s->f FROM t",
	"SELECT list_filter(l, x -> x > 1), list_reduce(l, (x, y) -> x + y), list_apply(l, lambda x, i: x + i), f(a := 1)",
	"SELECT a ~ 'x' AND a !~* 'y' OR a ~~ 'z%' OR a SIMILAR TO 'p' ESCAPE '#' OR a NOT GLOB '*' OR a ^@ 'q'",
	"SELECT a // b, a ** 2, a ^ -b * c, a == b, a IN [1, 2], a NOT IN l, COUNT(*) FILTER (a > 1) FROM t",
	"SELECT COLUMNS(*), COLUMNS(* EXCLUDE (a)), COLUMNS(t.* LIKE 'x%'), MIN(COLUMNS('a|b')) AS 'm_\\0', * RENAME (a AS b) NOT ILIKE 'q' FROM t",
	"SELECT a FROM t LIMIT 10 PERCENT OFFSET 2",
	"SELECT a FROM t LIMIT 10%",
	"SELECT a FROM t TABLESAMPLE BERNOULLI (1.5%) REPEATABLE (3) JOIN u TABLESAMPLE 10 ROWS ON TRUE WHERE a > 1 USING SAMPLE RESERVOIR (5 ROWS)",
	"FROM t USING SAMPLE 10% (system, 42)",
	"SELECT * FROM t PIVOT (SUM(a) AS s, COUNT(*) FOR b IN (1 AS one, 2) c IN (SELECT d FROM u) GROUP BY e, f) AS p (x, y)",
	"SELECT * FROM t PIVOT (SUM(a) FOR year(b) IN (1))",
	"PIVOT t ON a || b, (c > 1)",
	"PIVOT t ON a, b USING SUM(c) GROUP BY d ORDER BY d LIMIT 3",
	"WITH x AS (SELECT 1 AS a) (PIVOT x ON a) UNION ALL (UNPIVOT x ON a, COLUMNS('b') INTO NAME n VALUE v)",
	"SELECT * FROM t AS u UNPIVOT INCLUDE NULLS ((v, w) FOR n IN ((a, b) AS 'x', (c, d))) AS p, (UNPIVOT t ON *)",
	"SELECT * FROM read_csv('x', delim = ';', types = {'a': 'INT'}), read_parquet(['a', 'b'], union_by_name = true) AS u",
	"SELECT a::STRUCT(b INT, c MAP(VARCHAR, BIGINT)), COUNT_IF(a), REGR_COUNT(a, b) FILTER (WHERE c), MEAN(a), QUANTILE_CONT(a, [0.1, 0.2]) FROM t",
	"SET threads TO 2",
	"CREATE OR REPLACE MACRO f(a, b INT) AS a + b",
	"SELECT INTERVAL (a + 1) DAY, EXTRACT(MILLISECONDS FROM b), EXTRACT(day FROM c)",
	"SELECT DISTINCT a FROM t",
	"SELECT DISTINCT ON (a, b + 1) a FROM t ORDER BY a",
	"SELECT * EXCLUDE (a, b) REPLACE (c + 1 AS c), t.* EXCLUDE d FROM t",
	"SELECT s->*, s->a->b, m['k'], a[1][2], (a)[-1] FROM t",
	"SELECT * FROM a JOIN b ON a.x = b.x LEFT OUTER JOIN c USING (x, y) RIGHT JOIN d ON TRUE FULL OUTER JOIN e ON 1 = 1",
	"SELECT * FROM a CROSS JOIN b, c NATURAL LEFT JOIN d SEMI JOIN e ON e.x = d.x ANTI JOIN f USING (x)",
	"SELECT * FROM a ASOF LEFT JOIN b ON a.t >= b.t AND a.k = b.k",
	"SELECT * FROM (a, b) JOIN c ON a.x = c.x",
	"SELECT * FROM a JOIN (b JOIN c ON b.x = c.x) ON a.x = b.x",
	"SELECT * FROM a, (b, c)",
	"SELECT * FROM a JOIN b WITHIN 1 HOUR GRACE PERIOD 5 MINUTES ON a.id = b.id",
	"SELECT * FROM a LEFT JOIN b WITHIN (1 SECOND, 2 DAYS) ON a.id = b.id EMIT CHANGES",
	"SELECT * FROM 'x''y.csv' WITH (DELIMITER=';', HEADER=false, SKIP=-1) AS f(a, b) WHERE a > 1",
	"SELECT * FROM (SELECT 1 AS x) q, LATERAL (SELECT q.x) r, LATERAL unnest(q.x) u(y), range(1, 10)",
	"SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(n, s)",
	"VALUES (1), (2) ORDER BY 1 LIMIT 1",
	"SELECT k, COUNT(*) FROM s WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 7 DAYS, GRACE PERIOD 0 SECONDS) GROUP BY k EMIT FINAL",
	"SELECT k FROM s WINDOW w HOPPING (SIZE 30 SECONDS, ADVANCE BY 10 SECONDS) WHERE x GROUP BY k HAVING COUNT(*) > 1",
	"SELECT k FROM s WINDOW SESSION (5 MINUTES, GRACE PERIOD 1 MILLISECOND) GROUP BY k EMIT CHANGES LIMIT 5",
	"SELECT * FROM s PARTITION BY (a, b) EMIT CHANGES",
	"SELECT a, b, SUM(c) FROM t GROUP BY ROLLUP (a, (b, c)), CUBE (d), GROUPING SETS ((a, b), (), ROLLUP (e)), (f, g), h",
	"SELECT GROUPING(a), a FROM t GROUP BY ALL",
	"SELECT a, b FROM t ORDER BY ALL DESC NULLS LAST LIMIT 3",
	"SELECT a FROM t ORDER BY a OFFSET 2 ROWS FETCH NEXT 5 ROWS ONLY",
	"SELECT a FROM t FETCH FIRST ROW ONLY",
	"FROM t SELECT DISTINCT a WHERE b > 1 GROUP BY a HAVING COUNT(*) > 1",
	"SELECT [x + 1 FOR x IN l IF x > 2 AND x IN (3, 4)], [x FOR x IN ARRAY[1]] FROM t",
	"SELECT * FROM read_csv('a.csv') AS t JOIN read_parquet('b.parquet') USING (id)",
	"WITH a AS MATERIALIZED (SELECT 1), b (x) AS NOT MATERIALIZED (SELECT 2) SELECT * FROM a, b",
	"SELECT a FROM t GROUP BY (a), ((b, c))",
	"SELECT * FROM t QUALIFY row_number() OVER (PARTITION BY a ORDER BY b DESC NULLS LAST) = 1",
	"SELECT sum(x) OVER w, lag(x, 1) IGNORE NULLS OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM t "
	"WINDOW w AS (PARTITION BY a ORDER BY b), v AS (ORDER BY c RANGE UNBOUNDED PRECEDING)",
	"SELECT sum(x) OVER (ORDER BY t RANGE BETWEEN INTERVAL '1' DAY PRECEDING AND UNBOUNDED FOLLOWING) FROM t",
	"SELECT count(DISTINCT x) FILTER (WHERE y > 0), string_agg(x, ',' ORDER BY z), percentile(0.5) WITHIN GROUP (ORDER BY x) "
	"FROM t",
	"WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a WHERE n < 10), b AS (SELECT 2) SELECT * FROM a, b",
	"SELECT 1 UNION SELECT 2 UNION ALL SELECT 3 INTERSECT SELECT 4 EXCEPT ALL SELECT 5 ORDER BY 1 LIMIT 2 OFFSET 1",
	"(SELECT 1 LIMIT 1) UNION ALL BY NAME (SELECT 2 UNION SELECT 3) ORDER BY 1",
	"((SELECT 1)) LIMIT 3",
	"SELECT (SELECT 1), ((SELECT 2)), x IN (SELECT y FROM z), x IN ((SELECT 1), 2), EXISTS (SELECT 1), x > ALL (SELECT 1), "
	"x = ANY (VALUES (1))",
	"SELECT (a, b) IN ((1, 2), (3, 4)) FROM t OFFSET 5",
	"SELECT * FROM t LIMIT 10 OFFSET (2 + 3)",
	/* expressions */
	"SELECT NULL, TRUE, false, 1, -1, - 1, -(1), - -1, -(-x), +x, 2147483648, -2147483648, -9223372036854775808",
	"SELECT 1., .5, 1.50, 1e3, 1.5E-2, .5e1, 'it''s', DECIMAL '1.2', DATE '2024-01-01', TIMESTAMP '2024-01-01 00:00:00'",
	"SELECT INTERVAL '3' DAY, INTERVAL 3 DAYS, INTERVAL '1 day 2 hours', INTERVAL 2.5 WEEKS",
	"SELECT a + b * c - d / e % f || g, (a + b) * c, a - (b - c), (a || b) || c, a || (b || c)",
	"SELECT NOT a = b AND NOT (c OR d) OR e, (a AND b) OR c, a AND (b OR c), NOT NOT a",
	"SELECT (a = b) = c, a = (b = c), (a IS NULL) IS NULL, a IS NOT NULL, a IS TRUE, a IS NOT FALSE",
	"SELECT a BETWEEN 1 AND 2 AND b NOT BETWEEN c AND d, a NOT IN (1, 2), a IN ('x')",
	"SELECT a LIKE 'x%' ESCAPE '!', a NOT LIKE b, a ILIKE '%y', a IS DISTINCT FROM b, a IS NOT DISTINCT FROM NULL",
	"SELECT CASE a WHEN 1 THEN 'x' ELSE 'y' END, CASE WHEN a THEN b WHEN c = 2 THEN d END",
	"SELECT CAST(a AS DECIMAL(4, 2)), a::VARCHAR(50), TRY_CAST(b AS MAP<STRING, ARRAY<INT>>), c::INT[] FROM t",
	"SELECT CAST(a AS STRUCT<x INT, `y z` ARRAY<STRUCT<>>>), CAST(b AS INT ARRAY)",
	"SELECT EXTRACT(YEAR FROM ts), ts AT TIME ZONE 'UTC', timestampadd(DAYS, 3, ts), dateadd(minute, 1, d)",
	"SELECT ARRAY[1, 2], ARRAY[], [1, 2][1], MAP('a' := 1, 'b' := 2), MAP(), STRUCT(a := 1, `b c` := STRUCT())",
	"SELECT transform(a, x => x + 1), reduce(a, 0, (s, x) => s + x), filter(a, x => x > 1 AND x < 5), f(m, (k, v, z) => k)",
	"SELECT left(a, 2), right(a, 1), list(a), replace(a, 'x', 'y'), if(a, b, c), date(a), \"Quo\"\"ted\", `back``tick`",
	"SELECT 1abc, a@b, _x, a. 1b FROM t",
	"SELECT ? + ?, ${x}",
	/* definitions */
	"CREATE STREAM s (k STRING KEY, v INT, h BYTES HEADER('h'), hs ARRAY<STRUCT<key STRING, value BYTES>> HEADERS) "
	"WITH (kafka_topic='t', value_format='JSON', 'partitions'=2)",
	"CREATE OR REPLACE SOURCE TABLE IF NOT EXISTS t (id BIGINT PRIMARY KEY, d DECIMAL(10,2), x VARCHAR(STRING)) WITH (KAFKA_TOPIC='t')",
	"CREATE STREAM s WITH (KAFKA_TOPIC='t', VALUE_FORMAT=avro)",
	"CREATE STREAM s () WITH (KAFKA_TOPIC='t')",
	"CREATE STREAM if (a INT)",
	"CREATE TABLE t WITH (PARTITIONS=3) AS SELECT k, COUNT(*) n FROM s GROUP BY k EMIT CHANGES",
	"CREATE VIEW IF NOT EXISTS v (a, b) AS SELECT 1, 2",
	"CREATE OR REPLACE VIEW v AS (SELECT 1)",
	"CREATE TYPE IF NOT EXISTS address AS STRUCT<street STRING, city STRING>",
	"CREATE OR REPLACE FUNCTION IF NOT EXISTS f(x INT, y DOUBLE) RETURNS DOUBLE AS x * y + 1",
	"CREATE FUNCTION f() AS 1",
	"CREATE SOURCE CONNECTOR IF NOT EXISTS c WITH ('connector.class'='x', tasks.max=3)",
	"CREATE SINK CONNECTOR c WITH (a=true)",
	"INSERT INTO s SELECT * FROM t",
	"INSERT INTO s (a, b) WITH (QUERY_ID='q') SELECT 1, 2 EMIT CHANGES",
	"INSERT INTO s WITH c AS (SELECT 1) SELECT * FROM c",
	"INSERT INTO s (a, `b`) VALUES (1, 'x'), (2, (a > 1))",
	"INSERT INTO s (SELECT 1)",
	"DROP STREAM IF EXISTS s DELETE TOPIC",
	"DROP TABLE t",
	"DROP VIEW v",
	"DROP TYPE IF EXISTS y",
	"DROP FUNCTION f",
	"DROP CONNECTOR IF EXISTS c",
	"ALTER STREAM s ADD COLUMN a INT, ADD b ARRAY<INT>",
	"ALTER TABLE t ADD column INT",
	/* running things */
	"TERMINATE ALL",
	"PAUSE CSAS_X_1",
	"RESUME `q`",
	"SHOW PROPERTIES",
	"LIST ALL TOPICS EXTENDED",
	"SHOW STREAMS EXTENDED",
	"SHOW TABLES",
	"SHOW QUERIES",
	"SHOW FUNCTIONS LIKE 'a%'",
	"SHOW CONNECTORS",
	"SHOW SOURCE CONNECTORS",
	"SHOW SINK CONNECTORS",
	"SHOW CONNECTOR PLUGINS",
	"SHOW TYPES",
	"SHOW VARIABLES",
	"SHOW VIEWS",
	"DESCRIBE s",
	"DESCRIBE `s` EXTENDED",
	"DESCRIBE STREAMS EXTENDED",
	"DESCRIBE TABLES",
	"DESCRIBE function",
	"DESCRIBE FUNCTION SUM",
	"DESCRIBE CONNECTOR c",
	"DESCRIBE 'x.csv' WITH (HEADER=true)",
	"DESCRIBE (SELECT 1)",
	"DESCRIBE SELECT a FROM t",
	"SUMMARIZE t",
	"SUMMARIZE 'x.csv'",
	"SUMMARIZE SELECT 1",
	"EXPLAIN CTAS_T_1",
	"EXPLAIN SELECT 1",
	"EXPLAIN ANALYZE SELECT 1",
	"EXPLAIN (AST) CREATE TABLE t AS SELECT 1",
	"EXPLAIN (LOGICAL) SELECT 1",
	"EXPLAIN (OPTIMIZED) (SELECT 1)",
	"PRINT topic_1 FROM BEGINNING INTERVAL 2 LIMIT 3",
	"PRINT 'my-topic' SAMPLE 5",
	"SET 'auto.offset.reset' = 'earliest'",
	"SET threads = 4",
	"UNSET 'x'",
	"ALTER SYSTEM 'a'='b'",
	"DEFINE x = 'it''s'",
	"UNDEFINE x",
	"ASSERT TOPIC t WITH (PARTITIONS=1) TIMEOUT 5 SECONDS",
	"ASSERT NOT EXISTS TOPIC 'a-b'",
	"ASSERT NOT EXISTS SCHEMA SUBJECT s ID 3 TIMEOUT 1 MINUTE",
	"ASSERT VALUES s (a, b) VALUES (1, 'x')",
	"ASSERT NULL VALUES s (a) KEY (1)",
	"ASSERT STREAM s (a INT KEY) WITH (KAFKA_TOPIC='t')",
	"ASSERT TABLE t WITH (KAFKA_TOPIC='t')",
	"RUN SCRIPT 'x.sql'",
	"SPOOL 'x.log'",
	"SPOOL OFF",
	"COPY t (a, b) FROM 'x.csv' WITH (HEADER=true)",
	"COPY (SELECT 1) TO 'x.parquet' (FORMAT PARQUET, COMPRESSION 'zstd', OVERWRITE)",
	"COPY t TO 'x.csv'",
};

START_TEST(statements_round_trip)
{
	round_trip(statements[_i], standard);
}
END_TEST

/* Words of analytical SQL that the dialect does not reserve. */
static const char *const free_words[] = {
	"add", "alter", "analyze", "anti", "any", "array", "asc", "asof", "assert", "ast", "changes", "column", "columns", "copy",
	"cross", "cube", "current", "date", "day", "define", "desc", "emit", "escape", "except", "exclude", "explain", "extract",
	"fetch", "filter", "final", "first", "following", "for", "function", "functions", "glob", "grace", "grouping", "groups", "header", "headers",
	"hour", "id", "if", "ignore", "ilike", "integer", "intersect", "interval", "key", "lambda", "last", "lateral", "logical", "macro", "map",
	"minute", "month", "name", "natural", "next", "no", "nulls", "off", "offset", "only", "optimized", "order", "others", "over", "partition",
	"partitions", "percent", "period", "pivot", "plugins", "preceding", "primary", "qualify", "quarter", "range", "recursive", "repeatable", "replace", "reset",
	"respect", "returns", "rollup", "row", "rows", "schema", "second", "semi", "session", "set", "sets", "show", "similar", "sink",
	"some", "source", "spool", "string", "struct", "subject", "summarize", "system", "tables", "tablesample", "ties", "time", "timeout",
	"timestamp", "try_cast", "type", "types", "unbounded", "undefine", "union", "unpivot", "using", "variables", "views", "week", "year",
	"zone",
};

static const char *const word_places[] = {
	"SELECT %s FROM t", "SELECT a, %s, b FROM t", "SELECT t.%s FROM t", "SELECT a AS %s FROM t", "SELECT a %s FROM t",
	"SELECT %s, a FROM %s", "SELECT * FROM t WHERE %s = 1 AND %s > 2", "SELECT * FROM t WHERE a = %s",
	"SELECT * FROM t AS %s", "SELECT * FROM t %s WHERE a = 1", "SELECT * FROM t %s", "SELECT * FROM t AS %s JOIN u %s ON TRUE",
	"SELECT %s FROM t GROUP BY %s", "SELECT a FROM t JOIN u ON TRUE ORDER BY %s DESC, %s", "SELECT a FROM t PARTITION BY %s",
	"SELECT SUM(%s) OVER (PARTITION BY %s ORDER BY %s) FROM t", "SELECT s->%s FROM t", "SELECT %s + 1, -%s FROM t",
	"CREATE STREAM %s (%s INT KEY, %s STRING) WITH (%s='x')", "INSERT INTO %s (%s) VALUES (1)", "DROP STREAM %s",
	"SELECT STRUCT(%s := 1) FROM t", "WITH %s AS (SELECT 1) SELECT * FROM %s", "SELECT %s IS NULL, %s IN (1) FROM t",
	"SELECT %s BETWEEN 1 AND 2, %s LIKE 'x' FROM t", "SELECT CASE WHEN %s THEN %s ELSE %s END FROM t",
	"SELECT f(%s), f(a, %s) FROM t", "SELECT CAST(%s AS INT) FROM t", "SELECT * EXCLUDE (%s) FROM t",
	"SELECT * FROM a JOIN b USING (%s)", "SELECT %s < 5 FROM t", "SELECT a FROM t LIMIT 1", "SELECT (%s) FROM t",
};

#define N(array) ((int)(sizeof(array) / sizeof *(array)))

START_TEST(free_words_are_names)
{
	for (int i = 0; i < N(free_words); i++) {
		const char *w = free_words[i];
		char		sql[300];

		/* at most four places for the word */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
		snprintf(sql, sizeof sql, word_places[_i], w, w, w, w);
#pragma GCC diagnostic pop
		round_trip(sql, standard);
		round_trip(sql, ksqldb);
	}
}
END_TEST

static const struct {
	const char *sql;
	const char *printed;
} prints[] = {
	{"select A+1 x from t", "SELECT A + 1 AS x FROM t"},
	{"select not (a = b) and (c)", "SELECT NOT a = b AND c"},
	{"select -(5), - 5, a - -5", "SELECT -(5), -5, a - -5"},
	{"select 1 from a where x='it''s'", "SELECT 1 FROM a WHERE x = 'it''s'"},
	{"select \"x\"\"y\"", "SELECT `x\"y`"},
	{"show all topics", "SHOW ALL TOPICS"},
	{"select a union (select b order by c)", "SELECT a UNION (SELECT b ORDER BY c)"},
	{"select a::int", "SELECT CAST(a AS int)"},
	{"select order order from order order by order", "SELECT order AS order FROM order ORDER BY order"},
	{"select offset offset from t offset offset 5", "SELECT offset AS offset FROM t AS offset OFFSET 5"},
};

START_TEST(prints_canonically)
{
	ck_assert_str_eq(round_trip(prints[_i].sql, standard), prints[_i].printed);
}
END_TEST

static const struct {
	const char *sql;
	int			line;
	int			column;
	const char *part;			/* of message or hint */
} errors[] = {
	{"SELEC 1", 1, 1, "Did you mean SELECT?"},
	{"SELECT a FROM", 1, 14, "ends too early"},
	{"SELECT a\n  FROM table", 2, 8, "reserved word"},
	{"SELECT a = b = c", 1, 14, "'='"},
	{"SELECT a = 1 IS NULL", 1, 14, "'IS'"},
	{"SELECT 'abc", 1, 8, "not closed"},
	{"SELECT `abc", 1, 8, "not closed"},
	{"SELECT 1 /* abc", 1, 10, "not closed"},
	{"SELECT #", 1, 8, "'#'"},
	{"SELECT 123456789012345678901234567890123456789", 1, 8, "Invalid numeric literal"},
	{"SELECT 5 - 123456789012345678901234567890123456789", 1, 12, "Invalid numeric literal"},
	{"SELECT 1e999", 1, 8, "overflows DOUBLE"},
	{"CREATE STREAM s (a INT) AS SELECT 1", 1, 17, "column list"},
	{"SELECT * FROM a JOIN b", 1, 17, "ON"},
	{"SELECT * FROM a CROSS JOIN b ON TRUE", 1, 23, "CROSS"},
	{"SELECT f(1 + 2 => 3)", 1, 16, "'=>'"},
	{"SELECT f(a, (1, 2) => 3)", 1, 14, "lambda"},
	{"CREATE STREAM s (a STRING (KEY))", 1, 28, "Expected"},
	{"SELECT ``", 1, 8, "empty"},
	{"SELECT * FROM t WINDOW TUMBLING (SIZE 1 MONTH)", 1, 41, "'MONTH'"},
	{"SELECT a, FROM t", 1, 11, "comma too many"},
	{"SELECT f(a, )", 1, 13, "comma too many"},
	{"SELECT a FROM t WHERE GROUP BY a", 1, 23, "Expected an expression"},
	{"PRINT t INTERVAL 0", 1, 18, "at least 1"},
};

START_TEST(errors_have_places)
{
	Arena		arena = {0};
	Error		err = {0};
	AstStatementList list;
	char		all[ERROR_MESSAGE_MAX + ERROR_HINT_MAX + 2];

	ck_assert_msg(parser_parse(&arena, str_of(errors[_i].sql), standard, &list, &err) == FAILED, "%s", errors[_i].sql);
	snprintf(all, sizeof all, "%s|%s", err.message, err.hint);
	ck_assert_msg(err.line == errors[_i].line && err.column == errors[_i].column, "%s: at %d:%d: %s", errors[_i].sql,
				  err.line, err.column, all);
	ck_assert_msg(strstr(all, errors[_i].part) != NULL, "%s: %s", errors[_i].sql, all);
	ck_assert_int_eq(err.class, ERROR_USER);
	arena_free(&arena);
}
END_TEST

/* What only the ksqldb dialect refuses. */
static const char *const refused_by_ksqldb[] = {
	"SELECT 9223372036854775808",
	"SELECT 5 - 9223372036854775808",
	"SELECT COUNT(*) FROM t GROUP BY a AND b",
	"SELECT COUNT(*) FROM t GROUP BY a = 1",
	"SELECT COUNT(*) FROM t GROUP BY a, (b, c)",
	"SELECT * FROM t PARTITION BY a AND b",
	"INSERT INTO t VALUES (a = b)",
	"CREATE STREAM `a b` (x INT)",
	"SELECT * FROM t ORDER BY a",
	"SELECT {a: 1}",
	"SELECT 2 ** 3",
	"SELECT a ~ 'x'",
	"SELECT a->>'x'",
	"SELECT a[1:2]",
	"SELECT 1 == 1",
};

START_TEST(ksqldb_is_narrower)
{
	Arena		arena = {0};
	Error		err = {0};
	AstStatementList list;
	Str			sql = str_of(refused_by_ksqldb[_i]);

	ck_assert_msg(parser_parse(&arena, sql, standard, &list, &err) == OK, "%s: %s", sql.data, err.message);
	ck_assert_msg(parser_parse(&arena, sql, ksqldb, &list, &err) == FAILED, "%s", sql.data);
	arena_free(&arena);
}
END_TEST

START_TEST(several_statements)
{
	Arena		arena = {0};
	Error		err = {0};
	AstStatementList list;
	ParserOptions strict = {.needs_terminator = true};

	ck_assert(parser_parse(&arena, STR(";; SELECT 1 ; -- x;y\n/* ; */ SELECT ';' ;;"), strict, &list, &err) == OK);
	ck_assert_int_eq(list.n_items, 2);
	ck_assert(str_equal(list.items[0]->text, STR("SELECT 1")));
	ck_assert(str_equal(list.items[1]->text, STR("SELECT ';'")));
	ck_assert_int_eq(list.items[1]->pos.line, 2);
	ck_assert(parser_parse(&arena, STR("SELECT 1; SELECT 2"), strict, &list, &err) == FAILED);
	ck_assert(parser_parse(&arena, STR("SELECT 1; SELECT 2"), standard, &list, &err) == OK);
	ck_assert(parser_parse(&arena, STR("  -- nothing\n"), strict, &list, &err) == OK);
	ck_assert_int_eq(list.n_items, 0);

	/* a bad statement does not keep the next one from being read */
	ParserCursor cursor = {.text = STR("SELEC 1;\nSELECT 2;")};
	AstStatement *statement;

	ck_assert(parser_next(&arena, &cursor, standard, &statement, &err) == FAILED);
	ck_assert(parser_next(&arena, &cursor, standard, &statement, &err) == OK);
	ck_assert_int_eq(statement->pos.line, 2);
	ck_assert(parser_next(&arena, &cursor, standard, &statement, &err) == DONE);
	arena_free(&arena);
}
END_TEST

START_TEST(directives)
{
	Arena		arena = {0};
	Error		err = {0};
	AstStatementList list;

	ck_assert(parser_parse(&arena, STR("--@test: a b\n--@expected.error: x\n--\nSELECT 1;"), standard, &list, &err) == OK);
	ck_assert_int_eq(list.n_items, 1);
	ck_assert_int_eq(list.items[0]->n_directives, 2);
	ck_assert_str_eq(list.items[0]->directives[0].name, "test");
	ck_assert_str_eq(list.items[0]->directives[0].value, "a b");
	ck_assert_str_eq(list.items[0]->directives[1].name, "expected.error");
	arena_free(&arena);
}
END_TEST

static const char *
find_variable(void *context, const char *name)
{
	(void)context;
	return strcmp(name, "n") == 0 ? "5" : strcmp(name, "s") == 0 ? "'it''s'" : strcmp(name, "m") == 0 ? "-5" :
		strcmp(name, "evil") == 0 ? "x; DROP STREAM y" : strcmp(name, "raw") == 0 ? "it's" : NULL;
}

static const struct {
	const char *text;
	const char *result;			/* NULL: refused */
} variables[] = {
	{"SELECT ${n}, ${s};", "SELECT 5,  'it''s';"},
	{"SELECT 'a ${raw} ${n} ${none}'", "SELECT 'a it''s 5 ${none}'"},
	{"SELECT 3 -${m}", "SELECT 3 - -5"},
	{"SELECT ${none} FROM t_${n}", "SELECT ${none} FROM t_5"},
	{"SELECT ${evil}", NULL},
	{"SELECT '${evil}'", "SELECT 'x; DROP STREAM y'"},
	{"-- ${evil}\nSELECT `${n}`", "-- ${evil}\nSELECT `${n}`"},
};

START_TEST(variables_are_replaced)
{
	Arena		arena = {0};
	Error		err = {0};
	Str			out;
	Status		status = variables_substitute(&arena, str_of(variables[_i].text), find_variable, NULL, &out, &err);

	ck_assert_int_eq(status, variables[_i].result != NULL ? OK : FAILED);
	if (variables[_i].result != NULL)
		ck_assert_str_eq(str_to_arena(&arena, out), variables[_i].result);
	arena_free(&arena);
}
END_TEST

static const struct {
	const char *text;
	size_t		end;
	LexerOpen	open;
} ends[] = {
	{"SELECT 1; x", 9, LEXER_COMPLETE},
	{"SELECT 1", 8, LEXER_IN_STATEMENT},
	{"SELECT (1", 9, LEXER_IN_PARENTHESES},
	{"SELECT 'a;", 10, LEXER_IN_STRING},
	{"SELECT \"a;", 10, LEXER_IN_QUOTED},
	{"SELECT /* a;", 12, LEXER_IN_COMMENT},
	{" -- a;", 6, LEXER_EMPTY},
	{"SELECT ';' -- ;\n;", 17, LEXER_COMPLETE},
	{"", 0, LEXER_EMPTY},
};

START_TEST(statement_ends)
{
	LexerOpen	open;

	ck_assert_uint_eq(lexer_statement_end(str_of(ends[_i].text), &open), ends[_i].end);
	ck_assert_int_eq(open, ends[_i].open);
}
END_TEST

static bool
has_word(const char **words, int n, const char *word)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(words[i], word) == 0)
			return true;
	}
	return false;
}

START_TEST(expected_words)
{
	Arena		arena = {0};
	int			n;
	bool		has_name;
	const char **words = parser_expected(&arena, STR("SELECT a FROM t "), &n, &has_name);

	ck_assert(has_name && has_word(words, n, "WHERE") && has_word(words, n, "ORDER") && !has_word(words, n, "FROM"));
	words = parser_expected(&arena, STR("SELECT 1; CREATE "), &n, &has_name);
	ck_assert(!has_name && has_word(words, n, "STREAM") && has_word(words, n, "TYPE"));
	words = parser_expected(&arena, STR("SELECT a FROM t ORDER "), &n, &has_name);
	ck_assert(n == 1 && has_word(words, n, "BY"));
	parser_expected(&arena, STR("SELECT )"), &n, &has_name);
	ck_assert(n == 0 && !has_name);
	arena_free(&arena);
}
END_TEST

/* Nesting of every kind either parses or fails, and what parses can be walked. */
static const struct {
	const char *head;
	const char *open;
	const char *middle;
	const char *close;
	int			n;
	bool		parses;
} nestings[] = {
	{"SELECT ", "(", "1", ")", 150, true},
	{"SELECT ", "(", "1", ")", 100000, false},
	{"SELECT ", "((SELECT 1), ", "1", ")", 90, true},
	{"SELECT ", "1 + ", "1", "", 900, true},
	{"SELECT ", "1 + ", "1", "", 100000, false},
	{"SELECT ", "NOT ", "a", "", 100000, false},
	{"SELECT ", "- ", "a", "", 100000, false},
	{"SELECT ", "CASE WHEN ", "1", " THEN 1 END", 100000, false},
	{"SELECT ", "f(", "1", ")", 100000, false},
	{"SELECT ", "a[", "1", "]", 100000, false},
	{"SELECT ", "ARRAY[", "1", "]", 100000, false},
	{"SELECT ", "(SELECT ", "1", ")", 100000, false},
	{"SELECT * FROM ", "(SELECT * FROM ", "a", ")", 100000, false},
	{"SELECT f(", "x => ", "1", "", 100000, false},
	{"SELECT CAST(a AS ", "ARRAY<", "INT", ">", 100000, false},
	{"SELECT a", "::INT", "", "", 100000, false},
	{"SELECT a", "->b", "", "", 100000, false},
	{"SELECT a", "[1]", "", "", 100000, false},
	{"SELECT 1", " UNION SELECT 1", "", "", 100000, false},
	{"SELECT * FROM a", ", a", "", "", 100000, false},
	{"SELECT ", "qualify ", "", "", 100000, false},
	{"SELECT * FROM t GROUP BY ", "ROLLUP (", "a", ")", 100000, false},
	{"", "EXPLAIN ", "SELECT 1", "", 100000, false},
	{"SELECT a IN (", "1, ", "1)", "", 100000, true},
	{"CREATE TYPE t AS INT", " ARRAY", "", "", 100000, false},
};

START_TEST(nesting_is_bounded)
{
	Arena		arena = {0};
	Error		err = {0};
	AstStatementList list;
	StrBuf		sql = {0};

	strbuf_add_text(&sql, nestings[_i].head);
	for (int i = 0; i < nestings[_i].n; i++)
		strbuf_add_text(&sql, nestings[_i].open);
	strbuf_add_text(&sql, nestings[_i].middle);
	for (int i = 0; i < nestings[_i].n; i++)
		strbuf_add_text(&sql, nestings[_i].close);

	Status		status = parser_parse(&arena, strbuf_str(&sql), standard, &list, &err);

	ck_assert_msg(status == (nestings[_i].parses ? OK : FAILED), "%s%s...: %s", nestings[_i].head, nestings[_i].open,
				  err.message);
	if (status == OK) {
		StrBuf	out = {0};

		ast_print_statement(&out, list.items[0]);
		ast_dump(&out, list.items[0]);
		strbuf_free(&out);
	}
	strbuf_free(&sql);
	arena_free(&arena);
}
END_TEST

/* Damaged statements never crash: bytes taken out, put in, exchanged. */
START_TEST(damage_is_harmless)
{
	uint64_t	seed = 12345;

	for (int i = 0; i < 20000; i++) {
		char		sql[600];
		const char *from = statements[(seed >> 33) % (uint64_t)N(statements)];
		size_t		length = strlen(from);
		Arena		arena = {0};
		Error		err = {0};
		AstStatementList list;

		memcpy(sql, from, length);
		for (int k = 0; k < 3; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			size_t	at = (seed >> 33) % length;

			sql[at] = k == 0 ? (char)(seed >> 25) : "()[]'`\"<>,.;*-=:$ a1"[(seed >> 50) % 20];
			seed = seed * 6364136223846793005u + 1442695040888963407u;
		}
		if (parser_parse(&arena, str_make(sql, length), _i ? ksqldb : standard, &list, &err) == OK) {
			for (int k = 0; k < list.n_items; k++) {
				StrBuf		out = {0};
				AstStatementList again;

				ast_print_statement(&out, list.items[k]);
				ck_assert_msg(parser_parse(&arena, strbuf_str(&out), _i ? ksqldb : standard, &again, &err) == OK &&
							  again.n_items == 1 && ast_equal(list.items[k], again.items[0]),
							  "%.*s\nprinted as\n%s\n%s", (int)length, sql, strbuf_text(&out), err.message);
				strbuf_free(&out);
			}
		} else
			ck_assert(err.message[0] != '\0');
		arena_free(&arena);
	}
}
END_TEST

/* ---- the corpus ---- */

/* Reads a JSON string that begins at p (behind its quote) into out; returns behind its closing quote. */
static const char *
json_string(const char *p, StrBuf *out)
{
	for (; *p != '"' && *p != '\0'; p++) {
		if (*p != '\\') {
			strbuf_add_char(out, *p);
			continue;
		}
		p++;
		if (*p == 'u') {
			unsigned	c = (unsigned)strtoul((char[]){p[1], p[2], p[3], p[4], 0}, NULL, 16);

			p += 4;
			if (c < 0x80)
				strbuf_add_char(out, (char)c);
			else if (c < 0x800) {
				strbuf_add_char(out, (char)(0xc0 | (c >> 6)));
				strbuf_add_char(out, (char)(0x80 | (c & 63)));
			} else {
				strbuf_add_char(out, (char)(0xe0 | (c >> 12)));
				strbuf_add_char(out, (char)(0x80 | ((c >> 6) & 63)));
				strbuf_add_char(out, (char)(0x80 | (c & 63)));
			}
		} else
			strbuf_add_char(out, *p == 'n' ? '\n' : *p == 't' ? '\t' : *p == 'r' ? '\r' : *p);
	}
	return *p == '"' ? p + 1 : p;
}

static int
corpus_case(const char *line)
{
	const char *p = strstr(line, "\"statements\":");
	bool		may_fail = strstr(line, "\"expectedException\"") != NULL;
	int			n = 0;

	p = p != NULL ? strchr(p, '[') : NULL;
	while (p != NULL && (p += strspn(p, "[, ")) != NULL && *p == '"') {
		StrBuf		sql = {0};
		Arena		arena = {0};
		Error		err = {0};
		AstStatementList list;

		p = json_string(p + 1, &sql);
		if (!may_fail || parser_parse(&arena, strbuf_str(&sql), ksqldb, &list, &err) == OK) {
			round_trip(strbuf_text(&sql), ksqldb);
			n++;
		}
		strbuf_free(&sql);
		arena_free(&arena);
	}
	return n;
}

START_TEST(corpus_round_trip)
{
	const char *folder = getenv("SLUICE_CONFORMANCE");
	char		pattern[4096];
	glob_t		files;
	char	   *line = NULL;
	size_t		capacity = 0;
	int			n = 0;

	snprintf(pattern, sizeof pattern, "%s/*/*.jsonl", folder != NULL ? folder : "../shared/conformance");
	if (glob(pattern, 0, NULL, &files) != 0) {
		printf("corpus_round_trip: skipped, there is no %s\n", pattern);
		return;
	}
	for (size_t i = 0; i < files.gl_pathc; i++) {
		FILE	   *f = fopen(files.gl_pathv[i], "r");

		ck_assert_ptr_nonnull(f);
		while (getline(&line, &capacity, f) > 0)
			n += corpus_case(line);
		fclose(f);
	}
	free(line);
	globfree(&files);
	printf("corpus_round_trip: %d statements\n", n);
	ck_assert_int_gt(n, 0);
}
END_TEST

int
main(void)
{
	Suite	   *suite = suite_create("parser");
	TCase	   *tc = tcase_create("parser");
	SRunner	   *runner;
	int			n_failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, statements_round_trip, 0, N(statements));
	tcase_add_loop_test(tc, free_words_are_names, 0, N(word_places));
	tcase_add_loop_test(tc, prints_canonically, 0, N(prints));
	tcase_add_loop_test(tc, errors_have_places, 0, N(errors));
	tcase_add_loop_test(tc, ksqldb_is_narrower, 0, N(refused_by_ksqldb));
	tcase_add_test(tc, several_statements);
	tcase_add_test(tc, directives);
	tcase_add_loop_test(tc, variables_are_replaced, 0, N(variables));
	tcase_add_loop_test(tc, statement_ends, 0, N(ends));
	tcase_add_test(tc, expected_words);
	tcase_add_loop_test(tc, nesting_is_bounded, 0, N(nestings));
	tcase_add_loop_test(tc, damage_is_harmless, 0, 2);
	tcase_add_test(tc, corpus_round_trip);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
