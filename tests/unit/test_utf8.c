/* common/utf8, base64, hex, md5. */
#include <check.h>
#include <stdlib.h>

#include "common/base64.h"
#include "common/hex.h"
#include "common/md5.h"
#include "common/utf8.h"

#define CLEF "\xf0\x9d\x84\x9e"		/* U+1D11E, two units */

START_TEST(validity)
{
	ck_assert(utf8_validate(STR("")) && utf8_validate(STR("plain ascii text, long")) && utf8_validate(STR("h\u00e9 \u20ac " CLEF)));
	static const char *const bad[] = {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "abcdefgh\xff", "\xe2\x82"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!utf8_validate(str_of(bad[i])), "%zu", i);
	ck_assert_uint_eq(utf8_valid_prefix(STR("ab\xff")), 2);
	ck_assert(utf8_is_ascii(STR("0123456789")) && !utf8_is_ascii(STR("012345678\u00e9")) && !utf8_is_ascii(STR("\u00e9")));

	StrBuf	buf = {0};

	utf8_add_repaired(&buf, STR("a\xff" "b\xe2\x82" "c\xed\xa0\x80"));
	ck_assert_str_eq(strbuf_text(&buf), "a\ufffd" "b\ufffd" "c\ufffd\ufffd\ufffd");
	strbuf_free(&buf);
}
END_TEST

START_TEST(positions)
{
	Str		s = STR("a\u00e9" CLEF "z");		/* 1 + 2 + 4 + 1 bytes */
	bool	splits;
	size_t	pos = 0;

	ck_assert_int_eq(utf8_count(s), 4);
	ck_assert_int_eq(utf8_utf16_length(s), 5);
	ck_assert_uint_eq(utf8_offset_of_point(s, 3), 7);
	ck_assert_uint_eq(utf8_offset_of_point(s, 9), 8);
	ck_assert_uint_eq(utf8_offset_of_unit(s, 2, &splits), 3);
	ck_assert(!splits);
	ck_assert_uint_eq(utf8_offset_of_unit(s, 3, &splits), 7);
	ck_assert(splits);
	ck_assert_uint_eq(utf8_offset_of_unit(s, 4, &splits), 7);
	ck_assert_int_eq(utf8_unit_of_offset(s, 7), 4);
	ck_assert_int_eq(utf8_point_of_offset(s, 7), 3);
	ck_assert_int_eq(utf8_decode(s, &pos), 'a');
	ck_assert_int_eq(utf8_decode(s, &pos), 0xe9);
	ck_assert_int_eq(utf8_decode(s, &pos), 0x1d11e);
	ck_assert_int_eq(utf8_decode_before(s, &pos), 0x1d11e);
	ck_assert_uint_eq(pos, 3);
	ck_assert_int_eq(utf8_decode_before(s, &pos), 0xe9);
	ck_assert_int_eq(utf8_decode_before(s, &pos), 'a');
	ck_assert_int_eq(utf8_decode_before(s, &pos), -1);
}
END_TEST

START_TEST(order)
{
	ck_assert_int_lt(utf8_compare_utf16(STR("a"), STR("b")), 0);
	ck_assert_int_lt(utf8_compare_utf16(STR("a"), STR("ab")), 0);
	ck_assert_int_eq(utf8_compare_utf16(STR(CLEF), STR(CLEF)), 0);
	/* Surrogates come before U+FFxx but after U+20AC. */
	ck_assert_int_lt(utf8_compare_utf16(STR("12345678" CLEF), STR("12345678\uff5e")), 0);
	ck_assert_int_gt(utf8_compare_utf16(STR(CLEF), STR("\u20ac")), 0);
	ck_assert_int_gt(utf8_compare_utf16(STR("\ue000"), STR(CLEF)), 0);
}
END_TEST

