/* exec/func: every signature parses; overload choice of both dialects, lambdas, errors. */
#include <check.h>
#include <stdlib.h>

#include "exec/func/func.h"
#include "exec/func/signature.h"

static Arena arena;

static const Type *
type_of(const char *text)
{
	const Type *t = NULL;
	Error		err;

	if (strcmp(text, "NULL") == 0)
		return type_null;
	if (strcmp(text, "UNIT") == 0)
		return type_unit;
	if (strncmp(text, "LAMBDA", 6) == 0)
		return type_lambda(atoi(text + 6));
	ck_assert_msg(type_parse(str_of(text), &t, &err) == OK, "%s: %s", text, err.message);
	return t;
}

/* "(PARAMETERS) -> RESULT" of the chosen overload for arguments separated by `;`, or the error's text. */
static const char *
resolve(FunctionClass class, const char *name, const char *types, bool standard)
{
	FunctionArg	  args[16] = {0};
	int			  n = 0;
	FunctionMatch match;
	Error		  err = {0};
	StrBuf		  out = {0};
	char		 *copy = arena_strdup(&arena, types);
	char		 *text;

	for (char *at = strtok(copy, ";"); at != NULL; at = strtok(NULL, ";"))
		args[n++].type = type_of(at);
	if (function_resolve(&arena, class, str_of(name), args, n, standard, &match, &err) != OK)
		return arena_strndup(&arena, err.message, strcspn(err.message, "\n"));
	strbuf_add_char(&out, '(');
	for (int i = 0; i < n; i++) {
		strbuf_add_text(&out, i > 0 ? ", " : "");
		type_print(match.parameters[i], &out);
	}
	strbuf_add_text(&out, ") -> ");
	if (match.result != NULL)
		type_print(match.result, &out);
	text = str_to_arena(&arena, strbuf_str(&out));
	strbuf_free(&out);
	return text;
}

#define KSQL(name, types, expected) ck_assert_str_eq(resolve(FUNCTION_SCALAR, name, types, false), expected)
#define STANDARD(name, types, expected) ck_assert_str_eq(resolve(FUNCTION_SCALAR, name, types, true), expected)

START_TEST(every_signature_parses)
{
	Signature signature;
	Error	  err;

	for (int f = 0; scalar_families[f] != NULL; f++)
		for (const ScalarFunction *row = scalar_families[f]; row->name != NULL; row++) {
			ck_assert_msg(signature_parse(&arena, row->signature, &signature, &err) == OK, "%s: %s", row->name, err.message);
			ck_assert_msg((row->kernel == NULL) != (row->row_kernel == NULL), "%s%s", row->name, row->signature);
			ck_assert_msg(signature.result.kind != PATTERN_RESOLVED || row->resolve != NULL, "%s%s", row->name, row->signature);
			ck_assert_msg(row->description != NULL || (row->flags & FUNC_HIDDEN), "%s", row->name);
		}
	for (int f = 0; aggregate_families[f] != NULL; f++)
		for (const Aggregate *row = aggregate_families[f]; row->name != NULL; row++) {
			ck_assert_msg(signature_parse(&arena, row->signature, &signature, &err) == OK, "%s: %s", row->name, err.message);
			ck_assert_msg(signature.result.kind != PATTERN_RESOLVED || row->resolve != NULL, "%s%s", row->name, row->signature);
		}
	for (int f = 0; table_function_families[f] != NULL; f++)
		for (const TableFunction *row = table_function_families[f]; row->name != NULL; row++)
			ck_assert_msg(signature_parse(&arena, row->signature, &signature, &err) == OK, "%s: %s", row->name, err.message);
}
END_TEST

START_TEST(ksqldb_choice)
{
	KSQL("abs", "INTEGER", "(INTEGER) -> INTEGER");
	KSQL("ABS", "DECIMAL(4, 2)", "(DECIMAL(4, 2)) -> DECIMAL(4, 2)");
	KSQL("SQRT", "DECIMAL(4, 2)", "(DOUBLE) -> DOUBLE");
	KSQL("LCASE", "STRING", "(STRING) -> STRING");
	KSQL("GREATEST", "INTEGER;INTEGER;NULL", "(INTEGER, INTEGER, INTEGER) -> INTEGER");
	KSQL("LEAST", "STRING;INTEGER", "Function 'least' does not accept parameters (STRING, INTEGER).");
	KSQL("LEAST", "", "Function 'least' does not accept parameters ().");
	KSQL("LEAST", "NULL;NULL", "Function 'least' cannot be resolved due to ambiguous method parameters (null, null).");
	KSQL("LEAST", "INTEGER;BIGINT;DECIMAL(50, 30)",
		 "Function 'least' cannot be resolved due to ambiguous method parameters (INTEGER, BIGINT, DECIMAL(50, 30)).");
	KSQL("LEAST", "INTEGER;BIGINT;DOUBLE", "(DOUBLE, DOUBLE, DOUBLE) -> DOUBLE");
	KSQL("COALESCE", "INTEGER;BIGINT", "Function 'coalesce' does not accept parameters (INTEGER, BIGINT).");
	KSQL("COALESCE", "NULL;BIGINT", "(BIGINT, BIGINT) -> BIGINT");
	KSQL("DATEADD", "UNIT;INTEGER;STRING", "(INTERVALUNIT, INTEGER, DATE) -> DATE");
	KSQL("DATEADD", "DATE;INTEGER;DATE", "Function 'dateadd' does not accept parameters (DATE, INTEGER, DATE).");
	KSQL("SUBSTRING", "STRING;INTEGER", "(STRING, INTEGER) -> STRING");
	KSQL("SUBSTRING", "STRING;BIGINT", "Function 'substring' does not accept parameters (STRING, BIGINT).");
	KSQL("ARRAY_CONTAINS", "ARRAY<STRING>;STRING", "(ARRAY<STRING>, STRING) -> BOOLEAN");
	KSQL("ARRAY_CONTAINS", "ARRAY<STRING>;NULL", "(ARRAY<STRING>, STRING) -> BOOLEAN");
	KSQL("WONT_FIND_ME", "INTEGER", "Can't find any functions with the name 'WONT_FIND_ME'");
}
END_TEST

