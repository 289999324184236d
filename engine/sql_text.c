#include "engine/sql_text.h"

#include "parser/lexer.h"
#include "parser/parser.h"
#include "planner/bind/properties.h"

Str
sql_next_statement(Str *rest)
{
	LexerOpen open;
	size_t	  end = lexer_statement_end(*rest, &open);
	Str		  text = str_make(rest->data, end > 0 ? end : rest->length);

	*rest = str_make(rest->data + text.length, rest->length - text.length);
	return text;
}

Status
sql_substitute(Arena *arena, Str text, const char *(*find)(void *context, const char *name), void *context, Str *out, Error *err)
{
	*out = text;
	return memmem(text.data, text.length, "${", 2) != NULL ? variables_substitute(arena, text, find, context, out, err) : OK;
}

void
sql_classify(Arena *arena, Str text, SqlStatement *out)
{
	AstStatementList list;
	Error			 ignored;

	*out = (SqlStatement){.route = SQL_OTHER};
	if (parser_parse(arena, text, (ParserOptions){0}, &list, &ignored) != OK)
		return;
	if (list.n_items == 0) {
		out->route = SQL_EMPTY;
		return;
	}
	switch (list.items[0]->kind) {
	case AST_SELECT:
		out->route = SQL_QUERY;
		return;
	case AST_PRINT:
		out->route = SQL_PRINT;
		return;
	case AST_SET:
		*out = (SqlStatement){SQL_SET, list.items[0]->set.name, property_text(list.items[0]->set.value)};
		return;
	case AST_UNSET:
		*out = (SqlStatement){SQL_UNSET, list.items[0]->set.name, NULL};
		return;
	case AST_DEFINE:
		*out = (SqlStatement){SQL_DEFINE, list.items[0]->define.name.text, list.items[0]->define.value};
		return;
	case AST_UNDEFINE:
		*out = (SqlStatement){SQL_UNDEFINE, list.items[0]->define.name.text, NULL};
		return;
	case AST_RUN_SCRIPT:
		*out = (SqlStatement){SQL_SCRIPT, list.items[0]->file.path, NULL};
		return;
	default:
		return;
	}
}
