#ifndef SLUICE_DATA_JSON_BUILD_H
#define SLUICE_DATA_JSON_BUILD_H

/*
 * Makes trees of data/json_text.h in an arena: json_object, then json_add for each member.  Texts are borrowed, so they have to live
 * as long as the tree; members keep the order in which they are added.
 */
#include "data/json_text.h"

JsonValue json_null(void);
JsonValue json_bool(bool value);
JsonValue json_int(Arena *arena, int64_t number);
JsonValue json_string(const char *text);		/* NULL gives null */
JsonValue json_array(void);
JsonValue json_object(void);

/* Add to a tree that these functions made: an array's element, an object's member. */
void json_push(Arena *arena, JsonValue *array, JsonValue element);
void json_add(Arena *arena, JsonValue *object, const char *name, JsonValue value);

/* Member of a tree as text, number or truth; NULL, 0 and false where it is missing or of another kind. */
const char *json_text_of(Arena *arena, const JsonValue *object, const char *name);
int64_t		json_int_of(const JsonValue *object, const char *name);
bool		json_bool_of(const JsonValue *object, const char *name);

#endif
