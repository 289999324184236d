/* exec/expr: evaluation of every node kind, both dialects, failures and laziness. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "exec/expr/lambda.h"
#include "exec/expr/program.h"

static Arena arena;
static int	 n_reports;
static char	 last_reason[512];

static void
on_report(EvalLog *log, const Batch *in, int32_t row, const char *reason)
{
	(void)log;
	(void)in;
	(void)row;
	n_reports++;
	strncpy(last_reason, reason, sizeof last_reason - 1);
}

/* ---- a small language for making expressions ---- */

static Expr *
node(ExprKind kind, const Type *type, int n, Expr **args)
{
	return expr_new(&arena, kind, type, args, n);
}

#define ARGS(...) (int)(sizeof((Expr *[]){__VA_ARGS__}) / sizeof(Expr *)), ((Expr *[]){__VA_ARGS__})

static Expr *
integer(int64_t n)
{
	return expr_constant(&arena, value_integer(type_integer, n));
}

static Expr *
string(const char *s)
{
	return expr_constant(&arena, value_text(type_string, str_of(s)));
}

static Expr *
null(const Type *type)
{
	return expr_constant(&arena, value_null(type));
}

static Expr *
column(int i, const Type *type)
{
	static const char *const names[] = {"A", "B", "S", "P", "L", "ST", "M", "D"};

	return expr_column(&arena, i, type, names[i]);
}

static Expr *
with(Expr *e, int op, bool standard)
{
	e->op = op;
	e->standard = standard;
	return e;
}

static Expr *
arith(int op, Expr *a, Expr *b, bool standard)
{
	return with(node(EXPR_ARITHMETIC, a->type, ARGS(a, b)), op, standard);
}

static Expr *
compare(int op, Expr *a, Expr *b, bool standard)
{
	return with(node(EXPR_COMPARE, type_boolean, ARGS(a, b)), op, standard);
}

static Expr *
cast(Expr *a, const Type *type, bool standard)
{
	Expr *e = with(node(EXPR_CAST, type, ARGS(a)), 0, standard);

	e->is_guarded = true;
	return e;
}

/* ---- the input: A INTEGER, B INTEGER, S STRING, P BOOLEAN, L ARRAY<INTEGER>, ST STRUCT<X STRING>, M MAP, D DOUBLE ---- */

#define A column(0, type_integer)
#define B column(1, type_integer)
#define S column(2, type_string)
#define P column(3, type_boolean)
#define L column(4, type_array(type_integer))
#define M column(6, type_map(type_string, type_integer))
#define D column(7, type_double)

static const Type *
struct_type(void)
{
	TypeField fields[] = {{"X", type_string}, {"Y", type_integer}};

	return type_struct(fields, 2);
}

static Batch *
input(void)
{
	Batch	   *b = batch_new(&arena, 8, 4);
	const Type *types[] = {type_integer, type_integer, type_string, type_boolean, type_array(type_integer), struct_type(),
						   type_map(type_string, type_integer), type_double};
	Vector	   *v[8];
	static const int a[] = {1, 2, 3, 0}, bb[] = {10, 0, -3, 7};
	static const char *const s[] = {"apple", "a longer text than fits", "", "pear"};

	for (int c = 0; c < 8; c++)
		b->columns[c] = v[c] = vector_new(&arena, types[c], 4);
	for (int i = 0; i < 4; i++) {
		Value elements[] = {value_integer(type_integer, i), value_integer(type_integer, i + 1)};
		Value list = {.type = types[4], .n_items = 2, .items = elements};
		Value fields[] = {value_text(type_string, str_of(s[i])), value_integer(type_integer, i)};
		Value record = {.type = types[5], .n_items = 2, .items = fields};
		Value entries[] = {value_text(type_string, STR("k")), value_integer(type_integer, i * 100)};
		Value map = {.type = types[6], .n_items = 1, .items = entries};
		Value text = value_text(type_string, str_of(s[i]));

		((int32_t *)v[0]->data)[i] = a[i];
		((int32_t *)v[1]->data)[i] = bb[i];
		vector_set(v[2], &arena, i, &text);
		((uint8_t *)v[3]->data)[i] = i % 2 == 0;
		if (i == 2)
			list.is_null = record.is_null = true;
		vector_set(v[4], &arena, i, &list);
		vector_set(v[5], &arena, i, &record);
		vector_set(v[6], &arena, i, &map);
		((double *)v[7]->data)[i] = i == 2 ? NAN : i * 1.5;
	}
	/* Row 3: A, P are NULL; row 2: S is NULL. */
	vector_set_null(v[0], &arena, 3);
	vector_set_null(v[3], &arena, 3);
	vector_set_null(v[2], &arena, 2);
	return b;
}

