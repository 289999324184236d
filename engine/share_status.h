#ifndef SLUICE_ENGINE_SHARE_STATUS_H
#define SLUICE_ENGINE_SHARE_STATUS_H

/* What is told of a query's share.  All of it under lock_queries; queries that are not on Kafka add nothing. */
#include "data/json_build.h"
#include "engine/share.h"
#include "engine/standby.h"

/* Lines for EXPLAIN: what taking partitions over took, and what this process stands by for. */
void share_explain(const Query *query, StrBuf *text);

/* The same in a few words, for DESCRIBE EXTENDED of what the query writes; NULL: this process stands by for nothing of it.  query may be NULL. */
const char *share_standby_text(const Query *query, Arena *arena);

/* The changelogs and {topic, partition} that this process stands by for.  query may be NULL. */
void share_list_standby(const Query *query, Arena *arena, JsonValue *stores, JsonValue *partitions);

#endif
