/*
 * Time zones from TZif files (RFC 8536), the POSIX rule in their footer, and offsets.
 */
#include "data/zone.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/time_text.h"

#define ZONE_DIRECTORY "/usr/share/zoneinfo/"
#define MAX_OFFSET_S (18 * 3600)

typedef struct ZoneType {
	int			offset_s;
	bool		is_dst;
	const char *abbreviation;
} ZoneType;

/* When a year's change happens, in local time: Mm.w.d, Jn or n, and seconds of that day. */
typedef struct RuleDay {
	char	kind;		/* 'M', 'J' or '0' */
	int		month;
	int		week;
	int		day;
	int		seconds;
} RuleDay;

struct Zone {
	const char *id;
	bool		is_fixed;
	int			n_transitions;
	int64_t	   *at_s;			/* ascending */
	uint8_t	   *type_of;		/* type from at_s[i] on */
	int			n_types;
	ZoneType   *types;
	ZoneType	first;			/* before the first transition; the only one of a fixed zone */
	bool		has_rule;		/* for the time after the last transition */
	bool		rule_has_dst;
	ZoneType	standard;
	ZoneType	summer;
	RuleDay		start;
	RuleDay		end;
};

const Zone zone_utc = {.id = "UTC", .is_fixed = true, .first = {0, false, "UTC"}};

/* --- the rule --- */

