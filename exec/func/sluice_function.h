#ifndef SLUICE_FUNCTION_H
#define SLUICE_FUNCTION_H

/*
 * Functions in C for sluice: the interface between the program and a shared library, which includes nothing else of sluice.
 *
 *	#include <sluice_function.h>
 *
 *	static int
 *	triple(const SluiceCall *call, const SluiceColumn *args, int n_args, int32_t n_rows, SluiceResult *out)
 *	{
 *		(void)call, (void)n_args;
 *		for (int32_t i = 0; i < n_rows; i++)
 *			((double *)out->data)[i] = 3 * sluice_double(&args[0], i);
 *		return 0;
 *	}
 *
 *	const SluiceFunction sluice_triple = {SLUICE_FUNCTION_HEAD, "(DOUBLE) -> DOUBLE", "Three times a number.",
 *		SLUICE_NULL_IN, triple, NULL};
 *
 *	cc -shared -fPIC -o triple.so triple.c
 *	CREATE FUNCTION triple(x DOUBLE) RETURNS DOUBLE LANGUAGE C AS './triple.so', 'sluice_triple';
 *
 * Functions work on columns: one call for up to 2,048 rows.  They may be called from several threads at a time and must keep nothing
 * between calls but the states of aggregates; they must not change their arguments.  What is here never changes its
 * meaning: newer versions add members at the ends of structs, which `size` tells, or raise the number of the interface, and a library of
 * another number is refused.
 */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_FUNCTION_ABI 1

/* What stands in `data` of columns of each SQL type. */
typedef enum SluiceKind {
	SLUICE_BOOLEAN = 1,		/* uint8_t: 0 or 1 */
	SLUICE_INTEGER = 2,		/* int32_t */
	SLUICE_BIGINT = 3,		/* int64_t */
	SLUICE_DOUBLE = 4,		/* double */
	SLUICE_STRING = 5,		/* SluiceText: valid UTF-8, not ended by a NUL */
	SLUICE_BYTES = 6,		/* SluiceText */
	SLUICE_DATE = 7,		/* int32_t: days since 1970-01-01 */
	SLUICE_TIME = 8,		/* int32_t: milliseconds since midnight */
	SLUICE_TIMESTAMP = 9	/* int64_t: milliseconds since 1970-01-01 00:00 UTC */
} SluiceKind;

typedef struct SluiceText {
	const char *data;
	size_t		length;
} SluiceText;

/* A column of arguments: row i is at data[i * step].  What stands in data where a row is NULL means nothing. */
typedef struct SluiceColumn {
	uint32_t		kind;		/* SluiceKind */
	uint32_t		step;		/* 1; 0: the same value in every row */
	const void	   *data;
	const uint64_t *valid;		/* bit i * step: not NULL; NULL pointer: no row is NULL */
} SluiceColumn;

/* Where results go: row i to data[i], which has room for all rows.  Text must live until the call ends and after: see allocate. */
typedef struct SluiceResult {
	uint32_t  kind;
	uint32_t  reserved;
	void	 *data;
	uint64_t *valid;			/* all set; sluice_set_null clears */
} SluiceResult;

typedef struct SluiceCall SluiceCall;
struct SluiceCall {
	uint32_t size;				/* of this struct as the program has it */
	uint32_t abi;
	/* Memory for texts of results; it is freed by the program.  Never NULL. */
	void *(*allocate)(const SluiceCall *call, size_t n_bytes);
	/* Row `row` cannot be computed: it is NULL, and the reason (copied) goes to the processing log. */
	void (*fail_row)(const SluiceCall *call, int32_t row, const char *reason);
	/* Why a call returned something else than 0 (copied): the query stops with it. */
	void (*fail)(const SluiceCall *call, const char *reason);
};

/* Computes rows 0 .. n_rows-1.  0: done; anything else: the query fails. */
typedef int (*SluiceScalar)(const SluiceCall *call, const SluiceColumn *args, int n_args, int32_t n_rows, SluiceResult *out);

