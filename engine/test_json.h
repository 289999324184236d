#ifndef SLUICE_ENGINE_TEST_JSON_H
#define SLUICE_ENGINE_TEST_JSON_H

/* How `sluice test` reads and writes records as JSON, and its ASSERT statements.  For engine/test_run.c. */
#include "data/json_text.h"
#include "engine/engine_impl.h"

/* How far ASSERT VALUES has read each topic. */
typedef struct TestCursor TestCursor;
struct TestCursor {
	TestCursor *next;
	const char *topic;
	int64_t		offset;
};

/* A case's record as bytes, in the formats of `source` (NULL: JSON text).  Memory in `arena`. */
Status test_record_encode(Arena *arena, Engine *engine, const JsonValue *record, const CatalogSource *source, Record *out,
						  Error *err);

/* A value of a result row. */
void test_value_json(const Value *value, StrBuf *out);

/* The newest source over a topic in any of the snapshots; NULL if there never was one. */
const CatalogSource *test_source_of_topic(const CatalogSnapshot *const *snapshots, int n_snapshots, const char *topic);

/* {"outputs": ..., "sources": ..., "topics": ..., "responses": ..., "assertions": n} */
Status test_print_actual(Arena *arena, Engine *engine, const CatalogSnapshot *const *snapshots, int n_snapshots, const char *responses,
						 int n_assertions, StrBuf *out, Error *err);

/* Compares the outputs with an expected file and prints what differs; true if nothing does. */
bool test_compare(Arena *arena, const char *path, Str actual);

/* ASSERT VALUES, ASSERT NULL VALUES, ASSERT STREAM, ASSERT TABLE. */
Status test_assert(StatementContext *context, const AstStatement *statement, TestCursor **cursors, Arena *arena, Error *err);

#endif
