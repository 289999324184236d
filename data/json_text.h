#ifndef SLUICE_DATA_JSON_TEXT_H
#define SLUICE_DATA_JSON_TEXT_H

/*
 * Single JSON documents: a strict reader (RFC 8259) to a tree in an arena, and a compact writer.
 *
 * Numbers stay text until the column's type is known, so nothing is lost.  Strings are decoded UTF-8; where they need no
 * decoding they point into the source, which therefore has to live as long as the tree.  Members keep the order of the
 * document; of members with one name json_member gives the last.  For single values: JSON functions, lenient decoding;
 * masses of records go through the decoder in io/format/json.
 */
#include "common/str.h"

typedef enum JsonKind {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
} JsonKind;

#define JSON_DEPTH_MAX 500

typedef struct JsonValue JsonValue;
typedef struct JsonMember JsonMember;

struct JsonValue {
	JsonKind	kind;
	bool		is_integer;		/* of a number: no point and no exponent */
	uint32_t	n;				/* elements or members */
	Str			text;			/* JSON_STRING: decoded; JSON_NUMBER: as written */
	union {
		JsonValue  *elements;
		JsonMember *members;
	};
};

struct JsonMember {
	Str			name;
	JsonValue	value;
};

typedef enum JsonFlags {
	JSON_STRICT = 0,
	JSON_ALLOW_TRAILING = 1,	/* what follows the first value is not looked at */
} JsonFlags;

/* FAILED (ERROR_DATA) gives the byte position.  An empty text is an error. */
Status json_parse(Arena *arena, Str text, JsonFlags flags, JsonValue *out, Error *err);

/* The same without a message: false if malformed. */
bool json_parse_quiet(Arena *arena, Str text, JsonFlags flags, JsonValue *out);

/* The last member with exactly this name (without regard to ASCII case), or NULL. */
const JsonValue *json_member(const JsonValue *object, Str name);
const JsonValue *json_member_nocase(const JsonValue *object, Str name);

/* Quoted and escaped as Jackson does: the short escapes, \u00XX for other controls; everything else as it is. */
void json_write_string(StrBuf *out, Str text);

/* Compact text; numbers as written. */
void json_write(StrBuf *out, const JsonValue *value);

/* As above with members sorted by name (UTF-16 order). */
void json_write_sorted(StrBuf *out, const JsonValue *value);

#endif
