/*
 * ksqlDB's functions of date and time.  Patterns and zones are nearly always constant: they are compiled once for each
 * run of a kernel, and again where a row brings another one.
 */
#include "data/java_time.h"
#include "data/time_text.h"
#include "data/zone.h"
#include "exec/func/kernel.h"

static Time
call_now(const ScalarCall *call)
{
	return env_now(call->context->env != NULL ? call->context->env : &env_real);
}

/* ---- zones and patterns of the latest row ---- */

typedef struct ZoneMemo {
	Arena		arena;
	Str			name;
	bool		is_set;
	const Zone *zone;		/* NULL: not known, see err */
	Error		err;
} ZoneMemo;

/* The zone, or NULL with the row failed. */
static const Zone *
zone_memo_get(ZoneMemo *memo, const ScalarCall *call, int32_t row, Str name)
{
	if (!memo->is_set || !str_equal(memo->name, name)) {
		arena_reset(&memo->arena);
		memo->is_set = true;
		memo->name = str_make(str_to_arena(&memo->arena, name), name.length);
		if (zone_open(&memo->arena, name, ZONE_NAMES_JAVA, &memo->zone, &memo->err) != OK)
			memo->zone = NULL;
	}
	if (memo->zone == NULL)
		eval_fail(call->context, row, "%s", memo->err.message);
	return memo->zone;
}

typedef struct PatternMemo {
	Arena		 arena;
	Str			 text;
	bool		 is_set;
	JavaPattern *pattern;	/* NULL: malformed, see err */
	Error		 err;
} PatternMemo;

static void
pattern_memo_free(PatternMemo *memo)
{
	if (memo->pattern != NULL)
		java_pattern_close(memo->pattern);
	arena_free(&memo->arena);
}

static JavaPattern *
pattern_memo_get(PatternMemo *memo, const ScalarCall *call, int32_t row, Str text, JavaPatternKind kind)
{
	if (!memo->is_set || !str_equal(memo->text, text)) {
		if (memo->pattern != NULL)
			java_pattern_close(memo->pattern);
		memo->pattern = NULL;
		arena_reset(&memo->arena);
		memo->is_set = true;
		memo->text = str_make(str_to_arena(&memo->arena, text), text.length);
		if (java_pattern_compile(&memo->arena, memo->text, kind, &memo->pattern, &memo->err) != OK)
			memo->pattern = NULL;
	}
	if (memo->pattern == NULL)
		eval_fail(call->context, row, "%s", memo->err.message);
	return memo->pattern;
}

/* Which zone counts where the call names none. */
typedef enum DefaultZone { DEFAULT_GMT, DEFAULT_SERVER } DefaultZone;

/* What formats and parses have in common: a pattern as argument 1, perhaps a zone as argument 2. */
typedef struct PatternRun {
	PatternMemo pattern;
	ZoneMemo	zone;
	const Zone *default_zone;
} PatternRun;

static void
run_begin(PatternRun *run, DefaultZone default_zone)
{
	*run = (PatternRun){.default_zone = &zone_utc};
	if (default_zone == DEFAULT_SERVER)
		run->default_zone = zone_open_local(&run->zone.arena);
}

static void
run_end(PatternRun *run)
{
	pattern_memo_free(&run->pattern);
	arena_free(&run->zone.arena);
}

static bool
run_row(PatternRun *run, const ScalarCall *call, int32_t row, JavaPatternKind kind, JavaPattern **pattern, const Zone **zone)
{
	if (!call_row_valid(call, row))
		return false;
	*zone = call->n_args > 2 ? zone_memo_get(&run->zone, call, row, arg_str(call->args[2], row)) : run->default_zone;
	*pattern = *zone != NULL ? pattern_memo_get(&run->pattern, call, row, arg_str(call->args[1], row), kind) : NULL;
	return *pattern != NULL;
}

