/* engine/redact: no secret is left in what is logged. */
#include <check.h>
#include <stdlib.h>

#include "engine/engine.h"
#include "engine/redact.h"

static const char *
redacted(const char *sql)
{
	static StrBuf out;

	strbuf_clear(&out);
	redact_statements(str_of(sql), &out);
	return strbuf_text(&out);
}

START_TEST(as_ksqldb_masks)
{
	ck_assert_str_eq(redacted("INSERT INTO s (id, card) VALUES (1, '4111');"), "INSERT INTO s (id, card) VALUES ('[value]', '[value]');");
	ck_assert_str_eq(redacted("CREATE SOURCE CONNECTOR c WITH ('connector.class'='x', \"connection.password\"='p', 'n'=5);"),
					 "CREATE SOURCE CONNECTOR c WITH ('connector.class' = '[string]', 'connection.password' = '[string]', 'n' = '[string]');");
}
END_TEST

/* Whatever the statement, the word never comes through. */
START_TEST(no_secret_is_left)
{
	static const char *const statements[] = {
		"SET 'ssl.key.password'='Hush77';",
		"SET 'sasl.jaas.config'='org.Login required password=\"Hush77\";';",
		"ALTER SYSTEM 'ksql.schema.registry.basic.auth.user.info'='ann:Hush77';",
		"DEFINE db_password = 'Hush77';",
		"CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1, API_KEY='Hush77');",
		"CREATE STREAM s WITH (PATH='https://ann:Hush77@h/x.csv') ;",
		"CREATE STREAM s AS SELECT * FROM 'https://ann:Hush77@h/x.csv?sig=Hush77';",
		"SELECT 1 FROM 'https://h/x.csv?token=Hush77#Hush77' WITH (PASSWORD='Hush77');",
		"SELECT (SELECT MAX(a) FROM 'http://Hush77@h/y.csv') FROM t WHERE a IN (SELECT b FROM 'http://u:Hush77@h/z' WITH (token='Hush77'));",
		"WITH c AS (SELECT * FROM 'http://u:Hush77@h/y.csv') SELECT * FROM c UNION ALL SELECT * FROM t JOIN 'http://u:Hush77@h/q' x ON t.a = x.a;",
		"SELECT SUM(a) FILTER (WHERE a > (SELECT 1 FROM 'http://u:Hush77@h/q')) OVER (ORDER BY (SELECT 1 FROM 'http://u:Hush77@h/q')) FROM t;",
		"COPY t TO 'https://u:Hush77@h/x.csv' WITH (secret='Hush77');",
		"COPY (SELECT * FROM 'http://u:Hush77@h/q') TO 'x.csv';",
		"EXPLAIN SELECT * FROM 'http://u:Hush77@h/q';",
		"EXPLAIN CREATE STREAM s AS SELECT * FROM 'http://u:Hush77@h/q';",
		"DESCRIBE 'http://u:Hush77@h/q' WITH (auth_token='Hush77');",
		"INSERT INTO s SELECT * FROM 'http://u:Hush77@h/q';",
		"INSERT INTO s VALUES (1, STRUCT(a := 'Hush77'), 'Hush' + '77', MAP('k' := 'Hush77'));",
		"CREATE VIEW v AS SELECT * FROM 'http://u:Hush77@h/q';",
		"ASSERT VALUES s (a) VALUES ('Hush77');",
		"SELECT 1; -- Hush77",
		"/* Hush77 */ SHOW STREAMS;",
		"SET 'ssl.key.password'='Hush77",
		"CREATE SORCE CONNECTOR c WITH ('password'='Hush77');",
		"INSERT INTO s VALUES ('Hush77') SELECT;",
	};

	for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
		ck_assert_msg(strstr(redacted(statements[i]), "Hush77") == NULL, "%s: %s", statements[i], redacted(statements[i]));
		ck_assert_msg(redacted(statements[i])[0] != '\0', "%s", statements[i]);
	}
}
END_TEST

