/*
 * Patterns of DateTimeFormatter: from letters to elements; names; the tables that formatting and parsing share.
 */
#include <stdio.h>
#include <stdlib.h>

#include "data/java_time_impl.h"
#include "data/time_text.h"

static const char *const months_full[] = {"January", "February", "March", "April", "May", "June", "July", "August",
	"September", "October", "November", "December"};
static const char *const months_short[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const months_narrow[] = {"J", "F", "M", "A", "M", "J", "J", "A", "S", "O", "N", "D"};
static const char *const days_full[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
static const char *const days_short[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const days_narrow[] = {"M", "T", "W", "T", "F", "S", "S"};
static const char *const quarters_full[] = {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};
static const char *const quarters_short[] = {"Q1", "Q2", "Q3", "Q4"};
static const char *const quarters_narrow[] = {"1", "2", "3", "4"};
static const char *const eras_full[] = {"Before Christ", "Anno Domini"};
static const char *const eras_short[] = {"BC", "AD"};
static const char *const eras_narrow[] = {"B", "A"};
static const char *const ampm[] = {"AM", "PM"};

const char *const *
java_names(JavaField field, JavaStyle style, int *n)
{
#define BY_STYLE(name) style == JT_FULL ? name##_full : style == JT_SHORT ? name##_short : name##_narrow
	switch (field) {
	case JF_MONTH:
		*n = 12;
		return BY_STYLE(months);
	case JF_DAY_OF_WEEK:
		*n = 7;
		return BY_STYLE(days);
	case JF_QUARTER:
		*n = 4;
		return BY_STYLE(quarters);
	case JF_ERA:
		*n = 2;
		return BY_STYLE(eras);
	case JF_AMPM:
		*n = 2;
		return ampm;
	default:
		*n = 0;
		return NULL;
	}
#undef BY_STYLE
}

const char *
java_field_name(JavaField field)
{
	static const char *const names[JF_COUNT] = {
		[JF_ERA] = "Era", [JF_YEAR] = "Year", [JF_YEAR_OF_ERA] = "YearOfEra", [JF_WEEK_YEAR] = "WeekBasedYear",
		[JF_QUARTER] = "QuarterOfYear", [JF_MONTH] = "MonthOfYear", [JF_WEEK_OF_YEAR] = "WeekOfWeekBasedYear",
		[JF_WEEK_OF_MONTH] = "WeekOfMonth", [JF_DAY_OF_YEAR] = "DayOfYear", [JF_DAY_OF_MONTH] = "DayOfMonth",
		[JF_ALIGNED_DAY] = "AlignedDayOfWeekInMonth", [JF_DAY_OF_WEEK] = "DayOfWeek", [JF_LOCAL_DAY_OF_WEEK] = "DayOfWeek",
		[JF_AMPM] = "AmPmOfDay", [JF_HOUR_24] = "ClockHourOfDay", [JF_HOUR] = "HourOfDay", [JF_HOUR_12] = "ClockHourOfAmPm",
		[JF_HOUR_AMPM] = "HourOfAmPm", [JF_MINUTE] = "MinuteOfHour", [JF_SECOND] = "SecondOfMinute",
		[JF_MILLI_OF_DAY] = "MilliOfDay", [JF_NANO_OF_DAY] = "NanoOfDay", [JF_NANO] = "NanoOfSecond",
		[JF_OFFSET] = "OffsetSeconds",
	};

	return names[field];
}

/* Abbreviation, full name, region. */
static const char *const zone_names[][3] = {
	{"PST", "Pacific Standard Time", "America/Los_Angeles"}, {"PDT", "Pacific Daylight Time", "America/Los_Angeles"},
	{"MST", "Mountain Standard Time", "America/Denver"}, {"MDT", "Mountain Daylight Time", "America/Denver"},
	{"CST", "Central Standard Time", "America/Chicago"}, {"CDT", "Central Daylight Time", "America/Chicago"},
	{"EST", "Eastern Standard Time", "America/New_York"}, {"EDT", "Eastern Daylight Time", "America/New_York"},
	{"AKST", "Alaska Standard Time", "America/Anchorage"}, {"AKDT", "Alaska Daylight Time", "America/Anchorage"},
	{"HST", "Hawaii-Aleutian Standard Time", "Pacific/Honolulu"}, {"GMT", "Greenwich Mean Time", "GMT"},
	{"UTC", "Coordinated Universal Time", "UTC"}, {"BST", "British Summer Time", "Europe/London"},
	{"CET", "Central European Standard Time", "Europe/Paris"}, {"CEST", "Central European Summer Time", "Europe/Paris"},
	{"EET", "Eastern European Standard Time", "Europe/Athens"}, {"EEST", "Eastern European Summer Time", "Europe/Athens"},
	{"WET", "Western European Standard Time", "Europe/Lisbon"}, {"WEST", "Western European Summer Time", "Europe/Lisbon"},
	{"MSK", "Moscow Standard Time", "Europe/Moscow"}, {"IST", "India Standard Time", "Asia/Kolkata"},
	{"JST", "Japan Standard Time", "Asia/Tokyo"}, {"KST", "Korean Standard Time", "Asia/Seoul"},
	{"AEST", "Australian Eastern Standard Time", "Australia/Sydney"},
	{"AEDT", "Australian Eastern Daylight Time", "Australia/Sydney"},
	{"NZST", "New Zealand Standard Time", "Pacific/Auckland"}, {"NZDT", "New Zealand Daylight Time", "Pacific/Auckland"},
};

const char *
java_zone_full_name(const char *abbreviation)
{
	for (size_t i = 0; i < sizeof zone_names / sizeof *zone_names; i++)
		if (strcmp(zone_names[i][0], abbreviation) == 0)
			return zone_names[i][1];
	return NULL;
}

const char *
java_zone_of_full_name(Str text, size_t *length)
{
	for (size_t i = 0; i < sizeof zone_names / sizeof *zone_names; i++) {
		Str		name = str_of(zone_names[i][1]);

		if (text.length >= name.length && str_equal_nocase(str_make(text.data, name.length), name)) {
			*length = name.length;
			return zone_names[i][2];
		}
	}
	return NULL;
}

int
java_match_name(JavaField field, JavaStyle style, Str text, size_t *length)
{
	int		n;
	int		best = -1;
	const char *const *names = java_names(field, style, &n);

	*length = 0;
	for (int i = 0; i < n; i++) {
		Str		name = str_of(names[i]);

		if (name.length > *length && text.length >= name.length
			&& str_equal_nocase(str_make(text.data, name.length), name)) {
			best = i;
			*length = name.length;
		}
	}
	return best;
}

static bool
is_zone_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-'
		|| c == '+' || c == ':';
}

Status
java_match_zone(JavaPattern *pattern, Str text, const Zone **zone, size_t *length)
{
	const char *region = java_zone_of_full_name(text, length);
	Error		ignored;
	size_t		n = 0;

	if (region != NULL)
		return zone_cache_get(&pattern->zones, str_of(region), ZONE_NAMES_TEXT, zone, &ignored) == OK ? OK : DONE;
	while (n < text.length && n < 60 && is_zone_char(text.data[n]))
		n++;
	/* The longest prefix that is a zone, cut where a word ends: "GMT-rest" is GMT. */
	while (n > 0) {
		if (zone_cache_get(&pattern->zones, str_make(text.data, n), ZONE_NAMES_TEXT, zone, &ignored) == OK) {
			*length = n;
			return OK;
		}
		while (n > 0 && ((text.data[n - 1] | 32) >= 'a' && (text.data[n - 1] | 32) <= 'z'))
			n--;
		while (n > 0 && !((text.data[n - 1] | 32) >= 'a' && (text.data[n - 1] | 32) <= 'z'))
			n--;
	}
	return DONE;
}

/* --- compiling --- */

typedef struct Compiler {
	Arena	   *arena;
	JavaPattern *pattern;
	const char *s;
	const char *end;
	int			capacity;
	int			value_index;		/* the number to which adjacent fixed-width numbers give their widths; -1: none */
	int			open[32];			/* optional sections not closed yet */
	int			n_open;
	Error	   *err;
} Compiler;

static int
add(Compiler *c, JavaElement element)
{
	JavaPattern *p = c->pattern;

	c->value_index = -1;
	if (p->n_elements == c->capacity) {
		JavaElement *grown = arena_array(c->arena, JavaElement, c->capacity * 2 + 8);

		if (p->n_elements > 0)
			memcpy(grown, p->elements, (size_t)p->n_elements * sizeof *grown);
		p->elements = grown;
		c->capacity = c->capacity * 2 + 8;
	}
	p->elements[p->n_elements] = element;
	return p->n_elements++;
}

/* A number; those of fixed width directly behind another number take their digits from its end. */
static void
add_number(Compiler *c, JavaElement element)
{
	int		base = c->value_index;

	if (base < 0) {
		c->value_index = add(c, element);
		return;
	}
	if (element.min_width == element.max_width && element.sign == JS_NOT_NEGATIVE) {
		c->pattern->elements[base].subsequent += element.max_width;
		element.subsequent = -1;
		add(c, element);
		c->value_index = base;
	} else {
		/* Every element before is fixed now, as it cannot know where this one begins. */
		c->value_index = add(c, element);
	}
}

static void
add_value(Compiler *c, JavaField field, int min, int max, JavaSign sign)
{
	add_number(c, (JavaElement){.kind = JE_NUMBER, .field = field, .min_width = min, .max_width = max, .sign = sign});
}

static void
add_text(Compiler *c, JavaField field, JavaStyle style)
{
	add(c, (JavaElement){.kind = JE_TEXT, .field = field, .style = style});
}

static Status
bad(Compiler *c, const char *what, char letter)
{
	Str		p = c->pattern->pattern;

	return error_data(c->err, "Invalid date format pattern '%.*s': %s%c", p.length > 200 ? 200 : (int)p.length, p.data, what,
					  letter);
}

static Status
too_many(Compiler *c, char letter)
{
	return bad(c, "Too many pattern letters: ", letter);
}

static void
add_offset(Compiler *c, int type, const char *zero)
{
	add(c, (JavaElement){.kind = JE_OFFSET, .field = JF_OFFSET, .offset_type = type, .text = str_of(zero)});
}

/* Year-like fields: two letters are reduced, four and more allow longer years with a sign. */
static void
add_year(Compiler *c, JavaField field, int count)
{
	if (count == 2)
		add_number(c, (JavaElement){.kind = JE_REDUCED, .field = field, .min_width = 2, .max_width = 2, .sign = JS_NOT_NEGATIVE});
	else
		add_value(c, field, count, 19, count < 4 ? JS_NORMAL : JS_EXCEEDS_PAD);
}

static Status
add_letter(Compiler *c, char letter, int count)
{
	static const struct {
		char		letter;
		JavaField	field;
	} plain[] = {{'d', JF_DAY_OF_MONTH}, {'h', JF_HOUR_12}, {'H', JF_HOUR}, {'k', JF_HOUR_24}, {'K', JF_HOUR_AMPM},
		{'m', JF_MINUTE}, {'s', JF_SECOND}};

	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		if (plain[i].letter == letter) {
			if (count > 2)
				return too_many(c, letter);
			if (count == 1)
				add_value(c, plain[i].field, 1, 19, JS_NORMAL);
			else
				add_value(c, plain[i].field, 2, 2, JS_NOT_NEGATIVE);
			return OK;
		}

	JavaField	field;

	switch (letter) {
	case 'u':
	case 'y':
	case 'Y':
		add_year(c, letter == 'u' ? JF_YEAR : letter == 'y' ? JF_YEAR_OF_ERA : JF_WEEK_YEAR, count);
		return OK;
	case 'G':
		if (count > 5)
			return too_many(c, letter);
		add_text(c, JF_ERA, count <= 3 ? JT_SHORT : count == 4 ? JT_FULL : JT_NARROW);
		return OK;
	case 'M':
	case 'L':
	case 'Q':
	case 'q':
		field = letter == 'M' || letter == 'L' ? JF_MONTH : JF_QUARTER;
		if (count > 5)
			return too_many(c, letter);
		if (count == 1)
			add_value(c, field, 1, 19, JS_NORMAL);
		else if (count == 2)
			add_value(c, field, 2, 2, JS_NOT_NEGATIVE);
		else
			add_text(c, field, count == 3 ? JT_SHORT : count == 4 ? JT_FULL : JT_NARROW);
		return OK;
	case 'E':
		if (count > 5)
			return too_many(c, letter);
		add_text(c, JF_DAY_OF_WEEK, count <= 3 ? JT_SHORT : count == 4 ? JT_FULL : JT_NARROW);
		return OK;
	case 'e':
	case 'c':
		if (count > 5 || (letter == 'c' && count == 2))
			return bad(c, "Invalid pattern letter count: ", letter);
		if (count <= 2)
			add_value(c, JF_LOCAL_DAY_OF_WEEK, count, count, JS_NOT_NEGATIVE);
		else
			add_text(c, JF_DAY_OF_WEEK, count == 3 ? JT_SHORT : count == 4 ? JT_FULL : JT_NARROW);
		return OK;
	case 'a':
		if (count > 1)
			return too_many(c, letter);
		add_text(c, JF_AMPM, JT_SHORT);
		return OK;
	case 'S':
		if (count > 9)
			return too_many(c, letter);
		add_number(c, (JavaElement){.kind = JE_FRACTION, .field = JF_NANO, .min_width = count, .max_width = count,
									.sign = JS_NOT_NEGATIVE});
		return OK;
	case 'F':
		if (count > 1)
			return too_many(c, letter);
		add_value(c, JF_ALIGNED_DAY, 1, 19, JS_NORMAL);
		return OK;
	case 'W':
		if (count > 1)
			return too_many(c, letter);
		add_value(c, JF_WEEK_OF_MONTH, 1, 1, JS_NOT_NEGATIVE);
		return OK;
	case 'w':
		if (count > 2)
			return too_many(c, letter);
		add_value(c, JF_WEEK_OF_YEAR, count, 2, JS_NOT_NEGATIVE);
		return OK;
	case 'D':
		if (count > 3)
			return too_many(c, letter);
		if (count == 1)
			add_value(c, JF_DAY_OF_YEAR, 1, 19, JS_NORMAL);
		else
			add_value(c, JF_DAY_OF_YEAR, count, 3, JS_NOT_NEGATIVE);
		return OK;
	case 'A':
	case 'n':
	case 'N':
		field = letter == 'A' ? JF_MILLI_OF_DAY : letter == 'n' ? JF_NANO : JF_NANO_OF_DAY;
		if (count > 19)
			return too_many(c, letter);
		add_value(c, field, count, count == 1 ? 19 : count, count == 1 ? JS_NORMAL : JS_NOT_NEGATIVE);
		return OK;
	case 'z':
		if (count > 4)
			return too_many(c, letter);
		add(c, (JavaElement){.kind = JE_ZONE_TEXT, .style = count == 4 ? JT_FULL : JT_SHORT});
		return OK;
	case 'V':
		if (count != 2)
			return bad(c, "Pattern letter count must be 2: ", letter);
		add(c, (JavaElement){.kind = JE_ZONE_ID});
		return OK;
	case 'v':
		if (count != 1 && count != 4)
			return bad(c, "Wrong number of pattern letters: ", letter);
		add(c, (JavaElement){.kind = JE_ZONE_TEXT, .style = count == 4 ? JT_FULL : JT_SHORT});
		return OK;
	case 'Z':
		if (count > 5)
			return too_many(c, letter);
		if (count < 4)
			add_offset(c, 3, "+0000");
		else if (count == 4)
			add(c, (JavaElement){.kind = JE_LOCALIZED_OFFSET, .style = JT_FULL});
		else
			add_offset(c, 6, "Z");
		return OK;
	case 'O':
		if (count != 1 && count != 4)
			return bad(c, "Pattern letter count must be 1 or 4: ", letter);
		add(c, (JavaElement){.kind = JE_LOCALIZED_OFFSET, .style = count == 1 ? JT_SHORT : JT_FULL});
		return OK;
	case 'X':
	case 'x':
		if (count > 5)
			return too_many(c, letter);
		add_offset(c, count == 1 ? 1 : count + 1, letter == 'X' ? "Z" : count == 1 ? "+00" : count % 2 == 0 ? "+0000" : "+00:00");
		return OK;
	default:
		return bad(c, "Unknown pattern letter: ", letter);
	}
}

static inline bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static Status
compile_letters(Compiler *c)
{
	char	letter = *c->s;
	int		count = 0;

	for (; c->s < c->end && *c->s == letter; c->s++)
		count++;
	if (letter == 'p') {
		if (c->s == c->end || !is_letter(*c->s) || *c->s == 'p')
			return bad(c, "Pad letter must be followed by a valid pattern letter: ", letter);
		/* A padded field neither takes digits from its neighbours nor gives any. */
		add(c, (JavaElement){.kind = JE_PAD, .min_width = count});
		TRY(compile_letters(c));
		c->value_index = -1;
		return OK;
	}
	int		before = c->pattern->n_elements;

	TRY(add_letter(c, letter, count));
	for (int i = before; i < c->pattern->n_elements; i++)
		c->pattern->elements[i].letter = letter;
	return OK;
}

static Status
compile_quoted(Compiler *c)
{
	const char *s = ++c->s;
	StrBuf		buf = {0};

	for (;; s++) {
		if (s == c->end) {
			strbuf_free(&buf);
			return bad(c, "Pattern ends with an incomplete string literal: ", '\'');
		}
		if (*s == '\'') {
			if (s + 1 == c->end || s[1] != '\'')
				break;
			s++;
		}
		strbuf_add_char(&buf, *s);
	}
	if (s == c->s)
		strbuf_add_char(&buf, '\'');		/* '' alone is a quote */
	c->s = s + 1;
	add(c, (JavaElement){.kind = JE_LITERAL,
						 .text = str_make(arena_memdup(c->arena, strbuf_text(&buf), buf.length + 1), buf.length)});
	strbuf_free(&buf);
	return OK;
}

static Status
compile(Compiler *c)
{
	while (c->s < c->end) {
		char	ch = *c->s;

		if (is_letter(ch)) {
			TRY(compile_letters(c));
		} else if (ch == '\'') {
			TRY(compile_quoted(c));
		} else if (ch == '[') {
			if (c->n_open == (int)(sizeof c->open / sizeof *c->open))
				return bad(c, "too many optional sections: ", ch);
			c->open[c->n_open++] = add(c, (JavaElement){.kind = JE_OPTIONAL});
			c->s++;
		} else if (ch == ']') {
			if (c->n_open == 0)
				return bad(c, "Pattern invalid as it contains ] without previous ", '[');
			c->pattern->elements[c->open[--c->n_open]].end = c->pattern->n_elements;
			c->value_index = -1;
			c->s++;
		} else if (ch == '{' || ch == '}' || ch == '#') {
			return bad(c, "Pattern includes reserved character: ", ch);
		} else {
			add(c, (JavaElement){.kind = JE_LITERAL, .text = {c->s, 1}});
			c->s++;
		}
	}
	/* A section that is not closed reaches to the end. */
	while (c->n_open > 0)
		c->pattern->elements[c->open[--c->n_open]].end = c->pattern->n_elements;
	return OK;
}

Status
java_pattern_compile(Arena *arena, Str pattern, JavaPatternKind kind, JavaPattern **out, Error *err)
{
	JavaPattern *p = arena_new(arena, JavaPattern);

	p->kind = kind;
	p->pattern = str_make(str_to_arena(arena, pattern), pattern.length);
	TRY(zone_open(arena, STR("GMT"), ZONE_NAMES_JAVA, &p->gmt, err));
	if (kind == JAVA_PATTERN_SIMPLE_DATE) {
		TRY(java_simple_compile(arena, p, err));
	} else {
		Compiler	c = {.arena = arena, .pattern = p, .s = p->pattern.data, .end = p->pattern.data + pattern.length,
						 .value_index = -1, .err = err};

		TRY(compile(&c));
	}
	*out = p;
	return OK;
}

void
java_pattern_close(JavaPattern *pattern)
{
	if (pattern != NULL)
		zone_cache_free(&pattern->zones);
}

/* --- cache --- */

struct JavaPatternEntry {
	JavaPattern *pattern;
	Arena		 arena;
};

void
java_pattern_cache_init(JavaPatternCache *cache, JavaPatternKind kind)
{
	*cache = (JavaPatternCache){.kind = kind};
}

static void
free_entry(struct JavaPatternEntry *entry)
{
	java_pattern_close(entry->pattern);
	arena_free(&entry->arena);
	free(entry);
}

void
java_pattern_cache_free(JavaPatternCache *cache)
{
	for (int i = 0; i < cache->n; i++)
		free_entry(cache->entries[i]);
	cache->n = 0;
}

Status
java_pattern_cache_get(JavaPatternCache *cache, Str pattern, JavaPattern **out, Error *err)
{
	for (int i = 0; i < cache->n; i++)
		if (str_equal(cache->entries[i]->pattern->pattern, pattern)) {
			/* The one just used comes first, so that a constant pattern is found at once. */
			struct JavaPatternEntry *entry = cache->entries[i];

			memmove(cache->entries + 1, cache->entries, (size_t)i * sizeof *cache->entries);
			cache->entries[0] = entry;
			*out = entry->pattern;
			return OK;
		}
	struct JavaPatternEntry *entry = xcalloc(1, sizeof *entry);

	if (java_pattern_compile(&entry->arena, pattern, cache->kind, &entry->pattern, err) != OK) {
		free_entry(entry);
		return FAILED;
	}
	if (cache->n == JAVA_PATTERN_CACHE_SIZE)
		free_entry(cache->entries[--cache->n]);
	memmove(cache->entries + 1, cache->entries, (size_t)cache->n * sizeof *cache->entries);
	cache->entries[0] = entry;
	cache->n++;
	*out = entry->pattern;
	return OK;
}
