#ifndef SLUICE_ENGINE_REDACT_H
#define SLUICE_ENGINE_REDACT_H

/*
 * Statements for logs and for the eyes of others: canonical SQL without comments, in which secrets are masked (parser/ast_mask.h).
 * Pure; any thread.
 */
#include "common/str.h"

/*
 * Appends all statements of a text, each with its `;`.  A statement that cannot be parsed is not shown, because nobody knows where
 * its secrets are: only how long it is.
 */
void redact_statements(Str sql, StrBuf *out);

/*
 * One statement as others may see it: as written if it holds no secret, else canonical and masked; what cannot be parsed as it is, because
 * only who sent it sees it.  In the arena, or `sql` itself.
 */
const char *redact_shown(Arena *arena, const char *sql);

/*
 * The text of a command as ksqlDB's answers have it: canonical, names that are not quoted in upper case, secrets masked.  In the arena, or `sql`
 * itself if it cannot be parsed.
 */
const char *redact_command(Arena *arena, const char *sql);

/* The value of a setting or property, or the mask if its name is a secret's. */
const char *redact_value(const char *name, const char *value);

/*
 * What a text of statements does, for permission checks and the audit log before it runs: told statement by statement.  FAILED with
 * the syntax error if it cannot be parsed: then nothing of it can run either.
 */
struct StatementPermission;
Status statements_visit(Str sql, bool is_ksqldb, Status (*visit)(void *context, const struct StatementPermission *statement, Error *err),
						void *context, Error *err);

#endif
