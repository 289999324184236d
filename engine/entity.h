#ifndef SLUICE_ENGINE_ENTITY_H
#define SLUICE_ENGINE_ENTITY_H

/*
 * Parts that entities are made of, in the form of ksqlDB's API.  Everything is in the arena; texts are borrowed.
 */
#include "data/json_build.h"
#include "data/schema.h"

/* {"type", "fields", "memberSchema", "parameters"}; a MAP whose key is no STRING has "keySchema" too. */
JsonValue entity_type(Arena *arena, const Type *type);

/* {"name", "schema"} and, where they are not NULL, "type" (KEY, HEADER) and "headerKey". */
JsonValue entity_field(Arena *arena, const char *name, const Type *type, const char *role, const char *header);

/* A list of the columns of a schema; the first n_key are marked KEY. */
JsonValue entity_fields(Arena *arena, const Schema *schema, int n_key);

/* The SQL text of what entity_type made: "ARRAY<STRUCT<`A` DECIMAL(4, 2)>>". */
void entity_type_text(const JsonValue *type, StrBuf *out);

#endif