static const char *
rule_name(Arena *arena, const char *s, const char **name)
{
	const char *begin = s;

	if (*s == '<') {
		begin = ++s;
		while (*s != '\0' && *s != '>')
			s++;
		*name = arena_strndup(arena, begin, (size_t)(s - begin));
		return *s == '>' ? s + 1 : NULL;
	}
	while ((*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z'))
		s++;
	*name = arena_strndup(arena, begin, (size_t)(s - begin));
	return s > begin ? s : NULL;
}

/* [+-]h[h[h]][:mm[:ss]] */
static const char *
rule_time(const char *s, int *seconds)
{
	int		sign = 1;
	int		total = 0;
	char   *end;

	if (*s == '+' || *s == '-')
		sign = *s++ == '-' ? -1 : 1;
	for (int unit = 3600; unit > 0; unit /= 60) {
		if (*s < '0' || *s > '9')
			return NULL;
		total += (int)strtol(s, &end, 10) * unit;
		s = end;
		if (*s != ':' || unit == 1)
			break;
		s++;
	}
	*seconds = sign * total;
	return s;
}

static const char *
rule_day(const char *s, RuleDay *day)
{
	char   *end;

	day->seconds = 2 * 3600;
	if (*s == 'M') {
		day->kind = 'M';
		day->month = (int)strtol(s + 1, &end, 10);
		if (*end != '.')
			return NULL;
		day->week = (int)strtol(end + 1, &end, 10);
		if (*end != '.')
			return NULL;
		day->day = (int)strtol(end + 1, &end, 10);
		if (day->month < 1 || day->month > 12 || day->week < 1 || day->week > 5 || day->day < 0 || day->day > 6)
			return NULL;
	} else {
		day->kind = *s == 'J' ? 'J' : '0';
		day->day = (int)strtol(s + (*s == 'J'), &end, 10);
	}
	return *end == '/' ? rule_time(end + 1, &day->seconds) : end;
}

/* EST5EDT,M3.2.0,M11.1.0: offsets count westward. */
static bool
parse_rule(Arena *arena, const char *s, Zone *zone)
{
	if ((s = rule_name(arena, s, &zone->standard.abbreviation)) == NULL
		|| (s = rule_time(s, &zone->standard.offset_s)) == NULL)
		return false;
	zone->standard.offset_s = -zone->standard.offset_s;
	zone->has_rule = true;
	if (*s == '\0')
		return true;
	if ((s = rule_name(arena, s, &zone->summer.abbreviation)) == NULL)
		return false;
	zone->summer.is_dst = true;
	zone->summer.offset_s = zone->standard.offset_s + 3600;
	if (*s != ',' && *s != '\0') {
		if ((s = rule_time(s, &zone->summer.offset_s)) == NULL)
			return false;
		zone->summer.offset_s = -zone->summer.offset_s;
	}
	if (*s != ',' || (s = rule_day(s + 1, &zone->start)) == NULL || *s != ',' || (s = rule_day(s + 1, &zone->end)) == NULL)
		return false;
	zone->rule_has_dst = true;
	return *s == '\0';
}

/* Seconds from the epoch to the local time of a rule's change in a year, the clock read as if it were UTC. */
static int64_t
rule_local_s(const RuleDay *rule, int64_t year)
{
	int64_t	days;

	if (rule->kind == 'M') {
		int		first = weekday_of_days(days_from_civil(year, rule->month, 1)) % 7;	/* 0 Sunday */
		int		day = 1 + (rule->day - first + 7) % 7 + (rule->week - 1) * 7;

		if (day > month_length(year, rule->month))
			day -= 7;
		days = days_from_civil(year, rule->month, day);
	} else {
		/* J counts from 1 and never the leap day, the bare form counts from 0 and does. */
		int		day = rule->kind == 'J' ? rule->day - 1 + (year_is_leap(year) && rule->day >= 60) : rule->day;

		days = days_from_civil(year, 1, 1) + day;
	}
	return days * 86400 + rule->seconds;
}

static const ZoneType *
type_by_rule(const Zone *zone, int64_t at_s)
{
	if (!zone->rule_has_dst)
		return &zone->standard;
	int64_t	year = civil_from_days(floor_div64(at_s + zone->standard.offset_s, 86400)).year;
	int64_t	start = rule_local_s(&zone->start, year) - zone->standard.offset_s;
	int64_t	end = rule_local_s(&zone->end, year) - zone->summer.offset_s;
	bool	is_summer = start < end ? at_s >= start && at_s < end : !(at_s >= end && at_s < start);

	return is_summer ? &zone->summer : &zone->standard;
}

static const ZoneType *
type_at(const Zone *zone, Time instant)
{
	if (zone->is_fixed)
		return &zone->first;
	int64_t	at_s = floor_div64(instant, 1000);
	int		low = 0;
	int		high = zone->n_transitions;

	if (high == 0 || at_s < zone->at_s[0])
		return high == 0 && zone->has_rule ? type_by_rule(zone, at_s) : &zone->first;
	if (at_s >= zone->at_s[high - 1] && zone->has_rule)
		return type_by_rule(zone, at_s);
	while (high - low > 1) {
		int		middle = (low + high) / 2;

		if (zone->at_s[middle] <= at_s)
			low = middle;
		else
			high = middle;
	}
	return &zone->types[zone->type_of[low]];
}

/* --- TZif --- */

static int64_t
read_be(const unsigned char *p, int n)
{
	uint64_t	v = (p[0] & 0x80) != 0 ? UINT64_MAX : 0;

	for (int i = 0; i < n; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

typedef struct Counts {
	int64_t	isut, isstd, leap, time, type, chars;
} Counts;

static bool
read_header(const unsigned char *p, size_t left, Counts *n)
{
	if (left < 44 || memcmp(p, "TZif", 4) != 0)
		return false;
	*n = (Counts){read_be(p + 20, 4), read_be(p + 24, 4), read_be(p + 28, 4), read_be(p + 32, 4), read_be(p + 36, 4),
				  read_be(p + 40, 4)};
	return n->isut >= 0 && n->isstd >= 0 && n->leap >= 0 && n->time >= 0 && n->type > 0 && n->type <= 256 && n->chars >= 0
		&& n->time < 100000 && n->chars < 100000 && n->leap < 100000 && n->isut < 1000 && n->isstd < 1000;
}

static bool
parse_tzif(Arena *arena, const unsigned char *data, size_t length, Zone *zone)
{
	const unsigned char *p = data;
	const unsigned char *end = data + length;
	Counts		n;
	int			width = 4;

	if (!read_header(p, length, &n))
		return false;
	if (data[4] >= '2') {
		/* The first block holds 32-bit times for old readers. */
		p += 44 + n.time * 5 + n.type * 6 + n.chars + n.leap * 8 + n.isstd + n.isut;
		if (p > end || !read_header(p, (size_t)(end - p), &n))
			return false;
		width = 8;
	}
	p += 44;
	if (end - p < n.time * (width + 1) + n.type * 6 + n.chars + n.leap * (width + 4) + n.isstd + n.isut)
		return false;
	zone->n_transitions = (int)n.time;
	zone->at_s = arena_array(arena, int64_t, n.time + 1);
	zone->type_of = arena_memdup(arena, p + n.time * width, (size_t)n.time + 1);
	for (int64_t i = 0; i < n.time; i++) {
		zone->at_s[i] = read_be(p + i * width, width);
		if (zone->type_of[i] >= n.type)
			return false;
	}
	p += n.time * (width + 1);
	zone->n_types = (int)n.type;
	zone->types = arena_array(arena, ZoneType, n.type);
	char   *chars = arena_alloc(arena, (size_t)n.chars + 1);	/* NUL-separated abbreviations */

	memcpy(chars, p + n.type * 6, (size_t)n.chars);
	chars[n.chars] = '\0';

	for (int64_t i = 0; i < n.type; i++, p += 6) {
		if (p[5] >= n.chars)
			return false;
		zone->types[i] = (ZoneType){(int)read_be(p, 4), p[4] != 0, chars + p[5]};
	}
	p += n.chars + n.leap * (width + 4) + n.isstd + n.isut;
	zone->first = zone->types[0];
	if (width == 8 && end - p > 2 && p[0] == '\n' && end[-1] == '\n') {
		const char *rule = arena_strndup(arena, (const char *)p + 1, (size_t)(end - p - 2));

		if (*rule != '\0' && !parse_rule(arena, rule, zone))
			return false;
	}
	return true;
}

static bool
read_region(Arena *arena, const char *path, const char *id, const Zone **out)
{
	unsigned char data[65536];		/* the largest file has 4 KB */
	int			fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t		length = 0;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		length = read(fd, data, sizeof data);
	close(fd);
	if (length <= 0)
		return false;
	Zone   *zone = arena_new(arena, Zone);

	zone->id = arena_strdup(arena, id);
	if (!parse_tzif(arena, data, (size_t)length, zone))
		return false;
	*out = zone;
	return true;
}

/* --- names --- */

size_t
zone_parse_offset(Str text, int *offset_s)
{
	const char *s = text.data;
	const char *end = s + text.length;
	int			field[3] = {0, 0, 0};
	int			n_digits = 0;

	if (text.length == 0)
		return 0;
	if (*s == 'Z' || *s == 'z') {
		*offset_s = 0;
		return 1;
	}
	if (*s != '+' && *s != '-')
		return 0;
	bool	negative = *s++ == '-';

#define DIGIT(at) (end - s > (at) && s[at] >= '0' && s[at] <= '9')
	while (n_digits < 6 && DIGIT(n_digits))
		n_digits++;
	if (n_digits == 0)
		return 0;
	if (n_digits == 1) {
		field[0] = s[0] - '0';
		s++;
	} else {
		/* hh, hhmm or hhmmss in one go; a lone odd digit is left alone. */
		int		n = n_digits / 2;

		for (int i = 0; i < n; i++, s += 2)
			field[i] = (s[0] - '0') * 10 + (s[1] - '0');
		if (n == 1)
			for (int i = 1; i < 3 && s < end && *s == ':' && DIGIT(1) && DIGIT(2); i++, s += 3)
				field[i] = (s[1] - '0') * 10 + (s[2] - '0');
	}
#undef DIGIT
	int		total = (field[0] * 60 + field[1]) * 60 + field[2];

	if (field[1] > 59 || field[2] > 59 || total > MAX_OFFSET_S)
		return 0;
	*offset_s = negative ? -total : total;
	return (size_t)(s - text.data);
}

static const char *
offset_id(Arena *arena, const char *prefix, int offset_s)
{
	int		a = abs(offset_s);

	if (offset_s == 0)
		return *prefix != '\0' ? arena_strdup(arena, prefix) : "Z";
	if (a % 60 != 0)
		return arena_printf(arena, "%s%c%02d:%02d:%02d", prefix, offset_s < 0 ? '-' : '+', a / 3600, a / 60 % 60, a % 60);
	return arena_printf(arena, "%s%c%02d:%02d", prefix, offset_s < 0 ? '-' : '+', a / 3600, a / 60 % 60);
}

static const Zone *
fixed_zone(Arena *arena, const char *prefix, int offset_s)
{
	Zone   *zone = arena_new(arena, Zone);

	zone->id = offset_id(arena, prefix, offset_s);
	zone->is_fixed = true;
	zone->first = (ZoneType){offset_s, false, zone->id};
	return zone;
}

const Zone *
zone_open_offset(Arena *arena, int offset_s)
{
	return fixed_zone(arena, "", offset_s);
}

/* Abbreviations in texts; with Java a name stands for a region, so PST in July means what PDT means. */
static const struct {
	const char *name;
	const char *region;
} abbreviations[] = {
	{"PST", "America/Los_Angeles"}, {"PDT", "America/Los_Angeles"}, {"PT", "America/Los_Angeles"},
	{"MST", "America/Denver"}, {"MDT", "America/Denver"}, {"MT", "America/Denver"},
	{"CST", "America/Chicago"}, {"CDT", "America/Chicago"}, {"CT", "America/Chicago"},
	{"EST", "America/New_York"}, {"EDT", "America/New_York"}, {"ET", "America/New_York"},
	{"AKST", "America/Anchorage"}, {"AKDT", "America/Anchorage"}, {"HST", "Pacific/Honolulu"},
	{"AST", "America/Halifax"}, {"ADT", "America/Halifax"}, {"NST", "America/St_Johns"}, {"NDT", "America/St_Johns"},
	{"WEST", "Europe/Lisbon"}, {"CEST", "Europe/Paris"}, {"EEST", "Europe/Athens"}, {"BST", "Europe/London"},
	{"MSK", "Europe/Moscow"}, {"IST", "Asia/Kolkata"}, {"JST", "Asia/Tokyo"}, {"KST", "Asia/Seoul"},
	{"HKT", "Asia/Hong_Kong"}, {"SGT", "Asia/Singapore"}, {"AEST", "Australia/Sydney"}, {"AEDT", "Australia/Sydney"},
	{"ACST", "Australia/Adelaide"}, {"AWST", "Australia/Perth"}, {"NZST", "Pacific/Auckland"},
	{"NZDT", "Pacific/Auckland"}, {"SAST", "Africa/Johannesburg"}, {"BRT", "America/Sao_Paulo"},
};

/* What a region id may look like; keeps a name from leaving the directory. */
static bool
is_region_name(Str name)
{
	if (name.length < 2 || name.length > 100 || !(((name.data[0] | 32) >= 'a') && (name.data[0] | 32) <= 'z'))
		return false;
	for (size_t i = 0; i < name.length; i++) {
		char	c = name.data[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '+'
			  || c == '-'))
			return false;
	}
	return true;
}

/* Not regions, or regions that Java does not know by these names. */
static bool
is_excluded(const char *name)
{
	static const char *const names[] = {"EST", "MST", "HST", "ROC", "Factory", "localtime", "posixrules"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return strncmp(name, "posix/", 6) == 0 || strncmp(name, "right/", 6) == 0;
}

static bool
open_region(Arena *arena, const char *name, const Zone **out)
{
	char	path[160];

	snprintf(path, sizeof path, ZONE_DIRECTORY "%s", name);
	return !is_excluded(name) && read_region(arena, path, name, out);
}

/* america/los_angeles to America/Los_Angeles, in place. */
static void
title_case(char *name)
{
	bool	start = true;

	for (; *name != '\0'; name++) {
		bool	is_letter = (*name | 32) >= 'a' && (*name | 32) <= 'z';

		if (is_letter)
			*name = (char)(start ? *name & ~32 : *name | 32);
		start = !is_letter;
	}
}

static bool
open_any_case(Arena *arena, Str name, const Zone **out)
{
	char   *copy = str_to_arena(arena, name);

	for (size_t i = 0; i < sizeof abbreviations / sizeof *abbreviations; i++)
		if (str_equal_nocase(name, str_of(abbreviations[i].name)))
			return open_region(arena, abbreviations[i].region, out);
	title_case(copy);
	if (open_region(arena, copy, out))
		return true;
	for (char *c = copy; *c != '\0'; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 32);
	return open_region(arena, copy, out);
}

Status
zone_open(Arena *arena, Str name, ZoneNames names, const Zone **out, Error *err)
{
	static const char *const prefixes[] = {"UTC", "GMT", "UT"};
	int		offset_s;
	size_t	used = zone_parse_offset(name, &offset_s);

	if (used == name.length && used > 0 && (name.data[0] != 'z' || names == ZONE_NAMES_TEXT)) {
		*out = fixed_zone(arena, "", offset_s);
		return OK;
	}
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
		Str		prefix = str_of(prefixes[i]);
		Str		head = {name.data, prefix.length};

		if (name.length < prefix.length
			|| !(names == ZONE_NAMES_TEXT ? str_equal_nocase(head, prefix) : str_equal(head, prefix)))
			continue;
		Str		rest = {name.data + prefix.length, name.length - prefix.length};

		offset_s = 0;
		if (rest.length == 0 || (rest.data[0] != 'Z' && rest.data[0] != 'z' && zone_parse_offset(rest, &offset_s) == rest.length)) {
			*out = fixed_zone(arena, prefixes[i], offset_s);
			return OK;
		}
	}
	if (is_region_name(name)) {
		if (open_region(arena, str_to_arena(arena, name), out))
			return OK;
		if (names == ZONE_NAMES_TEXT && open_any_case(arena, name, out))
			return OK;
	}
	error_data(err, "Unknown time zone: %.*s", name.length > 100 ? 100 : (int)name.length, name.data);
	return error_hint(err, "Use a region such as Europe/London, UTC, or an offset such as +02:00.");
}

const Zone *
zone_open_local(Arena *arena)
{
	const char *tz = getenv("TZ");
	const Zone *zone = NULL;
	char		path[4096];
	Error		ignored;

	if (tz != NULL) {
		if (*tz == ':')
			tz++;
		if (*tz == '\0' || zone_open(arena, str_of(tz), ZONE_NAMES_JAVA, &zone, &ignored) == OK)
			return zone != NULL ? zone : &zone_utc;
		if (strncmp(tz, ZONE_DIRECTORY, strlen(ZONE_DIRECTORY)) == 0
			&& read_region(arena, tz, tz + strlen(ZONE_DIRECTORY), &zone))
			return zone;
		Zone   *rule = arena_new(arena, Zone);

		rule->id = arena_strdup(arena, tz);
		return parse_rule(arena, tz, rule) ? rule : &zone_utc;
	}
	if (realpath("/etc/localtime", path) == NULL)
		return &zone_utc;
	const char *id = strncmp(path, ZONE_DIRECTORY, strlen(ZONE_DIRECTORY)) == 0 ? path + strlen(ZONE_DIRECTORY) : "localtime";

	return read_region(arena, path, id, &zone) ? zone : &zone_utc;
}

/* --- use --- */

const char *
zone_id(const Zone *zone)
{
	return zone->id;
}

bool
zone_is_fixed(const Zone *zone)
{
	return zone->is_fixed;
}

int
zone_offset_s(const Zone *zone, Time instant)
{
	return type_at(zone, instant)->offset_s;
}

int
zone_offset_info(const Zone *zone, Time instant, const char **abbreviation, bool *is_dst)
{
	const ZoneType *type = type_at(zone, instant);

	if (abbreviation != NULL)
		*abbreviation = type->abbreviation;
	if (is_dst != NULL)
		*is_dst = type->is_dst;
	return type->offset_s;
}

Time
zone_to_instant(const Zone *zone, Time local)
{
	if (zone->is_fixed)
		return local - zone->first.offset_s * INT64_C(1000);

	/* Offsets a day before and after enclose any change that could matter. */
	int64_t	before = zone_offset_s(zone, local - MS_PER_DAY) * INT64_C(1000);
	int64_t	after = zone_offset_s(zone, local + MS_PER_DAY) * INT64_C(1000);

	if (before == after || zone_offset_s(zone, local - before) * INT64_C(1000) == before)
		return local - before;
	if (zone_offset_s(zone, local - after) * INT64_C(1000) == after)
		return local - after;
	return local - before;		/* in a gap: as if the clock had not been moved, which is later by the gap */
}

/* --- cache --- */

struct ZoneCacheEntry {
	Str			name;
	ZoneNames	names;
	const Zone *zone;
	struct ZoneCacheEntry *next;
};

void
zone_cache_init(ZoneCache *cache)
{
	*cache = (ZoneCache){0};
}

void
zone_cache_free(ZoneCache *cache)
{
	arena_free(&cache->arena);
	cache->entries = NULL;
}

Status
zone_cache_get(ZoneCache *cache, Str name, ZoneNames names, const Zone **out, Error *err)
{
	for (struct ZoneCacheEntry *e = cache->entries; e != NULL; e = e->next)
		if (e->names == names && str_equal(e->name, name)) {
			*out = e->zone;
			return OK;
		}
	TRY(zone_open(&cache->arena, name, names, out, err));
	struct ZoneCacheEntry *entry = arena_new(&cache->arena, struct ZoneCacheEntry);

	*entry = (struct ZoneCacheEntry){str_make(str_to_arena(&cache->arena, name), name.length), names, *out, cache->entries};
	cache->entries = entry;
	return OK;
}
