/* The example of each scalar function gives, in each dialect that has the row, the result that stands beside it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "exec/func/kernel.h"
#include "parser/parser.h"
#include "planner/planner.h"

/* As CSV output shows it. */
static char *
text_of(Arena *arena, const Value *v)
{
	StrBuf	text = {0}, quoted = {0};
	char   *result;

	if (!v->is_null && !scalar_add_text(&text, v, true))
		scalar_add_json(&text, v, true);
	if (memchr(strbuf_text(&text), ',', text.length) != NULL || memchr(strbuf_text(&text), '"', text.length) != NULL) {
		strbuf_add_char(&quoted, '"');
		for (size_t i = 0; i < text.length; i++) {
			if (text.data[i] == '"')
				strbuf_add_char(&quoted, '"');
			strbuf_add_char(&quoted, text.data[i]);
		}
		strbuf_add_char(&quoted, '"');
	} else {
		strbuf_add_str(&quoted, strbuf_str(&text));
	}
	result = str_to_arena(arena, strbuf_str(&quoted));
	strbuf_free(&text);
	strbuf_free(&quoted);
	return result;
}

static int
run_example(const ScalarFunction *row, bool standard)
{
	Arena		   arena = {0};
	PlannerContext context = {.arena = &arena, .standard = standard, .env = &env_real};
	AstExpr		  *ast;
	Value		   value;
	Error		   err = {0};
	int			   n_failed = 0;
	const char	  *dialect = standard ? "standard" : "ksqldb";

	if (parser_parse_expr(&arena, str_of(row->example), (ParserOptions){.is_ksqldb = !standard}, &ast, &err) != OK ||
		bind_constant(&context, ast, NULL, NULL, &value, &err) != OK) {
		printf("%s (%s): %s: %s\n", row->name, dialect, row->example, err.message);
		n_failed++;
	} else if (strcmp(text_of(&arena, &value), row->example_result) != 0) {
		printf("%s (%s): %s: expected %s, got %s\n", row->name, dialect, row->example, row->example_result,
			   text_of(&arena, &value));
		n_failed++;
	}
	arena_free(&arena);
	return n_failed;
}

START_TEST(examples)
{
	int		n_failed = 0;

	for (int f = 0; scalar_families[f] != NULL; f++)
		for (const ScalarFunction *row = scalar_families[f]; row->name != NULL; row++) {
			if (row->example == NULL || row->example_result == NULL)
				continue;
			if (row->dialect != FUNCTION_STANDARD)
				n_failed += run_example(row, false);
			if (row->dialect != FUNCTION_KSQLDB)
				n_failed += run_example(row, true);
		}
	ck_assert_int_eq(n_failed, 0);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("function examples");
	TCase	*cases = tcase_create("examples");
	SRunner *runner;
	int		 n_failed;

	tcase_add_test(cases, examples);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
