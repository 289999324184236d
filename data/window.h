#ifndef SLUICE_DATA_WINDOW_H
#define SLUICE_DATA_WINDOW_H

/* Windows of event time.  All lengths in milliseconds. */
#include <stdbool.h>
#include <stdint.h>

#include "common/env.h"
#include "common/str.h"

typedef enum WindowKind { WINDOW_NONE, WINDOW_TUMBLING, WINDOW_HOPPING, WINDOW_SESSION } WindowKind;

typedef struct WindowSpec {
	WindowKind kind;
	int64_t	   size_ms;			/* TUMBLING, HOPPING */
	int64_t	   advance_ms;		/* HOPPING; TUMBLING: = size_ms */
	int64_t	   gap_ms;			/* SESSION */
	int64_t	   grace_ms;		/* resolved default or what was written */
	int64_t	   retention_ms;	/* resolved */
	bool	   has_grace;		/* GRACE PERIOD was written */
	bool	   has_retention;	/* RETENTION was written */
} WindowSpec;

/* "TUMBLING", "HOPPING", "SESSION". */
const char *window_kind_name(WindowKind kind);

/* Start of the first window, not before 0, that holds t; the others follow at +advance_ms while start <= t. */
int64_t window_first_start(const WindowSpec *spec, Time t);

/* As SQL: "TUMBLING (SIZE 10000 MILLISECONDS, GRACE PERIOD 0 MILLISECONDS)". */
void window_print(const WindowSpec *spec, StrBuf *out);

#endif
