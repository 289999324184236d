#ifndef SLUICE_SHELL_DATAGEN_H
#define SLUICE_SHELL_DATAGEN_H

/*
 * `sluice datagen`: made-up data to try things with.  The quick-start sets of ksqlDB's generator (orders, users,
 * pageviews) and the Nexmark auction benchmark (persons, auctions, bids, or all three mixed: nexmark).
 *
 * The same set, seed, start and interval give the same rows on every machine.  Rows come at full speed or at a rate, and
 * go to a sink: a file or standard output (datagen_main), or whatever the caller plugs in (datagen_run).
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/env.h"
#include "common/status.h"
#include "common/str.h"

typedef enum DatagenFormat {
	DATAGEN_JSON,			/* one object a line */
	DATAGEN_CSV,			/* nested fields become columns address_city, ... */
} DatagenFormat;

typedef struct DatagenOptions {
	const char	 *set;			/* a name of datagen_list */
	DatagenFormat format;
	int64_t		  n_rows;		/* < 0: without end */
	double		  rows_per_s;	/* 0: as fast as possible */
	uint64_t	  seed;
	Time		  start;		/* event time of the first row; only if has_start, else the set's own */
	bool		  has_start;
	double		  interval_ms;	/* event time from row to row; < 0: by rows_per_s, else the set's own */
} DatagenOptions;

/* n_rows -1 and interval_ms -1, all else zero. */
void datagen_options_init(DatagenOptions *options);

/*
 * Where rows go.  `write` gets one row: its event time, its key (text, what a topic would be keyed by) and its value
 * in the format asked for, without a line end; all borrowed for the call.  DONE ends the run well.  `flush` (may be NULL)
 * is called before every wait and at the end.
 */
typedef struct DatagenSink {
	Status (*write)(void *context, Time timestamp, Str key, Str value, Error *err);
	Status (*flush)(void *context, Error *err);
	void   *context;
} DatagenSink;

Status datagen_run(const DatagenOptions *options, const DatagenSink *sink, Error *err);

/* The header line of a set's CSV, and the statement that declares a stream over it; false: no such set. */
bool datagen_csv_header(const char *set, StrBuf *out);
bool datagen_ddl(const char *set, const char *topic_or_file, DatagenFormat format, bool is_file, StrBuf *out);

/* Names of the sets, NULL at the end. */
const char *const *datagen_list(void);

/*
 * Makes rows into `topic` instead of a file, for `--topic`; set by the program that has an engine.  Called with the
 * directory of --data (NULL: the default).
 */
typedef Status (*DatagenTopicRun)(const DatagenOptions *options, const char *topic, const char *directory, Error *err);

/* The command; argv[0] is "datagen".  `run_topic` may be NULL: then --topic is refused.  Gives the exit status. */
int datagen_main_with(int argc, char **argv, DatagenTopicRun run_topic);
int datagen_main(int argc, char **argv);

#endif
