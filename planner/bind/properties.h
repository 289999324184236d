#ifndef SLUICE_PLANNER_BIND_PROPERTIES_H
#define SLUICE_PLANNER_BIND_PROPERTIES_H

/*
 * The WITH clause of CREATE STREAM/TABLE [AS] as values: each property is taken once, with its type checked; what nobody
 * knows is an error that names it.
 */
#include "planner/planner.h"

typedef struct SourceProperties {
	const char *topic;				/* KAFKA_TOPIC */
	int			partitions;			/* 0: not given */
	int			replicas;			/* 0: not given */
	int64_t		retention_ms;		/* -1: not given */
	const char *ttl;				/* NULL: not given */
	const char *format;
	const char *key_format;
	const char *value_format;
	const char *key_delimiter;
	const char *value_delimiter;
	bool		has_wrap;
	bool		wrap;
	const char *timestamp;
	const char *timestamp_format;
	const char *window_type;
	const char *window_size;
	int			key_schema_id;		/* 0: not given */
	int			value_schema_id;
	const char *key_schema_full_name;
	const char *value_schema_full_name;
	const char *key_nullable;
	const char *value_nullable;
	/* PATH: a file, with its options (name, value, ...). */
	const char *path;
	int			n_file_options;
	const char **file_options;
} SourceProperties;

Status properties_bind(PlannerContext *context, const AstProperty *properties, int n, bool is_table, bool is_as, SourceProperties *out,
					   Error *err);

/* The text of a property's literal: strings and numbers as written, booleans as true or false. */
const char *property_text(const AstExpr *value);

/* "TAB", "SPACE" or one character; ksqlDB's sentences.  `name` is VALUE_DELIMITER or KEY_DELIMITER. */
Status delimiter_bind(const char *name, const char *text, char *out, Error *err);

/* "30 SECONDS" in milliseconds; `name` is the property. */
Status duration_bind(const char *name, const char *text, int64_t *out_ms, Error *err);

#endif
