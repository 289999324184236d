#ifndef SLUICE_SHELL_DATAGEN_IMPL_H
#define SLUICE_SHELL_DATAGEN_IMPL_H

/* What datagen.c and datagen_sets.c share. */
#include "shell/datagen.h"

/* One value of a row.  Texts need no escaping in JSON: generators make letters, digits and plain punctuation. */
typedef struct DatagenField {
	const char *group;		/* the object that holds it; NULL: the row itself */
	const char *name;
	bool		is_text;
	Str			text;		/* if is_text, or a number with a fraction */
	int64_t		number;		/* if text.data is NULL */
} DatagenField;

#define DATAGEN_FIELDS_MAX 12

typedef struct DatagenRandom {
	uint64_t s[4];
} DatagenRandom;

typedef struct DatagenRow {
	DatagenField fields[DATAGEN_FIELDS_MAX];
	int			 n_fields;
	int			 key_field;		/* its text or number is the key */
	int			 kind;			/* of a mixed set: index into its kinds */
	Time		 timestamp;
	char		 bytes[4096];	/* of the texts */
	size_t		 n_bytes;
} DatagenRow;

typedef struct DatagenState {
	DatagenRandom random;
	int64_t		  index;		/* of the row, from 0 */
	Time		  now;			/* event time of the row */
	double		  interval_ms;	/* from row to row */
	double		  auction_ms;	/* from auction to auction */
	const struct DatagenNexmark *nexmark;	/* tables, if the set wants them */
} DatagenState;

typedef struct DatagenSet {
	const char *name;
	const char *about;
	const char *columns;		/* of CREATE STREAM */
	const char *csv_header;		/* NULL: rows are of several kinds, JSON only */
	const char *time_column;
	Time		start;
	double		interval_ms;
	bool		is_nexmark;
	void (*make)(DatagenState *state, DatagenRow *row);
} DatagenSet;

extern const DatagenSet datagen_sets[];
extern const int		datagen_n_sets;

/* Kinds of the mixed set: the member that holds the row. */
extern const char *const datagen_nexmark_kinds[3];

void datagen_random_init(DatagenRandom *random, uint64_t seed);

/* The tables of channels and padding that Nexmark draws from; free() it. */
struct DatagenNexmark *datagen_nexmark_new(DatagenRandom *random);

#endif