static void
format_rows(const ScalarCall *call, int32_t n_rows, Vector *out, JavaPatternKind kind, DefaultZone default_zone)
{
	const Vector *v = call->args[0];
	PatternRun	  run;
	StrBuf		  buf = {0};

	run_begin(&run, default_zone);
	for (int32_t i = 0; i < n_rows; i++) {
		JavaPattern *pattern;
		const Zone	*zone;
		Error		 err;
		int64_t		 value;

		if (!run_row(&run, call, i, kind, &pattern, &zone))
			continue;
		value = type_width(v->type) == 4 ? arg_int32(v, i) : arg_int64(v, i);
		strbuf_clear(&buf);
		if (java_pattern_format(pattern, value, zone, &buf, &err) == OK)
			result_set_text(out, call->arena, i, strbuf_str(&buf));
		else
			eval_fail(call->context, i, "%s", err.message);
	}
	strbuf_free(&buf);
	run_end(&run);
}

static void
parse_rows(const ScalarCall *call, int32_t n_rows, Vector *out, JavaPatternKind kind, DefaultZone default_zone)
{
	PatternRun	run;

	run_begin(&run, default_zone);
	for (int32_t i = 0; i < n_rows; i++) {
		JavaPattern *pattern;
		const Zone	*zone;
		Error		 err;
		int64_t		 value;

		if (!run_row(&run, call, i, kind, &pattern, &zone))
			continue;
		if (java_pattern_parse(pattern, arg_str(call->args[0], i), zone, &value, &err) != OK)
			eval_fail(call->context, i, "%s", err.message);
		else if (type_width(out->type) == 4)
			((int32_t *)out->data)[i] = (int32_t)value;
		else
			((int64_t *)out->data)[i] = value;
	}
	run_end(&run);
}

#define PATTERN_KERNEL(name, rows, kind, default_zone)                      \
	static void name(const ScalarCall *call, int32_t n_rows, Vector *out)   \
	{                                                                       \
		rows(call, n_rows, out, kind, default_zone);                        \
	}

PATTERN_KERNEL(format_date, format_rows, JAVA_PATTERN_DATE, DEFAULT_GMT)
PATTERN_KERNEL(format_time, format_rows, JAVA_PATTERN_TIME, DEFAULT_GMT)
PATTERN_KERNEL(format_timestamp, format_rows, JAVA_PATTERN_TIMESTAMP, DEFAULT_GMT)
PATTERN_KERNEL(format_timestamp_local, format_rows, JAVA_PATTERN_TIMESTAMP, DEFAULT_SERVER)
PATTERN_KERNEL(parse_date, parse_rows, JAVA_PATTERN_SIMPLE_DATE, DEFAULT_GMT)
PATTERN_KERNEL(parse_date_strict, parse_rows, JAVA_PATTERN_DATE, DEFAULT_GMT)
PATTERN_KERNEL(parse_time, parse_rows, JAVA_PATTERN_TIME, DEFAULT_GMT)
PATTERN_KERNEL(parse_timestamp, parse_rows, JAVA_PATTERN_TIMESTAMP, DEFAULT_GMT)
PATTERN_KERNEL(parse_timestamp_local, parse_rows, JAVA_PATTERN_TIMESTAMP, DEFAULT_SERVER)

/* ---- arithmetic with interval words ---- */

/* Milliseconds of the interval word; it is always a literal. */
static int64_t
unit_ms(const ScalarCall *call)
{
	return vector_get(call->args[0], 0, call->arena).integer;
}

static int64_t
shifted(int64_t t, int64_t unit, int32_t n, int sign)
{
	return (int64_t)((uint64_t)t + (uint64_t)sign * (uint64_t)unit * (uint64_t)(int64_t)n);
}

static void
shift_timestamps(const ScalarCall *call, int32_t n_rows, Vector *out, int sign)
{
	const Vector  *counts = call->args[1], *times = call->args[2];
	const int32_t *n = counts->data;
	const int64_t *t = times->data;
	int			   n_step = arg_step(counts), t_step = arg_step(times);
	int64_t		   unit = unit_ms(call), *result = out->data;

	for (int32_t i = 0; i < n_rows; i++)
		result[i] = shifted(t[i * t_step], unit, n[i * n_step], sign);
}

static void
shift_times(const ScalarCall *call, int32_t n_rows, Vector *out, int sign)
{
	int64_t	unit = unit_ms(call);

	for (int32_t i = 0; i < n_rows; i++)
		((int32_t *)out->data)[i] =
			(int32_t)floor_mod64(shifted(arg_int32(call->args[2], i), unit, arg_int32(call->args[1], i), sign), MS_PER_DAY);
}