static const char *
print_result(const Vector *v, int32_t n)
{
	Batch	*b = batch_new(&arena, 1, n);
	StrBuf	 out = {0};
	char	*text;

	b->columns[0] = v;
	batch_print(b, &out);
	for (size_t i = 0; i < out.length; i++)
		if (out.data[i] == '\n')
			out.data[i] = i + 1 < out.length ? ' ' : '\0';
	text = str_to_arena(&arena, strbuf_str(&out));
	strbuf_free(&out);
	/* "+ 1 + 2" -> "1 2" */
	for (char *from = text, *to = text;; from++) {
		if ((from == text || from[-1] == ' ') && from[0] == '+' && from[1] == ' ') {
			from++;
			continue;
		}
		*to++ = *from;
		if (*from == '\0')
			break;
	}
	return text;
}

/* Evaluates over the batch and over each of its rows alone, and over a dictionary of it: all must agree. */
static const char *
run(const Expr *e)
{
	Batch		*b = input();
	EvalLog		 log = {on_report};
	EvalContext	 context = {.scratch = &arena, .log = &log, .env = &env_real};
	Program		*program = NULL;
	const Vector *v = NULL;
	const char	*all;
	StrBuf		 single = {0};
	Error		 err;
	const uint32_t index[] = {0, 1, 2, 3};
	int			 n_before;

	n_reports = 0;
	ck_assert_msg(program_compile(&arena, e, &program, &err) == OK, "%s", err.message);
	ck_assert_int_eq(program_eval(program, &context, b, &v, &err), OK);
	all = print_result(v, 4);
	n_before = n_reports;
	ck_assert_int_eq(context.n_failed, n_reports);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(program_eval(program, &context, batch_slice(&arena, b, i, 1), &v, &err), OK);
		strbuf_printf(&single, "%s%s", i > 0 ? " " : "", print_result(v, 1));
	}
	ck_assert_str_eq(strbuf_text(&single), all);
	strbuf_free(&single);
	ck_assert_int_eq(n_reports, 2 * n_before);
	ck_assert_int_eq(program_eval(program, &context, batch_select(&arena, b, index, 4), &v, &err), OK);
	ck_assert_str_eq(print_result(v, 4), all);
	n_reports = n_before;
	return all;
}

#define IS(e, expected, reports)                                         \
	do {                                                                 \
		ck_assert_str_eq(run(e), expected);                              \
		ck_assert_int_eq(n_reports, reports);                            \
	} while (0)

START_TEST(arithmetic)
{
	IS(arith(ARITH_ADD, A, B, true), "11 2 0 .", 0);
	IS(arith(ARITH_ADD, A, B, false), "11 2 0 .", 1);
	IS(arith(ARITH_DIV, A, B, true), "0 . -1 .", 1);
	IS(arith(ARITH_MOD, A, integer(2), true), "1 0 1 .", 0);
	IS(arith(ARITH_MUL, A, integer(INT32_MAX), true), "2147483647 . . .", 2);
	IS(arith(ARITH_MUL, A, integer(INT32_MAX), false), "2147483647 -2 2147483645 .", 1);
	IS(arith(ARITH_DIV, integer(1), integer(0), true), ". . . .", 4);
	IS(arith(ARITH_ADD, integer(1), integer(2), true), "3 3 3 3", 0);
	IS(with(node(EXPR_NEGATE, type_integer, ARGS(B)), 0, true), "-10 0 3 -7", 0);
	IS(arith(ARITH_ADD, S, string("!"), true), "'apple!' 'a longer text than fits!' . 'pear!'", 0);
	IS(arith(ARITH_ADD, S, string("!"), false), "'apple!' 'a longer text than fits!' 'null!' 'pear!'", 0);
	IS(arith(ARITH_DIV, D, expr_constant(&arena, value_double(0)), true), ". . . .", 4);
	IS(arith(ARITH_DIV, expr_constant(&arena, value_double(3)), D, false), "inf 2 nan 0.66666666666666663", 0);
}
END_TEST

