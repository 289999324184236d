/* data/time_text: calendar and the texts of CAST. */
#include <check.h>
#include <stdlib.h>

#include "data/time_text.h"

static const char *
cut(char *text, size_t length)
{
	text[length] = '\0';
	return text;
}

START_TEST(calendar)
{
	ck_assert_int_eq(days_from_civil(1970, 1, 1), 0);
	ck_assert_int_eq(days_from_civil(2000, 3, 1), 11017);
	ck_assert_int_eq(days_from_civil(1969, 12, 31), -1);
	ck_assert_int_eq(weekday_of_days(0), 4);
	ck_assert_int_eq(weekday_of_days(-4), 7);
	ck_assert_int_eq(day_of_year((CivilDate){2024, 12, 31}), 366);
	for (int64_t day = -1000000; day < 1000000; day += 17) {
		CivilDate	d = civil_from_days(day);

		ck_assert_int_eq(days_from_civil(d.year, d.month, d.day), day);
		ck_assert(d.day >= 1 && d.day <= month_length(d.year, d.month));
	}
}
END_TEST

START_TEST(ksql_timestamps)
{
	static const struct {
		const char *text;
		const char *result;		/* NULL: refused */
	} cases[] = {
		{"2024", "2024-01-01T00:00:00.000"}, {"2024-05", "2024-05-01T00:00:00.000"}, {"2024-05-06", "2024-05-06T00:00:00.000"},
		{"2024-05-06T", "2024-05-06T00:00:00.000"}, {"2024-05-06T1", "2024-05-06T10:00:00.000"},
		{"2024-05-06T11", "2024-05-06T11:00:00.000"}, {"2024-05-06T11:", "2024-05-06T11:00:00.000"},
		{"2024-05-06T11:12", "2024-05-06T11:12:00.000"}, {"2024-05-06T11:12:13", "2024-05-06T11:12:13.000"},
		{"2024-05-06T11:12:13.", "2024-05-06T11:12:13.000"}, {"2024-05-06T11:12:13.4", "2024-05-06T11:12:13.400"},
		{"2024-05-06T11:12:13.456Z", "2024-05-06T11:12:13.456"}, {"2024-05-06T11:12:13.456+0200", "2024-05-06T09:12:13.456"},
		{"2024-05-06T11:12:13-01:30", "2024-05-06T12:42:13.000"}, {"2024-05-06T11+02:00", "2024-05-06T09:00:00.000"},
		{"2024-05-06T11:12:13.4567", NULL}, {"2024-02-30", NULL}, {"2024-13", NULL}, {"", NULL}, {"20", NULL}, {"2024-05T11:00", NULL},
		{"2024-05-06 11:00", NULL}, {"2024-05-06T25:00", NULL}, {"2024-05-06T11:60", NULL}, {"2024-5-6", NULL}, {"x", NULL},
		{"2024-05-06T11:12:13.456 UTC", NULL}, {"999999999", NULL}, {"+999999999", NULL}, {"1969-12-31T23:59:59.999", "1969-12-31T23:59:59.999"},
		{"0001-01-01", "0001-01-01T00:00:00.000"},
	};
	Error	err;
	char	text[TIME_TEXT_MAX + 1];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		Time	t;
		Status	status = timestamp_parse_ksql(str_of(cases[i].text), &t, &err);

		ck_assert_msg((status == OK) == (cases[i].result != NULL), "%s", cases[i].text);
		if (status == OK)
			ck_assert_str_eq(cut(text, timestamp_print_ksql(t, text)), cases[i].result);
	}
}
END_TEST

START_TEST(ksql_dates_and_times)
{
	Error	err;
	int32_t	v;
	char	text[TIME_TEXT_MAX + 1];

	ck_assert(date_parse_ksql(STR("2024"), &v, &err) == OK && v == 19723);
	ck_assert(date_parse_ksql(STR("2024-02"), &v, &err) == OK && v == 19754);
	ck_assert(date_parse_ksql(STR("2024-02-29"), &v, &err) == OK && v == 19782);
	ck_assert_str_eq(cut(text, date_print(v, text)), "2024-02-29");
	ck_assert_str_eq(cut(text, date_print(-719529, text)), "-0001-12-31");
	ck_assert_str_eq(cut(text, date_print(2932897, text)), "+10000-01-01");
	ck_assert(date_parse_ksql(STR("2023-02-29"), &v, &err) == FAILED);
	ck_assert(date_parse_ksql(STR("2023-02-28T00:00"), &v, &err) == FAILED);
	ck_assert(date_parse_ksql(STR(""), &v, &err) == FAILED);
	ck_assert(time_parse_ksql(STR("08:15"), &v, &err) == OK && v == 29700000);
	ck_assert_str_eq(cut(text, time_print_ksql(v, text)), "08:15");
	ck_assert(time_parse_ksql(STR("08:15:30.123456789"), &v, &err) == OK && v == 29730123);
	ck_assert_str_eq(cut(text, time_print_ksql(v, text)), "08:15:30");
	ck_assert(time_parse_ksql(STR("23:59:59.999"), &v, &err) == OK && v == 86399999);
	ck_assert(time_parse_ksql(STR("24:00"), &v, &err) == FAILED);
	ck_assert(time_parse_ksql(STR("8:15"), &v, &err) == FAILED);
	ck_assert(time_parse_ksql(STR("08:15:60"), &v, &err) == FAILED);
	ck_assert(time_parse_ksql(STR("08"), &v, &err) == FAILED);
}
END_TEST