START_TEST(shown_to_others)
{
	Arena		arena = {0};
	const char *plain = "create stream s (a int) with (kafka_topic='t', value_format='json'); -- as written";

	ck_assert_ptr_eq(redact_shown(&arena, plain), plain);
	ck_assert_str_eq(redact_shown(&arena, "CREATE STREAM s WITH (PATH='https://u:Hush77@h/x.csv');"), "CREATE STREAM s WITH (PATH = 'https://[hidden]@h/x.csv');");
	ck_assert_str_eq(redact_shown(&arena, "INSERT INTO s VALUES (1)"), "INSERT INTO s VALUES ('[value]');");
	ck_assert_str_eq(redact_shown(&arena, "SELEKT"), "SELEKT");
	arena_free(&arena);
}
END_TEST

START_TEST(the_rest_stays)
{
	ck_assert_str_eq(redacted("select a from s where b = 'word' emit changes"), "SELECT a FROM s WHERE b = 'word' EMIT CHANGES;");
	ck_assert_str_eq(redacted("SET 'auto.offset.reset'='earliest'; SHOW STREAMS;"), "SET 'auto.offset.reset' = 'earliest'; SHOW STREAMS;");
	ck_assert_str_eq(redacted("SELECT nothing FROM; SELECT 1;"), "[20 bytes that cannot be parsed]; SELECT 1;");
	ck_assert_str_eq(redacted(""), "");
	ck_assert_str_eq(redact_value("ssl.key.password", "p"), "[hidden]");
	ck_assert_str_eq(redact_value("ssl.keystore.location", "/x"), "/x");
	ck_assert_str_eq(redact_value("listeners", "/x"), "/x");
}
END_TEST

typedef struct Seen {
	StrBuf text;
	int	   n;
} Seen;

static Status
see(void *context, const StatementPermission *statement, Error *err)
{
	Seen *seen = context;

	(void)err;
	strbuf_printf(&seen->text, "%s:%s ", statement->name, role_name(statement->role));
	return ++seen->n < 3 ? OK : error_user(err, "enough");
}

START_TEST(visiting)
{
	Seen  seen = {0};
	Error err;

	ck_assert_int_eq(statements_visit(STR("SELECT 1; CREATE TYPE t AS INT;"), true, see, &seen, &err), OK);
	ck_assert_str_eq(strbuf_text(&seen.text), "SELECT:read CREATE TYPE:write ");
	ck_assert_int_eq(statements_visit(STR("RUN SCRIPT 'x'; SELECT 1;"), true, see, &seen, &err), FAILED);
	ck_assert_str_eq(strbuf_text(&seen.text), "SELECT:read CREATE TYPE:write RUN SCRIPT:admin ");
	ck_assert_int_eq(statements_visit(STR("SELECT ; ;"), true, see, &seen, &err), FAILED);
	strbuf_free(&seen.text);
}
END_TEST

/* Each row of the table of statements is a role's. */
START_TEST(permissions)
{
	StatementPermission p;
	int					n[4] = {0}, i = 0;

	while (statement_permission(i++, &p)) {
		ck_assert_msg(p.role >= ROLE_READ && p.role <= ROLE_ADMIN, "%s", p.name);
		n[p.role]++;
	}
	ck_assert_int_gt(n[ROLE_READ], 5);
	ck_assert_int_gt(n[ROLE_WRITE], 5);
	ck_assert_int_gt(n[ROLE_ADMIN], 2);
	ck_assert(!statement_permission(-1, &p));
}
END_TEST

int
main(void)
{
	Suite  *suite = suite_create("redact");
	TCase  *tc = tcase_create("all");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, as_ksqldb_masks);
	tcase_add_test(tc, no_secret_is_left);
	tcase_add_test(tc, shown_to_others);
	tcase_add_test(tc, the_rest_stays);
	tcase_add_test(tc, visiting);
	tcase_add_test(tc, permissions);
	suite_add_tcase(suite, tc);

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int		failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