/* The result is cut off toward zero to whole days. */
static void
shift_dates(const ScalarCall *call, int32_t n_rows, Vector *out, int sign)
{
	int64_t	unit = unit_ms(call);

	for (int32_t i = 0; i < n_rows; i++)
		((int32_t *)out->data)[i] = (int32_t)(shifted((int64_t)arg_int32(call->args[2], i) * MS_PER_DAY, unit,
													  arg_int32(call->args[1], i), sign) / MS_PER_DAY);
}

#define SHIFT_KERNELS(add, sub, shift)                                    \
	static void add(const ScalarCall *call, int32_t n_rows, Vector *out)  \
	{                                                                     \
		shift(call, n_rows, out, 1);                                      \
	}                                                                     \
	static void sub(const ScalarCall *call, int32_t n_rows, Vector *out)  \
	{                                                                     \
		shift(call, n_rows, out, -1);                                     \
	}

SHIFT_KERNELS(timestamp_add, timestamp_sub, shift_timestamps)
SHIFT_KERNELS(time_add, time_sub, shift_times)
SHIFT_KERNELS(date_add, date_sub, shift_dates)

/* ---- conversions ---- */

static void
convert_tz(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	ZoneMemo from = {0}, to = {0};

	for (int32_t i = 0; i < n_rows; i++) {
		const Zone *from_zone, *to_zone;
		int64_t		t;

		if (!call_row_valid(call, i))
			continue;
		from_zone = zone_memo_get(&from, call, i, arg_str(call->args[1], i));
		to_zone = from_zone != NULL ? zone_memo_get(&to, call, i, arg_str(call->args[2], i)) : NULL;
		if (to_zone == NULL)
			continue;
		t = arg_int64(call->args[0], i);
		((int64_t *)out->data)[i] = t + (int64_t)(zone_offset_s(to_zone, t) - zone_offset_s(from_zone, t)) * 1000;
	}
	arena_free(&from.arena);
	arena_free(&to.arena);
}

/* Types that share their representation: days, or milliseconds. */
static void
same_int32(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	for (int32_t i = 0; i < n_rows; i++)
		((int32_t *)out->data)[i] = arg_int32(call->args[0], i);
}

static void
same_int64(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	for (int32_t i = 0; i < n_rows; i++)
		((int64_t *)out->data)[i] = arg_int64(call->args[0], i);
}

static void
today(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	Arena	arena = {0};
	int32_t days = date_of_timestamp(zone_to_local(zone_open_local(&arena), call_now(call)));

	arena_free(&arena);
	for (int32_t i = 0; i < n_rows; i++)
		((int32_t *)out->data)[i] = days;
}

static void
now(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	Time	t = call_now(call);

	for (int32_t i = 0; i < n_rows; i++)
		((int64_t *)out->data)[i] = t;
}

static void
now_time(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	int32_t t = time_of_timestamp(call_now(call));

	for (int32_t i = 0; i < n_rows; i++)
		((int32_t *)out->data)[i] = t;
}

static void
now_date(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	int32_t days = date_of_timestamp(call_now(call));

	for (int32_t i = 0; i < n_rows; i++)
		((int32_t *)out->data)[i] = days;
}

#define SHIFT_ROW(name, type, kernel, ...)                                                        \
	FUNCTION(name, "(UNIT, INTEGER, " type ") -> " type, kernel, NULL_IN, BOTH, __VA_ARGS__)

#define FORMAT_TEXT "A timestamp as text by a pattern like yyyy-MM-dd HH:mm:ss, in a zone, by default GMT."
#define PARSE_TEXT "Text as a timestamp by a pattern like yyyy-MM-dd HH:mm:ss, in a zone, by default GMT."
#define NOW_TEXT "The time now, in UTC."