START_TEST(sql_forms)
{
	static const struct {
		const char *text;
		const char *result;
	} cases[] = {
		{"2024-01-01 10:00:00.123+02", "2024-01-01 08:00:00.123"}, {"2024-01-01T10:00:00Z", "2024-01-01 10:00:00"},
		{" 2024-1-5 9:05 ", "2024-01-05 09:05:00"}, {"2024-01-01", "2024-01-01 00:00:00"}, {"20240102", "2024-01-02 00:00:00"},
		{"2024/01/02 03:04:05", "2024-01-02 03:04:05"}, {"2024-01-01 10:00:00 Europe/Paris", "2024-01-01 09:00:00"},
		{"2024-01-01 10:00:00.1239999", "2024-01-01 10:00:00.124"}, {"2024-01-01 24:00:00", "2024-01-02 00:00:00"},
		{"2024-01-01 10:00:00 -05:30", "2024-01-01 15:30:00"}, {"2024-01-01 10:00:00 UTC", "2024-01-01 10:00:00"}, {"epoch", "1970-01-01 00:00:00"},
		{"2024-01-01 10", NULL}, {"2024-02-30", NULL}, {"01.02.2024", NULL}, {"", NULL}, {"2024-01-01x", NULL},
		{"2024-01-01 10:00:00 Nowhere", NULL}, {"2024-01", NULL}, {"2024", NULL},
	};
	Error	err;
	char	text[TIME_TEXT_MAX + 1];
	int32_t	v;
	int64_t	us;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		Time	t;
		Status	status = timestamp_parse_sql(str_of(cases[i].text), &t, &err);

		ck_assert_msg((status == OK) == (cases[i].result != NULL), "%s", cases[i].text);
		if (status == OK)
			ck_assert_str_eq(cut(text, timestamp_print_sql(t, text)), cases[i].result);
	}
	ck_assert(timestamp_us_parse_sql(STR("2024-01-01 00:00:00.123456"), &us, &err) == OK);
	ck_assert_str_eq(cut(text, timestamp_us_print_sql(us, text)), "2024-01-01 00:00:00.123456");
	ck_assert(date_parse_sql(STR("2024-03-01 10:00:00"), &v, &err) == OK && v == 19783);
	ck_assert(date_parse_sql(STR("2024-03-01 foo"), &v, &err) == FAILED);
	ck_assert(time_parse_sql(STR("8:15:30.5"), &v, &err) == OK);
	ck_assert_str_eq(cut(text, time_print_sql(v, text)), "08:15:30.5");
	ck_assert(time_parse_sql(STR("25:00"), &v, &err) == FAILED);
}
END_TEST

START_TEST(sniffing)
{
	int32_t	v;
	int64_t	us;

	ck_assert(date_sniff(STR("2024-03-01"), &v) && v == 19783);
	ck_assert(!date_sniff(STR("2024-3-1"), &v) && !date_sniff(STR("2024-03-32"), &v) && !date_sniff(STR("20240301"), &v));
	ck_assert(timestamp_sniff(STR("2024-03-01 10:00:00"), &us) && us == (INT64_C(19783) * 86400 + 36000) * 1000000);
	ck_assert(timestamp_sniff(STR("2024-03-01T10:00:00.5+01:00"), &us) && us == (INT64_C(19783) * 86400 + 32400) * 1000000 + 500000);
	ck_assert(!timestamp_sniff(STR("2024-03-01 10:00"), &us) && !timestamp_sniff(STR("2024-03-01 10:00:00 x"), &us));
	ck_assert(time_sniff(STR("10:11:12.5"), &v) && v == 36672500);
	ck_assert(date_sniff_order(STR("1/3/2024"), DATE_ORDER_DMY, &v) && v == 19783);
	ck_assert(date_sniff_order(STR("03-01-2024"), DATE_ORDER_MDY, &v) && v == 19783);
	ck_assert(date_sniff_order(STR("2024/3/1"), DATE_ORDER_YMD, &v) && v == 19783);
	ck_assert(!date_sniff_order(STR("13/13/2024"), DATE_ORDER_DMY, &v) && !date_sniff_order(STR("1/3-2024"), DATE_ORDER_DMY, &v));
	ck_assert(!date_sniff_order(STR("3.1.2024"), DATE_ORDER_MDY, &v) && !date_sniff_order(STR("1/3/24"), DATE_ORDER_DMY, &v));
	ck_assert(!date_sniff_order(STR("1/3/2024x"), DATE_ORDER_DMY, &v) && !date_sniff_order(STR("1/3/20245"), DATE_ORDER_DMY, &v));
	ck_assert(!date_sniff_order(STR(""), DATE_ORDER_DMY, &v) && !date_sniff_order(STR("1/3/"), DATE_ORDER_DMY, &v));
	ck_assert(timestamp_sniff_order(STR("1.3.2024 12:00 am"), DATE_ORDER_DMY, &us) && us == INT64_C(19783) * 86400 * 1000000);
	ck_assert(timestamp_sniff_order(STR("3/1/2024 12:00:01PM"), DATE_ORDER_MDY, &us) && us == (INT64_C(19783) * 86400 + 43201) * 1000000);
	ck_assert(!timestamp_sniff_order(STR("3/1/2024 13:00 PM"), DATE_ORDER_MDY, &us) && !timestamp_sniff_order(STR("3/1/2024 0:10 AM"), DATE_ORDER_MDY, &us));
	ck_assert(!time_sniff(STR("10:11"), &v) && !time_sniff(STR("10:11:12x"), &v));
}
END_TEST

int
main(void)
{
	Suite  *suite = suite_create("time_text");
	TCase  *tc = tcase_create("all");

	tcase_add_test(tc, calendar);
	tcase_add_test(tc, ksql_timestamps);
	tcase_add_test(tc, ksql_dates_and_times);
	tcase_add_test(tc, sql_forms);
	tcase_add_test(tc, sniffing);
	suite_add_tcase(suite, tc);

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int		failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