START_TEST(letters)
{
	StrBuf	buf = {0};

	utf8_add_upper(&buf, STR("stra\u00dfe \u00e9\u01c9 \ufb01"));
	ck_assert_str_eq(strbuf_text(&buf), "STRASSE \u00c9\u01c7 FI");
	strbuf_clear(&buf);
	utf8_add_lower(&buf, STR("ABC \u00c9 \u039f\u0394\u039f\u03a3 \u03a3\u0391"));
	ck_assert_str_eq(strbuf_text(&buf), "abc \u00e9 \u03bf\u03b4\u03bf\u03c2 \u03c3\u03b1");
	strbuf_free(&buf);
	ck_assert_int_eq(utf8_class('A'), UTF8_UPPER);
	ck_assert_int_eq(utf8_class(0xe9), UTF8_LOWER);
	ck_assert_int_eq(utf8_class(0x0663), UTF8_DIGIT);
	ck_assert_int_eq(utf8_class(0xaa), UTF8_OTHER);
	ck_assert(utf8_is_java_whitespace(0x2003) && !utf8_is_java_whitespace(0xa0) && utf8_is_java_whitespace(0x1f));
}
END_TEST

START_TEST(base64_text)
{
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xff\xfe", "//4="}};
	static const char *const bad[] = {"Z", "Zg=", "Zg===", "Zm9v=", "Zm 9v", "Zm9-", "=", "Zg==Zg=="};
	StrBuf	buf = {0};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		strbuf_clear(&buf);
		base64_add_encoded(&buf, str_of(pairs[i][0]));
		ck_assert_str_eq(strbuf_text(&buf), pairs[i][1]);
		strbuf_clear(&buf);
		ck_assert(base64_add_decoded(&buf, str_of(pairs[i][1])));
		ck_assert_str_eq(strbuf_text(&buf), pairs[i][0]);
	}
	strbuf_clear(&buf);
	strbuf_add_text(&buf, "x");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert_msg(!base64_add_decoded(&buf, str_of(bad[i])), "%s", bad[i]);
		ck_assert_str_eq(strbuf_text(&buf), "x");
	}
	ck_assert(base64_add_decoded(&buf, STR("Zg")));
	base64_add_decoded_lenient(&buf, STR(" Z m8!= junk"));
	base64_add_decoded_lenient(&buf, STR("__4"));
	ck_assert_str_eq(strbuf_text(&buf), "xffo\xff\xfe");
	strbuf_free(&buf);
}
END_TEST

START_TEST(hex_and_md5)
{
	StrBuf	buf = {0};
	char	hex[33];

	hex_add_encoded(&buf, STR("\x0a\xff"), false);
	hex_add_encoded(&buf, STR("\x0a\xff"), true);
	ck_assert_str_eq(strbuf_text(&buf), "0aff0AFF");
	strbuf_clear(&buf);
	ck_assert(hex_add_decoded(&buf, STR("414a4A")) && !hex_add_decoded(&buf, STR("4")) && !hex_add_decoded(&buf, STR("4g")));
	ck_assert_str_eq(strbuf_text(&buf), "AJJ");
	strbuf_free(&buf);
	md5_hex(STR(""), hex);
	ck_assert_str_eq(hex, "d41d8cd98f00b204e9800998ecf8427e");
	md5_hex(STR("abc"), hex);
	ck_assert_str_eq(hex, "900150983cd24fb0d6963f7d28e17f72");
	md5_hex(STR("12345678901234567890123456789012345678901234567890123456789012345678901234567890"), hex);
	ck_assert_str_eq(hex, "57edf4a22be3c955ac49da2e2107b67a");
}
END_TEST

int
main(void)
{
	Suite  *suite = suite_create("utf8");
	TCase  *tc = tcase_create("all");

	tcase_add_test(tc, validity);
	tcase_add_test(tc, positions);
	tcase_add_test(tc, order);
	tcase_add_test(tc, letters);
	tcase_add_test(tc, base64_text);
	tcase_add_test(tc, hex_and_md5);
	suite_add_tcase(suite, tc);

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int		failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