START_TEST(big_integers)
{
	Expr *max = expr_constant(&arena, value_integer(type_bigint, INT64_MAX));
	Expr *wide = cast(A, type_bigint, true);

	IS(arith(ARITH_ADD, wide, max, true), ". . . .", 3);
	IS(arith(ARITH_SUB, wide, max, true), "-9223372036854775806 -9223372036854775805 -9223372036854775804 .", 0);
	IS(arith(ARITH_MUL, max, wide, true), "9223372036854775807 . . .", 2);
	IS(arith(ARITH_ADD, wide, max, false), "-9223372036854775808 -9223372036854775807 -9223372036854775806 .", 1);
}
END_TEST

static Expr *
decimal(Decimal unscaled, int p, int s)
{
	return expr_constant(&arena, (Value){.type = type_decimal(p, s), .decimal = unscaled});
}

START_TEST(decimals)
{
	Expr *d = cast(A, type_decimal(10, 0), true);
	Expr *e;

	e = node(EXPR_ARITHMETIC, type_decimal(13, 2), ARGS(d, decimal(150, 4, 2)));
	IS(with(e, ARITH_ADD, true), "2.50 3.50 4.50 .", 0);
	e = node(EXPR_ARITHMETIC, type_decimal(15, 2), ARGS(d, decimal(150, 4, 2)));
	IS(with(e, ARITH_MUL, false), "1.50 3.00 4.50 .", 1);
	e = node(EXPR_ARITHMETIC, type_decimal(17, 6), ARGS(decimal(1, 1, 0), d));
	IS(with(e, ARITH_DIV, true), "1.000000 0.500000 0.333333 .", 0);
	e = node(EXPR_ARITHMETIC, type_decimal(17, 6), ARGS(decimal(1, 1, 0), d));
	IS(with(e, ARITH_DIV, false), "1.000000 0.500000 . .", 2);
	IS(compare(COMPARE_GT, d, decimal(150, 3, 2), true), "false true true .", 0);
	IS(compare(COMPARE_EQ, D, decimal(150, 3, 2), true), "false true false false", 0);
	IS(compare(COMPARE_LT, D, decimal(150, 3, 2), false), "true false . false", 1);
}
END_TEST

START_TEST(comparisons)
{
	IS(compare(COMPARE_LT, A, B, true), "true false false .", 0);
	IS(compare(COMPARE_LT, A, B, false), "true false false false", 0);
	IS(compare(COMPARE_NE, A, integer(2), false), "true false true false", 0);
	IS(compare(COMPARE_EQ, integer(2), A, true), "false true false .", 0);
	IS(compare(COMPARE_EQ, A, null(type_integer), true), ". . . .", 0);
	IS(compare(COMPARE_EQ, A, null(type_integer), false), "false false false false", 0);
	IS(compare(COMPARE_EQ, S, string("apple"), true), "true false . false", 0);
	IS(compare(COMPARE_NE, string("a longer text than fits"), S, true), "true false . true", 0);
	IS(compare(COMPARE_GE, S, string("apple"), false), "true false false true", 0);
	IS(compare(COMPARE_EQ, D, D, false), "true true false true", 0);
	IS(compare(COMPARE_NE, D, D, false), "false false false false", 0);
	IS(compare(COMPARE_EQ, D, D, true), "true true true true", 0);
	IS(compare(COMPARE_GT, D, expr_constant(&arena, value_double(1)), true), "false true true true", 0);
	IS(compare(COMPARE_EQ, L, L, true), "true true . true", 0);
	IS(node(EXPR_DISTINCT_FROM, type_boolean, ARGS(A, integer(1))), "false true true true", 0);
	IS(node(EXPR_DISTINCT_FROM, type_boolean, ARGS(A, null(type_integer))), "true true true false", 0);
}
END_TEST

START_TEST(logic)
{
	Expr *nonzero = compare(COMPARE_NE, B, integer(0), true);
	Expr *divided = compare(COMPARE_GE, arith(ARITH_DIV, integer(10), B, true), integer(1), true);

	/* The second operand is not evaluated where the first decides. */
	IS(with(node(EXPR_AND, type_boolean, ARGS(nonzero, divided)), 0, true), "true false false true", 0);
	IS(with(node(EXPR_OR, type_boolean, ARGS(compare(COMPARE_EQ, B, integer(0), true), divided)), 0, true),
	   "true true false true", 0);
	IS(with(node(EXPR_AND, type_boolean, ARGS(divided, nonzero)), 0, true), "true . false true", 1);
	IS(with(node(EXPR_AND, type_boolean, ARGS(P, nonzero)), 0, true), "true false true .", 0);
	IS(with(node(EXPR_AND, type_boolean, ARGS(P, nonzero)), 0, false), "true false true .", 1);
	IS(with(node(EXPR_OR, type_boolean, ARGS(P, nonzero)), 0, true), "true false true true", 0);
	IS(with(node(EXPR_AND, type_boolean, ARGS(null(type_boolean), nonzero)), 0, true), ". false . .", 0);
	IS(with(node(EXPR_NOT, type_boolean, ARGS(P)), 0, true), "false true false .", 0);
	IS(with(node(EXPR_NOT, type_boolean, ARGS(P)), 0, false), "false true false .", 1);
	IS(node(EXPR_IS_NULL, type_boolean, ARGS(A)), "false false false true", 0);
	IS(node(EXPR_IS_NULL, type_boolean, ARGS(B)), "false false false false", 0);
}
END_TEST

