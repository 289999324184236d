#ifndef SLUICE_SHELL_PRINT_LAYOUT_H
#define SLUICE_SHELL_PRINT_LAYOUT_H

/*
 * How an entity looks: fields one below the other, tables, then free text.  One table of rules says which member of which entity goes
 * where, so that entities of an engine and of a server look the same.
 */
#include "engine/client.h"

typedef struct LayoutField {
	const char *name;
	const char *value;
} LayoutField;

typedef struct LayoutTable {
	const char	*title;				/* NULL: none */
	int			 n_columns;
	const char **columns;
	int			 n_rows;
	const char **cells;				/* n_rows * n_columns; NULL: no value */
} LayoutTable;

typedef struct Layout {
	int			 n_fields;
	LayoutField *fields;
	int			 n_tables;
	LayoutTable *tables;
	const char	*text;				/* NULL: none */
	const char	*message;			/* the entity is just this; NULL: it is more */
	bool		 is_warning;		/* the message */
} Layout;

/* Lays one entity out, in the arena; some (DESCRIBE STREAMS) are several layouts.  Returns how many. */
int layout_entity(const Entity *entity, Arena *arena, Layout **out);

#endif
