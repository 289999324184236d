#ifndef SLUICE_IO_FORMAT_JSON_JSON_DECODE_H
#define SLUICE_IO_FORMAT_JSON_JSON_DECODE_H

/*
 * JSON text straight into rows of typed vectors, by a plan made once per schema.
 *
 * A value is scanned once and converted when its column's type is known, so that numbers lose nothing.  Records of one
 * producer mostly have the same fields in the same order: an object remembers the keys of the last one, and a key that
 * stands where it stood before costs one comparison.
 *
 * Name look-up: the exact name, else the field whose upper-cased name is the column's (lenient: whose name differs by case
 * only).  Of fields that match alike the last one counts.
 */
#include "data/schema.h"
#include "data/vector.h"
#include "io/format/json/json_scan.h"

typedef struct JsonPlan JsonPlan;

/* A plan for an object with these fields (a record, or a file's row). */
JsonPlan *json_plan_record(Arena *arena, const Column *columns, int n_columns);
/* A plan for any single value of a type. */
JsonPlan *json_plan_value(Arena *arena, const Type *type);

typedef struct JsonReader {
	JsonCursor cursor;
	Arena	  *arena;			/* of nested values and of text that had escapes */
	bool	   is_lenient;		/* standard dialect: time types from ISO text; names in any case */
	bool	   from_text;		/* types were inferred from text: numbers must fit exactly, nothing wraps */
	/* Stop when every wanted field has been seen: what follows is not checked.  For files, where lines end values. */
	bool	   is_lazy;
	bool	   has_stopped;		/* result: it did, behind a value of the object */
} JsonReader;

/* An object into row `row` of columns[i] (NULL: field i is not wanted).  The cursor stands at the '{'. */
Status json_decode_record(JsonReader *reader, JsonPlan *plan, Vector *const *columns, int32_t row, Error *err);

/* Any value; JSON null makes the row NULL. */
Status json_decode_value(JsonReader *reader, JsonPlan *plan, Vector *v, int32_t row, Error *err);

/* "IntNode", ...: the kind of the value at the cursor, by the names of ksqlDB's messages. */
const char *json_node_name(const JsonCursor *cursor);

/* Appends what STRING columns get: text as is, numbers and booleans as text, objects compact, arrays `[a, b]`.  The
 * cursor stands at a value and ends behind it. */
Status json_value_as_text(JsonReader *reader, StrBuf *out, Error *err);

#endif
