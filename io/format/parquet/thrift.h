#ifndef SLUICE_IO_FORMAT_PARQUET_THRIFT_H
#define SLUICE_IO_FORMAT_PARQUET_THRIFT_H

/*
 * Thrift's compact protocol, as far as Parquet's metadata uses it (thrift-compact-protocol.md of Apache Thrift).
 *
 * Reading is sticky: after the first byte that is wrong or missing `failed` is set and every read gives zero, so a parser
 * asks once, at its end.  Nothing is allocated; binaries are borrowed from the text.  One thread at a time.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

typedef enum ThriftType {
	THRIFT_STOP = 0,
	THRIFT_TRUE = 1,
	THRIFT_FALSE = 2,
	THRIFT_BYTE = 3,
	THRIFT_I16 = 4,
	THRIFT_I32 = 5,
	THRIFT_I64 = 6,
	THRIFT_DOUBLE = 7,
	THRIFT_BINARY = 8,
	THRIFT_LIST = 9,
	THRIFT_SET = 10,
	THRIFT_MAP = 11,
	THRIFT_STRUCT = 12,
} ThriftType;

typedef struct ThriftReader {
	const uint8_t *pos, *end;
	bool		   failed;
	int			   depth;		/* of structs and lists that are skipped: bounded */
} ThriftReader;

/* A field of a struct.  `id` must be 0 before the first one. */
typedef struct ThriftField {
	int		   id;
	ThriftType type;
} ThriftField;

/* The next field of the struct; false at its end (and on failure).  Its value must be read or skipped. */
bool thrift_field(ThriftReader *r, ThriftField *field);

int64_t thrift_int(ThriftReader *r);		/* I16, I32, I64 */
uint8_t thrift_byte(ThriftReader *r);
Str		thrift_binary(ThriftReader *r);

/* Begins a list: its length, which is never more than the bytes that are left. */
uint32_t thrift_list(ThriftReader *r, ThriftType *element);

/* Passes over a value of any type. */
void thrift_skip(ThriftReader *r, ThriftType type);

/* ---- writing ---- */

#define THRIFT_DEPTH_MAX 16

typedef struct ThriftWriter {
	StrBuf *out;
	int		depth;
	int		last[THRIFT_DEPTH_MAX];		/* field ids, by open struct */
} ThriftWriter;

/* Opens and closes a struct that is a list's element or the outermost one; thrift_put_struct one that is a field. */
void thrift_begin(ThriftWriter *w);
void thrift_end(ThriftWriter *w);

void thrift_put_struct(ThriftWriter *w, int id);
void thrift_put_int(ThriftWriter *w, int id, ThriftType type, int64_t value);	/* I16, I32, I64 */
void thrift_put_byte(ThriftWriter *w, int id, uint8_t value);
void thrift_put_bool(ThriftWriter *w, int id, bool value);
void thrift_put_binary(ThriftWriter *w, int id, Str value);
void thrift_put_list(ThriftWriter *w, int id, ThriftType element, uint32_t n);

/* Elements of lists. */
void thrift_add_int(ThriftWriter *w, int64_t value);
void thrift_add_binary(ThriftWriter *w, Str value);

#endif
