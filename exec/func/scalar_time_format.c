/*
 * Times as text and back by formats: those of C (STRFTIME, STRPTIME) and those of PostgreSQL (TO_CHAR, TO_DATE).  All
 * times are UTC.
 */
#include "exec/func/calendar.h"

/* ---- C-style formats ---- */

/* At least `width` digits, with zeros (or another filler) before them. */
static void
add_digits(StrBuf *buf, int64_t n, int width, char filler)
{
	char	text[24];
	int		at = sizeof text;

	if (n < 0) {
		strbuf_add_char(buf, '-');
		n = -n;
	}
	do {
		text[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	while ((int)sizeof text - at < width)
		text[--at] = filler;
	strbuf_add(buf, text + at, sizeof text - (size_t)at);
}

/* One specifier; false for a letter that is not known. */
static bool
format_specifier(StrBuf *buf, char letter, bool no_pad, int64_t days, int64_t ms)
{
	CivilDate date = civil_from_days(days);
	int		  hour = (int)(ms / 3600000), hour12 = hour % 12 == 0 ? 12 : hour % 12, weekday = weekday_of_days(days) % 7;
	int		  width = no_pad ? 1 : 2, long_width = no_pad ? 1 : 3;
	int64_t	  year;

	switch (letter) {
	case 'Y':
		add_digits(buf, date.year, 4, '0');
		break;
	case 'y':
		add_digits(buf, (int)floor_mod64(date.year, 100), width, '0');
		break;
	case 'm':
		add_digits(buf, date.month, width, '0');
		break;
	case 'B':
		strbuf_add_text(buf, month_names[date.month - 1]);
		break;
	case 'b':
	case 'h':
		strbuf_add(buf, month_names[date.month - 1], 3);
		break;
	case 'd':
		add_digits(buf, date.day, width, '0');
		break;
	case 'e':
		add_digits(buf, date.day, width, ' ');
		break;
	case 'A':
		strbuf_add_text(buf, day_names[weekday]);
		break;
	case 'a':
		strbuf_add(buf, day_names[weekday], 3);
		break;
	case 'w':
		add_digits(buf, weekday, 1, '0');
		break;
	case 'u':
		add_digits(buf, weekday_of_days(days), 1, '0');
		break;
	case 'j':
		add_digits(buf, day_of_year(date), long_width, '0');
		break;
	case 'H':
		add_digits(buf, hour, width, '0');
		break;
	case 'I':
		add_digits(buf, hour12, width, '0');
		break;
	case 'M':
		add_digits(buf, (int)(ms / 60000 % 60), width, '0');
		break;
	case 'S':
		add_digits(buf, (int)(ms / 1000 % 60), width, '0');
		break;
	case 'g':
	case 'L':
		add_digits(buf, ms % 1000, 3, '0');
		break;
	case 'f':
		add_digits(buf, ms % 1000 * 1000, 6, '0');
		break;
	case 'p':
		strbuf_add_text(buf, hour < 12 ? "AM" : "PM");
		break;
	case 'G':
		iso_week(days, &year);
		add_digits(buf, year, 4, '0');
		break;
	case 'V':
		add_digits(buf, (int)iso_week(days, NULL), width, '0');
		break;
	case 'q':
		add_digits(buf, (date.month + 2) / 3, 1, '0');
		break;
	case 's':
		add_digits(buf, days * 86400 + ms / 1000, 1, '0');
		break;
	case 'z':
		strbuf_add_text(buf, "+00");
		break;
	case 'Z':
		strbuf_add_text(buf, "UTC");
		break;
	case 'n':
		strbuf_add_char(buf, '\n');
		break;
	case 't':
		strbuf_add_char(buf, '\t');
		break;
	case '%':
		strbuf_add_char(buf, '%');
		break;
	default:
		return false;
	}
	return true;
}

/* Specifiers that stand for several others. */
static Str
specifier_expand(char letter)
{
	switch (letter) {
	case 'F':
	case 'x':
		return STR("%Y-%m-%d");
	case 'T':
	case 'X':
		return STR("%H:%M:%S");
	case 'R':
		return STR("%H:%M");
	case 'D':
		return STR("%m/%d/%y");
	case 'c':
		return STR("%Y-%m-%d %H:%M:%S");
	default:
		return (Str){NULL, 0};
	}
}

static bool
format_c(StrBuf *buf, Str format, int64_t days, int64_t ms, char *unknown)
{
	for (size_t i = 0; i < format.length; i++) {
		bool	no_pad = false, upper = false;
		size_t	start = buf->length;
		Str		expanded;

		if (format.data[i] != '%' || i + 1 == format.length) {
			strbuf_add_char(buf, format.data[i]);
			continue;
		}
		i++;
		for (; i + 1 < format.length && (format.data[i] == '-' || format.data[i] == '^'); i++) {
			no_pad = no_pad || format.data[i] == '-';
			upper = upper || format.data[i] == '^';
		}
		expanded = specifier_expand(format.data[i]);
		if (expanded.data != NULL) {
			format_c(buf, expanded, days, ms, unknown);
		} else if (!format_specifier(buf, format.data[i], no_pad, days, ms)) {
			*unknown = format.data[i];
			return false;
		}
		for (size_t c = start; upper && c < buf->length; c++)
			if (buf->data[c] >= 'a' && buf->data[c] <= 'z')
				buf->data[c] = (char)(buf->data[c] - 32);
	}
	return true;
}

/* ---- PostgreSQL's formats ---- */

typedef struct PatternWord {
	const char *word;
	const char *specifier;
} PatternWord;

/* Longer words stand before those that they begin with. */
static const PatternWord pattern_words[] = {
	{"YYYY", "%Y"},	  {"IYYY", "%G"},	{"YY", "%y"},	  {"MONTH", "%^B"}, {"Month", "%B"}, {"month", "%B"}, {"MON", "%^b"},
	{"Mon", "%b"},	  {"mon", "%b"},	{"MM", "%m"},	  {"MI", "%M"},		{"MS", "%g"},	 {"DAY", "%^A"},  {"Day", "%A"},
	{"day", "%A"},	  {"DDD", "%j"},	{"DD", "%d"},	  {"DY", "%^a"},	{"Dy", "%a"},	 {"dy", "%a"},	  {"HH24", "%H"},
	{"HH12", "%I"},	  {"HH", "%I"},		{"SS", "%S"},	  {"US", "%f"},		{"AM", "%p"},	 {"PM", "%p"},	  {"am", "%p"},
	{"pm", "%p"},	  {"IW", "%V"},		{"ID", "%u"},	  {"Q", "%q"},		{"TZ", "%Z"},	 {"OF", "%z"},	  {"yyyy", "%Y"},
	{"yy", "%y"},	  {"mm", "%m"},		{"dd", "%d"},	  {"hh24", "%H"},	{"hh12", "%I"},	 {"hh", "%I"},	  {"mi", "%M"},
	{"ss", "%S"},	  {"ms", "%g"},		{"us", "%f"},
};

/* A format of PostgreSQL as one of C: FM before a word leaves out its padding, text in double quotes is literal. */
static void
add_c_format(StrBuf *out, Str pattern)
{
	size_t	i = 0;

	while (i < pattern.length) {
		Str		rest = str_make(pattern.data + i, pattern.length - i);
		bool	no_pad = str_starts_with(rest, STR("FM"));
		size_t	w = 0, n = sizeof pattern_words / sizeof pattern_words[0];

		if (no_pad) {
			i += 2;
			rest = str_make(rest.data + 2, rest.length - 2);
		}
		while (w < n && !str_starts_with(rest, str_of(pattern_words[w].word)))
			w++;
		if (w < n) {
			strbuf_add_text(out, no_pad ? "%-" : "%");
			strbuf_add_text(out, pattern_words[w].specifier + 1);
			i += strlen(pattern_words[w].word);
		} else if (rest.length > 0 && rest.data[0] == '"') {
			for (i++; i < pattern.length && pattern.data[i] != '"'; i++)
				strbuf_add_repeat(out, pattern.data[i], pattern.data[i] == '%' ? 2 : 1);
			i++;
		} else if (rest.length > 0) {
			strbuf_add_repeat(out, rest.data[0], rest.data[0] == '%' ? 2 : 1);
			i++;
		}
	}
}

static bool
is_postgres_format(const ScalarCall *call)
{
	return strncmp(call->function->name, "TO_", 3) == 0;
}

/* The C format of a row: argument 1, translated if need be.  The text is kept in *buf. */
static Str
c_format(const ScalarCall *call, Str format, StrBuf *buf)
{
	if (!is_postgres_format(call))
		return format;
	strbuf_clear(buf);
	add_c_format(buf, format);
	return strbuf_str(buf);
}

/* ---- kernels ---- */

static void
format_times(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	StrBuf	buf = {0}, format = {0};

	for (int32_t i = 0; i < n_rows; i++) {
		int64_t days, ms;
		char	unknown = 0;

		if (!call_row_valid(call, i))
			continue;
		read_time(call->args[0], i, &days, &ms);
		strbuf_clear(&buf);
		if (format_c(&buf, c_format(call, arg_str(call->args[1], i), &format), days, ms, &unknown))
			result_set_text(out, call->arena, i, strbuf_str(&buf));
		else
			eval_fail(call->context, i, "Unknown format specifier %%%c", unknown);
	}
	strbuf_free(&buf);
	strbuf_free(&format);
}

/* What STRPTIME has read so far. */
typedef struct Fields {
	int64_t year, month, day, day_of_year, hour, minute, second, ms, offset_s, epoch;
	int		half;			/* of the day: 0 AM, 1 PM, -1 not said */
	bool	has_epoch;
} Fields;

static bool
read_number(Str text, size_t *at, int max_digits, int64_t *out)
{
	size_t	start = *at;

	*out = 0;
	while (*at < text.length && (int)(*at - start) < max_digits && text.data[*at] >= '0' && text.data[*at] <= '9')
		*out = *out * 10 + (text.data[(*at)++] - '0');
	return *at > start;
}

static bool
read_fraction(Str text, size_t *at, int64_t *ms)
{
	size_t	start = *at;
	int64_t unit = 100;

	*ms = 0;
	while (*at < text.length && text.data[*at] >= '0' && text.data[*at] <= '9') {
		*ms += (text.data[(*at)++] - '0') * unit;
		unit /= 10;
	}
	return *at > start;
}

/* A name out of a list, or its first three letters; the longest form wins. */
static bool
read_name(Str text, size_t *at, const char *const *names, int n, int64_t *index)
{
	for (int form = 0; form < 2; form++)
		for (int i = 0; i < n; i++) {
			size_t	length = form == 0 ? strlen(names[i]) : 3;

			if (text.length - *at >= length && str_equal_nocase(str_make(text.data + *at, length), str_make(names[i], length))) {
				*at += length;
				*index = i;
				return true;
			}
		}
	return false;
}

static bool
read_offset(Str text, size_t *at, int64_t *offset_s)
{
	int64_t hours, minutes = 0;
	int		sign;

	if (*at < text.length && (text.data[*at] | 32) == 'z') {
		++*at;
		*offset_s = 0;
		return true;
	}
	if (*at >= text.length || (text.data[*at] != '+' && text.data[*at] != '-'))
		return false;
	sign = text.data[(*at)++] == '-' ? -1 : 1;
	if (!read_number(text, at, 2, &hours))
		return false;
	if (*at < text.length && text.data[*at] == ':')
		++*at;
	read_number(text, at, 2, &minutes);
	*offset_s = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool
parse_specifier(char letter, Str text, size_t *at, Fields *f)
{
	int64_t	n;

	switch (letter) {
	case 'Y':
		return read_number(text, at, 4, &f->year);
	case 'y':
		if (!read_number(text, at, 2, &n))
			return false;
		f->year = n < 69 ? 2000 + n : 1900 + n;
		return true;
	case 'm':
		return read_number(text, at, 2, &f->month);
	case 'B':
	case 'b':
	case 'h':
		if (!read_name(text, at, month_names, 12, &f->month))
			return false;
		f->month++;
		return true;
	case 'd':
	case 'e':
		while (letter == 'e' && *at < text.length && text.data[*at] == ' ')
			++*at;
		return read_number(text, at, 2, &f->day);
	case 'A':
	case 'a':
		return read_name(text, at, day_names, 7, &n);
	case 'j':
		return read_number(text, at, 3, &f->day_of_year);
	case 'H':
	case 'I':
		return read_number(text, at, 2, &f->hour);
	case 'M':
		return read_number(text, at, 2, &f->minute);
	case 'S':
		return read_number(text, at, 2, &f->second);
	case 'f':
	case 'g':
	case 'L':
		return read_fraction(text, at, &f->ms);
	case 'p':
		if (text.length - *at < 2 || (text.data[*at + 1] | 32) != 'm')
			return false;
		f->half = (text.data[*at] | 32) == 'p' ? 1 : (text.data[*at] | 32) == 'a' ? 0 : -1;
		*at += 2;
		return f->half >= 0;
	case 's':
		f->has_epoch = true;
		return read_number(text, at, 18, &f->epoch);
	case 'z':
		return read_offset(text, at, &f->offset_s);
	case 'Z':
		while (*at < text.length && ((text.data[*at] | 32) >= 'a' && (text.data[*at] | 32) <= 'z'))
			++*at;
		return true;
	case '%':
		return *at < text.length && text.data[(*at)++] == '%';
	default:
		return false;
	}
}

static bool
parse_c(Str format, Str text, size_t *at, Fields *f)
{
	for (size_t i = 0; i < format.length; i++) {
		char	c = format.data[i];
		Str		expanded;

		if (c == ' ') {
			while (*at < text.length && text.data[*at] == ' ')
				++*at;
			continue;
		}
		if (c != '%' || i + 1 == format.length) {
			if (*at >= text.length || text.data[(*at)++] != c)
				return false;
			continue;
		}
		i++;
		while (i + 1 < format.length && (format.data[i] == '-' || format.data[i] == '^'))
			i++;
		expanded = specifier_expand(format.data[i]);
		if (expanded.data != NULL ? !parse_c(expanded, text, at, f) : !parse_specifier(format.data[i], text, at, f))
			return false;
	}
	return true;
}

static bool
strptime_row(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	Fields	f = {.year = 1900, .month = 1, .day = 1, .half = -1};
	size_t	at = 0;
	int64_t days;
	StrBuf	format = {0};
	bool	ok = parse_c(c_format(call, args[1].text, &format), args[0].text, &at, &f) && at == args[0].text.length;

	strbuf_free(&format);
	if (ok && f.has_epoch)
		return value_set_integer(out, f.epoch * 1000 + f.ms);
	if (f.half >= 0)
		f.hour = f.hour % 12 + 12 * f.half;
	ok = ok && f.month >= 1 && f.month <= 12 && f.day >= 1 && f.day <= month_length(f.year, (int)f.month) && f.hour < 24 &&
		 f.minute < 60 && f.second < 61;
	if (!ok && strncmp(call->function->name, "TRY", 3) == 0)
		return true;
	if (!ok) {
		eval_fail(call->context, row, "'%.*s' is not a time of the format '%.*s'", (int)args[0].text.length, args[0].text.data,
				  (int)args[1].text.length, args[1].text.data);
		return false;
	}
	days = f.day_of_year > 0 ? days_from_civil(f.year, 1, 1) + f.day_of_year - 1
							 : days_from_civil(f.year, (int)f.month, (int)f.day);
	if (call->result_type->kind == TYPE_DATE)
		return value_set_integer(out, days);
	return value_set_integer(out, days * MS_PER_DAY + f.hour * 3600000 + f.minute * 60000 + f.second * 1000 + f.ms -
									  f.offset_s * 1000);
}

/* ---- the rows ---- */

const ScalarFunction scalar_time_format_functions[] = {
	FUNCTION("STRFTIME", "(TIMESTAMP, STRING) -> STRING", format_times, NULL_IN, BOTH,
			 "A time as text by a format such as '%Y-%m-%d %H:%M:%S'.", "STRFTIME(FROM_UNIXTIME(0), '%d.%m.%Y')", "01.01.1970"),
	FUNCTION("STRFTIME", "(DATE, STRING) -> STRING", format_times, NULL_IN, BOTH,
			 "A date as text by a format such as '%Y-%m-%d'.", "STRFTIME(FROM_DAYS(0), '%d.%m.%Y')", "01.01.1970"),
	FUNCTION_ROWS("STRPTIME", "(STRING, STRING) -> TIMESTAMP", strptime_row, NULL_IN, BOTH,
				  "Text as a timestamp by a format such as '%Y-%m-%d %H:%M:%S'.", "EPOCH_MS(STRPTIME('02.01.1970', '%d.%m.%Y'))",
				  "86400000"),
	FUNCTION("TO_CHAR", "(TIMESTAMP, STRING) -> STRING", format_times, NULL_IN, STANDARD,
			 "A time as text by a format of PostgreSQL such as 'YYYY-MM-DD HH24:MI:SS'.",
			 "TO_CHAR(FROM_UNIXTIME(0), 'FMDD Mon YYYY, HH24:MI')", "\"1 Jan 1970, 00:00\""),
	FUNCTION("TO_CHAR", "(DATE, STRING) -> STRING", format_times, NULL_IN, STANDARD,
			 "A date as text by a format of PostgreSQL such as 'YYYY-MM-DD'.", "TO_CHAR(FROM_DAYS(0), 'DD.MM.YYYY')", "01.01.1970"),
	FUNCTION_ROWS("TO_DATE", "(STRING, STRING) -> DATE", strptime_row, NULL_IN, STANDARD,
				  "Text as a date by a format of PostgreSQL such as 'YYYY-MM-DD'.", "TO_DATE('17.05.2024', 'DD.MM.YYYY')",
				  "2024-05-17"),
	FUNCTION_ROWS("TO_TIMESTAMP", "(STRING, STRING) -> TIMESTAMP", strptime_row, NULL_IN, STANDARD,
				  "Text as a timestamp by a format of PostgreSQL such as 'YYYY-MM-DD HH24:MI:SS'.",
				  "EPOCH_MS(TO_TIMESTAMP('1970-01-01 01:00', 'YYYY-MM-DD HH24:MI'))", "3600000"),
	FUNCTION_ROWS("TRY_STRPTIME", "(STRING, STRING) -> TIMESTAMP", strptime_row, NULL_IN, BOTH,
				  "Text as a timestamp by a format; NULL where it does not fit.", "TRY_STRPTIME('x', '%Y') IS NULL", "true"),
	{.name = NULL},
};
