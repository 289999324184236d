#ifndef SLUICE_DATA_ZONE_H
#define SLUICE_DATA_ZONE_H

/*
 * Time zones: regions read from the system's zoneinfo (TZif files with their POSIX rule for the time after the last
 * transition), and fixed offsets.
 *
 * A Zone is immutable, lives in the arena given and may be read by any thread.  Local times are milliseconds too: the
 * local clock read as if it were UTC.  A ZoneCache remembers zones by name for rows that carry their own; it belongs to
 * one thread at a time.
 */
#include "common/env.h"
#include "common/str.h"

typedef struct Zone Zone;

typedef enum ZoneNames {
	ZONE_NAMES_JAVA,	/* ZoneId.of: region ids found exactly, Z, UTC, GMT, UT, +h, +hh:mm[:ss], +hhmm, GMT+2; no PST, EST */
	ZONE_NAMES_TEXT,	/* in the text of a timestamp: as above, any case, and common abbreviations (PST, CET, EDT) */
} ZoneNames;

extern const Zone zone_utc;

/* FAILED (ERROR_DATA) names the zone that is not known. */
Status zone_open(Arena *arena, Str name, ZoneNames names, const Zone **out, Error *err);

/* The zone of TZ or /etc/localtime; UTC if it cannot be told. */
const Zone *zone_open_local(Arena *arena);

/* A zone of constant offset; its id is Z or +hh:mm[:ss]. */
const Zone *zone_open_offset(Arena *arena, int offset_s);

const char *zone_id(const Zone *zone);			/* as given, offsets normalised */
bool		zone_is_fixed(const Zone *zone);	/* an offset, no region */

/* Seconds east of UTC at an instant. */
int zone_offset_s(const Zone *zone, Time instant);

/* As above, with the abbreviation (PDT) and whether daylight saving holds.  Either pointer may be NULL. */
int zone_offset_info(const Zone *zone, Time instant, const char **abbreviation, bool *is_dst);

/*
 * Local time to instant by Java's rules (ZonedDateTime.ofLocal): in an overlap the earlier offset (summer time); in a
 * gap the time moves forward by the length of the gap.
 */
Time zone_to_instant(const Zone *zone, Time local);

static inline Time
zone_to_local(const Zone *zone, Time instant)
{
	return instant + (Time)zone_offset_s(zone, instant) * 1000;
}

/*
 * Reads an offset at the start of `text`: `Z`, `+h`, `+hh`, `+hhmm`, `+hh:mm`, `+hh:mm:ss`.  Gives the bytes read, 0 if
 * there is none or it is beyond 18 hours.
 */
size_t zone_parse_offset(Str text, int *offset_s);

typedef struct ZoneCache {
	Arena		 arena;
	struct ZoneCacheEntry *entries;		/* newest first */
} ZoneCache;

void zone_cache_init(ZoneCache *cache);
void zone_cache_free(ZoneCache *cache);
Status zone_cache_get(ZoneCache *cache, Str name, ZoneNames names, const Zone **out, Error *err);

#endif