START_TEST(case_when)
{
	Expr *zero = compare(COMPARE_EQ, B, integer(0), true);
	Expr *safe = node(EXPR_CASE, type_integer, ARGS(zero, integer(-1), arith(ARITH_DIV, integer(10), B, true)));

	IS(safe, "1 -1 -3 1", 0);
	IS(node(EXPR_CASE, type_string, ARGS(P, S)), "'apple' . . .", 0);
	IS(node(EXPR_CASE, type_array(type_integer), ARGS(zero, null(type_array(type_integer)), L)), "[0,1] . . [3,4]", 0);
	IS(node(EXPR_CASE, type_integer, ARGS(expr_constant(&arena, value_boolean(true)), A, B)), "1 2 3 .", 0);
}
END_TEST

START_TEST(in_and_like)
{
	Expr *e;

	IS(with(node(EXPR_IN, type_boolean, ARGS(A, integer(1), integer(3))), 0, true), "true false true .", 0);
	IS(with(node(EXPR_IN, type_boolean, ARGS(A, integer(1), integer(3))), 0, false), "true false true false", 0);
	IS(with(node(EXPR_IN, type_boolean, ARGS(A, integer(1), null(type_integer))), 0, true), "true . . .", 0);
	IS(with(node(EXPR_IN, type_boolean, ARGS(A, B, integer(2))), 0, true), "false true false .", 0);
	e = with(node(EXPR_IN, type_boolean,
				  ARGS(S, string("x"), string("a longer text than fits"), string("pear"), string("y"), string("z"))), 0, true);
	IS(e, "false true . true", 0);
	e->negated = true;
	IS(e, "true false . false", 0);
	e->standard = false;
	IS(e, "true false true false", 0);
	IS(with(node(EXPR_LIKE, type_boolean, ARGS(S, string("%e%r"))), 0, true), "false false . true", 0);
	IS(with(node(EXPR_LIKE, type_boolean, ARGS(S, string("a%"))), 0, false), "true true . false", 1);
	IS(with(node(EXPR_LIKE, type_boolean, ARGS(S, S)), 0, true), "true true . true", 0);
}
END_TEST