START_TEST(standard_choice)
{
	STANDARD("COALESCE", "INTEGER;BIGINT", "(BIGINT, BIGINT) -> BIGINT");
	STANDARD("COALESCE", "INTEGER;NULL;DECIMAL(4, 2)", "(DECIMAL(12, 2), DECIMAL(12, 2), DECIMAL(12, 2)) -> DECIMAL(12, 2)");
	STANDARD("COALESCE", "DECIMAL(4, 2);DOUBLE", "(DOUBLE, DOUBLE) -> DOUBLE");
	STANDARD("GREATEST", "INTEGER;BIGINT", "(BIGINT, BIGINT) -> BIGINT");
	STANDARD("SUBSTRING", "STRING;BIGINT", "(STRING, INTEGER) -> STRING");
	STANDARD("ATAN2", "INTEGER;DOUBLE", "(DOUBLE, DOUBLE) -> DOUBLE");
	STANDARD("ABS", "NULL", "(INTEGER) -> INTEGER");
	STANDARD("LCASE", "INTEGER", "Function 'lcase' does not accept parameters (INTEGER).");
}
END_TEST

START_TEST(lambdas)
{
	FunctionArg	  args[] = {{.type = type_array(type_string)}, {.type = type_lambda(1)}};
	FunctionArg	  reduce[] = {{.type = type_map(type_string, type_bigint)}, {.type = type_integer}, {.type = type_lambda(3)}};
	FunctionMatch match;
	const Type	 *parameters[3];
	Error		  err;

	ck_assert_int_eq(function_resolve(&arena, FUNCTION_SCALAR, STR("TRANSFORM"), args, 2, false, &match, &err), OK);
	ck_assert_ptr_null(match.result);
	ck_assert_int_eq(function_lambda_parameters(&arena, &match, args, 1, parameters, 1, &err), OK);
	ck_assert_ptr_eq(parameters[0], type_string);
	ck_assert_int_eq(function_lambda_result(&arena, &match, args, 1, type_integer, &err), OK);
	ck_assert_ptr_eq(match.result, type_array(type_integer));

	ck_assert_int_eq(function_resolve(&arena, FUNCTION_SCALAR, STR("REDUCE"), reduce, 3, false, &match, &err), OK);
	ck_assert_int_eq(function_lambda_parameters(&arena, &match, reduce, 2, parameters, 3, &err), OK);
	ck_assert_ptr_eq(parameters[0], type_integer);
	ck_assert_ptr_eq(parameters[1], type_string);
	ck_assert_ptr_eq(parameters[2], type_bigint);
	ck_assert_int_eq(function_lambda_result(&arena, &match, reduce, 2, type_bigint, &err), FAILED);
	ck_assert_int_eq(function_lambda_result(&arena, &match, reduce, 2, type_integer, &err), OK);
	ck_assert_ptr_eq(match.result, type_integer);

	args[1].type = type_lambda(2);
	ck_assert_int_eq(function_resolve(&arena, FUNCTION_SCALAR, STR("FILTER"), args, 2, false, &match, &err), FAILED);
}
END_TEST

static void
count_row(const void *row, void *context)
{
	const ScalarFunction *function = row;
	const char			**last = context;

	ck_assert(*last == NULL || strcmp(*last, function->name) <= 0);
	*last = function->name;
}

START_TEST(classes)
{
	const char *last = NULL;

	ck_assert_int_eq(function_class(STR("abs"), false), FUNCTION_SCALAR);
	ck_assert_int_eq(function_class(STR("explode"), false), FUNCTION_TABLE);
	ck_assert_int_eq(function_class(STR("nothing"), false), FUNCTION_NONE);
	function_visit(FUNCTION_SCALAR, true, count_row, &last);
	ck_assert_ptr_nonnull(last);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("func_lookup");
	TCase	*tc = tcase_create("all");
	SRunner *runner;
	int		 failed;

	tcase_add_test(tc, every_signature_parses);
	tcase_add_test(tc, ksqldb_choice);
	tcase_add_test(tc, standard_choice);
	tcase_add_test(tc, lambdas);
	tcase_add_test(tc, classes);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	arena_free(&arena);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
