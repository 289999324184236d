#include "data/json_build.h"

#include <stdlib.h>

#define FIRST_ROOM 8		/* elements; room doubles where n is a power of two from here on */

JsonValue
json_null(void)
{
	return (JsonValue){.kind = JSON_NULL};
}

JsonValue
json_bool(bool value)
{
	return (JsonValue){.kind = value ? JSON_TRUE : JSON_FALSE};
}

JsonValue
json_int(Arena *arena, int64_t number)
{
	const char *text = arena_printf(arena, "%lld", (long long)number);

	return (JsonValue){.kind = JSON_NUMBER, .is_integer = true, .text = str_of(text)};
}

JsonValue
json_string(const char *text)
{
	return text != NULL ? (JsonValue){.kind = JSON_STRING, .text = str_of(text)} : json_null();
}

JsonValue
json_array(void)
{
	return (JsonValue){.kind = JSON_ARRAY};
}

JsonValue
json_object(void)
{
	return (JsonValue){.kind = JSON_OBJECT};
}

static bool
is_full(uint32_t n)
{
	return n == 0 || (n >= FIRST_ROOM && (n & (n - 1)) == 0);
}

void
json_push(Arena *arena, JsonValue *array, JsonValue element)
{
	uint32_t n = array->n;

	if (is_full(n)) {
		JsonValue *grown = arena_array(arena, JsonValue, n > 0 ? 2 * n : FIRST_ROOM);

		if (n > 0)
			memcpy(grown, array->elements, sizeof *grown * n);
		array->elements = grown;
	}
	array->elements[array->n++] = element;
}

void
json_add(Arena *arena, JsonValue *object, const char *name, JsonValue value)
{
	uint32_t n = object->n;

	if (is_full(n)) {
		JsonMember *grown = arena_array(arena, JsonMember, n > 0 ? 2 * n : FIRST_ROOM);

		if (n > 0)
			memcpy(grown, object->members, sizeof *grown * n);
		object->members = grown;
	}
	object->members[object->n++] = (JsonMember){.name = str_of(name), .value = value};
}

const char *
json_text_of(Arena *arena, const JsonValue *object, const char *name)
{
	const JsonValue *value = object != NULL && object->kind == JSON_OBJECT ? json_member(object, str_of(name)) : NULL;

	if (value == NULL || (value->kind != JSON_STRING && value->kind != JSON_NUMBER))
		return NULL;
	return str_to_arena(arena, value->text);
}

int64_t
json_int_of(const JsonValue *object, const char *name)
{
	const JsonValue *value = object != NULL && object->kind == JSON_OBJECT ? json_member(object, str_of(name)) : NULL;

	return value != NULL && value->kind == JSON_NUMBER ? strtoll(value->text.data, NULL, 10) : 0;
}

bool
json_bool_of(const JsonValue *object, const char *name)
{
	const JsonValue *value = object != NULL && object->kind == JSON_OBJECT ? json_member(object, str_of(name)) : NULL;

	return value != NULL && value->kind == JSON_TRUE;
}