START_TEST(casts)
{
	static const struct {
		const char *text;
		const char *type;
		const char *ksqldb;
		const char *standard;
	} cases[] = {
		{" 12 ", "INTEGER", "12", "12"}, {"1.0", "INTEGER", NULL, NULL}, {"99999999999", "INTEGER", NULL, NULL},
		{"99999999999", "BIGINT", "99999999999", "99999999999"}, {"1.5e3", "DOUBLE", "1500", "1500"},
		{"inf", "DOUBLE", NULL, "inf"}, {"NaN", "DOUBLE", NULL, "nan"}, {"1.255", "DECIMAL(4, 2)", "1.26", "1.26"},
		{"123.4", "DECIMAL(4, 2)", NULL, NULL}, {"9.96", "DECIMAL(2, 1)", "10.0", "10.0"},
		{"YE", "BOOLEAN", "true", "true"}, {"1", "BOOLEAN", "false", "true"}, {"maybe", "BOOLEAN", "false", NULL},
		{"off", "BOOLEAN", "false", "false"}, {"2024-05", "DATE", "19844", NULL},
		{"2024-01-01", "DATE", "19723", "19723"}, {"08:15", "TIME", "29700000", "29700000"},
		{"1970-01-01T00:00:01", "TIMESTAMP", "1000", "1000"}, {"1970-01-01 00:00:01", "TIMESTAMP", NULL, "1000"},
		{"YWI=", "BYTES", "0x6162", "0x5957493d"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (int standard = 0; standard < 2; standard++) {
			const char *expected = standard ? cases[i].standard : cases[i].ksqldb;
			const Type *type = NULL;
			Value		v;
			Error		err;
			Status		status;

			ck_assert_int_eq(type_parse(str_of(cases[i].type), &type, &err), OK);
			status = expr_eval_constant(&arena, cast(string(cases[i].text), type, standard), &env_real, &v, &err);
			if (expected == NULL) {
				ck_assert_msg(status == FAILED, "'%s' as %s (%d)", cases[i].text, cases[i].type, standard);
				continue;
			}
			ck_assert_msg(status == OK, "'%s' as %s (%d): %s", cases[i].text, cases[i].type, standard, err.message);
			ck_assert_str_eq(print_result(vector_constant(&arena, &v, 1), 1), expected);
		}
	}
	IS(cast(D, type_integer, false), "0 1 0 4", 0);
	IS(cast(D, type_integer, true), "0 2 . 4", 1);
	IS(cast(D, type_decimal(5, 1), false), "0.0 1.5 . 4.5", 1);
	IS(cast(cast(A, type_bigint, true), type_integer, true), "1 2 3 .", 0);
	IS(cast(A, type_string, false), "'1' '2' '3' .", 0);
	IS(cast(D, type_string, false), "'0.0' '1.5' 'NaN' '4.5'", 0);
	IS(cast(P, type_string, false), "'true' 'false' 'true' .", 0);
	IS(cast(P, type_integer, true), "1 0 1 .", 0);
	IS(cast(L, type_string, false), "'[0, 1]' '[1, 2]' . '[3, 4]'", 0);
	IS(cast(M, type_string, false), "'{k=0}' '{k=100}' '{k=200}' '{k=300}'", 0);
	IS(cast(column(5, struct_type()), type_string, false),
	   "'Struct{X=apple,Y=0}' 'Struct{X=a longer text than fits,Y=1}' . 'Struct{X=pear,Y=3}'", 0);
	IS(cast(null(type_null), type_bigint, true), ". . . .", 0);
}
END_TEST

START_TEST(nested_casts)
{
	TypeField	fields[] = {{"Y", type_bigint}, {"X", type_integer}, {"Z", type_string}};
	const Type *to = type_struct(fields, 3);

	IS(cast(L, type_array(type_bigint), false), "[0,1] [1,2] . [3,4]", 0);
	IS(cast(M, type_map(type_string, type_double), false), "{'k'=0} {'k'=100} {'k'=200} {'k'=300}", 0);
	/* Fields are found by name; a failing one is NULL by itself in ksqldb. */
	IS(cast(column(5, struct_type()), to, false), "{Y=0,X=.,Z=.} {Y=1,X=.,Z=.} . {Y=3,X=.,Z=.}", 3);
	IS(cast(column(5, struct_type()), to, true), ". . . .", 3);
	IS(cast(cast(L, type_array(type_string), false), type_array(type_integer), false), "[0,1] [1,2] . [3,4]", 0);
}
END_TEST

START_TEST(nested_values)
{
	Expr *field = node(EXPR_FIELD, type_string, ARGS(column(5, struct_type())));
	Expr *e;

	IS(field, "'apple' 'a longer text than fits' . 'pear'", 0);
	IS(node(EXPR_SUBSCRIPT, type_integer, ARGS(L, integer(1))), "0 1 . 3", 0);
	IS(node(EXPR_SUBSCRIPT, type_integer, ARGS(L, integer(-1))), "1 2 . 4", 0);
	IS(node(EXPR_SUBSCRIPT, type_integer, ARGS(L, A)), "0 2 . .", 0);
	IS(node(EXPR_SUBSCRIPT, type_integer, ARGS(L, integer(0))), ". . . .", 0);
	IS(node(EXPR_SUBSCRIPT, type_integer, ARGS(M, string("k"))), "0 100 200 300", 0);
	IS(node(EXPR_SUBSCRIPT, type_integer, ARGS(M, S)), ". . . .", 0);
	e = node(EXPR_ARRAY, type_array(type_integer), ARGS(A, B, integer(5)));
	IS(e, "[1,10,5] [2,0,5] [3,-3,5] [.,7,5]", 0);
	IS(node(EXPR_SUBSCRIPT, type_integer, ARGS(e, integer(2))), "10 0 -3 7", 0);
	IS(node(EXPR_MAP, type_map(type_string, type_integer), ARGS(string("a"), A, string("b"), B, string("a"), integer(9))),
	   "{'a'=9,'b'=10} {'a'=9,'b'=0} {'a'=9,'b'=-3} {'a'=9,'b'=7}", 0);
	e = node(EXPR_STRUCT, struct_type(), ARGS(S, A));
	IS(e, "{X='apple',Y=1} {X='a longer text than fits',Y=2} {X=.,Y=3} {X='pear',Y=.}", 0);
	e = node(EXPR_FIELD, type_integer, ARGS(e));
	e->index = 1;
	IS(e, "1 2 3 .", 0);
	IS(node(EXPR_ARRAY, type_array(type_array(type_integer)), ARGS(L, L)), "[[0,1],[0,1]] [[1,2],[1,2]] [.,.] [[3,4],[3,4]]", 0);
}
END_TEST

/* ---- functions ---- */

static void
coalesce_kernel(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	for (int32_t i = 0; i < n_rows; i++) {
		int k = 0;

		while (k < call->n_args && !arg_valid(call->args[k], i))
			k++;
		if (k < call->n_args)
			((int32_t *)out->data)[i] = arg_int32(call->args[k], i);
		else
			vector_set_null(out, call->arena, i);
	}
}

static void
half_kernel(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	for (int32_t i = 0; i < n_rows; i++) {
		int n = arg_int32(call->args[0], i);

		if (n % 2 != 0)
			eval_fail(call->context, i, "%d is odd", n);
		((int32_t *)out->data)[i] = n / 2;
	}
}

static bool
repeat_row(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	char *text;
	size_t n = args[0].text.length;

	if (args[1].integer < 0) {
		eval_fail(call->context, row, "negative count");
		return false;
	}
	text = arena_alloc(call->arena, n * (size_t)args[1].integer);
	for (int64_t i = 0; i < args[1].integer; i++)
		memcpy(text + (size_t)i * n, args[0].text.data, n);
	*out = value_text(type_string, str_make(text, n * (size_t)args[1].integer));
	return true;
}

static void
transform_kernel(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector	*list = call->args[0];
	const ListEntry *from = list->data;
	uint32_t		 n = 0;
	uint32_t		*index = arena_array(call->arena, uint32_t, 100);
	uint32_t		*outer = arena_array(call->arena, uint32_t, 100);
	const Vector	*elements;
	const Vector	*result;
	Error			 err;

	for (int32_t i = 0; i < n_rows; i++) {
		ListEntry e = from[arg_index(list, i)];

		if (!arg_valid(list, i)) {
			vector_set_null(out, call->arena, i);
			continue;
		}
		((ListEntry *)out->data)[i] = (ListEntry){n, e.length};
		for (uint32_t k = 0; k < e.length; k++, n++) {
			index[n] = e.offset + k;
			outer[n] = (uint32_t)i;
		}
	}
	elements = vector_gather(call->arena, &list->children[0], index, (int32_t)n, true);
	ck_assert_int_eq(eval_lambda(call, 1, &elements, 1, outer, (int32_t)n, &result, &err), OK);
	out->children[0] = *vector_flatten(call->arena, result);
}

static const ScalarFunction coalesce = {.name = "COALESCE", .signature = "(T, T...) -> T", .kernel = coalesce_kernel};
static const ScalarFunction half = {.name = "HALF", .signature = "(INTEGER) -> INTEGER", .kernel = half_kernel, .flags = FUNC_NULL_IN};
static const ScalarFunction half_strict = {.name = "HALF", .signature = "(INTEGER!) -> INTEGER", .kernel = half_kernel, .flags = FUNC_NULL_IN};
static const ScalarFunction repeat = {.name = "REPEAT", .signature = "(STRING, INTEGER) -> STRING", .row_kernel = repeat_row, .flags = FUNC_NULL_IN};
static const ScalarFunction transform = {.name = "TRANSFORM", .signature = "(ARRAY<T>, (T) => R) -> ARRAY<R>", .kernel = transform_kernel};

static Expr *
call(const ScalarFunction *f, const Type *type, int n, Expr **args)
{
	Expr *e = node(EXPR_CALL, type, n, args);

	e->function = f;
	return e;
}

static Expr *
guarded(Expr *e)
{
	e->is_guarded = true;
	return e;
}

START_TEST(calls)
{
	/* B is 10, 0, -3, 7 */
	IS(call(&half, type_integer, ARGS(B)), "5 0 . .", 2);
	IS(call(&half, type_integer, ARGS(A)), ". 1 . .", 2);
	IS(call(&half_strict, type_integer, ARGS(A)), ". 1 . .", 3);
	IS(call(&coalesce, type_integer, ARGS(A, integer(9))), "1 2 3 9", 0);
	/* A guarded argument that fails is NULL; any other failure is that of the whole. */
	IS(call(&coalesce, type_integer, ARGS(guarded(call(&half, type_integer, ARGS(B))), integer(9))), "5 0 9 9", 2);
	IS(call(&coalesce, type_integer, ARGS(call(&half, type_integer, ARGS(B)), integer(9))), "5 0 . .", 2);
	IS(call(&coalesce, type_integer, ARGS(cast(string("x"), type_integer, false), integer(1))), "1 1 1 1", 4);
	IS(call(&coalesce, type_integer, ARGS(arith(ARITH_DIV, integer(1), integer(0), false), integer(1))), ". . . .", 4);
	IS(call(&repeat, type_string, ARGS(S, A)), "'apple' 'a longer text than fitsa longer text than fits' . .", 0);
	IS(call(&repeat, type_string, ARGS(S, B)), "'appleappleappleappleappleappleappleappleappleapple' '' . 'pearpearpearpearpearpearpear'", 0);
	IS(call(&repeat, type_string, ARGS(string("ab"), integer(2))), "'abab' 'abab' 'abab' 'abab'", 0);
}
END_TEST

START_TEST(lambdas)
{
	Expr *x = node(EXPR_PARAMETER, type_integer, 0, NULL);
	Expr *y = node(EXPR_PARAMETER, type_integer, 0, NULL);
	Expr *lambda = node(EXPR_LAMBDA, type_lambda(1), ARGS(arith(ARITH_ADD, x, B, true)));
	Expr *failing = node(EXPR_LAMBDA, type_lambda(1), ARGS(arith(ARITH_DIV, B, x, true)));
	Expr *inner;

	y->index = 1;
	IS(call(&transform, type_array(type_integer), ARGS(L, lambda)), "[10,11] [1,2] . [10,11]", 0);
	/* An element that fails fails its row. */
	IS(call(&transform, type_array(type_integer), ARGS(L, failing)), ". [0,0] . [2,1]", 1);
	inner = call(&transform, type_array(type_integer),
				 ARGS(L, node(EXPR_LAMBDA, type_lambda(1), ARGS(arith(ARITH_MUL, x, arith(ARITH_ADD, y, B, true), true)))));
	IS(call(&transform, type_array(type_array(type_integer)), ARGS(L, node(EXPR_LAMBDA, type_lambda(1), ARGS(inner)))),
	   "[[0,0],[10,11]] [[1,2],[2,4]] . [[30,33],[40,44]]", 0);
}
END_TEST

START_TEST(filters)
{
	Batch		*b = input();
	EvalContext	 context = {.scratch = &arena};
	Program		*program = NULL;
	uint32_t	 selected[4];
	Error		 err;

	ck_assert_int_eq(program_compile(&arena, compare(COMPARE_GT, A, integer(1), true), &program, &err), OK);
	ck_assert_int_eq(program_filter(program, &context, b, selected), 2);
	ck_assert_uint_eq(selected[0], 1);
	ck_assert_uint_eq(selected[1], 2);
	ck_assert_int_eq(program_compile(&arena, compare(COMPARE_GT, integer(2), integer(1), true), &program, &err), OK);
	ck_assert_int_eq(program_filter(program, &context, b, selected), 4);
	ck_assert_int_eq(program_compile(&arena, compare(COMPARE_GT, arith(ARITH_DIV, integer(7), B, false), integer(1), false),
									 &program, &err), OK);
	ck_assert_int_eq(program_filter(program, &context, b, selected), 0);
	ck_assert_int_eq(context.n_failed, 1);
}
END_TEST

START_TEST(many_rows)
{
	enum { N = 2000 };
	Batch		*b = batch_new(&arena, 2, N);
	Vector		*a = vector_new(&arena, type_integer, N);
	Vector		*c = vector_new(&arena, type_integer, N);
	EvalContext	 context = {.scratch = &arena};
	Program		*program = NULL;
	const Vector *v = NULL;
	Error		 err;
	Expr		*zero = compare(COMPARE_EQ, B, integer(0), true);
	Expr		*e = node(EXPR_CASE, type_integer, ARGS(zero, integer(-1), arith(ARITH_DIV, A, B, true)));
	Expr		*both = with(node(EXPR_OR, type_boolean, ARGS(zero, compare(COMPARE_GT, arith(ARITH_DIV, A, B, true), integer(100), true))), 0, true);
	uint32_t	 selected[N];
	int			 n = 0;

	for (int i = 0; i < N; i++) {
		((int32_t *)a->data)[i] = i;
		((int32_t *)c->data)[i] = i % 5;
		if (i % 7 == 0)
			vector_set_null(a, &arena, i);
	}
	b->columns[0] = a;
	b->columns[1] = c;
	ck_assert_int_eq(program_compile(&arena, e, &program, &err), OK);
	ck_assert_int_eq(program_eval(program, &context, b, &v, &err), OK);
	ck_assert_int_eq(context.n_failed, 0);
	for (int i = 0; i < N; i++) {
		Value got = vector_get(v, i, &arena);

		if (i % 5 == 0)
			ck_assert_int_eq(got.integer, -1);
		else if (i % 7 == 0)
			ck_assert(got.is_null);
		else
			ck_assert_int_eq(got.integer, i / (i % 5));
	}
	ck_assert_int_eq(program_compile(&arena, both, &program, &err), OK);
	ck_assert_int_eq(program_filter(program, &context, b, selected), ({
		for (int i = 0; i < N; i++)
			n += i % 5 == 0 || (i % 7 != 0 && i / (i % 5) > 100);
		n;
	}));
	ck_assert_int_eq(context.n_failed, 0);
}
END_TEST

START_TEST(printing)
{
	Expr  *e = with(node(EXPR_AND, type_boolean,
						 ARGS(compare(COMPARE_GE, arith(ARITH_MUL, arith(ARITH_ADD, A, B, true), integer(2), true), integer(3), true),
							  with(node(EXPR_OR, type_boolean, ARGS(P, node(EXPR_IS_NULL, type_boolean, ARGS(S)))), 0, true))), 0, true);
	StrBuf out = {0};
	bool   used[8] = {0};

	expr_print(e, &out);
	ck_assert_str_eq(strbuf_text(&out), "(A + B) * 2 >= 3 AND (P OR S IS NULL)");
	strbuf_clear(&out);
	expr_print(cast(string("it's"), type_decimal(4, 2), true), &out);
	ck_assert_str_eq(strbuf_text(&out), "CAST('it''s' AS DECIMAL(4, 2))");
	strbuf_free(&out);
	expr_columns_used(e, used);
	ck_assert(used[0] && used[1] && used[2] && used[3] && !used[4]);
	ck_assert(expr_equal(e, expr_substitute(&arena, e, (Expr *[]){A, B, S, P})));
	ck_assert(!expr_equal(e, expr_substitute(&arena, e, (Expr *[]){B, A, S, P})));
	ck_assert(!expr_is_constant(e));
	ck_assert(expr_is_constant(arith(ARITH_ADD, integer(1), integer(2), true)));
}
END_TEST

START_TEST(intervals)
{
	Value v;
	Error err;
	Expr *i = cast(string("1 month 2 days 01:30:00"), type_interval, true);
	Expr *t = cast(string("2024-01-31 00:00:00"), type_timestamp, true);
	Expr *sum = node(EXPR_ARITHMETIC, type_timestamp, ARGS(t, i));

	ck_assert_int_eq(expr_eval_constant(&arena, cast(with(sum, ARITH_ADD, true), type_string, true), &env_real, &v, &err), OK);
	ck_assert_str_eq(str_to_arena(&arena, v.text), "2024-03-02 01:30:00");
	ck_assert_int_eq(expr_eval_constant(&arena, cast(i, type_string, true), &env_real, &v, &err), OK);
	ck_assert_str_eq(str_to_arena(&arena, v.text), "1 mon 2 days 01:30:00");
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("expr");
	TCase	*tc = tcase_create("all");
	SRunner *runner;
	int		 failed;

	tcase_add_test(tc, arithmetic);
	tcase_add_test(tc, big_integers);
	tcase_add_test(tc, decimals);
	tcase_add_test(tc, comparisons);
	tcase_add_test(tc, logic);
	tcase_add_test(tc, case_when);
	tcase_add_test(tc, in_and_like);
	tcase_add_test(tc, casts);
	tcase_add_test(tc, nested_casts);
	tcase_add_test(tc, nested_values);
	tcase_add_test(tc, calls);
	tcase_add_test(tc, lambdas);
	tcase_add_test(tc, filters);
	tcase_add_test(tc, many_rows);
	tcase_add_test(tc, printing);
	tcase_add_test(tc, intervals);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	arena_free(&arena);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
