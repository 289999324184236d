#ifndef SLUICE_COMMON_LIBRARY_H
#define SLUICE_COMMON_LIBRARY_H

/*
 * Libraries that not every run needs are loaded on first use, so that starting costs nothing.  A seam names the library and the
 * functions that it uses; the table that it fills has one pointer a function, in the same order.
 */
#include "common/status.h"

typedef struct LibrarySymbol {
	const char *name;
	size_t		offset;			/* of the pointer in the table */
} LibrarySymbol;

/* Loads `soname` for the rest of the process and fills `table`.  ERROR_USER tells what to install (`package`) if it is not there. */
Status library_load(const char *soname, const char *package, const LibrarySymbol *symbols, int n_symbols, void *table, Error *err);

#endif
