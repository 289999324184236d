#ifndef SLUICE_ENGINE_JSON_VALUE_H
#define SLUICE_ENGINE_JSON_VALUE_H

/*
 * JSON as ksqlDB's API writes it, to values of SQL: numbers to any number type that holds them, decimals as number or text, base64 to BYTES,
 * ISO texts to times, "NaN" and the infinities to DOUBLE.
 */
#include "data/json_text.h"
#include "data/value.h"

/* ERROR_DATA if nothing of that type can be made without loss.  Borrows texts of the tree. */
Status json_to_value(Arena *arena, const JsonValue *json, const Type *type, Value *out, Error *err);

/* A name as SQL folds it: upper case unless it stands in backquotes. */
Str json_fold_name(Arena *arena, Str name);

#endif