/*
 * An aggregate.  The state of a group is state_size bytes, all zero at first, aligned to 16.  It is copied, stored and read again as bytes,
 * so it may not hold pointers.  NULL arguments are given as they come: most aggregates leave them out.
 */
typedef struct SluiceAggregate {
	uint32_t size;				/* sizeof(SluiceAggregate) */
	uint32_t state_size;		/* at most 65536 */
	void (*init)(void *state);	/* NULL: all zero */
	/* Takes rows first .. first+n_rows-1 in order: row first+i goes into states[i], which may repeat.  0: done. */
	int (*step)(const SluiceCall *call, void *const *states, const SluiceColumn *args, int n_args, int32_t first, int32_t n_rows);
	/* Takes one row back, for aggregates over tables; NULL: not possible.  0: done. */
	int (*undo)(const SluiceCall *call, void *state, const SluiceColumn *args, int n_args, int32_t row);
	/* into := into with what from has taken, whose rows came later. */
	void (*merge)(void *into, const void *from);
	/* The result of a state, as row `row`.  Texts that lie in the state are copied by the program. */
	void (*result)(const SluiceCall *call, const void *state, SluiceResult *out, int32_t row);
} SluiceAggregate;

enum {
	SLUICE_NULL_IN = 1,				/* scalar: NULL in an argument gives NULL, whatever is computed there */
	SLUICE_NOT_DETERMINISTIC = 2,	/* scalar: not computed beforehand for constants */
	SLUICE_ORDERED = 4				/* aggregate: the order of rows counts, so parts of them are not taken in parallel */
};

/* What a library exports: one constant a function, under the symbol that CREATE FUNCTION names (or the function's own name, in lower case). */
typedef struct SluiceFunction {
	uint32_t abi;					/* SLUICE_FUNCTION_HEAD sets the first two */
	uint32_t size;
	const char *signature;			/* "(DOUBLE, STRING) -> BIGINT": must be what CREATE FUNCTION says */
	const char *description;		/* one sentence, for DESCRIBE FUNCTION; NULL: none */
	uint32_t	flags;
	SluiceScalar scalar;			/* one of the two */
	const SluiceAggregate *aggregate;
} SluiceFunction;

#define SLUICE_FUNCTION_HEAD SLUICE_FUNCTION_ABI, (uint32_t)sizeof(SluiceFunction)

/* ---- reading and writing rows ---- */

static inline int
sluice_is_null(const SluiceColumn *column, int32_t row)
{
	size_t at = (size_t)row * column->step;

	return column->valid != NULL && !(column->valid[at >> 6] >> (at & 63) & 1);
}

static inline int
sluice_boolean(const SluiceColumn *column, int32_t row)
{
	return ((const uint8_t *)column->data)[(size_t)row * column->step] != 0;
}

/* INTEGER, DATE, TIME. */
static inline int32_t
sluice_integer(const SluiceColumn *column, int32_t row)
{
	return ((const int32_t *)column->data)[(size_t)row * column->step];
}

/* BIGINT, TIMESTAMP. */
static inline int64_t
sluice_bigint(const SluiceColumn *column, int32_t row)
{
	return ((const int64_t *)column->data)[(size_t)row * column->step];
}

static inline double
sluice_double(const SluiceColumn *column, int32_t row)
{
	return ((const double *)column->data)[(size_t)row * column->step];
}

/* STRING, BYTES. */
static inline SluiceText
sluice_text(const SluiceColumn *column, int32_t row)
{
	return ((const SluiceText *)column->data)[(size_t)row * column->step];
}

static inline void
sluice_set_null(SluiceResult *out, int32_t row)
{
	out->valid[row >> 6] &= ~((uint64_t)1 << (row & 63));
}

#ifdef __cplusplus
}
#endif

#endif
