/*
 * data/java_time: patterns printed and read.  The expected results are those of Java 17's DateTimeFormatter and
 * SimpleDateFormat; NULL, or REFUSED: an error.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/java_time.h"

#define REFUSED INT64_MIN

static const struct {
	JavaPatternKind kind;
	const char *pattern;
	int64_t		value;
	const char *zone;
	const char *expected;
} formats[] = {
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd HH:mm:ss", 0, "Z", "1970-01-01 00:00:00"},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd HH:mm:ss", -1, "Europe/London", "1970-01-01 00:59:59"},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd'T'HH:mm:ss.SSSX", 0, "Asia/Kolkata", "1970-01-01T05:30:00.000+0530"},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd'T'HH:mm:ss.SSSX", -1, "America/Los_Angeles", "1969-12-31T15:59:59.999-08"},
	{JAVA_PATTERN_TIMESTAMP, "yyyyMMddHHmmssSSS", 0, "UTC", "19700101000000000"},
	{JAVA_PATTERN_TIMESTAMP, "yyyyMMddHHmmssSSS", -1, "Europe/London", "19700101005959999"},
	{JAVA_PATTERN_TIMESTAMP, "yy/M/d h:m:s a", 0, "America/Los_Angeles", "69/12/31 4:0:0 PM"},
	{JAVA_PATTERN_TIMESTAMP, "yy/M/d h:m:s a", -1, "UTC", "69/12/31 11:59:59 PM"},
	{JAVA_PATTERN_TIMESTAMP, "EEE, dd MMM yyyy HH:mm:ss Z", 0, "+05:30", "Thu, 01 Jan 1970 05:30:00 +0530"},
	{JAVA_PATTERN_TIMESTAMP, "EEE, dd MMM yyyy HH:mm:ss Z", -1, "America/Los_Angeles", "Wed, 31 Dec 1969 15:59:59 -0800"},
	{JAVA_PATTERN_TIMESTAMP, "EEEE MMMM d, y G", 0, "Europe/London", "Thursday January 1, 1970 AD"},
	{JAVA_PATTERN_TIMESTAMP, "EEEE MMMM d, y G", -1, "Australia/Sydney", "Thursday January 1, 1970 AD"},
	{JAVA_PATTERN_TIMESTAMP, "D", 0, "GMT+2", "1"},
	{JAVA_PATTERN_TIMESTAMP, "D", -1, "Australia/Sydney", "1"},
	{JAVA_PATTERN_TIMESTAMP, "DDD", 0, "Europe/London", "001"},
	{JAVA_PATTERN_TIMESTAMP, "DDD", -1, "America/Los_Angeles", "365"},
	{JAVA_PATTERN_TIMESTAMP, "w W Y", 0, "Europe/London", "1 1 1970"},
	{JAVA_PATTERN_TIMESTAMP, "w W Y", -1, "Australia/Sydney", "1 1 1970"},
	{JAVA_PATTERN_TIMESTAMP, "e c", 0, "America/Los_Angeles", "4 4"},
	{JAVA_PATTERN_TIMESTAMP, "e c", -1, "Europe/London", "5 5"},
	{JAVA_PATTERN_TIMESTAMP, "Q QQ QQQ QQQQ", 0, "Asia/Kolkata", "1 01 Q1 1st quarter"},
	{JAVA_PATTERN_TIMESTAMP, "Q QQ QQQ QQQQ", -1, "Z", "4 04 Q4 4th quarter"},
	{JAVA_PATTERN_TIMESTAMP, "A n N", 0, "Asia/Kolkata", "19800000 0 19800000000000"},
	{JAVA_PATTERN_TIMESTAMP, "A n N", -1, "UTC", "86399999 999000000 86399999000000"},
	{JAVA_PATTERN_TIMESTAMP, "k K", 0, "Europe/London", "1 1"},
	{JAVA_PATTERN_TIMESTAMP, "k K", -1, "America/Los_Angeles", "15 3"},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm:ss.S", 0, "America/Los_Angeles", "16:00:00.0"},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm:ss.S", -1, "America/Los_Angeles", "15:59:59.9"},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm:ss.SSSSSSSSS", 0, "Australia/Sydney", "10:00:00.000000000"},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm:ss.SSSSSSSSS", -1, "Europe/London", "00:59:59.999000000"},
	{JAVA_PATTERN_TIMESTAMP, "XXX", 0, "Z", "Z"},
	{JAVA_PATTERN_TIMESTAMP, "XXX", -1, "+05:30", "+05:30"},
	{JAVA_PATTERN_TIMESTAMP, "XX", 0, "UTC", "Z"},
	{JAVA_PATTERN_TIMESTAMP, "XX", -1, "GMT+2", "+0200"},
	{JAVA_PATTERN_TIMESTAMP, "X", 0, "+05:30", "+0530"},
	{JAVA_PATTERN_TIMESTAMP, "X", -1, "Australia/Sydney", "+10"},
	{JAVA_PATTERN_TIMESTAMP, "x", 0, "+05:30", "+0530"},
	{JAVA_PATTERN_TIMESTAMP, "x", -1, "Australia/Sydney", "+10"},
	{JAVA_PATTERN_TIMESTAMP, "xx", 0, "Europe/London", "+0100"},
	{JAVA_PATTERN_TIMESTAMP, "xx", -1, "UTC", "+0000"},
	{JAVA_PATTERN_TIMESTAMP, "xxx", 0, "Europe/London", "+01:00"},
	{JAVA_PATTERN_TIMESTAMP, "xxx", -1, "Asia/Kolkata", "+05:30"},
	{JAVA_PATTERN_TIMESTAMP, "XXXX", 0, "Europe/London", "+0100"},
	{JAVA_PATTERN_TIMESTAMP, "XXXX", -1, "UTC", "Z"},
	{JAVA_PATTERN_TIMESTAMP, "XXXXX", 0, "Europe/London", "+01:00"},
	{JAVA_PATTERN_TIMESTAMP, "XXXXX", -1, "Europe/London", "+01:00"},
	{JAVA_PATTERN_TIMESTAMP, "O", 0, "UTC", "GMT"},
	{JAVA_PATTERN_TIMESTAMP, "O", -1, "America/Los_Angeles", "GMT-8"},
	{JAVA_PATTERN_TIMESTAMP, "OOOO", 0, "GMT+2", "GMT+02:00"},
	{JAVA_PATTERN_TIMESTAMP, "OOOO", -1, "+05:30", "GMT+05:30"},
	{JAVA_PATTERN_TIMESTAMP, "Z", 0, "America/Los_Angeles", "-0800"},
	{JAVA_PATTERN_TIMESTAMP, "Z", -1, "+05:30", "+0530"},
	{JAVA_PATTERN_TIMESTAMP, "ZZZZ", 0, "Asia/Kolkata", "GMT+05:30"},
	{JAVA_PATTERN_TIMESTAMP, "ZZZZ", -1, "Australia/Sydney", "GMT+10:00"},
	{JAVA_PATTERN_TIMESTAMP, "ZZZZZ", 0, "America/Los_Angeles", "-08:00"},
	{JAVA_PATTERN_TIMESTAMP, "ZZZZZ", -1, "Z", "Z"},
	{JAVA_PATTERN_TIMESTAMP, "VV", 0, "+05:30", "+05:30"},
	{JAVA_PATTERN_TIMESTAMP, "VV", -1, "America/Los_Angeles", "America/Los_Angeles"},
	{JAVA_PATTERN_TIMESTAMP, "z", -1, "Australia/Sydney", "AEST"},
	{JAVA_PATTERN_TIMESTAMP, "z", INT64_C(1526075913123), "Z", "Z"},
	{JAVA_PATTERN_TIMESTAMP, "yyyy[ VV]", 0, "GMT+2", "1970 GMT+02:00"},
	{JAVA_PATTERN_TIMESTAMP, "yyyy[ VV]", -1, "America/Los_Angeles", "1969 America/Los_Angeles"},
	{JAVA_PATTERN_TIMESTAMP, "u", 0, "UTC", "1970"},
	{JAVA_PATTERN_TIMESTAMP, "u", -1, "+05:30", "1970"},
	{JAVA_PATTERN_TIMESTAMP, "uuuu", 0, "Australia/Sydney", "1970"},
	{JAVA_PATTERN_TIMESTAMP, "uuuu", -1, "Europe/London", "1970"},
	{JAVA_PATTERN_TIMESTAMP, "yyyyy", 0, "Australia/Sydney", "01970"},
	{JAVA_PATTERN_TIMESTAMP, "yyyyy", -1, "America/Los_Angeles", "01969"},
	{JAVA_PATTERN_TIMESTAMP, "ppppd|", 0, "Z", "   1|"},
	{JAVA_PATTERN_TIMESTAMP, "ppppd|", -1, "UTC", "  31|"},
	{JAVA_PATTERN_TIMESTAMP, "F", 0, "+05:30", "1"},
	{JAVA_PATTERN_TIMESTAMP, "F", -1, "GMT+2", "1"},
	{JAVA_PATTERN_TIMESTAMP, "yyyy ''Q'' MMMMM", 0, "Z", "1970 '1' J"},
	{JAVA_PATTERN_TIMESTAMP, "yyyy ''Q'' MMMMM", -1, "+05:30", "1970 '1' J"},
	{JAVA_PATTERN_TIMESTAMP, "L LL LLL LLLL", 0, "GMT+2", "1 01 Jan January"},
	{JAVA_PATTERN_TIMESTAMP, "L LL LLL LLLL", -1, "+05:30", "1 01 Jan January"},
	{JAVA_PATTERN_TIMESTAMP, "''", 0, "GMT+2", "'"},
	{JAVA_PATTERN_TIMESTAMP, "''", -1, "GMT+2", "'"},
	{JAVA_PATTERN_TIMESTAMP, "a'b''c'", 0, "Asia/Kolkata", "AMb'c"},
	{JAVA_PATTERN_TIMESTAMP, "a'b''c'", -1, "Europe/London", "AMb'c"},
	{JAVA_PATTERN_TIMESTAMP, "p", 0, "UTC", NULL},
	{JAVA_PATTERN_TIMESTAMP, "pp", 0, "America/Los_Angeles", NULL},
	{JAVA_PATTERN_TIMESTAMP, "[yyyy", 0, "+05:30", "1970"},
	{JAVA_PATTERN_TIMESTAMP, "[yyyy", -1, "America/Los_Angeles", "1969"},
	{JAVA_PATTERN_TIMESTAMP, "yyyy]", 0, "America/Los_Angeles", NULL},
	{JAVA_PATTERN_TIMESTAMP, "f", 0, "Australia/Sydney", NULL},
	{JAVA_PATTERN_TIMESTAMP, "yyyy{", 0, "Europe/London", NULL},
	{JAVA_PATTERN_TIMESTAMP, "aa", 0, "Europe/London", NULL},
	{JAVA_PATTERN_TIMESTAMP, "HHH", 0, "Z", NULL},
	{JAVA_PATTERN_TIMESTAMP, "ddd", 0, "Asia/Kolkata", NULL},
	{JAVA_PATTERN_TIMESTAMP, "MMMMMM", 0, "+05:30", NULL},
	{JAVA_PATTERN_TIMESTAMP, "VVV", 0, "Asia/Kolkata", NULL},
	{JAVA_PATTERN_TIMESTAMP, "GGGG GGGGG", 0, "GMT+2", "Anno Domini A"},
	{JAVA_PATTERN_TIMESTAMP, "GGGG GGGGG", -1, "GMT+2", "Anno Domini A"},
	{JAVA_PATTERN_TIMESTAMP, "yyyyyyyyyy", 0, "Z", "0000001970"},
	{JAVA_PATTERN_TIMESTAMP, "yyyyyyyyyy", -1, "America/Los_Angeles", "0000001969"},
	{JAVA_PATTERN_TIMESTAMP, "YYYY-'W'ww-e", 0, "Asia/Kolkata", "1970-W01-5"},
	{JAVA_PATTERN_TIMESTAMP, "YYYY-'W'ww-e", -1, "GMT+2", "1970-W01-5"},
	{JAVA_PATTERN_TIMESTAMP, "SSSSSSSSSS", 0, "Asia/Kolkata", NULL},
	{JAVA_PATTERN_TIMESTAMP, "uu", 0, "America/Los_Angeles", "69"},
	{JAVA_PATTERN_TIMESTAMP, "uu", -1, "Asia/Kolkata", "70"},
	{JAVA_PATTERN_TIMESTAMP, "EE", 0, "UTC", "Thu"},
	{JAVA_PATTERN_TIMESTAMP, "EE", -1, "UTC", "Wed"},
	{JAVA_PATTERN_TIMESTAMP, "EEEEE", 0, "GMT+2", "T"},
	{JAVA_PATTERN_TIMESTAMP, "EEEEE", -1, "+05:30", "T"},
	{JAVA_PATTERN_TIMESTAMP, "ccc", 0, "Australia/Sydney", "Thu"},
	{JAVA_PATTERN_TIMESTAMP, "ccc", -1, "+05:30", "Thu"},
	{JAVA_PATTERN_TIMESTAMP, "cc", 0, "GMT+2", NULL},
	{JAVA_PATTERN_TIMESTAMP, "eee", 0, "UTC", "Thu"},
	{JAVA_PATTERN_TIMESTAMP, "eee", -1, "GMT+2", "Thu"},
	{JAVA_PATTERN_TIMESTAMP, "zzzz", 0, "GMT+2", "GMT+02:00"},
	{JAVA_PATTERN_TIMESTAMP, "zzzz", -1, "America/Los_Angeles", "Pacific Standard Time"},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd", 0, "UTC", "1970-01-01"},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd", 17662, "UTC", "2018-05-11"},
	{JAVA_PATTERN_DATE, "dd-MMM-yyyy", 0, "UTC", "01-Jan-1970"},
	{JAVA_PATTERN_DATE, "dd-MMM-yyyy", 17662, "UTC", "11-May-2018"},
	{JAVA_PATTERN_DATE, "D", 0, "UTC", "1"},
	{JAVA_PATTERN_DATE, "D", 17662, "UTC", "131"},
	{JAVA_PATTERN_DATE, "Y-w", 0, "UTC", "1970-1"},
	{JAVA_PATTERN_DATE, "Y-w", 17662, "UTC", "2018-19"},
	{JAVA_PATTERN_DATE, "HH", 0, "UTC", NULL},
	{JAVA_PATTERN_DATE, "yyyy[ HH]", 0, "UTC", "1970"},
	{JAVA_PATTERN_DATE, "yyyy[ HH]", 17662, "UTC", "2018"},
	{JAVA_PATTERN_DATE, "EEE", 0, "UTC", "Thu"},
	{JAVA_PATTERN_DATE, "EEE", 17662, "UTC", "Fri"},
	{JAVA_PATTERN_DATE, "z", 0, "UTC", NULL},
	{JAVA_PATTERN_DATE, "VV", 0, "UTC", NULL},
	{JAVA_PATTERN_DATE, "[z]yyyy", 0, "UTC", "1970"},
	{JAVA_PATTERN_DATE, "[z]yyyy", 17662, "UTC", "2018"},
	{JAVA_PATTERN_DATE, "X", 0, "UTC", NULL},
	{JAVA_PATTERN_DATE, "G", 0, "UTC", "AD"},
	{JAVA_PATTERN_DATE, "G", 17662, "UTC", "AD"},
	{JAVA_PATTERN_DATE, "Q", 0, "UTC", "1"},
	{JAVA_PATTERN_DATE, "Q", 17662, "UTC", "2"},
	{JAVA_PATTERN_DATE, "YYYY", 0, "UTC", "1970"},
	{JAVA_PATTERN_DATE, "YYYY", 17662, "UTC", "2018"},
	{JAVA_PATTERN_TIME, "HH:mm:ss", 0, "UTC", "00:00:00"},
	{JAVA_PATTERN_TIME, "HH:mm:ss", 65000, "UTC", "00:01:05"},
	{JAVA_PATTERN_TIME, "hh:mm a", 0, "UTC", "12:00 AM"},
	{JAVA_PATTERN_TIME, "hh:mm a", 65000, "UTC", "12:01 AM"},
	{JAVA_PATTERN_TIME, "A", 0, "UTC", "0"},
	{JAVA_PATTERN_TIME, "A", 65000, "UTC", "65000"},
	{JAVA_PATTERN_TIME, "yyyy", 0, "UTC", NULL},
	{JAVA_PATTERN_TIME, "HH[ yyyy]", 0, "UTC", "00"},
	{JAVA_PATTERN_TIME, "HH[ yyyy]", 65000, "UTC", "00"},
	{JAVA_PATTERN_TIME, "SSS", 0, "UTC", "000"},
	{JAVA_PATTERN_TIME, "SSS", 65000, "UTC", "000"},
	{JAVA_PATTERN_TIME, "n", 0, "UTC", "0"},
	{JAVA_PATTERN_TIME, "n", 65000, "UTC", "0"},
	{JAVA_PATTERN_TIME, "K k", 0, "UTC", "0 24"},
	{JAVA_PATTERN_TIME, "K k", 65000, "UTC", "0 24"},
	{JAVA_PATTERN_TIME, "H m s S", 0, "UTC", "0 0 0 0"},
	{JAVA_PATTERN_TIME, "H m s S", 65000, "UTC", "0 1 5 0"},
	{JAVA_PATTERN_TIME, "HHmmss", 0, "UTC", "000000"},
	{JAVA_PATTERN_TIME, "HHmmss", 65000, "UTC", "000105"},
	{JAVA_PATTERN_TIME, "z", 0, "UTC", NULL},
};

static const struct {
	JavaPatternKind kind;
	const char *pattern;
	const char *text;
	const char *zone;
	int64_t		expected;
} parses[] = {
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd", "2018-05-11", "UTC", INT64_C(1525996800000)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd", "2018-05-11", "UTC", 17662},
	{JAVA_PATTERN_TIME, "yyyy-MM-dd", "2018-05-11", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd", "2018-02-30", "UTC", INT64_C(1519776000000)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd", "2018-02-30", "UTC", 17590},
	{JAVA_PATTERN_TIME, "yyyy-MM-dd", "2018-02-30", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd", "2018-02-32", "UTC", REFUSED},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd", "2018-02-32", "UTC", REFUSED},
	{JAVA_PATTERN_TIME, "yyyy-MM-dd", "2018-02-32", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd", "2018-13-01", "UTC", REFUSED},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd", "2018-13-01", "UTC", REFUSED},
	{JAVA_PATTERN_TIME, "yyyy-MM-dd", "2018-13-01", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd", "+2018-05-11", "UTC", REFUSED},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd", "+2018-05-11", "UTC", REFUSED},
	{JAVA_PATTERN_TIME, "yyyy-MM-dd", "+2018-05-11", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd", "12018-05-11", "UTC", REFUSED},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd", "12018-05-11", "UTC", REFUSED},
	{JAVA_PATTERN_TIME, "yyyy-MM-dd", "12018-05-11", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd", "+12018-05-11", "UTC", INT64_C(317095516800000)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd", "+12018-05-11", "UTC", 3670087},
	{JAVA_PATTERN_TIME, "yyyy-MM-dd", "+12018-05-11", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd", "18-05-11", "UTC", REFUSED},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd", "18-05-11", "UTC", REFUSED},
	{JAVA_PATTERN_TIME, "yyyy-MM-dd", "18-05-11", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd", "2018-5-11", "UTC", REFUSED},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd", "2018-5-11", "UTC", REFUSED},
	{JAVA_PATTERN_TIME, "yyyy-MM-dd", "2018-5-11", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-M-d", "2018-5-1", "UTC", INT64_C(1525132800000)},
	{JAVA_PATTERN_DATE, "yyyy-M-d", "2018-5-1", "UTC", 17652},
	{JAVA_PATTERN_TIME, "yyyy-M-d", "2018-5-1", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-M-d", "2018-05-01", "UTC", INT64_C(1525132800000)},
	{JAVA_PATTERN_DATE, "yyyy-M-d", "2018-05-01", "UTC", 17652},
	{JAVA_PATTERN_TIME, "yyyy-M-d", "2018-05-01", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyyMMdd", "20180511", "UTC", INT64_C(1525996800000)},
	{JAVA_PATTERN_DATE, "yyyyMMdd", "20180511", "UTC", 17662},
	{JAVA_PATTERN_TIME, "yyyyMMdd", "20180511", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyyMMdd", "120180511", "UTC", REFUSED},
	{JAVA_PATTERN_DATE, "yyyyMMdd", "120180511", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyyMMddHHmmssSSS", "20180511235958123", "UTC", INT64_C(1526083198123)},
	{JAVA_PATTERN_DATE, "yyyyMMddHHmmssSSS", "20180511235958123", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "yyMMdd", "180511", "UTC", INT64_C(1525996800000)},
	{JAVA_PATTERN_DATE, "yyMMdd", "180511", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "yy-MM-dd HH:mm:ssX", "10-04-19 12:00:17Z", "UTC", INT64_C(1271678417000)},
	{JAVA_PATTERN_DATE, "yy-MM-dd HH:mm:ssX", "10-04-19 12:00:17Z", "UTC", 14718},
	{JAVA_PATTERN_TIMESTAMP, "dd-MMM-yyyy", "01-jan-2022", "UTC", INT64_C(1640995200000)},
	{JAVA_PATTERN_DATE, "dd-MMM-yyyy", "01-jan-2022", "UTC", 18993},
	{JAVA_PATTERN_TIMESTAMP, "dd-MMM-yyyy", "01-JANUARY-2022", "UTC", REFUSED},
	{JAVA_PATTERN_DATE, "dd-MMM-yyyy", "01-JANUARY-2022", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "dd-MMMM-yyyy", "01-january-2022", "UTC", INT64_C(1640995200000)},
	{JAVA_PATTERN_DATE, "dd-MMMM-yyyy", "01-january-2022", "UTC", 18993},
	{JAVA_PATTERN_TIMESTAMP, "EEE dd MMM yyyy", "Fri 11 May 2018", "UTC", INT64_C(1525996800000)},
	{JAVA_PATTERN_DATE, "EEE dd MMM yyyy", "Fri 11 May 2018", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "EEE dd MMM yyyy", "Sat 11 May 2018", "UTC", REFUSED},
	{JAVA_PATTERN_DATE, "EEE dd MMM yyyy", "Sat 11 May 2018", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "EEEE", "Friday", "UTC", 86400000},
	{JAVA_PATTERN_DATE, "EEEE", "Friday", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "MM-dd", "05-11", "UTC", INT64_C(11232000000)},
	{JAVA_PATTERN_DATE, "MM-dd", "05-11", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "dd", "11", "UTC", 864000000},
	{JAVA_PATTERN_DATE, "dd", "11", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "MM", "05", "UTC", INT64_C(10368000000)},
	{JAVA_PATTERN_TIMESTAMP, "yyyy", "2018", "UTC", INT64_C(1514764800000)},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM", "2018-05", "UTC", INT64_C(1525132800000)},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-DDD", "2018-366", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-DDD", "2020-366", "UTC", INT64_C(1609372800000)},
	{JAVA_PATTERN_DATE, "yyyy-DDD", "2020-366", "UTC", 18627},
	{JAVA_PATTERN_TIMESTAMP, "DDD", "365", "UTC", INT64_C(31449600000)},
	{JAVA_PATTERN_TIMESTAMP, "DDD", "366", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "D", "1", "UTC", 0},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm", "12:30", "UTC", 45000000},
	{JAVA_PATTERN_TIME, "HH:mm", "12:30", "UTC", 45000000},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm", "24:00", "UTC", 0},
	{JAVA_PATTERN_TIME, "HH:mm", "24:00", "UTC", 0},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm", "25:00", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd HH:mm", "2018-05-11 24:00", "UTC", INT64_C(1526083200000)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd HH:mm", "2018-05-11 24:00", "UTC", 17663},
	{JAVA_PATTERN_TIMESTAMP, "hh:mm a", "12:30 am", "UTC", 1800000},
	{JAVA_PATTERN_TIME, "hh:mm a", "12:30 am", "UTC", 1800000},
	{JAVA_PATTERN_TIMESTAMP, "hh:mm a", "12:30 PM", "UTC", 45000000},
	{JAVA_PATTERN_TIME, "hh:mm a", "12:30 PM", "UTC", 45000000},
	{JAVA_PATTERN_TIMESTAMP, "hh:mm", "05:30", "UTC", 19800000},
	{JAVA_PATTERN_TIMESTAMP, "KK:mm a", "00:30 PM", "UTC", 45000000},
	{JAVA_PATTERN_TIME, "KK:mm a", "00:30 PM", "UTC", 45000000},
	{JAVA_PATTERN_TIMESTAMP, "kk", "24", "UTC", 0},
	{JAVA_PATTERN_TIME, "kk", "24", "UTC", 0},
	{JAVA_PATTERN_TIMESTAMP, "a", "PM", "UTC", 64800000},
	{JAVA_PATTERN_TIME, "a", "PM", "UTC", 64800000},
	{JAVA_PATTERN_TIMESTAMP, "mm:ss", "30:15", "UTC", 1815000},
	{JAVA_PATTERN_TIMESTAMP, "ss", "15", "UTC", 15000},
	{JAVA_PATTERN_TIMESTAMP, "HH ss", "12 15", "UTC", 43215000},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm:ss.S", "12:30:15.2", "UTC", 45015200},
	{JAVA_PATTERN_TIME, "HH:mm:ss.S", "12:30:15.2", "UTC", 45015200},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm:ss.SSS", "12:30:15.2", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm:ss.SSSSSSSSS", "12:30:15.123456789", "UTC", 45015123},
	{JAVA_PATTERN_TIME, "HH:mm:ss.SSSSSSSSS", "12:30:15.123456789", "UTC", 45015123},
	{JAVA_PATTERN_TIMESTAMP, "A", "12345", "UTC", 12345},
	{JAVA_PATTERN_TIME, "A", "12345", "UTC", 12345},
	{JAVA_PATTERN_TIMESTAMP, "N", "12345678901234", "UTC", 12345678},
	{JAVA_PATTERN_TIME, "N", "12345678901234", "UTC", 12345678},
	{JAVA_PATTERN_TIMESTAMP, "n", "123456789", "UTC", 123},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd'T'HH:mm:ss.SX", "2019-08-27T13:31:09.2+0000", "UTC", INT64_C(1566912669200)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd'T'HH:mm:ss.SX", "2019-08-27T13:31:09.2+0000", "UTC", 18135},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd'T'HH:mm:ss zzz", "2018-05-11T21:58:33 PST", "UTC", INT64_C(1526101113000)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd'T'HH:mm:ss zzz", "2018-05-11T21:58:33 PST", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd'T'HH:mm:ss zzz", "2018-05-11T21:58:33 Europe/Paris", "UTC", INT64_C(1526068713000)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd'T'HH:mm:ss zzz", "2018-05-11T21:58:33 Europe/Paris", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd'T'HH:mm:ss zzz", "2018-05-11T21:58:33 nowhere", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd'T'HH:mm:ss VV", "2018-05-11T21:58:33 America/New_York", "UTC", INT64_C(1526090313000)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd'T'HH:mm:ss VV", "2018-05-11T21:58:33 America/New_York", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd'T'HH:mm:ss VV", "2018-05-11T21:58:33 +02:00", "UTC", INT64_C(1526068713000)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd'T'HH:mm:ss VV", "2018-05-11T21:58:33 +02:00", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd'T'HH:mm:ssXXX", "2018-05-11T21:58:33+02:00", "UTC", INT64_C(1526068713000)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd'T'HH:mm:ssXXX", "2018-05-11T21:58:33+02:00", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd'T'HH:mm:ssXXX", "2018-05-11T21:58:33z", "UTC", INT64_C(1526075913000)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd'T'HH:mm:ssXXX", "2018-05-11T21:58:33z", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd'T'HH:mm:ssXXX", "2018-05-11T21:58:33+0200", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm Z", "10:00 +0130", "UTC", 30600000},
	{JAVA_PATTERN_TIME, "HH:mm Z", "10:00 +0130", "UTC", 36000000},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm Z", "10:00 Z", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm ZZZZ", "10:00 GMT+05:30", "UTC", 16200000},
	{JAVA_PATTERN_TIME, "HH:mm ZZZZ", "10:00 GMT+05:30", "UTC", 36000000},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm O", "10:00 GMT+5", "UTC", 18000000},
	{JAVA_PATTERN_TIME, "HH:mm O", "10:00 GMT+5", "UTC", 36000000},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm O", "10:00 GMT", "UTC", 36000000},
	{JAVA_PATTERN_TIME, "HH:mm O", "10:00 GMT", "UTC", 36000000},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm X", "10:00 +02", "UTC", 28800000},
	{JAVA_PATTERN_TIME, "HH:mm X", "10:00 +02", "UTC", 36000000},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm x", "10:00 +0230", "UTC", 27000000},
	{JAVA_PATTERN_TIME, "HH:mm x", "10:00 +0230", "UTC", 36000000},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm x", "10:00 Z", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy[-MM[-dd]]", "2018", "UTC", INT64_C(1514764800000)},
	{JAVA_PATTERN_TIMESTAMP, "yyyy[-MM[-dd]]", "2018-05", "UTC", INT64_C(1525132800000)},
	{JAVA_PATTERN_TIMESTAMP, "yyyy[-MM[-dd]]", "2018-05-11", "UTC", INT64_C(1525996800000)},
	{JAVA_PATTERN_DATE, "yyyy[-MM[-dd]]", "2018-05-11", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "yyyy[-MM[-dd]]", "2018-", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "G yyyy-MM-dd", "BC 0044-03-15", "UTC", INT64_C(-63517824000000)},
	{JAVA_PATTERN_DATE, "G yyyy-MM-dd", "BC 0044-03-15", "UTC", -735160},
	{JAVA_PATTERN_TIMESTAMP, "uuuu-MM-dd", "-0043-03-15", "UTC", INT64_C(-63517824000000)},
	{JAVA_PATTERN_DATE, "uuuu-MM-dd", "-0043-03-15", "UTC", -735160},
	{JAVA_PATTERN_TIMESTAMP, "uuuu-MM-dd", "0000-03-15", "UTC", INT64_C(-62160825600000)},
	{JAVA_PATTERN_DATE, "uuuu-MM-dd", "0000-03-15", "UTC", -719454},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd", "0000-03-15", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "YYYY-ww-e", "2018-19-6", "UTC", INT64_C(1525996800000)},
	{JAVA_PATTERN_DATE, "YYYY-ww-e", "2018-19-6", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd", "2018-05-11 ", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd", "", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "'x'yyyy", "X2018", "UTC", INT64_C(1514764800000)},
	{JAVA_PATTERN_TIMESTAMP, "Q yyyy", "2 2018", "UTC", INT64_C(1514764800000)},
	{JAVA_PATTERN_TIMESTAMP, "yyyy QQQ", "2018 q2", "UTC", INT64_C(1514764800000)},
	{JAVA_PATTERN_TIMESTAMP, "ppppd MM yyyy", "  11 05 2018", "UTC", INT64_C(1525996800000)},
	{JAVA_PATTERN_DATE, "ppppd MM yyyy", "  11 05 2018", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "d/M/yyyy", "1/2/2018", "UTC", INT64_C(1517443200000)},
	{JAVA_PATTERN_DATE, "d/M/yyyy", "1/2/2018", "UTC", 17563},
	{JAVA_PATTERN_TIMESTAMP, "d/M/y", "1/2/18", "UTC", INT64_C(-61596460800000)},
	{JAVA_PATTERN_DATE, "d/M/y", "1/2/18", "UTC", -712922},
	{JAVA_PATTERN_TIMESTAMP, "yyyyDDD", "2018131", "UTC", INT64_C(1525996800000)},
	{JAVA_PATTERN_DATE, "yyyyDDD", "2018131", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "HHmm", "1230", "UTC", 45000000},
	{JAVA_PATTERN_TIME, "HHmm", "1230", "UTC", 45000000},
	{JAVA_PATTERN_TIMESTAMP, "Hmm", "1230", "UTC", 45000000},
	{JAVA_PATTERN_TIME, "Hmm", "1230", "UTC", 45000000},
	{JAVA_PATTERN_TIMESTAMP, "Hmm", "930", "UTC", 34200000},
	{JAVA_PATTERN_TIME, "Hmm", "930", "UTC", 34200000},
	{JAVA_PATTERN_TIMESTAMP, "yyyyMd", "2018511", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "hhmma", "0530pm", "UTC", 63000000},
	{JAVA_PATTERN_TIME, "hhmma", "0530pm", "UTC", 63000000},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd HH:mm:ss.SSS", "2018-03-11 02:30:00.000", "UTC", INT64_C(1520735400000)},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd HH:mm:ss.SSS", "2018-03-11 02:30:00.000", "America/Los_Angeles", INT64_C(1520764200000)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd HH:mm:ss.SSS", "2018-03-11 02:30:00.000", "UTC", 17601},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd HH:mm:ss.SSS", "2018-11-04 01:30:00.000", "UTC", INT64_C(1541295000000)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd HH:mm:ss.SSS", "2018-11-04 01:30:00.000", "UTC", 17839},
	{JAVA_PATTERN_TIMESTAMP, "EEE", "fri", "UTC", 86400000},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd yyyy", "2018-05-11 2019", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy uuuu-MM-dd", "2018 2018-05-11", "UTC", INT64_C(1525996800000)},
	{JAVA_PATTERN_DATE, "yyyy uuuu-MM-dd", "2018 2018-05-11", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "yyyy uuuu-MM-dd", "2018 2019-05-11", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd D", "2018-05-11 131", "UTC", INT64_C(1525996800000)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd D", "2018-05-11 131", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd D", "2018-05-11 130", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "HH:mm:ss", "23:59:60", "UTC", REFUSED},
	{JAVA_PATTERN_TIMESTAMP, "E", "Mon", "UTC", -259200000},
	{JAVA_PATTERN_TIMESTAMP, "G", "BC", "UTC", INT64_C(-124302816000000)},
	{JAVA_PATTERN_TIMESTAMP, "MMM", "May", "UTC", INT64_C(10368000000)},
	{JAVA_PATTERN_TIMESTAMP, "ww", "19", "UTC", 0},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd w", "2018-05-11 19", "UTC", INT64_C(1525996800000)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd w", "2018-05-11 19", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "S", "5", "UTC", 500},
	{JAVA_PATTERN_TIMESTAMP, "SSS", "005", "UTC", 5},
	{JAVA_PATTERN_TIMESTAMP, "HH.SSS", "10.005", "UTC", 36000005},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd hh:mm:ss a z", "2018-05-11 09:58:33 PM PDT", "UTC", INT64_C(1526101113000)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd hh:mm:ss a z", "2018-05-11 09:58:33 PM PDT", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "zzzz", "Pacific Standard Time", "UTC", 28800000},
	{JAVA_PATTERN_TIMESTAMP, "yyyy-MM-dd HH:mm zzzz", "2018-05-11 10:00 Eastern Daylight Time", "UTC", INT64_C(1526047200000)},
	{JAVA_PATTERN_DATE, "yyyy-MM-dd HH:mm zzzz", "2018-05-11 10:00 Eastern Daylight Time", "UTC", 17662},
	{JAVA_PATTERN_TIMESTAMP, "F", "3", "UTC", 172800000},
	{JAVA_PATTERN_TIMESTAMP, "W", "2", "UTC", 0},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd", "2018-05-11", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd", "2018-05-11xyz", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd", "2018-13-11", "UTC", 17907},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd", "2018-02-30", "UTC", 17592},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd", "18-05-11", "UTC", -712825},
	{JAVA_PATTERN_SIMPLE_DATE, "yy-MM-dd", "18-05-11", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "yy-MM-dd", "2018-05-11", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "yy-MM-dd", "60-05-11", "UTC", -3522},
	{JAVA_PATTERN_SIMPLE_DATE, "yy-MM-dd", "8-05-11", "UTC", -716477},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyyMMdd", "20180511", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyyMMdd", "2018511", "UTC", 19052},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyyMMdd", "2018", "UTC", REFUSED},
	{JAVA_PATTERN_SIMPLE_DATE, "dd-MMM-yyyy", "01-JAN-2022", "UTC", 18993},
	{JAVA_PATTERN_SIMPLE_DATE, "dd-MMM-yyyy", "01-January-2022", "UTC", 18993},
	{JAVA_PATTERN_SIMPLE_DATE, "MMM-yyyy", "JAN-2022", "UTC", 18993},
	{JAVA_PATTERN_SIMPLE_DATE, "MMMM yyyy", "may 2022", "UTC", 19113},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd'Lit'", "2018-05-11Lit", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd'Lit'", "2018-05-11lit", "UTC", REFUSED},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd HH:mm", "2018-05-11 10:00", "UTC", REFUSED},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd HH:mm", "2018-05-11 24:00", "UTC", 17663},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd HH:mm", "2018-05-11 00:00", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "D yyyy", "131 2018", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd EEE", "2018-05-11 Mon", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "EEE, d MMM yyyy", "Fri, 11 May 2018", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd X", "2018-05-11 +00", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd X", "2018-05-11 Z", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd z", "2018-05-11 UTC", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd Z", "2018-05-11 +0000", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd Z", "2018-05-11 +0100", "UTC", REFUSED},
	{JAVA_PATTERN_SIMPLE_DATE, "YYYY-MM-dd", "2018-05-11", "UTC", 17531},
	{JAVA_PATTERN_SIMPLE_DATE, "YYYY-ww", "2018-19", "UTC", 17657},
	{JAVA_PATTERN_SIMPLE_DATE, "G yyyy-MM-dd", "BC 0044-03-15", "UTC", -735162},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd", "-2018-05-11", "UTC", -1456474},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy", "2018", "UTC", 17532},
	{JAVA_PATTERN_SIMPLE_DATE, "y", "2018", "UTC", 17532},
	{JAVA_PATTERN_SIMPLE_DATE, "MM", "5", "UTC", 120},
	{JAVA_PATTERN_SIMPLE_DATE, "dd", "11", "UTC", 10},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd", "2018-05", "UTC", REFUSED},
	{JAVA_PATTERN_SIMPLE_DATE, "f", "1", "UTC", REFUSED},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy'", "2018", "UTC", REFUSED},
	{JAVA_PATTERN_SIMPLE_DATE, "  yyyy", "  2018", "UTC", 17532},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy MM dd", "2018   5    11", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd", "2018/05/11", "UTC", REFUSED},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd hh a", "2018-05-11 12 AM", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd hh a", "2018-05-11 12 PM", "UTC", REFUSED},
	{JAVA_PATTERN_SIMPLE_DATE, "dd/MM/yyyy", "11/05/2019", "UTC", 18027},
	{JAVA_PATTERN_SIMPLE_DATE, "d/M/yy", "1/2/03", "UTC", 12084},
	{JAVA_PATTERN_SIMPLE_DATE, "SSS", "000", "UTC", 0},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyyMMdd", "2018-0511", "UTC", 18011},
	{JAVA_PATTERN_SIMPLE_DATE, "u yyyy-MM-dd", "3 2018-05-11", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "''yyyy", "'2018", "UTC", 17532},
	{JAVA_PATTERN_SIMPLE_DATE, "yyMMdd", "180511", "UTC", 17662},
	{JAVA_PATTERN_SIMPLE_DATE, "k:mm", "24:00", "UTC", 0},
	{JAVA_PATTERN_SIMPLE_DATE, "yyyy-MM-dd XXX", "2018-05-11 -00:00", "UTC", 17662},
};

START_TEST(formatting)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		Arena		arena = {0};
		StrBuf		buf = {0};
		JavaPattern *pattern = NULL;
		const Zone *zone;
		Error		err = {0};
		Status		status = zone_open(&arena, str_of(formats[i].zone), ZONE_NAMES_JAVA, &zone, &err);

		if (status == OK)
			status = java_pattern_compile(&arena, str_of(formats[i].pattern), formats[i].kind, &pattern, &err);
		if (status == OK)
			status = java_pattern_format(pattern, formats[i].value, zone, &buf, &err);
		ck_assert_msg((status == OK) == (formats[i].expected != NULL), "%s: %s", formats[i].pattern, err.message);
		if (status == OK)
			ck_assert_str_eq(strbuf_text(&buf), formats[i].expected);
		else
			ck_assert_str_ne(err.message, "");
		java_pattern_close(pattern);
		strbuf_free(&buf);
		arena_free(&arena);
	}
}
END_TEST

START_TEST(parsing)
{
	for (size_t i = 0; i < sizeof parses / sizeof *parses; i++) {
		Arena		arena = {0};
		JavaPattern *pattern = NULL;
		const Zone *zone;
		int64_t		value = 0;
		Error		err = {0};
		Status		status = zone_open(&arena, str_of(parses[i].zone), ZONE_NAMES_JAVA, &zone, &err);

		if (status == OK)
			status = java_pattern_compile(&arena, str_of(parses[i].pattern), parses[i].kind, &pattern, &err);
		if (status == OK)
			status = java_pattern_parse(pattern, str_of(parses[i].text), zone, &value, &err);
		ck_assert_msg((status == OK) == (parses[i].expected != REFUSED), "%s of %s: %s", parses[i].pattern, parses[i].text, err.message);
		if (status == OK)
			ck_assert_msg(value == parses[i].expected, "%s of %s: %lld", parses[i].pattern, parses[i].text, (long long)value);
		java_pattern_close(pattern);
		arena_free(&arena);
	}
}
END_TEST

/* A day that a partial date does not have is an error, where a complete one takes the last of the month. */
START_TEST(impossible_days)
{
	Arena		arena = {0};
	JavaPattern *pattern;
	int64_t		value;
	Error		err;

	ck_assert(java_pattern_compile(&arena, STR("MM-dd"), JAVA_PATTERN_TIMESTAMP, &pattern, &err) == OK);
	ck_assert(java_pattern_parse(pattern, STR("02-30"), NULL, &value, &err) == FAILED);
	ck_assert(java_pattern_compile(&arena, STR("DDD"), JAVA_PATTERN_TIMESTAMP, &pattern, &err) == OK);
	ck_assert(java_pattern_parse(pattern, STR("366"), NULL, &value, &err) == FAILED);
	ck_assert(strstr(err.message, "Leap day cannot be parsed without supplying the year field") != NULL);
	arena_free(&arena);
}
END_TEST

START_TEST(caching)
{
	JavaPatternCache cache;
	JavaPattern *first, *again;
	Error		err;

	java_pattern_cache_init(&cache, JAVA_PATTERN_DATE);
	ck_assert(java_pattern_cache_get(&cache, STR("yyyy"), &first, &err) == OK);
	for (int i = 0; i < 100; i++) {
		char	text[32];

		snprintf(text, sizeof text, "yyyy'%d'", i);
		ck_assert(java_pattern_cache_get(&cache, str_of(text), &again, &err) == OK);
		ck_assert(java_pattern_cache_get(&cache, STR("yyyy"), &again, &err) == OK);
		ck_assert_ptr_eq(again, first);
	}
	ck_assert(java_pattern_cache_get(&cache, STR("{"), &again, &err) == FAILED);
	java_pattern_cache_free(&cache);
}
END_TEST

int
main(void)
{
	Suite  *suite = suite_create("java_time");
	TCase  *tc = tcase_create("all");

	tcase_add_test(tc, formatting);
	tcase_add_test(tc, parsing);
	tcase_add_test(tc, impossible_days);
	tcase_add_test(tc, caching);
	suite_add_tcase(suite, tc);

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int		failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
