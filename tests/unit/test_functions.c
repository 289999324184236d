/*
 * exec/func: every row of the registry is well formed, and functions give what is written here.  Each case goes the
 * whole way of a call: the overload is chosen, arguments are cast, the program is compiled and evaluated.
 */
#include <check.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/decimal.h"
#include "exec/expr/program.h"
#include "exec/func/kernel.h"
#include "exec/func/signature.h"

static Arena arena;

/* ---- arguments ---- */

#define S(text) value_text(type_string, str_of(text))
#define I(n) value_integer(type_integer, n)
#define L(n) value_integer(type_bigint, n)
#define F(x) value_double(x)
#define B(b) value_boolean(b)
#define DATE(n) value_integer(type_date, n)
#define TIME(n) value_integer(type_time, n)
#define TS(n) value_integer(type_timestamp, n)
#define UNIT(ms) value_integer(type_unit, ms)
#define NUL(type) value_null(type)
#define BYTES(text) value_text(type_bytes, str_make(text, sizeof(text) - 1))

static Value
dec(const char *text)
{
	Decimal		 value = 0;
	DecimalShape shape;

	ck_assert_int_eq(decimal_parse_any(str_of(text), &value, &shape), DECIMAL_OK);
	return (Value){.type = type_decimal(shape.precision, shape.scale), .decimal = value};
}

#define DEC(text) dec(text)

static Value
array(const Type *element, int n, const Value *items)
{
	return (Value){.type = type_array(element), .n_items = (uint32_t)n, .items = arena_memdup(&arena, items, sizeof(Value) * (size_t)(n > 0 ? n : 1))};
}

#define ARR(element, ...) \
	array(element, (int)(sizeof((Value[]){__VA_ARGS__}) / sizeof(Value)), (Value[]){__VA_ARGS__})

static Value
map(const Type *value, int n, const Value *items)
{
	return (Value){.type = type_map(type_string, value), .n_items = (uint32_t)n / 2,
				   .items = arena_memdup(&arena, items, sizeof(Value) * (size_t)n)};
}

#define MAP(value, ...) \
	map(value, (int)(sizeof((Value[]){__VA_ARGS__}) / sizeof(Value)), (Value[]){__VA_ARGS__})

#define LAMBDA(n, body) value_text(type_lambda(n), str_of(body))

/* ---- calling ---- */

/* What was told about the last of the three rows; the middle one, whose arguments are NULL, may fail. */
typedef struct RowLog {
	EvalLog log;
	char	reason[512];
} RowLog;

static void
row_log_report(EvalLog *log, const Batch *in, int32_t row, const char *reason)
{
	(void)in;
	if (row == 2)
		snprintf(((RowLog *)log)->reason, sizeof ((RowLog *)log)->reason, "%s", reason);
}

/* A lambda for tests: the sum of its parameters, or whether they are equal to 2 and more. */
static Expr *
lambda_make(const char *body, bool standard, int n_parameters, const Type **types)
{
	Expr   *args[2], *lambda;

	for (int i = 0; i < 2; i++) {
		args[i] = expr_new(&arena, EXPR_PARAMETER, types[i < n_parameters ? i : 0], NULL, 0);
		args[i]->index = i;
	}
	if (strcmp(body, "sum") == 0) {
		lambda = expr_new(&arena, EXPR_ARITHMETIC, type_integer, arena_memdup(&arena, args, sizeof args), 2);
		lambda->op = ARITH_ADD;
	} else if (strcmp(body, "twice") == 0) {
		args[1] = args[0];
		lambda = expr_new(&arena, EXPR_ARITHMETIC, type_integer, arena_memdup(&arena, args, sizeof args), 2);
		lambda->op = ARITH_ADD;
	} else {
		args[1] = expr_constant(&arena, value_integer(type_integer, 2));
		lambda = expr_new(&arena, EXPR_COMPARE, type_boolean, arena_memdup(&arena, args, sizeof args), 2);
		lambda->op = COMPARE_GE;
	}
	lambda->standard = standard;
	args[0] = lambda;
	return expr_new(&arena, EXPR_LAMBDA, lambda->type, arena_memdup(&arena, args, sizeof args[0]), 1);
}

/* The result as JSON, or "error: ..." - of a constant call, and of the same call over a batch of three rows. */
static const char *
call(const char *name, bool standard, int n_args, const Value *values, bool as_batch)
{
	FunctionArg	 *args = arena_array(&arena, FunctionArg, n_args + 1);
	Expr		**exprs = arena_array(&arena, Expr *, n_args + 1);
	Batch		 *batch = batch_new(&arena, n_args, 3);
	FunctionMatch match;
	Error		  err = {0};
	Expr		 *expr;
	Program		 *program;
	RowLog		  log = {.log = {row_log_report}};
	EvalContext	  context = {.scratch = &arena, .env = &env_real, .log = &log.log};
	const Vector *result;
	StrBuf		  buf = {0};
	Value		  value;
	char		 *text;

	for (int i = 0; i < n_args; i++)
		args[i] = (FunctionArg){.type = values[i].type, .constant = values[i].type->kind == TYPE_LAMBDA ? (Value){0} : values[i]};
	if (function_resolve(&arena, FUNCTION_SCALAR, str_of(name), args, n_args, standard, &match, &err) != OK)
		return arena_printf(&arena, "refused: %s", err.message);
	for (int i = 0; i < n_args; i++) {
		if (values[i].type->kind == TYPE_LAMBDA) {
			const Type *types[3] = {0};
			const char *body = values[i].text.data;

			ck_assert_msg(function_lambda_parameters(&arena, &match, args, i, types, values[i].type->n_fields, &err) == OK, "%s",
						  err.message);
			exprs[i] = lambda_make(body, standard, values[i].type->n_fields, types);
			ck_assert_msg(function_lambda_result(&arena, &match, args, i, exprs[i]->type, &err) == OK, "%s", err.message);
			continue;
		}
		if (as_batch && values[i].type->kind != TYPE_UNIT && values[i].type->kind != TYPE_NULL) {
			Vector *column = vector_new(&arena, values[i].type, 3);

			for (int row = 0; row < 3; row++)
				vector_set(column, &arena, row, row == 1 ? &(Value){.type = values[i].type, .is_null = true} : &values[i]);
			batch->columns[i] = column;
			exprs[i] = expr_column(&arena, i, values[i].type, "c");
		} else {
			exprs[i] = expr_constant(&arena, values[i]);
		}
		if (match.parameters[i] != values[i].type && match.parameters[i]->kind != TYPE_LAMBDA) {
			exprs[i] = expr_new(&arena, EXPR_CAST, match.parameters[i], &exprs[i], 1);
			exprs[i]->standard = standard;
		}
	}
	expr = expr_new(&arena, EXPR_CALL, match.result, arena_memdup(&arena, exprs, sizeof *exprs * (size_t)(n_args + 1)), n_args);
	expr->function = match.function;
	expr->name = name;
	expr->standard = standard;
	if (!as_batch) {
		if (expr_eval_constant(&arena, expr, &env_real, &value, &err) != OK)
			return arena_printf(&arena, "error: %s", err.message);
	} else {
		if (program_compile(&arena, expr, &program, &err) != OK || program_eval(program, &context, batch, &result, &err) != OK)
			return arena_printf(&arena, "error: %s", err.message);
		value = vector_get(result, 2, &arena);
		if (log.reason[0] != '\0')
			return arena_printf(&arena, "error: %s", log.reason);
	}
	scalar_add_json(&buf, &value, standard);
	text = str_to_arena(&arena, strbuf_str(&buf));
	strbuf_free(&buf);
	return text;
}

