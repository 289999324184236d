/* data/zone: regions, offsets, gaps and overlaps. */
#include <check.h>
#include <stdlib.h>

#include "data/time_text.h"
#include "data/zone.h"

static Arena arena;

static const Zone *
zone(const char *name)
{
	const Zone *z = NULL;
	Error		err;

	ck_assert_msg(zone_open(&arena, str_of(name), ZONE_NAMES_JAVA, &z, &err) == OK, "%s", name);
	return z;
}

static Time
at(int64_t y, int mo, int d, int h, int mi)
{
	return days_from_civil(y, mo, d) * MS_PER_DAY + (h * 60 + mi) * 60000;
}

START_TEST(names)
{
	static const char *const bad[] = {"", "PST", "EST", "Nowhere/Town", "../../etc/passwd", "Europe", "+25:00", "+1:00", "GMT+",
		"Z+1", "europe/london", "z", "posix/UTC", "A", "+02:60"};
	const Zone *z;
	Error		err;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(zone_open(&arena, str_of(bad[i]), ZONE_NAMES_JAVA, &z, &err) == FAILED, "%s", bad[i]);
	ck_assert_str_eq(zone_id(zone("Z")), "Z");
	ck_assert_str_eq(zone_id(zone("UTC")), "UTC");
	ck_assert_str_eq(zone_id(zone("GMT+2")), "GMT+02:00");
	ck_assert_str_eq(zone_id(zone("+0200")), "+02:00");
	ck_assert_str_eq(zone_id(zone("+00:00")), "Z");
	ck_assert_str_eq(zone_id(zone("Europe/London")), "Europe/London");
	ck_assert_int_eq(zone_offset_s(zone("-05:30"), 0), -19800);
	ck_assert_int_eq(zone_offset_s(zone("UTC-3"), 0), -10800);
	ck_assert_int_eq(zone_offset_s(zone("+01:02:03"), 0), 3723);
	ck_assert_int_eq(zone_open(&arena, STR("pst"), ZONE_NAMES_TEXT, &z, &err), OK);
	ck_assert_str_eq(zone_id(z), "America/Los_Angeles");
	ck_assert_int_eq(zone_open(&arena, STR("europe/london"), ZONE_NAMES_TEXT, &z, &err), OK);
	ck_assert_str_eq(zone_id(z), "Europe/London");
}
END_TEST

START_TEST(offsets)
{
	const Zone *la = zone("America/Los_Angeles");
	const char *abbreviation;
	bool		is_dst;

	ck_assert_int_eq(zone_offset_s(la, at(2024, 1, 15, 12, 0)), -8 * 3600);
	ck_assert_int_eq(zone_offset_info(la, at(2024, 7, 15, 12, 0), &abbreviation, &is_dst), -7 * 3600);
	ck_assert_str_eq(abbreviation, "PDT");
	ck_assert(is_dst);
	/* Exactly at the changes. */
	ck_assert_int_eq(zone_offset_s(la, at(2024, 3, 10, 10, 0) - 1), -8 * 3600);
	ck_assert_int_eq(zone_offset_s(la, at(2024, 3, 10, 10, 0)), -7 * 3600);
	ck_assert_int_eq(zone_offset_s(la, at(2024, 11, 3, 9, 0) - 1), -7 * 3600);
	ck_assert_int_eq(zone_offset_s(la, at(2024, 11, 3, 9, 0)), -8 * 3600);
	/* By the rule in the footer, beyond the table. */
	ck_assert_int_eq(zone_offset_s(la, at(2150, 7, 1, 0, 0)), -7 * 3600);
	ck_assert_int_eq(zone_offset_s(la, at(2150, 12, 1, 0, 0)), -8 * 3600);
	ck_assert_int_eq(zone_offset_s(zone("Australia/Sydney"), at(2150, 1, 1, 0, 0)), 11 * 3600);
	ck_assert_int_eq(zone_offset_s(zone("Europe/Dublin"), at(2150, 1, 1, 0, 0)), 0);
	ck_assert_int_eq(zone_offset_s(zone("Europe/Dublin"), at(2150, 7, 1, 0, 0)), 3600);
	ck_assert_int_eq(zone_offset_s(zone("Asia/Kolkata"), at(2024, 7, 1, 0, 0)), 19800);
	ck_assert_int_eq(zone_offset_s(zone("America/New_York"), at(1850, 1, 1, 0, 0)), -17762);
}
END_TEST

