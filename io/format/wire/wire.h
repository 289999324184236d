#ifndef SLUICE_IO_FORMAT_WIRE_WIRE_H
#define SLUICE_IO_FORMAT_WIRE_WIRE_H

/*
 * Schemas of AVRO, PROTOBUF and JSON_SR as one kind of tree, and values that follow them.
 *
 * A text (Avro JSON, proto3, JSON Schema) or a list of columns becomes a WireNode; wire_resolve gives every node its SQL type
 * (NULL: sluice has none for it; such fields are skipped).  Codecs go between bytes and a Value of the node's own type
 * (its "natural" value); wire_coerce goes between that and the type of a column.
 */
#include "data/json_text.h"
#include "data/schema.h"
#include "data/value.h"
#include "io/format.h"
#include "io/schema_registry.h"

#define WIRE_DEPTH_MAX 64		/* of nested values: deeper ones are refused */

typedef enum WireKind {
	WIRE_NULL,
	WIRE_BOOLEAN,
	WIRE_INT32,
	WIRE_INT64,
	WIRE_FLOAT,
	WIRE_DOUBLE,
	WIRE_STRING,
	WIRE_BYTES,
	WIRE_FIXED,			/* Avro: fixed_size bytes */
	WIRE_ENUM,			/* shown as text */
	WIRE_DECIMAL,		/* Avro: in bytes, or in fixed_size bytes */
	WIRE_DATE,
	WIRE_TIME,
	WIRE_TIMESTAMP,
	WIRE_ARRAY,
	WIRE_MAP,
	WIRE_RECORD,
	WIRE_UNION,			/* of several types: has no SQL type */
} WireKind;

/* PROTOBUF: how the number stands in the bytes. */
typedef enum WireLayout { LAYOUT_VARINT, LAYOUT_ZIGZAG, LAYOUT_FIXED32, LAYOUT_FIXED64 } WireLayout;

typedef struct WireNode WireNode;

typedef struct WireField {
	const char		*name;
	int				 number;		/* PROTOBUF */
	WireNode		*node;
	const JsonValue *otherwise;		/* Avro: the default; NULL: none */
} WireField;

struct WireNode {
	WireKind	kind;
	WireLayout	layout;
	bool		is_unsigned;		/* PROTOBUF: 32 bits without a sign */
	bool		is_optional;		/* NULL has a form of its own */
	bool		is_wrapper;			/* PROTOBUF: google.protobuf.*Value */
	bool		is_entries;			/* Avro MAP: an array of records of key and value */
	bool		is_resolving;
	bool		is_resolved;
	int			null_branch;		/* Avro: which branch of the union is null; -1: no union */
	int			fixed_size;
	int			precision, scale;
	const char *name;				/* full name of records, enums and fixed */
	int			n_symbols;
	const char **symbols;
	const int  *numbers;			/* PROTOBUF: of the symbols */
	int			n_fields;
	WireField  *fields;
	WireNode   *key;				/* PROTOBUF MAP */
	WireNode   *element;
	int			n_branches;
	WireNode  **branches;			/* UNION */
	const Type *type;				/* by wire_resolve */
};

WireNode *wire_node(Arena *arena, WireKind kind);

/* Gives the node and all below it their SQL types. */
const Type *wire_resolve(Arena *arena, WireNode *node);

/* The same type with names of fields in upper case. */
const Type *wire_type_upper(Arena *arena, const Type *type);

/*
 * A value as another type: fields by name (exact, else the one whose upper-cased name it is), missing ones NULL; numbers widen;
 * STRING takes every scalar.  ERROR_DATA otherwise.
 */
Status wire_coerce(Arena *arena, const Value *from, const Type *to, Value *out, Error *err);

/* The field of a STRUCT that a column of this name is; -1: none. */
int wire_find_field(const Type *type, const char *name);

/* The value of a JSON text for a type (as the JSON format reads it). */
Status wire_value_of_json(Arena *arena, Str json, const Type *type, Value *out, Error *err);

/* ---- AVRO ---- (avro_schema.c, avro_codec.c) */

Status avro_parse(Arena *arena, Str text, WireNode **out, Error *err);

/* The schema that ksqlDB makes of columns: a record called `name`, or (unwrapped) the type of the one column. */
WireNode *avro_of_columns(Arena *arena, const Column *columns, int n_columns, bool is_record, const char *name);
void	  avro_print(const WireNode *node, StrBuf *out);

/* False for names that Avro refuses. */
bool   avro_name_is_legal(const char *name);
Status avro_decode(Arena *arena, const WireNode *node, Str bytes, Value *out, Error *err);
Status avro_encode(Arena *arena, const WireNode *node, const Value *value, StrBuf *out, Error *err);

/* ---- PROTOBUF ---- (protobuf_schema.c, protobuf_codec.c) */

typedef struct ProtoMessage ProtoMessage;
struct ProtoMessage {
	const char	  *name;			/* full, with package and parents */
	WireNode	  *node;
	ProtoMessage  *parent;			/* message that it stands in */
	int			   index;			/* among its siblings */
};

typedef struct ProtoFile {
	int			   n_messages;		/* of all depths, in order of the text; those of imports are not among them */
	ProtoMessage **messages;
} ProtoFile;

Status protobuf_parse(Arena *arena, const RegisteredSchema *schema, ProtoFile *out, Error *err);

/* The message of a (full or simple) name, or (NULL) the first; NULL if there is none. */
const ProtoMessage *protobuf_message(const ProtoFile *file, const char *name);
/* The list of indexes behind the id, written and read. */
void				protobuf_add_path(const ProtoMessage *message, StrBuf *out);
const ProtoMessage *protobuf_read_path(const ProtoFile *file, Str *bytes);

WireNode *protobuf_of_columns(Arena *arena, const Column *columns, int n_columns, const char *name, const char *nullable);
void	  protobuf_print(const WireNode *node, StrBuf *out);
Status	  protobuf_decode(Arena *arena, const WireNode *node, Str bytes, Value *out, Error *err);
Status	  protobuf_encode(Arena *arena, const WireNode *node, const Value *value, StrBuf *out, Error *err);

/* ---- JSON_SR ---- (json_schema.c) */

Status json_schema_parse(Arena *arena, Str text, WireNode **out, Error *err);
void   json_schema_print(const Column *columns, int n_columns, bool is_record, StrBuf *out);

/* ---- what planner and engine need of all of them ---- (wire_format.c) */

/*
 * The columns of one side as its schema has them: by spec->schema_id, else the newest of spec->subject.  Names in upper case
 * unless an id is given.  ksqlDB's sentences if there is no schema or none that can be used.
 */
Status wire_infer_columns(Arena *arena, const FormatSpec *spec, Column **columns, int *n_columns, Error *err);

/* Makes the schema of the columns (or that of the id) the newest of the subject; `only_first`: unless it has one. */
Status wire_register(const FormatSpec *spec, bool only_first, Error *err);

/* `sluice test`: a payload of one side from its JSON text, and its value by the writer's schema. */
Status wire_payload_of_json(Arena *arena, const FormatSpec *spec, Str json, StrBuf *out, Error *err);
Status wire_value_of_payload(Arena *arena, const FormatSpec *spec, Str payload, Value *out, Error *err);

#endif