/* `expected` is JSON, or "error" for a row that fails, or "refused" for a call that has no overload. */
static void
check_call(int line, bool standard, const char *expected, const char *name, int n_args, const Value *values)
{
	for (int as_batch = 0; as_batch < 2; as_batch++) {
		const char *actual = call(name, standard, n_args, values, as_batch);
		bool		is_prefix = strcmp(expected, "error") == 0 || strcmp(expected, "refused") == 0;

		if (is_prefix ? strncmp(actual, expected, strlen(expected)) != 0 : strcmp(actual, expected) != 0)
			ck_abort_msg("line %d: %s (%s, %s): expected %s, got %s", line, name, standard ? "standard" : "ksqldb",
						 as_batch ? "batch" : "constant", expected, actual);
	}
}

#define CALL(standard, expected, name, ...)                                                                      \
	check_call(__LINE__, standard, expected, name, (int)(sizeof((Value[]){__VA_ARGS__}) / sizeof(Value)),        \
			   (Value[]){__VA_ARGS__})
#define KSQL(expected, name, ...) CALL(false, expected, name, __VA_ARGS__)
#define STD(expected, name, ...) CALL(true, expected, name, __VA_ARGS__)
#define BOTH(expected, name, ...)           \
	do {                                    \
		KSQL(expected, name, __VA_ARGS__);  \
		STD(expected, name, __VA_ARGS__);   \
	} while (0)

/* ---- the registry ---- */