const ScalarFunction scalar_date_functions[] = {
	FUNCTION("CONVERT_TZ", "(TIMESTAMP, STRING, STRING) -> TIMESTAMP", convert_tz, NULL_IN, BOTH,
			 "Moves a timestamp by the difference between two time zones at that time.",
			 "CONVERT_TZ(FROM_UNIXTIME(0), 'UTC', '+01:00') = FROM_UNIXTIME(3600000)", "true"),
	FUNCTION("CURRENT_DATE", "() -> DATE", now_date, FUNC_NOT_DETERMINISTIC, STANDARD, "Today, in UTC.",
			 "CURRENT_DATE() >= FROM_DAYS(0)", "true"),
	FUNCTION("CURRENT_TIME", "() -> TIME", now_time, FUNC_NOT_DETERMINISTIC, STANDARD, "The time of day now, in UTC.", NULL,
			 NULL),
	FUNCTION("CURRENT_TIMESTAMP", "() -> TIMESTAMP", now, FUNC_NOT_DETERMINISTIC, STANDARD, NOW_TEXT, NULL, NULL),
	SHIFT_ROW("DATEADD", "DATE", date_add, "A date moved on by a number of units.", "DATEADD(DAYS, 3, FROM_DAYS(0))",
			  "1970-01-04"),
	SHIFT_ROW("DATESUB", "DATE", date_sub, "A date moved back by a number of units.", "DATESUB(DAYS, 3, FROM_DAYS(3))",
			  "1970-01-01"),
	FUNCTION("DATETOSTRING", "(INTEGER!, STRING) -> STRING", format_date, NULL_IN | FUNC_DEPRECATED, BOTH,
			 "Days since 1970 as text by a pattern.", "DATETOSTRING(0, 'yyyy-MM-dd')", "1970-01-01"),
	FUNCTION("FORMAT_DATE", "(DATE, STRING) -> STRING", format_date, NULL_IN, BOTH,
			 "A date as text by a pattern like dd.MM.yyyy.", "FORMAT_DATE(FROM_DAYS(0), 'dd.MM.yyyy')", "01.01.1970"),
	FUNCTION("FORMAT_TIME", "(TIME, STRING) -> STRING", format_time, NULL_IN, BOTH,
			 "A time of day as text by a pattern like HH:mm.", "FORMAT_TIME(CAST('10:30' AS TIME), 'HHmm')", "1030"),
	FUNCTION("FORMAT_TIMESTAMP", "(TIMESTAMP, STRING) -> STRING", format_timestamp, NULL_IN, BOTH, FORMAT_TEXT,
			 "FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'yyyy-MM-dd HH:mm')", "1970-01-01 00:00"),
	FUNCTION("FORMAT_TIMESTAMP", "(TIMESTAMP, STRING, STRING) -> STRING", format_timestamp, NULL_IN, BOTH, FORMAT_TEXT,
			 "FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'HH:mm', '+02:00')", "02:00"),
	FUNCTION("FROM_DAYS", "(INTEGER!) -> DATE", same_int32, NULL_IN, BOTH, "The date that is a number of days after 1970-01-01.",
			 "FROM_DAYS(1)", "1970-01-02"),
	FUNCTION("FROM_UNIXTIME", "(BIGINT) -> TIMESTAMP", same_int64, NULL_IN, BOTH,
			 "The timestamp that is a number of milliseconds after 1970-01-01 UTC.", "UNIX_TIMESTAMP(FROM_UNIXTIME(7))", "7"),
	FUNCTION("NOW", "() -> TIMESTAMP", now, FUNC_NOT_DETERMINISTIC, STANDARD, NOW_TEXT, "NOW() > FROM_UNIXTIME(0)", "true"),
	FUNCTION("PARSE_DATE", "(STRING, STRING) -> DATE", parse_date, NULL_IN, BOTH, "Text as a date by a pattern like dd.MM.yyyy.",
			 "PARSE_DATE('02.01.1970', 'dd.MM.yyyy')", "1970-01-02"),
	FUNCTION("PARSE_TIME", "(STRING, STRING) -> TIME", parse_time, NULL_IN, BOTH, "Text as a time of day by a pattern like HH:mm.",
			 "FORMAT_TIME(PARSE_TIME('10:30', 'HH:mm'), 'HHmm')", "1030"),
	FUNCTION("PARSE_TIMESTAMP", "(STRING, STRING) -> TIMESTAMP", parse_timestamp, NULL_IN, BOTH, PARSE_TEXT,
			 "UNIX_TIMESTAMP(PARSE_TIMESTAMP('1970-01-01 01:00', 'yyyy-MM-dd HH:mm'))", "3600000"),
	FUNCTION("PARSE_TIMESTAMP", "(STRING, STRING, STRING) -> TIMESTAMP", parse_timestamp, NULL_IN, BOTH, PARSE_TEXT,
			 "UNIX_TIMESTAMP(PARSE_TIMESTAMP('1970-01-01 01:00', 'yyyy-MM-dd HH:mm', '+01:00'))", "0"),
	FUNCTION("STRINGTODATE", "(STRING!, STRING!) -> INTEGER", parse_date_strict, NULL_IN | FUNC_DEPRECATED, BOTH,
			 "Text as days since 1970 by a pattern.", "STRINGTODATE('1970-01-02', 'yyyy-MM-dd')", "1"),
	FUNCTION("STRINGTOTIMESTAMP", "(STRING!, STRING!) -> BIGINT", parse_timestamp_local, NULL_IN | FUNC_DEPRECATED, BOTH,
			 "Text as milliseconds since 1970 by a pattern, in a zone, by default the server's.", NULL, NULL),
	FUNCTION("STRINGTOTIMESTAMP", "(STRING!, STRING!, STRING!) -> BIGINT", parse_timestamp_local, NULL_IN | FUNC_DEPRECATED,
			 BOTH, "Text as milliseconds since 1970 by a pattern, in a zone, by default the server's.",
			 "STRINGTOTIMESTAMP('1970-01-01 01', 'yyyy-MM-dd HH', 'UTC')", "3600000"),
	SHIFT_ROW("TIMEADD", "TIME", time_add, "A time of day moved on by a number of units, round the clock.",
			  "FORMAT_TIME(TIMEADD(HOURS, 2, CAST('23:00' AS TIME)), 'HH')", "01"),
	FUNCTION("TIMESTAMPTOSTRING", "(BIGINT!, STRING) -> STRING", format_timestamp_local, NULL_IN | FUNC_DEPRECATED, BOTH,
			 "Milliseconds since 1970 as text by a pattern, in a zone, by default the server's.", NULL, NULL),
	FUNCTION("TIMESTAMPTOSTRING", "(BIGINT!, STRING, STRING) -> STRING", format_timestamp_local, NULL_IN | FUNC_DEPRECATED,
			 BOTH, "Milliseconds since 1970 as text by a pattern, in a zone, by default the server's.",
			 "TIMESTAMPTOSTRING(0, 'HH:mm', 'UTC')", "00:00"),
	SHIFT_ROW("TIMESTAMPADD", "TIMESTAMP", timestamp_add, "A timestamp moved on by a number of units.",
			  "UNIX_TIMESTAMP(TIMESTAMPADD(HOURS, 1, FROM_UNIXTIME(0)))", "3600000"),
	SHIFT_ROW("TIMESTAMPSUB", "TIMESTAMP", timestamp_sub, "A timestamp moved back by a number of units.",
			  "UNIX_TIMESTAMP(TIMESTAMPSUB(HOURS, 1, FROM_UNIXTIME(3600000)))", "0"),
	SHIFT_ROW("TIMESUB", "TIME", time_sub, "A time of day moved back by a number of units, round the clock.",
			  "FORMAT_TIME(TIMESUB(HOURS, 2, CAST('01:00' AS TIME)), 'HH')", "23"),
	FUNCTION("TODAY", "() -> DATE", now_date, FUNC_NOT_DETERMINISTIC, STANDARD, "Today, in UTC.", NULL, NULL),
	FUNCTION("UNIX_DATE", "() -> INTEGER", today, FUNC_NOT_DETERMINISTIC, BOTH,
			 "Days since 1970-01-01, of a date or of today in the server's zone.", "UNIX_DATE() > 0", "true"),
	FUNCTION("UNIX_DATE", "(DATE) -> INTEGER", same_int32, NULL_IN, BOTH,
			 "Days since 1970-01-01, of a date or of today in the server's zone.", "UNIX_DATE(FROM_DAYS(5))", "5"),
	FUNCTION("UNIX_TIMESTAMP", "() -> BIGINT", now, FUNC_NOT_DETERMINISTIC, BOTH,
			 "Milliseconds since 1970-01-01 UTC, of a timestamp or of now.", "UNIX_TIMESTAMP() > 0", "true"),
	FUNCTION("UNIX_TIMESTAMP", "(TIMESTAMP) -> BIGINT", same_int64, NULL_IN, BOTH,
			 "Milliseconds since 1970-01-01 UTC, of a timestamp or of now.", "UNIX_TIMESTAMP(FROM_UNIXTIME(7))", "7"),
	{.name = NULL},
};
