/* data/decimal: parsing, printing, rounding, arithmetic and result types. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "data/decimal.h"

static const char *
print(Decimal v, int scale)
{
	static char text[DECIMAL_TEXT_MAX + 1];

	text[decimal_print(v, scale, text)] = '\0';
	return text;
}

/* A literal: value and scale as written. */
static Decimal
dec(const char *text, int *scale)
{
	Decimal			v = 0;
	DecimalShape	shape;

	ck_assert_int_eq(decimal_parse_any(str_of(text), &v, &shape), DECIMAL_OK);
	*scale = shape.scale;
	return v;
}

START_TEST(parse)
{
	static const struct {
		const char *text;
		int			p, s;
		DecimalRound round;
		DecimalCode code;
		const char *result;
	} cases[] = {
		{"1.5", 4, 2, DECIMAL_EXACT, DECIMAL_OK, "1.50"},
		{"-0.05", 4, 2, DECIMAL_EXACT, DECIMAL_OK, "-0.05"},
		{"+12", 4, 2, DECIMAL_EXACT, DECIMAL_OK, "12.00"},
		{".5", 4, 2, DECIMAL_EXACT, DECIMAL_OK, "0.50"},
		{"5.", 4, 2, DECIMAL_EXACT, DECIMAL_OK, "5.00"},
		{"1e1", 4, 2, DECIMAL_EXACT, DECIMAL_OK, "10.00"},
		{"1.25E-1", 4, 2, DECIMAL_HALF_UP, DECIMAL_OK, "0.13"},
		{"1.255", 4, 2, DECIMAL_EXACT, DECIMAL_INEXACT, ""},
		{"1.250", 4, 2, DECIMAL_EXACT, DECIMAL_OK, "1.25"},
		{"9.96", 2, 1, DECIMAL_HALF_UP, DECIMAL_OK, "10.0"},
		{"10", 2, 1, DECIMAL_HALF_UP, DECIMAL_OVERFLOW, ""},
		{"100.00", 4, 2, DECIMAL_HALF_UP, DECIMAL_OVERFLOW, ""},
		{"0.000", 2, 1, DECIMAL_EXACT, DECIMAL_OK, "0.0"},
		{"0e99999999999", 2, 1, DECIMAL_EXACT, DECIMAL_OK, "0.0"},
		{"1e99999999999", 2, 1, DECIMAL_EXACT, DECIMAL_OVERFLOW, ""},
		{"1e-99999999999", 2, 1, DECIMAL_HALF_UP, DECIMAL_OK, "0.0"},
		{"1e-99999999999", 2, 1, DECIMAL_EXACT, DECIMAL_INEXACT, ""},
		{"99999999999999999999999999999999999999", 38, 0, DECIMAL_EXACT, DECIMAL_OK, "99999999999999999999999999999999999999"},
		{"99999999999999999999999999999999999999.5", 38, 0, DECIMAL_HALF_UP, DECIMAL_OVERFLOW, ""},
		{"100000000000000000000000000000000000000", 50, 0, DECIMAL_EXACT, DECIMAL_OVERFLOW, ""},
		{"0.00000000000000000000000000000000000000000012", 50, 45, DECIMAL_HALF_UP, DECIMAL_OK, "0.000000000000000000000000000000000000000000120"},
		{"1.23456789012345678901234567890123456789012345", 10, 2, DECIMAL_HALF_UP, DECIMAL_OK, "1.23"},
		{"-1.5", 3, 0, DECIMAL_HALF_CEIL, DECIMAL_OK, "-1"},
		{"1.5", 3, 0, DECIMAL_HALF_CEIL, DECIMAL_OK, "2"},
		{"2.5", 3, 0, DECIMAL_HALF_EVEN, DECIMAL_OK, "2"},
		{"", 3, 0, DECIMAL_HALF_UP, DECIMAL_MALFORMED, ""},
		{"-", 3, 0, DECIMAL_HALF_UP, DECIMAL_MALFORMED, ""},
		{".", 3, 0, DECIMAL_HALF_UP, DECIMAL_MALFORMED, ""},
		{"1e", 3, 0, DECIMAL_HALF_UP, DECIMAL_MALFORMED, ""},
		{" 1", 3, 0, DECIMAL_HALF_UP, DECIMAL_MALFORMED, ""},
		{"1.2.3", 3, 0, DECIMAL_HALF_UP, DECIMAL_MALFORMED, ""},
		{"NaN", 3, 0, DECIMAL_HALF_UP, DECIMAL_MALFORMED, ""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		Decimal			v;
		DecimalCode		code = decimal_parse(str_of(cases[i].text), (DecimalShape){cases[i].p, cases[i].s}, cases[i].round, &v);

		ck_assert_msg(code == cases[i].code, "%s: code %d", cases[i].text, code);
		if (code == DECIMAL_OK)
			ck_assert_str_eq(print(v, cases[i].s), cases[i].result);
	}
}
END_TEST

START_TEST(literal_shapes)
{
	static const struct {
		const char *text;
		int			p, s;
	} cases[] = {{"1.5", 2, 1}, {"0.05", 3, 2}, {"1.0", 2, 1}, {"0", 1, 0}, {"0.0", 2, 1}, {"10.10", 4, 2}, {".8", 2, 1},
		{"1e3", 4, 0}, {"-12.340", 5, 3}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		Decimal			v;
		DecimalShape	shape;

		ck_assert_int_eq(decimal_parse_any(str_of(cases[i].text), &v, &shape), DECIMAL_OK);
		ck_assert_int_eq(shape.precision, cases[i].p);
		ck_assert_int_eq(shape.scale, cases[i].s);
	}
}
END_TEST

START_TEST(arithmetic)
{
	static const struct {
		const char *a;
		char		op;
		const char *b;
		int			p, s;
		DecimalRound round;
		DecimalCode code;
		const char *result;
	} cases[] = {
		{"10.10", '/', "2.00", 11, 7, DECIMAL_EXACT, DECIMAL_OK, "5.0500000"},
		{"1.0", '/', "3.0", 10, 6, DECIMAL_EXACT, DECIMAL_INEXACT, ""},
		{"1.0", '/', "3.0", 10, 6, DECIMAL_HALF_UP, DECIMAL_OK, "0.333333"},
		{"-2.0", '/', "3.0", 10, 6, DECIMAL_HALF_UP, DECIMAL_OK, "-0.666667"},
		{"1", '/', "0.00", 10, 6, DECIMAL_EXACT, DECIMAL_DIVISION_BY_ZERO, ""},
		{"1", '%', "0", 10, 6, DECIMAL_EXACT, DECIMAL_DIVISION_BY_ZERO, ""},
		{"0.1", '+', "0.02", 5, 2, DECIMAL_EXACT, DECIMAL_OK, "0.12"},
		{"99.99", '+', "0.01", 5, 2, DECIMAL_EXACT, DECIMAL_OK, "100.00"},
		{"99.99", '+', "0.01", 4, 2, DECIMAL_EXACT, DECIMAL_OVERFLOW, ""},
		{"5", '-', "7.25", 12, 2, DECIMAL_EXACT, DECIMAL_OK, "-2.25"},
		{"-5", '-', "-7.25", 12, 2, DECIMAL_EXACT, DECIMAL_OK, "2.25"},
		{"10.10", '*', "-2.00", 9, 4, DECIMAL_EXACT, DECIMAL_OK, "-20.2000"},
		{"-10.5", '%', "3", 11, 1, DECIMAL_EXACT, DECIMAL_OK, "-1.5"},
		{"10.5", '%', "-3.00", 11, 2, DECIMAL_EXACT, DECIMAL_OK, "1.50"},
		{"99999999999999999999999999999999999999", '+', "1", 38, 0, DECIMAL_EXACT, DECIMAL_OVERFLOW, ""},
		{"9999999999999999999", '*', "9999999999999999999", 38, 0, DECIMAL_EXACT, DECIMAL_OK, "99999999999999999980000000000000000001"},
		{"99999999999999999999999999999999999999", '*', "0.5", 38, 0, DECIMAL_HALF_UP, DECIMAL_OK, "50000000000000000000000000000000000000"},
		{"99999999999999999999999999999999999999", '/', "99999999999999999999999999999999999998", 38, 37, DECIMAL_HALF_UP, DECIMAL_OK, "1.0000000000000000000000000000000000000"},
		{"1", '/', "99999999999999999999999999999999999999", 80, 50, DECIMAL_HALF_UP, DECIMAL_OK, "0.00000000000000000000000000000000000001000000000000"},
		{"12345678901234567890.123456789", '%', "0.000000007", 38, 9, DECIMAL_EXACT, DECIMAL_OK, "0.000000000"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int				sa, sb;
		Decimal			a = dec(cases[i].a, &sa);
		Decimal			b = dec(cases[i].b, &sb);
		Decimal			v = 0;
		DecimalShape	shape = {cases[i].p, cases[i].s};
		DecimalCode		code = cases[i].op == '+' ? decimal_add(a, sa, b, sb, shape, cases[i].round, &v)
			: cases[i].op == '-' ? decimal_sub(a, sa, b, sb, shape, cases[i].round, &v)
			: cases[i].op == '*' ? decimal_mul(a, sa, b, sb, shape, cases[i].round, &v)
			: cases[i].op == '/' ? decimal_div(a, sa, b, sb, shape, cases[i].round, &v)
			: decimal_mod(a, sa, b, sb, shape, cases[i].round, &v);

		ck_assert_msg(code == cases[i].code, "%s %c %s: code %d", cases[i].a, cases[i].op, cases[i].b, code);
		if (code == DECIMAL_OK)
			ck_assert_str_eq(print(v, shape.scale), cases[i].result);
	}
}
END_TEST

START_TEST(rounding)
{
	int		s;
	Decimal	v;
	Decimal	a = dec("-1.55", &s);

	ck_assert_int_eq(decimal_round(a, s, 1, DECIMAL_HALF_UP, &v), DECIMAL_OK);
	ck_assert_str_eq(print(v, s), "-1.60");
	ck_assert_int_eq(decimal_round(a, s, 1, DECIMAL_HALF_CEIL, &v), DECIMAL_OK);
	ck_assert_str_eq(print(v, s), "-1.50");
	ck_assert_int_eq(decimal_round(a, s, -1, DECIMAL_HALF_UP, &v), DECIMAL_OK);
	ck_assert_str_eq(print(v, s), "0.00");
	ck_assert_int_eq(decimal_rescale(a, s, 0, DECIMAL_FLOOR, &v), DECIMAL_OK);
	ck_assert_str_eq(print(v, 0), "-2");
	ck_assert_int_eq(decimal_rescale(a, s, 0, DECIMAL_CEIL, &v), DECIMAL_OK);
	ck_assert_str_eq(print(v, 0), "-1");
	ck_assert_int_eq(decimal_rescale(a, s, 0, DECIMAL_TRUNCATE, &v), DECIMAL_OK);
	ck_assert_str_eq(print(v, 0), "-1");
	ck_assert_int_eq(decimal_rescale(a, s, 1, DECIMAL_EXACT, &v), DECIMAL_INEXACT);
	ck_assert_int_eq(decimal_cast(dec("9.96", &s), 2, (DecimalShape){2, 1}, DECIMAL_HALF_UP, &v), DECIMAL_OK);
	ck_assert_str_eq(print(v, 1), "10.0");
	ck_assert_int_eq(decimal_cast(dec("10.00", &s), 2, (DecimalShape){2, 1}, DECIMAL_HALF_UP, &v), DECIMAL_OVERFLOW);
}
END_TEST

START_TEST(doubles)
{
	Decimal	v;

	/* 1.005 is a little less in binary, 0.5 and 2.5 are ties. */
	ck_assert_int_eq(decimal_from_double_binary(1.005, (DecimalShape){20, 2}, &v), DECIMAL_OK);
	ck_assert_str_eq(print(v, 2), "1.00");
	ck_assert_int_eq(decimal_from_double_text(1.005, (DecimalShape){20, 2}, DECIMAL_HALF_UP, &v), DECIMAL_OK);
	ck_assert_str_eq(print(v, 2), "1.01");
	ck_assert_int_eq(decimal_from_double_binary(2.5, (DecimalShape){4, 0}, &v), DECIMAL_OK);
	ck_assert_str_eq(print(v, 0), "3");
	ck_assert_int_eq(decimal_from_double_binary(-0.125, (DecimalShape){4, 2}, &v), DECIMAL_OK);
	ck_assert_str_eq(print(v, 2), "-0.13");
	ck_assert_int_eq(decimal_from_double_binary(123456789.0, (DecimalShape){4, 2}, &v), DECIMAL_OVERFLOW);
	ck_assert_int_eq(decimal_from_double_binary(99.995, (DecimalShape){4, 2}, &v), DECIMAL_OVERFLOW);
	ck_assert_int_eq(decimal_from_double_binary(NAN, (DecimalShape){4, 2}, &v), DECIMAL_MALFORMED);
	ck_assert_int_eq(decimal_from_double_binary(5e-324, (DecimalShape){4, 2}, &v), DECIMAL_OK);
	ck_assert(v == 0);
	ck_assert_double_eq(decimal_to_double(dec("0.1", &(int){0}), 1), 0.1);
	ck_assert_double_eq(decimal_to_double(dec("-12345678901234567890.123", &(int){0}), 3), -12345678901234567890.123);
	ck_assert(decimal_to_int64(dec("-9.99", &(int){0}), 2, NULL) == -9);

	bool	fits;

	ck_assert(decimal_to_int64(dec("18446744073709551617", &(int){0}), 0, &fits) == 1 && !fits);
}
END_TEST

START_TEST(comparing)
{
	ck_assert_int_eq(decimal_compare(10, 1, 1, 0), 0);
	ck_assert_int_lt(decimal_compare(-11, 1, -1, 0), 0);
	ck_assert_int_gt(decimal_compare(1, 0, 99, 2), 0);
	ck_assert_int_lt(decimal_compare(-1, 0, 99, 2), 0);
	ck_assert_int_gt(decimal_compare(1, 0, 99, 60), 0);
	ck_assert_int_eq(decimal_compare(0, 0, 0, 60), 0);
}
END_TEST

START_TEST(result_types)
{
	DecimalShape	a = {4, 2};
	DecimalShape	wide = {38, 10};

#define IS(shape, p, s) ck_assert_msg((shape).precision == (p) && (shape).scale == (s), "(%d,%d)", (shape).precision, (shape).scale)
	IS(decimal_result_ksqldb('+', a, a), 5, 2);
	IS(decimal_result_ksqldb('-', a, DECIMAL_SHAPE_INTEGER), 13, 2);
	IS(decimal_result_ksqldb('*', a, a), 9, 4);
	IS(decimal_result_ksqldb('/', a, a), 11, 7);
	IS(decimal_result_ksqldb('%', a, a), 4, 2);
	IS(decimal_result_standard('*', a, a), 8, 4);
	IS(decimal_result_standard('*', wide, wide), 38, 6);
	IS(decimal_result_standard('+', wide, wide), 38, 9);
	IS(decimal_result_standard('/', a, a), 11, 7);
	IS(decimal_common_shape(a, DECIMAL_SHAPE_BIGINT, true), 21, 2);
}
END_TEST

int
main(void)
{
	Suite  *suite = suite_create("decimal");
	TCase  *tc = tcase_create("all");

	tcase_add_test(tc, parse);
	tcase_add_test(tc, literal_shapes);
	tcase_add_test(tc, arithmetic);
	tcase_add_test(tc, rounding);
	tcase_add_test(tc, doubles);
	tcase_add_test(tc, comparing);
	tcase_add_test(tc, result_types);
	suite_add_tcase(suite, tc);

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int		failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
