/* data/double_text: numbers to text and back. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/double_text.h"

static const char *
print(size_t (*printer)(double, char *), double v)
{
	static char text[NUMBER_TEXT_MAX + 1];

	text[printer(v, text)] = '\0';
	return text;
}

START_TEST(printing)
{
	static const struct {
		double		value;
		const char *java;
		const char *sql;
	} cases[] = {
		{0.0, "0.0", "0.0"}, {-0.0, "-0.0", "-0.0"}, {1, "1.0", "1.0"}, {-1.5, "-1.5", "-1.5"}, {0.1, "0.1", "0.1"},
		{100, "100.0", "100.0"}, {123456.75, "123456.75", "123456.75"}, {9999999, "9999999.0", "9999999.0"},
		{1e7, "1.0E7", "10000000.0"}, {12345678.5, "1.23456785E7", "12345678.5"}, {1e10, "1.0E10", "10000000000.0"},
		{0.001, "0.001", "0.001"}, {0.0001, "1.0E-4", "0.0001"}, {0.00012, "1.2E-4", "0.00012"}, {1e-5, "1.0E-5", "1e-05"},
		{1e15, "1.0E15", "1000000000000000.0"}, {1e16, "1.0E16", "1e+16"}, {1.5e20, "1.5E20", "1.5e+20"},
		{1.7976931348623157e308, "1.7976931348623157E308", "1.7976931348623157e+308"},
		{2.2250738585072014e-308, "2.2250738585072014E-308", "2.2250738585072014e-308"},
		{4.9e-324, "4.9E-324", "5e-324"}, {1e-323, "9.9E-324", "1e-323"}, {2e-323, "2.0E-323", "2e-323"},
		{NAN, "NaN", "nan"}, {INFINITY, "Infinity", "inf"}, {-INFINITY, "-Infinity", "-inf"},
		{2e-3, "0.002", "0.002"}, {1.1, "1.1", "1.1"}, {0.30000000000000004, "0.30000000000000004", "0.30000000000000004"},
		{2e23, "2.0E23", "2e+23"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ck_assert_str_eq(print(double_print_java, cases[i].value), cases[i].java);
		ck_assert_str_eq(print(double_print_sql, cases[i].value), cases[i].sql);
	}
	ck_assert_str_eq(print(double_print_json, NAN), "\"NaN\"");
	ck_assert_str_eq(print(double_print_json, -INFINITY), "\"-Infinity\"");
	ck_assert_str_eq(print(double_print_json, 3), "3.0");
}
END_TEST

START_TEST(parsing)
{
	static const struct {
		const char *text;
		bool		strict, java, sql;
		double		value;
	} cases[] = {
		{"1", true, true, true, 1}, {"-1.5e3", true, true, true, -1500}, {"+.5", true, true, true, 0.5}, {"5.", true, true, true, 5},
		{" 1 ", false, true, true, 1}, {"1d", false, true, false, 1}, {"1.5F", false, true, false, 1.5}, {"0x1p4", false, true, false, 16},
		{"-0x1.8p1", false, true, false, -3}, {"0x1", false, false, false, 0}, {"0x1p-1d", false, true, false, 0.5},
		{"NaN", false, false, true, NAN}, {"", false, false, false, 0}, {"-", false, false, false, 0}, {"1e", false, false, false, 0},
		{"e5", false, false, false, 0}, {"d", false, false, false, 0}, {".", false, false, false, 0}, {"1 2", false, false, false, 0},
		{"0.1", true, true, true, 0.1}, {"123456789012345678901234567890", true, true, true, 123456789012345678901234567890.0},
		{"1e400", true, true, false, INFINITY}, {"-1e-400", true, true, false, -0.0}, {"9007199254740993", true, true, true, 9007199254740992.0},
		{"2.2250738585072011e-308", true, true, true, 2.2250738585072011e-308}, {"infinity", false, false, true, INFINITY},
		{"1.7976931348623157e308", true, true, true, DBL_MAX},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		double	v = 42;
		Str		text = str_of(cases[i].text);

		ck_assert_msg(double_parse(text, DOUBLE_STRICT, &v) == cases[i].strict, "strict %s", cases[i].text);
		if (cases[i].strict)
			ck_assert(v == cases[i].value);
		ck_assert_msg(double_parse(text, DOUBLE_JAVA, &v) == cases[i].java, "java %s", cases[i].text);
		if (cases[i].java)
			ck_assert(v == cases[i].value);
		ck_assert_msg(double_parse(text, DOUBLE_SQL, &v) == cases[i].sql, "sql %s", cases[i].text);
		if (cases[i].sql)
			ck_assert(v == cases[i].value || (isnan(v) && isnan(cases[i].value)));
	}
	double	v;

	ck_assert(double_parse(STR("-Infinity"), DOUBLE_JAVA_ANY, &v) && v == -INFINITY);
	ck_assert(double_parse(STR("NaN"), DOUBLE_JAVA_ANY, &v) && isnan(v));
	ck_assert(!double_parse(STR("nan"), DOUBLE_JAVA_ANY, &v));
}
END_TEST

START_TEST(round_trip)
{
	uint64_t	seed = 88172645463325252;

	for (int i = 0; i < 100000; i++) {
		double	v, back;
		char	text[NUMBER_TEXT_MAX];

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		memcpy(&v, &seed, 8);
		if (!isfinite(v))
			continue;
		ck_assert(double_parse(str_make(text, double_print_java(v, text)), DOUBLE_STRICT, &back) && back == v);
		ck_assert(double_parse(str_make(text, double_print_sql(v, text)), DOUBLE_STRICT, &back) && back == v);
	}
}
END_TEST

START_TEST(integers)
{
	int64_t	v;
	int32_t	w;
	char	text[NUMBER_TEXT_MAX + 1];

	ck_assert(int64_parse(STR("-9223372036854775808"), &v) && v == INT64_MIN);
	ck_assert(int64_parse(STR("9223372036854775807"), &v) && v == INT64_MAX);
	ck_assert(!int64_parse(STR("9223372036854775808"), &v));
	ck_assert(!int64_parse(STR("18446744073709551616"), &v));
	ck_assert(!int64_parse(STR(""), &v) && !int64_parse(STR("-"), &v) && !int64_parse(STR("1.0"), &v) && !int64_parse(STR(" 1"), &v));
	ck_assert(int64_parse(STR("+007"), &v) && v == 7);
	ck_assert(int32_parse(STR("-2147483648"), &w) && w == INT32_MIN);
	ck_assert(!int32_parse(STR("2147483648"), &w));
	text[int64_print(INT64_MIN, text)] = '\0';
	ck_assert_str_eq(text, "-9223372036854775808");
	for (int i = 0; i < 2000; i++) {
		char	expected[32];

		snprintf(expected, sizeof expected, "%d", i * 37 - 1000);
		text[int64_print(i * 37 - 1000, text)] = '\0';
		ck_assert_str_eq(text, expected);
	}
	ck_assert(double_to_int64_saturating(1e300) == INT64_MAX && double_to_int64_saturating(-1e300) == INT64_MIN);
	ck_assert(double_to_int64_saturating(NAN) == 0 && double_to_int32_saturating(-3e9) == INT32_MIN);
	ck_assert(double_to_int32_saturating(2147483647.5) == INT32_MAX && double_to_int32_saturating(-1.9) == -1);
	ck_assert(double_round_java(0.49999999999999994) == 0 && double_round_java(-1.5) == -1 && double_round_java(1.5) == 2);
	ck_assert(double_round_java(-1.9) == -2 && double_round_java(4503599627370497.0) == 4503599627370497);
}
END_TEST

int
main(void)
{
	Suite  *suite = suite_create("double_text");
	TCase  *tc = tcase_create("all");

	tcase_add_test(tc, printing);
	tcase_add_test(tc, parsing);
	tcase_add_test(tc, round_trip);
	tcase_add_test(tc, integers);
	suite_add_tcase(suite, tc);

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int		failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
