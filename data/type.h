#ifndef SLUICE_DATA_TYPE_H
#define SLUICE_DATA_TYPE_H

/*
 * SQL types.  A Type is immutable and interned: equal types are the same pointer, for the life of the process, so types
 * are compared with ==.  The interner is the one process-wide table; it is thread safe.
 *
 * The canonical text (type_print, type_parse) is what ksqlDB prints: `ARRAY<STRUCT<`F` DECIMAL(4, 2)>>`.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

typedef enum TypeKind {
	TYPE_NULL,			/* of an untyped NULL literal; never of a column */
	TYPE_BOOLEAN,
	TYPE_INTEGER,
	TYPE_BIGINT,
	TYPE_DECIMAL,
	TYPE_DOUBLE,
	TYPE_STRING,
	TYPE_BYTES,
	TYPE_DATE,			/* days since 1970-01-01 */
	TYPE_TIME,			/* milliseconds of the day */
	TYPE_TIMESTAMP,		/* milliseconds since 1970-01-01 UTC */
	TYPE_INTERVAL,
	TYPE_ARRAY,
	TYPE_MAP,
	TYPE_STRUCT,
	TYPE_LAMBDA,		/* argument of a higher-order function; never of a column */
	TYPE_UNIT,			/* interval word (DAYS, ...) as an argument; never of a column */
} TypeKind;

typedef struct Type Type;

typedef struct TypeField {
	const char *name;		/* as stored: unquoted SQL names are upper case already in the ksqldb dialect */
	const Type *type;
} TypeField;

struct Type {
	TypeKind		 kind;
	int				 precision;		/* DECIMAL: digits in all */
	int				 scale;			/* DECIMAL: digits after the point */
	const Type		*key;			/* MAP */
	const Type		*element;		/* ARRAY: element; MAP: value */
	int				 n_fields;		/* STRUCT; LAMBDA: parameters */
	const TypeField *fields;		/* STRUCT */
};

/* The types without parameters. */
extern const Type *const type_null, *const type_boolean, *const type_integer, *const type_bigint, *const type_double,
	*const type_string, *const type_bytes, *const type_date, *const type_time, *const type_timestamp,
	*const type_interval, *const type_unit;

const Type *type_decimal(int precision, int scale);
const Type *type_array(const Type *element);
const Type *type_map(const Type *key, const Type *value);
const Type *type_struct(const TypeField *fields, int n_fields);	/* copies names and fields */
const Type *type_lambda(int n_parameters);
const Type *type_of_kind(TypeKind kind);	/* of a kind without parameters */

/* Field index in a STRUCT by exact name, -1 if there is none. */
int type_field(const Type *type, Str name);

static inline bool
type_is_number(const Type *t)
{
	return t->kind >= TYPE_INTEGER && t->kind <= TYPE_DOUBLE;
}

static inline bool
type_is_nested(const Type *t)
{
	return t->kind == TYPE_ARRAY || t->kind == TYPE_MAP || t->kind == TYPE_STRUCT;
}

/* STRING or BYTES: values are views. */
static inline bool
type_is_text(const Type *t)
{
	return t->kind == TYPE_STRING || t->kind == TYPE_BYTES;
}

/* True when a MAP occurs at any depth: such types cannot be keys. */
bool type_has_map(const Type *t);

/* Bytes of one value in a vector's data array; nested types: of the list entry (STRUCT: 0). */
int type_width(const Type *t);

/* Canonical text; STRUCT field names are backquoted. */
void  type_print(const Type *t, StrBuf *out);
char *type_to_arena(const Type *t, Arena *arena);

/*
 * Parses the canonical text, and everything that DDL accepts without custom types (INT, VARCHAR(10), `t ARRAY` not).
 * Unquoted field names are folded to upper case.  Fails with ERROR_USER naming the unknown type.
 */
Status type_parse(Str text, const Type **out, Error *err);

/* Smallest DECIMAL that holds all values of the number type (INTEGER 10,0; BIGINT 19,0); NULL for DOUBLE and others. */
const Type *type_as_decimal(const Type *t);

#endif
