#ifndef SLUICE_ENGINE_DDL_IMPL_H
#define SLUICE_ENGINE_DDL_IMPL_H

/* What the files of statements that change the catalog share.  All of it under lock_ddl. */
#include "engine/command_status.h"
#include "engine/engine_impl.h"

/* The id of a command is type/entity/action; sources stand in backquotes there. */
typedef struct CommandName {
	const char *type;
	const char *entity;
	const char *action;
	bool		is_source;
} CommandName;

/* ---- ddl_command.c ---- */

/* Tells of a command from its beginning to its end, unless it recovers or is only tried: that is nobody's business. */
void command_begin_statement(StatementContext *context, const AstStatement *statement, PendingCommand *command);
void command_end_statement(StatementContext *context, Status status, const Error *err);

/* Appends the statement to the log; *sequence numbers it.  During recovery the number comes from the log. */
Status command_log(StatementContext *context, int64_t *sequence, Error *err);
/* The same; `replaced` (NULL: none) names a query that goes on with the state it has under `plan`. */
Status command_log_replacing(StatementContext *context, const char *replaced, const PersistentPlan *plan, int64_t *sequence, Error *err);

/* IF [NOT] EXISTS had nothing to do. */
void command_tell_warning(StatementContext *context, const char *format, ...) PRINTF_LIKE(2, 3);
/* A command has been carried out. */
void command_tell_status(StatementContext *context, CommandName name, int64_t sequence, const char *query_id, const char *format, ...)
	PRINTF_LIKE(5, 6);

const char *entity_kind_word(EntityKind kind);

/* ---- ddl_drop.c ---- */

Status ddl_drop(StatementContext *context, const AstStatement *statement, Error *err);
/* TERMINATE, PAUSE, RESUME. */
Status ddl_control(StatementContext *context, const AstStatement *statement, Error *err);
/* A query ends: out of the catalog, stopped, its state gone. */
Status ddl_end_query(StatementContext *context, const char *id, Error *err);

#endif
