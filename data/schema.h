#ifndef SLUICE_DATA_SCHEMA_H
#define SLUICE_DATA_SCHEMA_H

/*
 * Named, typed columns: KEY COLUMNS FIRST, then value columns.  That order holds everywhere from the binder to the sinks.
 * Immutable once made; lives as long as who declares it (arena).
 */
#include "common/str.h"
#include "data/type.h"

/* Like a field of a STRUCT: what works on the ones works on the others. */
typedef TypeField Column;

typedef struct Schema {
	int			  n_columns;	/* key and value columns */
	int			  n_key;		/* the first n_key are the key */
	const Column *columns;
} Schema;

int schema_find(const Schema *schema, Str name);			/* exact; -1 if there is none */
const Schema *schema_copy(Arena *arena, const Schema *schema);

/* "`ID` BIGINT KEY, `V` STRUCT<`A` INTEGER>", as ksqlDB prints it. */
void   schema_print(const Schema *schema, StrBuf *out);
Status schema_parse(Arena *arena, Str text, const Schema **out, Error *err);	/* of schema_print's text */

#endif