START_TEST(local_times)
{
	const Zone *paris = zone("Europe/Paris");
	const Zone *la = zone("America/Los_Angeles");

	ck_assert_int_eq(zone_to_instant(paris, at(2024, 7, 1, 12, 0)), at(2024, 7, 1, 10, 0));
	/* 02:30 on the night of the spring change does not exist: 03:30 summer time. */
	ck_assert_int_eq(zone_to_instant(paris, at(2024, 3, 31, 2, 30)), at(2024, 3, 31, 1, 30));
	/* 02:30 on the night of the autumn change exists twice: the first one. */
	ck_assert_int_eq(zone_to_instant(paris, at(2024, 10, 27, 2, 30)), at(2024, 10, 27, 0, 30));
	ck_assert_int_eq(zone_to_instant(paris, at(2024, 10, 27, 3, 0)), at(2024, 10, 27, 2, 0));
	ck_assert_int_eq(zone_to_instant(la, at(2024, 3, 10, 1, 59)), at(2024, 3, 10, 9, 59));
	ck_assert_int_eq(zone_to_instant(la, at(2024, 3, 10, 3, 0)), at(2024, 3, 10, 10, 0));
	for (int day = 0; day < 800; day++)
		for (int hour = 0; hour < 24; hour++) {
			Time	t = at(2023, 1, 1, hour, 15) + day * MS_PER_DAY;
			Time	back = zone_to_instant(la, zone_to_local(la, t));

			ck_assert(back == t || back == t - 3600000);
		}
	ck_assert_int_eq(zone_to_instant(&zone_utc, 5), 5);
}
END_TEST

START_TEST(caching)
{
	ZoneCache	cache;
	const Zone *a, *b;
	Error		err;

	zone_cache_init(&cache);
	ck_assert_int_eq(zone_cache_get(&cache, STR("Europe/Paris"), ZONE_NAMES_JAVA, &a, &err), OK);
	ck_assert_int_eq(zone_cache_get(&cache, STR("Europe/Paris"), ZONE_NAMES_JAVA, &b, &err), OK);
	ck_assert_ptr_eq(a, b);
	ck_assert_int_eq(zone_cache_get(&cache, STR("Europe/Nix"), ZONE_NAMES_JAVA, &b, &err), FAILED);
	zone_cache_free(&cache);
}
END_TEST

START_TEST(every_zone)
{
	static const char *const ids[] = {"Africa/Casablanca", "America/Nuuk", "Asia/Tehran", "Asia/Gaza", "Pacific/Apia", "Etc/GMT+12",
		"EST5EDT", "CET", "Asia/Kathmandu", "Antarctica/Troll", "GB", "Zulu"};

	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		for (int year = 1850; year < 2200; year += 10)
			ck_assert_int_le(abs(zone_offset_s(zone(ids[i]), at(year, 6, 1, 0, 0))), 16 * 3600);
	ck_assert(zone_open_local(&arena) != NULL);
}
END_TEST

int
main(void)
{
	Suite  *suite = suite_create("zone");
	TCase  *tc = tcase_create("all");

	tcase_add_test(tc, names);
	tcase_add_test(tc, offsets);
	tcase_add_test(tc, local_times);
	tcase_add_test(tc, caching);
	tcase_add_test(tc, every_zone);
	suite_add_tcase(suite, tc);

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int		failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	arena_free(&arena);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