static void
check_row(const char *name, const char *signature, const char *description, const char *example, uint32_t flags)
{
	Error	  err = {0};
	Signature parsed;

	if (!(flags & FUNC_HIDDEN))
		for (const char *c = name; *c != '\0'; c++)
			ck_assert_msg(isupper((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_', "%s: names are upper case", name);
	ck_assert_msg(signature_parse(&arena, signature, &parsed, &err) == OK, "%s: %s", name, err.message);
	ck_assert_msg(description != NULL && description[0] != '\0' && description[strlen(description) - 1] == '.',
				  "%s %s: a description is a sentence", name, signature);
	ck_assert_msg(example == NULL || strstr(example, name) != NULL, "%s: the example shows something else: %s", name, example);
}

START_TEST(registry)
{
	int		n_ksqldb = 0;

	for (int f = 0; scalar_families[f] != NULL; f++)
		for (const ScalarFunction *row = scalar_families[f]; row->name != NULL; row++) {
			check_row(row->name, row->signature, row->description, row->example, row->flags);
			ck_assert_msg((row->kernel != NULL) != (row->row_kernel != NULL), "%s %s: one kernel", row->name, row->signature);
			ck_assert_msg((strstr(row->signature, "= f") != NULL) == (row->resolve != NULL), "%s %s: resolve", row->name,
						  row->signature);
			n_ksqldb += row->dialect != FUNCTION_STANDARD;
			/* No two rows of one dialect have the same parameters. */
			for (int g = 0; scalar_families[g] != NULL; g++)
				for (const ScalarFunction *other = scalar_families[g]; other->name != NULL; other++)
					if (other != row && strcmp(other->name, row->name) == 0 &&
						strcmp(other->signature, row->signature) == 0)
						ck_assert_msg(row->dialect != FUNCTION_BOTH && other->dialect != FUNCTION_BOTH &&
										  row->dialect != other->dialect,
									  "%s %s is there twice", row->name, row->signature);
		}
	ck_assert_int_ge(n_ksqldb, 249);
	for (int f = 0; table_function_families[f] != NULL; f++)
		for (const TableFunction *row = table_function_families[f]; row->name != NULL; row++)
			check_row(row->name, row->signature, row->description, row->example, row->flags);
}
END_TEST

/* Every function of ksqlDB is there. */
START_TEST(complete)
{
	static const char names[] =
		"ABS ACOS ARRAY_CONCAT ARRAY_CONTAINS ARRAY_DISTINCT ARRAY_EXCEPT ARRAY_INTERSECT ARRAY_JOIN ARRAY_LENGTH ARRAY_MAX "
		"ARRAY_MIN ARRAY_REMOVE ARRAY_SORT ARRAY_UNION ASIN AS_MAP AS_VALUE ATAN ATAN2 BIGINT_FROM_BYTES CBRT CEIL CHR "
		"COALESCE CONCAT CONCAT_WS CONVERT_TZ COS COSH COT DATEADD DATESUB DATETOSTRING DEGREES DOUBLE_FROM_BYTES ELT ENCODE "
		"ENTRIES EXP EXTRACTJSONFIELD FIELD FILTER FLOOR FORMAT_DATE FORMAT_TIME FORMAT_TIMESTAMP FROM_BYTES FROM_DAYS "
		"FROM_UNIXTIME GENERATE_SERIES GEO_DISTANCE GREATEST IFNULL INITCAP INSTR INT_FROM_BYTES IS_JSON_STRING "
		"JSON_ARRAY_CONTAINS JSON_ARRAY_LENGTH JSON_CONCAT JSON_ITEMS JSON_KEYS JSON_RECORDS LCASE LEAST LEN LN LOG LPAD "
		"MAP_KEYS MAP_UNION MAP_VALUES MASK MASK_KEEP_LEFT MASK_KEEP_RIGHT MASK_LEFT MASK_RIGHT MD5 NULLIF PARSE_DATE "
		"PARSE_TIME PARSE_TIMESTAMP PI POWER RADIANS RANDOM REDUCE REGEXP_EXTRACT REGEXP_EXTRACT_ALL REGEXP_REPLACE "
		"REGEXP_SPLIT_TO_ARRAY REPLACE ROUND RPAD SIGN SIN SINH SLICE SPLIT SPLIT_TO_MAP SQRT STRINGTODATE STRINGTOTIMESTAMP "
		"SUBSTRING TAN TANH TIMEADD TIMESTAMPADD TIMESTAMPSUB TIMESTAMPTOSTRING TIMESUB TO_BYTES TO_JSON_STRING TRANSFORM "
		"TRIM TRUNC UCASE UNIX_DATE UNIX_TIMESTAMP URL_DECODE_PARAM URL_ENCODE_PARAM URL_EXTRACT_FRAGMENT URL_EXTRACT_HOST "
		"URL_EXTRACT_PARAMETER URL_EXTRACT_PATH URL_EXTRACT_PORT URL_EXTRACT_PROTOCOL URL_EXTRACT_QUERY UUID";
	int n = 0;

	for (const char *at = names; *at != '\0'; at += *at == ' ') {
		size_t	length = strcspn(at, " ");

		ck_assert_msg(function_class(str_make(at, length), false) == FUNCTION_SCALAR, "%.*s", (int)length, at);
		at += length;
		n++;
	}
	ck_assert_int_eq(n, 129);
	ck_assert_int_eq(function_class(STR("explode"), false), FUNCTION_TABLE);
	ck_assert_int_eq(function_class(STR("cube_explode"), false), FUNCTION_TABLE);
}
END_TEST

/* ---- behaviour ---- */

START_TEST(math)
{
	BOTH("5", "ABS", I(-5));
	BOTH("-2147483648", "ABS", I(INT32_MIN));
	BOTH("1.50", "ABS", DEC("-1.50"));
	BOTH("null", "ABS", NUL(type_integer));
	BOTH("\"NaN\"", "SQRT", I(-1));
	BOTH("\"-Infinity\"", "LN", I(0));
	BOTH("\"Infinity\"", "COT", I(0));
	KSQL("0.0", "LOG", I(1));
	STD("2.0", "LOG", I(100));
	BOTH("\"NaN\"", "LOG", I(1), I(5));
	BOTH("3.0", "LOG", I(2), I(8));
	KSQL("10.0", "CEIL", DEC("9.9"));
	STD("10", "CEIL", DEC("9.9"));
	KSQL("-2.0", "FLOOR", DEC("-1.5"));
	/* Ties toward plus infinity. */
	KSQL("2", "ROUND", F(1.5));
	KSQL("-1", "ROUND", F(-1.5));
	KSQL("-2", "ROUND", F(-1.9));
	KSQL("9223372036854775807", "ROUND", F(1e300));
	KSQL("0", "ROUND", F(NAN));
	KSQL("-1", "ROUND", DEC("-1.5"));
	KSQL("2.35", "ROUND", F(2.345), I(2));
	KSQL("1.01", "ROUND", F(1.005), I(2));
	KSQL("-1.0", "ROUND", F(-1.005), I(2));
	KSQL("2.350", "ROUND", DEC("2.345"), I(2));
	KSQL("1200.0", "ROUND", F(1234.5), I(-2));
	KSQL("0.0", "ROUND", F(12.0), I(-5));
	KSQL("error", "ROUND", F(NAN), I(1));
	STD("-2.0", "ROUND", F(-1.5));
	STD("-2", "ROUND", DEC("-1.5"));
	STD("10", "ROUND", DEC("9.5"));
	STD("2.35", "ROUND", DEC("2.345"), I(2));
	STD("-1.01", "ROUND", F(-1.005), I(2));
	STD("1200", "ROUND", I(1249), I(-2));
	KSQL("-1", "TRUNC", F(-1.9));
	STD("-1.0", "TRUNC", F(-1.9));
	KSQL("-1.23", "TRUNC", F(-1.239), I(2));
	KSQL("1.230", "TRUNC", DEC("1.239"), I(2));
	BOTH("-1", "SIGN", L(-7));
	BOTH("0", "SIGN", F(NAN));
	BOTH("7", "GREATEST", I(3), I(7), NUL(type_integer));
	KSQL("2.50", "GREATEST", DEC("2.5"), DEC("1.25"));
	BOTH("\"b\"", "GREATEST", S("a"), S("b"));
	BOTH("1", "LEAST", I(3), I(1));
	BOTH("-1", "MOD", I(-7), I(3));
	BOTH("error", "MOD", I(1), I(0));
	BOTH("error", "GEO_DISTANCE", F(91), F(0), F(0), F(0));
	BOTH("0.0", "GEO_DISTANCE", F(1), F(1), F(1), F(1), S(" Miles "));
	BOTH("error", "GEO_DISTANCE", F(1), F(1), F(1), F(1), S("ells"));
	BOTH("12", "LCM", L(4), L(6));
}
END_TEST

START_TEST(strings)
{
	KSQL("3", "LEN", S("a\xf0\x9f\x98\x80"));
	STD("2", "LEN", S("a\xf0\x9f\x98\x80"));
	BOTH("2", "LEN", BYTES("ab"));
	BOTH("\"STRASSE LONG ENOUGH\"", "UCASE", S("stra\xc3\x9f" "e long enough"));
	BOTH("\"abc\"", "LCASE", S("ABC"));
	BOTH("\"tream\"", "SUBSTRING", S("stream"), I(2));
	BOTH("\"tre\"", "SUBSTRING", S("stream"), I(2), I(3));
	KSQL("\"str\"", "SUBSTRING", S("stream"), I(0), I(3));
	STD("\"st\"", "SUBSTRING", S("stream"), I(0), I(3));
	KSQL("\"am\"", "SUBSTRING", S("stream"), I(-2));
	KSQL("\"str\"", "SUBSTRING", S("stream"), I(-20), I(3));
	KSQL("\"\"", "SUBSTRING", S("stream"), I(3), I(-1));
	STD("error", "SUBSTRING", S("stream"), I(3), I(-1));
	BOTH("\"\"", "SUBSTRING", S("stream"), I(9));
	STD("\"\xc3\xa9t\"", "SUBSTRING", S("l'\xc3\xa9t\xc3\xa9"), I(3), I(2));
	KSQL("\"ab\"", "CONCAT", S("a"), NUL(type_string), S("b"));
	STD("null", "CONCAT", S("a"), NUL(type_string), S("b"));
	STD("\"a1\"", "CONCAT", S("a"), I(1));
	STD("[1,2]", "CONCAT", ARR(type_integer, I(1)), ARR(type_integer, I(2)));
	BOTH("\"a-b\"", "CONCAT_WS", S("-"), S("a"), NUL(type_string), S("b"));
	BOTH("error", "CONCAT_WS", S("-"));
	BOTH("\"b\"", "ELT", I(2), S("a"), S("b"));
	BOTH("null", "ELT", I(3), S("a"), S("b"));
	BOTH("2", "FIELD", S("b"), S("a"), S("b"));
	KSQL("0", "INSTR", NUL(type_string), S("b"));
	KSQL("5", "INSTR", S("corporate floor"), S("or"), I(3));
	KSQL("14", "INSTR", S("corporate floor"), S("or"), I(3), I(2));
	KSQL("2", "INSTR", S("corporate floor"), S("or"), I(-4), I(2));
	KSQL("0", "INSTR", S("corporate floor"), S("or"), I(40));
	KSQL("\"Hello There\"", "INITCAP", S("  heLLo there"));
	BOTH("\"007\"", "LPAD", S("7"), I(3), S("0"));
	BOTH("\"7ab\"", "RPAD", S("7"), I(3), S("abc"));
	BOTH("\"ab\"", "LPAD", S("abcd"), I(2), S("0"));
	KSQL("null", "LPAD", S("a"), I(3), S(""));
	KSQL("null", "LPAD", S("a"), I(-1), S("x"));
	BOTH("\"K\"", "CHR", I(75));
	BOTH("null", "CHR", I(-1));
	BOTH("\"K\"", "CHR", S("\\u004b"));
	BOTH("\"\xf0\x9f\x98\x80\"", "CHR", S("\\ud83d\\ude00"));
	BOTH("null", "CHR", S("004b"));
	BOTH("\"booa\"", "REPLACE", S("banana"), S("an"), S("o"));
	KSQL("\"-a-b-\"", "REPLACE", S("ab"), S(""), S("-"));
	BOTH("[\"\",\"a\",\"\",\"b\",\"\"]", "SPLIT", S(",a,,b,"), S(","));
	BOTH("[\"a\",\"b\"]", "SPLIT", S("ab"), S(""));
	BOTH("{\"a\":\"3\",\"b\":\"2\"}", "SPLIT_TO_MAP", S("a=1;b=2=x;c;a=3"), S(";"), S("="));
	BOTH("\"b\"", "SPLIT_PART", S("a-b-c"), S("-"), I(2));
	BOTH("\"c\"", "SPLIT_PART", S("a-b-c"), S("-"), I(-1));
	BOTH("\"\"", "SPLIT_PART", S("a-b-c"), S("-"), I(4));
	BOTH("\"a b\"", "TRIM", S(" \t a b\n"));
	BOTH("\"Xx-Xxxx--nnn\"", "MASK", S("My Test $123"));
	KSQL("\"A*ZZ*\"", "MASK", S("Ab12!"), NUL(type_string), S("*"), S("Z"), S("*"));
	KSQL("error", "MASK", S("Ab12!"), S("too long"), S("*"), S("Z"), S("*"));
	BOTH("\"Xxst-12\"", "MASK_LEFT", S("Test-12"), I(2));
	BOTH("\"Xxxx-nn\"", "MASK_LEFT", S("Test-12"), I(100));
	BOTH("error", "MASK_LEFT", S("Test-12"), I(-1));
	BOTH("\"Test-nn\"", "MASK_RIGHT", S("Test-12"), I(2));
	BOTH("\"Texx-nn\"", "MASK_KEEP_LEFT", S("Test-12"), I(2));
	BOTH("\"Xxxx-12\"", "MASK_KEEP_RIGHT", S("Test-12"), I(2));
	BOTH("\"0cc175b9c0f1b6a831c399e269772661\"", "MD5", S("a"));
	BOTH("\"cb\xc3\xa9\"", "REVERSE", S("\xc3\xa9" "bc"));
	BOTH("\"ababab\"", "REPEAT", S("ab"), I(3));
	BOTH("\"xyc\"", "TRANSLATE", S("abc"), S("ab"), S("xy"));
	BOTH("\"abc\"", "LEFT", S("abcde"), I(-2));
	BOTH("\"de\"", "RIGHT", S("abcde"), I(2));
	STD("\"ff\"", "TO_HEX", I(255));
	BOTH("true", "STARTS_WITH", S("abc"), S("ab"));
	STD("2", "POSITION", S("b"), S("abc"));
	BOTH("\"00010203-0405-0607-0809-0a0b0c0d0e0f\"", "UUID", BYTES("\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17"));
	BOTH("null", "UUID", BYTES("abc"));
}
END_TEST

START_TEST(bytes)
{
	BOTH("\"4578\"", "ENCODE", S("Ex"), S("utf8"), S("HEX"));
	BOTH("\"\\u0001\"", "ENCODE", S("0x1"), S("hex"), S("ascii"));
	BOTH("\"Ex\"", "ENCODE", S("X'4578'"), S("hex"), S("utf8"));
	BOTH("error", "ENCODE", S("457"), S("hex"), S("utf8"));
	BOTH("error", "ENCODE", S("45"), S("hex"), S("hex"));
	BOTH("\"?\"", "ENCODE", S("Pw=="), S("base64"), S("utf8"));
	BOTH("\"616263\"", "FROM_BYTES", BYTES("abc"), S("hex"));
	BOTH("\"YWJj\"", "TO_BYTES", S("abc"), S("utf8"));
	BOTH("error", "TO_BYTES", S("0xab"), S("hex"));
	BOTH("2021", "INT_FROM_BYTES", BYTES("\0\0\7\xe5"));
	BOTH("2021", "INT_FROM_BYTES", BYTES("\xe5\7\0\0"), S("little_endian"));
	BOTH("error", "INT_FROM_BYTES", BYTES("\0\7\xe5"));
	BOTH("1.5", "DOUBLE_FROM_BYTES", BYTES("\x3f\xf8\0\0\0\0\0\0"));
}
END_TEST

START_TEST(regex)
{
	KSQL("\"1\"", "REGEXP_EXTRACT", S("[0-9]+"), S("a1b22"));
	STD("\"1\"", "REGEXP_EXTRACT", S("a1b22"), S("[0-9]+"));
	KSQL("\"b\"", "REGEXP_EXTRACT", S("([a-z])(2+)"), S("a1b22"), I(1));
	STD("\"b\"", "REGEXP_EXTRACT", S("a1b22"), S("([a-z])(2+)"), I(1));
	KSQL("null", "REGEXP_EXTRACT", S("([a-z])"), S("a1b22"), I(2));
	STD("null", "REGEXP_EXTRACT", S("a1b22"), S("([a-z])"), I(2));
	KSQL("error", "REGEXP_EXTRACT", S("([a-z])"), S("a1b22"), I(-1));
	STD("error", "REGEXP_EXTRACT", S("a1b22"), S("([a-z])"), I(-1));
	KSQL("error", "REGEXP_EXTRACT", S("("), S("a1b22"));
	STD("error", "REGEXP_EXTRACT", S("a1b22"), S("("));
	KSQL("[]", "REGEXP_EXTRACT_ALL", S("x"), S("a1b22"));
	STD("[]", "REGEXP_EXTRACT_ALL", S("a1b22"), S("x"));
	KSQL("[\"1\",\"22\"]", "REGEXP_EXTRACT_ALL", S("[0-9]+"), S("a1b22"));
	STD("[\"1\",\"22\"]", "REGEXP_EXTRACT_ALL", S("a1b22"), S("[0-9]+"));
	BOTH("\"a<1>b<22>\"", "REGEXP_REPLACE", S("a1b22"), S("([0-9]+)"), S("<$1>"));
	BOTH("[\"a\",\"b\",\"\"]", "REGEXP_SPLIT_TO_ARRAY", S("a1b22"), S("[0-9]+"));
	BOTH("true", "REGEXP_LIKE", S("a1"), S("[0-9]"));
	BOTH("2", "REGEXP_COUNT", S("a1b22"), S("[0-9]+"));
}
END_TEST

START_TEST(collections)
{
	const Type *t = type_integer;

	BOTH("[1,2,2]", "ARRAY_CONCAT", ARR(t, I(1), I(2)), ARR(t, I(2)));
	BOTH("[2]", "ARRAY_CONCAT", NUL(type_array(t)), ARR(t, I(2)));
	BOTH("true", "ARRAY_CONTAINS", ARR(t, I(1), NUL(t)), NUL(t));
	KSQL("false", "ARRAY_CONTAINS", NUL(type_array(t)), I(1));
	STD("null", "ARRAY_CONTAINS", NUL(type_array(t)), I(1));
	KSQL("refused", "ARRAY_CONTAINS", ARR(type_bigint, L(1)), S("a"));
	BOTH("[2,null,1]", "ARRAY_DISTINCT", ARR(t, I(2), NUL(t), I(2), NUL(t), I(1)));
	BOTH("[0,-1]", "ARRAY_EXCEPT", ARR(t, I(0), I(0), I(1), I(-1)), ARR(t, I(1), I(-2)));
	BOTH("[2]", "ARRAY_INTERSECT", ARR(t, I(2), I(1), I(2)), ARR(t, I(2), I(3)));
	BOTH("[1,2,3]", "ARRAY_UNION", ARR(t, I(1), I(2)), ARR(t, I(2), I(3)));
	BOTH("\"1,null,3\"", "ARRAY_JOIN", ARR(t, I(1), NUL(t), I(3)));
	BOTH("\"13\"", "ARRAY_JOIN", ARR(t, I(1), I(3)), NUL(type_string));
	KSQL("error", "ARRAY_JOIN", ARR(type_date, DATE(1)));
	BOTH("2", "ARRAY_LENGTH", ARR(t, I(1), I(3)));
	BOTH("3", "ARRAY_MAX", ARR(t, I(1), NUL(t), I(3)));
	BOTH("null", "ARRAY_MIN", ARR(t, NUL(t)));
	BOTH("[2]", "ARRAY_REMOVE", ARR(t, I(1), I(2), I(1)), I(1));
	BOTH("[1,2,3,null]", "ARRAY_SORT", ARR(t, I(3), NUL(t), I(1), I(2)));
	BOTH("[3,2,1,null]", "ARRAY_SORT", ARR(t, I(3), NUL(t), I(1), I(2)), S("desc"));
	BOTH("null", "ARRAY_SORT", ARR(t, I(3)), S("up"));
	BOTH("[2,3]", "SLICE", ARR(t, I(1), I(2), I(3), I(4)), I(2), I(3));
	BOTH("[]", "SLICE", ARR(t, I(1), I(2)), I(2), I(1));
	BOTH("null", "SLICE", ARR(t, I(1), I(2)), I(0), I(1));
	BOTH("[2]", "SLICE", ARR(t, I(1), I(2)), I(2), NUL(t));
	BOTH("[1,2,3]", "GENERATE_SERIES", I(1), I(3));
	KSQL("[3,2,1]", "GENERATE_SERIES", L(3), L(1));
	STD("[]", "GENERATE_SERIES", L(3), L(1));
	BOTH("[3,2,1]", "GENERATE_SERIES", L(3), L(1), I(-1));
	BOTH("[1]", "GENERATE_SERIES", I(1), I(1));
	KSQL("error", "GENERATE_SERIES", I(1), I(3), I(-1));
	STD("[]", "GENERATE_SERIES", I(1), I(3), I(-1));
	BOTH("error", "GENERATE_SERIES", I(1), I(3), I(0));
	BOTH("{\"a\":1,\"b\":null}", "AS_MAP", ARR(type_string, S("a"), S("b")), ARR(t, I(1)));
	BOTH("[\"a\",\"b\"]", "MAP_KEYS", MAP(t, S("a"), I(1), S("b"), I(2)));
	BOTH("[1,2]", "MAP_VALUES", MAP(t, S("a"), I(1), S("b"), I(2)));
	BOTH("{\"a\":3,\"b\":2}", "MAP_UNION", MAP(t, S("a"), I(1), S("b"), I(2)), MAP(t, S("a"), I(3)));
	BOTH("[{\"K\":\"a\",\"V\":2},{\"K\":\"b\",\"V\":1}]", "ENTRIES", MAP(t, S("b"), I(1), S("a"), I(2)), B(true));
}
END_TEST

START_TEST(lambdas)
{
	const Type *t = type_integer;

	BOTH("[2,4]", "TRANSFORM", ARR(t, I(1), I(2)), LAMBDA(1, "twice"));
	BOTH("[]", "TRANSFORM", array(t, 0, (Value[]){{0}}), LAMBDA(1, "twice"));
	BOTH("null", "TRANSFORM", NUL(type_array(t)), LAMBDA(1, "twice"));
	KSQL("error", "TRANSFORM", ARR(t, I(1), NUL(t)), LAMBDA(1, "twice"));
	BOTH("[2,3]", "FILTER", ARR(t, I(1), I(2), I(3)), LAMBDA(1, "at least 2"));
	KSQL("[3]", "FILTER", ARR(t, NUL(t), I(3)), LAMBDA(1, "at least 2"));
	STD("error", "FILTER", ARR(t, NUL(t), I(3)), LAMBDA(1, "at least 2"));
	BOTH("16", "REDUCE", ARR(t, I(1), I(2), I(3)), I(10), LAMBDA(2, "sum"));
	BOTH("10", "REDUCE", NUL(type_array(t)), I(10), LAMBDA(2, "sum"));
	BOTH("null", "REDUCE", ARR(t, I(1)), NUL(t), LAMBDA(2, "sum"));
}
END_TEST

START_TEST(json)
{
	BOTH("\"8\"", "EXTRACTJSONFIELD", S("{\"a\": [7, 8]}"), S("$.a[1]"));
	BOTH("\"1.23450\"", "EXTRACTJSONFIELD", S("{\"a\": 1.23450}"), S("$.a"));
	BOTH("\"x\"", "EXTRACTJSONFIELD", S("{\"a b\": \"x\"}}"), S("$[\"a b\"]"));
	BOTH("\"null\"", "EXTRACTJSONFIELD", S("{\"a\": null}"), S("$.a"));
	BOTH("null", "EXTRACTJSONFIELD", S("{\"a\": 1}"), S("$.b"));
	BOTH("null", "EXTRACTJSONFIELD", S("[1, 2, 3]"), S("$[-1]"));
	BOTH("error", "EXTRACTJSONFIELD", S("{\"a\": 1}"), S("a"));
	BOTH("error", "EXTRACTJSONFIELD", S("{\"a\": "), S("$.a"));
	BOTH("null", "JSON_EXTRACT_STRING", S("{\"a\": null}"), S("$.a"));
	BOTH("true", "IS_JSON_STRING", S("1"));
	BOTH("false", "IS_JSON_STRING", S("abc"));
	BOTH("false", "IS_JSON_STRING", NUL(type_string));
	BOTH("true", "JSON_ARRAY_CONTAINS", S("[1, 2.5, \"a\"]"), I(1));
	BOTH("false", "JSON_ARRAY_CONTAINS", S("[1, 2.5, \"a\"]"), F(1));
	BOTH("true", "JSON_ARRAY_CONTAINS", S("[1, 2.5, \"a\"]"), F(2.5));
	BOTH("false", "JSON_ARRAY_CONTAINS", S("[1, 2.5]"), DEC("2.5"));
	BOTH("false", "JSON_ARRAY_CONTAINS", S("[3000000000, 1]"), I(1));
	BOTH("2", "JSON_ARRAY_LENGTH", S("[1, [2]]"));
	BOTH("null", "JSON_ARRAY_LENGTH", S("{}"));
	BOTH("\"{\\\"a\\\":{\\\"3\\\":4}}\"", "JSON_CONCAT", S("{\"a\": {\"5\": 6}}"), S("{\"a\": {\"3\": 4}}"));
	BOTH("\"[1,2,{\\\"a\\\":1}]\"", "JSON_CONCAT", S("[1, 2]"), S("{\"a\": 1}"));
	BOTH("null", "JSON_CONCAT", S("1"), S(""));
	BOTH("[\"1\",\"\\\"a\\\"\"]", "JSON_ITEMS", S("[1, \"a\"]"));
	BOTH("error", "JSON_ITEMS", S("{}"));
	BOTH("[\"b\",\"a\"]", "JSON_KEYS", S("{\"b\": 1, \"a\": 2}"));
	BOTH("{\"a\":\"x\",\"b\":\"1\"}", "JSON_RECORDS", S("{\"b\": 1, \"a\": \"x\"}"));
	BOTH("\"null\"", "TO_JSON_STRING", NUL(type_integer));
	BOTH("\"{\\\"a\\\":1,\\\"b\\\":2}\"", "TO_JSON_STRING", MAP(type_integer, S("b"), I(2), S("a"), I(1)));
	BOTH("\"\\\"1972-09-27\\\"\"", "TO_JSON_STRING", DATE(1000));
}
END_TEST

START_TEST(nulls)
{
	BOTH("2", "COALESCE", NUL(type_integer), I(2), I(3));
	BOTH("null", "COALESCE", NUL(type_integer));
	BOTH("[1]", "IFNULL", NUL(type_array(type_integer)), ARR(type_integer, I(1)));
	KSQL("refused", "COALESCE", I(1), L(2));
	STD("1", "COALESCE", I(1), L(2));
	BOTH("null", "NULLIF", S("a"), S("a"));
	BOTH("\"a\"", "NULLIF", S("a"), S("b"));
	STD("\"yes\"", "IIF", B(true), S("yes"), S("no"));
	STD("\"INTEGER\"", "TYPEOF", I(1));
	BOTH("7", "AS_VALUE", I(7));
}
END_TEST

START_TEST(times)
{
	BOTH("\"1970-01-11\"", "DATEADD", UNIT(86400000), I(10), DATE(0));
	BOTH("\"1970-01-01\"", "DATESUB", UNIT(3600000), I(23), DATE(0));
	KSQL("\"00:00\"", "TIMEADD", UNIT(3600000), I(1), TIME(82800000));
	BOTH("3600000", "UNIX_TIMESTAMP", TS(3600000));
	KSQL("\"1970-01-01T01:00:00.000\"", "TIMESTAMPADD", UNIT(3600000), I(1), TS(0));
	BOTH("\"01.01.1970\"", "FORMAT_DATE", DATE(0), S("dd.MM.yyyy"));
	BOTH("error", "FORMAT_DATE", DATE(0), S("HH"));
	BOTH("\"2018-05-11 14:58:33 PDT\"", "FORMAT_TIMESTAMP", TS(1526075913000), S("yyyy-MM-dd HH:mm:ss zzz"),
		 S("America/Los_Angeles"));
	BOTH("error", "FORMAT_TIMESTAMP", TS(0), S("yyyy"), S("Nowhere"));
	BOTH("\"2022-01-01\"", "PARSE_DATE", S("01-JAN-2022"), S("dd-MMM-yyyy"));
	BOTH("17662", "STRINGTODATE", S("2018-05-11Lit"), S("yyyy-MM-dd'Lit'"));
	BOTH("3600000", "STRINGTOTIMESTAMP", S("1970-01-01 01"), S("yyyy-MM-dd HH"), S("UTC"));
	BOTH("error", "STRINGTOTIMESTAMP", NUL(type_string), S("yyyy-MM-dd HH"), S("UTC"));
	KSQL("\"1970-01-01T03:00:00.100\"", "CONVERT_TZ", TS(100), S("+0200"), S("+0500"));
	BOTH("\"1970-01-06\"", "FROM_DAYS", I(5));
	STD("\"1970-01-01 01:00:00\"", "DATE_TRUNC", S("hour"), TS(3700000));
	BOTH("\"2024-04-01\"", "DATE_TRUNC", S("quarter"), DATE(19860));
	BOTH("\"2024-05-13\"", "DATE_TRUNC", S("weeks"), DATE(19860));
	BOTH("error", "DATE_TRUNC", S("fortnight"), DATE(19860));
	BOTH("5", "DATE_PART", S("MONTH"), DATE(19860));
	BOTH("20", "WEEK", DATE(19860));
	BOTH("\"Friday\"", "DAYNAME", DATE(19860));
	STD("\"2024-02-29\"", "DATE_ADD", S("month"), I(1), DATE(19753));
	BOTH("1", "DATE_DIFF", S("month"), DATE(19753), DATE(19754));
	BOTH("\"17.05.2024\"", "STRFTIME", DATE(19860), S("%d.%m.%Y"));
	BOTH("1500", "EPOCH_MS", TS(1500));
	STD("\"1970-01-02 03:04:05.5\"", "STRPTIME", S("1970-01-02 03:04:05.5"), S("%Y-%m-%d %H:%M:%S.%f"));
	BOTH("error", "STRPTIME", S("1970-13-02"), S("%F"));
	STD("\"17 MAY 24 03:04 PM\"", "TO_CHAR", TS(INT64_C(1715958245000)), S("FMDD MON YY HH:MI AM"));
	STD("\"2024-05-17\"", "TO_DATE", S("17/05/2024"), S("DD/MM/YYYY"));
	STD("\"1970-01-01 13:30:00\"", "TO_TIMESTAMP", S("1970-01-01 1:30 PM"), S("YYYY-MM-DD HH12:MI PM"));
	STD("[\"2024-01-31 00:00:00\",\"2024-02-29 00:00:00\"]", "GENERATE_SERIES", DATE(19753), DATE(19785),
		((Value){.type = type_interval, .interval = {1, 0, 0}}));
	BOTH("error", "MAKE_DATE", I(2023), I(2), I(29));
	BOTH("\"2024-02-29\"", "MAKE_DATE", I(2024), I(2), I(29));
	BOTH("\"2024-05-31\"", "LAST_DAY", DATE(19860));
}
END_TEST

START_TEST(urls)
{
	const char *url = "https://user@docs.example.com:8088/a%20b/c?x=1&y=%C3%A9&z#frag%21";

	BOTH("\"https\"", "URL_EXTRACT_PROTOCOL", S(url));
	BOTH("\"docs.example.com\"", "URL_EXTRACT_HOST", S(url));
	BOTH("8088", "URL_EXTRACT_PORT", S(url));
	BOTH("\"/a b/c\"", "URL_EXTRACT_PATH", S(url));
	BOTH("\"x=1&y=\xc3\xa9&z\"", "URL_EXTRACT_QUERY", S(url));
	BOTH("\"frag!\"", "URL_EXTRACT_FRAGMENT", S(url));
	BOTH("\"\xc3\xa9\"", "URL_EXTRACT_PARAMETER", S(url), S("y"));
	BOTH("\"\"", "URL_EXTRACT_PARAMETER", S(url), S("z"));
	BOTH("null", "URL_EXTRACT_PARAMETER", S(url), S("w"));
	BOTH("null", "URL_EXTRACT_HOST", S("http://under_score/"));
	BOTH("\"\"", "URL_EXTRACT_PATH", S("http://host"));
	BOTH("null", "URL_EXTRACT_PATH", S("mailto:x@y.z"));
	BOTH("error", "URL_EXTRACT_PATH", S("http://host/a b"));
	BOTH("\"a+b%21%C3%A9\"", "URL_ENCODE_PARAM", S("a b!\xc3\xa9"));
	BOTH("\"a b!\"", "URL_DECODE_PARAM", S("a+b%21"));
	BOTH("error", "URL_DECODE_PARAM", S("%2"));
}
END_TEST

/* ---- any arguments ---- */

static uint64_t random_state = 1;

static uint64_t
random_next(void)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return random_state >> 33;
}

#define PICK(array) ((array)[random_next() % (sizeof(array) / sizeof(array)[0])])

static Value
random_value(const Type *type, int depth)
{
	static const int64_t integers[] = {0, 1, -1, 2, 3, 7, 100, -20, INT32_MAX, INT32_MIN};
	static const int64_t bigs[] = {0, 1, -1, 5, 86400000, 1700000000123, -62135596800001, INT64_MAX, INT64_MIN};
	static const double	 doubles[] = {0.0, -0.0, 1.5, -2.5, 1e300, -1e-300, NAN, INFINITY, -INFINITY, 180, 5e-324};
	static const char *const texts[] = {"", "a", "abc", "2024-02-29", "day", "month", "yyyy-MM-dd HH:mm", "%Y-%m-%d %H", "UTC",
										"+02:00", "$.a[0]", "{\"a\": [1, null, {}]}", "[1, 2.5, \"x\"]", "(a)(b)?", "[", "\\", "hex",
										"base64", "ascii", "utf8", "http://h:80/p%20q?a=b&c#d", "%", "%zz", " \t x ", "\xc3\xa9\xf0\x9f\x98\x80",
										"0xabc", "X'ab'", "YWJj", "a-b-c", "-", "\\u0041", "12345678901234567890", "$1", "${x}",
										"a text that is longer than any short text is"};
	static const int64_t units[] = {1, 1000, 60000, 3600000, 86400000};
	Value		 v = {.type = type};
	int			 n;

	if (random_next() % 8 == 0)
		return value_null(type);
	switch (type->kind) {
	case TYPE_BOOLEAN:
		v.boolean = random_next() % 2;
		return v;
	case TYPE_DOUBLE:
		v.number = PICK(doubles);
		return v;
	case TYPE_DECIMAL:
		v.decimal = (Decimal)PICK(integers) % 100000;
		return v;
	case TYPE_STRING:
	case TYPE_BYTES:
		v.text = str_of(PICK(texts));
		return v;
	case TYPE_INTERVAL:
		v.interval = (Interval){(int32_t)(random_next() % 3), (int32_t)(random_next() % 3), (int64_t)(random_next() % 2) * 60000000};
		return v;
	case TYPE_BIGINT:
	case TYPE_TIMESTAMP:
		v.integer = PICK(bigs);
		return v;
	case TYPE_TIME:
		v.integer = (int64_t)(random_next() % 86400000);
		return v;
	case TYPE_UNIT:
		v.integer = PICK(units);
		return v;
	case TYPE_ARRAY:
	case TYPE_MAP:
		n = depth > 2 ? 0 : (int)(random_next() % 4);
		v.items = arena_array(&arena, Value, 2 * n + 1);
		for (int i = 0; i < n; i++) {
			if (type->kind == TYPE_MAP) {
				v.items[2 * i] = type->key->kind == TYPE_STRING ? S(arena_printf(&arena, "k%d", i)) : value_integer(type->key, i);
				v.items[2 * i + 1] = random_value(type->element, depth + 1);
			} else {
				v.items[i] = random_value(type->element, depth + 1);
			}
		}
		v.n_items = (uint32_t)n;
		return v;
	case TYPE_STRUCT:
		return value_null(type);
	default:
		v.integer = PICK(integers);
		return v;
	}
}

static const Type *
type_of_pattern(const Pattern *p, const Type *variable)
{
	switch (p->kind) {
	case PATTERN_TYPE:
		return p->type;
	case PATTERN_DECIMAL:
		return type_decimal(7, (int)(random_next() % 4));
	case PATTERN_ARRAY:
		return type_array(type_of_pattern(&p->parts[0], variable));
	case PATTERN_MAP:
		return type_map(type_of_pattern(&p->parts[0], variable), type_of_pattern(&p->parts[1], variable));
	case PATTERN_LAMBDA:
		return NULL;
	default:
		return variable;
	}
}

/* No arguments crash a function (under the sanitizers: nor do they overflow or read beyond the end). */
START_TEST(any_arguments)
{
	const Type *variables[] = {type_integer, type_string, type_double, type_date};

	for (int f = 0; scalar_families[f] != NULL; f++)
		for (const ScalarFunction *row = scalar_families[f]; row->name != NULL; row++)
			for (int round = 0; round < 10; round++) {
				Error		err = {0};
				Signature	signature;
				Value		values[8];
				const Type *variable = PICK(variables);
				int			n = 0;
				bool		has_lambda = false;

				ck_assert_int_eq(signature_parse(&arena, row->signature, &signature, &err), OK);
				for (int i = 0; i < signature.n_parameters && n < 8; i++) {
					int		count = signature.parameters[i].is_variadic ? (int)(random_next() % 3) : 1;
					const Type *type = type_of_pattern(&signature.parameters[i], variable);

					has_lambda = has_lambda || type == NULL;
					for (int c = 0; c < count && n < 8 && type != NULL; c++)
						values[n++] = random_value(type, 0);
				}
				if (!has_lambda)
					call(row->name, row->dialect == FUNCTION_STANDARD || round % 2 == 0, n, values, round % 4 < 2);
				arena_reset(&arena);
			}
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("functions");
	TCase	*cases = tcase_create("functions");
	SRunner *runner;
	int		 n_failed;

	tcase_add_test(cases, registry);
	tcase_add_test(cases, complete);
	tcase_add_test(cases, math);
	tcase_add_test(cases, strings);
	tcase_add_test(cases, bytes);
	tcase_add_test(cases, regex);
	tcase_add_test(cases, collections);
	tcase_add_test(cases, lambdas);
	tcase_add_test(cases, json);
	tcase_add_test(cases, nulls);
	tcase_add_test(cases, times);
	tcase_add_test(cases, urls);
	tcase_add_test(cases, any_arguments);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	arena_free(&arena);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
