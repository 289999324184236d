#include "engine/redact.h"

#include "common/setting.h"
#include "engine/engine_impl.h"
#include "parser/ast_mask.h"
#include "parser/ast_print.h"

static void
redact_one(Arena *arena, AstStatement *statement, StrBuf *out)
{
	ast_mask(arena, statement, setting_is_secret);
	if (out->length > 0)
		strbuf_add_char(out, ' ');
	ast_print_statement(out, statement);
	strbuf_add_char(out, ';');
}

void
redact_statements(Str sql, StrBuf *out)
{
	Arena		  arena = {0};
	ParserCursor  cursor = {.text = sql};
	ParserOptions options = {0};
	Status		  status;

	do {
		AstStatement *statement = NULL;
		size_t		  start = cursor.offset;
		Error		  ignored;

		status = parser_next(&arena, &cursor, options, &statement, &ignored);
		if (status == OK && statement != NULL)
			redact_one(&arena, statement, out);
		else if (status == FAILED) {
			strbuf_printf(out, "%s[%zu bytes that cannot be parsed];", out->length > 0 ? " " : "", cursor.offset - start);
			if (cursor.offset <= start)
				break;
		}
	} while (status != DONE);
	arena_free(&arena);
}

const char *
redact_shown(Arena *arena, const char *sql)
{
	AstStatementList written, masked;
	StrBuf			 text = {0};
	const char		*shown;
	Error			 ignored;

	if (parser_parse(arena, str_of(sql), (ParserOptions){0}, &written, &ignored) == FAILED || written.n_items != 1 ||
		parser_parse(arena, str_of(sql), (ParserOptions){0}, &masked, &ignored) == FAILED)
		return sql;
	ast_mask(arena, masked.items[0], setting_is_secret);
	if (ast_equal(written.items[0], masked.items[0]))
		return sql;
	ast_print_statement(&text, masked.items[0]);
	strbuf_add_char(&text, ';');
	shown = arena_strdup(arena, strbuf_text(&text));
	strbuf_free(&text);
	return shown;
}

const char *
redact_command(Arena *arena, const char *sql)
{
	AstStatementList list;
	StrBuf			 text = {0};
	const char		*shown;
	Error			 ignored;

	if (parser_parse(arena, str_of(sql), (ParserOptions){.is_ksqldb = true, .folds_names = true}, &list, &ignored) == FAILED || list.n_items != 1)
		return sql;
	ast_mask(arena, list.items[0], setting_is_secret);
	ast_print_statement(&text, list.items[0]);
	strbuf_add_char(&text, ';');
	shown = arena_strdup(arena, strbuf_text(&text));
	strbuf_free(&text);
	return shown;
}

const char *
redact_value(const char *name, const char *value)
{
	return value != NULL && setting_is_secret(name) ? SETTING_MASK : value;
}

Status
statements_visit(Str sql, bool is_ksqldb, Status (*visit)(void *context, const StatementPermission *statement, Error *err), void *context,
				 Error *err)
{
	Arena		 arena = {0};
	ParserCursor cursor = {.text = sql};
	Status		 status = OK;

	while (status == OK) {
		AstStatement	   *statement = NULL;
		StatementPermission permission;

		status = parser_next(&arena, &cursor, (ParserOptions){.is_ksqldb = is_ksqldb}, &statement, err);
		if (status != OK || statement == NULL)
			break;
		permission = statement_permission_of(statement);
		status = visit(context, &permission, err);
	}
	arena_free(&arena);
	return status == FAILED ? FAILED : OK;
}
